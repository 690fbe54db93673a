//! A large file searched piece by piece, so that what is sought is found once wherever pieces meet.

use std::cell::Cell;
use std::io;
use std::ops::Range;

use super::read::ReadAt;

/// How much is read at a time: it stays in the processor's cache while it is searched.
pub const WINDOW: usize = 256 << 10;

/// A piece of a file with what stands around it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window<'a> {
    /// The piece, with the end of what comes before it and the beginning of what comes after.
    pub bytes: &'a [u8],
    /// Which of `bytes` belong to this piece and to no other.
    pub own: Range<usize>,
}

/// Hands `part` of a file to `each`, in pieces of at most [`WINDOW`] bytes that show `before` bytes of
/// the one before and `after` of the one after. At the ends of `part` nothing is shown around it.
///
/// # Errors
/// When the medium fails; what came before was handed out.
pub fn windows(
    source: &dyn ReadAt,
    part: &Range<u64>,
    (before, after): (usize, usize),
    mut each: impl FnMut(&Window<'_>),
) -> io::Result<()> {
    let step = WINDOW - before - after;
    let length = part.end.min(source.len()).saturating_sub(part.start);
    let mut buffer = Buffer::take(length);
    let buffer = &mut buffer.0;
    let mut at = 0;
    while at < length {
        // The first piece has nothing before it.
        let lead = if at == 0 { 0 } else { before };
        let from = at - lead as u64;
        let rest = usize::try_from(length - from).unwrap_or(WINDOW);
        let wanted = buffer.get_mut(..rest.min(WINDOW)).unwrap_or_default();
        let got = source.read_at(part.start + from, wanted)?;
        let last = got < WINDOW || from + got as u64 >= length;
        let end = if last { got } else { lead + step };
        let bytes = buffer.get(..got).unwrap_or_default();
        each(&Window {
            bytes,
            own: lead..end,
        });
        if last {
            break;
        }
        at += step as u64;
    }
    Ok(())
}

thread_local! {
    /// What this thread has read a window into last: the kernel clears new memory, and takes back as
    /// much.
    static LAST: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// Memory for a window, lent by the thread.
struct Buffer(Vec<u8>);

impl Buffer {
    /// As long as a window, or `length` if that is less.
    fn take(length: u64) -> Self {
        let mut buffer = LAST.take();
        let wanted = usize::try_from(length).map_or(WINDOW, |all| all.min(WINDOW));
        if buffer.len() < wanted {
            buffer.resize(wanted, 0);
        }
        Self(buffer)
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        LAST.set(std::mem::take(&mut self.0));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_byte_is_of_one_window_and_seen_with_what_is_around_it() {
        let bytes: Vec<u8> = (0..3 * WINDOW + 77).map(|at| (at % 251) as u8).collect();
        for part in [
            0..bytes.len() as u64,
            5..WINDOW as u64 + 5,
            9..10,
            7..7,
            100..1 << 40,
        ] {
            let end = part.end.min(bytes.len() as u64);
            let whole = &bytes[part.start as usize..end as usize];
            let mut own: Vec<u8> = Vec::new();
            windows(&bytes, &part, (10, 300), |window| {
                let begin = own.len() - window.own.start;
                assert_eq!(window.bytes, &whole[begin..begin + window.bytes.len()]);
                let shown = window.bytes.len() - window.own.end;
                assert!(shown >= 300 || begin + window.bytes.len() == whole.len());
                assert!(window.own.start == 10 || begin == 0);
                own.extend(&window.bytes[window.own.clone()]);
            })
            .unwrap();
            assert_eq!(own, whole, "{part:?}");
        }
    }

    #[test]
    fn a_medium_that_fails_is_told() {
        struct Broken;
        impl ReadAt for Broken {
            fn len(&self) -> u64 {
                9
            }
            fn read_at(&self, _: u64, _: &mut [u8]) -> io::Result<usize> {
                Err(io::ErrorKind::Other.into())
            }
        }
        assert!(windows(&Broken, &(0..9), (1, 1), |_| {}).is_err());
    }
}
