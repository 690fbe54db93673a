//! The plan as a service: its processes, volumes, user and needs, the same for every target.

use crate::report::{EnvVar, Port, Report};

pub(super) use super::env::PATH;
use super::env::of_image;
use super::name::label;
use super::needs::{Given, Needs, needs};
use super::port::reached;
use super::process::{Process, processes};
use super::rights::gains;
use super::volume::{Keeps, Volume, volumes};
use super::{AnyUser, Content, Input, Limit, Made, Named, Parts, Storage, Summary};

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
    /// The mounts, and the scratch space of the read-only root, by path.
    pub(super) volumes: Vec<Volume>,
    /// What the kernel gives.
    pub(super) needs: Needs,
    /// The environment that all processes share, which is the image's.
    pub(super) env: Vec<EnvVar>,
    /// The ports that are reached from outside.
    pub(super) ports: Vec<Port>,
    /// The host name that its state bears.
    pub(super) hostname: Option<&'a str>,
    /// Where engines keep state.
    pub(super) storage: Storage,
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
    /// Whether programs must be able to gain rights.
    gains: bool,
}

impl<'a> Service<'a> {
    /// Reads the plan.
    pub(super) fn new(input: &Input<'a>) -> Self {
        let plan = &input.report.plan;
        let (volumes, mut limits) = volumes(plan);
        let processes = processes(input.report, input.start, &mut limits);
        let needs = needs(plan, &processes, &mut limits);
        let ports = reached(plan, &mut limits);
        let hostname = hostname(input.report, &mut limits);
        let gains = gains(input.report, &processes, &mut limits);
        let name = name(input.report);
        let image = match input.image {
            Some(image) => image.to_owned(),
            None => format!("localhost/{name}:latest"),
        };
        let mut service = Self {
            image,
            report: input.report,
            env: of_image(&processes),
            processes,
            volumes,
            needs,
            ports,
            hostname,
            storage: input.storage,
            limits,
            is_given: input.start.is_some(),
            content: input.content,
            secrets: input.secrets,
            parts: input.parts,
            name,
            gains,
        };
        let found = super::check::check(&service);
        service.limits.extend(found);
        service
    }

    /// The process that others are put beside.
    pub(super) fn first(&self) -> &Process {
        &self.processes[0]
    }

    /// Whether several processes share the volumes.
    pub(super) fn is_several(&self) -> bool {
        self.processes.len() > 1
    }

    /// Whether a process uses a volume: by the plan's word, and all of them when what the plan names
    /// is not started.
    pub(super) fn uses(&self, process: &Process, volume: &Volume) -> bool {
        let is_named = |process: &Process| volume.serves.contains(&process.start);
        is_named(process) || !self.processes.iter().any(is_named)
    }

    /// The volumes of a process, by path.
    pub(super) fn volumes_of(&self, process: &Process) -> impl Iterator<Item = &Volume> {
        let uses = self.volumes.iter().filter(|v| self.uses(process, v));
        uses.collect::<Vec<_>>().into_iter()
    }

    /// Whether several containers mount a volume.
    pub(super) fn is_shared(&self, volume: &Volume) -> bool {
        let users = self.processes.iter().filter(|p| self.uses(p, volume));
        users.count() > 1
    }

    /// The owner of a volume: by the plan's word, else the first process that uses it.
    pub(super) fn owner(&self, volume: &Volume) -> (u32, u32) {
        let mut users = self.processes.iter().filter(|p| self.uses(p, volume));
        let ids = users.next().unwrap_or(self.first()).ids;
        (volume.uid.unwrap_or(ids.0), volume.gid.unwrap_or(ids.1))
    }

    /// Whether scratch space is a tmpfs that the engine makes as a volume: when several containers
    /// share it, when it has an owner other than root, which docker and podman know other options
    /// for, and when it lies in other scratch space. There runc before 1.1.8 gives a tmpfs the mode
    /// of a directory that it has just made itself, and nobody but root may write.
    pub(super) fn is_scratch_volume(&self, volume: &Volume) -> bool {
        let is_around = |other: &Volume| {
            other.keeps == Keeps::Scratch && other.at != volume.at && volume.at.is_within(&other.at)
        };
        let is_free = self.owner(volume) == (0, 0) || volume.scratch_bits() & 0o7777 == 0o1777;
        let is_plain = volume.is_own || (is_free && !self.is_shared(volume));
        // A path with a colon is no field of an engine's `--tmpfs`.
        volume.keeps == Keeps::Scratch
            && (!is_plain || volume.path.contains(':') || self.volumes.iter().any(is_around))
    }

    /// The options of a tmpfs (tmpfs(5)) that engines make as a volume.
    pub(super) fn tmpfs_options(&self, volume: &Volume) -> String {
        let (uid, gid) = self.owner(volume);
        format!("mode={:04o},uid={uid},gid={gid}", volume.scratch_bits())
    }

    /// Whether an engine keeps a volume under a name of its own.
    pub(super) fn is_named(&self, volume: &Volume) -> bool {
        match volume.keeps {
            Keeps::State => self.storage == Storage::Volumes && !volume.is_file,
            Keeps::Scratch => self.is_scratch_volume(volume),
            Keeps::Config | Keeps::Secret => false,
        }
    }

    /// The name of a volume of an engine.
    pub(super) fn engine_volume(&self, volume: &Volume) -> String {
        format!("{}-{}", self.name, volume.name)
    }

    /// The host's directory of volumes that are directories of the host.
    pub(super) fn base(&self) -> String {
        format!("/srv/{}", self.name)
    }

    /// Whether a process may gain no privileges.
    pub(super) fn confines(&self, process: &Process) -> bool {
        !self.gains && !process.is_root()
    }

    /// Whether a process is started as root.
    pub(super) fn has_root(&self) -> bool {
        self.processes.iter().any(Process::is_root)
    }

    /// The capabilities of a process.
    pub(super) fn capabilities(&self, process: &Process) -> Vec<Given> {
        let is_low = self.report.plan.ports.iter().any(|port| port.port < 1024);
        self.needs.capabilities(process, is_low)
    }

    /// The names of all secret variables, each once.
    pub(super) fn secret_names(&self) -> Vec<&str> {
        let all = self.processes.iter().flat_map(|process| &process.env);
        let mut names: Vec<&str> = all
            .filter(|variable| variable.value.is_none())
            .map(|variable| variable.name.as_str())
            .collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// The group that owns what is written, for runtimes that give a volume to a group.
    pub(super) fn volume_group(&self) -> Option<u32> {
        let own = self.report.plan.user.as_ref().and_then(|user| user.gid);
        let started = self.first().ids.1;
        if started == 0 { own } else { Some(started) }
    }

    /// How the volumes are filled, as a comment; `mark` begins each line.
    pub(super) fn filled(&self, mark: &str) -> String {
        match self.storage {
            Storage::Directories => self.on_host(mark),
            Storage::Volumes => format!(
                "{mark} State is in volumes of the engine, all else in {}: fill both with\n\
                 {mark} `seaworthy migrate --to docker`, or `--to podman`; where that is not installed:\n\
                 {mark} ../migrate.sh -t docker\n",
                self.base()
            ),
        }
    }

    /// As [`Service::filled`], for targets that mount nothing but directories of the host.
    pub(super) fn on_host(&self, mark: &str) -> String {
        format!(
            "{mark} What is mounted lies in {}: fill it with `seaworthy migrate`, or with\n\
             {mark} ../migrate.sh where that is not installed.\n",
            self.base()
        )
    }

    /// Where the content of a volume is on a host.
    pub(super) fn place(&self, volume: &Volume) -> String {
        match volume.keeps {
            Keeps::Scratch => "memory".to_owned(),
            _ => format!("{}/{}", self.base(), volume.name),
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
                    place: self.place(volume),
                    engine_volume: self.is_named(volume).then(|| self.engine_volume(volume)),
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
            .filter(|volume| !volume.is_own)
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

/// The host name that state bears, where a target can give it (hostname(7); Linux's limit is 64
/// bytes, HOST_NAME_MAX).
fn hostname<'a>(report: &'a Report, limits: &mut Vec<Limit>) -> Option<&'a str> {
    let name = report.plan.hostname.as_ref()?.name.as_str();
    let fits = |b: u8| b.is_ascii_alphanumeric() || b"-.".contains(&b);
    let is_name = (1..=64).contains(&name.len())
        && name.bytes().all(fits)
        && !name.starts_with(['-', '.'])
        && !name.ends_with(['-', '.']);
    if !is_name {
        limits.push(Limit::new(
            "the host name",
            format!("{} is no host name", crate::path::escape(name.as_bytes())),
            "not given: state that bears it is not found",
        ));
    }
    Some(name).filter(|_| is_name)
}
