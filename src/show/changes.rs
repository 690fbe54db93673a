//! What differs between two reports, for people and for other programs.

use std::fmt::Write as _;

use serde::Serialize;
use serde_json::{Value, json};

use crate::diff::{Broken, Changes, Diff};
use crate::fact::name_of;
use crate::render::Style;
use crate::render::text::wrap;
use crate::report::{Finding, Grade, Library, Mount, Report};

use super::harmless;

/// What differs, in words: `+` is new, `-` is gone, `~` has changed. With `gate` its answer follows.
#[must_use]
pub fn diff_text(diff: &Diff<'_>, names: [&str; 2], gate: bool, style: &Style) -> String {
    let mut text = String::new();
    for (word, name, report) in [
        ("before", names[0], diff.before),
        ("after ", names[1], diff.after),
    ] {
        let answer = name_of(report.verdict.answer).replace('-', " ");
        let words = format!("{name}: {}: {answer}", subject(report));
        lines(&mut text, &format!("{word}  "), &words, style);
    }
    if diff.before.tool != diff.after.tool {
        let (was, is) = (&diff.before.tool.version, &diff.after.tool.version);
        let words = format!(
            "made by versions {was} and {is}: what differs may be the program's doing; scan both \
             with one version to be sure"
        );
        lines(&mut text, "note: ", &words, style);
    }
    if diff.is_empty() {
        text.push_str("\nnothing differs\n");
    }
    if !diff.grades.is_empty() {
        text.push_str("\nGrades\n");
    }
    for (dimension, was, is) in &diff.grades {
        let words = [name_of(dimension), name_of(was), name_of(is)];
        let _ = writeln!(
            text,
            "  ~ {:<14} {} → {}  ({})",
            words[0],
            words[1],
            words[2],
            direction(*was, *is)
        );
    }
    part(&mut text, "Findings", &diff.findings, finding_words, style);
    part(&mut text, "Mounts", &diff.mounts, mount_words, style);
    part(
        &mut text,
        "Libraries",
        &diff.libraries,
        library_words,
        style,
    );
    if gate {
        gate_words(&mut text, &diff.broken(), style);
    }
    harmless(&text)
}

fn subject(report: &Report) -> String {
    let target = &report.target;
    let scope: Vec<String> = target.scope.iter().map(ToString::to_string).collect();
    let named = [&target.packages[..], &target.units[..]].concat();
    if named.is_empty() {
        scope.join(" ")
    } else {
        named.join(" ")
    }
}

fn direction(was: Grade, is: Grade) -> &'static str {
    match (was, is) {
        (Grade::Unknown, _) => "was not known",
        (_, Grade::Unknown) => "no longer known",
        _ if is > was => "worse",
        _ => "better",
    }
}

fn part<T>(
    text: &mut String,
    title: &str,
    changes: &Changes<'_, T>,
    words: fn(&T) -> String,
    style: &Style,
) {
    if changes.is_empty() {
        return;
    }
    let _ = writeln!(
        text,
        "\n{title}: {} new, {} gone, {} changed",
        changes.new.len(),
        changes.gone.len(),
        changes.changed.len()
    );
    for one in &changes.new {
        lines(text, "  + ", &words(one), style);
    }
    for one in &changes.gone {
        lines(text, "  - ", &words(one), style);
    }
    for (was, is) in &changes.changed {
        lines(text, "  ~ ", &words(was), style);
        lines(text, "    → ", &words(is), style);
    }
}

fn finding_words(finding: &Finding) -> String {
    format!(
        "{} {} {} {}: {}",
        name_of(finding.severity),
        name_of(finding.status),
        name_of(finding.dimension),
        finding.rule,
        finding.message
    )
}

fn mount_words(mount: &Mount) -> String {
    format!(
        "{} {} {} {}",
        name_of(mount.access),
        mount.path,
        name_of(mount.class),
        name_of(mount.kind)
    )
}

fn library_words(library: &Library) -> String {
    let file = library.real_path.as_ref().or(library.path.as_ref());
    let file = file.map_or_else(String::new, |file| format!(" {file}"));
    let package = library.package.as_ref();
    let package = package.map_or_else(String::new, |name| format!(", package {name}"));
    format!(
        "{} {}{file} ({}{package})",
        library.name,
        name_of(library.status),
        name_of(library.owner)
    )
}

fn gate_words(text: &mut String, broken: &[Broken<'_>], style: &Style) {
    let failed = broken.iter().any(|broken| !broken.is_unseen());
    let (verdict, code) = match (failed, broken.is_empty()) {
        (true, _) => ("GATE FAILED", 31),
        (false, true) => ("GATE PASSED", 32),
        (false, false) => ("GATE NOT JUDGED", 31),
    };
    let verdict = if style.colour {
        format!("\x1b[1;{code}m{verdict}\x1b[0m")
    } else {
        verdict.to_owned()
    };
    let words = match broken.len() {
        0 => "every promised mount is there, and no grade is worse".to_owned(),
        1 => "1 promise is not kept".to_owned(),
        many => format!("{many} promises are not kept"),
    };
    let _ = writeln!(text, "\n{verdict}: {words}");
    for broken in broken {
        lines(text, "  ", &broken_words(broken), style);
    }
}

/// A promise that is not kept, and what to do.
fn broken_words(broken: &Broken<'_>) -> String {
    match broken {
        Broken::NoMount(mount) => format!(
            "no mount lies over {} ({}, {}): mount it, or what is written there is lost",
            mount.path,
            name_of(mount.access),
            name_of(mount.class)
        ),
        Broken::ReadOnly(mount) => format!(
            "{} ({}) is mounted read only and was to be writable",
            mount.path,
            name_of(mount.class)
        ),
        Broken::Worse(dimension, was, is) => format!(
            "{} is {} and was {}: see its findings above",
            name_of(dimension),
            name_of(is),
            name_of(was)
        ),
        Broken::NotKnown(dimension, was) => format!(
            "{} is not known and was {}: too little was seen; audit as a user who may read all",
            name_of(dimension),
            name_of(was)
        ),
    }
}

fn lines(text: &mut String, lead: &str, words: &str, style: &Style) {
    let width = lead.chars().count();
    let margin = " ".repeat(width.max(4));
    for (at, line) in wrap(words, style.width.saturating_sub(6).max(20))
        .iter()
        .enumerate()
    {
        let lead = if at == 0 { lead } else { &margin };
        let _ = writeln!(text, "{lead}{line}");
    }
}

/// The number of this form.
const SCHEMA: u32 = 1;

/// What differs, as JSON; with `gate` its answer too.
#[must_use]
pub fn diff_json(diff: &Diff<'_>, gate: bool) -> String {
    let report = |report: &Report| {
        json!({
            "target": report.target,
            "tool": report.tool,
            "answer": report.verdict.answer,
        })
    };
    let grade = |(dimension, was, is): &(_, Grade, Grade)| {
        json!({
            "dimension": dimension, "before": was, "after": is, "change": direction(*was, *is),
        })
    };
    let broken = diff.broken();
    let failed = broken.iter().any(|broken| !broken.is_unseen());
    let verdict = match (failed, broken.is_empty()) {
        (true, _) => "failed",
        (false, true) => "passed",
        (false, false) => "not-judged",
    };
    let words: Vec<String> = broken.iter().map(broken_words).collect();
    let gate = gate.then(|| json!({ "verdict": verdict, "broken": words }));
    let told = json!({
        "schema": SCHEMA,
        "before": report(diff.before),
        "after": report(diff.after),
        "grades": diff.grades.iter().map(grade).collect::<Vec<_>>(),
        "findings": told(&diff.findings, finding_value),
        "mounts": told(&diff.mounts, mount_value),
        "libraries": told(&diff.libraries, library_value),
        "gate": gate,
    });
    // Every key is a string and every number finite: nothing here can fail to be written.
    let mut text = serde_json::to_string_pretty(&told).unwrap_or_default();
    text.push('\n');
    text
}

#[derive(Serialize)]
struct Told {
    new: Vec<Value>,
    gone: Vec<Value>,
    changed: Vec<Value>,
}

fn told<T>(changes: &Changes<'_, T>, value: fn(&T) -> Value) -> Told {
    Told {
        new: changes.new.iter().map(|one| value(one)).collect(),
        gone: changes.gone.iter().map(|one| value(one)).collect(),
        changed: changes
            .changed
            .iter()
            .map(|(was, is)| json!({ "before": value(was), "after": value(is) }))
            .collect(),
    }
}

fn finding_value(finding: &Finding) -> Value {
    json!({
        "fingerprint": finding.fingerprint, "rule": finding.rule,
        "dimension": finding.dimension, "severity": finding.severity, "status": finding.status,
        "message": finding.message, "fix": finding.fix,
    })
}

fn mount_value(mount: &Mount) -> Value {
    json!({
        "path": mount.path, "kind": mount.kind, "access": mount.access, "class": mount.class,
        "certainty": mount.certainty,
    })
}

fn library_value(library: &Library) -> Value {
    json!({
        "name": library.name, "status": library.status, "path": library.path,
        "real_path": library.real_path, "package": library.package, "owner": library.owner,
    })
}
