//! Checksums as package databases write them, and the same of a file on disk.

use std::io;

use md5::Md5;
use sha1::Sha1;
use sha2::digest::DynDigest;
use sha2::{Sha224, Sha256, Sha384, Sha512};

use super::read::ReadAt;

/// How much of a file is held while it is summed.
const PIECE: usize = 128 << 10;

/// How a checksum is made. Old databases have MD5 only: it tells a changed file from an unchanged
/// one, not a forged one from a true one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Algorithm {
    /// MD5, 16 bytes.
    Md5,
    /// SHA-1, 20 bytes.
    Sha1,
    /// SHA-224, 28 bytes.
    Sha224,
    /// SHA-256, 32 bytes.
    Sha256,
    /// SHA-384, 48 bytes.
    Sha384,
    /// SHA-512, 64 bytes.
    Sha512,
}

impl Algorithm {
    /// The algorithm whose checksum has this many bytes.
    #[must_use]
    pub fn of_length(bytes: usize) -> Option<Self> {
        Some(match bytes {
            16 => Self::Md5,
            20 => Self::Sha1,
            28 => Self::Sha224,
            32 => Self::Sha256,
            48 => Self::Sha384,
            64 => Self::Sha512,
            _ => return None,
        })
    }

    fn start(self) -> Box<dyn DynDigest> {
        match self {
            Self::Md5 => Box::new(Md5::default()),
            Self::Sha1 => Box::new(Sha1::default()),
            Self::Sha224 => Box::new(Sha224::default()),
            Self::Sha256 => Box::new(Sha256::default()),
            Self::Sha384 => Box::new(Sha384::default()),
            Self::Sha512 => Box::new(Sha512::default()),
        }
    }
}

/// The checksum of a file's content.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Digest {
    /// How it is made.
    pub algorithm: Algorithm,
    bytes: Box<[u8]>,
}

impl Digest {
    /// A checksum of which the algorithm shows in the length only.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        Some(Self {
            algorithm: Algorithm::of_length(bytes.len())?,
            bytes: Box::from(bytes),
        })
    }

    /// As [`Digest::from_bytes`], in hexadecimal digits.
    #[must_use]
    pub fn from_hex(hex: &[u8]) -> Option<Self> {
        let digit = |b: u8| {
            char::from(b)
                .to_digit(16)
                .and_then(|d| u8::try_from(d).ok())
        };
        if hex.len() > 128 {
            return None;
        }
        let (pairs, rest) = hex.as_chunks::<2>();
        if !rest.is_empty() {
            return None;
        }
        let bytes: Option<Vec<u8>> = pairs
            .iter()
            .map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?))
            .collect();
        Self::from_bytes(&bytes?)
    }

    /// As [`Digest::from_bytes`], in base 64 (RFC 4648, padding optional).
    #[must_use]
    pub fn from_base64(text: &[u8]) -> Option<Self> {
        let mut bytes = Vec::new();
        let (mut held, mut bits) = (0u32, 0u32);
        for &b in text.trim_ascii_end().iter().take_while(|&&b| b != b'=') {
            if bytes.len() > 64 {
                return None;
            }
            held = (held << 6 | u32::from(base64_digit(b)?)) & 0xffff;
            bits += 6;
            if bits >= 8 {
                bits -= 8;
                bytes.push(u8::try_from(held >> bits & 0xff).ok()?);
            }
        }
        Self::from_bytes(&bytes)
    }

    /// The checksum of a content.
    ///
    /// # Errors
    /// When the medium fails.
    pub fn of(algorithm: Algorithm, source: &dyn ReadAt) -> io::Result<Self> {
        let mut sum = algorithm.start();
        let mut piece = vec![0; PIECE];
        let mut at = 0;
        // A file that grows meanwhile is read to the length it had.
        while at < source.len() {
            let got = source.read_at(at, &mut piece)?;
            let Some(read) = piece.get(..got).filter(|read| !read.is_empty()) else {
                break;
            };
            sum.update(read);
            at += got as u64;
        }
        Ok(Self {
            algorithm,
            bytes: sum.finalize(),
        })
    }

    /// The bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }
}

fn base64_digit(b: u8) -> Option<u8> {
    Some(match b {
        b'A'..=b'Z' => b - b'A',
        b'a'..=b'z' => b - b'a' + 26,
        b'0'..=b'9' => b - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_content_has_the_same_sum_however_it_is_written() {
        let content = b"abc".to_vec();
        for (text, algorithm) in [
            ("900150983cd24fb0d6963f7d28e17f72", Algorithm::Md5),
            ("A9993E364706816ABA3E25717850C26C9CD0D89D", Algorithm::Sha1),
            (
                "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
                Algorithm::Sha256,
            ),
        ] {
            let read = Digest::from_hex(text.as_bytes()).unwrap();
            assert_eq!(read, Digest::of(algorithm, &content).unwrap());
        }
        // The form of apk, without its mark Q1.
        assert_eq!(
            Digest::from_base64(b"qZk+NkcGgWq6PiVxeFDCbJzQ2J0="),
            Some(Digest::of(Algorithm::Sha1, &content).unwrap())
        );
    }

    #[test]
    fn what_is_no_checksum_is_none() {
        for text in [&b""[..], b"newconffile", b"9", b"zz", &[b'a'; 4000]] {
            assert_eq!(Digest::from_hex(text), None);
            assert_eq!(Digest::from_base64(text), None);
        }
    }

    #[test]
    fn a_large_content_is_summed_in_pieces() {
        let content = vec![7u8; PIECE * 2 + 3];
        let mut whole = Algorithm::Sha256.start();
        whole.update(&content);
        let sum = Digest::of(Algorithm::Sha256, &content).unwrap();
        assert_eq!(sum.as_bytes(), &whole.finalize()[..]);
    }
}
