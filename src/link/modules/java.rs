//! What Java's launcher and native interface open: the virtual machine beside the launcher, and
//! libraries that lie inside archives, which are named but not looked into.

use super::Found;
use crate::fact::{Certainty, Fact, LibraryStatus, Locus, ModuleKind, Priority, ProgramForm, What};
use crate::link::loader::Loader;
use crate::link::scope::Scope;
use crate::path::AppPath;

/// Where a Java installation keeps its virtual machine, seen from the launcher's directory: since
/// Java 9, and before it, where the last part but two is the machine.
const MACHINES: [&str; 9] = [
    "../lib/server/libjvm.so",
    "../lib/client/libjvm.so",
    "../lib/amd64/server/libjvm.so",
    "../lib/aarch64/server/libjvm.so",
    "../lib/i386/server/libjvm.so",
    "../lib/i386/client/libjvm.so",
    "../jre/lib/amd64/server/libjvm.so",
    "../jre/lib/aarch64/server/libjvm.so",
    "../jre/lib/i386/server/libjvm.so",
];

/// The virtual machine of each launcher that is started, and each library inside an archive of the
/// application.
pub(super) fn java(loader: &Loader<'_>, scope: &Scope, facts: &[Fact]) -> Vec<Found> {
    let mut found = Vec::new();
    for fact in facts {
        match &fact.what {
            What::Starts { program, .. } if program.name() == b"java" => {
                found.extend(virtual_machine(loader, program, &fact.at));
            }
            What::Program {
                form: ProgramForm::Jar,
                traits,
                ..
            } if scope.contains(&fact.at.file) => {
                let natives = traits
                    .iter()
                    .filter_map(|text| text.strip_prefix("native:"));
                found.extend(natives.map(|name| packed(&fact.at.file, name)));
            }
            _ => {}
        }
    }
    found
}

fn virtual_machine(loader: &Loader<'_>, program: &AppPath, at: &Locus) -> Option<Found> {
    let launcher = loader.real(program)?;
    let dir = launcher.parent()?;
    // Other makers keep it elsewhere: that it is not here says nothing.
    let (real, path) = MACHINES.iter().find_map(|relative| {
        let path = AppPath::new([dir.as_bytes(), b"/", relative.as_bytes()].concat());
        Some((loader.real(&path)?, path))
    })?;
    Some(Found {
        kind: ModuleKind::Jvm,
        name: "libjvm.so".to_owned(),
        or: Vec::new(),
        status: LibraryStatus::Resolved,
        how: "beside the launcher".to_owned(),
        path: Some(path),
        real_path: Some(real),
        lacks: Vec::new(),
        at: at.clone(),
        priority: Priority::Required,
        certainty: Certainty::Inferred,
        opened_by: vec![launcher],
        opened_by_more: 0,
    })
}

fn packed(archive: &AppPath, name: &str) -> Found {
    Found {
        kind: ModuleKind::Jni,
        name: name.to_owned(),
        or: Vec::new(),
        status: LibraryStatus::Packed,
        path: Some(archive.clone()),
        real_path: Some(archive.clone()),
        how: "inside the archive: what it needs was not looked into".to_owned(),
        lacks: Vec::new(),
        at: Locus::file(archive),
        priority: Priority::Suggested,
        certainty: Certainty::Observed,
        opened_by: vec![archive.clone()],
        opened_by_more: 0,
    }
}
