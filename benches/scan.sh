#!/bin/bash
# What a scan costs, beside `grep -r` over the same files.
#
# usage: scan.sh LIST [ROUNDS]
#
# LIST has a line for each application: the root, then what `seaworthy scan --root ROOT` is given
# (`--package NAME`, directories). The same files are those that the packages' lists name (dpkg) and
# those below the directories. grep searches them for paths, as one would who looks for them by
# hand, in two ways: for a fixed string, the least that can be asked, and for absolute paths. Every
# figure is the median of ROUNDS (5) runs that take turns: processor time, user and system together,
# and elapsed time, in seconds; files are in the page cache.
set -euo pipefail
list=$(realpath "$1") rounds=${2:-5}
here=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$here"
cargo build --quiet --release --bin seaworthy
seaworthy=${CARGO_TARGET_DIR:-$here/target}/release/seaworthy

# The files of each application, in a file of its own.
number=0
while read -r root args; do
    number=$((number + 1))
    set -- $args
    while [ $# -gt 0 ]; do
        if [ "$1" = --package ]; then
            cat "$root/var/lib/dpkg/info/$2.list" "$root/var/lib/dpkg/info/$2":*.list 2>/dev/null || true
            shift 2
        else
            { find "$root$1" -type f -printf "/%P\n" 2>/dev/null || true; } | sed "s|^|$1|"
            shift
        fi
    done | sort -u | while read -r path; do
        if [ -f "$root$path" ] && [ ! -h "$root$path" ]; then printf '%s\0' "$root$path"; fi
    done >"$work/$(printf %03d $number)"
done <"$list"
files=$(cat "$work"/[0-9]* | tr -cd '\0' | wc -c)
bytes=$(cat "$work"/[0-9]* | xargs -0 stat -c %s | awk '{ s += $1 } END { print s }')
echo "$(nproc) cores; $number applications, $files files, $((bytes / 1024 / 1024)) MiB"

each() { for one in "$work"/[0-9]*; do xargs -0 -a "$one" -- "$@" || true; done; }
run() {
    case $1 in
    "grep -r, a fixed string") each grep -rcF /var/lib ;;
    "grep -r, absolute paths") each grep -rcaE '/(etc|opt|run|srv|usr|var)/[A-Za-z0-9._/-]+' ;;
    "seaworthy scan") while read -r root args; do
        # The arguments are words.
        # shellcheck disable=SC2086
        "$seaworthy" scan --root "$root" $args --format json || true
    done <"$list" ;;
    esac >/dev/null 2>&1
}
what=("grep -r, a fixed string" "grep -r, absolute paths" "seaworthy scan")

TIMEFORMAT='%U %S %R'
for w in "${what[@]}"; do run "$w"; done # the page cache
for ((round = 0; round < rounds; round++)); do
    for w in "${what[@]}"; do
        { time run "$w"; } 2>"$work/time"
        awk '{ print ($1 + $2) * 1000, $3 * 1000 }' "$work/time" >>"$work/t.$w"
    done
done
median() { awk -v c="$2" '{ print $c }' "$1" | sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }
base=$(median "$work/t.${what[0]}" 1) wall=$(median "$work/t.${what[0]}" 2)
echo
echo "| all applications | CPU, s | × | elapsed, s | × |"
echo "|---|---|---|---|---|"
for w in "${what[@]}"; do
    awk -v w="$w" -v c="$(median "$work/t.$w" 1)" -v e="$(median "$work/t.$w" 2)" -v b="$base" -v a="$wall" \
        'BEGIN { printf "| %s | %.2f | %.2f | %.2f | %.2f |\n", w, c / 1000, c / b, e / 1000, e / a }'
done
