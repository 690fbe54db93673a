//! What the processor can do, as far as the loader looks for libraries by it.

/// A processor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cpu {
    /// The level of the x86-64 psABI, 1 to 4; means nothing on other machines.
    pub x86_level: u8,
}

impl Cpu {
    /// Any x86-64 processor.
    pub const BASELINE: Self = Self { x86_level: 1 };

    /// The processor that this runs on.
    #[must_use]
    pub fn of_this_machine() -> Self {
        Self { x86_level: level() }
    }

    /// The subdirectories of `glibc-hwcaps`, the best first. On other machines than x86-64 they
    /// depend on what cannot be known here, and are not searched.
    #[must_use]
    pub fn subdirs(self, machine: &str) -> Vec<Vec<u8>> {
        if machine != "x86-64" {
            return Vec::new();
        }
        (2..=self.x86_level.min(4))
            .rev()
            .map(|level| format!("x86-64-v{level}").into_bytes())
            .collect()
    }
}

/// The subdirectories that were searched before 2.37: every choice out of these, in this order
/// (`_dl_important_hwcaps`). The platform is the kernel's `AT_PLATFORM`.
#[must_use]
pub(super) fn legacy_subdirs(machine: &str) -> Vec<Vec<u8>> {
    let parts: &[&str] = match machine {
        "x86-64" => &["tls", "x86_64", "x86_64"],
        "i386" => &["tls", "i686", "sse2"],
        "aarch64" => &["tls", "aarch64", "atomics"],
        _ => &["tls"],
    };
    let mut found: Vec<Vec<u8>> = Vec::new();
    for choice in (1..1u32 << parts.len()).rev() {
        let chosen: Vec<&str> = parts
            .iter()
            .enumerate()
            .filter(|(at, _)| choice & (1 << (parts.len() - 1 - at)) != 0)
            .map(|(_, part)| *part)
            .collect();
        let dir = chosen.join("/").into_bytes();
        if !found.contains(&dir) {
            found.push(dir);
        }
    }
    found
}

/// The kernel's name of the platform, `$PLATFORM`; nothing where it differs between processors of
/// one machine.
#[must_use]
pub(super) fn platform(machine: &str) -> Option<&'static [u8]> {
    match machine {
        "x86-64" | "x32" => Some(b"x86_64"),
        "i386" => Some(b"i686"),
        "aarch64" => Some(b"aarch64"),
        "arm" => Some(b"v7l"),
        _ => None,
    }
}

#[cfg(target_arch = "x86_64")]
fn level() -> u8 {
    macro_rules! all {
        ($($feature:tt),*) => { $(std::arch::is_x86_feature_detected!($feature))&&* };
    }
    // x86-64 psABI, table 3.1, without the features that only the system needs.
    let v2 = all!("cmpxchg16b", "popcnt", "sse3", "sse4.1", "sse4.2", "ssse3");
    let v3 = v2
        && all!(
            "avx", "avx2", "bmi1", "bmi2", "f16c", "fma", "lzcnt", "movbe"
        );
    let v4 = v3 && all!("avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl");
    1 + u8::from(v2) + u8::from(v3) + u8::from(v4)
}

#[cfg(not(target_arch = "x86_64"))]
fn level() -> u8 {
    1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subdirs_go_down_from_the_level_of_the_processor() {
        let text = |cpu: Cpu| {
            let dirs = cpu.subdirs("x86-64");
            dirs.iter()
                .map(|dir| String::from_utf8_lossy(dir).into_owned())
                .collect::<Vec<_>>()
        };
        assert_eq!(text(Cpu { x86_level: 3 }), ["x86-64-v3", "x86-64-v2"]);
        assert!(text(Cpu::BASELINE).is_empty());
        assert!(Cpu { x86_level: 4 }.subdirs("aarch64").is_empty());
    }

    #[test]
    fn old_subdirs_are_every_choice_in_falling_order() {
        let dirs = legacy_subdirs("i386");
        let text: Vec<_> = dirs.iter().map(|d| String::from_utf8_lossy(d)).collect();
        assert_eq!(
            text,
            [
                "tls/i686/sse2",
                "tls/i686",
                "tls/sse2",
                "tls",
                "i686/sse2",
                "i686",
                "sse2"
            ]
        );
    }
}
