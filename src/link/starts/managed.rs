//! What process managers keep running: each program of their tables as the manager would start it, in its
//! directory, with its variables and those of the file beside the table.

use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;

use super::system::System;
use crate::extract::shell::{self, Caller, INIT_DIRS};
use crate::extract::{HEAD, Out, TEXT_LIMIT, managers, withhold};
use crate::fact::{Certainty, Fact, Locus, MANAGED_BY, StartKind, What};
use crate::knowledge::starts;
use crate::parse::accounts::Accounts;
use crate::parse::env_file;
use crate::parse::manager::{self, Command, Form, Managed};
use crate::parse::op::Way;
use crate::parse::shell::{Call, Called, call};
use crate::path::AppPath;
use crate::tree::Root;

/// What the tables among the files of `facts` start, by file.
pub(in crate::link) fn managed(
    root: &Root,
    accounts: &Accounts,
    facts: &[Fact],
) -> BTreeMap<AppPath, Vec<Fact>> {
    let files: BTreeSet<&AppPath> = facts.iter().filter_map(table).collect();
    let files: Vec<&AppPath> = files.into_iter().collect();
    let system = System { root, accounts };
    let read = |file: &&AppPath| Some(((*file).clone(), system.managed(file)?));
    files.par_iter().filter_map(read).collect()
}

/// The file of a fact by which it is a manager's table.
pub(super) fn table(fact: &Fact) -> Option<&AppPath> {
    is_table(fact).then_some(&fact.at.file)
}

/// Whether a fact says that its file is a manager's table.
pub(in crate::link) fn is_table(fact: &Fact) -> bool {
    matches!(&fact.what, What::Directive { key, .. } if key == MANAGED_BY)
}

impl System<'_> {
    /// The facts of a table's starts; nothing when it is none.
    fn managed(&self, file: &AppPath) -> Option<Vec<Fact>> {
        let text = self.root.read(file.as_bytes(), TEXT_LIMIT).ok()?;
        let form = manager::form(file.as_bytes(), &text[..text.len().min(HEAD)])?;
        let here = file.parent()?;
        let beside = match form {
            Form::Procfile => self.beside(&here),
            _ => Vec::new(),
        };
        let mut found = Vec::new();
        for mut one in manager::read(form, &text, file.as_bytes()) {
            let own: BTreeSet<&String> = beside.iter().map(|(name, _)| name).collect();
            one.env.retain(|(name, _)| !own.contains(name));
            one.env.extend(beside.iter().cloned());
            let dir = managers::directory(&one, form, file);
            found.extend(self.program(file, &one, &dir));
        }
        Some(found)
    }

    /// The variables that foreman reads beside its table.
    fn beside(&self, here: &AppPath) -> Vec<(String, Vec<u8>)> {
        let file = here.child(b".env");
        let text = self
            .root
            .read(file.as_bytes(), super::SOURCED_LIMIT)
            .unwrap_or_default();
        let assignments = env_file::parse(&text).0.into_iter();
        assignments
            .map(|assignment| (assignment.name, assignment.value))
            .collect()
    }

    fn program(&self, file: &AppPath, one: &Managed, dir: &AppPath) -> Vec<Fact> {
        let vars: BTreeMap<String, Vec<u8>> = one.env.iter().cloned().collect();
        let vars: BTreeMap<String, Vec<u8>> = vars
            .into_iter()
            .filter(|(_, value)| !value.contains(&b'*'))
            .collect();
        let user = one.user.clone().unwrap_or_else(|| b"root".to_vec());
        let line = match &one.command {
            Command::Words(words) => quoted(words),
            Command::Shell(line) => line.clone(),
        };
        let called = call(&Call {
            text: &line,
            script: None,
            args: &[],
            user: &user,
            dir: Some(dir.as_bytes()),
            vars: &vars,
            world: self,
        });
        let called = kept(called);
        let caller = Caller {
            file,
            line: Some(one.line),
            how: StartKind::Supervisor,
            name: &one.name,
            by_program: false,
            find: &|name, paths| self.find(name, paths),
        };
        let mut out = Out::default();
        shell::called(&called, &caller, &mut out);
        let is_start = |fact: &Fact| matches!(fact.what, What::Starts { .. });
        if !out.facts.iter().any(is_start) {
            out.facts.push(open(file, one));
        }
        let own = managers::given(one, dir);
        for fact in &mut out.facts {
            if let What::Starts { given, forks, .. } = &mut fact.what {
                let mut known = given.take().map(|given| *given).unwrap_or_default();
                known.user = known.user.or_else(|| own.user.clone());
                known.group = known.group.or_else(|| own.group.clone());
                known.directory = known.directory.or_else(|| own.directory.clone());
                known.umask = known.umask.or_else(|| own.umask.clone());
                known.count = own.count;
                known.stop_signal.clone_from(&own.stop_signal);
                known.stop_time.clone_from(&own.stop_time);
                for (name, value) in &own.env {
                    known
                        .env
                        .entry(name.clone())
                        .or_insert_with(|| value.clone());
                }
                *given = known.told();
                *forks = one.leaves;
            }
        }
        if let Some(user) = &own.user {
            let what = What::RunsAs {
                user: user.clone(),
                group: own.group.clone(),
            };
            out.fact(Locus::line(file, one.line), Certainty::Declared, what);
        }
        for (name, value) in &own.env {
            let what = What::Env {
                name: name.clone(),
                value: value.clone(),
            };
            out.fact(Locus::line(file, one.line), Certainty::Declared, what);
        }
        out.facts.retain(|fact| !is_passed_on(&fact.what));
        out.facts
    }
}

/// Words as a line for a shell that changes nothing of them; what is not known of one stays so.
fn quoted(words: &[Vec<u8>]) -> Vec<u8> {
    let mut line = Vec::new();
    for word in words {
        for (at, part) in word.split(|byte| *byte == b'*').enumerate() {
            if at > 0 {
                line.extend_from_slice(b"`unknown`");
            }
            line.push(b'\'');
            for byte in part {
                match byte {
                    b'\'' => line.extend_from_slice(b"'\\''"),
                    other => line.push(*other),
                }
            }
            line.push(b'\'');
        }
        line.push(b' ');
    }
    line
}

/// Of a line for a shell, what it ends in; else all that it starts.
fn kept(mut called: Called) -> Called {
    if let Some(front) = called.front {
        let last = called.started.swap_remove(front);
        called.started = vec![last];
        called.front = Some(0);
    }
    for started in &mut called.started {
        started.run.way = Way::Service;
    }
    called
}

/// A start of which only the shell tells what it is.
fn open(file: &AppPath, one: &Managed) -> Fact {
    let words = match &one.command {
        Command::Words(words) => words.iter().map(|word| withhold::word(word)).collect(),
        Command::Shell(line) => vec![
            "-c".to_owned(),
            withhold::line(line).0.escape_ascii().to_string(),
        ],
    };
    // What a word leaves open makes the start unresolved.
    Fact {
        at: Locus::line(file, one.line),
        what: What::Starts {
            program: AppPath::new("/bin/sh"),
            args: [words, vec!["*".to_owned()]].concat(),
            how: StartKind::Supervisor,
            name: one.name.clone(),
            forks: one.leaves,
            given: None,
        },
        certainty: Certainty::Guessed,
    }
}

/// Whether a start hands on to another starter, which is known by itself: an init script, or the service
/// manager's own program.
fn is_passed_on(what: &What) -> bool {
    match what {
        What::Starts { program, .. } => {
            let parent = program.parent();
            let is_init = INIT_DIRS
                .iter()
                .any(|dir| parent == Some(AppPath::new(dir)));
            is_init || starts::is_helper(program.name()) && program.name() != b"sh"
        }
        _ => false,
    }
}
