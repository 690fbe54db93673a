//! The plan as a service: its processes, volumes, user and needs, the same for every target.

use crate::report::{EnvVar, Plan, Port, Report};

use super::name::label;
use super::needs::{Needs, needs};
use super::process::{Process, processes};
use super::volume::{Keeps, Volume, volumes};
use super::{AnyUser, Content, Input, Limit, Made, Named, Parts, Summary};

/// What a shell finds programs by in a container that says nothing else.
pub(super) const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// What the application is, for every target.
pub(super) struct Service<'a> {
    /// A label.
    pub(super) name: String,
    /// The image.
    pub(super) image: String,
    /// The audit.
    pub(super) report: &'a Report,
    /// What stays; never empty.
    pub(super) processes: Vec<Process>,
    /// The mounts.
    pub(super) volumes: Vec<Volume>,
    /// What the kernel gives.
    pub(super) needs: Needs,
    /// The environment.
    pub(super) env: Vec<EnvVar>,
    /// The ports.
    pub(super) ports: &'a [Port],
    /// What no target can express.
    pub(super) limits: Vec<Limit>,
    /// Whether the command of the first process was given, and not found by the audit.
    pub(super) is_given: bool,
    /// What configuration files hold.
    pub(super) content: Option<&'a Content>,
    /// Whether the content of secrets is wanted, apart from the manifests.
    pub(super) secrets: bool,
    /// The files of the image's layers.
    pub(super) parts: Option<&'a Parts>,
}

impl<'a> Service<'a> {
    /// Reads the plan.
    pub(super) fn new(input: &Input<'a>) -> Self {
        let plan = &input.report.plan;
        let (volumes, mut limits) = volumes(plan);
        let processes = processes(input.report, input.start, &mut limits);
        let as_root = processes.iter().any(Process::is_root);
        let needs = needs(plan, as_root, &mut limits);
        let env = env(plan, &processes, &mut limits);
        let name = name(input.report);
        let image = match input.image {
            Some(image) => image.to_owned(),
            None => format!("localhost/{name}:latest"),
        };
        Self {
            image,
            report: input.report,
            processes,
            volumes,
            needs,
            env,
            ports: &plan.ports,
            limits,
            is_given: input.start.is_some(),
            content: input.content,
            secrets: input.secrets,
            parts: input.parts,
            name,
        }
    }

    /// The process that others are put beside.
    pub(super) fn first(&self) -> &Process {
        &self.processes[0]
    }

    /// Whether several processes share the volumes.
    pub(super) fn is_several(&self) -> bool {
        self.processes.len() > 1
    }

    /// Whether scratch space is a tmpfs that the engine makes as a volume: when several containers
    /// share it, or when it lies in other scratch space. There runc before 1.1.8 gives a tmpfs the
    /// mode of a directory that it has just made itself, and nobody but root may write.
    pub(super) fn is_scratch_volume(&self, volume: &Volume) -> bool {
        let is_around = |other: &Volume| {
            other.keeps == Keeps::Scratch && other.at != volume.at && volume.at.is_within(&other.at)
        };
        volume.keeps == Keeps::Scratch && (self.is_several() || self.volumes.iter().any(is_around))
    }

    /// The host's directory of volumes that are directories of the host.
    pub(super) fn base(&self) -> String {
        format!("/srv/{}", self.name)
    }

    /// Whether no process may gain privileges: none starts as root to change them.
    pub(super) fn is_confined(&self) -> bool {
        !self.processes.iter().any(Process::is_root)
    }

    /// The group that owns what is written, for runtimes that give a volume to a group.
    pub(super) fn volume_group(&self) -> Option<u32> {
        let own = self.report.plan.user.as_ref().and_then(|user| user.gid);
        let started = self.first().ids.1;
        if started == 0 { own } else { Some(started) }
    }

    /// A limit for targets that start a single process.
    pub(super) fn only_first(&self, out: &mut super::Out) {
        for process in &self.processes[1..] {
            out.limit(
                &process.name,
                "this target starts one process",
                format!(
                    "only {} is started; make a second instance with the same volumes for it",
                    self.first().name
                ),
            );
        }
    }

    /// The summary.
    pub(super) fn summary(&self, targets: Vec<Made>) -> Summary {
        let names: Vec<&str> = self.processes.iter().map(|p| p.name.as_str()).collect();
        let processes = if self.is_several() {
            format!(
                "{} processes ({}): one container for each, sharing volumes and network",
                names.len(),
                names.join(", ")
            )
        } else if self.is_given {
            "one process, by the command that was given".to_owned()
        } else {
            "one process".to_owned()
        };
        Summary {
            schema: 1,
            name: self.name.clone(),
            image: self.image.clone(),
            processes,
            any_user: self.any_user(),
            volumes: self
                .volumes
                .iter()
                .map(|volume| Named {
                    name: volume.name.clone(),
                    path: volume.at.clone(),
                    keeps: volume.keeps.word(),
                })
                .collect(),
            targets,
        }
    }

    fn any_user(&self) -> AnyUser {
        if let Some(root) = self.processes.iter().find(|process| process.is_root()) {
            return AnyUser {
                answer: "no",
                reason: format!("{} is started as root", root.name),
            };
        }
        let owned: Vec<&str> = self
            .volumes
            .iter()
            .filter(|volume| volume.keeps == Keeps::State || volume.bits() & 0o004 == 0)
            .map(|volume| volume.path.as_str())
            .collect();
        if owned.is_empty() {
            return AnyUser {
                answer: "yes",
                reason: "nothing it reads or keeps belongs to a certain user".to_owned(),
            };
        }
        AnyUser {
            answer: "with-ownership",
            reason: format!(
                "these must belong to that user or its group: {}",
                owned.join(", ")
            ),
        }
    }
}

/// What the application is called in all manifests: a label.
pub(super) fn name(report: &Report) -> String {
    let target = &report.target;
    let first = target.packages.first().or(target.units.first());
    match (first, target.scope.first()) {
        (Some(name), _) => label(name.trim_end_matches(".service").as_bytes()),
        (None, Some(path)) => label(path.name()),
        (None, None) => "app".to_owned(),
    }
}

fn env(plan: &Plan, processes: &[Process], limits: &mut Vec<Limit>) -> Vec<EnvVar> {
    let is_name = |name: &str| {
        let fits = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
        !name.is_empty() && name.bytes().all(fits) && !name.as_bytes()[0].is_ascii_digit()
    };
    let mut env = Vec::new();
    for variable in &plan.env {
        let odd = match &variable.value {
            _ if !is_name(&variable.name) => Some("its name is no name of the shell"),
            Some(value) if value.chars().any(char::is_control) => {
                Some("its value has a control character")
            }
            _ => None,
        };
        match odd {
            Some(odd) => limits.push(Limit::new(
                format!("variable {}", variable.name),
                odd,
                "left out: set it by hand",
            )),
            None => env.push(variable.clone()),
        }
    }
    let mut add = |name: &str, value: &str| {
        if env.iter().all(|variable| variable.name != name) {
            env.push(EnvVar {
                name: name.to_owned(),
                value: Some(value.to_owned()),
            });
        }
    };
    add("PATH", PATH);
    // Engines look it up in the image, which need not have the account as the host has it; others
    // do not at all.
    if let Some(home) = &processes[0].home {
        add("HOME", home);
    }
    for process in &processes[1..] {
        let other = process.home.as_ref();
        if let Some(home) = other.filter(|_| process.home != processes[0].home) {
            limits.push(Limit::new(
                format!("process {}", process.name),
                "its home directory is not that of the first process",
                format!("set HOME={home} for it"),
            ));
        }
    }
    env
}
