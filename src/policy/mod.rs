//! The gate: what of a report fails it, what may stay, and whether enough was seen to say.
//!
//! Findings are marked, never removed, and the verdict is there before anything is shown: no form
//! of output and no wish for more or fewer words can change it.

mod baseline;
mod config;
mod day;
mod fault;
mod keys;
pub mod places;
pub(crate) mod toml_file;

use crate::fact::{IssueKind, name_of};
use crate::path::AppPath;
use crate::report::{Coverage, Dimension, Finding, Grade, Report};

pub use baseline::{BASELINE, Baseline, Entry};
pub use config::{Allow, CONFIG, Config, Firm, Gate, Level, Levels, Needed, Response, schema};
pub use day::{Day, NoDay};
pub use fault::Fault;

/// What the gate says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Nothing fails it, and enough was seen to say so.
    Passed,
    /// Something fails it.
    Failed,
    /// Nothing fails it, but too little was seen.
    NotJudged,
}

/// What becomes of a finding at the gate. Allowances are given by their place in
/// [`Config::allows`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It fails the gate; an allowance that covered it may have expired.
    Fails {
        /// The expired allowance.
        expired: Option<usize>,
    },
    /// It may stay.
    Allowed(usize),
    /// It was there when the baseline was made.
    Baselined,
    /// The gate does not ask for it: its severity is milder than what fails in its dimension.
    Milder,
    /// The gate does not ask for it: its evidence is weak.
    Suspected,
}

/// Something that deserves a look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// No finding needs this allowance.
    UnusedAllow(usize),
    /// The last day of this allowance has passed.
    ExpiredAllow(usize),
    /// The finding of this entry is gone.
    StaleBaseline(Entry),
    /// The finding of this entry says something else.
    ChangedBaseline(Entry, String),
}

/// Why too little was seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lack {
    /// There is nothing in the scope.
    Nothing,
    /// No file was read.
    NothingRead,
    /// Too many files could not be read.
    Unread {
        /// Files that could not be read.
        unread: u64,
        /// All files.
        all: u64,
    },
    /// Dimensions that must have a grade have none.
    Unknown(Vec<Dimension>),
    /// These files, which decide something, could not be read.
    Gaps(Vec<AppPath>),
    /// No service that is declared starts anything.
    StartsNothing(String),
    /// Something occurred that must not.
    Issues {
        /// What.
        kind: IssueKind,
        /// How often.
        count: u64,
    },
}

/// A report at the gate.
#[derive(Clone, Debug)]
pub struct Judgement<'a> {
    /// What the gate says.
    pub verdict: Verdict,
    /// Every finding of the report in its order, with what becomes of it.
    pub findings: Vec<(&'a Finding, Standing)>,
    /// What deserves a look, and whether it fails the gate.
    pub notices: Vec<(Notice, bool)>,
    /// Why too little was seen; empty when enough was.
    pub lacks: Vec<Lack>,
}

impl<'a> Judgement<'a> {
    /// The findings that fail the gate.
    pub fn failing(&self) -> impl Iterator<Item = &'a Finding> {
        self.findings
            .iter()
            .filter(|(_, standing)| matches!(standing, Standing::Fails { .. }))
            .map(|(finding, _)| *finding)
    }

    /// The baseline with which nothing of this fails: what fails, and what was known and is still
    /// there.
    #[must_use]
    pub fn new_baseline(&self) -> Baseline {
        let kept =
            |standing: &Standing| matches!(standing, Standing::Fails { .. } | Standing::Baselined);
        let found = self.findings.iter().filter(|(_, standing)| kept(standing));
        Baseline::of(found.map(|(finding, _)| *finding))
    }
}

/// Judges a report on a day.
///
/// What fails does so however little was seen; a pass needs enough that was.
#[must_use]
pub fn judge<'a>(
    report: &'a Report,
    config: &Config,
    baseline: &Baseline,
    today: Day,
) -> Judgement<'a> {
    let findings: Vec<(&Finding, Standing)> = report
        .findings
        .iter()
        .map(|finding| (finding, standing(finding, config, baseline, today)))
        .collect();
    let lacks = lacks(report, &config.coverage);
    // Of what was not seen nothing is called gone.
    let notices = if lacks.is_empty() {
        notices(report, config, baseline, today)
    } else {
        Vec::new()
    };
    let fails = findings
        .iter()
        .any(|(_, standing)| matches!(standing, Standing::Fails { .. }))
        || notices.iter().any(|(_, fails)| *fails);
    let verdict = match (fails, lacks.is_empty()) {
        (true, _) => Verdict::Failed,
        (false, true) => Verdict::Passed,
        (false, false) => Verdict::NotJudged,
    };
    Judgement {
        verdict,
        findings,
        notices,
        lacks,
    }
}

fn standing(finding: &Finding, config: &Config, baseline: &Baseline, today: Day) -> Standing {
    if !config.level(finding.dimension).fails(finding.severity) {
        return Standing::Milder;
    }
    if !config.gate.certainty.takes(finding.status) {
        return Standing::Suspected;
    }
    let covering = || {
        let allows = config.allows.iter().enumerate();
        allows.filter(|(_, allow)| covers(allow, finding))
    };
    if let Some((at, _)) = covering().find(|(_, allow)| !expired(allow, today)) {
        return Standing::Allowed(at);
    }
    if baseline.entry(finding).is_some() {
        return Standing::Baselined;
    }
    Standing::Fails {
        expired: covering().map(|(at, _)| at).next(),
    }
}

/// Whether an allowance is meant for a finding, on whatever day.
fn covers(allow: &Allow, finding: &Finding) -> bool {
    let of_rule = allow.rule() == finding.rule;
    let same = |fingerprint: &String| *fingerprint == finding.fingerprint;
    of_rule
        && allow.fingerprint.as_ref().is_none_or(same)
        && allow
            .pattern
            .as_ref()
            .is_none_or(|p| p.covers_all_of(finding))
}

fn expired(allow: &Allow, today: Day) -> bool {
    allow.until.is_some_and(|until| until < today)
}

fn notices(
    report: &Report,
    config: &Config,
    baseline: &Baseline,
    today: Day,
) -> Vec<(Notice, bool)> {
    let mut notices = Vec::new();
    let mut tell = |notice: Notice, response: Response| {
        if response != Response::Ok {
            notices.push((notice, response == Response::Error));
        }
    };
    for (at, allow) in config.allows.iter().enumerate() {
        let used = report.findings.iter().any(|finding| covers(allow, finding));
        if !used {
            tell(Notice::UnusedAllow(at), config.gate.unused_allow);
        } else if expired(allow, today) {
            // It fails by the finding that it no longer covers.
            tell(Notice::ExpiredAllow(at), Response::Warn);
        }
    }
    for entry in &baseline.findings {
        let same = |finding: &&Finding| finding.fingerprint == entry.fingerprint;
        match report.findings.iter().find(same) {
            None => {
                let notice = Notice::StaleBaseline(entry.clone());
                tell(notice, config.gate.stale_baseline);
            }
            Some(finding) if finding.message != entry.message => {
                let notice = Notice::ChangedBaseline(entry.clone(), finding.message.clone());
                tell(notice, config.gate.changed_baseline);
            }
            Some(_) => {}
        }
    }
    notices
}

/// Code, configuration, data and libraries: what an answer stands on.
const BASIS: [Dimension; 4] = [
    Dimension::Code,
    Dimension::Configuration,
    Dimension::Data,
    Dimension::Libraries,
];

fn lacks(report: &Report, needed: &Needed) -> Vec<Lack> {
    let mut lacks = Vec::new();
    lacks.extend(unread(&report.coverage, needed));
    lacks.extend(report.plan.starts_nothing().map(Lack::StartsNothing));
    if !report.coverage.gaps.is_empty() {
        let gaps = report.coverage.gaps.iter();
        lacks.push(Lack::Gaps(gaps.map(|gap| gap.path.clone()).collect()));
    }
    let unknown: Vec<Dimension> = report
        .dimensions
        .iter()
        .filter(|graded| graded.grade == Grade::Unknown)
        .map(|graded| graded.dimension)
        .collect();
    let required: Vec<Dimension> = match &needed.known {
        Some(known) => unknown
            .iter()
            .filter(|d| known.contains(d))
            .copied()
            .collect(),
        None => {
            let basis = unknown.iter().filter(|d| BASIS.contains(d));
            let basis: Vec<Dimension> = basis.copied().collect();
            if basis.len() > 1 { basis } else { Vec::new() }
        }
    };
    if unknown.len() > usize::from(needed.unknown_dimensions) {
        lacks.push(Lack::Unknown(unknown));
    } else if !required.is_empty() {
        lacks.push(Lack::Unknown(required));
    }
    for &kind in &needed.no_issues {
        let count = report.coverage.counts.get(&name_of(kind)).copied();
        if let Some(count) = count.filter(|count| *count > 0) {
            lacks.push(Lack::Issues { kind, count });
        }
    }
    lacks
}

fn unread(coverage: &Coverage, needed: &Needed) -> Option<Lack> {
    let &Coverage {
        entries,
        read,
        unread,
        ..
    } = coverage;
    if entries == 0 {
        return Some(Lack::Nothing);
    }
    if read == 0 {
        return Some(Lack::NothingRead);
    }
    let all = read.saturating_add(unread);
    let allowed = u128::from(all) * u128::from(needed.unread_percent);
    (u128::from(unread) * 100 > allowed).then_some(Lack::Unread { unread, all })
}

#[cfg(test)]
mod tests;
