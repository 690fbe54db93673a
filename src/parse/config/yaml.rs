//! YAML, by its events: aliases are never followed into collections, so a small file stays small.

use std::collections::BTreeMap;

use saphyr_parser::{Event, Parser};

use super::lines::{self, commented};
use super::{Separator, Sink};

/// A value behind an anchor is kept up to this length.
const MAX_ANCHORED: usize = 256;

enum Open {
    /// A mapping: the key whose value comes next; and whether a section was opened for it.
    Map(Option<String>),
    List,
    /// A collection that is itself a key.
    Key,
}

/// Reads a stream of YAML documents; the lines of one that is broken are read as `key: value`.
pub(super) fn read(text: &str, sink: &mut Sink) {
    let mut open: Vec<Open> = Vec::new();
    let mut anchors: BTreeMap<usize, String> = BTreeMap::new();
    for event in Parser::new_from_str(text) {
        let Ok((event, span)) = event else {
            let settings = std::mem::take(&mut sink.parsed.settings);
            sink.close_to(0);
            lines::read(text, sink);
            // Templates of configuration are the usual case: most of their lines are settings.
            if sink.parsed.settings.len() < settings.len() {
                sink.parsed.settings = settings;
            }
            sink.fault(0, false, "not valid YAML; its lines were read one by one");
            return;
        };
        let line = span.start.line();
        match event {
            Event::Scalar(value, _, anchor, _) => {
                if anchor > 0 && value.len() <= MAX_ANCHORED {
                    anchors.insert(anchor, value.to_string());
                }
                scalar(&mut open, line, value.into_owned(), sink);
            }
            Event::Alias(anchor) => {
                let value = anchors.get(&anchor).cloned().unwrap_or_default();
                scalar(&mut open, line, value, sink);
            }
            Event::MappingStart(..) => begin(&mut open, Open::Map(None), sink),
            Event::SequenceStart(..) => begin(&mut open, Open::List, sink),
            Event::MappingEnd | Event::SequenceEnd => {
                sink.close();
                if let Some(Open::Key) = open.pop()
                    && let Some(Open::Map(key)) = open.last_mut()
                {
                    *key = Some(String::new());
                }
            }
            _ => {}
        }
    }
    comments(text, sink);
}

fn begin(open: &mut Vec<Open>, next: Open, sink: &mut Sink) {
    match open.last_mut() {
        Some(Open::Map(key)) => match key.take() {
            Some(name) => {
                sink.open(&name);
                open.push(next);
            }
            None => {
                sink.open_item();
                open.push(Open::Key);
            }
        },
        _ => {
            sink.open_item();
            open.push(next);
        }
    }
}

fn scalar(open: &mut [Open], line: usize, value: String, sink: &mut Sink) {
    match open.last_mut() {
        Some(Open::Map(key)) => match key.take() {
            Some(key) => sink.add(line, &[&key], &value, Separator::Colon),
            None => *key = Some(value),
        },
        Some(Open::List) => sink.add(line, &[], &value, Separator::Colon),
        _ => {}
    }
}

fn comments(text: &str, sink: &mut Sink) {
    for (number, line) in text.lines().enumerate() {
        if let Some(comment) = line.trim().strip_prefix('#')
            && let Some((key, value, Separator::Colon)) = commented(comment, Separator::Colon)
        {
            sink.add_commented(number + 1, &[&key], &value, Separator::Colon);
        }
    }
    sink.parsed.settings.sort_by_key(|setting| setting.line);
}

#[cfg(test)]
mod tests {
    use super::super::tests::live;
    use super::super::{Form, parse};

    #[test]
    fn mappings_lists_and_scalar_aliases() {
        let text =
            "a: &x /var/x\nb:\n  c: \"/y\"\n  l:\n    - /p\n    - path: /q\n      n: 1\nd: *x\n";
        assert_eq!(
            live(Form::Yaml, text),
            [
                "a=/var/x",
                "b.c=/y",
                "b.l=/p",
                "b.l.path=/q",
                "b.l.n=1",
                "d=/var/x"
            ]
        );
    }

    #[test]
    fn lines_and_comments() {
        let parsed = parse(Form::Yaml, b"# path.data: /var/lib/x\na:\n  b: 1\n");
        let seen: Vec<_> = parsed
            .settings
            .iter()
            .map(|s| (s.name(), s.line, s.commented))
            .collect();
        assert_eq!(seen, [("path.data", 1, true), ("b", 3, false)]);
    }

    #[test]
    fn a_template_is_read_by_its_lines() {
        let text = "server:\n  dir: /var/x\n  key: {{ secret }}: [\n  log: /var/log/x\n";
        let parsed = parse(Form::Yaml, text.as_bytes());
        assert!(!parsed.faults.is_empty());
        assert!(
            parsed
                .settings
                .iter()
                .any(|s| s.name() == "log" && s.value == "/var/log/x")
        );
    }
}
