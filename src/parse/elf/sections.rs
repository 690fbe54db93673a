//! Where a program's own strings stand. The sections are the linker's word, which no loader looks at:
//! they serve to pass over what holds no strings, and a file that has none is searched whole.

use std::ops::Range;

use goblin::elf::section_header::{
    SHF_ALLOC, SHF_EXECINSTR, SHT_DYNSYM, SHT_GNU_HASH, SHT_HASH, SHT_NOBITS, SHT_NULL, SHT_REL,
    SHT_RELA, SHT_STRTAB, SHT_SYMTAB, section_header32, section_header64,
};

use super::header::{Class, Header, Order};
use crate::parse::read::ReadAt;

/// The most sections of a file: compilers that give each function its own leave a linker to join
/// them again.
const SECTIONS: u16 = 4096;

/// As much as the largest header has (Elf64_Ehdr, elf(5)).
const HEADER: usize = 64;

/// The most that is read of the sections' names.
const NAMES: usize = 256 << 10;

/// What is shorter is read along: to begin anew costs more.
const SHORTEST: u64 = 16 << 10;

/// How the names of sections begin that hold what debuggers and unwinders read. Go's table of
/// functions names its sources.
const NOT_OF_THE_PROGRAM: [&[u8]; 7] = [
    b".debug",
    b".zdebug",
    b".gnu_debug",
    b".stab",
    b".eh_frame",
    b".gcc_except_table",
    b".gopclntab",
];

/// One section header.
struct Section {
    name: usize,
    kind: u32,
    flags: u64,
    at: Range<u64>,
}

impl Section {
    fn read(order: Order, raw: &[u8]) -> Option<Self> {
        let word = order.word_size();
        // gABI: sh_name, sh_type, sh_flags, sh_addr, sh_offset, sh_size.
        let offset = order.word(raw, 8 + 2 * word)?;
        let size = order.word(raw, 8 + 3 * word)?;
        Some(Self {
            name: usize::try_from(order.u32(raw, 0)?).ok()?,
            kind: order.u32(raw, 4)?,
            flags: order.word(raw, 8)?,
            at: offset..offset.checked_add(size)?,
        })
    }

    /// Whether no string of the program can stand in it: code, symbols, relocations, and what only
    /// debuggers read.
    fn is_silent(&self, names: &[u8]) -> bool {
        if self.flags & u64::from(SHF_EXECINSTR) != 0 {
            return true;
        }
        match self.kind {
            SHT_SYMTAB | SHT_DYNSYM | SHT_REL | SHT_RELA | SHT_HASH | SHT_GNU_HASH => true,
            // The names of symbols; those that are loaded are also those of libraries.
            SHT_STRTAB => self.flags & u64::from(SHF_ALLOC) == 0,
            _ => {
                let name = names.get(self.name..).unwrap_or_default();
                NOT_OF_THE_PROGRAM
                    .iter()
                    .any(|begin| name.starts_with(begin))
            }
        }
    }
}

/// The parts of the file that may hold a program's strings, in order: all of it but code, symbols,
/// relocations, and what is there for debuggers, as far as its sections tell. `head` is how it
/// begins.
#[must_use]
pub fn with_strings(head: &[u8], source: &dyn ReadAt) -> Vec<Range<u64>> {
    let whole = 0..source.len();
    let silent = silent(head, source).unwrap_or_default();
    let mut parts = Vec::new();
    let mut from = whole.start;
    for section in silent {
        if section.start > from {
            parts.push(from..section.start.min(whole.end));
        }
        from = from.max(section.end);
    }
    if from < whole.end {
        parts.push(from..whole.end);
    }
    parts
}

/// What the parts of [`with_strings`] hold, with a zero between one and the next: `limit` bytes at most,
/// and nothing of what cannot be read.
#[must_use]
pub fn strings(source: &dyn ReadAt, limit: usize) -> Vec<u8> {
    let head = source.bytes_at(0, HEADER).unwrap_or_default();
    let mut all = Vec::new();
    for part in with_strings(&head, source) {
        let left = limit.saturating_sub(all.len());
        let want = usize::try_from(part.end - part.start).map_or(left, |want| want.min(left));
        all.extend(source.bytes_at(part.start, want).unwrap_or_default());
        all.push(0);
    }
    all
}

/// What is passed over: in order, apart from each other, and each long enough to be worth it.
fn silent(head: &[u8], source: &dyn ReadAt) -> Option<Vec<Range<u64>>> {
    if source.len() < 2 * SHORTEST {
        return None;
    }
    let header = Header::read(head).ok()?;
    let order = header.order();
    let size = match header.class {
        Class::Elf32 => section_header32::SIZEOF_SHDR,
        Class::Elf64 => section_header64::SIZEOF_SHDR,
    };
    let table = header.sections;
    if usize::from(table.size) != size || !(1..=SECTIONS).contains(&table.count) {
        return None;
    }
    let raw = source.bytes_at(table.offset, usize::from(table.count) * size);
    let raw = raw.ok()?;
    let sections: Vec<Section> = raw
        .chunks_exact(size)
        .filter_map(|raw| Section::read(order, raw))
        .collect();
    let names = sections.get(usize::from(table.names)).and_then(|section| {
        let length = usize::try_from(section.at.end - section.at.start).ok()?;
        source.bytes_at(section.at.start, length.min(NAMES)).ok()
    });
    let names = names.unwrap_or_default();
    let mut all: Vec<Range<u64>> = sections
        .into_iter()
        .filter(|section| !matches!(section.kind, SHT_NULL | SHT_NOBITS))
        .filter(|section| section.is_silent(&names))
        .map(|section| section.at)
        .collect();
    all.sort_by_key(|part| (part.start, part.end));
    let mut joined: Vec<Range<u64>> = Vec::new();
    for part in all {
        match joined.last_mut() {
            // What a linker leaves between two of them is to align them.
            Some(last) if part.start <= last.end.saturating_add(64) => {
                last.end = last.end.max(part.end);
            }
            _ => joined.push(part),
        }
    }
    joined.retain(|part| part.start < source.len() && part.end - part.start >= SHORTEST);
    Some(joined)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A little-endian 64-bit file of 256 KiB whose sections are (name, type, flags, range).
    fn file(sections: &[(&str, u32, u32, Range<u64>)]) -> Vec<u8> {
        let mut file = vec![b'x'; 256 << 10];
        file[..64].fill(0);
        file[..7].copy_from_slice(b"\x7fELF\x02\x01\x01");
        file[16] = 3;
        let mut names = vec![0];
        let mut table = vec![0; 64];
        let mut section = |name: usize, kind: u32, flags: u32, at: &Range<u64>| {
            let mut raw = vec![0; 64];
            raw[..4].copy_from_slice(&u32::try_from(name).unwrap().to_le_bytes());
            raw[4..8].copy_from_slice(&kind.to_le_bytes());
            raw[8..12].copy_from_slice(&flags.to_le_bytes());
            raw[24..32].copy_from_slice(&at.start.to_le_bytes());
            raw[32..40].copy_from_slice(&(at.end - at.start).to_le_bytes());
            table.extend(raw);
        };
        for (name, kind, flags, at) in sections {
            section(names.len(), *kind, *flags, at);
            names.extend(name.bytes());
            names.push(0);
        }
        let at = file.len() as u64;
        section(0, SHT_STRTAB, 0, &(at..at + names.len() as u64));
        file.extend(names);
        let offset = file.len() as u64;
        file[40..48].copy_from_slice(&offset.to_le_bytes());
        file[58] = 64;
        file[60] = u8::try_from(sections.len() + 2).unwrap();
        file[62] = u8::try_from(sections.len() + 1).unwrap();
        file.extend(table);
        file
    }

    fn parts(file: &[u8]) -> Vec<Range<u64>> {
        with_strings(&file[..4096], &file)
    }

    #[test]
    fn code_symbols_and_debug_information_are_passed_over() {
        const PROGBITS: u32 = 1;
        const K: u64 = 1 << 10;
        let file = file(&[
            (".rodata", PROGBITS, SHF_ALLOC, 4 * K..40 * K),
            (
                ".text",
                PROGBITS,
                SHF_ALLOC | SHF_EXECINSTR,
                40 * K..100 * K,
            ),
            (
                ".fini",
                PROGBITS,
                SHF_ALLOC | SHF_EXECINSTR,
                100 * K + 8..101 * K,
            ),
            (".data", PROGBITS, SHF_ALLOC | 1, 101 * K..120 * K),
            (".dynstr", SHT_STRTAB, SHF_ALLOC, 120 * K..140 * K),
            (".debug_str", PROGBITS, 0, 140 * K..180 * K),
            (".payload", PROGBITS, 0, 180 * K..200 * K),
            (".symtab", SHT_SYMTAB, 0, 200 * K..220 * K),
            (".bss", SHT_NOBITS, SHF_ALLOC, 220 * K..250 * K),
        ]);
        let end = file.len() as u64;
        assert_eq!(
            parts(&file),
            [0..40 * K, 101 * K..140 * K, 180 * K..200 * K, 220 * K..end]
        );
    }

    #[test]
    fn a_file_without_sections_is_searched_whole() {
        let mut file = file(&[(".text", 1, SHF_EXECINSTR, 0..200 << 10)]);
        assert_eq!(parts(&file).len(), 1);
        assert_ne!(parts(&file)[0].start, 0);
        let all = 0..file.len() as u64;
        // Its headers lie beyond the end, or are of another size.
        for (at, byte) in [(46, 0xff), (58, 63), (60, 0)] {
            let kept = file[at];
            file[at] = byte;
            let parts = parts(&file);
            assert_eq!((parts.len(), &parts[0]), (1, &all), "{at}");
            file[at] = kept;
        }
    }

    #[test]
    fn sections_that_lie_about_their_size_end_nothing() {
        let file = file(&[
            (".text", 1, SHF_EXECINSTR, 64 << 10..u64::MAX),
            (".text", 1, SHF_EXECINSTR, u64::MAX - 4..u64::MAX),
        ]);
        let parts = parts(&file);
        assert_eq!((parts.len(), parts[0].end), (1, 64 << 10));
    }

    proptest::proptest! {
        #[test]
        fn the_parts_are_in_order_and_within_the_file(
            at in 0usize..128, byte: u8, sections in proptest::collection::vec(
                (0u32..12, 0u32..8, 0u64..300_000, 0u64..300_000), 0..6)
        ) {
            let sections: Vec<_> = sections
                .into_iter()
                .map(|(kind, flags, at, size)| (".x", kind, flags, at..at + size))
                .collect();
            let mut file = file(&sections);
            file[at] = byte;
            let parts = parts(&file);
            assert!(parts.iter().all(|part| part.start < part.end));
            assert!(parts.is_sorted_by(|a, b| a.end < b.start));
            assert!(parts.last().is_none_or(|part| part.end <= file.len() as u64));
        }
    }
}
