//! The kernel's part: what of it a container can be given, with the reason, and what only the host
//! can.

use crate::fact::{Certainty, Need, What};
use crate::report::{KernelNeed, Plan};

use super::Limit;

/// Something to give, and why.
#[derive(Clone, Debug)]
pub(super) struct Given {
    /// Capability without `CAP_`, sysctl key, limit or device.
    pub(super) name: String,
    /// The value, of a sysctl.
    pub(super) value: String,
    /// Soft and hard value, of a limit; -1 for no limit.
    pub(super) bounds: (i64, i64),
    /// Why.
    pub(super) why: String,
}

/// What the container is given.
#[derive(Clone, Debug, Default)]
pub(super) struct Needs {
    /// Capabilities.
    pub(super) capabilities: Vec<Given>,
    /// Sysctls of the container's own namespaces.
    pub(super) sysctls: Vec<Given>,
    /// Resource limits.
    pub(super) limits: Vec<Given>,
    /// Device nodes.
    pub(super) devices: Vec<Given>,
    /// Bytes of shared memory.
    pub(super) shm: Option<(u64, String)>,
}

/// Capabilities that a process needs which starts as root and changes to another user
/// (capabilities(7)).
const DROPS: [&str; 9] = [
    "CHOWN",
    "DAC_OVERRIDE",
    "FOWNER",
    "FSETID",
    "KILL",
    "SETGID",
    "SETPCAP",
    "SETUID",
    "SYS_CHROOT",
];

/// Names of limits as docker-run(1) and podman-run(1) have them.
const LIMITS: [&str; 14] = [
    "as", "core", "cpu", "data", "fsize", "locks", "memlock", "msgqueue", "nice", "nofile",
    "nproc", "rss", "rtprio", "stack",
];

/// Sorts the plan's needs. `as_root` says that a process starts as root.
pub(super) fn needs(plan: &Plan, as_root: bool, limits: &mut Vec<Limit>) -> Needs {
    let mut needs = Needs::default();
    for need in &plan.kernel {
        place(need, &mut needs, limits);
    }
    let is_low = plan.ports.iter().any(|port| port.port < 1024);
    if as_root {
        for name in DROPS {
            capability(
                &mut needs,
                name,
                "a process starts as root and changes user itself",
            );
        }
        if is_low {
            capability(
                &mut needs,
                "NET_BIND_SERVICE",
                "a port below 1024 is listened on",
            );
        }
    } else if is_low {
        needs.sysctls.push(Given {
            name: "net.ipv4.ip_unprivileged_port_start".to_owned(),
            value: "0".to_owned(),
            bounds: (0, 0),
            why: "a port below 1024 is listened on without root".to_owned(),
        });
    }
    needs.capabilities.sort_by(|a, b| a.name.cmp(&b.name));
    needs
}

fn capability(needs: &mut Needs, name: &str, why: &str) {
    if needs.capabilities.iter().all(|given| given.name != name) {
        needs.capabilities.push(Given {
            name: name.to_owned(),
            value: String::new(),
            bounds: (0, 0),
            why: why.to_owned(),
        });
    }
}

/// The reason for a need, in a line.
fn why(need: &KernelNeed) -> String {
    let word = match need.certainty {
        Certainty::Guessed => "guessed",
        Certainty::Inferred => "inferred",
        Certainty::Observed => "observed",
        Certainty::Declared => "declared",
    };
    match need.because.first() {
        Some(fact) => match fact.at.line {
            Some(line) => format!("{word} by {} line {line}", fact.at.file),
            None => format!("{word} by {}", fact.at.file),
        },
        None => word.to_owned(),
    }
}

fn place(need: &KernelNeed, needs: &mut Needs, limits: &mut Vec<Limit>) {
    let why = why(need);
    let given = Given {
        name: need.name.clone(),
        value: need.value.clone().unwrap_or_default(),
        bounds: (0, 0),
        why: why.clone(),
    };
    let host =
        |cannot: &str, instead: &str| Limit::new(&need.name, format!("{cannot} ({why})"), instead);
    if need.certainty == Certainty::Guessed {
        let cannot = "it may be needed, and nothing but a guess says so";
        limits.push(host(cannot, "not given"));
        return;
    }
    match need.need {
        Need::Capability if is_capability(&need.name) => {
            capability(needs, need.name.trim_start_matches("CAP_"), &why);
        }
        Need::Limit => match bounds(need.value.as_deref()) {
            Some(bounds) if LIMITS.contains(&need.name.as_str()) => {
                needs.limits.push(Given { bounds, ..given });
            }
            _ => limits.push(host(
                "a limit is raised to a value that is not known",
                "the runtime's own limit holds",
            )),
        },
        Need::Sysctl if is_namespaced(&need.name) && is_plain(&given.value) => {
            needs.sysctls.push(given);
        }
        Need::Sysctl => limits.push(host(
            "this sysctl is the host's, or its value is not known",
            "set it on the host",
        )),
        Need::Device if is_device(&need.name) => needs.devices.push(given),
        Need::Device => limits.push(host(
            "a device that has no fixed name",
            "pass the node in by hand on the host that has it",
        )),
        Need::SharedMemory => shared_memory(need, needs, limits),
        Need::Module => limits.push(host(
            "a kernel module can only be loaded on the host",
            "load it there",
        )),
        Need::Privileged => limits.push(host(
            "full privilege is asked for",
            "not given: add what turns out to be missing",
        )),
        Need::HostService => limits.push(host(
            "a service of the host is asked for",
            "not there in the container",
        )),
        Need::Capability => limits.push(host("no capability of Linux", "not given")),
    }
}

fn is_capability(name: &str) -> bool {
    let bare = name.strip_prefix("CAP_").unwrap_or(name);
    !bare.is_empty() && bare.bytes().all(|b| b.is_ascii_uppercase() || b == b'_')
}

/// Sysctls that belong to a container's own namespaces (namespaces(7), ipc_namespaces(7)).
fn is_namespaced(key: &str) -> bool {
    let is_key = key
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b));
    is_key
        && (key.starts_with("net.")
            || key.starts_with("fs.mqueue.")
            || key.starts_with("kernel.msg")
            || key.starts_with("kernel.shm")
            || key == "kernel.sem")
}

fn is_plain(value: &str) -> bool {
    !value.is_empty()
        && value
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b" \t._-".contains(&b))
}

fn is_device(name: &str) -> bool {
    name.strip_prefix("/dev/").is_some_and(|rest| {
        !rest.is_empty()
            && rest
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"/._-".contains(&b))
    })
}

/// `N`, `soft:hard` or `infinity`, systemd.exec(5); sizes may end in K, M, G or T, powers of 1024.
fn bounds(value: Option<&str>) -> Option<(i64, i64)> {
    let one = |text: &str| -> Option<i64> {
        let text = text.trim();
        if matches!(text, "infinity" | "unlimited" | "-1") {
            return Some(-1);
        }
        let digits = text.trim_end_matches(['K', 'M', 'G', 'T']);
        let factor: i64 = match &text[digits.len()..] {
            "" => 1,
            "K" => 1 << 10,
            "M" => 1 << 20,
            "G" => 1 << 30,
            "T" => 1 << 40,
            _ => return None,
        };
        let number: i64 = digits.parse().ok()?;
        (number >= 0).then_some(())?;
        number.checked_mul(factor)
    };
    let value = value?;
    match value.split_once(':') {
        Some((soft, hard)) => Some((one(soft)?, one(hard)?)),
        None => one(value).map(|both| (both, both)),
    }
}

fn shared_memory(need: &KernelNeed, needs: &mut Needs, limits: &mut Vec<Limit>) {
    /// What serves a database of common size; a container's own 64 MB do not.
    const SHM: u64 = 1 << 30;
    let said = need.because.iter().find_map(|fact| match &fact.what {
        What::Directive { value, .. } => bounds(Some(value)),
        _ => None,
    });
    let size = said.and_then(|(size, _)| u64::try_from(size).ok());
    needs.shm = Some((size.unwrap_or(SHM), why(need)));
    if size.is_none() {
        limits.push(Limit::new(
            "shared memory",
            "how much is needed is not known",
            "1 GiB",
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_read_as_units_write_them() {
        for (text, want) in [
            ("65535", Some((65535, 65535))),
            ("1024:4096", Some((1024, 4096))),
            ("infinity", Some((-1, -1))),
            ("64M", Some((64 << 20, 64 << 20))),
            ("99999999999T", None),
            ("x", None),
            ("-5", None),
        ] {
            assert_eq!(bounds(Some(text)), want, "{text}");
        }
    }

    #[test]
    fn only_a_namespace_s_own_sysctls_are_given() {
        assert!(is_namespaced("net.core.somaxconn"));
        assert!(is_namespaced("kernel.shmmax"));
        assert!(!is_namespaced("vm.overcommit_memory"));
        assert!(!is_namespaced("net.x y"));
    }
}
