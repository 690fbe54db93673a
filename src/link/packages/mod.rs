//! The packages of a root: which files are theirs, what they need, and whether what they shipped
//! is still as it was.
//!
//! Whatever databases a root has are read together: dpkg, apk, and rpm in three forms. Kept are
//! the packages and an index of their paths; lists of files, sums, scripts and licence texts are
//! read when they are asked for.

mod apk;
mod check;
mod dpkg;
mod facts;
mod index;
mod rpm;
mod scope;
#[cfg(test)]
mod tests;

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::ops::ControlFlow;

use crate::fact::{Issue, IssueKind, Kind, Locus};
use crate::parse::budget::{FILES, PACKAGES};
use crate::parse::digest::Digest;
use crate::parse::parts::{Part, Reached, parts};
use crate::parse::read::ReadAt;
use crate::path::AppPath;
use crate::tree::{File, LookupError, Root};
use index::{Aliases, Index, hash};

/// How many bytes of paths are hashed, over all packages: twenty times what large hosts have. A
/// database that was made to harm can ask for more than anybody wants to wait for.
const MAX_PATH_BYTES: usize = 1 << 30;

/// Who keeps the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Manager {
    /// dpkg: Debian, Ubuntu.
    Dpkg,
    /// rpm: Red Hat, SUSE, Fedora.
    Rpm,
    /// apk: Alpine.
    Apk,
}

impl Manager {
    /// Its name, as in [`crate::fact::What::Package`].
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Dpkg => "dpkg",
            Self::Rpm => "rpm",
            Self::Apk => "apk",
        }
    }
}

/// An installed package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Package {
    /// Who keeps it.
    pub manager: Manager,
    /// Name, without architecture.
    pub name: String,
    /// Version: `[epoch:]version-release` with rpm.
    pub version: String,
    /// Architecture in the words of its manager.
    pub arch: String,
    /// The source package that it was built from.
    pub source: String,
    /// The licence field; dpkg has none: see [`Packages::licence`].
    pub licence: Option<String>,
    /// What it needs: names of packages or of what they provide, each alternative by itself.
    pub depends: Vec<String>,
    /// Whether every other package may count on it without naming it (dpkg: Essential).
    pub essential: bool,
    /// Whether every ordinary system has it, as far as the database says so (dpkg: Priority).
    pub ordinary: bool,
    /// What it is normally installed with (dpkg: Recommends; rpm: weak dependencies).
    pub recommends: Vec<String>,
    /// Where the database has it.
    pub at: Locus,
}

/// A file or directory that a package put on disk, or will own when it comes to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnedFile {
    /// Its path as the package has it, after diversions.
    pub path: AppPath,
    /// Its kind, where the database says it or lets it be concluded.
    pub kind: Option<Kind>,
    /// Whether it is configuration: an update leaves it in place, or keeps a copy, when it was
    /// changed.
    pub conffile: bool,
    /// Whether the package owns the name only, and something else makes the file.
    pub ghost: bool,
    /// Whether it may be absent: a ghost, documentation that was left out, a conffile that the
    /// package no longer has.
    pub optional: bool,
    /// The sum of the content as shipped; of a link's text with apk.
    pub digest: Option<Digest>,
    /// Bytes, as shipped.
    pub size: Option<u64>,
    /// The text of a symbolic link, as shipped.
    pub target: Option<Vec<u8>>,
    /// Permissions.
    pub mode: Option<u32>,
    /// Owner: a name, or `#` and a number.
    pub user: Option<String>,
    /// Group, likewise.
    pub group: Option<String>,
    /// Where the database says so.
    pub at: Locus,
}

impl OwnedFile {
    fn new(path: AppPath, at: Locus) -> Self {
        Self {
            path,
            kind: None,
            conffile: false,
            ghost: false,
            optional: false,
            digest: None,
            size: None,
            target: None,
            mode: None,
            user: None,
            group: None,
            at,
        }
    }
}

/// When a script of a package runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// Before files are put on disk.
    Preinst,
    /// After that.
    Postinst,
    /// Before files are removed.
    Prerm,
    /// After that.
    Postrm,
    /// When questions are asked of the administrator (debconf).
    Config,
    /// When another package does something: dpkg's is a list of names, not a script.
    Triggers,
}

/// A script of a package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Script {
    /// The file; the database when the script is inside it.
    pub at: AppPath,
    /// When it runs.
    pub stage: Stage,
    /// The program that runs it, where the database names one and the text does not.
    pub interpreter: Option<String>,
    /// The text; empty when the program alone is the script.
    pub text: Vec<u8>,
}

/// The packages of a root.
pub struct Packages {
    entries: Vec<Entry>,
    /// The entries by name, the host's own architecture first.
    order: Vec<u32>,
    paths: Index,
    provides: Index,
    aliases: Aliases,
    dpkg: dpkg::Beside,
    stores: Vec<rpm::Database>,
}

struct Entry {
    package: Package,
    body: Body,
}

/// Where the rest of a package is.
enum Body {
    Dpkg(dpkg::Body),
    Rpm(rpm::Body),
    Apk(apk::Body),
}

/// What readers of databases put together.
struct Found {
    aliases: Aliases,
    entries: Vec<Entry>,
    paths: Index,
    provides: Index,
    issues: Vec<Issue>,
    path_bytes: usize,
    full: bool,
}

/// The paths of a package as keys, and how many bytes they are.
#[derive(Default)]
struct Keys {
    hashes: Vec<u64>,
    bytes: usize,
}

impl Keys {
    fn add(&mut self, aliases: &Aliases, path: &[u8]) {
        self.hashes.push(aliases.key(path));
        self.bytes += path.len();
    }
}

impl Found {
    fn issue(&mut self, file: &AppPath, kind: IssueKind, message: impl Into<String>) {
        self.issues.push(Issue {
            at: Locus::file(file),
            kind,
            message: message.into(),
        });
    }

    fn add(&mut self, package: Package, body: Body, provides: &[String], keys: &Keys) {
        let number = u32::try_from(self.entries.len()).unwrap_or(u32::MAX);
        let names: Vec<u64> = provides.iter().map(|name| hash(name.as_bytes())).collect();
        self.path_bytes = self.path_bytes.saturating_add(keys.bytes);
        let fits = self.provides.extend(number, &names)
            && self.path_bytes <= MAX_PATH_BYTES
            && self.paths.extend(number, &keys.hashes);
        if !fits && !self.full {
            self.full = true;
            let message = "more packaged files than any host has: the rest counts as unowned";
            let file = package.at.file.clone();
            self.issue(&file, IssueKind::LimitReached, message);
        }
        self.entries.push(Entry { package, body });
    }

    /// Hands out a database, part by part, each with whole paragraphs; `each` says how many names of a
    /// part it keeps.
    fn paragraphs(
        &mut self,
        root: &Root,
        path: &AppPath,
        each: &mut dyn FnMut(&mut Self, Part<'_>) -> usize,
    ) {
        let mut kept = 0_u64;
        let mut take = |part: Part<'_>| {
            kept = kept.saturating_add(each(self, part) as u64);
            match kept > PACKAGES.steps || self.full {
                true => ControlFlow::Break(()),
                false => ControlFlow::Continue(()),
            }
        };
        let bounds = (PARAGRAPH, PACKAGES.bytes);
        let issue = read_parts(root, path, b"\n\n", bounds, &mut take);
        self.issues.extend(issue);
        if kept > PACKAGES.steps {
            let message = "more than packages of any host need: the rest of it was not read";
            self.issue(path, IssueKind::LimitReached, message);
        }
    }

    /// At most `limit` bytes of a file; nothing when there is none, or none that can be read.
    fn read(&mut self, root: &Root, path: &AppPath, limit: usize) -> Option<Vec<u8>> {
        let (text, issue) = read(root, path, limit);
        self.issues.extend(issue);
        text
    }
}

/// The longest paragraph of a database that is read, in bytes: apk's has the files of its package.
const PARAGRAPH: usize = 16 << 20;

fn issue(path: &AppPath, kind: IssueKind, message: String) -> Issue {
    Issue {
        at: Locus::file(path),
        kind,
        message,
    }
}

/// A file of a database; nothing where there is none.
fn open(root: &Root, path: &AppPath) -> Result<Option<File>, Issue> {
    match root.open_file(path.as_bytes()) {
        Ok(file) => Ok(Some(file)),
        Err(LookupError::Absent | LookupError::NotDirectory) => Ok(None),
        Err(error) => Err(issue(path, error.issue_kind(), error.to_string())),
    }
}

/// Hands out a file in parts that end with `end`, each at most `longest` bytes and `most` in all, and
/// says why it is not all of it. An absent file is no issue.
fn read_parts(
    root: &Root,
    path: &AppPath,
    end: &[u8],
    (longest, most): (usize, usize),
    each: &mut dyn FnMut(Part<'_>) -> ControlFlow<()>,
) -> Option<Issue> {
    let issue = |kind, message| Some(issue(path, kind, message));
    let file = match open(root, path) {
        Ok(Some(file)) => file,
        Ok(None) => return None,
        Err(issue) => return Some(issue),
    };
    match parts(&file, end, longest, most as u64, each) {
        Ok(Reached::End) => None,
        Ok(Reached::Left) => {
            let message = format!("an entry of it is over {} MiB: left out", longest >> 20);
            issue(IssueKind::TooLarge, message)
        }
        Ok(Reached::Bound) => {
            let message = format!("read up to {} MiB only", most >> 20);
            issue(IssueKind::TooLarge, message)
        }
        Err(error) => issue(IssueKind::Unreadable, error.to_string()),
    }
}

/// Hands out the lines of a list of files, with a count of the lines before each part.
fn read_lines(
    root: &Root,
    path: &AppPath,
    each: &mut dyn FnMut(Part<'_>) -> ControlFlow<()>,
) -> Option<Issue> {
    read_parts(root, path, b"\n", (LINE, FILES.bytes), each)
}

/// The longest line of a list that is read, in bytes: a path is at most 4096.
const LINE: usize = 64 << 10;

/// Tells that a package has more files than any.
fn too_many(at: &Locus) -> Issue {
    Issue {
        at: at.clone(),
        kind: IssueKind::LimitReached,
        message: format!("over {} files: the rest counts as unowned", FILES.steps),
    }
}

/// At most `limit` bytes of a file, and why it is not all of it. An absent file is no issue.
fn read(root: &Root, path: &AppPath, limit: usize) -> (Option<Vec<u8>>, Option<Issue>) {
    let issue = |kind, message| Some(issue(path, kind, message));
    let file = match open(root, path) {
        Ok(Some(file)) => file,
        Ok(None) => return (None, None),
        Err(issue) => return (None, Some(issue)),
    };
    match file.bytes_at(0, limit) {
        Ok(text) if file.len() > limit as u64 => {
            let message = format!("read up to {} MiB only", limit >> 20);
            (Some(text), issue(IssueKind::TooLarge, message))
        }
        Ok(text) => (Some(text), None),
        Err(error) => (None, issue(IssueKind::Unreadable, error.to_string())),
    }
}

impl Packages {
    /// Reads whichever databases `root` has; what could not be read of them comes as second. A
    /// root without any has no packages.
    #[must_use]
    pub fn read(root: &Root) -> (Self, Vec<Issue>) {
        let mut found = Found {
            aliases: Aliases::of(root),
            entries: Vec::new(),
            paths: Index::default(),
            provides: Index::default(),
            issues: Vec::new(),
            path_bytes: 0,
            full: false,
        };
        let dpkg = dpkg::read(root, &mut found);
        apk::read(root, &mut found);
        let stores = rpm::read(root, &mut found);
        found.paths.sort();
        found.provides.sort();
        found.issues.sort();
        let packages = Self {
            order: order(&found.entries),
            entries: found.entries,
            paths: found.paths,
            provides: found.provides,
            aliases: found.aliases,
            dpkg,
            stores,
        };
        (packages, found.issues)
    }

    /// Whether the package `package` provides `name`, which may be a virtual package or capability.
    #[must_use]
    pub fn is_provided_by(&self, name: &str, package: &str) -> bool {
        let numbers = self.provides.find(hash(name.as_bytes()));
        let mut entries = numbers.filter_map(|number| self.entries.get(number as usize));
        entries.any(|entry| entry.package.name == package)
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// All packages, by name.
    pub fn iter(&self) -> impl Iterator<Item = &Package> {
        self.order
            .iter()
            .filter_map(|number| self.entry(*number))
            .map(|entry| &entry.package)
    }

    /// A package by name, with or without `:architecture`: that of the host's own architecture
    /// where there are several.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Package> {
        self.named(name).next().map(|(_, entry)| &entry.package)
    }

    /// The package that owns a path, by any of the names that a merged `/usr` gives it. Many
    /// packages own a directory: see [`Packages::owners`]; this is the first of them by name.
    #[must_use]
    pub fn owner(&self, path: &AppPath) -> Option<&Package> {
        self.owners(path).into_iter().next()
    }

    /// The packages that own a path, by name.
    #[must_use]
    pub fn owners(&self, path: &AppPath) -> Vec<&Package> {
        let mut owners: Vec<&Package> = self
            .paths
            .find(self.aliases.key(path.as_bytes()))
            .filter_map(|number| Some(&self.entry(number)?.package))
            .collect();
        owners.sort_by_key(|package| (&package.name, &package.arch));
        owners
    }

    /// The files of all packages of a name, sorted by path; what could not be read is left out.
    #[must_use]
    pub fn files(&self, name: &str, root: &Root) -> Vec<OwnedFile> {
        self.files_and_issues(name, root).0
    }

    fn files_and_issues(&self, name: &str, root: &Root) -> (Vec<OwnedFile>, Vec<Issue>) {
        let (mut files, mut issues) = (Vec::new(), Vec::new());
        for (_, entry) in self.named(name) {
            match &entry.body {
                Body::Dpkg(body) => {
                    files.extend(dpkg::files(
                        &entry.package,
                        body,
                        &self.dpkg,
                        root,
                        &mut issues,
                    ));
                }
                Body::Rpm(body) => files.extend(rpm::files(body, &self.stores, &mut issues)),
                Body::Apk(body) => {
                    files.extend(apk::files(&entry.package, body, root, &mut issues))
                }
            }
        }
        files.sort_by(|a, b| a.path.cmp(&b.path));
        files.dedup_by(|a, b| a.path == b.path);
        issues.sort();
        (files, issues)
    }

    /// The scripts of a package, each at most 1 MiB of it.
    #[must_use]
    pub fn scripts(&self, name: &str, root: &Root) -> Vec<Script> {
        let Some((_, entry)) = self.named(name).next() else {
            return Vec::new();
        };
        match &entry.body {
            Body::Dpkg(body) => dpkg::scripts(body, root),
            Body::Rpm(body) => rpm::scripts(body, &self.stores),
            Body::Apk(body) => apk::scripts(&entry.package, body, root),
        }
    }

    /// The licences of a package: the field of the database, or the names in Debian's copyright
    /// file, joined by commas with that of the work as a whole first.
    #[must_use]
    pub fn licence(&self, name: &str, root: &Root) -> Option<String> {
        let (_, entry) = self.named(name).next()?;
        match &entry.body {
            Body::Dpkg(_) => dpkg::licence(&entry.package, root),
            Body::Rpm(_) | Body::Apk(_) => entry.package.licence.clone(),
        }
    }

    /// The names of the packages that were built from the same source, itself included.
    #[must_use]
    pub fn same_source(&self, name: &str) -> Vec<&str> {
        let Some(wanted) = self.get(name) else {
            return Vec::new();
        };
        let mut names: Vec<&str> = self
            .iter()
            .filter(|package| {
                (package.manager, &package.source) == (wanted.manager, &wanted.source)
            })
            .map(|package| package.name.as_str())
            .collect();
        names.dedup();
        names
    }

    fn entry(&self, number: u32) -> Option<&Entry> {
        self.entries.get(usize::try_from(number).ok()?)
    }

    /// The entries of a name, the host's own architecture first.
    fn named<'a>(&'a self, name: &str) -> impl Iterator<Item = (u32, &'a Entry)> + use<'a> {
        let name = name.split(':').next().unwrap_or_default().to_owned();
        let name_of = |number: &u32| self.entry(*number).map(|entry| entry.package.name.as_str());
        let from = self
            .order
            .partition_point(|number| name_of(number) < Some(name.as_str()));
        self.order
            .iter()
            .skip(from)
            .filter_map(|number| Some((*number, self.entry(*number)?)))
            .take_while(move |(_, entry)| entry.package.name == name)
    }
}

/// The numbers of the entries by name; of one name the most common architecture first, which is
/// that of the host, then the newest version.
fn order(entries: &[Entry]) -> Vec<u32> {
    let mut common: BTreeMap<&str, usize> = BTreeMap::new();
    for entry in entries {
        *common.entry(&entry.package.arch).or_default() += 1;
    }
    let mut sorted: Vec<(u32, &Package)> = (0..)
        .zip(entries.iter().map(|entry| &entry.package))
        .collect();
    sorted.sort_by_key(|(number, package)| {
        let count = common.get(package.arch.as_str()).copied().unwrap_or(0);
        (
            &package.name,
            Reverse(count),
            &package.arch,
            Reverse(*number),
        )
    });
    sorted.into_iter().map(|(number, _)| number).collect()
}
