# A board of notes in JavaScript as somebody made it: started by npm's own file of scripts, its only file
# of data beside the code and replaced by rename, in a tree below /srv that belongs to its user.
packages="nodejs npm"
scope=(/srv/board)
port=3017
reach=outside
tries=60
install_old() {
    mkdir -p "$1/srv/board"
    file "$1" /srv/board/package.json <<'TEXT'
{"name":"board","version":"1.0.0","private":true,"scripts":{"start":"json-server --host 0.0.0.0 --port 3017 db.json"}}
TEXT
    fetched "$1" env NODE_EXTRA_CA_CERTS=/tmp/trusted.crt sh -ec 'cd /srv/board
        npm install --ignore-scripts --no-audit --no-fund json-server@0.17.4
        rm -rf /root/.npm' || return 1
    at_old "$1" useradd -r -m -d /srv/board -s /bin/sh board
    echo '{"notes": []}' | file "$1" /srv/board/db.json
    at_old "$1" chown -R board: /srv/board
    file "$1" /etc/systemd/system/board.service <<'TEXT'
[Unit]
Description=board of notes

[Service]
User=board
WorkingDirectory=/srv/board
Environment=NODE_ENV=production
ExecStart=/usr/bin/npm start
Restart=always

[Install]
WantedBy=multi-user.target
TEXT
    mkdir -p "$1/etc/systemd/system/multi-user.target.wants"
    ln -sf /etc/systemd/system/board.service "$1/etc/systemd/system/multi-user.target.wants/board.service"
}
begin() {
    at_old "$1" sh -c 'cd /srv/board && HOME=/srv/board NODE_ENV=production setsid setpriv --reuid board --regid board --clear-groups \
        /usr/bin/npm start >/dev/null 2>&1 & echo $! >/tmp/board.pid'
}
put() { $1 -s --noproxy '*' -H 'Content-Type: application/json' -d "{\"word\":\"$2\"}" http://127.0.0.1:3017/notes; }
seed() { put curl kept && sleep 1; }
end() { kill -- "-$(cat "$1/tmp/board.pid")"; rm -f "$1/tmp/board.pid"; }
ask() { url http://127.0.0.1:3017/notes; }
wanted=kept
write() { put 'from curl' fresh; sleep 1; }
written=fresh
ask_new() { ask; }
wanted_new=fresh
