//! Files of the application that hold a key or password. No image has them, so that each is mounted,
//! also where it is code and would otherwise come with the image.

use super::super::live::Voice;
use super::Ground;
use super::witness::told;
use crate::fact::{Certainty, Fact, Kind, Locus, Touch, What};
use crate::knowledge::places;

/// How a fact of this module is known.
pub(super) const BY: &str = "it holds a key or password";

pub(super) fn facts(ground: &Ground<'_>, facts: &[Fact]) -> Vec<Fact> {
    let mut found: Vec<Fact> = facts
        .iter()
        .filter(|fact| matches!(fact.what, What::Secret { .. }))
        .filter(|fact| fact.certainty > Certainty::Guessed)
        .filter(|fact| !matches!(ground.voices.of(fact), Voice::Dead | Voice::Sample))
        .map(|fact| &fact.at.file)
        .filter(|file| ground.scope.in_prefix(file).is_some())
        .filter(|file| !places::is_library_place(file) && !places::is_example(file))
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
