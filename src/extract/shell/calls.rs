//! What a script's calls, and its paths below `/dev` and `/proc/sys`, ask of the host.

use crate::extract::calls;
use crate::extract::script::{Facts, certainty_of};
use crate::fact::{Need, What};
use crate::parse::op::{Act, Op, Run};

/// Adds the call, if it is one that matters.
pub(super) fn call(op: &Op, run: &Run, installs: bool, facts: &mut Facts<'_>) {
    let Some((program, args)) = run.argv.split_first() else {
        return;
    };
    if op.undoes() {
        return;
    }
    for what in calls::facts(program, args, installs) {
        facts.add(op.line, certainty_of(op), what);
    }
}

/// Devices that every container has (OCI runtime specification, "Default devices").
const DEVICES: &[&str] = &[
    "console", "fd", "full", "log", "null", "ptmx", "pts", "random", "shm", "stderr", "stdin",
    "stdout", "tcp", "tty", "udp", "urandom", "zero",
];

/// What a path below `/dev` or `/proc/sys` says about the kernel.
pub(super) fn path(op: &Op, act: Act, path: &[u8], facts: &mut Facts<'_>) {
    let Ok(text) = std::str::from_utf8(path) else {
        return;
    };
    let writes = matches!(act, Act::Writes | Act::Creates);
    let found = if let Some(key) = text.strip_prefix("/proc/sys/").filter(|_| writes) {
        Some((Need::Sysctl, key.replace('/', ".")))
    } else if let Some(name) = text.strip_prefix("/dev/") {
        let first = name.split('/').next().unwrap_or_default();
        let known = DEVICES.contains(&first) || name.contains('*') || name.is_empty();
        (!known && act != Act::Names).then(|| (Need::Device, text.to_owned()))
    } else {
        None
    };
    if let Some((need, name)) = found {
        facts.add(op.line, certainty_of(op), What::Needs { need, name });
    }
}
