//! Traces are files of the host that runs the audit, not of the audited root: they are opened here,
//! and of their place only the file's name goes further.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use seaworthy::knowledge::places;
use seaworthy::parse::trace::{Ground, Source, Trace, read};
use seaworthy::path::{AppPath, escape};

#[expect(
    clippy::disallowed_methods,
    reason = "a log is a file of this host that the user names, looked at before"
)]
fn open(file: &Path) -> std::io::Result<Box<dyn Read>> {
    Ok(Box::new(File::open(file)?))
}

/// Reads the logs; nothing when none is named. `root` is the top of the audited root.
///
/// # Errors
/// When one cannot be read, or is no log of a known form.
pub(crate) fn traces(files: &[PathBuf], root: Option<&Path>) -> Result<Option<Trace>> {
    if files.is_empty() {
        return Ok(None);
    }
    for file in files {
        check(file)?;
    }
    let top = root.and_then(|root| root.canonicalize().ok());
    let ground = Ground {
        runs_scripts: |name| places::is_interpreter(name) && !places::is_launcher(name),
        top: top
            .map(|top| AppPath::new(top.as_os_str().as_encoded_bytes()))
            .filter(|top| !top.is_root()),
    };
    let opens: Vec<_> = files.iter().map(|file| move || open(file)).collect();
    let sources: Vec<Source<'_>> = files
        .iter()
        .zip(&opens)
        .map(|(file, open)| Source {
            name: label(file),
            open,
        })
        .collect();
    match read(&sources, &ground) {
        Ok(trace) => Ok(Some(trace)),
        Err((at, error)) => Err(error).with_context(|| {
            let file = files.get(at).map(|file| file.display().to_string());
            format!("--trace {}", file.unwrap_or_default())
        }),
    }
}

/// A log is looked at before it is read, and some are read twice: a pipe will not do.
fn check(file: &Path) -> Result<()> {
    let found = file
        .metadata()
        .with_context(|| format!("--trace {}: cannot read the trace", file.display()))?;
    if found.is_dir() {
        bail!(
            "--trace {}: it is a directory; name the logs in it, one --trace for each",
            file.display()
        );
    }
    if !found.is_file() {
        bail!(
            "--trace {}: it is no regular file; write the log to a file first",
            file.display()
        );
    }
    Ok(())
}

fn label(file: &Path) -> String {
    let name = file.file_name().unwrap_or(file.as_os_str());
    escape(name.as_encoded_bytes()).into_owned()
}
