//! Findings and coverage to a grade in each dimension, and to the answer.
//!
//! There are no points and no sums. The worst certain finding decides its dimension; nothing is
//! called easy because nothing was found, only because something was: see `easy`.

mod easy;
mod licence;
mod network;

use std::collections::BTreeSet;

use crate::fact::{Fact, What};
use crate::path::AppPath;
use crate::report::{
    Answer, Coverage, Dimension, DimensionGrade, Finding, Gap, GapKind, Grade, Library, PathEntry,
    Plan, Severity, Status, Verdict,
};

/// How many paths a grade names.
const PATHS: usize = 10;

/// How many suspected findings a grade mentions, and how many changes it proposes.
const NAMED: usize = 3;

/// What a grade is judged by besides the findings.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'a> {
    /// Every fact.
    pub facts: &'a [Fact],
    /// Every path in reach, classified.
    pub paths: &'a [PathEntry],
    /// The libraries of the application.
    pub libraries: &'a [Library],
    /// What was read, and what was not.
    pub coverage: &'a Coverage,
    /// How it would be run.
    pub plan: &'a Plan,
}

/// The cells of the grading table, easy, moderate and difficult; the words of S. McCarty,
/// "Architecting Containers, part 4" (2016), and our own for the last two rows.
#[must_use]
pub fn cells(dimension: Dimension) -> [&'static str; 3] {
    match dimension {
        Dimension::Code => [
            "Completely Isolated (single process)",
            "Somewhat Isolated (multiple processes)",
            "Self Modifying",
        ],
        Dimension::Configuration => [
            "One Configuration File",
            "Several Configuration Files",
            "Configuration Anywhere in Filesystem",
        ],
        Dimension::Data => [
            "Data Saved in Single Place",
            "Data Saved in Several Places",
            "Data Anywhere in Filesystem",
        ],
        Dimension::Secrets => [
            "Static Files",
            "Network",
            "Dynamic Generation of Certificates",
        ],
        Dimension::Network => ["HTTP, HTTPS", "TCP, UDP", "IPSEC, Highly Isolated"],
        Dimension::Installation => [
            "Packages, Source",
            "Installers (install.sh) and Understood Configuration",
            "Installers (install.sh)",
        ],
        Dimension::Licensing => ["Open Source", "Proprietary", "Restrictive & Proprietary"],
        Dimension::Libraries => [
            "Resolves on a common base image with clear owners",
            "Bundled or shadowed",
            "Missing or aborts the loader",
        ],
        Dimension::Kernel => [
            "Nothing special",
            "Capabilities, sysctls, limits",
            "Modules, devices, privileged",
        ],
    }
}

fn cell(dimension: Dimension, grade: Grade) -> &'static str {
    let [easy, moderate, difficult] = cells(dimension);
    match grade {
        Grade::Easy => easy,
        Grade::Moderate => moderate,
        Grade::Difficult => difficult,
        Grade::Unknown => "Not known",
    }
}

/// The word for a dimension in a sentence.
fn name(dimension: Dimension) -> &'static str {
    match dimension {
        Dimension::Code => "code",
        Dimension::Configuration => "configuration",
        Dimension::Data => "data",
        Dimension::Secrets => "secrets",
        Dimension::Network => "network",
        Dimension::Installation => "installation",
        Dimension::Licensing => "licensing",
        Dimension::Libraries => "libraries",
        Dimension::Kernel => "kernel",
    }
}

/// A grade for each dimension, in the order of the grading table.
///
/// The worst certain finding with a grade decides. Without one, the dimension is easy when what
/// was seen shows it, and unknown otherwise: always when the coverage is thin. Suspected findings
/// are mentioned and decide nothing.
#[must_use]
pub fn grades(findings: &[Finding], seen: &Seen<'_>) -> Vec<DimensionGrade> {
    let thin = thin(seen.coverage);
    Dimension::ALL
        .into_iter()
        .map(|dimension| {
            let own: Vec<&Finding> = findings
                .iter()
                .filter(|finding| finding.dimension == dimension)
                .filter(|f| matches!(f.grade, Some(Grade::Moderate | Grade::Difficult)))
                .collect();
            let decided = decided(dimension, &own);
            let open = gap(dimension, seen.coverage)
                .filter(|_| decided.as_ref().is_none_or(|d| d.grade != Grade::Difficult));
            let mut graded = open.or(decided).unwrap_or_else(|| match &thin {
                Some(why) => DimensionGrade {
                    dimension,
                    grade: Grade::Unknown,
                    reason: format!("too little was seen: {why}"),
                    paths: Vec::new(),
                    improve: Some(
                        "Run the audit as a user who may read everything, on the whole root."
                            .to_owned(),
                    ),
                },
                None => shown(dimension, easy::evidence(dimension, seen)),
            });
            mention(&mut graded, &own);
            graded
        })
        .collect()
}

/// The dimensions that settings decide, and those that depend on what is started.
const OF_SETTINGS: [Dimension; 3] = [Dimension::Data, Dimension::Secrets, Dimension::Network];
const OF_STARTS: [Dimension; 5] = [
    Dimension::Code,
    Dimension::Data,
    Dimension::Secrets,
    Dimension::Network,
    Dimension::Kernel,
];

/// The dimensions that a program decides which nothing reads.
const OF_PROGRAMS: [Dimension; 2] = [Dimension::Code, Dimension::Data];

/// The grade of a dimension that a file decides which could not be read.
fn gap(dimension: Dimension, coverage: &Coverage) -> Option<DimensionGrade> {
    let decides = |kind: GapKind| match kind {
        GapKind::Settings => OF_SETTINGS.contains(&dimension),
        GapKind::Start => OF_STARTS.contains(&dimension),
        GapKind::Archive => true,
        // What is there is graded; the verdict and the gate answer for the rest.
        GapKind::Absent => false,
        GapKind::Program => OF_PROGRAMS.contains(&dimension),
    };
    let all: Vec<&Gap> = coverage
        .gaps
        .iter()
        .filter(|gap| decides(gap.kind))
        .collect();
    let is_unread = |gap: &&&Gap| gap.kind != GapKind::Program;
    // What somebody else can read is the nearer remedy.
    let first = all.iter().find(is_unread).or_else(|| all.first())?;
    let is_program = first.kind == GapKind::Program;
    let alike = all
        .iter()
        .filter(|gap| (gap.kind == GapKind::Program) == is_program);
    let gaps: Vec<&AppPath> = alike.map(|gap| &gap.path).collect();
    let first = gaps.first()?;
    let more = match gaps.len() - 1 {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    Some(DimensionGrade {
        dimension,
        grade: Grade::Unknown,
        reason: match is_program {
            true => format!("{first}{more} is in a language that is not read"),
            false => format!("{first}{more} could not be read or opened"),
        },
        paths: gaps.into_iter().take(PATHS).cloned().collect(),
        improve: Some(match is_program {
            true => "Run it once under strace, and give the trace to the audit.".to_owned(),
            false => "Run the audit as a user who may read it.".to_owned(),
        }),
    })
}

/// Why the coverage is too thin to call anything easy: nothing was found or read, or more than a
/// fifth of the files could not be read.
fn thin(coverage: &Coverage) -> Option<String> {
    let Coverage {
        entries,
        read,
        unread,
        ..
    } = coverage;
    if *entries == 0 {
        return Some("there is nothing in the scope".to_owned());
    }
    if *read == 0 {
        return Some("no file was read".to_owned());
    }
    let all = read.saturating_add(*unread);
    (unread.saturating_mul(5) > all).then(|| format!("{unread} of {all} files could not be read"))
}

/// The grade that certain findings decide.
fn decided(dimension: Dimension, own: &[&Finding]) -> Option<DimensionGrade> {
    let certain = |finding: &&&Finding| finding.status == Status::Certain;
    let worst = own.iter().filter(certain).filter_map(|f| f.grade).max()?;
    let mut deciding: Vec<&Finding> = own
        .iter()
        .filter(certain)
        .filter(|finding| finding.grade == Some(worst))
        .copied()
        .collect();
    // The one that rests on the most is what the reader should hear of.
    deciding.sort_by_key(|finding| std::cmp::Reverse(weight(finding)));
    let first = deciding.first()?;
    let mut reason = format!("{}: {}", cell(dimension, worst), first.message);
    match deciding.len() - 1 {
        0 => {}
        1 => reason.push_str("; and 1 finding more"),
        more => reason.push_str(&format!("; and {more} findings more")),
    }
    let paths: BTreeSet<AppPath> = deciding
        .iter()
        .flat_map(|finding| finding.because.iter().map(place))
        .collect();
    Some(DimensionGrade {
        dimension,
        grade: worst,
        reason,
        paths: paths.into_iter().take(PATHS).collect(),
        improve: Some(improve(&deciding)),
    })
}

/// On how many facts a finding rests.
fn weight(finding: &Finding) -> u64 {
    finding.more.saturating_add(finding.because.len() as u64)
}

/// The path that a fact is about.
fn place(fact: &Fact) -> AppPath {
    match &fact.what {
        What::Path { path, .. } | What::Ownership { path, .. } | What::Owned { path, .. } => {
            path.clone()
        }
        _ => fact.at.file.clone(),
    }
}

/// The changes that would improve the grade: all of them are needed, the smallest comes first.
fn improve(deciding: &[&Finding]) -> String {
    let mut rules: Vec<&str> = Vec::new();
    let mut fixes: Vec<&str> = Vec::new();
    for finding in deciding.iter().rev() {
        if !rules.contains(&finding.rule.as_str()) {
            rules.push(&finding.rule);
            fixes.push(&finding.fix);
        }
    }
    let more = deciding.len() - rules.len();
    let mut text = match fixes.len() {
        1 => String::new(),
        number => format!("{number} changes are needed, the smallest first. "),
    };
    text.push_str(&fixes[..fixes.len().min(NAMED)].join(" "));
    if fixes.len() > NAMED {
        text.push_str(" The findings have the others.");
    }
    if more > 0 {
        text.push_str(&format!(" The same holds for {more} more."));
    }
    text
}

/// A grade from what was seen.
fn shown(dimension: Dimension, evidence: Result<easy::Shown, easy::Open>) -> DimensionGrade {
    match evidence {
        Ok(easy::Shown { why, paths }) => DimensionGrade {
            dimension,
            grade: Grade::Easy,
            reason: format!("{}: {why}", cell(dimension, Grade::Easy)),
            paths: paths.into_iter().take(PATHS).collect(),
            improve: None,
        },
        Err(easy::Open { why, ask }) => DimensionGrade {
            dimension,
            grade: Grade::Unknown,
            reason: why,
            paths: Vec::new(),
            improve: Some(ask.to_owned()),
        },
    }
}

/// Adds what is suspected to be worse than the grade.
fn mention(graded: &mut DimensionGrade, own: &[&Finding]) {
    let worse = |finding: &&&Finding| {
        finding.status == Status::Suspected
            && (graded.grade == Grade::Unknown || finding.grade > Some(graded.grade))
    };
    let suspected: Vec<&str> = own
        .iter()
        .filter(worse)
        .map(|finding| finding.message.as_str())
        .collect();
    if suspected.is_empty() {
        return;
    }
    graded.reason.push_str("; suspected: ");
    graded
        .reason
        .push_str(&suspected[..suspected.len().min(NAMED)].join(", "));
    if suspected.len() > NAMED {
        let more = format!(" and {} more", suspected.len() - NAMED);
        graded.reason.push_str(&more);
    }
}

/// From how many unknown dimensions on nothing is judged.
const UNKNOWN: usize = 4;

/// The dimensions that an answer stands on, and how many of them may be unknown.
const BASIS: [Dimension; 4] = [
    Dimension::Code,
    Dimension::Configuration,
    Dimension::Data,
    Dimension::Libraries,
];

/// The answer. The first of these that holds:
///
/// 1. *does not float yet*: a certain finding blocks, or a dimension is difficult;
/// 2. *not judged*: no service that is declared starts anything, a file that decides something could
///    not be read, two of code, configuration, data and libraries are unknown, or four of all
///    dimensions are;
/// 3. *floats with work*: a dimension is moderate, or one is unknown;
/// 4. *floats*: every dimension is easy.
///
/// What is bad is said however little was seen; what is good needs enough that was.
#[must_use]
pub fn verdict(dimensions: &[DimensionGrade], findings: &[Finding], seen: &Seen<'_>) -> Verdict {
    let of = |grade: Grade| -> Vec<Dimension> {
        let graded = dimensions.iter().filter(|graded| graded.grade == grade);
        graded.map(|graded| graded.dimension).collect()
    };
    let blocking = findings
        .iter()
        .filter(|f| f.severity == Severity::Blocker && f.status == Status::Certain)
        .count();
    let (difficult, unknown) = (of(Grade::Difficult), of(Grade::Unknown));
    if blocking > 0 || !difficult.is_empty() {
        return Verdict {
            answer: Answer::DoesNotFloatYet,
            reason: hard(blocking, &difficult, dimensions),
        };
    }
    if let Some(why) = seen.plan.starts_nothing() {
        return Verdict {
            answer: Answer::NotJudged,
            reason: why,
        };
    }
    let mut gaps = seen.coverage.gaps.iter();
    if let Some(gap) = gaps.find(|gap| gap.kind != GapKind::Program) {
        let path = &gap.path;
        let reason = match gap.kind {
            GapKind::Absent | GapKind::Program => format!("{path} was named and is not there"),
            GapKind::Settings => format!("{path} could not be read, and holds settings"),
            GapKind::Start => format!("{path} could not be read, and tells what starts it"),
            GapKind::Archive => format!(
                "{path} is an archive, which was not opened: unpack it and audit the directory with \
                 --prefix"
            ),
        };
        return Verdict {
            answer: Answer::NotJudged,
            reason,
        };
    }
    let basis = unknown.iter().filter(|d| BASIS.contains(d)).count();
    if basis >= 2 || unknown.len() >= UNKNOWN {
        return Verdict {
            answer: Answer::NotJudged,
            reason: format!(
                "too little was seen to judge: {} {} not known",
                names(&unknown),
                is(unknown.len())
            ),
        };
    }
    let moderate = of(Grade::Moderate);
    let mut parts = Vec::new();
    if !moderate.is_empty() {
        parts.push(format!(
            "{} {} moderate",
            names(&moderate),
            is(moderate.len())
        ));
    }
    if !unknown.is_empty() {
        parts.push(format!(
            "{} {} not known",
            names(&unknown),
            is(unknown.len())
        ));
    }
    if parts.is_empty() {
        return Verdict {
            answer: Answer::Floats,
            reason: "every dimension is easy and nothing blocks".to_owned(),
        };
    }
    Verdict {
        answer: Answer::FloatsWithWork,
        reason: format!(
            "nothing blocks and nothing is difficult; {}",
            parts.join(", ")
        ),
    }
}

fn hard(blocking: usize, difficult: &[Dimension], dimensions: &[DimensionGrade]) -> String {
    let mut parts = Vec::new();
    match blocking {
        0 => {}
        1 => parts.push("1 finding blocks".to_owned()),
        more => parts.push(format!("{more} findings block")),
    }
    if !difficult.is_empty() {
        let cells: Vec<String> = difficult
            .iter()
            .map(|d| format!("{} ({})", name(*d), cell(*d, Grade::Difficult)))
            .collect();
        parts.push(format!("difficult: {}", cells.join(", ")));
    }
    let unknown = dimensions
        .iter()
        .filter(|graded| graded.grade == Grade::Unknown)
        .count();
    if unknown > 0 {
        let noun = if unknown == 1 {
            "dimension is"
        } else {
            "dimensions are"
        };
        parts.push(format!("{unknown} {noun} not known"));
    }
    parts.join("; ")
}

/// `code`, `code and data`, `code, data and network`.
fn names(dimensions: &[Dimension]) -> String {
    let names: Vec<&str> = dimensions.iter().map(|d| name(*d)).collect();
    match names.split_last() {
        Some((last, [])) => (*last).to_owned(),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
        None => String::new(),
    }
}

fn is(number: usize) -> &'static str {
    if number == 1 { "is" } else { "are" }
}

#[cfg(test)]
mod tests;
