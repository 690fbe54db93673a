//! How to run it: the mounts over a read-only root, the user, ports, environment, start command,
//! and what the kernel must give. All of it follows from facts and judged paths.

mod env;
mod mounts;
mod origin;
mod ports;
mod scratch;
mod start;

use std::collections::{BTreeMap, BTreeSet};

use crate::fact::{Certainty, Fact, NAMED_AFTER_HOST, Need, What};
use crate::path::AppPath;
use crate::report::{HostName, KernelNeed, LeftBehind, Mount, PathEntry, Plan, User};
use origin::Origins;

/// How many facts stand under one part of the plan.
const BECAUSE: usize = 8;

/// What a plan is made from.
#[derive(Clone, Copy, Debug)]
pub struct Known<'a> {
    /// Every path in reach, judged.
    pub paths: &'a [PathEntry],
    /// Every fact.
    pub facts: &'a [Fact],
    /// User and primary group by user name; a group's id under `:name`.
    pub ids: &'a BTreeMap<String, (u32, u32)>,
    /// Home directories by user name.
    pub homes: &'a BTreeMap<String, AppPath>,
    /// The groups that a user has besides its primary one, by user name.
    pub groups: &'a BTreeMap<String, Vec<u32>>,
    /// Content outside the scope that settings name.
    pub content: &'a [AppPath],
    /// The name of the host, where the root has one (hostname(5)).
    pub hostname: Option<&'a str>,
}

/// Makes the plan.
#[must_use]
pub fn plan(known: &Known<'_>) -> Plan {
    let facts = known.facts;
    let user = user(facts, known.ids);
    let mut start = start::start(known);
    let env = env::share(facts, &mut start);
    let origins = Origins::new(facts, &start);
    let mounts = mounts::mounts(known, user.as_ref(), &origins);
    let secrets = secrets(facts);
    Plan {
        scratch: scratch::scratch(&mounts, known.paths),
        hostname: hostname(known, &mounts),
        left_behind: left_behind(&secrets, &mounts),
        content: content(known.content, &mounts),
        mounts,
        user,
        ports: ports::ports(facts),
        env,
        start,
        kernel: kernel(facts, &origins),
        secrets,
    }
}

/// The name of the host, where state bears it or settings name it: a container of another name would
/// not find the one and not be the other.
fn hostname(known: &Known<'_>, mounts: &[Mount]) -> Option<HostName> {
    let name = known.hostname?;
    let is_kept = |path: &AppPath| mounts.iter().any(|mount| path.is_within(&mount.path));
    let mut because: Vec<Fact> = known
        .facts
        .iter()
        .filter(|fact| match &fact.what {
            What::Holds { content, .. } => content == NAMED_AFTER_HOST && is_kept(&fact.at.file),
            _ => false,
        })
        .cloned()
        .collect();
    because.sort_by(|a, b| b.certainty.cmp(&a.certainty).then_with(|| a.cmp(b)));
    because.truncate(BECAUSE);
    let certainty = because.first()?.certainty;
    Some(HostName {
        name: name.to_owned(),
        certainty,
        because,
    })
}

/// The content that belongs into the image: what is written there is a mount instead.
fn content(content: &[AppPath], mounts: &[Mount]) -> Vec<AppPath> {
    let is_mounted = |path: &AppPath| mounts.iter().any(|mount| path.is_within(&mount.path));
    let kept = content.iter().filter(|path| !is_mounted(path));
    kept.cloned().collect()
}

/// The files with keys and passwords that no mount brings back: an image never has them.
fn left_behind(secrets: &[AppPath], mounts: &[Mount]) -> Vec<LeftBehind> {
    let is_mounted = |path: &AppPath| mounts.iter().any(|mount| path.is_within(&mount.path));
    let left = secrets.iter().filter(|path| !is_mounted(path));
    left.map(|path| LeftBehind {
        path: path.clone(),
        reason: "it holds a key or password, and nothing that runs is known to read it".to_owned(),
    })
    .collect()
}

/// The user of the service: a unit's word before an init script's, that before a setting's.
fn user(facts: &[Fact], ids: &BTreeMap<String, (u32, u32)>) -> Option<User> {
    let mut named: Vec<(u8, &Fact)> = Vec::new();
    for fact in facts {
        if let What::RunsAs { user, .. } = &fact.what {
            let strength = match fact.certainty {
                Certainty::Declared => 0,
                Certainty::Observed => 1,
                Certainty::Inferred => 2,
                Certainty::Guessed => 3,
            };
            let root = u8::from(user == "root" || user == "0");
            named.push((strength + 4 * root, fact));
        }
    }
    named.sort();
    let What::RunsAs { user, group } = &named.first()?.1.what else {
        return None;
    };
    let number = user.parse().ok();
    let known = ids.get(user);
    let group_id = group.as_deref().and_then(|group| {
        group
            .parse()
            .ok()
            .or_else(|| ids.get(&format!(":{group}")).map(|ids| ids.1))
    });
    Some(User {
        name: user.clone(),
        uid: number.or(known.map(|ids| ids.0)),
        gid: group_id.or(known.map(|ids| ids.1)),
    })
}

fn kernel(facts: &[Fact], origins: &Origins) -> Vec<KernelNeed> {
    let mut all: BTreeMap<(Need, String), Vec<&Fact>> = BTreeMap::new();
    let mut found: BTreeMap<(Need, String), &Fact> = BTreeMap::new();
    for fact in facts {
        if let What::Needs { need, name } = &fact.what {
            // What only looks like the name of a device is asked of no host.
            if *need == Need::Device && fact.certainty == Certainty::Guessed {
                continue;
            }
            // A unit spells capabilities in capitals, libcap(3) does not.
            let name = match need {
                Need::Capability => name.to_ascii_uppercase(),
                _ => name.clone(),
            };
            let speaks = all.entry((*need, name.clone())).or_default();
            speaks.push(fact);
            let known = found.entry((*need, name)).or_insert(fact);
            if fact.certainty > known.certainty {
                *known = fact;
            }
        }
    }
    found
        .into_iter()
        .map(|((need, name), fact)| KernelNeed {
            value: value(need, &name, facts),
            serves: all
                .get(&(need, name.clone()))
                .map(|facts| origins.of_facts(facts.iter().copied()))
                .unwrap_or_default(),
            need,
            name,
            certainty: fact.certainty,
            because: vec![fact.clone()],
        })
        .collect()
}

/// What a limit or a sysctl is set to; the last word holds, as when the host reads its settings.
fn value(need: Need, name: &str, facts: &[Fact]) -> Option<String> {
    let key = match need {
        // systemd.exec(5): LimitNOFILE= and its like.
        Need::Limit => format!("Limit{}", name.to_ascii_uppercase()),
        Need::Sysctl => name.to_owned(),
        _ => return None,
    };
    let of_unit = facts.iter().rev().find_map(|fact| match &fact.what {
        What::Directive { key: found, value } if *found == key => Some(value.clone()),
        _ => None,
    });
    // limits.conf(5): domain, type and value, of which the last word on it holds.
    let of_session = || {
        facts.iter().rev().find_map(|fact| match &fact.what {
            What::Directive { key: found, value } if *found == name && need == Need::Limit => {
                let words: Vec<&str> = value.split_whitespace().collect();
                let value = words.get(2).filter(|_| words.len() == 3)?;
                Some((*value).to_owned())
            }
            _ => None,
        })
    };
    of_unit.or_else(of_session)
}

fn secrets(facts: &[Fact]) -> Vec<AppPath> {
    let files: BTreeSet<&AppPath> = facts
        .iter()
        .filter(|fact| matches!(fact.what, What::Secret { .. }))
        .map(|fact| &fact.at.file)
        .collect();
    files.into_iter().cloned().collect()
}
