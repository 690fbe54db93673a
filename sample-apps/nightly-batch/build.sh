#!/bin/sh
# Makes the binary files of root/ again. Needs gcc; made with gcc 12.2, binutils 2.40.
set -eu
cd "$(dirname "$0")"
base=../base root=root layout=el7

$base/build.sh $root $layout
$base/standin.sh $root $layout /usr/bin/bash
$base/standin.sh $root $layout /usr/bin/python2.7
ln -sfn bash $root/usr/bin/sh
ln -sfn python2.7 $root/usr/bin/python2
