//! The pod: containers, their rights, volumes, probes, and what fills a new claim.

use super::super::Out;
use super::super::process::Process;
use super::super::quote::{k8s, shell};
use super::super::service::Service;
use super::super::volume::{Keeps, Volume};
use super::super::yaml::{Node, texts};
use super::config::Settings;
use super::{FILES, Form, Volumes};
use crate::fact::Class;
use crate::report::Port;

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
    let seconds = service
        .processes
        .iter()
        .filter_map(|process| process.stop_seconds)
        .max();
    Node::map()
        .with("automountServiceAccountToken", false)
        .with("enableServiceLinks", false)
        .with_some("terminationGracePeriodSeconds", seconds)
        .with("securityContext", context(service, out))
        .with_full("initContainers", seeds(service, volumes, settings))
        .with("containers", containers)
        .with_full("volumes", sources(service, volumes, settings))
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
    Node::map()
        .with("runAsNonRoot", service.is_confined())
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

fn rights(service: &Service<'_>, process: &Process) -> Node {
    let add = service
        .needs
        .capabilities
        .iter()
        .map(|given| Node::from(given.name.as_str()).note(&given.why));
    let capabilities = Node::map()
        .with("drop", texts(["ALL"]))
        .with_full("add", Node::List(add.collect()));
    Node::map()
        .with("runAsUser", process.ids.0)
        .with("runAsGroup", process.ids.1)
        .with("readOnlyRootFilesystem", true)
        .with("allowPrivilegeEscalation", !service.is_confined())
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
    let command = texts(process.command.iter().map(|word| k8s(word)));
    let mut node = Node::map()
        .with("name", name)
        .with("image", service.image.as_str())
        .with_full("command", command)
        .with_some("workingDir", process.directory.as_deref())
        .with_full("env", environment(service))
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
    node.with_full("volumeMounts", mounts(service, volumes, settings))
}

/// A name of a port is at most 15 characters long (RFC 6335).
pub(super) fn port_name(port: &Port) -> String {
    format!("{}-{}", port.transport, port.port)
}

/// Ready when the first port is open; alive as long as it is, where one process holds it.
fn probes(service: &Service<'_>, node: Node, out: &mut Out) -> Node {
    let Some(port) = service.ports.iter().find(|port| port.transport == "tcp") else {
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

fn environment(service: &Service<'_>) -> Node {
    let variables = service.env.iter().map(|variable| {
        let node = Node::map().with("name", variable.name.as_str());
        match &variable.value {
            Some(value) => node.with("value", k8s(value)),
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

fn mounts(service: &Service<'_>, volumes: &Volumes<'_>, settings: &Settings) -> Node {
    let mut list = Vec::new();
    for (volume, form) in &volumes.list {
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
            Form::Object if volume.is_file => Some(Settings::file_name(volume)),
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
            Form::Empty if volume.class == Class::Runtime => {
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
            Form::Claim | Form::File if is_seeded_from_object(volume, settings) => {
                for part in settings.parts(volume) {
                    let (key, source) = settings.source(part);
                    let name = format!("seed--{}", part.name);
                    list.push(Node::map().with("name", name).with(key, source));
                }
            }
            Form::Claim | Form::File => {}
        }
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

/// Settings that must be writable: a claim that is filled from a ConfigMap once.
fn is_seeded_from_object(volume: &Volume, settings: &Settings) -> bool {
    volume.keeps == Keeps::State && settings.has(volume)
}

/// A container that fills new claims before the others start: a claim is empty where a volume of
/// docker takes over what the image has at that place.
fn seeds(service: &Service<'_>, volumes: &Volumes<'_>, settings: &Settings) -> Node {
    let mut script = String::from("set -eu\n");
    let mut mounts = Vec::new();
    let mut seen_files = false;
    for (volume, form) in &volumes.list {
        let from_object = is_seeded_from_object(volume, settings);
        let is_needed = match form {
            Form::File => true,
            Form::Claim | Form::Empty => volume.hides > 0 || from_object,
            Form::Object => false,
        };
        if !is_needed || volume.keeps == Keeps::Scratch {
            continue;
        }
        let from = if from_object {
            format!("/seed/from/{}", volume.name)
        } else {
            volume.path.clone()
        };
        let into = format!("/seed/to/{}", volume.name);
        if *form == Form::File {
            let from = match from_object {
                true => format!("{from}/{}", Settings::file_name(volume)),
                false => from,
            };
            let from = shell(&from);
            let into = format!("/seed/to/{FILES}/{}", volume.name);
            script += &format!(
                "[ -e {into} ] || if [ -f {from} ]; then cp -p {from} {into}; else : >{into}; fi\n"
            );
            if !seen_files {
                mounts.push(at(FILES, &format!("/seed/to/{FILES}")));
                seen_files = true;
            }
        } else {
            let from = shell(&from);
            script += &format!("[ -n \"$(ls -A {into})\" ] || cp -RL {from}/. {into}/\n");
            mounts.push(at(&volume.name, &into));
        }
        if from_object {
            for part in settings.parts(volume) {
                let place = part.place(&format!("/seed/from/{}", volume.name));
                mounts.push(at(&format!("seed--{}", part.name), &place));
            }
        }
    }
    if mounts.is_empty() {
        return Node::List(Vec::new());
    }
    let node = Node::map()
        .with("name", "seed")
        .with("image", service.image.as_str())
        .with("command", texts(["/bin/sh", "-c", &k8s(&script)]))
        .with("securityContext", rights(service, service.first()))
        .with("volumeMounts", mounts);
    Node::List(vec![node])
}

fn at(name: &str, path: &str) -> Node {
    Node::map().with("name", name).with("mountPath", path)
}
