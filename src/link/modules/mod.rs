//! What programs open by name once they run, which no list of needed libraries shows: dlopen(3),
//! name services, PAM, OpenSSL's providers and engines, converters, Java's native libraries, and
//! the extension modules of interpreters.
//!
//! Each source of names has a file of its own; what it names is then opened in mind, in the process
//! that asks, by the rules of its loader.

mod calls;
mod converters;
mod dlopen;
mod extensions;
mod java;
mod name_service;
mod openssl;
mod pam;
mod words;
mod written;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use rayon::prelude::*;
use serde::Serialize;

use super::loader::{Family, Loader, Needed, Open, Opened, Outcome, Phase, Request};
use crate::fact::{Certainty, Fact, LibraryStatus, Locus, ModuleKind, Priority, What};
use crate::parse::elf;
use crate::parse::read::ReadAt;
use crate::path::{AppPath, escape};
use crate::tree::Root;

pub(super) use calls::Calls;
pub(super) use extensions::{Modules, extensions};
pub use words::words;
pub(super) use written::{Written, written};

/// How much is read of a library that is searched for what it was built with.
const CONTENT: usize = 16 << 20;

/// How many files that open a module stand beside it.
const OPENED_BY: usize = 10;

/// A name that something opens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Asked {
    pub(super) kind: ModuleKind,
    /// The object that calls, as the loader spells its path.
    pub(super) by: Vec<u8>,
    /// Names of which any will do, the preferred one first.
    pub(super) names: Vec<Vec<u8>>,
    /// Where the names stand.
    pub(super) at: Locus,
    pub(super) priority: Priority,
    pub(super) certainty: Certainty,
    /// It is not opened, since what asks has it built in.
    pub(super) built_in: bool,
}

/// A module, before it is known who owns it: the fields of [`crate::report::Module`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Found {
    /// What opens it.
    pub kind: ModuleKind,
    /// The name by which it is opened.
    pub name: String,
    /// The other names that will do.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub or: Vec<String>,
    /// What became of it.
    pub status: LibraryStatus,
    /// The path by which it is opened.
    pub path: Option<AppPath>,
    /// The file behind that path.
    pub real_path: Option<AppPath>,
    /// How it was found, or why not.
    pub how: String,
    /// Libraries that it needs and that are not found.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub lacks: Vec<String>,
    /// Where its name stands.
    pub at: Locus,
    /// How much it matters.
    pub priority: Priority,
    /// How it is known that it is opened.
    pub certainty: Certainty,
    /// The files that open it (the first few).
    pub opened_by: Vec<AppPath>,
    /// How many more files open it than `opened_by` holds.
    #[serde(skip_serializing_if = "is_zero")]
    pub opened_by_more: u64,
}

fn is_zero(n: &u64) -> bool {
    *n == 0
}

/// What a program that was started in mind opens once it runs, without the modules of interpreters:
/// in order. The program and what it finds by its own search paths are searched for names.
#[must_use]
pub fn of_start(
    root: &Root,
    loader: &Loader<'_>,
    request: &Request<'_>,
    outcome: &Outcome,
) -> Vec<Found> {
    let by_system = |needed: &&Needed| matches!(needed.phase, Some(Phase::Cache | Phase::Default));
    let systems = outcome.libraries.iter().filter(by_system);
    let systems: Vec<&AppPath> = systems
        .filter_map(|needed| needed.real_path.as_ref())
        .collect();
    let own = |file: &AppPath| !systems.contains(&file);
    let sight = Sight::new(root, loader);
    let asked = sight.asked(outcome, &own);
    let opens = opens(&asked);
    let opened = if opens.is_empty() {
        Vec::new()
    } else {
        let later = |_: &Outcome| opens.clone();
        let request = Request {
            later: Some(&later),
            ..request.clone()
        };
        loader.run(&request).opened
    };
    let mut all = found(&outcome.file, &asked, &opened);
    all.extend(sight.converters(outcome, &own));
    merge(all)
}

impl Found {
    pub(super) fn fact(&self) -> Fact {
        Fact {
            at: self.at.clone(),
            what: What::Module {
                kind: self.kind,
                name: self.name.clone(),
                priority: self.priority,
                status: self.status,
                path: self.path.clone(),
                how: self.how.clone(),
            },
            certainty: self.certainty,
        }
    }
}

/// An object of a process.
pub(super) struct Member<'o> {
    /// As the loader spells it.
    pub(super) path: &'o [u8],
    /// The file.
    pub(super) real: &'o AppPath,
    /// The name by which it was asked for; empty for the program.
    pub(super) name: &'o [u8],
    /// What it calls.
    pub(super) calls: Calls,
}

/// Looks through processes for what they open later. May be shared by threads.
pub(super) struct Sight<'l, 'r> {
    root: &'r Root,
    loader: &'l Loader<'r>,
    calls: Known<Calls>,
    openssl: Known<Arc<openssl::Built>>,
    /// The names of libraries among the strings of a file.
    names: Known<Arc<BTreeSet<Vec<u8>>>>,
    texts: Known<Option<Arc<[u8]>>>,
}

/// What was read of each file, once. Two threads may read the same at first: neither waits.
struct Known<T>(Mutex<BTreeMap<AppPath, T>>);

impl<T> Default for Known<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T: Clone> Known<T> {
    fn get(&self, file: &AppPath, read: impl FnOnce() -> T) -> T {
        let lock = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = lock().get(file) {
            return known.clone();
        }
        let made = read();
        lock().entry(file.clone()).or_insert(made).clone()
    }
}

impl<'l, 'r> Sight<'l, 'r> {
    pub(super) fn new(root: &'r Root, loader: &'l Loader<'r>) -> Self {
        Self {
            root,
            loader,
            calls: Known::default(),
            openssl: Known::default(),
            names: Known::default(),
            texts: Known::default(),
        }
    }

    /// Starts a program in mind, and lets it open what it asks for once it has started. `own` is as
    /// for [`Self::asked`].
    pub(super) fn start(
        &self,
        request: &Request<'_>,
        own: &(dyn Fn(&AppPath) -> bool + Sync),
    ) -> (Outcome, Vec<Found>) {
        let asked = Mutex::new(Vec::new());
        let later = |outcome: &Outcome| {
            let names = self.asked(outcome, own);
            let opens = opens(&names);
            *asked.lock().unwrap_or_else(PoisonError::into_inner) = names;
            opens
        };
        let outcome = self.loader.run(&Request {
            later: Some(&later),
            ..request.clone()
        });
        let asked = asked.into_inner().unwrap_or_else(PoisonError::into_inner);
        let mut found = found(&outcome.file, &asked, &outcome.opened);
        found.extend(self.converters(&outcome, own));
        (outcome, found)
    }

    /// What the objects of a process open. `own` tells which of them are the application's: only
    /// their strings are searched for names.
    pub(super) fn asked(&self, outcome: &Outcome, own: &dyn Fn(&AppPath) -> bool) -> Vec<Asked> {
        let Some(profile) = &outcome.loader else {
            return Vec::new();
        };
        let members = self.members(outcome);
        let mut asked = dlopen::asked(self, &members, own);
        if profile.family != Family::Musl {
            let built_in = profile.at_least(34);
            asked.extend(name_service::asked(self, &members, built_in));
        }
        asked.extend(pam::asked(self, &members, own));
        asked.extend(openssl::asked(self, &members));
        asked
    }

    /// The program and its libraries, with what each calls.
    fn members<'o>(&self, outcome: &'o Outcome) -> Vec<Member<'o>> {
        let main = (outcome.file.as_bytes(), &outcome.file, &b""[..]);
        let library = |needed: &'o Needed| {
            let found = needed.status == LibraryStatus::Resolved;
            let path = needed.path.as_deref().filter(|_| found)?;
            Some((path, needed.real_path.as_ref()?, needed.name.as_slice()))
        };
        let libraries = outcome.libraries.par_iter().filter_map(library);
        let objects = rayon::iter::once(main).chain(libraries);
        let member = |(path, real, name)| Member {
            path,
            real,
            name,
            calls: self.calls(real),
        };
        objects.map(member).collect()
    }

    fn calls(&self, real: &AppPath) -> Calls {
        self.calls.get(real, || {
            let read = || {
                let binary = self.loader.elf(real)?;
                let elf = binary.elf.as_ref().ok()?;
                let file = self.root.open_file(real.as_bytes()).ok()?;
                Some(Calls::of(elf, &binary.head, &file))
            };
            read().unwrap_or_default()
        })
    }

    fn library_names(&self, real: &AppPath) -> Arc<BTreeSet<Vec<u8>>> {
        self.names.get(real, || {
            let file = self.root.open_file(real.as_bytes());
            let names = file.map(|file| dlopen::names(&head(&file), &file));
            names.unwrap_or_default().into()
        })
    }

    fn text(&self, path: &str) -> Option<Arc<[u8]>> {
        /// Far more than anybody writes by hand.
        const LIMIT: usize = 1 << 20;
        let read = || self.root.read(path, LIMIT).ok().map(Arc::from);
        self.texts.get(&AppPath::new(path), read)
    }
}

/// How a file begins, as far as its header goes.
fn head(file: &dyn ReadAt) -> Vec<u8> {
    file.bytes_at(0, 64).unwrap_or_default()
}

/// The strings of a program or library.
fn strings(root: &Root, real: &AppPath) -> Vec<u8> {
    let file = root.open_file(real.as_bytes());
    file.map_or_else(|_| Vec::new(), |file| elf::strings(&file, CONTENT))
}

/// The calls of dlopen(3) for the names that are not built in.
fn opens(asked: &[Asked]) -> Vec<Open> {
    let real = asked.iter().filter(|asked| !asked.built_in);
    let open = |asked: &Asked| Open {
        by: asked.by.clone(),
        names: asked.names.clone(),
    };
    real.map(open).collect()
}

/// What came of each name, for the process of `file`.
fn found(file: &AppPath, asked: &[Asked], opened: &[Opened]) -> Vec<Found> {
    let mut opened = opened.iter();
    let one = |asked: &Asked| {
        let came = if asked.built_in { None } else { opened.next() };
        one(file, asked, came)
    };
    asked.iter().filter_map(one).collect()
}

fn one(file: &AppPath, asked: &Asked, opened: Option<&Opened>) -> Option<Found> {
    let library = opened.and_then(|opened| opened.library.as_ref());
    let status = match (library, asked.built_in) {
        (Some(library), _) => library.status,
        (None, true) => LibraryStatus::BuiltIn,
        // The loader or the program itself answers to the name.
        (None, false) => return None,
    };
    // A string that looks like a library's name and leads nowhere is no evidence of anything.
    let is_found = status == LibraryStatus::Resolved;
    if asked.kind == ModuleKind::DlopenName && !is_found && !is_library_name(&asked.names) {
        return None;
    }
    let text = |name: &Vec<u8>| escape(name).into_owned();
    let preferred = asked.names.first().map(text).unwrap_or_default();
    let mut name = library.map_or(preferred, |library| text(&library.name));
    if asked.kind == ModuleKind::Pam
        && let Some((_, last)) = name.rsplit_once('/')
        && asked.names.len() > 1
    {
        // The directory is libpam's, not the file's.
        name = last.to_owned();
    }
    let is_bad = |needed: &&Needed| !needed.optional && needed.status != LibraryStatus::Resolved;
    let brings = opened.map_or(&[][..], |opened| &opened.brings);
    let lacks: Vec<String> = brings
        .iter()
        .filter(is_bad)
        .map(|needed| text(&needed.name))
        .collect();
    Some(Found {
        kind: asked.kind,
        or: if asked.kind == ModuleKind::DlopenNote {
            let others = asked.names.iter().map(text);
            others.filter(|other| *other != name).collect()
        } else {
            Vec::new()
        },
        name,
        status: if lacks.is_empty() {
            status
        } else {
            LibraryStatus::Missing
        },
        path: library.and_then(Needed::app_path),
        real_path: library.and_then(|library| library.real_path.clone()),
        how: match library {
            Some(_) if asked.kind == ModuleKind::NameService && !is_found => {
                "not found: the C library asks the next service".to_owned()
            }
            Some(_) if is_found && !lacks.is_empty() => lacking(&lacks),
            Some(library) => library.how.clone(),
            None => "part of the C library".to_owned(),
        },
        lacks,
        at: asked.at.clone(),
        priority: asked.priority,
        certainty: asked.certainty,
        opened_by: vec![file.clone()],
        opened_by_more: 0,
    })
}

/// Why a module that is there cannot be opened.
fn lacking(lacks: &[String]) -> String {
    format!("there, but {} that it needs is not", lacks.join(", "))
}

/// Whether one of the names is a library's for certain: `libx.so`, or a path.
fn is_library_name(names: &[Vec<u8>]) -> bool {
    let is = |name: &Vec<u8>| name.starts_with(b"lib") || name.starts_with(b"/");
    names.iter().any(is)
}

/// Joins what several processes open alike.
pub(super) fn merge(all: impl IntoIterator<Item = Found>) -> Vec<Found> {
    type Key = (
        ModuleKind,
        String,
        LibraryStatus,
        Option<AppPath>,
        Vec<String>,
    );
    let mut merged: BTreeMap<Key, Found> = BTreeMap::new();
    for found in all {
        let key = (
            found.kind,
            found.name.clone(),
            found.status,
            found.real_path.clone(),
            found.lacks.clone(),
        );
        let Some(known) = merged.get_mut(&key) else {
            merged.insert(key, found);
            continue;
        };
        known.priority = known.priority.min(found.priority);
        known.certainty = known.certainty.max(found.certainty);
        known.at = known.at.clone().min(found.at);
        known.opened_by.extend(found.opened_by);
    }
    let mut merged: Vec<Found> = merged.into_values().collect();
    for found in &mut merged {
        found.opened_by.sort();
        found.opened_by.dedup();
        found.opened_by_more = found.opened_by.len().saturating_sub(OPENED_BY) as u64;
        found.opened_by.truncate(OPENED_BY);
    }
    merged
}
