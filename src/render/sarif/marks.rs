//! What a gate adds to the results: what may stay and why, what was known, what is gone.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{Artifact, Ground, Id, Location, Notification, Outcome, Physical, relative, text};
use crate::path::AppPath;

/// What a gate says of a report.
pub struct Marks<'a> {
    /// What it says of the whole.
    pub verdict: String,
    /// Whether enough was seen to say so.
    pub is_judged: bool,
    /// The exit code with which it says so.
    pub exit_code: u8,
    /// What it says of each finding, in the order of the report.
    pub findings: Vec<Mark>,
    /// Known findings that are gone.
    pub absent: Vec<Absent>,
    /// What else deserves a look.
    pub notices: Vec<Notice>,
    /// Where a path of the application is in the checkout.
    pub place: &'a dyn Fn(&AppPath) -> Vec<u8>,
}

/// What a gate says of a finding.
#[derive(Clone, Debug)]
pub struct Mark {
    /// In one word.
    pub standing: &'static str,
    /// In words.
    pub why: String,
    /// The allowances that cover it.
    pub suppressed: Vec<Suppressed>,
    /// How it stands to the baseline; none where it was not compared.
    pub baseline: Option<BaselineState>,
}

/// An allowance that covers a finding.
#[derive(Clone, Debug)]
pub struct Suppressed {
    /// Why it may stay, and who decided that.
    pub justification: String,
    /// Whether it still holds: one that expired suppresses nothing.
    pub holds: bool,
}

/// How a finding stands to the baseline (section 3.27.24).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum BaselineState {
    /// It is not in it.
    New,
    /// It is in it.
    Unchanged,
    /// It is in it and says something else.
    Updated,
    /// It is gone.
    Absent,
}

/// A known finding that is gone.
#[derive(Clone, Debug)]
pub struct Absent {
    /// The rule's id.
    pub rule: String,
    /// What it said.
    pub message: String,
    /// What it was known by.
    pub fingerprint: String,
    /// The baseline's file in the checkout, where it is in it.
    pub file: Option<String>,
}

/// Something that deserves a look.
#[derive(Clone, Debug)]
pub struct Notice {
    /// What it is about.
    pub kind: NoticeKind,
    /// How much it matters.
    pub level: NoticeLevel,
    /// What kind of thing, in one word.
    pub id: &'static str,
    /// In words, with the place.
    pub message: String,
}

/// What a notice is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoticeKind {
    /// What was not seen.
    Coverage,
    /// The gate's own files.
    Settings,
}

/// How much a notice matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoticeLevel {
    /// It keeps the gate from passing.
    Error,
    /// It is told.
    Warning,
}

/// A suppression (section 3.35). It stands in `seaworthy.toml`, not in what was audited.
#[derive(Serialize)]
pub(super) struct Suppression {
    kind: &'static str,
    status: &'static str,
    justification: String,
}

pub(super) fn suppression(allowed: &Suppressed) -> Suppression {
    Suppression {
        kind: "external",
        status: if allowed.holds {
            "accepted"
        } else {
            "rejected"
        },
        justification: allowed.justification.clone(),
    }
}

/// The result of a finding that is gone: where it was, the baseline does not say.
pub(super) fn gone<'a>(entry: &'a Absent, ground: Ground<'_>) -> Outcome<'a> {
    let place = |file: &String| Location {
        physical_location: Physical {
            artifact_location: Artifact {
                uri: relative(file.as_bytes()),
                uri_base_id: ground.base,
            },
            region: None,
        },
        message: None,
    };
    Outcome {
        rule_id: &entry.rule,
        rule_index: None,
        level: "note",
        message: text(format!("It is gone: {}", entry.message)),
        locations: entry.file.as_ref().map(place).into_iter().collect(),
        related_locations: Vec::new(),
        partial_fingerprints: BTreeMap::from([("seaworthy/v1", entry.fingerprint.as_str())]),
        baseline_state: Some(BaselineState::Absent),
        suppressions: Some(Vec::new()),
        properties: None,
    }
}

pub(super) fn notification(notice: &Notice) -> Notification {
    Notification {
        descriptor: Id {
            id: notice.id.to_owned(),
        },
        level: match notice.level {
            NoticeLevel::Error => "error",
            NoticeLevel::Warning => "warning",
        },
        message: text(notice.message.clone()),
        locations: Vec::new(),
    }
}
