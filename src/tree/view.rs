//! A root with its directories listed once: for callers that ask for thousands of paths in a few
//! directories, most of which do not exist, as a loader does.

use std::borrow::Cow;
use std::sync::{Arc, OnceLock};

use super::root::{LookupError, Node, Root};
use super::step::Name;
use crate::fact::{Kind, Stat};
use crate::path::AppPath;

/// The number of symbolic links that one lookup may follow (`path_resolution(7)`).
const MAX_LINKS: usize = 40;

/// `PATH_MAX` of the kernel, and the length of one name (`NAME_MAX`).
const MAX_PATH: usize = 4096;
const MAX_NAME: usize = 255;

/// On whose behalf a path is looked up. Permission bits decide; access control lists do not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Who {
    /// User.
    pub uid: u32,
    /// Groups, the primary one among them.
    pub groups: Vec<u32>,
}

impl Who {
    /// Whether the bits allow it: 4 read, 2 write, 1 execute or search.
    #[must_use]
    pub fn may(&self, stat: &Stat, bits: u32) -> bool {
        let shift = if self.uid == 0 {
            return true;
        } else if self.uid == stat.uid {
            6
        } else if self.groups.contains(&stat.gid) {
            3
        } else {
            0
        };
        (stat.mode >> shift) & bits == bits
    }
}

/// A root with its directories listed once. What is removed or made meanwhile is not noticed.
#[derive(Debug)]
pub struct View<'r> {
    root: &'r Root,
    top: OnceLock<Result<Arc<Folder>, LookupError>>,
}

#[derive(Debug)]
struct Folder {
    real: AppPath,
    stat: Stat,
    /// Nothing when the directory cannot be listed: its entries are then asked for one by one.
    entries: OnceLock<Option<Vec<Slot>>>,
}

#[derive(Debug)]
struct Slot {
    name: Box<[u8]>,
    /// What it is, where the directory says so.
    kind: Option<Kind>,
    stat: OnceLock<Result<Stat, LookupError>>,
    target: OnceLock<Result<Box<[u8]>, LookupError>>,
    folder: OnceLock<Arc<Folder>>,
}

/// A directory that was found, and those that lead to it.
#[derive(Clone, Debug)]
pub struct Dir {
    way: Vec<Arc<Folder>>,
}

impl Dir {
    /// Where it really is.
    #[must_use]
    pub fn real(&self) -> Option<&AppPath> {
        self.way.last().map(|folder| &folder.real)
    }
}

impl<'r> View<'r> {
    /// A view of `root`; nothing is read yet.
    #[must_use]
    pub fn new(root: &'r Root) -> Self {
        Self {
            root,
            top: OnceLock::new(),
        }
    }

    /// The root.
    #[must_use]
    pub fn root(&self) -> &'r Root {
        self.root
    }

    /// Where an absolute path leads when every link is followed, for `who` or for this process.
    ///
    /// # Errors
    /// When it leads nowhere, or `who` may not go there.
    pub fn resolve(&self, path: &[u8], who: Option<&Who>) -> Result<Node, LookupError> {
        let mut way = vec![self.top()?];
        let found = self.go(&mut way, path, who)?;
        found.map_or_else(|| self.here(&way), Ok)
    }

    /// The directory that an absolute path leads to.
    ///
    /// # Errors
    /// As [`View::resolve`], and when it is no directory.
    pub fn dir(&self, path: &[u8], who: Option<&Who>) -> Result<Dir, LookupError> {
        let mut way = vec![self.top()?];
        match self.go(&mut way, path, who)? {
            None => Ok(Dir { way }),
            Some(_) => Err(LookupError::NotDirectory),
        }
    }

    /// What `name` leads to in a directory.
    ///
    /// # Errors
    /// As [`View::resolve`].
    pub fn resolve_in(
        &self,
        dir: &Dir,
        name: &[u8],
        who: Option<&Who>,
    ) -> Result<Node, LookupError> {
        // A name that is not there, as most are, or that is a file's, is answered without a copy.
        if let [.., folder] = dir.way.as_slice()
            && name.len() <= MAX_NAME
            && !name.contains(&b'/')
            && who.is_none_or(|who| who.may(&folder.stat, 1))
            && let Some(slots) = self.slots(folder)
        {
            let slot = find(slots, name).ok_or(LookupError::Absent)?;
            if let Step::Other(node) = self.take(folder, slot)? {
                return Ok(node);
            }
        }
        let mut way = dir.way.clone();
        let found = self.go(&mut way, name, who)?;
        found.map_or_else(|| self.here(&way), Ok)
    }

    /// Whether a directory has an entry of that name, wherever it leads; of one that cannot be
    /// listed, that it may.
    #[must_use]
    pub fn contains(&self, dir: &Dir, name: &[u8]) -> bool {
        let slots = dir.way.last().and_then(|folder| self.slots(folder));
        slots.is_none_or(|slots| find(slots, name).is_some())
    }

    /// The names in a directory, sorted, with their kinds; a link stands for itself.
    #[must_use]
    pub fn names(&self, dir: &Dir) -> Vec<(Vec<u8>, Kind)> {
        let Some(folder) = dir.way.last() else {
            return Vec::new();
        };
        let slots = self.slots(folder).unwrap_or_default().iter();
        let kind = |slot: &Slot| self.kind(folder, slot).ok();
        slots
            .filter_map(|slot| Some((slot.name.to_vec(), kind(slot)?)))
            .collect()
    }

    fn here(&self, way: &[Arc<Folder>]) -> Result<Node, LookupError> {
        let folder = match way.last() {
            Some(folder) => Arc::clone(folder),
            None => self.top()?,
        };
        Ok(Node {
            real: folder.real.clone(),
            stat: folder.stat,
        })
    }

    fn top(&self) -> Result<Arc<Folder>, LookupError> {
        let make = || {
            let node = self.root.lookup(b"/")?;
            Ok(Arc::new(Folder::new(node.real, node.stat)))
        };
        self.top.get_or_init(make).clone()
    }

    fn slots<'f>(&self, folder: &'f Folder) -> Option<&'f [Slot]> {
        let list = || {
            let found = self.root.names(&folder.real).ok()?;
            let slot = |name: Name| Slot::new(name.name, name.kind);
            Some(found.into_iter().map(slot).collect())
        };
        folder.entries.get_or_init(list).as_deref()
    }

    /// Walks `path` from the last directory of `way`, which then leads to the directory reached;
    /// gives what is no directory.
    fn go(
        &self,
        way: &mut Vec<Arc<Folder>>,
        path: &[u8],
        who: Option<&Who>,
    ) -> Result<Option<Node>, LookupError> {
        if path.is_empty() {
            return Err(LookupError::Absent);
        }
        if path.len() >= MAX_PATH {
            return Err(LookupError::TooLong);
        }
        let mut rest = Cow::Borrowed(path);
        let mut at = 0;
        let mut links = 0;
        if rest.starts_with(b"/") {
            way.truncate(1);
        }
        loop {
            let (name, after) = component(&rest, at);
            if name.is_empty() {
                return Ok(None);
            }
            let last = component(&rest, after).0.is_empty() && after >= rest.len();
            at = after;
            let Some(folder) = way.last() else {
                return Err(LookupError::Absent);
            };
            if who.is_some_and(|who| !who.may(&folder.stat, 1)) {
                return Err(LookupError::Denied);
            }
            match name {
                b"." => continue,
                b".." => {
                    way.truncate((way.len() - 1).max(1));
                    continue;
                }
                _ => {}
            }
            match self.step(folder, name)? {
                Step::Dir(folder) => way.push(folder),
                Step::Link(target) => {
                    links += 1;
                    if links > MAX_LINKS {
                        return Err(LookupError::Loop);
                    }
                    if target.starts_with(b"/") {
                        way.truncate(1);
                    }
                    let mut next = target.into_vec();
                    if !last {
                        next.push(b'/');
                        next.extend_from_slice(&rest[at..]);
                    }
                    rest = Cow::Owned(next);
                    at = 0;
                }
                Step::Other(node) if last => return Ok(Some(node)),
                Step::Other(_) => return Err(LookupError::NotDirectory),
            }
        }
    }

    fn step(&self, folder: &Folder, name: &[u8]) -> Result<Step, LookupError> {
        if name.len() > MAX_NAME {
            return Err(LookupError::TooLong);
        }
        let Some(slots) = self.slots(folder) else {
            return self.take(folder, &Slot::new(name.into(), None));
        };
        let slot = find(slots, name).ok_or(LookupError::Absent)?;
        self.take(folder, slot)
    }

    fn take(&self, folder: &Folder, slot: &Slot) -> Result<Step, LookupError> {
        let real = || folder.real.child(&slot.name);
        match self.kind(folder, slot)? {
            Kind::Dir => {
                let stat = self.stat(folder, slot)?;
                let make = || Arc::new(Folder::new(real(), stat));
                Ok(Step::Dir(Arc::clone(slot.folder.get_or_init(make))))
            }
            Kind::Link => {
                let read = || self.root.link_target(real().as_bytes()).map(Into::into);
                slot.target.get_or_init(read).clone().map(Step::Link)
            }
            _ => Ok(Step::Other(Node {
                real: real(),
                stat: self.stat(folder, slot)?,
            })),
        }
    }

    fn kind(&self, folder: &Folder, slot: &Slot) -> Result<Kind, LookupError> {
        slot.kind
            .map_or_else(|| Ok(self.stat(folder, slot)?.kind), Ok)
    }

    fn stat(&self, folder: &Folder, slot: &Slot) -> Result<Stat, LookupError> {
        let look = || {
            let real = folder.real.child(&slot.name);
            Ok(self.root.lookup(real.as_bytes())?.stat)
        };
        *slot.stat.get_or_init(look)
    }
}

enum Step {
    Dir(Arc<Folder>),
    Link(Box<[u8]>),
    Other(Node),
}

impl Folder {
    fn new(real: AppPath, stat: Stat) -> Self {
        Self {
            real,
            stat,
            entries: OnceLock::new(),
        }
    }
}

impl Slot {
    fn new(name: Box<[u8]>, kind: Option<Kind>) -> Self {
        Self {
            name,
            kind,
            stat: OnceLock::new(),
            target: OnceLock::new(),
            folder: OnceLock::new(),
        }
    }
}

fn find<'s>(slots: &'s [Slot], name: &[u8]) -> Option<&'s Slot> {
    let at = slots.binary_search_by(|slot| (*slot.name).cmp(name)).ok()?;
    slots.get(at)
}

/// The component at or after `at`, empty at the end, and where the next one may begin.
fn component(path: &[u8], at: usize) -> (&[u8], usize) {
    let rest = path.get(at..).unwrap_or_default();
    let start = at + rest.iter().take_while(|&&b| b == b'/').count();
    let rest = path.get(start..).unwrap_or_default();
    let end = memchr::memchr(b'/', rest).unwrap_or(rest.len());
    (&rest[..end], start + end)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_view_leads_where_the_root_leads() {
        let top = tempfile::tempdir().unwrap();
        let at = |path: &str| top.path().join(path);
        std::fs::create_dir_all(at("usr/lib/deep")).unwrap();
        std::fs::write(at("usr/lib/file"), b"x").unwrap();
        for (target, path) in [
            ("usr/lib", "lib"),
            ("/usr/lib/deep", "abs"),
            ("../../../usr/lib/file", "usr/lib/up"),
            ("loop", "loop"),
            ("none", "dangling"),
            ("/lib/file", "usr/lib/chain"),
        ] {
            symlink(target, at(path)).unwrap();
        }
        let root = Root::open(top.path()).unwrap();
        let view = View::new(&root);
        for path in [
            "/",
            "/usr",
            "/lib/file",
            "/lib/up",
            "/lib/chain",
            "/abs/../file",
            "/abs/..",
            "/loop",
            "/loop/x",
            "/dangling",
            "/lib/file/x",
            "/lib/file/",
            "/none/x",
            "/../../lib//./deep/",
            "/lib/deep/../../lib/up",
        ] {
            // `resolve` of the root takes a slash after a file for nothing; open(2) does not.
            if path != "/lib/file/" {
                let real = root.resolve(path).map(|node| (node.real, node.stat.id));
                let seen = view.resolve(path.as_bytes(), None);
                assert_eq!(seen.map(|node| (node.real, node.stat.id)), real, "{path}");
            }
        }
        let slash = view.resolve(b"/lib/file/", None);
        assert_eq!(slash, Err(LookupError::NotDirectory));
    }

    #[test]
    fn permission_bits_decide_for_whom_a_path_leads_somewhere() {
        use std::os::unix::fs::PermissionsExt;
        let top = tempfile::tempdir().unwrap();
        let dir = top.path().join("shut");
        std::fs::create_dir(&dir).unwrap();
        std::fs::write(dir.join("file"), b"x").unwrap();
        let open = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(top.path(), open).unwrap();
        std::fs::set_permissions(&dir, std::fs::Permissions::from_mode(0o700)).unwrap();
        let root = Root::open(top.path()).unwrap();
        let view = View::new(&root);
        let who = |uid| Who {
            uid,
            groups: vec![uid],
        };
        let stranger = view.resolve(b"/shut/file", Some(&who(u32::MAX)));
        assert_eq!(stranger, Err(LookupError::Denied));
        assert!(view.resolve(b"/shut/file", Some(&who(0))).is_ok());
    }

    #[test]
    fn names_in_a_directory_are_found_without_and_with_parts() {
        let top = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(top.path().join("a/b")).unwrap();
        std::fs::write(top.path().join("a/b/c"), b"x").unwrap();
        let root = Root::open(top.path()).unwrap();
        let view = View::new(&root);
        let dir = view.dir(b"/a", None).unwrap();
        assert!(view.contains(&dir, b"b"));
        assert!(view.resolve_in(&dir, b"b/c", None).is_ok());
        assert_eq!(view.resolve_in(&dir, b"x", None), Err(LookupError::Absent));
        assert_eq!(view.names(&dir), [(b"b".to_vec(), Kind::Dir)]);
        let file = view.dir(b"/a/b/c", None).map(|dir| dir.real().cloned());
        assert_eq!(file, Err(LookupError::NotDirectory));
    }
}
