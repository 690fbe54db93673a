//! Arguments in, exit code out.

mod cli;
mod command;
mod output;

use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use clap::Parser as _;
use indicatif::{ProgressBar, ProgressStyle};
use rayon::prelude::*;

use seaworthy::AuditError;
use seaworthy::copy::StreamError;
use seaworthy::fact::Kind;
use seaworthy::image::PackError;
use seaworthy::link::loader::{self, Listing, Loader, Outcome, Shape, Verdict};
use seaworthy::link::modules;
use seaworthy::path::AppPath;
use seaworthy::report::{Gap, GapKind, Report};
use seaworthy::tree::{Progress, Root};

use cli::{Cli, Command, Libs, LibsFormat, RulesAction, Scan, ScopeArgs};

/// The C library's allocator costs a scan 6 % more time, and musl's, which has one lock, more still.
#[cfg(feature = "mimalloc")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// What a shell reports of a program that SIGINT (2) ended: 128 and the signal's number.
const INTERRUPTED: u8 = 130;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are results and go to standard output; clap knows which is which.
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { 2 } else { 0 });
        }
    };
    match run(cli.command) {
        Ok(code) => code,
        Err(error) => {
            output::say(&format!("seaworthy: {error:#}"));
            let interrupted = matches!(error.downcast_ref(), Some(AuditError::Interrupted))
                || matches!(error.downcast_ref(), Some(PackError::Interrupted))
                || matches!(error.downcast_ref(), Some(StreamError::Interrupted));
            if interrupted {
                output::end_as_asked();
            }
            ExitCode::from(if interrupted { INTERRUPTED } else { 2 })
        }
    }
}

/// How many threads a command that works on several is told to have; None inside where it is told
/// nothing, and outside where one is enough.
fn works_on_threads(command: &Command) -> Option<Option<usize>> {
    match command {
        Command::Scan(scan) => Some(scan.scope.threads),
        Command::Mounts(mounts) => Some(mounts.scope.threads),
        Command::Migrate(migrate) => Some(migrate.scope.threads),
        Command::Check(check) => Some(check.scope.threads),
        Command::Pack(pack) => Some(pack.scope.threads),
        Command::Survey(_) | Command::Libs(_) | Command::Sign(_) | Command::Verify(_) => Some(None),
        Command::Policy(_)
        | Command::Keys(_)
        | Command::Diff(_)
        | Command::Explain(_)
        | Command::Rules(_)
        | Command::Generate(_) => None,
    }
}

fn run(command: Command) -> Result<ExitCode> {
    if let Some(threads) = works_on_threads(&command) {
        set_threads(threads)?;
    }
    match command {
        Command::Survey(survey) => return command::survey::run(&survey),
        Command::Scan(scan) => return run_scan(&scan),
        Command::Mounts(mounts) => return command::mounts::run(&mounts),
        Command::Migrate(migrate) => return command::migrate::run(&migrate),
        Command::Check(check) => return command::check::run(&check),
        Command::Sign(sign) => return command::sign::run(&sign),
        Command::Verify(verify) => return command::verify::run(&verify),
        Command::Policy(policies) => return command::policy::run(&policies),
        Command::Pack(pack) => return command::pack::run(&pack),
        Command::Keys(keys) => return command::keys::run(&keys),
        Command::Diff(diff) => return command::diff::run(&diff),
        Command::Libs(libs) => return run_libs(&libs),
        Command::Explain(explain) => {
            let report = explain
                .report
                .as_deref()
                .map(output::read_report)
                .transpose()?;
            let text = seaworthy::explain::explain(&explain.subject, report.as_ref())?;
            output::print(&text)?;
        }
        Command::Rules(rules) => match rules.action {
            RulesAction::List => output::print(&seaworthy::rule::table())?,
            RulesAction::Test { rules, coverage } => {
                let rules = command::own_rules::load(rules.as_deref())?;
                let wrong: Vec<String> = rules
                    .iter()
                    .filter_map(|rule| rule.prove().err())
                    .flatten()
                    .collect();
                if !wrong.is_empty() {
                    bail!("{}", wrong.join("\n"));
                }
                output::print("every rule holds on its examples\n")?;
                if coverage {
                    output::print(&seaworthy::rule::coverage(&rules))?;
                }
            }
        },
        Command::Generate(generate) => command::generate::run(&generate)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn run_scan(scan: &Scan) -> Result<ExitCode> {
    let outputs = scan.outputs()?;
    if scan.report.is_none() {
        // Told before a file is looked at.
        scan.scope.request()?;
    }
    for file in outputs.iter().filter_map(|output| output.file.as_deref()) {
        output::check(file, scan.scope.root.as_deref())?;
    }
    let report = match &scan.report {
        Some(file) => output::read_report(file)?,
        None => audited(&scan.scope, &scan.trace)?,
    };
    for output in &outputs {
        let to_file = output.file.is_some();
        let style = output::style(to_file, scan.all);
        let text = (output.format.render)(&report, &style);
        match &output.file {
            Some(file) => output::replace(file, &text)?,
            None => output::print(&text)?,
        }
    }
    // What was named was not looked into: that is no audit of it.
    let is_missed = |gap: &Gap| matches!(gap.kind, GapKind::Archive | GapKind::Absent);
    let is_missed = report.coverage.gaps.iter().any(is_missed);
    Ok(ExitCode::from(if is_missed { 2 } else { 0 }))
}

/// Audits a scope on as many threads as it says.
pub(crate) fn audited(scope: &ScopeArgs, logs: &[PathBuf]) -> Result<Report> {
    let mut request = scope.request()?;
    request.trace = command::traces::traces(logs, scope.root.as_deref())?;
    watched(&request)
}

/// The most threads that are begun: no machine that an audit runs on has more processors to give.
const MANY_THREADS: usize = 256;

/// How many threads work; one for each processor where nothing is said.
fn set_threads(threads: Option<usize>) -> Result<()> {
    if threads == Some(0) {
        bail!("--threads 0: at least one thread is needed");
    }
    if threads.is_some_and(|threads| threads > MANY_THREADS) {
        bail!("--threads: more than {MANY_THREADS} only wait for each other");
    }
    let pool = || rayon::ThreadPoolBuilder::new().num_threads(threads.unwrap_or(0));
    // The one that all share is begun once and never again: whether there are threads for it (a limit on
    // processes, RLIMIT_NPROC) another tells that ends at once.
    let shared = match pool().build() {
        Ok(_) => pool(),
        Err(error) => {
            output::say(&format!("seaworthy: working on one thread: {error}"));
            pool().num_threads(1).use_current_thread()
        }
    };
    shared.build_global().context("cannot begin to work")
}

/// Each directory replaced by the programs and libraries below it. What could not be looked at there
/// is told on standard error.
fn below(
    root: &Root,
    loader: &Loader<'_>,
    named: Vec<loader::Request<'static>>,
) -> Vec<loader::Request<'static>> {
    let mut requests = Vec::new();
    for request in named {
        let node = root.resolve(&request.main);
        if !node.as_ref().is_ok_and(|node| node.stat.kind == Kind::Dir) {
            requests.push(request);
            continue;
        }
        let dir = AppPath::new(&request.main);
        let found = loader.discover(std::slice::from_ref(&dir), &Progress::default());
        for issue in &found.issues {
            output::say(&format!("seaworthy: {}: {}", issue.at.file, issue.message));
        }
        if found.files.is_empty() {
            output::say(&format!(
                "seaworthy: {dir}: no dynamic program or library among {} entries",
                found.entries
            ));
        }
        for (file, start) in found.files {
            let mut request = request.clone();
            request.main = file.as_bytes().to_vec();
            request.start = start;
            requests.push(request);
        }
    }
    requests
}

/// A start with what is opened later, as machines read it.
#[derive(serde::Serialize)]
struct Listed {
    #[serde(flatten)]
    started: Listing,
    /// What is opened by name once it runs, in order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    opened: Vec<modules::Found>,
}

/// Starts each file in mind. What cannot be read as a program is told on standard error.
fn run_libs(libs: &Libs) -> Result<ExitCode> {
    let named = libs.requests()?;
    let top = libs.root.as_deref().unwrap_or(Path::new("/"));
    let root = Root::open(top).map_err(|error| AuditError::Root {
        root: top.display().to_string(),
        reason: error.to_string(),
    })?;
    let loader = Loader::new(&root);
    let requests = below(&root, &loader, named);
    let outcomes = loader.run_and_look(&requests);
    let is_read = |outcome: &Outcome| outcome.verdict != Verdict::Unreadable;
    let opened = |request: &_, outcome: &_| modules::of_start(&root, &loader, request, outcome);
    let text = match libs.format {
        LibsFormat::Json => {
            let listings = requests
                .iter()
                .zip(&outcomes)
                .map(|(request, outcome)| Listed {
                    started: outcome.listing(),
                    opened: opened(request, outcome),
                });
            serde_json::to_string_pretty(&listings.collect::<Vec<_>>())? + "\n"
        }
        LibsFormat::Terminal => {
            let shape = Shape {
                flat: libs.flat,
                why: libs.why,
            };
            let starts = requests.par_iter().zip(&outcomes);
            let words = |(request, outcome): (_, &Outcome)| {
                outcome.words(shape) + &modules::words(&opened(request, outcome), shape.why)
            };
            starts
                .filter(|(_, outcome)| is_read(outcome))
                .map(words)
                .collect()
        }
    };
    output::print(&text)?;
    let mut code = ExitCode::SUCCESS;
    for outcome in outcomes.iter().filter(|outcome| !is_read(outcome)) {
        let reason = outcome.problems.first();
        let reason = reason.map_or("it cannot be read", |problem| problem.message.as_str());
        output::say(&format!("seaworthy: {}: {reason}", outcome.file));
        code = ExitCode::from(2);
    }
    Ok(code)
}

/// Runs the audit with a display of its progress, when somebody watches; Ctrl-C ends it.
pub(crate) fn watched(request: &seaworthy::Request) -> Result<Report> {
    let progress = Arc::new(Progress::default());
    let stop = Arc::clone(&progress);
    output::on_interrupt(move || {
        stop.stop.store(true, Ordering::Relaxed);
        seaworthy::parse::budget::stop();
    })?;
    if !std::io::stderr().is_terminal() {
        // Begun on a thread of the pool: what it shares is then at hand for the others.
        return Ok(rayon::scope(|_| seaworthy::audit(request, &progress))?);
    }
    let bar = ProgressBar::new_spinner();
    if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} {elapsed}") {
        bar.set_style(style);
    }
    let report = std::thread::scope(|scope| {
        let audit = scope.spawn(|| rayon::scope(|_| seaworthy::audit(request, &progress)));
        while !audit.is_finished() {
            let found = progress.found.load(Ordering::Relaxed);
            let read = progress.read.load(Ordering::Relaxed);
            bar.set_message(format!("{found} entries found, {read} files read"));
            bar.tick();
            std::thread::sleep(Duration::from_millis(50));
        }
        audit.join()
    });
    bar.finish_and_clear();
    match report {
        Ok(report) => Ok(report?),
        Err(_) => bail!("a fault of this program ended the audit; please report it"),
    }
}
