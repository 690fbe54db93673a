# A web server with a site elsewhere, whose authority for certificates is made at run time and kept
# in the home of its user, and whose log is data that its clients write.
packages=caddy
scope=(--package caddy)
port=80
reach=outside
install_old() {
    file "$1" /etc/caddy/Caddyfile <<'TEXT'
:80 {
	root * /srv/www/shop
	file_server
	log {
		output file /var/log/caddy/shop.log
	}
}

https://localhost {
	tls internal
	respond "by TLS"
}
TEXT
    echo 'a page that was kept' | file "$1" /srv/www/shop/index.html
}
begin() {
    at_old "$1" sh -c 'cd /var/lib/caddy && HOME=/var/lib/caddy setpriv --reuid caddy --regid caddy --init-groups \
        --ambient-caps +net_bind_service --inh-caps +net_bind_service \
        caddy run --environ --config /etc/caddy/Caddyfile >/dev/null 2>&1 & echo $! >/run/caddy.pid'
}
seed() {
    sleep 3
    authority=$(openssl x509 -noout -fingerprint -in "$1/var/lib/caddy/.local/share/caddy/pki/authorities/local/root.crt") &&
        echo "${authority#*=}" >"$1/root/authority"
}
end() { kill "$(cat "$1/run/caddy.pid")"; }
# The page, and the authority that the old host's clients trust.
ask() {
    url http://127.0.0.1/
    url --cacert "$root/var/lib/caddy/.local/share/caddy/pki/authorities/local/root.crt" https://localhost/ |
        tr '\n' ' '
}
wanted='a page that was kept
by TLS'
write() { url "http://127.0.0.1/?fresh"; }
written=kept
ask_new() { inside "cat /var/log/caddy/shop.log"; }
wanted_new='?fresh'
