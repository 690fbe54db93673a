#!/bin/sh
# Holds the readers of rpm's stores against rpm itself.
#
# Makes packages with rpmbuild, installs them with rpm into an SQLite and, where rpm was built with
# it (Debian's is not), an ndb database, puts the same headers into Berkeley DB hash files of both byte orders with db_load, leaves changes in
# SQLite's write-ahead log; and compares what seaworthy reads from each with what rpm answers.
#
# Fetches, with `apt-get download`, rpm, db5.3-util, sqlite3 and what they need, and unpacks them
# into a scratch folder; installs nothing and needs no root. Needs a Debian-like host, a network,
# and cargo.
set -eu

here=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

(cd "$here" && cargo build -q --example packages)
target=${CARGO_TARGET_DIR:-$here/target}
packages() { "$target/debug/examples/packages" "$@"; }

echo "fetching rpm, db5.3-util and sqlite3 ..."
mkdir debs tools
wanted=$(apt-get -s --no-install-recommends install rpm db5.3-util sqlite3 2>/dev/null |
    awk '/^Inst/ { print $2 }')
(cd debs && apt-get -qq download rpm db5.3-util sqlite3 $wanted 2> ../fetch.log) || { cat fetch.log; exit 1; }
for deb in debs/*.deb; do dpkg -x "$deb" tools; done
LD_LIBRARY_PATH=$(echo "$work"/tools/usr/lib/*-linux-gnu)
PATH="$work/tools/usr/bin:$PATH"
RPM_CONFIGDIR="$work/tools/usr/lib/rpm"
# No macros of the user who runs this.
HOME=$work
export LD_LIBRARY_PATH PATH RPM_CONFIGDIR HOME

# --- packages: small, with every kind of file, and with headers of many pages -----------------
mkdir -p specs
cat > specs/mercury.spec <<'SPEC'
Name: mercury
Version: 2.0
Release: 1.el6
Epoch: 3
Summary: x
License: GPLv2+ and MIT
Requires: mercury-libs
%description
x
%package libs
Summary: x
License: LGPLv2+
%description libs
x
%package many
Summary: x
License: Proprietary
BuildArch: noarch
%description many
x
%install
mkdir -p %{buildroot}/etc/mercury %{buildroot}/var/lib/mercury %{buildroot}/var/log/mercury \
    %{buildroot}/usr/bin %{buildroot}/usr/lib64 %{buildroot}/opt/many
echo shipped > %{buildroot}/etc/mercury/main.conf
echo shipped > "%{buildroot}/etc/mercury/with blank.conf"
echo program > %{buildroot}/usr/bin/mercury
ln -s mercury %{buildroot}/usr/bin/hg
echo so > %{buildroot}/usr/lib64/libmercury.so.2
touch %{buildroot}/var/log/mercury/mercury.log
for i in $(seq 1 3000); do echo $i > %{buildroot}/opt/many/a-file-with-a-longer-name-$i; done
%post
mkdir -p /var/lib/mercury/new
%post libs -p /sbin/ldconfig
%files
%config(noreplace) /etc/mercury/main.conf
%config(missingok) "/etc/mercury/with blank.conf"
%dir %attr(0750, mercury, adm) /var/lib/mercury
%dir /var/log/mercury
%ghost /var/log/mercury/mercury.log
%attr(4755, root, root) /usr/bin/mercury
/usr/bin/hg
%files libs
/usr/lib64/libmercury.so.2
%files many
/opt/many
SPEC
for number in $(seq 1 120); do
    cat > "specs/small-$number.spec" <<SPEC
Name: small-$number
Version: 1.$number
Release: 1
Summary: x
License: MIT
BuildArch: noarch
%description
$(seq 1 $((number * 9)))
%install
mkdir -p %{buildroot}/etc
echo $number > %{buildroot}/etc/small-$number
%files
%config /etc/small-$number
SPEC
done
echo "building packages ..."
for spec in specs/*.spec; do
    rpmbuild -bb --quiet --define "_topdir $work/build" --define '__os_install_post %{nil}' \
        --define '_build_id_links none' --define 'debug_package %{nil}' "$spec" > build.log 2>&1 ||
        { cat build.log; exit 1; }
done

# --- rpm's own answers, and ours ---------------------------------------------------------------
fail=0
compare() { # name of the comparison, folder with a root
    packages "$2" 2> issues | cut -d'|' -f1-3,5 | sort > ours.packages
    packages "$2" --files 2>> issues | sort -u > ours.files
    grep -v ' packages in ' issues > faults || true
    if cmp -s ours.packages rpm.packages && cmp -s ours.files rpm.files && ! [ -s faults ]; then
        echo "ok      $1: $(wc -l < ours.packages) packages, $(wc -l < ours.files) files"
    else
        echo "FAILED  $1"
        diff ours.packages rpm.packages | head -5 || true
        diff ours.files rpm.files | head -5 || true
        cat faults
        fail=1
    fi
}

for backend in sqlite ndb; do
    mkdir "none.$backend"
    if rpm --define "_db_backend $backend" --dbpath "$work/none.$backend" -qa 2>&1 |
        grep -q 'dummy database'; then
        echo "skipped $backend: this rpm was built without it"
        continue
    fi
    root="$work/root.$backend"
    db="$root/var/lib/rpm"
    mkdir -p "$db"
    rpm --define "_db_backend $backend" --dbpath "$db" --justdb --nodeps --nosignature \
        --ignorearch --noscripts --force-debian -i "$work"/build/RPMS/*/*.rpm > install.log 2>&1 ||
        { cat install.log; exit 1; }
    # Removal leaves holes.
    rpm --define "_db_backend $backend" --dbpath "$db" --justdb --nodeps --noscripts \
        -e small-7 small-90 2> /dev/null
    ask() { rpm --define "_db_backend $backend" --dbpath "$db" -qa --qf "$1"; }
    ask '%{NAME}|%|EPOCH?{%{EPOCH}:}|%{VERSION}-%{RELEASE}|%{ARCH}|%{LICENSE}\n' |
        sort > rpm.packages
    ask '[%{=NAME}|%{FILENAMES}|%{FILEMODES:octal}|%{FILEUSERNAME}|%{FILEGROUPNAME}|%{FILEDIGESTS}|%{FILEFLAGS:fflags}\n]' |
        awk -F'|' 'BEGIN { OFS = FS } {
            $3 = substr($3, length($3) - 3); sub(/^0+/, "", $3);
            flags = ($7 ~ /c/ ? "c" : "") ($7 ~ /g/ ? "g" : ""); $7 = flags; print }' |
        sort -u > rpm.files
    compare "$backend" "$root"
done

# From here on rpm's answers are those for the last of these databases: they hold the same.

# --- the same headers in Berkeley DB, and in SQLite's log --------------------------------------
sqlite=$work/root.sqlite/var/lib/rpm/rpmdb.sqlite
for order in 1234 4321; do
    root="$work/root.bdb.$order"
    mkdir -p "$root/var/lib/rpm"
    # Keys are package numbers in the byte order of the file.
    if [ $order = 1234 ]; then
        key="substr(h, 7, 2) || substr(h, 5, 2) || substr(h, 3, 2) || substr(h, 1, 2)"
    else
        key=h
    fi
    {
        printf 'VERSION=3\nformat=bytevalue\ntype=hash\ndb_lorder=%s\ndb_pagesize=4096\nHEADER=END\n' $order
        printf ' 00000000\n ff000000\n'
        sqlite3 "$sqlite" "SELECT ' ' || ($key) || char(10) || ' ' || lower(hex(blob))
            FROM (SELECT printf('%08x', hnum) AS h, blob FROM Packages);"
        echo 'DATA=END'
    } > dump
    db5.3_load -f dump "$root/var/lib/rpm/Packages"
    compare "Berkeley DB, byte order $order" "$root"
done

root="$work/root.wal"
mkdir -p "$root/usr/lib/sysimage/rpm"
cp "$sqlite" work.sqlite
sqlite3 work.sqlite "CREATE TABLE held (hnum INTEGER PRIMARY KEY, blob BLOB);
    INSERT INTO held SELECT * FROM Packages WHERE hnum % 3 = 0;
    DELETE FROM Packages WHERE hnum % 3 = 0; VACUUM;"
# The copy is made while the database is open: that is when the log has content.
sqlite3 work.sqlite > /dev/null <<SQL
PRAGMA journal_mode = WAL;
PRAGMA wal_autocheckpoint = 0;
INSERT INTO Packages SELECT * FROM held;
.shell cp work.sqlite "$root/usr/lib/sysimage/rpm/rpmdb.sqlite"
.shell cp work.sqlite-wal "$root/usr/lib/sysimage/rpm/rpmdb.sqlite-wal"
SQL
[ -s "$root/usr/lib/sysimage/rpm/rpmdb.sqlite-wal" ] || { echo "no log was made"; exit 1; }
compare "SQLite with $(($(wc -c < "$root/usr/lib/sysimage/rpm/rpmdb.sqlite-wal") / 1024)) KiB in its log" "$root"

exit $fail
