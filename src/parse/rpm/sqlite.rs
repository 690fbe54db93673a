//! rpm's newest store, `rpmdb.sqlite`: Fedora from 33 on, Enterprise Linux from 9 on.
//!
//! Only what is needed of SQLite's file format (`fileformat2.html`) is read: the schema, and the
//! b-tree of the table `Packages (hnum INTEGER PRIMARY KEY, blob BLOB)`.

use std::collections::BTreeSet;

use super::wal::Log;
use super::{Fault, MAX_BLOB, MAX_RECORDS, Slot, Source, be16, be32, note, read};

const MAGIC: &[u8] = b"SQLite format 3\0";

/// Types of b-tree pages.
const TABLE_INTERIOR: u8 = 5;
const TABLE_LEAF: u8 = 13;

/// An open `rpmdb.sqlite`.
pub(super) struct Sqlite {
    source: Source,
    wal: Option<(Source, Log)>,
    page_size: u32,
    /// Bytes of a page that SQLite uses; the rest is kept for extensions.
    usable: usize,
    /// The length in pages.
    length: u32,
    /// The first page of the table of packages.
    table: u32,
}

impl Sqlite {
    pub(super) fn detects(head: &[u8]) -> bool {
        head.starts_with(MAGIC)
    }

    pub(super) fn open(source: Source, wal: Option<Source>) -> Result<(Self, Vec<Fault>), Fault> {
        let mut faults = Vec::new();
        let head = read(&*source, 0, 100)?;
        let page_size = match be16(&head, 16) {
            Some(1) => 65536,
            other => u32::from(other.unwrap_or_default()),
        };
        let kept = head.get(20).map_or(0, |b| u32::from(*b));
        let usable = page_size.saturating_sub(kept);
        if !page_size.is_power_of_two() || page_size < 512 || usable < 480 {
            return Err(Fault::malformed("the page size of the SQLite file is none"));
        }
        // 0 stands in a file without a table, 1 for UTF-8.
        if be32(&head, 56).is_some_and(|encoding| encoding > 1) {
            return Err(Fault::not_understood(
                "the SQLite file has its names in UTF-16",
            ));
        }
        let wal = wal.and_then(|wal| match Log::read(&*wal, page_size) {
            Ok(log) => Some((wal, log)),
            Err(mut fault) => {
                fault
                    .message
                    .push_str("; it was not merged, and the newest changes are not seen");
                note(&mut faults, fault);
                None
            }
        });
        let pages = u32::try_from(source.len() / u64::from(page_size)).unwrap_or(u32::MAX);
        let mut db = Self {
            length: wal
                .as_ref()
                .and_then(|(_, log)| log.length)
                .unwrap_or(pages),
            source,
            wal,
            page_size,
            usable: usize::try_from(usable).unwrap_or_default(),
            table: 0,
        };
        db.table = db
            .find_table(b"Packages")?
            .ok_or_else(|| Fault::not_understood("the SQLite file has no table of packages"))?;
        Ok((db, faults))
    }

    /// The first page of a table, from the schema: type, name, name of the table, page, SQL.
    fn find_table(&self, wanted: &[u8]) -> Result<Option<u32>, Fault> {
        let (slots, mut faults) = self.cells(1);
        for slot in slots {
            let Ok(record) = self.payload(slot) else {
                continue;
            };
            let is_table = column(&record, 0) == Some(b"table");
            let name = column(&record, 1);
            if is_table && name.is_some_and(|name| name.eq_ignore_ascii_case(wanted)) {
                return Ok(column(&record, 3).and_then(integer));
            }
        }
        match faults.pop() {
            Some(fault) => Err(fault),
            None => Ok(None),
        }
    }

    pub(super) fn slots(&self) -> (Vec<Slot>, Vec<Fault>) {
        self.cells(self.table)
    }

    /// The blob, which is the second column.
    pub(super) fn blob(&self, slot: Slot) -> Result<Vec<u8>, Fault> {
        let record = self.payload(slot)?;
        column(&record, 1)
            .map(<[u8]>::to_vec)
            .ok_or_else(|| Fault::malformed("a row of the table of packages has no blob"))
    }

    /// The cells of a table: each page of its tree once, whatever the tree claims to be.
    fn cells(&self, root: u32) -> (Vec<Slot>, Vec<Fault>) {
        let (mut slots, mut faults) = (Vec::new(), Vec::new());
        let mut seen = BTreeSet::new();
        let mut todo = vec![root];
        while let Some(number) = todo.pop() {
            if !seen.insert(number) {
                note(
                    &mut faults,
                    Fault::malformed("a page stands twice in the tree of packages"),
                );
                continue;
            }
            let page = match self.page(number) {
                Ok(page) => page,
                Err(fault) => {
                    note(&mut faults, fault);
                    continue;
                }
            };
            let start = page_start(number);
            let cells = u32::from(be16(&page, start + 3).unwrap_or_default());
            match page.get(start) {
                Some(&TABLE_LEAF) => slots.extend((0..cells).map(|index| Slot {
                    page: number,
                    index,
                })),
                Some(&TABLE_INTERIOR) => {
                    let most_right = be32(&page, start + 8);
                    let children = (0..cells)
                        .filter_map(|index| be32(&page, cell_place(&page, start + 12, index)?));
                    // The last one put is the first one taken.
                    let mut children: Vec<u32> = children.chain(most_right).collect();
                    children.reverse();
                    todo.append(&mut children);
                }
                _ => note(
                    &mut faults,
                    Fault::malformed("a page of the tree of packages is none"),
                ),
            }
            if slots.len() > MAX_RECORDS {
                slots.truncate(MAX_RECORDS);
                note(&mut faults, Fault::too_many());
                break;
            }
        }
        (slots, faults)
    }

    /// The record of a cell, collected from its overflow pages.
    fn payload(&self, slot: Slot) -> Result<Vec<u8>, Fault> {
        let bad = || Fault::malformed("a cell of the tree of packages lies outside its page");
        let page = self.page(slot.page)?;
        let start = page_start(slot.page);
        let at = cell_place(&page, start + 8, slot.index).ok_or_else(bad)?;
        let cell = page.get(at..self.usable).ok_or_else(bad)?;
        let (length, cell) = varint(cell).ok_or_else(bad)?;
        let (_row, cell) = varint(cell).ok_or_else(bad)?;
        if length > MAX_BLOB {
            return Err(Fault::too_large());
        }
        let length = usize::try_from(length).map_err(|_| Fault::too_large())?;
        let local = local_part(length, self.usable);
        let mut record = cell.get(..local).ok_or_else(bad)?.to_vec();
        let mut next = be32(cell, local).unwrap_or_default();
        // Each page adds at least 476 bytes: a ring of pages ends with the length.
        while record.len() < length {
            let page = self.page(next)?;
            next = be32(&page, 0).unwrap_or_default();
            let part = page.get(4..self.usable).ok_or_else(bad)?;
            let want = length - record.len();
            record.extend_from_slice(part.get(..want).unwrap_or(part));
        }
        Ok(record)
    }

    /// A page, in its newest version; they are numbered from 1.
    fn page(&self, number: u32) -> Result<Vec<u8>, Fault> {
        if number == 0 || number > self.length {
            return Err(Fault::malformed("a page lies outside the file"));
        }
        let size = u64::from(self.page_size);
        if let Some((wal, log)) = &self.wal
            && let Some(place) = log.place(number)
        {
            return read(&**wal, place, size);
        }
        read(&*self.source, u64::from(number - 1) * size, size)
    }
}

/// Where the head of the tree's page is: behind the file's head on the first page.
fn page_start(number: u32) -> usize {
    if number == 1 { 100 } else { 0 }
}

/// Where a cell begins, from the array of places at `array`.
fn cell_place(page: &[u8], array: usize, index: u32) -> Option<usize> {
    let at = usize::try_from(index).ok()?.checked_mul(2)?;
    be16(page, array.checked_add(at)?).map(usize::from)
}

/// How much of a record stands in the cell itself (section 1.6).
fn local_part(length: usize, usable: usize) -> usize {
    let most = usable - 35;
    if length <= most {
        return length;
    }
    let least = (usable - 12) * 32 / 255 - 23;
    let some = least + (length - least) % (usable - 4);
    if some <= most { some } else { least }
}

/// A number of one to nine bytes, seven bits in each but the ninth.
fn varint(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut value = 0u64;
    for (at, b) in bytes.iter().take(9).enumerate() {
        let rest = bytes.get(at + 1..)?;
        if at == 8 {
            return Some((value << 8 | u64::from(*b), rest));
        }
        value = value << 7 | u64::from(b & 0x7f);
        if b & 0x80 == 0 {
            return Some((value, rest));
        }
    }
    None
}

/// The bytes of a column of a record (section 2.1).
fn column(record: &[u8], wanted: usize) -> Option<&[u8]> {
    let (head, _) = varint(record)?;
    let head = usize::try_from(head).ok()?;
    let mut types = record.get(..head).and_then(varint)?.1;
    let mut at = head;
    for number in 0.. {
        let (kind, rest) = varint(types)?;
        types = rest;
        let length = match kind {
            0 | 8 | 9 => 0,
            1..=4 => usize::try_from(kind).ok()?,
            5 => 6,
            6 | 7 => 8,
            // Even numbers are blobs, odd ones texts.
            12.. => usize::try_from((kind - 12) / 2).ok()?,
            _ => return None,
        };
        let end = at.checked_add(length)?;
        if number == wanted {
            return record.get(at..end);
        }
        at = end;
    }
    None
}

/// An integer that fits a page number.
fn integer(bytes: &[u8]) -> Option<u32> {
    if bytes.is_empty() || bytes.len() > 8 {
        return None;
    }
    let value = bytes
        .iter()
        .fold(0u64, |value, b| value << 8 | u64::from(*b));
    u32::try_from(value).ok()
}
