//! What an image has of the system beside packages, and what of the system it never has.

use crate::path::AppPath;

/// Files that scripts of packages made, without which programs do not find their libraries, users,
/// names, trusted authorities, languages and time zones: hier(7), ld.so(8), nsswitch.conf(5),
/// login.defs(5), pam_env(8), locale(7), tzfile(5), and where each distribution keeps certificates.
const FILES: &[&str] = &[
    "/etc/crypto-policies",
    "/etc/default/locale",
    "/etc/environment",
    "/etc/gai.conf",
    "/etc/host.conf",
    "/etc/ld-musl-aarch64.path",
    "/etc/ld-musl-x86_64.path",
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d",
    "/etc/locale.conf",
    "/etc/localtime",
    "/etc/login.defs",
    "/etc/mime.types",
    "/etc/networks",
    "/etc/nsswitch.conf",
    "/etc/os-release",
    "/etc/pki/ca-trust/extracted",
    "/etc/pki/java",
    "/etc/pki/tls/cert.pem",
    "/etc/pki/tls/certs",
    "/etc/pki/tls/openssl.cnf",
    "/etc/profile",
    "/etc/protocols",
    "/etc/rpc",
    "/etc/services",
    "/etc/shells",
    "/etc/ssl/cert.pem",
    "/etc/ssl/certs",
    "/etc/ssl/openssl.cnf",
    "/etc/timezone",
    "/usr/lib/locale",
    "/usr/share/zoneinfo",
];

/// What scripts, wrappers and `system(3)` are run by.
pub(super) const PROGRAMS: &[&str] = &["/bin/sh", "/usr/bin/env"];

/// Directories that runtimes mount over, which a read-only root must have, and that programs count
/// on (FHS 3.0), with the mode where the disk has none.
pub(super) const DIRECTORIES: &[(&str, u32)] = &[
    ("/dev", 0o755),
    ("/etc", 0o755),
    ("/home", 0o755),
    ("/proc", 0o555),
    ("/root", 0o700),
    ("/run", 0o755),
    ("/sys", 0o555),
    ("/tmp", 0o1777),
    ("/var/cache", 0o755),
    ("/var/lib", 0o755),
    ("/var/log", 0o755),
    ("/var/tmp", 0o1777),
];

/// Older names of such directories, which are links today.
pub(super) const OLDER: &[&str] = &["/var/lock", "/var/mail", "/var/run"];

/// Files of the system that everybody may write a password into.
pub(super) const VARIABLES: &[&str] = &["/etc/environment", "/etc/profile"];

/// Directories in which links are found that packages did not bring: those of
/// update-alternatives(1).
pub(super) const LINKED: &[&str] = &[
    "/etc/alternatives",
    "/usr/bin",
    "/usr/sbin",
    "/usr/lib64",
    "/usr/lib/x86_64-linux-gnu",
    "/usr/lib/aarch64-linux-gnu",
    "/usr/lib/jvm",
];

/// What is the paperwork of other packages than the application's; their terms of licence
/// (`copyright`) are none.
const PAPERWORK: &[&str] = &[
    "/usr/share/bug",
    "/usr/share/doc",
    "/usr/share/doc-base",
    "/usr/share/info",
    "/usr/share/lintian",
    "/usr/share/man",
];

/// What belongs to one host, or to the moment: its own names, keys and accounts' passwords, state of
/// the package manager, and filesystems of the kernel.
const OUTSIDE: &[&str] = &[
    "/dev",
    "/etc/fstab",
    "/etc/group-",
    "/etc/gshadow",
    "/etc/gshadow-",
    "/etc/hostname",
    "/etc/hosts",
    "/etc/machine-id",
    "/etc/mtab",
    "/etc/passwd-",
    "/etc/resolv.conf",
    "/etc/security/opasswd",
    "/etc/shadow",
    "/etc/shadow-",
    "/etc/ssl/private",
    "/proc",
    "/run",
    "/sys",
    "/tmp",
    "/var/cache",
    "/var/lib/apt",
    "/var/lib/dpkg",
    "/var/log",
    "/var/tmp",
];

/// The files that are there on some system, in order.
pub(super) fn files() -> impl Iterator<Item = AppPath> {
    FILES.iter().map(AppPath::new)
}

/// Whether this is paperwork.
pub(super) fn is_paperwork(path: &AppPath) -> bool {
    path.name() != b"copyright"
        && PAPERWORK
            .iter()
            .any(|dir| path.is_below(&AppPath::new(dir)))
}

/// Whether this stays with the host; a directory itself is there, empty.
pub(super) fn is_kept_outside(path: &AppPath) -> bool {
    OUTSIDE.iter().any(|place| {
        let place = AppPath::new(place);
        path.is_below(&place) || (*path == place && place.is_within(&AppPath::new("/etc")))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_belongs_to_a_host_stays_there() {
        for path in [
            "/etc/shadow",
            "/etc/ssl/private/a.key",
            "/proc/1",
            "/var/log/x",
        ] {
            assert!(is_kept_outside(&AppPath::new(path)), "{path}");
        }
        for path in ["/proc", "/tmp", "/var/log", "/etc/passwd", "/etc/shadowy"] {
            assert!(!is_kept_outside(&AppPath::new(path)), "{path}");
        }
    }

    #[test]
    fn terms_of_licence_are_no_paperwork() {
        assert!(is_paperwork(&AppPath::new("/usr/share/doc/x/README")));
        assert!(!is_paperwork(&AppPath::new("/usr/share/doc/x/copyright")));
        assert!(!is_paperwork(&AppPath::new("/usr/share/doc")));
    }
}
