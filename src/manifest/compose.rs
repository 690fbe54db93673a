//! A Compose file (the Compose Specification), for docker-compose, podman-compose and others.

use super::process::Process;
use super::quote::compose as text;
use super::service::Service;
use super::volume::{Keeps, Volume};
use super::yaml::{Node, texts};
use super::{Out, Target};

/// Compose.
pub(super) const TARGET: Target = Target {
    name: "compose",
    about: "a Compose file",
    write,
};

fn write(service: &Service<'_>, out: &mut Out) {
    let mut services = Node::map();
    for process in &service.processes {
        let node = container(service, process, out);
        services = services.with(&key(service, process), node);
    }
    let mut volumes = Node::map();
    for volume in &service.volumes {
        if is_named(service, volume) {
            volumes = volumes.with(&volume.name, declared(service, volume));
        }
    }
    let document = Node::map()
        .with("name", service.name.as_str())
        .with("services", services)
        .with_full("volumes", volumes);
    let mut file = out.head(
        "#",
        &format!("Starts {} over a read-only root.", service.name),
    );
    file += "#\n# BASE is the directory that ../migrate.sh has filled.\n";
    out.file("compose.yaml", file + &document.text(), 0o644);
}

fn key(service: &Service<'_>, process: &Process) -> String {
    if service.is_several() {
        process.name.clone()
    } else {
        service.name.clone()
    }
}

/// Whether a volume stands under `volumes:`; scratch space does when it is one.
fn is_named(service: &Service<'_>, volume: &Volume) -> bool {
    match volume.keeps {
        Keeps::State => !volume.is_file,
        Keeps::Scratch => service.is_scratch_volume(volume),
        Keeps::Config | Keeps::Secret => false,
    }
}

fn declared(service: &Service<'_>, volume: &Volume) -> Node {
    let node = Node::map().with("name", format!("{}-{}", service.name, volume.name));
    if volume.keeps != Keeps::Scratch {
        return node;
    }
    let options = Node::map()
        .with("type", "tmpfs")
        .with("device", "tmpfs")
        .with("o", "mode=1777");
    node.with("driver", "local").with("driver_opts", options)
}

fn container(service: &Service<'_>, process: &Process, out: &mut Out) -> Node {
    let is_first = std::ptr::eq(process, service.first());
    let mut node = Node::map().with("image", text(&service.image));
    if !process.command.is_empty() {
        node = node
            .with(
                "entrypoint",
                texts(process.command.iter().map(|word| text(word))),
            )
            .with("command", Node::List(Vec::new()));
    }
    node = node
        .with("user", format!("{}:{}", process.ids.0, process.ids.1))
        .with_some("working_dir", process.directory.as_deref().map(text))
        .with("read_only", true)
        .with("restart", "unless-stopped")
        .with_full("environment", environment(service, out));
    node = if is_first {
        let ports = service
            .ports
            .iter()
            .map(|port| format!("{0}:{0}/{1}", port.port, port.transport));
        node.with_full("ports", texts(ports))
    } else {
        node.with(
            "network_mode",
            format!("service:{}", key(service, service.first())),
        )
    };
    node = needs(service, is_first, node);
    let seconds = process.stop_seconds.map(|seconds| format!("{seconds}s"));
    let volumes = service.volumes.iter().map(|volume| mount(service, volume));
    node.with_some("stop_signal", process.stop_signal.as_deref())
        .with_some("stop_grace_period", seconds)
        .with_full("volumes", Node::List(volumes.collect()))
}

fn environment(service: &Service<'_>, out: &mut Out) -> Node {
    let mut node = Node::map();
    for variable in &service.env {
        let value = match &variable.value {
            Some(value) => text(value),
            None => {
                out.limit(
                    format!("variable {}", variable.name),
                    "its value is a secret",
                    "taken from the environment of whoever starts it",
                );
                format!("${{{}-}}", variable.name)
            }
        };
        node = node.with(&variable.name, value);
    }
    node
}

fn needs(service: &Service<'_>, is_first: bool, node: Node) -> Node {
    let needs = &service.needs;
    let noted = |list: &[super::needs::Given]| -> Node {
        list.iter()
            .map(|given| Node::from(given.name.as_str()).note(&given.why))
            .collect::<Vec<_>>()
            .into()
    };
    let mut sysctls = Node::map();
    // A container that joins another's network cannot set its sysctls.
    for given in needs.sysctls.iter().filter(|_| is_first) {
        sysctls = sysctls.with(
            &given.name,
            Node::from(given.value.as_str()).note(&given.why),
        );
    }
    let mut limits = Node::map();
    for given in &needs.limits {
        let both = Node::map()
            .with("soft", Node::from(given.bounds.0).note(&given.why))
            .with("hard", given.bounds.1);
        limits = limits.with(&given.name, both);
    }
    let devices = needs.devices.iter().map(|given| {
        let pair = format!("{0}:{0}", given.name);
        Node::from(pair).note(&given.why)
    });
    let shm = needs
        .shm
        .as_ref()
        .map(|(bytes, why)| Node::from(format!("{bytes}b")).note(why));
    let confined = service
        .is_confined()
        .then(|| texts(["no-new-privileges:true"]));
    node.with("cap_drop", texts(["ALL"]))
        .with_full("cap_add", noted(&needs.capabilities))
        .with_some("security_opt", confined)
        .with_full("sysctls", sysctls)
        .with_full("ulimits", limits)
        .with_full("devices", Node::List(devices.collect()))
        .with_some("shm_size", shm)
}

fn mount(service: &Service<'_>, volume: &Volume) -> Node {
    let target = text(&volume.path);
    if volume.keeps == Keeps::Scratch && !service.is_scratch_volume(volume) {
        // The owner of a tmpfs has another option in each runtime; this mode serves all.
        let options = Node::map().with("mode", 0o1777_u32);
        return Node::map()
            .with("type", "tmpfs")
            .with("target", target)
            .with("tmpfs", options);
    }
    if is_named(service, volume) {
        return Node::map()
            .with("type", "volume")
            .with("source", volume.name.as_str())
            .with("target", target);
    }
    let source = format!("${{BASE:-{}}}/{}", service.base(), volume.name);
    let node = Node::map()
        .with("type", "bind")
        .with("source", source)
        .with("target", target);
    if volume.is_written() {
        node
    } else {
        node.with("read_only", true)
    }
}
