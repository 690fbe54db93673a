//! Which mount a path needs: the smallest directory that can become one without hiding code and
//! without taking in what belongs to others.

use std::collections::BTreeMap;

use super::inventory::Inventory;
use crate::fact::{Class, Kind};
use crate::knowledge;
use crate::knowledge::places;
use crate::link::scope::Scope;
use crate::path::AppPath;
use crate::tree::Root;

/// Names of one directory (FHS 3.0, 3.15 and 5.13): the old one, and the one it leads to.
const SAME: &[(&str, &str)] = &[("/var/run", "/run"), ("/var/lock", "/run/lock")];

/// Paths as they really are inside the root, remembered by directory.
#[derive(Default)]
pub(in crate::link) struct RealPaths {
    dirs: BTreeMap<AppPath, AppPath>,
}

impl RealPaths {
    /// `path` with the links of every directory on the way resolved, as far as they exist. A link
    /// at the very end stands for what it leads to.
    pub(in crate::link) fn get(&mut self, root: &Root, path: &AppPath) -> AppPath {
        if path.is_root() {
            return path.clone();
        }
        if let Some(known) = self.dirs.get(path) {
            return known.clone();
        }
        let real = match root.resolve(path.as_bytes()) {
            Ok(node) => node.real,
            Err(_) => match path.parent() {
                Some(parent) => self.get(root, &parent).join(path.name()),
                None => path.clone(),
            },
        };
        let real = same(&real);
        self.dirs.insert(path.clone(), real.clone());
        real
    }
}

fn same(path: &AppPath) -> AppPath {
    for (old, new) in SAME {
        if let Some(rest) = path.below(&AppPath::new(old)) {
            return AppPath::new(new).join(rest);
        }
    }
    path.clone()
}

/// The mount for `path`, which is of `kind` where that is known. What is `generated` may look like
/// code.
pub(super) fn mount_of(
    scope: &Scope,
    inventory: &Inventory<'_>,
    path: &AppPath,
    kind: Option<Kind>,
    generated: bool,
) -> Option<AppPath> {
    match scope.in_prefix(path) {
        Some(prefix) => in_prefix(inventory, prefix, path, kind, generated),
        None => outside(path),
    }
}

/// Shared, and yet mounted whole: scratch space, which a container has for itself, and mailboxes,
/// where users come and go.
const WHOLE: &[&str] = &["/tmp", "/var/tmp", "/dev/shm", "/var/mail"];

/// The first component below a directory that many applications share.
fn outside(path: &AppPath) -> Option<AppPath> {
    let whole = WHOLE
        .iter()
        .map(AppPath::new)
        .find(|dir| path.is_within(dir));
    if whole.is_some() {
        return whole;
    }
    (1..=path.depth())
        .map(|depth| path.prefix(depth))
        .find(|dir| !knowledge::is_shared_dir(dir))
}

/// Climbs from `path` while the directory above holds no code, is not the prefix itself, and while
/// settings stay apart from state.
fn in_prefix(
    inventory: &Inventory<'_>,
    prefix: &AppPath,
    path: &AppPath,
    kind: Option<Kind>,
    generated: bool,
) -> Option<AppPath> {
    if path == prefix {
        return None;
    }
    let kind = inventory
        .get(path)
        .and_then(|sum| sum.stat)
        .map(|stat| stat.kind)
        .or(kind);
    let mut point = path.clone();
    let named_settings = places::class_of_name(path.name()) == Some(Class::Config);
    let holds_code = inventory.holds_code(path) && !inventory.is_kept(path);
    if kind == Some(Kind::Dir) && holds_code && !named_settings && !generated {
        return None;
    }
    while let Some(above) = point.parent() {
        let settings = places::class_of_name(point.name()) == Some(Class::Config);
        let is_there = inventory.get(&above).is_some();
        let code = inventory.holds_code(&above) && !inventory.is_kept(&above);
        if !above.is_below(prefix) || code || (settings && is_there) || inventory.is_kept(&point) {
            break;
        }
        point = above;
    }
    Some(point)
}
