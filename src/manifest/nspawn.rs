//! systemd-nspawn: a settings file for a tree below `/var/lib/machines` (systemd.nspawn(5)).

use super::needs::Given;
use super::port::is_public;
use super::service::Service;
use super::volume::{Keeps, Volume};
use super::{Out, Target};

/// systemd-nspawn.
pub(super) const TARGET: Target = Target {
    name: "nspawn",
    about: "a settings file for systemd-nspawn",
    write,
};

/// The capabilities that a container has when nothing is said (systemd-nspawn(1), `--capability=`).
const DEFAULT: [&str; 26] = [
    "AUDIT_CONTROL",
    "AUDIT_WRITE",
    "CHOWN",
    "DAC_OVERRIDE",
    "DAC_READ_SEARCH",
    "FOWNER",
    "FSETID",
    "IPC_OWNER",
    "KILL",
    "LEASE",
    "LINUX_IMMUTABLE",
    "MKNOD",
    "NET_BIND_SERVICE",
    "NET_BROADCAST",
    "NET_RAW",
    "SETFCAP",
    "SETGID",
    "SETPCAP",
    "SETUID",
    "SYS_ADMIN",
    "SYS_BOOT",
    "SYS_CHROOT",
    "SYS_NICE",
    "SYS_PTRACE",
    "SYS_RESOURCE",
    "SYS_TTY_CONFIG",
];

fn write(service: &Service<'_>, out: &mut Out) {
    service.without_others(out);
    let exec = exec(service, out);
    let files = files(service, out);
    let network = network(service, out);
    let about = format!("{} over a read-only root.", service.name);
    let mut text = out.head("#", &about);
    text += &format!(
        "#\n# Put it into /etc/systemd/nspawn, and the image's tree into /var/lib/machines/{}.\n",
        service.name
    );
    text += &service.on_host("#");
    text += &format!("{exec}\n{files}\n{network}");
    out.file(&format!("{}.nspawn", service.name), text, 0o644);
}

fn exec(service: &Service<'_>, out: &mut Out) -> String {
    let first = service.first();
    let mut text = String::from("[Exec]\nBoot=no\nProcessTwo=yes\n");
    if first.command.is_empty() {
        out.limit(
            "the start command",
            "an nspawn image has none of its own",
            "a shell is started: set Parameters=",
        );
        text += "Parameters=/bin/sh\n";
    } else {
        let words: Vec<String> = first.command.iter().map(|word| word_of(word)).collect();
        text += &format!("Parameters={}\n", words.join(" "));
    }
    text += &format!("User={}\n", first.ids.0);
    // It asks the image's getent(1) for them (nspawn-setuid.c).
    out.limits.extend(first.without_groups(
        "nspawn has no word for groups: it takes those that the image's accounts give the user",
        "let /etc/group of the image have the user in these",
    ));
    if let Some(directory) = &first.directory {
        text += &format!("WorkingDirectory={directory}\n");
    }
    if let Some(name) = service.hostname {
        text += &format!("Hostname={name}\n");
    }
    for variable in &first.env {
        match &variable.value {
            Some(value) => {
                let pair = format!("{}={value}", variable.name);
                text += &format!("Environment={}\n", word_of(&pair));
            }
            None => out.limit(
                format!("variable {}", variable.name),
                "its value is a secret",
                "left out: add it with --setenv",
            ),
        }
    }
    text += "LinkJournal=no\nTimezone=off\n";
    if service.confines(first) {
        text += "NoNewPrivileges=yes\n";
    }
    // Without it the container is killed. nspawn's own first process ends the other by this signal,
    // and takes SIGINT for the wish to start it again (nspawn-stub-pid1.c).
    text += "KillSignal=SIGRTMIN+3\n";
    if let Some(signal) = first
        .stop_signal
        .as_ref()
        .filter(|signal| *signal != "SIGTERM")
    {
        out.limit(
            format!("process {}", first.name),
            format!("nspawn's first process passes no {signal} on, which ends it"),
            "it gets SIGTERM, and SIGHUP behind it",
        );
    }
    text + &needs(service, out)
}

/// A word of a list. Unlike in units a backslash stays one here, so that nothing is escaped: quotes
/// of one kind hold those of the other (systemd's config_parse_strv).
fn word_of(word: &str) -> String {
    let is_plain = |b: u8| b.is_ascii_alphanumeric() || b"_-./:=@,+%".contains(&b);
    if !word.is_empty() && word.bytes().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', "'\"'\"'"))
}

fn needs(service: &Service<'_>, out: &mut Out) -> String {
    let needs = &service.needs;
    let mut text = String::new();
    let capabilities = service.capabilities(service.first());
    let is_needed = |name: &str| capabilities.iter().any(|given| given.name == name);
    let dropped: Vec<String> = DEFAULT
        .iter()
        .filter(|name| !is_needed(name))
        .map(|name| format!("CAP_{name}"))
        .collect();
    text += &format!("DropCapability={}\n", dropped.join(" "));
    for given in &capabilities {
        text += &format!("# {}\n", crate::path::escape(given.why.as_bytes()));
        text += &format!("Capability=CAP_{}\n", given.name);
        // It starts nothing when the container lacks an ambient capability (systemd-nspawn(1)).
        if !service.first().is_root() {
            text += &format!("AmbientCapability=CAP_{}\n", given.name);
        }
    }
    let is_its = |given: &&Given| given.is_for(service.first());
    for given in needs.limits.iter().filter(is_its) {
        let show = |bound: i64| match bound {
            -1 => "infinity".to_owned(),
            bound => bound.to_string(),
        };
        text += &format!("# {}\n", crate::path::escape(given.why.as_bytes()));
        let (soft, hard) = given.bounds;
        let name = given.name.to_ascii_uppercase();
        text += &format!("Limit{name}={}:{}\n", show(soft), show(hard));
    }
    for given in &needs.sysctls {
        out.limit(
            &given.name,
            format!("nspawn sets no sysctl ({})", given.why),
            format!("set it inside: sysctl -w {}={}", given.name, given.value),
        );
    }
    if let Some((bytes, why)) = &needs.shm {
        out.limit(
            "shared memory",
            format!("nspawn has no size for /dev/shm ({why})"),
            format!("its default is used, and {bytes} bytes are asked for"),
        );
    }
    text
}

fn files(service: &Service<'_>, out: &mut Out) -> String {
    let mut text = String::from("[Files]\nReadOnly=yes\n");
    for volume in service.volumes_of(service.first()) {
        if volume.path.ends_with(char::is_whitespace) {
            out.limit(
                &volume.path,
                "a blank at the end of a line is cut away",
                "left out: mount it with --bind",
            );
            continue;
        }
        if volume.path == "/run" {
            // nspawn has a tmpfs of its own there, and puts /run/host into it.
            if !volume.is_own && service.owner(volume) != (0, 0) {
                out.limit(
                    "/run",
                    "nspawn's own /run belongs to root",
                    "name the directories below it that the service writes",
                );
            }
            text += "# /run is a tmpfs of nspawn's own\n";
            continue;
        }
        text += &mount(service, volume);
    }
    let devices = service.needs.devices.iter();
    for given in devices.filter(|given| given.is_for(service.first())) {
        text += &format!("# {}\n", crate::path::escape(given.why.as_bytes()));
        text += &format!("Bind={}\n", given.name);
        out.limit(
            &given.name,
            "a settings file only shows a device, it does not allow it",
            format!(
                "add DeviceAllow={} to systemd-nspawn@{}.service",
                given.name, service.name
            ),
        );
    }
    text
}

fn mount(service: &Service<'_>, volume: &Volume) -> String {
    let path = colons(&volume.path);
    let source = service.place(volume);
    match volume.keeps {
        Keeps::Scratch => {
            let options = service.tmpfs_options(volume);
            format!("TemporaryFileSystem={path}:{options}\n")
        }
        Keeps::State => format!("Bind={source}:{path}\n"),
        Keeps::Config | Keeps::Secret => format!("BindReadOnly={source}:{path}\n"),
    }
}

/// Fields stand between colons; a backslash takes the meaning from the next character
/// (systemd-nspawn(1), `--bind=`).
fn colons(path: &str) -> String {
    path.replace('\\', "\\\\").replace(':', "\\:")
}

fn network(service: &Service<'_>, out: &mut Out) -> String {
    let mut text = String::from("[Network]\nVirtualEthernet=yes\n");
    for port in &service.ports {
        if !is_public(port) {
            out.limit(
                format!("port {}/{}", port.port, port.transport),
                "nspawn publishes on every address or not at all",
                "not published: ask it by `machinectl shell`",
            );
        } else if matches!(port.transport.as_str(), "tcp" | "udp") {
            text += &format!("Port={0}:{1}:{1}\n", port.transport, port.port);
        } else {
            out.limit(
                format!("port {}", port.port),
                "nspawn publishes tcp and udp",
                "not published",
            );
        }
    }
    text
}
