//! Whether a volume, and the old root, are what the volume's list says.

use super::list::{self, Row, Rows, differences};
use super::rows::{self, Unread, rows};
use super::volume::is_nothing;
use super::{Done, Outcome, Progress, Source, Target, Trouble};
use crate::fact::Kind;
use crate::parse::read::ReadAt as _;
use crate::path::AppPath;
use crate::tree::{Folder, Item, LookupError};

/// The longest list that is read: one of several million entries.
const LIMIT: usize = 4 << 30;

/// Compares a volume with its list; and the old root with it, where `with_root` says so.
#[must_use]
pub fn verify(
    source: &Source<'_>,
    target: &Target,
    with_root: bool,
    progress: &Progress,
) -> Outcome {
    let mut outcome = Outcome {
        done: Done::Failed,
        entries: 0,
        bytes: 0,
        troubles: Vec::new(),
        notes: Vec::new(),
    };
    match listed(target) {
        Ok(was) => {
            outcome.entries = was.len() as u64;
            outcome.bytes = was.values().map(|row| row.size).sum();
            let new = new(target, progress);
            compare(source, "the volume", &was, new, &mut outcome.troubles);
            if with_root && source.fill.copies {
                let old = old(source, progress);
                compare(source, "the old root", &was, old, &mut outcome.troubles);
            }
        }
        Err(message) => outcome.troubles.push(source.trouble(b"", message)),
    }
    outcome.troubles.sort();
    if progress.stopped() {
        outcome.done = Done::Interrupted;
    } else if outcome.troubles.is_empty() {
        outcome.done = Done::Verified;
    }
    outcome
}

fn listed(target: &Target) -> Result<Rows, String> {
    let folder = &target.parent.folder;
    if folder.look(&target.marker()).is_ok() {
        return Err("the volume is unfinished: run migrate again".into());
    }
    let name = target.list();
    let shown = crate::path::escape(&name).into_owned();
    let read = folder.open(&name).map_err(|error| error.to_string());
    let read = read.and_then(|file| file.bytes_at(0, LIMIT).map_err(|error| error.to_string()));
    let bytes = read.map_err(|error| {
        format!("its list {shown} cannot be read ({error}): there is nothing to compare with")
    })?;
    let rows = list::parse(&String::from_utf8_lossy(&bytes));
    rows.map_err(|line| format!("line {line} of {shown} is none of a list"))
}

type Side = Result<(Rows, Vec<Unread>), String>;

/// What is in the volume.
fn new(target: &Target, progress: &Progress) -> Side {
    let words = |error: LookupError| error.to_string();
    let folder = &target.parent.folder;
    let item = folder.look(&target.name).map_err(words)?;
    if item.stat.kind != Kind::Dir {
        return single(folder, &target.name, &item, progress);
    }
    let top = folder.enter(&target.name).map_err(words)?;
    Ok(rows(top, &|_, _, _| true, progress))
}

/// What is in the old root.
fn old(source: &Source<'_>, progress: &Progress) -> Side {
    let words = |error: LookupError| error.to_string();
    let node = match source.root.resolve(source.fill.path.as_bytes()) {
        Ok(node) => node,
        Err(error) => return Err(error.to_string()),
    };
    if node.stat.kind != Kind::Dir {
        let parent = node.real.parent().unwrap_or_else(AppPath::root);
        let folder = source.root.open_folder(&parent).map_err(words)?;
        let item = folder.look(node.real.name()).map_err(words)?;
        return single(&folder, node.real.name(), &item, progress);
    }
    let top = source.root.open_folder(&node.real).map_err(words)?;
    let enters = |path: &[u8], item: &Item, parent: &Item| source.enters(path, item, parent);
    let (mut found, unread) = rows(top, &enters, progress);
    found.retain(|path, _| {
        let path = source.path(path);
        !source.exclude.iter().any(|out| path.is_within(out))
    });
    Ok((found, unread))
}

fn single(folder: &Folder, name: &[u8], item: &Item, progress: &Progress) -> Side {
    let row = rows::row(folder, name, item, progress)?;
    let row = Row { id: None, ..row };
    Ok((Rows::from([(Vec::new(), row)]), Vec::new()))
}

fn compare(source: &Source<'_>, side: &str, was: &Rows, is: Side, troubles: &mut Vec<Trouble>) {
    let (is, unread) = match is {
        Ok(read) => read,
        Err(error) => {
            return troubles.push(source.trouble(b"", format!("{side}: cannot be read: {error}")));
        }
    };
    let mut tell = |path: &[u8], message: String| {
        troubles.push(source.trouble(path, format!("{side}: {message}")));
    };
    for (path, why) in &unread {
        tell(path, format!("cannot be read: {why}"));
    }
    let is_unread = |path: &Vec<u8>| unread.iter().any(|(unread, _)| unread == path);
    for (path, row) in was {
        match is.get(path) {
            None if is_unread(path) => {}
            None => tell(path, "missing".into()),
            Some(now) => {
                let differing = differences(row, now);
                if !differing.is_empty() {
                    tell(path, format!("differs in {}", differing.join(", ")));
                }
            }
        }
    }
    for path in is.keys().filter(|path| !was.contains_key(*path)) {
        let top = path.split(|&byte| byte == b'/').next().unwrap_or_default();
        if !is_nothing(top) {
            tell(path, "not in the list".into());
        }
    }
}
