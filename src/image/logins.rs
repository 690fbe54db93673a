//! What logins and names need: the stacks of pam.d(5) with their modules, and the name services of
//! nsswitch.conf(5). Scripts of packages write both, so that no package has them.

use std::collections::BTreeSet;

use super::contents::Finder;
use crate::fact::Kind;
use crate::knowledge::pam::module;
use crate::link::loader::Loader;
use crate::parse::nsswitch;
use crate::parse::pam::{self, Rule};
use crate::path::AppPath;
use crate::report::Owner;

/// Where the services' files lie; the first that has one decides (pam.conf(5)).
const DIRS: [&str; 2] = ["/etc/pam.d", "/usr/lib/pam.d"];

/// The service of every program that has none of its own (pam(7)).
const OTHER: &str = "other";

/// The settings of modules, each in a file of its own (pam_limits(8), pam_access(8), …).
const SECURITY: &str = "/etc/security";

/// The most bytes of one file that are read.
const TEXT: usize = 1 << 20;

/// How many files of services are followed.
const FILES: usize = 1000;

impl Finder<'_> {
    /// The stacks of every service that the image has, where it has libpam.
    pub(super) fn logins(&mut self) {
        let libraries = self.beside_library(b"libpam.so.");
        if libraries.is_empty() {
            return;
        }
        let dirs: Vec<AppPath> = libraries.iter().map(|dir| dir.join(b"security")).collect();
        let loader = Loader::new(self.root);
        let mut seen: BTreeSet<String> = BTreeSet::new();
        let mut todo: Vec<String> = self.services().into_iter().collect();
        while let Some(name) = todo.pop() {
            if seen.len() >= FILES || !seen.insert(name.clone()) {
                continue;
            }
            for (_, rule) in self.service(&name) {
                match rule {
                    Rule::Include(name) => todo.push(name),
                    Rule::Module { path, args, .. } => {
                        self.pam_module(&loader, &dirs, &path, &args);
                    }
                }
            }
        }
        let core = self.source_of(Owner::Core);
        for (name, stat) in self.root.list(SECURITY).unwrap_or_default() {
            let path = AppPath::new(SECURITY).child(&name);
            if stat.kind != Kind::File || stat.mode & 0o004 != 0 {
                self.chain(&path, core);
            }
        }
        let limits = AppPath::new(SECURITY).join(b"limits.d");
        for (name, _) in self.root.list(limits.as_bytes()).unwrap_or_default() {
            self.chain(&limits.child(&name), core);
        }
    }

    /// The services by name: those that packages of the image bring, those called as a program of
    /// the image, and what stands in for all others.
    fn services(&self) -> BTreeSet<String> {
        let programs = self.report.programs.iter().map(|p| p.real_path.name());
        let starts = self.report.plan.start.iter();
        let started = starts.filter_map(|start| {
            let program = start.command.first()?;
            Some(program.rsplit('/').next().unwrap_or(program).as_bytes())
        });
        let opened = self.report.modules.iter().map(|m| m.at.file.name());
        let named: BTreeSet<&[u8]> = programs.chain(started).chain(opened).collect();
        let mut found = BTreeSet::from([OTHER.to_owned()]);
        for dir in DIRS {
            let dir = AppPath::new(dir);
            for (name, _) in self.root.list(dir.as_bytes()).unwrap_or_default() {
                let place = self.contents.places.get(&dir.child(&name));
                let is_ours = place.is_some_and(|place| place.source.is_some());
                if (is_ours || named.contains(name.as_slice()))
                    && let Ok(name) = String::from_utf8(name)
                {
                    found.insert(name);
                }
            }
        }
        found
    }

    /// The rules of a service, whose file is taken.
    fn service(&mut self, name: &str) -> Vec<(u32, Rule)> {
        let core = self.source_of(Owner::Core);
        let paths = DIRS.map(|dir| AppPath::new(dir).join(name.as_bytes()));
        for path in paths {
            if let Ok(text) = self.root.read(path.as_bytes(), TEXT) {
                self.chain(&path, core);
                return pam::read(&text);
            }
        }
        Vec::new()
    }

    fn pam_module(&mut self, loader: &Loader<'_>, dirs: &[AppPath], name: &str, args: &[String]) {
        let core = self.source_of(Owner::Core);
        for dir in dirs {
            let path = dir.join(name.as_bytes());
            if self.root.resolve(path.as_bytes()).is_ok() {
                self.loaded(loader, &path, core);
            }
        }
        let file = name.rsplit('/').next().unwrap_or(name);
        let Some(known) = module(file) else { return };
        let given = args.iter().filter_map(|arg| {
            let (key, value) = arg.split_once('=')?;
            known
                .file_arguments
                .iter()
                .any(|name| name == key)
                .then_some(value)
        });
        for path in known.reads.iter().map(String::as_str).chain(given) {
            if path.starts_with('/') {
                self.chain(&AppPath::new(path), core);
            }
        }
    }

    /// The modules of every name service that the system asks, where they are.
    pub(super) fn names(&mut self) {
        let Ok(text) = self.root.read("/etc/nsswitch.conf", TEXT) else {
            return;
        };
        let databases = nsswitch::read(&text);
        let services: BTreeSet<String> = databases.into_iter().flat_map(|d| d.services).collect();
        let dirs = self.beside_library(b"libc.so.");
        let loader = Loader::new(self.root);
        let core = self.source_of(Owner::Core);
        for dir in dirs {
            for service in &services {
                let path = dir.join(format!("libnss_{service}.so.2").as_bytes());
                if self.root.resolve(path.as_bytes()).is_ok() {
                    self.loaded(&loader, &path, core);
                }
            }
        }
    }

    /// The directories of the image that have a library whose name begins so.
    fn beside_library(&self, begin: &[u8]) -> Vec<AppPath> {
        let places = self.contents.places.iter();
        let found: BTreeSet<AppPath> = places
            .filter(|(path, place)| place.source.is_some() && path.name().starts_with(begin))
            .filter_map(|(path, _)| path.parent())
            .collect();
        found.into_iter().collect()
    }
}
