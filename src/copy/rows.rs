//! What a tree holds, read without writing anything: for the room that it needs, and to compare it
//! with a list.

use std::sync::Arc;

use rayon::prelude::*;

use super::file;
use super::list::{Row, Rows, join};
use super::{Progress, Source};
use crate::fact::Kind;
use crate::tree::{Folder, Item, LookupError};

/// How many entries of one directory make a unit of work.
const CHUNK: usize = 64;

/// Something that cannot be read: its path below the top, and why.
pub(super) type Unread = (Vec<u8>, String);

/// What is asked at every entry: its directory, its name, its path, and what the disk says.
type Visit<'a, T> = &'a (dyn Fn(&Folder, &[u8], &[u8], &Item) -> T + Sync);

/// Which directories are entered: path, directory, the one that it is in.
type Enters<'a> = &'a (dyn Fn(&[u8], &Item, &Item) -> bool + Sync);

/// A directory whose turn comes: the one that it is in, its name there, and its path.
type Next = (Arc<Folder>, Vec<u8>, Vec<u8>);

/// Visits everything below `top`, each entry once, in any order.
pub(super) fn through<T: Send>(
    top: Folder,
    enters: Enters<'_>,
    visit: Visit<'_, T>,
    progress: &Progress,
) -> (Vec<T>, Vec<Unread>) {
    let (mut found, mut unread) = (Vec::new(), Vec::new());
    let mut next: Vec<Next> = Vec::new();
    let mut here = Some((Arc::new(top), Vec::new()));
    loop {
        if let Some((folder, path)) = here.take() {
            let read = one(&folder, &path, enters, visit);
            match read {
                Ok(entries) => {
                    for entry in entries {
                        match entry {
                            Ok((met, dir)) => {
                                found.push(met);
                                next.extend(dir.map(|(n, p)| (Arc::clone(&folder), n, p)));
                            }
                            Err(why) => unread.push(why),
                        }
                    }
                }
                Err(error) => unread.push((path, error.to_string())),
            }
        }
        let Some((parent, name, path)) = next.pop() else {
            return (found, unread);
        };
        if progress.stopped() {
            return (found, unread);
        }
        match parent.enter(&name) {
            Ok(folder) => here = Some((Arc::new(folder), path)),
            Err(error) => unread.push((path, error.to_string())),
        }
    }
}

/// What came of an entry, and its name and path where it is a directory to enter.
type Met<T> = Result<(T, Option<(Vec<u8>, Vec<u8>)>), Unread>;

fn one<T: Send>(
    folder: &Arc<Folder>,
    path: &[u8],
    enters: Enters<'_>,
    visit: Visit<'_, T>,
) -> Result<Vec<Met<T>>, LookupError> {
    let (own, names) = (folder.item()?, folder.names()?);
    let entry = |name: &Vec<u8>| {
        let path = super::descend::below(path, name);
        let item = match folder.look(name) {
            Ok(item) => item,
            Err(error) => return Err((path, error.to_string())),
        };
        let met = visit(folder, name, &path, &item);
        let is_dir = item.stat.kind == Kind::Dir && enters(&path, &item, &own);
        Ok((met, is_dir.then(|| (name.clone(), path))))
    };
    let entries = names.par_iter().with_min_len(CHUNK).map(entry);
    Ok(entries.collect())
}

impl Source<'_> {
    /// Whether a directory of the old root is entered.
    pub(super) fn enters(&self, path: &[u8], item: &Item, parent: &Item) -> bool {
        let all = self.all_filesystems;
        let refusal = self.root.refusal(&item.stat, &parent.stat, all);
        refusal.is_none() && !self.exclude.contains(&self.path(path))
    }
}

/// The rows of everything in a directory, itself among them.
pub(super) fn rows(top: Folder, enters: Enters<'_>, progress: &Progress) -> (Rows, Vec<Unread>) {
    let own = top
        .item()
        .and_then(|item| Ok(Row::new(&item, &top.xattrs()?)));
    let visit = |folder: &Folder, name: &[u8], path: &[u8], item: &Item| {
        let row = row(folder, name, item, progress);
        (path.to_vec(), row)
    };
    let (found, mut unread) = through(top, enters, &visit, progress);
    let mut rows = Rows::new();
    match own {
        Ok(own) => drop(rows.insert(Vec::new(), own)),
        Err(error) => unread.push((Vec::new(), error.to_string())),
    }
    for (path, row) in found {
        match row {
            Ok(row) => drop(rows.insert(path, row)),
            Err(why) => unread.push((path, why)),
        }
    }
    join(&mut rows);
    unread.sort();
    (rows, unread)
}

/// The row of one entry, its content read.
pub(super) fn row(
    folder: &Folder,
    name: &[u8],
    item: &Item,
    progress: &Progress,
) -> Result<Row, String> {
    let words = |error: LookupError| error.to_string();
    let mut row = match item.stat.kind {
        Kind::File => {
            let file = folder.open(name).map_err(words)?;
            let xattrs = file
                .xattrs()
                .ok_or("its extended attributes cannot be read")?;
            let mut row = Row::new(item, &xattrs);
            let sum = file::sum(&file, &mut Vec::new(), progress);
            row.sum = Some(sum.map_err(|fault| fault.words())?);
            row
        }
        Kind::Dir => Row::new(
            item,
            &folder
                .enter(name)
                .and_then(|dir| dir.xattrs())
                .map_err(words)?,
        ),
        _ => Row::new(item, &folder.xattrs_of(name).map_err(words)?),
    };
    if item.stat.kind == Kind::Link {
        row.text = Some(folder.link(name).map_err(words)?);
    }
    Ok(row)
}
