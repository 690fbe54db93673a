//! Words into commands (POSIX.1-2024 XCU 2.10, and what bash adds).
//!
//! A fault costs the line it stands on: reading goes on behind it, and every construct that is
//! open ends where a keyword of an outer one comes, or the text.

use std::rc::Rc;

use super::lexer::{MAX_ARITHMETIC, MAX_DEPTH, Reader};
use super::syntax::{Assign, Body, Command, Item, Joint, List, Part, Pipeline, Word};

/// Keywords that end a list.
const CLOSERS: &[&[u8]] = &[
    b"then", b"else", b"elif", b"fi", b"do", b"done", b"esac", b"}",
];

impl Reader<'_> {
    /// The whole text: what closes nothing is a fault.
    pub(super) fn script(&mut self) -> List {
        let mut all = self.list();
        while self.peek().is_some() {
            self.fault("a keyword that closes nothing");
            if !self.keywords(CLOSERS) {
                self.at += 1;
            }
            all.0.append(&mut self.list().0);
        }
        all
    }

    /// Commands up to something that closes a construct, or the end.
    pub(super) fn list(&mut self) -> List {
        let mut list = List::default();
        loop {
            self.separators();
            if self.peek().is_none() || self.at_closer() {
                return list;
            }
            let at = self.at;
            if let Some(mut item) = self.item() {
                self.blanks();
                if self.starts_with(b"&") && !self.starts_with(b"&&") {
                    self.at += 1;
                    item.background = true;
                }
                list.0.push(item);
            }
            if self.at == at {
                self.fault("a character that begins no command");
                self.at += 1;
                self.skip_line();
            }
        }
    }

    fn newlines(&mut self) {
        loop {
            self.blanks();
            if self.peek() != Some(b'\n') {
                return;
            }
            self.bump();
        }
    }

    fn separators(&mut self) {
        loop {
            self.newlines();
            if self.peek() != Some(b';') || self.starts_with(b";;") || self.starts_with(b";&") {
                return;
            }
            self.at += 1;
        }
    }

    fn at_closer(&self) -> bool {
        self.peek() == Some(b')')
            || self.starts_with(b";;")
            || self.starts_with(b";&")
            || CLOSERS.iter().any(|word| self.at_keyword(word))
    }

    /// Whether the next word is `word`, outside quotes.
    fn at_keyword(&self, word: &[u8]) -> bool {
        self.starts_with(word)
            && self
                .text
                .get(self.at + word.len())
                .is_none_or(|byte| b" \t\r\n;&|()<>".contains(byte))
    }

    fn keyword(&mut self, word: &[u8]) -> bool {
        let found = self.at_keyword(word);
        if found {
            self.at += word.len();
        }
        found
    }

    fn keywords(&mut self, words: &[&[u8]]) -> bool {
        words.iter().any(|word| self.keyword(word))
    }

    /// The keyword that the grammar asks for here; its absence is a fault, and goes on without.
    fn expect(&mut self, word: &[u8], what: &'static str) {
        self.separators();
        if !self.keyword(word) {
            self.fault(what);
        }
    }

    fn item(&mut self) -> Option<Item> {
        let first = self.pipeline()?;
        let mut rest = Vec::new();
        loop {
            self.blanks();
            let joint = if self.eat(b"&&") {
                Joint::And
            } else if self.eat(b"||") {
                Joint::Or
            } else {
                break;
            };
            self.newlines();
            match self.pipeline() {
                Some(pipeline) => rest.push((joint, pipeline)),
                None => {
                    self.fault("nothing stands behind && or ||");
                    break;
                }
            }
        }
        Some(Item {
            first,
            rest,
            background: false,
        })
    }

    fn pipeline(&mut self) -> Option<Pipeline> {
        let mut negated = false;
        self.blanks();
        while self.keyword(b"!") {
            negated = !negated;
            self.blanks();
        }
        let mut commands = vec![self.command()?];
        loop {
            self.blanks();
            if self.starts_with(b"||") || !self.eat(b"|") {
                break;
            }
            self.eat(b"&");
            self.newlines();
            match self.command() {
                Some(command) => commands.push(command),
                None => {
                    self.fault("nothing stands behind |");
                    break;
                }
            }
        }
        Some(Pipeline { negated, commands })
    }

    fn command(&mut self) -> Option<Command> {
        if self.peek().is_none() || self.at_closer() {
            return None;
        }
        let line = self.line;
        let mut redirects = Vec::new();
        let body = if self.depth >= MAX_DEPTH {
            self.fault("nested too deep");
            self.skip_line();
            Body::Nothing
        } else {
            self.depth += 1;
            let body = self.compound();
            let body = match body {
                Some(body) => {
                    loop {
                        self.blanks();
                        match self.redirect() {
                            Some(redirect) => redirects.push(redirect),
                            None => break,
                        }
                    }
                    Some(body)
                }
                None => self.simple(&mut redirects),
            };
            self.depth -= 1;
            body?
        };
        Some(Command {
            line,
            sure: self.faults.is_empty(),
            body,
            redirects,
        })
    }

    fn compound(&mut self) -> Option<Body> {
        if self.starts_with(b"((") {
            let (at, line) = (self.at, self.line);
            if self.skip_parentheses(MAX_ARITHMETIC)
                && self
                    .text
                    .get(..self.at)
                    .is_some_and(|text| text.ends_with(b"))"))
            {
                return Some(Body::Nothing);
            }
            (self.at, self.line) = (at, line);
        }
        if self.eat(b"(") {
            let list = self.list();
            if !self.eat(b")") {
                self.fault("a subshell does not end");
            }
            return Some(Body::Subshell(list));
        }
        if self.keyword(b"{") {
            let list = self.list();
            self.expect(b"}", "a group does not end");
            return Some(Body::Group(list));
        }
        if self.keyword(b"if") {
            return Some(self.if_clause());
        }
        for (word, until) in [(&b"while"[..], false), (b"until", true)] {
            if self.keyword(word) {
                let condition = self.list();
                return Some(Body::Loop {
                    condition,
                    until,
                    body: self.do_group(),
                });
            }
        }
        if self.keywords(&[b"for", b"select"]) {
            return Some(self.for_clause());
        }
        if self.keyword(b"case") {
            return Some(self.case_clause());
        }
        if self.keyword(b"function") {
            self.blanks();
            let name = self.word().map(|word| text(&word)).unwrap_or_default();
            return Some(self.function(name));
        }
        None
    }

    fn do_group(&mut self) -> List {
        self.expect(b"do", "a loop has no do");
        let body = self.list();
        self.expect(b"done", "a loop does not end");
        body
    }

    fn if_clause(&mut self) -> Body {
        let mut branches = Vec::new();
        let mut otherwise = None;
        loop {
            let condition = self.list();
            self.expect(b"then", "an if has no then");
            branches.push((condition, self.list()));
            if self.keyword(b"elif") {
                continue;
            }
            if self.keyword(b"else") {
                otherwise = Some(self.list());
            }
            self.expect(b"fi", "an if does not end");
            return Body::If {
                branches,
                otherwise,
            };
        }
    }

    fn for_clause(&mut self) -> Body {
        self.blanks();
        if self.starts_with(b"((") {
            self.skip_parentheses(MAX_ARITHMETIC);
            let body = self.do_group();
            return Body::For {
                name: String::new(),
                words: Some(Vec::new()),
                body,
            };
        }
        let name = self.word().map(|word| text(&word)).unwrap_or_default();
        self.newlines();
        let words = self.keyword(b"in").then(|| {
            let mut words = Vec::new();
            self.blanks();
            while let Some(word) = self.word() {
                words.push(word);
                self.blanks();
            }
            words
        });
        Body::For {
            name,
            words,
            body: self.do_group(),
        }
    }

    fn case_clause(&mut self) -> Body {
        self.blanks();
        let subject = self.word().unwrap_or_default();
        self.newlines();
        if !self.keyword(b"in") {
            self.fault("a case has no in");
        }
        let mut arms = Vec::new();
        loop {
            self.newlines();
            if self.peek().is_none() || self.at_keyword(b"esac") {
                break;
            }
            let at = self.at;
            self.eat(b"(");
            let mut patterns = Vec::new();
            loop {
                self.blanks();
                patterns.extend(self.word());
                self.blanks();
                if self.starts_with(b"||") || !self.eat(b"|") {
                    break;
                }
            }
            if !self.eat(b")") {
                self.fault("an arm of a case has no pattern");
                if self.at == at {
                    break;
                }
            }
            arms.push((patterns, self.list()));
            if !(self.eat(b";;&") || self.eat(b";;") || self.eat(b";&") || self.at_keyword(b"esac"))
            {
                break;
            }
        }
        self.expect(b"esac", "a case does not end");
        Body::Case { subject, arms }
    }

    /// A function behind its name.
    fn function(&mut self, name: String) -> Body {
        self.blanks();
        if self.eat(b"(") {
            self.blanks();
            self.eat(b")");
        }
        self.newlines();
        let body = self.command().unwrap_or(Command {
            line: self.line,
            sure: false,
            body: Body::Nothing,
            redirects: Vec::new(),
        });
        Body::Function {
            name,
            body: Rc::new(body),
        }
    }

    fn simple(&mut self, redirects: &mut Vec<super::syntax::Redirect>) -> Option<Body> {
        let at = self.at;
        let mut assigns = Vec::new();
        let mut words: Vec<Word> = Vec::new();
        loop {
            self.blanks();
            let test = words.first().and_then(Word::plain) == Some(b"[[");
            if test {
                match self.test_word() {
                    Some(word) => {
                        let end = word.plain() == Some(b"]]");
                        words.push(word);
                        if end {
                            break;
                        }
                        continue;
                    }
                    None => {
                        self.fault("a test does not end");
                        break;
                    }
                }
            }
            if let Some(redirect) = self.redirect() {
                redirects.push(redirect);
                continue;
            }
            let Some(word) = self.word() else { break };
            if words.is_empty() {
                match assignment(word) {
                    Ok(assign) => {
                        assigns.push(assign);
                        continue;
                    }
                    Err(word) => words.push(word),
                }
                self.blanks();
                if assigns.is_empty()
                    && self.peek() == Some(b'(')
                    && let Some(name) = words.first().and_then(Word::plain)
                    && name != b"[["
                {
                    let name = String::from_utf8_lossy(name).into_owned();
                    return Some(self.function(name));
                }
            } else {
                words.push(word);
            }
        }
        (self.at != at).then_some(Body::Simple { assigns, words })
    }

    /// A word between `[[` and `]]`, where operators are words and `(` has no meaning of its own.
    fn test_word(&mut self) -> Option<Word> {
        self.newlines();
        if let Some(word) = self.word() {
            return Some(word);
        }
        let byte = self.peek().filter(|byte| *byte != b';')?;
        self.at += 1;
        Some(Word {
            parts: vec![Part::Plain(vec![byte])],
            array: None,
        })
    }
}

/// A word as an assignment, or given back.
fn assignment(mut word: Word) -> Result<Assign, Word> {
    let Some(Part::Plain(text)) = word.parts.first_mut() else {
        return Err(word);
    };
    let Some((name, append, behind)) = split_assignment(text) else {
        return Err(word);
    };
    text.drain(..behind);
    Ok(Assign {
        name,
        append,
        value: word,
    })
}

/// Name, whether it is `+=` or an element, and where the value begins.
pub(super) fn split_assignment(text: &[u8]) -> Option<(String, bool, usize)> {
    let equals = memchr::memchr(b'=', text)?;
    let head = text.get(..equals)?;
    let plus = head.ends_with(b"+");
    let head = head.strip_suffix(b"+").unwrap_or(head);
    let (name, element) = match memchr::memchr(b'[', head) {
        Some(open) if head.ends_with(b"]") => (head.get(..open)?, true),
        Some(_) => return None,
        None => (head, false),
    };
    let valid = name
        .first()
        .is_some_and(|byte| byte.is_ascii_alphabetic() || *byte == b'_')
        && name
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
    valid.then(|| {
        (
            String::from_utf8_lossy(name).into_owned(),
            plus || element,
            equals + 1,
        )
    })
}

fn text(word: &Word) -> String {
    String::from_utf8_lossy(word.plain().unwrap_or_default()).into_owned()
}
