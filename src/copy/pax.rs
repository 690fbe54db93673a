//! What an archive in pax form says of an entry where a plain header cannot.

use std::io::{self, Read};

use tar::Header;

use super::Progress;
use crate::parse::read::ReadAt as _;
use crate::tree::{Attributes, File, Item};

/// What begins the key of an extended attribute in a pax record (star(1), GNU tar's `--xattrs`).
const XATTR: &str = "SCHILY.xattr.";

/// The attributes that hold access control lists, and their keys in pax records, which have the text
/// form (star(1), GNU tar's `--acls`).
const ACLS: [(&str, &str); 2] = [
    ("system.posix_acl_access", "SCHILY.acl.access"),
    ("system.posix_acl_default", "SCHILY.acl.default"),
];

/// The greatest numbers of a plain header (pax(1), ustar): larger ones, and negative ones, stand in
/// records.
const OWNER_LIMIT: u64 = 0o7_777_777;
const LENGTH_LIMIT: u64 = 0o77_777_777_777;

/// The headers of an entry.
pub(super) struct Head {
    pub(super) header: Header,
    pub(super) records: Vec<(String, Vec<u8>)>,
}

impl Head {
    /// The headers of an entry, but for its kind and name.
    pub(super) fn of(item: &Item, xattrs: &Attributes) -> Self {
        let mut head = Self {
            header: Header::new_ustar(),
            records: Vec::new(),
        };
        head.header.set_mode(item.stat.mode);
        head.header.set_size(0);
        let (seconds, part) = item.modified;
        head.header
            .set_mtime(u64::try_from(seconds).unwrap_or_default().min(LENGTH_LIMIT));
        if part != 0 || u64::try_from(seconds).map_or(true, |seconds| seconds > LENGTH_LIMIT) {
            // A time before 1970 has its part counted towards 1970 (pax(1) writes a decimal).
            let text = match (seconds < 0, part) {
                (false, _) | (true, 0) => format!("{seconds}.{part:09}"),
                (true, part) => format!("-{}.{:09}", -(seconds + 1), 1_000_000_000 - part),
            };
            head.record("mtime", text.into_bytes());
        }
        let owners = [("uid", item.stat.uid), ("gid", item.stat.gid)];
        for (key, id) in owners {
            if u64::from(id) > OWNER_LIMIT {
                head.record(key, id.to_string().into_bytes());
            }
        }
        head.header
            .set_uid(u64::from(item.stat.uid).min(OWNER_LIMIT));
        head.header
            .set_gid(u64::from(item.stat.gid).min(OWNER_LIMIT));
        for (name, value) in xattrs {
            let is_acl = ACLS.iter().find(|(acl, _)| acl.as_bytes() == name);
            match is_acl.and_then(|(_, key)| Some((key, acl_text(value)?))) {
                Some((key, text)) => head.record(key, text.into_bytes()),
                None if super::list::is_label(name) => {}
                None => {
                    let key = format!("{XATTR}{}", String::from_utf8_lossy(name));
                    head.record(&key, value.clone());
                }
            }
        }
        head
    }

    pub(super) fn record(&mut self, key: &str, value: Vec<u8>) {
        self.records.push((key.to_owned(), value));
    }

    pub(super) fn size(&mut self, size: u64) {
        self.header.set_size(size.min(LENGTH_LIMIT));
        if size > LENGTH_LIMIT {
            self.record("size", size.to_string().into_bytes());
        }
    }
}

/// The data of a file, one piece behind another.
pub(super) struct Pieces<'a> {
    pub(super) file: &'a File,
    pub(super) pieces: &'a [(u64, u64)],
    /// How much of the first piece was read.
    pub(super) at: u64,
    pub(super) progress: &'a Progress,
    /// Why reading ended early.
    pub(super) failed: Option<String>,
}

impl Read for Pieces<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while let Some(((start, length), rest)) = self.pieces.split_first() {
            let left = length - self.at;
            if left == 0 {
                (self.pieces, self.at) = (rest, 0);
                continue;
            }
            if self.progress.stopped() {
                return Err(io::Error::other("the run was ended"));
            }
            let want = usize::try_from(left).map_or(buffer.len(), |left| left.min(buffer.len()));
            let piece = buffer.get_mut(..want).unwrap_or_default();
            let got = self.file.read_at(start + self.at, piece);
            let failed = match got {
                Ok(0) => "became shorter while it was read".to_owned(),
                Ok(got) => {
                    self.at += got as u64;
                    self.progress.read(got);
                    return Ok(got);
                }
                Err(error) => format!("cannot be read: {error}"),
            };
            self.failed = Some(failed);
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(0)
    }
}

/// The map of a file with holes, as it comes before its data: the number of pieces, and offset and
/// length of each, a number to a line, filled up to a whole block (GNU tar's manual, PAX Format,
/// Version 1.0). The last piece is at the end and empty: GNU tar takes the length from it.
pub(super) fn sparse_map(size: u64, pieces: &[(u64, u64)]) -> Vec<u8> {
    let mut map = format!("{}\n", pieces.len() + 1);
    for (offset, length) in pieces.iter().chain([&(size, 0)]) {
        map += &format!("{offset}\n{length}\n");
    }
    let mut map = map.into_bytes();
    map.resize(map.len().next_multiple_of(512), 0);
    map
}

/// The text of an access control list (acl(5)) by the attribute's bytes: a version of four, then for
/// each entry its tag and its permissions of two, and an id of four (`linux/posix_acl_xattr.h`).
fn acl_text(value: &[u8]) -> Option<String> {
    let (version, entries) = value.split_first_chunk::<4>()?;
    let (entries, rest) = entries.as_chunks::<8>();
    if u32::from_le_bytes(*version) != 2 || !rest.is_empty() {
        return None;
    }
    let mut words = Vec::new();
    for [tag, tag1, bits, _, id @ ..] in entries {
        let id = u32::from_le_bytes(*id);
        let who = match u16::from_le_bytes([*tag, *tag1]) {
            0x01 => "user:".to_owned(),
            0x02 => format!("user:{id}"),
            0x04 => "group:".to_owned(),
            0x08 => format!("group:{id}"),
            0x10 => "mask:".to_owned(),
            0x20 => "other:".to_owned(),
            _ => return None,
        };
        let may = |bit: u8, letter: char| if bits & bit == 0 { '-' } else { letter };
        words.push(format!(
            "{who}:{}{}{}",
            may(4, 'r'),
            may(2, 'w'),
            may(1, 'x')
        ));
    }
    Some(words.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_access_control_list_is_written_as_text() {
        let entry = |tag: u16, bits: u16, id: u32| {
            [
                &tag.to_le_bytes()[..],
                &bits.to_le_bytes(),
                &id.to_le_bytes(),
            ]
            .concat()
        };
        let none = u32::MAX;
        let list = [
            2_u32.to_le_bytes().to_vec(),
            entry(1, 6, none),
            entry(2, 7, 4242),
            entry(4, 4, none),
            entry(0x10, 5, none),
            entry(0x20, 0, none),
        ]
        .concat();
        assert_eq!(
            acl_text(&list).as_deref(),
            Some("user::rw-,user:4242:rwx,group::r--,mask::r-x,other::---")
        );
        assert_eq!(acl_text(&list[..list.len() - 1]), None);
        assert_eq!(acl_text(&[]), None);
    }

    #[test]
    fn the_map_of_holes_ends_where_the_file_does() {
        let map = sparse_map(100, &[(10, 5)]);
        assert_eq!(map.len(), 512);
        assert!(map.starts_with(b"2\n10\n5\n100\n0\n\0"));
    }
}
