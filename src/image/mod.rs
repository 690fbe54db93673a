//! Images: what of an application belongs into one, in a layer for each group that answers for a
//! part of it.
//!
//! Packing goes through the root in the order of its paths and writes as it goes: the same root and
//! report are the same bytes, and memory does not grow with the tree.

mod accounts;
mod ahead;
mod around;
mod config;
mod contents;
mod index;
mod judge;
mod layer;
mod logins;
mod packages;
mod parts;
mod pieces;
mod received;
mod select;
mod single;
mod system;
mod walk;

pub use config::architecture;
pub use index::ledgers;
pub use received::{Anew, Received, tag_of};
pub use select::{Selected, select, unaccounted};
pub use single::Kind;
pub use walk::Left;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::custody::{Merged, Policy};
use crate::fact::name_of;
use crate::layout::{
    Config, Descriptor, HANDOVER, History, Image, Layout, LayoutError, MANIFEST, Manifest, OWNER,
    RootFs,
};
use crate::link::host::Host;
use crate::manifest;
use crate::path::AppPath;
use crate::report::{Owner, Report};
use crate::tree::{LookupError, Root};
use contents::Contents;
use index::{index, ledgers_of};
use judge::Judge;
use layer::{Archive, LedgerOut, Written};
use walk::{Each, Found, Item};

/// The roles in the order of their layers, the lowest first.
pub const ROLES: [Owner; 3] = [Owner::Core, Owner::Middleware, Owner::Application];

/// The compression level where none is given: the fastest that a layer does not grow much by.
pub const LEVEL: u32 = 3;

/// How an image is put together.
#[derive(Clone, Debug)]
pub struct Settled {
    /// The roles whose layers are written; empty for every role that has something.
    pub roles: Vec<Owner>,
    /// The image's name in the layout.
    pub tag: String,
    /// Files that are newer count as of this time, in seconds since 1970.
    pub newest: i64,
    /// The level of gzip, 0 to 9.
    pub level: u32,
    /// Who may add and change what.
    pub policy: Policy,
    /// The start command, where it is not the audit's.
    pub start: Option<Vec<String>>,
    /// Paths that are left out with all below them.
    pub exclude: Vec<AppPath>,
}

/// How far packing has come, for a display; and the wish to end it.
#[derive(Debug, Default)]
pub struct PackProgress {
    /// Entries written.
    pub entries: AtomicU64,
    /// Bytes of files written.
    pub bytes: AtomicU64,
    /// Set to end early.
    pub stop: AtomicBool,
}

/// Why there is no image.
#[derive(Debug, thiserror::Error)]
pub enum PackError {
    /// Something of it cannot be read: an image that lacks a part would be taken for a whole one.
    #[error("{0}: {1}")]
    Read(AppPath, String),
    /// It cannot be written.
    #[error("cannot write the image: {0}")]
    Write(String),
    /// A layout is not what it should be.
    #[error(transparent)]
    Layout(#[from] LayoutError),
    /// What was received cannot be built upon.
    #[error("{0}")]
    Received(String),
    /// A layer would touch what its role may not touch.
    #[error("the layer of {role} may not be made: {}", .wrong.join("; "))]
    Refused {
        /// The role.
        role: String,
        /// What it would do, the first few.
        wrong: Vec<String>,
    },
    /// There is nothing to pack.
    #[error("{0}")]
    Nothing(String),
    /// The run was ended from outside.
    #[error("interrupted: no image was made")]
    Interrupted,
}

impl PackError {
    fn read(path: &AppPath, error: LookupError) -> Self {
        let hint = match error {
            LookupError::Denied => ": run as a user who may read it, or leave it out by --exclude",
            _ => "",
        };
        Self::Read(path.clone(), format!("{error}{hint}"))
    }

    fn write(error: io::Error) -> Self {
        Self::Write(error.to_string())
    }
}

/// What an image is made from.
pub struct Source<'a> {
    /// The root.
    pub root: &'a Root,
    /// What the root says about itself.
    pub host: &'a Host,
    /// The audit of the application in it.
    pub report: &'a Report,
}

/// A layer of a packed image.
#[derive(Clone, Debug)]
pub struct PackedLayer {
    /// Who answers for it.
    pub owner: String,
    /// Its blob.
    pub layer: Descriptor,
    /// Its entries.
    pub entries: u64,
    /// The bytes of its files.
    pub bytes: u64,
    /// Its packages.
    pub packages: u64,
    /// Its ledger.
    pub ledger: Descriptor,
}

/// What was packed.
#[derive(Clone, Debug)]
pub struct Packed {
    /// The newest image.
    pub image: Descriptor,
    /// Its layers that were written now.
    pub layers: Vec<PackedLayer>,
    /// What was left out.
    pub left: Vec<Left>,
    /// What the image cannot say of the plan.
    pub limits: Vec<manifest::Limit>,
}

/// Packs an image into `layout`, upon what was received.
///
/// # Errors
/// When something cannot be read or written, a role may not make its layer, or the run is
/// interrupted. The layout then has no new image.
pub fn pack(
    source: &Source<'_>,
    layout: &Layout,
    received: Option<&Received>,
    settled: &Settled,
    progress: &PackProgress,
) -> Result<Packed, PackError> {
    let settings = manifest::settings(source.report, settled.start.as_deref());
    let contents = Contents::new(
        source.root,
        source.host,
        source.report,
        &settings,
        &settled.exclude,
    );
    let mut made = Making {
        source,
        contents: &contents,
        layout,
        settled,
        progress,
        dirs: received.map(Received::dirs).unwrap_or_default(),
        merged: received.map(|received| received.merged.clone()),
        present: None,
        left: Vec::new(),
        layers: Vec::new(),
    };
    let mut handovers = received.map(Received::handovers).unwrap_or_default();
    let mut ledgers = received
        .map(|received| received.ledgers.clone())
        .unwrap_or_default();
    let roles = made.roles(received)?;
    let mut base = received.map(|received| received.image.clone());
    for role in roles {
        let Some(written) = made.layer(role, received)? else {
            continue;
        };
        // A base with what it lacks is one hand-over.
        handovers.retain(|(before, _)| *before != name_of(role));
        ledgers.push(written.ledger.clone());
        let run = (role == Owner::Application).then(|| config::run(&settings));
        let (image, descriptor) = made.image(base.as_ref(), role, &written, run)?;
        handovers.push((name_of(role), descriptor));
        base = Some(image);
    }
    let Some((_, newest)) = handovers.last().cloned() else {
        let message = "nothing of it belongs into an image: name its directories or packages";
        return Err(PackError::Nothing(message.to_owned()));
    };
    let mut others = received
        .map(|received| received.others.clone())
        .unwrap_or_default();
    others.push(ledgers_of(layout, &newest, ledgers)?);
    layout.save(&index(handovers, others, &settled.tag))?;
    let mut left = made.left;
    left.sort();
    left.dedup();
    Ok(Packed {
        image: newest,
        layers: made.layers,
        left,
        limits: settings.limits,
    })
}

/// Packs an image of a kind that has a single layer.
///
/// # Errors
/// As [`pack`].
pub fn pack_single(
    source: &Source<'_>,
    kind: Kind,
    out: &mut dyn io::Write,
    settled: &Settled,
    progress: &PackProgress,
) -> Result<Vec<Left>, PackError> {
    let settings = manifest::settings(source.report, settled.start.as_deref());
    let contents = Contents::new(
        source.root,
        source.host,
        source.report,
        &settings,
        &settled.exclude,
    );
    let gzip = crate::layout::Gzip::new(out, settled.level).map_err(PackError::write)?;
    let tar = single::begin(kind, source, &settings, settled, gzip)?;
    let none = BTreeSet::new();
    let nothing = Box::new(|_, _| Ok(()));
    let mut archive = Archive::new(tar, settled, progress, None, &none, nothing);
    let mut left = Vec::new();
    walk::walk(
        source.root,
        source.host,
        &contents,
        &mut |item| archive.add(item),
        &mut |what| left.push(what),
    )?;
    archive.finish()?.finish().map_err(PackError::write)?;
    left.sort();
    Ok(left)
}

/// An image while its layers are written.
struct Making<'a> {
    source: &'a Source<'a>,
    contents: &'a Contents,
    layout: &'a Layout,
    settled: &'a Settled,
    progress: &'a PackProgress,
    /// What the layers so far make, where some were received.
    merged: Option<Merged>,
    /// The directories of the layers so far.
    dirs: BTreeSet<AppPath>,
    /// The roles that have something, once all was gone through.
    present: Option<BTreeSet<Owner>>,
    left: Vec<Left>,
    layers: Vec<PackedLayer>,
}

impl Making<'_> {
    /// The roles whose layers are written, each above what was received.
    fn roles(&self, received: Option<&Received>) -> Result<Vec<Owner>, PackError> {
        let top = received.and_then(|received| received.top());
        let wanted = if self.settled.roles.is_empty() {
            ROLES.to_vec()
        } else {
            self.settled.roles.clone()
        };
        let explicit = !self.settled.roles.is_empty();
        let mut roles = Vec::new();
        for role in ROLES {
            if !wanted.contains(&role) {
                continue;
            }
            match top {
                Some(top) if role == top && received.is_some_and(|received| received.is_base) => {
                    roles.push(role);
                }
                Some(top) if role <= top && !explicit => {}
                Some(top) if role <= top => {
                    return Err(PackError::Received(format!(
                        "what was received has a layer of {} already: a layer of {} comes before it",
                        name_of(top),
                        name_of(role)
                    )));
                }
                _ => roles.push(role),
            }
        }
        Ok(roles)
    }

    /// Writes the layer of a role: of the lowest, what a base lacks. None where it has nothing, and
    /// nobody asked for it or a base is what was asked for.
    fn layer(
        &mut self,
        role: Owner,
        received: Option<&Received>,
    ) -> Result<Option<Written>, PackError> {
        let is_asked = self.settled.roles.contains(&role);
        let is_absent = |present: &BTreeSet<Owner>| !present.contains(&role);
        if !is_asked && self.present.as_ref().is_some_and(is_absent) {
            return Ok(None);
        }
        let name = name_of(role);
        let base = received.filter(|received| received.is_base && role == Owner::Core);
        let before = self.merged.clone();
        let mut ledger = LedgerOut::new(self.layout, self.contents, &name)?;
        let tar = layer::begin(self.layout, self.settled.level)?;
        let mut verdict = Judge::new(&self.settled.policy, &name, self.merged.as_mut());
        let (mut entries, mut files) = (0, 0);
        let mut present = BTreeSet::new();
        let mut dirs = BTreeSet::new();
        let rows = |entry: crate::layout::layer::Entry, package| {
            entries += 1;
            if entry.body == crate::layout::layer::Body::Dir {
                dirs.insert(entry.path.clone());
            }
            verdict.entry(&entry);
            ledger.row(&entry, package)
        };
        let mut archive = Archive::new(
            tar,
            self.settled,
            self.progress,
            before.as_ref(),
            &self.dirs,
            Box::new(rows),
        );
        let policy = &self.settled.policy;
        let each: &mut Each<'_, '_> = &mut |item| {
            let owner = belongs_to(policy, &item);
            present.insert(owner);
            if owner != role || base.is_some_and(|base| base.keeps(&item.path)) {
                return Ok(());
            }
            if let Found::Entry(stat) = &item.found
                && stat.kind == crate::fact::Kind::File
            {
                files += stat.size;
            }
            archive.add(item)
        };
        let left = &mut self.left;
        walk::walk(
            self.source.root,
            self.source.host,
            self.contents,
            each,
            &mut |what| left.push(what),
        )?;
        let out = archive.finish()?;
        verdict.finish()?;
        self.dirs.extend(dirs);
        self.present = Some(present);
        if entries == 0 && (base.is_some() || !is_asked) {
            return Ok(None);
        }
        let (layer, diff_id) = layer::end(self.layout, out)?;
        let packages = ledger.packages();
        let ledger = ledger.finish(self.layout, &layer, diff_id)?;
        self.layers.push(PackedLayer {
            owner: name,
            layer: layer.clone(),
            entries,
            bytes: files,
            packages,
            ledger: ledger.clone(),
        });
        Ok(Some(Written {
            layer,
            diff_id,
            ledger,
        }))
    }

    /// Writes the image with a further layer.
    fn image(
        &self,
        below: Option<&Image>,
        role: Owner,
        written: &Written,
        run: Option<crate::layout::Run>,
    ) -> Result<(Image, Descriptor), PackError> {
        let role = name_of(role);
        let mut layer = written.layer.clone();
        layer.annotations.insert(OWNER.to_owned(), role.clone());
        let mut config = match below {
            Some(image) => image.config.clone(),
            None => Config {
                created: None,
                architecture: architecture(self.source).to_owned(),
                os: "linux".to_owned(),
                config: None,
                rootfs: RootFs {
                    kind: "layers".to_owned(),
                    diff_ids: Vec::new(),
                },
                history: Vec::new(),
                other: BTreeMap::new(),
            },
        };
        config.rootfs.diff_ids.push(written.diff_id);
        config.history.push(History {
            created_by: Some(format!("seaworthy pack --role {role}")),
            ..History::default()
        });
        if run.is_some() {
            config.config = run;
        }
        let mut layers = below
            .map(|image| image.manifest.layers.clone())
            .unwrap_or_default();
        layers.push(layer);
        let mut manifest = Manifest {
            schema_version: 2,
            media_type: Some(MANIFEST.to_owned()),
            artifact_type: None,
            config: written.layer.clone(),
            layers,
            annotations: BTreeMap::new(),
            other: BTreeMap::new(),
        };
        let mut descriptor = self.layout.put_image(&config, &mut manifest)?;
        descriptor.annotations.insert(HANDOVER.to_owned(), role);
        let image = Image {
            descriptor: descriptor.clone(),
            manifest,
            config,
        };
        Ok((image, descriptor))
    }
}

/// Whose layer an entry goes into. What a role never touches is the lowest role's, whoever brings
/// it: accounts, the loader, who may become whom.
fn belongs_to(policy: &Policy, item: &Item<'_>) -> Owner {
    let owner = item.source.owner;
    let role = policy.role(&name_of(owner));
    let never = role.is_some_and(|role| role.never.iter().any(|p| p.covers(&item.path)));
    if never { Owner::Core } else { owner }
}

/// Counts what is written, for the display.
impl PackProgress {
    /// Entries and bytes so far.
    #[must_use]
    pub fn told(&self) -> (u64, u64) {
        (
            self.entries.load(Ordering::Relaxed),
            self.bytes.load(Ordering::Relaxed),
        )
    }
}
