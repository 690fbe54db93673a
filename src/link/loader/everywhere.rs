//! A start with a look around: where something is missing, the places where libraries usually lie
//! are walked, so that it can be said where it is and what would help.

use std::collections::BTreeSet;

use rayon::prelude::*;

use super::binary::{Binary, HEAD};
use super::{Loader, Outcome, Request, Shelf};
use crate::fact::{Kind, LibraryStatus};
use crate::parse::read::ReadAt as _;
use crate::path::AppPath;
use crate::tree::{Limits, Progress, Visit, walk};

/// Where systems and vendors put libraries (hier(7)).
const USUAL: &[&str] = &[
    "/lib",
    "/lib32",
    "/lib64",
    "/libx32",
    "/opt",
    "/usr/lib",
    "/usr/lib32",
    "/usr/lib64",
    "/usr/libx32",
    "/usr/local",
];

impl Loader<'_> {
    /// As [`Loader::run`] for each; what is missing is looked for around those files and in the
    /// usual places of the root, on the filesystems where these begin, all in one walk.
    #[must_use]
    pub fn run_and_look(&self, requests: &[Request<'_>]) -> Vec<Outcome> {
        let run = |request: &Request<'_>| self.run(request);
        let mut outcomes: Vec<Outcome> = requests.par_iter().map(run).collect();
        let shelf = self.shelf(&outcomes);
        if let Some(shelf) = &shelf {
            let started = outcomes.par_iter_mut().zip(requests);
            started.for_each(|(outcome, request)| {
                if request.shelf.is_none() && missing(outcome).next().is_some() {
                    *outcome = self.run(&Request {
                        shelf: Some(shelf),
                        ..request.clone()
                    });
                }
            });
        }
        outcomes
    }

    /// What lies in the tree under the name of something missing, or tells it as its `DT_SONAME`;
    /// nothing when nothing is missing.
    fn shelf(&self, outcomes: &[Outcome]) -> Option<Shelf> {
        let names: BTreeSet<&[u8]> = outcomes.iter().flat_map(missing).collect();
        if names.is_empty() {
            return None;
        }
        let lacking = outcomes.iter().filter(|one| missing(one).next().is_some());
        let root = self.view.root();
        let mut starts: BTreeSet<AppPath> = lacking.map(|one| around(&one.file)).collect();
        starts.extend(USUAL.iter().map(AppPath::new));
        let starts: Vec<AppPath> = starts
            .into_iter()
            .filter(|start| root.resolve(start.as_bytes()).is_ok())
            .collect();
        let found = walk(
            root,
            &starts,
            &Limits::default(),
            &Progress::default(),
            &|visit| {
                let soname = told_name(visit, &names);
                let is_asked = names.contains(visit.entry.path.name())
                    || soname.as_deref().is_some_and(|name| names.contains(name));
                (visit.entry.stat.kind != Kind::Dir && is_asked).then_some(soname)
            },
        );
        let mut shelf = Shelf::default();
        for (entry, soname) in &found.made {
            shelf.add(&entry.path, soname.as_deref());
        }
        Some(shelf)
    }
}

/// The file names of what is missing.
fn missing(outcome: &Outcome) -> impl Iterator<Item = &[u8]> {
    let rows = outcome.libraries.iter();
    rows.filter(|needed| needed.status == LibraryStatus::Missing)
        .map(|needed| file_name(&needed.name))
}

/// The application's own directory: the one above `bin`, `lib` and their like, or the file's.
fn around(file: &AppPath) -> AppPath {
    let own = file.parent().unwrap_or_else(AppPath::root);
    let is_part = own.name().starts_with(b"lib") || own.name() == b"bin" || own.name() == b"sbin";
    let top = own.parent().filter(|_| is_part);
    // What stands directly below the root, or in /usr, is the system's: it is among the usual.
    match top {
        Some(top) if !top.is_root() && top.as_bytes() != b"/usr" => top,
        _ => own,
    }
}

/// The `DT_SONAME` of a file that is called like one of the names up to its version.
fn told_name(visit: &Visit<'_>, names: &BTreeSet<&[u8]>) -> Option<Box<[u8]>> {
    let name = visit.entry.path.name();
    let mut asked = names.iter().map(|asked| stem(asked));
    if visit.entry.stat.kind != Kind::File || !asked.any(|stem| name.starts_with(stem)) {
        return None;
    }
    let file = visit.open().ok()?;
    let head = file.bytes_at(0, HEAD).ok()?;
    let elf = Binary::read(&head, &file).elf.ok()?;
    elf.dynamic?.soname
}

/// `libx` of `libx.so.1` and of `libx-2.so`; a name that begins with its version is whole.
fn stem(name: &[u8]) -> &[u8] {
    let end = name.iter().position(|b| b".-".contains(b));
    match end.and_then(|end| name.get(..end)) {
        Some(stem) if !stem.is_empty() => stem,
        _ => name,
    }
}

fn file_name(name: &[u8]) -> &[u8] {
    name.rsplit(|&b| b == b'/').next().unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_directory_around_a_program_is_its_application_never_the_whole_root() {
        let around = |file: &str| around(&AppPath::new(file)).to_string();
        assert_eq!(around("/opt/app/bin/run"), "/opt/app");
        assert_eq!(around("/opt/app/lib64/libx.so"), "/opt/app");
        assert_eq!(around("/home/me/app/run"), "/home/me/app");
        assert_eq!(around("/bin/run"), "/bin");
        assert_eq!(around("/usr/bin/run"), "/usr/bin");
        assert_eq!(around("/run"), "/");
    }

    #[test]
    fn a_library_is_looked_at_when_it_begins_like_the_name() {
        assert_eq!(stem(b"libx.so.1"), b"libx");
        assert_eq!(stem(b"libx-1.2.so"), b"libx");
        assert_eq!(stem(b"plain"), b"plain");
        assert_eq!(stem(b".so"), b".so");
    }
}
