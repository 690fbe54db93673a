//! The headers of an entry, read generously: what some program reads in it is taken, the nearest
//! to the standard first. Nothing that is read so counts before it was written anew, in the form that
//! all read alike.

use std::collections::BTreeMap;

use super::Meta;
use super::header::{BLOCK, Kind, checksum, text};
use super::pax::{Record, XATTR, seconds};
use super::sparse::Piece;

/// A header as one reading of it has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Loose {
    pub(super) kind: Kind,
    pub(super) name: Vec<u8>,
    pub(super) link: Vec<u8>,
    /// Permission bits alone.
    pub(super) mode: u32,
    pub(super) uid: u64,
    pub(super) gid: u64,
    /// Bytes of content that follow.
    pub(super) size: u64,
    pub(super) mtime: i64,
    /// Of a file with holes in GNU's old form.
    pub(super) old: Option<OldHoles>,
}

/// Holes in GNU's old form (GNU tar's manual, Old GNU Format): the map begins in the header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct OldHoles {
    pub(super) pieces: Vec<Piece>,
    /// The whole length, holes included.
    pub(super) size: u64,
    /// Whether blocks with more of the map follow the header.
    pub(super) goes_on: bool,
}

impl Loose {
    pub(super) fn read(block: &[u8; BLOCK]) -> Result<Self, &'static str> {
        checksum(block)?;
        let is_posix = &block[257..263] == b"ustar\0";
        let mut name = text(&block[..100]).to_vec();
        if is_posix {
            // star has times in the last part of the field, and its own mark at the end.
            let end = if &block[508..] == b"tar\0" { 476 } else { 500 };
            let prefix = text(&block[345..end]);
            if !prefix.is_empty() {
                name = [prefix, b"/", &name].concat();
            }
        }
        let size = number(&block[124..136]).ok_or("a size that is none")?;
        let mut kind = match block[156] {
            // Contiguous files are files, where nothing knows better (pax(1), ustar).
            b'7' | b'S' => Kind::File,
            flag => super::header::kind(flag)?,
        };
        // The oldest form has no directories of its own.
        if kind == Kind::File && name.ends_with(b"/") && block[156] != b'S' {
            kind = Kind::Dir;
        }
        Ok(Self {
            kind,
            name,
            link: text(&block[157..257]).to_vec(),
            mode: u32::try_from(number(&block[100..108]).unwrap_or(0) & 0o7777).unwrap_or(0),
            uid: number(&block[108..116]).ok_or("an owner that is none")?,
            gid: number(&block[116..124]).ok_or("a group that is none")?,
            size,
            mtime: number(&block[136..148]).map_or(0, |time| i64::try_from(time).unwrap_or(0)),
            old: (block[156] == b'S').then(|| old_holes(block)).transpose()?,
        })
    }
}

fn old_holes(block: &[u8; BLOCK]) -> Result<OldHoles, &'static str> {
    Ok(OldHoles {
        pieces: old_pieces(&block[386..482])?,
        size: number(&block[483..495]).ok_or("a file with holes whose length is none")?,
        goes_on: block[482] != 0,
    })
}

/// The pieces of a part of a map: offset and length of each, an empty field at the end.
pub(super) fn old_pieces(fields: &[u8]) -> Result<Vec<Piece>, &'static str> {
    let mut pieces = Vec::new();
    for field in fields.as_chunks::<24>().0 {
        let (offset, length) = field.split_at(12);
        if length.iter().all(|&byte| byte == 0) {
            break;
        }
        let piece = number(offset).zip(number(length));
        pieces.push(piece.ok_or("a map of holes that is none")?);
    }
    Ok(pieces)
}

/// A number: octal digits up to whatever is none, or base 256. None where it is negative or too large.
fn number(field: &[u8]) -> Option<u64> {
    let (&first, rest) = field.split_first()?;
    if first & 0x80 != 0 {
        let lead = u64::from(first & 0x7f);
        return rest.iter().try_fold(lead, |number, &byte| {
            let number = number.checked_mul(256)? | u64::from(byte);
            i64::try_from(number).ok().map(|_| number)
        });
    }
    let is_blank = |byte: &&u8| matches!(**byte, b' ' | 0);
    let is_digit = |byte: &&u8| (b'0'..=b'7').contains(*byte);
    let mut digits = field.iter().skip_while(is_blank).take_while(is_digit);
    digits.try_fold(0_u64, |number, digit| {
        number.checked_mul(8)?.checked_add(u64::from(digit - b'0'))
    })
}

/// The keys that name one entry.
pub(super) const IS_OF_ONE: [&[u8]; 3] = [b"path", b"linkpath", b"size"];

/// What pax headers say of an entry, the last of several values.
pub(super) struct Told {
    values: BTreeMap<Vec<u8>, Vec<u8>>,
    /// The pieces of the form 0.0, whose keys come again and again.
    pieces: Vec<u64>,
}

impl Told {
    pub(super) fn of(records: Vec<Record>) -> Self {
        let mut told = Self {
            values: BTreeMap::new(),
            pieces: Vec::new(),
        };
        for (key, value) in records {
            if key == b"GNU.sparse.offset" || key == b"GNU.sparse.numbytes" {
                told.pieces.extend(whole(&value));
            }
            if value.is_empty() {
                // It takes the value back (pax(1), pax Header Block).
                told.values.remove(&key);
            } else {
                told.values.insert(key, value);
            }
        }
        told
    }

    pub(super) fn text(&self, key: &str) -> Option<Vec<u8>> {
        let value = self.values.get(key.as_bytes())?;
        Some(text(value).to_vec())
    }

    pub(super) fn number(&self, key: &str) -> Result<Option<u64>, &'static str> {
        match self.values.get(key.as_bytes()) {
            Some(value) => whole(value)
                .map(Some)
                .ok_or("a number of a pax header that is none"),
            None => Ok(None),
        }
    }

    /// The whole length of a file with holes.
    pub(super) fn real_size(&self) -> Result<Option<u64>, &'static str> {
        let size = self.number("GNU.sparse.realsize")?;
        Ok(size.or(self.number("GNU.sparse.size")?))
    }

    /// The pieces of the forms 0.0 and 0.1.
    pub(super) fn pieces(&self) -> Result<Vec<Piece>, &'static str> {
        const WRONG: &str = "a map of its holes that is none";
        let numbers = match self.values.get(&b"GNU.sparse.map"[..]) {
            Some(map) => {
                let parts = map.split(|&byte| byte == b',');
                let numbers: Option<Vec<u64>> = parts.map(whole).collect();
                numbers.ok_or(WRONG)?
            }
            None => self.pieces.clone(),
        };
        let (pieces, rest) = numbers.as_chunks::<2>();
        if !rest.is_empty() {
            return Err(WRONG);
        }
        Ok(pieces.iter().map(|[at, length]| (*at, *length)).collect())
    }

    pub(super) fn meta(&self, header: &Loose) -> Result<Meta, &'static str> {
        let owner = |key, own| {
            let owner = self.number(key)?.unwrap_or(own);
            let owner = u32::try_from(owner).ok().filter(|owner| *owner != u32::MAX);
            owner.ok_or("an owner or a group that is none")
        };
        let mtime = match self.values.get(&b"mtime"[..]) {
            Some(value) => seconds(value)?,
            None => header.mtime,
        };
        let xattrs = self.values.iter().filter_map(|(key, value)| {
            let name = key.strip_prefix(XATTR)?;
            Some((name.to_vec(), value.clone()))
        });
        Ok(Meta {
            mode: header.mode,
            uid: owner("uid", header.uid)?,
            gid: owner("gid", header.gid)?,
            mtime,
            xattrs: xattrs.collect(),
        })
    }
}

fn whole(value: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(value).ok()?;
    text.trim()
        .parse()
        .ok()
        .filter(|n| i64::try_from(*n).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_end_where_their_digits_end() {
        for (field, want) in [
            (&b"0000644\0"[..], Some(0o644)),
            (b"        ", Some(0)),
            (b"\x00000644\0", Some(0o644)),
            (b"644x7\0\0\0", Some(0o644)),
            (b"\x80\0\0\0\0\x20\0\0", Some(0x20_0000)),
            (b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", None),
        ] {
            assert_eq!(number(field), want, "{field:?}");
        }
    }
}
