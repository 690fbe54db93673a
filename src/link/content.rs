//! Content outside the scope that settings in force name: the pages of a web server, the templates of
//! a mail system. Without it the server starts and answers every request with an error.

use std::collections::BTreeSet;

use super::live::{Voice, Voices};
use super::scope::Scope;
use crate::fact::{Certainty, Fact, Kind, What};
use crate::knowledge::{self, places};
use crate::path::AppPath;
use crate::tree::Root;

/// How the key of such a setting begins.
const KEY: &str = "content-root:";

/// The directories, links followed, in order; of one within another the outer alone.
pub(super) fn roots(root: &Root, scope: &Scope, voices: &Voices, facts: &[Fact]) -> Vec<AppPath> {
    let named = facts.iter().filter_map(|fact| match &fact.what {
        What::Path { path, by, .. } if by.starts_with(KEY) => {
            let is_said = fact.certainty > Certainty::Guessed && voices.of(fact) == Voice::Live;
            is_said.then_some(path)
        }
        _ => None,
    });
    let found: BTreeSet<AppPath> = named
        .filter(|path| !path.is_pattern() && !places::is_documentation(path))
        .filter_map(|path| root.resolve(path.as_bytes()).ok())
        .filter(|node| node.stat.kind == Kind::Dir)
        .map(|node| node.real)
        .filter(|path| !scope.contains(path) && !knowledge::is_shared_dir(path))
        .collect();
    let is_inner = |path: &AppPath| found.iter().any(|outer| path.is_below(outer));
    found
        .iter()
        .filter(|path| !is_inner(path))
        .cloned()
        .collect()
}
