//! Files of the application that hold a key or password. No image has them, so that each that it reads as
//! it runs is mounted: keys, settings, and code that would otherwise come with the image. Whatever else
//! holds one is left behind, and told: the plan lists what it leaves.

use std::collections::BTreeSet;

use super::super::live::Voice;
use super::Ground;
use super::witness::told;
use crate::fact::{Certainty, Fact, Kind, Locus, Touch, What};
use crate::knowledge::{self, Manner, places};
use crate::path::AppPath;

/// How a fact of this module is known.
pub(super) const BY: &str = "it holds a key or password";

pub(super) fn facts(ground: &Ground<'_>, facts: &[Fact]) -> Vec<Fact> {
    let given: BTreeSet<&AppPath> = facts.iter().filter_map(given).collect();
    let mut found: Vec<Fact> = facts
        .iter()
        .filter(|fact| matches!(fact.what, What::Secret { .. }))
        .filter(|fact| fact.certainty > Certainty::Guessed)
        .filter(|fact| ground.scope.in_prefix(&fact.at.file).is_some())
        .filter(|fact| match ground.voices.of(fact) {
            Voice::Dead => false,
            _ if given.contains(&fact.at.file) => true,
            Voice::Sample => false,
            Voice::Tool | Voice::Live => is_read(&fact.at.file),
        })
        .map(|fact| &fact.at.file)
        .map(|file| {
            told(
                Locus::file(file),
                (Touch::Reads, BY),
                Some(Kind::File),
                None,
                Certainty::Inferred,
            )
        })
        .collect();
    found.sort();
    found.dedup();
    found
}

/// The file that something else names, surely enough.
fn given(fact: &Fact) -> Option<&AppPath> {
    match &fact.what {
        What::Path { path, .. } if fact.certainty > Certainty::Guessed => Some(path),
        _ => None,
    }
    .filter(|path| **path != fact.at.file)
}

/// Whether the application may read a file as it runs, where nothing else says so: neither examples, tests
/// and texts of others, nor notes, dumps of databases and recipes of builds.
fn is_read(file: &AppPath) -> bool {
    let is_key = knowledge::secret_file(file.name()).is_some();
    let manner = Manner::of(file.name(), b"");
    !places::is_library_place(file)
        && !places::is_example(file)
        && !places::is_translation(file)
        && (is_key || !matches!(manner, Manner::Notes | Manner::Prose))
}
