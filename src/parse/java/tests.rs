//! Classes that compilers made, in any order and broken in any way.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::parse::content::archive::Archive;

const PROGRAMS: [&[u8]; 2] = [
    include_bytes!("../../../tests/java/programs-8.jar"),
    include_bytes!("../../../tests/java/programs-17.jar"),
];

fn classes(jar: &[u8]) -> Vec<(String, Vec<u8>)> {
    let source = jar.to_vec();
    let archive = Archive::open(&source).unwrap();
    let members = archive
        .members()
        .filter(|member| member.name.ends_with(b".class"));
    let read = members.map(|member| {
        let name = String::from_utf8(member.name.to_vec()).unwrap();
        (name, archive.read(member.at, MAX_CLASS).unwrap())
    });
    read.collect()
}

fn run_all(classes: &[Vec<u8>]) -> Vec<Script> {
    let loaded: Vec<Loaded<'_>> = classes
        .iter()
        .map(|bytes| Loaded {
            bytes,
            from: b"/opt/x/x.jar",
        })
        .collect();
    let nothing = BTreeMap::new();
    let machine = Machine {
        dir: Some(b"/opt/x"),
        home: Some(b"/home/x"),
        env: &nothing,
        properties: &nothing,
        arguments: &[],
        settings: &|_| Vec::new(),
    };
    read(&loaded, &machine)
}

#[test]
fn a_class_names_others_and_strings_that_may_be_classes() {
    for jar in PROGRAMS {
        let all = classes(jar);
        let (_, main) = all
            .iter()
            .find(|(name, _)| name.ends_with("ledger/Main.class"))
            .unwrap();
        let names = names(main).unwrap();
        assert!(names.classes.contains("org/example/ledger/Store"));
        assert!(!names.classes.contains("org/example/ledger/Repair"));
    }
    assert!(names(b"\xca\xfe\xba\xbe").is_none());
}

#[test]
fn what_is_done_has_its_line_and_method() {
    for jar in PROGRAMS {
        let all: Vec<Vec<u8>> = classes(jar).into_iter().map(|(_, bytes)| bytes).collect();
        let ops: Vec<_> = run_all(&all)
            .into_iter()
            .flat_map(|script| script.ops)
            .collect();
        let made = ops
            .iter()
            .find(|op| op.by == "File.mkdirs" && op.function == "Store");
        assert_eq!(made.map(|op| op.line), Some(11));
    }
}

#[test]
fn the_same_classes_say_the_same_in_any_order() {
    let mut all: Vec<Vec<u8>> = classes(PROGRAMS[1])
        .into_iter()
        .map(|(_, bytes)| bytes)
        .collect();
    let told = |scripts: Vec<Script>| {
        let mut ops: Vec<_> = scripts.into_iter().flat_map(|script| script.ops).collect();
        ops.sort();
        ops
    };
    let forward = told(run_all(&all));
    all.reverse();
    assert_eq!(told(run_all(&all)), forward);
}

proptest! {
    #[test]
    fn no_class_file_can_break_the_reader(
        which in 0_usize..100,
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12),
        cut in any::<prop::sample::Index>(),
    ) {
        let all = classes(PROGRAMS[which % 2]);
        let mut bytes = all[which % all.len()].1.clone();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        let end = cut.index(bytes.len() * 4).min(bytes.len());
        let _ = names(&bytes[..end]);
        let _ = run_all(&[bytes[..end].to_vec()]);
        let _ = run_all(&[bytes]);
    }
}
