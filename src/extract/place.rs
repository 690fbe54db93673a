//! Where a file lies: what many extractors recognise their sources by.

use crate::path::AppPath;

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
