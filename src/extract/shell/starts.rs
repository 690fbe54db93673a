//! Which programs a script starts, as whom, and with which paths in their arguments.

use super::options;
use crate::extract::Named;
use crate::extract::script::{Facts, certainty_of, known_path};
use crate::fact::{Certainty, Kind, Source, StartKind, Touch, What};
use crate::knowledge::managers;
use crate::parse::op::{Op, Run, Script, Way};
use crate::path::AppPath;

/// Interpreters that the search path leads to: `java -jar …` names no directory.
const INTERPRETERS: &[&[u8]] = &[
    b"Rscript", b"dotnet", b"erl", b"expect", b"java", b"lua", b"luajit", b"mono", b"node",
    b"nodejs", b"perl", b"php", b"python", b"ruby", b"tclsh", b"wish",
];

/// Whether a program is an interpreter, by its name with or without a version: `tclsh8.6`.
fn is_interpreter(name: &[u8]) -> bool {
    let is_version = |b: &u8| b.is_ascii_digit() || *b == b'.';
    let end = name.iter().rposition(|b| !is_version(b));
    INTERPRETERS.contains(&name.get(..=end.unwrap_or(0)).unwrap_or_default())
}

/// The directories of the system's own commands, which no application is.
const SYSTEM: &[&str] = &["/bin", "/sbin", "/usr/bin", "/lib", "/usr/lib/lsb"];

/// Adds what follows from a program being started.
pub(super) fn start(op: &Op, run: &Run, facts: &mut Facts<'_>) {
    if op.undoes() {
        return;
    }
    if let Some(user) = run.user.as_ref().filter(|user| !user.contains(&b'*')) {
        let group = run.group.as_ref().filter(|group| !group.contains(&b'*'));
        let what = What::RunsAs {
            user: options::text(user),
            group: group.map(|group| options::text(group)),
        };
        facts.add(op.line, certainty_of(op), what);
    }
    let Some(name) = run.argv.first() else {
        return;
    };
    let interpreter = is_interpreter(base(name));
    let own = name.contains(&b'/') || interpreter || run.way == Way::Service;
    if !own {
        return;
    }
    let args = run.argv.get(1..).unwrap_or_default();
    if let Ok(program) = std::str::from_utf8(base(name)) {
        options::paths(op, args, Some(program), facts);
    }
    if let Some((program, certainty)) = program(op, run, interpreter)
        && counts(op, run, &program, facts.source)
        && program != *facts.path
    {
        add(op, run, program, certainty, facts);
    }
}

/// `-Dapp.password=…` and `--token=…` with a value that stands there.
fn secrets(op: &Op, run: &Run, facts: &mut Facts<'_>) {
    for word in run.argv.iter().skip(1) {
        let Some(at) = word.iter().position(|byte| *byte == b'=') else {
            continue;
        };
        let name = options::text(word.get(..at).unwrap_or_default());
        let name = name.trim_start_matches("-D").trim_start_matches('-');
        let value = word.get(at + 1..).unwrap_or_default();
        if options::is_secret(name) && options::is_literal_secret(value) {
            let what = What::Secret {
                kind: "password".to_owned(),
                key: Some(name.to_owned()),
            };
            facts.add(op.line, certainty_of(op), what);
        }
    }
}

fn add(op: &Op, run: &Run, program: AppPath, certainty: Certainty, facts: &mut Facts<'_>) {
    secrets(op, run, facts);
    let args = run.argv.iter().skip(1).take(64).map(|word| {
        if options::holds_secret(word) {
            "…".to_owned()
        } else {
            options::text(word)
        }
    });
    let what = What::Starts {
        program,
        args: args.collect(),
        how: if facts.source == Source::Init {
            StartKind::Init
        } else {
            StartKind::Script
        },
        name: options::text(facts.path.name()),
        forks: match run.way {
            Way::Background | Way::Exec | Way::Last => Some(false),
            Way::Service => Some(true),
            Way::Plain => None,
        },
        given: None,
    };
    facts.add(op.line, certainty, what);
}

/// The program's path; for a bare name the place where such programs are.
fn program(op: &Op, run: &Run, interpreter: bool) -> Option<(AppPath, Certainty)> {
    let name = run.argv.first()?;
    if name.contains(&b'/') {
        if let Some(path) = known_path(name).filter(|path| !path.is_pattern()) {
            return Some((path, certainty_of(op)));
        }
        // `$JAVA_HOME/bin/java` with an unknown home
        if !interpreter {
            return None;
        }
    }
    let dir = if interpreter { "/usr/bin" } else { "/usr/sbin" };
    let name = base(name);
    let plain = !name.is_empty() && !name.contains(&b'*');
    plain.then(|| (AppPath::new(dir).join(name), Certainty::Guessed))
}

/// Whether a program that is started is the application's, rather than one the script uses.
fn counts(op: &Op, run: &Run, program: &AppPath, source: Source) -> bool {
    match run.way {
        Way::Service => true,
        Way::Exec => {
            let name = program.name();
            !is_system(program) || is_interpreter(name) || managers::is_manager(name)
        }
        Way::Background | Way::Last => {
            !is_system(program) || is_interpreter(program.name()) && run.argv.len() > 2
        }
        // An init script that calls the vendor's own start script in its `start`.
        Way::Plain => {
            let starts = op.arms.iter().any(|arm| arm == "start") || op.function.contains("start");
            source == Source::Init && starts && !is_system(program)
        }
    }
}

/// A program in a tree of its own that a script runs, by its whole path: it is missed where it is not.
pub(super) fn foreign(op: &Op, run: &Run, facts: &mut Facts<'_>) {
    const SYSTEM: [&[u8]; 8] = [
        b"usr", b"bin", b"sbin", b"lib", b"lib64", b"etc", b"proc", b"dev",
    ];
    let program = run.argv.first().and_then(|name| known_path(name));
    let Some(program) = program.filter(|path| !path.is_pattern() && path.depth() > 1) else {
        return;
    };
    let top = program.components().next().unwrap_or_default();
    if op.undoes() || SYSTEM.contains(&top) || program == *facts.path {
        return;
    }
    let what = What::Calls {
        command: program.to_text().into_owned(),
        args: String::new(),
    };
    facts.add(op.line, certainty_of(op), what);
}

pub(super) fn is_system(program: &AppPath) -> bool {
    let parent = program.parent();
    SYSTEM.iter().any(|dir| parent == Some(AppPath::new(dir)))
}

pub(super) fn base(name: &[u8]) -> &[u8] {
    let cut = name.iter().rposition(|byte| *byte == b'/');
    &name[cut.map_or(0, |cut| cut + 1)..]
}

/// A script whose interpreter starts the daemon that its variables name: Debian's
/// init-d-script(5) (`DAEMON`, `DAEMON_ARGS`, `PIDFILE`) and OpenRC's openrc-run(8) (`command`,
/// `command_args`, `pidfile`, `command_user`, `output_log`, `error_log`).
pub(super) fn framed(script: &Script, facts: &mut Facts<'_>) {
    let value = |names: [&str; 2]| {
        let found = names.iter().find_map(|name| script.vars.get(*name))?;
        found.last().filter(|value| !value.is_empty())
    };
    let Some(program) = value(["DAEMON", "command"]).and_then(|path| known_path(path)) else {
        return;
    };
    let written = ["PIDFILE", "pidfile", "output_log", "error_log"];
    for name in written {
        let path = script
            .vars
            .get(name)
            .and_then(|values| known_path(values.last()?));
        if let Some(path) = path {
            let found = Named {
                touch: Touch::Writes,
                source: Source::Init,
                by: name,
                kind: Some(Kind::File),
                class: None,
            };
            facts.named(1, Certainty::Inferred, path, found);
        }
    }
    if let Some(account) = script
        .vars
        .get("command_user")
        .and_then(|values| values.last())
    {
        let account = options::text(account);
        let (user, group) = account.split_once(':').unwrap_or((&account, ""));
        let what = What::RunsAs {
            user: user.to_owned(),
            group: (!group.is_empty()).then(|| group.to_owned()),
        };
        // What the script leaves open, the settings beside it or its functions tell.
        if !account.contains('*') {
            facts.add(1, Certainty::Inferred, what);
        }
    }
    let args = value(["DAEMON_ARGS", "command_args"]).map(|args| options::text(args));
    let background = script.vars.contains_key("command_background");
    let what = What::Starts {
        program,
        args: args
            .unwrap_or_default()
            .split_whitespace()
            .map(str::to_owned)
            .collect(),
        how: StartKind::Init,
        name: options::text(facts.path.name()),
        forks: Some(!background),
        given: None,
    };
    facts.add(1, Certainty::Inferred, what);
}
