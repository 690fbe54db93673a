//! rpm's part: whichever of its stores a root has, at each of the places where distributions keep
//! it. Headers are read once for the index and again when files or scripts are asked for, since
//! together they are as large as the store.

use std::ops::ControlFlow;

use rayon::prelude::*;

use super::index::Aliases;
use super::{Body as AnyBody, Found, Keys, Manager, OwnedFile, Package, Script, Stage, too_many};
use crate::fact::{Issue, IssueKind, Kind, Locus};
use crate::parse::budget::{FILES, PACKAGES};
use crate::parse::read::ReadAt;
use crate::parse::rpm::header::{self, Header, tag};
use crate::parse::rpm::{Fault, FaultKind, Slot, Source, Store};
use crate::path::AppPath;
use crate::tree::{LookupError, Root};

/// Classic; SUSE and newer Fedora; images that rpm-ostree made.
const DIRS: &[&str] = &["/var/lib/rpm", "/usr/lib/sysimage/rpm", "/usr/share/rpm"];

/// The newest form first: a conversion may leave the old file behind.
const FORMS: &[&str] = &["rpmdb.sqlite", "Packages.db", "Packages"];

/// How many headers are read before it is asked whether they are more than the store can hold.
const CHUNK: usize = 64;

const MAX_SCRIPT: usize = 1 << 20;

/// A store that stays open.
pub(super) struct Database {
    file: AppPath,
    store: Store,
}

/// Where a package's header is.
pub(super) struct Body {
    database: usize,
    slot: Slot,
}

pub(super) fn read(root: &Root, found: &mut Found) -> Vec<Database> {
    let mut databases: Vec<Database> = Vec::new();
    let mut seen = Vec::new();
    for dir in DIRS {
        // One is often a link to another.
        let Ok(node) = root.resolve(dir) else {
            continue;
        };
        if seen.contains(&node.real) {
            continue;
        }
        seen.push(node.real);
        if let Some((database, size)) = open(root, &AppPath::new(dir), found) {
            index(&database, size, databases.len(), found);
            databases.push(database);
        }
    }
    databases
}

/// Opens the store in a directory, and says how long it is.
fn open(root: &Root, dir: &AppPath, found: &mut Found) -> Option<(Database, u64)> {
    let mut opened: Option<(Database, u64)> = None;
    for form in FORMS {
        let file = dir.join(form);
        let source = match root.open_file(file.as_bytes()) {
            Ok(source) => source,
            Err(LookupError::Absent | LookupError::NotDirectory) => continue,
            Err(error) => {
                found.issue(&file, error.issue_kind(), error.to_string());
                continue;
            }
        };
        if opened.is_some() {
            let message = "an older form of the package database, left behind: not read";
            found.issue(&file, IssueKind::NotUnderstood, message);
            continue;
        }
        let wal_file = dir.join(format!("{form}-wal"));
        let wal = root.open_file(wal_file.as_bytes()).ok();
        let size = source.len() + wal.as_ref().map_or(0, ReadAt::len);
        note_journal(root, dir, form, found);
        match Store::open(Box::new(source), wal.map(|wal| Box::new(wal) as Source)) {
            Ok((store, faults)) => {
                for fault in faults {
                    found.issues.push(issue(&wal_file, fault));
                }
                opened = Some((Database { file, store }, size));
            }
            Err(fault) => found.issues.push(issue(&file, fault)),
        }
    }
    opened
}

/// A rollback journal with content means that SQLite's last change was not finished.
fn note_journal(root: &Root, dir: &AppPath, form: &str, found: &mut Found) {
    let journal = dir.join(format!("{form}-journal"));
    let head = root.read(journal.as_bytes(), 8).unwrap_or_default();
    // The magic of a journal; zeros after a change that was finished.
    if head == b"\xd9\xd5\x05\xf9\x20\xa1\x63\xd7" {
        let message = "a change of the package database was not finished and not rolled back";
        found.issue(&journal, IssueKind::NotUnderstood, message);
    }
}

fn issue(file: &AppPath, fault: Fault) -> Issue {
    Issue {
        at: Locus::file(file),
        kind: match fault.kind {
            FaultKind::Unreadable => IssueKind::Unreadable,
            FaultKind::Malformed => IssueKind::Malformed,
            FaultKind::NotUnderstood => IssueKind::NotUnderstood,
            FaultKind::Limit => IssueKind::LimitReached,
        },
        message: fault.message,
    }
}

/// A header's package, as far as it is kept.
struct Read {
    slot: Slot,
    size: usize,
    package: Result<(Package, Vec<String>, Keys), Fault>,
}

fn index(database: &Database, size: u64, number: usize, found: &mut Found) {
    let (slots, faults) = database.store.slots();
    let file = &database.file;
    found
        .issues
        .extend(faults.into_iter().map(|fault| issue(file, fault)));
    // Each kind of fault is told once.
    let mut told: Vec<Fault> = Vec::new();
    let (mut sum, mut kept) = (0u64, 0u64);
    for chunk in slots.chunks(CHUNK) {
        let aliases = &found.aliases;
        let read: Vec<Read> = chunk
            .par_iter()
            .map(|slot| read_package(database, *slot, aliases))
            .collect();
        for Read {
            slot,
            size,
            package,
        } in read
        {
            sum = sum.saturating_add(size as u64);
            match package {
                // Keys of signatures stand in the database as packages without files.
                Ok((package, ..)) if package.name == "gpg-pubkey" => {}
                Ok((package, provides, keys)) => {
                    let names = package.depends.len() + package.recommends.len() + provides.len();
                    kept = kept.saturating_add(names as u64);
                    let body = Body {
                        database: number,
                        slot,
                    };
                    found.add(package, AnyBody::Rpm(body), &provides, &keys);
                }
                Err(fault) if told.contains(&fault) => {}
                Err(fault) => {
                    told.push(fault.clone());
                    found.issues.push(issue(file, fault));
                }
            }
        }
        if found.full {
            return;
        }
        if kept > PACKAGES.steps {
            let message = "more than packages of any host need: the rest of it was not read";
            found.issue(file, IssueKind::LimitReached, message);
            return;
        }
        if sum > size {
            let message =
                "the packages are together larger than their database: the rest was not read";
            found.issue(file, IssueKind::LimitReached, message);
            return;
        }
    }
}

fn read_package(database: &Database, slot: Slot, aliases: &Aliases) -> Read {
    let blob = match database.store.blob(slot) {
        Ok(blob) => blob,
        Err(fault) => {
            return Read {
                slot,
                size: 0,
                package: Err(fault),
            };
        }
    };
    Read {
        slot,
        size: blob.len(),
        package: described(&blob, &database.file, aliases),
    }
}

fn described(
    blob: &[u8],
    file: &AppPath,
    aliases: &Aliases,
) -> Result<(Package, Vec<String>, Keys), Fault> {
    let header = Header::parse(blob)?;
    let name = header.text(tag::NAME).unwrap_or_default();
    let names = |tag| {
        let mut names: Vec<String> = header
            .strings(tag)
            .map(|name| String::from_utf8_lossy(name).into_owned())
            // What rpm itself must be able to do; and conditions, which name no package.
            .filter(|name| !name.starts_with("rpmlib(") && !name.starts_with('('))
            .collect();
        // The same name stands once for each bound on the version.
        names.sort();
        names.dedup();
        names
    };
    let mut keys = Keys::default();
    header.each_path(|_, path| {
        keys.add(aliases, path);
        ControlFlow::Continue(())
    })?;
    let package = Package {
        manager: Manager::Rpm,
        source: header.source().unwrap_or_else(|| name.clone()),
        version: header.version(),
        arch: header.text(tag::ARCH).unwrap_or_default(),
        licence: header.text(tag::LICENSE),
        essential: false,
        ordinary: false,
        depends: names(tag::REQUIRENAME),
        recommends: names(tag::RECOMMENDNAME),
        at: Locus::file(file),
        name,
    };
    Ok((package, names(tag::PROVIDENAME), keys))
}

/// The header of a package, and the file that holds it.
fn blob<'a>(
    body: &Body,
    databases: &'a [Database],
    issues: &mut Vec<Issue>,
) -> Option<(Vec<u8>, &'a AppPath)> {
    let database = databases.get(body.database)?;
    match database.store.blob(body.slot) {
        Ok(blob) => Some((blob, &database.file)),
        Err(fault) => {
            issues.push(issue(&database.file, fault));
            None
        }
    }
}

pub(super) fn files(
    body: &Body,
    databases: &[Database],
    issues: &mut Vec<Issue>,
) -> Vec<OwnedFile> {
    let Some((blob, at)) = blob(body, databases, issues) else {
        return Vec::new();
    };
    let header = match Header::parse(&blob) {
        Ok(header) => header,
        Err(fault) => {
            issues.push(issue(at, fault));
            return Vec::new();
        }
    };
    let (files, fault) = header.files();
    issues.extend(fault.map(|fault| issue(at, fault)));
    if files.len() as u64 > FILES.steps {
        issues.push(too_many(&Locus::file(at)));
    }
    let most = usize::try_from(FILES.steps).unwrap_or(usize::MAX);
    let files = files.into_iter().take(most);
    files.map(|file| owned(file, at)).collect()
}

fn owned(file: header::File, at: &AppPath) -> OwnedFile {
    OwnedFile {
        path: AppPath::new(&file.path),
        kind: file.mode.and_then(kind),
        conffile: file.config,
        ghost: file.ghost,
        optional: file.ghost || file.missing_ok || !file.installed,
        digest: file.digest,
        size: file.size,
        target: file.target,
        mode: file.mode.map(|mode| mode & 0o7777),
        user: file.user,
        group: file.group,
        at: Locus::file(at),
    }
}

/// The kind in a mode (inode(7)).
fn kind(mode: u32) -> Option<Kind> {
    Some(match mode & 0o170_000 {
        0o040_000 => Kind::Dir,
        0o100_000 => Kind::File,
        0o120_000 => Kind::Link,
        0o010_000 => Kind::Fifo,
        0o140_000 => Kind::Socket,
        0o020_000 => Kind::CharDevice,
        0o060_000 => Kind::BlockDevice,
        _ => return None,
    })
}

pub(super) fn scripts(body: &Body, databases: &[Database]) -> Vec<Script> {
    let Some((blob, at)) = blob(body, databases, &mut Vec::new()) else {
        return Vec::new();
    };
    let Ok(header) = Header::parse(&blob) else {
        return Vec::new();
    };
    let stages = [
        (tag::PRETRANS, tag::PRETRANSPROG, Stage::Preinst),
        (tag::PREIN, tag::PREINPROG, Stage::Preinst),
        (tag::POSTIN, tag::POSTINPROG, Stage::Postinst),
        (tag::POSTTRANS, tag::POSTTRANSPROG, Stage::Postinst),
        (tag::PREUN, tag::PREUNPROG, Stage::Prerm),
        (tag::POSTUN, tag::POSTUNPROG, Stage::Postrm),
    ];
    let script = |text: &[u8], interpreter: Option<String>, stage| Script {
        at: at.clone(),
        stage,
        interpreter,
        text: text.get(..MAX_SCRIPT).unwrap_or(text).to_vec(),
    };
    let mut scripts = Vec::new();
    for (text, program, stage) in stages {
        let (text, program) = (header.string(text), header.text(program));
        // `%post -p /sbin/ldconfig` has a program and no text.
        if text.is_some() || program.is_some() {
            scripts.push(script(text.unwrap_or_default(), program, stage));
        }
    }
    let triggers = header.strings(tag::TRIGGERSCRIPTS).take(CHUNK);
    scripts.extend(triggers.map(|text| script(text, None, Stage::Triggers)));
    scripts
}
