//! What the tree itself holds, summed up for each directory: sizes, owners, code.

use std::collections::BTreeMap;

use crate::fact::{Class, Kind, Stat};
use crate::knowledge;
use crate::path::AppPath;
use crate::report::OnDisk;
use crate::tree::Entry;

/// What lies in a directory and below it.
#[derive(Clone, Debug, Default)]
pub(super) struct Sum {
    pub(super) stat: Option<Stat>,
    /// Bytes of all files below.
    pub(super) bytes: u64,
    /// Regular files below.
    pub(super) files: u64,
    /// Programs, libraries, static content below.
    pub(super) code: u64,
    /// Files and directories below that belong to nobody but root.
    pub(super) roots: u64,
    /// The same of other owners.
    pub(super) others: u64,
}

impl Sum {
    /// Adds an entry of the directory, with all that is below it.
    fn add(&mut self, child: &Self) {
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

/// Every entry seen, with the sum of what is below, in order of path.
#[derive(Debug, Default)]
pub(super) struct Inventory {
    sums: Vec<(AppPath, Sum)>,
}

impl Inventory {
    /// Sums up `entries`, which are in order of path; `is_program` tells the files that facts know as
    /// programs.
    pub(super) fn new(entries: &[Entry], is_program: impl Fn(&AppPath) -> bool) -> Self {
        let mut sums = Vec::with_capacity(entries.len());
        // The directories on the way to what was summed up so far, which are not whole yet.
        let mut open: BTreeMap<AppPath, Sum> = BTreeMap::new();
        // A directory sorts before all that is in it: from the end, each is whole when its turn
        // comes, and is added to the one above once.
        for entry in entries.iter().rev() {
            while let Some(above) = open.last_entry().filter(|above| *above.key() > entry.path) {
                let (path, sum) = above.remove_entry();
                close(path, sum, &mut open, &mut sums);
            }
            let mut own = open.remove(&entry.path).unwrap_or_default();
            let stat = entry.stat;
            own.stat = Some(stat);
            if stat.kind == Kind::File {
                own.bytes = stat.size;
                let code = is_program(&entry.path)
                    || knowledge::places::is_code_name(entry.path.name())
                    || knowledge::places::is_library_place(&entry.path);
                own.code = u64::from(code);
            }
            close(entry.path.clone(), own, &mut open, &mut sums);
        }
        while let Some((path, sum)) = open.pop_last() {
            close(path, sum, &mut open, &mut sums);
        }
        sums.reverse();
        Self { sums }
    }

    /// What is known of `path`.
    pub(super) fn get(&self, path: &AppPath) -> Option<&Sum> {
        let at = self.sums.binary_search_by(|(known, _)| known.cmp(path));
        self.sums.get(at.ok()?).map(|(_, sum)| sum)
    }

    /// Whether `path` was seen itself.
    pub(super) fn holds(&self, path: &AppPath) -> bool {
        self.get(path).is_some_and(|sum| sum.stat.is_some())
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
    pub(super) fn below<'a>(
        &'a self,
        dir: &'a AppPath,
    ) -> impl Iterator<Item = (&'a AppPath, &'a Sum)> {
        let begin = self.sums.partition_point(|(path, _)| path <= dir);
        let after = self.sums.get(begin..).unwrap_or_default().iter();
        after
            .map(|(path, sum)| (path, sum))
            .take_while(move |(path, _)| path.is_within(dir))
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
        })
    }
}

/// A path with all that is below it, which is added to the directory above.
fn close(
    path: AppPath,
    sum: Sum,
    open: &mut BTreeMap<AppPath, Sum>,
    sums: &mut Vec<(AppPath, Sum)>,
) {
    if let Some(parent) = path.parent() {
        open.entry(parent).or_default().add(&sum);
    }
    sums.push((path, sum));
}
