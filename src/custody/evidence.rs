//! What was signed of an image and lies beside it in its layout, in the forms in which cosign keeps
//! it: signatures in a manifest called `sha256-HEX.sig`, envelopes in one called `sha256-HEX.att`.

use std::collections::BTreeMap;

use super::stamp::STAMP;
use super::{EMPTY, Envelope, PublicKey, beside};
use crate::layout::{
    CONFIG, Descriptor, Digest, Index, Layout, LayoutError, MANIFEST, Manifest, REF_NAME,
};

/// The media type of a claim that is signed.
pub const CLAIM: &str = "application/vnd.dev.cosign.simplesigning.v1+json";
/// The media type of an envelope.
pub const ENVELOPE: &str = "application/vnd.dsse.envelope.v1+json";
/// The media type of a bundle of Sigstore.
const BUNDLE: &str = "application/vnd.dev.sigstore.bundle.v0.3+json";
/// The annotation with the signature of a claim; of an envelope, which has its own, it is empty,
/// and cosign refuses all of them where one has none.
const SIGNATURE: &str = "dev.cosignproject.cosign/signature";
/// The annotation by which cosign finds the image, its signatures and envelopes in a layout: it
/// takes the first of each kind, so that only the newest image's have one.
const KIND: &str = "kind";
const IMAGE_KIND: &str = "dev.cosignproject.cosign/image";

/// The most claims, envelopes, and bytes of one that are read.
const MANY: usize = 1000;
const CLAIM_LIMIT: usize = 64 << 10;
const ENVELOPE_LIMIT: usize = 256 << 20;
/// What is read of all of them together.
const ALL_LIMIT: usize = 1 << 30;

/// A claim with its signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedClaim {
    /// The bytes that are signed.
    pub payload: Vec<u8>,
    /// The signature, ASN.1 in DER in base64.
    pub signature: String,
}

impl SignedClaim {
    /// Whether `key` has signed it.
    #[must_use]
    pub fn is_of(&self, key: &PublicKey) -> bool {
        use base64::Engine as _;
        let signature = base64::engine::general_purpose::STANDARD.decode(&self.signature);
        signature.is_ok_and(|signature| key.verifies(&self.payload, &signature))
    }
}

/// What was signed of an image.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Evidence {
    /// The claims on its manifest.
    pub claims: Vec<SignedClaim>,
    /// The envelopes on it, its layers, and the hand-overs before it.
    pub envelopes: Vec<Envelope>,
    /// What could not be read of it.
    pub unread: Vec<String>,
    /// The bundles of Sigstore on it that say something else than its envelopes.
    pub strange: Vec<Digest>,
    /// Bytes that were read.
    read: usize,
}

impl Evidence {
    /// Reads what lies beside `image`: its claims, and the envelopes of every image of the layout,
    /// since those of earlier hand-overs stay where they were put until somebody signs again.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn read(layout: &Layout, image: &Digest) -> Result<Self, LayoutError> {
        let mut found = Self::default();
        let claims = beside(image, "sig");
        let index = layout.index()?;
        for entry in &index.manifests {
            let name = entry.annotation(REF_NAME).unwrap_or_default();
            let is_claims = name == claims;
            let is_envelopes = name.starts_with("sha256-") && name.ends_with(".att");
            if !is_claims && !is_envelopes {
                continue;
            }
            match layout.manifest(entry) {
                Ok(manifest) => found.blobs(layout, &manifest, is_claims),
                Err(error) => found.unread.push(format!("{name}: {error}")),
            }
        }
        let bundles = beside(image, "bundle");
        for entry in &index.manifests {
            if entry.annotation(REF_NAME) == Some(&bundles) {
                found.compare(layout, entry);
            }
        }
        Ok(found)
    }

    /// Looks at what Sigstore's programs find: it must be the envelopes, in their form.
    fn compare(&mut self, layout: &Layout, entry: &Descriptor) {
        let manifest = match layout.manifest(entry) {
            Ok(manifest) => manifest,
            Err(error) => return self.unread.push(format!("bundles: {error}")),
        };
        let own: Vec<Vec<u8>> = self.envelopes.iter().filter_map(Envelope::bundle).collect();
        for blob in manifest.layers.iter().take(MANY) {
            let limit = ENVELOPE_LIMIT.min(ALL_LIMIT.saturating_sub(self.read));
            let bytes = layout.read(blob, limit).unwrap_or_default();
            self.read += bytes.len();
            if !own.contains(&bytes) {
                self.strange.push(blob.digest);
            }
        }
    }

    fn blobs(&mut self, layout: &Layout, manifest: &Manifest, is_claims: bool) {
        if manifest.layers.len() > MANY {
            let message = format!("more than {MANY} in one manifest: the rest is not read");
            self.unread.push(message);
        }
        for blob in manifest.layers.iter().take(MANY) {
            let limit = if is_claims {
                CLAIM_LIMIT
            } else {
                ENVELOPE_LIMIT
            };
            let limit = limit.min(ALL_LIMIT.saturating_sub(self.read));
            let bytes = match layout.read(blob, limit) {
                Ok(bytes) => {
                    self.read += bytes.len();
                    bytes
                }
                Err(error) => {
                    self.unread.push(error.to_string());
                    continue;
                }
            };
            if is_claims && blob.media_type == CLAIM {
                self.claims.push(SignedClaim {
                    payload: bytes,
                    signature: blob.annotation(SIGNATURE).unwrap_or_default().to_owned(),
                });
            } else if !is_claims && blob.media_type == ENVELOPE {
                match Envelope::read(&bytes) {
                    Ok(envelope) if !self.envelopes.contains(&envelope) => {
                        self.envelopes.push(envelope);
                    }
                    Ok(_) => {}
                    Err(error) => self
                        .unread
                        .push(format!("envelope {}: {error}", blob.digest)),
                }
            }
        }
    }

    /// Writes it beside `image`, in place of what was there; the entries of the newest image
    /// `newest` are marked for cosign, all others not.
    ///
    /// # Errors
    /// When something cannot be written.
    pub fn write(
        &self,
        layout: &Layout,
        image: &Digest,
        newest: &Digest,
    ) -> Result<(), LayoutError> {
        let mut claims = Vec::new();
        for claim in &self.claims {
            let mut blob = layout.put(CLAIM, &claim.payload)?;
            blob.annotations
                .insert(SIGNATURE.to_owned(), claim.signature.clone());
            claims.push(blob);
        }
        let mut envelopes = Vec::new();
        for envelope in &self.envelopes {
            let mut blob = layout.put(ENVELOPE, envelope.as_bytes())?;
            blob.annotations.insert(SIGNATURE.to_owned(), String::new());
            if let Some(kind) = predicate(envelope) {
                blob.annotations.insert("predicateType".to_owned(), kind);
            }
            envelopes.push(blob);
        }
        let mut index = layout.index()?;
        if !claims.is_empty() {
            set(layout, &mut index, &beside(image, "sig"), claims)?;
        }
        if !envelopes.is_empty() {
            set(layout, &mut index, &beside(newest, "att"), envelopes)?;
        }
        let bundles = self.bundles(layout)?;
        if !bundles.is_empty() {
            let image = index.manifests.iter().find(|entry| entry.digest == *newest);
            let subject = image.map(|image| {
                serde_json::json!({
                    "mediaType": image.media_type,
                    "digest": image.digest,
                    "size": image.size,
                })
            });
            let manifest = Manifest {
                schema_version: 2,
                media_type: Some(MANIFEST.to_owned()),
                artifact_type: Some(BUNDLE.to_owned()),
                config: layout.put(EMPTY, b"{}")?,
                layers: bundles,
                annotations: BTreeMap::new(),
                other: subject
                    .map(|subject| ("subject".to_owned(), subject))
                    .into_iter()
                    .collect(),
            };
            enter(layout, &mut index, &beside(newest, "bundle"), &manifest)?;
        }
        mark(&mut index, newest);
        layout.save(&index)
    }

    /// The stamps in Sigstore's own form, which later programs of theirs look for.
    fn bundles(&self, layout: &Layout) -> Result<Vec<Descriptor>, LayoutError> {
        let mut bundles = Vec::new();
        for envelope in &self.envelopes {
            if predicate(envelope).as_deref() == Some(STAMP)
                && let Some(bundle) = envelope.bundle()
            {
                bundles.push(layout.put(BUNDLE, &bundle)?);
            }
        }
        Ok(bundles)
    }
}

/// What an envelope is of, for those who look it up.
fn predicate(envelope: &Envelope) -> Option<String> {
    let value: serde_json::Value = crate::layout::unambiguous(&envelope.payload).ok()?;
    Some(value.get("predicateType")?.as_str()?.to_owned())
}

/// Puts a manifest of blobs into the index under a name. Its configuration is the one that every
/// reader of cosign's takes.
fn set(
    layout: &Layout,
    index: &mut Index,
    name: &str,
    blobs: Vec<Descriptor>,
) -> Result<(), LayoutError> {
    let digests: Vec<String> = blobs.iter().map(|blob| blob.digest.to_string()).collect();
    let config = serde_json::json!({
        "architecture": "",
        "config": {},
        "created": "0001-01-01T00:00:00Z",
        "history": [],
        "os": "",
        "rootfs": {"type": "layers", "diff_ids": digests},
    });
    let config = layout.put(CONFIG, config.to_string().as_bytes())?;
    let manifest = Manifest {
        schema_version: 2,
        media_type: Some(MANIFEST.to_owned()),
        artifact_type: None,
        config,
        layers: blobs,
        annotations: BTreeMap::new(),
        other: BTreeMap::new(),
    };
    enter(layout, index, name, &manifest)
}

/// Puts a manifest into the index under a name, in place of what had it.
fn enter(
    layout: &Layout,
    index: &mut Index,
    name: &str,
    manifest: &Manifest,
) -> Result<(), LayoutError> {
    let bytes = serde_json::to_vec(manifest)
        .map_err(|error| LayoutError::NoImage(format!("{name}: {error}")))?;
    let mut entry = layout.put(MANIFEST, &bytes)?;
    entry
        .annotations
        .insert(REF_NAME.to_owned(), name.to_owned());
    index
        .manifests
        .retain(|old| old.annotation(REF_NAME) != Some(name));
    index.manifests.push(entry);
    Ok(())
}

/// Marks the newest image and what belongs to it, and nothing else.
fn mark(index: &mut Index, newest: &Digest) {
    let marks = [
        (beside(newest, "sig"), "dev.cosignproject.cosign/sigs"),
        (beside(newest, "att"), "dev.cosignproject.cosign/atts"),
    ];
    for entry in &mut index.manifests {
        entry.annotations.remove(KIND);
        let name = entry.annotation(REF_NAME).unwrap_or_default();
        let kind = marks
            .iter()
            .find(|(own, _)| own == name)
            .map(|(_, kind)| *kind);
        let kind = kind.or((entry.digest == *newest).then_some(IMAGE_KIND));
        if let Some(kind) = kind {
            entry.annotations.insert(KIND.to_owned(), kind.to_owned());
        }
    }
}

/// Whether the index shows cosign another image than the one that goes by the tag.
pub(super) fn is_two_faced(index: &Index, image: &Digest) -> bool {
    let mut marked = index
        .manifests
        .iter()
        .filter(|entry| entry.annotation(KIND) == Some(IMAGE_KIND));
    marked.next().is_some_and(|entry| entry.digest != *image)
}
