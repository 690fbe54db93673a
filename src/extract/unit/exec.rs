//! `Exec…=` lines: the programs of a service and the paths on their command lines.

use std::cell::Cell;
use std::collections::BTreeMap;

use crate::extract::start::{self, Start};
use crate::extract::{Out, withhold};
use crate::fact::{Given, Source, StartKind};
use crate::parse::unit::{commands, substitute};

use super::Context;

/// How much variables may add to one command: what the kernel takes for one argument
/// (`MAX_ARG_STRLEN`, execve(2)).
const MAX_SUBSTITUTED: usize = 128 << 10;

const KEYS: [&str; 7] = [
    "ExecStart",
    "ExecStartPre",
    "ExecStartPost",
    "ExecCondition",
    "ExecReload",
    "ExecStop",
    "ExecStopPost",
];

/// `ExecStart` bears the unit's name; the others have their key after it, as they are not the
/// service itself.
pub(super) fn facts(context: &Context<'_>, section: &str, out: &mut Out) {
    let forks = forks(context, section);
    let known = variables(context, section);
    for key in KEYS {
        let is_main = key == "ExecStart";
        let name = if is_main {
            context.name.full.clone()
        } else {
            format!("{} {key}", context.name.full)
        };
        for assignment in context.unit.list(section, key) {
            let at = context.at(assignment);
            for command in commands(&assignment.value) {
                let program = context.specifiers.expand(&command.program);
                let room = Cell::new(MAX_SUBSTITUTED);
                let lookup = |name: &str| {
                    let value = known.get(name)?;
                    room.set(room.get().checked_sub(value.len())?);
                    Some(value.clone())
                };
                let args: Vec<Vec<u8>> = command
                    .args
                    .iter()
                    .map(|arg| context.specifiers.expand(arg))
                    .flat_map(|arg| {
                        if command.verbatim {
                            vec![arg]
                        } else {
                            substitute(&arg, &lookup)
                        }
                    })
                    .collect();
                let start = Start {
                    program: &program,
                    args: &args,
                    how: StartKind::Unit,
                    name: &name,
                    forks: forks.filter(|_| is_main),
                    source: Source::Unit,
                    given: Given {
                        // systemd.service(5): `!` and `+` keep it from changing its user.
                        user: command.privileged.then(|| "root".to_owned()),
                        ..Given::default()
                    },
                };
                start::facts(&start, &at, out);
            }
        }
    }
}

/// Whether the main process goes into the background (systemd.service(5), `Type=`). A drop-in by
/// itself, and `oneshot`, leave it open.
fn forks(context: &Context<'_>, section: &str) -> Option<bool> {
    let kind = context.last(section, "Type").map(|(_, value)| value);
    match kind.as_deref() {
        Some("forking") => Some(true),
        Some("oneshot") => None,
        Some(_) => Some(false),
        None => {
            let is_whole = context.files[0].name() == context.name.full.as_bytes();
            let starts = !context.unit.list(section, "ExecStart").is_empty();
            (is_whole && starts && section == "Service").then_some(false)
        }
    }
}

/// The variables that the unit itself sets, secrets left out.
fn variables(context: &Context<'_>, section: &str) -> BTreeMap<String, Vec<u8>> {
    context
        .list(section, "Environment")
        .into_iter()
        .filter_map(|(_, word)| {
            let at = word.iter().position(|&b| b == b'=')?;
            let name = String::from_utf8(word[..at].to_vec()).ok()?;
            let value = word[at + 1..].to_vec();
            (!withhold::must_withhold(&name, &value)).then_some((name, value))
        })
        .collect()
}
