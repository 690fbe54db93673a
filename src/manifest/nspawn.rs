//! systemd-nspawn: a settings file for a tree below `/var/lib/machines` (systemd.nspawn(5)).

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
    service.only_first(out);
    let exec = exec(service, out);
    let files = files(service, out);
    let network = network(service, out);
    let about = format!("{} over a read-only root.", service.name);
    let mut text = out.head("#", &about);
    text += &format!(
        "#\n# Put it into /etc/systemd/nspawn, the image's tree into /var/lib/machines/{},\n\
         # and fill {} with ../migrate.sh.\n",
        service.name,
        service.base()
    );
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
    if let Some(directory) = &first.directory {
        text += &format!("WorkingDirectory={directory}\n");
    }
    for variable in &service.env {
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
    if service.is_confined() {
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
    let is_needed = |name: &str| needs.capabilities.iter().any(|given| given.name == name);
    let dropped: Vec<String> = DEFAULT
        .iter()
        .filter(|name| !is_needed(name))
        .map(|name| format!("CAP_{name}"))
        .collect();
    text += &format!("DropCapability={}\n", dropped.join(" "));
    for given in &needs.capabilities {
        text += &format!("# {}\n", crate::path::escape(given.why.as_bytes()));
        text += &format!("Capability=CAP_{}\n", given.name);
        // It starts nothing when the container lacks an ambient capability (systemd-nspawn(1)).
        if service.is_confined() {
            text += &format!("AmbientCapability=CAP_{}\n", given.name);
        }
    }
    for given in &needs.limits {
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
    for volume in &service.volumes {
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
            if !service.first().is_root() {
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
    for given in &service.needs.devices {
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
    let owner = service.first().ids;
    let source = format!("{}/{}", service.base(), volume.name);
    match volume.keeps {
        Keeps::Scratch => format!(
            "TemporaryFileSystem={path}:mode={:04o},uid={},gid={}\n",
            match volume.mode {
                Some(mode) => mode,
                None if volume.uid.is_some() => 0o755,
                None => 0o1777,
            },
            volume.uid.unwrap_or(owner.0),
            volume.gid.unwrap_or(owner.1),
        ),
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
    for port in service.ports {
        if matches!(port.transport.as_str(), "tcp" | "udp") {
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
