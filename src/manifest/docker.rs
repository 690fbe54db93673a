//! A script for docker, and for podman: docker-run(1), podman-run(1).

use super::front::{HOLDER, NETWORK};
use super::needs::Given;
use super::port::published;
use super::process::Process;
use super::quote::{csv, shell};
use super::service::Service;
use super::volume::{Keeps, Volume};
use super::{Out, Target};

/// `docker run` and `podman run`.
pub(super) const TARGET: Target = Target {
    name: "docker",
    about: "a script that starts it with docker or podman",
    write,
};

fn write(service: &Service<'_>, out: &mut Out) {
    let mut body = String::new();
    for volume in &service.volumes {
        if service.is_named(volume) {
            body += &made(service, volume);
        }
    }
    if service.is_several() {
        body += &holder(service);
    }
    for process in &service.processes {
        body += &run(service, process, out);
    }
    let mut text = String::from("#!/bin/sh\n");
    text += &out.head(
        "#",
        &format!("Starts {} over a read-only root.", service.name),
    );
    text += "#\n# RUNTIME is docker or podman, BASE the host's directory with what is mounted.\n";
    text += &service.filled("#");
    text += "set -eu\n";
    text += "runtime=${RUNTIME:-docker}\n";
    let is_bound = body.contains("\"$base\"");
    if is_bound {
        text += &format!("base=${{BASE:-{}}}\n", service.base());
    }
    text += &format!("image=${{IMAGE:-{}}}\n\n", shell(&service.image));
    if is_bound {
        text += LABEL;
    }
    if service
        .processes
        .iter()
        .any(|process| process.is_under_init)
    {
        text += INIT;
    }
    out.file("run.sh", text + &body, 0o755);
}

/// Docker's `--mount` cannot label (docker-run(1)), and its `--volume`, which can, makes an absent
/// source.
const LABEL: &str = "# SELinux: containers of both engines may use what is below BASE.
if selinuxenabled 2>/dev/null; then chcon -R -t container_file_t -- \"$base\"; fi

";

/// Podman refuses `--init` where the program for it is not installed (podman-run(1)).
const INIT: &str = "# A first process of the engine's own passes signals on to a program that has no handler for them.
# Podman's is catatonit, a package of its own.
init=--init
case $runtime in
*podman*)
    init=
    for dir in /usr/libexec /usr/lib /usr/local/libexec /usr/local/lib; do
        if [ -x \"$dir/podman/catatonit\" ]; then init=--init; fi
    done
    ;;
esac

";

/// Makes a volume in memory; one that keeps state must be there, filled.
fn made(service: &Service<'_>, volume: &Volume) -> String {
    let name = service.engine_volume(volume);
    if volume.keeps != Keeps::Scratch {
        return format!(
            "\"$runtime\" volume inspect {name} >/dev/null 2>&1 ||\n    \
             {{ echo \"run.sh: no volume {name}: fill it first, see above\" >&2; exit 1; }}\n"
        );
    }
    let options = service.tmpfs_options(volume);
    format!(
        "\"$runtime\" volume inspect {name} >/dev/null 2>&1 || \"$runtime\" volume create \\\n    \
         --opt type=tmpfs --opt device=tmpfs --opt o={options} {name} >/dev/null\n"
    )
}

/// What ends by itself is started again, and what was stopped is not (docker-run(1), podman-run(1)).
const RESTART: &str = "--restart unless-stopped";

/// The name of a process's container.
pub(super) fn container(service: &Service<'_>, process: &Process) -> String {
    if service.is_several() {
        format!("{}-{}", service.name, process.name)
    } else {
        service.name.clone()
    }
}

/// The name of the container that has the network.
fn holder_name(service: &Service<'_>) -> String {
    format!("{}-{NETWORK}", service.name)
}

/// The ports, the host's name and the sysctls, which belong to the network that a container has or that
/// several share.
fn network(service: &Service<'_>, lines: &mut Lines) {
    for port in &service.ports {
        lines.push(format!("--publish {}", published(port)));
    }
    if let Some(name) = service.hostname {
        lines.push(format!("--hostname {name}"));
    }
    for given in &service.needs.sysctls {
        let value = format!("{}={}", given.name, given.value);
        lines.push_for(&given.why, format!("--sysctl {}", shell(&value)));
    }
}

/// The container that has the network of several processes: none of them takes it away when it ends.
fn holder(service: &Service<'_>) -> String {
    let mut lines = Lines::default();
    lines.push(format!("--detach --name {}", holder_name(service)));
    lines.push(RESTART.to_owned());
    network(service, &mut lines);
    lines.push("--read-only --user 65534:65534 --cap-drop ALL".to_owned());
    lines.push("--security-opt no-new-privileges".to_owned());
    format!(
        "# The network is nobody's: a process that ends takes no other's with it.\nset --\n{}\
         \"$runtime\" run \"$@\" --entrypoint /bin/sh \"$image\" -c {}\n",
        lines.0,
        shell(HOLDER)
    )
}

fn run(service: &Service<'_>, process: &Process, out: &mut Out) -> String {
    let mut lines = Lines::default();
    lines.push(format!("--detach --name {}", container(service, process)));
    lines.push(RESTART.to_owned());
    if service.is_several() {
        lines.push(format!("--network container:{}", holder_name(service)));
    } else {
        network(service, &mut lines);
    }
    lines.push("--read-only".to_owned());
    lines.push(format!("--user {}:{}", process.ids.0, process.ids.1));
    for group in &process.groups {
        lines.push(format!("--group-add {group}"));
    }
    lines.push("--cap-drop ALL".to_owned());
    if process.is_under_init {
        lines.push("${init:+\"$init\"}".to_owned());
    }
    if service.confines(process) {
        lines.push("--security-opt no-new-privileges".to_owned());
    }
    needs(service, process, &mut lines);
    if let Some(signal) = &process.stop_signal {
        lines.push(format!("--stop-signal {signal}"));
    }
    if let Some(seconds) = process.stop_seconds {
        lines.push(format!("--stop-timeout {seconds}"));
    }
    if let Some(directory) = &process.directory {
        lines.push(format!("--workdir {}", shell(directory)));
    }
    for variable in &process.env {
        match &variable.value {
            Some(value) => {
                let pair = format!("{}={value}", variable.name);
                lines.push(format!("--env {}", shell(&pair)));
            }
            // A name alone takes the value from the caller's environment.
            None => {
                lines.push(format!("--env {}", variable.name));
                out.limit(
                    format!("variable {}", variable.name),
                    "its value is a secret",
                    "taken from the environment of whoever starts the script",
                );
            }
        }
    }
    for volume in service.volumes_of(process) {
        lines.push(mount(service, volume));
    }
    String::from("set --\n") + &lines.0 + &start(process)
}

/// Lines that add an option to the arguments of the shell.
#[derive(Default)]
struct Lines(String);

impl Lines {
    fn push(&mut self, option: String) {
        self.0 += &format!("set -- \"$@\" {option}\n");
    }

    /// With the reason in a comment above.
    fn push_for(&mut self, why: &str, option: String) {
        self.0 += &format!("# {}\n", crate::path::escape(why.as_bytes()));
        self.push(option);
    }
}

fn start(process: &Process) -> String {
    let mut words = process.command.iter();
    match words.next() {
        Some(program) => {
            let mut text = format!(
                "\"$runtime\" run \"$@\" --entrypoint {} \"$image\"",
                shell(program)
            );
            for word in words {
                text += &format!(" {}", shell(word));
            }
            text + "\n"
        }
        None => "\"$runtime\" run \"$@\" \"$image\"\n".to_owned(),
    }
}

/// What the kernel gives.
fn needs(service: &Service<'_>, process: &Process, lines: &mut Lines) {
    let mut add = |option: &str, given: &Given, value: String| {
        lines.push_for(&given.why, format!("{option} {}", shell(&value)));
    };
    for given in &service.capabilities(process) {
        add("--cap-add", given, given.name.clone());
    }
    let needs = &service.needs;
    for given in needs.limits.iter().filter(|given| given.is_for(process)) {
        let (soft, hard) = given.bounds;
        add("--ulimit", given, format!("{}={soft}:{hard}", given.name));
    }
    for given in needs.devices.iter().filter(|given| given.is_for(process)) {
        add("--device", given, given.name.clone());
    }
    if let Some((bytes, why)) = &needs.shm {
        lines.push_for(why, format!("--shm-size {bytes}"));
    }
}

/// The option that mounts a volume. The host's directory is a variable of the script.
fn mount(service: &Service<'_>, volume: &Volume) -> String {
    let dst = csv(&format!("dst={}", volume.path));
    if service.is_named(volume) {
        let name = service.engine_volume(volume);
        return format!(
            "--mount {}",
            shell(&format!("type=volume,src={name},{dst}"))
        );
    }
    match volume.keeps {
        Keeps::Scratch => format!("--tmpfs {}", shell(&tmpfs(volume))),
        Keeps::State => bind(volume, &dst),
        Keeps::Config | Keeps::Secret => bind(volume, &format!("{dst},readonly")),
    }
}

/// The value of `--tmpfs`. Engines forbid execution there by default, which a host's own scratch
/// space allows: Java programs load libraries from it.
pub(super) fn tmpfs(volume: &Volume) -> String {
    format!("{}:exec,mode={:04o}", volume.path, volume.scratch_bits())
}

fn bind(volume: &Volume, rest: &str) -> String {
    let (name, rest) = (&volume.name, shell(rest));
    format!("--mount type=bind,src=\"$base\"/{name},{rest}")
}
