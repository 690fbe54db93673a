//! Values of Java's constants, and how strings and paths are put together.

use cafebabe::constant_pool::{BootstrapArgument, LiteralConstant};

use crate::parse::value::{HOLE, Value, hole, is_hole, join, unite};

/// The value of a constant.
pub(super) fn constant(constant: &LiteralConstant<'_>) -> Vec<Value> {
    match constant {
        LiteralConstant::Integer(number) => number_of(i64::from(*number)),
        LiteralConstant::Long(number) => number_of(*number),
        LiteralConstant::String(text) => vec![text_of(text)],
        _ => hole(),
    }
}

/// A number as text.
pub(super) fn number_of(number: i64) -> Vec<Value> {
    vec![number.to_string().into_bytes()]
}

/// The longest string, and recipe for one, that is followed: `PATH_MAX` of limits.h.
const MAX_TEXT: usize = 4096;

/// A string; bytes that mean something in values are not known.
pub(super) fn text_of(text: &str) -> Value {
    if text.len() > MAX_TEXT {
        return vec![HOLE];
    }
    let plain = |byte: u8| if byte < b' ' { HOLE } else { byte };
    text.bytes().map(plain).collect()
}

/// What `makeConcatWithConstants` puts together (`java.lang.invoke.StringConcatFactory`): in its recipe 1
/// stands for the next argument, 2 for the next constant.
pub(super) fn concatenated(arguments: &[BootstrapArgument<'_>], args: &[Vec<Value>]) -> Vec<Value> {
    let mut constants = arguments.iter().map(|argument| match argument {
        BootstrapArgument::LiteralConstant(value) => constant(value),
        _ => hole(),
    });
    let mut args = args.iter();
    let Some(recipe) = constants.next() else {
        return all_joined(args.cloned());
    };
    let Some(BootstrapArgument::LiteralConstant(LiteralConstant::String(recipe_text))) =
        arguments.first()
    else {
        return recipe;
    };
    if recipe_text.len() > MAX_TEXT {
        return hole();
    }
    let parts = recipe_text.chars().map(|c| match c {
        '\u{1}' => args.next().cloned().unwrap_or_else(hole),
        '\u{2}' => constants.next().unwrap_or_else(hole),
        c => vec![text_of(c.encode_utf8(&mut [0; 4]))],
    });
    all_joined(parts.collect::<Vec<_>>().into_iter())
}

/// Values one after the other.
pub(super) fn all_joined(parts: impl Iterator<Item = Vec<Value>>) -> Vec<Value> {
    parts.fold(vec![Vec::new()], |whole, part| join(whole, &part))
}

/// `java.util.Formatter` with its plainest conversions; others are not known.
pub(super) fn formatted(format: &[Value], args: &[Vec<Value>]) -> Vec<Value> {
    let mut found = Vec::new();
    for format in format {
        let mut args = args.iter();
        let mut whole = vec![Vec::new()];
        let mut rest = format.as_slice();
        while let Some(at) = memchr::memchr(b'%', rest) {
            whole = join(whole, &[rest[..at].to_vec()]);
            let end = rest[at + 1..].iter().position(u8::is_ascii_alphabetic);
            let conversion = end.map(|end| &rest[at + 1..at + 2 + end]);
            let part = match conversion {
                _ if rest[at + 1..].starts_with(b"%") => {
                    whole = join(whole, &[b"%".to_vec()]);
                    rest = &rest[at + 2..];
                    continue;
                }
                Some(b"n") => vec![b"\n".to_vec()],
                Some(b"s" | b"d") => args.next().cloned().unwrap_or_else(hole),
                _ => {
                    args.next();
                    hole()
                }
            };
            whole = join(whole, &part);
            rest = end.map_or(&[], |end| &rest[at + 2 + end..]);
        }
        whole = join(whole, &[rest.to_vec()]);
        unite(&mut found, &whole);
    }
    found
}

/// A path below another (`File(File, String)`, `Path.resolve`): one that is absolute begins anew for
/// `Path`, and is the rest of the path for `File`.
pub(super) fn below(dirs: &[Value], names: &[Value], anew: bool) -> Vec<Value> {
    let mut found = Vec::new();
    for dir in dirs {
        for name in names {
            let value = match name.as_slice() {
                [b'/', ..] if anew => name.clone(),
                [] => dir.clone(),
                _ if is_hole(dir) => vec![HOLE],
                _ => {
                    let dir = dir.strip_suffix(b"/").unwrap_or(dir);
                    let name = name.strip_prefix(b"/").unwrap_or(name);
                    [dir, b"/", name].concat()
                }
            };
            unite(&mut found, &[value]);
        }
    }
    if found.is_empty() { hole() } else { found }
}

/// Numbers as the letters that they stand for.
pub(super) fn letters(numbers: &[Value]) -> Vec<Value> {
    let letter = |number: &Value| {
        let code = std::str::from_utf8(number).ok()?.parse().ok()?;
        let letter = char::from_u32(code).filter(|letter| !letter.is_control())?;
        Some(letter.to_string().into_bytes())
    };
    let found = numbers.iter().map(|number| match number.as_slice() {
        // One of the separators, which stand as text already.
        [byte] if !byte.is_ascii_digit() => number.clone(),
        _ => letter(number).unwrap_or_else(|| vec![HOLE]),
    });
    found.collect()
}
