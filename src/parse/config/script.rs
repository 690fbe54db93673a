//! Settings written in a programming language: assignments of literals, as in `define('X', 'y')`,
//! `$conf['a'] = 'b'`, `NAME = "value"`, `'key' => 'value'`.
//!
//! This is no parser of a language. It knows strings, comments and brackets, and takes only a
//! value that is a literal by itself; whatever is computed is left to those who read programs.

use super::form::Language;
use super::text::unquote;
use super::{Separator, Sink};

/// Reads the assignments of a file.
pub(super) fn read(text: &str, language: Language, sink: &mut Sink) {
    if language == Language::Shell {
        shell(text, sink);
        return;
    }
    let tokens = tokens(text, language);
    let mut reader = Reader {
        tokens: &tokens,
        at: 0,
        language,
        closers: Vec::new(),
        code: 0,
        sink,
    };
    while reader.step() {}
}

/// `NAME=value` and `export NAME=value` at the beginning of a line; `#NAME=value` as a comment.
fn shell(text: &str, sink: &mut Sink) {
    for (number, line) in text.lines().enumerate() {
        let bare = line.trim_start_matches(['#', ' ']);
        let off = bare.len() < line.len();
        if off && !line.starts_with('#') {
            continue;
        }
        let bare = bare.strip_prefix("export ").unwrap_or(bare).trim_start();
        let Some((name, value)) = bare.split_once('=') else {
            continue;
        };
        let fits = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '.';
        if name.is_empty() || !name.chars().all(fits) || value.contains("$(") || value.contains('`')
        {
            continue;
        }
        let value = unquote(super::text::before_comment(value, &['#']));
        if off {
            sink.add_commented(number + 1, &[name], &value, Separator::Equals);
        } else {
            sink.add(number + 1, &[name], &value, Separator::Equals);
        }
    }
}

/// How many elements of a list are settings.
const MAX_ELEMENTS: usize = 64;

#[derive(Clone, Debug, PartialEq)]
enum Kind<'t> {
    Word(&'t str),
    Text(String),
    /// `=`, `=>`, `:`, brackets, or any other sign.
    Sign(&'t str),
    /// The end of a line, with the indentation of the next.
    Line(usize),
}

struct Token<'t> {
    kind: Kind<'t>,
    line: usize,
}

/// Splits a text; at most as many tokens as it has bytes.
fn tokens(text: &str, language: Language) -> Vec<Token<'_>> {
    let mut lexer = Lexer {
        rest: text,
        line: 1,
        language,
        out: Vec::new(),
    };
    if language == Language::Php
        && let Some(at) = text.find("<?php")
    {
        lexer.skip(at + 5);
    }
    while lexer.step() {}
    lexer.out
}

struct Lexer<'t> {
    rest: &'t str,
    line: usize,
    language: Language,
    out: Vec<Token<'t>>,
}

impl<'t> Lexer<'t> {
    fn skip(&mut self, length: usize) -> &'t str {
        let (taken, rest) = self.rest.split_at(length.min(self.rest.len()));
        self.line += taken.bytes().filter(|&b| b == b'\n').count();
        self.rest = rest;
        taken
    }

    fn push(&mut self, kind: Kind<'t>, line: usize) {
        self.out.push(Token { kind, line });
    }

    fn step(&mut self) -> bool {
        let Some(c) = self.rest.chars().next() else {
            return false;
        };
        let line = self.line;
        if let Some(length) = self.comment() {
            self.skip(length);
            return true;
        }
        match c {
            '\n' => {
                self.skip(1);
                let indent = self.rest.len() - self.rest.trim_start_matches([' ', '\t']).len();
                self.push(Kind::Line(indent), line);
            }
            c if c.is_whitespace() => {
                self.skip(c.len_utf8());
            }
            '"' | '\'' => {
                let text = self.text(c);
                self.push(Kind::Text(text), line);
            }
            c if c.is_alphanumeric() || "_$@%".contains(c) => {
                let fits = |c: char| c.is_alphanumeric() || c == '_' || c == '.';
                let first = c.len_utf8();
                let end = self.rest[first..]
                    .find(|c| !fits(c))
                    .map_or(self.rest.len(), |e| e + first);
                let word = self.skip(end);
                self.push(Kind::Word(word), line);
            }
            _ => {
                let double = [
                    "=>", "->", "==", "::", "!=", "<=", ">=", ".=", "+=", "=~", "||", "&&",
                ];
                let length = if double.iter().any(|sign| self.rest.starts_with(sign)) {
                    2
                } else {
                    c.len_utf8()
                };
                let sign = self.skip(length);
                self.push(Kind::Sign(sign), line);
            }
        }
        true
    }

    /// The length of a comment that begins here.
    fn comment(&self) -> Option<usize> {
        let rest = self.rest;
        let to = |end: &str| rest.find(end).map_or(rest.len(), |at| at + end.len());
        let to_line_end = || rest.find('\n').unwrap_or(rest.len());
        let line_start = matches!(
            self.out.last(),
            None | Some(Token {
                kind: Kind::Line(_),
                ..
            })
        );
        match self.language {
            Language::Php | Language::JavaScript if rest.starts_with("/*") => Some(to("*/")),
            Language::Php | Language::JavaScript if rest.starts_with("//") => Some(to_line_end()),
            Language::Php | Language::Python | Language::Perl | Language::Ruby
                if rest.starts_with('#') && !rest.starts_with("#[") =>
            {
                Some(to_line_end())
            }
            Language::Perl if line_start && rest.starts_with('=') => Some(to("\n=cut")),
            Language::Perl if line_start && rest.starts_with("__END__") => Some(rest.len()),
            Language::Ruby if line_start && rest.starts_with("=begin") => Some(to("\n=end")),
            Language::Lua if rest.starts_with("--[[") => Some(to("]]")),
            Language::Lua if rest.starts_with("--") => Some(to_line_end()),
            _ => None,
        }
    }

    fn text(&mut self, quote: char) -> String {
        let triple = ["\"\"\"", "'''"]
            .into_iter()
            .find(|t| self.rest.starts_with(t));
        if let Some(triple) = triple.filter(|_| self.language == Language::Python) {
            let end = self.rest[3..]
                .find(triple)
                .map_or(self.rest.len(), |end| end + 3);
            let text = self.skip(end);
            self.skip(3);
            return text[3..].to_owned();
        }
        let mut escaped = false;
        let end = self.rest[1..].bytes().position(|b| {
            let ends = b == quote as u8 && !escaped;
            escaped = b == b'\\' && !escaped;
            ends
        });
        let text = self.skip(end.map_or(self.rest.len(), |end| end + 2));
        let inner = &text[1..text.len() - usize::from(end.is_some())];
        if inner.contains('\\') {
            inner
                .replace("\\\\", "\\")
                .replace("\\'", "'")
                .replace("\\\"", "\"")
        } else {
            inner.to_owned()
        }
    }
}

struct Reader<'a, 't, 's> {
    tokens: &'a [Token<'t>],
    at: usize,
    language: Language,
    /// For each open bracket: whether it is a block of code.
    closers: Vec<bool>,
    /// How many blocks of code are open.
    code: usize,
    sink: &'s mut Sink,
}

impl<'t> Reader<'_, 't, '_> {
    fn kind(&self, ahead: usize) -> Option<&Kind<'t>> {
        self.tokens.get(self.at + ahead).map(|token| &token.kind)
    }

    fn is_sign(&self, ahead: usize, signs: &[&str]) -> bool {
        matches!(self.kind(ahead), Some(Kind::Sign(sign)) if signs.contains(sign))
    }

    fn step(&mut self) -> bool {
        let Some(kind) = self.kind(0) else {
            return false;
        };
        match kind {
            Kind::Sign("{" | "[" | "(") => self.open(None),
            Kind::Sign("}" | "]" | ")") => {
                self.at += 1;
                self.sink.close();
                if self.closers.pop() == Some(true) {
                    self.code -= 1;
                }
            }
            Kind::Word(_) | Kind::Text(_) => self.entry(),
            _ => self.at += 1,
        }
        true
    }

    /// Enters a bracket: a collection under `key`, or something that only groups.
    fn open(&mut self, key: Option<&[String]>) {
        // A brace without a key is a block, except where braces make tables.
        let brace = self.is_sign(0, &["{"]);
        let code = key.is_none()
            && brace
            && matches!(
                self.language,
                Language::Php | Language::Perl | Language::JavaScript
            )
            && !self.in_collection();
        match key {
            Some(key) => self.sink.open(&key.join(".")),
            None => self.sink.open_item(),
        }
        self.closers.push(code);
        self.code += usize::from(code);
        self.at += 1;
    }

    fn in_collection(&self) -> bool {
        matches!(
            self.tokens.get(self.at.wrapping_sub(1)).map(|t| &t.kind),
            Some(Kind::Sign("," | "[" | "(" | "=" | "=>" | ":"))
        )
    }

    /// A key with what follows it, or a mere value.
    fn entry(&mut self) {
        let start = self.at;
        let Some(key) = self.call().or_else(|| self.key()) else {
            self.at = start;
            self.element();
            self.at = start + 1;
            return;
        };
        let line = self.tokens.get(start).map_or(1, |token| token.line);
        if key.is_empty() {
            return;
        }
        self.value(line, &key);
    }

    /// A text that is an element of a list: a value of the key that the list is given to.
    fn element(&mut self) {
        let tokens = self.tokens;
        let Some(token) = tokens.get(self.at) else {
            return;
        };
        let Kind::Text(text) = &token.kind else {
            return;
        };
        if self.code > 0 || !self.is_sign(1, &[",", "]", ")"]) {
            return;
        }
        // Back over the elements before it: a bracket opens the list, and no word stands before that.
        let before = tokens.get(..self.at).unwrap_or_default();
        let mut outer = before.iter().rev().take(MAX_ELEMENTS).skip_while(|token| {
            matches!(token.kind, Kind::Text(_) | Kind::Line(_) | Kind::Sign(","))
        });
        let opener = outer.next().map(|token| &token.kind);
        let is_given = matches!(
            outer.next().map(|t| &t.kind),
            Some(Kind::Sign("=" | "=>" | ":"))
        );
        if matches!(opener, Some(Kind::Sign("[")))
            || matches!(opener, Some(Kind::Sign("("))) && is_given
        {
            self.sink.add(token.line, &[], text, Separator::Equals);
        }
    }

    /// `define('X', 'y')`: leaves the value ahead.
    fn call(&mut self) -> Option<Vec<String>> {
        let Some(Kind::Word(name)) = self.kind(0) else {
            return None;
        };
        let name = (*name).to_owned();
        if self.language == Language::Ruby && self.is_command(&name) {
            self.at += 1;
            return Some(vec![name]);
        }
        let ahead = if self.is_sign(1, &["("]) {
            2
        } else if self.language == Language::Ruby && self.is_sign(1, &[":"]) {
            1
        } else {
            return None;
        };
        // `data_dirs({ "default" => … })`: what is called is the section.
        if self.language == Language::Ruby && ahead == 2 && self.is_sign(ahead, &["{"]) {
            self.closers.push(false);
            self.sink.open_condition(None);
            self.at += ahead;
            return Some(vec![name]);
        }
        let ruby = usize::from(self.is_sign(ahead, &[":"]));
        let first = match self.kind(ahead + ruby) {
            Some(Kind::Text(text)) => text.clone(),
            Some(Kind::Word(word)) if ruby > 0 => (*word).to_owned(),
            _ => return None,
        };
        if !self.is_sign(ahead + ruby + 1, &[","]) {
            return None;
        }
        if ahead == 2 {
            self.closers.push(false);
            self.sink.open_condition(None);
        }
        self.at += ahead + ruby + 2;
        let plain = matches!(name.as_str(), "define" | "set" | "config" | "conf");
        Some(if plain {
            vec![first]
        } else {
            vec![name, first]
        })
    }

    /// `bind 'tcp://0.0.0.0:9292'`, `port 9292`: a line of Ruby that is a word and its value, as settings in
    /// it are written, and that is no statement of the language or its tools.
    fn is_command(&self, name: &str) -> bool {
        const STATEMENTS: [&str; 14] = [
            "require",
            "require_relative",
            "load",
            "include",
            "extend",
            "puts",
            "print",
            "raise",
            "return",
            "gem",
            "source",
            "desc",
            "if",
            "unless",
        ];
        let before = self.at.checked_sub(1).and_then(|at| self.tokens.get(at));
        let is_first = before.is_none_or(|token| matches!(token.kind, Kind::Line(_)));
        let is_value = match self.kind(1) {
            Some(Kind::Text(_)) => true,
            Some(Kind::Word(word)) => word.bytes().all(|byte| byte.is_ascii_digit()),
            _ => false,
        };
        let is_last = matches!(self.kind(2), None | Some(Kind::Line(_) | Kind::Sign(",")));
        is_first && is_value && is_last && !STATEMENTS.contains(&name)
    }

    /// `$a['b']->c =`, `'k' =>`, `k:`: leaves the value ahead.
    fn key(&mut self) -> Option<Vec<String>> {
        let mut key = match self.kind(0)? {
            Kind::Word(word) => word
                .trim_start_matches(['$', '@', '%'])
                .split('.')
                .filter(|part| !part.is_empty())
                .map(str::to_owned)
                .collect(),
            Kind::Text(text) if text.len() <= 100 => vec![text.clone()],
            _ => return None,
        };
        let mut ahead = 1;
        while key.len() < 8 {
            let subscript = self.is_sign(ahead, &["[", "{"]);
            let member = self.is_sign(ahead, &["->", "::"]);
            let next = match self.kind(ahead + 1) {
                Some(Kind::Text(text)) if subscript => text.clone(),
                Some(Kind::Word(word)) if subscript || member => {
                    word.trim_start_matches('$').to_owned()
                }
                Some(Kind::Sign("{")) if member => {
                    ahead += 1;
                    continue;
                }
                _ => break,
            };
            if subscript && !self.is_sign(ahead + 2, &["]", "}"]) {
                break;
            }
            key.push(next);
            ahead += if subscript { 3 } else { 2 };
        }
        let pair: &[&str] = match self.language {
            Language::Python | Language::JavaScript | Language::Ruby => &["=", "=>", ":"],
            _ => &["=", "=>"],
        };
        if !self.is_sign(ahead, pair) {
            return None;
        }
        self.at += ahead + 1;
        Some(key)
    }

    fn value(&mut self, line: usize, key: &[String]) {
        while matches!(self.kind(0), Some(Kind::Line(_))) && self.kind(1).is_some() {
            self.at += 1;
        }
        let array = matches!(
            self.kind(0),
            Some(Kind::Word("array" | "qw" | "dict" | "list"))
        );
        if array && self.is_sign(1, &["("]) {
            self.at += 1;
        }
        if self.is_sign(0, &["[", "{", "("]) {
            self.open(Some(key));
            return;
        }
        let value = match self.kind(0) {
            Some(Kind::Text(text)) => text.clone(),
            Some(Kind::Word(word)) => (*word).to_owned(),
            _ => return,
        };
        let quoted = matches!(self.kind(0), Some(Kind::Text(_)));
        let ends = match self.kind(1) {
            None | Some(Kind::Line(_)) => true,
            Some(Kind::Sign(sign)) => matches!(*sign, ";" | "," | ")" | "]" | "}" | "?>"),
            // Perl and Ruby put a condition behind: the setting holds where it does.
            Some(Kind::Word(word)) => matches!(*word, "if" | "unless"),
            _ => false,
        };
        if !ends || self.code > 0 {
            return;
        }
        let literal = quoted
            || value.starts_with(|c: char| c.is_ascii_digit())
            || matches!(value.as_str(), "true" | "false");
        if literal {
            let key: Vec<&str> = key.iter().map(String::as_str).collect();
            self.sink.add(line, &key, &value, Separator::Equals);
        }
        self.at += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::live;
    use super::super::{Form, Language};

    fn of(language: Language, text: &str) -> Vec<String> {
        live(Form::Script(language), text)
    }

    #[test]
    fn php_constants_variables_and_arrays() {
        let text = "<?php\n// define('NO', 'x');\ndefine( 'DB_HOST', 'localhost' );\n$conf['a']['b'] = '/var/x';\n\
                    $cfg->dir = \"/y\";\n$x = __DIR__ . '/z';\nreturn [ 'datadirectory' => '/data', 'n' => [ 'p' => 80, ], ];\n\
                    function f() { $t = '/no'; }\n$last = array('k' => 'v');\n";
        assert_eq!(
            of(Language::Php, text),
            [
                "DB_HOST=localhost",
                "conf.a.b=/var/x",
                "cfg.dir=/y",
                "datadirectory=/data",
                "n.p=80",
                "last.k=v"
            ]
        );
    }

    #[test]
    fn python_dictionaries_and_constants() {
        let text = "# x = 'no'\nROOT = '/srv'\nc['dir'] = \"/a\"\nDB = {\n    'default': {'NAME': '/b.sqlite3', 'X': f('y')},\n}\nDOC = \"\"\"\nz = '/no'\n\"\"\"\nP = ROOT + '/x'\n";
        assert_eq!(
            of(Language::Python, text),
            [
                "ROOT=/srv",
                "c.dir=/a",
                "DB.default.NAME=/b.sqlite3",
                "DOC=\nz = '/no'\n"
            ]
        );
    }

    #[test]
    fn perl_ruby_lua_and_javascript() {
        assert_eq!(
            of(
                Language::Perl,
                "use strict;\n$Conf{TopDir} = '/var/x';\n$h = '/y';  # c\n=pod\n$n='/no';\n=cut\n%m = ( a => '/z' );\n$Conf{P} = '/p' if -x '/p';\n1;\n"
            ),
            ["Conf.TopDir=/var/x", "h=/y", "m.a=/z", "Conf.P=/p"]
        );
        assert_eq!(
            of(
                Language::Ruby,
                "set :public_folder, '/p'\nconfig.log = '/l'\n"
            ),
            ["public_folder=/p", "config.log=/l"]
        );
        assert_eq!(
            of(
                Language::Lua,
                "-- c\npidfile = \"/run/x\"\nlog = { error = \"/var/log/e\"; }\n"
            ),
            ["pidfile=/run/x", "log.error=/var/log/e"]
        );
        assert_eq!(
            of(
                Language::JavaScript,
                "module.exports = {\n // userDir: '/no',\n userDir: '/u',\n port: 80,\n}\n"
            ),
            ["module.exports.userDir=/u", "module.exports.port=80"]
        );
    }

    #[test]
    fn shell_assignments() {
        assert_eq!(
            of(
                Language::Shell,
                "A=/x # c\nexport B=\"y z\"\n#C=/no\nif x; then D=1; fi\nE=$(pwd)\n"
            ),
            ["A=/x", "B=y z"]
        );
    }
}
