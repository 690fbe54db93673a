//! apk's part: `/lib/apk/db`, which newer versions keep below `/usr`.

use std::ops::ControlFlow;

use super::{
    Body as AnyBody, Found, Keys, Manager, OwnedFile, Package, Script, Stage, read as read_file,
    too_many,
};
use crate::fact::{Issue, IssueKind, Kind, Locus};
use crate::parse::apk;
use crate::parse::budget::FILES;
use crate::parse::parts::Part;
use crate::parse::read::ReadAt;
use crate::path::AppPath;
use crate::tree::Root;

const DIRS: &[&str] = &["/lib/apk/db", "/usr/lib/apk/db"];
/// The archive of all packages' scripts: a host has less than a megabyte of them.
const MAX_SCRIPTS: usize = 16 << 20;
const MAX_SCRIPT: usize = 1 << 20;

/// Where a package's paragraph is.
pub(super) struct Body {
    /// Where it begins in the database, in bytes.
    at: u64,
    /// Its bytes.
    length: usize,
}

pub(super) fn read(root: &Root, found: &mut Found) {
    let mut seen = Vec::new();
    for dir in DIRS {
        let file = AppPath::new(dir).join("installed");
        // Both are one where /lib is a link.
        let Ok(node) = root.resolve(file.as_bytes()) else {
            continue;
        };
        if seen.contains(&node.real) {
            continue;
        }
        seen.push(node.real);
        let each = &mut |found: &mut Found, part: Part<'_>| {
            let packages = apk::packages(part.text);
            let kept = packages.iter().map(apk::Package::names).sum();
            for package in packages {
                add(found, &file, part, package);
            }
            kept
        };
        found.paragraphs(root, &file, each);
    }
}

fn add(found: &mut Found, file: &AppPath, part: Part<'_>, mut package: apk::Package) {
    let mut keys = Keys::default();
    let room = super::MAX_PATH_BYTES.saturating_sub(found.path_bytes);
    let own = part.text.get(package.place.clone()).unwrap_or_default();
    apk::each_file(own, |owned| {
        keys.add(&found.aliases, &owned.path);
        if keys.bytes > room {
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    });
    let body = Body {
        at: part.at + package.place.start as u64,
        length: package.place.len(),
    };
    package.line = package.line.saturating_add(part.lines);
    let provides = package.provides.clone();
    found.add(
        described(file, package),
        AnyBody::Apk(body),
        &provides,
        &keys,
    );
}

fn described(file: &AppPath, package: apk::Package) -> Package {
    Package {
        manager: Manager::Apk,
        source: package.origin.unwrap_or_else(|| package.name.clone()),
        name: package.name,
        version: package.version,
        arch: package.arch,
        licence: package.licence,
        essential: false,
        ordinary: false,
        depends: package.depends,
        recommends: Vec::new(),
        at: Locus::line(file, package.line),
    }
}

pub(super) fn files(
    package: &Package,
    body: &Body,
    root: &Root,
    issues: &mut Vec<Issue>,
) -> Vec<OwnedFile> {
    let paragraph = match root.open_file(package.at.file.as_bytes()) {
        Ok(file) => file
            .bytes_at(body.at, body.length)
            .map_err(|error| (IssueKind::Unreadable, error.to_string())),
        Err(error) => Err((error.issue_kind(), error.to_string())),
    };
    let paragraph = paragraph.unwrap_or_else(|(kind, message)| {
        issues.push(Issue {
            at: package.at.clone(),
            kind,
            message,
        });
        Vec::new()
    });
    let mut files = Vec::new();
    apk::each_file(&paragraph, |owned| {
        if files.len() as u64 == FILES.steps {
            issues.push(too_many(&package.at));
            return ControlFlow::Break(());
        }
        let mut file = OwnedFile::new(AppPath::new(&owned.path), package.at.clone());
        file.kind = owned.directory.then_some(Kind::Dir);
        file.conffile = !owned.directory && apk::is_protected(&owned.path);
        file.digest = owned.digest;
        // Without a line of its own: root, and 755 for a directory or 644 for a file.
        let (user, group, mode) =
            owned
                .acl
                .unwrap_or((0, 0, if owned.directory { 0o755 } else { 0o644 }));
        file.user = Some(format!("#{user}"));
        file.group = Some(format!("#{group}"));
        file.mode = Some(mode);
        files.push(file);
        ControlFlow::Continue(())
    });
    files
}

pub(super) fn scripts(package: &Package, _: &Body, root: &Root) -> Vec<Script> {
    let stages = [
        (".pre-install", Stage::Preinst),
        (".pre-upgrade", Stage::Preinst),
        (".post-install", Stage::Postinst),
        (".post-upgrade", Stage::Postinst),
        (".pre-deinstall", Stage::Prerm),
        (".post-deinstall", Stage::Postrm),
        (".trigger", Stage::Triggers),
    ];
    let Some(at) = package.at.file.parent().map(|dir| dir.join("scripts.tar")) else {
        return Vec::new();
    };
    let tar = read_file(root, &at, MAX_SCRIPTS).0.unwrap_or_default();
    // name-version.checksum.stage: a dash or dot may be in each, so that the beginning counts.
    let begin = format!("{}-{}.", package.name, package.version);
    apk::scripts(&tar)
        .into_iter()
        .filter(|(name, text)| name.starts_with(&begin) && <[u8]>::len(text) <= MAX_SCRIPT)
        .filter_map(|(name, text)| {
            let (_, stage) = stages.iter().find(|(suffix, _)| name.ends_with(suffix))?;
            Some(Script {
                at: at.clone(),
                stage: *stage,
                interpreter: None,
                text: text.to_vec(),
            })
        })
        .collect()
}
