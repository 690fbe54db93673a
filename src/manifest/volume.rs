//! The plan's mounts as volumes: what each keeps, under which name, and which paths no runtime
//! can take.

use std::collections::BTreeMap;

use crate::fact::{Access, Class};
use crate::path::AppPath;
use crate::report::{Mount, MountKind, Plan, Scratch};

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
    /// The starts that use it, by name; empty when all may.
    pub(super) serves: Vec<String>,
    /// Whether it is scratch space that every read-only root gets, each container its own.
    pub(super) is_own: bool,
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

    /// Permission bits of scratch space: where nothing tells the owner, everybody may write.
    pub(super) fn scratch_bits(&self) -> u32 {
        match self.mode {
            Some(mode) => mode,
            None if self.uid.is_some() => 0o755,
            None => 0o1777,
        }
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
        odd(mount, &mut limits);
        let volume = volume(mount, plan, &mut limits);
        let known = found.entry(volume.at.clone()).or_insert(volume.clone());
        let serves = both(&known.serves, &volume.serves);
        // Two mounts that became one: what is written wins over what is read.
        if volume.is_written() && !known.is_written() {
            *known = volume;
        }
        known.serves = serves;
    }
    for scratch in &plan.scratch {
        match refusal(&scratch.path) {
            Some(why) => {
                let about = scratch.path.to_text();
                limits.push(Limit::new(about, why, "left out: mount a tmpfs by hand"));
            }
            None => {
                let volume = own(scratch);
                // Every process needs something there, whatever it is.
                let there = found.entry(volume.at.clone()).or_insert(volume);
                there.serves.clear();
            }
        }
    }
    let mut labels = Labels::default();
    let mut volumes: Vec<Volume> = found.into_values().collect();
    for volume in &mut volumes {
        volume.name = labels.fresh(volume.at.as_bytes());
    }
    (volumes, limits)
}

/// What a mount does to the application that no target can help.
fn odd(mount: &Mount, limits: &mut Vec<Limit>) {
    if mount.replaced && mount.kind == MountKind::File {
        limits.push(Limit::new(
            mount.path.to_text(),
            "the application renames another file over it, which fails where it is a mount",
            "mounted all the same: let it keep the file in a directory of its own",
        ));
    }
    if let Some(place) = mount
        .may_be_replaced
        .as_ref()
        .filter(|_| mount.kind == MountKind::File)
    {
        limits.push(Limit::new(
            mount.path.to_text(),
            format!("the application has code that renames other files over its own ({}{}), which fails where one is a mount", place.file, place.within()),
            "mounted all the same: try a write, and where it fails with EBUSY let it keep the file in a directory of its own",
        ));
    }
    if mount.hides_code > 0 && !mount.seed && mount.access == Access::Rw {
        limits.push(Limit::new(
            mount.path.to_text(),
            format!(
                "it begins empty, and {} files of code are there today",
                mount.hides_code
            ),
            "mounted all the same: copy them into it",
        ));
    }
}

/// The starts that two mounts serve together; no names stand for all.
fn both(one: &[String], other: &[String]) -> Vec<String> {
    if one.is_empty() || other.is_empty() {
        return Vec::new();
    }
    let mut all = [one, other].concat();
    all.sort();
    all.dedup();
    all
}

/// Scratch space of the read-only root.
fn own(scratch: &Scratch) -> Volume {
    Volume {
        name: String::new(),
        path: String::from_utf8_lossy(scratch.path.as_bytes()).into_owned(),
        at: scratch.path.clone(),
        keeps: Keeps::Scratch,
        class: Class::Temp,
        is_file: false,
        uid: Some(0),
        gid: Some(0),
        mode: Some(octal(&scratch.mode)),
        size: 0,
        seed: false,
        hides: 0,
        serves: Vec::new(),
        is_own: true,
    }
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
            (at, is_file, uid, gid, mode) = (parent, false, Some(0), Some(0), Some(0o1777));
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
        serves: mount.serves.clone(),
        is_own: false,
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
