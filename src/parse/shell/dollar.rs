//! What begins with `$` or a backquote: parameters, command substitution, arithmetic.

use std::rc::Rc;

use super::lexer::{MAX_ARITHMETIC, MAX_DEPTH, Reader, push_text};
use super::syntax::{Change, List, Part, Word};

impl Reader<'_> {
    /// An expansion that begins with `$`.
    pub(super) fn dollar(&mut self, word: &mut Word, quoted: bool) {
        if self.starts_with(b"$((") {
            let (at, line) = (self.at, self.line);
            self.at += 1;
            if self.skip_parentheses(MAX_ARITHMETIC) {
                word.parts.push(Part::Unknown);
                return;
            }
            (self.at, self.line) = (at, line);
        }
        self.at += 1;
        match self.peek() {
            Some(b'(') => {
                self.at += 1;
                let list = self.nested_list();
                word.parts.push(Part::Output { list, quoted });
            }
            Some(b'{') => {
                self.at += 1;
                self.braced(word, quoted);
            }
            Some(b'\'') if !quoted => self.ansi_quoted(word),
            Some(b'"') if !quoted => {}
            Some(byte) if byte.is_ascii_alphabetic() || byte == b'_' => {
                let name = self.name();
                word.parts.push(variable(name, Change::None, quoted));
            }
            Some(byte) if byte.is_ascii_digit() || b"@*#?$!-".contains(&byte) => {
                self.at += 1;
                let name = char::from(byte).to_string();
                word.parts.push(variable(name, Change::None, quoted));
            }
            _ => push_text(word, b'$', quoted),
        }
    }

    fn name(&mut self) -> String {
        let mut name = String::new();
        while let Some(byte) = self.peek() {
            if !(byte.is_ascii_alphanumeric() || byte == b'_') {
                break;
            }
            name.push(char::from(byte));
            self.at += 1;
        }
        name
    }

    /// `${…}`, behind the brace.
    fn braced(&mut self, word: &mut Word, quoted: bool) {
        if self.depth >= MAX_DEPTH {
            self.fault("nested too deep");
            self.skip_line();
            return;
        }
        self.depth += 1;
        let indirect = self.starts_with(b"!") || self.starts_with(b"#") && !self.starts_with(b"#}");
        if indirect {
            self.at += 1;
        }
        let mut name = self.name();
        if name.is_empty()
            && let Some(byte) = self.peek().filter(|byte| b"@*#?$!-".contains(byte))
        {
            self.at += 1;
            name.push(char::from(byte));
        }
        self.index(&mut name);
        let mut change = self.change(quoted);
        if indirect {
            change = Change::Other;
        }
        if !self.eat(b"}") {
            // What follows the operator is of no use here; only its end is.
            self.braced_word(quoted);
            if !self.eat(b"}") {
                self.fault("an expansion does not end");
            }
            change = Change::Other;
        }
        self.depth -= 1;
        word.parts.push(variable(name, change, quoted));
    }

    /// `[…]` behind a name: all elements of an array, or the first, are its value here.
    fn index(&mut self, name: &mut String) {
        if !self.eat(b"[") {
            return;
        }
        if self.starts_with(b"@]") || self.starts_with(b"*]") {
            name.push_str("[@]");
        }
        while let Some(byte) = self.peek() {
            if byte == b'\n' || byte == b'}' {
                break;
            }
            self.at += 1;
            if byte == b']' {
                break;
            }
        }
    }

    fn change(&mut self, quoted: bool) -> Change {
        let empty = self.starts_with(b":")
            && matches!(self.text.get(self.at + 1), Some(b'-' | b'=' | b'+' | b'?'));
        if empty {
            self.at += 1;
        }
        let Some(byte) = self.peek() else {
            return Change::None;
        };
        match byte {
            b'}' => Change::None,
            b'-' | b'=' => {
                self.at += 1;
                Change::Default {
                    word: self.braced_word(quoted),
                    empty,
                    assign: byte == b'=',
                }
            }
            b'+' => {
                self.at += 1;
                Change::Instead(self.braced_word(quoted))
            }
            b'?' => {
                self.at += 1;
                self.braced_word(quoted);
                Change::Required
            }
            b'%' | b'#' => {
                self.at += 1;
                let longest = self.starts_with(&[byte]);
                self.at += usize::from(longest);
                // Quotes around the expansion do not quote its pattern (POSIX.1-2024 2.6.2).
                let pattern = self.braced_word(false);
                if byte == b'%' {
                    Change::CutEnd { pattern, longest }
                } else {
                    Change::CutStart { pattern, longest }
                }
            }
            _ => {
                self.braced_word(quoted);
                Change::Other
            }
        }
    }

    /// `$'…'`: its escapes seldom stand in a path, so only the simple ones are known.
    fn ansi_quoted(&mut self, word: &mut Word) {
        self.at += 1;
        loop {
            match self.bump() {
                Some(b'\'') | None => return,
                Some(b'\\') => match self.bump() {
                    Some(b'n') => push_text(word, b'\n', true),
                    Some(b't') => push_text(word, b'\t', true),
                    Some(byte) => push_text(word, byte, true),
                    None => return,
                },
                Some(byte) => push_text(word, byte, true),
            }
        }
    }

    /// A list up to `)`, one level deeper.
    pub(super) fn nested_list(&mut self) -> Rc<List> {
        if self.depth >= MAX_DEPTH {
            self.fault("nested too deep");
            self.skip_line();
            return Rc::default();
        }
        self.depth += 1;
        let list = self.list();
        self.depth -= 1;
        if !self.eat(b")") {
            self.fault("a command substitution does not end");
        }
        Rc::new(list)
    }

    /// `` `…` ``: the text between, less one level of backslashes, is a script of its own.
    pub(super) fn backquoted(&mut self, word: &mut Word, quoted: bool) {
        self.at += 1;
        let line = self.line;
        let mut text = Vec::new();
        loop {
            match self.peek() {
                None => {
                    self.fault("a command substitution does not end");
                    return;
                }
                Some(b'`') => {
                    self.at += 1;
                    break;
                }
                Some(b'\\') => {
                    self.at += 1;
                    if !matches!(self.peek(), Some(b'`' | b'\\' | b'$')) {
                        text.push(b'\\');
                    }
                    text.extend(self.peek());
                    self.line = self
                        .line
                        .saturating_add(u32::from(self.peek() == Some(b'\n')));
                    self.at += 1;
                }
                Some(byte) => {
                    self.line = self.line.saturating_add(u32::from(byte == b'\n'));
                    text.push(byte);
                    self.at += 1;
                }
            }
        }
        if self.depth >= MAX_DEPTH {
            self.fault("nested too deep");
            return;
        }
        let mut inner = Reader::new(&text, line, self.depth + 1);
        inner.documents = std::mem::take(&mut self.documents);
        inner.faults = std::mem::take(&mut self.faults);
        let list = Rc::new(inner.script());
        self.documents = inner.documents;
        self.faults = inner.faults;
        word.parts.push(Part::Output { list, quoted });
    }
}

fn variable(name: String, change: Change, quoted: bool) -> Part {
    Part::Variable {
        name,
        change,
        quoted,
    }
}
