//! glibc's loader: which objects a process consists of when it has started (`dl-load.c`,
//! `dl-deps.c`, `rtld.c`).

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use super::binary::Binary;
use super::outcome::{Asked, Needed, Outcome, Problem, Verdict};
use super::profile::Profile;
use super::rows::found_how;
use super::search::{Opened, Refused, Search, Taken, Trail, origin};
use super::start::Started;
use super::token::{Tokens, expand, split};
use super::{Id, Loader, Request, cpu};
use crate::fact::LibraryStatus;
use crate::parse::elf::{Abi, Ask, Elf, Form};
use crate::parse::ld_cache::{self, Asker, Cache};
use crate::tree::Who;

/// How many objects a process may have: the largest desktop programs have some hundred.
const OBJECTS: usize = 1 << 14;

/// How many times they may ask for one another.
const REQUESTS: usize = 1 << 16;

/// A process while it is put together.
pub(super) struct Process<'l, 'r> {
    pub(super) loader: &'l Loader<'r>,
    pub(super) request: &'l Request<'l>,
    pub(super) profile: Arc<Profile>,
    pub(super) who: Option<Who>,
    pub(super) secure: bool,
    pub(super) abi: Abi,
    pub(super) cache: Option<Arc<Cache>>,
    pub(super) hwcaps: Vec<Vec<u8>>,
    /// Subdirectories that are tried before a directory itself, with a slash at the end.
    pub(super) subdirs: Vec<Vec<u8>>,
    pub(super) env_dirs: Option<Rc<[Vec<u8>]>>,
    pub(super) system_dirs: Rc<[Vec<u8>]>,
    pub(super) objects: Vec<Object>,
    pub(super) names: BTreeMap<Vec<u8>, usize>,
    ids: BTreeMap<Id, usize>,
    /// The directories that were searched, as they are spelled.
    pub(super) folders: RefCell<BTreeMap<Vec<u8>, Opened>>,
    pub(super) libraries: Vec<Needed>,
    /// Rows that stand before the row of another: filtees, before their owner's.
    pub(super) before: Vec<(usize, usize)>,
    pub(super) problems: Vec<Problem>,
    requests: usize,
    /// How many rows there were when the program had started; nothing before that.
    pub(super) started: Option<usize>,
}

/// An object of the process.
pub(super) struct Object {
    /// The path by which it was opened (`l_name`).
    pub(super) path: Vec<u8>,
    /// The object that caused it to be loaded.
    pub(super) loader: Option<usize>,
    pub(super) has_runpath: bool,
    /// Nothing when the tag is absent, hidden, or has no directory in it.
    pub(super) rpath: Option<Rc<[Vec<u8>]>>,
    pub(super) runpath: Option<Rc<[Vec<u8>]>>,
    pub(super) no_default_dirs: bool,
    pub(super) binary: Arc<Binary>,
    origin: Option<Vec<u8>>,
    /// Its row in the outcome.
    pub(super) row: Option<usize>,
}

/// What became of a request for an object.
pub(super) enum Got {
    Object(usize),
    Nothing,
    Refused,
}

pub(super) fn run(loader: &Loader<'_>, request: &Request<'_>, started: Started) -> Outcome {
    let Some(mut process) = Process::new(loader, request, &started) else {
        return Outcome::bare(started.file, Verdict::Unreadable);
    };
    let loaded = process.load_all();
    if loaded {
        process.check_versions();
    }
    let missing = |needed: &Needed| {
        !needed.optional
            && !matches!(
                needed.status,
                LibraryStatus::Resolved | LibraryStatus::Aborts
            )
    };
    let verdict = if !loaded {
        Verdict::Aborts
    } else if process.libraries.iter().any(missing) {
        Verdict::Missing
    } else if process.problems.is_empty() {
        Verdict::Starts
    } else {
        Verdict::Aborts
    };
    let mut outcome = Outcome {
        file: started.file,
        verdict,
        problems: std::mem::take(&mut process.problems),
        loader: Some(started.profile),
        secure: started.secure,
        libraries: process.in_order(),
        opened: Vec::new(),
    };
    if let Some(later) = request.later {
        let opens = later(&outcome);
        if loaded {
            outcome.opened = process.open_all(&opens);
        }
    }
    outcome
}

impl<'l, 'r> Process<'l, 'r> {
    fn new(loader: &'l Loader<'r>, request: &'l Request<'l>, started: &Started) -> Option<Self> {
        let profile = Arc::clone(&started.profile);
        let elf = started.binary.elf.as_ref().ok()?;
        let hwcaps = if profile.at_least(33) {
            request.cpu.subdirs(&profile.machine)
        } else {
            Vec::new()
        };
        let new = hwcaps
            .iter()
            .map(|dir| [b"glibc-hwcaps/", &dir[..], b"/"].concat());
        let mut subdirs: Vec<_> = new.collect();
        if !profile.at_least(37) {
            let old = cpu::legacy_subdirs(&profile.machine);
            subdirs.extend(old.into_iter().map(|dir| [&dir[..], b"/"].concat()));
        }
        let mut process = Self {
            loader,
            request,
            who: started.who.clone(),
            secure: started.secure,
            abi: elf.header.abi(),
            cache: loader.cache(&profile.cache, elf.header.big_endian),
            hwcaps,
            subdirs,
            env_dirs: None,
            system_dirs: profile.system_dirs.clone().into(),
            objects: Vec::new(),
            names: BTreeMap::new(),
            ids: BTreeMap::new(),
            folders: RefCell::default(),
            libraries: Vec::new(),
            before: Vec::new(),
            problems: Vec::new(),
            requests: 0,
            started: None,
            profile,
        };
        process.begin(started);
        Some(process)
    }

    /// The objects that are there from the start: the program and the loader.
    fn begin(&mut self, started: &Started) {
        // Since 2.42 a program that the loader is called with is resolved as the kernel would.
        let form = started.binary.elf.as_ref().map(Elf::form);
        let resolved =
            started.by_kernel || (form == Ok(Form::Program) && self.profile.at_least(42));
        let from = if resolved {
            started.node.real.as_bytes().to_vec()
        } else {
            self.request.absolute(&self.request.main)
        };
        let main = self.object(
            started.file.as_bytes().to_vec(),
            None,
            Arc::clone(&started.binary),
            Some(origin(&from)),
            true,
        );
        self.objects.push(main);
        if !started.by_kernel {
            self.ids.insert(started.node.stat.id, 0);
        }
        self.name_by_soname(0);
        let rtld = self.object(
            self.profile.path.clone(),
            None,
            Arc::clone(&started.interpreter),
            None,
            false,
        );
        self.objects.push(rtld);
        self.names.entry(self.profile.path.clone()).or_insert(1);
        self.name_by_soname(1);
        if let Some(list) = self.request.variable(b"LD_LIBRARY_PATH")
            && !self.secure
        {
            let dirs = split(list, b":;", &self.tokens(0));
            self.env_dirs = (!dirs.is_empty()).then(|| dirs.into());
        }
    }

    fn object(
        &self,
        path: Vec<u8>,
        loader: Option<usize>,
        binary: Arc<Binary>,
        origin: Option<Vec<u8>>,
        is_main: bool,
    ) -> Object {
        let dynamic = binary
            .elf
            .as_ref()
            .ok()
            .and_then(|elf| elf.dynamic.as_ref());
        let tokens = self.tokens_of(origin.as_deref(), is_main);
        let dirs = |list: &Option<Box<[u8]>>| {
            let list = list.as_deref().filter(|list| !list.is_empty())?;
            let dirs = split(list, b":", &tokens);
            (!dirs.is_empty()).then(|| Rc::from(dirs))
        };
        let has_runpath = dynamic.is_some_and(|dynamic| dynamic.runpath.is_some());
        Object {
            path,
            loader,
            has_runpath,
            rpath: dynamic
                .filter(|_| !has_runpath)
                .and_then(|dynamic| dirs(&dynamic.rpath)),
            runpath: dynamic.and_then(|dynamic| dirs(&dynamic.runpath)),
            no_default_dirs: dynamic.is_some_and(|dynamic| dynamic.no_default_dirs()),
            origin,
            row: None,
            binary,
        }
    }

    fn tokens_of<'t>(&'t self, origin: Option<&'t [u8]>, is_main: bool) -> Tokens<'t> {
        Tokens {
            origin,
            lib: &self.profile.lib,
            platform: self.profile.platform.as_deref(),
            trusted: (self.secure && is_main).then_some(&*self.system_dirs),
            secure: self.secure,
        }
    }

    fn tokens(&self, object: usize) -> Tokens<'_> {
        let origin = self.objects.get(object).and_then(|o| o.origin.as_deref());
        self.tokens_of(origin, object == 0)
    }

    pub(super) fn asker(&self) -> Asker<'_> {
        Asker {
            flags: ld_cache::flags(&self.profile.machine),
            subdirs: &self.hwcaps,
            legacy: !self.profile.at_least(37),
        }
    }

    fn name_by_soname(&mut self, index: usize) {
        let elf = self.objects.get(index).map(|object| object.binary.clone());
        let elf = elf.as_ref().and_then(|binary| binary.elf.as_ref().ok());
        let dynamic = elf.and_then(|elf| elf.dynamic.as_ref());
        if let Some(soname) = dynamic.and_then(|dynamic| dynamic.soname.as_deref()) {
            self.names.entry(soname.to_vec()).or_insert(index);
        }
    }

    /// Loads everything, breadth first; false when the loader stops.
    fn load_all(&mut self) -> bool {
        let main = self
            .objects
            .first()
            .map(|object| Arc::clone(&object.binary));
        if let Some(elf) = main.as_ref().and_then(|main| main.elf.as_ref().ok())
            && let Some(message) = self.unfit(elf, true)
        {
            self.problem(0, message);
            return false;
        }
        let mut list = vec![0];
        self.preload(&mut list);
        self.follow(list, Vec::new())
    }

    /// Loads what the objects of `list` ask for, breadth first, but for those of `done`; false when
    /// the loader stops.
    pub(super) fn follow(&mut self, mut list: Vec<usize>, mut done: Vec<usize>) -> bool {
        let mut at = 0;
        while let Some(&owner) = list.get(at) {
            if done.contains(&owner) {
                at += 1;
                continue;
            }
            done.push(owner);
            if !self.ask_all(owner, &mut list, at) {
                return false;
            }
        }
        true
    }

    /// What one object asks for. A filtee is put before its owner, which makes it the next whose
    /// own requests are met.
    fn ask_all(&mut self, owner: usize, list: &mut Vec<usize>, mut at: usize) -> bool {
        let Some(binary) = self.objects.get(owner).map(|o| Arc::clone(&o.binary)) else {
            return true;
        };
        let dynamic = binary
            .elf
            .as_ref()
            .ok()
            .and_then(|elf| elf.dynamic.as_ref());
        for dependency in dynamic.map_or(&[][..], |dynamic| &dynamic.asks) {
            let optional = dependency.ask == Ask::Auxiliary;
            let Some(name) = expand(&dependency.name, &self.tokens(owner)) else {
                if !optional {
                    self.problem(owner, "empty dynamic string token substitution".to_owned());
                    return false;
                }
                continue;
            };
            match self.ask(&name, owner, Asked::Object(dependency.ask), optional) {
                Got::Object(index) if dependency.ask == Ask::Needed => {
                    if !list.contains(&index) {
                        list.push(index);
                    }
                }
                Got::Object(index) => {
                    let place = list.iter().position(|&other| other == index);
                    if place.is_some_and(|place| place < at) {
                        continue;
                    }
                    self.put_before(self.row_of(index), owner);
                    if let Some(place) = place {
                        list.remove(place);
                    }
                    list.insert(at.min(list.len()), index);
                    at += 1;
                }
                Got::Refused if !optional => return false,
                Got::Refused => {}
                Got::Nothing if dependency.ask == Ask::Needed => {}
                Got::Nothing => self.put_before(self.libraries.len().checked_sub(1), owner),
            }
        }
        true
    }

    /// `LD_PRELOAD`, then the list of the system. What cannot be loaded is passed over.
    fn preload(&mut self, list: &mut Vec<usize>) {
        let names = self.request.variable(b"LD_PRELOAD").unwrap_or_default();
        let names = words(names, b" :");
        // Of a program with raised privileges only plain names count, from system directories.
        let secure = self.secure;
        let plain = |name: &Vec<u8>| !secure || !name.contains(&b'/');
        for name in names.into_iter().filter(plain) {
            self.preload_one(&name, Asked::Environment, list);
        }
        let file = self.profile.preload.clone();
        if file.is_empty() {
            return;
        }
        const LIMIT: usize = 1 << 20;
        let text = self
            .loader
            .view
            .root()
            .read(&file, LIMIT)
            .unwrap_or_default();
        for line in text.split(|&b| b == b'\n') {
            let line = line.split(|&b| b == b'#').next().unwrap_or_default();
            for name in words(line, b" \t:") {
                self.preload_one(&name, Asked::PreloadFile, list);
            }
        }
    }

    fn preload_one(&mut self, name: &[u8], asked: Asked, list: &mut Vec<usize>) {
        if let Got::Object(index) = self.ask(name, 0, asked, true)
            && !list.contains(&index)
        {
            list.push(index);
        }
    }

    /// One request, as `_dl_map_object` meets it.
    pub(super) fn ask(&mut self, name: &[u8], needing: usize, asked: Asked, optional: bool) -> Got {
        self.requests += 1;
        if self.requests > REQUESTS || self.objects.len() > OBJECTS {
            self.problem(
                needing,
                "more objects or names than are followed".to_owned(),
            );
            return Got::Refused;
        }
        if let Some(&index) = self.names.get(name) {
            self.also_needed(index, needing, optional);
            return Got::Object(index);
        }
        let search = if name.contains(&b'/') {
            match expand(name, &self.tokens(needing)) {
                Some(path) => self.open_path(&path),
                None => Search::Nothing(Trail::default()),
            }
        } else {
            let preloaded = matches!(asked, Asked::Environment | Asked::PreloadFile);
            self.search(name, needing, preloaded && self.secure)
        };
        match search {
            Search::Taken(taken) => self.load(name, needing, asked, optional, taken),
            Search::Refused(refused) => {
                self.refuse(name, needing, asked, optional, refused);
                Got::Refused
            }
            Search::Nothing(trail) => {
                self.miss(name, needing, asked, optional, &trail);
                Got::Nothing
            }
        }
    }

    /// Maps a file (`_dl_map_object_from_fd`).
    fn load(
        &mut self,
        name: &[u8],
        needing: usize,
        asked: Asked,
        optional: bool,
        taken: Taken,
    ) -> Got {
        if let Some(&index) = self.ids.get(&taken.node.stat.id) {
            self.names.entry(name.to_vec()).or_insert(index);
            self.also_needed(index, needing, optional);
            return Got::Object(index);
        }
        let fault = match &taken.binary.elf {
            Ok(elf) => self.unfit(elf, false),
            Err(error) => Some(error.to_string()),
        };
        if let Some(reason) = fault {
            let refused = Refused {
                path: taken.path,
                phase: taken.phase,
                by: taken.by,
                reason,
            };
            self.refuse(name, needing, asked, optional, refused);
            return Got::Refused;
        }
        let index = self.objects.len();
        let at = origin(&self.request.absolute(&taken.path));
        let mut object = self.object(
            taken.path.clone(),
            Some(needing),
            Arc::clone(&taken.binary),
            Some(at),
            false,
        );
        object.row = Some(self.libraries.len());
        self.objects.push(object);
        self.ids.insert(taken.node.stat.id, index);
        for known in [name, &taken.path] {
            self.names.entry(known.to_vec()).or_insert(index);
        }
        self.name_by_soname(index);
        let how = found_how(taken.phase, taken.by.as_ref());
        let row = Needed {
            status: LibraryStatus::Resolved,
            path: Some(taken.path),
            real_path: Some(taken.node.real),
            id: Some(taken.node.stat.id),
            phase: Some(taken.phase),
            by: taken.by,
            shadows: taken.shadows,
            how,
            ..self.row(name, needing, asked, optional)
        };
        self.libraries.push(row);
        Got::Object(index)
    }
}

pub(super) fn words(text: &[u8], separators: &[u8]) -> Vec<Vec<u8>> {
    text.split(|b| separators.contains(b))
        .filter(|word| !word.is_empty())
        .map(<[u8]>::to_vec)
        .collect()
}
