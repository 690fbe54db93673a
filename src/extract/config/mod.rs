//! Configuration files: what their settings say of paths, sockets, users, other hosts, secrets.
//!
//! The reader of the form gives settings, the dictionary of directives their meaning. The path
//! itself is asked too: on values that were seen in use, the place of a path was right more often
//! than the name of its key, so a common word for a key never overrules a clear place.

mod net;
mod people;
mod value;

use std::collections::{BTreeMap, BTreeSet};

use self::value::{Spot, Trust, behind_scheme, relative, spots, to_path};
use super::{Extractor, Input, Named, Out};
use crate::fact::{Certainty, Class, IssueKind, Kind, Locus, Need, Source, Touch, What};
use crate::knowledge::{self, Directive, Role};
use crate::parse::config::{self, Form, Separator, Setting};
use crate::path::AppPath;

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
    let file = File::new(input.path, form, &parsed.settings);
    let mut reader = Reader {
        file: &file,
        seen: BTreeSet::new(),
        out,
    };
    for (setting, directive) in parsed.settings.iter().zip(&file.directives) {
        reader.setting(setting, *directive);
    }
    people::run_as(&file, out);
    people::private_keys(&file, input.text(), out);
}

/// A file with what its settings define for each other.
struct File<'a> {
    path: &'a AppPath,
    form: Form,
    settings: &'a [Setting],
    variables: BTreeMap<String, &'a str>,
    /// The directory of relative values, with its rank.
    base: Option<(u8, AppPath)>,
    /// The directories of a class, where the file has one: `logdir` for its logs.
    homes: BTreeMap<Class, AppPath>,
    /// What each setting means.
    directives: Vec<Option<&'static Directive>>,
    /// The first live setting of each role in each section.
    roles: BTreeMap<(u32, Role), &'a Setting>,
    /// What sections say of their protocol.
    protocols: BTreeMap<u32, &'a str>,
}

impl<'a> File<'a> {
    fn new(path: &'a AppPath, form: Form, settings: &'a [Setting]) -> Self {
        let lookup = |setting: &Setting| knowledge::directive_at(&setting.key);
        let mut file = Self {
            path,
            form,
            settings,
            variables: BTreeMap::new(),
            base: None,
            homes: BTreeMap::new(),
            directives: settings.iter().map(lookup).collect(),
            roles: BTreeMap::new(),
            protocols: BTreeMap::new(),
        };
        for index in 0..settings.len() {
            file.define(index);
        }
        file.find_bases();
        file
    }

    /// The live settings with their meaning.
    fn live(&self) -> impl Iterator<Item = (&'a Setting, Option<&'static Directive>)> {
        let all = self.settings.iter().zip(self.directives.iter().copied());
        all.filter(|(setting, _)| !setting.commented)
    }

    /// What a setting lets later ones refer to.
    fn define(&mut self, index: usize) {
        let settings = self.settings;
        let Some(setting) = settings.get(index).filter(|setting| !setting.commented) else {
            return;
        };
        if let Some(Some(directive)) = self.directives.get(index) {
            self.roles
                .entry((setting.block, directive.role))
                .or_insert(setting);
        }
        let name = setting.name();
        if matches!(name, "protocol" | "scheme") {
            self.protocols
                .entry(setting.block)
                .or_insert(&setting.value);
        }
        // `Define name value` of httpd, `set $name value` of nginx, `var.name = value` of lighttpd.
        if matches!(name, "Define" | "define" | "set" | "SetEnv" | "Set")
            && let Some((name, value)) = setting.value.split_once(char::is_whitespace)
        {
            let value = value.trim().trim_matches('"');
            self.variables
                .insert(name.trim_start_matches('$').to_owned(), value);
        }
        if setting.key.len() > 1 {
            self.variables
                .entry(setting.key.join("."))
                .or_insert(&setting.value);
        }
        let name = name.trim_start_matches(['$', '!']).to_owned();
        self.variables.entry(name).or_insert(&setting.value);
    }

    /// The value with what the file itself defines put in.
    fn expand(&self, value: &str) -> config::Expanded {
        // A word in capitals at the beginning is a macro where the file defines it.
        let end = value
            .find(|c: char| !c.is_ascii_uppercase() && !c.is_ascii_digit() && c != '_')
            .unwrap_or(value.len());
        let (name, rest) = value.split_at(end);
        if name.len() > 2
            && (rest.is_empty() || rest.starts_with('/'))
            && self
                .variables
                .get(name)
                .is_some_and(|value| value.starts_with('/'))
        {
            return self.expand(&format!("${{{name}}}{rest}"));
        }
        config::expand(value, &|name| {
            let known = self.variables.get(name);
            known.map(|value| (*value).to_owned())
        })
    }

    fn find_bases(&mut self) {
        for (setting, directive) in self.live().collect::<Vec<_>>() {
            let Some(directive) = directive.filter(|d| d.kind == Some(Kind::Dir)) else {
                continue;
            };
            let value = self.expand(&setting.value);
            let Some(path) = to_path(value.text.trim(), Trust::Known).filter(|_| !value.open)
            else {
                continue;
            };
            if let Some(class) = directive.class.filter(|_| directive.touch.is_write()) {
                self.homes.entry(class).or_insert_with(|| path.clone());
            }
            let better = self
                .base
                .as_ref()
                .is_none_or(|(rank, _)| directive.rank > *rank);
            if directive.role == Role::Base && better {
                self.base = Some((directive.rank, path));
            }
        }
    }

    /// The directory that a relative value of that class lies in, and how sure that is.
    fn base_of(&self, class: Option<Class>) -> Option<(&AppPath, Certainty)> {
        let home = class.and_then(|class| self.homes.get(&class));
        if let Some(home) = home {
            return Some((home, Certainty::Inferred));
        }
        let (rank, base) = self.base.as_ref()?;
        let near = matches!(class, Some(Class::Data | Class::Runtime) | None) && *rank == 2;
        let sure = near || *rank > 2;
        Some((
            base,
            if sure {
                Certainty::Inferred
            } else {
                Certainty::Guessed
            },
        ))
    }

    fn at(&self, setting: &Setting) -> Locus {
        Locus::line(self.path, setting.line)
    }

    /// The first live setting with that role in the section of `setting`.
    fn beside(&self, setting: &Setting, role: Role) -> Option<&'a Setting> {
        self.roles.get(&(setting.block, role)).copied()
    }
}

struct Reader<'a, 'o> {
    file: &'a File<'a>,
    /// What was given out: the first place that names a path for a purpose stands for all.
    seen: BTreeSet<(AppPath, String, Touch, Option<Class>)>,
    out: &'o mut Out,
}

/// How a value's paths are to be given out.
#[derive(Clone)]
struct Meaning {
    by: String,
    touch: Touch,
    kind: Option<Kind>,
    class: Option<Class>,
    certainty: Certainty,
    trust: Trust,
}

impl Reader<'_, '_> {
    fn setting(&mut self, setting: &Setting, directive: Option<&Directive>) {
        if setting.commented {
            self.commented(setting, directive);
            return;
        }
        people::secret(self.file, setting, directive, self.out);
        if setting.value.is_empty() || directive.is_some_and(|d| d.role == Role::Ignore) {
            return;
        }
        people::talks(self.file, setting, directive, self.out);
        match directive.map(|d| d.role) {
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
            None if setting.separator == Separator::Header => {}
            None => {
                self.paths(setting, &unknown(setting.name()));
            }
        }
    }

    /// A default or an example in a comment: told apart by its `#`, and weaker than anything.
    fn commented(&mut self, setting: &Setting, directive: Option<&Directive>) {
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

    /// Gives out the absolute paths of a value; whether there was one.
    fn paths(&mut self, setting: &Setting, meaning: &Meaning) -> bool {
        let value = self.file.expand(&setting.value);
        let found = spots(&value.text);
        let many = found.len() > 1;
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
            if many && setting.separator == Separator::Space {
                meaning.trust = Trust::Unknown;
            }
            if let Some(path) = to_path(&spot.text, meaning.trust) {
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
        let name = option.trim_start_matches('-');
        if name.len() > 2
            && let Some(directive) = knowledge::directive(name)
            && directive.role.is_path()
        {
            meaning.by.clone_from(option);
            meaning.class = directive.class;
            meaning.touch = directive.touch;
            meaning.kind = directive.kind;
            meaning.certainty = meaning.certainty.min(Certainty::Inferred);
        }
        meaning
    }

    fn give(&mut self, setting: &Setting, path: AppPath, mut meaning: Meaning) {
        if let Some(device) = device(&path) {
            if let Some(name) = device {
                let what = What::Needs {
                    need: Need::Device,
                    name,
                };
                self.out
                    .fact(self.file.at(setting), Certainty::Inferred, what);
            }
            return;
        }
        self.weigh(&path, &mut meaning);
        let key = (
            path.clone(),
            meaning.by.clone(),
            meaning.touch,
            meaning.class,
        );
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

    /// Holds the meaning of the key against the place of the path.
    fn weigh(&self, path: &AppPath, meaning: &mut Meaning) {
        let prior = knowledge::prior(path);
        let doubt = |meaning: &mut Meaning| {
            meaning.certainty = meaning.certainty.min(Certainty::Inferred);
        };
        let passing = |class: Class| {
            matches!(
                class,
                Class::Data | Class::Log | Class::Cache | Class::Runtime | Class::Temp
            )
        };
        let Some(class) = meaning.class.filter(|_| prior.known) else {
            return;
        };
        if knowledge::is_shared_dir(path) && prior.class != Class::Temp {
            // `localstatedir = /var`: what lies there is named elsewhere.
            if passing(class) || class == Class::Config {
                meaning.class = None;
                meaning.touch = Touch::Names;
                doubt(meaning);
            }
        } else if meaning.touch.is_write() && prior.class == Class::Code && !path.is_pattern() {
            // hier(7): what packages put below /usr is static, whatever the key is called.
            meaning.touch = Touch::Reads;
            meaning.class = Some(Class::Code);
            doubt(meaning);
        } else if class == prior.class {
        } else if passing(class) && passing(prior.class) {
            meaning.class = Some(prior.class);
        } else if meaning.certainty < Certainty::Declared {
            meaning.class = None;
            if meaning.touch.is_write() {
                meaning.touch = Touch::Names;
            }
        } else if meaning.touch.is_write() {
            doubt(meaning);
        }
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
        if !strong && !text.contains('/') {
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

    fn listens(&mut self, setting: &Setting, directive: Option<&Directive>) {
        let Some(directive) = directive else { return };
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

fn unknown(name: &str) -> Meaning {
    Meaning {
        by: name.to_owned(),
        touch: Touch::Names,
        kind: None,
        class: None,
        certainty: Certainty::Inferred,
        trust: Trust::Unknown,
    }
}

fn meaning(setting: &Setting, directive: &Directive) -> Meaning {
    Meaning {
        by: setting.name().to_owned(),
        touch: directive.touch,
        kind: directive.kind,
        class: directive.class,
        certainty: if directive.weak {
            Certainty::Inferred
        } else {
            Certainty::Declared
        },
        trust: if directive.weak && directive.role == Role::Command {
            Trust::Unknown
        } else {
            Trust::Known
        },
    }
}

/// `auth,authpriv.*`: a selector of syslog.conf(5), whose value is a log.
fn is_selector(setting: &Setting) -> bool {
    const FACILITIES: &[&str] = &[
        "auth", "authpriv", "cron", "daemon", "kern", "lpr", "mail", "news", "syslog", "user",
        "uucp", "*", "local0", "local1", "local2", "local3", "local4", "local5", "local6",
        "local7",
    ];
    let name = setting.name();
    let facility = name.split(['.', ',']).next().unwrap_or("");
    setting.separator == Separator::Space && name.contains('.') && FACILITIES.contains(&facility)
}

/// A device: nothing within for those that every container has; nothing at all for a path that is
/// none.
fn device(path: &AppPath) -> Option<Option<String>> {
    let rest = path.below(&AppPath::new("/dev"))?;
    let first = rest.split(|&b| b == b'/').next().unwrap_or_default();
    let common = matches!(
        first,
        b"" | b"null"
            | b"zero"
            | b"full"
            | b"random"
            | b"urandom"
            | b"tty"
            | b"pts"
            | b"ptmx"
            | b"stdin"
            | b"stdout"
            | b"stderr"
            | b"fd"
            | b"console"
    );
    match first {
        b"shm" | b"log" => None,
        _ if common || path.is_pattern() => Some(None),
        _ => Some(Some(path.to_text().into_owned())),
    }
}
