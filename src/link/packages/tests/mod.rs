//! Small roots with each kind of database.

mod apk;
mod debian;
mod rpm;

use std::path::Path;

use super::*;
use crate::fact::{Class, Fact, Ownership, Source, Touch, What};

fn put(root: &Path, path: &str, content: impl AsRef<[u8]>) {
    let path = root.join(path.trim_start_matches('/'));
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, content).unwrap();
}

fn md5(content: &[u8]) -> String {
    use crate::parse::digest::Algorithm;
    let sum = Digest::of(Algorithm::Md5, &content.to_vec()).unwrap();
    sum.as_bytes().iter().map(|b| format!("{b:02x}")).collect()
}

fn read_all(root: &Path) -> (Root, Packages, Vec<Issue>) {
    let root = Root::open(root).unwrap();
    let (packages, issues) = Packages::read(&root);
    (root, packages, issues)
}

fn names(packages: &[&Package]) -> Vec<String> {
    packages
        .iter()
        .map(|package| package.name.clone())
        .collect()
}

fn owner(packages: &Packages, path: &str) -> Option<String> {
    packages
        .owner(&AppPath::new(path))
        .map(|package| package.name.clone())
}

/// The path facts as `path touch by`.
fn paths(facts: &[Fact]) -> Vec<String> {
    facts
        .iter()
        .filter_map(|fact| match &fact.what {
            What::Path {
                path, touch, by, ..
            } => Some(format!("{path} {touch:?} {by}")),
            _ => None,
        })
        .collect()
}

fn states(facts: &[Fact]) -> Vec<(String, Ownership)> {
    facts
        .iter()
        .filter_map(|fact| match &fact.what {
            What::Ownership { path, state, .. } => Some((path.to_string(), *state)),
            _ => None,
        })
        .collect()
}

#[test]
fn a_root_without_a_database_has_no_packages() {
    let dir = tempfile::tempdir().unwrap();
    let (root, packages, issues) = read_all(dir.path());
    assert!(packages.is_empty() && issues.is_empty());
    assert_eq!(packages.facts(&["x".into()], &root), (vec![], vec![]));
}
