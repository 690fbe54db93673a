//! Facts: one observation each, with the place where it was made and how sure it is.
//!
//! Types only. Everything here is ordered and serialisable; a report is made of these.

mod disk;
mod given;
mod issue;
mod term;
mod words;

pub use disk::{Kind, Stat};
pub use given::Given;
pub use issue::{Issue, IssueKind};
pub use term::{
    LibraryStatus, LicenceKind, ModuleKind, Need, Ownership, Priority, ProgramForm, StartKind,
};
pub use words::{meant, name_of};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::path::AppPath;

/// Where an observation was made.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Locus {
    /// The file, or directory, that was looked at.
    pub file: AppPath,
    /// The member of it, where it is an archive: `org/example/Main.class`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub member: Option<String>,
    /// The place in the file, or in the source that a class was made of; absent when the whole file, or its metadata, is meant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
}

impl Locus {
    /// The whole of `file`.
    #[must_use]
    pub fn file(file: &AppPath) -> Self {
        Self {
            file: file.clone(),
            member: None,
            line: None,
        }
    }

    /// A line of `file`, counted from 1.
    #[must_use]
    pub fn line(file: &AppPath, line: u32) -> Self {
        Self {
            file: file.clone(),
            member: None,
            line: Some(line),
        }
    }

    /// The same in a member of an archive.
    #[must_use]
    pub fn in_member(self, member: &str) -> Self {
        Self {
            member: Some(member.to_owned()),
            ..self
        }
    }

    /// The place within the file, as it is shown behind the file's path: `:12`, `!/a/B.class:12`, or
    /// nothing.
    #[must_use]
    pub fn within(&self) -> String {
        let member = self.member.as_ref().map(|member| format!("!/{member}"));
        let line = self.line.map(|line| format!(":{line}"));
        member.unwrap_or_default() + &line.unwrap_or_default()
    }
}

/// How a thing is known, from the weakest to the strongest.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Certainty {
    /// A literal, or a name, together with the filesystem hierarchy standard.
    Guessed,
    /// From machine code, a parsed script or a configuration value.
    Inferred,
    /// It is there on disk, or a trace shows it.
    Observed,
    /// A unit, tmpfiles.d, package metadata or a documented directive says so.
    Declared,
}

/// What a path is for.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Class {
    /// Programs, libraries and static content: belongs into the image.
    Code,
    /// Settings that an administrator chooses.
    Config,
    /// State that must survive a new container.
    Data,
    /// Keys, certificates' private parts, passwords.
    Secret,
    /// Logs.
    Log,
    /// Can be lost and is made again.
    Cache,
    /// Sockets, PID and lock files of a running process.
    Runtime,
    /// Scratch space.
    Temp,
}

/// Whether a mounted path is only read.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Access {
    /// Read only.
    Ro,
    /// Read and written.
    Rw,
}

/// What is done, or may be done, to a path.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Touch {
    /// It is named; what is done with it does not show.
    Names,
    /// It is started as a program.
    Runs,
    /// It is read.
    Reads,
    /// It is removed.
    Removes,
    /// Its owner or mode is set, so that somebody may write it.
    Grants,
    /// It is made where it did not exist.
    Creates,
    /// Its content is written.
    Writes,
}

impl Touch {
    /// Whether this needs a writable mount.
    #[must_use]
    pub fn is_write(self) -> bool {
        matches!(self, Self::Grants | Self::Creates | Self::Writes)
    }
}

/// The kind of source that an observation comes from.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// A string in a binary.
    Literal,
    /// Machine code that passes the value to a library call.
    Code,
    /// A configuration file.
    Config,
    /// A script of the application.
    Script,
    /// A SysV init script, or what it sources.
    Init,
    /// An installation script of a package.
    Maintainer,
    /// A command line in a unit, init script or cron entry.
    Argument,
    /// An environment variable that is set for the program.
    Environment,
    /// A cron table.
    Cron,
    /// logrotate's configuration.
    Logrotate,
    /// sysusers.d(5), or the user database.
    Account,
    /// tmpfiles.d(5).
    Tmpfiles,
    /// A systemd unit.
    Unit,
    /// A package's list of files.
    Package,
    /// A package's list of configuration files.
    Conffile,
    /// The tree itself: owner, mode, time, content.
    Tree,
    /// A system-call trace or audit log.
    Trace,
}

/// One observation.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Fact {
    /// Where.
    pub at: Locus,
    /// What was observed.
    #[serde(flatten)]
    pub what: What,
    /// How it is known.
    pub certainty: Certainty,
}

/// What [`What::Holds`] says of an entry, or of settings, that bear the name of their host.
pub const NAMED_AFTER_HOST: &str = "named-after-host";

/// The key of a [`What::Directive`] that says what runs the program of the start at the same place.
pub const RUN_BY: &str = "RunBy";

/// The directive that stands for what a file is: the table of a process manager, which is its value.
pub const MANAGED_BY: &str = "ManagedBy";

/// The directive that says of such a table which start of the system's own starts its manager.
pub const STARTED_BY: &str = "StartedBy";

/// The call by which a script puts a file in the place of one whose name is not known (rename(2)).
pub const RENAMES: &str = "rename";
/// The key of a [`What::Directive`] at the page by which a web server enters the application.
pub const SERVED_PAGES: &str = "ServedPages";

/// What was observed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(
    tag = "fact",
    rename_all = "kebab-case",
    rename_all_fields = "snake_case"
)]
pub enum What {
    /// A path that the application names, reads or writes.
    Path {
        /// The path; components may hold patterns.
        path: AppPath,
        /// What is done to it.
        touch: Touch,
        /// The kind of source.
        source: Source,
        /// The key, option, command or call that names it (`StateDirectory`, `mkdir`, `DataDir`).
        by: String,
        /// Directory or file, where the source says so.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        kind: Option<Kind>,
        /// What it is for, where the source says so.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        class: Option<Class>,
    },
    /// A setting whose value may be a path that is relative to a base not yet known.
    Setting {
        /// The key, with its sections joined by dots, lower case.
        key: String,
        /// The value as written, without quotes.
        value: String,
    },
    /// A program file.
    Program {
        /// Its form.
        form: ProgramForm,
        /// `PT_INTERP`, or the interpreter of a script as its first line names it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        interpreter: Option<String>,
        /// ELF machine (`x86-64`, `i386`, `aarch64`, …).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        machine: Option<String>,
        /// What is worth saying of it, sorted: `static`, `setuid`, `setgid`, `exec-stack`,
        /// `core-file`, `kernel-module`, `self-extracting`, …
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        traits: Vec<String>,
    },
    /// A library that a file needs, as the loader would find it.
    Library {
        /// The name in `DT_NEEDED`, or passed to `dlopen`.
        name: String,
        /// What became of it.
        status: LibraryStatus,
        /// The path by which the loader opens it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        path: Option<AppPath>,
        /// How it was found, or why it was not, in a few words.
        how: String,
    },
    /// A library, plugin or module that is opened by name while a program runs.
    Module {
        /// What opens it.
        kind: ModuleKind,
        /// The name by which it is opened.
        name: String,
        /// How much it matters.
        priority: Priority,
        /// What became of it.
        status: LibraryStatus,
        /// The path by which it is opened.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        path: Option<AppPath>,
        /// How it was found, or why it was not, in a few words.
        how: String,
    },
    /// A script, or the settings of an interpreter, asks for a module by name.
    Asks {
        /// The language.
        kind: ModuleKind,
        /// The name as the language spells it (`psycopg2`, `DBD::mysql`, `pdo_mysql`).
        name: String,
    },
    /// A search path inside a binary (`DT_RPATH`, `DT_RUNPATH`) or a wrapper.
    SearchPath {
        /// `rpath`, `runpath` or `ld-library-path`.
        tag: String,
        /// The elements as written, joined by `:`.
        value: String,
    },
    /// A library call that says something about what the program needs.
    Imports {
        /// The symbol.
        symbol: String,
    },
    /// An address on which something listens.
    Listens {
        /// `tcp`, `udp`, `unix`, `netlink`, `raw`, …
        transport: String,
        /// Port; absent for Unix sockets and where it is not known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        port: Option<u16>,
        /// The address or path it is bound to; empty for every address.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        address: String,
        /// The protocol spoken, where it is known (`http`, `https`, `smtp`, …).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        protocol: Option<String>,
    },
    /// Another host, or a local service, that is talked to.
    Talks {
        /// `db`, `ldap`, `smtp`, `syslog`, `dbus`, `nfs`, `host`, …
        service: String,
        /// Host, address or socket; never with credentials.
        to: String,
    },
    /// The user that a process runs as.
    RunsAs {
        /// User name or number.
        user: String,
        /// Group name or number, where one is named.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        group: Option<String>,
    },
    /// An account of the user database that belongs to the application.
    Account {
        /// Login name.
        name: String,
        /// User id; absent when the system chooses it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        uid: Option<u32>,
        /// Primary group id; absent when the system chooses it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        gid: Option<u32>,
        /// Home directory.
        home: AppPath,
    },
    /// Something starts a program.
    Starts {
        /// The program.
        program: AppPath,
        /// Its arguments.
        args: Vec<String>,
        /// Who starts it.
        how: StartKind,
        /// The unit, script or table entry, by name.
        name: String,
        /// Whether it goes into the background by itself.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        forks: Option<bool>,
        /// What its starter gives this process alone.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        given: Option<Box<Given>>,
    },
    /// A program that something starts and that is not in the tree.
    Absent {
        /// The program, or the script that an interpreter is to run.
        path: AppPath,
        /// The unit, script or table entry that starts it.
        by: String,
    },
    /// An environment variable that is set for the program.
    Env {
        /// Name.
        name: String,
        /// Value; withheld when it may be a secret.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        value: Option<String>,
    },
    /// A script calls a command that matters for a migration.
    Calls {
        /// The command (`systemctl`, `openssl`, `apt-get`, …).
        command: String,
        /// Its first arguments, shortened; secrets withheld.
        args: String,
    },
    /// Something that the kernel or the host must give.
    Needs {
        /// What kind of thing.
        need: Need,
        /// Its name: a capability, sysctl key, limit, device, module.
        name: String,
    },
    /// A package that owns part of the application.
    Package {
        /// `dpkg`, `rpm` or `apk`.
        manager: String,
        /// Name.
        name: String,
        /// Version.
        version: String,
        /// The licence field, where the database has one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        licence: Option<String>,
    },
    /// What the package database says about a file.
    Ownership {
        /// The file.
        path: AppPath,
        /// Its state.
        state: Ownership,
        /// The package, where one owns it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        package: Option<String>,
    },
    /// A licence file, agreement or lock.
    Licence {
        /// `open`, `proprietary` or `restrictive`.
        kind: LicenceKind,
        /// What was recognised (an SPDX name, `EULA`, `node-locked licence file`, …).
        name: String,
    },
    /// A key, password or token. Its value is never kept.
    Secret {
        /// `private-key`, `keystore`, `password`, `token`, `keytab`, …
        kind: String,
        /// The key or variable that holds it, where it is inside a file.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        key: Option<String>,
    },
    /// A file, directory or special node that testifies by its content, owner, mode or time.
    Holds {
        /// What it is: `sqlite`, `bdb`, `log`, `pid-file`, `socket`, `world-writable`,
        /// `owned-by-service`, `newer-than-install`, `empty-directory`, …
        content: String,
        /// What it is for.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        class: Option<Class>,
    },
    /// Who is to own a path, and with which mode, as something declares it.
    Owned {
        /// The path; components may hold patterns.
        path: AppPath,
        /// User name or number.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        user: Option<String>,
        /// Group name or number.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        group: Option<String>,
        /// Permission bits in octal (`0750`).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        mode: Option<String>,
    },
    /// A directive that says how a process is run, limited or ended, which a container runtime
    /// must be told in its own way.
    Directive {
        /// The key as its manual spells it (`KillSignal`, `Restart`, `OnCalendar`).
        key: String,
        /// The value as written; never a secret.
        value: String,
    },
}
