//! The chain of evidence for one thing: a rule, a path or a library.

use std::fmt::Write as _;

use crate::fact::{Fact, name_of};
use crate::path::AppPath;
use crate::report::{Library, Module, PathEntry, Report, RuleText};
use crate::rule::{Rule, Rules};

/// Why there is nothing to explain.
#[derive(Debug, thiserror::Error)]
pub enum ExplainError {
    /// Neither a rule nor, in the report, a path or a library has this name.
    #[error("{0} is no rule, and the report knows no path or library of that name")]
    Unknown(String),
    /// Without a report only rules are known.
    #[error("{0} is no rule; to explain a path or a library add --report FILE, a JSON report")]
    NoReport(String),
}

/// What is known of `subject`.
///
/// # Errors
/// When nothing is.
pub fn explain(subject: &str, report: Option<&Report>) -> Result<String, ExplainError> {
    // A rule of the user is known by the reports in which it fired.
    let told = report.and_then(|report| report.rules.get(subject));
    if let Some(text) = describe(subject, told) {
        let mut text = text;
        if let Some(report) = report {
            findings(&mut text, subject, report);
        }
        return Ok(text);
    }
    let Some(report) = report else {
        return Err(ExplainError::NoReport(subject.to_owned()));
    };
    let mut text = String::new();
    if subject.starts_with('/') {
        path(&mut text, &AppPath::from_text(subject), report);
    }
    for library in report
        .libraries
        .iter()
        .filter(|library| library.name == subject)
    {
        library_words(&mut text, library);
    }
    for module in report
        .modules
        .iter()
        .filter(|module| module.name == subject || module.or.iter().any(|other| other == subject))
    {
        module_words(&mut text, module);
    }
    if text.is_empty() {
        return Err(ExplainError::Unknown(subject.to_owned()));
    }
    Ok(text)
}

/// The text of a rule.
fn describe(id: &str, told: Option<&RuleText>) -> Option<String> {
    let (rules, _) = Rules::load([]);
    let words = rules.get(id).map(Rule::text).or_else(|| told.cloned())?;
    Some(format!(
        "{id}: the application {}\n\n{}\n",
        words.title, words.why
    ))
}

fn findings(text: &mut String, rule: &str, report: &Report) {
    let found: Vec<_> = report
        .findings
        .iter()
        .filter(|finding| finding.rule == rule)
        .collect();
    let _ = writeln!(text, "\nIn this report: {}", found.len());
    for finding in found {
        let _ = writeln!(text, "  {}", finding.message);
        facts(text, &finding.because, finding.more);
        let _ = writeln!(text, "  What to do: {}", finding.fix);
    }
}

fn path(text: &mut String, path: &AppPath, report: &Report) {
    for entry in report.paths.iter().filter(|entry| entry.path == *path) {
        entry_words(text, entry);
    }
    for mount in report
        .plan
        .mounts
        .iter()
        .filter(|mount| path.is_within(&mount.path))
    {
        let _ = writeln!(
            text,
            "Mounted through {} ({}, {}, {})",
            mount.path,
            name_of(mount.access),
            name_of(mount.class),
            name_of(mount.certainty),
        );
        facts(text, &mount.because, 0);
    }
    for left in &report.plan.left_behind {
        if path.is_within(&left.path) {
            let _ = writeln!(text, "Left behind: {}", left.reason);
        }
    }
    let below = report
        .paths
        .iter()
        .filter(|entry| entry.path.is_below(path))
        .count();
    if below > 0 {
        let _ = writeln!(text, "{below} paths below it are in the report");
    }
    for finding in &report.findings {
        let about = finding.because.iter().any(|fact| fact.at.file == *path);
        if about || finding.message.contains(&*path.to_text()) {
            let _ = writeln!(text, "Finding {}: {}", finding.rule, finding.message);
        }
    }
    traced(text, path, report);
    for library in &report.libraries {
        let real = [&library.path, &library.real_path];
        if real.into_iter().flatten().any(|found| found == path) {
            library_words(text, library);
        }
    }
    for module in &report.modules {
        let real = [&module.path, &module.real_path];
        if real.into_iter().flatten().any(|found| found == path) {
            module_words(text, module);
        }
    }
}

/// What a trace shows of the path, or of what lies below it.
fn traced(text: &mut String, path: &AppPath, report: &Report) {
    let Some(trace) = &report.trace else { return };
    let lists = [
        (&trace.declared_and_seen, "declared, and seen in the trace"),
        (
            &trace.seen_never_declared,
            "seen in the trace, never declared",
        ),
        (
            &trace.declared_never_seen,
            "declared, never seen in the trace",
        ),
    ];
    for (rows, words) in lists {
        for row in rows
            .iter()
            .filter(|row| path.is_within(&row.path) || row.path.is_within(path))
        {
            let _ = writeln!(text, "{} ({}): {words}", row.path, name_of(row.access));
            for done in &row.evidence {
                let program = done.program.as_ref().map(|path| format!(" by {path}"));
                let _ = writeln!(
                    text,
                    "  {} {}{}: {} × {}",
                    name_of(done.touch),
                    done.path,
                    program.unwrap_or_default(),
                    done.call,
                    done.count,
                );
            }
            if row.more > 0 {
                let _ = writeln!(text, "  and {} more", row.more);
            }
        }
    }
}

fn entry_words(text: &mut String, entry: &PathEntry) {
    let _ = writeln!(
        text,
        "{} is {} ({}), {}",
        entry.path,
        name_of(entry.class),
        name_of(entry.access),
        name_of(entry.certainty),
    );
    facts(text, &entry.because, entry.more);
    if entry.mount.is_none() {
        let _ = writeln!(
            text,
            "  It needs no mount: it belongs into the image, or the evidence is too weak."
        );
    }
}

fn library_words(text: &mut String, library: &Library) {
    let _ = writeln!(
        text,
        "{}: {}: {}",
        library.name,
        name_of(library.status),
        library.how
    );
    if let Some(path) = &library.path {
        let _ = writeln!(text, "  opened as {path}");
    }
    if let Some(path) = library
        .real_path
        .as_ref()
        .filter(|real| library.path.as_ref() != Some(real))
    {
        let _ = writeln!(text, "  which is {path}");
    }
    let package = library.package.as_deref().unwrap_or("no package");
    let _ = writeln!(
        text,
        "  {} answers for it; owned by {package}",
        name_of(library.owner)
    );
    for file in &library.needed_by {
        let _ = writeln!(text, "  needed by {file}");
    }
    if library.needed_by_more > 0 {
        let _ = writeln!(text, "  and by {} more", library.needed_by_more);
    }
}

fn module_words(text: &mut String, module: &Module) {
    let Module { name, how, .. } = module;
    let (status, kind) = (name_of(module.status), name_of(module.kind));
    let _ = writeln!(text, "{name} is opened by name ({kind}): {status}: {how}");
    if let Some(path) = &module.path {
        let _ = writeln!(text, "  opened as {path}");
    }
    let line = module.at.within();
    let _ = writeln!(
        text,
        "  {}, {} by {}{}",
        name_of(module.priority),
        name_of(module.certainty),
        module.at.file,
        line
    );
    let package = module.package.as_deref().unwrap_or("no package");
    let owner = name_of(module.owner);
    let _ = writeln!(text, "  {owner} answers for it; owned by {package}");
    for file in &module.opened_by {
        let _ = writeln!(text, "  opened by {file}");
    }
    if module.opened_by_more > 0 {
        let _ = writeln!(text, "  and by {} more", module.opened_by_more);
    }
}

fn facts(text: &mut String, facts: &[Fact], more: u64) {
    for fact in facts {
        let line = fact
            .at
            .line
            .map(|line| format!(":{line}"))
            .unwrap_or_default();
        let _ = writeln!(
            text,
            "  {}{line}  {}  [{}]",
            fact.at.file,
            fact.what,
            name_of(fact.certainty)
        );
    }
    if more > 0 {
        let _ = writeln!(text, "  and {more} more");
    }
}
