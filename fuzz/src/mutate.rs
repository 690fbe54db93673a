//! Changes of inputs, the same on every machine.

/// Numbers that look random (SplitMix64).
#[derive(Clone, Debug)]
pub struct Dice(u64);

impl Dice {
    /// Numbers that depend on `seed` alone.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number.
    pub fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `end`; 0 where there is none.
    pub fn below(&mut self, end: usize) -> usize {
        match end as u64 {
            0 => 0,
            end => usize::try_from(self.roll() % end).unwrap_or(0),
        }
    }

    /// One of a list.
    pub fn one<'a, T>(&mut self, of: &'a [T]) -> Option<&'a T> {
        of.get(self.below(of.len()))
    }
}

/// The longest input that is made.
pub const LONGEST: usize = 1 << 20;

/// Numbers at which fields of files break.
const EDGES: [u64; 12] = [
    0,
    1,
    0x7f,
    0x80,
    0xff,
    0x7fff,
    0x8000,
    0xffff,
    0x7fff_ffff,
    0x8000_0000,
    0xffff_ffff,
    u64::MAX,
];

/// Changes `input` a few times. `words` are of the language, `other` is another input.
pub fn change(input: &mut Vec<u8>, dice: &mut Dice, words: &[&[u8]], other: &[u8]) {
    for _ in 0..1 + dice.below(6) {
        once(input, dice, words, other);
        input.truncate(LONGEST);
    }
}

fn once(input: &mut Vec<u8>, dice: &mut Dice, words: &[&[u8]], other: &[u8]) {
    let at = dice.below(input.len() + 1);
    let end = (at + dice.below(64)).min(input.len());
    match dice.below(12) {
        0 => {
            if let Some(byte) = input.get_mut(at) {
                *byte ^= 1 << dice.below(8);
            }
        }
        1 => {
            if let Some(byte) = input.get_mut(at) {
                *byte = u8::try_from(dice.below(256)).unwrap_or(0);
            }
        }
        2 => drop(input.drain(at..end)),
        3 => input.truncate(at),
        4 => {
            let part = input[at..end].to_vec();
            let to = dice.below(input.len() + 1);
            input.splice(to..to, part);
        }
        5 => edge(input, at, dice),
        6 => {
            // Many of the same: what grows faster than its input shows itself here.
            let part = match dice.one(words) {
                Some(word) if dice.below(2) == 0 => word.to_vec(),
                _ => input[at..end].to_vec(),
            };
            let times = 1 << dice.below(14);
            let many = part.repeat(times.min(LONGEST / part.len().max(1)));
            input.splice(at..at, many);
        }
        7 => {
            let from = dice.below(other.len() + 1);
            let to = (from + dice.below(512)).min(other.len());
            input.splice(at..end, other[from..to].iter().copied());
        }
        8 => {
            input.truncate(at);
            input.extend_from_slice(&other[dice.below(other.len() + 1)..]);
        }
        _ => {
            let word = dice.one(words).copied().unwrap_or(b"\0\0");
            let to = if dice.below(2) == 0 { at } else { end };
            input.splice(at..to, word.iter().copied());
        }
    }
}

/// Writes a number at which fields break, as binary of some width and order, or in digits.
fn edge(input: &mut Vec<u8>, at: usize, dice: &mut Dice) {
    let number = dice.one(&EDGES).copied().unwrap_or(0);
    let width = 1 << dice.below(4);
    let bytes = match dice.below(3) {
        0 => number.to_le_bytes()[..width].to_vec(),
        1 => number.to_be_bytes()[8 - width..].to_vec(),
        _ => number.to_string().into_bytes(),
    };
    let end = (at + bytes.len()).min(input.len());
    input.splice(at..end, bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_dice_make_the_same_inputs_and_none_too_long() {
        let make = || {
            let mut dice = Dice::new(7);
            let mut input = b"a = b\n".to_vec();
            for _ in 0..300 {
                change(&mut input, &mut dice, &[b"word"], b"other");
            }
            input
        };
        assert_eq!(make(), make());
        assert!(make().len() <= LONGEST);
    }
}
