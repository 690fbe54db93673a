//! The same selection as a list for each role, for whoever makes an image by other means; and what
//! making one leaves out.

use std::collections::{BTreeMap, BTreeSet};

use super::contents::Contents;
use super::walk::{self, Found, Left, made_meta, point_meta};
use super::{PackError, ROLES, Source, belongs_to};
use crate::custody::Policy;
use crate::fact::{Kind, name_of};
use crate::layout::Digest;
use crate::layout::layer::{Content, Meta, TarWriter};
use crate::manifest::{self, Part, Parts};
use crate::path::AppPath;
use crate::report::Owner;

/// What goes into an image.
#[derive(Clone, Debug)]
pub struct Selected {
    /// What goes into each layer, the lowest first.
    pub parts: Parts,
    /// What stays out.
    pub left: Vec<Left>,
}

/// The entries of one layer.
#[derive(Default)]
struct Draft {
    /// What the disk has, by real path.
    paths: Vec<AppPath>,
    /// The directories that lead to it.
    dirs: BTreeSet<AppPath>,
    /// What the disk does not have, or not so.
    made: BTreeMap<AppPath, (Meta, Option<Vec<u8>>)>,
}

/// What [`super::pack`] would put into each layer, without a word of it being read.
///
/// # Errors
/// When a directory cannot be read.
pub fn select(
    source: &Source<'_>,
    start: Option<&[String]>,
    exclude: &[AppPath],
    policy: &Policy,
) -> Result<Selected, PackError> {
    let settings = manifest::settings(source.report, start);
    let contents = Contents::new(source.root, source.host, source.report, &settings, exclude);
    let mut drafts: BTreeMap<Owner, Draft> = BTreeMap::new();
    let mut left = Vec::new();
    walk::walk(
        source.root,
        source.host,
        &contents,
        &mut |item| {
            let draft = drafts.entry(belongs_to(policy, &item)).or_default();
            match item.found {
                Found::Entry(stat) if stat.kind == Kind::Dir => {
                    draft.dirs.insert(item.path.clone());
                }
                Found::Entry(_) => draft.paths.push(item.path.clone()),
                Found::Point(point) => {
                    let bytes = point.is_file.then(Vec::new);
                    draft
                        .made
                        .insert(item.path.clone(), (point_meta(point), bytes));
                }
                Found::Made(made) => {
                    let entry = (made_meta(made), made.bytes.clone());
                    draft.made.insert(item.path.clone(), entry);
                }
            }
            let is_given = !matches!(item.found, Found::Entry(_));
            for (dir, meta) in item.above.iter() {
                if is_given {
                    let entry = || (meta.clone(), None);
                    draft.made.entry(dir.clone()).or_insert_with(entry);
                } else {
                    draft.dirs.insert(dir.clone());
                }
            }
            Ok(())
        },
        &mut |what| left.push(what),
    )?;
    left.sort();
    left.dedup();
    Ok(Selected {
        parts: parts(drafts)?,
        left,
    })
}

/// The drafts in the order of their layers. A directory is the lowest layer's that leads through it.
fn parts(mut drafts: BTreeMap<Owner, Draft>) -> Result<Parts, PackError> {
    let mut known: BTreeSet<AppPath> = BTreeSet::new();
    let mut parts = Vec::new();
    for role in ROLES {
        let Some(draft) = drafts.remove(&role) else {
            continue;
        };
        let Draft { paths, dirs, made } = draft;
        let dirs: BTreeSet<AppPath> = dirs
            .into_iter()
            .filter(|dir| !known.contains(dir))
            .collect();
        let is_new = |(path, (_, bytes)): &(AppPath, (Meta, Option<Vec<u8>>))| {
            bytes.is_some() || !known.contains(path) && !dirs.contains(path)
        };
        let made: BTreeMap<_, _> = made.into_iter().filter(is_new).collect();
        let own = made.iter().filter(|(_, (_, bytes))| bytes.is_none());
        known.extend(own.map(|(path, _)| path.clone()));
        known.extend(dirs.iter().cloned());
        let mut paths: Vec<AppPath> = paths.into_iter().chain(dirs).collect();
        paths.sort();
        parts.push(Part {
            role: name_of(role),
            paths,
            made: archive(&made)?,
        });
    }
    Ok(Parts {
        layers: parts,
        failed: None,
    })
}

/// An archive of what is made; nothing where nothing is.
fn archive(made: &BTreeMap<AppPath, (Meta, Option<Vec<u8>>)>) -> Result<Vec<u8>, PackError> {
    if made.is_empty() {
        return Ok(Vec::new());
    }
    let mut tar = TarWriter::new(Vec::new(), "");
    for (path, (meta, bytes)) in made {
        let content = match bytes {
            Some(bytes) => Content::Whole(bytes, Digest::of(bytes)),
            None => Content::Dir,
        };
        tar.add(path, meta, content).map_err(PackError::write)?;
    }
    tar.finish().map_err(PackError::write)
}

/// What is left out and neither mounted nor named: a container starts without it. Pipes, sockets and
/// devices are made anew by whoever uses them.
pub fn unaccounted<'a>(source: &'a Source<'_>, left: &'a [Left]) -> impl Iterator<Item = &'a Left> {
    let plan = &source.report.plan;
    left.iter().filter(move |what| {
        let real = |path: &AppPath| match source.root.resolve(path.as_bytes()) {
            Ok(node) => node.real,
            Err(_) => path.clone(),
        };
        let mut mounts = plan.mounts.iter();
        let is_mounted = mounts.any(|mount| {
            what.path.is_within(&mount.path)
                || super::contents::fits(&mount.path, &what.path)
                || what.path.is_within(&real(&mount.path))
        });
        let mut named = plan.left_behind.iter();
        !what.is_transient && !is_mounted && !named.any(|left| what.path.is_within(&left.path))
    })
}
