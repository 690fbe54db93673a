//! `diff`: what differs between two reports; with `--gate`, whether the first one's promises hold.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, ValueEnum};

use seaworthy::{diff, show};

use crate::output;

#[derive(Debug, Args)]
#[command(
    after_help = "Exit codes with --gate: 0 passed, 1 failed, 2 could not judge; without: 0."
)]
pub(crate) struct Diff {
    /// The earlier JSON report
    #[arg(value_name = "A.json")]
    before: PathBuf,
    /// The later JSON report
    #[arg(value_name = "B.json")]
    after: PathBuf,
    /// Fail unless B has every mount that A promised, and no worse grade
    #[arg(long)]
    gate: bool,
    /// Form of the answer
    #[arg(long, value_name = "FORMAT", default_value = "terminal")]
    format: DiffFormat,
}

/// A form of the comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum DiffFormat {
    /// For people
    Terminal,
    /// For other programs
    Json,
}

/// Compares, shows what differs, and gives the exit code.
pub(crate) fn run(args: &Diff) -> Result<ExitCode> {
    let before = output::read_report(&args.before)?;
    let after = output::read_report(&args.after)?;
    let found = diff::diff(&before, &after);
    let code = match (args.gate, &found.broken()[..]) {
        (false, _) | (true, []) => 0,
        (true, broken) if broken.iter().all(diff::Broken::is_unseen) => 2,
        (true, _) => 1,
    };
    let names = [&args.before, &args.after].map(|file| file.display().to_string());
    let text = match args.format {
        DiffFormat::Terminal => {
            let names = [&*names[0], &*names[1]];
            show::diff_text(&found, names, args.gate, &output::style(false, true))
        }
        DiffFormat::Json => show::diff_json(&found, args.gate),
    };
    output::print(&text)?;
    Ok(ExitCode::from(code))
}
