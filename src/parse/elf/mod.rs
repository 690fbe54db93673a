//! ELF files as a loader sees them: program headers, the dynamic section, versions, notes.
//!
//! A whole-file parse costs ten times as much and refuses files that the loader accepts: one with
//! damaged sections, or with a name that is not UTF-8. Here a few kilobytes are read, by address.

mod dynamic;
mod header;
mod memory;
mod notes;
mod sections;
mod symbols;
mod versions;

use goblin::elf::header::{ET_CORE, ET_DYN, ET_EXEC, ET_REL};
use goblin::elf::program_header::{
    PT_DYNAMIC, PT_GNU_RELRO, PT_GNU_STACK, PT_INTERP, PT_NOTE, PT_TLS,
};

pub use dynamic::{Ask, Dependency, Dynamic};
pub use header::{Abi, Class, Fit, Header, NotElf, machine_name, verify};
pub use memory::Load;
pub use notes::{Dlopen, Notes, Package, Priority};
pub use sections::{strings, with_strings};
pub use symbols::{Import, imports};
pub use versions::{Defined, Needs, Wanted};

use crate::parse::read::ReadAt;
use header::Segment;
use memory::Pages;

/// What `PT_GNU_STACK` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stack {
    /// Nothing: on x86 and some others the stack is then executable.
    Unmarked,
    /// The stack holds no code.
    Plain,
    /// The stack is to be executable.
    Executable,
}

/// Why the loader refuses a file whose header is good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum Defect {
    /// The program headers lie beyond the end.
    #[error("cannot read file data")]
    NoHeaders,
    /// There is no `PT_LOAD`.
    #[error("object file has no loadable segments")]
    NoLoad,
    /// There is no dynamic section, or none in this file: it holds debugging information only.
    #[error("object file has no dynamic section")]
    NoDynamic,
    /// A segment is not aligned to pages: refused before 2.35.
    #[error("ELF load command alignment not page-aligned")]
    Alignment,
    /// A segment's address and offset do not lie alike in their pages.
    #[error("ELF load command address/offset not page-aligned")]
    Misplaced,
    /// What is needed to load it lies beyond the end of the file: the loader dies of SIGBUS.
    #[error("truncated: it ends before what its headers describe")]
    Truncated,
}

/// An ELF file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Elf {
    /// The header.
    pub header: Header,
    /// `PT_INTERP`.
    pub interp: Option<Box<[u8]>>,
    /// Loadable segments.
    pub loads: Vec<Load>,
    /// The dynamic section.
    pub dynamic: Option<Dynamic>,
    /// `PT_GNU_STACK`.
    pub stack: Stack,
    /// Whether relocated data is protected after loading.
    pub relro: bool,
    /// Whether it has thread-local data.
    pub tls: bool,
    /// The notes.
    pub notes: Notes,
    /// Why the loader would refuse it.
    pub defect: Option<Defect>,
    /// Whether more was there than is read of one file.
    pub cut: bool,
}

/// What an ELF file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Form {
    /// A program that the named loader starts.
    Program,
    /// A program without a loader, at a fixed address.
    Static,
    /// A program without a loader, at any address.
    StaticPie,
    /// A shared library, plugin, or the loader itself.
    Library,
    /// An object file, or a kernel module.
    Object,
    /// A memory image.
    Core,
    /// Anything else, such as a file that holds debugging information only.
    Other,
}

impl Elf {
    /// Reads the ELF file that begins with `head` and is found whole in `source`.
    ///
    /// # Errors
    /// When it is none.
    pub fn read(head: &[u8], source: &dyn ReadAt) -> Result<Self, NotElf> {
        let header = Header::read(head)?;
        let mut pages = Pages::new(header.order(), head, source);
        let segments = segments(&header, &mut pages);
        let mut elf = Self {
            header,
            interp: None,
            loads: Vec::new(),
            dynamic: None,
            stack: Stack::Unmarked,
            relro: false,
            tls: false,
            notes: Notes::default(),
            defect: None,
            cut: false,
        };
        let Some(segments) = segments else {
            elf.defect = Some(Defect::NoHeaders);
            return Ok(elf);
        };
        elf.fill(&segments, &mut pages, source.len());
        elf.cut = pages.exhausted;
        Ok(elf)
    }

    fn fill(&mut self, segments: &[Segment], pages: &mut Pages<'_>, len: u64) {
        const PF_X: u32 = 1;
        self.loads = segments
            .iter()
            .filter(|segment| segment.is_load())
            .map(Load::of)
            .collect();
        let mut table = None;
        for segment in segments {
            match segment.kind {
                PT_INTERP if self.interp.is_none() => {
                    self.interp = pages.string(segment.offset);
                }
                // Of a file with debugging information only the size is 0.
                PT_DYNAMIC if segment.filesz > 0 => table = Some(*segment),
                PT_GNU_STACK if segment.flags & PF_X != 0 => self.stack = Stack::Executable,
                PT_GNU_STACK => self.stack = Stack::Plain,
                PT_GNU_RELRO => self.relro = true,
                PT_TLS => self.tls = true,
                _ => {}
            }
        }
        let is_note = |segment: &&Segment| segment.kind == PT_NOTE;
        let noted: Vec<_> = segments.iter().filter(is_note).copied().collect();
        if self.header.kind != ET_CORE {
            self.notes = notes::read(pages, &noted);
        }
        if let Some(table) = table {
            let at = memory::offset_of(&self.loads, table.vaddr).unwrap_or(table.offset);
            self.dynamic = dynamic::read(pages, &self.loads, at);
        }
        self.defect = defect(&self.loads, table.is_some(), self, len);
    }

    /// What it is.
    #[must_use]
    pub fn form(&self) -> Form {
        let pie = self.dynamic.as_ref().is_some_and(Dynamic::is_pie);
        match self.header.kind {
            ET_REL => Form::Object,
            ET_CORE => Form::Core,
            // A file with debugging information only keeps the headers of the whole one.
            ET_EXEC | ET_DYN if self.interp.is_some() && !self.loads.is_empty() => {
                if self.dynamic.is_some() || self.defect == Some(Defect::Truncated) {
                    Form::Program
                } else {
                    Form::Other
                }
            }
            ET_EXEC if self.loads.iter().any(|load| load.filesz > 0) => Form::Static,
            ET_DYN if pie => Form::StaticPie,
            ET_DYN if self.dynamic.is_some() => Form::Library,
            _ => Form::Other,
        }
    }
}

/// The program headers; nothing when they lie beyond the end.
fn segments(header: &Header, pages: &mut Pages<'_>) -> Option<Vec<Segment>> {
    let size = header.class.phdr_size();
    let want = usize::from(header.phnum).checked_mul(size)?;
    if usize::from(header.phentsize) != size {
        return Some(Vec::new());
    }
    let bytes = pages.bytes(header.phoff, want);
    (bytes.len() == want).then(|| {
        bytes
            .chunks_exact(size)
            .filter_map(|raw| Segment::read(header.order(), raw))
            .collect()
    })
}

/// The checks of `_dl_map_object_from_fd`, and the pages that it touches while it loads.
fn defect(loads: &[Load], has_dynamic: bool, elf: &Elf, len: u64) -> Option<Defect> {
    const PAGE: u64 = 4096;
    let misplaced = |load: &Load| load.vaddr.wrapping_sub(load.offset) & (PAGE - 1) != 0;
    if loads.iter().any(misplaced) {
        return Some(Defect::Misplaced);
    }
    if loads.is_empty() {
        return Some(Defect::NoLoad);
    }
    if !has_dynamic && elf.header.kind == ET_DYN {
        return Some(Defect::NoDynamic);
    }
    if has_dynamic && elf.dynamic.is_none() {
        return Some(Defect::Truncated);
    }
    // Where the memory is longer than the file, the rest of the last page is cleared.
    let cleared = |load: &Load| {
        let end = load.offset.saturating_add(load.filesz);
        load.memsz > load.filesz
            && load.filesz > 0
            && !end.is_multiple_of(PAGE)
            && end - end % PAGE >= len
    };
    if loads.iter().any(cleared) {
        return Some(Defect::Truncated);
    }
    let unaligned = |load: &Load| load.align & (PAGE - 1) != 0;
    loads.iter().any(unaligned).then_some(Defect::Alignment)
}
