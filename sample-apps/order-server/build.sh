#!/bin/sh
# Makes the binary files of root/ again. Needs gcc, javac and python3; made with gcc 12.2,
# binutils 2.40 and a Java 17 compiler that writes classes for Java 8.
set -eu
cd "$(dirname "$0")"
base=../base root=root layout=el7
classes=$(mktemp -d)
trap 'rm -rf "$classes"' EXIT

$base/build.sh $root $layout
$base/standin.sh $root $layout /usr/bin/dash
$base/standin.sh $root $layout /usr/lib/jvm/java-1.8.0/bin/java
ln -sfn dash $root/usr/bin/sh

javac --release 8 -Xlint:-options -g:none -d "$classes" src/java/*.java
$base/library.sh $root $layout "$classes/libnativeio.so" libnativeio.so src/nativeio.c
python3 src/files.py $root "$classes"
