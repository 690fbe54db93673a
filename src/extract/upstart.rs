//! Upstart jobs: how RHEL 6 and Ubuntu up to 14.10 start services.

use crate::fact::{Certainty, Kind, Locus, Need, Source, StartKind, Touch, What};
use crate::parse::command_line::assignment;
use crate::parse::line::{fields, text};
use crate::parse::unit::words;
use crate::parse::upstart::{Job, Process};

use super::argument::template;
use super::program::main_program;
use super::shell_line::{self, Place};
use super::start::{self, Start};
use super::{Extractor, Input, Named, Out, environment, place, withhold};

/// Reads init(5) of upstart.
pub const EXTRACTOR: Extractor = Extractor {
    name: "upstart",
    wants,
    run,
};

fn wants(input: &Input<'_>) -> bool {
    let name = input.path.name();
    let ending = name.ends_with(b".conf") || name.ends_with(b".override");
    let dir = input.path.parent();
    dir.is_some_and(|dir| place::is(&dir, "/etc/init")) && ending && input.is_text()
}

fn run(input: &Input<'_>, out: &mut Out) {
    let job = Job::parse(place::text(input, place::LIMIT, out));
    let name = text(input.path.name());
    let name = name
        .rsplit_once('.')
        .map_or(name.as_str(), |(stem, _)| stem);
    let forks = job.stanza("expect").map(|stanza| stanza.value != b"stop");
    for process in &job.processes {
        start(process, (name, forks), input, out);
    }
    for stanza in &job.stanzas {
        let at = Locus::line(input.path, stanza.line);
        stanza_facts(&stanza.name, &stanza.value, &at, out);
    }
    let value = |key| job.stanza(key).map(|stanza| withhold::word(&stanza.value));
    if let Some(stanza) = job.stanza("setuid") {
        let what = What::RunsAs {
            user: withhold::word(&stanza.value),
            group: value("setgid"),
        };
        out.fact(
            Locus::line(input.path, stanza.line),
            Certainty::Declared,
            what,
        );
    }
}

/// What is run: the main process bears the job's name, the others their phase after it.
fn start(process: &Process, (name, forks): (&str, Option<bool>), input: &Input<'_>, out: &mut Out) {
    let is_main = process.phase == "main";
    let name = if is_main {
        name.to_owned()
    } else {
        format!("{name} {}", process.phase)
    };
    let at = Locus::line(input.path, process.line);
    let place = Place {
        file: input.path,
        line: process.line,
        source: Source::Init,
    };
    // Of a script only what it starts in the end; upstart hands an exec line to a shell as well
    // when it holds anything a shell would expand.
    let mut quiet = Out::default();
    let commands = shell_line::facts(&process.text, place, &mut quiet);
    let last = commands
        .iter()
        .rev()
        .filter_map(|simple| main_program(simple))
        .find(|(program, _)| program.starts_with(b"/") || !process.is_script);
    if process.is_script || last.is_none() {
        out.facts.append(&mut quiet.facts);
    }
    if let (Some((program, args)), true) = (last, is_main || !process.is_script) {
        let start = Start {
            program,
            args,
            how: StartKind::Init,
            name: &name,
            forks: forks.filter(|_| is_main),
            source: Source::Init,
            given: crate::fact::Given::default(),
        };
        start::facts(&start, &at, out);
    }
    for (name, value) in commands.iter().flat_map(|simple| &simple.env) {
        environment::set(&text(name), value, &at, Certainty::Inferred, out);
    }
}

fn stanza_facts(name: &str, value: &[u8], at: &Locus, out: &mut Out) {
    match name {
        "env" => {
            let words = words(value);
            if let Some((name, value)) = words.first().and_then(|word| assignment(word)) {
                environment::set(&text(name), value, at, Certainty::Declared, out);
            }
        }
        "chdir" | "chroot" => {
            if let Some(path) = template(value) {
                let named = Named {
                    touch: Touch::Names,
                    source: Source::Init,
                    by: name,
                    kind: Some(Kind::Dir),
                    class: None,
                };
                out.path(at.clone(), Certainty::Declared, path, named);
            }
        }
        "limit" => {
            let item = fields(value).next().map(text).unwrap_or_default();
            let what = What::Needs {
                need: Need::Limit,
                name: item,
            };
            out.fact(at.clone(), Certainty::Declared, what);
            directive(name, value, at, out);
        }
        "respawn" | "expect" | "kill" | "nice" | "oom" | "umask" | "start" | "stop" | "console"
        | "instance" | "reload" => {
            directive(name, value, at, out);
        }
        _ => {}
    }
}

fn directive(key: &str, value: &[u8], at: &Locus, out: &mut Out) {
    let what = What::Directive {
        key: key.to_owned(),
        value: withhold::word(value),
    };
    out.fact(at.clone(), Certainty::Declared, what);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::extract::testing::run;

    #[test]
    fn a_job_with_preparation_user_and_limits() {
        assert_eq!(
            run(
                &EXTRACTOR,
                "/etc/init/app.conf",
                "start on runlevel [2345]\nexpect daemon\nsetuid app\nsetgid grp\nenv HOME=/srv/app\nlimit nofile 1024 2048\nchdir /srv/app\npre-start script\n  mkdir -p /run/app\n  chown app /run/app\nend script\nexec /opt/app/d -c /etc/app.conf\n"
            ),
            [
                "9 Path /run/app Creates mkdir Dir ? Inferred",
                "10 Path /run/app Grants chown ? ? Inferred",
                "10 Owned /run/app app - - Inferred",
                "12 Starts /opt/app/d -c /etc/app.conf Init app forks=true Declared",
                "12 Path /etc/app.conf Names -c ? ? Inferred",
                "1 Directive start=on runlevel [2345] Declared",
                "2 Directive expect=daemon Declared",
                "5 Env HOME=/srv/app Declared",
                "5 Path /srv/app Names HOME ? ? Inferred",
                "6 Needs Limit nofile Declared",
                "6 Directive limit=nofile 1024 2048 Declared",
                "7 Path /srv/app Names chdir Dir ? Declared",
                "3 RunsAs app grp Declared",
            ]
        );
    }

    #[test]
    fn a_main_script_starts_its_last_program() {
        let found = run(
            &EXTRACTOR,
            "/etc/init/app.conf",
            "script\n  . /etc/default/app\n  exec start-stop-daemon --start -c app --exec /opt/app/d\nend script\n",
        );
        assert_eq!(found[0], "2 Path /etc/default/app Reads . File ? Inferred");
        assert!(
            found
                .iter()
                .any(|fact| fact.starts_with("3 Path /opt/app/d Names --exec")),
            "{found:?}"
        );
    }
}
