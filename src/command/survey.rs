//! `survey`: what runs on a system, and how to audit each of it.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};
use clap::{Args, ValueEnum};
use rayon::prelude::*;

use seaworthy::link::host::Host;
use seaworthy::link::survey::survey;
use seaworthy::render;
use seaworthy::report::{Application, Report, Starter, Survey};
use seaworthy::tree::{Progress, Root};
use seaworthy::{AuditError, Request, audit_with, path};

use super::root::quoted;
use crate::output;

#[derive(Debug, Args)]
#[command(
    after_help = "Nothing of the system is run. What belongs to the system itself is not listed.\n\
                  Exit codes: 0 done, 2 the root cannot be read, or with --all an audit failed."
)]
pub(crate) struct SurveyArgs {
    /// Look inside DIR, another system's mounted root
    #[arg(long, value_name = "DIR")]
    root: Option<PathBuf>,
    /// Form of the answer
    #[arg(long, value_name = "FORMAT", default_value = "terminal")]
    format: SurveyFormat,
    /// Audit each of them and write a report for each into the directory of -o
    #[arg(long, requires = "output")]
    all: bool,
    /// With --all: the directory for the reports; else the file for the answer
    #[arg(short, long, value_name = "PATH")]
    output: Option<PathBuf>,
}

/// A form of the survey.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum SurveyFormat {
    /// For people
    Terminal,
    /// For other programs
    Json,
}

/// Finds the applications, shows them, and with `--all` audits each.
pub(crate) fn run(args: &SurveyArgs) -> Result<ExitCode> {
    let top = args.root.as_deref().unwrap_or(Path::new("/"));
    let root =
        Root::open(top).with_context(|| format!("cannot open the root {}", top.display()))?;
    let host = Host::read(&root);
    let mut found = survey(&root, &host);
    let reports = audits(&mut found, top, &root, &host, args.all);
    let text = match args.format {
        SurveyFormat::Terminal => table(&found, args.root.as_deref()),
        SurveyFormat::Json => serde_json::to_string_pretty(&found)? + "\n",
    };
    let Some(output) = &args.output else {
        output::print(&text)?;
        return Ok(ExitCode::SUCCESS);
    };
    if !args.all {
        output::check(output, args.root.as_deref())?;
        output::replace(output, &text)?;
        return Ok(ExitCode::SUCCESS);
    }
    output::print(&text)?;
    output::make_dir(output, args.root.as_deref())?;
    let mut failed = 0;
    let names = file_names(&found);
    for ((application, report), name) in found.applications.iter().zip(reports).zip(names) {
        let written = match report {
            Some(Ok(report)) => write(&report, application, &output.join(&name)),
            Some(Err(error)) => Err(error.into()),
            None => continue,
        };
        match written {
            Ok(line) => output::say(&line),
            Err(error) => {
                failed += 1;
                output::say(&format!("{}: {error:#}", application.name));
            }
        }
    }
    if failed > 0 {
        bail!("{failed} of {} audits failed", found.applications.len());
    }
    Ok(ExitCode::SUCCESS)
}

/// How large a tree may be that is audited for its ports and users alone, in bytes.
const LARGE: u64 = 128 << 20;

/// Audits the applications, side by side, and gives each the ports and users of its plan. Without `all`
/// the large ones are left as they are: their starters have said what they say.
fn audits(
    found: &mut Survey,
    top: &Path,
    root: &Root,
    host: &Host,
    all: bool,
) -> Vec<Option<Result<Report, AuditError>>> {
    let one = |application: &mut Application| {
        if !all && application.bytes.is_none_or(|bytes| bytes > LARGE) {
            return None;
        }
        let request = request(application, top);
        let report = audit_with(&request, root, host, &Progress::default());
        if let Ok(report) = &report {
            let ports = report.plan.ports.iter();
            application.ports.extend(ports.map(|port| port.port));
            application.ports.sort_unstable();
            application.ports.dedup();
            if application.users.is_empty() {
                let user = report.plan.user.iter();
                application.users.extend(user.map(|user| user.name.clone()));
            }
        }
        Some(report)
    };
    found.applications.par_iter_mut().map(one).collect()
}

/// What audits an application.
fn request(application: &Application, top: &Path) -> Request {
    let named = |option: &str| match application.scope.as_slice() {
        [first, name] if first == option => vec![name.clone()],
        _ => Vec::new(),
    };
    Request {
        root: top.to_path_buf(),
        paths: application.trees.clone(),
        packages: named("--package"),
        units: named("--unit"),
        ..Request::default()
    }
}

/// Writes a report as JSON and Markdown; gives a line on it.
fn write(report: &Report, application: &Application, file: &Path) -> Result<String> {
    let style = output::style(true, true);
    for (form, ending) in [("json", ".json"), ("markdown", ".md")] {
        let form = render::by_name(form).with_context(|| format!("no form {form}"))?;
        let mut name = file.as_os_str().to_owned();
        name.push(ending);
        output::replace(Path::new(&name), &(form.render)(report, &style))?;
    }
    Ok(format!(
        "{}: {}.json and .md",
        application.name,
        file.display()
    ))
}

/// A name for each application's file, each once.
fn file_names(survey: &Survey) -> Vec<String> {
    let mut taken = std::collections::BTreeSet::new();
    let fits = |c: char| c.is_ascii_alphanumeric() || "._-+@".contains(c);
    let name = |application: &Application| {
        let plain: String = application
            .name
            .chars()
            .map(|c| if fits(c) { c } else { '-' })
            .collect();
        let plain = plain.trim_start_matches('.').to_owned();
        let mut name = plain.clone();
        let mut number = 2;
        while !taken.insert(name.clone()) {
            name = format!("{plain}-{number}");
            number += 1;
        }
        name
    };
    survey.applications.iter().map(name).collect()
}

/// One line for each application.
fn table(survey: &Survey, root: Option<&Path>) -> String {
    let mut rows = vec![
        [
            "NAME",
            "STARTED BY",
            "PORTS",
            "USER",
            "SIZE",
            "FROM",
            "AUDIT IT BY",
        ]
        .map(str::to_owned),
    ];
    rows.extend(survey.applications.iter().map(|one| row(one, root)));
    if survey.applications.is_empty() {
        return "no application was found: nothing is started but what belongs to the system, and \
                nothing lies in /opt, /srv, /usr/local, /var/www, /home or the like\n"
            .to_owned();
    }
    let widths: Vec<usize> = (0..6)
        .map(|at| {
            rows.iter()
                .map(|row| row[at].chars().count())
                .max()
                .unwrap_or(0)
        })
        .collect();
    let mut text = String::new();
    for row in &rows {
        for (cell, width) in row.iter().zip(&widths) {
            let gap = width - cell.chars().count();
            let _ = write!(text, "{cell}{}  ", " ".repeat(gap));
        }
        let _ = writeln!(text, "{}", row[6]);
    }
    text
}

fn row(application: &Application, root: Option<&Path>) -> [String; 7] {
    let or = |text: String| {
        if text.is_empty() {
            "-".to_owned()
        } else {
            text
        }
    };
    let first = |words: Vec<String>| match words.as_slice() {
        [first, _, rest @ ..] => format!("{first} +{}", rest.len() + 1),
        words => words.concat(),
    };
    let served = application
        .served_by
        .iter()
        .map(|file| format!("web server ({file})"));
    let name = |start: &Starter| match start.enabled {
        true => start.name.clone(),
        false => format!("{} (off)", start.name),
    };
    let mut starts: Vec<String> = application.starts.iter().map(name).collect();
    starts.dedup();
    starts.extend(served);
    let mut command = "seaworthy scan".to_owned();
    if let Some(root) = root {
        command += &format!(" --root {}", quoted(root.as_os_str().as_encoded_bytes()));
    }
    for word in &application.scope {
        command += &format!(" {}", quoted(word.as_bytes()));
    }
    let ports: Vec<String> = application.ports.iter().map(u16::to_string).collect();
    [
        path::escape(application.name.as_bytes()).into_owned(),
        path::escape(or(first(starts)).as_bytes()).into_owned(),
        or(ports.join(",")),
        path::escape(or(application.users.join(",")).as_bytes()).into_owned(),
        application.bytes.map_or_else(|| "-".to_owned(), size),
        match &application.package {
            Some(_) => "package".to_owned(),
            None => "no package".to_owned(),
        },
        command,
    ]
}

/// Bytes in words.
fn size(bytes: u64) -> String {
    match bytes {
        0..=1023 => format!("{bytes} B"),
        1024..=1_048_575 => format!("{} KiB", bytes >> 10),
        1_048_576..=1_073_741_823 => format!("{} MiB", bytes >> 20),
        _ => format!("{:.1} GiB", bytes as f64 / f64::from(1 << 30)),
    }
}
