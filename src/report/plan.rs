//! The plan of a report: how to run the application over a read-only root.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::fact::{Access, Certainty, Class, Fact, Locus, Need, StartKind};
use crate::path::AppPath;

/// How to run the application in a container.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Plan {
    /// What is mounted over the read-only root.
    pub mounts: Vec<Mount>,
    /// Directories in memory that every read-only root gets, apart from the mounts.
    #[serde(default)]
    pub scratch: Vec<Scratch>,
    /// The host name that its state or its settings bear; absent where nothing depends on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hostname: Option<HostName>,
    /// The user it runs as.
    #[serde(default)]
    pub user: Option<User>,
    /// The ports it listens on.
    pub ports: Vec<Port>,
    /// The environment it needs. A variable that a start lists, too, is that of the starts alone that
    /// list it; all others are given to every process.
    pub env: Vec<EnvVar>,
    /// The commands that start it; more than one when there are several processes.
    pub start: Vec<Start>,
    /// What it needs of the kernel.
    pub kernel: Vec<KernelNeed>,
    /// The files that hold a key, password or token.
    #[serde(default)]
    pub secrets: Vec<AppPath>,
    /// Content outside the scope that its settings name and that belongs into the image.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub content: Vec<AppPath>,
    /// What an image leaves out and no mount brings back.
    #[serde(default)]
    pub left_behind: Vec<LeftBehind>,
}

/// A directory in memory.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Scratch {
    /// Where.
    pub path: AppPath,
    /// Permission bits in octal (`1777`).
    pub mode: String,
    /// The facts that ask for it; empty where it is there by custom alone (FHS 3.0, 3.15, 3.18,
    /// 5.15).
    #[serde(default)]
    pub because: Vec<Fact>,
}

/// The name of the old host.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct HostName {
    /// The name, as hostname(5) has it.
    pub name: String,
    /// How it is known that something depends on it.
    pub certainty: Certainty,
    /// The facts it rests on.
    #[serde(default)]
    pub because: Vec<Fact>,
}

/// A path that an image leaves out and no mount brings back.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct LeftBehind {
    /// The path.
    pub path: AppPath,
    /// Why, in a sentence.
    pub reason: String,
}

/// A mount over the read-only root.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Mount {
    /// Where it is mounted; components may hold patterns.
    pub path: AppPath,
    /// Directory or file.
    pub kind: MountKind,
    /// Whether it is written.
    pub access: Access,
    /// What it is for.
    pub class: Class,
    /// How that is known.
    pub certainty: Certainty,
    /// Owner, where it is known.
    #[serde(default)]
    pub uid: Option<u32>,
    /// Group, where it is known.
    #[serde(default)]
    pub gid: Option<u32>,
    /// Permission bits in octal (`0750`), where they are known.
    #[serde(default)]
    pub mode: Option<String>,
    /// Bytes on disk at the time of the audit; absent when the path is not there.
    #[serde(default)]
    pub size_bytes: Option<u64>,
    /// Whether the present content must be copied into the volume first.
    pub seed: bool,
    /// Regular files at the path today, which an empty volume there would hide.
    #[serde(default)]
    pub hides: u64,
    /// Programs, libraries and other code among these files.
    #[serde(default, skip_serializing_if = "super::is_zero")]
    pub hides_code: u64,
    /// Whether the application replaces the file by one of another name (rename(2)), which fails
    /// with EBUSY over a mount: its directory would have to be one, and that is shared.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub replaced: bool,
    /// Code of the application that replaces files whose names are not known: where this file, mounted
    /// alone, is one of them, that fails with EBUSY. It is suspected, and decides nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub may_be_replaced: Option<Locus>,
    /// The starts that use it, by name; empty when all may.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub serves: Vec<String>,
    /// The facts it rests on.
    pub because: Vec<Fact>,
}

/// What a mount is.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum MountKind {
    /// A directory.
    Dir,
    /// A single file.
    File,
}

/// The user a process runs as.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct User {
    /// Name.
    pub name: String,
    /// User id, where the root's user database has it.
    #[serde(default)]
    pub uid: Option<u32>,
    /// Group id, where it is known.
    #[serde(default)]
    pub gid: Option<u32>,
}

/// A port that is listened on.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Port {
    /// Number.
    pub port: u16,
    /// `tcp` or `udp`.
    pub transport: String,
    /// The protocol spoken, where it is known.
    #[serde(default)]
    pub protocol: Option<String>,
    /// The address that it is bound to; absent for every address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// What it is for.
    #[serde(default)]
    pub role: PortRole,
    /// The facts it rests on, the surest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub because: Vec<Fact>,
}

/// What a port is for.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum PortRole {
    /// What the application is there for.
    #[default]
    Service,
    /// Ends or steers it: shutdown, management, AJP.
    Control,
    /// Tells others how it fares.
    Probe,
    /// A debugger attaches to it.
    Debug,
}

impl Port {
    /// Whether only processes of the same network namespace reach it (RFC 6890, 2.2.2: 127.0.0.0/8;
    /// RFC 4291, 2.5.3: `::1`).
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        self.address.as_deref().is_some_and(|address| {
            let bare = address.trim_start_matches('[').trim_end_matches(']');
            let parsed = bare.parse::<std::net::IpAddr>();
            bare == "localhost" || parsed.is_ok_and(|address| address.is_loopback())
        })
    }
}

/// An environment variable.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct EnvVar {
    /// Name.
    pub name: String,
    /// Value; absent when it may be a secret and must be given.
    #[serde(default)]
    pub value: Option<String>,
}

/// A command that starts a process of the application.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Start {
    /// The unit, script or table entry it was read from.
    pub name: String,
    /// Who starts it today.
    pub how: StartKind,
    /// Program and arguments.
    pub command: Vec<String>,
    /// The start that starts it in turn: that of the process manager in whose table it stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// The mask of the rights of what it makes, in octal digits (umask(2)), where it is named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub umask: Option<String>,
    /// What its starter runs before it, and by the same right: program and arguments of each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub before: Vec<Vec<String>>,
    /// What its starter runs before it as another user, mostly root: a container's start cannot.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub before_as_other: Vec<Vec<String>>,
    /// The user, where it is named.
    #[serde(default)]
    pub user: Option<String>,
    /// The working directory, where it is named.
    #[serde(default)]
    pub directory: Option<AppPath>,
    /// The environment that its starter gives it, beside what [`Plan::env`] gives to all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub env: Vec<EnvVar>,
    /// Whether it goes into the background by itself.
    #[serde(default)]
    pub forks: Option<bool>,
    /// Whether its program is a script of the shell, which passes no signal on to what it starts.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub shell: bool,
    /// How many of it run side by side, where that is more than one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u32>,
    /// The user's id, where the root's user database has it.
    #[serde(default)]
    pub uid: Option<u32>,
    /// The group's id: that of the group that is named, else the user's own.
    #[serde(default)]
    pub gid: Option<u32>,
    /// The ids of the groups that it has besides.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<u32>,
    /// The user's home directory, where the root's user database has it.
    #[serde(default)]
    pub home: Option<AppPath>,
    /// The command that keeps it in the foreground, without a service manager to report to; empty
    /// where the options for that are not known.
    #[serde(default)]
    pub foreground: Vec<String>,
    /// The init script that starts it, where only a run of that tells its words: called with `start`, as root, it
    /// makes them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub starter: Option<AppPath>,
    /// The signal that ends it, where something declares one.
    #[serde(default)]
    pub stop_signal: Option<String>,
    /// Seconds that it may take to end, where something declares them.
    #[serde(default)]
    pub stop_seconds: Option<u32>,
    /// What it may end with besides 0 without having failed: exit codes and names of signals
    /// (systemd.service(5), `SuccessExitStatus=`).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub clean_exits: Vec<String>,
    /// Whether the old host starts it by itself; absent where that is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// Why nothing of the application would run by it; absent where it starts something.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<StartProblem>,
}

/// Why a start starts nothing.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum StartProblem {
    /// The program, or the script that an interpreter is to run, is not in the tree.
    Absent,
    /// It is a command that does nothing, such as true(1).
    Nothing,
    /// A word of it stands for something that is not known.
    Unresolved,
}

impl Start {
    /// Whether something of the application runs by it: by its command, or by the script that makes that.
    #[must_use]
    pub fn is_made(&self) -> bool {
        self.problem.is_none() || self.starter.is_some()
    }

    /// Whether it is a service, and no job that comes and goes.
    #[must_use]
    pub fn is_service(&self) -> bool {
        !matches!(
            self.how,
            StartKind::Cron | StartKind::Timer | StartKind::Script
        )
    }
}

impl Plan {
    /// The variables that every process is given.
    #[must_use]
    pub fn shared_env(&self) -> Vec<EnvVar> {
        let owned = || self.start.iter().flat_map(|start| &start.env);
        let is_shared = |variable: &&EnvVar| !owned().any(|own| own.name == variable.name);
        self.env.iter().filter(is_shared).cloned().collect()
    }

    /// Why nothing would run, where services are declared and none of them starts anything.
    #[must_use]
    pub fn starts_nothing(&self) -> Option<String> {
        let services = || self.start.iter().filter(|start| start.is_service());
        let first = services().next()?;
        if services().any(Start::is_made) {
            return None;
        }
        let command = first.command.join(" ");
        let why = match first.problem? {
            StartProblem::Absent => "its program is not there",
            StartProblem::Nothing => "it does nothing",
            StartProblem::Unresolved => "a word of it is not known",
        };
        Some(format!("{} starts {command}, but {why}", first.name))
    }
}

/// Something the kernel must give.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct KernelNeed {
    /// What kind of thing.
    pub need: Need,
    /// Its name.
    pub name: String,
    /// Whether the evidence is strong.
    pub certainty: Certainty,
    /// The value it is set to, where something sets it.
    #[serde(default)]
    pub value: Option<String>,
    /// The starts that ask for it, by name; empty when it is not known which.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub serves: Vec<String>,
    /// The strongest fact it rests on.
    #[serde(default)]
    pub because: Vec<Fact>,
}
