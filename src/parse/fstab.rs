//! fstab(5): filesystems that are mounted on the old host.

use super::line::{entries, fields, text};

/// A line of fstab.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mount {
    /// Line from 1.
    pub line: u32,
    /// What is mounted: a device, `host:/export`, `//host/share`, a label.
    pub what: Vec<u8>,
    /// Where; `none` for swap.
    pub place: Vec<u8>,
    /// The filesystem's type.
    pub kind: String,
    /// Options in order.
    pub options: Vec<String>,
}

impl Mount {
    /// Whether the filesystem is reached over a network.
    #[must_use]
    pub fn is_network(&self) -> bool {
        is_network(&self.kind) || self.options.iter().any(|option| option == "_netdev")
    }
}

/// Whether a type of filesystem is reached over a network (mount(8), mount.fuse(8)).
#[must_use]
pub fn is_network(kind: &str) -> bool {
    const KINDS: [&str; 17] = [
        "nfs",
        "nfs4",
        "cifs",
        "smb3",
        "smbfs",
        "ncpfs",
        "afs",
        "ceph",
        "glusterfs",
        "lustre",
        "gpfs",
        "gfs",
        "gfs2",
        "ocfs2",
        "sshfs",
        "davfs",
        "9p",
    ];
    KINDS.contains(&kind.strip_prefix("fuse.").unwrap_or(kind))
}

/// The lines of a file, and the numbers of those not understood.
#[must_use]
pub fn parse(file: &[u8]) -> (Vec<Mount>, Vec<u32>) {
    let mut found = Vec::new();
    let mut odd = Vec::new();
    for (line, entry) in entries(file) {
        let parts: Vec<&[u8]> = fields(entry).collect();
        let [what, place, kind, rest @ ..] = parts.as_slice() else {
            odd.push(line);
            continue;
        };
        found.push(Mount {
            line,
            what: unescape(what),
            place: unescape(place),
            kind: text(kind),
            options: rest
                .first()
                .map(|options| text(options).split(',').map(str::to_owned).collect())
                .unwrap_or_default(),
        });
    }
    (found, odd)
}

/// fstab(5): a blank in a name is written `\040`.
fn unescape(field: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(field.len());
    let mut at = 0;
    while let Some(&byte) = field.get(at) {
        let code = field
            .get(at + 1..at + 4)
            .filter(|digits| byte == b'\\' && digits.iter().all(|b| (b'0'..=b'7').contains(b)))
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 8).ok());
        out.push(code.unwrap_or(byte));
        at += if code.is_some() { 4 } else { 1 };
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn network_filesystems_and_escapes() {
        let (mounts, odd) = parse(
            b"# x\nUUID=1 / ext4 defaults 0 1\nfiler:/vol/app /srv/my\\040data nfs4 rw,hard 0 0\n//win/share /mnt cifs credentials=/etc/cred\n/dev/drbd0 /d ext4 _netdev\nshort line\n",
        );
        assert_eq!(odd, [6]);
        assert_eq!(mounts[1].place, b"/srv/my data");
        let network: Vec<_> = mounts.iter().map(Mount::is_network).collect();
        assert_eq!(network, [false, true, true, true]);
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_read(file: Vec<u8>) {
            let _ = parse(&file);
        }
    }
}
