//! The baseline: findings that were there when the gate was set up and fail nothing.

use serde::{Deserialize, Serialize};

use super::fault::Fault;
use crate::report::Finding;

/// The name of the file where none is named.
pub const BASELINE: &str = "seaworthy-baseline.json";

/// The number of the file's form.
const FORM: u32 = 1;

/// Findings that are known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Baseline {
    /// The number of the form, which tells this file from others.
    seaworthy_baseline: u32,
    /// The findings, sorted.
    pub findings: Vec<Entry>,
}

/// A finding that is known.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// The rule's id.
    pub rule: String,
    /// What it said when it was recorded.
    pub message: String,
    /// What it is known by.
    pub fingerprint: String,
}

impl Default for Baseline {
    fn default() -> Self {
        Self {
            seaworthy_baseline: FORM,
            findings: Vec::new(),
        }
    }
}

impl Baseline {
    /// The baseline of these findings.
    #[must_use]
    pub fn of<'a>(findings: impl IntoIterator<Item = &'a Finding>) -> Self {
        let entry = |finding: &Finding| Entry {
            rule: finding.rule.clone(),
            message: finding.message.clone(),
            fingerprint: finding.fingerprint.clone(),
        };
        let mut findings: Vec<Entry> = findings.into_iter().map(entry).collect();
        findings.sort();
        findings.dedup();
        Self {
            findings,
            ..Self::default()
        }
    }

    /// Reads the text of `file`.
    ///
    /// # Errors
    /// When it is no baseline.
    pub fn read(file: &str, text: &str) -> Result<Self, Fault> {
        let fault = |line, column, message: String| Fault {
            file: file.to_owned(),
            line,
            column,
            message: format!("{message}; make it anew with --update-baseline"),
        };
        let read: Self = serde_json::from_str(text).map_err(|error| {
            let told = error.to_string();
            // The place stands in front already.
            let what = told
                .rsplit_once(" at line ")
                .map_or(&*told, |(what, _)| what);
            fault(
                error.line().max(1),
                error.column().max(1),
                format!("no baseline: {what}"),
            )
        })?;
        if read.seaworthy_baseline != FORM {
            let found = read.seaworthy_baseline;
            return Err(fault(
                1,
                1,
                format!("a baseline of form {found}, not {FORM}"),
            ));
        }
        Ok(read)
    }

    /// The file's text.
    #[must_use]
    pub fn text(&self) -> String {
        // Every key is a string: nothing here can fail to be written.
        let mut text = serde_json::to_string_pretty(self).unwrap_or_default();
        text.push('\n');
        text
    }

    /// What is recorded of a finding.
    #[must_use]
    pub fn entry(&self, finding: &Finding) -> Option<&Entry> {
        self.findings
            .iter()
            .find(|entry| entry.fingerprint == finding.fingerprint)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back_and_nothing_else() {
        let baseline = Baseline {
            findings: vec![Entry {
                rule: "syslog".into(),
                message: "it \"logs\"".into(),
                fingerprint: "00ff".into(),
            }],
            ..Baseline::default()
        };
        assert_eq!(Baseline::read("b.json", &baseline.text()), Ok(baseline));
        for (text, place) in [
            ("{", "b.json:1:1: no baseline: EOF"),
            ("{\"schema\": 1}", "b.json:1:9: no baseline: unknown field"),
            ("{\"seaworthy_baseline\": 2, \"findings\": []}", "form 2"),
        ] {
            let told = Baseline::read("b.json", text).unwrap_err().to_string();
            assert!(told.contains(place), "{told}");
            assert!(told.contains("--update-baseline"), "{told}");
        }
    }
}
