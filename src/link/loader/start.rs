//! What the kernel does before the loader runs: find the program, see whether it may run, find the
//! loader that it names.

use std::sync::Arc;

use super::binary::Binary;
use super::outcome::{Asked, Needed, Outcome, Verdict};
use super::profile::{Family, Profile, usual_loaders};
use super::{Loader, Request, Start, glibc, musl};
use crate::fact::{Kind, Stat};
use crate::parse::elf::{Ask, Class, Elf, Form, machine_name};
use crate::path::{AppPath, escape};
use crate::tree::{Node, Who};

/// A program that its loader takes over.
pub(super) struct Started {
    pub(super) file: AppPath,
    pub(super) node: Node,
    pub(super) binary: Arc<Binary>,
    pub(super) profile: Arc<Profile>,
    pub(super) interpreter: Arc<Binary>,
    /// Whether the kernel maps it; else the loader does.
    pub(super) by_kernel: bool,
    pub(super) secure: bool,
    pub(super) who: Option<Who>,
}

pub(super) fn run(loader: &Loader<'_>, request: &Request<'_>) -> Outcome {
    let absolute = request.absolute(&request.main);
    let file = AppPath::new(&absolute);
    let unreadable =
        |reason: &str| Outcome::bare(file.clone(), Verdict::Unreadable).because(reason);
    let node = match loader.view.resolve(&absolute, request.who.as_ref()) {
        Ok(node) => node,
        Err(error) => return unreadable(&error.to_string()),
    };
    if node.stat.kind != Kind::File {
        return unreadable("not a regular file");
    }
    if request
        .who
        .as_ref()
        .is_some_and(|who| !who.may(&node.stat, 4))
    {
        return unreadable("permission denied");
    }
    let binary = match loader.binary(&node) {
        Ok(binary) => binary,
        Err(error) => return unreadable(&error.to_string()),
    };
    let elf = match &binary.elf {
        Ok(elf) => elf,
        Err(error) => return unreadable(&error.to_string()),
    };
    let form = elf.form();
    let aborts = |reason: &str| Outcome::bare(file.clone(), Verdict::Aborts).because(reason);
    match form {
        Form::Static | Form::StaticPie => return Outcome::bare(file, Verdict::Static),
        Form::Object | Form::Core => return aborts("only ET_DYN and ET_EXEC can be loaded"),
        Form::Other => {
            let defect = elf.defect.map(|defect| defect.to_string());
            return aborts(defect.as_deref().unwrap_or("nothing to load in it"));
        }
        Form::Program | Form::Library => {}
    }
    let found = match interpreter(loader, request, elf, form) {
        Ok(found) => found,
        Err(reason) => return Outcome::bare(file, Verdict::NoInterpreter).because(reason),
    };
    if found.node.stat.id == node.stat.id {
        // The loader itself: it has no loader above it.
        return Outcome::bare(file, Verdict::Static);
    }
    let by_kernel = form == Form::Program && request.start == Start::Kernel;
    let secure = by_kernel && is_raised(loader, &node, request.who.as_ref());
    let started = Started {
        file,
        node,
        binary: Arc::clone(&binary),
        profile: found.profile,
        interpreter: found.binary,
        by_kernel,
        secure,
        who: request.who.clone(),
    };
    match started.profile.family {
        Family::Musl => musl::run(loader, request, started),
        Family::Glibc | Family::Unknown => glibc::run(loader, request, started),
    }
}

impl Loader<'_> {
    /// What a program asks for whose loader is not in the root: the loader itself, and of the libraries
    /// that it names those of which no directory of libraries has one for its machine.
    pub(in crate::link) fn unloaded(&self, file: &AppPath) -> Vec<Needed> {
        let binary = self
            .view
            .resolve(file.as_bytes(), None)
            .and_then(|node| self.binary(&node));
        let Ok(binary) = binary else {
            return Vec::new();
        };
        let Ok(elf) = &binary.elf else {
            return Vec::new();
        };
        let Some(named) = elf.interp.as_deref() else {
            return Vec::new();
        };
        let asked = Asked::Object(Ask::Needed);
        let missing = |name: &[u8], how: String| Needed {
            how,
            ..Needed::missing(name, asked, Some(file.as_bytes()), false)
        };
        let cut = named.iter().rposition(|byte| *byte == b'/');
        let name = named
            .get(cut.map_or(0, |cut| cut + 1)..)
            .unwrap_or_default();
        let how = format!("the loader {} is not there", escape(named));
        let mut found = vec![missing(name, how)];
        let libraries = elf.dynamic.iter().flat_map(|dynamic| dynamic.needed());
        let absent = libraries.filter(|needed| *needed != name && !self.is_anywhere(needed, elf));
        found.extend(
            absent.map(|name| missing(name, "it is in no directory of libraries".to_owned())),
        );
        found
    }

    /// Whether a directory of libraries has a file of that name for the machine of `elf`.
    fn is_anywhere(&self, name: &[u8], elf: &Elf) -> bool {
        const DIRS: [&str; 6] = [
            "/lib",
            "/usr/lib",
            "/lib64",
            "/usr/lib64",
            "/lib32",
            "/usr/lib32",
        ];
        let machine = machine_name(elf.header.machine, elf.header.class, elf.header.big_endian);
        let triplet = format!("/usr/lib/{machine}-linux-gnu");
        let mut dirs = DIRS
            .into_iter()
            .chain([triplet.as_str(), "/usr/lib/i386-linux-gnu"]);
        dirs.any(|dir| {
            let path = [dir.as_bytes(), b"/", name].concat();
            let binary = self
                .view
                .resolve(&path, None)
                .and_then(|node| self.binary(&node));
            let Ok(binary) = binary else { return false };
            binary.elf.as_ref().is_ok_and(|other| {
                (other.header.machine, other.header.class) == (elf.header.machine, elf.header.class)
            })
        })
    }
}

struct Interpreter {
    node: Node,
    binary: Arc<Binary>,
    profile: Arc<Profile>,
}

fn interpreter(
    loader: &Loader<'_>,
    request: &Request<'_>,
    elf: &Elf,
    form: Form,
) -> Result<Interpreter, String> {
    if form == Form::Program {
        let named = elf.interp.as_deref().unwrap_or_default();
        return open_interpreter(loader, request, elf, named)
            .map_err(|reason| format!("{}: {reason}", escape(named)));
    }
    let header = &elf.header;
    let machine = machine_name(header.machine, header.class, header.big_endian);
    let (glibc, musl) = usual_loaders(&machine);
    let mut order = [glibc, musl];
    // musl's C library is called libc.so, or on Alpine libc.musl-ARCH.so.1.
    let needs = |test: fn(&[u8]) -> bool| {
        let dynamic = elf.dynamic.as_ref();
        dynamic.is_some_and(|dynamic| dynamic.needed().any(test))
    };
    if needs(|name| name.starts_with(b"libc.musl-") || name == b"libc.so") {
        order.reverse();
    }
    order
        .iter()
        .flat_map(|paths| paths.iter())
        .find_map(|path| open_interpreter(loader, request, elf, path.as_bytes()).ok())
        .ok_or_else(|| format!("no loader for {machine} where one usually lies"))
}

fn open_interpreter(
    loader: &Loader<'_>,
    request: &Request<'_>,
    elf: &Elf,
    named: &[u8],
) -> Result<Interpreter, String> {
    let absolute = request.absolute(named);
    let node = loader
        .view
        .resolve(&absolute, request.who.as_ref())
        .map_err(|error| error.to_string())?;
    let binary = loader.binary(&node).map_err(|error| error.to_string())?;
    let other = binary.elf.as_ref().map_err(ToString::to_string)?;
    if (other.header.machine, other.header.class) != (elf.header.machine, elf.header.class) {
        let bits = |class| if class == Class::Elf32 { 32 } else { 64 };
        return Err(format!(
            "a loader for machine {} with {} bits",
            other.header.machine,
            bits(other.header.class)
        ));
    }
    let profile = loader
        .profile(named, &node)
        .ok_or_else(|| "cannot be read".to_owned())?;
    Ok(Interpreter {
        node,
        binary,
        profile,
    })
}

/// Whether the kernel says that privileges are raised (`AT_SECURE`, getauxval(3)): by setuid, by
/// setgid unless the group may not execute, by file capabilities.
fn is_raised(loader: &Loader<'_>, node: &Node, who: Option<&Who>) -> bool {
    const SETUID: u32 = 0o4000;
    const SETGID: u32 = 0o2010;
    let Stat { mode, uid, gid, .. } = node.stat;
    let setuid = mode & SETUID != 0 && who.is_none_or(|who| who.uid != uid);
    let setgid = mode & SETGID == SETGID && who.is_none_or(|who| who.groups.first() != Some(&gid));
    // capabilities(7): root has them all before, and gains none.
    let capable = || {
        who.is_none_or(|who| who.uid != 0)
            && loader
                .view
                .root()
                .open_file(node.real.as_bytes())
                .is_ok_and(|file| file.xattr("security.capability", 64).is_some())
    };
    setuid || setgid || capable()
}
