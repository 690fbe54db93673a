//! The parts of the image-to-be, for the forms that list them: the application, its libraries and
//! modules with who answers for each, and its code.
//!
//! What the report does not know, such as the version of what no package owns, is left out rather than
//! guessed; a library that was not found is listed with what became of it.

use std::collections::BTreeMap;

use sha2::{Digest as _, Sha256};

use super::words::subject;
use crate::fact::{Class, LibraryStatus, Priority, name_of};
use crate::path::AppPath;
use crate::report::{Owner, PackageEntry, Report};

/// A part of the image-to-be.
pub(super) struct Part<'a> {
    /// What kind of part.
    pub(super) kind: Kind,
    /// Its name: of a library that by which it is needed, else the path.
    pub(super) name: String,
    /// Where it is.
    pub(super) path: Option<AppPath>,
    /// Who answers for it.
    pub(super) owner: Owner,
    /// The package it is from, or that it is.
    pub(super) package: Option<Package<'a>>,
    /// Whether the application does not work without it.
    pub(super) required: bool,
    /// What became of a library or module.
    pub(super) status: Option<LibraryStatus>,
    /// The parts that need it, by their place in the list; none stands for the application.
    pub(super) needed_by: Vec<Option<usize>>,
}

/// The kinds of parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A package of the audited system.
    Package,
    /// A library that the loader brings in.
    Library,
    /// What is opened by name later.
    Module,
    /// A program, or other code of the application.
    File,
}

/// A package of the audited system.
#[derive(Clone, Copy, Debug)]
pub(super) struct Package<'a> {
    /// Its name.
    pub(super) name: &'a str,
    /// What else is known of it.
    pub(super) entry: Option<&'a PackageEntry>,
    /// Its place in the list of parts.
    pub(super) part: Option<usize>,
}

impl Part<'_> {
    /// The version, which is that of its package.
    pub(super) fn version(&self) -> Option<&str> {
        let entry = self.package.and_then(|package| package.entry)?;
        Some(&entry.version)
    }

    /// The package URL of a part that is a package: what is from one shares it.
    pub(super) fn purl(&self) -> Option<&str> {
        let is_package = self.kind == Kind::Package;
        let entry = self.package.filter(|_| is_package)?.entry?;
        entry.purl.as_deref()
    }
}

/// What the application is called in a list of parts.
pub(super) fn name(report: &Report) -> String {
    match subject(&report.target) {
        name if name.is_empty() => "application".to_owned(),
        name => name,
    }
}

/// Every part: packages, files, libraries and modules, each in the order of the report.
pub(super) fn parts(report: &Report) -> Vec<Part<'_>> {
    let mut parts: Vec<Part<'_>> = report.packages.iter().enumerate().map(packed).collect();
    parts.extend(files(report));
    for library in &report.libraries {
        parts.push(Part {
            kind: Kind::Library,
            name: library.name.clone(),
            path: library.real_path.clone().or_else(|| library.path.clone()),
            owner: library.owner,
            package: package(report, library.package.as_deref()),
            required: true,
            status: Some(library.status),
            needed_by: Vec::new(),
        });
    }
    for module in &report.modules {
        parts.push(Part {
            kind: Kind::Module,
            name: module.name.clone(),
            path: module.real_path.clone().or_else(|| module.path.clone()),
            owner: module.owner,
            package: package(report, module.package.as_deref()),
            required: module.priority == Priority::Required,
            status: Some(module.status),
            needed_by: Vec::new(),
        });
    }
    join(report, &mut parts);
    parts
}

/// A package as a part.
fn packed((at, entry): (usize, &PackageEntry)) -> Part<'_> {
    Part {
        kind: Kind::Package,
        name: entry.name.clone(),
        path: None,
        owner: entry.owner,
        package: Some(Package {
            name: &entry.name,
            entry: Some(entry),
            part: Some(at),
        }),
        required: true,
        status: None,
        needed_by: vec![None],
    }
}

/// The package called `name`. Of two architectures nothing tells which one is meant.
fn package<'a>(report: &'a Report, name: Option<&'a str>) -> Option<Package<'a>> {
    let name = name?;
    let called = |(_, entry): &(usize, &PackageEntry)| entry.name == name;
    let mut found = report.packages.iter().enumerate().filter(called);
    let one = found.next().filter(|_| found.next().is_none());
    Some(Package {
        name,
        entry: one.map(|(_, entry)| entry),
        part: one.map(|(at, _)| at),
    })
}

/// The code that the report names: paths of that class, and what needs a library or starts.
fn files(report: &Report) -> Vec<Part<'_>> {
    let mut paths: Vec<&AppPath> = Vec::new();
    let code = report.paths.iter();
    paths.extend(
        code.filter(|entry| entry.class == Class::Code && entry.mount.is_none())
            .map(|entry| &entry.path),
    );
    let libraries = &report.libraries;
    let modules = &report.modules;
    paths.extend(libraries.iter().flat_map(|library| &library.needed_by));
    paths.extend(modules.iter().flat_map(|module| &module.opened_by));
    paths.sort();
    paths.dedup();
    // A library that needs another is a part of its own already.
    let own = libraries
        .iter()
        .flat_map(|l| l.path.iter().chain(&l.real_path));
    let mut own: Vec<&AppPath> = own
        .chain(
            modules
                .iter()
                .flat_map(|m| m.path.iter().chain(&m.real_path)),
        )
        .collect();
    own.sort();
    paths.retain(|path| own.binary_search(path).is_err());
    let part = |path: &AppPath| Part {
        kind: Kind::File,
        name: path.to_string(),
        path: Some(path.clone()),
        owner: Owner::Application,
        package: None,
        required: true,
        status: None,
        needed_by: vec![None],
    };
    paths.into_iter().map(part).collect()
}

/// Fills in which part needs which.
fn join(report: &Report, parts: &mut [Part<'_>]) {
    let mut places: BTreeMap<AppPath, usize> = BTreeMap::new();
    for (at, part) in parts.iter().enumerate() {
        if let Some(path) = &part.path {
            places.entry(path.clone()).or_insert(at);
        }
    }
    let first = parts.len() - report.libraries.len() - report.modules.len();
    let libraries = report
        .libraries
        .iter()
        .map(|l| (l.path.as_ref(), &l.needed_by));
    let modules = report
        .modules
        .iter()
        .map(|m| (m.path.as_ref(), &m.opened_by));
    let needs: Vec<_> = libraries.chain(modules).collect();
    for (at, (path, _)) in needs.iter().enumerate() {
        if let Some(path) = path {
            places.entry((*path).clone()).or_insert(first + at);
        }
    }
    for (at, (_, needed_by)) in needs.into_iter().enumerate() {
        let mut by: Vec<Option<usize>> = needed_by
            .iter()
            .map(|path| places.get(path).copied())
            .filter(|by| *by != Some(first + at))
            .collect();
        if by.is_empty() {
            by.push(None);
        }
        by.sort();
        by.dedup();
        parts[first + at].needed_by = by;
    }
}

/// What is said of a part beside its name, as pairs.
pub(super) fn remarks(part: &Part<'_>) -> Vec<(&'static str, String)> {
    let mut pairs = vec![("owner", name_of(part.owner))];
    pairs.extend(part.status.map(|status| ("status", name_of(status))));
    let Some(package) = part.package else {
        return pairs;
    };
    pairs.push(("package", package.name.to_owned()));
    if let Some(entry) = package.entry {
        pairs.push(("package-kind", name_of(entry.kind)));
        pairs.push(("package-version", entry.version.clone()));
        if !entry.architecture.is_empty() {
            pairs.push(("package-architecture", entry.architecture.clone()));
        }
        pairs.extend(entry.source.clone().map(|name| ("package-source", name)));
        pairs.extend(entry.licence.clone().map(|text| ("package-licence", text)));
    }
    pairs
}

/// An identifier that is the same for the same report (RFC 9562, section 5.8: version 8, made of a
/// digest).
pub(super) fn uuid(report: &Report) -> String {
    // Every key is a string and every number finite: nothing here can fail to be written.
    let text = serde_json::to_vec(report).unwrap_or_default();
    let mut bytes: Vec<u8> = Sha256::digest(&text).iter().take(16).copied().collect();
    bytes[6] = bytes[6] & 0x0f | 0x80;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let (a, b, c, d, e) = (
        &hex[..8],
        &hex[8..12],
        &hex[12..16],
        &hex[16..20],
        &hex[20..],
    );
    format!("{a}-{b}-{c}-{d}-{e}")
}
