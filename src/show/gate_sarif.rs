//! The gate's verdict as SARIF: the report's results, marked with what may stay and why, and with
//! what was known, is new or is gone.

use super::gate::{lack_words, notice_words, standing_words};
use super::gate_json::{notice_name, standing_name};
use super::{Gate, exit_code};
use crate::fact::name_of;
use crate::policy::{Notice, Standing, Verdict};
use crate::render::sarif::{
    self, Absent, BaselineState, Mark, Marks, NoticeKind, NoticeLevel, Suppressed,
};
use crate::report::Finding;

/// Every finding of the report with its standing. Places are those of the checkout.
#[must_use]
pub fn sarif(gate: &Gate<'_>) -> String {
    let judgement = gate.judgement;
    let marks = Marks {
        verdict: name_of(judgement.verdict),
        is_judged: judgement.verdict != Verdict::NotJudged,
        exit_code: exit_code(judgement.verdict),
        findings: judgement
            .findings
            .iter()
            .map(|(finding, standing)| mark(gate, finding, *standing))
            .collect(),
        absent: absent(gate),
        notices: notices(gate),
        place: &|path| gate.checkout.bytes(path),
    };
    sarif::judged(gate.report, &marks)
}

fn mark(gate: &Gate<'_>, finding: &Finding, standing: Standing) -> Mark {
    let (covering, holds) = match standing {
        Standing::Allowed(at) => (Some(at), true),
        Standing::Fails { expired } => (expired, false),
        _ => (None, false),
    };
    let suppressed = |at: usize| {
        let allow = &gate.config.allows[at];
        let mut justification = allow.reason().to_owned();
        if let Some(owner) = &allow.owner {
            justification.push_str(&format!("; decided by {owner}"));
        }
        if let Some(until) = allow.until {
            justification.push_str(&format!("; until {until}"));
        }
        Suppressed {
            justification,
            holds,
        }
    };
    Mark {
        standing: standing_name(standing),
        why: standing_words(gate, standing),
        suppressed: covering.map(suppressed).into_iter().collect(),
        baseline: state(gate, finding, standing),
    }
}

/// How a finding stands to the baseline. What the gate does not ask for was never recorded, so that
/// its absence there says nothing.
fn state(gate: &Gate<'_>, finding: &Finding, standing: Standing) -> Option<BaselineState> {
    match gate.baseline?.entry(finding) {
        Some(entry) if entry.message == finding.message => Some(BaselineState::Unchanged),
        Some(_) => Some(BaselineState::Updated),
        None if matches!(standing, Standing::Milder | Standing::Suspected) => None,
        None => Some(BaselineState::New),
    }
}

/// The known findings that are gone. Of what was not seen nothing is called so.
fn absent(gate: &Gate<'_>) -> Vec<Absent> {
    let Some(baseline) = gate.baseline.filter(|_| gate.judgement.lacks.is_empty()) else {
        return Vec::new();
    };
    let findings = &gate.report.findings;
    let is_there = |print: &str| findings.iter().any(|finding| finding.fingerprint == print);
    // A file outside of the checkout has no place in it.
    let file = gate.baseline_file.filter(|file| !file.starts_with('/'));
    let gone = baseline.findings.iter();
    gone.filter(|entry| !is_there(&entry.fingerprint))
        .map(|entry| Absent {
            rule: entry.rule.clone(),
            message: entry.message.clone(),
            fingerprint: entry.fingerprint.clone(),
            file: file.map(str::to_owned),
        })
        .collect()
}

fn notices(gate: &Gate<'_>) -> Vec<sarif::Notice> {
    let level = |fails: bool| {
        if fails {
            NoticeLevel::Error
        } else {
            NoticeLevel::Warning
        }
    };
    let judgement = gate.judgement;
    let told = judgement.notices.iter();
    let mut notices: Vec<sarif::Notice> = told
        .map(|(notice, fails): &(Notice, bool)| {
            let (place, words) = notice_words(gate, notice);
            sarif::Notice {
                kind: NoticeKind::Settings,
                level: level(*fails),
                id: notice_name(notice),
                message: format!("{place}: {words}"),
            }
        })
        .collect();
    notices.extend(judgement.lacks.iter().map(|lack| sarif::Notice {
        kind: NoticeKind::Coverage,
        level: level(judgement.verdict == Verdict::NotJudged),
        id: "too-little-seen",
        message: format!("too little was seen: {}", lack_words(lack)),
    }));
    notices
}
