//! The directories and links that lookups have passed, kept for the next: nearly every path of an
//! application begins with one of a few dozen directories.

use std::collections::BTreeMap;
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex, PoisonError};

use super::walk::open_budget;
use crate::fact::Stat;

/// How many directories are held open at the most; those met first are the ones that all paths
/// share.
const DIRS: usize = 1024;

/// How many links are remembered.
const LINKS: usize = 1024;

/// What stands at a path.
#[derive(Clone, Debug)]
pub(super) enum Held {
    /// A directory, held open.
    Dir(Arc<OwnedFd>, Stat),
    /// A symbolic link, with its text.
    Link(Arc<[u8]>),
}

/// What was passed, by the real path inside the tree. What is removed or made meanwhile is not
/// noticed.
#[derive(Debug)]
pub(super) struct Passed {
    known: Mutex<Known>,
    /// How many directories may be held, so that a low limit of open files (getrlimit(2),
    /// `RLIMIT_NOFILE`) leaves room for the work.
    dirs: usize,
}

impl Default for Passed {
    fn default() -> Self {
        Self {
            known: Mutex::default(),
            dirs: (open_budget() / 2).min(DIRS),
        }
    }
}

#[derive(Debug, Default)]
struct Known {
    dirs: BTreeMap<Box<[u8]>, (Arc<OwnedFd>, Stat)>,
    links: BTreeMap<Box<[u8]>, Arc<[u8]>>,
}

impl Passed {
    pub(super) fn get(&self, real: &[u8]) -> Option<Held> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let dir = known.dirs.get(real);
        let dir = dir.map(|(fd, stat)| Held::Dir(Arc::clone(fd), *stat));
        dir.or_else(|| known.links.get(real).cloned().map(Held::Link))
    }

    pub(super) fn keep(&self, real: &[u8], held: Held) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        match held {
            Held::Dir(fd, stat) if known.dirs.len() < self.dirs => {
                known.dirs.insert(real.into(), (fd, stat));
            }
            Held::Link(text) if known.links.len() < LINKS => {
                known.links.insert(real.into(), text);
            }
            Held::Dir(..) | Held::Link(_) => {}
        }
    }
}
