//! Process supervisors in the manner of supervisord: several processes of one application.

use std::collections::BTreeMap;

use crate::fact::{Certainty, Class, Given, Kind, Locus, Source, StartKind, Touch, What};
use crate::parse::mask::mask;
use crate::parse::supervisor::{Entry, Section, expand, parse};
use crate::parse::unit::words;
use crate::path::AppPath;

use super::argument::template;
use super::start::{self, Start};
use super::{Extractor, Input, Named, Out, environment, place, withhold};

/// Reads the configuration of supervisord and its programs, wherever it lies.
pub const EXTRACTOR: Extractor = Extractor {
    name: "supervisor",
    wants,
    run,
};

fn wants(input: &Input<'_>) -> bool {
    const SECTIONS: [&[u8]; 5] = [
        b"[program:",
        b"[supervisord]",
        b"[eventlistener:",
        b"[fcgi-program:",
        b"[unix_http_server]",
    ];
    let name = input.path.name();
    let named = name.ends_with(b".conf") || name.ends_with(b".ini") || name.ends_with(b".cfg");
    let has = |section: &&[u8]| memchr::memmem::find(input.head, section).is_some();
    named && !place::is_leftover(input.path) && input.is_text() && SECTIONS.iter().any(has)
}

fn run(input: &Input<'_>, out: &mut Out) {
    for section in parse(place::text(input, place::EXPANDING_LIMIT, out)) {
        let reader = Reader {
            file: input.path,
            section: &section,
        };
        match section.kind.as_str() {
            "program" | "eventlistener" | "fcgi-program" => reader.program(out),
            "supervisord" | "include" => reader.paths(out),
            "unix_http_server" | "inet_http_server" => reader.control(out),
            _ => {}
        }
    }
}

/// A key that names a path.
type Key = (&'static str, Touch, Kind, Option<Class>);

const PATHS: [Key; 6] = [
    ("logfile", Touch::Writes, Kind::File, Some(Class::Log)),
    (
        "stdout_logfile",
        Touch::Writes,
        Kind::File,
        Some(Class::Log),
    ),
    (
        "stderr_logfile",
        Touch::Writes,
        Kind::File,
        Some(Class::Log),
    ),
    ("childlogdir", Touch::Creates, Kind::Dir, Some(Class::Log)),
    ("pidfile", Touch::Writes, Kind::File, Some(Class::Runtime)),
    ("directory", Touch::Names, Kind::Dir, None),
];

struct Reader<'a> {
    file: &'a AppPath,
    section: &'a Section,
}

impl Reader<'_> {
    fn at(&self, entry: &Entry) -> Locus {
        Locus::line(self.file, entry.line)
    }

    fn value(&self, entry: &Entry) -> Vec<u8> {
        let name = self.section.name.as_bytes();
        expand(&entry.value, &|key| match key {
            "here" => Some(self.file.parent()?.as_bytes().to_vec()),
            "program_name" | "group_name" if !name.is_empty() => Some(name.to_vec()),
            _ => None,
        })
    }

    /// The command; what the environment of supervisord itself puts into it, nothing tells.
    fn command(&self, entry: &Entry) -> Vec<u8> {
        let name = self.section.name.as_bytes();
        expand(&entry.value, &|key| match key {
            "here" => Some(self.file.parent()?.as_bytes().to_vec()),
            "program_name" | "group_name" if !name.is_empty() => Some(name.to_vec()),
            _ if key.starts_with("ENV_") => Some(b"*".to_vec()),
            _ => None,
        })
    }

    fn path(&self, word: &[u8], at: Locus, (by, touch, kind, class): Key, out: &mut Out) {
        if let Some(path) = template(word).filter(|path| !super::argument::is_everywhere(path)) {
            let named = Named {
                touch,
                source: Source::Config,
                by,
                kind: Some(kind),
                class,
            };
            out.path(at, Certainty::Declared, path, named);
        }
    }

    fn paths(&self, out: &mut Out) {
        for key in PATHS {
            if let Some(entry) = self.section.get(key.0) {
                self.path(&self.value(entry), self.at(entry), key, out);
            }
        }
        if let Some(entry) = self.section.get("files") {
            // Relative patterns are seen from the file's directory.
            let here = self.file.parent().unwrap_or_else(AppPath::root);
            for word in words(&self.value(entry)) {
                let key = ("files", Touch::Reads, Kind::File, Some(Class::Config));
                self.path(here.join(word).as_bytes(), self.at(entry), key, out);
            }
        }
        if let Some(entry) = self.section.get("environment") {
            for word in self.variables(entry) {
                if let Some(cut) = word.iter().position(|&b| b == b'=') {
                    let name = withhold::word(word[..cut].trim_ascii());
                    let value = word[cut + 1..].trim_ascii();
                    environment::set(&name, value, &self.at(entry), Certainty::Declared, out);
                }
            }
        }
        if let Some(entry) = self.section.get("user") {
            let what = What::RunsAs {
                user: withhold::word(&self.value(entry)),
                group: None,
            };
            out.fact(self.at(entry), Certainty::Declared, what);
        }
    }

    /// `KEY="value",KEY2=value2`: commas part them, quotes hold a value together.
    fn variables(&self, entry: &Entry) -> Vec<Vec<u8>> {
        let value = self.value(entry);
        let mut parts = vec![Vec::new()];
        let mut quote = None;
        for byte in value {
            match (byte, quote) {
                (b'"' | b'\'', None) => quote = Some(byte),
                (_, Some(open)) if byte == open => quote = None,
                (b',' | b'\n', None) => parts.push(Vec::new()),
                _ => parts
                    .iter_mut()
                    .last()
                    .into_iter()
                    .for_each(|part| part.push(byte)),
            }
        }
        parts
    }

    /// What the section gives to its process.
    fn given(&self) -> Given {
        let text = |key: &str| {
            let entry = self.section.get(key)?;
            Some(withhold::word(&self.value(entry)))
        };
        let directory = self.section.get("directory");
        let directory = directory.and_then(|entry| template(&self.value(entry)));
        let mut env = BTreeMap::new();
        for word in self
            .section
            .get("environment")
            .map(|entry| self.variables(entry))
            .unwrap_or_default()
        {
            if let Some(cut) = word.iter().position(|&b| b == b'=') {
                let name = withhold::word(word[..cut].trim_ascii());
                let value = word[cut + 1..].trim_ascii();
                let hidden = withhold::must_withhold(&name, value);
                let value = (!hidden).then(|| withhold::word(value));
                env.insert(name, value);
            }
        }
        Given {
            user: text("user"),
            group: None,
            directory,
            env,
            umask: text("umask").and_then(|value| mask(value.as_bytes())),
            count: text("numprocs")
                .and_then(|number| number.parse().ok())
                .filter(|count| *count > 1),
            // supervisord has names of signals with and without their first three letters.
            stop_signal: text("stopsignal").map(|name| match name.starts_with("SIG") {
                true => name,
                false => format!("SIG{name}"),
            }),
            stop_time: text("stopwaitsecs"),
        }
    }

    fn program(&self, out: &mut Out) {
        if let Some(entry) = self.section.get("command") {
            let command = words(&self.command(entry));
            if let Some((program, args)) = command.split_first() {
                let start = Start {
                    program,
                    args,
                    how: StartKind::Supervisor,
                    name: &self.section.name,
                    forks: Some(false),
                    source: Source::Config,
                    given: self.given(),
                };
                start::facts(&start, &self.at(entry), out);
            }
        }
        self.paths(out);
        let keys = [
            "autostart",
            "autorestart",
            "numprocs",
            "stopsignal",
            "stopwaitsecs",
            "priority",
        ];
        for key in keys {
            if let Some(entry) = self.section.get(key) {
                let what = What::Directive {
                    key: key.to_owned(),
                    value: withhold::word(&self.value(entry)),
                };
                out.fact(self.at(entry), Certainty::Declared, what);
            }
        }
        if let Some(entry) = self.section.get("socket") {
            self.listens(entry, out);
        }
    }

    /// The sockets of the supervisor itself.
    fn control(&self, out: &mut Out) {
        for key in ["file", "port"] {
            if let Some(entry) = self.section.get(key) {
                self.listens(entry, out);
            }
        }
        if let Some(entry) = self.section.get("password") {
            environment::secret("password", &self.at(entry), out);
        }
    }

    fn listens(&self, entry: &Entry, out: &mut Out) {
        let value = self.value(entry);
        let bare = value.strip_prefix(b"unix://").unwrap_or(&value);
        let bare = bare.strip_prefix(b"tcp://").unwrap_or(bare);
        let (transport, port, address) = if bare.starts_with(b"/") {
            let key = ("socket", Touch::Creates, Kind::Socket, Some(Class::Runtime));
            self.path(bare, self.at(entry), key, out);
            ("unix", None, withhold::word(bare))
        } else {
            let text = withhold::word(bare);
            let (address, port) = text.rsplit_once(':').unwrap_or(("", &text));
            let address = if address == "*" { "" } else { address };
            ("tcp", port.parse().ok(), address.to_owned())
        };
        let what = What::Listens {
            transport: transport.to_owned(),
            port,
            address,
            protocol: None,
        };
        out.fact(self.at(entry), Certainty::Declared, what);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::extract::testing::run;

    #[test]
    fn programs_with_their_paths_users_and_variables() {
        assert_eq!(
            run(
                &EXTRACTOR,
                "/opt/app/etc/app.ini",
                "[program:web]\ncommand=/opt/app/bin/web -c %(here)s/web.conf ; main\nuser=app\ndirectory=/opt/app/run\nstdout_logfile=/var/log/app/%(program_name)s-%(process_num)02d.log\nstderr_logfile=/dev/stderr\nenvironment=A=\"x,y\",DB_PASSWORD=\"hunter2\"\nstopsignal=QUIT\n"
            ),
            [
                "2 Starts /opt/app/bin/web -c /opt/app/etc/web.conf Supervisor web forks=false Declared",
                "2 Path /opt/app/etc/web.conf Names -c ? ? Inferred",
                "5 Path /var/log/app/web-{process_num}.log Writes stdout_logfile File Log Declared",
                "4 Path /opt/app/run Names directory Dir ? Declared",
                "7 Env A=x,y Declared",
                "7 Env DB_PASSWORD Declared",
                "7 Secret password DB_PASSWORD Inferred",
                "3 RunsAs app - Declared",
                "8 Directive stopsignal=QUIT Declared",
            ]
        );
    }

    #[test]
    fn the_supervisors_own_files_and_sockets() {
        assert_eq!(
            run(
                &EXTRACTOR,
                "/etc/supervisor/supervisord.conf",
                "[unix_http_server]\nfile=/run/s.sock\npassword=hunter2\n[inet_http_server]\nport=*:9001\n[supervisord]\nlogfile=/var/log/s.log\npidfile=/run/s.pid\n[include]\nfiles = conf.d/*.conf\n"
            ),
            [
                "2 Path /run/s.sock Creates socket Socket Runtime Declared",
                "2 Listens unix ? /run/s.sock Declared",
                "3 Secret password password Inferred",
                "5 Listens tcp 9001  Declared",
                "7 Path /var/log/s.log Writes logfile File Log Declared",
                "8 Path /run/s.pid Writes pidfile File Runtime Declared",
                "10 Path /etc/supervisor/conf.d/*.conf Reads files File Config Declared",
            ]
        );
    }
}
