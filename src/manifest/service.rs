//! The plan as a service: its processes, volumes, user and needs, the same for every target.

use std::collections::BTreeSet;

use crate::fact::StartKind;
use crate::report::{EnvVar, Plan, Port, Report, Start};

use super::expand::expand;
use super::name::{Labels, label};
use super::needs::{Needs, needs};
use super::volume::{Keeps, Volume, volumes};
use super::{AnyUser, Content, Input, Limit, Made, Named, Summary};

/// What a shell finds programs by in a container that says nothing else.
pub(super) const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// The user id for a service whose own is chosen by the system when it starts.
const FREE_ID: u32 = 10_001;

/// What a report has in place of a secret inside a command.
const WITHHELD: &str = "{withheld}";

/// A process that stays.
#[derive(Clone, Debug)]
pub(super) struct Process {
    /// A label.
    pub(super) name: String,
    /// Program and arguments; empty when nothing is known, so that the image's own are used.
    pub(super) command: Vec<String>,
    /// User and group it is started as.
    pub(super) ids: (u32, u32),
    /// Working directory.
    pub(super) directory: Option<String>,
    /// The signal that ends it.
    pub(super) stop_signal: Option<String>,
    /// Seconds it may take to end.
    pub(super) stop_seconds: Option<u32>,
}

impl Process {
    /// Whether it is started as root.
    pub(super) fn is_root(&self) -> bool {
        self.ids.0 == 0
    }
}

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
    /// What configuration files hold.
    pub(super) content: Option<&'a Content>,
    /// Whether the content of secrets is wanted, apart from the manifests.
    pub(super) secrets: bool,
}

impl<'a> Service<'a> {
    /// Reads the plan.
    pub(super) fn new(input: &Input<'a>) -> Self {
        let plan = &input.report.plan;
        let (volumes, mut limits) = volumes(plan);
        let processes = processes(input.report, &mut limits);
        let as_root = processes.iter().any(Process::is_root);
        let needs = needs(plan, as_root, &mut limits);
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
            env: env(plan, &mut limits),
            ports: &plan.ports,
            limits,
            content: input.content,
            secrets: input.secrets,
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

fn name(report: &Report) -> String {
    let target = &report.target;
    let first = target.packages.first().or(target.units.first());
    match (first, target.scope.first()) {
        (Some(name), _) => label(name.trim_end_matches(".service").as_bytes()),
        (None, Some(path)) => label(path.name()),
        (None, None) => "app".to_owned(),
    }
}

fn env(plan: &Plan, limits: &mut Vec<Limit>) -> Vec<EnvVar> {
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
    if env.iter().all(|variable| variable.name != "PATH") {
        env.push(EnvVar {
            name: "PATH".to_owned(),
            value: Some(PATH.to_owned()),
        });
    }
    env
}

/// Whether a start stays, as far as its unit says: one of type `oneshot` has no word on forking.
fn stays(start: &Start) -> bool {
    match start.how {
        StartKind::Unit => start.forks.is_some(),
        StartKind::Init | StartKind::Supervisor | StartKind::Socket => true,
        StartKind::Cron | StartKind::Timer | StartKind::Script => false,
    }
}

fn processes(report: &Report, limits: &mut Vec<Limit>) -> Vec<Process> {
    let plan = &report.plan;
    let mut labels = Labels::default();
    let mut names: BTreeSet<String> = BTreeSet::new();
    let mut programs: BTreeSet<&str> = BTreeSet::new();
    let mut found = Vec::new();
    let mut staying: Vec<&Start> = plan.start.iter().filter(|start| stays(start)).collect();
    // A unit's word on the same service counts before an init script's, and what is called like the
    // application is its main process.
    let own = name(report);
    staying.sort_by_key(|start| {
        let base = label(base(&start.name).as_bytes());
        let is_other = base != own && !own.starts_with(&base) && !base.starts_with(&own);
        (base != own, is_other, start.how == StartKind::Init)
    });
    for start in &staying {
        let base = base(&start.name);
        let program = start.command.first().map_or("", String::as_str);
        let is_again = start.how == StartKind::Init && programs.contains(program);
        if !names.insert(base.to_owned()) || is_again {
            continue;
        }
        programs.insert(program);
        found.push(process(start, labels.fresh(base.as_bytes()), plan, limits));
    }
    for start in plan.start.iter().filter(|start| !stays(start)) {
        if names.insert(start.name.clone()) {
            limits.push(Limit::new(
                format!("job {}", start.name),
                "it comes and goes, and is no part of the service",
                format!(
                    "run it beside the service, by the host's timer or a CronJob: {}",
                    start.command.join(" ")
                ),
            ));
        }
    }
    if found.is_empty() {
        limits.push(Limit::new(
            "the start command",
            "nothing tells which command starts it and stays",
            "the image's own is used: give one",
        ));
        found.push(unknown(plan));
    }
    found
}

/// `meterd` of `meterd.service`, and of `init.d/meterd`.
fn base(name: &str) -> &str {
    let name = name.rsplit('/').next().unwrap_or(name);
    name.trim_end_matches(".service")
        .trim_end_matches(".socket")
}

fn unknown(plan: &Plan) -> Process {
    let user = plan.user.as_ref();
    let uid = user.and_then(|user| user.uid);
    Process {
        name: "app".to_owned(),
        command: Vec::new(),
        ids: (
            uid.unwrap_or(0),
            user.and_then(|user| user.gid).or(uid).unwrap_or(0),
        ),
        directory: None,
        stop_signal: None,
        stop_seconds: None,
    }
}

/// What is started: in the foreground, variables replaced, and nothing that a line cannot hold.
fn command(start: &Start, name: &str, plan: &Plan, limits: &mut Vec<Limit>) -> Vec<String> {
    let mut command = start.foreground.clone();
    if command.is_empty() {
        command.clone_from(&start.command);
    }
    if start.how == StartKind::Unit {
        let (words, unknown) = expand(&command, &plan.env);
        command = words;
        for variable in unknown {
            limits.push(Limit::new(
                format!("process {name}"),
                format!("its command has the variable {variable}, whose value is not known"),
                "left empty, as systemd does it",
            ));
        }
    }
    if start.foreground.is_empty() && start.forks == Some(true) {
        limits.push(Limit::new(
            format!("process {name}"),
            "it goes into the background, and the option that keeps it in front is not known",
            "a shell stays in front of it, passes the stop signal on and ends when it does",
        ));
        command = kept(&command, start.stop_signal.as_deref());
    }
    if command
        .iter()
        .any(|word| word.chars().any(char::is_control))
    {
        limits.push(Limit::new(
            format!("process {name}"),
            "its command has a control character",
            "the image's own command is used: give one",
        ));
        command.clear();
    }
    if command.iter().any(|word| word.contains(WITHHELD)) {
        limits.push(Limit::new(
            format!("process {name}"),
            "its command holds a secret",
            format!("{WITHHELD} stands for it: replace it where the container is started"),
        ));
    }
    command
}

fn process(start: &Start, name: String, plan: &Plan, limits: &mut Vec<Limit>) -> Process {
    let command = command(start, &name, plan, limits);
    let ids = ids(start, &name, plan, limits);
    if ids.0 == 0
        && let Some(user) = plan.user.as_ref().filter(|user| user.uid != Some(0))
        && user.name != "root"
    {
        limits.push(Limit::new(
            format!("process {name}"),
            format!("it starts as root and changes to {} itself", user.name),
            "it is started as root, with the capabilities for that",
        ));
    }
    let directory = start
        .directory
        .as_ref()
        .filter(|path| super::volume::refusal(path).is_none())
        .map(|path| String::from_utf8_lossy(path.as_bytes()).into_owned());
    Process {
        name,
        command,
        ids,
        directory,
        stop_signal: start.stop_signal.clone().filter(|name| is_signal(name)),
        stop_seconds: start.stop_seconds,
    }
}

/// What stays in front of a program that leaves for the background: it counts the processes of the
/// container, and ends when there are no more than before the start (proc(5)).
const KEEPER: &str = "n() { set -- /proc/[0-9]*; echo $#; }; b=$(n); \
                      trap 'kill -s @SIGNAL@ -- -1' TERM INT @SIGNAL@; \"$0\" \"$@\" || exit; \
                      while [ \"$(n)\" -gt \"$b\" ]; do sleep 1 & wait $!; done";

fn kept(command: &[String], signal: Option<&str>) -> Vec<String> {
    let signal = signal.filter(|name| is_signal(name)).unwrap_or("TERM");
    // sh(1) has names of signals without their first three letters.
    let signal = signal.strip_prefix("SIG").unwrap_or(signal);
    let script = KEEPER.replace("@SIGNAL@", signal);
    let mut kept = vec!["/bin/sh".to_owned(), "-c".to_owned(), script];
    kept.extend(command.iter().cloned());
    kept
}

fn is_signal(name: &str) -> bool {
    name.bytes()
        .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b"+-".contains(&b))
        && !name.is_empty()
}

/// User and group that a process is started as; root where no user is named.
fn ids(start: &Start, name: &str, plan: &Plan, limits: &mut Vec<Limit>) -> (u32, u32) {
    let Some(user) = &start.user else {
        return (0, 0);
    };
    if let Some(uid) = start.uid {
        return (uid, start.gid.unwrap_or(uid));
    }
    if user == "root" {
        return (0, 0);
    }
    let known = plan.user.as_ref().filter(|known| known.name == *user);
    if let Some(uid) = known.and_then(|known| known.uid) {
        let gid = known.and_then(|known| known.gid);
        return (uid, start.gid.or(gid).unwrap_or(uid));
    }
    limits.push(Limit::new(
        format!("process {name}"),
        format!("the number of its user {user} is not known"),
        format!("{FREE_ID} is used, and what it writes is given to that"),
    ));
    (FREE_ID, start.gid.unwrap_or(FREE_ID))
}
