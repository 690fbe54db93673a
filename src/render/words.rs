//! Words that the forms of a report share: what was audited, the answer, a piece of evidence.

use crate::fact::{Fact, LibraryStatus, Locus};
use crate::path::AppPath;
use crate::report::{Answer, Grade, MountKind, Plan, Severity, Status, Target};

/// What was audited, as it was named: packages and units, or else the paths.
pub(super) fn subjects(target: &Target) -> Vec<String> {
    let mut named: Vec<String> = Vec::new();
    named.extend(target.packages.iter().map(|name| format!("package {name}")));
    named.extend(target.units.iter().map(|name| format!("unit {name}")));
    if named.is_empty() {
        named.extend(target.scope.iter().map(|path| path.to_text().into_owned()));
    }
    named
}

/// What was audited in a line: the first three names, and how many more there are.
pub(super) fn subject(target: &Target) -> String {
    let mut named = subjects(target);
    let many = named.len();
    named.truncate(3);
    let mut title = named.join(", ");
    if many > 3 {
        title.push_str(&format!(" and {} more", many - 3));
    }
    title
}

/// The answer as a sentence without its stop.
pub(super) fn answer(answer: Answer) -> &'static str {
    match answer {
        Answer::Floats => "It floats",
        Answer::FloatsWithWork => "It floats with some work",
        Answer::DoesNotFloatYet => "It does not float yet",
        Answer::NotJudged => "Not judged",
    }
}

/// The heading under which findings of this severity stand.
pub(super) fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Blocker => "What blocks",
        Severity::Risk => "What may fail",
        Severity::Note => "Worth knowing",
    }
}

/// What stands before the message of a finding on weak evidence.
pub(super) fn doubt(status: Status) -> &'static str {
    if is_weak(status) { "suspected: " } else { "" }
}

/// Whether a finding rests on weak evidence, so that it does not block.
pub(super) fn is_weak(status: Status) -> bool {
    status == Status::Suspected
}

/// The word for a grade.
pub(super) fn grade(grade: Grade) -> &'static str {
    match grade {
        Grade::Easy => "easy",
        Grade::Moderate => "moderate",
        Grade::Difficult => "difficult",
        Grade::Unknown => "unknown",
    }
}

/// File, and line where there is one.
pub(super) fn place(at: &Locus) -> String {
    format!("{}{}", at.file, at.within())
}

/// The files that are mounted alone and that their program replaces by others (rename(2)), or may.
fn mounted_alone(plan: &Plan) -> Vec<(&'static str, String)> {
    let alone = plan
        .mounts
        .iter()
        .filter(|mount| mount.kind == MountKind::File);
    let replaced = alone.clone().filter(|mount| mount.replaced);
    let suspected = alone.filter_map(|mount| Some((&mount.path, mount.may_be_replaced.as_ref()?)));
    let named: Vec<String> = replaced.map(|mount| mount.path.to_string()).collect();
    let may_be: Vec<String> = suspected
        .map(|(path, at)| format!("{path} (by {})", place(at)))
        .collect();
    const HELP: &str = "let it keep the file in a directory of its own";
    let mut rows = Vec::new();
    if !named.is_empty() {
        let text = format!(
            "{}; over a mount that fails with EBUSY: {HELP}",
            named.join(", ")
        );
        rows.push(("replaced by renaming", text));
    }
    if !may_be.is_empty() {
        let text = format!("{}; where it fails with EBUSY, {HELP}", may_be.join(", "));
        rows.push(("may be replaced by renaming", text));
    }
    rows
}

/// A fact in a line: where, and what.
pub(super) fn evidence(fact: &Fact) -> String {
    format!("{}  {}", place(&fact.at), fact.what)
}

/// Whether a library is there for the program that needs it.
pub(super) fn is_found(status: LibraryStatus) -> bool {
    matches!(status, LibraryStatus::Resolved | LibraryStatus::ByHost)
}

/// The character itself, or how it is written where it would not show, would turn the text around
/// or is none that XML 1.0 can hold (section 2.2).
pub(super) fn visible(c: char) -> String {
    match c {
        // U+202A to U+202E and U+2066 to U+2069 turn the direction of text (Unicode TR 9).
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{fffe}' | '\u{ffff}' => {
            format!("\\u{{{:x}}}", u32::from(c))
        }
        _ if c.is_control() => format!("\\x{:02x}", u32::from(c)),
        _ => c.to_string(),
    }
}

/// What a container has besides its mounts: each with its name and what it is, where there is any.
pub(in crate::render) fn beside_mounts(plan: &Plan) -> Vec<(&'static str, String)> {
    let list = |paths: &mut dyn Iterator<Item = &AppPath>| -> String {
        paths
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join(", ")
    };
    let mut rows = vec![("in memory", list(&mut plan.scratch.iter().map(|s| &s.path)))];
    let name = plan.hostname.as_ref().map(|host| host.name.clone());
    rows.push(("host name", name.unwrap_or_default()));
    rows.extend(mounted_alone(plan));
    rows.push(("content in the image", list(&mut plan.content.iter())));
    let left = plan.left_behind.len();
    let first = list(&mut plan.left_behind.iter().take(3).map(|left| &left.path));
    let more = match left.saturating_sub(3) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    rows.push(("left behind", format!("{first}{more}")));
    rows.retain(|(_, text)| !text.is_empty());
    rows
}
