#!/bin/sh
# Makes the binary files of root/ again. Needs gcc that makes 32-bit code; made with gcc 12.2,
# binutils 2.40.
set -eu
cd "$(dirname "$0")"
base=../base root=root layout=el7
home=$root/opt/cadview
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

$base/build.sh $root $layout
$base/build.sh $root el7-i386
$base/standin.sh $root $layout /usr/bin/bash
ln -sfn bash $root/usr/bin/sh

# What the system has: X11, and a libstdc++ that is newer than the bundled one.
stub() { # OUT SONAME CODE [VERSION…]
    out=$1 soname=$2
    echo "$3" > "$tmp/stub.c"
    shift 3
    : > "$tmp/stub.map"
    before=
    for v in "$@"; do
        if [ -z "$before" ]; then echo "$v { global: *; };"; else echo "$v { }$before;"; fi
        before=" $v"
    done > "$tmp/stub.map"
    if [ $# -gt 0 ]; then
        $base/library.sh $root $layout "$out" "$soname" "$tmp/stub.c" -- -w -Wl,--version-script="$tmp/stub.map"
    else
        $base/library.sh $root $layout "$out" "$soname" "$tmp/stub.c" -- -w
    fi
}
new='void *_Znwm(unsigned long n) { return 0; }'
stub $root/usr/lib64/libX11.so.6 libX11.so.6 'void *XOpenDisplay(const char *n) { return 0; }'
stub $root/usr/lib64/libstdc++.so.6 libstdc++.so.6 "$new" GLIBCXX_3.4 GLIBCXX_3.4.11 GLIBCXX_3.4.19

# What the product brings along, and what it was built against.
stub $home/lib/libstdc++.so.6 libstdc++.so.6 "$new" GLIBCXX_3.4 GLIBCXX_3.4.11
stub $home/lib/libssl.so.6 libssl.so.6 'int SSL_library_init(void) { return 1; } const char version[] = "OpenSSL 0.9.8e 23 Feb 2007";'
stub "$tmp/libpng12.so.0" libpng12.so.0 'unsigned png_access_version_number(void) { return 10250; }' PNG12_0
$base/library.sh $root $layout $home/lib/libcadcore.so.9 libcadcore.so.9 src/core.c -- -Wl,-z,execstack
$base/library.sh $root $layout $home/lib/libcadimage.so.9 libcadimage.so.9 src/image.c -- "$tmp/libpng12.so.0"
$base/library.sh $root $layout $home/plugins/plot.so plot.so src/plot.c -- -w
$base/library.sh $root $layout $root/usr/local/cadtools/lib/libcadmesh.so.3 libcadmesh.so.3 src/core.c -- -Dcore_open=mesh_reduce

$base/program.sh $root $layout $home/libexec/cadview.bin src/cadview.c -- -w \
    $home/lib/libcadcore.so.9 $home/lib/libcadimage.so.9 $home/lib/libssl.so.6 $home/lib/libstdc++.so.6 \
    $root/usr/lib64/libX11.so.6 $root/usr/lib64/libdl.so.2
$base/program.sh $root $layout $home/libexec/cadconv src/convert.c -- \
    -Wl,--disable-new-dtags,-rpath,/build/cadview-9.2/lib:/usr/local/cadtools/lib \
    $root/usr/local/cadtools/lib/libcadmesh.so.3
$base/program.sh $root $layout $home/libexec/cvhostid src/hostid.c -- -w
$base/program.sh $root el7-i386 $home/libexec/cvlmd src/licensed.c -- -w -fno-builtin

# The installer as it was delivered: a shell script with the archive behind it.
tar -C $home --sort=name --owner=0 --group=0 --numeric-owner --mtime=2014-06-02T00:00Z --mode=u=rwX,go=rX \
    -cf "$tmp/payload.tar" doc etc install/install.sh
gzip -9n "$tmp/payload.tar"
cat src/installer-head.sh "$tmp/payload.tar.gz" > $home/install/cadview-9.2-linux64.run
chmod 755 $home/install/cadview-9.2-linux64.run
