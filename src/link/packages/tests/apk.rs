//! apk: sums of links, protected configuration.

use std::os::unix::fs::symlink;

use super::*;

#[test]
fn apk_has_files_scripts_and_protected_configuration() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path();
    let sum = "Q1qZk+NkcGgWq6PiVxeFDCbJzQ2J0=";
    put(
        root,
        "/lib/apk/db/installed",
        format!(
            "P:mercury\nV:2-r0\nA:x86_64\nL:MIT\nD:so:libm.so.1 musl\nF:etc\nR:a.conf\nZ:{sum}\nR:b.conf\nZ:{sum}\n\
F:usr/bin\nR:link\na:0:0:777\nZ:{sum}\nF:var/lib/mercury\nM:100:101:750\n\n\
P:mercury-libs\nV:2-r0\nA:x86_64\no:mercury\np:so:libm.so.1=1\n\nP:musl\nV:1\nA:x86_64\n"
        ),
    );
    put(root, "/etc/a.conf", "abc");
    put(root, "/etc/b.conf", "changed");
    std::fs::create_dir_all(root.join("usr/bin")).unwrap();
    symlink("abc", root.join("usr/bin/link")).unwrap();
    std::fs::create_dir_all(root.join("var/lib/mercury")).unwrap();
    let (root, packages, issues) = read_all(root);
    assert_eq!(issues, []);
    assert_eq!(
        packages.scope(&["mercury".into()], &root),
        ["mercury", "mercury-libs"]
    );
    let (facts, _) = packages.facts(&["mercury".into()], &root);
    assert_eq!(
        paths(&facts),
        [
            "/etc/a.conf Reads conffile",
            "/etc/b.conf Reads conffile",
            "/var/lib/mercury Grants package-directory"
        ]
    );
    assert_eq!(states(&facts), [("/etc/b.conf".into(), Ownership::Changed)]);
    let files = packages.files("mercury", &root);
    let link = files
        .iter()
        .find(|file| file.path.name() == b"link")
        .unwrap();
    assert_eq!(packages.check(link, &root), Ok(Ownership::AsShipped));
}
