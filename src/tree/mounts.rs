//! Which filesystems of this host are pseudo or network ones, known before anything touches them.

use std::collections::BTreeMap;
use std::io::Read;

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

/// The mounted filesystems by device number.
#[derive(Debug, Default)]
pub(super) struct Mounts(BTreeMap<u64, (String, Medium)>);

impl Mounts {
    /// Those of this process, from `/proc/self/mountinfo` (proc_pid_mountinfo(5)); empty where
    /// there is none.
    #[expect(
        clippy::disallowed_methods,
        reason = "the host's own table, not the audited disk"
    )]
    pub(super) fn of_this_host() -> Self {
        let mut text = Vec::new();
        if let Ok(file) = std::fs::File::open("/proc/self/mountinfo") {
            // A table of a million mounts is cut: the rest is then asked for one by one.
            let _ = file.take(64 << 20).read_to_end(&mut text);
        }
        Self::parse(&String::from_utf8_lossy(&text))
    }

    fn parse(text: &str) -> Self {
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
        Self(mounts)
    }

    /// The type and medium of a device, where it is a mounted filesystem. A btrfs subvolume has a
    /// device number of its own without being one.
    pub(super) fn get(&self, device: u64) -> Option<(&str, Medium)> {
        self.0
            .get(&device)
            .map(|(kind, medium)| (kind.as_str(), *medium))
    }

    /// Whether the host has such a table at all.
    pub(super) fn is_known(&self) -> bool {
        !self.0.is_empty()
    }
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

    #[test]
    fn mountinfo_gives_the_medium_of_each_device() {
        let mounts = Mounts::parse(
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
}
