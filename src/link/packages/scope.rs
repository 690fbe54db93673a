//! Which packages make up an application: distributions split one into several.

use std::collections::BTreeSet;

use super::index::hash;
use super::{Entry, Manager, Package, Packages};
use crate::path::AppPath;
use crate::tree::Root;

/// How many packages may answer to one name; more come only of a database made to harm, where
/// every package could need all others.
const MAX_ANSWERS: usize = 64;

/// Files by which the packages are known that every system has.
const BASIS: [&str; 3] = ["/etc/passwd", "/bin/sh", "/usr/bin"];

/// Where a package without content of its own has files all the same.
const PAPERWORK: &[&str] = &[
    "/usr/share/doc",
    "/usr/share/lintian",
    "/usr/share/bug",
    "/usr/share/licenses",
];

impl Packages {
    /// The installed packages that satisfy what `name` depends on directly, by name.
    #[must_use]
    pub fn dependencies(&self, name: &str) -> Vec<&Package> {
        let mut numbers = BTreeSet::new();
        for (_, entry) in self.named(name) {
            numbers.extend(self.providers(entry, &entry.package.depends));
        }
        let mut found: Vec<&Package> = numbers
            .into_iter()
            .filter_map(|number| Some(&self.entry(number)?.package))
            .collect();
        found.sort_by_key(|package| (&package.name, &package.arch));
        found
    }

    /// The packages that belong to an application which was named by some of its packages, those
    /// included, by name: what they depend on, over any number of steps, and normally come with,
    /// as far as it was built from the same source or continues one of `names` with a dash.
    ///
    /// A named package that ships nothing but its paperwork stands for what it depends on: that
    /// is how distributions write "the current version of" and "renamed to".
    #[must_use]
    pub fn scope(&self, names: &[String], root: &Root) -> Vec<String> {
        let mut members: BTreeSet<u32> = BTreeSet::new();
        for name in names {
            for (number, entry) in self.named(name) {
                members.insert(number);
                if self.is_empty_package(&entry.package.name, root) {
                    members.extend(self.providers(entry, &entry.package.depends));
                }
            }
        }
        loop {
            let before = members.len();
            let near = self.reachable(&members);
            let sources: BTreeSet<&str> = self
                .packages(&members)
                .map(|package| package.source.as_str())
                .collect();
            let belongs = |package: &Package| {
                sources.contains(package.source.as_str())
                    || names.iter().any(|name| continues(&package.name, name))
            };
            let more: Vec<u32> = near
                .into_iter()
                .filter(|number| {
                    self.entry(*number)
                        .is_some_and(|entry| belongs(&entry.package))
                })
                .collect();
            members.extend(more);
            if members.len() == before {
                break;
            }
        }
        let names: BTreeSet<String> = self
            .packages(&members)
            .map(|package| package.name.clone())
            .collect();
        names.into_iter().collect()
    }

    /// What runs with the packages of `names`: what they depend on, over any number of steps, and
    /// what every package may count on; by name.
    #[must_use]
    pub fn closure<'a>(&self, names: impl Iterator<Item = &'a str>) -> Vec<&Package> {
        let mut members: BTreeSet<u32> = BTreeSet::new();
        for name in names {
            members.extend(self.named(name).map(|(number, _)| number));
        }
        let essential = self.order.iter().copied();
        members.extend(essential.filter(|number| {
            self.entry(*number)
                .is_some_and(|entry| entry.package.essential)
        }));
        // Other managers have no word for it: there it is what lays out the tree, and the shell.
        if members.iter().any(|number| {
            self.entry(*number)
                .is_some_and(|e| e.package.manager != Manager::Dpkg)
        }) {
            for path in BASIS {
                members.extend(
                    self.paths
                        .find(self.aliases.key(path.as_bytes()))
                        .take(MAX_ANSWERS),
                );
            }
        }
        let mut todo: Vec<u32> = members.iter().copied().collect();
        while let Some(entry) = todo.pop().and_then(|number| self.entry(number)) {
            let needed = self.providers(entry, &entry.package.depends);
            todo.extend(needed.into_iter().filter(|number| members.insert(*number)));
        }
        let mut found: Vec<&Package> = members
            .into_iter()
            .filter_map(|number| Some(&self.entry(number)?.package))
            .collect();
        found.sort_by_key(|package| (&package.name, &package.arch));
        found
    }

    fn packages<'a>(&'a self, numbers: &'a BTreeSet<u32>) -> impl Iterator<Item = &'a Package> {
        numbers
            .iter()
            .filter_map(|number| Some(&self.entry(*number)?.package))
    }

    /// What `members` need over any number of steps, and what they are normally installed with.
    fn reachable(&self, members: &BTreeSet<u32>) -> BTreeSet<u32> {
        let mut seen = members.clone();
        let mut todo: Vec<u32> = members.iter().copied().collect();
        for member in members {
            if let Some(entry) = self.entry(*member) {
                let extra = self.providers(entry, &entry.package.recommends);
                todo.extend(extra.into_iter().filter(|number| seen.insert(*number)));
            }
        }
        while let Some(entry) = todo.pop().and_then(|number| self.entry(number)) {
            let needed = self.providers(entry, &entry.package.depends);
            todo.extend(needed.into_iter().filter(|number| seen.insert(*number)));
        }
        seen
    }

    /// The packages that answer to any of `wanted`: by name, by what they provide, or by a file.
    fn providers(&self, for_entry: &Entry, wanted: &[String]) -> Vec<u32> {
        let manager = for_entry.package.manager;
        let mut found = Vec::new();
        for name in wanted {
            let named = self.named(name).map(|(number, _)| number);
            found.extend(named.take(MAX_ANSWERS));
            let provided = self.provides.find(hash(name.as_bytes()));
            found.extend(provided.take(MAX_ANSWERS));
            if name.starts_with('/') {
                let owners = self.paths.find(self.aliases.key(name.as_bytes()));
                found.extend(owners.take(MAX_ANSWERS));
            }
        }
        found.retain(|number| {
            self.entry(*number)
                .is_some_and(|entry| entry.package.manager == manager)
        });
        found
    }

    fn is_empty_package(&self, name: &str, root: &Root) -> bool {
        let paperwork: Vec<AppPath> = PAPERWORK.iter().map(AppPath::new).collect();
        let files = self.files(name, root);
        files.iter().all(|file| {
            paperwork.iter().any(|dir| {
                // The directories on the way count as nothing.
                file.path.is_within(dir) || dir.is_below(&file.path)
            })
        })
    }
}

fn continues(name: &str, start: &str) -> bool {
    name.strip_prefix(start)
        .is_some_and(|rest| rest.starts_with('-'))
}
