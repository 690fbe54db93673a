//! The plan's mounts as volumes: what each keeps, under which name, and which paths no runtime
//! can take.

use std::collections::BTreeMap;

use crate::fact::{Access, Class};
use crate::path::AppPath;
use crate::report::{Mount, MountKind, Plan};

use super::Limit;
use super::name::Labels;

/// What a volume keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Keeps {
    /// Settings, which are only read.
    Config,
    /// Keys and passwords, which are only read.
    Secret,
    /// What must survive a new container.
    State,
    /// What a new container starts without.
    Scratch,
}

impl Keeps {
    /// The word for it.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Config => "config",
            Self::Secret => "secret",
            Self::State => "state",
            Self::Scratch => "scratch",
        }
    }
}

/// A volume.
#[derive(Clone, Debug)]
pub(super) struct Volume {
    /// Its name in all manifests.
    pub(super) name: String,
    /// Where it is mounted.
    pub(super) path: String,
    /// The same as the report has it.
    pub(super) at: AppPath,
    /// What it keeps.
    pub(super) keeps: Keeps,
    /// What the path is for.
    pub(super) class: Class,
    /// Whether it is a single file.
    pub(super) is_file: bool,
    /// Owner.
    pub(super) uid: Option<u32>,
    /// Group.
    pub(super) gid: Option<u32>,
    /// Permission bits.
    pub(super) mode: Option<u32>,
    /// Bytes on disk today.
    pub(super) size: u64,
    /// Whether the present content must be copied into it.
    pub(super) seed: bool,
    /// Files of the image that it hides while it is empty.
    pub(super) hides: u64,
}

impl Volume {
    /// Whether it is written.
    pub(super) fn is_written(&self) -> bool {
        matches!(self.keeps, Keeps::State | Keeps::Scratch)
    }

    /// Permission bits, or what a directory or file of its kind has by custom.
    pub(super) fn bits(&self) -> u32 {
        self.mode
            .unwrap_or(if self.is_file { 0o644 } else { 0o755 })
    }
}

/// Directories that everything shares: a file that is made in one of them needs the whole.
const SHARED_SCRATCH: [&str; 7] = [
    "/run",
    "/run/lock",
    "/var/run",
    "/var/lock",
    "/tmp",
    "/var/tmp",
    "/dev/shm",
];

/// The longest path and the longest name of Linux (limits.h: PATH_MAX with its NUL, NAME_MAX).
const PATH_MAX: usize = 4095;
const NAME_MAX: usize = 255;

/// Volumes in the order of their paths, and what cannot be one.
pub(super) fn volumes(plan: &Plan) -> (Vec<Volume>, Vec<Limit>) {
    let mut limits = Vec::new();
    let mut found: BTreeMap<AppPath, Volume> = BTreeMap::new();
    for mount in &plan.mounts {
        if let Some(why) = refusal(&mount.path) {
            let about = mount.path.to_text();
            limits.push(Limit::new(about, why, "left out: mount it by hand"));
            continue;
        }
        let volume = volume(mount, plan, &mut limits);
        let known = found.entry(volume.at.clone()).or_insert(volume.clone());
        // Two mounts that became one: what is written wins over what is read.
        if volume.is_written() && !known.is_written() {
            *known = volume;
        }
    }
    let mut labels = Labels::default();
    let mut volumes: Vec<Volume> = found.into_values().collect();
    for volume in &mut volumes {
        volume.name = labels.fresh(volume.at.as_bytes());
    }
    (volumes, limits)
}

fn volume(mount: &Mount, plan: &Plan, limits: &mut Vec<Limit>) -> Volume {
    let keeps = match (mount.class, mount.access) {
        (Class::Runtime | Class::Temp, _) => Keeps::Scratch,
        (_, Access::Rw) => Keeps::State,
        (Class::Secret, Access::Ro) => Keeps::Secret,
        (_, Access::Ro) if plan.secrets.contains(&mount.path) => Keeps::Secret,
        (_, Access::Ro) => Keeps::Config,
    };
    let mut at = mount.path.clone();
    let mut is_file = mount.kind == MountKind::File;
    let (mut uid, mut gid, mut mode) = (mount.uid, mount.gid, mount.mode.as_deref().map(octal));
    if is_file && keeps == Keeps::Scratch {
        let parent = at.parent().unwrap_or_else(AppPath::root);
        let is_shared = SHARED_SCRATCH.iter().any(|dir| parent == AppPath::new(dir));
        if is_shared {
            limits.push(Limit::new(
                at.to_text(),
                "a file that comes and goes cannot be a mount",
                format!("the whole of {parent} is scratch space"),
            ));
            (at, is_file, uid, gid, mode) = (parent, false, None, None, None);
        }
    }
    let keeps = if is_file && keeps == Keeps::Scratch {
        Keeps::State
    } else {
        keeps
    };
    Volume {
        name: String::new(),
        // Refused paths are gone: these are UTF-8.
        path: String::from_utf8_lossy(at.as_bytes()).into_owned(),
        at,
        keeps,
        class: mount.class,
        is_file,
        uid,
        gid,
        mode,
        size: mount.size_bytes.unwrap_or(0),
        seed: mount.seed,
        hides: mount.hides,
    }
}

fn octal(text: &str) -> u32 {
    u32::from_str_radix(text, 8).unwrap_or(0o755) & 0o7777
}

/// Why no manifest can name a path.
pub(super) fn refusal(path: &AppPath) -> Option<&'static str> {
    let bytes = path.as_bytes();
    let Ok(text) = std::str::from_utf8(bytes) else {
        return Some("its name is not UTF-8, which YAML, JSON and unit files ask for");
    };
    if path.is_root() {
        Some("the top of the root cannot be a mount over itself")
    } else if bytes.len() > PATH_MAX || path.components().any(|part| part.len() > NAME_MAX) {
        Some("it is longer than Linux allows")
    } else if path.is_pattern() {
        Some("it stands for several paths, and a mount names one")
    } else if text.chars().any(char::is_control) {
        Some("its name has a control character, which a line of text cannot hold")
    } else {
        None
    }
}
