//! Keys of a unit that say how its processes run: user, environment, rights, limits, end.

use crate::extract::{Out, environment, withhold};
use crate::fact::{Certainty, Class, Kind, Locus, Need, Touch, What};
use crate::parse::unit::Manager;

use super::{Context, directive};

/// Keys that a container runtime must be told in its own way, or that it makes needless.
const DIRECTIVES: [&str; 57] = [
    "Type",
    "RemainAfterExit",
    "NotifyAccess",
    "Restart",
    "RestartSec",
    "KillMode",
    "KillSignal",
    "FinalKillSignal",
    "SendSIGHUP",
    "SendSIGKILL",
    "TimeoutSec",
    "TimeoutStartSec",
    "TimeoutStopSec",
    "WatchdogSec",
    "UMask",
    "Nice",
    "IOSchedulingClass",
    "IOSchedulingPriority",
    "CPUSchedulingPolicy",
    "CPUSchedulingPriority",
    "CPUAffinity",
    "NUMAPolicy",
    "NUMAMask",
    "OOMScoreAdjust",
    "OOMPolicy",
    "MemoryMax",
    "MemoryHigh",
    "MemoryLimit",
    "CPUQuota",
    "CPUWeight",
    "CPUShares",
    "TasksMax",
    "Delegate",
    "DynamicUser",
    "PermissionsStartOnly",
    "PrivateTmp",
    "PrivateDevices",
    "PrivateNetwork",
    "PrivateUsers",
    "PrivateMounts",
    "ProtectSystem",
    "ProtectHome",
    "NoNewPrivileges",
    "MemoryDenyWriteExecute",
    "SecureBits",
    "NetworkNamespacePath",
    "PAMName",
    "SELinuxContext",
    "AppArmorProfile",
    "Personality",
    "StandardInput",
    "StandardOutput",
    "StandardError",
    "SyslogIdentifier",
    "RemoveIPC",
    "RuntimeDirectoryPreserve",
    "MountFlags",
];

/// As [`DIRECTIVES`], for keys that are lists.
const DIRECTIVE_LISTS: [&str; 4] = [
    "SupplementaryGroups",
    "InaccessiblePaths",
    "Sockets",
    "SuccessExitStatus",
];

pub(super) fn facts(context: &Context<'_>, section: &str, out: &mut Out) {
    runs_as(context, section, out);
    environment(context, section, out);
    credentials(context, section, out);
    capabilities(context, section, out);
    limits(context, section, out);
    devices(context, section, out);
    bus(context, section, out);
    for key in DIRECTIVES {
        context.directive(section, key, out);
    }
    for key in DIRECTIVE_LISTS {
        for (at, word) in context.list(section, key) {
            directive(at, key, withhold::word(&word), out);
        }
    }
}

/// The user that the section names; with `DynamicUser=` one of the unit's own name.
pub(super) fn user(context: &Context<'_>, section: &str) -> Option<String> {
    if let Some((_, user)) = context.last(section, "User") {
        return Some(user);
    }
    let is_dynamic = context.unit.boolean(section, "DynamicUser") == Some(true);
    is_dynamic.then(|| context.name.prefix.clone())
}

fn runs_as(context: &Context<'_>, section: &str, out: &mut Out) {
    let unit = context.unit;
    let place = unit
        .last(section, "User")
        .or_else(|| unit.last(section, "DynamicUser"))
        .or_else(|| unit.last(section, "Group"));
    let group = context.last(section, "Group").map(|(_, group)| group);
    let user = user(context, section);
    let (Some(place), false) = (place, user.is_none() && group.is_none()) else {
        return;
    };
    // systemd.exec(5): without User= the system's manager runs it as root.
    let is_system = context.specifiers.manager == Manager::System;
    if let Some(user) = user.or_else(|| is_system.then(|| "root".to_owned())) {
        let what = What::RunsAs { user, group };
        out.fact(context.at(place), Certainty::Declared, what);
    }
}

fn environment(context: &Context<'_>, section: &str, out: &mut Out) {
    for (at, word) in context.list(section, "Environment") {
        if let Some(cut) = word.iter().position(|&b| b == b'=') {
            let name = String::from_utf8_lossy(&word[..cut]).into_owned();
            environment::set(&name, &word[cut + 1..], &at, Certainty::Declared, out);
        }
    }
    for (at, word) in context.list(section, "PassEnvironment") {
        let what = What::Env {
            name: withhold::word(&word),
            value: None,
        };
        out.fact(at, Certainty::Declared, what);
    }
}

/// systemd.exec(5): `ID[:PATH]`, `ID:VALUE`; without an absolute path it comes from the manager.
fn credentials(context: &Context<'_>, section: &str, out: &mut Out) {
    let keys = [
        "LoadCredential",
        "LoadCredentialEncrypted",
        "SetCredential",
        "SetCredentialEncrypted",
        "ImportCredential",
    ];
    for key in keys {
        for assignment in context.unit.list(section, key) {
            let value = context.value(assignment);
            let at = context.at(assignment);
            let mut parts = value.splitn(2, |&b| b == b':');
            let id = parts.next().unwrap_or_default();
            let what = What::Secret {
                kind: "credential".to_owned(),
                key: Some(withhold::word(id)),
            };
            out.fact(at.clone(), Certainty::Declared, what);
            if key.starts_with("Load") {
                let path = parts.next().unwrap_or_default();
                let named = (key, Touch::Reads, None, Some(Class::Secret));
                context.classed(path, at, named, out);
            }
        }
    }
}

/// Ambient capabilities are used; a bounding set that lists some only says that no others are.
fn capabilities(context: &Context<'_>, section: &str, out: &mut Out) {
    let keys = [
        ("AmbientCapabilities", Certainty::Declared),
        ("CapabilityBoundingSet", Certainty::Inferred),
    ];
    // A bound takes away; what an ordinary user has not, it does not give.
    let user = user(context, section);
    let is_bound_alone = user.is_some_and(|user| user != "root" && user != "0");
    for (key, certainty) in keys {
        if key == "CapabilityBoundingSet" && is_bound_alone {
            continue;
        }
        for assignment in context.unit.list(section, key) {
            // `~` lists what is taken away.
            if assignment.value.starts_with(b"~") {
                continue;
            }
            for word in context.words(assignment) {
                capability(
                    &withhold::word(&word),
                    context.at(assignment),
                    certainty,
                    out,
                );
            }
        }
    }
}

fn capability(name: &str, at: Locus, certainty: Certainty, out: &mut Out) {
    let what = What::Needs {
        need: Need::Capability,
        name: name.to_ascii_uppercase(),
    };
    out.fact(at, certainty, what);
}

/// Limits, and priorities that only a capability lets a process take.
fn limits(context: &Context<'_>, section: &str, out: &mut Out) {
    const LIMITS: [&str; 16] = [
        "LimitAS",
        "LimitCORE",
        "LimitCPU",
        "LimitDATA",
        "LimitFSIZE",
        "LimitLOCKS",
        "LimitMEMLOCK",
        "LimitMSGQUEUE",
        "LimitNICE",
        "LimitNOFILE",
        "LimitNPROC",
        "LimitRSS",
        "LimitRTPRIO",
        "LimitRTTIME",
        "LimitSIGPENDING",
        "LimitSTACK",
    ];
    for key in LIMITS {
        if let Some((at, value)) = context.last(section, key) {
            let name = key.trim_start_matches("Limit").to_ascii_lowercase();
            let what = What::Needs {
                need: Need::Limit,
                name,
            };
            out.fact(at.clone(), Certainty::Declared, what);
            directive(at, key, value, out);
        }
    }
    priorities(context, section, out);
}

fn priorities(context: &Context<'_>, section: &str, out: &mut Out) {
    let below_nought =
        |key| matches!(context.last(section, key), Some((_, value)) if value.starts_with('-'));
    let one_of = |key, values: [&str; 2]| matches!(context.last(section, key), Some((_, value)) if values.contains(&value.as_str()));
    let needs = [
        ("Nice", below_nought("Nice"), "CAP_SYS_NICE"),
        (
            "CPUSchedulingPolicy",
            one_of("CPUSchedulingPolicy", ["fifo", "rr"]),
            "CAP_SYS_NICE",
        ),
        (
            "IOSchedulingClass",
            one_of("IOSchedulingClass", ["realtime", "1"]),
            "CAP_SYS_NICE",
        ),
        (
            "OOMScoreAdjust",
            below_nought("OOMScoreAdjust"),
            "CAP_SYS_RESOURCE",
        ),
    ];
    for (key, asks, name) in needs {
        if let (true, Some((at, _))) = (asks, context.last(section, key)) {
            capability(name, at, Certainty::Inferred, out);
        }
    }
}

/// Device nodes and classes beyond those of every container. What a unit may use it need not use,
/// and most that are allowed are for a feature that is off: only a guess.
fn devices(context: &Context<'_>, section: &str, out: &mut Out) {
    for assignment in context.unit.list(section, "DeviceAllow") {
        let words = context.words(assignment);
        let Some(name) = words.first() else {
            continue;
        };
        let is_common = name.starts_with(b"/dev/")
            && crate::extract::argument::is_everywhere(&crate::path::AppPath::new(name));
        if !is_common && name != b"char-pts" {
            device(name, context.at(assignment), Certainty::Guessed, out);
        }
    }
    if let Some(assignment) = context.unit.last(section, "TTYPath") {
        let at = context.at(assignment);
        let value = context.value(assignment);
        device(&value, at.clone(), Certainty::Declared, out);
        let named = ("TTYPath", Touch::Writes, Some(Kind::CharDevice), None);
        context.classed(&value, at, named, out);
    }
}

fn device(name: &[u8], at: Locus, certainty: Certainty, out: &mut Out) {
    let what = What::Needs {
        need: Need::Device,
        name: withhold::word(name),
    };
    out.fact(at, certainty, what);
}

/// A name on the message bus needs the host's bus.
fn bus(context: &Context<'_>, section: &str, out: &mut Out) {
    let by_type = context
        .last(section, "Type")
        .filter(|(_, value)| value == "dbus");
    if let Some((at, _)) = context.last(section, "BusName").or(by_type) {
        let what = What::Needs {
            need: Need::HostService,
            name: "dbus".to_owned(),
        };
        out.fact(at, Certainty::Declared, what);
    }
}
