#!/bin/sh
# Cadview 9.2 installer (self-extracting). The archive follows the line that ends this script.
set -e
echo "Cadview 9.2 for Linux x86_64"
if [ "$1" != --accept-eula ]; then
    echo "Read the licence agreement, then run again with --accept-eula." >&2
    exit 1
fi
[ "$(id -u)" = 0 ] || { echo "Must be run as root." >&2; exit 1; }
TARGET=${2:-/opt/cadview}
WORK=$(mktemp -d /tmp/cadview.XXXXXX)
SKIP=$(awk '/^__ARCHIVE_BELOW__$/ { print NR + 1; exit }' "$0")
tail -n +"$SKIP" "$0" | tar xzf - -C "$WORK"
sh "$WORK/install/install.sh" "$WORK" "$TARGET"
rm -rf "$WORK"
exit 0
__ARCHIVE_BELOW__
