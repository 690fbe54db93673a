//! The programs of the system that the application is run by or runs: interpreters of its scripts,
//! what its units start, and the commands that its scripts call.

use std::collections::{BTreeMap, BTreeSet};

use super::bases::Interpreter;
use super::host::Host;
use super::owners;
use super::scope::Scope;
use crate::fact::{Fact, Kind, ProgramForm, What};
use crate::knowledge::places::{is_documentation, is_example};
use crate::path::AppPath;
use crate::report::SystemProgram;
use crate::tree::Root;

/// Where a service finds commands that are named without a directory (systemd.exec(5), `PATH`).
const SEARCHED: [&str; 6] = [
    "/usr/local/sbin",
    "/usr/local/bin",
    "/usr/sbin",
    "/usr/bin",
    "/sbin",
    "/bin",
];

/// How many of the files that need a program are named.
const NAMED: usize = 10;

/// The programs, in order of name.
pub(super) fn find(
    root: &Root,
    host: &Host,
    scope: &Scope,
    facts: &[Fact],
    interpreters: &[Interpreter],
) -> Vec<SystemProgram> {
    let mut asked: BTreeMap<String, BTreeSet<AppPath>> = BTreeMap::new();
    for fact in facts {
        let file = &fact.at.file;
        for name in named(fact, scope) {
            asked.entry(name).or_default().insert(file.clone());
        }
    }
    let mut found: BTreeMap<AppPath, SystemProgram> = BTreeMap::new();
    let mut add = |path: &AppPath, by: &BTreeSet<AppPath>| {
        let Some(program) = program(root, host, scope, path) else {
            return false;
        };
        let known = found.entry(path.clone()).or_insert(program);
        known.needed_by.extend(by.iter().cloned());
        true
    };
    for (name, by) in &asked {
        places(name).iter().find(|path| add(path, by));
    }
    for interpreter in interpreters {
        let by = BTreeSet::from([interpreter.file.clone()]);
        for name in commands(interpreter) {
            if places(&name).iter().any(|path| add(path, &by)) {
                break;
            }
        }
    }
    found.into_values().map(shortened).collect()
}

/// The programs that a fact names, as paths or commands.
fn named(fact: &Fact, scope: &Scope) -> Vec<String> {
    let file = &fact.at.file;
    let is_own = || scope.contains(file) && !is_documentation(file) && !is_example(file);
    match &fact.what {
        What::Program {
            form: ProgramForm::Script,
            interpreter: Some(line),
            ..
        } if is_own() => words(line),
        What::Calls { command, .. } if is_own() => vec![command.clone()],
        What::Starts { program, .. } => vec![program.to_text().into_owned()],
        _ => Vec::new(),
    }
}

/// The programs of an interpreter line: `/usr/bin/env -S node --x` runs two.
fn words(line: &str) -> Vec<String> {
    let mut parts = line.split_ascii_whitespace();
    let first = parts.next().unwrap_or_default().to_owned();
    let is_env = first.rsplit('/').next() == Some("env");
    let second = is_env
        .then(|| parts.find(|part| !part.starts_with('-') && !part.contains('=')))
        .flatten();
    let mut words = vec![first];
    words.extend(second.map(str::to_owned));
    words
}

/// The commands by which a language's interpreter is started, the most exact first.
fn commands(interpreter: &Interpreter) -> Vec<String> {
    let bare = match interpreter.language.as_str() {
        "tcl" => "tclsh",
        other => other,
    };
    let mut names = Vec::new();
    if let Some(version) = &interpreter.version {
        names.push(format!("{bare}{version}"));
    }
    if bare == "python" {
        names.push("python3".to_owned());
    }
    names.push(bare.to_owned());
    names
}

/// Where a name may stand.
fn places(name: &str) -> Vec<AppPath> {
    if let Some(path) = AppPath::absolute(name) {
        return vec![path];
    }
    let is_command = !name.is_empty() && !name.contains('/') && name != "." && name != "..";
    if !is_command {
        return Vec::new();
    }
    SEARCHED
        .iter()
        .map(|dir| AppPath::new(dir).child(name.as_bytes()))
        .collect()
}

/// What stands at a path, when it is a program that is not the application's own.
fn program(root: &Root, host: &Host, scope: &Scope, path: &AppPath) -> Option<SystemProgram> {
    let node = root.resolve(path.as_bytes()).ok()?;
    let is_program = node.stat.kind == Kind::File && node.stat.mode & 0o111 != 0;
    if !is_program || scope.contains(&node.real) {
        return None;
    }
    let package = host.packages.owner(&node.real);
    let package = package.map(|package| package.name.clone());
    let name = String::from_utf8_lossy(node.real.name()).into_owned();
    Some(SystemProgram {
        name: String::from_utf8_lossy(path.name()).into_owned(),
        path: path.clone(),
        owner: owners::owner(&name, Some(&node.real), package.as_deref(), false),
        real_path: node.real,
        package,
        needed_by: Vec::new(),
        needed_by_more: 0,
    })
}

fn shortened(mut program: SystemProgram) -> SystemProgram {
    program.needed_by.sort();
    program.needed_by.dedup();
    program.needed_by_more = program.needed_by.len().saturating_sub(NAMED) as u64;
    program.needed_by.truncate(NAMED);
    program
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interpreter_line_may_name_two_programs() {
        assert_eq!(words("/bin/sh -e"), ["/bin/sh"]);
        assert_eq!(words("/usr/bin/env node"), ["/usr/bin/env", "node"]);
        let with = "/usr/bin/env -S A=1 python3 -u";
        assert_eq!(words(with), ["/usr/bin/env", "python3"]);
        assert_eq!(words("/usr/bin/env"), ["/usr/bin/env"]);
    }

    #[test]
    fn a_command_is_searched_and_a_path_is_not() {
        assert_eq!(places("/opt/x").len(), 1);
        assert_eq!(places("sed").len(), SEARCHED.len());
        assert!(places("a/b").is_empty());
        assert!(places(".").is_empty());
    }
}
