# A chat server in Lua: modules that its interpreter finds by search paths, settings that are a program,
# accounts as files.
packages=prosody
scope=(--package prosody)
port=5222
reach=outside
install_old() {
    openssl req -x509 -newkey rsa:2048 -nodes -days 3650 -subj /CN=localhost \
        -keyout "$1/etc/prosody/certs/localhost.key" -out "$1/etc/prosody/certs/localhost.crt"
    at_old "$1" chown -R root:prosody /etc/prosody/certs
    at_old "$1" chmod 640 /etc/prosody/certs/localhost.key
}
begin() { at_old "$1" /etc/init.d/prosody start; }
seed() { at_old "$1" prosodyctl register old localhost old-password; }
end() { at_old "$1" /etc/init.d/prosody stop; }
ask() { from python3 "$here/journey/xmpp.py" 127.0.0.1 localhost old old-password; }
wanted='logged in as old'
# Its own tool writes as the user that runs it, and wants the one that the server has.
write() { inside 'prosodyctl register new localhost new-password && echo registered'; }
written='registered'
ask_new() { from python3 "$here/journey/xmpp.py" 127.0.0.1 localhost new new-password; }
wanted_new='logged in as new'
