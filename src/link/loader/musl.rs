//! musl's loader (`ldso/dynlink.c`): fewer rules than glibc's, and other ones. What it finds first
//! it takes or fails at; `DT_SONAME`, caches and versions mean nothing to it.

use std::rc::Rc;
use std::sync::Arc;

use super::binary::Binary;
use super::outcome::{Asked, By, Needed, Opened, Outcome, Phase, Shadow, Verdict};
use super::profile::{Profile, split_dirs};
use super::rows::found_how;
use super::search::Reach;
use super::start::Started;
use super::token::dirname;
use super::{Id, Loader, Open, Request};
use crate::fact::LibraryStatus;
use crate::parse::elf::{Ask, Defect, Elf};
use crate::path::escape;
use crate::tree::{Node, Who};

/// How many objects a process may have.
const OBJECTS: usize = 1 << 14;

/// How many times they may ask for one another.
const REQUESTS: usize = 1 << 16;

/// An object of the process.
struct Object {
    path: Vec<u8>,
    /// The file name by which it was searched and found; only by it is it known again.
    short: Option<Vec<u8>>,
    needed_by: Option<usize>,
    id: Id,
    binary: Arc<Binary>,
    rpath: Rpath,
    row: Option<usize>,
}

/// The list of an object: `DT_RUNPATH` or else `DT_RPATH`, which are the same to musl.
#[derive(Clone)]
enum Rpath {
    None,
    Dirs {
        tag: &'static str,
        dirs: Rc<[Vec<u8>]>,
    },
}

struct Process<'l, 'r> {
    loader: &'l Loader<'r>,
    request: &'l Request<'l>,
    profile: Arc<Profile>,
    who: Option<Who>,
    secure: bool,
    env_dirs: Vec<Vec<u8>>,
    system_dirs: Vec<Vec<u8>>,
    system_phase: Phase,
    objects: Vec<Object>,
    libraries: Vec<Needed>,
    /// How many rows there were when the program had started; nothing before that.
    started: Option<usize>,
}

struct Found {
    path: Vec<u8>,
    phase: Phase,
    by: Option<By>,
    reach: Reach,
}

pub(super) fn run(loader: &Loader<'_>, request: &Request<'_>, started: Started) -> Outcome {
    let profile = Arc::clone(&started.profile);
    let list = |name: &[u8]| split_dirs(request.variable(name).unwrap_or_default());
    let secure = started.secure;
    let (system_dirs, system_phase) = system_dirs(loader, &profile, started.who.as_ref());
    let mut process = Process {
        loader,
        request,
        who: started.who.clone(),
        secure,
        env_dirs: if secure {
            Vec::new()
        } else {
            list(b"LD_LIBRARY_PATH")
        },
        system_dirs,
        system_phase,
        objects: Vec::new(),
        libraries: Vec::new(),
        started: None,
        profile,
    };
    process.load_all(&started);
    let verdict = process.verdict();
    let mut outcome = Outcome {
        file: started.file,
        verdict,
        problems: Vec::new(),
        loader: Some(started.profile),
        secure,
        libraries: process.libraries.clone(),
        opened: Vec::new(),
    };
    if let Some(later) = request.later {
        outcome.opened = process.open_all(&later(&outcome));
    }
    outcome
}

/// The path file takes the place of the built-in list, even when it cannot be read.
fn system_dirs(loader: &Loader<'_>, profile: &Profile, who: Option<&Who>) -> (Vec<Vec<u8>>, Phase) {
    const LIMIT: usize = 1 << 20;
    let found = loader.view.resolve(&profile.path_file, who);
    match loader.reach(found, who) {
        Reach::Absent => (profile.system_dirs.clone(), Phase::Default),
        Reach::File(node, _) => {
            let text = loader.view.root().read(node.real.as_bytes(), LIMIT);
            (split_dirs(&text.unwrap_or_default()), Phase::PathFile)
        }
        _ => (Vec::new(), Phase::PathFile),
    }
}

impl Process<'_, '_> {
    fn load_all(&mut self, started: &Started) {
        let from = if started.by_kernel {
            started.node.real.as_bytes().to_vec()
        } else {
            self.request.main.clone()
        };
        let rpath = self.rpath(&started.binary, &from, started.by_kernel);
        self.objects.push(Object {
            path: started.file.as_bytes().to_vec(),
            short: None,
            needed_by: None,
            // The program is never found again as a library.
            id: (u64::MAX, u64::MAX),
            binary: Arc::clone(&started.binary),
            rpath,
            row: None,
        });
        if !self.secure {
            let names = self.request.variable(b"LD_PRELOAD").unwrap_or_default();
            for name in super::glibc::words(names, b" :\t\n\r\x0b\x0c") {
                self.load(&name, None, Asked::Environment);
            }
        }
        self.follow(0);
    }

    /// Loads what the objects from `at` on ask for.
    fn follow(&mut self, mut at: usize) {
        let mut requests = 0;
        while at < self.objects.len().min(OBJECTS) {
            let binary = self.objects.get(at).map(|o| Arc::clone(&o.binary));
            let elf = binary.as_ref().and_then(|binary| binary.elf.as_ref().ok());
            let dynamic = elf.and_then(|elf| elf.dynamic.as_ref());
            for name in dynamic.into_iter().flat_map(|dynamic| dynamic.needed()) {
                requests += 1;
                if requests > REQUESTS {
                    return;
                }
                self.load(name, Some(at), Asked::Object(Ask::Needed));
            }
            at += 1;
        }
    }

    /// Each call of dlopen(3) once the program runs. The file is loaded on behalf of the program,
    /// whoever calls, so that the search goes by the program's list alone (`dlopen`).
    fn open_all(&mut self, opens: &[Open]) -> Vec<Opened> {
        self.started = Some(self.libraries.len());
        let mut opened = Vec::new();
        for open in opens {
            let (rows, objects) = (self.libraries.len(), self.objects.len());
            for name in &open.names {
                self.libraries.truncate(rows + 1);
                self.load(name, Some(0), Asked::Open);
                if self.objects.len() > objects || self.libraries.len() == rows {
                    break;
                }
            }
            // The row of the first name that was missed stands before that of one that was found.
            if self.objects.len() > objects {
                self.follow(objects);
            }
            let first = self.objects.get(objects).and_then(|object| object.row);
            let known = || self.known_as(&open.names);
            let library = match first {
                Some(row) => self.libraries.get(row).cloned(),
                None => known().or_else(|| self.libraries.get(rows).cloned()),
            };
            let brings = first.and_then(|row| self.libraries.get(row + 1..));
            opened.push(Opened {
                library,
                brings: brings.unwrap_or_default().to_vec(),
            });
        }
        opened
    }

    /// The row of an object that one of the names stands for already.
    fn known_as(&self, names: &[Vec<u8>]) -> Option<Needed> {
        let is = |object: &&Object| {
            let short = object.short.as_ref();
            names
                .iter()
                .any(|name| short == Some(name) || object.path == *name)
        };
        let row = self.objects.iter().find(is)?.row?;
        self.libraries.get(row).cloned()
    }

    fn verdict(&self) -> Verdict {
        let needed = |status| {
            let mut rows = self.libraries.iter().filter(|row| !row.optional);
            rows.any(|row| row.status == status)
        };
        if needed(LibraryStatus::Aborts) {
            Verdict::Aborts
        } else if self
            .libraries
            .iter()
            .any(|row| !row.optional && row.status != LibraryStatus::Resolved)
        {
            Verdict::Missing
        } else {
            Verdict::Starts
        }
    }

    /// One request (`load_library`).
    fn load(&mut self, name: &[u8], needing: Option<usize>, asked: Asked) {
        if is_own(name) || name == self.profile.path {
            return;
        }
        let found = if name.contains(&b'/') {
            let absolute = self.request.absolute(name);
            let node = self.loader.view.resolve(&absolute, self.who.as_ref());
            Some(Found {
                path: name.to_vec(),
                phase: Phase::Path,
                by: None,
                reach: self.loader.reach(node, self.who.as_ref()),
            })
        } else {
            let known = |object: &Object| object.short.as_deref() == Some(name);
            if let Some(index) = self.objects.iter().position(known) {
                return self.also_needed(index, needing);
            }
            self.search(name, needing)
        };
        let row = self.row(name, needing, asked);
        let Some(found) = found else {
            return self.miss(row);
        };
        match found.reach {
            Reach::File(node, binary) => {
                let place = (found.path, found.phase, found.by);
                self.map(name, needing, row, place, &node, &binary);
            }
            Reach::Unfit(reason) => {
                self.libraries.push(Needed {
                    status: LibraryStatus::Aborts,
                    path: Some(found.path),
                    phase: Some(found.phase),
                    by: found.by,
                    how: format!("the loader stops at it: {reason}"),
                    ..row
                });
            }
            Reach::Denied if self.who.is_none() => self.libraries.push(Needed {
                status: LibraryStatus::Unreadable,
                how: format!("{} may not be read: run as root", escape(&found.path)),
                ..row
            }),
            _ => self.miss(row),
        }
    }

    /// Takes a file that was found at a place, in a part of the search, by somebody's tag.
    fn map(
        &mut self,
        name: &[u8],
        needing: Option<usize>,
        row: Needed,
        (path, phase, by): (Vec<u8>, Phase, Option<By>),
        node: &Node,
        binary: &Arc<Binary>,
    ) {
        let same = |object: &Object| object.id == node.stat.id;
        if let Some(index) = self.objects.iter().position(same) {
            if phase != Phase::Path
                && let Some(object) = self.objects.get_mut(index)
                && object.short.is_none()
            {
                object.short = Some(file_name(&object.path).to_vec());
            }
            return self.also_needed(index, needing);
        }
        // A second C library is never loaded: the loader stands for it.
        if binary.elf.as_ref().is_ok_and(is_libc) {
            return;
        }
        // The machine is not looked at; what has no dynamic section is no library.
        let fault = match &binary.elf {
            Ok(elf) => unfit(elf),
            Err(error) => Some(error.to_string()),
        };
        if let Some(reason) = fault {
            self.libraries.push(Needed {
                status: LibraryStatus::Aborts,
                path: Some(path),
                phase: Some(phase),
                by,
                how: format!("exec format error: {reason}"),
                ..row
            });
            return;
        }
        let shadows = if self.request.shadows && phase != Phase::Path {
            self.shadows(name, needing, node.stat.id)
        } else {
            Vec::new()
        };
        let rpath = self.rpath(binary, &path, false);
        self.objects.push(Object {
            short: (phase != Phase::Path).then(|| file_name(&path).to_vec()),
            path: path.clone(),
            needed_by: needing,
            id: node.stat.id,
            binary: Arc::clone(binary),
            rpath,
            row: Some(self.libraries.len()),
        });
        let how = found_how(phase, by.as_ref());
        self.libraries.push(Needed {
            status: LibraryStatus::Resolved,
            path: Some(path),
            real_path: Some(node.real.clone()),
            id: Some(node.stat.id),
            phase: Some(phase),
            by,
            shadows,
            how,
            ..row
        });
    }

    /// The directories that are searched, in order, each with where it comes from.
    fn plan(&self, needing: Option<usize>) -> Vec<(Vec<u8>, Phase, By)> {
        let mut plan = Vec::new();
        let mut add = |dirs: &[Vec<u8>], phase, object: Option<String>, tag: &str| {
            for dir in dirs {
                let by = By {
                    object: object.clone(),
                    tag: tag.to_owned(),
                };
                plan.push((dir.clone(), phase, by));
            }
        };
        add(
            &self.env_dirs,
            Phase::LdLibraryPath,
            None,
            "LD_LIBRARY_PATH",
        );
        let mut at = needing;
        while let Some(object) = at.and_then(|at| self.objects.get(at)) {
            if let Rpath::Dirs { tag, dirs } = &object.rpath {
                let phase = if *tag == "DT_RPATH" {
                    Phase::Rpath
                } else {
                    Phase::Runpath
                };
                add(dirs, phase, Some(escape(&object.path).into_owned()), tag);
            }
            at = object.needed_by;
        }
        let tag = match self.system_phase {
            Phase::PathFile => escape(&self.profile.path_file).into_owned(),
            _ => "default directories".to_owned(),
        };
        add(&self.system_dirs, self.system_phase, None, &tag);
        plan
    }

    /// The first file that opens is it (`path_open`).
    fn search(&self, name: &[u8], needing: Option<usize>) -> Option<Found> {
        const NAME_MAX: usize = 255;
        if name.len() > NAME_MAX {
            return None;
        }
        let mut denied = None;
        for (dir, phase, by) in self.plan(needing) {
            let path = [&dir[..], b"/", name].concat();
            let absolute = self.request.absolute(&path);
            let node = self.loader.view.resolve(&absolute, self.who.as_ref());
            let reach = self.loader.reach(node, self.who.as_ref());
            let found = Found {
                path,
                phase,
                by: Some(by),
                reach,
            };
            match found.reach {
                Reach::Absent | Reach::NotDirectory => {}
                Reach::Denied => denied = denied.or(Some(found)),
                // Any other error ends the search.
                Reach::Fault(_) => return None,
                Reach::File(..) | Reach::Unfit(_) => return Some(found),
            }
        }
        denied
    }

    fn shadows(&self, name: &[u8], needing: Option<usize>, taken: Id) -> Vec<Shadow> {
        let mut found: Vec<Shadow> = Vec::new();
        let mut ids = vec![taken];
        for (dir, phase, _) in self.plan(needing) {
            let path = [&dir[..], b"/", name].concat();
            let absolute = self.request.absolute(&path);
            let node = self.loader.view.resolve(&absolute, self.who.as_ref());
            if let Reach::File(node, _) = self.loader.reach(node, self.who.as_ref())
                && !ids.contains(&node.stat.id)
            {
                ids.push(node.stat.id);
                let real = node.real;
                found.push(Shadow { path, real, phase });
            }
        }
        found
    }

    /// The list of an object with `$ORIGIN` replaced; any other token voids it whole
    /// (`fixup_rpath`).
    fn rpath(&self, binary: &Binary, path: &[u8], is_main: bool) -> Rpath {
        let elf = binary.elf.as_ref().ok();
        let Some(dynamic) = elf.and_then(|elf| elf.dynamic.as_ref()) else {
            return Rpath::None;
        };
        let (tag, list) = match (&dynamic.runpath, &dynamic.rpath) {
            (Some(list), _) => ("DT_RUNPATH", list),
            (None, Some(list)) => ("DT_RPATH", list),
            (None, None) => return Rpath::None,
        };
        let origin = dirname(path);
        let barred = self.secure && (is_main || !path.starts_with(b"/"));
        let mut out = Vec::new();
        let mut rest: &[u8] = list;
        while let Some(at) = memchr::memchr(b'$', rest) {
            let (before, token) = rest.split_at(at);
            let after = token
                .strip_prefix(b"$ORIGIN")
                .or_else(|| token.strip_prefix(b"${ORIGIN}"));
            let Some(after) = after.filter(|_| !barred) else {
                return Rpath::None;
            };
            out.extend_from_slice(before);
            out.extend_from_slice(origin);
            rest = after;
        }
        out.extend_from_slice(rest);
        Rpath::Dirs {
            tag,
            dirs: split_dirs(&out).into(),
        }
    }

    fn row(&self, name: &[u8], needing: Option<usize>, asked: Asked) -> Needed {
        let by = self.objects.get(needing.unwrap_or(0));
        let by = by.map(|object| object.path.as_slice());
        Needed::missing(name, asked, by, needing.is_none())
    }

    fn also_needed(&mut self, index: usize, needing: Option<usize>) {
        let by = self.objects.get(needing.unwrap_or(0));
        let by = by.map(|object| object.path.clone());
        let row = self.objects.get(index).and_then(|object| object.row);
        if self.started.is_some_and(|first| row < Some(first)) {
            return;
        }
        if let Some(row) = row.and_then(|row| self.libraries.get_mut(row)) {
            row.optional &= needing.is_none();
            if let Some(by) = by.filter(|by| !row.needed_by.contains(by)) {
                row.needed_by.push(by);
            }
        }
    }

    fn miss(&mut self, row: Needed) {
        self.libraries.push(Needed {
            how: "not found".to_owned(),
            ..row
        });
    }
}

/// The parts of the C library, which are all the loader itself.
fn is_own(name: &[u8]) -> bool {
    const PARTS: [&[u8]; 7] = [b"c", b"pthread", b"rt", b"m", b"dl", b"util", b"xnet"];
    let Some(rest) = name.strip_prefix(b"lib") else {
        return false;
    };
    let part = rest.split(|&b| b == b'.').next().unwrap_or_default();
    rest.contains(&b'.') && PARTS.contains(&part)
}

/// Whether it is a C library, musl's or glibc's. musl asks for two symbols that both export; the
/// names that they call themselves by are as telling.
fn is_libc(elf: &Elf) -> bool {
    let soname = elf.dynamic.as_ref().and_then(|d| d.soname.as_deref());
    soname.is_some_and(|name| name.starts_with(b"libc.so") || name.starts_with(b"libc.musl-"))
}

/// Why musl does not map a file (`map_library`).
fn unfit(elf: &Elf) -> Option<String> {
    let checked = |defect: &Defect| !matches!(defect, Defect::Alignment | Defect::Misplaced);
    if let Some(defect) = elf.defect.filter(checked) {
        return Some(defect.to_string());
    }
    elf.dynamic
        .is_none()
        .then(|| "it has no dynamic section".to_owned())
}

fn file_name(path: &[u8]) -> &[u8] {
    path.rsplit(|&b| b == b'/').next().unwrap_or(path)
}
