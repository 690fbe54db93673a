//! seaworthy tells before a migration whether a legacy Linux application will float in a
//! container, with evidence.
//!
//! # The map
//!
//! ```text
//! tree → extract → link → rule → plan → assess → render
//!          │
//!        parse (pure, total)          types only: path · fact · report
//! ```
//!
//! Data flows one way, and `tests/it/layers.rs` holds it there. [`tree`] is the only module that
//! reads the audited disk. [`extract`] makes facts of one file's bytes. [`link`] joins what only
//! the whole shows: who owns a file, what starts a program, where the loader finds a library,
//! what a path is for. [`rule`] finds what is worth saying, [`plan`] says how to run it,
//! [`assess`] grades the move, [`render`] shows the [`report::Report`]. [`policy`] judges a report at
//! the gate of a CI, [`diff`] compares two, and [`show`] tells what they found.
//!
//! # What always holds
//!
//! * Nothing is written to the audited root, nothing of it is run, no read leaves it.
//! * A bad input never ends a run: it is an [`fact::Issue`] in the coverage.
//! * A report equals itself after JSON and back, and is the same on any number of threads.
//! * A path of the host that runs the audit never enters a fact.
//! * No limit is silent, and what was not seen is never called clean.
//! * A secret's value is never kept.

pub mod assess;
pub mod copy;
pub mod custody;
pub mod diff;
pub mod explain;
pub mod extract;
pub mod fact;
pub mod image;
pub mod knowledge;
pub mod layout;
pub mod link;
pub mod manifest;
pub mod parse;
pub mod path;
pub mod plan;
pub mod policy;
pub mod render;
pub mod report;
pub mod rule;
pub mod show;
pub mod tree;

use std::path::PathBuf;
use std::sync::atomic::Ordering;

use crate::link::Linked;
use crate::link::host::Host;
use crate::link::scope::Scope;
use crate::parse::trace::Trace;
use crate::path::AppPath;
use crate::report::{Plan, Report, SCHEMA, Target, Tool, TraceView};
use crate::tree::{Limits, Progress, Root};

/// What to audit.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// The directory of this host that is the top of the audited root; with `prefix`, the tree
    /// that will live there.
    pub root: PathBuf,
    /// Where the tree at `root` will live.
    pub prefix: Option<AppPath>,
    /// Directories and programs of the application.
    pub paths: Vec<AppPath>,
    /// Installed packages.
    pub packages: Vec<String>,
    /// systemd units or init scripts.
    pub units: Vec<String>,
    /// Paths that are left out.
    pub exclude: Vec<AppPath>,
    /// Whether other local filesystems below a directory are entered.
    pub all_filesystems: bool,
    /// Rules beside those of this program: name of the file and its text.
    pub rules: Vec<(String, String)>,
    /// What was seen of it on the old host ([`parse::trace::read`]).
    pub trace: Option<Trace>,
}

/// Why there is no report. Everything else that goes wrong is in the report's coverage.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// The root cannot be opened.
    #[error("cannot open the root {root}: {reason}")]
    Root {
        /// The directory.
        root: String,
        /// What the system said.
        reason: String,
    },
    /// A name of the scope stands for nothing.
    #[error(transparent)]
    Scope(#[from] link::scope::ScopeError),
    /// A rule of the request is none. A report without what it was to find would be taken for one
    /// that found nothing.
    #[error("{0}")]
    Rules(String),
    /// The run was ended from outside.
    #[error("interrupted: no report was made")]
    Interrupted,
}

/// Audits an application.
///
/// # Errors
/// When a rule of the request is none, the root cannot be opened, the scope stands for nothing, or
/// the run is interrupted.
pub fn audit(request: &Request, progress: &Progress) -> Result<Report, AuditError> {
    let read = || {
        let root = open(request)?;
        let host = Host::read(&root);
        Ok::<_, AuditError>((root, host))
    };
    let (rules, read) = rayon::join(|| rules(&request.rules), read);
    let rules = rules?;
    let (root, host) = read?;
    audit_by(request, &rules, &root, &host, progress)
}

/// Audits an application of a system that was read already: of several of one system each costs only
/// its own part.
///
/// # Errors
/// As [`audit`].
pub fn audit_with(
    request: &Request,
    root: &Root,
    host: &Host,
    progress: &Progress,
) -> Result<Report, AuditError> {
    audit_by(request, &rules(&request.rules)?, root, host, progress)
}

fn audit_by(
    request: &Request,
    rules: &rule::Rules,
    root: &Root,
    host: &Host,
    progress: &Progress,
) -> Result<Report, AuditError> {
    let scope = link::scope::find(root, host, request_scope(request))?;
    let limits = Limits {
        all_filesystems: request.all_filesystems,
        exclude: request.exclude.clone(),
        ..Limits::default()
    };
    let seen = link::gather::gather(root, host, &scope, &limits, progress);
    if progress.stop.load(Ordering::Relaxed) {
        return Err(AuditError::Interrupted);
    }
    let mut linked = link::link(root, host, &scope, seen, request.trace.as_ref());
    if progress.stop.load(Ordering::Relaxed) {
        return Err(AuditError::Interrupted);
    }
    let plan = plan::plan(&plan::Known {
        paths: &linked.paths,
        facts: &linked.facts,
        ids: &linked.ids,
        homes: &linked.homes,
        groups: &linked.groups,
        content: &linked.content,
        hostname: host.name.as_deref(),
    });
    let trace = traced(request, &linked, &plan, &scope);
    let subject = rule::Subject {
        scope: &scope.prefixes,
        facts: &linked.facts,
        paths: &linked.paths,
        libraries: &linked.libraries,
        mounts: &plan.mounts,
    };
    let rule::Outcome { findings, issues } = rules.run(&subject);
    linked.coverage.add(issues);
    let seen = assess::Seen {
        facts: &linked.facts,
        paths: &linked.paths,
        libraries: &linked.libraries,
        coverage: &linked.coverage,
        plan: &plan,
    };
    let dimensions = assess::grades(&findings, &seen);
    let verdict = assess::verdict(&dimensions, &findings, &seen);
    Ok(Report {
        schema: SCHEMA,
        tool: Tool {
            name: "seaworthy".into(),
            version: env!("CARGO_PKG_VERSION").into(),
        },
        target: Target {
            scope: scope.shown(),
            packages: request.packages.clone(),
            units: request.units.clone(),
            system: host.release.pretty.clone(),
        },
        verdict,
        rules: rules.texts(&findings),
        dimensions,
        findings,
        libraries: linked.libraries,
        modules: linked.modules,
        programs: linked.programs,
        packages: linked.packages,
        floors: linked.floors,
        bases: linked.bases,
        paths: linked.paths,
        plan,
        trace,
        custody: None,
        coverage: linked.coverage,
    })
}

/// The rules of this program and those of the user, each with its file's name.
///
/// # Errors
/// Every fault of them, with its place; a name that no extractor can tell of is one.
pub fn rules(own: &[(String, String)]) -> Result<rule::Rules, AuditError> {
    let texts = own
        .iter()
        .map(|(file, text)| (file.as_str(), text.as_str()));
    let (rules, mut faults) = rule::Rules::load(texts);
    if !own.is_empty() {
        // The tests hold those of this program to it.
        faults.extend(rules.unheard(&knowledge::vocabulary()));
    }
    if faults.is_empty() {
        return Ok(rules);
    }
    let told: Vec<String> = faults.iter().map(ToString::to_string).collect();
    Err(AuditError::Rules(told.join("\n")))
}

/// What the trace says beside the plan.
fn traced(request: &Request, linked: &Linked, plan: &Plan, scope: &Scope) -> Option<TraceView> {
    let (trace, traced) = request.trace.as_ref().zip(linked.traced.as_ref())?;
    let is_own = |path: &AppPath| scope.in_prefix(path).is_some() || scope.contains(path);
    let view = link::trace::reconcile(trace, traced, &linked.paths, &plan.mounts, is_own);
    Some(view)
}

fn open(request: &Request) -> Result<Root, AuditError> {
    match &request.prefix {
        Some(prefix) => Root::graft(&request.root, prefix),
        None => Root::open(&request.root),
    }
    .map_err(|error| AuditError::Root {
        root: request.root.display().to_string(),
        reason: error.to_string(),
    })
}

fn request_scope(request: &Request) -> link::scope::Wanted<'_> {
    link::scope::Wanted {
        paths: &request.paths,
        packages: &request.packages,
        units: &request.units,
    }
}
