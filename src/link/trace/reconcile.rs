//! The plan beside what was seen: declared and seen, declared and never seen, seen and never
//! declared.

use std::collections::{BTreeMap, BTreeSet};

use super::{PROGRAMS, Seen, Traced};
use crate::fact::{Access, Source, Touch, What};
use crate::parse::trace::{Form, Log, Trace};
use crate::path::AppPath;
use crate::report::{Mount, PathEntry, TraceForm, TraceLog, TraceRow, TraceUse, TraceView};

/// How many uses stand under a path.
const EVIDENCE: usize = 5;

/// How many rows a list has.
const ROWS: usize = 500;

/// Tells the plan beside the trace. `is_own` tells the paths that are the application's code.
#[must_use]
pub fn reconcile(
    trace: &Trace,
    traced: &Traced,
    paths: &[PathEntry],
    mounts: &[Mount],
    is_own: impl Fn(&AppPath) -> bool,
) -> TraceView {
    let declared = declared(paths);
    let mut view = TraceView {
        logs: trace.logs.iter().map(log).collect(),
        programs: traced.programs.iter().take(PROGRAMS).cloned().collect(),
        others: traced
            .others
            .difference(&traced.programs)
            .take(PROGRAMS)
            .cloned()
            .collect(),
        collapsed: trace.store.collapsed,
        ..TraceView::default()
    };
    let mut by_mount: BTreeMap<&AppPath, Seen> = BTreeMap::new();
    let mut apart: Vec<(&AppPath, &Seen)> = Vec::new();
    for (path, seen) in &traced.seen {
        // The innermost of nested mounts is the one that is used.
        let around = mounts.iter().filter(|mount| path.is_within(&mount.path));
        match around.max_by_key(|mount| mount.path.depth()) {
            Some(mount) => by_mount.entry(&mount.path).or_default().add(seen.clone()),
            None => apart.push((path, seen)),
        }
    }
    for mount in mounts {
        let is_declared = declared.iter().any(|path| path.is_within(&mount.path));
        match (by_mount.remove(&mount.path), is_declared) {
            (Some(seen), true) => view.declared_and_seen.push(row(&mount.path, seen)),
            (Some(seen), false) => view.seen_never_declared.push(row(&mount.path, seen)),
            (None, true) => view.declared_never_seen.push(TraceRow {
                path: mount.path.clone(),
                access: mount.access,
                evidence: Vec::new(),
                more: 0,
            }),
            (None, false) => {}
        }
    }
    for (path, seen) in apart {
        if declared.contains(path) {
            view.declared_and_seen.push(row(path, seen.clone()));
        } else if worth_a_row(path, seen, &is_own) {
            view.seen_never_declared.push(row(path, seen.clone()));
        }
    }
    settle(&mut view);
    view
}

/// Sorts the lists, and cuts them to their length.
fn settle(view: &mut TraceView) {
    let lists = [
        &mut view.declared_and_seen,
        &mut view.declared_never_seen,
        &mut view.seen_never_declared,
    ];
    for list in lists {
        list.sort_by(|a, b| a.path.cmp(&b.path));
        view.left_out += list.len().saturating_sub(ROWS) as u64;
        list.truncate(ROWS);
    }
}

/// The paths that something other than a trace names.
fn declared(paths: &[PathEntry]) -> BTreeSet<&AppPath> {
    let is_trace = |what: &What| {
        matches!(
            what,
            What::Path {
                source: Source::Trace,
                ..
            }
        )
    };
    paths
        .iter()
        .filter(|entry| entry.because.iter().any(|fact| !is_trace(&fact.what)))
        .map(|entry| &entry.path)
        .collect()
}

/// That the application reads, runs or removes what is its own is no news.
fn worth_a_row(path: &AppPath, seen: &Seen, is_own: impl Fn(&AppPath) -> bool) -> bool {
    seen.is_written() || (seen.touch() == Some(Touch::Reads) && !is_own(path))
}

fn row(path: &AppPath, seen: Seen) -> TraceRow {
    let access = if seen.is_written() {
        Access::Rw
    } else {
        Access::Ro
    };
    let mut evidence: Vec<TraceUse> = seen.counted().collect();
    evidence.sort_by(|a, b| {
        let key = |done: &TraceUse| (done.touch.is_write(), done.count);
        key(b).cmp(&key(a)).then_with(|| a.cmp(b))
    });
    let more = evidence.len().saturating_sub(EVIDENCE) as u64;
    evidence.truncate(EVIDENCE);
    TraceRow {
        path: path.clone(),
        access,
        evidence,
        more,
    }
}

fn log(log: &Log) -> TraceLog {
    let tally = &log.tally;
    TraceLog {
        name: log.name.clone(),
        form: match log.form {
            Form::Strace => TraceForm::Strace,
            Form::Audit => TraceForm::Audit,
        },
        lines: tally.lines,
        not_understood: tally.not_understood,
        first_not_understood: tally.examples.clone(),
        processes: tally.processes,
        unplaced: tally.unplaced,
        cut: tally.cut,
        forgotten: tally.forgotten,
    }
}
