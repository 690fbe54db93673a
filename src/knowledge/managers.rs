//! Programs that keep others running by a table of their own.

/// Names by which the managers are started that have tables of a form of their own.
pub(crate) const MANAGERS: [&str; 14] = [
    "pm2",
    "pm2-runtime",
    "foreman",
    "honcho",
    "overmind",
    "goreman",
    "hivemind",
    "god",
    "eye",
    "leye",
    "circusd",
    "monit",
    "forego",
    "node-foreman",
];

/// The one that reads `[program:NAME]`.
pub(crate) const SUPERVISORD: [&str; 1] = ["supervisord"];

/// Those that keep a program running for each directory that has a script `run` (runsvdir(8), svscan(8),
/// s6-svscan(8)).
pub(crate) const SCANNERS: [&str; 7] = [
    "runsvdir",
    "runsvdir-start",
    "runit",
    "svscan",
    "svscanboot",
    "s6-svscan",
    "s6-svscan-boot",
];

/// Whether a program of that name keeps others running by a table of its own.
#[must_use]
pub(crate) fn is_manager(name: &[u8]) -> bool {
    let mut all = MANAGERS.iter().chain(&SUPERVISORD).chain(&SCANNERS);
    all.any(|manager| manager.as_bytes() == name)
}
