//! Stamping: what a group puts its name to when it hands an image over, after it has verified what it
//! received.

use super::evidence::{Evidence, SignedClaim};
use super::stamp::{self, Document, ImageClaim, LedgerStatement, Link, Stamp, Statement, Subject};
use super::verify::{Stage, verify};
use super::{
    Envelope, IN_TOTO, LEDGER, LEDGERS, Ledger, LedgerCheck, Merged, Policy, PrivateKey, PublicKey,
    beside,
};
use crate::layout::layer::{self, Limits};
use crate::layout::{Descriptor, Digest, HANDOVER, Image, Layout, LayoutError, OWNER, REF_NAME};
use crate::policy::Day;
use crate::report::{CustodyProblem, ProblemKind};

/// The largest ledger that is stamped.
const LEDGER_LIMIT: usize = 256 << 20;

/// What is stamped, by whom.
pub struct Signing<'a> {
    /// The image's name in its layout.
    pub tag: &'a str,
    /// The role that stamps.
    pub role: &'a str,
    /// Its key.
    pub key: &'a PrivateKey,
    /// The name by which the image will be started: `registry.example/team/app:1`.
    pub reference: &'a str,
    /// Whom to trust with the hand-overs before.
    pub policy: Option<&'a Policy>,
    /// The day on which that is asked.
    pub today: Day,
    /// Documents that are bound to the image: kind, content, and what it says in a few words.
    pub documents: Vec<(&'static str, Vec<u8>, String)>,
    /// Whether the finished image is signed by a group that handed over before.
    pub countersign: bool,
    /// The number of the image, which grows from one to the next.
    pub version: Option<u64>,
}

/// What was stamped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed {
    /// The image.
    pub image: Digest,
    /// The layers of the role.
    pub own: Vec<Digest>,
    /// The role whose hand-over was verified, and the digest of its envelope.
    pub previous: Option<(String, Digest)>,
    /// What was written: link, statements and claim, with the digest of each envelope.
    pub written: Vec<(&'static str, Digest)>,
}

/// Why nothing was stamped.
#[derive(Debug, thiserror::Error)]
pub enum SignError {
    /// The layout is not what it should be.
    #[error(transparent)]
    Layout(#[from] LayoutError),
    /// The role has nothing to stamp here, or may not.
    #[error("{0}")]
    NotHere(String),
    /// What was received is not as it should be.
    #[error("what was received is not in order:\n{}", told(.0))]
    Received(Vec<CustodyProblem>),
}

fn told(problems: &[CustodyProblem]) -> String {
    let lines: Vec<String> = problems
        .iter()
        .map(|problem| match problem.layer {
            Some(layer) => format!("  layer {layer}: {}", problem.message),
            None => format!("  {}", problem.message),
        })
        .collect();
    lines.join("\n")
}

/// Stamps a hand-over, or signs the finished image beside others.
///
/// # Errors
/// When there is nothing to stamp for the role, when what it received is not in order, or when the
/// stamp cannot be written. Nothing is changed then.
pub fn sign(layout: &Layout, signing: &Signing<'_>) -> Result<Signed, SignError> {
    // Two groups that stamp at once would each write the index without the other's stamp.
    let _lock = layout.lock()?;
    let newest = layout.image(Some(signing.tag), None)?;
    let image = if signing.countersign {
        newest.clone()
    } else {
        handed(layout, &newest, signing.role)?
    };
    let own = own_layers(&image, signing.role, signing.countersign)?;
    if let Some(policy) = signing.policy {
        let role = policy.role(signing.role).ok_or_else(|| {
            SignError::NotHere(format!("the policy has no role {}", signing.role))
        })?;
        if !role.keys.is_empty() && !role.keys.contains(signing.key.public()) {
            return Err(SignError::NotHere(format!(
                "the key is none of those that the policy gives to {}",
                signing.role
            )));
        }
    }
    let previous = received(layout, signing, &image, own.start)?;
    let ledgers = ledgers(layout, &newest)?;
    sound(layout, &image, own.clone(), &ledgers)?;
    let mut stamper = Stamper {
        signing,
        image: &image,
        evidence: Evidence::read(layout, &image.descriptor.digest)?,
        written: Vec::new(),
    };
    let checked = previous.as_ref().map(|(_, digest)| *digest);
    if !signing.countersign {
        stamper.link(own.start, checked);
        stamper.ledger(ledgers, own.clone());
    }
    stamper.stamp(own.clone(), checked);
    if signing.countersign || image.descriptor.digest == newest.descriptor.digest {
        stamper.documents();
    }
    stamper.claim();
    let Stamper {
        evidence, written, ..
    } = stamper;
    evidence.write(layout, &image.descriptor.digest, &newest.descriptor.digest)?;
    let layers = image.manifest.layers.get(own).unwrap_or_default();
    Ok(Signed {
        image: image.descriptor.digest,
        own: layers.iter().map(|layer| layer.digest).collect(),
        previous,
        written,
    })
}

/// The image that a role hands over: the newest, or one of before that the index still has.
fn handed(layout: &Layout, newest: &Image, role: &str) -> Result<Image, SignError> {
    let top = newest.manifest.layers.last();
    if top.and_then(|layer| layer.annotation(OWNER)) == Some(role) {
        return Ok(newest.clone());
    }
    for entry in layout.index()?.manifests {
        if entry.annotation(HANDOVER) == Some(role)
            && let Some(image) = layout.open_image(&entry)?
        {
            return Ok(image);
        }
    }
    Err(SignError::NotHere(format!(
        "{} has no hand-over of {role}: its uppermost layer is of {}. To sign the finished image \
         beside its own hand-over, a role gives --countersign",
        layout.dir().display(),
        top.and_then(|layer| layer.annotation(OWNER))
            .unwrap_or("nobody")
    )))
}

/// The places of a role's layers: the uppermost, unless it countersigns.
fn own_layers(
    image: &Image,
    role: &str,
    anywhere: bool,
) -> Result<std::ops::Range<usize>, SignError> {
    let layers = &image.manifest.layers;
    let is_own = |layer: &Descriptor| layer.annotation(OWNER) == Some(role);
    let first = layers.iter().position(is_own);
    let Some(first) = first else {
        return Err(SignError::NotHere(format!(
            "no layer of the image is of {role}"
        )));
    };
    let count = layers
        .iter()
        .skip(first)
        .take_while(|layer| is_own(layer))
        .count();
    let end = first + count;
    if !anywhere && end != layers.len() {
        return Err(SignError::NotHere(format!(
            "the layers of {role} are not the uppermost of what it hands over"
        )));
    }
    Ok(first..end)
}

/// Verifies what lies below a role's own layers. The hand-over that it was received from comes
/// back.
fn received(
    layout: &Layout,
    signing: &Signing<'_>,
    image: &Image,
    own: usize,
) -> Result<Option<(String, Digest)>, SignError> {
    if own == 0 && !signing.countersign {
        return first(layout, signing);
    }
    let below = own
        .checked_sub(1)
        .and_then(|at| image.manifest.layers.get(at));
    let before = below
        .and_then(|layer| layer.annotation(OWNER))
        .unwrap_or_default();
    let Some(policy) = signing.policy else {
        return Err(SignError::NotHere(format!(
            "{} signs upon layers of {}: give --policy, since a stamp says that what was received \
             was verified",
            signing.role,
            if before.is_empty() { "others" } else { before }
        )));
    };
    // Who signs the finished image answers for all of it; others may yet have to sign it.
    let stage = if signing.countersign {
        Stage::Finished
    } else {
        Stage::Received(signing.role)
    };
    let mut found = verify(layout, signing.tag, policy, signing.today, stage)?;
    let is_late = |kind| signing.countersign && kind == ProblemKind::Signature;
    found.problems.retain(|problem| !is_late(problem.kind));
    if !found.problems.is_empty() {
        return Err(SignError::Received(found.problems));
    }
    if own == 0 {
        return Ok(None);
    }
    let evidence = Evidence::read(layout, &image.descriptor.digest)?;
    let layers = image.manifest.layers.get(..own).unwrap_or_default();
    let envelope = link_of(policy, &evidence, before, layers)
        .ok_or_else(|| SignError::NotHere(format!("{before} has not stamped what was received")))?;
    Ok(Some((before.to_owned(), envelope.digest())))
}

/// Looks at what the first role hands over: it received nothing, but does not put its name to an
/// archive that leads astray, or to what it may not touch.
fn first(layout: &Layout, signing: &Signing<'_>) -> Result<Option<(String, Digest)>, SignError> {
    let built_in = Policy::built_in();
    let policy = signing.policy.unwrap_or(&built_in);
    if policy.role(signing.role).is_none() {
        // Only the built-in rules may lack it: a policy that is given was asked before. Its archive is
        // looked at all the same.
        return Ok(None);
    }
    let stage = Stage::Received(signing.role);
    let found = verify(layout, signing.tag, policy, signing.today, stage)?;
    if found.problems.is_empty() {
        Ok(None)
    } else {
        Err(SignError::Received(found.problems))
    }
}

/// The link by which a role handed over these layers, by a key of its own. Where several of its keys
/// signed one, any of them is the hand-over that goes on.
fn link_of<'a>(
    policy: &Policy,
    evidence: &'a Evidence,
    role: &str,
    layers: &[Descriptor],
) -> Option<&'a Envelope> {
    let keys = &policy.role(role)?.keys;
    let products = Link::new(role, layers, 0, None).products;
    evidence.envelopes.iter().find(|envelope| {
        Link::read(&envelope.payload)
            .is_some_and(|link| link.name == role && link.products == products)
            && !envelope.signers(keys).is_empty()
    })
}

/// Whether a role's own layers are what the image says, and their ledgers tell what is in them,
/// before it puts its name to both.
fn sound(
    layout: &Layout,
    image: &Image,
    own: std::ops::Range<usize>,
    ledgers: &[Ledger],
) -> Result<(), SignError> {
    let mut merged = Merged::new();
    let is_first = own.start == 0;
    for at in own {
        let layer = image.manifest.layers.get(at);
        let Some((layer, diff_id)) = layer.zip(image.config.rootfs.diff_ids.get(at)) else {
            continue;
        };
        let wrong = |why: String| SignError::NotHere(format!("its own layer {at}: {why}"));
        let compression = layer::compression(&layer.media_type)
            .ok_or_else(|| wrong(format!("a layer of the form {}", layer.media_type)))?;
        let blob = layout.blob(layer)?;
        let ledger = ledgers.iter().find(|ledger| ledger.layer == layer.digest);
        let mut check = ledger.map(LedgerCheck::new);
        merged.begin(layer.annotation(OWNER).unwrap_or_default());
        let summary = layer::read(blob, compression, Limits::of(layer.size), &mut |entry| {
            merged.entry(&entry);
            if let Some(check) = &mut check {
                check.entry(&entry);
            }
        })
        .map_err(|fault| wrong(fault.to_string()))?;
        // Of later roles, whose layers lie upon others, this was asked with what was received.
        if let Some(trick) = merged.end().tricks.first().filter(|_| is_first) {
            return Err(wrong(format!("{}: {}", trick.path, trick.reason)));
        }
        if summary.diff_id != *diff_id {
            return Err(wrong(format!("uncompressed it is {}", summary.diff_id)));
        }
        let told = check.map_or(Ok(()), LedgerCheck::finish);
        told.map_err(|told| wrong(format!("its ledger: {}", told.join("; "))))?;
    }
    Ok(())
}

/// A stamp while it is made.
struct Stamper<'a> {
    signing: &'a Signing<'a>,
    image: &'a Image,
    evidence: Evidence,
    written: Vec<(&'static str, Digest)>,
}

impl Stamper<'_> {
    /// Signs a document and puts it in the place of the one that `is_old` knows and the same key
    /// has signed.
    fn put(&mut self, what: &'static str, payload: &[u8], is_old: impl Fn(&Envelope) -> bool) {
        let key: &PublicKey = self.signing.key.public();
        let envelope = Envelope::sign(IN_TOTO, payload, self.signing.key);
        self.evidence
            .envelopes
            .retain(|old| !is_old(old) || old.signers([key]).is_empty());
        self.written.push((what, envelope.digest()));
        self.evidence.envelopes.push(envelope);
    }

    /// The hand-over as a step of in-toto.
    fn link(&mut self, received: usize, previous: Option<Digest>) {
        let role = self.signing.role;
        let layers = &self.image.manifest.layers;
        let link = Link::new(role, layers, received, previous);
        let payload = serde_json::to_vec(&link).unwrap_or_default();
        self.put("link", &payload, |old| {
            Link::read(&old.payload).is_some_and(|link| link.name == role)
        });
    }

    /// The stamp on the image and the role's own layers.
    fn stamp(&mut self, own: std::ops::Range<usize>, checked_previous: Option<Digest>) {
        let role = self.signing.role;
        let countersigns = self.signing.countersign;
        // Without a policy that asks for it a stamp has no day: to stamp again changes nothing.
        let policy = self.signing.policy;
        let asked = policy.is_some_and(|policy| policy.not_before.is_some());
        let image = self.image.descriptor.digest;
        let mut subjects = vec![Subject::new(self.signing.reference, &image)];
        for at in own {
            if let Some(layer) = self.image.manifest.layers.get(at) {
                subjects.push(Subject::new(stamp::artifact(at, layer), &layer.digest));
            }
        }
        let stamp = Stamp {
            role: role.to_owned(),
            image,
            diff_ids: self.image.config.rootfs.diff_ids.clone(),
            checked_previous,
            countersigns,
            version: self.signing.version,
            made: asked.then_some(self.signing.today),
        };
        let statement = Statement::new(stamp::STAMP, subjects, stamp);
        let payload = serde_json::to_vec(&statement).unwrap_or_default();
        self.put("stamp", &payload, |old| {
            Statement::<Stamp>::read(&old.payload, stamp::STAMP).is_some_and(|old| {
                old.predicate.role == role && old.predicate.countersigns == countersigns
            })
        });
    }

    /// The ledgers of the role's own layers, where pack has left some.
    fn ledger(&mut self, ledgers: Vec<Ledger>, own: std::ops::Range<usize>) {
        let layers = self.image.manifest.layers.get(own).unwrap_or_default();
        for ledger in ledgers {
            if !layers.iter().any(|layer| layer.digest == ledger.layer) {
                continue;
            }
            let layer = ledger.layer;
            let subjects = vec![Subject::new(format!("{} layer", ledger.role), &layer)];
            let statement = Statement::new(stamp::LEDGER, subjects, ledger);
            let payload = serde_json::to_vec(&statement).unwrap_or_default();
            self.put("ledger", &payload, |old| {
                LedgerStatement::read(&old.payload, stamp::LEDGER)
                    .is_some_and(|old| old.predicate.layer == layer)
            });
        }
    }

    /// The documents that are bound to the image.
    fn documents(&mut self) {
        let image = self.image.descriptor.digest;
        let role = self.signing.role;
        for (kind, content, says) in &self.signing.documents {
            let digest = Digest::of(content);
            let document = Document {
                kind: (*kind).to_owned(),
                role: role.to_owned(),
                digest,
                says: says.clone(),
            };
            let subjects = vec![
                Subject::new(self.signing.reference, &image),
                Subject::new(*kind, &digest),
            ];
            let statement = Statement::new(stamp::DOCUMENT, subjects, document);
            let payload = serde_json::to_vec(&statement).unwrap_or_default();
            self.put(kind, &payload, |old| {
                Statement::<Document>::read(&old.payload, stamp::DOCUMENT).is_some_and(|old| {
                    old.predicate.kind == *kind
                        && old.predicate.role == role
                        && old.is_about(&image)
                })
            });
        }
    }

    /// Cosign's claim on the manifest.
    fn claim(&mut self) {
        use base64::Engine as _;
        let image = self.image.descriptor.digest;
        let claim = ImageClaim::new(self.signing.role, image, self.signing.reference);
        let payload = serde_json::to_vec(&claim).unwrap_or_default();
        let key = self.signing.key;
        let signature = base64::engine::general_purpose::STANDARD.encode(key.sign(&payload));
        self.evidence.claims.retain(|old| !old.is_of(key.public()));
        self.written.push(("claim", Digest::of(&payload)));
        self.evidence
            .claims
            .push(SignedClaim { payload, signature });
    }
}

/// The ledgers that lie beside an image.
fn ledgers(layout: &Layout, image: &Image) -> Result<Vec<Ledger>, SignError> {
    let name = beside(&image.descriptor.digest, "ledger");
    let mut found = Vec::new();
    for entry in layout.index()?.manifests {
        if entry.annotation(REF_NAME) != Some(&name) {
            continue;
        }
        let manifest = layout.manifest(&entry)?;
        if manifest.artifact_type.as_deref() != Some(LEDGERS) {
            continue;
        }
        for blob in manifest
            .layers
            .iter()
            .filter(|blob| blob.media_type == LEDGER)
        {
            let bytes = layout.read(blob, LEDGER_LIMIT)?;
            let ledger =
                crate::layout::unambiguous(&bytes).map_err(|error| LayoutError::Malformed {
                    what: format!("ledger {}", blob.digest),
                    reason: error.to_string(),
                })?;
            found.push(ledger);
        }
    }
    Ok(found)
}
