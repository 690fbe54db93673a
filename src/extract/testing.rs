//! Facts in one line each, for tests of extractors.

use super::{EXTRACTORS, Extractor, HEAD, Input, Out};
use crate::fact::{Stat, What};
use crate::path::AppPath;

/// What the disk might say about a file of `size` bytes.
pub(crate) fn stat(size: u64) -> Stat {
    Stat {
        allocated: size,
        ..Stat::regular(size, 0o644)
    }
}

/// The facts that `extractor` finds in a file; it must want it.
pub(crate) fn run(extractor: &Extractor, path: &str, text: &str) -> Vec<String> {
    let path = AppPath::new(path);
    let stat = stat(text.len() as u64);
    let source = text.as_bytes().to_vec();
    let input = Input::new(&path, &stat, text.as_bytes(), &source);
    assert!((extractor.wants)(&input), "{path} is not wanted");
    let mut out = Out::default();
    (extractor.run)(&input, &mut out);
    shown(&out)
}

/// Each fact in one line, in the order they were found.
pub(crate) fn shown(out: &Out) -> Vec<String> {
    out.facts
        .iter()
        .map(|fact| {
            let line = fact.at.line.map_or("-".to_owned(), |line| line.to_string());
            format!("{line} {} {:?}", show(&fact.what), fact.certainty)
        })
        .collect()
}

fn show(what: &What) -> String {
    fn or<T: std::fmt::Debug>(value: &Option<T>) -> String {
        value
            .as_ref()
            .map_or("?".into(), |value| format!("{value:?}"))
    }
    fn text(value: &Option<String>) -> &str {
        value.as_deref().unwrap_or("-")
    }
    match what {
        What::Path {
            path,
            touch,
            by,
            kind,
            class,
            ..
        } => {
            format!("Path {path} {touch:?} {by} {} {}", or(kind), or(class))
        }
        What::Owned {
            path,
            user,
            group,
            mode,
        } => {
            format!("Owned {path} {} {} {}", text(user), text(group), text(mode))
        }
        What::Starts {
            program,
            args,
            how,
            name,
            forks,
            ..
        } => {
            let args: String = args.iter().map(|arg| format!("{arg} ")).collect();
            format!("Starts {program} {args}{how:?} {name} forks={}", or(forks))
        }
        What::Env { name, value } => match value {
            Some(value) => format!("Env {name}={value}"),
            None => format!("Env {name}"),
        },
        What::RunsAs { user, group } => format!("RunsAs {user} {}", text(group)),
        What::Directive { key, value } => format!("Directive {key}={value}"),
        What::Needs { need, name } => format!("Needs {need:?} {name}"),
        What::Secret { kind, key } => format!("Secret {kind} {}", text(key)),
        What::Talks { service, to } => format!("Talks {service} {to}"),
        What::Calls { command, args } => format!("Calls {command} {args}"),
        What::Listens {
            transport,
            port,
            address,
            ..
        } => {
            format!("Listens {transport} {} {address}", or(port))
        }
        What::Account {
            name,
            uid,
            gid,
            home,
        } => {
            format!("Account {name} {} {} {home}", or(uid), or(gid))
        }
        other => format!("{other:?}"),
    }
}

/// Paths that the extractors of declarations know a file by.
const PLACES: [&str; 18] = [
    "/etc/systemd/system/a-b@c.service",
    "/usr/lib/systemd/user/a@.socket",
    "/etc/systemd/system/a.timer.d/x.conf",
    "/usr/lib/tmpfiles.d/a.conf",
    "/usr/lib/sysusers.d/a.conf",
    "/etc/logrotate.d/a",
    "/etc/cron.d/a",
    "/etc/anacrontab",
    "/var/spool/cron/a",
    "/etc/default/a",
    "/etc/fstab",
    "/etc/sysctl.d/a.conf",
    "/etc/modprobe.d/a.conf",
    "/etc/udev/rules.d/a.rules",
    "/etc/inetd.conf",
    "/etc/xinetd.d/a",
    "/etc/supervisor/a.conf",
    "/etc/init/a.conf",
];

/// What the forms are made of, to come upon more than random bytes would.
const WORDS: &str = r#"(\[(Unit|Service|Socket|Timer|Path|Mount|program:a|include)\]\n|(ExecStart|Environment|StateDirectory|ListenStream|BindPaths|LoadCredential|PIDFile|command|files|environment|port)=|(d|L|C|w) |/[a-z/%]{0,8}|%[a-zA-Z]|\$\{?[A-Z]{0,3}\}?|[-:~!@|+'"`(){}\\;, ]|\* |root |exec |sh -c |kill |\n){0,40}"#;

proptest::proptest! {
    #[test]
    fn any_declaration_is_read(place in 0..PLACES.len(), words in WORDS, bytes: Vec<u8>) {
        for text in [words.into_bytes(), bytes] {
            let path = AppPath::new(PLACES[place]);
            let stat = stat(text.len() as u64);
            let head = &text[..text.len().min(HEAD)];
            let input = Input::new(&path, &stat, head, &text);
            for extractor in EXTRACTORS {
                let _ = (extractor.wants)(&input);
                (extractor.run)(&input, &mut Out::default());
            }
        }
    }
}
