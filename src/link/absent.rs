//! Programs that something starts and that are not in the root.

use super::live::{Voice, Voices};
use super::scope::Scope;
use crate::fact::{Fact, StartKind, What};
use crate::knowledge::places;
use crate::path::AppPath;
use crate::tree::{LookupError, Root};

/// A fact for each program that is started and not there. Of a tree without a system around it only
/// its own programs can be missed.
pub(super) fn facts(root: &Root, scope: &Scope, voices: &Voices, facts: &[Fact]) -> Vec<Fact> {
    let has_system = ["/usr/bin", "/bin"]
        .iter()
        .any(|dir| root.resolve(dir).is_ok());
    let is_absent = |path: &AppPath| {
        let is_ours = has_system || scope.in_prefix(path).is_some();
        let found = root.resolve(path.as_bytes());
        is_ours && !path.is_pattern() && matches!(found, Err(LookupError::Absent))
    };
    let mut found: Vec<Fact> = facts
        .iter()
        .filter(|fact| {
            has_system && scope.contains(&fact.at.file) && voices.of(fact) == Voice::Live
        })
        .filter_map(|fact| called(root, fact))
        .collect();
    for fact in facts {
        let What::Starts {
            program,
            args,
            how,
            name,
            ..
        } = &fact.what
        else {
            continue;
        };
        // What reloads or stops a service has the key behind the unit's name.
        if name.contains(' ') || voices.of(fact) != Voice::Live {
            continue;
        }
        // A script tries several programs; what it has one run of the application is meant.
        let is_script = *how == StartKind::Script;
        let is_meant = |path: &AppPath| !is_script || scope.in_prefix(path).is_some();
        let wanted = started(program, args)
            .into_iter()
            .skip(usize::from(is_script));
        let absent = wanted.filter(is_meant).find(is_absent);
        found.extend(absent.map(|path| Fact {
            at: fact.at.clone(),
            what: What::Absent {
                path,
                by: name.clone(),
            },
            certainty: fact.certainty,
        }));
    }
    found.sort();
    found.dedup();
    found
}

/// A program in a tree of its own that a script of the application calls and that is not there, nor anything
/// of its tree. Where the tree is there, the script may well ask for the program before it calls it.
fn called(root: &Root, fact: &Fact) -> Option<Fact> {
    let What::Calls { command, .. } = &fact.what else {
        return None;
    };
    let path = AppPath::absolute(command)?;
    let tree = path.prefix(2);
    let is_gone = matches!(root.resolve(tree.as_bytes()), Err(LookupError::Absent));
    is_gone.then(|| Fact {
        at: fact.at.clone(),
        what: What::Absent {
            path,
            by: String::from_utf8_lossy(fact.at.file.name()).into_owned(),
        },
        certainty: fact.certainty,
    })
}

/// The program, and the script that it is to run where it is an interpreter.
fn started(program: &AppPath, args: &[String]) -> Vec<AppPath> {
    let mut found = vec![program.clone()];
    // What follows `-c` is a command, and no file.
    let is_command = |arg: &String| {
        let letters = arg.strip_prefix('-').filter(|rest| !rest.starts_with('-'));
        letters.is_some_and(|letters| letters.ends_with('c'))
    };
    let is_file = !args.first().is_some_and(is_command);
    if places::is_interpreter(program.name()) && is_file {
        let script = args.iter().find(|arg| !arg.starts_with('-'));
        found.extend(script.and_then(AppPath::absolute));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interpreter_starts_its_script() {
        let args = ["-u", "/opt/a/a.py", "-c", "/etc/a.conf"].map(str::to_owned);
        let found = started(&AppPath::new("/usr/bin/python3"), &args);
        let want = ["/usr/bin/python3", "/opt/a/a.py"].map(AppPath::new);
        assert_eq!(found, want);
        assert_eq!(started(&AppPath::new("/opt/a/ad"), &args).len(), 1);
        let command = ["-c", "/opt/a/ad run"].map(str::to_owned);
        assert_eq!(started(&AppPath::new("/bin/sh"), &command).len(), 1);
    }
}
