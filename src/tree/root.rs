//! A root filesystem, and paths resolved inside it.

use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::fs::{AtFlags, FileType, Mode, OFlags, StatxFlags};
use rustix::io::Errno;

use crate::fact::{Kind, Stat};
use crate::parse::read::ReadAt;
use crate::path::AppPath;

/// The number of symbolic links that one lookup may follow (`path_resolution(7)`).
const MAX_LINKS: usize = 40;

/// `PATH_MAX` of the kernel: no program can name a longer path.
pub(super) const MAX_PATH: usize = 4096;

/// The filesystem that is audited.
#[derive(Debug)]
pub struct Root {
    top: OwnedFd,
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
    /// Anything else.
    #[error("{0}")]
    Other(#[from] Errno),
}

impl LookupError {
    fn from_errno(errno: Errno) -> Self {
        match errno {
            Errno::NOENT => Self::Absent,
            Errno::NOTDIR => Self::NotDirectory,
            Errno::LOOP => Self::Loop,
            Errno::NAMETOOLONG => Self::TooLong,
            Errno::ACCESS | Errno::PERM => Self::Denied,
            other => Self::Other(other),
        }
    }
}

/// An open regular file.
#[derive(Debug)]
pub struct File {
    fd: OwnedFd,
    stat: Stat,
}

impl File {
    /// What the disk said about it when it was opened.
    #[must_use]
    pub fn stat(&self) -> &Stat {
        &self.stat
    }

    /// Whether size, time and identity are still those of the moment it was opened.
    #[must_use]
    pub fn unchanged(&self) -> bool {
        fstat(&self.fd).is_ok_and(|stat| {
            (stat.size, stat.mtime, stat.id) == (self.stat.size, self.stat.mtime, self.stat.id)
        })
    }

    /// An extended attribute's value, if it is there and at most `limit` bytes long.
    #[must_use]
    pub fn xattr(&self, name: &str, limit: usize) -> Option<Vec<u8>> {
        let mut buffer = vec![0; limit];
        let got = rustix::fs::fgetxattr(&self.fd, name, &mut buffer[..]).ok()?;
        buffer.truncate(got);
        Some(buffer)
    }
}

impl ReadAt for File {
    fn len(&self) -> u64 {
        self.stat.size
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let mut done = 0;
        while done < buffer.len() {
            match rustix::io::pread(&self.fd, &mut buffer[done..], offset + done as u64) {
                Ok(0) => break,
                Ok(n) => done += n,
                Err(Errno::INTR) => {}
                Err(errno) => return Err(errno.into()),
            }
        }
        Ok(done)
    }
}

/// A place reached by a lookup: the directories that lead to it, held open, and the entry.
struct Place {
    parents: Vec<(OwnedFd, Vec<u8>)>,
    stat: Stat,
}

impl Root {
    /// Opens the directory `host` of this machine as a root.
    ///
    /// # Errors
    /// When it cannot be opened, or is no directory.
    pub fn open(host: &Path) -> io::Result<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let top = rustix::fs::open(host, flags, Mode::empty())?;
        Ok(Self { top })
    }

    /// Where `path` leads when every link is followed. `..` after a link is the parent of where
    /// the link leads, as in the kernel.
    ///
    /// # Errors
    /// When it leads nowhere.
    pub fn resolve(&self, path: impl AsRef<[u8]>) -> Result<Node, LookupError> {
        self.place(path.as_ref(), true).map(|place| place.node())
    }

    /// As [`Root::resolve`], but a link at the end stands for itself.
    ///
    /// # Errors
    /// When it leads nowhere.
    pub fn lookup(&self, path: impl AsRef<[u8]>) -> Result<Node, LookupError> {
        self.place(path.as_ref(), false).map(|place| place.node())
    }

    /// The text of a symbolic link.
    ///
    /// # Errors
    /// When there is none at `path`.
    pub fn link_target(&self, path: impl AsRef<[u8]>) -> Result<Vec<u8>, LookupError> {
        let place = self.place(path.as_ref(), false)?;
        let (dir, name) = self.last_step(&place);
        read_link(dir, &name).map_err(LookupError::from_errno)
    }

    /// Opens a regular file.
    ///
    /// # Errors
    /// When it leads nowhere, or to something else than a regular file.
    pub fn open_file(&self, path: impl AsRef<[u8]>) -> Result<File, LookupError> {
        let place = self.place(path.as_ref(), true)?;
        if place.stat.kind != Kind::File {
            return Err(LookupError::Special);
        }
        let (dir, name) = self.last_step(&place);
        open_regular(dir, &name)
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
    /// When it leads nowhere, or to no directory.
    pub fn list(&self, path: impl AsRef<[u8]>) -> Result<Vec<(Vec<u8>, Stat)>, LookupError> {
        let (fd, _) = self.open_dir(path.as_ref())?;
        let mut entries = Vec::new();
        for name in names(&fd).map_err(LookupError::from_errno)? {
            if let Ok(stat) = stat_at(&fd, &name) {
                entries.push((name, stat));
            }
        }
        entries.sort();
        Ok(entries)
    }

    /// Opens a directory for reading, and says where it really is.
    pub(super) fn open_dir(&self, path: &[u8]) -> Result<(OwnedFd, Node), LookupError> {
        let place = self.place(path, true)?;
        if place.stat.kind != Kind::Dir {
            return Err(LookupError::NotDirectory);
        }
        let (dir, name) = self.last_step(&place);
        let name = if name.is_empty() { b".".to_vec() } else { name };
        let fd = open_dir_at(dir, &name).map_err(LookupError::from_errno)?;
        Ok((fd, place.node()))
    }

    /// The directory that holds the place, and its name there; an empty name for the top.
    fn last_step<'a>(&'a self, place: &'a Place) -> (&'a OwnedFd, Vec<u8>) {
        match place.parents.len() {
            0 => (&self.top, Vec::new()),
            1 => (&self.top, place.parents[0].1.clone()),
            n => (&place.parents[n - 2].0, place.parents[n - 1].1.clone()),
        }
    }

    fn place(&self, path: &[u8], follow_last: bool) -> Result<Place, LookupError> {
        let mut todo: VecDeque<Vec<u8>> = VecDeque::new();
        push_front(&mut todo, path)?;
        let mut place = Place {
            parents: Vec::new(),
            stat: fstat(&self.top).map_err(LookupError::from_errno)?,
        };
        let mut links = 0;
        while let Some(name) = todo.pop_front() {
            if place.stat.kind != Kind::Dir {
                return Err(LookupError::NotDirectory);
            }
            if name == b".." {
                place.parents.pop();
                let here = place.parents.last().map_or(&self.top, |(fd, _)| fd);
                place.stat = fstat(here).map_err(LookupError::from_errno)?;
                continue;
            }
            let here = place.parents.last().map_or(&self.top, |(fd, _)| fd);
            let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            let fd = rustix::fs::openat(here, &name[..], flags, Mode::empty())
                .map_err(LookupError::from_errno)?;
            let stat = fstat(&fd).map_err(LookupError::from_errno)?;
            if stat.kind == Kind::Link && (follow_last || !todo.is_empty()) {
                links += 1;
                if links > MAX_LINKS {
                    return Err(LookupError::Loop);
                }
                let target = read_link(here, &name).map_err(LookupError::from_errno)?;
                if target.starts_with(b"/") {
                    place.parents.clear();
                }
                push_front(&mut todo, &target)?;
                let here = place.parents.last().map_or(&self.top, |(fd, _)| fd);
                place.stat = fstat(here).map_err(LookupError::from_errno)?;
                continue;
            }
            place.parents.push((fd, name));
            place.stat = stat;
        }
        Ok(place)
    }
}

impl Place {
    fn node(&self) -> Node {
        let mut real = Vec::new();
        for (_, name) in &self.parents {
            real.push(b'/');
            real.extend_from_slice(name);
        }
        Node {
            real: AppPath::new(real),
            stat: self.stat,
        }
    }
}

fn push_front(todo: &mut VecDeque<Vec<u8>>, path: &[u8]) -> Result<(), LookupError> {
    if path.len() > MAX_PATH {
        return Err(LookupError::TooLong);
    }
    for part in path.split(|&b| b == b'/').rev() {
        if !part.is_empty() && part != b"." {
            todo.push_front(part.to_vec());
        }
    }
    Ok(())
}

/// The names in a directory, without `.` and `..`, in the order of the disk.
pub(super) fn names(dir: &OwnedFd) -> Result<Vec<Vec<u8>>, Errno> {
    let mut names = Vec::new();
    for entry in rustix::fs::Dir::read_from(dir)? {
        let entry = entry?;
        let name = entry.file_name().to_bytes();
        if name != b"." && name != b".." {
            names.push(name.to_vec());
        }
    }
    Ok(names)
}

pub(super) fn read_link(dir: &OwnedFd, name: &[u8]) -> Result<Vec<u8>, Errno> {
    Ok(rustix::fs::readlinkat(dir, name, Vec::new())?.into_bytes())
}

pub(super) fn open_dir_at(dir: &OwnedFd, name: &[u8]) -> Result<OwnedFd, Errno> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    rustix::fs::openat(dir, name, flags, Mode::empty())
}

/// Opens the regular file `name` of `dir`. What is not regular is never opened for reading:
/// opening a device can have effects, and a FIFO would block.
pub(super) fn open_regular(dir: &OwnedFd, name: &[u8]) -> Result<File, LookupError> {
    // Without O_NOATIME a read could change the access time; only the owner and root may ask for
    // it (open(2)), so the first refusal ends the asking.
    static NOATIME_REFUSED: AtomicBool = AtomicBool::new(false);

    if stat_at(dir, name).map_err(LookupError::from_errno)?.kind != Kind::File {
        return Err(LookupError::Special);
    }
    let flags =
        OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let open = |flags| rustix::fs::openat(dir, name, flags, Mode::empty());
    let fd = if NOATIME_REFUSED.load(Ordering::Relaxed) {
        open(flags)
    } else {
        match open(flags | OFlags::NOATIME) {
            Err(Errno::PERM) => {
                NOATIME_REFUSED.store(true, Ordering::Relaxed);
                open(flags)
            }
            other => other,
        }
    }
    .map_err(LookupError::from_errno)?;
    let stat = fstat(&fd).map_err(LookupError::from_errno)?;
    if stat.kind != Kind::File {
        return Err(LookupError::Special);
    }
    Ok(File { fd, stat })
}

/// What the disk says about `name` in `dir`, without following a link.
///
/// Cached attributes will do and nothing is mounted for it: asking must not hang on a network
/// filesystem whose server is gone.
pub(super) fn stat_at(dir: impl AsFd, name: &[u8]) -> Result<Stat, Errno> {
    let flags = AtFlags::SYMLINK_NOFOLLOW | AtFlags::NO_AUTOMOUNT | AtFlags::STATX_DONT_SYNC;
    match rustix::fs::statx(&dir, name, flags, StatxFlags::BASIC_STATS) {
        Ok(stat) => Ok(from_statx(&stat)),
        // statx(2) came with Linux 4.11.
        Err(Errno::NOSYS) => {
            rustix::fs::statat(dir, name, AtFlags::SYMLINK_NOFOLLOW).map(|stat| from_stat(&stat))
        }
        Err(errno) => Err(errno),
    }
}

fn fstat(fd: &OwnedFd) -> Result<Stat, Errno> {
    rustix::fs::fstat(fd).map(|stat| from_stat(&stat))
}

fn kind(mode: u32) -> Kind {
    match FileType::from_raw_mode(mode) {
        FileType::Directory => Kind::Dir,
        FileType::Symlink => Kind::Link,
        FileType::Fifo => Kind::Fifo,
        FileType::Socket => Kind::Socket,
        FileType::CharacterDevice => Kind::CharDevice,
        FileType::BlockDevice => Kind::BlockDevice,
        _ => Kind::File,
    }
}

fn from_statx(stat: &rustix::fs::Statx) -> Stat {
    let mode = u32::from(stat.stx_mode);
    Stat {
        kind: kind(mode),
        size: stat.stx_size,
        allocated: stat.stx_blocks.saturating_mul(512),
        mode: mode & 0o7777,
        uid: stat.stx_uid,
        gid: stat.stx_gid,
        mtime: stat.stx_mtime.tv_sec,
        id: (
            rustix::fs::makedev(stat.stx_dev_major, stat.stx_dev_minor),
            stat.stx_ino,
        ),
        links: u64::from(stat.stx_nlink),
    }
}

// The widths of these fields differ from one architecture to another.
#[allow(clippy::unnecessary_cast, clippy::useless_conversion)]
fn from_stat(stat: &rustix::fs::Stat) -> Stat {
    Stat {
        kind: kind(stat.st_mode),
        size: u64::try_from(stat.st_size).unwrap_or(0),
        allocated: u64::try_from(stat.st_blocks)
            .unwrap_or(0)
            .saturating_mul(512),
        mode: stat.st_mode & 0o7777,
        uid: stat.st_uid,
        gid: stat.st_gid,
        mtime: stat.st_mtime as i64,
        id: (u64::from(stat.st_dev), u64::from(stat.st_ino)),
        links: stat.st_nlink as u64,
    }
}
