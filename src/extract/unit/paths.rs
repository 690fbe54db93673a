//! Keys of a unit that name paths: directories it is given, what it may write, what it tests.

use crate::extract::argument::template;
use crate::extract::{Named, Out};
use crate::fact::{Certainty, Class, Kind, Locus, Source, Touch, What};
use crate::parse::line::octal;
use crate::parse::unit::Manager;
use crate::path::AppPath;

use super::Context;

pub(super) fn facts(context: &Context<'_>, section: &str, out: &mut Out) {
    directories(context, section, out);
    access(context, section, out);
    binds(context, section, out);
    single(context, section, out);
    environment_files(context, section, out);
    streams(context, section, out);
}

/// Directories below a fixed base, which systemd makes and gives to the service's user.
struct Given {
    key: &'static str,
    mode: &'static str,
    base: &'static [u8],
    class: Class,
    touch: Touch,
}

const GIVEN: [Given; 5] = [
    Given {
        key: "StateDirectory",
        mode: "StateDirectoryMode",
        base: b"/var/lib/",
        class: Class::Data,
        touch: Touch::Creates,
    },
    Given {
        key: "CacheDirectory",
        mode: "CacheDirectoryMode",
        base: b"/var/cache/",
        class: Class::Cache,
        touch: Touch::Creates,
    },
    Given {
        key: "LogsDirectory",
        mode: "LogsDirectoryMode",
        base: b"/var/log/",
        class: Class::Log,
        touch: Touch::Creates,
    },
    Given {
        key: "RuntimeDirectory",
        mode: "RuntimeDirectoryMode",
        base: b"/run/",
        class: Class::Runtime,
        touch: Touch::Creates,
    },
    Given {
        key: "ConfigurationDirectory",
        mode: "ConfigurationDirectoryMode",
        base: b"/etc/",
        class: Class::Config,
        touch: Touch::Reads,
    },
];

/// systemd.exec(5): `name[:link[:ro]]`, relative to the base; the link stands beside it.
fn directories(context: &Context<'_>, section: &str, out: &mut Out) {
    if context.specifiers.manager == Manager::User {
        return;
    }
    for given in &GIVEN {
        for (at, word) in context.list(section, given.key) {
            let mut parts = word.split(|&b| b == b':');
            let name = parts.next().unwrap_or_default();
            let link = parts.next().filter(|link| !link.is_empty());
            let touch = if parts.next() == Some(b"ro") {
                Touch::Reads
            } else {
                given.touch
            };
            if name.starts_with(b"/") || name.split(|&b| b == b'/').any(|part| part == b"..") {
                continue;
            }
            let full = [given.base, name].concat();
            context.classed(
                &full,
                at.clone(),
                (given.key, touch, Some(Kind::Dir), Some(given.class)),
                out,
            );
            if touch == Touch::Creates {
                owned(context, section, given, (&full, &at), out);
            }
            if let Some(link) = link {
                let full = [given.base, link].concat();
                context.classed(
                    &full,
                    at,
                    (given.key, Touch::Names, Some(Kind::Link), Some(given.class)),
                    out,
                );
            }
        }
    }
}

/// The directory belongs to `User=` and `Group=`.
fn owned(
    context: &Context<'_>,
    section: &str,
    given: &Given,
    (full, at): (&[u8], &Locus),
    out: &mut Out,
) {
    let Some(path) = template(full) else {
        return;
    };
    let value = |key| context.last(section, key).map(|(_, value)| value);
    let user = super::run::user(context, section);
    let group = value("Group");
    let mode = value(given.mode);
    if user.is_none() && group.is_none() && mode.is_none() {
        return;
    }
    // systemd.exec(5): 0755 unless set; it is written with or without a leading nought.
    let bits = mode
        .and_then(|mode| octal(mode.trim().as_bytes()))
        .unwrap_or(0o755);
    let what = What::Owned {
        path,
        user,
        group,
        mode: Some(format!("{bits:04o}")),
    };
    out.fact(at.clone(), Certainty::Declared, what);
}

/// What the sandbox lets the service write, or only read. It is permission, not use: so `Grants`
/// and `Names`.
fn access(context: &Context<'_>, section: &str, out: &mut Out) {
    let keys = [
        ("ReadWritePaths", Touch::Grants),
        ("ReadWriteDirectories", Touch::Grants),
        ("ReadOnlyPaths", Touch::Names),
        ("ReadOnlyDirectories", Touch::Names),
    ];
    for (key, touch) in keys {
        for (at, word) in context.list(section, key) {
            context.path(unprefixed(&word), at, key, touch, out);
        }
    }
    for (at, word) in context.list(section, "TemporaryFileSystem") {
        let (place, options) = cut(&word);
        let is_ro = options.split(|&b| b == b',').any(|option| option == b"ro");
        let touch = if is_ro { Touch::Names } else { Touch::Creates };
        let named = (
            "TemporaryFileSystem",
            touch,
            Some(Kind::Dir),
            Some(Class::Temp),
        );
        context.classed(place, at, named, out);
    }
}

/// `-` ignores what is absent, `+` is relative to `RootDirectory=`.
fn unprefixed(word: &[u8]) -> &[u8] {
    let skip = word.iter().take_while(|b| b"-+".contains(b)).count();
    word.get(skip..).unwrap_or_default()
}

fn cut(word: &[u8]) -> (&[u8], &[u8]) {
    match word.iter().position(|&b| b == b':') {
        Some(at) => (&word[..at], &word[at + 1..]),
        None => (word, b""),
    }
}

/// `source[:destination[:options]]`: the service sees the destination.
fn binds(context: &Context<'_>, section: &str, out: &mut Out) {
    for (key, touch) in [
        ("BindPaths", Touch::Grants),
        ("BindReadOnlyPaths", Touch::Reads),
    ] {
        for (at, word) in context.list(section, key) {
            let (source, rest) = cut(unprefixed(&word));
            let (target, _) = cut(rest);
            if target.is_empty() || target == source {
                context.path(source, at, key, touch, out);
            } else {
                context.path(source, at.clone(), key, Touch::Names, out);
                context.path(target, at, key, touch, out);
            }
        }
    }
}

/// The place of a home that is not known yet.
const HOME: &str = "/{home}";

/// Keys with one path.
fn single(context: &Context<'_>, section: &str, out: &mut Out) {
    let keys = [
        ("WorkingDirectory", Kind::Dir),
        ("RootDirectory", Kind::Dir),
        ("RootImage", Kind::File),
    ];
    for (key, kind) in keys {
        if let Some(assignment) = context.unit.last(section, key) {
            let value = context.value(assignment);
            let at = context.at(assignment);
            // systemd.exec(5): `~` is the home of the unit's user, which shows where all is linked.
            if unprefixed(&value) == b"~" {
                let named = Named {
                    touch: Touch::Names,
                    source: Source::Unit,
                    by: key,
                    kind: Some(kind),
                    class: None,
                };
                out.path(at, Certainty::Declared, AppPath::new(HOME), named);
                continue;
            }
            context.classed(
                unprefixed(&value),
                at,
                (key, Touch::Names, Some(kind), None),
                out,
            );
        }
    }
    if let Some(assignment) = context.unit.last(section, "PIDFile") {
        let value = context.value(assignment);
        // systemd.service(5): a relative path is below /run.
        let full = if value.starts_with(b"/") {
            value
        } else {
            [b"/run/", value.as_slice()].concat()
        };
        let named = (
            "PIDFile",
            Touch::Writes,
            Some(Kind::File),
            Some(Class::Runtime),
        );
        context.classed(&full, context.at(assignment), named, out);
    }
}

/// The prefix `-` is told by the name: the file may be absent.
fn environment_files(context: &Context<'_>, section: &str, out: &mut Out) {
    for assignment in context.unit.list(section, "EnvironmentFile") {
        // systemd.exec(5): one file a line, no quotes.
        let value = context.value(assignment);
        let (by, file) = match value.strip_prefix(b"-") {
            Some(file) => ("EnvironmentFile (optional)", file),
            None => ("EnvironmentFile", value.as_slice()),
        };
        let is_runtime = file.starts_with(b"/run/") || file.starts_with(b"/var/run/");
        let class = if is_runtime {
            Class::Runtime
        } else {
            Class::Config
        };
        let named = (by, Touch::Reads, Some(Kind::File), Some(class));
        context.classed(file.trim_ascii(), context.at(assignment), named, out);
    }
}

/// Standard streams that are files.
fn streams(context: &Context<'_>, section: &str, out: &mut Out) {
    for key in ["StandardOutput", "StandardError", "StandardInput"] {
        let Some(assignment) = context.unit.last(section, key) else {
            continue;
        };
        let value = context.value(assignment);
        let (form, file) = cut(&value);
        let named = match form {
            b"file" if key == "StandardInput" => (key, Touch::Reads, Some(Kind::File), None),
            b"file" | b"append" | b"truncate" => {
                (key, Touch::Writes, Some(Kind::File), Some(Class::Log))
            }
            _ => continue,
        };
        context.classed(file, context.at(assignment), named, out);
    }
}

/// `Condition…` and `Assert…` on paths: the unit looks at them before it starts.
pub(super) fn conditions(context: &Context<'_>, out: &mut Out) {
    let tests = [
        ("PathExists", None),
        ("PathExistsGlob", None),
        ("PathIsDirectory", Some(Kind::Dir)),
        ("PathIsSymbolicLink", Some(Kind::Link)),
        ("PathIsMountPoint", Some(Kind::Dir)),
        ("PathIsReadWrite", None),
        ("DirectoryNotEmpty", Some(Kind::Dir)),
        ("FileNotEmpty", Some(Kind::File)),
        ("FileIsExecutable", Some(Kind::File)),
    ];
    for (test, kind) in tests {
        for form in ["Condition", "Assert"] {
            let key = format!("{form}{test}");
            for assignment in context.unit.list("Unit", &key) {
                let value = context.value(assignment);
                // `|` joins by or, `!` negates: such a path is mostly not there.
                let bare = value.strip_prefix(b"|").unwrap_or(&value);
                let (touch, bare) = match bare.strip_prefix(b"!") {
                    Some(rest) => (Touch::Names, rest),
                    None => (Touch::Reads, bare),
                };
                let named = (key.as_str(), touch, kind, None);
                context.classed(bare.trim_ascii(), context.at(assignment), named, out);
            }
        }
    }
    for (at, word) in context.list("Unit", "RequiresMountsFor") {
        let named = ("RequiresMountsFor", Touch::Names, Some(Kind::Dir), None);
        context.classed(&word, at, named, out);
    }
}
