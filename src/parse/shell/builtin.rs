//! The shell's own commands.

use super::super::op::{Act, Deed};
use super::super::value::{ACTION, Value, fields, folded, hole, is_hole, seen_from};
use super::called::Stop;
use super::expand::text;
use super::grammar::split_assignment;
use super::walk::Walk;

/// Whether an argument of date(1) changes what it else shows.
fn sets_the_clock(word: &Value) -> bool {
    word == b"-s" || word.starts_with(b"--set")
}

impl Walk<'_> {
    /// The shell's own commands, and functions; false when it is another.
    pub(super) fn own(&mut self, name: &[u8], argv: &[Value]) -> bool {
        let args = argv.get(1..).unwrap_or_default();
        match name {
            b"cd" | b"pushd" | b"chdir" => self.change_dir(args),
            b"." | b"source" => {
                if let Some(file) = args.first().filter(|file| !is_hole(file)) {
                    let path = folded(&seen_from(self.cwd.as_deref(), file));
                    self.source(&path);
                    self.op("source", Deed::Source(path));
                }
            }
            b"export" | b"readonly" | b"local" | b"declare" | b"typeset" => {
                self.declare(name, args);
            }
            b"unset" => {
                for word in args {
                    self.env.remove(&text(word));
                }
            }
            b"set" => self.set(args),
            b"shift" => {
                let rest = self.env.get("@").and_then(|all| all.first()).cloned();
                let rest = rest.map(|all| fields(&all)).unwrap_or_default();
                let count = args.first().and_then(|count| text(count).parse().ok());
                self.bind(rest.get(count.unwrap_or(1)..).unwrap_or_default());
            }
            b"read" | b"getopts" | b"mapfile" | b"readarray" => {
                for word in args.iter().filter(|word| !word.starts_with(b"-")) {
                    self.env.insert(&text(word), hole());
                }
            }
            b"eval" => {
                let script = args.join(&b' ');
                self.nested(&script);
            }
            b"umask" => {
                if let Some(mask) = args.iter().find(|word| !word.starts_with(b"-")) {
                    self.umask = Some(folded(mask));
                }
            }
            b"break" => self.breaks(),
            b"exit" => self.stop(Stop::Exit),
            b"return" => self.stop(Stop::Return),
            b"wait" if args.is_empty() || self.tail => self.goes_on(),
            // What a signal calls is no part of a call that is followed.
            b"trap" if self.calling.is_some() => {}
            b"trap" => {
                if let Some(script) = args.iter().find(|word| !word.starts_with(b"-")) {
                    let tail = std::mem::take(&mut self.tail);
                    self.nested(script);
                    self.tail = tail;
                }
            }
            b":" | b"true" | b"false" | b"echo" | b"printf" | b"continue" | b"wait" | b"jobs"
            | b"type" | b"hash" | b"which" | b"let" | b"times" | b"shopt" | b"alias" | b"popd"
            | b"pwd" | b"sleep" | b"dirname" | b"basename" | b"expr" | b"tr" | b"id"
            | b"whoami" | b"uname" => {}
            b"date" if !args.iter().any(sets_the_clock) => {}
            _ => return self.call(&text(name), args),
        }
        true
    }

    fn change_dir(&mut self, args: &[Value]) {
        let target = args
            .iter()
            .find(|word| !word.starts_with(b"-") || word.len() == 1);
        self.cwd = match target {
            Some(dir) if dir == b"-" || is_hole(dir) || dir == &[ACTION] => None,
            Some(dir) => {
                let dir = seen_from(self.cwd.as_deref(), dir);
                (dir.starts_with(b"/")).then_some(dir)
            }
            None => None,
        };
        if let Some(dir) = self.cwd.clone() {
            self.path(Act::Names, &dir, "cd");
        }
    }

    fn declare(&mut self, name: &[u8], args: &[Value]) {
        let exports = name == b"export"
            || args
                .iter()
                .any(|word| word.starts_with(b"-") && word.contains(&b'x'));
        for word in args.iter().filter(|word| !word.starts_with(b"-")) {
            let assigned = split_assignment(word);
            let (variable, value) = match assigned {
                Some((variable, _, behind)) => (variable, word.get(behind..)),
                None => (text(word), None),
            };
            if let Some(value) = value {
                self.assign(&variable, vec![value.to_vec()]);
            } else if name == b"local" {
                self.env.insert(&variable, vec![Vec::new()]);
            }
            if exports {
                self.export(&variable);
            }
        }
    }

    fn set(&mut self, args: &[Value]) {
        if let Some(at) = args.iter().position(|word| word == b"--") {
            self.bind(args.get(at + 1..).unwrap_or_default());
        } else if args
            .first()
            .is_some_and(|word| !word.starts_with(b"-") && !word.starts_with(b"+"))
        {
            self.bind(args);
        } else if args
            .iter()
            .any(|word| word.starts_with(b"-") && word.contains(&b'a'))
        {
            self.export("*");
        }
    }
}
