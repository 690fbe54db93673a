//! The file as it lies in memory once the loader has mapped it: addresses instead of offsets,
//! read page by page and never more than a fixed amount.

use std::collections::BTreeMap;

use super::header::{Order, Segment};
use crate::parse::read::ReadAt;

/// What a loader maps at least.
const PAGE: u64 = 4096;

/// Bytes read at once: the tables that a loader looks at lie beside each other, and to read costs
/// more than to read much.
const CHUNK: u64 = 32 << 10;

/// The most that is read of one file beyond its head; a library needs some tens of kilobytes.
const BUDGET: usize = 8 << 20;

/// The longest string that is taken: no path is longer (`PATH_MAX`), but lists of them are.
const STRING: usize = 16 << 10;

/// A loadable segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Load {
    /// Where it begins in the file.
    pub offset: u64,
    /// Where it begins in memory.
    pub vaddr: u64,
    /// Bytes in the file.
    pub filesz: u64,
    /// Bytes in memory.
    pub memsz: u64,
    /// `p_flags`: 1 execute, 2 write, 4 read.
    pub flags: u32,
    /// `p_align`.
    pub align: u64,
}

impl Load {
    pub(super) fn of(segment: &Segment) -> Self {
        Self {
            offset: segment.offset,
            vaddr: segment.vaddr,
            filesz: segment.filesz,
            memsz: segment.memsz,
            flags: segment.flags,
            align: segment.align,
        }
    }

    fn offset_of(&self, address: u64) -> Option<u64> {
        let into = address.checked_sub(self.vaddr)?;
        (into < self.filesz).then(|| self.offset.checked_add(into))?
    }

    /// Whole pages are mapped, so what lies around a segment in its first and last page is seen.
    fn page_offset_of(&self, address: u64) -> Option<u64> {
        let start = self.vaddr & !(PAGE - 1);
        let end = self
            .vaddr
            .checked_add(self.filesz)?
            .checked_next_multiple_of(PAGE)?;
        if !(start..end).contains(&address) {
            return None;
        }
        self.offset.checked_add(address)?.checked_sub(self.vaddr)
    }
}

/// The offset in the file of what lies at `address` in memory.
pub(super) fn offset_of(loads: &[Load], address: u64) -> Option<u64> {
    let exact = |load: &Load| load.offset_of(address);
    let around = |load: &Load| load.page_offset_of(address);
    // A later mapping covers an earlier one.
    loads
        .iter()
        .rev()
        .find_map(exact)
        .or_else(|| loads.iter().rev().find_map(around))
}

/// A file read in chunks that are kept.
pub(super) struct Pages<'a> {
    pub(super) order: Order,
    head: &'a [u8],
    source: &'a dyn ReadAt,
    kept: BTreeMap<u64, Vec<u8>>,
    read: usize,
    /// Bytes of strings handed out: many names may point to one long string.
    text: usize,
    /// Whether more was asked for than is read of one file.
    pub(super) exhausted: bool,
}

impl<'a> Pages<'a> {
    pub(super) fn new(order: Order, head: &'a [u8], source: &'a dyn ReadAt) -> Self {
        Self {
            order,
            head,
            source,
            kept: BTreeMap::new(),
            read: 0,
            text: 0,
            exhausted: false,
        }
    }

    /// At most `want` bytes at `offset`: what exists of them, and what the budget allows.
    pub(super) fn bytes(&mut self, offset: u64, want: usize) -> Vec<u8> {
        if let Ok(at) = usize::try_from(offset)
            && let Some(end) = at.checked_add(want)
            && let Some(bytes) = self.head.get(at..end)
        {
            return bytes.to_vec();
        }
        let mut out = Vec::new();
        let mut at = offset;
        while out.len() < want && at < self.source.len() {
            let chunk = at - at % CHUNK;
            let Some(bytes) = self.chunk(chunk) else {
                break;
            };
            let skip = usize::try_from(at - chunk).unwrap_or(usize::MAX);
            let Some(rest) = bytes.get(skip..).filter(|rest| !rest.is_empty()) else {
                break;
            };
            let take = rest.len().min(want - out.len());
            out.extend_from_slice(&rest[..take]);
            at = at.saturating_add(take as u64);
        }
        out
    }

    /// As [`Pages::bytes`], of what is mapped: the last page of a file goes on with zeros.
    pub(super) fn mapped(&mut self, offset: u64, want: usize) -> Vec<u8> {
        let mut out = self.bytes(offset, want);
        let end = self.source.len().checked_next_multiple_of(PAGE);
        let there = end.unwrap_or(u64::MAX).saturating_sub(offset);
        if !self.exhausted && offset.saturating_add(out.len() as u64) >= self.source.len() {
            out.resize(
                usize::try_from(there).map_or(want, |there| there.min(want)),
                0,
            );
        }
        out
    }

    fn chunk(&mut self, start: u64) -> Option<&[u8]> {
        if !self.kept.contains_key(&start) {
            if self.read >= BUDGET {
                self.exhausted = true;
                return None;
            }
            let bytes = self.source.bytes_at(start, CHUNK as usize).ok()?;
            self.read += bytes.len();
            self.kept.insert(start, bytes);
        }
        self.kept.get(&start).map(Vec::as_slice)
    }

    /// The bytes at `offset` up to a NUL; none when there is no NUL within reach.
    pub(super) fn string(&mut self, offset: u64) -> Option<Box<[u8]>> {
        self.with_string(offset, |text| text.into())
    }

    /// What `take` makes of the bytes at `offset` up to a NUL; nothing when there is no NUL within
    /// reach.
    pub(super) fn with_string<T>(
        &mut self,
        offset: u64,
        take: impl FnOnce(&[u8]) -> T,
    ) -> Option<T> {
        if self.text >= BUDGET {
            self.exhausted = true;
            return None;
        }
        // Most strings end in the chunk where they begin.
        if let Some(rest) = self.rest_of_chunk(offset)
            && let Some(end) = memchr::memchr(0, rest)
        {
            let made = take(&rest[..end]);
            self.text += end;
            return Some(made);
        }
        let mut step = 128;
        let mut out = Vec::new();
        while out.len() <= STRING {
            let part = self.mapped(offset.checked_add(out.len() as u64)?, step);
            if let Some(end) = memchr::memchr(0, &part) {
                out.extend_from_slice(&part[..end]);
                self.text += out.len();
                return Some(take(&out));
            }
            if part.len() < step {
                return None;
            }
            out.extend_from_slice(&part);
            step = PAGE as usize;
        }
        None
    }

    /// From `offset` to the end of its chunk.
    fn rest_of_chunk(&mut self, offset: u64) -> Option<&[u8]> {
        let into = usize::try_from(offset % CHUNK).ok()?;
        self.chunk(offset - into as u64)?.get(into..)
    }
}
