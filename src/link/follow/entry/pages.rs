//! The pages and programs of sites that a server of the host has.

use std::collections::BTreeSet;

use super::{Entry, Finder};
use crate::extract::language_of;
use crate::fact::Kind;
use crate::knowledge::places;
use crate::link::web;
use crate::parse::script::Language;
use crate::path::AppPath;

/// How many pages of a site are followed.
const MAX_PAGES: usize = 200;

/// How far below the content of a site its pages are looked for.
const PAGE_DEPTH: usize = 2;

impl Finder<'_> {
    /// The pages and programs of sites whose content is the application's.
    pub(super) fn pages(&self, found: &mut BTreeSet<Entry>) {
        for (content, _, _, user) in web::sites(self.root) {
            let Ok(node) = self.root.resolve(content.as_bytes()) else {
                continue;
            };
            let dirs: Vec<AppPath> = match self.scope.contains(&node.real) {
                true => vec![node.real],
                false => {
                    let prefixes = self.scope.prefixes.iter();
                    prefixes
                        .filter(|prefix| prefix.is_below(&node.real))
                        .cloned()
                        .collect()
                }
            };
            let mut files = Vec::new();
            for dir in dirs {
                self.pages_of(&dir, PAGE_DEPTH, &mut files);
            }
            if files.is_empty() {
                continue;
            }
            files.sort_by_key(AppPath::depth);
            found.insert(Entry {
                files,
                beside: true,
                home: self.home(user.as_deref()),
                ..Entry::default()
            });
        }
    }

    fn pages_of(&self, dir: &AppPath, depth: usize, found: &mut Vec<AppPath>) {
        for (name, stat) in self.root.list(dir.as_bytes()).unwrap_or_default() {
            let path = dir.join(&name);
            let is_served = |language: Language| match language {
                Language::Php => true,
                // A browser's, or a module: only programs are run.
                _ => stat.mode & 0o111 != 0 && language != Language::JavaScript,
            };
            match stat.kind {
                Kind::File
                    if found.len() < MAX_PAGES
                        && language_of(&path, b"").is_some_and(is_served) =>
                {
                    found.push(path);
                }
                Kind::Dir if depth > 0 && !places::is_library_place(&path) => {
                    self.pages_of(&path, depth - 1, found);
                }
                _ => {}
            }
        }
    }
}
