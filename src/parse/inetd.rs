//! inetd.conf(5) and xinetd.conf(5): services that a super-server starts on a connection.

use super::line::{entries, fields, lines, text};

/// A service of either file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Service {
    /// Its first line, from 1.
    pub line: u32,
    /// Name as in services(5), or a port number.
    pub name: String,
    /// `tcp`, `udp`, …; without `4` or `6`.
    pub protocol: String,
    /// The address it is bound to; empty for all.
    pub address: String,
    /// A port that is given as such.
    pub port: Option<u16>,
    /// The user, where given.
    pub user: Option<String>,
    /// The group, where given.
    pub group: Option<String>,
    /// The program; empty when the super-server answers by itself.
    pub program: Vec<u8>,
    /// Arguments, without the program's own name.
    pub args: Vec<Vec<u8>>,
    /// xinetd: `disable = yes`.
    pub disabled: bool,
    /// xinetd: other attributes, with their lines.
    pub attributes: Vec<(u32, String, Vec<u8>)>,
}

/// Reads inetd.conf(5); the numbers of lines not understood.
#[must_use]
pub fn inetd(file: &[u8]) -> (Vec<Service>, Vec<u32>) {
    let mut found = Vec::new();
    let mut odd = Vec::new();
    for (line, entry) in entries(file) {
        let parts: Vec<&[u8]> = fields(entry).collect();
        let [name, _, protocol, wait, user, program, args @ ..] = parts.as_slice() else {
            odd.push(line);
            continue;
        };
        if !wait.starts_with(b"wait") && !wait.starts_with(b"nowait") {
            odd.push(line);
            continue;
        }
        let name = text(name);
        let (address, name) = match name.rsplit_once(':') {
            Some((address, name)) => (address.trim_matches('*').to_owned(), name.to_owned()),
            None => (String::new(), name),
        };
        let user = text(user);
        let (user, group) = match user.split_once([':', '.']) {
            Some((user, group)) => (user.to_owned(), Some(group.to_owned())),
            None => (user, None),
        };
        found.push(Service {
            line,
            port: name.parse().ok(),
            name,
            protocol: plain(&text(protocol)),
            address,
            user: Some(user),
            group,
            program: if *program == b"internal" {
                Vec::new()
            } else {
                program.to_vec()
            },
            args: args.iter().skip(1).map(|arg| arg.to_vec()).collect(),
            ..Service::default()
        });
    }
    (found, odd)
}

fn plain(protocol: &str) -> String {
    let end = protocol
        .find(['4', '6', '/', ','])
        .unwrap_or(protocol.len());
    protocol[..end].trim_start_matches("rpc/").to_owned()
}

/// Reads xinetd.conf(5): `service NAME { attribute = values }`; `defaults` is passed over.
#[must_use]
pub fn xinetd(file: &[u8]) -> Vec<Service> {
    let mut found = Vec::new();
    let mut heading: Option<(u32, String)> = None;
    let mut open: Option<Service> = None;
    for (line, entry) in lines(file) {
        let entry = entry.trim_ascii();
        if entry.is_empty() || entry.starts_with(b"#") {
            continue;
        }
        if entry == b"}" {
            found.extend(open.take());
        } else if let Some(service) = &mut open {
            attribute(service, line, entry);
        } else {
            let bare = entry.strip_suffix(b"{").unwrap_or(entry).trim_ascii();
            if let Some(name) = bare.strip_prefix(b"service") {
                heading = Some((line, text(name.trim_ascii())));
            }
            if entry.ends_with(b"{") {
                open = heading.take().map(|(line, name)| Service {
                    line,
                    port: name.parse().ok(),
                    name,
                    ..Service::default()
                });
            }
        }
    }
    found.extend(open);
    found
}

fn attribute(service: &mut Service, line: u32, entry: &[u8]) {
    let Some((key, value)) = super::line::split_once(entry, b'=') else {
        return;
    };
    let key = text(key);
    let key = key.trim_end_matches(['+', '-', ' ', '\t']);
    match key {
        "server" => service.program = value.to_vec(),
        "server_args" => {
            service.args = super::unit::words(value);
        }
        "user" => service.user = Some(text(value)),
        "group" => service.group = Some(text(value)),
        "protocol" => service.protocol = plain(&text(value)),
        // The socket's type tells the transport where no protocol is given.
        "socket_type" if service.protocol.is_empty() => {
            service.protocol = match value {
                b"stream" => "tcp",
                b"dgram" => "udp",
                _ => "",
            }
            .to_owned();
        }
        "port" => service.port = super::line::number(value),
        "bind" | "interface" => service.address = text(value),
        "disable" => service.disabled = value == b"yes",
        _ => service
            .attributes
            .push((line, key.to_owned(), value.to_vec())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inetd_lines() {
        let (found, odd) = inetd(
            b"# c\n127.0.0.1:finger stream tcp6 nowait.40 nobody:nogroup /usr/sbin/tcpd in.fingerd -w\ntime dgram udp wait root internal\nbroken line\n",
        );
        assert_eq!(odd, [4]);
        assert_eq!(found[0].address, "127.0.0.1");
        assert_eq!(found[0].protocol, "tcp");
        assert_eq!(found[0].group.as_deref(), Some("nogroup"));
        assert_eq!(found[0].args, [b"-w".to_vec()]);
        assert!(found[1].program.is_empty());
    }

    #[test]
    fn xinetd_blocks() {
        let found = xinetd(
            b"defaults\n{\n log_type = SYSLOG daemon\n}\nservice app\n{\n  disable = no\n  socket_type = stream\n  port = 8021\n  user = app\n  server = /opt/app/in.app\n  server_args = -c /etc/app.conf\n  log_on_failure += HOST\n}\nservice off {\n disable = yes\n}\n",
        );
        assert_eq!(found.len(), 2);
        assert_eq!(found[0].port, Some(8021));
        assert_eq!(found[0].protocol, "tcp");
        assert_eq!(found[0].args.len(), 2);
        assert_eq!(found[0].attributes[0].1, "log_on_failure");
        assert!(found[1].disabled && !found[0].disabled);
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_read(file: Vec<u8>, text in r#"[a-z{}=: \n]{0,60}"#) {
            let _ = (inetd(&file), xinetd(&file));
            let _ = (inetd(text.as_bytes()), xinetd(text.as_bytes()));
        }
    }
}
