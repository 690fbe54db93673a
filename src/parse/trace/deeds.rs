//! What a call did to its paths, in the light of how it ended: a write that failed for want of
//! room was meant, one that was refused only names the path, for the program went on without it,
//! and a look for what is not there tells nothing.

use super::calls::{Flags, Op};
use super::{Deed, Shape};

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End<'a> {
    /// Well.
    Done,
    /// With this error (errno(3)).
    Failed(&'a [u8]),
}

impl End<'_> {
    fn is(self, errors: &[&str]) -> bool {
        match self {
            Self::Done => false,
            Self::Failed(error) => errors.iter().any(|known| known.as_bytes() == error),
        }
    }

    /// Whether the call did something, or would have if it could write here.
    fn counts(self) -> bool {
        self == Self::Done || self.is(WANTS) || self.is(REFUSED)
    }
}

/// Errors of a call that finds no place to write to (open(2)).
const WANTS: &[&str] = &["EROFS", "ENOSPC", "EDQUOT"];

/// Errors of a call that has not the right. Some programs write to their settings to see that they
/// cannot.
const REFUSED: &[&str] = &["EACCES", "EPERM"];

/// What was done to one of a call's paths: the place of the argument, the deed, the shape.
pub(super) type Done = (usize, Deed, Option<Shape>);

/// What `op` did to its paths.
pub(super) fn deeds(op: Op, flags: Flags, end: End<'_>) -> [Option<Done>; 2] {
    let refused = end.is(REFUSED);
    meant(op, flags, end).map(|done| {
        let (place, deed, shape) = done?;
        Some((place, if refused { Deed::Names } else { deed }, shape))
    })
}

fn meant(op: Op, flags: Flags, end: End<'_>) -> [Option<Done>; 2] {
    let makes = end.counts() || end.is(&["ENOENT"]);
    let one = |when: bool, place: usize, deed: Deed, shape: Option<Shape>| {
        [when.then_some((place, deed, shape)), None]
    };
    match op {
        Op::Open(place) => [open(place, flags, end), None],
        Op::Mkdir(place) if end.is(&["EEXIST"]) => one(true, place, Deed::Names, Some(Shape::Dir)),
        Op::Mkdir(place) => one(makes, place, Deed::Creates, Some(Shape::Dir)),
        Op::Rename(old, new) if end.counts() => [
            Some((old, Deed::Removes, None)),
            Some((new, Deed::Writes, None)),
        ],
        Op::Link(old, new) if end.counts() => [
            Some((old, Deed::Reads, None)),
            Some((new, Deed::Creates, None)),
        ],
        Op::Unlink(place) => one(end.counts(), place, Deed::Removes, None),
        Op::Symlink(place) => one(makes, place, Deed::Creates, Some(Shape::Link)),
        Op::Mknod(place) => one(makes, place, Deed::Creates, Some(Shape::File)),
        Op::Bind => one(makes, 1, Deed::Creates, Some(Shape::Socket)),
        Op::Connect => {
            let there = ["ECONNREFUSED", "EACCES", "EAGAIN", "EINPROGRESS"];
            let there = end == End::Done || end.is(&there);
            one(there, 1, Deed::Reads, Some(Shape::Socket))
        }
        Op::Grant(place) => one(end.counts(), place, Deed::Grants, None),
        Op::GrantFd => one(end.counts(), 0, Deed::Grants, None),
        Op::Change(place) => one(end.counts(), place, Deed::Writes, None),
        Op::ChangeFd => one(end.counts(), 0, Deed::Writes, None),
        Op::Exec(place) => one(end == End::Done, place, Deed::Runs, Some(Shape::File)),
        _ => [None, None],
    }
}

fn open(place: usize, flags: Flags, end: End<'_>) -> Option<Done> {
    let dir = flags.has(Flags::DIRECTORY).then_some(Shape::Dir);
    if flags.has(Flags::PATH) {
        return None;
    }
    if flags.has(Flags::TMPFILE) {
        return end
            .counts()
            .then_some((place, Deed::Creates, Some(Shape::File)));
    }
    if flags.has(Flags::CREAT) {
        // A lock that another holds (EEXIST) was to be made, as was a file in a directory that is
        // not there (ENOENT).
        let meant = end.counts() || end.is(&["EEXIST", "ENOENT", "ETXTBSY"]);
        let deed = if flags.writes() {
            Deed::Writes
        } else {
            Deed::Creates
        };
        return meant.then_some((place, deed, Some(Shape::File)));
    }
    if flags.writes() {
        let meant = end.counts() || end.is(&["ETXTBSY"]);
        return meant.then_some((place, Deed::Writes, dir.or(Some(Shape::File))));
    }
    (end == End::Done).then_some((place, Deed::Reads, dir))
}
