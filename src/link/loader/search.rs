//! One name, from one directory to the next: which file is taken, skipped, or ends the process.

use std::rc::Rc;
use std::sync::Arc;

use super::binary::Binary;
use super::glibc::Process;
use super::outcome::{By, Phase, Shadow};
use super::{Loader, token};
use crate::fact::Kind;
use crate::parse::elf::{Fit, verify};
use crate::path::escape;
use crate::tree::{Dir, LookupError, Node, Who};

/// How many hidden files are named.
const SHADOWS: usize = 8;

/// What stands at a path that a loader opens.
pub(super) enum Reach {
    /// A regular file.
    File(Node, Arc<Binary>),
    /// Nothing.
    Absent,
    /// A component on the way is no directory.
    NotDirectory,
    /// It may not be opened.
    Denied,
    /// Any other error of open(2), in words.
    Fault(String),
    /// Something that opens, but cannot be loaded.
    Unfit(&'static str),
}

impl Loader<'_> {
    /// Opens what a lookup found, on behalf of `who`.
    pub(super) fn reach(&self, found: Result<Node, LookupError>, who: Option<&Who>) -> Reach {
        let node = match found {
            Ok(node) => node,
            Err(LookupError::Absent) => return Reach::Absent,
            Err(LookupError::NotDirectory) => return Reach::NotDirectory,
            Err(LookupError::Denied) => return Reach::Denied,
            Err(other) => return Reach::Fault(other.to_string()),
        };
        if who.is_some_and(|who| !who.may(&node.stat, 4)) {
            return Reach::Denied;
        }
        match node.stat.kind {
            Kind::File => match self.binary(&node) {
                Ok(binary) => Reach::File(node, binary),
                Err(LookupError::Denied) => Reach::Denied,
                Err(_) => Reach::Unfit("cannot read file data"),
            },
            Kind::Dir => Reach::Unfit("cannot read file data: it is a directory"),
            Kind::Fifo => Reach::Unfit("it is a FIFO: the loader waits for ever"),
            Kind::CharDevice | Kind::BlockDevice => Reach::Unfit("it is a device"),
            // ENXIO
            Kind::Socket | Kind::Link => Reach::Fault("no such device or address".to_owned()),
        }
    }
}

/// A part of the search.
pub(super) struct Step {
    pub(super) phase: Phase,
    /// The object whose tag it is.
    pub(super) object: Option<usize>,
    pub(super) place: Place,
}

pub(super) enum Place {
    Dirs(Rc<[Vec<u8>]>),
    /// The one path that the cache has.
    Cached(Vec<u8>),
}

/// A directory of a search.
pub(super) struct Folder {
    dir: Dir,
    /// Its subdirectories by processor, with a slash at the end.
    subdirs: Vec<Vec<u8>>,
}

/// What came of opening one.
pub(super) type Opened = Result<Rc<Folder>, LookupError>;

impl Folder {
    /// What is put between the directory and a name, in order.
    fn subdirs(&self) -> impl Iterator<Item = &[u8]> {
        self.subdirs.iter().map(Vec::as_slice).chain([&b""[..]])
    }
}

/// A file that is taken.
pub(super) struct Taken {
    /// As the loader spells it.
    pub(super) path: Vec<u8>,
    pub(super) node: Node,
    pub(super) binary: Arc<Binary>,
    pub(super) phase: Phase,
    pub(super) by: Option<By>,
    pub(super) shadows: Vec<Shadow>,
}

/// A file at which the loader stops.
pub(super) struct Refused {
    pub(super) path: Vec<u8>,
    pub(super) phase: Phase,
    pub(super) by: Option<By>,
    pub(super) reason: String,
}

/// What happened on the way to nothing.
#[derive(Default)]
pub(super) struct Trail {
    /// Files that were passed over, with the reason.
    pub(super) skipped: Vec<(Vec<u8>, String)>,
    /// Files that could not be opened for lack of permission.
    pub(super) denied: Vec<Vec<u8>>,
    /// What the cache names, where that is gone.
    pub(super) stale: Option<Vec<u8>>,
}

pub(super) enum Search {
    Taken(Taken),
    Refused(Refused),
    Nothing(Trail),
}

/// One file tried.
enum Try {
    Take(Node, Arc<Binary>),
    Next,
    /// The rest of the list is not searched.
    Stop,
    Refuse(String),
}

impl Process<'_, '_> {
    /// Searches for a name without a slash, on behalf of the object `needing`. With `trusted_only`
    /// as for a preloaded name of a program with raised privileges.
    pub(super) fn search(&self, name: &[u8], needing: usize, trusted_only: bool) -> Search {
        let steps = self.plan(name, needing, trusted_only);
        let mut trail = Trail::default();
        for (index, step) in steps.iter().enumerate() {
            let found = self.walk(step, name, trusted_only, &mut trail);
            match found {
                Some(Search::Taken(mut taken)) => {
                    if self.request.shadows {
                        taken.shadows = self.shadows(&steps[index..], name, &taken);
                    }
                    return Search::Taken(taken);
                }
                Some(other) => return other,
                None => {}
            }
        }
        Search::Nothing(trail)
    }

    /// The parts of the search, in order (`_dl_map_object`).
    pub(super) fn plan(&self, name: &[u8], needing: usize, trusted_only: bool) -> Vec<Step> {
        let mut steps = Vec::new();
        let mut list = |phase, object, dirs: &Option<Rc<[Vec<u8>]>>| {
            if let Some(dirs) = dirs {
                steps.push(Step {
                    phase,
                    object,
                    place: Place::Dirs(Rc::clone(dirs)),
                });
            }
            dirs.is_some()
        };
        let Some(object) = self.objects.get(needing) else {
            return steps;
        };
        // ld.so(8): DT_RUNPATH hides DT_RPATH, that of the objects above too.
        if !object.has_runpath {
            let mut main_done = false;
            let mut at = Some(needing);
            while let Some(index) = at
                && let Some(object) = self.objects.get(index)
            {
                main_done |= list(Phase::Rpath, at, &object.rpath) && index == 0;
                at = object.loader;
            }
            if !main_done && let Some(main) = self.objects.first() {
                list(Phase::Rpath, Some(0), &main.rpath);
            }
        }
        list(Phase::LdLibraryPath, None, &self.env_dirs);
        list(Phase::Runpath, Some(needing), &object.runpath);
        if !trusted_only && let Some(path) = self.cached(name, object.no_default_dirs) {
            steps.push(Step {
                phase: Phase::Cache,
                object: None,
                place: Place::Cached(path),
            });
        }
        if !object.no_default_dirs {
            steps.push(Step {
                phase: Phase::Default,
                object: None,
                place: Place::Dirs(Rc::clone(&self.system_dirs)),
            });
        }
        steps
    }

    /// The path that the cache has for a name. With `DF_1_NODEFLIB` one that begins with a system
    /// directory, as text, does not count.
    fn cached(&self, name: &[u8], no_default_dirs: bool) -> Option<Vec<u8>> {
        let path = self.cache.as_ref()?.lookup(name, &self.asker())?;
        let in_system = || self.system_dirs.iter().any(|dir| path.starts_with(dir));
        (!(no_default_dirs && in_system())).then(|| path.to_vec())
    }

    fn walk(
        &self,
        step: &Step,
        name: &[u8],
        trusted_only: bool,
        trail: &mut Trail,
    ) -> Option<Search> {
        let dirs = match &step.place {
            Place::Cached(path) => {
                let found = self.loader.view.resolve(path, self.who.as_ref());
                return match self.attempt(path, found, trail) {
                    Try::Take(node, binary) => Some(self.taken(step, path.clone(), node, binary)),
                    Try::Refuse(reason) => Some(self.refused(step, path.clone(), reason)),
                    Try::Next | Try::Stop => {
                        trail.stale = Some(path.clone());
                        None
                    }
                };
            }
            Place::Dirs(dirs) => dirs,
        };
        for dir in dirs.iter() {
            let mut last = Try::Next;
            let folder = match self.folder(dir) {
                Ok(folder) => folder,
                Err(error) if self.stops_at(dir, error) => return None,
                Err(LookupError::Denied) => {
                    trail.denied.push(dir.clone());
                    continue;
                }
                Err(_) => continue,
            };
            for subdir in folder.subdirs() {
                let below = [subdir, name].concat();
                let found = self
                    .loader
                    .view
                    .resolve_in(&folder.dir, &below, self.who.as_ref());
                // So it is with most: no path is made up for them.
                if matches!(found, Err(LookupError::Absent)) {
                    last = Try::Next;
                    continue;
                }
                let path = [dir, below.as_slice()].concat();
                last = match self.attempt(&path, found, trail) {
                    Try::Take(node, _) if trusted_only && node.stat.mode & 0o4000 == 0 => Try::Next,
                    Try::Take(node, binary) => {
                        return Some(self.taken(step, path, node, binary));
                    }
                    Try::Refuse(reason) => return Some(self.refused(step, path, reason)),
                    other => other,
                };
            }
            // The error of the last attempt decides, which is that in the directory itself.
            if matches!(last, Try::Stop) {
                return None;
            }
        }
        None
    }

    /// A relative directory is never held to be missing, so that the error of opening a file in
    /// it counts: one that is no directory ended the list before 2.42 (ENOTDIR).
    fn stops_at(&self, dir: &[u8], error: LookupError) -> bool {
        !dir.starts_with(b"/")
            && match error {
                LookupError::Absent | LookupError::Denied => false,
                LookupError::NotDirectory => !self.profile.at_least(42),
                _ => true,
            }
    }

    /// A directory of a search, as `dir` spells it. Most names are asked for in the same few.
    fn folder(&self, dir: &[u8]) -> Opened {
        if let Some(known) = self.folders.borrow().get(dir) {
            return known.clone();
        }
        let found = self
            .loader
            .view
            .dir(&self.request.absolute(dir), self.who.as_ref());
        let folder = found.map(|dir| {
            Rc::new(Folder {
                subdirs: self.subdirs_in(&dir),
                dir,
            })
        });
        let mut folders = self.folders.borrow_mut();
        folders.insert(dir.to_vec(), folder.clone());
        folder
    }

    /// The subdirectories by processor that are there.
    fn subdirs_in(&self, dir: &Dir) -> Vec<Vec<u8>> {
        let mut seen: Option<(&[u8], bool)> = None;
        let mut there = Vec::new();
        for subdir in &self.subdirs {
            let first = subdir.split(|&b| b == b'/').next().unwrap_or_default();
            let exists = match seen {
                Some((known, exists)) if known == first => exists,
                _ => self.loader.view.contains(dir, first),
            };
            seen = Some((first, exists));
            if exists {
                there.push(subdir.clone());
            }
        }
        there
    }

    /// One candidate (`open_verify`).
    fn attempt(&self, path: &[u8], found: Result<Node, LookupError>, trail: &mut Trail) -> Try {
        let skip = |trail: &mut Trail, reason: &str| {
            trail.skipped.push((path.to_vec(), reason.to_owned()));
        };
        match self.loader.reach(found, self.who.as_ref()) {
            Reach::File(node, binary) => {
                match verify(&self.abi, &binary.head, self.profile.at_least(30)) {
                    Fit::Take => Try::Take(node, binary),
                    Fit::Skip(reason) => {
                        skip(trail, reason);
                        Try::Next
                    }
                    Fit::Abort(reason) => Try::Refuse(reason.to_owned()),
                }
            }
            Reach::Absent => Try::Next,
            Reach::Denied => {
                trail.denied.push(path.to_vec());
                Try::Next
            }
            Reach::NotDirectory if self.profile.at_least(42) => Try::Next,
            Reach::NotDirectory => {
                skip(trail, "a component on the way is no directory");
                Try::Stop
            }
            Reach::Fault(error) => {
                skip(trail, &error);
                Try::Stop
            }
            Reach::Unfit(reason) => Try::Refuse(reason.to_owned()),
        }
    }

    /// The file that a name with a slash stands for.
    pub(super) fn open_path(&self, name: &[u8]) -> Search {
        let mut trail = Trail::default();
        let absolute = self.request.absolute(name);
        let found = self.loader.view.resolve(&absolute, self.who.as_ref());
        let step = Step {
            phase: Phase::Path,
            object: None,
            place: Place::Cached(Vec::new()),
        };
        match self.attempt(name, found, &mut trail) {
            Try::Take(node, binary) => self.taken(&step, name.to_vec(), node, binary),
            Try::Refuse(reason) => self.refused(&step, name.to_vec(), reason),
            Try::Next | Try::Stop => Search::Nothing(trail),
        }
    }

    fn taken(&self, step: &Step, path: Vec<u8>, node: Node, binary: Arc<Binary>) -> Search {
        Search::Taken(Taken {
            path,
            node,
            binary,
            phase: step.phase,
            by: self.by(step),
            shadows: Vec::new(),
        })
    }

    fn refused(&self, step: &Step, path: Vec<u8>, reason: String) -> Search {
        Search::Refused(Refused {
            path,
            phase: step.phase,
            by: self.by(step),
            reason,
        })
    }

    fn by(&self, step: &Step) -> Option<By> {
        let tag = match step.phase {
            Phase::Rpath => "DT_RPATH".to_owned(),
            Phase::Runpath => "DT_RUNPATH".to_owned(),
            Phase::LdLibraryPath => "LD_LIBRARY_PATH".to_owned(),
            Phase::Cache => escape(&self.profile.cache).into_owned(),
            Phase::Default => "default directories".to_owned(),
            Phase::Path | Phase::PathFile | Phase::Builtin => return None,
        };
        let object = step.object.and_then(|index| self.objects.get(index));
        let object = object.map(|object| escape(&object.path).into_owned());
        Some(By { object, tag })
    }

    /// What the rest of the search would have found.
    fn shadows(&self, steps: &[Step], name: &[u8], taken: &Taken) -> Vec<Shadow> {
        let mut found: Vec<Shadow> = Vec::new();
        let mut ids = vec![taken.node.stat.id];
        let (view, who) = (&self.loader.view, self.who.as_ref());
        let mut see = |path: Vec<u8>, node, phase| {
            let mut trail = Trail::default();
            if found.len() < SHADOWS
                && let Try::Take(node, _) = self.attempt(&path, Ok(node), &mut trail)
                && !ids.contains(&node.stat.id)
            {
                ids.push(node.stat.id);
                let real = node.real;
                found.push(Shadow { path, real, phase });
            }
        };
        for step in steps {
            match &step.place {
                Place::Cached(path) => {
                    if let Ok(node) = view.resolve(path, who) {
                        see(path.clone(), node, step.phase);
                    }
                }
                Place::Dirs(dirs) => {
                    for dir in dirs.iter() {
                        if let Ok(folder) = self.folder(dir)
                            && let Ok(node) = view.resolve_in(&folder.dir, name, who)
                        {
                            see([dir, name].concat(), node, step.phase);
                        }
                    }
                }
            }
        }
        found
    }
}

/// The origin of a library: the directory of the path by which it was opened, links and all.
pub(super) fn origin(absolute: &[u8]) -> Vec<u8> {
    token::dirname(absolute).to_vec()
}
