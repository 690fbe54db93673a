//! rpm: the same packages from each of its stores.

use std::os::unix::fs::symlink;

use super::*;
use crate::parse::rpm::fixture::{self, Maker};
use crate::parse::rpm::header::tag;

fn rpm_blobs() -> Vec<Vec<u8>> {
    let sum = md5(b"shipped\n");
    let application = Maker::package("mercury", "2.0", "1.el6")
        .words(tag::EPOCH, &[1])
        .strings(
            tag::REQUIRENAME,
            &[
                "rpmlib(X)",
                "libm.so.2()(64bit)",
                "/usr/bin/tool",
                "glibc",
                "glibc",
            ],
        )
        .string(tag::POSTIN, "mkdir -p /var/lib/mercury/new\n")
        .string(tag::POSTINPROG, "/bin/sh")
        .files(&[
            ("/etc/", "mercury.conf", 0o100_644, 1 | 16, &sum),
            ("/lib64/", "mercury.so", 0o100_755, 0, &sum),
            ("/var/lib/", "mercury", 0o040_750, 0, ""),
            ("/var/log/", "mercury.log", 0o100_600, 64, ""),
            ("/usr/bin/", "mercury", 0o100_755, 0, &sum),
        ])
        .strings(
            tag::FILEUSERNAME,
            &["root", "root", "mercury", "root", "root"],
        )
        .strings(
            tag::FILEGROUPNAME,
            &["root", "root", "mercury", "root", "root"],
        )
        .halves(tag::FILESTATES, &[0, 0, 0, 0, 2]);
    let library = Maker::package("libmercury", "2.0", "1.el6")
        .string(tag::SOURCERPM, "mercury-2.0-1.el6.src.rpm")
        .strings(tag::PROVIDENAME, &["libmercury", "libm.so.2()(64bit)"]);
    let tool = Maker::package("mercury-tool", "1", "1").files(&[(
        "/usr/bin/",
        "tool",
        0o100_755,
        0,
        &sum,
    )]);
    [
        application,
        library,
        tool,
        Maker::package("glibc", "2", "1"),
        Maker::package("gpg-pubkey", "1", "1"),
    ]
    .iter()
    .map(Maker::blob)
    .collect()
}

#[test]
fn each_of_rpms_stores_gives_the_same_packages() {
    let blobs = rpm_blobs();
    let (file, log) = fixture::sqlite_with_log(&blobs);
    let stores = [
        ("/var/lib/rpm/Packages", fixture::bdb(&blobs, false), None),
        ("/var/lib/rpm/Packages", fixture::bdb(&blobs, true), None),
        (
            "/usr/lib/sysimage/rpm/Packages.db",
            fixture::ndb(&blobs),
            None,
        ),
        ("/usr/share/rpm/rpmdb.sqlite", fixture::sqlite(&blobs), None),
        ("/var/lib/rpm/rpmdb.sqlite", file, Some(log)),
    ];
    for (path, store, log) in stores {
        let dir = tempfile::tempdir().unwrap();
        put(dir.path(), path, store);
        if let Some(log) = log {
            put(dir.path(), &format!("{path}-wal"), log);
        }
        put(dir.path(), "/etc/mercury.conf", "mine!!!\n");
        put(dir.path(), "/usr/lib64/mercury.so", "shipped\n");
        symlink("usr/lib64", dir.path().join("lib64")).unwrap();
        std::fs::create_dir_all(dir.path().join("var/lib/mercury")).unwrap();
        look_at_rpm(dir.path(), path);
    }
}

fn look_at_rpm(root: &Path, store: &str) {
    let (root, packages, issues) = read_all(root);
    assert_eq!(issues, [], "{store}");
    assert_eq!(packages.iter().count(), 4);
    let mercury = packages.get("mercury").unwrap();
    assert_eq!(
        (&*mercury.version, &*mercury.source),
        ("1:2.0-1.el6", "mercury")
    );
    assert_eq!(
        mercury.depends,
        ["/usr/bin/tool", "glibc", "libm.so.2()(64bit)"]
    );
    assert_eq!(
        owner(&packages, "/usr/lib64/mercury.so").as_deref(),
        Some("mercury")
    );
    assert_eq!(packages.licence("mercury", &root).as_deref(), Some("MIT"));
    assert_eq!(
        packages.scope(&["mercury".into()], &root),
        ["libmercury", "mercury", "mercury-tool"]
    );
    let scripts = packages.scripts("mercury", &root);
    assert_eq!(scripts[0].stage, Stage::Postinst);
    assert_eq!(scripts[0].interpreter.as_deref(), Some("/bin/sh"));
    assert!(scripts[0].text.starts_with(b"mkdir"));
    let (facts, issues) = packages.facts(&["mercury".into()], &root);
    assert_eq!(issues, []);
    let mut found = paths(&facts);
    found.sort();
    assert_eq!(
        found,
        [
            "/etc/mercury.conf Reads conffile",
            "/var/lib/mercury Grants package-directory",
            "/var/log/mercury.log Names ghost"
        ]
    );
    // What was left out when the package was installed is not gone.
    assert_eq!(
        states(&facts),
        [("/etc/mercury.conf".into(), Ownership::Changed)]
    );
}

#[test]
fn a_store_that_was_left_behind_is_reported() {
    let dir = tempfile::tempdir().unwrap();
    put(
        dir.path(),
        "/usr/lib/sysimage/rpm/rpmdb.sqlite",
        fixture::sqlite(&rpm_blobs()),
    );
    put(
        dir.path(),
        "/usr/lib/sysimage/rpm/Packages",
        fixture::bdb(&rpm_blobs(), false),
    );
    std::fs::create_dir_all(dir.path().join("var/lib")).unwrap();
    symlink("../../usr/lib/sysimage/rpm", dir.path().join("var/lib/rpm")).unwrap();
    let (_, packages, issues) = read_all(dir.path());
    assert_eq!(packages.iter().count(), 4);
    assert_eq!(issues.len(), 1);
    assert_eq!(issues[0].at.file, AppPath::new("/var/lib/rpm/Packages"));
}

#[test]
fn a_broken_store_is_an_issue() {
    let dir = tempfile::tempdir().unwrap();
    put(dir.path(), "/var/lib/rpm/Packages", "not a database");
    let (_, packages, issues) = read_all(dir.path());
    assert!(packages.is_empty());
    assert_eq!(issues[0].kind, IssueKind::NotUnderstood);
}
