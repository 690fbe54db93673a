# A shelf of Python packages in a virtual environment: no settings file, all by the command line of a
# unit, what it keeps beside its code.
packages=python3-venv
scope=(/opt/shelf)
port=8090
reach=outside
install_old() {
    fetched "$1" sh -ec 'python3 -m venv /opt/shelf
        /opt/shelf/bin/pip install -q pypiserver==2.1.1 "setuptools<75"' || return 1
    at_old "$1" useradd -r -d /opt/shelf -s /usr/sbin/nologin shelf
    mkdir -p "$1/opt/shelf/shelves"
    at_old "$1" chown shelf: /opt/shelf/shelves
    file "$1" /etc/systemd/system/shelf.service <<'TEXT'
[Unit]
Description=shelf of packages
After=network.target

[Service]
User=shelf
ExecStart=/opt/shelf/bin/pypi-server run -p 8090 -i 0.0.0.0 -P . -a . -o /opt/shelf/shelves
Restart=on-failure

[Install]
WantedBy=multi-user.target
TEXT
    mkdir -p "$1/etc/systemd/system/multi-user.target.wants"
    ln -sf /etc/systemd/system/shelf.service "$1/etc/systemd/system/multi-user.target.wants/shelf.service"
}
begin() {
    at_old "$1" sh -c 'cd / && setpriv --reuid shelf --regid shelf --clear-groups \
        /opt/shelf/bin/pypi-server run -p 8090 -i 0.0.0.0 -P . -a . -o /opt/shelf/shelves >/dev/null 2>&1 & echo $! >/tmp/shelf.pid'
}
put() { # COMMAND NAME
    $1 -s --noproxy '*' -w '%{http_code}' -F :action=file_upload -F "name=$2" -F version=1.0 \
        -F "content=@/etc/hostname;filename=$2-1.0.tar.gz" http://127.0.0.1:8090/
}
seed() { put curl kept; }
end() { kill "$(cat "$1/tmp/shelf.pid")"; rm -f "$1/tmp/shelf.pid"; }
ask() { url http://127.0.0.1:8090/simple/kept/; }
wanted=kept-1.0.tar.gz
write() { put 'from curl' fresh; }
written=200
ask_new() { url http://127.0.0.1:8090/simple/fresh/; }
wanted_new=fresh-1.0.tar.gz
