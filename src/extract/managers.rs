//! The tables of process managers: the files that they name, and which manager reads them. What they start is
//! known where their directory is, and its variables.

use crate::fact::{
    Certainty, Class, Given, Kind, Locus, MANAGED_BY, Source, StartKind, Touch, What,
};
use crate::parse::manager::{self, Command, Form, Managed};
use crate::parse::mask::mask;
use crate::path::AppPath;

use super::argument::template;
use super::start::{self, Start};
use super::{Extractor, Input, Named, Out, environment, place, withhold};

/// Reads the tables of pm2, foreman, god, eye, circus and monit.
pub const EXTRACTOR: Extractor = Extractor {
    name: "managers",
    wants,
    run,
};

fn wants(input: &Input<'_>) -> bool {
    let name = input.path.name();
    let is_kept = name == b".monitrc" || !place::is_leftover(input.path);
    is_kept && input.is_text() && form(input).is_some()
}

fn form(input: &Input<'_>) -> Option<Form> {
    manager::form(input.path.as_bytes(), input.head)
}

fn run(input: &Input<'_>, out: &mut Out) {
    let Some(form) = form(input) else { return };
    let text = place::text(input, place::LIMIT, out);
    let found = manager::read(form, text, input.path.as_bytes());
    if found.is_empty() {
        return;
    }
    let what = What::Directive {
        key: MANAGED_BY.to_owned(),
        value: form.name().to_owned(),
    };
    out.fact(Locus::file(input.path), Certainty::Observed, what);
    for managed in &found {
        facts(managed, form, input, out);
    }
}

/// The directory in which a program of the table `file` is started.
#[must_use]
pub fn directory(managed: &Managed, form: Form, file: &AppPath) -> AppPath {
    let here = file.parent().filter(|_| form.is_beside());
    let here = here.unwrap_or_else(AppPath::root);
    match &managed.directory {
        Some(dir) => here.join(dir),
        None => here,
    }
}

fn facts(managed: &Managed, form: Form, input: &Input<'_>, out: &mut Out) {
    let at = Locus::line(input.path, managed.line);
    let dir = directory(managed, form, input.path);
    for (by, file) in &managed.files {
        let is_pid = by.contains("pid");
        // A home is that of whoever starts the manager.
        let path = template(dir.join(file).as_bytes()).filter(|_| !file.starts_with(b"~"));
        if let Some(path) = path.filter(|path| !path.is_pattern()) {
            let named = Named {
                touch: Touch::Writes,
                source: Source::Config,
                by,
                kind: Some(Kind::File),
                class: Some(if is_pid { Class::Runtime } else { Class::Log }),
            };
            out.path(at.clone(), Certainty::Declared, path, named);
        }
    }
    let text = |value: &Option<Vec<u8>>| {
        let value = value.as_ref().filter(|value| !value.contains(&b'*'));
        value.map(|value| withhold::word(value))
    };
    if let Some(user) = text(&managed.user) {
        let group = text(&managed.group);
        out.fact(
            at.clone(),
            Certainty::Declared,
            What::RunsAs { user, group },
        );
    }
    for (name, value) in managed
        .env
        .iter()
        .filter(|(_, value)| !value.contains(&b'*'))
    {
        environment::set(name, value, &at, Certainty::Declared, out);
    }
    let (program, args): (&[u8], Vec<Vec<u8>>) = match &managed.command {
        Command::Words(words) => match words.split_first() {
            Some((program, args)) => (program, args.to_vec()),
            None => return,
        },
        Command::Shell(line) => (b"/bin/sh", vec![b"-c".to_vec(), line.clone()]),
    };
    let start = Start {
        program,
        args: &args,
        how: StartKind::Supervisor,
        name: &managed.name,
        forks: managed.leaves,
        source: Source::Config,
        given: given(managed, &dir),
    };
    start::facts(&start, &at, out);
}

/// What a table gives to a program that it starts in `dir`.
pub fn given(managed: &Managed, dir: &AppPath) -> Given {
    let text = |value: &Option<Vec<u8>>| {
        let value = value.as_ref().filter(|value| !value.contains(&b'*'));
        value.map(|value| withhold::word(value))
    };
    let env = managed.env.iter().map(|(name, value)| {
        let is_known = !withhold::must_withhold(name, value) && !value.contains(&b'*');
        (name.clone(), is_known.then(|| withhold::word(value)))
    });
    Given {
        user: text(&managed.user),
        group: text(&managed.group),
        directory: Some(dir.clone()).filter(|dir| !dir.is_root() && !dir.is_pattern()),
        env: env.collect(),
        umask: managed
            .umask
            .as_deref()
            .and_then(|text| mask(text.as_bytes())),
        count: managed.count.filter(|count| *count > 1),
        stop_signal: managed.stop_signal.clone(),
        stop_time: managed.stop_time.clone(),
    }
}
