//! rpm's classic store: `Packages`, a hash table of Berkeley DB, as Enterprise Linux had it up to
//! 8 and SUSE up to 12; or a tree, as rpm 5 made it for Mandriva and embedded systems.
//!
//! The form is that of Berkeley DB's `dbinc/db_page.h`, in the byte order of the host that wrote
//! it. Every page is looked at, not only those that the table of buckets, or the tree, leads to: it costs one
//! short read for each and does not depend on a table that may be damaged.

use super::{Fault, MAX_BLOB, MAX_RECORDS, Slot, Source, note, read};

const HASH_MAGIC: u32 = 0x0006_1561;
const BTREE_MAGIC: u32 = 0x0005_3162;

/// Page types.
const HASH_UNSORTED: u8 = 2;
const TREE_LEAF: u8 = 5;
const OVERFLOW: u8 = 7;
const HASH: u8 = 13;

/// Item types, on pages of both kinds.
const ITEM_DATA: u8 = 1;
const ITEM_OFF_PAGE: u8 = 3;

/// An open `Packages`.
pub(super) struct Bdb {
    source: Source,
    big_endian: bool,
    is_tree: bool,
    page_size: u32,
    last_page: u32,
    /// Whether pages are missing that the head counts.
    is_short: bool,
    /// Where the index of items, or the content, of a page begins.
    overhead: usize,
}

impl Bdb {
    pub(super) fn detects(head: &[u8]) -> bool {
        magic(head).is_some()
    }

    pub(super) fn open(source: Source) -> Result<Self, Fault> {
        let head = read(&*source, 0, 72)?;
        let Some((magic, big_endian)) = magic(&head) else {
            return Err(Fault::malformed("no Berkeley DB file"));
        };
        let word = |at| word(&head, at, big_endian).unwrap_or_default();
        let page_size = word(20);
        if !page_size.is_power_of_two() || !(512..=65536).contains(&page_size) {
            return Err(Fault::malformed(
                "the page size of the Berkeley DB file is none",
            ));
        }
        if head.get(24) != Some(&0) {
            return Err(Fault::not_understood("the Berkeley DB file is encrypted"));
        }
        // DBMETA_CHKSUM: pages then have a checksum behind the 26 bytes of their head.
        let summed = head.get(26).is_some_and(|flags| flags & 1 != 0);
        let pages = source.len() / u64::from(page_size);
        let last_page = u32::try_from(pages.saturating_sub(1)).unwrap_or(u32::MAX);
        Ok(Self {
            source,
            big_endian,
            is_tree: magic == BTREE_MAGIC,
            page_size,
            last_page: last_page.min(word(32)),
            is_short: last_page < word(32),
            overhead: if summed { 32 } else { 26 },
        })
    }

    /// The packages: page and number of the value's item. The keys are their numbers.
    pub(super) fn slots(&self) -> (Vec<Slot>, Vec<Fault>) {
        let (mut slots, mut faults) = (Vec::new(), Vec::new());
        if self.is_short {
            faults.push(Fault::malformed("the file ends before its last page"));
        }
        for number in 1..=self.last_page {
            let page = match self.leaf(number) {
                Ok(None) => continue,
                Ok(Some(page)) => page,
                Err(fault) => {
                    note(&mut faults, fault);
                    break;
                }
            };
            let count = u32::from(self.half(&page, 20).unwrap_or_default());
            for index in (1..count).step_by(2) {
                // The value of key 0 is the last number that was given out, not a package.
                let key = self.item(&page, index - 1);
                if matches!(key, Some(Item::Here([0, 0, 0, 0]))) {
                    continue;
                }
                if slots.len() >= MAX_RECORDS {
                    note(&mut faults, Fault::too_many());
                    return (slots, faults);
                }
                slots.push(Slot {
                    page: number,
                    index,
                });
            }
        }
        (slots, faults)
    }

    pub(super) fn blob(&self, slot: Slot) -> Result<Vec<u8>, Fault> {
        let page = self
            .leaf(slot.page)?
            .ok_or_else(|| Fault::malformed("a page of packages changed"))?;
        match self.item(&page, slot.index) {
            Some(Item::Here(content)) => Ok(content.to_vec()),
            Some(Item::Elsewhere { first, length }) => self.off_page(first, length),
            None => Err(Fault::malformed(
                "an item of packages is none that rpm writes",
            )),
        }
    }

    /// Collects an item that fills pages of its own, each naming the next.
    fn off_page(&self, first: u32, length: u32) -> Result<Vec<u8>, Fault> {
        if u64::from(length) > MAX_BLOB {
            return Err(Fault::too_large());
        }
        let length = usize::try_from(length).map_err(|_| Fault::too_large())?;
        let mut blob = Vec::new();
        let mut next = first;
        // Each step adds a byte or ends, so that a ring of pages cannot hold it.
        while blob.len() < length {
            let page = self.page(next)?;
            let used = usize::from(self.half(&page, 22).unwrap_or_default());
            let part = page
                .get(self.overhead..self.overhead.saturating_add(used))
                .filter(|part| !part.is_empty() && page.get(25) == Some(&OVERFLOW));
            let Some(part) = part else {
                return Err(Fault::malformed("a page of a large item is none"));
            };
            let want = length - blob.len();
            blob.extend_from_slice(part.get(..want).unwrap_or(part));
            next = word(&page, 16, self.big_endian).unwrap_or_default();
        }
        Ok(blob)
    }

    /// A page with items; nothing when the page is of another type.
    fn leaf(&self, number: u32) -> Result<Option<Vec<u8>>, Fault> {
        let head = read(&*self.source, self.offset(number), 26)?;
        let is_leaf = match head.get(25) {
            Some(&TREE_LEAF) => self.is_tree,
            Some(&(HASH | HASH_UNSORTED)) => !self.is_tree,
            _ => false,
        };
        if is_leaf {
            return self.page(number).map(Some);
        }
        Ok(None)
    }

    fn page(&self, number: u32) -> Result<Vec<u8>, Fault> {
        if number == 0 || number > self.last_page {
            return Err(Fault::malformed("a page lies outside the file"));
        }
        read(
            &*self.source,
            self.offset(number),
            u64::from(self.page_size),
        )
    }

    fn offset(&self, number: u32) -> u64 {
        u64::from(number) * u64::from(self.page_size)
    }

    /// An item of a page; nothing when it lies outside or is of another kind than rpm writes.
    fn item<'a>(&self, page: &'a [u8], index: u32) -> Option<Item<'a>> {
        let place = |index: u32| {
            let at = usize::try_from(index).ok()?.checked_mul(2)?;
            self.half(page, self.overhead.checked_add(at)?)
                .map(usize::from)
        };
        let start = place(index)?;
        let (kind, content) = if self.is_tree {
            // A length of two bytes, the type, the content; off the page, the length is unused.
            let kind = *page.get(start.checked_add(2)?)?;
            let length = usize::from(self.half(page, start)?);
            let at = start.checked_add(3)?;
            (kind, page.get(at..at.checked_add(length)?))
        } else {
            // Items fill the page from its end, and each reaches up to the one before it.
            let end = match index.checked_sub(1) {
                None => page.len(),
                Some(before) => place(before)?,
            };
            let item = page.get(start..end)?;
            (*item.first()?, item.get(1..))
        };
        match kind {
            ITEM_DATA => content.map(Item::Here),
            ITEM_OFF_PAGE => Some(Item::Elsewhere {
                first: word(page, start.checked_add(4)?, self.big_endian)?,
                length: word(page, start.checked_add(8)?, self.big_endian)?,
            }),
            _ => None,
        }
    }

    fn half(&self, bytes: &[u8], at: usize) -> Option<u16> {
        let two: [u8; 2] = bytes.get(at..at.checked_add(2)?)?.try_into().ok()?;
        Some(if self.big_endian {
            u16::from_be_bytes(two)
        } else {
            u16::from_le_bytes(two)
        })
    }
}

/// The content of an item.
enum Item<'a> {
    Here(&'a [u8]),
    /// On pages of its own.
    Elsewhere {
        first: u32,
        length: u32,
    },
}

/// The magic number and whether the file is big-endian.
fn magic(head: &[u8]) -> Option<(u32, bool)> {
    [false, true].into_iter().find_map(|big_endian| {
        word(head, 12, big_endian)
            .filter(|magic| [HASH_MAGIC, BTREE_MAGIC].contains(magic))
            .map(|magic| (magic, big_endian))
    })
}

fn word(bytes: &[u8], at: usize, big_endian: bool) -> Option<u32> {
    if big_endian {
        super::be32(bytes, at)
    } else {
        super::le32(bytes, at)
    }
}
