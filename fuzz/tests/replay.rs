//! Each target with its seeds and, for a moment, with changes of them; the tables hold together.

#![allow(
    clippy::disallowed_methods,
    reason = "what is read here lies in the repository, and is no audited disk"
)]

use std::collections::BTreeSet;
use std::time::Duration;

use seaworthy_fuzz::{TARGETS, corpus, run};

/// How long each target gets changed inputs, in milliseconds: `FUZZ_MILLIS`, or this.
const MILLIS: u64 = 1_000;

#[test]
fn every_corpus_is_replayed() {
    let millis = std::env::var("FUZZ_MILLIS")
        .ok()
        .and_then(|text| text.parse().ok());
    let time = Duration::from_millis(millis.unwrap_or(MILLIS));
    let mut wrong = Vec::new();
    for target in TARGETS {
        wrong.extend(run::run(target, time, 1).err());
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_target_has_seeds_a_program_and_a_line() {
    let manifest = std::fs::read_to_string(corpus::home().join("Cargo.toml")).unwrap();
    let readme = std::fs::read_to_string(corpus::home().join("README.md")).unwrap();
    let mut programs = BTreeSet::new();
    for target in TARGETS {
        let name = target.name;
        assert!(!corpus::seeds(target).is_empty(), "{name} has no seeds");
        let file = format!("fuzz_targets/{name}.rs");
        let text = std::fs::read_to_string(corpus::home().join(&file)).unwrap_or_default();
        assert!(text.contains(&format!("by_name(\"{name}\")")), "{file}");
        assert!(manifest.contains(&format!("path = \"{file}\"")), "{file}");
        assert!(
            readme.contains(&format!("`{name}`")),
            "README.md says nothing of {name}"
        );
        programs.insert(file);
    }
    for entry in std::fs::read_dir(corpus::home().join("fuzz_targets")).unwrap() {
        let name = format!("fuzz_targets/{}", entry.unwrap().file_name().display());
        assert!(programs.contains(&name), "{name} has no target");
    }
    for entry in std::fs::read_dir(corpus::home().join("seeds")).unwrap() {
        let name = entry.unwrap().file_name();
        assert!(
            TARGETS.iter().any(|target| *target.name == *name),
            "seeds of {}",
            name.display()
        );
    }
}
