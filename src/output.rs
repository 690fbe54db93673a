//! Where results go: standard output, or a file that is replaced whole or not at all.

use std::io::{IsTerminal as _, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::{Mutex, PoisonError};

use anyhow::{Context, Result, bail};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use seaworthy::render::Style;
use seaworthy::report::{Report, SCHEMA};

/// The largest report that is read back.
const REPORT_LIMIT: u64 = 1 << 30;

/// Prints to standard output. A reader that went away, as `head` does, is no error.
pub(crate) fn print(text: &str) -> Result<()> {
    match std::io::stdout().lock().write_all(text.as_bytes()) {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        other => other.context("cannot write to standard output"),
    }
}

/// Says something to the person at the terminal.
pub(crate) fn say(text: &str) {
    // Nobody is left to be told when this fails.
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

/// How a report may be shown: colour and the terminal's width only on a terminal
/// (<https://no-color.org>).
pub(crate) fn style(to_file: bool, all: bool) -> Style {
    let on_terminal = !to_file && std::io::stdout().is_terminal();
    let width = rustix::termios::tcgetwinsize(std::io::stdout())
        .ok()
        .filter(|_| on_terminal)
        .map_or(80, |size| usize::from(size.ws_col).clamp(60, 120));
    let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
        || std::env::var_os("TERM").is_some_and(|value| value == "dumb");
    Style {
        width,
        colour: on_terminal && !plain,
        all,
    }
}

/// Whether `file` can be written, before the work is done.
///
/// # Errors
/// When its directory is not there, when it is a directory, or when it lies inside the audited
/// root, which is never written to.
pub(crate) fn check(file: &Path, root: Option<&Path>) -> Result<()> {
    if file.is_dir() {
        bail!(
            "cannot write {}: it is a directory; name a file in it",
            file.display()
        );
    }
    check_folder(file, &folder(file), root)
}

/// Whether `wanted` can be written into `folder`.
fn check_folder(wanted: &Path, folder: &Path, root: Option<&Path>) -> Result<()> {
    let real = folder.canonicalize().with_context(|| {
        format!(
            "cannot write {}: no directory {}",
            wanted.display(),
            folder.display()
        )
    })?;
    if let Some(root) = root.and_then(|root| root.canonicalize().ok())
        && root != Path::new("/")
        && real.starts_with(&root)
    {
        bail!(
            "cannot write {}: it lies inside the audited root {}, which is only read",
            wanted.display(),
            root.display(),
        );
    }
    Ok(())
}

/// What is done when Ctrl-C is pressed; each step of a command adds its own.
static HOOKS: Mutex<Vec<Box<dyn Fn() + Send>>> = Mutex::new(Vec::new());

/// The signal by which it was pressed before; 0 while none was.
static ENDED_BY: AtomicI32 = AtomicI32::new(0);

/// Ends the program by the signal that asked for it, as whoever started it expects (signal(7)). Ctrl-C
/// has an exit code of its own, and is left to the caller.
pub(crate) fn end_as_asked() {
    let signal = ENDED_BY.load(Ordering::Relaxed);
    if signal == SIGTERM || signal == SIGHUP {
        // Where it cannot be, the exit code tells.
        let _ = signal_hook::low_level::emulate_default_handler(signal);
    }
}

/// Adds what is done when Ctrl-C is pressed, or the program is asked to end. When it is pressed
/// again, nothing is waited for: a step that asks rarely whether it is to end holds nobody.
///
/// # Errors
/// When the system does not let it be watched.
pub(crate) fn on_interrupt(hook: impl Fn() + Send + 'static) -> Result<()> {
    let mut hooks = HOOKS.lock().unwrap_or_else(PoisonError::into_inner);
    if hooks.is_empty() {
        let mut signals =
            Signals::new([SIGINT, SIGTERM, SIGHUP]).context("cannot watch for Ctrl-C")?;
        let watch = move || {
            for signal in signals.forever() {
                if ENDED_BY.swap(signal, Ordering::Relaxed) != 0 {
                    use rustix::process::{Signal, getpid, kill_process};
                    // There is nobody to tell when even that fails.
                    let _ = kill_process(getpid(), Signal::KILL);
                }
                let hooks = HOOKS.lock().unwrap_or_else(PoisonError::into_inner);
                hooks.iter().for_each(|hook| hook());
            }
        };
        std::thread::Builder::new()
            .name("signals".to_owned())
            .spawn(watch)
            .context("cannot watch for Ctrl-C")?;
    }
    hooks.push(Box::new(hook));
    Ok(())
}

/// A directory beside `file` for what is made before it gets its name; it is gone when the command
/// ends.
///
/// # Errors
/// When it cannot be made.
pub(crate) fn part_dir(file: &Path) -> Result<tempfile::TempDir> {
    tempfile::Builder::new()
        .prefix(".seaworthy-")
        .tempdir_in(folder(file))
        .with_context(|| format!("cannot write {}", file.display()))
}

/// Makes a directory for results, and those above it.
///
/// # Errors
/// When it cannot be made, or lies inside the audited root, which is never written to.
pub(crate) fn make_dir(dir: &Path, root: Option<&Path>) -> Result<()> {
    let whole = std::path::absolute(dir)?;
    // Nothing is made before it is known where: the nearest directory that is there tells.
    let there = whole.ancestors().find(|above| above.exists());
    check_folder(dir, there.unwrap_or(Path::new("/")), root)?;
    std::fs::create_dir_all(dir)
        .with_context(|| format!("cannot make the directory {}", dir.display()))
}

/// Writes `text` to `file`: a reader sees the old content or the new one, never a part.
///
/// # Errors
/// When it cannot be written; the old content then stands.
pub(crate) fn replace(file: &Path, text: &str) -> Result<()> {
    replace_bytes(file, text.as_bytes(), 0o644)
}

/// As [`replace`], with the permission bits of the file.
pub(crate) fn replace_bytes(file: &Path, bytes: &[u8], mode: u32) -> Result<()> {
    let mut batch = Batch::default();
    batch.add(file, bytes, mode)?;
    batch.finish()
}

/// Files that are written together: none gets its name before all are whole.
#[derive(Default)]
pub(crate) struct Batch {
    parts: Vec<(PathBuf, Part)>,
}

/// A file before it has its name, or what is written to something that cannot be replaced.
enum Part {
    File(tempfile::NamedTempFile),
    Stream(Vec<u8>),
}

impl Batch {
    /// Writes a file beside the place where it will be.
    ///
    /// # Errors
    /// When it cannot be written; what was added is gone when the batch is.
    pub(crate) fn add(&mut self, file: &Path, bytes: &[u8], mode: u32) -> Result<()> {
        let failed = || format!("cannot write {}", file.display());
        // A pipe or a terminal cannot be replaced, and a link stays a link.
        let target = file.canonicalize().unwrap_or_else(|_| file.to_owned());
        let part = if target.exists() && !target.is_file() {
            Part::Stream(bytes.to_vec())
        } else {
            let mut part = tempfile::Builder::new()
                .prefix(".seaworthy-")
                .permissions(std::os::unix::fs::PermissionsExt::from_mode(mode))
                .tempfile_in(folder(&target))
                .with_context(failed)?;
            part.write_all(bytes).with_context(failed)?;
            part.as_file().sync_all().with_context(failed)?;
            Part::File(part)
        };
        self.parts.push((target, part));
        Ok(())
    }

    /// Gives every file its name.
    ///
    /// # Errors
    /// When one cannot be replaced.
    pub(crate) fn finish(self) -> Result<()> {
        for (target, part) in self.parts {
            let failed = || format!("cannot write {}", target.display());
            match part {
                Part::File(part) => drop(part.persist(&target).with_context(failed)?),
                Part::Stream(bytes) => {
                    let mut open = std::fs::OpenOptions::new()
                        .write(true)
                        .open(&target)
                        .with_context(failed)?;
                    open.write_all(&bytes).with_context(failed)?;
                }
            }
        }
        Ok(())
    }
}

/// The directory that a file is in.
pub(crate) fn folder(file: &Path) -> PathBuf {
    match file.parent() {
        Some(folder) if folder != Path::new("") => folder.to_owned(),
        _ => PathBuf::from("."),
    }
}

/// Reads a text that the user named, at most 1 MiB of it.
///
/// # Errors
/// When it cannot be read, or is no UTF-8.
#[expect(
    clippy::disallowed_methods,
    reason = "a file that the user named, not the audited disk"
)]
pub(crate) fn read_text(file: &Path) -> Result<String> {
    let mut text = String::new();
    std::fs::File::open(file)
        .and_then(|open| open.take(1 << 20).read_to_string(&mut text))
        .with_context(|| format!("cannot read {}", file.display()))?;
    Ok(text)
}

/// Reads a file that the user named, at most `limit` bytes of it.
///
/// # Errors
/// When it cannot be read.
#[expect(
    clippy::disallowed_methods,
    reason = "a file that the user named, not the audited disk"
)]
pub(crate) fn read_bytes(file: &Path, limit: u64) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    std::fs::File::open(file)
        .and_then(|open| open.take(limit).read_to_end(&mut bytes))
        .with_context(|| format!("cannot read {}", file.display()))?;
    Ok(bytes)
}

/// Reads a JSON report back.
///
/// # Errors
/// When it cannot be read, is no report, or follows another contract.
#[expect(
    clippy::disallowed_methods,
    reason = "a report that the user named, not the audited disk"
)]
pub(crate) fn read_report(file: &Path) -> Result<Report> {
    let mut text = String::new();
    std::fs::File::open(file)
        .and_then(|open| open.take(REPORT_LIMIT).read_to_string(&mut text))
        .with_context(|| format!("cannot read the report {}", file.display()))?;
    let value: serde_json::Value = serde_json::from_str(&text).with_context(|| {
        format!(
            "{} is no JSON report; make one with: seaworthy scan … --format json",
            file.display()
        )
    })?;
    if value.get("schema").and_then(serde_json::Value::as_u64) != Some(u64::from(SCHEMA)) {
        bail!(
            "{} is not a report of schema {SCHEMA}; make a new one with this version",
            file.display()
        );
    }
    Report::from_json(value).with_context(|| format!("{} is refused", file.display()))
}
