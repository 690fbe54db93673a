//! systemd units as text: sections, assignments, drop-ins, by systemd.syntax(7).
//!
//! A unit says what a service writes, reads and needs more plainly than anything else on a host,
//! but only when it is read with its drop-ins and with the rule that an empty value takes back
//! what came before. What the keys mean is the business of `extract`.

mod exec;
mod name;
mod specifier;
mod words;

pub use exec::{Command, commands, substitute};
pub use name::{UnitName, unescape};
pub use specifier::{Manager, Specifiers, for_system};
pub use words::words;

/// One `Key=value`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assignment {
    /// The section, without brackets.
    pub section: String,
    /// The key as written.
    pub key: String,
    /// The value: continued lines joined by a blank, outer white space removed.
    pub value: Vec<u8>,
    /// Its first line, counted from 1.
    pub line: u32,
    /// The file it stands in: 0 for the unit itself, then the drop-ins in the order of merging.
    pub layer: usize,
}

/// A unit, perhaps with drop-ins merged into it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unit {
    /// Every assignment in order, those that are taken back later included.
    pub assignments: Vec<Assignment>,
    /// The sections that open, in order.
    pub sections: Vec<String>,
    /// Lines that are neither section, assignment nor comment.
    pub odd: Vec<u32>,
    /// The number of drop-ins merged.
    pub layers: usize,
}

impl Unit {
    /// Reads a unit or a drop-in.
    #[must_use]
    pub fn parse(text: &[u8]) -> Self {
        let mut unit = Self::default();
        let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
        for (line, logical) in logical_lines(text) {
            unit.take(line, logical.trim_ascii());
        }
        unit
    }

    fn take(&mut self, line: u32, text: &[u8]) {
        if text.is_empty() {
            return;
        }
        if let Some(inner) = text.strip_prefix(b"[").and_then(|t| t.strip_suffix(b"]")) {
            self.sections
                .push(String::from_utf8_lossy(inner).into_owned());
            return;
        }
        let split = text.iter().position(|&b| b == b'=');
        let (Some(at), Some(section)) = (split, self.sections.last()) else {
            self.odd.push(line);
            return;
        };
        self.assignments.push(Assignment {
            section: section.clone(),
            key: String::from_utf8_lossy(text[..at].trim_ascii()).into_owned(),
            value: text[at + 1..].trim_ascii().to_vec(),
            line,
            layer: 0,
        });
    }

    /// Adds a drop-in; they must come in the order of their file names (systemd.unit(5)).
    pub fn merge(&mut self, dropin: Self) {
        let base = self.layers + 1;
        self.layers = base + dropin.layers;
        self.sections.extend(dropin.sections);
        self.assignments
            .extend(dropin.assignments.into_iter().map(|mut assignment| {
                assignment.layer += base;
                assignment
            }));
    }

    /// Whether the section opens somewhere.
    #[must_use]
    pub fn has(&self, section: &str) -> bool {
        self.sections.iter().any(|name| name == section)
    }

    /// The assignments of a list key that count: those after the last empty one.
    #[must_use]
    pub fn list(&self, section: &str, key: &str) -> Vec<&Assignment> {
        let mut found = Vec::new();
        for assignment in self.of(section, key) {
            if assignment.value.is_empty() {
                found.clear();
            } else {
                found.push(assignment);
            }
        }
        found
    }

    /// The assignment of a single-valued key that counts: the last; nothing when it is empty,
    /// which stands for the default.
    #[must_use]
    pub fn last(&self, section: &str, key: &str) -> Option<&Assignment> {
        self.of(section, key)
            .last()
            .filter(|assignment| !assignment.value.is_empty())
    }

    /// A boolean key (systemd.syntax(7)); nothing when absent or not understood.
    #[must_use]
    pub fn boolean(&self, section: &str, key: &str) -> Option<bool> {
        boolean(&self.last(section, key)?.value)
    }

    fn of<'a, 'b: 'a>(
        &'b self,
        section: &'a str,
        key: &'a str,
    ) -> impl Iterator<Item = &'b Assignment> + use<'a, 'b> {
        self.assignments
            .iter()
            .filter(move |a| a.section == section && a.key == key)
    }
}

/// A boolean value: `1 yes y true t on` or `0 no n false f off`, in any case.
#[must_use]
pub fn boolean(value: &[u8]) -> Option<bool> {
    let is = |words: &[&str]| {
        words
            .iter()
            .any(|word| value.eq_ignore_ascii_case(word.as_bytes()))
    };
    if is(&["1", "yes", "y", "true", "t", "on"]) {
        Some(true)
    } else if is(&["0", "no", "n", "false", "f", "off"]) {
        Some(false)
    } else {
        None
    }
}

/// Lines with continuations joined, comments left out, each with the number of its first line.
fn logical_lines(text: &[u8]) -> Vec<(u32, Vec<u8>)> {
    let mut lines = Vec::new();
    let mut open: Option<(u32, Vec<u8>)> = None;
    for (number, line) in (1u32..).zip(text.split(|&b| b == b'\n')) {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        // systemd.syntax(7): a comment inside a continued value is dropped, the value goes on.
        if matches!(line.trim_ascii_start().first(), Some(b'#' | b';')) {
            continue;
        }
        let (first, mut joined) = open.take().unwrap_or((number, Vec::new()));
        joined.extend_from_slice(line);
        let backslashes = line.iter().rev().take_while(|&&b| b == b'\\').count();
        if backslashes % 2 == 1 {
            joined.pop();
            joined.push(b' ');
            open = Some((first, joined));
        } else {
            lines.push((first, joined));
        }
    }
    lines.extend(open);
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(unit: &Unit, section: &str, key: &str) -> Vec<String> {
        unit.list(section, key)
            .iter()
            .map(|a| String::from_utf8_lossy(&a.value).into_owned())
            .collect()
    }

    #[test]
    fn a_continued_value_skips_comments_and_keeps_its_first_line() {
        let unit = Unit::parse(
            b"# top\n[Service]\nExecStart=/bin/a \\\n# not me\n  --x \\\n; nor me\n  --y\nUser = app \n",
        );
        let start = unit.last("Service", "ExecStart").unwrap();
        assert_eq!(start.value, b"/bin/a    --x    --y");
        assert_eq!(start.line, 3);
        assert_eq!(unit.last("Service", "User").unwrap().value, b"app");
        assert_eq!(unit.last("Service", "User").unwrap().line, 8);
    }

    #[test]
    fn two_backslashes_at_the_end_are_no_continuation() {
        let unit = Unit::parse(b"[Service]\nExecStart=/bin/a \\\\\nUser=app");
        assert_eq!(unit.assignments.len(), 2);
    }

    #[test]
    fn an_empty_value_takes_back_the_list_also_from_a_drop_in() {
        let mut unit = Unit::parse(b"[Service]\nExecStart=/bin/a\nEnvironment=A=1\n");
        unit.merge(Unit::parse(
            b"[Service]\nExecStart=\nExecStart=/bin/b\nEnvironment=B=2\n",
        ));
        assert_eq!(values(&unit, "Service", "ExecStart"), ["/bin/b"]);
        assert_eq!(values(&unit, "Service", "Environment"), ["A=1", "B=2"]);
        assert_eq!(unit.last("Service", "ExecStart").unwrap().layer, 1);
    }

    #[test]
    fn an_empty_last_value_is_the_default() {
        let unit = Unit::parse(b"[Service]\nUser=app\nUser=\n");
        assert_eq!(unit.last("Service", "User"), None);
    }

    #[test]
    fn what_stands_outside_a_section_is_odd_and_does_not_stop_the_rest() {
        let unit = Unit::parse(b"Key=1\n[Service]\njunk\nUser=app\n");
        assert_eq!(unit.odd, [1, 3]);
        assert!(unit.has("Service"));
        assert!(unit.last("Service", "User").is_some());
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_read(text: Vec<u8>) {
            let mut unit = Unit::parse(&text);
            unit.merge(unit.clone());
            for assignment in &unit.assignments {
                let _ = words(&assignment.value);
                let _ = commands(&assignment.value);
            }
        }
    }
}
