//! Configuration of process supervisors in the manner of supervisord: sections with programs.

use super::line::{lines, text};

/// One `key = value`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its first line, from 1.
    pub line: u32,
    /// The key, lower case.
    pub key: String,
    /// The value, continued lines joined by a line end.
    pub value: Vec<u8>,
}

/// A section.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section {
    /// Its line, from 1.
    pub line: u32,
    /// `program` of `[program:web]`.
    pub kind: String,
    /// `web` of `[program:web]`; empty without a colon.
    pub name: String,
    /// Its entries.
    pub entries: Vec<Entry>,
}

impl Section {
    /// The last entry of a key with a value.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Entry> {
        self.entries
            .iter()
            .rev()
            .find(|entry| entry.key == key && !entry.value.is_empty())
    }
}

/// The sections of a file. As Python's `configparser` reads it: `=` or `:` parts key and value,
/// ` ;` begins a comment, an indented line continues the value.
#[must_use]
pub fn parse(file: &[u8]) -> Vec<Section> {
    let mut sections: Vec<Section> = Vec::new();
    for (line, whole) in lines(file) {
        let indented = whole.first().is_some_and(u8::is_ascii_whitespace);
        let entry = uncommented(whole);
        if entry.is_empty() {
            continue;
        }
        if let Some(inner) = entry.strip_prefix(b"[").and_then(|e| e.strip_suffix(b"]")) {
            let inner = text(inner);
            let (kind, name) = inner.split_once(':').unwrap_or((&inner, ""));
            sections.push(Section {
                line,
                kind: kind.trim().to_owned(),
                name: name.trim().to_owned(),
                entries: Vec::new(),
            });
            continue;
        }
        let Some(section) = sections.last_mut() else {
            continue;
        };
        if indented && let Some(last) = section.entries.last_mut() {
            last.value.push(b'\n');
            last.value.extend_from_slice(entry);
        } else if let Some(at) = entry.iter().position(|b| b"=:".contains(b)) {
            section.entries.push(Entry {
                line,
                key: text(entry[..at].trim_ascii()).to_ascii_lowercase(),
                value: entry[at + 1..].trim_ascii().to_vec(),
            });
        }
    }
    sections
}

fn uncommented(line: &[u8]) -> &[u8] {
    if matches!(line.first(), Some(b'#' | b';')) {
        return b"";
    }
    let cut = line
        .windows(2)
        .position(|pair| pair[0].is_ascii_whitespace() && pair[1] == b';');
    line[..cut.unwrap_or(line.len())].trim_ascii()
}

/// Puts `%(name)s` in: `lookup` for what is known, a pattern `{name}` for the rest; `%%` is a
/// percent sign.
pub fn expand(value: &[u8], lookup: &dyn Fn(&str) -> Option<Vec<u8>>) -> Vec<u8> {
    let mut out = Vec::with_capacity(value.len());
    let mut rest = value;
    while let Some(at) = rest.iter().position(|&b| b == b'%') {
        out.extend_from_slice(&rest[..at]);
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix(b"%") {
            out.push(b'%');
            rest = after;
        } else if let Some((name, after)) = reference(rest) {
            match lookup(name) {
                Some(known) => out.extend_from_slice(&known),
                None => out.extend_from_slice(format!("{{{name}}}").as_bytes()),
            }
            rest = after;
        } else {
            out.push(b'%');
        }
    }
    out.extend_from_slice(rest);
    out
}

/// `(name)s` or `(name)02d`, and what follows.
fn reference(text: &[u8]) -> Option<(&str, &[u8])> {
    let inner = text.strip_prefix(b"(")?;
    let close = inner.iter().position(|&b| b == b')')?;
    let name = std::str::from_utf8(&inner[..close]).ok()?;
    let after = &inner[close + 1..];
    let letter = after.iter().position(|b| !b.is_ascii_digit())?;
    b"sd"
        .contains(&after[letter])
        .then(|| (name, &after[letter + 1..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_entries_comments_and_continuations() {
        let sections = parse(
            b"; c\n[supervisord]\nlogfile=/var/log/s.log ; main\n[program:web]\ncommand = /opt/w\n  --port 80\nuser: app\nurl=http://x;y\n",
        );
        assert_eq!(sections.len(), 2);
        assert_eq!(sections[0].get("logfile").unwrap().value, b"/var/log/s.log");
        assert_eq!(
            (sections[1].kind.as_str(), sections[1].name.as_str()),
            ("program", "web")
        );
        assert_eq!(
            sections[1].get("command").unwrap().value,
            b"/opt/w\n--port 80"
        );
        assert_eq!(sections[1].get("user").unwrap().value, b"app");
        assert_eq!(sections[1].get("url").unwrap().value, b"http://x;y");
    }

    #[test]
    fn references_are_put_in_or_become_patterns() {
        let lookup = |name: &str| (name == "here").then(|| b"/etc/s".to_vec());
        let put = |value: &str| text(&expand(value.as_bytes(), &lookup));
        assert_eq!(
            put("%(here)s/x-%(process_num)02d %% %(ENV_A)s %("),
            "/etc/s/x-{process_num} % {ENV_A} %("
        );
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_read(file: Vec<u8>, text in r#"[a-z%()=:;\[\] \n]{0,60}"#) {
            let _ = parse(&file);
            let _ = parse(text.as_bytes());
            let _ = expand(text.as_bytes(), &|_| None);
        }
    }
}
