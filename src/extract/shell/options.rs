//! Paths in the arguments of programs, and what must not be repeated of them.

use crate::extract::argument;
use crate::extract::script::{Facts, certainty_of, known_path};
use crate::parse::op::Op;

/// Adds the paths among `words`, each by the option, key or program that it belongs to.
pub(super) fn paths(op: &Op, words: &[Vec<u8>], program: Option<&str>, facts: &mut Facts<'_>) {
    let mut before: Option<&[u8]> = None;
    for word in words {
        let option = before.take();
        let (by, value) = match split(word) {
            Some((key, value)) => (key.to_owned(), value),
            None if word.starts_with(b"/") => match (option, program) {
                (Some(option), _) => (text(option), word.as_slice()),
                (None, Some(program)) => (program.to_owned(), word.as_slice()),
                (None, None) => continue,
            },
            None => {
                if word.starts_with(b"-") {
                    before = Some(word);
                }
                continue;
            }
        };
        // A class path is code, and long.
        if by == "-cp" || by == "-classpath" || value.contains(&b':') {
            continue;
        }
        if let Some(path) = known_path(value) {
            let found = argument::named_by(&by, &path);
            facts.named(op.line, certainty_of(op), path, found);
        }
    }
}

/// `--key=/path`, `-Dkey=/path`, `-Xloggc:/path`, `key=/path`, `-Wl,…` aside: key and path.
fn split(word: &[u8]) -> Option<(&str, &[u8])> {
    let at = word.iter().position(|byte| matches!(byte, b'=' | b':'))?;
    let mut key = std::str::from_utf8(word.get(..at)?).ok()?;
    let mut value = word.get(at + 1..)?;
    if word.get(at) == Some(&b':') {
        // java's own options use a colon: `-Xloggc:FILE`, `-XX:HeapDumpPath=DIR`
        if !key.starts_with("-X") && !key.starts_with("-agentlib") && !key.starts_with("-javaagent")
        {
            return None;
        }
        if let Some(equals) = memchr::memchr(b'=', value) {
            key = std::str::from_utf8(value.get(..equals)?).ok()?;
            value = value.get(equals + 1..)?;
        }
    }
    let key = key.strip_prefix("-D").unwrap_or(key);
    for scheme in [&b"file://"[..], b"file:"] {
        value = value.strip_prefix(scheme).unwrap_or(value);
    }
    let plain = key
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
    (plain && !key.is_empty() && value.starts_with(b"/")).then_some((key, value))
}

/// Whether a name is that of a secret.
pub(super) fn is_secret(name: &str) -> bool {
    let name = name.to_uppercase();
    let tail = [
        "PASSWORD",
        "PASSWD",
        "PASSPHRASE",
        "SECRET",
        "TOKEN",
        "_PASS",
        "API_KEY",
        "APIKEY",
    ];
    tail.iter().any(|word| name.ends_with(word)) || name == "PASS" || name == "PGPASSWORD"
}

/// Whether a value stands in the script itself: no place, reference or placeholder.
pub(super) fn is_literal_secret(value: &[u8]) -> bool {
    // `User-Password` and `db_token` are what something is called, not what it is.
    let is_label = value
        .iter()
        .filter(|byte| matches!(byte, b'-' | b'_'))
        .count()
        == 1
        && value
            .iter()
            .all(|byte| byte.is_ascii_alphabetic() || matches!(byte, b'-' | b'_'))
        && is_secret(&String::from_utf8_lossy(value));
    value.len() > 2
        && !is_label
        && !value
            .iter()
            .any(|byte| matches!(byte, b'*' | b' ' | b'/' | b'$' | b'<'))
}

/// Whether a value or argument may hold a secret: credentials in a URL, `password=…`.
pub(super) fn holds_secret(value: &[u8]) -> bool {
    let text = String::from_utf8_lossy(value).to_lowercase();
    let url = text.split("://").skip(1).any(|rest| {
        rest.split('/')
            .next()
            .is_some_and(|host| host.contains('@') && host.contains(':'))
    });
    url || [
        "password", "passwd", "secret", "token", "pass:", "apikey", "api_key",
    ]
    .iter()
    .any(|word| text.contains(word))
}

pub(super) fn text(word: &[u8]) -> String {
    String::from_utf8_lossy(word).into_owned()
}
