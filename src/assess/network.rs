//! What shows that the network is easy: HTTP is spoken, or nothing is listened on that others reach.

use std::collections::BTreeSet;

use super::Seen;
use super::easy::{Open, Shown, easy, open, programs, starts};
use crate::fact::{Certainty, ProgramForm, SERVED_PAGES, What};
use crate::path::AppPath;

/// Libraries that open no address for who calls them.
const SILENT: [&str; 48] = [
    "ld-linux",
    "ld-musl",
    "libacl",
    "libattr",
    "libaudit",
    "libblkid",
    "libbsd",
    "libbz2",
    "libc",
    "libcap",
    "libcap-ng",
    "libcrypt",
    "libcrypto",
    "libdl",
    "libdb",
    "libexpat",
    "libgcc_s",
    "libgcrypt",
    "libgdbm",
    "libgpg-error",
    "libkmod",
    "liblz4",
    "liblzma",
    "libm",
    "libmd",
    "libmount",
    "libncurses",
    "libncursesw",
    "libpam",
    "libpam_misc",
    "libpcre",
    "libpcre2-8",
    "libpopt",
    "libproc2",
    "libprocps",
    "libpthread",
    "libreadline",
    "librt",
    "libseccomp",
    "libselinux",
    "libsqlite3",
    "libstdc++",
    "libsystemd",
    "libtinfo",
    "liburing",
    "libutil",
    "libz",
    "libzstd",
];

/// Evidence that the network is easy.
pub(super) fn network(seen: &Seen<'_>) -> Result<Shown, Open> {
    if let Some(shown) = web(seen) {
        return Ok(shown);
    }
    let listens: Vec<(&AppPath, &str, &str)> = seen
        .facts
        .iter()
        .filter(|fact| !is_announced(&fact.at.file))
        .filter_map(|fact| match &fact.what {
            What::Listens {
                transport, address, ..
            } => Some((&fact.at.file, transport.as_str(), address.as_str())),
            _ => None,
        })
        .collect();
    let starts = starts(seen);
    if listens.is_empty() && !starts.is_empty() && starts.iter().all(|(_, _, service)| !service) {
        return easy(
            "nothing listens: it is started on a schedule and ends",
            own(starts.iter().map(|(_, program, _)| *program)),
        );
    }
    let reached: Vec<_> = listens
        .iter()
        .filter(|(_, transport, address)| *transport != "unix" && !is_inside(address))
        .collect();
    let inside = listens
        .iter()
        .filter(|(_, transport, _)| *transport != "unix");
    let inside: Vec<&AppPath> = inside.map(|(file, _, _)| *file).collect();
    if reached.is_empty() && !inside.is_empty() {
        return easy(
            "nothing is published: it listens on the loopback address alone",
            own(inside.into_iter()),
        );
    }
    if listens.is_empty()
        && let Some(programs) = silent(seen)
    {
        return easy(
            "nothing listens: none of its programs binds an address",
            programs,
        );
    }
    if reached.is_empty()
        && let Some(files) = chosen_sockets(seen)
    {
        return easy(
            "nothing is published: its settings name a Unix socket to listen on",
            files,
        );
    }
    let network = listens.iter().any(|(_, transport, _)| *transport != "unix");
    let why = match (!listens.is_empty(), network) {
        (_, true) => "it listens, but not in a way that shows the protocol",
        (true, false) => "it listens on Unix sockets; no port was found",
        _ => "no port that it listens on was found: the program's own default may hold",
    };
    open(
        why,
        "Look up its default port, or audit the root with the settings or the socket unit that name \
         one.",
    )
}

fn own<'a>(paths: impl Iterator<Item = &'a AppPath>) -> Vec<AppPath> {
    let paths: BTreeSet<&AppPath> = paths.collect();
    paths.into_iter().cloned().collect()
}

/// What speaks HTTP: a listener of that protocol, or on a port that is registered for it where the
/// protocol is not said (IANA: http, https, http-alt; 8443 by custom); pages that a web server runs.
fn web(seen: &Seen<'_>) -> Option<Shown> {
    const NAMES: [&str; 10] = [
        "http", "https", "h2", "h2c", "h3", "http/2", "http/3", "quic", "ws", "wss",
    ];
    for fact in seen.facts {
        if fact.certainty < Certainty::Inferred {
            continue;
        }
        match &fact.what {
            What::Listens {
                transport,
                port,
                protocol,
                ..
            } => {
                let speaks = match protocol.as_deref() {
                    Some(name) => NAMES.contains(&name),
                    None => matches!(port, Some(80 | 443 | 8080 | 8443)),
                };
                if speaks {
                    let port = port.map_or_else(String::new, |port| format!(" port {port}"));
                    return Some(Shown {
                        why: format!("it listens on {transport}{port}"),
                        paths: vec![fact.at.file.clone()],
                    });
                }
            }
            What::Directive { key, .. } if key == SERVED_PAGES => {
                return Some(Shown {
                    why: format!("a web server runs its pages: {}", fact.at.file),
                    paths: vec![fact.at.file.clone()],
                });
            }
            _ => {}
        }
    }
    None
}

/// What a firewall or the local network is told says where it may listen, and not where it does.
fn is_announced(file: &AppPath) -> bool {
    [
        "/etc/ufw",
        "/etc/avahi",
        "/etc/firewalld",
        "/usr/lib/firewalld",
    ]
    .iter()
    .any(|dir| file.is_below(&AppPath::new(dir)))
}

fn is_inside(address: &str) -> bool {
    let bare = address.trim_start_matches('[').trim_end_matches(']');
    let parsed = bare.parse::<std::net::IpAddr>();
    bare == "localhost" || parsed.is_ok_and(|address| address.is_loopback())
}

/// The programs of the services, where each is native and neither it nor what it loads binds an address
/// (bind(2)).
fn silent(seen: &Seen<'_>) -> Option<Vec<AppPath>> {
    let services: BTreeSet<&AppPath> = starts(seen)
        .into_iter()
        .filter(|(_, _, is_service)| *is_service)
        .map(|(_, program, _)| program)
        .collect();
    let known = programs(seen);
    // A library is opened by a link to the file that was read.
    let is_own = |path: &Option<AppPath>| {
        path.as_ref().is_some_and(|path| {
            known.iter().any(|(file, _, _)| {
                file.parent() == path.parent() && file.name().starts_with(path.name())
            })
        })
    };
    let is_silent = |program: &&AppPath| {
        let is_native = known.iter().any(|(file, form, has_loader)| {
            file == program && *form == ProgramForm::Elf && *has_loader
        });
        is_native
            && !seen.facts.iter().any(|fact| {
                fact.at.file == **program
                    && match &fact.what {
                        What::Imports { symbol } => symbol == "bind",
                        What::Library { name, path, .. } => !is_quiet(name) && !is_own(path),
                        _ => false,
                    }
            })
    };
    // A library of the application's own may bind for its program.
    let binds = |fact: &crate::fact::Fact| matches!(&fact.what, What::Imports { symbol } if symbol == "bind");
    let all = !services.is_empty() && services.iter().all(is_silent);
    (all && !seen.facts.iter().any(binds)).then(|| own(services.into_iter()))
}

fn is_quiet(library: &str) -> bool {
    let stem = library.split(".so").next().unwrap_or(library);
    let bare = stem.trim_end_matches(|c: char| c.is_ascii_digit() || matches!(c, '.' | '-'));
    SILENT.contains(&stem) || SILENT.contains(&bare)
}

/// Settings that choose where to listen, and chose a Unix socket.
fn chosen_sockets(seen: &Seen<'_>) -> Option<Vec<AppPath>> {
    let chosen: Vec<&AppPath> = seen
        .facts
        .iter()
        .filter(|fact| fact.certainty >= Certainty::Inferred)
        .filter(|fact| matches!(&fact.what, What::Listens { transport, .. } if transport == "unix"))
        .map(|fact| &fact.at.file)
        .filter(|file| !file.name().ends_with(b".socket"))
        .collect();
    (!chosen.is_empty()).then(|| own(chosen.into_iter()))
}
