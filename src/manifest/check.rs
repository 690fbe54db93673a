//! Our own manifests, checked before they are written: what is started is there and is no script that
//! starts something else, nothing in its command waits to be replaced, and what the image leaves out
//! is named. What does not fit is a limit, which `--strict` makes a failure.

use crate::path::AppPath;
use crate::report::Start;

use super::Limit;
use super::process::Process;
use super::service::Service;
use super::volume::{Keeps, Volume};

/// Directories of scripts that start services and end (init(8), insserv(8), OpenRC).
const INIT_SCRIPTS: [&str; 4] = [
    "/etc/init.d",
    "/etc/rc.d",
    "/etc/rc.d/init.d",
    "/sbin/init.d",
];

/// Programs that ask a service manager to start something.
const MANAGERS: [&str; 7] = [
    "systemctl",
    "service",
    "initctl",
    "rc-service",
    "invoke-rc.d",
    "start",
    "chkconfig",
];

/// Programs that do nothing, which stand where a start is to be filled in.
const PLACEHOLDERS: [&str; 4] = ["true", "false", ":", "sleep"];

/// What does not fit.
pub(super) fn check(service: &Service<'_>) -> Vec<Limit> {
    let mut limits = Vec::new();
    for process in &service.processes {
        limits.extend(started(service, process));
    }
    let planned = service.report.plan.left_behind.iter();
    let planned = planned.map(|left| (&left.path, &left.reason));
    let found = service.content.iter().flat_map(|content| &content.left);
    for (path, reason) in planned.chain(found) {
        let is_mounted = |volume: &Volume| path.is_within(&volume.at);
        if !service.volumes.iter().any(is_mounted) {
            limits.push(Limit::new(
                path.to_text(),
                format!("the image leaves it out, and no mount brings it back: {reason}"),
                "not there in the container: put it into the image, or mount it, by hand",
            ));
        }
    }
    limits
}

/// What is wrong with the program of a process.
fn started(service: &Service<'_>, process: &Process) -> Option<Limit> {
    let program = process.program.as_str();
    let about = format!("process {}", process.name);
    let path = AppPath::new(program);
    let name = program.rsplit('/').next().unwrap_or(program);
    let is_script = INIT_SCRIPTS
        .iter()
        .any(|dir| path.is_within(&AppPath::new(dir)));
    let mut starts = service.report.plan.start.iter();
    let is_meant =
        starts.any(|start| start.name == process.start && start.starter.as_ref() == Some(&path));
    let is_absent = |content: &super::Content| content.absent.contains(program);
    let (cannot, instead) = if program.is_empty() {
        return None;
    } else if is_script && !is_meant || MANAGERS.contains(&name) {
        (
            format!("{program} asks the host's init to start something, and ends"),
            "started as it is: give the program itself behind `--`",
        )
    } else if PLACEHOLDERS.contains(&name) {
        (
            format!("{program} does nothing"),
            "started as it is: give the program itself behind `--`",
        )
    } else if service.content.is_some_and(is_absent) {
        (
            format!("{program} is not in the root that was audited"),
            "started as it is: put it into the image, or give another command behind `--`",
        )
    } else if let Some(volume) = service.volumes.iter().find(|volume| hides(volume, &path)) {
        (
            format!(
                "{program} is below {}, where nothing of the image is seen",
                volume.path
            ),
            "put it there before it is started",
        )
    } else {
        return None;
    };
    Some(Limit::new(about, cannot, instead))
}

/// Whether a program is hidden by a volume that does not bring it itself.
fn hides(volume: &Volume, program: &AppPath) -> bool {
    let brings = volume.seed || matches!(volume.keeps, Keeps::Config | Keeps::Secret);
    !brings && program.is_within(&volume.at)
}

/// What of a start's command something else was to replace: a pattern of paths, a template's mark, a
/// specifier of a unit, a variable of a shell that is not there.
pub(super) fn unresolved(start: &Start, command: &[String], name: &str) -> Vec<Limit> {
    let is_script = |word: &str| word.contains(char::is_whitespace);
    let after_c = |place: usize| place > 0 && command[place - 1].ends_with("-c");
    let mut limits = Vec::new();
    for (place, word) in command.iter().enumerate() {
        let is_path = word.contains('/');
        let mark = if is_script(word) || after_c(place) {
            continue;
        } else if is_path && AppPath::new(word).is_pattern() {
            "a pattern that stands for several paths, or for one that is not known"
        } else if is_variable(word) {
            "a variable, which no shell replaces"
        } else if ["%i", "%I", "%n"].iter().any(|mark| word.contains(mark))
            && start.name.contains('@')
        {
            "a specifier of its unit, whose instance is not known"
        } else {
            continue;
        };
        limits.push(Limit::new(
            format!("process {name}"),
            format!("its command has {mark}: {word}"),
            "started as it is: give the command behind `--`",
        ));
    }
    limits
}

/// Whether a word has `$NAME` or `${NAME`.
fn is_variable(word: &str) -> bool {
    word.match_indices('$').any(|(at, _)| {
        let rest = word[at + 1..].trim_start_matches('{');
        rest.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_begins_with_a_letter() {
        for (word, want) in [
            ("$HOME", true),
            ("-p${PORT}", true),
            ("a$_b", true),
            ("$", false),
            ("$1", false),
            ("5$", false),
            ("${", false),
        ] {
            assert_eq!(is_variable(word), want, "{word}");
        }
    }
}
