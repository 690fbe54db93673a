//! Settings that are offered beside those in use: where a directory `NAME-enabled` stands beside
//! `NAME-available`, only what is linked from the one to the other is read by the program.

use std::collections::{BTreeMap, BTreeSet};

use crate::fact::{Fact, What};
use crate::path::AppPath;
use crate::tree::Root;

/// Takes out what files say that are not in use of listeners, peers and users.
pub(super) fn settle(root: &Root, facts: &mut Vec<Fact>) {
    let mut known: BTreeMap<AppPath, Option<BTreeSet<AppPath>>> = BTreeMap::new();
    facts.retain(|fact| {
        let speaks = matches!(
            fact.what,
            What::Listens { .. } | What::Talks { .. } | What::RunsAs { .. } | What::Setting { .. }
        );
        let Some(dir) = offered_in(&fact.at.file).filter(|_| speaks) else {
            return true;
        };
        let used = known
            .entry(dir)
            .or_insert_with_key(|dir| enabled(root, dir));
        used.as_ref()
            .is_none_or(|used| used.contains(&fact.at.file))
    });
}

/// Whether a file is offered, and not in use.
pub(super) fn is_idle(root: &Root, file: &AppPath) -> bool {
    let used = offered_in(file).and_then(|dir| enabled(root, &dir));
    used.is_some_and(|used| !used.contains(file))
}

/// The directory of offers that a file lies in.
fn offered_in(file: &AppPath) -> Option<AppPath> {
    let parent = file.parent()?;
    parent.name().ends_with(b"-available").then_some(parent)
}

/// What the directory beside it links to; nothing when there is none.
fn enabled(root: &Root, offers: &AppPath) -> Option<BTreeSet<AppPath>> {
    let stem = offers.name().strip_suffix(b"-available")?;
    let beside = offers.parent()?.join([stem, b"-enabled"].concat());
    let entries = root.list(beside.as_bytes()).ok()?;
    let real = |(name, _): &(Vec<u8>, _)| {
        let node = root.resolve(beside.join(name).as_bytes()).ok()?;
        Some(node.real)
    };
    Some(entries.iter().filter_map(real).collect())
}
