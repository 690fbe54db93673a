//! A directory that is held open with its entries in order, so that a tree can be gone through from
//! the top to the bottom, one directory at a time, in the same order every time.

use std::os::fd::OwnedFd;
use std::sync::Arc;

use rayon::prelude::*;

use super::file::{File, open_seen};
use super::root::{LookupError, Root};
use super::step::{Cut, Name, names, open_dir_at, read_link, stat_at};
use crate::fact::Stat;
use crate::path::AppPath;

/// As many entries are worth another thread.
const MANY: usize = 128;

/// An open directory with what is in it.
pub struct Listing {
    /// The directory.
    pub dir: OpenDir,
    /// Its entries by name.
    pub entries: Vec<(Vec<u8>, Stat)>,
}

/// A directory that is held open for as long as somebody has it.
#[derive(Clone, Debug)]
pub struct OpenDir(Arc<OwnedFd>);

impl Root {
    /// Opens a directory by a way on which no link may stand.
    ///
    /// # Errors
    /// When there is none, or it cannot be read to its end.
    pub fn enter(&self, real: &AppPath) -> Result<Listing, LookupError> {
        self.may_enter(real)?;
        let depth = real.depth();
        if depth < self.above() {
            // Above a tree that will live elsewhere there is nothing but the way to it.
            let entries = self.list(real.as_bytes())?;
            let fd = self.open_real_dir(real).map_err(LookupError::from_errno)?;
            let dir = OpenDir(Arc::new(fd));
            return Ok(Listing { dir, entries });
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
        let entry = |name: Name| match stat_at(&fd, &name.name) {
            Ok(stat) => Some(Ok((name.name.into_vec(), stat))),
            // Removed since it was listed.
            Err(rustix::io::Errno::NOENT) => None,
            Err(errno) => Some(Err(LookupError::from_errno(errno))),
        };
        let names = found.names.into_par_iter().with_min_len(MANY);
        let entries: Result<Vec<_>, LookupError> = names.filter_map(entry).collect();
        let mut entries = entries?;
        entries.sort_unstable();
        let dir = OpenDir(Arc::new(fd));
        Ok(Self { dir, entries })
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

    /// Opens a directory in it, which is one of `root`.
    ///
    /// # Errors
    /// When it is none any more, cannot be read to its end, or lies where nothing is looked up.
    pub fn enter(&self, root: &Root, name: &[u8]) -> Result<Self, LookupError> {
        if self.get(name).is_some_and(|stat| root.is_barred(&stat)) {
            return Err(LookupError::NotEntered);
        }
        Self::read(open_dir_at(&self.dir.0, name).map_err(LookupError::from_errno)?)
    }
}

impl OpenDir {
    /// Opens what was listed in it as a regular file.
    ///
    /// # Errors
    /// When it cannot be opened, or is none any more.
    pub fn open(&self, name: &[u8]) -> Result<File, LookupError> {
        open_seen(&self.0, name)
    }

    /// The text of a symbolic link in it.
    ///
    /// # Errors
    /// When it is none any more.
    pub fn link(&self, name: &[u8]) -> Result<Vec<u8>, LookupError> {
        read_link(&self.0, name).map_err(LookupError::from_errno)
    }
}
