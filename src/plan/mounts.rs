//! The mounts over the read-only root, each with its class, its owner and what it rests on.

use std::collections::BTreeMap;

use super::origin::Origins;
use super::{BECAUSE, Known};
use crate::fact::{Access, Certainty, Class, Fact, Kind, RENAMES, Source, Touch, What};
use crate::knowledge;
use crate::path::AppPath;
use crate::report::{Mount, MountKind, OnDisk, PathEntry, User};

/// Directories that every container has for itself ([`super::scratch`]; `/dev/shm` is the engine's).
const GIVEN: [&str; 3] = ["/run", "/tmp", "/var/tmp"];

/// The mounts, in the order of their paths.
pub(super) fn mounts(known: &Known<'_>, user: Option<&User>, origins: &Origins) -> Vec<Mount> {
    let owned = owned(known);
    let mut groups: BTreeMap<&AppPath, Vec<&PathEntry>> = BTreeMap::new();
    for entry in known.paths {
        let Some(point) = &entry.mount else { continue };
        if is_given(point, entry) {
            continue;
        }
        groups.entry(point).or_default().push(entry);
    }
    let mut mounts: Vec<Mount> = Vec::new();
    for (point, entries) in groups {
        let disk = disk(known.paths, point);
        let mut mount = mount(point, &entries, disk, user, &owned);
        mount.serves = origins.of_entries(&entries);
        // Points come in order, so that the one around it is already there.
        let around = mounts
            .iter()
            .rev()
            .find(|outer| point.is_below(&outer.path));
        let adds = around.is_none_or(|outer| {
            outer.access != mount.access
                || (mount.class == Class::Config && outer.class != Class::Config)
        });
        if adds {
            mounts.push(mount);
        }
    }
    for entry in known.paths.iter().filter(|entry| is_kept(entry)) {
        let mut around = mounts.iter_mut().rev();
        if let Some(mount) = around.find(|mount| entry.path.is_within(&mount.path)) {
            take_in(mount, entry.class);
        }
    }
    suspect(&mut mounts, known);
    mounts
}

/// Says of a file that is mounted alone that it may be replaced: the application has code that replaces files,
/// of which it is not known which, and nothing shows how this one is written.
fn suspect(mounts: &mut [Mount], known: &Known<'_>) {
    let is_it = |fact: &&Fact| matches!(&fact.what, What::Imports { symbol } if symbol == RENAMES);
    let replacing = known.facts.iter().filter(is_it);
    let Some(place) = replacing.map(|fact| &fact.at).min() else {
        return;
    };
    for mount in mounts {
        let is_kept = rank(mount.class) >= KEPT || mount.class == Class::Cache;
        let is_alone = mount.kind == MountKind::File && mount.access == Access::Rw;
        if is_alone && is_kept && !mount.replaced && !mount.because.iter().any(is_written_in_place)
        {
            mount.may_be_replaced = Some(place.clone());
        }
    }
}

/// Whether a call is seen that writes a file where it is.
fn is_written_in_place(fact: &Fact) -> bool {
    matches!(&fact.what, What::Path { touch: Touch::Writes, source, .. }
        if matches!(source, Source::Script | Source::Init | Source::Code))
}

/// Whether something is known to be written that must outlive a container.
fn is_kept(entry: &PathEntry) -> bool {
    let is_sure = entry.certainty > Certainty::Guessed && entry.access == Access::Rw;
    is_sure && rank(entry.class) >= KEPT && !entry.path.is_pattern()
}

/// A mount is never less than what lies in it, whether that would have been a mount of its own or not.
fn take_in(mount: &mut Mount, class: Class) {
    if rank(mount.class) < KEPT {
        mount.class = class;
        mount.seed = mount.hides > 0;
    }
}

/// Whether the directory in memory that every container has serves a path: it is one, or a file
/// directly in one.
fn is_given(point: &AppPath, entry: &PathEntry) -> bool {
    let is_one = |path: &AppPath| GIVEN.iter().any(|dir| *path == AppPath::new(dir));
    let is_in_one = point.parent().is_some_and(|dir| is_one(&dir)) && !is_dir(point, entry);
    let is_lost = matches!(entry.class, Class::Runtime | Class::Temp);
    is_one(point) || is_in_one && is_lost
}

/// Whether a directory is, or has to be, at a point.
fn is_dir(point: &AppPath, entry: &PathEntry) -> bool {
    if entry.path != *point {
        return true;
    }
    match &entry.on_disk {
        Some(disk) => disk.kind == Kind::Dir,
        None => !looks_like_file(Some(entry)),
    }
}

/// User, group and permission bits that units, tmpfiles.d and scripts give a path.
type Owners = BTreeMap<AppPath, (Option<u32>, Option<u32>, Option<String>)>;

fn owned(known: &Known<'_>) -> Owners {
    let id = |name: &Option<String>, key: &dyn Fn(&str) -> String| {
        let name = name.as_deref()?;
        let number = name.parse().ok();
        number.or_else(|| known.ids.get(&key(name)).map(|ids| ids.0))
    };
    let mut found = Owners::new();
    for fact in known.facts {
        let What::Owned {
            path,
            user,
            group,
            mode,
        } = &fact.what
        else {
            continue;
        };
        let uid = id(user, &|name| name.to_owned());
        let primary = user
            .as_ref()
            .and_then(|name| known.ids.get(name))
            .map(|ids| ids.1);
        let gid = id(group, &|name| format!(":{name}")).or(primary);
        let path = knowledge::canonical(path);
        let entry = found.entry(path).or_insert((uid, gid, mode.clone()));
        entry.0 = entry.0.or(uid);
        entry.1 = entry.1.or(gid);
        entry.2 = entry.2.take().or_else(|| mode.clone());
    }
    found
}

/// What is at a point, whether that entry asks for a mount itself or only what lies in it does.
fn disk<'a>(paths: &'a [PathEntry], point: &AppPath) -> Option<&'a OnDisk> {
    let entry = paths.iter().find(|entry| entry.path == *point)?;
    entry.on_disk.as_ref()
}

fn mount(
    point: &AppPath,
    entries: &[&PathEntry],
    disk: Option<&OnDisk>,
    user: Option<&User>,
    owned: &Owners,
) -> Mount {
    let own = entries.iter().find(|entry| entry.path == *point);
    let written = entries.iter().any(|entry| entry.access == Access::Rw);
    let access = if written { Access::Rw } else { Access::Ro };
    let class = class(point, entries, own.copied());
    let kind = match disk {
        Some(disk) if disk.kind == Kind::Dir => MountKind::Dir,
        Some(_) => MountKind::File,
        None if own.is_some() && entries.len() == 1 && looks_like_file(own.copied()) => {
            MountKind::File
        }
        None => MountKind::Dir,
    };
    let mut because: Vec<Fact> = entries
        .iter()
        .flat_map(|entry| entry.because.iter().cloned())
        .collect();
    because.sort_by(|a, b| b.certainty.cmp(&a.certainty).then_with(|| a.cmp(b)));
    because.dedup();
    because.truncate(BECAUSE);
    let is_lost = matches!(class, Class::Runtime | Class::Temp);
    let given = owned.get(point).cloned().unwrap_or_default();
    let user = user.filter(|_| access == Access::Rw && (disk.is_none() || is_lost));
    let user = user.map(|user| (user.uid, user.gid)).unwrap_or_default();
    let owner = |given: Option<u32>, disk: Option<u32>, user: Option<u32>| match is_lost {
        // What is in memory is made anew, as whoever declares it says.
        true => given.or(user).or(disk),
        false => disk.or(given).or(user),
    };
    let kept = matches!(class, Class::Config | Class::Secret | Class::Data);
    // An empty filesystem would lack the directories below, where files are made.
    let laid_out = matches!(class, Class::Runtime | Class::Temp)
        && disk.is_some_and(|disk| disk.kind == Kind::Dir)
        && entries.iter().any(|entry| {
            let is_dir = |disk: &OnDisk| disk.kind == Kind::Dir;
            let below = entry.path.depth() - point.depth();
            let inner = below == 1 && entry.on_disk.as_ref().is_some_and(is_dir);
            entry.access == Access::Rw && (below > 1 || inner)
        });
    Mount {
        path: point.clone(),
        kind,
        access,
        class,
        certainty: entries
            .iter()
            .filter(|entry| entry.access == access)
            .map(|entry| entry.certainty)
            .max()
            .unwrap_or(Certainty::Guessed),
        uid: owner(given.0, disk.map(|disk| disk.uid), user.0),
        gid: owner(given.1, disk.map(|disk| disk.gid), user.1),
        mode: match is_lost {
            true => given.2.or(disk.map(|disk| disk.mode.clone())),
            false => disk.map(|disk| disk.mode.clone()).or(given.2),
        },
        size_bytes: disk.map(|disk| disk.size_bytes),
        seed: kept && disk.is_some_and(|disk| disk.files > 0) || laid_out,
        hides: disk.map_or(0, |disk| disk.files),
        hides_code: disk.map_or(0, |disk| disk.code),
        replaced: kind == MountKind::File && own.is_some_and(|own| is_replaced(own)),
        may_be_replaced: None,
        serves: Vec::new(),
        because,
    }
}

/// The mount's class: the hierarchy standard's word on the point, then the judgement of the point
/// itself. It is never less than what is in it: what could be lost does not take state with it.
fn class(point: &AppPath, entries: &[&PathEntry], own: Option<&PathEntry>) -> Class {
    let prior = knowledge::prior(point);
    let outer = match own {
        Some(own) => Some(own.class),
        None => Some(prior.class).filter(|class| prior.known && *class != Class::Code),
    };
    let is_sure = |entry: &&&PathEntry| {
        entry.certainty > Certainty::Guessed && (entry.access == Access::Rw || outer.is_none())
    };
    let inner = entries.iter().filter(is_sure).map(|entry| entry.class);
    let all = entries.iter().map(|entry| entry.class);
    match outer {
        Some(outer) if rank(outer) < KEPT => {
            inner
                .max_by_key(|class| rank(*class))
                .map_or(outer, |inner| {
                    if rank(inner) > rank(outer) {
                        inner
                    } else {
                        outer
                    }
                })
        }
        Some(outer) => outer,
        None => all.max_by_key(|class| rank(*class)).unwrap_or(Class::Data),
    }
}

/// From which rank on a class outlives a container and is filled from the old root.
const KEPT: u8 = 4;

/// How much is lost with what is in a directory of this class.
fn rank(class: Class) -> u8 {
    match class {
        Class::Data => 7,
        Class::Config => 6,
        Class::Secret => 5,
        Class::Log => 3,
        Class::Cache => 2,
        Class::Runtime => 1,
        Class::Temp | Class::Code => 0,
    }
}

/// Whether a path that is not there would be a file: a source says so, or its name has an ending.
fn looks_like_file(entry: Option<&PathEntry>) -> bool {
    let Some(entry) = entry else { return false };
    let said = entry.because.iter().find_map(|fact| match &fact.what {
        What::Path { kind, .. } => *kind,
        _ => None,
    });
    match said {
        Some(kind) => kind != Kind::Dir,
        None if writes_content(entry) => true,
        None => entry.path.name().iter().skip(1).any(|&b| b == b'.'),
    }
}

/// Whether something puts another file in the place of this one.
fn is_replaced(entry: &PathEntry) -> bool {
    entry.because.iter().any(|fact| match &fact.what {
        What::Path { touch, by, .. } => touch.is_write() && knowledge::is_rename(by),
        _ => false,
    })
}

/// Whether something writes the path itself, as only a file can be.
fn writes_content(entry: &PathEntry) -> bool {
    entry.because.iter().any(|fact| match &fact.what {
        What::Path {
            path, touch, by, ..
        } => *path == entry.path && (*touch == Touch::Writes || by == "touch"),
        _ => false,
    })
}
