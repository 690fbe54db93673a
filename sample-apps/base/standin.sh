#!/bin/sh
# Puts a stand-in for an interpreter at PATH below ROOT.
# usage: standin.sh ROOT LAYOUT PATH
set -eu
here=$(cd "$(dirname "$0")" && pwd)
"$here/program.sh" "$1" "$2" "$1$3" "$here/standin.c"
