//! A script as somebody calls it: with its arguments, as a user, on a system whose files are known.
//!
//! [`super::read`] takes every branch, since anybody may call a script in any way. Here the branch
//! that is not taken is not visited, what is sourced is read in its place, and a variable that nothing
//! has set is empty. What cannot be told still leaves all branches open.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::super::op::{Run, Way};
use super::super::value::{HOLE, SPLIT, Value, folded, is_hole, seen_from};
use super::first_env;
use super::lexer::Reader;
use super::note::is_variable_name;
use super::walk::Walk;
use super::{Context, cleaned};

/// How many files may source one another.
const MAX_SOURCED: usize = 8;

/// How many starts of one call are kept.
const MAX_RUNS: usize = 64;

/// The system on which a script is called.
pub trait World {
    /// The text of a file.
    fn text(&self, path: &[u8]) -> Option<Vec<u8>>;

    /// Whether test(1) holds for a file by one of its letters: `e`, `f`, `d`, `x`, `r`, `s`, `L`;
    /// nothing where that cannot be told.
    fn holds(&self, test: u8, path: &[u8]) -> Option<bool>;

    /// The home directory of a user.
    fn home(&self, user: &[u8]) -> Option<Vec<u8>>;

    /// The files that a pattern stands for, in order (glob(7)).
    fn matches(&self, pattern: &[u8]) -> Vec<Vec<u8>>;
}

/// How a script is called.
#[derive(Clone, Copy)]
pub struct Call<'a> {
    /// Its text.
    pub text: &'a [u8],
    /// Its path, where it is a file.
    pub script: Option<&'a [u8]>,
    /// Its arguments.
    pub args: &'a [Vec<u8>],
    /// The user.
    pub user: &'a [u8],
    /// The directory.
    pub dir: Option<&'a [u8]>,
    /// Variables of its environment.
    pub vars: &'a BTreeMap<String, Vec<u8>>,
    /// The system.
    pub world: &'a dyn World,
}

/// A program that a called script starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Started {
    /// The line of the script, or of the file that it sources, counted from 1.
    pub line: u32,
    /// The file that it sources, where the line is in one.
    pub file: Option<Vec<u8>>,
    /// The program.
    pub run: Run,
    /// Whether nobody knows that it is reached.
    pub maybe: bool,
}

/// What a call comes to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Called {
    /// What it starts, in order.
    pub started: Vec<Started>,
    /// Whether the script itself goes on: it waits, or loops without an end.
    pub waits: bool,
    /// Which of `started` it ends in, if it ends in one: in front, or in its own place.
    pub front: Option<usize>,
    /// Whether its text was not understood, or not to its end.
    pub cut: bool,
}

/// The state of a call while it is followed.
pub(super) struct Calling<'a> {
    world: &'a dyn World,
    /// How many branches around the visited command may not be taken.
    pub(super) undecided: u32,
    stopped: Option<Stop>,
    sourced: Vec<Vec<u8>>,
    /// Whether variables may have been set that are not known.
    pub(super) blind: bool,
    /// The user that the visited command runs as.
    pub(super) user: Value,
    started: Vec<Started>,
    waits: bool,
    front: Option<usize>,
    /// Whether something may have ended the loop that is visited.
    pub(super) broke: bool,
}

/// What ends the visit of a list early.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// The function or sourced file.
    Return,
    /// The script.
    Exit,
}

/// Libraries of functions that distributions give to init scripts. What their functions do is known
/// by name.
const LIBRARIES: &[&[u8]] = &[
    b"/lib/lsb/init-functions",
    b"/usr/lib/lsb/init-functions",
    b"/etc/init.d/functions",
    b"/etc/rc.d/init.d/functions",
    b"/etc/rc.d/functions",
    b"/etc/rc.status",
    b"/etc/rc.subr",
    b"/lib/init/vars.sh",
    b"/lib/init/init-d-script",
    b"/etc/init.d/functions.sh",
    b"/sbin/functions.sh",
    b"/lib/gentoo/functions.sh",
];

/// Variables that whoever calls a script has set.
const GIVEN: &[&str] = &[
    "HOME", "HOSTNAME", "LANG", "LOGNAME", "MACHTYPE", "OSTYPE", "PATH", "PPID", "PWD", "RANDOM",
    "RUNLEVEL", "SECONDS", "SHELL", "SHLVL", "TERM", "TZ", "USER",
];

/// Follows a call.
///
/// Total, as [`super::read`] is.
#[must_use]
pub fn call(call: &Call<'_>) -> Called {
    let text = cleaned(call.text);
    let mut reader = Reader::new(&text, 1, 0);
    let list = reader.script();
    let context = Context {
        script: call.script,
        vars: call.vars.clone(),
        cwd: call.dir,
    };
    let mut walk = Walk::new(call.script, first_env(&context));
    walk.cwd = call.dir.map(<[u8]>::to_vec);
    walk.exported.extend(call.vars.keys().cloned());
    walk.bind(call.args);
    walk.calling = Some(Calling {
        world: call.world,
        undecided: 0,
        stopped: None,
        sourced: Vec::new(),
        blind: false,
        user: call.user.to_vec(),
        started: Vec::new(),
        waits: false,
        front: None,
        broke: false,
    });
    walk.whole(&list, std::mem::take(&mut reader.documents), |_| false);
    let cut = walk.cut || !reader.faults.is_empty();
    let calling = walk.calling.take();
    calling.map_or_else(Called::default, |calling| Called {
        started: calling.started,
        waits: calling.waits,
        front: calling.front,
        cut,
    })
}

/// A search path; what is not known of it is the one that everybody has (environ(7)).
fn search_path(values: &[Value]) -> Option<Value> {
    const USUAL: &[u8] = b"/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
    let [value] = values else { return None };
    let mut dirs: Vec<&[u8]> = Vec::new();
    for dir in value.split(|byte| *byte == b':') {
        match dir.contains(&HOLE) {
            true if is_hole(dir) => dirs.push(USUAL),
            true => {}
            false => dirs.push(dir),
        }
    }
    let is_known = !dirs.is_empty() && dirs != [USUAL];
    is_known.then(|| folded(&dirs.join(&b':')))
}

impl Walk<'_> {
    /// Whether nothing more of the visited list is reached.
    pub(super) fn is_stopped(&self) -> bool {
        self.calling
            .as_ref()
            .is_some_and(|calling| calling.stopped.is_some())
    }

    /// The system on which a call is followed.
    pub(super) fn world(&self) -> Option<&dyn World> {
        self.calling.as_ref().map(|calling| calling.world)
    }

    /// Ends the visit, where it is known to be reached.
    pub(super) fn stop(&mut self, stop: Stop) {
        if let Some(calling) = &mut self.calling {
            calling.broke = true;
            if calling.undecided == 0 {
                calling.stopped = Some(stop);
            }
        }
    }

    /// Visits in a scope of its own: what ends it ends nothing around it.
    pub(super) fn scoped(&mut self, ends: Stop, visit: impl FnOnce(&mut Self)) {
        visit(self);
        if let Some(calling) = &mut self.calling
            && (calling.stopped == Some(ends) || ends == Stop::Exit)
        {
            calling.stopped = None;
        }
    }

    /// The script goes on from here, whatever it has started.
    pub(super) fn goes_on(&mut self) {
        if let Some(calling) = &mut self.calling {
            calling.waits = true;
        }
        self.stop(Stop::Exit);
    }

    /// Keeps a start, with what it is given.
    pub(super) fn started(&mut self, run: &Run) {
        let exported = |name: &str| self.exported.contains(name) || self.exported.contains("*");
        let known = |values: &Vec<Value>| match values.as_slice() {
            [value] if !value.contains(&HOLE) => Some(folded(value)),
            _ => None,
        };
        let env = self.env.iter();
        let env = env.filter(|(name, _)| exported(name) || *name == "PATH");
        let env = env
            .filter(|(name, _)| is_variable_name(name))
            .filter_map(|(name, values)| {
                let value = match name == "PATH" {
                    true => search_path(values),
                    false => known(values),
                };
                value.map(|value| (name.to_owned(), value))
            });
        let own = run.env.iter().cloned();
        let env: BTreeMap<String, Vec<u8>> = env.chain(own).collect();
        let mut run = Run {
            env: env.into_iter().collect(),
            dir: run.dir.clone().or_else(|| self.cwd.clone()),
            umask: run.umask.clone().or_else(|| self.umask.clone()),
            ..run.clone()
        };
        run.dir = run.dir.filter(|dir| !dir.contains(&HOLE));
        let (line, at_end) = (self.line, self.tail);
        let Some(calling) = &mut self.calling else {
            return;
        };
        if calling.started.len() >= MAX_RUNS {
            return;
        }
        let in_front = matches!(run.way, Way::Exec) || at_end && run.way == Way::Last;
        calling.started.push(Started {
            line,
            file: calling.sourced.last().cloned(),
            run,
            maybe: calling.undecided > 0,
        });
        if in_front {
            calling.front = Some(calling.started.len() - 1);
        }
    }

    /// Reads a file in place (`.`).
    pub(super) fn source(&mut self, path: &[u8]) {
        let path = folded(path);
        let Some(calling) = &mut self.calling else {
            return;
        };
        if LIBRARIES.contains(&path.as_slice()) {
            return;
        }
        let is_known = !path.contains(&b'*') && !calling.sourced.contains(&path);
        let text = is_known.then(|| calling.world.text(&path)).flatten();
        let Some(text) = text.filter(|_| calling.sourced.len() < MAX_SOURCED) else {
            if path == b"/etc/profile" && calling.world.holds(b'e', &path) == Some(false) {
                // Every system has one, and it reads these.
                let parts = calling.world.matches(b"/etc/profile.d/*.sh");
                for file in parts {
                    self.source(&file);
                }
                return;
            }
            // A file that is not there sets nothing.
            calling.blind |= calling.world.holds(b'e', &path) != Some(false);
            return;
        };
        calling.sourced.push(path);
        let tail = std::mem::take(&mut self.tail);
        self.scoped(Stop::Return, |walk| walk.text(&text));
        self.tail = tail;
        if let Some(calling) = &mut self.calling {
            calling.sourced.pop();
        }
    }

    /// What a login shell reads before its command (sh(1), bash(1), `INVOCATION`).
    pub(super) fn login(&mut self, home: &[u8]) {
        let Some(calling) = &self.calling else {
            return;
        };
        let world = calling.world;
        if world.holds(b'e', b"/etc/profile") == Some(true) {
            self.source(b"/etc/profile");
        } else {
            for file in world.matches(b"/etc/profile.d/*.sh") {
                self.source(&file);
            }
        }
        let own = [".bash_profile", ".bash_login", ".profile"];
        let own = own.map(|name| [home, b"/", name.as_bytes()].concat());
        if let Some(file) = own
            .iter()
            .find(|file| world.holds(b'f', file) == Some(true))
        {
            self.source(file);
        }
    }

    /// The words of a loop, with what patterns of files stand for.
    pub(super) fn globbed(&self, words: Vec<Value>) -> Vec<Value> {
        let Some(calling) = &self.calling else {
            return words;
        };
        let is_pattern = |word: &Value| {
            let has = word.iter().any(|byte| matches!(byte, b'*' | b'?'));
            has && word.starts_with(b"/") && !word.contains(&HOLE)
        };
        let expand = |word: Value| match is_pattern(&word) {
            true => calling.world.matches(&word),
            false => vec![word],
        };
        words.into_iter().flat_map(expand).collect()
    }

    /// The names in a directory (ls(1)).
    pub(super) fn listed(&self, dir: &[u8]) -> Option<Vec<Value>> {
        let dir = seen_from(self.cwd.as_deref(), dir);
        let world = self.calling.as_ref()?.world;
        if dir.contains(&HOLE) || world.holds(b'd', &dir) != Some(true) {
            return None;
        }
        let files = world.matches(&[&dir, &b"/*"[..]].concat());
        let name = |file: &Value| file.rsplit(|byte| *byte == b'/').next().map(<[u8]>::to_vec);
        Some(files.iter().filter_map(name).collect())
    }

    /// The files of a directory, each with its first line.
    pub(super) fn kept_in(&self, dir: &[u8]) -> Vec<(String, Value)> {
        let dir = folded(&seen_from(self.cwd.as_deref(), dir));
        let Some(calling) = self.calling.as_ref().filter(|_| !dir.contains(&b'*')) else {
            return Vec::new();
        };
        let files = calling.world.matches(&[&dir, &b"/*"[..]].concat());
        let kept = files.into_iter().filter_map(|file| {
            let name = file.rsplit(|byte| *byte == b'/').next()?.to_vec();
            let name = String::from_utf8(name)
                .ok()
                .filter(|name| is_variable_name(name))?;
            let text = calling.world.text(&file)?;
            let line = text.split(|byte| *byte == b'\n').next()?.trim_ascii_end();
            Some((name, cleaned(line).into_owned()))
        });
        kept.collect()
    }

    /// Visits the text of a file.
    fn text(&mut self, text: &[u8]) {
        if !self.spend(text.len() / 16 + 1) {
            return;
        }
        let text = cleaned(text);
        let mut reader = Reader::new(&text, 1, 0);
        let list = reader.script();
        let documents = Rc::new(std::mem::take(&mut reader.documents));
        let outer = std::mem::replace(&mut self.documents, documents);
        let line = self.line;
        self.list(&list);
        self.line = line;
        self.documents = outer;
    }

    /// `sh FILE` of a file that is no program of its own: its text, as the shell reads it. False
    /// when it is not to be read so.
    pub(super) fn read_by_shell(&mut self, file: &[u8], args: &[Value]) -> bool {
        let path = folded(&seen_from(self.cwd.as_deref(), file));
        let Some(calling) = &mut self.calling else {
            return false;
        };
        let is_program = calling.world.holds(b'x', &path) != Some(false);
        if is_program || path.contains(&b'*') || calling.sourced.len() >= MAX_SOURCED {
            return false;
        }
        let Some(text) = calling.world.text(&path) else {
            return false;
        };
        calling.sourced.push(path.clone());
        let saved = self.bind(args);
        let (env, cwd) = (self.env.clone(), self.cwd.clone());
        self.scoped(Stop::Exit, |walk| walk.text(&text));
        (self.env, self.cwd) = (env, cwd);
        for (name, values) in saved {
            self.env.restore(&name, values);
        }
        if let Some(calling) = &mut self.calling {
            calling.sourced.pop();
        }
        true
    }

    /// The home of a user who logs in, as the directory in which a command then runs.
    pub(super) fn home_of(&self, user: &[u8]) -> Option<Value> {
        self.calling.as_ref()?.world.home(user)
    }

    /// What a variable is worth that the script has not set.
    pub(super) fn unset(&self, name: &str) -> Option<Vec<Value>> {
        let calling = self.calling.as_ref()?;
        let is_empty = !calling.blind && !GIVEN.contains(&name) && is_variable_name(name);
        let is_place = name.len() == 1 && name.bytes().all(|byte| byte.is_ascii_digit());
        if name == "USER" || name == "LOGNAME" {
            return Some(vec![calling.user.clone()]);
        }
        (is_empty || is_place).then(|| vec![Vec::new()])
    }

    /// How many arguments there are.
    pub(super) fn count(&self) -> Option<Vec<Value>> {
        self.calling.as_ref()?;
        let all = self.env.get("@")?.first()?;
        let count = match all.is_empty() {
            true => 0,
            false => all.split(|byte| *byte == SPLIT).count(),
        };
        Some(vec![count.to_string().into_bytes()])
    }
}

#[cfg(test)]
mod tests;
