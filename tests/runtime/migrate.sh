#!/usr/bin/env bash
# Copies a tree with every oddity by `seaworthy migrate`, with rsync as the judge: what arrives, what
# happens when it is killed at 50 moments, when the old side cannot be read, when there is no room, and
# how fast it is. Needs root, rsync, setfacl, setcap, strace; a loop device for a read error that is real.
#
#   migrate.sh SEAWORTHY [DIR]     DIR: where the trees are made (default: a new directory in /var/tmp)
#
# Exit 0 when everything holds. KILLS, MB, FILES and RUNS change the amounts.
set -euo pipefail
bin=$(realpath "$1")
here=$(cd "$(dirname "$0")" && pwd)
top=$(mktemp -d "${2:-/var/tmp}/migrate.XXXXXX")
mounted=''
clean() {
    cd /
    [ -z "$mounted" ] || umount "$mounted" || true
    rm -rf "$top"
}
trap clean EXIT
cd "$top"
failed=0
bad() { echo "FAILED: $*"; failed=1; }
tree() { python3 "$here/migrate-tree.py" "$@"; }

# An application whose state is at /var/lib/app of the root $1.
root() {
    mkdir -p "$1/opt/app/bin" "$1/etc/systemd/system" "$1/var/lib/app"
    printf '#!/bin/sh\n. /etc/app.conf\necho x >/var/lib/app/state\nexec sleep 1\n' >"$1/opt/app/bin/run"
    chmod 755 "$1/opt/app/bin/run"
    printf '[Service]\nExecStart=/opt/app/bin/run\nEnvironmentFile=/etc/app.conf\nStateDirectory=app\n' >"$1/etc/systemd/system/app.service"
    echo A=1 >"$1/etc/app.conf"
    printf 'ID=debian\nVERSION_ID=12\nPRETTY_NAME="Debian 12"\n' >"$1/etc/os-release"
}
root old
tree make old/var/lib/app
"$bin" scan --root old /opt/app --format json >report.json
migrate() { "$bin" migrate --report report.json --root old --base base "$@"; }
# The volume's state against the old one: by rsync, and by everything that stat and attributes say.
same() {
    local differing
    differing=$(rsync -aHAXn --numeric-ids --checksum --itemize-changes --delete old/var/lib/app/ base/var-lib-app/)
    [ -z "$differing" ] || { bad "$1: rsync: $(head -3 <<<"$differing")"; }
    tree same old/var/lib/app base/var-lib-app >same.txt || bad "$1: $(head -3 same.txt)"
}

echo "== every oddity"
migrate
same 'a whole run'
tail -n 1 same.txt
migrate --verify >/dev/null || bad 'verify after a whole run'
migrate | grep -q 'filled before' || bad 'a second run'
[ "$(stat -c %a base)" = 700 ] || bad 'the base is open to others'
rsync -aHAX --numeric-ids old/var/lib/app/ judge/
tree same old/var/lib/app judge | tail -n 3 | sed 's/^/rsync itself: /' || true
echo changed >>base/var-lib-app/many/00007
! migrate --verify >/dev/null 2>verify.txt || bad 'verify saw no change'
grep -q 'many/00007.*content' verify.txt || bad 'verify does not name the file'

echo "== an archive"
mkdir unpacked
"$bin" migrate --report report.json --root old --to tar 2>/dev/null |
    tar --xattrs --xattrs-include='*' --acls --numeric-owner --warning=no-timestamp -xpf - -C unpacked
tree same old/var/lib/app unpacked/var-lib-app >same.txt || true
[ "$(grep -vc 'socket\|entries compared' same.txt)" = 0 ] || bad "archive: $(head -3 same.txt)"
tail -n 1 same.txt
rm -rf unpacked judge

echo "== killed"
rm -rf base
start=$(date +%s%N)
migrate >/dev/null
whole=$((($(date +%s%N) - start) / 1000000))
unfinished=0 resumed=0
for run in $(seq "${KILLS:-50}"); do
    rm -rf base
    for _ in 1 2; do
        "$bin" migrate --report report.json --root old --base base >/dev/null 2>&1 &
        pid=$!
        sleep "$(python3 -c "import random; print(random.random() * $whole / 1000)")"
        kill -9 $pid 2>/dev/null || true
        wait $pid 2>/dev/null || true
        [ ! -e base/.var-lib-app.migrating ] || unfinished=$((unfinished + 1))
    done
    [ ! -e base/.var-lib-app.migrating ] || resumed=$((resumed + 1))
    migrate >out.txt 2>&1 || bad "run $run does not complete: $(head -2 out.txt)"
    same "run $run"
    [ ! -e base/.var-lib-app.migrating ] || bad "run $run: the marker is left"
done
echo "${KILLS:-50} volumes, killed twice each within $whole ms: $unfinished times in the middle, $resumed completed from there"
rm -rf base
"$bin" migrate --report report.json --root old --base base >/dev/null 2>&1 & pid=$!
until [ -e base/.var-lib-app.migrating ]; do sleep 0.01; done
kill -TERM $pid
code=0; wait $pid || code=$?
[ $code = 130 ] || bad "asked to end: exit $code"
echo "asked to end: exit $code"
migrate >/dev/null || bad 'after it was asked to end'
same 'after it was asked to end'

echo "== read errors"
rm -rf base
code=0
strace -f -qq -o /dev/null -e trace=pread64 -P "$(realpath old/var/lib/app/big)" -e inject=pread64:error=EIO:when=3+ \
    "$bin" migrate --report report.json --root old --base base >/dev/null 2>err.txt || code=$?
{ [ $code = 1 ] && grep -q '/var/lib/app/big: cannot be read' err.txt; } || bad "injected EIO: exit $code: $(head -2 err.txt)"
echo "injected EIO: exit $code: $(grep big err.txt)"
migrate >/dev/null || bad 'after the error was mended'
same 'after the error was mended'
if loop=$(truncate -s 64M disk && mkfs.ext4 -qF disk && mkdir -p ext && mount -o loop disk ext && echo yes); then
    mounted=$top/ext
    root ext
    head -c 40000000 /dev/urandom >ext/var/lib/app/db
    echo small >ext/var/lib/app/small
    sync -f ext; umount ext; mount -o loop disk ext
    # The last megabytes of the disk are gone: a real error of the medium.
    ls -lR ext >/dev/null
    truncate -s 24M disk
    code=0
    "$bin" migrate --report report.json --root ext --base bad >/dev/null 2>err.txt || code=$?
    { [ $code = 1 ] && grep -q '/var/lib/app/db: cannot be read' err.txt; } || bad "a broken disk: exit $code: $(head -2 err.txt)"
    [ "$(cat bad/var-lib-app/small)" = small ] || bad 'a broken disk: the rest did not arrive'
    echo "a broken disk: exit $code: $(head -n 1 err.txt)"
    umount ext; mounted=''
fi
rm -rf base
chmod 700 "$top"; chmod 755 "$top"
if id nobody >/dev/null 2>&1; then
    mkdir base; chown nobody base
    code=0
    setpriv --reuid nobody --clear-groups "$bin" migrate --report report.json --root old --base base >/dev/null 2>err.txt || code=$?
    { [ $code = 1 ] && grep -q 'owner cannot be kept' err.txt && grep -q 'closed: cannot be read' err.txt; } || bad "an ordinary user: exit $code: $(head -2 err.txt)"
    [ -z "$(find base -perm /6000 -type f)" ] || bad 'an ordinary user: set-user-id without its owner'
    echo "an ordinary user: exit $code, $(wc -l <err.txt) lines"
fi
rm -rf base

echo "== no room"
mkdir small; mount -t tmpfs -o size=2m tmpfs small; mounted=$top/small
code=0
"$bin" migrate --report report.json --root old --base small >/dev/null 2>err.txt || code=$?
{ [ $code = 1 ] && grep -q 'no room' err.txt; } || bad "no room: exit $code: $(head -2 err.txt)"
[ ! -e small/var-lib-app ] || bad 'no room: something was begun'
grep -o 'no room.*' err.txt
umount small; mounted=''

echo "== speed"
mkdir -p fast
root fast/one; root fast/many
python3 - "${MB:-1024}" "${FILES:-100000}" <<'PY'
import os, sys
mb, files = int(sys.argv[1]), int(sys.argv[2])
piece = os.urandom(1 << 20)
for part in range(4):
    with open(f"fast/one/var/lib/app/file{part}", "wb") as f:
        for i in range(mb // 4):
            f.write(piece)
for i in range(files):
    d = f"fast/many/var/lib/app/{i // 200:04}"
    if i % 200 == 0:
        os.mkdir(d)
    with open(f"{d}/{i}", "wb") as f:
        f.write(piece[i % 1000:i % 1000 + 1000 + i % 3000])
PY
sync
"$bin" scan --root fast/one /opt/app --format json >fast/one.json
"$bin" scan --root fast/many /opt/app --format json >fast/many.json
ms() { local start; start=$(date +%s%N); "$@" >/dev/null; echo $((($(date +%s%N) - start) / 1000000)); }
# What else the machine does shall count for neither (sched(7), autogroup).
echo -20 2>/dev/null >/proc/$$/autogroup
for what in one many; do
    ours=() theirs=()
    for run in $(seq "${RUNS:-3}"); do
        # Each goes into a directory of its own, and many files are not removed before the end: for minutes ext4
        # looks at each inode that was given up lately before it gives out another one, and 100,000 of them take
        # longer than the copy.
        find fast/$what/var/lib/app -type f -exec cat {} + >/dev/null
        sync -f .
        theirs+=("$(ms rsync -aHAX --numeric-ids fast/$what/var/lib/app/ "fast/judge-$what-$run/")")
        mkdir "fast/base-$what-$run"
        sync -f .
        ours+=("$(ms "$bin" migrate --report fast/$what.json --root fast/$what --base "fast/base-$what-$run" --volume var-lib-app)")
        [ $what = many ] || rm -rf "fast/judge-$what-$run" "fast/base-$what-$run"
    done
    python3 - "$what" "${ours[*]}" "${theirs[*]}" <<'PY'
import sys
ours, theirs = ([int(n) for n in a.split()] for a in sys.argv[2:4])
median = lambda n: sorted(n)[len(n) // 2]
print(f"{sys.argv[1]}: seaworthy {ours} ms, rsync {theirs} ms, {median(theirs) / median(ours):.2f} times its speed")
PY
done
[ $failed = 0 ] && echo "everything holds"
exit $failed
