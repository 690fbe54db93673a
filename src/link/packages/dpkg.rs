//! dpkg's part: `/var/lib/dpkg` with its status file and `info`, and `status.d` of images that
//! were put together without dpkg.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use rayon::prelude::*;

use super::index::Aliases;
use super::{
    Body as AnyBody, Found, Keys, Manager, OwnedFile, Package, Script, Stage, read as read_file,
    read_lines, too_many,
};
use crate::fact::{Issue, IssueKind, Kind, Locus};
use crate::parse::budget::FILES;
use crate::parse::digest::Digest;
use crate::parse::dpkg::{self, Conffile, Override, State};
use crate::parse::{copyright, dpkg::Diversion};
use crate::path::AppPath;
use crate::tree::{LookupError, Root};

const DIR: &str = "/var/lib/dpkg";

/// What lies beside the packages: hosts have some kilobytes of each.
const MAX_BESIDE: usize = 8 << 20;
const MAX_SCRIPT: usize = 1 << 20;

/// What lies beside the packages: it changes what is on disk.
#[derive(Debug, Default)]
pub(super) struct Beside {
    diversions: BTreeMap<Vec<u8>, Diversion>,
    overrides: BTreeMap<Vec<u8>, Override>,
    /// Files that ucf(1) keeps, by package; in Debian it stands in for conffiles where a script
    /// makes the file.
    ucf: BTreeMap<String, Vec<UcfFile>>,
}

/// Path, and the sum of what the package last offered.
type UcfFile = (Vec<u8>, Option<Digest>);

impl Beside {
    /// Where a package's file is on disk.
    fn place<'a>(&'a self, package: &str, path: &'a [u8]) -> &'a [u8] {
        match self.diversions.get(path) {
            Some(diversion) if diversion.by.as_deref() != Some(package) => &diversion.to,
            _ => path,
        }
    }
}

/// Where the rest of a package is.
pub(super) struct Body {
    /// Its files' common beginning: `/var/lib/dpkg/info/NAME[:ARCH]`.
    stem: AppPath,
    conffiles: Vec<Conffile>,
    /// Whether the paths are in `STEM.md5sums` only, as in `status.d`.
    sums_only: bool,
}

impl Body {
    fn beside(&self, suffix: &str) -> AppPath {
        AppPath::new([self.stem.as_bytes(), suffix.as_bytes()].concat())
    }
}

pub(super) fn read(root: &Root, found: &mut Found) -> Beside {
    let beside = read_beside(root, found);
    let mut packages = Vec::new();
    let status = AppPath::new(DIR).join("status");
    read_status(root, found, &status, &mut |package| {
        packages.push((status.clone(), package, false))
    });
    let dir = AppPath::new(DIR).join("status.d");
    for (name, stat) in root.list(dir.as_bytes()).unwrap_or_default() {
        if stat.kind == Kind::File && !name.ends_with(b".md5sums") {
            let file = dir.join(&name);
            read_status(root, found, &file, &mut |package| {
                packages.push((file.clone(), package, true))
            });
        }
    }
    let aliases = &found.aliases;
    let lists: Vec<_> = packages
        .into_par_iter()
        .map(|(file, package, sums_only)| entry(root, aliases, &beside, &file, package, sums_only))
        .collect();
    let mut without_list = Vec::new();
    for (package, body, provides, keys, list) in lists {
        match list {
            List::Read(issue) => found.issues.extend(issue),
            List::Absent => without_list.push(package.name.clone()),
        }
        found.add(package, AnyBody::Dpkg(body), &provides, &keys);
    }
    if let Some(first) = without_list.first() {
        let message = format!(
            "{} packages, {first} the first of them, have no list of their files: those count as unowned",
            without_list.len()
        );
        found.issue(&AppPath::new(DIR).join("info"), IssueKind::Absent, message);
    }
    beside
}

/// The packages of a status file of which something is there.
fn read_status(
    root: &Root,
    found: &mut Found,
    file: &AppPath,
    give: &mut dyn FnMut(dpkg::Package),
) {
    found.paragraphs(root, file, &mut |_, part| {
        let mut kept = 0;
        for mut package in dpkg::status(part.text) {
            if matches!(package.state, State::Installed | State::Partly) {
                package.line = package.line.saturating_add(part.lines);
                kept += package.names();
                give(package);
            }
        }
        kept
    });
}

fn read_beside(root: &Root, found: &mut Found) -> Beside {
    let mut get = |path: &str| {
        found
            .read(root, &AppPath::new(path), MAX_BESIDE)
            .unwrap_or_default()
    };
    let diversions = dpkg::diversions(&get("/var/lib/dpkg/diversions"));
    let overrides = dpkg::overrides(&get("/var/lib/dpkg/statoverride"));
    let sums = get("/var/lib/ucf/hashfile");
    let sums: BTreeMap<&[u8], Digest> = dpkg::ucf_sums(&sums).collect();
    let mut ucf: BTreeMap<String, Vec<_>> = BTreeMap::new();
    for (package, path) in dpkg::ucf_registry(&get("/var/lib/ucf/registry")) {
        let digest = sums.get(path).cloned();
        ucf.entry(package)
            .or_default()
            .push((path.to_vec(), digest));
    }
    Beside {
        diversions: diversions
            .into_iter()
            .map(|d| (d.from.clone(), d))
            .collect(),
        overrides: overrides.into_iter().map(|o| (o.path.clone(), o)).collect(),
        ucf,
    }
}

/// What became of a package's list of files.
enum List {
    /// It was read, or could not be.
    Read(Option<Issue>),
    /// There is none.
    Absent,
}

/// A package, and the keys of its paths.
fn entry(
    root: &Root,
    aliases: &Aliases,
    beside: &Beside,
    file: &AppPath,
    package: dpkg::Package,
    sums_only: bool,
) -> (Package, Body, Vec<String>, Keys, List) {
    let mut body = Body {
        stem: if sums_only {
            file.clone()
        } else {
            stem(&package, package.multi_arch)
        },
        conffiles: package.conffiles.clone(),
        sums_only,
    };
    let is_there = |body: &Body| match root.resolve(list_file(body).as_bytes()) {
        Err(LookupError::Absent | LookupError::NotDirectory) => false,
        Ok(_) | Err(_) => true,
    };
    if !sums_only && !is_there(&body) {
        // The other spelling: a package's nature may have changed since it was unpacked.
        let other = stem(&package, !package.multi_arch);
        let first = std::mem::replace(&mut body.stem, other);
        if !is_there(&body) {
            body.stem = first;
        }
    }
    let mut keys = Keys::default();
    let list = if is_there(&body) {
        let (mut issue, count) = each_path(root, &body, &mut |_, path| {
            keys.add(aliases, beside.place(&package.name, path));
        });
        if count > FILES.steps {
            issue = Some(too_many(&Locus::file(&list_file(&body))));
        }
        List::Read(issue)
    } else {
        List::Absent
    };
    for (path, _) in beside.ucf.get(&package.name).into_iter().flatten() {
        keys.add(aliases, path);
    }
    let provides = package.provides.clone();
    (described(file, package), body, provides, keys, list)
}

fn described(file: &AppPath, package: dpkg::Package) -> Package {
    Package {
        manager: Manager::Dpkg,
        source: package.source.unwrap_or_else(|| package.name.clone()),
        name: package.name,
        version: package.version,
        arch: package.arch,
        licence: None,
        essential: package.essential,
        ordinary: package.ordinary,
        depends: package.depends.into_iter().flatten().collect(),
        recommends: package.recommends.into_iter().flatten().collect(),
        at: Locus::line(file, package.line),
    }
}

fn stem(package: &dpkg::Package, with_arch: bool) -> AppPath {
    let name = &package.name;
    AppPath::new(if with_arch {
        format!("{DIR}/info/{name}:{}", package.arch)
    } else {
        format!("{DIR}/info/{name}")
    })
}

fn list_file(body: &Body) -> AppPath {
    body.beside(if body.sums_only { ".md5sums" } else { ".list" })
}

/// Gives the line and path of each entry of a list, and says how many there were.
fn each_path(root: &Root, body: &Body, give: &mut dyn FnMut(u32, &[u8])) -> (Option<Issue>, u64) {
    let mut count = 0;
    let issue = read_lines(root, &list_file(body), &mut |part| {
        let mut one = |line: u32, path: &[u8]| {
            count += 1;
            if count <= FILES.steps {
                give(part.lines.saturating_add(line), path);
            }
        };
        if body.sums_only {
            for (line, (path, _)) in (1..).zip(dpkg::md5sums(part.text)) {
                one(line, &path);
            }
        } else {
            for (line, path) in dpkg::list(part.text) {
                one(line, path);
            }
        }
        match count > FILES.steps {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    });
    (issue, count)
}

pub(super) fn files(
    package: &Package,
    body: &Body,
    beside: &Beside,
    root: &Root,
    issues: &mut Vec<Issue>,
) -> Vec<OwnedFile> {
    let list = list_file(body);
    let mut sums: BTreeMap<Vec<u8>, Digest> = BTreeMap::new();
    issues.extend(read_lines(root, &body.beside(".md5sums"), &mut |part| {
        sums.extend(dpkg::md5sums(part.text));
        match sums.len() as u64 > FILES.steps {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    }));
    let conffiles: BTreeMap<&[u8], &Conffile> = body
        .conffiles
        .iter()
        .map(|file| (&file.path[..], file))
        .collect();
    let mut files = Vec::new();
    let (issue, count) = each_path(root, body, &mut |line, path| {
        let place = beside.place(&package.name, path);
        let mut file = OwnedFile::new(AppPath::new(place), Locus::line(&list, line));
        if let Some(sum) = sums.get(path) {
            file.kind = Some(Kind::File);
            file.digest = Some(sum.clone());
        }
        if let Some(conffile) = conffiles.get(path) {
            as_conffile(&mut file, conffile.digest.clone());
            file.optional = conffile.obsolete;
        }
        if let Some(chosen) = beside.overrides.get(path) {
            file.mode = Some(chosen.mode);
            file.user = Some(chosen.user.clone());
            file.group = Some(chosen.group.clone());
        }
        files.push(file);
    });
    issues.extend(issue);
    issues.extend((count > FILES.steps).then(|| too_many(&Locus::file(&list))));
    for (path, digest) in beside.ucf.get(&package.name).into_iter().flatten() {
        let mut file = OwnedFile::new(
            AppPath::new(path),
            Locus::file(&AppPath::new("/var/lib/ucf/registry")),
        );
        as_conffile(&mut file, digest.clone());
        // What ucf keeps was made by a script, which may have been told not to.
        file.optional = true;
        files.push(file);
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    // What has something below it is a directory; its content follows it at once.
    let mut after: Option<AppPath> = None;
    for file in files.iter_mut().rev() {
        if after.is_some_and(|after| after.is_below(&file.path)) {
            file.kind = Some(Kind::Dir);
        }
        after = Some(file.path.clone());
    }
    files
}

fn as_conffile(file: &mut OwnedFile, digest: Option<Digest>) {
    file.kind = Some(Kind::File);
    file.conffile = true;
    file.digest = digest;
}

pub(super) fn scripts(body: &Body, root: &Root) -> Vec<Script> {
    let stages = [
        (".preinst", Stage::Preinst),
        (".postinst", Stage::Postinst),
        (".prerm", Stage::Prerm),
        (".postrm", Stage::Postrm),
        (".config", Stage::Config),
        (".triggers", Stage::Triggers),
    ];
    stages
        .into_iter()
        .filter_map(|(suffix, stage)| {
            let at = body.beside(suffix);
            let text = read_file(root, &at, MAX_SCRIPT).0?;
            Some(Script {
                at,
                stage,
                interpreter: None,
                text,
            })
        })
        .collect()
}

/// The directory may be a link to that of another package of the same source.
pub(super) fn licence(package: &Package, root: &Root) -> Option<String> {
    let path = AppPath::new(format!("/usr/share/doc/{}/copyright", package.name));
    let text = read_file(root, &path, MAX_SCRIPT).0?;
    let names = copyright::licences(&text);
    (!names.is_empty()).then(|| names.join(", "))
}
