//! The variables that a text refers to, as far as its words tell without a syntax tree: whether another
//! text that sets some can change what this one means.

use std::collections::BTreeSet;

/// Commands that take variables by their plain names.
const BY_NAME: [&[u8]; 5] = [b"declare", b"export", b"local", b"readonly", b"typeset"];

/// What makes names out of values.
const INDIRECT: [&[u8]; 2] = [b"eval", b"${!"];

/// The names of the variables that a text may ask for: more than those, never fewer.
pub struct Uses<'t> {
    text: &'t [u8],
    names: BTreeSet<&'t [u8]>,
    /// Whether any word of it may become a name.
    indirect: bool,
}

impl<'t> Uses<'t> {
    /// Those of `text`.
    #[must_use]
    pub fn of(text: &'t [u8]) -> Self {
        let mut names = BTreeSet::new();
        for at in memchr::memchr_iter(b'$', text) {
            let rest = &text[at + 1..];
            let rest = rest.strip_prefix(b"{").unwrap_or(rest);
            let rest = rest.strip_prefix(b"#").unwrap_or(rest);
            let length = rest.iter().take_while(|byte| is_of_name(**byte)).count();
            names.insert(&rest[..length]);
        }
        for command in BY_NAME {
            for at in memchr::memmem::find_iter(text, command) {
                let rest = &text[at..];
                let end = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
                names.extend(rest[..end].split(|byte| !is_of_name(*byte)));
            }
        }
        if memchr::memchr(b'~', text).is_some() {
            names.insert(b"HOME");
        }
        let has = |word: &[u8]| memchr::memmem::find(text, word).is_some();
        Self {
            text,
            names,
            indirect: INDIRECT.iter().any(|word| has(word)),
        }
    }

    /// Whether the variable `name` may be asked for.
    #[must_use]
    pub fn asks(&self, name: &[u8]) -> bool {
        self.names.contains(name)
            || self.indirect && memchr::memmem::find(self.text, name).is_some()
    }

    /// Whether a variable may be asked for whose name stands in `text`, which may set it.
    #[must_use]
    pub fn asks_of(&self, text: &[u8]) -> bool {
        self.indirect || self.names.iter().any(|name| has_word(text, name))
    }
}

/// Whether a name stands in a text as a word of its own.
fn has_word(text: &[u8], name: &[u8]) -> bool {
    let begins = |byte: &u8| byte.is_ascii_alphabetic() || *byte == b'_';
    name.first().is_some_and(begins)
        && memchr::memmem::find_iter(text, name).any(|at| {
            let before = at.checked_sub(1).and_then(|at| text.get(at));
            let after = text.get(at + name.len());
            !before.is_some_and(|byte| is_of_name(*byte))
                && !after.is_some_and(|byte| is_of_name(*byte))
        })
}

fn is_of_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_is_asked_for_by_a_dollar_or_by_its_name() {
        let uses =
            Uses::of(b"exec $A \"${B:-x}\" ${#C} ${D[@]}\nexport E F=1\ncd ~/x # G\nGH=$((H))\n");
        for name in ["A", "B", "C", "D", "E", "F", "HOME"] {
            assert!(uses.asks(name.as_bytes()), "{name}");
        }
        for name in ["G", "GH", "x", "exec"] {
            assert!(!uses.asks(name.as_bytes()), "{name}");
        }
    }

    #[test]
    fn a_name_that_is_made_up_may_be_any_word() {
        assert!(Uses::of(b"eval echo \\$$1 # NAME").asks(b"NAME"));
        assert!(Uses::of(b"echo ${!x}").asks_of(b"A=1\n"));
        assert!(!Uses::of(b"echo ${!x}").asks(b"A"));
    }

    #[test]
    fn a_text_answers_whose_words_are_asked_for() {
        let uses = Uses::of(b"$DIR/x $1 $? $ $$");
        assert!(uses.asks_of(b"for DIR in /a; do :; done"));
        assert!(uses.asks_of(b"DIR=/a"));
        assert!(!uses.asks_of(b"SUBDIR=/a DIRS=/b 1=c"));
    }
}
