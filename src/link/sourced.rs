//! Scripts read again with the variables that the files they source set: what was `$DIR/x` then
//! has a name.

use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;

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
    let scripts: Vec<_> = scripts.into_iter().collect();
    let out = scripts
        .par_iter()
        .with_max_len(1)
        .filter_map(|(script, sourced)| {
            let files = sourced.iter().map(|(_, file)| file);
            read_with(root, script, files)
        });
    let out: Vec<Out> = out.collect();
    seen.facts.extend(out.into_iter().flat_map(|out| out.facts));
}

/// What a script does with the variables that the files set which it sources.
fn read_with<'a>(
    root: &Root,
    script: &AppPath,
    sourced: impl Iterator<Item = &'a AppPath>,
) -> Option<Out> {
    let mut known = BTreeMap::new();
    for file in sourced {
        if let Ok(text) = root.read(file.as_bytes(), SOURCED_LIMIT) {
            known.extend(variables(&text, &known));
        }
    }
    if known.is_empty() {
        return None;
    }
    let node = root.resolve(script.as_bytes()).ok()?;
    let text = root.read(script.as_bytes(), TEXT_LIMIT).ok()?;
    let head = &text[..text.len().min(HEAD)];
    let mut out = Out::default();
    let input = Input::new(script, &node.stat, head, &text);
    if !shell::asks_for(&input, &known) {
        return None;
    }
    shell::run_with(&input, &known, &mut out);
    Some(out)
}
