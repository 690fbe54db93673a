//! A log of strace(1), with or without `-f`, `-y`, times and numbers: who did what to which path.
//!
//! Calls that were broken off are joined, each process is followed through clone(2), chdir(2),
//! chroot(2) and execve(2), and relative paths are placed where it stood.

use super::calls::{self, Op};
use super::line::{self, Body, Outcome};
use super::process::{Broken, Process, Processes, Shares};
use super::seen::Seen;
use super::{Notes, Tally};

/// How much of a call that was broken off is kept: no path and no list of flags is longer.
const TEXT: usize = 64 << 10;

/// Reads lines, in order.
#[derive(Debug, Default)]
pub(super) struct Strace {
    processes: Processes,
    /// The process of lines that name none.
    unnamed: u32,
    /// The process of the line before.
    last: u32,
}

impl Strace {
    /// Lines that name no process are this one's from here on.
    pub(super) fn part_of(&mut self, process: u32) {
        self.unnamed = process;
    }

    /// Tells how many processes there were.
    pub(super) fn settle(&self, tally: &mut Tally, before: (u64, u64)) {
        tally.processes = self.processes.seen - before.0;
        tally.forgotten = self.processes.forgotten - before.1;
    }

    /// What [`Strace::settle`] counts from.
    pub(super) fn seen(&self) -> (u64, u64) {
        (self.processes.seen, self.processes.forgotten)
    }

    /// Reads a line.
    pub(super) fn line(&mut self, text: &[u8], notes: &mut Notes<'_>) {
        let (named, body) = line::split(text);
        match body {
            Body::Remark => return,
            Body::Attached(process) => return self.attach(process),
            Body::Other => {
                if !self.continues(text, notes) {
                    notes.tally.misses();
                }
                return;
            }
            _ => {}
        }
        let who = self.who(named);
        self.last = who;
        match body {
            Body::Exit(None) => {
                self.processes.remove(who);
            }
            Body::Exit(Some(by)) => self.processes.rename(by, who),
            Body::Call(name, rest) => self.begun(who, name, rest, notes),
            Body::Resumed(name, rest) => self.resumed(who, name, rest, notes),
            _ => {}
        }
    }

    /// The process of a line; one that is new belongs to the one that is about to make another.
    fn who(&mut self, named: Option<u32>) -> u32 {
        let Some(number) = named else {
            let only = self.processes.only().filter(|_| self.unnamed == 0);
            let number = only.unwrap_or(self.unnamed);
            self.processes.known(number);
            return number;
        };
        if self.processes.get(number).is_some() {
            return number;
        }
        if self.processes.get(0).is_some() {
            // Until there was a second one, strace did not say which it was.
            self.processes.rename(0, number);
            return number;
        }
        self.attach(number);
        self.processes.known(number);
        number
    }

    /// A process of which nothing was told before.
    fn attach(&mut self, number: u32) {
        if self.processes.get(number).is_some() {
            return;
        }
        if let Some(parent) = self.processes.forking() {
            let shares = self.processes.shares(parent);
            self.processes.fork(parent, number, shares);
            if let Some(process) = self.processes.get_mut(number) {
                process.guessed = Some(parent);
            }
        }
    }

    /// Whether a line goes on with the one before, which strace cut to tell of a new process.
    fn continues(&mut self, text: &[u8], notes: &mut Notes<'_>) -> bool {
        if !matches!(text.first(), Some(b',' | b')' | b' ' | b'}')) {
            return false;
        }
        let who = self.last;
        let Some(broken) = self.processes.resumes(who) else {
            return false;
        };
        self.join(who, &broken, text, notes);
        true
    }

    fn begun(&mut self, who: u32, name: &[u8], rest: &[u8], notes: &mut Notes<'_>) {
        let Some((name, op)) = calls::op(name) else {
            self.processes.known(who).fresh = false;
            return;
        };
        let Some((text, attached)) = line::is_broken_off(rest.trim_ascii_end()) else {
            return self.call(who, name, op, rest, notes);
        };
        let broken = Broken {
            name,
            op,
            text: text[..text.len().min(TEXT)].into(),
        };
        if !self.processes.breaks(who, broken) {
            notes.tally.misses();
        }
        if let Some(process) = attached {
            self.attach(process);
        }
    }

    fn resumed(&mut self, who: u32, name: &[u8], rest: &[u8], notes: &mut Notes<'_>) {
        let begun = self.processes.resumes(who);
        let Some((name, _)) = calls::op(name) else {
            return;
        };
        match begun.filter(|broken| broken.name == name) {
            Some(broken) => self.join(who, &broken, rest, notes),
            None => notes.tally.misses(),
        }
    }

    /// Goes on with a call; it may be broken off once more.
    fn join(&mut self, who: u32, broken: &Broken, rest: &[u8], notes: &mut Notes<'_>) {
        let whole = [&broken.text, &rest[..rest.len().min(TEXT)]].concat();
        if line::is_broken_off(whole.trim_ascii_end()).is_some() && whole.len() < TEXT {
            return self.begun(who, broken.name.as_bytes(), &whole, notes);
        }
        self.call(who, broken.name, broken.op, &whole, notes);
    }

    fn call(&mut self, who: u32, name: &'static str, op: Op, text: &[u8], notes: &mut Notes<'_>) {
        let Some((args, rest)) = line::arguments(text) else {
            return notes.tally.misses();
        };
        let end = match line::outcome(rest) {
            Outcome::Done(number, path) => Ok((number, path)),
            Outcome::Failed(error) => Err(error),
            // The process was ended in the middle of the call, or never came back from it.
            Outcome::Unknown => return,
        };
        if op.is_fork() {
            return self.fork(who, text, rest);
        }
        let process = self.processes.known(who);
        let first = std::mem::take(&mut process.fresh);
        let mut seen = Seen {
            process,
            name,
            op,
            args: &args,
            end,
        };
        seen.learn();
        if matches!(op, Op::Exec(_)) && end.is_ok() {
            let doer = notes.store.number(seen.program(notes.ground, first));
            seen.process.doer = doer;
        }
        seen.tell(notes);
        seen.follow(notes);
    }

    /// What the maker of a process tells of it.
    fn fork(&mut self, who: u32, text: &[u8], rest: &[u8]) {
        let Some(number) = calls::child(rest) else {
            return;
        };
        let shares = Shares::of_words(text);
        self.processes.known(who);
        let guess = self.processes.get(number).and_then(|child| child.guessed);
        let Some(guess) = guess else {
            return self.processes.fork(who, number, shares);
        };
        let doer = |process: Option<&Process>| process.map(|process| process.doer);
        let (right, wrong) = (
            doer(self.processes.get(who)),
            doer(self.processes.get(guess)),
        );
        if let Some(child) = self.processes.get_mut(number) {
            child.guessed = None;
            if let Some(right) = right
                && guess != who
                && Some(child.doer) == wrong
            {
                child.doer = right;
            }
        }
    }
}
