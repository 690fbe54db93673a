# Sourced by the scripts that fetch tools: Debian packages unpacked below a directory, nothing
# installed. The caller sets `dir`, which exists and is absolute.
# shellcheck shell=sh disable=SC2154

# The Debian archive that this machine is set up for.
mirror() {
    cat /etc/apt/sources.list /etc/apt/sources.list.d/* 2>/dev/null |
        sed -n 's/^URIs: *//p; s/^deb \(\[.*\] \)\{0,1\}\([a-z]*:[^ ]*\) .*/\2/p' |
        grep -m 1 '/debian/\{0,1\}$'
}

# An apt of its own, which knows bookworm and trixie and takes nothing for installed.
apt_settings() {
    mkdir -p "$dir/apt/lists/partial" "$dir/apt/cache/archives/partial" "$dir/x"
    from=$(mirror)
    for suite in bookworm trixie; do
        echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $from $suite main"
    done >"$dir/apt/sources.list"
    cat >"$dir/apt/apt.conf" <<END
Dir::State "$dir/apt";
Dir::State::status "/dev/null";
Dir::Cache "$dir/apt/cache";
Dir::Etc::sourcelist "$dir/apt/sources.list";
Dir::Etc::sourceparts "-";
APT::Sandbox::User "root";
END
    export APT_CONFIG="$dir/apt/apt.conf"
    apt-get -qq update
}

# unpack SUITE NAME PACKAGE...: the packages' files below x/NAME, unless it is there, and in a file
# `packages` beside them the version of each.
unpack() (
    suite=$1 into=$dir/x/$2
    [ -d "$into" ] && exit 0
    shift 2
    rm -rf "$into.new"
    mkdir -p "$into.new/debs"
    cd "$into.new/debs" || exit 1
    # shellcheck disable=SC2046
    apt-get -qq download $(printf "%s/$suite " "$@") 2>/dev/null ||
        for package; do
            apt-get -qq download "$package/$suite" || echo "${0##*/}: no $package"
        done
    for deb in *.deb; do
        [ -e "$deb" ] || { rm -rf "$into.new"; exit 0; }
        dpkg -x "$deb" "$into.new"
        dpkg-deb -f "$deb" Package Version | sed 's/^[A-Za-z]*: //' | paste -s -d ' ' - >>"$into.new/packages"
    done
    rm -rf "$into.new/debs"
    mv "$into.new" "$into"
)

# pip PACKAGE...: Python packages, in an environment of their own.
pip() {
    [ -x "$dir/py/bin/pip" ] || python3 -m venv "$dir/py"
    for package; do
        "$dir/py/bin/pip" --quiet --disable-pip-version-check install "$package" ||
            echo "${0##*/}: no $package"
    done
}
