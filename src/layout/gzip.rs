//! gzip (RFC 1952) on all processors: pieces of a fixed length are compressed each by itself and
//! put together in order, so that the same bytes come out on any number of threads.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::sync::mpsc::{Receiver, sync_channel};

use crc32fast::Hasher;
use flate2::{Compress, Compression, FlushCompress};

/// The length of a piece, in bytes.
const PIECE: usize = 512 << 10;

/// No name and no time, so that the same content is the same file; 255: an unknown system.
const HEAD: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];

/// A last block with nothing in it (RFC 1951, 3.2.6).
const END: [u8; 2] = [3, 0];

/// A piece, compressed, and the checksum of what it was.
type Pressed = io::Result<(Vec<u8>, Hasher)>;

/// Compresses what is written to it.
pub struct Gzip<W> {
    out: W,
    level: u32,
    piece: Vec<u8>,
    waiting: VecDeque<Receiver<Pressed>>,
    most: usize,
    sum: Hasher,
    size: u64,
}

impl<W: Write> Gzip<W> {
    /// Begins a file of compression level `level`, 0 to 9.
    ///
    /// # Errors
    /// When the head cannot be written.
    pub fn new(mut out: W, level: u32) -> io::Result<Self> {
        out.write_all(&HEAD)?;
        Ok(Self {
            out,
            level,
            piece: Vec::with_capacity(PIECE),
            waiting: VecDeque::new(),
            most: rayon::current_num_threads().max(1) * 2,
            sum: Hasher::new(),
            size: 0,
        })
    }

    /// Ends the file.
    ///
    /// # Errors
    /// When something cannot be written.
    pub fn finish(mut self) -> io::Result<W> {
        self.press();
        while !self.waiting.is_empty() {
            self.drain()?;
        }
        self.out.write_all(&END)?;
        self.out
            .write_all(&self.sum.clone().finalize().to_le_bytes())?;
        // The length modulo 2^32 (RFC 1952, 2.3.1).
        let size = u32::try_from(self.size & u64::from(u32::MAX)).unwrap_or_default();
        self.out.write_all(&size.to_le_bytes())?;
        Ok(self.out)
    }

    /// Hands the piece to another thread.
    fn press(&mut self) {
        if self.piece.is_empty() {
            return;
        }
        let piece = std::mem::replace(&mut self.piece, Vec::with_capacity(PIECE));
        let (send, receive) = sync_channel(1);
        let level = self.level;
        rayon::spawn(move || {
            // Nobody waits any more when writing has failed.
            let _ = send.send(press(&piece, level));
        });
        self.waiting.push_back(receive);
    }

    /// Writes the piece that was handed over first.
    fn drain(&mut self) -> io::Result<()> {
        let Some(first) = self.waiting.pop_front() else {
            return Ok(());
        };
        let lost = || io::Error::other("a thread that compressed ended early");
        let (bytes, sum) = first.recv().map_err(|_| lost())??;
        self.sum.combine(&sum);
        self.out.write_all(&bytes)
    }
}

impl<W: Write> Write for Gzip<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let take = bytes.len().min(PIECE - self.piece.len());
        self.piece.extend_from_slice(&bytes[..take]);
        self.size += take as u64;
        if self.piece.len() == PIECE {
            while self.waiting.len() >= self.most {
                self.drain()?;
            }
            self.press();
        }
        Ok(take)
    }

    /// Does nothing: a piece that is cut elsewhere would make other bytes.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Raw deflate that ends at a whole byte.
fn press(piece: &[u8], level: u32) -> Pressed {
    let mut deflate = Compress::new(Compression::new(level), false);
    let mut out = Vec::with_capacity(piece.len() / 2 + 64);
    loop {
        let taken = usize::try_from(deflate.total_in()).unwrap_or(usize::MAX);
        let rest = piece.get(taken..).unwrap_or_default();
        deflate.compress_vec(rest, &mut out, FlushCompress::Sync)?;
        // With room left over, everything was taken and flushed (zlib's manual, deflate()).
        if out.len() < out.capacity() {
            break;
        }
        out.reserve(PIECE / 4);
    }
    let mut sum = Hasher::new();
    sum.update(piece);
    Ok((out, sum))
}
