//! Which branch of a called script is taken, as far as the outcome of commands can be told.

use super::super::value::HOLE;
use super::called::Stop;
use super::syntax::{Body, Command, Item, Joint, List, Part, Pipeline, Word};
use super::truth::fits;
use super::walk::{Walk, collect, leaves};

impl Walk<'_> {
    /// Visits a list; whether its last command succeeds, as far as that can be told.
    pub(super) fn called_list(&mut self, list: &List) -> Option<bool> {
        let tail = self.tail;
        let last = list.0.iter().rposition(|item| !leaves(item));
        let mut holds = None;
        for (number, item) in list.0.iter().enumerate() {
            if self.is_stopped() {
                break;
            }
            self.tail = tail && Some(number) == last;
            holds = self.called_item(item);
        }
        self.tail = tail;
        holds
    }

    fn called_item(&mut self, item: &Item) -> Option<bool> {
        if item.background {
            let tail = std::mem::take(&mut self.tail);
            self.scoped(Stop::Exit, |walk| {
                walk.called_chain(item);
            });
            self.tail = tail;
            return Some(true);
        }
        self.called_chain(item)
    }

    fn called_chain(&mut self, item: &Item) -> Option<bool> {
        let tail = self.tail;
        self.tail = tail && item.rest.is_empty();
        let mut holds = self.called_pipeline(&item.first, item.background);
        for (number, (joint, pipeline)) in item.rest.iter().enumerate() {
            if self.is_stopped() {
                break;
            }
            self.tail = tail && number + 1 == item.rest.len();
            let wanted = *joint == Joint::And;
            holds = match holds {
                Some(held) if held != wanted => Some(held),
                Some(_) => self.called_pipeline(pipeline, item.background),
                None => {
                    let before = self.branch();
                    let more = self.maybe(|walk| walk.called_pipeline(pipeline, item.background));
                    self.env.merge(&before);
                    more.filter(|held| *held != wanted)
                }
            };
        }
        self.tail = tail;
        holds
    }

    /// Visits what may not be reached.
    pub(super) fn maybe<T>(&mut self, visit: impl FnOnce(&mut Self) -> T) -> T {
        let count = |walk: &mut Self, more: bool| {
            if let Some(calling) = &mut walk.calling {
                calling.undecided = match more {
                    true => calling.undecided + 1,
                    false => calling.undecided.saturating_sub(1),
                };
            }
        };
        count(self, true);
        let out = visit(self);
        count(self, false);
        out
    }

    fn called_pipeline(&mut self, pipeline: &Pipeline, background: bool) -> Option<bool> {
        self.pipeline(pipeline, background);
        let [command] = pipeline.commands.as_slice() else {
            return None;
        };
        let holds = self.outcome(command)?;
        Some(holds != pipeline.negated)
    }

    /// Whether a command that was visited succeeds.
    fn outcome(&mut self, command: &Command) -> Option<bool> {
        /// Commands of which a script expects that they succeed.
        const SUCCEED: &[&[u8]] = &[
            b":", b".", b"cd", b"chmod", b"chown", b"echo", b"export", b"local", b"mkdir",
            b"printf", b"set", b"shift", b"source", b"touch", b"true", b"ulimit", b"umask",
            b"unset",
        ];
        let Body::Simple { assigns, words } = &command.body else {
            return None;
        };
        if words.is_empty() {
            let plain = assigns.iter().all(|assign| is_plain(&assign.value));
            return plain.then_some(true);
        }
        let name = words.first().and_then(Word::plain)?;
        match name {
            b"[" | b"[[" | b"test" => {
                let argvs = self.argvs(words);
                let mut all = argvs.iter().map(|argv| self.test(argv));
                let first = all.next()??;
                all.all(|other| other == Some(first)).then_some(first)
            }
            b"false" => Some(false),
            b"command" | b"which" | b"type" | b"hash" => {
                let argvs = self.argvs(words);
                let [argv] = argvs.as_slice() else {
                    return None;
                };
                let is_asked =
                    name != b"command" || argv.iter().any(|word| word == b"-v" || word == b"-V");
                let wanted = argv.iter().skip(1).find(|word| !word.starts_with(b"-"))?;
                is_asked.then(|| self.finds(wanted)).flatten()
            }
            name if SUCCEED.contains(&name) => Some(true),
            _ => None,
        }
    }

    /// Whether a command of this name is there: a function, or a program of the search path. On a root
    /// without a shell other programs are missing as well.
    fn finds(&self, name: &[u8]) -> Option<bool> {
        const DIRS: [&[u8]; 6] = [
            b"/usr/local/sbin/",
            b"/usr/local/bin/",
            b"/usr/sbin/",
            b"/usr/bin/",
            b"/sbin/",
            b"/bin/",
        ];
        if name.contains(&HOLE) || name.contains(&b'/') {
            return None;
        }
        if self.is_function(&String::from_utf8_lossy(name)) {
            return Some(true);
        }
        let world = self.world()?;
        let is_there = |dir: &&[u8]| world.holds(b'x', &[dir, name].concat()) == Some(true);
        let has_shell = || {
            [&b"/bin/sh"[..], b"/usr/bin/sh"]
                .iter()
                .any(|file| world.holds(b'e', file) == Some(true))
        };
        match DIRS.iter().any(is_there) {
            true => Some(true),
            false => has_shell().then_some(false),
        }
    }

    pub(super) fn called_if(&mut self, branches: &[(List, List)], otherwise: Option<&List>) {
        let tail = self.tail;
        let mut after = None;
        let mut is_open = false;
        for (condition, body) in branches {
            self.tail = false;
            let holds = self.called_list(condition);
            self.tail = tail;
            if self.is_stopped() || holds == Some(false) {
                continue;
            }
            if holds == Some(true) && !is_open {
                self.called_list(body);
                return;
            }
            is_open = true;
            let before = self.branch();
            self.maybe(|walk| walk.called_list(body));
            let end = std::mem::replace(&mut self.env, before);
            collect(&mut after, end);
            if holds == Some(true) {
                if let Some(after) = after {
                    self.env = after;
                }
                return;
            }
        }
        if let Some(list) = otherwise.filter(|_| !self.is_stopped()) {
            if is_open {
                self.maybe(|walk| walk.called_list(list));
            } else {
                self.called_list(list);
            }
        }
        if let Some(after) = after {
            self.env.merge(&after);
        }
    }

    /// A loop: its body once, as what comes again comes the same. One that nothing ends goes on.
    pub(super) fn called_loop(&mut self, condition: &List, until: bool, body: &List) {
        let holds = self.called_list(condition).map(|holds| holds != until);
        if holds == Some(false) || self.is_stopped() {
            return;
        }
        let before = self
            .calling
            .as_mut()
            .map(|calling| std::mem::take(&mut calling.broke));
        if holds == Some(true) {
            self.called_list(body);
        } else {
            self.maybe(|walk| walk.called_list(body));
        }
        let broke = self.calling.as_ref().is_some_and(|calling| calling.broke);
        if let Some(calling) = &mut self.calling {
            calling.broke = before.unwrap_or_default();
        }
        if holds == Some(true) && !broke && !self.is_stopped() {
            self.goes_on();
        }
    }

    /// Something may end the loop around, or the script.
    pub(super) fn breaks(&mut self) {
        if let Some(calling) = &mut self.calling {
            calling.broke = true;
        }
    }

    /// The arm that is taken; false when that cannot be told.
    pub(super) fn called_case(&mut self, subject: &Word, cases: &[(Vec<Word>, List)]) -> bool {
        let subjects = self.expand(subject);
        let [subject] = subjects.as_slice() else {
            return false;
        };
        if subject.contains(&HOLE) {
            return false;
        }
        for (patterns, body) in cases {
            for pattern in patterns {
                let pattern = self.one(pattern);
                if pattern.contains(&HOLE) {
                    return false;
                }
                if fits(&pattern, subject) {
                    self.called_list(body);
                    return true;
                }
            }
        }
        true
    }
}

/// Whether a value is known from text and variables alone.
fn is_plain(word: &Word) -> bool {
    word.parts
        .iter()
        .all(|part| !matches!(part, Part::Output { .. } | Part::Unknown))
}
