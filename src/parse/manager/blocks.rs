//! Ruby as far as tables of settings are made of it: assignments, calls with blocks, loops over lists.

use super::expression::Reader;
use super::tokens::{Kind, Language, Token, tokens};
use super::value::{Scope, Value};

/// How deep blocks lie in one another.
const MAX_DEPTH: usize = 24;

/// How much work a text may cost: a step is a statement, and so are some of its words; each round of a loop
/// counts anew.
const MAX_STEPS: usize = 100_000;

/// A statement, with the block behind it.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) line: u32,
    head: Vec<Token>,
    pub(super) parameters: Vec<String>,
    pub(super) body: Option<Vec<Node>>,
}

/// What a statement does.
pub(super) enum Deed<'n> {
    /// `object.key = value`.
    Set {
        object: &'n str,
        key: &'n str,
        value: Value,
    },
    /// `name args`, with or without a block.
    Call {
        name: String,
        args: Vec<Value>,
        node: &'n Node,
    },
}

/// Words that open a block which `end` closes, at the beginning of a statement.
const OPENING: [&str; 10] = [
    "if", "unless", "while", "until", "case", "begin", "def", "class", "module", "for",
];

/// The statements of a text.
pub(super) fn parse(text: &[u8]) -> Vec<Node> {
    let tokens = tokens(text, Language::Ruby);
    let mut parser = Parser {
        tokens: &tokens,
        at: 0,
    };
    parser.block(0)
}

struct Parser<'t> {
    tokens: &'t [Token],
    at: usize,
}

impl Parser<'_> {
    fn block(&mut self, depth: usize) -> Vec<Node> {
        let mut found = Vec::new();
        while let Some(token) = self.tokens.get(self.at) {
            if token.kind == Kind::Line || token.is(";") {
                self.at += 1;
                continue;
            }
            if token.word() == Some("end") || token.is("}") {
                self.at += 1;
                if depth > 0 {
                    return found;
                }
                continue;
            }
            let node = self.statement(depth);
            found.push(node);
        }
        found
    }

    fn statement(&mut self, depth: usize) -> Node {
        let line = self.tokens[self.at].line;
        let mut head: Vec<Token> = Vec::new();
        let opens = self.tokens[self.at]
            .word()
            .is_some_and(|word| OPENING.contains(&word));
        let mut open = 0;
        let mut has_block = false;
        while let Some(token) = self.tokens.get(self.at) {
            let is_end = token.kind == Kind::Line || token.is(";");
            let goes_on = head.last().is_some_and(|last| {
                [",", "+", "||", "=>", "=", "(", "[", "{", "|", "."]
                    .iter()
                    .any(|sign| last.is(sign))
            });
            if is_end && open == 0 && !goes_on {
                break;
            }
            if open == 0 && token.word() == Some("do") {
                self.at += 1;
                has_block = !opens;
                break;
            }
            // `each { |x| … }` is a block, `{ key => value }` none.
            let is_brace = token.is("{")
                && self
                    .tokens
                    .get(self.at + 1)
                    .is_some_and(|next| next.is("|"));
            if open == 0 && is_brace {
                self.at += 1;
                has_block = true;
                break;
            }
            if open == 0 && (token.is("}") || token.word() == Some("end")) {
                break;
            }
            match token.kind {
                Kind::Sign("(" | "[" | "{") => open += 1,
                Kind::Sign(")" | "]" | "}") => open -= 1,
                _ => {}
            }
            head.push(token.clone());
            self.at += 1;
        }
        let mut parameters = Vec::new();
        if has_block && self.tokens.get(self.at).is_some_and(|token| token.is("|")) {
            self.at += 1;
            while let Some(token) = self.tokens.get(self.at).filter(|token| !token.is("|")) {
                parameters.extend(token.word().map(str::to_owned));
                self.at += 1;
            }
            self.at += 1;
        }
        let body = (has_block || opens).then(|| match depth < MAX_DEPTH {
            true => self.block(depth + 1),
            false => {
                self.at = self.tokens.len();
                Vec::new()
            }
        });
        Node {
            line,
            head,
            parameters,
            body,
        }
    }
}

/// Tells what each statement does, in the order in which they are reached.
pub(super) fn run(nodes: &[Node], scope: &mut Scope, visit: &mut Visit<'_>) {
    for node in nodes {
        scope.steps += 1 + node.head.len() / 8;
        if scope.steps > MAX_STEPS {
            return;
        }
        statement(node, scope, visit);
    }
}

/// What is told of a statement.
pub(super) type Visit<'v> = dyn FnMut(Deed<'_>, &mut Scope) + 'v;

fn statement(node: &Node, scope: &mut Scope, visit: &mut Visit<'_>) {
    let head = &node.head;
    let first = head.first().and_then(Token::word).unwrap_or_default();
    if OPENING.contains(&first) {
        // What is only defined, nobody has called here.
        if !["def", "class"].contains(&first) {
            run(node.body.as_deref().unwrap_or_default(), scope, visit);
        }
        return;
    }
    let is_loop = |name: &str| matches!(name, "each" | "times" | "each_with_index" | "map");
    if let (Some(body), Some((last, list))) = (&node.body, head.split_last())
        && last.word().is_some_and(is_loop)
        && list.last().is_some_and(|token| token.is("."))
    {
        let list = Reader::new(&list[..list.len() - 1], scope).expression();
        let items = match list {
            Value::List(items) => items,
            Value::Text(number) if last.word() == Some("times") => {
                let count = String::from_utf8(number)
                    .ok()
                    .and_then(|count| count.parse::<usize>().ok());
                let count = count.unwrap_or(1).min(64);
                (0..count)
                    .map(|at| Value::Text(at.to_string().into_bytes()))
                    .collect()
            }
            _ => vec![Value::Open],
        };
        for item in items {
            let name = node.parameters.first();
            let outer = name.and_then(|name| scope.names.get(name).cloned());
            if let Some(name) = name {
                scope.set(name, item);
            }
            run(body, scope, visit);
            if let (Some(name), Some(outer)) = (name, outer) {
                scope.set(name, outer);
            }
        }
        return;
    }
    let (path, behind) = target(head);
    if head.get(behind).is_some_and(|token| token.is("=")) {
        let value = Reader::new(&head[behind + 1..], scope).expression();
        match path.as_slice() {
            [name] => {
                scope.set(name, value);
            }
            [object, key] => visit(Deed::Set { object, key, value }, scope),
            _ => {}
        }
        return;
    }
    if path.is_empty() {
        return;
    }
    let args = arguments(&head[behind..], scope);
    let name = path.join(".");
    visit(Deed::Call { name, args, node }, scope);
}

/// The names that a statement begins with, and how many tokens they are.
fn target(head: &[Token]) -> (Vec<&str>, usize) {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(word) = head.get(at).and_then(Token::word) {
        found.push(word);
        at += 1;
        if !head
            .get(at)
            .is_some_and(|token| token.is(".") || token.is("::"))
        {
            break;
        }
        at += 1;
    }
    (found, at)
}

/// The arguments of a call, with or without parentheses; `key => value` pairs are one table at the end.
fn arguments(tokens: &[Token], scope: &Scope) -> Vec<Value> {
    let mut tokens = tokens;
    let is_call = tokens.first().is_some_and(|token| token.is("("));
    if is_call && tokens.last().is_some_and(|token| token.is(")")) {
        tokens = &tokens[1..tokens.len() - 1];
    }
    let mut reader = Reader::new(tokens, scope);
    let mut found = Vec::new();
    let mut pairs = Vec::new();
    while reader.peek().is_some() && found.len() + pairs.len() < 64 {
        let before = reader.at;
        let word = reader.peek().and_then(Token::word).map(str::to_owned);
        let is_key = tokens.get(reader.at + 1).is_some_and(|token| token.is(":"));
        let key = if let (Some(word), true) = (word, is_key) {
            reader.at += 2;
            Some(word)
        } else {
            None
        };
        let value = reader.expression();
        if let Some(key) = key {
            pairs.push((key, value));
        } else if reader.takes("=>") {
            let inner = reader.expression();
            pairs.push((String::from_utf8_lossy(&value.text()).into_owned(), inner));
        } else {
            found.push(value);
        }
        while reader.takes(",") || reader.peek().is_some_and(|token| token.kind == Kind::Line) {
            if reader.peek().is_some_and(|token| token.kind == Kind::Line) {
                reader.at += 1;
            }
        }
        if reader.at == before {
            reader.at += 1;
        }
    }
    if !pairs.is_empty() {
        found.push(Value::Table(pairs));
    }
    found
}
