//! Paths in the arguments of a command line, each with the option that names it.

use crate::fact::{Certainty, Class, Kind, Locus, Need, Source, Touch, What};
use crate::knowledge::{self, Role};
use crate::parse::line::text;
use crate::path::AppPath;

use super::{Named, Out};

/// How long a path may be: `PATH_MAX`.
const MAX_PATH: usize = 4096;

/// A path among arguments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Argument {
    /// The option (`--config`, `-c`, `of`), or `argument` where there is none.
    pub by: String,
    /// The path; variables and globs in it are patterns.
    pub path: AppPath,
}

/// A path as written on a command line or in a declaration: `$NAME` and `${NAME}` become `{NAME}`,
/// globs and substitutions `*`. Nothing when it is not absolute, is `/` alone, or when its first
/// two components are patterns: such a path could be anywhere. A second component that begins with
/// a name, as in `/run/app-{instance}`, is known well enough.
#[must_use]
pub fn template(word: &[u8]) -> Option<AppPath> {
    let fits = word.starts_with(b"/") && !word.starts_with(b"//") && word.len() <= MAX_PATH;
    if !fits || word.iter().any(u8::is_ascii_control) {
        return None;
    }
    let path = AppPath::new(patterned(word));
    (!path.is_root() && !is_vague(&path)).then_some(path)
}

fn is_vague(path: &AppPath) -> bool {
    if !path.is_pattern() {
        return false;
    }
    let second = path.components().nth(1).unwrap_or_default();
    let known = second.iter().take_while(|b| !b"{*".contains(b)).count();
    path.prefix(1).is_pattern() || (known < 3 && known < second.len()) || path.depth() < 2
}

fn patterned(word: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(word.len());
    let mut at = 0;
    while let Some(&byte) = word.get(at) {
        at += 1;
        let rest = &word[at..];
        match byte {
            b'$' => {
                let (pattern, taken) = variable(rest);
                out.extend_from_slice(&pattern);
                at += taken;
            }
            b'`' => {
                out.push(b'*');
                at += closing(rest, b'`');
            }
            b'[' => {
                out.push(b'*');
                at += closing(rest, b']');
            }
            b'?' => out.push(b'*'),
            _ => out.push(byte),
        }
    }
    out
}

/// The pattern for what follows a `$`, and its length.
fn variable(rest: &[u8]) -> (Vec<u8>, usize) {
    // $1, $? and the like say nothing to a reader.
    let braced = |name: &[u8]| match name.first() {
        Some(first) if !first.is_ascii_digit() => [b"{", name, b"}"].concat(),
        _ => b"*".to_vec(),
    };
    let name = |text: &[u8]| {
        text.iter()
            .take_while(|b| b.is_ascii_alphanumeric() || **b == b'_')
            .count()
    };
    match rest.first() {
        Some(b'{') => {
            let inner = &rest[1..];
            let length = name(inner);
            (braced(&inner[..length]), 1 + closing(inner, b'}'))
        }
        Some(b'(') => (b"*".to_vec(), 1 + closing(&rest[1..], b')')),
        _ => match name(rest) {
            0 => (braced(b""), rest.len().min(1)),
            length => (braced(&rest[..length]), length),
        },
    }
}

/// The length up to and with `close`, or all.
fn closing(rest: &[u8], close: u8) -> usize {
    rest.iter()
        .position(|&b| b == close)
        .map_or(rest.len(), |at| at + 1)
}

/// The paths among `args`, the program itself left out.
#[must_use]
pub fn paths(args: &[Vec<u8>]) -> Vec<Argument> {
    let mut found = Vec::new();
    let mut option: Option<&[u8]> = None;
    for arg in args {
        let (by, value) = named(arg, option.take());
        match value {
            Some(value) => values(by, value, &mut found),
            None => option = Some(by),
        }
    }
    found
}

/// The option and the value of an argument; no value when the next argument may be it.
fn named<'a>(arg: &'a [u8], option: Option<&'a [u8]>) -> (&'a [u8], Option<&'a [u8]>) {
    let equals = arg.iter().position(|&b| b == b'=');
    if arg.starts_with(b"/") {
        return (option.unwrap_or(b"argument"), Some(arg));
    }
    let slash = arg.iter().position(|&b| b == b'/');
    if arg.starts_with(b"-") && slash < equals.or(Some(usize::MAX)) {
        // -c/etc/x and -javaagent:/opt/x.jar=option
        match slash {
            Some(2) if arg[1].is_ascii_alphabetic() => return (&arg[..2], Some(&arg[2..])),
            Some(at) if at > 2 && arg[at - 1] == b':' => {
                let value = &arg[at..equals.unwrap_or(arg.len())];
                return (&arg[..at - 1], Some(value));
            }
            _ => {}
        }
    }
    if let Some(at) = equals {
        return (&arg[..at], Some(&arg[at + 1..]));
    }
    if arg.starts_with(b"-") {
        return (arg, None);
    }
    (option.unwrap_or(b"argument"), Some(arg))
}

/// The paths of one value: alone, in a list, or after a scheme that means a local file.
fn values(by: &[u8], value: &[u8], found: &mut Vec<Argument>) {
    let value = local(value);
    let mut add = |part: &[u8]| {
        if let Some(path) = template(part) {
            let by = text(by);
            found.push(Argument { by, path });
        }
    };
    for mark in [b',', b':'] {
        let all = |part: &[u8]| part.starts_with(b"/");
        if value.contains(&mark) && value.split(|&b| b == mark).all(all) {
            value.split(|&b| b == mark).for_each(add);
            return;
        }
    }
    // `-v /a:/b:ro`, `path,option=x`: what comes first is the path.
    let end = value.iter().position(|b| b",;".contains(b));
    add(&value[..end.unwrap_or(value.len())]);
}

/// `unix:/run/x`, `file:///etc/x`: the path in it; other values as they are.
fn local(value: &[u8]) -> &[u8] {
    const SCHEMES: [&[u8]; 5] = [b"unix:", b"file:", b"local:", b"sqlite:", b"pipe:"];
    for scheme in SCHEMES {
        if let Some(rest) = value.strip_prefix(scheme) {
            let slashes = rest.iter().take_while(|&&b| b == b'/').count();
            // file://host/x is not local; file:///x and file:/x are.
            if slashes != 2 {
                return &rest[slashes.saturating_sub(1)..];
            }
        }
    }
    value
}

/// Whether every container has this entry of `/dev` or `/proc`, so that naming it says nothing.
#[must_use]
pub fn is_everywhere(path: &AppPath) -> bool {
    const DEVICES: [&[u8]; 12] = [
        b"null", b"zero", b"full", b"random", b"urandom", b"stdin", b"stdout", b"stderr", b"tty",
        b"fd", b"pts", b"ptmx",
    ];
    let mut parts = path.components();
    match (parts.next(), parts.next()) {
        (Some(b"dev"), Some(name)) => DEVICES.contains(&name),
        (Some(b"proc"), Some(name)) => name == b"self",
        _ => false,
    }
}

/// Adds the paths among `args` as facts; a device among them is also a need.
pub fn facts(args: &[Vec<u8>], at: &Locus, out: &mut Out) {
    for Argument { by, path } in paths(args) {
        if is_everywhere(&path) {
            continue;
        }
        let kind = device(&path, at, out);
        let named = named_by(&by, &path);
        let kind = kind.or(named.kind);
        out.path(
            at.clone(),
            Certainty::Inferred,
            path,
            Named { kind, ..named },
        );
    }
}

/// A path as the option says that names it.
pub(super) fn named_by<'a>(option: &'a str, path: &AppPath) -> Named<'a> {
    let meant = meant(option, path);
    Named {
        touch: meant.as_ref().map_or(Touch::Names, |meant| meant.touch),
        source: Source::Argument,
        by: option,
        kind: meant.as_ref().and_then(|meant| meant.kind),
        class: meant.and_then(|meant| meant.class),
    }
}

/// What an option says of the path that it names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Meant {
    pub(super) touch: Touch,
    pub(super) kind: Option<Kind>,
    pub(super) class: Option<Class>,
}

/// What an option means (`--log-file`, `-pidfile`, `-Dlog.dir`, `socket=`) that names `path`: the same
/// as the directive of its name. Nothing for one of a letter or two, and for a name that means much,
/// unless the path bears it out.
pub(super) fn meant(option: &str, path: &AppPath) -> Option<Meant> {
    const DATABASES: [&[u8]; 4] = [b".db", b".db3", b".sqlite", b".sqlite3"];
    let name = option.strip_prefix("-D").unwrap_or(option);
    let name = name.trim_start_matches('-');
    let directive = knowledge::directive(name).filter(|_| name.len() > 2)?;
    let is_database = || DATABASES.iter().any(|ending| path.name().ends_with(ending));
    if directive.role == Role::Dsn && is_database() {
        return Some(Meant {
            touch: Touch::Writes,
            kind: Some(Kind::File),
            class: Some(Class::Data),
        });
    }
    if directive.weak {
        return None;
    }
    if directive.role == Role::Listen {
        return Some(Meant {
            touch: Touch::Creates,
            kind: Some(Kind::Socket),
            class: Some(Class::Runtime),
        });
    }
    directive.role.is_path().then_some(Meant {
        touch: directive.touch,
        kind: directive.kind,
        class: directive.class,
    })
}

/// Adds the need of a device node, when `path` is one: `/dev` without its sockets and memory.
fn device(path: &AppPath, at: &Locus, out: &mut Out) -> Option<Kind> {
    let mut parts = path.components();
    let is_dev = parts.next() == Some(b"dev");
    let name = parts.next()?;
    if is_dev && !matches!(name, b"log" | b"shm" | b"mqueue") {
        let what = What::Needs {
            need: Need::Device,
            name: path.to_text().into_owned(),
        };
        out.fact(at.clone(), Certainty::Inferred, what);
        return Some(Kind::CharDevice);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn show(args: &[&str]) -> Vec<String> {
        let args: Vec<Vec<u8>> = args.iter().map(|a| a.as_bytes().to_vec()).collect();
        paths(&args)
            .iter()
            .map(|a| format!("{} {}", a.by, a.path))
            .collect()
    }

    #[test]
    fn each_path_has_the_option_that_names_it() {
        assert_eq!(
            show(&[
                "-c",
                "/etc/a.conf",
                "--pid-file=/run/a.pid",
                "-d/var/a",
                "/srv/x",
                "-v",
                "of=/tmp/o"
            ]),
            [
                "-c /etc/a.conf",
                "--pid-file /run/a.pid",
                "-d /var/a",
                "argument /srv/x",
                "of /tmp/o"
            ]
        );
        assert_eq!(
            show(&[
                "-Dlog.dir=/var/log/a",
                "-javaagent:/opt/a/x.jar=opt",
                "-cp",
                "/opt/a:/opt/b/*"
            ]),
            [
                "-Dlog.dir /var/log/a",
                "-javaagent /opt/a/x.jar",
                "-cp /opt/a",
                "-cp /opt/b/*"
            ]
        );
    }

    #[test]
    fn an_option_means_what_the_directive_of_its_name_does() {
        let meant = |option, path| {
            let meant = meant(option, &AppPath::new(path));
            meant.map(|meant| (meant.touch, meant.class))
        };
        for option in ["--log-file", "-logfile", "-Dlog.file", "LOG_FILE"] {
            let log = Some((Touch::Writes, Some(Class::Log)));
            assert_eq!(meant(option, "/srv/a"), log, "{option}");
        }
        let runtime = Some((Touch::Creates, Some(Class::Runtime)));
        assert_eq!(meant("--pid-file", "/srv/a"), runtime);
        assert_eq!(meant("--socket-path", "/srv/a"), runtime);
        let data = Some((Touch::Writes, Some(Class::Data)));
        assert_eq!(meant("DATABASE", "/srv/a.db"), data);
        assert_eq!(meant("DATABASE", "/srv/a"), None);
        // A letter, a word that has many meanings, and one that nobody knows.
        for option in ["-l", "--file", "--frobnicate"] {
            assert_eq!(meant(option, "/srv/a"), None, "{option}");
        }
    }

    #[test]
    fn schemes_and_urls() {
        assert_eq!(
            show(&[
                "unix:/run/a.sock",
                "--f=file:///etc/b",
                "http://host/x",
                "file://host/x",
                "s/a/b/"
            ]),
            ["argument /run/a.sock", "--f /etc/b"]
        );
    }

    #[test]
    fn what_cannot_be_resolved_is_a_pattern_or_nothing() {
        let path = |word: &str| template(word.as_bytes()).map(|p| p.to_text().into_owned());
        assert_eq!(
            path("/var/lib/${APP:-x}/$1/a[0-9].db?").as_deref(),
            Some("/var/lib/{APP}/*/a*.db*")
        );
        assert_eq!(
            path("/var/log/$(hostname)/x").as_deref(),
            Some("/var/log/*/x")
        );
        assert_eq!(path("/run/app-$1").as_deref(), Some("/run/app-*"));
        for nowhere in [
            "/$HOME/x/y",
            "/var/$X",
            "/",
            "//host/share",
            "relative",
            "/a\nb",
            "/*/b/c/d",
        ] {
            assert_eq!(path(nowhere), None, "{nowhere}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_words_are_read(args: Vec<Vec<u8>>, word in r"[-/a-z$\{\}\[\]()`=:,?*]{0,40}") {
            let _ = paths(&args);
            let _ = paths(&[word.clone().into_bytes(), word.into_bytes()]);
        }
    }
}
