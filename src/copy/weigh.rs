//! The room that a tree takes, by what is really allocated: holes are nothing, and a file with
//! several names counts once.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use super::rows::through;
use super::{Progress, Source};
use crate::fact::Kind;
use crate::tree::{Folder, Item};

/// What a tree takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Weight {
    /// Bytes on the disk.
    pub(super) allocated: u64,
    /// Bytes to read.
    pub(super) content: u64,
    /// Inodes.
    pub(super) inodes: u64,
}

impl Weight {
    fn add(&mut self, other: Self) {
        self.allocated = self.allocated.saturating_add(other.allocated);
        self.content = self.content.saturating_add(other.content);
        self.inodes += other.inodes;
    }

    pub(super) fn of(item: &Item) -> Self {
        let is_file = item.stat.kind == Kind::File;
        Self {
            allocated: item.stat.allocated,
            // A hole is not read.
            content: if is_file {
                item.stat.size.min(item.stat.allocated.max(1))
            } else {
                0
            },
            inodes: 1,
        }
    }
}

/// Weighs everything in a directory; of the old root, only what is copied of it. What cannot be
/// read weighs nothing: the copy tells it.
pub(super) fn weigh(top: Folder, source: Option<&Source<'_>>, progress: &Progress) -> Weight {
    let seen = Mutex::new(BTreeSet::new());
    let is_new = |item: &Item| {
        let has_twins = item.stat.links > 1 && item.stat.kind != Kind::Dir;
        let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
        !has_twins || seen.insert(item.stat.id)
    };
    let visit = |_: &Folder, _: &[u8], path: &[u8], item: &Item| {
        let is_out = source.is_some_and(|source| source.exclude.contains(&source.path(path)));
        if !is_out && is_new(item) {
            Weight::of(item)
        } else {
            Weight::default()
        }
    };
    let enters = |path: &[u8], item: &Item, parent: &Item| {
        source.is_none_or(|source| source.enters(path, item, parent))
    };
    let (found, _) = through(top, &enters, &visit, progress);
    let mut all = Weight::default();
    found.into_iter().for_each(|weight| all.add(weight));
    all
}
