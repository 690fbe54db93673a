//! A root without a database of packages, as a product's own directory with what it needs of the
//! system around it.

use std::os::unix::fs::PermissionsExt as _;

use super::*;
use crate::elf_fixture::{Elf, LD_SO, glibc_loader};

#[test]
fn a_program_gets_its_libraries_and_the_loader_without_which_nothing_starts() {
    let top = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| {
        let path = top.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, bytes).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    };
    let program = Elf::program().needed(&["libplain.so.1", "libc.so.6"]);
    write("opt/plain/run", &program.build());
    let library = Elf::lib().soname("libplain.so.1").needed(&["libc.so.6"]);
    write("opt/own/lib/libplain.so.1.2", &library.build());
    symlink(
        "libplain.so.1.2",
        top.path().join("opt/own/lib/libplain.so.1"),
    )
    .unwrap();
    write(
        "usr/lib64/libc.so.6",
        &Elf::lib().soname("libc.so.6").build(),
    );
    write(
        "usr/lib64/ld-2.17.so",
        &glibc_loader("2.17", &["/lib64/", "/usr/lib64/"]),
    );
    symlink("usr/lib64", top.path().join("lib64")).unwrap();
    symlink(
        "ld-2.17.so",
        top.path().join("usr/lib64/ld-linux-x86-64.so.2"),
    )
    .unwrap();
    write(
        "etc/ld.so.cache",
        &crate::elf_fixture::cache(&[("libplain.so.1", "/opt/own/lib/libplain.so.1", None)]),
    );
    write("etc/passwd", b"root:x:0:0::/root:/bin/sh\n");
    let root = Root::open(top.path()).unwrap();
    let host = Host::read(&root);
    let request = seaworthy::Request {
        root: top.path().to_owned(),
        paths: vec![AppPath::new("/opt/plain")],
        ..seaworthy::Request::default()
    };
    let report = seaworthy::audit(&request, &Progress::default()).unwrap();
    let source = Source {
        root: &root,
        host: &host,
        report: &report,
    };
    let out = tempfile::tempdir().unwrap();
    let layout = Layout::create(&out.path().join("image")).unwrap();
    let progress = PackProgress::default();
    image::pack(&source, &layout, None, &settled(&[]), &progress).unwrap();
    let image = layout.image(Some("1"), None).unwrap();
    let layers = layers(&layout, &image);
    let has = |path: &str| layers.values().any(|entries| entries.contains_key(path));
    for path in [
        "/opt/plain/run",
        "/opt/own/lib/libplain.so.1",
        "/opt/own/lib/libplain.so.1.2",
        "/usr/lib64/libc.so.6",
        "/usr/lib64/ld-2.17.so",
        "/usr/lib64/ld-linux-x86-64.so.2",
        "/lib64",
        "/etc/ld.so.cache",
        "/etc/passwd",
    ] {
        assert!(has(path), "{path} of {LD_SO}: {layers:?}");
    }
}
