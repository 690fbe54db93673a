//! A Compose file (the Compose Specification), for docker-compose, podman-compose and others.

use super::docker::tmpfs;
use super::front::{HOLDER, NETWORK};
use super::port::published;
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

/// Seconds that a container is given to end where nothing says more (Compose Specification,
/// `stop_grace_period`).
const STOP: u32 = 10;

fn write(service: &Service<'_>, out: &mut Out) {
    let mut services = Node::map();
    if service.is_several() {
        services = services.with(NETWORK, holder(service));
    }
    for process in &service.processes {
        let node = container(service, process, out);
        services = services.with(&key(service, process), node);
    }
    let mut volumes = Node::map();
    for volume in &service.volumes {
        if service.is_named(volume) {
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
    file += "#\n# BASE is the host's directory with what is mounted.\n";
    file += &service.filled("#");
    if service
        .processes
        .iter()
        .any(|process| process.is_under_init)
    {
        file += "# `init` needs catatonit where the engine is podman.\n";
    }
    file += &format!(
        "# SELinux: podman-compose labels what it mounts; for docker-compose, which cannot and also\n\
         # refuse an absent directory, run: chcon -R -t container_file_t {}\n",
        service.base()
    );
    out.file("compose.yaml", file + &document.text(), 0o644);
}

fn key(service: &Service<'_>, process: &Process) -> String {
    if service.is_several() {
        process.name.clone()
    } else {
        service.name.clone()
    }
}

/// A volume under `volumes:`. One that keeps state was made and filled before.
fn declared(service: &Service<'_>, volume: &Volume) -> Node {
    let node = Node::map().with("name", service.engine_volume(volume));
    if volume.keeps != Keeps::Scratch {
        return node.with("external", true);
    }
    let options = Node::map()
        .with("type", "tmpfs")
        .with("device", "tmpfs")
        .with("o", service.tmpfs_options(volume));
    node.with("driver", "local").with("driver_opts", options)
}

/// Whether the engine's init comes first. The file cannot ask whether podman has one, without which it
/// starts nothing, so that it comes where it is known to be missed.
fn has_init(process: &Process) -> bool {
    process.is_under_init && process.is_interpreted
}

fn container(service: &Service<'_>, process: &Process, out: &mut Out) -> Node {
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
        .with_full(
            "group_add",
            texts(process.groups.iter().map(u32::to_string)),
        )
        .with_some("working_dir", process.directory.as_deref().map(text))
        .with("read_only", true)
        .with("restart", "unless-stopped")
        .with_full("environment", environment(process, out));
    if has_init(process) {
        node = node.with("init", true);
    }
    node = match service.is_several() {
        true => node.with("network_mode", format!("service:{NETWORK}")),
        false => network(service, node),
    };
    node = needs(service, process, node);
    // Podman 4's service kills at once what names no time; the default is docker's.
    let seconds = format!("{}s", process.stop_seconds.unwrap_or(STOP));
    let is_short = |volume: &&Volume| volume.keeps == Keeps::Scratch && !service.is_named(volume);
    let short = service.volumes_of(process).filter(is_short);
    let short = short.map(|volume| text(&tmpfs(volume)));
    let long = service.volumes_of(process).filter(|v| !is_short(v));
    let volumes = long.map(|volume| mount(service, volume));
    node.with_some("stop_signal", process.stop_signal.as_deref())
        .with("stop_grace_period", seconds)
        .with_full("tmpfs", texts(short))
        .with_full("volumes", Node::List(volumes.collect()))
}

/// The ports, the host's name and the sysctls, which belong to the network that a container has or that
/// several share.
fn network(service: &Service<'_>, node: Node) -> Node {
    let ports = service.ports.iter().map(published);
    let mut sysctls = Node::map();
    for given in &service.needs.sysctls {
        let value = Node::from(given.value.as_str()).note(&given.why);
        sysctls = sysctls.with(&given.name, value);
    }
    node.with_some("hostname", service.hostname)
        .with_full("ports", texts(ports))
        .with_full("sysctls", sysctls)
}

/// The container that has the network of several processes: none of them takes it away when it ends.
fn holder(service: &Service<'_>) -> Node {
    let node = Node::map()
        .with("image", text(&service.image))
        .with("entrypoint", texts(["/bin/sh", "-c", HOLDER].map(text)))
        .with("command", Node::List(Vec::new()))
        .with("user", "65534:65534")
        .with("read_only", true)
        .with("restart", "unless-stopped")
        .with("stop_grace_period", format!("{STOP}s"));
    network(service, node)
        .with("cap_drop", texts(["ALL"]))
        .with("security_opt", texts(["no-new-privileges:true"]))
}

fn environment(process: &Process, out: &mut Out) -> Node {
    let mut node = Node::map();
    for variable in &process.env {
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

fn needs(service: &Service<'_>, process: &Process, node: Node) -> Node {
    let needs = &service.needs;
    let noted = |list: &[super::needs::Given]| -> Node {
        list.iter()
            .map(|given| Node::from(given.name.as_str()).note(&given.why))
            .collect::<Vec<_>>()
            .into()
    };
    let mut limits = Node::map();
    for given in needs.limits.iter().filter(|given| given.is_for(process)) {
        let both = Node::map()
            .with("soft", Node::from(given.bounds.0).note(&given.why))
            .with("hard", given.bounds.1);
        limits = limits.with(&given.name, both);
    }
    let devices = needs.devices.iter().filter(|given| given.is_for(process));
    let devices = devices.map(|given| {
        let pair = format!("{0}:{0}", given.name);
        Node::from(pair).note(&given.why)
    });
    let shm = needs
        .shm
        .as_ref()
        .map(|(bytes, why)| Node::from(format!("{bytes}b")).note(why));
    let confined = service
        .confines(process)
        .then(|| texts(["no-new-privileges:true"]));
    node.with("cap_drop", texts(["ALL"]))
        .with_full("cap_add", noted(&service.capabilities(process)))
        .with_some("security_opt", confined)
        .with_full("ulimits", limits)
        .with_full("devices", Node::List(devices.collect()))
        .with_some("shm_size", shm)
}

fn mount(service: &Service<'_>, volume: &Volume) -> Node {
    let target = text(&volume.path);
    if service.is_named(volume) {
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
    let node = if volume.is_written() {
        node
    } else {
        node.with("read_only", true)
    };
    // Nothing starts over an empty directory that the engine has made itself.
    let bind = Node::map()
        .with("create_host_path", false)
        .with("selinux", "z");
    node.with("bind", bind)
}
