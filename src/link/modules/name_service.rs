//! The name services of nsswitch.conf(5): the C library opens `libnss_NAME.so.2` for each.

use super::{Asked, Member, Sight};
use crate::fact::{Certainty, Locus, ModuleKind, Priority};
use crate::parse::nsswitch;
use crate::path::AppPath;

const FILE: &str = "/etc/nsswitch.conf";

/// The services of the databases that the process asks. `built_in` says that the C library has
/// `files` and `dns` in itself, as glibc does since 2.34.
pub(super) fn asked(sight: &Sight<'_, '_>, members: &[Member<'_>], built_in: bool) -> Vec<Asked> {
    let Some(libc) = members.iter().find(|member| is_libc(member.name)) else {
        return Vec::new();
    };
    let any = |test: fn(&Member<'_>) -> bool| {
        let mut others = members.iter().filter(|member| !is_libc(member.name));
        others.any(test)
    };
    let users = any(|member| member.calls.users);
    let hosts = any(|member| member.calls.hosts);
    let services = any(|member| member.calls.services);
    if !(users || hosts || services) {
        return Vec::new();
    }
    let Some(text) = sight.text(FILE) else {
        return Vec::new();
    };
    let file = AppPath::new(FILE);
    let mut asked: Vec<Asked> = Vec::new();
    for database in nsswitch::read(&text) {
        let wanted = match database.name.as_str() {
            "passwd" | "group" | "shadow" | "gshadow" | "initgroups" | "netgroup" => users,
            "hosts" | "networks" => hosts,
            "services" | "protocols" | "rpc" => services,
            _ => false,
        };
        for service in database.services.iter().filter(|_| wanted) {
            let name = format!("libnss_{service}.so.2").into_bytes();
            if asked.iter().any(|known| known.names.contains(&name)) {
                continue;
            }
            asked.push(Asked {
                kind: ModuleKind::NameService,
                by: libc.path.to_vec(),
                names: vec![name],
                at: Locus::line(&file, database.line),
                priority: Priority::Recommended,
                certainty: Certainty::Declared,
                built_in: built_in && matches!(service.as_str(), "files" | "dns"),
            });
        }
    }
    asked
}

pub(super) fn is_libc(name: &[u8]) -> bool {
    name.starts_with(b"libc.so.")
}
