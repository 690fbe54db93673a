//! The file header and the program headers, read with the tolerance of a loader: what the
//! header says of sections is kept, and not judged.

use goblin::elf::header::{
    EI_ABIVERSION, EI_CLASS, EI_DATA, EI_OSABI, EI_VERSION, ELFCLASS32, ELFCLASS64, ELFDATA2LSB,
    ELFDATA2MSB, ELFMAG, ET_DYN, ET_EXEC, EV_CURRENT, SIZEOF_IDENT,
};
use goblin::elf::program_header::{PT_LOAD, program_header32, program_header64};

/// Where the padding of `e_ident` begins.
const EI_PAD: usize = 9;

/// Width of addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// 32 bit.
    Elf32,
    /// 64 bit.
    Elf64,
}

impl Class {
    /// Size of the file header.
    #[must_use]
    pub fn header_size(self) -> usize {
        match self {
            Self::Elf32 => goblin::elf32::header::SIZEOF_EHDR,
            Self::Elf64 => goblin::elf64::header::SIZEOF_EHDR,
        }
    }

    /// Size of one program header.
    #[must_use]
    pub fn phdr_size(self) -> usize {
        match self {
            Self::Elf32 => program_header32::SIZEOF_PHDR,
            Self::Elf64 => program_header64::SIZEOF_PHDR,
        }
    }
}

/// Reads integers of the file's width and byte order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Order {
    pub(super) class: Class,
    pub(super) big: bool,
}

impl Order {
    pub(super) fn u16(self, bytes: &[u8], at: usize) -> Option<u16> {
        let raw = bytes.get(at..at.checked_add(2)?)?.try_into().ok()?;
        Some(if self.big {
            u16::from_be_bytes(raw)
        } else {
            u16::from_le_bytes(raw)
        })
    }

    pub(super) fn u32(self, bytes: &[u8], at: usize) -> Option<u32> {
        let raw = bytes.get(at..at.checked_add(4)?)?.try_into().ok()?;
        Some(if self.big {
            u32::from_be_bytes(raw)
        } else {
            u32::from_le_bytes(raw)
        })
    }

    pub(super) fn u64(self, bytes: &[u8], at: usize) -> Option<u64> {
        let raw = bytes.get(at..at.checked_add(8)?)?.try_into().ok()?;
        Some(if self.big {
            u64::from_be_bytes(raw)
        } else {
            u64::from_le_bytes(raw)
        })
    }

    /// An address, an offset or a size: as wide as the class.
    pub(super) fn word(self, bytes: &[u8], at: usize) -> Option<u64> {
        match self.class {
            Class::Elf32 => self.u32(bytes, at).map(u64::from),
            Class::Elf64 => self.u64(bytes, at),
        }
    }

    pub(super) fn word_size(self) -> usize {
        match self.class {
            Class::Elf32 => 4,
            Class::Elf64 => 8,
        }
    }
}

/// Why a file is no ELF file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum NotElf {
    /// It ends within the header.
    #[error("file too short")]
    TooShort,
    /// It does not begin with the magic number.
    #[error("invalid ELF header")]
    BadMagic,
    /// Its class or byte order is none that exists.
    #[error("unknown ELF class or byte order")]
    BadIdent,
}

/// What the file header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// `e_ident`.
    pub ident: [u8; SIZEOF_IDENT],
    /// Width.
    pub class: Class,
    /// Whether the most significant byte comes first.
    pub big_endian: bool,
    /// `e_type`.
    pub kind: u16,
    /// `e_machine`.
    pub machine: u16,
    /// `e_version`.
    pub version: u32,
    /// `e_flags`.
    pub flags: u32,
    pub(super) phoff: u64,
    pub(super) phentsize: u16,
    pub(super) phnum: u16,
    pub(super) sections: Sections,
}

/// Where the section headers lie, as far as the header tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sections {
    /// `e_shoff`.
    pub(super) offset: u64,
    /// `e_shentsize`.
    pub(super) size: u16,
    /// `e_shnum`.
    pub(super) count: u16,
    /// `e_shstrndx`: which of them holds the names of all.
    pub(super) names: u16,
}

impl Header {
    /// Reads the header at the start of `head`.
    ///
    /// # Errors
    /// When `head` holds none.
    pub fn read(head: &[u8]) -> Result<Self, NotElf> {
        let ident: [u8; SIZEOF_IDENT] = head
            .get(..SIZEOF_IDENT)
            .and_then(|ident| ident.try_into().ok())
            .ok_or(if head.starts_with(ELFMAG) {
                NotElf::TooShort
            } else {
                NotElf::BadMagic
            })?;
        if !ident.starts_with(ELFMAG) {
            return Err(NotElf::BadMagic);
        }
        let class = match ident[EI_CLASS] {
            ELFCLASS32 => Class::Elf32,
            ELFCLASS64 => Class::Elf64,
            _ => return Err(NotElf::BadIdent),
        };
        let big = match ident[EI_DATA] {
            ELFDATA2LSB => false,
            ELFDATA2MSB => true,
            _ => return Err(NotElf::BadIdent),
        };
        let order = Order { class, big };
        // gABI: after e_version come e_entry, e_phoff and e_shoff, each a word.
        let word = order.word_size();
        let tail = 24 + 3 * word;
        let read = || {
            Some(Self {
                ident,
                class,
                big_endian: big,
                kind: order.u16(head, 16)?,
                machine: order.u16(head, 18)?,
                version: order.u32(head, 20)?,
                flags: order.u32(head, tail)?,
                phoff: order.word(head, 24 + word)?,
                phentsize: order.u16(head, tail + 6)?,
                phnum: order.u16(head, tail + 8)?,
                sections: Sections {
                    offset: order.word(head, 24 + 2 * word)?,
                    size: order.u16(head, tail + 10)?,
                    count: order.u16(head, tail + 12)?,
                    names: order.u16(head, tail + 14)?,
                },
            })
        };
        if head.len() < class.header_size() {
            return Err(NotElf::TooShort);
        }
        read().ok_or(NotElf::TooShort)
    }

    pub(super) fn order(&self) -> Order {
        Order {
            class: self.class,
            big: self.big_endian,
        }
    }

    /// `EI_OSABI`.
    #[must_use]
    pub fn os_abi(&self) -> u8 {
        self.ident[EI_OSABI]
    }

    /// The kind of process that a program with this header makes.
    #[must_use]
    pub fn abi(&self) -> Abi {
        Abi {
            class: self.class,
            big_endian: self.big_endian,
            machine: self.machine,
            flags: self.flags,
        }
    }
}

/// One program header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Segment {
    pub(super) kind: u32,
    pub(super) flags: u32,
    pub(super) offset: u64,
    pub(super) vaddr: u64,
    pub(super) filesz: u64,
    pub(super) memsz: u64,
    pub(super) align: u64,
}

impl Segment {
    pub(super) fn read(order: Order, bytes: &[u8]) -> Option<Self> {
        let word = |at| order.word(bytes, at);
        Some(match order.class {
            Class::Elf32 => Self {
                kind: order.u32(bytes, 0)?,
                offset: word(4)?,
                vaddr: word(8)?,
                filesz: word(16)?,
                memsz: word(20)?,
                flags: order.u32(bytes, 24)?,
                align: word(28)?,
            },
            Class::Elf64 => Self {
                kind: order.u32(bytes, 0)?,
                flags: order.u32(bytes, 4)?,
                offset: word(8)?,
                vaddr: word(16)?,
                filesz: word(32)?,
                memsz: word(40)?,
                align: word(48)?,
            },
        })
    }

    pub(super) fn is_load(&self) -> bool {
        self.kind == PT_LOAD
    }
}

/// The kind of process that a library must fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Abi {
    /// Width.
    pub class: Class,
    /// Byte order.
    pub big_endian: bool,
    /// `e_machine`.
    pub machine: u16,
    /// `e_flags` of the program.
    pub flags: u32,
}

/// What the loader does with a candidate file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fit {
    /// It is loaded.
    Take,
    /// The search goes on in the next directory.
    Skip(&'static str),
    /// The process ends, even if a good file lies in the next directory.
    Abort(&'static str),
}

/// What glibc's loader makes of a file that begins with `head` (`open_verify` of dl-load.c).
/// `executables` says that the loader refuses to load programs as libraries (since 2.30).
#[must_use]
pub fn verify(want: &Abi, head: &[u8], executables: bool) -> Fit {
    if head.len() < want.class.header_size() {
        return Fit::Abort("file too short");
    }
    let Some(ident) = head.get(..SIZEOF_IDENT) else {
        return Fit::Abort("file too short");
    };
    if !ident.starts_with(ELFMAG) {
        return Fit::Abort("invalid ELF header");
    }
    let class = match want.class {
        Class::Elf32 => ELFCLASS32,
        Class::Elf64 => ELFCLASS64,
    };
    if ident[EI_CLASS] != class {
        return Fit::Skip("wrong ELF class");
    }
    let data = if want.big_endian {
        ELFDATA2MSB
    } else {
        ELFDATA2LSB
    };
    if ident[EI_DATA] != data {
        return Fit::Abort("ELF file data encoding of the other byte order");
    }
    if ident[EI_VERSION] != EV_CURRENT {
        return Fit::Abort("ELF file version ident does not match current one");
    }
    if let Some(fault) = os_abi_fault(want, ident) {
        return Fit::Abort(fault);
    }
    if ident[EI_PAD..].iter().any(|&b| b != 0) {
        return Fit::Abort("nonzero padding in e_ident");
    }
    let Ok(header) = Header::read(head) else {
        return Fit::Abort("invalid ELF header");
    };
    if header.version != u32::from(EV_CURRENT) {
        return Fit::Abort("ELF file version does not match current one");
    }
    if !same_machine(want, &header) {
        return Fit::Skip("another machine");
    }
    match header.kind {
        ET_DYN => {}
        ET_EXEC if !executables => {}
        ET_EXEC => return Fit::Abort("cannot dynamically load executable"),
        _ => return Fit::Abort("only ET_DYN and ET_EXEC can be loaded"),
    }
    if usize::from(header.phentsize) != header.class.phdr_size() {
        return Fit::Abort("ELF file's phentsize not the expected size");
    }
    Fit::Take
}

/// glibc takes System V and GNU (3), on ARM also its EABI number (64); the version of the ABI
/// must be 0, for GNU one that the loader knows.
fn os_abi_fault(want: &Abi, ident: &[u8]) -> Option<&'static str> {
    const GNU: u8 = 3;
    const ARM_AEABI: u8 = 64;
    /// `LIBC_ABI_MAX` of glibc's libc-abis, without what only MIPS has.
    const GNU_VERSIONS: u8 = 4;
    let (abi, version) = (ident[EI_OSABI], ident[EI_ABIVERSION]);
    match abi {
        0 if version == 0 => None,
        GNU if version < GNU_VERSIONS => None,
        ARM_AEABI if want.machine == goblin::elf::header::EM_ARM && version == 0 => None,
        0 | GNU => Some("ELF file ABI version invalid"),
        _ => Some("ELF file OS ABI invalid"),
    }
}

/// Whether a file's code can run in the process: the machine, and where calls differ within one
/// machine the flags that say so (`elf_machine_matches_host`, `elf_machine_reject_phdr_p`).
fn same_machine(want: &Abi, header: &Header) -> bool {
    use goblin::elf::header::{EM_386, EM_ARM, EM_PPC64, EM_RISCV};
    const EM_486: u16 = 6;
    let family = |machine| if machine == EM_486 { EM_386 } else { machine };
    if family(want.machine) != family(header.machine) {
        return false;
    }
    let mask = match want.machine {
        // EF_RISCV_FLOAT_ABI
        EM_RISCV => 0x6,
        // The version of the ELF ABI; 0 means either.
        EM_PPC64 => 0x3,
        // EF_ARM_ABI_FLOAT_HARD and _SOFT; neither means either.
        EM_ARM => 0x600,
        _ => return true,
    };
    let (a, b) = (want.flags & mask, header.flags & mask);
    a == b || (want.machine != EM_RISCV && (a == 0 || b == 0))
}

/// The common name of a machine, or its number.
#[must_use]
pub fn machine_name(machine: u16, class: Class, big_endian: bool) -> String {
    use goblin::elf::header as h;
    match (machine, class, big_endian) {
        (h::EM_X86_64, Class::Elf64, _) => "x86-64",
        (h::EM_X86_64, Class::Elf32, _) => "x32",
        (h::EM_386, ..) => "i386",
        (h::EM_AARCH64, _, false) => "aarch64",
        (h::EM_AARCH64, _, true) => "aarch64-be",
        (h::EM_ARM, _, false) => "arm",
        (h::EM_ARM, _, true) => "arm-be",
        (h::EM_PPC64, _, false) => "ppc64le",
        (h::EM_PPC64, _, true) => "ppc64",
        (h::EM_PPC, ..) => "ppc",
        (h::EM_S390, Class::Elf64, _) => "s390x",
        (h::EM_S390, ..) => "s390",
        (h::EM_RISCV, Class::Elf64, _) => "riscv64",
        (h::EM_RISCV, ..) => "riscv32",
        (h::EM_MIPS, Class::Elf64, false) => "mips64el",
        (h::EM_MIPS, Class::Elf64, true) => "mips64",
        (h::EM_MIPS, _, false) => "mipsel",
        (h::EM_MIPS, _, true) => "mips",
        (h::EM_SPARC, ..) => "sparc",
        (h::EM_SPARCV9, ..) => "sparc64",
        (h::EM_IA_64, ..) => "ia64",
        (h::EM_PARISC, ..) => "hppa",
        (h::EM_BPF, ..) => "bpf",
        (258, ..) => "loongarch64",
        _ => return format!("machine {machine}"),
    }
    .to_owned()
}
