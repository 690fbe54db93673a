//! YAML as every reader takes it: all text in quotes, since YAML 1.1 reads `no`, `1e3` and `12:30`
//! as something else, and a reason beside what needs one.

use serde::ser::{Serialize, SerializeMap as _, SerializeSeq as _, Serializer};
use serde_saphyr::Commented;

/// A value of a YAML document.
#[derive(Clone, Debug)]
pub(super) enum Node {
    /// Text.
    Text(String),
    /// A number.
    Int(i64),
    /// Yes or no.
    Bool(bool),
    /// A sequence.
    List(Vec<Node>),
    /// A mapping, in the order given.
    Map(Vec<(String, Node)>),
    /// A scalar with a comment behind it.
    Note(Box<Node>, String),
}

impl Node {
    /// An empty mapping.
    pub(super) fn map() -> Self {
        Self::Map(Vec::new())
    }

    /// The mapping with one more entry.
    #[must_use]
    pub(super) fn with(mut self, key: &str, value: impl Into<Self>) -> Self {
        if let Self::Map(entries) = &mut self {
            entries.push((key.to_owned(), value.into()));
        }
        self
    }

    /// The mapping with the entries of another behind its own.
    #[must_use]
    pub(super) fn also(mut self, other: Self) -> Self {
        if let (Self::Map(entries), Self::Map(more)) = (&mut self, other) {
            entries.extend(more);
        }
        self
    }

    /// The mapping with one more entry, when there is a value.
    #[must_use]
    pub(super) fn with_some(self, key: &str, value: Option<impl Into<Self>>) -> Self {
        match value {
            Some(value) => self.with(key, value),
            None => self,
        }
    }

    /// The mapping with one more entry, when the list or mapping is not empty.
    #[must_use]
    pub(super) fn with_full(self, key: &str, value: Self) -> Self {
        match &value {
            Self::List(list) if list.is_empty() => self,
            Self::Map(map) if map.is_empty() => self,
            _ => self.with(key, value),
        }
    }

    /// The scalar with a comment behind it.
    #[must_use]
    pub(super) fn note(self, comment: &str) -> Self {
        let comment = crate::path::escape(comment.as_bytes()).into_owned();
        Self::Note(Box::new(self), comment)
    }

    /// The document as text.
    pub(super) fn text(&self) -> String {
        let options = serde_saphyr::ser_options! { quote_all: true };
        // Writing to memory fails for no value of this type.
        serde_saphyr::to_string_with_options(self, options).unwrap_or_default()
    }
}

impl From<&str> for Node {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Node {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<bool> for Node {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<u32> for Node {
    fn from(value: u32) -> Self {
        Self::Int(value.into())
    }
}

impl From<u16> for Node {
    fn from(value: u16) -> Self {
        Self::Int(value.into())
    }
}

impl From<i64> for Node {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<Vec<Node>> for Node {
    fn from(list: Vec<Self>) -> Self {
        Self::List(list)
    }
}

/// A sequence of texts.
pub(super) fn texts<T: AsRef<str>>(list: impl IntoIterator<Item = T>) -> Node {
    Node::List(
        list.into_iter()
            .map(|text| Node::from(text.as_ref()))
            .collect(),
    )
}

impl Serialize for Node {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Text(text) => serializer.serialize_str(text),
            Self::Int(number) => serializer.serialize_i64(*number),
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::List(list) => {
                let mut seq = serializer.serialize_seq(Some(list.len()))?;
                for node in list {
                    seq.serialize_element(node)?;
                }
                seq.end()
            }
            Self::Map(entries) => {
                let mut map = serializer.serialize_map(Some(entries.len()))?;
                for (key, value) in entries {
                    map.serialize_entry(key, value)?;
                }
                map.end()
            }
            Self::Note(node, comment) => {
                Commented(node.as_ref(), comment.clone()).serialize(serializer)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_stays_text_and_comes_back() {
        for text in [
            "no",
            "1e3",
            "12:30",
            "0o17",
            "~",
            "a: b",
            "# x",
            "- y",
            "",
            " x ",
            "\u{85}\u{2028}",
            "a\nb\t\u{1b}",
            "%TAG",
            "'\"",
            "\\",
            "2026-01-01",
            "=",
            "<<",
        ] {
            let yaml = Node::map().with("key", text).text();
            let back: std::collections::BTreeMap<String, serde_json::Value> =
                serde_saphyr::from_str(&yaml).unwrap();
            assert_eq!(back["key"], text, "{yaml}");
        }
    }

    #[test]
    fn a_comment_stays_on_its_line() {
        let yaml = Node::map()
            .with("caps", vec![Node::from("KILL").note("why\nkey: injected")])
            .text();
        assert_eq!(yaml.lines().count(), 2, "{yaml}");
        assert!(yaml.contains("# why\\x0akey"), "{yaml}");
    }
}
