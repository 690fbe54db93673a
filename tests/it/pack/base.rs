//! An image of another maker as core: what it has stays as it is, what it lacks is added, and all of
//! it is one hand-over.

use seaworthy::layout::layer::{Content, Meta, TarWriter};
use seaworthy::layout::{
    Config, Digest, Gzip, HANDOVER, Index, LAYER_GZIP, MANIFEST, Manifest, RootFs,
};

use super::*;

/// The layout of an image with one layer of these files, directories (a text that is empty) and links
/// (`-> TARGET`), under a name that its maker gave it.
fn image_of(out: &Path, files: &[(&str, &str)]) -> Layout {
    let mut tar = TarWriter::new(Vec::new(), "");
    tar.add(
        &AppPath::root(),
        &Meta {
            mode: 0o755,
            ..Meta::default()
        },
        Content::Dir,
    )
    .unwrap();
    for (path, text) in files {
        let path = AppPath::new(path);
        if let Some(target) = text.strip_prefix("-> ") {
            let content = Content::Link(target.as_bytes());
            tar.add(&path, &Meta::default(), content).unwrap();
        } else if text.is_empty() {
            let meta = Meta {
                mode: 0o755,
                ..Meta::default()
            };
            tar.add(&path, &meta, Content::Dir).unwrap();
        } else {
            let meta = Meta {
                mode: 0o644,
                ..Meta::default()
            };
            let content = Content::File(text.len() as u64, &mut text.as_bytes());
            tar.add(&path, &meta, content).unwrap();
        }
    }
    layout_of(out, &tar.finish().unwrap())
}

/// The layout of an image with this archive as its layer.
fn layout_of(out: &Path, tar: &[u8]) -> Layout {
    let mut gzip = Gzip::new(Vec::new(), 1).unwrap();
    gzip.write_all(tar).unwrap();
    let layout = Layout::create(out).unwrap();
    let layer = layout.put(LAYER_GZIP, &gzip.finish().unwrap()).unwrap();
    let config = Config {
        created: None,
        architecture: "arm64".into(),
        os: "linux".into(),
        config: None,
        rootfs: RootFs {
            kind: "layers".into(),
            diff_ids: vec![Digest::of(tar)],
        },
        history: Vec::new(),
        other: BTreeMap::new(),
    };
    let mut manifest = Manifest {
        schema_version: 2,
        media_type: Some(MANIFEST.into()),
        artifact_type: None,
        config: layer.clone(),
        layers: vec![layer],
        annotations: BTreeMap::new(),
        other: BTreeMap::new(),
    };
    let mut image = layout.put_image(&config, &mut manifest).unwrap();
    image.annotations.insert(REF_NAME.into(), "stable".into());
    let mut index = Index::empty();
    index.manifests.push(image);
    layout.save(&index).unwrap();
    layout
}

fn upon(fixture: &Fixture, out: &Path, roles: &[Owner], base: &Layout) -> Layout {
    let take = |layout: &Layout| Received::base(base, None, "arm64", layout, None).map(Some);
    fixture.pack_upon(out, roles, &take).unwrap()
}

/// The entries of the image's layers, the lowest first, with whose each layer is.
fn stack(layout: &Layout) -> Vec<(String, BTreeMap<String, Entry>)> {
    let image = layout.image(Some("1"), None).unwrap();
    let one = |layer: &seaworthy::layout::Descriptor| {
        let mut image = image.clone();
        image.manifest.layers = vec![layer.clone()];
        layers(layout, &image).pop_first().unwrap()
    };
    image.manifest.layers.iter().map(one).collect()
}

#[test]
fn a_base_keeps_what_it_has_and_is_given_what_it_lacks() {
    let fixture = Fixture::new();
    let out = tempfile::tempdir().unwrap();
    let base = image_of(
        &out.path().join("base"),
        &[
            ("/bin", ""),
            ("/bin/sh", "its own shell"),
            ("/etc", ""),
            ("/etc/passwd", "root:x:0:0::/root:/bin/sh\n"),
            ("/usr", ""),
            ("/usr/lib", ""),
        ],
    );
    let packed = upon(&fixture, &out.path().join("whole"), &[], &base);
    let stack = stack(&packed);
    let roles: Vec<&str> = stack.iter().map(|(role, _)| role.as_str()).collect();
    assert_eq!(roles, ["core", "core", "middleware", "application"]);
    let (_, added) = &stack[1];
    assert!(added.contains_key("/usr/lib/libfoo.so.1.2"), "{added:?}");
    assert!(added.contains_key("/etc/passwd"), "the account is lacking");
    assert!(!added.contains_key("/bin/sh"), "the base's is its own");
    // One hand-over, by the same name as without a base; and in steps the same image.
    let names = |layout: &Layout| -> Vec<(String, String)> {
        let index = layout.index().unwrap();
        let marked = index.manifests.iter().filter_map(|entry| {
            let role = entry.annotation(HANDOVER)?.to_owned();
            Some((entry.annotation(REF_NAME)?.to_owned(), role))
        });
        marked.collect()
    };
    let named = |name: &str, role: &str| (name.to_owned(), role.to_owned());
    assert_eq!(
        names(&packed),
        [
            named("1", "application"),
            named("1-middleware", "middleware"),
            named("1-core", "core")
        ]
    );
    let core = upon(&fixture, &out.path().join("1"), &[Owner::Core], &base);
    assert_eq!(names(&core), [named("1", "core")]);
    let rest = [Owner::Middleware, Owner::Application];
    let steps = fixture
        .pack(&out.path().join("2"), &rest, Some(&core))
        .unwrap();
    let newest = |layout: &Layout| layout.image(Some("1"), None).unwrap();
    assert_eq!(newest(&steps), newest(&packed));
}

#[test]
fn a_base_that_lacks_nothing_is_handed_over_as_it_is() {
    let fixture = Fixture::new();
    let out = tempfile::tempdir().unwrap();
    let own = fixture
        .pack(&out.path().join("own"), &[Owner::Core], None)
        .unwrap();
    let core = upon(&fixture, &out.path().join("core"), &[Owner::Core], &own);
    let image = core.image(Some("1"), None).unwrap();
    let before = own.image(Some("1"), None).unwrap();
    let digests = |image: &Image| -> Vec<Digest> {
        image
            .manifest
            .layers
            .iter()
            .map(|layer| layer.digest)
            .collect()
    };
    assert_eq!(digests(&image), digests(&before));
    assert_eq!(image.manifest.layers[0].annotation(OWNER), Some("core"));
}

/// A root from before the merge of /usr upon a base from after it: what lies below the link goes where
/// the link leads, since a directory in the link's place would hide all that the base has there.
#[test]
fn what_lies_behind_a_link_of_the_base_goes_where_it_leads() {
    let fixture = Fixture::new();
    fs::remove_file(fixture.path("lib")).unwrap();
    fs::create_dir(fixture.path("lib")).unwrap();
    fs::rename(
        fixture.path("usr/lib/libfoo.so.1.2"),
        fixture.path("lib/libfoo.so.1.2"),
    )
    .unwrap();
    fs::create_dir_all(fixture.path("var/run/meterd")).unwrap();
    let out = tempfile::tempdir().unwrap();
    let base = image_of(
        &out.path().join("base"),
        &[
            ("/lib", "-> usr/lib"),
            ("/usr", ""),
            ("/usr/lib", ""),
            ("/usr/lib/libc.so.6", "its own"),
        ],
    );
    let packed = upon(&fixture, &out.path().join("whole"), &[], &base);
    let stack = stack(&packed);
    let (_, added) = &stack[1];
    assert!(added.contains_key("/usr/lib/libfoo.so.1.2"), "{added:?}");
    for (role, entries) in &stack[1..] {
        let below = entries
            .keys()
            .find(|path| *path == "/lib" || path.starts_with("/lib/"));
        assert_eq!(below, None, "{role}");
    }
    // And it is one image that any program unpacks: nothing lies below a link.
    let rest = Received::hand_over(
        &packed,
        "1",
        &Layout::create(&out.path().join("x")).unwrap(),
    );
    assert!(rest.is_ok(), "{:?}", rest.err());
}

#[test]
fn a_base_that_programs_read_differently_is_written_anew_when_asked() {
    let fixture = Fixture::new();
    let out = tempfile::tempdir().unwrap();
    // A directory in the oldest form, as the tar of some old systems writes it.
    let mut archive = Vec::new();
    for (name, text) in [("etc/", ""), ("etc/base", "of the base\n")] {
        let mut header = tar::Header::new_old();
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        header.as_old_mut().linkflag = [0];
        header.set_mode(0o755);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(0);
        header.set_size(text.len() as u64);
        header.set_cksum();
        archive.extend_from_slice(header.as_bytes());
        archive.extend_from_slice(text.as_bytes());
        archive.resize(archive.len().next_multiple_of(512), 0);
    }
    archive.extend_from_slice(&[0; 1024]);
    let base = layout_of(&out.path().join("base"), &archive);
    let before = base.image(None, None).unwrap().manifest.layers[0].clone();

    let strict = |layout: &Layout| Received::base(&base, None, "arm64", layout, None).map(Some);
    let refused = fixture.pack_upon(&out.path().join("strict"), &[], &strict);
    assert!(refused.is_err_and(|told| told.to_string().contains("programs differ")));

    let anew = |layout: &Layout| {
        let received = Received::base(&base, None, "arm64", layout, Some(3))?;
        let [one] = received.anew() else {
            panic!("{} layers", received.anew().len());
        };
        assert_eq!(one.before, before.digest);
        assert_eq!(one.after, received.layers()[0].digest);
        assert_ne!(one.after, one.before);
        assert!(one.reason.contains("programs differ"), "{}", one.reason);
        Ok(Some(received))
    };
    let packed = fixture
        .pack_upon(&out.path().join("anew"), &[], &anew)
        .unwrap();
    let stack = stack(&packed);
    assert!(stack[0].1.contains_key("/etc/base"), "{:?}", stack[0]);
    // What was taken instead is whole: nothing of the old layer is left in it.
    let old = format!("blobs/sha256/{}", before.digest.hex());
    assert!(!packed.dir().join(old).exists());
    // A base that all read alike is left as it is.
    let again = |layout: &Layout| {
        let received = Received::base(&packed, Some("1"), "arm64", layout, Some(3))?;
        assert!(received.anew().is_empty());
        Ok(Some(received))
    };
    fixture
        .pack_upon(&out.path().join("again"), &[Owner::Core], &again)
        .unwrap();
}
