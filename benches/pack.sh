#!/bin/bash
# What packing costs, beside `tar | gzip -1` of the same files.
#
# usage: pack.sh DIRECTORY [ROUNDS]
#
# DIRECTORY is audited as an application of this host, once; then its layer is packed from the report,
# it is packed with an audit and all its layers in one process, and the directory is archived, ROUNDS
# (3) times in turns. All write to the same disk. Every figure is the median; files are in the page
# cache when it holds them.
set -euo pipefail
tree=$(realpath "$1") rounds=${2:-3}
here=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$here"
cargo build --quiet --release --bin seaworthy
seaworthy=${CARGO_TARGET_DIR:-$here/target}/release/seaworthy
"$seaworthy" scan "$tree" -o "$work/report.json" >/dev/null 2>&1
echo "$(nproc) cores; $(find "$tree" | wc -l) entries, $(du -sm "$tree" | cut -f1) MiB"

pack() {
    rm -rf "$work/image"
    "$seaworthy" pack --report "$work/report.json" --role application -o "$work/image"
}
whole() {
    rm -rf "$work/whole-image"
    "$seaworthy" pack "$tree" -o "$work/whole-image"
}
archive() { tar -C "$tree" -cf - . | gzip -1 >"$work/archive.tar.gz"; }
export -f pack whole archive
export seaworthy work tree
for ((round = 0; round < rounds; round++)); do
    for what in archive pack whole; do
        /usr/bin/time -a -o "$work/$what" -f '%e %U %S %M' bash -euo pipefail -c "$what" >/dev/null
    done
done
median() { sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }
base=$(cut -d' ' -f1 "$work/archive" | median)
echo
echo "| | elapsed, s | × | CPU, s | most memory, KiB | written, MiB |"
echo "|---|---|---|---|---|---|"
row() { # WHAT FILE WRITTEN
    awk -v w="$1" -v e="$(cut -d' ' -f1 "$work/$2" | median)" -v b="$base" \
        -v c="$(awk '{ print $2 + $3 }' "$work/$2" | median)" -v m="$(cut -d' ' -f4 "$work/$2" | median)" \
        -v s="$(du -sm "$3" | cut -f1)" \
        'BEGIN { printf "| %s | %.2f | %.2f | %.2f | %d | %d |\n", w, e, e / b, c, m, s }'
}
row "tar, gzip -1" archive "$work/archive.tar.gz"
row "seaworthy pack, of a report" pack "$work/image"
row "seaworthy pack, with the audit" whole "$work/whole-image"
