//! What the image itself has of the plan: how it is started, and its empty mount points.

use std::collections::BTreeSet;

use crate::path::AppPath;
use crate::report::{EnvVar, Port, Report};

use super::service::Service;
use super::volume::{Keeps, Volume};
use super::{Input, Limit, Storage};

/// How an image is started, and what is mounted over it.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The name in all manifests.
    pub name: String,
    /// The user and group it is started as.
    pub ids: (u32, u32),
    /// Program and arguments; empty when nothing tells them.
    pub command: Vec<String>,
    /// The environment, without what is a secret.
    pub env: Vec<EnvVar>,
    /// The ports.
    pub ports: Vec<Port>,
    /// The working directory.
    pub directory: Option<String>,
    /// The signal that ends it.
    pub stop_signal: Option<String>,
    /// Empty mount points, by path.
    pub points: Vec<Point>,
    /// The accounts of its processes: name, user id and group id.
    pub accounts: Vec<(String, u32, u32)>,
    /// What an image cannot express.
    pub limits: Vec<Limit>,
}

/// An empty file or directory over which something is mounted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Point {
    /// Where.
    pub path: AppPath,
    /// Whether it is a file.
    pub is_file: bool,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Permission bits.
    pub mode: u32,
    /// Whether what it keeps outlives a container.
    pub is_kept: bool,
}

/// The image's part of a report's plan; `start` is a command that counts before the audit's.
#[must_use]
pub fn settings(report: &Report, start: Option<&[String]>) -> Settings {
    let input = Input {
        report,
        image: None,
        start,
        content: None,
        secrets: false,
        parts: None,
        storage: Storage::default(),
    };
    let service = Service::new(&input);
    let mut limits = service.limits.clone();
    for process in &service.processes[1..] {
        limits.push(Limit::new(
            &process.name,
            "an image starts one process",
            format!(
                "{} is started; give another container this command: {}",
                service.first().name,
                process.command.join(" ")
            ),
        ));
    }
    limits.extend(service.apart());
    let first = service.first();
    Settings {
        ids: first.ids,
        command: first.command.clone(),
        env: service.env.clone(),
        ports: service.ports.clone(),
        directory: first.directory.clone(),
        stop_signal: first.stop_signal.clone(),
        points: service
            .volumes
            .iter()
            .filter(|volume| !is_customary(volume))
            .map(|volume| service.point(volume))
            .collect(),
        accounts: service.accounts(),
        limits,
        name: service.name,
    }
}

/// Whether every image has the directory, whoever its application is.
fn is_customary(volume: &Volume) -> bool {
    volume.is_own && ["/run", "/tmp", "/var/tmp"].contains(&volume.path.as_str())
}

impl Service<'_> {
    /// The mount point of a volume, with the owner and mode that the volume is to have: runc before
    /// 1.1.8 gives a tmpfs the mode of its mount point, and podman's `kube play` both.
    pub(super) fn point(&self, volume: &Volume) -> Point {
        let (uid, gid) = self.owner(volume);
        let mode = match volume.keeps {
            Keeps::Scratch if !volume.is_file => volume.scratch_bits(),
            _ => volume.bits(),
        };
        Point {
            path: volume.at.clone(),
            is_file: volume.is_file,
            uid,
            gid,
            mode,
            is_kept: volume.keeps == Keeps::State,
        }
    }

    /// Names for the numbers: many programs look their user up by name.
    pub(super) fn accounts(&self) -> Vec<(String, u32, u32)> {
        let plan = &self.report.plan;
        let own = plan
            .user
            .iter()
            .map(|user| (user.name.as_str(), user.uid, user.gid));
        let started = plan
            .start
            .iter()
            .filter_map(|start| Some((start.user.as_deref()?, start.uid, start.gid)));
        let is_name = |name: &str| {
            let fits = |b: u8| b.is_ascii_alphanumeric() || b"_-".contains(&b);
            name.bytes().all(fits) && name.bytes().next().is_some_and(|b| b.is_ascii_alphabetic())
        };
        let mut names: BTreeSet<(String, u32, u32)> = BTreeSet::new();
        for (name, uid, gid) in own.chain(started) {
            if let (Some(uid), Some(gid)) = (uid, gid)
                && is_name(name)
                && uid != 0
                && !names.iter().any(|(known, ..)| known == name)
            {
                names.insert((name.to_owned(), uid, gid));
            }
        }
        names.into_iter().collect()
    }
}
