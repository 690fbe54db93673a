//! What runs on a system: what its starters start, what lies where add-on software is put, and what its
//! web servers serve. What belongs to the system itself is none of it.

use std::collections::{BTreeMap, BTreeSet};

use super::enabled;
use super::host::Host;
use super::scope::instance_package;
use super::starts;
use super::web;
use crate::fact::{Fact, Kind, StartKind, What};
use crate::knowledge::{places, starts as known};
use crate::path::AppPath;
use crate::report::{Application, Starter, Survey};
use crate::tree::{Node, Root};

/// How many entries of a tree are counted.
const MAX_ENTRIES: usize = 200_000;

/// How many entries of a tree are looked at for a program, and how deep.
const MAX_LOOKED: usize = 4_000;
const MAX_DEPTH: usize = 6;

/// What an application is known by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Package(String),
    Tree(AppPath),
    Unit(String),
    /// An instance of a template, and the package that is named after it.
    Instance(String, String),
}

/// Finds the applications of a system.
#[must_use]
pub fn survey(root: &Root, host: &Host) -> Survey {
    let mut found: BTreeMap<Key, Application> = BTreeMap::new();
    let declared = host.declarations.iter().flat_map(|(_, facts)| facts.iter());
    let declared: Vec<Fact> = declared.cloned().collect();
    let disabled: BTreeSet<AppPath> = enabled::facts(root, &declared)
        .into_iter()
        .map(|fact| fact.at.file)
        .collect();
    for (file, facts) in host.declarations.iter() {
        if is_idle(root, file) {
            continue;
        }
        for fact in facts {
            if let Some(key) = key_of(root, host, fact) {
                let is_enabled = !disabled.contains(file);
                add(found.entry(key).or_default(), fact, facts, is_enabled);
            }
        }
    }
    for tree in trees(root, host) {
        found.entry(Key::Tree(tree)).or_default();
    }
    for (place, file, ports, user) in web::sites(root) {
        let Some(tree) = tree_of_site(root, host, &place) else {
            continue;
        };
        let application = found.entry(Key::Tree(tree)).or_default();
        application.ports.extend(ports);
        application.users.extend(user);
        if !application.served_by.contains(&file) {
            application.served_by.push(file);
        }
    }
    // A tree below that of another application is part of it.
    let tops: Vec<AppPath> = found
        .keys()
        .filter_map(|key| match key {
            Key::Tree(tree) => Some(tree.clone()),
            _ => None,
        })
        .collect();
    found.retain(|key, application| {
        let is_part = |tree: &AppPath| tops.iter().any(|top| tree.is_below(top));
        !matches!(key, Key::Tree(tree) if is_part(tree) && application.starts.is_empty())
    });
    // A service that is off comes with a package that another needs, or is somebody's choice.
    let needed = needed(host, &found);
    found.retain(|key, application| {
        let is_off =
            !application.starts.is_empty() && !application.starts.iter().any(|start| start.enabled);
        !matches!(key, Key::Package(name) if is_off && needed.contains(name))
    });
    let applications = found
        .into_iter()
        .map(|(key, application)| finish(root, host, key, application));
    let mut applications: Vec<Application> = applications.collect();
    applications.sort_by(|a, b| a.name.cmp(&b.name).then_with(|| a.scope.cmp(&b.scope)));
    Survey {
        system: host.release.pretty.clone(),
        applications,
    }
}

/// The packages that another of the found ones needs.
fn needed(host: &Host, found: &BTreeMap<Key, Application>) -> BTreeSet<String> {
    let packages = found.keys().filter_map(|key| match key {
        Key::Package(name) => host.packages.get(name),
        _ => None,
    });
    packages
        .flat_map(|package| package.depends.iter().cloned())
        .collect()
}

/// Whether nothing acts by a file: a script that a unit has replaced, a template without an instance.
fn is_idle(root: &Root, file: &AppPath) -> bool {
    let is_script = crate::extract::shell::INIT_DIRS
        .iter()
        .any(|dir| file.parent() == Some(AppPath::new(dir)));
    let is_template = memchr::memmem::find(file.name(), b"@.").is_some();
    is_template || is_script && starts::is_replaced(root, file)
}

/// The application that a start is of; nothing for one of the system itself, or one that comes and
/// goes with a package.
fn key_of(root: &Root, host: &Host, fact: &Fact) -> Option<Key> {
    let What::Starts {
        program,
        args,
        how,
        name,
        given,
        ..
    } = &fact.what
    else {
        return None;
    };
    if name.contains(" Exec") || *how == StartKind::Script {
        return None;
    }
    if let Some(package) = instance_package(host, name) {
        return Some(Key::Instance(name.clone(), package));
    }
    let real = |path: &AppPath| root.resolve(path.as_bytes()).ok();
    let dir = given.as_ref().and_then(|given| given.directory.as_ref());
    // What another program starts is meant, not that.
    let is_other = places::is_interpreter(program.name())
        || known::is_launcher(program.name())
        || known::is_helper(program.name());
    let named = args.iter().filter(|arg| !arg.starts_with('-'));
    let mut named = named.filter_map(|arg| {
        AppPath::absolute(arg).or_else(|| dir.filter(|_| is_other).map(|dir| dir.join(arg)))
    });
    let script = named.find(|path| real(path).is_some_and(|node| node.stat.kind == Kind::File));
    let target = match script {
        Some(script) if is_other => script,
        _ => program.clone(),
    };
    let tree = |path: &AppPath| tree_of(root, host, path);
    let node = real(&target);
    let in_tree = node.as_ref().and_then(|node| tree(&node.real));
    if let Some(tree) = in_tree.or_else(|| dir.filter(|_| is_other).and_then(tree)) {
        return Some(Key::Tree(tree));
    }
    if matches!(how, StartKind::Cron | StartKind::Timer) {
        return None;
    }
    if matches!(program.name(), b"true" | b"false") {
        return None;
    }
    // The package of the unit or script says best whose service it is; a start of somebody's own may
    // run a program of the system.
    let owner = |path: &AppPath| {
        let node = real(path)?;
        host.packages.owner(&node.real)
    };
    match (owner(&fact.at.file), owner(&target)) {
        (Some(package), _) | (None, Some(package)) => {
            (!host.is_base(package)).then(|| Key::Package(package.name.clone()))
        }
        (None, None) => {
            let is_there = node.is_some() && !is_other;
            is_there.then(|| Key::Unit(name.clone()))
        }
    }
}

/// The tree of its own that a path lies in; nothing where a package has it.
fn tree_of(root: &Root, host: &Host, path: &AppPath) -> Option<AppPath> {
    let mut tree = places::add_on_prefix(path)?;
    // A home is a person's; an application in it has a directory of its own.
    if tree.parent() == Some(AppPath::new("/home")) && path.depth() > tree.depth() + 1 {
        tree = path.prefix(tree.depth() + 1);
    }
    let node = root.resolve(tree.as_bytes()).ok()?;
    let is_own = node.stat.kind == Kind::Dir && host.packages.owner(path).is_none();
    is_own.then_some(node.real)
}

/// The directory of a site: its tree, where it has one, else its content.
fn tree_of_site(root: &Root, host: &Host, place: &AppPath) -> Option<AppPath> {
    let node = root.resolve(place.as_bytes()).ok()?;
    if host.packages.owner(&node.real).is_some() {
        return None;
    }
    let tree = tree_of(root, host, &node.real);
    // `html` in `/var/www` is where a server's own page lies, too.
    let dir = tree.or_else(|| (node.stat.kind == Kind::Dir).then(|| node.real.clone()))?;
    has_program(root, &dir, true).then_some(dir)
}

fn add(application: &mut Application, fact: &Fact, beside: &[Fact], is_enabled: bool) {
    let What::Starts {
        how, name, given, ..
    } = &fact.what
    else {
        return;
    };
    let starter = Starter {
        name: name.clone(),
        how: *how,
        file: fact.at.file.clone(),
        enabled: is_enabled,
    };
    if !application.starts.contains(&starter) {
        application.starts.push(starter);
    }
    let own = given.as_ref().and_then(|given| given.user.clone());
    let of_file = || {
        beside.iter().find_map(|fact| match &fact.what {
            What::RunsAs { user, .. } => Some(user.clone()),
            _ => None,
        })
    };
    application.users.extend(own.or_else(of_file));
    for fact in beside {
        if let What::Listens {
            port: Some(port), ..
        } = &fact.what
        {
            application.ports.push(*port);
        }
    }
}

/// Directories in which add-on software lies, and those of the home directories.
fn trees(root: &Root, host: &Host) -> Vec<AppPath> {
    const PLACES: [&str; 7] = [
        "/opt",
        "/usr/local",
        "/srv",
        "/app",
        "/apps",
        "/var/www",
        "/home",
    ];
    let mut places: Vec<AppPath> = PLACES.iter().map(AppPath::new).collect();
    for (name, stat) in root.list("/").unwrap_or_default() {
        let is_data =
            name.len() == 3 && name[0] == b'u' && name[1..].iter().all(u8::is_ascii_digit);
        if is_data && stat.kind == Kind::Dir {
            places.push(AppPath::root().child(&name));
        }
    }
    let mut found = BTreeSet::new();
    for place in places {
        for (name, stat) in root.list(place.as_bytes()).unwrap_or_default() {
            let dir = place.child(&name);
            let tree = (stat.kind == Kind::Dir).then(|| tree_of(root, host, &dir.child(b"x")));
            let Some(tree) = tree.flatten().filter(|tree| *tree == dir) else {
                continue;
            };
            let is_home = place.as_bytes() == b"/home";
            if is_home {
                found.extend(of_home(root, host, &dir));
                continue;
            }
            if host.packages.owner(&tree).is_none() && has_program(root, &tree, true) {
                found.insert(tree);
            }
        }
    }
    found.into_iter().collect()
}

/// The directories of a home that hold programs, hidden ones left out.
fn of_home(root: &Root, host: &Host, home: &AppPath) -> Vec<AppPath> {
    let names = root.list(home.as_bytes()).unwrap_or_default().into_iter();
    let dirs = names.filter(|(name, stat)| stat.kind == Kind::Dir && !name.starts_with(b"."));
    dirs.map(|(name, _)| home.child(&name))
        .filter(|dir| host.packages.owner(dir).is_none() && has_program(root, dir, true))
        .collect()
}

/// Whether a tree holds a program that no package has: code in any language, a jar, or, where `all`,
/// a page.
pub(super) fn has_program(root: &Root, tree: &AppPath, all: bool) -> bool {
    const PROGRAMS: [&[u8]; 12] = [
        b".jar", b".war", b".ear", b".php", b".py", b".pl", b".rb", b".js", b".cgi", b".sh",
        b".tcl", b".lua",
    ];
    let mut left = MAX_LOOKED;
    let mut dirs = vec![(tree.clone(), 0)];
    while let Some((dir, depth)) = dirs.pop() {
        for (name, stat) in root.list(dir.as_bytes()).unwrap_or_default() {
            left = left.saturating_sub(1);
            if left == 0 {
                return false;
            }
            // A person's own tools and caches are hidden.
            if name.starts_with(b".") {
                continue;
            }
            let is_code = PROGRAMS.iter().any(|ending| name.ends_with(ending));
            let is_run = stat.mode & 0o111 != 0 && (all || depth > 0);
            match stat.kind {
                Kind::File if (is_code && (all || depth > 0)) || is_run => return true,
                Kind::Dir if depth < MAX_DEPTH => dirs.push((dir.child(&name), depth + 1)),
                _ => {}
            }
        }
    }
    false
}

/// Gives an application its name, its size and the words that audit it.
fn finish(root: &Root, host: &Host, key: Key, mut application: Application) -> Application {
    application.ports.sort_unstable();
    application.ports.dedup();
    application.users.sort();
    application.users.dedup();
    // What the system starts comes first.
    application
        .starts
        .sort_by(|a, b| b.enabled.cmp(&a.enabled).then_with(|| a.cmp(b)));
    match key {
        Key::Package(name) => {
            let files = host.packages.files(&name, root);
            let size = |path: &AppPath| root.lookup(path.as_bytes()).ok().map(|node| bytes(&node));
            let sizes = files.iter().filter_map(|file| size(&file.path));
            application.bytes = Some(sizes.sum());
            application.scope = vec!["--package".to_owned(), name.clone()];
            application.package = Some(name.clone());
            application.name = name;
        }
        Key::Tree(tree) => {
            application.bytes = tree_bytes(root, &tree);
            application.scope = vec![tree.to_text().into_owned()];
            application.name = name_of(&tree);
            application.trees = vec![tree];
        }
        Key::Instance(name, package) => {
            let files = host.packages.files(&package, root);
            let size = |path: &AppPath| root.lookup(path.as_bytes()).ok().map(|node| bytes(&node));
            let sizes = files.iter().filter_map(|file| size(&file.path));
            application.bytes = Some(sizes.sum());
            let stem = name.strip_suffix(".service").unwrap_or(&name).to_owned();
            application.scope = vec!["--unit".to_owned(), stem.clone()];
            application.package = Some(package);
            application.name = stem;
        }
        Key::Unit(name) => {
            let stem = name.strip_suffix(".service").unwrap_or(&name).to_owned();
            application.scope = vec!["--unit".to_owned(), stem.clone()];
            application.name = stem;
        }
    }
    application
}

/// A tree's name: its last part that is no general word.
fn name_of(tree: &AppPath) -> String {
    let parts: Vec<&[u8]> = tree.components().collect();
    let word = |part: &&&[u8]| !places::is_generic_name(&String::from_utf8_lossy(part));
    let part = parts.iter().rev().find(word).or(parts.last());
    part.map_or_else(String::new, |part| {
        String::from_utf8_lossy(part).into_owned()
    })
}

fn bytes(node: &Node) -> u64 {
    match node.stat.kind {
        Kind::File => node.stat.size,
        _ => 0,
    }
}

/// The bytes of a tree's files; nothing where there are too many.
fn tree_bytes(root: &Root, tree: &AppPath) -> Option<u64> {
    let mut left = MAX_ENTRIES;
    let mut sum = 0;
    let mut dirs = vec![tree.clone()];
    while let Some(dir) = dirs.pop() {
        for (name, stat) in root.list(dir.as_bytes()).unwrap_or_default() {
            left = left.checked_sub(1)?;
            match stat.kind {
                Kind::File => sum += stat.size,
                Kind::Dir => dirs.push(dir.child(&name)),
                _ => {}
            }
        }
    }
    Some(sum)
}
