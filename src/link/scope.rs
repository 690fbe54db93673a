//! The scope: which directories and files are the application itself.

use std::collections::BTreeSet;

use rayon::prelude::*;

use super::host::Host;
use super::packages::OwnedFile;
use super::survey;
use crate::fact::{Issue, IssueKind, Kind, Locus, What};
use crate::knowledge;
use crate::path::AppPath;
use crate::tree::{Node, Root};

/// What was named.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// Directories and programs.
    pub paths: &'a [AppPath],
    /// Packages.
    pub packages: &'a [String],
    /// Units or init scripts.
    pub units: &'a [String],
}

/// The application itself.
#[derive(Clone, Debug, Default)]
pub struct Scope {
    /// What the report shows as audited.
    pub named: Vec<AppPath>,
    /// Install prefixes: directories whose content is the application's code, and whatever else
    /// it keeps there.
    pub prefixes: Vec<AppPath>,
    /// Directories that are read whole.
    pub dirs: Vec<AppPath>,
    /// Files outside these directories.
    pub files: BTreeSet<AppPath>,
    /// What was named and is not there, or could not be looked up.
    pub absent: BTreeSet<AppPath>,
    /// Archives among what was named, which nothing opens.
    pub archives: BTreeSet<AppPath>,
    /// The packages that belong to it.
    pub packages: Vec<String>,
    /// The source packages that these were built from.
    pub sources: BTreeSet<String>,
    /// The units that it was named by, each with its ending.
    pub units: BTreeSet<String>,
    /// Names that stand for nothing beside others that do.
    pub issues: Vec<Issue>,
    /// Words by which it is known: package names, last components of prefixes, units, programs.
    pub words: BTreeSet<String>,
}

/// Names that are like one that stands for nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Near(pub Vec<String>);

impl Near {
    /// The names of `known` that differ least from `name`.
    fn of<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Self {
        /// How like a name must be: the share of the letters that are the same and in place.
        const LIKE: f64 = 0.8;
        let mut like: Vec<(f64, &str)> = known
            .map(|other| (strsim::jaro_winkler(name, other), other))
            .filter(|(like, _)| *like >= LIKE)
            .collect();
        like.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(b.1)));
        like.dedup_by(|a, b| a.1 == b.1);
        Self(
            like.into_iter()
                .take(3)
                .map(|(_, name)| name.to_owned())
                .collect(),
        )
    }
}

impl std::fmt::Display for Near {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if !self.0.is_empty() {
            write!(f, "; is {} meant?", self.0.join(", or "))?;
        }
        write!(f, "; `seaworthy survey` lists what is there")
    }
}

/// A name that stands for nothing.
#[derive(Debug, thiserror::Error)]
pub enum ScopeError {
    /// No such path.
    #[error(
        "cannot audit {path}: {reason}; a PATH is as the application sees it, inside the root{near}"
    )]
    Path {
        /// The path.
        path: AppPath,
        /// What the lookup said.
        reason: String,
        /// Names like it, as the end of a sentence.
        near: Near,
    },
    /// The whole system.
    #[error(
        "/ is a whole system, and no application: `seaworthy survey` lists what runs on it, and how to audit each"
    )]
    System,
    /// No such package.
    #[error("no package {name}: {known} packages of dpkg, rpm or apk are known in this root{near}")]
    Package {
        /// The name.
        name: String,
        /// How many packages there are.
        known: usize,
        /// Names like it.
        near: Near,
    },
    /// No such unit.
    #[error(
        "no unit or init script {name}: looked in the systemd unit directories and /etc/init.d{near}"
    )]
    Unit {
        /// The name.
        name: String,
        /// Names like it.
        near: Near,
    },
}

impl Scope {
    /// What a report shows as audited: what was named, or the directories that stand for it.
    #[must_use]
    pub fn shown(&self) -> Vec<AppPath> {
        if self.named.is_empty() {
            self.dirs.clone()
        } else {
            self.named.clone()
        }
    }

    /// Whether `path` is part of the application.
    #[must_use]
    pub fn contains(&self, path: &AppPath) -> bool {
        self.files.contains(path) || self.dirs.iter().any(|dir| path.is_within(dir))
    }

    /// Whether `path` lies in an install prefix.
    #[must_use]
    pub fn in_prefix(&self, path: &AppPath) -> Option<&AppPath> {
        self.prefixes.iter().find(|prefix| path.is_within(prefix))
    }

    /// Whether `path` lies where other packages put what this application itself reads.
    #[must_use]
    pub fn is_asked_at(&self, path: &AppPath) -> bool {
        // What is there only to keep a directory is read by nobody.
        let is_hidden = path.name().starts_with(b".");
        let reader = knowledge::places::integrates_with(path).filter(|_| !is_hidden);
        reader.is_some_and(|reader| self.sources.contains(&reader))
    }

    /// Whether a component of `path` is a word by which the application is known.
    #[must_use]
    pub fn knows(&self, path: &AppPath) -> bool {
        path.components().any(|part| {
            let part = String::from_utf8_lossy(part).to_ascii_lowercase();
            let stem = part.split_once('.').map_or(part.as_str(), |(stem, _)| stem);
            self.words.contains(stem) || self.words.contains(part.as_str())
        })
    }

    fn know(&mut self, word: &[u8]) {
        let word = String::from_utf8_lossy(word).to_ascii_lowercase();
        if word.len() > 1 && !knowledge::places::is_generic_name(&word) {
            self.words.insert(word);
        }
    }
}

/// Finds what was named.
///
/// # Errors
/// When a name stands for nothing.
pub fn find(root: &Root, host: &Host, wanted: Wanted<'_>) -> Result<Scope, ScopeError> {
    let mut scope = Scope::default();
    for path in wanted.paths {
        match add_path(root, &mut scope, path) {
            Err(ScopeError::Path { path, reason, .. }) if wanted.paths.len() > 1 => {
                scope.absent.insert(path.clone());
                scope.issues.push(Issue {
                    at: Locus::file(&path),
                    kind: IssueKind::Absent,
                    message: reason,
                });
            }
            other => other?,
        }
    }
    if scope.named.is_empty()
        && let (Some(path), Some(issue)) = (wanted.paths.first(), scope.issues.first())
    {
        return Err(ScopeError::Path {
            path: path.clone(),
            reason: issue.message.clone(),
            near: Near::default(),
        });
    }
    add_packages(root, host, &mut scope, wanted.packages)?;
    let starters = starters_of(root, host, wanted.packages);
    add_packages(root, host, &mut scope, &starters)?;
    for name in wanted.units {
        add_unit(root, host, &mut scope, name)?;
    }
    set_apart(&mut scope, wanted);
    scope.named.sort();
    scope.named.dedup();
    scope.prefixes.sort();
    scope.prefixes.dedup();
    scope.dirs.sort();
    scope.dirs.dedup();
    Ok(scope)
}

/// A directory of the host's settings (FHS 3.0, 3.7) that is named beside the application has what that is
/// told, and is no place where it was installed: a mount may be all of it. Alone it is what is asked about.
fn set_apart(scope: &mut Scope, wanted: Wanted<'_>) {
    let is_settings = |path: &AppPath| path.is_below(&AppPath::new("/etc"));
    let mut all = scope.prefixes.iter().chain(&scope.files);
    let is_beside = !wanted.packages.is_empty()
        || !wanted.units.is_empty()
        || all.any(|path| !is_settings(path));
    if is_beside {
        scope.prefixes.retain(|prefix| !is_settings(prefix));
    }
}

fn add_path(root: &Root, scope: &mut Scope, path: &AppPath) -> Result<(), ScopeError> {
    root.admit(path);
    let node = root
        .resolve(path.as_bytes())
        .map_err(|error| ScopeError::Path {
            path: path.clone(),
            reason: error.to_string(),
            near: siblings(root, path),
        })?;
    if node.real.as_bytes() == b"/" {
        return Err(ScopeError::System);
    }
    scope.named.push(path.clone());
    scope.know(path.name());
    if node.stat.kind == Kind::Dir {
        scope.prefixes.push(node.real.clone());
        scope.dirs.push(node.real);
    } else {
        if let Some(form) = archive(root, path) {
            scope.archives.insert(path.clone());
            scope.issues.push(Issue {
                at: Locus::file(path),
                kind: IssueKind::NotUnderstood,
                message: format!(
                    "an archive ({form}), which is not opened: unpack it, and name the directory \
                     with --prefix as the place where it will be installed"
                ),
            });
        }
        scope.files.insert(node.real);
    }
    Ok(())
}

/// What is like a path that is not there, beside it.
fn siblings(root: &Root, path: &AppPath) -> Near {
    let Some(parent) = path.parent() else {
        return Near::default();
    };
    let text = |name: &[u8]| String::from_utf8_lossy(name).into_owned();
    let names: Vec<String> = root
        .list(parent.as_bytes())
        .unwrap_or_default()
        .iter()
        .map(|(name, _)| text(name))
        .collect();
    let near = Near::of(&text(path.name()), names.iter().map(String::as_str));
    Near(
        near.0
            .iter()
            .map(|name| parent.join(name).to_text().into_owned())
            .collect(),
    )
}

/// How archives begin (tar(5), RFC 1952, APPNOTE.TXT 4.3, deb(5), the lead of rpm's files).
const ARCHIVES: [(usize, &[u8], &str); 9] = [
    (0, b"\x1f\x8b", "gzip"),
    (0, b"BZh", "bzip2"),
    (0, b"\xfd7zXZ\0", "xz"),
    (0, b"\x28\xb5\x2f\xfd", "zstd"),
    (0, b"!<arch>\ndebian-binary", "Debian package"),
    (0, b"\xed\xab\xee\xdb", "RPM package"),
    (0, b"070701", "cpio"),
    (257, b"ustar", "tar"),
    (0, b"PK\x03\x04", "zip"),
];

/// The form of an archive; nothing for another file, or a jar, which is a program.
fn archive(root: &Root, path: &AppPath) -> Option<&'static str> {
    const JARS: [&[u8]; 3] = [b".jar", b".war", b".ear"];
    if JARS.iter().any(|ending| path.name().ends_with(ending)) {
        return None;
    }
    let head = root.read(path.as_bytes(), 512).ok()?;
    let begins = |(at, magic): (usize, &[u8])| head.get(at..).is_some_and(|h| h.starts_with(magic));
    let found = ARCHIVES.iter().find(|(at, magic, _)| begins((*at, magic)));
    found.map(|(.., form)| *form)
}

fn add_packages(
    root: &Root,
    host: &Host,
    scope: &mut Scope,
    names: &[String],
) -> Result<(), ScopeError> {
    if let Some(name) = names.iter().find(|name| host.packages.get(name).is_none()) {
        let known = host.packages.iter().count();
        return Err(ScopeError::Package {
            name: name.clone(),
            known,
            near: Near::of(
                name,
                host.packages.iter().map(|package| package.name.as_str()),
            ),
        });
    }
    let members = host.packages.scope(names, root);
    let lookup = |file: &OwnedFile| root.lookup(file.path.as_bytes()).ok();
    let nodes = |member: &String| -> Vec<Node> {
        let files = host.packages.files(member, root);
        let nodes = files.par_iter().with_min_len(32).filter_map(lookup);
        nodes.collect()
    };
    let nodes: Vec<Vec<Node>> = members.par_iter().map(nodes).collect();
    for (member, nodes) in members.into_iter().zip(nodes) {
        if scope.packages.contains(&member) {
            continue;
        }
        scope.know(member.as_bytes());
        if let Some(package) = host.packages.get(&member) {
            scope.sources.insert(package.source.clone());
        }
        for node in nodes {
            add_package_file(scope, node);
        }
        scope.packages.push(member);
    }
    Ok(())
}

/// A directory that only this application has is read whole, so that what came into it after the
/// installation is seen; of shared directories only the package's own files are.
fn add_package_file(scope: &mut Scope, node: Node) {
    if node.stat.kind != Kind::Dir {
        let folder = node.real.parent();
        if folder.is_some_and(|folder| matches!(folder.name(), b"bin" | b"sbin")) {
            scope.know(node.real.name());
        }
        scope.files.insert(node.real);
        return;
    }
    if knowledge::is_shared_dir(&node.real) {
        return;
    }
    if knowledge::places::is_state_place(&node.real) {
        scope.dirs.push(node.real);
    } else if let Some(prefix) = knowledge::places::add_on_prefix(&node.real) {
        scope.prefixes.push(prefix.clone());
        scope.dirs.push(prefix);
    }
}

fn add_unit(root: &Root, host: &Host, scope: &mut Scope, name: &str) -> Result<(), ScopeError> {
    let starts = host.declarations.starts_of(name);
    if starts.is_empty() {
        return Err(ScopeError::Unit {
            name: name.to_owned(),
            near: Near::of(name, host.declarations.names()),
        });
    }
    scope.know(name.split(['.', '@']).next().unwrap_or(name).as_bytes());
    add_instance_package(root, host, scope, name)?;
    for fact in starts {
        let What::Starts {
            program,
            args,
            name: unit,
            ..
        } = &fact.what
        else {
            continue;
        };
        scope.units.insert(unit.clone());
        scope.files.insert(fact.at.file.clone());
        let named = args.iter().filter_map(AppPath::absolute);
        for path in std::iter::once(program.clone()).chain(named) {
            let Ok(node) = root.resolve(path.as_bytes()) else {
                continue;
            };
            let prefix = knowledge::places::add_on_prefix(&node.real);
            // A directory that a program is given is an install tree where a program lies in it, and
            // content or state where none does.
            let is_tree = |prefix: &AppPath| {
                node.stat.kind != Kind::Dir || survey::has_program(root, prefix, true)
            };
            if let Some(prefix) = prefix.filter(is_tree) {
                scope.prefixes.push(prefix.clone());
                scope.dirs.push(prefix.clone());
                scope.named.push(prefix);
            } else if let Some(package) = host.packages.owner(&node.real)
                && path == *program
                && !knowledge::places::is_interpreter(node.real.name())
                && !knowledge::starts::is_helper(path.name())
            {
                let package = package.name.clone();
                add_packages(root, host, scope, &[package])?;
            } else if path == *program
                && node.stat.kind == Kind::File
                && host.packages.owner(&node.real).is_none()
            {
                scope.named.push(node.real.clone());
                scope.files.insert(node.real);
            }
        }
    }
    Ok(())
}

/// The package of one instance: a system that has several versions of a server side by side names
/// the package after the template and the version, which is the first part of the instance.
fn add_instance_package(
    root: &Root,
    host: &Host,
    scope: &mut Scope,
    name: &str,
) -> Result<(), ScopeError> {
    match instance_package(host, name) {
        Some(package) => add_packages(root, host, scope, &[package]),
        None => Ok(()),
    }
}

/// The packages whose programs start the instances of others: a system that has several versions of a
/// server side by side has one package that starts them all, with what they share.
fn starters_of(root: &Root, host: &Host, packages: &[String]) -> Vec<String> {
    let mut found = BTreeSet::new();
    if packages.is_empty() {
        return Vec::new();
    }
    for (_, facts) in host.declarations.iter() {
        for fact in facts {
            if let What::Starts { program, name, .. } = &fact.what
                && !name.contains(' ')
                && instance_package(host, name).is_some_and(|own| packages.contains(&own))
                && let Ok(node) = root.resolve(program.as_bytes())
                && let Some(package) = host.packages.owner(&node.real)
                && !host.is_base(package)
                && !packages.contains(&package.name)
            {
                found.insert(package.name.clone());
            }
        }
    }
    found.into_iter().collect()
}

/// The package of an instance, by its name.
pub(super) fn instance_package(host: &Host, name: &str) -> Option<String> {
    let (prefix, instance) = name.split_once('@')?;
    let instance = instance.strip_suffix(".service").unwrap_or(instance);
    let first = instance
        .split('-')
        .next()
        .filter(|first| !first.is_empty())?;
    let package = format!("{prefix}-{first}");
    host.packages.get(&package).map(|_| package)
}
