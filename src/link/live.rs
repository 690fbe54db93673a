//! Which files speak for the application as it runs, and which only lie about: a unit that is not
//! installed, an init script that a unit has replaced, an example, a tool of the administrator.

use std::collections::{BTreeMap, BTreeSet};

use super::follow::Followed;
use super::instances::GENERATED;
use super::nearby::is_for_developers;
use super::scope::Scope;
use super::starts;
use crate::fact::{Certainty, Fact, Source, StartKind, Touch, What};
use crate::knowledge::places;
use crate::path::AppPath;

/// How much the word of a file weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Voice {
    /// Nothing acts by it.
    Dead,
    /// It shows how something could be set up.
    Sample,
    /// An administrator may run it; the service does not.
    Tool,
    /// The service runs it, or runs by it.
    Live,
}

/// The voices of all files that made facts.
#[derive(Debug, Default)]
pub(super) struct Voices {
    files: BTreeMap<AppPath, Voice>,
    followed: Followed,
}

/// Directories from which systemd loads units (systemd.unit(5)).
pub(super) const UNIT_DIRS: &[&str] = &[
    "/etc/systemd/system",
    "/run/systemd/system",
    "/usr/local/lib/systemd/system",
    "/usr/lib/systemd/system",
    "/lib/systemd/system",
];

/// Directories whose scripts cron runs (cron(8)).
pub(super) const CRON_DIRS: &[&str] = &[
    "/etc/cron.d",
    "/etc/cron.hourly",
    "/etc/cron.daily",
    "/etc/cron.weekly",
    "/etc/cron.monthly",
];

/// Where a user's own manager has its units, below the home (systemd.unit(5)).
pub(super) const USER_UNITS: &[u8] = b"/.config/systemd/user/";

const INIT_DIRS: &[&str] = &["/etc/init.d", "/etc/rc.d/init.d"];

impl Voices {
    /// Judges every file of `facts`, of which those of programs that were `followed` are live; `real` tells what stands behind a path, if anything,
    /// and `replaced` whether systemd starts a unit in the place of an init script.
    pub(super) fn new(
        scope: &Scope,
        facts: &[Fact],
        followed: &Followed,
        real: impl Fn(&AppPath) -> Option<AppPath>,
        replaced: impl Fn(&AppPath) -> bool,
    ) -> Self {
        let mut by_file: BTreeMap<&AppPath, Vec<&Fact>> = BTreeMap::new();
        for fact in facts {
            if !is_traced(fact) {
                by_file.entry(&fact.at.file).or_default().push(fact);
            }
        }
        let ran = seen_to_run(facts);
        let other = |stem: &[u8]| {
            let script = AppPath::new("/etc/init.d").child(stem);
            let unit = [stem, b".service"].concat();
            let mut units = UNIT_DIRS.iter().map(|dir| AppPath::new(dir).join(&unit));
            real(&script).is_some() || units.any(|unit| real(&unit).is_some())
        };
        let given = given(facts);
        let mut files: BTreeMap<AppPath, Voice> = BTreeMap::new();
        for (file, facts) in &by_file {
            if given.contains(file) || followed.files.contains(*file) {
                files.insert((*file).clone(), Voice::Live);
                continue;
            }
            files.insert(
                (*file).clone(),
                first_voice(scope, file, facts, followed, &real, &replaced, &other),
            );
        }
        let started = started(scope, &by_file, &files, &real);
        for (file, voice) in &mut files {
            if *voice == Voice::Tool && (started.contains(file) || ran.contains(file)) {
                *voice = Voice::Live;
            }
        }
        Self {
            files,
            followed: followed.clone(),
        }
    }

    /// Whether a file is one of a program that was followed from its start.
    pub(super) fn is_followed(&self, file: &AppPath) -> bool {
        self.followed.files.contains(file)
    }

    /// Whether everything that is started in the tree of a file was followed.
    pub(super) fn is_closed(&self, file: &AppPath) -> bool {
        self.followed.is_closed(file)
    }

    /// The voice of the file that a fact is from.
    pub(super) fn of(&self, fact: &Fact) -> Voice {
        if is_traced(fact) {
            return Voice::Live;
        }
        self.files
            .get(&fact.at.file)
            .copied()
            .unwrap_or(Voice::Live)
    }

    /// Takes out the facts of files by which nothing acts; and what samples say of starting, where
    /// something that is installed says it.
    pub(super) fn silence(&self, facts: &mut Vec<Fact>) {
        let starts = |fact: &Fact| matches!(fact.what, What::Starts { .. });
        let installed = facts
            .iter()
            .any(|fact| starts(fact) && self.of(fact) == Voice::Live);
        for fact in facts.iter_mut() {
            // A script that nothing starts asks for no interpreter.
            if let What::Program { interpreter, .. } = &mut fact.what
                && interpreter.is_some()
                && self.followed.leaves_out(&fact.at.file)
                && self.files.get(&fact.at.file) == Some(&Voice::Tool)
            {
                *interpreter = None;
            }
        }
        facts.retain(|fact| match self.of(fact) {
            Voice::Dead => false,
            Voice::Sample if installed => !matches!(
                fact.what,
                What::Starts { .. } | What::RunsAs { .. } | What::Env { .. }
            ),
            _ => true,
        });
    }

    /// How sure a fact still is in the light of where it stands; nothing when it does not count.
    pub(super) fn certainty(&self, fact: &Fact) -> Option<Certainty> {
        match self.of(fact) {
            Voice::Live => Some(fact.certainty),
            Voice::Tool | Voice::Sample => Some(Certainty::Guessed),
            Voice::Dead => None,
        }
    }
}

/// What was seen to be done counts, whoever did it.
fn is_traced(fact: &Fact) -> bool {
    matches!(
        &fact.what,
        What::Path {
            source: Source::Trace,
            ..
        }
    )
}

/// The files of variables that units read: what is in them is said by the unit.
fn given(facts: &[Fact]) -> BTreeSet<&AppPath> {
    let named = facts.iter().filter_map(|fact| match &fact.what {
        What::Path {
            path,
            source: Source::Unit,
            by,
            ..
        } => by.starts_with("EnvironmentFile").then_some(path),
        _ => None,
    });
    named.collect()
}

/// The files that were seen to be run.
fn seen_to_run(facts: &[Fact]) -> BTreeSet<&AppPath> {
    let runs = |fact: &'_ &Fact| {
        is_traced(fact)
            && matches!(
                &fact.what,
                What::Path {
                    touch: Touch::Runs,
                    ..
                }
            )
    };
    facts
        .iter()
        .filter(runs)
        .filter_map(|fact| match &fact.what {
            What::Path { path, .. } => Some(path),
            _ => None,
        })
        .collect()
}

fn first_voice(
    scope: &Scope,
    file: &AppPath,
    facts: &[&Fact],
    followed: &Followed,
    real: &impl Fn(&AppPath) -> Option<AppPath>,
    replaced: &impl Fn(&AppPath) -> bool,
    other: &impl Fn(&[u8]) -> bool,
) -> Voice {
    let dirs = |dirs: &[&str]| dirs.iter().any(|dir| file.is_below(&AppPath::new(dir)));
    let is_users = memchr::memmem::find(file.as_bytes(), USER_UNITS).is_some();
    // A template is no unit; its instances speak for themselves.
    if is_template(file.name()) {
        return Voice::Dead;
    }
    if dirs(UNIT_DIRS) || dirs(&[GENERATED]) || is_users {
        return Voice::Live;
    }
    // What packagers of a library would install is installed nowhere.
    if is_unit(file.name()) && places::is_library_place(file) {
        return Voice::Dead;
    }
    // A job of upstart beside a script or unit of its name is for another system.
    if dirs(&["/etc/init"]) {
        let stem = file
            .name()
            .split(|byte| *byte == b'.')
            .next()
            .unwrap_or_default();
        return match other(stem) {
            true => Voice::Dead,
            false => Voice::Live,
        };
    }
    if dirs(INIT_DIRS) {
        return if replaced(file) {
            Voice::Dead
        } else {
            Voice::Live
        };
    }
    let speaks = |source: Source| {
        facts
            .iter()
            .any(|fact| matches!(&fact.what, What::Path { source: s, .. } if *s == source))
    };
    if speaks(Source::Package) || speaks(Source::Conffile) || speaks(Source::Maintainer) {
        return Voice::Live;
    }
    let in_code = places::is_code_place(file);
    if places::is_example(file)
        || places::is_recipe(file)
        || is_for_developers(file, |path| real(path).is_some())
        || (in_code && places::is_library_place(file))
    {
        return Voice::Sample;
    }
    if speaks(Source::Unit) && !dirs(UNIT_DIRS) {
        return Voice::Sample;
    }
    // What tools install or build lies below them.
    let above = file.parent().filter(places::is_tool);
    if above.is_some() && followed.is_closed(file) && !is_script(facts) {
        return Voice::Sample;
    }
    // The table of a process manager in the application's own tree, in whatever language.
    if scope.contains(file) && facts.iter().any(|fact| starts::is_table(fact)) {
        return Voice::Live;
    }
    // Settings in the words of a language, as `config.pl` and `settings.py` are: nobody starts them.
    let is_settings =
        file.components().next() == Some(b"etc") && speaks(Source::Config) && !is_program(facts);
    if is_script(facts) && !is_settings {
        let own = scope.in_prefix(file).is_some() || dirs(CRON_DIRS);
        let installs = is_installer(file, facts);
        return if own && !installs && !followed.leaves_out(file) {
            Voice::Live
        } else {
            Voice::Tool
        };
    }
    if in_code && speaks(Source::Config) {
        return Voice::Sample;
    }
    // What the system's own tables start is started, whatever else they are about.
    if is_starter(scope, facts, real) {
        return Voice::Live;
    }
    if places::is_integration(file) && speaks(Source::Config) {
        // A monitor's settings are mostly about what it watches.
        if scope.is_asked_at(file) {
            return Voice::Sample;
        }
        return Voice::Dead;
    }
    Voice::Live
}

/// Whether a file starts a program of the application.
fn is_starter(scope: &Scope, facts: &[&Fact], real: &impl Fn(&AppPath) -> Option<AppPath>) -> bool {
    let is_own = |path: &AppPath| {
        scope.contains(path) || real(path).is_some_and(|real| scope.contains(&real))
    };
    facts.iter().any(|fact| match &fact.what {
        What::Starts { program, how, .. } => *how != StartKind::Script && is_own(program),
        _ => false,
    })
}

fn is_program(facts: &[&Fact]) -> bool {
    let mut whats = facts.iter().map(|fact| &fact.what);
    whats.any(|what| matches!(what, What::Program { .. }))
}

fn is_script(facts: &[&Fact]) -> bool {
    facts.iter().any(|fact| match &fact.what {
        What::Program { form, .. } => *form == crate::fact::ProgramForm::Script,
        What::Path { source, .. } => *source == Source::Script,
        _ => false,
    })
}

/// Whether a script installs the application, or removes it: what it makes is there before the
/// service runs.
fn is_installer(file: &AppPath, facts: &[&Fact]) -> bool {
    let name = String::from_utf8_lossy(file.name()).to_ascii_lowercase();
    let named = ["install", "uninstall", "setup", "configure", "upgrade"];
    named.iter().any(|word| name.starts_with(word))
        || facts.iter().any(|fact| {
            matches!(&fact.what, What::Program { traits, .. }
                if traits.iter().any(|t| t == "installer" || t == "self-extracting"))
        })
}

/// Whether a file is a unit by its name (systemd.unit(5)).
fn is_unit(name: &[u8]) -> bool {
    const ENDINGS: [&[u8]; 5] = [b".service", b".socket", b".timer", b".path", b".mount"];
    ENDINGS.iter().any(|ending| name.ends_with(ending))
}

/// Whether a unit is a template (systemd.unit(5)): `name@.service`.
fn is_template(name: &[u8]) -> bool {
    let at = name.iter().position(|&b| b == b'@');
    at.is_some_and(|at| name.get(at + 1) == Some(&b'.'))
}

/// The files that something live starts, directly or through another that it starts.
fn started(
    scope: &Scope,
    by_file: &BTreeMap<&AppPath, Vec<&Fact>>,
    voices: &BTreeMap<AppPath, Voice>,
    real: &impl Fn(&AppPath) -> Option<AppPath>,
) -> BTreeSet<AppPath> {
    let mut todo: Vec<&AppPath> = by_file
        .keys()
        .copied()
        .filter(|file| voices.get(*file) == Some(&Voice::Live))
        .collect();
    let mut found: BTreeSet<AppPath> = BTreeSet::new();
    while let Some(file) = todo.pop() {
        for fact in by_file.get(file).into_iter().flatten() {
            for path in runs(&fact.what) {
                // A program is often started by another name, which is a link to it.
                let linked =
                    matches!(fact.what, What::Starts { .. }) && !by_file.contains_key(&path);
                let path = if linked {
                    real(&path).unwrap_or(path)
                } else {
                    path
                };
                let known = by_file.get_key_value(&path).map(|(file, _)| *file);
                if let Some(next) = known
                    && scope.contains(next)
                    && found.insert(path)
                {
                    todo.push(next);
                }
            }
        }
    }
    found
}

/// The paths that a fact says are run.
fn runs(what: &What) -> Vec<AppPath> {
    match what {
        What::Starts { program, args, .. } => {
            let args = args.iter().filter_map(AppPath::absolute);
            std::iter::once(program.clone()).chain(args).collect()
        }
        What::Path {
            path,
            touch: Touch::Runs | Touch::Names | Touch::Reads,
            source,
            ..
        } if !matches!(source, Source::Package | Source::Conffile | Source::Literal) => {
            vec![path.clone()]
        }
        _ => Vec::new(),
    }
}
