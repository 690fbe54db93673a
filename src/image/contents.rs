//! What belongs into an image, and who answers for each part of it: the application's own
//! directories, and of the system the packages that it cannot run without. What is mounted is left
//! out, and its place is kept empty.

use std::collections::{BTreeMap, BTreeSet};

use crate::fact::Kind;
use crate::knowledge::libraries::is_runtime_folder;
use crate::link::host::Host;
use crate::link::owners;
use crate::manifest::{Point, Settings};
use crate::path::AppPath;
use crate::report::{Owner, Report};
use crate::tree::Root;

/// How many links one name may lead through (path_resolution(7)).
const MAX_LINKS: usize = 40;

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
    /// What stands there instead of what the disk has, or although the disk has nothing.
    pub(super) made: Option<Made>,
}

/// An entry that is not the disk's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Made {
    /// What a file holds; None for a directory.
    pub(super) bytes: Option<Vec<u8>>,
    /// Permission bits.
    pub(super) mode: u32,
    /// Owner.
    pub(super) uid: u32,
    /// Group.
    pub(super) gid: u32,
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
    pub(super) secrets: BTreeSet<AppPath>,
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
        found.content();
        found.parts();
        found.led_out();
        found.logins();
        found.names();
        found.system(settings);
        found.unowned();
        found.contents
    }

    /// The place at a path, entered with the directories that lead to it.
    pub(super) fn place(&mut self, path: &AppPath) -> &mut Place {
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
pub(super) fn fits(pattern: &AppPath, path: &AppPath) -> bool {
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
    pub(super) numbers: BTreeMap<String, usize>,
    /// The packages whose files were taken.
    pub(super) taken: BTreeSet<String>,
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
            taken: BTreeSet::new(),
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
    pub(super) fn single(&mut self, path: &AppPath, source: Source) {
        let Some(parent) = path.parent() else {
            return;
        };
        if let Some(parent) = self.dir(&parent) {
            self.take(&parent.child(path.name()), source);
        }
    }

    pub(super) fn take(&mut self, real: &AppPath, source: Source) {
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
    pub(super) fn dir(&mut self, path: &AppPath) -> Option<AppPath> {
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
