//! The gate's verdict as JUnit XML: each finding is a test, and so is whatever else deserves a look.
//!
//! What fails the gate is a failed test, and too little to judge by a broken one. What may stay is
//! skipped, with the reason, and what the gate does not ask for passes.

use super::Gate;
use super::gate::{lack_words, notice_words, standing_words};
use super::gate_json::notice_name;
use crate::fact::name_of;
use crate::policy::{Lack, Notice, Standing, Verdict};
use crate::render::junit::{Case, End, document, told};
use crate::report::Finding;

/// Every finding with its standing, every notice, and what was not seen.
#[must_use]
pub fn junit(gate: &Gate<'_>) -> String {
    let judgement = gate.judgement;
    let findings = judgement.findings.iter();
    let findings = findings.map(|(found, standing)| finding(gate, found, *standing));
    let notices = judgement.notices.iter();
    let notices = notices.map(|(what, fails)| notice(gate, what, *fails));
    let lacks = judgement.lacks.iter().map(|what| lack(gate, what));
    document(
        "seaworthy: gate",
        &[
            ("findings", findings.collect()),
            ("settings", notices.collect()),
            ("coverage", lacks.collect()),
        ],
    )
}

fn finding(gate: &Gate<'_>, finding: &Finding, standing: Standing) -> Case {
    let why = standing_words(gate, standing);
    let output = format!("{why}\n{}", told(finding));
    Case {
        class: format!("seaworthy.{}.{}", name_of(finding.dimension), finding.rule),
        // Two tests of one name are one to most readers.
        name: format!("{} [{}]", finding.message, finding.fingerprint),
        end: match standing {
            Standing::Fails { .. } => End::Failed {
                kind: name_of(finding.severity),
                why: format!("{}: {why}", finding.message),
            },
            Standing::Allowed(_) | Standing::Baselined => End::Skipped(why),
            Standing::Milder | Standing::Suspected => End::Passed,
        },
        output,
    }
}

fn notice(gate: &Gate<'_>, notice: &Notice, fails: bool) -> Case {
    let (place, words) = notice_words(gate, notice);
    Case {
        class: "seaworthy.settings".to_owned(),
        name: format!("{place}: {words}"),
        end: if fails {
            End::Failed {
                kind: notice_name(notice).to_owned(),
                why: words.clone(),
            }
        } else {
            End::Skipped(words.clone())
        },
        output: format!("{words}\n"),
    }
}

fn lack(gate: &Gate<'_>, lack: &Lack) -> Case {
    let words = lack_words(lack);
    Case {
        class: "seaworthy.coverage".to_owned(),
        name: words.clone(),
        end: match gate.judgement.verdict {
            Verdict::NotJudged => End::Broken(format!("too little was seen: {words}")),
            _ => End::Skipped(format!("too little was seen: {words}")),
        },
        output: String::new(),
    }
}
