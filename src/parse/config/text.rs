//! Text as every form has it: bytes that may not be UTF-8, quotes, words, comments.

use std::borrow::Cow;

/// Where bytes that are not UTF-8 are put: U+F700 and up, a private area, so that a reader can
/// work on text and a path still gets its own bytes back.
const PRIVATE: u32 = 0xf700;

/// The bytes as text, without a byte order mark.
pub(super) fn decode(bytes: &[u8]) -> Cow<'_, str> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    if let Ok(text) = std::str::from_utf8(bytes) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(bytes.len() + 16);
    for chunk in bytes.utf8_chunks() {
        out.push_str(chunk.valid());
        for &byte in chunk.invalid() {
            out.extend(char::from_u32(PRIVATE + u32::from(byte)));
        }
    }
    Cow::Owned(out)
}

/// The bytes that a value stood for in its file.
#[must_use]
pub fn to_bytes(value: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(value.len());
    for c in value.chars() {
        match u32::from(c).checked_sub(PRIVATE).map(u8::try_from) {
            Some(Ok(byte)) if byte >= 0x80 => out.push(byte),
            _ => out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    out
}

/// The value without the quotes around the whole of it, and without the escapes they ask for.
#[must_use]
pub fn unquote(value: &str) -> String {
    let value = value.trim();
    let mut chars = value.chars();
    let Some(quote @ ('"' | '\'' | '`')) = chars.next() else {
        return value.to_owned();
    };
    let mut out = String::with_capacity(value.len());
    while let Some(c) = chars.next() {
        match c {
            '\\' if quote == '"' => match chars.next() {
                Some(c @ ('"' | '\\' | '/' | '$')) => out.push(c),
                Some('n') => out.push('\n'),
                Some('t') => out.push('\t'),
                Some(c) => out.extend(['\\', c]),
                None => out.push('\\'),
            },
            c if c == quote => {
                // Something follows the quoted part: the value is more than one word.
                return if chars.as_str().is_empty() {
                    out
                } else {
                    value.to_owned()
                };
            }
            c => out.push(c),
        }
    }
    value.to_owned()
}

/// The words of a value: separated by blanks, commas and line ends, with quotes removed; the
/// parentheses and arrows of a list are left out.
#[must_use]
pub fn words(value: &str) -> Vec<String> {
    let value = value.trim();
    let list = value.starts_with('(') || (value.starts_with('[') && value.ends_with(']'));
    let mut out = Vec::new();
    let mut word = String::new();
    let mut quoted = false;
    let mut chars = value.chars().peekable();
    while let Some(c) = chars.next() {
        let apart = c.is_whitespace()
            || c == ','
            || (list && matches!(c, '(' | ')' | '[' | ']'))
            || (list && word.is_empty() && c == '=');
        match c {
            '"' | '\'' => {
                // An apostrophe inside a word quotes nothing.
                if c == '\'' && !word.is_empty() && !word.ends_with('=') {
                    word.push(c);
                    continue;
                }
                quoted = true;
                while let Some(inner) = chars.next() {
                    if inner == c {
                        break;
                    }
                    let escapes = inner == '\\' && chars.peek().is_some_and(|&n| n == c);
                    word.extend(if escapes { chars.next() } else { Some(inner) });
                }
            }
            _ if apart => {
                if quoted || !word.is_empty() {
                    out.push(std::mem::take(&mut word));
                }
                quoted = false;
                if list && c == '=' && chars.peek() == Some(&'>') {
                    chars.next();
                }
            }
            '\\' if chars.peek() == Some(&' ') => word.extend(chars.next()),
            c => word.push(c),
        }
    }
    if quoted || !word.is_empty() {
        out.push(word);
    }
    out
}

/// The text before a comment that begins, outside quotes, with one of `marks` after a blank.
pub(super) fn before_comment<'a>(text: &'a str, marks: &[char]) -> &'a str {
    let mut quote = None;
    let mut before = ' ';
    for (at, c) in text.char_indices() {
        match quote {
            Some(open) if c == open && before != '\\' => quote = None,
            Some(_) => {}
            None if c == '"' || (c == '\'' && !before.is_alphanumeric()) => quote = Some(c),
            None if marks.contains(&c) && before.is_whitespace() => {
                return text[..at].trim_end();
            }
            None => {}
        }
        before = c;
    }
    text.trim_end()
}

/// Whether a text can be a key: a word, or a few of them as in `log file`.
pub(super) fn is_key(text: &str, most_words: usize) -> bool {
    let fits = |c: char| c.is_alphanumeric() || "_-.$@%*+!/:&[]{}".contains(c);
    let text = text.trim();
    !text.is_empty()
        && text.len() <= 120
        && text.starts_with(|c: char| c.is_alphanumeric() || "_.$@%*+!&{-/".contains(c))
        && text.chars().all(|c| fits(c) || c == ' ' || c == '\t')
        && text.split_ascii_whitespace().count() <= most_words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_that_are_not_utf8_come_back_as_they_were() {
        let bytes = b"/srv/dat\xe9/\xff";
        assert_eq!(to_bytes(&decode(bytes)), bytes);
        assert_eq!(to_bytes("/srv/datä"), "/srv/datä".as_bytes());
    }

    #[test]
    fn only_quotes_around_the_whole_are_removed() {
        assert_eq!(unquote(r#""/a b""#), "/a b");
        assert_eq!(unquote("'/a'"), "/a");
        assert_eq!(unquote(r#""/a b" combined"#), r#""/a b" combined"#);
        assert_eq!(unquote(r#""say \"hi\"""#), r#"say "hi""#);
        assert_eq!(unquote(r#""open"#), r#""open"#);
    }

    #[test]
    fn words_keep_what_quotes_hold_together() {
        assert_eq!(words(r#""/a b" combined"#), ["/a b", "combined"]);
        assert_eq!(words("/a,/b  /c\n/d"), ["/a", "/b", "/c", "/d"]);
        assert_eq!(
            words(r#"( "/doc/" => "/usr/share/doc/" )"#),
            ["/doc/", "/usr/share/doc/"]
        );
        assert_eq!(words("type=\"x y\" n"), ["type=x y", "n"]);
    }

    #[test]
    fn a_mark_within_a_word_or_quotes_is_no_comment() {
        assert_eq!(before_comment("a#b # c", &['#']), "a#b");
        assert_eq!(before_comment("\"a # b\" # c", &['#']), "\"a # b\"");
        assert_eq!(before_comment("don't # c", &['#']), "don't");
    }
}
