//! The gate's verdict for people: what failed it and why, and what to do next.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::{Gate, harmless, verdict_words};
use crate::fact::name_of;
use crate::path::AppPath;
use crate::policy::places::{first, subject};
use crate::policy::{Lack, Notice, Standing, Verdict};
use crate::render::Style;
use crate::render::text::{count, wrap};
use crate::report::Finding;

/// The verdict, what fails the gate, what deserves a look, and the next step. With `style.all` the
/// findings that do not fail it stand there too.
#[must_use]
pub fn text(gate: &Gate<'_>, style: &Style) -> String {
    let mut text = String::new();
    headline(&mut text, gate, style);
    for lack in &gate.judgement.lacks {
        paragraph(&mut text, "too little was seen: ", &lack_words(lack), style);
    }
    for (finding, standing) in &gate.judgement.findings {
        if style.all || matches!(standing, Standing::Fails { .. }) {
            finding_words(&mut text, gate, finding, *standing, style);
        }
    }
    let notices = &gate.judgement.notices;
    if !notices.is_empty() {
        text.push('\n');
    }
    for (notice, fails) in notices {
        let (place, words) = notice_words(gate, notice);
        let level = if *fails { "error" } else { "warning" };
        paragraph(
            &mut text,
            &format!("{level}: "),
            &format!("{place}: {words}"),
            style,
        );
    }
    rest(&mut text, gate, style);
    next(&mut text, gate, style);
    harmless(&text)
}

fn headline(text: &mut String, gate: &Gate<'_>, style: &Style) {
    let verdict = gate.judgement.verdict;
    let words = verdict_words(verdict).to_uppercase();
    let code = if verdict == Verdict::Passed { 32 } else { 31 };
    let words = if style.colour {
        format!("\x1b[1;{code}m{words}\x1b[0m")
    } else {
        words
    };
    let failing = gate.judgement.failing().count();
    let all = gate.judgement.findings.len();
    let of = count(all as u64, "finding", "findings");
    let by = gate
        .config_file
        .unwrap_or("no seaworthy.toml: the defaults hold");
    let fail = if failing == 1 { "fails" } else { "fail" };
    let _ = writeln!(text, "{words}: {failing} of {of} {fail} ({by})");
}

/// A finding with its standing, place, reason and fix.
fn finding_words(
    text: &mut String,
    gate: &Gate<'_>,
    finding: &Finding,
    standing: Standing,
    style: &Style,
) {
    let head = [
        name_of(finding.severity),
        name_of(finding.dimension),
        finding.rule.clone(),
    ];
    let _ = writeln!(text, "\n  {}  [{}]", head.join("  "), finding.fingerprint);
    paragraph(text, "    ", &finding.message, style);
    if let Some((file, line)) = first(finding) {
        let line = line.map_or_else(String::new, |line| format!(":{line}"));
        let _ = writeln!(text, "    at {file}{line}");
    }
    paragraph(text, "    ", &standing_words(gate, standing), style);
    if matches!(standing, Standing::Fails { .. }) {
        paragraph(text, "    → ", &finding.fix, style);
    }
}

/// Why a finding does or does not fail the gate.
pub(super) fn standing_words(gate: &Gate<'_>, standing: Standing) -> String {
    let line = |at: usize| gate.config.allows[at].line;
    let config = gate.config_name();
    match standing {
        Standing::Fails { expired: Some(at) } => {
            let allow = &gate.config.allows[at];
            let until = allow.until.map_or_else(String::new, |day| day.to_string());
            format!(
                "fails: its allowance ({config}:{}) expired on {until}",
                allow.line
            )
        }
        Standing::Fails { expired: None } if gate.baseline_file.is_some() => {
            "fails: neither allowed nor in the baseline".to_owned()
        }
        Standing::Fails { expired: None } => "fails: not allowed".to_owned(),
        Standing::Allowed(at) => {
            let allow = &gate.config.allows[at];
            let until = allow
                .until
                .map_or_else(String::new, |day| format!(" until {day}"));
            format!("allowed{until} ({config}:{}): {}", line(at), allow.reason())
        }
        Standing::Baselined => "known: in the baseline".to_owned(),
        Standing::Milder => "not asked for: milder than what fails".to_owned(),
        Standing::Suspected => "not asked for: suspected only".to_owned(),
    }
}

/// Place and words of something that deserves a look.
pub(super) fn notice_words(gate: &Gate<'_>, notice: &Notice) -> (String, String) {
    let allow = |at: usize| {
        let allow = &gate.config.allows[at];
        let owner = allow.owner.as_deref();
        let owner = owner.map_or_else(String::new, |owner| format!(" ({owner})"));
        let place = format!("{}:{}", gate.config_name(), allow.line);
        (place, allow, owner)
    };
    let baseline = gate
        .baseline_file
        .unwrap_or(crate::policy::BASELINE)
        .to_owned();
    match notice {
        Notice::UnusedAllow(at) => {
            let (place, allow, owner) = allow(*at);
            let words = format!(
                "no finding needs this allowance of {}{owner}: remove it",
                allow.rule()
            );
            (place, words)
        }
        Notice::ExpiredAllow(at) => {
            let (place, allow, owner) = allow(*at);
            let until = allow.until.map_or_else(String::new, |day| day.to_string());
            let words = format!(
                "this allowance of {}{owner} expired on {until}: fix what it covered, or decide \
                 anew",
                allow.rule()
            );
            (place, words)
        }
        Notice::StaleBaseline(entry) => {
            let words = format!(
                "{} ({}) is gone: {}; --update-baseline takes it out",
                entry.rule, entry.fingerprint, entry.message
            );
            (baseline, words)
        }
        Notice::ChangedBaseline(entry, message) => {
            let words = format!(
                "{} ({}) said: {}; it says: {message}",
                entry.rule, entry.fingerprint, entry.message
            );
            (baseline, words)
        }
    }
}

/// Why too little was seen.
pub(super) fn lack_words(lack: &Lack) -> String {
    match lack {
        Lack::Nothing => "there is nothing in the scope".to_owned(),
        Lack::NothingRead => "no file was read".to_owned(),
        Lack::Unread { unread, all } => format!("{unread} of {all} files could not be read"),
        Lack::Unknown(dimensions) => {
            let names: Vec<String> = dimensions.iter().map(name_of).collect();
            format!("no grade for {}", names.join(", "))
        }
        Lack::Gaps(paths) => {
            let names: Vec<String> = paths.iter().take(3).map(ToString::to_string).collect();
            let more = match paths.len().saturating_sub(3) {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            format!(
                "{}{more} could not be read, or is not there",
                names.join(", ")
            )
        }
        Lack::StartsNothing(why) => why.clone(),
        Lack::Issues { kind, count: times } => format!(
            "{} of kind {}, which must not occur",
            count(*times, "issue", "issues"),
            name_of(kind)
        ),
    }
}

/// What does not fail the gate, counted.
fn rest(text: &mut String, gate: &Gate<'_>, style: &Style) {
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    for (_, standing) in &gate.judgement.findings {
        let word = match standing {
            Standing::Fails { .. } => continue,
            Standing::Allowed(_) => "allowed",
            Standing::Baselined => "in the baseline",
            Standing::Milder => "milder than what fails",
            Standing::Suspected => "suspected only",
        };
        *counts.entry(word).or_default() += 1;
    }
    if counts.is_empty() {
        return;
    }
    let parts: Vec<String> = counts
        .iter()
        .map(|(word, number)| format!("{number} {word}"))
        .collect();
    let hint = if style.all { "" } else { " (--all lists them)" };
    text.push('\n');
    paragraph(
        text,
        "do not fail: ",
        &format!("{}{hint}", parts.join(", ")),
        style,
    );
}

fn next(text: &mut String, gate: &Gate<'_>, style: &Style) {
    match gate.judgement.verdict {
        Verdict::Passed => {}
        Verdict::NotJudged => {
            text.push('\n');
            let words = "run the audit as a user who may read everything, on the whole root; or \
                         say under [coverage] what is enough";
            paragraph(text, "next: ", words, style);
        }
        Verdict::Failed => {
            let Some(finding) = gate.judgement.failing().next() else {
                return;
            };
            text.push('\n');
            let words = format!(
                "fix these, or let one stay by an entry in {}:",
                gate.config_name()
            );
            paragraph(text, "next: ", &words, style);
            text.push_str(&entry_words(finding));
            let words = "or start from today's state with --update-baseline";
            paragraph(text, "  ", words, style);
        }
    }
}

/// An allowance that would cover a finding, ready to be copied.
fn entry_words(finding: &Finding) -> String {
    let mut lines = vec![
        "[[allow]]".to_owned(),
        format!("rule = {}", quoted(&finding.rule)),
    ];
    match common(finding) {
        Some(path) if finding.more == 0 => lines.push(format!("path = {}", quoted(&path))),
        _ => lines.push(format!("fingerprint = {}", quoted(&finding.fingerprint))),
    }
    lines.push("reason = \"…\"".to_owned());
    lines.iter().fold(String::new(), |mut text, line| {
        let _ = writeln!(text, "    {line}");
        text
    })
}

/// A pattern for all that a finding is about; nothing when no directory of its own holds it, or when
/// a name has a character that patterns read otherwise.
fn common(finding: &Finding) -> Option<String> {
    let mut paths = finding.because.iter().map(subject);
    let first = paths.next()?;
    let mut shared: AppPath = first.clone();
    let mut is_one = true;
    for path in paths {
        while !path.is_within(&shared) {
            shared = shared.parent()?;
        }
        is_one &= path == first;
    }
    let plain = |c: char| c.is_alphanumeric() || "/._-+@:, ".contains(c);
    let text = shared.to_text();
    let named = shared.depth() >= 2 && text.chars().all(plain);
    named.then(|| {
        if is_one {
            text.into_owned()
        } else {
            format!("{text}/**")
        }
    })
}

/// A TOML string.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// `words` behind `lead`, wrapped; later lines are indented like the first.
fn paragraph(text: &mut String, lead: &str, words: &str, style: &Style) {
    let width = lead.chars().count();
    let margin = " ".repeat(width.min(6));
    let lines = wrap(words, style.width.saturating_sub(width).max(20));
    for (at, line) in lines.iter().enumerate() {
        let lead = if at == 0 { lead } else { &margin };
        let _ = writeln!(text, "{lead}{line}");
    }
}
