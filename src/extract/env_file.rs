//! Files of variables that start scripts and units read: `/etc/default`, `/etc/sysconfig`, `.env`.

use crate::fact::{Certainty, Locus, What};
use crate::parse::env_file::parse;
use crate::path::AppPath;

use super::{Extractor, Input, Out, environment, place, withhold};

/// Reads files of `NAME=value` lines in the places made for them.
pub const EXTRACTOR: Extractor = Extractor {
    name: "env-file",
    wants,
    run,
};

/// Directories of such files: Debian, Red Hat and SUSE, Gentoo and Alpine, BSD.
const DIRS: [&[u8]; 4] = [
    b"/etc/default/",
    b"/etc/sysconfig/",
    b"/etc/conf.d/",
    b"/etc/rc.conf.d/",
];

fn wants(input: &Input<'_>) -> bool {
    let path = input.path;
    let is_kept = path.name() == b".env" || !place::is_leftover(path);
    is_kept_apart(path) && is_kept && input.interpreter().is_none() && input.is_text()
}

/// Whether a place or name is one of such files.
pub(super) fn is_kept_apart(path: &AppPath) -> bool {
    let whole = path.as_bytes();
    let in_place =
        DIRS.iter().any(|dir| whole.starts_with(dir)) || place::is(path, "/etc/environment");
    in_place || path.name().ends_with(b".env")
}

fn run(input: &Input<'_>, out: &mut Out) {
    facts(place::text(input, place::LIMIT, out), input.path, out);
}

/// Adds the facts of such a file, wherever a unit or script says it lies.
pub fn facts(text: &[u8], file: &AppPath, out: &mut Out) {
    for assignment in parse(text).0 {
        let at = Locus::line(file, assignment.line);
        environment::set(
            &assignment.name,
            &assignment.value,
            &at,
            Certainty::Inferred,
            out,
        );
        if is_user(&assignment.name, file) && is_account(&assignment.value) {
            let what = What::RunsAs {
                user: withhold::word(&assignment.value),
                group: None,
            };
            out.fact(at, Certainty::Inferred, what);
        }
    }
}

/// Names by which start scripts choose the user of a daemon, its own name in front or not.
fn is_user(name: &str, file: &AppPath) -> bool {
    const NAMES: [&str; 8] = [
        "USER",
        "USERID",
        "RUNAS",
        "RUNASUSER",
        "RUNUSER",
        "DAEMONUSER",
        "SERVICEUSER",
        "USERNAME",
    ];
    let squeezed = |text: &str| -> String {
        let plain = text.chars().filter(char::is_ascii_alphanumeric);
        plain.map(|c| c.to_ascii_uppercase()).collect()
    };
    let own = squeezed(&String::from_utf8_lossy(file.name()));
    let name = squeezed(name);
    let bare = name.strip_prefix(&own).filter(|_| !own.is_empty());
    NAMES.contains(&name.as_str()) || bare.is_some_and(|bare| NAMES.contains(&bare))
}

fn is_account(value: &[u8]) -> bool {
    let fits = |b: &u8| b.is_ascii_alphanumeric() || b"_-.".contains(b);
    value.first().is_some_and(u8::is_ascii_alphabetic) && value.iter().all(fits)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::extract::testing::{self, run};

    #[test]
    fn options_paths_users_and_secrets() {
        assert_eq!(
            run(
                &EXTRACTOR,
                "/etc/default/app",
                "# c\nAPP_USER=app\nOPTS=\"-f /etc/app.conf\"\nDATA=/srv/${NAME}/x\nAPI_TOKEN=hunter2\n"
            ),
            [
                "2 Env APP_USER=app Inferred",
                "2 RunsAs app - Inferred",
                "3 Env OPTS=-f /etc/app.conf Inferred",
                "3 Path /etc/app.conf Names -f ? ? Inferred",
                "4 Env DATA=/srv/${NAME}/x Inferred",
                "5 Env API_TOKEN Inferred",
                "5 Secret token API_TOKEN Inferred",
            ]
        );
    }

    #[test]
    fn scripts_and_leftovers_are_none() {
        let stat = testing::stat(9);
        let is_wanted = |path: &str, head: &[u8]| {
            let path = AppPath::new(path);
            wants(&Input::new(&path, &stat, head, &head.to_vec()))
        };
        assert!(is_wanted("/srv/app/.env", b"A=1\n"));
        assert!(!is_wanted("/etc/default/x.dpkg-old", b"A=1\n"));
        assert!(!is_wanted(
            "/etc/sysconfig/network-scripts/ifup",
            b"#!/bin/bash\n"
        ));
        assert!(!is_wanted("/etc/app/x.conf", b"A=1\n"));
    }
}
