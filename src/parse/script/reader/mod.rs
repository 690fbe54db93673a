//! The reader that serves all languages: where the walk is, what names are worth, and what is
//! noted.

mod noted;
mod opened;
mod whole;

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use tree_sitter::{Node, Tree};

pub(super) use self::whole::returned;
use super::{Grammar, Language, Role, Signature};
use crate::parse::op::Op;
use crate::parse::script::process::{Module, Process};
use crate::parse::value::{Case, Value, dirname, hole, is_hole, is_open, join, unite};
use crate::parse::variables::Env;

/// How many operations are kept.
const MAX_OPS: usize = 8192;

/// How deep expressions are folded.
const MAX_FOLD: u32 = 24;

/// How many arguments of a call are followed.
const MAX_PARAMETERS: usize = 12;

/// An argument of a call, with its name where it has one.
pub(super) type Argument<'t> = (Option<String>, Node<'t>);

pub(super) struct Reader<'t> {
    pub(super) text: &'t [u8],
    path: Option<&'t [u8]>,
    pub(super) process: &'t Process<'t>,
    /// The files that names stand for.
    modules: BTreeMap<String, Rc<Module>>,
    grammar: &'static Grammar,
    roles: &'static [Role],
    env: Env,
    /// The functions around the visited node: where they end, and how they are called.
    scopes: Vec<(usize, Signature)>,
    /// Where the branches around the visited node end.
    branches: Vec<usize>,
    /// The working directory.
    pub(super) cwd: Option<Value>,
    pub(super) ops: BTreeSet<Op>,
    pub(super) cut: bool,
    /// Nodes that do nothing here.
    left_out: BTreeSet<usize>,
    /// Whether what is noted is only a guess.
    guesses: bool,
    /// How deep the expression is nested that is folded.
    depth: u32,
    work: usize,
}

impl<'t> Reader<'t> {
    pub(super) fn new(
        text: &'t [u8],
        language: Language,
        path: Option<&'t [u8]>,
        process: &'t Process<'t>,
        work: usize,
    ) -> Self {
        Self {
            text,
            path,
            process,
            modules: BTreeMap::new(),
            grammar: language.grammar(),
            roles: language.roles(),
            env: Env::new(),
            scopes: Vec::new(),
            branches: Vec::new(),
            cwd: process.dir.map(<[u8]>::to_vec),
            ops: BTreeSet::new(),
            cut: false,
            left_out: BTreeSet::new(),
            guesses: false,
            depth: 0,
            work,
        }
    }

    pub(super) fn walk(&mut self, tree: &'t Tree) {
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
            let is_left_out = self.left_out.contains(&node.id());
            if !is_left_out {
                self.enter(node);
            }
            if self.work == 0 {
                self.cut = true;
                return;
            }
            if !is_left_out && cursor.goto_first_child() {
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
        let Some(role) = self.roles.get(usize::from(node.kind_id())) else {
            return;
        };
        if role.function {
            let signature = (self.grammar.signature)(self, node);
            let end = node.end_byte();
            self.given(end, &signature);
            self.scopes.push((end, signature));
        } else if role.branch {
            self.branches.push(node.end_byte());
            if self.is_elsewhere(node) {
                let names = ["consequence", "body", "block"].into_iter();
                let mut taken = names.filter_map(|name| node.child_by_field_name(name));
                self.left_out.extend(taken.next().map(|node| node.id()));
            }
        }
        if let Some(visit) = role.visit {
            visit(self, node);
        }
    }

    /// Whether what stands in a branch is done on other systems alone, or by a program that was packed
    /// with its interpreter.
    fn is_elsewhere(&self, node: Node<'_>) -> bool {
        const SIGNS: [&[u8]; 8] = [
            b"'frozen'",
            b"\"frozen\"",
            b"'nt'",
            b"\"nt\"",
            b"win32",
            b"Win32",
            b"darwin",
            b"Windows",
        ];
        let Some(condition) = node.child_by_field_name("condition") else {
            return false;
        };
        let text = self.bytes(condition);
        let holds = |sign: &[u8]| memchr::memmem::find(text, sign).is_some();
        // One that denies it, or asks for more, may hold here.
        let is_plain = ![&b"!"[..], b"not ", b"ne ", b"||", b" or ", b"unless"]
            .iter()
            .any(|word| holds(word));
        text.len() < 128 && is_plain && SIGNS.iter().any(|sign| holds(sign))
    }

    pub(super) fn bytes(&self, node: Node<'_>) -> &'t [u8] {
        self.text.get(node.byte_range()).unwrap_or_default()
    }

    pub(super) fn string(&self, node: Node<'_>) -> String {
        String::from_utf8_lossy(self.bytes(node)).into_owned()
    }

    /// A node's text without blanks and quotes: `$c['a']`, `self.x` as names of places.
    pub(super) fn place(&self, node: Node<'_>) -> String {
        let text = self.bytes(node);
        let text = text.get(..text.len().min(128)).unwrap_or(text);
        let kept = text
            .iter()
            .filter(|b| !b.is_ascii_whitespace() && !b"'\"".contains(b));
        String::from_utf8_lossy(&kept.copied().collect::<Vec<u8>>()).into_owned()
    }

    /// The possible values of an expression.
    pub(super) fn fold(&mut self, node: Node<'t>) -> Vec<Value> {
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
    pub(super) fn concat(&mut self, nodes: &[Node<'t>]) -> Vec<Value> {
        let mut values = vec![Vec::new()];
        for (place, node) in nodes.iter().enumerate() {
            let mut more = self.fold(*node);
            // What begins empty and is given a value later has that in front of the rest: `$this->file . '.bak'`.
            if place == 0 && more.len() > 1 {
                more.retain(|value| !value.is_empty());
            }
            values = join(values, &more);
        }
        values
    }

    /// Values of either node.
    pub(super) fn either(&mut self, nodes: &[Node<'t>]) -> Vec<Value> {
        let mut values = Vec::new();
        for node in nodes {
            let more = self.fold(*node);
            unite(&mut values, &more);
        }
        values
    }

    /// Values of the first of two nodes, or else of the second, as `a || b` gives them. Where the whole
    /// program is known, so is what is set.
    pub(super) fn first_of(&mut self, nodes: &[Node<'t>; 2]) -> Vec<Value> {
        let [first, other] = nodes;
        let mut values = self.fold(*first);
        let is_set = |value: &Value| !value.is_empty() && !is_hole(value) && value != b"0";
        if self.process.program.is_some() && values.iter().all(is_set) {
            return values;
        }
        let more = self.fold(*other);
        unite(&mut values, &more);
        values
    }

    /// Values of either of two fields of a node.
    pub(super) fn either_field(&mut self, node: Node<'t>, fields: [&str; 2]) -> Vec<Value> {
        let nodes = fields.map(|field| node.child_by_field_name(field));
        self.either(&nodes.into_iter().flatten().collect::<Vec<_>>())
    }

    /// Values of a field of a node.
    pub(super) fn field(&mut self, node: Node<'t>, name: &str) -> Vec<Value> {
        let inner = node.child_by_field_name(name);
        inner.map_or_else(hole, |inner| self.fold(inner))
    }

    /// Values of the one node inside another, as of what stands in parentheses.
    pub(super) fn only_child(&mut self, node: Node<'t>) -> Vec<Value> {
        match children(node).as_slice() {
            [inner] => self.fold(*inner),
            _ => hole(),
        }
    }

    /// Values of an expression, each changed.
    pub(super) fn changed(&mut self, node: Node<'t>, change: fn(&[u8]) -> Value) -> Vec<Value> {
        let values = self.fold(node);
        values.iter().map(|value| change(value)).collect()
    }

    /// The values of an expression in small or capital letters.
    pub(super) fn in_case(&mut self, node: Node<'t>, case: Case) -> Vec<Value> {
        let values = self.fold(node);
        values.iter().map(|value| case.of(value)).collect()
    }

    /// The directory that an expression's path lies in.
    pub(super) fn parent(&mut self, node: Node<'t>) -> Vec<Value> {
        let values = self.fold(node);
        Self::parents(&values, 1)
    }

    /// The operator, where the grammar gives it no field.
    pub(super) fn between(&self, left: Node<'_>, right: Node<'_>) -> &'t [u8] {
        let text = self.text.get(left.end_byte()..right.start_byte());
        text.unwrap_or_default().trim_ascii()
    }

    /// Paths of several nodes joined; with `restart` an absolute one begins anew, as in
    /// Python's `os.path.join`.
    pub(super) fn join_paths(&mut self, nodes: &[Node<'t>], restart: bool) -> Vec<Value> {
        let mut values: Option<Vec<Value>> = None;
        // An empty name that is written at the beginning is the top; one that comes of something else
        // is a directory that nobody gave.
        let is_top = nodes
            .first()
            .is_some_and(|node| self.bytes(*node).len() == 2);
        let ended = |dirs: Vec<Value>| match is_top {
            true => join(dirs, &[b"/".to_vec()]),
            false => ended(dirs),
        };
        for node in nodes {
            let more = self.fold(*node);
            values = Some(match values {
                None => more,
                Some(values) if restart => {
                    let (anew, more): (Vec<Value>, Vec<Value>) =
                        more.into_iter().partition(|value| value.starts_with(b"/"));
                    let mut all = anew;
                    if !more.is_empty() {
                        unite(&mut all, &join(ended(values), &more));
                    }
                    all
                }
                Some(values) => join(ended(values), &more),
            });
        }
        values.unwrap_or_else(hole)
    }

    /// The values that the directories of `values` have.
    pub(super) fn parents(values: &[Value], times: usize) -> Vec<Value> {
        let up = |value: &Value| (0..times).fold(value.clone(), |path, _| dirname(&path));
        values.iter().map(up).collect()
    }

    /// The text of a string: what stands between the nodes inside it, and their values.
    pub(super) fn pieces(&mut self, node: Node<'t>, skip: &[&str]) -> Vec<Value> {
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

    /// Gives a name values, and notes those that are paths under `label`.
    pub(super) fn assign(&mut self, node: Node<'_>, name: &str, label: &str, values: Vec<Value>) {
        self.setting(node, label, &values);
        // Members and globals are those of the file; plain names are the function's.
        let is_shared = last_name(name) != name || self.scopes.is_empty();
        let values = match is_shared {
            true => self.settled(&values),
            false => values,
        };
        if is_shared && let Some(program) = self.process.program {
            program.note(last_name(name), &values);
        }
        let local = name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'$');
        let key = match self.scopes.last() {
            Some((end, _)) if local => format!("{end}\n{name}"),
            _ => name.to_owned(),
        };
        // The default of a parameter counts where nobody gives it another value.
        if is_default(node)
            && let Some(given) = self.env.get(&key)
            && given.iter().all(|value| is_open(value))
            && !self.settled(given).iter().all(|value| is_hole(value))
        {
            return;
        }
        let adds = !self.branches.is_empty() || values.iter().all(|value| is_hole(value));
        let values = match self.env.get(&key).filter(|_| adds) {
            Some(known) => {
                let mut all = known.clone();
                unite(&mut all, &values);
                all
            }
            None => values,
        };
        self.env.insert(&key, values);
    }

    /// The script's own path, where it is known.
    pub(super) fn own_path(&self) -> Vec<Value> {
        self.path.map_or_else(hole, |path| vec![path.to_vec()])
    }

    /// The directory of the script.
    pub(super) fn own_dir(&self) -> Vec<Value> {
        Self::parents(&self.own_path(), 1)
    }
}

/// Directories with the slash that what is joined to them stands behind; nothing comes before a path
/// that is joined to nothing.
fn ended(dirs: Vec<Value>) -> Vec<Value> {
    let end = |mut dir: Value| {
        if !dir.is_empty() {
            dir.push(b'/');
        }
        dir
    };
    dirs.into_iter().map(end).collect()
}

/// Whether a node is a parameter with its default, or the name of one.
fn is_default(node: Node<'_>) -> bool {
    let is_kind =
        |node: Node<'_>| node.kind().ends_with("parameter") || node.kind() == "assignment_pattern";
    is_kind(node) || node.parent().is_some_and(is_kind)
}

/// The last name in a place, without what marks it: `$cfg[data]` and `self.data` are `data`, and
/// `a.b()` is `b()`.
pub(super) fn last_name(place: &str) -> &str {
    let (bare, call) = match place.strip_suffix("()") {
        Some(bare) => (bare, "()".len()),
        None => (place, 0),
    };
    let bare = bare.trim_end_matches([']', '}', ')']);
    let start = bare.rfind(['.', '[', '{', '$', '@', '%', ':', '>', '(']);
    let start = start.map_or(0, |at| at + 1);
    match call {
        0 => &bare[start..],
        _ => &place[start..],
    }
}

/// Two fields of a node, where it has both.
pub(super) fn ends<'t>(node: Node<'t>, [left, right]: [&str; 2]) -> Option<(Node<'t>, Node<'t>)> {
    node.child_by_field_name(left)
        .zip(node.child_by_field_name(right))
}

/// Arguments of a language where none has a name, or whose names are pairs among them.
pub(super) fn by_place<'t>(nodes: impl IntoIterator<Item = Node<'t>>) -> Vec<Argument<'t>> {
    nodes.into_iter().map(|node| (None, node)).collect()
}

/// The named children of a node.
pub(super) fn children<'t>(node: Node<'t>) -> Vec<Node<'t>> {
    let mut cursor = node.walk();
    node.named_children(&mut cursor)
        .filter(|child| !child.is_extra())
        .collect()
}

pub(super) fn line_of(node: Node<'_>) -> u32 {
    u32::try_from(node.start_position().row).map_or(u32::MAX, |row| row.saturating_add(1))
}
