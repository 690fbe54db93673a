//! Content outside the scope that settings in force name: the pages of a web server, the templates of
//! a mail system. Without it the server starts and answers every request with an error.

use std::collections::BTreeSet;

use super::host::Host;
use super::live::{Voice, Voices};
use super::modules::Written;
use super::scope::Scope;
use crate::fact::{Certainty, Fact, Kind, What};
use crate::knowledge::{self, places};
use crate::path::AppPath;
use crate::tree::Root;

/// How the key of such a setting begins.
const KEY: &str = "content-root:";

/// Modules of a language that no package brought: of a search path that no package has, as those that
/// `pip`, `gem` and `cpan` fill, the whole directory, since what asks for one of them does not name what that
/// needs itself; else the module alone.
pub(super) fn unpackaged(host: &Host, written: &[Written]) -> Vec<AppPath> {
    let is_free = |path: &AppPath| host.packages.owner(path).is_none();
    let found: BTreeSet<AppPath> = written
        .iter()
        .filter(|module| is_free(&module.file))
        .filter_map(|module| {
            if is_free(&module.dir) && !knowledge::is_shared_dir(&module.dir) {
                return Some(module.dir.clone());
            }
            let below = module.file.below(&module.dir)?;
            let first = below.split(|&b| b == b'/').next()?;
            let top = module.dir.child(first);
            Some(top).filter(|top| is_free(top))
        })
        .collect();
    found.into_iter().collect()
}

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
