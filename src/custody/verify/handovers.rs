//! The hand-overs: each role's link, what it received and handed on, and whether that was what the
//! role before it had handed on.

use std::collections::BTreeSet;

use super::super::stamp::{self, Link, Stamp, Statement};
use super::super::{Envelope, PublicKey, Role};
use super::{Stage, Verifier};
use crate::report::{Handover, ProblemKind};

impl Verifier<'_> {
    /// Looks at each role's hand-over, the first one first.
    pub(super) fn handovers(&mut self, stage: Stage<'_>) {
        let mut received = 0;
        // The envelopes of the hand-over before, and whose it was.
        let mut before: Option<(String, Vec<String>)> = None;
        for role in &self.policy.roles {
            if stage == Stage::Received(&role.name) {
                break;
            }
            let own = (received..self.image.manifest.layers.len())
                .take_while(|at| self.role_of(*at) == role.name)
                .count();
            if own == 0 {
                let message = format!("no layer is of {}, which the policy asks for", role.name);
                self.found.problem(None, ProblemKind::Unstamped, message);
                continue;
            }
            let handed = received + own;
            before = Some(self.handover(role, received, handed, before.as_ref()));
            received = handed;
        }
    }

    /// Looks at the hand-over of the layers `received..handed`; its role and envelopes come back.
    fn handover(
        &mut self,
        role: &Role,
        received: usize,
        handed: usize,
        before: Option<&(String, Vec<String>)>,
    ) -> (String, Vec<String>) {
        let layers = self.image.manifest.layers.get(..handed).unwrap_or_default();
        let want = Link::new(&role.name, layers, received, None);
        let mut keys: BTreeSet<&PublicKey> = BTreeSet::new();
        let mut envelopes = Vec::new();
        let (mut strangers, mut others, mut unverified) = (BTreeSet::new(), 0, 0);
        let links: Vec<(Envelope, Link)> = self
            .evidence
            .envelopes
            .iter()
            .filter_map(|envelope| Some((envelope.clone(), link(envelope)?)))
            .filter(|(_, link)| link.name == role.name)
            .collect();
        for (envelope, link) in &links {
            let signers = envelope.signers(&role.keys);
            if signers.is_empty() {
                strangers.insert(self.signer(envelope));
                continue;
            }
            if (&link.materials, &link.products) != (&want.materials, &want.products) {
                others += 1;
                continue;
            }
            let follows = match (before, link.previous()) {
                (None, _) => true,
                (Some((_, known)), Some(previous)) => known.iter().any(|own| own == previous),
                (Some(_), None) => false,
            };
            if !follows {
                unverified += 1;
                continue;
            }
            envelopes.push(envelope.digest().hex());
            keys.extend(signers);
        }
        let is_stamped = keys.len() >= role.threshold;
        let shown = Handover {
            role: role.name.clone(),
            layers: handed,
            image: self.handed_image(role, handed),
            keys: keys.iter().map(|key| key.short()).collect(),
            is_stamped,
            received_verified: before.map(|_| is_stamped),
        };
        self.found.handovers.push(shown);
        if !is_stamped {
            let layer = handed.checked_sub(1);
            let (kind, message) = if unverified > 0 {
                let who = before.map_or("", |(role, _)| role);
                let message = format!(
                    "{} stamped it upon another hand-over of {who} than the one that is here, or \
                     without having verified one",
                    role.name
                );
                (ProblemKind::Chain, message)
            } else if others > 0 {
                let message = format!("the stamp of {} is of other layers than these", role.name);
                (ProblemKind::OtherLayers, message)
            } else if !strangers.is_empty() {
                let who: Vec<String> = strangers.into_iter().collect();
                let message = format!("the stamp of {} is signed by {}", role.name, who.join(", "));
                (ProblemKind::WrongKey, message)
            } else if keys.is_empty() {
                (
                    ProblemKind::Unstamped,
                    format!("{} has not stamped it", role.name),
                )
            } else {
                let message = format!(
                    "{} of the {} keys of {} that the policy asks for have stamped it",
                    keys.len(),
                    role.threshold,
                    role.name
                );
                (ProblemKind::Unstamped, message)
            };
            self.found.problem(layer, kind, message);
        }
        (role.name.clone(), envelopes)
    }

    /// The digest of the image that a role handed over, by its own word.
    fn handed_image(&self, role: &Role, handed: usize) -> Option<String> {
        let diff_ids = self.image.config.rootfs.diff_ids.get(..handed)?;
        let mut stamps = self.evidence.envelopes.iter().filter_map(|envelope| {
            let statement = Statement::<Stamp>::read(&envelope.payload, stamp::STAMP)?;
            let is_of_it = statement.predicate.role == role.name
                && !statement.predicate.countersigns
                && statement.predicate.diff_ids == diff_ids
                && !envelope.signers(&role.keys).is_empty();
            is_of_it.then(|| statement.predicate.image.to_string())
        });
        stamps.next_back()
    }

    /// Whose signature an envelope has, for people.
    pub(super) fn signer(&self, envelope: &Envelope) -> String {
        let roles = self.policy.roles.iter();
        let role = roles
            .into_iter()
            .find(|role| !envelope.signers(&role.keys).is_empty());
        match role {
            Some(role) => role.name.clone(),
            None => "a key that the policy does not know".to_owned(),
        }
    }
}

fn link(envelope: &Envelope) -> Option<Link> {
    (envelope.payload_type == super::super::envelope::IN_TOTO)
        .then(|| Link::read(&envelope.payload))
        .flatten()
}
