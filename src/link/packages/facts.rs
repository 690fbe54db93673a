//! What the package databases say about an application, as facts.

use std::collections::BTreeSet;

use super::check::check;
use super::{OwnedFile, Package, Packages};
use crate::fact::{Certainty, Class, Fact, Issue, Kind, Locus, Ownership, Source, Touch, What};
use crate::path::AppPath;
use crate::tree::{LookupError, Root};

/// Where a directory that a package ships is a place for state (Filesystem Hierarchy Standard).
const STATE: &[&str] = &["/var", "/run", "/srv", "/opt"];

/// What the standard, or a base system, has in common for all: a package that ships one of these
/// only passes through.
const COMMON: &[&str] = &[
    "/opt",
    "/run",
    "/run/lock",
    "/srv",
    "/var",
    "/var/backups",
    "/var/cache",
    "/var/crash",
    "/var/games",
    "/var/lib",
    "/var/local",
    "/var/lock",
    "/var/log",
    "/var/mail",
    "/var/opt",
    "/var/run",
    "/var/spool",
    "/var/spool/cron",
    "/var/spool/mail",
    "/var/tmp",
];

/// What an image without documentation leaves out; its absence says nothing.
const PAPERWORK: &[&str] = &[
    "/usr/share/bug",
    "/usr/share/doc",
    "/usr/share/doc-base",
    "/usr/share/gtk-doc",
    "/usr/share/help",
    "/usr/share/info",
    "/usr/share/licenses",
    "/usr/share/lintian",
    "/usr/share/locale",
    "/usr/share/man",
];

impl Packages {
    /// What the databases say about the packages `names`: the packages, their configuration files
    /// and those that were changed, what is gone, and the directories that they ship for state.
    /// What could not be read comes as second. Both are sorted.
    #[must_use]
    pub fn facts(&self, names: &[String], root: &Root) -> (Vec<Fact>, Vec<Issue>) {
        let names: BTreeSet<&str> = names
            .iter()
            .filter_map(|name| self.get(name))
            .map(|package| package.name.as_str())
            .collect();
        let (mut facts, mut issues) = (Vec::new(), Vec::new());
        for name in &names {
            for (_, entry) in self.named(name) {
                facts.push(self.package_fact(&entry.package, root));
            }
            let (files, faults) = self.files_and_issues(name, root);
            issues.extend(faults);
            for (at, file) in files.iter().enumerate() {
                let is_parent = files
                    .get(at + 1)
                    .is_some_and(|next| next.path.is_below(&file.path));
                facts.extend(self.path_fact(file, is_parent, &names, root));
                match ownership(file, name, root) {
                    Ok(fact) => facts.extend(fact),
                    Err(issue) => issues.push(issue),
                }
            }
        }
        facts.sort();
        facts.dedup();
        issues.sort();
        (facts, issues)
    }

    fn package_fact(&self, package: &Package, root: &Root) -> Fact {
        Fact {
            at: package.at.clone(),
            what: What::Package {
                manager: package.manager.as_str().into(),
                name: package.name.clone(),
                version: package.version.clone(),
                licence: self.licence(&package.name, root),
            },
            certainty: Certainty::Declared,
        }
    }

    /// A path of which it means something that a package has it.
    fn path_fact(
        &self,
        file: &OwnedFile,
        is_parent: bool,
        names: &BTreeSet<&str>,
        root: &Root,
    ) -> Option<Fact> {
        let (touch, source, by, class) = if file.conffile {
            if file.optional && root.lookup(file.path.as_bytes()).is_err() {
                return None;
            }
            (
                Touch::Reads,
                Source::Conffile,
                "conffile",
                Some(Class::Config),
            )
        } else if !is_for_state(&file.path) {
            return None;
        } else if file.ghost {
            (Touch::Names, Source::Package, "ghost", None)
        } else if is_dir(file, root) && self.is_own_dir(file, is_parent, names) {
            // A directory that is given to somebody is there to be written.
            let touch = match file.user.as_deref() {
                None | Some("root" | "#0") => Touch::Names,
                Some(_) => Touch::Grants,
            };
            (touch, Source::Package, "package-directory", None)
        } else {
            return None;
        };
        let kind = if by == "package-directory" {
            Some(Kind::Dir)
        } else {
            file.kind
        };
        let what = What::Path {
            path: file.path.clone(),
            touch,
            source,
            by: by.into(),
            kind,
            class,
        };
        Some(Fact {
            at: file.at.clone(),
            what,
            certainty: Certainty::Declared,
        })
    }

    /// Whether a directory is there for the packages' own sake. One that others ship too and that
    /// has something in it is only on the way; so is, below `/opt`, one that is full of code.
    fn is_own_dir(&self, file: &OwnedFile, is_parent: bool, names: &BTreeSet<&str>) -> bool {
        if !is_parent {
            return true;
        }
        let is_deep = file.path.is_below(&AppPath::new("/opt")) && file.path.depth() > 3;
        let mut owners = self.owners(&file.path).into_iter();
        !is_deep && owners.all(|owner| names.contains(owner.name.as_str()))
    }
}

fn is_for_state(path: &AppPath) -> bool {
    STATE.iter().any(|dir| is_within(path, dir))
        && !COMMON.iter().any(|dir| path.as_bytes() == dir.as_bytes())
}

fn is_within(path: &AppPath, dir: &str) -> bool {
    path.as_bytes()
        .strip_prefix(dir.as_bytes())
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/"))
}

/// dpkg's lists do not say what is a directory; the disk does.
fn is_dir(file: &OwnedFile, root: &Root) -> bool {
    match file.kind {
        Some(kind) => kind == Kind::Dir,
        None => root
            .lookup(file.path.as_bytes())
            .is_ok_and(|node| node.stat.kind == Kind::Dir),
    }
}

/// That a file was changed, or that it is gone.
fn ownership(file: &OwnedFile, package: &str, root: &Root) -> Result<Option<Fact>, Issue> {
    let unread = |error: LookupError| Issue {
        at: Locus::file(&file.path),
        kind: error.issue_kind(),
        message: format!("cannot be compared with what package {package} shipped: {error}"),
    };
    let state = if file.conffile {
        check(file, root).map_err(unread)?
    } else if is_gone(file, root) {
        Ownership::Gone
    } else if is_newer(file, root) {
        check(file, root).map_err(unread)?
    } else {
        Ownership::AsShipped
    };
    if state == Ownership::AsShipped {
        return Ok(None);
    }
    Ok(Some(Fact {
        at: Locus::file(&file.path),
        what: What::Ownership {
            path: file.path.clone(),
            state,
            package: Some(package.to_owned()),
        },
        certainty: Certainty::Observed,
    }))
}

/// Whether a file was written after its package's list was: packages keep the time at which a file was
/// made (dpkg(1), rpm(8)), so that only such files need to be read.
fn is_newer(file: &OwnedFile, root: &Root) -> bool {
    let time = |path: &AppPath| root.lookup(path.as_bytes()).ok().map(|node| node.stat);
    let is_plain = file.digest.is_some() && !file.ghost && !file.optional;
    is_plain
        && time(&file.path)
            .filter(|stat| stat.kind == Kind::File)
            .zip(time(&file.at.file))
            .is_some_and(|(own, list)| own.mtime > list.mtime)
}

fn is_gone(file: &OwnedFile, root: &Root) -> bool {
    let is_paperwork = || {
        PAPERWORK
            .iter()
            .any(|dir| file.path.is_within(&AppPath::new(dir)))
    };
    !file.optional
        && !is_paperwork()
        && matches!(
            root.lookup(file.path.as_bytes()),
            Err(LookupError::Absent | LookupError::NotDirectory)
        )
}
