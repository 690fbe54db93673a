//! What the commands of services say: their variables, and whether a shell runs them.

use std::collections::{BTreeMap, BTreeSet};

use super::SOURCED_LIMIT;
use crate::extract::{HEAD, Input, shell, withhold};
use crate::fact::{Certainty, Fact, RUN_BY, StartKind, What};
use crate::knowledge::{self, places};
use crate::parse::accounts::Accounts;
use crate::parse::env_file;
use crate::parse::unit::substitute;
use crate::path::AppPath;
use crate::tree::{LookupError, Root};

/// Variables that systemd sets for the processes of a service.
const MANAGED: [&str; 14] = [
    "MAINPID",
    "NOTIFY_SOCKET",
    "LISTEN_FDS",
    "LISTEN_PID",
    "RUNTIME_DIRECTORY",
    "STATE_DIRECTORY",
    "CACHE_DIRECTORY",
    "LOGS_DIRECTORY",
    "CONFIGURATION_DIRECTORY",
    "CREDENTIALS_DIRECTORY",
    "HOME",
    "USER",
    "INVOCATION_ID",
    "SHELL",
];

/// Puts variables into the commands of units, as systemd does (systemd.service(5), "Command lines"):
/// those of the files that the unit names. One that nothing sets is empty, once all is read.
pub(in crate::link) fn resolve(root: &Root, facts: &mut [Fact]) {
    let mut files: BTreeMap<AppPath, BTreeSet<AppPath>> = BTreeMap::new();
    for fact in facts.iter() {
        if let What::Path { path, by, .. } = &fact.what
            && by.starts_with("EnvironmentFile")
        {
            let named = files.entry(fact.at.file.clone()).or_default();
            named.insert(path.clone());
        }
    }
    let none = BTreeSet::new();
    for fact in facts {
        let What::Starts {
            args,
            how: StartKind::Unit,
            ..
        } = &mut fact.what
        else {
            continue;
        };
        if !args
            .iter()
            .any(|arg| arg.contains('$') && !arg.contains(char::is_whitespace))
        {
            continue;
        }
        let mut known = BTreeMap::new();
        let mut is_whole = true;
        for file in files.get(&fact.at.file).unwrap_or(&none) {
            match root.read(file.as_bytes(), SOURCED_LIMIT) {
                Ok(text) => known.extend(
                    env_file::parse(&text)
                        .0
                        .into_iter()
                        .map(|assignment| (assignment.name, assignment.value)),
                ),
                Err(LookupError::Absent) => {}
                Err(_) => is_whole = false,
            }
        }
        let lookup = |name: &str| match known.get(name) {
            Some(value) if withhold::must_withhold(name, value) => None,
            Some(value) => Some(value.clone()),
            // What the manager itself sets is not in a file (systemd.exec(5)).
            None if MANAGED.contains(&name) => None,
            None => is_whole.then(Vec::new),
        };
        let words = std::mem::take(args);
        for word in words {
            // A script for a shell has variables of its own.
            if word.contains(char::is_whitespace) {
                args.push(word);
                continue;
            }
            let found = substitute(word.as_bytes(), &lookup);
            args.extend(found.iter().map(|word| withhold::word(word)));
        }
    }
}

/// Puts the homes of their users into units that are to work there (systemd.exec(5), `WorkingDirectory=~`).
pub(in crate::link) fn at_home(accounts: &Accounts, facts: &mut Vec<Fact>) {
    let is_home = |fact: &Fact| {
        matches!(&fact.what, What::Path { path, by, .. }
            if by == "WorkingDirectory" && path.as_bytes() == b"/{home}")
    };
    if !facts.iter().any(is_home) {
        return;
    }
    let users: BTreeMap<AppPath, String> = facts
        .iter()
        .filter_map(|fact| match &fact.what {
            What::RunsAs { user, .. } => Some((fact.at.file.clone(), user.clone())),
            _ => None,
        })
        .collect();
    facts.retain_mut(|fact| {
        if !is_home(fact) {
            return true;
        }
        let user = users.get(&fact.at.file).map_or("root", String::as_str);
        let account = accounts.by_name(user);
        if let (Some(account), What::Path { path, .. }) = (account, &mut fact.what) {
            *path = account.home.clone();
        }
        account.is_some()
    });
}

/// Which starts have a script of the shell as their program.
pub(in crate::link) fn scripts(root: &Root, facts: &[Fact]) -> Vec<Fact> {
    let is_script = |program: &AppPath| {
        let node = root.resolve(program.as_bytes()).ok()?;
        let head = root.read(program.as_bytes(), HEAD).ok()?;
        let input = Input::new(program, &node.stat, &head, &head);
        Some(input.interpreter().is_some() && shell::is_script(&input))
    };
    let mut found = Vec::new();
    for fact in facts {
        if let What::Starts { program, how, .. } = &fact.what
            && matches!(
                how,
                StartKind::Unit | StartKind::Init | StartKind::Supervisor
            )
            && !places::is_interpreter(program.name())
            && !knowledge::starts::is_helper(program.name())
            && is_script(program) == Some(true)
        {
            found.push(Fact {
                at: fact.at.clone(),
                what: What::Directive {
                    key: RUN_BY.to_owned(),
                    value: "shell".to_owned(),
                },
                certainty: Certainty::Observed,
            });
        }
    }
    found
}
