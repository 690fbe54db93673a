//! `/etc/ld.so.conf`: the directories that ldconfig(8) enters into the cache. The loader never
//! reads it; it shows what was meant and not carried out.

/// One statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line {
    /// A directory.
    Dir(Vec<u8>),
    /// Other files, as a pattern of glob(7); relative to the directory of the file it stands in.
    Include(Vec<u8>),
}

/// The statements of a file, in order.
#[must_use]
pub fn read(text: &[u8]) -> Vec<Line> {
    let mut lines = Vec::new();
    for line in text.split(|&b| b == b'\n') {
        let line = line.split(|&b| b == b'#').next().unwrap_or_default();
        let line = line.trim_ascii();
        let word_end = line
            .iter()
            .position(u8::is_ascii_whitespace)
            .unwrap_or(line.len());
        match &line[..word_end] {
            b"" | b"hwcap" => {}
            b"include" => lines.extend(
                line[word_end..]
                    .split(u8::is_ascii_whitespace)
                    .filter(|pattern| !pattern.is_empty())
                    .map(|pattern| Line::Include(pattern.to_vec())),
            ),
            _ => lines.extend(dir(line).map(Line::Dir)),
        }
    }
    lines
}

/// A directory without `=libc6` and without slashes at its end.
fn dir(line: &[u8]) -> Option<Vec<u8>> {
    let kind = line.iter().rposition(|&b| b == b'=');
    let named = |at: usize| {
        [&b"libc4"[..], b"libc5", b"libc6", b"glibc2"]
            .iter()
            .any(|kind| line[at + 1..].eq_ignore_ascii_case(kind))
    };
    let mut dir = match kind {
        Some(at) if named(at) => line[..at].trim_ascii_end(),
        _ => line,
    };
    while let Some(rest) = dir.strip_suffix(b"/").filter(|rest| !rest.is_empty()) {
        dir = rest;
    }
    dir.starts_with(b"/").then(|| dir.to_vec())
}

/// Whether a name fits a pattern of `*`, `?` and `[…]`; a dot at the start must be written out
/// (glob(7)).
#[must_use]
pub fn glob(pattern: &[u8], name: &[u8]) -> bool {
    if name.starts_with(b".") && !pattern.starts_with(b".") {
        return false;
    }
    let (mut p, mut n) = (0, 0);
    let mut back: Option<(usize, usize)> = None;
    while n < name.len() {
        let step = match pattern.get(p) {
            Some(b'*') => {
                back = Some((p + 1, n));
                p += 1;
                continue;
            }
            Some(b'?') => Some(1),
            Some(b'[') => set(&pattern[p..], name[n]),
            Some(&literal) => (literal == name[n]).then_some(1),
            None => None,
        };
        match (step, back) {
            (Some(width), _) => {
                p += width;
                n += 1;
            }
            (None, Some((after, from))) => {
                p = after;
                n = from + 1;
                back = Some((after, n));
            }
            (None, None) => return false,
        }
    }
    pattern[p.min(pattern.len())..].iter().all(|&b| b == b'*')
}

/// The width of the set at the start of `pattern`, if `byte` is in it.
fn set(pattern: &[u8], byte: u8) -> Option<usize> {
    let negated = matches!(pattern.get(1), Some(b'!' | b'^'));
    let from = if negated { 2 } else { 1 };
    let end = from + 1 + pattern.get(from + 1..)?.iter().position(|&b| b == b']')?;
    let members = &pattern[from..end];
    let mut found = false;
    let mut at = 0;
    while let Some(&low) = members.get(at) {
        match (members.get(at + 1), members.get(at + 2)) {
            (Some(b'-'), Some(&high)) => {
                found |= (low..=high).contains(&byte);
                at += 3;
            }
            _ => {
                found |= low == byte;
                at += 1;
            }
        }
    }
    (found != negated).then_some(end + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_kinds_and_slashes_are_taken_off() {
        let text = b"# c\n  include conf.d/*.conf other\nhwcap 0 nosegneg\n\t/a/lib # tail\n\
                     /b/lib//=libc6\n/c=d\nrelative\n/\n";
        let dir = |text: &str| Line::Dir(text.into());
        let want = [
            Line::Include(b"conf.d/*.conf".to_vec()),
            Line::Include(b"other".to_vec()),
            dir("/a/lib"),
            dir("/b/lib"),
            dir("/c=d"),
            dir("/"),
        ];
        assert_eq!(read(text), want);
    }

    #[test]
    fn patterns_name_files() {
        for (pattern, name, fits) in [
            ("*.conf", "a.conf", true),
            ("*.conf", ".a.conf", false),
            ("*.conf", "a.conf.old", false),
            ("?-[a-c]*", "1-b.x", true),
            ("[!0-9]*", "7", false),
            ("a**b*c", "axxbyyc", true),
            ("[", "[", false),
            ("", "", true),
        ] {
            let got = glob(pattern.as_bytes(), name.as_bytes());
            assert_eq!(got, fits, "{pattern} {name}");
        }
    }
}
