//! What a layer puts in front of another's files without touching them: the loader and shells take the
//! first of a name, so that a library in a directory that is searched earlier, or a program in one
//! that `PATH` names earlier, is a change of what lies behind it.

use std::collections::BTreeMap;

use super::{Merged, Policy};
use crate::layout::layer::Body;
use crate::path::AppPath;

/// Where programs are looked for when nothing else is said: what shells, `su` and container runtimes
/// use, in their order.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// The directories that loaders search by themselves, with those below them that come first: musl's and
/// distributions' `/usr/local` before the system's own, then as in ld.so(8).
const LIBRARIES: [&str; 10] = [
    "/usr/local/lib",
    "/usr/local/lib64",
    "/lib",
    "/usr/lib",
    "/lib64",
    "/usr/lib64",
    "/lib32",
    "/usr/lib32",
    "/libx32",
    "/usr/libx32",
];

/// Something that stands before another's file of the same name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Shadow {
    /// What stands before it.
    pub(super) path: AppPath,
    /// The number of its role.
    pub(super) role: usize,
    /// What it hides.
    pub(super) hidden: AppPath,
    /// Whose that is.
    pub(super) of: String,
}

/// A place in the order in which files of a name are looked for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Rank {
    order: usize,
    /// For which processor a library is, where its directory tells.
    machine: Option<String>,
}

/// A file in that order: where, and the number and name of its role.
type Row<'a> = (Rank, &'a AppPath, usize, &'a str);

/// The shadows in the tree of an image that is started with the variables `path` and `libraries`.
pub(super) fn shadows(
    merged: &Merged,
    policy: &Policy,
    path: Option<&str>,
    libraries: Option<&str>,
) -> Vec<Shadow> {
    let mut found = Vec::new();
    for list in [path.unwrap_or(PATH), PATH] {
        let dirs = listed(merged, list);
        found.extend(hidden(merged, policy, |at, is_program| {
            let parent = at.parent()?;
            let order = dirs.iter().position(|dir| *dir == parent)?;
            is_program.then_some(Rank {
                order,
                machine: None,
            })
        }));
    }
    let first = listed(merged, libraries.unwrap_or_default());
    let own: Vec<AppPath> = LIBRARIES
        .iter()
        .map(|dir| resolved(merged, &AppPath::new(dir)))
        .collect();
    found.extend(hidden(merged, policy, |at, _| {
        let name = at.name();
        let is_library = name.windows(3).any(|part| part == b".so");
        let parent = at.parent().filter(|_| is_library)?;
        if let Some(order) = first.iter().position(|dir| *dir == parent) {
            return Some(Rank {
                order,
                machine: None,
            });
        }
        searched(&own, &parent, first.len())
    }));
    found.sort();
    found.dedup();
    found
}

/// The directories of a list with colons, as they lie in the image.
fn listed(merged: &Merged, list: &str) -> Vec<AppPath> {
    let dirs = list.split([':', ';']).filter(|dir| dir.starts_with('/'));
    dirs.map(|dir| resolved(merged, &AppPath::new(dir)))
        .collect()
}

fn resolved(merged: &Merged, dir: &AppPath) -> AppPath {
    let way = merged.way_to(dir);
    merged.linked_dir(&way).unwrap_or(way)
}

/// Where a directory stands in the loader's order, if it is searched at all.
fn searched(own: &[AppPath], dir: &AppPath, after: usize) -> Option<Rank> {
    let at = own.iter().position(|top| dir.is_within(top))?;
    let top = own.get(at)?;
    let mut below: Vec<&[u8]> = dir.components().skip(top.depth()).collect();
    let text = LIBRARIES.get(at).copied().unwrap_or_default();
    let machine = match below.first() {
        // Debian's directory of a processor: x86_64-linux-gnu.
        Some(name) if name.windows(7).any(|part| part == b"-linux-") => {
            let name = below.remove(0);
            Some(String::from_utf8_lossy(name).into_owned())
        }
        _ => text
            .strip_suffix("64")
            .map(|_| "64".to_owned())
            .or_else(|| text.contains("32").then(|| text.to_owned())),
    };
    let is_local = text.starts_with("/usr/local");
    // ld.so(8), "glibc-hwcaps"; before it, tls and the names of processors.
    let is_first = match below.as_slice() {
        [] => false,
        [b"glibc-hwcaps", _] | [b"tls"] | [b"tls", _] => true,
        [name] => [
            &b"x86_64"[..],
            b"haswell",
            b"xeon_phi",
            b"avx512_1",
            b"i686",
            b"sse2",
        ]
        .contains(name),
        _ => return None,
    };
    let order = match (is_first, is_local, machine.is_some()) {
        (true, _, _) => 0,
        (_, true, _) => 1,
        (_, _, true) => 2,
        _ => 4,
    };
    // /lib comes before /usr/lib.
    let order = order + usize::from(order > 1 && text.starts_with("/usr"));
    Some(Rank {
        order: after + order,
        machine,
    })
}

/// The files of a name of which a later role's is found before that of an earlier one.
fn hidden(
    merged: &Merged,
    policy: &Policy,
    rank: impl Fn(&AppPath, bool) -> Option<Rank>,
) -> Vec<Shadow> {
    let mut names: BTreeMap<&[u8], Vec<Row<'_>>> = BTreeMap::new();
    for (path, held, role) in merged.iter() {
        let is_program = match &held.body {
            Body::File { .. } => held.mode & 0o111 != 0,
            Body::Link(_) => true,
            _ => continue,
        };
        let place = policy.rank(role);
        if let Some((rank, place)) = rank(path, is_program).zip(place) {
            let row = (rank, path, place, role);
            names.entry(path.name()).or_default().push(row);
        }
    }
    let mut found = Vec::new();
    for rows in names.values().filter(|rows| rows.len() > 1) {
        for (rank, path, role, _) in rows {
            let behind = rows.iter().find(|(other, at, whose, _)| {
                other.order > rank.order
                    && whose < role
                    && is_same_machine(rank, other)
                    && leads_to(merged, path) != leads_to(merged, at)
            });
            if let Some((_, hidden, _, of)) = behind {
                found.push(Shadow {
                    path: (*path).clone(),
                    role: *role,
                    hidden: (*hidden).clone(),
                    of: (*of).to_owned(),
                });
            }
        }
    }
    found
}

/// Whether a loader that takes one of them would take the other. A directory `lib64` beside `lib` is for
/// another kind of programs.
fn is_same_machine(one: &Rank, other: &Rank) -> bool {
    match (&one.machine, &other.machine) {
        (Some(one), Some(other)) => one == other,
        (Some(only), None) | (None, Some(only)) => only.contains("-linux-"),
        (None, None) => true,
    }
}

/// The file that a path is in the end.
fn leads_to(merged: &Merged, path: &AppPath) -> AppPath {
    let mut at = merged.way_to(path);
    for _ in 0..40 {
        let Some(Body::Link(target)) = merged.get(&at).map(|held| &held.body) else {
            break;
        };
        let Some(above) = at.parent() else { break };
        at = merged.way_to(&above.join(target));
    }
    at
}
