//! rpm's own store, `Packages.db`: SUSE, from Enterprise Linux 15 on.
//!
//! The form is that of rpm's `lib/backend/ndb/rpmpkg.c`, always little-endian: pages of 4,096
//! bytes with slots of 16 bytes (mark, package number, place and length in blocks of 16 bytes),
//! of which the first two hold the file's head; then blobs, each with a head and a tail.

use super::{Fault, MAX_BLOB, MAX_RECORDS, Slot, Source, le32, note, read};

const FILE_MARK: u32 = u32::from_le_bytes(*b"RpmP");
const SLOT_MARK: u32 = u32::from_le_bytes(*b"Slot");
const BLOB_MARK: u32 = u32::from_le_bytes(*b"BlbS");
const TAIL_MARK: u32 = u32::from_le_bytes(*b"BlbE");
const PAGE: u64 = 4096;
const SLOT: usize = 16;
const BLOCK: u64 = 16;
const BLOB_HEAD: u64 = 16;
const BLOB_TAIL: u64 = 12;

/// An open `Packages.db`.
pub(super) struct Ndb {
    source: Source,
    slot_pages: u32,
}

impl Ndb {
    pub(super) fn detects(head: &[u8]) -> bool {
        le32(head, 0) == Some(FILE_MARK)
    }

    pub(super) fn open(source: Source) -> Result<Self, Fault> {
        let head = read(&*source, 0, 32)?;
        match le32(&head, 4) {
            Some(0) => {}
            _ => {
                return Err(Fault::not_understood(
                    "an ndb store of another version than 0",
                ));
            }
        }
        let slot_pages = le32(&head, 12)
            .filter(|pages| *pages > 0 && u64::from(*pages) <= source.len().div_ceil(PAGE))
            .ok_or_else(|| Fault::malformed("the ndb store's slots lie beyond its end"))?;
        Ok(Self { source, slot_pages })
    }

    /// The packages: place and length of each blob, in blocks.
    pub(super) fn slots(&self) -> (Vec<Slot>, Vec<Fault>) {
        let (mut slots, mut faults) = (Vec::new(), Vec::new());
        for number in 0..self.slot_pages {
            let page = match read(&*self.source, u64::from(number) * PAGE, PAGE) {
                Ok(page) => page,
                Err(fault) => {
                    note(&mut faults, fault);
                    break;
                }
            };
            let head = if number == 0 { 2 } else { 0 };
            for slot in page.as_chunks::<SLOT>().0.iter().skip(head) {
                let field = |at| le32(slot, at).unwrap_or_default();
                if field(0) != SLOT_MARK {
                    note(
                        &mut faults,
                        Fault::malformed("a slot of the ndb store has no mark"),
                    );
                    break;
                }
                // A free slot has no place.
                if field(8) == 0 {
                    continue;
                }
                slots.push(Slot {
                    page: field(8),
                    index: field(12),
                });
            }
            if slots.len() > MAX_RECORDS {
                note(&mut faults, Fault::too_many());
                break;
            }
        }
        (slots, faults)
    }

    pub(super) fn blob(&self, slot: Slot) -> Result<Vec<u8>, Fault> {
        let start = u64::from(slot.page) * BLOCK;
        let end = start + u64::from(slot.index) * BLOCK;
        let head = read(&*self.source, start, BLOB_HEAD)?;
        let length = le32(&head, 12).map_or(0, u64::from);
        if le32(&head, 0) != Some(BLOB_MARK) || start + BLOB_HEAD + length + BLOB_TAIL > end {
            return Err(Fault::malformed("a blob of the ndb store has a bad head"));
        }
        if length > MAX_BLOB {
            return Err(Fault::too_large());
        }
        let tail = read(&*self.source, end - BLOB_TAIL, BLOB_TAIL)?;
        if le32(&tail, 8) != Some(TAIL_MARK) || le32(&tail, 4).map(u64::from) != Some(length) {
            return Err(Fault::malformed("a blob of the ndb store has a bad tail"));
        }
        read(&*self.source, start + BLOB_HEAD, length)
    }
}
