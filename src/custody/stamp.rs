//! What groups sign: the link of a hand-over, statements on an image, and cosign's payload on a
//! manifest.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Envelope, IN_TOTO, Ledger};
use crate::layout::{Descriptor, Digest, OWNER};
use crate::policy::Day;

/// The predicate of a stamp: what a group hands over, and that it verified what it received.
pub(super) const STAMP: &str = "urn:seaworthy:stamp:1";
/// The predicate of a ledger.
pub(super) const LEDGER: &str = "urn:seaworthy:ledger:1";
/// The predicate of a document that is bound to an image: a report or a plan.
pub(super) const DOCUMENT: &str = "urn:seaworthy:document:1";

/// The type of in-toto's statements (<https://github.com/in-toto/attestation>, spec/v1).
const STATEMENT: &str = "https://in-toto.io/Statement/v1";

/// The type of cosign's payloads (its SIGNATURE_SPEC.md).
const COSIGN: &str = "cosign container image signature";

/// The digests of an artifact by algorithm; here always sha256 alone.
type Sums = BTreeMap<String, String>;

/// A hand-over as a step of in-toto (its specification, 4.4): the layers received and those handed
/// on, by the names of their files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    #[serde(rename = "_type")]
    kind: String,
    /// The step: the role.
    pub name: String,
    command: Vec<String>,
    /// What was received.
    pub materials: BTreeMap<String, Sums>,
    /// What is handed on.
    pub products: BTreeMap<String, Sums>,
    /// Beside in-toto's own: the digest of the envelope of the hand-over before, and of the image.
    pub byproducts: BTreeMap<String, String>,
    environment: BTreeMap<String, String>,
}

/// Where a link tells the digest of the hand-over's envelope before it.
const PREVIOUS: &str = "seaworthy.previous";

impl Link {
    /// The link of a role that puts its layers upon the first `received` ones.
    #[must_use]
    pub fn new(
        role: &str,
        layers: &[Descriptor],
        received: usize,
        previous: Option<Digest>,
    ) -> Self {
        let named = artifacts(layers);
        let received = layers.len().min(received);
        let previous = previous.map(|digest| (PREVIOUS.to_owned(), digest.hex()));
        Self {
            kind: "link".to_owned(),
            name: role.to_owned(),
            command: Vec::new(),
            materials: named.iter().take(received).cloned().collect(),
            products: named.into_iter().collect(),
            byproducts: previous.into_iter().collect(),
            environment: BTreeMap::new(),
        }
    }

    /// Reads a payload; None where it is no link.
    #[must_use]
    pub fn read(payload: &[u8]) -> Option<Self> {
        let link: Self = crate::layout::unambiguous(payload).ok()?;
        (link.kind == "link").then_some(link)
    }

    /// The digest of the envelope of the hand-over before.
    #[must_use]
    pub fn previous(&self) -> Option<&str> {
        self.byproducts.get(PREVIOUS).map(String::as_str)
    }
}

/// Layers as in-toto's artifacts: file name and digests.
fn artifacts(layers: &[Descriptor]) -> Vec<(String, Sums)> {
    let mut named = Vec::new();
    for (at, layer) in layers.iter().enumerate() {
        named.push((artifact(at, layer), sums(&layer.digest)));
    }
    named
}

/// The name of a layer's file: its place and its role.
#[must_use]
pub fn artifact(at: usize, layer: &Descriptor) -> String {
    // It becomes the name of a file, and comes from whoever made the image.
    let is_plain = |role: &&str| {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
        !role.is_empty() && role.bytes().all(fits)
    };
    let role = layer.annotation(OWNER).filter(is_plain).unwrap_or("nobody");
    let end = match layer.media_type.rsplit(['.', '+']).next() {
        Some("gzip") => "tar.gz",
        Some("zstd") => "tar.zst",
        _ => "tar",
    };
    format!("layers/{at:02}-{role}.{end}")
}

fn sums(digest: &Digest) -> Sums {
    BTreeMap::from([("sha256".to_owned(), digest.hex())])
}

/// A statement of in-toto on some blobs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Statement<P> {
    #[serde(rename = "_type")]
    kind: String,
    /// What it is about.
    pub subject: Vec<Subject>,
    /// What the predicate is.
    pub predicate_type: String,
    /// What it says.
    pub predicate: P,
}

/// Something that a statement is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subject {
    /// A name.
    pub name: String,
    /// Its digests.
    pub digest: Sums,
}

impl Subject {
    /// A blob.
    #[must_use]
    pub fn new(name: impl Into<String>, digest: &Digest) -> Self {
        Self {
            name: name.into(),
            digest: sums(digest),
        }
    }
}

impl<P: Serialize + for<'de> Deserialize<'de>> Statement<P> {
    /// A statement.
    #[must_use]
    pub fn new(predicate_type: &str, subject: Vec<Subject>, predicate: P) -> Self {
        Self {
            kind: STATEMENT.to_owned(),
            subject,
            predicate_type: predicate_type.to_owned(),
            predicate,
        }
    }

    /// Reads a payload; None where it is none with this predicate.
    #[must_use]
    pub fn read(payload: &[u8], predicate_type: &str) -> Option<Self> {
        let head: Head = crate::layout::unambiguous(payload).ok()?;
        if head.kind != STATEMENT || head.predicate_type != predicate_type {
            return None;
        }
        crate::layout::unambiguous(payload).ok()
    }

    /// Whether it is about the blob.
    #[must_use]
    pub fn is_about(&self, digest: &Digest) -> bool {
        let hex = digest.hex();
        let mut subjects = self.subject.iter();
        subjects.any(|subject| subject.digest.get("sha256") == Some(&hex))
    }
}

/// What tells whether a payload is worth reading whole.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Head {
    #[serde(rename = "_type")]
    kind: String,
    predicate_type: String,
}

/// What a stamp says. A member that this version does not know is not passed over: who wrote it
/// meant something by it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Stamp {
    /// The role.
    pub role: String,
    /// The image that it hands over, or countersigns.
    pub image: Digest,
    /// The layers of the image, uncompressed.
    pub diff_ids: Vec<Digest>,
    /// The digest of the envelope of the hand-over before, which was verified.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checked_previous: Option<Digest>,
    /// Whether it is of the finished image, by a group that handed over before.
    #[serde(default)]
    pub countersigns: bool,
    /// The number of the image among those that its group has handed over, which grows, so that a policy
    /// can refuse older ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<u64>,
    /// The day on which it was made, where a policy asks for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub made: Option<Day>,
}

/// The stamp in an envelope; None where it holds something else, says to be of another type, or has
/// members that are not understood.
pub(super) fn stamp_of(envelope: &Envelope) -> Option<Statement<Stamp>> {
    let is_statement = envelope.payload_type == IN_TOTO;
    is_statement
        .then(|| Statement::read(&envelope.payload, STAMP))
        .flatten()
}

/// A document that is bound to an image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Document {
    /// `report` or `plan`.
    pub kind: String,
    /// The role that binds it.
    pub role: String,
    /// Its digest.
    pub digest: Digest,
    /// What it says in a few words.
    pub says: String,
}

/// The statement that holds a ledger.
pub(super) type LedgerStatement = Statement<Ledger>;

/// What cosign, skopeo and podman want signed of a manifest. Any other member, here or in `critical`,
/// makes skopeo refuse it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImageClaim {
    critical: Critical,
    /// What whoever signed it adds.
    #[serde(default)]
    pub optional: Option<BTreeMap<String, serde_json::Value>>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Critical {
    identity: Identity,
    image: ImageDigest,
    #[serde(rename = "type")]
    kind: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Identity {
    #[serde(rename = "docker-reference")]
    reference: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ImageDigest {
    #[serde(rename = "docker-manifest-digest")]
    digest: Digest,
}

impl ImageClaim {
    /// The claim of a role that `image` is what goes by the name `reference`.
    #[must_use]
    pub fn new(role: &str, image: Digest, reference: &str) -> Self {
        Self {
            critical: Critical {
                identity: Identity {
                    reference: reference.to_owned(),
                },
                image: ImageDigest { digest: image },
                kind: COSIGN.to_owned(),
            },
            optional: Some(BTreeMap::from([("owner".to_owned(), role.into())])),
        }
    }

    /// Reads a payload.
    ///
    /// # Errors
    /// When it is none, or has something critical that is not known.
    pub fn read(payload: &[u8]) -> Result<Self, String> {
        let claim: Self = crate::layout::unambiguous(payload).map_err(|error| error.to_string())?;
        if claim.critical.kind != COSIGN {
            return Err(format!("a claim of the type {:?}", claim.critical.kind));
        }
        Ok(claim)
    }

    /// The image's name.
    #[must_use]
    pub fn reference(&self) -> &str {
        &self.critical.identity.reference
    }

    /// The digest of its manifest.
    #[must_use]
    pub fn image(&self) -> &Digest {
        &self.critical.image.digest
    }
}
