//! The copy of a directory tree: every directory once, many at a time. A directory is finished, its
//! time and mode last, when all in it is there.

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};

use rayon::Scope;
use sha2::{Digest as _, Sha256};

use super::entry::Whole;
use super::list::{Row, Rows};
use super::place::{Kept, Lacks, Place};
use super::twins::{Claim, First, Twins};
use super::{Progress, Source, Trouble};
use crate::fact::{IssueKind, Kind};
use crate::tree::{Attributes, Folder, Item, LookupError};

/// How many entries of one directory make a unit of work.
const CHUNK: usize = 64;

/// How many bytes of files make a unit of work: half of what is left of it then is another's.
const HEAVY: u64 = 1 << 20;

/// A directory of both sides while it is copied. Whoever has one hands it back by
/// [`Copying::release`].
pub(super) struct Node {
    pub(super) from: Folder,
    pub(super) into: Place,
    /// Below the volume; empty for the volume itself.
    pub(super) path: Vec<u8>,
    pub(super) item: Item,
    xattrs: Attributes,
    /// Whether it was made in this run: nothing is in it then.
    pub(super) is_fresh: bool,
    /// What names of files begin with until they are whole.
    pub(super) part: Vec<u8>,
    parent: Option<Arc<Self>>,
}

/// A name that waits for the file of which it is another one.
struct Waiting {
    node: Arc<Node>,
    name: Vec<u8>,
    item: Item,
}

/// What all that copy a tree share.
pub(super) struct Copying<'a> {
    pub(super) source: &'a Source<'a>,
    pub(super) progress: &'a Progress,
    /// The volume, to find a file again of which there is another name.
    top: Place,
    /// The directory in which the volume lies: the old root may be around it.
    around: (u64, u64),
    twins: Twins<Waiting>,
    rows: Mutex<Rows>,
    troubles: Mutex<Vec<Trouble>>,
    notes: Mutex<Vec<Trouble>>,
    lost: Mutex<Vec<Vec<u8>>>,
}

/// What came of a tree.
pub(super) struct Copied {
    pub(super) rows: Rows,
    pub(super) troubles: Vec<Trouble>,
    pub(super) notes: Vec<Trouble>,
}

impl<'a> Copying<'a> {
    pub(super) fn new(
        source: &'a Source<'a>,
        progress: &'a Progress,
        top: Place,
        around: (u64, u64),
    ) -> Self {
        Self {
            source,
            progress,
            top,
            around,
            twins: Twins::default(),
            rows: Mutex::default(),
            troubles: Mutex::default(),
            notes: Mutex::default(),
            lost: Mutex::default(),
        }
    }

    /// Copies everything in the directory `from` into the volume.
    pub(super) fn run(self, from: Folder, into: Place, is_fresh: bool) -> Copied {
        rayon::scope(|scope| self.begin(from, into, Vec::new(), is_fresh, None, scope));
        self.finished()
    }

    /// Copies the file `name` of `from` into the directory of the volumes, as the volume itself.
    pub(super) fn run_file(self, from: &Folder, name: &[u8], into: &[u8]) -> Copied {
        let part = [b".", into, b".part"].concat();
        let done = from
            .look(name)
            .map_err(|error| error.to_string())
            .and_then(|item| {
                let whole = Whole {
                    path: b"",
                    from,
                    name,
                    into: &self.top,
                    part: &part,
                    to: into,
                    inherits: true,
                };
                self.content(&whole, &item, &mut Vec::new())
            });
        match done {
            Ok(Some(row)) => {
                let mut rows = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
                rows.insert(Vec::new(), row);
            }
            Ok(None) => {}
            Err(message) => self.trouble(b"", message),
        }
        self.finished()
    }

    fn finished(self) -> Copied {
        let take = |all: Mutex<Vec<Trouble>>| {
            let mut all = all.into_inner().unwrap_or_else(PoisonError::into_inner);
            all.sort();
            all
        };
        let mut troubles = take(self.troubles);
        let lost = self
            .lost
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(first) = lost.iter().min() {
            let message = format!(
                "the owner cannot be kept without root: {} entries, this is the first",
                lost.len()
            );
            troubles.push(self.source.trouble(first, message));
        }
        let mut rows = self
            .rows
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        super::list::join(&mut rows);
        Copied {
            rows,
            troubles,
            notes: take(self.notes),
        }
    }

    fn trouble(&self, path: &[u8], message: impl Into<String>) {
        let trouble = self.source.trouble(path, message);
        let mut troubles = self.troubles.lock().unwrap_or_else(PoisonError::into_inner);
        troubles.push(trouble);
    }

    fn note(&self, path: &[u8], message: impl Into<String>) {
        let note = self.source.trouble(path, message);
        let mut notes = self.notes.lock().unwrap_or_else(PoisonError::into_inner);
        notes.push(note);
    }

    pub(super) fn lacks(&self, path: &[u8], lacks: Vec<Lacks>) {
        for lack in lacks {
            match lack {
                Lacks::Owner => {
                    let mut lost = self.lost.lock().unwrap_or_else(PoisonError::into_inner);
                    lost.push(path.to_vec());
                }
                Lacks::Other(what, errno) => {
                    self.trouble(path, format!("cannot keep {what}: {errno}"));
                }
            }
        }
    }

    /// Begins with a directory that is open on both sides.
    fn begin<'s>(
        &'s self,
        from: Folder,
        into: Place,
        path: Vec<u8>,
        is_fresh: bool,
        parent: Option<Arc<Node>>,
        scope: &Scope<'s>,
    ) {
        let read = || Ok((from.item()?, from.xattrs()?, from.names()?));
        let read: Result<_, LookupError> = read();
        let (item, xattrs, names) = match read {
            Ok(read) => read,
            Err(error) => {
                self.trouble(&path, format!("cannot be read: {error}"));
                return self.give_back(parent);
            }
        };
        let node = Arc::new(Node {
            part: part_prefix(&names),
            from,
            into,
            path,
            item,
            xattrs,
            is_fresh,
            parent,
        });
        if !is_fresh {
            self.tidy(&node, &names);
        }
        let mut names = names;
        while names.len() > CHUNK {
            let rest = names.split_off(names.len() - CHUNK);
            let node = Arc::clone(&node);
            scope.spawn(move |scope| self.chunk(node, rest, scope));
        }
        self.chunk(node, names, scope);
    }

    /// Removes what an ended run has left half written, and tells what is not of the old root.
    fn tidy(&self, node: &Node, names: &[Vec<u8>]) {
        let there = match node.into.folder.names() {
            Ok(there) => there,
            Err(error) => return self.trouble(&node.path, format!("the new side: {error}")),
        };
        let known: BTreeSet<&[u8]> = names.iter().map(Vec::as_slice).collect();
        for name in there.iter().filter(|name| !known.contains(name.as_slice())) {
            let path = below(&node.path, name);
            if name.starts_with(&node.part) {
                if let Err(errno) = node.into.remove(name) {
                    self.trouble(
                        &path,
                        format!("cannot remove a part of an ended run: {errno}"),
                    );
                }
            } else if !(node.path.is_empty() && super::volume::is_nothing(name)) {
                self.trouble(
                    &path,
                    "in the volume, and not in the old root: left as it is",
                );
            }
        }
    }

    /// Hands a directory back; the last one finishes it, and then its parent.
    fn release(&self, node: Arc<Node>) {
        let mut last = Arc::into_inner(node);
        while let Some(node) = last {
            self.finish(&node);
            last = node.parent.and_then(Arc::into_inner);
        }
    }

    fn give_back(&self, node: Option<Arc<Node>>) {
        if let Some(node) = node {
            self.release(node);
        }
    }

    fn finish(&self, node: &Node) {
        if self.progress.stopped() {
            return;
        }
        // Names that came or went while they were read.
        if node
            .from
            .item()
            .is_ok_and(|now| now.modified != node.item.modified)
        {
            self.trouble(&node.path, CHANGED);
        }
        let kept = Kept::of(&node.item, node.xattrs.clone());
        self.lacks(&node.path, node.into.finish(&kept));
        self.row(&node.path, Row::new(&node.item, &node.xattrs));
    }

    fn row(&self, path: &[u8], row: Row) {
        self.progress.entries.fetch_add(1, Ordering::Relaxed);
        let mut rows = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
        rows.insert(path.to_vec(), row);
    }

    fn chunk<'s>(&'s self, node: Arc<Node>, names: Vec<Vec<u8>>, scope: &Scope<'s>) {
        let mut buffer = Vec::new();
        let mut names = names;
        let mut weight = 0;
        while let Some(name) = names.pop() {
            if self.progress.stopped() {
                break;
            }
            if weight >= HEAVY && !names.is_empty() {
                let rest = names.split_off(names.len() / 2);
                let node = Arc::clone(&node);
                scope.spawn(move |scope| self.chunk(node, rest, scope));
                weight = 0;
            }
            let path = below(&node.path, &name);
            if self.source.exclude.contains(&self.source.path(&path)) {
                self.note(&path, "left out, as asked");
                continue;
            }
            match node.from.look(&name) {
                Ok(item) if item.stat.kind == Kind::Dir => {
                    self.directory(&node, name, path, item, scope);
                }
                Ok(item) if item.stat.links > 1 => {
                    let node = Arc::clone(&node);
                    self.twin(Waiting { node, name, item }, &mut buffer);
                }
                Ok(item) => {
                    weight += item.stat.size.min(item.stat.allocated);
                    let done = self.single(&node, &name, &item, &mut buffer);
                    self.told(&path, done);
                }
                Err(LookupError::Absent) => self.trouble(&path, CHANGED),
                Err(error) => self.trouble(&path, format!("cannot be read: {error}")),
            }
        }
        self.release(node);
    }

    fn told(&self, path: &[u8], done: Result<Option<Row>, String>) {
        match done {
            Ok(Some(row)) => self.row(path, row),
            Ok(None) => {}
            Err(message) => self.trouble(path, message),
        }
    }

    fn directory<'s>(
        &'s self,
        node: &Arc<Node>,
        name: Vec<u8>,
        path: Vec<u8>,
        item: Item,
        scope: &Scope<'s>,
    ) {
        let parent = &node.item.stat;
        let all = self.source.all_filesystems;
        if item.stat.id == self.around {
            return self.trouble(&path, "the volumes themselves are in it: left out");
        }
        if let Some((kind, message)) = self.source.root.refusal(&item.stat, parent, all) {
            // What the kernel makes up is nobody's data.
            if kind == IssueKind::PseudoFilesystem && self.source.root.is_pseudo(&item.stat) {
                return self.note(&path, message);
            }
            return self.trouble(&path, message);
        }
        let node = Arc::clone(node);
        scope.spawn(move |scope| {
            let opened = self.open(&node, &name, &item);
            match opened {
                Ok((from, into, is_fresh)) => {
                    self.begin(from, into, path, is_fresh, Some(node), scope);
                }
                Err(message) => {
                    self.trouble(&path, message);
                    self.release(node);
                }
            }
        });
    }

    fn open(&self, node: &Node, name: &[u8], item: &Item) -> Result<(Folder, Place, bool), String> {
        let from = node.from.enter(name);
        let from = from.map_err(|error| format!("cannot be read: {error}"))?;
        // Something may have been mounted or put there since it was looked at.
        let now = from.item().map_err(|error| error.to_string())?;
        if now.stat.id.0 != item.stat.id.0 {
            return Err(CHANGED.into());
        }
        let (into, made) = node.into.dir(name).map_err(written)?;
        Ok((from, into, made))
    }

    /// A file with several names.
    fn twin(&self, waiting: Waiting, buffer: &mut Vec<u8>) {
        let id = waiting.item.stat.id;
        match self.twins.claim(id, waiting) {
            Claim::Waits => {}
            Claim::Copy(first) => {
                let path = below(&first.node.path, &first.name);
                let done = self.single(&first.node, &first.name, &first.item, buffer);
                let row = done.as_ref().ok().and_then(Option::as_ref);
                let there = row.map(|row| First {
                    path: path.clone(),
                    row: row.clone(),
                });
                let others = self.twins.settle(id, there.clone());
                self.told(&path, done);
                for other in others {
                    match &there {
                        Some(there) => self.link(other, &first.node.into, &first.name, there),
                        None => self.lose(other),
                    }
                }
                self.release(first.node);
            }
            Claim::Link(other, there) => match self.find(&there.path) {
                Ok((dir, name)) => self.link(other, &dir, &name, &there),
                Err(message) => {
                    self.trouble(&below(&other.node.path, &other.name), message);
                    self.release(other.node);
                }
            },
            Claim::Lost(other) => self.lose(other),
        }
    }

    fn lose(&self, other: Waiting) {
        if !self.progress.stopped() {
            let path = below(&other.node.path, &other.name);
            self.trouble(&path, "another name of a file that could not be copied");
        }
        self.release(other.node);
    }

    /// The directory of the volume that holds `path`, and the name in it.
    fn find(&self, path: &[u8]) -> Result<(Place, Vec<u8>), String> {
        let mut dir = self.top.again().map_err(written)?;
        let mut parts = path.split(|&byte| byte == b'/');
        let name = parts.next_back().unwrap_or_default().to_vec();
        for part in parts {
            let folder = dir.folder.enter(part).map_err(written)?;
            dir = Place { folder };
        }
        Ok((dir, name))
    }

    fn link(&self, other: Waiting, dir: &Place, name: &[u8], there: &First) {
        let node = other.node;
        let path = below(&node.path, &other.name);
        let part = part_name(&node.part, &other.name);
        match node.into.link(dir, name, &other.name, &part) {
            Ok(()) => self.row(&path, there.row.clone()),
            Err(errno) => self.trouble(&path, format!("cannot be made a hard link: {errno}")),
        }
        self.release(node);
    }
}

pub(super) const CHANGED: &str =
    "changed while it was read: stop what writes there, and run this again";

pub(super) fn written(error: impl std::fmt::Display) -> String {
    format!("cannot be written: {error}")
}

pub(super) fn below(dir: &[u8], name: &[u8]) -> Vec<u8> {
    if dir.is_empty() {
        return name.to_vec();
    }
    [dir, b"/", name].concat()
}

/// What no name of the directory begins with.
fn part_prefix(names: &[Vec<u8>]) -> Vec<u8> {
    let prefix = |number: usize| format!(".seaworthy-{number}-").into_bytes();
    let is_free = |prefix: &Vec<u8>| !names.iter().any(|name| name.starts_with(prefix));
    // One more than there are names: one of them is free.
    let mut all = (0..=names.len()).map(prefix);
    all.find(is_free).unwrap_or_default()
}

/// The name of a file until it is whole: the same in every run, so that none is left behind.
pub(super) fn part_name(prefix: &[u8], name: &[u8]) -> Vec<u8> {
    let sum = Sha256::digest(name);
    let mut part = prefix.to_vec();
    for byte in sum.iter().take(12) {
        part.extend_from_slice(format!("{byte:02x}").as_bytes());
    }
    part
}
