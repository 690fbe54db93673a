//! Whether a file is still as its package shipped it.

use std::io;

use rustix::io::Errno;

use super::{OwnedFile, Packages};
use crate::fact::{Kind, Ownership};
use crate::parse::digest::Digest;
use crate::parse::read::ReadAt;
use crate::tree::{LookupError, Root};

/// How much of a program's end is searched for the names of its sections.
const NAMES: usize = 256 << 10;

impl Packages {
    /// Compares a file with what its package shipped: by kind, by a link's text, by size and sum
    /// of the content. Without a sum in the database, a file that is there counts as shipped.
    ///
    /// # Errors
    /// When the disk does not let it be known.
    pub fn check(&self, file: &OwnedFile, root: &Root) -> Result<Ownership, LookupError> {
        check(file, root)
    }
}

pub(super) fn check(file: &OwnedFile, root: &Root) -> Result<Ownership, LookupError> {
    let node = match root.lookup(file.path.as_bytes()) {
        Ok(node) => node,
        Err(LookupError::Absent | LookupError::NotDirectory) if file.optional => {
            return Ok(Ownership::AsShipped);
        }
        Err(LookupError::Absent | LookupError::NotDirectory) => return Ok(Ownership::Gone),
        Err(error) => return Err(error),
    };
    if file.ghost {
        return Ok(Ownership::AsShipped);
    }
    let same = match (node.stat.kind, file.kind) {
        (Kind::Link, _) => same_link(file, root)?,
        (Kind::File, None | Some(Kind::File)) => same_content(file, root)?,
        (_, None) => file.digest.is_none(),
        (now, Some(shipped)) => now == shipped,
    };
    Ok(if same {
        Ownership::AsShipped
    } else {
        Ownership::Changed
    })
}

fn same_link(file: &OwnedFile, root: &Root) -> Result<bool, LookupError> {
    let text = root.link_target(file.path.as_bytes())?;
    if let Some(shipped) = &file.target {
        return Ok(text == *shipped);
    }
    match (&file.kind, &file.digest) {
        // apk sums the text of a link.
        (None, Some(digest)) => {
            Ok(Digest::of(digest.algorithm, &text).is_ok_and(|sum| sum == *digest))
        }
        // A file that was moved and linked to is still that file, as dpkg sees it.
        (Some(Kind::File), Some(_)) => match same_content(file, root) {
            Err(LookupError::Absent | LookupError::NotDirectory | LookupError::Special) => {
                Ok(false)
            }
            other => other,
        },
        // A directory that was moved to a larger disk and linked to is there all the same.
        _ => Ok(true),
    }
}

fn same_content(file: &OwnedFile, root: &Root) -> Result<bool, LookupError> {
    let Some(digest) = &file.digest else {
        return Ok(true);
    };
    let now = root.open_file(file.path.as_bytes())?;
    // Another size spares the reading.
    if file.size.is_none_or(|size| size == now.len()) {
        let sum = Digest::of(digest.algorithm, &now).map_err(failed)?;
        if sum == *digest {
            return Ok(true);
        }
    }
    is_prelinked(&now).map_err(failed)
}

fn failed(error: io::Error) -> LookupError {
    LookupError::Other(Errno::from_io_error(&error).unwrap_or(Errno::IO))
}

/// Whether prelink(8), which Enterprise Linux up to 6 runs every day, rewrote a program or
/// library: it leaves the original's headers in a section of its own. What the package shipped is
/// in there still, so that the file does not count as changed.
fn is_prelinked(file: &dyn ReadAt) -> io::Result<bool> {
    let head = file.bytes_at(0, 4)?;
    if head != b"\x7fELF" {
        return Ok(false);
    }
    // The names of sections are among the last things in a file.
    let from = file.len().saturating_sub(NAMES as u64);
    let end = file.bytes_at(from, NAMES)?;
    Ok(memchr::memmem::find(&end, b".gnu.prelink_undo\0").is_some())
}
