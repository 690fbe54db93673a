//! Files that were opened as libraries: read once, whoever asks.

use std::sync::{Arc, PoisonError};

use super::{Id, Loader, profile, profile::Profile};
use crate::fact::{Kind, Stat};
use crate::parse::elf::{Elf, NotElf, imports, strings};
use crate::parse::ld_cache::{self, Cache};
use crate::parse::read::ReadAt;
use crate::path::AppPath;
use crate::tree::{LookupError, Node};

/// How much is read of a file at first.
pub(super) const HEAD: usize = 4096;

/// A regular file as a loader sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binary {
    /// Its first bytes: as many as the largest header has, if it is that long.
    pub head: Vec<u8>,
    /// What it is.
    pub elf: Result<Elf, NotElf>,
}

impl Binary {
    /// Reads a file that begins with `head`.
    #[must_use]
    pub fn read(head: &[u8], source: &dyn ReadAt) -> Self {
        Self {
            head: head.iter().copied().take(64).collect(),
            elf: Elf::read(head, source),
        }
    }
}

impl Loader<'_> {
    /// Keeps what a walk has read already, so that it is not read again.
    pub fn learn(&self, stat: &Stat, binary: Binary) {
        self.keep(stat.id, binary);
    }

    /// A file that was read as a program or library, by its identity ([`Needed::id`]).
    ///
    /// [`Needed::id`]: super::Needed::id
    #[must_use]
    pub fn known(&self, id: Id) -> Option<Arc<Binary>> {
        let kept = self.binaries.read().unwrap_or_else(PoisonError::into_inner);
        kept.get(&id).cloned()
    }

    /// The file at `path`, as a start would read it; nothing when it cannot be read.
    #[must_use]
    pub fn elf(&self, path: &AppPath) -> Option<Arc<Binary>> {
        let node = self.view.resolve(path.as_bytes(), None).ok()?;
        self.binary(&node).ok()
    }

    /// The file that stands behind `path` when all links are followed.
    #[must_use]
    pub fn real(&self, path: &AppPath) -> Option<AppPath> {
        let node = self.view.resolve(path.as_bytes(), None).ok()?;
        Some(node.real)
    }

    /// The first symbol, in the order of the table, that the file at `path` imports with a version
    /// of a library.
    #[must_use]
    pub fn symbol(&self, path: &AppPath, library: &[u8], version: &[u8]) -> Option<Box<[u8]>> {
        let binary = self.elf(path)?;
        let elf = binary.elf.as_ref().ok()?;
        let needs = &elf.dynamic.as_ref()?.needs;
        let of_library = needs.iter().filter(|needs| &*needs.file == library);
        let wanted = of_library
            .flat_map(|needs| &needs.versions)
            .find(|wanted| &*wanted.name == version)?;
        let file = self.view.root().open_file(path.as_bytes()).ok()?;
        let mut first = None;
        imports(elf, &binary.head, &file, |import| {
            if first.is_none() && wanted.index > 1 && import.version == wanted.index {
                first = Some(import.name.into());
            }
        });
        first
    }

    fn keep(&self, id: Id, binary: Binary) -> Arc<Binary> {
        let mut kept = self
            .binaries
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        Arc::clone(kept.entry(id).or_insert_with(|| Arc::new(binary)))
    }

    /// The regular file behind a lookup.
    ///
    /// # Errors
    /// When it cannot be opened or read.
    pub(super) fn binary(&self, node: &Node) -> Result<Arc<Binary>, LookupError> {
        if node.stat.kind != Kind::File {
            return Err(LookupError::Special);
        }
        {
            let kept = self.binaries.read().unwrap_or_else(PoisonError::into_inner);
            if let Some(binary) = kept.get(&node.stat.id) {
                return Ok(Arc::clone(binary));
            }
        }
        let file = self.view.root().open_file(node.real.as_bytes())?;
        let mut head = [0; HEAD];
        let got = file
            .read_at(0, &mut head)
            .map_err(|_| LookupError::Special)?;
        let head = head.get(..got).unwrap_or_default();
        Ok(self.keep(node.stat.id, Binary::read(head, &file)))
    }

    /// The loader that lies at `path`; nothing when none does.
    pub(super) fn profile(&self, path: &[u8], node: &Node) -> Option<Arc<Profile>> {
        {
            let kept = self.profiles.read().unwrap_or_else(PoisonError::into_inner);
            if let Some(profile) = kept.get(path) {
                return profile.clone();
            }
        }
        let read = || {
            let binary = self.binary(node).ok()?;
            let elf = binary.elf.as_ref().ok()?;
            let real = node.real.as_bytes();
            let file = self.view.root().open_file(real).ok()?;
            let strings = strings(&file, profile::LIMIT);
            Some(Arc::new(Profile::read(path, real, &elf.header, &strings)))
        };
        let profile = read();
        let mut kept = self
            .profiles
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        kept.entry(path.to_vec()).or_insert(profile).clone()
    }

    /// The cache at `path`, for a loader of that byte order; nothing when the loader would go on
    /// without one.
    pub(super) fn cache(&self, path: &[u8], big_endian: bool) -> Option<Arc<Cache>> {
        if path.is_empty() {
            return None;
        }
        let key = (path.to_vec(), big_endian);
        {
            let kept = self.caches.read().unwrap_or_else(PoisonError::into_inner);
            if let Some(cache) = kept.get(&key) {
                return cache.clone();
            }
        }
        let bytes = self.view.root().read(path, ld_cache::LIMIT).ok();
        let cache = bytes
            .and_then(|bytes| Cache::read(bytes, big_endian))
            .map(Arc::new);
        let mut kept = self.caches.write().unwrap_or_else(PoisonError::into_inner);
        kept.entry(key).or_insert(cache).clone()
    }
}
