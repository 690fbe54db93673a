# Python; an administrator lets everybody in, from outside the container too, and gives the
# collections to the user of the service.
scope=(--package radicale)
setup() {
    sed -i 's/^type = remote_user/type = none/; s/^type = from_file/type = owner_only/; s/^#hosts = .*/hosts = 0.0.0.0:5232/' \
        "$1/etc/radicale/config"
    chroot "$1" chown -R radicale: /var/lib/radicale
}
first="python3 - <<'CLIENT'
import http.client
def ask(method, path, body=None):
    server = http.client.HTTPConnection('127.0.0.1', 5232)
    server.request(method, path, body, {'Authorization': 'Basic am9lOmpvZQ==', 'Content-Type': 'text/calendar'})
    return server.getresponse().status
event = '''BEGIN:VCALENDAR
VERSION:2.0
PRODID:x
BEGIN:VEVENT
UID:1
DTSTAMP:20200101T000000Z
DTSTART:20200101T000000Z
SUMMARY:kept
END:VEVENT
END:VCALENDAR
'''.replace(chr(10), chr(13) + chr(10))
print(ask('MKCALENDAR', '/joe/cal/'), 'put', ask('PUT', '/joe/cal/1.ics', event))
CLIENT"
answer='put 201'
second="python3 - <<'CLIENT'
import http.client
server = http.client.HTTPConnection('127.0.0.1', 5232)
server.request('GET', '/joe/cal/1.ics', None, {'Authorization': 'Basic am9lOmpvZQ=='})
print(server.getresponse().read().decode())
CLIENT"
after=SUMMARY:kept
