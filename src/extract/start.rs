//! One fact for a program that something starts, with the paths and secrets of its command line.

use crate::fact::{Certainty, Given, Kind, Locus, Source, StartKind, Touch, What};

use super::program::{main_program, program_path};
use super::shell_line::{self, Place};
use super::{Named, Out, environment, withhold};

/// A command line that something starts.
#[derive(Clone, Debug)]
pub struct Start<'a> {
    /// The program as written.
    pub program: &'a [u8],
    /// Its arguments.
    pub args: &'a [Vec<u8>],
    /// Who starts it.
    pub how: StartKind,
    /// The unit, job or table entry.
    pub name: &'a str,
    /// Whether it goes into the background by itself.
    pub forks: Option<bool>,
    /// The kind of source, for what `sh -c` and file commands do.
    pub source: Source,
    /// What this process alone is given.
    pub given: Given,
}

/// Adds the facts of a start. A program without a directory is guessed to be in `/usr/bin`.
pub fn facts(start: &Start<'_>, at: &Locus, out: &mut Out) {
    if let Some(inner) = behind_env(start) {
        let set = inner.given.env.iter();
        for (name, value) in set.filter(|(name, _)| !start.given.env.contains_key(*name)) {
            let what = What::Env {
                name: name.clone(),
                value: value.clone(),
            };
            out.fact(at.clone(), Certainty::Declared, what);
        }
        return facts(&inner, at, out);
    }
    let Some((program, is_written)) = program_path(start.program) else {
        return;
    };
    let (args, secrets) = withhold::args(start.program, start.args);
    for name in &secrets {
        environment::secret(name, at, out);
    }
    let what = What::Starts {
        program,
        args,
        how: start.how,
        name: start.name.to_owned(),
        forks: start.forks,
        given: start.given.clone().told(),
    };
    let certainty = if is_written {
        Certainty::Declared
    } else {
        Certainty::Guessed
    };
    out.fact(at.clone(), certainty, what);
    if let Some(script) = shell_line::inner_script(start.program, start.args) {
        let place = Place {
            file: &at.file,
            line: at.line.unwrap_or(1),
            source: start.source,
        };
        for simple in shell_line::facts(script, place, out) {
            if let Some((program, _)) = main_program(&simple) {
                runs(program, start.source, at, out);
            }
        }
    } else {
        shell_line::command(start.program, start.args, (at, start.source), out);
        drops_to(start.program, start.args, at, out);
    }
}

/// What `env NAME=value PROGRAM` starts (env(1)); nothing when an option changes more than that.
fn behind_env<'a>(start: &Start<'a>) -> Option<Start<'a>> {
    if !matches!(start.program, b"env" | b"/usr/bin/env" | b"/bin/env") {
        return None;
    }
    let set = start.args.iter().take_while(|word| {
        let name = word.split(|byte| *byte == b'=').next().unwrap_or_default();
        let fits = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
        word.contains(&b'=') && !name.is_empty() && name.iter().all(fits)
    });
    let count = set.count();
    let (set, rest) = start.args.split_at(count);
    let (program, args) = rest
        .split_first()
        .filter(|(word, _)| !word.starts_with(b"-"))?;
    let mut given = start.given.clone();
    for word in set {
        let (name, value) = word.split_at(word.iter().position(|byte| *byte == b'=')?);
        let name = withhold::word(name);
        let value = value.get(1..).unwrap_or_default();
        let hidden = withhold::must_withhold(&name, value);
        let value = (!hidden).then(|| withhold::word(value));
        given.env.insert(name, value);
    }
    Some(Start {
        program,
        args,
        given,
        ..start.clone()
    })
}

/// `--user NAME`, `-u NAME`: many daemons drop to that user themselves; it may mean another thing.
pub(super) fn drops_to(program: &[u8], args: &[Vec<u8>], at: &Locus, out: &mut Out) {
    const OPTIONS: [&str; 5] = ["-u", "--user", "--username", "--chuid", "--run-as"];
    let is_account = |word: &[u8]| {
        let fits = |b: &u8| b.is_ascii_alphanumeric() || b"_-".contains(b);
        word.first().is_some_and(u8::is_ascii_alphabetic) && word.iter().all(fits)
    };
    // There `--user` has no value.
    if [&b"systemctl"[..], b"journalctl", b"loginctl"]
        .iter()
        .any(|tool| program.ends_with(tool))
    {
        return;
    }
    for (place, arg) in args.iter().enumerate() {
        let named = OPTIONS.iter().find_map(|option| {
            let rest = arg.strip_prefix(option.as_bytes())?;
            match rest.strip_prefix(b"=") {
                Some(value) => Some(value),
                None if rest.is_empty() => args.get(place + 1).map(Vec::as_slice),
                None => None,
            }
        });
        if let Some(user) = named.filter(|user| is_account(user)) {
            let what = What::RunsAs {
                user: withhold::word(user),
                group: None,
            };
            out.fact(at.clone(), Certainty::Guessed, what);
        }
    }
}

/// The program that a shell starts in turn.
fn runs(program: &[u8], source: Source, at: &Locus, out: &mut Out) {
    if let Some((path, true)) = program_path(program) {
        let named = Named {
            touch: Touch::Runs,
            source,
            by: "sh -c",
            kind: Some(Kind::File),
            class: None,
        };
        out.path(at.clone(), Certainty::Inferred, path, named);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::path::AppPath;

    fn show(program: &str, args: &[&str]) -> Vec<String> {
        let args: Vec<Vec<u8>> = args.iter().map(|a| a.as_bytes().to_vec()).collect();
        let start = Start {
            program: program.as_bytes(),
            args: &args,
            how: StartKind::Unit,
            name: "a.service",
            forks: None,
            source: Source::Unit,
            given: Given::default(),
        };
        let mut out = Out::default();
        facts(&start, &Locus::line(&AppPath::new("/u"), 3), &mut out);
        out.facts
            .iter()
            .map(|fact| match &fact.what {
                What::Starts { program, args, .. } => {
                    format!("{program} {} {:?}", args.join(" "), fact.certainty)
                }
                What::Path {
                    path,
                    by,
                    touch,
                    source,
                    ..
                } => format!("{by} {touch:?} {path} {source:?}"),
                What::Secret { kind, .. } => format!("secret {kind}"),
                other => format!("{other:?}"),
            })
            .collect()
    }

    #[test]
    fn a_shells_script_is_looked_into() {
        assert_eq!(
            show(
                "/bin/sh",
                &["-ec", "mkdir -p /run/x; exec /opt/x -f > /var/log/x"]
            ),
            [
                "/bin/sh -ec mkdir -p /run/x; exec /opt/x -f > /var/log/x Declared",
                "mkdir Creates /run/x Unit",
                "redirect Writes /var/log/x Unit",
                "argument Names /opt/x Argument",
                "sh -c Runs /opt/x Unit"
            ]
        );
    }

    #[test]
    fn a_user_on_the_command_line_is_a_guess() {
        let found = show("/opt/d", &["-u", "app", "--user=9x"]);
        assert_eq!(found.len(), 2);
        assert!(found[1].starts_with("RunsAs { user: \"app\""), "{found:?}");
    }

    #[test]
    fn secrets_do_not_show_and_bare_names_are_guesses() {
        assert_eq!(
            show("prog", &["--token=hunter2"]),
            ["secret token", "/usr/bin/prog --token={withheld} Guessed"]
        );
    }
}
