//! What a condition cannot say: functions that look at several facts at once.
//!
//! A check gets what the rule's `when` selected and returns what remains of it; it may mark a hit
//! as weak, so that it cannot make a finding certain by itself. A rule names it by `check`.

use std::collections::BTreeSet;

use serde::{Deserialize, Deserializer, de};

use crate::fact::{Access, Class, Fact, Kind, ProgramForm, Touch, What};
use crate::path::AppPath;
use crate::report::MountKind;

use super::field::{Field, Sort};
use super::find::{Hit, Scene, text};
use super::item::Item;
use super::select::is_own;
use super::service;

/// A check: its name in a rule's file, and what it does.
#[derive(Clone, Copy)]
pub(super) struct Check {
    name: &'static str,
    keep: for<'a, 's> fn(&'s Scene<'a>, Vec<Hit<'a>>, &Params) -> Vec<Hit<'a>>,
}

/// The numbers a check may be given.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Params {
    /// At least so many places.
    #[serde(default)]
    pub(super) least: Option<usize>,
    /// At least so many top-level directories.
    #[serde(default)]
    tops: Option<usize>,
    /// Needed by a program (`true`), or by libraries alone.
    #[serde(default)]
    program: Option<bool>,
}

/// Every check.
const CHECKS: &[Check] = &[
    Check {
        name: "in-service",
        keep: service::keep_in_service,
    },
    Check {
        name: "in-force",
        keep: service::keep_in_force,
    },
    Check {
        name: "separate-services",
        keep: service::separate_services,
    },
    Check {
        name: "among-code",
        keep: among_code,
    },
    Check {
        name: "hides-code",
        keep: hides_code,
    },
    Check {
        name: "uncovered",
        keep: uncovered,
    },
    Check {
        name: "scattered",
        keep: scattered,
    },
    Check {
        name: "leaves",
        keep: leaves,
    },
    Check {
        name: "config-places",
        keep: config_places,
    },
    Check {
        name: "needed-by",
        keep: needed_by,
    },
    Check {
        name: "foreign-search-path",
        keep: foreign_search_path,
    },
    Check {
        name: "foreign-interpreter",
        keep: foreign_interpreter,
    },
    #[cfg(test)]
    Check {
        name: "panic",
        keep: |_, _, _| panic!("a check that fails"),
    },
];

impl Check {
    /// What remains of `hits`.
    pub(super) fn run<'a>(
        &self,
        scene: &Scene<'a>,
        hits: Vec<Hit<'a>>,
        params: &Params,
    ) -> Vec<Hit<'a>> {
        (self.keep)(scene, hits, params)
    }
}

impl std::fmt::Debug for Check {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

impl<'de> Deserialize<'de> for Check {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        let found = CHECKS.iter().find(|check| check.name == name);
        found.copied().ok_or_else(|| {
            let names: Vec<_> = CHECKS.iter().map(|check| check.name).collect();
            de::Error::custom(format!(
                "unknown check `{name}`, expected one of {}",
                names.join(", ")
            ))
        })
    }
}

/// The directories that hold a program.
fn code_dirs(scene: &Scene<'_>) -> BTreeSet<AppPath> {
    scene
        .facts(Sort::Program)
        .filter_map(|fact| fact.at.file.parent())
        .collect()
}

/// Keeps paths in a directory that also holds programs, and such directories. A path in a mounted
/// directory is judged with that; one that may be a directory of its own is weak evidence.
fn among_code<'a>(scene: &Scene<'a>, hits: Vec<Hit<'a>>, _: &Params) -> Vec<Hit<'a>> {
    let code = code_dirs(scene);
    let programs: BTreeSet<&AppPath> = scene
        .facts(Sort::Program)
        .map(|fact| &fact.at.file)
        .collect();
    let volumes: Vec<&AppPath> = scene
        .items(Sort::Mount)
        .iter()
        .filter(|item| item.access() == Some(Access::Rw) && is_dir(**item))
        .map(|item| item.path())
        .collect();
    hits.into_iter()
        .filter_map(|hit| {
            let path = hit.item.path();
            let is_mount = matches!(hit.item, Item::Mount(_));
            if programs.contains(path)
                || !is_mount && volumes.iter().any(|volume| path.is_within(volume))
            {
                return None;
            }
            if code.contains(path) {
                return Some(hit);
            }
            let beside = path.parent().is_some_and(|dir| code.contains(&dir));
            if !beside || is_dir(hit.item) {
                return None;
            }
            let is_file = is_mount || path.name().contains(&b'.');
            Some(Hit {
                weak: hit.weak || !is_file,
                ..hit
            })
        })
        .collect()
}

/// Whether it is a directory; one of its own beside programs (`data` beside `run.sh`) is apart.
fn is_dir(item: Item<'_>) -> bool {
    if let Item::Mount(mount) = item {
        return mount.kind == MountKind::Dir;
    }
    let path = item.path();
    let (because, _) = item.because();
    because.iter().any(|fact| match &fact.what {
        What::Path {
            path: named, kind, ..
        } => named.is_below(path) || (named == path && *kind == Some(Kind::Dir)),
        _ => fact.at.file.is_below(path),
    })
}

/// Keeps mounts of directories below which there are programs: the mount hides them.
fn hides_code<'a>(scene: &Scene<'a>, hits: Vec<Hit<'a>>, _: &Params) -> Vec<Hit<'a>> {
    let code = code_dirs(scene);
    let holds = |hit: &Hit<'a>| matches!(hit.item, Item::Mount(mount) if mount.hides_code > 0);
    // Settings may be written in a language, and lie where settings do.
    let etc = AppPath::new("/etc");
    let is_settings = |hit: &Hit<'a>| {
        matches!(hit.item, Item::Mount(mount)
            if mount.class == Class::Config && mount.path.is_below(&etc))
    };
    hits.into_iter()
        .filter(|hit| !is_settings(hit))
        .filter(|hit| holds(hit) || code.iter().any(|dir| dir.is_within(hit.item.path())))
        .collect()
}

/// Keeps paths that no writable mount of the plan covers. The application's own directory is no
/// state: whoever creates it installs the application.
fn uncovered<'a>(scene: &Scene<'a>, hits: Vec<Hit<'a>>, _: &Params) -> Vec<Hit<'a>> {
    let mounts = scene.items(Sort::Mount);
    // A read is no write, whatever the place is called.
    let is_only_read = |hit: &Hit<'a>| {
        let (because, _) = hit.item.because();
        let reads = |fact: &Fact| {
            matches!(
                &fact.what,
                What::Path {
                    touch: Touch::Reads | Touch::Names,
                    ..
                }
            )
        };
        !because.is_empty() && because.iter().all(reads)
    };
    hits.into_iter()
        .filter(|hit| !scene.prefixes.contains(hit.item.path()) && !is_only_read(hit))
        .filter(|hit| {
            let path = hit.item.path();
            !mounts
                .iter()
                .any(|mount| mount.access() == Some(Access::Rw) && path.is_within(mount.path()))
        })
        .collect()
}

/// Keeps everything when it lies in at least `tops` top-level directories, or at least `least`
/// places; the application's own directory counts as one top.
fn scattered<'a>(scene: &Scene<'a>, hits: Vec<Hit<'a>>, params: &Params) -> Vec<Hit<'a>> {
    let paths: BTreeSet<&AppPath> = hits.iter().map(|hit| hit.item.path()).collect();
    let tops: BTreeSet<AppPath> = paths
        .iter()
        .map(|path| {
            let own = scene.prefixes.iter().find(|prefix| path.is_within(prefix));
            own.cloned().unwrap_or_else(|| path.prefix(1))
        })
        .collect();
    let enough = |least: Option<usize>, number: usize| least.is_some_and(|least| number >= least);
    if enough(params.tops, tops.len()) || enough(params.least, paths.len()) {
        hits
    } else {
        Vec::new()
    }
}

/// Keeps paths that hold no other: of a directory and what lies in it, what lies in it.
fn leaves<'a>(_: &Scene<'a>, hits: Vec<Hit<'a>>, _: &Params) -> Vec<Hit<'a>> {
    let mut paths: Vec<&AppPath> = hits.iter().map(|hit| hit.item.path()).collect();
    paths.sort();
    let holds = |path: &AppPath| {
        // What lies in a directory sorts right behind it.
        let behind = paths.partition_point(|other| *other <= path);
        paths.get(behind).is_some_and(|next| next.is_below(path))
    };
    let kept = |hit: &Hit<'_>| !holds(hit.item.path());
    hits.into_iter().filter(kept).collect()
}

/// Keeps settings when they lie in at least `least` places: all of `/etc` is one, any other
/// directory with settings is one together with what lies below it.
fn config_places<'a>(scene: &Scene<'a>, hits: Vec<Hit<'a>>, params: &Params) -> Vec<Hit<'a>> {
    let etc = AppPath::new("/etc");
    let dirs: BTreeSet<AppPath> = hits
        .iter()
        .filter_map(|hit| {
            let path = hit.item.path();
            if path.is_within(&etc) {
                return Some(etc.clone());
            }
            if is_dir(hit.item) {
                Some(path.clone())
            } else {
                path.parent()
            }
        })
        .collect();
    let mut places: Vec<&AppPath> = Vec::new();
    for dir in &dirs {
        let inside = |place: &&&AppPath| {
            // Everything lies below the application's own directory: it does not gather.
            dir.is_below(place) && !scene.prefixes.contains(place)
        };
        if !places.iter().any(|place| inside(&place)) {
            places.push(dir);
        }
    }
    if places.len() < params.least.unwrap_or(3) {
        return Vec::new();
    }
    hits
}

/// Keeps libraries that a program needs (`program = true`), or that libraries alone need; none
/// that only builds for other platforms need.
fn needed_by<'a>(scene: &Scene<'a>, hits: Vec<Hit<'a>>, params: &Params) -> Vec<Hit<'a>> {
    let libraries: BTreeSet<&AppPath> = scene
        .facts(Sort::Program)
        .filter(|fact| {
            matches!(
                &fact.what,
                What::Program {
                    form: ProgramForm::SharedLibrary | ProgramForm::OtherElf,
                    ..
                }
            )
        })
        .map(|fact| &fact.at.file)
        .collect();
    hits.into_iter()
        .filter(|hit| match hit.item {
            Item::Library(library) if library.is_of_other_builds() => false,
            Item::Library(library) => {
                let only = !library.needed_by.is_empty()
                    && library
                        .needed_by
                        .iter()
                        .all(|file| libraries.contains(file));
                params.program.is_none_or(|program| program != only)
            }
            _ => false,
        })
        .collect()
}

/// Keeps search paths with an element that is neither the system's nor the application's.
fn foreign_search_path<'a>(scene: &Scene<'a>, hits: Vec<Hit<'a>>, _: &Params) -> Vec<Hit<'a>> {
    const SYSTEM: &[&str] = &[
        "/lib",
        "/lib64",
        "/lib32",
        "/libx32",
        "/usr/lib",
        "/usr/lib64",
    ];
    let at_home = |element: &str| {
        if element.contains('$') {
            return true;
        }
        let Some(dir) = AppPath::absolute(element) else {
            // ld.so(8): an empty or relative element is the working directory.
            return false;
        };
        SYSTEM
            .iter()
            .any(|system| dir.is_within(&AppPath::new(system)))
            || is_own(&dir, &scene.prefixes)
    };
    hits.into_iter()
        .filter(|hit| text(hit, Field::Search).split(':').any(|e| !at_home(e)))
        .collect()
}

/// Keeps programs whose interpreter is neither the system's nor the application's.
fn foreign_interpreter<'a>(scene: &Scene<'a>, hits: Vec<Hit<'a>>, _: &Params) -> Vec<Hit<'a>> {
    const SYSTEM: &[&str] = &[
        "/bin",
        "/sbin",
        "/usr/bin",
        "/usr/sbin",
        "/usr/libexec",
        "/lib",
        "/lib64",
        "/usr/lib",
    ];
    hits.into_iter()
        .filter(|hit| {
            let line = text(hit, Field::Interpreter);
            let Some(program) = line.split_whitespace().next().and_then(AppPath::absolute) else {
                return false;
            };
            !SYSTEM
                .iter()
                .any(|dir| program.is_within(&AppPath::new(dir)))
                && !is_own(&program, &scene.prefixes)
        })
        .collect()
}
