//! Format strings with a hole for each value that is put in.

use super::super::value::{HOLE, Value};

/// A `printf` string with each `%…` a hole.
pub(super) fn percent_holes(format: &[u8]) -> Value {
    let mut out = Vec::new();
    let mut bytes = format.iter().copied();
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            out.push(byte);
            continue;
        }
        for next in bytes.by_ref() {
            if next == b'%' {
                out.push(b'%');
                break;
            }
            if next.is_ascii_alphabetic() {
                out.push(HOLE);
                break;
            }
        }
    }
    out
}

/// A `str.format` string with each `{…}` a hole.
pub(super) fn brace_holes(format: &[u8]) -> Value {
    let mut out = Vec::new();
    let mut depth = 0_u32;
    for byte in format {
        match byte {
            b'{' => {
                if depth == 0 {
                    out.push(HOLE);
                }
                depth += 1;
            }
            b'}' => depth = depth.saturating_sub(1),
            _ if depth > 0 => {}
            other => out.push(*other),
        }
    }
    out
}
