//! Small roots with each kind of database.

mod apk;
mod debian;
mod rpm;

use std::path::Path;

use proptest::prelude::*;

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

/// Changes some bytes of a file of a root.
fn damage(root: &Path, file: &str, places: &[(prop::sample::Index, u8)]) {
    let path = root.join(file);
    let mut bytes = crate::tree::Root::open(root)
        .unwrap()
        .read(file, 1 << 20)
        .unwrap();
    for (place, value) in places {
        let at = place.index(bytes.len());
        bytes[at] = *value;
    }
    std::fs::write(path, bytes).unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn damaged_databases_never_panic(
        places in prop::collection::vec(
            (any::<prop::sample::Index>(), prop::sample::select(b"\n :/,|(\0\xffP.".to_vec())),
            1..60,
        ),
        which in 0usize..8,
    ) {
        let files = [
            "var/lib/dpkg/status",
            "var/lib/dpkg/info/mercury.list",
            "var/lib/dpkg/info/mercury.md5sums",
            "var/lib/dpkg/diversions",
            "var/lib/dpkg/statoverride",
            "var/lib/ucf/registry",
            "usr/share/doc/mercury/copyright",
            "lib/apk/db/installed",
        ];
        let dir = debian::debian();
        put(dir.path(), "/lib/apk/db/installed", "P:musl\nV:1\nD:a b\nF:etc\nM:0:0:755\nR:x\nZ:Q1AA==\n\nP:b\n");
        damage(dir.path(), files[which], &places);
        let (root, packages, _) = read_all(dir.path());
        let names: Vec<String> = packages.iter().map(|package| package.name.clone()).collect();
        let scope = packages.scope(&names, &root);
        let (facts, _) = packages.facts(&scope, &root);
        prop_assert!(facts.len() < 1000);
        for name in scope {
            let _ = packages.scripts(&name, &root);
            for file in packages.files(&name, &root) {
                let _ = packages.check(&file, &root);
            }
        }
    }
}
