//! Settings in blocks: `key value;`, `key = value`, `name argument { … }`, `name(value)`.
//!
//! Some programs end a setting with a semicolon, others with the line; the file itself shows
//! which.

use super::lines::commented;
use super::text::{is_key, unquote};
use super::{Separator, Sink};

/// Calls within calls are read this deep.
const MAX_CALLS: u32 = 6;

/// An opening quote without its partner within this many bytes is a mere character.
const MAX_QUOTED: usize = 4096;

/// A variable's name ends within this many bytes.
const MAX_NAME: usize = 128;

/// Reads a file of blocks.
pub(super) fn read(text: &str, sink: &mut Sink) {
    let mut reader = Reader {
        rest: text,
        line: 1,
        by_line: ends_with_line(text),
        parens: 0,
        statement: String::new(),
        begun: 1,
        sink,
    };
    while reader.step() {}
    reader.finish();
    if reader.sink.depth() > 0 {
        reader.sink.fault(0, false, "a block is not closed");
    }
}

struct Reader<'t, 's> {
    rest: &'t str,
    line: usize,
    /// Whether the end of a line ends a setting.
    by_line: bool,
    parens: u32,
    statement: String,
    /// The line on which the statement begins.
    begun: usize,
    sink: &'s mut Sink,
}

impl<'t> Reader<'t, '_> {
    fn take(&mut self, length: usize) -> &'t str {
        let (taken, rest) = self.rest.split_at(length.min(self.rest.len()));
        self.line += taken.bytes().filter(|&b| b == b'\n').count();
        self.rest = rest;
        taken
    }

    fn keep(&mut self, length: usize) {
        if self.statement.is_empty() {
            self.begun = self.line;
        }
        let taken = self.take(length);
        if self.statement.len() < 2 * super::MAX_VALUE {
            self.statement.push_str(taken);
        }
    }

    /// Reads one thing; false at the end.
    fn step(&mut self) -> bool {
        let Some(c) = self.rest.chars().next() else {
            return false;
        };
        let apart = self.statement.is_empty() || self.statement.ends_with([' ', ')', ',', '=']);
        match c {
            '#' if apart => self.line_comment(1),
            '/' if apart && self.rest.starts_with("//") => self.line_comment(2),
            '/' if apart && self.rest.starts_with("/*") => {
                let end = self.rest.find("*/").map_or(self.rest.len(), |end| end + 2);
                self.take(end);
            }
            '\n' => {
                let blank = self.rest.bytes().take_while(u8::is_ascii_whitespace);
                let length = blank.count();
                self.take(length);
                self.line_end();
            }
            c if c.is_whitespace() => {
                self.take(c.len_utf8());
                if !self.statement.is_empty() && !self.statement.ends_with(' ') {
                    self.statement.push(' ');
                }
            }
            '"' | '\'' => self.quoted(c),
            '$' | '%' if self.rest[1..].starts_with('{') => {
                // Bounded: an input may open variables without end.
                let near = self.rest.bytes().take(MAX_NAME);
                let end = near.take_while(|&b| b != b'\n').position(|b| b == b'}');
                self.keep(end.map_or(1, |end| end + 1));
            }
            '\\' => {
                let next = self.rest[1..].chars().next().map_or(0, char::len_utf8);
                self.keep(1 + next);
            }
            '(' => {
                self.parens = self.parens.saturating_add(1);
                self.keep(1);
            }
            ')' => {
                self.parens = self.parens.saturating_sub(1);
                self.keep(1);
            }
            ';' if self.parens == 0 => {
                self.take(1);
                self.finish();
            }
            '{' if self.parens == 0 => {
                self.take(1);
                self.header();
            }
            '}' if self.parens == 0 => {
                self.take(1);
                self.finish();
                self.sink.close();
            }
            c => self.keep(c.len_utf8()),
        }
        true
    }

    fn line_comment(&mut self, mark: usize) {
        let line = self.rest.lines().next().unwrap_or("");
        let number = self.line;
        let text = &line[mark.min(line.len())..];
        if self.statement.is_empty() && !text.trim_end().ends_with(['{', '}']) {
            let style = if text.contains(" = ") {
                Separator::Equals
            } else {
                Separator::Space
            };
            if let Some((key, value, separator)) = commented(text, style) {
                self.sink.add_commented(number, &[&key], &value, separator);
            }
        }
        self.take(line.len());
    }

    fn line_end(&mut self) {
        let goes_on =
            self.statement.trim_end().ends_with([',', '=', '\\']) || self.rest.starts_with('{');
        if self.by_line && self.parens == 0 && !goes_on {
            self.finish();
        } else if !self.statement.is_empty() {
            self.statement.push(' ');
        }
    }

    fn quoted(&mut self, quote: char) {
        let inside_word = quote == '\'' && self.statement.ends_with(char::is_alphanumeric);
        let mut escaped = false;
        let end = self.rest[1..].bytes().take(MAX_QUOTED).position(|b| {
            let ends = b == quote as u8 && !escaped;
            escaped = b == b'\\' && !escaped;
            ends
        });
        let length = end.filter(|_| !inside_word).map_or(1, |end| end + 2);
        self.keep(length);
    }

    /// A statement that opens a block.
    fn header(&mut self) {
        let text = std::mem::take(&mut self.statement);
        let text = text.trim().trim_end_matches(['=', ':', '+']).trim();
        let (name, argument) = text.split_once([' ', '(']).unwrap_or((text, ""));
        let argument = argument.trim_end_matches(')').trim();
        let condition = matches!(
            name,
            "" | "if" | "else" | "elsif" | "elseif" | "unless" | "switch"
        ) || name.starts_with(['$', '}']);
        if condition {
            self.sink.open_condition(None);
            return;
        }
        let name = name.trim_matches(['"', '\'']);
        // `:8080 {`: a section that is called after what it listens on.
        if name.starts_with(':') && name[1..].bytes().all(|byte| byte.is_ascii_digit()) {
            let address = format!("tcp://{name}");
            self.sink
                .add(self.begun, &["stanza"], &address, Separator::Header);
        }
        if !argument.is_empty() {
            self.sink
                .add(self.begun, &[name], &unquote(argument), Separator::Header);
        }
        self.sink.open(name);
    }

    /// The end of a statement.
    fn finish(&mut self) {
        let text = std::mem::take(&mut self.statement);
        self.parens = 0;
        let text = text.trim();
        if text.is_empty() {
            return;
        }
        let first = text.find(['(', ' ', '=', '"']);
        if let Some(at) = first
            && text[at..].starts_with('(')
            && is_key(&text[..at], 1)
        {
            call(text, self.begun, self.sink, MAX_CALLS);
            return;
        }
        let (key, value, separator) = setting(text);
        self.sink.add(
            self.begun,
            &[key.trim_matches(['"', '\''])],
            &unquote(value),
            separator,
        );
    }
}

fn setting(text: &str) -> (&str, &str, Separator) {
    if let Some(at) = text.find('=') {
        let key = text[..at].trim_end_matches(['+', ':', ' ']);
        if is_key(key, 1) && !key.starts_with('/') {
            return (key, text[at + 1..].trim(), Separator::Equals);
        }
    }
    let (key, value) = text.split_once(' ').unwrap_or((text, ""));
    match key.strip_suffix(':') {
        Some(key) => (key, value.trim(), Separator::Colon),
        None => (key, value.trim(), Separator::Space),
    }
}

/// `name(a, b, key="value" inner(c))`: settings below `name`; values without a key are joined so
/// that the last is the value and those before it belong to the key.
fn call(text: &str, line: usize, sink: &mut Sink, depth: u32) {
    let Some((name, inner)) = text.split_once('(') else {
        return;
    };
    let inner = inner.rfind(')').map_or(inner, |end| &inner[..end]);
    sink.open(name);
    let mut plain = Vec::new();
    for item in items(inner) {
        let key_end = item.find(['=', '(', '"', '\'']).unwrap_or(item.len());
        let key = &item[..key_end];
        if item[key_end..].starts_with('=') && is_key(key, 1) {
            let value = item[key_end + 1..].trim_start_matches('>');
            sink.add(line, &[key], &unquote(value), Separator::Call);
        } else if item[key_end..].starts_with('(') && is_key(key, 1) && depth > 0 {
            call(item, line, sink, depth - 1);
        } else {
            plain.push(unquote(item));
        }
    }
    if let Some((value, keys)) = plain.split_last() {
        let keys: Vec<&str> = keys.iter().take(3).map(String::as_str).collect();
        sink.add(line, &keys, value, Separator::Call);
    }
    sink.close();
}

/// The arguments of a call: apart by commas or blanks outside quotes and inner parentheses.
fn items(text: &str) -> Vec<&str> {
    let mut out = Vec::new();
    let (mut start, mut parens, mut quote, mut escaped) = (0, 0_u32, None, false);
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            c if quote == Some(c) => quote = None,
            _ if quote.is_some() => {}
            '"' | '\'' => quote = Some(c),
            '(' => parens = parens.saturating_add(1),
            ')' => parens = parens.saturating_sub(1),
            c if parens == 0 && (c == ',' || c.is_whitespace()) => {
                out.push(text[start..at].trim());
                start = at + c.len_utf8();
            }
            _ => {}
        }
    }
    out.push(text[start..].trim());
    out.retain(|item| !item.is_empty());
    out
}

fn ends_with_line(text: &str) -> bool {
    let (mut semicolons, mut plain) = (0, 0);
    for line in text.lines().take(4000) {
        let line = line.trim();
        if line.is_empty() || line.starts_with(['#', '*']) || line.starts_with("//") {
            continue;
        }
        let line = line.find(" #").map_or(line, |at| line[..at].trim_end());
        if line.ends_with(';') {
            semicolons += 1;
        } else if !line.ends_with(['{', '}', '(', ',']) {
            plain += 1;
        }
    }
    plain > semicolons
}

#[cfg(test)]
mod tests {
    use super::super::tests::live;
    use super::super::{Form, parse};

    #[test]
    fn semicolons_end_settings_and_blocks_nest() {
        let text = "user www-data;\nhttp {\n  access_log /var/log/x.log main; # why\n  server {\n\
                    listen 80 default_server;\n location ~ \\.php$ {\n  root\n /srv/www;\n }\n }\n}\n\
                    zone \"a.b\" IN {\n type master;\n file \"db.a\"; };\n";
        assert_eq!(
            live(Form::Braces, text),
            [
                "user=www-data",
                "http.access_log=/var/log/x.log main",
                "http.server.listen=80 default_server",
                "http.server.location=~ \\.php$",
                "http.server.location.root=/srv/www",
                "zone=\"a.b\" IN",
                "zone.type=master",
                "zone.file=db.a"
            ]
        );
    }

    #[test]
    fn lines_end_settings_where_there_are_no_semicolons() {
        let text = "mail_location = maildir:~/Maildir\nbase = ${run}/x\naudio_output {\n type \"alsa\"\n}\n\
                    server.modules = (\n \"a\",\n \"b\"\n)\nservice auth\n{\n  unix_listener = y\n}\n";
        assert_eq!(
            live(Form::Braces, text),
            [
                "mail_location=maildir:~/Maildir",
                "base=${run}/x",
                "audio_output.type=alsa",
                "server.modules=( \"a\", \"b\" )",
                "service=auth",
                "service.unix_listener=y"
            ]
        );
    }

    #[test]
    fn calls_are_settings_too() {
        let text = "action(type=\"omfile\"\n  file=\"/var/log/x\")\ndestination d { file(\"/var/log/y\" perm(0640)); };\n\
                    modparam(\"db\", \"path\", \"/var/lib/z\")\n";
        assert_eq!(
            live(Form::Braces, text),
            [
                "action.type=omfile",
                "action.file=/var/log/x",
                "destination=d",
                "destination.file.perm=0640",
                "destination.file=/var/log/y",
                "modparam.db.path=/var/lib/z"
            ]
        );
    }

    #[test]
    fn lines_and_comments_are_counted() {
        let text = "/* a\n b */\n# pid /run/x.pid;\nroot /srv;\n";
        let parsed = parse(Form::Braces, text.as_bytes());
        let seen: Vec<_> = parsed
            .settings
            .iter()
            .map(|s| (s.name(), s.line, s.commented))
            .collect();
        assert_eq!(seen, [("pid", 3, true), ("root", 4, false)]);
    }
}
