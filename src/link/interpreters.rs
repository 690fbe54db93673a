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

/// Endings of files that an interpreter runs.
const ENDINGS: [(&str, &str); 4] = [
    (".php", "php"),
    (".pl", "perl"),
    (".py", "python"),
    (".rb", "ruby"),
];

/// Directories whose scripts try something out: nothing of the application runs them.
const TESTS: [&[u8]; 2] = [b"test", b"tests"];

/// A language, and the version of its interpreter where one is asked for.
type Wanted = (String, Option<String>);

/// Each interpreter that is no part of the application, with the first file that asks for it. Of
/// two that differ in how much of the version they say, the one that says more stays.
///
/// Files that name no interpreter count by their endings when `by_ending` says that nothing else
/// runs them.
pub(super) fn find(
    loader: &Loader<'_>,
    scope: &Scope,
    facts: &[Fact],
    by_ending: bool,
) -> Vec<Interpreter> {
    let mut found: BTreeMap<Wanted, AppPath> = BTreeMap::new();
    for fact in facts {
        let file = &fact.at.file;
        let own = || scope.contains(file) && !is_aside(file);
        let asked = match &fact.what {
            What::Program {
                form: ProgramForm::Script,
                interpreter: Some(line),
                ..
            } if own() => wanted(loader, scope, line),
            What::Program {
                form: ProgramForm::SharedLibrary,
                ..
            } if own() => extension(file),
            What::Program {
                form: ProgramForm::Jar,
                ..
            } if by_ending && own() => Some(("java".to_owned(), None)),
            What::Starts { program, .. } => wanted(loader, scope, &program.to_text()),
            _ if by_ending && own() => of_ending(file),
            _ => None,
        };
        if let Some(asked) = asked {
            found.entry(asked).or_insert_with(|| file.clone());
        }
    }
    most_exact(found)
}

/// Leaves out what says less of the version than another of the same language does.
fn most_exact(found: BTreeMap<Wanted, AppPath>) -> Vec<Interpreter> {
    let more = |(language, version): &Wanted| {
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

/// An extension module of Python tells in its name for which version it was made (PEP 3149):
/// `x.cpython-311-x86_64-linux-gnu.so`.
fn extension(path: &AppPath) -> Option<Wanted> {
    let name = path.name();
    let at = memchr::memmem::find(name, b".cpython-")?;
    let tag = name.get(at + b".cpython-".len()..)?;
    let digits = tag.iter().take_while(|b| b.is_ascii_digit()).count();
    let digits = std::str::from_utf8(tag.get(..digits)?).ok()?;
    let (major, minor) = digits.split_at_checked(1)?;
    (!minor.is_empty()).then(|| ("python".to_owned(), Some(format!("{major}.{minor}"))))
}

/// The language of a file's ending.
fn of_ending(path: &AppPath) -> Option<Wanted> {
    let ending = |(ending, _): &&(&str, &str)| path.name().ends_with(ending.as_bytes());
    let (_, language) = ENDINGS.iter().find(ending)?;
    Some(((*language).to_owned(), None))
}

fn is_aside(path: &AppPath) -> bool {
    let folder = path.parent();
    is_documentation(path)
        || is_example(path)
        || folder.is_some_and(|folder| folder.components().any(|part| TESTS.contains(&part)))
}

/// The language and version that an interpreter line, or the path of a program, asks of the
/// system.
fn wanted(loader: &Loader<'_>, scope: &Scope, line: &str) -> Option<Wanted> {
    let last = line.split_ascii_whitespace().last()?;
    let named = language(name(last))?;
    let Some(path) = AppPath::absolute(last).filter(|path| scope.contains(path)) else {
        // Several versions of Java lie side by side, each in a directory that is called after it.
        let version = named
            .1
            .or_else(|| java_version(last).filter(|_| named.0 == "java"));
        return Some((named.0, version));
    };
    // One in the application's own directory is its own, unless it is a link to the system's, as
    // in a virtual environment: its modules are then for that version.
    let real = loader.real(&path)?;
    if scope.contains(&real) {
        return None;
    }
    language(name(&real.to_text()))
}

/// The version of Java in the name of its directory: `java-1.8.0-openjdk`, `jdk1.7.0_80`, `jdk-17.0.2`.
fn java_version(path: &str) -> Option<String> {
    let version = |part: &str| {
        let rest = ["java-", "jdk-", "jre-", "jdk", "jre", "java"]
            .iter()
            .find_map(|start| part.strip_prefix(start))?;
        let rest = rest.strip_prefix("1.").unwrap_or(rest);
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        (1..=2).contains(&digits).then(|| rest[..digits].to_owned())
    };
    path.split('/').rev().find_map(version)
}

fn name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// The language of an interpreter's name and the version in it: `python3.11`, `php-fpm8.2`.
fn language(name: &str) -> Option<Wanted> {
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

    #[test]
    fn a_directory_tells_the_version_of_java() {
        for (path, want) in [
            ("/usr/lib/jvm/java-1.8.0/bin/java", Some("8")),
            ("/usr/lib/jvm/java-11-openjdk-amd64/bin/java", Some("11")),
            ("/opt/jdk1.7.0_80/jre/bin/java", Some("7")),
            ("/opt/jdk-17.0.2/bin/java", Some("17")),
            ("/usr/bin/java", None),
        ] {
            assert_eq!(java_version(path).as_deref(), want, "{path}");
        }
    }

    #[test]
    fn a_module_tells_for_which_python_it_was_made() {
        let told = |name: &str| extension(&AppPath::new(format!("/opt/app/{name}")));
        let version = |text: &str| Some(("python".to_owned(), Some(text.to_owned())));
        assert_eq!(told("x.cpython-311-x86_64-linux-gnu.so"), version("3.11"));
        assert_eq!(told("x.cpython-39-x86_64-linux-gnu.so"), version("3.9"));
        assert_eq!(told("x.abi3.so"), None);
        assert_eq!(told("x.cpython-.so"), None);
        assert_eq!(told("x.cpython-3-.so"), None);
    }

    #[test]
    fn of_two_demands_the_more_exact_one_stays() {
        let wanted = |language: &str, version: Option<&str>| {
            (language.to_owned(), version.map(str::to_owned))
        };
        let file = AppPath::new("/opt/app/x");
        let all = [
            wanted("perl", None),
            wanted("python", None),
            wanted("python", Some("2.7")),
            wanted("python", Some("3")),
            wanted("python", Some("3.11")),
            wanted("python", Some("3.1")),
        ];
        let kept = most_exact(all.map(|wanted| (wanted, file.clone())).into());
        let kept: Vec<_> = kept.iter().map(|i| i.version.as_deref()).collect();
        assert_eq!(kept, [None, Some("2.7"), Some("3.1"), Some("3.11")]);
    }
}
