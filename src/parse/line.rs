//! Lines and fields of plain tables in `/etc`.

/// The lines with their numbers from 1, without line ends.
pub fn lines(text: &[u8]) -> impl Iterator<Item = (u32, &[u8])> {
    (1u32..).zip(
        text.split(|&b| b == b'\n')
            .map(|line| line.strip_suffix(b"\r").unwrap_or(line)),
    )
}

/// As [`lines`], white space trimmed, without empty lines and those that begin with `#`.
pub fn entries(text: &[u8]) -> impl Iterator<Item = (u32, &[u8])> {
    lines(text)
        .map(|(number, line)| (number, line.trim_ascii()))
        .filter(|(_, line)| !line.is_empty() && !line.starts_with(b"#"))
}

/// As [`entries`], but a backslash at the end of a line joins the next to it.
#[must_use]
pub fn joined(text: &[u8]) -> Vec<(u32, Vec<u8>)> {
    let mut found = Vec::new();
    let mut open: Option<(u32, Vec<u8>)> = None;
    for (number, line) in lines(text) {
        let (first, mut whole) = open.take().unwrap_or((number, Vec::new()));
        if let Some(head) = line.strip_suffix(b"\\") {
            whole.extend_from_slice(head);
            open = Some((first, whole));
        } else {
            whole.extend_from_slice(line);
            found.push((first, whole));
        }
    }
    found.extend(open);
    for (_, line) in &mut found {
        *line = line.trim_ascii().to_vec();
    }
    found.retain(|(_, line)| !line.is_empty() && !line.starts_with(b"#"));
    found
}

/// The parts of a line between white space.
pub fn fields(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    line.split(u8::is_ascii_whitespace)
        .filter(|field| !field.is_empty())
}

/// The first field and what follows it, trimmed.
#[must_use]
pub fn first_field(line: &[u8]) -> (&[u8], &[u8]) {
    let line = line.trim_ascii();
    let end = line
        .iter()
        .position(u8::is_ascii_whitespace)
        .unwrap_or(line.len());
    let (first, rest) = line.split_at(end);
    (first, rest.trim_ascii())
}

/// Two sides of the first `mark`, trimmed; nothing without one.
#[must_use]
pub fn split_once(line: &[u8], mark: u8) -> Option<(&[u8], &[u8])> {
    let at = line.iter().position(|&b| b == mark)?;
    Some((line[..at].trim_ascii(), line[at + 1..].trim_ascii()))
}

/// Bytes as text, what is not UTF-8 replaced: for names and words, not for paths.
#[must_use]
pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A decimal number.
#[must_use]
pub fn number<T: std::str::FromStr>(field: &[u8]) -> Option<T> {
    std::str::from_utf8(field).ok()?.parse().ok()
}

/// Permission bits in octal.
#[must_use]
pub fn octal(field: &[u8]) -> Option<u32> {
    let bits = u32::from_str_radix(std::str::from_utf8(field).ok()?, 8).ok()?;
    (bits <= 0o7777).then_some(bits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_skip_comments_and_keep_numbers() {
        let found: Vec<_> = entries(b"\n# x\n a b \r\n\tc\n").collect();
        assert_eq!(found, [(3, &b"a b"[..]), (4, b"c")]);
    }

    #[test]
    fn joined_lines_keep_the_number_of_the_first() {
        let found = joined(b"a \\\n b\nc\\");
        assert_eq!(found, [(1, b"a  b".to_vec()), (3, b"c".to_vec())]);
    }

    #[test]
    fn permission_bits_are_octal_and_bounded() {
        assert_eq!(octal(b"2750"), Some(0o2750));
        assert_eq!(octal(b"77777"), None);
        assert_eq!(octal(b"u+x"), None);
    }
}
