//! Files that could not be read or understood and that decide something: what the application is started by, and
//! what it is set up with. A single one of them leaves more open than a hundred others.

use std::collections::BTreeSet;

use super::scope::Scope;
use crate::extract::UNREAD_FORM;
use crate::fact::{Class, Fact, Issue, IssueKind, What};
use crate::knowledge::{self, places};
use crate::path::AppPath;
use crate::report::{Gap, GapKind, PathEntry};

/// The gaps among `issues`, in order.
pub(super) fn gaps(
    scope: &Scope,
    facts: &[Fact],
    paths: &[PathEntry],
    issues: &[Issue],
) -> Vec<Gap> {
    let started: BTreeSet<&AppPath> = facts
        .iter()
        .filter_map(|fact| match &fact.what {
            What::Starts { program, .. } => Some(program),
            _ => None,
        })
        .collect();
    let is_settings = |path: &AppPath| {
        let is_told = |entry: &PathEntry| {
            matches!(entry.class, Class::Config | Class::Secret) && path.is_within(&entry.path)
        };
        let is_named =
            places::is_settings_name(path.name()) || knowledge::secret_file(path.name()).is_some();
        let is_own = scope.contains(path) && !places::is_library_place(path);
        paths.iter().any(is_told) || is_own && is_named
    };
    let kind = |path: &AppPath| {
        if started.contains(path) || places::is_integration(path) {
            Some(GapKind::Start)
        } else if is_settings(path) {
            Some(GapKind::Settings)
        } else {
            None
        }
    };
    let unread = issues
        .iter()
        .filter(|issue| issue.kind == IssueKind::Unreadable);
    let gap = |path: &AppPath, kind| Gap {
        path: path.clone(),
        kind,
    };
    let archives = scope
        .archives
        .iter()
        .map(|path| gap(path, GapKind::Archive));
    let absent = scope.absent.iter().map(|path| gap(path, GapKind::Absent));
    let words = facts.iter().flat_map(|fact| match &fact.what {
        What::Starts { program, args, .. } => {
            let words = args.iter().filter_map(AppPath::absolute);
            std::iter::once(program.clone()).chain(words).collect()
        }
        _ => Vec::new(),
    });
    let run: BTreeSet<AppPath> = words.collect();
    let programs = issues
        .iter()
        .filter(|issue| issue.kind == IssueKind::NotUnderstood && run.contains(&issue.at.file))
        .map(|issue| gap(&issue.at.file, GapKind::Program));
    let settings = issues
        .iter()
        .filter(|issue| issue.kind == IssueKind::NotUnderstood)
        .filter(|issue| issue.message == UNREAD_FORM)
        .filter(|issue| !run.contains(&issue.at.file) && is_settings(&issue.at.file))
        .map(|issue| gap(&issue.at.file, GapKind::Settings));
    let found: BTreeSet<Gap> = unread
        .filter_map(|issue| {
            let path = issue.at.file.clone();
            let kind = kind(&path)?;
            Some(Gap { path, kind })
        })
        .chain(archives)
        .chain(absent)
        .chain(programs)
        .chain(settings)
        .collect();
    found.into_iter().collect()
}
