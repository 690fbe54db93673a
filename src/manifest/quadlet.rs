//! Quadlet: units from which podman's generator makes systemd services (podman-systemd.unit(5)).

use super::docker::{container, tmpfs};
use super::needs::Given;
use super::port::published;
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
        let mut head = out.head("#", &format!("{} over a read-only root.", process.name));
        head += "#\n";
        head += &service.filled("#");
        let name = format!("{}.container", container(service, process));
        out.file(&name, head + &body, 0o644);
    }
    for volume in &service.volumes {
        if service.is_named(volume) {
            let name = format!("{}.volume", service.engine_volume(volume));
            out.file(&name, volume_unit(service, volume), 0o644);
        }
    }
    if service.is_several() {
        out.file(&format!("{}.pod", service.name), pod(service), 0o644);
    }
    out.file(&format!("{}.build", service.name), build(service), 0o644);
}

fn volume_unit(service: &Service<'_>, volume: &Volume) -> String {
    let mut text = format!("[Volume]\nVolumeName={}\n", service.engine_volume(volume));
    if volume.keeps == Keeps::Scratch {
        let options = service.tmpfs_options(volume);
        text += &format!("Type=tmpfs\nDevice=tmpfs\nOptions={options}\n");
    }
    text
}

fn pod(service: &Service<'_>) -> String {
    let mut text = format!("[Pod]\nPodName={0}\n", service.name);
    if let Some(name) = service.hostname {
        text += &format!("PodmanArgs=--hostname={name}\n");
    }
    for port in &service.ports {
        text += &format!("PublishPort={}\n", published(port));
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

/// Seconds that podman may take to remove a container when its processes have ended.
const LONGER: u32 = 15;

fn unit(service: &Service<'_>, process: &Process, out: &mut Out) -> String {
    let mut lines = Lines::default();
    let name = container(service, process);
    lines.push("ContainerName", &name);
    lines.push("Image", &service.image);
    if service.is_several() {
        lines.push("Pod", &format!("{}.pod", service.name));
    } else {
        for port in &service.ports {
            lines.push("PublishPort", &published(port));
        }
        if let Some(name) = service.hostname {
            lines.push("HostName", name);
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
    for group in &process.groups {
        lines.push("GroupAdd", &group.to_string());
    }
    if let Some(directory) = &process.directory {
        lines.push("WorkingDir", &directory.replace('%', "%%"));
    }
    lines.push("ReadOnly", "true");
    lines.push("DropCapability", "all");
    if service.confines(process) {
        lines.push("NoNewPrivileges", "true");
    }
    if process.is_under_init {
        lines.push("RunInit", "true");
    }
    needs(service, process, &mut lines);
    environment(service, process, &mut lines, out);
    if let Some(signal) = &process.stop_signal {
        lines.push("PodmanArgs", &format!("--stop-signal={signal}"));
    }
    let mut ends = String::new();
    if let Some(seconds) = process.stop_seconds {
        lines.push("StopTimeout", &seconds.to_string());
        // systemd kills when its own time is over, so that it has to wait longer than podman.
        ends = format!("TimeoutStopSec={}\n", seconds.saturating_add(LONGER));
    }
    for volume in service.volumes_of(process) {
        let (key, value) = mount(service, volume);
        lines.push(key, &value);
    }
    format!(
        "[Unit]\nDescription={name}\n\n[Container]\n{}\n[Service]\n{RESTART}{}{ends}\n\
         [Install]\nWantedBy=multi-user.target\n",
        lines.0,
        clean(process)
    )
}

/// What ends by itself is started again, and what was stopped is not, as in the other targets; not so
/// fast that systemd gives up (systemd.unit(5), `StartLimitBurst=`: five times in ten seconds).
const RESTART: &str = "Restart=always\nRestartSec=3\n";

/// The ends that are none in failure: systemd takes the signals HUP, INT, PIPE and TERM for such ones
/// (systemd.service(5), `SuccessExitStatus=`), but a container's engine tells of them as exit codes.
fn clean(process: &Process) -> String {
    let mut words = vec![
        "129".to_owned(),
        "130".to_owned(),
        "141".to_owned(),
        "143".to_owned(),
    ];
    for word in &process.clean_exits {
        let signal = SIGNALS.iter().find(|(name, _)| name == word);
        let word = signal.map_or(word.clone(), |(_, number)| (128 + number).to_string());
        if !words.contains(&word) {
            words.push(word);
        }
    }
    format!("SuccessExitStatus={}\n", words.join(" "))
}

/// The signals that end a process, by number (signal(7)).
const SIGNALS: [(&str, u32); 12] = [
    ("SIGHUP", 1),
    ("SIGINT", 2),
    ("SIGQUIT", 3),
    ("SIGILL", 4),
    ("SIGABRT", 6),
    ("SIGBUS", 7),
    ("SIGKILL", 9),
    ("SIGUSR1", 10),
    ("SIGSEGV", 11),
    ("SIGUSR2", 12),
    ("SIGPIPE", 13),
    ("SIGTERM", 15),
];

fn needs(service: &Service<'_>, process: &Process, lines: &mut Lines) {
    let mut add = |key: &str, given: &Given, value: &str| {
        lines.0 += &because(given);
        lines.push(key, value);
    };
    let needs = &service.needs;
    for given in &service.capabilities(process) {
        add("AddCapability", given, &given.name);
    }
    // A container that joins a pod takes the pod's.
    for given in needs.sysctls.iter().filter(|_| !service.is_several()) {
        let pair = format!("{}={}", given.name, given.value);
        add("Sysctl", given, &systemd(&pair));
    }
    for given in needs.limits.iter().filter(|given| given.is_for(process)) {
        let (soft, hard) = given.bounds;
        add("Ulimit", given, &format!("{}={soft}:{hard}", given.name));
    }
    for given in needs.devices.iter().filter(|given| given.is_for(process)) {
        add("AddDevice", given, &given.name);
    }
    if let Some((bytes, why)) = &needs.shm {
        lines.0 += &format!("# {}\n", crate::path::escape(why.as_bytes()));
        lines.push("ShmSize", &format!("{bytes}b"));
    }
}

fn environment(service: &Service<'_>, process: &Process, lines: &mut Lines, out: &mut Out) {
    for variable in &process.env {
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

/// A mount in the form of podman-run(1), and its key; a bind is given the container's own SELinux
/// label, or one for several.
fn mount(service: &Service<'_>, volume: &Volume) -> (&'static str, String) {
    let destination = csv(&format!("destination={}", volume.path));
    let text = match volume.keeps {
        _ if service.is_named(volume) => {
            let name = service.engine_volume(volume);
            format!("type=volume,source={name}.volume,{destination}")
        }
        Keeps::Scratch => return ("Tmpfs", systemd_command(&tmpfs(volume))),
        keeps => {
            let read_only = match keeps {
                Keeps::Config | Keeps::Secret => ",ro=true",
                Keeps::State | Keeps::Scratch => "",
            };
            let relabel = match service.is_shared(volume) {
                true => "shared",
                false => "private",
            };
            let source = service.place(volume);
            format!("type=bind,source={source},{destination},relabel={relabel}{read_only}")
        }
    };
    ("Mount", systemd_command(&text))
}
