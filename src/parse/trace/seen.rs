//! One call of strace's with the process that made it: which paths it means, what it did to them,
//! and what it changed for the process.

use super::calls::{Call, Flags, Op};
use super::deeds::{self, End};
use super::line;
use super::process::{Process, Shares};
use super::store::Doer;
use super::{Act, Ground, Notes};
use crate::path::AppPath;

/// A call that came to an end.
pub(super) struct Seen<'a> {
    pub(super) process: &'a mut Process,
    /// The call's name.
    pub(super) name: &'static str,
    pub(super) op: Op,
    pub(super) args: &'a [&'a [u8]],
    /// The value it gave, with what stands behind it; or its error.
    pub(super) end: Result<(i64, Option<&'a [u8]>), &'a [u8]>,
}

/// A path of a call.
enum Located {
    At(AppPath),
    /// strace cut it.
    Cut,
    /// Relative to a directory that the log does not tell.
    Unplaced,
    /// There is none.
    None,
}

impl Seen<'_> {
    fn arg(&self, place: usize) -> &[u8] {
        self.args.get(place).copied().unwrap_or_default()
    }

    /// With `-y` every relative call tells where the process stands.
    pub(super) fn learn(&self) {
        let here = self.args.iter().find(|arg| arg.starts_with(b"AT_FDCWD<"));
        if let Some(path) = here.and_then(|arg| line::descriptor_path(arg)) {
            self.process.stands_in(Some(AppPath::new(path)));
        }
    }

    /// The program that an execve(2) starts, as a doer.
    pub(super) fn program(&self, ground: &Ground, first: bool) -> Doer {
        let Op::Exec(place) = self.op else {
            return Doer::default();
        };
        let program = match self.locate(place) {
            Located::At(path) => Some(ground.inside(path)),
            _ => None,
        };
        let runs = program
            .as_ref()
            .filter(|path| (ground.runs_scripts)(path.name()));
        let arguments = match runs {
            Some(_) => {
                let words = line::strings(self.arg(place + 1)).skip(1);
                let words = words.map(std::borrow::Cow::into_owned);
                super::scripts(words, &|name| self.process.locate(None, name), ground)
            }
            None => Vec::new(),
        };
        Doer {
            program,
            arguments,
            by: (!first).then_some(self.process.doer),
        }
    }

    /// Adds what the call did.
    pub(super) fn tell(&self, notes: &mut Notes<'_>) {
        let flags = self.flags();
        let end = match self.end {
            Ok(_) => End::Done,
            Err(error) => End::Failed(error),
        };
        for (place, deed, shape) in deeds::deeds(self.op, flags, end).into_iter().flatten() {
            let path = match (self.locate(place), self.result_path()) {
                (Located::At(path), _) | (Located::Unplaced, Some(path)) => path,
                (Located::Unplaced, None) => {
                    notes.tally.unplaced += 1;
                    continue;
                }
                (Located::Cut, _) => {
                    notes.tally.cut += 1;
                    continue;
                }
                (Located::None, _) => continue,
            };
            let made = flags.has(Flags::EXCL) || matches!(self.op, Op::Mkdir(_));
            let random = made && end == End::Done;
            let path = match flags.has(Flags::TMPFILE) {
                // A file without a name in that directory.
                true => path.child(b"*"),
                false => notes.names.name(&path, self.process.group, random),
            };
            let act = Act {
                path: notes.ground.inside(path),
                deed,
                call: Call::new(self.name, flags),
                shape,
            };
            notes.store.add(&act, self.process.doer);
        }
    }

    fn flags(&self) -> Flags {
        match self.op {
            Op::Open(_) if self.name == "creat" => Flags::CREAT_CALL,
            Op::Open(place) => Flags::of_words(self.arg(place + 1)),
            _ => Flags::default(),
        }
    }

    /// The path that stands behind the descriptor that an open(2) gave.
    fn result_path(&self) -> Option<AppPath> {
        let Op::Open(_) = self.op else { return None };
        let path = line::descriptor_path(self.end.ok()?.1?)?;
        Some(AppPath::new(path))
    }

    fn locate(&self, place: usize) -> Located {
        let arg = self.arg(place);
        match self.op {
            Op::GrantFd | Op::ChangeFd => return self.open_file(arg),
            Op::Bind | Op::Connect => return self.socket(arg),
            _ => {}
        }
        let dir = place.checked_sub(1).filter(|_| self.op.takes_directory());
        let dir = dir.map(|place| self.arg(place));
        let named = arg.starts_with(b"\"").then(|| line::string(arg)).flatten();
        match (named, dir) {
            (Some((_, true)), _) => Located::Cut,
            (Some((name, _)), Some(dir)) if name.is_empty() => self.open_file(dir),
            (Some((name, _)), _) if name.is_empty() => Located::None,
            (Some((name, _)), dir) => {
                let from = match dir {
                    _ if name.starts_with(b"/") => None,
                    Some(dir) => match self.directory(dir) {
                        Some(dir) => Some(dir),
                        None => return Located::Unplaced,
                    },
                    None => None,
                };
                self.located(self.process.locate(from.as_ref(), &name), &name)
            }
            // Without a name the descriptor itself is meant (utimensat(2)).
            (None, Some(dir)) if arg == b"NULL" => self.open_file(dir),
            (None, _) => Located::None,
        }
    }

    fn located(&self, path: Option<AppPath>, name: &[u8]) -> Located {
        match path {
            Some(path) => Located::At(path),
            // No kernel takes a path that is so long.
            None if name.starts_with(b"/") && !self.process.is_lost() => Located::None,
            None => Located::Unplaced,
        }
    }

    /// The directory of a descriptor, or where the process stands.
    fn directory(&self, arg: &[u8]) -> Option<AppPath> {
        if let Some(path) = line::descriptor_path(arg) {
            return Some(AppPath::new(path));
        }
        if arg.starts_with(b"AT_FDCWD") {
            return self.process.cwd();
        }
        // A socket, pipe or other thing without a path.
        if arg.contains(&b'<') {
            return None;
        }
        self.process.descriptor(line::descriptor(arg)?)
    }

    fn open_file(&self, arg: &[u8]) -> Located {
        match self.directory(arg) {
            Some(path) => Located::At(path),
            None if arg.contains(&b'<') => Located::None,
            None => Located::Unplaced,
        }
    }

    /// The name of a Unix socket; one in the abstract namespace is no file (unix(7)).
    fn socket(&self, arg: &[u8]) -> Located {
        let local = arg.windows(9).any(|part| part == b"sun_path=");
        let is_abstract = arg.windows(10).any(|part| part == b"sun_path=@");
        match line::string(arg) {
            Some((name, cut)) if local && !is_abstract && !name.is_empty() => {
                if cut {
                    return Located::Cut;
                }
                self.located(self.process.locate(None, &name), &name)
            }
            _ => Located::None,
        }
    }

    /// Follows the process: where it stands, what it has open.
    pub(super) fn follow(&mut self, notes: &mut Notes<'_>) {
        let Ok((number, _)) = self.end else { return };
        let opened = u32::try_from(number).ok();
        match self.op {
            Op::Open(place) => {
                let path = match self.locate(place) {
                    Located::At(path) => Some(path),
                    _ => self.result_path(),
                };
                if let Some(opened) = opened {
                    self.process.opens(opened, path);
                }
            }
            Op::Chdir => match self.locate(0) {
                Located::At(path) => self.process.stands_in(Some(path)),
                _ => self.process.stands_in(None),
            },
            Op::Fchdir => self.process.stands_in(self.directory(self.arg(0))),
            Op::Chroot => match self.locate(0) {
                Located::At(path) => {
                    notes.store.add_root(notes.ground.inside(path.clone()));
                    self.process.root_is(Some(path));
                }
                _ => {
                    notes.tally.unplaced += 1;
                    self.process.root_is(None);
                }
            },
            Op::Getcwd => {
                let told =
                    line::string(self.arg(0)).filter(|(path, cut)| !cut && path.starts_with(b"/"));
                if let Some(path) = told.and_then(|(path, _)| self.process.locate(None, &path)) {
                    self.process.stands_in(Some(path));
                }
            }
            _ => self.descriptors(opened),
        }
    }

    fn descriptors(&mut self, opened: Option<u32>) {
        let first = line::descriptor(self.arg(0));
        match (self.op, first, opened) {
            (Op::Close, Some(first), _) => self.process.closes(first, first),
            (Op::CloseRange, Some(first), _) => {
                // ~0U stands for all.
                let last = line::descriptor(self.arg(1)).unwrap_or(u32::MAX);
                if !self.arg(2).starts_with(b"CLOSE_RANGE_CLOEXEC") {
                    self.process.closes(first, last);
                }
            }
            (Op::Dup | Op::Dup2, Some(first), Some(opened)) => {
                self.process.opens(opened, self.process.descriptor(first));
            }
            (Op::Fcntl, Some(first), Some(opened)) if self.arg(1).starts_with(b"F_DUPFD") => {
                self.process.opens(opened, self.process.descriptor(first));
            }
            (Op::Nameless, _, Some(opened)) => self.process.opens(opened, None),
            (Op::Unshare, ..) => {
                let shares = Shares::of_words(self.arg(0));
                self.process.unshare(shares);
            }
            _ => {}
        }
    }
}
