//! Python without the functions that nobody asks for: of a library few words are of interest, and
//! a syntax tree costs a hundred times as much as a search.

/// The text with every function left out in which nothing stands that `keeps` asks for. Lines keep
/// their numbers, and what is outside of functions stays as it is.
#[must_use]
pub fn excerpt(text: &[u8], keeps: impl Fn(&[u8]) -> bool) -> Vec<u8> {
    let lines = lines(text);
    let mut out = Vec::with_capacity(text.len() / 4);
    let mut at = 0;
    while let Some(line) = lines.get(at) {
        let bytes = &text[line.start..line.end];
        let end = at + 1 + body(line, &lines[at + 1..]);
        let function = &text[line.start..lines[end - 1].end];
        if end == at + 1 || keeps(function) {
            out.extend_from_slice(bytes);
            at += 1;
            continue;
        }
        out.extend_from_slice(&bytes[..line.indent.unwrap_or(0)]);
        out.extend_from_slice(b"def _(): pass");
        out.resize(out.len() + (end - at), b'\n');
        at = end;
    }
    out
}

/// How many of the lines `below` belong to the function that begins with `line`.
fn body(line: &Line, below: &[Line]) -> usize {
    if !line.opens {
        return 0;
    }
    let belongs =
        |next: &&Line| !next.begins || next.indent.is_none_or(|own| Some(own) > line.indent);
    below.iter().take_while(belongs).count()
}

/// A line with its end.
struct Line {
    start: usize,
    end: usize,
    /// Whether a statement may begin here: not within brackets or a string of several lines, nor
    /// behind a backslash (The Python Language Reference, 2.1).
    begins: bool,
    /// Whether a function begins here.
    opens: bool,
    /// The blanks before its first word; nothing where it has none, or a comment.
    indent: Option<usize>,
}

fn lines(text: &[u8]) -> Vec<Line> {
    let mut found = Vec::new();
    let mut inside = Inside::default();
    let mut start = 0;
    for line in text.split_inclusive(|byte| *byte == b'\n') {
        let end = start + line.len();
        let indent = line
            .iter()
            .take_while(|byte| matches!(byte, b' ' | b'\t'))
            .count();
        let first = line.get(indent).copied().unwrap_or(b'\n');
        found.push(Line {
            start,
            end,
            begins: inside.begins(),
            opens: inside.begins() && is_function(line),
            indent: (!matches!(first, b'\n' | b'\r' | b'#')).then_some(indent),
        });
        inside.line(line);
        start = end;
    }
    found
}

fn is_function(line: &[u8]) -> bool {
    let line = line.trim_ascii_start();
    let line = line.strip_prefix(b"async ").unwrap_or(line);
    line.trim_ascii_start().starts_with(b"def ")
}

/// What a line begins in.
#[derive(Default)]
struct Inside {
    brackets: usize,
    /// The quote of a string in three quotes.
    string: Option<u8>,
    continued: bool,
}

impl Inside {
    fn begins(&self) -> bool {
        self.brackets == 0 && self.string.is_none() && !self.continued
    }

    /// Takes a line.
    fn line(&mut self, line: &[u8]) {
        self.continued = false;
        let mut at = 0;
        while let Some(&byte) = line.get(at) {
            let triple = line.get(at..at + 3).is_some_and(|three| three == [byte; 3]);
            match (self.string, byte) {
                (_, b'\\') => {
                    let next = line.get(at + 1);
                    self.continued = self.string.is_none() && matches!(next, Some(b'\n' | b'\r'));
                    at += 1;
                }
                (Some(quote), _) if quote == byte && triple => {
                    self.string = None;
                    at += 2;
                }
                (Some(_), _) => {}
                (None, b'#') => return,
                (None, b'"' | b'\'') if triple => {
                    self.string = Some(byte);
                    at += 2;
                }
                (None, b'"' | b'\'') => at = closed(line, at, byte),
                (None, b'(' | b'[' | b'{') => self.brackets += 1,
                (None, b')' | b']' | b'}') => self.brackets = self.brackets.saturating_sub(1),
                _ => {}
            }
            at += 1;
        }
    }
}

/// Where a string of one line that is opened at `at` is closed; the line's end where it is not.
fn closed(line: &[u8], at: usize, quote: u8) -> usize {
    let mut here = at + 1;
    while let Some(&byte) = line.get(here) {
        match byte {
            b'\\' => here += 1,
            _ if byte == quote => return here,
            _ => {}
        }
        here += 1;
    }
    line.len()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn kept(text: &str) -> String {
        let asked = |part: &[u8]| memchr::memmem::find(part, b"tempfile").is_some();
        String::from_utf8(excerpt(text.as_bytes(), asked)).unwrap()
    }

    #[test]
    fn functions_without_what_is_asked_for_are_left_out() {
        let text = "X = 1\n@once\ndef f(a,\nb):\n    '''\nno end\n'''\n\n    return a\ndef g():\n    return tempfile.mkdtemp()\n";
        let want =
            "X = 1\n@once\ndef _(): pass\n\n\n\n\n\n\ndef g():\n    return tempfile.mkdtemp()\n";
        assert_eq!(kept(text), want);
    }

    #[test]
    fn a_method_beside_the_one_that_is_asked_for_is_left_out() {
        let text = "class A:\n    async def f(self):\n        # def\n  # x\n        pass\n\n    def g(self):\n        def h():\n            pass\n        tempfile\n";
        let want = "class A:\n    def _(): pass\n\n\n\n\n    def g(self):\n        def _(): pass\n\n        tempfile\n";
        assert_eq!(kept(text), want);
    }

    #[test]
    fn strings_brackets_and_backslashes_begin_nothing() {
        for text in [
            "x = \"\"\"\ndef f(): pass\n\"\"\"\n",
            "x = (\ndef f(): pass\n)\n",
            "x = '\\'' + \"'\" \\\ndef f(): pass\n",
            "x = 'a # b' # '''\nx = {'''\n''': (\n)}\nx = tempfile\n",
        ] {
            assert_eq!(kept(text), text);
        }
    }

    proptest! {
        #[test]
        fn lines_keep_their_numbers(text in "([ \t]{0,4}(def f\\(|\\)|:|'''|'|\"|#|\\\\|tempfile|x)*\n){0,20}") {
            let kept = excerpt(text.as_bytes(), |part| memchr::memmem::find(part, b"tempfile").is_some());
            let count = |text: &[u8]| text.iter().filter(|byte| **byte == b'\n').count();
            prop_assert_eq!(count(&kept), count(text.as_bytes()));
        }
    }
}
