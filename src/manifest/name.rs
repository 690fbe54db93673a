//! Names that every runtime takes: lower-case letters, digits and dashes.

use std::collections::BTreeSet;

use sha2::{Digest as _, Sha256};

/// The longest label; RFC 1123 allows 63, and suffixes are added to it.
const LABEL: usize = 40;

/// A label of RFC 1123 that resembles `text`: begins with a letter, since some objects of
/// Kubernetes ask for RFC 1035.
pub(super) fn label(text: &[u8]) -> String {
    let mut label = String::new();
    for &byte in text {
        if byte.is_ascii_alphanumeric() {
            label.push(char::from(byte.to_ascii_lowercase()));
        } else if !label.is_empty() && !label.ends_with('-') {
            label.push('-');
        }
    }
    if label.len() > LABEL {
        let digest = Sha256::digest(text);
        label.truncate(LABEL - 9);
        label = format!(
            "{}-{:02x}{:02x}{:02x}{:02x}",
            label.trim_end_matches('-'),
            digest[0],
            digest[1],
            digest[2],
            digest[3]
        );
    }
    let label = label.trim_matches('-');
    match label.as_bytes().first() {
        None => "app".to_owned(),
        Some(first) if first.is_ascii_digit() => format!("x-{label}"),
        Some(_) => label.to_owned(),
    }
}

/// Names that targets give to things of their own beside volumes and processes. Others of theirs
/// have two dashes in a row, which no label has.
const TAKEN: [&str; 5] = ["dev-shm-size", "env", "files", "root", "seed"];

/// Labels of which no two are the same.
#[derive(Debug)]
pub(super) struct Labels(BTreeSet<String>);

impl Default for Labels {
    fn default() -> Self {
        Self(TAKEN.iter().map(|&name| name.to_owned()).collect())
    }
}

impl Labels {
    /// Counts a name as given.
    pub(super) fn take(&mut self, name: &str) {
        self.0.insert(name.to_owned());
    }

    /// A label that resembles `text` and was not given before.
    pub(super) fn fresh(&mut self, text: &[u8]) -> String {
        let wanted = label(text);
        let mut name = wanted.clone();
        let mut number = 2_u32;
        while !self.0.insert(name.clone()) {
            name = format!("{wanted}-{number}");
            number += 1;
        }
        name
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_is_short_and_plain() {
        for (text, want) in [
            (&b"/var/lib/meterd"[..], "var-lib-meterd"),
            (b"/--- \n", "app"),
            (b"/9p", "x-9p"),
            (b"\xff\xfe", "app"),
            (b"/A b.C", "a-b-c"),
        ] {
            assert_eq!(label(text), want);
        }
        assert!(label(&[b'a'; 300]).len() <= LABEL);
        assert_ne!(label(&[b'a'; 300]), label(&[b'a'; 301]));
    }

    #[test]
    fn labels_differ() {
        let mut labels = Labels::default();
        assert_eq!(labels.fresh(b"/a b"), "a-b");
        assert_eq!(labels.fresh(b"/a-b"), "a-b-2");
        assert_eq!(labels.fresh(b"/root"), "root-2");
    }
}
