//! LXD and Incus: an instance with its devices, for `lxc init` and `incus init`.

use super::port::is_public;
use super::service::Service;
use super::volume::{Keeps, Volume};
use super::yaml::Node;
use super::{Out, Target};

/// LXD and Incus.
pub(super) const TARGET: Target = Target {
    name: "lxd",
    about: "an instance of LXD or Incus",
    write,
};

fn write(service: &Service<'_>, out: &mut Out) {
    service.without_others(out);
    out.limit(
        "the root",
        "an instance's root cannot be made read-only",
        "it stays writable: what is written there is gone with the instance",
    );
    out.limit(
        "the network",
        "the networks of the host are not known",
        "an interface that leads to the host alone, and a proxy for each port: attach a network for more",
    );
    capabilities(service, out);
    let config = config(service, out);
    let mut devices = Node::map().with(
        "root",
        Node::map()
            .with("type", "disk")
            .with("path", "/")
            .with("pool", "default"),
    );
    for volume in service.volumes_of(service.first()) {
        if volume.keeps != Keeps::Scratch {
            devices = devices.with(&volume.name, disk(service, volume));
        }
    }
    devices = others(service, devices);
    let document = Node::map()
        .with("name", service.name.as_str())
        .with(
            "description",
            format!("{}, made by seaworthy", service.name),
        )
        .with("config", config)
        .with("devices", devices);
    let mut text = out.head("#", &format!("{} as an instance.", service.name));
    text += "#\n";
    text += &service.on_host("#");
    text += &format!(
        "# Then: incus init IMAGE {} --no-profiles <instance.yaml\n",
        service.name
    );
    out.file("instance.yaml", text + &document.text(), 0o644);
}

/// What LXD and Incus take even from a privileged instance (their `initLXC`); all else is left, and
/// `lxc.cap.keep` beside their own `lxc.cap.drop` is an error.
const DROPPED: [&str; 5] = [
    "MAC_ADMIN",
    "MAC_OVERRIDE",
    "SYS_MODULE",
    "SYS_RAWIO",
    "SYS_TIME",
];

fn capabilities(service: &Service<'_>, out: &mut Out) {
    let first = service.first();
    for given in service.capabilities(first) {
        let cannot = if DROPPED.contains(&given.name.as_str()) {
            "LXD and Incus take this capability from every instance"
        } else if !first.is_root() {
            "a first process that is not root keeps no capability"
        } else {
            continue;
        };
        out.limit(
            &given.name,
            format!("{cannot} ({})", given.why),
            "not given: start it as root, and let it change user itself",
        );
    }
}

fn disk(service: &Service<'_>, volume: &Volume) -> Node {
    let source = service.place(volume);
    let node = Node::map()
        .with("type", "disk")
        .with("source", source)
        .with("path", volume.path.as_str());
    if volume.is_written() {
        node
    } else {
        node.with("readonly", "true")
    }
}

fn others(service: &Service<'_>, devices: Node) -> Node {
    // Without a network interface not even the loopback comes up where no init of a system sees to
    // it (liblxc's setup of networks); this kind asks for no bridge or network of the host.
    let interface = Node::map()
        .with("type", "nic")
        .with("nictype", "p2p")
        .with("name", "eth0");
    let mut devices = devices.with("interface--0", interface);
    let own = service.needs.devices.iter();
    let own = own.filter(|given| given.is_for(service.first()));
    for (number, given) in own.enumerate() {
        let node = Node::map()
            .with("type", "unix-char")
            .with("source", Node::from(given.name.as_str()).note(&given.why))
            .with("path", given.name.as_str());
        devices = devices.with(&format!("device--{number}"), node);
    }
    for port in &service.ports {
        let host = if is_public(port) {
            "0.0.0.0"
        } else {
            "127.0.0.1"
        };
        let listen = format!("{}:{host}:{}", port.transport, port.port);
        let connect = format!("{}:127.0.0.1:{}", port.transport, port.port);
        let node = Node::map()
            .with("type", "proxy")
            .with("listen", listen)
            .with("connect", connect);
        devices = devices.with(&format!("port--{}-{}", port.transport, port.port), node);
    }
    devices
}

fn config(service: &Service<'_>, out: &mut Out) -> Node {
    let first = service.first();
    // Files that are mounted from the host belong to the numbers that it has.
    let mut config = Node::map().with("security.privileged", "true");
    for variable in &first.env {
        match &variable.value {
            Some(value) => {
                let key = format!("environment.{}", variable.name);
                config = config.with(&key, value.as_str());
            }
            None => out.limit(
                format!("variable {}", variable.name),
                "its value is a secret",
                format!("left out: set environment.{}", variable.name),
            ),
        }
    }
    let needs = &service.needs;
    for given in needs.limits.iter().filter(|given| given.is_for(first)) {
        let show = |bound: i64| match bound {
            -1 => "unlimited".to_owned(),
            bound => bound.to_string(),
        };
        let (soft, hard) = given.bounds;
        let value = format!("{}:{}", show(soft), show(hard));
        let key = format!("limits.kernel.{}", given.name);
        config = config.with(&key, Node::from(value).note(&given.why));
    }
    for given in &needs.sysctls {
        let key = format!("linux.sysctl.{}", given.name);
        config = config.with(&key, Node::from(given.value.as_str()).note(&given.why));
    }
    if let Some(signal) = &first.stop_signal {
        out.limit(
            format!("process {}", first.name),
            format!("the signal {signal} that ends it has no key of its own"),
            "it stands in raw.lxc",
        );
    }
    config.with("raw.lxc", raw(service, out))
}

/// What only liblxc has words for (lxc.container.conf(5)).
fn raw(service: &Service<'_>, out: &mut Out) -> String {
    let first = service.first();
    let mut lines = vec![
        format!("lxc.init.uid={}", first.ids.0),
        format!("lxc.init.gid={}", first.ids.1),
    ];
    out.limits.extend(first.without_groups(
        "liblxc before 5.0 has no word for more groups than one",
        "started without these",
    ));
    lines.extend(init(&first.command, out));
    if let Some(directory) = &first.directory {
        if directory.ends_with(char::is_whitespace) {
            out.limit(
                directory,
                "a blank at the end of a line is cut away",
                "it is started in /: give it a directory without one",
            );
        } else {
            lines.push(format!("lxc.init.cwd={directory}"));
        }
    }
    if let Some(signal) = &first.stop_signal {
        lines.push(format!("lxc.signal.halt={signal}"));
    }
    if let Some(name) = service.hostname {
        // An instance is called as itself (Incus and LXD give its name to liblxc), and what stands
        // here is read behind that.
        lines.push(format!("lxc.uts.name={name}"));
    }
    if service.confines(first) {
        lines.push("lxc.no_new_privs=1".to_owned());
    }
    for volume in service.volumes_of(first) {
        if volume.keeps == Keeps::Scratch {
            lines.push(tmpfs(service, volume));
        }
    }
    if let Some((bytes, _)) = &service.needs.shm {
        lines.push(format!(
            "lxc.mount.entry=tmpfs dev/shm tmpfs nosuid,nodev,mode=1777,size={bytes},create=dir 0 0"
        ));
    }
    lines.join("\n") + "\n"
}

/// The line that starts it. liblxc takes blanks for the end of a word but inside quotes, knows no
/// escape, and takes quotes for such at the beginning of a word alone (`lxc_string_split_quoted`,
/// since its version 6.0).
fn init(command: &[String], out: &mut Out) -> Option<String> {
    const ABOUT: &str = "the start command";
    if command.is_empty() {
        out.limit(
            ABOUT,
            "nothing tells which command starts it and stays",
            "the image's own init is started",
        );
        return None;
    }
    let Some(words) = command
        .iter()
        .map(|word| quoted(word))
        .collect::<Option<Vec<_>>>()
    else {
        out.limit(
            ABOUT,
            "a word of it has quotes of both kinds, which lxc.init.cmd cannot hold",
            "left out: start it from a script in the image",
        );
        return None;
    };
    if words != command {
        out.limit(
            ABOUT,
            "liblxc before 6.0 takes a blank for the end of a word inside quotes, too",
            "quotes are written: there, start it from a script in the image",
        );
    }
    let mut line = words.join(" ");
    // Quotes around the whole value are taken off it first.
    let quote = line.chars().next().filter(|c| matches!(c, '"' | '\''));
    if let Some(quote) = quote.filter(|quote| line.ends_with(*quote)) {
        line = format!("{quote}{line}{quote}");
    }
    Some(format!("lxc.init.cmd={line}"))
}

/// A word of the start command; nothing when it needs quotes and holds those of both kinds.
fn quoted(word: &str) -> Option<String> {
    let is_plain =
        !word.is_empty() && !word.contains(char::is_whitespace) && !word.starts_with(['"', '\'']);
    if is_plain {
        return Some(word.to_owned());
    }
    let quote = ['"', '\'']
        .into_iter()
        .find(|quote| !word.contains(*quote))?;
    Some(format!("{quote}{word}{quote}"))
}

/// A row of fstab(5): blanks and backslashes are written in octal.
fn tmpfs(service: &Service<'_>, volume: &Volume) -> String {
    let mut path = String::new();
    for c in volume.path.trim_start_matches('/').chars() {
        match c {
            ' ' => path.push_str("\\040"),
            '\\' => path.push_str("\\134"),
            '#' => path.push_str("\\043"),
            c => path.push(c),
        }
    }
    let options = service.tmpfs_options(volume);
    format!("lxc.mount.entry=tmpfs {path} tmpfs nosuid,nodev,{options},create=dir 0 0")
}
