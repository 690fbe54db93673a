//! Secrets in what an application keeps outside of its own tree: settings below a mount of state, which
//! nothing names one by one, are read for nothing else.

use crate::extract::{self, HEAD, Input};
use crate::fact::{Class, Fact, Kind};
use crate::knowledge::{self, places};
use crate::parse::read::ReadAt as _;
use crate::path::AppPath;
use crate::report::PathEntry;
use crate::tree::{Limits, Progress, Root, Visit, walk};

use super::scope::Scope;

/// The largest file that is read, in bytes; settings that people write are far smaller.
const LIMIT: u64 = 256 << 10;

/// The secrets in files of the mounts among `paths` that were not read with the application's own.
pub(super) fn facts(root: &Root, scope: &Scope, paths: &[PathEntry], known: &[Fact]) -> Vec<Fact> {
    let is_kept = |class| matches!(class, Class::Config | Class::Data | Class::Secret);
    let starts: Vec<AppPath> = paths
        .iter()
        .filter(|entry| is_kept(entry.class) && entry.mount.as_ref() == Some(&entry.path))
        .filter(|entry| entry.on_disk.is_some())
        .filter(|entry| !scope.dirs.iter().any(|dir| entry.path.is_within(dir)))
        .filter_map(|entry| Some(root.resolve(entry.path.as_bytes()).ok()?.real))
        .collect();
    let limits = Limits {
        keeps: false,
        opens: |path| may_hold(path),
        ..Limits::default()
    };
    let read = |visit: &Visit<'_>| Some(secrets(visit)).filter(|facts| !facts.is_empty());
    let walked = walk(root, &starts, &limits, &Progress::default(), &read);
    let mut found: Vec<Fact> = walked
        .made
        .into_iter()
        .flat_map(|(_, facts)| facts)
        .collect();
    // What refers to a file may have had it read before.
    let told: std::collections::BTreeSet<&AppPath> = known
        .iter()
        .filter(|fact| matches!(fact.what, crate::fact::What::Secret { .. }))
        .map(|fact| &fact.at.file)
        .collect();
    found.retain(|fact| !told.contains(&fact.at.file));
    found
}

/// Whether a name is one of settings or of keys.
fn may_hold(path: &AppPath) -> bool {
    let name = path.name();
    places::is_settings_name(name)
        || places::is_settings_language(name)
        || knowledge::secret_file(name).is_some()
        || name.starts_with(b".env")
        || [&b".xml"[..], b".json", b".pem", b".ldif"]
            .iter()
            .any(|end| name.ends_with(end))
}

fn secrets(visit: &Visit<'_>) -> Vec<Fact> {
    let entry = visit.entry;
    if entry.stat.kind != Kind::File || entry.stat.size > LIMIT || !may_hold(&entry.path) {
        return Vec::new();
    }
    let Ok(file) = visit.open() else {
        return Vec::new();
    };
    let Ok(head) = file.bytes_at(0, HEAD) else {
        return Vec::new();
    };
    let input = Input::new(&entry.path, file.stat(), &head, &file);
    extract::secrets(&input)
}
