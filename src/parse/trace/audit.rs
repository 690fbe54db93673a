//! A log of the Linux audit system: as auditd(8) writes it, or as `ausearch -i` (ausearch(8))
//! interprets it.
//!
//! A system call is told in several records of one serial number, which may stand among those of
//! others: `SYSCALL`, `CWD`, `PATH`, `EXECVE`, `SOCKADDR` (audit-specs, "Linux Audit record types").

use std::collections::BTreeMap;

use super::calls::{Call, Flags, Op};
use super::deeds::{self, End};
use super::fields::{Fields, digits};
use super::process::Processes;
use super::store::Doer;
use super::{Act, Ground, Notes, Tally};
use crate::path::AppPath;

/// How many events are open at once; a record that comes later than this is lost.
const OPEN: usize = 64;

/// How many paths and arguments of an event are kept.
const PARTS: usize = 32;

/// Whether a line is a record of an audit log.
pub(super) fn is_record(line: &[u8]) -> bool {
    split(line).is_some()
}

/// A record: its type, its time and serial number, and the rest.
fn split(line: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let mut text = line.trim_ascii_start();
    if text.starts_with(b"node=") {
        let end = text.iter().position(|&b| b == b' ')?;
        text = &text[end + 1..];
    }
    let text = text.strip_prefix(b"type=")?;
    let end = text.iter().position(|&b| b == b' ')?;
    let (kind, rest) = text.split_at(end);
    let rest = rest.trim_ascii_start().strip_prefix(b"msg=audit(")?;
    let end = rest.iter().position(|&b| b == b')')?;
    let (stamp, rest) = rest.split_at(end);
    let serial = stamp.rsplit(|&b| b == b':').next()?;
    let all_digits = !serial.is_empty() && serial.iter().all(u8::is_ascii_digit);
    all_digits.then_some((kind, stamp, &rest[1..]))
}

/// What is known of one system call so far.
#[derive(Debug, Default)]
struct Event {
    /// The order in which events began.
    age: u64,
    call: Option<Done>,
    cwd: Option<AppPath>,
    paths: Vec<Named>,
    arguments: Vec<(u32, Vec<u8>)>,
    socket: Option<Vec<u8>>,
}

/// What a `SYSCALL` record tells.
#[derive(Debug)]
pub(super) struct Done {
    pub(super) name: &'static str,
    pub(super) op: Op,
    pub(super) failed: Option<Vec<u8>>,
    pub(super) flags: Flags,
    /// Whether the first argument is a directory's descriptor that the log does not tell.
    pub(super) from_descriptor: bool,
    pub(super) process: u32,
    pub(super) parent: u32,
    pub(super) program: Option<Vec<u8>>,
}

/// What a `PATH` record tells.
#[derive(Debug)]
struct Named {
    item: u32,
    name: Vec<u8>,
    kind: Vec<u8>,
}

/// Reads lines, in order.
#[derive(Debug, Default)]
pub(super) struct Audit {
    open: BTreeMap<Vec<u8>, Event>,
    begun: u64,
    processes: Processes,
    /// The parent of each living process, by number.
    parents: BTreeMap<u32, u32>,
}

impl Audit {
    /// Reads a line.
    pub(super) fn line(&mut self, text: &[u8], notes: &mut Notes<'_>) {
        let Some((kind, stamp, rest)) = split(text) else {
            // What ausearch(8) puts between events.
            let between = text.is_empty() || text == b"----" || text.starts_with(b"time->");
            if text == b"----" {
                self.finish(notes);
            }
            if !between {
                notes.tally.misses();
            }
            return;
        };
        if kind == b"EOE" {
            if let Some(event) = self.open.remove(stamp) {
                self.settle(event, notes);
            }
            return;
        }
        if !matches!(
            kind,
            b"SYSCALL" | b"CWD" | b"PATH" | b"EXECVE" | b"SOCKADDR"
        ) {
            return;
        }
        let interpreted = rest.trim_ascii_start().starts_with(b": ") && rest.starts_with(b" ");
        let fields = Fields {
            text: rest.trim_ascii_start(),
            interpreted,
        };
        if !self.open.contains_key(stamp) {
            self.make_room(notes);
            self.begun += 1;
            let event = Event {
                age: self.begun,
                ..Event::default()
            };
            self.open.insert(stamp.to_vec(), event);
        }
        let Some(event) = self.open.get_mut(stamp) else {
            return;
        };
        if !event.take(kind, &fields) {
            notes.tally.misses();
        }
    }

    /// Settles what is still open.
    pub(super) fn finish(&mut self, notes: &mut Notes<'_>) {
        let mut events: Vec<Event> = std::mem::take(&mut self.open).into_values().collect();
        events.sort_by_key(|event| event.age);
        for event in events {
            self.settle(event, notes);
        }
    }

    /// Tells how many processes there were.
    pub(super) fn count(&self, tally: &mut Tally) {
        tally.processes = self.processes.seen;
        tally.forgotten = self.processes.forgotten;
    }

    fn make_room(&mut self, notes: &mut Notes<'_>) {
        if self.open.len() < OPEN {
            return;
        }
        let oldest = self.open.iter().min_by_key(|(_, event)| event.age);
        let oldest = oldest.map(|(stamp, _)| stamp.clone());
        if let Some(event) = oldest.and_then(|stamp| self.open.remove(&stamp)) {
            self.settle(event, notes);
        }
    }

    fn settle(&mut self, event: Event, notes: &mut Notes<'_>) {
        let Some(done) = &event.call else { return };
        let who = self.doer(done, &event, notes);
        let Some(process) = self.processes.get(done.process) else {
            return;
        };
        let end = match &done.failed {
            Some(error) => End::Failed(error),
            None => End::Done,
        };
        let names = event.names(done.op);
        let locate = |name: &[u8]| -> Option<AppPath> {
            if !name.starts_with(b"/") && done.from_descriptor {
                return None;
            }
            process.locate(event.cwd.as_ref(), name)
        };
        let flags = event.flags(done);
        for (place, deed, shape) in deeds::deeds(done.op, flags, end).into_iter().flatten() {
            let first = matches!(done.op, Op::Rename(old, _) | Op::Link(old, _) if old == place);
            let name = if first {
                names.0.clone()
            } else {
                names.1.clone()
            };
            let Some(name) = name else {
                notes.tally.unplaced += u64::from(matches!(done.op, Op::GrantFd | Op::ChangeFd));
                continue;
            };
            let Some(path) = locate(&name) else {
                notes.tally.unplaced += 1;
                continue;
            };
            let made = flags.has(Flags::EXCL) || matches!(done.op, Op::Mkdir(_));
            let random = made && end == End::Done;
            let path = match flags.has(Flags::TMPFILE) {
                true => path.child(b"*"),
                false => notes.names.name(&path, done.process, random),
            };
            let act = Act {
                path: notes.ground.inside(path),
                deed,
                call: Call::new(done.name, flags),
                shape,
            };
            notes.store.add(&act, who);
        }
        if done.op == Op::Chroot && done.failed.is_none() {
            let root = names.1.and_then(|name| locate(&name));
            if let Some(root) = &root {
                notes.store.add_root(notes.ground.inside(root.clone()));
            }
            process.root_is(root);
        }
    }

    /// Who did it: the log names the program each time, and the parent.
    fn doer(&mut self, done: &Done, event: &Event, notes: &mut Notes<'_>) -> u32 {
        let program = done.program.as_ref().and_then(AppPath::absolute);
        let program = program.map(|path| notes.ground.inside(path));
        // The number of a process that is gone is given to another some day.
        if self
            .parents
            .get(&done.process)
            .is_some_and(|&parent| parent != done.parent)
            && done.parent != 1
        {
            self.processes.remove(done.process);
        }
        if self.parents.len() > 2 * super::process::LIVING {
            let living = &self.processes;
            self.parents
                .retain(|number, _| living.get(*number).is_some());
        }
        self.parents.insert(done.process, done.parent);
        if self.processes.get(done.process).is_none() {
            self.processes
                .fork(done.parent, done.process, super::process::Shares::default());
        }
        let known = self.processes.get(done.process).map(|process| process.doer);
        let same = known.is_some_and(|number| notes.store.doer(number).program == program);
        let process = self.processes.known(done.process);
        if same && !matches!(done.op, Op::Exec(_)) {
            return process.doer;
        }
        let runs = program
            .as_ref()
            .is_some_and(|path| (notes.ground.runs_scripts)(path.name()));
        let arguments = match done.op {
            Op::Exec(_) if runs => event.scripts(notes.ground, &|name| {
                process.locate(event.cwd.as_ref(), name)
            }),
            _ => Vec::new(),
        };
        process.doer = notes.store.number(Doer {
            program,
            arguments,
            by: known,
        });
        process.doer
    }
}

impl Event {
    /// Takes a record; whether it was understood.
    fn take(&mut self, kind: &[u8], fields: &Fields<'_>) -> bool {
        match kind {
            b"SYSCALL" => match fields.call() {
                Ok(call) => self.call = call,
                Err(()) => return false,
            },
            b"CWD" => self.cwd = fields.name(b"cwd").and_then(AppPath::absolute),
            b"PATH" if self.paths.len() < PARTS => {
                let item = fields.number(b"item").unwrap_or_default();
                let Some(name) = fields.name(b"name") else {
                    return true;
                };
                let kind = fields.get(b"nametype").unwrap_or_default().to_vec();
                self.paths.push(Named { item, name, kind });
            }
            b"EXECVE" => {
                for (key, value) in fields.all() {
                    let number = key.strip_prefix(b"a").and_then(digits);
                    if let Some(number) = number.filter(|_| self.arguments.len() < PARTS) {
                        let value = fields.decoded(value);
                        let value = &value[..value.len().min(4096)];
                        self.arguments.push((number, value.to_vec()));
                    }
                }
            }
            b"SOCKADDR" => self.socket = fields.socket(),
            _ => {}
        }
        true
    }

    /// The flags of openat2(2) stand in memory, which is not logged; but a record tells that a file
    /// was made.
    fn flags(&self, done: &Done) -> Flags {
        let made = self.paths.iter().any(|path| path.kind == b"CREATE");
        match done.name {
            "openat2" if made => Flags(Flags::CREAT | Flags::WRONLY),
            _ => done.flags,
        }
    }

    /// The names that a call is about: the old one, where it has two, and the other.
    fn names(&self, op: Op) -> (Option<Vec<u8>>, Option<Vec<u8>>) {
        if matches!(op, Op::Bind | Op::Connect)
            && let Some(socket) = &self.socket
        {
            return (None, Some(socket.clone()));
        }
        let mut paths: Vec<&Named> = self
            .paths
            .iter()
            .filter(|path| path.kind != b"PARENT")
            .collect();
        paths.sort_by_key(|path| path.item);
        let kind = |kind: &[u8]| paths.iter().find(|path| path.kind == kind);
        let (first, last) = (paths.first(), paths.last());
        let (old, new) = match op {
            Op::Rename(..) => (kind(b"DELETE").or(first), kind(b"CREATE").or(last)),
            Op::Link(..) => (first, kind(b"CREATE").or(last)),
            Op::Unlink(_) => (None, kind(b"DELETE").or(last)),
            // The interpreter and the loader stand behind the program.
            Op::Exec(_) => (None, first),
            _ => (None, kind(b"CREATE").or(last)),
        };
        let name = |path: Option<&&Named>| path.map(|path| path.name.clone());
        (name(old), name(new))
    }

    /// The script that an interpreter runs, and paths among the options before it.
    fn scripts(&self, ground: &Ground, locate: &dyn Fn(&[u8]) -> Option<AppPath>) -> Vec<AppPath> {
        let mut words = self.arguments.clone();
        words.sort();
        let words = words.into_iter().map(|(_, word)| word).skip(1);
        super::scripts(words, locate, ground)
    }
}
