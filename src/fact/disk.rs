//! What the disk says about an entry without opening it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The kind of a directory entry.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A directory.
    Dir,
    /// A regular file.
    File,
    /// A symbolic link.
    Link,
    /// A named pipe.
    Fifo,
    /// A Unix socket.
    Socket,
    /// A character device.
    CharDevice,
    /// A block device.
    BlockDevice,
}

/// What the disk says about an entry, without opening it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stat {
    /// Kind.
    pub kind: Kind,
    /// Bytes; for a link the length of its target.
    pub size: u64,
    /// Bytes allocated on disk.
    pub allocated: u64,
    /// Permission bits with setuid, setgid and sticky (`0o7777`).
    pub mode: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Time of last change of content, in seconds since 1970.
    pub mtime: i64,
    /// Device and inode: the identity of the file.
    pub id: (u64, u64),
    /// Number of names.
    pub links: u64,
}

impl Stat {
    /// A regular file of root's that nothing else is known of: a text inside another file.
    #[must_use]
    pub fn regular(size: u64, mode: u32) -> Self {
        Self {
            kind: Kind::File,
            size,
            allocated: 0,
            mode,
            uid: 0,
            gid: 0,
            mtime: 0,
            id: (0, 0),
            links: 1,
        }
    }
}
