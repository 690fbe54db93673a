#!/bin/sh
# Links a shared library against the C library below ROOT.
# usage: library.sh ROOT LAYOUT OUT SONAME SOURCE… [-- GCC-OPTION…]
set -eu
here=$(cd "$(dirname "$0")" && pwd)
ROOT=$1 LAYOUT=$2 out=$3 soname=$4
shift 4
. "$here/layout.sh"
sources=
while [ $# -gt 0 ] && [ "$1" != -- ]; do
    sources="$sources $1"
    shift
done
[ $# = 0 ] || shift
mkdir -p "$(dirname "$out")"
# shellcheck disable=SC2086
$CC -fPIC -shared $LINK -Wl,-soname,"$soname" -o "$out" $sources "$@" \
    "$ROOT/$dir/libc.so.6" -Wl,--allow-shlib-undefined
chmod 755 "$out"
