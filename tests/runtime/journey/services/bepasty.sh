# A home-made installation in Python: a virtual environment, settings that are a program, relative
# paths, state beside the code, a loopback address.
packages=python3-venv
scope=(/opt/bepasty)
port=8081
reach=inside
install_old() {
    fetched "$1" sh -ec 'python3 -m venv /opt/bepasty/venv
        /opt/bepasty/venv/bin/pip install -q bepasty==1.2.2 gunicorn==22.0.0 "setuptools<75"' || return 1
    at_old "$1" useradd -r -d /opt/bepasty -s /usr/sbin/nologin paste
    mkdir -p "$1"/opt/bepasty/log "$1"/opt/bepasty/run "$1"/opt/bepasty/storage
    echo 'BEPASTY_CONFIG=/opt/bepasty/bepasty.conf' | file "$1" /opt/bepasty/paste.env
    file "$1" /opt/bepasty/bepasty.conf <<'TEXT'
# bepasty settings (Python)
import os
SITENAME = 'paste.example.org'
UPLOAD_UNLOCKED = True
BASE = os.path.dirname('/opt/bepasty/bepasty.conf')
STORAGE = 'filesystem'
STORAGE_FILESYSTEM_DIRECTORY = os.path.join(BASE, 'storage')
SECRET_KEY = 'a-long-secret-of-paste-0123456789'
PERMISSIONS = {
    'adminpw1': 'admin,list,create,modify,read,delete',
}
DEFAULT_PERMISSIONS = 'list,create,read'
TEXT
    file "$1" /opt/bepasty/gunicorn.conf.py <<'TEXT'
bind = "127.0.0.1:8081"
workers = 2
preload_app = True
pidfile = "run/gunicorn.pid"
accesslog = "log/access.log"
errorlog = "log/error.log"
TEXT
    file "$1" /etc/systemd/system/paste.service <<'TEXT'
[Unit]
Description=paste bin
After=network.target

[Service]
User=paste
WorkingDirectory=/opt/bepasty
EnvironmentFile=/opt/bepasty/paste.env
ExecStart=/opt/bepasty/venv/bin/gunicorn -c gunicorn.conf.py bepasty.wsgi
Restart=always

[Install]
WantedBy=multi-user.target
TEXT
    at_old "$1" chown -R paste: /opt/bepasty
    mkdir -p "$1/etc/systemd/system/multi-user.target.wants"
    ln -sf /etc/systemd/system/paste.service "$1/etc/systemd/system/multi-user.target.wants/paste.service"
}
begin() {
    at_old "$1" sh -c 'cd /opt/bepasty && . ./paste.env && export BEPASTY_CONFIG && setpriv --reuid paste --regid paste \
        --clear-groups venv/bin/gunicorn -c gunicorn.conf.py bepasty.wsgi >/dev/null 2>&1 &'
}
upload() { # COMMAND WORD
    $1 -s --noproxy '*' -i -u x:adminpw1 -H 'Content-Type: text/plain' -H "Content-Filename: $2.txt" \
        -H "Content-Length: 8" -H 'Content-Range: bytes 0-5/6' --data-binary 'aGVsbG8K' \
        http://127.0.0.1:8081/apis/rest/items
}
seed() { upload curl kept | grep -i '^content-location:'; }
end() { kill "$(cat "$1/opt/bepasty/run/gunicorn.pid")"; }
ask() { url -u x:adminpw1 http://127.0.0.1:8081/apis/rest/items; }
wanted=kept.txt
write() { upload 'from curl' fresh; }
written=ocation
ask_new() { ask; }
wanted_new=fresh.txt
