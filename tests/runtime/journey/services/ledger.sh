# A home-made program in Tcl in somebody's home, which that one's table of cron starts with the host, by
# a script that sets its surroundings; its entries are in SQLite.
packages="tcl libsqlite3-tcl"
scope=(/home/kate/ledger)
port=9500
reach=outside
install_old() {
    at_old "$1" useradd -m -s /bin/bash kate
    file "$1" /home/kate/ledger/ledger.tcl <<'TEXT'
package require sqlite3
source [file join [file dirname [info script]] lib http.tcl]

sqlite3 db [file join $env(LEDGER_HOME) data ledger.db]
db eval {create table if not exists entries (word text)}

proc answer {query} {
    if {[regexp {word=(\w+)} $query -> word]} {
        db eval {insert into entries values ($word)}
    }
    return "The ledger\n[join [db eval {select word from entries}] \n]\n"
}

http::serve $env(LEDGER_PORT) answer
vwait forever
TEXT
    file "$1" /home/kate/ledger/lib/http.tcl <<'TEXT'
namespace eval http {
    proc serve {port command} { socket -server [list http::come $command] $port }
    proc come {command channel address port} {
        fconfigure $channel -buffering full -translation crlf
        gets $channel line
        while {[gets $channel header] > 0} {}
        set text [$command [lindex $line 1]]
        puts $channel "HTTP/1.0 200 OK\nContent-Length: [string length $text]\n"
        fconfigure $channel -translation binary
        puts -nonewline $channel $text
        close $channel
    }
}
TEXT
    file "$1" /home/kate/ledger/ledger.env <<'TEXT'
# surroundings of the ledger
export LEDGER_HOME=$HOME/ledger
export LEDGER_PORT=9500
TEXT
    file "$1" /home/kate/ledger/run.sh 755 <<'TEXT'
#!/bin/bash
# started with the host by cron
cd "$(dirname "$0")" || exit 1
. ./ledger.env
mkdir -p data log
exec tclsh ledger.tcl >>log/ledger.log 2>&1
TEXT
    echo '@reboot $HOME/ledger/run.sh' | file "$1" /var/spool/cron/crontabs/kate 600
    at_old "$1" chown kate:crontab /var/spool/cron/crontabs/kate
    at_old "$1" chown -R kate: /home/kate
}
begin() { at_old "$1" su - kate -c '$HOME/ledger/run.sh' >/dev/null 2>&1 & }
seed() { curl -s --noproxy '*' 'http://127.0.0.1:9500/?word=kept' | grep kept; }
end() { at_old "$1" sh -c 'kill $(pidof tclsh)'; }
ask() { url http://127.0.0.1:9500/; }
wanted=kept
write() { url 'http://127.0.0.1:9500/?word=fresh'; }
written=fresh
ask_new() { ask; }
wanted_new=fresh
