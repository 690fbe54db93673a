//! Custody: three groups, three layers, three stamps; and everything that somebody might do to them
//! on the way.

mod attacks;
mod contents;
mod forged;
mod honest;
mod strict;

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use seaworthy::custody::{Policy, PrivateKey, Signing, Stage, sign, verify};
use seaworthy::layout::layer::{Content, Meta, TarWriter};
use seaworthy::layout::{
    Config, Descriptor, Digest, Gzip, HANDOVER, Index, LAYER_GZIP, Layout, MANIFEST, Manifest,
    OWNER, REF_NAME, RootFs,
};
use seaworthy::path::AppPath;
use seaworthy::policy::Day;
use seaworthy::report::{Custody, CustodyVerdict, ProblemKind};

const ROLES: [&str; 3] = ["core", "middleware", "application"];
const NAME: &str = "registry.example/team/app:1";

fn day(text: &str) -> Day {
    text.parse().unwrap()
}

fn key_file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/keys")
        .join(name)
}

fn key(name: &str) -> PrivateKey {
    let text = std::fs::read_to_string(key_file(&format!("{name}.key"))).unwrap();
    PrivateKey::read(&text, None).unwrap()
}

/// The policy that trusts each group with its own key; `more` is put in front of the roles.
fn policy_with(more: &str, expires: &str) -> Policy {
    let mut text = format!("schema = 1\nexpires = {expires}\nimage = \"{NAME}\"\n{more}\n");
    for role in ROLES {
        text += &format!("[[role]]\nname = \"{role}\"\nkeys = [\"{role}.pub\"]\n");
    }
    let mut open =
        |file: &str| std::fs::read_to_string(key_file(file)).map_err(|error| error.to_string());
    Policy::read("trust.toml", &text, &mut open).unwrap()
}

fn policy() -> Policy {
    policy_with("", "2099-12-31")
}

/// A layer's archive in the making.
struct Tar(TarWriter<Vec<u8>>);

impl Tar {
    fn new() -> Self {
        let mut tar = Self(TarWriter::new(Vec::new(), ""));
        tar.dir("/");
        tar
    }

    fn add(&mut self, path: &str, mode: u32, content: Content<'_>) {
        let meta = Meta {
            mode,
            ..Meta::default()
        };
        self.0.add(&AppPath::new(path), &meta, content).unwrap();
    }

    fn dir(&mut self, path: &str) {
        self.add(path, 0o755, Content::Dir);
    }

    fn file(&mut self, path: &str, text: &str) {
        let mut bytes = text.as_bytes();
        self.add(path, 0o644, Content::File(text.len() as u64, &mut bytes));
    }

    fn finish(self) -> Vec<u8> {
        self.0.finish().unwrap()
    }
}

/// What the group of a role puts into its layer.
fn tar_of(role: &str) -> Vec<u8> {
    let mut tar = Tar::new();
    match role {
        "core" => {
            tar.dir("/etc");
            tar.file("/etc/passwd", "root");
            tar.dir("/lib");
            tar.file("/lib/libc.so.6", "libc");
        }
        "middleware" => {
            tar.dir("/opt");
            tar.dir("/opt/runtime");
            tar.file("/opt/runtime/java", "java");
        }
        _ => {
            tar.dir("/opt/app");
            tar.file("/opt/app/server", "server");
        }
    }
    tar.finish()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut gzip = Gzip::new(Vec::new(), 9).unwrap();
    gzip.write_all(bytes).unwrap();
    gzip.finish().unwrap()
}

/// An image that goes from group to group.
struct Chain {
    dir: tempfile::TempDir,
    layers: Vec<(Descriptor, Digest)>,
}

impl Chain {
    /// A layout without an image.
    fn empty() -> Self {
        let dir = tempfile::tempdir().unwrap();
        Layout::create(&dir.path().join("image")).unwrap();
        Self {
            dir,
            layers: Vec::new(),
        }
    }

    /// Three hand-overs, each stamped by its group.
    fn honest() -> Self {
        let mut chain = Self::empty();
        for role in ROLES {
            chain.put(role, &tar_of(role));
            chain.sign(role, role).unwrap();
        }
        chain
    }

    fn path(&self) -> PathBuf {
        self.dir.path().join("image")
    }

    fn layout(&self) -> Layout {
        Layout::open(&self.path()).unwrap()
    }

    /// Puts a layer upon the image.
    fn put(&mut self, role: &str, tar: &[u8]) {
        let mut layer = self.layout().put(LAYER_GZIP, &gzip(tar)).unwrap();
        layer.annotations.insert(OWNER.into(), role.into());
        self.layers.push((layer, Digest::of(tar)));
        self.make(role, |_| ());
    }

    /// Makes the image anew of its layers and configuration, and hands it over as `role`'s.
    fn make(&self, role: &str, change: impl Fn(&mut Config)) -> Descriptor {
        let layout = self.layout();
        let mut config = Config {
            created: None,
            architecture: "amd64".into(),
            os: "linux".into(),
            config: None,
            rootfs: RootFs {
                kind: "layers".into(),
                diff_ids: self.layers.iter().map(|(_, diff_id)| *diff_id).collect(),
            },
            history: Vec::new(),
            other: BTreeMap::new(),
        };
        change(&mut config);
        let mut manifest = Manifest {
            schema_version: 2,
            media_type: Some(MANIFEST.into()),
            artifact_type: None,
            config: self.layers[0].0.clone(),
            layers: self.layers.iter().map(|(layer, _)| layer.clone()).collect(),
            annotations: BTreeMap::new(),
            other: BTreeMap::new(),
        };
        let mut image = layout.put_image(&config, &mut manifest).unwrap();
        image.annotations.insert(REF_NAME.into(), "1".into());
        image.annotations.insert(HANDOVER.into(), role.into());
        let mut index = layout.index().unwrap();
        for entry in &mut index.manifests {
            // As pack does: the newest image's own are marked when it is signed.
            entry.annotations.remove("kind");
            if entry.annotation(REF_NAME) == Some("1") {
                let before = entry.annotation(HANDOVER).unwrap().to_owned();
                entry
                    .annotations
                    .insert(REF_NAME.into(), format!("1-{before}"));
            }
        }
        let name = format!("1-{role}");
        index
            .manifests
            .retain(|entry| entry.annotation(REF_NAME) != Some(&name));
        index.manifests.insert(0, image.clone());
        layout.save(&index).unwrap();
        image
    }

    fn sign(&self, role: &str, by: &str) -> Result<(), String> {
        self.sign_as(role, by, false)
    }

    fn sign_as(&self, role: &str, by: &str, countersign: bool) -> Result<(), String> {
        let policy = policy();
        // The first role has received nothing: its stamp needs no policy.
        let policy = (role != "core" || countersign).then_some(&policy);
        self.sign_by(role, by, countersign, policy)
    }

    fn sign_by(
        &self,
        role: &str,
        by: &str,
        countersign: bool,
        policy: Option<&Policy>,
    ) -> Result<(), String> {
        self.stamp(role, by, countersign, policy, None)
    }

    /// A hand-over with a number.
    fn sign_numbered(
        &self,
        role: &str,
        policy: Option<&Policy>,
        version: Option<u64>,
    ) -> Result<(), String> {
        self.stamp(role, role, false, policy, version)
    }

    fn stamp(
        &self,
        role: &str,
        by: &str,
        countersign: bool,
        policy: Option<&Policy>,
        version: Option<u64>,
    ) -> Result<(), String> {
        let key = key(by);
        let signing = Signing {
            tag: "1",
            role,
            key: &key,
            reference: NAME,
            policy,
            today: day("2026-01-01"),
            documents: Vec::new(),
            countersign,
            version,
        };
        let signed = sign(&self.layout(), &signing);
        signed.map(drop).map_err(|error| error.to_string())
    }

    fn verify(&self) -> Custody {
        self.verify_by(&policy())
    }

    fn verify_by(&self, policy: &Policy) -> Custody {
        let today = day("2026-01-01");
        verify(&self.layout(), "1", policy, today, Stage::Finished).unwrap()
    }

    fn edit(&self, change: impl Fn(&mut Index)) {
        let layout = self.layout();
        let mut index = layout.index().unwrap();
        change(&mut index);
        layout.save(&index).unwrap();
    }

    fn blob(&self, digest: &Digest) -> PathBuf {
        self.path().join("blobs/sha256").join(digest.hex())
    }
}

/// That the custody is broken by a problem of this kind whose words hold `says`.
fn assert_broken(custody: &Custody, kind: ProblemKind, says: &str) {
    assert_eq!(custody.verdict, CustodyVerdict::Broken);
    let fits = |p: &&seaworthy::report::CustodyProblem| p.kind == kind && p.message.contains(says);
    assert!(
        custody.problems.iter().any(|p| fits(&p)),
        "{:#?}",
        custody.problems
    );
}

fn assert_holds(custody: &Custody) {
    assert_eq!(custody.problems, [], "{custody:#?}");
    assert_eq!(custody.verdict, CustodyVerdict::Holds);
}
