//! fstab: filesystems of other hosts, own filesystems for data, shared memory.

use crate::fact::{Certainty, Class, IssueKind, Kind, Locus, Need, Source, Touch, What};
use crate::parse::fstab::{Mount, parse};

use super::argument::template;
use super::{Extractor, Input, Named, Out, environment, place, withhold};

/// Reads fstab(5).
pub const EXTRACTOR: Extractor = Extractor {
    name: "fstab",
    wants,
    run,
};

fn wants(input: &Input<'_>) -> bool {
    place::is(input.path, "/etc/fstab") && input.is_text()
}

fn run(input: &Input<'_>, out: &mut Out) {
    let (mounts, odd) = parse(place::text(input, place::LIMIT, out));
    for line in odd {
        let at = Locus::line(input.path, line);
        out.issue(at, IssueKind::Malformed, "not a line of fstab(5)");
    }
    for mount in &mounts {
        entry(mount, &Locus::line(input.path, mount.line), out);
    }
}

/// Who is talked to for a filesystem of the network.
pub fn server(mount: &Mount) -> What {
    What::Talks {
        service: mount.kind.clone(),
        to: withhold::word(&withhold::line(&mount.what).0),
    }
}

fn entry(mount: &Mount, at: &Locus, out: &mut Out) {
    let is_pseudo = matches!(
        mount.kind.as_str(),
        "proc"
            | "sysfs"
            | "devpts"
            | "swap"
            | "debugfs"
            | "securityfs"
            | "cgroup"
            | "cgroup2"
            | "efivarfs"
    );
    if mount.is_network() {
        out.fact(at.clone(), Certainty::Declared, server(mount));
    }
    let is_shared = mount.kind == "hugetlbfs" || mount.place == b"/dev/shm";
    if is_shared {
        let size = mount
            .options
            .iter()
            .find(|option| option.starts_with("size="));
        let what = What::Needs {
            need: Need::SharedMemory,
            name: size.unwrap_or(&mount.kind).clone(),
        };
        out.fact(at.clone(), Certainty::Declared, what);
    }
    // The host's own top and boot directories are no application's.
    let is_own = !mount.place.starts_with(b"/boot") && !mount.place.starts_with(b"/dev");
    if !is_pseudo && is_own {
        let class = (mount.kind == "tmpfs").then_some(Class::Temp);
        add(
            &mount.place,
            (Touch::Names, Some(Kind::Dir), "fstab", class),
            at,
            out,
        );
    }
    credentials(mount, at, out);
}

/// mount.cifs(8): a file with the password, or the password itself.
fn credentials(mount: &Mount, at: &Locus, out: &mut Out) {
    for option in &mount.options {
        let Some((key, value)) = option.split_once('=') else {
            continue;
        };
        match key {
            "credentials" | "cred" => {
                let named = (
                    Touch::Reads,
                    Some(Kind::File),
                    "credentials",
                    Some(Class::Secret),
                );
                add(value.as_bytes(), named, at, out);
            }
            "password" | "pass" => environment::secret(key, at, out),
            _ => {}
        }
    }
}

fn add(
    word: &[u8],
    (touch, kind, by, class): (Touch, Option<Kind>, &str, Option<Class>),
    at: &Locus,
    out: &mut Out,
) {
    if let Some(path) = template(word) {
        let named = Named {
            touch,
            source: Source::Config,
            by,
            kind,
            class,
        };
        out.path(at.clone(), Certainty::Declared, path, named);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::extract::testing::run;

    #[test]
    fn network_filesystems_shared_memory_and_credentials() {
        assert_eq!(
            run(
                &EXTRACTOR,
                "/etc/fstab",
                "UUID=1 / ext4 defaults 0 1\nfiler:/x /srv/x nfs4 rw 0 0\ntmpfs /dev/shm tmpfs size=4g\n//h/s /mnt/s cifs credentials=/root/c,password=hunter2\nproc /proc proc\n/dev/sdb /var/lib/app xfs\n"
            ),
            [
                "2 Talks nfs4 filer:/x Declared",
                "2 Path /srv/x Names fstab Dir ? Declared",
                "3 Needs SharedMemory size=4g Declared",
                "4 Talks cifs //h/s Declared",
                "4 Path /mnt/s Names fstab Dir ? Declared",
                "4 Path /root/c Reads credentials File Secret Declared",
                "4 Secret password password Inferred",
                "6 Path /var/lib/app Names fstab Dir ? Declared",
            ]
        );
    }
}
