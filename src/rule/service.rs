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
    reached(scene, |_| true)
}

/// The files that run when those starts are made that `begins` lets through.
fn reached(scene: &Scene<'_>, begins: impl Fn(&Fact) -> bool) -> BTreeSet<AppPath> {
    let replaced = replaced(scene);
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
        } else if !replaced.contains(&fact.at.file) && begins(fact) {
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

/// Init scripts and Upstart jobs that systemd does not run, because there is a unit of the same
/// name (systemd-sysv-generator(8)) or one that starts the same program. A script that a unit
/// starts is in force.
fn replaced<'a>(scene: &Scene<'a>) -> BTreeSet<&'a AppPath> {
    let starts = |kind: StartKind| {
        scene
            .facts(Sort::Starts)
            .filter_map(move |fact| match &fact.what {
                What::Starts {
                    program, how, name, ..
                } if *how == kind => Some((fact, program, stem(name))),
                _ => None,
            })
    };
    let programs: BTreeSet<&AppPath> = starts(StartKind::Unit).map(|(_, path, _)| path).collect();
    let stems: BTreeSet<&str> = starts(StartKind::Unit).map(|(_, _, stem)| stem).collect();
    starts(StartKind::Init)
        .filter(|(_, program, stem)| stems.contains(stem) || programs.contains(program))
        .map(|(fact, ..)| &fact.at.file)
        .filter(|script| !programs.contains(script))
        .collect()
}

/// Keeps what is started by something in force: not by an init script that a unit replaces, nor
/// by a unit for the sessions of users.
pub(super) fn keep_in_force<'a>(scene: &Scene<'a>, hits: Vec<Hit<'a>>, _: &Params) -> Vec<Hit<'a>> {
    let replaced = replaced(scene);
    hits.into_iter()
        .filter(|hit| !replaced.contains(hit.item.file()) && !is_session(hit.item.file()))
        .collect()
}

/// Whether a unit belongs to the session of a user (systemd.unit(5), "User Unit Search Path").
fn is_session(file: &AppPath) -> bool {
    [
        "/usr/lib/systemd/user",
        "/lib/systemd/user",
        "/etc/systemd/user",
    ]
    .iter()
    .any(|dir| file.is_within(&AppPath::new(dir)))
}

/// Files in which commands were seen, or whose first line names an interpreter. What a command of the shell does to
/// a path is done in a script, too, whichever file has it.
fn scripts<'a>(scene: &Scene<'a>) -> BTreeSet<&'a AppPath> {
    let is_script = |fact: &&Fact| match &fact.what {
        What::Program { form, .. } => *form == ProgramForm::Script,
        What::Path { source, by, .. } => {
            *source == Source::Script && COMMANDS.contains(&by.as_str())
        }
        _ => true,
    };
    (scene.facts(Sort::Program).chain(scene.facts(Sort::Calls)))
        .chain(scene.facts(Sort::Path))
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

/// Commands of the shell by which scripts write files.
const COMMANDS: [&str; 9] = [
    "cp", "install", "ln", "mkdir", "mv", "redirect", "rm", "tee", "touch",
];

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
/// an init script of the same name or program is the same service. A script that runs with a
/// service adds what it leaves running beside its last command.
pub(super) fn separate_services<'a>(
    scene: &Scene<'a>,
    hits: Vec<Hit<'a>>,
    params: &Params,
) -> Vec<Hit<'a>> {
    let hits = keep_in_force(scene, hits, params);
    let lasting: Vec<Hit<'a>> = hits.into_iter().filter(|hit| lasts(hit.item)).collect();
    let of = |kinds: &[StartKind]| -> Vec<Hit<'a>> {
        let kind = |hit: &&Hit<'a>| start(hit.item).is_some_and(|(how, _)| kinds.contains(&how));
        lasting.iter().filter(kind).copied().collect()
    };
    let mut units = of(&[StartKind::Unit, StartKind::Socket]);
    if units.iter().any(|unit| is_installed(unit.item.file())) {
        units.retain(|unit| is_installed(unit.item.file()));
    }
    units.extend(of(&[StartKind::Supervisor]));
    let same = |one: &Hit<'a>, unit: &Hit<'a>| {
        name_stem(one) == name_stem(unit) || one.item.path() == unit.item.path()
    };
    let mut services = of(&[StartKind::Init]);
    services.retain(|init| !units.iter().any(|unit| same(init, unit)));
    let inits = left_running(&services);
    let mut stems: BTreeSet<String> = units.iter().map(name_stem).collect();
    stems.extend(services.iter().map(name_stem));
    let with_service = reached(scene, |fact| lasts(Item::Fact(fact)));
    let mut scripts = of(&[StartKind::Script]);
    scripts.retain(|hit| with_service.contains(hit.item.file()));
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

/// Whether what is started stays: no job, nothing that only prepares, checks, reloads or stops a
/// service (of a unit, all but `ExecStart=`), and no unit that is done when its command is.
fn lasts(item: Item<'_>) -> bool {
    let Item::Fact(fact) = item else {
        return false;
    };
    let What::Starts {
        program,
        how,
        name,
        forks,
        ..
    } = &fact.what
    else {
        return false;
    };
    let stays = match how {
        StartKind::Timer | StartKind::Cron => false,
        StartKind::Unit => forks.is_some() && !name.contains(' '),
        _ => true,
    };
    stays && !PREPARES.contains(&program.name())
}

/// Whether a unit lies where systemd looks for it (systemd.unit(5)), and is not an example.
fn is_installed(file: &AppPath) -> bool {
    [
        "/usr/lib/systemd",
        "/lib/systemd",
        "/etc/systemd",
        "/run/systemd",
        "/usr/local/lib/systemd",
    ]
    .iter()
    .any(|dir| file.is_within(&AppPath::new(dir)))
}

/// By script, the programs that stay when it ends: in the background, or in its place. By name:
/// a script that looks for its interpreter in several places runs one of them.
fn left_running<'a>(hits: &[Hit<'a>]) -> BTreeMap<&'a AppPath, BTreeSet<&'a [u8]>> {
    let mut left: BTreeMap<&AppPath, BTreeSet<&[u8]>> = BTreeMap::new();
    for hit in hits {
        if start(hit.item).is_some_and(|(_, forks)| forks.is_some()) {
            left.entry(hit.item.file())
                .or_default()
                .insert(hit.item.path().name());
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

fn name_stem(hit: &Hit<'_>) -> String {
    stem(&text(hit, Field::Name)).to_owned()
}

/// `app` of `app.service`, `app@.service`, `app@one.service`, `app.service ExecStop` and `app`.
fn stem(name: &str) -> &str {
    let name = name.split([' ', '@']).next().unwrap_or_default();
    let name = name.strip_suffix(".service").unwrap_or(name);
    name.strip_suffix(".socket").unwrap_or(name)
}
