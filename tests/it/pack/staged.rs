//! The Containerfile's staging takes what `pack` takes, file by file; and what every image has of
//! the system, so that something can log in, find its host's name and its libraries.

use std::collections::BTreeSet;
use std::process::Command;

use seaworthy::manifest::{self, Input};

use super::*;

/// A merged root with what scripts of packages made beside them.
fn lived_in() -> Fixture {
    let fixture = Fixture::new();
    for (name, text) in [
        ("etc/hosts", "10.1.2.3 db.internal\n"),
        ("etc/shadow", "root:$6$salt$hash:19000:0:99999:7:::\n"),
        (
            "etc/passwd",
            "root:$1$old$hash:0:0::/root:/bin/sh\nmeter:x:321:322::/var/lib/meterd:/bin/false\n",
        ),
        (
            "etc/pam.d/meterd",
            "auth include shared-auth\n@include meter-more\n",
        ),
        ("etc/pam.d/shared-auth", "auth substack deeper\n"),
        (
            "etc/pam.d/deeper",
            "auth required pam_strange.so file=/etc/security/strange.conf\n",
        ),
        ("etc/pam.d/meter-more", "session optional pam_absent.so\n"),
        ("etc/pam.d/other", "auth required pam_deny.so\n"),
        ("etc/pam.d/elsewhere", "auth required pam_other.so\n"),
        ("usr/lib/libpam.so.0", "library"),
        ("usr/lib/security/pam_strange.so", "module"),
        ("usr/lib/security/pam_deny.so", "module"),
        ("usr/lib/security/pam_other.so", "module"),
        ("etc/security/strange.conf", "x"),
        ("etc/security/opasswd", "root:0:1:$6$hash\n"),
        ("etc/nsswitch.conf", "passwd: files odd\n"),
        ("usr/lib/libc.so.6", "library"),
        ("usr/lib/libnss_odd.so.2", "module"),
        ("usr/share/certs/authority.crt", "certificate"),
        ("usr/share/java/dep-1.2.jar", "jar"),
        ("usr/share/java/more.jar", "jar"),
        ("etc/environment", "MODE=live\n"),
        ("etc/profile", "export DB_PASSWORD=geheim9\n"),
        ("srv/site/index.html", "<p>"),
    ] {
        fixture.write(name, text);
    }
    let private = fs::Permissions::from_mode(0o640);
    fs::set_permissions(fixture.path("etc/shadow"), private.clone()).unwrap();
    fs::set_permissions(fixture.path("etc/security/opasswd"), private).unwrap();
    fs::create_dir_all(fixture.path("etc/ssl/certs")).unwrap();
    for (target, link) in [
        (
            "/usr/share/certs/authority.crt",
            "etc/ssl/certs/authority.pem",
        ),
        ("dep-1.2.jar", "usr/share/java/dep.jar"),
        ("/usr/share/java/dep.jar", "usr/share/meterd/web/dep.jar"),
        ("/etc/alternatives/hop", "usr/share/meterd/web/hop"),
        ("../../srv/release", "etc/alternatives/hop"),
    ] {
        let path = fixture.path(link);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        symlink(target, path).unwrap();
    }
    fixture.write("srv/release/lib/run.sh", "#!/bin/sh\n");
    // Packages that no list of the application's names: the jar's own, and what that depends on.
    let more = "\nPackage: libdep-java\nStatus: install ok installed\nVersion: 1\nArchitecture: arm64\n\
                Depends: missing-one | virtual-more\n\n\
                Package: libmore-java\nStatus: install ok installed\nVersion: 1\nArchitecture: arm64\n\
                Provides: virtual-more\n\n\
                Package: pam\nEssential: yes\nStatus: install ok installed\nVersion: 1\nArchitecture: arm64\n";
    let status = fs::read_to_string(fixture.path("var/lib/dpkg/status")).unwrap();
    fixture.write("var/lib/dpkg/status", &(status + more));
    let list = |name: &str, lines: &str| {
        fixture.write(&format!("var/lib/dpkg/info/{name}.list"), lines);
    };
    list(
        "libdep-java",
        "/usr/share/java/dep-1.2.jar\n/usr/share/java/dep.jar\n",
    );
    list("libmore-java", "/usr/share/java/more.jar\n");
    list(
        "pam",
        "/usr/lib/libpam.so.0\n/usr/lib/security/pam_deny.so\n/usr/lib/libc.so.6\n",
    );
    fixture
}

/// Every entry of an image by its layer, the directory at its top left out: its kind, mode, owner and
/// what it holds or leads to.
type Rows = BTreeMap<String, BTreeMap<String, String>>;

fn rows(layout: &Layout) -> Rows {
    let image = layout.image(Some("1"), None).unwrap();
    let row = |entry: &Entry| {
        let what = match &entry.body {
            Body::Dir => "dir".to_owned(),
            Body::File { size, .. } => format!("file {size}"),
            Body::Link(text) => format!("link {}", String::from_utf8_lossy(text)),
            Body::HardLink(to) => format!("same as {to}"),
            _ => "other".to_owned(),
        };
        let meta = &entry.meta;
        format!("{what} {:o} {}:{}", meta.mode, meta.uid, meta.gid)
    };
    layers(layout, &image)
        .into_iter()
        .map(|(role, entries)| {
            let rows = entries.iter().filter(|(path, _)| *path != "/");
            (
                role,
                rows.map(|(path, entry)| (path.clone(), row(entry)))
                    .collect(),
            )
        })
        .collect()
}

/// Writes the Containerfile and its lists below `out`.
fn containerfile(fixture: &Fixture, out: &Path, with_disk: bool) {
    let root = Root::open(fixture.dir.path()).unwrap();
    let host = Host::read(&root);
    let report = fixture.report();
    let source = Source {
        root: &root,
        host: &host,
        report: &report,
    };
    let selected = image::select(&source, None, &[], &Policy::built_in()).unwrap();
    let input = Input {
        report: &report,
        image: None,
        start: None,
        content: None,
        secrets: false,
        storage: seaworthy::manifest::Storage::default(),
        parts: with_disk.then_some(&selected.parts),
    };
    let target = manifest::by_name("containerfile").unwrap();
    for (name, file) in manifest::make(&input, &[target]).files.iter() {
        let path = out.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, &file.bytes).unwrap();
    }
}

fn stage(out: &Path, root: &Path) -> std::process::Output {
    let script = out.join("containerfile/stage.sh");
    Command::new("sh").arg(script).arg(root).output().unwrap()
}

#[test]
fn staging_takes_what_packing_takes() {
    let fixture = lived_in();
    // GNU tar tells of a file's every name and hole; others are not asked.
    let tar = Command::new("tar").arg("--version").output();
    if !tar.is_ok_and(|said| String::from_utf8_lossy(&said.stdout).contains("GNU")) {
        return;
    }
    fs::remove_file(fixture.path("usr/share/meterd/web/holes")).unwrap();
    let out = tempfile::tempdir().unwrap();
    let packed = rows(&fixture.pack(&out.path().join("image"), &[], None).unwrap());
    containerfile(&fixture, out.path(), true);
    let done = stage(out.path(), fixture.dir.path());
    assert!(
        done.status.success(),
        "{}",
        String::from_utf8_lossy(&done.stderr)
    );
    let dir = out.path().join("containerfile");
    for (role, packed) in &packed {
        let mut staged = BTreeMap::new();
        for name in [format!("{role}.tar"), format!("{role}.made.tar")] {
            let Ok(bytes) = fs::read(dir.join(name)) else {
                continue;
            };
            let mut archive = tar::Archive::new(bytes.as_slice());
            for entry in archive.entries().unwrap() {
                let entry = entry.unwrap();
                let header = entry.header();
                let path = entry
                    .path()
                    .unwrap()
                    .to_str()
                    .unwrap()
                    .trim_matches(['.', '/'])
                    .to_owned();
                let link = entry
                    .link_name()
                    .unwrap()
                    .map(|l| l.to_str().unwrap().to_owned());
                let link = link.unwrap_or_default();
                let what = match header.entry_type() {
                    tar::EntryType::Directory => "dir".to_owned(),
                    tar::EntryType::Regular => format!("file {}", entry.size()),
                    tar::EntryType::Symlink => format!("link {link}"),
                    tar::EntryType::Link => format!("same as {}", link.trim_start_matches('.')),
                    other => format!("{other:?}"),
                };
                let (mode, uid, gid) = (
                    header.mode().unwrap() & 0o7777,
                    header.uid().unwrap(),
                    header.gid().unwrap(),
                );
                staged.insert(format!("/{path}"), format!("{what} {mode:o} {uid}:{gid}"));
            }
        }
        staged.remove("/");
        assert_eq!(&staged, packed, "{role}");
    }
    // The links of a merged /usr are links in the trees, too, and lead to something.
    let core = dir.join("core");
    assert!(fs::symlink_metadata(core.join("lib")).unwrap().is_symlink());
    assert!(core.join("lib/libfoo.so.1.2").is_file());
    let text = fs::read_to_string(dir.join("Containerfile")).unwrap();
    assert!(text.contains("ARG BASE=scratch\n"), "{text}");
    assert!(text.contains("ADD core.tar core.made.tar /\n"), "{text}");
}

#[test]
fn a_file_that_is_gone_fails_the_staging() {
    let fixture = lived_in();
    let out = tempfile::tempdir().unwrap();
    containerfile(&fixture, out.path(), true);
    fs::remove_file(fixture.path("usr/sbin/meterd")).unwrap();
    let done = stage(out.path(), fixture.dir.path());
    assert_eq!(done.status.code(), Some(1));
    let said = String::from_utf8_lossy(&done.stderr).into_owned();
    assert!(
        said.contains("no application.tar") && said.contains("meterd"),
        "{said}"
    );
    assert!(!out.path().join("containerfile/application.tar").exists());
}

#[test]
fn without_a_disk_staging_tells_how_its_lists_are_had() {
    let fixture = lived_in();
    let out = tempfile::tempdir().unwrap();
    containerfile(&fixture, out.path(), false);
    let done = stage(out.path(), fixture.dir.path());
    assert_eq!(done.status.code(), Some(2));
    let said = String::from_utf8_lossy(&done.stderr).into_owned();
    let command = "seaworthy mounts --root ROOT --package meterd --target containerfile -o DIR";
    assert!(said.contains(command), "{said}");
}

#[test]
fn logins_names_and_links_find_what_they_need() {
    let fixture = lived_in();
    let out = tempfile::tempdir().unwrap();
    let rows = rows(&fixture.pack(&out.path().join("image"), &[], None).unwrap());
    let has = |path: &str| rows.values().any(|entries| entries.contains_key(path));
    for path in [
        // What the service's stack includes, over three files, with its modules and their settings.
        "/etc/pam.d/meterd",
        "/etc/pam.d/shared-auth",
        "/etc/pam.d/deeper",
        "/etc/pam.d/meter-more",
        "/etc/pam.d/other",
        "/usr/lib/security/pam_strange.so",
        "/etc/security/strange.conf",
        "/usr/lib/libnss_odd.so.2",
        // Links, each with its end: a certificate, a package's jar with what that depends on by
        // another's virtual name, a tree of no package over two links.
        "/etc/ssl/certs/authority.pem",
        "/usr/share/certs/authority.crt",
        "/usr/share/java/dep.jar",
        "/usr/share/java/dep-1.2.jar",
        "/usr/share/java/more.jar",
        "/etc/alternatives/hop",
        "/srv/release/lib/run.sh",
        "/etc/environment",
        "/proc",
        "/var/tmp",
    ] {
        assert!(has(path), "{path} is not in the image");
    }
    for path in [
        "/etc/pam.d/elsewhere",
        "/usr/lib/security/pam_other.so",
        "/etc/security/opasswd",
        // A password is in it.
        "/etc/profile",
        "/srv/site",
    ] {
        assert!(!has(path), "{path} is in the image");
    }
}

#[test]
fn accounts_are_there_and_no_password_fits() {
    let fixture = lived_in();
    let root = Root::open(fixture.dir.path()).unwrap();
    let host = Host::read(&root);
    let report = fixture.report();
    let source = Source {
        root: &root,
        host: &host,
        report: &report,
    };
    let selected = image::select(&source, None, &[], &Policy::built_in()).unwrap();
    let core = selected
        .parts
        .layers
        .iter()
        .find(|part| part.role == "core")
        .unwrap();
    let made = String::from_utf8_lossy(&core.made).into_owned();
    assert!(made.contains("root:*:::::::\nmeter:*:::::::\n"), "{made}");
    assert!(made.contains("root:x:0:0::/root:/bin/sh\n"), "{made}");
    assert!(
        made.contains("127.0.0.1\tlocalhost\n") && !made.contains("db.internal"),
        "{made}"
    );
    let all: BTreeSet<&AppPath> = selected
        .parts
        .layers
        .iter()
        .flat_map(|p| &p.paths)
        .collect();
    for path in ["/etc/shadow", "/etc/passwd", "/etc/hosts"] {
        assert!(!all.contains(&AppPath::new(path)), "{path} is the disk's");
    }
    assert!(!made.contains("hash"), "{made}");
}

/// What is left out is mounted or named by the plan, else it is told; and content that the plan
/// names comes along.
#[test]
fn what_is_left_out_is_accounted_for() {
    let fixture = lived_in();
    fixture.write(
        "usr/share/meterd/conf/db.ini",
        "[db]\npassword = v7rQe9!xTq2\n",
    );
    fixture.write("usr/share/meterd/conf/make.sh", "#!/bin/sh\n");
    let root = Root::open(fixture.dir.path()).unwrap();
    let host = Host::read(&root);
    let mut report = fixture.report();
    let secret = AppPath::new("/usr/share/meterd/conf/db.ini");
    report.plan.secrets = vec![secret.clone()];
    report.plan.content = vec![AppPath::new("/srv/site")];
    let told = |report: &Report| -> Vec<AppPath> {
        let source = Source {
            root: &root,
            host: &host,
            report,
        };
        let selected = image::select(&source, None, &[], &Policy::built_in());
        let left = selected.unwrap().left;
        let lost = image::unaccounted(&source, &left);
        lost.map(|left| left.path.clone())
            .filter(|path| *path == secret)
            .collect()
    };
    assert_eq!(told(&report), std::slice::from_ref(&secret));
    report.plan.left_behind.push(seaworthy::report::LeftBehind {
        path: secret.clone(),
        reason: "it holds a password".into(),
    });
    assert!(told(&report).is_empty());
    let source = Source {
        root: &root,
        host: &host,
        report: &report,
    };
    let selected = image::select(&source, None, &[], &Policy::built_in()).unwrap();
    let own = selected
        .parts
        .layers
        .iter()
        .find(|part| part.role == "application")
        .unwrap();
    let has = |path: &str| own.paths.contains(&AppPath::new(path));
    assert!(has("/srv/site/index.html") && has("/usr/share/meterd/conf/make.sh"));
    assert!(!own.paths.contains(&secret));
}
