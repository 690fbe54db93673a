//! Python, Perl, PHP and Ruby: bytes into operations with folded values, by syntax tree.
//!
//! One reader serves all four: it walks the tree once, in order of the text, keeps what names are
//! assigned, and asks the language what a node assigns, calls or computes. It does not follow
//! control flow: in a branch a name gains a value, elsewhere a value replaces the one before.

mod perl;
mod php;
mod python;
mod ruby;
mod rules;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use tree_sitter::{Node, ParseOptions, ParseState, Parser, Tree};

use super::op::{Act, Deed, Fault, Op, Script};
use super::shell;
use super::value::{Env, HOLE, Value, dirname, folded, hole, is_hole, join, seen_from, unite};
use rules::{Arg, Does, Rule};

/// The longest text that is read: a program of this size was generated.
pub const MAX_TEXT: usize = 512 << 10;

/// How many operations are kept.
const MAX_OPS: usize = 8192;

/// How many brackets may be open at once.
const MAX_BRACKETS: usize = 400;

/// How deep expressions are folded.
const MAX_FOLD: u32 = 24;

/// A language that is read here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// Python 2 and 3.
    Python,
    /// Perl 5.
    Perl,
    /// PHP.
    Php,
    /// Ruby.
    Ruby,
}

/// What a language adds to the reader.
struct Grammar {
    language: fn() -> tree_sitter::Language,
    /// Nodes that have names of their own.
    functions: &'static [&'static str],
    /// Nodes whose inside may not be reached.
    branches: &'static [&'static str],
    /// Notes what one node assigns or calls.
    visit: for<'t> fn(&mut Reader<'t>, Node<'t>),
    /// The possible values of an expression.
    fold: for<'t> fn(&mut Reader<'t>, Node<'t>) -> Vec<Value>,
    rules: &'static [Rule],
    /// Whether a line's end mostly ends a statement.
    lines: bool,
    /// How many bytes may follow each other without anything that ends an expression.
    longest_run: usize,
    /// The part of a text that is program.
    program: fn(&[u8]) -> Cow<'_, [u8]>,
}

impl Language {
    fn grammar(self) -> &'static Grammar {
        match self {
            Self::Python => &python::GRAMMAR,
            Self::Perl => &perl::GRAMMAR,
            Self::Php => &php::GRAMMAR,
            Self::Ruby => &ruby::GRAMMAR,
        }
    }
}

/// Reads a script that lies at `path`.
///
/// Total: text beyond [`MAX_TEXT`], work that grows faster than the text, and nesting are cut,
/// and the cut is told.
#[must_use]
pub fn read(text: &[u8], language: Language, path: Option<&[u8]>) -> Script {
    let text = text.get(..MAX_TEXT).unwrap_or(text);
    let grammar = language.grammar();
    let program = (grammar.program)(text);
    let Some(tree) = parse(&program, grammar) else {
        return Script {
            cut: true,
            ..Script::default()
        };
    };
    let mut reader = Reader {
        text: &program,
        path,
        grammar,
        env: Env::new(),
        scopes: Vec::new(),
        branches: Vec::new(),
        cwd: None,
        ops: BTreeSet::new(),
        cut: text.len() >= MAX_TEXT,
        depth: 0,
        work: 64 * 1024 + text.len(),
    };
    reader.walk(&tree);
    let mut faults = Vec::new();
    if tree.root_node().has_error() {
        faults.extend(first_error(&tree));
    }
    Script {
        ops: reader.ops.into_iter().collect(),
        vars: BTreeMap::new(),
        faults,
        cut: reader.cut,
    }
}

/// Whether a text is nested and joined no deeper than people write.
///
/// The parsers' tables are ambiguous in places, Perl's above all: chains of operators and open
/// brackets cost them time that grows with the square of the length, and stack with its depth.
fn is_plausible(text: &[u8], grammar: &Grammar) -> bool {
    let (mut depth, mut run) = (0_usize, 0_usize);
    for byte in text {
        run += 1;
        match byte {
            b'(' | b'[' => depth += 1,
            b')' | b']' => depth = depth.saturating_sub(1),
            b'{' => {
                depth += 1;
                run = 0;
            }
            b'}' => {
                depth = depth.saturating_sub(1);
                run = 0;
            }
            b';' | b',' => run = 0,
            b'\n' if grammar.lines => run = 0,
            _ => {}
        }
        if depth > MAX_BRACKETS || run > grammar.longest_run {
            return false;
        }
    }
    true
}

/// The syntax tree; nothing when the parser needs far more steps than such a text should.
fn parse(text: &[u8], grammar: &Grammar) -> Option<Tree> {
    if !is_plausible(text, grammar) {
        return None;
    }
    let mut parser = Parser::new();
    parser.set_language(&(grammar.language)()).ok()?;
    // The parser reports every hundred of its operations, of which a text needs a few per byte.
    let mut left = 2_000 + text.len() / 8;
    let mut progress = |_: &ParseState| {
        left = left.saturating_sub(1);
        if left == 0 {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    };
    let options = ParseOptions::new().progress_callback(&mut progress);
    let mut chunk = |at: usize, _| text.get(at..).unwrap_or_default();
    parser.parse_with_options(&mut chunk, None, Some(options))
}

fn first_error(tree: &Tree) -> Option<Fault> {
    let mut cursor = tree.walk();
    loop {
        let node = cursor.node();
        if node.is_error() || node.is_missing() {
            return Some(Fault {
                line: line_of(node),
                what: "the syntax is not that of its language",
            });
        }
        let inside = node.has_error() && cursor.goto_first_child();
        if !inside {
            while !cursor.goto_next_sibling() {
                if !cursor.goto_parent() {
                    return None;
                }
            }
        }
    }
}

fn line_of(node: Node<'_>) -> u32 {
    u32::try_from(node.start_position().row).map_or(u32::MAX, |row| row.saturating_add(1))
}

/// An argument of a call, with its name where it has one.
type Argument<'t> = (Option<String>, Node<'t>);

struct Reader<'t> {
    text: &'t [u8],
    path: Option<&'t [u8]>,
    grammar: &'static Grammar,
    env: Env,
    /// The functions around the visited node: where they end, and their names.
    scopes: Vec<(usize, String)>,
    /// Where the branches around the visited node end.
    branches: Vec<usize>,
    cwd: Option<Value>,
    ops: BTreeSet<Op>,
    cut: bool,
    /// How deep the expression is nested that is folded.
    depth: u32,
    work: usize,
}

impl<'t> Reader<'t> {
    fn walk(&mut self, tree: &'t Tree) {
        let mut cursor = tree.walk();
        loop {
            let node = cursor.node();
            let at = node.start_byte();
            while self.scopes.last().is_some_and(|(end, _)| *end <= at) {
                self.scopes.pop();
            }
            while self.branches.last().is_some_and(|end| *end <= at) {
                self.branches.pop();
            }
            if node.is_named() {
                self.enter(node);
            }
            if self.work == 0 {
                self.cut = true;
                return;
            }
            if cursor.goto_first_child() {
                continue;
            }
            while !cursor.goto_next_sibling() {
                if !cursor.goto_parent() {
                    return;
                }
            }
        }
    }

    fn enter(&mut self, node: Node<'t>) {
        let kind = node.kind();
        if self.grammar.functions.contains(&kind) {
            let name = node.child_by_field_name("name");
            let name = name.map(|name| self.string(name)).unwrap_or_default();
            self.scopes.push((node.end_byte(), name));
        } else if self.grammar.branches.contains(&kind) {
            self.branches.push(node.end_byte());
        }
        (self.grammar.visit)(self, node);
    }

    fn bytes(&self, node: Node<'_>) -> &'t [u8] {
        self.text.get(node.byte_range()).unwrap_or_default()
    }

    fn string(&self, node: Node<'_>) -> String {
        String::from_utf8_lossy(self.bytes(node)).into_owned()
    }

    /// A node's text without blanks and quotes: `$c['a']`, `self.x` as names of places.
    fn place(&self, node: Node<'_>) -> String {
        let text = self.bytes(node);
        let text = text.get(..text.len().min(128)).unwrap_or(text);
        let kept = text
            .iter()
            .filter(|b| !b.is_ascii_whitespace() && !b"'\"".contains(b));
        String::from_utf8_lossy(&kept.copied().collect::<Vec<u8>>()).into_owned()
    }

    /// The possible values of an expression.
    fn fold(&mut self, node: Node<'t>) -> Vec<Value> {
        if self.depth >= MAX_FOLD || self.work == 0 {
            return hole();
        }
        self.work -= 1;
        self.depth += 1;
        let values = (self.grammar.fold)(self, node);
        self.depth -= 1;
        if values.is_empty() { hole() } else { values }
    }

    /// Values of several nodes one after the other.
    fn concat(&mut self, nodes: &[Node<'t>]) -> Vec<Value> {
        let mut values = vec![Vec::new()];
        for node in nodes {
            let more = self.fold(*node);
            values = join(values, &more);
        }
        values
    }

    /// Values of either node.
    fn either(&mut self, nodes: &[Node<'t>]) -> Vec<Value> {
        let mut values = Vec::new();
        for node in nodes {
            let more = self.fold(*node);
            unite(&mut values, &more);
        }
        values
    }

    /// Paths of several nodes joined; with `restart` an absolute one begins anew, as in
    /// Python's `os.path.join`.
    fn join_paths(&mut self, nodes: &[Node<'t>], restart: bool) -> Vec<Value> {
        let mut values: Option<Vec<Value>> = None;
        for node in nodes {
            let more = self.fold(*node);
            values = Some(match values {
                None => more,
                Some(_) if restart && more.iter().all(|value| value.starts_with(b"/")) => more,
                Some(values) => join(join(values, &[b"/".to_vec()]), &more),
            });
        }
        values.unwrap_or_else(hole)
    }

    /// The values that the directories of `values` have.
    fn parents(values: &[Value], times: usize) -> Vec<Value> {
        let up = |value: &Value| (0..times).fold(value.clone(), |path, _| dirname(&path));
        values.iter().map(up).collect()
    }

    /// The text of a string: what stands between the nodes inside it, and their values.
    fn pieces(&mut self, node: Node<'t>, skip: &[&str]) -> Vec<Value> {
        let mut values = vec![Vec::new()];
        let mut at = node.start_byte();
        let mut cursor = node.walk();
        let children: Vec<_> = node.named_children(&mut cursor).collect();
        for child in children {
            let gap = self.text.get(at..child.start_byte()).unwrap_or_default();
            values = join(values, &[gap.to_vec()]);
            if !skip.contains(&child.kind()) {
                let more = self.fold(child);
                values = join(values, &more);
            }
            at = child.end_byte();
        }
        let gap = self.text.get(at..node.end_byte()).unwrap_or_default();
        join(values, &[gap.to_vec()])
    }

    /// The values of a name: those of the function around first, then those of the file.
    fn lookup(&self, name: &str) -> Vec<Value> {
        let local = self.scopes.last().map(|(end, _)| format!("{end}\n{name}"));
        local
            .and_then(|key| self.env.get(&key))
            .or_else(|| self.env.get(name))
            .cloned()
            .unwrap_or_else(hole)
    }

    /// Gives a name values, and notes those that are paths under `label`.
    fn assign(&mut self, node: Node<'_>, name: &str, label: &str, values: Vec<Value>) {
        self.setting(node, label, &values);
        // Members and globals are those of the file; plain names are the function's.
        let local = name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'$');
        let key = match self.scopes.last() {
            Some((end, _)) if local => format!("{end}\n{name}"),
            _ => name.to_owned(),
        };
        match self.env.get_mut(&key) {
            Some(known) if !self.branches.is_empty() || values.iter().all(|v| is_hole(v)) => {
                unite(known, &values);
            }
            _ => {
                self.env.insert(key, values);
            }
        }
    }

    /// Notes the paths that a name, key or option is given.
    fn setting(&mut self, node: Node<'_>, label: &str, values: &[Value]) {
        for value in values {
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

    /// Notes what a call does, by the language's table.
    fn call(
        &mut self,
        node: Node<'t>,
        callee: &str,
        receiver: Option<Node<'t>>,
        args: &[Argument<'t>],
    ) {
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
                return;
            }
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
            other => find(args, other).into_iter().collect(),
        };
        for target in targets {
            let values = self.fold(target);
            let act = match does {
                Does::Act(act) => act,
                Does::Mode(at) => match find(args, at) {
                    Some(mode) => rules::act_of_mode(&self.fold(mode)),
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
                    continue;
                }
            };
            for value in &values {
                self.touch(node, by, act, dsn_file(value).unwrap_or(value));
            }
        }
    }

    /// Notes what is done to a path, unless nothing of it is known.
    fn touch(&mut self, node: Node<'_>, by: &str, act: Act, path: &[u8]) {
        if path.is_empty() || is_hole(path) || path.starts_with(b":") || path.contains(&b'\n') {
            return;
        }
        let path = folded(&seen_from(self.cwd.as_deref(), path));
        self.op(node, by, Deed::Path { act, path });
    }

    /// A command line that a shell runs.
    fn shell(&mut self, node: Node<'_>, command: &[u8]) {
        if is_hole(command) || command.len() > 4096 {
            return;
        }
        let inner = shell::read(&folded(command), &shell::Context::default());
        for op in inner.ops {
            self.op(node, &op.by, op.deed);
        }
    }

    fn op(&mut self, node: Node<'_>, by: &str, deed: Deed) {
        if self.ops.len() >= MAX_OPS {
            self.cut = true;
            return;
        }
        let function = self.scopes.last().map(|(_, name)| name.clone());
        self.ops.insert(Op {
            line: line_of(node),
            by: by.to_owned(),
            deed,
            arms: Vec::new(),
            function: function.unwrap_or_default(),
            sure: true,
        });
    }

    /// The script's own path, where it is known.
    fn own_path(&self) -> Vec<Value> {
        self.path.map_or_else(hole, |path| vec![path.to_vec()])
    }

    /// The directory of the script.
    fn own_dir(&self) -> Vec<Value> {
        Self::parents(&self.own_path(), 1)
    }
}

/// The argument at a place or of a name.
fn find<'t>(args: &[Argument<'t>], which: Arg) -> Option<Node<'t>> {
    let named = |wanted: &str| {
        args.iter()
            .find(|(name, _)| name.as_deref() == Some(wanted))
    };
    let at = |place: usize| args.get(place).filter(|(name, _)| name.is_none());
    let found = match which {
        Arg::At(place) => at(place),
        Arg::Named(name) => named(name),
        Arg::AtOr(place, name) => named(name).or_else(|| at(place)),
        Arg::Receiver | Arg::All | Arg::From(_) => None,
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

/// `format` with each `%…` a hole.
fn format_holes(format: &[u8]) -> Value {
    let mut out = Vec::new();
    let mut bytes = format.iter().copied();
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            out.push(byte);
            continue;
        }
        for next in bytes.by_ref() {
            if next == b'%' {
                out.push(b'%');
                break;
            }
            if next.is_ascii_alphabetic() {
                out.push(HOLE);
                break;
            }
        }
    }
    out
}

/// The named children of a node.
fn children<'t>(node: Node<'t>) -> Vec<Node<'t>> {
    let mut cursor = node.walk();
    node.named_children(&mut cursor)
        .filter(|child| !child.is_extra())
        .collect()
}

#[cfg(test)]
mod tests;
