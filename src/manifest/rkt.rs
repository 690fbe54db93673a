//! rkt: the manifest of an appc image with its mount points, and the script that gives them volumes
//! (appc specification, "Image Manifest Schema").

use serde_json::{Value, json};

use super::port::is_public;
use super::quote::shell;
use super::service::Service;
use super::volume::{Keeps, Volume};
use super::{Files, Input, Out, Storage, Target};
use crate::report::Report;

/// rkt.
pub(super) const TARGET: Target = Target {
    name: "rkt",
    about: "the manifest of an appc image, and a script that runs it",
    write,
};

/// The last version of the specification.
const VERSION: &str = "0.8.11";

fn write(service: &Service<'_>, out: &mut Out) {
    service.without_others(out);
    let manifest = manifest(service, out);
    let manifest = serde_json::to_string_pretty(&manifest).unwrap_or_default() + "\n";
    out.file("manifest", manifest, 0o644);
    let run = run(service, out);
    let about = format!("Starts {} over a read-only root.", service.name);
    let head = out.head("#", &about);
    out.file("run.sh", format!("#!/bin/sh\n{head}{run}"), 0o755);
}

/// The manifest of an appc image for a processor in Go's words; `start` counts before the audit's
/// command.
#[must_use]
pub fn appc(report: &Report, start: Option<&[String]>, architecture: &str) -> String {
    let input = Input {
        report,
        image: None,
        start,
        content: None,
        secrets: false,
        parts: None,
        storage: Storage::default(),
    };
    let mut out = Out {
        target: TARGET.name,
        files: Files::default(),
        limits: Vec::new(),
        secrets: String::new(),
    };
    let mut manifest = manifest(&Service::new(&input), &mut out);
    manifest["labels"][2]["value"] = json!(architecture);
    serde_json::to_string_pretty(&manifest).unwrap_or_default() + "\n"
}

fn manifest(service: &Service<'_>, out: &mut Out) -> Value {
    let first = service.first();
    let points: Vec<Value> = service
        .volumes_of(first)
        .map(|volume| {
            json!({"name": volume.name, "path": volume.path, "readOnly": !volume.is_written()})
        })
        .collect();
    let ports: Vec<Value> = service
        .ports
        .iter()
        .map(|port| {
            let name = format!("{}-{}", port.transport, port.port);
            json!({"name": name, "port": port.port, "protocol": port.transport})
        })
        .collect();
    let mut app = json!({
        "user": first.ids.0.to_string(),
        "group": first.ids.1.to_string(),
        "supplementaryGIDs": first.groups,
        "workingDirectory": first.directory.as_deref().unwrap_or("/"),
        "environment": environment(service, out),
        "mountPoints": points,
        "ports": ports,
        "isolators": isolators(service, out),
    });
    let is_absolute = first
        .command
        .first()
        .is_some_and(|program| program.starts_with('/'));
    if is_absolute {
        app["exec"] = json!(first.command);
    } else {
        out.limit(
            "the start command",
            "an appc image needs one with an absolute path",
            "left out: give it with --exec",
        );
    }
    json!({
        "acKind": "ImageManifest",
        "acVersion": VERSION,
        "name": format!("localhost/{}", service.name),
        "labels": [
            {"name": "version", "value": "latest"},
            {"name": "os", "value": "linux"},
            {"name": "arch", "value": "amd64"},
        ],
        "app": app,
    })
}

fn environment(service: &Service<'_>, out: &mut Out) -> Vec<Value> {
    let mut env = Vec::new();
    for variable in &service.first().env {
        match &variable.value {
            Some(value) => env.push(json!({"name": variable.name, "value": value})),
            None => out.limit(
                format!("variable {}", variable.name),
                "its value is a secret",
                "left out: give it with --set-env",
            ),
        }
    }
    env
}

fn isolators(service: &Service<'_>, out: &mut Out) -> Vec<Value> {
    let needs = &service.needs;
    let names: Vec<String> = service
        .capabilities(service.first())
        .iter()
        .map(|given| format!("CAP_{}", given.name))
        .collect();
    let mut isolators = Vec::new();
    if !names.is_empty() {
        let value = json!({"set": names});
        isolators.push(json!({"name": "os/linux/capabilities-retain-set", "value": value}));
    }
    if service.confines(service.first()) {
        isolators.push(json!({"name": "os/linux/no-new-privileges", "value": true}));
    }
    let is_its = |given: &&super::needs::Given| given.is_for(service.first());
    let mut without = |kind: &str, given: &super::needs::Given| {
        out.limit(
            &given.name,
            format!("an appc image has no word for a {kind} ({})", given.why),
            "not given: set it on the host",
        );
    };
    for given in needs.limits.iter().filter(is_its) {
        without("resource limit", given);
    }
    for given in &needs.sysctls {
        without("sysctl", given);
    }
    for given in needs.devices.iter().filter(is_its) {
        without("device", given);
    }
    if let Some((_, why)) = &needs.shm {
        out.limit(
            "shared memory",
            format!("rkt has no size for /dev/shm ({why})"),
            "its default is used",
        );
    }
    if let Some(signal) = &service.first().stop_signal {
        out.limit(
            format!("process {}", service.first().name),
            format!("an appc image does not name the signal {signal} that ends it"),
            "rkt's own is used",
        );
    }
    isolators
}

fn run(service: &Service<'_>, out: &mut Out) -> String {
    let mut text = String::from("#\n# BASE is the host's directory with what is mounted.\n");
    text += &service.on_host("#");
    text += "set -eu\n";
    if service.volumes.iter().any(|v| v.keeps != Keeps::Scratch) {
        text += &format!("base=${{BASE:-{}}}\n", service.base());
    }
    text += &format!("image=${{IMAGE:-{}.aci}}\n\n", service.name);
    text += "set --\n";
    for volume in service.volumes_of(service.first()) {
        text += &format!("set -- \"$@\" --volume {}\n", source(service, volume));
    }
    for port in service.ports.iter().filter(|port| is_public(port)) {
        let name = format!("{}-{}", port.transport, port.port);
        text += &format!("set -- \"$@\" --port {name}:{}\n", port.port);
    }
    for port in service.ports.iter().filter(|port| !is_public(port)) {
        out.limit(
            format!("port {}/{}", port.port, port.transport),
            "this script publishes on every address or not at all",
            "not published: add --port where it is wanted",
        );
    }
    if let Some(name) = service.hostname {
        text += &format!("set -- \"$@\" --hostname={name}\n");
    }
    if service.first().command.is_empty() {
        out.limit(
            "the start command",
            "nothing tells which command starts it and stays",
            "give it with --exec",
        );
    }
    text + "exec rkt run --insecure-options=image \"$@\" \"$image\" --readonly-rootfs=true\n"
}

fn source(service: &Service<'_>, volume: &Volume) -> String {
    let (uid, gid) = service.owner(volume);
    match volume.keeps {
        Keeps::Scratch => shell(&format!(
            "{},kind=empty,mode={:04o},uid={uid},gid={gid}",
            volume.name,
            volume.scratch_bits()
        )),
        keeps => format!(
            "{0},kind=host,source=\"$base\"/{0},readOnly={1}",
            volume.name,
            keeps != Keeps::State
        ),
    }
}
