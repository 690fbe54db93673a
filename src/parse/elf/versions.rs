//! Symbol versions: what an object needs of which file, and what it defines. Found by dynamic
//! tag, since a loader knows no sections (LSB core, "Symbol Versioning").

use super::memory::Pages;

/// Records that are followed in one table. libc.so.6 defines about fifty versions; a program that
/// needs some hundred is large.
const RECORDS: usize = 1 << 14;

/// The versions that are needed of one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Needs {
    /// The file's name (`vn_file`).
    pub file: Box<[u8]>,
    /// The versions.
    pub versions: Vec<Wanted>,
}

/// A version that is needed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Its name.
    pub name: Box<[u8]>,
    /// The hash of the name.
    pub hash: u32,
    /// Whether its absence is no error (`VER_FLG_WEAK`).
    pub weak: bool,
    /// The number by which symbols refer to it (`vna_other`).
    pub index: u16,
}

/// A version that is defined.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Defined {
    /// Its name.
    pub name: Box<[u8]>,
    /// The hash of the name.
    pub hash: u32,
    /// Whether it is the file's own name (`VER_FLG_BASE`).
    pub base: bool,
}

const VER_FLG_BASE: u16 = 1;
const VER_FLG_WEAK: u16 = 2;

/// `Elfxx_Verneed` records from `table` on; they are the same for both widths.
pub(super) fn needs(pages: &mut Pages<'_>, table: u64, strings: u64) -> Vec<Needs> {
    let order = pages.order;
    let mut found = Vec::new();
    let mut left = RECORDS;
    let mut at = table;
    while left > 0 {
        left -= 1;
        let record = pages.bytes(at, 16);
        let (Some(file), Some(aux), Some(next)) = (
            order.u32(&record, 4),
            order.u32(&record, 8),
            order.u32(&record, 12),
        ) else {
            break;
        };
        let file = strings
            .checked_add(file.into())
            .and_then(|at| pages.string(at));
        let versions = at
            .checked_add(aux.into())
            .map(|aux| wanted(pages, aux, strings, &mut left))
            .unwrap_or_default();
        if let Some(file) = file {
            found.push(Needs { file, versions });
        }
        match at.checked_add(next.into()) {
            Some(further) if next != 0 => at = further,
            _ => break,
        }
    }
    found
}

fn wanted(pages: &mut Pages<'_>, first: u64, strings: u64, left: &mut usize) -> Vec<Wanted> {
    let order = pages.order;
    let mut found = Vec::new();
    let mut at = first;
    while *left > 0 {
        *left -= 1;
        let record = pages.bytes(at, 16);
        let (Some(hash), Some(flags), Some(index), Some(name), Some(next)) = (
            order.u32(&record, 0),
            order.u16(&record, 4),
            order.u16(&record, 6),
            order.u32(&record, 8),
            order.u32(&record, 12),
        ) else {
            break;
        };
        if let Some(name) = strings
            .checked_add(name.into())
            .and_then(|at| pages.string(at))
        {
            found.push(Wanted {
                name,
                hash,
                weak: flags & VER_FLG_WEAK != 0,
                index,
            });
        }
        match at.checked_add(next.into()) {
            Some(further) if next != 0 => at = further,
            _ => break,
        }
    }
    found
}

/// `Elfxx_Verdef` records from `table` on, each with its first name.
pub(super) fn defined(pages: &mut Pages<'_>, table: u64, strings: u64) -> Vec<Defined> {
    let order = pages.order;
    let mut found = Vec::new();
    let mut at = table;
    for _ in 0..RECORDS {
        let record = pages.bytes(at, 20);
        let (Some(flags), Some(hash), Some(aux), Some(next)) = (
            order.u16(&record, 2),
            order.u32(&record, 8),
            order.u32(&record, 12),
            order.u32(&record, 16),
        ) else {
            break;
        };
        let name = at
            .checked_add(aux.into())
            .map(|aux| pages.bytes(aux, 8))
            .and_then(|aux| order.u32(&aux, 0))
            .and_then(|name| strings.checked_add(name.into()))
            .and_then(|at| pages.string(at));
        if let Some(name) = name {
            let base = flags & VER_FLG_BASE != 0;
            found.push(Defined { name, hash, base });
        }
        match at.checked_add(next.into()) {
            Some(further) if next != 0 => at = further,
            _ => break,
        }
    }
    found
}
