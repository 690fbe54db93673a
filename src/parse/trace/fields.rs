//! The fields of a record of an audit log: plain, quoted, in hexadecimal, enriched or interpreted.

use std::borrow::Cow;

use super::audit::Done;
use super::calls::{self, Flags, Op};
use super::numbers;

/// The fields of a record.
pub(super) struct Fields<'a> {
    pub(super) text: &'a [u8],
    /// Whether ausearch(8) has put words for numbers.
    pub(super) interpreted: bool,
}

impl<'a> Fields<'a> {
    pub(super) fn all(&self) -> impl Iterator<Item = (&'a [u8], &'a [u8])> {
        let mut rest = self.text;
        let interpreted = self.interpreted;
        std::iter::from_fn(move || {
            loop {
                let equals = memchr::memchr(b'=', rest)?;
                let key = rest[..equals].rsplit(|b| is_blank(*b)).next()?;
                let value = &rest[equals + 1..];
                let end = end_of_value(value, interpreted);
                rest = &value[end..];
                if !key.is_empty() {
                    return Some((key, value[..end].trim_ascii()));
                }
            }
        })
    }

    pub(super) fn get(&self, key: &[u8]) -> Option<&'a [u8]> {
        self.all()
            .find(|(name, _)| *name == key)
            .map(|(_, value)| value)
    }

    pub(super) fn number(&self, key: &[u8]) -> Option<u32> {
        self.get(key).and_then(digits)
    }

    /// A file's name; nothing for `(null)`.
    pub(super) fn name(&self, key: &[u8]) -> Option<Vec<u8>> {
        let value = self.get(key)?;
        (value != b"(null)").then(|| self.decoded(value).into_owned())
    }

    /// A value without quotes; one with blanks or other signs stands in hexadecimal.
    pub(super) fn decoded(&self, value: &'a [u8]) -> Cow<'a, [u8]> {
        if let Some(inner) = value.strip_prefix(b"\"") {
            return Cow::Borrowed(inner.strip_suffix(b"\"").unwrap_or(inner));
        }
        match hexadecimal(value).filter(|_| !self.interpreted) {
            Some(bytes) => Cow::Owned(bytes),
            None => Cow::Borrowed(value),
        }
    }

    /// What a `SYSCALL` record tells; `Ok(None)` when the call acts on no path.
    pub(super) fn call(&self) -> Result<Option<Done>, ()> {
        let arch = self.get(b"arch").unwrap_or_default();
        let number = self.get(b"syscall").ok_or(())?;
        // The enriched form has the words behind the numbers, in capitals.
        let word = self.get(b"SYSCALL").unwrap_or(number);
        let found = if let Some((name, op)) = calls::op(word) {
            Some((name, op))
        } else if let Some(number) = digits(number).filter(|_| word == number) {
            let name = numbers::name(arch, number).ok_or(())?;
            name.and_then(|name| calls::op(name.as_bytes()))
        } else {
            None
        };
        let Some((name, op)) = found else {
            return Ok(None);
        };
        let failed = match self.get(b"success") {
            Some(b"no") => Some(self.error()),
            Some(_) => None,
            // A call that did not come back.
            None => return Ok(None),
        };
        let arm = matches!(arch, b"c00000b7" | b"aarch64");
        Ok(Some(Done {
            name,
            op,
            failed,
            flags: self.flags(name, op, arm),
            from_descriptor: op.takes_directory() && !self.is_here(),
            process: self.number(b"pid").ok_or(())?,
            parent: self.number(b"ppid").unwrap_or_default(),
            program: self.name(b"exe"),
        }))
    }

    /// `exit=-13`, or `exit=EACCES(Permission denied)`.
    fn error(&self) -> Vec<u8> {
        let exit = self.get(b"exit").unwrap_or_default();
        let known = ERRORS.iter().find(|(number, _)| number.as_bytes() == exit);
        match known {
            Some((_, name)) => name.as_bytes().to_vec(),
            None => exit
                .iter()
                .copied()
                .take_while(u8::is_ascii_uppercase)
                .collect(),
        }
    }

    fn flags(&self, name: &str, op: Op, arm: bool) -> Flags {
        let Op::Open(place) = op else {
            return Flags::default();
        };
        match name {
            "creat" => return Flags::CREAT_CALL,
            "openat2" => return Flags::default(),
            _ => {}
        }
        let key: &[u8] = if place == 0 { b"a1" } else { b"a2" };
        let value = self.get(key).unwrap_or_default();
        let text = std::str::from_utf8(value).unwrap_or_default();
        match u64::from_str_radix(text, 16) {
            Ok(number) => Flags::of_number(number, arm),
            Err(_) => Flags::of_words(value),
        }
    }

    /// Whether the directory's descriptor is `AT_FDCWD`.
    fn is_here(&self) -> bool {
        let value = self.get(b"a0").unwrap_or_default();
        value == b"AT_FDCWD" || value.ends_with(b"ffffff9c")
    }

    /// The path of a Unix socket: `saddr=0100…`, or `saddr={ saddr_fam=local path=/run/x }`.
    pub(super) fn socket(&self) -> Option<Vec<u8>> {
        if let Some(path) = self.get(b"path") {
            let path = path.strip_suffix(b"}").unwrap_or(path).trim_ascii();
            return path.starts_with(b"/").then(|| path.to_vec());
        }
        let value = self.get(b"saddr")?;
        if let Some(path) = value.strip_prefix(b"local ") {
            return path.starts_with(b"/").then(|| path.to_vec());
        }
        let bytes = hexadecimal(value)?;
        // AF_UNIX is 1, in the byte order of the machine; a name that begins with 0 is no file.
        let path = bytes
            .strip_prefix(b"\x01\x00")
            .or(bytes.strip_prefix(b"\x00\x01"))?;
        let path = path.split(|&b| b == 0).next()?;
        (!path.is_empty()).then(|| path.to_vec())
    }
}

/// Errors of errno(3) that tell what a call wanted, as a log has them.
const ERRORS: &[(&str, &str)] = &[
    ("-1", "EPERM"),
    ("-2", "ENOENT"),
    ("-11", "EAGAIN"),
    ("-13", "EACCES"),
    ("-17", "EEXIST"),
    ("-26", "ETXTBSY"),
    ("-28", "ENOSPC"),
    ("-30", "EROFS"),
    ("-111", "ECONNREFUSED"),
    ("-115", "EINPROGRESS"),
    ("-122", "EDQUOT"),
];

/// In the enriched form this byte stands between the numbers and the words.
const SEPARATOR: u8 = 0x1d;

fn is_blank(byte: u8) -> bool {
    byte == b' ' || byte == SEPARATOR
}

/// The end of a value: its quote, a blank, or where blanks are not escaped, the next field.
fn end_of_value(value: &[u8], interpreted: bool) -> usize {
    if value.first() == Some(&b'"') {
        let close = value[1..].iter().position(|&b| b == b'"');
        return close.map_or(value.len(), |at| at + 2);
    }
    let mut from = 0;
    loop {
        let blank = value[from..].iter().position(|&b| is_blank(b));
        let Some(blank) = blank.map(|at| from + at) else {
            return value.len();
        };
        if !interpreted || is_field(&value[blank + 1..]) {
            return blank;
        }
        from = blank + 1;
    }
}

/// Whether a field begins here.
fn is_field(text: &[u8]) -> bool {
    let key = text
        .iter()
        .take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'))
        .count();
    key > 0 && text.get(key) == Some(&b'=')
}

pub(super) fn digits(text: &[u8]) -> Option<u32> {
    let all = !text.is_empty() && text.iter().all(u8::is_ascii_digit);
    std::str::from_utf8(text).ok().filter(|_| all)?.parse().ok()
}

/// Bytes that stand in hexadecimal.
fn hexadecimal(text: &[u8]) -> Option<Vec<u8>> {
    if text.is_empty() || !text.len().is_multiple_of(2) {
        return None;
    }
    let digit = |byte: u8| {
        char::from(byte)
            .to_digit(16)
            .and_then(|n| u8::try_from(n).ok())
    };
    text.chunks_exact(2)
        .map(|pair| Some(digit(pair[0])? << 4 | digit(pair[1])?))
        .collect()
}
