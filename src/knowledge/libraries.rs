//! What is known of libraries by their names: who answers for one, what it is, what newer systems
//! have dropped, and how a library tells its version.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use memchr::memmem;
use serde::Deserialize;

use super::table;
use crate::report::Owner;

/// A group of libraries.
#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Group {
    /// What they are, in a few words: `cryptography`.
    pub is: String,
    /// Who answers for them.
    pub owner: Owner,
    names: Vec<String>,
}

/// A library that newer systems do without.
#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dropped {
    name: String,
    /// The first systems without it.
    pub since: String,
    /// What took its place.
    pub instead: String,
    /// What to do, in a sentence.
    pub advice: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    library: Vec<Group>,
    runtimes: Runtimes,
    dropped: Vec<Dropped>,
    marks: BTreeMap<String, String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Runtimes {
    folders: Vec<String>,
    packages: Vec<String>,
}

/// The groups, by plain name and by pattern, the longest pattern first.
#[derive(Debug)]
struct Table {
    file: File,
    plain: BTreeMap<String, usize>,
    patterns: Vec<(String, usize)>,
}

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    let file: File = table("libraries");
    let mut plain = BTreeMap::new();
    let mut patterns = Vec::new();
    for (at, group) in file.library.iter().enumerate() {
        for name in &group.names {
            if name.contains('*') {
                patterns.push((name.clone(), at));
            } else {
                plain.insert(name.clone(), at);
            }
        }
    }
    patterns.sort_by_key(|(pattern, _)| std::cmp::Reverse(pattern.len()));
    Table {
        file,
        plain,
        patterns,
    }
});

/// The group of the library with this file name or SONAME.
#[must_use]
pub fn group(name: &str) -> Option<&'static Group> {
    let stem = stem(name);
    let found = find(stem).or_else(|| {
        let bare = without_version(stem);
        (bare != stem).then(|| find(bare)).flatten()
    });
    found.and_then(|at| TABLE.file.library.get(at))
}

fn find(stem: &str) -> Option<usize> {
    let by_pattern = || {
        let mut patterns = TABLE.patterns.iter();
        patterns.find(|(pattern, _)| matches(pattern, stem))
    };
    TABLE
        .plain
        .get(stem)
        .copied()
        .or_else(|| by_pattern().map(|(_, at)| *at))
}

/// What is known of a library that newer systems have dropped.
#[must_use]
pub fn dropped(name: &str) -> Option<&'static Dropped> {
    let mut all = TABLE.file.dropped.iter();
    all.find(|dropped| matches(&dropped.name, name))
}

/// Whether a package of this name holds a runtime or a shared server.
#[must_use]
pub fn is_runtime_package(package: &str) -> bool {
    let mut all = TABLE.file.runtimes.packages.iter();
    all.any(|pattern| matches(pattern, package))
}

/// Whether a directory of this name holds a runtime.
#[must_use]
pub fn is_runtime_folder(name: &str) -> bool {
    let mut all = TABLE.file.runtimes.folders.iter();
    all.any(|pattern| matches(pattern, name))
}

/// The version that a library's content tells, where it is known how this library tells it.
///
/// `bytes` may be any part of the file; the first version after the library's mark counts.
#[must_use]
pub fn version_in(name: &str, bytes: &[u8]) -> Option<String> {
    let mark = version_mark(name)?;
    memmem::find_iter(bytes, mark).find_map(|at| {
        let rest = bytes.get(at + mark.len()..)?;
        let end = rest
            .iter()
            .position(|b| !(b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_')))
            .unwrap_or(rest.len());
        let word = std::str::from_utf8(rest.get(..end)?).ok()?;
        let word = word.trim_end_matches(['.', '_']);
        let versionlike = word.starts_with(|c: char| c.is_ascii_digit()) && word.contains('.');
        (versionlike && word.len() <= LONGEST_VERSION).then(|| word.to_owned())
    })
}

/// Whether it is known how a library's content tells its version.
#[must_use]
pub fn tells_version(name: &str) -> bool {
    version_mark(name).is_some()
}

fn version_mark(name: &str) -> Option<&'static [u8]> {
    let stem = stem(name);
    let marks = &TABLE.file.marks;
    let mark = marks
        .get(stem)
        .or_else(|| marks.get(without_version(stem)))?;
    Some(mark.as_ref())
}

/// No version is longer; what is longer is something else.
const LONGEST_VERSION: usize = 32;

/// A library's file name up to `.so`: `libssl` of `libssl.so.1.1`.
#[must_use]
pub fn stem(name: &str) -> &str {
    match name.find(".so") {
        Some(at) if name[at + 3..].is_empty() || name[at + 3..].starts_with('.') => &name[..at],
        _ => name,
    }
}

/// `libdb` of `libdb-5.3`, `libpython` of `libpython3.9`.
fn without_version(stem: &str) -> &str {
    stem.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.')
        .trim_end_matches(['-', '_'])
}

/// Whether a name fits a pattern in which `*` stands for any characters, or none.
fn matches(pattern: &str, name: &str) -> bool {
    let Some((head, rest)) = pattern.split_once('*') else {
        return pattern == name;
    };
    let Some(mut left) = name.strip_prefix(head) else {
        return false;
    };
    let mut parts: Vec<&str> = rest.split('*').collect();
    let last = parts.pop().unwrap_or_default();
    for part in parts {
        match left.find(part) {
            Some(at) => left = &left[at + part.len()..],
            None => return false,
        }
    }
    left.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owner(name: &str) -> Option<Owner> {
        group(name).map(|group| group.owner)
    }

    #[test]
    fn a_library_is_known_by_its_name_whatever_its_version() {
        for name in [
            "libssl.so.10",
            "libssl.so",
            "libcrypto.so.1.0.0",
            "libc-2.17.so",
            "libdb-5.3.so",
            "ld-linux-x86-64.so.2",
            "libstdc++.so.6.0.28",
            "libicuuc.so.72",
        ] {
            assert_eq!(owner(name), Some(Owner::Core), "{name}");
        }
        for name in [
            "libjvm.so",
            "libpython3.6m.so.1.0",
            "libboost_thread-mt.so.1.53.0",
            "libclntsh.so.19.1",
            "libQt5Core.so.5",
        ] {
            assert_eq!(owner(name), Some(Owner::Middleware), "{name}");
        }
        assert_eq!(owner("libbilling.so.3"), None);
        assert_eq!(owner("libX11.so.6"), Some(Owner::Core));
    }

    #[test]
    fn no_name_stands_in_two_groups() {
        let mut names: Vec<_> = TABLE.file.library.iter().flat_map(|g| &g.names).collect();
        assert!(names.len() > 500, "{}", names.len());
        names.sort();
        let twice = names.windows(2).find(|pair| pair[0] == pair[1]);
        assert_eq!(twice, None);
    }

    #[test]
    fn what_newer_systems_dropped_is_known_with_its_successor() {
        let instead = |name| dropped(name).map(|d| d.instead.as_str());
        assert_eq!(instead("libssl.so.1.1"), Some("libssl.so.3"));
        assert_eq!(instead("libdb-4.8.so"), Some("libdb-5.3.so"));
        assert_eq!(instead("libcrypt.so.2"), None);
    }

    #[test]
    fn a_version_is_read_from_the_content() {
        let text = b"\0part of OpenSSL 1.0.2k-fips  26 Jan 2017\0";
        assert_eq!(
            version_in("libcrypto.so.10", text).as_deref(),
            Some("1.0.2k")
        );
        let text = b" deflate \0 deflate 1.2.11 Copyright";
        assert_eq!(version_in("libz.so.1", text).as_deref(), Some("1.2.11"));
        assert_eq!(
            version_in("libbilling.so.1", b"libbilling version 1.2"),
            None
        );
        assert_eq!(
            version_in("libssl.so.3", b"OpenSSL default, OpenSSL 3"),
            None
        );
    }

    #[test]
    fn a_star_stands_for_any_characters() {
        assert!(matches("libX*", "libX"));
        assert!(matches("a*b*c", "axxbyc"));
        assert!(!matches("a*b*c", "axxc"));
        assert!(!matches("*.so", "x.so.1"));
        assert!(matches("libdb-4.*", "libdb-4.8.so"));
    }

    #[test]
    fn runtimes_are_known_by_package_and_by_folder() {
        assert!(is_runtime_package("java-1.8.0-openjdk-headless"));
        assert!(!is_runtime_package("coreutils"));
        assert!(is_runtime_folder("jdk1.8.0_202"));
        assert!(!is_runtime_folder("jdkit"));
    }
}
