//! What servers listen on by themselves, by the names of their programs.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

use super::{split, table};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    server: Vec<Row>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    programs: String,
    #[serde(default)]
    ports: String,
    #[serde(default)]
    also: String,
}

/// A port that a server opens by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opened {
    /// `tcp` or `udp`.
    pub transport: &'static str,
    /// Number.
    pub port: u16,
    /// Whether only this host reaches it.
    pub local: bool,
    /// `management` or `cluster`, where it is not what the server is there for.
    pub protocol: Option<&'static str>,
}

/// What a server listens on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Server {
    /// Where no setting says otherwise.
    pub ports: Vec<Opened>,
    /// Beside what settings name.
    pub also: Vec<Opened>,
}

static SERVERS: LazyLock<BTreeMap<String, Server>> = LazyLock::new(|| {
    let mut servers = BTreeMap::new();
    for row in table::<Table>("servers").server {
        let server = Server {
            ports: opened(&row.ports),
            also: opened(&row.also),
        };
        for name in split(&row.programs) {
            servers.insert(name, server.clone());
        }
    }
    servers
});

/// `tcp 53, udp 53, tcp 953 control local`.
fn opened(text: &str) -> Vec<Opened> {
    let one = |part: &str| {
        let mut words = part.split_ascii_whitespace();
        let transport = match words.next()? {
            "tcp" => "tcp",
            "udp" => "udp",
            _ => return None,
        };
        let port = words.next()?.parse().ok()?;
        let rest: Vec<&str> = words.collect();
        let protocol = match () {
            () if rest.contains(&"control") => Some("management"),
            () if rest.contains(&"cluster") => Some("cluster"),
            () => None,
        };
        Some(Opened {
            transport,
            port,
            local: rest.contains(&"local"),
            protocol,
        })
    };
    text.split(',').filter_map(one).collect()
}

/// What a server of this name listens on by itself: of its whole name, without the ending of a script's
/// name, or without the version that a distribution puts behind it.
#[must_use]
pub fn server(program: &str) -> Option<&'static Server> {
    let known = |name: &str| SERVERS.get(name);
    let stem = program.rsplit_once('.').map_or(program, |(stem, _)| stem);
    let bare = stem.trim_end_matches(|c: char| c.is_ascii_digit() || matches!(c, '.' | '-'));
    known(program)
        .or_else(|| known(stem))
        .or_else(|| known(bare).filter(|_| bare.len() > 2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_has_ports_that_are_understood() {
        for row in table::<Table>("servers").server {
            for text in [&row.ports, &row.also] {
                let parts = text.split(',').filter(|part| !part.is_empty()).count();
                assert_eq!(opened(text).len(), parts, "{}: {text}", row.programs);
                let known = |word: &str| {
                    let words = ["tcp", "udp", "control", "cluster", "local", ""];
                    words.contains(&word) || word.parse::<u16>().is_ok()
                };
                assert!(
                    text.split([' ', ',']).all(known),
                    "{}: {text}",
                    row.programs
                );
            }
            let both = row.ports.len() + row.also.len();
            assert!(both > 0, "{}", row.programs);
        }
    }

    #[test]
    fn no_program_stands_in_two_rows() {
        let mut seen = std::collections::BTreeSet::new();
        for row in table::<Table>("servers").server {
            for name in split(&row.programs) {
                assert!(seen.insert(name.clone()), "{name}");
            }
        }
    }

    #[test]
    fn a_version_or_an_ending_is_no_part_of_a_name() {
        for name in ["redis-server", "redis-server7", "redis-server.sh"] {
            let ports = &server(name).unwrap().ports;
            assert_eq!(ports[0].port, 6379, "{name}");
        }
        assert_eq!(server("redis-server-like"), None);
    }
}
