//! What follows from a custom of Unix rather than from a file that names it: who writes the records
//! of logins, where mail is delivered, where a process leaves its number, what a program keeps in
//! its user's home.

use std::collections::{BTreeMap, BTreeSet};

use super::Ground;
use super::witness::told;
use crate::fact::{Certainty, Class, Fact, Kind, Locus, Source, Touch, What};
use crate::knowledge::{homes, places};
use crate::link::live::Voice;
use crate::path::AppPath;
use crate::tree::LookupError;

/// Records of who was logged in (utmp(5), lastlog(8)).
const RECORDS: [&str; 3] = ["/var/log/btmp", "/var/log/lastlog", "/var/log/wtmp"];

/// The socket of the system's log (syslog(3)).
pub(in crate::link) const LOG_SOCKET: &[u8] = b"/dev/log";

/// Calls that write such records, or by which a program hands a session to a user: the programs
/// that do either keep them.
const SESSION_CALLS: [&str; 10] = [
    "login",
    "logwtmp",
    "pututline",
    "pututxline",
    "setgroups",
    "initgroups",
    "updwtmp",
    "updwtmpx",
    "pam_open_session",
    "setusercontext",
];

/// What mail servers of all makers are known by to package managers (Debian policy 11.6; rpm
/// capabilities of the same meaning).
const MAIL_SERVERS: [&str; 3] = ["mail-transport-agent", "smtpdaemon", "MTA"];

/// Where they deliver mail to users (FHS 3.0, 5.11; Debian policy 11.6).
const MAILBOXES: [&str; 2] = ["/var/mail", "/var/spool/mail"];

/// Commands of the system that read settings of their own on behalf of whoever calls them: the
/// administrator keeps keys, hosts and options there.
const CLIENTS: [(&str, &str); 5] = [
    ("ssh", "/etc/ssh"),
    ("scp", "/etc/ssh"),
    ("sftp", "/etc/ssh"),
    ("rclone", "/etc/rclone"),
    ("msmtp", "/etc/msmtprc"),
];

/// How many names below a directory show that a program lays it out.
const LAYOUT: usize = 3;

pub(super) fn facts(ground: &Ground<'_>, facts: &[Fact]) -> Vec<Fact> {
    let mut found = records(ground, facts);
    found.extend(log_socket(ground, facts));
    found.extend(mailboxes(ground));
    found.extend(process_numbers(ground, facts));
    found.extend(layouts(ground, facts));
    found.extend(hidden(ground, facts));
    found.extend(own_settings(ground, facts));
    found.extend(client_settings(ground, facts));
    found.extend(promised(ground, facts));
    found.extend(kept_at_home(ground, facts));
    found
}

/// What libraries of the application keep in the homes of the users that its services run as.
fn kept_at_home(ground: &Ground<'_>, facts: &[Fact]) -> Vec<Fact> {
    let user = |fact: &Fact| match &fact.what {
        What::RunsAs { user, .. } if ground.voices.of(fact) == Voice::Live => Some(user.clone()),
        What::Starts { given, .. } => given.as_ref()?.user.clone(),
        _ => None,
    };
    let users: BTreeSet<String> = facts.iter().filter_map(user).collect();
    let home = |user: &String| {
        let account = ground.host.accounts.by_name(user)?;
        let node = ground.root.resolve(account.home.as_bytes()).ok()?;
        (node.stat.kind == Kind::Dir && account.uid != 0).then_some(node.real)
    };
    let homes: BTreeSet<AppPath> = users.iter().filter_map(home).collect();
    let mut found = Vec::new();
    for prefix in ground.scope.prefixes.iter().filter(|_| !homes.is_empty()) {
        for below in ground.inventory.below(prefix) {
            for keeps in homes::kept(below.dir.name(), below.name) {
                for home in &homes {
                    let what = What::Path {
                        path: home.join(&keeps.path),
                        touch: Touch::Writes,
                        source: Source::Tree,
                        by: "a library keeps it in the home".to_owned(),
                        kind: Some(Kind::Dir),
                        class: Some(keeps.class),
                    };
                    found.push(Fact {
                        at: Locus::file(&below.path()),
                        what,
                        certainty: Certainty::Inferred,
                    });
                }
            }
        }
    }
    found
}

/// Whether a path of an install prefix would be code: by its ending, or the directory that it lies in.
fn is_code(path: &AppPath) -> bool {
    const DIRS: [&[u8]; 5] = [b"bin", b"lib", b"lib64", b"libexec", b"sbin"];
    let dir = path.parent();
    places::is_library_place(path)
        || places::is_code_name(path.name())
        || DIRS.contains(&path.name())
        || dir.is_some_and(|dir| DIRS.contains(&dir.name()))
}

/// What live settings name in an install prefix and is not there, though the directory is that would
/// hold it: the application makes it when it is asked for.
fn promised(ground: &Ground<'_>, facts: &[Fact]) -> Vec<Fact> {
    let mut found = Vec::new();
    for fact in facts {
        let What::Path {
            path,
            touch: Touch::Names,
            source: Source::Config,
            kind,
            class,
            ..
        } = &fact.what
        else {
            continue;
        };
        let told = fact.certainty > Certainty::Guessed && ground.voices.of(fact) == Voice::Live;
        let in_prefix = ground.scope.in_prefix(path).is_some() && !path.is_pattern();
        if !told || !in_prefix || is_code(path) || places::is_example(path) {
            continue;
        }
        let is_dir = |path: &AppPath| {
            let node = ground.root.resolve(path.as_bytes());
            node.is_ok_and(|node| node.stat.kind == Kind::Dir)
        };
        let is_absent = ground.root.lookup(path.as_bytes()) == Err(LookupError::Absent);
        if is_absent && path.parent().is_some_and(|dir| is_dir(&dir)) {
            let what = What::Path {
                path: path.clone(),
                touch: Touch::Creates,
                source: Source::Config,
                by: "it is named and not there yet".to_owned(),
                kind: *kind,
                class: *class,
            };
            found.push(Fact {
                at: fact.at.clone(),
                what,
                certainty: Certainty::Inferred,
            });
        }
    }
    found
}

/// What the commands read that the application calls.
fn client_settings(ground: &Ground<'_>, facts: &[Fact]) -> Vec<Fact> {
    let mut found = Vec::new();
    for fact in facts {
        let command = match &fact.what {
            What::Calls { command, .. } => command.as_bytes(),
            What::Path {
                path,
                touch: Touch::Runs | Touch::Names,
                source: Source::Config | Source::Script | Source::Argument,
                ..
            } if places::is_code_place(path) => path.name(),
            _ => continue,
        };
        let mut clients = CLIENTS.iter();
        let Some((name, settings)) = clients.find(|(name, _)| name.as_bytes() == command) else {
            continue;
        };
        if ground.voices.certainty(fact) > Some(Certainty::Guessed) {
            let mut settings = told(
                Locus::file(&AppPath::new(settings)),
                (Touch::Reads, name),
                None,
                Some(Class::Config),
                Certainty::Inferred,
            );
            settings.at = fact.at.clone();
            found.push(settings);
        }
    }
    found.dedup();
    found
}

/// A path that a fact leads to, told at the place of that fact.
fn led_to(
    fact: &Fact,
    path: AppPath,
    (touch, by): (Touch, &str),
    class: Class,
    certainty: Certainty,
) -> Fact {
    Fact {
        at: fact.at.clone(),
        what: What::Path {
            path,
            touch,
            source: Source::Code,
            by: by.to_owned(),
            kind: Some(Kind::File),
            class: Some(class),
        },
        certainty,
    }
}

/// The records of logins, of programs that name them and open sessions.
fn records(ground: &Ground<'_>, facts: &[Fact]) -> Vec<Fact> {
    let mut calls: BTreeMap<&AppPath, &str> = BTreeMap::new();
    for fact in facts {
        if let What::Imports { symbol } = &fact.what
            && SESSION_CALLS.contains(&symbol.as_str())
            && ground.scope.contains(&fact.at.file)
        {
            calls.entry(&fact.at.file).or_insert(symbol);
        }
    }
    let mut found = Vec::new();
    for fact in facts {
        match &fact.what {
            What::Path {
                path,
                source: Source::Literal,
                ..
            } if RECORDS
                .iter()
                .any(|record| path.as_bytes() == record.as_bytes()) =>
            {
                if let Some(call) = calls.get(&fact.at.file) {
                    let says = (Touch::Writes, *call);
                    let certainty = Certainty::Inferred;
                    found.push(led_to(fact, path.clone(), says, Class::Log, certainty));
                }
            }
            // logwtmp(3) and login(3) name the file themselves.
            What::Imports { symbol }
                if matches!(symbol.as_str(), "logwtmp" | "login")
                    && ground.scope.contains(&fact.at.file) =>
            {
                let path = AppPath::new("/var/log/wtmp");
                let says = (Touch::Writes, symbol.as_str());
                found.push(led_to(fact, path, says, Class::Log, Certainty::Inferred));
            }
            _ => {}
        }
    }
    found
}

/// The socket of the system's log, where a file of the application names it and makes addresses
/// but sends no messages to it: a log daemon, or a part of one.
fn log_socket(ground: &Ground<'_>, facts: &[Fact]) -> Vec<Fact> {
    let mut calls: BTreeMap<&AppPath, BTreeSet<&str>> = BTreeMap::new();
    for fact in facts {
        if let What::Imports { symbol } = &fact.what {
            calls.entry(&fact.at.file).or_default().insert(symbol);
        }
    }
    let makes = |file: &AppPath| {
        let calls = calls.get(file);
        let sends = [
            "openlog",
            "syslog",
            "vsyslog",
            "__syslog_chk",
            "__vsyslog_chk",
        ];
        calls.is_some_and(|calls| {
            calls.contains("bind") && !sends.iter().any(|call| calls.contains(call))
        })
    };
    let names = |fact: &&Fact| {
        matches!(&fact.what, What::Path { path, source: Source::Literal, .. }
            if path.as_bytes() == LOG_SOCKET)
            && ground.scope.contains(&fact.at.file)
            && makes(&fact.at.file)
    };
    let told = |fact: &Fact| {
        let path = AppPath::new(LOG_SOCKET);
        let says = (Touch::Creates, "bind");
        led_to(fact, path, says, Class::Runtime, Certainty::Inferred)
    };
    facts.iter().filter(names).map(told).collect()
}

/// The mailboxes of users, where a package of the scope is a mail server.
fn mailboxes(ground: &Ground<'_>) -> Vec<Fact> {
    let mut servers = ground.scope.packages.iter().filter(|package| {
        let provides = |name: &str| ground.host.packages.is_provided_by(name, package);
        MAIL_SERVERS.into_iter().any(provides)
    });
    let Some(package) = servers.next() else {
        return Vec::new();
    };
    let at = ground.host.packages.get(package).map(|p| p.at.clone());
    let is_dir = |path: &str| {
        let node = ground.root.resolve(path);
        node.is_ok_and(|node| node.stat.kind == Kind::Dir)
    };
    let there = MAILBOXES.into_iter().find(|path| is_dir(path)).zip(at);
    let fact = there.map(|(path, at)| {
        let mut fact = told(
            Locus::file(&AppPath::new(path).join(b"{user}")),
            (Touch::Writes, "a mail server's package"),
            None,
            Some(Class::Data),
            Certainty::Inferred,
        );
        fact.at = at;
        fact
    });
    fact.into_iter().collect()
}

/// The files with a process's number that a started program names, directly in `/run`, and the
/// sockets that bear its name where it makes addresses (bind(2)); no numbers where settings, units or arguments name such a file: they override what was compiled in.
fn process_numbers(ground: &Ground<'_>, facts: &[Fact]) -> Vec<Fact> {
    let is_number = |path: &AppPath| {
        let path = crate::knowledge::canonical(path);
        path.depth() == 2
            && path.components().next() == Some(b"run")
            && path.name().ends_with(b".pid")
            && !path.is_pattern()
    };
    let binds: BTreeSet<&AppPath> = facts
        .iter()
        .filter(|fact| matches!(&fact.what, What::Imports { symbol } if symbol == "bind"))
        .map(|fact| &fact.at.file)
        .collect();
    let says_otherwise = facts.iter().any(|fact| {
        matches!(&fact.what, What::Path { path, source, touch, .. }
            if path.name().ends_with(b".pid")
                && !matches!(source, Source::Literal | Source::Package | Source::Maintainer)
                && *touch != Touch::Removes
                && ground.voices.certainty(fact) > Some(Certainty::Guessed))
    });
    let mut found = Vec::new();
    for fact in facts {
        let What::Path {
            path,
            source: Source::Literal,
            ..
        } = &fact.what
        else {
            continue;
        };
        let own = ground.started.contains(&fact.at.file);
        let direct = crate::knowledge::canonical(path);
        let ending = [&b".sock"[..], b".socket"];
        if own
            && direct.depth() == 2
            && is_run(path)
            && ending.iter().any(|ending| direct.name().ends_with(ending))
            && is_stem_of(&direct, &fact.at.file)
            && binds.contains(&fact.at.file)
        {
            let says = (Touch::Creates, "bind");
            let certainty = Certainty::Inferred;
            let mut socket = led_to(fact, path.clone(), says, Class::Runtime, certainty);
            if let What::Path { kind, .. } = &mut socket.what {
                *kind = Some(Kind::Socket);
            }
            found.push(socket);
            continue;
        }
        let named = is_called_like(&direct, &fact.at.file);
        let says = (Touch::Creates, "a started program names it");
        let certainty = Certainty::Inferred;
        if own && is_misc(&direct) && named {
            found.push(led_to(fact, path.clone(), says, Class::Data, certainty));
            continue;
        }
        let named = named && direct.depth() == 2;
        if own && (is_number(path) && !says_otherwise || named && !is_number(path)) && is_run(path)
        {
            found.push(led_to(fact, path.clone(), says, Class::Runtime, certainty));
        }
    }
    found
}

/// Whether this is where programs that have no directory of their own keep a file (FHS 3.0, 5.8.4).
fn is_misc(path: &AppPath) -> bool {
    path.parent() == Some(AppPath::new("/var/lib/misc"))
}

fn is_run(path: &AppPath) -> bool {
    let path = crate::knowledge::canonical(path);
    path.components().next() == Some(b"run") && !path.is_pattern()
}

/// Whether the first part of a file's name is the program's, as in `crond.reboot`; sockets and
/// directories are told by others.
fn is_called_like(path: &AppPath, program: &AppPath) -> bool {
    let dot = path.name().iter().position(|&b| b == b'.');
    let ending = dot.and_then(|dot| path.name().get(dot..));
    let other = ending.is_none_or(|ending| matches!(ending, b".sock" | b".socket" | b".conf"));
    !other && is_stem_of(path, program)
}

/// Whether what stands before the first dot of a name is the program's.
fn is_stem_of(path: &AppPath, program: &AppPath) -> bool {
    let bare = |name: &[u8]| name.strip_suffix(b"d").unwrap_or(name).to_vec();
    let stem = path.name().split(|&b| b == b'.').next();
    stem.is_some_and(|stem| bare(stem) == bare(program.name()))
}

/// A directory of state that a started program names with several names below it: it lays the
/// directory out when it is not there.
fn layouts(ground: &Ground<'_>, facts: &[Fact]) -> Vec<Fact> {
    let mut below: BTreeMap<(&AppPath, AppPath), BTreeSet<&AppPath>> = BTreeMap::new();
    for fact in facts {
        if let What::Path {
            path,
            source: Source::Literal,
            ..
        } = &fact.what
            && ground.started.contains(&fact.at.file)
            && path.components().next() == Some(b"var")
            && path.depth() > 3
        {
            let top = path.prefix(3);
            below.entry((&fact.at.file, top)).or_default().insert(path);
        }
    }
    let mut found = Vec::new();
    for ((program, top), names) in below {
        let several = names.len() >= LAYOUT && ground.scope.knows(&top);
        if several && !crate::knowledge::is_shared_dir(&top) {
            let mut fact = told(
                Locus::file(&top),
                (Touch::Creates, "a started program lays it out"),
                Some(Kind::Dir),
                None,
                Certainty::Inferred,
            );
            fact.at = Locus::file(program);
            found.push(fact);
        }
    }
    found
}

/// What a program keeps under a hidden name of its own in the home of whoever runs it: as its
/// scripts name it (`/{home}/.name`), or as it lies there.
fn hidden(ground: &Ground<'_>, facts: &[Fact]) -> Vec<Fact> {
    let homes = homes(ground, facts);
    let is_own = |name: &[u8]| {
        let bare = name.strip_prefix(b".").unwrap_or_default();
        let stem = bare.split(|b| b"._".contains(b)).next().unwrap_or_default();
        let stem = String::from_utf8_lossy(stem).to_ascii_lowercase();
        ground.scope.words.contains(&stem)
            || ground.scope.words.contains(stem.trim_end_matches("rc"))
    };
    let mut found = Vec::new();
    for home in &homes {
        for (name, stat) in ground.root.list(home.as_bytes()).unwrap_or_default() {
            // A link leads to where it is told by other means.
            if is_own(&name) && stat.kind != Kind::Link {
                let (kind, class) = match stat.kind {
                    Kind::Dir => (Kind::Dir, Class::Data),
                    _ => (Kind::File, Class::Config),
                };
                found.push(told(
                    Locus::file(&home.join(&name)),
                    (Touch::Writes, "in the home of who runs it"),
                    Some(kind),
                    Some(class),
                    Certainty::Observed,
                ));
            }
        }
    }
    for fact in facts {
        let What::Path { path, .. } = &fact.what else {
            continue;
        };
        let mut parts = path.components();
        if parts.next() != Some(b"{home}") {
            continue;
        }
        let Some(name) = parts.next().filter(|name| is_own(name)) else {
            continue;
        };
        for home in &homes {
            let mut own = told(
                Locus::file(&home.join(name)),
                (Touch::Writes, "in the home of who runs it"),
                Some(Kind::Dir),
                Some(Class::Data),
                Certainty::Inferred,
            );
            own.at = fact.at.clone();
            found.push(own);
        }
    }
    found
}

/// The homes of the users that the application runs as, or that bear its name; root's where there
/// are none.
fn homes(ground: &Ground<'_>, facts: &[Fact]) -> BTreeSet<AppPath> {
    let mut users: BTreeSet<&str> = facts
        .iter()
        .filter_map(|fact| match &fact.what {
            What::RunsAs { user, .. } => Some(user.as_str()),
            _ => None,
        })
        .collect();
    let named = ground.host.accounts.users.iter();
    let named = named.map(|user| user.name.as_str());
    users.extend(named.filter(|name| ground.scope.words.contains(&name.to_ascii_lowercase())));
    if users.is_empty() {
        users.insert("root");
    }
    let accounts = users
        .iter()
        .filter_map(|user| ground.host.accounts.by_name(user));
    let real = |home: &AppPath| ground.root.resolve(home.as_bytes()).ok();
    let homes = accounts.filter_map(|account| real(&account.home));
    homes
        .map(|node| node.real)
        .filter(|home| home.depth() > 0 && !places::is_code_place(home))
        .collect()
}

/// Settings in JSON that belong to the service's own user, in a directory where that user may
/// replace files: nobody keeps comments or an order in such a file, so that a program that owns it
/// writes it.
fn own_settings(ground: &Ground<'_>, facts: &[Fact]) -> Vec<Fact> {
    let etc = AppPath::new("/etc");
    let users: BTreeSet<u32> = facts
        .iter()
        .filter_map(|fact| match &fact.what {
            What::RunsAs { user, .. } => ground.host.accounts.by_name(user),
            _ => None,
        })
        .map(|account| account.uid)
        .filter(|uid| *uid != 0)
        .collect();
    let mut found = Vec::new();
    for below in ground.inventory.below(&etc) {
        let Some(stat) = below.sum.stat.filter(|stat| stat.kind == Kind::File) else {
            continue;
        };
        if !below.name.ends_with(b".json") {
            continue;
        }
        let folder = ground.inventory.get(below.dir).and_then(|sum| sum.stat);
        let replaces = folder.is_some_and(|dir| {
            dir.uid == stat.uid && dir.mode & 0o200 != 0
                || dir.gid == stat.gid && dir.mode & 0o020 != 0
        });
        let own = users.contains(&stat.uid) && stat.mode & 0o200 != 0;
        if own && replaces {
            found.push(told(
                Locus::file(&below.path()),
                (Touch::Writes, "owner"),
                Some(Kind::File),
                Some(Class::Config),
                Certainty::Inferred,
            ));
        }
    }
    found
}
