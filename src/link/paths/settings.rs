//! Files of settings among the code: by what is in them, and by what tells that a site made them.

use std::collections::BTreeSet;

use super::Ground;
use super::witness::{self, AFTER, told};
use crate::fact::{Certainty, Class, Fact, Kind, Locus, Source, Touch, What};
use crate::knowledge::places;
use crate::link::live::Voice;
use crate::path::AppPath;

/// What tells of a file that its content are settings.
const SETTINGS: &str = "settings";

/// Whether a fact tells that.
pub(super) fn is_file(fact: &Fact) -> bool {
    matches!(&fact.what, What::Path { source: Source::Tree, by, .. } if by == SETTINGS)
}

/// Files of an install prefix that by name and content are settings, whatever directory they lie
/// in; a program that is given one with settings in it reads it, whatever it is called. So are settings in a
/// language that a site wrote: there is an example of them, or they are newer than the code.
pub(super) fn files(ground: &Ground<'_>, facts: &[Fact]) -> Vec<Fact> {
    let given = given(facts);
    let says = |fact: &&Fact| match &fact.what {
        What::Path { source, .. } => *source == Source::Config,
        What::Setting { .. } | What::RunsAs { .. } => true,
        // What the code of a program opens is in no settings.
        What::Listens { .. } => {
            fact.certainty > Certainty::Inferred || places::is_settings_name(fact.at.file.name())
        }
        _ => false,
    };
    let is_own = |file: &AppPath| {
        let name = String::from_utf8_lossy(file.name()).to_ascii_lowercase();
        ground.scope.in_prefix(file).is_some()
            && !places::is_library_place(file)
            && !places::is_recipe_name(&name)
    };
    let mut found: BTreeSet<&AppPath> = BTreeSet::new();
    let mut languages: BTreeSet<&AppPath> = BTreeSet::new();
    for fact in facts.iter().filter(says) {
        let file = &fact.at.file;
        if found.contains(file) || !is_own(file) || ground.voices.of(fact) != Voice::Live {
            continue;
        }
        if places::is_settings_name(file.name()) || given.contains(file) {
            found.insert(file);
        } else if places::is_settings_language(file.name()) && !places::is_example(file) {
            languages.insert(file);
        }
    }
    let is_made =
        |file: &&&AppPath| has_example(ground, file) || is_newer(ground, file, &languages);
    let made: Vec<&AppPath> = languages.iter().filter(is_made).copied().collect();
    found.extend(made);
    let tell = |file: &AppPath| {
        told(
            Locus::file(file),
            (Touch::Reads, SETTINGS),
            Some(Kind::File),
            Some(Class::Config),
            Certainty::Inferred,
        )
    };
    found.into_iter().map(tell).collect()
}

/// The files that starts hand to their programs. A table of what a manager starts is for the manager.
fn given(facts: &[Fact]) -> BTreeSet<AppPath> {
    let mut given = BTreeSet::new();
    let mut tables = BTreeSet::new();
    for fact in facts {
        if let What::Starts { args, .. } = &fact.what {
            given.extend(args.iter().filter_map(AppPath::absolute));
            tables.insert(&fact.at.file);
        }
    }
    given.retain(|file| !tables.contains(file));
    given
}

/// Whether an example of a file lies beside it: `config.sample.php`, `settings.py.dist`.
fn has_example(ground: &Ground<'_>, file: &AppPath) -> bool {
    const WORDS: [&str; 5] = ["default", "dist", "example", "sample", "template"];
    let stem = |name: &str| {
        name.split(['.', '-', '_'])
            .next()
            .unwrap_or(name)
            .to_owned()
    };
    let own = String::from_utf8_lossy(file.name()).to_ascii_lowercase();
    let Some(dir) = file.parent() else {
        return false;
    };
    let beside = ground
        .inventory
        .below(&dir)
        .filter(|other| *other.dir == dir);
    let is_example = |name: &[u8]| {
        let name = String::from_utf8_lossy(name).to_ascii_lowercase();
        let words = name.split(['.', '-', '_']).skip(1);
        name != own && stem(&name) == stem(&own) && words.clone().any(|word| WORDS.contains(&word))
    };
    let mut files = beside.filter(|other| other.kind() == Some(Kind::File));
    files.any(|other| is_example(other.name))
}

/// Whether a file was written after the code of its tree, in which settings do not count.
fn is_newer(ground: &Ground<'_>, file: &AppPath, settings: &BTreeSet<&AppPath>) -> bool {
    let Some(prefix) = ground.scope.in_prefix(file) else {
        return false;
    };
    let own = ground.inventory.get(file).and_then(|sum| sum.stat);
    let code = witness::last_code(ground, prefix, usize::MAX, |path| !settings.contains(path));
    match (own, code) {
        (Some(own), Some(code)) => own.mtime > code.saturating_add(AFTER),
        _ => false,
    }
}
