//! A text that is longer than anybody wants in memory, handed out in parts that end where its own parts
//! end.

use std::io;
use std::ops::ControlFlow;

use super::budget::is_stopped;
use super::read::ReadAt;

/// How much is read at once, in bytes.
const STEP: usize = 1 << 20;

/// Some whole lines, or paragraphs, of a text.
#[derive(Clone, Copy, Debug)]
pub struct Part<'a> {
    /// Its bytes.
    pub text: &'a [u8],
    /// Where it begins in the text, in bytes.
    pub at: u64,
    /// How many lines stand before it.
    pub lines: u32,
}

/// How far a text was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reached {
    /// To its end, or to where whoever asked had enough.
    End,
    /// To its end, without something in it that was longer than a part may be.
    Left,
    /// To the bound of what is read of it.
    Bound,
}

/// Hands `source` to `each` in parts that end with `end`, each at most `longest` bytes, up to `most`
/// bytes in all. What is longer than that before its end is left out.
///
/// # Errors
/// When the medium fails; what came before was handed out.
pub fn parts(
    source: &dyn ReadAt,
    end: &[u8],
    longest: usize,
    most: u64,
    mut each: impl FnMut(Part<'_>) -> ControlFlow<()>,
) -> io::Result<Reached> {
    let mut held: Vec<u8> = Vec::new();
    let (mut next, mut at, mut lines) = (0_u64, 0_u64, 0_u32);
    // Whether what is held belongs to something too long.
    let mut is_over = false;
    let mut reached = Reached::End;
    loop {
        let room = most.saturating_sub(next).min(STEP as u64);
        let piece = source.bytes_at(next, usize::try_from(room).unwrap_or(STEP))?;
        next += piece.len() as u64;
        held.extend_from_slice(&piece);
        let is_last = piece.is_empty();
        if is_last && next < source.len() {
            reached = Reached::Bound;
        }
        let cut = match memchr::memmem::rfind(&held, end) {
            Some(found) if !is_last => found + end.len(),
            _ if is_last => held.len(),
            _ if held.len() <= longest => continue,
            _ => {
                (is_over, reached) = (true, Reached::Left);
                held.len() - end.len()
            }
        };
        let (part, rest) = held.split_at(cut);
        // Of something too long the end is not handed out, either.
        let skipped = match is_over {
            true => memchr::memmem::find(part, end).map_or(cut, |found| found + end.len()),
            false => 0,
        };
        is_over &= skipped == cut;
        let count = |text: &[u8]| {
            u32::try_from(memchr::memchr_iter(b'\n', text).count()).unwrap_or(u32::MAX)
        };
        let text = &part[skipped..];
        if !text.is_empty() {
            let part = Part {
                text,
                at: at + skipped as u64,
                lines: lines.saturating_add(count(&part[..skipped])),
            };
            if each(part).is_break() {
                return Ok(reached);
            }
        }
        lines = lines.saturating_add(count(part));
        at += cut as u64;
        held = rest.to_vec();
        if is_last || is_stopped() {
            return Ok(reached);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &[u8], end: &[u8], longest: usize, most: u64) -> (Vec<u8>, Vec<u32>, Reached) {
        let (mut all, mut lines) = (Vec::new(), Vec::new());
        let reached = parts(&text, end, longest, most, |part| {
            let own = usize::try_from(part.at).unwrap();
            assert_eq!(&text[own..own + part.text.len()], part.text);
            let before = memchr::memchr_iter(b'\n', &text[..own]).count();
            assert_eq!(part.lines as usize, before);
            all.extend_from_slice(part.text);
            lines.push(part.lines);
            ControlFlow::Continue(())
        });
        (all, lines, reached.unwrap())
    }

    #[test]
    fn parts_are_the_whole_text_and_know_their_place() {
        let text = b"a: 1\nb: 2\n\n".repeat(300_000);
        let (all, lines, reached) = read(&text, b"\n\n", 4 << 20, u64::MAX);
        assert_eq!((all.len(), reached), (text.len(), Reached::End));
        assert!(lines.len() > 3 && lines.windows(2).all(|pair| pair[0] < pair[1]));
        let (all, _, reached) = read(b"no end", b"\n", 1 << 20, u64::MAX);
        assert_eq!((&all[..], reached), (&b"no end"[..], Reached::End));
        assert_eq!(read(b"", b"\n", 9, 9).2, Reached::End);
    }

    #[test]
    fn what_is_too_long_is_left_out_and_the_rest_is_not() {
        let long = [b"x".repeat(3 << 20), b"\n\nz\n\n".to_vec()].concat();
        let text = [b"a\n\n".to_vec(), long].concat();
        let (all, _, reached) = read(&text, b"\n\n", 1 << 20, u64::MAX);
        assert_eq!((&all[..], reached), (&b"a\n\nz\n\n"[..], Reached::Left));
        let (all, _, reached) = read(&text, b"\n\n", 1 << 20, 2 << 20);
        assert_eq!((all.len(), reached), (3, Reached::Bound));
    }
}
