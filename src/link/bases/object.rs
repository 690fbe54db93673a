//! A file of the closure, from its ELF headers.

use super::{Object, VersionNeed};
use crate::parse::elf::{Elf, Stack};
use crate::path::{AppPath, escape};

/// `EM_386` and `EM_X86_64`.
const X86: [u16; 2] = [3, 62];

impl Object {
    /// The file at `path` with the headers `elf`.
    ///
    /// `names` are those by which others asked for it; the SONAME is added. Which symbols need a
    /// version is not looked up.
    #[must_use]
    pub fn of_elf(path: &AppPath, elf: &Elf, names: &[&[u8]]) -> Self {
        let dynamic = elf.dynamic.as_ref();
        let soname = dynamic.and_then(|dynamic| dynamic.soname.as_deref());
        let mut names: Vec<String> = names.iter().copied().chain(soname).map(text).collect();
        names.sort();
        names.dedup();
        let versions = dynamic.iter().flat_map(|dynamic| &dynamic.needs);
        let versions = versions.flat_map(|needs| {
            needs.versions.iter().map(|wanted| VersionNeed {
                library: text(&needs.file),
                version: text(&wanted.name),
                symbol: None,
                weak: wanted.weak,
            })
        });
        Self {
            path: Some(path.clone()),
            names,
            in_scope: false,
            needs: dynamic
                .iter()
                .flat_map(|dynamic| dynamic.needed())
                .map(text)
                .collect(),
            versions: versions.collect(),
            isa: Some(elf.notes.x86_level).filter(|level| *level > 0),
            exec_stack: match elf.stack {
                Stack::Executable => true,
                Stack::Plain => false,
                // glibc, sysdeps/x86/stackinfo.h: what says nothing asks for one.
                Stack::Unmarked => X86.contains(&elf.header.machine),
            },
            late: false,
        }
    }
}

/// Names are kept as the report shows them.
fn text(name: &[u8]) -> String {
    escape(name).into_owned()
}
