//! The form of Debian's control files (deb822(5)): paragraphs of `Field: value`, with further
//! lines of a value indented.

/// A paragraph.
#[derive(Debug)]
pub struct Paragraph<'a> {
    /// The line it begins on, from 1.
    pub line: u32,
    fields: Vec<Field<'a>>,
}

#[derive(Debug)]
struct Field<'a> {
    name: &'a [u8],
    /// The rest of the first line, then the further lines, as written.
    value: &'a [u8],
}

impl<'a> Paragraph<'a> {
    /// The value of a field as written, without the blanks around it.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&'a [u8]> {
        self.fields
            .iter()
            .find(|field| field.name.eq_ignore_ascii_case(name.as_bytes()))
            .map(|field| field.value.trim_ascii())
    }

    /// As [`Paragraph::get`], for people.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<String> {
        self.get(name)
            .map(|value| String::from_utf8_lossy(value).into_owned())
    }

    /// The lines of a value, without the blanks around each.
    pub fn lines(&self, name: &str) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        self.get(name)
            .unwrap_or_default()
            .split(|&b| b == b'\n')
            .map(<[u8]>::trim_ascii)
    }
}

/// The paragraphs of a text. A line that is neither a field nor part of one is left out.
#[must_use]
pub fn paragraphs(text: &[u8]) -> Paragraphs<'_> {
    Paragraphs {
        text,
        at: 0,
        line: 0,
    }
}

/// See [`paragraphs`].
#[derive(Debug)]
pub struct Paragraphs<'a> {
    text: &'a [u8],
    at: usize,
    line: u32,
}

impl<'a> Iterator for Paragraphs<'a> {
    type Item = Paragraph<'a>;

    fn next(&mut self) -> Option<Paragraph<'a>> {
        let mut found = Paragraph {
            line: 0,
            fields: Vec::new(),
        };
        // Where the value that is being read begins.
        let mut value: Option<usize> = None;
        loop {
            let start = self.at;
            let rest = self.text.get(start..).filter(|rest| !rest.is_empty());
            let Some(rest) = rest else {
                return (found.line > 0).then_some(found);
            };
            let end = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
            let line = rest.get(..end).unwrap_or_default();
            self.at = start + end + 1;
            self.line = self.line.saturating_add(1);
            match line.first() {
                Some(b'#') => {}
                Some(b' ' | b'\t') if !line.trim_ascii().is_empty() => {
                    if let (Some(from), Some(field)) = (value, found.fields.last_mut()) {
                        field.value = self.text.get(from..start + end).unwrap_or_default();
                    }
                }
                _ if line.trim_ascii().is_empty() => {
                    if found.line > 0 {
                        return Some(found);
                    }
                }
                _ => {
                    let Some(colon) = memchr::memchr(b':', line) else {
                        value = None;
                        continue;
                    };
                    if found.line == 0 {
                        found.line = self.line;
                    }
                    value = Some(start + colon + 1);
                    found.fields.push(Field {
                        name: line.get(..colon).unwrap_or_default(),
                        value: line.get(colon + 1..).unwrap_or_default(),
                    });
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_have_their_further_lines_and_paragraphs_their_place() {
        let text = b"\n\nA: 1\nLong:\n x\n  y\nstray\n not of Long\nb:2\n \nA: 3\r\n";
        let found: Vec<_> = paragraphs(text).collect();
        assert_eq!(found.len(), 2);
        assert_eq!((found[0].line, found[1].line), (3, 11));
        assert_eq!(found[0].get("a"), Some(&b"1"[..]));
        assert_eq!(found[0].lines("Long").collect::<Vec<_>>(), [b"x", b"y"]);
        assert_eq!(found[0].get("B"), Some(&b"2"[..]));
        assert_eq!(found[1].get("A"), Some(&b"3"[..]));
        assert_eq!(found[1].get("b"), None);
    }

    #[test]
    fn a_comment_does_not_end_a_value() {
        let text = b"A:\n 1\n# note\n 2\n";
        let found: Vec<_> = paragraphs(text).collect();
        assert_eq!(
            found[0].lines("A").collect::<Vec<_>>(),
            [&b"1"[..], b"# note", b"2"]
        );
    }
}
