//! A file as a whole: what its settings define for each other.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use super::value::{Trust, to_path};
use crate::extract::start_ports;
use crate::fact::{Certainty, Class, Kind, Locus};
use crate::knowledge::{self, Directive, Model, Role, Usual};
use crate::parse::config::{self, Form, Separator, Setting};
use crate::path::AppPath;

/// How many lines of a comment before a setting are looked at.
const COMMENT: usize = 24;

/// Last words of keys that name a host.
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

/// A file with what its settings define for each other.
pub(super) struct File<'a> {
    pub(super) path: &'a AppPath,
    text: &'a [u8],
    pub(super) form: Form,
    pub(super) settings: &'a [Setting],
    pub(super) variables: BTreeMap<String, Cow<'a, str>>,
    /// The directory of relative values, with its rank.
    pub(super) base: Option<(u8, AppPath)>,
    /// The directories of a class, where the file has one: `logdir` for its logs.
    pub(super) homes: BTreeMap<Class, AppPath>,
    /// What each setting means.
    pub(super) directives: Vec<Option<&'static Directive>>,
    /// The live settings of each role in each section.
    roles: BTreeMap<(u32, Role), Vec<&'a Setting>>,
    /// The first live setting of each name in each section.
    names: BTreeMap<(u32, &'a str), &'a Setting>,
    /// How often each name stands in each section.
    counts: BTreeMap<(u32, &'a str), usize>,
    /// The live settings with a switch's value in each section.
    blocks: BTreeMap<u32, Vec<&'a Setting>>,
    /// The first live setting of each section that names a host, by the words of its key before the last.
    hosts: BTreeMap<(u32, String), &'a Setting>,
    /// The models of servers that it follows.
    models: Vec<&'static Model>,
    /// Sections with a password and a host: those of a client.
    pub(super) clients: BTreeSet<u32>,
    /// What sections say of their protocol.
    pub(super) protocols: BTreeMap<u32, String>,
}

/// What a setting means: the word of the models counts before the dictionary's.
fn directive_of(models: &[&'static Model], setting: &Setting) -> Option<&'static Directive> {
    let mut models = models.iter();
    let own = models.find_map(|model| model.directive(&setting.key));
    own.or_else(|| knowledge::directive_at(&setting.key))
}

/// A sum of names and texts as one text with variables: `var.base + "/log"` (lighttpd, Wiki: Configuration,
/// "Variables"). Nothing for any other value.
fn sum(value: &str) -> Option<String> {
    let mut parts = value.split('+').map(str::trim);
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_');
    let first = parts
        .next()
        .filter(|name| !name.is_empty() && name.chars().all(is_name))?;
    let mut text = format!("${{{first}}}");
    let mut is_sum = false;
    for part in parts {
        match part
            .strip_prefix('"')
            .and_then(|part| part.strip_suffix('"'))
        {
            Some(quoted) if !quoted.contains('"') => text += quoted,
            None if !part.is_empty() && part.chars().all(is_name) => {
                text += &format!("${{{part}}}")
            }
            _ => return None,
        }
        is_sum |= part.starts_with('"');
    }
    is_sum.then_some(text)
}

impl<'a> File<'a> {
    pub(super) fn new(
        path: &'a AppPath,
        text: &'a [u8],
        form: Form,
        settings: &'a [Setting],
    ) -> Self {
        let name = String::from_utf8_lossy(path.name());
        let top = settings.first().and_then(|first| first.key.first());
        let models = knowledge::models(&name, top.map_or("", String::as_str));
        let lookup = |setting: &Setting| directive_of(&models, setting);
        let mut file = Self {
            path,
            text,
            form,
            settings,
            variables: BTreeMap::new(),
            base: None,
            homes: BTreeMap::new(),
            directives: settings.iter().map(lookup).collect(),
            roles: BTreeMap::new(),
            clients: BTreeSet::new(),
            protocols: BTreeMap::new(),
            names: BTreeMap::new(),
            counts: BTreeMap::new(),
            blocks: BTreeMap::new(),
            hosts: BTreeMap::new(),
            models,
        };
        file.follow_models();
        for index in 0..settings.len() {
            file.define(index);
        }
        file.find_clients();
        file.find_bases();
        file
    }

    /// What the models say of the place of relative values, and define.
    fn follow_models(&mut self) {
        for model in self.models.clone() {
            let Some(up) = model.up else { continue };
            let mut base = self.path.parent().unwrap_or_else(AppPath::root);
            for _ in 0..up {
                base = base.parent().unwrap_or_else(AppPath::root);
            }
            for (name, below) in &model.variables {
                let path = base.join(below).to_text().into_owned();
                self.variables.insert(name.clone(), Cow::Owned(path));
            }
            self.base.get_or_insert((8, base));
        }
    }

    /// What the server takes where the file does not say it, as if it stood in its element; with what it means.
    pub(super) fn usual(&self) -> Vec<(Setting, Option<&'static Directive>)> {
        let said = || self.settings.iter().filter(|setting| !setting.commented);
        let usual = self.models.iter().flat_map(|model| &model.usual);
        let setting = |usual: &Usual| {
            if said().any(|setting| setting.name().eq_ignore_ascii_case(&usual.key)) {
                return None;
            }
            let place = |setting: &Setting| {
                let mut parts = setting.key.iter();
                parts.position(|part| part.eq_ignore_ascii_case(&usual.element))
            };
            let (holder, at) = said().find_map(|setting| Some((setting, place(setting)?)))?;
            let mut setting = holder.clone();
            setting.key.truncate(at + 1);
            setting.key.push(usual.key.clone());
            setting.value.clone_from(&usual.value);
            let directive = directive_of(&self.models, &setting);
            Some((setting, directive))
        };
        usual.filter_map(setting).collect()
    }

    /// The live setting of that name in the section of `setting`.
    pub(super) fn sibling(&self, setting: &Setting, name: &str) -> Option<&'a Setting> {
        self.names.get(&(setting.block, name)).copied()
    }

    /// Whether a key beside it says that it is spoken to by datagrams: `transport: udp`.
    pub(super) fn is_udp(&self, setting: &Setting) -> bool {
        ["transport", "proto", "protocol", "socket_type", "type"]
            .iter()
            .filter_map(|name| self.sibling(setting, name))
            .any(|other| {
                matches!(
                    other.value.trim(),
                    "udp" | "UDP" | "udp4" | "udp6" | "dgram"
                )
            })
    }

    /// Whether a switch beside it turns off what a setting opens: `enabled = false` for the section,
    /// `ENABLE_UDP_LISTENER = False` for `UDP_RECEIVER_PORT`.
    pub(super) fn is_off(&self, setting: &Setting) -> bool {
        const ROLES: [&str; 12] = [
            "address",
            "bind",
            "interface",
            "listen",
            "listener",
            "port",
            "receiver",
            "server",
            "service",
            "socket",
            "support",
            "transport",
        ];
        let own = start_ports::words(setting.name());
        let turns_off = |other: &Setting| {
            let parts = start_ports::words(other.name());
            let is_switch = |word: &String| {
                matches!(
                    word.as_str(),
                    "enable" | "enabled" | "active" | "disable" | "disabled"
                )
            };
            let Some(switch) = parts.iter().find(|part| is_switch(part)) else {
                return false;
            };
            let value = other.value.trim().to_ascii_lowercase();
            let is_no = matches!(value.as_str(), "false" | "no" | "off" | "0" | "never");
            let is_yes = matches!(value.as_str(), "true" | "yes" | "on" | "1");
            let is_off = match switch.starts_with("dis") {
                true => is_yes,
                false => is_no,
            };
            let mut about = parts
                .iter()
                .filter(|part| !is_switch(part) && !ROLES.contains(&part.as_str()))
                .peekable();
            let is_whole = about.peek().is_none() && parts.len() == 1;
            is_off
                && (is_whole && setting.block > 0
                    || !is_whole && about.all(|part| own.contains(part)) && parts.len() > 1)
        };
        let mut beside = self.blocks.get(&setting.block).into_iter().flatten();
        beside.any(|other| turns_off(other))
    }

    /// The live setting that names a host in the section of `setting`, with the words `stem` before that.
    pub(super) fn host_beside(&self, setting: &Setting, stem: &[&str]) -> Option<&'a Setting> {
        let key = (setting.block, stem.join(" "));
        self.hosts.get(&key).copied().filter(|_| !stem.is_empty())
    }

    /// How often a setting's name stands in its section.
    pub(super) fn count(&self, setting: &Setting) -> usize {
        let count = self.counts.get(&(setting.block, setting.name()));
        count.copied().unwrap_or_default()
    }

    /// The address of the interface that a setting's neighbour names, or that the elements around it do
    /// by default.
    pub(super) fn interface(&self, setting: &Setting, key: &str) -> Option<String> {
        let default = format!("default-{key}");
        let mut live = self.live().map(|(other, _)| other);
        let named = self
            .sibling(setting, key)
            .or_else(|| live.find(|other| other.name() == default))?;
        let mut rest = self.live().map(|(other, _)| other).skip_while(|other| {
            let parts: Vec<&str> = other.key.iter().rev().take(2).map(String::as_str).collect();
            other.value != named.value || parts != ["name", key]
        });
        rest.next()?;
        let address = rest.find(|other| other.name() == "value" || other.name() == "name")?;
        (address.name() == "value").then(|| self.expand(&address.value).text)
    }

    fn find_clients(&mut self) {
        let named = |names: &[&str]| -> BTreeSet<u32> {
            let own = self.live().map(|(setting, _)| setting);
            let fits = own.filter(|s| names.contains(&s.name().to_ascii_lowercase().as_str()));
            fits.map(|s| s.block).filter(|block| *block > 0).collect()
        };
        let passwords = named(&["password", "passwd", "pass", "pwd", "secret"]);
        let hosts = named(&[
            "host", "hostname", "server", "servers", "url", "user", "username", "login",
        ]);
        self.clients = passwords.intersection(&hosts).copied().collect();
    }

    /// Whether a setting belongs to a connection to somebody else: to one with credentials, or to what a
    /// plugin or check asks.
    pub(super) fn is_client(&self, setting: &Setting) -> bool {
        const ASK: [&str; 6] = ["plugin", "plugins", "check", "checks", "probe", "probes"];
        let asks = |part: &[u8]| {
            let text = String::from_utf8_lossy(part).into_owned();
            start_ports::words(&text)
                .iter()
                .any(|word| ASK.contains(&word.as_str()))
        };
        let asks_in_key = |part: &String| {
            matches!(part.as_str(), "vars" | "env" | "CheckCommand" | "object")
                || part.starts_with("vars.")
                || part.starts_with("env.")
        };
        self.clients.contains(&setting.block)
            || self.path.components().any(asks)
            || setting.key.iter().any(asks_in_key)
    }

    /// Whether a setting belongs to the description of a database.
    pub(super) fn is_data_source(&self, setting: &Setting) -> bool {
        ["adapter", "dialect", "driver", "engine", "ENGINE"]
            .iter()
            .any(|name| self.sibling(setting, name).is_some())
    }

    /// The live settings with their meaning.
    pub(super) fn live(&self) -> impl Iterator<Item = (&'a Setting, Option<&'static Directive>)> {
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
                .or_default()
                .push(setting);
        }
        let name = setting.name();
        self.names.entry((setting.block, name)).or_insert(setting);
        *self.counts.entry((setting.block, name)).or_default() += 1;
        let folded = name.to_ascii_lowercase();
        if folded.contains("enable") || folded.contains("disable") || folded.contains("active") {
            self.blocks.entry(setting.block).or_default().push(setting);
        }
        // Words of a key are parted by signs and by capitals: most settings end in none of these.
        let lower = name.to_ascii_lowercase();
        if HOSTS.iter().any(|host| lower.ends_with(host)) {
            let words = start_ports::words(&setting.folded());
            if let Some((last, stem)) = words.split_last()
                && HOSTS.contains(&last.as_str())
            {
                let key = (setting.block, stem.join(" "));
                self.hosts.entry(key).or_insert(setting);
            }
        }
        let is_told = matches!(name, "protocol" | "scheme" | "module" | "type");
        if is_told || name == "name" && !self.models.is_empty() {
            let told = self.protocols.entry(setting.block).or_default();
            if told.len() + setting.value.len() < 200 {
                told.push(' ');
                told.push_str(&setting.value);
            }
        }
        // `Define name value` of httpd, `set $name value` of nginx.
        if matches!(name, "Define" | "define" | "set" | "SetEnv" | "Set")
            && let Some((name, value)) = setting.value.split_once(char::is_whitespace)
        {
            let value = value.trim().trim_matches('"');
            self.variables.insert(
                name.trim_start_matches('$').to_owned(),
                Cow::Borrowed(value),
            );
        }
        if setting.key.len() > 1 {
            self.variables
                .entry(setting.key.join("."))
                .or_insert(Cow::Borrowed(&setting.value));
        }
        let name = name.trim_start_matches(['$', '!']).to_owned();
        self.variables
            .entry(name)
            .or_insert(Cow::Borrowed(&setting.value));
    }

    /// The argument of the outermost section around a setting.
    pub(super) fn argument_around(&self, setting: &Setting) -> Option<&'a str> {
        let outer = setting.key.first().filter(|_| setting.key.len() > 2)?;
        let before = self
            .settings
            .iter()
            .take_while(|other| other.line <= setting.line);
        let header = before
            .filter(|other| other.separator == Separator::Header && other.key.len() == 1)
            .last()?;
        (header.name() == outer).then_some(header.value.as_str())
    }

    /// The section of a setting, where several sections have a setting of that name: each may be for a
    /// program of its own.
    pub(super) fn one_of_several(&self, setting: &Setting) -> Option<&'a str> {
        let own = self.settings.iter().find(|other| {
            other.line == setting.line && other.key == setting.key && other.key.len() == 2
        })?;
        let is_like = |other: &&Setting| {
            !other.commented
                && other.key.len() == 2
                && other.block != setting.block
                && other.name() == setting.name()
        };
        (self.form == Form::Lines && self.settings.iter().any(|other| is_like(&other)))
            .then(|| own.key[0].as_str())
    }

    /// Whether the comment around a setting calls that port the one that is listened on by default.
    pub(super) fn says_default(&self, setting: &Setting, port: u16) -> bool {
        const LISTENS: [&str; 9] = [
            "accept",
            "answer",
            "bind",
            "incoming",
            "listen",
            "serve on",
            "server port",
            "to use",
            "clients connect",
        ];
        const OTHERS: [&str; 6] = [
            "sent",
            "send",
            "remote",
            "multicast",
            "only available",
            "forward",
        ];
        let at = usize::try_from(setting.line)
            .unwrap_or(usize::MAX)
            .saturating_sub(1);
        let first = at.saturating_sub(COMMENT);
        let lines: Vec<&[u8]> = self
            .text
            .split(|byte| *byte == b'\n')
            .skip(first)
            .take(at - first + 1)
            .collect();
        let is_comment = |line: &[u8]| {
            let bare = line.trim_ascii();
            let marks = bare.starts_with(b"#") || bare.starts_with(b";") || bare.starts_with(b"/");
            marks && bare.iter().any(u8::is_ascii_alphanumeric)
        };
        let mut told: Vec<&[u8]> = lines
            .iter()
            .rev()
            .copied()
            .take_while(|line| is_comment(line))
            .collect();
        told.reverse();
        let told = String::from_utf8_lossy(&told.join(&b' ')).to_ascii_lowercase();
        let has = |words: &[&str]| words.iter().any(|word| told.contains(word));
        if !has(&LISTENS) && !setting.folded().contains("listen") || has(&OTHERS) {
            return false;
        }
        let number = port.to_string();
        let is_number = |rest: &str| {
            let mut words = rest.split(|c: char| !c.is_ascii_alphanumeric());
            words.by_ref().take(12).any(|word| word == number)
        };
        told.split("default").skip(1).any(is_number)
    }

    /// The value with what the file itself defines put in.
    pub(super) fn expand(&self, value: &str) -> config::Expanded {
        if let Some(text) = sum(value) {
            return self.expand(&text);
        }
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
            // Some forms do not care for case: `$DATA_DIR` is what `data_dir:` says.
            let known = known.or_else(|| self.variables.get(&name.to_lowercase()));
            known.map(|value| value.clone().into_owned())
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
    pub(super) fn base_of(&self, class: Option<Class>) -> Option<(&AppPath, Certainty)> {
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

    pub(super) fn at(&self, setting: &Setting) -> Locus {
        Locus::line(self.path, setting.line)
    }

    /// The first other live setting with that role in the section of `setting`.
    pub(super) fn beside(&self, setting: &Setting, role: Role) -> Option<&'a Setting> {
        let all = self.roles.get(&(setting.block, role))?;
        let is_other = |other: &&&Setting| other.line != setting.line || other.key != setting.key;
        all.iter().find(is_other).copied()
    }
}
