//! What a called script starts, as facts: each program with its user, directory and environment.

use std::collections::BTreeMap;

use super::options;
use super::starts::{base, is_system};
use crate::extract::script::{Facts, known_path};
use crate::extract::{start as line_of, withhold};
use crate::fact::{Certainty, Given, Source, StartKind, What};
use crate::knowledge::{places, starts};
use crate::parse::mask::mask;
use crate::parse::op::{Run, Way};
use crate::parse::shell::{Called, Started};
use crate::path::AppPath;

/// Where a search path leads: from a name, and the value of `PATH` if it is set.
pub type Find<'a> = dyn Fn(&[u8], Option<&[u8]>) -> Option<AppPath> + 'a;

/// Who calls a script, and what its starts are called.
#[derive(Clone, Copy)]
pub struct Caller<'a> {
    /// The script or table that was called.
    pub file: &'a AppPath,
    /// The line of the table that has the call; the script's own lines count when it is absent.
    pub line: Option<u32>,
    /// Who starts it.
    pub how: StartKind,
    /// Its name in a report.
    pub name: &'a str,
    /// Whether each of its starts adds its program's name: it starts what belongs to several.
    pub by_program: bool,
    /// Where the search path leads.
    pub find: &'a Find<'a>,
}

/// The facts of what a call started.
pub fn facts(called: &Called, caller: &Caller<'_>, out: &mut crate::extract::Out) {
    let mut best: Vec<(&Started, AppPath, Certainty)> = Vec::new();
    let candidates = called.started.iter().enumerate();
    let candidates: Vec<(bool, &Started, AppPath, Certainty)> = candidates
        .filter_map(|(place, started)| {
            let (program, certainty) = program(&started.run, caller)?;
            let is_other = program != *caller.file;
            is_other.then(|| (called.front == Some(place), started, program, certainty))
        })
        .collect();
    let is_counted = |(is_front, started, program, _): &&(bool, &Started, AppPath, Certainty)| {
        counts(&started.run, program, *is_front, caller)
    };
    let mut taken: Vec<&(bool, &Started, AppPath, Certainty)> =
        candidates.iter().filter(is_counted).collect();
    if taken.is_empty() && caller.how == StartKind::Init {
        taken = alone(&candidates, caller);
    }
    for (_, started, program, certainty) in taken {
        let (program, certainty) = (program.clone(), *certainty);
        // Of branches that start the same, of which nobody knows the one that is taken, one counts: that
        // by which it is known to stay.
        let twin = best.iter_mut().find(|(other, path, _)| {
            *path == program
                && other.run.argv == started.run.argv
                && other.run.user == started.run.user
                && other.line != started.line
                && caller.how == StartKind::Init
                && (other.maybe || started.maybe)
        });
        if let Some(known) = twin {
            if started.run.way == Way::Background {
                *known = (started, program, certainty);
            }
            continue;
        }
        // Of one line that has several outcomes the one is meant of which most is known.
        let open = |run: &Run| run.argv.iter().filter(|word| word.contains(&b'*')).count();
        let same = best.iter_mut().find(|(other, path, _)| {
            (other.line, &other.file) == (started.line, &started.file) && *path == program
        });
        match same {
            Some(known) if open(&known.0.run) > open(&started.run) => {
                *known = (started, program, certainty);
            }
            Some(known) if open(&known.0.run) < open(&started.run) => {}
            _ => best.push((started, program, certainty)),
        }
    }
    // What tests a program before it is started, and what prepares its start.
    let serves = best
        .iter()
        .any(|(started, ..)| started.run.way == Way::Service);
    let apart: Vec<AppPath> = best
        .iter()
        .filter(|(started, ..)| {
            matches!(started.run.way, Way::Service | Way::Background | Way::Exec)
        })
        .map(|(_, program, _)| program.clone())
        .collect();
    best.retain(|(started, program, _)| {
        let is_plain = matches!(started.run.way, Way::Plain | Way::Last);
        !is_plain || caller.how != StartKind::Init || !(serves || apart.contains(program))
    });
    for (started, program, certainty) in best {
        let file = started.file.as_ref().map(AppPath::new);
        let file = file.as_ref().unwrap_or(caller.file);
        let mut facts = Facts::new(file, Source::Init);
        let line = match started.file {
            Some(_) => started.line,
            None => caller.line.unwrap_or(started.line),
        };
        start(started, line, program, certainty, caller, &mut facts);
        facts.finish(out);
    }
}

/// The one program of the system's own directories that an init script runs in front, where it starts
/// nothing else: `BIN=/usr/bin/appd` is as good a place as any other.
fn alone<'a>(
    candidates: &'a [(bool, &'a Started, AppPath, Certainty)],
    caller: &Caller<'_>,
) -> Vec<&'a (bool, &'a Started, AppPath, Certainty)> {
    let is_plain =
        |run: &Run| matches!(run.way, Way::Plain | Way::Last) && run.argv[0].contains(&b'/');
    let found = candidates.iter().filter(|(_, started, program, _)| {
        is_plain(&started.run)
            && !starts::is_helper(program.name())
            && is_called_after(caller.name, program)
    });
    let found: Vec<_> = found.collect();
    let names: std::collections::BTreeSet<&AppPath> =
        found.iter().map(|(_, _, program, _)| program).collect();
    match names.len() {
        1 => found,
        _ => Vec::new(),
    }
}

/// Whether a script has the name of a program, or nearly so: `rc.proxy` of `proxyd`.
fn is_called_after(script: &str, program: &AppPath) -> bool {
    let bare = script.strip_prefix("rc.").unwrap_or(script);
    let name = options::text(program.name());
    let is_part = |one: &str, other: &str| one.len() > 2 && other.starts_with(one);
    is_part(bare, &name) || is_part(&name, bare)
}

fn start(
    started: &Started,
    line: u32,
    program: AppPath,
    certainty: Certainty,
    caller: &Caller<'_>,
    facts: &mut Facts<'_>,
) {
    let run = &started.run;
    let (args, secrets) = withhold::args(&run.argv[0], &run.argv[1..]);
    for name in secrets {
        let what = What::Secret {
            kind: "password".to_owned(),
            key: Some(name),
        };
        facts.add(line, certainty, what);
    }
    let known = |word: &Option<Vec<u8>>| {
        let word = word.as_ref().filter(|word| !word.contains(&b'*'));
        word.map(|word| options::text(word))
    };
    let given = Given {
        user: known(&run.user),
        group: known(&run.group),
        directory: run
            .dir
            .as_deref()
            .filter(|dir| *dir != b"/")
            .and_then(known_path),
        env: env(run),
        umask: run.umask.as_deref().and_then(mask),
        ..Given::default()
    };
    if let Some(user) = &given.user {
        let what = What::RunsAs {
            user: user.clone(),
            group: given.group.clone(),
        };
        facts.add(line, certainty, what);
    }
    let mut drops = crate::extract::Out::default();
    let at = crate::fact::Locus::line(facts.path, line);
    line_of::drops_to(&run.argv[0], &run.argv[1..], &at, &mut drops);
    for fact in drops.facts {
        facts.add(line, fact.certainty, fact.what);
    }
    for (name, value) in &given.env {
        let what = What::Env {
            name: name.clone(),
            value: value.clone(),
        };
        facts.add(line, Certainty::Inferred, what);
    }
    let name = match caller.by_program {
        true => format!("{}/{}", caller.name, options::text(program.name())),
        false => caller.name.to_owned(),
    };
    let what = What::Starts {
        program,
        args,
        how: caller.how,
        name,
        forks: forks(run, caller.how),
        given: given.told(),
    };
    facts.add(line, certainty, what);
}

/// Whether it goes into the background by itself. What an init script runs in front and waits for
/// must: else the system would never have come up. A supervisor waits for what stays.
fn forks(run: &Run, how: StartKind) -> Option<bool> {
    match (how, run.way) {
        (StartKind::Init, Way::Background) | (StartKind::Supervisor, _) => Some(false),
        (StartKind::Init, _) => Some(true),
        _ => None,
    }
}

/// The variables that a start is given, apart from those that everybody has.
fn env(run: &Run) -> BTreeMap<String, Option<String>> {
    let is_own = |(name, value): &&(String, Vec<u8>)| match name.as_str() {
        // One of the system's own directories alone is the image's as well.
        "PATH" => value.split(|byte| *byte == b':').any(|dir| !is_usual(dir)),
        name => !super::is_common(name),
    };
    let own = run.env.iter().filter(is_own);
    own.map(|(name, value)| {
        let is_known = !withhold::must_withhold(name, value) && !value.contains(&b'*');
        (name.clone(), is_known.then(|| options::text(value)))
    })
    .collect()
}

/// Whether a directory of a search path is one that every system has.
fn is_usual(dir: &[u8]) -> bool {
    const USUAL: [&[u8]; 10] = [
        b"/usr/local/sbin",
        b"/usr/local/bin",
        b"/usr/sbin",
        b"/usr/bin",
        b"/sbin",
        b"/bin",
        b"/usr/games",
        b"/usr/local/games",
        b"/usr/bin/X11",
        b"/usr/X11R6/bin",
    ];
    !dir.starts_with(b"/") || USUAL.contains(&dir.strip_suffix(b"/").unwrap_or(dir))
}

/// The program: as written, seen from the directory, or found by the search path.
fn program(run: &Run, caller: &Caller<'_>) -> Option<(AppPath, Certainty)> {
    let name = run.argv.first()?;
    if name.contains(&b'/') {
        let path = known_path(name).filter(|path| !path.is_pattern());
        if let Some(path) = path {
            return Some((path, Certainty::Inferred));
        }
    }
    let is_launcher = places::is_interpreter(base(name)) || starts::is_launcher(base(name));
    if name.contains(&b'/') && !is_launcher {
        return None;
    }
    let name = base(name);
    if name.is_empty() || name.contains(&b'*') {
        return None;
    }
    let paths = run.env.iter().find(|(name, _)| name == "PATH");
    let paths = paths.map(|(_, value)| value.as_slice());
    if let Some(path) = (caller.find)(name, paths) {
        return Some((path, Certainty::Inferred));
    }
    let dir = if is_launcher { "/usr/bin" } else { "/usr/sbin" };
    let is_start = is_launcher || run.way == Way::Service;
    is_start.then(|| (AppPath::new(dir).join(name), Certainty::Guessed))
}

/// Whether it is the application's program, rather than one that the script uses.
fn counts(run: &Run, program: &AppPath, is_front: bool, caller: &Caller<'_>) -> bool {
    let name = program.name();
    let is_launcher = places::is_interpreter(name) || starts::is_launcher(name);
    let runs_a_file = is_launcher && run.argv.len() > 1;
    match run.way {
        Way::Service => true,
        Way::Exec | Way::Background => run.service || !is_system(program) || runs_a_file,
        Way::Plain | Way::Last => {
            let is_own = !is_system(program) || runs_a_file;
            is_own && (caller.how != StartKind::Supervisor || is_front)
        }
    }
}
