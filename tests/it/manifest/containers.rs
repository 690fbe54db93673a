//! The containers that each target's files make, read back: command, user, groups, directory, signal,
//! mounts, variables, capabilities, host name and published ports of each.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use seaworthy::manifest::Manifests;

use super::back::{
    Mounted, compose_mounts, docker_lost, docker_mount, k8s_mounts, mounted, quadlet_lost,
    quadlet_mount, shell_words, unit_words,
};
use super::{documents, text};

/// A container as a target's files have it.
#[derive(Clone, Debug, Default)]
pub(super) struct Container {
    pub(super) command: Vec<String>,
    pub(super) user: Option<u32>,
    pub(super) group: Option<u32>,
    /// The groups that it has besides.
    pub(super) groups: BTreeSet<u32>,
    pub(super) directory: Option<String>,
    /// The signal that ends it.
    pub(super) signal: Option<String>,
    pub(super) mounts: Mounted,
    /// Values; absent where the variable is taken from elsewhere.
    pub(super) env: BTreeMap<String, Option<String>>,
    /// Without `CAP_`.
    pub(super) capabilities: BTreeSet<String>,
}

/// What a target makes.
#[derive(Clone, Debug, Default)]
pub(super) struct Made {
    pub(super) containers: Vec<Container>,
    pub(super) hostname: Option<String>,
    /// `ADDRESS:PORT/TRANSPORT`, without an address for all of them.
    pub(super) ports: BTreeSet<String>,
}

pub(super) fn read(made: &Manifests, target: &str) -> Made {
    match target {
        "docker" => docker(made),
        "compose" => compose(made),
        "k8s" => k8s(made),
        "quadlet" => quadlet(made),
        "nspawn" => nspawn(made),
        "lxd" => lxd(made),
        "oci" => oci(made),
        "rkt" => rkt(made),
        "containerfile" => containerfile(made),
        other => panic!("no way back from {other}"),
    }
}

fn words(value: &Value) -> Vec<String> {
    let list = value.as_array().into_iter().flatten();
    list.map(|word| word.as_str().unwrap().to_owned()).collect()
}

fn texts(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

fn number(value: &Value) -> Option<u32> {
    u32::try_from(value.as_u64()?).ok()
}

fn numbers(value: &Value) -> BTreeSet<u32> {
    let list = value.as_array().into_iter().flatten();
    list.map(|word| number(word).unwrap()).collect()
}

/// `UID:GID`.
fn ids(text: &str) -> (Option<u32>, Option<u32>) {
    let (user, group) = text.split_once(':').unwrap();
    (user.parse().ok(), group.parse().ok())
}

/// The pair of `NAME=VALUE`, or the name alone.
fn pair(text: &str) -> (String, Option<String>) {
    match text.split_once('=') {
        Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
        None => (text.to_owned(), None),
    }
}

/// `PORT:PORT/TRANSPORT` with the host's address before it.
fn port(text: &str) -> String {
    let (host, inner) = text.rsplit_once(':').unwrap();
    let number = inner.split('/').next().unwrap();
    format!("{}{inner}", host.strip_suffix(number).unwrap())
}

fn docker(made: &Manifests) -> Made {
    let lost = docker_lost(made);
    let mut all = Made::default();
    let mut one = Container::default();
    for line in text(made, "docker/run.sh").lines() {
        if let Some(option) = line.strip_prefix("set -- \"$@\" --") {
            let words = shell_words(option);
            match words[0].as_str() {
                "env" => {
                    let (name, value) = pair(&words[1]);
                    one.env.insert(name, value);
                }
                "cap-add" => {
                    one.capabilities.insert(words[1].clone());
                }
                "user" => (one.user, one.group) = ids(&words[1]),
                // It stands in one line with other options.
                "read-only" if words.len() > 1 => (one.user, one.group) = ids(&words[2]),
                "group-add" => one.groups.extend(words[1].parse::<u32>()),
                "workdir" => one.directory = Some(words[1].clone()),
                "stop-signal" => one.signal = Some(words[1].clone()),
                "hostname" => all.hostname = Some(words[1].clone()),
                "publish" => {
                    all.ports.insert(port(&words[1]));
                }
                _ => one.mounts.extend(docker_mount(option, &lost)),
            }
        } else if line.starts_with("\"$runtime\" run \"$@\"") {
            let words = shell_words(line);
            if let Some(at) = words.iter().position(|word| word == "--entrypoint") {
                one.command = vec![words[at + 1].clone()];
                one.command.extend_from_slice(&words[at + 3..]);
            }
            all.containers.push(std::mem::take(&mut one));
        }
    }
    all
}

fn compose(made: &Manifests) -> Made {
    let document = &documents(text(made, "compose/compose.yaml"))[0];
    let undo = |text: &str| text.replace("$$", "$");
    let mut all = Made::default();
    for service in document["services"].as_object().unwrap().values() {
        let env = service["environment"].as_object().into_iter().flatten();
        let env = env.map(|(name, value)| {
            let value = value.as_str().unwrap();
            let given = format!("${{{name}-}}");
            (name.clone(), (value != given).then(|| undo(value)))
        });
        let (user, group) = ids(service["user"].as_str().unwrap());
        let groups = words(&service["group_add"]).into_iter();
        all.containers.push(Container {
            command: words(&service["entrypoint"])
                .iter()
                .map(|w| undo(w))
                .collect(),
            user,
            group,
            groups: groups.map(|word| word.parse().unwrap()).collect(),
            directory: texts(&service["working_dir"]).map(|text| undo(&text)),
            signal: texts(&service["stop_signal"]),
            mounts: compose_mounts(service, document),
            env: env.collect(),
            capabilities: words(&service["cap_add"]).into_iter().collect(),
        });
        let name = service["hostname"].as_str().map(str::to_owned);
        all.hostname = all.hostname.or(name);
        all.ports
            .extend(words(&service["ports"]).iter().map(|line| port(line)));
    }
    all
}

fn k8s(made: &Manifests) -> Made {
    let workload = &documents(text(made, "k8s/workload.yaml"))[0];
    let pod = &workload["spec"]["template"]["spec"];
    let undo = |text: &str| text.replace("$$", "$");
    let mut all = Made {
        // A StatefulSet calls its pods after itself.
        hostname: pod["hostname"]
            .as_str()
            .filter(|_| workload["kind"] == "Deployment")
            .map(str::to_owned),
        ..Made::default()
    };
    for container in pod["containers"].as_array().unwrap() {
        let env = container["env"].as_array().into_iter().flatten();
        let env = env.map(|row| {
            let name = row["name"].as_str().unwrap().to_owned();
            (name, row["value"].as_str().map(undo))
        });
        let rights = &container["securityContext"];
        all.containers.push(Container {
            command: words(&container["command"])
                .iter()
                .map(|w| undo(w))
                .collect(),
            user: number(&rights["runAsUser"]),
            group: number(&rights["runAsGroup"]),
            // A pod's groups are those of all its processes.
            groups: numbers(&pod["securityContext"]["supplementalGroups"]),
            directory: texts(&container["workingDir"]),
            signal: None,
            mounts: k8s_mounts(container, workload),
            env: env.collect(),
            capabilities: words(&container["securityContext"]["capabilities"]["add"])
                .into_iter()
                .collect(),
        });
    }
    if made.files.get("k8s/service.yaml").is_some() {
        for service in documents(text(made, "k8s/service.yaml")) {
            for row in service["spec"]["ports"].as_array().into_iter().flatten() {
                let transport = row["protocol"].as_str().unwrap().to_lowercase();
                all.ports.insert(format!("{}/{transport}", row["port"]));
            }
        }
    }
    all
}

fn quadlet(made: &Manifests) -> Made {
    let lost = quadlet_lost(made);
    let mut all = Made::default();
    for (name, _) in made.files.iter().filter(|(n, _)| n.starts_with("quadlet/")) {
        let mut one = Container::default();
        for line in text(made, name).lines() {
            let Some((key, value)) = line.split_once('=') else {
                continue;
            };
            match key {
                "Entrypoint" => {
                    let program: Vec<String> =
                        serde_json::from_str(&value.replace("%%", "%")).unwrap();
                    one.command.splice(0..0, program);
                }
                "Exec" => one.command.extend(unit_words(value)),
                "Environment" => {
                    let (name, value) = pair(&unit_words(value)[0]);
                    one.env.insert(name, value);
                }
                "Secret" => {
                    let name = value.rsplit_once("target=").unwrap().1;
                    one.env.insert(name.to_owned(), None);
                }
                "AddCapability" => {
                    one.capabilities.insert(value.to_owned());
                }
                "HostName" => all.hostname = Some(value.to_owned()),
                "User" => one.user = value.parse().ok(),
                "Group" => one.group = value.parse().ok(),
                "GroupAdd" => one.groups.extend(value.parse::<u32>()),
                "WorkingDir" => one.directory = Some(value.replace("%%", "%")),
                "PodmanArgs" => {
                    let of = |option: &str| value.strip_prefix(option).map(str::to_owned);
                    all.hostname = all.hostname.or(of("--hostname="));
                    one.signal = one.signal.or(of("--stop-signal="));
                }
                "PublishPort" => {
                    all.ports.insert(port(value));
                }
                _ => one.mounts.extend(quadlet_mount(line, &lost)),
            }
        }
        if name.ends_with(".container") {
            all.containers.push(one);
        }
    }
    all
}

fn nspawn(made: &Manifests) -> Made {
    let names = made.files.names();
    let file = names.iter().find(|name| name.ends_with(".nspawn")).unwrap();
    let mut all = Made::default();
    let mut one = Container {
        mounts: mounted(made, "nspawn"),
        ..Container::default()
    };
    // nspawn gives what is not dropped.
    let mut dropped = BTreeSet::new();
    for line in text(made, file).lines() {
        let Some((key, value)) = line.split_once('=') else {
            // It has a tmpfs of its own there.
            if line.starts_with("# /run is a tmpfs") {
                one.mounts
                    .insert("/run".to_owned(), super::back::Held::Lost);
            }
            continue;
        };
        match key {
            "Parameters" => one.command = shell_words(value),
            "User" => one.user = value.parse().ok(),
            "WorkingDirectory" => one.directory = Some(value.to_owned()),
            "Environment" => {
                let (name, value) = pair(&shell_words(value)[0]);
                one.env.insert(name, value);
            }
            "Capability" => {
                one.capabilities.insert(value.replace("CAP_", ""));
            }
            "DropCapability" => dropped.extend(value.split(' ').map(|w| w.replace("CAP_", ""))),
            "Hostname" => all.hostname = Some(value.to_owned()),
            "Port" => {
                let (transport, rest) = value.split_once(':').unwrap();
                let number = rest.split(':').next().unwrap();
                all.ports.insert(format!("{number}/{transport}"));
            }
            _ => {}
        }
    }
    one.capabilities.retain(|name| !dropped.contains(name));
    all.containers.push(one);
    all
}

fn lxd(made: &Manifests) -> Made {
    let document = &documents(text(made, "lxd/instance.yaml"))[0];
    let mut all = Made::default();
    let mut one = Container {
        mounts: mounted(made, "lxd"),
        ..Container::default()
    };
    for (key, value) in document["config"].as_object().unwrap() {
        if let Some(name) = key.strip_prefix("environment.") {
            let value = value.as_str().unwrap().to_owned();
            one.env.insert(name.to_owned(), Some(value));
        }
    }
    for line in document["config"]["raw.lxc"].as_str().unwrap().lines() {
        match line.split_once('=').unwrap() {
            ("lxc.init.cmd", value) => {
                one.command = super::back::lxc_words(super::back::lxc_value(value));
            }
            ("lxc.init.uid", value) => {
                one.user = value.parse().ok();
                // All are left to root, but for those of LXD's list.
                if one.user == Some(0) {
                    let left = ["NET_RAW", "IPC_LOCK", "SYS_NICE"].map(str::to_owned);
                    one.capabilities.extend(left);
                }
            }
            ("lxc.init.gid", value) => one.group = value.parse().ok(),
            ("lxc.init.cwd", value) => one.directory = Some(value.to_owned()),
            ("lxc.signal.halt", value) => one.signal = Some(value.to_owned()),
            ("lxc.uts.name", value) => all.hostname = Some(value.to_owned()),
            _ => {}
        }
    }
    for device in document["devices"].as_object().unwrap().values() {
        if device["type"] == "proxy" {
            let listen = device["listen"].as_str().unwrap();
            let (transport, rest) = listen.split_once(':').unwrap();
            let rest = rest.strip_prefix("0.0.0.0:").unwrap_or(rest);
            all.ports.insert(format!("{rest}/{transport}"));
        }
    }
    all.containers.push(one);
    all
}

fn oci(made: &Manifests) -> Made {
    let config: Value = serde_json::from_str(text(made, "oci/config.json")).unwrap();
    let process = &config["process"];
    let names = words(&process["capabilities"]["bounding"]).into_iter();
    Made {
        containers: vec![Container {
            command: words(&process["args"]),
            user: number(&process["user"]["uid"]),
            group: number(&process["user"]["gid"]),
            groups: numbers(&process["user"]["additionalGids"]),
            directory: texts(&process["cwd"]),
            signal: None,
            mounts: mounted(made, "oci"),
            env: words(&process["env"])
                .iter()
                .map(|line| pair(line))
                .collect(),
            capabilities: names.map(|name| name.replace("CAP_", "")).collect(),
        }],
        hostname: config["hostname"].as_str().map(str::to_owned),
        ports: BTreeSet::new(),
    }
}

fn rkt(made: &Manifests) -> Made {
    let manifest: Value = serde_json::from_str(text(made, "rkt/manifest")).unwrap();
    let app = &manifest["app"];
    let env = app["environment"].as_array().into_iter().flatten();
    let value = |row: &Value, key: &str| row[key].as_str().unwrap().to_owned();
    let isolators = app["isolators"].as_array().unwrap().iter();
    let sets = isolators.flat_map(|row| words(&row["value"]["set"]));
    let mut all = Made {
        containers: vec![Container {
            command: words(&app["exec"]),
            user: app["user"].as_str().unwrap().parse().ok(),
            group: app["group"].as_str().unwrap().parse().ok(),
            groups: numbers(&app["supplementaryGIDs"]),
            directory: texts(&app["workingDirectory"]),
            signal: None,
            mounts: mounted(made, "rkt"),
            env: env
                .map(|row| (value(row, "name"), Some(value(row, "value"))))
                .collect(),
            capabilities: sets.map(|name| name.replace("CAP_", "")).collect(),
        }],
        ..Made::default()
    };
    for line in text(made, "rkt/run.sh").lines() {
        if let Some(rest) = line.strip_prefix("set -- \"$@\" --port ") {
            let (name, number) = rest.split_once(':').unwrap();
            let transport = name.split('-').next().unwrap();
            all.ports.insert(format!("{number}/{transport}"));
        }
        let name = line.strip_prefix("set -- \"$@\" --hostname=");
        all.hostname = all.hostname.or(name.map(str::to_owned));
    }
    all
}

fn containerfile(made: &Manifests) -> Made {
    let mut all = Made::default();
    let mut one = Container {
        mounts: mounted(made, "containerfile"),
        ..Container::default()
    };
    for line in text(made, "containerfile/Containerfile").lines() {
        match line.split_once(' ') {
            Some(("ENTRYPOINT", value)) => one.command = serde_json::from_str(value).unwrap(),
            Some(("ENV", value)) => {
                let (name, value) = pair(value);
                one.env.insert(name, unquoted(&value.unwrap()));
            }
            Some(("USER", value)) => (one.user, one.group) = ids(value),
            Some(("WORKDIR", value)) => one.directory = unquoted(value),
            Some(("STOPSIGNAL", value)) => one.signal = Some(value.to_owned()),
            Some(("EXPOSE", value)) => {
                all.ports.insert(value.to_owned());
            }
            _ => {}
        }
    }
    all.containers.push(one);
    all
}

/// A word in quotes as dockerfile(5) has it.
fn unquoted(word: &str) -> Option<String> {
    let inner = word.strip_prefix('"')?.strip_suffix('"')?;
    Some(inner.replace('\\', ""))
}
