//! From a path, or a name that is provided, to the packages.
//!
//! A large host has half a million packaged paths. What is kept of each is a hash and the
//! package's number, 16 bytes, rather than the path: its list can be read again when it is asked
//! for. That two paths have the same hash of 64 bits is not to be expected on any host.

use std::borrow::Cow;
use std::hash::{DefaultHasher, Hasher};

use rayon::slice::ParallelSliceMut;

use crate::fact::Kind;
use crate::path::AppPath;
use crate::tree::Root;

/// The most paths that are kept: ten times what large hosts have.
const MAX_ENTRIES: usize = 8_000_000;

/// Hashes, each with the number of a package.
#[derive(Debug, Default)]
pub(super) struct Index {
    pairs: Vec<(u64, u32)>,
}

impl Index {
    /// Adds keys of a package; whether there was room for them.
    pub(super) fn extend(&mut self, package: u32, hashes: &[u64]) -> bool {
        let room = MAX_ENTRIES.saturating_sub(self.pairs.len());
        let fit = hashes.get(..room).unwrap_or(hashes);
        self.pairs.extend(fit.iter().map(|hash| (*hash, package)));
        fit.len() == hashes.len()
    }

    /// To be called before the first [`Index::find`].
    pub(super) fn sort(&mut self) {
        self.pairs.par_sort_unstable();
        self.pairs.dedup();
        self.pairs.shrink_to_fit();
    }

    /// The packages under a key, in order of their numbers.
    pub(super) fn find(&self, hash: u64) -> impl Iterator<Item = u32> + '_ {
        let from = self.pairs.partition_point(|pair| pair.0 < hash);
        self.pairs
            .iter()
            .skip(from)
            .take_while(move |pair| pair.0 == hash)
            .map(|pair| pair.1)
    }
}

/// The key of a name.
pub(super) fn hash(bytes: &[u8]) -> u64 {
    // Its key is fixed, so that every run is the same.
    let mut hasher = DefaultHasher::new();
    hasher.write(bytes);
    hasher.finish()
}

/// Directories that are links to others, so that one file has two names.
#[derive(Debug, Default)]
pub(super) struct Aliases(Vec<(AppPath, AppPath)>);

/// Where distributions put such links: the merge of `/usr`, and what moved to `/run`.
const LINKS: &[&str] = &[
    "/bin",
    "/sbin",
    "/lib",
    "/lib32",
    "/lib64",
    "/libx32",
    "/libo32",
    "/usr/sbin",
    "/var/run",
    "/var/lock",
];

impl Aliases {
    pub(super) fn of(root: &Root) -> Self {
        let is_link = |path: &str| {
            root.lookup(path)
                .is_ok_and(|node| node.stat.kind == Kind::Link)
        };
        let alias = |path: &&str| {
            let node = root.resolve(path).ok()?;
            (node.stat.kind == Kind::Dir).then(|| (AppPath::new(path), node.real))
        };
        Self(
            LINKS
                .iter()
                .filter(|path| is_link(path))
                .filter_map(alias)
                .collect(),
        )
    }

    /// The key of a path, the same for each of its names.
    pub(super) fn key(&self, path: &[u8]) -> u64 {
        let plain = normalised(path);
        for (from, to) in &self.0 {
            let rest = plain.strip_prefix(from.as_bytes());
            if let Some(rest) = rest.filter(|rest| rest.is_empty() || rest.starts_with(b"/")) {
                return hash(&[to.as_bytes(), rest].concat());
            }
        }
        hash(&plain)
    }
}

/// As [`AppPath::new`], without a copy where it would be the same.
fn normalised(path: &[u8]) -> Cow<'_, [u8]> {
    // After a `/` stands a name that does not begin with a dot, save at the end of the root.
    let is_plain = |pair: &[u8]| pair[0] != b'/' || !matches!(pair[1], b'/' | b'.');
    let ends = path.len() > 1 && path.ends_with(b"/");
    if path.starts_with(b"/") && !ends && path.windows(2).all(is_plain) {
        Cow::Borrowed(path)
    } else {
        Cow::Owned(AppPath::new(path).as_bytes().to_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_finds_every_package_once() {
        let mut index = Index::default();
        index.extend(3, &[hash(b"/a"), hash(b"/b")]);
        index.extend(1, &[hash(b"/b"), hash(b"/b")]);
        index.sort();
        assert_eq!(index.find(hash(b"/b")).collect::<Vec<_>>(), [1, 3]);
        assert_eq!(index.find(hash(b"/a")).collect::<Vec<_>>(), [3]);
        assert_eq!(index.find(hash(b"/c")).count(), 0);
    }

    #[test]
    fn both_names_of_a_merged_directory_have_one_key() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(dir.path().join("usr/lib")).unwrap();
        std::fs::create_dir_all(dir.path().join("bin")).unwrap();
        std::os::unix::fs::symlink("usr/lib", dir.path().join("lib")).unwrap();
        let aliases = Aliases::of(&Root::open(dir.path()).unwrap());
        assert_eq!(aliases.key(b"/lib/x.so"), aliases.key(b"/usr/lib/x.so"));
        assert_eq!(aliases.key(b"/lib"), aliases.key(b"/usr/lib/."));
        assert_ne!(aliases.key(b"/library"), aliases.key(b"/usr/library"));
        assert_ne!(aliases.key(b"/bin/x"), aliases.key(b"/usr/bin/x"));
    }
}
