#!/bin/sh
# Makes the binary files of root/ again. Needs gcc; made with gcc 12.2, binutils 2.40.
set -eu
cd "$(dirname "$0")"
base=../base root=root layout=debian10

$base/build.sh $root $layout
$base/standin.sh $root $layout /usr/bin/dash
$base/standin.sh $root $layout /usr/bin/perl
ln -sfn dash $root/usr/bin/sh
$base/dpkg.sh $root src/dpkg
