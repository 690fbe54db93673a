//! Finds and reads `seaworthy.toml` and the baseline: files of those who run the gate.

use std::collections::BTreeSet;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use seaworthy::path::AppPath;
use seaworthy::policy::{BASELINE, Baseline, CONFIG, Config};
use seaworthy::tree::{LookupError, Root};

/// The largest file that is read.
const LIMIT: usize = 16 << 20;

/// Where to look for `seaworthy.toml`.
#[derive(Debug)]
pub(super) enum Start {
    /// In a directory of this host, and upward.
    Host(PathBuf),
    /// In a path of the audited root and upward to its top, then upward from there.
    Inside(PathBuf, AppPath),
}

/// `seaworthy.toml` as read.
#[derive(Debug, Default)]
pub(super) struct Settings {
    pub(super) config: Config,
    /// The file; none when there is none and the defaults hold.
    pub(super) file: Option<PathBuf>,
}

/// Reads the file that is named, or the one that is found upward from the starts, or else upward
/// from the current directory.
pub(super) fn config(
    named: Option<&Path>,
    starts: &[Start],
    rules: &BTreeSet<&str>,
) -> Result<Settings> {
    let found = match named {
        Some(file) => Some((file.to_owned(), text(file, "the settings")?)),
        None => search(starts)?,
    };
    let Some((file, text)) = found else {
        return Ok(Settings::default());
    };
    let read = Config::read(&shown(&file), &text, rules);
    let config = read.map_err(|faults| {
        let faults: Vec<String> = faults.iter().map(ToString::to_string).collect();
        anyhow::anyhow!("{}", faults.join("\n"))
    })?;
    Ok(Settings {
        config,
        file: Some(file),
    })
}

fn search(starts: &[Start]) -> Result<Option<(PathBuf, String)>> {
    let mut found: Vec<(PathBuf, String)> = Vec::new();
    for start in starts {
        let one = match start {
            Start::Host(dir) => upward(dir)?,
            Start::Inside(root, path) => match inside(root, path)? {
                None => upward(root)?,
                some => some,
            },
        };
        found.extend(one.filter(|(file, _)| found.iter().all(|(held, _)| held != file)));
    }
    if let [(one, _), (other, _), ..] = &found[..] {
        bail!(
            "both {} and {} lie above what is audited: name one with --config",
            shown(one),
            shown(other),
        );
    }
    match found.pop() {
        None => upward(&std::env::current_dir().context("cannot tell the current directory")?),
        some => Ok(some),
    }
}

/// Upward inside an audited root: no link of that root leads out of it.
fn inside(root: &Path, path: &AppPath) -> Result<Option<(PathBuf, String)>> {
    // A root that cannot be opened is told by the audit.
    let Ok(tree) = Root::open(root) else {
        return Ok(None);
    };
    let mut dir = Some(path.clone());
    while let Some(at) = dir {
        let file = at.child(CONFIG.as_bytes());
        let host = root.join(file.to_text().trim_start_matches('/'));
        match tree.read(file.as_bytes(), LIMIT) {
            Ok(bytes) => {
                let text = String::from_utf8(bytes)
                    .map_err(|_| anyhow::anyhow!("{} is no UTF-8 text", shown(&host)))?;
                return Ok(Some((host, text)));
            }
            Err(LookupError::Absent | LookupError::NotDirectory) => {}
            Err(error) => bail!(
                "cannot read the settings {}: {error}; name others with --config",
                shown(&host)
            ),
        }
        dir = at.parent();
    }
    Ok(None)
}

/// Upward from a directory of this host.
fn upward(dir: &Path) -> Result<Option<(PathBuf, String)>> {
    let dir = std::path::absolute(dir)
        .with_context(|| format!("cannot make {} absolute", dir.display()))?;
    for dir in dir.ancestors() {
        let file = dir.join(CONFIG);
        if file.is_file() {
            let text = text(&file, "the settings")?;
            return Ok(Some((file, text)));
        }
    }
    Ok(None)
}

/// The baseline's file, whether it must be there, and what it holds. `named` goes before the
/// settings, and those before the usual name beside them.
pub(super) fn baseline(
    named: Option<&Path>,
    settings: &Settings,
) -> Result<(PathBuf, bool, Option<Baseline>)> {
    let beside = settings.file.as_deref().and_then(Path::parent);
    let beside = beside.unwrap_or(Path::new(""));
    let (file, is_named) = match (named, &settings.config.baseline) {
        (Some(named), _) => (named.to_owned(), true),
        (None, Some(name)) => (beside.join(name), true),
        (None, None) => (beside.join(BASELINE), false),
    };
    if !file.exists() {
        return Ok((file, is_named, None));
    }
    let text = text(&file, "the baseline")?;
    let baseline = Baseline::read(&shown(&file), &text)?;
    Ok((file, is_named, Some(baseline)))
}

/// The text of a file that the user named or keeps.
#[expect(
    clippy::disallowed_methods,
    reason = "a file of those who run the gate, not the audited disk"
)]
fn text(file: &Path, what: &str) -> Result<String> {
    let failed = || format!("cannot read {what} {}", shown(file));
    let open = std::fs::File::open(file).with_context(failed)?;
    let mut text = String::new();
    let limit = LIMIT as u64;
    let read = open.take(limit + 1).read_to_string(&mut text);
    if read.with_context(failed)? > LIMIT {
        bail!("{} is larger than {limit} bytes", shown(file));
    }
    Ok(text)
}

/// A path as the user would write it here: below the current directory relative to it.
pub(super) fn shown(file: &Path) -> String {
    let here = std::env::current_dir().unwrap_or_default();
    let short = file.strip_prefix(&here).unwrap_or(file);
    short.display().to_string()
}
