# Sourced by the scripts beside it: what LAYOUT means.
# shellcheck shell=sh disable=SC2034

case $LAYOUT in
debian8)  version=2.19 dir=lib/x86_64-linux-gnu usr_merged=no ;;
debian10) version=2.28 dir=usr/lib/x86_64-linux-gnu usr_merged=yes ;;
debian12) version=2.36 dir=usr/lib/x86_64-linux-gnu usr_merged=yes ;;
el7)      version=2.17 dir=usr/lib64 usr_merged=yes ;;
el7-i386) version=2.17 dir=usr/lib usr_merged=yes ;;
*) echo "unknown layout: $LAYOUT" >&2; exit 2 ;;
esac
minor=${version#2.}

case $LAYOUT in
debian*) search='/lib/x86_64-linux-gnu/ /usr/lib/x86_64-linux-gnu/ /lib/ /usr/lib/' token=lib/x86_64-linux-gnu ;;
el7) search='/lib64/ /usr/lib64/' token=lib64 ;;
el7-i386) search='/lib/ /usr/lib/' token=lib ;;
esac

case $LAYOUT in
*-i386)
    bits=32 column=3 loader=ld-linux.so.2 interpreter=/lib/ld-linux.so.2
    versions='2.0 2.1 2.1.1 2.1.2 2.1.3 2.2 2.2.1 2.2.2 2.2.3' ;;
*)
    bits=64 column=2 loader=ld-linux-x86-64.so.2 interpreter=/lib64/ld-linux-x86-64.so.2
    versions='2.2.5 2.2.6' ;;
esac
# Every release from 2.3 to 2.18 defines a version; later ones all but 2.19-2.21.
versions="$versions 2.3 2.3.2 2.3.3 2.3.4"
n=4
while [ "$n" -le "$minor" ]; do
    case $n in 19|20|21) ;; *) versions="$versions 2.$n" ;; esac
    n=$((n + 1))
done

# No page of padding between segments, so that a program is a few kilobytes; a build id, as
# distributions have; nothing that names the compiler.
CC="gcc -m$bits -Os -fno-stack-protector -U_FORTIFY_SOURCE -fno-ident -Wall -Wextra"
LINK="-nostdlib -nostartfiles -s -Wl,-z,noseparate-code -Wl,-z,max-page-size=0x1000 -Wl,--build-id=sha1 -Wl,--hash-style=gnu"
