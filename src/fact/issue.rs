//! What could not be read, or was read in part.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Locus;

/// A thing that could not be read, or was read in part: it narrows what the report can claim.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Issue {
    /// Where.
    pub at: Locus,
    /// What went wrong.
    pub kind: IssueKind,
    /// In words: what happened, and where it helps what to do.
    pub message: String,
}

/// What went wrong with an input.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum IssueKind {
    /// Permission was denied, or the medium failed.
    Unreadable,
    /// It is neither file, directory nor link: not opened.
    SpecialFile,
    /// A link that loops, dangles or asks for more than 40 hops.
    BadLink,
    /// Larger than what is read of one file; the rest was not looked at.
    TooLarge,
    /// Deeper or longer than a path can be.
    TooDeep,
    /// It changed while it was read.
    Changed,
    /// Another filesystem: not entered.
    OtherFilesystem,
    /// A pseudo or network filesystem: not entered.
    PseudoFilesystem,
    /// Its form was not understood.
    Malformed,
    /// A form that nothing here reads.
    NotUnderstood,
    /// A limit on work was reached.
    LimitReached,
    /// It was named but is not there.
    Absent,
    /// A fault of this program; the rest of the run is not touched by it.
    Internal,
}
