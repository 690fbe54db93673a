//! Whether a text is worth its syntax tree, which costs a hundred times as much as a search.
//!
//! What is asked of a script is which absolute paths it names or touches, where it makes temporary
//! files, and what it runs. Each of these needs a sign in the text: the begin of an absolute path, the
//! script's own path, or the name of a call.

use std::sync::LazyLock;

use regex::bytes::{Regex, RegexBuilder};

use super::rules::{Arg, Does, Rule};
use super::{Grammar, Language};

/// Signs of all languages.
const COMMON: [&str; 2] = [
    // Behind a variable, which may be empty, the hierarchy's tops begin a path (FHS 3.0, 3). Behind a
    // blank or a bracket of a text they are part of the text.
    r#"[\w)\]}"'`]/(?:bin|boot|data|dev|etc|export|home|lib|media|mnt|opt|root|run|sbin|srv|tmp|u01|usr|var)\b"#,
    // The source of a database that is a file.
    r"(?i:sqlite)",
];

/// How the value of an absolute path begins, wherever it lies: with a quote, at most the mode of an
/// `open` between it and the path, or at the begin of a line of a longer text.
const PATHS: [&str; 3] = [
    r#"["'`]\s*(?:\+?[>|&]{1,3}\s*)?/(?:\.?[A-Za-z0-9_-]|[$@{]|#\{)"#,
    r"(?m:^)/(?:\.?[A-Za-z0-9_-]|[$@{]|#\{)",
    // A slash alone that something is joined to.
    r#"["']/["']\s*(?:[.+]|,\s*["'])"#,
];

/// The expressions that tell whether a text of a language is worth its syntax tree.
struct Signs {
    /// A sign by itself, or what looks like one.
    certain: Option<Regex>,
    /// What looks like a sign and is none.
    none: Option<Regex>,
    /// The begin of a path, which is none behind something that it is joined to.
    paths: Option<Regex>,
}

impl Language {
    /// Whether a text of this language can tell an absolute path, a place of temporary files, or a
    /// command. Where this says no, [`super::read`] finds none of these.
    #[must_use]
    pub fn may_tell(self, text: &[u8]) -> bool {
        static SIGNS: [LazyLock<Signs>; 5] = [
            LazyLock::new(|| Signs::of(Language::JavaScript.grammar())),
            LazyLock::new(|| Signs::of(Language::Python.grammar())),
            LazyLock::new(|| Signs::of(Language::Perl.grammar())),
            LazyLock::new(|| Signs::of(Language::Php.grammar())),
            LazyLock::new(|| Signs::of(Language::Ruby.grammar())),
        ];
        let [javascript, python, perl, php, ruby] = &SIGNS;
        let signs = match self {
            Self::JavaScript | Self::TypeScript => javascript,
            Self::Python => python,
            Self::Perl => perl,
            Self::Php => php,
            Self::Ruby => ruby,
        };
        let grammar = self.grammar();
        let program = (grammar.program)(text);
        // Without the expressions every text is read.
        let found = |signs: &Option<Regex>, counts: &dyn Fn(&[u8], &[u8]) -> bool| {
            let found = |signs| is_signed(signs, &program, grammar.comments, counts);
            signs.as_ref().is_none_or(found)
        };
        let is_none = |sign: &[u8]| signs.none.as_ref().is_some_and(|none| none.is_match(sign));
        found(&signs.certain, &|_, sign| !is_none(sign))
            || found(&signs.paths, &|before, _| {
                !is_joined(before) && !is_expression(before, grammar.expressions)
            })
    }
}

/// Whether a sign stands anywhere but in lines that are comments, as the line that names the
/// interpreter is, and counts as it is and behind the text before it.
fn is_signed(
    signs: &Regex,
    text: &[u8],
    comments: &[&[u8]],
    counts: &dyn Fn(&[u8], &[u8]) -> bool,
) -> bool {
    let mut from = 0;
    while let Some(sign) = signs.find_at(text, from) {
        let begin = memchr::memrchr(b'\n', &text[..sign.start()]).map_or(0, |at| at + 1);
        let rest = memchr::memchr(b'\n', &text[sign.start()..]);
        let end = rest.map_or(text.len(), |length| sign.start() + length);
        let (above, line) = (&text[..begin], &text[begin..end]);
        if sign.end() <= end && is_comment(above, line, comments) {
            from = end;
        } else if counts(&text[..sign.start()], sign.as_bytes()) {
            return true;
        } else {
            from = sign.end().max(sign.start() + 1);
        }
    }
    false
}

/// Whether what follows is joined to what stands before, of which nothing is known where no sign of
/// its own tells of it; an empty text in quotes is known.
fn is_joined(before: &[u8]) -> bool {
    const JOINS: [&[u8]; 5] = [b".", b"+", b".=", b"+=", b"<<"];
    let before = before.trim_ascii_end();
    let mut joins = JOINS.iter().filter_map(|join| before.strip_suffix(*join));
    joins.any(|left| {
        let left = left.trim_ascii_end();
        !(left.ends_with(b"''") || left.ends_with(b"\"\""))
    })
}

/// Whether what follows is the first argument of one of these calls, a regular expression.
fn is_expression(before: &[u8], calls: &[&str]) -> bool {
    let before = before.trim_ascii_end();
    let callee = before.strip_suffix(b"(").map(<[u8]>::trim_ascii_end);
    callee.is_some_and(|callee| calls.iter().any(|call| callee.ends_with(call.as_bytes())))
}

/// Whether a line is nothing but a comment. One that could be more, as an attribute, a value put into
/// a text, or a comment with its end, is none; one that begins with a star is, where a comment of
/// several lines has begun above it.
fn is_comment(above: &[u8], line: &[u8], comments: &[&[u8]]) -> bool {
    const MORE: [&[u8]; 4] = [b"*/", b"<?", b"?>", b"#{"];
    let line = line.trim_ascii_start();
    let last = |sign: &[u8]| memchr::memmem::rfind(above, sign);
    comments.iter().any(|sign| line.starts_with(sign))
        && !line.starts_with(b"#[")
        && (!line.starts_with(b"*") || last(b"/*") > last(b"*/"))
        && !MORE
            .iter()
            .any(|more| memchr::memmem::find(line, more).is_some())
}

impl Signs {
    fn of(grammar: &Grammar) -> Self {
        let own = grammar.signs.iter().map(|sign| (*sign).to_owned());
        let calls = grammar.rules.iter().filter(|rule| needs_no_path(rule));
        let names = calls.flat_map(|rule| rule.names);
        let common = COMMON.iter().map(|sign| (*sign).to_owned());
        let names = names.map(|name| call(name, grammar));
        // Where both begin at the same place, the first counts.
        let none = grammar.no_signs.iter().map(|sign| (*sign).to_owned());
        let certain: Vec<String> = none.chain(common).chain(own).chain(names).collect();
        let none = (!grammar.no_signs.is_empty())
            .then(|| any_of(&format!("^(?:{})", grammar.no_signs.join("|"))));
        let paths: Vec<&str> = PATHS.iter().chain(grammar.quotes).copied().collect();
        Self {
            certain: any_of(&certain.join("|")),
            none: none.flatten(),
            paths: any_of(&paths.join("|")),
        }
    }
}

fn any_of(expressions: &str) -> Option<Regex> {
    let mut signs = RegexBuilder::new(expressions);
    signs.unicode(false).build().ok()
}

/// Whether a call tells something though no path stands in the text: a command, or a place of its own.
fn needs_no_path(rule: &Rule) -> bool {
    rule.does.iter().any(|(arg, does)| {
        matches!(does, Does::Shell) || matches!(arg, Arg::Fixed(_) | Arg::Else(..))
    })
}

/// The name of a call, in front of its arguments.
fn call(name: &str, grammar: &Grammar) -> String {
    // There may be blanks around an arrow.
    let name = name.split("->").next().unwrap_or(name);
    let name = regex::escape(name.trim_start_matches('.'));
    let arguments = if grammar.parentheses { r"\s*\(" } else { "" };
    format!(r"\b{name}\b{arguments}")
}
