//! JSON, with what people write into it: comments, trailing commas, bare keys.

use super::{Separator, Sink};

enum Open {
    /// An object, with the key whose value comes next.
    Object(Option<String>),
    Array,
}

/// Reads a JSON document.
pub(super) fn read(text: &str, sink: &mut Sink) {
    let mut reader = Reader {
        rest: text,
        line: 1,
        open: Vec::new(),
        sink,
    };
    while reader.step() {}
    if !reader.open.is_empty() {
        reader
            .sink
            .fault(0, false, "the document ends within an object or array");
    }
}

struct Reader<'t, 's> {
    rest: &'t str,
    line: usize,
    open: Vec<Open>,
    sink: &'s mut Sink,
}

impl<'t> Reader<'t, '_> {
    fn take(&mut self, length: usize) -> &'t str {
        let (taken, rest) = self.rest.split_at(length.min(self.rest.len()));
        self.line += taken.bytes().filter(|&b| b == b'\n').count();
        self.rest = rest;
        taken
    }

    fn step(&mut self) -> bool {
        let Some(c) = self.rest.chars().next() else {
            return false;
        };
        let line = self.line;
        match c {
            '{' | '[' => {
                self.take(1);
                self.begin(c);
            }
            '}' | ']' => {
                self.take(1);
                if self.open.pop().is_some() {
                    self.sink.close();
                }
            }
            '"' | '\'' => {
                let text = self.string(c);
                self.scalar(line, text);
            }
            '#' => self.skip_line(),
            '/' if self.rest.starts_with("//") => self.skip_line(),
            '/' if self.rest.starts_with("/*") => {
                let end = self.rest.find("*/").map_or(self.rest.len(), |end| end + 2);
                self.take(end);
            }
            ',' => {
                self.take(1);
                if let Some(Open::Object(key)) = self.open.last_mut() {
                    *key = None;
                }
            }
            c if c.is_whitespace() || c == ':' => {
                self.take(c.len_utf8());
            }
            _ => {
                let end = self
                    .rest
                    .find(|c: char| c.is_whitespace() || ",:{}[]\"'".contains(c))
                    .unwrap_or(self.rest.len());
                let word = self.take(end.max(c.len_utf8()));
                self.scalar(line, word.to_owned());
            }
        }
        true
    }

    fn skip_line(&mut self) {
        let end = self.rest.find('\n').unwrap_or(self.rest.len());
        self.take(end);
    }

    fn begin(&mut self, bracket: char) {
        let name = match self.open.last_mut() {
            Some(Open::Object(key)) => key.take(),
            _ => None,
        };
        match name {
            Some(name) => self.sink.open(&name),
            None => self.sink.open_item(),
        }
        self.open.push(if bracket == '{' {
            Open::Object(None)
        } else {
            Open::Array
        });
    }

    fn scalar(&mut self, line: usize, text: String) {
        match self.open.last_mut() {
            Some(Open::Object(key)) => match key.take() {
                Some(key) => self.sink.add(line, &[&key], &text, Separator::Colon),
                None => *key = Some(text),
            },
            Some(Open::Array) => self.sink.add(line, &[], &text, Separator::Colon),
            None => {}
        }
    }

    fn string(&mut self, quote: char) -> String {
        self.take(1);
        let mut out = String::new();
        loop {
            let end = self.rest.find([quote, '\\']).unwrap_or(self.rest.len());
            out.push_str(self.take(end));
            if !self.rest.starts_with('\\') {
                self.take(1);
                return out;
            }
            self.take(1);
            let Some(c) = self.rest.chars().next() else {
                return out;
            };
            self.take(c.len_utf8());
            match c {
                'n' => out.push('\n'),
                't' => out.push('\t'),
                'r' | 'b' | 'f' => out.push(' '),
                'u' => {
                    let code = self
                        .rest
                        .get(..4)
                        .and_then(|hex| u32::from_str_radix(hex, 16).ok());
                    if let Some(code) = code {
                        self.take(4);
                        out.push(char::from_u32(code).unwrap_or('\u{fffd}'));
                    }
                }
                c => out.push(c),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::live;
    use super::super::{Form, parse};

    #[test]
    fn objects_arrays_comments_and_trailing_commas() {
        let text = "{ // c\n \"a\": {\"path\": \"/v\\u0061r\\/x\", /* y */ \"n\": 12,},\n# z\n \"l\": [\"/a\", {\"b\": true}],\n bare: 'q',\n}";
        assert_eq!(
            live(Form::Json, text),
            ["a.path=/var/x", "a.n=12", "l=/a", "l.b=true", "bare=q"]
        );
    }

    #[test]
    fn lines_are_those_of_the_value() {
        let parsed = parse(
            Form::Json,
            b"{\n\"a\":\n1,\n\"b\": [{\"c\": 2},\n{\"c\": 3}]}",
        );
        let seen: Vec<_> = parsed
            .settings
            .iter()
            .map(|s| (s.name(), s.line, s.block))
            .collect();
        assert_eq!(seen, [("a", 3, 1), ("c", 4, 3), ("c", 5, 4)]);
        assert!(parsed.faults.is_empty());
    }
}
