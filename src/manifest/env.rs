//! The environment of each process: what the plan gives to all, what its starter gives to it alone,
//! and what a container lacks.

use crate::report::EnvVar;

use super::Limit;
use super::process::Process;

/// What a shell finds programs by in a container that says nothing else.
pub const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// `common` with `own` put over it, less what no manifest can hold.
pub(super) fn merged(common: &[EnvVar], own: &[EnvVar], limits: &mut Vec<Limit>) -> Vec<EnvVar> {
    let mut env: Vec<EnvVar> = Vec::new();
    for variable in common.iter().chain(own) {
        if let Some(odd) = odd(variable) {
            limits.push(Limit::new(
                format!("variable {}", variable.name),
                odd,
                "left out: set it by hand",
            ));
            continue;
        }
        match env.iter_mut().find(|known| known.name == variable.name) {
            Some(known) => known.clone_from(variable),
            None => env.push(variable.clone()),
        }
    }
    env
}

/// Why a variable can stand in no manifest.
fn odd(variable: &EnvVar) -> Option<&'static str> {
    let name = variable.name.as_str();
    let fits = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    if name.is_empty() || !name.bytes().all(fits) || name.as_bytes()[0].is_ascii_digit() {
        return Some("its name is no name of the shell");
    }
    let value = variable.value.as_deref().unwrap_or_default();
    let is_odd = value.chars().any(char::is_control);
    is_odd.then_some("its value has a control character")
}

/// Adds what a container has only when something says so.
pub(super) fn complete(env: &mut Vec<EnvVar>, home: Option<&str>) {
    let mut add = |name: &str, value: &str| {
        if env.iter().all(|variable| variable.name != name) {
            env.push(EnvVar {
                name: name.to_owned(),
                value: Some(value.to_owned()),
            });
        }
    };
    add("PATH", PATH);
    // Engines look it up in the image, which need not have the account as the host has it; others
    // do not at all.
    if let Some(home) = home {
        add("HOME", home);
    }
}

/// The environment of the image, from which the containers of all processes are made: what is the
/// same for all of them.
pub(super) fn of_image(processes: &[Process]) -> Vec<EnvVar> {
    let first = processes.first().map_or(&[][..], |process| &process.env);
    let is_common = |variable: &&EnvVar| {
        let mut others = processes.iter();
        others.all(|process| process.env.contains(variable))
    };
    first.iter().filter(is_common).cloned().collect()
}
