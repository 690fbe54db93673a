//! The report for a person at a terminal: what matters first, within the width.
//!
//! Verdict, grades, what blocks, the mounts, what a trace says, the libraries that are missing, the base images, what
//! was not seen;
//! then the rest.

mod bases;
mod modules;
mod trace;

use std::fmt::Write as _;

use super::custody;
use super::text::{bytes, columns, count, shorten, wrap};
use super::words::{self, answer, doubt, evidence, grade, is_found, subject};
use super::{Format, Style};
use crate::fact::{Access, name_of};
use crate::report::{
    Answer, CustodyVerdict, Finding, Grade, Library, Mount, MountKind, Report, Severity,
};

pub(super) const FORMAT: Format = Format {
    name: "terminal",
    ending: "txt",
    about: "for a person at a terminal",
    render,
};

/// How many lines of each kind are shown unless all are asked for.
const SHOWN: usize = 12;

/// How many pieces of evidence stand under a finding.
const EVIDENCE: usize = 3;

struct Page<'a> {
    style: &'a Style,
    text: String,
}

#[derive(Clone, Copy)]
enum Ink {
    Plain,
    Bold,
    Dim,
    Good,
    Warn,
    Bad,
}

fn render(report: &Report, style: &Style) -> String {
    let mut page = Page {
        style,
        text: String::new(),
    };
    page.head(report);
    page.grades(report);
    page.findings(report, Severity::Blocker);
    page.mounts(report);
    page.trace(report);
    page.libraries(report);
    page.modules(report);
    page.bases(report);
    page.running(report);
    page.findings(report, Severity::Risk);
    page.findings(report, Severity::Note);
    page.custody(report);
    page.coverage(report);
    page.text
}

impl Page<'_> {
    fn ink(&self, ink: Ink, text: &str) -> String {
        let code = match ink {
            _ if !self.style.colour => return text.to_owned(),
            Ink::Plain => return text.to_owned(),
            Ink::Bold => "1",
            Ink::Dim => "2",
            Ink::Good => "32",
            Ink::Warn => "33",
            Ink::Bad => "1;31",
        };
        format!("\x1b[{code}m{text}\x1b[0m")
    }

    fn line(&mut self, text: &str) {
        self.text.push_str(text.trim_end());
        self.text.push('\n');
    }

    fn section(&mut self, title: &str) {
        let title = self.ink(Ink::Bold, title);
        self.text.push('\n');
        self.line(&title);
    }

    /// `text` wrapped, each line after `indent` blanks; the first after `lead` instead.
    fn block(&mut self, lead: &str, indent: usize, text: &str, ink: Ink) {
        let width = self.style.width.saturating_sub(indent).max(20);
        for (at, line) in wrap(text, width).iter().enumerate() {
            let line = self.ink(ink, line);
            if at == 0 {
                self.line(&format!("{lead}{line}"));
            } else {
                self.line(&format!("{:indent$}{line}", ""));
            }
        }
    }

    fn head(&mut self, report: &Report) {
        let target = &report.target;
        let mut title = subject(target);
        if let Some(system) = &target.system {
            let _ = write!(title, "  on {system}");
        }
        let title = shorten(&title, self.style.width);
        let title = self.ink(Ink::Bold, &title);
        self.line(&title);
        let ink = match report.verdict.answer {
            Answer::Floats => Ink::Good,
            Answer::FloatsWithWork | Answer::NotJudged => Ink::Warn,
            Answer::DoesNotFloatYet => Ink::Bad,
        };
        let words = self.ink(ink, &answer(report.verdict.answer).to_uppercase());
        self.text.push('\n');
        self.line(&words);
        self.block("", 0, &report.verdict.reason, Ink::Plain);
    }

    fn grades(&mut self, report: &Report) {
        self.text.push('\n');
        for row in &report.dimensions {
            let ink = match row.grade {
                Grade::Easy => Ink::Good,
                Grade::Moderate => Ink::Warn,
                Grade::Difficult => Ink::Bad,
                Grade::Unknown => Ink::Dim,
            };
            let word = self.ink(ink, &format!("{:<10}", grade(row.grade)));
            let lead = format!("  {:<14} {word} ", name_of(row.dimension));
            self.block(&lead, 28, &row.reason, Ink::Plain);
            if let Some(improve) = &row.improve {
                self.block(&format!("{:28}", ""), 28, &format!("→ {improve}"), Ink::Dim);
            }
        }
    }

    fn findings(&mut self, report: &Report, severity: Severity) {
        let title = words::severity(severity);
        let found: Vec<&Finding> = report
            .findings
            .iter()
            .filter(|finding| finding.severity == severity)
            .collect();
        if found.is_empty() {
            return;
        }
        self.section(&format!("{title} ({})", found.len()));
        let brief = severity == Severity::Note && !self.style.all;
        let shown = if self.style.all { found.len() } else { SHOWN };
        for finding in found.iter().take(shown) {
            self.finding(finding, brief);
        }
        self.rest(found.len(), shown);
    }

    fn finding(&mut self, finding: &Finding, brief: bool) {
        let ink = match finding.severity {
            Severity::Blocker => Ink::Bad,
            Severity::Risk => Ink::Warn,
            Severity::Note => Ink::Plain,
        };
        let doubt = doubt(finding.status);
        let mark = self.ink(ink, "•");
        self.block(
            &format!("  {mark} "),
            4,
            &format!("{doubt}{}", finding.message),
            Ink::Plain,
        );
        let rule = self.ink(Ink::Dim, &format!("    [{}]", finding.rule));
        if brief {
            return;
        }
        let shown = if self.style.all { usize::MAX } else { EVIDENCE };
        for fact in finding.because.iter().take(shown) {
            let text = shorten(&evidence(fact), self.style.width.saturating_sub(6));
            let text = self.ink(Ink::Dim, &text);
            self.line(&format!("      {text}"));
        }
        let hidden = (finding.because.len() as u64 + finding.more)
            .saturating_sub(finding.because.len().min(shown) as u64);
        if hidden > 0 {
            let text = self.ink(Ink::Dim, &format!("and {hidden} more"));
            self.line(&format!("      {text}"));
        }
        self.block("      → ", 8, &finding.fix, Ink::Plain);
        self.line(&rule);
    }

    fn rest(&mut self, all: usize, shown: usize) {
        if all > shown {
            let text = self.ink(
                Ink::Dim,
                &format!("  … {} more; --all shows them", all - shown),
            );
            self.line(&text);
        }
    }

    fn mounts(&mut self, report: &Report) {
        let mounts = &report.plan.mounts;
        if mounts.is_empty() {
            self.section("Mounts: none found");
            self.beside_mounts(report);
            return;
        }
        self.section(&format!("Mounts over a read-only root ({})", mounts.len()));
        let shown = if self.style.all {
            mounts.len()
        } else {
            SHOWN * 2
        };
        let room = self.style.width.saturating_sub(42).max(20);
        for mount in mounts.iter().take(shown) {
            let row = self.mount(mount, room);
            self.line(&row);
        }
        self.rest(mounts.len(), shown);
        self.beside_mounts(report);
    }

    /// What a container has besides its mounts, in a line each.
    fn beside_mounts(&mut self, report: &Report) {
        for (name, text) in words::beside_mounts(&report.plan) {
            let lines = wrap(
                &format!("{name}: {text}"),
                self.style.width.saturating_sub(2),
            );
            for line in lines {
                self.line(&format!("  {line}"));
            }
        }
    }

    fn mount(&self, mount: &Mount, room: usize) -> String {
        let mut path = mount.path.to_text().into_owned();
        if mount.kind == MountKind::Dir {
            path.push('/');
        }
        let path = shorten(&path, room);
        let pad = room.saturating_sub(columns(&path));
        let access = match mount.access {
            Access::Ro => self.ink(Ink::Dim, "ro"),
            Access::Rw => self.ink(Ink::Bold, "rw"),
        };
        let size = mount.size_bytes.map_or_else(|| "not there".into(), bytes);
        let seed = if mount.seed { " copy" } else { "" };
        format!(
            "  {access}  {path}{:pad$}  {:<8} {:<9} {size:>9}{seed}",
            "",
            name_of(mount.class),
            name_of(mount.certainty),
        )
    }

    fn libraries(&mut self, report: &Report) {
        let bad: Vec<&Library> = report
            .libraries
            .iter()
            .filter(|library| !is_found(library.status))
            .collect();
        if bad.is_empty() {
            return;
        }
        self.section(&format!(
            "Libraries that the loader will not find ({})",
            bad.len()
        ));
        let shown = if self.style.all { bad.len() } else { SHOWN };
        for library in bad.iter().take(shown) {
            let name = self.ink(Ink::Bold, &library.name);
            self.block(&format!("  {name}  "), 6, &library.how, Ink::Plain);
            if let Some(first) = library.needed_by.first() {
                let more = library.needed_by.len() as u64 - 1 + library.needed_by_more;
                let more = if more > 0 {
                    format!(" and {more} more")
                } else {
                    String::new()
                };
                let text = format!("needed by {first}{more}");
                let text = self.ink(
                    Ink::Dim,
                    &shorten(&text, self.style.width.saturating_sub(6)),
                );
                self.line(&format!("      {text}"));
            }
        }
        self.rest(bad.len(), shown);
    }

    fn running(&mut self, report: &Report) {
        let plan = &report.plan;
        if plan.start.is_empty() && plan.ports.is_empty() && plan.user.is_none() {
            return;
        }
        self.section("How it runs");
        let shown = if self.style.all { plan.start.len() } else { 4 };
        for start in plan.start.iter().take(shown) {
            self.block("  start     ", 12, &start.command.join(" "), Ink::Plain);
        }
        if plan.start.len() > shown {
            let text = format!("  … {} more; --all shows them", plan.start.len() - shown);
            let text = self.ink(Ink::Dim, &text);
            self.line(&text);
        }
        if let Some(user) = &plan.user {
            let uid = user
                .uid
                .map(|uid| format!(" (uid {uid})"))
                .unwrap_or_default();
            self.line(&format!("  user      {}{uid}", user.name));
        }
        if !plan.ports.is_empty() {
            let ports: Vec<String> = plan
                .ports
                .iter()
                .map(|port| match &port.protocol {
                    Some(protocol) => format!("{}/{} {protocol}", port.port, port.transport),
                    None => format!("{}/{}", port.port, port.transport),
                })
                .collect();
            self.block("  ports     ", 12, &ports.join(", "), Ink::Plain);
        }
    }

    /// One line; `verify --chain` shows the whole of it.
    fn custody(&mut self, report: &Report) {
        let Some(found) = &report.custody else { return };
        let ink = match found.verdict {
            CustodyVerdict::Holds => Ink::Good,
            CustodyVerdict::Broken => Ink::Bad,
        };
        let verdict = custody::verdict(found).to_uppercase();
        let words = format!(
            ": {}, {}",
            custody::Chain::of(found).summary(),
            custody::meaning(found)
        );
        let words = shorten(&words, self.style.width.saturating_sub(columns(&verdict)));
        let verdict = self.ink(ink, &verdict);
        self.text.push('\n');
        self.line(&format!("{verdict}{words}"));
    }

    fn coverage(&mut self, report: &Report) {
        let coverage = &report.coverage;
        self.section("What was seen");
        let mut text = format!(
            "{}, {} read ({})",
            count(coverage.entries, "entry", "entries"),
            count(coverage.read, "file", "files"),
            bytes(coverage.bytes),
        );
        if coverage.unread > 0 {
            let _ = write!(text, "; {} not read", coverage.unread);
        }
        self.block("  ", 2, &text, Ink::Plain);
        for (kind, number) in &coverage.counts {
            let first = coverage
                .issues
                .iter()
                .find(|issue| name_of(issue.kind) == *kind);
            let first = first.map(|issue| {
                let file = shorten(&issue.at.file.to_text(), self.style.width / 2);
                format!(": {file}: {}", issue.message)
            });
            let lead = self.ink(Ink::Warn, "!");
            let text = format!("{kind} × {number}{}", first.unwrap_or_default());
            self.block(&format!("  {lead} "), 4, &text, Ink::Plain);
        }
        if coverage.counts.is_empty() {
            self.line("  nothing was left out");
        }
    }
}
