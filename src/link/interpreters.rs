//! The interpreters that the application's scripts and starts need of the system.

use std::collections::BTreeMap;

use super::bases::Interpreter;
use super::loader::Loader;
use super::scope::Scope;
use crate::fact::{Fact, ProgramForm, What};
use crate::knowledge::places::{is_documentation, is_example};
use crate::path::AppPath;

/// Names of interpreters, and the language of each. A shell is in every image that has one.
const LANGUAGES: [(&str, &str); 12] = [
    ("java", "java"),
    ("lua", "lua"),
    ("node", "node"),
    ("nodejs", "node"),
    ("perl", "perl"),
    ("php", "php"),
    ("php-cgi", "php"),
    ("php-fpm", "php"),
    ("python", "python"),
    ("ruby", "ruby"),
    ("tclsh", "tcl"),
    ("wish", "tcl"),
];

/// Directories whose scripts try something out: nothing of the application runs them.
const TESTS: [&[u8]; 2] = [b"test", b"tests"];

/// Each interpreter that is no part of the application, with the first file that asks for it. Of
/// two that differ in how much of the version they say, the one that says more stays.
pub(super) fn find(loader: &Loader<'_>, scope: &Scope, facts: &[Fact]) -> Vec<Interpreter> {
    let mut found: BTreeMap<(String, Option<String>), AppPath> = BTreeMap::new();
    for fact in facts {
        let asked = match &fact.what {
            What::Program {
                form: ProgramForm::Script,
                interpreter: Some(line),
                ..
            } if scope.contains(&fact.at.file) && !is_aside(&fact.at.file) => line.clone(),
            What::Starts { program, .. } => program.to_text().into_owned(),
            _ => continue,
        };
        if let Some(wanted) = wanted(loader, scope, &asked) {
            found.entry(wanted).or_insert_with(|| fact.at.file.clone());
        }
    }
    let more = |(language, version): &(String, Option<String>)| {
        found.keys().any(|(other, says)| {
            let says = says.as_deref().unwrap_or_default();
            other == language
                && match version {
                    None => !says.is_empty(),
                    Some(version) => says
                        .strip_prefix(version.as_str())
                        .is_some_and(|rest| rest.starts_with('.')),
                }
        })
    };
    found
        .iter()
        .filter(|(wanted, _)| !more(wanted))
        .map(|((language, version), file)| Interpreter {
            language: language.clone(),
            version: version.clone(),
            file: file.clone(),
        })
        .collect()
}

fn is_aside(path: &AppPath) -> bool {
    let folder = path.parent();
    is_documentation(path)
        || is_example(path)
        || folder.is_some_and(|folder| folder.components().any(|part| TESTS.contains(&part)))
}

/// The language and version that an interpreter line, or the path of a program, asks of the
/// system.
fn wanted(loader: &Loader<'_>, scope: &Scope, line: &str) -> Option<(String, Option<String>)> {
    let last = line.split_ascii_whitespace().last()?;
    let named = language(name(last))?;
    let Some(path) = AppPath::absolute(last).filter(|path| scope.contains(path)) else {
        return Some(named);
    };
    // One in the application's own directory is its own, unless it is a link to the system's, as
    // in a virtual environment: its modules are then for that version.
    let real = loader.real(&path)?;
    if scope.contains(&real) {
        return None;
    }
    language(name(&real.to_text()))
}

fn name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// The language of an interpreter's name and the version in it: `python3.11`, `php-fpm8.2`.
fn language(name: &str) -> Option<(String, Option<String>)> {
    let stem = name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
    let (_, language) = LANGUAGES.iter().find(|(known, _)| *known == stem)?;
    let version = name.get(stem.len()..).filter(|version| !version.is_empty());
    Some(((*language).to_owned(), version.map(str::to_owned)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_tells_the_language_and_the_version() {
        let told = |name| language(name).map(|(l, v)| (l, v.unwrap_or_default()));
        let pair = |a: &str, b: &str| Some((a.to_owned(), b.to_owned()));
        assert_eq!(told("python3.11"), pair("python", "3.11"));
        assert_eq!(told("perl"), pair("perl", ""));
        assert_eq!(told("php-fpm8.2"), pair("php", "8.2"));
        assert_eq!(told("nodejs"), pair("node", ""));
        assert_eq!(told("tclsh8.6"), pair("tcl", "8.6"));
        assert_eq!(told("bash"), None);
        assert_eq!(told("javac"), None);
    }
}
