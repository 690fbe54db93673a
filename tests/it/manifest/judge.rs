//! Whether a target carries out what the plan knows: what is neither in its containers, as they were
//! read back, nor named by its limits.

use seaworthy::fact::{Access, Class, StartKind};
use seaworthy::manifest::{Limit, Made};
use seaworthy::path::AppPath;
use seaworthy::report::{Mount, MountKind, Plan, PortRole, Start};

use super::back::Held;
use super::containers::{self, Container};

/// What is missed of the plan in `back`, and what is there that the plan does not ask for.
pub(super) fn missed(
    plan: &Plan,
    made: &Made,
    limits: &[Limit],
    back: &containers::Made,
) -> Vec<String> {
    let target = Target {
        plan,
        name: made.target,
        limits,
        back,
    };
    let mut missed = Vec::new();
    target.starts(&mut missed);
    for start in &plan.start {
        let Some(container) = target.of(start) else {
            continue;
        };
        target.process(start, container, &mut missed);
        target.mounts(start, container, &mut missed);
        target.env(start, container, &mut missed);
        if !target.is_image() {
            target.capabilities(start, container, &mut missed);
        }
    }
    if !target.is_image() {
        target.outside(&mut missed);
    }
    missed
}

/// A target's containers and limits, asked for what the plan has.
struct Target<'a> {
    plan: &'a Plan,
    name: &'static str,
    limits: &'a [Limit],
    back: &'a containers::Made,
}

impl Target<'_> {
    /// An image is started with rights, a name and ports that it does not hold.
    fn is_image(&self) -> bool {
        self.name == "containerfile"
    }

    fn told(&self, is: impl Fn(&Limit) -> bool) -> bool {
        self.limits.iter().any(is)
    }

    fn is_told(&self, about: &str) -> bool {
        self.told(|limit| limit.about == about)
    }

    /// Whether a mount is said to be left out, or to be part of a wider one.
    fn is_left(&self, path: &str) -> bool {
        let is_out = |text: &str| text.starts_with("left out") || text.ends_with("scratch space");
        self.told(|limit| limit.about == path && is_out(&limit.instead))
    }

    /// Whether a word on a process is said.
    fn is_told_of(&self, start: &Start, word: &str) -> bool {
        let about = format!("process {}", start.name.trim_end_matches(".service"));
        let has = |limit: &Limit| limit.cannot.contains(word) || limit.instead.contains(word);
        self.told(|limit| limit.about == about && has(limit))
    }

    /// The container of a start.
    fn of(&self, start: &Start) -> Option<&Container> {
        let mut all = self.back.containers.iter();
        all.find(|container| container.command == start.command)
    }

    /// Whether a start is to have what names those that it serves.
    fn is_for(&self, serves: &[String], start: &Start) -> bool {
        let stays = |start: &&Start| start.how == StartKind::Unit;
        let mut staying = self.plan.start.iter().filter(stays);
        let nobody = !staying.any(|start| serves.contains(&start.name));
        nobody || serves.contains(&start.name)
    }

    fn starts(&self, missed: &mut Vec<String>) {
        // These have a container for each process that stays.
        let has_all = ["docker", "compose", "k8s", "quadlet"].contains(&self.name);
        for start in &self.plan.start {
            let line = start.command.join(" ");
            let is_named = self.told(|limit| limit.instead.contains(&line));
            let may_be_named = !has_all || start.how != StartKind::Unit;
            if self.of(start).is_none() && !(is_named && may_be_named) {
                missed.push(format!("the start {line}"));
            }
        }
    }

    fn process(&self, start: &Start, container: &Container, missed: &mut Vec<String>) {
        let mut ask = |what: &str, is_there: bool| {
            if !is_there {
                missed.push(format!("{what} of {}", start.name));
            }
        };
        let uid = start.uid.unwrap_or(0);
        ask("the user", container.user == Some(uid));
        // It has the group of its user in the image's accounts.
        let group = start.gid.unwrap_or(uid);
        let has_group = self.name == "nspawn" || container.group == Some(group);
        ask("the group", has_group);
        let mut groups = start.groups.iter();
        let has_groups = groups.all(|group| container.groups.contains(group));
        let names_groups = ["nspawn", "lxd", "containerfile"].contains(&self.name);
        let told_groups = names_groups && self.is_told_of(start, "group");
        ask("the groups", has_groups || told_groups);
        let has_directory = match &start.directory {
            Some(path) => container.directory.as_deref() == Some(&path.to_text()),
            None => self.directory(container) == "/",
        };
        ask("the directory", has_directory);
        let signal = start.stop_signal.as_ref().filter(|name| *name != "SIGTERM");
        let has_signal = signal.is_none() || container.signal.as_ref() == signal;
        let names_signal = ["k8s", "nspawn", "oci", "rkt"].contains(&self.name);
        let told_signal = names_signal && signal.is_some_and(|name| self.is_told_of(start, name));
        ask("the signal", has_signal || told_signal);
    }

    fn mounts(&self, start: &Start, container: &Container, missed: &mut Vec<String>) {
        let scratch = self.plan.scratch.iter();
        let scratch = scratch.map(|own| (&own.path, &[][..], Held::Lost));
        let mounts = self.plan.mounts.iter();
        let mounts = mounts.map(|mount| (&mount.path, &mount.serves[..], wanted(mount)));
        for (path, serves, wanted) in mounts.chain(scratch) {
            let text = String::from_utf8_lossy(path.as_bytes()).into_owned();
            let held = container.mounts.get(&text).copied();
            let is_own = self.plan.scratch.iter().any(|own| own.path == *path);
            // An image has the mount points of all that start from it.
            if self.is_for(serves, start) || self.is_image() || is_own {
                let fits = match held {
                    Some(Held::Place) => self.is_image(),
                    Some(held) => held == wanted || self.may_be(path, held),
                    None => self.is_left(&path.to_text()),
                };
                if !fits {
                    missed.push(format!("{path} of {}: {wanted:?} is {held:?}", start.name));
                }
            } else if held.is_some() {
                missed.push(format!("{} has {path}, which is another's", start.name));
            }
        }
    }

    /// Where a container is started: engines ask the image, which has the first process's directory.
    fn directory(&self, container: &Container) -> String {
        let of_image = ["docker", "compose", "k8s", "quadlet"].contains(&self.name);
        let first = self.plan.start.first().filter(|_| of_image);
        let first = first.and_then(|start| start.directory.as_ref());
        let given = container.directory.clone();
        given
            .or(first.map(|path| path.to_text().into_owned()))
            .unwrap_or("/".to_owned())
    }

    /// Whether a part of the plan may be held otherwise: several are at one place, or a cluster makes
    /// a cache anew.
    fn may_be(&self, path: &AppPath, held: Held) -> bool {
        let is_made_anew = |mount: &Mount| {
            let is_cache = mount.class == Class::Cache && mount.kind == MountKind::Dir;
            self.name == "k8s" && is_cache && held == Held::Lost
        };
        let mut mounts = self.plan.mounts.iter();
        mounts.any(|m| m.path == *path && (wanted(m) == held || is_made_anew(m)))
    }

    fn env(&self, start: &Start, container: &Container, missed: &mut Vec<String>) {
        let all = || self.plan.env.iter().chain(&start.env);
        for variable in all() {
            let about = format!("variable {}", variable.name);
            // Another process may have one of this name, too.
            let name = start.name.trim_end_matches(".service");
            let own = format!("it is that of {name}");
            let is_told = self.told(|limit| {
                let is_other = limit.cannot.starts_with("it is that of ");
                let is_out = ["left out", "give it"];
                let is_out = is_out.iter().any(|how| limit.instead.starts_with(how));
                let is_its = !is_other || limit.cannot.starts_with(&own);
                limit.about == about && is_out && is_its
            });
            let fits = match container.env.get(&variable.name) {
                Some(there) => *there == variable.value,
                None => is_told,
            };
            if !fits {
                missed.push(format!("{} of {}", variable.name, start.name));
            }
        }
        let own = ["PATH", "HOME"];
        for name in container.env.keys() {
            if !own.contains(&&**name) && !all().any(|variable| variable.name == *name) {
                missed.push(format!("{} has {name}, which is another's", start.name));
            }
        }
    }

    fn capabilities(&self, start: &Start, container: &Container, missed: &mut Vec<String>) {
        for need in &self.plan.kernel {
            let is_there = container.capabilities.contains(&need.name);
            let is_for = need.serves.is_empty() || need.serves.contains(&start.name);
            let is_told = self
                .told(|limit| limit.about == need.name && limit.instead.starts_with("not given"));
            if is_for && !is_there && !is_told {
                missed.push(format!("{} of {}", need.name, start.name));
            }
            // Root has all that LXD leaves, whatever is asked for.
            if !is_for && is_there && self.name != "lxd" {
                missed.push(format!("{} has {}", start.name, need.name));
            }
        }
    }

    fn outside(&self, missed: &mut Vec<String>) {
        let wanted = self.plan.hostname.as_ref().map(|known| &known.name);
        let is_there = wanted == self.back.hostname.as_ref();
        if wanted.is_some() && !is_there && !self.is_told("the host name") {
            missed.push(format!("the host name {wanted:?}"));
        }
        for port in &self.plan.ports {
            let plain = format!("{}/{}", port.port, port.transport);
            let is_public = self.back.ports.contains(&plain);
            let is_shared = self.name == "oci" && self.is_told("the network");
            if !is_public && !is_shared && !self.is_told(&format!("port {plain}")) {
                missed.push(format!("port {plain}"));
            }
            let may = !port.is_loopback() && port.role == PortRole::Service;
            if is_public && !may {
                missed.push(format!("it publishes {plain}"));
            }
        }
    }
}

/// What is to become of what is written at a mount. A file in memory is one that is kept: no runtime
/// has a file of its own there.
fn wanted(mount: &Mount) -> Held {
    let is_lost = matches!(mount.class, Class::Runtime | Class::Temp);
    match (is_lost, mount.access) {
        (true, _) if mount.kind == MountKind::Dir => Held::Lost,
        (true, _) | (false, Access::Rw) => Held::Kept,
        (false, Access::Ro) => Held::Read,
    }
}
