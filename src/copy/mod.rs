//! The copy of an application's volumes from the old root into the places that the manifests mount.
//!
//! The old root is read through [`crate::tree`] alone, and what is written goes through directories
//! that are held open: on neither side a link leads out. What a volume holds is whole under its name
//! or not there: a file is written under another name first, and a marker beside the volume says
//! that it is unfinished, so that a run that was ended at any moment can be taken up again.

mod descend;
mod entry;
mod file;
mod list;
mod pax;
mod place;
mod rows;
mod stream;
mod twins;
mod verify;
mod volume;
mod weigh;

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::manifest::Fill;
use crate::path::AppPath;
use crate::tree::{LookupError, Root};

pub use stream::{StreamError, stream};
pub use verify::verify;
pub use volume::fill;

/// A volume to fill, and the old root.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    /// The old root.
    pub root: &'a Root,
    /// The volume.
    pub fill: &'a Fill,
    /// Whether other local filesystems that are mounted below its path are entered.
    pub all_filesystems: bool,
    /// Paths inside the root that are left out.
    pub exclude: &'a [AppPath],
}

/// Where a volume is on this host: a name in a directory. Its list is beside it, and the marker
/// while it is unfinished.
#[derive(Debug)]
pub struct Target {
    parent: place::Place,
    name: Vec<u8>,
    /// Whether a volume is finished only when all of it is on the disk. The system writes to the disk
    /// when it likes, and what it has not yet written is lost when the power fails, but not when the
    /// program is killed.
    pub is_synced: bool,
}

/// What became of a volume.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Done {
    /// The old content is in it.
    Copied,
    /// It was made, and begins empty.
    Made,
    /// An earlier run has filled it.
    Before,
    /// It is as its list says.
    Verified,
    /// It is not what it should be; the troubles say why.
    Failed,
    /// The run was ended; a second one goes on where it stopped.
    Interrupted,
}

/// Something that went wrong with one path.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Trouble {
    /// The path, as the application sees it.
    pub path: AppPath,
    /// What went wrong.
    pub message: String,
}

/// What came of one volume.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// What became of it.
    pub done: Done,
    /// Entries in it.
    pub entries: u64,
    /// Bytes of its regular files.
    pub bytes: u64,
    /// What went wrong, in the order of paths.
    pub troubles: Vec<Trouble>,
    /// What is no failure, and worth knowing.
    pub notes: Vec<Trouble>,
}

/// How far a run has come, for a display; and the wish to end it.
#[derive(Debug, Default)]
pub struct Progress {
    /// Entries done.
    pub entries: AtomicU64,
    /// Bytes read.
    pub bytes: AtomicU64,
    /// Bytes that are to be read, as far as that is known.
    pub expected: AtomicU64,
    /// Set to end the run.
    pub stop: AtomicBool,
}

impl Progress {
    fn stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    fn read(&self, bytes: usize) {
        self.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }
}

impl Target {
    /// The volume `name` in the directory `parent` of this host.
    ///
    /// # Errors
    /// When there is no such directory.
    pub fn open(parent: &Path, name: &str) -> Result<Self, LookupError> {
        Ok(Self {
            parent: place::Place::open_host(parent)?,
            name: name.as_bytes().to_vec(),
            is_synced: false,
        })
    }

    /// The marker of an unfinished volume.
    fn marker(&self) -> Vec<u8> {
        [b".", self.name.as_slice(), b".migrating"].concat()
    }

    /// The list of a finished one.
    fn list(&self) -> Vec<u8> {
        [self.name.as_slice(), b".mtree"].concat()
    }
}

impl Source<'_> {
    /// A path of the volume as the application sees it.
    fn path(&self, below: &[u8]) -> AppPath {
        if below.is_empty() {
            return self.fill.path.clone();
        }
        self.fill.path.join(below)
    }

    fn trouble(&self, below: &[u8], message: impl Into<String>) -> Trouble {
        Trouble {
            path: self.path(below),
            message: message.into(),
        }
    }
}
