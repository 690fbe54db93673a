//! What a loader was built with, read from its own file: the directories it searches, its version,
//! where its cache and preload list lie. A distribution chooses these; no table would hold them.

use super::cpu;
use crate::parse::elf::Header;

/// The largest loader that is read: they are a fraction of a megabyte, musl's with its whole C
/// library less than one.
pub(super) const LIMIT: usize = 16 << 20;

/// Whose rules a loader follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Family {
    /// The GNU C library.
    Glibc,
    /// musl.
    Musl,
    /// Neither was recognised: searched as glibc would, in `/lib` and `/usr/lib`.
    Unknown,
}

/// A loader.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    /// The path by which it was found.
    pub path: Vec<u8>,
    /// Whose rules it follows.
    pub family: Family,
    /// The release, where it could be read.
    pub version: Option<(u32, u32)>,
    /// The directories searched at last; glibc's end with a slash.
    pub system_dirs: Vec<Vec<u8>>,
    /// `$LIB`.
    pub lib: Vec<u8>,
    /// `$PLATFORM`.
    pub platform: Option<Vec<u8>>,
    /// The cache; empty where there is none.
    pub cache: Vec<u8>,
    /// The list of what is loaded before everything else; empty where there is none.
    pub preload: Vec<u8>,
    /// musl: the file that replaces the built-in directories.
    pub path_file: Vec<u8>,
    /// The name of the machine (`x86-64`, …).
    pub machine: String,
}

impl Profile {
    /// Reads the strings of the loader's file, which zeros stand between.
    #[must_use]
    pub(super) fn read(path: &[u8], real: &[u8], header: &Header, bytes: &[u8]) -> Self {
        let strings = strings(bytes);
        let machine =
            crate::parse::elf::machine_name(header.machine, header.class, header.big_endian);
        let mut profile = Self {
            path: path.to_vec(),
            family: Family::Unknown,
            version: None,
            system_dirs: vec![b"/lib/".to_vec(), b"/usr/lib/".to_vec()],
            lib: b"lib".to_vec(),
            platform: cpu::platform(&machine).map(<[u8]>::to_vec),
            cache: Vec::new(),
            preload: Vec::new(),
            path_file: Vec::new(),
            machine,
        };
        if contains(bytes, b"/etc/ld-musl-") {
            profile.musl(&strings);
        } else if strings
            .iter()
            .any(|text| text.starts_with(b"glibc-ld.so.cache") || text.ends_with(b"/ld.so.cache"))
        {
            profile.glibc(&strings, bytes, real);
        }
        profile
    }

    /// Whether the release is at least `2.minor`; one that is not known is taken as recent.
    #[must_use]
    pub fn at_least(&self, minor: u32) -> bool {
        self.version.is_none_or(|version| version >= (2, minor))
    }

    fn glibc(&mut self, strings: &[&[u8]], bytes: &[u8], real: &[u8]) {
        self.family = Family::Glibc;
        self.version = release(bytes).or_else(|| release_of_name(real));
        let ends = |tail: &[u8]| {
            let found = strings
                .iter()
                .find(|text| text.starts_with(b"/") && text.ends_with(tail));
            found.map_or_else(Vec::new, |text| text.to_vec())
        };
        self.cache = ends(b"/ld.so.cache");
        self.preload = ends(b"/ld.so.preload");
        if let Some(dirs) = system_dirs(bytes) {
            self.system_dirs = dirs;
        }
        // glibc's own rule is the last component of the directory it is installed in; where
        // libraries lie by architecture it is the whole path below the top or `/usr`.
        if let Some(first) = self.system_dirs.first() {
            let whole = first.trim_ascii_start();
            let whole = whole.strip_prefix(b"/").unwrap_or(whole);
            let whole = whole.strip_suffix(b"/").unwrap_or(whole);
            let short = whole.rsplit(|&b| b == b'/').next().unwrap_or(whole);
            let chosen = if strings.contains(&whole) {
                whole
            } else {
                short
            };
            self.lib = chosen.to_vec();
        }
    }

    fn musl(&mut self, strings: &[&[u8]]) {
        self.family = Family::Musl;
        self.version = strings
            .iter()
            .find(|text| text.len() < 12 && text.starts_with(b"1.") && dots(text) == 2)
            .and_then(|text| numbers(text));
        let dirs = strings
            .iter()
            .find(|text| text.starts_with(b"/") && contains(text, b"lib:/"));
        self.system_dirs = split_dirs(dirs.map_or(b"/lib:/usr/local/lib:/usr/lib", |dirs| dirs));
        // "%.*s/etc/ld-musl-ARCH.path": what stands in its place is the path of the loader
        // without its last two components.
        let file = strings
            .iter()
            .filter_map(|text| text.strip_prefix(b"%.*s"))
            .find(|file| contains(file, b"ld-musl-"));
        let mut prefix = self.path.as_slice();
        for _ in 0..2 {
            prefix = memchr::memrchr(b'/', prefix).map_or(b"", |at| &prefix[..at]);
        }
        self.path_file = [prefix, file.unwrap_or_default()].concat();
    }
}

/// What stands between zeros, and is more than two bytes long.
fn strings(bytes: &[u8]) -> Vec<&[u8]> {
    pieces(bytes).filter(|text| text.len() > 2).collect()
}

/// What stands between zeros. There are thousands, mostly side by side: a search for each costs more
/// than to look at every byte.
fn pieces(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    bytes.split(|byte| *byte == 0)
}

/// The elements of musl's lists: empty ones do not count.
pub(super) fn split_dirs(list: &[u8]) -> Vec<Vec<u8>> {
    list.split(|&b| b == b':' || b == b'\n')
        .filter(|dir| !dir.is_empty())
        .map(<[u8]>::to_vec)
        .collect()
}

/// "ld.so (…) stable release version 2.36."
fn release(bytes: &[u8]) -> Option<(u32, u32)> {
    const MARK: &[u8] = b"release version ";
    let mut found = memchr::memmem::find_iter(bytes, MARK);
    found.find_map(|at| numbers(pieces(&bytes[at + MARK.len()..]).next()?))
}

/// Before 2.33 the loader does not say its version; its file was named by it before 2.34.
fn release_of_name(real: &[u8]) -> Option<(u32, u32)> {
    let name = real.rsplit(|&b| b == b'/').next()?;
    numbers(name.strip_prefix(b"ld-")?)
}

fn numbers(text: &[u8]) -> Option<(u32, u32)> {
    let number = |part: &[u8]| {
        let end = part.iter().take_while(|b| b.is_ascii_digit()).count();
        std::str::from_utf8(&part[..end]).ok()?.parse().ok()
    };
    let mut parts = text.split(|&b| b == b'.');
    Some((number(parts.next()?)?, number(parts.next()?)?))
}

fn dots(text: &[u8]) -> usize {
    text.iter().filter(|&&b| b == b'.').count()
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    memchr::memmem::find(text, part).is_some()
}

/// The array of system directories: one after another, each beginning and ending with a slash.
/// The longest run of such strings is it, and the first of the longest.
fn system_dirs(bytes: &[u8]) -> Option<Vec<Vec<u8>>> {
    let mut best: Vec<Vec<u8>> = Vec::new();
    let mut run: Vec<Vec<u8>> = Vec::new();
    for text in pieces(bytes) {
        let plain = |b: &u8| b.is_ascii_graphic() && !b"%:;()<>\"'".contains(b);
        let is_dir = text.len() > 3
            && text.starts_with(b"/")
            && text.ends_with(b"/")
            && text.iter().all(plain)
            && contains(text, b"lib");
        if is_dir {
            run.push(text.to_vec());
            continue;
        }
        if run.len() > best.len() {
            best = std::mem::take(&mut run);
        }
        run.clear();
    }
    (!best.is_empty()).then_some(best)
}

/// Where the loaders of a machine are by convention, glibc's first: for a library, which names
/// none.
#[must_use]
pub(super) fn usual_loaders(machine: &str) -> (&'static [&'static str], &'static [&'static str]) {
    match machine {
        "x86-64" => (
            &["/lib64/ld-linux-x86-64.so.2"],
            &["/lib/ld-musl-x86_64.so.1"],
        ),
        "x32" => (&["/libx32/ld-linux-x32.so.2"], &["/lib/ld-musl-x32.so.1"]),
        "i386" => (&["/lib/ld-linux.so.2"], &["/lib/ld-musl-i386.so.1"]),
        "aarch64" => (
            &["/lib/ld-linux-aarch64.so.1"],
            &["/lib/ld-musl-aarch64.so.1"],
        ),
        "arm" => (
            &["/lib/ld-linux-armhf.so.3", "/lib/ld-linux.so.3"],
            &["/lib/ld-musl-armhf.so.1", "/lib/ld-musl-arm.so.1"],
        ),
        "ppc64le" => (&["/lib64/ld64.so.2"], &["/lib/ld-musl-powerpc64le.so.1"]),
        "ppc64" => (&["/lib64/ld64.so.1"], &["/lib/ld-musl-powerpc64.so.1"]),
        "s390x" => (&["/lib/ld64.so.1"], &["/lib/ld-musl-s390x.so.1"]),
        "riscv64" => (
            &[
                "/lib/ld-linux-riscv64-lp64d.so.1",
                "/lib/ld-linux-riscv64-lp64.so.1",
            ],
            &["/lib/ld-musl-riscv64.so.1"],
        ),
        "loongarch64" => (
            &["/lib64/ld-linux-loongarch-lp64d.so.1"],
            &["/lib/ld-musl-loongarch64.so.1"],
        ),
        "mips64el" | "mips64" => (&["/lib64/ld.so.1"], &["/lib/ld-musl-mips64el.so.1"]),
        "mipsel" | "mips" => (&["/lib/ld.so.1"], &["/lib/ld-musl-mipsel.so.1"]),
        "ppc" => (&["/lib/ld.so.1"], &["/lib/ld-musl-powerpc.so.1"]),
        _ => (&[], &[]),
    }
}
