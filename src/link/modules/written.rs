//! Modules that are written in the language itself, outside the application's own tree: what scripts ask
//! for by name, as far as the interpreter finds it. Without it an image has a script that cannot start.

use std::collections::BTreeMap;

use super::extensions::Modules;
use crate::fact::{Kind, ModuleKind, What};
use crate::path::AppPath;

/// A module's file, links followed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::link) struct Written {
    /// The file.
    pub(in crate::link) file: AppPath,
    /// The directory of the interpreter's search path in which it was found, links followed.
    pub(in crate::link) dir: AppPath,
}

/// Where distributions keep gems, one directory for each, whose `lib` is searched.
const GEMS: [&str; 5] = [
    "/usr/share/rubygems-integration",
    "/usr/share/gems",
    "/usr/local/share/gems",
    "/var/lib/gems",
    "/usr/local/lib/ruby/gems",
];

/// Where distributions keep modules of Lua, one directory for each version (`package.path`,
/// `package.cpath`).
const LUA: [&str; 5] = [
    "/usr/local/share/lua",
    "/usr/local/lib/lua",
    "/usr/share/lua",
    "/usr/lib/lua",
    "/usr/lib64/lua",
];

/// Where distributions keep packages of Tcl (`auto_path`).
const TCL: [&str; 8] = [
    "/usr/local/lib",
    "/usr/local/share/tcltk",
    "/usr/share/tcltk",
    "/usr/lib/tcltk",
    "/usr/lib/tcl8.5",
    "/usr/lib/tcl8.6",
    "/usr/lib64/tcl8.5",
    "/usr/lib64/tcl8.6",
];

/// The index of a package of Tcl.
const INDEX: &str = "pkgIndex.tcl";

/// How deep below those places packages of Tcl lie.
const TCL_DEPTH: usize = 3;

/// The most directories of one depth that are looked at.
const FOLDERS: usize = 4096;

/// The files of the modules that the application's scripts ask for, in order.
pub(in crate::link) fn written(all: Modules<'_>) -> Vec<Written> {
    let mut asked: BTreeMap<(ModuleKind, &str), ()> = BTreeMap::new();
    for fact in all.facts {
        if let What::Asks { kind, name } = &fact.what
            && all.scope.contains(&fact.at.file)
        {
            asked.insert((*kind, name), ());
        }
    }
    let mut dirs: BTreeMap<ModuleKind, Vec<AppPath>> = BTreeMap::new();
    let mut found: Vec<Written> = Vec::new();
    for (kind, name) in asked.into_keys() {
        let dirs = dirs.entry(kind).or_insert_with(|| searched(all, kind));
        let names = names(kind, name);
        let dirs = dirs.iter().filter(|dir| fits(kind, name, dir));
        let mut places = dirs.flat_map(|dir| {
            names
                .iter()
                .map(move |name| (dir, dir.join(name.as_bytes())))
        });
        let one = places.find_map(|(dir, path)| {
            let node = all.root.resolve(path.as_bytes()).ok()?;
            let is_file = node.stat.kind == Kind::File && !all.scope.contains(&node.real);
            is_file.then(|| Written {
                file: node.real,
                dir: dir.clone(),
            })
        });
        found.extend(one);
    }
    found.sort();
    found.dedup();
    found
}

/// The search path of a language's interpreters, links followed.
fn searched(all: Modules<'_>, kind: ModuleKind) -> Vec<AppPath> {
    let dirs = match kind {
        ModuleKind::Python => [all.python_library(), all.python_dirs()].concat(),
        ModuleKind::Perl => all.built_dirs(b"perl"),
        ModuleKind::Ruby => [all.built_dirs(b"ruby"), gems(all)].concat(),
        ModuleKind::Lua => by_architecture(all, &LUA, b"lua")
            .iter()
            .flat_map(|top| below(all, top))
            .collect(),
        ModuleKind::Tcl => tcl(all),
        _ => Vec::new(),
    };
    let mut real: Vec<AppPath> = Vec::new();
    for dir in dirs {
        if let Ok(node) = all.root.resolve(dir.as_bytes())
            && node.stat.kind == Kind::Dir
            && !real.contains(&node.real)
        {
            real.push(node.real);
        }
    }
    real
}

/// The files that a module of a name may be, below a directory of the search path.
fn names(kind: ModuleKind, name: &str) -> Vec<String> {
    match kind {
        ModuleKind::Python => {
            let top = name.split('.').next().unwrap_or_default();
            vec![format!("{top}/__init__.py"), format!("{top}.py")]
        }
        ModuleKind::Perl => vec![format!("{}.pm", name.replace("::", "/"))],
        ModuleKind::Ruby => vec![format!("{name}.rb")],
        ModuleKind::Lua => {
            let path = name.replace('.', "/");
            let files = ["{}.lua", "{}/init.lua", "{}.so"];
            files.map(|file| file.replace("{}", &path)).to_vec()
        }
        ModuleKind::Tcl => vec![INDEX.to_owned()],
        _ => Vec::new(),
    }
}

/// Whether a directory of the search path may have a module of a name: a package of Tcl has one of its
/// own, which is called like it, mostly with the version behind.
fn fits(kind: ModuleKind, name: &str, dir: &AppPath) -> bool {
    if kind != ModuleKind::Tcl {
        return true;
    }
    let folder = dir.name().to_ascii_lowercase();
    let wanted = name
        .rsplit("::")
        .next()
        .unwrap_or(name)
        .to_ascii_lowercase();
    let rest = folder.strip_prefix(wanted.as_bytes());
    rest.is_some_and(|rest| !rest.first().is_some_and(u8::is_ascii_alphabetic))
}

/// The directories of each package of Tcl, which have an index (pkg_mkIndex(3tcl)); some lie in those of a
/// collection.
fn tcl(all: Modules<'_>) -> Vec<AppPath> {
    let mut found = Vec::new();
    let mut todo = by_architecture(all, &TCL, b"tcltk");
    for _ in 0..TCL_DEPTH {
        todo = todo.iter().flat_map(|dir| below(all, dir)).collect();
        todo.truncate(FOLDERS);
        let has_index = |dir: &&AppPath| all.root.lookup(dir.join(INDEX).as_bytes()).is_ok();
        found.extend(todo.iter().filter(has_index).cloned());
    }
    found
}

/// The directories in one.
fn below(all: Modules<'_>, dir: &AppPath) -> Vec<AppPath> {
    let names = all.root.list(dir.as_bytes()).unwrap_or_default();
    let dirs = names
        .iter()
        .filter(|(_, stat)| matches!(stat.kind, Kind::Dir | Kind::Link));
    dirs.map(|(name, _)| dir.child(name)).collect()
}

/// The places, and those that Debian has for each architecture (`/usr/lib/x86_64-linux-gnu/lua`).
fn by_architecture(all: Modules<'_>, places: &[&str], name: &[u8]) -> Vec<AppPath> {
    let mut found: Vec<AppPath> = places.iter().map(AppPath::new).collect();
    for dir in below(all, &AppPath::new("/usr/lib")) {
        if memchr::memmem::find(dir.name(), b"-linux-").is_some() {
            found.push(dir.child(name));
        }
    }
    found
}

/// The `lib` of each gem (Gem.path: a home has a directory for each gem below `gems`).
fn gems(all: Modules<'_>) -> Vec<AppPath> {
    let mut found = Vec::new();
    for top in GEMS.iter().map(AppPath::new) {
        let mut homes = below(all, &top);
        homes.push(top);
        for gem in homes
            .iter()
            .flat_map(|home| below(all, &home.child(b"gems")))
        {
            found.push(gem.child(b"lib"));
        }
    }
    found
}
