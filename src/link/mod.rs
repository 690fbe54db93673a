//! Joins over the whole tree: who owns a file, what starts a program, where the loader finds a
//! library, what a path is for.

mod absent;
mod apart;
pub mod bases;
mod closure;
mod content;
mod enabled;
mod enabled_files;
mod follow;
mod gaps;
pub mod gather;
pub mod host;
mod instances;
mod interpreters;
mod kept_secrets;
mod libraries;
mod listens;
mod live;
pub mod loader;
pub mod modules;
mod named;
mod nearby;
pub mod owners;
mod packaged;
pub mod packages;
mod paths;
mod programs;
mod reach;
mod read;
pub mod scope;
mod share;
mod shipped;
mod sourced;
mod starts;
pub mod survey;
pub mod trace;
mod web;

use std::collections::BTreeMap;

use crate::fact::{Fact, Issue, Kind, What};
use crate::link::gather::Seen;
use crate::link::host::Host;
use crate::link::live::Voices;
use crate::link::scope::Scope;
use crate::link::trace::Traced;
use crate::parse::trace::Trace;
use crate::path::AppPath;
use crate::report::{
    BaseAdvice, Coverage, Floor, Library, Module, PackageEntry, PathEntry, SystemProgram,
};
use crate::tree::Root;

/// All that is known of the application.
#[derive(Debug)]
pub struct Linked {
    /// Every fact, sorted.
    pub facts: Vec<Fact>,
    /// Every path in reach.
    pub paths: Vec<PathEntry>,
    /// Its libraries.
    pub libraries: Vec<Library>,
    /// What its programs open by name once they run.
    pub modules: Vec<Module>,
    /// The programs of the system that it is run by or runs.
    pub programs: Vec<SystemProgram>,
    /// The packages that these and its files are from.
    pub packages: Vec<PackageEntry>,
    /// What it needs of the system at least.
    pub floors: Vec<Floor>,
    /// What each base image lacks.
    pub bases: Vec<BaseAdvice>,
    /// User and group ids by name.
    pub ids: BTreeMap<String, (u32, u32)>,
    /// Home directories by user.
    pub homes: BTreeMap<String, AppPath>,
    /// The groups that a user has besides its primary one, by user.
    pub groups: BTreeMap<String, Vec<u32>>,
    /// Content outside the scope that its settings name.
    pub content: Vec<AppPath>,
    /// What was read, and what was not.
    pub coverage: Coverage,
    /// What the application was seen to do, where there is a trace.
    pub traced: Option<Traced>,
}

/// Joins what was seen.
#[must_use]
pub fn link(root: &Root, host: &Host, scope: &Scope, seen: Seen, trace: Option<&Trace>) -> Linked {
    let Seen {
        entries,
        mut facts,
        issues,
        owned: (owned, owner_issues),
        read,
        unread,
        followed,
    } = seen;
    facts.extend(owned);
    apart::published(&mut facts);
    shipped::silence(root, host, &mut facts);
    let traced = trace.map(|trace| trace::take(trace, root, scope));
    facts.extend(traced.iter().flat_map(Traced::facts));
    facts.sort();
    facts.dedup();
    let real = |path: &AppPath| {
        // A link to what a mounted disk does not have, such as a device, stands for itself.
        let node = root.resolve(path.as_bytes());
        let node = node.or_else(|_| root.lookup(path.as_bytes()));
        node.ok().map(|node| node.real)
    };
    let replaced = |file: &AppPath| starts::is_replaced(root, file);
    let voices = Voices::new(scope, &facts, &followed, real, replaced);
    voices.silence(&mut facts);
    let mut content = content::roots(root, scope, &voices, &facts);
    let absent = absent::facts(root, scope, &voices, &facts);
    facts.extend(absent);
    facts.extend(enabled::facts(root, &facts));
    facts.sort();
    let (looked, found) = rayon::join(
        || paths::look(root, host, scope, voices, &entries, &facts),
        || libraries::find(root, host, scope, &facts),
    );
    let libraries::Found {
        libraries,
        modules,
        written,
        facts: needed,
        issues: refused,
        advice,
        interpreters,
    } = found;
    content.extend(content::unpackaged(host, &written));
    content.sort();
    content.dedup();
    let paths = looked.judge(&needed);
    facts.extend(needed);
    facts.extend(paths::named_after_host(root, host, &facts, &paths));
    facts.extend(kept_secrets::facts(root, scope, &paths, &facts));
    apart::published(&mut facts);
    facts.extend(apart::unowned(host, scope, &paths));
    facts.extend(apart::served_mounts(root, &paths, &facts));
    facts.extend(apart::named_hosts(root, &facts));
    facts.sort();
    let parts = packaged::Parts {
        entries: &entries,
        facts: &facts,
        libraries: &libraries,
        modules: &modules,
        written: &written,
    };
    let (programs, packages) = rayon::join(
        || programs::find(root, host, scope, &facts, &interpreters),
        || packaged::packages(root, host, scope, &parts),
    );
    let bytes = entries
        .basics()
        .filter(|basics| basics.kind == Kind::File)
        .map(|basics| basics.size)
        .sum();
    let issues = issues
        .into_iter()
        .chain(owner_issues)
        .chain(refused)
        .chain(scope.issues.iter().cloned())
        .chain(host.issues.iter().cloned());
    let issues: Vec<Issue> = issues.collect();
    let gaps = gaps::gaps(scope, &facts, &paths, &issues);
    let coverage = Coverage {
        gaps,
        ..coverage(entries.len() as u64, read, unread, bytes, issues)
    };
    Linked {
        paths,
        libraries,
        modules,
        programs,
        packages,
        floors: advice.floors,
        bases: advice.bases,
        ids: ids(host, &facts),
        homes: homes(host, &facts),
        groups: groups(host, &facts),
        content,
        coverage,
        facts,
        traced,
    }
}

/// The ids of the accounts that are named, and of their groups under `:name`.
fn ids(host: &Host, facts: &[Fact]) -> BTreeMap<String, (u32, u32)> {
    let mut ids = BTreeMap::new();
    for fact in facts {
        let (user, group) = match &fact.what {
            What::RunsAs { user, group } => (Some(user), group),
            What::Owned { user, group, .. } => (user.as_ref(), group),
            What::Directive { key, value } if key == "SupplementaryGroups" => {
                if let Some(known) = host.accounts.group(value) {
                    ids.insert(format!(":{value}"), (known.gid, known.gid));
                }
                continue;
            }
            _ => continue,
        };
        if let Some(user) = user
            && let Some(account) = host.accounts.by_name(user)
        {
            ids.insert(user.clone(), (account.uid, account.gid));
        }
        if let Some(group) = group
            && let Some(known) = host.accounts.group(group)
        {
            ids.insert(format!(":{group}"), (known.gid, known.gid));
        }
    }
    ids
}

/// The groups that the users that are named have besides their primary one (group(5)): whoever starts
/// a process as a user gives it these, too (initgroups(3)).
fn groups(host: &Host, facts: &[Fact]) -> BTreeMap<String, Vec<u32>> {
    let mut found = BTreeMap::new();
    for fact in facts {
        if let What::RunsAs { user, .. } = &fact.what
            && !found.contains_key(user)
            && let Some(account) = host.accounts.by_name(user)
        {
            let all = host.accounts.groups_of(account).into_iter();
            let others: Vec<u32> = all.filter(|gid| *gid != account.gid).collect();
            found.insert(user.clone(), others);
        }
    }
    found
}

/// The home directories of the users that are named.
fn homes(host: &Host, facts: &[Fact]) -> BTreeMap<String, AppPath> {
    let home = |fact: &Fact| match &fact.what {
        What::RunsAs { user, .. } => {
            let account = host.accounts.by_name(user)?;
            Some((user.clone(), account.home.clone()))
        }
        _ => None,
    };
    facts.iter().filter_map(home).collect()
}

fn coverage(entries: u64, read: u64, unread: u64, bytes: u64, mut issues: Vec<Issue>) -> Coverage {
    issues.sort();
    issues.dedup();
    let mut coverage = Coverage {
        entries,
        read,
        unread,
        bytes,
        ..Coverage::default()
    };
    coverage.add(issues);
    coverage
}
