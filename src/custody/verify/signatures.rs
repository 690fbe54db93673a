//! What was signed of the finished image: cosign's claims on its manifest, stamps on its digest, and
//! the documents that are bound to it.

use std::collections::BTreeSet;

use super::super::stamp::{self, Document, ImageClaim, Stamp, Statement};
use super::super::{Policy, PublicKey, Role};
use super::Verifier;
use crate::report::{Attested, ImageSignature, ProblemKind};

impl Verifier<'_> {
    /// Looks at the claims on the manifest. The last role must have signed it: only so do the
    /// configuration and the order of layers count; the others as the policy asks.
    pub(super) fn signatures(&mut self) {
        let own = self.image.descriptor.digest;
        let policy = self.policy;
        // Who signed something else than this image, and what.
        let mut others: Vec<(&Role, String)> = Vec::new();
        let mut strangers = 0;
        for signed in self.evidence.claims.clone() {
            let claim = match ImageClaim::read(&signed.payload) {
                Ok(claim) => claim,
                Err(error) => {
                    self.found
                        .remarks
                        .push(format!("a signature is on no claim: {error}"));
                    continue;
                }
            };
            let roles = policy.roles.iter();
            let holder = roles
                .flat_map(|role| role.keys.iter().map(move |key| (role, key)))
                .find(|(_, key)| signed.is_of(key));
            let Some((role, key)) = holder else {
                strangers += 1;
                continue;
            };
            if *claim.image() != own {
                others.push((role, format!("it signed the image {}", claim.image())));
                continue;
            }
            if let Some(want) = &policy.image
                && claim.reference() != want
            {
                let said = crate::path::escape(claim.reference().as_bytes()).into_owned();
                others.push((role, format!("it signed the name {said}, not {want}")));
                continue;
            }
            self.found.signatures.push(ImageSignature {
                role: role.name.clone(),
                key: key.short(),
                reference: claim.reference().to_owned(),
            });
        }
        self.found.signatures.sort();
        self.found.signatures.dedup();
        if strangers > 0 {
            let message =
                format!("{strangers} signatures are of keys that the policy does not know");
            self.found.remarks.push(message);
        }
        self.required(policy, &others);
    }

    /// Whether all have signed that must.
    fn required(&mut self, policy: &Policy, others: &[(&Role, String)]) {
        let last = policy.roles.last().map(|role| role.name.as_str());
        let mut lacks = Vec::new();
        for role in &policy.roles {
            let must = policy.countersigned || Some(role.name.as_str()) == last;
            let signatures = self.found.signatures.iter();
            let keys: BTreeSet<&str> = signatures
                .filter(|signature| signature.role == role.name)
                .map(|signature| signature.key.as_str())
                .collect();
            if must && keys.len() < role.threshold {
                let why = match others.iter().find(|(who, _)| who.name == role.name) {
                    Some((_, other)) => format!(": {other}"),
                    None => String::new(),
                };
                lacks.push(format!(
                    "{} has not signed the finished image{why}",
                    role.name
                ));
            }
            let is_last = Some(role.name.as_str()) == last;
            if must && self.stamped(role, false).len() < role.threshold {
                lacks.push(format!("{} has not stamped the finished image", role.name));
            } else if is_last && self.stamped(role, true).len() < role.threshold {
                lacks.push(format!(
                    "the stamp of {} is of an older image than the policy takes",
                    role.name
                ));
            }
        }
        for message in lacks {
            self.found.problem(None, ProblemKind::Signature, message);
        }
    }

    /// The keys of a role that have stamped the finished image; with `is_new` those whose stamp says
    /// that it is not older than the policy asks for.
    fn stamped<'a>(&self, role: &'a Role, is_new: bool) -> BTreeSet<&'a PublicKey> {
        let policy = self.policy;
        let is_late = |stamp: &Stamp| {
            policy
                .min_version
                .is_none_or(|least| stamp.version >= Some(least))
                && policy
                    .not_before
                    .is_none_or(|first| stamp.made >= Some(first))
        };
        let own = self.image.descriptor.digest;
        let mut keys = BTreeSet::new();
        for envelope in &self.evidence.envelopes {
            let Some(statement) = stamp::stamp_of(envelope) else {
                continue;
            };
            if statement.is_about(&own)
                && statement.predicate.image == own
                && statement.predicate.role == role.name
                && statement.predicate.diff_ids == self.image.config.rootfs.diff_ids
                && (!is_new || is_late(&statement.predicate))
            {
                keys.extend(envelope.signers(&role.keys));
            }
        }
        keys
    }

    /// The documents that somebody of the policy has bound to this image.
    pub(super) fn attested(&mut self) {
        let own = self.image.descriptor.digest;
        for envelope in &self.evidence.envelopes {
            let Some(statement) = Statement::<Document>::read(&envelope.payload, stamp::DOCUMENT)
            else {
                continue;
            };
            let document = statement.predicate.clone();
            let role = self.policy.role(&document.role);
            let is_signed = role.is_some_and(|role| !envelope.signers(&role.keys).is_empty());
            if is_signed && statement.is_about(&own) {
                self.found.attested.push(Attested {
                    kind: document.kind,
                    digest: document.digest.to_string(),
                    role: document.role,
                    says: document.says,
                });
            }
        }
        self.found.attested.sort();
        self.found.attested.dedup();
    }
}
