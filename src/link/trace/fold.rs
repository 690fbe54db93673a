//! Many names of one directory become one pattern: a cache of a thousand files is one thing to
//! know.

use std::collections::BTreeMap;

use super::Seen;
use crate::knowledge;
use crate::link::scope::Scope;
use crate::path::AppPath;
use crate::report::TraceUse;

/// How many names of a directory stand apart.
const NAMES: usize = 16;

/// Puts `*` for the names in directories that have too many, from the bottom up. What is written
/// stands apart from what is only read.
pub(super) fn fold(seen: BTreeMap<AppPath, Seen>, scope: &Scope) -> BTreeMap<AppPath, Seen> {
    let (written, read) = seen.into_iter().partition(|(_, seen)| seen.is_written());
    let mut all = fold_kind(written, scope);
    for (path, seen) in fold_kind(read, scope) {
        all.entry(path).or_default().add(seen);
    }
    all
}

fn fold_kind(mut seen: BTreeMap<AppPath, Seen>, scope: &Scope) -> BTreeMap<AppPath, Seen> {
    let deepest = seen.keys().map(AppPath::depth).max().unwrap_or_default();
    for depth in (1..deepest).rev() {
        let mut names: BTreeMap<AppPath, usize> = BTreeMap::new();
        let mut last: Option<AppPath> = None;
        // Paths come in order, so that those below one name follow each other.
        for path in seen.keys().filter(|path| path.depth() > depth) {
            let name = path.prefix(depth + 1);
            if last.as_ref() != Some(&name) {
                *names.entry(path.prefix(depth)).or_default() += 1;
                last = Some(name);
            }
        }
        names.retain(|dir, names| *names > NAMES && may_fold(dir, scope));
        if names.is_empty() {
            continue;
        }
        let mut folded: BTreeMap<AppPath, Seen> = BTreeMap::new();
        for (path, mut seen) in seen {
            let dir = path.prefix(depth);
            if path.depth() > depth && names.contains_key(&dir) {
                let many = dir.child(b"*");
                let renamed = |(mut done, count): (TraceUse, u64)| {
                    done.path.clone_from(&many);
                    (done, count)
                };
                let mut uses: BTreeMap<TraceUse, u64> = BTreeMap::new();
                for (done, count) in seen.uses.into_iter().map(renamed) {
                    *uses.entry(done).or_default() += count;
                }
                seen.uses = uses;
                seen.kind = None;
                folded.entry(many).or_default().add(seen);
            } else {
                folded.insert(path, seen);
            }
        }
        seen = folded;
    }
    seen
}

/// A directory of many applications, and the top of this one, keep their names apart.
fn may_fold(dir: &AppPath, scope: &Scope) -> bool {
    let holds_code = scope.prefixes.iter().any(|prefix| prefix.is_within(dir));
    !dir.is_root() && !knowledge::is_shared_dir(dir) && !holds_code
}
