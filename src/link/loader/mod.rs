//! Libraries exactly as the loader finds them, without running it: `ld.so(8)` of glibc and musl's
//! `ldso/dynlink.c`, inside a root.
//!
//! [`Loader`] holds what many programs share: directories, headers of libraries, caches, what each
//! loader was built with. [`Loader::run`] does for one program what the kernel and the loader do
//! when it starts, up to the point where code of the program would run.

mod binary;
mod check;
mod cpu;
mod diagnose;
mod discover;
mod everywhere;
mod glibc;
mod listing;
mod musl;
mod open;
mod outcome;
mod profile;
mod rows;
mod search;
mod start;
mod token;
mod words;

pub use binary::Binary;
pub use cpu::Cpu;
pub use diagnose::Shelf;
pub use discover::Discovered;
pub use listing::{Listing, Row};
pub use outcome::{Asked, By, Needed, Opened, Outcome, Phase, Problem, Shadow, Verdict};
pub use profile::{Family, Profile};
pub use words::Shape;

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock, RwLock};

use crate::parse::ld_cache::Cache;
use crate::tree::{Root, View, Who};

/// A file's identity: device and inode.
pub type Id = (u64, u64);

/// Caches by path and byte order.
type Caches = BTreeMap<(Vec<u8>, bool), Option<Arc<Cache>>>;

/// The loaders of a root, and what they have seen of it.
#[derive(Debug)]
pub struct Loader<'r> {
    view: View<'r>,
    binaries: RwLock<BTreeMap<Id, Arc<Binary>>>,
    profiles: RwLock<BTreeMap<Vec<u8>, Option<Arc<Profile>>>>,
    caches: RwLock<Caches>,
    configured: OnceLock<Vec<Vec<u8>>>,
}

/// Who starts the program.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Start {
    /// The kernel; a file that names no loader is given to the usual one, as ldd(1) does.
    #[default]
    Kernel,
    /// The loader, called with the file as its argument.
    Loader,
}

/// What is to be started, and in which surroundings.
#[derive(Clone)]
pub struct Request<'a> {
    /// The file, as it is called; from `cwd` when it is not absolute.
    pub main: Vec<u8>,
    /// The environment. `LD_LIBRARY_PATH` and `LD_PRELOAD` count.
    pub env: BTreeMap<Vec<u8>, Vec<u8>>,
    /// The working directory.
    pub cwd: Vec<u8>,
    /// The user who starts it. Nothing stands for whoever runs this: what that one cannot read is
    /// unreadable, and a program with setuid or setgid bits is taken to be started by others.
    pub who: Option<Who>,
    /// Who starts it.
    pub start: Start,
    /// The processor.
    pub cpu: Cpu,
    /// Whether to look for what each library hides further down the search.
    pub shadows: bool,
    /// Where libraries lie in the tree, to tell what is there but not reached.
    pub shelf: Option<&'a Shelf>,
    /// What its objects open once it has started, in order; asked even where it does not start.
    pub later: Option<Later<'a>>,
}

/// Gives the calls of dlopen(3) that a process makes once it has started.
pub type Later<'a> = &'a (dyn Fn(&Outcome) -> Vec<Open> + Sync);

/// A call of dlopen(3).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Open {
    /// The object that calls, by the path at which it was opened; any other stands for the program.
    pub by: Vec<u8>,
    /// Names that are tried one after the other until one can be opened.
    pub names: Vec<Vec<u8>>,
}

impl Request<'_> {
    /// `main` started by the kernel in `/`, with an empty environment, on this processor.
    #[must_use]
    pub fn new(main: impl Into<Vec<u8>>) -> Self {
        Self {
            main: main.into(),
            env: BTreeMap::new(),
            cwd: b"/".to_vec(),
            who: None,
            start: Start::Kernel,
            cpu: Cpu::of_this_machine(),
            shadows: false,
            shelf: None,
            later: None,
        }
    }

    fn variable(&self, name: &[u8]) -> Option<&[u8]> {
        self.env
            .get(name)
            .map(Vec::as_slice)
            .filter(|value| !value.is_empty())
    }

    /// `path` as an absolute one: from the working directory, by text.
    fn absolute(&self, path: &[u8]) -> Vec<u8> {
        if path.starts_with(b"/") {
            return path.to_vec();
        }
        let mut whole = self.cwd.clone();
        if !whole.ends_with(b"/") {
            whole.push(b'/');
        }
        whole.extend_from_slice(path);
        whole
    }
}

impl<'r> Loader<'r> {
    /// The loaders of `root`; nothing is read yet.
    #[must_use]
    pub fn new(root: &'r Root) -> Self {
        Self {
            view: View::new(root),
            binaries: RwLock::default(),
            profiles: RwLock::default(),
            caches: RwLock::default(),
            configured: OnceLock::new(),
        }
    }

    /// What happens when `request` is started. May be called from many threads at once.
    #[must_use]
    pub fn run(&self, request: &Request<'_>) -> Outcome {
        start::run(self, request)
    }
}
