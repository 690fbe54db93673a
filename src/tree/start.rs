//! Where a walk begins: the paths that were named, with the links on the way resolved.

use std::collections::BTreeSet;

use super::root::{LookupError, Root};
use super::walk::{Limits, issue};
use crate::fact::{Issue, IssueKind, Kind, Stat};
use crate::path::AppPath;

/// What was named, as the disk has it.
#[derive(Debug, Default)]
pub(super) struct Starts {
    /// Where to begin: no entry below one of them is reached from another.
    pub(super) outermost: Vec<(AppPath, Stat)>,
    /// Everything that was named, by its real path.
    pub(super) named: BTreeSet<AppPath>,
    /// Those that are links, by the place where the link is.
    pub(super) links: Vec<(AppPath, Stat)>,
}

impl Starts {
    /// Looks up `paths`; what leads nowhere is an issue.
    pub(super) fn new(root: &Root, paths: &[AppPath], limits: &Limits) -> (Self, Vec<Issue>) {
        let mut starts = Self::default();
        let mut issues = Vec::new();
        let mut real = Vec::new();
        for path in paths {
            let own = root.lookup(path.as_bytes());
            let link = own.ok().filter(|node| node.stat.kind == Kind::Link);
            match root.resolve(path.as_bytes()) {
                Ok(node) => real.push((node.real, node.stat)),
                Err(LookupError::Absent) if link.is_some() => {
                    let message = "a link to what is not there";
                    issues.push(issue(path, IssueKind::BadLink, message));
                }
                Err(error) => issues.push(issue(path, error.issue_kind(), &error.to_string())),
            }
            starts.links.extend(link.map(|node| (node.real, node.stat)));
        }
        starts.links.sort();
        starts.links.dedup_by(|a, b| a.0 == b.0);
        real.sort();
        for (path, stat) in real {
            if !starts.named.insert(path.clone()) {
                continue;
            }
            // A start is reached from another unless what was excluded, or is never entered, lies
            // between them.
            let reached = starts
                .outermost
                .iter()
                .any(|(outer, _)| path.is_within(outer) && !is_parted(root, outer, &path, limits));
            if !reached {
                starts.outermost.push((path, stat));
            }
        }
        (starts, issues)
    }
}

/// Whether a walk from `outer` would not come to `inner`, for something on the way that it does not
/// enter.
fn is_parted(root: &Root, outer: &AppPath, inner: &AppPath, limits: &Limits) -> bool {
    let device = |path: &AppPath| root.lookup(path.as_bytes()).map(|node| node.stat.id.0);
    let Ok(start) = root.lookup(outer.as_bytes()) else {
        return true;
    };
    if root.refusal_of_start(&start.stat).is_some() {
        return true;
    }
    let mut parent = start.stat.id.0;
    for depth in outer.depth()..inner.depth() {
        let path = inner.prefix(depth);
        let Ok(here) = device(&path) else {
            return true;
        };
        let refused = root.mounts.refusal(here, parent, limits.all_filesystems);
        if refused.is_some() || limits.exclude.contains(&path) {
            return true;
        }
        parent = here;
    }
    false
}
