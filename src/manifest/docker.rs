//! A script for docker, and for podman: docker-run(1), podman-run(1).

use super::needs::Given;
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
        if service.is_scratch_volume(volume) {
            body += &format!(
                "\"$runtime\" volume inspect {0} >/dev/null 2>&1 || \"$runtime\" volume create \\\n    \
                 --opt type=tmpfs --opt device=tmpfs --opt o=mode=1777 {0} >/dev/null\n",
                named(service, volume)
            );
        }
    }
    for process in &service.processes {
        body += &run(service, process, out);
    }
    let mut text = String::from("#!/bin/sh\n");
    text += &out.head(
        "#",
        &format!("Starts {} over a read-only root.", service.name),
    );
    text += "#\n# RUNTIME is docker or podman, BASE the directory that ../migrate.sh has filled.\n";
    text += "set -eu\n";
    text += "runtime=${RUNTIME:-docker}\n";
    if body.contains("\"$base\"") {
        text += &format!("base=${{BASE:-{}}}\n", service.base());
    }
    text += &format!("image=${{IMAGE:-{}}}\n\n", shell(&service.image));
    out.file("run.sh", text + &body, 0o755);
}

fn named(service: &Service<'_>, volume: &Volume) -> String {
    format!("{}-{}", service.name, volume.name)
}

/// The name of a process's container.
pub(super) fn container(service: &Service<'_>, process: &Process) -> String {
    if service.is_several() {
        format!("{}-{}", service.name, process.name)
    } else {
        service.name.clone()
    }
}

fn run(service: &Service<'_>, process: &Process, out: &mut Out) -> String {
    let mut lines = Lines::default();
    lines.push(format!("--detach --name {}", container(service, process)));
    let is_first = std::ptr::eq(process, service.first());
    if is_first {
        for port in service.ports {
            let transport = &port.transport;
            lines.push(format!("--publish {0}:{0}/{transport}", port.port));
        }
    } else {
        let first = container(service, service.first());
        lines.push(format!("--network container:{first}"));
    }
    lines.push("--read-only".to_owned());
    lines.push(format!("--user {}:{}", process.ids.0, process.ids.1));
    lines.push("--cap-drop ALL".to_owned());
    if service.is_confined() {
        lines.push("--security-opt no-new-privileges".to_owned());
    }
    needs(service, is_first, &mut lines);
    if let Some(signal) = &process.stop_signal {
        lines.push(format!("--stop-signal {signal}"));
    }
    if let Some(seconds) = process.stop_seconds {
        lines.push(format!("--stop-timeout {seconds}"));
    }
    if let Some(directory) = &process.directory {
        lines.push(format!("--workdir {}", shell(directory)));
    }
    for variable in &service.env {
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
    for volume in &service.volumes {
        lines.push(format!("--mount {}", mount(service, volume)));
    }
    let mut text = String::from("set --\n") + &lines.0;
    text += "case $runtime in *podman*) set -- \"$@\" --read-only-tmpfs=false ;; esac\n";
    text + &start(process)
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
fn needs(service: &Service<'_>, is_first: bool, lines: &mut Lines) {
    let mut add = |option: &str, given: &Given, value: String| {
        lines.push_for(&given.why, format!("{option} {}", shell(&value)));
    };
    for given in &service.needs.capabilities {
        add("--cap-add", given, given.name.clone());
    }
    // A container that joins another's network cannot set its sysctls.
    for given in service.needs.sysctls.iter().filter(|_| is_first) {
        add("--sysctl", given, format!("{}={}", given.name, given.value));
    }
    for given in &service.needs.limits {
        let (soft, hard) = given.bounds;
        add("--ulimit", given, format!("{}={soft}:{hard}", given.name));
    }
    for given in &service.needs.devices {
        add("--device", given, given.name.clone());
    }
    if let Some((bytes, why)) = &service.needs.shm {
        lines.push_for(why, format!("--shm-size {bytes}"));
    }
}

/// The value of `--mount`. The host's directory is a variable of the script.
fn mount(service: &Service<'_>, volume: &Volume) -> String {
    let dst = csv(&format!("dst={}", volume.path));
    match volume.keeps {
        Keeps::Scratch if !service.is_scratch_volume(volume) => {
            // The owner of a tmpfs has another option in each runtime; this mode serves all.
            shell(&format!("type=tmpfs,{dst},tmpfs-mode=1777"))
        }
        Keeps::State | Keeps::Scratch if !volume.is_file => {
            shell(&format!("type=volume,src={},{dst}", named(service, volume)))
        }
        Keeps::State | Keeps::Scratch => bind(volume, &dst),
        Keeps::Config | Keeps::Secret => bind(volume, &format!("{dst},readonly")),
    }
}

fn bind(volume: &Volume, rest: &str) -> String {
    format!("type=bind,src=\"$base\"/{},{}", volume.name, shell(rest))
}
