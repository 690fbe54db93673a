# A home-made installation in JavaScript: modules that lead to the code, an init script with a loop
# that starts it again, a settings file with comments and a password, state beside the code.
packages="nodejs npm"
scope=(/opt/etherpad-lite)
port=9001
reach=inside
tries=60
install_old() {
    local top=/opt/etherpad-lite
    mkdir -p "$1$top"
    echo '{"name":"app","version":"1.0.0","private":true}' >"$1$top/package.json"
    fetched "$1" env NODE_EXTRA_CA_CERTS=/tmp/trusted.crt sh -ec "cd $top
        npm install --ignore-scripts --no-audit --no-fund --omit=dev ep_etherpad-lite@1.8.14
        rm -rf /root/.npm" || return 1
    mv "$1$top/node_modules/ep_etherpad-lite" "$1$top/src"
    ln -s ../src "$1$top/node_modules/ep_etherpad-lite"
    at_old "$1" useradd -r -d $top -s /bin/bash etherpad
    mkdir -p "$1$top/var" "$1/var/log/etherpad-lite"
    file "$1" $top/settings.json <<'TEXT'
/*
  Settings of the pad server. Comments are allowed here.
*/
{
  "title": "Pads",
  "ip": "127.0.0.1",
  "port" : 9001,
  "dbType" : "dirty",
  "dbSettings" : { "filename" : "var/dirty.db" },
  "defaultPadText" : "Welcome!\n",
  "users": { "admin": { "password": "changeme1", "is_admin": true } },
  "loglevel": "INFO"
}
TEXT
    file "$1" $top/bin/run.sh 755 <<'TEXT'
#!/bin/sh
# start the pad server in the foreground
cd "$(dirname "$0")"/..
exec node node_modules/ep_etherpad-lite/node/server.js "$@"
TEXT
    file "$1" $top/bin/safeRun.sh 755 <<'TEXT'
#!/bin/sh
# keeps the pad server running, log goes to the file given
LOG="$1"
cd "$(dirname "$0")"/.. || exit 1
[ -z "${LOG}" ] && { echo "Set a logfile as the first parameter" >&2; exit 1; }
touch "${LOG}" || exit 1
shift
while true; do
    echo "RESTART!" >>${LOG}
    bin/run.sh "$@" >>${LOG} 2>>${LOG}
    sleep 10
done
TEXT
    file "$1" /etc/init.d/etherpad-lite 755 <<'TEXT'
#!/bin/sh
### BEGIN INIT INFO
# Provides:          etherpad-lite
# Required-Start:    $local_fs $remote_fs $network $syslog
# Required-Stop:     $local_fs $remote_fs $network $syslog
# Default-Start:     2 3 4 5
# Default-Stop:      0 1 6
# Short-Description: starts etherpad lite
### END INIT INFO
PATH="/usr/local/sbin:/usr/local/bin:/sbin:/bin:/usr/sbin:/usr/bin"
LOGFILE="/var/log/etherpad-lite/etherpad-lite.log"
EPLITE_DIR="/opt/etherpad-lite"
EPLITE_BIN="bin/safeRun.sh"
USER="etherpad"
GROUP="etherpad"
DESC="Etherpad Lite"
NAME="etherpad-lite"
set -e
start() {
  echo "Starting $DESC... "
  start-stop-daemon --start --chuid "$USER:$GROUP" --background --make-pidfile --pidfile /var/run/$NAME.pid --exec $EPLITE_DIR/$EPLITE_BIN -- $LOGFILE || true
  echo "done"
}
stop() {
  echo "Stopping $DESC... "
  start-stop-daemon --stop --quiet --retry 5 --pidfile /var/run/$NAME.pid || true
  rm -f /var/run/$NAME.pid
}
case "$1" in
  start) start ;;
  stop) stop ;;
  restart) stop; start ;;
  *) echo "Usage: $NAME {start|stop|restart}" >&2; exit 1 ;;
esac
exit 0
TEXT
    at_old "$1" update-rc.d etherpad-lite defaults
    at_old "$1" chown -R etherpad:etherpad $top /var/log/etherpad-lite
}
begin() { at_old "$1" /etc/init.d/etherpad-lite start; }
api() { # ROOT METHOD ARGUMENTS
    echo "http://127.0.0.1:9001/api/1.2.1/$2?apikey=$(cat "$1/opt/etherpad-lite/APIKEY.txt")&$3"
}
seed() {
    sleep 3
    curl -s --noproxy '*' "$(api "$1" createPad 'padID=old&text=kept')"
    sleep 5
}
end() { at_old "$1" /etc/init.d/etherpad-lite stop; }
# The key of its interface is in its tree, too.
ask() { url "$(api "$root" getText padID=old)"; }
wanted=kept
write() { url "$(api "$root" createPad 'padID=new&text=fresh')"; sleep 5; }
written='"code":0'
ask_new() { url "$(api "$root" getText padID=new)"; }
wanted_new=fresh
