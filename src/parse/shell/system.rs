//! Branches for other systems. A script that goes into a container runs on Linux, whoever calls it: what
//! uname(1) prints is known, and so is bash's `OSTYPE`.

use super::super::value::Value;
use super::syntax::{Body, List, Part, Pipeline, Word};
use super::truth::fits;
use super::walk::Walk;

/// The value of bash's `OSTYPE` on Linux.
pub(super) const OSTYPE: &[u8] = b"linux-gnu";

/// The names by which a script knows the system.
const NAMES: [&[u8]; 3] = [b"Linux", b"GNU/Linux", OSTYPE];

/// Variables by which scripts note that they run on another system, each of them false at first.
const SWITCHES: [&str; 12] = [
    "aix", "cygwin", "darwin", "freebsd", "hpux", "macos", "mingw", "msys", "os400", "solaris",
    "sunos", "windows",
];

/// What uname(1) prints with these options; nothing for what differs from machine to machine.
pub(super) fn uname(argv: &[Value]) -> Option<Value> {
    match argv.get(1..)? {
        [] => Some(b"Linux".to_vec()),
        [option] if option == b"-s" || option == b"--kernel-name" => Some(b"Linux".to_vec()),
        [option] if option == b"-o" || option == b"--operating-system" => {
            Some(b"GNU/Linux".to_vec())
        }
        _ => None,
    }
}

/// Whether a condition that asks for the system holds; nothing for any other.
pub(super) fn of_list(walk: &mut Walk<'_>, list: &List) -> Option<bool> {
    let [item] = list.0.as_slice() else {
        return None;
    };
    match item.rest.is_empty() {
        true => of_pipeline(walk, &item.first),
        false => None,
    }
}

/// Whether a command that asks for the system succeeds: a test of its name, or a switch that only branches
/// for other systems set (`darwin=false` … `if $darwin`).
pub(super) fn of_pipeline(walk: &mut Walk<'_>, pipeline: &Pipeline) -> Option<bool> {
    let [command] = pipeline.commands.as_slice() else {
        return None;
    };
    let Body::Simple { assigns, words } = &command.body else {
        return None;
    };
    if !assigns.is_empty() {
        return None;
    }
    let holds = match words.as_slice() {
        [word] if is_switch(word) => {
            let values = walk.expand(word);
            (values == [b"false"]).then_some(false)
        }
        [test, ..] if matches!(test.plain(), Some(b"[" | b"[[" | b"test")) => {
            let argvs = walk.argvs(words);
            let [argv] = argvs.as_slice() else {
                return None;
            };
            let asks = argv.iter().any(|word| is_name(word));
            asks.then(|| walk.test(argv)).flatten()
        }
        _ => None,
    };
    holds.map(|holds| holds != pipeline.negated)
}

/// The arm of a `case` about the system that is taken, if any is; nothing where the subject is another.
pub(super) fn arm<'l>(
    walk: &mut Walk<'_>,
    subject: &Word,
    cases: &'l [(Vec<Word>, List)],
) -> Option<Option<&'l List>> {
    let subjects = walk.expand(subject);
    let [subject] = subjects.as_slice() else {
        return None;
    };
    is_name(subject).then(|| {
        let mut arms = cases.iter();
        let arm = arms.find(|(patterns, _)| {
            let mut patterns = patterns.iter();
            patterns.any(|pattern| fits(&walk.one(pattern), subject))
        });
        arm.map(|(_, body)| body)
    })
}

/// Whether a word is the value of such a variable.
fn is_switch(word: &Word) -> bool {
    match word.parts.as_slice() {
        [Part::Variable { name, .. }] => SWITCHES.contains(&name.to_ascii_lowercase().as_str()),
        _ => false,
    }
}

fn is_name(value: &[u8]) -> bool {
    NAMES.contains(&value)
}
