//! The inputs to begin with: seeds that are kept in the repository, files of the samples, and what a
//! fuzzer found here before.

use std::fs;
use std::path::{Path, PathBuf};

use walkdir::WalkDir;

use crate::Target;

/// The longest file of a sample that becomes an input: longer ones only slow the search.
const LONGEST: u64 = 64 << 10;

/// The most files of one place that become inputs.
const MOST: usize = 40;

/// The directory of this crate.
#[must_use]
pub fn home() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The directory of what a fuzzer found for a target; git does not keep it.
#[must_use]
pub fn found(target: &Target) -> PathBuf {
    home().join("corpus").join(target.name)
}

/// The seeds of a target, in one order everywhere, each with its name.
#[must_use]
pub fn seeds(target: &Target) -> Vec<(String, Vec<u8>)> {
    let mut all = files(&home().join("seeds").join(target.name), "", usize::MAX);
    let top = home().parent().unwrap_or(home());
    for from in target.from {
        // Of the repository itself only the files at its top.
        let mut some = match from.under {
            "" => files(&top.join(from.ending), "", 1),
            under => files(&top.join(under), from.ending, MOST),
        };
        for (name, bytes) in &mut some {
            bytes.splice(0..0, from.before.iter().copied());
            name.push_str(
                &from
                    .before
                    .iter()
                    .map(|byte| format!("+{byte}"))
                    .collect::<String>(),
            );
        }
        all.extend(some);
    }
    all
}

/// What a fuzzer found for a target on this machine.
#[must_use]
pub fn collected(target: &Target) -> Vec<(String, Vec<u8>)> {
    files(&found(target), "", usize::MAX)
}

/// Files below a directory whose names end so.
fn files(dir: &Path, ending: &str, most: usize) -> Vec<(String, Vec<u8>)> {
    let entries = WalkDir::new(dir).sort_by_file_name().into_iter();
    let entries = entries.filter_map(Result::ok).filter(|entry| {
        let is_file = entry.file_type().is_file();
        is_file
            && entry.path().to_string_lossy().ends_with(ending)
            && entry.metadata().is_ok_and(|file| file.len() <= LONGEST)
    });
    entries
        .take(most)
        .filter_map(|entry| {
            Some((
                entry.path().display().to_string(),
                fs::read(entry.path()).ok()?,
            ))
        })
        .collect()
}

/// Writes the seeds of a target where cargo-fuzz looks for its corpus.
///
/// # Errors
/// When they cannot be written.
pub fn write(target: &Target) -> std::io::Result<usize> {
    let dir = found(target);
    fs::create_dir_all(&dir)?;
    let seeds = seeds(target);
    for (at, (_, bytes)) in seeds.iter().enumerate() {
        fs::write(dir.join(format!("seed-{at:03}")), bytes)?;
    }
    Ok(seeds.len())
}
