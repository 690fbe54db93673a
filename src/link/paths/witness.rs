//! The tree as a witness: what owners, names, contents and empty directories of an install prefix
//! say about state and settings that no source names.

use super::Ground;
use super::inventory::Sum;
use crate::fact::{Certainty, Class, Fact, Kind, Locus, Source, Touch, What};
use crate::knowledge::places;
use crate::path::AppPath;

/// The facts that the tree of each install prefix gives.
pub(super) fn facts(ground: &Ground<'_>, facts: &[Fact]) -> Vec<Fact> {
    let mut found = Vec::new();
    for prefix in &ground.scope.prefixes {
        let Some(top) = ground.inventory.get(prefix) else {
            continue;
        };
        // Where nearly everything belongs to one owner that is not root, ownership tells nothing.
        let owner_tells = top.roots > top.others;
        for (path, sum) in ground.inventory.below(prefix) {
            if places::is_library_place(path) {
                continue;
            }
            if let Some(fact) = directory(path, sum, owner_tells) {
                found.push(fact);
            }
        }
    }
    for fact in facts {
        if let What::Holds {
            content,
            class: Some(class),
        } = &fact.what
            && ground.scope.in_prefix(&fact.at.file).is_some()
            && !places::is_library_place(&fact.at.file)
        {
            found.push(holds(fact, content, *class));
        }
    }
    found
}

/// A file whose content says that it is state.
fn holds(fact: &Fact, content: &str, class: Class) -> Fact {
    let written = matches!(
        class,
        Class::Data | Class::Log | Class::Cache | Class::Runtime
    );
    Fact {
        at: fact.at.clone(),
        what: What::Path {
            path: fact.at.file.clone(),
            touch: if written { Touch::Writes } else { Touch::Reads },
            source: Source::Tree,
            by: content.to_owned(),
            kind: None,
            class: Some(class),
        },
        certainty: Certainty::Observed,
    }
}

/// A directory whose name, owner or emptiness says that it keeps state or settings.
fn directory(path: &AppPath, sum: &Sum, owner_tells: bool) -> Option<Fact> {
    let stat = sum.stat.filter(|stat| stat.kind == Kind::Dir)?;
    if sum.code > 0 {
        return None;
    }
    let named = places::class_of_name(path.name());
    let owned = owner_tells && stat.uid != 0;
    let empty = sum.files == 0;
    let (touch, by, certainty, class) = match named {
        Some(Class::Config) => (Touch::Reads, "name", Certainty::Guessed, named),
        Some(_) if owned => (Touch::Writes, "owner", Certainty::Observed, named),
        Some(_) => (Touch::Names, "name", Certainty::Guessed, named),
        None if owned => (Touch::Writes, "owner", Certainty::Observed, None),
        None if empty && stat.mode & 0o022 != 0 => {
            (Touch::Writes, "mode", Certainty::Observed, None)
        }
        None => return None,
    };
    Some(Fact {
        at: Locus::file(path),
        what: What::Path {
            path: path.clone(),
            touch,
            source: Source::Tree,
            by: by.to_owned(),
            kind: Some(Kind::Dir),
            class,
        },
        certainty,
    })
}
