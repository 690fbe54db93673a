//! The section on traces: how each log was understood, and what was seen beside what was found
//! without it.

use std::fmt::Write as _;

use super::{Ink, Page};
use crate::fact::{Access, Touch, name_of};
use crate::render::text::{columns, count, shorten};
use crate::report::{Report, TraceLog, TraceRow, TraceUse, TraceView};

/// How many rows of a list are shown unless all are asked for.
const ROWS: usize = 8;

/// How many logs are: of one run there may be one for each process.
const LOGS: usize = 3;

impl Page<'_> {
    pub(super) fn trace(&mut self, report: &Report) {
        let Some(trace) = &report.trace else { return };
        self.section("What the trace says");
        let shown = if self.style.all { usize::MAX } else { LOGS };
        for log in trace.logs.iter().take(shown) {
            self.log(log);
        }
        self.rest(trace.logs.len(), shown);
        self.whose(trace);
        let lists = [
            ("seen, never declared", &trace.seen_never_declared),
            ("declared and seen", &trace.declared_and_seen),
            ("declared, never seen", &trace.declared_never_seen),
        ];
        for (title, rows) in lists {
            self.rows(title, rows);
        }
        if trace.left_out > 0 {
            self.line(&format!("  {} more are in no list", trace.left_out));
        }
        if trace.collapsed > 0 {
            let many = count(trace.collapsed, "directory has", "directories have");
            self.block(
                "  ",
                2,
                &format!("{many} too many names to tell apart: * stands for them"),
                Ink::Dim,
            );
        }
    }

    fn log(&mut self, log: &TraceLog) {
        let mut text = format!(
            "{} ({}): {}, {}",
            log.name,
            name_of(log.form),
            count(log.lines, "line", "lines"),
            count(log.processes, "process", "processes"),
        );
        if log.not_understood > 0 {
            let first: Vec<String> = log
                .first_not_understood
                .iter()
                .map(u64::to_string)
                .collect();
            let _ = write!(
                text,
                "; {} not understood: line {}",
                log.not_understood,
                first.join(", ")
            );
            if log.not_understood > first.len() as u64 {
                text.push_str(", …");
            }
        }
        let lost = [
            (
                log.unplaced,
                "not used: relative to a directory the log does not tell (strace -y tells)",
            ),
            (log.cut, "not used: cut by strace (strace -s 4096 does not)"),
        ];
        for (number, why) in lost.into_iter().filter(|(number, _)| *number > 0) {
            let _ = write!(text, "; {} {why}", count(number, "path", "paths"));
        }
        if log.forgotten > 0 {
            let many = count(log.forgotten, "process", "processes");
            let _ = write!(text, "; {many} not followed to the end");
        }
        self.block("  ", 4, &text, Ink::Plain);
    }

    /// Whether the application is in the trace at all.
    fn whose(&mut self, trace: &TraceView) {
        let seen = trace.declared_and_seen.len() + trace.seen_never_declared.len();
        if seen > 0 || !trace.programs.is_empty() {
            return;
        }
        let text = match trace.others.first() {
            Some(other) => format!(
                "no program of the application is in the trace, only others, such as {other}"
            ),
            None => "no path that the application used can be told from it".into(),
        };
        let mark = self.ink(Ink::Warn, "!");
        self.block(&format!("  {mark} "), 4, &text, Ink::Plain);
    }

    fn rows(&mut self, title: &str, rows: &[TraceRow]) {
        if rows.is_empty() {
            return;
        }
        let title = self.ink(Ink::Bold, title);
        self.line(&format!("  {title} ({})", rows.len()));
        let shown = if self.style.all { rows.len() } else { ROWS };
        for row in rows.iter().take(shown) {
            self.row(row);
        }
        self.rest(rows.len(), shown);
    }

    fn row(&mut self, row: &TraceRow) {
        let room = self.style.width.saturating_sub(8);
        let access = match row.access {
            Access::Ro => self.ink(Ink::Dim, "ro"),
            Access::Rw => self.ink(Ink::Bold, "rw"),
        };
        let path = shorten(&row.path.to_text(), room);
        let Some(first) = row.evidence.first() else {
            return self.line(&format!("    {access}  {path}"));
        };
        let words = used(first);
        let left = room.saturating_sub(columns(&path) + 2);
        if columns(&words) <= left {
            let words = self.ink(Ink::Dim, &words);
            return self.line(&format!("    {access}  {path}  {words}"));
        }
        self.line(&format!("    {access}  {path}"));
        let words = self.ink(Ink::Dim, &shorten(&words, room - 4));
        self.line(&format!("            {words}"));
    }
}

/// A use in words: who, how, how often.
fn used(done: &TraceUse) -> String {
    let program = done.program.as_ref().map(|path| path.name());
    let program = program.map_or("it".into(), crate::path::escape);
    let verb = match done.touch {
        Touch::Names => "has",
        Touch::Runs => "runs",
        Touch::Reads => "reads",
        Touch::Removes => "removes",
        Touch::Grants => "grants",
        Touch::Creates => "creates",
        Touch::Writes => "writes",
    };
    format!("{program} {verb}: {} × {}", done.call, done.count)
}
