//! Configuration files: what their settings say of paths, sockets, users, other hosts, secrets.
//!
//! The reader of the form gives settings, the dictionary of directives their meaning. The path
//! itself is asked too: on values that were seen in use, the place of a path was right more often
//! than the name of its key, so a common word for a key never overrules a clear place.

mod file;
mod listen;
mod meaning;
pub(super) mod net;
mod people;
mod value;

use std::collections::BTreeSet;

use self::file::File;
use self::meaning::{Meaning, device, is_listed_device, is_selector, meaning, unknown};
use self::value::{Spot, Trust, bare, behind_scheme, relative, spots, to_path};
use super::{Extractor, Input, Named, Out, argument, calls, start_ports};
use crate::fact::{Certainty, Class, IssueKind, Kind, Locus, Need, Source, Touch, What};
use crate::knowledge::{self, Directive, Role};
use crate::parse::budget::SETTINGS;
use crate::parse::command_line::simple_commands;
use crate::parse::config::{self, Environments, Form, Language, Separator, Setting};
use crate::path::AppPath;

/// What is said of settings of which no reader understands a line.
pub const UNREAD_FORM: &str =
    "settings in a form that is not understood: what they say is not known";

/// Reads configuration files.
pub(super) const EXTRACTOR: Extractor = Extractor {
    name: "configuration",
    wants: |input| input.stat.kind == Kind::File && config::form(input.path, input.head).is_some(),
    run,
};

fn run(input: &Input<'_>, out: &mut Out) {
    let Some(form) = config::form(input.path, input.head) else {
        return;
    };
    let parsed = config::parse(form, input.text());
    for fault in &parsed.faults {
        let at = match fault.line {
            0 => Locus::file(input.path),
            line => Locus::line(input.path, line),
        };
        let kind = if fault.limit {
            IssueKind::LimitReached
        } else {
            IssueKind::Malformed
        };
        out.issue(at, kind, fault.message);
    }
    // A program may have the name of settings.
    let is_program = matches!(form, Form::Script(_));
    if parsed.settings.is_empty() && !is_program && says_something(input.text()) {
        out.issue(
            Locus::file(input.path),
            IssueKind::NotUnderstood,
            UNREAD_FORM,
        );
    }
    let file = File::new(input.path, input.text(), form, &parsed.settings);
    let mut reader = Reader {
        file: &file,
        seen: BTreeSet::new(),
        is_full: false,
        out,
    };
    let environments = Environments::of(&parsed.settings);
    for (setting, directive) in parsed.settings.iter().zip(&file.directives) {
        if environments.passes(setting) {
            people::secret(&file, setting, *directive, reader.out);
        } else {
            reader.setting(setting, *directive);
        }
    }
    for (setting, directive) in file.usual() {
        reader.setting(&setting, directive);
    }
    people::run_as(&file, out);
    people::private_keys(&file, input.text(), out);
}

/// Whether a text has lines besides blank ones and comments, more than one or two: a file may well hold
/// one word.
fn says_something(text: &[u8]) -> bool {
    let is_said = |line: &&[u8]| {
        let line = line.trim_ascii();
        let is_comment = [&b"#"[..], b";", b"//", b"--", b"!", b"/*", b"<!--"]
            .iter()
            .any(|mark| line.starts_with(mark));
        // A section without settings says nothing.
        !line.is_empty() && !is_comment && !line.starts_with(b"[")
    };
    text.split(|byte| *byte == b'\n')
        .filter(is_said)
        .nth(2)
        .is_some()
}

struct Reader<'a, 'o> {
    file: &'a File<'a>,
    /// What was given out: the first place that names a path for a purpose stands for all.
    seen: BTreeSet<(AppPath, String, Touch, Option<Class>)>,
    /// Whether there were more of them than are told.
    is_full: bool,
    out: &'o mut Out,
}

impl Reader<'_, '_> {
    fn setting(&mut self, setting: &Setting, directive: Option<&Directive>) {
        if setting.commented {
            self.commented(setting, directive);
            return;
        }
        people::secret(self.file, setting, directive, self.out);
        if setting.value.is_empty() {
            return;
        }
        self.joined(setting);
        self.privilege(setting);
        people::talks(self.file, setting, directive, self.out);
        self.calls(setting, directive);
        if directive.is_some_and(|d| d.role == Role::Ignore) {
            return;
        }
        match directive.map(|d| d.role) {
            // PHP runs inside a server: an address in its settings is somebody else's.
            Some(Role::Listen | Role::Port | Role::Address)
                if self.file.form == Form::Script(Language::Php)
                    || self.file.is_client(setting) => {}
            Some(Role::Listen | Role::Port | Role::Address) => self.listens(setting, directive),
            Some(Role::User | Role::Group) => self.open_account(setting),
            Some(Role::Host) => {}
            _ if is_selector(setting) => {
                let meaning = Meaning {
                    class: Some(Class::Log),
                    touch: Touch::Writes,
                    kind: Some(Kind::File),
                    ..unknown(setting.name())
                };
                self.paths(setting, &meaning);
            }
            Some(_) => self.known(setting, directive),
            None if setting.separator == Separator::Header => self.stanza(setting),
            None => {
                self.open_port(setting);
                self.paths(setting, &unknown(setting.name()));
            }
        }
    }

    /// `privileged: true` of a container that the application describes (Compose, Kubernetes).
    fn privilege(&mut self, setting: &Setting) {
        let is_asked = self.file.form == Form::Yaml
            && setting.name() == "privileged"
            && setting.value.trim() == "true"
            && setting.key.len() > 1;
        if is_asked {
            let what = What::Needs {
                need: Need::Privileged,
                name: setting.key[..setting.key.len() - 1].join("."),
            };
            self.out
                .fact(self.file.at(setting), Certainty::Declared, what);
        }
    }

    /// What a command line in a value calls.
    fn calls(&mut self, setting: &Setting, directive: Option<&Directive>) {
        let value = setting.value.trim();
        let is_command = directive.is_some_and(|d| d.role == Role::Command)
            || value.contains(" | /") && value.starts_with('/');
        if !is_command || !value.contains(' ') || value.len() > 2000 {
            return;
        }
        for simple in simple_commands(value.as_bytes()) {
            let Some((program, args)) = simple.words.split_first() else {
                continue;
            };
            // A word alone may be a program of the application as well as a command.
            if !program.contains(&b'/') {
                continue;
            }
            for what in calls::facts(program, args, false) {
                self.out
                    .fact(self.file.at(setting), Certainty::Inferred, what);
            }
        }
    }

    /// A default or an example in a comment: told apart by its `#`, and weaker than anything.
    fn commented(&mut self, setting: &Setting, directive: Option<&Directive>) {
        self.default_port(setting, directive);
        let Some(directive) = directive else { return };
        let worth =
            matches!(directive.role, Role::Path | Role::Base | Role::Listen) && !directive.weak;
        if !worth || directive.class.is_none() || !setting.value.contains('/') {
            return;
        }
        let meaning = Meaning {
            by: format!("#{}", setting.name()),
            certainty: Certainty::Guessed,
            trust: Trust::Unknown,
            ..meaning(setting, directive)
        };
        self.paths(setting, &meaning);
    }

    fn known(&mut self, setting: &Setting, directive: Option<&Directive>) {
        let Some(directive) = directive else { return };
        let mut meaning = meaning(setting, directive);
        if let Some(path) = self.below_variable(setting, directive) {
            return self.give(setting, path, meaning);
        }
        match directive.role {
            Role::Include => return self.include(setting, &meaning),
            Role::Dsn => return self.data_source(setting, meaning),
            Role::ContentRoot => meaning.by = format!("content-root:{}", meaning.by),
            Role::Monitored => meaning.by = format!("monitored:{}", meaning.by),
            _ => {}
        }
        if directive.last {
            let mut words = config::words(&setting.value);
            let Some(last) = words.pop() else { return };
            let only = Setting {
                value: last,
                ..setting.clone()
            };
            self.paths(&only, &meaning);
            self.relative(&only, directive, &meaning);
            return;
        }
        if !self.paths(setting, &meaning) {
            self.relative(setting, directive, &meaning);
        }
    }

    /// A path below what a key beside it names: `path="x" relative-to="server.data.dir"`.
    fn below_variable(&self, setting: &Setting, directive: &Directive) -> Option<AppPath> {
        let key = directive.beside.as_deref()?;
        let under = self.file.sibling(setting, key)?;
        let text = format!("${{{}}}/{}", under.value.trim(), setting.value);
        let value = self.file.expand(&text);
        let is_known = !value.open && !setting.value.starts_with('/');
        is_known
            .then(|| to_path(&value.text, Trust::Known))
            .flatten()
    }

    /// Gives out the absolute paths of a value; whether there was one.
    fn paths(&mut self, setting: &Setting, meaning: &Meaning) -> bool {
        let value = self.file.expand(&setting.value);
        let found = spots(&value.text);
        let many = found.len() > 1;
        let is_piped = found.first().is_some_and(|first| first.runs);
        for (index, spot) in found.iter().enumerate() {
            let mut meaning = self.of_option(spot, meaning);
            if spot.runs || (meaning.touch == Touch::Runs && index == 0) {
                meaning.touch = Touch::Runs;
                meaning.class = None;
                meaning.kind = Some(Kind::File);
            } else if meaning.touch == Touch::Runs {
                meaning.touch = Touch::Names;
            }
            // Of several words, one that is no path by its look is a URL's path or a pattern.
            if many && setting.separator == Separator::Space && !is_piped {
                meaning.trust = Trust::Unknown;
            }
            if let Some(path) = to_path(&spot.text, meaning.trust) {
                self.give(setting, path, meaning);
            } else if meaning.trust == Trust::Known
                && matches!(meaning.class, Some(Class::Log | Class::Data))
                && let Some((dir, _)) = spot.text.rsplit_once('/')
                && let Some(dir) =
                    to_path(dir, Trust::Known).filter(|dir| !knowledge::is_shared_dir(dir))
            {
                // `/logs/a.%Y%m%d`: of a name that is made at run time the directory is known.
                meaning.kind = Some(Kind::Dir);
                self.give(setting, dir, meaning);
            } else if !many && let Some(path) = bare(&spot.text) {
                // Only the root can tell whether there is such a path.
                meaning.certainty = Certainty::Guessed;
                self.give(setting, path, meaning);
            }
        }
        !found.is_empty()
    }

    /// The meaning of the option before a path, where the dictionary has it.
    fn of_option(&self, spot: &Spot, meaning: &Meaning) -> Meaning {
        let mut meaning = meaning.clone();
        let Some(option) = &spot.option else {
            return meaning;
        };
        if let Some(meant) = argument::meant(option, &AppPath::new(&spot.text)) {
            meaning = Meaning {
                by: option.clone(),
                touch: meant.touch,
                kind: meant.kind,
                class: meant.class,
                certainty: meaning.certainty.min(Certainty::Inferred),
                ..meaning
            };
        }
        meaning
    }

    fn give(&mut self, setting: &Setting, path: AppPath, mut meaning: Meaning) {
        if let Some(device) = device(&path) {
            if let Some(name) = device {
                let key = start_ports::words(setting.name());
                let says =
                    |word: &String| matches!(word.as_str(), "device" | "dev" | "tty" | "dongle");
                let certainty = match is_listed_device(&name) || key.iter().any(says) {
                    true => Certainty::Inferred,
                    false => Certainty::Guessed,
                };
                let what = What::Needs {
                    need: Need::Device,
                    name,
                };
                self.out.fact(self.file.at(setting), certainty, what);
            }
            return;
        }
        meaning.weigh(&path);
        // A search path: /usr/bin and its like say nothing of the application.
        let names = matches!(meaning.touch, Touch::Names) && meaning.class.is_none();
        if names && knowledge::is_shared_dir(&path) && !meaning.by.contains(':') {
            return;
        }
        let key = (
            path.clone(),
            meaning.by.clone(),
            meaning.touch,
            meaning.class,
        );
        let most = usize::try_from(SETTINGS.steps).unwrap_or(usize::MAX);
        if self.seen.len() == most && !self.seen.contains(&key) {
            if !self.is_full {
                let message = format!("only the first {most} paths that it names are told");
                self.out
                    .issue(self.file.at(setting), IssueKind::LimitReached, message);
            }
            self.is_full = true;
            return;
        }
        if !self.seen.insert(key) {
            return;
        }
        let named = Named {
            touch: meaning.touch,
            source: Source::Config,
            by: &meaning.by,
            kind: meaning.kind,
            class: meaning.class,
        };
        self.out
            .path(self.file.at(setting), meaning.certainty, path, named);
    }

    /// A value that is relative to a directory, or begins with a variable that is set elsewhere.
    fn relative(&mut self, setting: &Setting, directive: &Directive, meaning: &Meaning) {
        let mut value = self.file.expand(&setting.value);
        // `CustomLog logs/x combined`: what follows the path is about it.
        if setting.separator == Separator::Space
            && let Some(first) = config::words(&value.text).into_iter().next()
        {
            value.text = first;
        }
        let Some(text) = relative(&value.text) else {
            return;
        };
        let varies = text.starts_with('{');
        let strong =
            !directive.weak && (text.contains('.') || varies || directive.kind == Some(Kind::Dir));
        let is_bare = !strong && !text.contains('/');
        if is_bare && !knowledge::says_directory(&setting.folded()) {
            return;
        }
        self.out.fact(
            self.file.at(setting),
            meaning.certainty,
            What::Setting {
                key: setting.folded(),
                value: setting.value.clone(),
            },
        );
        if is_bare {
            return;
        }
        let class = meaning.class.filter(|_| directive.kind != Some(Kind::Dir));
        let Some((base, certainty)) = self.file.base_of(class) else {
            return;
        };
        if text.starts_with(['{', '~', '$']) || value.open {
            return;
        }
        let path = base.join(text);
        // Nothing is written into what packages ship: the base is another one.
        let prior = knowledge::prior(&path);
        let static_place = prior.known && prior.class == Class::Code;
        if path != *base && !(static_place && meaning.touch.is_write()) {
            let joined = Meaning {
                certainty,
                trust: Trust::Known,
                ..meaning.clone()
            };
            self.give(setting, path, joined);
        }
    }

    /// An account that a variable of the environment names.
    fn open_account(&mut self, setting: &Setting) {
        if setting.value.starts_with('$') && self.file.expand(&setting.value).open {
            let what = What::Setting {
                key: setting.folded(),
                value: setting.value.clone(),
            };
            self.out
                .fact(self.file.at(setting), Certainty::Declared, what);
        }
    }

    /// More settings: relative to the file's own directory, unless its base is known.
    fn include(&mut self, setting: &Setting, meaning: &Meaning) {
        let beside = self.file.path.parent().unwrap_or_else(AppPath::root);
        let value = self.file.expand(&setting.value);
        for word in config::words(&value.text) {
            let word = word.trim_end_matches(';').trim_start_matches('-');
            let dir = match &self.file.base {
                Some((rank, base)) if *rank > 2 => base,
                _ => &beside,
            };
            let named = word.starts_with('/')
                || word.contains('/')
                || [
                    ".conf", ".cf", ".cfg", ".ini", ".inc", ".d", ".types", ".options",
                ]
                .iter()
                .any(|ending| word.ends_with(ending));
            if !named || word.contains("://") || word.starts_with(['{', '<', '$', '~']) {
                continue;
            }
            let meaning = Meaning {
                by: "include".to_owned(),
                touch: Touch::Reads,
                certainty: if word.starts_with('/') {
                    meaning.certainty
                } else {
                    Certainty::Inferred
                },
                ..meaning.clone()
            };
            if let Some(path) = to_path(&dir.join(word).to_text(), Trust::Known) {
                self.give(setting, path, meaning);
            }
        }
    }

    /// A database: a file where it is one.
    fn data_source(&mut self, setting: &Setting, mut meaning: Meaning) {
        let value = self.file.expand(&setting.value);
        let text = value.text.trim();
        meaning.class = Some(Class::Data);
        meaning.touch = Touch::Writes;
        if text.starts_with('/') || behind_scheme(text).is_some() {
            self.paths(setting, &meaning);
            return;
        }
        let file = [
            "sqlite://",
            "sqlite:",
            "jdbc:sqlite:",
            "jdbc:h2:file:",
            "jdbc:h2:",
            "jdbc:derby:",
            "jdbc:hsqldb:file:",
        ]
        .iter()
        .find_map(|scheme| text.strip_prefix(scheme));
        let ending = [".db", ".sqlite", ".sqlite3", ".sdb", ".db3"]
            .iter()
            .any(|ending| text.ends_with(ending));
        let name = file
            .or(ending.then_some(text))
            .map(|name| name.trim_start_matches('/'));
        let name = name.and_then(|name| name.split([';', '?']).next());
        if let Some(name) = name.and_then(relative)
            && !name.starts_with("mem")
        {
            self.out.fact(
                self.file.at(setting),
                meaning.certainty,
                What::Setting {
                    key: setting.folded(),
                    value: name.to_owned(),
                },
            );
            if let Some((base, certainty)) = self.file.base_of(meaning.class)
                && !value.open
            {
                let path = base.join(name);
                meaning.certainty = certainty;
                self.give(setting, path, meaning);
            }
        }
    }
}

#[cfg(test)]
mod tests;
