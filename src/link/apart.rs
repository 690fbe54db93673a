//! What an application relies on that stands apart from it: settings that no package knows, names that
//! only the host's own table resolves.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::host::Host;
use super::scope::Scope;
use crate::extract;
use crate::fact::{Certainty, Class, Fact, Kind, Locus, Ownership, Source, What};
use crate::parse::fstab;
use crate::parse::line::entries;
use crate::path::AppPath;
use crate::report::PathEntry;
use crate::tree::Root;

/// Where names of hosts stand (hosts(5)).
const HOSTS: &str = "/etc/hosts";

/// How much of it is read.
const LIMIT: usize = 1 << 20;

/// Takes out what stands in settings as every copy of their package has it: a password that is published
/// with the package is an example, or a default that protects nothing.
pub(super) fn published(facts: &mut Vec<Fact>) {
    let changed: BTreeSet<AppPath> = facts
        .iter()
        .filter_map(|fact| match &fact.what {
            What::Ownership { path, .. } => Some(path.clone()),
            _ => None,
        })
        .collect();
    let shipped: BTreeSet<AppPath> = facts
        .iter()
        .filter_map(|fact| match &fact.what {
            What::Path {
                path,
                source: Source::Conffile,
                ..
            } => Some(path.clone()),
            _ => None,
        })
        .filter(|path| !changed.contains(path))
        .collect();
    facts.retain(|fact| {
        !matches!(fact.what, What::Secret { .. }) || !shipped.contains(&fact.at.file)
    });
}

/// Settings in `/etc` that an application of packages uses and that none of them brought.
pub(super) fn unowned(host: &Host, scope: &Scope, paths: &[PathEntry]) -> Vec<Fact> {
    if scope.packages.is_empty() {
        return Vec::new();
    }
    let etc = AppPath::new("/etc");
    let is_unowned = |entry: &&PathEntry| {
        let is_file = entry
            .on_disk
            .as_ref()
            .is_some_and(|disk| disk.kind == Kind::File);
        is_file
            && entry.class == Class::Config
            && entry.certainty > Certainty::Guessed
            && entry.path.is_below(&etc)
            && host.packages.owner(&entry.path).is_none()
    };
    paths
        .iter()
        .filter(is_unowned)
        .map(|entry| Fact {
            at: Locus::file(&entry.path),
            what: What::Ownership {
                path: entry.path.clone(),
                state: Ownership::Unowned,
                package: None,
            },
            certainty: Certainty::Observed,
        })
        .collect()
}

/// The hosts that the application talks to by names of this host's own table.
pub(super) fn named_hosts(root: &Root, facts: &[Fact]) -> Vec<Fact> {
    let peers: BTreeSet<&str> = facts
        .iter()
        .filter(|fact| fact.certainty > Certainty::Guessed)
        .flat_map(|fact| match &fact.what {
            What::Talks { to, .. } => vec![bare(to)],
            // `pf=/srv/profile/D00_quay7`: settings that are kept for this host alone.
            What::Starts { args, .. } => args.iter().flat_map(|arg| words(arg)).collect(),
            _ => Vec::new(),
        })
        .filter(|name| name.parse::<IpAddr>().is_err() && !name.is_empty())
        .collect();
    if peers.is_empty() {
        return Vec::new();
    }
    let path = AppPath::new(HOSTS);
    let text = root.read(path.as_bytes(), LIMIT).unwrap_or_default();
    let mut named: BTreeMap<String, u32> = BTreeMap::new();
    for (line, entry) in entries(&text) {
        let entry = String::from_utf8_lossy(entry);
        let mut words = entry
            .split('#')
            .next()
            .unwrap_or_default()
            .split_ascii_whitespace();
        let address = words.next().and_then(|word| word.parse::<IpAddr>().ok());
        if address.is_some_and(|address| !address.is_loopback()) {
            for name in words.filter(|name| peers.contains(name)) {
                named.entry(name.to_owned()).or_insert(line);
            }
        }
    }
    let fact = |(name, line): (String, u32)| Fact {
        at: Locus::line(&path, line),
        what: What::Talks {
            service: "host".to_owned(),
            to: name,
        },
        certainty: Certainty::Declared,
    };
    named.into_iter().map(fact).collect()
}

/// The servers of the network filesystems that the application's own places lie on (fstab(5)), of which
/// nothing else told.
pub(super) fn served_mounts(root: &Root, paths: &[PathEntry], facts: &[Fact]) -> Vec<Fact> {
    let path = AppPath::new("/etc/fstab");
    let text = root.read(path.as_bytes(), LIMIT).unwrap_or_default();
    let is_used = |place: &AppPath| {
        let mut own = paths
            .iter()
            .filter(|entry| entry.certainty > Certainty::Guessed);
        place.depth() > 0 && own.any(|entry| entry.path.is_within(place))
    };
    let mut found = Vec::new();
    for mount in fstab::parse(&text).0 {
        let is_own = mount.is_network() && is_used(&AppPath::new(&mount.place));
        let at = Locus::line(&path, mount.line);
        let is_told = |fact: &Fact| fact.at == at && matches!(fact.what, What::Talks { .. });
        if is_own && !facts.iter().any(is_told) {
            found.push(Fact {
                at,
                what: extract::fstab::server(&mount),
                certainty: Certainty::Declared,
            });
        }
    }
    found
}

/// The words of an argument that could name a host.
fn words(arg: &str) -> impl Iterator<Item = &str> {
    let words = arg.split(|c: char| !c.is_ascii_alphanumeric() && c != '-');
    words.filter(|word| word.len() > 3)
}

/// A host without its port.
fn bare(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}
