//! XML: attributes, text of elements, and the many ways to write a name and a value.
//!
//! What is not well-formed, and what defines entities of its own, is read by a plain scan of its
//! tags: some programs call a file XML that no XML reader takes, and entities can grow without
//! bound.

use std::collections::BTreeSet;

use roxmltree::{Document, NodeType, ParsingOptions};

use super::toml::{line_at, line_starts};
use super::{Separator, Sink};

/// How many nodes of a document are read.
const MAX_NODES: u32 = 400_000;

/// Reads an XML document.
pub(super) fn read(text: &str, sink: &mut Sink) {
    let options = ParsingOptions {
        allow_dtd: true,
        nodes_limit: MAX_NODES,
        ..ParsingOptions::default()
    };
    let document = if text.contains("<!ENTITY") {
        None
    } else {
        Document::parse_with_options(text, options).ok()
    };
    let starts = line_starts(text);
    let mut settings = Settings {
        sink,
        frames: Vec::new(),
    };
    match document {
        Some(document) => walk(&document, &starts, &mut settings),
        None => {
            scan(text, &starts, &mut settings);
            settings.sink.fault(
                0,
                false,
                "not well-formed XML; its tags were read one by one",
            );
        }
    }
}

fn walk(document: &Document<'_>, starts: &[usize], settings: &mut Settings<'_>) {
    use roxmltree::NodeId;
    // Iterative: a document may nest deeper than a stack.
    let mut next = Some(document.root_element());
    let mut ends: Vec<NodeId> = Vec::new();
    while let Some(node) = next {
        match node.node_type() {
            NodeType::Element => {
                let attributes = node
                    .attributes()
                    .map(|a| (a.name().to_owned(), a.value().to_owned()))
                    .collect();
                let line = line_at(starts, node.range().start);
                settings.start(node.tag_name().name(), attributes, line);
                if let Some(child) = node.first_child() {
                    ends.push(node.id());
                    next = Some(child);
                    continue;
                }
                settings.end();
            }
            NodeType::Text => settings.text(node.text().unwrap_or("")),
            _ => {}
        }
        next = node.next_sibling();
        while next.is_none() {
            let Some(parent) = ends.pop().and_then(|id| document.get_node(id)) else {
                return;
            };
            settings.end();
            next = if ends.is_empty() {
                None
            } else {
                parent.next_sibling()
            };
            if ends.is_empty() {
                return;
            }
        }
    }
}

/// Tags by their brackets alone. One that is nowhere closed holds nothing.
fn scan(text: &str, starts: &[usize], settings: &mut Settings<'_>) {
    let ends = text.match_indices("</").map(|(at, _)| {
        let name = &text[at + 2..];
        let end = name.find(|c: char| c == '>' || c.is_whitespace());
        &name[..end.unwrap_or(0)]
    });
    let closed: BTreeSet<&str> = ends.collect();
    let mut rest = text;
    while let Some(at) = rest.find('<') {
        settings.text(rest[..at].trim());
        rest = &rest[at..];
        let offset = text.len() - rest.len();
        let skip = |end: &str| rest.find(end).map_or(rest.len(), |at| at + end.len());
        let length = if rest.starts_with("<!--") {
            skip("-->")
        } else if let Some(inner) = rest.strip_prefix("<![CDATA[") {
            settings.text(inner.split("]]>").next().unwrap_or(""));
            skip("]]>")
        } else if rest.starts_with("<!") || rest.starts_with("<?") {
            skip(">")
        } else if rest.starts_with("</") {
            let length = skip(">");
            settings.end_of(rest[2..length].trim_end_matches('>').trim());
            length
        } else {
            tag(rest, line_at(starts, offset), &closed, settings)
        };
        rest = &rest[length.min(rest.len())..];
    }
}

/// Reads `<name attribute="value" …>` and gives its length.
fn tag(text: &str, line: usize, closed: &BTreeSet<&str>, settings: &mut Settings<'_>) -> usize {
    let name_end = text[1..]
        .find(|c: char| !c.is_alphanumeric() && !"_-.:".contains(c))
        .map_or(text.len(), |end| end + 1);
    let name = &text[1..name_end];
    if name.is_empty() {
        return 1;
    }
    let mut attributes = Vec::new();
    let mut rest = &text[name_end..];
    loop {
        rest = rest.trim_start();
        if rest.is_empty() || rest.starts_with(['>', '<']) || rest.starts_with("/>") {
            break;
        }
        let key_end = rest
            .find(|c: char| c.is_whitespace() || "=></".contains(c))
            .unwrap_or(rest.len());
        let (key, after) = rest.split_at(key_end);
        let after = after.trim_start();
        let value = after.strip_prefix('=').map(str::trim_start);
        let quote = value
            .and_then(|v| v.chars().next())
            .filter(|c| matches!(c, '"' | '\''));
        rest = match (value, quote) {
            (Some(value), Some(quote)) => {
                let end = value[1..].find(quote).map_or(value.len(), |end| end + 1);
                attributes.push((key.to_owned(), value[1..end].to_owned()));
                value.get(end + 1..).unwrap_or("")
            }
            // No attribute: one character further, so that this ends.
            _ if key.is_empty() => &rest[rest.chars().next().map_or(0, char::len_utf8)..],
            _ => after.strip_prefix('=').unwrap_or(after),
        };
    }
    let empty = rest.starts_with("/>");
    let mut length = text.len() - rest.len();
    length += if empty {
        2
    } else {
        usize::from(rest.starts_with('>'))
    };
    settings.start(name, attributes, line);
    if empty || !closed.contains(name) {
        settings.end();
    }
    length
}

/// Makes settings of elements.
struct Settings<'s> {
    sink: &'s mut Sink,
    frames: Vec<Frame>,
}

struct Frame {
    name: String,
    line: usize,
    /// `name="…"` or `key="…"` of the element: what its text is the value of.
    label: Option<String>,
    text: String,
    /// The text of a child `…-name`, which a child `…-value` follows.
    awaited: Option<String>,
    inner: bool,
}

impl Settings<'_> {
    fn start(&mut self, name: &str, attributes: Vec<(String, String)>, line: usize) {
        if let Some(parent) = self.frames.last_mut() {
            parent.inner = true;
        }
        let of = |keys: &[&str]| {
            let found = attributes
                .iter()
                .find(|(key, _)| keys.contains(&key.as_str()));
            found.map(|(_, value)| value.clone())
        };
        let label = of(&["name", "key", "property", "paramName"]);
        if let Some(label) = &label
            && let Some(value) = of(&["value", "default"])
        {
            self.sink.add(line, &[label], &value, Separator::Markup);
        }
        self.sink.open(name);
        for (key, value) in &attributes {
            if !key.starts_with("xmlns") && !key.ends_with("schemaLocation") {
                self.sink.add(line, &[key], value, Separator::Markup);
            }
        }
        self.frames.push(Frame {
            name: name.to_owned(),
            line,
            label,
            text: String::new(),
            awaited: None,
            inner: false,
        });
    }

    fn text(&mut self, text: &str) {
        if let Some(frame) = self.frames.last_mut()
            && frame.text.len() < super::MAX_VALUE
        {
            frame.text.push_str(text);
        }
    }

    fn end(&mut self) {
        let Some(frame) = self.frames.pop() else {
            return;
        };
        self.sink.close();
        let text = frame.text.trim();
        if frame.inner || text.is_empty() {
            return;
        }
        let awaited = self.frames.last_mut().and_then(|parent| {
            if frame.name.ends_with("name") {
                parent.awaited = Some(text.to_owned());
                None
            } else if frame.name.ends_with("value") {
                parent.awaited.take()
            } else {
                None
            }
        });
        let key = frame.label.or(awaited).unwrap_or(frame.name);
        self.sink.add(frame.line, &[&key], text, Separator::Markup);
    }

    /// Ends the innermost element of that name, and those inside it that were left open.
    fn end_of(&mut self, name: &str) {
        let near = self
            .frames
            .iter()
            .rev()
            .take(8)
            .position(|f| f.name == name);
        for _ in 0..near.map_or(0, |inside| inside + 1) {
            self.end();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::live;
    use super::super::{Form, parse};

    #[test]
    fn attributes_texts_and_named_values() {
        let text = "<?xml version='1.0'?>\n<!DOCTYPE c SYSTEM 'c.dtd'>\n<c>\n <Connector port=\"8080\"/>\n\
                    <appender class=\"File\"><file>logs/a.log</file></appender>\n\
                    <property name=\"dir\" value=\"/var/x\"/>\n <entry key=\"k\">/v</entry>\n\
                    <p><param-name>n</param-name><param-value>/w</param-value></p>\n</c>\n";
        assert_eq!(
            live(Form::Xml, text),
            [
                "c.Connector.port=8080",
                "c.appender.class=File",
                "c.appender.file=logs/a.log",
                "c.dir=/var/x",
                "c.property.name=dir",
                "c.property.value=/var/x",
                "c.entry.key=k",
                "c.k=/v",
                "c.p.param-name=n",
                "c.p.n=/w"
            ]
        );
        assert_eq!(parse(Form::Xml, text.as_bytes()).settings[0].line, 4);
    }

    #[test]
    fn what_is_not_well_formed_is_read_by_its_tags() {
        let text = "<bind address=\"\" port=\"6667\">\n<log method=\"file\" target='a.log'>\n<a><b>/x</b></a>";
        assert_eq!(
            live(Form::Xml, text),
            [
                "bind.address=",
                "bind.port=6667",
                "log.method=file",
                "log.target=a.log",
                "a.b=/x"
            ]
        );
        assert_eq!(parse(Form::Xml, text.as_bytes()).faults.len(), 1);
    }
}
