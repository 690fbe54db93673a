//! A start with a look around: where something is missing, the places where libraries usually lie
//! are walked, so that it can be said where it is and what would help.

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
    /// As [`Loader::run`]; when something is missing, it is looked for around the file and in the
    /// usual places of the root, on the filesystems where these begin.
    #[must_use]
    pub fn run_and_look(&self, request: &Request<'_>) -> Outcome {
        let outcome = self.run(request);
        let missing: Vec<&[u8]> = outcome
            .libraries
            .iter()
            .filter(|needed| needed.status == LibraryStatus::Missing)
            .map(|needed| file_name(&needed.name))
            .collect();
        if missing.is_empty() || request.shelf.is_some() {
            return outcome;
        }
        let shelf = self.shelf(&outcome.file, &missing);
        self.run(&Request {
            shelf: Some(&shelf),
            ..request.clone()
        })
    }

    /// What lies around `file` and in the usual places under one of the names, or tells one of
    /// them as its `DT_SONAME`.
    fn shelf(&self, file: &AppPath, names: &[&[u8]]) -> Shelf {
        let root = self.view.root();
        let mut starts: Vec<AppPath> = USUAL.iter().map(AppPath::new).collect();
        starts.push(around(file));
        starts.retain(|start| root.resolve(start.as_bytes()).is_ok());
        let found = walk(
            root,
            &starts,
            &Limits::default(),
            &Progress::default(),
            &|visit| told_name(visit, names),
        );
        let mut shelf = Shelf::default();
        for (entry, soname) in &found.entries {
            let soname = soname.as_deref();
            let is_asked = |name: &[u8]| names.contains(&name);
            if entry.stat.kind != Kind::Dir
                && (is_asked(entry.path.name()) || soname.is_some_and(is_asked))
            {
                shelf.add(&entry.path, soname);
            }
        }
        shelf
    }
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
fn told_name(visit: &Visit<'_>, names: &[&[u8]]) -> Option<Box<[u8]>> {
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

/// `libx` of `libx.so.1` and of `libx-2.so`.
fn stem(name: &[u8]) -> &[u8] {
    let end = name.iter().position(|b| b".-".contains(b));
    &name[..end.unwrap_or(name.len())]
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
    }
}
