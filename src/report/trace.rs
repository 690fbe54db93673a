//! The part of the report on traces: what a log made on the old host says of the paths that the
//! audit found, and of those that it did not.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::is_zero;
use crate::fact::{Access, Touch};
use crate::path::AppPath;

/// What the application was seen to do, beside what was found without a trace.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TraceView {
    /// The logs, in the order in which they were named.
    pub logs: Vec<TraceLog>,
    /// The programs whose deeds count as the application's: its own, and what these started.
    pub programs: Vec<AppPath>,
    /// The other programs in the logs: what they did is not the application's.
    pub others: Vec<AppPath>,
    /// Paths that something on disk names, and that were seen in use.
    pub declared_and_seen: Vec<TraceRow>,
    /// Paths that something on disk names, and that were not seen in use: the traced run may not
    /// have come to it.
    pub declared_never_seen: Vec<TraceRow>,
    /// Paths that were seen in use, and that nothing on disk names.
    pub seen_never_declared: Vec<TraceRow>,
    /// How many rows there are beyond those of the lists, which hold the first of each kind.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub left_out: u64,
    /// How many directories had more names in use than are told apart: these stand as `*`.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub collapsed: u64,
}

/// A log that was read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TraceLog {
    /// The file's name, without its directory.
    pub name: String,
    /// Its form.
    pub form: TraceForm,
    /// Lines.
    pub lines: u64,
    /// Lines that were not understood.
    pub not_understood: u64,
    /// The numbers of the first of these, counted from 1.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub first_not_understood: Vec<u64>,
    /// Processes, threads included.
    pub processes: u64,
    /// Paths relative to a directory that the log does not tell: they are not used.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub unplaced: u64,
    /// Paths that strace cut: they are not used.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub cut: u64,
    /// Processes that were no longer followed, for there were too many at once.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub forgotten: u64,
}

/// The form of a log.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum TraceForm {
    /// Of strace(1).
    Strace,
    /// Of the audit system, raw or interpreted by ausearch(8).
    Audit,
}

/// A path beside what was seen of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TraceRow {
    /// A mount of the plan, or a path that is in none; components may hold patterns.
    pub path: AppPath,
    /// Whether it was seen to be written; of what was not seen, whether the plan lets it be.
    pub access: Access,
    /// What was seen, writing first, then the most frequent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<TraceUse>,
    /// How many more uses there are than `evidence` holds.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub more: u64,
}

/// Something that was seen.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct TraceUse {
    /// The path; components may hold patterns.
    pub path: AppPath,
    /// What was done to it.
    pub touch: Touch,
    /// The system call, with those of its flags that matter.
    pub call: String,
    /// The program; absent when the log does not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub program: Option<AppPath>,
    /// How often.
    pub count: u64,
}
