//! Manifests: how to run the application over a read-only root, in the words of each runtime.
//! Each target is a view of one [`Report`]'s plan: it sees no disk, decides nothing about paths,
//! and says of everything it cannot express what it did instead.

mod check;
mod compose;
mod containerfile;
mod content;
mod docker;
mod env;
mod expand;
mod files;
mod fill;
mod front;
mod image;
mod k8s;
mod lxd;
mod migrate;
mod name;
mod needs;
mod nspawn;
mod oci;
mod parts;
mod port;
mod process;
mod quadlet;
mod quote;
mod rights;
mod rkt;
mod service;
mod single;
mod volume;
mod yaml;

pub use content::{Content, Entry};
pub use env::PATH;
pub use files::{File, Files};
pub use fill::{Fill, Filling, NOTHING, filling};
pub use image::{Point, Settings, settings};
pub use parts::{Part, Parts};
pub use rkt::appc;

use serde::Serialize;

use crate::path::AppPath;
use crate::report::Report;
use service::Service;

/// What manifests are made from.
pub struct Input<'a> {
    /// The audit.
    pub report: &'a Report,
    /// The image to name; `localhost/NAME:latest` without one.
    pub image: Option<&'a str>,
    /// Program and arguments to start instead of what the audit found; text without control
    /// characters.
    pub start: Option<&'a [String]>,
    /// What the configuration files hold; absent when only a report is at hand.
    pub content: Option<&'a Content>,
    /// Whether the content of secrets is wanted, in [`Manifests::secrets`] alone; else they stay
    /// placeholders.
    pub secrets: bool,
    /// The files of the image's layers; absent when only a report is at hand.
    pub parts: Option<&'a Parts>,
    /// Where engines keep state.
    pub storage: Storage,
}

/// Where docker and podman keep the state of a service.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Storage {
    /// In directories of the host, as everything else that is mounted.
    #[default]
    Directories,
    /// In the engine's own volumes.
    Volumes,
}

/// A runtime for which manifests are made.
pub struct Target {
    /// Its name on the command line.
    pub name: &'static str,
    /// What it makes, in a few words.
    pub about: &'static str,
    /// Writes its files below a directory of its own name.
    write: fn(&Service<'_>, &mut Out),
}

/// Every target.
pub const TARGETS: &[Target] = &[
    docker::TARGET,
    compose::TARGET,
    k8s::TARGET,
    quadlet::TARGET,
    nspawn::TARGET,
    lxd::TARGET,
    oci::TARGET,
    rkt::TARGET,
    containerfile::TARGET,
];

/// The target called `name`.
#[must_use]
pub fn by_name(name: &str) -> Option<&'static Target> {
    TARGETS.iter().find(|target| target.name == name)
}

/// Something that a target cannot express.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Limit {
    /// The path, process or need it is about.
    pub about: String,
    /// What cannot be expressed, or is not known.
    pub cannot: String,
    /// What was done instead, or is left to do.
    pub instead: String,
}

impl Limit {
    fn new(
        about: impl Into<String>,
        cannot: impl Into<String>,
        instead: impl Into<String>,
    ) -> Self {
        Self {
            about: about.into(),
            cannot: cannot.into(),
            instead: instead.into(),
        }
    }
}

/// What a target has made so far.
struct Out {
    target: &'static str,
    files: Files,
    limits: Vec<Limit>,
    /// Objects with the content of secrets, which go into the file that was named for them.
    secrets: String,
}

impl Out {
    /// Adds a limit.
    fn limit(
        &mut self,
        about: impl Into<String>,
        cannot: impl Into<String>,
        instead: impl Into<String>,
    ) {
        self.limits.push(Limit::new(about, cannot, instead));
    }

    /// Adds a file below the target's own directory.
    fn file(&mut self, name: &str, text: String, mode: u32) {
        let name = format!("{}/{name}", self.target);
        self.files.add(&name, text.into_bytes(), mode);
    }

    /// The same with bytes that are no text.
    fn bytes(&mut self, name: &str, bytes: Vec<u8>, mode: u32) {
        let name = format!("{}/{name}", self.target);
        self.files.add(&name, bytes, mode);
    }

    /// The limits as the comment at the head of a file; `mark` begins each line.
    fn head(&mut self, mark: &str, about: &str) -> String {
        self.limits.sort();
        self.limits.dedup();
        let mut text = format!("{mark} {about}\n");
        if !self.limits.is_empty() {
            text += &format!("{mark}\n{mark} Not expressed here, and what was done instead:\n");
        }
        for limit in &self.limits {
            let line = format!("{}: {} -> {}", limit.about, limit.cannot, limit.instead);
            text += &format!("{mark} - {}\n", crate::path::escape(line.as_bytes()));
        }
        text
    }
}

/// Whether any user id may run it.
#[derive(Clone, Debug, Serialize)]
pub struct AnyUser {
    /// `yes`, `no` or `with-ownership`.
    pub answer: &'static str,
    /// Why, in a sentence.
    pub reason: String,
}

/// One target's part of the summary.
#[derive(Clone, Debug, Serialize)]
pub struct Made {
    /// The target.
    pub target: &'static str,
    /// Its files.
    pub files: Vec<String>,
    /// What it cannot express.
    pub limits: Vec<Limit>,
}

/// What was made, as `mounts.json` has it.
#[derive(Clone, Debug, Serialize)]
pub struct Summary {
    /// Number of the contract.
    pub schema: u32,
    /// The name in all manifests.
    pub name: String,
    /// The image they start.
    pub image: String,
    /// How several processes are run.
    pub processes: String,
    /// Whether any user id may run it.
    pub any_user: AnyUser,
    /// The volume that stands for each mount.
    pub volumes: Vec<Named>,
    /// Each target.
    pub targets: Vec<Made>,
}

/// The name of a volume.
#[derive(Clone, Debug, Serialize)]
pub struct Named {
    /// In all manifests.
    pub name: String,
    /// Where it is mounted.
    pub path: AppPath,
    /// `config`, `secret`, `state` or `scratch`.
    pub keeps: &'static str,
    /// The directory or file of the host that holds it, below BASE; `memory` for scratch space.
    pub place: String,
    /// The volume of docker and podman that holds it in their targets instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub engine_volume: Option<String>,
}

/// What [`make`] makes.
#[derive(Clone, Debug)]
pub struct Manifests {
    /// The files, by name below the output directory.
    pub files: Files,
    /// What they are.
    pub summary: Summary,
    /// The objects with the content of secrets; empty when none was handed in.
    pub secrets: String,
}

/// Manifests for `targets`, with the script that fills their volumes and a summary.
#[must_use]
pub fn make(input: &Input<'_>, targets: &[&'static Target]) -> Manifests {
    let service = Service::new(input);
    let mut files = Files::default();
    let mut made = Vec::new();
    let mut secrets = String::new();
    for target in targets {
        let mut out = Out {
            target: target.name,
            files: Files::default(),
            limits: service.limits.clone(),
            secrets: String::new(),
        };
        (target.write)(&service, &mut out);
        out.limits.sort();
        out.limits.dedup();
        made.push(Made {
            target: target.name,
            files: out.files.names(),
            limits: out.limits,
        });
        files.merge(out.files);
        secrets += &out.secrets;
    }
    files.add("migrate.sh", migrate::script(&service).into_bytes(), 0o755);
    let summary = service.summary(made);
    let text = serde_json::to_string_pretty(&summary).unwrap_or_default() + "\n";
    files.add("mounts.json", text.into_bytes(), 0o644);
    Manifests {
        files,
        summary,
        secrets,
    }
}
