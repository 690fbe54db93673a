//! The volumes to fill from the old root, for whoever copies.

use super::Input;
use super::k8s;
use super::service::Service;
use super::volume::{Keeps, Volume};
use crate::path::AppPath;
use crate::report::Report;

/// A volume that outlives a container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fill {
    /// Its name in all manifests.
    pub name: String,
    /// Its path in an archive for a cluster, which is unpacked where `k8s/migrate.sh` mounts the claims: its
    /// name, and below the claim that all single files share for one that is kept in it.
    pub claim: String,
    /// Where it is mounted, which is where its content is in the old root.
    pub path: AppPath,
    /// `config`, `secret` or `state`.
    pub keeps: &'static str,
    /// Whether it is a single file.
    pub is_file: bool,
    /// Whether the old content belongs into it; else it begins empty.
    pub copies: bool,
    /// Owner of a volume that begins empty.
    pub uid: u32,
    /// Group of one.
    pub gid: u32,
    /// Permission bits of one.
    pub mode: u32,
}

/// What is to be filled for an application.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filling {
    /// The application's name in all manifests.
    pub name: String,
    /// The host's directory that holds the volumes.
    pub base: String,
    /// The volumes, in the order of their paths.
    pub volumes: Vec<Fill>,
}

/// What is to be filled for the application of `report`.
#[must_use]
pub fn filling(report: &Report) -> Filling {
    let input = Input {
        report,
        image: None,
        start: None,
        content: None,
        secrets: false,
        parts: None,
        storage: super::Storage::default(),
    };
    let service = Service::new(&input);
    Filling {
        base: service.base(),
        volumes: fills(&service),
        name: service.name,
    }
}

/// Every volume that outlives a container.
pub(super) fn fills(service: &Service<'_>) -> Vec<Fill> {
    let kept = service.volumes.iter();
    let kept = kept.filter(|volume| volume.keeps != Keeps::Scratch);
    kept.map(|volume| fill(service, volume)).collect()
}

fn fill(service: &Service<'_>, volume: &Volume) -> Fill {
    let owner = service.first().ids;
    Fill {
        name: volume.name.clone(),
        claim: k8s::in_claims(volume),
        path: volume.at.clone(),
        keeps: volume.keeps.word(),
        is_file: volume.is_file,
        copies: volume.seed || !volume.is_written(),
        uid: volume.uid.unwrap_or(owner.0),
        gid: volume.gid.unwrap_or(owner.1),
        mode: volume.bits(),
    }
}

/// What the top of a filesystem has by itself: a volume that holds no more is empty. The name, whether
/// it is the whole one or what names begin with, and who makes it.
pub const NOTHING: &[(&str, bool, &str)] = &[
    ("lost+found", true, "ext2, ext3 and ext4: mke2fs(8)"),
    (".snapshot", true, "servers of NFS that keep snapshots"),
    (".snapshots", true, "snapper(8) on btrfs, and GPFS"),
    (".zfs", true, "ZFS with snapdir=visible: zfsprops(7)"),
    (".snap", true, "CephFS: its documentation, Snapshots"),
    (
        ".Trash",
        false,
        "the bin of a desktop: freedesktop.org, Trash specification",
    ),
    (".trashcan", true, "GlusterFS: its documentation, Trash"),
    (".glusterfs", true, "GlusterFS, in each brick"),
    (".autorelabel", true, "SELinux: selinux-autorelabel(8)"),
    ("aquota.user", true, "quotas: quotacheck(8)"),
    ("aquota.group", true, "quotas: quotacheck(8)"),
];
