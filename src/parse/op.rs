//! What a script does, whatever its language: one operation at a time, with folded words.

/// One operation of a script.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Op {
    /// Line, counted from 1; 0 where what was compiled does not tell it.
    pub line: u32,
    /// The command or call (`mkdir`, `redirect`, `open`).
    pub by: String,
    /// What it does.
    pub deed: Deed,
    /// The values of the script's first argument under which it happens (`start`, `purge`, …),
    /// from the arms of a `case "$1"` or from tests of `$1`. Empty: always. `*` is the arm for
    /// everything else.
    pub arms: Vec<String>,
    /// The function it stands in; empty at top level.
    pub function: String,
    /// Whether the script was understood up to here. After a fault of syntax, what is read is
    /// only a guess.
    pub sure: bool,
}

/// Words for the first argument of init and maintainer scripts under which state is taken away
/// (dpkg's deb-prerm(5) and deb-postrm(5), LSB's init script actions, installers).
const UNDO: &[&str] = &[
    "abort-deconfigure",
    "abort-install",
    "abort-remove",
    "abort-upgrade",
    "clean",
    "deconfigure",
    "disappear",
    "erase",
    "failed-upgrade",
    "force-stop",
    "graceful-stop",
    "kill",
    "purge",
    "remove",
    "shutdown",
    "stop",
    "uninstall",
    "upgrade",
];

impl Op {
    /// Whether it happens only when something is stopped, removed or undone: such operations say
    /// where state is, but not that the service writes it.
    #[must_use]
    pub fn undoes(&self) -> bool {
        !self.arms.is_empty()
            && self.arms.iter().all(|arm| {
                let arm = arm.trim_start_matches('-');
                UNDO.contains(&arm) || arm.starts_with("abort-")
            })
    }
}

/// What an operation does.
///
/// Words are folded: a part that is not known is `*`, and so is a glob. A path may be relative
/// when neither a `cd` nor the script's own place tells its base.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Deed {
    /// Does something to a path.
    Path {
        /// What.
        act: Act,
        /// The path.
        path: Vec<u8>,
    },
    /// Starts a program.
    Run(Run),
    /// Reads another script's text in place (`.`, `source`).
    Source(Vec<u8>),
    /// Sets a variable or constant.
    Set {
        /// Its name.
        name: String,
        /// Its value.
        value: Vec<u8>,
        /// Whether programs started later see it.
        exported: bool,
    },
    /// Opens a port.
    Listens {
        /// `tcp` or `udp`.
        transport: &'static str,
        /// Its number.
        port: u16,
        /// The address that it is bound to; empty where the program names none.
        address: Vec<u8>,
    },
}

/// What is done to a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Act {
    /// It is named; what happens to it does not show.
    Names,
    /// It is read.
    Reads,
    /// It is removed, or moved away.
    Removes,
    /// Its owner or mode is set.
    Grants,
    /// A file, link or node is made.
    Creates,
    /// A directory is made.
    MakesDir,
    /// A file's content is written.
    Writes,
    /// Files are written somewhere below this directory.
    WritesBelow,
}

/// How a program is started.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Run {
    /// The program and its arguments; never empty.
    pub argv: Vec<Vec<u8>>,
    /// The user it is started as, where the script changes it.
    pub user: Option<Vec<u8>>,
    /// The group, likewise.
    pub group: Option<Vec<u8>>,
    /// The file that gets its process id, where the script names one.
    pub pidfile: Option<Vec<u8>>,
    /// In which way.
    pub way: Way,
    /// The directory it is started in, where a call is followed and that is known.
    pub dir: Option<Vec<u8>>,
    /// Whether a program starts it that is there for starting services.
    pub service: bool,
    /// The mask of new files' rights, where the script sets it.
    pub umask: Option<Vec<u8>>,
    /// The variables that it is given, where a call is followed.
    pub env: Vec<(String, Vec<u8>)>,
}

/// In which way a program is started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Way {
    /// As a plain command.
    #[default]
    Plain,
    /// As the last command that a run of the script comes to, in the foreground.
    Last,
    /// In place of the script (`exec`).
    Exec,
    /// Into the background by the script (`&`, `--background`).
    Background,
    /// As a service that goes into the background by itself (`start-stop-daemon`, `daemon`).
    Service,
}

/// What was read of a script.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Script {
    /// Its operations, in order of line, each once.
    pub ops: Vec<Op>,
    /// Its variables at the end, each with its possible values, folded.
    pub vars: std::collections::BTreeMap<String, Vec<Vec<u8>>>,
    /// Where its text was not understood.
    pub faults: Vec<Fault>,
    /// Whether a limit on work ended the reading early.
    pub cut: bool,
}

/// A place that was not understood.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fault {
    /// Line, counted from 1.
    pub line: u32,
    /// What was wrong, in a few words.
    pub what: &'static str,
}
