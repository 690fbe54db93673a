//! The report for a pull request: the answer and what blocks, with the rest folded.

mod custody;

use super::text::{bytes, count};
use super::words::{self, answer, doubt, grade, is_found, place, subject, visible};
use super::{Format, Style};
use crate::fact::{Fact, Issue, LibraryStatus, Priority, name_of};
use crate::report::{
    BaseAdvice, BaseVerdict, Finding, Grade, Module, Mount, MountKind, Report, Severity,
};

pub(super) const FORMAT: Format = Format {
    name: "markdown",
    ending: "md",
    about: "for a pull request: short, details folded",
    render,
};

/// How many lines of a list are shown unless all are asked for. A comment on a pull request holds
/// 65,536 characters on the larger forges.
const SHOWN: usize = 20;

/// How many pieces of evidence stand under a finding.
const EVIDENCE: usize = 3;

fn render(report: &Report, style: &Style) -> String {
    let mut page = Page {
        most: if style.all { usize::MAX } else { SHOWN },
        evidence: if style.all { usize::MAX } else { EVIDENCE },
        text: String::new(),
    };
    page.head(report);
    page.findings(report, Severity::Blocker);
    page.mounts(report);
    page.libraries(report);
    page.modules(report);
    page.bases(report);
    page.findings(report, Severity::Risk);
    page.findings(report, Severity::Note);
    page.custody(report);
    page.coverage(report);
    page.text
}

struct Page {
    /// How many lines of a list are shown.
    most: usize,
    /// How many facts under a finding are.
    evidence: usize,
    text: String,
}

impl Page {
    fn line(&mut self, text: &str) {
        self.text.push_str(text);
        self.text.push('\n');
    }

    fn head(&mut self, report: &Report) {
        let verdict = &report.verdict;
        self.line(&format!(
            "## {}: {}",
            code(&subject(&report.target)),
            answer(verdict.answer).to_lowercase()
        ));
        let system = report.target.system.as_ref();
        let system = system.map(|name| format!(" (on {})", prose(name)));
        let reason = prose(&verdict.reason);
        self.line(&format!("\n{reason}{}\n", system.unwrap_or_default()));
        self.line("| dimension | grade | why | smallest change |");
        self.line("|---|---|---|---|");
        for row in &report.dimensions {
            let word = match row.grade {
                Grade::Difficult | Grade::Unknown => format!("**{}**", grade(row.grade)),
                Grade::Easy | Grade::Moderate => grade(row.grade).to_owned(),
            };
            let improve = row.improve.as_deref().map(prose).unwrap_or_default();
            let reason = prose(&row.reason);
            let dimension = name_of(row.dimension);
            self.line(&format!("| {dimension} | {word} | {reason} | {improve} |"));
        }
    }

    /// Opens a folded section; what blocks is never folded.
    fn fold(&mut self, title: &str) {
        let text = format!("\n<details><summary>{title}</summary>\n");
        self.line(&text);
    }

    fn unfold(&mut self) {
        self.line("\n</details>");
    }

    /// Says how many of a list are not shown.
    fn rest(&mut self, all: usize) {
        if let Some(more @ 1..) = all.checked_sub(self.most) {
            self.line(&format!(
                "\n… and {more} more: `--all` shows them, and so do the HTML and JSON reports"
            ));
        }
    }

    fn findings(&mut self, report: &Report, severity: Severity) {
        let found: Vec<&Finding> = report
            .findings
            .iter()
            .filter(|finding| finding.severity == severity)
            .collect();
        if found.is_empty() {
            return;
        }
        let title = format!("{} ({})", words::severity(severity), found.len());
        let folded = severity != Severity::Blocker;
        if folded {
            self.fold(&title);
        } else {
            self.line(&format!("\n### {title}\n"));
        }
        for finding in found.iter().take(self.most) {
            self.finding(finding);
        }
        self.rest(found.len());
        if folded {
            self.unfold();
        }
    }

    fn finding(&mut self, finding: &Finding) {
        self.line(&format!(
            "- {}{} ({})",
            doubt(finding.status),
            prose(&finding.message),
            code(&finding.rule)
        ));
        for fact in finding.because.iter().take(self.evidence) {
            self.line(&format!("  - {}", evidence(fact)));
        }
        let hidden = finding.because.len().saturating_sub(self.evidence) as u64;
        let hidden = finding.more.saturating_add(hidden);
        if hidden > 0 {
            self.line(&format!(
                "  - and {}",
                count(hidden, "more fact", "more facts")
            ));
        }
        self.line(&format!("  - → {}", prose(&finding.fix)));
    }

    fn mounts(&mut self, report: &Report) {
        let mounts = &report.plan.mounts;
        if mounts.is_empty() {
            return;
        }
        self.fold(&format!("Mounts over a read-only root ({})", mounts.len()));
        self.line("| path | access | class | how known | size today | rests on |");
        self.line("|---|---|---|---|---|---|");
        for mount in mounts.iter().take(self.most) {
            let row = mount_row(mount);
            self.line(&row);
        }
        self.rest(mounts.len());
        self.line("");
        for (name, text) in words::beside_mounts(&report.plan) {
            self.line(&format!("- {name}: {}", prose(&text)));
        }
        self.unfold();
    }

    fn libraries(&mut self, report: &Report) {
        let libraries = &report.libraries;
        let lost: Vec<_> = libraries
            .iter()
            .filter(|library| !is_found(library.status))
            .collect();
        if lost.is_empty() {
            return;
        }
        self.fold(&format!(
            "Libraries that the loader will not find ({} of {})",
            lost.len(),
            libraries.len()
        ));
        self.line("| library | owner | why | needed by |");
        self.line("|---|---|---|---|");
        for library in lost.iter().take(self.most) {
            let needed = library.needed_by.first();
            let mut needed = needed.map(|path| cell(&path.to_text())).unwrap_or_default();
            let more = (library.needed_by.len() as u64).saturating_sub(1) + library.needed_by_more;
            if more > 0 {
                needed.push_str(&format!(" and {more} more"));
            }
            self.line(&format!(
                "| {} | {} | {} | {needed} |",
                cell(&library.name),
                name_of(library.owner),
                prose(&library.how),
            ));
        }
        self.rest(lost.len());
        self.unfold();
    }

    fn modules(&mut self, report: &Report) {
        let matters = |module: &&Module| {
            module.status == LibraryStatus::Missing && module.priority < Priority::Suggested
        };
        let lost: Vec<_> = report.modules.iter().filter(matters).collect();
        if lost.is_empty() {
            return;
        }
        self.fold(&format!(
            "Opened by name once it runs, and not found ({} of {})",
            lost.len(),
            report.modules.len()
        ));
        for module in lost.iter().take(self.most) {
            let (name, at) = (code(&module.name), code(&place(&module.at)));
            let kind = name_of(module.kind);
            let how = prose(&module.how);
            self.line(&format!("- {name} ({kind}), named in {at}: {how}"));
        }
        self.rest(lost.len());
        self.unfold();
    }

    fn bases(&mut self, report: &Report) {
        let able = |base: &&BaseAdvice| base.verdict < BaseVerdict::Unknown;
        let number = report.bases.iter().filter(able).count();
        if number == 0 {
            return;
        }
        self.fold(&format!(
            "Base images that will do ({number} of {})",
            report.bases.len()
        ));
        for base in report.bases.iter().filter(able).take(self.most) {
            let lacks: Vec<_> = base.lacks.iter().map(|lack| prose(&lack.need)).collect();
            let lacks = if lacks.is_empty() {
                String::new()
            } else {
                format!(", lacks {}", lacks.join(", "))
            };
            let image = code(&base.image);
            let verdict = name_of(base.verdict);
            self.line(&format!("- {image}: {verdict}{lacks}"));
        }
        self.rest(number);
        self.unfold();
    }

    fn coverage(&mut self, report: &Report) {
        let coverage = &report.coverage;
        let missed: u64 = coverage.counts.values().sum();
        let title = match missed {
            0 => "What was seen: everything that was found".to_owned(),
            _ => format!("What was not seen or not understood ({missed})"),
        };
        self.fold(&title);
        self.line(&format!(
            "{}, {} read ({}), {} not read\n",
            count(coverage.entries, "entry", "entries"),
            count(coverage.read, "file", "files"),
            bytes(coverage.bytes),
            coverage.unread,
        ));
        for (kind, number) in &coverage.counts {
            let of_kind = |issue: &&Issue| name_of(issue.kind) == *kind;
            let first = coverage.issues.iter().find(of_kind);
            let first = first.map(|issue| {
                let file = code(&place(&issue.at));
                format!(": {file} {}", prose(&issue.message))
            });
            let first = first.unwrap_or_default();
            self.line(&format!("- {} × {number}{first}", prose(kind)));
        }
        self.unfold();
    }
}

fn mount_row(mount: &Mount) -> String {
    let mut path = mount.path.to_text().into_owned();
    if mount.kind == MountKind::Dir && !mount.path.is_root() {
        path.push('/');
    }
    let size = mount.size_bytes.map_or_else(|| "not there".into(), bytes);
    let seed = if mount.seed { ", copy first" } else { "" };
    let because = mount.because.first();
    let because = because.map(|fact| format!("{} {}", cell(&place(&fact.at)), prose_of(fact)));
    format!(
        "| {} | {} | {} | {} | {size}{seed} | {} |",
        cell(&path),
        name_of(mount.access),
        name_of(mount.class),
        name_of(mount.certainty),
        because.unwrap_or_default(),
    )
}

fn evidence(fact: &Fact) -> String {
    format!("{} {}", code(&place(&fact.at)), prose_of(fact))
}

fn prose_of(fact: &Fact) -> String {
    prose(&fact.what.to_string())
}

/// `text` as Markdown text in one line: no markup, no link, no mention of a user and no reference to
/// an issue comes of it.
fn prose(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    let mut before = ' ';
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        let next = rest.peek().copied().unwrap_or(' ');
        match c {
            '\n' | '\t' => out.push(' '),
            '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '|' | '~' | '$' | '&' => {
                out.push('\\');
                out.push(c);
            }
            // An address alone becomes a link (GFM, section 6.9).
            ':' if next == '/' => out.push_str("\\:"),
            '.' if before.eq_ignore_ascii_case(&'w') => out.push_str("\\."),
            // Forges look for names and numbers after the Markdown is read; a comment parts them.
            '@' => out.push_str("@<!-- -->"),
            '#' if next.is_ascii_digit() => out.push_str("#<!-- -->"),
            _ => out.push_str(&visible(c)),
        }
        before = c;
    }
    out
}

/// `text` as a code span, in a fence longer than any that it holds (CommonMark, section 6.1).
fn code(text: &str) -> String {
    let text: String = text.chars().map(visible).collect();
    let longest = text
        .split(|c| c != '`')
        .map(str::len)
        .max()
        .unwrap_or_default();
    let fence = "`".repeat(longest + 1);
    let pad = if text.starts_with('`') || text.ends_with('`') || text.is_empty() {
        " "
    } else {
        ""
    };
    format!("{fence}{pad}{text}{pad}{fence}")
}

/// A code span in a table, where a bar would end the cell (GFM, section 4.10).
fn cell(text: &str) -> String {
    code(text).replace('|', "\\|")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_from_the_disk_is_never_markup() {
        for (text, want) in [
            ("<script>", "\\<script\\>"),
            ("a|b`c", "a\\|b\\`c"),
            ("[x](http://y)", "\\[x\\](http\\://y)"),
            ("www.example.org", "www\\.example.org"),
            ("@all fixes #1", "@<!-- -->all fixes #<!-- -->1"),
            ("a\n\n# b", "a  # b"),
        ] {
            assert_eq!(prose(text), want);
        }
    }

    #[test]
    fn a_code_span_holds_what_it_is_given() {
        for (text, want) in [
            ("/a", "`/a`"),
            ("/a`b", "``/a`b``"),
            ("`", "`` ` ``"),
            ("/a|b", "`/a\\|b`"),
            ("a\nb", "`a\\x0ab`"),
        ] {
            assert_eq!(cell(text), want);
        }
    }
}
