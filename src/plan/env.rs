//! The environment: what a start is given by whoever starts it.

use std::collections::{BTreeMap, BTreeSet};

use crate::fact::{Certainty, Fact, Source, What};
use crate::path::AppPath;
use crate::report::{EnvVar, Start};

/// Variables by name; a value that may be a secret is not there.
type Variables = BTreeMap<String, Option<String>>;

/// Gives each start the variables that are its own. What every service gets with the same value, what is
/// declared without a start, and what some starts get and none with another value comes back: see
/// [`Plan::env`](crate::report::Plan::env).
pub(super) fn share(facts: &[Fact], starts: &mut [Start]) -> Vec<EnvVar> {
    let given: Vec<Variables> = starts.iter().map(|start| of_start(facts, start)).collect();
    let services: Vec<&Variables> = starts
        .iter()
        .zip(&given)
        .filter(|(start, _)| start.is_service())
        .map(|(_, variables)| variables)
        .collect();
    let all: Vec<&Variables> = given.iter().collect();
    let sharing = if services.is_empty() { &all } else { &services };
    let mut common = unclaimed(facts, &given);
    if let Some((first, others)) = sharing.split_first() {
        let shared = first
            .iter()
            .filter(|(name, value)| others.iter().all(|other| other.get(*name) == Some(*value)));
        common.extend(shared.map(|(name, value)| (name.clone(), value.clone())));
    }
    for (start, variables) in starts.iter_mut().zip(&given) {
        let own = variables
            .iter()
            .filter(|(name, value)| common.get(*name) != Some(*value));
        start.env = list(own);
    }
    // All that the application is given is shown in one place, where it can be.
    let owned = starts.iter().flat_map(|start| &start.env);
    for variable in owned {
        let is_one = |start: &Start| {
            let mut same = start.env.iter().filter(|other| other.name == variable.name);
            same.all(|other| other.value == variable.value)
        };
        if starts.iter().all(is_one) && !common.contains_key(&variable.name) {
            common.insert(variable.name.clone(), variable.value.clone());
        }
    }
    list(common.iter())
}

fn list<'a>(variables: impl Iterator<Item = (&'a String, &'a Option<String>)>) -> Vec<EnvVar> {
    variables
        .map(|(name, value)| EnvVar {
            name: name.clone(),
            value: value.clone(),
        })
        .collect()
}

/// What the file says that names the start, and the files of variables that it reads: these win
/// (systemd.exec(5), `EnvironmentFile=`; a shell takes what it sources last).
fn of_start(facts: &[Fact], start: &Start) -> Variables {
    let files: BTreeSet<&AppPath> = facts
        .iter()
        .filter(|fact| matches!(&fact.what, What::Starts { name, .. } if *name == start.name))
        .map(|fact| &fact.at.file)
        .collect();
    let mut own = Variables::new();
    for fact in facts {
        if let What::Starts {
            name,
            given: Some(given),
            ..
        } = &fact.what
            && *name == start.name
            && given.user == start.user
        {
            own.extend(given.env.clone());
        }
    }
    let mut read: BTreeSet<&AppPath> = BTreeSet::new();
    for fact in facts.iter().filter(|fact| files.contains(&fact.at.file)) {
        match &fact.what {
            // A supervisor's file gives each of its programs variables of its own.
            What::Env { name, value } if !is_given(facts, &fact.at.file, name, value) => {
                own.insert(name.clone(), value.clone());
            }
            What::Path {
                path,
                source: Source::Unit | Source::Init | Source::Script,
                by,
                ..
            } if by == "source" || by.starts_with("EnvironmentFile") => {
                read.insert(path);
            }
            _ => {}
        }
    }
    for fact in facts.iter().filter(|fact| read.contains(&fact.at.file)) {
        if let What::Env { name, value } = &fact.what {
            own.insert(name.clone(), value.clone());
        }
    }
    own
}

/// Whether a file gives a variable to certain starts of those that it has.
fn is_given(facts: &[Fact], file: &AppPath, wanted: &str, wanted_value: &Option<String>) -> bool {
    let mut of_file = facts.iter().filter(|fact| fact.at.file == *file);
    of_file.any(|fact| match &fact.what {
        What::Starts {
            given: Some(given), ..
        } => given.env.get(wanted) == Some(wanted_value),
        _ => false,
    })
}

/// What is declared, and given to no start that is known.
fn unclaimed(facts: &[Fact], given: &[Variables]) -> Variables {
    let mut found = Variables::new();
    for fact in facts {
        if let What::Env { name, value } = &fact.what
            && fact.certainty == Certainty::Declared
            && !given.iter().any(|variables| variables.contains_key(name))
        {
            found.entry(name.clone()).or_insert_with(|| value.clone());
        }
    }
    found
}
