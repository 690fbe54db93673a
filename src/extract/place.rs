//! Where a declaration lies, what many extractors recognise their sources by; and its text.

use crate::fact::{IssueKind, Locus};
use crate::path::AppPath;

use super::{Input, Out};

/// How much is read of a declaration: the largest that distributions ship, some udev rules, have a
/// third of it.
pub const LIMIT: usize = 1 << 20;

/// How much is read of a declaration whose text may refer to long names many times.
pub const EXPANDING_LIMIT: usize = 256 << 10;

/// The text of a declaration up to `limit`; an issue when there is more.
pub fn text<'a>(input: &'a Input<'_>, limit: usize, out: &mut Out) -> &'a [u8] {
    let whole = input.text();
    let Some(cut) = whole.get(..limit).filter(|cut| cut.len() < whole.len()) else {
        return whole;
    };
    out.issue(
        Locus::file(input.path),
        IssueKind::TooLarge,
        format!("only the first {limit} bytes of this declaration were read"),
    );
    cut
}

/// Whether the directory that holds `path` has this name.
#[must_use]
pub fn is_in(path: &AppPath, dir: &[u8]) -> bool {
    path.components().rev().nth(1) == Some(dir)
}

/// Whether `path` is exactly this.
#[must_use]
pub fn is(path: &AppPath, whole: &str) -> bool {
    path.as_bytes() == whole.as_bytes()
}

/// Whether the name is one that package managers and editors leave beside a file, which the
/// reader of the directory passes over.
#[must_use]
pub fn is_leftover(path: &AppPath) -> bool {
    const ENDS: [&[u8]; 12] = [
        b"~",
        b".bak",
        b".orig",
        b".swp",
        b".rpmsave",
        b".rpmnew",
        b".rpmorig",
        b".dpkg-old",
        b".dpkg-dist",
        b".dpkg-new",
        b".ucf-dist",
        b",v",
    ];
    let name = path.name();
    name.starts_with(b".") || ENDS.iter().any(|end| name.ends_with(end))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::extract::testing::stat;

    #[test]
    fn a_huge_declaration_is_cut_and_reported() {
        let path = AppPath::new("/etc/crontab");
        let stat = stat(9);
        let rest: Vec<u8> = Vec::new();
        let input = Input::new(&path, &stat, b"123456789", &rest);
        let mut out = Out::default();
        assert_eq!(text(&input, 9, &mut out), b"123456789");
        assert!(out.issues.is_empty());
        assert_eq!(text(&input, 4, &mut out), b"1234");
        assert_eq!(out.issues[0].kind, IssueKind::TooLarge);
    }
}
