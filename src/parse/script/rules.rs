//! What library calls do to the paths among their arguments: the form of the languages' tables.

use super::super::op::Act;
use super::super::value::Value;

/// A call, and what it does.
pub(super) struct Rule {
    /// Its names; one that begins with `.` is a method of any receiver.
    pub(super) names: &'static [&'static str],
    pub(super) does: &'static [(Arg, Does)],
}

/// What the calls of some names do.
pub(super) const fn rule(names: &'static [&'static str], does: &'static [(Arg, Does)]) -> Rule {
    Rule { names, does }
}

/// Which argument.
#[derive(Clone, Copy)]
pub(super) enum Arg {
    /// By place.
    At(usize),
    /// By place, where it is the name of a file or directory and no word for a kind.
    FileAt(usize),
    /// By name.
    Named(&'static str),
    /// By name or place.
    AtOr(usize, &'static str),
    /// By name; this path when it is not given.
    Else(&'static str, &'static str),
    /// As before, in a text that names the library whose default this is.
    Usual(&'static str, &'static str, &'static str),
    /// This path, whatever is given.
    Fixed(&'static str),
    /// The object of the method.
    Receiver,
    /// The one behind a first one of this text.
    Behind(&'static str),
    /// Every one.
    All,
    /// Every one from a place on.
    From(usize),
}

/// What is done with it.
#[derive(Clone, Copy)]
pub(super) enum Does {
    Act(Act),
    /// It is opened as another argument says; read when that is absent.
    Mode(Arg),
    /// It is run by a shell.
    Shell,
    /// It becomes the working directory.
    ChangeDir,
    /// It is a port that is opened, alone or with an address: `8080`, `0.0.0.0:8080`, `tcp://*:8080`, a pair
    /// of host and port.
    Opens(&'static Opens),
}

/// How a call opens a port.
pub(super) struct Opens {
    /// The argument that names the address.
    pub(super) host: Arg,
    pub(super) udp: bool,
    /// The port where no argument names one, in a text that this stands in.
    pub(super) usual: Option<(&'static str, u16)>,
    /// What has to stand in the text, where other calls have the same name.
    pub(super) only: Option<&'static str>,
}

/// A port that is opened for TCP, at the address that an argument names.
pub(super) const fn opens(host: Arg) -> Opens {
    Opens {
        host,
        udp: false,
        usual: None,
        only: None,
    }
}

/// A port that is opened with its address in the same argument.
pub(super) const OPENS: Does = Does::Opens(&opens(Arg::Named("host")));

/// Where temporary files go when nothing is said (environ(7), `TMPDIR`; FHS 3.0, 3.18).
pub(super) const SCRATCH: &str = "/tmp";

pub(super) const READS: Does = Does::Act(Act::Reads);
pub(super) const WRITES: Does = Does::Act(Act::Writes);
pub(super) const BELOW: Does = Does::Act(Act::WritesBelow);
pub(super) const CREATES: Does = Does::Act(Act::Creates);
pub(super) const MAKES: Does = Does::Act(Act::MakesDir);
pub(super) const REMOVES: Does = Does::Act(Act::Removes);
pub(super) const GRANTS: Does = Does::Act(Act::Grants);
pub(super) const NAMES: Does = Does::Act(Act::Names);

/// From the first path to the second, as `mv` and `cp` take them.
pub(super) const MOVES: &[(Arg, Does)] = &[(Arg::At(0), REMOVES), (Arg::At(1), WRITES)];
pub(super) const COPIES: &[(Arg, Does)] = &[(Arg::At(0), READS), (Arg::At(1), WRITES)];

/// Whether what is done takes the first path away and puts it at the second.
pub(super) fn moves(does: &[(Arg, Does)]) -> bool {
    matches!(
        does,
        [
            (Arg::At(0), Does::Act(Act::Removes)),
            (Arg::At(1), Does::Act(Act::Writes)),
            ..
        ]
    )
}

/// What the modes of fopen(3), and those the languages add, do.
pub(super) fn act_of_mode(modes: &[Value]) -> Act {
    let mut writes = false;
    for mode in modes {
        if mode.contains(&0) || mode.len() > 24 {
            return Act::Names;
        }
        let head = mode.split(|byte| matches!(byte, b':' | b',')).next();
        writes |= head
            .unwrap_or_default()
            .iter()
            .any(|byte| b"wax+c>".contains(byte));
    }
    if writes { Act::Writes } else { Act::Reads }
}

/// Mode and path in one string, as Perl's two-argument `open` takes them (perlfunc).
pub(super) fn perl_open(value: &[u8]) -> (Act, &[u8]) {
    let value = value.trim_ascii();
    let rest = value.strip_prefix(b"+").unwrap_or(value);
    let path = rest.trim_ascii_start();
    let bare = |path: &'_ [u8]| {
        path.iter()
            .take_while(|b| **b == b'>' || **b == b' ')
            .count()
    };
    if rest.starts_with(b">") {
        (Act::Writes, &path[bare(path)..])
    } else if value.starts_with(b"|") || value.ends_with(b"|") {
        (Act::Names, b"")
    } else {
        let path = path.strip_prefix(b"<").unwrap_or(path);
        let act = if value.starts_with(b"+") {
            Act::Writes
        } else {
            Act::Reads
        };
        (act, path.trim_ascii_start())
    }
}
