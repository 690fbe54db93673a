//! The index of a layout: the newest image, what was handed over before it, and the ledgers.

use std::collections::BTreeMap;

use super::{PackError, Packed};
use crate::layout::{Descriptor, Index, Layout, LayoutError, MANIFEST, Manifest, REF_NAME};

/// The artifact that gathers the ledgers of an image, under a name that its digest tells.
pub(super) fn ledgers_of(
    layout: &Layout,
    image: &Descriptor,
    ledgers: Vec<Descriptor>,
) -> Result<Descriptor, PackError> {
    let empty = layout.put("application/vnd.oci.empty.v1+json", b"{}")?;
    let manifest = Manifest {
        schema_version: 2,
        media_type: Some(MANIFEST.to_owned()),
        artifact_type: Some("application/vnd.seaworthy.ledgers.v1".to_owned()),
        config: empty,
        layers: ledgers,
        annotations: BTreeMap::new(),
        other: BTreeMap::new(),
    };
    let bytes = serde_json::to_vec(&manifest).map_err(|error| PackError::write(error.into()))?;
    let mut descriptor = layout.put(MANIFEST, &bytes)?;
    let name = format!("sha256-{}.ledger", image.digest.hex());
    descriptor.annotations.insert(REF_NAME.to_owned(), name);
    Ok(descriptor)
}

/// The index: the newest image under its tag, what was handed over before under the tag and its
/// role, and what belongs to them.
pub(super) fn index(
    handovers: Vec<(String, Descriptor)>,
    others: Vec<Descriptor>,
    tag: &str,
) -> Index {
    let mut index = Index::empty();
    let last = handovers.len().saturating_sub(1);
    for (at, (role, mut descriptor)) in handovers.into_iter().enumerate() {
        let name = if at == last {
            tag.to_owned()
        } else {
            format!("{tag}-{role}")
        };
        descriptor.annotations.insert(REF_NAME.to_owned(), name);
        index.manifests.push(descriptor);
    }
    // The newest first: programs that take one image of several take the first.
    index.manifests.reverse();
    index.manifests.extend(others);
    for entry in &mut index.manifests {
        // Cosign's mark of the newest image: the one that had it is not the newest any more.
        entry.annotations.remove("kind");
    }
    index
}

/// The ledgers of the layers that were packed now, as a JSON array.
///
/// # Errors
/// When one cannot be read back.
pub fn ledgers(layout: &Layout, packed: &Packed) -> Result<Vec<u8>, LayoutError> {
    let mut all = vec![b'['];
    for (at, layer) in packed.layers.iter().enumerate() {
        if at > 0 {
            all.extend_from_slice(b",\n");
        }
        let limit = usize::try_from(layer.ledger.size).unwrap_or(usize::MAX);
        all.extend(layout.read(&layer.ledger, limit)?);
    }
    all.extend_from_slice(b"]\n");
    Ok(all)
}
