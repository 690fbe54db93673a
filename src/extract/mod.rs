//! One file in, facts out: a table of extractors, each for one kind of source.
//!
//! An extractor gets bytes and never a path of this machine; what it cannot make sense of is an
//! issue, and a panic in one is caught and costs that file only.

pub mod accounts;
pub mod argument;
pub mod asks;
mod caddyfile;
mod calls;
mod code_ports;
mod config;
pub mod content;
pub mod cron;
mod elf;
pub mod env_file;
pub mod environment;
pub mod fstab;
mod home;
pub mod inetd;
pub mod kernel;
#[cfg(feature = "scripting")]
mod languages;
pub mod literal;
pub mod logrotate;
pub mod managers;
pub mod place;
pub mod program;
pub mod script;
mod secrets;
mod service_ports;
pub mod shell;
pub mod shell_line;
pub mod start;
pub mod start_ports;
pub mod supervisor;
#[cfg(test)]
pub(crate) mod testing;
pub mod tmpfiles;
pub mod unit;
mod unread;
pub mod upstart;
pub mod withhold;

pub use config::UNREAD_FORM;

use std::cell::OnceCell;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::fact::{
    Certainty, Class, Fact, Issue, IssueKind, Kind, Locus, Source, Stat, Touch, What,
};
use crate::parse::read::ReadAt;
use crate::path::AppPath;

/// How much of a text file is read. Configuration and scripts are far smaller; what lies beyond
/// is reported.
pub const TEXT_LIMIT: usize = 8 << 20;

/// How much is read of a file to see what it is.
pub const HEAD: usize = 4096;

/// A file as extractors see it.
pub struct Input<'a> {
    /// Its path.
    pub path: &'a AppPath,
    /// What the disk says about it.
    pub stat: &'a Stat,
    /// Its first bytes, at most [`HEAD`].
    pub head: &'a [u8],
    /// Its content.
    pub source: &'a dyn ReadAt,
    text: OnceCell<Vec<u8>>,
    is_text: OnceCell<bool>,
}

impl<'a> Input<'a> {
    /// A file with its first bytes.
    #[must_use]
    pub fn new(path: &'a AppPath, stat: &'a Stat, head: &'a [u8], source: &'a dyn ReadAt) -> Self {
        Self {
            path,
            stat,
            head,
            source,
            text: OnceCell::new(),
            is_text: OnceCell::new(),
        }
    }

    /// The first [`TEXT_LIMIT`] bytes; what could be read of them when the medium fails.
    #[must_use]
    pub fn text(&self) -> &[u8] {
        if self.stat.size <= self.head.len() as u64 {
            return self.head;
        }
        self.text
            .get_or_init(|| self.source.bytes_at(0, TEXT_LIMIT).unwrap_or_default())
    }

    /// Whether the first bytes look like text: no NUL, and few control characters.
    #[must_use]
    pub fn is_text(&self) -> bool {
        *self.is_text.get_or_init(|| {
            let odd = |b: &&u8| **b < 32 && !matches!(**b, b'\t' | b'\n' | b'\r' | 0x0c | 0x1b);
            !self.head.contains(&0) && self.head.iter().filter(odd).count() * 50 <= self.head.len()
        })
    }

    /// The interpreter line's program and argument, without `#!`.
    #[must_use]
    pub fn interpreter(&self) -> Option<&'a [u8]> {
        let line = self
            .head
            .strip_prefix(b"#!")?
            .split(|&b| b == b'\n')
            .next()?;
        // `#! .` heads a list of symbols for the linker of AIX; no kernel runs a directory.
        Some(line.trim_ascii()).filter(|line| line != b".")
    }
}

/// What an extractor found.
#[derive(Debug, Default)]
pub struct Out {
    /// Facts.
    pub facts: Vec<Fact>,
    /// What was not understood.
    pub issues: Vec<Issue>,
}

impl Out {
    /// Whether there is anything in it.
    #[must_use]
    pub fn tells(&self) -> bool {
        !(self.facts.is_empty() && self.issues.is_empty())
    }

    /// Adds a fact.
    pub fn fact(&mut self, at: Locus, certainty: Certainty, what: What) {
        self.facts.push(Fact {
            at,
            what,
            certainty,
        });
    }

    /// Adds a path that is named at `at`.
    pub fn path(&mut self, at: Locus, certainty: Certainty, path: AppPath, found: Named<'_>) {
        let Named {
            touch,
            source,
            by,
            kind,
            class,
        } = found;
        let what = What::Path {
            path,
            touch,
            source,
            by: by.to_owned(),
            kind,
            class,
        };
        self.facts.push(Fact {
            at,
            what,
            certainty,
        });
    }

    /// Adds an issue.
    pub fn issue(&mut self, at: Locus, kind: IssueKind, message: impl Into<String>) {
        self.issues.push(Issue {
            at,
            kind,
            message: message.into(),
        });
    }
}

/// How a path is named: the part of [`What::Path`] besides the path.
#[derive(Clone, Copy, Debug)]
pub struct Named<'a> {
    /// What is done to it.
    pub touch: Touch,
    /// The kind of source.
    pub source: Source,
    /// The key, option, command or call.
    pub by: &'a str,
    /// Directory or file, where the source says so.
    pub kind: Option<Kind>,
    /// What it is for, where the source says so.
    pub class: Option<Class>,
}

/// One kind of source.
#[derive(Clone, Copy)]
pub struct Extractor {
    /// Its name, for messages.
    pub name: &'static str,
    /// Whether it has something to say about a file: cheap, from path, stat and head.
    pub wants: fn(&Input<'_>) -> bool,
    /// Reads the file.
    pub run: fn(&Input<'_>, &mut Out),
}

#[cfg(feature = "scripting")]
pub use languages::{
    endings, language_of, language_of_interpreter, of_program, runs_outside_browsers,
};

/// Every extractor; an empty table reads nothing.
pub const EXTRACTORS: &[Extractor] = &[
    #[cfg(feature = "scripting")]
    languages::JAVASCRIPT,
    #[cfg(feature = "scripting")]
    languages::PERL,
    #[cfg(feature = "scripting")]
    languages::PHP,
    #[cfg(feature = "scripting")]
    languages::PYTHON,
    #[cfg(feature = "scripting")]
    languages::RUBY,
    #[cfg(feature = "scripting")]
    languages::TYPESCRIPT,
    accounts::EXTRACTOR,
    asks::EXTRACTOR,
    asks::PHP_SETTINGS,
    caddyfile::EXTRACTOR,
    code_ports::EXTRACTOR,
    config::EXTRACTOR,
    content::EXTRACTOR,
    content::JAR,
    cron::EXTRACTOR,
    elf::EXTRACTOR,
    env_file::EXTRACTOR,
    fstab::EXTRACTOR,
    home::EXTRACTOR,
    inetd::EXTRACTOR,
    kernel::EXTRACTOR,
    literal::EXTRACTOR,
    logrotate::EXTRACTOR,
    managers::EXTRACTOR,
    script::EXTRACTOR,
    service_ports::EXTRACTOR,
    shell::EXTRACTOR,
    supervisor::EXTRACTOR,
    tmpfiles::EXTRACTOR,
    unit::EXTRACTOR,
    unread::EXTRACTOR,
    upstart::EXTRACTOR,
];

/// Runs every extractor that wants `input`.
#[must_use]
pub fn extract(input: &Input<'_>) -> Out {
    let mut out = Out::default();
    for extractor in EXTRACTORS {
        // The text is read once and only grows whole: seeing it after a panic is sound.
        let run = AssertUnwindSafe(|| {
            let mut part = Out::default();
            if (extractor.wants)(input) {
                (extractor.run)(input, &mut part);
            }
            part
        });
        match catch_unwind(run) {
            Ok(part) => {
                out.facts.extend(part.facts);
                out.issues.extend(part.issues);
            }
            Err(_) => out.issue(
                Locus::file(input.path),
                IssueKind::Internal,
                format!(
                    "the {} reader failed on this file; please report it",
                    extractor.name
                ),
            ),
        }
    }
    // Last of all: what the readers of a form have told is not told again.
    let facts = catch_unwind(AssertUnwindSafe(|| {
        let mut all = std::mem::take(&mut out);
        secrets::scan(input, &mut all);
        all
    }));
    match facts {
        Ok(all) => all,
        Err(_) => {
            out.issue(
                Locus::file(input.path),
                IssueKind::Internal,
                "the reader of secrets failed on this file; please report it",
            );
            out
        }
    }
}

/// The secrets of a file, by its name and by its text, and nothing else.
#[must_use]
pub fn secrets(input: &Input<'_>) -> Vec<Fact> {
    let mut out = Out::default();
    secrets::scan(input, &mut out);
    out.facts
}

/// What a package's installation script does: `at` is the file, or the database that holds it.
#[must_use]
pub fn installation_script(at: &AppPath, text: &[u8]) -> Out {
    let stat = Stat::regular(text.len() as u64, 0o755);
    let head = &text[..text.len().min(HEAD)];
    let mut out = extract(&Input::new(at, &stat, head, &text));
    for fact in &mut out.facts {
        if let What::Path { source, .. } = &mut fact.what {
            *source = Source::Maintainer;
        }
    }
    out
}
