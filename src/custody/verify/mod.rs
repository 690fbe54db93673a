//! Verifying an image by a policy: what each layer is and does, who stamped it, and whether the
//! hand-overs are a chain from the first group to the finished image. Nothing is asked of the
//! network, and nothing is unpacked.

mod configuration;
mod handovers;
mod layers;
mod names;
mod signatures;

use super::evidence::{Evidence, is_two_faced};
use super::{Merged, Policy};
use crate::layout::{HANDOVER, Image, Layout, LayoutError, OWNER, REF_NAME};
use crate::policy::Day;
use crate::report::{Custody, CustodyProblem, CustodyVerdict, ProblemKind};

/// What is known while an image is verified.
struct Verifier<'a> {
    layout: &'a Layout,
    policy: &'a Policy,
    image: &'a Image,
    evidence: Evidence,
    found: Custody,
    /// What this host cannot read, which is no fault of the image.
    unreadable: Option<LayoutError>,
}

/// How far an image has come that is verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage<'a> {
    /// It is finished: every role of the policy has handed over, and the last one's image is this.
    Finished,
    /// It was received by this role, which has added its layer and not stamped it yet: all before
    /// it counts.
    Received(&'a str),
}

/// Verifies the image called `tag` of a layout.
///
/// # Errors
/// When nothing can be said: there is no such image, no index, or this host cannot read what is there.
/// What is wrong with an image that is there is in the outcome.
pub fn verify(
    layout: &Layout,
    tag: &str,
    policy: &Policy,
    today: Day,
    stage: Stage<'_>,
) -> Result<Custody, LayoutError> {
    let mut found = Custody {
        image: tag.to_owned(),
        digest: String::new(),
        verdict: CustodyVerdict::Holds,
        layers: Vec::new(),
        handovers: Vec::new(),
        signatures: Vec::new(),
        attested: Vec::new(),
        problems: Vec::new(),
        remarks: Vec::new(),
    };
    if let Some(expires) = policy.expires
        && expires < today
    {
        let message = format!("the policy held until {expires}, and today is {today}");
        found.problem(None, ProblemKind::Expired, message);
    }
    let image = match layout.image(Some(tag), None) {
        Ok(image) => image,
        Err(error @ (LayoutError::NoImage(_) | LayoutError::NoLayout { .. })) => return Err(error),
        Err(error) if error.is_unreadable() => return Err(error),
        Err(error) => {
            let kind = match error {
                LayoutError::Malformed { .. } | LayoutError::TooLarge { .. } => {
                    ProblemKind::Document
                }
                _ => ProblemKind::Blob,
            };
            found.problem(None, kind, error.to_string());
            found.verdict = CustodyVerdict::Broken;
            return Ok(found);
        }
    };
    found.digest = image.descriptor.digest.to_string();
    let evidence = Evidence::read(layout, &image.descriptor.digest)?;
    found.remarks.extend(evidence.unread.iter().cloned());
    let strange = evidence.strange.iter().map(|digest| {
        format!("not judged: the bundle {digest} of Sigstore, which is of no stamp that is here")
    });
    found.remarks.extend(strange);
    let mut verifier = Verifier {
        layout,
        policy,
        image: &image,
        evidence,
        found,
        unreadable: None,
    };
    verifier.documents()?;
    verifier.names()?;
    let mut merged = Merged::new();
    verifier.layers(&mut merged, stage);
    verifier.configuration(&merged);
    verifier.handovers(stage);
    if stage == Stage::Finished {
        verifier.signatures();
        verifier.attested();
    }
    if let Some(error) = verifier.unreadable {
        return Err(error);
    }
    let mut found = verifier.found;
    found.problems.sort();
    found.problems.dedup();
    if !found.problems.is_empty() {
        found.verdict = CustodyVerdict::Broken;
    }
    Ok(found)
}

impl Custody {
    fn problem(&mut self, layer: Option<usize>, kind: ProblemKind, message: String) {
        self.problems.push(CustodyProblem {
            layer,
            kind,
            message,
        });
    }
}

impl Verifier<'_> {
    /// The role that a layer says it is of.
    fn role_of(&self, layer: usize) -> &str {
        let layer = self.image.manifest.layers.get(layer);
        layer
            .and_then(|layer| layer.annotation(OWNER))
            .unwrap_or_default()
    }

    /// The index and the images of earlier hand-overs.
    fn documents(&mut self) -> Result<(), LayoutError> {
        let index = self.layout.index()?;
        let own = self.image.descriptor.digest;
        if is_two_faced(&index, &own) {
            let message = "the index shows cosign another image than the one of this name";
            self.found
                .problem(None, ProblemKind::Document, message.to_owned());
        }
        let tagged = |entry: &&crate::layout::Descriptor| {
            entry.annotation(REF_NAME) == Some(self.found.image.as_str())
        };
        if index.manifests.iter().filter(tagged).count() > 1 {
            let message = format!("{} stands twice in the index", self.found.image);
            self.found.problem(None, ProblemKind::Document, message);
        }
        for entry in &index.manifests {
            let Some(role) = entry.annotation(HANDOVER) else {
                continue;
            };
            if entry.digest == own {
                continue;
            }
            let layers = match self.layout.manifest(entry) {
                Ok(manifest) => manifest.layers,
                Err(error) => {
                    let message = format!("the image that {role} handed over: {error}");
                    self.found.problem(None, ProblemKind::Document, message);
                    continue;
                }
            };
            let ours = self.image.manifest.layers.iter().map(|layer| layer.digest);
            let is_part = layers.len() <= self.image.manifest.layers.len()
                && layers
                    .iter()
                    .map(|layer| layer.digest)
                    .eq(ours.take(layers.len()));
            if !is_part {
                let message = format!(
                    "the image that {role} handed over does not have the lowest layers of this one"
                );
                self.found.problem(None, ProblemKind::Document, message);
            }
        }
        Ok(())
    }
}
