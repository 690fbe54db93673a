//! What programs open by name once they run: a line for each kind, and those that are not there.

use std::collections::BTreeMap;

use super::{Ink, Page};
use crate::fact::{LibraryStatus, ModuleKind, name_of};
use crate::report::{Module, Report};

/// How many names of a kind are shown unless all are asked for.
const NAMES: usize = 6;

impl Page<'_> {
    pub(super) fn modules(&mut self, report: &Report) {
        let mut kinds: BTreeMap<ModuleKind, Vec<&Module>> = BTreeMap::new();
        for module in report.modules.iter().filter(|module| is_told(module)) {
            kinds.entry(module.kind).or_default().push(module);
        }
        let many: usize = kinds.values().map(Vec::len).sum();
        if many == 0 {
            return;
        }
        self.section(&format!("Opened by name once it runs ({many})"));
        for (kind, modules) in kinds {
            let shown = if self.style.all { modules.len() } else { NAMES };
            let mut names: Vec<String> = modules.iter().take(shown).map(|m| name(m)).collect();
            if modules.len() > shown {
                names.push(format!("{} more", modules.len() - shown));
            }
            let lead = format!("  {:<17} ", name_of(kind));
            self.block(&lead, 20, &names.join(", "), Ink::Plain);
        }
    }
}

/// What the C library has in itself, or goes on without, is worth no line.
fn is_told(module: &Module) -> bool {
    match module.status {
        LibraryStatus::BuiltIn => false,
        LibraryStatus::Missing => !matches!(
            module.kind,
            ModuleKind::NameService | ModuleKind::DlopenName | ModuleKind::Converter
        ),
        _ => module.kind != ModuleKind::Converter,
    }
}

fn name(module: &Module) -> String {
    let short = module.name.rsplit('/').next().unwrap_or(&module.name);
    match module.status {
        LibraryStatus::Resolved => short.to_owned(),
        LibraryStatus::Missing if !module.lacks.is_empty() => {
            format!("{short} (lacks {})", module.lacks.join(", "))
        }
        LibraryStatus::Missing => format!("{short} (not there)"),
        LibraryStatus::Packed => format!("{short} (in an archive)"),
        status => format!("{short} ({})", name_of(status)),
    }
}
