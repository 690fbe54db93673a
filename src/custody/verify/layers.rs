//! The layers: their bytes, what is in them, what they touch, and whether their ledgers tell it.

use std::collections::BTreeMap;

use super::super::stamp::{self, LedgerStatement};
use super::super::{LEDGER, LEDGERS, Ledger, LedgerCheck, Merged, beside};
use super::{Stage, Verifier};
use crate::layout::layer::{self, Fault, Limits};
use crate::layout::{Digest, REF_NAME};
use crate::report::{CustodyLayer, ProblemKind};

/// The largest ledger that is read.
const LEDGER_LIMIT: usize = 256 << 20;

/// How many trespasses of one layer are told.
const TOLD: usize = 5;

impl Verifier<'_> {
    /// Reads every layer and applies it.
    pub(super) fn layers(&mut self, merged: &mut Merged, stage: Stage<'_>) {
        let ledgers = self.ledgers();
        let mut highest = 0;
        for at in 0..self.image.manifest.layers.len() {
            let role = self.role_of(at).to_owned();
            match self.policy.rank(&role) {
                Some(rank) if rank >= highest => highest = rank,
                Some(_) => {
                    let message = format!("a layer of {role} lies above one of a later role");
                    self.found.problem(Some(at), ProblemKind::Order, message);
                }
                None => {
                    let who = if role.is_empty() { "nobody" } else { &role };
                    let message = format!("it is of {who}, which is no role of the policy");
                    self.found.problem(Some(at), ProblemKind::Order, message);
                }
            }
            self.layer(at, &role, merged, &ledgers, stage);
        }
    }

    fn layer(
        &mut self,
        at: usize,
        role: &str,
        merged: &mut Merged,
        ledgers: &BTreeMap<Digest, Ledger>,
        stage: Stage<'_>,
    ) {
        let Some((layer, diff_id)) = self
            .image
            .manifest
            .layers
            .get(at)
            .zip(self.image.config.rootfs.diff_ids.get(at))
        else {
            return;
        };
        let mut told = CustodyLayer {
            role: role.to_owned(),
            digest: layer.digest.to_string(),
            diff_id: diff_id.to_string(),
            size: layer.size,
            unpacked: 0,
            entries: 0,
            packages: 0,
            is_sound: true,
            ledger_agrees: None,
        };
        let ledger = ledgers.get(&layer.digest);
        let mut check = ledger.map(LedgerCheck::new);
        let before = self.found.problems.len();
        merged.begin(role);
        let read = self.read(layer, &mut |entry| {
            merged.entry(&entry);
            if let Some(check) = &mut check {
                check.entry(&entry);
            }
        });
        let applied = merged.end();
        match read {
            Ok(summary) => {
                told.unpacked = summary.bytes;
                told.entries = summary.entries;
                if summary.diff_id != *diff_id {
                    let message = format!(
                        "uncompressed it is {}, the configuration says {diff_id}",
                        summary.diff_id
                    );
                    self.found.problem(Some(at), ProblemKind::Document, message);
                }
            }
            Err(Fault::Blob(error)) if error.is_unreadable() => self.unreadable = Some(error),
            Err(fault) => {
                let kind = match fault {
                    Fault::Blob(_) => ProblemKind::Blob,
                    _ => ProblemKind::Archive,
                };
                self.found.problem(Some(at), kind, fault.to_string());
                check = None;
            }
        }
        for trick in applied.tricks.iter().take(TOLD) {
            let message = format!("{}: {}", trick.path, trick.reason);
            self.found.problem(Some(at), ProblemKind::Archive, message);
        }
        told.is_sound = self.found.problems.len() == before;
        let trespasses = self.policy.trespasses(role, &applied.touched);
        for trespass in trespasses.iter().take(TOLD) {
            let message = format!("{}: {}", trespass.touched.path, trespass.rule);
            self.found.problem(Some(at), ProblemKind::Trespass, message);
        }
        if let Some(more) = trespasses.len().checked_sub(TOLD).filter(|more| *more > 0) {
            let message = format!("and {more} more paths that it may not touch");
            self.found.problem(Some(at), ProblemKind::Trespass, message);
        }
        if let (Some(check), Some(ledger)) = (check, ledger) {
            told.packages = ledger.packages.len() as u64;
            let is_of_it = ledger.role == role && ledger.diff_id == *diff_id;
            let outcome = check.finish();
            told.ledger_agrees = Some(outcome.is_ok() && is_of_it);
            for message in outcome.err().unwrap_or_default() {
                self.found.problem(Some(at), ProblemKind::Ledger, message);
            }
            if !is_of_it {
                let message = format!("its ledger is of a layer of {}", ledger.role);
                self.found.problem(Some(at), ProblemKind::Ledger, message);
            }
        } else if stage == Stage::Finished {
            self.found
                .remarks
                .push(format!("layer {at} of {role} has no ledger"));
        }
        self.found.layers.push(told);
    }

    fn read(
        &self,
        layer: &crate::layout::Descriptor,
        each: &mut dyn FnMut(layer::Entry),
    ) -> Result<layer::Summary, Fault> {
        let Some(compression) = layer::compression(&layer.media_type) else {
            return Err(Fault::Archive(format!(
                "a layer of the form {}",
                layer.media_type
            )));
        };
        let blob = self.layout.blob(layer)?;
        layer::read(blob, compression, Limits::of(layer.size), each)
    }

    /// The ledgers by layer: one that the layer's own group has signed, else the one that lies
    /// beside the image.
    fn ledgers(&self) -> BTreeMap<Digest, Ledger> {
        let mut found = self.beside_ledgers();
        for envelope in &self.evidence.envelopes {
            let read = LedgerStatement::read(&envelope.payload, stamp::LEDGER);
            let Some(ledger) = read.map(|statement| statement.predicate) else {
                continue;
            };
            let role = self.policy.role(&ledger.role);
            if role.is_some_and(|role| !envelope.signers(&role.keys).is_empty()) {
                found.insert(ledger.layer, ledger);
            }
        }
        found
    }

    fn beside_ledgers(&self) -> BTreeMap<Digest, Ledger> {
        let name = beside(&self.image.descriptor.digest, "ledger");
        let index = self.layout.index().ok();
        let entries = index.into_iter().flat_map(|index| index.manifests);
        let mut found = BTreeMap::new();
        for entry in entries.filter(|entry| entry.annotation(REF_NAME) == Some(&name)) {
            let Ok(manifest) = self.layout.manifest(&entry) else {
                continue;
            };
            if manifest.artifact_type.as_deref() != Some(LEDGERS) {
                continue;
            }
            for blob in manifest
                .layers
                .iter()
                .filter(|blob| blob.media_type == LEDGER)
            {
                let bytes = self.layout.read(blob, LEDGER_LIMIT);
                let ledger = bytes
                    .ok()
                    .and_then(|bytes| crate::layout::unambiguous::<Ledger>(&bytes).ok());
                found.extend(ledger.map(|ledger| (ledger.layer, ledger)));
            }
        }
        found
    }
}
