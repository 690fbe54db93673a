//! The tree that the layers so far make, and what another layer does to it: the rules of layer.md,
//! applied without unpacking anything.
//!
//! Programs that unpack differ where names lead through links and where a removal and what is put
//! below it come in one layer. Such entries are refused here, so that all programs make the same
//! of what is left.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use crate::layout::Digest;
use crate::layout::layer::{Body, Entry, Meta};
use crate::path::AppPath;

/// How many links one name may lead through (path_resolution(7)).
const MAX_LINKS: usize = 40;

/// What a layer does to a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Touch {
    /// Nothing was there.
    Add,
    /// Something was there and is another thing after it.
    Change,
    /// Something was there and is gone.
    Remove,
}

/// A path that a layer touches.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Touched {
    /// The path.
    pub path: AppPath,
    /// What is done to it.
    pub touch: Touch,
    /// The role whose it was; None where nothing was there.
    pub of: Option<String>,
    /// What is there afterwards.
    pub shape: Shape,
}

/// What a path is, as far as it matters to who may touch it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Shape {
    /// Nothing.
    Gone,
    /// A directory.
    Dir,
    /// A file with nothing in it, a place to mount something at.
    Empty,
    /// Another file, a link or a pipe.
    Full,
}

/// An entry that programs would make different things of, or that no image may have.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Trick {
    /// The path.
    pub path: AppPath,
    /// What is wrong.
    pub reason: String,
}

/// What a layer did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Applied {
    /// The paths that it touches, sorted.
    pub touched: Vec<Touched>,
    /// Its entries that were refused, and so changed nothing.
    pub tricks: Vec<Trick>,
}

/// What is at a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// What it is; never a removal.
    pub body: Body,
    /// Permission bits.
    pub mode: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// The digest of its extended attributes, where it has some.
    pub xattrs: Option<Digest>,
    role: usize,
    layer: usize,
}

/// The tree.
#[derive(Clone, Debug, Default)]
pub struct Merged {
    tree: BTreeMap<AppPath, Held>,
    roles: Vec<String>,
    layers: usize,
    /// The role of the layer that is being applied.
    role: usize,
    /// What the layer that is being applied removes.
    removed: BTreeSet<AppPath>,
    /// A directory whose way from the top was found to be directories.
    plain: Option<AppPath>,
    applied: Applied,
}

impl Merged {
    /// The empty tree.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// What is at a path.
    #[must_use]
    pub fn get(&self, path: &AppPath) -> Option<&Held> {
        self.tree.get(path)
    }

    /// Where a path leads when the links on the way are followed, as whoever opens it follows them; a
    /// link at its end stands for itself.
    #[must_use]
    pub fn way_to(&self, path: &AppPath) -> AppPath {
        let mut path = path.clone();
        for _ in 0..MAX_LINKS {
            let links = (1..path.depth()).find_map(|depth| {
                let above = path.prefix(depth);
                let Body::Link(target) = &self.tree.get(&above)?.body else {
                    return None;
                };
                let rest = path.below(&above).unwrap_or_default();
                Some(above.parent()?.join(target).join(rest))
            });
            match links {
                Some(next) => path = next,
                None => break,
            }
        }
        path
    }

    /// The directory that a path leads to, where it leads to one through a link at its end.
    #[must_use]
    pub fn linked_dir(&self, path: &AppPath) -> Option<AppPath> {
        let mut path = path.clone();
        for _ in 0..MAX_LINKS {
            match &self.tree.get(&path)?.body {
                Body::Dir => return Some(path),
                Body::Link(target) => path = self.way_to(&path.parent()?.join(target)),
                _ => return None,
            }
        }
        None
    }

    /// Whose a path is: the role of the layer that made it what it is.
    #[must_use]
    pub fn owner(&self, path: &AppPath) -> Option<&str> {
        let held = self.tree.get(path)?;
        self.roles.get(held.role).map(String::as_str)
    }

    /// Every path in order, with what is there and whose it is.
    pub fn iter(&self) -> impl Iterator<Item = (&AppPath, &Held, &str)> {
        let role = |held: &Held| self.roles.get(held.role).map_or("", String::as_str);
        self.tree
            .iter()
            .map(move |(path, held)| (path, held, role(held)))
    }

    /// Applies a layer of `role`.
    pub fn apply<'a>(
        &mut self,
        role: &str,
        entries: impl IntoIterator<Item = &'a Entry>,
    ) -> Applied {
        self.begin(role);
        for entry in entries {
            self.entry(entry);
        }
        self.end()
    }

    /// Begins a layer of `role`: entries follow, then the end.
    pub fn begin(&mut self, role: &str) {
        self.layers += 1;
        self.removed.clear();
        self.plain = None;
        self.applied = Applied::default();
        let known = self.roles.iter().position(|known| known == role);
        self.role = known.unwrap_or_else(|| {
            self.roles.push(role.to_owned());
            self.roles.len() - 1
        });
    }

    /// Applies an entry of the layer.
    pub fn entry(&mut self, entry: &Entry) {
        let done = match &entry.body {
            Body::Whiteout => self.whiteout(&entry.path),
            Body::Opaque => self.opaque(&entry.path),
            Body::Device => Err("a device, which no image needs".to_owned()),
            Body::HardLink(target) => self.hard_link(entry, target),
            body => self.put(&entry.path, &entry.meta, body.clone()),
        };
        if let Err(reason) = done {
            self.applied.tricks.push(Trick {
                path: entry.path.clone(),
                reason,
            });
        }
    }

    /// Ends the layer.
    pub fn end(&mut self) -> Applied {
        let mut applied = std::mem::take(&mut self.applied);
        applied.touched.sort();
        applied
    }

    /// Makes sure that the way to `path` is directories, as every program that unpacks makes those
    /// that are missing.
    fn way(&mut self, path: &AppPath) -> Result<(), String> {
        let Some(parent) = path.parent() else {
            return Ok(());
        };
        if self.plain.as_ref() == Some(&parent) {
            return Ok(());
        }
        for depth in 0..path.depth() {
            let above = path.prefix(depth);
            if self.removed.contains(&above) && !above.is_root() {
                return Err(format!("it lies below {above}, which this layer removes"));
            }
            match self.tree.get(&above).map(|held| &held.body) {
                Some(Body::Dir) => {}
                Some(Body::Link(_)) => {
                    return Err(format!("it lies below {above}, which is a symbolic link"));
                }
                Some(_) => return Err(format!("it lies below {above}, which is no directory")),
                None => self.imply(above),
            }
        }
        self.plain = Some(parent);
        Ok(())
    }

    /// A directory that no entry tells, but others lie in.
    fn imply(&mut self, path: AppPath) {
        let meta = Meta {
            mode: 0o755,
            ..Meta::default()
        };
        self.set(&path, &meta, Body::Dir);
    }

    fn put(&mut self, path: &AppPath, meta: &Meta, body: Body) -> Result<(), String> {
        self.way(path)?;
        if path.is_root() && body != Body::Dir {
            return Err("the top of an image is a directory".to_owned());
        }
        if self.removed.contains(path) {
            return Err("this layer removes it and has something there".to_owned());
        }
        if body != Body::Dir {
            self.clear_below(path)?;
        }
        self.set(path, meta, body);
        Ok(())
    }

    /// Puts what a layer has in the place of what was there.
    fn set(&mut self, path: &AppPath, meta: &Meta, body: Body) {
        let held = Held {
            body,
            mode: meta.mode,
            uid: meta.uid,
            gid: meta.gid,
            xattrs: digest(meta),
            role: self.role,
            layer: self.layers,
        };
        let shape = held.shape();
        let Some(before) = self.tree.get_mut(path) else {
            self.touch(path, Touch::Add, None, shape);
            self.tree.insert(path.clone(), held);
            return;
        };
        if before.is_same_dir(&held) {
            // It stays whose it was, but is there by this layer's word, too.
            before.layer = self.layers;
            return;
        }
        let (of, layer) = (before.role, before.layer);
        *before = held;
        // A directory that this layer's own entries implied gets its owner and mode.
        if layer != self.layers || of != self.role {
            self.touch(path, Touch::Change, Some(of), shape);
        }
    }

    /// Removes what lower layers have below a path that becomes something else than a directory.
    fn clear_below(&mut self, path: &AppPath) -> Result<(), String> {
        if !self.is_dir(path) {
            return Ok(());
        }
        let below = self.below(path);
        if below.iter().any(|(_, layer)| *layer == self.layers) {
            return Err("it takes the place of a directory that this layer fills".to_owned());
        }
        self.plain = None;
        for (path, _) in below {
            self.remove(&path);
        }
        Ok(())
    }

    fn is_dir(&self, path: &AppPath) -> bool {
        self.tree
            .get(path)
            .is_some_and(|held| held.body == Body::Dir)
    }

    /// The paths below one, and the layer of each.
    fn below(&self, path: &AppPath) -> Vec<(AppPath, usize)> {
        self.tree
            .range(path.clone()..)
            .skip_while(|(at, _)| *at == path)
            .take_while(|(at, _)| at.is_below(path))
            .map(|(at, held)| (at.clone(), held.layer))
            .collect()
    }

    fn remove(&mut self, path: &AppPath) {
        if let Some(held) = self.tree.remove(path) {
            self.touch(path, Touch::Remove, Some(held.role), Shape::Gone);
        }
    }

    fn whiteout(&mut self, path: &AppPath) -> Result<(), String> {
        self.way(path)?;
        let own = self.tree.get(path).map(|held| held.layer);
        let below = self.below(path);
        let all = below.iter().map(|(_, layer)| *layer).chain(own);
        if all.into_iter().any(|layer| layer == self.layers) {
            return Err("this layer removes it and has something there".to_owned());
        }
        self.plain = None;
        for (path, _) in below {
            self.remove(&path);
        }
        self.remove(path);
        self.removed.insert(path.clone());
        Ok(())
    }

    fn opaque(&mut self, path: &AppPath) -> Result<(), String> {
        self.way(path)?;
        if self.tree.contains_key(path) && !self.is_dir(path) {
            return Err("it empties what is no directory".to_owned());
        }
        self.plain = None;
        // What this layer has there stays, whichever comes first (layer.md, Opaque Whiteout).
        let mut older = self.below(path);
        older.retain(|(_, layer)| *layer != self.layers);
        for (path, _) in older {
            self.remove(&path);
        }
        Ok(())
    }

    fn hard_link(&mut self, entry: &Entry, target: &AppPath) -> Result<(), String> {
        self.way(&entry.path)?;
        let Some(held) = self.tree.get(target) else {
            return Err(format!(
                "another name of {target}, which is not there before it"
            ));
        };
        if !matches!(held.body, Body::File { .. }) || target.is_within(&entry.path) {
            return Err(format!("another name of {target}, which is no other file"));
        }
        let body = held.body.clone();
        let (of, layer) = (held.role, held.layer);
        let xattrs = digest(&entry.meta).or(held.xattrs);
        let told = (entry.meta.mode, entry.meta.uid, entry.meta.gid, xattrs);
        let is_alike = (held.mode, held.uid, held.gid, held.xattrs) == told;
        self.put(&entry.path, &entry.meta, body)?;
        // Both names are one file: owner and mode of one are those of the other.
        if !is_alike {
            let Some(held) = self.tree.get_mut(target) else {
                return Ok(());
            };
            held.mode = entry.meta.mode;
            held.uid = entry.meta.uid;
            held.gid = entry.meta.gid;
            held.xattrs = xattrs;
            held.role = self.role;
            held.layer = self.layers;
            let shape = held.shape();
            if layer != self.layers || of != self.role {
                self.touch(target, Touch::Change, Some(of), shape);
            }
        }
        Ok(())
    }

    fn touch(&mut self, path: &AppPath, touch: Touch, of: Option<usize>, shape: Shape) {
        let of = of.and_then(|of| self.roles.get(of)).cloned();
        self.applied.touched.push(Touched {
            path: path.clone(),
            touch,
            of,
            shape,
        });
    }
}

impl Held {
    /// Two directories that nobody could tell apart.
    fn is_same_dir(&self, other: &Self) -> bool {
        let meta = |held: &Self| (held.mode, held.uid, held.gid, held.xattrs);
        self.body == Body::Dir && other.body == Body::Dir && meta(self) == meta(other)
    }

    fn shape(&self) -> Shape {
        match &self.body {
            Body::Dir => Shape::Dir,
            // A program that may not be run by its mode alone is still no place to mount at.
            Body::File { size: 0, .. } if self.mode & 0o7111 == 0 => Shape::Empty,
            _ => Shape::Full,
        }
    }
}

fn digest(meta: &Meta) -> Option<Digest> {
    use sha2::{Digest as _, Sha256};
    if meta.xattrs.is_empty() {
        return None;
    }
    let mut sum = Sha256::new();
    for part in meta.xattrs.iter().flat_map(|(name, value)| [name, value]) {
        sum.update((part.len() as u64).to_le_bytes());
        sum.update(part);
    }
    Some(Digest::finish(sum))
}
