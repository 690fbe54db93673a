//! Layers that are made to harm whoever unpacks them: refused however well they are signed.

use super::*;

/// A signed image whose uppermost layer is `tar`.
fn with(tar: &[u8]) -> (Chain, Custody) {
    let mut chain = Chain::empty();
    for role in ["core", "middleware"] {
        chain.put(role, &tar_of(role));
        chain.sign(role, role).unwrap();
    }
    chain.put("application", tar);
    // The stamp is refused where the layer is not even an archive; verify refuses by itself.
    let _ = chain.sign("application", "application");
    let custody = chain.verify();
    (chain, custody)
}

/// An archive of one entry whose header is made by `change`.
fn forged(change: impl Fn(&mut tar::Header)) -> Vec<u8> {
    let mut header = tar::Header::new_ustar();
    header.set_path("a").unwrap();
    header.set_entry_type(tar::EntryType::Regular);
    header.set_mode(0o644);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header.set_size(0);
    change(&mut header);
    header.set_cksum();
    let mut bytes = header.as_bytes().to_vec();
    bytes.extend_from_slice(&[0; 1024]);
    bytes
}

#[test]
fn names_that_leave_the_image() {
    for name in [&b"../../etc/cron.d/x"[..], b"/etc/cron.d/x", b"opt/../../x"] {
        let tar = forged(|header| {
            let field = &mut header.as_ustar_mut().unwrap().name;
            field.fill(0);
            field[..name.len()].copy_from_slice(name);
        });
        let (_, custody) = with(&tar);
        assert_broken(&custody, ProblemKind::Archive, "may leave the image");
    }
}

#[test]
fn devices() {
    let tar = forged(|header| {
        header.set_entry_type(tar::EntryType::Block);
        header.set_device_major(8).unwrap();
        header.set_device_minor(0).unwrap();
    });
    assert_broken(&with(&tar).1, ProblemKind::Archive, "a device");
}

#[test]
fn entries_below_a_link() {
    let mut tar = Tar::new();
    tar.dir("/opt");
    tar.add("/opt/out", 0o777, Content::Link(b"/host"));
    tar.file("/opt/out/etc-passwd", "root");
    assert_broken(
        &with(&tar.finish()).1,
        ProblemKind::Archive,
        "a symbolic link",
    );
}

#[test]
fn entries_below_a_link_of_a_lower_layer() {
    let mut chain = Chain::empty();
    let mut tar = Tar::new();
    tar.add("/data", 0o777, Content::Link(b"/proc/1/root"));
    chain.put("core", &tar.finish());
    chain.sign("core", "core").unwrap();
    let mut tar = Tar::new();
    tar.file("/data/x", "x");
    chain.put("middleware", &tar.finish());
    assert_broken(&chain.verify(), ProblemKind::Archive, "a symbolic link");
}

#[test]
fn hard_links_to_what_is_not_there() {
    let mut tar = Tar::new();
    tar.dir("/opt");
    tar.add(
        "/opt/shadow",
        0o644,
        Content::HardLink(&AppPath::new("/etc/shadow")),
    );
    let (_, custody) = with(&tar.finish());
    assert_eq!(custody.verdict, CustodyVerdict::Broken);
    assert!(
        custody
            .problems
            .iter()
            .any(|p| p.message.contains("/opt/shadow")),
        "{custody:#?}"
    );
}

#[test]
fn names_that_come_twice() {
    let mut tar = Tar::new();
    tar.dir("/opt");
    tar.file("/opt/x", "harmless");
    tar.file("/opt/x", "harmful");
    assert_broken(&with(&tar.finish()).1, ProblemKind::Archive, "comes twice");
}

#[test]
fn a_bomb() {
    let mut tar = Tar::new();
    tar.add(
        "/zeros",
        0o644,
        Content::File(300 << 20, &mut std::io::repeat(0)),
    );
    let bomb = tar.finish();
    let small = gzip(&bomb);
    assert!(small.len() < bomb.len() / 110);
    let mut chain = Chain::empty();
    chain.put("core", &bomb);
    assert_broken(
        &chain.verify(),
        ProblemKind::Archive,
        "unpacks to more than",
    );
}

/// Core's image with a ledger beside it, as pack leaves it.
fn ledger_beside(passwd: &[u8], sign_before: bool) -> Chain {
    let mut chain = Chain::empty();
    chain.put("core", &tar_of("core"));
    if sign_before {
        chain.sign("core", "core").unwrap();
    }
    let layout = chain.layout();
    let (layer, diff_id) = &chain.layers[0];
    let row = |path: &str, digest: Option<Digest>| {
        let kind = if digest.is_some() { "file" } else { "dir" };
        let mode = if digest.is_some() { "0644" } else { "0755" };
        let mut row =
            serde_json::json!({"path": path, "kind": kind, "mode": mode, "uid": 0, "gid": 0});
        if let Some(digest) = digest {
            row["digest"] = digest.to_string().into();
            row["size"] = 4.into();
        }
        row
    };
    let ledger = |passwd: &[u8]| {
        serde_json::json!({
            "schema": 1, "role": "core", "layer": layer.digest, "diff_id": diff_id,
            "packages": [],
            "files": [
                row("/", None), row("/etc", None), row("/etc/passwd", Some(Digest::of(passwd))),
                row("/lib", None), row("/lib/libc.so.6", Some(Digest::of(b"libc"))),
            ],
        })
    };
    let blob = layout
        .put(
            "application/vnd.seaworthy.ledger.v1+json",
            ledger(passwd).to_string().as_bytes(),
        )
        .unwrap();
    let manifest = Manifest {
        schema_version: 2,
        media_type: Some(MANIFEST.into()),
        artifact_type: Some("application/vnd.seaworthy.ledgers.v1".into()),
        config: layout
            .put("application/vnd.oci.empty.v1+json", b"{}")
            .unwrap(),
        layers: vec![blob],
        annotations: BTreeMap::new(),
        other: BTreeMap::new(),
    };
    let bytes = serde_json::to_vec(&manifest).unwrap();
    let mut entry = layout.put(MANIFEST, &bytes).unwrap();
    let image = layout.image(Some("1"), None).unwrap().descriptor.digest;
    let name = format!("sha256-{}.ledger", image.hex());
    entry.annotations.insert(REF_NAME.into(), name.clone());
    chain.edit(|index| {
        index
            .manifests
            .retain(|old| old.annotation(REF_NAME) != Some(&name));
        index.manifests.push(entry.clone());
    });
    chain
}

#[test]
fn a_ledger_that_lies() {
    let honest = ledger_beside(b"root", false);
    honest.sign("core", "core").unwrap();
    assert_eq!(honest.verify().layers[0].ledger_agrees, Some(true));
    // Its own group does not sign it by mistake.
    let lies = ledger_beside(b"evil", false);
    let error = lies.sign("core", "core").unwrap_err();
    assert!(
        error.contains("/etc/passwd is not as the ledger says"),
        "{error}"
    );
    let custody = ledger_beside(b"evil", true).verify();
    assert_eq!(custody.layers[0].ledger_agrees, Some(false));
    assert_broken(&custody, ProblemKind::Ledger, "/etc/passwd is not as");
}
