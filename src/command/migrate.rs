//! The command `migrate`: an audit or a saved report, the old root, and its state, settings and
//! secrets in the places that the manifests mount.

use std::io::{BufWriter, IsTerminal as _};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};

use seaworthy::copy::{self, Done, Outcome, Progress, Source, Target};
use seaworthy::manifest::{self, Fill, Filling};
use seaworthy::path::{AppPath, escape};
use seaworthy::render::text;

use crate::cli::ScopeArgs;
use crate::output;

/// What is copied, and where to.
#[derive(Debug, Args)]
pub(crate) struct Migrate {
    #[command(flatten)]
    pub(crate) scope: ScopeArgs,
    /// Take a saved JSON report of the same root instead of an audit
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with_all = ["paths", "prefix", "package", "unit", "rules"],
    )]
    report: Option<PathBuf>,
    /// Fill the volumes below DIR [default: /srv/ and the name in the manifests]
    #[arg(long, value_name = "DIR")]
    base: Option<PathBuf>,
    /// Put state into volumes of docker or podman, or everything into a tar archive
    #[arg(long, value_name = "docker|podman|tar", hide_possible_values = true)]
    to: Option<To>,
    /// Write the archive to FILE instead of standard output
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Only the volume of this name in the manifests (repeatable)
    #[arg(long, value_name = "NAME")]
    volume: Vec<String>,
    /// Wait for each volume until all of it is on the disk, in case the power fails
    #[arg(long)]
    sync: bool,
    /// Only say what would be copied
    #[arg(long)]
    dry_run: bool,
    /// Copy nothing: compare the volumes and the old root with the lists of the copy
    #[arg(long, conflicts_with = "dry_run")]
    verify: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum To {
    Docker,
    Podman,
    Tar,
}

/// Runs the command.
pub(crate) fn run(migrate: &Migrate) -> Result<ExitCode> {
    migrate.check()?;
    let report = match &migrate.report {
        Some(file) => output::read_report(file)?,
        None => crate::audited(&migrate.scope, &[])?,
    };
    let filling = manifest::filling(&report);
    let wanted = migrate.wanted(&filling)?;
    if migrate.dry_run {
        output::print(&migrate.intent(&filling, &wanted))?;
        return Ok(ExitCode::SUCCESS);
    }
    let root = super::root::open(&migrate.scope, migrate.report.is_some())?;
    let exclude = migrate.scope.excluded()?;
    let source = |fill| Source {
        root: &root,
        fill,
        all_filesystems: migrate.scope.all_filesystems,
        exclude: &exclude,
    };
    let sources: Vec<Source<'_>> = wanted.iter().copied().map(source).collect();
    raise_open_files();
    if migrate.to == Some(To::Tar) {
        return migrate.archive(&sources);
    }
    migrate.volumes(&filling, &sources)
}

impl Migrate {
    fn check(&self) -> Result<()> {
        if self.output.is_some() && self.to != Some(To::Tar) {
            bail!("-o is the file of an archive: add --to tar, or name a directory with --base");
        }
        if self.to == Some(To::Tar) && (self.base.is_some() || self.verify) {
            bail!("--to tar writes an archive: --base and --verify are for volumes of this host");
        }
        if self.to == Some(To::Tar) && self.output.is_none() && std::io::stdout().is_terminal() {
            bail!("an archive is not for a terminal: name a file with -o, or use a pipe");
        }
        let root = self.scope.root.as_deref();
        self.output
            .iter()
            .try_for_each(|file| output::check(file, root))
    }

    /// The volumes that are wanted.
    fn wanted<'f>(&self, filling: &'f Filling) -> Result<Vec<&'f Fill>> {
        let names = || {
            let names = filling.volumes.iter().map(|fill| fill.name.as_str());
            names.collect::<Vec<_>>().join(", ")
        };
        if filling.volumes.is_empty() {
            bail!("the plan has no volume that outlives a container: there is nothing to copy");
        }
        for name in &self.volume {
            if !filling.volumes.iter().any(|fill| fill.name == *name) {
                bail!(
                    "--volume {name}: there is none of that name, but {}",
                    names()
                );
            }
        }
        let is_wanted = |fill: &&Fill| self.volume.is_empty() || self.volume.contains(&fill.name);
        Ok(filling.volumes.iter().filter(is_wanted).collect())
    }

    fn base(&self, filling: &Filling) -> PathBuf {
        let base = self.base.clone();
        base.unwrap_or_else(|| PathBuf::from(&filling.base))
    }

    /// The engine that keeps a volume, where one does.
    fn engine(&self, fill: &Fill) -> Option<&'static str> {
        let is_engines = fill.keeps == "state" && !fill.is_file;
        match self.to {
            Some(To::Docker) if is_engines => Some("docker"),
            Some(To::Podman) if is_engines => Some("podman"),
            _ => None,
        }
    }

    fn intent(&self, filling: &Filling, wanted: &[&Fill]) -> String {
        let mut words = String::new();
        for fill in wanted {
            let place = match (self.to, self.engine(fill)) {
                (Some(To::Tar), _) => format!("the archive's {}", fill.claim),
                (_, Some(engine)) => format!("{engine} volume {}-{}", filling.name, fill.name),
                _ => self.base(filling).join(&fill.name).display().to_string(),
            };
            let what = if fill.copies {
                "copied".to_owned()
            } else {
                format!(
                    "begins empty, {}:{} mode {:04o}",
                    fill.uid, fill.gid, fill.mode
                )
            };
            let kind = if fill.is_file { "file" } else { "directory" };
            words += &format!("{} ({} {kind}) → {place}: {what}\n", fill.path, fill.keeps);
        }
        words
    }

    fn archive(&self, sources: &[Source<'_>]) -> Result<ExitCode> {
        let written = match &self.output {
            Some(file) => {
                let part = output::part_dir(file)?;
                let path = part.path().join("archive");
                let failed = || format!("cannot write {}", file.display());
                // What is in it is as secret as the secrets among it.
                let mut options = std::fs::OpenOptions::new();
                std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
                let open = options.write(true).create_new(true).open(&path);
                let out = BufWriter::with_capacity(1 << 20, open.with_context(failed)?);
                let (_, outcomes) = watched(|progress| copy::stream(sources, out, progress))??;
                std::fs::rename(&path, file).with_context(failed)?;
                outcomes
            }
            None => {
                let out = BufWriter::with_capacity(1 << 20, std::io::stdout());
                watched(|progress| copy::stream(sources, out, progress))??.1
            }
        };
        let mut code = ExitCode::SUCCESS;
        for (source, outcome) in sources.iter().zip(&written) {
            told(source.fill, outcome);
            // Standard output may be the archive.
            output::say(&line(source.fill, "the archive", outcome));
            if outcome.done == Done::Failed {
                code = ExitCode::from(1);
            }
        }
        Ok(code)
    }

    fn volumes(&self, filling: &Filling, sources: &[Source<'_>]) -> Result<ExitCode> {
        let base = self.base(filling);
        if !self.verify
            && sources
                .iter()
                .any(|source| self.engine(source.fill).is_none())
        {
            self.make_base(&base)?;
        }
        let mut code = ExitCode::SUCCESS;
        for source in sources {
            let fill = source.fill;
            let (place, outcome) = match self.target(filling, &base, fill) {
                Ok((target, place)) => {
                    let work = |progress: &Progress| {
                        if self.verify {
                            // A saved report may have left its root behind.
                            let with_root = self.report.is_none() || self.scope.root.is_some();
                            copy::verify(source, &target, with_root, progress)
                        } else {
                            copy::fill(source, &target, progress)
                        }
                    };
                    (place, watched(work)?)
                }
                Err(error) => {
                    output::say(&format!("seaworthy: {}: {error:#}", fill.name));
                    code = ExitCode::from(1);
                    continue;
                }
            };
            told(fill, &outcome);
            if outcome.done == Done::Interrupted {
                output::say("seaworthy: interrupted: the same command goes on where it stopped");
                return Ok(ExitCode::from(crate::INTERRUPTED));
            }
            output::print(&(line(fill, &place, &outcome) + "\n"))?;
            if outcome.done == Done::Failed {
                code = ExitCode::from(1);
            }
        }
        Ok(code)
    }

    /// Makes the directory of the volumes where it is not there, for its owner alone: programs that
    /// run with another one's rights may be among the data, and nobody on this host is to run them.
    fn make_base(&self, base: &Path) -> Result<()> {
        use std::os::unix::fs::DirBuilderExt as _;
        let is_there = base.is_dir();
        if !is_there && let Some(parent) = base.parent().filter(|p| *p != Path::new("")) {
            output::make_dir(parent, self.scope.root.as_deref())?;
        }
        output::check(&base.join("x"), self.scope.root.as_deref())
            .or_else(|error| if is_there { Err(error) } else { Ok(()) })?;
        if !is_there {
            let made = std::fs::DirBuilder::new().mode(0o700).create(base);
            made.with_context(|| format!("cannot make the directory {}", base.display()))?;
        }
        Ok(())
    }

    /// Where a volume is, and the same in words.
    fn target(&self, filling: &Filling, base: &Path, fill: &Fill) -> Result<(Target, String)> {
        let (dir, name) = match self.engine(fill) {
            None => (base.to_owned(), fill.name.clone()),
            Some(engine) => {
                let volume = format!("{}-{}", filling.name, fill.name);
                let place = mount_point(engine, &volume, !self.verify)?;
                let name = place.file_name().and_then(|name| name.to_str());
                let (Some(dir), Some(name)) = (place.parent(), name) else {
                    bail!(
                        "{engine} keeps it at {}, which is no place",
                        place.display()
                    );
                };
                (dir.to_owned(), name.to_owned())
            }
        };
        let mut target = Target::open(&dir, &name)
            .with_context(|| format!("cannot open the directory {}", dir.display()))?;
        target.is_synced = self.sync;
        Ok((target, dir.join(name).display().to_string()))
    }
}

/// Where an engine of this host keeps a volume, which is made where it is not there.
fn mount_point(engine: &str, volume: &str, makes: bool) -> Result<PathBuf> {
    let ask = |arguments: &[&str]| {
        let asked = Command::new(engine)
            .arg("volume")
            .args(arguments)
            .arg(volume)
            .output();
        asked.with_context(|| format!("cannot run {engine}"))
    };
    let inspect = ["inspect", "--format", "{{.Mountpoint}}"];
    let mut answer = ask(&inspect)?;
    if !answer.status.success() && makes {
        let made = ask(&["create"])?;
        if !made.status.success() {
            let why = String::from_utf8_lossy(&made.stderr);
            bail!(
                "{engine} volume create {volume}: {}",
                escape(why.trim().as_bytes())
            );
        }
        answer = ask(&inspect)?;
    }
    if !answer.status.success() {
        let why = String::from_utf8_lossy(&answer.stderr);
        bail!(
            "{engine} volume inspect {volume}: {}",
            escape(why.trim().as_bytes())
        );
    }
    let place = PathBuf::from(String::from_utf8_lossy(&answer.stdout).trim_end());
    if !place.is_absolute() {
        bail!(
            "{engine} does not say where it keeps {volume}: only volumes of this host are filled"
        );
    }
    Ok(place)
}

/// A tree can be deeper than a process may have files open by default; it may ask for more
/// (getrlimit(2)).
fn raise_open_files() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let most = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    // With fewer, a deep tree fails and says so.
    let _ = setrlimit(Resource::Nofile, most);
}

/// What went wrong in a volume, and what is worth knowing, on standard error.
fn told(fill: &Fill, outcome: &Outcome) {
    for trouble in outcome.troubles.iter().chain(&outcome.notes) {
        let message = escape(trouble.message.as_bytes());
        output::say(&format!(
            "seaworthy: {}: {}: {message}",
            fill.name, trouble.path
        ));
    }
}

fn line(fill: &Fill, place: &str, outcome: &Outcome) -> String {
    let entries = outcome.entries;
    let counted = format!("{entries} entries, {}", text::bytes(outcome.bytes));
    let what = match outcome.done {
        Done::Copied => format!("copied, {counted}"),
        Done::Made => "made, begins empty".to_owned(),
        Done::Before => "filled before: left as it is; --verify compares it".to_owned(),
        Done::Verified => format!("as its list says, {counted}"),
        Done::Interrupted => "interrupted".to_owned(),
        Done::Failed => format!("FAILED: {} troubles", outcome.troubles.len()),
    };
    let path: &AppPath = &fill.path;
    format!("{path} → {place}: {what}")
}

/// Works with a display of how far it is, when somebody watches; Ctrl-C ends it.
fn watched<T: Send>(work: impl FnOnce(&Progress) -> T + Send) -> Result<T> {
    let progress = Arc::new(Progress::default());
    let stop = Arc::clone(&progress);
    output::on_interrupt(move || stop.stop.store(true, Ordering::Relaxed))?;
    if !std::io::stderr().is_terminal() {
        return Ok(work(&progress));
    }
    let bar = ProgressBar::new(0);
    let style = "{spinner} {bar:24} {bytes} of {total_bytes}, {msg} {elapsed}";
    if let Ok(style) = ProgressStyle::with_template(style) {
        bar.set_style(style);
    }
    let done = std::thread::scope(|scope| {
        let work = scope.spawn(|| work(&progress));
        while !work.is_finished() {
            let bytes = progress.bytes.load(Ordering::Relaxed);
            bar.set_length(progress.expected.load(Ordering::Relaxed).max(bytes));
            bar.set_position(bytes);
            let entries = progress.entries.load(Ordering::Relaxed);
            bar.set_message(format!("{entries} entries"));
            std::thread::sleep(Duration::from_millis(50));
        }
        work.join()
    });
    bar.finish_and_clear();
    match done {
        Ok(done) => Ok(done),
        Err(_) => bail!("a fault of this program ended the copy; please report it"),
    }
}
