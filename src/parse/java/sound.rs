//! Class files are looked at before they are read: the reader calls itself for attributes inside attributes, and takes
//! memory for as many branches as a switch says that it has (The Java Virtual Machine Specification, 4.7, 6.5).

use std::borrow::Cow;

use super::pool::{self, Entry, u2, u4};

/// Attributes that may hold each other without end, and of which nothing is asked.
const NESTED: [&[u8]; 8] = [
    b"AnnotationDefault",
    b"Record",
    b"RuntimeInvisibleAnnotations",
    b"RuntimeInvisibleParameterAnnotations",
    b"RuntimeInvisibleTypeAnnotations",
    b"RuntimeVisibleAnnotations",
    b"RuntimeVisibleParameterAnnotations",
    b"RuntimeVisibleTypeAnnotations",
];

/// A class file that can be read: with the attributes that nest under names that no reader knows. None where it is
/// none, or one that no compiler makes.
pub(super) fn checked(bytes: &[u8]) -> Option<Cow<'_, [u8]>> {
    let (entries, end) = pool::sound(bytes)?;
    let mut walk = Walk {
        bytes,
        entries: &entries,
        at: end + 6,
    };
    let interfaces = walk.take_u2()?;
    walk.skip(2 * interfaces)?;
    for _ in 0..2 {
        for _ in 0..walk.take_u2()? {
            walk.skip(6)?;
            walk.attributes(false)?;
        }
    }
    walk.attributes(true)?;
    let mut plain = Cow::Borrowed(bytes);
    for (sort, at) in entries {
        if sort != pool::UTF8 {
            continue;
        }
        let text = pool::text(bytes, at)?;
        if NESTED.contains(&text) {
            // As long as before: `RecorX`.
            let last = at + 1 + text.len();
            *plain.to_mut().get_mut(last)? = b'X';
        }
    }
    Some(plain)
}

struct Walk<'a> {
    bytes: &'a [u8],
    entries: &'a [Entry],
    at: usize,
}

impl Walk<'_> {
    fn take_u2(&mut self) -> Option<usize> {
        let value = u2(self.bytes, self.at)?;
        self.at += 2;
        Some(value.into())
    }

    fn take_u4(&mut self) -> Option<usize> {
        let value = u4(self.bytes, self.at)?;
        self.at += 4;
        usize::try_from(value).ok()
    }

    fn skip(&mut self, length: usize) -> Option<()> {
        self.at = self.at.checked_add(length)?;
        (self.at <= self.bytes.len()).then_some(())
    }

    /// Goes over attributes; code lies in methods only, and not inside code.
    fn attributes(&mut self, is_inner: bool) -> Option<()> {
        for _ in 0..self.take_u2()? {
            let name = self.take_u2()?;
            let length = self.take_u4()?;
            let end = self.at.checked_add(length)?;
            let (sort, at) = self.entries.get(name)?;
            let name = pool::text(self.bytes, *at)?;
            // In other letters a name may be the same name once it is decoded.
            if *sort != pool::UTF8 || !name.is_ascii() {
                return None;
            }
            if name == b"Code" {
                if is_inner {
                    return None;
                }
                self.code()?;
            }
            self.at = end;
            self.skip(0)?;
        }
        Some(())
    }

    fn code(&mut self) -> Option<()> {
        self.skip(4)?;
        let length = self.take_u4()?;
        let begin = self.at;
        self.skip(length)?;
        has_its_branches(self.bytes.get(begin..self.at)?)?;
        let handlers = self.take_u2()?;
        self.skip(8 * handlers)?;
        self.attributes(true)
    }
}

/// Whether each switch of a method has as many branches as it says; None where it has not.
fn has_its_branches(code: &[u8]) -> Option<()> {
    let mut at = 0;
    while let Some(&op) = code.get(at) {
        at = match op {
            // tableswitch, lookupswitch: from the next multiple of four on.
            170 => {
                let table = (at + 4) & !3;
                let (low, high) = (i4(code, table + 4)?, i4(code, table + 8)?);
                let branches = usize::try_from(high.checked_sub(low)?.checked_add(1)?).ok()?;
                end_of(code, table + 12, branches.checked_mul(4)?)?
            }
            171 => {
                let table = (at + 4) & !3;
                let pairs = usize::try_from(i4(code, table + 4)?).ok()?;
                end_of(code, table + 8, pairs.checked_mul(8)?)?
            }
            _ => at + length(op, code.get(at + 1).copied())?,
        };
    }
    Some(())
}

fn end_of(code: &[u8], from: usize, length: usize) -> Option<usize> {
    let end = from.checked_add(length)?;
    (end <= code.len()).then_some(end)
}

fn i4(code: &[u8], at: usize) -> Option<i32> {
    Some(u4(code, at)?.cast_signed())
}

/// How long an instruction is; `next` is the byte behind the first.
fn length(op: u8, next: Option<u8>) -> Option<usize> {
    Some(match op {
        0..=15 | 26..=53 | 59..=131 | 133..=152 | 172..=177 | 190 | 191 | 194 | 195 => 1,
        16 | 18 | 21..=25 | 54..=58 | 169 | 188 => 2,
        17 | 19 | 20 | 132 | 153..=168 | 178..=184 | 187 | 189 | 192 | 193 | 198 | 199 => 3,
        197 => 4,
        185 | 186 | 200 | 201 => 5,
        // wide
        196 if next == Some(132) => 6,
        196 => 4,
        _ => return None,
    })
}
