//! What glibc's loader checks once a file is found: whether it can be mapped, and whether the
//! versions that are needed are there.

use super::glibc::Process;
use crate::parse::elf::{Defect, Dynamic, Elf, Needs};
use crate::path::escape;

impl Process<'_, '_> {
    /// Why a file whose header is good cannot be mapped.
    pub(super) fn unfit(&self, elf: &Elf, is_main: bool) -> Option<String> {
        let tolerated = |defect: &Defect| *defect == Defect::Alignment && self.profile.at_least(35);
        if let Some(defect) = elf.defect.filter(|defect| !tolerated(defect)) {
            return Some(defect.to_string());
        }
        let pie = elf.dynamic.as_ref().is_some_and(|dynamic| dynamic.is_pie());
        if !is_main && pie && self.profile.at_least(30) {
            return Some("cannot dynamically load position-independent executable".to_owned());
        }
        let level = elf.notes.x86_level;
        if self.profile.machine == "x86-64"
            && self.profile.at_least(33)
            && level > self.request.cpu.x86_level
        {
            return Some(format!(
                "CPU ISA level is lower than required (x86-64-v{level})"
            ));
        }
        None
    }

    /// Whether every version that is needed is there (`_dl_check_map_versions`). A file without
    /// any version satisfies all.
    pub(super) fn check_versions(&mut self) {
        let mut found = Vec::new();
        for (index, object) in self.objects.iter().enumerate() {
            let elf = object.binary.elf.as_ref().ok();
            let Some(dynamic) = elf.and_then(|elf| elf.dynamic.as_ref()) else {
                continue;
            };
            for needs in &dynamic.needs {
                self.check_versions_of(needs, index, &mut found);
            }
            if self.profile.at_least(36) && lacks_relr(dynamic) {
                let message = "DT_RELR without GLIBC_ABI_DT_RELR dependency".to_owned();
                found.push((index, message));
            }
        }
        for (index, message) in found {
            self.problem(index, message);
        }
    }

    fn check_versions_of(&self, needs: &Needs, index: usize, found: &mut Vec<(usize, String)>) {
        let giver = self.names.get(&*needs.file);
        let Some(giver) = giver.and_then(|&giver| self.objects.get(giver)) else {
            return;
        };
        let elf = giver.binary.elf.as_ref().ok();
        let dynamic = elf.and_then(|elf| elf.dynamic.as_ref());
        let Some(defines) = dynamic.and_then(|dynamic| dynamic.defines.as_ref()) else {
            return;
        };
        for wanted in needs.versions.iter().filter(|wanted| !wanted.weak) {
            let is_it =
                |d: &crate::parse::elf::Defined| d.hash == wanted.hash && d.name == wanted.name;
            if !defines.iter().any(is_it) {
                let (path, name) = (escape(&giver.path), escape(&wanted.name));
                found.push((index, format!("{path}: version `{name}' not found")));
            }
        }
    }
}

/// Packed relative relocations without the version that says the C library knows them: refused
/// since 2.36.
fn lacks_relr(dynamic: &Dynamic) -> bool {
    let of_libc = |needs: &&Needs| needs.file.starts_with(b"libc.so.");
    let mut of_libc = dynamic.needs.iter().filter(of_libc).peekable();
    let knows = |needs: &Needs| {
        let mut versions = needs.versions.iter();
        versions.any(|version| &*version.name == b"GLIBC_ABI_DT_RELR")
    };
    dynamic.relr && of_libc.peek().is_some() && !of_libc.any(knows)
}
