//! ELF files, caches and loaders made in the test, so that no compiler is needed.

use seaworthy::parse::ld_cache::compare;

pub(crate) const NEEDED: u64 = 1;
pub(crate) const SONAME: u64 = 14;
pub(crate) const RPATH: u64 = 15;
pub(crate) const RUNPATH: u64 = 29;
pub(crate) const FLAGS_1: u64 = 0x6fff_fffb;
pub(crate) const AUXILIARY: u64 = 0x7fff_fffd;
pub(crate) const FILTER: u64 = 0x7fff_ffff;
pub(crate) const NODEFLIB: u64 = 0x800;
pub(crate) const PIE: u64 = 0x0800_0000;

pub(crate) const LD_SO: &str = "/lib64/ld-linux-x86-64.so.2";
pub(crate) const LD_MUSL: &str = "/lib/ld-musl-x86_64.so.1";

/// The value of a dynamic entry.
#[derive(Clone)]
enum Value {
    Text(Vec<u8>),
    Number(u64),
}

/// An ELF file to be made: x86-64, one segment, everything at its offset.
#[derive(Clone)]
pub(crate) struct Elf {
    pub(crate) wide: bool,
    pub(crate) big: bool,
    pub(crate) kind: u16,
    pub(crate) machine: u16,
    pub(crate) stack: Option<u32>,
    interp: Option<String>,
    tags: Vec<(u64, Value)>,
    needs: Vec<(String, Vec<(String, u16)>)>,
    defines: Vec<String>,
    imports: Vec<String>,
    notes: Vec<(String, u32, Vec<u8>)>,
    tail: Vec<u8>,
}

impl Elf {
    pub(crate) fn lib() -> Self {
        Self {
            wide: true,
            big: false,
            kind: 3,
            machine: 62,
            stack: Some(6),
            interp: None,
            tags: Vec::new(),
            needs: Vec::new(),
            defines: Vec::new(),
            imports: Vec::new(),
            notes: Vec::new(),
            tail: Vec::new(),
        }
    }

    pub(crate) fn program() -> Self {
        Self::lib().interp(LD_SO)
    }

    pub(crate) fn interp(mut self, path: &str) -> Self {
        self.interp = Some(path.to_owned());
        self
    }

    pub(crate) fn text(mut self, tag: u64, text: impl AsRef<[u8]>) -> Self {
        self.tags.push((tag, Value::Text(text.as_ref().to_vec())));
        self
    }

    pub(crate) fn number(mut self, tag: u64, number: u64) -> Self {
        self.tags.push((tag, Value::Number(number)));
        self
    }

    pub(crate) fn needed(self, names: &[&str]) -> Self {
        names
            .iter()
            .fold(self, |elf, name| elf.text(NEEDED, name.as_bytes()))
    }

    pub(crate) fn soname(self, name: &str) -> Self {
        self.text(SONAME, name)
    }

    pub(crate) fn runpath(self, path: &str) -> Self {
        self.text(RUNPATH, path)
    }

    pub(crate) fn rpath(self, path: &str) -> Self {
        self.text(RPATH, path)
    }

    pub(crate) fn needs_version(mut self, file: &str, version: &str, weak: bool) -> Self {
        let flags = if weak { 2 } else { 0 };
        self.needs
            .push((file.to_owned(), vec![(version.to_owned(), flags)]));
        self
    }

    pub(crate) fn defines(mut self, versions: &[&str]) -> Self {
        self.defines = versions.iter().map(|v| (*v).to_owned()).collect();
        self
    }

    pub(crate) fn imports(mut self, names: &[&str]) -> Self {
        self.imports = names.iter().map(|name| (*name).to_owned()).collect();
        self
    }

    pub(crate) fn note(mut self, owner: &str, kind: u32, body: &[u8]) -> Self {
        self.notes.push((owner.to_owned(), kind, body.to_vec()));
        self
    }

    /// Bytes after everything else.
    pub(crate) fn tail(mut self, bytes: &[u8]) -> Self {
        self.tail = bytes.to_vec();
        self
    }

    pub(crate) fn build(&self) -> Vec<u8> {
        let word = if self.wide { 8 } else { 4 };
        let (header, phdr) = if self.wide { (64, 56) } else { (52, 32) };
        let count = 2
            + usize::from(self.interp.is_some())
            + usize::from(self.stack.is_some())
            + usize::from(!self.notes.is_empty());
        let mut body = Body {
            elf: self,
            bytes: vec![0; header + count * phdr],
            strings: vec![0],
        };
        let interp = self.interp.as_ref().map(|path| {
            let at = body.bytes.len();
            body.bytes.extend_from_slice(path.as_bytes());
            body.bytes.push(0);
            (at, path.len() + 1)
        });
        let notes = body.notes();
        let mut entries = Vec::new();
        for (tag, value) in &self.tags {
            let value = match value {
                Value::Text(text) => body.string(text),
                Value::Number(number) => *number,
            };
            entries.push((*tag, value));
        }
        body.versions(&mut entries);
        body.symbols(&mut entries);
        body.align();
        let strings = body.bytes.len();
        let text = body.strings.clone();
        body.bytes.extend_from_slice(&text);
        entries.push((5, strings as u64));
        entries.push((10, text.len() as u64));
        entries.push((0, 0));
        body.align();
        let dynamic = body.bytes.len();
        for (tag, value) in &entries {
            body.word(*tag);
            body.word(*value);
        }
        let dynamic = (dynamic, entries.len() * 2 * word);
        body.bytes.extend_from_slice(&self.tail);
        let whole = (0, body.bytes.len());
        let mut segments = vec![(1u32, 5u32, whole, 0x1000u64), (2, 6, dynamic, 8)];
        segments.extend(interp.map(|place| (3, 4, place, 1)));
        segments.extend(notes.map(|place| (4, 4, place, 4)));
        segments.extend(self.stack.map(|flags| (0x6474_e551, flags, (0, 0), 16)));
        body.headers(&segments, header, phdr);
        body.bytes
    }
}

struct Body<'e> {
    elf: &'e Elf,
    bytes: Vec<u8>,
    strings: Vec<u8>,
}

impl Body<'_> {
    fn string(&mut self, text: &[u8]) -> u64 {
        let at = self.strings.len();
        self.strings.extend_from_slice(text);
        self.strings.push(0);
        at as u64
    }

    fn align(&mut self) {
        self.bytes.resize(self.bytes.len().next_multiple_of(8), 0);
    }

    fn half(&mut self, value: u16) {
        let raw = if self.elf.big {
            value.to_be_bytes()
        } else {
            value.to_le_bytes()
        };
        self.bytes.extend_from_slice(&raw);
    }

    fn long(&mut self, value: u32) {
        let raw = if self.elf.big {
            value.to_be_bytes()
        } else {
            value.to_le_bytes()
        };
        self.bytes.extend_from_slice(&raw);
    }

    fn word(&mut self, value: u64) {
        if !self.elf.wide {
            self.long(u32::try_from(value).unwrap());
        } else if self.elf.big {
            self.bytes.extend_from_slice(&value.to_be_bytes());
        } else {
            self.bytes.extend_from_slice(&value.to_le_bytes());
        }
    }

    fn notes(&mut self) -> Option<(usize, usize)> {
        self.align();
        let at = self.bytes.len();
        for (owner, kind, body) in &self.elf.notes {
            self.long(u32::try_from(owner.len() + 1).unwrap());
            self.long(u32::try_from(body.len()).unwrap());
            self.long(*kind);
            for part in [[owner.as_bytes(), &[0]].concat(), body.clone()] {
                self.bytes.extend_from_slice(&part);
                self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
            }
        }
        let size = self.bytes.len() - at;
        (size > 0).then_some((at, size))
    }

    fn versions(&mut self, entries: &mut Vec<(u64, u64)>) {
        self.align();
        let table = self.bytes.len();
        let mut number = 2;
        for (index, (file, versions)) in self.elf.needs.iter().enumerate() {
            let last = index + 1 == self.elf.needs.len();
            let file = self.string(file.as_bytes());
            self.half(1);
            self.half(u16::try_from(versions.len()).unwrap());
            self.long(u32::try_from(file).unwrap());
            self.long(16);
            let size = 16 + 16 * versions.len();
            self.long(if last {
                0
            } else {
                u32::try_from(size).unwrap()
            });
            for (at, (name, flags)) in versions.iter().enumerate() {
                let text = self.string(name.as_bytes());
                self.long(hash(name));
                self.half(*flags);
                self.half(number);
                number += 1;
                self.long(u32::try_from(text).unwrap());
                self.long(if at + 1 == versions.len() { 0 } else { 16 });
            }
        }
        if !self.elf.needs.is_empty() {
            entries.push((0x6fff_fffe, table as u64));
        }
        let table = self.bytes.len();
        for (index, name) in self.elf.defines.iter().enumerate() {
            let last = index + 1 == self.elf.defines.len();
            let text = self.string(name.as_bytes());
            for half in [1, 0, u16::try_from(index + 1).unwrap(), 1] {
                self.half(half);
            }
            self.long(hash(name));
            self.long(20);
            self.long(if last { 0 } else { 28 });
            self.long(u32::try_from(text).unwrap());
            self.long(0);
        }
        if !self.elf.defines.is_empty() {
            entries.push((0x6fff_fffc, table as u64));
        }
    }

    /// Imported symbols, and a hash table that says how many there are; each of the first version
    /// that is needed.
    fn symbols(&mut self, entries: &mut Vec<(u64, u64)>) {
        if self.elf.imports.is_empty() {
            return;
        }
        self.align();
        entries.push((6, self.bytes.len() as u64));
        let size = if self.elf.wide { 24 } else { 16 };
        self.bytes.resize(self.bytes.len() + size, 0);
        for name in &self.elf.imports {
            let text = u32::try_from(self.string(name.as_bytes())).unwrap();
            let at = self.bytes.len();
            self.long(text);
            self.bytes.resize(at + size, 0);
            self.bytes[at + if self.elf.wide { 4 } else { 12 }] = 0x12;
        }
        entries.push((4, self.bytes.len() as u64));
        self.long(1);
        self.long(u32::try_from(self.elf.imports.len() + 1).unwrap());
        if !self.elf.needs.is_empty() {
            entries.push((0x6fff_fff0, self.bytes.len() as u64));
            self.half(0);
            for _ in &self.elf.imports {
                self.half(2);
            }
        }
    }

    fn headers(&mut self, segments: &[Segment], header: usize, phdr: usize) {
        let body = std::mem::take(&mut self.bytes);
        let class = if self.elf.wide { 2 } else { 1 };
        let data = if self.elf.big { 2 } else { 1 };
        self.bytes = [b"\x7fELF", &[class, data, 1][..], &[0; 9]].concat();
        self.half(self.elf.kind);
        self.half(self.elf.machine);
        self.long(1);
        self.word(0);
        self.word(header as u64);
        self.word(0);
        self.long(0);
        for value in [header, phdr, segments.len(), 0, 0, 0] {
            self.half(u16::try_from(value).unwrap());
        }
        for &(kind, flags, (at, size), align) in segments {
            let (at, size) = (at as u64, size as u64);
            self.long(kind);
            if self.elf.wide {
                self.long(flags);
            }
            for value in [at, at, at, size, size] {
                self.word(value);
            }
            if !self.elf.wide {
                self.long(flags);
            }
            self.word(align);
        }
        let done = self.bytes.len();
        self.bytes.extend_from_slice(&body[done..]);
    }
}

type Segment = (u32, u32, (usize, usize), u64);

/// The hash of the System V ABI.
fn hash(name: &str) -> u32 {
    name.bytes().fold(0u32, |hash, byte| {
        let hash = (hash << 4).wrapping_add(byte.into());
        let top = hash & 0xf000_0000;
        (hash ^ (top >> 24)) & !top
    })
}

/// A file that says of itself what glibc's loader of a release does.
pub(crate) fn glibc_loader(version: &str, dirs: &[&str]) -> Vec<u8> {
    let mut tail = vec![0];
    for text in dirs {
        tail.extend_from_slice(text.as_bytes());
        tail.push(0);
    }
    let release = format!("ld.so (GNU libc) stable release version {version}.\n");
    for text in [
        "",
        "lib",
        "/etc/ld.so.cache",
        "glibc-ld.so.cache1.1",
        "/etc/ld.so.preload",
        &release,
    ] {
        tail.extend_from_slice(text.as_bytes());
        tail.push(0);
    }
    Elf::lib()
        .soname("ld-linux-x86-64.so.2")
        .tail(&tail)
        .build()
}

/// A file that says of itself what musl's loader does.
pub(crate) fn musl_loader() -> Vec<u8> {
    let text = b"\0musl libc (x86_64)\0Version %s\0%.*s/x\x001.2.3\0/lib:/usr/local/lib:/usr/lib\0%.*s/etc/ld-musl-x86_64.path\0";
    Elf::lib().soname("libc.so").tail(text).build()
}

/// A cache in the new form: names with their paths, and where one comes from a subdirectory of
/// `glibc-hwcaps` its name.
pub(crate) fn cache(entries: &[(&str, &str, Option<&str>)]) -> Vec<u8> {
    let mut entries = entries.to_vec();
    // Those with subdirectories come first among equals.
    entries.sort_by(|a, b| {
        compare(b.0.as_bytes(), a.0.as_bytes()).then(b.2.is_some().cmp(&a.2.is_some()))
    });
    let mut subdirs: Vec<&str> = entries.iter().filter_map(|entry| entry.2).collect();
    subdirs.dedup();
    let start = 48 + entries.len() * 24;
    let mut strings: Vec<u8> = Vec::new();
    let mut add = |text: &str| {
        let at = start + strings.len();
        strings.extend_from_slice(text.as_bytes());
        strings.push(0);
        u32::try_from(at).unwrap()
    };
    let mut table = Vec::new();
    for (name, path, subdir) in &entries {
        let index = subdir.and_then(|dir| subdirs.iter().position(|known| *known == dir));
        let hwcap = index.map_or(0, |index| (1u64 << 62) | index as u64);
        for value in [0x303, add(name), add(path), 0] {
            table.extend_from_slice(&value.to_le_bytes());
        }
        table.extend_from_slice(&hwcap.to_le_bytes());
    }
    let offsets: Vec<u32> = subdirs.iter().map(|dir| add(dir)).collect();
    let length = u32::try_from(strings.len()).unwrap();
    strings.resize(strings.len().next_multiple_of(4), 0);
    let extension = u32::try_from((start + strings.len()).next_multiple_of(4)).unwrap();
    let mut out = b"glibc-ld.so.cache1.1".to_vec();
    for value in [
        u32::try_from(entries.len()).unwrap(),
        length,
        2,
        extension,
        0,
        0,
        0,
    ] {
        out.extend_from_slice(&value.to_le_bytes());
    }
    out.extend_from_slice(&table);
    out.extend_from_slice(&strings);
    out.resize(extension as usize, 0);
    let size = u32::try_from(offsets.len() * 4).unwrap();
    for value in [0xeaa4_2174, 1, 1, 0, extension + 24, size] {
        out.extend_from_slice(&u32::to_le_bytes(value));
    }
    for offset in offsets {
        out.extend_from_slice(&offset.to_le_bytes());
    }
    out
}
