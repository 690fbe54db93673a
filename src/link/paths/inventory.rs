//! What the tree itself holds, summed up for each directory: sizes, owners, code.

use crate::fact::{Class, Kind};
use crate::knowledge;
use crate::path::AppPath;
use crate::report::OnDisk;
use crate::tree::{Basics, Entries, Listed};

/// What lies at a path, and below it where it is a directory.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sum {
    /// What it is, where it was seen itself.
    pub(super) stat: Option<Basics>,
    /// Bytes of all files.
    pub(super) bytes: u64,
    /// Regular files below.
    pub(super) files: u64,
    /// Programs, libraries, static content.
    pub(super) code: u64,
    /// Files and directories below that belong to nobody but root.
    pub(super) roots: u64,
    /// The same of other owners.
    pub(super) others: u64,
}

/// What lies below a directory, as a [`Sum`] has it.
#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    bytes: u64,
    files: u64,
    code: u64,
    roots: u64,
    others: u64,
}

impl From<Counts> for Sum {
    fn from(counts: Counts) -> Self {
        Self {
            stat: None,
            bytes: counts.bytes,
            files: counts.files,
            code: counts.code,
            roots: counts.roots,
            others: counts.others,
        }
    }
}

impl Counts {
    /// Adds an entry of the directory, with all that is below it.
    fn add(&mut self, child: &Sum) {
        self.bytes += child.bytes;
        self.code += child.code;
        self.files += child.files;
        self.roots += child.roots;
        self.others += child.others;
        if let Some(stat) = child.stat {
            self.files += u64::from(stat.kind == Kind::File);
            self.roots += u64::from(stat.uid == 0);
            self.others += u64::from(stat.uid != 0);
        }
    }
}

/// Every entry seen, with the sum of what is below.
#[derive(Debug)]
pub(super) struct Inventory<'a> {
    entries: &'a Entries,
    /// The directories, the last path first.
    folders: Vec<(&'a AppPath, Folder)>,
}

/// A directory, summed up.
#[derive(Debug, Default)]
struct Folder {
    below: Counts,
    /// Whether the entry at each place is a file of code; empty where none is.
    code: Vec<bool>,
}

/// A directory that is gone through.
struct Inside<'a, 'b> {
    dir: &'a AppPath,
    listed: Listed<'a>,
    code: &'b [bool],
}

/// An entry below a directory.
pub(super) struct Below<'a> {
    /// The directory that it is in.
    pub(super) dir: &'a AppPath,
    /// Its name.
    pub(super) name: &'a [u8],
    /// What it is and holds.
    pub(super) sum: Sum,
}

impl Below<'_> {
    /// Its path.
    pub(super) fn path(&self) -> AppPath {
        self.dir.child(self.name)
    }

    /// Its kind, where it was seen itself.
    pub(super) fn kind(&self) -> Option<Kind> {
        self.sum.stat.map(|stat| stat.kind)
    }
}

impl<'a> Inventory<'a> {
    /// Sums up `entries`; `is_program` tells the files that facts know as programs.
    pub(super) fn new(entries: &'a Entries, is_program: impl Fn(&AppPath) -> bool) -> Self {
        let mut inventory = Self {
            entries,
            folders: Vec::with_capacity(entries.folders().count()),
        };
        // A directory sorts before all that is in it: from the end, each is whole when the one
        // above is summed up.
        for (dir, listed) in entries.folders().rev() {
            let mut folder = Folder::default();
            let mut code = Vec::new();
            for (name, stat) in listed.iter() {
                let is_code = stat.is_some_and(|stat| stat.kind == Kind::File) && {
                    let path = dir.child(name);
                    is_program(&path)
                        || knowledge::places::is_code_name(name)
                        || knowledge::places::is_library_place(&path)
                };
                code.push(is_code);
                let sum = inventory.sum(stat, is_code, || dir.child(name));
                folder.below.add(&sum);
            }
            if code.contains(&true) {
                folder.code = code;
            }
            inventory.folders.push((dir, folder));
        }
        inventory
    }

    fn folder(&self, dir: &AppPath) -> Option<&Folder> {
        let at = self.folders.binary_search_by(|(known, _)| dir.cmp(known));
        self.folders.get(at.ok()?).map(|(_, folder)| folder)
    }

    /// What is at a path and below it.
    fn sum(&self, stat: Option<Basics>, is_code: bool, path: impl FnOnce() -> AppPath) -> Sum {
        let file = stat.filter(|stat| stat.kind == Kind::File);
        let mut sum = match file {
            Some(_) => Sum::default(),
            None => {
                let folder = self.folder(&path());
                let below = folder.map(|folder| folder.below);
                Sum::from(below.unwrap_or_default())
            }
        };
        sum.stat = stat;
        if let Some(stat) = file {
            sum.bytes = stat.size;
            sum.code = u64::from(is_code);
        }
        sum
    }

    /// What is known of `path`.
    pub(super) fn get(&self, path: &AppPath) -> Option<Sum> {
        let Some(dir) = path.parent() else {
            let mut sum = Sum::from(self.folder(path)?.below);
            sum.stat = self.entries.get(path);
            return Some(sum);
        };
        let inside = self.enter(&dir)?;
        let at = inside.listed.find(path.name())?;
        self.at(&inside, at).map(|below| below.sum)
    }

    fn enter(&self, dir: &AppPath) -> Option<Inside<'a, '_>> {
        let (dir, listed) = self.entries.folder(dir)?;
        let folder = self.folder(dir)?;
        Some(Inside {
            dir,
            listed,
            code: &folder.code,
        })
    }

    fn at(&self, inside: &Inside<'a, '_>, at: usize) -> Option<Below<'a>> {
        let dir = inside.dir;
        let (name, stat) = inside.listed.get(at)?;
        let is_code = inside.code.get(at).copied().unwrap_or_default();
        let sum = self.sum(stat, is_code, || dir.child(name));
        Some(Below { dir, name, sum })
    }

    /// Whether `path` was seen itself.
    pub(super) fn holds(&self, path: &AppPath) -> bool {
        self.get(path).is_some_and(|sum| sum.stat.is_some())
    }

    /// Whether `path` is a regular file.
    pub(super) fn is_file(&self, path: &AppPath) -> bool {
        let stat = self.get(path).and_then(|sum| sum.stat);
        stat.is_some_and(|stat| stat.kind == Kind::File)
    }

    /// Whether `path` itself is a program or a library.
    pub(super) fn is_program(&self, path: &AppPath) -> bool {
        self.get(path)
            .is_some_and(|sum| sum.code > 0 && sum.stat.is_some_and(|stat| stat.kind == Kind::File))
    }

    /// Whether code lies in the directory `path` or below it.
    pub(super) fn holds_code(&self, path: &AppPath) -> bool {
        self.get(path).is_some_and(|sum| sum.code > 0)
    }

    /// Whether there is a program in the directory `path` or below it: code that nobody writes
    /// settings in.
    pub(super) fn holds_programs(&self, path: &AppPath) -> bool {
        self.holds_code(path)
            && self.below(path).any(|below| {
                let file = below.sum.stat.filter(|stat| stat.kind == Kind::File);
                let is_executable = file.is_some_and(|stat| stat.mode & 0o111 != 0);
                let is_language = knowledge::places::is_settings_language(below.name);
                below.sum.code > 0 && file.is_some() && (is_executable || !is_language)
            })
    }

    /// What is in the directory `dir` itself, in order.
    pub(super) fn children(&self, dir: &AppPath) -> impl Iterator<Item = Below<'a>> {
        let inside = self.enter(dir);
        let mut next = 0;
        std::iter::from_fn(move || {
            let found = self.at(inside.as_ref()?, next);
            next += 1;
            found
        })
    }

    /// Whether the directory `path` is kept by the service: it bears a name of state and belongs to
    /// somebody else than the tree around it. What looks like code in it is then made at run time,
    /// as settings and caches of scripting languages are.
    pub(super) fn is_kept(&self, path: &AppPath) -> bool {
        let owner = |path: &AppPath| {
            let stat = self.get(path)?.stat?;
            (stat.kind == Kind::Dir).then_some(stat.uid)
        };
        let around = path.parent().and_then(|parent| owner(&parent));
        let state = matches!(
            knowledge::places::class_of_name(path.name()),
            Some(Class::Data | Class::Cache | Class::Log | Class::Temp)
        );
        state && owner(path).is_some_and(|uid| uid != 0 && around == Some(0))
    }

    /// Everything strictly below `dir`, in order.
    pub(super) fn below(&self, dir: &AppPath) -> impl Iterator<Item = Below<'a>> {
        let mut way: Vec<(Inside<'a, '_>, usize)> = Vec::new();
        way.extend(self.enter(dir).map(|inside| (inside, 0)));
        std::iter::from_fn(move || {
            loop {
                let (inside, next) = way.last_mut()?;
                let found = self.at(inside, *next);
                *next += 1;
                let Some(found) = found else {
                    way.pop();
                    continue;
                };
                if matches!(found.kind(), None | Some(Kind::Dir)) {
                    let inner = self.enter(&found.path());
                    way.extend(inner.map(|inside| (inside, 0)));
                }
                return Some(found);
            }
        })
    }

    /// The form in which a report shows what is on disk.
    pub(super) fn on_disk(&self, path: &AppPath) -> Option<OnDisk> {
        let sum = self.get(path)?;
        let stat = sum.stat?;
        Some(OnDisk {
            kind: stat.kind,
            uid: stat.uid,
            gid: stat.gid,
            mode: format!("{:04o}", stat.mode),
            size_bytes: sum.bytes,
            files: if stat.kind == Kind::Dir {
                sum.files
            } else {
                u64::from(stat.kind == Kind::File)
            },
            code: sum.code,
        })
    }
}
