//! `/etc/ld.so.cache`: the table that ldconfig(8) makes and the loader of glibc asks, in its new
//! form, in the old one, and with the new behind the old (`dl-cache.h`, `dl-cache.c`).

use std::cmp::Ordering;

/// The largest cache that is read: some thousand libraries take a hundred kilobytes.
pub const LIMIT: usize = 64 << 20;

const NEW_MAGIC: &[u8] = b"glibc-ld.so.cache1.1";
const NEW_HEADER: usize = 48;
const NEW_ENTRY: usize = 24;
const OLD_MAGIC: &[u8] = b"ld.so-1.7.0";
const OLD_HEADER: usize = 16;
const OLD_ENTRY: usize = 12;
const EXTENSION_MAGIC: u32 = 0xeaa4_2174;
const TAG_GENERATOR: u32 = 0;
const TAG_HWCAPS: u32 = 1;

/// An entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry<'a> {
    /// The name asked for: the library's `DT_SONAME`.
    pub name: &'a [u8],
    /// The path of the file.
    pub path: &'a [u8],
    /// Kind of library and machine.
    pub flags: u32,
    /// What the processor must be able to do.
    pub hwcap: u64,
    /// The subdirectory of `glibc-hwcaps` that the file lies in.
    pub subdir: Option<&'a [u8]>,
}

/// A cache that was understood.
#[derive(Clone, Debug)]
pub struct Cache {
    bytes: Vec<u8>,
    big: bool,
    /// Where entries and header of the form that counts begin.
    base: usize,
    entries: usize,
    entry_size: usize,
    count: usize,
    /// Where offsets of strings count from.
    strings: usize,
    hwcaps: Vec<usize>,
    generator: Option<String>,
}

/// Who asks: what decides between entries of one name.
#[derive(Clone, Copy, Debug)]
pub struct Asker<'a> {
    /// The flags an entry must have ([`flags`]).
    pub flags: &'a [u32],
    /// Usable subdirectories of `glibc-hwcaps`, the best first.
    pub subdirs: &'a [Vec<u8>],
    /// Whether entries from the directories that were dropped with 2.37 are used.
    pub legacy: bool,
}

/// The flags of a machine's libraries, the usual one first (`dl-cache.h` of each port).
#[must_use]
pub fn flags(machine: &str) -> &'static [u32] {
    match machine {
        "x86-64" => &[0x0303],
        "x32" => &[0x0803],
        "aarch64" | "aarch64-be" => &[0x0a03],
        "arm" | "arm-be" => &[0x0903, 0x0b03, 3, 1],
        "ppc64" | "ppc64le" => &[0x0503],
        "s390x" => &[0x0403],
        "riscv64" => &[0x1003, 0x0f03],
        "mips64" | "mips64el" => &[0x0703, 0x0e03],
        "sparc64" => &[0x0103],
        "ia64" => &[0x0203],
        "loongarch64" => &[0x1103, 0x1203],
        _ => &[3, 1],
    }
}

impl Cache {
    /// Reads a cache. `big_endian` is the byte order of the loader that asks.
    ///
    /// Nothing where the loader would ignore the file: another magic number, more entries than
    /// fit, or made for the other byte order.
    #[must_use]
    pub fn read(bytes: Vec<u8>, big_endian: bool) -> Option<Self> {
        let mut cache = Self {
            bytes,
            big: big_endian,
            base: 0,
            entries: 0,
            entry_size: NEW_ENTRY,
            count: 0,
            strings: 0,
            hwcaps: Vec::new(),
            generator: None,
        };
        if cache.bytes.starts_with(NEW_MAGIC) {
            return cache.new_form(0).then_some(cache);
        }
        if !cache.bytes.starts_with(OLD_MAGIC) {
            return None;
        }
        let count = cache.size_at(12)?;
        let end = OLD_HEADER.checked_add(count.checked_mul(OLD_ENTRY)?)?;
        if end > cache.bytes.len() {
            return None;
        }
        // The new header is aligned as its widest field is, which is not the same on every port.
        for align in [8, 4] {
            let base = end.checked_next_multiple_of(align)?;
            if cache
                .bytes
                .get(base..)
                .is_some_and(|rest| rest.starts_with(NEW_MAGIC))
            {
                return cache.new_form(base).then_some(cache);
            }
        }
        cache.entries = OLD_HEADER;
        cache.entry_size = OLD_ENTRY;
        cache.count = count;
        cache.strings = end;
        Some(cache)
    }

    /// Takes the header at `base`; false when the loader would not.
    fn new_form(&mut self, base: usize) -> bool {
        let read = || {
            let count = self.size_at(base.checked_add(20)?)?;
            let order = *self.bytes.get(base.checked_add(28)?)?;
            let extension = self.size_at(base.checked_add(32)?)?;
            let entries = base.checked_add(NEW_HEADER)?;
            let end = entries.checked_add(count.checked_mul(NEW_ENTRY)?)?;
            (end <= self.bytes.len()).then_some((count, order & 3, extension, entries))
        };
        let Some((count, order, extension, entries)) = read() else {
            return false;
        };
        // 0: not said, 1: invalid, 2: little endian, 3: big endian.
        if order != 0 && order != if self.big { 3 } else { 2 } {
            return false;
        }
        self.base = base;
        self.strings = base;
        self.count = count;
        self.entries = entries;
        if extension != 0 {
            self.extension(extension);
        }
        true
    }

    /// Sections behind the strings, since 2.33; a damaged one is as good as none.
    fn extension(&mut self, at: usize) {
        /// There are two kinds.
        const SECTIONS: usize = 16;
        /// `ldconfig` gives every subdirectory a number below 64.
        const SUBDIRS: usize = 4096;
        let Some(at) = self.base.checked_add(at) else {
            return;
        };
        if self.u32_at(at) != Some(EXTENSION_MAGIC) {
            return;
        }
        let count = at.checked_add(4).and_then(|at| self.size_at(at));
        for index in 0..count.unwrap_or(0).min(SECTIONS) {
            let section = at.saturating_add(8 + index * 16);
            let field = |n: usize| self.size_at(section.saturating_add(n));
            let (Some(tag), Some(offset), Some(size)) = (self.u32_at(section), field(8), field(12))
            else {
                return;
            };
            let start = self.base.saturating_add(offset);
            let Some(body) = self.bytes.get(start..start.saturating_add(size)) else {
                continue;
            };
            match tag {
                TAG_GENERATOR => {
                    self.generator = Some(
                        String::from_utf8_lossy(body)
                            .trim_end_matches('\0')
                            .to_owned(),
                    );
                }
                TAG_HWCAPS => {
                    let places = (0..size / 4).take(SUBDIRS);
                    self.hwcaps = places.filter_map(|n| self.size_at(start + n * 4)).collect();
                }
                _ => {}
            }
        }
    }

    /// The program that made it, where it says so.
    #[must_use]
    pub fn generator(&self) -> Option<&str> {
        self.generator.as_deref()
    }

    /// The number of entries.
    #[must_use]
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether it holds nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The entry at `index`, if its strings lie within the file.
    #[must_use]
    pub fn entry(&self, index: usize) -> Option<Entry<'_>> {
        let at = (index < self.count).then(|| self.entries + index * self.entry_size)?;
        let hwcap = if self.entry_size == NEW_ENTRY {
            self.u64_at(at + 16)?
        } else {
            0
        };
        let subdir = extension_index(hwcap)
            .and_then(|index| self.hwcaps.get(index))
            .and_then(|&offset| self.string(offset));
        Some(Entry {
            flags: self.u32_at(at)?,
            name: self.string(self.size_at(at + 4)?)?,
            path: self.string(self.size_at(at + 8)?)?,
            hwcap,
            subdir,
        })
    }

    /// The path that the loader takes for `name`: one, even if another entry would do better
    /// after it cannot be opened.
    #[must_use]
    pub fn lookup(&self, name: &[u8], asker: &Asker<'_>) -> Option<&[u8]> {
        let found = self.find(name)?;
        let mut best: Option<(&[u8], usize)> = None;
        for index in self.first_alike(found, name)..self.count {
            let Some(entry) = self.entry(index) else {
                break;
            };
            if index > found && compare(name, entry.name) != Ordering::Equal {
                break;
            }
            if !asker.flags.contains(&entry.flags) {
                continue;
            }
            if extension_index(entry.hwcap).is_some() {
                let rank = |subdir| asker.subdirs.iter().position(|known| known == subdir);
                if let Some(rank) = entry.subdir.and_then(rank)
                    && best.is_none_or(|(_, held)| rank < held)
                {
                    best = Some((entry.path, rank));
                }
                continue;
            }
            // Entries with subdirectories stand before all others of their name.
            if best.is_some_and(|(_, rank)| rank != usize::MAX) {
                break;
            }
            if entry.hwcap != 0 && !(asker.legacy && is_legacy(entry.hwcap)) {
                continue;
            }
            best = Some((entry.path, usize::MAX));
            if Some(&entry.flags) == asker.flags.first() {
                break;
            }
        }
        best.map(|(path, _)| path)
    }

    /// Any entry of that name: the table is sorted downwards.
    fn find(&self, name: &[u8]) -> Option<usize> {
        let (mut left, mut right) = (0, self.count);
        while left < right {
            let middle = left + (right - left) / 2;
            // A damaged entry ends the loader's search.
            match compare(name, self.entry(middle)?.name) {
                Ordering::Equal => return Some(middle),
                Ordering::Less => left = middle + 1,
                Ordering::Greater => right = middle,
            }
        }
        None
    }

    fn first_alike(&self, found: usize, name: &[u8]) -> usize {
        let mut first = found;
        while let Some(before) = first.checked_sub(1)
            && self
                .entry(before)
                .is_some_and(|entry| compare(name, entry.name) == Ordering::Equal)
        {
            first = before;
        }
        first
    }

    fn u32_at(&self, at: usize) -> Option<u32> {
        let raw = self.bytes.get(at..at.checked_add(4)?)?.try_into().ok()?;
        Some(if self.big {
            u32::from_be_bytes(raw)
        } else {
            u32::from_le_bytes(raw)
        })
    }

    fn size_at(&self, at: usize) -> Option<usize> {
        self.u32_at(at).and_then(|size| usize::try_from(size).ok())
    }

    fn u64_at(&self, at: usize) -> Option<u64> {
        let raw = self.bytes.get(at..at.checked_add(8)?)?.try_into().ok()?;
        Some(if self.big {
            u64::from_be_bytes(raw)
        } else {
            u64::from_le_bytes(raw)
        })
    }

    fn string(&self, offset: usize) -> Option<&[u8]> {
        let rest = self.bytes.get(self.strings.checked_add(offset)?..)?;
        memchr::memchr(0, rest).map(|end| &rest[..end])
    }
}

/// The number of the `glibc-hwcaps` subdirectory, where the entry comes from one: bit 62 is set,
/// and of the upper half nothing else but the level in its low ten bits.
fn extension_index(hwcap: u64) -> Option<usize> {
    let upper = (hwcap >> 32) & !0x3ff;
    (upper == 1 << 30).then(|| usize::try_from(hwcap & 0xffff_ffff).unwrap_or(usize::MAX))
}

/// Whether an entry of an old subdirectory is used: `tls` (bit 63) and, on x86-64, `x86_64`
/// (bit 1), which every processor has.
fn is_legacy(hwcap: u64) -> bool {
    const TLS: u64 = 1 << 63;
    const X86_64: u64 = 1 << 1;
    hwcap & !(TLS | X86_64) == 0
}

/// The order of the table, `_dl_cache_libcmp`: runs of digits compare as numbers, and stand after
/// everything else.
#[must_use]
pub fn compare(a: &[u8], b: &[u8]) -> Ordering {
    let (mut i, mut j) = (0, 0);
    while let Some(&x) = a.get(i) {
        let y = b.get(j).copied().unwrap_or(0);
        match (x.is_ascii_digit(), y.is_ascii_digit()) {
            (true, true) => {
                let (left, after_left) = number(a, i);
                let (right, after_right) = number(b, j);
                match left.cmp(&right) {
                    Ordering::Equal => (i, j) = (after_left, after_right),
                    other => return other,
                }
            }
            (true, false) => return Ordering::Greater,
            (false, true) => return Ordering::Less,
            (false, false) if x == y => {
                i += 1;
                j += 1;
            }
            // glibc compares plain `char`, which is signed on x86 and unsigned on ARM; names
            // beyond ASCII are too rare to tell the ports apart.
            (false, false) => return (x as i8).cmp(&(y as i8)),
        }
    }
    if j < b.len() {
        Ordering::Less
    } else {
        Ordering::Equal
    }
}

/// The number at `at`, in the width that the loader has for it, and where it ends.
fn number(text: &[u8], at: usize) -> (i32, usize) {
    let mut value = 0i32;
    let mut end = at;
    while let Some(digit) = text.get(end).filter(|b| b.is_ascii_digit()) {
        value = value
            .wrapping_mul(10)
            .wrapping_add(i32::from(*digit) - i32::from(b'0'));
        end += 1;
    }
    (value, end)
}

#[cfg(test)]
mod tests;
