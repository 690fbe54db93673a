#!/bin/bash
# What finding every library costs, beside the least that any tool must do and beside other tools.
#
# usage: loader.sh [DIR] [ROUNDS] [SAMPLE]
#
# Two tables, in Markdown. The first is of the whole of DIR (/usr): every ELF file found and
# resolved, against walking and reading the first 4 KiB of every file, and against libtree started
# for each file. The second is of every SAMPLE-th (20) of those files, each given to each tool in a
# process of its own. Every figure is the median of ROUNDS (5) runs that take turns, in seconds of
# processor time, user and system together; files are in the page cache. What is not installed is
# left out: on Debian libtree, pax-utils (lddtree, which needs python3-pyelftools, and scanelf)
# and libc-bin (ldd) have them.
set -euo pipefail
# Tools of the distribution want its own Python.
PATH=/usr/bin:/usr/sbin:$PATH
dir=${1:-/usr} rounds=${2:-5} sample=${3:-20}
here=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$here"
cargo build --quiet --release --bin seaworthy --example loader_cost
target=${CARGO_TARGET_DIR:-$here/target}/release
cost=$target/examples/loader_cost
seaworthy=$target/seaworthy

"$cost" list "$dir" >"$work/all"
awk -v n="$sample" 'NR % n == 1 || n == 1' "$work/all" >"$work/some"

# Commands by name; each file of a list in a process of its own.
each() { xargs -a "$work/$1" -d '\n' -n 1 -- "${@:2}" >/dev/null 2>&1 || true; }
run() {
    case $1 in
    "walk, first 4 KiB") "$cost" heads "$dir" ;;
    "the same, walkdir and std") "$cost" plain "$dir" ;;
    "walk and resolve all") "$cost" resolve "$dir" ;;
    "scanelf -qRn, resolves nothing") scanelf -qRn "$dir" ;;
    "libtree for each file") each all libtree ;;
    "seaworthy libs --flat") each some "$seaworthy" libs --flat ;;
    "libtree") each some libtree ;;
    "lddtree") each some lddtree ;;
    "scanelf -qn, resolves nothing") each some scanelf -qn ;;
    "ldd, runs the loader") each some ldd ;;
    esac >/dev/null 2>&1 || true
}
has() { command -v "$1" >/dev/null; }
whole=("walk, first 4 KiB" "the same, walkdir and std" "walk and resolve all")
if has scanelf; then whole+=("scanelf -qRn, resolves nothing"); fi
if has libtree; then whole+=("libtree for each file"); fi
single=("seaworthy libs --flat")
if has libtree; then single+=("libtree"); fi
if has lddtree && lddtree /bin/true >/dev/null 2>&1; then single+=("lddtree"); fi
if has scanelf; then single+=("scanelf -qn, resolves nothing"); fi
if has ldd; then single+=("ldd, runs the loader"); fi

# The processor time of a command and what it starts, in milliseconds.
TIMEFORMAT='%U %S'
cpu() { { time run "$1"; } 2>&1 | awk 'END { printf "%d", ($1 + $2) * 1000 }'; }
median() { sort -n "$1" | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }

run "walk, first 4 KiB" # the page cache
for _ in $(seq "$rounds"); do
    for name in "${whole[@]}" "${single[@]}"; do
        cpu "$name" >>"$work/$name.ms"
        echo >>"$work/$name.ms"
    done
done

table() {
    local anchor name ms
    anchor=$(median "$work/$1.ms")
    echo "| | CPU, s | × $1 |"
    echo "|---|---|---|"
    for name in "$@"; do
        ms=$(median "$work/$name.ms")
        awk -v n="$name" -v ms="$ms" -v a="$anchor" \
            'BEGIN { printf "| %s | %.2f | %.2f |\n", n, ms / 1000, ms / (a > 0 ? a : 1) }'
    done
    echo
}
echo "$(nproc) cores, $(awk '/MemTotal/ { printf "%.0f GiB", $2 / 1048576 }' /proc/meminfo)," \
    "$(uname -m); $(wc -l <"$work/all") programs and libraries below $dir"
echo "heads: $("$cost" heads "$dir"); resolve: $("$cost" resolve "$dir")"
echo
table "${whole[@]}"
echo "$(wc -l <"$work/some") files, one process for each:"
echo
table "${single[@]}"
if [ -x /usr/bin/time ]; then
    peak() { /usr/bin/time -f %M "$cost" "$1" "$dir" 2>&1 >/dev/null | tail -1; }
    echo "Most memory: $(peak heads) KiB for the walk, $(peak resolve) KiB for the walk with all" \
        "libraries."
fi
