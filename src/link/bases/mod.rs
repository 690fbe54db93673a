//! On which base images an application starts, what each lacks, and what sets the floor.
//!
//! Pure: a [`Closure`] in, an [`Advice`] out. The closure is what the loader brings together for
//! the application's programs on the old host, each file with what it asks of others; the table
//! of bases says what another system has in their place.

mod floors;
mod judge;
mod object;
#[cfg(test)]
mod tests;

use std::cmp::Ordering;
use std::collections::BTreeSet;

use rayon::prelude::*;

pub use floors::floors;

use crate::knowledge::bases::{Base, bases, number_key};
use crate::parse::os_release::OsRelease;
use crate::path::AppPath;
use crate::report::{BaseAdvice, BaseVerdict, Floor};

/// The C library that a program is made for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Libc {
    /// None: every program is static, or there is none.
    #[default]
    None,
    /// The GNU C library.
    Glibc,
    /// musl.
    Musl,
}

impl Libc {
    /// Its name in the table of bases.
    fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Glibc => "glibc",
            Self::Musl => "musl",
        }
    }
}

/// The machine that programs are made for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Machine {
    /// The machine of the base image itself. The table is of x86-64; other 64-bit machines have
    /// the same packages as far as a distribution serves them.
    #[default]
    Native,
    /// 32-bit x86, on a 64-bit system.
    X86,
}

/// What the application's programs and their libraries are on the old host.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Closure {
    /// The C library of its programs.
    pub libc: Libc,
    /// Their machine.
    pub machine: Machine,
    /// Every file that the loader brings in, once, in load order; and every plugin, with what it
    /// brings in. The C library itself may be left out.
    pub objects: Vec<Object>,
    /// The interpreters that the application's scripts need.
    pub interpreters: Vec<Interpreter>,
}

/// A program or a library.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Object {
    /// Where it is; absent when it is needed and nowhere.
    pub path: Option<AppPath>,
    /// The names by which it is needed, its SONAME among them.
    pub names: Vec<String>,
    /// Whether it belongs to the application and goes into the image with it.
    pub in_scope: bool,
    /// The names it needs (`DT_NEEDED`).
    pub needs: Vec<String>,
    /// The symbol versions it needs (`DT_VERNEED`).
    pub versions: Vec<VersionNeed>,
    /// The x86-64 level it needs (`GNU_PROPERTY_X86_ISA_1_NEEDED`): 2 for x86-64-v2.
    pub isa: Option<u8>,
    /// Whether it asks for an executable stack.
    pub exec_stack: bool,
    /// Whether it is loaded by `dlopen(3)`, not when the program starts.
    pub late: bool,
}

/// A symbol version that a file needs of a library.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct VersionNeed {
    /// The library's name, as in the version table.
    pub library: String,
    /// The version: `GLIBC_2.34`.
    pub version: String,
    /// A symbol of that version, where one is known.
    pub symbol: Option<String>,
    /// Whether the file starts without it (`VER_FLG_WEAK`).
    pub weak: bool,
}

/// An interpreter that a script of the application needs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Interpreter {
    /// `python`, `perl`, `java`, `php`, `ruby`, `node`, `tcl`, …
    pub language: String,
    /// Its version, or the first part of it, where the application asks for one.
    pub version: Option<String>,
    /// The script, or another file that asks for it.
    pub file: AppPath,
}

/// What is advised.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Advice {
    /// The newest symbol version of each family that the application needs of the system.
    pub floors: Vec<Floor>,
    /// Each base of the table: those that start the application first, the failing last; among
    /// them the smallest, or after [`Advice::prefer`] what is nearest to the old host.
    pub bases: Vec<BaseAdvice>,
}

/// Judges every base of the table.
#[must_use]
pub fn advise(closure: &Closure) -> Advice {
    let own = own_names(closure);
    let mut judged: Vec<BaseAdvice> = bases()
        .par_iter()
        .map(|base| judge::judge(base, closure, &own))
        .collect();
    sort(&mut judged);
    Advice {
        floors: floors(closure),
        bases: judged,
    }
}

/// What is advised for several closures that go into one image, such as 32-bit programs beside
/// 64-bit ones: each base lacks what it lacks for any of them.
#[must_use]
pub fn merge(all: Vec<Advice>) -> Advice {
    let mut all = all.into_iter();
    let mut merged = all.next().unwrap_or_default();
    for advice in all {
        for mut other in advice.bases {
            let Some(base) = merged.bases.iter_mut().find(|b| b.base == other.base) else {
                continue;
            };
            base.verdict = base.verdict.max(other.verdict);
            base.lacks.append(&mut other.lacks);
            base.lacks.sort();
            base.lacks.dedup();
            base.unchecked.append(&mut other.unchecked);
            base.unchecked.sort();
            base.unchecked.dedup();
        }
        for floor in advice.floors {
            floors::raise(&mut merged.floors, floor);
        }
    }
    sort(&mut merged.bases);
    merged
}

impl Advice {
    /// Puts what is nearest to the old host first: its own release, newer and older ones of its
    /// family, those that it is like, others with glibc, and musl last. Programs were built and
    /// tried there, and what was not seen of them holds there, too. What must be changed for a base
    /// comes after all on which it starts as it is or with packages, and nothing past its end of support
    /// comes before what is supported.
    pub fn prefer(&mut self, host: &OsRelease) {
        let table = bases();
        let base = |advice: &BaseAdvice| table.iter().find(|base| base.id == advice.base);
        if !table.iter().any(|base| kinship(base, host) < FOREIGN) {
            return;
        }
        let own = number_key(host.version.as_deref().unwrap_or_default());
        let key = |advice: &BaseAdvice| {
            let near =
                base(advice).map_or((u8::MAX, Vec::new()), |base| distance(base, host, &own));
            let size = advice.size_mb.unwrap_or(u32::MAX);
            let is_fit = advice.verdict.max(BaseVerdict::WithPackages);
            (is_fit, advice.ended, near, advice.verdict, size)
        };
        self.bases.sort_by(|a, b| {
            let by_key = key(a).cmp(&key(b));
            by_key.then_with(|| a.base.cmp(&b.base))
        });
    }
}

/// The kinship of what is neither of the old host's family nor of one that it is like.
const FOREIGN: u8 = 2;

/// How near a base's family is to the old host's.
fn kinship(base: &Base, host: &OsRelease) -> u8 {
    let is_of = |id: &str| match base.family.as_str() {
        "amazon" => id == "amzn",
        "suse" => id.starts_with("sles") || id.starts_with("opensuse") || id == "suse",
        "rhel" => matches!(id, "rhel" | "centos" | "rocky" | "almalinux" | "ol"),
        family => id == family,
    };
    if is_of(&host.id) {
        0
    } else if host.like.iter().any(|id| is_of(id)) {
        1
    } else {
        FOREIGN
    }
}

/// How far a base is from the old host, and the release by which those that are as far are ordered.
fn distance(base: &Base, host: &OsRelease, own: &[u64]) -> (u8, Vec<u64>) {
    let kin = kinship(base, host);
    let release = number_key(&base.release);
    // `VERSION_ID` of some has a minor number, that of others none.
    let shared = release.len().min(own.len());
    match (kin, release.get(..shared).cmp(&own.get(..shared))) {
        (0, Ordering::Equal) if shared > 0 => (0, Vec::new()),
        (0, Ordering::Greater) => (1, release),
        (0, _) => (2, release),
        (1, _) => (3, Vec::new()),
        _ if base.libc == "glibc" => (4, Vec::new()),
        _ if base.libc == "none" => (5, Vec::new()),
        _ => (6, Vec::new()),
    }
}

fn sort(judged: &mut [BaseAdvice]) {
    judged.sort_by(|a, b| {
        let key = |advice: &BaseAdvice| {
            let size = advice.size_mb.unwrap_or(u32::MAX);
            (advice.verdict, advice.ended, size)
        };
        key(a).cmp(&key(b)).then_with(|| a.base.cmp(&b.base))
    });
}

/// The names of the libraries that the application brings itself.
fn own_names(closure: &Closure) -> BTreeSet<&str> {
    let own = closure.objects.iter().filter(|object| object.in_scope);
    own.flat_map(|object| &object.names)
        .map(String::as_str)
        .collect()
}
