//! `check`: the gate. Its exit code is its answer: 0 passed, 1 failed, 2 not judged.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use clap::Args;

use seaworthy::path::AppPath;
use seaworthy::policy::{self, Baseline, Day, Judgement};
use seaworthy::report::Report;
use seaworthy::show::{self, Checkout, Gate};

use super::check_forms::{Answer, CheckFormat, answers};
use super::day;
use super::own_rules;
use super::settings::{self, Start, shown};
use crate::cli::{ScopeArgs, absolute};
use crate::output;

#[derive(Debug, Args)]
#[command(after_help = "Exit codes: 0 passed, 1 failed, 2 could not judge. Guide: docs/guide.md")]
pub(crate) struct Check {
    #[command(flatten)]
    pub(crate) scope: ScopeArgs,
    /// Judge a saved JSON report instead; --root, or --prefix and PATH, say where its files are
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with_all = ["package", "unit", "exclude", "all_filesystems"]
    )]
    report: Option<PathBuf>,
    /// Settings, instead of a seaworthy.toml found upward from PATH
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Known findings, instead of those beside the settings
    #[arg(long, value_name = "FILE")]
    baseline: Option<PathBuf>,
    /// Take today's failures as known
    #[arg(long)]
    update_baseline: bool,
    /// Judge as on DAY (2027-01-31); else SOURCE_DATE_EPOCH, or the clock
    #[arg(long, value_name = "DAY")]
    today: Option<Day>,
    /// Form of the answer (repeatable, one for each -o and one for standard output)
    #[arg(long, value_name = "FORMAT")]
    format: Vec<CheckFormat>,
    /// Write the answer to FILE; its ending names the form unless --format does (repeatable)
    #[arg(short, long, value_name = "FILE")]
    output: Vec<PathBuf>,
    /// List the findings that do not fail, too
    #[arg(long, conflicts_with = "quiet")]
    all: bool,
    /// Say nothing; the exit code answers
    #[arg(short, long)]
    quiet: bool,
}

/// Judges, shows the answer, and gives the exit code.
pub(crate) fn run(check: &Check) -> Result<ExitCode> {
    let answer = answer(check);
    if let Err(error) = &answer
        && check.format.contains(&CheckFormat::Github)
    {
        output::print(&show::github_mistake(&format!("{error:#}")))?;
    }
    answer
}

fn answer(check: &Check) -> Result<ExitCode> {
    let today = day::reproducible(check.today)?;
    let answers = answers(&check.format, &check.output)?;
    check.is_clear()?;
    let saved = check
        .report
        .as_deref()
        .map(output::read_report)
        .transpose()?;
    let rules = own_rules::load(check.scope.rules.as_deref())?;
    let known = |report: Option<&Report>| -> BTreeSet<String> {
        let own = rules.iter().map(|rule| rule.id().to_owned());
        let told = report.into_iter().flat_map(|report| report.rules.keys());
        own.chain(told.cloned()).collect()
    };
    let ids = known(saved.as_ref());
    let ids = ids.iter().map(String::as_str).collect();
    // Before the audit, so that a mistake in the settings is told at once.
    let starts = check.starts(saved.as_ref())?;
    let settings = settings::config(check.config.as_deref(), &starts, &ids)?;
    let (file, is_named, baseline) = settings::baseline(check.baseline.as_deref(), &settings)?;
    if is_named && baseline.is_none() && !check.update_baseline {
        bail!(
            "cannot read the baseline {}: it is not there; make it with --update-baseline",
            shown(&file)
        );
    }
    let root = check.scope.root.as_deref();
    for file in &check.output {
        output::check(file, root)?;
    }
    if check.update_baseline {
        output::check(&file, root).context("name another file with --baseline FILE")?;
    }
    let report = match saved {
        Some(report) => report,
        None => crate::audited(&check.scope, &[])?,
    };
    let mut held = baseline;
    let mut judgement = judge(&report, &settings.config, held.as_ref(), today);
    if check.update_baseline {
        let new = update(&judgement, held.as_ref(), &file)?;
        held = Some(new);
        judgement = judge(&report, &settings.config, held.as_ref(), today);
    }
    let config_file = settings.file.as_deref().map(shown);
    let baseline_file = held.is_some().then(|| shown(&file));
    let gate = Gate {
        report: &report,
        baseline: held.as_ref(),
        judgement: &judgement,
        config: &settings.config,
        config_file: config_file.as_deref(),
        baseline_file: baseline_file.as_deref(),
        today,
        checkout: &check.checkout()?,
    };
    check.show(&gate, &answers)?;
    Ok(ExitCode::from(show::exit_code(judgement.verdict)))
}

fn judge<'a>(
    report: &'a Report,
    config: &policy::Config,
    baseline: Option<&Baseline>,
    today: Day,
) -> Judgement<'a> {
    let none = Baseline::default();
    policy::judge(report, config, baseline.unwrap_or(&none), today)
}

/// Writes the new baseline. Of what was not seen nothing is taken out of it.
fn update(judgement: &Judgement<'_>, old: Option<&Baseline>, file: &Path) -> Result<Baseline> {
    if !judgement.lacks.is_empty() {
        bail!(
            "the baseline {} stays as it is: too little was seen; run the audit as a user who may \
             read everything, or say under [coverage] what is enough",
            shown(file)
        );
    }
    let new = judgement.new_baseline();
    let old = old.map_or(&[][..], |old| &old.findings);
    let added = new.findings.iter().filter(|entry| !old.contains(entry));
    let gone = old.iter().filter(|entry| !new.findings.contains(entry));
    output::replace(file, &new.text())?;
    output::say(&format!(
        "seaworthy: {}: {} known, {} of them new, {} taken out",
        shown(file),
        new.findings.len(),
        added.count(),
        gone.count(),
    ));
    Ok(new)
}

/// The day for which allowances hold (<https://reproducible-builds.org/specs/source-date-epoch/>).
impl Check {
    /// Whether the scope says one thing: with a report it only places the report's files.
    fn is_clear(&self) -> Result<()> {
        if self.report.is_some() && self.scope.prefix.is_none() && !self.scope.paths.is_empty() {
            bail!(
                "--report holds the scope already: leave out {}; or say with --prefix P where \
                 it will live",
                self.scope.paths[0].display()
            );
        }
        Ok(())
    }

    /// Where to look for the settings.
    fn starts(&self, report: Option<&Report>) -> Result<Vec<Start>> {
        let root = self.scope.root.as_deref();
        let (paths, root): (Vec<AppPath>, _) = match (report, root) {
            (_, _) if self.scope.prefix.is_some() => {
                let trees = self.scope.paths.iter().cloned();
                return Ok(trees.map(Start::Host).collect());
            }
            (Some(report), Some(root)) => (report.target.scope.clone(), root),
            (Some(_), None) => return Ok(Vec::new()),
            (None, root) => (self.scope.request()?.paths, root.unwrap_or(Path::new("/"))),
        };
        if paths.is_empty() {
            return Ok(self.scope.root.iter().cloned().map(Start::Host).collect());
        }
        let root = absolute(root)?;
        let inside = |path| Start::Inside(root.clone(), path);
        Ok(paths.into_iter().map(inside).collect())
    }

    /// Where the audited tree is in the checkout; outside of it paths keep their names.
    fn checkout(&self) -> Result<Checkout> {
        let tree = match (&self.scope.prefix, &self.scope.root) {
            (Some(_), _) => self.scope.paths.first(),
            (None, root) => root.as_ref(),
        };
        let here = std::env::current_dir().context("cannot tell the current directory")?;
        let tree = tree.map(|tree| absolute(tree)).transpose()?;
        let below = tree.as_ref().and_then(|tree| tree.strip_prefix(&here).ok());
        Ok(Checkout {
            directory: below.map_or_else(String::new, |below| below.display().to_string()),
            top: self.scope.prefix.as_ref().map(|prefix| {
                AppPath::new(std::os::unix::ffi::OsStrExt::as_bytes(prefix.as_os_str()))
            }),
        })
    }

    fn show(&self, gate: &Gate<'_>, answers: &[Answer]) -> Result<()> {
        for Answer { format, file } in answers {
            let text = format.show(gate, file.is_some(), self.all);
            match file {
                Some(file) => output::replace(file, &text)?,
                None if self.quiet => {}
                None => output::print(&text)?,
            }
        }
        Ok(())
    }
}
