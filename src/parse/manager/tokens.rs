//! The tokens of Ruby and JavaScript, as far as settings are made of them.

use super::value::MAX_ELEMENTS;

/// A language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Language {
    JavaScript,
    Ruby,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Word(String),
    /// A text, with the code that is put into it.
    Text(Vec<Piece>),
    Number(String),
    /// `%w[a b]`.
    Words(Vec<Vec<u8>>),
    Sign(&'static str),
    /// The end of a line of Ruby.
    Line,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Piece {
    Plain(Vec<u8>),
    Code(Vec<Token>),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) line: u32,
    pub(super) kind: Kind,
}

impl Token {
    pub(super) fn is(&self, sign: &str) -> bool {
        matches!(&self.kind, Kind::Sign(own) if *own == sign)
    }

    pub(super) fn word(&self) -> Option<&str> {
        match &self.kind {
            Kind::Word(word) => Some(word),
            _ => None,
        }
    }
}

/// The tokens of a text.
pub(super) fn tokens(text: &[u8], language: Language) -> Vec<Token> {
    let mut lexer = Lexer {
        text,
        at: 0,
        line: 1,
        language,
        depth: 0,
        found: Vec::new(),
    };
    lexer.all();
    lexer.found
}

const SIGNS: [&str; 30] = [
    "...", "===", "!==", "=>", "||", "&&", "??", "::", "==", "!=", "<<", "..", "->", "(", ")", "[",
    "]", "{", "}", ",", ".", ":", ";", "=", "+", "|", "?", "&", "!", "-",
];

struct Lexer<'t> {
    text: &'t [u8],
    at: usize,
    line: u32,
    language: Language,
    depth: usize,
    found: Vec<Token>,
}

impl Lexer<'_> {
    fn all(&mut self) {
        while self.at < self.text.len() {
            self.one();
        }
    }

    fn rest(&self) -> &[u8] {
        &self.text[self.at..]
    }

    fn push(&mut self, line: u32, kind: Kind) {
        self.found.push(Token { line, kind });
    }

    fn one(&mut self) {
        let line = self.line;
        let byte = self.text[self.at];
        let is_ruby = self.language == Language::Ruby;
        match byte {
            b'\n' => {
                self.line += 1;
                self.at += 1;
                if is_ruby {
                    self.push(line, Kind::Line);
                }
            }
            b'\\' if self.rest().starts_with(b"\\\n") => {
                self.at += 2;
                self.line += 1;
            }
            _ if byte.is_ascii_whitespace() || byte == b'\\' => self.at += 1,
            b'#' if is_ruby => self.skip_line(),
            b'/' if !is_ruby && self.rest().starts_with(b"//") => self.skip_line(),
            b'/' if !is_ruby && self.rest().starts_with(b"/*") => {
                let end = memchr::memmem::find(self.rest(), b"*/");
                let end = end.map_or(self.text.len(), |end| self.at + end + 2);
                self.pass(end);
            }
            b'"' | b'\'' | b'`' => {
                let pieces = self.quoted(byte);
                self.push(line, Kind::Text(pieces));
            }
            b'%' if is_ruby
                && matches!(
                    self.rest(),
                    [_, b'w' | b'W' | b'i', b'[' | b'{' | b'(' | b'<', ..]
                ) =>
            {
                let words = self.words();
                self.push(line, Kind::Words(words));
            }
            b':' if is_ruby && self.is_symbol() => {
                self.at += 1;
                if let Some(quote @ (b'"' | b'\'')) = self.text.get(self.at).copied() {
                    let pieces = self.quoted(quote);
                    self.push(line, Kind::Text(pieces));
                } else {
                    let name = self.name();
                    self.push(line, Kind::Text(vec![Piece::Plain(name)]));
                }
            }
            b'0'..=b'9' => {
                let mut end = self.at;
                while let Some(byte) = self.text.get(end) {
                    let is_part = byte.is_ascii_alphanumeric() || *byte == b'_';
                    let is_point =
                        *byte == b'.' && self.text.get(end + 1).is_some_and(u8::is_ascii_digit);
                    if !is_part && !is_point {
                        break;
                    }
                    end += 1;
                }
                let text = String::from_utf8_lossy(&self.text[self.at..end]).replace('_', "");
                self.at = end;
                self.push(line, Kind::Number(text));
            }
            _ if byte.is_ascii_alphabetic() || b"_@$".contains(&byte) || byte >= 0x80 => {
                let name = self.name();
                self.push(
                    line,
                    Kind::Word(String::from_utf8_lossy(&name).into_owned()),
                );
            }
            _ => {
                let sign = SIGNS
                    .iter()
                    .find(|sign| self.rest().starts_with(sign.as_bytes()));
                self.at += sign.map_or(1, |sign| sign.len());
                self.push(line, Kind::Sign(sign.copied().unwrap_or("")));
            }
        }
    }

    fn skip_line(&mut self) {
        let end = self.rest().iter().position(|byte| *byte == b'\n');
        self.at += end.unwrap_or(self.text.len() - self.at);
    }

    fn pass(&mut self, end: usize) {
        let passed = &self.text[self.at..end];
        let lines = passed.iter().filter(|byte| **byte == b'\n').count();
        self.line += u32::try_from(lines).unwrap_or(0);
        self.at = end;
    }

    fn name(&mut self) -> Vec<u8> {
        let fits =
            |byte: &u8| byte.is_ascii_alphanumeric() || b"_@$".contains(byte) || *byte >= 0x80;
        let end = self.rest().iter().position(|byte| !fits(byte));
        let end = self.at + end.unwrap_or(self.text.len() - self.at);
        let mut name = self.text[self.at..end].to_vec();
        self.at = end;
        let is_asked = self.language == Language::Ruby
            && matches!(self.rest(), [b'?' | b'!', next, ..] if *next != b'=');
        if is_asked {
            name.push(self.text[self.at]);
            self.at += 1;
        }
        name
    }

    /// `:name`, where no value with a key before it stands, nor a module's name.
    fn is_symbol(&self) -> bool {
        let next = self.text.get(self.at + 1);
        let before = self.at.checked_sub(1).and_then(|at| self.text.get(at));
        let is_begun =
            next.is_some_and(|byte| byte.is_ascii_alphabetic() || b"_\"'".contains(byte));
        is_begun && before.is_none_or(|byte| !byte.is_ascii_alphanumeric() && *byte != b':')
    }

    fn words(&mut self) -> Vec<Vec<u8>> {
        let close = match self.text[self.at + 2] {
            b'[' => b']',
            b'{' => b'}',
            b'(' => b')',
            _ => b'>',
        };
        let start = self.at + 3;
        let end = self.text[start..].iter().position(|byte| *byte == close);
        let end = start + end.unwrap_or(self.text.len() - start);
        let inner = &self.text[start..end];
        let words = inner
            .split(u8::is_ascii_whitespace)
            .filter(|word| !word.is_empty());
        let words = words.take(MAX_ELEMENTS).map(<[u8]>::to_vec).collect();
        self.pass((end + 1).min(self.text.len()));
        words
    }

    fn quoted(&mut self, quote: u8) -> Vec<Piece> {
        let mark: &[u8] = match (self.language, quote) {
            (Language::Ruby, b'"' | b'`') => b"#{",
            (Language::JavaScript, b'`') => b"${",
            _ => b"",
        };
        let mut pieces = Vec::new();
        let mut plain = Vec::new();
        self.at += 1;
        while let Some(byte) = self.text.get(self.at).copied() {
            if byte == quote {
                self.at += 1;
                break;
            }
            if byte == b'\\' {
                let next = self.text.get(self.at + 1).copied();
                self.at += 2;
                match next {
                    Some(b'\n') => self.line += 1,
                    Some(b'n') if quote != b'\'' || self.language == Language::JavaScript => {
                        plain.push(b'\n')
                    }
                    Some(b't') if quote != b'\'' || self.language == Language::JavaScript => {
                        plain.push(b'\t')
                    }
                    Some(other) => plain.push(other),
                    None => {}
                }
                self.at = self.at.min(self.text.len());
                continue;
            }
            if !mark.is_empty() && self.rest().starts_with(mark) {
                pieces.push(Piece::Plain(std::mem::take(&mut plain)));
                pieces.push(Piece::Code(self.code()));
                continue;
            }
            self.line += u32::from(byte == b'\n');
            plain.push(byte);
            self.at += 1;
        }
        pieces.push(Piece::Plain(plain));
        pieces
    }

    /// What stands between the braces within a text.
    fn code(&mut self) -> Vec<Token> {
        let start = self.at + 2;
        let (mut end, mut open) = (start, 1);
        while let Some(byte) = self.text.get(end) {
            open += i32::from(*byte == b'{');
            open -= i32::from(*byte == b'}');
            if open == 0 {
                break;
            }
            end += 1;
        }
        let inner = &self.text[start.min(end)..end];
        let mut found = Vec::new();
        if self.depth < 3 {
            let mut lexer = Lexer {
                text: inner,
                at: 0,
                line: self.line,
                language: self.language,
                depth: self.depth + 1,
                found: Vec::new(),
            };
            lexer.all();
            found = lexer.found;
        }
        self.pass((end + 1).min(self.text.len()));
        found
    }
}
