//! What a unit asks of others: services it is ordered after or requires, network filesystems.

use crate::extract::{Out, withhold};
use crate::fact::{Certainty, Locus, Need, What};

use super::Context;

/// Keys with the weight of the relation: an order alone is often habit.
const KEYS: [(&str, Certainty); 6] = [
    ("Requires", Certainty::Declared),
    ("Requisite", Certainty::Declared),
    ("BindsTo", Certainty::Declared),
    ("BindTo", Certainty::Declared),
    ("Wants", Certainty::Inferred),
    ("After", Certainty::Guessed),
];

/// Units of the host itself, which order every boot and say nothing of an application.
const HOST: [&str; 24] = [
    "systemd-",
    "dbus",
    "network",
    "NetworkManager",
    "wpa_supplicant",
    "connman",
    "apparmor",
    "auditd",
    "firewalld",
    "nftables",
    "iptables",
    "ip6tables",
    "getty",
    "plymouth",
    "local-fs",
    "cloud-",
    "rc-local",
    "initrd-",
    "rescue",
    "emergency",
    "user-runtime-dir",
    "user@",
    "display-manager",
    "system-update",
];

pub(super) fn facts(context: &Context<'_>, out: &mut Out) {
    for (key, certainty) in KEYS {
        for (at, word) in context.list("Unit", key) {
            talks(context, &withhold::word(&word), certainty, at, out);
        }
    }
    for (at, word) in context.list("Unit", "ConditionCapability") {
        if !word.starts_with(b"!") {
            let what = What::Needs {
                need: Need::Capability,
                name: withhold::word(word.strip_prefix(b"|").unwrap_or(&word)),
            };
            out.fact(at, Certainty::Declared, what);
        }
    }
    for (at, word) in context.list("Unit", "OnFailure") {
        super::directive(at, "OnFailure", withhold::word(&word), out);
    }
}

fn talks(context: &Context<'_>, unit: &str, certainty: Certainty, at: Locus, out: &mut Out) {
    let Some((stem, kind)) = unit.rsplit_once('.') else {
        return;
    };
    // systemd ships this template to load a module before a unit that uses it.
    if let ("service", Some(module)) = (kind, stem.strip_prefix("modprobe@")) {
        let what = What::Needs {
            need: Need::Module,
            name: module.to_owned(),
        };
        out.fact(at, certainty, what);
        return;
    }
    let service = match (stem, kind) {
        ("remote-fs" | "nfs-client", "target") if certainty > Certainty::Guessed => "nfs",
        ("autofs", "service") => "nfs",
        ("syslog" | "rsyslog" | "syslog-ng", "target" | "service" | "socket") => "syslog",
        ("dbus", "service" | "socket") if certainty > Certainty::Guessed => "dbus",
        (_, "service" | "socket") => {
            let is_own = stem == context.name.stem() || stem == context.name.prefix;
            let is_host = HOST.iter().any(|host| stem.starts_with(host));
            if is_own || is_host {
                return;
            }
            "unit"
        }
        _ => return,
    };
    let what = What::Talks {
        service: service.to_owned(),
        to: unit.to_owned(),
    };
    out.fact(at, certainty, what);
}
