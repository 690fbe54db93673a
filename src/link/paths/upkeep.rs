//! What the upkeep of a tree leaves in it: versions that a program keeps of its own settings, and what
//! deployers keep beside the application that they deploy.

use super::Ground;
use super::inventory::Below;
use super::witness::{told, users};
use crate::fact::{Certainty, Class, Fact, Kind, Locus, Source, Touch, What};
use crate::knowledge::places;
use crate::path::AppPath;

/// How many settings of a directory are looked for: more is no directory of settings.
const SETTINGS: usize = 64;

/// Directories of settings that their program replaces itself: versions of a file of theirs lie in a
/// directory below, and belong to the user of the service. A person's copies bear the name first and
/// an ending behind it.
pub(super) fn versions(ground: &Ground<'_>, facts: &[Fact]) -> Vec<Fact> {
    let users = users(ground, facts);
    let mut found = Vec::new();
    for prefix in &ground.scope.prefixes {
        let inventory = &ground.inventory;
        let is_dir = |below: &Below<'_>| below.kind() == Some(Kind::Dir);
        for kept in inventory.below(prefix).filter(is_dir) {
            let files = inventory.children(kept.dir);
            let is_of_settings = places::class_of_name(kept.dir.name()) == Some(Class::Config);
            let files: Vec<&[u8]> = files
                .filter(|file| file.kind() == Some(Kind::File))
                .filter(|file| is_of_settings || places::is_settings_name(file.name))
                .map(|file| file.name)
                .take(SETTINGS)
                .collect();
            if files.is_empty() {
                continue;
            }
            let is_version = |below: &Below<'_>| {
                let stat = below.sum.stat.filter(|stat| stat.kind == Kind::File);
                stat.is_some_and(|stat| users.contains(&stat.uid))
                    && files.iter().any(|name| is_version_of(below.name, name))
            };
            let (top, mut dirs) = (kept.path(), vec![kept.path()]);
            let inner = inventory.children(&top).filter(is_dir);
            dirs.extend(inner.map(|dir| dir.path()));
            let mut there = dirs.iter().flat_map(|dir| inventory.children(dir));
            if let Some(version) = there.find(is_version) {
                let at = Locus::file(&version.path());
                found.push(written(at, kept.dir.clone()));
            }
        }
    }
    found
}

/// Whether a name is that of a version: a date or number before the whole name, or a word inside it
/// (`x.initial.xml`).
fn is_version_of(version: &[u8], name: &[u8]) -> bool {
    if version.len() <= name.len() {
        return false;
    }
    if let Some(before) = version.strip_suffix(name) {
        return before.iter().any(u8::is_ascii_digit);
    }
    let dot = name.iter().rposition(|b| *b == b'.').filter(|at| *at > 0);
    dot.is_some_and(|at| version.starts_with(&name[..=at]) && version.ends_with(&name[at..]))
}

fn written(at: Locus, dir: AppPath) -> Fact {
    let mut fact = told(
        at,
        (Touch::Writes, "versions"),
        Some(Kind::Dir),
        Some(Class::Config),
        Certainty::Inferred,
    );
    if let What::Path { path, .. } = &mut fact.what {
        *path = dir;
    }
    fact
}

/// Drops what only the tree says of a deployer's own files: where a link leads to one of several
/// releases, they and what they share are the application, and a repository, lists and locks beside
/// them are whoever's deploys it.
pub(super) fn without_deployers(ground: &Ground<'_>, found: &mut Vec<Fact>) {
    let deployed: Vec<&AppPath> = ground
        .scope
        .prefixes
        .iter()
        .filter(|prefix| is_deployed(ground, prefix))
        .collect();
    found.retain(|fact| match &fact.what {
        What::Path {
            path,
            source: Source::Tree,
            ..
        } => {
            let around = deployed.iter().find(|prefix| path.is_below(prefix));
            around.is_none_or(|prefix| {
                let first = path.prefix(prefix.depth() + 1);
                [&b"releases"[..], b"shared", b"current"].contains(&first.name())
            })
        }
        _ => true,
    });
}

/// Whether a tree has a release that is the present one.
fn is_deployed(ground: &Ground<'_>, prefix: &AppPath) -> bool {
    let current = prefix.child(b"current");
    let target = ground.root.link_target(current.as_bytes());
    let leads_to = target.map(|target| prefix.join(target));
    leads_to.is_ok_and(|end| end.is_below(&prefix.child(b"releases")))
}

#[cfg(test)]
mod tests {
    use super::is_version_of;

    #[test]
    fn versions_have_something_before_or_inside_the_name() {
        for (version, name, want) in [
            ("20180111-101010app.xml", "app.xml", true),
            ("app.initial.xml", "app.xml", true),
            ("0007.app.conf", "app.conf", true),
            ("app.v3.conf", "app.conf", true),
            ("app.conf.bak", "app.conf", false),
            ("app.conf.20180111", "app.conf", false),
            ("my-app.conf", "app.conf", false),
            ("app.conf", "app.conf", false),
            ("rc", "rc", false),
        ] {
            assert_eq!(
                is_version_of(version.as_bytes(), name.as_bytes()),
                want,
                "{version}"
            );
        }
    }
}
