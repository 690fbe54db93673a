//! Images that are packed of a small root: which file is in whose layer, what stays out, and that
//! the same root is the same bytes, in one step or in three.

mod bare;
mod base;
mod staged;

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use seaworthy::custody::{Ledger, Policy};
use seaworthy::image::{self, Kind, PackError, PackProgress, Received, Settled, Source};
use seaworthy::layout::layer::{Body, Compression, Entry, Limits, read};
use seaworthy::layout::{Image, Layout, OWNER, REF_NAME};
use seaworthy::link::host::Host;
use seaworthy::path::AppPath;
use seaworthy::report::{Owner, Report};
use seaworthy::tree::{Progress, Root};

/// A root with a service of three packages, a base, and another service that is none of its
/// business.
struct Fixture {
    dir: tempfile::TempDir,
}

const STATUS: &str = "\
Package: base
Essential: yes
Status: install ok installed
Version: 1
Architecture: arm64

Package: libfoo1
Status: install ok installed
Version: 2
Architecture: arm64

Package: openjdk-99-jre-headless
Status: install ok installed
Version: 99
Architecture: arm64

Package: meterd
Status: install ok installed
Version: 3
Architecture: arm64
Depends: libfoo1 (>= 2), openjdk-99-jre-headless

Package: stranger
Status: install ok installed
Version: 4
Architecture: arm64
";

const UNIT: &str = "\
[Service]
Type=simple
User=meter
ExecStart=/usr/sbin/meterd --config /etc/meterd/meterd.conf
StateDirectory=meterd
RuntimeDirectory=meterd
";

impl Fixture {
    fn new() -> Self {
        let fixture = Self {
            dir: tempfile::tempdir().unwrap(),
        };
        for dir in ["tmp", "usr/lib", "var/lib/meterd", "proc"] {
            fs::create_dir_all(fixture.path(dir)).unwrap();
        }
        symlink("usr/lib", fixture.path("lib")).unwrap();
        fixture.package(
            "base",
            &[("/bin/sh", "#!"), ("/etc/shadow", "root:x"), ("/tmp", "")],
        );
        fixture.package(
            "libfoo1",
            &[
                // As packages before the merge of /usr name it.
                ("/lib/libfoo.so.1.2", "library"),
                ("/usr/share/doc/libfoo1/copyright", "terms"),
                ("/usr/share/doc/libfoo1/README", "paperwork"),
            ],
        );
        fixture.package(
            "openjdk-99-jre-headless",
            &[("/usr/lib/jvm/java-99/bin/java", "java")],
        );
        fixture.package(
            "meterd",
            &[
                ("/usr/sbin/meterd", "\x7fELF program"),
                ("/usr/share/meterd/web/index.html", "<p>"),
                ("/usr/share/meterd", ""),
                ("/etc/meterd/meterd.conf", "port = 80"),
                ("/etc/ld.so.conf.d/meterd.conf", "/usr/lib/meterd"),
                ("/lib/systemd/system/meterd.service", UNIT),
            ],
        );
        fixture.package("stranger", &[("/usr/share/stranger/secret", "x")]);
        fixture.write("var/lib/dpkg/status", STATUS);
        fixture.write(
            "etc/passwd",
            "root:x:0:0::/root:/bin/sh\nmeter:x:321:322::/var/lib/meterd:/bin/false\n",
        );
        fixture.write("etc/group", "root:x:0:\nmeter:x:322:\n");
        fixture.write("var/lib/meterd/data.db", "data");
        fixture.write("usr/share/meterd/made-by-script", "unowned");
        fixture.write("etc/ssl/private/host.key", "key");
        let more = fixture.path("usr/share/meterd/web");
        fs::hard_link(more.join("index.html"), more.join("same.html")).unwrap();
        symlink("../web", more.join("link")).unwrap();
        let mode = fs::Permissions::from_mode(0o4755);
        fs::set_permissions(fixture.path("usr/sbin/meterd"), mode).unwrap();
        let holes = fs::File::create(more.join("holes")).unwrap();
        holes.set_len(1 << 36).unwrap();
        (&holes).write_all(b"begins").unwrap();
        rustix::fs::mkfifoat(rustix::fs::CWD, more.join("pipe"), rustix::fs::Mode::RUSR).unwrap();
        fixture
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name.trim_start_matches('/'))
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Writes a package's files and its list; a text that is empty stands for a directory.
    fn package(&self, name: &str, files: &[(&str, &str)]) {
        let mut list = String::new();
        for (path, text) in files {
            if text.is_empty() {
                fs::create_dir_all(self.path(path)).unwrap();
            } else {
                self.write(path, text);
            }
            list += &format!("{path}\n");
        }
        self.write(&format!("var/lib/dpkg/info/{name}.list"), &list);
    }

    fn report(&self) -> Report {
        let request = seaworthy::Request {
            root: self.dir.path().to_owned(),
            packages: vec!["meterd".into()],
            ..seaworthy::Request::default()
        };
        seaworthy::audit(&request, &Progress::default()).unwrap()
    }

    fn pack(
        &self,
        out: &Path,
        roles: &[Owner],
        from: Option<&Layout>,
    ) -> Result<Layout, PackError> {
        let take = |layout: &Layout| {
            let received = from.map(|from| Received::hand_over(from, "1", layout));
            received.transpose()
        };
        self.pack_upon(out, roles, &take)
    }

    fn pack_upon(
        &self,
        out: &Path,
        roles: &[Owner],
        take: &dyn Fn(&Layout) -> Result<Option<Received>, PackError>,
    ) -> Result<Layout, PackError> {
        let root = Root::open(self.dir.path()).unwrap();
        let host = Host::read(&root);
        let report = self.report();
        let source = Source {
            root: &root,
            host: &host,
            report: &report,
        };
        let layout = Layout::create(out).unwrap();
        let received = take(&layout)?;
        let settled = settled(roles);
        image::pack(
            &source,
            &layout,
            received.as_ref(),
            &settled,
            &PackProgress::default(),
        )?;
        Ok(layout)
    }
}

fn settled(roles: &[Owner]) -> Settled {
    Settled {
        roles: roles.to_vec(),
        tag: "1".into(),
        newest: 1_000_000_000,
        level: 1,
        policy: Policy::built_in(),
        start: None,
        exclude: Vec::new(),
    }
}

/// The entries of each layer, by role.
fn layers(layout: &Layout, image: &Image) -> BTreeMap<String, BTreeMap<String, Entry>> {
    let mut layers = BTreeMap::new();
    for layer in &image.manifest.layers {
        let mut entries = BTreeMap::new();
        let blob = layout.blob(layer).unwrap();
        read(
            blob,
            Compression::Gzip,
            Limits::of(layer.size),
            &mut |entry| {
                entries.insert(entry.path.to_text().into_owned(), entry);
            },
        )
        .unwrap();
        layers.insert(layer.annotation(OWNER).unwrap().to_owned(), entries);
    }
    layers
}

#[test]
fn each_file_is_in_the_layer_of_who_answers_for_it() {
    let fixture = Fixture::new();
    let out = tempfile::tempdir().unwrap();
    let layout = fixture.pack(&out.path().join("image"), &[], None).unwrap();
    let image = layout.image(Some("1"), None).unwrap();
    let layers = layers(&layout, &image);
    let holder = |path: &str| -> Vec<&str> {
        let has = layers
            .iter()
            .filter(|(_, entries)| entries.contains_key(path));
        has.map(|(role, _)| role.as_str()).collect()
    };
    for (path, role) in [
        ("/bin/sh", "core"),
        ("/lib", "core"),
        ("/usr/lib/libfoo.so.1.2", "core"),
        ("/usr/share/doc/libfoo1/copyright", "core"),
        ("/etc/passwd", "core"),
        ("/etc/shadow", "core"),
        // Whoever says where the loader looks answers for every program.
        ("/etc/ld.so.conf.d/meterd.conf", "core"),
        ("/usr/lib/jvm/java-99/bin/java", "middleware"),
        ("/usr/sbin/meterd", "application"),
        ("/usr/share/meterd/web/index.html", "application"),
        ("/usr/share/meterd/made-by-script", "application"),
        ("/etc/meterd", "application"),
        ("/var/lib/meterd", "application"),
        ("/tmp", "core"),
    ] {
        assert_eq!(holder(path), [role], "{path}");
    }
    for path in [
        "/etc/meterd/meterd.conf",
        "/var/lib/meterd/data.db",
        "/etc/ssl/private/host.key",
        "/usr/share/stranger/secret",
        "/usr/share/doc/libfoo1/README",
        "/var/lib/dpkg/status",
        "/usr/share/meterd/web/pipe",
    ] {
        assert!(holder(path).is_empty(), "{path} is in {:?}", holder(path));
    }
    let own = &layers["application"];
    let entry = |path: &str| &own[path];
    assert_eq!(entry("/usr/sbin/meterd").meta.mode, 0o4755);
    assert!(entry("/usr/sbin/meterd").meta.mtime <= 1_000_000_000);
    let first = AppPath::new("/usr/share/meterd/web/index.html");
    assert_eq!(
        entry("/usr/share/meterd/web/same.html").body,
        Body::HardLink(first)
    );
    assert_eq!(
        entry("/usr/share/meterd/web/link").body,
        Body::Link(b"../web".to_vec())
    );
    let holes = entry("/usr/share/meterd/web/holes");
    assert!(matches!(
        holes.body,
        Body::File {
            size: 0x10_0000_0000,
            ..
        }
    ));
    let disk = fs::metadata(fixture.path("var/lib/meterd")).unwrap();
    let state = entry("/var/lib/meterd");
    assert_eq!((state.meta.uid, state.meta.gid), (disk.uid(), disk.gid()));
    assert_eq!(state.body, Body::Dir);
    let made = entry("/run/meterd");
    assert_eq!((made.meta.uid, made.meta.gid), (321, 322));
    assert_eq!(image.config.architecture, "arm64");
    let run = image.config.config.unwrap();
    assert_eq!(run.user.as_deref(), Some("321:322"));
    let command = ["/usr/sbin/meterd", "--config", "/etc/meterd/meterd.conf"];
    assert_eq!(run.entrypoint.unwrap(), command);
}

#[test]
fn the_ledger_tells_of_every_entry_its_package() {
    let fixture = Fixture::new();
    let out = tempfile::tempdir().unwrap();
    let layout = fixture.pack(&out.path().join("image"), &[], None).unwrap();
    let image = layout.image(Some("1"), None).unwrap();
    let name = format!("sha256-{}.ledger", image.descriptor.digest.hex());
    let index = layout.index().unwrap();
    let entry = index
        .manifests
        .iter()
        .find(|m| m.annotation(REF_NAME) == Some(&name));
    let ledgers = layout.manifest(entry.unwrap()).unwrap().layers;
    assert_eq!(ledgers.len(), 3);
    let layers = layers(&layout, &image);
    for (ledger, (layer, diff_id)) in ledgers.iter().zip(
        image
            .manifest
            .layers
            .iter()
            .zip(&image.config.rootfs.diff_ids),
    ) {
        let bytes = layout.read(ledger, 1 << 20).unwrap();
        let ledger: Ledger = serde_json::from_slice(&bytes).unwrap();
        assert_eq!((ledger.layer, ledger.diff_id), (layer.digest, *diff_id));
        ledger.agrees(layers[&ledger.role].values()).unwrap();
        let of = |path: &str| {
            let row = ledger
                .files
                .iter()
                .find(|row| row.path == AppPath::new(path));
            row.and_then(|row| row.package.as_deref())
        };
        match ledger.role.as_str() {
            "core" => assert_eq!(of("/usr/lib/libfoo.so.1.2"), Some("libfoo1")),
            "application" => assert_eq!(of("/usr/sbin/meterd"), Some("meterd")),
            _ => assert_eq!(ledger.packages[0].name, "openjdk-99-jre-headless"),
        }
    }
}

fn blobs(layout: &Layout) -> BTreeMap<String, Vec<u8>> {
    let dir = layout.dir().join("blobs/sha256");
    fs::read_dir(dir)
        .unwrap()
        .map(|entry| {
            let entry = entry.unwrap();
            let name = entry.file_name().into_string().unwrap();
            (name, fs::read(entry.path()).unwrap())
        })
        .collect()
}

#[test]
fn one_step_and_three_hand_overs_make_the_same_image() {
    let fixture = Fixture::new();
    let out = tempfile::tempdir().unwrap();
    let once = fixture.pack(&out.path().join("once"), &[], None).unwrap();
    let again = fixture.pack(&out.path().join("again"), &[], None).unwrap();
    assert_eq!(blobs(&once), blobs(&again));
    assert_eq!(once.index().unwrap(), again.index().unwrap());
    let core = fixture
        .pack(&out.path().join("1"), &[Owner::Core], None)
        .unwrap();
    let middleware = fixture
        .pack(&out.path().join("2"), &[Owner::Middleware], Some(&core))
        .unwrap();
    let whole = fixture
        .pack(
            &out.path().join("3"),
            &[Owner::Application],
            Some(&middleware),
        )
        .unwrap();
    let newest = |layout: &Layout| layout.image(Some("1"), None).unwrap();
    assert_eq!(newest(&whole), newest(&once));
    let names = |layout: &Layout| -> Vec<String> {
        let index = layout.index().unwrap();
        let names = index
            .manifests
            .iter()
            .filter_map(|m| m.annotation(REF_NAME));
        names
            .filter(|n| !n.ends_with(".ledger"))
            .map(str::to_owned)
            .collect()
    };
    assert_eq!(names(&whole), ["1", "1-middleware", "1-core"]);
    assert_eq!(names(&whole), names(&once));
    // A group does not come twice, nor below who packed before it.
    let late = fixture.pack(&out.path().join("4"), &[Owner::Core], Some(&middleware));
    assert!(matches!(late, Err(PackError::Received(_))));
}

#[test]
fn what_was_received_is_read_before_anything_is_put_upon_it() {
    let fixture = Fixture::new();
    let out = tempfile::tempdir().unwrap();
    let core = fixture
        .pack(&out.path().join("core"), &[Owner::Core], None)
        .unwrap();
    let image = core.image(Some("1"), None).unwrap();
    let layer = &image.manifest.layers[0];
    let path = core.dir().join("blobs/sha256").join(layer.digest.hex());
    let mut bytes = fs::read(&path).unwrap();
    bytes[20] ^= 1;
    fs::write(&path, bytes).unwrap();
    let upon = fixture.pack(&out.path().join("upon"), &[Owner::Application], Some(&core));
    let error = upon.err().unwrap().to_string();
    assert!(error.contains(&layer.digest.to_string()), "{error}");
}

#[test]
fn a_file_that_cannot_be_read_makes_no_image() {
    let fixture = Fixture::new();
    let secret = fixture.path("usr/share/meterd/web/index.html");
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o000)).unwrap();
    let out = tempfile::tempdir().unwrap();
    let packed = fixture.pack(&out.path().join("image"), &[], None);
    // root may read it all the same.
    if fs::File::open(&secret).is_err() {
        let error = packed.err().unwrap().to_string();
        assert!(
            error.contains("index.html") && error.contains("--exclude"),
            "{error}"
        );
    }
}

#[test]
fn images_of_one_layer_have_their_description_in_front() {
    let fixture = Fixture::new();
    let root = Root::open(fixture.dir.path()).unwrap();
    let host = Host::read(&root);
    let report = fixture.report();
    let source = Source {
        root: &root,
        host: &host,
        report: &report,
    };
    for (kind, name, key, value) in [
        (Kind::Lxd, "metadata.yaml", "architecture", "aarch64"),
        (Kind::Aci, "manifest", "acKind", "ImageManifest"),
    ] {
        let mut bytes = Vec::new();
        let progress = PackProgress::default();
        image::pack_single(&source, kind, &mut bytes, &settled(&[]), &progress).unwrap();
        let mut tar = tar::Archive::new(flate2::read::GzDecoder::new(&bytes[..]));
        let mut entries = tar.entries().unwrap();
        let first = entries.next().unwrap().unwrap();
        assert_eq!(first.path().unwrap(), Path::new(name));
        let text: serde_json::Value = serde_json::from_reader(first).unwrap();
        assert_eq!(text[key], value);
        let names: Vec<String> = entries
            .map(|entry| entry.unwrap().path().unwrap().display().to_string())
            .collect();
        assert_eq!(names[0], "rootfs/");
        assert!(names.contains(&"rootfs/usr/sbin/meterd".to_owned()));
        assert!(
            names.iter().all(|name| name.starts_with("rootfs/")),
            "{names:?}"
        );
        assert!(!names.contains(&"rootfs/etc/meterd/meterd.conf".to_owned()));
    }
}
