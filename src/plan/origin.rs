//! Which start a part of the plan is for, where that shows: what one unit grants, and what one
//! program alone names, is no other's.

use std::collections::{BTreeMap, BTreeSet};

use crate::fact::{Fact, What};
use crate::path::AppPath;
use crate::report::{PathEntry, Start};

/// The starts by the files that speak for them alone.
pub(super) struct Origins {
    files: BTreeMap<AppPath, BTreeSet<String>>,
    /// Whether there is more than one service.
    is_several: bool,
}

impl Origins {
    pub(super) fn new(facts: &[Fact], starts: &[Start]) -> Self {
        let mut files: BTreeMap<AppPath, BTreeSet<String>> = BTreeMap::new();
        let names: BTreeSet<&str> = starts
            .iter()
            .filter(|start| start.is_service())
            .map(|start| start.name.as_str())
            .collect();
        for fact in facts {
            let What::Starts { name, program, .. } = &fact.what else {
                continue;
            };
            if !names.contains(name.as_str()) {
                continue;
            }
            for file in [&fact.at.file, program] {
                files.entry(file.clone()).or_default().insert(name.clone());
            }
        }
        Self {
            files,
            is_several: names.len() > 1,
        }
    }

    /// The starts for which one of the facts speaks; nothing where a fact may be any start's.
    pub(super) fn of_facts<'a>(&self, facts: impl IntoIterator<Item = &'a Fact>) -> Vec<String> {
        if !self.is_several {
            return Vec::new();
        }
        let mut found: BTreeSet<String> = BTreeSet::new();
        for fact in facts {
            match self.files.get(&fact.at.file) {
                Some(names) => found.extend(names.iter().cloned()),
                None => return Vec::new(),
            }
        }
        found.into_iter().collect()
    }

    /// The same of paths, whose lists of facts may be cut.
    pub(super) fn of_entries(&self, entries: &[&PathEntry]) -> Vec<String> {
        if entries.iter().any(|entry| entry.more > 0) {
            return Vec::new();
        }
        self.of_facts(entries.iter().flat_map(|entry| &entry.because))
    }
}
