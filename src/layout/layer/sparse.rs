//! The map of a file with holes, which comes before its data (GNU tar's manual, PAX Format, Version 1.0):
//! the number of pieces, and offset and length of each, a number to a line, filled up to a whole
//! block. Go compares it with the lengths, others do not, so it must be right.

use super::header::BLOCK;

/// The most pieces that a file may have: as many as a map of 16 MB tells.
pub(super) const PIECES: u64 = 1 << 20;

/// Where a piece of data begins in a file, and its length, in bytes.
pub(super) type Piece = (u64, u64);

/// Whether `pieces` are in order within a file of `size` bytes, and come to `stored`.
pub(super) fn is_map(pieces: &[Piece], size: u64, stored: u64) -> bool {
    let mut end = 0;
    let mut data = 0_u64;
    let is_ordered = pieces.iter().all(|&(at, length)| {
        let is_after = at >= end;
        end = at.saturating_add(length);
        data = data.saturating_add(length);
        is_after && end <= size
    });
    is_ordered && data == stored && pieces.len() as u64 <= PIECES
}

/// A map while it is read.
#[derive(Debug, Default)]
pub(super) struct SparseMap {
    /// Bytes read of it.
    read: u64,
    /// The number that is being read, and its digits.
    number: u64,
    digits: u32,
    /// The numbers that are still to come; None before the first.
    left: Option<u64>,
    /// The offset of the piece whose length comes next.
    offset: u64,
    /// Where the piece before ended.
    end: u64,
    /// Bytes of data of all pieces.
    data: u64,
    wrong: bool,
}

impl SparseMap {
    /// Looks at the next bytes of what is stored.
    pub(super) fn look(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            if self.wrong || self.left == Some(0) {
                return;
            }
            self.read += 1;
            match byte {
                b'0'..=b'9' if self.digits < 18 => {
                    self.number = self.number * 10 + u64::from(byte - b'0');
                    self.digits += 1;
                }
                b'\n' if self.digits > 0 => self.ended(),
                _ => self.wrong = true,
            }
        }
    }

    /// A number has ended.
    fn ended(&mut self) {
        let number = std::mem::take(&mut self.number);
        self.digits = 0;
        match self.left {
            None => {
                self.wrong = number > PIECES;
                self.left = Some(number.saturating_mul(2));
                return;
            }
            Some(left) if left % 2 == 0 => {
                self.wrong = number < self.end;
                self.offset = number;
            }
            Some(_) => {
                self.data = self.data.saturating_add(number);
                self.end = self.offset.saturating_add(number);
            }
        }
        self.left = self.left.map(|left| left - 1);
    }

    /// Whether it was a map of a file of `size` bytes of which `stored` are stored, the map included.
    pub(super) fn fits(&self, size: u64, stored: u64) -> bool {
        let map = self.read.next_multiple_of(BLOCK as u64);
        !self.wrong
            && self.left == Some(0)
            && self.end <= size
            && map.checked_add(self.data) == Some(stored)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_map_tells_what_is_stored() {
        let fits = |map: &str, size, data| {
            let mut read = SparseMap::default();
            let stored = map.len().next_multiple_of(BLOCK) as u64 + data;
            read.look(map.as_bytes());
            read.fits(size, stored)
        };
        assert!(fits("2\n0\n3\n4096\n2\n", 5000, 5));
        assert!(fits("1\n4096\n0\n", 4096, 0));
        assert!(fits("0\n", 4096, 0));
        for (map, size, data) in [
            ("2\n0\n3\n4096\n2\n", 5000, 6),
            ("2\n0\n3\n4096\n2\n", 4097, 5),
            ("2\n4096\n3\n0\n2\n", 5000, 5),
            ("1\n0\n", 5000, 5),
            ("1\n0\n5", 5000, 5),
            ("1\n+0\n5\n", 5000, 5),
            ("1\n\n5\n", 5000, 5),
            ("9999999\n0\n5\n", 5000, 5),
        ] {
            assert!(!fits(map, size, data), "{map:?}");
        }
    }
}
