#!/bin/sh
# Makes the binary files of root/ again, and its package database. Needs gcc; made with gcc 12.2,
# binutils 2.40.
set -eu
cd "$(dirname "$0")"
base=../base root=root layout=debian12

$base/build.sh $root $layout
$base/program.sh $root $layout $root/usr/sbin/tidy-web src/tidy-web.c -- -Wl,-z,relro,-z,now
$base/dpkg.sh $root src/dpkg
