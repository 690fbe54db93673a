//! Secrets in a text, line by line: what a key sets, in whatever syntax, what a command or a call is
//! given, and what is a secret by its own shape. One reader for reports, manifests and images.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::LazyLock;

use aho_corasick::AhoCorasick;
use regex::bytes::{Captures, Regex};

use super::command;
use super::value::{is_strong, is_value};
use super::{KNOWLEDGE, is_placeholder, secret_key, strong_key};

/// The most lines of one text that are told.
const MANY: usize = 200;

/// The most bytes of one line that are looked at: what is longer is data in one line, whose beginning
/// tells.
const LINE_LIMIT: usize = 64 << 10;

/// How far behind a key its value is looked for, in bytes. What is a secret is read to its end.
const WINDOW: usize = 4 << 10;

/// How many bytes one text may cost in all, each as often as it is looked at for a key and its value. A
/// text of a megabyte comes to one or two; where every value holds the next, it would be without
/// end.
const WORK: usize = 4 << 20;

/// What is found in a text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// The first secret of each line.
    pub hits: Vec<Hit>,
    /// Whether the text was not read to its end: it cost more than texts do.
    pub is_cut: bool,
}

/// A secret in a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hit {
    /// Its line, from 1.
    pub line: u32,
    /// Its kind.
    pub kind: &'static str,
    /// The key that it is the value of, or the command that it is given to.
    pub key: Option<String>,
    /// Where the value stands in its line, in bytes.
    pub at: Range<usize>,
}

/// How strictly a text is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// Settings: a key and its value, whatever it is.
    Settings,
    /// A shell script: what is assigned as it stands, and what commands are given.
    Shell,
    /// A program: only what is quoted and no word.
    Code,
    /// Notes, tables, logs: only what is no word.
    Notes,
    /// Documentation, whose secrets are examples.
    Prose,
}

/// Names that only documentation has, and endings.
const PROSE: [&str; 23] = [
    ".md", ".rst", ".adoc", ".po", ".pot", ".pod", ".html", ".htm", ".xhtml", ".tex", ".texi",
    ".man", ".css", ".less", ".sass", ".scss", ".styl", ".svg", ".mo", ".xsd", ".dtd", ".xsl",
    ".map",
];
const CODE: [&str; 33] = [
    ".py", ".pl", ".pm", ".t", ".php", ".inc", ".rb", ".js", ".mjs", ".cjs", ".jsx", ".ts", ".tsx",
    ".java", ".groovy", ".scala", ".kt", ".go", ".rs", ".c", ".h", ".cc", ".cpp", ".cs", ".vb",
    ".lua", ".tcl", ".jsp", ".asp", ".aspx", ".erl", ".ex", ".el",
];
const SHELL: [&str; 8] = [
    ".sh", ".ksh", ".bash", ".csh", ".zsh", ".bat", ".cmd", ".ps1",
];
const NOTES: [&str; 6] = [".txt", ".csv", ".log", ".sql", ".tsv", ".out"];

impl Manner {
    /// How a file of this name that begins so is read.
    #[must_use]
    pub fn of(name: &[u8], head: &[u8]) -> Self {
        let name = String::from_utf8_lossy(name).to_ascii_lowercase();
        let ends = |endings: &[&str]| endings.iter().any(|end| name.ends_with(end));
        let is_prose = [
            "readme",
            "changelog",
            "license",
            "licence",
            "copying",
            "news",
            "changes",
        ]
        .iter()
        .any(|start| name.starts_with(start));
        if let Some(line) = head.strip_prefix(b"#!") {
            let line = line.split(|&b| b == b'\n').next().unwrap_or_default();
            let is_shell = line.windows(2).any(|part| part == b"sh");
            return if is_shell { Self::Shell } else { Self::Code };
        }
        match () {
            () if is_prose || ends(&PROSE) || is_page(head) => Self::Prose,
            // The texts of Qt's programs have the ending of TypeScript.
            () if name.ends_with(".ts") && head.trim_ascii_start().starts_with(b"<") => Self::Prose,
            () if ends(&SHELL) => Self::Shell,
            () if ends(&CODE) => Self::Code,
            () if ends(&NOTES) => Self::Notes,
            () => Self::Settings,
        }
    }
}

/// Whether a text is a page of HTML, or a part of one, whatever it is called.
fn is_page(head: &[u8]) -> bool {
    let head = head.trim_ascii_start();
    let begin = head
        .get(..head.len().min(4096))
        .unwrap_or(head)
        .to_ascii_lowercase();
    let elements = [
        &b"<html"[..],
        b"<!doctype html",
        b"<form",
        b"<table",
        b"<td",
        b"<body",
    ];
    begin.starts_with(b"<")
        && !begin.starts_with(b"<?")
        && elements
            .iter()
            .any(|element| memchr::memmem::find(&begin, element).is_some())
}

/// A text as bytes that a line can be looked for in: UTF-16 with its mark is made UTF-8. None where it
/// is no text.
#[must_use]
pub fn readable(bytes: &[u8]) -> Option<Cow<'_, [u8]>> {
    let wide = |from: fn([u8; 2]) -> u16| {
        let (pairs, _) = bytes.as_chunks::<2>();
        let units = pairs.iter().skip(1).map(|pair| from(*pair));
        let text: String = char::decode_utf16(units)
            .map(|c| c.unwrap_or('\u{fffd}'))
            .collect();
        Some(Cow::Owned(text.into_bytes()))
    };
    if bytes.starts_with(&[0xff, 0xfe]) {
        return wide(u16::from_le_bytes);
    }
    if bytes.starts_with(&[0xfe, 0xff]) {
        return wide(u16::from_be_bytes);
    }
    (!bytes.contains(&0)).then_some(Cow::Borrowed(bytes))
}

static WORDS: LazyLock<AhoCorasick> = LazyLock::new(|| {
    let shapes = KNOWLEDGE
        .values
        .iter()
        .map(|shape| shape.prefix.to_ascii_lowercase());
    let words = [
        "pass", "pwd", "pw", "secret", "token", "key", "cred", "auth", "psk", "commun", "://",
        "sig", "wort", "login", "logon", "connect", "user", "salt", "cookie", "$", "-u", "-p",
        "-w", "jdbc:", "ftp", "expect", "send", "@",
    ];
    let words = words.into_iter().map(str::to_owned).chain(shapes);
    let words: Vec<String> = words.chain(command::names()).collect();
    let built = AhoCorasick::builder()
        .ascii_case_insensitive(true)
        .build(words);
    built.unwrap_or_else(|error| panic!("words of secrets: {error}"))
});

fn regex(text: &str) -> Regex {
    // Each stands in this file, and its tests use all of them.
    Regex::new(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// `key = value`, `"key": "value"`, `key => 'value'`, `;key=value;`, `&key=value`.
static PAIR: LazyLock<Regex> = LazyLock::new(|| {
    regex(concat!(
        r#"(?P<k>[A-Za-z_$][\w$.\-]*)["'\]]{0,2}\s*(?:=>|:=|[=:])\s*"#,
        r#"(?P<v>"[^"]*"?|'[^']*'?|\{[\w\-]{1,12}\}[^\s"'<>;,]+|ENC\([^)]*\)|[^\s"'`;,&<>(){}\[\]|]*)"#
    ))
});

/// The first key of a line and all that follows: passwords may hold what elsewhere ends a value.
static FIRST: LazyLock<Regex> = LazyLock::new(|| {
    regex(
        r#"^\s*(?:export\s+|set\s+|declare\s+(?:-\w+\s+)?)?["']?(?P<k>[A-Za-z_$][\w$.\-]*)["']?\s*[=:]\s*(?P<v>\S.*?)\s*[;,]?\s*$"#,
    )
});

/// A key and a value with blanks between them.
static BLANK: LazyLock<Regex> = LazyLock::new(|| {
    regex(r#"^\s*(?:setenv\s+)?(?P<k>[A-Za-z_][\w.\-]*)\s+(?P<v>"[^"]*"|'[^']*'|\S+?)\s*;?\s*$"#)
});

/// `<key>value</key>`.
static ELEMENT: LazyLock<Regex> =
    LazyLock::new(|| regex(r"<(?P<k>[\w.:\-]+)(?:\s[^<>]*)?>\s*(?P<v>[^<>\s][^<>]*?)\s*</"));

/// `name="key" value="value"`, also the other way round, and `name="key">value<`.
static NAMED: LazyLock<[Regex; 3]> = LazyLock::new(|| {
    [
        r#"\b(?:name|key|id|property)\s*=\s*["'](?P<k>[^"'<>]+)["'][^<>]*?\bvalue\s*=\s*["'](?P<v>[^"']*)["']"#,
        r#"\bvalue\s*=\s*["'](?P<v>[^"'<>]*)["'][^<>]*?\b(?:name|key)\s*=\s*["'](?P<k>[^"']+)["']"#,
        r#"\b(?:name|key)\s*=\s*["'](?P<k>[^"'<>]+)["'][^<>]*>\s*(?P<v>[^<>\s][^<>]*?)\s*<"#,
    ]
    .map(regex)
});

/// `define('KEY', 'value')`, `setProperty("key", "value")`.
static CALLED: LazyLock<Regex> =
    LazyLock::new(|| regex(r#"\(\s*["'](?P<k>[\w.\-]+)["']\s*,\s*(?P<v>"[^"]+"|'[^']+')"#));

/// Secrets whose place gives them away: logins in addresses, `Authorization` headers, Oracle's and Go's
/// addresses, a variable assigned in a quoted text.
static SHAPES: LazyLock<[(Regex, &str); 5]> = LazyLock::new(|| {
    [
        (
            r#"[A-Za-z][\w+.\-]*://[^\s/:@"'<>]*:(?P<v>[^\s/@"'<>]+)@[\w\[$]"#,
            "url-credentials",
        ),
        (
            r#"(?i)authorization["']?[\s:=,]+["']?\s*(?:basic|bearer|token|digest|apikey)\s+(?P<v>[A-Za-z0-9+/=_.\-]{8,})"#,
            "token",
        ),
        (r"jdbc:oracle:\w+:\w+/(?P<v>[^@\s/]+)@", "url-credentials"),
        (r"\b\w+:(?P<v>[^@\s:/]{3,})@(?:tcp|unix)\(", "url-credentials"),
        (
            r"(?i)\bmachine\s+\S+\s+login\s+\S+\s+password\s+(?P<v>\S+)",
            "password",
        ),
    ]
    .map(|(text, kind)| (regex(text), kind))
});

/// Words that a token may be: what is looked at for the shapes of the table.
static WORD: LazyLock<Regex> = LazyLock::new(|| regex(r"[A-Za-z0-9{][A-Za-z0-9_\-.{}+/=]{7,}"));

/// The secrets of a text.
#[must_use]
pub fn secrets_in(manner: Manner, text: &[u8]) -> Found {
    let mut found = Found::default();
    if manner == Manner::Prose || text.contains(&0) {
        return found;
    }
    let mut reader = Reader {
        manner,
        named: None,
        script: command::Script::default(),
        work: WORK,
    };
    for (number, line) in (1_u32..).zip(text.split(|&b| b == b'\n')) {
        let line = line.get(..LINE_LIMIT).unwrap_or(line);
        if let Some(hit) = reader.line(line) {
            found.hits.push(Hit {
                line: number,
                ..hit
            });
            if found.hits.len() == MANY {
                break;
            }
        }
        if reader.work == 0 {
            found.is_cut = true;
            break;
        }
    }
    found
}

/// Where secrets stand in one line of a command or a setting, in order. A line that costs more than
/// lines do counts as one from where it was left off.
#[must_use]
pub fn spans(line: &[u8]) -> Vec<Hit> {
    let mut reader = Reader {
        manner: Manner::Shell,
        named: None,
        script: command::Script::default(),
        work: WORK,
    };
    let mut found = reader.all(line, false);
    if reader.work == 0 {
        found.push(Hit {
            line: 0,
            kind: "password",
            key: None,
            at: 0..line.len(),
        });
    }
    found.sort_by_key(|hit| (hit.at.start, hit.at.end));
    found.dedup_by(|next, before| next.at.start < before.at.end);
    found
}

/// What is carried from line to line.
struct Reader {
    manner: Manner,
    /// The name that was told in a line before, for whose value the next lines are asked, and how many
    /// of them.
    named: Option<(String, u8)>,
    script: command::Script,
    /// What is left of [`WORK`].
    work: usize,
}

/// Whether a value is a list of what something may come to, as `softfail:neutral:permerror` is: three words or more
/// of small letters.
fn is_choice(value: &str) -> bool {
    let is_word = |word: &str| word.len() > 2 && word.bytes().all(|byte| byte.is_ascii_lowercase());
    value.split(':').count() > 2 && value.split(':').all(is_word)
}

impl Reader {
    /// The first secret of a line.
    fn line(&mut self, line: &[u8]) -> Option<Hit> {
        let is_pending = self.named.is_some() || self.script.is_within();
        if !is_pending && !WORDS.is_match(line) {
            return None;
        }
        let text = line.trim_ascii();
        let bare = uncommented(text);
        let is_comment = bare.len() < text.len();
        let start = line.len() - line.trim_ascii_start().len() + (text.len() - bare.len());
        let hits = self.all(bare, is_comment);
        let mut first = hits.into_iter().min_by_key(|hit| hit.at.start)?;
        first.at = first.at.start + start..first.at.end + start;
        Some(first)
    }

    fn all(&mut self, line: &[u8], is_comment: bool) -> Vec<Hit> {
        let mut found = self.pairs(line, is_comment);
        found.extend(shapes(line, is_comment || self.manner == Manner::Notes));
        if !is_comment {
            found.extend(self.script.line(line, self.manner));
        }
        found
    }

    fn pairs(&mut self, line: &[u8], is_comment: bool) -> Vec<Hit> {
        let mut found = Vec::new();
        let is_code = self.manner == Manner::Code;
        let is_data = matches!(self.manner, Manner::Settings | Manner::Notes);
        let awaited = self.named.take();
        let mut names = Vec::new();
        let mut work = self.work;
        {
            let mut look = |captures: &Captures<'_>, is_quoted: bool| -> Option<usize> {
                let (k, v) = captures.name("k").zip(captures.name("v"))?;
                let key = String::from_utf8_lossy(k.as_bytes()).into_owned();
                let value = String::from_utf8_lossy(v.as_bytes()).into_owned();
                let quotes = usize::from(value.starts_with(['"', '\'']));
                let is_literal = quotes > 0 || is_quoted;
                let own = key
                    .rsplit(['.', ':'])
                    .next()
                    .unwrap_or(&key)
                    .to_ascii_lowercase();
                if ["name", "key", "param-name"].contains(&own.as_str()) {
                    names.push(value.trim_matches(['"', '\'']).to_owned());
                }
                let key = match &awaited {
                    Some((name, _))
                        if ["value", "param-value", "default"].contains(&own.as_str()) =>
                    {
                        name.clone()
                    }
                    _ => key,
                };
                if (!is_code || is_literal)
                    && let Some(kind) = self.judge(&key, &value, is_comment)
                {
                    let at = v.start() + quotes..v.end() - usize::from(quotes > 0 && v.len() > 1);
                    found.push(Hit {
                        line: 0,
                        kind,
                        key: Some(key),
                        at,
                    });
                    return Some(v.end());
                }
                Some(v.start() + quotes)
            };
            if self.manner != Manner::Code
                && let Some(captures) = FIRST.captures(line)
                && captures
                    .name("v")
                    .is_some_and(|v| !v.as_bytes().contains(&b' '))
            {
                look(&captures, false);
            }
            let is_csh = self.manner == Manner::Shell && line.starts_with(b"setenv ");
            if (self.manner == Manner::Settings || is_csh)
                && let Some(captures) = BLANK.captures(line)
            {
                look(&captures, false);
            }
            let mut from = 0;
            while from < line.len() && work > 0 {
                let end = line.len().min(from + WINDOW);
                let Some(captures) = PAIR.captures_at(&line[..end], from) else {
                    work = work.saturating_sub(end - from);
                    // A key that the window's end cuts is looked at again.
                    from = if end < line.len() {
                        end - KEY_LENGTH
                    } else {
                        end
                    };
                    continue;
                };
                work = work.saturating_sub(cost(&captures, end) - from.min(end));
                let whole = is_cut(&captures, end, line)
                    .then(|| PAIR.captures_at(line, from))
                    .flatten();
                if whole.is_some() {
                    work = work.saturating_sub(line.len() - from);
                }
                let next = look(whole.as_ref().unwrap_or(&captures), false);
                from = next.unwrap_or(line.len()).max(from + 1);
            }
            if line.contains(&b'<') && (is_data || is_comment) {
                for captures in ELEMENT.captures_iter(line) {
                    look(&captures, true);
                }
                for form in NAMED.iter() {
                    for captures in form.captures_iter(line) {
                        look(&captures, true);
                    }
                }
            }
            for captures in CALLED.captures_iter(line) {
                look(&captures, false);
            }
        }
        self.work = work;
        self.named = match (
            names.pop().filter(|name| secret_key(name).is_some()),
            awaited,
        ) {
            (Some(name), _) => Some((name, 2)),
            (None, Some((name, left))) if left > 1 && found.is_empty() => Some((name, left - 1)),
            _ => None,
        };
        found
    }

    /// The kind of secret that a key and its value are.
    fn judge(&self, key: &str, value: &str, is_comment: bool) -> Option<&'static str> {
        let bare = value.trim_matches(['"', '\'']);
        if is_choice(bare) {
            return None;
        }
        // Nagios keeps users and passwords in its macros $USERn$ (its manual, "Standard Macros").
        let is_macro = key.starts_with("$USER") && key.ends_with('$') && !bare.starts_with('/');
        if is_macro && self.manner == Manner::Settings && !is_placeholder(bare) {
            return Some("password");
        }
        let (kind, is_sure) = match (secret_key(key), strong_key(key)) {
            (Some(kind), _) => (kind, true),
            (None, Some(kind)) => (kind, false),
            (None, None) => return None,
        };
        let is_strict =
            is_comment || !is_sure || matches!(self.manner, Manner::Code | Manner::Notes);
        let is_shell_word = self.manner == Manner::Shell && bare.contains(['$', '`', '*']);
        let fits = is_value(key, value) && !is_shell_word && (!is_strict || is_strong(bare));
        fits.then_some(kind)
    }
}

/// The longest key, in bytes, that is found where a window ends.
const KEY_LENGTH: usize = 256;

/// How far a pair was looked for: to its end, or to that of the window where another reading of its
/// value was tried first.
fn cost(captures: &Captures<'_>, end: usize) -> usize {
    let value = captures.name("v").map_or(&b""[..], |v| v.as_bytes());
    let is_tried = value.starts_with(b"ENC") || value.is_empty();
    let own = captures.get(0).map_or(end, |all| all.end());
    if is_tried { end } else { own }
}

/// Whether the window cuts the value of a key for secrets.
fn is_cut(captures: &Captures<'_>, end: usize, line: &[u8]) -> bool {
    let Some((k, v)) = captures.name("k").zip(captures.name("v")) else {
        return false;
    };
    let key = String::from_utf8_lossy(k.as_bytes());
    end < line.len() && v.end() == end && (secret_key(&key).is_some() || strong_key(&key).is_some())
}

/// A line without the marks of a comment in front of it.
fn uncommented(line: &[u8]) -> &[u8] {
    for mark in [&b"<!--"[..], b"//", b"/*", b"--", b"REM ", b"rem "] {
        if let Some(rest) = line.strip_prefix(mark) {
            return rest.trim_ascii_start();
        }
    }
    let rest = line.trim_ascii_start();
    let marks = rest
        .iter()
        .take_while(|byte| b"#;!*".contains(byte))
        .count();
    rest.get(marks..).unwrap_or_default().trim_ascii_start()
}

/// What is a secret by its place or its shape, under whatever key.
fn shapes(line: &[u8], is_strict: bool) -> Vec<Hit> {
    let mut found = Vec::new();
    let hit = |kind, at| Hit {
        line: 0,
        kind,
        key: None,
        at,
    };
    for (form, kind) in SHAPES.iter() {
        for captures in form.captures_iter(line) {
            let Some(v) = captures.name("v") else {
                continue;
            };
            let value = String::from_utf8_lossy(v.as_bytes());
            let is_fit = !is_placeholder(&value)
                && !value.contains('$')
                && (!is_strict || is_strong(&value));
            if is_fit {
                found.push(hit(*kind, v.range()));
            }
        }
    }
    let may_have =
        |shape: &super::Shape| memchr::memmem::find(line, shape.prefix.as_bytes()).is_some();
    if KNOWLEDGE.values.iter().any(may_have) {
        for word in WORD.find_iter(line) {
            let text = String::from_utf8_lossy(word.as_bytes());
            if let Some(kind) = super::secret_value(&text) {
                found.push(hit(kind, word.range()));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Vec<(usize, usize)> {
        let found = secrets_in(Manner::Settings, text.as_bytes());
        let places = found.hits.into_iter().map(|hit| (hit.at.start, hit.at.end));
        places.collect()
    }

    #[test]
    fn a_value_is_read_to_its_end_wherever_it_stands_in_a_line() {
        let value = "Kw83jfX20p".repeat(1_000);
        assert_eq!(at(&format!("password={value}")), [(9, 9 + value.len())]);
        for before in [0, 1, 3_000, WINDOW - 9, WINDOW - 4, WINDOW, 3 * WINDOW + 7] {
            let text = format!("{} x=1 password=Kw83jfX20p y=2", "z".repeat(before));
            let start = text.find("Kw8").unwrap_or_default();
            assert_eq!(at(&text), [(start, start + 10)], "{before}");
        }
    }

    #[test]
    fn a_list_of_outcomes_is_no_secret() {
        assert!(at("spf = pass:softfail:neutral:permerror").is_empty());
        // A user with a password, and one that has capitals or digits, are none.
        assert_eq!(at("pass:Softfail:neutral:x9"), [(5, 24)]);
        assert!(!at("password = hunter:two").is_empty());
    }

    #[test]
    fn what_costs_more_than_texts_do_is_cut_and_then_withheld_whole() {
        // Each value holds the next.
        let text = "key=".repeat(15_000);
        let many = format!("{text}\n").repeat(30);
        let found = secrets_in(Manner::Settings, many.as_bytes());
        assert!(found.is_cut && found.hits.is_empty());
        let ordinary = "key = value # of a setting, and what it is for\n".repeat(20_000);
        assert!(!secrets_in(Manner::Settings, ordinary.as_bytes()).is_cut);
        let line = "a=".repeat(1 << 20);
        let held = spans(line.as_bytes());
        assert_eq!(held.len(), 1);
        assert_eq!(held[0].at, 0..line.len());
    }
}
