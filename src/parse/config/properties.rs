//! Java properties, as `java.util.Properties` reads them: escapes, `\uXXXX`, continued lines, and
//! `=`, `:` or a blank between key and value.

use super::lines::commented;
use super::{Separator, Sink};

/// Reads a properties file; a key is split at its dots.
pub(super) fn read(text: &str, sink: &mut Sink) {
    let mut lines = text.lines().enumerate();
    while let Some((number, line)) = lines.next() {
        let line = line.trim_start();
        if let Some(comment) = line.strip_prefix(['#', '!']) {
            if let Some((key, value, separator)) = commented(comment, Separator::Equals)
                && separator == Separator::Equals
            {
                let parts: Vec<&str> = key.split('.').collect();
                sink.add_commented(number + 1, &parts, &value, separator);
            }
            continue;
        }
        let mut whole = line.to_owned();
        while ends_open(&whole) {
            whole.pop();
            match lines.next() {
                Some((_, next)) if whole.len() < 2 * super::MAX_VALUE => {
                    whole.push_str(next.trim_start());
                }
                Some(_) => {}
                None => break,
            }
        }
        let (key, value, separator) = split(&whole);
        if !key.is_empty() {
            let key = unescape(key);
            let parts: Vec<&str> = key.split('.').collect();
            sink.add(number + 1, &parts, &unescape(value), separator);
        }
    }
}

/// Whether an odd number of backslashes ends the line.
fn ends_open(line: &str) -> bool {
    line.bytes().rev().take_while(|&b| b == b'\\').count() % 2 == 1
}

fn split(line: &str) -> (&str, &str, Separator) {
    let mut escaped = false;
    for (at, c) in line.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '=' => return (&line[..at], line[at + 1..].trim(), Separator::Equals),
            ':' => return (&line[..at], line[at + 1..].trim(), Separator::Colon),
            c if c.is_whitespace() => {
                let rest = line[at..].trim();
                let value = rest.strip_prefix(['=', ':']).unwrap_or(rest).trim();
                let separator = if value.len() < rest.len() {
                    Separator::Equals
                } else {
                    Separator::Space
                };
                return (&line[..at], value, separator);
            }
            _ => {}
        }
    }
    (line, "", Separator::Equals)
}

fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        match chars.next() {
            Some('n') => out.push('\n'),
            Some('t') => out.push('\t'),
            Some('r' | 'f') => out.push(' '),
            Some('u') => {
                let rest = chars.as_str();
                let code = rest
                    .get(..4)
                    .and_then(|hex| u32::from_str_radix(hex, 16).ok());
                if let Some(c) = code.and_then(char::from_u32) {
                    out.push(c);
                    chars = rest[4..].chars();
                }
            }
            Some(c) => out.push(c),
            None => {}
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::Form;
    use super::super::tests::live;

    #[test]
    fn escapes_and_continued_lines() {
        let text = "# c\na.b = 1\nc\\:d : /x\\\n   /y\ne f\nu=\\u00e4\\tb\nwin=C\\:\\\\x\nempty\n";
        assert_eq!(
            live(Form::Properties, text),
            ["a.b=1", "c:d=/x/y", "e=f", "u=ä\tb", "win=C:\\x", "empty="]
        );
    }
}
