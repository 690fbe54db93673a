//! State and settings that bear the name of the host: message brokers, monitoring agents and members
//! of clusters keep what they have under it, and a container of another name finds none of it.

use std::collections::BTreeSet;

use crate::fact::{Access, Certainty, Class, Fact, Kind, Locus, NAMED_AFTER_HOST, What};
use crate::path::AppPath;
use crate::report::PathEntry;
use crate::tree::Root;

/// How deep below a mount entries are looked at, and how many.
const DEPTH: usize = 3;
const ENTRIES: usize = 4096;

/// How much of a file is read.
const HEAD: usize = 1 << 13;

/// The entries of kept mounts that bear the name, and the settings that name a node by it.
pub(super) fn facts(root: &Root, name: &str, facts: &[Fact], paths: &[PathEntry]) -> Vec<Fact> {
    let is_kept = |entry: &&PathEntry| {
        entry.access == Access::Rw
            && matches!(entry.class, Class::Data | Class::Config | Class::Secret)
    };
    let kept: BTreeSet<&AppPath> = paths
        .iter()
        .filter(is_kept)
        .filter_map(|entry| entry.mount.as_ref())
        .filter(|path| !path.is_pattern())
        .collect();
    let short = name.split('.').next().unwrap_or(name);
    let mut found = Vec::new();
    for path in kept {
        let mut left = ENTRIES;
        below(root, path, short, DEPTH, &mut left, &mut found);
    }
    // `NODE@HOST` is how a member of a cluster is addressed.
    let node = format!("@{short}");
    for fact in facts {
        if let What::Setting { value, .. } = &fact.what
            && has_word(value.as_bytes(), node.as_bytes())
        {
            found.push(bears(&fact.at, Certainty::Inferred));
        }
    }
    found.sort();
    found.dedup();
    found
}

fn bears(at: &Locus, certainty: Certainty) -> Fact {
    Fact {
        at: at.clone(),
        what: What::Holds {
            content: NAMED_AFTER_HOST.to_owned(),
            class: None,
        },
        certainty,
    }
}

fn below(
    root: &Root,
    dir: &AppPath,
    name: &str,
    depth: usize,
    left: &mut usize,
    found: &mut Vec<Fact>,
) {
    for (entry, stat) in root.list(dir.as_bytes()).unwrap_or_default() {
        if *left == 0 {
            return;
        }
        *left -= 1;
        let path = dir.child(&entry);
        let is_named = has_word(&entry, name.as_bytes())
            || stat.kind == Kind::File && holds_node(root, &path, name);
        if is_named {
            found.push(bears(&Locus::file(&path), Certainty::Observed));
        } else if stat.kind == Kind::Dir && depth > 1 {
            below(root, &path, name, depth - 1, left, found);
        }
    }
}

/// Whether the beginning of a file names a node of this host: what a cluster keeps of its members is
/// bound to them.
fn holds_node(root: &Root, path: &AppPath, name: &str) -> bool {
    let head = root.read(path.as_bytes(), HEAD).unwrap_or_default();
    has_word(&head, format!("@{name}").as_bytes())
}

/// Whether a text has a word that no letter or digit continues.
fn has_word(text: &[u8], word: &[u8]) -> bool {
    memchr::memmem::find_iter(text, word).any(|at| {
        let before = at.checked_sub(1).and_then(|at| text.get(at));
        let after = text.get(at + word.len());
        let joins = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
        !joins(after) && (word.starts_with(b"@") || !joins(before))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_word_of_its_own() {
        assert!(has_word(b"broker@mq01", b"mq01"));
        assert!(has_word(b"mq01.err", b"mq01"));
        assert!(has_word(b"broker@mq01", b"@mq01"));
        assert!(!has_word(b"mq011", b"mq01"));
        assert!(!has_word(b"amq01", b"mq01"));
    }
}
