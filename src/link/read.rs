//! One file read: opened by `tree`, made into facts by `extract`.

use std::sync::atomic::Ordering;

use crate::extract::content;
use crate::extract::{HEAD, Input, Out, TEXT_LIMIT, extract};
use crate::fact::{IssueKind, Kind, Locus, name_of};
use crate::knowledge::places;
use crate::parse::read::ReadAt as _;
use crate::tree::{Entry, File, Limits, LookupError, Progress, Visit};

/// What came of an entry.
#[derive(Debug, Default)]
pub(super) struct Made {
    /// Facts and issues.
    pub out: Out,
    /// Whether its content was read; nothing where there is none to read.
    pub read: Option<bool>,
}

/// The bounds of a walk whose visit is [`visit`].
pub(super) fn limits(limits: &Limits) -> Limits {
    Limits {
        opens: |path| places::is_worth_opening(path) && !places::is_library_script(path),
        ..limits.clone()
    }
}

/// Reads an entry of a walk.
pub(super) fn visit(visit: &Visit<'_>, progress: &Progress) -> Made {
    entry(visit.entry, || visit.open(), progress)
}

/// Reads an entry that `open` opens.
pub(super) fn entry(
    entry: &Entry,
    open: impl FnOnce() -> Result<File, LookupError>,
    progress: &Progress,
) -> Made {
    let mut made = Made::default();
    let at = Locus::file(&entry.path);
    made.out.facts = content::of_entry(&entry.path, &entry.stat);
    match entry.stat.kind {
        Kind::File => {}
        Kind::Dir | Kind::Link => return made,
        kind => {
            let message = format!("a {}: not opened", name_of(kind));
            made.out.issue(at, IssueKind::SpecialFile, message);
            return made;
        }
    }
    let is_program = entry.stat.mode & 0o111 != 0;
    if !places::is_worth_opening(&entry.path)
        || !is_program && places::is_library_script(&entry.path)
    {
        return made;
    }
    let file = match open() {
        Ok(file) => file,
        Err(error) => {
            made.read = Some(false);
            made.out.issue(
                at,
                IssueKind::Unreadable,
                format!("cannot be opened: {error}"),
            );
            return made;
        }
    };
    let head = match file.bytes_at(0, HEAD) {
        Ok(head) => head,
        Err(error) => {
            made.read = Some(false);
            made.out.issue(
                at,
                IssueKind::Unreadable,
                format!("cannot be read: {error}"),
            );
            return made;
        }
    };
    let input = Input::new(&entry.path, file.stat(), &head, &file);
    let found = extract(&input);
    made.out.facts.extend(found.facts);
    made.out.issues.extend(found.issues);
    if let Some(attribute) = file.capability() {
        made.out
            .facts
            .extend(content::of_capability(&entry.path, &attribute));
    }
    made.read = Some(true);
    progress.read.fetch_add(1, Ordering::Relaxed);
    if !file.unchanged() {
        made.out
            .issue(at, IssueKind::Changed, "it changed while it was read");
    } else if input.is_text() && entry.stat.size > TEXT_LIMIT as u64 && !made.out.facts.is_empty() {
        let message = "only the first 8 MiB of this text were read";
        made.out.issue(at, IssueKind::TooLarge, message);
    }
    made
}
