//! The records of pax headers (pax(1), "pax Header Block"), read strictly: each key once, of a kind that
//! all programs give the same meaning.

use std::collections::BTreeMap;

/// The beginning of a record that holds an extended attribute.
pub(super) const XATTR: &[u8] = b"SCHILY.xattr.";

/// The keys that are read here.
const READ: [&[u8]; 10] = [
    b"path",
    b"linkpath",
    b"size",
    b"uid",
    b"gid",
    b"mtime",
    b"GNU.sparse.major",
    b"GNU.sparse.minor",
    b"GNU.sparse.name",
    b"GNU.sparse.realsize",
];

/// The keys that change nothing about what is unpacked by numbers: names of owners, other times, remarks,
/// where it lay before (libarchive).
const HARMLESS: [&[u8]; 9] = [
    b"uname",
    b"gname",
    b"atime",
    b"ctime",
    b"comment",
    b"SCHILY.dev",
    b"SCHILY.ino",
    b"SCHILY.nlink",
    b"LIBARCHIVE.creationtime",
];

/// The vendors whose keys some program takes for a name, a size, a kind or permissions.
const MEANT: [&[u8]; 6] = [
    b"GNU.",
    b"SCHILY.",
    b"LIBARCHIVE.",
    b"RHT.",
    b"SUN.",
    b"STAR.",
];

/// The attributes by which a driver of storage shows another file than the one that was unpacked:
/// other contents, another owner, a removal.
const DRIVERS: [&[u8]; 4] = [
    b"trusted.overlay.",
    b"user.overlay.",
    b"user.containers.",
    b"user.fuseoverlayfs.",
];

/// What a pax header sets for the entry that follows.
#[derive(Clone, Debug, Default)]
pub(super) struct Records {
    values: BTreeMap<Vec<u8>, Vec<u8>>,
}

impl Records {
    /// Reads records, each `LENGTH KEY=VALUE\n`. The error says which programs would read them
    /// differently.
    pub(super) fn parse(mut text: &[u8]) -> Result<Self, &'static str> {
        const NONE: &str = "a pax header has a record that is none";
        let mut records = Self::default();
        while !text.is_empty() {
            let (key, value, rest) = next(text).ok_or(NONE)?;
            known(key, value)?;
            let old = records.values.insert(key.to_vec(), value.to_vec());
            if old.is_some() {
                return Err("a pax header has a key twice");
            }
            text = rest;
        }
        Ok(records)
    }

    /// Whether nothing is in it but remarks.
    pub(super) fn is_remark(&self) -> bool {
        self.values.keys().all(|key| key == b"comment")
    }

    pub(super) fn get(&self, key: &str) -> Option<&[u8]> {
        self.values.get(key.as_bytes()).map(Vec::as_slice)
    }

    /// A whole number.
    pub(super) fn number(&self, key: &str) -> Result<Option<u64>, &'static str> {
        let Some(value) = self.get(key) else {
            return Ok(None);
        };
        number(value)
            .map(Some)
            .ok_or("a number of a pax header that is none")
    }

    /// The time of last change, in whole seconds.
    pub(super) fn mtime(&self) -> Result<Option<i64>, &'static str> {
        self.get("mtime").map(seconds).transpose()
    }

    pub(super) fn xattrs(&self) -> BTreeMap<Vec<u8>, Vec<u8>> {
        self.values
            .iter()
            .filter_map(|(key, value)| Some((key.strip_prefix(XATTR)?.to_vec(), value.clone())))
            .collect()
    }
}

/// A key and its value.
pub(super) type Record = (Vec<u8>, Vec<u8>);

/// Records as they stand, whatever they say.
pub(super) fn loose(mut text: &[u8]) -> Result<Vec<Record>, &'static str> {
    let mut records = Vec::new();
    while text.first().is_some_and(|&byte| byte != 0) {
        let (key, value, rest) = next(text).ok_or("a pax header has a record that is none")?;
        records.push((key.to_vec(), value.to_vec()));
        text = rest;
    }
    Ok(records)
}

/// The first record, and what follows it.
fn next(text: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let space = text.iter().position(|&byte| byte == b' ')?;
    let digits = text
        .get(..space)
        .filter(|digits| !digits.starts_with(b"0"))?;
    let length = usize::try_from(number(digits)?).ok()?;
    let record = text.get(space + 1..length)?.strip_suffix(b"\n")?;
    let equals = record.iter().position(|&byte| byte == b'=')?;
    let (key, value) = (record.get(..equals)?, record.get(equals + 1..)?);
    let is_key = !key.is_empty() && !key.contains(&0);
    is_key.then_some((key, value, text.get(length..)?))
}

/// Whether all programs make the same of a record.
fn known(key: &[u8], value: &[u8]) -> Result<(), &'static str> {
    if let Some(name) = key.strip_prefix(XATTR) {
        return if is_attribute(name, value) {
            Ok(())
        } else {
            Err("an extended attribute that is none, or by which storage shows another file")
        };
    }
    if value.contains(&0) {
        return Err("a pax header has a value with a NUL, where programs differ");
    }
    match key {
        b"comment" => Ok(()),
        b"hdrcharset" => match value {
            b"BINARY" | b"ISO-IR 10646 2000 UTF-8" => Ok(()),
            _ => Err("a pax header in another character set"),
        },
        _ if value.is_empty() => {
            Err("a pax header takes a value back, where programs differ in what then holds")
        }
        b"atime" | b"ctime" => seconds(value).map(drop),
        key if READ.contains(&key) || HARMLESS.contains(&key) => Ok(()),
        key if key.contains(&b'.') && !MEANT.iter().any(|vendor| key.starts_with(vendor)) => Ok(()),
        _ => Err("a key of a pax header that only some programs understand"),
    }
}

/// Whether every program sets an extended attribute in the same way, and none takes it for something
/// else. Go leaves out what is empty, others set it.
#[must_use]
pub fn is_attribute(name: &[u8], value: &[u8]) -> bool {
    let is_name = !name.is_empty() && !name.contains(&0) && !name.contains(&b'=');
    is_name && !value.is_empty() && !DRIVERS.iter().any(|driver| name.starts_with(driver))
}

/// A record; its length counts its own digits.
pub(super) fn record(key: &[u8], value: &[u8], out: &mut Vec<u8>) {
    let rest = key.len() + value.len() + 3;
    let mut length = rest + 1;
    while rest + length.to_string().len() != length {
        length = rest + length.to_string().len();
    }
    out.extend_from_slice(length.to_string().as_bytes());
    out.push(b' ');
    out.extend_from_slice(key);
    out.push(b'=');
    out.extend_from_slice(value);
    out.push(b'\n');
}

/// A decimal number that fits into 63 bits, as Go keeps them.
fn number(text: &[u8]) -> Option<u64> {
    let is_number = !text.is_empty() && text.iter().all(u8::is_ascii_digit);
    let text = std::str::from_utf8(text).ok().filter(|_| is_number)?;
    text.parse()
        .ok()
        .filter(|number| *number <= i64::MAX as u64)
}

/// A time, `-12.5`, in whole seconds.
pub(super) fn seconds(text: &[u8]) -> Result<i64, &'static str> {
    const WRONG: &str = "a time of a pax header that is none";
    let (is_negative, digits) = match text.strip_prefix(b"-") {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (whole, fraction) = match digits.iter().position(|&byte| byte == b'.') {
        Some(dot) => digits.split_at(dot),
        None => (digits, &b".0"[..]),
    };
    let is_fraction = fraction.len() > 1 && fraction[1..].iter().all(u8::is_ascii_digit);
    let whole = number(whole).filter(|_| is_fraction).ok_or(WRONG)?;
    let whole = i64::try_from(whole).map_err(|_| WRONG)?;
    Ok(if is_negative { -whole } else { whole })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_count_their_own_length() {
        for size in [1, 85, 86, 87, 88, 985, 986, 987, 9_980] {
            let value = vec![b'x'; size];
            let mut text = Vec::new();
            record(b"path", b"before", &mut text);
            record(b"linkpath", &value, &mut text);
            let read = Records::parse(&text).unwrap();
            assert_eq!(read.get("linkpath"), Some(value.as_slice()), "{size}");
            assert_eq!(read.get("path"), Some(&b"before"[..]));
        }
    }

    #[test]
    fn what_is_no_record_is_refused() {
        for text in [
            &b"5 a=b"[..],
            b"7 a=b\n",
            b"6 ab\n\n",
            b"x a=b\n",
            b"99 a=b\n",
            b"5 =b\n",
            b"0 a=b\n",
            b"012 path=ab\n",
            b"+11 path=a\n",
        ] {
            assert!(Records::parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn what_programs_read_differently_is_refused() {
        let parse = |records: &[(&str, &str)]| {
            let mut text = Vec::new();
            for (key, value) in records {
                record(key.as_bytes(), value.as_bytes(), &mut text);
            }
            Records::parse(&text)
        };
        for records in [
            &[("path", "a"), ("path", "b")][..],
            &[("linkpath", "")],
            &[("path", "a\0b")],
            &[("uname", "a\0b")],
            &[("ctime", "1e3")],
            &[("SCHILY.realsize", "5")],
            &[("SCHILY.acl.access", "user::rwx")],
            &[("LIBARCHIVE.xattr.user.a", "MQ")],
            &[("RHT.security.selinux", "x")],
            &[("SCHILY.xattr.", "x")],
            &[("SCHILY.xattr.user.a", "")],
            &[("SCHILY.xattr.trusted.overlay.opaque", "y")],
            &[("SCHILY.xattr.user.containers.override_stat", "0:0:4755")],
            &[("GNU.sparse.map", "0,1")],
            &[("hdrcharset", "ISO-IR 8859 1 1998")],
            &[("mode", "4755")],
        ] {
            assert!(parse(records).is_err(), "{records:?}");
        }
        for records in [
            &[("path", "a"), ("mtime", "-1.5"), ("comment", "")][..],
            &[("hdrcharset", "BINARY"), ("path", "a")],
            &[("SCHILY.ino", "5"), ("VENDOR.key", "x")],
            &[("MSWINDOWS.rawsd", "x")],
            &[("SCHILY.xattr.security.capability", "\u{1}\0\0")],
        ] {
            assert!(parse(records).is_ok(), "{records:?}");
        }
        let numbers = parse(&[
            ("uid", "1.5"),
            ("gid", "-1"),
            ("size", "9223372036854775808"),
        ]);
        let numbers = numbers.unwrap();
        assert!(
            ["uid", "gid", "size"]
                .iter()
                .all(|key| numbers.number(key).is_err())
        );
    }
}
