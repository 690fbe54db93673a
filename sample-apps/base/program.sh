#!/bin/sh
# Links a program against the C library below ROOT, so that it asks for that library's versions.
# usage: program.sh ROOT LAYOUT OUT SOURCE… [-- GCC-OPTION…]
set -eu
here=$(cd "$(dirname "$0")" && pwd)
ROOT=$1 LAYOUT=$2 out=$3
shift 3
. "$here/layout.sh"
sources=
while [ $# -gt 0 ] && [ "$1" != -- ]; do
    sources="$sources $1"
    shift
done
[ $# = 0 ] || shift
pie='-fPIE -pie'
[ $bits = 64 ] || pie='-fno-pie -no-pie'
mkdir -p "$(dirname "$out")"
# shellcheck disable=SC2086
$CC $pie $LINK -Wl,-dynamic-linker,$interpreter -o "$out" "$here/start$bits.S" $sources "$@" \
    -Wl,--as-needed "$ROOT/$dir/libc.so.6" -Wl,--allow-shlib-undefined
chmod 755 "$out"
