//! Blobs: bytes that are read with proof, and written under the name that they come to.

use std::io::{self, BufWriter, Read, Write};
use std::path::Path;

use sha2::{Digest as _, Sha256};
use tempfile::NamedTempFile;

use super::{Descriptor, Digest, LayoutError};
use crate::parse::read::ReadAt as _;
use crate::tree::File;

/// How much is read at once.
const PIECE: usize = 256 << 10;

/// A blob that is read from its beginning to its end. Reading the end fails, with a
/// [`LayoutError`] inside, when the bytes were not those that were promised.
pub struct Blob {
    file: File,
    promised: Descriptor,
    at: u64,
    buffer: Vec<u8>,
    taken: usize,
    sum: Sha256,
    is_proven: bool,
}

impl Blob {
    pub(super) fn new(file: File, promised: Descriptor) -> Result<Self, LayoutError> {
        let there = file.len();
        if there != promised.size {
            return Err(LayoutError::Length {
                digest: promised.digest,
                want: promised.size,
                have: there,
            });
        }
        Ok(Self {
            file,
            promised,
            at: 0,
            buffer: Vec::new(),
            taken: 0,
            sum: Sha256::new(),
            is_proven: false,
        })
    }

    /// Reads what is left and compares digest and length.
    ///
    /// # Errors
    /// When they are not those that were promised, or the medium fails.
    pub fn prove(mut self) -> Result<(), LayoutError> {
        let name = self.promised.digest.to_string();
        io::copy(&mut self, &mut io::sink())
            .map(drop)
            .map_err(|error| LayoutError::from_io(&name, error))
    }

    fn fill(&mut self) -> io::Result<()> {
        self.buffer.resize(PIECE, 0);
        let got = self.file.read_at(self.at, &mut self.buffer)?;
        self.buffer.truncate(got);
        self.taken = 0;
        self.at += got as u64;
        self.sum.update(&self.buffer);
        if got == 0 && !self.is_proven {
            let digest = Digest::finish(self.sum.clone());
            if self.at != self.promised.size {
                return Err(io::Error::other(LayoutError::Length {
                    digest: self.promised.digest,
                    want: self.promised.size,
                    have: self.at,
                }));
            }
            if digest != self.promised.digest {
                return Err(io::Error::other(LayoutError::Lies {
                    digest: self.promised.digest,
                    real: digest,
                }));
            }
            self.is_proven = true;
        }
        Ok(())
    }
}

impl Read for Blob {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.taken == self.buffer.len() && !self.is_proven {
            self.fill()?;
        }
        let rest = &self.buffer[self.taken..];
        let take = rest.len().min(out.len());
        out[..take].copy_from_slice(&rest[..take]);
        self.taken += take;
        Ok(take)
    }
}

/// A blob that is being written; it has no name before it is finished, and is gone when it never
/// is.
pub struct BlobWriter {
    part: BufWriter<NamedTempFile>,
    sum: Sha256,
    size: u64,
}

impl BlobWriter {
    pub(super) fn new(dir: &Path) -> io::Result<Self> {
        let part = tempfile::Builder::new()
            .prefix(".part-")
            .permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644))
            .tempfile_in(dir)?;
        Ok(Self {
            part: BufWriter::with_capacity(PIECE, part),
            sum: Sha256::new(),
            size: 0,
        })
    }

    /// Gives the blob its name below `dir`, and says what it is.
    pub(super) fn finish(self, dir: &Path, media_type: &str) -> io::Result<Descriptor> {
        let digest = Digest::finish(self.sum);
        let part = self.part.into_inner().map_err(io::Error::from)?;
        part.persist(dir.join(digest.hex()))?;
        Ok(Descriptor {
            media_type: media_type.to_owned(),
            digest,
            size: self.size,
            annotations: Default::default(),
            other: Default::default(),
        })
    }
}

impl Write for BlobWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let done = self.part.write(bytes)?;
        self.sum.update(&bytes[..done]);
        self.size += done as u64;
        Ok(done)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.part.flush()
    }
}
