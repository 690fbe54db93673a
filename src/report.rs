//! The report: the one value that every format, manifest and comparison is a view of.
//!
//! Types only; the JSON form of [`Report`] is the contract with other programs. It equals itself
//! after JSON and back, has no clock in it and never holds a secret's value.

mod bases;
mod custody;
mod libraries;
mod plan;
mod sound;
mod survey;
mod trace;

pub use bases::{BaseAdvice, BaseVerdict, Floor, Lack, LackKind, Remedy};
pub use custody::{
    Attested, Custody, CustodyLayer, CustodyProblem, CustodyVerdict, Handover, ImageSignature,
    ProblemKind,
};
pub use libraries::{
    Library, Module, Owner, PackageEntry, PackageKind, Shadow, SystemProgram, is_build,
};
pub use plan::{
    EnvVar, HostName, KernelNeed, LeftBehind, Mount, MountKind, Plan, Port, PortRole, Scratch,
    Start, StartProblem, User,
};
pub use sound::ReportFault;
pub use survey::{Application, Starter, Survey};
pub use trace::{TraceForm, TraceLog, TraceRow, TraceUse, TraceView};

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::fact::{Access, Certainty, Class, Fact, Issue, Kind, name_of};
use crate::path::AppPath;

/// The number of the JSON contract.
pub const SCHEMA: u32 = 1;

/// A readiness report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Report {
    /// Number of the contract, [`SCHEMA`].
    pub schema: u32,
    /// The program that made it.
    pub tool: Tool,
    /// What was audited.
    pub target: Target,
    /// The answer in one word, and why.
    pub verdict: Verdict,
    /// A grade for each dimension, in the order of the grading table.
    pub dimensions: Vec<DimensionGrade>,
    /// The rules that fired, worst first.
    pub findings: Vec<Finding>,
    /// The text of every rule that fired, by id.
    pub rules: BTreeMap<String, RuleText>,
    /// The libraries of the application, in order of name.
    pub libraries: Vec<Library>,
    /// What its programs open by name once they run: the loader's list does not show it.
    #[serde(default)]
    pub modules: Vec<Module>,
    /// The programs of the system that it is run by or runs, in order of path.
    #[serde(default)]
    pub programs: Vec<SystemProgram>,
    /// The packages that its files, libraries and modules are from, in order of name.
    #[serde(default)]
    pub packages: Vec<PackageEntry>,
    /// The newest symbol version of each family that the application needs of the system.
    #[serde(default)]
    pub floors: Vec<Floor>,
    /// What it would take to start the application on each base image, the best first.
    #[serde(default)]
    pub bases: Vec<BaseAdvice>,
    /// Every path in reach, with its class.
    pub paths: Vec<PathEntry>,
    /// How to run it.
    pub plan: Plan,
    /// What a trace says; absent without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace: Option<TraceView>,
    /// The custody of the image that it was bound to; absent in an audit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub custody: Option<Custody>,
    /// What was read, and what was not.
    pub coverage: Coverage,
}

/// The program that made a report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Tool {
    /// `seaworthy`.
    pub name: String,
    /// Its version.
    pub version: String,
}

/// What was audited.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Target {
    /// The application's directories and files, as named or as the scope gave them.
    pub scope: Vec<AppPath>,
    /// The packages named.
    #[serde(default)]
    pub packages: Vec<String>,
    /// The units named.
    #[serde(default)]
    pub units: Vec<String>,
    /// The distribution, from os-release(5), where there is one.
    #[serde(default)]
    pub system: Option<String>,
}

/// The answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Verdict {
    /// The answer in one word.
    pub answer: Answer,
    /// Why, in a sentence.
    pub reason: String,
}

/// The answer in one word; it follows from the grades and the blocking findings alone.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// Every dimension is easy.
    Floats,
    /// The worst dimension is moderate, or a few could not be graded.
    FloatsWithWork,
    /// A dimension is difficult, or a finding blocks.
    DoesNotFloatYet,
    /// Too little was seen to say.
    NotJudged,
}

/// A row of the grading table.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Dimension {
    /// Isolation of the code.
    Code,
    /// Where settings are kept.
    Configuration,
    /// Where state is kept.
    Data,
    /// Where keys and passwords come from.
    Secrets,
    /// What is spoken to others.
    Network,
    /// How it came onto the host.
    Installation,
    /// What its licence allows.
    Licensing,
    /// Whether its libraries resolve.
    Libraries,
    /// What it needs of the kernel.
    Kernel,
}

impl Dimension {
    /// All, in the order of the grading table.
    pub const ALL: [Self; 9] = [
        Self::Code,
        Self::Configuration,
        Self::Data,
        Self::Secrets,
        Self::Network,
        Self::Installation,
        Self::Licensing,
        Self::Libraries,
        Self::Kernel,
    ];
}

/// How hard the move is.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Grade {
    /// Nothing to do beyond the usual.
    Easy,
    /// Some work.
    Moderate,
    /// Hard.
    Difficult,
    /// Too little was seen to say.
    Unknown,
}

/// The grade of one dimension.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DimensionGrade {
    /// The dimension.
    pub dimension: Dimension,
    /// Its grade.
    pub grade: Grade,
    /// The cell of the grading table, or why there is no grade.
    pub reason: String,
    /// The paths that caused it.
    pub paths: Vec<AppPath>,
    /// The smallest change that would improve it; absent when there is nothing to improve.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub improve: Option<String>,
}

/// How much a finding matters.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// The application will not start or will lose data as it is.
    Blocker,
    /// It may fail, or needs a decision.
    Risk,
    /// Worth knowing.
    Note,
}

/// How firm a finding is, and what was decided about it.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// The evidence is strong.
    Certain,
    /// The evidence is weak: it does not block.
    Suspected,
}

/// A rule that fired.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Finding {
    /// The rule's id.
    pub rule: String,
    /// The dimension it counts for.
    pub dimension: Dimension,
    /// How much it matters.
    pub severity: Severity,
    /// How firm it is.
    pub status: Status,
    /// The cell of the grading table that it decides, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grade: Option<Grade>,
    /// What is the matter, in a sentence.
    pub message: String,
    /// The facts it rests on.
    pub because: Vec<Fact>,
    /// How many more facts there are than `because` holds.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub more: u64,
    /// What to do.
    pub fix: String,
    /// Stable over runs: rule, file and identifying value, never a line.
    pub fingerprint: String,
}

fn is_zero(n: &u64) -> bool {
    *n == 0
}

/// The text of a rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RuleText {
    /// What it finds.
    pub title: String,
    /// Why it matters.
    pub why: String,
}

/// A path in reach.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PathEntry {
    /// The path; components may hold patterns.
    pub path: AppPath,
    /// What it is for.
    pub class: Class,
    /// Whether it is written.
    pub access: Access,
    /// How that is known.
    pub certainty: Certainty,
    /// The mount that the plan needs for it; absent when it belongs into the image, or when the
    /// evidence is too weak for one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mount: Option<AppPath>,
    /// What is there on disk; absent when nothing is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_disk: Option<OnDisk>,
    /// The facts that decided it.
    pub because: Vec<Fact>,
    /// How many more facts there are than `because` holds.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub more: u64,
}

/// What is on disk at a path.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct OnDisk {
    /// Kind of entry.
    pub kind: Kind,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Permission bits in octal (`0750`).
    pub mode: String,
    /// Bytes in it and in everything below it that was seen.
    pub size_bytes: u64,
    /// Regular files in it and below it that were seen.
    pub files: u64,
    /// Programs, libraries and other code among these.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub code: u64,
}

/// What was read, and what was not.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Coverage {
    /// Entries found in the scope and its reach.
    pub entries: u64,
    /// Files whose content was read.
    pub read: u64,
    /// Files whose content could not be read.
    pub unread: u64,
    /// Bytes in files of the scope.
    pub bytes: u64,
    /// Files that could not be read and that decide something.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gaps: Vec<Gap>,
    /// How many issues there are of each kind; the list below may be shorter.
    pub counts: BTreeMap<String, u64>,
    /// The issues, the first of each kind.
    pub issues: Vec<Issue>,
}

/// A file that could not be read or understood and that decides something.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Gap {
    /// The file.
    pub path: AppPath,
    /// What it is.
    pub kind: GapKind,
}

/// What a file is that could not be read or understood.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum GapKind {
    /// A unit, an init script, a table of jobs, or a program that one of them starts.
    Start,
    /// Settings, or a key.
    Settings,
    /// An archive that was named as the application.
    Archive,
    /// A path that was named as the application and is not there.
    Absent,
    /// A program that is started and that nothing here reads.
    Program,
}

impl Coverage {
    /// How many issues of each kind the list holds; all are counted.
    const LISTED: u64 = 50;

    /// Counts issues and lists the first of each kind.
    pub fn add(&mut self, issues: impl IntoIterator<Item = Issue>) {
        for issue in issues {
            let count = self.counts.entry(name_of(issue.kind)).or_default();
            *count += 1;
            if *count <= Self::LISTED {
                self.issues.push(issue);
            }
        }
        self.issues.sort();
    }
}
