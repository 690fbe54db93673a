//! The report as SARIF 2.1.0, for code scanning (OASIS, "Static Analysis Results Interchange
//! Format"): the findings as results, what was not seen as notifications, the grades as properties.

mod marks;
mod rules;

use std::collections::BTreeMap;

use serde::Serialize;

use rules::{Rule, rule};

pub use marks::{Absent, BaselineState, Mark, Marks, Notice, NoticeKind, NoticeLevel, Suppressed};

use super::words::{doubt, is_weak, subject};
use super::{Format, Style};
use crate::fact::{Fact, Issue, Locus, name_of};
use crate::path::AppPath;
use crate::report::{DimensionGrade, Finding, Report, RuleText, Severity, Verdict};

pub(super) const FORMAT: Format = Format {
    name: "sarif",
    ending: "sarif",
    about: "SARIF 2.1.0, for code scanning",
    render,
};

/// What the places in a log are relative to, and how a path becomes one.
#[derive(Clone, Copy)]
struct Ground<'a> {
    /// The name of what they are relative to.
    base: &'static str,
    /// What that is.
    about: &'static str,
    /// The path below it.
    place: &'a dyn Fn(&AppPath) -> Vec<u8>,
}

/// The top of the audited root, wherever that was mounted.
const ROOT: Ground<'_> = Ground {
    base: "ROOT",
    about: "The top of the audited root.",
    place: &|path| path.as_bytes().to_vec(),
};

/// The checkout that CI looks at, by the name that viewers know.
const CHECKOUT: &str = "%SRCROOT%";

#[derive(Serialize)]
struct Log<'a> {
    #[serde(rename = "$schema")]
    schema: &'static str,
    version: &'static str,
    runs: [Run<'a>; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Run<'a> {
    tool: Tool<'a>,
    automation_details: Id,
    invocations: [Invocation; 1],
    original_uri_base_ids: BTreeMap<&'static str, Described>,
    column_kind: &'static str,
    results: Vec<Outcome<'a>>,
    properties: RunProperties<'a>,
}

#[derive(Serialize)]
struct Tool<'a> {
    driver: Driver<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Driver<'a> {
    name: &'a str,
    semantic_version: &'a str,
    rules: Vec<Rule<'a>>,
}

#[derive(Serialize)]
struct Id {
    id: String,
}

#[derive(Serialize)]
struct Described {
    description: Text,
}

#[derive(PartialEq, Serialize)]
struct Text {
    text: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Invocation {
    execution_successful: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    exit_code: Option<u8>,
    tool_execution_notifications: Vec<Notification>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tool_configuration_notifications: Vec<Notification>,
}

#[derive(Serialize)]
struct Notification {
    descriptor: Id,
    level: &'static str,
    message: Text,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    locations: Vec<Location>,
}

/// A result. At a gate a finding that somebody allowed gets `suppressions`, and one that a baseline
/// knows `baselineState`: both mark a result, and leave it where it is.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Outcome<'a> {
    rule_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    rule_index: Option<usize>,
    level: &'static str,
    message: Text,
    locations: Vec<Location>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    related_locations: Vec<Location>,
    partial_fingerprints: BTreeMap<&'static str, &'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    baseline_state: Option<BaselineState>,
    #[serde(skip_serializing_if = "Option::is_none")]
    suppressions: Option<Vec<marks::Suppression>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    properties: Option<OutcomeProperties<'a>>,
}

#[derive(PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Location {
    physical_location: Physical,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<Text>,
}

#[derive(PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Physical {
    artifact_location: Artifact,
    #[serde(skip_serializing_if = "Option::is_none")]
    region: Option<Region>,
}

#[derive(PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Artifact {
    uri: String,
    uri_base_id: &'static str,
}

#[derive(PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Region {
    start_line: u32,
}

#[derive(Serialize)]
struct OutcomeProperties<'a> {
    dimension: String,
    severity: String,
    status: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    grade: Option<String>,
    fix: &'a str,
    /// How many more facts there are than locations.
    more: u64,
    /// What becomes of it at the gate.
    #[serde(skip_serializing_if = "Option::is_none")]
    gate: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<&'a str>,
}

#[derive(Serialize)]
struct RunProperties<'a> {
    verdict: &'a Verdict,
    dimensions: &'a [DimensionGrade],
    /// What the gate says.
    #[serde(skip_serializing_if = "Option::is_none")]
    gate: Option<&'a str>,
}

fn render(report: &Report, _: &Style) -> String {
    log(report, ROOT, None)
}

/// The report with what a gate says of each finding. The places are those of the checkout.
#[must_use]
pub fn judged(report: &Report, marks: &Marks<'_>) -> String {
    let ground = Ground {
        base: CHECKOUT,
        about: "The checkout in which the gate ran.",
        place: marks.place,
    };
    log(report, ground, Some(marks))
}

fn log(report: &Report, ground: Ground<'_>, marks: Option<&Marks<'_>>) -> String {
    let rules: Vec<(&String, &RuleText)> = report.rules.iter().collect();
    let log = Log {
        schema: "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
        version: "2.1.0",
        runs: [Run {
            tool: Tool {
                driver: Driver {
                    name: &report.tool.name,
                    semantic_version: &report.tool.version,
                    rules: rules
                        .iter()
                        .map(|(id, text)| rule(id, text, report))
                        .collect(),
                },
            },
            automation_details: Id {
                id: format!(
                    "{}/{}/",
                    report.tool.name,
                    subject(&report.target).trim_start_matches('/')
                ),
            },
            invocations: [invocation(report, ground, marks)],
            original_uri_base_ids: BTreeMap::from([(
                ground.base,
                Described {
                    description: text(ground.about),
                },
            )]),
            column_kind: "utf16CodeUnits",
            results: results(report, &rules, ground, marks),
            properties: RunProperties {
                verdict: &report.verdict,
                dimensions: &report.dimensions,
                gate: marks.map(|marks| marks.verdict.as_str()),
            },
        }],
    };
    // Every key is a string and every number finite: nothing here can fail to be written.
    let mut text = serde_json::to_string_pretty(&log).unwrap_or_default();
    text.push('\n');
    text
}

fn text(text: impl Into<String>) -> Text {
    Text { text: text.into() }
}

fn results<'a>(
    report: &'a Report,
    rules: &[(&String, &RuleText)],
    ground: Ground<'_>,
    marks: Option<&'a Marks<'_>>,
) -> Vec<Outcome<'a>> {
    let findings = report.findings.iter().enumerate();
    let mut found: Vec<Outcome<'a>> = findings
        .map(|(at, finding)| {
            let mark = marks.and_then(|marks| marks.findings.get(at));
            outcome(finding, rules, ground, mark)
        })
        .collect();
    let absent = marks.iter().flat_map(|marks| &marks.absent);
    found.extend(absent.map(|entry| marks::gone(entry, ground)));
    found
}

fn outcome<'a>(
    finding: &'a Finding,
    rules: &[(&String, &RuleText)],
    ground: Ground<'_>,
    mark: Option<&'a Mark>,
) -> Outcome<'a> {
    let first = finding.because.first();
    Outcome {
        rule_id: &finding.rule,
        rule_index: rules.iter().position(|(id, _)| **id == finding.rule),
        level: level(finding),
        message: text(format!(
            "{}{}\n\nWhat to do: {}",
            doubt(finding.status),
            finding.message,
            finding.fix
        )),
        locations: first
            .map(|fact| location(&fact.at, ground, None))
            .into_iter()
            .collect(),
        related_locations: because(&finding.because, ground),
        partial_fingerprints: BTreeMap::from([("seaworthy/v1", finding.fingerprint.as_str())]),
        baseline_state: mark.and_then(|mark| mark.baseline),
        suppressions: mark.map(|mark| mark.suppressed.iter().map(marks::suppression).collect()),
        properties: Some(OutcomeProperties {
            dimension: name_of(finding.dimension),
            severity: name_of(finding.severity),
            status: name_of(finding.status),
            grade: finding.grade.map(name_of),
            fix: &finding.fix,
            more: finding.more,
            gate: mark.map(|mark| mark.standing),
            why: mark.map(|mark| mark.why.as_str()),
        }),
    }
}

/// Code scanning stops a change at an error; a finding on weak evidence does not block, so it is
/// none. Its severity stands in the properties.
fn level(finding: &Finding) -> &'static str {
    match finding.severity {
        Severity::Blocker if is_weak(finding.status) => "warning",
        Severity::Blocker => "error",
        Severity::Risk => "warning",
        Severity::Note => "note",
    }
}

/// The place of each fact with what it says; the schema wants no two alike (section 3.27.22).
fn because(facts: &[Fact], ground: Ground<'_>) -> Vec<Location> {
    let mut found: Vec<Location> = Vec::new();
    for fact in facts {
        let words = format!("{} ({})", fact.what, name_of(fact.certainty));
        let place = location(&fact.at, ground, Some(words));
        if !found.contains(&place) {
            found.push(place);
        }
    }
    found
}

fn location(at: &Locus, ground: Ground<'_>, message: Option<String>) -> Location {
    Location {
        physical_location: Physical {
            artifact_location: Artifact {
                uri: relative(&(ground.place)(&at.file)),
                uri_base_id: ground.base,
            },
            region: at
                .line
                .filter(|&line| line > 0)
                .map(|start_line| Region { start_line }),
        },
        message: message.map(text),
    }
}

/// The path as a relative URI (RFC 3986): bytes outside the unreserved set are percent-encoded, so
/// that any name is one.
fn relative(path: &[u8]) -> String {
    let mut uri = String::new();
    for &byte in path.strip_prefix(b"/").unwrap_or(path) {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            uri.push(char::from(byte));
        } else {
            uri.push_str(&format!("%{byte:02X}"));
        }
    }
    if uri.is_empty() {
        uri.push_str("./");
    }
    uri
}

fn invocation(report: &Report, ground: Ground<'_>, marks: Option<&Marks<'_>>) -> Invocation {
    let mut invocation = Invocation {
        execution_successful: true,
        exit_code: None,
        tool_execution_notifications: notifications(report, ground),
        tool_configuration_notifications: Vec::new(),
    };
    if let Some(marks) = marks {
        invocation.execution_successful = marks.is_judged;
        invocation.exit_code = Some(marks.exit_code);
        for notice in &marks.notices {
            let list = match notice.kind {
                NoticeKind::Coverage => &mut invocation.tool_execution_notifications,
                NoticeKind::Settings => &mut invocation.tool_configuration_notifications,
            };
            list.push(marks::notification(notice));
        }
    }
    invocation
}

/// What was not seen: each issue that the report lists, and for each kind how many there are.
fn notifications(report: &Report, ground: Ground<'_>) -> Vec<Notification> {
    let coverage = &report.coverage;
    let listed = |issue: &Issue| Notification {
        descriptor: Id {
            id: name_of(issue.kind),
        },
        level: "note",
        message: text(issue.message.clone()),
        locations: vec![location(&issue.at, ground, None)],
    };
    let counted = |(kind, number): (&String, &u64)| Notification {
        descriptor: Id { id: kind.clone() },
        level: "warning",
        message: text(format!("{number} not seen or not understood: {kind}")),
        locations: Vec::new(),
    };
    let counts = coverage.counts.iter().map(counted);
    counts.chain(coverage.issues.iter().map(listed)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_name_is_a_relative_uri() {
        for (path, want) in [
            (&b"/opt/app/bin"[..], "opt/app/bin"),
            (b"/c:/a b%?#", "c%3A/a%20b%25%3F%23"),
            (b"/\xff<script>", "%FF%3Cscript%3E"),
            (b"/", "./"),
        ] {
            assert_eq!(relative(AppPath::new(path).as_bytes()), want);
        }
    }

    #[test]
    fn facts_that_read_alike_have_one_place() {
        let fact: Fact = serde_json::from_value(serde_json::json!({
            "at": {"file": "/a"}, "fact": "imports", "symbol": "fork", "certainty": "inferred",
        }))
        .unwrap();
        let mut other = fact.clone();
        other.certainty = crate::fact::Certainty::Guessed;
        assert_eq!(because(&[fact.clone(), other, fact], ROOT).len(), 2);
    }
}
