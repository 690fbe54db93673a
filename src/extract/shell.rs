//! Shell scripts: what they read, write, start, set and call.
//!
//! Init scripts and maintainer scripts are shell too, with a first argument that tells what is to
//! be done: what they do to stop, remove or purge says where state is, not that it is written.

mod called;
mod calls;
mod options;
mod starts;

pub use called::{Caller, Find, facts as called};

use std::collections::BTreeMap;

use super::env_file;
use super::script::{Facts, certainty_of, interpreter_name, is_library, known_path};
use super::{Extractor, Input, Named, Out};
use crate::fact::{Certainty, IssueKind, Locus, Source, Touch, What};
use crate::parse::op::{Deed, Op, Script};
use crate::parse::shell::{Context, read};
use crate::path::AppPath;

pub(super) const EXTRACTOR: Extractor = Extractor {
    name: "shell",
    wants,
    run,
};

const SHELLS: &[&[u8]] = &[b"sh", b"bash", b"dash", b"ksh", b"ash", b"zsh", b"mksh"];

/// Interpreters that source an init script and act on the variables it sets
/// (init-d-script(5), openrc-run(8)).
const FRAMES: &[&[u8]] = &[b"init-d-script", b"openrc-run", b"runscript"];

fn wants(input: &Input<'_>) -> bool {
    if is_library(input.path) || input.path.name().ends_with(b".mo") {
        return false;
    }
    match input.interpreter() {
        Some(line) => interpreter_name(line)
            .is_some_and(|name| SHELLS.contains(&name) || FRAMES.contains(&name)),
        None => {
            let name = input.path.name();
            let sourced = name.ends_with(b".sh") || is_init(input.path) && name != b"README";
            sourced && input.is_text()
        }
    }
}

/// Whether a file is a shell script by its name or first line.
#[must_use]
pub fn is_script(input: &Input<'_>) -> bool {
    wants(input)
}

/// Whether a file that a script sources is a script that nothing else says of it: neither its name
/// nor its first line, nor is it a file of settings.
#[must_use]
pub fn is_part(input: &Input<'_>) -> bool {
    let settings =
        env_file::is_kept_apart(input.path) || input.path.is_below(&AppPath::new("/etc"));
    input.interpreter().is_none()
        && input.is_text()
        && !wants(input)
        && !settings
        && !is_library(input.path)
}

/// Whether a text for the shell does more than set variables that it keeps to itself.
#[must_use]
pub fn acts(text: &[u8]) -> bool {
    let context = Context {
        script: None,
        vars: BTreeMap::new(),
        cwd: None,
    };
    let script = read(text, &context);
    let is_more = |op: &Op| match &op.deed {
        Deed::Set { exported, .. } => *exported,
        Deed::Path { .. } | Deed::Run(_) => op.sure,
        Deed::Source(_) | Deed::Listens { .. } => false,
    };
    script.faults.is_empty() && script.ops.iter().any(is_more)
}

fn run(input: &Input<'_>, out: &mut Out) {
    run_with(input, &BTreeMap::new(), None, out);
}

/// Reads a script whose sourced files set `vars` ([`crate::parse::shell::variables`] gives them), and
/// that is started in `dir`, where that is known.
///
/// The files it sources are its facts with `by: "source"`; after reading those, this gives what
/// the script's words become with them.
pub fn run_with(
    input: &Input<'_>,
    vars: &BTreeMap<String, Vec<u8>>,
    dir: Option<&AppPath>,
    out: &mut Out,
) {
    let context = Context {
        script: Some(input.path.as_bytes()),
        vars: vars.clone(),
        cwd: dir.map(AppPath::as_bytes),
    };
    let script = read(input.text(), &context);
    let kind = source_of(input.path);
    let mut facts = Facts::new(input.path, kind);
    let stage = Stage::of(input.path);
    for op in &script.ops {
        one(op, stage, &mut facts);
    }
    if kind == Source::Init {
        header(input.text(), &mut facts);
    }
    if is_framed(input) {
        starts::framed(&script, &mut facts);
    }
    facts.finish(out);
    faults(input.path, &script, out);
}

/// Whether the interpreter is a program that fills in what an init script leaves out: it may ask for
/// variables that the script does not name.
#[must_use]
pub fn is_framed(input: &Input<'_>) -> bool {
    frame_of(input).is_some()
}

/// The name of that program.
#[must_use]
pub fn frame_of<'a>(input: &Input<'a>) -> Option<&'a [u8]> {
    let interpreter = input.interpreter().and_then(interpreter_name);
    interpreter.filter(|name| FRAMES.contains(name))
}

fn faults(path: &AppPath, script: &Script, out: &mut Out) {
    for fault in &script.faults {
        out.issue(
            Locus::line(path, fault.line),
            IssueKind::Malformed,
            format!("not understood as shell: {}", fault.what),
        );
    }
    if script.cut {
        out.issue(
            Locus::file(path),
            IssueKind::LimitReached,
            "the script has more branches, or text, than are followed",
        );
    }
}

/// When a script runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// With the application.
    Use,
    /// When a package is installed.
    Install,
    /// When it is removed.
    Removal,
}

impl Stage {
    fn of(path: &AppPath) -> Self {
        if source_of(path) != Source::Maintainer {
            return Self::Use;
        }
        let name = path.name();
        if name.ends_with(b"prerm") || name.ends_with(b"postrm") {
            Self::Removal
        } else {
            Self::Install
        }
    }
}

/// Adds the call of a program by a script of any language.
#[cfg(feature = "scripting")]
pub(super) fn call(op: &Op, run: &crate::parse::op::Run, facts: &mut Facts<'_>) {
    calls::call(op, run, false, facts);
}

/// The kind of source that a script is, by its place.
#[must_use]
pub fn source_of(path: &AppPath) -> Source {
    let maintainer = path.is_below(&AppPath::new("/var/lib/dpkg/info"));
    if maintainer {
        Source::Maintainer
    } else if is_init(path) {
        Source::Init
    } else {
        Source::Script
    }
}

fn is_init(path: &AppPath) -> bool {
    let is_in = |dir: &&str| path.parent() == Some(AppPath::new(dir));
    INIT_DIRS.iter().any(is_in) || is_local(path)
}

/// Directories of scripts that the system calls when it starts (insserv(8), OpenRC; Slackware has
/// them beside those of the system itself).
pub const INIT_DIRS: [&str; 4] = [
    "/etc/init.d",
    "/etc/rc.d/init.d",
    "/etc/rc.d",
    "/sbin/init.d",
];

/// Whether a script is the one in which an administrator writes what is to be started besides
/// (rc-local.service(8); SUSE, OpenRC and Slackware have others).
#[must_use]
pub fn is_local(path: &AppPath) -> bool {
    const FILES: [&str; 7] = [
        "/etc/rc.local",
        "/etc/rc.d/rc.local",
        "/etc/init.d/rc.local",
        "/etc/init.d/boot.local",
        "/etc/init.d/after.local",
        "/etc/boot.local",
        "/etc/conf.d/local.start",
    ];
    let is_openrc = path.parent() == Some(AppPath::new("/etc/local.d"));
    FILES.iter().any(|file| path.as_bytes() == file.as_bytes())
        || is_openrc && path.name().ends_with(b".start")
}

fn one(op: &Op, stage: Stage, facts: &mut Facts<'_>) {
    if stage == Stage::Removal {
        let removes =
            matches!(&op.deed, Deed::Path { act, .. } if *act == crate::parse::op::Act::Removes);
        if removes {
            facts.path(op);
        }
        return;
    }
    facts.path(op);
    match &op.deed {
        Deed::Path { act, path } => calls::path(op, *act, path, facts),
        Deed::Set {
            name,
            value,
            exported,
        } => set(op, name, value, *exported, stage, facts),
        Deed::Run(run) => {
            calls::call(op, run, stage == Stage::Install, facts);
            if stage == Stage::Use {
                starts::start(op, run, facts);
                starts::foreign(op, run, facts);
            }
        }
        Deed::Source(_) | Deed::Listens { .. } => {}
    }
}

/// Variables that say nothing of the application: the shell's own, and those of a person who works at a
/// terminal.
const COMMON: &[&str] = &[
    "_",
    "BASH_ENV",
    "EDITOR",
    "HOSTNAME",
    "IFS",
    "INPUTRC",
    "LANG",
    "LANGUAGE",
    "LESS",
    "LESSCLOSE",
    "LESSKEY",
    "LESSOPEN",
    "LS_COLORS",
    "LS_OPTIONS",
    "MAIL",
    "OLDPWD",
    "PAGER",
    "PROFILEREAD",
    "PS1",
    "PS2",
    "PWD",
    "SHELL",
    "SHLVL",
    "TERM",
    "TMOUT",
    "VISUAL",
    "XDG_CONFIG_DIRS",
    "XDG_DATA_DIRS",
];

/// Whether a variable says nothing of the application.
fn is_common(name: &str) -> bool {
    COMMON.contains(&name) || name.starts_with("LC_") || name.starts_with("HIST")
}

fn set(op: &Op, name: &str, value: &[u8], exported: bool, stage: Stage, facts: &mut Facts<'_>) {
    // A search path of which a part is not known is told with what it leads to.
    let is_open_path = name == "PATH" && value.contains(&b'*');
    if is_common(name) || op.undoes() || is_open_path {
        return;
    }
    let secret = options::is_secret(name);
    if stage == Stage::Use && secret && options::is_literal_secret(value) {
        let what = What::Secret {
            kind: "password".to_owned(),
            key: Some(name.to_owned()),
        };
        facts.add(op.line, certainty_of(op), what);
    }
    if secret {
        return;
    }
    if name == "LD_LIBRARY_PATH" {
        search_path(op, value, facts);
    }
    if exported && stage == Stage::Use && name != "LD_LIBRARY_PATH" {
        let known = !value.contains(&b'*') && !options::holds_secret(value);
        let what = What::Env {
            name: name.to_owned(),
            value: known.then(|| String::from_utf8_lossy(value).into_owned()),
        };
        facts.add(op.line, certainty_of(op), what);
    }
    if value.contains(&b' ') || value.starts_with(b"-") {
        let words: Vec<Vec<u8>> = value
            .split(|byte| *byte == b' ')
            .filter(|word| !word.is_empty())
            .map(<[u8]>::to_vec)
            .collect();
        options::paths(op, &words, None, facts);
    } else if name != "PATH"
        && !value.contains(&b':')
        && let Some(path) = known_path(value)
    {
        facts.names(op, name, path);
    }
}

/// `LD_LIBRARY_PATH`: its known elements. An unknown one is mostly the variable's old value.
fn search_path(op: &Op, value: &[u8], facts: &mut Facts<'_>) {
    let elements: Vec<_> = value
        .split(|byte| *byte == b':')
        .filter(|element| element.starts_with(b"/") && !element.contains(&b'*'))
        .map(|element| AppPath::new(element).to_text().into_owned())
        .collect();
    if !elements.is_empty() {
        let what = What::SearchPath {
            tag: "ld-library-path".to_owned(),
            value: elements.join(":"),
        };
        facts.add(op.line, certainty_of(op), what);
    }
}

/// The comments at the head of a Red Hat init script that chkconfig(8) and the distribution's
/// `sysvinitfiles` define: `# pidfile:`, `# config:`.
fn header(text: &[u8], facts: &mut Facts<'_>) {
    let lines = text.split(|byte| *byte == b'\n').take(60);
    for (line, number) in lines.zip(1_u32..) {
        let Some(comment) = line.strip_prefix(b"#") else {
            continue;
        };
        let comment = comment.trim_ascii();
        for (tag, touch) in [("pidfile:", Touch::Writes), ("config:", Touch::Reads)] {
            let path = comment
                .strip_prefix(tag.as_bytes())
                .and_then(|value| known_path(value.trim_ascii()));
            if let Some(path) = path {
                let found = Named {
                    touch,
                    source: Source::Init,
                    by: tag.trim_end_matches(':'),
                    kind: None,
                    class: None,
                };
                facts.named(number, Certainty::Declared, path, found);
            }
        }
    }
}

#[cfg(test)]
mod tests;
