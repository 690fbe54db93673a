//! The kernel's part: what of it a container can be given, with the reason, and what only the host
//! can.

use crate::fact::{Certainty, Need, What};
use crate::report::{KernelNeed, Plan};

use super::Limit;
use super::process::Process;

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
    /// The starts that ask for it, by name; empty when all may.
    pub(super) serves: Vec<String>,
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

/// The most open files that the kernel grants where nobody has changed `fs.nr_open` (proc(5)):
/// above it setrlimit(2) fails for everybody, and `infinity` is above it.
const OPEN_FILES: i64 = 1 << 20;

/// Sorts the plan's needs.
pub(super) fn needs(plan: &Plan, processes: &[Process], limits: &mut Vec<Limit>) -> Needs {
    let mut needs = Needs::default();
    for need in &plan.kernel {
        let asks = |process: &Process| need.serves.contains(&process.start);
        if need.serves.is_empty() || processes.iter().any(asks) {
            place(need, &mut needs, limits);
        } else {
            limits.push(Limit::new(
                &need.name,
                format!(
                    "only {} asks for it ({})",
                    need.serves.join(", "),
                    why(need)
                ),
                "not given: what asks for it is not started",
            ));
        }
    }
    let is_low = plan.ports.iter().any(|port| port.port < 1024);
    if is_low && !processes.iter().all(Process::is_root) {
        needs.sysctls.push(Given::new(
            "net.ipv4.ip_unprivileged_port_start",
            "0",
            "a port below 1024 is listened on without root",
        ));
    }
    needs
}

impl Needs {
    /// The capabilities of a process; `is_low` says that a port below 1024 is listened on.
    pub(super) fn capabilities(&self, process: &Process, is_low: bool) -> Vec<Given> {
        let own = self
            .capabilities
            .iter()
            .filter(|given| given.is_for(process));
        let mut list: Vec<Given> = own.cloned().collect();
        if process.is_root() {
            let why = "a process starts as root and changes user itself";
            list.extend(DROPS.iter().map(|name| Given::new(name, "", why)));
            if is_low {
                let why = "a port below 1024 is listened on";
                list.push(Given::new("NET_BIND_SERVICE", "", why));
            }
        }
        // Stable: the plan's reason stands before a customary one.
        list.sort_by(|a, b| a.name.cmp(&b.name));
        list.dedup_by(|next, kept| next.name == kept.name);
        list
    }
}

impl Given {
    fn new(name: &str, value: &str, why: &str) -> Self {
        Self {
            name: name.to_owned(),
            value: value.to_owned(),
            bounds: (0, 0),
            why: why.to_owned(),
            serves: Vec::new(),
        }
    }

    /// Whether a process is to have it.
    pub(super) fn is_for(&self, process: &Process) -> bool {
        self.serves.is_empty() || self.serves.contains(&process.start)
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
        serves: need.serves.clone(),
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
            let name = need.name.trim_start_matches("CAP_").to_owned();
            needs.capabilities.push(Given { name, ..given });
        }
        Need::Limit => match bounds(need.value.as_deref()) {
            Some(bounds) if LIMITS.contains(&need.name.as_str()) => {
                let bounds = granted(&need.name, bounds, limits);
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

/// Bounds that a runtime grants.
fn granted(name: &str, bounds: (i64, i64), limits: &mut Vec<Limit>) -> (i64, i64) {
    if name != "nofile" || (bounds.0 >= 0 && bounds.1 >= 0) {
        return bounds;
    }
    limits.push(Limit::new(
        "limit nofile",
        "the kernel grants no infinite number of open files",
        format!("{OPEN_FILES} are asked for, the kernel's own fs.nr_open"),
    ));
    let finite = |bound: i64| if bound < 0 { OPEN_FILES } else { bound };
    (finite(bounds.0), finite(bounds.1))
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
