//! System calls by number, as a raw audit log has them: the calls that act on paths.
//!
//! Numbers of `asm/unistd_64.h` and `asm/unistd_32.h` for x86, and of `asm-generic/unistd.h` for
//! the machines that came later (aarch64, riscv64).

/// The columns of [`NUMBERS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Machine {
    X86,
    I386,
    Generic,
}

/// The name of a call by `arch`, as hexadecimal `AUDIT_ARCH_*` of linux/audit.h, and number;
/// `None` when the machine is not known, `Some(None)` for a call that acts on no path.
#[must_use]
pub(super) fn name(arch: &[u8], number: u32) -> Option<Option<&'static str>> {
    let machine = match arch {
        b"c000003e" => Machine::X86,
        b"40000003" => Machine::I386,
        b"c00000b7" | b"c00000f3" => Machine::Generic,
        _ => return None,
    };
    let found = NUMBERS.iter().find(|(_, x86, i386, generic)| {
        let column = match machine {
            Machine::X86 => x86,
            Machine::I386 => i386,
            Machine::Generic => generic,
        };
        *column != NONE && u32::from(*column) == number
    });
    Some(found.map(|(name, ..)| *name))
}

/// The machine has no such call.
const NONE: u16 = u16::MAX;

/// Name, and number on x86-64, i386 and the generic table.
const NUMBERS: &[(&str, u16, u16, u16)] = &[
    ("openat", 257, 295, 56),
    ("open", 2, 5, NONE),
    ("connect", 42, 362, 203),
    ("unlink", 87, 10, NONE),
    ("unlinkat", 263, 301, 35),
    ("execve", 59, 11, 221),
    ("execveat", 322, 358, 281),
    ("mkdir", 83, 39, NONE),
    ("mkdirat", 258, 296, 34),
    ("rename", 82, 38, NONE),
    ("renameat", 264, 302, 38),
    ("renameat2", 316, 353, 276),
    ("rmdir", 84, 40, NONE),
    ("chmod", 90, 15, NONE),
    ("fchmod", 91, 94, 52),
    ("fchmodat", 268, 306, 53),
    ("fchmodat2", 452, 452, 452),
    ("chown", 92, 182, NONE),
    ("chown32", NONE, 212, NONE),
    ("lchown", 94, 16, NONE),
    ("lchown32", NONE, 198, NONE),
    ("fchown", 93, 95, 55),
    ("fchown32", NONE, 207, NONE),
    ("fchownat", 260, 298, 54),
    ("openat2", 437, 437, 437),
    ("creat", 85, 8, NONE),
    ("link", 86, 9, NONE),
    ("linkat", 265, 303, 37),
    ("symlink", 88, 83, NONE),
    ("symlinkat", 266, 304, 36),
    ("mknod", 133, 14, NONE),
    ("mknodat", 259, 297, 33),
    ("truncate", 76, 92, 45),
    ("truncate64", NONE, 193, NONE),
    ("ftruncate", 77, 93, 46),
    ("ftruncate64", NONE, 194, NONE),
    ("utime", 132, 30, NONE),
    ("utimes", 235, 271, NONE),
    ("futimesat", 261, 299, NONE),
    ("utimensat", 280, 320, 88),
    ("utimensat_time64", NONE, 412, 412),
    ("setxattr", 188, 226, 5),
    ("lsetxattr", 189, 227, 6),
    ("fsetxattr", 190, 228, 7),
    ("removexattr", 197, 235, 14),
    ("lremovexattr", 198, 236, 15),
    ("fremovexattr", 199, 237, 16),
    ("bind", 49, 361, 200),
    ("chdir", 80, 12, 49),
    ("fchdir", 81, 133, 50),
    ("chroot", 161, 61, 51),
];

#[cfg(test)]
mod tests {
    use super::name;

    #[test]
    fn a_number_means_another_call_on_another_machine() {
        assert_eq!(name(b"c000003e", 257), Some(Some("openat")));
        assert_eq!(name(b"40000003", 295), Some(Some("openat")));
        assert_eq!(name(b"c00000b7", 56), Some(Some("openat")));
        assert_eq!(name(b"c000003e", 0), Some(None));
        assert_eq!(name(b"80000016", 5), None);
    }
}
