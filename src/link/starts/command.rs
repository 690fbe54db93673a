//! What the commands of services say: their variables, the ports in their arguments, and whether a shell
//! runs them.

use std::collections::{BTreeMap, BTreeSet};

use super::SOURCED_LIMIT;
use crate::extract::{HEAD, Input, shell, start_ports, withhold};
use crate::fact::{Certainty, Fact, Locus, RUN_BY, StartKind, What};
use crate::knowledge::{self, places};
use crate::parse::env_file;
use crate::parse::unit::substitute;
use crate::path::AppPath;
use crate::tree::{LookupError, Root};

/// Variables that systemd sets for the processes of a service.
const MANAGED: [&str; 14] = [
    "MAINPID",
    "NOTIFY_SOCKET",
    "LISTEN_FDS",
    "LISTEN_PID",
    "RUNTIME_DIRECTORY",
    "STATE_DIRECTORY",
    "CACHE_DIRECTORY",
    "LOGS_DIRECTORY",
    "CONFIGURATION_DIRECTORY",
    "CREDENTIALS_DIRECTORY",
    "HOME",
    "USER",
    "INVOCATION_ID",
    "SHELL",
];

/// Puts variables into the commands of units, as systemd does (systemd.service(5), "Command lines"):
/// those of the files that the unit names. One that nothing sets is empty, once all is read.
pub(in crate::link) fn resolve(root: &Root, facts: &mut [Fact]) {
    let mut files: BTreeMap<AppPath, BTreeSet<AppPath>> = BTreeMap::new();
    for fact in facts.iter() {
        if let What::Path { path, by, .. } = &fact.what
            && by.starts_with("EnvironmentFile")
        {
            let named = files.entry(fact.at.file.clone()).or_default();
            named.insert(path.clone());
        }
    }
    let none = BTreeSet::new();
    for fact in facts {
        let What::Starts {
            args,
            how: StartKind::Unit,
            ..
        } = &mut fact.what
        else {
            continue;
        };
        if !args
            .iter()
            .any(|arg| arg.contains('$') && !arg.contains(char::is_whitespace))
        {
            continue;
        }
        let mut known = BTreeMap::new();
        let mut is_whole = true;
        for file in files.get(&fact.at.file).unwrap_or(&none) {
            match root.read(file.as_bytes(), SOURCED_LIMIT) {
                Ok(text) => known.extend(
                    env_file::parse(&text)
                        .0
                        .into_iter()
                        .map(|assignment| (assignment.name, assignment.value)),
                ),
                Err(LookupError::Absent) => {}
                Err(_) => is_whole = false,
            }
        }
        let lookup = |name: &str| match known.get(name) {
            Some(value) if withhold::must_withhold(name, value) => None,
            Some(value) => Some(value.clone()),
            // What the manager itself sets is not in a file (systemd.exec(5)).
            None if MANAGED.contains(&name) => None,
            None => is_whole.then(Vec::new),
        };
        let words = std::mem::take(args);
        for word in words {
            // A script for a shell has variables of its own.
            if word.contains(char::is_whitespace) {
                args.push(word);
                continue;
            }
            let found = substitute(word.as_bytes(), &lookup);
            args.extend(found.iter().map(|word| withhold::word(word)));
        }
    }
}

/// Which starts have a script of the shell as their program.
pub(in crate::link) fn scripts(root: &Root, facts: &[Fact]) -> Vec<Fact> {
    let is_script = |program: &AppPath| {
        let node = root.resolve(program.as_bytes()).ok()?;
        let head = root.read(program.as_bytes(), HEAD).ok()?;
        let input = Input::new(program, &node.stat, &head, &head);
        Some(input.interpreter().is_some() && shell::is_script(&input))
    };
    let mut found = Vec::new();
    for fact in facts {
        if let What::Starts { program, how, .. } = &fact.what
            && matches!(
                how,
                StartKind::Unit | StartKind::Init | StartKind::Supervisor
            )
            && !places::is_interpreter(program.name())
            && !knowledge::starts::is_helper(program.name())
            && is_script(program) == Some(true)
        {
            found.push(Fact {
                at: fact.at.clone(),
                what: What::Directive {
                    key: RUN_BY.to_owned(),
                    value: "shell".to_owned(),
                },
                certainty: Certainty::Observed,
            });
        }
    }
    found
}

/// A port of settings that does not say how it is spoken to is spoken to by datagrams where every port
/// that the service has by itself is.
pub(in crate::link) fn datagrams(facts: &mut [Fact]) {
    let defaults: Vec<&(&str, u16)> = facts
        .iter()
        .filter_map(|fact| match &fact.what {
            What::Starts { program, how, .. } if *how != StartKind::Script => Some(program.name()),
            _ => None,
        })
        .flat_map(|name| knowledge::default_ports(&String::from_utf8_lossy(name)))
        .collect();
    if defaults.is_empty() || defaults.iter().any(|(transport, _)| *transport != "udp") {
        return;
    }
    for fact in facts {
        if let What::Listens {
            transport,
            port: Some(port),
            protocol: None,
            ..
        } = &mut fact.what
            && transport == "tcp"
            && knowledge::protocol("tcp", *port).is_none()
        {
            "udp".clone_into(transport);
        }
    }
}

/// What the scripts start that services are started by: the last of them has the program's arguments.
fn run_by<'a>(services: &[&Fact], facts: &'a [Fact]) -> Vec<&'a Fact> {
    let scripts = || {
        facts.iter().filter(|fact| {
            matches!(
                &fact.what,
                What::Starts {
                    how: StartKind::Script,
                    ..
                }
            )
        })
    };
    let named = |fact: &Fact| -> Vec<AppPath> {
        let What::Starts { program, args, .. } = &fact.what else {
            return Vec::new();
        };
        let paths = args.iter().filter_map(AppPath::absolute);
        paths.chain([program.clone()]).collect()
    };
    let mut known: BTreeSet<AppPath> = services.iter().flat_map(|fact| named(fact)).collect();
    let mut found: BTreeSet<&Fact> = BTreeSet::new();
    // A script may call another: a few steps lead to the program.
    for _ in 0..3 {
        let fresh: Vec<&Fact> = scripts()
            .filter(|fact| known.contains(&fact.at.file) && !found.contains(fact))
            .collect();
        known.extend(fresh.iter().flat_map(|fact| named(fact)));
        found.extend(fresh);
    }
    found.into_iter().collect()
}

/// What services listen on by the arguments of their starts; and where nothing at all names a port, by what
/// their manuals say of their own default.
pub(in crate::link) fn listening(facts: &[Fact]) -> Vec<Fact> {
    let listens = |at: &Locus, transport: &str, port, address: String, protocol| Fact {
        at: at.clone(),
        what: What::Listens {
            transport: transport.to_owned(),
            port,
            address,
            protocol,
        },
        certainty: Certainty::Inferred,
    };
    let is_service = |fact: &&Fact| {
        matches!(&fact.what, What::Starts { how, name, .. }
            if !name.contains(" Exec")
                && matches!(how, StartKind::Unit | StartKind::Init | StartKind::Supervisor))
    };
    let services: Vec<&Fact> = facts.iter().filter(is_service).collect();
    let mut found = Vec::new();
    for fact in services.iter().copied().chain(run_by(&services, facts)) {
        if let What::Starts { program, args, .. } = &fact.what {
            let ports = start_ports::ports(args).into_iter();
            let ports = ports.chain(start_ports::of_super_server(program.name(), args));
            found.extend(
                ports.map(|one| {
                    listens(&fact.at, one.transport, one.port, one.address, one.protocol)
                }),
            );
        }
    }
    // A firewall's profile says what may be opened, and not what is listened on.
    let is_profile = |file: &AppPath| {
        let mut parts = file.components();
        parts.any(|part| part == b"ufw" || part == b"firewalld")
    };
    let is_port = |fact: &Fact| {
        matches!(&fact.what, What::Listens { port: Some(_), .. })
            && fact.certainty > Certainty::Guessed
            && !is_profile(&fact.at.file)
    };
    let is_left_open = |fact: &Fact| matches!(&fact.what, What::Setting { key, .. } if key == start_ports::LEFT_OPEN);
    if facts.iter().chain(&found).any(is_port) && !facts.iter().any(is_left_open) {
        return found;
    }
    for fact in services {
        let What::Starts { program, args, .. } = &fact.what else {
            continue;
        };
        let is_run = places::is_interpreter(program.name());
        let script = args.iter().find(|arg| !arg.starts_with('-'));
        let script = script.filter(|_| is_run).map(AppPath::new);
        let program = script.as_ref().unwrap_or(program);
        let name = String::from_utf8_lossy(program.name()).into_owned();
        let ports = knowledge::default_ports(&name).iter();
        found.extend(ports.map(|(transport, port)| {
            let protocol = knowledge::protocol(transport, *port).map(str::to_owned);
            listens(&fact.at, transport, Some(*port), String::new(), protocol)
        }));
    }
    found
}
