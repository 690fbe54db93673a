//! A stream of bytes as lines, however the chunks fall.

/// The longest line that is kept whole; strace(1) with the largest sensible `-s` stays far below.
const LINE: usize = 1 << 20;

/// Cuts a stream into lines.
#[derive(Debug, Default)]
pub(super) struct Lines {
    /// The beginning of a line whose end has not come.
    part: Vec<u8>,
}

impl Lines {
    /// Gives each line that ends in `chunk` to `line`; one that is too long loses its end.
    pub(super) fn feed(&mut self, mut chunk: &[u8], line: &mut impl FnMut(&[u8])) {
        while let Some(end) = memchr::memchr(b'\n', chunk) {
            let (text, rest) = chunk.split_at(end);
            if self.part.is_empty() {
                line(whole(&text[..text.len().min(LINE)]));
            } else {
                self.keep(text);
                line(whole(&self.part));
                self.part.clear();
            }
            chunk = &rest[1..];
        }
        self.keep(chunk);
    }

    /// Gives the last line to `line`, when it had no end.
    pub(super) fn finish(&mut self, line: &mut impl FnMut(&[u8])) {
        if !self.part.is_empty() {
            line(whole(&self.part));
        }
        self.part = Vec::new();
    }

    fn keep(&mut self, text: &[u8]) {
        let room = LINE.saturating_sub(self.part.len());
        self.part.extend_from_slice(&text[..text.len().min(room)]);
    }
}

fn whole(text: &[u8]) -> &[u8] {
    text.strip_suffix(b"\r").unwrap_or(text)
}
