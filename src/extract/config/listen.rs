//! Settings that say where a program listens, and whom it talks to.

use super::meaning::{Meaning, meaning};
use super::value::{Trust, to_path};
use super::{Reader, net, people};
use crate::extract::start_ports;
use crate::fact::{Certainty, Class, Kind, Touch, What};
use crate::knowledge::{self, Directive, Role};
use crate::parse::config::{Form, Language, Separator, Setting};

impl Reader<'_, '_> {
    /// `[tcp://9997]`: a section that is called after what it listens on.
    pub(super) fn stanza(&mut self, setting: &Setting) {
        if setting.name() != "stanza" {
            return;
        }
        let Some((scheme, rest)) = setting.value.split_once("://") else {
            return;
        };
        let scheme = scheme.to_ascii_lowercase();
        let transport = if scheme.ends_with("udp") {
            "udp"
        } else if scheme.ends_with("tcp") || scheme.ends_with("tcp-ssl") {
            "tcp"
        } else {
            return;
        };
        // A stanza with a host takes what that host sends, and no other.
        let port = rest.rsplit(':').next().unwrap_or(rest);
        if let Some(one) = net::endpoint(port).filter(|one| one.port.is_some()) {
            let what = What::Listens {
                transport: transport.to_owned(),
                port: one.port,
                address: String::new(),
                protocol: net::protocol_of(&scheme, &one),
            };
            self.out
                .fact(self.file.at(setting), Certainty::Inferred, what);
        }
    }

    /// A port or address of a key that the dictionary has not: by the word in its name, or by an address
    /// that nobody could talk to.
    pub(super) fn open_port(&mut self, setting: &Setting) {
        let is_foreign =
            self.file.form == Form::Script(Language::Php) || self.file.is_client(setting);
        if is_foreign || setting.separator == Separator::Header {
            return;
        }
        let value = self.file.expand(&setting.value).text;
        let Some(one) = net::endpoint(value.trim()).filter(|one| one.port.is_some()) else {
            return;
        };
        let is_every = one.address.is_empty() && value.contains(':');
        let name = setting.name();
        let parts = start_ports::words(&setting.key.join("."));
        let is_other = |part: &String| {
            start_ports::OTHERS.contains(&part.as_str()) || self.is_default_of(part, one.port)
        };
        let is_port = start_ports::is_port(name)
            && !parts.iter().any(is_other)
            // A number that only says yes.
            && one.port.is_some_and(|port| port > 1);
        if !(is_every || is_port && !value.contains(':')) || self.peer(setting).is_some() {
            return;
        }
        let protocol = net::protocol_of(name, &one);
        let udp = parts.iter().any(|part| part == "udp");
        self.out.fact(
            self.file.at(setting),
            Certainty::Inferred,
            What::Listens {
                transport: if udp { "udp" } else { one.transport }.to_owned(),
                port: one.port,
                address: one.address,
                protocol: one.protocol.or(protocol),
            },
        );
    }

    /// Whether a word of a key is a protocol of which the port is the well-known one, and the file's own
    /// path does not speak of it: `FtpPort = 21` of what is no server of FTP is the port of one that it
    /// talks to.
    pub(super) fn is_default_of(&self, word: &str, port: Option<u16>) -> bool {
        let Some(port) = port else { return false };
        let known = ["tcp", "udp"].map(|transport| knowledge::protocol(transport, port));
        let is_web = word.starts_with("http") || matches!(word, "ajp" | "jmx");
        let is_own = || {
            let path = self.file.path.to_text().to_ascii_lowercase();
            path.contains(word)
        };
        let server = word.strip_suffix('d').unwrap_or(word);
        let is_known = known.contains(&Some(word)) || known.contains(&Some(server));
        !is_web && is_known && !is_own()
    }

    /// The host that a port belongs to, which a key beside it names: `trap.host` beside `trap.port`.
    pub(super) fn peer(&self, setting: &Setting) -> Option<String> {
        const HOSTS: [&str; 9] = [
            "host",
            "hostname",
            "server",
            "address",
            "addr",
            "ip",
            "hosts",
            "servername",
            "node",
        ];
        let own = start_ports::words(&setting.folded());
        let stem: Vec<&String> = own
            .iter()
            .filter(|part| !matches!(part.as_str(), "port" | "number"))
            .collect();
        let is_beside = |other: &Setting| {
            let parts = start_ports::words(&other.folded());
            let (last, head) = match parts.split_last() {
                Some((last, head)) => (last.as_str(), head),
                None => return false,
            };
            other.block == setting.block
                && HOSTS.contains(&last)
                && head.len() == stem.len()
                && head.iter().zip(&stem).all(|(a, b)| a == *b)
                && !stem.is_empty()
        };
        let mut live = self.file.live().map(|(other, _)| other);
        let host = live.find(|other| is_beside(other))?;
        let value = self.file.expand(&host.value).text;
        let value = value.trim();
        let is_own = matches!(
            value,
            "localhost" | "0.0.0.0" | "::" | "*" | "" | "127.0.0.1" | "::1"
        );
        (!is_own && net::is_host(value)).then(|| value.to_owned())
    }

    pub(super) fn listens(&mut self, setting: &Setting, directive: Option<&Directive>) {
        let Some(directive) = directive else { return };
        // The port that the program has by itself (services(5)).
        if setting.value.trim() == "0"
            && setting.key.iter().any(|part| part.starts_with("listen"))
            && start_ports::is_port(setting.name())
        {
            let what = What::Setting {
                key: start_ports::LEFT_OPEN.to_owned(),
                value: "0".to_owned(),
            };
            self.out
                .fact(self.file.at(setting), Certainty::Declared, what);
            return;
        }
        if directive.role == Role::Port
            && let Some(host) = self.peer(setting)
        {
            let what = What::Talks {
                service: "host".to_owned(),
                to: host,
            };
            self.out
                .fact(self.file.at(setting), Certainty::Inferred, what);
            return;
        }
        let certainty = if directive.weak {
            Certainty::Inferred
        } else {
            Certainty::Declared
        };
        for endpoint in people::endpoints(self.file, setting, directive) {
            if endpoint.transport == "unix" {
                let socket = Meaning {
                    touch: Touch::Creates,
                    kind: Some(Kind::Socket),
                    class: Some(Class::Runtime),
                    ..meaning(setting, directive)
                };
                let Some(path) = to_path(&endpoint.address, Trust::Known) else {
                    continue;
                };
                self.give(setting, path, socket);
            }
            self.out.fact(
                self.file.at(setting),
                certainty,
                What::Listens {
                    transport: endpoint.transport.to_owned(),
                    port: endpoint.port,
                    address: endpoint.address,
                    protocol: endpoint.protocol,
                },
            );
        }
        if directive.class.is_some() && !setting.value.contains('/') {
            return;
        }
        if directive.class == Some(Class::Runtime) && !setting.value.starts_with('/') {
            let meaning = meaning(setting, directive);
            self.relative(setting, directive, &meaning);
        }
    }
}
