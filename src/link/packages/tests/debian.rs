//! dpkg: a merged `/usr`, diversions, overrides, ucf, several architectures.

use std::os::unix::fs::symlink;

use super::*;

/// A merged `/usr`, an application in three packages, a library for two architectures.
pub(super) fn debian() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path();
    let conf = md5(b"shipped\n");
    let status = format!(
        "Package: mercury\nStatus: install ok installed\nArchitecture: amd64\nVersion: 2.0-1\n\
Depends: mercury-data, libmercury2 (>= 2), libc6\nRecommends: mercury-tools\n\
Conffiles:\n\x20/etc/mercury/main.conf {conf}\n\x20/etc/mercury/own.conf {conf}\n\
\x20/etc/mercury/lost.conf {conf}\n\x20/etc/mercury/old.conf {conf} obsolete\n\n\
Package: mercury-data\nStatus: install ok installed\nArchitecture: all\nVersion: 7\nSource: other\n\n\
Package: mercury-tools\nStatus: install ok installed\nArchitecture: amd64\nVersion: 2.0-1\nSource: mercury\n\n\
Package: mercury-doc\nStatus: install ok installed\nArchitecture: all\nVersion: 2.0-1\nSource: mercury\n\n\
Package: libmercury2\nStatus: install ok installed\nArchitecture: i386\nMulti-Arch: same\nVersion: 1.9\nSource: mercury\n\n\
Package: libmercury2\nStatus: install ok installed\nArchitecture: amd64\nMulti-Arch: same\nVersion: 2.0-1\nSource: mercury\n\n\
Package: libc6\nStatus: install ok installed\nArchitecture: amd64\nVersion: 2.36\n\n\
Package: removed\nStatus: deinstall ok config-files\nArchitecture: amd64\nVersion: 1\n\n\
Package: planet\nStatus: install ok installed\nArchitecture: all\nVersion: 1\nDepends: default-mercury | none\n\n\
Package: mercury-alias\nStatus: install ok installed\nArchitecture: all\nVersion: 1\nProvides: default-mercury\n"
    );
    put(root, "/var/lib/dpkg/status", status);
    let lists = [
        (
            "mercury",
            "/.\n/etc\n/etc/mercury\n/etc/mercury/main.conf\n/etc/mercury/own.conf\n\
/etc/mercury/lost.conf\n/etc/mercury/old.conf\n/lib/mercury.so\n/bin/mercury\n/var\n/var/lib\n\
/var/lib/mercury\n/var/log\n/var/log/mercury\n/var/lib/common\n/var/lib/common/mine\n/usr/sbin/sh\n",
        ),
        ("mercury-data", "/.\n/usr/share/mercury/table\n"),
        ("mercury-tools", "/.\n/usr/bin/mercury-tool\n"),
        ("mercury-doc", "/.\n/usr/share/doc/mercury-doc/x\n"),
        ("libmercury2:amd64", "/.\n/usr/lib/libmercury.so.2\n"),
        ("libmercury2:i386", "/.\n/usr/lib/i386/libmercury.so.2\n"),
        (
            "libc6",
            "/.\n/usr/lib/libc.so.6\n/var/lib/common\n/usr/sbin/sh\n",
        ),
        (
            "planet",
            "/.\n/usr\n/usr/share\n/usr/share/doc\n/usr/share/doc/planet\n",
        ),
        ("mercury-alias", "/.\n/usr/bin/alias\n"),
    ];
    for (name, list) in lists {
        put(root, &format!("/var/lib/dpkg/info/{name}.list"), list);
    }
    let sums = format!(
        "{}  lib/mercury.so\n{}  bin/mercury\n",
        md5(b"so"),
        md5(b"program")
    );
    put(root, "/var/lib/dpkg/info/mercury.md5sums", sums);
    put(
        root,
        "/var/lib/dpkg/info/mercury.postinst",
        "#!/bin/sh\nmkdir /var/lib/mercury/x\n",
    );
    put(
        root,
        "/var/lib/dpkg/diversions",
        "/usr/sbin/sh\n/usr/sbin/sh.real\nmercury\n",
    );
    put(
        root,
        "/var/lib/dpkg/statoverride",
        "mercury adm 2750 /var/log/mercury\n",
    );
    put(
        root,
        "/var/lib/ucf/registry",
        "mercury /etc/default/mercury\n",
    );
    put(
        root,
        "/var/lib/ucf/hashfile",
        format!("{conf}  /etc/default/mercury\n"),
    );
    put(root, "/etc/default/mercury", "changed\n");
    put(root, "/etc/mercury/main.conf", "shipped\n");
    put(root, "/etc/mercury/own.conf", "mine\n");
    put(root, "/usr/lib/mercury.so", "so");
    put(root, "/usr/bin/mercury", "patched");
    put(
        root,
        "/usr/share/doc/mercury/copyright",
        "Format: x\nLicense: Expat\n\nFiles: b\nLicense: GPL-2\n",
    );
    for made in [
        "var/lib/mercury",
        "var/log/mercury",
        "var/lib/common/mine",
        "usr/sbin",
    ] {
        std::fs::create_dir_all(root.join(made)).unwrap();
    }
    put(root, "/usr/sbin/sh", "sh");
    for link in ["bin", "lib"] {
        symlink(format!("usr/{link}"), root.join(link)).unwrap();
    }
    dir
}

#[test]
fn a_file_is_owned_by_each_name_of_a_merged_usr() {
    let dir = debian();
    let (_, packages, issues) = read_all(dir.path());
    assert_eq!(issues, []);
    for path in [
        "/lib/mercury.so",
        "/usr/lib/mercury.so",
        "/bin/mercury",
        "/usr/bin/mercury",
    ] {
        assert_eq!(owner(&packages, path).as_deref(), Some("mercury"), "{path}");
    }
    assert_eq!(
        owner(&packages, "/usr/lib/libc.so.6").as_deref(),
        Some("libc6")
    );
    assert_eq!(
        owner(&packages, "/etc/default/mercury").as_deref(),
        Some("mercury")
    );
    assert_eq!(owner(&packages, "/opt/x"), None);
    let owners = packages.owners(&AppPath::new("/var/lib/common"));
    assert_eq!(names(&owners), ["libc6", "mercury"]);
}

#[test]
fn a_diverted_file_has_its_new_name() {
    let dir = debian();
    let (root, packages, _) = read_all(dir.path());
    assert_eq!(owner(&packages, "/usr/sbin/sh").as_deref(), Some("mercury"));
    assert_eq!(
        owner(&packages, "/usr/sbin/sh.real").as_deref(),
        Some("libc6")
    );
    let files = packages.files("libc6", &root);
    assert!(
        files
            .iter()
            .any(|file| file.path == AppPath::new("/usr/sbin/sh.real"))
    );
}

#[test]
fn names_are_without_architecture_and_the_hosts_own_comes_first() {
    let dir = debian();
    let (root, packages, _) = read_all(dir.path());
    assert_eq!(packages.get("libmercury2").unwrap().arch, "amd64");
    assert_eq!(packages.get("libmercury2:i386").unwrap().version, "2.0-1");
    assert!(packages.get("removed").is_none() && packages.get("libmercury").is_none());
    assert_eq!(
        owner(&packages, "/usr/lib/i386/libmercury.so.2").as_deref(),
        Some("libmercury2")
    );
    // The files of both.
    assert_eq!(packages.files("libmercury2", &root).len(), 3);
    assert_eq!(
        packages.same_source("mercury"),
        ["libmercury2", "mercury", "mercury-doc", "mercury-tools"]
    );
}

#[test]
fn an_application_is_what_it_needs_of_its_own() {
    let dir = debian();
    let (root, packages, _) = read_all(dir.path());
    // Not the documentation, which nothing asks for, nor the C library.
    assert_eq!(
        packages.scope(&["mercury".into()], &root),
        ["libmercury2", "mercury", "mercury-data", "mercury-tools"]
    );
    assert_eq!(names(&packages.dependencies("planet")), ["mercury-alias"]);
    assert_eq!(
        packages.scope(&["planet".into()], &root),
        ["mercury-alias", "planet"]
    );
    assert!(packages.scope(&["nothing".into()], &root).is_empty());
}

#[test]
fn files_know_their_kind_sum_and_owner() {
    let dir = debian();
    let (root, packages, _) = read_all(dir.path());
    let files = packages.files("mercury", &root);
    let file = |path: &str| {
        files
            .iter()
            .find(|file| file.path == AppPath::new(path))
            .unwrap()
    };
    assert_eq!(file("/etc/mercury").kind, Some(Kind::Dir));
    assert_eq!(file("/var/lib/mercury").kind, None);
    assert_eq!(file("/lib/mercury.so").kind, Some(Kind::File));
    let log = file("/var/log/mercury");
    assert_eq!(
        (log.mode, log.user.as_deref()),
        (Some(0o2750), Some("mercury"))
    );
    assert_eq!(log.at.line, Some(14));
    let state = |path| packages.check(file(path), &root).unwrap();
    assert_eq!(state("/lib/mercury.so"), Ownership::AsShipped);
    assert_eq!(state("/bin/mercury"), Ownership::Changed);
    assert_eq!(state("/etc/mercury/lost.conf"), Ownership::Gone);
    assert_eq!(state("/etc/mercury/old.conf"), Ownership::AsShipped);
    assert_eq!(state("/var/lib/mercury"), Ownership::AsShipped);
}

#[test]
fn scripts_and_licences_are_read_on_demand() {
    let dir = debian();
    let (root, packages, _) = read_all(dir.path());
    let scripts = packages.scripts("mercury", &root);
    assert_eq!(scripts.len(), 1);
    assert_eq!(scripts[0].stage, Stage::Postinst);
    assert_eq!(
        scripts[0].at,
        AppPath::new("/var/lib/dpkg/info/mercury.postinst")
    );
    assert_eq!(
        packages.licence("mercury", &root).as_deref(),
        Some("Expat, GPL-2")
    );
    assert_eq!(packages.licence("libc6", &root), None);
}

#[test]
fn facts_are_packages_state_and_what_changed() {
    let dir = debian();
    let (root, packages, _) = read_all(dir.path());
    let (facts, issues) = packages.facts(&["mercury".into(), "gone".into()], &root);
    assert_eq!(issues, []);
    let mut found = paths(&facts);
    found.sort();
    // Neither the old conffile, which is gone, nor what another package ships as well.
    assert_eq!(
        found,
        [
            "/etc/default/mercury Reads conffile",
            "/etc/mercury/lost.conf Reads conffile",
            "/etc/mercury/main.conf Reads conffile",
            "/etc/mercury/own.conf Reads conffile",
            "/var/lib/common/mine Names package-directory",
            "/var/lib/mercury Names package-directory",
            "/var/log/mercury Grants package-directory",
        ]
    );
    let mut found = states(&facts);
    found.sort();
    assert_eq!(
        found,
        [
            ("/etc/default/mercury".into(), Ownership::Changed),
            ("/etc/mercury/lost.conf".into(), Ownership::Gone),
            ("/etc/mercury/own.conf".into(), Ownership::Changed),
        ]
    );
    assert!(facts.iter().any(|fact| matches!(
        &fact.what,
        What::Package { name, licence: Some(licence), .. } if name == "mercury" && licence == "Expat, GPL-2"
    )));
    assert!(facts.iter().any(|fact| matches!(
        fact.what,
        What::Path {
            source: Source::Conffile,
            class: Some(Class::Config),
            touch: Touch::Reads,
            ..
        }
    )));
}

#[test]
fn a_program_that_prelink_rewrote_is_not_changed() {
    let dir = debian();
    put(
        dir.path(),
        "/usr/bin/mercury",
        b"\x7fELF rewritten .gnu.prelink_undo\0",
    );
    let (root, packages, _) = read_all(dir.path());
    let files = packages.files("mercury", &root);
    let program = files
        .iter()
        .find(|file| file.path == AppPath::new("/bin/mercury"));
    assert_eq!(
        packages.check(program.unwrap(), &root),
        Ok(Ownership::AsShipped)
    );
}

#[test]
fn a_missing_list_is_an_issue() {
    let dir = debian();
    std::fs::remove_file(dir.path().join("var/lib/dpkg/info/libc6.list")).unwrap();
    let (_, packages, issues) = read_all(dir.path());
    assert!(packages.get("libc6").is_some());
    assert!(issues[0].message.contains("libc6"));
    assert_eq!(issues[0].kind, IssueKind::Absent);
}

#[test]
fn an_image_without_dpkg_has_its_packages_in_a_folder() {
    let dir = tempfile::tempdir().unwrap();
    put(
        dir.path(),
        "/var/lib/dpkg/status.d/base",
        "Package: base-files\nVersion: 12\nArchitecture: all\n",
    );
    put(
        dir.path(),
        "/var/lib/dpkg/status.d/base.md5sums",
        format!("{}  etc/x\n", md5(b"x")),
    );
    let (root, packages, issues) = read_all(dir.path());
    assert_eq!(issues, []);
    assert_eq!(owner(&packages, "/etc/x").as_deref(), Some("base-files"));
    assert_eq!(packages.files("base-files", &root).len(), 1);
}
