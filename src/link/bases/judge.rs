//! One base image against what an application needs.

use std::collections::{BTreeMap, BTreeSet};

use super::floors::{key, numbered};
use super::{Closure, Interpreter, Libc, Machine, Object, VersionNeed};
use crate::knowledge::bases::{Base, Has, Meets, is_glibc_part, number_key};
use crate::knowledge::libraries::dropped;
use crate::knowledge::places::is_code_place;
use crate::path::{AppPath, escape};
use crate::report::{BaseAdvice, BaseVerdict, Lack, LackKind, Remedy};

/// The version whose symbols belong to one build of the C library alone.
const PRIVATE: &str = "GLIBC_PRIVATE";

/// From this glibc on, dlopen(3) no longer makes the stack executable (glibc 2.41, NEWS).
const NO_EXEC_STACK: &str = "2.41";

/// What a base lacks.
pub(super) fn judge(base: &Base, closure: &Closure, own: &BTreeSet<&str>) -> BaseAdvice {
    let mut case = Case {
        base,
        closure,
        own,
        seen: BTreeSet::new(),
        copied: BTreeSet::new(),
        absent: BTreeSet::new(),
        versions: BTreeMap::new(),
        lacks: Vec::new(),
        unchecked: BTreeSet::new(),
    };
    if case.libc() {
        case.machine();
        case.libraries();
        case.exec_stack();
    }
    case.interpreters();
    case.lacks.sort();
    case.lacks.dedup();
    BaseAdvice {
        base: base.id.clone(),
        name: base.name.clone(),
        image: base.image.clone(),
        verdict: verdict(&case.lacks),
        libc: format!("{} {}", base.libc, base.libc_version)
            .trim_end()
            .to_owned(),
        isa: base.isa.clone(),
        end_of_support: base.end_of_support.clone(),
        ended: base.ended,
        size_mb: base.size_mb,
        lacks: case.lacks,
        unchecked: case.unchecked.into_iter().collect(),
        source: base.source.clone(),
    }
}

/// The worst lack decides.
fn verdict(lacks: &[Lack]) -> BaseVerdict {
    let of_lack = |lack: &Lack| match lack.remedy {
        Remedy::Install { .. } => BaseVerdict::WithPackages,
        Remedy::Copy { .. } | Remedy::Change { .. } => BaseVerdict::WithChanges,
        Remedy::Unknown => BaseVerdict::Unknown,
        Remedy::None => BaseVerdict::Fails,
    };
    let worst = lacks.iter().map(of_lack).max();
    worst.unwrap_or(BaseVerdict::Starts)
}

/// The newest version of a family: its number, the need, and the file that has it.
type Newest<'a> = (Vec<u64>, &'a VersionNeed, Option<&'a AppPath>);

struct Case<'a> {
    base: &'a Base,
    closure: &'a Closure,
    /// Names of what the application brings.
    own: &'a BTreeSet<&'a str>,
    /// Names that were looked at.
    seen: BTreeSet<&'a str>,
    /// Names whose file comes along from the old host.
    copied: BTreeSet<&'a str>,
    /// Names that the base has not, or not for certain.
    absent: BTreeSet<&'a str>,
    /// The newest need of each library and family, and the file that has it.
    versions: BTreeMap<(String, String), Newest<'a>>,
    lacks: Vec<Lack>,
    unchecked: BTreeSet<String>,
}

impl<'a> Case<'a> {
    /// Whether the base has the C library that the programs are made for.
    fn libc(&mut self) -> bool {
        let wanted = self.closure.libc;
        if wanted == Libc::None {
            // Static programs run on anything; what else is needed is looked at.
            return true;
        }
        if wanted.as_str() == self.base.libc {
            return true;
        }
        let note = (wanted == Libc::Glibc && self.base.family == "alpine")
            .then(|| "Alpine's gcompat answers a part of glibc's calls only.".to_owned());
        let main = self.closure.objects.iter().find(|object| object.in_scope);
        self.lacks.push(Lack {
            kind: LackKind::Libc,
            need: wanted.as_str().to_owned(),
            file: main.and_then(|object| object.path.clone()),
            symbol: None,
            remedy: Remedy::None,
            note,
        });
        false
    }

    fn machine(&mut self) {
        if self.closure.machine != Machine::X86 || self.closure.libc == Libc::None {
            return;
        }
        let remedy = match self.base.i386.as_deref() {
            Some("") => Remedy::None,
            Some(how) => Remedy::Change {
                how: how.to_owned(),
            },
            None => Remedy::Unknown,
        };
        let main = self.closure.objects.iter().find(|object| object.in_scope);
        self.lacks.push(Lack {
            kind: LackKind::Machine,
            need: "32-bit x86".to_owned(),
            file: main.and_then(|object| object.path.clone()),
            symbol: None,
            remedy,
            note: None,
        });
    }

    /// Follows what the application's files need, and what the files need that must come along.
    fn libraries(&mut self) {
        let objects = &self.closure.objects;
        let mut todo: Vec<&'a Object> = objects.iter().filter(|o| o.in_scope).rev().collect();
        while let Some(object) = todo.pop() {
            for need in &object.needs {
                if self.own.contains(need.as_str()) || !self.seen.insert(need) {
                    continue;
                }
                if let Some(copied) = self.library(need, object) {
                    todo.push(copied);
                }
            }
            self.gather(object);
        }
        let versions = std::mem::take(&mut self.versions);
        for (_, need, file) in versions.into_values() {
            self.version(need, file);
        }
    }

    /// Looks at one library; returns the old host's copy where that has to come along.
    fn library(&mut self, need: &'a str, object: &'a Object) -> Option<&'a Object> {
        let mut objects = self.closure.objects.iter();
        let host = objects.find(|other| other.names.iter().any(|name| name == need));
        let private = |host: &Object| host.versions.iter().any(|need| need.version == PRIVATE);
        let on_host = host.and_then(|host| host.path.as_ref());
        let mut note =
            dropped(need).map(|d| format!("Since {}: {}. {}", d.since, d.instead, d.advice));
        let remedy = match (self.base.has(need), on_host) {
            (Has::Ships, _) => return None,
            (Has::Offers(package), _) => {
                note = None;
                Remedy::Install {
                    package: self.package(package),
                }
            }
            (_, Some(_)) if host.is_some_and(private) => {
                note =
                    Some("It belongs to the old host's C library and works with no other.".into());
                Remedy::None
            }
            (Has::Unknown, Some(from)) if !is_code_place(from) => {
                // No distribution puts a library there: another product did.
                Remedy::Copy { from: from.clone() }
            }
            (Has::Unknown, on_host) if !self.base.complete => {
                note = note.or_else(|| {
                    on_host.map(|path| format!("If not, it can be copied from {}.", path.to_text()))
                });
                Remedy::Unknown
            }
            (_, Some(from)) => Remedy::Copy { from: from.clone() },
            (_, None) => Remedy::None,
        };
        match remedy {
            Remedy::Install { .. } => {}
            Remedy::Copy { .. } => {
                self.copied.insert(need);
            }
            _ => {
                self.absent.insert(need);
            }
        }
        let along = matches!(remedy, Remedy::Copy { .. });
        self.lacks.push(Lack {
            kind: LackKind::Library,
            need: escape(need.as_bytes()).into_owned(),
            file: object.path.clone(),
            symbol: None,
            remedy,
            note,
        });
        host.filter(|_| along)
    }

    /// The package's name with the machine, where that is not the system's own.
    fn package(&self, package: String) -> String {
        match (self.closure.machine, self.base.family.as_str()) {
            (Machine::X86, "debian" | "ubuntu") => package + ":i386",
            (Machine::X86, "rhel" | "amazon") => package + ".i686",
            (Machine::X86, "suse") => package + "-32bit",
            _ => package,
        }
    }

    /// Notes the symbol versions that a file needs.
    fn gather(&mut self, object: &'a Object) {
        for need in object.versions.iter().filter(|need| !need.weak) {
            if self.own.contains(need.library.as_str()) {
                continue;
            }
            let file = object.path.as_ref();
            if need.version == PRIVATE && object.in_scope {
                self.lacks.push(Lack {
                    kind: LackKind::Version,
                    need: need.version.clone(),
                    file: file.cloned(),
                    symbol: need.symbol.clone(),
                    remedy: Remedy::Unknown,
                    note: Some("It uses what belongs to one build of the C library alone.".into()),
                });
            }
            let Some((family, number)) = numbered(&need.version) else {
                continue;
            };
            let number = number_key(number);
            let key = key(need, family);
            let known = self.versions.get(&key);
            if known.is_none_or(|(before, _, _)| number > *before) {
                self.versions.insert(key, (number, need, file));
            }
        }
    }

    /// Compares one version need with what the base has.
    fn version(&mut self, need: &'a VersionNeed, file: Option<&'a AppPath>) {
        let library = need.library.as_str();
        if self.copied.contains(library) || self.absent.contains(library) {
            return;
        }
        let remedy = match meets(self.base, need) {
            Meets::Yes => return,
            Meets::Unknown => {
                let text = format!("{} of {library}", need.version);
                self.unchecked.insert(escape(text.as_bytes()).into_owned());
                return;
            }
            Meets::No => self.newer_copy(need),
        };
        self.lacks.push(Lack {
            kind: LackKind::Version,
            need: need.version.clone(),
            file: file.cloned(),
            symbol: need.symbol.clone(),
            remedy,
            note: Some(format!("{library} of this base is older.")),
        });
    }

    /// The old host's copy of a library that is too old on the base, where the base can load it.
    fn newer_copy(&self, need: &VersionNeed) -> Remedy {
        let mut objects = self.closure.objects.iter();
        let host = objects.find(|object| !object.in_scope && object.names.contains(&need.library));
        let fits = |object: &&Object| {
            let mut versions = object.versions.iter();
            versions.all(|own| own.version != PRIVATE && meets(self.base, own) != Meets::No)
        };
        match host.filter(fits).and_then(|object| object.path.as_ref()) {
            Some(from) if !is_glibc_part(&need.library) => Remedy::Copy { from: from.clone() },
            _ => Remedy::None,
        }
    }

    /// A library that asks for an executable stack and is loaded by a running program.
    ///
    /// What is loaded when the program starts still gets it, and so does a program that has one.
    fn exec_stack(&mut self) {
        let new = number_key(&self.base.libc_version) >= number_key(NO_EXEC_STACK);
        let objects = || self.closure.objects.iter().filter(|o| o.exec_stack);
        if self.base.libc != "glibc" || !new || objects().any(|object| !object.late) {
            return;
        }
        for object in objects() {
            let name = object.path.as_ref().map(|path| path.to_text().into_owned());
            self.lacks.push(Lack {
                kind: LackKind::ExecutableStack,
                need: "an executable stack".to_owned(),
                file: object.path.clone(),
                symbol: None,
                remedy: Remedy::Change {
                    how: format!(
                        "patchelf --clear-execstack {}",
                        name.or_else(|| object.names.first().cloned()).unwrap_or_default()
                    ),
                },
                note: Some(
                    "Most files ask for it by mistake; where the code really runs from the stack, GLIBC_TUNABLES=glibc.rtld.execstack=2 gives it."
                        .to_owned(),
                ),
            });
        }
    }

    fn interpreters(&mut self) {
        for wanted in &self.closure.interpreters {
            let need = match &wanted.version {
                Some(version) => format!("{} {version}", wanted.language),
                None => wanted.language.clone(),
            };
            self.lacks.push(Lack {
                kind: LackKind::Interpreter,
                need,
                file: Some(wanted.file.clone()),
                symbol: None,
                remedy: interpreter(self.base, wanted),
                note: None,
            });
        }
    }
}

fn meets(base: &Base, need: &VersionNeed) -> Meets {
    match numbered(&need.version) {
        // Not a number to the table: GLIBC_ABI_DT_RELR.
        Some((family, number)) => base.meets(&need.library, &format!("{family}_{number}")),
        None => Meets::Unknown,
    }
}

/// How a base comes to an interpreter.
fn interpreter(base: &Base, wanted: &Interpreter) -> Remedy {
    if base.libc == "none" {
        return Remedy::None;
    }
    let Some(offered) = base.interpreter(&wanted.language) else {
        return Remedy::Unknown;
    };
    let asked = wanted.version.as_deref().unwrap_or_default();
    let fits = |version: &&String| {
        let rest = version.strip_prefix(asked);
        rest.is_some_and(|rest| asked.is_empty() || rest.is_empty() || rest.starts_with('.'))
    };
    match offered.iter().rfind(fits) {
        Some(version) => Remedy::Install {
            package: interpreter_package(base, &wanted.language, version),
        },
        None => Remedy::Change {
            how: format!("use {} {}", wanted.language, offered.join(" or ")),
        },
    }
}

/// What the package of an interpreter is called.
fn interpreter_package(base: &Base, language: &str, version: &str) -> String {
    match (base.family.as_str(), language) {
        ("debian" | "ubuntu", "java") => format!("openjdk-{version}-jre-headless"),
        ("debian" | "ubuntu", "php") => format!("php{version}-cli"),
        ("debian" | "ubuntu", "python" | "ruby" | "tcl") => format!("{language}{version}"),
        ("debian" | "ubuntu" | "rhel" | "suse" | "alpine", "node") => "nodejs".to_owned(),
        ("rhel", "java") if version == "8" => "java-1.8.0-openjdk-headless".to_owned(),
        ("rhel", "java") => format!("java-{version}-openjdk-headless"),
        ("alpine", "java") => format!("openjdk{version}-jre-headless"),
        ("alpine", "python") => "python3".to_owned(),
        ("alpine", "php") => format!("php{}", version.replace('.', "")),
        ("rhel", "python") if version.starts_with("2.") => "python2".to_owned(),
        ("rhel" | "amazon" | "suse", "python") => format!("python{version}"),
        _ => language.to_owned(),
    }
}
