//! A bundle for runc, crun and other runtimes: config.json of the OCI runtime specification.

use serde_json::{Value, json};

use super::needs::Given;
use super::service::Service;
use super::volume::{Keeps, Volume};
use super::{Out, Target};

/// OCI runtime bundle.
pub(super) const TARGET: Target = Target {
    name: "oci",
    about: "config.json of an OCI runtime bundle",
    write,
};

/// The version of the specification that is followed.
const VERSION: &str = "1.0.2";

/// What the kernel shows and a container has no use for, as runc and containerd hide it.
const MASKED: [&str; 8] = [
    "/proc/acpi",
    "/proc/asound",
    "/proc/kcore",
    "/proc/keys",
    "/proc/latency_stats",
    "/proc/timer_list",
    "/proc/scsi",
    "/sys/firmware",
];
const READ_ONLY: [&str; 5] = [
    "/proc/bus",
    "/proc/fs",
    "/proc/irq",
    "/proc/sys",
    "/proc/sysrq-trigger",
];

fn write(service: &Service<'_>, out: &mut Out) {
    service.without_others(out);
    let config = config(service, out);
    let text = serde_json::to_string_pretty(&config).unwrap_or_default() + "\n";
    out.file("config.json", text, 0o644);
    let about = format!(
        "Bundle of {}: put the image's tree into rootfs beside config.json.",
        service.name
    );
    let mut notes = out.head("#", &about);
    notes += "#\n";
    notes += &service.on_host("#");
    notes += &format!("# Then: runc run --bundle . {}\n", service.name);
    out.file("NOTES", notes, 0o644);
}

fn config(service: &Service<'_>, out: &mut Out) -> Value {
    let mut mounts = system_mounts(service);
    let volumes = service.volumes_of(service.first());
    mounts.extend(volumes.map(|volume| mount(service, volume)));
    let mut namespaces = vec![
        json!({"type": "pid"}),
        json!({"type": "ipc"}),
        json!({"type": "uts"}),
        json!({"type": "mount"}),
        json!({"type": "cgroup"}),
    ];
    if service.ports.is_empty() {
        namespaces.push(json!({"type": "network"}));
    } else {
        out.limit(
            "the network",
            "a runtime below an engine makes no network",
            "the host's is shared: its ports are open at once",
        );
    }
    json!({
        "ociVersion": VERSION,
        "process": process(service, out),
        "root": {"path": "rootfs", "readonly": true},
        "hostname": service.hostname.unwrap_or(&service.name),
        "mounts": mounts,
        "linux": {
            "namespaces": namespaces,
            "sysctl": sysctls(service, out),
            "devices": devices(service, out),
            "resources": {"devices": [{"allow": false, "access": "rwm"}]},
            "maskedPaths": MASKED,
            "readonlyPaths": READ_ONLY,
        },
        "annotations": reasons(service),
    })
}

/// The reason beside each need: JSON has no comments.
fn reasons(service: &Service<'_>) -> Value {
    let needs = &service.needs;
    let mut map = serde_json::Map::new();
    let capabilities = service.capabilities(service.first());
    let all = capabilities
        .iter()
        .chain(&needs.sysctls)
        .chain(&needs.limits)
        .chain(&needs.devices);
    for given in all {
        map.insert(format!("seaworthy.why.{}", given.name), json!(given.why));
    }
    Value::Object(map)
}

fn process(service: &Service<'_>, out: &mut Out) -> Value {
    let first = service.first();
    let mut args = first.command.clone();
    if args.is_empty() {
        out.limit(
            "the start command",
            "a bundle needs one",
            "a shell is started: set process.args",
        );
        args.push("/bin/sh".to_owned());
    }
    let mut env = Vec::new();
    for variable in &first.env {
        match &variable.value {
            Some(value) => env.push(format!("{}={value}", variable.name)),
            None => out.limit(
                format!("variable {}", variable.name),
                "its value is a secret",
                "left out: add it to process.env",
            ),
        }
    }
    if let Some(signal) = first.stop_signal.as_ref().filter(|s| *s != "SIGTERM") {
        out.limit(
            format!("process {}", first.name),
            "a bundle does not name the signal that ends it",
            format!("end it with: runc kill {} {signal}", service.name),
        );
    }
    json!({
        "terminal": false,
        "user": {
            "uid": first.ids.0,
            "gid": first.ids.1,
            "additionalGids": first.groups,
        },
        "args": args,
        "env": env,
        "cwd": first.directory.as_deref().unwrap_or("/"),
        "capabilities": capabilities(service),
        "rlimits": rlimits(service),
        "noNewPrivileges": service.confines(first),
    })
}

fn capabilities(service: &Service<'_>) -> Value {
    let mut names: Vec<String> = service
        .capabilities(service.first())
        .iter()
        .map(|given| format!("CAP_{}", given.name))
        .collect();
    // The host's sysctl for low ports cannot be changed for one container.
    let is_low = service
        .report
        .plan
        .ports
        .iter()
        .any(|port| port.port < 1024);
    let bind = "CAP_NET_BIND_SERVICE".to_owned();
    if is_low && !names.contains(&bind) {
        names.push(bind);
    }
    names.sort();
    let ambient = if !service.first().is_root() {
        names.clone()
    } else {
        Vec::new()
    };
    json!({
        "bounding": names,
        "effective": names,
        "inheritable": ambient,
        "permitted": names,
        "ambient": ambient,
    })
}

fn rlimits(service: &Service<'_>) -> Vec<Value> {
    // The specification has RLIM_INFINITY of getrlimit(2) as the largest number.
    let number = |bound: i64| u64::try_from(bound).unwrap_or(u64::MAX);
    let limit = |given: &Given| {
        json!({
            "type": format!("RLIMIT_{}", given.name.to_ascii_uppercase()),
            "soft": number(given.bounds.0),
            "hard": number(given.bounds.1),
        })
    };
    let limits = service.needs.limits.iter();
    let own = limits.filter(|given| given.is_for(service.first()));
    own.map(limit).collect()
}

fn sysctls(service: &Service<'_>, out: &mut Out) -> Value {
    let mut map = serde_json::Map::new();
    for given in &service.needs.sysctls {
        if given.name.starts_with("net.") && !service.ports.is_empty() {
            // The capability is given instead, where it is about low ports.
            if given.name != "net.ipv4.ip_unprivileged_port_start" {
                out.limit(
                    &given.name,
                    format!(
                        "the host's network is shared, and so is this sysctl ({})",
                        given.why
                    ),
                    "set it on the host",
                );
            }
        } else {
            map.insert(given.name.clone(), json!(given.value));
        }
    }
    Value::Object(map)
}

fn devices(service: &Service<'_>, out: &mut Out) -> Value {
    let devices = service.needs.devices.iter();
    for given in devices.filter(|given| given.is_for(service.first())) {
        out.limit(
            &given.name,
            format!(
                "a bundle names a device by its numbers, which only its host has ({})",
                given.why
            ),
            "left out: add it to linux.devices and allow it in linux.resources.devices",
        );
    }
    json!([])
}

fn system_mounts(service: &Service<'_>) -> Vec<Value> {
    let shm = service
        .needs
        .shm
        .as_ref()
        .map_or(64 << 20, |(bytes, _)| *bytes);
    let row = |path: &str, kind: &str, options: &[&str]| json!({"destination": path, "type": kind, "source": kind, "options": options});
    vec![
        row("/proc", "proc", &["nosuid", "noexec", "nodev"]),
        row(
            "/dev",
            "tmpfs",
            &["nosuid", "strictatime", "mode=755", "size=65536k"],
        ),
        row(
            "/dev/pts",
            "devpts",
            &[
                "nosuid",
                "noexec",
                "newinstance",
                "ptmxmode=0666",
                "mode=0620",
                "gid=5",
            ],
        ),
        row(
            "/dev/shm",
            "tmpfs",
            &[
                "nosuid",
                "noexec",
                "nodev",
                "mode=1777",
                &format!("size={shm}"),
            ],
        ),
        row("/dev/mqueue", "mqueue", &["nosuid", "noexec", "nodev"]),
        // Without a network of its own a container may only be shown the host's.
        if service.ports.is_empty() {
            row("/sys", "sysfs", &["nosuid", "noexec", "nodev", "ro"])
        } else {
            json!({"destination": "/sys", "type": "none", "source": "/sys",
                   "options": ["rbind", "nosuid", "noexec", "nodev", "ro"]})
        },
    ]
}

fn mount(service: &Service<'_>, volume: &Volume) -> Value {
    if volume.keeps == Keeps::Scratch {
        let own = service.tmpfs_options(volume);
        let own = own.split(',').map(str::to_owned);
        let options: Vec<String> = ["nosuid", "nodev"]
            .map(str::to_owned)
            .into_iter()
            .chain(own)
            .collect();
        return json!({
            "destination": volume.path,
            "type": "tmpfs",
            "source": "tmpfs",
            "options": options,
        });
    }
    let access = if volume.is_written() { "rw" } else { "ro" };
    json!({
        "destination": volume.path,
        "type": "bind",
        "source": service.place(volume),
        "options": ["rbind", access, "nosuid", "nodev"],
    })
}
