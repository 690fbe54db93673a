//! Addresses in values: what is listened on, who is talked to.

use crate::knowledge;

/// An address to listen on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// `tcp`, `udp` or `unix`.
    pub transport: &'static str,
    /// The port, where one is named.
    pub port: Option<u16>,
    /// Empty for every address.
    pub address: String,
    /// The protocol that its scheme names.
    pub protocol: Option<String>,
}

/// Reads `80`, `*:80`, `127.0.0.1:80`, `[::1]:80`, `tcp://host:80`, `unix:/x`, `/x`,
/// `inet:8891@host`, or an address alone.
pub(in crate::extract) fn endpoint(word: &str) -> Option<Endpoint> {
    let mut transport = "tcp";
    let mut protocol = None;
    let mut rest = word.trim().trim_end_matches([';', ',']);
    if let Some((scheme, after)) = rest.split_once(':')
        && scheme.len() >= 2
        && scheme.chars().all(|c| c.is_ascii_alphabetic() || c == '+')
    {
        let after = after.strip_prefix("//").unwrap_or(after);
        match scheme.to_ascii_lowercase().as_str() {
            "unix" | "local" | "unixd" => transport = "unix",
            "udp" | "udp4" | "udp6" | "dtls" => transport = "udp",
            "tcp" | "tcp4" | "tcp6" | "inet" | "inet6" | "ssl" | "tls" | "nio" => {}
            "localhost" => return plain(rest, transport),
            scheme => {
                if !word.contains("://") {
                    return plain(rest, transport);
                }
                protocol = Some(scheme.trim_start_matches("jdbc").to_owned());
            }
        }
        rest = after;
    }
    let end = rest
        .find(['/', '?'])
        .filter(|&at| at > 0)
        .unwrap_or(rest.len());
    if transport == "unix" || rest.starts_with('/') {
        return rest.starts_with('/').then(|| Endpoint {
            transport: "unix",
            port: None,
            address: rest.to_owned(),
            protocol: None,
        });
    }
    let mut found = plain(&rest[..end], transport)?;
    found.protocol = protocol;
    Some(found)
}

/// As [`endpoint`], where the port may also be a name of services(5): `imap`, `localhost:sieve`.
pub(super) fn named(word: &str) -> Option<Endpoint> {
    if let Some(one) = endpoint(word).filter(|one| one.port.is_some() || one.transport == "unix") {
        return Some(one);
    }
    let (address, name) = word.rsplit_once(':').unwrap_or(("", word));
    let (transport, port) = knowledge::service_port(name)?;
    let mut one = endpoint(&format!("{address}:{port}"))?;
    one.transport = transport;
    Some(one)
}

/// How many ports of a range are told one by one; a longer one is for what connections open.
const RANGE: u16 = 16;

/// The ports of a list or short range: `6665 .. 6669`, `8000-8003`, `6665,6667`.
pub(super) fn range(text: &str) -> Option<Vec<Endpoint>> {
    let number = |text: &str| text.trim().parse::<u16>().ok().filter(|port| *port > 0);
    let part = |part: &str| -> Option<Vec<u16>> {
        if let Some(port) = number(part) {
            return Some(vec![port]);
        }
        let (first, last) = ["..", "-", ":"]
            .iter()
            .find_map(|between| part.split_once(between))?;
        let (first, last) = (number(first)?, number(last)?);
        (first < last && last - first < RANGE).then(|| (first..=last).collect())
    };
    if number(text).is_some() {
        return None;
    }
    let all: Option<Vec<Vec<u16>>> = text.split(',').map(part).collect();
    let one = |port| Endpoint {
        transport: "tcp",
        port: Some(port),
        address: String::new(),
        protocol: None,
    };
    Some(all?.into_iter().flatten().map(one).collect())
}

fn plain(text: &str, transport: &'static str) -> Option<Endpoint> {
    let make = |address: &str, port| {
        let every = matches!(
            address,
            "" | "*" | "0.0.0.0" | "::" | "any" | "_default_" | "0"
        );
        Some(Endpoint {
            transport,
            port,
            address: if every {
                String::new()
            } else {
                address.to_owned()
            },
            protocol: None,
        })
    };
    let number = |text: &str| text.parse::<u16>().ok().filter(|&port| port > 0);
    if let Some(port) = number(text) {
        return make("", Some(port));
    }
    if let Some(inner) = text.strip_prefix('[') {
        let (address, after) = inner.split_once(']')?;
        let port = match after.strip_prefix(':') {
            Some(port) => Some(number(port)?),
            None => None,
        };
        return is_address(address).then(|| make(address, port)).flatten();
    }
    // RFC-style milter sockets: port@host.
    if let Some((port, address)) = text.split_once('@')
        && let Some(port) = number(port)
    {
        return make(address, Some(port));
    }
    if let Some((address, port)) = text.rsplit_once(':')
        && !address.contains(':')
    {
        let fits = |c: char| c.is_ascii_alphanumeric() || "-._*".contains(c);
        let port = number(port)?;
        return address
            .chars()
            .all(fits)
            .then(|| make(address, Some(port)))
            .flatten();
    }
    (is_address(text) || text == "*")
        .then(|| make(text, None))
        .flatten()
}

/// Whether a text is an IP address or `localhost`.
fn is_address(text: &str) -> bool {
    text == "localhost" || text.parse::<std::net::IpAddr>().is_ok()
}

/// The protocol that the words of a key name, or the port.
pub(super) fn protocol_of(words: &str, endpoint: &Endpoint) -> Option<String> {
    const NAMED: &[&str] = &[
        "management",
        "https",
        "http",
        "ajp",
        "smtps",
        "smtp",
        "lmtp",
        "imaps",
        "imap",
        "pop3s",
        "pop3",
        "ldaps",
        "ldap",
        "ftp",
        "ssh",
        "dns",
        "snmp",
        "mqtt",
        "amqp",
        "stomp",
        "sieve",
        "ntp",
        "irc",
        "socks",
        "jmx",
        "rmi",
        "syslog",
        "grpc",
    ];
    if endpoint.transport == "unix" {
        return None;
    }
    let words = words.to_ascii_lowercase();
    let named = words
        .split(|c: char| !c.is_ascii_alphanumeric())
        .find_map(|word| {
            NAMED.iter().find(|name| {
                let rest = word.strip_prefix(**name);
                rest.is_some_and(|rest| matches!(rest, "" | "port" | "address" | "listen" | "bind"))
            })
        });
    // `protocol="HTTP/1.1" scheme="https"`: the second says how the first is spoken.
    let is_https = || {
        words
            .split(|c: char| !c.is_ascii_alphanumeric())
            .any(|word| word == "https")
    };
    let named = match named {
        Some(&"http") if is_https() => Some(&"https"),
        other => other,
    };
    let by_port = || knowledge::protocol(endpoint.transport, endpoint.port?);
    named.copied().or_else(by_port).map(str::to_owned)
}

/// A URL with a host, apart from its credentials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Remote {
    pub(super) scheme: String,
    /// Host, with the port where there is one.
    pub(super) host: String,
    /// Whether a password stands in it that is no stand-in.
    pub(super) secret: bool,
}

/// The URLs of a value.
pub(super) fn remotes(value: &str) -> Vec<Remote> {
    let mut out = Vec::new();
    for (at, _) in value.match_indices("://").take(16) {
        let before = &value[..at];
        let fits = |c: char| c.is_ascii_alphanumeric() || "+-.".contains(c);
        let start = before
            .char_indices()
            .rev()
            .take_while(|(_, c)| fits(*c))
            .last()
            .map_or(at, |(start, _)| start);
        let rest = &value[at + 3..];
        let end = rest
            .find(|c: char| c.is_whitespace() || "/?;'\"),<>".contains(c))
            .unwrap_or(rest.len());
        // A password may hold a slash where people forgot to escape it; the last @ counts.
        let (credentials, host) = match rest[..end].rsplit_once('@') {
            Some((credentials, host)) => (Some(credentials), host),
            None => (None, &rest[..end]),
        };
        let password = credentials.and_then(|c| c.split_once(':')).map(|(_, p)| p);
        out.push(Remote {
            scheme: before[start..].to_ascii_lowercase(),
            host: host.to_owned(),
            secret: password.is_some_and(|p| !knowledge::is_placeholder(p)),
        });
    }
    out
}

/// The hosts that a connection string names: `Server=db,1433;Database=x` (ADO.NET, ODBC), and Oracle's
/// `jdbc:oracle:thin:@db:1521:x` or `@//db:1521/x`.
pub(super) fn connected(value: &str) -> Vec<String> {
    const KEYS: [&str; 8] = [
        "server",
        "data source",
        "datasource",
        "host",
        "hostname",
        "addr",
        "address",
        "network address",
    ];
    let mut found = Vec::new();
    if value.matches(';').count() > 0 && value.contains('=') {
        for part in value.split(';').take(64) {
            let Some((key, host)) = part.split_once('=') else {
                continue;
            };
            let key = key.trim().to_ascii_lowercase();
            let host = host.trim().trim_start_matches("tcp:").replace(',', ":");
            if KEYS.contains(&key.as_str()) {
                found.push(host.split('\\').next().unwrap_or_default().to_owned());
            }
        }
    }
    if let Some((_, rest)) = value
        .split_once("thin:@")
        .or_else(|| value.split_once("oci:@"))
    {
        let rest = rest.trim_start_matches("//");
        let end = rest.find(|c: char| c.is_whitespace() || "/?;'\")".contains(c));
        let mut parts = rest[..end.unwrap_or(rest.len())].split(':');
        if let Some(host) = parts.next() {
            found.push(match parts.next() {
                Some(port) => format!("{host}:{port}"),
                None => host.to_owned(),
            });
        }
    }
    found.retain(|host| is_host(host) && host != "localhost" && host != ".");
    found
}

/// Whether a text can be a host, with or without a port.
pub(super) fn is_host(text: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || "-._:[]".contains(c);
    let switch = ["yes", "no", "on", "off", "true", "false", "none", "null"];
    text.len() >= 3
        && text.len() <= 255
        && text.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '[')
        && text.chars().all(fits)
        && text
            .chars()
            .any(|c| c.is_ascii_alphabetic() || c == '.' || c == ':')
        && !switch.contains(&text.to_ascii_lowercase().as_str())
        && !is_example(text)
}

/// Names that stand where a host is to be filled in (RFC 2606): the bare ones that documentation has,
/// and those of which none can exist. A host below them is as good as any other name.
fn is_example(host: &str) -> bool {
    const BARE: [&str; 3] = ["example.com", "example.org", "example.net"];
    const NEVER: [&str; 3] = [".example", ".invalid", ".test"];
    let host = host.split(':').next().unwrap_or(host).to_ascii_lowercase();
    let bare = host.strip_prefix("www.").unwrap_or(&host);
    BARE.contains(&bare) || NEVER.iter().any(|name| host.ends_with(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_an_endpoint() {
        for (word, want) in [
            ("80", Some(("tcp", Some(80), ""))),
            ("*:8080", Some(("tcp", Some(8080), ""))),
            ("127.0.0.1:25", Some(("tcp", Some(25), "127.0.0.1"))),
            ("[::1]:25", Some(("tcp", Some(25), "::1"))),
            (":9090", Some(("tcp", Some(9090), ""))),
            ("tcp://0.0.0.0:61616?x=1", Some(("tcp", Some(61616), ""))),
            ("udp:514", Some(("udp", Some(514), ""))),
            ("unix:/run/x", Some(("unix", None, "/run/x"))),
            ("/run/x", Some(("unix", None, "/run/x"))),
            (
                "inet:8891@localhost",
                Some(("tcp", Some(8891), "localhost")),
            ),
            ("localhost:8891", Some(("tcp", Some(8891), "localhost"))),
            ("127.0.0.1", Some(("tcp", None, "127.0.0.1"))),
            ("default_server", None),
            ("70000", None),
            ("yes", None),
        ] {
            let got = endpoint(word);
            let got = got
                .as_ref()
                .map(|e| (e.transport, e.port, e.address.as_str()));
            assert_eq!(got, want, "{word}");
        }
    }

    #[test]
    fn credentials_never_leave_a_url() {
        let found = remotes("jdbc:mysql://app:s3cr3t@db.local:3306/x?y");
        assert_eq!(
            found,
            [Remote {
                scheme: "mysql".to_owned(),
                host: "db.local:3306".to_owned(),
                secret: true
            }]
        );
        assert!(!remotes("redis://:${PW}@cache/0")[0].secret);
    }
}
