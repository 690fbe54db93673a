//! What a package ships is known to everybody: a password in a file that is as its package shipped it is
//! an example or a default, and nobody's secret.

use std::collections::{BTreeMap, BTreeSet};

use super::host::Host;
use super::packages::OwnedFile;
use crate::fact::{Fact, Ownership, What};
use crate::path::AppPath;
use crate::tree::Root;

/// Takes out the secrets of files that are as their package shipped them, by the sum that it has of each.
pub(super) fn silence(root: &Root, host: &Host, facts: &mut Vec<Fact>) {
    let is_secret = |fact: &&Fact| matches!(fact.what, What::Secret { .. });
    let files: BTreeSet<AppPath> = facts
        .iter()
        .filter(is_secret)
        .map(|fact| fact.at.file.clone())
        .collect();
    let mut lists: BTreeMap<String, Vec<OwnedFile>> = BTreeMap::new();
    let shipped: BTreeSet<AppPath> = files
        .into_iter()
        .filter(|path| {
            host.packages.owners(path).iter().any(|package| {
                let list = lists
                    .entry(package.name.clone())
                    .or_insert_with(|| host.packages.files(&package.name, root));
                let own = list.iter().find(|file| file.path == *path);
                own.is_some_and(|file| {
                    let state = host.packages.check(file, root);
                    file.digest.is_some() && matches!(state, Ok(Ownership::AsShipped))
                })
            })
        })
        .collect();
    facts.retain(|fact| !is_secret(&fact) || !shipped.contains(&fact.at.file));
}
