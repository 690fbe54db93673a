//! The dynamic section, found and read as a loader does: by program header and address, to the
//! first `DT_NULL`, whatever sizes are claimed.

use goblin::elf::dynamic as d;

use super::memory::{Load, Pages, offset_of};
use super::versions::{self, Defined, Needs};

/// `DT_AUXILIARY`, `DT_FILTER` and `DT_RELR` (gABI, Solaris linker guide): goblin has no names
/// for them.
const DT_AUXILIARY: u64 = 0x7fff_fffd;
const DT_FILTER: u64 = 0x7fff_ffff;
const DT_RELR: u64 = 36;

/// The most entries that are read: linkers write some thirty, one for each needed library more.
const ENTRIES: usize = 1 << 16;

/// How one object asks for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ask {
    /// `DT_NEEDED`.
    Needed,
    /// `DT_AUXILIARY`: used in the owner's place where it exists.
    Auxiliary,
    /// `DT_FILTER`: used in the owner's place, and must exist.
    Filter,
}

/// Another object that is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dependency {
    /// The name as written.
    pub name: Box<[u8]>,
    /// How.
    pub ask: Ask,
}

/// The dynamic section.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dynamic {
    /// What it asks for, in its order.
    pub asks: Vec<Dependency>,
    /// `DT_SONAME`.
    pub soname: Option<Box<[u8]>>,
    /// `DT_RPATH`; present but empty differs from absent.
    pub rpath: Option<Box<[u8]>>,
    /// `DT_RUNPATH`; present but empty differs from absent.
    pub runpath: Option<Box<[u8]>>,
    /// `DT_FLAGS`.
    pub flags: u64,
    /// `DT_FLAGS_1`.
    pub flags_1: u64,
    /// The versions it needs of others (`DT_VERNEED`).
    pub needs: Vec<Needs>,
    /// The versions it defines (`DT_VERDEF`); none when it has no such table.
    pub defines: Option<Vec<Defined>>,
    /// Whether it has relative relocations in the packed form (`DT_RELR`).
    pub relr: bool,
    /// Whether its text is relocated.
    pub text_relocations: bool,
    /// Whether a string or table could not be read to its end.
    pub damaged: bool,
    pub(super) symbols: Tables,
}

impl Dynamic {
    /// Whether the object is a program that is loaded like a library (`DF_1_PIE`).
    #[must_use]
    pub fn is_pie(&self) -> bool {
        self.flags_1 & d::DF_1_PIE != 0
    }

    /// Whether the default directories are not searched for what it needs (`DF_1_NODEFLIB`).
    #[must_use]
    pub fn no_default_dirs(&self) -> bool {
        self.flags_1 & d::DF_1_NODEFLIB != 0
    }

    /// Whether every symbol is bound when it is loaded.
    #[must_use]
    pub fn binds_now(&self) -> bool {
        self.flags & d::DF_BIND_NOW != 0 || self.flags_1 & d::DF_1_NOW != 0
    }

    /// The names it needs (`DT_NEEDED`), in order.
    pub fn needed(&self) -> impl Iterator<Item = &[u8]> {
        self.asks
            .iter()
            .filter(|dependency| dependency.ask == Ask::Needed)
            .map(|dependency| &*dependency.name)
    }
}

/// Addresses of the symbol tables.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tables {
    pub(super) strings: Option<u64>,
    pub(super) symbols: Option<u64>,
    pub(super) hash: Option<u64>,
    pub(super) gnu_hash: Option<u64>,
    pub(super) versions: Option<u64>,
}

/// The dynamic section at `offset` of the file; nothing when it cannot be read at all.
pub(super) fn read(pages: &mut Pages<'_>, loads: &[Load], offset: u64) -> Option<Dynamic> {
    let entries = entries(pages, offset)?;
    let last = |tag| entries.iter().rev().find(|e| e.0 == tag).map(|e| e.1);
    let at = |tag| last(tag).and_then(|address| offset_of(loads, address));
    let strings = at(d::DT_STRTAB);
    let mut dynamic = Dynamic {
        flags: last(d::DT_FLAGS).unwrap_or(0),
        flags_1: last(d::DT_FLAGS_1).unwrap_or(0),
        relr: last(DT_RELR).is_some(),
        text_relocations: last(d::DT_TEXTREL).is_some()
            || last(d::DT_FLAGS).is_some_and(|flags| flags & d::DF_TEXTREL != 0),
        symbols: Tables {
            strings,
            symbols: at(d::DT_SYMTAB),
            hash: at(d::DT_HASH),
            gnu_hash: at(d::DT_GNU_HASH),
            versions: at(d::DT_VERSYM),
        },
        ..Dynamic::default()
    };
    let mut text = |damaged: &mut bool, value: u64| {
        let found = strings
            .and_then(|strings| strings.checked_add(value))
            .and_then(|at| pages.string(at));
        *damaged |= found.is_none();
        found
    };
    for &(tag, value) in &entries {
        let ask = match tag {
            d::DT_NEEDED => Ask::Needed,
            DT_AUXILIARY => Ask::Auxiliary,
            DT_FILTER => Ask::Filter,
            _ => {
                let slot = match tag {
                    d::DT_SONAME => &mut dynamic.soname,
                    d::DT_RPATH => &mut dynamic.rpath,
                    d::DT_RUNPATH => &mut dynamic.runpath,
                    _ => continue,
                };
                // Where a tag stands twice the last one counts, as in the loader's table.
                *slot = text(&mut dynamic.damaged, value);
                continue;
            }
        };
        if let Some(name) = text(&mut dynamic.damaged, value) {
            dynamic.asks.push(Dependency { name, ask });
        }
    }
    if let (Some(table), Some(strings)) = (at(d::DT_VERNEED), strings) {
        dynamic.needs = versions::needs(pages, table, strings);
    }
    if last(d::DT_VERDEF).is_some() {
        let table = at(d::DT_VERDEF).zip(strings);
        dynamic.defines = Some(table.map_or_else(Vec::new, |(table, strings)| {
            versions::defined(pages, table, strings)
        }));
    }
    Some(dynamic)
}

fn entries(pages: &mut Pages<'_>, offset: u64) -> Option<Vec<(u64, u64)>> {
    let order = pages.order;
    let word = order.word_size();
    let mut found = Vec::new();
    let mut at = offset;
    let mut step = 48;
    while found.len() < ENTRIES {
        let bytes = pages.mapped(at, step * 2 * word);
        let mut whole = 0;
        for entry in bytes.chunks_exact(2 * word) {
            let (tag, value) = (order.word(entry, 0)?, order.word(entry, word)?);
            if tag == d::DT_NULL {
                return Some(found);
            }
            found.push((tag, value));
            whole += 1;
        }
        if whole < step {
            // The loader would run into what is not mapped.
            return None;
        }
        at = at.checked_add((whole * 2 * word) as u64)?;
        step = 256;
    }
    Some(found)
}
