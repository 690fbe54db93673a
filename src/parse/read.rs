//! Random access to a file's bytes, so that a parser can take what it needs of a huge file.

use std::io;

/// A file, or a slice in its place, read at offsets.
pub trait ReadAt {
    /// The length in bytes.
    fn len(&self) -> u64;

    /// Whether there is nothing to read.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Reads at `offset` into `buffer` and returns how much was read: less than asked only at the
    /// end.
    ///
    /// # Errors
    /// When the medium fails.
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize>;

    /// At most `want` bytes at `offset`: what exists of them.
    ///
    /// # Errors
    /// When the medium fails.
    fn bytes_at(&self, offset: u64, want: usize) -> io::Result<Vec<u8>> {
        let there = self.len().saturating_sub(offset);
        let take = usize::try_from(there).map_or(want, |there| there.min(want));
        let mut buffer = vec![0; take];
        let got = self.read_at(offset, &mut buffer)?;
        buffer.truncate(got);
        Ok(buffer)
    }
}

impl ReadAt for [u8] {
    fn len(&self) -> u64 {
        <[u8]>::len(self) as u64
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let rest = usize::try_from(offset)
            .ok()
            .and_then(|offset| self.get(offset..))
            .unwrap_or_default();
        let take = rest.len().min(buffer.len());
        buffer[..take].copy_from_slice(&rest[..take]);
        Ok(take)
    }
}

impl ReadAt for &[u8] {
    fn len(&self) -> u64 {
        <[u8]>::len(self) as u64
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        (**self).read_at(offset, buffer)
    }
}

impl ReadAt for Vec<u8> {
    fn len(&self) -> u64 {
        self.as_slice().len() as u64
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        self.as_slice().read_at(offset, buffer)
    }
}
