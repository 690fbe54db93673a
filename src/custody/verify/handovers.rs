//! The hand-overs: each role's link, what it received and handed on, and whether that was what the
//! role before it had handed on.

use std::collections::BTreeSet;

use super::super::stamp::{self, Link, Stamp};
use super::super::{Envelope, PublicKey, Role};
use super::{Stage, Verifier};
use crate::layout::Digest;
use crate::report::{Handover, ProblemKind};

/// The links of a role's hand-over: those that count, and what is wrong with the others.
#[derive(Default)]
struct Links<'a> {
    /// The keys whose links count.
    keys: BTreeSet<&'a PublicKey>,
    /// Their envelopes.
    envelopes: Vec<String>,
    /// Who signed links for the role and has none of its keys.
    strangers: BTreeSet<String>,
    /// Whether one is of other layers.
    others: bool,
    /// Whether one does not follow the hand-over before.
    unverified: bool,
    /// The keys that signed a link and no stamp that says the same.
    unstated: BTreeSet<&'a PublicKey>,
}

impl Links<'_> {
    /// Why they are too few, what is most telling first.
    fn lack(&self, role: &Role, before: &str) -> (ProblemKind, String) {
        let name = &role.name;
        if self.unverified {
            let message = format!(
                "{name} stamped it upon another hand-over of {before} than the one that is here, \
                 or without having verified one"
            );
            (ProblemKind::Chain, message)
        } else if self.others {
            let message = format!("the stamp of {name} is of other layers than these");
            (ProblemKind::OtherLayers, message)
        } else if let Some(key) = self.unstated.first() {
            let message = format!(
                "{name}'s key {} signed a link of these layers, and no statement that says the same",
                key.short()
            );
            (ProblemKind::Unstamped, message)
        } else if !self.strangers.is_empty() {
            let who: Vec<&str> = self.strangers.iter().map(String::as_str).collect();
            let message = format!("the stamp of {name} is signed by {}", who.join(", "));
            (ProblemKind::WrongKey, message)
        } else if self.keys.is_empty() {
            (ProblemKind::Unstamped, format!("{name} has not stamped it"))
        } else {
            let message = format!(
                "{} of the {} keys of {name} that the policy asks for have stamped it",
                self.keys.len(),
                role.threshold
            );
            (ProblemKind::Unstamped, message)
        }
    }
}

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
        let links = self.links(role, &want, self.stated(role, handed), before);
        let is_stamped = links.keys.len() >= role.threshold;
        let shown = Handover {
            role: role.name.clone(),
            layers: handed,
            image: self
                .stamped_image(role, handed)
                .map(|image| image.to_string()),
            keys: links.keys.iter().map(|key| key.short()).collect(),
            is_stamped,
            received_verified: before.map(|_| is_stamped),
        };
        self.found.handovers.push(shown);
        if !is_stamped {
            let before = before.map_or("", |(role, _)| role);
            let (kind, message) = links.lack(role, before);
            self.found.problem(handed.checked_sub(1), kind, message);
        }
        (role.name.clone(), links.envelopes)
    }

    /// Sorts the links that say to be of a role.
    fn links<'a>(
        &self,
        role: &'a Role,
        want: &Link,
        stated: BTreeSet<&'a PublicKey>,
        before: Option<&(String, Vec<String>)>,
    ) -> Links<'a> {
        let mut links = Links::default();
        for envelope in &self.evidence.envelopes {
            let Some(link) = link(envelope).filter(|link| link.name == role.name) else {
                continue;
            };
            let signers = envelope.signers(&role.keys);
            if signers.is_empty() {
                links.strangers.insert(self.signer(envelope));
                continue;
            }
            if (&link.materials, &link.products) != (&want.materials, &want.products) {
                links.others = true;
                continue;
            }
            let follows = match (before, link.previous()) {
                (None, _) => true,
                (Some((_, known)), Some(previous)) => known.iter().any(|own| own == previous),
                (Some(_), None) => false,
            };
            if !follows {
                links.unverified = true;
                continue;
            }
            let (with, without): (Vec<_>, Vec<_>) =
                signers.into_iter().partition(|key| stated.contains(key));
            links.unstated.extend(without);
            if !with.is_empty() {
                links.envelopes.push(envelope.digest().hex());
                links.keys.extend(with);
            }
        }
        links
    }

    /// The digest of the image that a role handed over, by its own word.
    pub(super) fn stamped_image(&self, role: &Role, handed: usize) -> Option<Digest> {
        let stamps = self.statements(role, handed);
        let signed = stamps.filter(|(envelope, _)| !envelope.signers(&role.keys).is_empty());
        signed.map(|(_, stamp)| stamp.image).last()
    }

    /// The keys of a role that state what its link tells: the layers so far, uncompressed, as those
    /// of the image that it hands over.
    fn stated<'a>(&self, role: &'a Role, handed: usize) -> BTreeSet<&'a PublicKey> {
        let stamps = self.statements(role, handed);
        stamps
            .flat_map(|(envelope, _)| envelope.signers(&role.keys))
            .collect()
    }

    /// The stamps of a role's hand-over of so many layers, whoever signed them.
    fn statements(&self, role: &Role, handed: usize) -> impl Iterator<Item = (&Envelope, Stamp)> {
        let diff_ids = self.image.config.rootfs.diff_ids.get(..handed);
        let envelopes = self.evidence.envelopes.iter();
        envelopes.filter_map(move |envelope| {
            let statement = stamp::stamp_of(envelope)?;
            let is_about = statement.is_about(&statement.predicate.image);
            let stamp = statement.predicate;
            let is_of_it = is_about
                && stamp.role == role.name
                && !stamp.countersigns
                && Some(stamp.diff_ids.as_slice()) == diff_ids;
            is_of_it.then_some((envelope, stamp))
        })
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
