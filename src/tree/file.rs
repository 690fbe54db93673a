//! An open regular file: its bytes, and whether they are still those that were opened.

use std::collections::BTreeMap;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::fs::{Mode, OFlags, SeekFrom};
use rustix::io::{Errno, retry_on_intr};

use super::attributes;
use super::root::LookupError;
use super::step::from_stat;
use crate::fact::{Kind, Stat};
use crate::parse::read::ReadAt;

/// The extended attribute that holds the capabilities of a program, and its greatest length
/// (capabilities(7), `struct vfs_ns_cap_data`: 24 bytes).
const CAPABILITY: (&str, usize) = ("security.capability", 24);

/// An open regular file.
#[derive(Debug)]
pub struct File {
    fd: OwnedFd,
    stat: Stat,
    /// The part of a second in the time of last change: two writes often fall into one second.
    fraction: i128,
}

impl File {
    fn new(fd: OwnedFd) -> Result<Self, LookupError> {
        let (stat, fraction) = stat(&fd).map_err(LookupError::from_errno)?;
        if stat.kind != Kind::File {
            return Err(LookupError::Special);
        }
        Ok(Self { fd, stat, fraction })
    }

    /// What the disk said about it when it was opened.
    #[must_use]
    pub fn stat(&self) -> &Stat {
        &self.stat
    }

    /// Whether size, time and identity are still those of the moment it was opened.
    #[must_use]
    pub fn unchanged(&self) -> bool {
        let then = (self.stat.size, self.stat.mtime, self.stat.id, self.fraction);
        stat(&self.fd).is_ok_and(|(now, fraction)| (now.size, now.mtime, now.id, fraction) == then)
    }

    /// An extended attribute's value, if it is there and at most `limit` bytes long.
    #[must_use]
    pub fn xattr(&self, name: &str, limit: usize) -> Option<Vec<u8>> {
        let mut buffer = vec![0; limit];
        let got = rustix::fs::fgetxattr(&self.fd, name, &mut buffer[..]).ok()?;
        buffer.truncate(got);
        Some(buffer)
    }

    /// All extended attributes, by name (xattr(7)); None where they cannot be read. A filesystem
    /// without them has none.
    #[must_use]
    pub fn xattrs(&self) -> Option<BTreeMap<Vec<u8>, Vec<u8>>> {
        attributes::all(
            |names| rustix::fs::flistxattr(&self.fd, names),
            |name, value| rustix::fs::fgetxattr(&self.fd, name, value),
        )
        .ok()
    }

    /// When its content was changed last, as the disk said when it was opened.
    #[must_use]
    pub fn modified(&self) -> (i64, i64) {
        (
            self.stat.mtime,
            i64::try_from(self.fraction).unwrap_or_default(),
        )
    }

    /// Where its data are, as offset and length, between holes (lseek(2), `SEEK_DATA`); None where
    /// it has no holes, or the filesystem does not tell.
    #[must_use]
    pub fn pieces(&self) -> Option<Vec<(u64, u64)>> {
        if self.stat.allocated >= self.stat.size {
            return None;
        }
        let mut pieces = Vec::new();
        let mut at = 0;
        while at < self.stat.size {
            let start = match rustix::fs::seek(&self.fd, SeekFrom::Data(at)) {
                Ok(start) => start.min(self.stat.size),
                // Nothing but a hole follows.
                Err(Errno::NXIO) => break,
                Err(_) => return None,
            };
            let end = rustix::fs::seek(&self.fd, SeekFrom::Hole(start)).ok()?;
            let end = end.min(self.stat.size);
            if end <= start {
                break;
            }
            pieces.push((start, end - start));
            at = end;
        }
        let data: u64 = pieces.iter().map(|(_, length)| length).sum();
        (data < self.stat.size).then_some(pieces)
    }

    /// The capabilities that the kernel grants to a process that runs it, as the disk has them.
    /// Only a file that may be run can have an effect by them, so others are not asked.
    #[must_use]
    pub fn capability(&self) -> Option<Vec<u8>> {
        let (name, limit) = CAPABILITY;
        (self.stat.mode & 0o111 != 0)
            .then(|| self.xattr(name, limit))
            .flatten()
    }
}

impl ReadAt for File {
    fn len(&self) -> u64 {
        self.stat.size
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let mut done = 0;
        while done < buffer.len() {
            let Some(from) = offset.checked_add(done as u64) else {
                break;
            };
            match rustix::io::pread(&self.fd, &mut buffer[done..], from) {
                Ok(0) => break,
                Ok(n) => done += n,
                Err(Errno::INTR) => {}
                // Beyond what an offset can be there is nothing (pread(2)).
                Err(Errno::INVAL) if i64::try_from(from).is_err() => break,
                Err(errno) => return Err(errno.into()),
            }
        }
        Ok(done)
    }
}

/// Opens what was seen to be the regular file `name` of `dir`: opening a device can have effects,
/// and a FIFO would block. Should somebody have put something else in its place since,
/// `O_NONBLOCK` and `O_NOCTTY` keep the opening harmless.
pub(super) fn open_seen(dir: &OwnedFd, name: &[u8]) -> Result<File, LookupError> {
    // Without O_NOATIME a read could change the access time; only the owner and root may ask for
    // it (open(2)), so the first refusal ends the asking.
    static NOATIME_REFUSED: AtomicBool = AtomicBool::new(false);

    let flags =
        OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let open = |flags| retry_on_intr(|| rustix::fs::openat(dir, name, flags, Mode::empty()));
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
    };
    match fd {
        Ok(fd) => File::new(fd),
        // A link now stands there (O_NOFOLLOW), or a socket (open(2), ENXIO).
        Err(Errno::LOOP | Errno::NXIO) => Err(LookupError::Special),
        Err(errno) => Err(LookupError::from_errno(errno)),
    }
}

// The width of the field differs from one architecture to another.
#[allow(clippy::useless_conversion)]
fn stat(fd: &OwnedFd) -> Result<(Stat, i128), Errno> {
    let stat = rustix::fs::fstat(fd)?;
    Ok((from_stat(&stat), i128::from(stat.st_mtime_nsec)))
}
