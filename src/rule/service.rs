//! Checks that ask what runs: which files are part of the running application, and how many
//! services it is.

use std::collections::{BTreeMap, BTreeSet};

use crate::fact::{Certainty, Fact, ProgramForm, Source, StartKind, Touch, What};
use crate::path::AppPath;

use super::check::Params;
use super::field::{Field, Sort};
use super::find::{Hit, Scene, text};
use super::item::Item;
use super::select::is_own;

/// The files that run when the application runs: what units, init scripts, cron tables and
/// supervisors start, what their arguments name, and what those scripts run or read in turn.
pub(super) fn in_service(scene: &Scene<'_>) -> BTreeSet<AppPath> {
    let mut next: BTreeMap<&AppPath, Vec<AppPath>> = BTreeMap::new();
    let mut open: Vec<AppPath> = Vec::new();
    for fact in scene.facts(Sort::Starts) {
        let What::Starts {
            program, args, how, ..
        } = &fact.what
        else {
            continue;
        };
        let mut started = vec![program.clone()];
        // `su - app -c "/opt/app/run.sh start"` and `sh /opt/app/run.sh` start the script.
        let words = args.iter().flat_map(|arg| arg.split(['"', '\'', ' ', ';']));
        started.extend(words.filter_map(AppPath::absolute));
        if *how == StartKind::Script {
            next.entry(&fact.at.file).or_default().extend(started);
        } else {
            open.push(fact.at.file.clone());
            open.extend(started);
        }
    }
    for fact in scene.facts(Sort::Path) {
        if let What::Path {
            path,
            touch: Touch::Runs | Touch::Reads,
            source: Source::Script | Source::Init | Source::Cron,
            ..
        } = &fact.what
        {
            next.entry(&fact.at.file).or_default().push(path.clone());
        }
    }
    let mut seen = BTreeSet::new();
    while let Some(path) = open.pop() {
        if !seen.contains(&path) {
            open.extend(next.get(&path).into_iter().flatten().cloned());
            seen.insert(path);
        }
    }
    seen
}

/// Files in which commands were seen, or whose first line names an interpreter.
fn scripts<'a>(scene: &Scene<'a>) -> BTreeSet<&'a AppPath> {
    let is_script = |fact: &&Fact| match &fact.what {
        What::Program { form, .. } => *form == ProgramForm::Script,
        _ => true,
    };
    (scene.facts(Sort::Program).chain(scene.facts(Sort::Calls)))
        .filter(is_script)
        .map(|fact| &fact.at.file)
        .collect()
}

/// Of what was seen in scripts, keeps what is seen in those that run when the application runs.
/// In the directory of an application without a package any other script may be called in a way
/// that does not show, and stays as weak evidence; the tools that a package brings beside its
/// service do not. What units, settings, programs or the tree itself say is kept.
pub(super) fn keep_in_service<'a>(
    scene: &Scene<'a>,
    hits: Vec<Hit<'a>>,
    _: &Params,
) -> Vec<Hit<'a>> {
    let running = scene.in_service();
    let scripts = scripts(scene);
    let packaged = !scene.items(Sort::Package).is_empty();
    hits.into_iter()
        .filter_map(|hit| {
            let file = hit.item.file();
            if hit.item.certainty() >= Certainty::Observed
                || running.contains(file)
                || !scripts.contains(file)
            {
                return Some(hit);
            }
            let own = is_own(file, &scene.prefixes);
            (own && !packaged).then_some(Hit { weak: true, ..hit })
        })
        .collect()
}

/// Commands that prepare or end a service and are gone while it runs.
const PREPARES: &[&[u8]] = &[
    b"true",
    b"false",
    b"mkdir",
    b"chown",
    b"chmod",
    b"install",
    b"rm",
    b"rmdir",
    b"ln",
    b"cp",
    b"mv",
    b"touch",
    b"test",
    b"[",
    b"echo",
    b"sleep",
    b"kill",
    b"pkill",
    b"killall",
    b"cat",
    b"sysctl",
    b"modprobe",
    b"mount",
    b"umount",
    b"systemctl",
    b"systemd-tmpfiles",
    b"logger",
];

/// Keeps service starts when there are at least `least` services: units by name, without the
/// instance; an init script of the same name or program is the same service.
pub(super) fn separate_services<'a>(
    _: &Scene<'a>,
    hits: Vec<Hit<'a>>,
    params: &Params,
) -> Vec<Hit<'a>> {
    let lasting: Vec<Hit<'a>> = hits
        .into_iter()
        .filter(|hit| !PREPARES.contains(&hit.item.path().name()))
        .collect();
    let units: Vec<(String, &AppPath)> = lasting
        .iter()
        .filter(|hit| !is_init(hit))
        .map(|hit| (stem(hit), hit.item.path()))
        .collect();
    let kept: Vec<Hit<'a>> = lasting
        .iter()
        .copied()
        .filter(|hit| {
            let same = |(name, program): &(String, &AppPath)| {
                *name == stem(hit) || *program == hit.item.path()
            };
            !is_init(hit) || !units.iter().any(same)
        })
        .collect();
    let services: BTreeSet<String> = kept.iter().map(stem).collect();
    if services.len() < params.least.unwrap_or(2) {
        return Vec::new();
    }
    kept
}

fn is_init(hit: &Hit<'_>) -> bool {
    matches!(hit.item, Item::Fact(fact)
        if matches!(&fact.what, What::Starts { how: StartKind::Init, .. }))
}

/// `app` of `app.service`, `app@.service`, `app@one.service` and `app`.
fn stem(hit: &Hit<'_>) -> String {
    let name = text(hit, Field::Name);
    let name = name.split('@').next().unwrap_or_default();
    let name = name.strip_suffix(".service").unwrap_or(name);
    name.strip_suffix(".socket").unwrap_or(name).to_owned()
}
