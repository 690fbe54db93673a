//! Units and init scripts that are installed and not enabled: nothing starts them when the system does
//! (systemctl(1), `enable`; systemd.unit(5), `[Install]`; update-rc.d(8), chkconfig(8)).

use std::collections::{BTreeMap, BTreeSet};

use super::live::UNIT_DIRS;
use crate::extract::shell::{INIT_DIRS, is_local};
use crate::fact::{Certainty, Fact, Kind, Locus, StartKind, What};
use crate::path::AppPath;
use crate::tree::Root;

/// The key of the directive that says so.
pub(super) const KEY: &str = "Enabled";

/// How much of a unit is read.
const LIMIT: usize = 1 << 16;

/// The files that are said to start nothing.
pub(super) fn off(facts: &[Fact]) -> BTreeSet<&AppPath> {
    let is_off = |fact: &&Fact| matches!(&fact.what, What::Directive { key, value } if key == KEY && value == "no");
    facts
        .iter()
        .filter(is_off)
        .map(|fact| &fact.at.file)
        .collect()
}

/// A directive for each unit that could be enabled and is not, where another one that starts the
/// application is: of a tree in which nothing is enabled, nothing tells which one is meant.
pub(super) fn facts(root: &Root, facts: &[Fact]) -> Vec<Fact> {
    let enabled = enabled(root);
    let runlevels = runlevels(root);
    let mut units: BTreeMap<&AppPath, bool> = BTreeMap::new();
    for fact in facts {
        let What::Starts { how, .. } = &fact.what else {
            continue;
        };
        let file = &fact.at.file;
        let is_script = INIT_DIRS
            .iter()
            .any(|dir| file.parent() == Some(AppPath::new(dir)));
        if *how == StartKind::Init && is_script && !is_local(file) && !runlevels.is_empty() {
            units.insert(file, runlevels.contains(file.name()));
        }
        if *how != StartKind::Unit {
            continue;
        }
        let is_installed = UNIT_DIRS
            .iter()
            .any(|dir| file.parent() == Some(AppPath::new(dir)));
        if is_installed && file.name().ends_with(b".service") {
            units.insert(file, enabled.contains(file.name()));
        }
    }
    if !units.values().any(|is_enabled| *is_enabled) {
        return Vec::new();
    }
    let idle = units.iter().filter(|(_, is_enabled)| !**is_enabled);
    idle.filter(|(file, _)| can_be_enabled(root, file))
        .map(|(file, _)| Fact {
            at: Locus::file(file),
            what: What::Directive {
                key: KEY.to_owned(),
                value: "no".to_owned(),
            },
            certainty: Certainty::Observed,
        })
        .collect()
}

/// A unit without `[Install]` is started by others, of which nothing is known here.
fn can_be_enabled(root: &Root, file: &AppPath) -> bool {
    if !file.name().ends_with(b".service") {
        return true;
    }
    let text = root.read(file.as_bytes(), LIMIT).unwrap_or_default();
    let mut lines = text.split(|&byte| byte == b'\n');
    lines.any(|line| line.trim_ascii() == b"[Install]")
}

/// The init scripts that a runlevel with services starts: `S20name` in `rc3.d` (init(8), insserv(8)),
/// or the script's own name (OpenRC).
fn runlevels(root: &Root) -> BTreeSet<Vec<u8>> {
    let mut found = BTreeSet::new();
    let levels = ["2", "3", "4", "5"].map(|level| format!("rc{level}.d"));
    let dirs = levels.iter().flat_map(|level| {
        ["/etc", "/etc/rc.d", "/etc/init.d"]
            .map(|above| AppPath::new(above).child(level.as_bytes()))
    });
    for dir in dirs {
        for (name, _) in root.list(dir.as_bytes()).unwrap_or_default() {
            if let Some(rest) = name.strip_prefix(b"S") {
                let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
                found.insert(rest[digits..].to_vec());
            }
        }
    }
    for level in ["default", "boot", "sysinit"] {
        let dir = AppPath::new("/etc/runlevels").child(level.as_bytes());
        let names = root.list(dir.as_bytes()).unwrap_or_default();
        found.extend(names.into_iter().map(|(name, _)| name));
    }
    found
}

/// The names for which something has a link, and those of units that have another name.
fn enabled(root: &Root) -> BTreeSet<Vec<u8>> {
    let mut found = BTreeSet::new();
    for dir in UNIT_DIRS.iter().map(AppPath::new) {
        for (name, stat) in root.list(dir.as_bytes()).unwrap_or_default() {
            let path = dir.child(&name);
            if name.ends_with(b".wants") || name.ends_with(b".requires") {
                let links = root.list(path.as_bytes()).unwrap_or_default();
                found.extend(links.into_iter().map(|(link, _)| link));
            } else if stat.kind == Kind::Link
                && let Ok(target) = root.link_target(path.as_bytes())
            {
                found.insert(AppPath::new(target).name().to_vec());
            }
        }
    }
    found
}
