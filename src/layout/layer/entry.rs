//! One entry of a layer.

use std::collections::BTreeMap;

use crate::layout::Digest;
use crate::path::AppPath;

/// What an entry has beside its content.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Meta {
    /// Permission bits with setuid, setgid and sticky (`0o7777`).
    pub mode: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Time of last change, in seconds since 1970.
    pub mtime: i64,
    /// Extended attributes by name.
    pub xattrs: BTreeMap<Vec<u8>, Vec<u8>>,
}

/// What an entry is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    /// A directory.
    Dir,
    /// A regular file.
    File {
        /// Its length in bytes, holes included.
        size: u64,
        /// The digest of its bytes; of a file with holes, of the bytes between them.
        digest: Digest,
    },
    /// A symbolic link, with its text.
    Link(Vec<u8>),
    /// Another name of a file that came before it in the same layer.
    HardLink(AppPath),
    /// A named pipe.
    Fifo,
    /// A device, which no image needs.
    Device,
    /// The removal of the entry at the path (layer.md, whiteouts).
    Whiteout,
    /// The removal of everything that lower layers have in the directory at the path.
    Opaque,
}

/// An entry of a layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its path in the image; for a removal, what is removed.
    pub path: AppPath,
    /// Owner, permissions and time.
    pub meta: Meta,
    /// What it is.
    pub body: Body,
}

/// How a removal is written: in front of the name of what is removed.
pub(super) const WHITEOUT: &[u8] = b".wh.";

/// The name of an entry that empties its directory.
pub(super) const OPAQUE: &[u8] = b".wh..wh..opq";
