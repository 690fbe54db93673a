//! A directory that is held open for a copy, and all that a copy keeps of an entry.
//!
//! Every step goes from one open directory to the next and follows no link, so that nobody who
//! writes to the disk meanwhile can lead it elsewhere.

use std::collections::BTreeMap;
use std::os::fd::{AsFd, AsRawFd as _, BorrowedFd, OwnedFd};
use std::path::Path;

use rustix::fs::{AtFlags, Mode, OFlags};
use rustix::io::Errno;

use super::attributes;
use super::file::{File, open_seen};
use super::mounts::Medium;
use super::root::{LookupError, Root};
use super::step::{Cut, from_stat, names, open_dir_at, read_link};
use crate::fact::{IssueKind, Stat};
use crate::path::AppPath;

/// Extended attributes by name.
pub type Attributes = BTreeMap<Vec<u8>, Vec<u8>>;

/// A moment, in seconds since 1970 and nanoseconds.
pub type Moment = (i64, i64);

/// All that the disk says about an entry without opening it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Item {
    /// What any reader of a disk asks.
    pub stat: Stat,
    /// When its content was changed last.
    pub modified: Moment,
    /// When it was read last.
    pub accessed: Moment,
    /// The device that a device file stands for (makedev(3)).
    pub device: u64,
}

/// An open directory.
#[derive(Debug)]
pub struct Folder(OwnedFd);

impl Root {
    /// Opens the directory `real` by a way on which no link may stand.
    ///
    /// # Errors
    /// When there is none.
    pub fn open_folder(&self, real: &AppPath) -> Result<Folder, LookupError> {
        self.may_enter(real)?;
        let fd = self.open_real_dir(real);
        fd.map(Folder).map_err(LookupError::from_errno)
    }

    /// Why a directory is not entered from its parent, if it is not: it lies on a filesystem of
    /// another kind than what is asked for. `all` lets every local one in.
    #[must_use]
    pub fn refusal(&self, stat: &Stat, parent: &Stat, all: bool) -> Option<(IssueKind, String)> {
        self.mounts.refusal(stat.id.0, parent.id.0, all)
    }

    /// Whether an entry is made up by the kernel: reading it can have effects.
    #[must_use]
    pub fn is_pseudo(&self, stat: &Stat) -> bool {
        self.medium(stat) == Some(Medium::Pseudo)
    }
}

impl Folder {
    /// Opens a directory of this host that the user named.
    ///
    /// # Errors
    /// When there is none.
    pub fn open_host(host: &Path) -> Result<Self, LookupError> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let fd = rustix::fs::open(host, flags, Mode::empty());
        fd.map(Self).map_err(LookupError::from_errno)
    }

    /// The directory once more, with a place of its own to read from.
    ///
    /// # Errors
    /// When it cannot be opened again.
    pub fn again(&self) -> Result<Self, LookupError> {
        self.enter(b".")
    }

    /// The names in it, sorted.
    ///
    /// # Errors
    /// When it cannot be read to its end, or a name is none.
    pub fn names(&self) -> Result<Vec<Vec<u8>>, LookupError> {
        let again = open_dir_at(&self.0, b".").map_err(LookupError::from_errno)?;
        let found = names(&again);
        match found.cut {
            Some(Cut::Failed(errno)) => return Err(LookupError::from_errno(errno)),
            Some(Cut::TooMany) => return Err(LookupError::Other(Errno::TOOBIG)),
            Some(Cut::Forged) => return Err(LookupError::Other(Errno::ILSEQ)),
            None => {}
        }
        let names = found.names.into_iter().map(|name| name.name.into_vec());
        let mut names: Vec<_> = names.collect();
        names.sort_unstable();
        Ok(names)
    }

    /// What the disk says about the directory itself.
    ///
    /// # Errors
    /// When the medium fails.
    pub fn item(&self) -> Result<Item, LookupError> {
        let stat = rustix::fs::fstat(&self.0).map_err(LookupError::from_errno)?;
        Ok(item(&stat))
    }

    /// What the disk says about an entry; a link stands for itself.
    ///
    /// # Errors
    /// When there is none.
    pub fn look(&self, name: &[u8]) -> Result<Item, LookupError> {
        let flags = AtFlags::SYMLINK_NOFOLLOW | AtFlags::NO_AUTOMOUNT;
        let stat = rustix::fs::statat(&self.0, name, flags).map_err(LookupError::from_errno)?;
        Ok(item(&stat))
    }

    /// Opens a directory in it.
    ///
    /// # Errors
    /// When it is none.
    pub fn enter(&self, name: &[u8]) -> Result<Self, LookupError> {
        let fd = open_dir_at(&self.0, name);
        fd.map(Self).map_err(LookupError::from_errno)
    }

    /// Opens what was seen in it as a regular file.
    ///
    /// # Errors
    /// When it cannot be opened, or is none any more.
    pub fn open(&self, name: &[u8]) -> Result<File, LookupError> {
        open_seen(&self.0, name)
    }

    /// The text of a symbolic link in it.
    ///
    /// # Errors
    /// When it is none.
    pub fn link(&self, name: &[u8]) -> Result<Vec<u8>, LookupError> {
        read_link(&self.0, name).map_err(LookupError::from_errno)
    }

    /// The extended attributes of the directory itself.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn xattrs(&self) -> Result<Attributes, LookupError> {
        attributes::all(
            |names| rustix::fs::flistxattr(&self.0, names),
            |name, value| rustix::fs::fgetxattr(&self.0, name, value),
        )
        .map_err(LookupError::from_errno)
    }

    /// The extended attributes of an entry that is not opened: a link, a device, a pipe.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn xattrs_of(&self, name: &[u8]) -> Result<Attributes, LookupError> {
        let path = self.way_to(name);
        attributes::all(
            |names| rustix::fs::llistxattr(path.as_slice(), names),
            |key, value| rustix::fs::lgetxattr(path.as_slice(), key, value),
        )
        .map_err(LookupError::from_errno)
    }

    /// A path to an entry for calls that take no open directory: it begins at the open one
    /// (proc_pid_fd(5)), and the last name is not followed by those that begin with `l`.
    #[must_use]
    pub fn way_to(&self, name: &[u8]) -> Vec<u8> {
        let mut path = format!("/proc/self/fd/{}/", self.0.as_raw_fd()).into_bytes();
        path.extend_from_slice(name);
        path
    }
}

impl AsFd for Folder {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

// The widths of these fields differ from one architecture to another.
#[allow(clippy::unnecessary_cast, clippy::useless_conversion)]
fn item(stat: &rustix::fs::Stat) -> Item {
    Item {
        stat: from_stat(stat),
        modified: (stat.st_mtime as i64, stat.st_mtime_nsec as i64),
        accessed: (stat.st_atime as i64, stat.st_atime_nsec as i64),
        device: u64::from(stat.st_rdev),
    }
}
