//! Programs of Java: the classes that a start leads to, through archives and directories of the class path.

mod command;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

pub(super) use self::command::{JavaStart, is_launcher, start};
use super::settings::Settings;
use crate::extract::HEAD;
use crate::fact::Kind;
use crate::link::scope::Scope;
use crate::parse::config;
use crate::parse::content::archive::{Archive, Place, unpack};
use crate::parse::content::jar;
use crate::parse::java::{self, Loaded, MAX_CLASS, Machine};
use crate::parse::op::Script;
use crate::path::AppPath;
use crate::tree::Root;

/// How many classes of a program are read, and how many bytes of them.
const MAX_CLASSES: usize = 3000;
const MAX_BYTES: usize = 24 << 20;

/// How many members of archives are known.
const MAX_NAMES: usize = 400_000;

/// The largest file of settings beside the classes that is read, in bytes.
const MAX_SETTINGS: usize = 64 << 10;

/// How many parts of the class path are looked into.
const MAX_PARTS: usize = 400;

/// Up to how many classes of its makers a start only leads to the program.
const LEADERS: usize = 4;

/// How many keys a program's settings may give several values before they tell nothing.
const MAX_VALUES: usize = 2;

/// Where archives keep classes (the Java Archive's own top; Spring Boot's "Executable Jar File Structure";
/// Jakarta Servlet, 10.5).
const TOPS: [&str; 3] = ["", "BOOT-INF/classes/", "WEB-INF/classes/"];

/// Beginnings of names of the classes that every machine has.
const PLATFORM: [&str; 6] = ["java/", "javax/", "jdk/", "sun/", "com/sun/", "jakarta/"];

/// What makes objects of classes that nothing in the program names (the manuals of Spring, Jakarta EE,
/// Guice, Quarkus and Micronaut).
const CONTAINERS: [&str; 6] = [
    "org/springframework/",
    "jakarta/inject/",
    "javax/inject/",
    "com/google/inject/",
    "io/quarkus/",
    "io/micronaut/",
];

/// A part of the class path.
enum Part {
    Archive {
        path: AppPath,
        /// Classes and other members by their names below one of [`TOPS`].
        members: BTreeMap<String, (String, Place)>,
    },
    Dir(AppPath),
}

/// A class that was found: where, and its bytes.
struct Class {
    file: AppPath,
    member: Option<String>,
    from: AppPath,
    bytes: Vec<u8>,
}

/// What a program of Java does, by the files of its classes.
pub(super) struct JavaProgram {
    /// The archive or class file, the member, and what it does.
    pub(super) scripts: Vec<(AppPath, Option<String>, Script)>,
}

/// Reads the program that a start leads to.
pub(super) fn program(
    root: &Root,
    scope: &Scope,
    settings: &Settings,
    start: &JavaStart,
) -> JavaProgram {
    let path = ClassPath {
        root,
        parts: parts(root, scope, &start.path),
    };
    let classes = path.classes(&start.mains);
    let loaded: Vec<Loaded<'_>> = classes
        .iter()
        .map(|class| Loaded {
            bytes: &class.bytes,
            from: class.from.as_bytes(),
        })
        .collect();
    let inner = path.settings(&classes);
    let known = |key: &str| {
        let set = settings.get(key);
        let values = match set.is_empty() {
            true => inner.get(key),
            false => set,
        };
        if values.len() > MAX_VALUES {
            Vec::new()
        } else {
            values.to_vec()
        }
    };
    let machine = Machine {
        dir: start.dir.as_ref().map(AppPath::as_bytes),
        home: start.home.as_ref().map(AppPath::as_bytes),
        env: &start.env,
        properties: &start.properties,
        arguments: &start.arguments,
        settings: &known,
    };
    let scripts = java::read(&loaded, &machine);
    let scripts = classes.into_iter().zip(scripts);
    JavaProgram {
        scripts: scripts
            .map(|(class, script)| (class.file, class.member, script))
            .collect(),
    }
}

/// The class path: directories, and archives with those that they name in turn (JAR File Specification,
/// "Class-Path attribute").
fn parts(root: &Root, scope: &Scope, path: &[AppPath]) -> Vec<Part> {
    let mut found = Vec::new();
    let mut members_left = MAX_NAMES;
    let mut seen = BTreeSet::new();
    let mut queue: VecDeque<AppPath> = path.iter().cloned().collect();
    while let Some(path) = queue.pop_front() {
        let Ok(node) = root.resolve(path.as_bytes()) else {
            continue;
        };
        if !scope.contains(&node.real) || !seen.insert(node.real.clone()) {
            continue;
        }
        if seen.len() > MAX_PARTS || members_left == 0 {
            break;
        }
        match node.stat.kind {
            Kind::Dir => found.push(Part::Dir(node.real)),
            Kind::File => {
                let Ok(file) = root.open_file(node.real.as_bytes()) else {
                    continue;
                };
                let named = jar::read(&file).map(|jar| jar.class_path);
                let dir = node.real.parent();
                let named = named.unwrap_or_default();
                let named = named
                    .iter()
                    .filter_map(|name| Some(dir.as_ref()?.join(name)));
                queue.extend(named);
                if let Some(archive) = Archive::open(&file) {
                    let members = members(&archive, members_left);
                    members_left -= members.len();
                    found.push(Part::Archive {
                        path: node.real,
                        members,
                    });
                }
            }
            _ => {}
        }
    }
    found
}

/// The members of an archive by their names below one of [`TOPS`].
fn members(archive: &Archive, limit: usize) -> BTreeMap<String, (String, Place)> {
    let mut found = BTreeMap::new();
    for member in archive.members().take(limit) {
        let Ok(name) = std::str::from_utf8(member.name) else {
            continue;
        };
        let top = TOPS.iter().rev().find(|top| name.starts_with(**top));
        let top = top.unwrap_or(&"");
        found.insert(name[top.len()..].to_owned(), (name.to_owned(), member.at));
    }
    found
}

struct ClassPath<'a> {
    root: &'a Root,
    parts: Vec<Part>,
}

impl ClassPath<'_> {
    fn find(&self, name: &str) -> Option<Class> {
        let file = format!("{name}.class");
        self.parts.iter().find_map(|part| match part {
            Part::Archive { path, members } => {
                let (member, place) = members.get(&file)?;
                Some(Class {
                    file: path.clone(),
                    member: Some(member.clone()),
                    from: path.clone(),
                    bytes: self.unpacked(path, *place, MAX_CLASS)?,
                })
            }
            Part::Dir(dir) => {
                let path = dir.join(&file);
                let bytes = self.root.read(path.as_bytes(), MAX_CLASS).ok()?;
                Some(Class {
                    file: path,
                    member: None,
                    from: dir.clone(),
                    bytes,
                })
            }
        })
    }

    /// The content of a member. The archive is opened for it: there may be more of them than a process may
    /// have open.
    fn unpacked(&self, archive: &AppPath, place: Place, limit: usize) -> Option<Vec<u8>> {
        let file = self.root.open_file(archive.as_bytes()).ok()?;
        unpack(&file, place, limit)
    }

    /// The classes of the application that its first ones lead to: those of the same makers. Where these are
    /// few, they only lead to the program, and what they name is the application, too.
    fn classes(&self, mains: &[String]) -> Vec<Class> {
        let mut families: BTreeSet<String> = mains.iter().map(|main| family(main)).collect();
        let found = self.of_families(mains, &families);
        if found.len() > LEADERS {
            return found;
        }
        for class in &found {
            let named = java::names(&class.bytes).unwrap_or_default().classes;
            let there = named
                .iter()
                .filter(|name| !is_platform(name) && self.has(name));
            families.extend(there.map(|name| family(name)));
        }
        self.of_families(mains, &families)
    }

    fn has(&self, name: &str) -> bool {
        let file = format!("{name}.class");
        self.parts.iter().any(|part| match part {
            Part::Archive { members, .. } => members.contains_key(&file),
            Part::Dir(dir) => self.root.resolve(dir.join(&file).as_bytes()).is_ok(),
        })
    }

    fn of_families(&self, mains: &[String], families: &BTreeSet<String>) -> Vec<Class> {
        let is_own = |name: &str| {
            !is_platform(name)
                && families
                    .iter()
                    .any(|family| name.starts_with(family.as_str()))
        };
        let mut found = Vec::new();
        let mut bytes = 0;
        let mut seen: BTreeSet<String> = mains.iter().cloned().collect();
        let mut queue: VecDeque<String> = mains.iter().cloned().collect();
        let mut all_are_asked = false;
        while let Some(name) = queue.pop_front() {
            if found.len() >= MAX_CLASSES || bytes >= MAX_BYTES {
                break;
            }
            let Some(class) = self.find(&name) else {
                continue;
            };
            let Some(names) = java::names(&class.bytes) else {
                continue;
            };
            bytes += class.bytes.len();
            found.push(class);
            let is_contained = |name: &String| CONTAINERS.iter().any(|all| name.starts_with(all));
            let mut others: Vec<String> = names.classes.iter().cloned().collect();
            others.extend(names.strings);
            if !all_are_asked && names.classes.iter().any(is_contained) {
                all_are_asked = true;
                others.extend(self.all_classes());
            }
            for other in others {
                if is_own(&other) && !seen.contains(&other) {
                    seen.insert(other.clone());
                    queue.push_back(other);
                }
            }
        }
        found
    }

    fn all_classes(&self) -> Vec<String> {
        let members = self.parts.iter().filter_map(|part| match part {
            Part::Archive { members, .. } => Some(members.keys()),
            Part::Dir(_) => None,
        });
        let names = members
            .flatten()
            .filter_map(|name| name.strip_suffix(".class"));
        names.map(str::to_owned).collect()
    }

    /// The settings that lie beside the classes, for those that no file outside gives.
    fn settings(&self, classes: &[Class]) -> Settings {
        let mut settings = Settings::default();
        for part in &self.parts {
            let Part::Archive { path, members } = part else {
                continue;
            };
            if !classes.iter().any(|class| class.file == *path) {
                continue;
            }
            for (name, (_, place)) in members {
                let ending = name.rsplit('.').next().unwrap_or_default();
                if name.starts_with("META-INF/") || !["properties", "yml", "yaml"].contains(&ending)
                {
                    continue;
                }
                if let Some(text) = self.unpacked(path, *place, MAX_SETTINGS) {
                    let path = path.join(name);
                    let form = config::form(&path, &text[..text.len().min(HEAD)]);
                    if let Some(form) = form {
                        settings.take(&config::parse(form, &text).settings);
                    }
                }
            }
        }
        settings
    }
}

/// Whether a class is one that every machine has.
fn is_platform(name: &str) -> bool {
    PLATFORM.iter().any(|platform| name.starts_with(platform))
}

/// The first two parts of the package of a class, which is mostly that of its makers; a class without a
/// package has the others of that kind beside it.
fn family(class: &str) -> String {
    let parts: Vec<&str> = class.split('/').collect();
    let package = parts.len() - 1;
    let kept = parts[..package.min(2)].join("/");
    if kept.is_empty() { kept } else { kept + "/" }
}
