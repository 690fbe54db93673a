//! A root filesystem, and paths resolved inside it.

use std::collections::VecDeque;
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::Arc;

use rustix::fs::{Mode, OFlags};
use rustix::io::{Errno, retry_on_intr};

use super::file::{File, open_seen};
use super::held::{Held, Passed};
use super::memo::Memo;
use super::mounts::{Medium, Mounts};
use super::step::{
    Cut, Name, names, open_dir_at, open_place_at, read_link, read_open_link, stat_at, stat_of,
};
use super::walk::errno_kind;
use crate::fact::{IssueKind, Kind, Stat};
use crate::parse::read::ReadAt;
use crate::path::AppPath;

/// The number of symbolic links that one lookup may follow (`path_resolution(7)`).
const MAX_LINKS: usize = 40;

/// `PATH_MAX` of the kernel, with the NUL at the end: a program can name only shorter paths.
pub(super) const MAX_PATH: usize = 4096;

/// The most components above a path that is looked up step by step.
const PLAIN: usize = 64;

/// The filesystem that is audited.
#[derive(Debug)]
pub struct Root {
    top: Arc<OwnedFd>,
    top_stat: Stat,
    /// The components of the path at which the tree is seen: empty for a whole root.
    at: Vec<Vec<u8>>,
    pub(super) mounts: Mounts,
    passed: Passed,
    /// What lookups met where a link at the end stands for itself.
    met: Memo,
    /// Where those that ended at a link led.
    led: Memo,
}

/// What a lookup found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// The path with every link on the way resolved.
    pub real: AppPath,
    /// What the disk says about it.
    pub stat: Stat,
}

/// Why a lookup found nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LookupError {
    /// There is nothing of that name.
    #[error("not there")]
    Absent,
    /// A component on the way is no directory.
    #[error("a component on the way is no directory")]
    NotDirectory,
    /// More links than the kernel follows, or a loop of them.
    #[error("more than 40 symbolic links, or a loop of them")]
    Loop,
    /// The path, or a component, is longer than the kernel takes.
    #[error("the name is too long")]
    TooLong,
    /// Permission was denied.
    #[error("permission denied")]
    Denied,
    /// It is no regular file.
    #[error("not a regular file")]
    Special,
    /// It lies beyond an automount point, or is a file that the kernel makes up: asking for it
    /// could hang or have effects.
    #[error("an automount point or pseudo filesystem: not entered")]
    NotEntered,
    /// Anything else.
    #[error("{0}")]
    Other(#[from] Errno),
}

impl LookupError {
    /// What an error of the system means for a lookup.
    #[must_use]
    pub fn from_errno(errno: Errno) -> Self {
        match errno {
            Errno::NOENT => Self::Absent,
            Errno::NOTDIR => Self::NotDirectory,
            Errno::LOOP => Self::Loop,
            Errno::NAMETOOLONG => Self::TooLong,
            Errno::ACCESS | Errno::PERM => Self::Denied,
            other => Self::Other(other),
        }
    }

    /// The kind of issue that this makes of a path that was asked for.
    #[must_use]
    pub fn issue_kind(self) -> IssueKind {
        match self {
            Self::Absent | Self::NotDirectory => IssueKind::Absent,
            Self::Loop => IssueKind::BadLink,
            Self::TooLong => IssueKind::TooDeep,
            Self::Special => IssueKind::SpecialFile,
            Self::Denied => IssueKind::Unreadable,
            Self::NotEntered => IssueKind::PseudoFilesystem,
            Self::Other(errno) => errno_kind(errno),
        }
    }
}

/// A place reached by a lookup: the directories that lead to it, held open, and the entry.
struct Place {
    parents: Vec<Step>,
    stat: Stat,
}

/// One component of the way.
struct Step {
    /// Held open where it is a directory, or a link that stands for itself.
    fd: Option<Arc<OwnedFd>>,
    name: Vec<u8>,
    stat: Stat,
}

/// What one component of a path stands for.
enum Met {
    /// An entry; a link at the end that stands for itself is one.
    Entry(Option<Arc<OwnedFd>>, Stat),
    /// A link to follow.
    Link(Arc<[u8]>),
}

impl Root {
    /// Opens the directory `host` of this machine as a root.
    ///
    /// # Errors
    /// When it cannot be opened, or is no directory.
    pub fn open(host: &Path) -> io::Result<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let top = retry_on_intr(|| rustix::fs::open(host, flags, Mode::empty()));
        let top = Arc::new(top?);
        let top_stat = stat_of(&top)?;
        let mounts = Mounts::around(&top, top_stat.id.0);
        Ok(Self {
            top,
            top_stat,
            at: Vec::new(),
            mounts,
            passed: Passed::default(),
            met: Memo::default(),
            led: Memo::default(),
        })
    }

    /// As [`Root::open`], for a directory that is written to meanwhile: no lookup is remembered.
    ///
    /// # Errors
    /// As [`Root::open`].
    pub fn open_changing(host: &Path) -> io::Result<Self> {
        let mut root = Self::open(host)?;
        (root.met, root.led) = (Memo::none(), Memo::none());
        Ok(root)
    }

    /// Opens the directory `host` of this machine as the tree that will live at `at`: nothing else
    /// is in the root then.
    ///
    /// # Errors
    /// As [`Root::open`].
    pub fn graft(host: &Path, at: &AppPath) -> io::Result<Self> {
        let mut root = Self::open(host)?;
        root.at = at.components().map(<[u8]>::to_vec).collect();
        Ok(root)
    }

    /// Where `path` leads when every link is followed. `..` after a link is the parent of where
    /// the link leads, as in the kernel.
    ///
    /// # Errors
    /// When it leads nowhere.
    pub fn resolve(&self, path: impl AsRef<[u8]>) -> Result<Node, LookupError> {
        let path = path.as_ref();
        let node = self.lookup(path)?;
        if node.stat.kind != Kind::Link {
            return Ok(node);
        }
        if let Some(known) = self.led.get(path) {
            return known;
        }
        let found = self.place(path, true).map(|place| place.node());
        self.led.keep(path, &found);
        found
    }

    /// As [`Root::resolve`], but a link at the end stands for itself.
    ///
    /// # Errors
    /// When it leads nowhere.
    pub fn lookup(&self, path: impl AsRef<[u8]>) -> Result<Node, LookupError> {
        let path = path.as_ref();
        if let Some(known) = self.met.get(path) {
            return known;
        }
        let found = match self.last(path) {
            Some(found) => found,
            None => self.place(path, false).map(|place| place.node()),
        };
        self.met.keep(path, &found);
        found
    }

    /// A lookup by its last step alone, from the directory that it begins with, which was found
    /// before or is now; nothing where the way is not that plain.
    fn last(&self, path: &[u8]) -> Option<Result<Node, LookupError>> {
        let (above, name) = split_last(path)?;
        let base = match self.resolve(above) {
            Ok(base) => base,
            Err(error) => return Some(Err(error)),
        };
        if base.stat.kind != Kind::Dir {
            return Some(Err(LookupError::NotDirectory));
        }
        if self.is_barred(&base.stat) {
            return Some(Err(LookupError::NotEntered));
        }
        if base.real.depth() < self.at.len() {
            return None;
        }
        let dir = self.held(&base.real)?;
        let real = base.real.child(name);
        match self.met(&dir, real.as_bytes(), name, false) {
            Ok(Met::Entry(_, stat)) => Some(Ok(Node { real, stat })),
            // A link is not followed here.
            Ok(Met::Link(_)) => None,
            Err(error) => Some(Err(error)),
        }
    }

    /// The text of a symbolic link.
    ///
    /// # Errors
    /// When there is none at `path`.
    pub fn link_target(&self, path: impl AsRef<[u8]>) -> Result<Vec<u8>, LookupError> {
        let node = self.lookup(path)?;
        if node.stat.kind != Kind::Link {
            return Err(LookupError::Special);
        }
        let dir = self.folder(&node.real)?;
        read_link(&dir, node.real.name()).map_err(LookupError::from_errno)
    }

    /// Opens a regular file.
    ///
    /// # Errors
    /// When it leads nowhere, or to something else than a regular file. A file of `/proc` or
    /// `/sys` is not opened: what it holds belongs to the moment, and reading it can have effects.
    pub fn open_file(&self, path: impl AsRef<[u8]>) -> Result<File, LookupError> {
        let node = self.resolve(path)?;
        if node.stat.kind != Kind::File {
            return Err(LookupError::Special);
        }
        if self.medium(&node.stat) == Some(Medium::Pseudo) || self.is_barred(&node.stat) {
            return Err(LookupError::NotEntered);
        }
        open_seen(&*self.folder(&node.real)?, node.real.name())
    }

    /// The content of a regular file, at most `limit` bytes of it.
    ///
    /// # Errors
    /// As [`Root::open_file`], and when the medium fails.
    pub fn read(&self, path: impl AsRef<[u8]>, limit: usize) -> Result<Vec<u8>, LookupError> {
        let file = self.open_file(path)?;
        file.bytes_at(0, limit)
            .map_err(|error| LookupError::Other(Errno::from_io_error(&error).unwrap_or(Errno::IO)))
    }

    /// The entries of a directory, sorted by name.
    ///
    /// # Errors
    /// When it leads nowhere, or to no directory, or cannot be read to its end.
    pub fn list(&self, path: impl AsRef<[u8]>) -> Result<Vec<(Vec<u8>, Stat)>, LookupError> {
        let node = self.resolve(path)?;
        if let Some(part) = self.part_in(&node) {
            return Ok(vec![(part.to_vec(), node.stat)]);
        }
        let (fd, found) = self.names_in(&node)?;
        let mut entries = Vec::new();
        for name in found {
            match stat_at(&fd, &name.name) {
                Ok(stat) => entries.push((name.name.into_vec(), stat)),
                // Removed since it was listed.
                Err(Errno::NOENT) => {}
                Err(errno) => return Err(LookupError::from_errno(errno)),
            }
        }
        entries.sort();
        Ok(entries)
    }

    /// The names in a directory, sorted, which are not looked at.
    ///
    /// # Errors
    /// As [`Root::list`].
    pub(super) fn names(&self, path: &AppPath) -> Result<Vec<Name>, LookupError> {
        let node = self.resolve(path.as_bytes())?;
        if let Some(part) = self.part_in(&node) {
            let name = Box::from(part);
            let kind = Some(Kind::Dir);
            return Ok(vec![Name { name, kind }]);
        }
        let (_, mut found) = self.names_in(&node)?;
        found.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(found)
    }

    /// The one name in a directory above a tree that will live elsewhere.
    fn part_in(&self, node: &Node) -> Option<&[u8]> {
        let part = self.at.get(node.real.depth());
        part.filter(|_| node.stat.kind == Kind::Dir)
            .map(Vec::as_slice)
    }

    fn names_in(&self, node: &Node) -> Result<(OwnedFd, Vec<Name>), LookupError> {
        if node.stat.kind != Kind::Dir {
            return Err(LookupError::NotDirectory);
        }
        if self.is_barred(&node.stat) {
            return Err(LookupError::NotEntered);
        }
        let fd = self.open_real_dir(&node.real)?;
        let found = names(&fd);
        match found.cut {
            Some(Cut::Failed(errno)) => Err(LookupError::from_errno(errno)),
            Some(Cut::TooMany) => Err(LookupError::Other(Errno::TOOBIG)),
            Some(Cut::Forged) | None => Ok((fd, found.names)),
        }
    }

    /// Opens the directory `real` for reading, by a way on which no link may stand: for a path
    /// that was resolved before.
    pub(super) fn open_real_dir(&self, real: &AppPath) -> Result<OwnedFd, Errno> {
        if real.depth() <= self.at.len() {
            return open_dir_at(&self.top, b".");
        }
        open_dir_at(&*self.folder(real)?, real.name())
    }

    /// The directory that holds `real`, as a place, by a way on which no link may stand.
    fn folder(&self, real: &AppPath) -> Result<Arc<OwnedFd>, Errno> {
        let folder = real.parent().unwrap_or_else(AppPath::root);
        if let Some(held) = self.held(&folder) {
            return Ok(held);
        }
        let mut here = Arc::clone(&self.top);
        for name in folder.components().skip(self.at.len()) {
            here = Arc::new(open_place_at(&*here, name)?);
        }
        Ok(here)
    }

    /// The directory `real`, where it is held open.
    fn held(&self, real: &AppPath) -> Option<Arc<OwnedFd>> {
        if real.depth() <= self.at.len() {
            return Some(Arc::clone(&self.top));
        }
        match self.passed.get(real.as_bytes()) {
            Some(Held::Dir(fd, _)) => Some(fd),
            _ => None,
        }
    }

    /// Lets lookups enter what another host or a program serves on the way to `path`: who names it
    /// wants to wait for it.
    pub fn admit(&self, path: &AppPath) {
        for depth in 1..=path.depth() {
            let Ok(node) = self.resolve(path.prefix(depth).as_bytes()) else {
                return;
            };
            self.mounts.admit(node.stat.id.0);
        }
    }

    /// Whether the next step from here would wake the automounter and wait for it (autofs(5)), or
    /// wait for a server that may be gone. A walk does not enter what is served either.
    pub(super) fn is_barred(&self, stat: &Stat) -> bool {
        let device = stat.id.0;
        device != self.top_stat.id.0 && self.mounts.is_barred(device)
    }

    /// Why a directory that a walk begins with is not entered, if it is not: what the kernel makes up, and
    /// what may never answer. That it was named by a setting or a unit is no wish to wait for it.
    pub(super) fn refusal_of_start(&self, stat: &Stat) -> Option<(IssueKind, String)> {
        let named = self.mounts.refusal_of_named(stat.id.0);
        named.or_else(|| {
            let message =
                "served by a program or another host: not entered; name it to have it looked at";
            let refused = (IssueKind::PseudoFilesystem, message.to_owned());
            self.is_barred(stat).then_some(refused)
        })
    }

    /// Whether the directory `real`, which was resolved, may be entered.
    ///
    /// # Errors
    /// When it is not there, or lies where nothing is looked up.
    pub(super) fn may_enter(&self, real: &AppPath) -> Result<(), LookupError> {
        let node = self.lookup(real.as_bytes())?;
        match self.is_barred(&node.stat) {
            true => Err(LookupError::NotEntered),
            false => Ok(()),
        }
    }

    /// How many components lead to a tree that will live elsewhere.
    pub(super) fn above(&self) -> usize {
        self.at.len()
    }

    /// The kind of filesystem that an entry lies on, where the host's table has it.
    pub(super) fn medium(&self, stat: &Stat) -> Option<Medium> {
        self.mounts.medium(stat.id.0)
    }

    /// What a lookup stands in: a directory, or a link that stands for itself.
    fn here<'a>(&'a self, place: &'a Place) -> &'a Arc<OwnedFd> {
        let last = place.parents.last().and_then(|step| step.fd.as_ref());
        last.unwrap_or(&self.top)
    }

    fn place(&self, path: &[u8], follow_last: bool) -> Result<Place, LookupError> {
        let mut todo: VecDeque<Vec<u8>> = VecDeque::new();
        push_front(&mut todo, path)?;
        let top = self.top_stat;
        let mut place = Place {
            parents: Vec::new(),
            stat: top,
        };
        // The way so far, by which a directory is known again.
        let mut real: Vec<u8> = Vec::new();
        let mut links = 0;
        while let Some(name) = todo.pop_front() {
            if place.stat.kind != Kind::Dir {
                return Err(LookupError::NotDirectory);
            }
            if name == b"." {
                continue;
            }
            if name == b".." {
                if let Some(step) = place.parents.pop() {
                    real.truncate(real.len() - step.name.len() - 1);
                }
                place.stand(&top);
                continue;
            }
            if self.is_barred(&place.stat) {
                return Err(LookupError::NotEntered);
            }
            let before = real.len();
            real.push(b'/');
            real.extend_from_slice(&name);
            if let Some(part) = self.at.get(place.parents.len()) {
                // Above the tree there is nothing but the way to it.
                if *part != name {
                    return Err(LookupError::Absent);
                }
                let (fd, stat) = (Some(Arc::clone(&self.top)), top);
                place.parents.push(Step { fd, name, stat });
                continue;
            }
            let follow = follow_last || !todo.is_empty();
            let link = match self.met(self.here(&place), &real, &name, follow)? {
                Met::Entry(fd, stat) => {
                    place.stat = stat;
                    place.parents.push(Step { fd, name, stat });
                    continue;
                }
                Met::Link(text) => text,
            };
            real.truncate(before);
            links += 1;
            if links > MAX_LINKS {
                return Err(LookupError::Loop);
            }
            if link.is_empty() {
                return Err(LookupError::Absent);
            }
            if link.starts_with(b"/") {
                place.parents.clear();
                real.clear();
            }
            push_front(&mut todo, &link)?;
            place.stand(&top);
        }
        Ok(place)
    }

    /// What stands at `name` in `here`, which is `real` from the top: as it was met before, or as the
    /// disk has it.
    fn met(
        &self,
        here: &Arc<OwnedFd>,
        real: &[u8],
        name: &[u8],
        follow: bool,
    ) -> Result<Met, LookupError> {
        match self.passed.get(real) {
            Some(Held::Dir(fd, stat)) => return Ok(Met::Entry(Some(fd), stat)),
            Some(Held::Link(text)) if follow => return Ok(Met::Link(text)),
            _ => {}
        }
        // Most are files, of which no more is asked.
        let stat = stat_at(here, name).map_err(LookupError::from_errno)?;
        if !matches!(stat.kind, Kind::Dir | Kind::Link) {
            return Ok(Met::Entry(None, stat));
        }
        let fd = open_place_at(here, name).map_err(LookupError::from_errno)?;
        let stat = stat_of(&fd).map_err(LookupError::from_errno)?;
        if stat.kind == Kind::Link && follow {
            let text = read_open_link(&fd).map_err(LookupError::from_errno)?;
            let text: Arc<[u8]> = text.into();
            self.passed.keep(real, Held::Link(Arc::clone(&text)));
            return Ok(Met::Link(text));
        }
        let fd = Arc::new(fd);
        if stat.kind == Kind::Dir {
            self.passed.keep(real, Held::Dir(Arc::clone(&fd), stat));
        }
        Ok(Met::Entry(Some(fd), stat))
    }
}

impl Place {
    /// Renews what is known of the directory that a lookup stands in.
    fn stand(&mut self, top: &Stat) {
        let here = self.parents.last().map_or(top, |step| &step.stat);
        self.stat = *here;
    }

    fn node(&self) -> Node {
        let mut real = Vec::new();
        for step in &self.parents {
            real.push(b'/');
            real.extend_from_slice(&step.name);
        }
        Node {
            real: AppPath::new(real),
            stat: self.stat,
        }
    }
}

/// The directory and the name in it of a path that is written plainly: absolute, every component
/// one that goes down.
fn split_last(path: &[u8]) -> Option<(&[u8], &[u8])> {
    if path.len() >= MAX_PATH || !path.starts_with(b"/") {
        return None;
    }
    let cut = path.iter().rposition(|&b| b == b'/')?;
    let (above, name) = (&path[..cut.max(1)], &path[cut + 1..]);
    let goes_down = !matches!(name, b"" | b"." | b"..");
    (goes_down && above.iter().filter(|&&b| b == b'/').count() < PLAIN).then_some((above, name))
}

/// Puts the components of `path` before those still to be walked. A `/` at the end is kept as
/// `.`: the kernel then follows a link, and refuses what is no directory.
fn push_front(todo: &mut VecDeque<Vec<u8>>, path: &[u8]) -> Result<(), LookupError> {
    if path.len() >= MAX_PATH {
        return Err(LookupError::TooLong);
    }
    if path.len() > 1 && path.ends_with(b"/") {
        todo.push_front(b".".to_vec());
    }
    for part in path.split(|&b| b == b'/').rev() {
        if !part.is_empty() {
            todo.push_front(part.to_vec());
        }
    }
    Ok(())
}
