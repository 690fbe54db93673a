//! Settings whose value is a relative path, joined with the base that the program will use.

use std::collections::{BTreeMap, BTreeSet};

use super::Ground;
use crate::fact::{Certainty, Class, Fact, Kind, Locus, Source, StartKind, Touch, What};
use crate::knowledge::{self, Directive, Role, places};
use crate::link::live::Voice;
use crate::path::AppPath;

/// How directories are called that hold settings alone: what the settings name relatively lies beside
/// them (hier(7), and the layout that the GNU coding standards give to a prefix).
const SETTINGS: [&[u8]; 6] = [
    b"cfg",
    b"conf",
    b"config",
    b"configuration",
    b"etc",
    b"settings",
];

/// A setting with a relative value, in a file of an install prefix.
struct Relative<'a> {
    at: &'a Locus,
    key: &'a str,
    value: &'a str,
    directive: &'static Directive,
    prefix: &'a AppPath,
    /// The directory that every program of the prefix is started in.
    started_in: Option<&'a AppPath>,
}

/// The paths that relative settings of files in an install prefix stand for.
///
/// They lie where something of that name is already, or its directory is; else in the directory that
/// the file itself names as the base of such values; else beside the settings.
pub(super) fn facts(ground: &Ground<'_>, facts: &[Fact]) -> Vec<Fact> {
    // Where the reader of the file knew the base, nothing is left to guess.
    let joined: BTreeSet<(&Locus, String)> = facts.iter().filter_map(joined).collect();
    let dirs = working_dirs(ground, facts);
    let relative: Vec<Relative<'_>> = facts
        .iter()
        .filter_map(|fact| Relative::of(ground, fact, &dirs))
        .filter(|relative| !relative.is_among(&joined))
        .collect();
    let bases: Vec<(&Relative<'_>, AppPath)> = relative
        .iter()
        .filter(|setting| setting.is_base())
        .filter_map(|setting| Some((setting, setting.path(ground, None)?)))
        .collect();
    let found = relative.iter().filter_map(|setting| {
        if setting.is_bare() {
            return setting.made(ground);
        }
        let above = bases.iter().filter(|(base, _)| setting.lies_below(base));
        let base = above.max_by_key(|(base, _)| base.directive.rank);
        let path = setting.path(ground, base.map(|(_, path)| path))?;
        Some(
            setting
                .passwords(ground, &path)
                .unwrap_or_else(|| setting.fact(path)),
        )
    });
    found.collect()
}

/// The setting that a path was read from, without its sections.
fn joined(fact: &Fact) -> Option<(&Locus, String)> {
    match &fact.what {
        What::Path {
            source: Source::Config,
            by,
            ..
        } if fact.certainty > Certainty::Guessed => Some((&fact.at, by.to_lowercase())),
        _ => None,
    }
}

/// The one directory that the programs of a prefix are started in, by prefix: what their settings name
/// relatively is opened from there, wherever the settings lie.
fn working_dirs<'a>(ground: &Ground<'a>, facts: &[Fact]) -> BTreeMap<&'a AppPath, AppPath> {
    let mut by_file: BTreeMap<&AppPath, &AppPath> = BTreeMap::new();
    for fact in facts {
        if let What::Path { path, by, .. } = &fact.what
            && (by == "WorkingDirectory" || by == "directory")
        {
            by_file.insert(&fact.at.file, path);
        }
    }
    let mut found: BTreeMap<&AppPath, BTreeSet<Option<AppPath>>> = BTreeMap::new();
    for fact in facts {
        let What::Starts {
            program,
            args,
            given,
            how,
            ..
        } = &fact.what
        else {
            continue;
        };
        if *how == StartKind::Script || ground.voices.of(fact) != Voice::Live {
            continue;
        }
        let words = args.iter().filter_map(AppPath::absolute);
        let mut words = std::iter::once(program.clone()).chain(words);
        if let Some(prefix) = words.find_map(|path| ground.scope.in_prefix(&path)) {
            let own = given.as_ref().and_then(|given| given.directory.clone());
            let dir = own.or_else(|| by_file.get(&fact.at.file).map(|dir| (*dir).clone()));
            found.entry(prefix).or_default().insert(dir);
        }
    }
    let one = |(prefix, mut dirs): (&'a AppPath, BTreeSet<Option<AppPath>>)| {
        let dir = dirs.pop_first().filter(|_| dirs.is_empty())??;
        Some((prefix, dir))
    };
    found.into_iter().filter_map(one).collect()
}

impl<'a> Relative<'a> {
    fn of(
        ground: &Ground<'a>,
        fact: &'a Fact,
        dirs: &'a BTreeMap<&'a AppPath, AppPath>,
    ) -> Option<Self> {
        let What::Setting { key, value } = &fact.what else {
            return None;
        };
        // `database: db/production.sqlite3` names a file where others name a database of a server.
        let database = || knowledge::directive("database-path");
        let named = places::is_database_name(value.as_bytes()).then(database);
        let directive = named.flatten().or_else(|| knowledge::directive(key))?;
        let is_path =
            directive.role.is_path() && !value.contains(['$', '%', ':']) && !value.starts_with('-');
        let prefix = ground.scope.in_prefix(&fact.at.file)?;
        is_path.then_some(Self {
            at: &fact.at,
            key,
            value,
            directive,
            prefix,
            started_in: dirs.get(prefix),
        })
    }

    /// Whether only its key tells that a word is a directory, and not what for.
    fn is_bare(&self) -> bool {
        let is_weak = self.directive.weak && self.directive.touch == Touch::Names;
        is_weak && !self.value.contains('/') && knowledge::says_directory(self.key)
    }

    /// The directory of a word that only its key tells to be one: what is not there, where its program is started,
    /// the program makes. What is there shows by itself what it is for.
    fn made(&self, ground: &Ground<'_>) -> Option<Fact> {
        let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
        let path = self.started_in?.join(self.value);
        let is_told = !self.value.starts_with('.') && self.value.chars().all(is_name);
        let is_absent = ground.inventory.get(&path).is_none();
        let is_meant = is_told && is_absent && !places::is_example(&self.at.file);
        let is_meant = is_meant && path.is_below(self.prefix);
        is_meant.then(|| self.written(path, Kind::Dir, None))
    }

    /// Whether other relative values of its file may be meant from it.
    fn is_base(&self) -> bool {
        let directive = self.directive;
        directive.role == Role::Base && directive.kind == Some(Kind::Dir) && directive.rank > 1
    }

    /// Whether `base` is the base of this one's section.
    fn lies_below(&self, base: &Relative<'_>) -> bool {
        let section = base.key.rsplit_once('.').map_or("", |(section, _)| section);
        let within = self.key.strip_prefix(section);
        let within = within.is_some_and(|rest| section.is_empty() || rest.starts_with('.'));
        base.at.file == self.at.file && within && self.directive.role != Role::Base
    }

    fn is_among(&self, joined: &BTreeSet<(&Locus, String)>) -> bool {
        let is = |key: &str| joined.contains(&(self.at, key.to_owned()));
        let name = self.key.rsplit_once('.').map(|(_, name)| name);
        is(self.key) || name.is_some_and(is)
    }

    /// Where it lies: where something of its name is, or its directory; else below `base` where the
    /// file has one.
    fn path(&self, ground: &Ground<'_>, base: Option<&AppPath>) -> Option<AppPath> {
        let there = |path: &AppPath| ground.inventory.get(path).is_some();
        let own = self.at.file.parent()?;
        let above = own.parent().filter(|above| above.is_within(self.prefix));
        let beside = above.filter(|_| SETTINGS.contains(&own.name()));
        let bases: Vec<&AppPath> = [
            base,
            self.started_in,
            Some(&own),
            beside.as_ref(),
            Some(self.prefix),
        ]
        .into_iter()
        .flatten()
        .collect();
        let all: Vec<AppPath> = bases.iter().map(|base| base.join(self.value)).collect();
        let exact = all.iter().find(|path| there(path));
        // A directory that is there is meant for what is made in it; a base itself says nothing.
        let held = |path: &&AppPath| {
            let parent = path.parent();
            parent.is_some_and(|parent| !bases.contains(&&parent) && there(&parent))
        };
        let usual = match (&beside, base) {
            (Some(beside), None)
                if self.directive.touch.is_write() && self.started_in.is_none() =>
            {
                beside.join(self.value)
            }
            _ => all.first()?.clone(),
        };
        let path = exact.or_else(|| all.iter().find(held));
        let path = path.cloned().unwrap_or(usual);
        path.is_below(self.prefix).then_some(path)
    }

    /// A file of passwords that settings name and that is not there: its program makes it when somebody signs up. The
    /// directives of web servers, which read such files alone, are words of their own (`AuthUserFile`).
    fn passwords(&self, ground: &Ground<'_>, path: &AppPath) -> Option<Fact> {
        let kind = knowledge::secret_file(path.name()).filter(|kind| kind.contains("password"));
        let name = self.key.rsplit('.').next().unwrap_or(self.key);
        let is_plain = matches!(name, "file" | "filename" | "path");
        let is_absent = ground.inventory.get(path).is_none();
        let is_made = is_plain && is_absent && kind.is_some() && !places::is_example(&self.at.file);
        is_made.then(|| self.written(path.clone(), Kind::File, Some(Class::Secret)))
    }

    /// What its program makes by itself.
    fn written(&self, path: AppPath, kind: Kind, class: Option<Class>) -> Fact {
        Fact {
            at: self.at.clone(),
            what: What::Path {
                path,
                touch: Touch::Writes,
                source: Source::Config,
                by: self.key.to_owned(),
                kind: Some(kind),
                class,
            },
            certainty: Certainty::Inferred,
        }
    }

    fn fact(&self, path: AppPath) -> Fact {
        Fact {
            at: self.at.clone(),
            what: What::Path {
                path,
                touch: self.directive.touch,
                source: Source::Config,
                by: self.key.to_owned(),
                kind: self.directive.kind,
                class: self.directive.class,
            },
            certainty: if self.directive.touch == Touch::Names {
                Certainty::Guessed
            } else {
                Certainty::Inferred
            },
        }
    }
}
