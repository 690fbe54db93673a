//! Libraries and modules: what the loader brings in when a program starts, and what the program
//! opens by name later.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::fact::{Certainty, LibraryStatus, Locus, ModuleKind, Priority};
use crate::path::AppPath;

/// A library of the application.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Library {
    /// The name by which it is needed.
    pub name: String,
    /// What became of it.
    pub status: LibraryStatus,
    /// The path by which the loader opens it.
    #[serde(default)]
    pub path: Option<AppPath>,
    /// The file behind that path.
    #[serde(default)]
    pub real_path: Option<AppPath>,
    /// How it was found, or why not.
    pub how: String,
    /// The files that need it (the first few).
    pub needed_by: Vec<AppPath>,
    /// How many more files need it than `needed_by` holds.
    #[serde(default, skip_serializing_if = "super::is_zero")]
    pub needed_by_more: u64,
    /// The package that owns it.
    #[serde(default)]
    pub package: Option<String>,
    /// Who answers for it.
    pub owner: Owner,
    /// The system's library of the same name in whose place this one is loaded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shadows: Option<Shadow>,
}

/// Whether a file is one of several builds of an addon, of which the one that fits is loaded.
#[must_use]
pub fn is_build(file: &AppPath) -> bool {
    file.components().any(|part| part == b"prebuilds")
}

impl Library {
    /// Whether only files below a directory `prebuilds` need it: an addon keeps a build for each
    /// platform there, and loads the one that fits.
    #[must_use]
    pub fn is_of_other_builds(&self) -> bool {
        self.status == LibraryStatus::Missing
            && !self.needed_by.is_empty()
            && self.needed_by.iter().all(is_build)
    }
}

/// A library, plugin or module that a program opens by name once it runs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Module {
    /// What opens it, and for what.
    pub kind: ModuleKind,
    /// The name by which it is opened; of several of which any will do, the one that was found,
    /// or else the preferred one.
    pub name: String,
    /// The other names that will do, the preferred one first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub or: Vec<String>,
    /// How much it matters.
    pub priority: Priority,
    /// What became of it.
    pub status: LibraryStatus,
    /// The path by which it is opened; of one inside an archive, the archive.
    #[serde(default)]
    pub path: Option<AppPath>,
    /// The file behind that path.
    #[serde(default)]
    pub real_path: Option<AppPath>,
    /// How it was found, or why not.
    pub how: String,
    /// Libraries that it needs and that are not found.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lacks: Vec<String>,
    /// Where its name stands: a line of `nsswitch.conf`, of a PAM file, of `openssl.cnf`, or the
    /// file whose code or note has it.
    pub at: Locus,
    /// The files that open it (the first few).
    pub opened_by: Vec<AppPath>,
    /// How many more files open it than `opened_by` holds.
    #[serde(default, skip_serializing_if = "super::is_zero")]
    pub opened_by_more: u64,
    /// The package that owns it.
    #[serde(default)]
    pub package: Option<String>,
    /// Who answers for it.
    pub owner: Owner,
    /// How it is known that it is opened.
    pub certainty: Certainty,
}

/// A program of the system that the application is run by or runs: an interpreter, what a unit
/// starts, or a command of a script.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct SystemProgram {
    /// The name by which it is run.
    pub name: String,
    /// The path by which it is run.
    pub path: AppPath,
    /// The file behind that path.
    pub real_path: AppPath,
    /// The package that owns it.
    #[serde(default)]
    pub package: Option<String>,
    /// Who answers for it.
    pub owner: Owner,
    /// The files that name it (the first few).
    pub needed_by: Vec<AppPath>,
    /// How many more files name it than `needed_by` holds.
    #[serde(default, skip_serializing_if = "super::is_zero")]
    pub needed_by_more: u64,
}

/// A bundled library that is loaded in place of the system's.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Shadow {
    /// The system's file.
    pub system: AppPath,
    /// The system's version, where it can be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system_version: Option<String>,
    /// The bundled version, where it can be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bundled_version: Option<String>,
}

/// An installed package that files of the application, or libraries and modules that it opens, are
/// from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct PackageEntry {
    /// Name, without architecture.
    pub name: String,
    /// Version, as its manager writes it.
    pub version: String,
    /// Architecture, in the words of its manager.
    pub architecture: String,
    /// Whose form it has.
    pub kind: PackageKind,
    /// Who answers for it: the application's developers where a program of it is from it; else, of
    /// those who answer for what is loaded from it, whoever is nearest to the application.
    pub owner: Owner,
    /// The source package that it was built from, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// Its licences, where they are known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub licence: Option<String>,
    /// Its package URL (<https://github.com/package-url/purl-spec>); absent where the root does not
    /// say whose distribution it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purl: Option<String>,
}

/// The form of a package.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum PackageKind {
    /// dpkg's: Debian, Ubuntu.
    Deb,
    /// rpm's: Red Hat, SUSE, Fedora.
    Rpm,
    /// apk's: Alpine.
    Apk,
}

/// Who answers for a file in the image.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Owner {
    /// Operations: the base image.
    Core,
    /// Middleware specialists: runtimes and shared components.
    Middleware,
    /// Developers: the application itself.
    Application,
}
