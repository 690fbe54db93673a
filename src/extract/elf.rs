//! What an ELF file says of itself: its form and traits, where it has its libraries searched, and
//! the library calls that matter for a move.

use std::sync::LazyLock;

use serde::Deserialize;

use super::{Extractor, Input, Out};
use crate::fact::{Certainty, IssueKind, Locus, ProgramForm, What};
use crate::knowledge::table;
use crate::parse::elf::{Class, Defect, Dlopen, Elf, Form, Priority, Stack, imports, machine_name};
use crate::path::escape;

/// Reads ELF files.
pub(super) const EXTRACTOR: Extractor = Extractor {
    name: "ELF",
    wants: |input| input.head.starts_with(b"\x7fELF"),
    run,
};

const SETUID: u32 = 0o4000;
const SETGID: u32 = 0o2000;

fn run(input: &Input<'_>, out: &mut Out) {
    let at = || Locus::file(input.path);
    let elf = match Elf::read(input.head, input.source) {
        Ok(elf) => elf,
        Err(error) => return out.issue(at(), IssueKind::Malformed, error.to_string()),
    };
    let form = elf.form();
    let header = &elf.header;
    let what = What::Program {
        form: match form {
            Form::Program | Form::Static | Form::StaticPie => ProgramForm::Elf,
            Form::Library => ProgramForm::SharedLibrary,
            Form::Object | Form::Core | Form::Other => ProgramForm::OtherElf,
        },
        interpreter: elf.interp.as_deref().map(|path| escape(path).into_owned()),
        machine: Some(machine_name(
            header.machine,
            header.class,
            header.big_endian,
        )),
        traits: traits(input, &elf, form),
    };
    out.fact(at(), Certainty::Observed, what);
    search_paths(input, &elf, out);
    for symbol in wanted_imports(input, &elf, form) {
        out.fact(at(), Certainty::Observed, What::Imports { symbol });
    }
    if let Some(defect) = elf.defect.filter(|_| is_loaded(form)) {
        let message = format!("the loader refuses it: {defect}");
        out.issue(at(), IssueKind::Malformed, message);
    }
    if elf.dynamic.as_ref().is_some_and(|dynamic| dynamic.damaged) {
        let message = "names in its dynamic section lie outside of it";
        out.issue(at(), IssueKind::Malformed, message);
    }
    if elf.notes.malformed {
        let message = "a note that describes it is not the JSON that it should be";
        out.issue(at(), IssueKind::Malformed, message);
    }
    if elf.cut {
        let message = "its dynamic section is larger than what is read of one file";
        out.issue(at(), IssueKind::LimitReached, message);
    }
}

fn is_loaded(form: Form) -> bool {
    matches!(form, Form::Program | Form::Library)
}

fn search_paths(input: &Input<'_>, elf: &Elf, out: &mut Out) {
    let Some(dynamic) = &elf.dynamic else { return };
    for (tag, list) in [("rpath", &dynamic.rpath), ("runpath", &dynamic.runpath)] {
        if let Some(list) = list {
            let what = What::SearchPath {
                tag: tag.to_owned(),
                value: escape(list).into_owned(),
            };
            out.fact(Locus::file(input.path), Certainty::Observed, what);
        }
    }
}

fn traits(input: &Input<'_>, elf: &Elf, form: Form) -> Vec<String> {
    let loaded = is_loaded(form);
    let dynamic = elf.dynamic.as_ref();
    let is = |condition: bool, name: &'static str| condition.then_some(name);
    let flags = [
        is(form == Form::Static, "static"),
        is(form == Form::StaticPie, "static-pie"),
        is(form == Form::Core, "core-file"),
        is(is_kernel_module(input, form), "kernel-module"),
        is(elf.defect == Some(Defect::NoDynamic), "debug-only"),
        is(elf.header.class == Class::Elf32, "32-bit"),
        is(input.stat.mode & SETUID != 0, "setuid"),
        is(input.stat.mode & SETGID != 0, "setgid"),
        is(loaded && wants_exec_stack(elf), "exec-stack"),
        is(loaded && !elf.relro, "no-relro"),
        is(
            dynamic.is_some_and(|dynamic| dynamic.text_relocations),
            "text-relocations",
        ),
    ];
    let mut traits: Vec<String> = flags.into_iter().flatten().map(str::to_owned).collect();
    let notes = &elf.notes;
    if notes.x86_level > 1 {
        traits.push(format!("x86-64-v{}", notes.x86_level));
    }
    if let Some(package) = &notes.package {
        let parts = [&package.kind, &package.name, &package.version];
        let parts: Vec<&str> = parts.map(String::as_str).into();
        traits.push(format!("package:{}", escape(parts.join(":").as_bytes())));
    }
    if let Some(id) = &notes.build_id {
        let hex: String = id
            .iter()
            .take(64)
            .map(|byte| format!("{byte:02x}"))
            .collect();
        traits.push(format!("build-id:{hex}"));
    }
    traits.extend(notes.dlopen.iter().map(opens));
    traits.sort();
    traits.dedup();
    traits
}

/// `dlopen:recommended:liba.so.2|liba.so.1`: any of them will do, the first is preferred.
fn opens(note: &Dlopen) -> String {
    let priority = match note.priority {
        Priority::Required => "required",
        Priority::Recommended => "recommended",
        Priority::Suggested => "suggested",
    };
    let names = note.soname.join("|");
    format!("dlopen:{priority}:{}", escape(names.as_bytes()))
}

/// Kernel modules are object files of that name; compressed ones are no ELF files.
fn is_kernel_module(input: &Input<'_>, form: Form) -> bool {
    form == Form::Object && input.path.name().ends_with(b".ko")
}

/// On x86 an unmarked file makes the stack executable too (`DEFAULT_STACK_PERMS` of glibc).
fn wants_exec_stack(elf: &Elf) -> bool {
    use goblin::elf::header::{EM_386, EM_X86_64};
    match elf.stack {
        Stack::Executable => true,
        Stack::Unmarked => matches!(elf.header.machine, EM_386 | EM_X86_64),
        Stack::Plain => false,
    }
}

/// The table of library calls.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Symbols {
    call: Vec<Call>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Call {
    /// Why the calls matter; for whoever reads the table.
    #[serde(rename = "matters")]
    _matters: String,
    names: Vec<String>,
}

/// The names of the table, sorted; those that end with `*` apart.
struct Wanted {
    whole: Vec<String>,
    prefixes: Vec<String>,
}

static WANTED: LazyLock<Wanted> = LazyLock::new(|| {
    let names = table::<Symbols>("symbols")
        .call
        .into_iter()
        .flat_map(|call| call.names);
    let (prefixes, mut whole): (Vec<_>, Vec<_>) = names.partition(|name| name.ends_with('*'));
    let stem = |name: String| name.trim_end_matches('*').to_owned();
    whole.sort();
    Wanted {
        whole,
        prefixes: prefixes.into_iter().map(stem).collect(),
    }
});

/// The imported names that the table has.
fn wanted_imports(input: &Input<'_>, elf: &Elf, form: Form) -> Vec<String> {
    if !is_loaded(form) {
        return Vec::new();
    }
    let wanted = |name: &[u8]| {
        let whole = &WANTED.whole;
        whole
            .binary_search_by(|known| known.as_bytes().cmp(name))
            .is_ok()
            || WANTED
                .prefixes
                .iter()
                .any(|stem| name.starts_with(stem.as_bytes()))
    };
    let mut found: Vec<String> = Vec::new();
    imports(elf, input.head, input.source, |import| {
        if wanted(import.name)
            && let Ok(name) = str::from_utf8(import.name)
        {
            found.push(name.to_owned());
        }
    });
    found.sort();
    found.dedup();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_call_of_the_table_stands_in_it_once() {
        let all: Vec<&String> = WANTED.whole.iter().chain(&WANTED.prefixes).collect();
        assert!(all.len() > 50);
        for (index, name) in all.iter().enumerate() {
            assert!(!all[..index].contains(name), "{name} stands twice");
        }
    }
}
