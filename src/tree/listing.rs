//! A directory that is held open with its entries in order, so that a tree can be gone through from
//! the top to the bottom, one directory at a time, in the same order every time.

use std::os::fd::OwnedFd;
use std::sync::Arc;

use super::file::{File, open_seen};
use super::root::{LookupError, Root};
use super::step::{Cut, names, open_dir_at, read_link, stat_at};
use crate::fact::{Kind, Stat};
use crate::path::AppPath;

/// An open directory.
pub struct Listing {
    fd: Arc<OwnedFd>,
    /// Its entries by name.
    pub entries: Vec<(Vec<u8>, Stat)>,
}

impl Root {
    /// Opens a directory by a way on which no link may stand.
    ///
    /// # Errors
    /// When there is none, or it cannot be read to its end.
    pub fn enter(&self, real: &AppPath) -> Result<Listing, LookupError> {
        let depth = real.depth();
        if depth < self.above() {
            // Above a tree that will live elsewhere there is nothing but the way to it.
            let entries = self.list(real.as_bytes())?;
            let fd = self.open_real_dir(real).map_err(LookupError::from_errno)?;
            let fd = Arc::new(fd);
            return Ok(Listing { fd, entries });
        }
        let fd = self.open_real_dir(real).map_err(LookupError::from_errno)?;
        Listing::read(fd)
    }
}

impl Listing {
    fn read(fd: OwnedFd) -> Result<Self, LookupError> {
        let found = names(&fd);
        match found.cut {
            Some(Cut::Failed(errno)) => return Err(LookupError::from_errno(errno)),
            Some(Cut::TooMany) => {
                return Err(LookupError::Other(rustix::io::Errno::TOOBIG));
            }
            Some(Cut::Forged) | None => {}
        }
        let mut entries = Vec::with_capacity(found.names.len());
        for name in found.names {
            match stat_at(&fd, &name.name) {
                Ok(stat) => entries.push((name.name.into_vec(), stat)),
                // Removed since it was listed.
                Err(rustix::io::Errno::NOENT) => {}
                Err(errno) => return Err(LookupError::from_errno(errno)),
            }
        }
        entries.sort();
        let fd = Arc::new(fd);
        Ok(Self { fd, entries })
    }

    /// What the disk says about an entry.
    #[must_use]
    pub fn get(&self, name: &[u8]) -> Option<Stat> {
        let at = self
            .entries
            .binary_search_by(|(known, _)| known.as_slice().cmp(name))
            .ok()?;
        self.entries.get(at).map(|(_, stat)| *stat)
    }

    /// Opens a directory in it.
    ///
    /// # Errors
    /// When it is none any more, or cannot be read to its end.
    pub fn enter(&self, name: &[u8]) -> Result<Self, LookupError> {
        Self::read(open_dir_at(&self.fd, name).map_err(LookupError::from_errno)?)
    }

    /// Opens a regular file in it.
    ///
    /// # Errors
    /// When it cannot be opened, or is none any more.
    pub fn open(&self, name: &[u8]) -> Result<File, LookupError> {
        let is_file = |stat: Stat| stat.kind == Kind::File;
        match stat_at(&self.fd, name).map(is_file) {
            Ok(true) => open_seen(&self.fd, name),
            Ok(false) => Err(LookupError::Special),
            Err(errno) => Err(LookupError::from_errno(errno)),
        }
    }

    /// The text of a symbolic link in it.
    ///
    /// # Errors
    /// When it is none any more.
    pub fn link(&self, name: &[u8]) -> Result<Vec<u8>, LookupError> {
        read_link(&self.fd, name).map_err(LookupError::from_errno)
    }
}
