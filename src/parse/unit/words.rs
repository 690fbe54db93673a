//! How systemd cuts a value into words: quotes and C escapes, by systemd.syntax(7).

/// Cuts `value` at white space; quotes hold a word together and C escapes are resolved. A quote
/// that never closes ends with the value.
#[must_use]
pub fn words(value: &[u8]) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    let mut rest = value;
    while let Some((word, after)) = next_word(rest) {
        found.push(word);
        rest = after;
    }
    found
}

/// The next word and what follows it.
pub(super) fn next_word(text: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let text = text.trim_ascii_start();
    if text.is_empty() {
        return None;
    }
    let mut word = Vec::new();
    let mut quote = None;
    let mut at = 0;
    while let Some(&byte) = text.get(at) {
        at += 1;
        match (byte, quote) {
            (b'\\', _) => at += unescape(text.get(at..).unwrap_or_default(), &mut word),
            (b'"' | b'\'', None) => quote = Some(byte),
            (_, Some(open)) if byte == open => quote = None,
            (b' ' | b'\t' | b'\n' | b'\r', None) => break,
            _ => word.push(byte),
        }
    }
    Some((word, text.get(at..).unwrap_or_default()))
}

/// Resolves the escape after a backslash into `word`; the bytes it took. An unknown one stays as
/// written, with its backslash: systemd passes `\d` in an argument on.
fn unescape(text: &[u8], word: &mut Vec<u8>) -> usize {
    let Some(&kind) = text.first() else {
        word.push(b'\\');
        return 0;
    };
    let plain = match kind {
        b'a' => 7,
        b'b' => 8,
        b'f' => 12,
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'v' => 11,
        b's' => b' ',
        b'\\' | b'"' | b'\'' | b' ' => kind,
        b'x' => return numeric(text, 1, 2, 16, word),
        b'0'..=b'7' => return numeric(text, 0, 3, 8, word),
        b'u' => return numeric(text, 1, 4, 16, word),
        b'U' => return numeric(text, 1, 8, 16, word),
        _ => {
            word.extend([b'\\', kind]);
            return 1;
        }
    };
    word.push(plain);
    1
}

/// `\xHH`, `\OOO`, `\uHHHH` and `\UHHHHHHHH`: `skip` letters, then exactly `digits`.
fn numeric(text: &[u8], skip: usize, digits: usize, radix: u32, word: &mut Vec<u8>) -> usize {
    let value = text
        .get(skip..skip + digits)
        .and_then(|digits| std::str::from_utf8(digits).ok())
        .filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()))
        .and_then(|digits| u32::from_str_radix(digits, radix).ok());
    let narrow = value
        .filter(|_| digits < 4)
        .and_then(|v| u8::try_from(v).ok());
    let wide = value.filter(|_| digits >= 4).and_then(char::from_u32);
    match (narrow, wide) {
        (Some(byte), _) => word.push(byte),
        (None, Some(c)) => word.extend(c.encode_utf8(&mut [0; 4]).bytes()),
        (None, None) => {
            word.push(b'\\');
            return 0;
        }
    }
    skip + digits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_and_escapes_as_systemd_reads_them() {
        for (value, want) in [
            (r"a  b\sc", &["a", "b c"][..]),
            (
                r#""one two" 'th"ree' x"y z"w"#,
                &["one two", "th\"ree", "xy zw"],
            ),
            (r"\x41\102 \u00e4 keep\d", &["AB", "ä", r"keep\d"]),
            (r#""" b"#, &["", "b"]),
            (r#""open end"#, &["open end"]),
            (r"tail\", &[r"tail\"]),
            ("", &[]),
        ] {
            let got: Vec<_> = words(value.as_bytes())
                .iter()
                .map(|w| String::from_utf8_lossy(w).into_owned())
                .collect();
            assert_eq!(got, want, "{value}");
        }
    }
}
