//! Classes that compilers made, in any order and broken in any way.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::parse::content::archive::{Archive, unpack};

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
        (name, unpack(&source, member.at, MAX_CLASS).unwrap())
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

/// The beginning of a class file with this pool.
fn with_pool(entries: &[&[u8]]) -> Vec<u8> {
    // A long one counts as two.
    let long = entries.iter().filter(|entry| entry[0] == 5).count();
    let count = u16::try_from(entries.len() + long + 1).unwrap();
    let count = count.to_be_bytes();
    let head = [&b"\xca\xfe\xba\xbe\0\0\0\x37"[..], &count].concat();
    [head, entries.concat(), vec![0; 16]].concat()
}

#[test]
fn a_pool_that_leads_back_to_itself_is_not_read() {
    for jar in PROGRAMS {
        for (name, class) in classes(jar) {
            assert!(sound::checked(&class).is_some(), "{name}");
        }
    }
    let text = &b"\x01\0\x01x"[..];
    assert!(pool::sound(&with_pool(&[text, b"\x07\0\x01"])).is_some());
    let long = &b"\x05\0\0\0\0\0\0\0\x01"[..];
    assert!(pool::sound(&with_pool(&[text, b"\x08\0\x01", long])).is_some());
    for entries in [
        // A class, and a string, that are their own names.
        &[&b"\x07\0\x01"[..]][..],
        &[b"\x08\0\x01"],
        // A name that is the method whose name it is.
        &[
            text,
            b"\x07\0\x01",
            b"\x0a\0\x02\0\x04",
            b"\x0c\0\x03\0\x01",
        ],
        // Handles of each other; a computed value that names itself.
        &[b"\x0f\x05\0\x02", b"\x0f\x05\0\x01"],
        &[b"\x11\0\0\0\x01"],
        // What is not there: behind a long one, and behind the end.
        &[b"\x05\0\0\0\0\0\0\0\x01", b"\x07\0\x02"],
        &[b"\x07\0\x09"],
    ] {
        let class = with_pool(entries);
        assert!(pool::sound(&class).is_none() && names(&class).is_none());
    }
    // Nor is one that ends too early.
    let class = with_pool(&[text, b"\x07\0\x01"]);
    for end in 0..class.len() - 16 {
        assert!(pool::sound(&class[..end]).is_none(), "{end}");
    }
}

/// A class with a method `m` that has these attributes.
fn with_attributes(attributes: &[Vec<u8>]) -> Vec<u8> {
    let texts = ["a/A", "m", "()V", "Code", "AnnotationDefault"];
    let mut class = b"\xca\xfe\xba\xbe\0\0\0\x37\0\x07".to_vec();
    for text in texts {
        class.extend([1, 0, u8::try_from(text.len()).unwrap()]);
        class.extend(text.as_bytes());
    }
    // Itself, and one method.
    class.extend(b"\x07\0\x01\0\x21\0\x06\0\0\0\0\0\0\0\x01\0\x09\0\x02\0\x03\0");
    class.push(u8::try_from(attributes.len()).unwrap());
    class.extend(attributes.concat());
    class.extend([0, 0]);
    class
}

fn attribute(name: u8, content: &[u8]) -> Vec<u8> {
    let length = u32::try_from(content.len()).unwrap().to_be_bytes();
    [&[0, name][..], &length, content].concat()
}

fn code(instructions: &[u8], inner: &[Vec<u8>]) -> Vec<u8> {
    let length = u32::try_from(instructions.len()).unwrap().to_be_bytes();
    let count = u8::try_from(inner.len()).unwrap();
    let parts = [
        &[0, 2, 0, 2][..],
        &length,
        instructions,
        &[0, 0, 0, count],
        &inner.concat(),
    ];
    attribute(4, &parts.concat())
}

#[test]
fn a_class_that_would_take_all_memory_or_all_of_the_stack_is_not_read() {
    let reads = |attributes: &[Vec<u8>]| {
        let class = with_attributes(attributes);
        let script = run_all(std::slice::from_ref(&class));
        (names(&class).is_some(), !script[0].cut)
    };
    assert_eq!(reads(&[code(b"\xb1", &[])]), (true, true));
    let switch = b"\x03\xab\0\0\0\0\0\x13\0\0\0\x01\0\0\0\x05\0\0\0\x13\xb1";
    assert_eq!(reads(&[code(switch, &[])]), (true, true));
    // Branches that are not there.
    for count in [&b"\0\0\0\x02"[..], b"\x3a\0\0\0", b"\xff\xff\xff\xff"] {
        let mut lying = switch.to_vec();
        lying[8..12].copy_from_slice(count);
        assert_eq!(reads(&[code(&lying, &[])]), (false, false));
    }
    for range in [
        &b"\0\0\0\0\x7f\xff\xff\xff"[..],
        b"\x80\0\0\0\x7f\xff\xff\xff",
    ] {
        let lying = [&b"\x03\xaa\0\0\0\0\0\0"[..], range, b"\xb1"].concat();
        assert_eq!(reads(&[code(&lying, &[])]), (false, false));
    }
    // Code inside code, again and again.
    let mut nested = code(b"\xb1", &[]);
    for _ in 0..5_000 {
        nested = code(b"\xb1", &[nested]);
    }
    assert_eq!(reads(&[nested]), (false, false));
    // Lists inside lists are of annotations, of which nothing is asked.
    let deep = [b"[\0\x01".repeat(500_000), b"s\0\x02".to_vec()].concat();
    let annotated = [code(b"\xb1", &[]), attribute(5, &deep)];
    assert_eq!(reads(&annotated), (true, true));
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

/// A class with one method of such code; its constants stand behind seven of the class's own.
fn class_of(code: &[u8], constants: &[Vec<u8>]) -> Vec<u8> {
    let short = |number: usize| u16::try_from(number).unwrap().to_be_bytes();
    let long = |number: usize| u32::try_from(number).unwrap().to_be_bytes();
    let mut bytes = b"\xca\xfe\xba\xbe\0\0\0\x34".to_vec();
    bytes.extend(short(8 + constants.len()));
    for constant in [
        utf8("A"),
        vec![7, 0, 1],
        utf8("java/lang/Object"),
        vec![7, 0, 3],
        utf8("m"),
        utf8("(Ljava/lang/String;)V"),
        utf8("Code"),
    ]
    .iter()
    .chain(constants)
    {
        bytes.extend(constant);
    }
    // Flags, this class, the one above; no interfaces, no fields; one method with its code.
    bytes.extend([0, 1, 0, 2, 0, 4, 0, 0, 0, 0, 0, 1]);
    bytes.extend([0, 9, 0, 5, 0, 6, 0, 1, 0, 7]);
    bytes.extend(long(12 + code.len()));
    bytes.extend([0xff, 0xff, 0xff, 0xff]);
    bytes.extend(long(code.len()));
    bytes.extend(code);
    bytes.extend([0; 6]);
    bytes
}

fn utf8(text: &str) -> Vec<u8> {
    let length = u16::try_from(text.len()).unwrap().to_be_bytes();
    [&[1][..], &length, text.as_bytes()].concat()
}

#[test]
fn the_last_variable_and_ten_thousand_jumps_take_no_room() {
    // aconst_null, wide astore 65535; then aconst_null, ifnull 4,000 instructions ahead.
    let mut code = vec![0x01, 0xc4, 0x3a, 0xff, 0xff];
    for _ in 0..8_000 {
        code.extend([0x01, 0xc6, 0x3e, 0x7f]);
    }
    code.extend([0x00, 0x00, 0x00, 0x00].repeat(4_100));
    code.push(0xb1);
    let class = class_of(&code, &[]);
    assert!(names(&class).is_some());
    let scripts = run_all(&[class]);
    assert!(!scripts[0].cut);
}

#[test]
fn a_text_that_is_appended_to_itself_does_not_grow_without_end() {
    let constants = [
        utf8(&"a/".repeat(2_000)),
        vec![8, 0, 8],
        utf8("java/lang/StringBuilder"),
        vec![7, 0, 10],
        utf8("<init>"),
        utf8("(Ljava/lang/String;)V"),
        vec![12, 0, 12, 0, 13],
        vec![10, 0, 11, 0, 14],
        utf8("append"),
        utf8("(Ljava/lang/CharSequence;)Ljava/lang/StringBuilder;"),
        vec![12, 0, 16, 0, 17],
        vec![10, 0, 11, 0, 18],
    ];
    // new, dup, ldc, invokespecial; then dup, invokevirtual append, on and on.
    let mut code = vec![0xbb, 0, 11, 0x59, 0x12, 9, 0xb7, 0, 15];
    for _ in 0..15_000 {
        code.extend([0x59, 0xb6, 0, 19]);
    }
    code.push(0xb1);
    let class = class_of(&code, &constants);
    assert!(names(&class).is_some());
    let _ = run_all(&[class]);
}

#[test]
fn a_percent_sign_in_a_format_stands_for_itself() {
    let format = [b"/srv/100%%/%s/%05d".to_vec()];
    let found = values::formatted(&format, &[vec![b"a".to_vec()], vec![b"7".to_vec()]]);
    assert_eq!(found, [b"/srv/100%/a/\0".to_vec()]);
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
