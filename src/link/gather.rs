//! Everything that is seen of the application: its own files, and what they refer to.

use rayon::prelude::*;

use super::host::Host;
use super::packages::Stage;
use super::reach;
use super::read::{self, Made};
use super::scope::Scope;
use super::sourced;
use crate::extract;
use crate::fact::{Fact, Issue, Kind};
use crate::path::AppPath;
use crate::tree::{Entry, Limits, Progress, Root, walk};

/// What was seen.
#[derive(Debug, Default)]
pub struct Seen {
    /// The entries of the scope and its reach, in order of path.
    pub entries: Vec<Entry>,
    /// Facts, in no order yet.
    pub facts: Vec<Fact>,
    /// Issues.
    pub issues: Vec<Issue>,
    /// Files whose content was read.
    pub read: u64,
    /// Files whose content could not be read.
    pub unread: u64,
}

impl Seen {
    /// Adds an entry with what came of it.
    pub(super) fn add(&mut self, entry: Entry, made: Made) {
        self.note(made);
        self.entries.push(entry);
    }

    fn note(&mut self, made: Made) {
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
    // Most entries say nothing, and there may be millions.
    let walked = walk(root, &scope.dirs, &limits, progress, &|visit| {
        let made = read::visit(visit, progress);
        let is_silent = made.out.facts.is_empty() && made.out.issues.is_empty();
        (made.read, (!is_silent).then(|| Box::new(made.out)))
    });
    seen.issues.extend(walked.issues);
    let entries = walked.entries.into_iter().map(|(entry, (read, out))| {
        let out = out.map(|out| *out).unwrap_or_default();
        seen.note(Made { out, read });
        entry
    });
    seen.entries = entries.collect();
    let apart: Vec<&AppPath> = scope
        .files
        .iter()
        .filter(|file| !scope.dirs.iter().any(|dir| file.is_within(dir)))
        .collect();
    for (entry, made) in read_files(root, &apart, progress) {
        seen.add(entry, made);
    }
    installation_scripts(root, host, scope, &mut seen);
    reach::reach(root, host, scope, &mut seen, progress);
    sourced::again(root, &mut seen);
    seen.entries.sort();
    seen.entries.dedup_by(|a, b| a.path == b.path);
    seen
}

/// What the packages' own scripts did when they were installed.
fn installation_scripts(root: &Root, host: &Host, scope: &Scope, seen: &mut Seen) {
    for package in &scope.packages {
        for script in host.packages.scripts(package, root) {
            if !matches!(
                script.stage,
                Stage::Preinst | Stage::Postinst | Stage::Config
            ) {
                continue;
            }
            let out = extract::installation_script(&script.at, &script.text);
            seen.facts.extend(out.facts);
            seen.issues.extend(out.issues);
        }
    }
}

/// Reads single files, in parallel; those that are gone are left out.
pub(super) fn read_files(
    root: &Root,
    files: &[&AppPath],
    progress: &Progress,
) -> Vec<(Entry, Made)> {
    files
        .par_iter()
        .filter_map(|path| {
            let node = root.lookup(path.as_bytes()).ok()?;
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
        })
        .collect()
}
