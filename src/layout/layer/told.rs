//! What the headers of an entry say together: its name, its link, its owners, and whether it stands for a
//! removal.

use super::entry::{OPAQUE, WHITEOUT};
use super::header::{Header, Kind};
use super::pax::Records;
use super::read::Fault;
use super::{Body, Entry, Meta};
use crate::path::AppPath;

/// The longest path that Linux takes (`PATH_MAX`).
const PATH_LIMIT: usize = 4096;

/// What the fields of a header hold at most for which a pax header may give another number (pax(1),
/// ustar): owners and lengths.
const OWNER_LIMIT: u64 = 0o7_777_777;
pub(super) const LENGTH_LIMIT: u64 = 0o77_777_777_777;

pub(super) fn refused(name: &[u8], reason: &'static str) -> Fault {
    Fault::Entry {
        name: crate::path::escape(name).into_owned(),
        reason,
    }
}

/// A name of the archive as a path in the image.
pub(super) fn inside(raw: &[u8]) -> Result<AppPath, Fault> {
    if raw.is_empty() {
        return Err(refused(raw, "it has no name"));
    }
    if raw.len() >= PATH_LIMIT {
        return Err(refused(&raw[..64], "a name longer than Linux takes"));
    }
    // The image's own directory goes by this name, too: nothing leaves it.
    if raw.starts_with(b"/") && raw != b"/" {
        return Err(refused(raw, "an absolute name, which may leave the image"));
    }
    if raw.contains(&0) {
        return Err(refused(raw, "a NUL in its name"));
    }
    if raw.split(|&byte| byte == b'/').any(|part| part == b"..") {
        return Err(refused(raw, "`..` in its name, which may leave the image"));
    }
    Ok(AppPath::new(raw))
}

/// The name of a file with holes in the one form of them that programs read alike (GNU tar's manual, PAX
/// Format, Version 1.0); None for any other entry.
pub(super) fn sparse_name(pax: &Records) -> Result<Option<&[u8]>, &'static str> {
    let own = ["major", "minor", "name", "realsize"];
    let [major, minor, name, size] = own.map(|key| pax.get(&format!("GNU.sparse.{key}")));
    match (major, minor, name, size) {
        (None, None, None, None) => Ok(None),
        (Some(b"1"), Some(b"0"), Some(name), Some(_)) => Ok(Some(name)),
        _ => Err("holes that are told in a form that only some programs understand"),
    }
}

/// Where a link leads. The long forms are for links alone: some programs make a link of any entry that
/// has one.
pub(super) fn target(
    header: &Header,
    pax: &Records,
    long: Option<Vec<u8>>,
) -> Result<Vec<u8>, &'static str> {
    let told = pax.get("linkpath").map(<[u8]>::to_vec).or(long);
    if !matches!(header.kind, Kind::Link | Kind::HardLink) {
        let is_told = told.is_some() || !header.link.is_empty();
        return if is_told {
            Err("the target of a link on what is none")
        } else {
            Ok(Vec::new())
        };
    }
    let target = told.unwrap_or_else(|| header.link.clone());
    if target.is_empty() {
        return Err("a link that leads nowhere");
    }
    if target.len() >= PATH_LIMIT {
        return Err("a link longer than Linux takes");
    }
    Ok(target)
}

/// A number that a pax header gives where the header's own field cannot hold it. One that says
/// something else than a field which could would be two numbers.
pub(super) fn sized(pax: &Records, key: &str, own: u64, limit: u64) -> Result<u64, &'static str> {
    match pax.number(key)? {
        Some(told) if told == own || told > limit => Ok(told),
        Some(_) => Err("a number that its two headers tell differently"),
        None => Ok(own),
    }
}

pub(super) fn meta(header: &Header, pax: &Records) -> Result<Meta, &'static str> {
    let owner = |key, own| {
        let owner = sized(pax, key, own, OWNER_LIMIT)?;
        // 2^32 - 1 is nobody: chown(2) leaves the owner as it is.
        u32::try_from(owner)
            .ok()
            .filter(|owner| *owner != u32::MAX)
            .ok_or("an owner or a group that is none")
    };
    Ok(Meta {
        mode: header.mode,
        uid: owner("uid", header.uid)?,
        gid: owner("gid", header.gid)?,
        mtime: pax.mtime()?.unwrap_or(header.mtime),
        xattrs: pax.xattrs(),
    })
}

/// An entry, or the removal that its name stands for (layer.md, Whiteouts).
pub(super) fn removal(path: AppPath, meta: Meta, body: Body, raw: &[u8]) -> Result<Entry, Fault> {
    let name = path.name();
    let Some(removed) = name.strip_prefix(WHITEOUT) else {
        let is_below = path.components().any(|part| part.starts_with(WHITEOUT));
        if is_below {
            return Err(refused(
                raw,
                "it lies below a name that stands for a removal",
            ));
        }
        return Ok(Entry { path, meta, body });
    };
    // Image specification, layer.md: a whiteout file is empty.
    if !matches!(body, Body::File { size: 0, .. }) {
        return Err(refused(raw, "a removal that is no empty file"));
    }
    let parent = path.parent().unwrap_or_else(AppPath::root);
    if parent.components().any(|part| part.starts_with(WHITEOUT)) {
        return Err(refused(
            raw,
            "it lies below a name that stands for a removal",
        ));
    }
    let (path, body) = if name == OPAQUE {
        (parent, Body::Opaque)
    } else if removed.is_empty() || removed.starts_with(WHITEOUT) {
        return Err(refused(raw, "a removal of what no image has"));
    } else {
        (parent.child(removed), Body::Whiteout)
    };
    Ok(Entry { path, meta, body })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_leave_the_image_are_refused() {
        for name in ["", "/etc/passwd", "../x", "a/../../x", "a/..", "a\0b"] {
            assert!(inside(name.as_bytes()).is_err(), "{name:?}");
        }
        assert!(inside(&[b'a'; PATH_LIMIT]).is_err());
        assert_eq!(inside(b"./a//b/.").unwrap(), AppPath::new("/a/b"));
        assert!(inside(b"./").unwrap().is_root());
        assert!(inside(b"/").unwrap().is_root());
        assert!(inside(b"//").is_err());
        assert!(inside(b"a..b/..c").is_ok());
    }
}
