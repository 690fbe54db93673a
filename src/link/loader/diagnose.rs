//! Why a library is not found, and what would help.

use std::collections::BTreeMap;

use super::Loader;
use super::glibc::Process;
use super::outcome::Phase;
use super::search::{Place, Reach, Trail};
use super::token;
use crate::fact::{Kind, LibraryStatus};
use crate::parse::elf::{Abi, Defect, Elf, Fit, Form, verify};
use crate::parse::ld_conf::{self, Line};
use crate::path::{AppPath, escape};
use crate::tree::Who;

/// How many files elsewhere are named.
const ELSEWHERE: usize = 4;

/// Where the libraries of a tree lie, by file name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shelf(BTreeMap<Vec<u8>, Vec<AppPath>>);

impl Shelf {
    /// Adds a file under its name, and under its `DT_SONAME` where that differs.
    pub fn add(&mut self, path: &AppPath, soname: Option<&[u8]>) {
        let names = [Some(path.name()), soname];
        for name in names.into_iter().flatten() {
            let places = self.0.entry(name.to_vec()).or_default();
            if let Err(at) = places.binary_search(path) {
                places.insert(at, path.clone());
            }
        }
    }

    fn find(&self, name: &[u8]) -> &[AppPath] {
        self.0.get(name).map_or(&[], Vec::as_slice)
    }
}

/// What is said of a name that was not found.
pub(super) struct Diagnosis {
    pub(super) status: LibraryStatus,
    pub(super) how: String,
    pub(super) elsewhere: Vec<AppPath>,
}

impl Diagnosis {
    fn of(status: LibraryStatus, how: String) -> Self {
        Self {
            status,
            how,
            elsewhere: Vec::new(),
        }
    }
}

impl Process<'_, '_> {
    /// Why `name` was not found for the object `needing`.
    pub(super) fn diagnose(&self, name: &[u8], needing: usize, trail: &Trail) -> Diagnosis {
        let shown = |path: &[u8]| escape(path).into_owned();
        // What somebody else could open is missing only for whoever looks.
        if let (Some(path), None) = (trail.denied.first(), &self.who) {
            let how = format!("{} may not be read: run as root", shown(path));
            return Diagnosis::of(LibraryStatus::Unreadable, how);
        }
        if let Some(path) = &trail.stale {
            let how = format!(
                "{} names {}, which cannot be opened: run ldconfig",
                shown(&self.profile.cache),
                shown(path)
            );
            return Diagnosis::of(LibraryStatus::StaleCache, how);
        }
        if !name.contains(&b'/')
            && let Some(dir) = self
                .loader
                .configured_dir(name, &self.abi, self.who.as_ref())
        {
            let how = format!(
                "it lies in {}, which ld.so.conf names, but it is not in {}: run ldconfig",
                shown(&dir),
                shown(&self.profile.cache)
            );
            return Diagnosis::of(LibraryStatus::NotCached, how);
        }
        if let Some(found) = self.elsewhere_by_cwd(name, needing) {
            return found;
        }
        if let Some(found) = self.on_shelf(name, needing) {
            return found;
        }
        let mut how = match trail.skipped.first() {
            Some((path, reason)) => format!("not found; {} was passed over: {reason}", shown(path)),
            None => "not found".to_owned(),
        };
        if let Some(path) = trail.denied.first() {
            how.push_str(&format!("; {} may not be read by this user", shown(path)));
        }
        Diagnosis::of(LibraryStatus::Missing, how)
    }

    /// A relative element or name finds it from the program's own directory or the one above.
    fn elsewhere_by_cwd(&self, name: &[u8], needing: usize) -> Option<Diagnosis> {
        let main = self.objects.first()?;
        let own = token::dirname(&main.path);
        let mut tries: Vec<Vec<u8>> = Vec::new();
        if name.contains(&b'/') {
            if !name.starts_with(b"/") {
                tries.push(name.to_vec());
            }
        } else {
            for step in self.plan(name, needing, false) {
                let Place::Dirs(dirs) = step.place else {
                    continue;
                };
                let relative = dirs.iter().filter(|dir| !dir.starts_with(b"/"));
                tries.extend(relative.map(|dir| [dir, name].concat()));
            }
        }
        for relative in tries {
            for dir in [own, token::dirname(own)] {
                let path = [dir, b"/", relative.as_slice()].concat();
                if self.loader.fits(&path, &self.abi, self.who.as_ref()) {
                    let dir = escape(dir);
                    let how = format!("found only when the working directory is {dir}");
                    return Some(Diagnosis::of(LibraryStatus::ByEnvironment, how));
                }
            }
        }
        None
    }

    /// It is in the tree, where the loader does not look.
    fn on_shelf(&self, name: &[u8], needing: usize) -> Option<Diagnosis> {
        let name = name.rsplit(|&b| b == b'/').next().unwrap_or(name);
        let shelf = self.request.shelf?;
        let fits = |path: &&AppPath| {
            self.loader
                .fits(path.as_bytes(), &self.abi, self.who.as_ref())
        };
        let places = shelf.find(name).iter().filter(fits);
        let elsewhere: Vec<AppPath> = places.take(ELSEWHERE).cloned().collect();
        let first = elsewhere.first()?;
        let main = self.objects.first()?;
        let is_plugin = main
            .binary
            .elf
            .as_ref()
            .is_ok_and(|elf| elf.form() == Form::Library);
        let dir = first.parent().unwrap_or_else(AppPath::root);
        if is_plugin {
            let how = format!(
                "not on its own search path; a program that opens it has to have loaded {first}"
            );
            return Some(Diagnosis {
                status: LibraryStatus::ByHost,
                how,
                elsewhere,
            });
        }
        let owner = self.objects.get(needing)?;
        let how = format!(
            "{first} is not searched: set DT_RUNPATH of {} to {}, or LD_LIBRARY_PATH to {dir}",
            escape(&owner.path),
            relative(&owner.path, &dir)
        );
        Some(Diagnosis {
            status: LibraryStatus::Unreachable,
            how,
            elsewhere,
        })
    }
}

/// `dir` as seen from the directory of `object`, with `$ORIGIN`.
fn relative(object: &[u8], dir: &AppPath) -> String {
    let own = AppPath::new(token::dirname(object));
    let shared = own
        .components()
        .zip(dir.components())
        .take_while(|(a, b)| a == b)
        .count();
    if shared == 0 {
        return dir.to_string();
    }
    let mut out = "$ORIGIN".to_owned();
    for _ in shared..own.depth() {
        out.push_str("/..");
    }
    for part in dir.components().skip(shared) {
        out.push('/');
        out.push_str(&escape(part));
    }
    out
}

impl Loader<'_> {
    /// Whether a file can be loaded into a process of that kind.
    pub(super) fn fits(&self, path: &[u8], abi: &Abi, who: Option<&Who>) -> bool {
        match self.reach(self.view.resolve(path, who), who) {
            Reach::File(_, binary) => {
                let loads = |elf: &Elf| matches!(elf.defect, None | Some(Defect::Alignment));
                verify(abi, &binary.head, true) == Fit::Take && binary.elf.as_ref().is_ok_and(loads)
            }
            _ => false,
        }
    }

    /// The directory of `/etc/ld.so.conf` that holds `name`.
    fn configured_dir(&self, name: &[u8], abi: &Abi, who: Option<&Who>) -> Option<Vec<u8>> {
        let dirs = self.configured.get_or_init(|| self.read_conf());
        let holds = |dir: &&Vec<u8>| {
            let path = [dir.as_slice(), b"/", name].concat();
            self.fits(&path, abi, who)
        };
        dirs.iter().find(holds).cloned()
    }

    /// The directories of `/etc/ld.so.conf` and what it includes.
    fn read_conf(&self) -> Vec<Vec<u8>> {
        /// ldconfig follows includes of includes without a limit; nobody nests them this deep.
        const FILES: usize = 1000;
        const LIMIT: usize = 1 << 20;
        let mut dirs: Vec<Vec<u8>> = Vec::new();
        let mut seen: Vec<Vec<u8>> = Vec::new();
        let mut todo = vec![b"/etc/ld.so.conf".to_vec()];
        while let Some(file) = todo.pop() {
            if seen.contains(&file) || seen.len() >= FILES {
                continue;
            }
            let text = self.view.root().read(&file, LIMIT).unwrap_or_default();
            let mut includes = Vec::new();
            for line in ld_conf::read(&text) {
                match line {
                    Line::Dir(dir) => dirs.push(dir),
                    Line::Include(pattern) => {
                        let base = [token::dirname(&file), b"/"].concat();
                        let whole = if pattern.starts_with(b"/") {
                            pattern
                        } else {
                            [base, pattern].concat()
                        };
                        includes.extend(self.glob(&whole));
                    }
                }
            }
            seen.push(file);
            includes.reverse();
            todo.extend(includes);
        }
        dirs
    }

    /// The files that a pattern names; patterns are understood in its last component.
    fn glob(&self, pattern: &[u8]) -> Vec<Vec<u8>> {
        let dir = token::dirname(pattern);
        let name = pattern.rsplit(|&b| b == b'/').next().unwrap_or_default();
        let Ok(found) = self.view.dir(dir, None) else {
            return Vec::new();
        };
        let names = self.view.names(&found).into_iter();
        names
            .filter(|(entry, kind)| *kind != Kind::Dir && ld_conf::glob(name, entry))
            .map(|(entry, _)| [dir, b"/", &entry].concat())
            .collect()
    }
}

/// The words for a phase, for explanations.
impl std::fmt::Display for Phase {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Path => "path",
            Self::Rpath => "DT_RPATH",
            Self::LdLibraryPath => "LD_LIBRARY_PATH",
            Self::Runpath => "DT_RUNPATH",
            Self::Cache => "cache",
            Self::PathFile => "path file",
            Self::Default => "default directories",
            Self::Builtin => "the loader itself",
        })
    }
}
