//! System calls that act on paths, by name: what each does, and where its arguments stand.

use std::fmt;

use super::line::{self, Body, Outcome};

/// A system call with the flags of open(2) that matter, as a report shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Call {
    /// Its name.
    pub name: &'static str,
    /// [`Flags`] by bit.
    flags: u16,
}

impl Call {
    pub(super) fn new(name: &'static str, flags: Flags) -> Self {
        Self {
            name,
            flags: flags.0 & Flags::SHOWN,
        }
    }
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)?;
        let mut between = " ";
        for (name, bit, _) in FLAGS {
            if self.flags & bit != 0 {
                write!(f, "{between}{name}")?;
                between = "|";
            }
        }
        Ok(())
    }
}

/// Flags of open(2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Flags(pub(super) u16);

/// Name, bit here, bit of the kernel; those that differ between machines stand apart in
/// [`Flags::of_number`].
const FLAGS: &[(&str, u16, u32)] = &[
    ("O_WRONLY", Flags::WRONLY, 0o1),
    ("O_RDWR", Flags::RDWR, 0o2),
    ("O_CREAT", Flags::CREAT, 0o100),
    ("O_EXCL", Flags::EXCL, 0o200),
    ("O_TRUNC", Flags::TRUNC, 0o1000),
    ("O_DIRECTORY", Flags::DIRECTORY, 0),
    ("O_CLOEXEC", Flags::CLOEXEC, 0o2_000_000),
    ("O_PATH", Flags::PATH, 0o10_000_000),
    ("O_TMPFILE", Flags::TMPFILE, 0o20_000_000),
];

impl Flags {
    pub(super) const WRONLY: u16 = 1;
    pub(super) const RDWR: u16 = 2;
    pub(super) const CREAT: u16 = 4;
    pub(super) const EXCL: u16 = 8;
    pub(super) const TRUNC: u16 = 16;
    pub(super) const DIRECTORY: u16 = 32;
    pub(super) const CLOEXEC: u16 = 64;
    pub(super) const PATH: u16 = 128;
    pub(super) const TMPFILE: u16 = 256;
    /// What a report shows.
    const SHOWN: u16 =
        Self::WRONLY | Self::RDWR | Self::CREAT | Self::EXCL | Self::TRUNC | Self::TMPFILE;

    /// What creat(2) does.
    pub(super) const CREAT_CALL: Self = Self(Self::CREAT | Self::WRONLY | Self::TRUNC);

    pub(super) fn has(self, bits: u16) -> bool {
        self.0 & bits != 0
    }

    pub(super) fn writes(self) -> bool {
        self.has(Self::WRONLY | Self::RDWR | Self::TRUNC)
    }

    /// The flags in words, wherever they stand in `text`: `O_RDWR|O_CREAT`.
    pub(super) fn of_words(text: &[u8]) -> Self {
        let words = text.split(|b| !(b.is_ascii_alphanumeric() || *b == b'_'));
        let mut flags = 0;
        for word in words.filter(|word| word.starts_with(b"O_")) {
            let known = FLAGS.iter().find(|(name, ..)| name.as_bytes() == word);
            flags |= known.map_or(0, |(_, bit, _)| *bit);
        }
        Self(flags)
    }

    /// The flags as the kernel has them; `O_DIRECTORY` has another bit on ARM.
    pub(super) fn of_number(number: u64, arm: bool) -> Self {
        let number = u32::try_from(number & 0xffff_ffff).unwrap_or_default();
        let directory = if arm { 0o40_000 } else { 0o200_000 };
        let mut flags = if number & directory != 0 {
            Self::DIRECTORY
        } else {
            0
        };
        for (_, bit, theirs) in FLAGS {
            if number & theirs != 0 {
                flags |= bit;
            }
        }
        Self(flags)
    }
}

/// Where the arguments of a call stand: with or without a directory's descriptor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Op {
    /// Opens; the place of the path.
    Open(usize),
    /// Makes a directory.
    Mkdir(usize),
    /// Gives another name; the places of both paths.
    Rename(usize, usize),
    /// Removes a name.
    Unlink(usize),
    /// Gives one more name.
    Link(usize, usize),
    /// Makes a symbolic link; the place of the link.
    Symlink(usize),
    /// Makes a node.
    Mknod(usize),
    /// Sets owner or mode.
    Grant(usize),
    /// Sets owner or mode of an open file.
    GrantFd,
    /// Changes content, times or attributes.
    Change(usize),
    /// Changes attributes of an open file.
    ChangeFd,
    /// Makes a socket's name.
    Bind,
    /// Connects to a socket.
    Connect,
    /// Starts a program.
    Exec(usize),
    /// Changes the working directory.
    Chdir,
    /// As before, by a descriptor.
    Fchdir,
    /// Changes the root.
    Chroot,
    /// Tells the working directory.
    Getcwd,
    /// Closes a descriptor.
    Close,
    /// Closes many.
    CloseRange,
    /// Doubles a descriptor.
    Dup,
    /// Doubles one to a number of choice.
    Dup2,
    /// May double one.
    Fcntl,
    /// Makes a process.
    Fork,
    /// Opens what has no path, and can be changed as a file can.
    Nameless,
    /// Leaves what is shared.
    Unshare,
}

impl Op {
    /// Whether a relative path counts from a descriptor that is an argument, too.
    pub(super) fn takes_directory(self) -> bool {
        match self {
            Self::Open(at)
            | Self::Mkdir(at)
            | Self::Unlink(at)
            | Self::Mknod(at)
            | Self::Grant(at)
            | Self::Change(at)
            | Self::Exec(at) => at == 1,
            Self::Rename(old, _) | Self::Link(old, _) => old == 1,
            Self::Symlink(at) => at == 2,
            _ => false,
        }
    }

    /// Whether the call only matters for who is who and where.
    pub(super) fn is_fork(self) -> bool {
        self == Self::Fork
    }
}

/// A call by its name. Where the path is the second argument, a directory's descriptor is the
/// first.
pub(super) fn op(name: &[u8]) -> Option<(&'static str, Op)> {
    // A few calls make up most of a log, and none of them is known here.
    if matches!(name, b"read" | b"write" | b"mmap" | b"futex") {
        return None;
    }
    OPS.iter()
        .find(|(known, _)| known.as_bytes() == name)
        .map(|(name, op)| (*name, *op))
}

/// The most usual first.
const OPS: &[(&str, Op)] = &[
    ("openat", Op::Open(1)),
    ("close", Op::Close),
    ("open", Op::Open(0)),
    ("connect", Op::Connect),
    ("fcntl", Op::Fcntl),
    ("fcntl64", Op::Fcntl),
    ("unlink", Op::Unlink(0)),
    ("unlinkat", Op::Unlink(1)),
    ("clone", Op::Fork),
    ("clone3", Op::Fork),
    ("fork", Op::Fork),
    ("vfork", Op::Fork),
    ("execve", Op::Exec(0)),
    ("execveat", Op::Exec(1)),
    ("mkdir", Op::Mkdir(0)),
    ("mkdirat", Op::Mkdir(1)),
    ("rename", Op::Rename(0, 1)),
    ("renameat", Op::Rename(1, 3)),
    ("renameat2", Op::Rename(1, 3)),
    ("rmdir", Op::Unlink(0)),
    ("chmod", Op::Grant(0)),
    ("fchmod", Op::GrantFd),
    ("fchmodat", Op::Grant(1)),
    ("fchmodat2", Op::Grant(1)),
    ("chown", Op::Grant(0)),
    ("chown32", Op::Grant(0)),
    ("lchown", Op::Grant(0)),
    ("lchown32", Op::Grant(0)),
    ("fchown", Op::GrantFd),
    ("fchown32", Op::GrantFd),
    ("fchownat", Op::Grant(1)),
    ("openat2", Op::Open(1)),
    ("creat", Op::Open(0)),
    ("link", Op::Link(0, 1)),
    ("linkat", Op::Link(1, 3)),
    ("symlink", Op::Symlink(1)),
    ("symlinkat", Op::Symlink(2)),
    ("mknod", Op::Mknod(0)),
    ("mknodat", Op::Mknod(1)),
    ("truncate", Op::Change(0)),
    ("truncate64", Op::Change(0)),
    ("ftruncate", Op::ChangeFd),
    ("ftruncate64", Op::ChangeFd),
    ("utime", Op::Change(0)),
    ("utimes", Op::Change(0)),
    ("futimesat", Op::Change(1)),
    ("utimensat", Op::Change(1)),
    ("utimensat_time64", Op::Change(1)),
    ("setxattr", Op::Change(0)),
    ("lsetxattr", Op::Change(0)),
    ("fsetxattr", Op::ChangeFd),
    ("removexattr", Op::Change(0)),
    ("lremovexattr", Op::Change(0)),
    ("fremovexattr", Op::ChangeFd),
    ("bind", Op::Bind),
    ("chdir", Op::Chdir),
    ("fchdir", Op::Fchdir),
    ("chroot", Op::Chroot),
    ("getcwd", Op::Getcwd),
    ("close_range", Op::CloseRange),
    ("dup", Op::Dup),
    ("dup2", Op::Dup2),
    ("dup3", Op::Dup2),
    ("unshare", Op::Unshare),
    ("memfd_create", Op::Nameless),
];

/// The process that a line of strace says was made, if it says so.
pub(super) fn forked(line: &[u8]) -> Option<u32> {
    let (Body::Call(name, rest) | Body::Resumed(name, rest)) = line::split(line).1 else {
        return None;
    };
    op(name).filter(|(_, op)| op.is_fork())?;
    // With the rest of a call that was broken off the opening parenthesis is gone, too.
    child(line::arguments(rest)?.1)
}

/// The new process's number, from what follows the arguments; with `--pidns-translation` strace
/// tells its own number of it in a remark.
pub(super) fn child(rest: &[u8]) -> Option<u32> {
    let remark = rest.windows(3).position(|part| part == b"/* ");
    if let Some(at) = remark {
        let text = &rest[at + 3..];
        let digits = text.iter().take_while(|b| b.is_ascii_digit()).count();
        if text[digits..].starts_with(b" in strace's PID NS") {
            return line::pid(&text[..digits]);
        }
    }
    match line::outcome(rest) {
        Outcome::Done(number, _) => line::pid(number.to_string().as_bytes()),
        _ => None,
    }
}
