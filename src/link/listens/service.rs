//! The services of an application: what starts each, and by which names it may be known.

use std::collections::BTreeSet;

use crate::fact::{Fact, Locus, StartKind, What};
use crate::knowledge::places;
use crate::link::follow::Reached;
use crate::path::AppPath;

/// A process that the system keeps.
#[derive(Clone, Debug)]
pub(super) struct Service {
    /// What starts it.
    pub(super) at: Locus,
    /// The line that has its command.
    pub(super) said: Locus,
    /// Its program: of an interpreter, the script.
    pub(super) program: AppPath,
    /// The first word of its command.
    pub(super) command: AppPath,
    /// Its arguments.
    pub(super) args: Vec<String>,
    /// The names of the program, and of what starts it.
    pub(super) names: Vec<String>,
}

impl Service {
    fn of(fact: &Fact) -> Option<Self> {
        let What::Starts { program, args, .. } = &fact.what else {
            return None;
        };
        Some(Self::new(&fact.at, program, args))
    }

    fn new(at: &Locus, command: &AppPath, args: &[String]) -> Self {
        let is_run = places::is_interpreter(command.name());
        let script = args
            .iter()
            .find(|arg| !arg.starts_with('-'))
            .filter(|_| is_run)
            .map(AppPath::new);
        let program = script.unwrap_or_else(|| command.clone());
        let name = |path: &AppPath| String::from_utf8_lossy(path.name()).into_owned();
        let unit = name(&at.file);
        let stem = unit
            .rsplit_once('.')
            .map_or(unit.as_str(), |(stem, _)| stem);
        let starter = stem.split('@').next().unwrap_or(stem).to_owned();
        // `python -m http.server`: the module is the program.
        let module = args.iter().skip_while(|arg| *arg != "-m").nth(1);
        let module = module.filter(|_| is_run).cloned();
        Self {
            at: at.clone(),
            said: at.clone(),
            names: [name(&program)]
                .into_iter()
                .chain(module)
                .chain([starter])
                .collect(),
            program,
            command: command.clone(),
            args: args.to_vec(),
        }
    }

    /// Whether what a fact says may be about this service: it stands in its arguments or its settings, or
    /// nothing tells that it is about another one.
    pub(super) fn is_told_in(&self, fact: &Fact, all: &[Self]) -> bool {
        let is_other = |other: &Self| other.program != self.program && other.owns(&fact.at.file);
        self.owns(&fact.at.file) || !all.iter().any(is_other)
    }

    /// Whether an argument names a file.
    pub(super) fn is_given(&self, file: &AppPath) -> bool {
        let text = file.to_text();
        let mut args = self.args.iter();
        args.any(|arg| arg.ends_with(text.as_ref()) || is_end(&text, arg))
    }

    /// Whether a file is this service's own: what starts it, what its arguments name, or one that is
    /// called after its program.
    fn owns(&self, file: &AppPath) -> bool {
        let name = String::from_utf8_lossy(file.name()).into_owned();
        let stem = name.split('.').next().unwrap_or(&name);
        *file == self.at.file || self.is_given(file) || self.names.iter().any(|own| own == stem)
    }
}

/// The services that are not `idle`, and what the scripts start that they are started by: the commands that
/// they come to, where these were followed.
pub(super) fn services(
    facts: &[Fact],
    idle: &BTreeSet<AppPath>,
    commands: &[Reached],
) -> Vec<Service> {
    let is_service = |fact: &&Fact| {
        matches!(&fact.what, What::Starts { how, name, .. }
            if !name.contains(" Exec")
                && matches!(how, StartKind::Unit | StartKind::Init | StartKind::Supervisor))
            && !idle.contains(&fact.at.file)
    };
    let direct: Vec<&Fact> = facts.iter().filter(is_service).collect();
    let (followed, others): (Vec<&Fact>, Vec<&Fact>) = direct
        .into_iter()
        .partition(|fact| commands.iter().any(|command| command.at == fact.at));
    let run = run_by(&others, facts);
    let of_starts = others.iter().chain(&run);
    let mut found: Vec<Service> = of_starts.filter_map(|fact| Service::of(fact)).collect();
    let starts: BTreeSet<&Locus> = followed.iter().map(|fact| &fact.at).collect();
    let commands = commands
        .iter()
        .filter(|command| starts.contains(&command.at));
    found.extend(commands.map(|one| Service {
        said: one.said.clone(),
        ..Service::new(&one.at, &one.program, &one.args)
    }));
    found
}

/// What the scripts start that services are started by: the last of them has the program's arguments.
fn run_by<'a>(services: &[&Fact], facts: &'a [Fact]) -> Vec<&'a Fact> {
    let scripts = || {
        facts.iter().filter(|fact| {
            matches!(
                &fact.what,
                What::Starts {
                    how: StartKind::Script,
                    ..
                }
            )
        })
    };
    let named = |fact: &Fact| -> Vec<AppPath> {
        let What::Starts { program, args, .. } = &fact.what else {
            return Vec::new();
        };
        let paths = args.iter().filter_map(AppPath::absolute);
        paths.chain([program.clone()]).collect()
    };
    let mut known: BTreeSet<AppPath> = services.iter().flat_map(|fact| named(fact)).collect();
    let mut found: BTreeSet<&Fact> = BTreeSet::new();
    // A script may call another: a few steps lead to the program.
    for _ in 0..3 {
        let fresh: Vec<&Fact> = scripts()
            .filter(|fact| known.contains(&fact.at.file) && !found.contains(fact))
            .collect();
        known.extend(fresh.iter().flat_map(|fact| named(fact)));
        found.extend(fresh);
    }
    found.into_iter().collect()
}

/// Whether a path ends with another that begins anywhere: `etc/x.ini`, `./etc/x.ini`.
fn is_end(path: &str, relative: &str) -> bool {
    let relative = relative.strip_prefix("./").unwrap_or(relative);
    let before = path.strip_suffix(relative);
    relative.contains(['/', '.']) && before.is_some_and(|before| before.ends_with('/'))
}
