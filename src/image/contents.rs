//! What belongs into an image, and who answers for each part of it: the application's own
//! directories, and of the system the packages that it cannot run without. What is mounted is left
//! out, and its place is kept empty.

use std::collections::{BTreeMap, BTreeSet};

use super::system;
use crate::fact::Kind;
use crate::knowledge;
use crate::knowledge::libraries::{is_runtime_folder, is_runtime_package};
use crate::link::host::Host;
use crate::link::owners;
use crate::link::packages::Package;
use crate::manifest::{Point, Settings};
use crate::path::AppPath;
use crate::report::{Owner, Report};
use crate::tree::Root;

/// How many links one name may lead through (path_resolution(7)).
const MAX_LINKS: usize = 40;

/// From how many components on a directory is a package's own: `/usr/lib/NAME`.
const OWN_DEPTH: usize = 3;

/// Where an entry of the image is from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Source {
    /// Who answers for it.
    pub(super) owner: Owner,
    /// The number of its package in [`Contents::packages`].
    pub(super) package: Option<usize>,
}

/// A place of the image.
#[derive(Clone, Debug, Default)]
pub(super) struct Place {
    /// The names in it that are places, too.
    pub(super) names: BTreeSet<Vec<u8>>,
    /// Where it is from; None for a directory on the way to one.
    pub(super) source: Option<Source>,
    /// Whether all that is in it comes along.
    pub(super) is_whole: bool,
    /// Whether what no package owns in it comes along.
    pub(super) takes_unowned: bool,
    /// What is mounted there.
    pub(super) point: Option<Point>,
}

/// What belongs into an image.
#[derive(Debug)]
pub(super) struct Contents {
    /// Its places by real path, each with the directories that lead to it.
    pub(super) places: BTreeMap<AppPath, Place>,
    /// Mounts whose paths hold patterns: what fits is left out.
    patterns: Vec<AppPath>,
    /// What whoever packs leaves out.
    excluded: Vec<AppPath>,
    /// Files that hold a key, password or token.
    secrets: BTreeSet<AppPath>,
    /// Who answers for a library, by its real path.
    libraries: BTreeMap<AppPath, Owner>,
    /// The packages: name, version, and who answers for them.
    pub(super) packages: Vec<(String, String, Owner)>,
}

impl Contents {
    /// Puts together what a report says of a root.
    pub(super) fn new(
        root: &Root,
        host: &Host,
        report: &Report,
        settings: &Settings,
        exclude: &[AppPath],
    ) -> Self {
        let mut found = Finder::new(root, host, report);
        found.contents.excluded = exclude.to_vec();
        found.points(settings);
        found.packages();
        found.scope();
        found.parts();
        found.system();
        found.contents
    }

    /// The place at a path, entered with the directories that lead to it.
    fn place(&mut self, path: &AppPath) -> &mut Place {
        let mut below = path.clone();
        while let Some(above) = below.parent() {
            let is_known = self.places.contains_key(&above);
            let way = self.places.entry(above.clone()).or_default();
            way.names.insert(below.name().to_vec());
            if is_known {
                break;
            }
            below = above;
        }
        self.places.entry(path.clone()).or_default()
    }

    /// Whether an entry stays out whatever holds it: what is mounted under a pattern, a secret.
    pub(super) fn keeps_out(&self, path: &AppPath) -> bool {
        self.secrets.contains(path)
            || self.excluded.contains(path)
            || self.patterns.iter().any(|pattern| fits(pattern, path))
    }

    /// Who answers for a file of a directory that comes along whole.
    pub(super) fn owner_in(&self, path: &AppPath, whole: Owner) -> Owner {
        if let Some(owner) = self.libraries.get(path) {
            return *owner;
        }
        let name = String::from_utf8_lossy(path.name());
        let is_library = name.contains(".so");
        let folder = path.parent();
        let mut folders = folder.iter().flat_map(AppPath::components);
        let is_runtime = |part| std::str::from_utf8(part).is_ok_and(is_runtime_folder);
        if whole == Owner::Application && (is_library || folders.any(is_runtime)) {
            return owners::owner(&name, Some(path), None, true);
        }
        whole
    }
}

/// Whether a path lies at or below what a pattern stands for.
fn fits(pattern: &AppPath, path: &AppPath) -> bool {
    let mut parts = path.components();
    pattern.components().all(|want| {
        parts.next().is_some_and(|part| {
            if want.contains(&b'*') || want.contains(&b'{') {
                part_fits(want, part)
            } else {
                want == part
            }
        })
    })
}

/// Whether a component is one that the pattern stands for: the texts between its stars and braces
/// follow each other, the first at the beginning and the last at the end.
fn part_fits(want: &[u8], part: &[u8]) -> bool {
    let mut texts: Vec<Vec<u8>> = vec![Vec::new()];
    let mut inside = false;
    for &byte in want {
        match byte {
            b'{' | b'*' => {
                inside = byte == b'{';
                texts.push(Vec::new());
            }
            b'}' if inside => inside = false,
            _ if inside => {}
            _ => {
                if let Some(last) = texts.last_mut() {
                    last.push(byte);
                }
            }
        }
    }
    let (Some(first), Some(last)) = (texts.first(), texts.last()) else {
        return false;
    };
    let Some(mut rest) = part.strip_prefix(first.as_slice()) else {
        return false;
    };
    for text in texts.iter().skip(1) {
        let Some(at) = memchr::memmem::find(rest, text) else {
            return false;
        };
        rest = rest.get(at + text.len()..).unwrap_or_default();
    }
    part.ends_with(last)
}

pub(super) struct Finder<'a> {
    pub(super) root: &'a Root,
    pub(super) host: &'a Host,
    pub(super) report: &'a Report,
    pub(super) contents: Contents,
    /// Real paths of directories.
    real: BTreeMap<AppPath, Option<AppPath>>,
    /// The numbers of packages by name.
    numbers: BTreeMap<String, usize>,
}

impl<'a> Finder<'a> {
    fn new(root: &'a Root, host: &'a Host, report: &'a Report) -> Self {
        let libraries = report
            .libraries
            .iter()
            .map(|l| (&l.real_path, l.owner))
            .chain(report.modules.iter().map(|m| (&m.real_path, m.owner)))
            .filter_map(|(path, owner)| Some((path.clone()?, owner)))
            .collect();
        let mounts = report.plan.mounts.iter().map(|mount| &mount.path);
        let contents = Contents {
            places: BTreeMap::from([(AppPath::root(), Place::default())]),
            patterns: mounts.filter(|path| path.is_pattern()).cloned().collect(),
            excluded: Vec::new(),
            secrets: report.plan.secrets.iter().cloned().collect(),
            libraries,
            packages: Vec::new(),
        };
        Self {
            root,
            host,
            report,
            contents,
            real: BTreeMap::new(),
            numbers: BTreeMap::new(),
        }
    }

    fn points(&mut self, settings: &Settings) {
        for point in &settings.points {
            let parent = point.path.parent().unwrap_or_else(AppPath::root);
            // A mount point below a link is where the link leads.
            let real = self.dir(&parent).unwrap_or(parent);
            let real = real.child(point.path.name());
            let point = Point {
                path: real.clone(),
                ..point.clone()
            };
            self.contents.place(&real).point = Some(point);
        }
    }

    /// The application's packages, and what they cannot run without.
    fn packages(&mut self) {
        let report = self.report;
        let programs = report.programs.iter().filter_map(|p| p.package.as_deref());
        let listed: BTreeMap<&str, Owner> = report
            .packages
            .iter()
            .map(|package| (package.name.as_str(), package.owner))
            .collect();
        let seeds = listed.keys().copied().chain(programs);
        let closure = self.host.packages.closure(seeds);
        let mut names: BTreeSet<&str> = BTreeSet::new();
        for package in &closure {
            if !names.insert(&package.name) {
                continue;
            }
            let files = self.host.packages.files(&package.name, self.root);
            let owner = match listed.get(package.name.as_str()) {
                Some(owner) => *owner,
                None => package_owner(package, files.iter().map(|file| &file.path)),
            };
            let number = self.number(package, owner);
            let source = Source {
                owner,
                package: Some(number),
            };
            for file in &files {
                let is_paperwork = owner != Owner::Application && system::is_paperwork(&file.path);
                if !is_paperwork && !system::is_kept_outside(&file.path) {
                    self.single(&file.path, source);
                }
            }
        }
        self.unowned(&names);
    }

    /// Directories that only packages of the image own: what their scripts made there belongs to
    /// them.
    fn unowned(&mut self, names: &BTreeSet<&str>) {
        let packages = &self.host.packages;
        for (path, place) in &mut self.contents.places {
            if place.source.is_none_or(|source| source.package.is_none())
                || path.depth() < OWN_DEPTH
                || knowledge::is_shared_dir(path)
            {
                continue;
            }
            let owners = packages.owners(path);
            let is_ours = |package: &&Package| names.contains(package.name.as_str());
            place.takes_unowned = !owners.is_empty() && owners.iter().all(is_ours);
        }
    }

    fn number(&mut self, package: &Package, owner: Owner) -> usize {
        let packages = &mut self.contents.packages;
        *self.numbers.entry(package.name.clone()).or_insert_with(|| {
            packages.push((package.name.clone(), package.version.clone(), owner));
            packages.len() - 1
        })
    }

    /// The application's own directories and files.
    fn scope(&mut self) {
        let scope = self.report.target.scope.clone();
        let own = self.source_of(Owner::Application);
        for path in &scope {
            if let Some(real) = self.chain(path, own) {
                self.whole(&real, own);
            }
        }
        let starts = self.report.plan.start.clone();
        for start in &starts {
            let program = start.command.first().and_then(AppPath::absolute);
            let Some(program) = program else { continue };
            let packaged = self.root.resolve(program.as_bytes()).ok();
            let packaged = packaged.is_some_and(|node| {
                self.host.packages.owner(&node.real).is_some()
                    || self
                        .report
                        .programs
                        .iter()
                        .any(|p| p.real_path == node.real)
            });
            if !packaged {
                self.chain(&program, own);
            }
        }
    }

    /// What every image has of the system, and the links by which its programs are found.
    fn system(&mut self) {
        let core = self.source_of(Owner::Core);
        let report = self.report;
        let is_bare = report.programs.is_empty() && report.libraries.is_empty();
        if is_bare && self.contents.packages.is_empty() {
            return;
        }
        for path in system::files() {
            let end = self.chain(&path, core);
            let is_dir = |real: &AppPath| {
                let node = self.root.lookup(real.as_bytes());
                node.is_ok_and(|node| node.stat.kind == Kind::Dir)
            };
            if let Some(real) = end.filter(is_dir) {
                self.whole(&real, core);
            }
        }
        for dir in system::LINKED {
            let dir = AppPath::new(dir);
            for (name, stat) in self.root.list(dir.as_bytes()).unwrap_or_default() {
                let path = dir.child(&name);
                if stat.kind != Kind::Link || self.host.packages.owner(&path).is_some() {
                    continue;
                }
                let Ok(node) = self.root.resolve(path.as_bytes()) else {
                    continue;
                };
                let end = self.contents.places.get(&node.real);
                if let Some(source) = end.and_then(|place| place.source) {
                    self.chain(&path, source);
                }
            }
        }
    }

    pub(super) fn source_of(&self, owner: Owner) -> Source {
        Source {
            owner,
            package: None,
        }
    }

    /// Takes a directory with all that is in it.
    pub(super) fn whole(&mut self, real: &AppPath, source: Source) {
        let place = self.contents.place(real);
        place.is_whole = true;
        place.source = place.source.or(Some(source));
    }

    /// Takes one entry, by whatever name of its directory.
    fn single(&mut self, path: &AppPath, source: Source) {
        let Some(parent) = path.parent() else {
            return;
        };
        if let Some(parent) = self.dir(&parent) {
            self.take(&parent.child(path.name()), source);
        }
    }

    fn take(&mut self, real: &AppPath, source: Source) {
        let known = self.contents.place(real);
        // Many packages have a directory: it is whoever's is farthest below.
        let nearer = known.source.is_none_or(|have| {
            have.package.is_none() && source.package.is_some() || source.owner < have.owner
        });
        if nearer {
            known.source = Some(source);
        }
    }

    /// Takes what a path names, link by link to its end; the end comes back.
    pub(super) fn chain(&mut self, path: &AppPath, source: Source) -> Option<AppPath> {
        let mut path = path.clone();
        for _ in 0..MAX_LINKS {
            let parent = path.parent()?;
            let real = self.dir(&parent)?.child(path.name());
            let node = self.root.lookup(real.as_bytes()).ok()?;
            let package = self.host.packages.owner(&real);
            let number = package.and_then(|package| self.numbers.get(&package.name).copied());
            let own = match number.and_then(|number| self.contents.packages.get(number)) {
                Some((.., owner)) => Source {
                    owner: *owner,
                    package: number,
                },
                None => source,
            };
            let is_taken = self
                .contents
                .places
                .get(&real)
                .is_some_and(|p| p.source.is_some());
            if !is_taken {
                self.take(&real, own);
            }
            if node.stat.kind != Kind::Link {
                return Some(real);
            }
            let target = self.root.link_target(real.as_bytes()).ok()?;
            path = real.parent()?.join(target);
        }
        None
    }

    /// Where a directory really is. Links on the way are taken: without them its other names
    /// would lead nowhere.
    fn dir(&mut self, path: &AppPath) -> Option<AppPath> {
        self.dir_at(path, 0)
    }

    fn dir_at(&mut self, path: &AppPath, links: usize) -> Option<AppPath> {
        let Some(parent) = path.parent() else {
            return Some(AppPath::root());
        };
        if let Some(known) = self.real.get(path) {
            return known.clone();
        }
        if links > MAX_LINKS {
            return None;
        }
        let real = self.dir_at(&parent, links)?.child(path.name());
        let found = match self.root.lookup(real.as_bytes()).map(|node| node.stat.kind) {
            Ok(Kind::Dir) => Some(real),
            Ok(Kind::Link) => {
                let target = self.root.link_target(real.as_bytes()).ok()?;
                let target = parent_of(&real).join(target);
                let end = self.dir_at(&target, links + 1);
                if end.is_some() {
                    let core = self.source_of(Owner::Core);
                    self.take(&real, core);
                }
                end
            }
            _ => None,
        };
        self.real.insert(path.clone(), found.clone());
        found
    }
}

fn parent_of(path: &AppPath) -> AppPath {
    path.parent().unwrap_or_else(AppPath::root)
}

/// Who answers for a package that the application's own evidence does not name.
fn package_owner<'a>(package: &Package, files: impl Iterator<Item = &'a AppPath>) -> Owner {
    if is_runtime_package(&package.name) {
        return Owner::Middleware;
    }
    let is_middleware = |path: &AppPath| {
        let name = String::from_utf8_lossy(path.name());
        name.contains(".so")
            && owners::owner(&name, Some(path), Some(&package.name), false) == Owner::Middleware
    };
    let mut files = files;
    if files.any(is_middleware) {
        Owner::Middleware
    } else {
        Owner::Core
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_stands_for_names_and_what_is_below_them() {
        let fits = |pattern: &str, path: &str| fits(&AppPath::new(pattern), &AppPath::new(path));
        assert!(fits("/opt/app/*.log", "/opt/app/a.log"));
        assert!(!fits("/opt/app/*.log", "/opt/app/a.txt"));
        assert!(!fits("/opt/app/*.log", "/opt/app/sub/a.log"));
        assert!(fits("/opt/app/s-{id}", "/opt/app/s-12/deep/file"));
        assert!(!fits("/opt/app/s-{id}", "/opt/app/t-12"));
        assert!(fits("/opt/{a}-{b}.x", "/opt/1-2.x"));
        assert!(!fits("/opt/{a}-{b}.x", "/opt/12.x"));
    }
}
