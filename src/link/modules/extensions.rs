//! Native extension modules of interpreters: those that the application's scripts ask for by name,
//! found where the interpreter was built to look, and those in the application's own tree.

use std::collections::BTreeSet;

use super::{Found, java, lacking, strings};
use crate::extract::asks;
use crate::fact::{
    Certainty, Fact, Kind, LibraryStatus, Locus, ModuleKind, Priority, ProgramForm, What,
};
use crate::link::loader::{Loader, Needed, Outcome};
use crate::link::scope::Scope;
use crate::path::{AppPath, escape};
use crate::tree::Root;

/// The most libraries of one module that are named.
const LIBRARIES: usize = 32;

/// How deep a module's directory is searched.
const DEPTH: usize = 4;

/// The most directories of one module that are searched.
const FOLDERS: usize = 256;

/// What is there to look into.
#[derive(Clone, Copy)]
pub(in crate::link) struct Modules<'a> {
    pub(in crate::link) root: &'a Root,
    pub(in crate::link) loader: &'a Loader<'a>,
    pub(in crate::link) scope: &'a Scope,
    pub(in crate::link) facts: &'a [Fact],
    /// The application's own libraries that no program loads when it starts.
    pub(in crate::link) plugins: &'a [Outcome],
    /// Loads a library alone.
    pub(in crate::link) load: &'a (dyn Fn(&AppPath) -> Outcome + Sync),
}

/// A name that a script asks for.
struct Wanted<'a> {
    kind: ModuleKind,
    name: &'a str,
    at: &'a Locus,
}

/// Every extension module that is found; what is written in the language itself is none.
pub(in crate::link) fn extensions(all: Modules<'_>) -> Vec<Found> {
    let mut found = java::java(all.loader, all.scope, all.facts);
    for outcome in all.plugins {
        if let Some(kind) = kind_of_file(&outcome.file) {
            let at = Locus::file(&outcome.file);
            let name = escape(outcome.file.name()).into_owned();
            let how = "in the application's own tree";
            found.push(extension(kind, &name, &outcome.file, outcome, &at, how));
        }
    }
    let mut places = Places::default();
    let mut seen = BTreeSet::new();
    let settings = all.php_settings();
    for fact in all.facts.iter().chain(&settings) {
        let What::Asks { kind, name } = &fact.what else {
            continue;
        };
        if !all.scope.contains(&fact.at.file) && *kind != ModuleKind::Php
            || !seen.insert((*kind, name.as_str()))
        {
            continue;
        }
        let wanted = Wanted {
            kind: *kind,
            name,
            at: &fact.at,
        };
        all.wanted(&wanted, &mut places, &mut found);
    }
    found
}

/// The interpreter whose module a file of the application is, by name and place.
fn kind_of_file(file: &AppPath) -> Option<ModuleKind> {
    let name = file.name();
    let has = |part: &[u8]| file.components().any(|other| other == part);
    let within = |text: &[u8]| memchr::memmem::find(name, text).is_some();
    if name.ends_with(b".node") {
        Some(ModuleKind::Node)
    } else if within(b".cpython-") || within(b".abi3.so") || has(b"site-packages") {
        Some(ModuleKind::Python)
    } else if has(b"auto") && file.components().any(|part| part.starts_with(b"perl")) {
        Some(ModuleKind::Perl)
    } else if has(b"gems") || has(b"vendor_ruby") || has(b"site_ruby") {
        Some(ModuleKind::Ruby)
    } else {
        None
    }
}

fn extension(
    kind: ModuleKind,
    name: &str,
    file: &AppPath,
    outcome: &Outcome,
    at: &Locus,
    how: &str,
) -> Found {
    let is_bad = |needed: &&Needed| {
        !needed.optional
            && !matches!(
                needed.status,
                LibraryStatus::Resolved | LibraryStatus::ByHost
            )
    };
    let lacks = outcome.libraries.iter().filter(is_bad);
    let lacks: Vec<String> = lacks
        .map(|needed| escape(&needed.name).into_owned())
        .collect();
    let whole = lacks.is_empty();
    Found {
        kind,
        name: name.to_owned(),
        or: Vec::new(),
        status: if whole {
            LibraryStatus::Resolved
        } else {
            LibraryStatus::Missing
        },
        path: Some(file.clone()),
        real_path: Some(outcome.file.clone()),
        how: if whole {
            how.to_owned()
        } else {
            lacking(&lacks)
        },
        lacks,
        at: at.clone(),
        priority: Priority::Recommended,
        certainty: Certainty::Inferred,
        opened_by: vec![at.file.clone()],
        opened_by_more: 0,
    }
}

/// The directories in which each interpreter searches, once they were asked for.
#[derive(Default)]
struct Places {
    python: Option<Vec<AppPath>>,
    perl: Option<Vec<AppPath>>,
    ruby: Option<Vec<AppPath>>,
    php: Option<Vec<AppPath>>,
}

impl Modules<'_> {
    fn wanted(&self, wanted: &Wanted<'_>, places: &mut Places, found: &mut Vec<Found>) {
        let files = match wanted.kind {
            ModuleKind::Python => {
                let dirs = places.python.get_or_insert_with(|| self.python_dirs());
                let top = wanted.name.split('.').next().unwrap_or_default();
                self.python(dirs, top)
            }
            ModuleKind::Perl => {
                let dirs = places.perl.get_or_insert_with(|| self.built_dirs(b"perl"));
                let parts: Vec<&str> = wanted.name.split("::").collect();
                let last = parts.last().copied().unwrap_or_default();
                let below = format!("auto/{}/{last}.so", parts.join("/"));
                self.first(dirs, &[below])
            }
            ModuleKind::Ruby => {
                let dirs = places.ruby.get_or_insert_with(|| self.built_dirs(b"ruby"));
                let name = wanted.name;
                let last = name.rsplit('/').next().unwrap_or(name);
                self.first(dirs, &[format!("{name}.so"), format!("{name}/{last}.so")])
            }
            ModuleKind::Php => {
                let dirs = places.php.get_or_insert_with(|| self.php_dirs());
                let name = wanted.name.trim_end_matches(".so");
                self.first(dirs, &[format!("{name}.so")])
            }
            _ => Vec::new(),
        };
        for file in files.iter().take(LIBRARIES) {
            let outcome = (self.load)(file);
            let how = match wanted.kind {
                ModuleKind::Php => "by an extension setting of PHP",
                _ => "asked for by a script",
            };
            found.push(extension(
                wanted.kind,
                wanted.name,
                file,
                &outcome,
                wanted.at,
                how,
            ));
        }
    }

    /// The first of the files that is in one of the directories.
    fn first(&self, dirs: &[AppPath], names: &[String]) -> Vec<AppPath> {
        let mut paths = dirs
            .iter()
            .flat_map(|dir| names.iter().map(|name| dir.join(name.as_bytes())));
        let found = paths.find(|path| self.is_file(path));
        found.into_iter().collect()
    }

    fn is_file(&self, path: &AppPath) -> bool {
        let node = self.root.resolve(path.as_bytes());
        node.is_ok_and(|node| node.stat.kind == Kind::File)
    }

    fn is_dir(&self, path: &AppPath) -> bool {
        let node = self.root.resolve(path.as_bytes());
        node.is_ok_and(|node| node.stat.kind == Kind::Dir)
    }

    /// The libraries of a module: one of its name, with or without an underscore before it as the
    /// standard library has them, or those below the directory of a package.
    fn python(&self, dirs: &[AppPath], name: &str) -> Vec<AppPath> {
        for dir in dirs {
            let folder = dir.join(name.as_bytes());
            if self.is_dir(&folder) {
                let below = self.libraries_below(&folder);
                if !below.is_empty() {
                    return below;
                }
            }
            let names = self.root.list(dir.as_bytes()).unwrap_or_default();
            let is = |file: &[u8]| {
                let stem = file.strip_suffix(b".so")?;
                let module = stem.split(|&b| b == b'.').next()?;
                let bare = module.strip_prefix(b"_").unwrap_or(module);
                (module == name.as_bytes() || bare == name.as_bytes()).then_some(())
            };
            let own: Vec<AppPath> = names
                .iter()
                .filter(|(file, _)| is(file).is_some())
                .map(|(file, _)| dir.join(file))
                .collect();
            if !own.is_empty() {
                return own;
            }
        }
        Vec::new()
    }

    fn libraries_below(&self, folder: &AppPath) -> Vec<AppPath> {
        let mut found = Vec::new();
        let mut todo = vec![(folder.clone(), DEPTH)];
        let mut folders = 0;
        while let Some((dir, depth)) = todo.pop() {
            folders += 1;
            if folders > FOLDERS {
                break;
            }
            for (name, stat) in self.root.list(dir.as_bytes()).unwrap_or_default() {
                match stat.kind {
                    Kind::Dir if depth > 0 => todo.push((dir.join(&name), depth - 1)),
                    Kind::File if name.ends_with(b".so") => found.push(dir.join(&name)),
                    _ => {}
                }
            }
        }
        found.sort();
        found
    }

    /// The interpreters of a language that scripts and starts name, links followed.
    fn interpreters(&self, language: &[u8]) -> BTreeSet<AppPath> {
        let path = |text: &str| {
            let named = |word: &str| {
                let name = word.rsplit('/').next().unwrap_or(word).as_bytes();
                name.strip_prefix(language)
                    .is_some_and(|rest| rest.iter().all(|b| b.is_ascii_digit() || *b == b'.'))
            };
            let word = text.split_ascii_whitespace().find(|word| named(word))?;
            match AppPath::absolute(word) {
                Some(path) => Some(path),
                // `#!/usr/bin/env python3`
                None => Some(AppPath::new("/usr/bin").join(word.as_bytes())),
            }
        };
        let mut named: Vec<AppPath> = Vec::new();
        for fact in self.facts {
            match &fact.what {
                What::Program {
                    form: ProgramForm::Script,
                    interpreter: Some(line),
                    ..
                } => named.extend(path(line)),
                What::Starts { program, .. } => named.extend(path(&program.to_text())),
                _ => {}
            }
        }
        let usual = [language, b"3"].concat();
        for name in [language, &usual] {
            named.push(AppPath::new("/usr/bin").join(name));
        }
        named
            .iter()
            .filter_map(|path| self.loader.real(path))
            .collect()
    }

    /// The standard library of each Python.
    pub(super) fn python_library(&self) -> Vec<AppPath> {
        let mut dirs = Vec::new();
        for python in self.interpreters(b"python") {
            if let Some(prefix) = python.parent().and_then(|bin| bin.parent()) {
                let own = |lib: &[u8]| prefix.join([lib, python.name()].concat());
                dirs.extend([own(b"lib/"), own(b"lib64/")]);
            }
        }
        dirs
    }

    /// `sys.path` of each Python, as its own build and Debian's have it (site(3), "The Python
    /// module search path").
    pub(super) fn python_dirs(&self) -> Vec<AppPath> {
        let mut dirs = Vec::new();
        for python in self.interpreters(b"python") {
            let name = python.name().to_vec();
            let Some(prefix) = python.parent().and_then(|bin| bin.parent()) else {
                continue;
            };
            let mut add = |parts: &[&[u8]]| dirs.push(prefix.join(parts.concat()));
            for lib in [&b"lib/"[..], b"lib64/"] {
                add(&[lib, &name, b"/lib-dynload"]);
                add(&[lib, &name, b"/site-packages"]);
                add(&[lib, &name, b"/dist-packages"]);
            }
            add(&[b"lib/python3/dist-packages"]);
            for packages in [&b"/dist-packages"[..], b"/site-packages"] {
                dirs.push(AppPath::new("/usr/local/lib").join([&name[..], packages].concat()));
            }
        }
        dirs.retain(|dir| self.is_dir(dir));
        dirs.dedup();
        dirs
    }

    /// The directories that stand as strings in an interpreter, or in the library that is most of
    /// it: `@INC` of Perl, `$LOAD_PATH` of Ruby.
    pub(super) fn built_dirs(&self, language: &[u8]) -> Vec<AppPath> {
        let mut files = BTreeSet::new();
        for program in self.interpreters(language) {
            let lib = [b"lib", language].concat();
            let outcome = (self.load)(&program);
            let own = outcome
                .libraries
                .iter()
                .filter(|n| n.name.starts_with(&lib));
            files.extend(own.filter_map(|needed| needed.real_path.clone()));
            files.insert(program);
        }
        let mut dirs = Vec::new();
        for file in files {
            let content = strings(self.root, &file);
            let plain = |b: &u8| b.is_ascii_graphic() && *b != b':' && *b != b'%';
            // A string begins behind the end of another.
            for at in memchr::memmem::find_iter(&content, b"\0/") {
                let text = content.get(at + 1..).unwrap_or_default();
                let end = memchr::memchr(0, text).unwrap_or(text.len());
                let text = text.get(..end).unwrap_or_default();
                if memchr::memmem::find(text, language).is_none() || !text.iter().all(plain) {
                    continue;
                }
                let path = AppPath::new(text);
                if !dirs.contains(&path) && self.is_dir(&path) {
                    dirs.push(path);
                }
            }
        }
        dirs
    }

    /// What the system's settings of PHP load, where the application has programs in PHP.
    fn php_settings(&self) -> Vec<Fact> {
        const LIMIT: usize = 1 << 20;
        let is_php = |fact: &Fact| {
            let file = &fact.at.file;
            file.name().ends_with(b".php") && self.scope.contains(file)
        };
        if !self.facts.iter().any(is_php) {
            return Vec::new();
        }
        let list = |dir: &AppPath| self.root.list(dir.as_bytes()).unwrap_or_default();
        let join = |dir: &AppPath, name: &[u8]| dir.join(name);
        let mut folders: Vec<AppPath> = ["/etc/php.d", "/usr/local/etc/php/conf.d"]
            .iter()
            .map(AppPath::new)
            .collect();
        // Debian: a directory for each version, and in it one for each way to run PHP.
        let top = AppPath::new("/etc/php");
        for (version, _) in list(&top) {
            let version = join(&top, &version);
            for (way, _) in list(&version) {
                folders.push(join(&version, &way).join(b"conf.d"));
            }
        }
        let mut found = Vec::new();
        for folder in folders {
            for (name, _) in list(&folder) {
                let path = join(&folder, &name);
                if name.ends_with(b".ini")
                    && let Ok(text) = self.root.read(path.as_bytes(), LIMIT)
                {
                    found.extend(asks::php_extensions(&path, &text));
                }
            }
        }
        found
    }

    /// Where distributions and PHP's own build keep extensions (`extension_dir`).
    fn php_dirs(&self) -> Vec<AppPath> {
        let mut dirs = vec![
            AppPath::new("/usr/lib64/php/modules"),
            AppPath::new("/usr/lib/php/modules"),
            AppPath::new("/usr/lib/php/extensions"),
        ];
        for top in [
            "/usr/lib/php",
            "/usr/local/lib/php/extensions",
            "/usr/lib/php5",
        ] {
            let names = self.root.list(top).unwrap_or_default();
            // The date of the interface of extensions: `20220829`, `no-debug-non-zts-20220829`.
            let dated = names.iter().filter(|(name, _)| {
                let digits = name.iter().rev().take_while(|b| b.is_ascii_digit()).count();
                digits == 8
            });
            dirs.extend(dated.map(|(name, _)| AppPath::new(top).join(name)));
        }
        dirs.retain(|dir| self.is_dir(dir));
        dirs
    }
}
