//! Traces of a running application: logs of strace(1) and of the Linux audit system (auditd(8)),
//! read line by line into what was done to which path, by which program.
//!
//! What is kept does not grow with the log: state is held for living processes only, and what is
//! done again is only counted ([`store`]).

mod audit;
mod calls;
mod deeds;
mod feed;
mod fields;
mod line;
mod numbers;
mod process;
mod read;
mod seen;
pub mod store;
mod strace;
mod template;
#[cfg(test)]
mod tests;

pub use calls::Call;
pub use read::{ReadError, Source, read};
pub use store::{Doer, Store, Use};

use calls::forked;

use crate::path::AppPath;

/// The form of a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Form {
    /// What strace(1) writes.
    Strace,
    /// What auditd(8) writes, or `ausearch -i` (ausearch(8)) makes of it.
    Audit,
}

/// What is done to a path, from the weakest to the strongest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Deed {
    /// A directory that is to be made is there already.
    Names,
    /// It is started as a program.
    Runs,
    /// It is read, or a socket is connected to.
    Reads,
    /// It is removed, or loses its name.
    Removes,
    /// Its owner or mode is set.
    Grants,
    /// It is made.
    Creates,
    /// It is opened for writing, or gets another's place.
    Writes,
}

/// What a path is, where the call tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Shape {
    /// A directory.
    Dir,
    /// Anything else that can be opened.
    File,
    /// A symbolic link.
    Link,
    /// A Unix socket.
    Socket,
}

/// Something that was done to a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Act {
    /// The path.
    pub path: AppPath,
    /// What was done.
    pub deed: Deed,
    /// The system call.
    pub call: Call,
    /// What the path is, where the call tells.
    pub shape: Option<Shape>,
}

/// What is known before a log is read.
#[derive(Clone, Debug)]
pub struct Ground {
    /// Whether a program of this name runs other people's programs; only then the script is looked
    /// for among its arguments.
    pub runs_scripts: fn(&[u8]) -> bool,
    /// The top of the audited root as the tracing host sees it: a program that was traced from
    /// outside of it has this before all its paths.
    pub top: Option<AppPath>,
}

impl Ground {
    /// `path` as the application sees it.
    fn inside(&self, path: AppPath) -> AppPath {
        match self.top.as_ref().and_then(|top| path.below(top)) {
            Some(rest) => AppPath::new(rest),
            None => path,
        }
    }
}

/// What logs tell.
#[derive(Clone, Debug, Default)]
pub struct Trace {
    /// The logs, in the order in which they were named.
    pub logs: Vec<Log>,
    /// What was done, in all of them.
    pub store: Store,
}

/// A log that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Log {
    /// The name by which a report calls it.
    pub name: String,
    /// Its form.
    pub form: Form,
    /// How it was understood.
    pub tally: Tally,
}

/// Where what is read goes.
struct Notes<'a> {
    ground: &'a Ground,
    store: &'a mut Store,
    tally: &'a mut Tally,
    names: &'a mut template::Names,
}

/// How a log was understood.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Lines.
    pub lines: u64,
    /// Lines whose form was not understood.
    pub not_understood: u64,
    /// The numbers of the first of these.
    pub examples: Vec<u64>,
    /// Paths relative to a directory that the log does not tell.
    pub unplaced: u64,
    /// Paths that strace(1) cut.
    pub cut: u64,
    /// Processes, threads included.
    pub processes: u64,
    /// Processes that were forgotten while they may have lived, for there were too many.
    pub forgotten: u64,
}

impl Tally {
    /// How many lines that were not understood are named.
    const NAMED: usize = 5;

    fn misses(&mut self) {
        self.not_understood += 1;
        if self.examples.len() < Self::NAMED {
            self.examples.push(self.lines);
        }
    }
}

/// The form of a log that begins with `head`, by the first lines that tell.
#[must_use]
pub fn recognise(head: &[u8]) -> Option<Form> {
    let lines = head.split(|&b| b == b'\n').take(200);
    let (mut strace, mut audit) = (0u32, 0u32);
    for text in lines {
        if audit::is_record(text) {
            audit += 1;
        } else if line::is_call(text) {
            strace += 1;
        }
    }
    match (strace, audit) {
        (0, 0) => None,
        _ if audit >= strace => Some(Form::Audit),
        _ => Some(Form::Strace),
    }
}

/// How many paths among a program's arguments are kept.
const ARGUMENTS: usize = 8;

/// The paths among an interpreter's options, and its first argument that is none: the script.
fn scripts(
    words: impl Iterator<Item = Vec<u8>>,
    locate: &dyn Fn(&[u8]) -> Option<AppPath>,
    ground: &Ground,
) -> Vec<AppPath> {
    let mut found = Vec::new();
    for word in words {
        let option = word.starts_with(b"-");
        let value = match word.iter().position(|&b| b == b'=') {
            Some(at) if option => &word[at + 1..],
            _ if option => continue,
            _ => &word[..],
        };
        // A class path of Java names several.
        for part in value.split(|&b| b == b':').filter(|part| !part.is_empty()) {
            let one_word = !part.iter().any(u8::is_ascii_whitespace);
            if one_word && found.len() < ARGUMENTS {
                found.extend(locate(part).map(|path| ground.inside(path)));
            }
        }
        if !option {
            break;
        }
    }
    found
}
