//! What the modules of PAM read and write for the services that log users in through them
//! (pam.d(5), and the manual of each module).

use std::collections::BTreeSet;

use super::Ground;
use crate::fact::{Certainty, Fact, Locus, ModuleKind, Source, Touch, What};
use crate::knowledge::pam::{self, Module};
use crate::parse::pam::{Rule, read};
use crate::path::AppPath;

/// Far more than anybody writes by hand.
const LIMIT: usize = 1 << 20;

/// The paths of each module that the application opens and that is there.
pub(super) fn facts(ground: &Ground<'_>, facts: &[Fact]) -> Vec<Fact> {
    let mut files: BTreeSet<&AppPath> = BTreeSet::new();
    let mut there: BTreeSet<&str> = BTreeSet::new();
    for fact in facts {
        if let What::Module {
            kind: ModuleKind::Pam,
            name,
            path: Some(_),
            ..
        } = &fact.what
        {
            files.insert(&fact.at.file);
            there.insert(name.rsplit('/').next().unwrap_or(name));
        }
    }
    let mut found = Vec::new();
    for file in files {
        let text = ground.root.read(file.as_bytes(), LIMIT).unwrap_or_default();
        for (line, rule) in read(&text) {
            let Rule::Module { path, args, .. } = rule else {
                continue;
            };
            let name = path.rsplit('/').next().unwrap_or(&path);
            if !there.contains(name) {
                continue;
            }
            if let Some(module) = pam::module(name) {
                found.extend(of_module(module, name, &args, &Locus::line(file, line)));
            }
        }
    }
    found
}

fn of_module(module: &Module, name: &str, args: &[String], at: &Locus) -> Vec<Fact> {
    let path = |path: AppPath, touch| Fact {
        at: at.clone(),
        what: What::Path {
            path,
            touch,
            source: Source::Script,
            by: name.to_owned(),
            kind: None,
            class: None,
        },
        certainty: Certainty::Inferred,
    };
    // An argument with a path takes the place of the module's own.
    let given = |key: &str| {
        let mut values = args.iter().filter_map(|arg| arg.split_once('='));
        let value = values.find(|(name, _)| *name == key)?;
        AppPath::absolute(value.1)
    };
    let given: Vec<AppPath> = module
        .file_arguments
        .iter()
        .filter_map(|k| given(k))
        .collect();
    let mut found = Vec::new();
    for (paths, touch) in [
        (&module.reads, Touch::Reads),
        (&module.writes, Touch::Writes),
    ] {
        let silent = module.unless.iter().any(|word| args.contains(word));
        if touch.is_write() && silent {
            continue;
        }
        let own = paths.iter().map(AppPath::new);
        found.extend(own.map(|own| path(own, touch)));
    }
    let touch = if module.writes.is_empty() {
        Touch::Reads
    } else {
        Touch::Names
    };
    found.extend(given.into_iter().map(|given| path(given, touch)));
    found
}
