#!/bin/sh
# Puts tools that judge images and their signatures below a directory, without installing anything,
# and has each say its version.
#
# usage: image-tools.sh DIR
#
# What runs an image (podman of bookworm, runc, Incus) and actool come from tools.sh. Needs what
# that needs, and gpg and openssl. What cannot be had is told and left out; what is there already
# is not fetched again. Exit 1 when one does not run.
set -eu
# shellcheck source=tests/runtime/fetch.sh
. "$(dirname "$0")/fetch.sh"
dir=${1:?usage: image-tools.sh DIR}
mkdir -p "$dir"
dir=$(cd "$dir" && pwd)

# Programs that run as they are, wherever they come from.
trixie="cosign in-toto-golang oci-image-tool umoci oras"
bookworm="docker-registry patchelf shellcheck"

debs() {
    for package in $trixie; do
        unpack trixie "$package" "$package"
    done
    for package in $bookworm; do
        unpack bookworm "$package" "$package"
    done
    unpack bookworm skopeo-bookworm skopeo libgpgme11 libassuan0 libdevmapper1.02.1
    unpack trixie containers-trixie skopeo podman libc6 libgpgme11t64 libassuan9 libgpg-error0 \
        libsqlite3-0 libsubid5 libseccomp2 libaudit1 libcap-ng0 libselinux1 libpcre2-8-0 netavark
}

# Programs of trixie that need its C library are given its loader and libraries by name. An
# LD_LIBRARY_PATH would reach what they start, and a loader in front would be started by them in
# their own place.
own_loader() {
    root=$dir/x/containers-trixie
    [ -e "$root/.patched" ] && return 0
    for program in skopeo podman; do
        "$dir/x/patchelf/usr/bin/patchelf" \
            --set-interpreter "$root/usr/lib64/ld-linux-x86-64.so.2" \
            --force-rpath --set-rpath "$root/usr/lib/x86_64-linux-gnu" "$root/usr/bin/$program"
    done
    touch "$root/.patched"
}

# All of them by one name each, in bin.
links() {
    mkdir -p "$dir/bin"
    for program in cosign in-toto-golang oci-image-tool umoci oras docker-registry; do
        ln -sf "../x/$program/usr/bin/$program" "$dir/bin/$program"
    done
    for program in skopeo podman; do
        ln -sf "../x/containers-trixie/usr/bin/$program" "$dir/bin/$program"
    done
    ln -sf ../py/bin/in-toto-verify "$dir/bin/in-toto-verify"
    cat >"$dir/bin/skopeo-1.9" <<END
#!/bin/sh
LD_LIBRARY_PATH=$dir/x/skopeo-bookworm/usr/lib/x86_64-linux-gnu exec $dir/x/skopeo-bookworm/usr/bin/skopeo "\$@"
END
    chmod +x "$dir/bin/skopeo-1.9"
}

failed=0

# version NAME COMMAND...: the first line of what it says that has a number in it.
version() {
    name=$1
    shift
    if said=$("$@" 2>&1) && line=$(echo "$said" | grep -m 1 '[0-9]\.[0-9]'); then
        printf '%-16s %s\n' "$name" "$line"
    else
        printf '%-16s does not run: %s\n' "$name" "$(echo "$said" | tail -1)"
        failed=1
    fi
}

# packaged NAME COMMAND...: one that runs and does not know its version, which is its package's.
# shellcheck disable=SC2317
packaged() {
    name=$1
    shift
    "$@" >/dev/null 2>&1 && cat "$dir/x/$name/packages"
}

versions() {
    version cosign packaged cosign "$dir/bin/cosign" version
    version skopeo "$dir/bin/skopeo" --version
    version skopeo-1.9 "$dir/bin/skopeo-1.9" --version
    version podman "$dir/bin/podman" --version
    version docker-registry "$dir/bin/docker-registry" --version
    version oci-image-tool "$dir/bin/oci-image-tool" --version
    version umoci "$dir/bin/umoci" --version
    version oras "$dir/bin/oras" version
    version in-toto-verify "$dir/bin/in-toto-verify" --version
    version in-toto-golang packaged in-toto-golang "$dir/bin/in-toto-golang" --help
    version gpg gpg --version
    version openssl openssl version
}

apt_settings
debs
own_loader
pip in-toto 'securesystemslib[crypto]' pynacl
links
versions
exit $failed
