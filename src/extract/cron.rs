//! Cron: jobs of tables, and the scripts that run-parts starts.

use std::borrow::Cow;

use crate::fact::{Certainty, IssueKind, Locus, Source, StartKind, What};
use crate::parse::budget::CRONTAB;
use crate::parse::crontab::{Crontab, Form, Job, parse};
use crate::parse::line::text;
use crate::path::AppPath;

use super::program::{main_program, program_path};
use super::shell_line::{self, Place};
use super::{Extractor, Input, Out, environment, place, withhold};

/// Reads cron tables and knows the scripts of `/etc/cron.daily` and its like.
pub const EXTRACTOR: Extractor = Extractor {
    name: "cron",
    wants,
    run,
};

/// Directories whose scripts run-parts starts.
const PERIODS: [&[u8]; 4] = [
    b"cron.hourly",
    b"cron.daily",
    b"cron.weekly",
    b"cron.monthly",
];

fn period(input: &Input<'_>) -> Option<&'static [u8]> {
    PERIODS
        .into_iter()
        .find(|dir| place::is_in(input.path, dir))
}

/// The form of the table that `input` is; nothing when it is none.
fn form(input: &Input<'_>) -> Option<Form> {
    if let Some(form) = form_of(input.path) {
        return Some(form);
    }
    // A product's own: with a user column when the sixth is a bare word before a path.
    let name = input.path.name();
    let shipped = name == b"crontab" || name.ends_with(b".cron") || name.ends_with(b".crontab");
    shipped.then(|| shipped_form(input))
}

/// The form of a table that cron reads, from its place (cron(8), anacron(8)).
#[must_use]
pub fn form_of(path: &AppPath) -> Option<Form> {
    if place::is(path, "/etc/anacrontab") {
        return Some(Form::Anacron);
    }
    if place::is(path, "/etc/crontab") || place::is_in(path, b"cron.d") {
        return Some(Form::System);
    }
    let of_users = [
        &b"/var/spool/cron/"[..],
        b"/var/cron/tabs/",
        b"/etc/crontabs/",
    ];
    let is_table = of_users.iter().any(|dir| path.as_bytes().starts_with(dir))
        && !path.as_bytes().starts_with(b"/var/spool/cron/at");
    is_table.then_some(Form::User)
}

/// A table in a product's tree says by its jobs whether it has a user column.
fn shipped_form(input: &Input<'_>) -> Form {
    let table = parse(input.head, Form::System);
    let is_user = |job: &Job| {
        let user = job.user.as_deref().unwrap_or_default();
        let fits = |c: char| c.is_ascii_alphanumeric() || "_-.$".contains(c);
        user.chars().all(fits)
    };
    if !table.jobs.is_empty() && table.odd.is_empty() && table.jobs.iter().all(is_user) {
        Form::System
    } else {
        Form::User
    }
}

fn wants(input: &Input<'_>) -> bool {
    if place::is_leftover(input.path) {
        return false;
    }
    let is_table = || input.interpreter().is_none() && input.is_text() && form(input).is_some();
    period(input).is_some() || is_table()
}

fn run(input: &Input<'_>, out: &mut Out) {
    if let Some(dir) = period(input) {
        script(input, dir, out);
    } else if let Some(form) = form(input) {
        let text = place::text(input, place::LIMIT, out);
        let mut found = parse(text, form);
        let most = usize::try_from(CRONTAB.steps).unwrap_or(usize::MAX);
        if found.jobs.len() > most {
            let message = format!(
                "only the first {most} of {} entries of this table were read",
                found.jobs.len()
            );
            out.issue(Locus::file(input.path), IssueKind::LimitReached, message);
            found.jobs.truncate(most);
        }
        table(&found, form, input, out);
    }
}

/// `cron.daily/app`, `crontabs/app`: the last two parts of the path.
#[must_use]
pub fn name_of(path: &AppPath) -> String {
    let depth = path.depth().saturating_sub(2);
    let below = path.below(&path.prefix(depth));
    withhold::word(below.unwrap_or(path.as_bytes()))
}

fn name(input: &Input<'_>) -> String {
    name_of(input.path)
}

fn script(input: &Input<'_>, dir: &[u8], out: &mut Out) {
    let at = Locus::file(input.path);
    let what = What::Starts {
        program: input.path.clone(),
        args: Vec::new(),
        how: StartKind::Cron,
        name: name(input),
        forks: None,
        given: None,
    };
    out.fact(at.clone(), Certainty::Declared, what);
    runs_as("root", &at, out);
    let when = text(dir.strip_prefix(b"cron.").unwrap_or(dir));
    schedule(format!("@{when}"), at, out);
}

fn table(table: &Crontab, form: Form, input: &Input<'_>, out: &mut Out) {
    for variable in &table.env {
        let at = Locus::line(input.path, variable.line);
        environment::set(
            &variable.name,
            &variable.value,
            &at,
            Certainty::Declared,
            out,
        );
        if variable.name == "MAILTO" && !variable.value.is_empty() {
            let what = What::Talks {
                service: "smtp".to_owned(),
                to: "local mail transport".to_owned(),
            };
            out.fact(at, Certainty::Inferred, what);
        }
    }
    for job in &table.jobs {
        let at = Locus::line(input.path, job.line);
        let user = match form {
            Form::System => job.user.clone().unwrap_or_default(),
            Form::Anacron => "root".to_owned(),
            Form::User => text(input.path.name()),
        };
        starts(job, input, out);
        // A table in a product's tree is somebody's, but not its file name's.
        if form != Form::User || input.path.as_bytes().starts_with(b"/var/") {
            runs_as(&user, &at, out);
        }
        schedule(job.schedule.clone(), at, out);
    }
}

/// A program that a job starts, and its arguments.
type Started<'a> = (Cow<'a, [u8]>, &'a [Vec<u8>]);

/// The programs of a job: those named by a path; else the first that is more than a test.
fn starts(job: &Job, input: &Input<'_>, out: &mut Out) {
    let place = Place {
        file: input.path,
        line: job.line,
        source: Source::Cron,
    };
    let commands = shell_line::facts(&job.command, place, out);
    let mut dir: Option<AppPath> = None;
    let mut main: Vec<Started<'_>> = Vec::new();
    for simple in &commands {
        if let [cd, to] = simple.words.as_slice()
            && cd == b"cd"
        {
            dir = AppPath::absolute(to);
        }
        let Some((program, args)) = main_program(simple) else {
            continue;
        };
        // `cd /opt/app && bin/job`
        let program = match &dir {
            Some(dir) if program.contains(&b'/') => dir.join(program).as_bytes().to_vec().into(),
            _ => Cow::Borrowed(program),
        };
        main.push((program, args));
    }
    let by_path = |(program, _): &Started<'_>| program.starts_with(b"/");
    let count = main.iter().filter(|start| by_path(start)).count();
    let chosen = main
        .iter()
        .filter(|start| count == 0 || by_path(start))
        .take(if count == 0 { 1 } else { usize::MAX });
    for (program, args) in chosen {
        let Some((path, is_written)) = program_path(program) else {
            continue;
        };
        let (args, secrets) = withhold::args(program, args);
        let at = Locus::line(input.path, job.line);
        for secret in &secrets {
            environment::secret(secret, &at, out);
        }
        let what = What::Starts {
            program: path,
            args,
            how: StartKind::Cron,
            name: name(input),
            forks: None,
            given: None,
        };
        let certainty = if is_written {
            Certainty::Declared
        } else {
            Certainty::Guessed
        };
        out.fact(at, certainty, what);
    }
}

fn runs_as(user: &str, at: &Locus, out: &mut Out) {
    let what = What::RunsAs {
        user: user.to_owned(),
        group: None,
    };
    out.fact(at.clone(), Certainty::Declared, what);
}

fn schedule(value: String, at: Locus, out: &mut Out) {
    let what = What::Directive {
        key: "schedule".to_owned(),
        value,
    };
    out.fact(at, Certainty::Declared, what);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::extract::testing::{run, stat};
    use crate::path::AppPath;

    #[test]
    fn a_system_table_starts_what_its_lines_are_for() {
        assert_eq!(
            run(
                &EXTRACTOR,
                "/etc/cron.d/app",
                "MAILTO=ops\n*/5 * * * * app [ -x /opt/a/run ] && nice /opt/a/run --token=hunter2 -c /etc/a.conf >> /var/log/a.log 2>&1\n@daily root cd /srv/a && backup\n"
            ),
            [
                "1 Env MAILTO=ops Declared",
                "1 Talks smtp local mail transport Inferred",
                "2 Path /opt/a/run Reads [ ? ? Inferred",
                "2 Path /var/log/a.log Writes redirect File ? Inferred",
                "2 Path /opt/a/run Names argument ? ? Inferred",
                "2 Path /etc/a.conf Names -c ? ? Inferred",
                "2 Secret token --token Inferred",
                "2 Starts /opt/a/run --token={withheld} -c /etc/a.conf Cron cron.d/app forks=? Declared",
                "2 RunsAs app - Declared",
                "2 Directive schedule=*/5 * * * * Declared",
                "3 Path /srv/a Names cd Dir ? Inferred",
                "3 Starts /usr/bin/backup Cron cron.d/app forks=? Guessed",
                "3 RunsAs root - Declared",
                "3 Directive schedule=@daily Declared",
            ]
        );
    }

    #[test]
    fn a_relative_program_lies_below_the_directory_that_was_entered() {
        let found = run(
            &EXTRACTOR,
            "/etc/cron.d/app",
            "30 2 1 * * app cd /opt/a && bin/close.pl -m\n",
        );
        let starts = "1 Starts /opt/a/bin/close.pl -m Cron cron.d/app forks=? Declared";
        assert!(found.contains(&starts.into()), "{found:#?}");
    }

    #[test]
    fn a_users_table_is_named_after_its_user() {
        let found = run(
            &EXTRACTOR,
            "/var/spool/cron/crontabs/app",
            "0 1 * * * su - other -c '/opt/b x'\n",
        );
        assert!(found.contains(&"1 RunsAs app - Declared".into()));
        assert!(found.contains(&"1 Starts /opt/b x Cron crontabs/app forks=? Declared".into()));
    }

    #[test]
    fn a_script_of_a_period_is_started_itself() {
        assert_eq!(
            run(&EXTRACTOR, "/etc/cron.daily/app", "#!/bin/sh\n"),
            [
                "- Starts /etc/cron.daily/app Cron cron.daily/app forks=? Declared",
                "- RunsAs root - Declared",
                "- Directive schedule=@daily Declared",
            ]
        );
    }

    #[test]
    fn a_shipped_table_shows_its_form_by_its_jobs() {
        let stat = stat(9);
        let form_of = |head: &[u8]| {
            let path = AppPath::new("/opt/a/etc/crontab");
            form(&Input::new(&path, &stat, head, &head.to_vec()))
        };
        assert_eq!(form_of(b"0 1 * * * app /opt/a/x\n"), Some(Form::System));
        assert_eq!(form_of(b"0 1 * * * /opt/a/x -y\n"), Some(Form::User));
    }
}
