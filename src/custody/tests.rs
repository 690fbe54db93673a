//! Ledgers, merged trees and what roles may touch.

use super::*;
use crate::layout::Digest;
use crate::layout::layer::{Body, Entry, Meta};
use crate::path::AppPath;

fn entry(path: &str, mode: u32, body: Body) -> Entry {
    let meta = Meta {
        mode,
        ..Meta::default()
    };
    Entry {
        path: AppPath::new(path),
        meta,
        body,
    }
}

fn dir(path: &str) -> Entry {
    entry(path, 0o755, Body::Dir)
}

fn file(path: &str, bytes: &str) -> Entry {
    let body = Body::File {
        size: bytes.len() as u64,
        digest: Digest::of(bytes.as_bytes()),
    };
    entry(path, 0o644, body)
}

fn link(path: &str, text: &str) -> Entry {
    entry(path, 0o777, Body::Link(text.as_bytes().to_vec()))
}

fn hard(path: &str, target: &str) -> Entry {
    entry(path, 0o644, Body::HardLink(AppPath::new(target)))
}

fn gone(path: &str) -> Entry {
    entry(path, 0, Body::Whiteout)
}

fn emptied(path: &str) -> Entry {
    entry(path, 0, Body::Opaque)
}

fn base() -> Merged {
    let mut merged = Merged::new();
    let entries = [
        dir("/etc"),
        file("/etc/hosts", "x"),
        dir("/usr"),
        dir("/usr/bin"),
        file("/usr/bin/sh", "sh"),
        link("/bin", "usr/bin"),
    ];
    let applied = merged.apply("core", &entries);
    assert!(applied.tricks.is_empty(), "{applied:?}");
    merged
}

/// The touches of a second layer, in words.
fn told(entries: &[Entry]) -> Vec<String> {
    let applied = base().apply("application", entries);
    assert!(applied.tricks.is_empty(), "{applied:?}");
    let word = |touched: &Touched| {
        let of = touched.of.as_deref().unwrap_or("nobody");
        format!("{:?} {} of {of}", touched.touch, touched.path)
    };
    applied.touched.iter().map(word).collect()
}

fn tricks(entries: &[Entry]) -> Vec<String> {
    let applied = base().apply("application", entries);
    applied
        .tricks
        .into_iter()
        .map(|trick| trick.reason)
        .collect()
}

#[test]
fn a_layer_adds_changes_and_removes() {
    assert_eq!(told(&[dir("/etc"), dir("/usr/bin")]), [""; 0]);
    assert_eq!(
        told(&[file("/opt/a/x", "x")]),
        [
            "Add /opt of nobody",
            "Add /opt/a of nobody",
            "Add /opt/a/x of nobody"
        ]
    );
    assert_eq!(
        told(&[file("/etc/hosts", "x")]),
        ["Change /etc/hosts of core"]
    );
    assert_eq!(
        told(&[entry("/etc", 0o700, Body::Dir)]),
        ["Change /etc of core"]
    );
    assert_eq!(told(&[gone("/etc/hosts")]), ["Remove /etc/hosts of core"]);
    assert_eq!(told(&[gone("/etc/none")]), [""; 0]);
    assert_eq!(
        told(&[emptied("/etc"), file("/etc/new", "")]),
        ["Remove /etc/hosts of core", "Add /etc/new of nobody"]
    );
    assert_eq!(
        told(&[file("/etc/new", ""), emptied("/etc")]),
        ["Remove /etc/hosts of core", "Add /etc/new of nobody"]
    );
    assert_eq!(
        told(&[link("/usr", "/opt")]),
        [
            "Change /usr of core",
            "Remove /usr/bin of core",
            "Remove /usr/bin/sh of core"
        ]
    );
    assert_eq!(told(&[dir("/bin")]), ["Change /bin of core"]);
    assert_eq!(told(&[hard("/sh", "/usr/bin/sh")]), ["Add /sh of nobody"]);
}

#[test]
fn owner_and_mode_of_a_hard_link_are_those_of_the_file() {
    let mut other = hard("/sh", "/usr/bin/sh");
    other.meta.mode = 0o4755;
    assert_eq!(
        told(&[other]),
        ["Add /sh of nobody", "Change /usr/bin/sh of core"]
    );
}

#[test]
fn what_programs_unpack_differently_is_a_trick() {
    for (entries, word) in [
        (
            vec![file("/bin/ls", "")],
            "below /bin, which is a symbolic link",
        ),
        (
            vec![link("/l", "/etc"), file("/l/hosts", "")],
            "symbolic link",
        ),
        (vec![file("/etc/hosts/x", "")], "no directory"),
        (
            vec![file("/a/b", ""), link("/a", "/etc")],
            "this layer fills",
        ),
        (vec![gone("/etc"), file("/etc/x", "")], "this layer removes"),
        (
            vec![file("/etc/x", ""), gone("/etc")],
            "has something there",
        ),
        (
            vec![gone("/etc/hosts"), file("/etc/hosts", "")],
            "has something there",
        ),
        (vec![hard("/x", "/none")], "not there before"),
        (vec![hard("/x", "/bin")], "no other file"),
        (vec![hard("/usr", "/usr/bin/sh")], "no other file"),
        (vec![entry("/dev/sda", 0o600, Body::Device)], "device"),
        (vec![file("/", "")], "top of an image"),
        (vec![emptied("/bin")], "no directory"),
        (vec![gone("/bin/sh")], "symbolic link"),
    ] {
        let told = tricks(&entries);
        assert_eq!(told.len(), 1, "{entries:?}: {told:?}");
        assert!(told[0].contains(word), "{told:?}");
    }
}

#[test]
fn the_built_in_rules_keep_each_role_to_its_own() {
    let policy = Policy::built_in();
    let wrong = |role: &str, entries: &[Entry]| {
        let applied = base().apply(role, entries);
        let told = policy.trespasses(role, &applied.touched);
        told.into_iter().map(|t| t.rule).collect::<Vec<_>>()
    };
    for entries in [
        vec![file("/opt/app/bin/x", "x")],
        vec![file("/etc/app.conf", ""), dir("/etc/app.d")],
        vec![dir("/etc"), dir("/usr/bin")],
    ] {
        assert_eq!(wrong("application", &entries), [""; 0]);
    }
    let one = |role, entry| wrong(role, &[entry]).remove(0);
    assert!(one("application", file("/etc/hosts", "y")).contains("it is core's"));
    assert!(one("application", gone("/etc/hosts")).contains("may not remove"));
    assert!(one("middleware", file("/etc/ld.so.preload", "")).contains("never"));
    assert!(one("nobody", file("/x", "")).contains("no role nobody"));
    assert_eq!(wrong("core", &[file("/etc/passwd", "x")]), [""; 0]);
    assert_eq!(wrong("core", &[file("/etc/hosts", "y")]), [""; 0]);
}

fn ledger(entries: &[Entry]) -> Ledger {
    let mut ledger = Ledger {
        schema: Ledger::SCHEMA,
        role: "core".into(),
        layer: Digest::of(b"layer"),
        diff_id: Digest::of(b"tar"),
        packages: vec![LedgerPackage {
            name: "base".into(),
            version: "1".into(),
        }],
        files: entries.iter().filter_map(LedgerFile::of).collect(),
    };
    ledger.files[0].package = Some("base".into());
    ledger.sort();
    ledger
}

#[test]
fn a_ledger_tells_every_entry_and_no_other() {
    let entries = [
        dir("/etc"),
        file("/etc/a", "a"),
        emptied("/etc"),
        link("/l", "x\n"),
        hard("/h", "/etc/a"),
    ];
    let honest = ledger(&entries);
    assert_eq!(honest.agrees(&entries), Ok(()));
    let back: Ledger = serde_json::from_slice(&honest.to_json()).unwrap();
    assert_eq!(back, honest);
    let text = String::from_utf8(honest.to_json()).unwrap();
    assert!(text.contains("\"mode\":\"0755\""), "{text}");
    assert!(serde_json::from_str::<Ledger>(&text.replace("0755", "9")).is_err());
    let wrong = |ledger: &Ledger, entries: &[Entry], word: &str| {
        let told = ledger.agrees(entries).unwrap_err();
        assert!(told.iter().any(|line| line.contains(word)), "{told:?}");
    };
    wrong(&honest, &entries[1..], "not in the layer");
    wrong(&ledger(&entries[..4]), &entries, "not in the ledger");
    let mut other = entries.clone();
    other[1] = file("/etc/a", "b");
    wrong(&honest, &other, "not as the ledger says");
    let mut twice = honest.clone();
    twice.files.push(twice.files[0].clone());
    wrong(&twice, &entries, "twice");
    let mut from = honest.clone();
    from.packages.clear();
    wrong(&from, &entries, "does not list");
    let many: Vec<Entry> = (0..40).map(|at| file(&format!("/{at}"), "")).collect();
    wrong(&honest, &many, "and 40 more");
}
