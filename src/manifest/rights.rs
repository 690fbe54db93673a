//! Whether a process may gain privileges: no_new_privs voids setuid programs and file capabilities
//! (prctl(2), PR_SET_NO_NEW_PRIVS).

use std::collections::BTreeSet;

use crate::fact::{Fact, What};
use crate::path::AppPath;
use crate::report::Report;

use super::Limit;
use super::process::Process;

/// What gains rights when it is executed.
const GAINS: [&str; 4] = ["setuid", "setgid", "file-capability", "capabilities"];

/// The programs of the audit that gain rights when they are executed.
fn helpers(report: &Report) -> BTreeSet<&AppPath> {
    let gains = |fact: &&Fact| match &fact.what {
        What::Holds { content, .. } => GAINS.contains(&content.as_str()),
        What::Program { traits, .. } => traits.iter().any(|name| GAINS.contains(&name.as_str())),
        _ => false,
    };
    let facts = report.findings.iter().flat_map(|found| &found.because);
    facts.filter(gains).map(|fact| &fact.at.file).collect()
}

/// Whether processes that are not root must be able to gain rights, which is said.
pub(super) fn gains(report: &Report, processes: &[Process], limits: &mut Vec<Limit>) -> bool {
    let helpers = helpers(report);
    let Some(first) = helpers.first() else {
        return false;
    };
    if processes.iter().all(Process::is_root) {
        return false;
    }
    let others = match helpers.len() {
        1 => String::new(),
        count => format!(" and {} others", count - 1),
    };
    limits.push(Limit::new(
        "no-new-privileges",
        format!("it would void the setuid bits and file capabilities of {first}{others}"),
        "left out: processes may gain privileges, within the capabilities that are given",
    ));
    true
}
