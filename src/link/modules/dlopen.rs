//! Names that objects pass to dlopen(3): those that a note tells (systemd.io/ELF_DLOPEN_METADATA),
//! and strings in the application's own files that have the form of a library's name.

use std::collections::BTreeSet;

use super::{Asked, CONTENT, Member, Sight};
use crate::fact::{Certainty, Locus, ModuleKind, Priority};
use crate::parse::elf::{Dlopen, Elf, Priority as Told, with_strings};
use crate::parse::read::ReadAt;
use crate::parse::windows::windows;
use crate::path::AppPath;

/// The most names of one file that are followed.
const NAMES: usize = 64;

/// The longest name.
const LONGEST: usize = 256;

pub(super) fn asked(
    sight: &Sight<'_, '_>,
    members: &[Member<'_>],
    own: &dyn Fn(&AppPath) -> bool,
) -> Vec<Asked> {
    let mut asked = Vec::new();
    for member in members {
        let Some(binary) = sight.loader.elf(member.real) else {
            continue;
        };
        let Ok(elf) = &binary.elf else { continue };
        for note in &elf.notes.dlopen {
            asked.push(of_note(member, note));
        }
        if member.calls.dlopen && own(member.real) {
            let told: BTreeSet<&[u8]> = known_names(elf);
            let names = sight.library_names(member.real);
            let names = names.iter().filter(|name| !told.contains(&***name));
            asked.extend(names.map(|name| of_string(member, name.clone())));
        }
    }
    asked
}

/// The names that the loader meets anyway, or that a note has told.
fn known_names(elf: &Elf) -> BTreeSet<&[u8]> {
    let dynamic = elf.dynamic.iter();
    let needed = dynamic.clone().flat_map(|dynamic| dynamic.needed());
    let soname = dynamic.filter_map(|dynamic| dynamic.soname.as_deref());
    let notes = elf.notes.dlopen.iter().flat_map(|note| &note.soname);
    needed
        .chain(soname)
        .chain(notes.map(String::as_bytes))
        .collect()
}

fn of_note(member: &Member<'_>, note: &Dlopen) -> Asked {
    let names = note.soname.iter().map(|name| name.clone().into_bytes());
    Asked {
        kind: ModuleKind::DlopenNote,
        by: member.path.to_vec(),
        names: names.collect(),
        at: Locus::file(member.real),
        priority: match note.priority {
            Told::Required => Priority::Required,
            Told::Recommended => Priority::Recommended,
            Told::Suggested => Priority::Suggested,
        },
        certainty: Certainty::Declared,
        built_in: false,
    }
}

fn of_string(member: &Member<'_>, name: Vec<u8>) -> Asked {
    Asked {
        kind: ModuleKind::DlopenName,
        by: member.path.to_vec(),
        names: vec![name],
        at: Locus::file(member.real),
        priority: Priority::Suggested,
        certainty: Certainty::Guessed,
        built_in: false,
    }
}

/// The strings of a file that are names of libraries: `libx.so`, `libx.so.1.2`, with or without a
/// path; sorted.
pub(super) fn names(head: &[u8], file: &dyn ReadAt) -> BTreeSet<Vec<u8>> {
    let mut found = BTreeSet::new();
    for mut part in with_strings(head, file) {
        part.end = part.end.min(CONTENT as u64);
        // What cannot be read names nothing.
        let _ = windows(file, &part, (LONGEST, LONGEST), |window| {
            for at in memchr::memmem::find_iter(window.bytes, b".so") {
                if window.own.contains(&at)
                    && let Some(name) = name_around(window.bytes, at)
                    && found.len() < NAMES
                {
                    found.insert(name.to_vec());
                }
            }
        });
    }
    found
}

/// The whole string in which `.so` stands at `at`, where it is a library's name.
fn name_around(content: &[u8], at: usize) -> Option<&[u8]> {
    let from = at.saturating_sub(LONGEST);
    let before = content.get(from..at)?;
    let start = from + memchr::memrchr(0, before)? + 1;
    let rest = content.get(at..)?.get(..LONGEST.min(content.len() - at))?;
    let end = at + memchr::memchr(0, rest)?;
    let name = content.get(start..end)?;
    let version = content.get(at + 3..end)?;
    let numbers = |part: &[u8]| !part.is_empty() && part.iter().all(u8::is_ascii_digit);
    let is_version = version.is_empty()
        || version
            .strip_prefix(b".")
            .is_some_and(|rest| rest.split(|&b| b == b'.').all(numbers));
    let plain = |b: &u8| b.is_ascii_alphanumeric() || b"_+-./${}".contains(b);
    let base = name.rsplit(|&b| b == b'/').next()?;
    // A name of more than the ending, that begins as names do.
    let is_name = at > start
        && base.first().is_some_and(u8::is_ascii_alphanumeric)
        && (name.starts_with(b"/") || name.starts_with(b"$") || base.len() == name.len());
    (is_version && is_name && name.iter().all(plain)).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::windows::WINDOW;

    #[test]
    fn a_name_is_found_wherever_a_window_ends() {
        let name = b"\0libboundary.so.1\0";
        let step = WINDOW - 2 * LONGEST;
        let near = [step, step + LONGEST, WINDOW, 2 * step + LONGEST];
        let places = near.iter().flat_map(|at| (at - 40)..(at + 40));
        for at in places.step_by(7) {
            let mut content = vec![b'x'; at];
            content.extend_from_slice(name);
            content.resize(at + WINDOW / 2, b'y');
            let found = names(b"", &content.as_slice());
            assert_eq!(
                found,
                BTreeSet::from([b"libboundary.so.1".to_vec()]),
                "{at}"
            );
        }
    }
}
