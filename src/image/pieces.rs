//! Parts of a file, read as if they were one.

use std::io::{self, Read};

use crate::parse::read::ReadAt as _;
use crate::tree::File;

/// Parts of a file, one behind another.
pub(super) struct Pieces<'a> {
    file: &'a File,
    pieces: &'a [(u64, u64)],
    /// How much of the first one was read.
    done: u64,
}

impl<'a> Pieces<'a> {
    pub(super) fn new(file: &'a File, pieces: &'a [(u64, u64)]) -> Self {
        Self {
            file,
            pieces,
            done: 0,
        }
    }
}

impl Read for Pieces<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while let Some((offset, length)) = self.pieces.first() {
            let rest = length - self.done;
            if rest == 0 {
                self.pieces = self.pieces.get(1..).unwrap_or_default();
                self.done = 0;
                continue;
            }
            let want = usize::try_from(rest).map_or(out.len(), |rest| rest.min(out.len()));
            let got = self.file.read_at(offset + self.done, &mut out[..want])?;
            self.done += got as u64;
            return Ok(got);
        }
        Ok(0)
    }
}
