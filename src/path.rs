//! Paths as the audited application sees them: bytes, absolute, inside the root.
//!
//! A path on the host that runs the audit is a `std::path::Path` and stays in `tree` and `main`;
//! everything that reaches a fact, a report or a manifest is an [`AppPath`].

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// An absolute, normalised path inside the audited root. Names need not be UTF-8.
///
/// Normalised means: starts with `/`, no empty component, no `.`, and `..` removed together with
/// the component before it (textually; symbolic links are the business of `tree`).
///
/// A component may hold patterns: `{name}` or `*` stand for one or more bytes other than `/`.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct AppPath(Box<[u8]>);

impl AppPath {
    /// The top of the root.
    #[must_use]
    pub fn root() -> Self {
        Self(Box::from(&b"/"[..]))
    }

    /// Normalises `bytes`; a path that is not absolute is taken from the top of the root.
    #[must_use]
    pub fn new(bytes: impl AsRef<[u8]>) -> Self {
        let bytes = bytes.as_ref();
        let mut out: Vec<u8> = Vec::with_capacity(bytes.len() + 1);
        for part in bytes.split(|&b| b == b'/') {
            match part {
                b"" | b"." => {}
                b".." => out.truncate(out.iter().rposition(|&b| b == b'/').unwrap_or(0)),
                _ => {
                    out.push(b'/');
                    out.extend_from_slice(part);
                }
            }
        }
        if out.is_empty() {
            out.push(b'/');
        }
        Self(out.into_boxed_slice())
    }

    /// As [`AppPath::new`], but nothing when `bytes` is not absolute.
    #[must_use]
    pub fn absolute(bytes: impl AsRef<[u8]>) -> Option<Self> {
        bytes
            .as_ref()
            .starts_with(b"/")
            .then(|| Self::new(bytes.as_ref()))
    }

    /// The path's bytes, beginning with `/`.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Whether this is `/`.
    #[must_use]
    pub fn is_root(&self) -> bool {
        self.0.len() == 1
    }

    /// `other` seen from this directory: an absolute `other` stands for itself.
    #[must_use]
    pub fn join(&self, other: impl AsRef<[u8]>) -> Self {
        let other = other.as_ref();
        if other.starts_with(b"/") {
            return Self::new(other);
        }
        let mut bytes = self.0.to_vec();
        bytes.push(b'/');
        bytes.extend_from_slice(other);
        Self::new(bytes)
    }

    /// The entry `name` of this directory. A name that is not one component is joined instead.
    #[must_use]
    pub fn child(&self, name: &[u8]) -> Self {
        if matches!(name, b"" | b"." | b"..") || name.contains(&b'/') {
            return self.join(name);
        }
        let own = if self.is_root() { &[][..] } else { &self.0 };
        Self([own, b"/", name].concat().into_boxed_slice())
    }

    /// The directory that holds this path; nothing for `/`.
    #[must_use]
    pub fn parent(&self) -> Option<Self> {
        if self.is_root() {
            return None;
        }
        let cut = self.0.iter().rposition(|&b| b == b'/').unwrap_or(0);
        Some(Self(Box::from(&self.0[..cut.max(1)])))
    }

    /// The last component; empty for `/`.
    #[must_use]
    pub fn name(&self) -> &[u8] {
        let cut = self.0.iter().rposition(|&b| b == b'/').unwrap_or(0);
        &self.0[cut + 1..]
    }

    /// The components from the top.
    pub fn components(&self) -> impl DoubleEndedIterator<Item = &[u8]> {
        self.0.split(|&b| b == b'/').filter(|part| !part.is_empty())
    }

    /// The number of components; 0 for `/`.
    #[must_use]
    pub fn depth(&self) -> usize {
        self.components().count()
    }

    /// The path cut after `depth` components.
    #[must_use]
    pub fn prefix(&self, depth: usize) -> Self {
        let end = memchr::memchr_iter(b'/', &self.0).nth(depth);
        let bytes = &self.0[..end.unwrap_or(self.0.len()).max(1)];
        Self(Box::from(bytes))
    }

    /// Whether this path is `dir` or lies below it.
    #[must_use]
    pub fn is_within(&self, dir: &Self) -> bool {
        self == dir || self.is_below(dir)
    }

    /// Whether this path lies strictly below `dir`.
    #[must_use]
    pub fn is_below(&self, dir: &Self) -> bool {
        if dir.is_root() {
            return !self.is_root();
        }
        self.0.len() > dir.0.len() && self.0.starts_with(&dir.0) && self.0[dir.0.len()] == b'/'
    }

    /// What remains of this path below `dir`, without a leading `/`; nothing when it is not within.
    #[must_use]
    pub fn below(&self, dir: &Self) -> Option<&[u8]> {
        if self == dir {
            return Some(b"");
        }
        let skip = if dir.is_root() { 1 } else { dir.0.len() + 1 };
        self.is_below(dir).then(|| &self.0[skip..])
    }

    /// Whether a component holds a pattern (`*` or `{name}`), so that this names many paths.
    #[must_use]
    pub fn is_pattern(&self) -> bool {
        self.0.contains(&b'*')
            || self
                .0
                .iter()
                .position(|&b| b == b'{')
                .is_some_and(|open| self.0[open..].contains(&b'}'))
    }

    /// The path as text: printable UTF-8 stands for itself; a byte that is not UTF-8, a control
    /// character and the backslash are written `\xNN`. [`AppPath::from_text`] reads it back.
    #[must_use]
    pub fn to_text(&self) -> Cow<'_, str> {
        escape(&self.0)
    }

    /// Reads what [`AppPath::to_text`] wrote.
    #[must_use]
    pub fn from_text(text: &str) -> Self {
        Self::new(unescape(text))
    }
}

/// Bytes as text in the manner of [`AppPath::to_text`].
#[must_use]
pub fn escape(bytes: &[u8]) -> Cow<'_, str> {
    if let Ok(text) = std::str::from_utf8(bytes)
        && !text.chars().any(needs_escape)
    {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(bytes.len() + 8);
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            if needs_escape(c) {
                let mut buffer = [0; 4];
                for byte in c.encode_utf8(&mut buffer).bytes() {
                    push_hex(&mut out, byte);
                }
            } else {
                out.push(c);
            }
        }
        for &byte in chunk.invalid() {
            push_hex(&mut out, byte);
        }
    }
    Cow::Owned(out)
}

/// Control characters could move a reader's cursor or forge a line; U+202A..U+202E and
/// U+2066..U+2069 turn the direction of text (Unicode TR 9).
fn needs_escape(c: char) -> bool {
    c == '\\' || c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn push_hex(out: &mut String, byte: u8) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    out.push_str("\\x");
    out.push(char::from(DIGITS[usize::from(byte >> 4)]));
    out.push(char::from(DIGITS[usize::from(byte & 15)]));
}

/// Reads what [`escape`] wrote; a backslash that begins no `\xNN` stands for itself.
#[must_use]
pub fn unescape(text: &str) -> Vec<u8> {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let code = text
            .get(at + 2..at + 4)
            .filter(|_| bytes[at..].starts_with(b"\\x"))
            .and_then(|hex| u8::from_str_radix(hex, 16).ok());
        if let Some(byte) = code {
            out.push(byte);
            at += 4;
        } else {
            out.push(bytes[at]);
            at += 1;
        }
    }
    out
}

// `/` sorts before every other byte, so that a directory's content follows it at once.
impl Ord for AppPath {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        let key = |b: u8| if b == b'/' { 0 } else { u16::from(b) + 1 };
        let differ = self.0.iter().zip(&other.0).find(|(a, b)| a != b);
        differ.map_or_else(
            || self.0.len().cmp(&other.0.len()),
            |(a, b)| key(*a).cmp(&key(*b)),
        )
    }
}

impl PartialOrd for AppPath {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for AppPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.to_text())
    }
}

impl fmt::Debug for AppPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AppPath({})", self.to_text())
    }
}

impl Serialize for AppPath {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.to_text())
    }
}

impl<'de> Deserialize<'de> for AppPath {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<str>::deserialize(deserializer)?;
        Ok(Self::from_text(&text))
    }
}

impl schemars::JsonSchema for AppPath {
    fn schema_name() -> Cow<'static, str> {
        "AppPath".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "pattern": "^/",
            "description": "Absolute path inside the audited root; bytes that are not UTF-8, control characters and backslashes are written \\xNN."
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn normalises_and_never_climbs_above_the_root() {
        for (given, want) in [
            ("", "/"),
            ("/", "/"),
            ("//a/./b//", "/a/b"),
            ("/a/../../b", "/b"),
            ("a/b", "/a/b"),
            ("/a/b/..", "/a"),
        ] {
            assert_eq!(AppPath::new(given).to_text(), want);
        }
    }

    #[test]
    fn bytes_survive_text() {
        for bytes in [
            &b"/a\xff\xfe"[..],
            b"/back\\slash",
            b"/new\nline",
            b"/\\x41",
            "/ä".as_bytes(),
        ] {
            let path = AppPath::new(bytes);
            assert_eq!(AppPath::from_text(&path.to_text()), path);
            assert!(!path.to_text().contains('\n'));
        }
    }

    #[test]
    fn a_directory_sorts_right_before_its_content() {
        let mut paths: Vec<_> = ["/a-b", "/a/c", "/a", "/a.b"].map(AppPath::new).to_vec();
        paths.sort();
        let text: Vec<_> = paths.iter().map(|p| p.to_text().into_owned()).collect();
        assert_eq!(text, ["/a", "/a/c", "/a-b", "/a.b"]);
    }

    #[test]
    fn a_child_is_one_component_and_nothing_else() {
        let dir = AppPath::new("/opt/app");
        assert_eq!(dir.child(b"x y"), AppPath::new("/opt/app/x y"));
        assert_eq!(AppPath::root().child(b"opt"), AppPath::new("/opt"));
        assert_eq!(dir.child(b".."), AppPath::new("/opt"));
        assert_eq!(dir.child(b"a/../../b"), AppPath::new("/opt/b"));
        assert_eq!(dir.child(b""), dir);
    }

    #[test]
    fn below_is_by_component() {
        let dir = AppPath::new("/opt/app");
        assert!(AppPath::new("/opt/app/x").is_below(&dir));
        assert!(!AppPath::new("/opt/application").is_below(&dir));
        assert_eq!(AppPath::new("/opt/app/x/y").below(&dir), Some(&b"x/y"[..]));
        assert_eq!(
            AppPath::new("/opt").below(&AppPath::root()),
            Some(&b"opt"[..])
        );
    }
}
