//! The write-ahead log of an SQLite file: newer versions of some of its pages.
//!
//! A host that was copied while it ran, or that lost power, has changes there only. The form is
//! that of SQLite's `fileformat2.html`, section 4: a head of 32 bytes, then frames of 24 bytes
//! and a page; a frame counts when the salts are those of the head and the running checksum
//! holds, up to the last one that ends a transaction.

use std::collections::BTreeMap;

use super::{Fault, array, be32, read};
use crate::parse::read::ReadAt;

/// The number without its last bit, which says that sums are made of big-endian words.
const MAGIC: u32 = 0x377f_0682;
const HEAD: u64 = 32;
const FRAME_HEAD: u64 = 24;

/// The pages that a log has in place of the file's.
#[derive(Debug, Default)]
pub(super) struct Log {
    pages: BTreeMap<u32, u64>,
    /// The length of the database in pages after the last transaction.
    pub(super) length: Option<u32>,
}

impl Log {
    /// Reads the log of a database with pages of `page_size` bytes.
    pub(super) fn read(source: &dyn ReadAt, page_size: u32) -> Result<Self, Fault> {
        let mut log = Self::default();
        // SQLite leaves an empty log, or one of zeros, behind.
        let head = read(source, 0, HEAD.min(source.len()))?;
        if head.iter().all(|b| *b == 0) {
            return Ok(log);
        }
        let magic = be32(&head, 0).unwrap_or_default();
        if magic & !1 != MAGIC || be32(&head, 8) != Some(page_size) {
            return Err(Fault::malformed("the write-ahead log has a bad head"));
        }
        let mut sum = Sum {
            big_endian: magic & 1 != 0,
            state: [0, 0],
        };
        sum.add(head.get(..24).unwrap_or_default());
        if !sum.is_at(&head, 24) {
            return Err(Fault::malformed(
                "the head of the write-ahead log has a bad checksum",
            ));
        }
        let salts = array::<8>(&head, 16);
        let frame_size = FRAME_HEAD + u64::from(page_size);
        let mut pending = BTreeMap::new();
        let mut at = HEAD;
        while source.len().saturating_sub(at) >= frame_size {
            let frame = read(source, at, frame_size)?;
            sum.add(frame.get(..8).unwrap_or_default());
            sum.add(frame.get(24..).unwrap_or_default());
            if array::<8>(&frame, 8) != salts || !sum.is_at(&frame, 16) {
                // What an earlier round of the log left behind.
                break;
            }
            pending.insert(be32(&frame, 0).unwrap_or_default(), at + FRAME_HEAD);
            if let Some(length) = be32(&frame, 4).filter(|length| *length != 0) {
                log.pages.append(&mut pending);
                log.length = Some(length);
            }
            at += frame_size;
        }
        Ok(log)
    }

    /// Where in the log a page is, if it is there.
    pub(super) fn place(&self, page: u32) -> Option<u64> {
        self.pages.get(&page).copied()
    }
}

/// The running checksum: two sums, each over every other word.
struct Sum {
    big_endian: bool,
    state: [u32; 2],
}

impl Sum {
    fn add(&mut self, bytes: &[u8]) {
        let word = |four: [u8; 4]| {
            if self.big_endian {
                u32::from_be_bytes(four)
            } else {
                u32::from_le_bytes(four)
            }
        };
        let [mut one, mut two] = self.state;
        for [a, b, c, d, e, f, g, h] in bytes.as_chunks::<8>().0 {
            one = one.wrapping_add(word([*a, *b, *c, *d])).wrapping_add(two);
            two = two.wrapping_add(word([*e, *f, *g, *h])).wrapping_add(one);
        }
        self.state = [one, two];
    }

    /// Whether the sum stands, big-endian, at `at`.
    fn is_at(&self, bytes: &[u8], at: usize) -> bool {
        be32(bytes, at) == Some(self.state[0]) && be32(bytes, at + 4) == Some(self.state[1])
    }
}

#[cfg(test)]
pub(super) fn write(page_size: u32, frames: &[(u32, u32, Vec<u8>)]) -> Vec<u8> {
    let mut sum = Sum {
        big_endian: true,
        state: [0, 0],
    };
    let put = |out: &mut Vec<u8>, words: &[u32]| {
        for word in words {
            out.extend_from_slice(&word.to_be_bytes());
        }
    };
    let mut log = Vec::new();
    put(&mut log, &[MAGIC | 1, 3_007_000, page_size, 0, 17, 42]);
    sum.add(&log);
    put(&mut log, &sum.state);
    for (page, length, content) in frames {
        let mut head = Vec::new();
        put(&mut head, &[*page, *length]);
        sum.add(&head);
        sum.add(content);
        put(&mut head, &[17, 42]);
        put(&mut head, &sum.state);
        log.extend_from_slice(&head);
        log.extend_from_slice(content);
    }
    log
}
