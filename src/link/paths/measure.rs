//! What lies on disk at the mounts: every mount gets an entry of its own, with its owner and size,
//! also where only something below it is named.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};

use super::Ground;
use crate::fact::{Access, Certainty, Class, Kind, Stat};
use crate::knowledge::places;
use crate::path::AppPath;
use crate::report::{OnDisk, PathEntry};
use crate::tree::{Limits, Progress, walk};

/// Adds an entry for each mount that has none, and what is on disk to those that were not walked.
pub(super) fn mounts(ground: &Ground<'_>, mut entries: Vec<PathEntry>) -> Vec<PathEntry> {
    keep_together(&mut entries);
    let mut points: BTreeMap<AppPath, PathEntry> = BTreeMap::new();
    let known: BTreeSet<AppPath> = entries.iter().map(|entry| entry.path.clone()).collect();
    for entry in &entries {
        let Some(point) = entry.mount.as_ref().filter(|point| !known.contains(*point)) else {
            continue;
        };
        let own = points.entry(point.clone()).or_insert_with(|| PathEntry {
            path: point.clone(),
            on_disk: None,
            ..entry.clone()
        });
        own.access = own.access.max(entry.access);
        // In a mixed directory state wins over what could be lost.
        if entry.class == Class::Data {
            own.class = Class::Data;
        }
        own.certainty = own.certainty.max(entry.certainty);
    }
    for (point, mut entry) in points {
        if let Some(class) = ground.class_of_mount(&point) {
            entry.class = class;
        }
        entries.push(entry);
    }
    entries.sort_by(|a, b| a.path.cmp(&b.path));
    let kept = kept(&entries);
    for entry in &mut entries {
        let in_prefix = ground.scope.in_prefix(&entry.path).is_some();
        if in_prefix && entry.class == Class::Runtime && kept.contains(&entry.path) {
            entry.class = Class::Data;
        }
        if entry.mount.as_ref() == Some(&entry.path) && entry.on_disk.is_none() {
            entry.on_disk = on_disk(ground, &entry.path);
        }
    }
    entries
}

/// Settings in a directory of data that is written as a whole are kept with it: who makes such a
/// directory, as an instance or a database is, changes them too, and a mount of their own would forbid
/// it. What is mounted for the process alone keeps nothing.
fn keep_together(entries: &mut [PathEntry]) {
    let is_written = |entry: &&PathEntry| entry.access == Access::Rw && entry.class == Class::Data;
    let written = entries.iter().filter(is_written);
    let whole: BTreeSet<AppPath> = written
        .filter_map(|entry| entry.mount.clone())
        .filter(|point| !point.is_root())
        .collect();
    let settings = entries
        .iter_mut()
        .filter(|entry| entry.class == Class::Config);
    for entry in settings.filter(|entry| entry.access == Access::Ro) {
        let Some(own) = &entry.mount else { continue };
        // The uppermost comes first.
        if let Some(point) = whole.iter().find(|point| own.is_below(point)) {
            entry.mount = Some(point.clone());
        }
    }
}

/// The mounts that hold something below that must outlive the process. In an install prefix `run` is
/// a name like any other, and what is mounted for the process alone is lost with it.
fn kept(entries: &[PathEntry]) -> BTreeSet<AppPath> {
    let must_stay = |entry: &&PathEntry| {
        matches!(entry.class, Class::Data | Class::Config | Class::Secret)
            && entry.certainty > Certainty::Guessed
    };
    let below = entries.iter().filter(must_stay);
    let mounts = below.filter_map(|entry| entry.mount.clone().filter(|point| *point != entry.path));
    mounts.collect()
}

/// Whether a file begins as a program does: a bit that makes data executable says nothing.
fn is_program(ground: &Ground<'_>, path: &AppPath) -> bool {
    let head = ground.root.read(path.as_bytes(), 4);
    head.is_ok_and(|head| head.starts_with(b"\x7fELF") || head.starts_with(b"#!"))
}

/// What is at `path`, counted afresh.
fn on_disk(ground: &Ground<'_>, path: &AppPath) -> Option<OnDisk> {
    let node = ground.root.resolve(path.as_bytes()).ok()?;
    let (files, size, code) = (AtomicU64::new(0), AtomicU64::new(0), AtomicU64::new(0));
    let count = |path: &AppPath, stat: &Stat| {
        if stat.kind == Kind::File {
            files.fetch_add(1, Ordering::Relaxed);
            size.fetch_add(stat.size, Ordering::Relaxed);
            let is_code = places::is_code_name(path.name())
                || stat.mode & 0o111 != 0 && is_program(ground, path);
            code.fetch_add(u64::from(is_code), Ordering::Relaxed);
        }
    };
    if node.stat.kind == Kind::Dir {
        let limits = Limits {
            keeps: false,
            ..Limits::default()
        };
        let start = [node.real.clone()];
        walk(
            ground.root,
            &start,
            &limits,
            &Progress::default(),
            &|visit| {
                count(&visit.entry.path, &visit.entry.stat);
                None::<()>
            },
        );
    } else {
        count(&node.real, &node.stat);
    }
    Some(OnDisk {
        kind: node.stat.kind,
        uid: node.stat.uid,
        gid: node.stat.gid,
        mode: format!("{:04o}", node.stat.mode),
        size_bytes: size.into_inner(),
        files: files.into_inner(),
        code: code.into_inner(),
    })
}
