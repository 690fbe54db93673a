# A chat server: its tables bear the name of the node, which bears the host's.
packages=ejabberd
scope=(--package ejabberd)
port=5222
reach=outside
tries=60
install_old() { sed -i 's/^#ERLANG_NODE=.*/ERLANG_NODE=ejabberd/' "$1/etc/default/ejabberd"; }
begin() { at_old "$1" /etc/init.d/ejabberd start; }
seed() {
    at_old "$1" ejabberdctl started
    at_old "$1" ejabberdctl register old localhost old-password
}
end() { at_old "$1" /etc/init.d/ejabberd stop; sleep 5; }
ask() { from python3 "$here/journey/xmpp.py" 127.0.0.1 localhost old old-password; }
wanted='logged in as old'
write() { inside 'ejabberdctl register new localhost new-password'; }
written='registered'
ask_new() { from python3 "$here/journey/xmpp.py" 127.0.0.1 localhost new new-password; }
wanted_new='logged in as new'
