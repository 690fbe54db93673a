# A store that listens to its network, with a password in its settings.
packages=redis-server
scope=(--package redis-server)
port=6379
reach=outside
install_old() {
    sed -i 's/^bind .*/bind 0.0.0.0/; s/^# requirepass .*/requirepass old-password/' "$1/etc/redis/redis.conf"
}
begin() { at_old "$1" /etc/init.d/redis-server start; }
seed() { at_old "$1" redis-cli -a old-password set old kept; }
end() { at_old "$1" /etc/init.d/redis-server stop; }
ask() { client redis-cli -a old-password get old; }
wanted=kept
write() { client redis-cli -a old-password set new fresh; }
written=OK
ask_new() { client redis-cli -a old-password get new; }
wanted_new=fresh
