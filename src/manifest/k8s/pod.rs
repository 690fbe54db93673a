//! The pod: containers, their rights, volumes, probes, and what fills a new claim.

use std::collections::BTreeSet;

use super::super::Out;
use super::super::port::is_public;
use super::super::process::Process;
use super::super::quote::k8s;
use super::super::service::Service;
use super::super::volume::{Keeps, Volume};
use super::super::yaml::{Node, texts};
use super::config::{Part, Settings};
use super::{FILES, Form, Volumes, claim_name, seed};
use crate::report::{Port, PortRole};

/// The pod's specification.
pub(super) fn spec(
    service: &Service<'_>,
    volumes: &Volumes<'_>,
    settings: &Settings,
    out: &mut Out,
) -> Node {
    let containers: Vec<Node> = service
        .processes
        .iter()
        .map(|process| container(service, process, volumes, settings, out))
        .collect();
    unfit(service, out);
    let hostname = hostname(service, out);
    let seconds = service
        .processes
        .iter()
        .filter_map(|process| process.stop_seconds)
        .max();
    Node::map()
        .with("automountServiceAccountToken", false)
        .with("enableServiceLinks", false)
        .with_some("hostname", hostname)
        .with_some("terminationGracePeriodSeconds", seconds)
        .with("securityContext", context(service, out))
        .with_full(
            "initContainers",
            seed::containers(service, volumes, settings, out),
        )
        .with("containers", containers)
        .with_full("volumes", sources(service, volumes, settings))
}

/// The host name of the pod: a label, without the domain (Kubernetes API, PodSpec.hostname).
fn hostname(service: &Service<'_>, out: &mut Out) -> Option<String> {
    let name = service.hostname?;
    let (label, domain) = name.split_once('.').unwrap_or((name, ""));
    let lower = label.to_ascii_lowercase();
    if lower != name {
        out.limit(
            "the host name",
            format!("a pod's is a label of small letters, and {name} is none"),
            format!(
                "{lower} is given{}",
                if domain.is_empty() {
                    ""
                } else {
                    ", without the domain"
                }
            ),
        );
    }
    (lower.len() < 64).then_some(lower)
}

fn context(service: &Service<'_>, out: &mut Out) -> Node {
    let mut sysctls = Vec::new();
    for given in &service.needs.sysctls {
        // Kubernetes, "Using sysctls": others need a flag of the kubelet.
        let is_safe = given.name == "net.ipv4.ip_unprivileged_port_start"
            || given.name == "net.ipv4.ip_local_port_range"
            || given.name == "net.ipv4.tcp_syncookies"
            || given.name == "net.ipv4.ping_group_range"
            || given.name == "kernel.shm_rmid_forced";
        if !is_safe {
            out.limit(
                &given.name,
                "a cluster takes this sysctl only when its nodes allow it",
                "asked for: allow it with --allowed-unsafe-sysctls of the kubelet",
            );
        }
        sysctls.push(
            Node::map()
                .with("name", Node::from(given.name.as_str()).note(&given.why))
                .with("value", given.value.as_str()),
        );
    }
    let group = service.volume_group();
    // A pod's groups are those of all its processes.
    let all: BTreeSet<u32> = service
        .processes
        .iter()
        .flat_map(|process| process.groups.iter().copied())
        .collect();
    let groups = all.into_iter().map(Node::from).collect();
    Node::map()
        .with("runAsNonRoot", !service.has_root())
        .with_full("supplementalGroups", Node::List(groups))
        .with_some("fsGroup", group)
        .with_some("fsGroupChangePolicy", group.map(|_| "OnRootMismatch"))
        .with("seccompProfile", Node::map().with("type", "RuntimeDefault"))
        .with_full("sysctls", Node::List(sysctls))
}

/// A pod has no word for some of what the kernel gives.
fn unfit(service: &Service<'_>, out: &mut Out) {
    for given in &service.needs.limits {
        out.limit(
            format!("limit {}", given.name),
            format!("a pod has no resource limits of processes ({})", given.why),
            "the node's container runtime decides: set it there",
        );
    }
    for given in &service.needs.devices {
        out.limit(
            &given.name,
            format!(
                "a pod gets a device only from a device plugin ({})",
                given.why
            ),
            "not given: install a plugin for it and ask for its resource",
        );
    }
    for process in &service.processes {
        if let Some(signal) = process.stop_signal.as_ref().filter(|s| *s != "SIGTERM") {
            out.limit(
                format!("process {}", process.name),
                format!("a pod cannot choose the signal {signal} that ends it"),
                "the image's STOPSIGNAL is used: the Containerfile sets it",
            );
        }
    }
}

pub(super) fn rights(service: &Service<'_>, process: &Process) -> Node {
    let capabilities = service.capabilities(process);
    let add = capabilities
        .iter()
        .map(|given| Node::from(given.name.as_str()).note(&given.why));
    let capabilities = Node::map()
        .with("drop", texts(["ALL"]))
        .with_full("add", Node::List(add.collect()));
    Node::map()
        .with("runAsUser", process.ids.0)
        .with("runAsGroup", process.ids.1)
        .with("readOnlyRootFilesystem", true)
        .with("allowPrivilegeEscalation", !service.confines(process))
        .with("capabilities", capabilities)
}

fn container(
    service: &Service<'_>,
    process: &Process,
    volumes: &Volumes<'_>,
    settings: &Settings,
    out: &mut Out,
) -> Node {
    let is_first = std::ptr::eq(process, service.first());
    let name = if service.is_several() {
        process.name.as_str()
    } else {
        service.name.as_str()
    };
    let command = texts(process.command.iter().map(|word| k8s(word, &process.env)));
    let mut node = Node::map()
        .with("name", name)
        .with("image", service.image.as_str())
        .with_full("command", command)
        .with_some("workingDir", process.directory.as_deref())
        .with_full("env", environment(service, process))
        .with("securityContext", rights(service, process));
    if is_first {
        let ports = service.ports.iter().map(|port| {
            Node::map()
                .with("name", port_name(port))
                .with("containerPort", port.port)
                .with("protocol", port.transport.to_uppercase())
        });
        node = node.with_full("ports", Node::List(ports.collect()));
        node = probes(service, node, out);
    }
    node.with_full("volumeMounts", mounts(service, process, volumes, settings))
}

/// A name of a port is at most 15 characters long (RFC 6335).
pub(super) fn port_name(port: &Port) -> String {
    format!("{}-{}", port.transport, port.port)
}

/// Ready when the first port is open; alive as long as it is, where one process holds it.
fn probes(service: &Service<'_>, node: Node, out: &mut Out) -> Node {
    let is_asked = |port: &&Port| port.transport == "tcp" && port.role != PortRole::Debug;
    let mut ports = service.ports.iter().filter(is_asked);
    let public = service
        .ports
        .iter()
        .filter(is_asked)
        .find(|port| is_public(port));
    let Some(port) = public.or(ports.next()) else {
        out.limit(
            "readiness",
            "no TCP port is known to ask",
            "no probe: it counts as ready when it has started",
        );
        return node;
    };
    let probe = |period: u32, failures: u32| {
        Node::map()
            .with("tcpSocket", Node::map().with("port", port.port))
            .with("periodSeconds", period)
            .with("failureThreshold", failures)
    };
    let node = node
        .with("startupProbe", probe(5, 60))
        .with("readinessProbe", probe(10, 3));
    if service.is_several() {
        node
    } else {
        node.with("livenessProbe", probe(20, 6))
    }
}

fn environment(service: &Service<'_>, process: &Process) -> Node {
    let variables = process.env.iter().map(|variable| {
        let node = Node::map().with("name", variable.name.as_str());
        match &variable.value {
            Some(value) => node.with("value", k8s(value, &process.env)),
            None => {
                let from = Node::map()
                    .with("name", format!("{}-env", service.name))
                    .with("key", variable.name.as_str())
                    .with("optional", false);
                node.with("valueFrom", Node::map().with("secretKeyRef", from))
            }
        }
    });
    Node::List(variables.collect())
}

fn mounts(
    service: &Service<'_>,
    process: &Process,
    volumes: &Volumes<'_>,
    settings: &Settings,
) -> Node {
    let mut list = Vec::new();
    for (volume, form) in &volumes.list {
        if !service.uses(process, volume) {
            continue;
        }
        if *form == Form::Object && !volume.is_file {
            for part in settings.parts(volume) {
                let read_only = part.is_leaf().then_some(true);
                list.push(
                    at(&part.name, &part.place(&volume.path)).with_some("readOnly", read_only),
                );
            }
            continue;
        }
        let source = if *form == Form::File {
            FILES
        } else {
            &volume.name
        };
        let sub = match form {
            Form::File => Some(volume.name.clone()),
            Form::Object | Form::Copied if volume.is_file => Some(Settings::file_name(volume)),
            _ => None,
        };
        let read_only = (!volume.is_written()).then_some(true);
        list.push(
            Node::map()
                .with("name", source)
                .with("mountPath", volume.path.as_str())
                .with_some("subPath", sub)
                .with_some("readOnly", read_only),
        );
    }
    if service.needs.shm.is_some() {
        list.push(
            Node::map()
                .with("name", "dev-shm-size")
                .with("mountPath", "/dev/shm"),
        );
    }
    Node::List(list)
}

fn sources(service: &Service<'_>, volumes: &Volumes<'_>, settings: &Settings) -> Node {
    let mut list = Vec::new();
    for (volume, form) in &volumes.list {
        let node = Node::map().with("name", volume.name.as_str());
        match form {
            // What podman keeps in memory is each container's own, and root's.
            Form::Empty if volume.keeps == Keeps::Scratch && is_anybodys(service, volume) => {
                let memory = Node::map().with("medium", "Memory");
                list.push(node.with("emptyDir", memory));
            }
            Form::Empty => list.push(node.with("emptyDir", Node::map())),
            Form::Object => {
                for part in settings.parts(volume) {
                    let (key, source) = settings.source(part);
                    list.push(
                        Node::map()
                            .with("name", part.name.as_str())
                            .with(key, source),
                    );
                }
            }
            Form::Copied => {
                list.push(node.with("emptyDir", Node::map()));
                list.extend(seeds(volume, settings));
            }
            Form::Claim | Form::File if is_seeded_from_object(volume, settings) => {
                list.extend(seeds(volume, settings));
            }
            Form::Claim | Form::File => {}
        }
    }
    for (name, _) in volumes.claims().filter(|_| !volumes.is_set) {
        let claim = Node::map().with("claimName", claim_name(service, &name));
        list.push(
            Node::map()
                .with("name", name)
                .with("persistentVolumeClaim", claim),
        );
    }
    if let Some((bytes, why)) = &service.needs.shm {
        let size = Node::map()
            .with("medium", "Memory")
            .with("sizeLimit", Node::from(bytes.to_string()).note(why));
        list.push(
            Node::map()
                .with("name", "dev-shm-size")
                .with("emptyDir", size),
        );
    }
    Node::List(list)
}

/// The objects that something is copied from.
fn seeds(volume: &Volume, settings: &Settings) -> Vec<Node> {
    let seed = |part: &Part| {
        let (key, source) = settings.source(part);
        let name = format!("seed--{}", part.name);
        Node::map().with("name", name).with(key, source)
    };
    settings.parts(volume).iter().map(seed).collect()
}

/// Whether scratch space is as a new tmpfs is: root's, or everybody's.
pub(super) fn is_anybodys(service: &Service<'_>, volume: &Volume) -> bool {
    volume.is_own || volume.scratch_bits() & 0o777 == 0o777 || service.owner(volume) == (0, 0)
}

/// Settings that must be writable: a claim that is filled from a ConfigMap once.
pub(super) fn is_seeded_from_object(volume: &Volume, settings: &Settings) -> bool {
    volume.keeps == Keeps::State && settings.has(volume)
}

pub(super) fn at(name: &str, path: &str) -> Node {
    Node::map().with("name", name).with("mountPath", path)
}
