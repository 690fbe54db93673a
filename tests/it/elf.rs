//! The ELF reader: what a loader would see of files of both widths and byte orders, of damaged
//! ones too.

use proptest::prelude::*;
use seaworthy::extract::{Input, extract};
use seaworthy::fact::{Fact, Kind, Stat, What};
use seaworthy::parse::elf::{Ask, Defect, Elf as Read, Fit, Form, Stack, imports, verify};
use seaworthy::path::AppPath;

use crate::elf_fixture::{AUXILIARY, Elf, FLAGS_1, NODEFLIB, PIE};

fn read(bytes: &[u8]) -> Read {
    let head = &bytes[..bytes.len().min(4096)];
    Read::read(head, &bytes.to_vec()).unwrap()
}

#[test]
fn both_widths_and_byte_orders_read_alike() {
    for (wide, big) in [(true, false), (true, true), (false, false), (false, true)] {
        let mut elf = Elf::program()
            .needed(&["liba.so.1", "libb.so"])
            .text(AUXILIARY, "libaux.so")
            .soname("self.so")
            .rpath("/r")
            .runpath("")
            .number(FLAGS_1, NODEFLIB)
            .needs_version("liba.so.1", "A_1", true)
            .defines(&["self.so", "S_1"])
            .imports(&["open", "close"]);
        (elf.wide, elf.big) = (wide, big);
        let bytes = elf.build();
        let got = read(&bytes);
        let dynamic = got.dynamic.as_ref().unwrap();
        assert_eq!(
            got.interp.as_deref(),
            Some(&b"/lib64/ld-linux-x86-64.so.2"[..])
        );
        assert_eq!(
            dynamic.needed().collect::<Vec<_>>(),
            [&b"liba.so.1"[..], b"libb.so"]
        );
        assert_eq!(dynamic.asks[2].ask, Ask::Auxiliary);
        assert_eq!(dynamic.soname.as_deref(), Some(&b"self.so"[..]));
        assert_eq!(dynamic.rpath.as_deref(), Some(&b"/r"[..]));
        assert_eq!(dynamic.runpath.as_deref(), Some(&b""[..]));
        assert!(dynamic.no_default_dirs());
        assert_eq!(&*dynamic.needs[0].file, b"liba.so.1");
        assert!(dynamic.needs[0].versions[0].weak);
        let defined = dynamic.defines.as_ref().unwrap();
        assert_eq!(&*defined[1].name, b"S_1");
        let mut names: Vec<Box<[u8]>> = Vec::new();
        imports(&got, &bytes, &bytes, |import| {
            names.push(import.name.into());
        });
        assert_eq!(names, [Box::from(&b"open"[..]), Box::from(&b"close"[..])]);
        assert_eq!(got.defect, None);
        assert_eq!(got.form(), Form::Program);
    }
}

#[test]
fn forms_are_told_apart() {
    assert_eq!(read(&Elf::lib().build()).form(), Form::Library);
    let pie = Elf::lib().number(FLAGS_1, PIE);
    assert_eq!(read(&pie.build()).form(), Form::StaticPie);
    for (kind, form) in [(1, Form::Object), (2, Form::Static), (4, Form::Core)] {
        let mut elf = Elf::lib();
        elf.kind = kind;
        assert_eq!(read(&elf.build()).form(), form);
    }
}

#[test]
fn the_stack_is_plain_only_when_it_says_so() {
    for (flags, want) in [
        (None, Stack::Unmarked),
        (Some(6), Stack::Plain),
        (Some(7), Stack::Executable),
    ] {
        let mut elf = Elf::lib();
        elf.stack = flags;
        assert_eq!(read(&elf.build()).stack, want);
    }
}

#[test]
fn notes_are_found_by_type() {
    let json = br#"[{"soname":["libx.so.2","libx.so.1"],"feature":"x","priority":"suggested"}]"#;
    let package = br#"{"type":"deb","name":"app","version":"1"}"#;
    let bytes = Elf::lib()
        .note("FDO", 0x407c_0c0a, json)
        .note("FDO", 0xcafe_1a7e, package)
        .note("GNU", 3, b"\x01\x02")
        .note("FDO", 0x407c_0c0a, b"not json")
        .build();
    let notes = read(&bytes).notes;
    assert_eq!(notes.dlopen[0].soname, ["libx.so.2", "libx.so.1"]);
    assert_eq!(notes.package.unwrap().name, "app");
    assert_eq!(notes.build_id.as_deref(), Some(&[1, 2][..]));
    assert!(notes.malformed);
}

#[test]
fn the_needed_instruction_set_is_read() {
    let mut property = Vec::new();
    for value in [0xc000_8002u32, 4, 0b0111, 0] {
        property.extend_from_slice(&value.to_le_bytes());
    }
    let bytes = Elf::lib().note("GNU", 5, &property).build();
    assert_eq!(read(&bytes).notes.x86_level, 3);
}

#[test]
fn a_file_without_its_dynamic_section_has_the_defect() {
    let whole = Elf::lib().tail(&[0; 9000]).build();
    let mut gone = whole.clone();
    // The second program header is PT_DYNAMIC: its size in the file.
    gone[64 + 56 + 32..64 + 56 + 40].fill(0);
    assert_eq!(read(&gone).defect, Some(Defect::NoDynamic));
    let mut beyond = whole.clone();
    let far = 0x10_0000u64.to_le_bytes();
    for at in [8, 16] {
        beyond[64 + 56 + at..64 + 56 + at + 8].copy_from_slice(&far);
    }
    assert_eq!(read(&beyond).defect, Some(Defect::Truncated));
}

#[test]
fn headers_beyond_the_head_and_without_sections_are_read() {
    let mut bytes = Elf::lib().needed(&["libfar.so"]).build();
    let table = bytes[64..64 + 3 * 56].to_vec();
    bytes.resize(20_000, 0);
    let far = bytes.len() as u64;
    bytes.extend_from_slice(&table);
    bytes[32..40].copy_from_slice(&far.to_le_bytes());
    let got = read(&bytes);
    assert_eq!(
        got.dynamic.unwrap().needed().next(),
        Some(&b"libfar.so"[..])
    );
}

#[test]
fn a_candidate_is_taken_skipped_or_ends_the_process() {
    let good = Elf::lib().build();
    let want = read(&good).header.abi();
    let poke = |at: usize, byte: u8| {
        let mut bytes = good.clone();
        bytes[at] = byte;
        verify(&want, &bytes, true)
    };
    assert_eq!(verify(&want, &good, true), Fit::Take);
    assert_eq!(poke(7, 3), Fit::Take, "ELFOSABI_GNU");
    assert!(matches!(poke(4, 1), Fit::Skip(_)), "other class");
    assert!(matches!(poke(18, 183), Fit::Skip(_)), "other machine");
    for (at, byte) in [
        (0, 0),
        (5, 2),
        (6, 2),
        (7, 9),
        (8, 1),
        (12, 1),
        (16, 1),
        (20, 2),
        (54, 1),
    ] {
        assert!(matches!(poke(at, byte), Fit::Abort(_)), "byte {at}");
    }
    assert!(matches!(poke(16, 2), Fit::Abort(_)), "a program as library");
    assert!(matches!(verify(&want, &good[..40], true), Fit::Abort(_)));
    assert!(matches!(verify(&want, b"", true), Fit::Abort(_)));
}

/// What the extractor says of a file.
fn facts(bytes: &[u8], path: &str, mode: u32) -> Vec<String> {
    let stat = Stat {
        kind: Kind::File,
        size: bytes.len() as u64,
        allocated: 0,
        mode,
        uid: 0,
        gid: 0,
        mtime: 0,
        id: (0, 0),
        links: 1,
    };
    let path = AppPath::new(path);
    let source = bytes.to_vec();
    let head = &bytes[..bytes.len().min(4096)];
    let out = extract(&Input::new(&path, &stat, head, &source));
    let text = |fact: &Fact| match &fact.what {
        What::Program { traits, .. } => format!("program {}", traits.join(" ")),
        What::SearchPath { tag, value } => format!("{tag} {value}"),
        What::Imports { symbol } => format!("imports {symbol}"),
        other => format!("{other:?}"),
    };
    out.facts.iter().map(text).collect()
}

#[test]
fn facts_of_a_program_are_traits_search_paths_and_calls_that_matter() {
    let mut elf = Elf::program()
        .runpath("$ORIGIN/../lib")
        .imports(&["printf", "shmget", "numa_alloc"])
        .note(
            "FDO",
            0x407c_0c0a,
            br#"[{"soname":["libx.so.1","libx.so.0"]}]"#,
        )
        .note("GNU", 3, b"\xab");
    elf.stack = Some(7);
    let want = [
        "program build-id:ab dlopen:recommended:libx.so.1|libx.so.0 exec-stack no-relro setuid",
        "runpath $ORIGIN/../lib",
        "imports numa_alloc",
        "imports shmget",
    ];
    assert_eq!(facts(&elf.build(), "/app/bin/main", 0o4755), want);
}

#[test]
fn a_kernel_module_is_told_by_form_and_name() {
    let mut elf = Elf::lib();
    elf.kind = 1;
    let bytes = elf.build();
    assert_eq!(facts(&bytes, "/m/app.ko", 0o644), ["program kernel-module"]);
    assert_eq!(facts(&bytes, "/m/app.o", 0o644), ["program "]);
}

/// A second opinion, on files of whatever machine this runs on. Files that the other reader
/// refuses, as it does for damaged sections, are left out.
#[test]
fn agrees_with_another_reader_on_files_of_this_machine() {
    let own = std::env::current_exe().unwrap();
    let mut files = vec![own];
    for dir in ["/usr/bin", "/usr/sbin", "/usr/lib", "/usr/lib64", "/lib"] {
        let walk = walkdir::WalkDir::new(dir).max_depth(2).sort_by_file_name();
        let found = walk.into_iter().flatten();
        let small = |entry: &walkdir::DirEntry| {
            let meta = entry.metadata();
            meta.is_ok_and(|meta| meta.is_file() && meta.len() < 1 << 20)
        };
        files.extend(found.filter(small).map(|entry| entry.into_path()).take(400));
    }
    let mut compared = 0;
    for file in files {
        let Ok(bytes) = std::fs::read(&file) else {
            continue;
        };
        if !bytes.starts_with(b"\x7fELF") {
            continue;
        }
        let Ok(other) = goblin::elf::Elf::parse(&bytes) else {
            continue;
        };
        let got = read(&bytes);
        let empty = Default::default();
        let dynamic = got.dynamic.as_ref().unwrap_or(&empty);
        let texts = |list: Vec<&str>| {
            list.iter()
                .map(|t| t.as_bytes().to_vec())
                .collect::<Vec<_>>()
        };
        let needed: Vec<Vec<u8>> = dynamic.needed().map(<[u8]>::to_vec).collect();
        let name = file.display();
        assert_eq!(needed, texts(other.libraries), "{name}");
        let soname = other.soname.map(str::as_bytes);
        assert_eq!(dynamic.soname.as_deref(), soname, "{name}");
        let interp = other.interpreter.map(str::as_bytes);
        assert_eq!(got.interp.as_deref(), interp, "{name}");
        let versions = other.verneed.iter().flat_map(|table| table.iter()).count();
        assert_eq!(dynamic.needs.len(), versions, "{name}");
        compared += 1;
    }
    assert!(compared > 0, "the test itself is an ELF file");
}

proptest! {
    #[test]
    fn damaged_files_are_read_without_harm(
        changes in prop::collection::vec((0usize..1500, any::<u8>()), 1..24),
        cut in 0usize..1600,
        wide: bool,
        big: bool,
    ) {
        let mut elf = Elf::program()
            .needed(&["liba.so", "libb.so"])
            .runpath("$ORIGIN")
            .needs_version("liba.so", "A", false)
            .defines(&["B"])
            .imports(&["x"])
            .note("GNU", 3, b"id");
        (elf.wide, elf.big) = (wide, big);
        let mut bytes = elf.build();
        for (at, byte) in changes {
            let at = at % bytes.len();
            bytes[at] = byte;
        }
        bytes.truncate(cut.max(1));
        let head = &bytes[..bytes.len().min(64)];
        if let Ok(read) = Read::read(head, &bytes) {
            imports(&read, head, &bytes, |_| {});
            let _ = (read.form(), verify(&read.header.abi(), &bytes, true));
        }
    }
}
