//! What is generally known of keys, paths, ports and secrets: tables of `rules/knowledge/`, read
//! once.
//!
//! A table holds the meaning of a directive or of a name, never an answer for one program.

pub mod bases;
pub mod commands;
mod directives;
pub mod homes;
pub mod languages;
pub mod libraries;
pub(crate) mod managers;
mod models;
pub mod pam;
mod paths;
pub mod places;
mod ports;
mod secrets;
mod servers;
pub mod starts;

pub use directives::{Directive, Role, directive, directive_at, directives, says_directory};
pub use models::{Model, Usual, models};
pub use paths::{Prior, canonical, has_system_top, is_shared_dir, prior};
pub use ports::{protocol, service_of_scheme, service_port};
pub use secrets::{
    Hit, Manner, is_placeholder, is_strong, is_value, readable, secret_file, secret_key,
};
pub use secrets::{secret_value, secrets_in, spans, strong_key};

pub use servers::{Opened, Server, server};

use serde::de::DeserializeOwned;

use crate::path::AppPath;

/// By field of a rule's condition, every name that extractors tell of.
#[must_use]
pub fn vocabulary() -> Vec<(&'static str, Vec<&'static str>)> {
    vec![("command", commands::names().collect())]
}

/// Whether a call or command of this name puts a file in the place of another (rename(2), mv(1)).
#[must_use]
pub fn is_rename(by: &str) -> bool {
    let name = by.rsplit(['.', ':']).next().unwrap_or(by);
    matches!(
        name,
        "mv" | "move" | "rename" | "renameSync" | "renameat" | "renameat2" | "renames" | "replace"
    )
}

/// Whether a unit is read by the manager of each user who is logged in, and not by the system's: it lies in a
/// directory of such units (systemd.unit(5), "User Unit Search Path").
#[must_use]
pub fn is_unit_of_users(file: &AppPath) -> bool {
    file.components().any(|part| part == b"user")
}

include!(concat!(env!("OUT_DIR"), "/knowledge.rs"));

/// The table of that name, in its own types; `build.rs` made JSON of it.
pub(crate) fn table<T: DeserializeOwned>(name: &str) -> T {
    let text = KNOWLEDGE.iter().find(|(known, _)| *known == name);
    let text = text.map_or("", |(_, text)| text);
    match serde_json::from_str(text) {
        Ok(table) => table,
        // The tables are part of the program, and the tests of this module read every one.
        Err(error) => panic!("rules/knowledge/{name}.toml: {error}"),
    }
}

/// A name cut into words and put together without what is between them: `DocumentRoot`,
/// `document-root` and `document_root` are one.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
struct Folded {
    /// Letters and digits, in lower case.
    text: String,
    /// Where words begin in `text`, in ascending order.
    words: Vec<usize>,
}

impl Folded {
    fn new(name: &str) -> Self {
        let mut folded = Self::default();
        folded.append(name);
        folded
    }

    /// Adds a name; it begins a word.
    fn append(&mut self, name: &str) {
        self.text.reserve(name.len());
        if name.is_ascii() {
            self.append_ascii(name.as_bytes());
        } else {
            self.append_chars(name);
        }
    }

    fn append_chars(&mut self, name: &str) {
        let mut before = None;
        let mut chars = name.chars().peekable();
        while let Some(c) = chars.next() {
            if c.is_alphanumeric() {
                // `dataDir` has two words, `PIDFile` too; `SSL` has one.
                let humps = before.is_some_and(|b: char| b.is_lowercase() || b.is_numeric());
                let acronym_ends = before.is_some_and(char::is_uppercase)
                    && chars.peek().is_some_and(|next| next.is_lowercase());
                if before.is_none() || (c.is_uppercase() && (humps || acronym_ends)) {
                    self.words.push(self.text.len());
                }
                self.text.extend(c.to_lowercase());
                before = Some(c);
            } else {
                before = None;
            }
        }
    }

    /// As [`Folded::append_chars`], for the names that nearly all are.
    fn append_ascii(&mut self, name: &[u8]) {
        let mut before: Option<u8> = None;
        for (at, &byte) in name.iter().enumerate() {
            if !byte.is_ascii_alphanumeric() {
                before = None;
                continue;
            }
            let next = name.get(at + 1);
            let begins = match before {
                None => true,
                Some(_) if !byte.is_ascii_uppercase() => false,
                Some(b) if b.is_ascii_uppercase() => next.is_some_and(u8::is_ascii_lowercase),
                Some(_) => true,
            };
            if begins {
                self.words.push(self.text.len());
            }
            self.text.push(byte.to_ascii_lowercase().into());
            before = Some(byte);
        }
    }

    fn has_word(&self, word: &str) -> bool {
        self.parts().any(|part| part == word)
    }

    fn parts(&self) -> impl Iterator<Item = &str> {
        self.words.iter().enumerate().map(|(n, &start)| {
            let end = self.words.get(n + 1).copied().unwrap_or(self.text.len());
            &self.text[start..end]
        })
    }
}

/// A pattern for keys: exact, `*end` or `begin*`, where `-` next to the star asks for a boundary.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Pattern {
    Exact(String),
    Ends { text: String, at_word: bool },
    Begins { text: String, at_word: bool },
}

impl Pattern {
    fn new(text: &str) -> Self {
        if let Some(rest) = text.strip_prefix('*') {
            return Self::Ends {
                text: Folded::new(rest).text,
                at_word: rest.starts_with('-'),
            };
        }
        if let Some(rest) = text.strip_suffix('*') {
            return Self::Begins {
                text: Folded::new(rest).text,
                at_word: rest.ends_with('-'),
            };
        }
        Self::Exact(Folded::new(text).text)
    }

    /// Whether a star pattern fits.
    fn fits(&self, key: &Folded) -> bool {
        match self {
            Self::Exact(text) => key.text == *text,
            Self::Ends { text, at_word } => {
                key.text.len() > text.len()
                    && key.text.ends_with(text.as_str())
                    && (!at_word || key.words.contains(&(key.text.len() - text.len())))
            }
            Self::Begins { text, at_word } => {
                key.text.len() > text.len()
                    && key.text.starts_with(text.as_str())
                    && (!at_word || key.words.contains(&text.len()))
            }
        }
    }

    fn len(&self) -> usize {
        match self {
            Self::Exact(text) | Self::Ends { text, .. } | Self::Begins { text, .. } => text.len(),
        }
    }
}

/// Words of a table's string.
fn split(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_fold_into_words() {
        for (name, want) in [
            ("DocumentRoot", vec!["document", "root"]),
            ("pid-file", vec!["pid", "file"]),
            (
                "SSLCertificateKeyFile",
                vec!["ssl", "certificate", "key", "file"],
            ),
            ("log_file_2", vec!["log", "file", "2"]),
            ("datadir", vec!["datadir"]),
        ] {
            let folded = Folded::new(name);
            assert_eq!(folded.parts().collect::<Vec<_>>(), want);
            assert_eq!(folded.text, want.concat());
        }
    }

    proptest::proptest! {
        #[test]
        fn names_of_ascii_fold_as_others_do(name in "[ -~]{0,20}") {
            let mut folded = Folded::default();
            folded.append_chars(&name);
            proptest::prop_assert_eq!(Folded::new(&name), folded);
        }
    }

    #[test]
    #[expect(
        clippy::disallowed_methods,
        reason = "a file of this repository, and none that is audited"
    )]
    fn the_tables_in_the_program_are_those_of_the_files() {
        for (name, text) in KNOWLEDGE {
            let file = format!("{}/rules/knowledge/{name}.toml", env!("CARGO_MANIFEST_DIR"));
            let file = std::fs::read_to_string(file).unwrap();
            let want: serde_json::Value = toml::from_str(&file).unwrap();
            let have: serde_json::Value = serde_json::from_str(text).unwrap();
            assert_eq!(have, want, "{name}");
        }
        assert!(KNOWLEDGE.len() >= 10);
    }

    #[test]
    fn a_star_next_to_a_hyphen_asks_for_a_boundary() {
        let at_word = Pattern::new("*-log");
        assert!(at_word.fits(&Folded::new("slow_log")));
        assert!(at_word.fits(&Folded::new("slowLog")));
        assert!(!at_word.fits(&Folded::new("catalog")));
        assert!(Pattern::new("*log").fits(&Folded::new("catalog")));
        assert!(Pattern::new("part-*").fits(&Folded::new("part-a")));
        assert!(!Pattern::new("part-*").fits(&Folded::new("partner")));
    }
}
