//! Expressions of Ruby and JavaScript as far as settings are made of them: texts with names put in, lists,
//! tables, joined paths. What else an expression does is not known.

use super::tokens::{Kind, Piece, Token};
use super::value::{MAX_ELEMENTS, MAX_TEXT, Scope, Value};

/// How deep expressions lie in one another.
const MAX_DEPTH: usize = 24;

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

    /// The word that is next, which is passed; empty where something else is.
    fn next_word(&mut self) -> String {
        let word = self.peek().and_then(Token::word).unwrap_or_default();
        self.at += 1;
        word.to_owned()
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
                let name = self.next_word();
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
                let name = self.next_word();
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
