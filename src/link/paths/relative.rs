//! Settings whose value is a relative path, joined with the base that the program will use.

use super::Ground;
use crate::fact::{Certainty, Fact, Source, Touch, What};
use crate::knowledge;
use crate::path::AppPath;

/// The paths that relative settings of files in an install prefix stand for: below the directory
/// of the settings file, or below the prefix when only there something of that name is.
pub(super) fn facts(ground: &Ground<'_>, facts: &[Fact]) -> Vec<Fact> {
    let mut found = Vec::new();
    for fact in facts {
        let What::Setting { key, value } = &fact.what else {
            continue;
        };
        let Some(prefix) = ground.scope.in_prefix(&fact.at.file) else {
            continue;
        };
        let Some(directive) = knowledge::directive(key) else {
            continue;
        };
        if !directive.role.is_path() || value.contains(['$', '%', ':']) || value.starts_with('-') {
            continue;
        }
        let Some(own) = fact.at.file.parent() else {
            continue;
        };
        let bases = [&own, prefix];
        let there = |path: &AppPath| ground.inventory.get(path).is_some();
        let path = bases
            .iter()
            .map(|base| base.join(value))
            .find(|path| there(path))
            .unwrap_or_else(|| own.join(value));
        if !path.is_below(prefix) {
            continue;
        }
        found.push(Fact {
            at: fact.at.clone(),
            what: What::Path {
                path,
                touch: directive.touch,
                source: Source::Config,
                by: key.clone(),
                kind: directive.kind,
                class: directive.class,
            },
            certainty: if directive.touch == Touch::Names {
                Certainty::Guessed
            } else {
                Certainty::Inferred
            },
        });
    }
    found
}
