//! Programs followed as they are started: what each file of a program in a scripting language does, with
//! the directory, home, environment and arguments of its process, and with what its other files say.
//!
//! Everywhere else a file is read by itself. A home-made program mostly has its paths in pieces: a
//! directory in the settings, a default in one file, a name in another.

#[cfg(feature = "scripting")]
mod entry;
#[cfg(feature = "scripting")]
mod files;
#[cfg(feature = "scripting")]
mod index;
#[cfg(feature = "scripting")]
mod java;
#[cfg(feature = "scripting")]
mod programs;
#[cfg(feature = "scripting")]
mod settings;

use std::collections::BTreeSet;

#[cfg(feature = "scripting")]
pub(in crate::link) use self::programs::follow;
use crate::fact::Locus;
use crate::knowledge::places;
use crate::path::AppPath;

/// Endings of pages that a server runs when somebody asks for them.
const PAGES: [&[u8]; 4] = [b".php", b".phtml", b".php5", b".inc"];

/// A command that a start comes to, once the scripts and helpers before it are done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reached {
    /// The start.
    pub(super) at: Locus,
    /// The line that has the command, in the start's own file or a script that it runs.
    pub(super) said: Locus,
    /// The program.
    pub(super) program: AppPath,
    /// Its arguments, with the values that they have.
    pub(super) args: Vec<String>,
}

/// The programs that were followed.
#[derive(Clone, Debug, Default)]
pub struct Followed {
    /// The commands that starts come to.
    pub(super) commands: Vec<Reached>,
    /// Their files.
    pub files: BTreeSet<AppPath>,
    /// Those of the files of which no start says for sure that they open ports: a server loads them, or
    /// nothing tells that they are loaded.
    pub(super) doubtful: BTreeSet<AppPath>,
    /// Directories of the scope of which every start was followed to a program.
    closed: BTreeSet<AppPath>,
    /// Endings of files of which programs load some that their text does not tell, by such a directory.
    open: BTreeSet<(AppPath, Vec<u8>)>,
}

impl Followed {
    /// Whether every start in the tree that a file lies in was followed.
    pub(super) fn is_closed(&self, file: &AppPath) -> bool {
        self.closed.iter().any(|prefix| file.is_within(prefix))
    }

    /// Whether a script takes no part in what is started: nothing that is started in its tree comes to
    /// it, as far as that can be told.
    pub(super) fn leaves_out(&self, file: &AppPath) -> bool {
        let Some(prefix) = self.closed.iter().find(|prefix| file.is_within(prefix)) else {
            return false;
        };
        let name = file.name();
        let is_page = PAGES.iter().any(|ending| name.ends_with(ending));
        let mut open = self.open.iter();
        let may_be_loaded = open.any(|(dir, ending)| dir == prefix && name.ends_with(ending))
            && !places::is_tool(file);
        !self.files.contains(file)
            && !may_be_loaded
            // A server runs every page that somebody asks for.
            && (!is_page || places::is_tool(file))
    }
}
