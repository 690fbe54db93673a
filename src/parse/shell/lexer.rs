//! Characters into words: quotes, expansions, redirections, here-documents.
//!
//! The shell has no tokens that could be cut beforehand: what a character means depends on the
//! quotes and substitutions around it (POSIX.1-2024 XCU 2.3). So words are read where the grammar
//! asks for them, in one pass, without going back.

use super::super::op::Fault;
use super::syntax::{HereDocument, Part, Redirect, RedirectKind, Word};

/// How deep constructs may be nested; real scripts stay below ten.
pub(super) const MAX_DEPTH: u32 = 40;

/// How many faults are kept.
const MAX_FAULTS: usize = 16;

/// How far the end of an arithmetic expansion is looked for.
pub(super) const MAX_ARITHMETIC: usize = 1024;

pub(super) struct Reader<'a> {
    pub(super) text: &'a [u8],
    pub(super) at: usize,
    pub(super) line: u32,
    pub(super) depth: u32,
    pub(super) faults: Vec<Fault>,
    pub(super) documents: Vec<HereDocument>,
    /// Here-documents whose text begins after the next newline: number, delimiter, `<<-`.
    pending: Vec<(usize, Vec<u8>, bool)>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(text: &'a [u8], line: u32, depth: u32) -> Self {
        Self {
            text,
            at: 0,
            line,
            depth,
            faults: Vec::new(),
            documents: Vec::new(),
            pending: Vec::new(),
        }
    }

    pub(super) fn fault(&mut self, what: &'static str) {
        if self.faults.len() < MAX_FAULTS {
            self.faults.push(Fault {
                line: self.line,
                what,
            });
        }
    }

    pub(super) fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    pub(super) fn starts_with(&self, what: &[u8]) -> bool {
        self.text
            .get(self.at..)
            .is_some_and(|rest| rest.starts_with(what))
    }

    /// Takes one byte; a newline is counted, and the here-documents that wait for it are read.
    pub(super) fn bump(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.at += 1;
        if byte == b'\n' {
            self.line = self.line.saturating_add(1);
            if !self.pending.is_empty() {
                self.read_documents();
            }
        }
        Some(byte)
    }

    pub(super) fn eat(&mut self, what: &[u8]) -> bool {
        let found = self.starts_with(what);
        if found {
            self.at += what.len();
        }
        found
    }

    /// Skips blanks, joined lines and a comment; stops at a newline.
    pub(super) fn blanks(&mut self) {
        loop {
            match self.peek() {
                Some(b' ' | b'\t' | b'\r') => self.at += 1,
                Some(b'\\') if self.starts_with(b"\\\n") => {
                    self.at += 1;
                    self.bump();
                }
                Some(b'#') => {
                    while self.peek().is_some_and(|byte| byte != b'\n') {
                        self.at += 1;
                    }
                }
                _ => return,
            }
        }
    }

    /// Skips the rest of a line that was not understood.
    pub(super) fn skip_line(&mut self) {
        while self.peek().is_some_and(|byte| byte != b'\n') {
            self.at += 1;
        }
    }

    fn read_documents(&mut self) {
        for (number, delimiter, tabs) in std::mem::take(&mut self.pending) {
            let mut document = HereDocument {
                line: self.line,
                text: Vec::new(),
            };
            loop {
                let rest = self.text.get(self.at..).unwrap_or_default();
                if rest.is_empty() {
                    self.fault("a here-document does not end");
                    break;
                }
                let end = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
                let mut line = &rest[..end];
                self.at = (self.at + end + 1).min(self.text.len());
                self.line = self.line.saturating_add(1);
                while tabs && line.first() == Some(&b'\t') {
                    line = &line[1..];
                }
                if line == delimiter {
                    break;
                }
                document.text.extend_from_slice(line);
                document.text.push(b'\n');
            }
            if let Some(place) = self.documents.get_mut(number) {
                *place = document;
            }
        }
    }

    /// A redirection, if one begins here.
    pub(super) fn redirect(&mut self) -> Option<Redirect> {
        let line = self.line;
        let digits = self
            .text
            .get(self.at..)?
            .iter()
            .take(4)
            .take_while(|byte| byte.is_ascii_digit())
            .count();
        let operator = self.text.get(self.at + digits..)?;
        let both = operator.starts_with(b"&>");
        if !(both && digits == 0 || matches!(operator.first(), Some(b'<' | b'>')))
            || digits == 0 && (operator.starts_with(b"<(") || operator.starts_with(b">("))
        {
            return None;
        }
        self.at += digits;
        let kind = self.redirect_operator();
        self.blanks();
        let target = self.word().unwrap_or_default();
        let number = target
            .plain()
            .is_some_and(|text| text == b"-" || text.iter().all(u8::is_ascii_digit));
        let kind = match kind {
            RedirectKind::HereDocument(tabs) => self.here_document(&target, tabs == 1),
            RedirectKind::Duplicate if !number && !target.parts.is_empty() => RedirectKind::Write,
            other => other,
        };
        Some(Redirect { line, kind, target })
    }

    fn redirect_operator(&mut self) -> RedirectKind {
        const OPERATORS: &[(&[u8], RedirectKind)] = &[
            (b"<<<", RedirectKind::HereString),
            (b"<<-", RedirectKind::HereDocument(1)),
            (b"<<", RedirectKind::HereDocument(0)),
            (b"<&", RedirectKind::Duplicate),
            (b"<>", RedirectKind::ReadWrite),
            (b"<", RedirectKind::Read),
            (b"&>>", RedirectKind::Write),
            (b"&>", RedirectKind::Write),
            (b">>", RedirectKind::Write),
            (b">&", RedirectKind::Duplicate),
            (b">|", RedirectKind::Write),
            (b">", RedirectKind::Write),
        ];
        for (text, kind) in OPERATORS {
            if self.eat(text) {
                return *kind;
            }
        }
        RedirectKind::Duplicate
    }

    fn here_document(&mut self, delimiter: &Word, tabs: bool) -> RedirectKind {
        let number = self.documents.len();
        self.documents.push(HereDocument::default());
        let text = delimiter.parts.iter().fold(Vec::new(), |mut text, part| {
            if let Part::Plain(piece) | Part::Quoted(piece) = part {
                text.extend_from_slice(piece);
            }
            text
        });
        self.pending.push((number, text, tabs));
        RedirectKind::HereDocument(number)
    }

    /// The next word, if one begins here.
    pub(super) fn word(&mut self) -> Option<Word> {
        let mut word = Word::default();
        let start = self.at;
        loop {
            match self.peek() {
                None | Some(b' ' | b'\t' | b'\r' | b'\n' | b';' | b'|' | b'&' | b')') => break,
                Some(b'<' | b'>') => {
                    if self.at != start || !self.process_substitution(&mut word) {
                        break;
                    }
                }
                Some(b'(') => {
                    if !self.parenthesis_in_word(&mut word) {
                        break;
                    }
                }
                Some(_) => self.piece(&mut word, false),
            }
        }
        (self.at != start).then_some(word)
    }

    /// A word of a pattern or of the default in `${…}`: up to `}`.
    pub(super) fn braced_word(&mut self, quoted: bool) -> Word {
        let mut word = Word::default();
        while let Some(byte) = self.peek() {
            if byte == b'}' {
                break;
            }
            self.piece(&mut word, quoted);
        }
        word
    }

    /// One piece of a word: a quoted string, an expansion, or a byte.
    fn piece(&mut self, word: &mut Word, quoted: bool) {
        match self.peek() {
            Some(b'\'') if !quoted => {
                self.at += 1;
                let text = self.until_quote();
                word.parts.push(Part::Quoted(text));
            }
            Some(b'"') => {
                self.at += 1;
                self.double_quoted(word);
            }
            Some(b'\\') => self.escape(word, quoted),
            Some(b'$') => self.dollar(word, quoted),
            Some(b'`') => self.backquoted(word, quoted),
            Some(_) => {
                if let Some(byte) = self.bump() {
                    push_text(word, byte, quoted);
                }
            }
            None => {}
        }
    }

    fn escape(&mut self, word: &mut Word, quoted: bool) {
        self.at += 1;
        match self.bump() {
            // A backslash before a newline joins the lines.
            Some(b'\n') => {}
            Some(byte) if quoted && !matches!(byte, b'$' | b'`' | b'"' | b'\\') => {
                push_text(word, b'\\', true);
                push_text(word, byte, true);
            }
            Some(byte) => push_text(word, byte, true),
            None => push_text(word, b'\\', true),
        }
    }

    fn until_quote(&mut self) -> Vec<u8> {
        let mut text = Vec::new();
        loop {
            match self.quoted_byte() {
                Some(b'\'') => return text,
                Some(byte) => text.push(byte),
                None => {
                    self.fault("a quoted string does not end");
                    return text;
                }
            }
        }
    }

    /// As [`Reader::bump`], but a newline inside quotes begins no here-document.
    fn quoted_byte(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.at += 1;
        if byte == b'\n' {
            self.line = self.line.saturating_add(1);
        }
        Some(byte)
    }

    fn double_quoted(&mut self, word: &mut Word) {
        // An empty string is a word all the same.
        word.parts.push(Part::Quoted(Vec::new()));
        loop {
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return;
                }
                Some(b'$' | b'`' | b'\\') => self.piece(word, true),
                Some(_) => {
                    if let Some(byte) = self.quoted_byte() {
                        push_text(word, byte, true);
                    }
                }
                None => {
                    self.fault("a quoted string does not end");
                    return;
                }
            }
        }
    }

    /// `<(…)` and `>(…)`: a path that only the shell knows.
    fn process_substitution(&mut self, word: &mut Word) -> bool {
        if !(self.starts_with(b"<(") || self.starts_with(b">(")) {
            return false;
        }
        self.at += 2;
        let list = self.nested_list();
        word.parts.push(Part::Output { list, quoted: true });
        word.parts.push(Part::Unknown);
        true
    }

    /// `(` inside a word: the elements of an array, or an extended pattern.
    fn parenthesis_in_word(&mut self, word: &mut Word) -> bool {
        let Some(Part::Plain(text)) = word.parts.last() else {
            return false;
        };
        if text.ends_with(b"=") && word.parts.len() == 1 && self.depth < MAX_DEPTH {
            self.at += 1;
            self.depth += 1;
            word.array = Some(self.elements());
            self.depth -= 1;
            return true;
        }
        if text.ends_with(b"@") || text.ends_with(b"+") || text.ends_with(b"?") {
            self.skip_parentheses(MAX_ARITHMETIC);
            word.parts.push(Part::Unknown);
            return true;
        }
        false
    }

    /// The elements of an array, and the parenthesis behind them.
    fn elements(&mut self) -> Vec<Word> {
        let mut elements = Vec::new();
        loop {
            self.blanks();
            match self.peek() {
                Some(b'\n') => {
                    self.bump();
                }
                Some(b')') => {
                    self.at += 1;
                    return elements;
                }
                None => return elements,
                Some(_) => match self.word() {
                    Some(element) => elements.push(element),
                    None => return elements,
                },
            }
        }
    }

    /// Skips a balanced `(…)` that ends within `limit` bytes; says whether it did.
    pub(super) fn skip_parentheses(&mut self, limit: usize) -> bool {
        let window = self.text.get(self.at..).unwrap_or_default();
        let window = &window[..window.len().min(limit)];
        let mut depth = 0_usize;
        for (offset, byte) in window.iter().enumerate() {
            match byte {
                b'(' => depth += 1,
                b')' => depth = depth.saturating_sub(1),
                _ => {}
            }
            if depth == 0 {
                let newlines = memchr::memchr_iter(b'\n', &window[..offset]).count();
                self.line = self
                    .line
                    .saturating_add(u32::try_from(newlines).unwrap_or(u32::MAX));
                self.at += offset + 1;
                return true;
            }
        }
        self.at += usize::from(!window.is_empty());
        false
    }
}

/// Adds a byte to the text at the end of `word`.
pub(super) fn push_text(word: &mut Word, byte: u8, quoted: bool) {
    match (word.parts.last_mut(), quoted) {
        (Some(Part::Quoted(text)), true) | (Some(Part::Plain(text)), false) => text.push(byte),
        (_, true) => word.parts.push(Part::Quoted(vec![byte])),
        (_, false) => word.parts.push(Part::Plain(vec![byte])),
    }
}
