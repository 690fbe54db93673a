//! Settings that say where a program listens, and whom it talks to.

use super::meaning::{Meaning, meaning};
use super::net::Endpoint;
use super::value::{Trust, to_path};
use super::{Reader, net, people};
use crate::extract::start_ports;
use crate::fact::{Certainty, Class, Kind, Touch, What};
use crate::knowledge::{self, Directive, Role};
use crate::parse::config::{self, Form, Language, Separator, Setting, unquote};

/// Words of a key that stand for what a program opens only when it is asked to.
const SPECIAL: [&str; 22] = [
    "admin",
    "cluster",
    "control",
    "debug",
    "dtls",
    "example",
    "exporter",
    "health",
    "https",
    "jmx",
    "metrics",
    "monitor",
    "probe",
    "secure",
    "snmp",
    "ssl",
    "starttls",
    "stats",
    "status",
    "stream",
    "tls",
    "websocket",
];

/// Words of a key that stands for what a program is there for.
const PLAIN: [&str; 14] = [
    "address",
    "bind",
    "daemon",
    "general",
    "global",
    "http",
    "listen",
    "listener",
    "listening",
    "main",
    "port",
    "server",
    "service",
    "tcp",
];

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
        for one in self.opened(setting) {
            let what = What::Listens {
                transport: one.transport.to_owned(),
                port: one.port,
                address: one.address,
                protocol: one.protocol,
            };
            self.tell_listener(setting, Certainty::Inferred, what);
        }
    }

    /// What a setting opens of which the dictionary has no key.
    fn opened(&self, setting: &Setting) -> Vec<Endpoint> {
        let is_foreign =
            self.file.form == Form::Script(Language::Php) || self.file.is_client(setting);
        if is_foreign || setting.separator == Separator::Header {
            return Vec::new();
        }
        let value = self.file.expand(&setting.value).text;
        let name = setting.name();
        let parts = start_ports::words(&setting.key.join("."));
        let is_port = start_ports::is_port(name);
        let several = is_port.then(|| net::range(value.trim())).flatten();
        let is_one = several.is_none();
        let ends = several.unwrap_or_else(|| net::endpoint(value.trim()).into_iter().collect());
        let opens = |one: &Endpoint| {
            let is_every = one.address.is_empty() && value.contains(':') && is_one;
            let is_other = |part: &String| {
                start_ports::OTHERS.contains(&part.as_str()) || self.is_default_of(part, one.port)
            };
            // A number that only says yes.
            let is_number = one.port.is_some_and(|port| port > 1);
            let is_own = is_port && !parts.iter().any(is_other) && is_number;
            one.port.is_some() && (is_every || is_own && !(is_one && value.contains(':')))
        };
        let mut found: Vec<Endpoint> = ends.into_iter().filter(opens).collect();
        if found.is_empty() || self.peer(setting).is_some() {
            return Vec::new();
        }
        let udp = parts.iter().any(|part| part == "udp") || self.file.is_udp(setting);
        for one in &mut found {
            let protocol = net::protocol_of(name, one);
            one.protocol = one.protocol.take().or(protocol);
            if udp {
                one.transport = "udp";
            }
        }
        found
    }

    /// Gives out a listener: of a setting that holds only when the program has a module, with that module.
    fn tell_listener(&mut self, setting: &Setting, certainty: Certainty, what: What) {
        let at = self.file.at(setting);
        if self.file.is_off(setting) {
            return;
        }
        let part = || {
            self.file
                .one_of_several(setting)
                .map(|part| format!("-{part}").into())
        };
        let condition: Option<Box<str>> = setting.condition.clone().or_else(part);
        match &condition {
            Some(module) => {
                let what = start_ports::told(start_ports::CONDITION, Some(module), &what);
                self.out.fact(at, certainty, what);
            }
            None => self.out.fact(at, certainty, what),
        }
    }

    /// The port of a setting that is switched off: what the program does without it, where the comment
    /// says so, or where the section is there for a listener and leaves it out.
    pub(super) fn default_port(&mut self, setting: &Setting, directive: Option<&Directive>) {
        let is_listen = directive.is_some_and(|d| matches!(d.role, Role::Listen | Role::Port));
        let name = setting.name();
        if !is_listen && !start_ports::is_port(name) {
            return;
        }
        let parts = start_ports::words(&setting.key.join("."));
        let is_special = |part: &String| {
            SPECIAL.contains(&part.as_str()) || start_ports::OTHERS.contains(&part.as_str())
        };
        let is_overruled = self.file.sibling(setting, name).is_some()
            || self.file.beside(setting, Role::Port).is_some() && is_listen;
        if parts.iter().any(is_special) || is_overruled || self.file.is_client(setting) {
            return;
        }
        let value = setting.value.trim().trim_end_matches(';');
        let ends = net::range(value).unwrap_or_else(|| net::endpoint(value).into_iter().collect());
        let is_plain = |part: &String| PLAIN.contains(&part.as_str());
        let is_dedicated = || {
            let mut around = setting.key.iter().rev().skip(1).take(1);
            let listens = |word: &String| word.starts_with("listen");
            around.any(|section| start_ports::words(section).iter().any(listens))
        };
        for one in ends {
            let Some(port) = one.port.filter(|port| *port > 1) else {
                continue;
            };
            let is_sure = is_dedicated() || self.file.says_default(setting, port);
            let certainty = match is_sure {
                true => Certainty::Inferred,
                false if parts.iter().all(is_plain) => Certainty::Guessed,
                false => continue,
            };
            let udp = parts.iter().any(|part| part == "udp");
            let what = What::Listens {
                transport: if udp { "udp" } else { one.transport }.to_owned(),
                port: Some(port),
                protocol: net::protocol_of(name, &one),
                address: one.address,
            };
            // `service pop3-login { inet_listener pop3 { … } }`: the section is called after a program.
            let section = self.file.argument_around(setting);
            let what = start_ports::told(start_ports::DEFAULT, section, &what);
            self.out.fact(self.file.at(setting), certainty, what);
        }
    }

    /// `imap cmd="imapd" listen="imap"`: a listener that is one word of several.
    pub(super) fn joined(&mut self, setting: &Setting) {
        const KEYS: [&str; 4] = ["listen", "port", "bind", "bind_address"];
        if setting.separator != Separator::Space || !setting.value.contains('=') {
            return;
        }
        let words = config::words(&setting.value);
        let proto = words.iter().find_map(|word| word.strip_prefix("proto="));
        for word in &words {
            let Some((key, value)) = word.split_once('=') else {
                continue;
            };
            let value = unquote(value);
            let Some(mut one) = net::named(&value).filter(|_| KEYS.contains(&key)) else {
                continue;
            };
            if proto.is_some_and(|proto| proto.trim_matches('"').starts_with("udp")) {
                one.transport = "udp";
            }
            let protocol = one.protocol.clone().or_else(|| net::protocol_of(key, &one));
            if one.transport == "unix" || one.port.is_none() {
                continue;
            }
            let what = What::Listens {
                transport: one.transport.to_owned(),
                port: one.port,
                address: one.address,
                protocol,
            };
            self.tell_listener(setting, Certainty::Inferred, what);
        }
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
        let own = start_ports::words(&setting.folded());
        let own = own.iter().map(String::as_str);
        let stem: Vec<&str> = own
            .filter(|part| !matches!(*part, "port" | "number"))
            .collect();
        let host = self.file.host_beside(setting, &stem)?;
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
            let what = What::Listens {
                transport: endpoint.transport.to_owned(),
                port: endpoint.port,
                address: endpoint.address,
                protocol: endpoint.protocol,
            };
            self.tell_listener(setting, certainty, what);
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
