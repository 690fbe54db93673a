//! The terms in which facts say what kind something is, or what became of it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The form of a program file.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum ProgramForm {
    /// ELF executable.
    Elf,
    /// ELF shared library.
    SharedLibrary,
    /// Other ELF: relocatable, core.
    OtherElf,
    /// A script with an interpreter line.
    Script,
    /// A Java archive.
    Jar,
}

/// What became of a needed library.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum LibraryStatus {
    /// The loader finds it.
    Resolved,
    /// It is nowhere.
    Missing,
    /// A file of that name is in the tree, where the loader does not look.
    Unreachable,
    /// `ld.so.conf` names its directory, but the cache does not have it.
    NotCached,
    /// The cache names a file that is gone.
    StaleCache,
    /// The loader stops at an unfit file of that name.
    Aborts,
    /// It could not be read.
    Unreadable,
    /// A plugin's host is expected to have loaded it.
    ByHost,
    /// It depends on the environment: the working directory, a variable, the processor.
    ByEnvironment,
    /// It lies inside an archive, which was not looked into.
    Packed,
    /// What opens it has it built in.
    BuiltIn,
}

/// What opens a module by name while a program runs.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum ModuleKind {
    /// dlopen(3), as a note in the file says (systemd.io/ELF_DLOPEN_METADATA).
    DlopenNote,
    /// dlopen(3), as a string of the file that has the form of a library's name suggests.
    DlopenName,
    /// A service of nsswitch.conf(5), opened by the C library.
    NameService,
    /// A module of pam.d(5), opened by libpam.
    Pam,
    /// Converters of character sets, opened by iconv(3).
    Converter,
    /// A provider of OpenSSL (config(5ssl)).
    OpensslProvider,
    /// An engine of OpenSSL (config(5ssl)).
    OpensslEngine,
    /// The Java virtual machine, opened by its launcher.
    Jvm,
    /// A library for Java's native interface.
    Jni,
    /// An extension module of Python.
    Python,
    /// An extension module of Perl.
    Perl,
    /// An extension of Ruby.
    Ruby,
    /// An extension of PHP.
    Php,
    /// An addon of Node.js.
    Node,
    /// A module of Lua.
    Lua,
    /// A package of Tcl.
    Tcl,
}

/// How much a module matters (systemd.io/ELF_DLOPEN_METADATA).
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Priority {
    /// The program does not work without it.
    Required,
    /// A feature that most installations want.
    Recommended,
    /// A feature that few use, or nobody says.
    Suggested,
}

/// Who starts a program.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum StartKind {
    /// A systemd service.
    Unit,
    /// A systemd timer's service.
    Timer,
    /// A SysV init script.
    Init,
    /// A cron table.
    Cron,
    /// A process supervisor's configuration.
    Supervisor,
    /// inetd, xinetd or a systemd socket.
    Socket,
    /// Another script of the application.
    Script,
}

/// What kind of thing is needed from the kernel or the host.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Need {
    /// A capability (capabilities(7)).
    Capability,
    /// A sysctl key.
    Sysctl,
    /// A resource limit.
    Limit,
    /// A device node.
    Device,
    /// A kernel module.
    Module,
    /// Shared memory beyond a container's default.
    SharedMemory,
    /// Full privilege.
    Privileged,
    /// The host's service manager, message bus or package manager.
    HostService,
}

/// What a package database says about a file.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Ownership {
    /// A package owns it and it is as shipped.
    AsShipped,
    /// A package owns it and its content was changed since.
    Changed,
    /// A package lists it and it is gone.
    Gone,
    /// No package owns it.
    Unowned,
}

/// How free the use of a program is.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum LicenceKind {
    /// Open source.
    Open,
    /// Proprietary.
    Proprietary,
    /// Proprietary, and bound to a host, a dongle or a count.
    Restrictive,
}
