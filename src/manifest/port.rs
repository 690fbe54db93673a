//! Where a port is reached from outside the container: everywhere, from the host alone, or not at
//! all.

use crate::report::{Plan, Port, PortRole};

use super::Limit;

/// The ports that are reached from outside, and what is to be said of the others.
pub(super) fn reached(plan: &Plan, limits: &mut Vec<Limit>) -> Vec<Port> {
    let mut reached = Vec::new();
    for port in &plan.ports {
        let about = format!("port {}/{}", port.port, port.transport);
        if port.is_loopback() {
            limits.push(Limit::new(
                about,
                "it is bound to the loopback address, which is the container's own",
                "not published: inside alone it answers, until its settings name every address",
            ));
            continue;
        }
        if let Some(address) = port.address.as_ref().filter(|address| is_one(address)) {
            limits.push(Limit::new(
                &about,
                format!("it is bound to {address}, an address of the old host"),
                "published: its settings must name every address, or an address of the container",
            ));
        }
        if let Some(word) = word(port) {
            limits.push(Limit::new(
                about,
                format!("{word}, and everybody who reaches it may"),
                "published on the host's loopback address where the target can, else not at all",
            ));
        }
        reached.push(port.clone());
    }
    reached
}

/// Whether an address is that of one interface.
fn is_one(address: &str) -> bool {
    let bare = address.trim_start_matches('[').trim_end_matches(']');
    let parsed = bare.parse::<std::net::IpAddr>();
    parsed.map_or(bare != "*" && !bare.is_empty(), |a| !a.is_unspecified())
}

fn word(port: &Port) -> Option<&'static str> {
    match port.role {
        PortRole::Service => None,
        PortRole::Control => Some("it ends or steers the application"),
        PortRole::Probe => Some("it tells how the application fares"),
        PortRole::Debug => Some("a debugger attaches to it"),
    }
}

/// Whether everybody is to reach it.
pub(super) fn is_public(port: &Port) -> bool {
    port.role == PortRole::Service
}

/// `[HOST:]PORT:PORT/TRANSPORT`, as docker-run(1), podman-run(1) and Compose read it.
pub(super) fn published(port: &Port) -> String {
    let host = if is_public(port) { "" } else { "127.0.0.1:" };
    format!("{host}{0}:{0}/{1}", port.port, port.transport)
}
