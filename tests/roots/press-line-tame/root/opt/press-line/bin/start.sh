#!/bin/sh
exec /opt/press-line/bin/pressd
