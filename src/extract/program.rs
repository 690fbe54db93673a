//! The program that a command is there to start, behind tests and wrappers.

use crate::parse::command_line::Simple;
use crate::path::AppPath;

use super::argument::template;

/// Commands that set the scene or test something: not what a line is there to start.
const ASIDE: [&[u8]; 33] = [
    b"run-parts",
    b"kill",
    b"test",
    b"[",
    b"[[",
    b"cd",
    b"echo",
    b"printf",
    b"exit",
    b"true",
    b"false",
    b":",
    b".",
    b"source",
    b"export",
    b"set",
    b"unset",
    b"umask",
    b"ulimit",
    b"sleep",
    b"command",
    b"which",
    b"type",
    b"wait",
    b"trap",
    b"shift",
    b"read",
    b"return",
    b"for",
    b"case",
    b"cat",
    b"date",
    b"touch",
];

/// Commands that start another with other rights, limits or times.
const WRAPPERS: [&[u8]; 18] = [
    b"exec",
    b"nice",
    b"ionice",
    b"chronic",
    b"flock",
    b"timeout",
    b"env",
    b"nohup",
    b"setsid",
    b"chrt",
    b"taskset",
    b"sudo",
    b"stdbuf",
    b"eatmydata",
    b"time",
    b"systemd-cat",
    b"su",
    b"runuser",
];

/// The program that a simple command is there to start, and its arguments; nothing for those that
/// only test or set the scene.
#[must_use]
pub fn main_program(simple: &Simple) -> Option<(&[u8], &[Vec<u8>])> {
    let mut words = simple.words.as_slice();
    for _ in 0..4 {
        let (program, args) = words.split_first()?;
        let name = program.rsplit(|&b| b == b'/').next().unwrap_or(program);
        if name == b"start-stop-daemon" {
            return launched(args);
        }
        if !WRAPPERS.contains(&name) {
            return (!ASIDE.contains(&name)).then_some((program, args));
        }
        // What follows a wrapper's own options and values; flock's first path is its lock.
        let skip = usize::from(name == b"flock");
        let next = args
            .iter()
            .enumerate()
            .filter(|(_, arg)| arg.starts_with(b"/"))
            .nth(skip)
            .map(|(at, _)| at)
            .or_else(|| (name == b"exec").then_some(0));
        match next {
            Some(at) => words = args.get(at..)?,
            None => return Some((program, args)),
        }
    }
    None
}

/// start-stop-daemon(8): `--exec` or `--startas` names the program, its arguments come after `--`.
/// Where it does not start anything, nothing.
fn launched(args: &[Vec<u8>]) -> Option<(&[u8], &[Vec<u8>])> {
    let own = args.iter().position(|arg| arg == b"--");
    let (own, passed) = args.split_at(own.unwrap_or(args.len()));
    let has = |short: &[u8], long: &[u8]| own.iter().any(|arg| arg == short || arg == long);
    if !has(b"-S", b"--start") || has(b"-t", b"--test") {
        return None;
    }
    let value = |short: &[u8], long: &[u8]| {
        own.iter().enumerate().find_map(|(at, arg)| {
            let attached = arg
                .strip_prefix(long)
                .and_then(|rest| rest.strip_prefix(b"="));
            let is_option = arg == short || arg == long;
            attached.or_else(|| {
                is_option
                    .then(|| own.get(at + 1).map(Vec::as_slice))
                    .flatten()
            })
        })
    };
    let program = value(b"-a", b"--startas").or_else(|| value(b"-x", b"--exec"))?;
    Some((program, passed.get(1..).unwrap_or_default()))
}

/// The program's path: a bare name is looked for where the system keeps programs, as a guess.
#[must_use]
pub fn program_path(word: &[u8]) -> Option<(AppPath, bool)> {
    if word.starts_with(b"/") {
        return template(word).map(|path| (path, true));
    }
    let plain = |b: &u8| b.is_ascii_alphanumeric() || b"_-.+".contains(b);
    let is_name = word.first().is_some_and(u8::is_ascii_alphanumeric) && word.iter().all(plain);
    is_name.then(|| (AppPath::new([b"/usr/bin/", word].concat()), false))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::command_line::simple_commands;
    use crate::parse::line::text;

    #[test]
    fn the_program_behind_wrappers() {
        let main = |line: &str| {
            let simple = simple_commands(line.as_bytes()).remove(0);
            main_program(&simple).map(|(program, args)| (text(program), args.len()))
        };
        assert_eq!(
            main("nice -n 10 ionice -c3 /opt/x a"),
            Some(("/opt/x".into(), 1))
        );
        assert_eq!(main("flock -n /run/l /opt/x"), Some(("/opt/x".into(), 0)));
        assert_eq!(main("exec prog -d"), Some(("prog".into(), 1)));
        let daemon = "start-stop-daemon --start -b --exec=/opt/d -p /run/p -- -f x";
        assert_eq!(main(daemon), Some(("/opt/d".into(), 2)));
        assert_eq!(main("start-stop-daemon --stop --exec /opt/d"), None);
        assert_eq!(main("[ -x /opt/x ]"), None);
        assert_eq!(main("su - app -c 'x'"), Some(("su".into(), 4)));
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read(script in r#"(exec|flock|start-stop-daemon|--exec|[-/a-z= ]){0,30}"#) {
            for simple in simple_commands(script.as_bytes()) {
                let _ = main_program(&simple).and_then(|(program, _)| program_path(program));
            }
        }
    }
}
