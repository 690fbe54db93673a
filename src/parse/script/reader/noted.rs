//! What is noted of a program: the paths that it is given and uses, and the commands that it runs.

use tree_sitter::Node;

use super::{Argument, MAX_OPS, Reader, last_name, line_of};
use crate::parse::op::{Act, Deed, Op, Run};
use crate::parse::script::rules::{self, Arg, Does};
use crate::parse::shell;
use crate::parse::value::{HOLE, Value, folded, is_hole, is_open, seen_from};

impl<'t> Reader<'t> {
    /// Notes the paths that a name, key or option is given.
    pub(in crate::parse::script) fn setting(
        &mut self,
        node: Node<'_>,
        label: &str,
        values: &[Value],
    ) {
        for value in &completed(self.settled(values)) {
            let value = dsn_file(value).unwrap_or(value);
            if value.starts_with(b"/") && value.len() > 2 && !value.contains(&b' ') {
                let deed = Deed::Set {
                    name: label.to_owned(),
                    value: folded(value),
                    exported: false,
                };
                self.op(node, "=", deed);
            }
        }
    }

    /// Notes what a key, or an argument of some name, is given.
    pub(in crate::parse::script) fn pair(&mut self, node: Node<'_>, label: &str, values: &[Value]) {
        self.setting(node, label, values);
        if let Some(program) = self.process.program {
            program.note(last_name(label), &self.settled(values));
        }
    }

    /// Notes what a call does, by the language's table.
    pub(in crate::parse::script) fn call(
        &mut self,
        node: Node<'t>,
        callee: &str,
        receiver: Option<Node<'t>>,
        args: &[Argument<'t>],
    ) {
        self.passes(callee, args);
        for rule in self.grammar.rules {
            let matched = rule.names.iter().any(|name| match name.strip_prefix('.') {
                Some(method) => receiver.is_some() && callee.rsplit('.').next() == Some(method),
                None => *name == callee,
            });
            if matched {
                let by = callee.rsplit(['.', ':', '>']).next().unwrap_or(callee);
                for (arg, does) in rule.does {
                    self.apply(node, by, (*arg, *does), receiver, args);
                }
                if rules::moves(rule.does) {
                    self.replaced(node, by, args);
                }
                return;
            }
        }
    }

    /// That something is put in the place of another says much even where it is not known of what.
    fn replaced(&mut self, node: Node<'t>, by: &str, args: &[Argument<'t>]) {
        let Some(target) = find(args, Arg::At(1)) else {
            return;
        };
        let values = self.fold(target);
        if self.settled(&values).iter().all(|value| is_hole(value)) {
            let path = folded(&[HOLE]);
            self.op(
                node,
                by,
                Deed::Path {
                    act: Act::Writes,
                    path,
                },
            );
        }
    }

    fn apply(
        &mut self,
        node: Node<'t>,
        by: &str,
        (arg, does): (Arg, Does),
        receiver: Option<Node<'t>>,
        args: &[Argument<'t>],
    ) {
        let targets: Vec<Node<'t>> = match arg {
            Arg::Receiver => receiver.into_iter().collect(),
            Arg::All => args.iter().map(|(_, node)| *node).collect(),
            Arg::From(skip) => args.iter().skip(skip).map(|(_, node)| *node).collect(),
            Arg::Behind(word) => {
                let is_key = args
                    .first()
                    .is_some_and(|(_, key)| self.bytes(*key) == word.as_bytes());
                args.get(1)
                    .filter(|_| is_key)
                    .map(|(_, node)| *node)
                    .into_iter()
                    .collect()
            }
            other => find(args, other).into_iter().collect(),
        };
        let default = match arg {
            Arg::Fixed(path) => Some(path),
            Arg::Else(_, path) if targets.is_empty() => Some(path),
            Arg::Usual(_, path, library) if targets.is_empty() && self.has(library) => Some(path),
            _ => None,
        };
        if let (Some(path), Does::Act(act)) = (default, does) {
            self.touch(node, by, act, path.as_bytes());
        }
        if let Does::Opens(opens) = does {
            return self.opens(node, by, targets.first().copied(), opens, args);
        }
        for target in targets {
            let values = self.fold(target);
            let values = completed(self.settled(&values));
            let act = match does {
                Does::Act(act) => act,
                Does::Mode(at) => match find(args, at) {
                    Some(mode) => {
                        let modes = self.fold(mode);
                        rules::act_of_mode(&self.settled(&modes))
                    }
                    None => Act::Reads,
                },
                Does::Shell => {
                    for value in values {
                        self.shell(node, &value);
                    }
                    continue;
                }
                Does::ChangeDir => {
                    self.cwd = values
                        .into_iter()
                        .next()
                        .filter(|dir| dir.starts_with(b"/"));
                    if let (Some(program), Some(dir)) = (self.process.program, &self.cwd) {
                        program.change_dir(&folded(dir));
                    }
                    continue;
                }
                Does::Opens(_) => continue,
            };
            for value in &values {
                let is_word = !value.iter().any(|byte| matches!(byte, b'/' | b'.' | b':'));
                if !(is_word && matches!(arg, Arg::FileAt(_))) {
                    self.touch(node, by, act, dsn_file(value).unwrap_or(value));
                }
            }
        }
    }

    /// Notes what is done to a path, unless nothing of it is known.
    pub(in crate::parse::script) fn touch(
        &mut self,
        node: Node<'_>,
        by: &str,
        act: Act,
        path: &[u8],
    ) {
        if is_open(path) {
            // Which call gives what a function opens in a directory of its own is not followed.
            for path in self.settled(&[path.to_vec()]) {
                self.guesses = !path.starts_with(b"/");
                self.touch(node, by, act, &path);
            }
            self.guesses = false;
            return;
        }
        if path.is_empty() || is_hole(path) || path.starts_with(b":") || path.contains(&b'\n') {
            return;
        }
        let is_number = path.iter().all(u8::is_ascii_digit);
        if is_number || memchr::memmem::find(path, b"://").is_some() {
            return;
        }
        // Any word can be the name of a file; few are that have signs of other things in them.
        if !path.starts_with(b"/") && !path.iter().all(|byte| is_of_names(*byte)) {
            return;
        }
        let path = folded(&seen_from(self.cwd.as_deref(), path));
        self.op(node, by, Deed::Path { act, path });
    }

    /// A command line that a shell runs.
    pub(in crate::parse::script) fn shell(&mut self, node: Node<'_>, command: &[u8]) {
        if is_open(command) {
            for command in self.settled(&[command.to_vec()]) {
                self.shell(node, &command);
            }
            return;
        }
        if is_hole(command) || command.len() > 4096 {
            return;
        }
        let inner = shell::read(&folded(command), &shell::Context::default());
        for op in inner.ops {
            self.op(node, &op.by, op.deed);
        }
    }

    /// Notes that a program is run, whose name and arguments are `words`, unless nobody knows which.
    pub(in crate::parse::script) fn run(&mut self, node: Node<'_>, words: Vec<Node<'t>>) {
        let mut argv: Vec<Value> = Vec::new();
        for word in words {
            let values = self.fold(word);
            let value = self.settled(&values).into_iter().next();
            argv.push(value.unwrap_or_else(|| vec![HOLE]));
        }
        if let Some(name) = argv.first().filter(|name| !is_hole(name)) {
            let by = String::from_utf8_lossy(&folded(name)).into_owned();
            let run = Run {
                argv: argv.iter().map(|word| folded(word)).collect(),
                ..Run::default()
            };
            self.op(node, &by, Deed::Run(run));
        }
    }

    pub(in crate::parse::script) fn op(&mut self, node: Node<'_>, by: &str, deed: Deed) {
        if self.ops.len() >= MAX_OPS {
            self.cut = true;
            return;
        }
        let function = self
            .scopes
            .last()
            .map(|(_, function)| function.name.clone());
        self.ops.insert(Op {
            line: line_of(node),
            by: by.to_owned(),
            deed,
            arms: Vec::new(),
            function: function.unwrap_or_default(),
            sure: !self.guesses,
        });
    }
}

/// Values without the names of which the whole path stands among them, as where a program puts a
/// directory before a name that has none.
fn completed(values: Vec<Value>) -> Vec<Value> {
    let is_whole = |name: &Value| {
        values.iter().any(|whole| {
            let dir = whole.strip_suffix(name.as_slice());
            whole.starts_with(b"/") && dir.is_some_and(|dir| dir.ends_with(b"/"))
        })
    };
    let kept = values.iter().filter(|value| !is_whole(value));
    kept.cloned().collect()
}

/// Whether a byte stands in names that people give to files, or for what is not known of one.
fn is_of_names(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte >= 0x80 || byte == HOLE || b"/._-+@%~".contains(&byte)
}

/// The argument at a place or of a name.
pub(super) fn find<'t>(args: &[Argument<'t>], which: Arg) -> Option<Node<'t>> {
    let named = |wanted: &str| {
        args.iter()
            .find(|(name, _)| name.as_deref() == Some(wanted))
    };
    let at = |place: usize| args.get(place).filter(|(name, _)| name.is_none());
    let found = match which {
        Arg::At(place) | Arg::FileAt(place) => at(place),
        Arg::Named(name) | Arg::Else(name, _) | Arg::Usual(name, ..) => named(name),
        Arg::AtOr(place, name) => named(name).or_else(|| at(place)),
        Arg::Receiver | Arg::All | Arg::From(_) | Arg::Fixed(_) | Arg::Behind(_) => None,
    };
    found.map(|(_, node)| *node)
}

/// The file of a database source that is one: `sqlite:///…` (SQLAlchemy: a fourth slash makes it
/// absolute), `sqlite:…` (PDO), `dbi:SQLite:dbname=…` (DBI).
fn dsn_file(value: &[u8]) -> Option<&[u8]> {
    let colon = memchr::memchr(b':', value)?;
    let scheme = value.get(..colon)?.to_ascii_lowercase();
    let rest = value.get(colon + 1..)?;
    match scheme.as_slice() {
        b"sqlite" | b"sqlite2" | b"sqlite3" => Some(rest.strip_prefix(b"///").unwrap_or(rest)),
        b"dbi" => {
            let colon = memchr::memchr(b':', rest)?;
            let driver = rest.get(..colon)?.to_ascii_lowercase();
            let rest = rest.get(colon + 1..)?;
            let rest = rest.strip_prefix(b"dbname=").unwrap_or(rest);
            let end = memchr::memchr(b';', rest).unwrap_or(rest.len());
            driver.starts_with(b"sqlite").then_some(&rest[..end])
        }
        _ => None,
    }
}
