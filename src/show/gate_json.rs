//! The gate's verdict for other programs.

use serde::Serialize;

use super::Gate;
use super::gate::{lack_words, notice_words, standing_words};
use crate::path::AppPath;
use crate::policy::places::first;
use crate::policy::{Notice, Standing, Verdict};
use crate::report::{Dimension, Severity, Status};

/// The number of this form.
const SCHEMA: u32 = 1;

#[derive(Serialize)]
struct Told<'a> {
    schema: u32,
    verdict: Verdict,
    config: Option<&'a str>,
    baseline: Option<&'a str>,
    today: String,
    lacks: Vec<String>,
    findings: Vec<ToldFinding<'a>>,
    notices: Vec<ToldNotice>,
}

#[derive(Serialize)]
struct ToldFinding<'a> {
    fingerprint: &'a str,
    rule: &'a str,
    dimension: Dimension,
    severity: Severity,
    status: Status,
    standing: &'static str,
    why: String,
    message: &'a str,
    fix: &'a str,
    file: Option<&'a AppPath>,
    line: Option<u32>,
}

#[derive(Serialize)]
struct ToldNotice {
    kind: &'static str,
    level: &'static str,
    at: String,
    message: String,
}

/// The whole judgement as JSON: every finding with its standing, every notice.
#[must_use]
pub fn json(gate: &Gate<'_>) -> String {
    let judgement = gate.judgement;
    let findings = judgement.findings.iter().map(|(finding, standing)| {
        let place = first(finding);
        ToldFinding {
            fingerprint: &finding.fingerprint,
            rule: &finding.rule,
            dimension: finding.dimension,
            severity: finding.severity,
            status: finding.status,
            standing: standing_name(*standing),
            why: standing_words(gate, *standing),
            message: &finding.message,
            fix: &finding.fix,
            file: place.map(|(file, _)| file),
            line: place.and_then(|(_, line)| line),
        }
    });
    let notices = judgement.notices.iter().map(|(notice, fails)| {
        let (at, message) = notice_words(gate, notice);
        ToldNotice {
            kind: notice_name(notice),
            level: if *fails { "error" } else { "warning" },
            at,
            message,
        }
    });
    let told = Told {
        schema: SCHEMA,
        verdict: judgement.verdict,
        config: gate.config_file,
        baseline: gate.baseline_file,
        today: gate.today.to_string(),
        lacks: judgement.lacks.iter().map(lack_words).collect(),
        findings: findings.collect(),
        notices: notices.collect(),
    };
    // Every key is a string and every number finite: nothing here can fail to be written.
    let mut text = serde_json::to_string_pretty(&told).unwrap_or_default();
    text.push('\n');
    text
}

pub(super) fn standing_name(standing: Standing) -> &'static str {
    match standing {
        Standing::Fails { .. } => "fails",
        Standing::Allowed(_) => "allowed",
        Standing::Baselined => "baselined",
        Standing::Milder => "milder",
        Standing::Suspected => "suspected",
    }
}

pub(super) fn notice_name(notice: &Notice) -> &'static str {
    match notice {
        Notice::UnusedAllow(_) => "unused-allow",
        Notice::ExpiredAllow(_) => "expired-allow",
        Notice::StaleBaseline(_) => "stale-baseline",
        Notice::ChangedBaseline(..) => "changed-baseline",
    }
}
