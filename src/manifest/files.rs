//! Files that are to be written: a relative name, bytes and a mode.

use std::collections::BTreeMap;

/// A file that is to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Its content.
    pub bytes: Vec<u8>,
    /// Permission bits.
    pub mode: u32,
}

/// Files by relative name; names are made of letters, digits, `.`, `-`, `_`, `@` and `/` only.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Files(BTreeMap<String, File>);

impl Files {
    /// Adds a file.
    pub fn add(&mut self, name: &str, bytes: Vec<u8>, mode: u32) {
        self.0.insert(name.to_owned(), File { bytes, mode });
    }

    /// Takes in all of `other`.
    pub fn merge(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// The names, in order.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        self.0.keys().cloned().collect()
    }

    /// The file called `name`.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&File> {
        self.0.get(name)
    }

    /// Names and files, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &File)> {
        self.0.iter().map(|(name, file)| (name.as_str(), file))
    }
}
