//! Directories in memory: what every program may expect of a Unix system, whatever evidence there
//! is of its own use. Names of temporary files are made while a program runs, so that nobody can
//! know beforehand which one needs a place for them.

use crate::fact::{Class, Fact};
use crate::path::AppPath;
use crate::report::{Mount, PathEntry, Scratch};

/// The directories that every read-only root has in memory, with their modes (FHS 3.0, 3.15, 3.18
/// and 5.15; podman-run(1), `--read-only-tmpfs`).
const SCRATCH: [(&str, &str); 3] = [("/run", "0755"), ("/tmp", "1777"), ("/var/tmp", "1777")];

/// How many facts stand under a directory.
const BECAUSE: usize = 8;

/// The directories in memory, but for those that the plan mounts itself.
pub(super) fn scratch(mounts: &[Mount], paths: &[PathEntry]) -> Vec<Scratch> {
    let is_mounted = |path: &AppPath| mounts.iter().any(|mount| mount.path == *path);
    let given = SCRATCH
        .iter()
        .map(|(path, mode)| (AppPath::new(path), *mode));
    given
        .filter(|(path, _)| !is_mounted(path))
        .map(|(path, mode)| Scratch {
            because: because(&path, paths),
            path,
            mode: mode.to_owned(),
        })
        .collect()
}

/// What is made in a directory, or is the directory itself.
fn because(dir: &AppPath, paths: &[PathEntry]) -> Vec<Fact> {
    let volatile = |entry: &&PathEntry| matches!(entry.class, Class::Runtime | Class::Temp);
    let mut facts: Vec<Fact> = paths
        .iter()
        .filter(volatile)
        .filter(|entry| entry.mount.is_some() && entry.path.is_within(dir))
        .flat_map(|entry| entry.because.iter().cloned())
        .collect();
    facts.sort_by(|a, b| b.certainty.cmp(&a.certainty).then_with(|| a.cmp(b)));
    facts.dedup();
    facts.truncate(BECAUSE);
    facts
}
