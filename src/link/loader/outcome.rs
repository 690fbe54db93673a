//! What came of a start: types only.

use std::sync::Arc;

use serde::Serialize;

use super::Id;
use super::profile::Profile;
use crate::fact::{Certainty, Fact, LibraryStatus, Locus, What};
use crate::parse::elf::Ask;
use crate::path::{AppPath, escape};

/// What happens when a file is started.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Every library is found: its code begins to run.
    Starts,
    /// A library is not found.
    Missing,
    /// The loader stops: at an unfit file, a missing version, or at the program itself.
    Aborts,
    /// The loader that it names is not there.
    NoInterpreter,
    /// It needs no loader.
    Static,
    /// It cannot be read, or is no ELF file.
    Unreadable,
}

/// Where in the search a library was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// The name is a path.
    Path,
    /// `DT_RPATH`.
    Rpath,
    /// `LD_LIBRARY_PATH`.
    LdLibraryPath,
    /// `DT_RUNPATH`.
    Runpath,
    /// The loader's cache.
    Cache,
    /// musl's list of directories.
    PathFile,
    /// The directories that the loader was built with.
    Default,
    /// The loader itself takes its place.
    Builtin,
}

/// Who put the directory into the search.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct By {
    /// The object whose tag it is; absent for what belongs to no object.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub object: Option<String>,
    /// `DT_RPATH`, `DT_RUNPATH`, `LD_LIBRARY_PATH`, the path of the cache, …
    pub tag: String,
}

/// What asked for a library.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Asked {
    /// A tag of an object.
    Object(Ask),
    /// `LD_PRELOAD`.
    Environment,
    /// `/etc/ld.so.preload`.
    PreloadFile,
    /// A call of dlopen(3).
    Open,
}

/// A file of the same name further down the search.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shadow {
    /// The path by which it would be opened.
    pub path: Vec<u8>,
    /// The file behind that path.
    pub real: AppPath,
    /// The part of the search.
    pub phase: Phase,
}

/// A library that is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Needed {
    /// The name by which it was asked for first, its tokens replaced.
    pub name: Vec<u8>,
    /// What became of it.
    pub status: LibraryStatus,
    /// The path by which the loader opens it, as the loader spells it; of one at which the loader
    /// stops too.
    pub path: Option<Vec<u8>>,
    /// The file behind that path.
    pub real_path: Option<AppPath>,
    /// Its device and inode.
    pub id: Option<Id>,
    /// Where in the search it was found.
    pub phase: Option<Phase>,
    /// Who put the directory into the search.
    pub by: Option<By>,
    /// How it was asked for first.
    pub asked: Asked,
    /// The objects that ask for it, by path, the first one first.
    pub needed_by: Vec<Vec<u8>>,
    /// What it hides; only filled when that was wanted.
    pub shadows: Vec<Shadow>,
    /// Files of that name in the tree, where the loader does not look.
    pub elsewhere: Vec<AppPath>,
    /// How it was found, or why not and what would help, in words.
    pub how: String,
    /// Whether the program starts without it: an auxiliary or preloaded object.
    pub optional: bool,
}

impl Needed {
    /// A library that is asked for and not yet found.
    pub(super) fn missing(name: &[u8], asked: Asked, by: Option<&[u8]>, optional: bool) -> Self {
        Self {
            name: name.to_vec(),
            status: LibraryStatus::Missing,
            path: None,
            real_path: None,
            id: None,
            phase: None,
            by: None,
            asked,
            needed_by: by.map(<[u8]>::to_vec).into_iter().collect(),
            shadows: Vec::new(),
            elsewhere: Vec::new(),
            how: String::new(),
            optional,
        }
    }

    /// The path by which the loader opens it, or where that is relative, or climbs, which text
    /// alone cannot follow, the path of the file behind it.
    #[must_use]
    pub fn app_path(&self) -> Option<AppPath> {
        let plain = |path: &&Vec<u8>| {
            path.starts_with(b"/") && !path.split(|&b| b == b'/').any(|part| part == b"..")
        };
        match self.path.as_ref().filter(plain) {
            Some(path) => Some(AppPath::new(path)),
            None => self.real_path.clone(),
        }
    }
}

/// Something that ends the start besides a library that is not found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The object that has it, by path.
    pub object: Vec<u8>,
    /// In the loader's words, where it has some.
    pub message: String,
}

/// What came of a start.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The file as it was asked for, absolute.
    pub file: AppPath,
    /// What happens.
    pub verdict: Verdict,
    /// Why, where the libraries do not show it.
    pub problems: Vec<Problem>,
    /// The loader.
    pub loader: Option<Arc<Profile>>,
    /// Whether it runs with raised privileges, so that the environment counts little.
    pub secure: bool,
    /// Its libraries in the order in which they are loaded; without the loader itself.
    pub libraries: Vec<Needed>,
    /// What came of each call that [`Request::later`] gave, in their order; nothing where it does
    /// not start.
    ///
    /// [`Request::later`]: super::Request::later
    pub opened: Vec<Opened>,
}

/// What came of a call of dlopen(3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opened {
    /// What was opened, or the first of the names when none could be; nothing where the loader
    /// or the program itself answers to the name.
    pub library: Option<Needed>,
    /// What it brings with it that was not loaded before.
    pub brings: Vec<Needed>,
}

impl Outcome {
    pub(super) fn bare(file: AppPath, verdict: Verdict) -> Self {
        Self {
            file,
            verdict,
            problems: Vec::new(),
            loader: None,
            secure: false,
            libraries: Vec::new(),
            opened: Vec::new(),
        }
    }

    pub(super) fn because(mut self, message: impl Into<String>) -> Self {
        let object = self.file.as_bytes().to_vec();
        let message = message.into();
        self.problems.push(Problem { object, message });
        self
    }

    /// The libraries as facts about the file.
    #[must_use]
    pub fn facts(&self) -> Vec<Fact> {
        let fact = |needed: &Needed| Fact {
            at: Locus::file(&self.file),
            what: What::Library {
                name: escape(&needed.name).into_owned(),
                status: needed.status,
                path: needed.app_path(),
                how: needed.how.clone(),
            },
            certainty: Certainty::Observed,
        };
        self.libraries.iter().map(fact).collect()
    }
}
