//! What settings name without saying what for: a directory that is there, that is no code, and that the
//! service's user owns is the application's data, whatever the key is called.

use std::collections::BTreeSet;

use super::host::Host;
use super::scope::Scope;
use crate::fact::{Certainty, Class, Fact, Kind, Source, Touch, What};
use crate::knowledge::{self, places};
use crate::path::AppPath;
use crate::tree::Root;

/// Settles what the settings name: a bare value that is no path of this root goes, a directory of the
/// service's user is its data.
pub(super) fn settle(root: &Root, host: &Host, scope: &Scope, facts: &mut Vec<Fact>) {
    let users = users(host, facts);
    let code: BTreeSet<AppPath> = facts
        .iter()
        .filter(|fact| matches!(fact.what, What::Program { .. }))
        .filter_map(|fact| fact.at.file.parent())
        .collect();
    facts.retain_mut(|fact| {
        let What::Path {
            path,
            touch,
            source: Source::Config | Source::Environment,
            class,
            kind,
            ..
        } = &mut fact.what
        else {
            return true;
        };
        if *touch != Touch::Names || class.is_some() || path.is_pattern() {
            return true;
        }
        let is_bare = fact.certainty == Certainty::Guessed && !knowledge::has_system_top(path);
        let Ok(node) = root.resolve(path.as_bytes()) else {
            return !is_bare;
        };
        let is_own = users.contains(&node.stat.uid) && node.stat.uid != 0;
        let is_root_of_scope = scope.dirs.iter().any(|dir| dir.is_within(path));
        if node.stat.kind == Kind::Dir
            && is_own
            && !is_root_of_scope
            && !knowledge::is_shared_dir(path)
            && !places::is_code_place(path)
            && !code.iter().any(|dir| dir.is_within(path))
        {
            *touch = Touch::Writes;
            *class = Some(Class::Data);
            *kind = Some(Kind::Dir);
            fact.certainty = fact.certainty.max(Certainty::Inferred);
        }
        !is_bare || fact.certainty > Certainty::Guessed
    });
}

/// The numbers of the users that the application runs as.
fn users(host: &Host, facts: &[Fact]) -> BTreeSet<u32> {
    let named = facts.iter().filter_map(|fact| match &fact.what {
        What::RunsAs { user, .. } => Some(user.as_str()),
        What::Starts {
            given: Some(given), ..
        } => given.user.as_deref(),
        _ => None,
    });
    let number = |user: &str| {
        let known = host.accounts.by_name(user).map(|user| user.uid);
        known.or_else(|| user.parse().ok())
    };
    named.filter_map(number).collect()
}
