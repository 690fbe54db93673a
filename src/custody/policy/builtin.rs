//! The rules that hold where a policy says nothing else.

use super::{Policy, Role};
use crate::path::AppPath;
use crate::policy::places::Pattern;

/// The roles, the lowest layer's first.
pub(super) const ROLES: [&str; 3] = ["core", "middleware", "application"];

/// What the roles above the lowest never touch: who puts something there has the whole image. The
/// loader and what it is told (ld.so(8)), accounts and who may become whom (nsswitch.conf(5),
/// pam(8), sudoers(5)).
pub(super) const NEVER: &[&str] = &[
    "/etc/ld.so.preload",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d/**",
    "/etc/ld.so.cache",
    "/etc/ld-musl-*.path",
    "/{lib,lib32,lib64,libx32}/ld-*",
    "/usr/{lib,lib32,lib64,libx32}/ld-*",
    "/{lib,usr/lib}/*/ld-*",
    "/etc/passwd",
    "/etc/shadow",
    "/etc/group",
    "/etc/gshadow",
    "/etc/subuid",
    "/etc/subgid",
    "/etc/nsswitch.conf",
    "/etc/pam.conf",
    "/etc/pam.d/**",
    "/{lib,lib64,usr/lib,usr/lib64}/security/**",
    "/{lib,usr/lib}/*/security/**",
    "/etc/security/**",
    "/etc/sudoers",
    "/etc/sudoers.d/**",
    "/etc/doas.conf",
    // What loaders and shells take before anything else: libraries for the processor at hand, what
    // every login reads, what converts character sets, what each interpreter imports.
    "/{lib,lib32,lib64,usr/lib,usr/lib32,usr/lib64}/glibc-hwcaps/**",
    "/{lib,usr/lib,usr/local/lib}/*/glibc-hwcaps/**",
    "/usr/local/lib/glibc-hwcaps/**",
    "/{lib,lib64,usr/lib,usr/lib64}/tls/**",
    "/{lib,usr/lib}/*-linux-*/tls/**",
    "/etc/profile",
    "/etc/profile.d/**",
    "/etc/environment",
    "/etc/environment.d/**",
    "/etc/bash.bashrc",
    "/etc/bashrc",
    "/etc/bash_completion.d/**",
    "/etc/{zshenv,zprofile,zshrc,zlogin,csh.cshrc,csh.login,kshrc,mkshrc}",
    "/etc/zsh/**",
    "/root/.{profile,bashrc,bash_profile,bash_login,bash_logout,kshrc,shrc,zshenv,zprofile,zshrc,cshrc,login}",
    "/root/.ssh/**",
    "/{lib,lib64,usr/lib,usr/lib64}/gconv/**",
    "/{lib,usr/lib}/*/gconv/**",
    "/usr/{lib,lib64,local/lib}/python*/{sitecustomize,usercustomize}.py",
    "/usr/{lib,lib64,local/lib}/python*/{site-packages,dist-packages}/{sitecustomize,usercustomize}.py",
    "/etc/python*/sitecustomize.py",
];

pub(super) fn policy() -> Policy {
    let role = |(at, name): (usize, &str)| Role {
        name: name.to_owned(),
        keys: Vec::new(),
        threshold: 1,
        may_add: patterns(&["/**"]),
        may_change: Vec::new(),
        never: never(at),
        may_set: None,
    };
    Policy {
        roles: ROLES.into_iter().enumerate().map(role).collect(),
        expires: None,
        image: None,
        not_before: None,
        min_version: None,
        countersigned: false,
    }
}

/// What the role of a place in the order never touches.
pub(super) fn never(at: usize) -> Vec<Pattern> {
    if at == 0 { Vec::new() } else { patterns(NEVER) }
}

pub(super) fn patterns(texts: &[&str]) -> Vec<Pattern> {
    // A test reads each of them.
    texts
        .iter()
        .filter_map(|text| Pattern::read(text).ok())
        .collect()
}

/// Whether an empty file there is a place to mount at. Elsewhere it may mean something: the marker
/// of a Python package, a file whose presence alone turns something on.
pub(super) fn is_mounted_at(path: &AppPath) -> bool {
    const PLACES: [&str; 6] = ["etc", "home", "root", "run", "srv", "var"];
    let first = path.components().next().unwrap_or_default();
    PLACES.iter().any(|place| place.as_bytes() == first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_never_touched_is_read() {
        let patterns = patterns(NEVER);
        assert_eq!(patterns.len(), NEVER.len());
        let covers = |path: &str| patterns.iter().any(|p| p.covers(&AppPath::new(path)));
        for path in [
            "/etc/ld.so.preload",
            "/etc/ld.so.conf.d/app.conf",
            "/lib64/ld-linux-x86-64.so.2",
            "/usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2",
            "/lib/ld-musl-x86_64.so.1",
            "/etc/pam.d/login",
            "/usr/lib/x86_64-linux-gnu/security/pam_unix.so",
            "/etc/sudoers.d",
            "/usr/lib/glibc-hwcaps/x86-64-v3/libm.so.6",
            "/usr/lib/x86_64-linux-gnu/glibc-hwcaps",
            "/etc/profile.d/x.sh",
            "/root/.bashrc",
            "/usr/lib/python3/dist-packages/sitecustomize.py",
            "/usr/lib/python3.11/sitecustomize.py",
            "/usr/lib/x86_64-linux-gnu/gconv/gconv-modules.d/x.conf",
        ] {
            assert!(covers(path), "{path}");
        }
        for path in [
            "/etc/app/passwd",
            "/usr/lib/libld-x.so",
            "/opt/app/lib/ld-x",
            "/opt/app/profile.d/x.sh",
            "/root/.config/app",
            "/usr/lib/python3/dist-packages/app.py",
            "/usr/lib/tlsdate/x",
        ] {
            assert!(!covers(path), "{path}");
        }
    }
}
