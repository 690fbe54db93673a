//! What is started here: the scripts by which a system starts services, each followed as the system
//! calls it.
//!
//! Every other reader takes a script as text that anybody may call in any way. Here is known who
//! calls it, with which argument, as which user, and on which system; so of each start the arguments,
//! the user, the directory and the environment are those of the process.

mod command;
mod framed;
mod led;
mod managed;
mod system;

pub(super) use command::{at_home, resolve, scripts};
pub(super) use led::rank;
pub(super) use managed::{is_table, managed};

use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;

pub(super) use self::system::System;
use super::instances;
use super::live::UNIT_DIRS;
use crate::extract::shell::{INIT_DIRS, is_local};
use crate::fact::{Fact, Kind, What};
use crate::parse::accounts::Accounts;
use crate::parse::crontab::Form;
use crate::parse::unit::{Unit, commands};
use crate::path::AppPath;
use crate::tree::Root;

/// How much of a file that is sourced is read; such files hold assignments.
const SOURCED_LIMIT: usize = 1 << 20;

/// Where runit, daemontools and s6 look for directories of services (runsvdir(8), svscan(8)).
const SERVICE_DIRS: [&str; 6] = [
    "/etc/service",
    "/service",
    "/var/service",
    "/etc/runit/runsvdir/default",
    "/etc/runit/runsvdir/current",
    "/run/service",
];

/// Where the jobs lie that at(1) was given.
const AT_DIRS: [&str; 3] = [
    "/var/spool/cron/atjobs",
    "/var/spool/at",
    "/var/spool/atjobs",
];

/// Where inittab(5) lies.
pub(super) const INITTAB: &str = "/etc/inittab";

/// How a script is called that starts services.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Starter {
    /// An init script, with the action to take; it is called after the file.
    Action,
    /// A script of the administrator's own, without an argument.
    Local,
    /// The program of a supervised service, which is called after its directory.
    Supervised,
    /// The table of the first process (inittab(5)).
    Inittab,
    /// A table of jobs.
    Table(Form),
    /// A job that is run once, as the user whose number it has (at(1)).
    Once,
}

/// The form of a starter, from its path.
fn form(path: &AppPath) -> Option<Starter> {
    if is_local(path) {
        return Some(Starter::Local);
    }
    if path.as_bytes() == INITTAB.as_bytes() {
        return Some(Starter::Inittab);
    }
    let parent = path.parent()?;
    if AT_DIRS.iter().any(|dir| parent == AppPath::new(dir)) {
        return Some(Starter::Once);
    }
    if INIT_DIRS.iter().any(|dir| parent == AppPath::new(dir)) {
        return Some(Starter::Action);
    }
    if path.name() == b"run" && parent.name() != b"log" {
        let above = parent.parent()?;
        const NAMES: [&[u8]; 7] = [
            b"sv",
            b"service",
            b"services",
            b"supervise",
            b"svc",
            b"svscan",
            b"default",
        ];
        return NAMES.contains(&above.name()).then_some(Starter::Supervised);
    }
    crate::extract::cron::form_of(path).map(Starter::Table)
}

/// Starters of the system that no walk of its directories comes to: what is linked into them.
pub(super) fn linked(root: &Root) -> Vec<AppPath> {
    let list = |dir: &AppPath| root.list(dir.as_bytes()).unwrap_or_default();
    let is_link = |stat: &crate::fact::Stat| stat.kind == Kind::Link;
    let mut found = Vec::new();
    for dir in INIT_DIRS.iter().map(AppPath::new) {
        let links = list(&dir).into_iter().filter(|(_, stat)| is_link(stat));
        found.extend(links.map(|(name, _)| dir.join(&name)));
    }
    for dir in SERVICE_DIRS.iter().map(AppPath::new) {
        let services = list(&dir).into_iter();
        found.extend(services.map(|(name, _)| dir.join(&name).child(b"run")));
    }
    let is_file = |path: &AppPath| {
        let node = root.resolve(path.as_bytes());
        node.is_ok_and(|node| node.stat.kind == Kind::File)
    };
    found.retain(is_file);
    found
}

/// Whether systemd starts something else in the place of an init script: a unit of its name
/// (systemd-sysv-generator(8)).
pub(super) fn is_replaced(root: &Root, file: &AppPath) -> bool {
    let unit = [file.name(), b".service"].concat();
    let files = UNIT_DIRS.iter().map(|dir| AppPath::new(dir).join(&unit));
    let Some(text) = files
        .filter(|file| root.resolve(file.as_bytes()).is_ok())
        .find_map(|file| root.read(file.as_bytes(), SOURCED_LIMIT).ok())
    else {
        return false;
    };
    // One that starts nothing itself only holds others together, and does not say how they start.
    let unit = Unit::parse(&text);
    let values = unit.list("Service", "ExecStart");
    let all = values.iter().flat_map(|value| commands(&value.value));
    let names: Vec<Vec<u8>> = all
        .map(|command| AppPath::new(&command.program).name().to_vec())
        .collect();
    let holds = !names.is_empty() && names.iter().all(|name| name == b"true");
    !holds || instances::has_any(root, file.name())
}

/// What the starters among `files` start, by file: nothing, where a call comes to no start. One that is
/// not followed is not there.
pub(super) fn called(
    root: &Root,
    accounts: &Accounts,
    files: &[&AppPath],
) -> BTreeMap<AppPath, Vec<Fact>> {
    let system = System { root, accounts };
    let follow = |file: &&AppPath| {
        let starter = form(file)?;
        let facts = match &starter {
            Starter::Table(form) => system.table(file, *form),
            Starter::Inittab => system.inittab(file),
            Starter::Action if is_replaced(root, file) => None,
            _ => system.script(file, &starter),
        };
        let facts = facts?;
        Some(((*file).clone(), facts))
    };
    files.par_iter().filter_map(follow).collect()
}

/// Whether a start was not resolved: one that its script comes to in no call that is known.
fn is_guess(what: &What) -> bool {
    match what {
        What::Starts { program, args, .. } => {
            program.is_pattern() || args.iter().any(|arg| arg.contains('*'))
        }
        _ => false,
    }
}

/// Puts what starters start in the place of what is read of their text by itself.
pub(super) fn settle(facts: &mut Vec<Fact>, called: &BTreeMap<AppPath, Vec<Fact>>) {
    // Of a table, lines that are followed to nothing are known by their text alone.
    let lines: BTreeSet<(&AppPath, Option<u32>)> = called
        .iter()
        .flat_map(|(file, facts)| facts.iter().map(move |fact| (file, fact.at.line)))
        .collect();
    facts.retain(|fact| {
        let file = &fact.at.file;
        let is_start = matches!(
            fact.what,
            What::Starts { .. } | What::RunsAs { .. } | What::Env { .. }
        );
        let is_table = matches!(form(file), Some(Starter::Table(_) | Starter::Inittab));
        let is_settled = match is_table {
            true => {
                lines.contains(&(file, fact.at.line)) && matches!(fact.what, What::Starts { .. })
            }
            false => match called.get(file) {
                Some(found) if found.is_empty() => is_guess(&fact.what),
                found => found.is_some() && is_start,
            },
        };
        !is_settled
    });
    facts.extend(called.values().flatten().cloned());
}
