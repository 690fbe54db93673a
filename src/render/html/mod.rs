//! The report as one HTML file for everybody: it asks the network for nothing, shows itself on paper
//! and on a phone, in light and in dark, and works without its script but for filter and search.
//!
//! `maud` escapes every value that stands in the markup; nothing here hands it text as markup but the
//! style and the script, which are this program's own.

mod custody;
mod evidence;
mod graph;
mod judged;
mod libraries;
mod outside;
mod picture;
mod sizes;

pub use custody::custody_page;

use maud::{DOCTYPE, Markup, PreEscaped, html};
use sha2::{Digest as _, Sha256};

use super::text::{bytes, count};
use super::words::{answer, is_found, is_weak, place, subject, subjects, visible};
use super::{Format, Style};
use crate::fact::{Certainty, name_of};
use crate::report::{Answer, BaseVerdict, Grade, Report, Severity};

pub(super) const FORMAT: Format = Format {
    name: "html",
    ending: "html",
    about: "one file for a browser, a phone or paper",
    render,
};

const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("script.js");

/// The sections after the head: their anchor and their heading.
const SECTIONS: &[(&str, &str)] = &[
    ("grades", "Grades"),
    ("picture", "What goes where"),
    ("custody", "Custody"),
    ("findings", "Findings"),
    ("mounts", "Mounts"),
    ("libraries", "Libraries"),
    ("bases", "Base images"),
    ("run", "How it runs"),
    ("paths", "Paths"),
    ("coverage", "What is not known"),
    ("rules", "Rules"),
];

fn render(report: &Report, _: &Style) -> String {
    let title = format!(
        "{}: {}",
        subject(&report.target),
        answer(report.verdict.answer)
    );
    document(
        &title,
        Some(SCRIPT),
        html! {
            a.skip href="#findings" { "Skip to the findings" }
            (head(report))
            (contents(report))
            main {
                (section("grades", judged::grades(report)))
                (section("picture", picture::picture(report)))
                @if let Some(found) = &report.custody {
                    (section("custody", custody::custody(found)))
                }
                (section("findings", judged::findings(report)))
                (section("mounts", html! { (sizes::map(report)) (outside::mounts(report)) }))
                (section("libraries", html! {
                    (graph::graph(report)) (libraries::libraries(report))
                }))
                (section("bases", libraries::bases(report)))
                (section("run", outside::run(report)))
                (section("paths", outside::paths(report)))
                (section("coverage", coverage(report)))
                (section("rules", judged::rules(report)))
            }
            footer { p {
                "Made by " (report.tool.name) " " (report.tool.version)
                ". Every line rests on the facts below it; the JSON report has the same."
            } }
        },
        &format!("{} {}", report.tool.name, report.tool.version),
    )
}

/// A page of this program: its head, and `body`.
fn document(title: &str, script: Option<&str>, body: Markup, tool: &str) -> String {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(policy(script));
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="generator" content=(tool);
                title { (title) }
                // Without it a browser asks the server for one.
                link rel="icon" href="data:,";
                style { (PreEscaped(STYLE)) }
            }
            body {
                (body)
                @if let Some(script) = script { script { (PreEscaped(script)) } }
            }
        }
        "\n"
    };
    shown(page.into_string())
}

/// The page without a character that does not show or turns text around: the markup has none, so
/// each comes from the audited tree.
fn shown(page: String) -> String {
    let is_odd = |c: char| c != '\n' && visible(c).chars().ne([c]);
    if !page.contains(is_odd) {
        return page;
    }
    let mut out = String::with_capacity(page.len() + 64);
    for c in page.chars() {
        match c {
            '\n' => out.push(c),
            _ => out.push_str(&visible(c)),
        }
    }
    out
}

/// Only the page's own style and script, known by their digest (Content Security Policy Level 3,
/// section 6.7.2): markup that slipped in could run nothing and load nothing.
fn policy(script: Option<&str>) -> String {
    let script = script.map_or_else(
        || "'none'".to_owned(),
        |script| format!("'sha256-{}'", digest(script)),
    );
    format!(
        "default-src 'none'; style-src 'sha256-{}'; script-src {script}; img-src data:; \
         base-uri 'none'; form-action 'none'",
        digest(STYLE),
    )
}

/// The SHA-256 of a text in base64 (RFC 4648, section 4).
fn digest(text: &str) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for chunk in Sha256::digest(text.as_bytes()).chunks(3) {
        let byte = |at: usize| u32::from(chunk.get(at).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for at in 0..4 {
            if at > chunk.len() {
                out.push('=');
            } else {
                let index = bits >> (18 - 6 * at) & 63;
                out.push(char::from(LETTERS[index as usize]));
            }
        }
    }
    out
}

fn section(anchor: &str, content: Markup) -> Markup {
    let known = SECTIONS.iter().find(|(name, _)| *name == anchor);
    let heading = known.map_or(anchor, |(_, heading)| heading);
    html! {
        section id=(anchor) aria-labelledby=(format!("{anchor}-h")) {
            h2 id=(format!("{anchor}-h")) { (heading) }
            (content)
        }
    }
}

fn contents(report: &Report) -> Markup {
    let is_there = |(anchor, _): &&(&str, &str)| *anchor != "custody" || report.custody.is_some();
    html! {
        nav aria-label="Contents" { ul {
            @for (anchor, heading) in SECTIONS.iter().filter(is_there) {
                li { a href=(format!("#{anchor}")) { (heading) } }
            }
        } }
    }
}

fn head(report: &Report) -> Markup {
    let verdict = &report.verdict;
    let tone = match verdict.answer {
        Answer::Floats => "good",
        Answer::FloatsWithWork => "warn",
        Answer::DoesNotFloatYet => "bad",
        Answer::NotJudged => "dim",
    };
    let names = subjects(&report.target);
    html! {
        header {
            p.kicker { "Readiness for a container" }
            h1 { (subject(&report.target)) }
            @if let Some(system) = &report.target.system { p.system { "on " (system) } }
            div.verdict.(tone) {
                p.answer { (answer(verdict.answer)) }
                p { (verdict.reason) }
            }
            (numbers(report))
            @if names.len() > 3 {
                details { summary { (names.len()) " names of the scope" }
                    ul.plain { @for name in &names { li { code { (name) } } } } }
            }
        }
    }
}

/// How much there is of what a reader looks for first, with the way to it.
fn numbers(report: &Report) -> Markup {
    let of = |severity| {
        let found = report.findings.iter();
        found.filter(|finding| finding.severity == severity).count() as u64
    };
    let lost = report
        .libraries
        .iter()
        .filter(|library| !is_found(library.status));
    let missed: u64 = report.coverage.counts.values().sum();
    let unknown = report
        .dimensions
        .iter()
        .filter(|row| row.grade == Grade::Unknown);
    let numbers = [
        ("#findings", of(Severity::Blocker), "blocker", "blockers"),
        ("#findings", of(Severity::Risk), "risk", "risks"),
        ("#findings", of(Severity::Note), "note", "notes"),
        (
            "#mounts",
            report.plan.mounts.len() as u64,
            "mount",
            "mounts",
        ),
        (
            "#libraries",
            lost.count() as u64,
            "library not found",
            "libraries not found",
        ),
        (
            "#grades",
            unknown.count() as u64,
            "grade not known",
            "grades not known",
        ),
        ("#coverage", missed, "thing not seen", "things not seen"),
    ];
    html! {
        ul.numbers {
            @for (link, number, one, many) in numbers.into_iter().filter(|row| row.1 > 0) {
                li { a href=(link) { (count(number, one, many)) } }
            }
        }
    }
}

fn coverage(report: &Report) -> Markup {
    let coverage = &report.coverage;
    let unknown: Vec<_> = report
        .dimensions
        .iter()
        .filter(|row| row.grade == Grade::Unknown)
        .collect();
    html! {
        p {
            (count(coverage.entries, "entry", "entries")) " found, "
            (count(coverage.read, "file", "files")) " read (" (bytes(coverage.bytes)) "), "
            (coverage.unread) " not read."
        }
        (unsure(report))
        @if !unknown.is_empty() {
            h3 { "Grades that are not known" }
            ul { @for row in unknown { li { strong { (name_of(row.dimension)) } ": " (row.reason) } } }
        }
        h3 { "Not seen, or not understood" }
        @if coverage.counts.is_empty() { p { "Nothing was left out." } }
        @for (kind, number) in &coverage.counts {
            @let listed: Vec<_> = coverage.issues.iter()
                .filter(|issue| name_of(issue.kind) == *kind).collect();
            details.row {
                summary { span.what { (kind) } span.aside { (number) } }
                ul.facts {
                    @for issue in &listed {
                        li { code { (place(&issue.at)) } " " (issue.message) }
                    }
                    @if let Some(more @ 1..) = number.checked_sub(listed.len() as u64) {
                        li { "and " (more) " more, which the report counts and does not list" }
                    }
                }
            }
        }
    }
}

/// What the report says on weak evidence.
fn unsure(report: &Report) -> Markup {
    let weak = report.findings.iter().filter(|f| is_weak(f.status)).count();
    let guessed = |certainty: Certainty| certainty == Certainty::Guessed;
    let mounts = &report.plan.mounts;
    let mounts = mounts.iter().filter(|m| guessed(m.certainty)).count();
    let paths = report.paths.iter().filter(|p| guessed(p.certainty)).count();
    let bases = &report.bases;
    let bases = bases
        .iter()
        .filter(|b| b.verdict == BaseVerdict::Unknown)
        .count();
    let numbers = [
        (weak, "finding is suspected", "findings are suspected"),
        (mounts, "mount is guessed", "mounts are guessed"),
        (paths, "path is guessed", "paths are guessed"),
        (
            bases,
            "base image is not known to do",
            "base images are not known to do",
        ),
    ];
    html! {
        @if numbers.iter().any(|row| row.0 > 0) {
            h3 { "On weak evidence" }
            ul { @for (number, one, many) in numbers.into_iter().filter(|row| row.0 > 0) {
                li { (count(number as u64, one, many)) }
            } }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_are_as_other_programs_make_them() {
        // printf '' | openssl dgst -sha256 -binary | base64
        assert_eq!(digest(""), "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
    }

    #[test]
    fn style_and_script_hold_nothing_that_would_end_them() {
        for own in [STYLE, SCRIPT] {
            assert!(!own.contains("</") && !own.contains("http"), "{own}");
        }
    }
}
