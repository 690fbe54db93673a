//! The gate's verdict where a CI system shows it beside the code: annotations of GitHub, code
//! quality of GitLab. Only what fails the gate or deserves a look stands there; the JSON form has
//! everything.

use std::fmt::Write as _;

use serde::Serialize;

use super::gate::{lack_words, notice_words, standing_words};
use super::{Gate, verdict_words};
use crate::policy::places::first;
use crate::policy::{Standing, Verdict};
use crate::report::{Finding, Severity};

/// Workflow commands of GitHub Actions, one a line, and the verdict as the last line
/// ("Workflow commands for GitHub Actions", GitHub's documentation).
#[must_use]
pub fn github(gate: &Gate<'_>) -> String {
    let mut text = String::new();
    for (finding, standing) in failing(gate) {
        let mut properties = Vec::new();
        if let Some((file, line)) = first(finding) {
            properties.push(("file", gate.checkout.place(file)));
            properties.extend(line.map(|line| ("line", line.to_string())));
        }
        properties.push(("title", format!("seaworthy: {}", finding.rule)));
        let words = format!(
            "{}\n{}\n{}",
            finding.message,
            finding.fix,
            standing_words(gate, standing)
        );
        command(&mut text, "error", &properties, &words);
    }
    for (notice, fails) in &gate.judgement.notices {
        let (place, words) = notice_words(gate, notice);
        let level = if *fails { "error" } else { "warning" };
        command(&mut text, level, &at(&place), &words);
    }
    for lack in &gate.judgement.lacks {
        let level = match gate.judgement.verdict {
            Verdict::NotJudged => "error",
            _ => "warning",
        };
        let words = format!("too little was seen: {}", lack_words(lack));
        command(
            &mut text,
            level,
            &[("title", "seaworthy".to_owned())],
            &words,
        );
    }
    let _ = writeln!(text, "seaworthy: {}", verdict_words(gate.judgement.verdict));
    text
}

/// A mistake that kept the gate from judging, as a workflow command: without it a reader of the
/// summary sees a failed step and no reason.
#[must_use]
pub fn github_mistake(words: &str) -> String {
    let mut text = String::new();
    command(
        &mut text,
        "error",
        &[("title", "seaworthy".to_owned())],
        words,
    );
    text
}

/// File and line of `file:line`, or of a file alone.
fn at(place: &str) -> Vec<(&'static str, String)> {
    match place.rsplit_once(':') {
        Some((file, line)) if line.parse::<u32>().is_ok() => {
            vec![("file", file.to_owned()), ("line", line.to_owned())]
        }
        _ => vec![("file", place.to_owned())],
    }
}

/// One command. `%`, line ends, and in a property also `:` and `,`, are written by their numbers, as
/// the runner's own toolkit does: a name in the audited tree cannot begin another command.
fn command(text: &mut String, level: &str, properties: &[(&str, String)], words: &str) {
    let plain = |text: &str| {
        text.replace('%', "%25")
            .replace('\r', "%0D")
            .replace('\n', "%0A")
    };
    let property = |(name, value): &(&str, String)| {
        let value = plain(value).replace(':', "%3A").replace(',', "%2C");
        format!("{name}={value}")
    };
    let properties: Vec<String> = properties.iter().map(property).collect();
    let _ = writeln!(text, "::{level} {}::{}", properties.join(","), plain(words));
}

fn failing<'a>(gate: &Gate<'a>) -> impl Iterator<Item = (&'a Finding, Standing)> {
    let findings = gate.judgement.findings.iter();
    findings
        .filter(|(_, standing)| matches!(standing, Standing::Fails { .. }))
        .map(|(finding, standing)| (*finding, *standing))
}

/// An issue of GitLab's code quality report ("Code Quality report format", GitLab's
/// documentation).
#[derive(Serialize)]
struct Quality<'a> {
    description: String,
    check_name: &'a str,
    fingerprint: &'a str,
    severity: &'static str,
    location: Location,
}

#[derive(Serialize)]
struct Location {
    path: String,
    lines: Lines,
}

#[derive(Serialize)]
struct Lines {
    begin: u32,
}

/// What fails the gate as GitLab's code quality report.
#[must_use]
pub fn gitlab(gate: &Gate<'_>) -> String {
    let issues: Vec<Quality<'_>> = failing(gate)
        .map(|(finding, _)| {
            let place = first(finding);
            Quality {
                description: format!("{}: {}", finding.message, finding.fix),
                check_name: &finding.rule,
                fingerprint: &finding.fingerprint,
                severity: match finding.severity {
                    Severity::Blocker => "blocker",
                    Severity::Risk => "major",
                    Severity::Note => "info",
                },
                location: Location {
                    path: place.map_or_else(String::new, |(file, _)| gate.checkout.place(file)),
                    lines: Lines {
                        begin: place.and_then(|(_, line)| line).unwrap_or(1),
                    },
                },
            }
        })
        .collect();
    // Every key is a string and every number finite: nothing here can fail to be written.
    let mut text = serde_json::to_string_pretty(&issues).unwrap_or_default();
    text.push('\n');
    text
}
