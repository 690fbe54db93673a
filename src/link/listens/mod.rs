//! Where the application listens: what its settings, arguments and socket units name; and where those
//! leave it to the programs, what these are known to open by themselves.
//!
//! What says it best is asked first: the settings in use, the setting that is switched off beside its
//! default, what the server's manual is known to say, the manual page or usage text that lies beside the
//! program, the firewall's profile of the package, the name that services(5) has for it.

mod service;
mod told;

use std::collections::BTreeSet;

use self::service::{Service, services};
use super::follow::Followed;
use super::nearby::is_for_developers;
use super::scope::Scope;
use super::{enabled, enabled_files};
use crate::extract::start_ports;
use crate::fact::{Certainty, Fact, Kind, Locus, SERVED_PAGES, What};
use crate::knowledge::{self, Opened, places};
use crate::path::AppPath;
use crate::tree::Root;

/// Settles what is listened on.
pub(super) fn settle(root: &Root, scope: &Scope, followed: &Followed, facts: &mut Vec<Fact>) {
    let services = services(facts, &idle(root, facts), &followed.commands);
    unreached(root, scope, followed, &services, facts);
    conditions(root, &services, facts);
    templates(facts);
    let named = arguments(&services);
    facts.extend(named);
    let defaults = beside_defaults(facts);
    facts.extend(defaults);
    let opened = by_themselves(&services, facts);
    facts.extend(opened);
    if !facts.iter().any(|fact| is_port(fact) && is_sure(fact)) {
        let found = last_resort(root, &services, facts);
        facts.extend(found);
    }
    datagrams(&services, facts);
    if services.is_empty() {
        facts.extend(pages(root, scope));
    }
}

/// What no start comes to opens nothing: programs of tests and examples, tools, plug-ins that nothing loads.
fn unreached(
    root: &Root,
    scope: &Scope,
    followed: &Followed,
    services: &[Service],
    facts: &mut [Fact],
) {
    for fact in facts.iter_mut().filter(|fact| is_port(fact)) {
        let file = &fact.at.file;
        // What the words of a program's own settings say is not read from its code.
        let is_read = fact.certainty == Certainty::Inferred && places::is_code_name(file.name());
        let is_named = || services.iter().any(|service| service.is_given(file));
        let is_own = || !services.is_empty() && scope.in_prefix(file).is_some();
        let is_others = || {
            places::is_recipe(file)
                || is_for_developers(file, |path| root.resolve(path.as_bytes()).is_ok())
        };
        let is_recipe = || is_own() && is_others() && !is_named();
        let is_aside = || followed.doubtful.contains(file) || followed.leaves_out(file);
        if is_read && is_aside() || is_recipe() {
            fact.certainty = Certainty::Guessed;
        }
    }
}

/// The files of units and scripts that are installed and start nothing.
fn idle(root: &Root, facts: &[Fact]) -> BTreeSet<AppPath> {
    let idle = enabled::facts(root, facts);
    let said = enabled::off(facts).into_iter().cloned();
    idle.into_iter()
        .map(|fact| fact.at.file)
        .chain(said)
        .collect()
}

/// The page by which a web server enters an application that has nothing else to start.
fn pages(root: &Root, scope: &Scope) -> Option<Fact> {
    const DIRS: [&str; 8] = [
        "",
        "htdocs",
        "html",
        "public",
        "public_html",
        "web",
        "webroot",
        "www",
    ];
    let candidates = scope.dirs.iter().flat_map(|dir| {
        DIRS.iter().map(move |below| match *below {
            "" => dir.child(b"index.php"),
            below => dir.join(below).child(b"index.php"),
        })
    });
    let is_there = |page: &AppPath| {
        let node = root.resolve(page.as_bytes());
        node.is_ok_and(|node| node.stat.kind == Kind::File)
    };
    let page = candidates.into_iter().find(is_there)?;
    Some(Fact {
        at: Locus::file(&page),
        what: What::Directive {
            key: SERVED_PAGES.to_owned(),
            value: "php".to_owned(),
        },
        certainty: Certainty::Inferred,
    })
}

/// A fact of a listener.
fn listens(at: &Locus, what: What, certainty: Certainty) -> Fact {
    Fact {
        at: at.clone(),
        what,
        certainty,
    }
}

/// A number of the network.
fn is_port(fact: &Fact) -> bool {
    matches!(&fact.what, What::Listens { port: Some(_), .. })
}

/// A firewall's profile says what may be opened, and not what is listened on.
fn is_sure(fact: &Fact) -> bool {
    let mut parts = fact.at.file.components();
    let is_profile = parts.any(|part| part == b"ufw" || part == b"firewalld");
    fact.certainty > Certainty::Guessed && !is_profile
}

/// Settings that a package ships apart from those in use name listeners of what may be set up after them.
fn templates(facts: &mut [Fact]) {
    const ENDINGS: [&str; 8] = [
        ".conf", ".cfg", ".ini", ".json", ".toml", ".xml", ".yaml", ".yml",
    ];
    let is_used = |fact: &Fact| {
        let file = &fact.at.file;
        file.is_below(&AppPath::new("/etc"))
            && ENDINGS
                .iter()
                .any(|ending| file.name().ends_with(ending.as_bytes()))
    };
    if !facts.iter().any(is_used) {
        return;
    }
    for fact in facts.iter_mut().filter(|fact| is_port(fact)) {
        let file = &fact.at.file;
        let is_shipped = ["/usr/share", "/usr/lib"]
            .iter()
            .any(|dir| file.is_below(&AppPath::new(dir)));
        if is_shipped
            && ENDINGS
                .iter()
                .any(|ending| file.name().ends_with(ending.as_bytes()))
        {
            fact.certainty = Certainty::Guessed;
        }
    }
}

/// Listeners that hold only when the program has a module: they do when something loads it; or when the
/// program is the one that a section of the settings is called after.
fn conditions(root: &Root, services: &[Service], facts: &mut Vec<Fact>) {
    let conditions: Vec<(Locus, Certainty, What, String)> = facts
        .iter()
        .filter_map(|fact| {
            let What::Setting { key, value } = &fact.what else {
                return None;
            };
            let (what, module) =
                start_ports::listener(value).filter(|_| key == start_ports::CONDITION)?;
            Some((fact.at.clone(), fact.certainty, what, module.to_owned()))
        })
        .collect();
    if conditions.is_empty() {
        return;
    }
    let loaded: BTreeSet<String> = facts
        .iter()
        .filter_map(|fact| match &fact.what {
            What::Path { path, by, .. }
                if is_loader(by) && !enabled_files::is_idle(root, &fact.at.file) =>
            {
                Some(module_of(path))
            }
            _ => None,
        })
        .collect();
    let is_started = |part: &str| {
        let mut names = services.iter().flat_map(|service| &service.names);
        names.any(|name| name.split('.').next().unwrap_or(name).ends_with(part))
    };
    let parts = conditions
        .iter()
        .filter(|(_, _, _, part)| part.starts_with('-'));
    let are_programs = parts
        .map(|(_, _, _, part)| part)
        .any(|part| is_started(part));
    for (at, certainty, what, module) in conditions {
        if module.starts_with('-') {
            if !are_programs || is_started(&module) {
                facts.push(listens(&at, what, certainty));
            }
            continue;
        }
        let module = module_name(&module);
        // Where nothing at all is loaded, the modules are built in or not known.
        let certainty = match loaded.is_empty() || loaded.contains(&module) {
            true => certainty,
            false => Certainty::Guessed,
        };
        facts.push(listens(&at, what, certainty));
    }
}

fn is_loader(by: &str) -> bool {
    by.rsplit('.')
        .next()
        .unwrap_or(by)
        .eq_ignore_ascii_case("loadmodule")
}

/// `mod_ssl.c` and `ssl_module` are names of the module in `mod_ssl.so`.
fn module_name(name: &str) -> String {
    let stem = name.split('.').next().unwrap_or(name);
    let bare = stem.strip_prefix("mod_").unwrap_or(stem);
    bare.strip_suffix("_module").unwrap_or(bare).to_owned()
}

fn module_of(path: &AppPath) -> String {
    module_name(&String::from_utf8_lossy(path.name()))
}

/// What the arguments of the services name.
fn arguments(services: &[Service]) -> Vec<Fact> {
    let mut found = Vec::new();
    for service in services {
        for one in start_ports::of_command(service.command.name(), &service.args) {
            let what = What::Listens {
                transport: one.transport.to_owned(),
                port: one.port,
                address: one.address,
                protocol: one.protocol,
            };
            found.push(listens(&service.said, what, Certainty::Inferred));
        }
    }
    found
}

/// The settings that are switched off and say what holds without them: those that are sure, where no
/// setting in use says otherwise.
fn beside_defaults(facts: &[Fact]) -> Vec<Fact> {
    let mut found: Vec<Fact> = Vec::new();
    let programs: BTreeSet<&[u8]> = facts
        .iter()
        .filter(|fact| matches!(fact.what, What::Program { .. }))
        .map(|fact| fact.at.file.name())
        .collect();
    let defaults: Vec<(&Fact, What, String)> = facts
        .iter()
        .filter(|fact| fact.certainty > Certainty::Guessed)
        .filter_map(default_of)
        .collect();
    let is_there = |section: &str| programs.contains(section.as_bytes());
    let are_programs = defaults.iter().any(|(_, _, section)| is_there(section));
    for (fact, what, section) in defaults {
        // Sections that are called after the program that listens for them: one that is not installed
        // does not.
        if are_programs && !section.is_empty() && !is_there(&section) {
            continue;
        }
        let is_overruled = facts
            .iter()
            .chain(&found)
            .any(|other| overrules(other, &fact.at, &what));
        if !is_overruled {
            found.push(listens(&fact.at, what, Certainty::Inferred));
        }
    }
    found
}

/// The listener of a setting that is switched off, and the section that it stands in.
fn default_of(fact: &Fact) -> Option<(&Fact, What, String)> {
    let What::Setting { key, value } = &fact.what else {
        return None;
    };
    let (what, section) = start_ports::listener(value).filter(|_| key == start_ports::DEFAULT)?;
    Some((fact, what, section.to_owned()))
}

/// Whether a setting in use is about the listener that a default is for: the same port, or the same
/// protocol in another file.
fn overrules(other: &Fact, at: &Locus, default: &What) -> bool {
    let (
        What::Listens {
            transport: a,
            port: p,
            protocol: x,
            ..
        },
        What::Listens {
            transport: b,
            port: q,
            protocol: y,
            ..
        },
    ) = (&other.what, default)
    else {
        return false;
    };
    let is_same = p.is_some() && p == q;
    let is_moved = x.is_some() && x == y && other.at.file != at.file;
    a == b && is_sure(other) && (is_same || is_moved)
}

/// What servers open by themselves: beside what settings name, and where none names a port of theirs.
fn by_themselves(services: &[Service], facts: &[Fact]) -> Vec<Fact> {
    let is_left_open = facts.iter().any(
        |fact| matches!(&fact.what, What::Setting { key, .. } if key == start_ports::LEFT_OPEN),
    );
    let mut found = Vec::new();
    for service in services {
        let Some(server) = service
            .names
            .iter()
            .find_map(|name| knowledge::server(name))
        else {
            continue;
        };
        let is_told = facts.iter().any(|fact| {
            let is_settled = fact.at.file != service.program && !is_beside(fact);
            is_port(fact) && is_sure(fact) && is_settled && service.is_told_in(fact, services)
        });
        let own = server.ports.iter().filter(|_| !is_told || is_left_open);
        for opened in own.chain(&server.also) {
            let what = opens(opened);
            let is_known = |fact: &Fact| same_port(&fact.what, &what) && is_sure(fact);
            if !facts.iter().any(is_known) {
                // Of several that start the same, only one may be in use: each is told.
                found.push(listens(&service.at, what, Certainty::Inferred));
            }
        }
    }
    found
}

/// Whether a listener is there to steer, watch or follow a server, which has others besides.
fn is_beside(fact: &Fact) -> bool {
    const BESIDE: [&str; 9] = [
        "ajp",
        "cluster",
        "debug",
        "jdwp",
        "jmx",
        "management",
        "metrics",
        "rmi",
        "shutdown",
    ];
    matches!(&fact.what, What::Listens { protocol: Some(name), .. } if BESIDE.contains(&name.as_str()))
}

fn opens(opened: &Opened) -> What {
    let protocol = opened
        .protocol
        .or_else(|| knowledge::protocol(opened.transport, opened.port));
    What::Listens {
        transport: opened.transport.to_owned(),
        port: Some(opened.port),
        address: if opened.local { "127.0.0.1" } else { "" }.to_owned(),
        protocol: protocol.map(str::to_owned),
    }
}

fn same_port(one: &What, other: &What) -> bool {
    match (one, other) {
        (
            What::Listens {
                transport: a,
                port: p,
                ..
            },
            What::Listens {
                transport: b,
                port: q,
                ..
            },
        ) => a == b && p == q,
        _ => false,
    }
}

/// Where nothing else names a port: the one setting that is switched off, then what lies beside the
/// program, then its name.
fn last_resort(root: &Root, services: &[Service], facts: &[Fact]) -> Vec<Fact> {
    let weak: Vec<(&Fact, What, String)> = facts.iter().filter_map(default_of).collect();
    let ports: BTreeSet<&What> = weak.iter().map(|(_, what, _)| what).collect();
    if ports.len() == 1
        && let Some((fact, what, _)) = weak.first()
        && !services.is_empty()
    {
        return vec![listens(&fact.at, what.clone(), Certainty::Inferred)];
    }
    let by_manual: Vec<Fact> = services
        .iter()
        .flat_map(|service| told::beside(root, service, facts))
        .collect();
    if !by_manual.is_empty() || facts.iter().any(is_port) {
        return by_manual;
    }
    told::registered(root, services)
}

/// A port that does not say how it is spoken to is spoken to by datagrams where the server is known to
/// open that one so, or none but such.
fn datagrams(services: &[Service], facts: &mut [Fact]) {
    let known: Vec<&Opened> = services
        .iter()
        .flat_map(|service| &service.names)
        .filter_map(|name| knowledge::server(name))
        .flat_map(|server| server.ports.iter().chain(&server.also))
        .collect();
    if known.is_empty() {
        return;
    }
    let are_all = known.iter().all(|one| one.transport == "udp");
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
            let mut same = known.iter().filter(|one| one.port == *port).peekable();
            let is_one = same.peek().is_some() && same.all(|one| one.transport == "udp");
            if are_all || is_one {
                "udp".clone_into(transport);
            }
        }
    }
}
