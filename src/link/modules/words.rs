//! What a program opens later, as people read it.

use std::fmt::Write as _;

use super::Found;
use crate::fact::{LibraryStatus, ModuleKind, name_of};

/// A section of lines, ending with a new line; empty when there is nothing to tell. Without `why`
/// what is built in, and what is known to be no loss, is left out.
#[must_use]
pub fn words(found: &[Found], why: bool) -> String {
    let mut out = String::new();
    let told: Vec<&Found> = found.iter().filter(|found| why || is_told(found)).collect();
    if told.is_empty() {
        return out;
    }
    out.push_str("  opened by name once it runs:\n");
    for module in told {
        let place = match (&module.path, module.status) {
            (Some(path), LibraryStatus::Resolved) => path.to_string(),
            (_, LibraryStatus::BuiltIn) => module.how.clone(),
            (Some(path), LibraryStatus::Missing) => format!("{path}, which cannot be opened"),
            (None, LibraryStatus::Missing) => "not found".to_owned(),
            (_, status) => name_of(status),
        };
        let kind = name_of(module.kind);
        let _ = writeln!(out, "  · {} => {place}  [{kind}]", module.name);
        for lack in &module.lacks {
            let _ = writeln!(out, "      needs {lack}, which is not found");
        }
        if why {
            let line = module.at.within();
            let priority = name_of(module.priority);
            let certainty = name_of(module.certainty);
            let _ = writeln!(
                out,
                "      {priority}, {certainty} by {}{line}",
                module.at.file
            );
            if !module.or.is_empty() {
                let _ = writeln!(out, "      or {}", module.or.join(", "));
            }
            if module.status != LibraryStatus::BuiltIn && !module.how.is_empty() {
                let _ = writeln!(out, "      {}", module.how);
            }
        }
    }
    out
}

fn is_told(module: &Found) -> bool {
    let is_weak = matches!(
        module.kind,
        ModuleKind::NameService | ModuleKind::DlopenName
    );
    match module.status {
        LibraryStatus::BuiltIn => false,
        LibraryStatus::Missing => !is_weak,
        _ => true,
    }
}
