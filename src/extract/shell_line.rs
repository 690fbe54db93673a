//! Facts from short shell text: a cron job, `sh -c` in a unit, a script in logrotate's
//! configuration; and from single commands that work on files.

use crate::fact::{Certainty, Class, Kind, Locus, Need, Source, Touch, What};
use crate::parse::command_line::{Simple, simple_commands};
use crate::parse::line::text;
use crate::path::AppPath;

use super::argument::{self, is_everywhere, template};
use super::{Named, Out, calls};

/// How deep scripts within scripts (`su -c "sh -c …"`) are looked into.
const MAX_NESTED: usize = 2;

/// Where a piece of shell text stands.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// The file.
    pub file: &'a AppPath,
    /// The line of the text's first line.
    pub line: u32,
    /// The kind of source.
    pub source: Source,
}

impl Place<'_> {
    /// The place `offset` lines further.
    #[must_use]
    pub fn at(&self, offset: u32) -> Locus {
        Locus::line(self.file, self.line.saturating_add(offset))
    }
}

/// Adds the facts of every command in `script` and returns the commands, those that a shell in it
/// is given with `-c` among them.
pub fn facts(script: &[u8], place: Place<'_>, out: &mut Out) -> Vec<Simple> {
    let mut commands = simple_commands(script);
    let mut seen = 0;
    for _ in 0..MAX_NESTED {
        let fresh = commands.get(seen..).unwrap_or_default();
        let nested: Vec<Simple> = fresh.iter().flat_map(inner_commands).collect();
        seen = commands.len();
        commands.extend(nested);
    }
    for simple in &commands {
        let at = place.at(simple.line);
        for redirect in &simple.redirects {
            let touch = if redirect.writes {
                Touch::Writes
            } else {
                Touch::Reads
            };
            add(
                &redirect.target,
                touch,
                "redirect",
                Some(Kind::File),
                (&at, place.source),
                out,
            );
        }
        if let Some((program, args)) = simple.words.split_first() {
            command(program, args, (&at, place.source), out);
        }
    }
    commands
}

/// The commands of the script that `simple` gives to a shell, all on its own line.
fn inner_commands(simple: &Simple) -> Vec<Simple> {
    let script = simple
        .words
        .split_first()
        .and_then(|(program, args)| inner_script(program, args));
    let mut found = script.map(simple_commands).unwrap_or_default();
    for inner in &mut found {
        inner.line = simple.line;
    }
    found
}

/// The script in `sh -c SCRIPT` or `su USER -c SCRIPT`, with further flags joined as in `-ec`.
#[must_use]
pub fn inner_script<'a>(program: &[u8], args: &'a [Vec<u8>]) -> Option<&'a [u8]> {
    const SHELLS: [&[u8]; 8] = [
        b"sh", b"bash", b"dash", b"ksh", b"zsh", b"ash", b"su", b"runuser",
    ];
    let name = program.rsplit(|&b| b == b'/').next()?;
    let at = args.iter().position(|arg| {
        let short = arg.len() > 1 && arg[0] == b'-' && arg[1] != b'-';
        (short && arg.last() == Some(&b'c')) || arg == b"--command"
    })?;
    let script = args.get(at + 1)?;
    SHELLS.contains(&name).then_some(script.as_slice())
}

/// Adds the facts of one command: what it does to files when it is known for that, else the paths
/// among its arguments; and the call itself when it matters for a migration.
pub fn command(program: &[u8], args: &[Vec<u8>], at: (&Locus, Source), out: &mut Out) {
    let name = program.rsplit(|&b| b == b'/').next().unwrap_or(program);
    for what in calls::facts(program, args, false) {
        // A table of the host has the host's own services about it.
        let is_host = matches!(
            what,
            What::Needs {
                need: Need::HostService,
                ..
            }
        );
        if is_host {
            continue;
        }
        out.fact(at.0.clone(), Certainty::Inferred, what);
    }
    pid_file(name, args, at.0, out);
    let done = file_command(name, args);
    if done.is_empty() {
        argument::facts(args, at.0, out);
        return;
    }
    let by = text(name);
    for (touch, kind, word) in done {
        add(word, touch, &by, kind, at, out);
    }
    rights(name, args, at.0, out);
}

/// Whose a path becomes, and with which rights: `install -d -o USER -g GROUP -m MODE DIR`, `mkdir -m MODE DIR`,
/// `chown USER:GROUP PATH`, `chmod MODE PATH` (their own manuals).
fn rights(name: &[u8], args: &[Vec<u8>], at: &Locus, out: &mut Out) {
    let value = |letter: u8, long: &[u8]| {
        let mut words = args.iter();
        while let Some(word) = words.next() {
            if let Some(rest) = word.strip_prefix(long) {
                return match rest.strip_prefix(b"=") {
                    Some(value) => Some(value.to_vec()),
                    None => words.next().cloned(),
                };
            }
            let is_short = word.starts_with(b"-") && !word.starts_with(b"--");
            let place = word.iter().position(|byte| *byte == letter);
            if let Some(place) = place.filter(|_| is_short) {
                let joined = &word[place + 1..];
                return match joined.is_empty() {
                    true => words.next().cloned(),
                    false => Some(joined.to_vec()),
                };
            }
        }
        None
    };
    let makes_dirs = args.iter().any(|word| {
        word == b"--directory"
            || word.starts_with(b"-") && !word.starts_with(b"--") && word.contains(&b'd')
    });
    let files;
    let (user, group, mode) = match name {
        b"install" if makes_dirs => {
            files = operands(args, b"omgtS");
            (
                value(b'o', b"--owner"),
                value(b'g', b"--group"),
                value(b'm', b"--mode"),
            )
        }
        b"mkdir" => {
            files = operands(args, b"mZ");
            (None, None, value(b'm', b"--mode"))
        }
        b"chown" | b"chmod" => {
            let all = operands(args, b"");
            let Some((what, rest)) = all.split_first() else {
                return;
            };
            files = rest.to_vec();
            if name == b"chmod" {
                (None, None, Some(what.to_vec()))
            } else {
                let mut parts = what.splitn(2, |byte| matches!(byte, b':' | b'.'));
                let part =
                    |part: Option<&[u8]>| part.filter(|part| !part.is_empty()).map(<[u8]>::to_vec);
                (part(parts.next()), part(parts.next()), None)
            }
        }
        _ => return,
    };
    let known = |word: Option<Vec<u8>>| {
        let fits = |byte: &u8| byte.is_ascii_alphanumeric() || b"_-".contains(byte);
        word.filter(|word| !word.is_empty() && word.iter().all(fits))
            .map(|word| text(&word))
    };
    let octal =
        |mode: &String| mode.len() <= 5 && mode.bytes().all(|byte| (b'0'..=b'7').contains(&byte));
    let (user, group) = (known(user), known(group));
    let mode = known(mode)
        .filter(octal)
        .map(|mode| format!("{:0>4}", mode.trim_start_matches('0')));
    if user.is_none() && group.is_none() && mode.is_none() {
        return;
    }
    for path in files.into_iter().filter_map(template) {
        let what = What::Owned {
            path,
            user: user.clone(),
            group: group.clone(),
            mode: mode.clone(),
        };
        out.fact(at.clone(), Certainty::Inferred, what);
    }
}

fn add(
    word: &[u8],
    touch: Touch,
    by: &str,
    kind: Option<Kind>,
    (at, source): (&Locus, Source),
    out: &mut Out,
) {
    let Some(path) = template(word).filter(|path| !is_everywhere(path)) else {
        return;
    };
    let named = Named {
        touch,
        source,
        by,
        kind,
        class: None,
    };
    out.path(at.clone(), Certainty::Inferred, path, named);
}

type Done<'a> = (Touch, Option<Kind>, &'a [u8]);

/// What a command does to the files among its arguments; nothing for commands that are not known
/// for it. Options that take a value are told by their tool's manual.
fn file_command<'a>(name: &[u8], args: &'a [Vec<u8>]) -> Vec<Done<'a>> {
    let valued: &[u8] = match name {
        b"install" => b"omgtS",
        b"chown" | b"chmod" | b"touch" | b"tee" | b"rm" | b"rmdir" => b"",
        b"mkdir" | b"mkfifo" | b"mknod" => b"mZ",
        b"cp" | b"mv" | b"ln" => b"tS",
        b"setfacl" => b"mxMX",
        b"truncate" => b"sr",
        _ => b"",
    };
    let flag = |letter: u8| {
        args.iter()
            .any(|arg| arg.len() > 1 && arg[0] == b'-' && arg[1] != b'-' && arg.contains(&letter))
    };
    let long = |option: &[u8]| args.iter().any(|arg| arg == option);
    let files = operands(args, valued);
    let each = |touch, kind| files.iter().map(|file| (touch, kind, *file)).collect();
    let skip_first = |touch| {
        files
            .iter()
            .skip(1)
            .map(|file| (touch, None, *file))
            .collect()
    };
    match name {
        b"mkdir" => each(Touch::Creates, Some(Kind::Dir)),
        b"install" if flag(b'd') || long(b"--directory") => each(Touch::Creates, Some(Kind::Dir)),
        b"install" | b"cp" => to_last(&files, Touch::Reads, Touch::Writes, None),
        b"mv" => to_last(&files, Touch::Removes, Touch::Writes, None),
        b"ln" => to_last(&files, Touch::Names, Touch::Creates, Some(Kind::Link)),
        b"touch" => each(Touch::Creates, Some(Kind::File)),
        b"tee" | b"truncate" => each(Touch::Writes, Some(Kind::File)),
        b"rm" | b"unlink" => each(Touch::Removes, None),
        b"rmdir" => each(Touch::Removes, Some(Kind::Dir)),
        b"mkfifo" => each(Touch::Creates, Some(Kind::Fifo)),
        b"chown" | b"chmod" | b"chgrp" => skip_first(Touch::Grants),
        b"setfacl" => each(Touch::Grants, None),
        b"cd" => each(Touch::Names, Some(Kind::Dir)),
        b"run-parts" => each(Touch::Reads, Some(Kind::Dir)),
        b"." | b"source" => files
            .iter()
            .take(1)
            .map(|file| (Touch::Reads, Some(Kind::File), *file))
            .collect(),
        b"test" | b"[" | b"[[" | b"cat" | b"head" | b"tail" | b"grep" | b"egrep" | b"zcat" => {
            each(Touch::Reads, None)
        }
        b"sed" if flag(b'i') || long(b"--in-place") => skip_first(Touch::Writes),
        b"find" if long(b"-delete") || long(b"rm") || long(b"/bin/rm") => {
            let places = args.iter().take_while(|arg| !arg.starts_with(b"-"));
            places
                .map(|dir| (Touch::Removes, Some(Kind::Dir), dir.as_slice()))
                .collect()
        }
        _ => Vec::new(),
    }
}

/// The arguments that are no options; `valued` are the letters of short options with a value.
fn operands<'a>(args: &'a [Vec<u8>], valued: &[u8]) -> Vec<&'a [u8]> {
    let mut found = Vec::new();
    let mut skip = false;
    let mut only_files = false;
    for arg in args {
        if std::mem::take(&mut skip) {
            continue;
        }
        if only_files || !arg.starts_with(b"-") || arg.len() == 1 {
            found.push(arg.as_slice());
        } else if arg == b"--" {
            only_files = true;
        } else if !arg.starts_with(b"--") {
            skip = arg.last().is_some_and(|letter| valued.contains(letter));
        }
    }
    found
}

fn to_last<'a>(files: &[&'a [u8]], first: Touch, last: Touch, kind: Option<Kind>) -> Vec<Done<'a>> {
    let Some((target, sources)) = files.split_last() else {
        return Vec::new();
    };
    let mut done: Vec<Done<'a>> = sources.iter().map(|file| (first, None, *file)).collect();
    done.push((last, kind, *target));
    done
}

/// `kill $(cat /run/x.pid)`: the file is a PID file.
fn pid_file(name: &[u8], args: &[Vec<u8>], at: &Locus, out: &mut Out) {
    let options: [&[u8]; 2] = [b"-F", b"--pidfile"];
    let of_pkill = args
        .windows(2)
        .filter(|pair| name == b"pkill" && options.contains(&pair[0].as_slice()))
        .map(|pair| pair[1].as_slice());
    // The first command is the substitution as a word, those after it are its inside.
    let inner: Vec<Simple> = args
        .iter()
        .filter(|arg| name == b"kill" && (arg.starts_with(b"$(") || arg.starts_with(b"`")))
        .flat_map(|arg| simple_commands(arg).into_iter().skip(1))
        .collect();
    let read = inner.iter().flat_map(|simple| {
        let redirects = simple.redirects.iter().map(|r| r.target.as_slice());
        simple.words.iter().map(Vec::as_slice).chain(redirects)
    });
    for path in of_pkill.chain(read).filter_map(template) {
        let named = Named {
            touch: Touch::Reads,
            source: Source::Argument,
            by: "kill",
            kind: Some(Kind::File),
            class: Some(Class::Runtime),
        };
        out.path(at.clone(), Certainty::Inferred, path, named);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fact::What;

    fn show(script: &str) -> Vec<String> {
        let mut out = Out::default();
        let file = AppPath::new("/etc/x");
        let place = Place {
            file: &file,
            line: 10,
            source: Source::Cron,
        };
        facts(script.as_bytes(), place, &mut out);
        out.facts
            .iter()
            .map(|fact| match &fact.what {
                What::Path {
                    path, by, touch, ..
                } => format!("{by} {touch:?} {path}"),
                What::Calls { command, args } => format!("call {command} {args}"),
                What::Directive { key, value } => format!("{key}={value}"),
                What::Needs { need, name } => format!("{need:?} {name}"),
                What::Owned {
                    path,
                    user,
                    group,
                    mode,
                } => {
                    let parts = [user, group, mode].map(|part| part.as_deref().unwrap_or("-"));
                    format!("{path} is {}", parts.join(" "))
                }
                other => format!("{other:?}"),
            })
            .collect()
    }

    #[test]
    fn commands_on_files_say_what_is_done() {
        assert_eq!(
            show(
                "install -o app -m 755 -d /run/a /run/b; cp -a /etc/a/. /var/b; chown app:app /srv/x"
            ),
            [
                "install Creates /run/a",
                "install Creates /run/b",
                "/run/a is app - 0755",
                "/run/b is app - 0755",
                "cp Reads /etc/a",
                "cp Writes /var/b",
                "chown Grants /srv/x",
                "/srv/x is app app -"
            ]
        );
        assert_eq!(
            show("find /var/cache/x -mtime +7 -delete"),
            ["find Removes /var/cache/x"]
        );
        assert_eq!(
            show("/opt/x -c /etc/y >> /var/log/z 2>&1"),
            ["redirect Writes /var/log/z", "-c Names /etc/y"]
        );
    }

    #[test]
    fn signals_and_their_pid_files() {
        assert_eq!(
            show("[ -f /run/a.pid ] && kill -HUP `cat /run/a.pid`"),
            [
                "[ Reads /run/a.pid",
                "call kill -HUP `cat /run/a.pid`",
                "kill Reads /run/a.pid",
                "cat Reads /run/a.pid"
            ]
        );
    }

    #[test]
    fn what_the_kernel_must_give() {
        assert_eq!(
            show("modprobe -q loop; sysctl -w vm.x=1; ulimit -n 9"),
            [
                "call modprobe -q loop",
                "Module loop",
                "call sysctl -w vm.x=1",
                "vm.x=1",
                "Sysctl vm.x",
                "call ulimit -n 9",
                "LimitNOFILE=9",
                "Limit nofile"
            ]
        );
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read(script: Vec<u8>, text in r#"(kill|find|cp|su|exec|[-/a-z$()`'" ;|>]){0,30}"#) {
            let file = AppPath::new("/x");
            let place = Place { file: &file, line: u32::MAX, source: Source::Cron };
            for script in [script.as_slice(), text.as_bytes()] {
                let _ = facts(script, place, &mut Out::default());
            }
        }
    }
}
