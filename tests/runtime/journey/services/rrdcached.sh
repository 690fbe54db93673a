# A C daemon that goes into the background and changes its user, all by options that an init script
# puts together from a file of defaults; measurements and a journal lie where an option says.
packages="rrdcached rrdtool"
scope=(--package rrdcached)
port=42217
reach=outside
install_old() {
    sed -i -e 's|^#* *BASE_PATH=.*|BASE_PATH=/srv/measures|' -e 's|^#* *JOURNAL_PATH=.*|JOURNAL_PATH=/srv/journal|' \
        -e 's|^#* *DAEMON_USER=.*|DAEMON_USER=daemon|' -e 's|^#* *DAEMON_GROUP=.*|DAEMON_GROUP=daemon|' \
        -e 's|^#* *NETWORK_OPTIONS=.*|NETWORK_OPTIONS="-l 0.0.0.0:42217"|' "$1/etc/default/rrdcached"
    mkdir -p "$1/srv/measures" "$1/srv/journal"
    at_old "$1" chown daemon:daemon /srv/measures /srv/journal
}
begin() { at_old "$1" /etc/init.d/rrdcached start; }
seed() {
    at_old "$1" sh -c 'rrdtool create old.rrd --daemon 127.0.0.1:42217 --start 1000000000 --step 60 DS:kept:GAUGE:120:U:U RRA:LAST:0.5:1:10 &&
        rrdtool update --daemon 127.0.0.1:42217 old.rrd 1000000060:7'
}
end() { at_old "$1" /etc/init.d/rrdcached stop; }
ask() { client rrdtool info --daemon 127.0.0.1:42217 old.rrd; }
wanted=kept
write() { client rrdtool create new.rrd --daemon 127.0.0.1:42217 --start 1000000000 --step 60 DS:fresh:GAUGE:120:U:U RRA:LAST:0.5:1:10 && echo made; }
written=made
ask_new() { client rrdtool info --daemon 127.0.0.1:42217 new.rrd; }
wanted_new=fresh
