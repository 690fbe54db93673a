//! The packages of an image: the application's, and what they cannot run without.

use std::collections::{BTreeMap, BTreeSet};

use super::contents::{Finder, Source};
use super::system;
use crate::knowledge;
use crate::knowledge::libraries::is_runtime_package;
use crate::link::owners;
use crate::link::packages::Package;
use crate::path::AppPath;
use crate::report::Owner;

/// From how many components on a directory is a package's own: `/usr/lib/NAME`.
const OWN_DEPTH: usize = 3;

/// How packages end that have an interpreter without most of its standard library: Debian's are for the
/// system's own scripts, and applications get the whole (Debian Python Policy, 1.2; the description of
/// perl-base).
const PARTS: [&str; 2] = ["-base", "-minimal"];

impl<'a> Finder<'a> {
    /// The application's packages, and what they cannot run without.
    pub(super) fn packages(&mut self) {
        let report = self.report;
        let programs = report.programs.iter().filter_map(|p| p.package.as_deref());
        let listed = report.packages.iter().map(|package| package.name.as_str());
        let mut seeds: BTreeSet<&str> = listed.chain(programs).collect();
        let whole: Vec<&str> = seeds
            .iter()
            .filter_map(|name| self.whole_of(name))
            .collect();
        seeds.extend(whole);
        self.with_packages(seeds.into_iter());
    }

    /// The package that makes an interpreter whole, of one that has a part of it: it is called like that
    /// one, and depends on it.
    fn whole_of(&self, name: &str) -> Option<&'a str> {
        let stem = PARTS.iter().find_map(|part| name.strip_suffix(part))?;
        let whole = self.host.packages.get(stem)?;
        let needs = self.host.packages.closure(std::iter::once(stem));
        let is_its = needs.iter().any(|needed| needed.name == name);
        is_its.then_some(whole.name.as_str())
    }

    /// Takes packages with what they depend on, over any number of steps.
    pub(super) fn with_packages<'n>(&mut self, seeds: impl Iterator<Item = &'n str>) {
        let (report, host) = (self.report, self.host);
        let listed: BTreeMap<&str, Owner> = report
            .packages
            .iter()
            .map(|package| (package.name.as_str(), package.owner))
            .collect();
        for package in host.packages.closure(seeds) {
            if !self.taken.insert(package.name.clone()) {
                continue;
            }
            let files = host.packages.files(&package.name, self.root);
            let owner = match listed.get(package.name.as_str()) {
                Some(owner) => *owner,
                None => package_owner(package, files.iter().map(|file| &file.path)),
            };
            let number = self.number(package, owner);
            let source = Source {
                owner,
                package: Some(number),
            };
            for file in &files {
                let is_paperwork = owner != Owner::Application && system::is_paperwork(&file.path);
                if !is_paperwork && !system::is_kept_outside(&file.path) {
                    self.single(&file.path, source);
                }
            }
        }
    }

    /// Directories that only packages of the image own: what their scripts made there belongs to
    /// them.
    pub(super) fn unowned(&mut self) {
        let packages = &self.host.packages;
        for (path, place) in &mut self.contents.places {
            if place.source.is_none_or(|source| source.package.is_none())
                || path.depth() < OWN_DEPTH
                || knowledge::is_shared_dir(path)
            {
                continue;
            }
            let owners = packages.owners(path);
            let is_ours = |package: &&Package| self.taken.contains(&package.name);
            place.takes_unowned = !owners.is_empty() && owners.iter().all(is_ours);
        }
    }

    fn number(&mut self, package: &Package, owner: Owner) -> usize {
        let packages = &mut self.contents.packages;
        *self.numbers.entry(package.name.clone()).or_insert_with(|| {
            packages.push((package.name.clone(), package.version.clone(), owner));
            packages.len() - 1
        })
    }
}

/// Who answers for a package that the application's own evidence does not name.
fn package_owner<'a>(package: &Package, files: impl Iterator<Item = &'a AppPath>) -> Owner {
    if is_runtime_package(&package.name) {
        return Owner::Middleware;
    }
    let is_middleware = |path: &AppPath| {
        let name = String::from_utf8_lossy(path.name());
        name.contains(".so")
            && owners::owner(&name, Some(path), Some(&package.name), false) == Owner::Middleware
    };
    let mut files = files;
    if files.any(is_middleware) {
        Owner::Middleware
    } else {
        Owner::Core
    }
}
