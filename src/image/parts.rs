//! The parts of the system that no package brings into an image: what programs load and run, with
//! what these need around them.

use std::collections::BTreeSet;

use super::contents::Finder;
use crate::fact::Kind;
use crate::knowledge::libraries::is_runtime_folder;
use crate::link::loader::{Loader, Request};
use crate::path::AppPath;
use crate::report::Owner;

impl Finder<'_> {
    /// What its programs load and run of the system, where no package brings it.
    pub(super) fn parts(&mut self) {
        let report = self.report;
        let libraries = report.libraries.iter().map(|l| (&l.path, l.owner));
        let modules = report.modules.iter().map(|m| (&m.path, m.owner));
        for (path, owner) in libraries.chain(modules) {
            if let Some(path) = path {
                let source = self.source_of(owner);
                self.chain(path, source);
            }
        }
        let loader = Loader::new(self.root);
        self.loaders(&loader);
        for program in &report.programs {
            let source = self.source_of(program.owner);
            self.chain(&program.path, source);
            if program.package.is_none() {
                self.beside(&program.real_path, program.owner);
                self.loaded(&loader, &program.path, source);
            }
        }
    }

    /// What an interpreter that no package brought has around it: the directory of its
    /// installation, or the library of its version beside the directory of programs.
    fn beside(&mut self, program: &AppPath, owner: Owner) {
        let is_runtime = |part| std::str::from_utf8(part).is_ok_and(is_runtime_folder);
        let source = self.source_of(owner);
        let depth = program.components().position(is_runtime);
        if let Some(depth) = depth
            && depth + 1 < program.depth()
        {
            return self.whole(&program.prefix(depth + 1), source);
        }
        let Some(lib) = program
            .parent()
            .and_then(|bin| bin.parent())
            .map(|prefix| prefix.child(b"lib"))
        else {
            return;
        };
        let name = program.name();
        let stem = name
            .iter()
            .position(|byte| !byte.is_ascii_alphabetic())
            .and_then(|end| name.get(..end))
            .unwrap_or(name);
        for (found, stat) in self.root.list(lib.as_bytes()).unwrap_or_default() {
            let is_its = stat.kind == Kind::Dir && stem.len() > 2 && found.starts_with(stem);
            if is_its {
                self.whole(&lib.child(&found), source);
            }
        }
    }

    /// The loader of each program that has libraries: the kernel starts none without it
    /// (execve(2), `PT_INTERP`).
    fn loaders(&mut self, loader: &Loader<'_>) {
        // A package that brings the C library brings its loader.
        let libraries = self.report.libraries.iter();
        let unpackaged = libraries.filter(|library| library.package.is_none());
        let needing: BTreeSet<&AppPath> = unpackaged.flat_map(|l| &l.needed_by).collect();
        let mut found: BTreeSet<AppPath> = BTreeSet::new();
        for file in needing {
            let outcome = loader.run(&Request::new(file.as_bytes().to_vec()));
            found.extend(outcome.loader.map(|profile| AppPath::new(&profile.path)));
        }
        let core = self.source_of(Owner::Core);
        for path in found {
            self.chain(&path, core);
        }
    }
}
