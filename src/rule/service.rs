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

/// Keeps service starts when at least `least` processes stay: units by name, without the instance;
/// an init script of the same name or program is the same service. A script that runs with the
/// application adds what it leaves running beside its last command.
pub(super) fn separate_services<'a>(
    scene: &Scene<'a>,
    hits: Vec<Hit<'a>>,
    params: &Params,
) -> Vec<Hit<'a>> {
    let lasting: Vec<Hit<'a>> = hits
        .into_iter()
        .filter(|hit| !PREPARES.contains(&hit.item.path().name()))
        .collect();
    let of = |kinds: &[StartKind]| -> Vec<Hit<'a>> {
        let kind = |hit: &&Hit<'a>| start(hit.item).is_some_and(|(how, _)| kinds.contains(&how));
        lasting.iter().filter(kind).copied().collect()
    };
    let units = of(&[StartKind::Unit, StartKind::Socket, StartKind::Supervisor]);
    let same = |one: &Hit<'a>, unit: &Hit<'a>| {
        stem(one) == stem(unit) || one.item.path() == unit.item.path()
    };
    let mut services = of(&[StartKind::Init]);
    services.retain(|init| !units.iter().any(|unit| same(init, unit)));
    let inits = left_running(&services);
    let mut stems: BTreeSet<String> = units.iter().map(stem).collect();
    stems.extend(services.iter().map(stem));
    let mut scripts = of(&[StartKind::Script]);
    scripts.retain(|hit| scene.in_service().contains(hit.item.file()));
    let started = left_running(&scripts);
    scripts.retain(|hit| {
        started
            .get(hit.item.file())
            .is_some_and(|left| left.len() > 1)
    });
    let beside = (inits.values().chain(started.values()))
        .map(|left| left.len().saturating_sub(1))
        .sum::<usize>();
    if stems.len() + beside < params.least.unwrap_or(2) {
        return Vec::new();
    }
    [units, services, scripts].concat()
}

/// By script, the programs that stay when it ends: in the background, or in its place.
fn left_running<'a>(hits: &[Hit<'a>]) -> BTreeMap<&'a AppPath, BTreeSet<&'a AppPath>> {
    let mut left: BTreeMap<&AppPath, BTreeSet<&AppPath>> = BTreeMap::new();
    for hit in hits {
        if start(hit.item).is_some_and(|(_, forks)| forks.is_some()) {
            left.entry(hit.item.file())
                .or_default()
                .insert(hit.item.path());
        }
    }
    left
}

/// Who starts it, and whether it goes into the background.
fn start(item: Item<'_>) -> Option<(StartKind, Option<bool>)> {
    match item {
        Item::Fact(fact) => match &fact.what {
            What::Starts { how, forks, .. } => Some((*how, *forks)),
            _ => None,
        },
        _ => None,
    }
}

/// `app` of `app.service`, `app@.service`, `app@one.service` and `app`.
fn stem(hit: &Hit<'_>) -> String {
    let name = text(hit, Field::Name);
    let name = name.split('@').next().unwrap_or_default();
    let name = name.strip_suffix(".service").unwrap_or(name);
    name.strip_suffix(".socket").unwrap_or(name).to_owned()
}
