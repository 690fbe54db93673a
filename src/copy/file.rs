//! The content of one regular file: read once, summed while it is written, holes kept.

use std::sync::mpsc::{channel, sync_channel};

use rustix::io::Errno;
use sha2::{Digest as _, Sha256};

use super::Progress;
use super::list::Sum;
use super::place::NewFile;
use crate::parse::read::ReadAt as _;
use crate::tree::File;

/// How much is read at once.
const PIECE: usize = 256 << 10;

/// From this size on, one thread reads and sums while another one writes.
const LARGE: u64 = 8 << 20;

/// What is left unwritten where a filesystem does not tell of its holes: a block of nothing.
const BLOCK: usize = 4096;

/// Why the content did not arrive.
#[derive(Clone, Debug)]
pub(super) enum Fault {
    /// The old side.
    Read(String),
    /// The new one.
    Write(Errno),
    /// It became shorter.
    Shorter,
    /// The run is to end.
    Stopped,
}

/// Reads a file to the end that it had when it was opened. Each piece of data goes to `take` with
/// its offset; holes are summed and not read.
fn read(
    from: &File,
    buffer: &mut Vec<u8>,
    progress: &Progress,
    mut take: impl FnMut(&[u8], u64) -> Result<(), Errno>,
) -> Result<Sum, Fault> {
    let size = from.stat().size;
    let mut sum = Sha256::new();
    let whole = [(0, size)];
    let pieces = from.pieces();
    let mut at = 0;
    for &(start, length) in pieces.as_deref().unwrap_or(&whole) {
        zeros(start - at, &mut sum, progress)?;
        at = start;
        let end = start + length;
        while at < end {
            if progress.stopped() {
                return Err(Fault::Stopped);
            }
            let want = usize::try_from(end - at).map_or(PIECE, |rest| rest.min(PIECE));
            if buffer.len() < want {
                buffer.resize(want, 0);
            }
            let piece = buffer.get_mut(..want).unwrap_or_default();
            let got = from.read_at(at, piece);
            let got = got.map_err(|error| Fault::Read(error.to_string()))?;
            let Some(piece) = piece.get(..got).filter(|piece| !piece.is_empty()) else {
                return Err(Fault::Shorter);
            };
            sum.update(piece);
            take(piece, at).map_err(Fault::Write)?;
            progress.read(got);
            at += got as u64;
        }
    }
    zeros(size - at, &mut sum, progress)?;
    Ok(sum.finalize().into())
}

fn zeros(mut length: u64, sum: &mut Sha256, progress: &Progress) -> Result<(), Fault> {
    const NOTHING: &[u8] = &[0; 64 << 10];
    while length > 0 {
        // A hole can be larger than any disk.
        if progress.stopped() {
            return Err(Fault::Stopped);
        }
        let step = usize::try_from(length).map_or(NOTHING.len(), |rest| rest.min(NOTHING.len()));
        sum.update(NOTHING.get(..step).unwrap_or(NOTHING));
        length -= step as u64;
    }
    Ok(())
}

/// Reads a file, with its pieces written by a thread of their own.
fn apart(
    from: &File,
    buffer: &mut Vec<u8>,
    progress: &Progress,
    write: &(impl Fn(&[u8], u64) -> Result<(), Errno> + Sync),
) -> Result<Sum, Fault> {
    std::thread::scope(|scope| {
        // As many pieces are under way; written ones come back to be filled again.
        let (full, to_write) = sync_channel::<(Vec<u8>, u64)>(4);
        let (written, empty) = channel();
        let writer = scope.spawn(move || {
            for (piece, at) in to_write {
                write(&piece, at)?;
                // The reader may have ended.
                let _ = written.send(piece);
            }
            Ok(())
        });
        let sum = read(from, buffer, progress, |piece, at| {
            let mut next: Vec<u8> = empty.try_recv().unwrap_or_default();
            next.clear();
            next.extend_from_slice(piece);
            // Where the writer has ended, it says why.
            full.send((next, at)).map_err(|_| Errno::IO)
        });
        drop(full);
        let wrote = writer.join().unwrap_or(Err(Errno::IO));
        wrote.map_err(Fault::Write).and(sum)
    })
}

/// Copies the content.
pub(super) fn copy(
    from: &File,
    into: &NewFile,
    buffer: &mut Vec<u8>,
    progress: &Progress,
) -> Result<Sum, Fault> {
    let stat = from.stat();
    let has_holes = stat.allocated < stat.size;
    let write = |piece: &[u8], at: u64| {
        if !has_holes {
            return into.write(piece, at);
        }
        for (number, block) in piece.chunks(BLOCK).enumerate() {
            if block.iter().any(|&byte| byte != 0) {
                into.write(block, at + (number * BLOCK) as u64)?;
            }
        }
        Ok(())
    };
    let sum = if stat.allocated.min(stat.size) < LARGE {
        read(from, buffer, progress, write)?
    } else {
        apart(from, buffer, progress, &write)?
    };
    if has_holes {
        into.stretch(stat.size).map_err(Fault::Write)?;
    }
    Ok(sum)
}

/// Sums the content.
pub(super) fn sum(from: &File, buffer: &mut Vec<u8>, progress: &Progress) -> Result<Sum, Fault> {
    read(from, buffer, progress, |_, _| Ok(()))
}

impl Fault {
    /// Why, in words.
    pub(super) fn words(&self) -> String {
        match self {
            Self::Read(reason) => format!("cannot be read: {reason}"),
            Self::Write(errno) => format!("cannot be written: {errno}"),
            Self::Shorter => "became shorter while it was read".into(),
            Self::Stopped => "the run was ended".into(),
        }
    }
}
