//! The report as JUnit XML, for a CI that shows test results: each grade and each finding is a test.
//!
//! A certain blocker is a failure. A grade that is not known and a finding on weak evidence are
//! skipped tests, so that neither is taken for clean; everything else passes and tells in its output.

use std::fmt::Write as _;

use super::words::{evidence, grade, place, subject};
use super::xml::{attribute, escape};
use super::{Format, Style};
use crate::fact::name_of;
use crate::report::{Finding, Grade, Report, Severity, Status};

pub(super) const FORMAT: Format = Format {
    name: "junit",
    ending: "xml",
    about: "JUnit XML, for a CI that shows tests",
    render,
};

/// A test of a suite.
pub(crate) struct Case {
    /// What it is sorted under.
    pub(crate) class: String,
    pub(crate) name: String,
    pub(crate) end: End,
    pub(crate) output: String,
}

/// How a test ended, and why.
pub(crate) enum End {
    Passed,
    Skipped(String),
    Failed {
        kind: String,
        why: String,
    },
    /// It could not be told whether it passes.
    Broken(String),
}

fn render(report: &Report, _: &Style) -> String {
    let suites = [
        ("grades", grades(report)),
        ("findings", findings(report)),
        ("coverage", coverage(report)),
    ];
    document(&format!("seaworthy: {}", subject(&report.target)), &suites)
}

/// Suites of tests as a file.
pub(crate) fn document(title: &str, suites: &[(&str, Vec<Case>)]) -> String {
    let all = || suites.iter().flat_map(|(_, cases)| cases);
    let mut text = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let _ = writeln!(
        text,
        "<testsuites name=\"{}\" tests=\"{}\" failures=\"{}\" errors=\"{}\">",
        attribute(title),
        all().count(),
        all().filter(|case| case.is_failed()).count(),
        all().filter(|case| case.is_broken()).count(),
    );
    for (name, cases) in suites {
        suite(&mut text, name, cases);
    }
    text.push_str("</testsuites>\n");
    text
}

impl Case {
    fn is_failed(&self) -> bool {
        matches!(self.end, End::Failed { .. })
    }

    fn is_broken(&self) -> bool {
        matches!(self.end, End::Broken(_))
    }
}

fn suite(text: &mut String, name: &str, cases: &[Case]) {
    let skipped = |case: &&Case| matches!(case.end, End::Skipped(_));
    let _ = writeln!(
        text,
        "  <testsuite name=\"{name}\" tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"{}\">",
        cases.len(),
        cases.iter().filter(|case| case.is_failed()).count(),
        cases.iter().filter(|case| case.is_broken()).count(),
        cases.iter().filter(skipped).count(),
    );
    for case in cases {
        let _ = writeln!(
            text,
            "    <testcase classname=\"{}\" name=\"{}\">",
            attribute(&case.class),
            attribute(&case.name),
        );
        let output = escape(&case.output);
        match &case.end {
            End::Passed => {}
            End::Skipped(why) => {
                let _ = writeln!(text, "      <skipped message=\"{}\"/>", attribute(why));
            }
            End::Failed { kind, why } => {
                let (kind, why) = (attribute(kind), attribute(why));
                let _ = writeln!(
                    text,
                    "      <failure type=\"{kind}\" message=\"{why}\">{output}</failure>"
                );
            }
            End::Broken(why) => {
                let why = attribute(why);
                let _ = writeln!(
                    text,
                    "      <error type=\"not-judged\" message=\"{why}\">{output}</error>"
                );
            }
        }
        if !case.is_failed() && !case.is_broken() {
            let _ = writeln!(text, "      <system-out>{output}</system-out>");
        }
        text.push_str("    </testcase>\n");
    }
    text.push_str("  </testsuite>\n");
}

fn grades(report: &Report) -> Vec<Case> {
    let case = |row: &crate::report::DimensionGrade| {
        let mut output = format!("{}: {}\n", grade(row.grade), row.reason);
        for path in &row.paths {
            let _ = writeln!(output, "{path}");
        }
        if let Some(improve) = &row.improve {
            let _ = writeln!(output, "Smallest change: {improve}");
        }
        Case {
            class: "seaworthy.grades".to_owned(),
            name: format!("{}: {}", name_of(row.dimension), grade(row.grade)),
            end: match row.grade {
                Grade::Unknown => End::Skipped(row.reason.clone()),
                _ => End::Passed,
            },
            output,
        }
    };
    report.dimensions.iter().map(case).collect()
}

fn findings(report: &Report) -> Vec<Case> {
    let case = |finding: &Finding| Case {
        class: format!("seaworthy.{}.{}", name_of(finding.dimension), finding.rule),
        // Two tests of one name are one to most readers.
        name: format!("{} [{}]", finding.message, finding.fingerprint),
        end: match (finding.status, finding.severity) {
            (Status::Certain, Severity::Blocker) => End::Failed {
                kind: name_of(finding.severity),
                why: finding.message.clone(),
            },
            (Status::Certain, _) => End::Passed,
            _ => End::Skipped(format!("{}: {}", name_of(finding.status), finding.message)),
        },
        output: told(finding),
    };
    report.findings.iter().map(case).collect()
}

/// What a finding says, rests on and asks for.
pub(crate) fn told(finding: &Finding) -> String {
    let mut output = format!(
        "{} ({})\n",
        name_of(finding.severity),
        name_of(finding.status)
    );
    for fact in &finding.because {
        let _ = writeln!(output, "{}", evidence(fact));
    }
    if finding.more > 0 {
        let _ = writeln!(output, "and {} more facts", finding.more);
    }
    let _ = writeln!(output, "What to do: {}", finding.fix);
    output
}

/// What was not seen, a test for each kind.
fn coverage(report: &Report) -> Vec<Case> {
    let coverage = &report.coverage;
    let case = |(kind, number): (&String, &u64)| {
        let mut output = String::new();
        for issue in &coverage.issues {
            if name_of(issue.kind) == *kind {
                let _ = writeln!(output, "{}  {}", place(&issue.at), issue.message);
            }
        }
        Case {
            class: "seaworthy.coverage".to_owned(),
            name: kind.clone(),
            end: End::Skipped(format!("{number} not seen or not understood: {kind}")),
            output,
        }
    };
    coverage.counts.iter().map(case).collect()
}
