//! What a path is for, as far as its name says.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use serde::Deserialize;

use super::{secret_file, split, table};
use crate::fact::{Access, Class};
use crate::path::AppPath;

/// What the name of a path lets expect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prior {
    /// What it is for.
    pub class: Class,
    /// Whether it is only read.
    pub access: Access,
    /// Whether a rule knows the place or a name in it; otherwise this is what is left: code, which
    /// is only read.
    pub known: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    shared: String,
    top: String,
    same: Vec<Same>,
    place: Vec<Place>,
    component: Vec<Names>,
    ending: Vec<Names>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Same {
    from: AppPath,
    to: AppPath,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Place {
    paths: String,
    class: Class,
    access: Access,
    /// Names below it may say otherwise.
    #[serde(default)]
    open: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Names {
    names: String,
    class: Class,
    access: Access,
}

struct Knowledge {
    shared: BTreeSet<AppPath>,
    top: BTreeSet<String>,
    same: Vec<Same>,
    /// The longest first.
    places: Vec<(AppPath, Place)>,
    components: BTreeMap<String, (Class, Access)>,
    /// The longest first.
    endings: Vec<(String, (Class, Access))>,
}

static KNOWLEDGE: LazyLock<Knowledge> = LazyLock::new(|| {
    let table = table::<Table>("paths");
    let mut places = Vec::new();
    for place in table.place {
        for path in split(&place.paths) {
            places.push((
                AppPath::new(path),
                Place {
                    paths: String::new(),
                    ..place
                },
            ));
        }
    }
    places.sort_by_key(|(path, _)| std::cmp::Reverse(path.depth()));
    let named = |rows: Vec<Names>| {
        rows.into_iter().flat_map(|row| {
            let meaning = (row.class, row.access);
            split(&row.names)
                .into_iter()
                .map(move |name| (name, meaning))
        })
    };
    let mut endings: Vec<_> = named(table.ending).collect();
    endings.sort_by_key(|(ending, _)| std::cmp::Reverse(ending.len()));
    Knowledge {
        shared: split(&table.shared).iter().map(AppPath::new).collect(),
        top: split(&table.top).into_iter().collect(),
        same: table.same,
        places,
        components: named(table.component).collect(),
        endings,
    }
});

/// The path by its usual name: `/var/run/x` is `/run/x`, `/bin/x` is `/usr/bin/x`.
#[must_use]
pub fn canonical(path: &AppPath) -> AppPath {
    let mut path = path.clone();
    // /var/lock leads to /run/lock in one step; no chain is longer than two.
    for same in &KNOWLEDGE.same {
        if let Some(rest) = path.below(&same.from) {
            path = same.to.join(rest);
        }
    }
    path
}

/// Whether the directory belongs to all programs of a host, so that it is never mounted whole.
#[must_use]
pub fn is_shared_dir(path: &AppPath) -> bool {
    KNOWLEDGE.shared.contains(path) || KNOWLEDGE.shared.contains(&canonical(path))
}

/// Whether the path begins with a directory that systems have at their top (`/var`, `/srv`, …).
#[must_use]
pub fn has_system_top(path: &AppPath) -> bool {
    let first = path.components().next();
    let first = first.and_then(|part| std::str::from_utf8(part).ok());
    first.is_some_and(|part| KNOWLEDGE.top.contains(part))
}

/// What the path is for, as far as its name says.
#[must_use]
pub fn prior(path: &AppPath) -> Prior {
    let path = canonical(path);
    let known = |(class, access)| Prior {
        class,
        access,
        known: true,
    };
    if secret_file(path.name()).is_some() {
        return known((Class::Secret, Access::Ro));
    }
    let place = KNOWLEDGE.places.iter().find(|(dir, _)| path.is_within(dir));
    if let Some((_, place)) = place
        && !place.open
    {
        return known((place.class, place.access));
    }
    if let Some(meaning) = by_name(&path, place.map_or(0, |(dir, _)| dir.depth())) {
        return known(meaning);
    }
    match place {
        Some((_, place)) => Prior {
            class: place.class,
            access: place.access,
            known: place.access == Access::Rw,
        },
        None => Prior {
            class: Class::Code,
            access: Access::Ro,
            known: false,
        },
    }
}

/// What the names below the first `skip` components say.
fn by_name(path: &AppPath, skip: usize) -> Option<(Class, Access)> {
    let parts: Vec<String> = path
        .components()
        .skip(skip)
        .map(|part| String::from_utf8_lossy(part).to_ascii_lowercase())
        .collect();
    let name = parts.last()?;
    let ending = KNOWLEDGE
        .endings
        .iter()
        .find(|(ending, _)| name.ends_with(ending.as_str()));
    // A socket or log is one wherever it lies; a .conf below data is data.
    let component = parts
        .iter()
        .rev()
        .find_map(|part| KNOWLEDGE.components.get(part));
    match (ending, component) {
        (Some((_, meaning @ (Class::Runtime | Class::Log, _))), _) => Some(*meaning),
        (_, Some(meaning)) => Some(*meaning),
        (Some((_, meaning)), None) => Some(*meaning),
        (None, None) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(path: &str) -> (Class, Access) {
        let prior = prior(&AppPath::new(path));
        (prior.class, prior.access)
    }

    #[test]
    fn the_hierarchy_decides_where_it_is_clear() {
        use Access::{Ro, Rw};
        for (path, want) in [
            ("/var/lib/app", (Class::Data, Rw)),
            ("/var/log/app/x", (Class::Log, Rw)),
            ("/var/run/app.pid", (Class::Runtime, Rw)),
            ("/var/lock/app", (Class::Runtime, Rw)),
            ("/etc/app/app.log", (Class::Config, Ro)),
            ("/etc/app/server.key", (Class::Secret, Ro)),
            ("/bin/sh", (Class::Code, Ro)),
            ("/usr/share/app/data", (Class::Code, Ro)),
            ("/var/tmp/x", (Class::Temp, Rw)),
        ] {
            assert_eq!(of(path), want, "{path}");
        }
    }

    #[test]
    fn names_decide_where_the_hierarchy_is_silent() {
        use Access::{Ro, Rw};
        for (path, want) in [
            ("/opt/app/logs", (Class::Log, Rw)),
            ("/opt/app/data/x.conf", (Class::Data, Rw)),
            ("/opt/app/conf/x", (Class::Config, Ro)),
            ("/opt/app/app.pid", (Class::Runtime, Rw)),
            ("/opt/app/lib/x.so", (Class::Code, Ro)),
            ("/opt/app/state.sqlite", (Class::Data, Rw)),
            ("/var/lib/app/cache/x", (Class::Cache, Rw)),
            ("/srv/app/tmp", (Class::Temp, Rw)),
        ] {
            assert_eq!(of(path), want, "{path}");
        }
        assert!(!prior(&AppPath::new("/opt/app")).known);
    }

    #[test]
    fn shared_directories_are_known_by_every_name() {
        for path in [
            "/",
            "/etc",
            "/var/run",
            "/lib",
            "/var/spool/mail",
            "/usr/local/lib",
        ] {
            assert!(is_shared_dir(&AppPath::new(path)), "{path}");
        }
        assert!(!is_shared_dir(&AppPath::new("/var/lib/app")));
    }
}
