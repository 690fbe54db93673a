//! A file as a whole: what its settings define for each other.

use std::collections::{BTreeMap, BTreeSet};

use super::value::{Trust, to_path};
use crate::fact::{Certainty, Class, Kind, Locus};
use crate::knowledge::{self, Directive, Role};
use crate::parse::config::{self, Form, Setting};
use crate::path::AppPath;

/// A file with what its settings define for each other.
pub(super) struct File<'a> {
    pub(super) path: &'a AppPath,
    pub(super) form: Form,
    pub(super) settings: &'a [Setting],
    pub(super) variables: BTreeMap<String, &'a str>,
    /// The directory of relative values, with its rank.
    pub(super) base: Option<(u8, AppPath)>,
    /// The directories of a class, where the file has one: `logdir` for its logs.
    pub(super) homes: BTreeMap<Class, AppPath>,
    /// What each setting means.
    pub(super) directives: Vec<Option<&'static Directive>>,
    /// The first live setting of each role in each section.
    pub(super) roles: BTreeMap<(u32, Role), &'a Setting>,
    /// Sections with a password and a host: those of a client.
    pub(super) clients: BTreeSet<u32>,
    /// What sections say of their protocol.
    pub(super) protocols: BTreeMap<u32, String>,
}

impl<'a> File<'a> {
    pub(super) fn new(path: &'a AppPath, form: Form, settings: &'a [Setting]) -> Self {
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
            clients: BTreeSet::new(),
            protocols: BTreeMap::new(),
        };
        for index in 0..settings.len() {
            file.define(index);
        }
        file.find_clients();
        file.find_bases();
        file
    }

    fn find_clients(&mut self) {
        let named = |names: &[&str]| -> BTreeSet<u32> {
            let own = self.live().map(|(setting, _)| setting);
            let fits = own.filter(|s| names.contains(&s.name().to_ascii_lowercase().as_str()));
            fits.map(|s| s.block).filter(|block| *block > 0).collect()
        };
        let passwords = named(&["password", "passwd", "pass", "pwd"]);
        let hosts = named(&[
            "host", "hostname", "server", "servers", "url", "user", "username", "login",
        ]);
        self.clients = passwords.intersection(&hosts).copied().collect();
    }

    /// Whether a setting belongs to a connection to somebody else.
    pub(super) fn is_client(&self, setting: &Setting) -> bool {
        self.clients.contains(&setting.block)
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
                .or_insert(setting);
        }
        let name = setting.name();
        if matches!(name, "protocol" | "scheme" | "module" | "type") {
            let told = self.protocols.entry(setting.block).or_default();
            if told.len() + setting.value.len() < 200 {
                told.push(' ');
                told.push_str(&setting.value);
            }
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
    pub(super) fn expand(&self, value: &str) -> config::Expanded {
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

    /// The first live setting with that role in the section of `setting`.
    pub(super) fn beside(&self, setting: &Setting, role: Role) -> Option<&'a Setting> {
        self.roles.get(&(setting.block, role)).copied()
    }
}
