//! Secrets in a text, line by line: what a key sets, in whatever syntax, what a command or a call is
//! given, and what is a secret by its own shape. One reader for reports, manifests and images.

use std::ops::Range;
use std::sync::LazyLock;

use aho_corasick::AhoCorasick;
use regex::bytes::Captures;

use super::command;
use super::forms::{
    AMONG, BLANK, CALLED, DEFAULTED, ELEMENT, FIRST, NAMED, PAIR, QUOTED, VARIABLE,
};
use super::manner::Manner;
use super::shapes::shapes;
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

static WORDS: LazyLock<AhoCorasick> = LazyLock::new(|| {
    let shapes = KNOWLEDGE
        .values
        .iter()
        .map(|shape| shape.prefix.to_ascii_lowercase());
    let words = [
        "pass",
        "pwd",
        "pw",
        "secret",
        "token",
        "key",
        "cred",
        "auth",
        "psk",
        "commun",
        "://",
        "sig",
        "wort",
        "login",
        "logon",
        "connect",
        "user",
        "salt",
        "cookie",
        "$",
        "-u",
        "-p",
        "-w",
        "jdbc:",
        "ftp",
        "expect",
        "send",
        "@",
        "identified",
    ];
    let words = words.into_iter().map(str::to_owned).chain(shapes);
    let words: Vec<String> = words.chain(command::names()).collect();
    let built = AhoCorasick::builder()
        .ascii_case_insensitive(true)
        .build(words);
    built.unwrap_or_else(|error| panic!("words of secrets: {error}"))
});

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
        is_documentation: false,
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
        is_documentation: false,
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
    /// Whether the lines document a program: Perl's POD, Ruby's `=begin`.
    is_documentation: bool,
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

/// What the value of a name is called that stands before it.
const VALUES: [&str; 4] = ["value", "param-value", "default", "string"];

/// How a key and its value stand to each other.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    /// With a sign between them, or by themselves.
    Pair,
    /// As an element or its attributes.
    Element,
    /// Among other words: only what is no word is a secret.
    Loose,
}

/// Whether what looks like a quoted text is what stands between two: `'&key=' + key + '&'`.
fn is_between_literals(value: &str) -> bool {
    let inner = value.trim_matches(['"', '\'']).trim();
    let is_sign = |c: char| c == '+' || c == '.';
    inner.starts_with(is_sign) && inner.ends_with(is_sign)
}

/// Whether a key, a colon and what follows are a sentence: two words more, and no value that is no word.
fn is_sentence(between: &[u8], value: &str, rest: &[u8]) -> bool {
    let rest = String::from_utf8_lossy(rest.get(..rest.len().min(200)).unwrap_or_default());
    let is_word = |word: &str| word.chars().all(char::is_alphabetic);
    let mut words = rest.split_whitespace();
    between.trim_ascii() == b":"
        && rest.starts_with(' ')
        && is_word(value)
        && words.next().is_some_and(is_word)
        && words.next().is_some_and(is_word)
}

impl Reader {
    /// The first secret of a line.
    fn line(&mut self, line: &[u8]) -> Option<Hit> {
        if self.manner == Manner::Code && self.documents(line) {
            return None;
        }
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

    /// Whether a line of a program is its documentation (perlpod(1); Ruby's comments of many lines; what Python's
    /// doctest runs).
    fn documents(&mut self, line: &[u8]) -> bool {
        let was = self.is_documentation;
        if let Some(word) = line.strip_prefix(b"=") {
            let is_end = word.starts_with(b"cut") || word.starts_with(b"end");
            let is_begin = word.first().is_some_and(u8::is_ascii_lowercase);
            self.is_documentation = is_begin && !is_end;
        }
        was || self.is_documentation || line.trim_ascii_start().starts_with(b">>> ")
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
            let mut look = |captures: &Captures<'_>, form: Form| -> Option<usize> {
                let (k, v) = captures.name("k").zip(captures.name("v"))?;
                let key = String::from_utf8_lossy(k.as_bytes()).into_owned();
                let value = String::from_utf8_lossy(v.as_bytes()).into_owned();
                let quotes = usize::from(value.starts_with(['"', '\'']));
                let is_literal = quotes > 0 || form == Form::Element;
                let own = key
                    .rsplit(['.', ':'])
                    .next()
                    .unwrap_or(&key)
                    .to_ascii_lowercase();
                if ["name", "key", "param-name"].contains(&own.as_str()) {
                    names.push(value.trim_matches(['"', '\'']).to_owned());
                }
                // The name stands in the same line or in one before.
                let before = names
                    .last()
                    .or(awaited.as_ref().map(|(name, _)| name))
                    .filter(|_| VALUES.contains(&own.as_str()));
                let key = before.cloned().unwrap_or(key);
                let is_strict = is_comment || form == Form::Loose;
                let between = line.get(k.end()..v.start()).unwrap_or_default();
                let rest = line.get(v.end()..).unwrap_or_default();
                if (!is_code || is_literal && !is_between_literals(&value))
                    && !is_sentence(between, &value, rest)
                    && let Some(kind) = self.judge(&key, &value, is_strict)
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
                look(&captures, Form::Pair);
            }
            let is_csh = self.manner == Manner::Shell && line.starts_with(b"setenv ");
            if (self.manner == Manner::Settings || is_csh)
                && let Some(captures) = BLANK.captures(line)
            {
                look(&captures, Form::Pair);
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
                let next = look(whole.as_ref().unwrap_or(&captures), Form::Pair);
                from = next.unwrap_or(line.len()).max(from + 1);
            }
            if line.contains(&b'<') && (is_data || is_comment) {
                for captures in ELEMENT.captures_iter(line) {
                    look(&captures, Form::Element);
                }
                for form in NAMED.iter() {
                    for captures in form.captures_iter(line) {
                        look(&captures, Form::Element);
                    }
                }
            }
            for captures in CALLED.captures_iter(line) {
                look(&captures, Form::Pair);
            }
            for form in [&*QUOTED, &*DEFAULTED] {
                for captures in form.captures_iter(line) {
                    look(&captures, Form::Loose);
                }
            }
            if self.manner == Manner::Settings {
                for captures in AMONG.iter().filter_map(|form| form.captures(line)) {
                    look(&captures, Form::Loose);
                }
            }
        }
        self.work = work;
        let variable = VARIABLE.captures(line).and_then(|found| found.name("k"));
        if let Some(name) = variable {
            self.named = Some((String::from_utf8_lossy(name.as_bytes()).into_owned(), 4));
            return found;
        }
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
    fn judge(&self, key: &str, value: &str, is_strict: bool) -> Option<&'static str> {
        let bare = value.trim_matches(['"', '\'']);
        if is_choice(bare) {
            return None;
        }
        // Nagios keeps users and passwords in its macros $USERn$ (its manual, "Standard Macros").
        let is_macro = key.starts_with("$USER") && key.ends_with('$') && !bare.starts_with('/');
        if is_macro && self.manner == Manner::Settings && !is_placeholder(bare) {
            return (!is_strict || is_strong(bare)).then_some("password");
        }
        let (kind, is_sure) = match (secret_key(key), strong_key(key)) {
            (Some(kind), _) => (kind, true),
            (None, Some(kind)) => (kind, false),
            (None, None) => return None,
        };
        let is_strict =
            is_strict || !is_sure || matches!(self.manner, Manner::Code | Manner::Notes);
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
