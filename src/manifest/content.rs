//! The content of configuration files, handed in by whoever has read the disk.

use std::collections::{BTreeMap, BTreeSet};

use crate::path::AppPath;

/// A file's content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// Permission bits.
    pub mode: u32,
    /// Whether it holds a key, password or token; its bytes may then be left out.
    pub is_secret: bool,
}

/// Files by the path at which the application sees them; links already followed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Content {
    /// What was read.
    pub files: BTreeMap<AppPath, Entry>,
    /// What was not, and why.
    pub unread: BTreeMap<AppPath, String>,
    /// Programs that something is to start and that are not in the root, as commands name them.
    pub absent: BTreeSet<String>,
    /// What making an image leaves out and nothing of the plan brings back or names, and why.
    pub left: BTreeMap<AppPath, String>,
}

impl Content {
    /// The files at and below a path, in order.
    pub fn within<'a>(
        &'a self,
        top: &'a AppPath,
    ) -> impl Iterator<Item = (&'a AppPath, &'a Entry)> {
        self.files.iter().filter(|(path, _)| path.is_within(top))
    }
}
