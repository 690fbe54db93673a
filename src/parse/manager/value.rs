//! What the settings in a table come to, and the names that are known in it.

use std::collections::BTreeMap;

/// How many elements of a list, or steps of a range, are kept.
pub(super) const MAX_ELEMENTS: usize = 64;

/// What a value may weigh, in bytes: longer texts and lists are none that a table of programs has, and names
/// that double each other grow without an end.
pub(super) const MAX_TEXT: usize = 16 << 10;

/// How many names are kept.
const MAX_NAMES: usize = 256;

/// What an expression comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value {
    Text(Vec<u8>),
    List(Vec<Value>),
    Table(Vec<(String, Value)>),
    Open,
}

impl Value {
    /// A text of a length that a table may have.
    pub(super) fn of(text: Vec<u8>) -> Self {
        Self::Text(text).bounded()
    }

    /// Itself, unless it is too long.
    pub(super) fn bounded(self) -> Self {
        match self.weight() <= MAX_TEXT {
            true => self,
            false => Self::Open,
        }
    }

    fn weight(&self) -> usize {
        8 + match self {
            Self::Text(text) => text.len(),
            Self::List(list) => list.iter().map(Self::weight).sum(),
            Self::Table(table) => table
                .iter()
                .map(|(key, value)| key.len() + value.weight())
                .sum(),
            Self::Open => 0,
        }
    }

    /// As a text, with a hole for what is not known.
    pub(super) fn text(&self) -> Vec<u8> {
        match self {
            Self::Text(text) => text.clone(),
            _ => b"*".to_vec(),
        }
    }

    /// The element of a table.
    pub(super) fn get(&self, name: &str) -> Option<&Value> {
        match self {
            Self::Table(table) => table
                .iter()
                .rev()
                .find(|(key, _)| key == name)
                .map(|(_, value)| value),
            _ => None,
        }
    }
}

/// The names that are known where an expression stands, and the file.
#[derive(Clone, Debug, Default)]
pub(super) struct Scope {
    pub(super) names: BTreeMap<String, Value>,
    pub(super) file: Vec<u8>,
    /// How much work was done so far.
    pub(super) steps: usize,
}

impl Scope {
    /// Keeps what a name is worth.
    pub(super) fn set(&mut self, name: &str, value: Value) {
        if self.names.len() < MAX_NAMES || self.names.contains_key(name) {
            self.names.insert(name.to_owned(), value.bounded());
        }
    }

    pub(super) fn directory(&self) -> Vec<u8> {
        let cut = self.file.iter().rposition(|byte| *byte == b'/');
        self.file[..cut.unwrap_or(0)].to_vec()
    }
}
