//! One volume from the beginning to the end: what is in the old root, whether the volume may be
//! filled, whether it has room, the copy, and its list.

use std::sync::atomic::Ordering;

use rustix::io::Errno;

use super::descend::{Copied, Copying};
use super::place::{Kept, Lacks, NewFile, Place};
use super::weigh::{Weight, weigh};
use super::{Done, Outcome, Progress, Source, Target, Trouble, list};
use crate::fact::Kind;
use crate::manifest::NOTHING;
use crate::path::{AppPath, escape};
use crate::tree::{Attributes, Folder, Item, LookupError, Node};

/// Whether a name at the top of a volume is none of somebody's data.
pub(super) fn is_nothing(name: &[u8]) -> bool {
    let is = |(known, is_whole, _): &(&str, bool, &str)| {
        let known = known.as_bytes();
        if *is_whole {
            name == known
        } else {
            name.starts_with(known)
        }
    };
    NOTHING.iter().any(is)
}

/// What is in the old root.
enum Old {
    Dir(Folder, Item),
    /// The directory that it is in, and its name there.
    File(Folder, Vec<u8>, Item),
    /// Nothing, or nothing that is wanted.
    Nothing,
}

/// Why a volume is not filled.
enum Refusal {
    /// An earlier run has filled it.
    Before,
    /// It is not done, for this reason.
    Trouble(String),
}

impl<T: Into<String>> From<T> for Refusal {
    fn from(message: T) -> Self {
        Self::Trouble(message.into())
    }
}

/// Fills a volume.
#[must_use]
pub fn fill(source: &Source<'_>, target: &Target, progress: &Progress) -> Outcome {
    let mut outcome = Outcome {
        done: Done::Failed,
        entries: 0,
        bytes: 0,
        troubles: Vec::new(),
        notes: Vec::new(),
    };
    let tried = filled(source, target, progress, &mut outcome);
    match tried {
        Ok(done) if outcome.troubles.is_empty() => outcome.done = done,
        Ok(_) => {}
        Err(Refusal::Before) => outcome.done = Done::Before,
        Err(Refusal::Trouble(message)) => outcome.troubles.push(source.trouble(b"", message)),
    }
    if progress.stopped() && outcome.done != Done::Before {
        outcome.done = Done::Interrupted;
    }
    outcome
}

fn filled(
    source: &Source<'_>,
    target: &Target,
    progress: &Progress,
    outcome: &mut Outcome,
) -> Result<Done, Refusal> {
    let old = old(source, &mut outcome.notes)?;
    let (marker, is_resumed) = mark(source, target)?;
    let room = room(&old, source, target, is_resumed, progress);
    if let Err(refusal) = room {
        if !is_resumed {
            unmark(target)?;
        }
        return Err(refusal);
    }
    let (copied, done) = match old {
        Old::Dir(from, item) => {
            let (into, made) = target.parent.dir(&target.name).map_err(written)?;
            let top = into.again().map_err(written)?;
            let around = target.parent.folder.item().map_err(written)?.stat.id;
            if item.stat.id == around {
                return Err("the volumes themselves are in it: name another --base".into());
            }
            let copying = Copying::new(source, progress, top, around);
            (copying.run(from, into, made), Done::Copied)
        }
        Old::File(from, name, _) => {
            let top = target.parent.again().map_err(written)?;
            let copying = Copying::new(source, progress, top, (0, 0));
            (copying.run_file(&from, &name, &target.name), Done::Copied)
        }
        Old::Nothing => (empty(source, target)?, Done::Made),
    };
    if progress.stopped() {
        return Ok(Done::Interrupted);
    }
    let Copied {
        rows,
        troubles,
        notes,
    } = copied;
    outcome.entries = rows.len() as u64;
    outcome.bytes = rows.values().map(|row| row.size).sum();
    outcome.troubles.extend(troubles);
    outcome.notes.extend(notes);
    if outcome.troubles.is_empty() {
        let text = list::text(&source.fill.name, &rows);
        let list = target.parent.write(&target.list(), text.as_bytes());
        list.map_err(written)?;
        if target.is_synced {
            target.parent.sync().map_err(written)?;
        }
        unmark(target)?;
    }
    drop(marker);
    Ok(done)
}

fn written(error: impl std::fmt::Display) -> Refusal {
    format!("cannot be written: {error}").into()
}

/// What is in the old root at the volume's path: links on the way are followed inside the root.
fn old(source: &Source<'_>, notes: &mut Vec<Trouble>) -> Result<Old, Refusal> {
    let fill = source.fill;
    if !fill.copies {
        return Ok(Old::Nothing);
    }
    let node = match source.root.resolve(fill.path.as_bytes()) {
        Ok(node) => node,
        Err(LookupError::Absent | LookupError::NotDirectory) => {
            notes.push(source.trouble(b"", "not in the old root: it begins empty"));
            return Ok(Old::Nothing);
        }
        Err(error) => return Err(format!("cannot be read: {error}").into()),
    };
    if source.root.is_pseudo(&node.stat) {
        return Err("the kernel makes it up: there is nothing to copy".into());
    }
    let Node { real, stat } = node;
    match (stat.kind, fill.is_file) {
        (Kind::Dir, false) => {
            let opened = source.root.open_folder(&real);
            let opened = opened.and_then(|folder| Ok((folder.item()?, folder)));
            let (item, folder) = opened.map_err(unread)?;
            Ok(Old::Dir(folder, item))
        }
        (Kind::File, true) => {
            let parent = real.parent().unwrap_or_else(AppPath::root);
            let opened = source.root.open_folder(&parent);
            let opened = opened.and_then(|folder| Ok((folder.look(real.name())?, folder)));
            let (item, folder) = opened.map_err(unread)?;
            Ok(Old::File(folder, real.name().to_vec(), item))
        }
        (_, true) => Err("not a regular file in the old root, as the plan has it".into()),
        (_, false) => Err("not a directory in the old root, as the plan has it".into()),
    }
}

fn unread(error: LookupError) -> Refusal {
    format!("cannot be read: {error}").into()
}

/// Marks the volume as unfinished, for this run alone; and whether an earlier one has begun it.
fn mark(source: &Source<'_>, target: &Target) -> Result<(NewFile, bool), Refusal> {
    let parent = &target.parent;
    let marker = match parent.lock(&target.marker()) {
        Ok(marker) => marker,
        Err(Errno::WOULDBLOCK) => return Err("another run is filling it".into()),
        Err(errno) => return Err(written(errno)),
    };
    let own = format!("{}\n", escape(source.fill.path.as_bytes()));
    let was = parent.folder.open(&target.marker());
    let was = was.and_then(|file| {
        use crate::parse::read::ReadAt as _;
        file.bytes_at(0, 64 << 10).map_err(|_| LookupError::Special)
    });
    let was = was.map_err(|error| Refusal::from(format!("its marker: {error}")))?;
    if was == own.as_bytes() {
        return Ok((marker, true));
    }
    if was.ends_with(b"\n") {
        let message = format!(
            "it was begun for another path, {}: empty it, and remove {} beside it",
            escape(was.trim_ascii_end()),
            escape(&target.marker()),
        );
        return Err(message.into());
    }
    if let Err(refusal) = vacant(target) {
        unmark(target)?;
        return Err(refusal);
    }
    marker.write(own.as_bytes(), 0).map_err(written)?;
    if target.is_synced {
        marker.sync().map_err(written)?;
    }
    // The list of a volume that was emptied since.
    match parent.remove(&target.list()) {
        Ok(()) | Err(Errno::NOENT) => Ok((marker, false)),
        Err(errno) => Err(written(errno)),
    }
}

fn unmark(target: &Target) -> Result<(), Refusal> {
    match target.parent.remove(&target.marker()) {
        Ok(()) | Err(Errno::NOENT) => Ok(()),
        Err(errno) => Err(written(errno)),
    }
}

/// Whether nothing is in the volume yet.
fn vacant(target: &Target) -> Result<(), Refusal> {
    let folder = &target.parent.folder;
    let held = match folder.look(&target.name) {
        Err(LookupError::Absent) => return Ok(()),
        Err(error) => return Err(format!("the volume: {error}").into()),
        Ok(item) if item.stat.kind == Kind::Dir => {
            let names = folder.enter(&target.name).and_then(|dir| dir.names());
            let names = names.map_err(|error| Refusal::from(format!("the volume: {error}")))?;
            names.into_iter().find(|name| !is_nothing(name))
        }
        Ok(item) if item.stat.kind == Kind::Link => {
            return Err("the volume's place is a link: put a directory there, or mount one".into());
        }
        Ok(_) => Some(target.name.clone()),
    };
    match held {
        None => Ok(()),
        Some(_) if folder.look(&target.list()).is_ok() => Err(Refusal::Before),
        Some(name) => Err(format!(
            "the volume holds something already ({}): left as it is",
            escape(&name)
        )
        .into()),
    }
}

/// Whether the volume has room for what is not in it yet.
fn room(
    old: &Old,
    source: &Source<'_>,
    target: &Target,
    is_resumed: bool,
    progress: &Progress,
) -> Result<(), Refusal> {
    let weight = match old {
        Old::Nothing => return Ok(()),
        Old::File(_, _, item) => Weight::of(item),
        Old::Dir(folder, _) => {
            let again = folder.again().map_err(unread)?;
            weigh(again, Some(source), progress)
        }
    };
    progress
        .expected
        .fetch_add(weight.content, Ordering::Relaxed);
    let there = target.parent.folder.enter(&target.name);
    let place = there.map_or_else(|_| target.parent.again(), |folder| Ok(Place { folder }));
    let place = place.map_err(written)?;
    let done = match place.again() {
        Ok(place) if is_resumed => weigh(place.folder, None, progress),
        _ => Weight::default(),
    };
    let (free, inodes) = place.room().map_err(written)?;
    let need = weight.allocated.saturating_sub(done.allocated);
    if need > free {
        return Err(format!("no room: {need} bytes are needed, {free} are free").into());
    }
    let entries = weight.inodes.saturating_sub(done.inodes);
    if inodes.is_some_and(|inodes| entries > inodes) {
        return Err(format!("no room: {entries} inodes are needed").into());
    }
    Ok(())
}

/// Makes a volume that begins empty, with the planned owner and mode.
fn empty(source: &Source<'_>, target: &Target) -> Result<Copied, Refusal> {
    let fill = source.fill;
    let kept = Kept {
        mode: fill.mode,
        uid: fill.uid,
        gid: fill.gid,
        times: None,
        xattrs: Attributes::new(),
    };
    let lacks = if fill.is_file {
        let part = [b".", target.name.as_slice(), b".part"].concat();
        let file = target.parent.file(&part).map_err(written)?;
        file.shed().map_err(written)?;
        let lacks = file.finish(&kept);
        target.parent.rename(&part, &target.name).map_err(written)?;
        lacks
    } else {
        let (dir, _) = target.parent.dir(&target.name).map_err(written)?;
        dir.finish(&kept)
    };
    let words = |lack: Lacks| match lack {
        Lacks::Owner => format!(
            "cannot be given to {}:{}, which only root can: run this as root",
            fill.uid, fill.gid
        ),
        Lacks::Other(what, errno) => format!("cannot set {what}: {errno}"),
    };
    let troubles = lacks
        .into_iter()
        .map(|lack| source.trouble(b"", words(lack)));
    let mut rows = list::Rows::new();
    if let Ok(item) = target.parent.folder.look(&target.name) {
        let mut row = list::Row::new(&item, &Attributes::new());
        if fill.is_file {
            row.sum = Some(list::nothing());
        }
        rows.insert(Vec::new(), row);
    }
    Ok(Copied {
        rows,
        troubles: troubles.collect(),
        notes: Vec::new(),
    })
}
