//! Expressions of Ruby and JavaScript as far as settings are made of them: texts with names put in, lists,
//! tables, joined paths. What else an expression does is not known.

use std::collections::BTreeMap;

/// How deep expressions lie in one another.
const MAX_DEPTH: usize = 24;

/// How many elements of a list, or steps of a range, are kept.
const MAX_ELEMENTS: usize = 64;

/// What a value may weigh, in bytes: longer texts and lists are none that a table of programs has, and names
/// that double each other grow without an end.
const MAX_TEXT: usize = 16 << 10;

/// How many names are kept.
const MAX_NAMES: usize = 256;

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
    fn of(text: Vec<u8>) -> Self {
        Self::Text(text).bounded()
    }

    /// Itself, unless it is too long.
    fn bounded(self) -> Self {
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

    fn directory(&self) -> Vec<u8> {
        let cut = self.file.iter().rposition(|byte| *byte == b'/');
        self.file[..cut.unwrap_or(0)].to_vec()
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

/// Reads expressions.
pub(super) struct Reader<'t> {
    pub(super) tokens: &'t [Token],
    pub(super) at: usize,
    scope: &'t Scope,
    depth: usize,
}

impl<'t> Reader<'t> {
    pub(super) fn new(tokens: &'t [Token], scope: &'t Scope) -> Self {
        Self {
            tokens,
            at: 0,
            scope,
            depth: 0,
        }
    }

    pub(super) fn peek(&self) -> Option<&'t Token> {
        self.tokens.get(self.at)
    }

    pub(super) fn takes(&mut self, sign: &str) -> bool {
        let is = self.peek().is_some_and(|token| token.is(sign));
        self.at += usize::from(is);
        is
    }

    fn lines(&mut self) {
        while self.peek().is_some_and(|token| token.kind == Kind::Line) {
            self.at += 1;
        }
    }

    /// One expression.
    pub(super) fn expression(&mut self) -> Value {
        if self.depth >= MAX_DEPTH {
            return Value::Open;
        }
        self.depth += 1;
        let mut value = self.sum();
        loop {
            if self.takes("||") || self.takes("??") || self.takes_word("or") {
                let other = self.sum();
                if value == Value::Open {
                    value = other;
                }
            } else if self.takes("..") || self.takes("...") {
                let end = self.sum();
                value = range(&value, &end);
            } else if self.takes("?") {
                self.expression();
                if self.takes(":") {
                    self.expression();
                }
                value = Value::Open;
            } else {
                break;
            }
        }
        self.depth -= 1;
        value
    }

    fn takes_word(&mut self, word: &str) -> bool {
        let is = self.peek().and_then(Token::word) == Some(word);
        self.at += usize::from(is);
        is
    }

    fn sum(&mut self) -> Value {
        let mut value = self.postfix();
        while self.takes("+") {
            self.lines();
            value = match (value, self.postfix()) {
                (Value::Text(one), Value::Text(other)) => Value::of([one, other].concat()),
                (Value::List(one), Value::List(other)) => {
                    let mut all = [one, other].concat();
                    all.truncate(MAX_ELEMENTS);
                    Value::List(all).bounded()
                }
                // A hole within a text.
                (Value::Text(one), _) => Value::of([&one[..], b"*"].concat()),
                (_, Value::Text(other)) => Value::of([b"*", &other[..]].concat()),
                _ => Value::Open,
            };
        }
        value
    }

    fn postfix(&mut self) -> Value {
        let mut value = self.primary();
        loop {
            if self.takes(".") || self.takes("::") {
                let name = self
                    .peek()
                    .and_then(Token::word)
                    .unwrap_or_default()
                    .to_owned();
                self.at += 1;
                let args = self.arguments();
                value = method(value, &name, args.as_deref());
            } else if self.peek().is_some_and(|token| token.is("[")) {
                self.at += 1;
                let key = self.expression();
                self.close("]");
                value = match &key {
                    Value::Text(key) => value.get(&String::from_utf8_lossy(key)).cloned(),
                    _ => None,
                }
                .unwrap_or(Value::Open);
            } else if self.peek().is_some_and(|token| token.is("(")) {
                self.arguments();
                value = Value::Open;
            } else {
                return value;
            }
        }
    }

    fn primary(&mut self) -> Value {
        let Some(token) = self.peek() else {
            return Value::Open;
        };
        match &token.kind {
            Kind::Text(pieces) => {
                self.at += 1;
                Value::of(self.text(pieces))
            }
            Kind::Number(number) => {
                self.at += 1;
                Value::Text(number.clone().into_bytes())
            }
            Kind::Words(words) => {
                self.at += 1;
                Value::List(words.iter().cloned().map(Value::Text).collect())
            }
            Kind::Word(word) => {
                self.at += 1;
                self.named(word)
            }
            Kind::Sign("[") => {
                self.at += 1;
                self.list("]")
            }
            Kind::Sign("{") => {
                self.at += 1;
                self.table("}")
            }
            Kind::Sign("(") => {
                self.at += 1;
                let value = self.expression();
                self.close(")");
                // `(a) => …` is a function.
                if self.takes("=>") {
                    return Value::Open;
                }
                value
            }
            _ => Value::Open,
        }
    }

    fn text(&self, pieces: &[Piece]) -> Vec<u8> {
        let mut out = Vec::new();
        for piece in pieces {
            match piece {
                Piece::Plain(plain) => out.extend_from_slice(plain),
                Piece::Code(_) if out.len() > MAX_TEXT => break,
                Piece::Code(tokens) => {
                    let mut inner = Reader::new(tokens, self.scope);
                    inner.depth = self.depth + 1;
                    let value = inner.expression();
                    let is_whole = inner.at >= tokens.len();
                    let known = match is_whole {
                        true => value.text(),
                        false => b"*".to_vec(),
                    };
                    // Two holes beside each other are one.
                    if known != b"*" || out.last() != Some(&b'*') {
                        out.extend(known);
                    }
                }
            }
        }
        out
    }

    /// A name, or a call of one: `File.join(…)`, `path.resolve(…)`, `__dirname`.
    fn named(&mut self, first: &str) -> Value {
        match first {
            "__dirname" | "__dir__" => {
                self.arguments();
                return Value::Text(self.scope.directory());
            }
            "__FILE__" | "__filename" => return Value::Text(self.scope.file.clone()),
            "true" | "false" => return Value::Text(first.as_bytes().to_vec()),
            "process" | "ENV" => {
                // Who starts the manager has set these; what stands beside them is the default.
                let is_fetch = matches!(
                    self.tokens.get(self.at + 1).and_then(Token::word),
                    Some("fetch")
                );
                if first == "ENV" && is_fetch {
                    self.at += 2;
                    let args = self.arguments().unwrap_or_default();
                    return args.get(1).cloned().unwrap_or(Value::Open);
                }
                while self.takes(".") {
                    self.at += 1;
                }
                while self.takes("[") {
                    self.expression();
                    self.close("]");
                }
                self.arguments();
                return Value::Open;
            }
            "File" | "path" | "Path" if self.takes(".") => {
                let name = self
                    .peek()
                    .and_then(Token::word)
                    .unwrap_or_default()
                    .to_owned();
                self.at += 1;
                let args = self.arguments().unwrap_or_default();
                return self.path(&name, &args);
            }
            "new" | "await" | "lambda" | "proc" | "function" | "async" => {
                return Value::Open;
            }
            _ => {}
        }
        self.scope.names.get(first).cloned().unwrap_or(Value::Open)
    }

    fn path(&self, name: &str, args: &[Value]) -> Value {
        let mut texts: Vec<Vec<u8>> = Vec::new();
        for arg in args {
            match arg {
                Value::Text(text) => texts.push(text.clone()),
                Value::List(list) => texts.extend(list.iter().map(Value::text)),
                _ => texts.push(b"*".to_vec()),
            }
        }
        match name {
            "join" => Value::of(joined(&texts)),
            "resolve" => {
                let from = texts.iter().rposition(|text| text.starts_with(b"/"));
                Value::of(joined(texts.get(from.unwrap_or(0)..).unwrap_or_default()))
            }
            "expand_path" => {
                texts.reverse();
                let from = texts.iter().rposition(|text| text.starts_with(b"/"));
                Value::of(joined(texts.get(from.unwrap_or(0)..).unwrap_or_default()))
            }
            "dirname" => match texts
                .first()
                .map(|text| (text, text.iter().rposition(|byte| *byte == b'/')))
            {
                Some((text, Some(at))) => Value::Text(text[..at.max(1)].to_vec()),
                _ => Value::Open,
            },
            _ => Value::Open,
        }
    }

    /// The arguments in parentheses, if there are any.
    fn arguments(&mut self) -> Option<Vec<Value>> {
        if !self.takes("(") {
            return None;
        }
        match self.list(")") {
            Value::List(list) => Some(list),
            _ => None,
        }
    }

    fn list(&mut self, closer: &str) -> Value {
        let mut found = Vec::new();
        loop {
            self.lines();
            if self.takes(closer) || self.peek().is_none() {
                break;
            }
            let spread = self.takes("...");
            let value = self.element(closer);
            match value {
                Value::List(list) if spread => {
                    found.extend(list);
                    found.truncate(MAX_ELEMENTS);
                }
                value if found.len() < MAX_ELEMENTS => found.push(value),
                _ => {}
            }
        }
        Value::List(found).bounded()
    }

    fn table(&mut self, closer: &str) -> Value {
        let mut found = Vec::new();
        loop {
            self.lines();
            if self.takes(closer) || self.peek().is_none() {
                break;
            }
            if self.takes("...") {
                if let Value::Table(other) = self.element(closer) {
                    found.extend(other);
                    found.truncate(MAX_ELEMENTS);
                }
                continue;
            }
            let key = match self.peek().map(|token| &token.kind) {
                Some(Kind::Word(word) | Kind::Number(word)) => Some(word.clone()),
                Some(Kind::Text(pieces)) => {
                    Some(String::from_utf8_lossy(&self.text(pieces)).into_owned())
                }
                _ => None,
            };
            self.at += usize::from(key.is_some());
            let value = if self.takes(":") || self.takes("=>") {
                self.lines();
                self.element(closer)
            } else if let Some(key) = key.as_ref().filter(|_| {
                let ends = |token: &Token| token.is(",") || token.is(closer);
                self.peek().is_none_or(ends)
            }) {
                self.takes(",");
                self.scope.names.get(key).cloned().unwrap_or(Value::Open)
            } else {
                self.skip(closer);
                Value::Open
            };
            if let Some(key) = key.filter(|_| found.len() < MAX_ELEMENTS) {
                found.push((key, value));
            }
        }
        Value::Table(found).bounded()
    }

    /// An element with the comma behind it; open where more stands there than an expression.
    fn element(&mut self, closer: &str) -> Value {
        let mut value = self.expression();
        self.lines();
        // `key => value` among the arguments of a call.
        if self.takes("=>") || self.takes(":") {
            let inner = self.expression();
            self.lines();
            let key = String::from_utf8_lossy(&value.text()).into_owned();
            value = Value::Table(vec![(key, inner)]);
        }
        if self.takes(",") || self.peek().is_none_or(|token| token.is(closer)) {
            return value;
        }
        self.skip(closer);
        Value::Open
    }

    /// Passes over what is not understood, to the comma or the end of the list.
    fn skip(&mut self, closer: &str) {
        let mut open = 0;
        while let Some(token) = self.peek() {
            if open == 0 && token.is(closer) {
                return;
            }
            self.at += 1;
            match token.kind {
                Kind::Sign("(" | "[" | "{") => open += 1,
                Kind::Sign(")" | "]" | "}") => open -= 1,
                Kind::Sign(",") if open == 0 => return,
                _ => {}
            }
        }
    }

    fn close(&mut self, closer: &str) {
        self.lines();
        if !self.takes(closer) {
            self.skip(closer);
            self.takes(closer);
        }
    }
}

/// The numbers from one to another.
fn range(from: &Value, to: &Value) -> Value {
    let number = |value: &Value| String::from_utf8(value.text()).ok()?.parse::<usize>().ok();
    match (number(from), number(to)) {
        (Some(from), Some(to)) if to >= from => {
            let numbers = (from..=to).take(MAX_ELEMENTS);
            Value::List(
                numbers
                    .map(|number| Value::Text(number.to_string().into_bytes()))
                    .collect(),
            )
        }
        _ => Value::Open,
    }
}

/// What a method makes of a value.
fn method(value: Value, name: &str, args: Option<&[Value]>) -> Value {
    match name {
        "to_s" | "to_i" | "to_sym" | "strip" | "freeze" | "trim" | "toString" | "dup"
        | "second" | "seconds" | "to_a" | "flatten" | "concat"
            if args.is_none_or(<[Value]>::is_empty) =>
        {
            value
        }
        "minute" | "minutes" => match String::from_utf8(value.text())
            .ok()
            .and_then(|text| text.parse::<u32>().ok())
        {
            Some(minutes) => Value::Text(minutes.saturating_mul(60).to_string().into_bytes()),
            None => Value::Open,
        },
        "join" => match (&value, args.and_then(<[Value]>::first)) {
            (Value::List(list), Some(Value::Text(between))) => {
                let texts: Vec<Vec<u8>> = list.iter().map(Value::text).collect();
                Value::of(texts.join(&between[..]))
            }
            _ => Value::Open,
        },
        _ => value.get(name).cloned().unwrap_or(Value::Open),
    }
}

/// Parts of a path, joined and made plain.
fn joined(parts: &[Vec<u8>]) -> Vec<u8> {
    let whole = parts.join(&b'/');
    if whole.starts_with(b"/") {
        return crate::path::AppPath::new(&whole).as_bytes().to_vec();
    }
    whole
}
