//! The parallel walk: every entry below some directories, each visited once, in any order;
//! the outcome is sorted.
//!
//! `walkdir` names every entry by its full path from the top: a directory that is replaced by a
//! link while the walk is on its way would lead it out of the root, and a tree deeper than
//! `PATH_MAX` cannot be entered at all. Here each directory is opened relative to its parent.

use std::cell::Cell;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use rayon::Scope;
use rayon::slice::ParallelSliceMut;
use rustix::io::Errno;

use super::entries::Entries;
use super::file::{File, open_seen};
use super::root::{LookupError, MAX_PATH, Root};
use super::start::Starts;
use super::step::{Cut, MAX_NAMES, Name, names, open_dir_at, read_link, stat_at, stat_of};
use crate::fact::{Issue, IssueKind, Kind, Locus, Stat};
use crate::path::AppPath;

/// How many entries of one directory make a unit of work.
const CHUNK: usize = 128;

/// How many bytes of opened files make a unit of work: what is left of it then is another's.
const HEAVY: u64 = 64 << 10;

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

/// What came of some entries of one directory.
struct Unit<T> {
    stats: Vec<(Box<[u8]>, Stat)>,
    made: Vec<(Entry, T)>,
}

impl<T> Default for Unit<T> {
    fn default() -> Self {
        Self {
            stats: Vec::new(),
            made: Vec::new(),
        }
    }
}

/// An entry while it is visited; [`Visit::open`] opens it.
pub struct Visit<'a> {
    /// The entry.
    pub entry: &'a Entry,
    dir: &'a OwnedFd,
    /// The entry, where it was opened to look at it.
    opened: Cell<Option<File>>,
}

impl Visit<'_> {
    /// Opens the entry, if it is a regular file.
    ///
    /// # Errors
    /// When it cannot be opened, or is no regular file (any more).
    pub fn open(&self) -> Result<File, LookupError> {
        if self.entry.stat.kind != Kind::File {
            return Err(LookupError::Special);
        }
        match self.opened.take() {
            Some(file) => Ok(file),
            None => open_seen(self.dir, self.entry.path.name()),
        }
    }
}

/// What bounds a walk.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Enter other local filesystems that are mounted below; pseudo and network ones never are,
    /// but for a network one that is named as a start.
    pub all_filesystems: bool,
    /// Paths that are not entered.
    pub exclude: Vec<AppPath>,
    /// Which regular files the visit opens: they are looked at when they are open, which saves a
    /// search for the name.
    pub opens: fn(&AppPath) -> bool,
    /// Names of regular files that are passed over unseen, and only counted.
    pub passes: fn(&[u8]) -> bool,
    /// Whether [`Walk::entries`] is wanted: without it a walk takes no more room than its visits do.
    pub keeps: bool,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            all_filesystems: false,
            exclude: Vec::new(),
            opens: |_| false,
            passes: |_| false,
            keeps: true,
        }
    }
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
    /// All entries, where they were to be kept.
    pub entries: Entries,
    /// Those of which the visit made something, with that, in order of path.
    pub made: Vec<(Entry, T)>,
    /// What was not entered.
    pub issues: Vec<Issue>,
    /// How many files were passed over.
    pub passed: u64,
}

/// A directory that is held open, counted so that there are never too many of them.
struct Dir<'a> {
    fd: OwnedFd,
    path: AppPath,
    device: u64,
    open: &'a AtomicUsize,
}

impl Drop for Dir<'_> {
    fn drop(&mut self) {
        self.open.fetch_sub(1, Ordering::Relaxed);
    }
}

struct Shared<'a, T, F> {
    root: &'a Root,
    limits: &'a Limits,
    progress: &'a Progress,
    visit: &'a F,
    starts: Starts,
    /// Directories that are held open, and how many may wait in the queue that way; those beyond
    /// are opened by their path when their turn comes, which takes more steps.
    open: AtomicUsize,
    budget: usize,
    entries: Mutex<Entries>,
    made: Mutex<Vec<(Entry, T)>>,
    issues: Mutex<Vec<Issue>>,
    passed: AtomicU64,
}

/// Walks everything at and below `starts` and visits each entry once, whether or not starts lie
/// within each other. Links on the way to a start are followed: its entries stand under the names
/// they really have; a start that is a link is an entry as well.
pub fn walk<T, F>(
    root: &Root,
    starts: &[AppPath],
    limits: &Limits,
    progress: &Progress,
    visit: &F,
) -> Walk<T>
where
    T: Send,
    F: Fn(&Visit<'_>) -> Option<T> + Sync,
{
    let (starts, issues) = Starts::new(root, starts, limits);
    let shared = Shared {
        root,
        limits,
        progress,
        visit,
        starts,
        open: AtomicUsize::new(0),
        budget: open_budget(),
        entries: Mutex::default(),
        made: Mutex::default(),
        issues: Mutex::new(issues),
        passed: AtomicU64::new(0),
    };
    rayon::scope(|scope| {
        for start in &shared.starts.outermost {
            shared.start(start, scope);
        }
    });
    shared.finish()
}

/// A quarter of the files that the process may have open (getrlimit(2)): the rest is for those
/// that are read meanwhile, and for the caller.
#[must_use]
pub fn open_budget() -> usize {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    let limit = limit.current.unwrap_or(u64::MAX);
    usize::try_from(limit / 4).map_or(4096, |limit| limit.clamp(8, 4096))
}

impl<T, F> Shared<'_, T, F>
where
    T: Send,
    F: Fn(&Visit<'_>) -> Option<T> + Sync,
{
    /// Begins at `start`, whose path is real.
    fn start<'s>(&'s self, start: &'s (AppPath, Stat), scope: &Scope<'s>) {
        let (path, stat) = start;
        let parent = path.parent().unwrap_or_else(AppPath::root);
        match self.root.open_real_dir(&parent) {
            Ok(dir) => self.single(&dir, path, *stat),
            Err(errno) => self.issue(path, errno_kind(errno), &errno.to_string()),
        }
        if stat.kind == Kind::Dir && self.may_enter(path, stat, stat.id.0) {
            scope.spawn(move |scope| self.enter(None, path.clone(), *stat, scope));
        }
    }

    /// Whether the directory is to be entered; if not, for what reason.
    fn may_enter(&self, path: &AppPath, stat: &Stat, parent_device: u64) -> bool {
        if self.limits.exclude.contains(path) {
            return false;
        }
        if path.as_bytes().len() >= MAX_PATH {
            let message = "deeper than a path can be (4,096 bytes): not entered";
            self.issue(path, IssueKind::TooDeep, message);
            return false;
        }
        let mounts = &self.root.mounts;
        let refused = if self.starts.named.contains(path) {
            self.root.refusal_of_start(stat)
        } else {
            mounts.refusal(stat.id.0, parent_device, self.limits.all_filesystems)
        };
        if let Some((kind, message)) = &refused {
            self.issue(path, *kind, message);
        }
        refused.is_none()
    }

    /// Opens the directory `path`, from its parent while that is held open, and reads it.
    fn enter<'s>(
        &'s self,
        parent: Option<Arc<Dir<'s>>>,
        path: AppPath,
        stat: Stat,
        scope: &Scope<'s>,
    ) {
        if self.stopped() {
            return;
        }
        let opened = match &parent {
            Some(parent) => open_dir_at(&parent.fd, path.name()),
            None => self.root.open_real_dir(&path),
        };
        let fd = match opened {
            Ok(fd) => fd,
            Err(errno) => return self.issue(&path, errno_kind(errno), &errno.to_string()),
        };
        // Something may have been mounted or put there since it was looked at. Below a parent
        // that is held another directory of the same filesystem is as good; by path it is not.
        let same = stat_of(&fd)
            .is_ok_and(|now| now.id == stat.id || parent.is_some() && now.id.0 == stat.id.0);
        drop(parent);
        if !same {
            let message = "replaced while the tree was read: not entered";
            return self.issue(&path, IssueKind::Changed, message);
        }
        self.open.fetch_add(1, Ordering::Relaxed);
        let dir = Arc::new(Dir {
            fd,
            path,
            device: stat.id.0,
            open: &self.open,
        });
        self.dir(&dir, scope);
    }

    fn dir<'s>(&'s self, dir: &Arc<Dir<'s>>, scope: &Scope<'s>) {
        let mut found = names(&dir.fd);
        match found.cut {
            Some(Cut::Failed(errno)) => {
                self.issue(&dir.path, errno_kind(errno), &errno.to_string());
            }
            Some(Cut::TooMany) => {
                let message = format!("more than {MAX_NAMES} entries: the rest was not looked at");
                self.issue(&dir.path, IssueKind::LimitReached, &message);
            }
            Some(Cut::Forged) => {
                let message = "a name in it is empty or has a slash: not looked at";
                self.issue(&dir.path, IssueKind::Malformed, message);
            }
            None => {}
        }
        while found.names.len() > CHUNK {
            let rest = found.names.split_off(found.names.len() - CHUNK);
            if self.is_crowded() {
                self.chunk(dir, rest, scope);
            } else {
                let dir = Arc::clone(dir);
                scope.spawn(move |scope| self.chunk(&dir, rest, scope));
            }
        }
        self.chunk(dir, found.names, scope);
    }

    fn chunk<'s>(&'s self, dir: &Arc<Dir<'s>>, names: Vec<Name>, scope: &Scope<'s>) {
        let mut unit = Unit {
            stats: Vec::with_capacity(names.len()),
            made: Vec::new(),
        };
        let mut names = names;
        let mut weight = 0;
        while let Some(Name { name, kind }) = names.pop() {
            let is_file = kind == Some(Kind::File);
            if self.stopped() {
                break;
            }
            if weight >= HEAVY && !names.is_empty() && !self.is_crowded() {
                let rest = names.split_off(names.len() / 2);
                let dir = Arc::clone(dir);
                scope.spawn(move |scope| self.chunk(&dir, rest, scope));
                weight = 0;
            }
            if is_file && (self.limits.passes)(&name) {
                self.passed.fetch_add(1, Ordering::Relaxed);
                continue;
            }
            let path = dir.path.child(&name);
            let opened = (is_file && (self.limits.opens)(&path))
                .then(|| open_seen(&dir.fd, &name).ok())
                .flatten();
            if let Some(file) = opened {
                let stat = *file.stat();
                weight = stat.size.saturating_add(weight);
                self.entry(&dir.fd, path, stat, Some(file), &mut unit);
                continue;
            }
            let stat = match stat_at(&dir.fd, &name) {
                Ok(stat) => stat,
                Err(errno) => {
                    self.issue(&path, errno_kind(errno), &errno.to_string());
                    continue;
                }
            };
            if stat.kind != Kind::Dir {
                self.entry(&dir.fd, path, stat, None, &mut unit);
                continue;
            }
            self.entry(&dir.fd, path.clone(), stat, None, &mut unit);
            if self.may_enter(&path, &stat, dir.device) {
                let parent = (!self.is_crowded()).then(|| Arc::clone(dir));
                scope.spawn(move |scope| self.enter(parent, path, stat, scope));
            }
        }
        self.keep(&dir.path, unit);
    }

    /// Visits an entry that is met outside of its directory.
    fn single(&self, dir: &OwnedFd, path: &AppPath, stat: Stat) {
        let mut unit = Unit::default();
        self.entry(dir, path.clone(), stat, None, &mut unit);
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        entries.push(path, &stat);
        drop(entries);
        self.keep(
            path,
            Unit {
                stats: Vec::new(),
                ..unit
            },
        );
    }

    /// Visits one entry and adds what came of it to `unit`.
    fn entry(
        &self,
        dir: &OwnedFd,
        path: AppPath,
        stat: Stat,
        opened: Option<File>,
        unit: &mut Unit<T>,
    ) {
        self.progress.found.fetch_add(1, Ordering::Relaxed);
        let mut target = None;
        if stat.kind == Kind::Link {
            match read_link(dir, path.name()) {
                Ok(text) => target = Some(text),
                Err(errno) => self.issue(&path, errno_kind(errno), &errno.to_string()),
            }
        }
        let entry = Entry { path, stat, target };
        let outcome = (self.visit)(&Visit {
            entry: &entry,
            dir,
            opened: Cell::new(opened),
        });
        unit.stats.push((Box::from(entry.path.name()), stat));
        unit.made.extend(outcome.map(|outcome| (entry, outcome)));
    }

    /// Keeps what came of a unit of work in a directory: one lock for many entries.
    fn keep(&self, dir: &AppPath, mut unit: Unit<T>) {
        if self.limits.keeps && !unit.stats.is_empty() {
            let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
            let stats = unit.stats.iter();
            entries.extend(dir, stats.map(|(name, stat)| (name.as_ref(), stat)));
        }
        if !unit.made.is_empty() {
            let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
            made.append(&mut unit.made);
        }
    }

    fn issue(&self, path: &AppPath, kind: IssueKind, message: &str) {
        let issue = issue(path, kind, message);
        let mut issues = self.issues.lock().unwrap_or_else(PoisonError::into_inner);
        issues.push(issue);
    }

    fn stopped(&self) -> bool {
        self.progress.stop.load(Ordering::Relaxed)
    }

    fn is_crowded(&self) -> bool {
        self.open.load(Ordering::Relaxed) >= self.budget
    }

    /// Visits the starts that are links and were not met on the way, and sorts.
    fn finish(self) -> Walk<T> {
        if self.stopped() {
            let message = "ended early: what was not yet looked at is missing";
            self.issue(&AppPath::root(), IssueKind::LimitReached, message);
        }
        self.settle();
        for (path, stat) in &self.starts.links {
            let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
            let is_met = entries.contains(path);
            drop(entries);
            let parent = path.parent().unwrap_or_else(AppPath::root);
            match self.root.open_real_dir(&parent) {
                Ok(_) if is_met => {}
                Ok(dir) => self.single(&dir, path, *stat),
                Err(errno) => self.issue(path, errno_kind(errno), &errno.to_string()),
            }
        }
        self.settle();
        let entries = self.entries.into_inner();
        let made = self.made.into_inner();
        let mut made = made.unwrap_or_else(PoisonError::into_inner);
        // A directory that changes while it is read may name an entry twice (readdir(3)).
        made.par_sort_by(|a, b| a.0.path.cmp(&b.0.path));
        made.dedup_by(|a, b| a.0.path == b.0.path);
        let mut issues = self
            .issues
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        issues.sort();
        issues.dedup();
        Walk {
            entries: entries.unwrap_or_else(PoisonError::into_inner),
            made,
            issues,
            passed: self.passed.into_inner(),
        }
    }

    fn settle(&self) {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        entries.settle();
    }
}

pub(super) fn issue(path: &AppPath, kind: IssueKind, message: &str) -> Issue {
    Issue {
        at: Locus::file(path),
        kind,
        message: message.to_owned(),
    }
}

pub(super) fn errno_kind(errno: Errno) -> IssueKind {
    match errno {
        // EINVAL: what was a link is none any more (readlink(2)).
        Errno::NOENT | Errno::NOTDIR | Errno::INVAL => IssueKind::Changed,
        Errno::LOOP => IssueKind::BadLink,
        Errno::MFILE | Errno::NFILE | Errno::NOMEM => IssueKind::LimitReached,
        Errno::NAMETOOLONG => IssueKind::TooDeep,
        _ => IssueKind::Unreadable,
    }
}
