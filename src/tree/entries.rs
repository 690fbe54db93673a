//! Many entries in little room: those of a directory beside each other, each name once.

use std::collections::{BTreeMap, BTreeSet};

use crate::fact::{Kind, Stat};
use crate::path::AppPath;

/// What stays known of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Basics {
    /// Kind.
    pub kind: Kind,
    /// Permission bits with setuid, setgid and sticky (`0o7777`).
    pub mode: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Bytes; for a link the length of its target.
    pub size: u64,
    /// Time of last change of content, in seconds since 1970.
    pub mtime: i64,
}

impl From<&Stat> for Basics {
    fn from(stat: &Stat) -> Self {
        Self {
            kind: stat.kind,
            mode: stat.mode,
            uid: stat.uid,
            gid: stat.gid,
            size: stat.size,
            mtime: stat.mtime,
        }
    }
}

/// Entries of a tree, and the directories that lead to them, which need not have been seen
/// themselves.
#[derive(Debug, Default)]
pub struct Entries {
    folders: BTreeMap<AppPath, Folder>,
    /// The top, where it was seen.
    top: Option<Basics>,
}

/// What was seen in a directory.
#[derive(Debug, Default)]
struct Folder {
    /// The names, one behind another.
    names: Vec<u8>,
    rows: Vec<Row>,
    /// Whether the rows are in order of name, each name once.
    is_settled: bool,
}

/// An entry, in 32 bytes: there may be millions.
#[derive(Clone, Copy, Debug)]
struct Row {
    size: u64,
    mtime: i64,
    uid: u32,
    gid: u32,
    /// Where its name begins, and how long it is.
    name: u32,
    length: u16,
    /// Permission bits, and above them the kind: its place in [`KINDS`] and 1, or 0 for what was not
    /// seen and only leads to other entries.
    mode: u16,
}

/// The kinds, each at the place that a [`Row`] has for it.
const KINDS: [Kind; 7] = [
    Kind::Dir,
    Kind::File,
    Kind::Link,
    Kind::Fifo,
    Kind::Socket,
    Kind::CharDevice,
    Kind::BlockDevice,
];

/// Where the kind begins in the mode of a [`Row`].
const KIND: u32 = 12;

impl Row {
    fn new(basics: Option<Basics>) -> Self {
        let Some(basics) = basics else {
            return Self {
                size: 0,
                mtime: 0,
                uid: 0,
                gid: 0,
                name: 0,
                length: 0,
                mode: 0,
            };
        };
        let kind = KINDS.iter().position(|kind| *kind == basics.kind);
        let kind = kind.map_or(0, |at| at + 1) as u32;
        Self {
            size: basics.size,
            mtime: basics.mtime,
            uid: basics.uid,
            gid: basics.gid,
            name: 0,
            length: 0,
            mode: u16::try_from(kind << KIND | basics.mode & 0o7777).unwrap_or_default(),
        }
    }

    fn basics(&self) -> Option<Basics> {
        let kind = usize::from(self.mode >> KIND).checked_sub(1)?;
        Some(Basics {
            kind: *KINDS.get(kind)?,
            mode: u32::from(self.mode & 0o7777),
            uid: self.uid,
            gid: self.gid,
            size: self.size,
            mtime: self.mtime,
        })
    }

    fn name<'a>(&self, names: &'a [u8]) -> &'a [u8] {
        let from = self.name as usize;
        names
            .get(from..from + usize::from(self.length))
            .unwrap_or_default()
    }
}

impl Folder {
    fn push(&mut self, name: &[u8], basics: Option<Basics>) {
        // More than the names of a directory may ever be long together, and each of them.
        let (Ok(at), Ok(length)) = (u32::try_from(self.names.len()), u16::try_from(name.len()))
        else {
            return;
        };
        self.names.extend_from_slice(name);
        self.rows.push(Row {
            name: at,
            length,
            ..Row::new(basics)
        });
        self.is_settled = false;
    }

    /// Puts the rows into their order. Of several with one name the first that was seen stays.
    fn settle(&mut self) {
        if self.is_settled {
            return;
        }
        let names = &self.names;
        let key = |row: &Row| (row.name(names), row.basics().is_none(), row.name);
        self.rows.sort_unstable_by(|a, b| key(a).cmp(&key(b)));
        self.rows.dedup_by(|a, b| a.name(names) == b.name(names));
        self.rows.shrink_to_fit();
        self.names.shrink_to_fit();
        self.is_settled = true;
    }

    fn find(&self, name: &[u8]) -> Option<usize> {
        let at = |row: &Row| row.name(&self.names).cmp(name);
        self.rows.binary_search_by(at).ok()
    }
}

impl Entries {
    /// Adds an entry; [`Entries::settle`] comes before anything is asked.
    pub fn push(&mut self, path: &AppPath, stat: &Stat) {
        match path.parent() {
            Some(dir) => self
                .folders
                .entry(dir)
                .or_default()
                .push(path.name(), Some(stat.into())),
            None => self.top = self.top.or(Some(stat.into())),
        }
    }

    /// Adds entries of one directory.
    pub(super) fn extend<'a>(
        &mut self,
        dir: &AppPath,
        entries: impl ExactSizeIterator<Item = (&'a [u8], &'a Stat)> + Clone,
    ) {
        if !self.folders.contains_key(dir) {
            self.folders.insert(dir.clone(), Folder::default());
        }
        if let Some(folder) = self.folders.get_mut(dir) {
            // Most directories have few entries and come but once: no more room than that.
            if folder.rows.is_empty() {
                folder.rows.reserve_exact(entries.len());
                let names = entries.clone().map(|(name, _)| name.len());
                folder.names.reserve_exact(names.sum());
            }
            for (name, stat) in entries {
                folder.push(name, Some(stat.into()));
            }
        }
    }

    /// Puts all into order, after entries were added.
    pub fn settle(&mut self) {
        let fresh = self.folders.iter().filter(|(_, folder)| !folder.is_settled);
        let fresh: Vec<AppPath> = fresh.map(|(dir, _)| dir.clone()).collect();
        self.settle_folders();
        let mut led: BTreeSet<AppPath> = BTreeSet::new();
        for mut dir in fresh {
            // The way to a directory that nobody saw.
            while let Some(above) = dir.parent() {
                let folder = self.folders.entry(above.clone()).or_default();
                let is_there = folder.is_settled && folder.find(dir.name()).is_some();
                if is_there || !led.insert(dir.clone()) {
                    break;
                }
                folder.push(dir.name(), None);
                dir = above;
            }
        }
        self.settle_folders();
    }

    fn settle_folders(&mut self) {
        for folder in self.folders.values_mut() {
            folder.settle();
        }
    }

    /// What is known of a path: nothing of one that only leads to others.
    #[must_use]
    pub fn get(&self, path: &AppPath) -> Option<Basics> {
        match path.parent() {
            None => self.top,
            Some(dir) => {
                let folder = self.folders.get(&dir)?;
                folder.rows.get(folder.find(path.name())?)?.basics()
            }
        }
    }

    /// Whether a path was seen.
    #[must_use]
    pub fn contains(&self, path: &AppPath) -> bool {
        self.get(path).is_some()
    }

    /// How many were seen.
    #[must_use]
    pub fn len(&self) -> usize {
        self.basics().count()
    }

    /// Whether none was seen.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What is known of those that were seen.
    pub fn basics(&self) -> impl Iterator<Item = Basics> {
        let rows = self.folders.values().flat_map(|folder| &folder.rows);
        self.top.into_iter().chain(rows.filter_map(Row::basics))
    }

    /// The directories in which something was seen or that lead there, in order of path.
    pub fn folders(&self) -> impl DoubleEndedIterator<Item = (&AppPath, Listed<'_>)> {
        let folders = self.folders.iter();
        folders.map(|(dir, folder)| (dir, Listed(folder)))
    }

    /// What was seen in a directory.
    #[must_use]
    pub fn folder(&self, dir: &AppPath) -> Option<(&AppPath, Listed<'_>)> {
        let (dir, folder) = self.folders.get_key_value(dir)?;
        Some((dir, Listed(folder)))
    }

    /// Those that were seen, in the order of their directories.
    pub fn iter(&self) -> impl Iterator<Item = (AppPath, Basics)> {
        let top = self.top.map(|basics| (AppPath::root(), basics));
        let rest = self.folders.iter().flat_map(|(dir, folder)| {
            let rows = folder.rows.iter();
            rows.filter_map(|row| Some((dir.child(row.name(&folder.names)), row.basics()?)))
        });
        top.into_iter().chain(rest)
    }
}

/// What was seen in a directory, in order of name.
#[derive(Clone, Copy, Debug)]
pub struct Listed<'a>(&'a Folder);

impl<'a> Listed<'a> {
    /// The entry at a place: its name, and what is known of it where it was seen.
    #[must_use]
    pub fn get(self, at: usize) -> Option<(&'a [u8], Option<Basics>)> {
        let row = self.0.rows.get(at)?;
        Some((row.name(&self.0.names), row.basics()))
    }

    /// All of them.
    pub fn iter(self) -> impl Iterator<Item = (&'a [u8], Option<Basics>)> {
        (0..self.0.rows.len()).filter_map(move |at| self.get(at))
    }

    /// The place of a name.
    #[must_use]
    pub fn find(self, name: &[u8]) -> Option<usize> {
        self.0.find(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_found_again_with_the_way_to_them() {
        let mut entries = Entries::default();
        let stat = |size| Stat::regular(size, 0o4755);
        for (path, size) in [
            ("/opt/a/x", 1),
            ("/opt/a/b", 2),
            ("/opt/a/x", 3),
            ("/srv", 4),
        ] {
            entries.push(&AppPath::new(path), &stat(size));
        }
        entries.settle();
        let path = AppPath::new;
        assert_eq!(entries.len(), 3);
        let found = entries.get(&path("/opt/a/x")).unwrap();
        // What was seen first stays.
        assert_eq!(
            (found.size, found.mode, found.kind),
            (1, 0o4755, Kind::File)
        );
        assert!(!entries.contains(&path("/opt/a")));
        assert!(!entries.contains(&path("/opt/a/y")));
        let (_, top) = entries.folder(&AppPath::root()).unwrap();
        let names: Vec<_> = top
            .iter()
            .map(|(name, seen)| (name, seen.is_some()))
            .collect();
        assert_eq!(names, [(&b"opt"[..], false), (b"srv", true)]);
        entries.push(&path("/opt"), &stat(5));
        entries.settle();
        assert!(entries.contains(&path("/opt")));
        assert_eq!(entries.iter().count(), 4);
    }

    #[test]
    fn a_directory_that_nobody_saw_leads_once_to_each_below_it() {
        let mut entries = Entries::default();
        for number in 0..300 {
            let path = AppPath::new(format!("/opt/a/{number}/x"));
            entries.push(&path, &Stat::regular(1, 0o644));
            entries.settle();
        }
        let listed = |dir: &str| {
            let (_, listed) = entries.folder(&AppPath::new(dir)).unwrap();
            listed.iter().count()
        };
        assert_eq!((listed("/"), listed("/opt"), listed("/opt/a")), (1, 1, 300));
        assert_eq!(entries.len(), 300);
    }
}
