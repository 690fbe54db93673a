//! The cache's forms, its order, and damage.

use proptest::prelude::*;

use super::*;

const ASKER: Asker<'static> = Asker {
    flags: &[0x303],
    subdirs: &[],
    legacy: false,
};

fn number(out: &mut Vec<u8>, value: usize) {
    out.extend_from_slice(&u32::try_from(value).unwrap().to_le_bytes());
}

/// Entries of flags, name and path, in the new form.
fn new_form(entries: &[(u32, &str, &str)]) -> Vec<u8> {
    let mut strings = Vec::new();
    let mut out = NEW_MAGIC.to_vec();
    number(&mut out, entries.len());
    out.resize(NEW_HEADER, 0);
    for (flags, name, path) in entries {
        out.extend_from_slice(&flags.to_le_bytes());
        for text in [name, path] {
            let base = NEW_HEADER + entries.len() * NEW_ENTRY;
            number(&mut out, base + strings.len());
            strings.extend_from_slice(text.as_bytes());
            strings.push(0);
        }
        out.extend_from_slice(&[0; 12]);
    }
    out.extend_from_slice(&strings);
    out
}

/// The same in the old form: offsets count from the end of the entries.
fn old_form(entries: &[(u32, &str, &str)]) -> Vec<u8> {
    let mut strings = Vec::new();
    let mut out = OLD_MAGIC.to_vec();
    out.push(0);
    number(&mut out, entries.len());
    for (flags, name, path) in entries {
        out.extend_from_slice(&flags.to_le_bytes());
        for text in [name, path] {
            number(&mut out, strings.len());
            strings.extend_from_slice(text.as_bytes());
            strings.push(0);
        }
    }
    out.extend_from_slice(&strings);
    out
}

fn find(bytes: Vec<u8>, name: &str) -> Option<String> {
    let cache = Cache::read(bytes, false)?;
    let path = cache.lookup(name.as_bytes(), &ASKER)?;
    Some(String::from_utf8_lossy(path).into_owned())
}

#[test]
fn runs_of_digits_compare_as_numbers() {
    for (a, b, want) in [
        ("liba.so.10", "liba.so.9", Ordering::Greater),
        ("liba.so.1", "liba.so.1", Ordering::Equal),
        ("liba.so", "liba.so.1", Ordering::Less),
        ("liba1.so", "libab.so", Ordering::Greater),
        ("liba.so.01", "liba.so.1", Ordering::Equal),
    ] {
        assert_eq!(compare(a.as_bytes(), b.as_bytes()), want, "{a} {b}");
    }
}

#[test]
fn both_forms_and_one_behind_the_other_are_searched() {
    let entries = [
        (0x303, "libc1.so", "/x/libc1.so"),
        (0x803, "libb.so", "/x32/libb.so"),
        (0x303, "libb.so", "/x/libb.so"),
        (0x303, "liba.so.10", "/x/10"),
        (0x303, "liba.so.9", "/x/9"),
    ];
    let old = old_form(&entries);
    let mut both = old_form(&[]);
    both.extend_from_slice(&new_form(&entries));
    for bytes in [new_form(&entries), old, both] {
        assert_eq!(
            find(bytes.clone(), "libb.so").as_deref(),
            Some("/x/libb.so")
        );
        assert_eq!(find(bytes.clone(), "liba.so.9").as_deref(), Some("/x/9"));
        assert_eq!(find(bytes, "libz.so"), None);
    }
}

#[test]
fn a_cache_for_the_other_byte_order_or_with_a_false_count_is_ignored() {
    let mut bytes = new_form(&[(0x303, "liba.so", "/a")]);
    bytes[28] = 3;
    assert!(Cache::read(bytes.clone(), false).is_none());
    bytes[28] = 2;
    assert!(Cache::read(bytes.clone(), false).is_some());
    bytes[20..24].fill(0xff);
    assert!(Cache::read(bytes, false).is_none());
}

proptest! {
    #[test]
    fn damaged_caches_are_read_without_harm(
        changes in prop::collection::vec((0usize..400, any::<u8>()), 0..16),
        cut in 0usize..400,
        behind: bool,
    ) {
        let entries = [(0x303, "libb.so", "/b"), (0x303, "liba.so", "/a")];
        let mut bytes = if behind { old_form(&entries) } else { Vec::new() };
        bytes.extend_from_slice(&new_form(&entries));
        for (at, byte) in changes {
            let at = at % bytes.len();
            bytes[at] = byte;
        }
        bytes.truncate(cut);
        if let Some(cache) = Cache::read(bytes, false) {
            let _ = cache.lookup(b"liba.so", &ASKER);
            let _ = cache.entry(cache.len()).is_none();
        }
    }
}
