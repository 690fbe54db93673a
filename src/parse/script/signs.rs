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
const COMMON: [&str; 4] = [
    // A path begins: not behind a letter, which ends a name; nor behind what comes before the slash
    // of a comment, a URL's host, a tag or a division.
    r"(?:^|[^A-Za-z0-9_.*/)\]<])/(?:\.?[A-Za-z0-9_-]|[$@{#])",
    // Behind a variable, which may be empty, the hierarchy's tops begin one (FHS 3.0, 3).
    r"/(?:bin|boot|data|dev|etc|export|home|lib|media|mnt|opt|root|run|sbin|srv|tmp|u01|usr|var)\b",
    // A slash alone that something is joined to.
    r#"["']/["']\s*(?:[.+]|,\s*["'])"#,
    // The source of a database that is a file.
    r"(?i:sqlite)",
];

impl Language {
    /// Whether a text of this language can tell an absolute path, a place of temporary files, or a
    /// command. Where this says no, [`super::read`] finds none of these.
    #[must_use]
    pub fn may_tell(self, text: &[u8]) -> bool {
        static SIGNS: [LazyLock<Option<Regex>>; 4] = [
            LazyLock::new(|| signs(Language::Python.grammar())),
            LazyLock::new(|| signs(Language::Perl.grammar())),
            LazyLock::new(|| signs(Language::Php.grammar())),
            LazyLock::new(|| signs(Language::Ruby.grammar())),
        ];
        let [python, perl, php, ruby] = &SIGNS;
        let signs = match self {
            Self::Python => python,
            Self::Perl => perl,
            Self::Php => php,
            Self::Ruby => ruby,
        };
        let grammar = self.grammar();
        let program = (grammar.program)(text);
        // Without the expression every text is read.
        signs
            .as_ref()
            .is_none_or(|signs| is_signed(signs, &program, grammar.comments))
    }
}

/// Whether a sign stands anywhere but in lines that are comments, as the line that names the
/// interpreter is.
fn is_signed(signs: &Regex, text: &[u8], comments: &[&[u8]]) -> bool {
    let mut from = 0;
    while let Some(sign) = signs.find_at(text, from) {
        let begin = memchr::memrchr(b'\n', &text[..sign.start()]).map_or(0, |at| at + 1);
        let rest = memchr::memchr(b'\n', &text[sign.start()..]);
        let end = rest.map_or(text.len(), |length| sign.start() + length);
        let (above, line) = (&text[..begin], &text[begin..end]);
        if sign.end() > end || !is_comment(above, line, comments) {
            return true;
        }
        from = end;
    }
    false
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

fn signs(grammar: &Grammar) -> Option<Regex> {
    let own = grammar.signs.iter().map(|sign| (*sign).to_owned());
    let calls = grammar.rules.iter().filter(|rule| needs_no_path(rule));
    let names = calls.flat_map(|rule| rule.names);
    let all: Vec<String> = COMMON
        .iter()
        .map(|sign| (*sign).to_owned())
        .chain(own)
        .chain(names.map(|name| call(name, grammar)))
        .collect();
    let mut signs = RegexBuilder::new(&all.join("|"));
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
