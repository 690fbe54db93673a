//! Single steps from a directory that is held open: no step follows a link, and none leaves it.

use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::{AtFlags, FileType, Mode, OFlags, RawDir, StatxFlags};
use rustix::io::{Errno, retry_on_intr};

use crate::fact::{Kind, Stat};

/// The most names that are read of one directory: far more than a directory in use has, and an
/// end to one that a damaged filesystem turns into a ring.
pub(super) const MAX_NAMES: usize = 4 << 20;

/// Bytes asked for in one getdents64(2).
const DIR_BUFFER: usize = 32 << 10;

/// The names in a directory, without `.` and `..`, in the order of the disk.
#[derive(Debug, Default)]
pub(super) struct Names {
    pub(super) names: Vec<Name>,
    /// Why there are not more of them.
    pub(super) cut: Option<Cut>,
}

/// A name in a directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Name {
    pub(super) name: Box<[u8]>,
    /// What the directory says that it is (`d_type`, readdir(3)); not every filesystem says it.
    pub(super) kind: Option<Kind>,
}

/// Why a directory was not read to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cut {
    /// The medium failed.
    Failed(Errno),
    /// [`MAX_NAMES`] was reached.
    TooMany,
    /// A name that no name can be: empty, or with a `/`. A later step would take it for a path
    /// and leave the directory; only a damaged or hostile filesystem has one.
    Forged,
}

/// Reads a directory that was opened for it and not read before.
pub(super) fn names(dir: &OwnedFd) -> Names {
    let mut found = Names::default();
    let mut buffer = [const { MaybeUninit::uninit() }; DIR_BUFFER];
    let mut entries = RawDir::new(dir, &mut buffer);
    while let Some(entry) = entries.next() {
        let entry = match entry {
            Ok(entry) => entry,
            Err(errno) => {
                found.cut = Some(Cut::Failed(errno));
                break;
            }
        };
        let name = entry.file_name().to_bytes();
        if name == b"." || name == b".." {
            continue;
        }
        if name.is_empty() || name.contains(&b'/') {
            found.cut = found.cut.or(Some(Cut::Forged));
        } else if found.names.len() < MAX_NAMES {
            found.names.push(Name {
                name: Box::from(name),
                kind: kind_of(entry.file_type()),
            });
        } else {
            found.cut = Some(Cut::TooMany);
            break;
        }
    }
    found
}

/// The text of a symbolic link.
pub(super) fn read_link(dir: &OwnedFd, name: &[u8]) -> Result<Vec<u8>, Errno> {
    Ok(rustix::fs::readlinkat(dir, name, Vec::new())?.into_bytes())
}

/// The text of the symbolic link that is open as a place (readlinkat(2), empty pathname): what was
/// looked at is what is read, whatever stands in its place by now.
pub(super) fn read_open_link(link: &OwnedFd) -> Result<Vec<u8>, Errno> {
    read_link(link, b"")
}

/// Opens a directory for reading.
pub(super) fn open_dir_at(dir: &OwnedFd, name: &[u8]) -> Result<OwnedFd, Errno> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    retry_on_intr(|| rustix::fs::openat(dir, name, flags, Mode::empty()))
}

/// Opens anything as a place only: nothing is read or mounted by it (open(2), `O_PATH`).
pub(super) fn open_place_at(dir: impl AsFd, name: &[u8]) -> Result<OwnedFd, Errno> {
    let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    retry_on_intr(|| rustix::fs::openat(&dir, name, flags, Mode::empty()))
}

/// What the disk says about `name` in `dir`, without following a link.
pub(super) fn stat_at(dir: impl AsFd, name: &[u8]) -> Result<Stat, Errno> {
    stat_with(&dir, name, AtFlags::SYMLINK_NOFOLLOW)
}

/// What the disk says about what is open.
pub(super) fn stat_of(fd: impl AsFd) -> Result<Stat, Errno> {
    stat_with(&fd, b"", AtFlags::EMPTY_PATH)
}

/// Cached attributes will do and nothing is mounted for it: asking must not hang on a network
/// filesystem whose server is gone.
fn stat_with(dir: impl AsFd, name: &[u8], flags: AtFlags) -> Result<Stat, Errno> {
    let quick = flags | AtFlags::NO_AUTOMOUNT | AtFlags::STATX_DONT_SYNC;
    match retry_on_intr(|| rustix::fs::statx(&dir, name, quick, StatxFlags::BASIC_STATS)) {
        Ok(stat) => Ok(from_statx(&stat)),
        // statx(2) came with Linux 4.11; some sandboxes still refuse it.
        Err(Errno::NOSYS) => rustix::fs::statat(dir, name, flags | AtFlags::NO_AUTOMOUNT)
            .map(|stat| from_stat(&stat)),
        Err(errno) => Err(errno),
    }
}

fn kind(mode: u32) -> Kind {
    kind_of(FileType::from_raw_mode(mode)).unwrap_or(Kind::File)
}

fn kind_of(kind: FileType) -> Option<Kind> {
    match kind {
        FileType::RegularFile => Some(Kind::File),
        FileType::Directory => Some(Kind::Dir),
        FileType::Symlink => Some(Kind::Link),
        FileType::Fifo => Some(Kind::Fifo),
        FileType::Socket => Some(Kind::Socket),
        FileType::CharacterDevice => Some(Kind::CharDevice),
        FileType::BlockDevice => Some(Kind::BlockDevice),
        _ => None,
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
pub(super) fn from_stat(stat: &rustix::fs::Stat) -> Stat {
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
