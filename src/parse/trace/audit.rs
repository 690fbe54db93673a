//! A log of the Linux audit system: as auditd(8) writes it, or as `ausearch -i` (ausearch(8))
//! interprets it.
//!
//! A system call is told in several records of one serial number, which may stand among those of
//! others: `SYSCALL`, `CWD`, `PATH`, `EXECVE`, `SOCKADDR` (audit-specs, "Linux Audit record types").

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::calls::{self, Call, Flags, Op};
use super::deeds::{self, End};
use super::numbers;
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
struct Done {
    name: &'static str,
    op: Op,
    failed: Option<Vec<u8>>,
    flags: Flags,
    /// Whether the first argument is a directory's descriptor that the log does not tell.
    from_descriptor: bool,
    process: u32,
    parent: u32,
    program: Option<Vec<u8>>,
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
        let flags = match done.name {
            "openat2" if event.paths.iter().any(|path| path.kind == b"CREATE") => {
                Flags(Flags::CREAT | Flags::WRONLY)
            }
            _ => done.flags,
        };
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

/// The fields of a record.
struct Fields<'a> {
    text: &'a [u8],
    /// Whether ausearch(8) has put words for numbers.
    interpreted: bool,
}

impl<'a> Fields<'a> {
    fn all(&self) -> impl Iterator<Item = (&'a [u8], &'a [u8])> {
        let mut rest = self.text;
        let interpreted = self.interpreted;
        std::iter::from_fn(move || {
            loop {
                let equals = memchr::memchr(b'=', rest)?;
                let key = rest[..equals].rsplit(|b| is_blank(*b)).next()?;
                let value = &rest[equals + 1..];
                let end = end_of_value(value, interpreted);
                rest = &value[end..];
                if !key.is_empty() {
                    return Some((key, value[..end].trim_ascii()));
                }
            }
        })
    }

    fn get(&self, key: &[u8]) -> Option<&'a [u8]> {
        self.all()
            .find(|(name, _)| *name == key)
            .map(|(_, value)| value)
    }

    fn number(&self, key: &[u8]) -> Option<u32> {
        self.get(key).and_then(digits)
    }

    /// A file's name; nothing for `(null)`.
    fn name(&self, key: &[u8]) -> Option<Vec<u8>> {
        let value = self.get(key)?;
        (value != b"(null)").then(|| self.decoded(value).into_owned())
    }

    /// A value without quotes; one with blanks or other signs stands in hexadecimal.
    fn decoded(&self, value: &'a [u8]) -> Cow<'a, [u8]> {
        if let Some(inner) = value.strip_prefix(b"\"") {
            return Cow::Borrowed(inner.strip_suffix(b"\"").unwrap_or(inner));
        }
        match hexadecimal(value).filter(|_| !self.interpreted) {
            Some(bytes) => Cow::Owned(bytes),
            None => Cow::Borrowed(value),
        }
    }

    /// What a `SYSCALL` record tells; `Ok(None)` when the call acts on no path.
    fn call(&self) -> Result<Option<Done>, ()> {
        let arch = self.get(b"arch").unwrap_or_default();
        let number = self.get(b"syscall").ok_or(())?;
        // The enriched form has the words behind the numbers, in capitals.
        let word = self.get(b"SYSCALL").unwrap_or(number);
        let found = if let Some((name, op)) = calls::op(word) {
            Some((name, op))
        } else if let Some(number) = digits(number).filter(|_| word == number) {
            let name = numbers::name(arch, number).ok_or(())?;
            name.and_then(|name| calls::op(name.as_bytes()))
        } else {
            None
        };
        let Some((name, op)) = found else {
            return Ok(None);
        };
        let failed = match self.get(b"success") {
            Some(b"no") => Some(self.error()),
            Some(_) => None,
            // A call that did not come back.
            None => return Ok(None),
        };
        let arm = matches!(arch, b"c00000b7" | b"aarch64");
        Ok(Some(Done {
            name,
            op,
            failed,
            flags: self.flags(name, op, arm),
            from_descriptor: op.takes_directory() && !self.is_here(),
            process: self.number(b"pid").ok_or(())?,
            parent: self.number(b"ppid").unwrap_or_default(),
            program: self.name(b"exe"),
        }))
    }

    /// `exit=-13`, or `exit=EACCES(Permission denied)`.
    fn error(&self) -> Vec<u8> {
        let exit = self.get(b"exit").unwrap_or_default();
        let known = ERRORS.iter().find(|(number, _)| number.as_bytes() == exit);
        match known {
            Some((_, name)) => name.as_bytes().to_vec(),
            None => exit
                .iter()
                .copied()
                .take_while(u8::is_ascii_uppercase)
                .collect(),
        }
    }

    fn flags(&self, name: &str, op: Op, arm: bool) -> Flags {
        let Op::Open(place) = op else {
            return Flags::default();
        };
        match name {
            "creat" => return Flags::CREAT_CALL,
            // They stand in memory, which is not logged; that a file was made, its record tells.
            "openat2" => return Flags::default(),
            _ => {}
        }
        let key: &[u8] = if place == 0 { b"a1" } else { b"a2" };
        let value = self.get(key).unwrap_or_default();
        let text = std::str::from_utf8(value).unwrap_or_default();
        match u64::from_str_radix(text, 16) {
            Ok(number) => Flags::of_number(number, arm),
            Err(_) => Flags::of_words(value),
        }
    }

    /// Whether the directory's descriptor is `AT_FDCWD`.
    fn is_here(&self) -> bool {
        let value = self.get(b"a0").unwrap_or_default();
        value == b"AT_FDCWD" || value.ends_with(b"ffffff9c")
    }

    /// The path of a Unix socket: `saddr=0100…`, or `saddr={ saddr_fam=local path=/run/x }`.
    fn socket(&self) -> Option<Vec<u8>> {
        if let Some(path) = self.get(b"path") {
            let path = path.strip_suffix(b"}").unwrap_or(path).trim_ascii();
            return path.starts_with(b"/").then(|| path.to_vec());
        }
        let value = self.get(b"saddr")?;
        if let Some(path) = value.strip_prefix(b"local ") {
            return path.starts_with(b"/").then(|| path.to_vec());
        }
        let bytes = hexadecimal(value)?;
        // AF_UNIX is 1, in the byte order of the machine; a name that begins with 0 is no file.
        let path = bytes
            .strip_prefix(b"\x01\x00")
            .or(bytes.strip_prefix(b"\x00\x01"))?;
        let path = path.split(|&b| b == 0).next()?;
        (!path.is_empty()).then(|| path.to_vec())
    }
}

/// Errors of errno(3) that tell what a call wanted, as a log has them.
const ERRORS: &[(&str, &str)] = &[
    ("-1", "EPERM"),
    ("-2", "ENOENT"),
    ("-11", "EAGAIN"),
    ("-13", "EACCES"),
    ("-17", "EEXIST"),
    ("-26", "ETXTBSY"),
    ("-28", "ENOSPC"),
    ("-30", "EROFS"),
    ("-111", "ECONNREFUSED"),
    ("-115", "EINPROGRESS"),
    ("-122", "EDQUOT"),
];

/// In the enriched form this byte stands between the numbers and the words.
const SEPARATOR: u8 = 0x1d;

fn is_blank(byte: u8) -> bool {
    byte == b' ' || byte == SEPARATOR
}

/// The end of a value: its quote, a blank, or where blanks are not escaped, the next field.
fn end_of_value(value: &[u8], interpreted: bool) -> usize {
    if value.first() == Some(&b'"') {
        let close = value[1..].iter().position(|&b| b == b'"');
        return close.map_or(value.len(), |at| at + 2);
    }
    let mut from = 0;
    loop {
        let blank = value[from..].iter().position(|&b| is_blank(b));
        let Some(blank) = blank.map(|at| from + at) else {
            return value.len();
        };
        if !interpreted || is_field(&value[blank + 1..]) {
            return blank;
        }
        from = blank + 1;
    }
}

/// Whether a field begins here.
fn is_field(text: &[u8]) -> bool {
    let key = text
        .iter()
        .take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'))
        .count();
    key > 0 && text.get(key) == Some(&b'=')
}

fn digits(text: &[u8]) -> Option<u32> {
    let all = !text.is_empty() && text.iter().all(u8::is_ascii_digit);
    std::str::from_utf8(text).ok().filter(|_| all)?.parse().ok()
}

/// Bytes that stand in hexadecimal.
fn hexadecimal(text: &[u8]) -> Option<Vec<u8>> {
    if text.is_empty() || !text.len().is_multiple_of(2) {
        return None;
    }
    let digit = |byte: u8| {
        char::from(byte)
            .to_digit(16)
            .and_then(|n| u8::try_from(n).ok())
    };
    text.chunks_exact(2)
        .map(|pair| Some(digit(pair[0])? << 4 | digit(pair[1])?))
        .collect()
}
