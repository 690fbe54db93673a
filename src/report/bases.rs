//! The part of the report on base images: what the application needs of the system, and which
//! images have it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::path::AppPath;

/// The newest symbol version of one family that a closure of libraries needs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Floor {
    /// The version, as in the file: `GLIBC_2.34`.
    pub version: String,
    /// The library that must define it.
    pub library: String,
    /// The file that needs it, the first of several.
    pub file: AppPath,
    /// The symbol for which it does, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub symbol: Option<String>,
}

/// What it would take to start the application on a base image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BaseAdvice {
    /// The base's short name in the table: `debian-12`.
    pub base: String,
    /// Its full name.
    pub name: String,
    /// What stands behind `FROM`.
    pub image: String,
    /// The answer.
    pub verdict: BaseVerdict,
    /// Its C library and the version: `glibc 2.36`.
    pub libc: String,
    /// The oldest processor it runs on: `x86-64`, `x86-64-v2`, …
    pub isa: String,
    /// The last day of its support, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_of_support: Option<String>,
    /// Whether support had ended when the table was written.
    #[serde(default)]
    pub ended: bool,
    /// Size of the unpacked image in megabytes, about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size_mb: Option<u32>,
    /// What the application needs and the image does not have.
    pub lacks: Vec<Lack>,
    /// Symbol versions that could not be compared, because the table does not have them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unchecked: Vec<String>,
    /// What the facts on this base were taken from.
    pub source: String,
}

/// Whether the application starts on a base, the best answer first.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum BaseVerdict {
    /// As it is.
    Starts,
    /// With packages of the base's own repositories.
    WithPackages,
    /// With files from the old host, or a change to a file.
    WithChanges,
    /// The sources on this base do not say.
    Unknown,
    /// It does not, and nothing known would help.
    Fails,
}

/// Something the application needs and a base image does not have.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Lack {
    /// What kind of thing.
    pub kind: LackKind,
    /// The library, symbol version, processor level, interpreter or file.
    pub need: String,
    /// The file that needs it, the first of several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<AppPath>,
    /// The symbol for which it does, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub symbol: Option<String>,
    /// What helps.
    pub remedy: Remedy,
    /// What its user should know, in a sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// The kinds of things a base may lack.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum LackKind {
    /// It has another C library, or none.
    Libc,
    /// It has no programs of that machine, 32-bit ones for instance.
    Machine,
    /// A library is too old: the symbol version is not in it.
    Version,
    /// A library is not there.
    Library,
    /// Its C library does not give a loaded library an executable stack.
    ExecutableStack,
    /// An interpreter is not there, or not in that version.
    Interpreter,
}

/// What helps against a lack.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", tag = "do")]
pub enum Remedy {
    /// A package of the base's repositories.
    Install {
        /// Its name.
        package: String,
    },
    /// The file of the old host.
    Copy {
        /// Where it is there.
        from: AppPath,
    },
    /// A change to a file or a setting.
    Change {
        /// What to do, in a few words.
        how: String,
    },
    /// The sources do not say whether the base offers it.
    Unknown,
    /// Nothing known.
    None,
}
