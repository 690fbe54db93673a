//! The floor: the newest symbol version of each family that an application needs of the system.

use std::collections::BTreeMap;

use super::{Closure, VersionNeed, own_names};
use crate::knowledge::bases::{is_glibc_part, number_key, split_version};
use crate::report::Floor;

/// The version that glibc 2.36 defines for files with packed relocations, which it refuses to
/// load without it (`DT_RELR`).
const RELR: &str = "GLIBC_ABI_DT_RELR";

/// Where the processor stands for a library.
const PROCESSOR: &str = "processor";

/// The newest version of each family that the application's own files need of other's libraries,
/// with the first file that does; and the processor level, under the library `processor`.
///
/// All of glibc's libraries count as one, for they are of one version.
#[must_use]
pub fn floors(closure: &Closure) -> Vec<Floor> {
    let own = own_names(closure);
    let mut newest: BTreeMap<(String, String), (Vec<u64>, Floor)> = BTreeMap::new();
    for object in closure.objects.iter().filter(|object| object.in_scope) {
        let Some(file) = &object.path else { continue };
        let mut raise = |need: &VersionNeed, key: (String, String), number: Vec<u64>| {
            let floor = Floor {
                version: need.version.clone(),
                library: need.library.clone(),
                file: file.clone(),
                symbol: need.symbol.clone(),
            };
            let known = newest.get(&key);
            if known.is_none_or(|(before, _)| number > *before) {
                newest.insert(key, (number, floor));
            }
        };
        for need in &object.versions {
            if !need.weak
                && !own.contains(need.library.as_str())
                && let Some((family, number)) = numbered(&need.version)
            {
                raise(need, key(need, family), number_key(number));
            }
        }
        if let Some(level) = object.isa.filter(|level| *level > 1) {
            let need = VersionNeed {
                library: PROCESSOR.to_owned(),
                version: format!("x86-64-v{level}"),
                symbol: None,
                weak: false,
            };
            let key = (PROCESSOR.to_owned(), String::new());
            raise(&need, key, vec![u64::from(level)]);
        }
    }
    newest.into_values().map(|(_, floor)| floor).collect()
}

/// Puts another floor among those that are known: of one library and family the higher one stays.
pub(super) fn raise(floors: &mut Vec<Floor>, floor: Floor) {
    let family = |version: &str| {
        numbered(version).map(|(family, number)| (family.to_owned(), number_key(number)))
    };
    let of_libc = |library: &str| is_glibc_part(library);
    let same = |known: &&mut Floor| {
        let library =
            known.library == floor.library || (of_libc(&known.library) && of_libc(&floor.library));
        let (a, b) = (family(&known.version), family(&floor.version));
        library && a.map(|(family, _)| family) == b.map(|(family, _)| family)
    };
    let number = |floor: &Floor| family(&floor.version).map(|(_, number)| number);
    match floors.iter_mut().find(same) {
        Some(known) if number(&floor) > number(known) => *known = floor,
        Some(_) => {}
        None => floors.push(floor),
    }
}

/// The library and the family that a need counts for.
pub(super) fn key(need: &VersionNeed, family: &str) -> (String, String) {
    let library = if family == "GLIBC" && is_glibc_part(&need.library) {
        "libc.so.6"
    } else {
        &need.library
    };
    (library.to_owned(), family.to_owned())
}

/// A version's family and number, where it has a number.
pub(super) fn numbered(version: &str) -> Option<(&str, &str)> {
    match version {
        RELR => Some(("GLIBC", "2.36")),
        _ => split_version(version),
    }
}
