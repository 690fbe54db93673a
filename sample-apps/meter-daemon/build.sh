#!/bin/sh
# Makes the binary files of root/ again. Needs gcc and sqlite3; made with gcc 12.2, binutils 2.40.
set -eu
cd "$(dirname "$0")"
base=../base root=root layout=debian8

$base/build.sh $root $layout
$base/standin.sh $root $layout /bin/dash
ln -sfn dash $root/bin/sh
$base/library.sh $root $layout $root/usr/lib/x86_64-linux-gnu/libsqlite3.so.0 libsqlite3.so.0 src/sqlite-standin.c
$base/program.sh $root $layout $root/opt/meterd/bin/meterd src/meterd.c -- -w \
    $root/usr/lib/x86_64-linux-gnu/libsqlite3.so.0

mkdir -p $root/opt/meterd/db
rm -f $root/opt/meterd/db/readings.db
sqlite3 $root/opt/meterd/db/readings.db < src/readings.sql
$base/dpkg.sh $root src/dpkg
