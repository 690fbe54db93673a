//! Which filesystems of this host are pseudo or network ones, known before anything touches them.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::os::fd::OwnedFd;
use std::sync::{Mutex, OnceLock, PoisonError};

use crate::fact::IssueKind;

/// What kind of filesystem a device number stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Medium {
    /// On a disk or in memory.
    Local,
    /// Made up by the kernel.
    Pseudo,
    /// Served by another host.
    Network,
}

/// Types made up by the kernel, as `/proc/filesystems` marks them `nodev`; `tmpfs`, `overlay` and
/// the like are `nodev` too, but hold files that somebody put there.
const PSEUDO: &[&str] = &[
    "autofs",
    "binder",
    "binfmt_misc",
    "bpf",
    "cgroup",
    "cgroup2",
    "configfs",
    "debugfs",
    "devpts",
    "devtmpfs",
    "efivarfs",
    "fusectl",
    "hugetlbfs",
    "mqueue",
    "nsfs",
    "pipefs",
    "proc",
    "pstore",
    "resctrl",
    "rpc_pipefs",
    "securityfs",
    "selinuxfs",
    "smackfs",
    "sockfs",
    "sysfs",
    "tracefs",
];

const NETWORK: &[&str] = &[
    "9p",
    "afs",
    "beegfs",
    "ceph",
    "cifs",
    "coda",
    "fuse.ceph",
    "fuse.glusterfs",
    "fuse.rclone",
    "fuse.s3fs",
    "fuse.sshfs",
    "gfs2",
    "glusterfs",
    "gpfs",
    "lustre",
    "ncpfs",
    "nfs",
    "nfs4",
    "nfsd",
    "ocfs2",
    "orangefs",
    "smb3",
    "smbfs",
    "virtiofs",
];

/// Filesystems that give a part of themselves a device number that no mount has (stat(2) of a
/// btrfs subvolume).
const WITH_SUBVOLUMES: &[&str] = &["bcachefs", "btrfs"];

/// Filesystems on a disk or in memory that have one device number each, by what statfs(2) says they
/// are: ext2, ext3 and ext4, XFS, overlay, tmpfs.
const PLAIN: &[u64] = &[0xef53, 0x5846_5342, 0x794c_7630, 0x0102_1994];

/// The mounted filesystems by device number.
#[derive(Debug, Default)]
pub(super) struct Mounts {
    /// A device that is local for certain.
    plain: Option<u64>,
    /// Read when another device is met: a host may have hundreds of mounts, and a tree mostly lies on
    /// one.
    table: OnceLock<Table>,
    /// Devices that were named.
    admitted: Mutex<BTreeSet<u64>>,
}

/// Type and medium by device number.
type Table = BTreeMap<u64, (String, Medium)>;

impl Mounts {
    /// Those around the directory `top`, which is open and lies on `device`.
    pub(super) fn around(top: &OwnedFd, device: u64) -> Self {
        let kind = rustix::fs::fstatfs(top).map(|found| found.f_type);
        let kind = kind.ok().and_then(|kind| u64::try_from(kind).ok());
        Self {
            plain: kind.filter(|kind| PLAIN.contains(kind)).map(|_| device),
            table: OnceLock::new(),
            admitted: Mutex::default(),
        }
    }

    fn table(&self) -> &Table {
        self.table.get_or_init(Self::of_this_host)
    }

    /// Those of this process, from `/proc/self/mountinfo` (proc_pid_mountinfo(5)); empty where
    /// there is none.
    #[expect(
        clippy::disallowed_methods,
        reason = "the host's own table, not the audited disk"
    )]
    fn of_this_host() -> Table {
        // The kernel hands out a page at a time, and a host has hundreds of mounts.
        let mut text = Vec::with_capacity(64 << 10);
        if let Ok(file) = std::fs::File::open("/proc/self/mountinfo") {
            // A table of a million mounts is cut: the rest is then asked for one by one.
            let _ = file.take(64 << 20).read_to_end(&mut text);
        }
        Self::parse(&String::from_utf8_lossy(&text))
    }

    fn parse(text: &str) -> Table {
        let mut mounts = BTreeMap::new();
        for line in text.lines() {
            let Some((head, tail)) = line.split_once(" - ") else {
                continue;
            };
            let device = head
                .split(' ')
                .nth(2)
                .and_then(|device| device.split_once(':'));
            let (Some((major, minor)), Some(kind)) = (device, tail.split(' ').next()) else {
                continue;
            };
            if let (Ok(major), Ok(minor)) = (major.parse(), minor.parse()) {
                mounts.insert(
                    rustix::fs::makedev(major, minor),
                    (kind.to_owned(), medium(kind)),
                );
            }
        }
        mounts
    }

    /// The type and medium of a device, where it is a mounted filesystem.
    fn get(&self, device: u64) -> Option<(&str, Medium)> {
        let found = self.table().get(&device);
        found.map(|(kind, medium)| (kind.as_str(), *medium))
    }

    /// The medium of a device, where it is a mounted filesystem.
    pub(super) fn medium(&self, device: u64) -> Option<Medium> {
        if self.plain == Some(device) {
            return Some(Medium::Local);
        }
        self.get(device).map(|(_, medium)| medium)
    }

    /// Whether nothing on a device is looked up, since the answer may never come: an automounter
    /// (autofs(5)), another host, or a program (fuse(4)), which nobody has named.
    pub(super) fn is_barred(&self, device: u64) -> bool {
        let is_served =
            |kind: &str| kind == "autofs" || kind == "fuse" || kind.starts_with("fuse.");
        self.plain != Some(device)
            && self
                .get(device)
                .is_some_and(|(kind, medium)| medium == Medium::Network || is_served(kind))
            && !self.is_admitted(device)
    }

    fn is_admitted(&self, device: u64) -> bool {
        let admitted = self.admitted.lock().unwrap_or_else(PoisonError::into_inner);
        admitted.contains(&device)
    }

    /// Lets lookups enter a device.
    pub(super) fn admit(&self, device: u64) {
        let mut admitted = self.admitted.lock().unwrap_or_else(PoisonError::into_inner);
        admitted.insert(device);
    }

    /// Why a directory on `device` is not entered from its parent on `parent`, if it is not.
    /// `all` lets every local filesystem in.
    pub(super) fn refusal(
        &self,
        device: u64,
        parent: u64,
        all: bool,
    ) -> Option<(IssueKind, String)> {
        if device == parent {
            return None;
        }
        match self.get(device) {
            Some((kind, Medium::Pseudo)) => Some(pseudo(kind)),
            Some((kind, Medium::Network)) => Some((
                IssueKind::PseudoFilesystem,
                format!("{kind} filesystem: not entered; name it to have it looked at"),
            )),
            Some((_, Medium::Local)) if all => None,
            Some((kind, Medium::Local)) => Some((
                IssueKind::OtherFilesystem,
                format!("another filesystem ({kind}): not entered; --all-filesystems enters it"),
            )),
            None if self.may_have_subvolumes(parent) => None,
            None => Some((
                IssueKind::OtherFilesystem,
                "another filesystem: not entered".into(),
            )),
        }
    }

    /// Why a directory that was named is not entered, if it is not: only what the kernel makes up.
    pub(super) fn refusal_of_named(&self, device: u64) -> Option<(IssueKind, String)> {
        if self.medium(device) != Some(Medium::Pseudo) {
            return None;
        }
        self.get(device).map(|(kind, _)| pseudo(kind))
    }

    /// Whether a device number that is in no mount may be a part of the filesystem `device`. One
    /// whose own number is in no mount is such a part already.
    fn may_have_subvolumes(&self, device: u64) -> bool {
        match self.get(device) {
            Some((kind, _)) => WITH_SUBVOLUMES.contains(&kind),
            None => !self.table().is_empty(),
        }
    }
}

fn pseudo(kind: &str) -> (IssueKind, String) {
    (
        IssueKind::PseudoFilesystem,
        format!("{kind} filesystem: not entered"),
    )
}

fn medium(kind: &str) -> Medium {
    if PSEUDO.contains(&kind) {
        Medium::Pseudo
    } else if NETWORK.contains(&kind) {
        Medium::Network
    } else {
        Medium::Local
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(text: &str) -> Mounts {
        Mounts {
            plain: None,
            table: OnceLock::from(Mounts::parse(text)),
            admitted: Mutex::default(),
        }
    }

    #[test]
    fn the_device_of_a_plain_tree_needs_no_table() {
        let top = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir());
        let top = rustix::fs::open(
            top.unwrap().path(),
            rustix::fs::OFlags::DIRECTORY,
            rustix::fs::Mode::empty(),
        )
        .unwrap();
        let device = rustix::fs::fstat(&top).unwrap().st_dev;
        let mounts = Mounts::around(&top, device);
        assert!(!mounts.is_barred(device));
        assert_ne!(mounts.medium(device), Some(Medium::Pseudo));
        assert!(mounts.refusal(device, device, false).is_none());
        assert_eq!(mounts.table.get().is_none(), mounts.plain.is_some());
        // Another one is looked up.
        assert!(!mounts.is_barred(device + 1));
        assert!(mounts.table.get().is_some());
    }

    #[test]
    fn mountinfo_gives_the_medium_of_each_device() {
        let mounts = listed(
            "22 1 0:20 / /proc rw - proc proc rw\n\
             29 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n\
             40 29 0:50 / /srv rw - nfs4 host:/x rw\nbroken line\n",
        );
        assert_eq!(
            mounts.get(rustix::fs::makedev(0, 20)),
            Some(("proc", Medium::Pseudo))
        );
        assert_eq!(
            mounts.get(rustix::fs::makedev(8, 1)),
            Some(("ext4", Medium::Local))
        );
        assert_eq!(
            mounts.get(rustix::fs::makedev(0, 50)),
            Some(("nfs4", Medium::Network))
        );
        assert_eq!(mounts.get(1), None);
    }

    #[test]
    fn only_local_filesystems_are_entered_and_only_on_request() {
        let mounts = listed(
            "1 0 0:20 / /proc rw - proc proc rw\n2 0 8:1 / / rw - ext4 /dev/sda1 rw\n\
             3 0 0:50 / /srv rw - nfs4 host:/x rw\n4 0 8:2 / /home rw - xfs /dev/sda2 rw\n\
             5 0 0:60 / /pool rw - btrfs /dev/sdb rw\n",
        );
        let device = rustix::fs::makedev;
        let (proc, ext4, nfs, xfs, btrfs) = (
            device(0, 20),
            device(8, 1),
            device(0, 50),
            device(8, 2),
            device(0, 60),
        );
        let entered = |device, parent, all| mounts.refusal(device, parent, all).is_none();
        assert!(entered(ext4, ext4, false));
        assert!(!entered(proc, ext4, true));
        assert!(!entered(nfs, ext4, true));
        assert!(!entered(xfs, ext4, false));
        assert!(entered(xfs, ext4, true));
        let subvolume = device(0, 99);
        assert!(entered(subvolume, btrfs, false));
        assert!(entered(device(0, 98), subvolume, false));
        assert!(!entered(subvolume, ext4, true));
        assert!(mounts.is_barred(nfs) && !mounts.is_barred(xfs) && !mounts.is_barred(proc));
        mounts.admit(nfs);
        assert!(!mounts.is_barred(nfs));
        assert!(mounts.refusal_of_named(nfs).is_none());
        assert!(mounts.refusal_of_named(proc).is_some());
    }
}
