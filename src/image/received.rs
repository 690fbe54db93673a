//! What another group handed over: an image with its hand-overs and ledgers, read whole and
//! compared before anything is put upon it.

use std::collections::BTreeSet;

use crate::custody::Merged;
use crate::layout::layer::{self, Body, Dropped, Fault, Limits};
use crate::layout::{
    Descriptor, Digest, HANDOVER, Image, Layout, LayoutError, OWNER, Platform, REF_NAME,
};
use crate::path::AppPath;
use crate::report::Owner;

use super::{PackError, ROLES};

/// An image that was received.
#[derive(Clone, Debug)]
pub struct Received {
    /// The newest image.
    pub(super) image: Image,
    /// The tree that its layers make.
    pub(super) merged: Merged,
    /// The images that were handed over, the first one first; the newest is the last.
    handed: Vec<(String, Descriptor)>,
    /// The ledgers of its layers.
    pub(super) ledgers: Vec<Descriptor>,
    /// What else its index has: signatures and attestations.
    pub(super) others: Vec<Descriptor>,
    /// Whether it is an image of another maker, to which the lowest role may still add.
    pub(super) is_base: bool,
    /// The layers that were written anew.
    anew: Vec<Anew>,
}

/// A layer of a base that programs read differently, and that was written anew.
#[derive(Clone, Debug)]
pub struct Anew {
    /// What it was.
    pub before: Digest,
    /// What it is.
    pub after: Digest,
    /// What programs differ in.
    pub reason: String,
    /// What of it did not come along.
    pub dropped: Dropped,
}

impl Received {
    /// Takes over a hand-over into `layout`: every blob is proven on the way, and its layers are
    /// read.
    ///
    /// # Errors
    /// When something of it is missing, lies, or would lead programs that unpack it astray.
    pub fn hand_over(from: &Layout, tag: &str, layout: &Layout) -> Result<Self, PackError> {
        let image = from.image(Some(tag), None)?;
        let mut received = Self::take(from, image, layout)?;
        let newest = received.image.descriptor.clone();
        let ledger = format!("sha256-{}.ledger", newest.digest.hex());
        for entry in from.index()?.manifests {
            let name = entry.annotation(REF_NAME).unwrap_or_default().to_owned();
            if entry.digest == newest.digest {
                continue;
            }
            let manifest = from.manifest(&entry)?;
            for blob in manifest.layers.iter().chain([&manifest.config]) {
                layout.take(from, blob)?;
            }
            layout.take(from, &entry)?;
            match entry.annotation(HANDOVER) {
                Some(role) => {
                    let handed = (role.to_owned(), (manifest.layers.len(), entry));
                    received.handed.push((handed.0, handed.1.1));
                }
                None if name == ledger => received.ledgers = manifest.layers,
                None => received.others.push(entry),
            }
        }
        received.order(from)?;
        Ok(received)
    }

    /// Takes an image of another maker as the layers of the lowest role.
    /// With `level`, a compression level, layers that programs read differently are written anew in
    /// the form that all read alike.
    ///
    /// # Errors
    /// As [`Received::hand_over`]; of a layer that was to be written anew, when nothing tells which
    /// reading of it is meant.
    pub fn base(
        from: &Layout,
        tag: Option<&str>,
        platform: &str,
        layout: &Layout,
        level: Option<u32>,
    ) -> Result<Self, PackError> {
        let platform = Platform {
            architecture: platform,
        };
        let mut image = from.image(tag, Some(platform))?;
        let role = crate::fact::name_of(Owner::Core);
        for layer in &mut image.manifest.layers {
            layer.annotations.insert(OWNER.to_owned(), role.clone());
        }
        let mut anew = Vec::new();
        if let Some(level) = level {
            for at in 0..image.manifest.layers.len() {
                anew.extend(write_anew(from, &mut image, at, layout, level)?);
            }
        }
        let mut received = Self::take(from, image, layout)?;
        received.anew = anew;
        let mut manifest = received.image.manifest.clone();
        manifest.media_type = Some(crate::layout::MANIFEST.to_owned());
        let mut descriptor = layout.put_image(&received.image.config, &mut manifest)?;
        descriptor
            .annotations
            .insert(HANDOVER.to_owned(), role.clone());
        received.image.manifest = manifest;
        received.image.descriptor = descriptor.clone();
        received.handed = vec![(role, descriptor)];
        received.is_base = true;
        Ok(received)
    }

    fn take(from: &Layout, image: Image, layout: &Layout) -> Result<Self, PackError> {
        let mut merged = Merged::new();
        let layers = &image.manifest.layers;
        for (layer, diff_id) in layers.iter().zip(&image.config.rootfs.diff_ids) {
            let role = layer.annotation(OWNER).unwrap_or_default().to_owned();
            let Some(compression) = layer::compression(&layer.media_type) else {
                let message = format!("layer {} is of the form {}", layer.digest, layer.media_type);
                return Err(PackError::Received(message));
            };
            layout.take(from, layer)?;
            merged.begin(&role);
            // A layer that was written anew is only there; of any other, what was taken is what counts.
            let blob = layout.blob(layer)?;
            let read = layer::read(blob, compression, Limits::of(layer.size), &mut |entry| {
                merged.entry(&entry);
            });
            let wrong = |reason: String| {
                PackError::Received(format!("layer {} of {role}: {reason}", layer.digest))
            };
            let summary = read.map_err(|fault| wrong(fault.to_string()))?;
            if let Some(trick) = merged.end().tricks.first() {
                return Err(wrong(format!("{}: {}", trick.path, trick.reason)));
            }
            if summary.diff_id != *diff_id {
                return Err(wrong(format!(
                    "uncompressed it is {}, the configuration says {diff_id}",
                    summary.diff_id
                )));
            }
        }
        let copied = [&image.manifest.config, &image.descriptor];
        for blob in copied {
            layout.take(from, blob)?;
        }
        let handed = image
            .descriptor
            .annotation(HANDOVER)
            .map(|role| (role.to_owned(), image.descriptor.clone()));
        Ok(Self {
            handed: handed.into_iter().collect(),
            image,
            merged,
            ledgers: Vec::new(),
            others: Vec::new(),
            is_base: false,
            anew: Vec::new(),
        })
    }

    /// Puts the hand-overs in order: each has fewer layers than the next.
    fn order(&mut self, from: &Layout) -> Result<(), LayoutError> {
        let mut counted = Vec::new();
        for handed in self.handed.drain(..) {
            let manifest = from.manifest(&handed.1)?;
            counted.push((manifest.layers.len(), handed));
        }
        counted.sort_by_key(|(layers, _)| *layers);
        self.handed = counted.into_iter().map(|(_, handed)| handed).collect();
        Ok(())
    }

    /// The images that were handed over, the first one first.
    pub(super) fn handovers(&self) -> Vec<(String, Descriptor)> {
        self.handed.clone()
    }

    /// The directories of its tree.
    pub(super) fn dirs(&self) -> BTreeSet<AppPath> {
        let dirs = self
            .merged
            .iter()
            .filter(|(_, held, _)| held.body == Body::Dir);
        dirs.map(|(path, ..)| path.clone()).collect()
    }

    /// Its layers.
    #[must_use]
    pub fn layers(&self) -> &[Descriptor] {
        &self.image.manifest.layers
    }

    /// Whether it is a base that has something of its own at a path. Settings are the root's all the
    /// same: its accounts, its trusted certificates, where its loader looks.
    pub(super) fn keeps(&self, path: &AppPath) -> bool {
        let is_there = || self.merged.get(&self.merged.way_to(path)).is_some();
        self.is_base && !path.is_within(&AppPath::new("/etc")) && is_there()
    }

    /// The layers of a base that were written anew.
    #[must_use]
    pub fn anew(&self) -> &[Anew] {
        &self.anew
    }

    /// The role of the uppermost layer, where it is one of ours.
    pub(super) fn top(&self) -> Option<Owner> {
        let layers = &self.image.manifest.layers;
        let role = layers.last()?.annotation(OWNER)?;
        ROLES
            .into_iter()
            .find(|known| crate::fact::name_of(known) == role)
    }
}

/// Writes a layer of an image anew, when programs read it differently.
fn write_anew(
    from: &Layout,
    image: &mut Image,
    at: usize,
    layout: &Layout,
    level: u32,
) -> Result<Option<Anew>, PackError> {
    let Some(old) = image.manifest.layers.get(at).cloned() else {
        return Ok(None);
    };
    let Some(compression) = layer::compression(&old.media_type) else {
        return Ok(None);
    };
    let limits = Limits::of(old.size);
    let reason = match layer::read(from.blob(&old)?, compression, limits, &mut |_| ()) {
        Ok(_) => return Ok(None),
        Err(fault @ (Fault::Archive(_) | Fault::Entry { .. })) => fault.to_string(),
        // What else is wrong with it is told where it is read.
        Err(_) => return Ok(None),
    };
    let wrong = |fault: Fault| match fault {
        Fault::Write(reason) => PackError::write(std::io::Error::other(reason)),
        fault => PackError::Received(format!(
            "layer {} cannot be written anew: {fault} (it was refused for: {reason})",
            old.digest
        )),
    };
    let mut out = super::layer::begin(layout, level)?;
    let mut open = || Ok(Box::new(from.blob(&old)?) as Box<dyn std::io::Read>);
    let dropped = layer::rewrite(&mut open, compression, limits, &mut out).map_err(wrong)?;
    let out = out.finish().map_err(PackError::write)?;
    let (mut new, diff_id) = super::layer::end(layout, out)?;
    new.annotations = old.annotations;
    let anew = Anew {
        before: old.digest,
        after: new.digest,
        reason,
        dropped,
    };
    if let Some(place) = image.config.rootfs.diff_ids.get_mut(at) {
        *place = diff_id;
    }
    if let Some(place) = image.manifest.layers.get_mut(at) {
        *place = new;
    }
    Ok(Some(anew))
}

/// The tag of the newest hand-over of a layout: that of its only image, or of the one with the most
/// layers that is marked as handed over.
///
/// # Errors
/// When it has no image, or several of which none is marked.
pub fn tag_of(layout: &Layout) -> Result<String, LayoutError> {
    let mut newest: Option<(usize, String)> = None;
    for entry in layout.index()?.manifests {
        let name = entry.annotation(REF_NAME);
        if let (Some(name), Some(_)) = (name, entry.annotation(HANDOVER)) {
            let layers = layout.manifest(&entry)?.layers.len();
            if newest.as_ref().is_none_or(|(most, _)| *most < layers) {
                newest = Some((layers, name.to_owned()));
            }
        }
    }
    if let Some((_, name)) = newest {
        return Ok(name);
    }
    // A registry keeps no marks: the newest is the one with the most layers.
    let mut images = Vec::new();
    for entry in layout.index()?.manifests {
        if let Some(name) = entry.annotation(REF_NAME)
            && entry.media_type == crate::layout::MANIFEST
            && let Ok(Some(image)) = layout.open_image(&entry)
        {
            images.push((image.manifest.layers.len(), name.to_owned()));
        }
    }
    images.sort();
    let most = images.last().map_or(0, |(layers, _)| *layers);
    match images.iter().filter(|(layers, _)| *layers == most).count() {
        1 => Ok(images.pop().map(|(_, name)| name).unwrap_or_default()),
        _ => Err(LayoutError::NoImage(format!(
            "{} has no image with a name that is the newest: give its name with --tag",
            layout.dir().display()
        ))),
    }
}
