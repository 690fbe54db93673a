//! A shell command line cut into its simple commands, for places that hold one line or a few:
//! cron tables, `sh -c` in a unit, scripts inside logrotate's configuration.
//!
//! Nothing is evaluated: a variable or substitution stays in the word as written, and the commands
//! inside `$(…)` or backquotes come as commands of their own. Real scripts need a real grammar.

/// How deep substitutions within substitutions are looked into.
const MAX_DEPTH: usize = 4;

/// How many commands are kept of one text.
const MAX_COMMANDS: usize = 4096;

/// One command with its arguments.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Simple {
    /// `NAME=value` in front of the command.
    pub env: Vec<(Vec<u8>, Vec<u8>)>,
    /// The command and its arguments, quotes removed.
    pub words: Vec<Vec<u8>>,
    /// Files of redirections.
    pub redirects: Vec<Redirect>,
    /// The line within the text, counted from 0.
    pub line: u32,
}

/// A redirection to or from a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redirect {
    /// Whether the file is written, not read.
    pub writes: bool,
    /// The file as written.
    pub target: Vec<u8>,
}

impl Simple {
    fn is_empty(&self) -> bool {
        self.env.is_empty() && self.words.is_empty() && self.redirects.is_empty()
    }
}

/// The simple commands of `text` in order, those of substitutions after the one that holds them.
#[must_use]
pub fn simple_commands(text: &[u8]) -> Vec<Simple> {
    let mut found = Vec::new();
    cut(text, 0, 0, &mut found);
    found
}

fn cut(text: &[u8], first_line: u32, depth: usize, found: &mut Vec<Simple>) {
    let mut scan = Scan {
        text,
        at: 0,
        line: first_line,
        nested: Vec::new(),
    };
    let mut current = Simple::default();
    loop {
        let token = scan.next();
        let end = matches!(token, Token::End);
        match token {
            Token::Word(word, quoted) => take_word(&mut current, word, quoted, scan.line),
            Token::Redirect(writes) => {
                if let Some(target) = scan.target() {
                    current.redirects.push(Redirect { writes, target });
                }
            }
            Token::Nothing => {}
            Token::Part | Token::End => {
                if !current.is_empty() && found.len() < MAX_COMMANDS {
                    found.push(std::mem::take(&mut current));
                }
                for (line, inner) in std::mem::take(&mut scan.nested) {
                    if depth < MAX_DEPTH && found.len() < MAX_COMMANDS {
                        cut(&inner, line, depth + 1, found);
                    }
                }
            }
        }
        if end {
            return;
        }
    }
}

/// Words of the grammar that stand where a command may.
const GRAMMAR: [&[u8]; 14] = [
    b"if", b"then", b"else", b"elif", b"fi", b"while", b"until", b"do", b"done", b"esac", b"!",
    b"{", b"}", b"time",
];

fn take_word(current: &mut Simple, word: Vec<u8>, quoted: bool, line: u32) {
    if current.words.is_empty() {
        if !quoted && GRAMMAR.contains(&word.as_slice()) {
            return;
        }
        if current.env.is_empty() {
            current.line = line;
        }
        if let Some((name, value)) = assignment(&word) {
            current.env.push((name.to_vec(), value.to_vec()));
            return;
        }
    }
    current.words.push(word);
}

/// `NAME=value` with a shell name.
#[must_use]
pub fn assignment(word: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = word.iter().position(|&b| b == b'=')?;
    let (name, value) = (&word[..at], &word[at + 1..]);
    let fits = |b: &u8| b.is_ascii_alphanumeric() || *b == b'_';
    (name.iter().all(fits) && !name.first()?.is_ascii_digit()).then_some((name, value))
}

enum Token {
    Word(Vec<u8>, bool),
    Redirect(bool),
    Nothing,
    Part,
    End,
}

struct Scan<'a> {
    text: &'a [u8],
    at: usize,
    line: u32,
    nested: Vec<(u32, Vec<u8>)>,
}

impl Scan<'_> {
    fn peek(&self, ahead: usize) -> Option<u8> {
        self.text.get(self.at + ahead).copied()
    }

    fn next(&mut self) -> Token {
        loop {
            let Some(byte) = self.peek(0) else {
                return Token::End;
            };
            match byte {
                b'\\' if self.peek(1) == Some(b'\n') => {
                    self.at += 2;
                    self.line += 1;
                }
                b' ' | b'\t' | b'\r' => self.at += 1,
                b'#' => self.skip_comment(),
                b'\n' => {
                    self.at += 1;
                    self.line += 1;
                    return Token::Part;
                }
                b'&' if self.peek(1) == Some(b'>') => self.at += 1,
                b';' | b'&' | b'|' | b'(' | b')' => {
                    self.at += 1;
                    return Token::Part;
                }
                b'<' | b'>' => return self.redirect(),
                b'0'..=b'9' if matches!(self.peek(1), Some(b'<' | b'>')) => self.at += 1,
                _ => return self.word(),
            }
        }
    }

    fn skip_comment(&mut self) {
        while self.peek(0).is_some_and(|b| b != b'\n') {
            self.at += 1;
        }
    }

    /// `<`, `>`, `>>`, `>|`; those to another descriptor, here-documents and here-strings name
    /// no file and are passed over with their operand.
    fn redirect(&mut self) -> Token {
        let writes = self.peek(0) == Some(b'>');
        self.at += 1;
        let mut no_file = false;
        while let Some(byte @ (b'<' | b'>' | b'|' | b'&' | b'-')) = self.peek(0) {
            no_file |= byte == b'&' || byte == b'<';
            self.at += 1;
        }
        if no_file {
            let _ = self.target();
            return Token::Nothing;
        }
        Token::Redirect(writes)
    }

    /// The word after a redirection.
    fn target(&mut self) -> Option<Vec<u8>> {
        while matches!(self.peek(0), Some(b' ' | b'\t')) {
            self.at += 1;
        }
        match self.peek(0)? {
            b'\n' | b';' | b'&' | b'|' | b'(' | b')' | b'<' | b'>' => None,
            _ => match self.word() {
                Token::Word(word, _) => Some(word),
                _ => None,
            },
        }
    }

    fn word(&mut self) -> Token {
        let mut word = Vec::new();
        let mut quoted = false;
        let mut double = false;
        while let Some(byte) = self.peek(0) {
            match byte {
                b'\'' if !double => {
                    quoted = true;
                    self.single(&mut word);
                }
                b'"' => {
                    quoted = true;
                    double = !double;
                    self.at += 1;
                }
                b'\\' => self.backslash(double, &mut word),
                b'$' if self.peek(1) == Some(b'(') => self.substitution(&mut word),
                b'`' => self.backquotes(&mut word),
                b'\n' if double => {
                    self.line += 1;
                    word.push(byte);
                    self.at += 1;
                }
                b' ' | b'\t' | b'\r' | b'\n' | b';' | b'&' | b'|' | b'(' | b')' | b'<' | b'>'
                    if !double =>
                {
                    break;
                }
                _ => {
                    word.push(byte);
                    self.at += 1;
                }
            }
        }
        Token::Word(word, quoted)
    }

    fn single(&mut self, word: &mut Vec<u8>) {
        self.at += 1;
        while let Some(byte) = self.peek(0) {
            self.at += 1;
            match byte {
                b'\'' => return,
                b'\n' => self.line += 1,
                _ => {}
            }
            word.push(byte);
        }
    }

    fn backslash(&mut self, double: bool, word: &mut Vec<u8>) {
        let escaped = self.peek(1);
        self.at += 1;
        match escaped {
            None => word.push(b'\\'),
            Some(b'\n') => {
                self.line += 1;
                self.at += 1;
            }
            Some(byte) => {
                // In double quotes a backslash escapes only these (POSIX 2.2.3).
                if double && !b"$`\"\\".contains(&byte) {
                    word.push(b'\\');
                }
                word.push(byte);
                self.at += 1;
            }
        }
    }

    /// `$(…)`: the inside is kept for later, the text stays in the word. `$((…))` is arithmetic.
    fn substitution(&mut self, word: &mut Vec<u8>) {
        let start = self.at;
        let line = self.line;
        let arithmetic = self.peek(2) == Some(b'(');
        let mut depth = 0usize;
        let mut quote = None;
        while let Some(byte) = self.peek(0) {
            self.at += 1;
            match (byte, quote) {
                (b'\n', _) => self.line += 1,
                (b'\'' | b'"', None) => quote = Some(byte),
                (_, Some(open)) if byte == open => quote = None,
                (b'(', None) => depth += 1,
                (b')', None) => {
                    depth -= 1;
                    if depth == 0 {
                        break;
                    }
                }
                _ => {}
            }
        }
        let whole = &self.text[start..self.at];
        if !arithmetic {
            let inner = whole.get(2..).unwrap_or_default();
            let inner = inner.strip_suffix(b")").unwrap_or(inner);
            self.nested.push((line, inner.to_vec()));
        }
        word.extend_from_slice(whole);
    }

    fn backquotes(&mut self, word: &mut Vec<u8>) {
        let start = self.at;
        let line = self.line;
        self.at += 1;
        let mut inner = Vec::new();
        while let Some(byte) = self.peek(0) {
            self.at += 1;
            match byte {
                b'`' => break,
                b'\\' if self.peek(0) == Some(b'`') => {}
                b'\n' => {
                    self.line += 1;
                    inner.push(byte);
                }
                _ => inner.push(byte),
            }
        }
        self.nested.push((line, inner));
        word.extend_from_slice(&self.text[start..self.at]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn show(text: &str) -> Vec<String> {
        simple_commands(text.as_bytes())
            .iter()
            .map(|simple| {
                let mut parts: Vec<String> = simple
                    .words
                    .iter()
                    .map(|w| String::from_utf8_lossy(w).into_owned())
                    .collect();
                for (name, value) in &simple.env {
                    parts.insert(
                        0,
                        String::from_utf8_lossy(&[name, &b":="[..], value].concat()).into_owned(),
                    );
                }
                for redirect in &simple.redirects {
                    let target = String::from_utf8_lossy(&redirect.target).into_owned();
                    parts.push(format!(
                        "{}{target}",
                        if redirect.writes { "→" } else { "←" }
                    ));
                }
                parts.join(" ")
            })
            .collect()
    }

    #[test]
    fn lists_tests_and_redirections() {
        assert_eq!(
            show(
                "[ -x /bin/a ] && A=1 /bin/a 'x y' >> \"/var/log/a b\" 2>&1 || true; cat </etc/x # no"
            ),
            [
                "[ -x /bin/a ]",
                "A:=1 /bin/a x y →/var/log/a b",
                "true",
                "cat ←/etc/x"
            ]
        );
        assert_eq!(
            show("a &> /x; b 2> /y & c >| /z"),
            ["a →/x", "b →/y", "c →/z"]
        );
    }

    #[test]
    fn a_descriptor_is_no_file_and_does_not_end_the_command() {
        assert_eq!(show("a >&2 b 2>/dev/null c"), ["a b c →/dev/null"]);
        assert_eq!(show("a <<EOF b"), ["a b"]);
    }

    #[test]
    fn substitutions_are_commands_of_their_own() {
        assert_eq!(
            show("kill -HUP $(cat /run/a.pid) && echo `id -u`"),
            [
                "kill -HUP $(cat /run/a.pid)",
                "cat /run/a.pid",
                "echo `id -u`",
                "id -u"
            ]
        );
        assert_eq!(
            show("x $((1+2)) \"$(b \"c)\")\""),
            ["x $((1+2)) $(b \"c)\")", "b c)"]
        );
    }

    #[test]
    fn words_of_the_grammar_are_no_commands() {
        assert_eq!(
            show("if [ -d /x ]; then /bin/a; fi\nwhile ! b; do c; done"),
            ["[ -d /x ]", "/bin/a", "b", "c"]
        );
    }

    #[test]
    fn lines_are_counted_from_nought() {
        let found = simple_commands(b"a\n\n b \\\n c\nd");
        let lines: Vec<_> = found.iter().map(|s| s.line).collect();
        assert_eq!(lines, [0, 2, 4]);
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_cut(text in r#"[a-z$()`'"\\;|&<>#= \n/]{0,60}"#, bytes: Vec<u8>) {
            let _ = simple_commands(text.as_bytes());
            let _ = simple_commands(&bytes);
        }
    }
}
