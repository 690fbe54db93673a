# A tree that no package owns, with its data inside, started as root by a unit written for it.
scope=(--unit tiddlywiki /opt/tiddlywiki)
setup() {
    cat >"$1/etc/systemd/system/tiddlywiki.service" <<'UNIT'
[Unit]
Description=Wiki
[Service]
ExecStart=/usr/bin/node /opt/tiddlywiki/node_modules/tiddlywiki/tiddlywiki.js /opt/tiddlywiki/wiki --listen port=8012
[Install]
WantedBy=multi-user.target
UNIT
}
at=http://127.0.0.1:8012/recipes/default/tiddlers/Hello
first="node -e 'fetch(\"$at\", {method: \"PUT\", headers: {\"X-Requested-With\": \"TiddlyWiki\"}, body: JSON.stringify({title: \"Hello\", text: \"kept\"})}).then(r => console.log(\"put\", r.status))' && sleep 2 && grep -r kept /opt/tiddlywiki/wiki/tiddlers"
answer=kept
second="node -e 'fetch(\"$at\").then(r => r.text()).then(t => console.log(t))'"
after=kept
