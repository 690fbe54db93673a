//! What a layer is compressed with, undone as a stream.

use std::io::{self, BufRead, Read};

use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};

/// The largest window of a frame, in bytes: what the format asks every reader to have is 8 MB
/// (RFC 8878, 3.1.1.1.2), and zstd's own highest levels take 128 MB.
const WINDOW_LIMIT: u64 = 128 << 20;

/// Zstandard (RFC 8878): frame after frame, as packers that work on several processors write them, and
/// between them frames to skip, which hold other programs' tables.
pub(super) struct Zstd<R> {
    from: R,
    decoder: FrameDecoder,
    /// Whether a frame has begun whose bytes have not all come out.
    is_within: bool,
    /// Bytes of it that have come out.
    came: u64,
    /// Whether a frame has come at all.
    has_begun: bool,
}

impl<R: BufRead> Zstd<R> {
    pub(super) fn new(from: R) -> Self {
        let mut decoder = FrameDecoder::new();
        decoder.set_max_window_size(WINDOW_LIMIT);
        Self {
            from,
            decoder,
            is_within: false,
            came: 0,
            has_begun: false,
        }
    }

    /// Begins the next frame; false at the end.
    fn begin(&mut self) -> io::Result<bool> {
        loop {
            if self.from.fill_buf()?.is_empty() {
                return if self.has_begun {
                    Ok(false)
                } else {
                    Err(io::ErrorKind::UnexpectedEof.into())
                };
            }
            match self.decoder.reset(&mut self.from) {
                Ok(()) => {
                    self.has_begun = true;
                    return Ok(true);
                }
                Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame {
                    length,
                    ..
                })) => {
                    let length = u64::from(length);
                    let mut skipped = self.from.by_ref().take(length);
                    if io::copy(&mut skipped, &mut io::sink())? < length {
                        return Err(io::ErrorKind::UnexpectedEof.into());
                    }
                }
                Err(error) => return Err(io::Error::other(error)),
            }
        }
    }

    /// Ends a frame whose bytes have all come out.
    fn end(&mut self) -> io::Result<()> {
        self.is_within = false;
        let promised = self.decoder.get_checksum_from_data();
        if promised.is_some() && promised != self.decoder.get_calculated_checksum() {
            return Err(io::Error::other("a frame's checksum is wrong"));
        }
        let (size, came) = (self.decoder.content_size(), std::mem::take(&mut self.came));
        if size != 0 && size != came {
            return Err(io::Error::other("a frame is not as long as it says"));
        }
        Ok(())
    }
}

impl<R: BufRead> Read for Zstd<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if out.is_empty() {
            return Ok(0);
        }
        loop {
            if !self.is_within {
                if !self.begin()? {
                    return Ok(0);
                }
                self.is_within = true;
            }
            while self.decoder.can_collect() == 0 && !self.decoder.is_finished() {
                self.decoder
                    .decode_blocks(&mut self.from, BlockDecodingStrategy::UptoBlocks(1))
                    .map_err(io::Error::other)?;
            }
            let got = self.decoder.read(out)?;
            self.came += got as u64;
            if got > 0 {
                return Ok(got);
            }
            self.end()?;
        }
    }
}
