//! Which mount a path needs: the smallest directory that can become one without hiding code and
//! without taking in what belongs to others.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::inventory::Inventory;
use crate::fact::{Access, Class, Kind, Stat};
use crate::knowledge;
use crate::knowledge::places;
use crate::link::scope::Scope;
use crate::path::AppPath;
use crate::tree::Root;

/// Names of one directory: the one that leads, and the one that is meant (FHS 3.0, 3.15 and 5.13;
/// systemd.exec(5), `RuntimeDirectory=`, has the directories of a dynamic user in `private` and a
/// link of the name that the service uses).
const SAME: &[(&str, &str)] = &[
    ("/var/run", "/run"),
    ("/var/lock", "/run/lock"),
    ("/var/lib/private", "/var/lib"),
    ("/var/cache/private", "/var/cache"),
    ("/var/log/private", "/var/log"),
    ("/run/private", "/run"),
];

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

/// A path that needs a mount.
pub(super) struct Wanted<'a> {
    /// The path.
    pub(super) path: &'a AppPath,
    /// What it is, where that is known.
    pub(super) kind: Option<Kind>,
    /// Whether it is written.
    pub(super) access: Access,
    /// Whether what looks like code in it was made by the application.
    pub(super) generated: bool,
    /// Whether whoever makes it replaces it by a file of another name (rename(2)).
    pub(super) replaced: bool,
}

/// What decides how far a mount may reach.
pub(super) struct Surroundings<'a> {
    pub(super) root: &'a Root,
    pub(super) scope: &'a Scope,
    pub(super) inventory: &'a Inventory<'a>,
    /// Every path that the application names.
    pub(super) named: BTreeSet<&'a AppPath>,
    /// The names and owners in directories outside the walk.
    pub(super) listed: RefCell<BTreeMap<AppPath, Rc<[Sibling]>>>,
}

/// An entry of a directory.
pub(super) struct Sibling {
    name: Vec<u8>,
    uid: u32,
    kind: Kind,
    is_executable: bool,
}

/// Shared, and yet mounted whole: scratch space, which a container has for itself, and mailboxes,
/// where users come and go.
const WHOLE: &[&str] = &["/tmp", "/var/tmp", "/dev/shm", "/var/mail"];

/// Places where the first component belongs to one application by the hierarchy's own rules (FHS
/// 3.0, 3.7, 3.15 and chapter 5). Elsewhere a directory is whatever an administrator made of it.
const ASSIGNED: &[&str] = &["/etc", "/run", "/usr", "/var"];

/// Below these, and yet an administrator's own.
const UNASSIGNED: &[&str] = &["/usr/local", "/var/www", "/var/local"];

/// Names that a filesystem or a snapshot tool keeps in a directory beside what others keep there.
const NOBODYS: &[&[u8]] = &[b"lost+found", b".snapshot", b".snapshots", b".zfs"];

/// How many entries of one directory are looked at; a larger one is never taken in unseen.
const SIBLINGS: usize = 4096;

impl Surroundings<'_> {
    /// The mount for a path.
    pub(super) fn mount_of(&self, wanted: &Wanted<'_>) -> Option<AppPath> {
        let prefix = self.scope.in_prefix(wanted.path);
        let point = match prefix {
            Some(prefix) => self.in_prefix(prefix, wanted),
            None => self.outside(wanted),
        }?;
        // Nothing can be mounted over a name that is made up at run time.
        let says_nothing = !point.name().iter().any(u8::is_ascii_alphanumeric);
        if point.is_pattern() && (prefix.is_some() || says_nothing) {
            return None;
        }
        let is_file = self.kind(wanted) != Some(Kind::Dir) && point == *wanted.path;
        if !(wanted.replaced && is_file) {
            return Some(point);
        }
        // rename(2) over a mount fails with EBUSY: the directory has to be one.
        let dir = point.parent().filter(|dir| match prefix {
            Some(prefix) => dir.is_below(prefix) && !self.inventory.holds_code(dir),
            None => !knowledge::is_shared_dir(dir) && self.takes_in(dir, wanted),
        });
        Some(dir.unwrap_or(point))
    }

    fn kind(&self, wanted: &Wanted<'_>) -> Option<Kind> {
        let seen = self.inventory.get(wanted.path).and_then(|sum| sum.stat);
        seen.map(|stat| stat.kind).or(wanted.kind)
    }

    /// The first component below a directory that many applications share, or as far below it as
    /// what belongs to others, and code, asks for.
    fn outside(&self, wanted: &Wanted<'_>) -> Option<AppPath> {
        let path = wanted.path;
        let whole = WHOLE
            .iter()
            .map(AppPath::new)
            .find(|dir| path.is_within(dir));
        if whole.is_some() {
            return whole;
        }
        let top =
            (1..=path.depth()).find(|depth| !knowledge::is_shared_dir(&path.prefix(*depth)))?;
        let above = (top..path.depth()).rev();
        let taken = above.take_while(|depth| self.takes_in(&path.prefix(*depth), wanted));
        let depth = taken.last().unwrap_or(path.depth());
        Some(path.prefix(depth))
    }

    /// Whether the mount for a path may be the directory `dir` above it.
    fn takes_in(&self, dir: &AppPath, wanted: &Wanted<'_>) -> bool {
        let path = wanted.path;
        let child = path.prefix(dir.depth() + 1);
        let is_named = self.named.contains(dir);
        let is_assigned = ASSIGNED.iter().any(|top| dir.is_below(&AppPath::new(top)))
            && !UNASSIGNED
                .iter()
                .any(|top| dir.is_within(&AppPath::new(top)));
        let prefixes = &self.scope.prefixes;
        let holds_code = prefixes.iter().any(|prefix| prefix.is_below(dir))
            || !is_assigned && self.inventory.holds_code(dir);
        if holds_code {
            return false;
        }
        if is_assigned {
            return true;
        }
        if dir.depth() < 2 && !is_named {
            return false;
        }
        let siblings = self.siblings(dir);
        let Some(siblings) = siblings.as_deref() else {
            // Nothing is there yet: the directory of a file that will be made is its place.
            return is_named || child == *path && wanted.kind != Some(Kind::Dir);
        };
        let own = siblings.iter().find(|other| other.name == child.name());
        // The directory of a written file is its place: what belongs with it is made beside it.
        let is_made_there = wanted.access == Access::Rw
            && child == *path
            && own.map_or(wanted.kind != Some(Kind::Dir), |own| own.kind == Kind::File);
        siblings.iter().all(|other| {
            let is_own = other.name == child.name() || NOBODYS.contains(&other.name.as_slice());
            let is_alike = own.is_none_or(|own| own.uid == other.uid);
            let is_code = other.is_executable
                || other.kind == Kind::File && places::is_code_name(&other.name);
            let is_settings = wanted.access == Access::Ro && places::is_settings_name(&other.name);
            let is_known =
                is_named || is_settings || is_made_there || self.is_named(&dir.child(&other.name));
            is_own || is_alike && !is_code && is_known
        })
    }

    /// Whether the application names a path, or something below it.
    fn is_named(&self, path: &AppPath) -> bool {
        let mut from = self.named.range::<AppPath, _>(path..);
        from.next().is_some_and(|named| named.is_within(path))
    }

    /// What is in a directory; nothing when it is not there, or too much.
    fn siblings(&self, dir: &AppPath) -> Option<Rc<[Sibling]>> {
        if let Some(known) = self.listed.borrow().get(dir) {
            return Some(Rc::clone(known)).filter(|known| !known.is_empty());
        }
        let there = self.root.list(dir.as_bytes()).unwrap_or_default();
        let sibling = |(name, stat): (Vec<u8>, Stat)| Sibling {
            name,
            uid: stat.uid,
            kind: stat.kind,
            is_executable: stat.kind == Kind::File && stat.mode & 0o111 != 0,
        };
        let is_too_much = there.len() > SIBLINGS;
        let mut found: Vec<Sibling> = there.into_iter().take(SIBLINGS).map(sibling).collect();
        if is_too_much {
            // Whose the rest is nobody looked at.
            found.extend(found.first().map(|first| Sibling {
                name: Vec::new(),
                uid: first.uid.wrapping_add(1),
                kind: Kind::File,
                is_executable: true,
            }));
        }
        let found: Rc<[Sibling]> = found.into();
        let mut listed = self.listed.borrow_mut();
        listed.insert(dir.clone(), Rc::clone(&found));
        Some(found).filter(|found| !found.is_empty())
    }

    /// Climbs from a path while the directory above holds no code, is not the prefix itself, and
    /// while settings stay apart from state.
    fn in_prefix(&self, prefix: &AppPath, wanted: &Wanted<'_>) -> Option<AppPath> {
        let (path, inventory) = (wanted.path, self.inventory);
        if path == prefix {
            return None;
        }
        let kind = self.kind(wanted);
        let mut point = path.clone();
        let is_settings = |dir: &AppPath| places::class_of_name(dir.name()) == Some(Class::Config);
        let holds_code = |dir: &AppPath| match is_settings(dir) {
            true => inventory.holds_programs(dir),
            false => inventory.holds_code(dir),
        };
        let hides_code = |dir: &AppPath| holds_code(dir) && !inventory.is_kept(dir);
        if kind == Some(Kind::Dir) && hides_code(path) && !wanted.generated {
            return None;
        }
        while let Some(above) = point.parent() {
            let is_there = inventory.get(&above).is_some();
            // Of what is only read the file alone is mounted, but for a directory of settings.
            let is_of_readers =
                wanted.access == Access::Ro && !is_settings(&above) && !self.named.contains(&above);
            if !above.is_below(prefix)
                || hides_code(&above)
                || (is_settings(&point) && is_there)
                || inventory.is_kept(&point)
                || is_of_readers
                || self.holds_settings(&above, &point)
            {
                break;
            }
            point = above;
        }
        Some(point)
    }

    /// Whether a directory of settings is beside `point`: state that is written does not take it in.
    fn holds_settings(&self, dir: &AppPath, point: &AppPath) -> bool {
        !self.named.contains(dir)
            && self.inventory.children(dir).any(|child| {
                child.kind() == Some(Kind::Dir)
                    && child.name != point.name()
                    && places::class_of_name(child.name) == Some(Class::Config)
            })
    }
}
