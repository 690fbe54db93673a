//! The ports that are listened on, each with its address and what it is for.

use std::collections::{BTreeMap, BTreeSet};

use crate::fact::{Certainty, Fact, What};
use crate::knowledge;
use crate::path::AppPath;
use crate::report::{Port, PortRole};

/// Profiles of firewalls: what an administrator may open, and not what is listened on.
const PROFILES: [&str; 2] = ["/etc/ufw/applications.d", "/etc/firewalld/services"];

/// Protocols by which others steer a server or look into it.
const CONTROL: [&str; 6] = ["ajp", "cluster", "jmx", "management", "rmi", "shutdown"];
const DEBUG: [&str; 2] = ["debug", "jdwp"];

/// How many facts are shown for one port.
const BECAUSE: usize = 3;

/// What is known of one port.
#[derive(Default)]
struct Heard<'a> {
    addresses: BTreeSet<&'a str>,
    protocol: Option<&'a String>,
    because: Vec<&'a Fact>,
}

/// The ports, in order.
pub(super) fn ports(facts: &[Fact]) -> Vec<Port> {
    let is_profile = |file: &AppPath| {
        let mut profiles = PROFILES.iter().map(AppPath::new);
        profiles.any(|dir| file.is_below(&dir))
    };
    let (profiles, own): (Vec<&Fact>, Vec<&Fact>) = facts
        .iter()
        .filter(|fact| fact.certainty > Certainty::Guessed)
        .filter(|fact| matches!(&fact.what, What::Listens { port: Some(_), .. }))
        .partition(|fact| is_profile(&fact.at.file));
    let heard = if own.is_empty() { profiles } else { own };
    let mut found: BTreeMap<(u16, &str), Heard<'_>> = BTreeMap::new();
    for fact in heard {
        if let What::Listens {
            transport,
            port: Some(port),
            address,
            protocol,
        } = &fact.what
            && matches!(transport.as_str(), "tcp" | "udp")
        {
            let transport = spoken(transport, *port);
            let known = found.entry((*port, transport)).or_default();
            known.addresses.insert(address);
            known.protocol = known.protocol.or(protocol.as_ref());
            known.because.push(fact);
        }
    }
    let port = |((port, transport), heard): ((u16, &str), Heard<'_>)| Port {
        port,
        transport: transport.to_owned(),
        protocol: heard.protocol.cloned(),
        address: address(&heard.addresses),
        role: role(heard.protocol),
        because: surest(heard.because),
    };
    found.into_iter().map(port).collect()
}

/// The first few, by certainty.
fn surest(mut facts: Vec<&Fact>) -> Vec<Fact> {
    facts.sort_by(|a, b| b.certainty.cmp(&a.certainty).then_with(|| a.cmp(b)));
    facts.dedup();
    facts.into_iter().take(BECAUSE).cloned().collect()
}

/// The transport of a port that is spoken by datagrams alone, where a setting says only its number: it is
/// then taken for TCP by its reader.
fn spoken(transport: &str, port: u16) -> &'static str {
    let is_udp = transport == "udp"
        || knowledge::protocol("tcp", port).is_none() && knowledge::protocol("udp", port).is_some();
    if is_udp { "udp" } else { "tcp" }
}

/// The address, where every source names one; of several, one that others reach.
fn address(addresses: &BTreeSet<&str>) -> Option<String> {
    let is_every = |address: &&&str| matches!(**address, "" | "*" | "0.0.0.0" | "::" | "[::]");
    if addresses.iter().any(|address| is_every(&address)) {
        return None;
    }
    let is_inside = |address: &&&str| {
        let port = Port {
            port: 0,
            transport: String::new(),
            protocol: None,
            address: Some((**address).to_owned()),
            role: PortRole::Service,
            because: Vec::new(),
        };
        port.is_loopback()
    };
    let reached = addresses.iter().find(|address| !is_inside(address));
    let first = reached.or(addresses.first())?;
    Some((*first).to_owned())
}

fn role(protocol: Option<&String>) -> PortRole {
    match protocol.map(String::as_str) {
        Some(name) if CONTROL.contains(&name) => PortRole::Control,
        Some(name) if DEBUG.contains(&name) => PortRole::Debug,
        _ => PortRole::Service,
    }
}
