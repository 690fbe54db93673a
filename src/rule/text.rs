//! What a rule compares text with, and the text it writes: globs, regular expressions, templates.
//!
//! All three are checked while the rule's file is read, so that a fault has a line and a column.

use std::fmt::Write as _;
use std::sync::OnceLock;

use regex::{Regex, RegexBuilder, bytes};
use serde::{Deserialize, Deserializer, de};

use crate::path::escape;

use super::field::Field;

/// How much of one value a message shows. Values come from the audited tree and may be long.
const SHOWN: usize = 100;

/// A text in which `*` stands for any bytes, `/` included, and `?` for one byte.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(super) struct Glob(String);

impl Glob {
    /// As it stands in the rule.
    pub(super) fn text(&self) -> &str {
        &self.0
    }

    /// Whether `text` is of this form, from its first byte to its last.
    pub(super) fn matches(&self, text: &str) -> bool {
        let (glob, text) = (self.0.as_bytes(), text.as_bytes());
        let (mut at, mut seen) = (0, 0);
        // Where the last star stood, and how much of the text it has taken.
        let mut star: Option<(usize, usize)> = None;
        while seen < text.len() {
            match glob.get(at) {
                Some(b'*') => {
                    star = Some((at, seen));
                    at += 1;
                }
                Some(&byte) if byte == b'?' || byte == text[seen] => {
                    at += 1;
                    seen += 1;
                }
                _ => {
                    let Some((stop, taken)) = star else {
                        return false;
                    };
                    star = Some((stop, taken + 1));
                    at = stop + 1;
                    seen = taken + 1;
                }
            }
        }
        glob[at..].iter().all(|&byte| byte == b'*')
    }
}

/// A regular expression in the syntax of the `regex` crate: linear in the text, no look-around.
///
/// Its syntax is checked when it is read; it is compiled when it is first asked, which most rules
/// never are: compiling all of them was half of the time it takes to start. For texts of ASCII alone,
/// as nearly all are, it is compiled without the tables of Unicode, which finds the same in them.
#[derive(Clone, Debug)]
pub(super) struct Pattern {
    text: String,
    ascii: OnceLock<Option<bytes::Regex>>,
    unicode: OnceLock<Option<Regex>>,
}

impl Pattern {
    /// Whether it matches somewhere in `text`.
    pub(super) fn matches(&self, text: &str) -> bool {
        if text.is_ascii()
            && let Some(regex) = self.ascii.get_or_init(|| self.of_ascii())
        {
            return regex.is_match(text.as_bytes());
        }
        let compiled = self.unicode.get_or_init(|| {
            // Only its size could still be against it, and the rule's author chose that.
            let mut builder = RegexBuilder::new(&self.text);
            builder.size_limit(usize::MAX).build().ok()
        });
        compiled.as_ref().is_some_and(|regex| regex.is_match(text))
    }

    /// Nothing where it asks for what only Unicode has.
    fn of_ascii(&self) -> Option<bytes::Regex> {
        let mut builder = bytes::RegexBuilder::new(&self.text);
        let builder = builder.unicode(false).size_limit(usize::MAX);
        self.text.is_ascii().then(|| builder.build().ok())?
    }
}

impl<'de> Deserialize<'de> for Pattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        match regex_syntax::parse(&text) {
            Ok(_) => Ok(Self {
                text,
                ascii: OnceLock::new(),
                unicode: OnceLock::new(),
            }),
            Err(error) => Err(de::Error::custom(format!(
                "not a regular expression: {}",
                last_line(&error.to_string())
            ))),
        }
    }
}

/// The regex crate draws the expression first and says what is wrong in the last line.
fn last_line(text: &str) -> &str {
    text.lines().last().unwrap_or_default()
}

/// A sentence with places to fill.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Template(Vec<Part>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    Field(Field),
    /// The number of distinct values, and the noun for one and for many.
    Count(Option<(String, String)>),
    Values,
    Prefix,
}

/// What a template is filled from.
pub(super) struct Filling<'a> {
    /// The text of a field; nothing when what was found does not have it.
    pub(super) field: &'a dyn Fn(Field) -> Option<String>,
    /// The distinct identifying values.
    pub(super) values: &'a [String],
    /// The first directory of the application.
    pub(super) prefix: String,
}

impl Template {
    /// The fields it names.
    pub(super) fn fields(&self) -> impl Iterator<Item = Field> {
        self.0.iter().filter_map(|part| match part {
            Part::Field(field) => Some(*field),
            _ => None,
        })
    }

    /// The sentence.
    pub(super) fn fill(&self, filling: &Filling<'_>) -> String {
        let mut out = String::new();
        for part in &self.0 {
            match part {
                Part::Text(text) => out.push_str(text),
                Part::Field(field) => match (filling.field)(*field) {
                    Some(text) if !text.is_empty() => out.push_str(&shown(&text)),
                    _ => {
                        let _ = write!(out, "an unknown {}", field.word());
                    }
                },
                Part::Count(nouns) => count(&mut out, filling.values.len(), nouns.as_ref()),
                Part::Values => list(&mut out, filling.values),
                Part::Prefix => out.push_str(&shown(&filling.prefix)),
            }
        }
        out
    }

    fn parse(text: &str) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some(open) = rest.find('{') {
            let (before, inside) = rest.split_at(open);
            let close = inside
                .find('}')
                .ok_or("a `{` is not closed; write {field}")?;
            if !before.is_empty() {
                parts.push(Part::Text(before.to_owned()));
            }
            parts.push(part(&inside[1..close])?);
            rest = &inside[close + 1..];
        }
        if !rest.is_empty() {
            parts.push(Part::Text(rest.to_owned()));
        }
        Ok(Self(parts))
    }
}

impl<'de> Deserialize<'de> for Template {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(de::Error::custom)
    }
}

fn part(name: &str) -> Result<Part, String> {
    match name {
        "values" => return Ok(Part::Values),
        "prefix" => return Ok(Part::Prefix),
        "count" => return Ok(Part::Count(None)),
        _ => {}
    }
    if let Some((one, many)) = name
        .strip_prefix("count:")
        .and_then(|nouns| nouns.split_once(':'))
    {
        return Ok(Part::Count(Some((one.to_owned(), many.to_owned()))));
    }
    let field = Field::from_word(name).ok_or_else(|| {
        format!(
            "unknown place {{{name}}}; a message may hold {{values}}, {{count}}, \
             {{count:file:files}}, {{prefix}} and the fields of what it selects"
        )
    })?;
    if field.may_be_secret() {
        return Err(format!(
            "a message must not hold {{{name}}}: it may be a password; name {{key}}, {{name}} or \
             {{command}} instead"
        ));
    }
    Ok(Part::Field(field))
}

fn count(out: &mut String, number: usize, nouns: Option<&(String, String)>) {
    let _ = write!(out, "{number}");
    if let Some((one, many)) = nouns {
        let _ = write!(out, " {}", if number == 1 { one } else { many });
    }
}

/// `a`, `a and b`, `a, b and c`, `a, b, c and 4 more`.
fn list(out: &mut String, values: &[String]) {
    const FIRST: usize = 3;
    let mut names: Vec<String> = values.iter().take(FIRST).map(|text| shown(text)).collect();
    if values.len() > FIRST {
        names.push(format!("{} more", values.len() - FIRST));
    }
    let last = names.pop().unwrap_or_default();
    if !names.is_empty() {
        out.push_str(&names.join(", "));
        out.push_str(" and ");
    }
    out.push_str(&last);
}

/// A value of the audited tree in a form that cannot break a line or a terminal.
///
/// Paths come here as the text of [`crate::path::AppPath::to_text`], in which a backslash is
/// already written out; escaping that again would change it, so only the rest is escaped.
fn shown(text: &str) -> String {
    let safe: String = text
        .split('\\')
        .map(|piece| escape(piece.as_bytes()))
        .collect::<Vec<_>>()
        .join("\\");
    if safe.chars().count() <= SHOWN {
        return safe;
    }
    let mut cut: String = safe.chars().take(SHOWN).collect();
    cut.push('…');
    cut
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fill(text: &str, values: &[&str]) -> String {
        let values: Vec<String> = values.iter().map(|v| (*v).to_owned()).collect();
        Template::parse(text).unwrap().fill(&Filling {
            field: &|field| (field == Field::Path).then(|| "/opt/app\u{1b}[2J".to_owned()),
            values: &values,
            prefix: "/opt/app".to_owned(),
        })
    }

    #[test]
    fn a_glob_covers_the_whole_text() {
        for (glob, text, want) in [
            ("*.so.*", "liba.so.1", true),
            ("*.so.*", "liba.so", false),
            ("lib?.so", "liba.so", true),
            ("a*b*c", "a/x/b/b/c", true),
            ("a*b*c", "a/x/b/b", false),
            ("", "", true),
            ("*", "", true),
            ("b", "abc", false),
        ] {
            assert_eq!(Glob(glob.to_owned()).matches(text), want, "{glob} {text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn a_glob_means_what_the_regular_expression_means(
            glob in "[ab*?]{0,8}",
            text in "[ab/]{0,10}",
        ) {
            let expression = glob.replace('*', ".*").replace('?', ".");
            let expression = Regex::new(&format!("^{expression}$")).unwrap();
            assert_eq!(Glob(glob).matches(&text), expression.is_match(&text));
        }
    }

    #[test]
    fn many_stars_stay_fast() {
        let glob = Glob("*a".repeat(40));
        assert!(!glob.matches(&"a".repeat(39)));
        assert!(!Glob("*a*a*a*a*a*a*b".to_owned()).matches(&"a".repeat(20_000)));
    }

    #[test]
    fn lists_are_cut_and_counted() {
        assert_eq!(fill("{count:file:files}: {values}", &["a"]), "1 file: a");
        assert_eq!(fill("{values}", &["a", "b"]), "a and b");
        assert_eq!(
            fill("{values}", &["a", "b", "c", "d", "e"]),
            "a, b, c and 2 more"
        );
    }

    #[test]
    fn a_value_of_the_tree_cannot_reach_the_terminal_raw() {
        assert_eq!(fill("at {path}", &[]), "at /opt/app\\x1b[2J");
        assert_eq!(fill("{by}", &[]), "an unknown by");
    }

    #[test]
    fn what_may_be_secret_is_refused_in_a_template() {
        for text in ["{value}", "{args}"] {
            assert!(Template::parse(text).unwrap_err().contains("password"));
        }
        assert!(Template::parse("{paht}").unwrap_err().contains("{paht}"));
        assert!(Template::parse("{path").is_err());
    }
}
