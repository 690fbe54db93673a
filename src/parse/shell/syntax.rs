//! The syntax tree of a shell script, as far as it matters for what the script does.

use std::rc::Rc;

/// Commands one after the other.
#[derive(Clone, Debug, Default)]
pub(super) struct List(pub(super) Vec<Item>);

/// Pipelines joined by `&&` and `||`.
#[derive(Clone, Debug)]
pub(super) struct Item {
    pub(super) first: Pipeline,
    pub(super) rest: Vec<(Joint, Pipeline)>,
    /// Ended by `&`.
    pub(super) background: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Joint {
    And,
    Or,
}

#[derive(Clone, Debug)]
pub(super) struct Pipeline {
    pub(super) negated: bool,
    pub(super) commands: Vec<Command>,
}

#[derive(Clone, Debug)]
pub(super) struct Command {
    pub(super) line: u32,
    /// Whether the text was understood up to here.
    pub(super) sure: bool,
    pub(super) body: Body,
    pub(super) redirects: Vec<Redirect>,
}

#[derive(Clone, Debug)]
pub(super) enum Body {
    Simple {
        assigns: Vec<Assign>,
        words: Vec<Word>,
    },
    Group(List),
    Subshell(List),
    If {
        branches: Vec<(List, List)>,
        otherwise: Option<List>,
    },
    /// `while` and `until`.
    Loop {
        condition: List,
        /// Whether it ends when the condition holds.
        until: bool,
        body: List,
    },
    For {
        name: String,
        /// Absent: the positional parameters.
        words: Option<Vec<Word>>,
        body: List,
    },
    Case {
        subject: Word,
        arms: Vec<(Vec<Word>, List)>,
    },
    Function {
        name: String,
        body: Rc<Command>,
    },
    /// `(( … ))`, and what was not understood.
    Nothing,
}

#[derive(Clone, Debug)]
pub(super) struct Assign {
    pub(super) name: String,
    /// `+=`, or an element of an array.
    pub(super) append: bool,
    pub(super) value: Word,
}

/// A word before expansion.
#[derive(Clone, Debug, Default)]
pub(super) struct Word {
    pub(super) parts: Vec<Part>,
    /// The elements of `name=(…)`; the parts then hold `name=`.
    pub(super) array: Option<Vec<Word>>,
}

#[derive(Clone, Debug)]
pub(super) enum Part {
    /// Text outside quotes.
    Plain(Vec<u8>),
    /// Text inside quotes, or escaped.
    Quoted(Vec<u8>),
    Variable {
        name: String,
        change: Change,
        quoted: bool,
    },
    /// `$(…)`.
    Output { list: Rc<List>, quoted: bool },
    /// Arithmetic, process substitution and other things whose value is not followed.
    Unknown,
}

/// What `${name…}` does with the value.
#[derive(Clone, Debug)]
pub(super) enum Change {
    None,
    /// `:-`, `-`, `:=`, `=`.
    Default {
        word: Word,
        /// `:` was given: an empty value counts as unset.
        empty: bool,
        assign: bool,
    },
    /// `:+`, `+`.
    Instead(Word),
    /// `:?`, `?`.
    Required,
    /// `%`, `%%`.
    CutEnd {
        pattern: Word,
        longest: bool,
    },
    /// `#`, `##`.
    CutStart {
        pattern: Word,
        longest: bool,
    },
    /// Anything else.
    Other,
}

#[derive(Clone, Debug)]
pub(super) struct Redirect {
    pub(super) line: u32,
    pub(super) kind: RedirectKind,
    pub(super) target: Word,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RedirectKind {
    Read,
    Write,
    ReadWrite,
    /// `<&`, and `>&` with a number.
    Duplicate,
    /// `<<<`.
    HereString,
    /// `<<`: the number of the here-document.
    HereDocument(usize),
}

/// The text of a here-document.
#[derive(Clone, Debug, Default)]
pub(super) struct HereDocument {
    pub(super) line: u32,
    pub(super) text: Vec<u8>,
}

impl Word {
    /// The text of a word that is nothing but text outside quotes: where keywords are looked for.
    pub(super) fn plain(&self) -> Option<&[u8]> {
        match self.parts.as_slice() {
            [Part::Plain(text)] if self.array.is_none() => Some(text),
            _ => None,
        }
    }
}
