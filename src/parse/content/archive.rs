//! The directory of a zip archive, and what its members hold. Only what is asked for is unpacked; the
//! bounds are our own, not what the archive claims.

use std::io::Read;

use crate::parse::read::ReadAt;

/// The most bytes of a central directory that are read: some 400,000 entries.
const MAX_DIRECTORY: usize = 32 << 20;

/// A zip archive (APPNOTE.TXT of PKWARE), of which only the directory has been read.
pub struct Archive {
    directory: Vec<u8>,
    /// What stands before the archive: a script that starts it, for instance.
    shift: u64,
    /// Whether a bound cut the directory off.
    pub cut: bool,
}

/// Where the central directory lies (APPNOTE.TXT, 4.3.16 and 4.3.14).
struct Directory {
    start: u64,
    length: u64,
    shift: u64,
}

/// One member of an archive.
#[derive(Clone, Copy, Debug)]
pub struct Member<'a> {
    /// Its name, as the archive gives it.
    pub name: &'a [u8],
    /// Where it lies.
    pub at: Place,
}

/// Where the content of a member lies in its archive, and in which form.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    method: u16,
    packed: u64,
    offset: u64,
}

impl Archive {
    /// Reads the directory; nothing when this is no archive, or its directory is broken.
    #[must_use]
    pub fn open(source: &dyn ReadAt) -> Option<Self> {
        let directory = directory(source)?;
        let want = usize::try_from(directory.length).unwrap_or(usize::MAX);
        let bytes = source.bytes_at(directory.start, want.min(MAX_DIRECTORY));
        Some(Self {
            directory: bytes.ok()?,
            shift: directory.shift,
            cut: want > MAX_DIRECTORY,
        })
    }

    /// The members, in the order of the directory, up to where it is broken.
    pub fn members(&self) -> impl Iterator<Item = Member<'_>> {
        let mut rest = &self.directory[..];
        std::iter::from_fn(move || {
            let (mut member, after) = member(rest)?;
            rest = after;
            // No archive is so long that this fails.
            member.at.offset = self.shift.saturating_add(member.at.offset);
            Some(member)
        })
    }
}

/// Finds the record at the end: its comment may have up to 65,535 bytes.
fn directory(source: &dyn ReadAt) -> Option<Directory> {
    const END: usize = 22;
    let tail_at = source.len().saturating_sub(END as u64 + 65_535);
    let tail = source.bytes_at(tail_at, END + 65_535).ok()?;
    let at = memchr::memmem::rfind_iter(&tail, b"PK\x05\x06").find(|at| {
        let comment = u16_at(&tail, at + 20).map(usize::from);
        comment.is_some_and(|comment| at + END + comment <= tail.len())
    })?;
    let end = tail_at + at as u64;
    let mut length = u64::from(u32_at(&tail, at + 12)?);
    let mut offset = u64::from(u32_at(&tail, at + 16)?);
    let mut limit = end;
    // Zip64: a locator of 20 bytes stands right before, and says where the larger record is.
    if (length == u64::from(u32::MAX) || offset == u64::from(u32::MAX))
        && let Some(locator) = at.checked_sub(20).and_then(|at| tail.get(at..at + 20))
        && locator.starts_with(b"PK\x06\x07")
    {
        let record_at = u64_at(locator, 8)?;
        let record = source.bytes_at(record_at, 56).ok()?;
        if !record.starts_with(b"PK\x06\x06") {
            return None;
        }
        length = u64_at(&record, 40)?;
        offset = u64_at(&record, 48)?;
        limit = record_at;
    }
    // The directory ends where the record begins; where it was said to begin is short by what was
    // put before the archive.
    let start = limit.checked_sub(length)?;
    let shift = start.checked_sub(offset)?;
    Some(Directory {
        start,
        length,
        shift,
    })
}

/// One header of the central directory (APPNOTE.TXT, 4.3.12), and what follows it.
fn member(bytes: &[u8]) -> Option<(Member<'_>, &[u8])> {
    if !bytes.starts_with(b"PK\x01\x02") {
        return None;
    }
    let name_length = usize::from(u16_at(bytes, 28)?);
    let extra = usize::from(u16_at(bytes, 30)?);
    let comment = usize::from(u16_at(bytes, 32)?);
    let name = bytes.get(46..46 + name_length)?;
    let after = bytes.get(46 + name_length + extra + comment..)?;
    let at = Place {
        method: u16_at(bytes, 10)?,
        packed: u64::from(u32_at(bytes, 20)?),
        offset: u64::from(u32_at(bytes, 42)?),
    };
    Some((Member { name, at }, after))
}

/// The content of a member of the archive `source`, unpacked, of which at most `limit` bytes are read; nothing
/// when its local header (APPNOTE.TXT, 4.3.7) is not where it should be, or it is packed in another way than
/// zip's own (4.4.5).
#[must_use]
pub fn unpack(source: &dyn ReadAt, place: Place, limit: usize) -> Option<Vec<u8>> {
    let at = place.offset;
    let header = source.bytes_at(at, 30).ok()?;
    if !header.starts_with(b"PK\x03\x04") {
        return None;
    }
    let skip = 30 + u64::from(u16_at(&header, 26)?) + u64::from(u16_at(&header, 28)?);
    let want = usize::try_from(place.packed)
        .unwrap_or(usize::MAX)
        .min(limit);
    let bytes = source.bytes_at(at.checked_add(skip)?, want).ok()?;
    match place.method {
        0 => Some(bytes),
        8 => {
            let mut text = Vec::new();
            let inflate = flate2::read::DeflateDecoder::new(&bytes[..]);
            // A damaged stream gives what came before the damage.
            let _ = inflate.take(limit as u64).read_to_end(&mut text);
            Some(text)
        }
        _ => None,
    }
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}
