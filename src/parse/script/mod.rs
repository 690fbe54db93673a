//! JavaScript, TypeScript, Python, Perl, PHP and Ruby: bytes into operations with folded values, by syntax tree.
//!
//! One reader serves all: it walks the tree once, in order of the text, keeps what names are
//! assigned, and asks the language what a node assigns, calls or computes. It does not follow
//! control flow: in a branch a name gains a value, elsewhere a value replaces the one before.

mod excerpt;
mod format;
mod javascript;
mod perl;
mod php;
mod process;
mod python;
mod reader;
mod ruby;
mod rules;
mod signs;

use std::borrow::Cow;
use std::ops::ControlFlow;
use std::sync::OnceLock;

use tree_sitter::{Node, ParseOptions, ParseState, Parser, Tree};

pub use excerpt::excerpt;
pub use process::{Load, Module, Parameter, Process, Program, note};

use super::budget::{Meter, PROGRAM};
use super::op::{Fault, Script};
use super::value::Value;
use reader::{Reader, line_of};
use rules::Rule;

/// The longest text that is read: a program of this size was generated.
pub const MAX_TEXT: usize = PROGRAM.bytes;

/// How many brackets may be open at once.
const MAX_BRACKETS: usize = 400;

/// A language that is read here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Language {
    /// JavaScript.
    JavaScript,
    /// Python 2 and 3.
    Python,
    /// Perl 5.
    Perl,
    /// PHP.
    Php,
    /// Ruby.
    Ruby,
    /// TypeScript.
    TypeScript,
}

/// Notes what one node assigns or calls.
type Visit = for<'t> fn(&mut Reader<'t>, Node<'t>);

/// What a language adds to the reader.
struct Grammar {
    language: fn() -> tree_sitter::Language,
    /// Nodes that have names of their own.
    functions: &'static [&'static str],
    /// Nodes whose inside may not be reached.
    branches: &'static [&'static str],
    /// What notes what a node of one of these kinds assigns or calls.
    visits: &'static [(&'static [&'static str], Visit)],
    /// The possible values of an expression.
    fold: for<'t> fn(&mut Reader<'t>, Node<'t>) -> Vec<Value>,
    rules: &'static [Rule],
    /// What tells a path or command though neither a path nor a call of `rules` stands in the text:
    /// regular expressions.
    signs: &'static [&'static str],
    /// What looks like one of these and says nothing: regular expressions.
    no_signs: &'static [&'static str],
    /// How the value of a path begins in other quotes than those that all languages have: regular
    /// expressions.
    quotes: &'static [&'static str],
    /// The calls that take a regular expression first, which slashes may stand around.
    expressions: &'static [&'static str],
    /// What a line begins with that is a comment.
    comments: &'static [&'static [u8]],
    /// Whether the arguments of a call always stand in parentheses.
    parentheses: bool,
    /// Whether a line's end mostly ends a statement.
    lines: bool,
    /// How many bytes may follow each other without anything that ends an expression.
    longest_run: usize,
    /// The part of a text that is program.
    program: fn(&[u8]) -> Cow<'_, [u8]>,
    /// The name of a function, and those of its parameters.
    signature: for<'t> fn(&Reader<'t>, Node<'t>) -> Signature,
}

/// A function as those that call it know it.
#[derive(Debug, Default)]
struct Signature {
    /// Its name; that of the class for what makes an object of it. Empty where it has none.
    name: String,
    /// The names of its parameters, as the text uses them, without the object that it is called on.
    parameters: Vec<String>,
}

/// What the reader does at a node.
#[derive(Clone, Copy, Default)]
struct Role {
    function: bool,
    branch: bool,
    visit: Option<Visit>,
}

impl Language {
    /// Every language.
    pub const ALL: [Self; 6] = [
        Self::JavaScript,
        Self::TypeScript,
        Self::Python,
        Self::Perl,
        Self::Php,
        Self::Ruby,
    ];

    /// The role of each kind of node, by its number: most nodes have none, and names are slow to
    /// compare.
    fn roles(self) -> &'static [Role] {
        static ROLES: [OnceLock<Vec<Role>>; 6] = [const { OnceLock::new() }; 6];
        let grammar = self.grammar();
        let made = || {
            let language = (grammar.language)();
            let count = u16::try_from(language.node_kind_count()).unwrap_or(u16::MAX);
            let named = |id: &u16| language.node_kind_is_named(*id);
            let kind = |id: u16| language.node_kind_for_id(id).filter(|_| named(&id));
            let roles =
                (0..count).map(|id| kind(id).map_or_else(Role::default, |kind| grammar.role(kind)));
            roles.collect()
        };
        let [javascript, python, perl, php, ruby, typescript] = &ROLES;
        let of_language = match self {
            Self::JavaScript => javascript,
            Self::Python => python,
            Self::Perl => perl,
            Self::Php => php,
            Self::Ruby => ruby,
            Self::TypeScript => typescript,
        };
        of_language.get_or_init(made)
    }

    fn grammar(self) -> &'static Grammar {
        match self {
            Self::JavaScript => &javascript::GRAMMAR,
            Self::Python => &python::GRAMMAR,
            Self::Perl => &perl::GRAMMAR,
            Self::Php => &php::GRAMMAR,
            Self::Ruby => &ruby::GRAMMAR,
            Self::TypeScript => &javascript::TYPESCRIPT,
        }
    }
}

impl Grammar {
    fn role(&self, kind: &str) -> Role {
        let visits = self.visits.iter();
        let mut visits = visits.filter(|(kinds, _)| kinds.contains(&kind));
        Role {
            function: self.functions.contains(&kind),
            branch: self.branches.contains(&kind),
            visit: visits.next().map(|(_, visit)| *visit),
        }
    }
}

/// Reads a script that lies at `path` and runs in `process`.
///
/// Total: text beyond [`MAX_TEXT`], work that grows faster than the text, and nesting are cut,
/// and the cut is told.
#[must_use]
pub fn read(text: &[u8], language: Language, path: Option<&[u8]>, process: &Process<'_>) -> Script {
    Parsed::new(text, language).read(path, process)
}

/// A script with its syntax tree, which may be read in more than one process: making the tree is most
/// of the work.
pub struct Parsed {
    language: Language,
    program: Vec<u8>,
    tree: Option<Tree>,
    /// How many bytes the text has, as far as it counts.
    bytes: usize,
}

impl Parsed {
    /// Makes the tree.
    #[must_use]
    pub fn new(text: &[u8], language: Language) -> Self {
        let text = text.get(..MAX_TEXT).unwrap_or(text);
        let grammar = language.grammar();
        let mut program = (grammar.program)(text).into_owned();
        // Perl's scanner looks for the end of the line of a here-document, and for nothing else: in a
        // text that ends before it looks for ever.
        if !program.ends_with(b"\n") {
            program.push(b'\n');
        }
        Self {
            language,
            tree: parse(&program, grammar),
            program,
            bytes: text.len(),
        }
    }

    /// Reads it: see [`read`].
    #[must_use]
    pub fn read(&self, path: Option<&[u8]>, process: &Process<'_>) -> Script {
        let Some(tree) = &self.tree else {
            return Script {
                cut: true,
                ..Script::default()
            };
        };
        let work = 64 * 1024 + self.bytes;
        let mut reader = Reader::new(&self.program, self.language, path, process, work);
        reader.cut = self.bytes >= MAX_TEXT;
        reader.walk(tree);
        let mut faults = Vec::new();
        if tree.root_node().has_error() {
            faults.extend(first_error(tree));
        }
        Script {
            vars: reader.names(),
            ops: reader.ops.into_iter().collect(),
            faults,
            cut: reader.cut,
        }
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
    let mut meter = Meter::new(&PROGRAM, 2_000 + text.len() as u64 / 8);
    let mut progress = |_: &ParseState| {
        if meter.step() {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(())
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

#[cfg(test)]
mod tests;
