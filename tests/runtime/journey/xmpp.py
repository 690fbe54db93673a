"""A client of XMPP that logs in: xmpp.py ADDRESS DOMAIN USER PASSWORD."""
import base64
import socket
import ssl
import sys

address, domain, user, password = sys.argv[1:]
line = socket.create_connection((address, 5222), 5)
line.settimeout(10)


def asked(text, until):
    """What the server answers, up to the first of these words."""
    line.sendall(text.encode())
    said = ""
    while not any(word in said for word in until):
        more = line.recv(4096)
        if not more:
            break
        said += more.decode(errors="replace")
    return said


stream = (f'<stream:stream to="{domain}" version="1.0" xmlns="jabber:client" '
          'xmlns:stream="http://etherx.jabber.org/streams">')
features = asked(stream, ["</stream:features>", "</stream:error>"])
if "starttls" in features:
    asked('<starttls xmlns="urn:ietf:params:xml:ns:xmpp-tls"/>', ["proceed", "failure"])
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    line = context.wrap_socket(line, server_hostname=domain)
    asked(stream, ["</stream:features>", "</stream:error>"])
token = base64.b64encode(f"\0{user}\0{password}".encode()).decode()
answer = asked('<auth xmlns="urn:ietf:params:xml:ns:xmpp-sasl" mechanism="PLAIN">' + token + "</auth>",
               ["<success", "<failure"])
print(f"logged in as {user}" if "<success" in answer else f"refused: {answer[-200:]}")
