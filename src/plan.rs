//! How to run it: the mounts over a read-only root, the user, ports, environment, start command,
//! and what the kernel must give. All of it follows from facts and judged paths.

mod scratch;
mod start;

use std::collections::{BTreeMap, BTreeSet};

use crate::fact::{Access, Certainty, Class, Fact, Kind, Need, Source, Touch, What};
use crate::knowledge;
use crate::path::AppPath;
use crate::report::{
    EnvVar, KernelNeed, Mount, MountKind, OnDisk, PathEntry, Plan, Port, PortRole, User,
};

/// How many facts stand under a mount.
const BECAUSE: usize = 8;

/// Makes the plan. `ids` gives user and primary group by name, `homes` the home directory.
#[must_use]
pub fn plan(
    paths: &[PathEntry],
    facts: &[Fact],
    ids: &BTreeMap<String, (u32, u32)>,
    homes: &BTreeMap<String, AppPath>,
) -> Plan {
    let user = user(facts, ids);
    let mounts = mounts(paths, user.as_ref());
    Plan {
        scratch: scratch::scratch(&mounts, paths),
        hostname: None,
        mounts,
        user,
        ports: ports(facts),
        env: env(facts),
        start: start::start(facts, ids, homes),
        kernel: kernel(facts),
        secrets: secrets(facts),
        left_behind: Vec::new(),
    }
}

fn mounts(paths: &[PathEntry], user: Option<&User>) -> Vec<Mount> {
    let run = AppPath::new("/run");
    let mut groups: BTreeMap<&AppPath, Vec<&PathEntry>> = BTreeMap::new();
    for entry in paths {
        if let Some(point) = &entry.mount {
            let point = if needs_run(point, entry) { &run } else { point };
            groups.entry(point).or_default().push(entry);
        }
    }
    let mut mounts: Vec<Mount> = Vec::new();
    for (point, entries) in groups {
        let mount = mount(point, &entries, user);
        // Points come in order, so that the one around it is already there.
        let around = mounts
            .iter()
            .rev()
            .find(|outer| point.is_below(&outer.path));
        let adds = around.is_none_or(|outer| {
            // A fresh /run has no directory for locks (FHS 3.0, 3.15 and 5.9).
            let locks = outer.path == run && point.is_below(&AppPath::new("/run/lock"));
            locks
                || outer.access != mount.access
                || (mount.class == Class::Config && outer.class != Class::Config)
        });
        if adds {
            mounts.push(mount);
        }
    }
    mounts
}

/// Whether something is surely made directly in `/run`, so that only a tmpfs there will do: a
/// single file cannot be mounted where a program makes, renames or removes it.
fn needs_run(point: &AppPath, entry: &PathEntry) -> bool {
    let direct = point.parent() == Some(AppPath::new("/run")) && *point == entry.path;
    direct
        && entry
            .on_disk
            .as_ref()
            .is_none_or(|disk| disk.kind != Kind::Dir)
        && entry.because.iter().any(|fact| match &fact.what {
            What::Path {
                path,
                touch,
                kind,
                source,
                ..
            } => {
                // A socket is made anew at each start (bind(2)), which a mount forbids.
                let socket = *kind == Some(Kind::Socket) && fact.certainty > Certainty::Guessed;
                path.name() == entry.path.name()
                    && *touch > Touch::Grants
                    && *kind != Some(Kind::Dir)
                    && (fact.certainty == Certainty::Declared || *source == Source::Trace || socket)
                    && !matches!(source, Source::Maintainer | Source::Package)
            }
            _ => false,
        })
}

fn mount(point: &AppPath, entries: &[&PathEntry], user: Option<&User>) -> Mount {
    let own = entries.iter().find(|entry| entry.path == *point);
    let disk = own.and_then(|entry| entry.on_disk.as_ref());
    let written = entries.iter().any(|entry| entry.access == Access::Rw);
    let access = if written { Access::Rw } else { Access::Ro };
    let class = class(point, entries, own.copied());
    let kind = match disk {
        Some(disk) if disk.kind == Kind::Dir => MountKind::Dir,
        Some(_) => MountKind::File,
        None if own.is_some() && entries.len() == 1 && looks_like_file(own.copied()) => {
            MountKind::File
        }
        None => MountKind::Dir,
    };
    let mut because: Vec<Fact> = entries
        .iter()
        .flat_map(|entry| entry.because.iter().cloned())
        .collect();
    because.sort_by(|a, b| b.certainty.cmp(&a.certainty).then_with(|| a.cmp(b)));
    because.dedup();
    because.truncate(BECAUSE);
    let owner = user.filter(|_| access == Access::Rw && disk.is_none());
    let kept = matches!(class, Class::Config | Class::Secret | Class::Data);
    // An empty filesystem would lack the directories below, where files are made.
    let laid_out = matches!(class, Class::Runtime | Class::Temp)
        && disk.is_some_and(|disk| disk.kind == Kind::Dir)
        && entries.iter().any(|entry| {
            let is_dir = |disk: &OnDisk| disk.kind == Kind::Dir;
            let below = entry.path.depth() - point.depth();
            let inner = below == 1 && entry.on_disk.as_ref().is_some_and(is_dir);
            entry.access == Access::Rw && (below > 1 || inner)
        });
    Mount {
        path: point.clone(),
        kind,
        access,
        class,
        certainty: entries
            .iter()
            .filter(|entry| entry.access == access)
            .map(|entry| entry.certainty)
            .max()
            .unwrap_or(Certainty::Guessed),
        uid: disk
            .map(|disk| disk.uid)
            .or(owner.and_then(|user| user.uid)),
        gid: disk
            .map(|disk| disk.gid)
            .or(owner.and_then(|user| user.gid)),
        mode: disk.map(|disk| disk.mode.clone()),
        size_bytes: disk.map(|disk| disk.size_bytes),
        seed: kept && disk.is_some_and(|disk| disk.files > 0) || laid_out,
        hides: disk.map_or(0, |disk| disk.files),
        hides_code: disk.map_or(0, |disk| disk.code),
        replaced: kind == MountKind::File && own.is_some_and(|own| is_replaced(own)),
        serves: Vec::new(),
        because,
    }
}

/// The mount's class: the hierarchy standard's word on the point, then the judgement of the point
/// itself; in a mixed directory state wins over what could be lost.
fn class(point: &AppPath, entries: &[&PathEntry], own: Option<&PathEntry>) -> Class {
    if let Some(own) = own {
        return own.class;
    }
    let prior = knowledge::prior(point);
    if prior.known && prior.class != Class::Code {
        return prior.class;
    }
    let order = [
        Class::Data,
        Class::Config,
        Class::Secret,
        Class::Log,
        Class::Cache,
        Class::Runtime,
        Class::Temp,
        Class::Code,
    ];
    let there: BTreeSet<Class> = entries.iter().map(|entry| entry.class).collect();
    order
        .into_iter()
        .find(|class| there.contains(class))
        .unwrap_or(Class::Data)
}

/// Whether a path that is not there would be a file: a source says so, or its name has an ending.
fn looks_like_file(entry: Option<&PathEntry>) -> bool {
    let Some(entry) = entry else { return false };
    let said = entry.because.iter().find_map(|fact| match &fact.what {
        What::Path { kind, .. } => *kind,
        _ => None,
    });
    match said {
        Some(kind) => kind != Kind::Dir,
        None if writes_content(entry) => true,
        None => entry.path.name().iter().skip(1).any(|&b| b == b'.'),
    }
}

/// Whether something puts another file in the place of this one.
fn is_replaced(entry: &PathEntry) -> bool {
    entry.because.iter().any(|fact| match &fact.what {
        What::Path { touch, by, .. } => touch.is_write() && knowledge::is_rename(by),
        _ => false,
    })
}

/// Whether something writes the path itself, as only a file can be.
fn writes_content(entry: &PathEntry) -> bool {
    entry.because.iter().any(|fact| match &fact.what {
        What::Path {
            path, touch, by, ..
        } => *path == entry.path && (*touch == Touch::Writes || by == "touch"),
        _ => false,
    })
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

fn ports(facts: &[Fact]) -> Vec<Port> {
    let mut found: BTreeMap<(u16, String), Option<String>> = BTreeMap::new();
    for fact in facts {
        if let What::Listens {
            transport,
            port: Some(port),
            protocol,
            ..
        } = &fact.what
            && fact.certainty > Certainty::Guessed
            && matches!(transport.as_str(), "tcp" | "udp")
        {
            let known = found.entry((*port, transport.clone())).or_default();
            if known.is_none() {
                known.clone_from(protocol);
            }
        }
    }
    found
        .into_iter()
        .map(|((port, transport), protocol)| Port {
            port,
            transport,
            protocol,
            address: None,
            role: PortRole::Service,
        })
        .collect()
}

fn env(facts: &[Fact]) -> Vec<EnvVar> {
    let mut found: BTreeMap<&str, Option<&String>> = BTreeMap::new();
    for fact in facts {
        if let What::Env { name, value } = &fact.what
            && fact.certainty == Certainty::Declared
        {
            found.entry(name).or_insert(value.as_ref());
        }
    }
    found
        .into_iter()
        .map(|(name, value)| EnvVar {
            name: name.to_owned(),
            value: value.cloned(),
        })
        .collect()
}

fn kernel(facts: &[Fact]) -> Vec<KernelNeed> {
    let mut found: BTreeMap<(Need, String), &Fact> = BTreeMap::new();
    for fact in facts {
        if let What::Needs { need, name } = &fact.what {
            // A unit spells capabilities in capitals, libcap(3) does not.
            let name = match need {
                Need::Capability => name.to_ascii_uppercase(),
                _ => name.clone(),
            };
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
            need,
            name,
            certainty: fact.certainty,
            serves: Vec::new(),
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
    facts.iter().rev().find_map(|fact| match &fact.what {
        What::Directive { key: found, value } if *found == key => Some(value.clone()),
        _ => None,
    })
}

fn secrets(facts: &[Fact]) -> Vec<AppPath> {
    let files: BTreeSet<&AppPath> = facts
        .iter()
        .filter(|fact| matches!(fact.what, What::Secret { .. }))
        .map(|fact| &fact.at.file)
        .collect();
    files.into_iter().cloned().collect()
}
