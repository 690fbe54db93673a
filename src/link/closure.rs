//! From what the loader does with each program to what a base image must offer: the objects of
//! each C library and machine, once each, and the interpreters of the scripts.

use std::collections::{BTreeMap, BTreeSet};

use super::bases::{Advice, Closure, Interpreter, Libc, Machine, Object, advise, floors, merge};
use super::loader::{Family, Loader, Needed, Outcome};
use super::scope::Scope;
use crate::parse::elf::{Class, Elf, Form};
use crate::path::{AppPath, escape};

/// `EM_386`.
const EM_386: u16 = 3;

/// What the loader does with the application.
#[derive(Clone, Copy, Debug)]
pub(super) struct Run<'a> {
    /// Its programs.
    pub(super) programs: &'a [Outcome],
    /// Its libraries that no program loads when it starts.
    pub(super) plugins: &'a [Outcome],
}

/// What can share a process: the machine with its width, and the C library.
type Kind = (u16, bool, Libc);

/// Which base images start the application; nothing when it has no program and no interpreter.
pub(super) fn advice(
    loader: &Loader<'_>,
    run: Run<'_>,
    scope: &Scope,
    interpreters: Vec<Interpreter>,
    archived: Libc,
) -> Advice {
    let mut closures = closures(loader, run, scope);
    if closures.is_empty() && interpreters.is_empty() {
        return Advice::default();
    }
    if !interpreters.is_empty() {
        closures.push(Closure {
            libc: archived,
            interpreters,
            ..Closure::default()
        });
    }
    for closure in &mut closures {
        name_symbols(loader, closure);
    }
    merge(closures.iter().map(advise).collect())
}

/// A closure for each kind of program. Where the application has no program, what it adds to those
/// of others counts, as native modules of an interpreter do.
pub(super) fn closures(loader: &Loader<'_>, run: Run<'_>, scope: &Scope) -> Vec<Closure> {
    let mut kinds: BTreeMap<Kind, Draft<'_>> = BTreeMap::new();
    let mut add = |outcome: &Outcome, late: bool, known_only: bool| {
        let Some(binary) = loader.elf(&outcome.file) else {
            return;
        };
        let Ok(elf) = &binary.elf else { return };
        if matches!(elf.form(), Form::Object | Form::Core | Form::Other) {
            return;
        }
        let (machine, wide) = (elf.header.machine, elf.header.class == Class::Elf64);
        let libc = libc(elf, outcome);
        let mut kind = (machine, wide, libc);
        // A library that names no C library goes along with any.
        if late && libc == Libc::None {
            let like = kinds
                .keys()
                .find(|kind| (kind.0, kind.1) == (machine, wide));
            kind = like.copied().unwrap_or(kind);
        }
        if known_only && !kinds.contains_key(&kind) {
            return;
        }
        let draft = kinds
            .entry(kind)
            .or_insert_with(|| Draft::new(loader, scope));
        draft.outcome(outcome, elf, late);
    };
    for outcome in run.programs {
        add(outcome, false, false);
    }
    // Modules for other machines and C libraries than the programs' lie beside them for other
    // hosts; where there is no program, those for which this host has a loader are meant.
    let none = run.programs.is_empty();
    let any_fits = run.plugins.iter().any(|outcome| outcome.loader.is_some());
    for outcome in run.plugins {
        if !none || !any_fits || outcome.loader.is_some() {
            add(outcome, true, !none);
        }
    }
    let closure = |((machine, _, libc), draft): (Kind, Draft<'_>)| Closure {
        libc,
        machine: if machine == EM_386 {
            Machine::X86
        } else {
            Machine::Native
        },
        objects: draft.objects,
        interpreters: Vec::new(),
    };
    kinds.into_iter().map(closure).collect()
}

/// The C library that a file is made for: what it names says more than the loader that was found
/// for it.
fn libc(elf: &Elf, outcome: &Outcome) -> Libc {
    let has = |text: &[u8], part: &[u8]| memchr::memmem::find(text, part).is_some();
    let interp = elf.interp.as_deref().unwrap_or_default();
    let mut needed = elf.dynamic.iter().flat_map(|dynamic| dynamic.needed());
    if has(interp, b"ld-musl-") || needed.any(|name| name == b"libc.so" || has(name, b"libc.musl-"))
    {
        return Libc::Musl;
    }
    let mut needed = elf.dynamic.iter().flat_map(|dynamic| dynamic.needed());
    let glibc = |name: &[u8]| name.starts_with(b"libc.so.") || has(name, b"ld-linux");
    if has(interp, b"ld-linux") || has(interp, b"/ld64.so") || needed.any(glibc) {
        return Libc::Glibc;
    }
    match &outcome.loader {
        Some(profile) if elf.form() == Form::Program => match profile.family {
            Family::Musl => Libc::Musl,
            Family::Glibc | Family::Unknown => Libc::Glibc,
        },
        _ => Libc::None,
    }
}

/// The objects of one kind while they are gathered.
struct Draft<'a> {
    loader: &'a Loader<'a>,
    scope: &'a Scope,
    objects: Vec<Object>,
    /// Where each file stands among them.
    files: BTreeMap<AppPath, usize>,
    /// The names that have no file.
    absent: BTreeSet<String>,
    /// Where the objects begin that the last program or plugin brought.
    first: usize,
}

impl<'a> Draft<'a> {
    fn new(loader: &'a Loader<'_>, scope: &'a Scope) -> Self {
        Self {
            loader,
            scope,
            objects: Vec::new(),
            files: BTreeMap::new(),
            absent: BTreeSet::new(),
            first: 0,
        }
    }

    /// A program or plugin with what is loaded for it.
    fn outcome(&mut self, outcome: &Outcome, elf: &Elf, late: bool) {
        self.first = self.objects.len();
        self.object(&outcome.file, elf, outcome.file.name(), late);
        for needed in &outcome.libraries {
            self.needed(needed, late);
        }
    }

    fn needed(&mut self, needed: &Needed, late: bool) {
        let name = last(&needed.name);
        let elsewhere = needed.elsewhere.iter();
        let own = elsewhere.clone().find(|path| self.scope.contains(path));
        // What is there but not reached can be put where it is.
        let file = needed.real_path.as_ref().or(own);
        let file = file.or_else(|| elsewhere.clone().next());
        if let Some(path) = file
            && let Some(binary) = self.loader.elf(path)
            && let Ok(elf) = &binary.elf
        {
            self.object(path, elf, name, late);
            return;
        }
        let name = escape(name).into_owned();
        if needed.optional || self.absent.contains(&name) {
            return;
        }
        if late {
            // It does not load on the old host either, and the application lives without it.
            for object in self.objects.iter_mut().skip(self.first) {
                object.needs.retain(|need| *need != name);
            }
            return;
        }
        self.absent.insert(name.clone());
        self.objects.push(Object {
            names: vec![name],
            late,
            ..Object::default()
        });
    }

    fn object(&mut self, path: &AppPath, elf: &Elf, name: &[u8], late: bool) {
        if let Some(object) = self
            .files
            .get(path)
            .and_then(|&at| self.objects.get_mut(at))
        {
            let name = escape(name).into_owned();
            if !object.names.contains(&name) {
                object.names.push(name);
            }
            return;
        }
        let mut object = Object::of_elf(path, elf, &[name]);
        for need in &mut object.needs {
            if let Some((_, name)) = need.rsplit_once('/') {
                *need = name.to_owned();
            }
        }
        object.in_scope = self.scope.contains(path);
        object.late = late;
        self.files.insert(path.clone(), self.objects.len());
        self.objects.push(object);
    }
}

/// A name that is a path stands for the file at its end.
fn last(name: &[u8]) -> &[u8] {
    name.rsplit(|&b| b == b'/').next().unwrap_or(name)
}

/// Looks up the symbol behind each floor: of the few files that set one the symbols are read, of
/// the others they are not.
fn name_symbols(loader: &Loader<'_>, closure: &mut Closure) {
    for floor in floors(closure) {
        let symbol = loader.symbol(
            &floor.file,
            floor.library.as_bytes(),
            floor.version.as_bytes(),
        );
        let Some(symbol) = symbol else { continue };
        let symbol = escape(&symbol).into_owned();
        let mut objects = closure.objects.iter_mut();
        let Some(object) = objects.find(|object| object.path.as_ref() == Some(&floor.file)) else {
            continue;
        };
        for need in &mut object.versions {
            if need.version == floor.version && need.library == floor.library {
                need.symbol = Some(symbol.clone());
            }
        }
    }
}
