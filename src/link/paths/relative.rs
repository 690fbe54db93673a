//! Settings whose value is a relative path, joined with the base that the program will use.

use std::collections::BTreeSet;

use super::Ground;
use crate::fact::{Certainty, Fact, Kind, Locus, Source, Touch, What};
use crate::knowledge::{self, Directive, Role};
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
}

/// The paths that relative settings of files in an install prefix stand for.
///
/// They lie where something of that name is already, or its directory is; else in the directory that
/// the file itself names as the base of such values; else beside the settings.
pub(super) fn facts(ground: &Ground<'_>, facts: &[Fact]) -> Vec<Fact> {
    // Where the reader of the file knew the base, nothing is left to guess.
    let joined: BTreeSet<(&Locus, String)> = facts.iter().filter_map(joined).collect();
    let relative: Vec<Relative<'_>> = facts
        .iter()
        .filter_map(|fact| Relative::of(ground, fact))
        .filter(|relative| !relative.is_among(&joined))
        .collect();
    let bases: Vec<(&Relative<'_>, AppPath)> = relative
        .iter()
        .filter(|setting| setting.is_base())
        .filter_map(|setting| Some((setting, setting.path(ground, None)?)))
        .collect();
    let found = relative.iter().filter_map(|setting| {
        let above = bases.iter().filter(|(base, _)| setting.lies_below(base));
        let base = above.max_by_key(|(base, _)| base.directive.rank);
        Some(setting.fact(setting.path(ground, base.map(|(_, path)| path))?))
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

impl<'a> Relative<'a> {
    fn of(ground: &Ground<'a>, fact: &'a Fact) -> Option<Self> {
        let What::Setting { key, value } = &fact.what else {
            return None;
        };
        let directive = knowledge::directive(key)?;
        let is_path =
            directive.role.is_path() && !value.contains(['$', '%', ':']) && !value.starts_with('-');
        is_path.then_some(Self {
            at: &fact.at,
            key,
            value,
            directive,
            prefix: ground.scope.in_prefix(&fact.at.file)?,
        })
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
        let bases: Vec<&AppPath> = [base, Some(&own), beside.as_ref(), Some(self.prefix)]
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
            (Some(beside), None) if self.directive.touch.is_write() => beside.join(self.value),
            _ => all.first()?.clone(),
        };
        let path = exact.or_else(|| all.iter().find(held));
        let path = path.cloned().unwrap_or(usual);
        path.is_below(self.prefix).then_some(path)
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
