#!/bin/sh
LD_LIBRARY_PATH=/opt/press-line/lib
export LD_LIBRARY_PATH
exec /opt/press-line/bin/pressd
