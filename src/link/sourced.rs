//! Scripts read again with the variables that the files they source set: what was `$DIR/x` then
//! has a name.

use std::collections::{BTreeMap, BTreeSet};

use super::gather::Seen;
use crate::extract::{HEAD, Input, Out, TEXT_LIMIT, shell};
use crate::fact::{Source, What};
use crate::parse::shell::variables;
use crate::path::AppPath;
use crate::tree::Root;

/// How many scripts are read again.
const MAX_SCRIPTS: usize = 2000;

/// How much of a sourced file is read; such files hold assignments.
const SOURCED_LIMIT: usize = 1 << 20;

/// Adds what the scripts of `seen` do with the variables of the files that they source.
pub(super) fn again(root: &Root, seen: &mut Seen) {
    let mut scripts: BTreeMap<AppPath, BTreeSet<(Option<u32>, AppPath)>> = BTreeMap::new();
    for fact in &seen.facts {
        if let What::Path {
            path, by, source, ..
        } = &fact.what
            && by == "source"
            && matches!(source, Source::Init | Source::Script)
            && scripts.len() < MAX_SCRIPTS
        {
            let sourced = scripts.entry(fact.at.file.clone()).or_default();
            sourced.insert((fact.at.line, path.clone()));
        }
    }
    for (script, sourced) in scripts {
        let mut known = BTreeMap::new();
        for (_, file) in sourced {
            if let Ok(text) = root.read(file.as_bytes(), SOURCED_LIMIT) {
                known.extend(variables(&text, &known));
            }
        }
        if known.is_empty() {
            continue;
        }
        let Ok(node) = root.resolve(script.as_bytes()) else {
            continue;
        };
        let Ok(text) = root.read(script.as_bytes(), TEXT_LIMIT) else {
            continue;
        };
        let head = &text[..text.len().min(HEAD)];
        let mut out = Out::default();
        shell::run_with(
            &Input::new(&script, &node.stat, head, &text),
            &known,
            &mut out,
        );
        seen.facts.extend(out.facts);
    }
}
