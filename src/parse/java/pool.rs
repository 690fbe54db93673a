//! The pool of constants, before it is read: each reference leads to an entry of the sort that it must
//! (The Java Virtual Machine Specification, 4.4).
//!
//! The reader links entries by counted references and asks for their sorts only then. Entries that lead to
//! each other are never given back: a class of megabytes would keep hundreds, and an archive has thousands
//! of classes. Where the sorts are right nothing leads back.

pub(super) const UTF8: u8 = 1;
const CLASS: u8 = 7;
const NAME_AND_TYPE: u8 = 12;
/// Fields, methods, and methods of interfaces.
const MEMBERS: &[u8] = &[9, 10, 11];

/// An entry: its sort, and where its content begins.
pub(super) type Entry = (u8, usize);

/// The entries of the pool of a class file, and where they end; None where a reference is of a wrong sort.
pub(super) fn sound(bytes: &[u8]) -> Option<(Vec<Entry>, usize)> {
    let (entries, end) = entries(bytes)?;
    let sound = |entry: &Entry| is_right(bytes, &entries, *entry) == Some(true);
    entries.iter().all(sound).then_some(())?;
    Some((entries, end))
}

/// The text that begins at the content of an entry.
pub(super) fn text(bytes: &[u8], at: usize) -> Option<&[u8]> {
    let length = usize::from(u2(bytes, at)?);
    bytes.get(at + 2..at + 2 + length)
}

/// The entries; the one at 0 and those behind long ones have the sort 0.
fn entries(bytes: &[u8]) -> Option<(Vec<Entry>, usize)> {
    let count = usize::from(u2(bytes, 8)?);
    let mut entries = vec![(0, 0)];
    let mut at = 10;
    while entries.len() < count {
        let sort = *bytes.get(at)?;
        let length = match sort {
            UTF8 => 2 + usize::from(u2(bytes, at + 1)?),
            3 | 4 | 9..=12 | 17 | 18 => 4,
            5 | 6 => 8,
            CLASS | 8 | 16 | 19 | 20 => 2,
            15 => 3,
            _ => return None,
        };
        entries.push((sort, at + 1));
        if sort == 5 || sort == 6 {
            entries.push((0, 0));
        }
        at += 1 + length;
    }
    Some((entries, at))
}

/// Whether what an entry refers to is of the right sort, and a name is text; None where the bytes end before.
fn is_right(bytes: &[u8], entries: &[Entry], (sort, at): Entry) -> Option<bool> {
    let to = |at: usize| Some(entries.get(usize::from(u2(bytes, at)?)));
    let leads = |at: usize, sorts: &[u8]| {
        let to = to(at)?;
        Some(to.is_some_and(|(sort, _)| sorts.contains(sort)))
    };
    let names = |at: usize| {
        let Some(&(UTF8, text_at)) = to(at)? else {
            return Some(false);
        };
        Some(is_text(text(bytes, text_at)?))
    };
    match sort {
        8 => leads(at, &[UTF8]),
        CLASS | 16 | 19 | 20 => names(at),
        9..=11 => Some(leads(at, &[CLASS])? && leads(at + 2, &[NAME_AND_TYPE])?),
        NAME_AND_TYPE => Some(names(at)? && names(at + 2)?),
        15 => leads(at + 1, MEMBERS),
        17 | 18 => leads(at + 2, &[NAME_AND_TYPE]),
        _ => Some(true),
    }
}

/// Whether bytes are text as class files have it (4.4.7): a literal may be any bytes, a name may not.
fn is_text(bytes: &[u8]) -> bool {
    let is_plain = |byte: &u8| (1..0x80).contains(byte);
    bytes.iter().all(is_plain) || cesu8::from_java_cesu8(bytes).is_ok()
}

pub(super) fn u2(bytes: &[u8], at: usize) -> Option<u16> {
    let two = bytes.get(at..at.checked_add(2)?)?;
    Some(u16::from_be_bytes(two.try_into().ok()?))
}

pub(super) fn u4(bytes: &[u8], at: usize) -> Option<u32> {
    let four = bytes.get(at..at.checked_add(4)?)?;
    Some(u32::from_be_bytes(four.try_into().ok()?))
}
