//! What runs on a system: its applications, each with how it is started and how to audit it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::fact::StartKind;
use crate::path::AppPath;

/// An application of a system.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Application {
    /// What it is called: a package, a unit, or the directory that it lives in.
    pub name: String,
    /// The arguments of `scan` that audit it.
    pub scope: Vec<String>,
    /// What starts it; empty where nothing is known to.
    pub starts: Vec<Starter>,
    /// TCP and UDP ports that its starter, its site or its socket names, each once.
    pub ports: Vec<u16>,
    /// The users that it is started as; root where nothing is said of them.
    pub users: Vec<String>,
    /// Bytes of its files; absent where there are too many to count.
    pub bytes: Option<u64>,
    /// The package that it is from; absent where no package has it.
    pub package: Option<String>,
    /// The directories that it lives in.
    pub trees: Vec<AppPath>,
    /// The web server's settings that serve it, where one does.
    pub served_by: Vec<AppPath>,
}

/// What starts an application.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Starter {
    /// The unit, script or table.
    pub name: String,
    /// What kind of starter it is.
    pub how: StartKind,
    /// Where it says so.
    pub file: AppPath,
    /// Whether the system starts it by itself, as far as that is known.
    pub enabled: bool,
}

/// The applications of a system, in order of name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Survey {
    /// The system's own name of itself, where it has one.
    pub system: Option<String>,
    /// The applications.
    pub applications: Vec<Application>,
}
