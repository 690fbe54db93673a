//! The libraries of the application: what the loader finds for each of its programs, and who
//! answers for it.

use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;

use super::bases::{Advice, Interpreter, Libc};
use super::closure;
use super::host::Host;
use super::interpreters;
use super::loader::{Cpu, Loader, Needed, Outcome, Phase, Request, Shelf, Start, Verdict};
use super::modules::{self, Modules, Sight, Written};
use super::owners::{self, Copy};
use super::scope::Scope;
use crate::fact::{Certainty, Fact, Issue, IssueKind, LibraryStatus, Locus, ProgramForm, What};
use crate::knowledge::libraries::tells_version;
use crate::path::{AppPath, escape};
use crate::report::{Library, Module, Shadow, is_build};
use crate::tree::Root;

/// How many files that need a library stand beside it.
const NEEDED_BY: usize = 10;

/// How large a library may be that is searched for its version: OpenSSL's has five megabytes.
const CONTENT: usize = 16 << 20;

/// The files that need a library, those first that tell most.
type Needing<'a> = BTreeSet<((bool, bool), &'a AppPath)>;

/// The libraries of the application with the facts they rest on.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// In order of name.
    pub(super) libraries: Vec<Library>,
    /// What is opened by name later, in order.
    pub(super) modules: Vec<Module>,
    /// What scripts ask for that is written in their own language, in order.
    pub(super) written: Vec<Written>,
    /// One fact for each program and library.
    pub(super) facts: Vec<Fact>,
    /// Programs that the loader refuses.
    pub(super) issues: Vec<Issue>,
    /// What a base image must offer.
    pub(super) advice: Advice,
    /// The interpreters that are no part of the application.
    pub(super) interpreters: Vec<Interpreter>,
}

/// Starts every program of the scope in mind; then every library of it that none of them loads, as
/// a plugin.
pub(super) fn find(root: &Root, host: &Host, scope: &Scope, facts: &[Fact]) -> Found {
    let loader = Loader::new(root);
    let (programs, plugins) = objects(scope, facts);
    let mut shelf = Shelf::default();
    for library in programs.iter().chain(&plugins) {
        shelf.add(library, None);
    }
    let env = environment(facts);
    let request = |file: &AppPath, start: Start| {
        let mut request = Request::new(file.as_bytes());
        request.env.clone_from(&env);
        // Not the processor of this host: a report is the same wherever it is made.
        request.cpu = Cpu { x86_level: 4 };
        request.start = start;
        request.shadows = true;
        request.shelf = Some(&shelf);
        request
    };
    let run = |file: &AppPath, start: Start| loader.run(&request(file, start));
    let sight = Sight::new(root, &loader);
    let own = |file: &AppPath| scope.contains(file);
    let started = |file: &AppPath, start: Start| sight.start(&request(file, start), &own);
    let (mut outcomes, mut opened): (Vec<Outcome>, Vec<Vec<modules::Found>>) = programs
        .par_iter()
        .with_max_len(1)
        .map(|file| started(file, Start::Kernel))
        .unzip();
    // Of a tree without a system around it nobody can say what the system has.
    let has_system = ["/etc/os-release", "/usr/lib/os-release"]
        .iter()
        .any(|path| root.resolve(path).is_ok());
    for outcome in &mut outcomes {
        let is_absent = outcome.verdict == Verdict::NoInterpreter && !is_build(&outcome.file);
        if is_absent && has_system {
            outcome.libraries = loader.unloaded(&outcome.file);
        }
    }
    let loaded: BTreeSet<AppPath> = outcomes
        .iter()
        .flat_map(|outcome| &outcome.libraries)
        .filter_map(|needed| needed.real_path.clone())
        .collect();
    let alone: Vec<&AppPath> = plugins
        .iter()
        .filter(|file| !loaded.contains(*file))
        .collect();
    let (alone, opened_alone): (Vec<Outcome>, Vec<Vec<modules::Found>>) = alone
        .par_iter()
        .with_max_len(1)
        .map(|file| started(file, Start::Loader))
        .unzip();
    opened.extend(opened_alone);
    let whole = closure::Run {
        programs: &outcomes,
        plugins: &alone,
    };
    let interpreters = interpreters::find(&loader, scope, facts, outcomes.is_empty());
    let load = |file: &AppPath| run(file, Start::Loader);
    let asked = Modules {
        root,
        loader: &loader,
        scope,
        facts,
        plugins: &alone,
        load: &load,
    };
    let extensions = || (modules::extensions(asked), modules::written(asked));
    let advice = || {
        let mut advice = closure::advice(
            &loader,
            whole,
            scope,
            interpreters.clone(),
            archived(root, facts),
        );
        advice.prefer(&host.release);
        advice
    };
    let (advice, (extensions, written)) = rayon::join(advice, extensions);
    opened.push(extensions);
    let mut found = Found {
        advice,
        interpreters,
        written,
        ..Found::default()
    };
    for module in modules::merge(opened.into_iter().flatten()) {
        found.facts.push(module.fact());
        found.modules.push(owned(host, scope, module));
    }
    outcomes.extend(alone);
    outcomes.sort_by(|a, b| a.file.cmp(&b.file));
    let mut libraries: BTreeMap<_, (Library, Needing<'_>)> = BTreeMap::new();
    for outcome in &outcomes {
        for needed in &outcome.libraries {
            let unfit = unfit(outcome, needed);
            let needed = unfit.as_ref().unwrap_or(needed);
            found.facts.push(fact(outcome, needed));
            let key = (needed.name.clone(), needed.status, needed.real_path.clone());
            let (_, needed_by) = libraries
                .entry(key)
                .or_insert_with(|| (library(root, host, scope, needed), BTreeSet::new()));
            // Rules ask whether programs need it, or other things than builds that are not loaded:
            // of more files than are listed, those tell.
            let rank = (is_build(&outcome.file), plugins.contains(&outcome.file));
            needed_by.insert((rank, &outcome.file));
        }
        found.issues.extend(refused(outcome));
    }
    let counted = |(mut library, needed_by): (Library, Needing<'_>)| {
        library.needed_by_more = needed_by.len().saturating_sub(NEEDED_BY) as u64;
        let first = needed_by.into_iter().take(NEEDED_BY);
        library.needed_by = first.map(|(_, file)| file.clone()).collect();
        library.needed_by.sort();
        library
    };
    found.libraries = libraries.into_values().map(counted).collect();
    found.libraries.sort();
    found
}

/// A module with who answers for it.
fn owned(host: &Host, scope: &Scope, found: modules::Found) -> Module {
    let real = found.real_path.as_ref();
    let package = real.and_then(|path| host.packages.owner(path));
    let package = package.map(|package| package.name.clone());
    let own = real.is_some_and(|path| scope.contains(path));
    Module {
        owner: owners::owner(&found.name, real, package.as_deref(), own),
        package,
        kind: found.kind,
        name: found.name,
        or: found.or,
        priority: found.priority,
        status: found.status,
        path: found.path,
        real_path: found.real_path,
        how: found.how,
        lacks: found.lacks,
        at: found.at,
        opened_by: found.opened_by,
        opened_by_more: found.opened_by_more,
        certainty: found.certainty,
    }
}

/// The programs and the libraries of the scope, in order.
fn objects(scope: &Scope, facts: &[Fact]) -> (Vec<AppPath>, Vec<AppPath>) {
    let mut programs = BTreeSet::new();
    let mut libraries = BTreeSet::new();
    for fact in facts {
        let What::Program { form, .. } = &fact.what else {
            continue;
        };
        if !scope.contains(&fact.at.file) {
            continue;
        }
        match form {
            ProgramForm::Elf => programs.insert(fact.at.file.clone()),
            ProgramForm::SharedLibrary => libraries.insert(fact.at.file.clone()),
            _ => continue,
        };
    }
    (
        programs.into_iter().collect(),
        libraries.into_iter().collect(),
    )
}

/// `LD_LIBRARY_PATH` as units and wrappers of the application set it.
fn environment(facts: &[Fact]) -> BTreeMap<Vec<u8>, Vec<u8>> {
    let mut dirs: Vec<&str> = Vec::new();
    for fact in facts {
        if let What::SearchPath { tag, value } = &fact.what
            && tag == "ld-library-path"
        {
            for dir in value
                .split(':')
                .filter(|dir| dir.starts_with('/') && !dir.contains('*'))
            {
                if !dirs.contains(&dir) {
                    dirs.push(dir);
                }
            }
        }
    }
    let mut env = BTreeMap::new();
    if !dirs.is_empty() {
        env.insert(b"LD_LIBRARY_PATH".to_vec(), dirs.join(":").into_bytes());
    }
    env
}

/// A library as the loader sees it that stops because of it: it lacks a version that an object asks
/// for (ld.so(8)).
fn unfit(outcome: &Outcome, needed: &Needed) -> Option<Needed> {
    if outcome.verdict != Verdict::Aborts || needed.status != LibraryStatus::Resolved {
        return None;
    }
    let path = escape(needed.path.as_deref()?);
    let mut problems = outcome.problems.iter();
    let problem = problems.find(|problem| {
        let after = problem.message.strip_prefix(path.as_ref());
        after.is_some_and(|after| after.starts_with(": version "))
    })?;
    let by = escape(&problem.object);
    Some(Needed {
        status: LibraryStatus::Aborts,
        how: format!("{}, which {by} asks for", problem.message),
        ..needed.clone()
    })
}

fn fact(outcome: &Outcome, needed: &Needed) -> Fact {
    Fact {
        at: Locus::file(&outcome.file),
        what: What::Library {
            name: escape(&needed.name).into_owned(),
            status: needed.status,
            path: needed.path.as_deref().and_then(AppPath::absolute),
            how: needed.how.clone(),
        },
        certainty: Certainty::Observed,
    }
}

fn library(root: &Root, host: &Host, scope: &Scope, needed: &Needed) -> Library {
    let package = needed
        .real_path
        .as_ref()
        .and_then(|path| host.packages.owner(path));
    let own = needed
        .real_path
        .as_ref()
        .is_some_and(|path| scope.contains(path));
    Library {
        name: escape(&needed.name).into_owned(),
        status: needed.status,
        path: needed.path.as_deref().and_then(AppPath::absolute),
        real_path: needed.real_path.clone(),
        how: needed.how.clone(),
        needed_by: Vec::new(),
        needed_by_more: 0,
        package: package.map(|package| package.name.clone()),
        owner: owners::owner(
            &escape(&needed.name),
            needed.real_path.as_ref(),
            package.map(|package| package.name.as_str()),
            own,
        ),
        shadows: own.then(|| shadow(root, host, needed)).flatten(),
    }
}

/// The system's library that a bundled one stands in for.
fn shadow(root: &Root, host: &Host, needed: &Needed) -> Option<Shadow> {
    let bundled = needed.real_path.as_ref()?;
    let system = needed
        .shadows
        .iter()
        .find(|shadow| matches!(shadow.phase, Phase::Cache | Phase::Default))?;
    let version = |path: &AppPath| {
        host.packages
            .owner(path)
            .map(|package| package.version.as_str())
    };
    let name = escape(&needed.name);
    let tells = tells_version(&name);
    let read = |path: &AppPath| {
        let bytes = tells.then(|| root.read(path.as_bytes(), CONTENT).ok());
        bytes.flatten()
    };
    let contents = (read(bundled), read(&system.real));
    let copy = |path, content| Copy {
        real_path: path,
        package_version: version(path),
        content,
    };
    owners::shadow(
        &name,
        copy(bundled, contents.0.as_deref()),
        copy(&system.real, contents.1.as_deref()),
    )
}

/// What keeps a program from starting besides its libraries.
fn refused(outcome: &Outcome) -> Option<Issue> {
    let message = match outcome.verdict {
        Verdict::NoInterpreter => "the loader that it names is not there".to_owned(),
        Verdict::Unreadable => "it could not be read as a program".to_owned(),
        _ => return None,
    };
    Some(Issue {
        at: Locus::file(&outcome.file),
        kind: IssueKind::Malformed,
        message,
    })
}

/// The C library of the native code in archives: what a virtual machine unpacks and loads is made for the
/// old host's.
fn archived(root: &Root, facts: &[Fact]) -> Libc {
    let is_native = |fact: &Fact| {
        matches!(&fact.what, What::Program { traits, .. }
            if traits.iter().any(|one| one.starts_with("native:") && one.contains(".so")))
    };
    if !facts.iter().any(is_native) {
        return Libc::None;
    }
    match root.resolve("/lib/ld-musl-x86_64.so.1") {
        Ok(_) => Libc::Musl,
        Err(_) => Libc::Glibc,
    }
}
