//! What the modules of PAM read and write, by the manual of each.

use std::sync::LazyLock;

use serde::Deserialize;

use super::table;

/// A module.
#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Module {
    /// Its file name without `.so`.
    name: String,
    /// What it reads.
    #[serde(default)]
    pub reads: Vec<String>,
    /// What it writes.
    #[serde(default)]
    pub writes: Vec<String>,
    /// Arguments with which it writes nothing.
    #[serde(default)]
    pub unless: Vec<String>,
    /// Arguments whose value is the path of a file.
    #[serde(default)]
    pub file_arguments: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    module: Vec<Module>,
}

static TABLE: LazyLock<File> = LazyLock::new(|| table("pam"));

/// The module with this file name.
#[must_use]
pub fn module(file: &str) -> Option<&'static Module> {
    let name = file.strip_suffix(".so").unwrap_or(file);
    TABLE.module.iter().find(|module| module.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modules_are_known_by_their_file_once() {
        let motd = module("pam_motd.so").unwrap();
        assert!(motd.writes.iter().any(|path| path == "/run/motd.dynamic"));
        assert!(module("pam_unheard.so").is_none());
        for (at, one) in TABLE.module.iter().enumerate() {
            let mut before = TABLE.module[..at].iter();
            assert!(before.all(|other| other.name != one.name), "{}", one.name);
        }
    }
}
