#!/bin/sh
# Makes the stand-in loader and C library of LAYOUT below ROOT. See README.md.
# usage: build.sh ROOT LAYOUT
set -eu
here=$(cd "$(dirname "$0")" && pwd)
ROOT=$1 LAYOUT=$2
. "$here/layout.sh"
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

# Directories and links of the layout.
mkdir -p "$ROOT/$dir" "$ROOT/usr/bin" "$ROOT/usr/sbin" "$ROOT/usr/lib"
if [ $usr_merged = yes ]; then
    for d in bin sbin lib; do ln -sfn usr/$d "$ROOT/$d"; done
    mkdir -p "$ROOT/usr/lib64"
    ln -sfn usr/lib64 "$ROOT/lib64"
else
    mkdir -p "$ROOT/bin" "$ROOT/sbin" "$ROOT/lib64"
fi

# The C library: one function under every name, and the names' versions.
{
    echo "static const char banner[] __attribute__((used)) = \"GNU C Library stable release version $version.\";"
    echo "int nothing(void) { return 0; }"
    echo "void *stdin, *stdout, *stderr; char *optarg; int optind;"
    sed '/^#/d; /^$/d' "$here/symbols.txt" | while read -r name _; do
        echo "__typeof__(nothing) $name __attribute__((alias(\"nothing\")));"
    done
} > "$tmp/libc.c"
first=$(echo "$versions" | cut -d' ' -f1)
{
    before=
    for v in $versions; do
        echo "GLIBC_$v {"
        sed '/^#/d; /^$/d' "$here/symbols.txt" | awk -v want="GLIBC_$v" -v col=$column -v minor="$minor" -v first="GLIBC_$first" '
            { have = ($4 != "" && minor >= 34) ? $4 : $col }
            have == want { names = names " " $1 ";" }
            END {
                if (want == first) names = names " stdin; stdout; stderr; optarg; optind;"
                if (names) print "  global:" names
                if (want == first) print "  local: *;"
            }'
        echo "}$before;"
        before=" GLIBC_$v"
    done
} > "$tmp/libc.map"
# shellcheck disable=SC2086
$CC -w -fno-builtin -fPIC -shared $LINK -Wl,-soname,libc.so.6 -Wl,--version-script="$tmp/libc.map" \
    -o "$tmp/libc.so.6" "$tmp/libc.c"

# The loader: the strings that a static reader takes from it.
{
    n=0
    printf 'static const char search[] __attribute__((used)) = "'
    for d in $search; do
        [ $n = 0 ] || printf '\\0'
        printf '%s' "$d"
        n=$((n + 1))
    done
    echo '";'
    echo "static const char token[] __attribute__((used)) = \"$token\";"
    echo 'static const char cache[] __attribute__((used)) = "/etc/ld.so.cache";'
    echo 'static const char magic[] __attribute__((used)) = "glibc-ld.so.cache1.1";'
    echo 'static const char preload[] __attribute__((used)) = "/etc/ld.so.preload";'
    [ "$minor" -lt 33 ] ||
        echo "static const char release[] __attribute__((used)) = \"ld.so (GNU libc) stable release version $version.\";"
    echo 'int _start(void) { return 127; }'
} > "$tmp/ld.c"
# shellcheck disable=SC2086
$CC -w -fPIC -shared $LINK -Wl,-e,_start -Wl,-soname,$loader -o "$tmp/$loader" "$tmp/ld.c"

# Before 2.34 the files carry the version in their names, and dlopen lives in a library of its own.
place() { # FILE NAME-STEM LINK
    if [ "$minor" -lt 34 ]; then
        install -m755 "$1" "$ROOT/$dir/$2-$version.so"
        ln -sfn "$2-$version.so" "$ROOT/$dir/$3"
    else
        install -m755 "$1" "$ROOT/$dir/$3"
    fi
}
place "$tmp/$loader" ld $loader
place "$tmp/libc.so.6" libc libc.so.6
if [ "$minor" -lt 34 ]; then
    echo 'void *dlopen(void) { return 0; } void *dlsym(void) { return 0; } char *dlerror(void) { return 0; }' > "$tmp/dl.c"
    echo "GLIBC_$first { global: dlopen; dlsym; dlerror; local: *; };" > "$tmp/dl.map"
    # shellcheck disable=SC2086
    $CC -w -fno-builtin -fPIC -shared $LINK -Wl,-soname,libdl.so.2 -Wl,--version-script="$tmp/dl.map" \
        -Wl,--no-as-needed -o "$tmp/libdl.so.2" "$tmp/dl.c" "$tmp/libc.so.6"
    place "$tmp/libdl.so.2" libdl libdl.so.2
fi

# The loader's fixed name, where programs look for it.
case $LAYOUT in
debian8) ln -sfn ../lib/x86_64-linux-gnu/$loader "$ROOT/lib64/$loader" ;;
debian*) ln -sfn ../lib/x86_64-linux-gnu/$loader "$ROOT/usr/lib64/$loader" ;;
esac
