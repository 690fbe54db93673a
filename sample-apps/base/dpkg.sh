#!/bin/sh
# Writes a dpkg database below ROOT. DIR holds, for each package, NAME.control (its stanza in
# var/lib/dpkg/status, without Conffiles), NAME.files (its paths), and NAME.postinst and the like,
# which are copied. Files below /etc are conffiles.
# usage: dpkg.sh ROOT DIR
set -eu
ROOT=$1 dir=$2
db=$ROOT/var/lib/dpkg
rm -rf "$db"
mkdir -p "$db/info"
md5() { md5sum < "$ROOT$1" | cut -d' ' -f1; }

for control in "$dir"/*.control; do
    base=${control%.control}
    name=$(basename "$base")
    if grep -q '^Multi-Arch: same' "$control"; then
        name=$name:$(sed -n 's/^Architecture: //p' "$control")
    fi
    # The list names every directory on the way, as dpkg's does.
    awk '{
        n = split($0, part, "/"); path = ""
        if (!seen["/."]++) print "/."
        for (i = 2; i <= n; i++) { path = path "/" part[i]; if (!seen[path]++) print path }
    }' "$base.files" > "$db/info/$name.list"
    grep '^/etc/' "$base.files" > "$db/info/$name.conffiles" || rm "$db/info/$name.conffiles"
    grep -v '^/etc/' "$base.files" | while read -r path; do
        [ ! -f "$ROOT$path" ] || [ -L "$ROOT$path" ] || printf '%s  %s\n' "$(md5 "$path")" "${path#/}"
    done > "$db/info/$name.md5sums"
    for script in preinst postinst prerm postrm; do
        [ ! -f "$base.$script" ] || install -m755 "$base.$script" "$db/info/$name.$script"
    done
    # Conffiles stand before Description, as dpkg writes them.
    sed '/^Description:/,$d' "$control"
    if [ -f "$db/info/$name.conffiles" ]; then
        echo Conffiles:
        while read -r path; do echo " $path $(md5 "$path")"; done < "$db/info/$name.conffiles"
    fi
    sed -n '/^Description:/,$p' "$control"
    echo
done > "$db/status"
