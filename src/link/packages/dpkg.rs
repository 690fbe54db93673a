//! dpkg's part: `/var/lib/dpkg` with its status file and `info`, and `status.d` of images that
//! were put together without dpkg.

use std::collections::BTreeMap;

use rayon::prelude::*;

use super::index::Aliases;
use super::{
    Body as AnyBody, Found, Keys, Manager, OwnedFile, Package, Script, Stage, read as read_file,
};
use crate::fact::{Issue, IssueKind, Kind, Locus};
use crate::parse::digest::Digest;
use crate::parse::dpkg::{self, Conffile, Override, State};
use crate::parse::{copyright, dpkg::Diversion};
use crate::path::AppPath;
use crate::tree::Root;

const DIR: &str = "/var/lib/dpkg";

/// The status file of a host with every package of a release is not a tenth of it.
const MAX_STATUS: usize = 256 << 20;
const MAX_LIST: usize = 64 << 20;
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
    if let Some(text) = found.read(root, &status, MAX_STATUS) {
        packages.extend(
            dpkg::status(&text)
                .into_iter()
                .map(|package| (status.clone(), package, false)),
        );
    }
    let dir = AppPath::new(DIR).join("status.d");
    for (name, stat) in root.list(dir.as_bytes()).unwrap_or_default() {
        if stat.kind == Kind::File && !name.ends_with(b".md5sums") {
            let file = dir.join(&name);
            let text = found.read(root, &file, MAX_LIST).unwrap_or_default();
            packages.extend(
                dpkg::status(&text)
                    .into_iter()
                    .map(|package| (file.clone(), package, true)),
            );
        }
    }
    packages.retain(|(_, package, _)| matches!(package.state, State::Installed | State::Partly));
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

fn read_beside(root: &Root, found: &mut Found) -> Beside {
    let mut get = |path: &str| {
        found
            .read(root, &AppPath::new(path), MAX_LIST)
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
    let (mut text, mut issue) = list_text(root, &body);
    if text.is_none() && issue.is_none() && !sums_only {
        // The other spelling: a package's nature may have changed since it was unpacked.
        body.stem = stem(&package, !package.multi_arch);
        (text, issue) = list_text(root, &body);
    }
    let list = if text.is_none() && issue.is_none() {
        List::Absent
    } else {
        List::Read(issue)
    };
    let mut keys = Keys::default();
    each_path(&body, text.as_deref().unwrap_or_default(), |_, path| {
        keys.add(aliases, beside.place(&package.name, path));
    });
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

fn list_text(root: &Root, body: &Body) -> (Option<Vec<u8>>, Option<Issue>) {
    read_file(root, &list_file(body), MAX_LIST)
}

/// Gives the line and path of each entry of a list.
fn each_path(body: &Body, text: &[u8], mut give: impl FnMut(u32, &[u8])) {
    if body.sums_only {
        for (line, (path, _)) in (1..).zip(dpkg::md5sums(text)) {
            give(line, &path);
        }
    } else {
        for (line, path) in dpkg::list(text) {
            give(line, path);
        }
    }
}

pub(super) fn files(
    package: &Package,
    body: &Body,
    beside: &Beside,
    root: &Root,
    issues: &mut Vec<Issue>,
) -> Vec<OwnedFile> {
    let mut get = |path: &AppPath| {
        let (text, issue) = read_file(root, path, MAX_LIST);
        issues.extend(issue);
        text.unwrap_or_default()
    };
    let list = list_file(body);
    let text = get(&list);
    let sums: BTreeMap<Vec<u8>, Digest> = dpkg::md5sums(&get(&body.beside(".md5sums"))).collect();
    let conffiles: BTreeMap<&[u8], &Conffile> = body
        .conffiles
        .iter()
        .map(|file| (&file.path[..], file))
        .collect();
    let mut files = Vec::new();
    each_path(body, &text, |line, path| {
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
