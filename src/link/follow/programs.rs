//! Reads the programs that are started, and takes what they do for what is known of their files.

use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;

use super::entry::{self, Entry};
use super::files::{Files, Read, Told, Trees};
use super::index::Index;
use super::java::{self, JavaProgram, JavaStart};
use super::settings::Settings;
use crate::extract::{self, Out};
use crate::fact::{Fact, Source, What};
use crate::link::gather::Seen;
use crate::link::host::Host;
use crate::link::scope::Scope;
use crate::path::AppPath;
use crate::tree::Root;

/// How many processes are followed.
const MAX_ENTRIES: usize = 64;

/// Adds what the programs do that are started, and which files they consist of. What is known of these
/// files by themselves gives way: there a default counts though the settings have a value.
pub(in crate::link) fn follow(root: &Root, host: &Host, scope: &Scope, seen: &mut Seen) {
    if scope.dirs.is_empty() {
        return;
    }
    let started = entry::started(root, host, scope, &seen.facts);
    seen.facts.extend(started.kept);
    seen.followed.commands = started.commands;
    let mut entries = started.entries;
    entries.truncate(MAX_ENTRIES);
    let mut java = started.java;
    java.truncate(MAX_ENTRIES);
    if entries.is_empty() && java.is_empty() {
        return;
    }
    let index = Index::new(scope, &seen.entries);
    let settings = Settings::new(root, scope, &seen.entries);
    let mut found: BTreeMap<AppPath, Out> = BTreeMap::new();
    let read = |start: &JavaStart| java::program(root, scope, &settings, start);
    let machines: Vec<JavaProgram> = java.par_iter().with_max_len(1).map(read).collect();
    let mut unknown = started.unknown;
    for (start, program) in java.iter().zip(&machines) {
        // What is started, and was not found, may be any of it.
        if program.scripts.is_empty() {
            let prefixes = start.path.iter().filter_map(|path| scope.in_prefix(path));
            unknown.extend(prefixes.cloned());
        }
    }
    let mut sure: BTreeSet<AppPath> = BTreeSet::new();
    for (path, member, script) in machines.iter().flat_map(|program| &program.scripts) {
        let out = found.entry(path.clone()).or_default();
        sure.insert(path.clone());
        extract::of_program(path, member.as_deref(), script, out);
        let prefix = scope.in_prefix(path).cloned();
        seen.followed.closed.extend(prefix);
    }
    let read = |entry: &Entry| program(root, scope, &index, &settings, entry);
    let programs: Vec<_> = entries.par_iter().with_max_len(1).map(read).collect();
    for (entry, read) in entries.iter().zip(programs) {
        for (path, script) in read.scripts {
            // The port of an application that a server loads is the server's.
            if !entry.served && !read.maybe.contains(&path) {
                sure.insert(path.clone());
            }
            extract::of_program(&path, None, &script, found.entry(path.clone()).or_default());
        }
        let prefixes = entry.files.iter().filter_map(|file| scope.in_prefix(file));
        for prefix in prefixes {
            seen.followed.closed.insert(prefix.clone());
            for ending in read
                .open
                .iter()
                .flat_map(|language| extract::endings(*language))
            {
                let open = (prefix.clone(), ending.to_vec());
                seen.followed.open.insert(open);
            }
        }
    }
    seen.followed
        .closed
        .retain(|prefix| !unknown.contains(prefix));
    let listens = |fact: &Fact| matches!(fact.what, What::Listens { .. });
    let listeners: BTreeSet<AppPath> = found
        .iter()
        .filter(|(_, out)| out.facts.iter().any(listens))
        .map(|(path, _)| path.clone())
        .collect();
    seen.facts.retain(|fact| {
        let is_read_alone = match &fact.what {
            // Whose home a hidden name lies in shows where all is linked, and not from the program.
            What::Path { path, source, .. } => {
                *source == Source::Script && path.components().next() != Some(b"{home}")
            }
            What::Listens { .. } => listeners.contains(&fact.at.file),
            _ => false,
        };
        !(is_read_alone && found.contains_key(&fact.at.file))
    });
    for (path, out) in found {
        if let Ok(node) = root.lookup(path.as_bytes()) {
            seen.entries.push(&path, &node.stat);
        }
        seen.facts.extend(out.facts);
        if !sure.contains(&path) {
            seen.followed.doubtful.insert(path.clone());
        }
        seen.followed.files.insert(path);
    }
}

/// The files of a program, read twice: see [`crate::parse::script::Program`].
fn program(root: &Root, scope: &Scope, index: &Index, settings: &Settings, entry: &Entry) -> Read {
    let trees = Trees::default();
    let files = |told| Files::new(root, scope, index, settings, entry, told, &trees);
    let first = files(Told::default());
    first.read();
    let second = files(first.told());
    second.read();
    second.read_all()
}
