//! Grades, findings and the text of the rules.

use maud::{Markup, html};

use super::evidence::{chunks, facts, search};
use crate::fact::name_of;
use crate::render::words::{doubt, grade, is_weak, severity};
use crate::report::{Dimension, DimensionGrade, Finding, Grade, Report, Severity};

/// How many findings stand under a grade; the list of findings has all.
const UNDER: usize = 8;

pub(super) fn grades(report: &Report) -> Markup {
    html! {
        @for row in &report.dimensions {
            details.row.grade-row {
                summary {
                    span.name { (name_of(row.dimension)) }
                    span.grade.(grade(row.grade)) { (grade(row.grade)) }
                    span.what { (row.reason) }
                }
                (under(report, row))
            }
        }
        p.hint {
            "The rows are those of the grading table in S. McCarty, "
            cite { "Architecting Containers, part 4" }
            " (2016), and two more, libraries and kernel. The worst certain finding decides."
        }
    }
}

/// What a grade rests on.
fn under(report: &Report, row: &DimensionGrade) -> Markup {
    let found: Vec<(usize, &Finding)> = report
        .findings
        .iter()
        .enumerate()
        .filter(|(_, finding)| finding.dimension == row.dimension)
        .collect();
    html! {
        div.body {
            @if let Some(improve) = &row.improve { p { strong { "Smallest change: " } (improve) } }
            @if row.grade == Grade::Unknown { p { "Too little was seen to say. That is not easy." } }
            @if !row.paths.is_empty() {
                p { "Paths that caused it:" }
                ul.facts { @for path in &row.paths { li { code { (path.to_text()) } } } }
            }
            @if !found.is_empty() {
                p { "Findings:" }
                ul.facts {
                    @for (at, finding) in found.iter().take(UNDER) {
                        li { a href=(format!("#f{at}")) { (finding.message) } " ("
                            (name_of(finding.severity)) ")" }
                    }
                    @if found.len() > UNDER {
                        li { "and " (found.len() - UNDER) " more in "
                            a href="#findings" { "the list" } }
                    }
                }
            }
        }
    }
}

pub(super) fn findings(report: &Report) -> Markup {
    let all: Vec<(usize, &Finding)> = report.findings.iter().enumerate().collect();
    html! {
        @if all.is_empty() { p { "No rule fired." } }
        @else { (search("finding-list", "Search in findings", choices(&all))) }
        div #finding-list {
            @for level in [Severity::Blocker, Severity::Risk, Severity::Note] {
                @let of: Vec<_> = all.iter().filter(|(_, f)| f.severity == level).collect();
                @if !of.is_empty() {
                    h3 { (severity(level)) " (" (of.len()) ")" }
                    (chunks(&of, |_, (at, finding)| row(report, *at, finding)))
                }
            }
        }
    }
}

fn choices(all: &[(usize, &Finding)]) -> Markup {
    let has = |dimension: &&Dimension| all.iter().any(|(_, f)| f.dimension == **dimension);
    html! {
        fieldset { legend { "Severity" }
            @for level in [Severity::Blocker, Severity::Risk, Severity::Note] {
                label { input type="checkbox" name="severity" value=(name_of(level)) checked; " "
                    (name_of(level)) }
            }
            label { input type="checkbox" name="weak" checked; " suspected too" }
        }
        label { "Dimension "
            select name="dimension" {
                option value="" { "all" }
                @for dimension in Dimension::ALL.iter().filter(has) {
                    option { (name_of(dimension)) }
                }
            }
        }
    }
}

fn row(report: &Report, at: usize, finding: &Finding) -> Markup {
    let has_text = report.rules.contains_key(&finding.rule);
    let level = name_of(finding.severity);
    html! {
        details.row.finding.(level) id=(format!("f{at}")) data-severity=(level)
            data-dimension=(name_of(finding.dimension)) data-weak[is_weak(finding.status)] {
            summary {
                span.level { (level) }
                span.what { (doubt(finding.status)) (finding.message) }
                span.aside { (name_of(finding.dimension)) }
            }
            div.body {
                p { strong { "What to do: " } (finding.fix) }
                (facts(&finding.because, finding.more))
                p.hint {
                    "Rule "
                    @if has_text { a href=(format!("#rule-{}", finding.rule)) { (finding.rule) } }
                    @else { (finding.rule) }
                    @if let Some(decides) = finding.grade { "; it makes this dimension " (grade(decides)) }
                    ". Fingerprint " code { (finding.fingerprint) } "."
                }
            }
        }
    }
}

pub(super) fn rules(report: &Report) -> Markup {
    html! {
        @if report.rules.is_empty() { p { "No rule fired." } }
        dl {
            @for (id, words) in &report.rules {
                dt id=(format!("rule-{id}")) { code { (id) } ": the application " (words.title) }
                dd { (words.why) }
            }
        }
    }
}
