//! The forms in which a key stands before its value.

use std::sync::LazyLock;

use regex::bytes::{Regex, RegexBuilder};

/// An expression over bytes: keys are ASCII, a value may be anything, and the classes of Unicode cost every run
/// the time to make them.
pub(super) fn regex(text: &str) -> Regex {
    let built = RegexBuilder::new(text).unicode(false).build();
    // Each stands in this folder, and its tests use all of them.
    built.unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// `key = value`, `"key": "value"`, `key => 'value'`, `;key=value;`, `&key=value`.
pub(super) static PAIR: LazyLock<Regex> = LazyLock::new(|| {
    regex(concat!(
        r#"(?P<k>[A-Za-z_$][\w$.\-]*)["'\]]{0,2}\s*(?:=>|:=|[=:])\s*"#,
        r#"(?P<v>"[^"]*"?|'[^']*'?|\{[\w\-]{1,12}\}[^\s"'<>;,]+|ENC\([^)]*\)|[^\s"'`;,&<>(){}\[\]|]*)"#
    ))
});

/// The first key of a line and all that follows: passwords may hold what elsewhere ends a value.
pub(super) static FIRST: LazyLock<Regex> = LazyLock::new(|| {
    regex(
        r#"^\s*(?:export\s+|set\s+|declare\s+(?:-\w+\s+)?)?["']?(?P<k>[A-Za-z_$][\w$.\-]*)["']?\s*[=:]\s*(?P<v>\S.*?)\s*[;,]?\s*$"#,
    )
});

/// A key and a value with blanks between them.
pub(super) static BLANK: LazyLock<Regex> = LazyLock::new(|| {
    regex(r#"^\s*(?:setenv\s+)?(?P<k>[A-Za-z_][\w.\-]*)\s+(?P<v>"[^"]*"|'[^']*'|\S+?)\s*;?\s*$"#)
});

/// `<key>value</key>`.
pub(super) static ELEMENT: LazyLock<Regex> = LazyLock::new(|| {
    regex(r"<(?P<k>[\w.:\-]+)(?:\s[^<>]*)?>\s*(?:<!\[CDATA\[)?(?P<v>[^<>\s][^<>]*?)\s*(?:\]\]>)?</")
});

/// `name="key" value="value"`, also the other way round, `name="key">value<`, and `<key value="value"/>`.
pub(super) static NAMED: LazyLock<[Regex; 4]> = LazyLock::new(|| {
    [
        r#"\b(?:name|key|id|property)\s*=\s*["'](?P<k>[^"'<>]+)["'][^<>]*?\bvalue\s*=\s*["'](?P<v>[^"']*)["']"#,
        r#"\bvalue\s*=\s*["'](?P<v>[^"'<>]*)["'][^<>]*?\b(?:name|key)\s*=\s*["'](?P<k>[^"']+)["']"#,
        r#"\b(?:name|key)\s*=\s*["'](?P<k>[^"'<>]+)["'][^<>]*>\s*(?P<v>[^<>\s][^<>]*?)\s*<"#,
        r#"<(?P<k>[\w.:\-]+)\s(?:[^<>]*?\s)?value\s*=\s*["'](?P<v>[^"'<>]*)["']"#,
    ]
    .map(regex)
});

/// `define('KEY', 'value')`, `setProperty("key", "value")`.
pub(super) static CALLED: LazyLock<Regex> =
    LazyLock::new(|| regex(r#"\(\s*["'](?P<k>[\w.\-]+)["']\s*,\s*(?P<v>"[^"]+"|'[^']+')"#));

/// `set key "value"`, `:key "value"`, `{key, "value"}`: a quoted text behind the key.
pub(super) static QUOTED: LazyLock<Regex> = LazyLock::new(|| {
    regex(r#"(?:^|[\s:{(,])(?P<k>[A-Za-z_$][\w$.\-]*)(?:\s*,\s*|\s+)(?P<v>"[^"]+"|'[^']+')"#)
});

/// `SetEnv key value`, `param key value;`, `community value 10.0.0.0/8`: a key before or behind other
/// words, by their place.
pub(super) static AMONG: LazyLock<[Regex; 2]> = LazyLock::new(|| {
    [
        r#"^\s*[A-Za-z_]\w*\s+(?P<k>[A-Za-z_][\w.\-]*)\s+(?P<v>"[^"]*"|'[^']*'|\S+?)\s*;?\s*$"#,
        r#"^\s*(?P<k>[A-Za-z_][\w.\-]*)\s+(?P<v>"[^"]*"|'[^']*'|[^\s;]+)\s"#,
    ]
    .map(regex)
});

/// `key || 'value'`, `key or 'value'`: what holds where nothing else is set.
pub(super) static DEFAULTED: LazyLock<Regex> = LazyLock::new(|| {
    regex(
        r#"(?P<k>[A-Za-z_$][\w$.\-]*)["'\])}]*\s*(?:\|\|=?|//=?|\?\?=?|\?:|\bor\b)\s*(?P<v>"[^"]+"|'[^']+')"#,
    )
});

/// `variable "key" {`, whose value follows as its default (HCL).
pub(super) static VARIABLE: LazyLock<Regex> =
    LazyLock::new(|| regex(r#"^\s*variable\s+"(?P<k>[\w\-]+)"\s*\{"#));
