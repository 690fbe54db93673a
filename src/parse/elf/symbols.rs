//! The names that an object imports, from its dynamic symbol table. The table says nowhere how
//! long it is: the hash tables do, which a loader uses to look a symbol up.

use super::header::Class;
use super::memory::Pages;
use super::{Elf, dynamic::Tables};
use crate::parse::read::ReadAt;

/// Symbols that are looked at: the largest programs have some hundred thousand.
const SYMBOLS: u64 = 1 << 17;

/// An imported symbol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Import<'a> {
    /// Its name.
    pub name: &'a [u8],
    /// Whether the program runs without it.
    pub weak: bool,
    /// The number of the version it is bound to, as in [`super::Wanted::index`]; 0 and 1 stand for
    /// none.
    pub version: u16,
}

/// Hands the imported names to `each`, in the order of the table; of a table that is larger than is
/// read, or damaged, those that could be read.
pub fn imports(elf: &Elf, head: &[u8], source: &dyn ReadAt, mut each: impl FnMut(Import<'_>)) {
    let Some(dynamic) = &elf.dynamic else { return };
    let mut pages = Pages::new(elf.header.order(), head, source);
    let tables = dynamic.symbols;
    let (Some(symbols), Some(strings)) = (tables.symbols, tables.strings) else {
        return;
    };
    let size = symbol_size(elf.header.class);
    let count = count(&mut pages, &tables, size).min(SYMBOLS);
    let mut index = 1;
    while index < count {
        let many = (count - index).min(128);
        let Some(at) = symbols.checked_add(index * size) else {
            break;
        };
        let raw = pages.bytes(at, usize::try_from(many * size).unwrap_or(0));
        let versions = versions(&mut pages, &tables, index, many);
        let versions = versions
            .chunks_exact(2)
            .chain(std::iter::repeat(&[0, 0][..]));
        let symbols = raw.chunks_exact(usize::try_from(size).unwrap_or(usize::MAX));
        for (raw, version) in symbols.zip(versions) {
            if let Some((name, weak)) = import(&pages, raw)
                && let Some(at) = strings.checked_add(name.into())
            {
                // The highest bit hides a definition; it says nothing of an import.
                let version = pages.order.u16(version, 0).unwrap_or(0) & 0x7fff;
                pages.with_string(at, |name| {
                    each(Import {
                        name,
                        weak,
                        version,
                    });
                });
            }
        }
        if (raw.len() as u64) < many * size {
            break;
        }
        index += many;
    }
}

/// The entries of `DT_VERSYM` for `many` symbols from `index` on: two bytes each, side by side with
/// the symbols. Nothing where there is no such table.
fn versions(pages: &mut Pages<'_>, tables: &Tables, index: u64, many: u64) -> Vec<u8> {
    let at = tables
        .versions
        .and_then(|table| table.checked_add(index * 2));
    at.map_or_else(Vec::new, |at| {
        pages.bytes(at, usize::try_from(many * 2).unwrap_or(0))
    })
}

fn symbol_size(class: Class) -> u64 {
    match class {
        Class::Elf32 => 16,
        Class::Elf64 => 24,
    }
}

/// Where the name of an imported symbol stands among the strings, and whether it is weak.
fn import(pages: &Pages<'_>, raw: &[u8]) -> Option<(u32, bool)> {
    const SHN_UNDEF: u16 = 0;
    const STB_WEAK: u8 = 2;
    let order = pages.order;
    let (info, section) = match order.class {
        Class::Elf32 => (*raw.get(12)?, order.u16(raw, 14)?),
        Class::Elf64 => (*raw.get(4)?, order.u16(raw, 6)?),
    };
    let name = order.u32(raw, 0)?;
    (section == SHN_UNDEF && name != 0).then_some((name, info >> 4 == STB_WEAK))
}

/// The number of symbols; imported ones stand first, so that a table without a usable hash is
/// read up to the strings that follow it in every linker's layout.
fn count(pages: &mut Pages<'_>, tables: &Tables, size: u64) -> u64 {
    let order = pages.order;
    if let Some(hash) = tables.hash {
        let raw = pages.bytes(hash, 8);
        if let Some(chains) = order.u32(&raw, 4) {
            return chains.into();
        }
    }
    if let Some(hash) = tables.gnu_hash
        && let Some(count) = gnu_count(pages, hash)
    {
        return count;
    }
    match (tables.symbols, tables.strings) {
        (Some(symbols), Some(strings)) if strings > symbols => (strings - symbols) / size,
        _ => 0,
    }
}

/// `DT_GNU_HASH` holds the exported symbols only, which come last: without one the first exported
/// index is the end; else the highest bucket's chain is.
fn gnu_count(pages: &mut Pages<'_>, at: u64) -> Option<u64> {
    const BUCKETS: u64 = 1 << 17;
    let order = pages.order;
    let raw = pages.bytes(at, 16);
    let buckets: u64 = order.u32(&raw, 0)?.into();
    let first: u64 = order.u32(&raw, 4)?.into();
    let bloom: u64 = order.u32(&raw, 8)?.into();
    // Nothing but the imported symbols, which stand before `first`, is asked for: the chains need
    // not be walked. A linker that exports nothing writes 1 here, and one empty bucket.
    if first > 1 {
        return Some(first);
    }
    let table = at
        .checked_add(16)?
        .checked_add(bloom.checked_mul(order.word_size() as u64)?)?;
    let mut highest = 0u64;
    for index in 0..buckets.min(BUCKETS) {
        let raw = pages.bytes(table.checked_add(index * 4)?, 4);
        highest = highest.max(order.u32(&raw, 0)?.into());
    }
    // Every symbol is exported when the first is; else none is.
    (highest > 0).then_some(first)
}
