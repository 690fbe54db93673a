//! Absolute paths that stand as strings in ELF programs and libraries: the weakest evidence of what
//! an application touches, and often the only one.

use std::collections::BTreeSet;

use super::{Extractor, Input, Named, Out};
use crate::fact::{Certainty, IssueKind, Locus, Source, Touch};
use crate::parse::elf::with_strings;
use crate::parse::literal::{MAX_LITERAL, Strings, names_run, number_files, paths};
use crate::parse::windows::windows;
use crate::path::AppPath;

/// Searches ELF programs and libraries.
pub const EXTRACTOR: Extractor = Extractor {
    name: "literal",
    wants: |input| is_linked_elf(input.head) && !is_debug(input.path),
    run,
};

/// The most bytes of a file that are searched. Programs are smaller; a file that claims more is
/// mostly holes.
const MAX_SEARCHED: u64 = 1 << 30;

/// The most paths that are kept of one file.
const MAX_PATHS: usize = 2000;

/// elf(5): an executable (2) or shared object (3), in the file's order of bytes.
fn is_linked_elf(head: &[u8]) -> bool {
    head.starts_with(b"\x7fELF")
        && match head.get(5) {
            Some(1) => matches!(head.get(16..18), Some([2 | 3, 0])),
            Some(2) => matches!(head.get(16..18), Some([0, 2 | 3])),
            _ => false,
        }
}

/// Separate debug information has the sources' names and none of the strings.
fn is_debug(path: &AppPath) -> bool {
    path.name().ends_with(b".debug") || path.is_within(&AppPath::new("/usr/lib/debug"))
}

/// Go marks its programs with a note (name `Go`, type 4), which stands before all else.
fn strings_of(head: &[u8]) -> Strings {
    if memchr::memmem::find(head, b"\x04\0\0\0Go\0\0").is_some() {
        Strings::Joined
    } else {
        Strings::Terminated
    }
}

fn run(input: &Input<'_>, out: &mut Out) {
    let strings = strings_of(input.head);
    let mut found = BTreeSet::new();
    let mut numbers: BTreeSet<Vec<u8>> = BTreeSet::new();
    let mut runs = false;
    let mut scratch = false;
    let mut cut = false;
    for mut part in with_strings(input.head, input.source) {
        part.end = part.end.min(MAX_SEARCHED);
        // The byte before is only there to tell whether a path begins behind it.
        let searched = windows(input.source, &part, (1, MAX_LITERAL), |window| {
            paths(window.bytes, strings, |at, path| {
                if !window.own.contains(&at) {
                    return;
                }
                if found.len() < MAX_PATHS {
                    found.insert(path);
                } else {
                    cut |= !found.contains(&path);
                }
            });
            number_files(window.bytes, |_, name| {
                let own = if name.is_empty() {
                    input.path.name()
                } else {
                    name
                };
                numbers.insert([b"/run/", own, b".pid"].concat());
            });
            runs |= names_run(window.bytes);
            scratch |= memchr::memmem::find(window.bytes, b"\0/tmp\0").is_some();
        });
        if let Err(error) = searched {
            let message = format!("cannot be read to its end: {error}");
            out.issue(Locus::file(input.path), IssueKind::Unreadable, message);
            break;
        }
    }
    if scratch {
        found.insert(AppPath::new("/tmp"));
    }
    if runs {
        found.extend(numbers.iter().map(AppPath::new));
    }
    let at = || Locus::file(input.path);
    if cut {
        let message = format!("names more than {MAX_PATHS} paths: the others were left out");
        out.issue(at(), IssueKind::LimitReached, message);
    }
    if input.source.len() > MAX_SEARCHED {
        let message = "only the first 1 GiB was searched for paths";
        out.issue(at(), IssueKind::TooLarge, message);
    }
    let named = Named {
        touch: Touch::Names,
        source: Source::Literal,
        by: "literal",
        kind: None,
        class: None,
    };
    for path in found {
        out.path(at(), Certainty::Guessed, path, named);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fact::{Stat, What};
    use crate::parse::windows::WINDOW;

    /// How far the windows are apart.
    const STEP: usize = WINDOW - MAX_LITERAL - 1;

    fn elf(size: usize) -> Vec<u8> {
        let mut file = vec![0; size];
        file[..6].copy_from_slice(b"\x7fELF\x02\x01");
        file[16] = 3;
        file
    }

    fn search(file: &[u8]) -> (Vec<String>, Vec<IssueKind>) {
        let path = AppPath::new("/opt/app/bin/server");
        let stat = Stat::regular(file.len() as u64, 0o755);
        let head = &file[..file.len().min(super::super::HEAD)];
        let mut out = Out::default();
        let source = file.to_vec();
        let input = Input::new(&path, &stat, head, &source);
        assert!((EXTRACTOR.wants)(&input));
        run(&input, &mut out);
        let text = |what: &What| match what {
            What::Path { path, .. } => path.to_text().into_owned(),
            other => panic!("{other:?}"),
        };
        (
            out.facts.iter().map(|fact| text(&fact.what)).collect(),
            out.issues.iter().map(|issue| issue.kind).collect(),
        )
    }

    #[test]
    fn a_string_is_found_once_wherever_windows_meet() {
        let near = [STEP, WINDOW, 2 * STEP, 2 * STEP + 1];
        for at in near.iter().flat_map(|at| at - 20..at + 4) {
            let mut file = elf(3 * WINDOW);
            let text = b"/var/lib/app/data";
            file[at..at + text.len()].copy_from_slice(text);
            assert_eq!(search(&file).0, ["/var/lib/app/data"], "{at}");
        }
    }

    #[test]
    fn a_string_at_the_end_or_start_of_a_window_needs_what_is_before_it() {
        for at in STEP - 4..STEP + 4 {
            let mut file = elf(2 * WINDOW);
            let text = b"x/var/lib/app/data";
            file[at..at + text.len()].copy_from_slice(text);
            assert!(search(&file).0.is_empty(), "{at}");
        }
    }

    #[test]
    fn the_number_of_paths_is_bounded_and_the_bound_is_told() {
        let mut file = elf(64);
        for number in 0..MAX_PATHS + 5 {
            file.extend(format!("\0/etc/app/{number}").as_bytes());
        }
        file.push(0);
        let (paths, issues) = search(&file);
        assert_eq!(paths.len(), MAX_PATHS);
        assert_eq!(issues, [IssueKind::LimitReached]);
    }

    #[test]
    fn only_linked_files_are_searched() {
        let mut file = elf(64);
        assert!(is_linked_elf(&file));
        file[16] = 1;
        assert!(!is_linked_elf(&file));
        assert!(!is_linked_elf(b"\x7fELF"));
        assert!(is_debug(&AppPath::new("/usr/lib/debug/.build-id/a")));
    }
}
