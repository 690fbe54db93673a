//! The records of pax headers (pax(1), "pax Header Block").

use std::collections::BTreeMap;

/// The beginning of a record that holds an extended attribute.
pub(super) const XATTR: &[u8] = b"SCHILY.xattr.";

/// What a pax header sets for the entry that follows.
#[derive(Clone, Debug, Default)]
pub(super) struct Records {
    values: BTreeMap<Vec<u8>, Vec<u8>>,
}

impl Records {
    /// Reads records, each `LENGTH KEY=VALUE\n`; None where one is none. A later one replaces an
    /// earlier one of the same name, and an empty one removes it.
    pub(super) fn parse(mut text: &[u8]) -> Option<Self> {
        let mut records = Self::default();
        while !text.is_empty() {
            let space = text.iter().position(|&byte| byte == b' ')?;
            let length = number(text.get(..space)?)?;
            let length = usize::try_from(length).ok()?;
            let record = text.get(space + 1..length)?;
            let record = record.strip_suffix(b"\n")?;
            let equals = record.iter().position(|&byte| byte == b'=')?;
            let (key, value) = record.split_at_checked(equals)?;
            let value = value.get(1..)?;
            if key.is_empty() || key.contains(&0) {
                return None;
            }
            if value.is_empty() {
                records.values.remove(key);
            } else {
                records.values.insert(key.to_vec(), value.to_vec());
            }
            text = text.get(length..)?;
        }
        Some(records)
    }

    pub(super) fn get(&self, key: &str) -> Option<&[u8]> {
        self.values.get(key.as_bytes()).map(Vec::as_slice)
    }

    /// A whole number; a fraction, as times have, is cut off. The error has the key.
    pub(super) fn number(&self, key: &'static str) -> Result<Option<u64>, &'static str> {
        let Some(value) = self.get(key) else {
            return Ok(None);
        };
        let whole = value.split(|&byte| byte == b'.').next().unwrap_or_default();
        number(whole).map(Some).ok_or(key)
    }

    pub(super) fn xattrs(&self) -> BTreeMap<Vec<u8>, Vec<u8>> {
        self.values
            .iter()
            .filter_map(|(key, value)| Some((key.strip_prefix(XATTR)?.to_vec(), value.clone())))
            .collect()
    }
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

/// A decimal number.
pub(super) fn number(text: &[u8]) -> Option<u64> {
    std::str::from_utf8(text)
        .ok()
        .filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()))?
        .parse()
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_count_their_own_length() {
        for size in [0, 1, 85, 86, 87, 88, 985, 986, 987, 9_980] {
            let value = vec![b'x'; size];
            let mut text = Vec::new();
            record(b"path", b"before", &mut text);
            record(b"linkpath", &value, &mut text);
            let read = Records::parse(&text).unwrap();
            let want = (size > 0).then_some(value.as_slice());
            assert_eq!(read.get("linkpath"), want, "{size}");
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
        ] {
            assert!(Records::parse(text).is_none(), "{text:?}");
        }
    }
}
