//! The application's own files of code by their names.

use std::collections::BTreeMap;

use crate::extract;
use crate::fact::Kind;
use crate::knowledge::places;
use crate::link::scope::Scope;
use crate::parse::script::Language;
use crate::path::AppPath;
use crate::tree::Entries;

/// Files by their names without ending, in lower case.
#[derive(Debug, Default)]
pub(super) struct Index {
    by_stem: BTreeMap<Vec<u8>, Vec<AppPath>>,
}

/// The name of a file up to its ending, in lower case.
fn stem(name: &[u8]) -> Vec<u8> {
    let end = name.iter().rposition(|byte| *byte == b'.');
    name[..end.unwrap_or(name.len())].to_ascii_lowercase()
}

impl Index {
    pub(super) fn new(scope: &Scope, entries: &Entries) -> Self {
        let mut by_stem: BTreeMap<Vec<u8>, Vec<AppPath>> = BTreeMap::new();
        for (path, basics) in entries.iter() {
            let is_own = basics.kind == Kind::File && scope.contains(&path);
            if is_own
                && !places::is_library_place(&path)
                && extract::language_of(&path, b"").is_some()
            {
                by_stem.entry(stem(path.name())).or_default().push(path);
            }
        }
        Self { by_stem }
    }

    /// The files of a language below a directory.
    pub(super) fn below<'a>(
        &'a self,
        dir: &'a AppPath,
        language: Language,
    ) -> impl Iterator<Item = &'a AppPath> {
        let all = self.by_stem.values().flatten();
        let is_of = move |path: &AppPath| extract::language_of(path, b"") == Some(language);
        all.filter(move |path| path.is_below(dir) && is_of(path))
    }

    /// The one file whose path ends with `parts`, the last of which has no ending; of several that
    /// which lies nearest to `from`.
    pub(super) fn find(&self, parts: &[&[u8]], from: &AppPath) -> Option<AppPath> {
        let (last, dirs) = parts.split_last()?;
        let named = self.by_stem.get(&last.to_ascii_lowercase())?;
        let fits = |path: &&AppPath| {
            let mut above = path.components().rev().skip(1);
            dirs.iter().rev().all(|dir| {
                above
                    .next()
                    .is_some_and(|part| part.eq_ignore_ascii_case(dir))
            })
        };
        let shared = |path: &AppPath| {
            let both = path.components().zip(from.components());
            both.take_while(|(a, b)| a == b).count()
        };
        let fitting: Vec<&AppPath> = named.iter().filter(fits).collect();
        let most = fitting.iter().map(|path| shared(path)).max()?;
        let mut nearest = fitting.into_iter().filter(|path| shared(path) == most);
        match (nearest.next(), nearest.next()) {
            (Some(path), None) => Some(path.clone()),
            _ => None,
        }
    }
}
