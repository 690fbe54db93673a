//! The parallel walk: every entry below some directories, each visited once, in any order;
//! the outcome is sorted.
//!
//! `walkdir` names every entry by its full path from the top: a directory that is replaced by a
//! link while the walk is on its way would lead it out of the root, and a tree deeper than
//! `PATH_MAX` cannot be entered at all. Here each directory is opened relative to its parent.

use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use rayon::Scope;
use rustix::io::Errno;

use super::mounts::{Medium, Mounts};
use super::root::{
    File, LookupError, MAX_PATH, Root, names, open_dir_at, open_regular, read_link, stat_at,
};
use crate::fact::{Issue, IssueKind, Kind, Locus, Stat};
use crate::path::AppPath;

/// How many entries of one directory make a unit of work.
const CHUNK: usize = 128;

/// An entry of the tree.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    /// Its path.
    pub path: AppPath,
    /// What the disk says about it.
    pub stat: Stat,
    /// The text of a symbolic link.
    pub target: Option<Vec<u8>>,
}

/// An entry while it is visited; [`Visit::open`] opens it.
pub struct Visit<'a> {
    /// The entry.
    pub entry: &'a Entry,
    dir: &'a OwnedFd,
}

impl Visit<'_> {
    /// Opens the entry, if it is a regular file.
    ///
    /// # Errors
    /// When it cannot be opened, or is no regular file (any more).
    pub fn open(&self) -> Result<File, LookupError> {
        open_regular(self.dir, self.entry.path.name())
    }
}

/// What bounds a walk.
#[derive(Clone, Debug, Default)]
pub struct Limits {
    /// Enter other local filesystems that are mounted below; pseudo and network ones never are.
    pub all_filesystems: bool,
    /// Paths that are not entered.
    pub exclude: Vec<AppPath>,
}

/// How far a run has come, for a display; and the wish to end it.
#[derive(Debug, Default)]
pub struct Progress {
    /// Entries found.
    pub found: AtomicU64,
    /// Files whose content was read.
    pub read: AtomicU64,
    /// Set to end the walk early.
    pub stop: AtomicBool,
}

/// The outcome of a walk.
#[derive(Debug)]
pub struct Walk<T> {
    /// The entries with what the visit made of them, in order of path.
    pub entries: Vec<(Entry, T)>,
    /// What was not entered.
    pub issues: Vec<Issue>,
}

struct Shared<'a, T, F> {
    limits: &'a Limits,
    progress: &'a Progress,
    mounts: Mounts,
    visit: &'a F,
    entries: Mutex<Vec<(Entry, T)>>,
    issues: Mutex<Vec<Issue>>,
}

/// Walks everything at and below `starts` and visits each entry once.
pub fn walk<T, F>(
    root: &Root,
    starts: &[AppPath],
    limits: &Limits,
    progress: &Progress,
    visit: &F,
) -> Walk<T>
where
    T: Send,
    F: Fn(&Visit<'_>) -> T + Sync,
{
    let shared = Shared {
        limits,
        progress,
        mounts: Mounts::of_this_host(),
        visit,
        entries: Mutex::default(),
        issues: Mutex::default(),
    };
    rayon::scope(|scope| {
        for start in outermost(starts) {
            shared.start(root, &start, scope);
        }
    });
    let into = |poisoned: PoisonError<_>| poisoned.into_inner();
    let mut entries = shared.entries.into_inner().unwrap_or_else(into);
    entries.sort_by(|a: &(Entry, T), b| a.0.path.cmp(&b.0.path));
    entries.dedup_by(|a, b| a.0.path == b.0.path);
    let mut issues = shared
        .issues
        .into_inner()
        .unwrap_or_else(PoisonError::into_inner);
    issues.sort();
    Walk { entries, issues }
}

/// The paths without those that lie within another.
fn outermost(paths: &[AppPath]) -> Vec<AppPath> {
    let mut paths = paths.to_vec();
    paths.sort();
    let mut kept: Vec<AppPath> = Vec::new();
    for path in paths {
        if !kept.last().is_some_and(|last| path.is_within(last)) {
            kept.push(path);
        }
    }
    kept
}

impl<T, F> Shared<'_, T, F>
where
    T: Send,
    F: Fn(&Visit<'_>) -> T + Sync,
{
    /// Begins at `start`, which the user or the scope named: links on the way to it are followed.
    fn start<'s>(&'s self, root: &Root, start: &AppPath, scope: &Scope<'s>) {
        let parent = start.parent().unwrap_or_else(AppPath::root);
        let named = match root.resolve(start.as_bytes()) {
            Ok(node) => node,
            Err(error) => return self.issue(start, kind_of(error), &error.to_string()),
        };
        // A link that was named stands in the report under its own name; its content under the
        // name that it leads to.
        if root
            .lookup(start.as_bytes())
            .is_ok_and(|node| node.stat.kind == Kind::Link)
            && let (Ok((dir, _)), Ok(link)) = (
                root.open_dir(parent.as_bytes()),
                root.lookup(start.as_bytes()),
            )
        {
            self.entry(&dir, start.clone(), link.stat);
        }
        let real_parent = named.real.parent().unwrap_or_else(AppPath::root);
        match root.open_dir(real_parent.as_bytes()) {
            Ok((dir, _)) if named.real.is_root() => {
                self.entry(&dir, named.real.clone(), named.stat);
                self.dir(Arc::new(dir), &named.real, named.stat.id.0, scope);
            }
            Ok((dir, _)) => {
                self.entry(&dir, named.real.clone(), named.stat);
                if named.stat.kind == Kind::Dir {
                    self.enter(
                        &Arc::new(dir),
                        named.real,
                        named.stat,
                        named.stat.id.0,
                        scope,
                    );
                }
            }
            Err(error) => self.issue(&named.real, kind_of(error), &error.to_string()),
        }
    }

    /// Opens the directory `path` of `parent` and reads it, if nothing speaks against it.
    fn enter<'s>(
        &'s self,
        parent: &Arc<OwnedFd>,
        path: AppPath,
        stat: Stat,
        parent_device: u64,
        scope: &Scope<'s>,
    ) {
        if self.limits.exclude.contains(&path) || self.progress.stop.load(Ordering::Relaxed) {
            return;
        }
        if path.as_bytes().len() >= MAX_PATH {
            let message = "deeper than a path can be (4,096 bytes): not entered";
            return self.issue(&path, IssueKind::TooDeep, message);
        }
        if stat.id.0 != parent_device
            && let Some((kind, message)) = self.foreign(stat.id.0)
        {
            return self.issue(&path, kind, &message);
        }
        match open_dir_at(parent, path.name()) {
            Ok(fd) => scope.spawn(move |scope| self.dir(Arc::new(fd), &path, stat.id.0, scope)),
            Err(errno) => self.issue(&path, errno_kind(errno), &errno.to_string()),
        }
    }

    /// Why a directory on another device is not entered, if it is not.
    fn foreign(&self, device: u64) -> Option<(IssueKind, String)> {
        match self.mounts.get(device) {
            Some((kind, Medium::Pseudo | Medium::Network)) => Some((
                IssueKind::PseudoFilesystem,
                format!("{kind} filesystem: not entered"),
            )),
            Some((kind, Medium::Local)) if !self.limits.all_filesystems => Some((
                IssueKind::OtherFilesystem,
                format!("another filesystem ({kind}): not entered; --all-filesystems enters it"),
            )),
            // No mounted filesystem has this number: a subvolume of the same one.
            None if self.mounts.is_known() => None,
            None => Some((
                IssueKind::OtherFilesystem,
                "another filesystem: not entered".into(),
            )),
            Some(_) => None,
        }
    }

    fn dir<'s>(&'s self, fd: Arc<OwnedFd>, path: &AppPath, device: u64, scope: &Scope<'s>) {
        let mut found = match names(&fd) {
            Ok(found) => found,
            Err(errno) => return self.issue(path, errno_kind(errno), &errno.to_string()),
        };
        while found.len() > CHUNK {
            let rest = found.split_off(found.len() - CHUNK);
            let (fd, path) = (Arc::clone(&fd), path.clone());
            scope.spawn(move |scope| self.chunk(&fd, &path, rest, device, scope));
        }
        self.chunk(&fd, path, found, device, scope);
    }

    fn chunk<'s>(
        &'s self,
        fd: &Arc<OwnedFd>,
        dir: &AppPath,
        names: Vec<Vec<u8>>,
        device: u64,
        scope: &Scope<'s>,
    ) {
        if self.progress.stop.load(Ordering::Relaxed) {
            return;
        }
        for name in names {
            let path = dir.join(&name);
            match stat_at(fd, &name) {
                Ok(stat) => {
                    self.entry(fd, path.clone(), stat);
                    if stat.kind == Kind::Dir {
                        self.enter(fd, path, stat, device, scope);
                    }
                }
                Err(errno) => self.issue(&path, errno_kind(errno), &errno.to_string()),
            }
        }
    }

    /// Visits one entry and keeps what came of it.
    fn entry(&self, dir: &OwnedFd, path: AppPath, stat: Stat) {
        self.progress.found.fetch_add(1, Ordering::Relaxed);
        let target = (stat.kind == Kind::Link)
            .then(|| read_link(dir, path.name()).ok())
            .flatten();
        let entry = Entry { path, stat, target };
        let made = (self.visit)(&Visit { entry: &entry, dir });
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        entries.push((entry, made));
    }

    fn issue(&self, path: &AppPath, kind: IssueKind, message: &str) {
        let issue = Issue {
            at: Locus::file(path),
            kind,
            message: message.to_owned(),
        };
        self.issues
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(issue);
    }
}

fn errno_kind(errno: Errno) -> IssueKind {
    match errno {
        Errno::NOENT | Errno::NOTDIR => IssueKind::Changed,
        Errno::LOOP => IssueKind::BadLink,
        Errno::MFILE | Errno::NFILE | Errno::NOMEM => IssueKind::LimitReached,
        Errno::NAMETOOLONG => IssueKind::TooDeep,
        _ => IssueKind::Unreadable,
    }
}

/// The kind of issue that a failed lookup of a named path makes.
pub(super) fn kind_of(error: LookupError) -> IssueKind {
    match error {
        LookupError::Absent | LookupError::NotDirectory => IssueKind::Absent,
        LookupError::Loop => IssueKind::BadLink,
        LookupError::TooLong => IssueKind::TooDeep,
        LookupError::Special => IssueKind::SpecialFile,
        LookupError::Denied => IssueKind::Unreadable,
        LookupError::Other(errno) => errno_kind(errno),
    }
}
