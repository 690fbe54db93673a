//! Everything that is seen of the application: its own files, and what they refer to.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};

use super::enabled_files;
use super::host::Host;
use super::listens;
use super::named;
use super::packages::Stage;
use super::reach;
use super::read::{self, Made};
use super::scope::Scope;
use super::share::heaviest_first;
use super::sourced;
use super::starts;
use crate::extract::{self, Out};
use crate::fact::{Fact, Issue, Kind};
use crate::path::AppPath;
use crate::tree::{Entries, Entry, Limits, Progress, Root, walk};

/// What was seen.
#[derive(Debug, Default)]
pub struct Seen {
    /// The entries of the scope and its reach.
    pub entries: Entries,
    /// Facts, in no order yet.
    pub facts: Vec<Fact>,
    /// Issues.
    pub issues: Vec<Issue>,
    /// What the packages tell of their files, and what could not be read of them.
    pub owned: (Vec<Fact>, Vec<Issue>),
    /// Files whose content was read.
    pub read: u64,
    /// Files whose content could not be read.
    pub unread: u64,
    /// The programs that were followed from their start.
    pub followed: super::follow::Followed,
}

impl Seen {
    /// Adds an entry with what came of it.
    pub(super) fn add(&mut self, entry: &Entry, made: Made) {
        self.entries.push(&entry.path, &entry.stat);
        self.facts.extend(made.out.facts);
        self.issues.extend(made.out.issues);
        match made.read {
            Some(true) => self.read += 1,
            Some(false) => self.unread += 1,
            None => {}
        }
    }
}

/// Reads the scope, then what it refers to.
pub fn gather(
    root: &Root,
    host: &Host,
    scope: &Scope,
    limits: &Limits,
    progress: &Progress,
) -> Seen {
    let mut seen = Seen::default();
    let limits = read::limits(limits);
    let (read, unread) = (AtomicU64::new(0), AtomicU64::new(0));
    let apart: Vec<&AppPath> = scope
        .files
        .iter()
        .filter(|file| !scope.dirs.iter().any(|dir| file.is_within(dir)))
        .collect();
    // Most entries say nothing, and there may be millions.
    let walk = || {
        walk(root, &scope.dirs, &limits, progress, &|visit| {
            let made = read::visit(visit, progress);
            match made.read {
                Some(true) => read.fetch_add(1, Ordering::Relaxed),
                Some(false) => unread.fetch_add(1, Ordering::Relaxed),
                None => 0,
            };
            Some(made.out).filter(Out::tells)
        })
    };
    let packages = || {
        rayon::join(
            || installation_scripts(root, host, scope),
            || host.packages.facts(&scope.packages, root),
        )
    };
    let (walked, (files, (scripts, owned))) = rayon::join(walk, || {
        rayon::join(|| read_files(root, &apart, progress), packages)
    });
    seen.entries = walked.entries;
    seen.issues.extend(walked.issues);
    for (_, out) in walked.made {
        seen.facts.extend(out.facts);
        seen.issues.extend(out.issues);
    }
    seen.read += read.into_inner();
    seen.unread += unread.into_inner();
    seen.owned = owned;
    for (entry, made) in files {
        seen.add(&entry, made);
    }
    seen.facts.extend(scripts.facts);
    seen.issues.extend(scripts.issues);
    reach::reach(root, host, scope, &mut seen, progress);
    sourced::again(root, scope, &mut seen);
    enabled_files::settle(root, &mut seen.facts);
    started(root, host, scope, &mut seen);
    named::settle(root, host, scope, &mut seen.facts);
    seen.entries.settle();
    #[cfg(feature = "scripting")]
    super::follow::follow(root, host, scope, &mut seen);
    listens::settle(root, scope, &seen.followed, &mut seen.facts);
    seen.entries.settle();
    seen
}

/// Starters of the scope itself, and those of the system whose text was read again.
fn started(root: &Root, host: &Host, scope: &Scope, seen: &mut Seen) {
    let files: BTreeSet<&AppPath> = seen.facts.iter().map(|fact| &fact.at.file).collect();
    let (known, new): (Vec<&AppPath>, Vec<&AppPath>) = files
        .into_iter()
        .partition(|file| host.declarations.called(file).is_some());
    let mut called = starts::called(root, &host.accounts, &new);
    for file in known {
        // Of a table of the system only some lines are the application's.
        if let Some(facts) = host.declarations.called(file)
            && (scope.contains(file) || !reach::is_table(file))
        {
            called.insert(file.clone(), facts.to_vec());
        }
    }
    called.extend(starts::managed(root, &host.accounts, &seen.facts));
    starts::settle(&mut seen.facts, &called);
    starts::rank(&mut seen.facts);
    starts::resolve(root, &mut seen.facts);
    starts::at_home(&host.accounts, &mut seen.facts);
    let scripts = starts::scripts(root, &seen.facts);
    seen.facts.extend(scripts);
}

/// What the packages' own scripts did when they were installed.
fn installation_scripts(root: &Root, host: &Host, scope: &Scope) -> Out {
    let mut all = Out::default();
    for package in &scope.packages {
        for script in host.packages.scripts(package, root) {
            if !matches!(
                script.stage,
                Stage::Preinst | Stage::Postinst | Stage::Config
            ) {
                continue;
            }
            let out = extract::installation_script(&script.at, &script.text);
            all.facts.extend(out.facts);
            all.issues.extend(out.issues);
        }
    }
    all
}

/// Reads single files, in parallel; those that are gone are left out.
pub(super) fn read_files(
    root: &Root,
    files: &[&AppPath],
    progress: &Progress,
) -> Vec<(Entry, Made)> {
    let lookup = |path: &&AppPath| root.lookup(path.as_bytes()).ok();
    let size = |path: &&AppPath| lookup(path).map_or(0, |node| node.stat.size);
    let read = |path: &&AppPath| {
        let node = lookup(path)?;
        let target = (node.stat.kind == Kind::Link)
            .then(|| root.link_target(path.as_bytes()).ok())
            .flatten();
        let entry = Entry {
            path: (*path).clone(),
            stat: node.stat,
            target,
        };
        let made = read::entry(&entry, || root.open_file(path.as_bytes()), progress);
        Some((entry, made))
    };
    let made = heaviest_first(files, size, read);
    made.into_iter().flatten().collect()
}
