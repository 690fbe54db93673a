//! Quadlet: units from which podman's generator makes systemd services (podman-systemd.unit(5)).

use super::docker::container;
use super::needs::Given;
use super::process::Process;
use super::quote::{csv, json, systemd, systemd_command};
use super::service::Service;
use super::volume::{Keeps, Volume};
use super::{Out, Target};

/// Quadlet.
pub(super) const TARGET: Target = Target {
    name: "quadlet",
    about: "systemd units for podman's generator",
    write,
};

fn write(service: &Service<'_>, out: &mut Out) {
    for process in &service.processes {
        let body = unit(service, process, out);
        let head = out.head("#", &format!("{} over a read-only root.", process.name));
        let name = format!("{}.container", container(service, process));
        out.file(&name, head + &body, 0o644);
    }
    for volume in &service.volumes {
        if is_named(service, volume) {
            let name = format!("{}.volume", named(service, volume));
            out.file(&name, volume_unit(service, volume), 0o644);
        }
    }
    if service.is_several() {
        out.file(&format!("{}.pod", service.name), pod(service), 0o644);
    }
    out.file(&format!("{}.build", service.name), build(service), 0o644);
}

fn named(service: &Service<'_>, volume: &Volume) -> String {
    format!("{}-{}", service.name, volume.name)
}

fn is_named(service: &Service<'_>, volume: &Volume) -> bool {
    match volume.keeps {
        Keeps::State => !volume.is_file,
        Keeps::Scratch => service.is_scratch_volume(volume),
        Keeps::Config | Keeps::Secret => false,
    }
}

fn volume_unit(service: &Service<'_>, volume: &Volume) -> String {
    let mut text = format!("[Volume]\nVolumeName={}\n", named(service, volume));
    if volume.keeps == Keeps::Scratch {
        text += "Type=tmpfs\nDevice=tmpfs\nOptions=mode=1777\n";
    }
    text
}

fn pod(service: &Service<'_>) -> String {
    let mut text = format!("[Pod]\nPodName={0}\n", service.name);
    for port in service.ports {
        text += &format!("PublishPort={0}:{0}/{1}\n", port.port, port.transport);
    }
    for given in &service.needs.sysctls {
        text += &because(given);
        let pair = format!("--sysctl={}={}", given.name, given.value);
        text += &format!("PodmanArgs={}\n", systemd(&pair));
    }
    text + "\n[Install]\nWantedBy=multi-user.target\n"
}

fn build(service: &Service<'_>) -> String {
    let folder = format!("{}/containerfile", service.base());
    format!(
        "# Builds the image from the files of the target containerfile, copied to {folder}.\n\
         [Build]\nImageTag={}\nSetWorkingDirectory={folder}\nFile={folder}/Containerfile\n",
        service.image
    )
}

fn because(given: &Given) -> String {
    format!("# {}\n", crate::path::escape(given.why.as_bytes()))
}

/// Lines of a unit.
#[derive(Default)]
struct Lines(String);

impl Lines {
    fn push(&mut self, key: &str, value: &str) {
        self.0 += &format!("{key}={value}\n");
    }
}

fn unit(service: &Service<'_>, process: &Process, out: &mut Out) -> String {
    let mut lines = Lines::default();
    let name = container(service, process);
    lines.push("ContainerName", &name);
    lines.push("Image", &service.image);
    if service.is_several() {
        lines.push("Pod", &format!("{}.pod", service.name));
    } else {
        for port in service.ports {
            let value = format!("{0}:{0}/{1}", port.port, port.transport);
            lines.push("PublishPort", &value);
        }
    }
    if let Some((program, words)) = process.command.split_first() {
        // A JSON array survives a blank in the program's path.
        let array = format!("[{}]", json(program));
        lines.push("Entrypoint", &array.replace('%', "%%"));
        let words: Vec<String> = words.iter().map(|word| systemd_command(word)).collect();
        if !words.is_empty() {
            lines.push("Exec", &words.join(" "));
        }
    }
    lines.push("User", &process.ids.0.to_string());
    lines.push("Group", &process.ids.1.to_string());
    if let Some(directory) = &process.directory {
        lines.push("WorkingDir", &directory.replace('%', "%%"));
    }
    lines.push("ReadOnly", "true");
    lines.push("ReadOnlyTmpfs", "false");
    lines.push("DropCapability", "all");
    if service.is_confined() {
        lines.push("NoNewPrivileges", "true");
    }
    needs(service, &mut lines);
    environment(service, &mut lines, out);
    if let Some(signal) = &process.stop_signal {
        lines.push("PodmanArgs", &format!("--stop-signal={signal}"));
    }
    if let Some(seconds) = process.stop_seconds {
        lines.push("StopTimeout", &seconds.to_string());
    }
    for volume in &service.volumes {
        lines.push("Mount", &mount(service, volume));
    }
    format!(
        "[Unit]\nDescription={name}\n\n[Container]\n{}\n[Service]\nRestart=on-failure\n\n\
         [Install]\nWantedBy=multi-user.target\n",
        lines.0
    )
}

fn needs(service: &Service<'_>, lines: &mut Lines) {
    let mut add = |key: &str, given: &Given, value: &str| {
        lines.0 += &because(given);
        lines.push(key, value);
    };
    let needs = &service.needs;
    for given in &needs.capabilities {
        add("AddCapability", given, &given.name);
    }
    // A container that joins a pod takes the pod's.
    for given in needs.sysctls.iter().filter(|_| !service.is_several()) {
        let pair = format!("{}={}", given.name, given.value);
        add("Sysctl", given, &systemd(&pair));
    }
    for given in &needs.limits {
        let (soft, hard) = given.bounds;
        add("Ulimit", given, &format!("{}={soft}:{hard}", given.name));
    }
    for given in &needs.devices {
        add("AddDevice", given, &given.name);
    }
    if let Some((bytes, why)) = &needs.shm {
        lines.0 += &format!("# {}\n", crate::path::escape(why.as_bytes()));
        lines.push("ShmSize", &format!("{bytes}b"));
    }
}

fn environment(service: &Service<'_>, lines: &mut Lines, out: &mut Out) {
    for variable in &service.env {
        match &variable.value {
            Some(value) => {
                let pair = format!("{}={value}", variable.name);
                lines.push("Environment", &systemd_command(&pair));
            }
            None => {
                let secret = format!(
                    "{}-{}",
                    service.name,
                    super::name::label(variable.name.as_bytes())
                );
                lines.push(
                    "Secret",
                    &format!("{secret},type=env,target={}", variable.name),
                );
                out.limit(
                    format!("variable {}", variable.name),
                    "its value is a secret",
                    format!(
                        "taken from podman's secret {secret}: make it with `podman secret create`"
                    ),
                );
            }
        }
    }
}

/// A mount in the form of podman-run(1); a bind is given the container's own SELinux label.
fn mount(service: &Service<'_>, volume: &Volume) -> String {
    let destination = csv(&format!("destination={}", volume.path));
    let relabel = if service.is_several() {
        "shared"
    } else {
        "private"
    };
    let text = match volume.keeps {
        Keeps::Scratch if !service.is_scratch_volume(volume) => {
            format!("type=tmpfs,{destination},tmpfs-mode=1777")
        }
        _ if is_named(service, volume) => {
            format!(
                "type=volume,source={}.volume,{destination}",
                named(service, volume)
            )
        }
        keeps => {
            let read_only = match keeps {
                Keeps::Config | Keeps::Secret => ",ro=true",
                Keeps::State | Keeps::Scratch => "",
            };
            let source = format!("{}/{}", service.base(), volume.name);
            format!("type=bind,source={source},{destination},relabel={relabel}{read_only}")
        }
    };
    systemd_command(&text)
}
