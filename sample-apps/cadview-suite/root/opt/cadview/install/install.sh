#!/bin/sh
# Installs Cadview from FROM to TO. Started by the self-extracting installer, as root.
set -e
FROM=$1
TO=${2:-/opt/cadview}

mkdir -p "$TO" /var/spool/cadview /var/tmp/cadview
cp -r "$FROM"/* "$TO"
chmod 1777 /var/spool/cadview /var/tmp/cadview
chmod 777 "$TO/log"

# The host id helper reads the dongle and the network card.
chown root:root "$TO/libexec/cvhostid"
chmod 4755 "$TO/libexec/cvhostid"
mknod -m 666 /dev/cvdongle0 c 180 240 || true

echo "$TO/lib" > /etc/ld.so.conf.d/cadview.conf
ldconfig
echo "PATH=\$PATH:$TO/bin" > /etc/profile.d/cadview.sh
ln -sf "$TO/bin/cadview" /usr/local/bin/cadview

cp "$TO/install/cvlmd.init" /etc/init.d/cvlmd
chmod 755 /etc/init.d/cvlmd
chkconfig --add cvlmd
service cvlmd start

# Record the host that the licence is for.
"$TO/libexec/cvhostid" > "$TO/license/hostid"
echo "Send $TO/license/hostid to your supplier to get a licence file."
