//! Files of `NAME=value` lines: `EnvironmentFile=`, `/etc/default`, `/etc/sysconfig`, os-release.

use super::line::text;

/// One assignment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assignment {
    /// Line from 1.
    pub line: u32,
    /// Name.
    pub name: String,
    /// Value without quotes; variables in it stay as written.
    pub value: Vec<u8>,
}

/// The assignments of a file, and the numbers of the lines that are something else.
///
/// systemd.exec(5): comments begin with `#` or `;`, quotes of both kinds, a backslash joins lines,
/// nothing is expanded. A leading `export` is passed over: init scripts source the same files.
#[must_use]
pub fn parse(file: &[u8]) -> (Vec<Assignment>, Vec<u32>) {
    let mut found = Vec::new();
    let mut odd = Vec::new();
    let mut scan = Scan {
        text: file,
        at: 0,
        line: 1,
    };
    while scan.at < file.len() {
        let line = scan.line;
        let before = scan.at;
        match scan.assignment() {
            Some((name, value)) => found.push(Assignment { line, name, value }),
            None => {
                scan.at = before;
                scan.line = line;
                if scan.skip_line() {
                    odd.push(line);
                }
            }
        }
    }
    (found, odd)
}

struct Scan<'a> {
    text: &'a [u8],
    at: usize,
    line: u32,
}

impl Scan<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn blanks(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\r')) {
            self.at += 1;
        }
    }

    /// Passes over the rest of a line; whether it said anything but a comment.
    fn skip_line(&mut self) -> bool {
        let rest = &self.text[self.at..];
        let end = rest.iter().position(|&b| b == b'\n');
        let line = rest[..end.unwrap_or(rest.len())].trim_ascii();
        self.at += end.map_or(rest.len(), |end| end + 1);
        self.line += u32::from(end.is_some());
        !matches!(line.first(), None | Some(b'#' | b';'))
    }

    fn assignment(&mut self) -> Option<(String, Vec<u8>)> {
        self.blanks();
        if let Some(after) = self.text[self.at..].strip_prefix(b"export")
            && matches!(after.first(), Some(b' ' | b'\t'))
        {
            self.at += "export".len();
            self.blanks();
        }
        let start = self.at;
        while self
            .peek()
            .is_some_and(|b| b.is_ascii_alphanumeric() || b == b'_')
        {
            self.at += 1;
        }
        let name = &self.text[start..self.at];
        if name.first().is_none_or(u8::is_ascii_digit) || self.peek() != Some(b'=') {
            return None;
        }
        self.at += 1;
        Some((text(name), self.value()))
    }

    /// The value up to the end of its line. What follows it on the line, a comment or in a shell
    /// another command, is passed over.
    fn value(&mut self) -> Vec<u8> {
        let mut out = Vec::new();
        let mut quote = None;
        let mut kept = 0;
        while let Some(byte) = self.peek() {
            self.at += 1;
            self.line += u32::from(byte == b'\n');
            match (byte, quote) {
                (b'\n', None) => break,
                (b'"' | b'\'', None) => quote = Some(byte),
                (_, Some(open)) if byte == open => quote = None,
                (b'\\', None | Some(b'"')) => self.escape(quote, &mut out),
                (b'#', None) if out.last().is_some_and(u8::is_ascii_whitespace) => {
                    self.skip_line();
                    break;
                }
                _ => out.push(byte),
            }
            if quote.is_some() || !matches!(byte, b' ' | b'\t' | b'\r') {
                kept = out.len();
            }
        }
        out.truncate(kept);
        out
    }

    fn escape(&mut self, quote: Option<u8>, out: &mut Vec<u8>) {
        match self.peek() {
            Some(b'\n') => {
                self.at += 1;
                self.line += 1;
            }
            Some(byte) if quote.is_none() || b"\"\\`$".contains(&byte) => {
                self.at += 1;
                out.push(byte);
            }
            _ => out.push(b'\\'),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_comments_continuations_and_export() {
        let (found, odd) = parse(
            b"# top\nA=1\nexport B=\"x y\"  # note\n;C=no\nD='a\n b' \nE=one \\\n two\nF=a\"b c\"d\\ e\n\nif true; then\n  G=/x/$H\nfi\nI=\n#J=2\n",
        );
        let show: Vec<_> = found
            .iter()
            .map(|a| (a.line, a.name.as_str(), text(&a.value)))
            .collect();
        let want = [
            (2, "A", "1"),
            (3, "B", "x y"),
            (5, "D", "a\n b"),
            (7, "E", "one  two"),
            (9, "F", "ab cd e"),
            (12, "G", "/x/$H"),
            (14, "I", ""),
        ];
        let want: Vec<_> = want
            .iter()
            .map(|(l, n, v)| (*l, *n, (*v).to_owned()))
            .collect();
        assert_eq!(show, want);
        assert_eq!(odd, [11, 13]);
    }

    #[test]
    fn a_hash_within_a_word_is_no_comment() {
        assert_eq!(parse(b"A=x#y").0[0].value, b"x#y");
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_read(file: Vec<u8>, text in r#"[A-Z='"\\ \n#$]{0,60}"#) {
            let _ = parse(&file);
            let _ = parse(text.as_bytes());
        }
    }
}
