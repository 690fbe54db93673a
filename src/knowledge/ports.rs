//! Well-known ports and schemes.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

use super::{split, table};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    port: Vec<Port>,
    scheme: Vec<Scheme>,
    service: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Port {
    protocol: String,
    #[serde(default)]
    tcp: Vec<u16>,
    #[serde(default)]
    udp: Vec<u16>,
    /// Ports that others use as well: no protocol follows from them alone.
    #[serde(default)]
    weak: Vec<u16>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Scheme {
    names: String,
    service: String,
}

struct Knowledge {
    services: BTreeMap<String, (&'static str, u16)>,
    ports: BTreeMap<(bool, u16), String>,
    schemes: BTreeMap<String, String>,
}

static KNOWLEDGE: LazyLock<Knowledge> = LazyLock::new(|| {
    let table = table::<Table>("ports");
    let mut ports = BTreeMap::new();
    for row in &table.port {
        let strong = |port: &&u16| !row.weak.contains(port);
        for (udp, list) in [(false, &row.tcp), (true, &row.udp)] {
            for port in list.iter().filter(strong) {
                ports.insert((udp, *port), row.protocol.clone());
            }
        }
    }
    let mut schemes = BTreeMap::new();
    for row in table.scheme {
        for name in split(&row.names) {
            schemes.insert(name, row.service.clone());
        }
    }
    let mut services = BTreeMap::new();
    for row in &table.port {
        let tcp = row.tcp.first().map(|port| ("tcp", *port));
        let udp = row.udp.first().map(|port| ("udp", *port));
        if let Some(first) = tcp.or(udp) {
            services.insert(row.protocol.clone(), first);
        }
    }
    for (name, port) in table.service {
        let (transport, port) = port.split_once(' ').unwrap_or(("tcp", &port));
        let transport = if transport == "udp" { "udp" } else { "tcp" };
        if let Ok(port) = port.parse() {
            services.insert(name, (transport, port));
        }
    }
    Knowledge {
        ports,
        schemes,
        services,
    }
});

/// The protocol that a port is registered for; nothing where several use it.
#[must_use]
pub fn protocol(transport: &str, port: u16) -> Option<&'static str> {
    let found = KNOWLEDGE.ports.get(&(transport == "udp", port));
    found.map(String::as_str)
}

/// The transport and port of a service by its registered name (services(5)).
#[must_use]
pub fn service_port(name: &str) -> Option<(&'static str, u16)> {
    KNOWLEDGE.services.get(name).copied()
}

/// The kind of service behind a URL's scheme (`db`, `ldap`, `smtp`, …).
#[must_use]
pub fn service_of_scheme(scheme: &str) -> Option<&'static str> {
    let found = KNOWLEDGE.schemes.get(&scheme.to_ascii_lowercase());
    found.map(String::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_and_schemes_are_known() {
        assert_eq!(protocol("tcp", 443), Some("https"));
        assert_eq!(protocol("udp", 53), Some("dns"));
        assert_eq!(protocol("tcp", 9000), None);
        assert_eq!(service_of_scheme("LDAPS"), Some("ldap"));
        assert_eq!(service_port("imap"), Some(("tcp", 143)));
        assert_eq!(service_port("imaps"), Some(("tcp", 993)));
        assert_eq!(service_port("bootps"), Some(("udp", 67)));
    }
}
