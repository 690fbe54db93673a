#!/bin/sh
# Compares the loader's search, and what the command `libs` prints of it, with real loaders.
#
# usage: loader-cases.sh GENERATOR [DIR]
#
# GENERATOR OUT builds small roots below OUT, asks the loaders inside them and writes
# OUT/truth.json; it needs root, gcc, patchelf and a musl C library. With DIR the ELF files of
# this machine below DIR are compared as well, with what its own loader lists.
set -eu
generator=${1:?usage: loader-cases.sh GENERATOR [DIR]}
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
chmod 755 "$work"

compare() {
    (cd "$here/../.." && SEAWORTHY_LOADER_CASES=$1 \
        cargo test --quiet --test it loader_cases -- --nocapture)
}

mkdir "$work/cases"
"$generator" "$work/cases" >"$work/log" 2>&1 || { tail "$work/log" >&2; exit 2; }
compare "$work/cases"
(cd "$here/../.." && cargo build --quiet)
target=${CARGO_TARGET_DIR:-$here/../../target}
"$here/libs-cases.py" "$target/debug/seaworthy" "$work/cases/truth.json"
if [ $# -gt 1 ]; then
    mkdir "$work/traces"
    "$here/loader-traces.py" "$2" "$work/traces/truth.json"
    compare "$work/traces"
fi
