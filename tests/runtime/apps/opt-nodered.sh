# A tree that no package owns, whose service user has its settings and flows at home.
scope=(--unit nodered /opt/nodered)
setup() {
    cat >"$1/etc/systemd/system/nodered.service" <<'UNIT'
[Unit]
Description=Flows
[Service]
User=nodered
WorkingDirectory=/var/lib/nodered
ExecStart=/usr/bin/node /opt/nodered/node_modules/node-red/red.js
KillSignal=SIGINT
[Install]
WantedBy=multi-user.target
UNIT
}
at=http://127.0.0.1:1880/flows
first="node -e 'fetch(\"$at\", {method: \"POST\", headers: {\"Content-Type\": \"application/json\"}, body: JSON.stringify([{id: \"t1\", type: \"tab\", label: \"kept\"}])}).then(r => console.log(\"posted\", r.status))'"
answer='posted 204'
second="node -e 'fetch(\"$at\").then(r => r.text()).then(t => console.log(t))'"
after=kept
