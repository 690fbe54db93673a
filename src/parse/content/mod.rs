//! What a file is, by its first bytes, its name and its size: the formats that say "this is state"
//! (databases, logs, marks of a running process), "this is secret" or "these are the terms".

pub mod archive;
pub mod capability;
pub mod jar;
pub mod keystore;
pub mod licence;
pub mod log;
pub mod mark;
pub mod secret;
pub mod store;
mod terms;

/// What a recognised format is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// State that must be kept.
    Data,
    /// A record of what happened.
    Log,
    /// Made again when it is lost.
    Cache,
    /// Of a running process.
    Runtime,
}

/// A recognised format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Format {
    /// Its name: `sqlite`, `log`, `pid-file`, …
    pub name: &'static str,
    /// What it is for.
    pub role: Role,
    /// Whether the content says so, and not the name alone.
    pub by_content: bool,
}

impl Format {
    const fn seen(name: &'static str, role: Role) -> Self {
        Self {
            name,
            role,
            by_content: true,
        }
    }

    const fn named(name: &'static str, role: Role) -> Self {
        Self {
            name,
            role,
            by_content: false,
        }
    }
}

/// Recognises a file by its name (the last component), first bytes and size in bytes. `parent` is
/// the name of its directory.
#[must_use]
pub fn recognise(parent: &[u8], name: &[u8], head: &[u8], size: u64) -> Option<Format> {
    store::recognise(parent, name, head, size)
        .or_else(|| mark::recognise(parent, name, head, size))
        .or_else(|| log::recognise(name, head))
}

/// Whether `bytes` looks like text as far as it goes.
fn is_text(bytes: &[u8]) -> bool {
    !bytes.contains(&0)
}

/// Whether there is at least one byte, and every one is a digit.
fn is_number(bytes: &[u8]) -> bool {
    !bytes.is_empty() && bytes.iter().all(u8::is_ascii_digit)
}

/// A number at `at`, in either order of bytes: little-endian, big-endian.
fn u32_both(bytes: &[u8], at: usize) -> Option<[u32; 2]> {
    let four = bytes.get(at..)?.first_chunk::<4>()?;
    Some([u32::from_le_bytes(*four), u32::from_be_bytes(*four)])
}
