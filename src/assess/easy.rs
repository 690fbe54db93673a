//! What must be seen before a dimension is called easy. Not to have found the opposite is not
//! enough; where the evidence is missing, this says what would show it.

use std::collections::BTreeSet;

use crate::fact::{
    Access, Certainty, Class, Fact, LibraryStatus, LicenceKind, ProgramForm, Source, StartKind,
    What,
};
use crate::path::AppPath;
use crate::report::{Dimension, Mount, PathEntry};

use super::Seen;
use super::licence::is_open;

/// Evidence that a dimension is easy.
pub(super) struct Shown {
    /// In words, after the cell of the grading table.
    pub(super) why: String,
    /// The paths that show it.
    pub(super) paths: Vec<AppPath>,
}

/// Why there is no grade.
pub(super) struct Open {
    /// What is missing.
    pub(super) why: String,
    /// What would show it.
    pub(super) ask: &'static str,
}

pub(super) fn easy(why: impl Into<String>, paths: Vec<AppPath>) -> Result<Shown, Open> {
    let why = why.into();
    Ok(Shown { why, paths })
}

pub(super) fn open(why: impl Into<String>, ask: &'static str) -> Result<Shown, Open> {
    let why = why.into();
    Err(Open { why, ask })
}

const NAME_ITS_START: &str = "Name its unit with --unit, or audit the root that holds its init \
    script, so that it is known what runs.";
const NAME_ITS_CONFIG: &str = "Audit the root that holds its settings, or name their directory \
    beside the application.";

/// Whether what was seen shows that `dimension` is easy.
pub(super) fn evidence(dimension: Dimension, seen: &Seen<'_>) -> Result<Shown, Open> {
    match dimension {
        Dimension::Code => code(seen),
        Dimension::Configuration => configuration(seen),
        Dimension::Data => data(seen),
        Dimension::Secrets => secrets(seen),
        Dimension::Network => super::network::network(seen),
        Dimension::Installation => installation(seen),
        Dimension::Licensing => licensing(seen),
        Dimension::Libraries => libraries(seen),
        Dimension::Kernel => kernel(seen),
    }
}

/// Programs that something starts: name, program, and whether it is a service rather than a job.
pub(super) fn starts<'a>(seen: &Seen<'a>) -> Vec<(&'a str, &'a AppPath, bool)> {
    let start = |fact: &'a Fact| match &fact.what {
        What::Starts {
            name, program, how, ..
        } => match how {
            // What prepares, reloads or stops a unit has its key behind the unit's name.
            StartKind::Unit if name.contains(" Exec") => None,
            StartKind::Unit | StartKind::Init | StartKind::Supervisor | StartKind::Socket => {
                Some((name.as_str(), program, true))
            }
            StartKind::Timer | StartKind::Cron => Some((name.as_str(), program, false)),
            StartKind::Script => None,
        },
        _ => None,
    };
    seen.facts.iter().filter_map(start).collect()
}

pub(super) fn programs<'a>(seen: &Seen<'a>) -> Vec<(&'a AppPath, ProgramForm, bool)> {
    let program = |fact: &'a Fact| match &fact.what {
        What::Program {
            form, interpreter, ..
        } => Some((&fact.at.file, *form, interpreter.is_some())),
        _ => None,
    };
    seen.facts.iter().filter_map(program).collect()
}

fn code(seen: &Seen<'_>) -> Result<Shown, Open> {
    let starts = starts(seen);
    match starts.first() {
        Some((name, program, _)) => {
            easy(format!("{name} starts {program}"), vec![(*program).clone()])
        }
        None => open("nothing that starts it was found", NAME_ITS_START),
    }
}

/// Directories of defaults that the vendor ships, which belong into the image, and of what hooks
/// an application into its host, which stays there.
const NOT_SETTINGS: &[&str] = &[
    "/usr/lib",
    "/usr/share",
    "/lib",
    "/etc/init.d",
    "/etc/rc.d",
    "/etc/logrotate.d",
    "/etc/cron.d",
    "/etc/cron.hourly",
    "/etc/cron.daily",
    "/etc/cron.weekly",
    "/etc/cron.monthly",
    "/etc/systemd",
    "/etc/xinetd.d",
    "/etc/tmpfiles.d",
    "/etc/sysusers.d",
    "/etc/sysctl.d",
    "/etc/modules-load.d",
    "/etc/modprobe.d",
    "/etc/udev",
    "/etc/security",
    "/etc/pam.d",
    "/etc/apparmor.d",
    "/etc/ld.so.conf.d",
    "/etc/profile.d",
    "/etc/bash_completion.d",
    "/etc/rsyslog.d",
    "/etc/resolvconf/update-libc.d",
    "/etc/insserv.conf.d",
    "/etc/network",
    "/etc/dhcp/dhclient-enter-hooks.d",
    "/etc/dhcp/dhclient-exit-hooks.d",
    "/etc/ppp",
    "/etc/NetworkManager/dispatcher.d",
    "/etc/ufw/applications.d",
    "/etc/avahi/services",
    "/etc/firewalld/services",
    "/etc/init",
    "/etc/dbus-1/system.d",
    "/etc/bash_completion",
    "/etc/apport",
    "/etc/sudoers.d",
    "/etc/cron.yearly",
];

/// The settings; of a directory and what lies in it, what lies in it.
fn settings<'a>(seen: &Seen<'a>) -> Vec<&'a PathEntry> {
    let apart: Vec<AppPath> = NOT_SETTINGS.iter().map(AppPath::new).collect();
    let mut entries: Vec<&PathEntry> = seen
        .paths
        .iter()
        .filter(|entry| entry.class == Class::Config && entry.certainty >= Certainty::Inferred)
        .filter(|entry| !entry.path.is_pattern())
        .filter(|entry| !apart.iter().any(|dir| entry.path.is_within(dir)))
        .collect();
    entries.sort_by_key(|entry| &entry.path);
    let mut leaves: Vec<&PathEntry> = Vec::new();
    for entry in entries {
        if leaves
            .last()
            .is_some_and(|last| entry.path.is_below(&last.path))
        {
            leaves.pop();
        }
        leaves.push(entry);
    }
    leaves
}

fn configuration(seen: &Seen<'_>) -> Result<Shown, Open> {
    match settings(seen).as_slice() {
        [one] => easy(format!("{}", one.path), vec![one.path.clone()]),
        [] => open("no settings were found", NAME_ITS_CONFIG),
        many => open(
            format!("settings lie in {} places that no rule judged", many.len()),
            NAME_ITS_CONFIG,
        ),
    }
}

/// How many paths a sentence names.
const NAMED: usize = 3;

/// Directories that many applications share: two paths in one of them are two places.
const SHARED: &[&str] = &[
    "/",
    "/var",
    "/var/lib",
    "/var/opt",
    "/var/spool",
    "/srv",
    "/opt",
    "/home",
    "/usr",
    "/usr/share",
    "/usr/local",
    "/var/local",
    "/data",
];

/// Whether only the scripts that install or remove a package name it.
fn is_of_installation(because: &[Fact]) -> bool {
    let is_script = |fact: &Fact| {
        matches!(
            fact.what,
            What::Path {
                source: Source::Maintainer,
                ..
            }
        )
    };
    !because.is_empty() && because.iter().all(is_script)
}

/// What the plan keeps as data besides these: a directory that what is written in it alone would not
/// tell of.
fn kept<'a>(seen: &Seen<'a>, known: &[&PathEntry]) -> Vec<&'a AppPath> {
    let is_known = |mount: &&Mount| {
        let touches = |path: &AppPath| path.is_within(&mount.path) || mount.path.is_within(path);
        known.iter().any(|entry| touches(&entry.path))
    };
    let mounts = seen.plan.mounts.iter();
    mounts
        .filter(|mount| mount.class == Class::Data && mount.access == Access::Rw)
        .filter(|mount| mount.certainty >= Certainty::Inferred)
        .filter(|mount| !is_known(mount) && !is_of_installation(&mount.because))
        .map(|mount| &mount.path)
        .collect()
}

fn data(seen: &Seen<'_>) -> Result<Shown, Open> {
    let written =
        |entry: &&PathEntry| entry.access == Access::Rw && entry.certainty >= Certainty::Inferred;
    let mut entries: Vec<&PathEntry> = seen
        .paths
        .iter()
        .filter(written)
        .filter(|entry| entry.class == Class::Data)
        .collect();
    // What a package's scripts move, keep aside and remove is gone once it is installed.
    let is_used = |entry: &&PathEntry| !is_of_installation(&entry.because);
    if entries.iter().any(is_used) {
        entries.retain(is_used);
    }
    let mut paths: BTreeSet<&AppPath> = entries.iter().map(|entry| &entry.path).collect();
    paths.extend(kept(seen, &entries));
    let Some(first) = paths.first() else {
        let other: Vec<AppPath> = seen
            .paths
            .iter()
            .filter(written)
            .map(|entry| entry.path.clone())
            .collect();
        if other.is_empty() {
            return open(
                "nothing that it writes was found",
                "Scan the root while or after the service has run, so that its state is there.",
            );
        }
        // Where it keeps data may simply not have been found.
        let shown: Vec<String> = other.iter().take(NAMED).map(ToString::to_string).collect();
        let more = match other.len().saturating_sub(NAMED) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        return open(
            format!(
                "nothing that must outlive a container was found among what it writes: {}{more}",
                shown.join(", ")
            ),
            "Scan the root while or after the service has run, or with a trace of a run, so that its \
             state shows.",
        );
    };
    let common = paths.iter().fold((*first).clone(), |common, path| {
        let mut common = common;
        while !path.is_within(&common) {
            match common.parent() {
                Some(parent) => common = parent,
                None => break,
            }
        }
        common
    });
    if SHARED.iter().any(|dir| common == AppPath::new(dir)) {
        return open(
            format!("data lies in {} places that no rule judged", paths.len()),
            "Name the directories that hold the data in the application's settings.",
        );
    }
    easy(format!("{common}"), vec![common])
}

fn secrets(seen: &Seen<'_>) -> Result<Shown, Open> {
    let of = |is: fn(Certainty) -> bool| -> BTreeSet<AppPath> {
        seen.facts
            .iter()
            .filter(|fact| matches!(fact.what, What::Secret { .. }) && is(fact.certainty))
            .map(|fact| fact.at.file.clone())
            .collect()
    };
    let sure = of(|certainty| certainty >= Certainty::Inferred);
    let may = of(|certainty| certainty < Certainty::Inferred);
    let mounts = seen.plan.mounts.iter();
    let planned = mounts.filter(|mount| mount.class == Class::Secret);
    let planned: BTreeSet<AppPath> = planned.map(|mount| mount.path.clone()).collect();
    for (found, noun, verb) in [
        (sure, "file", "with"),
        (may, "file", "that may hold, by name,"),
        (planned, "place", "that settings name for"),
    ] {
        if !found.is_empty() {
            let many = if found.len() == 1 { "" } else { "s" };
            return easy(
                format!("{} {noun}{many} {verb} keys or passwords", found.len()),
                found.into_iter().collect(),
            );
        }
    }
    let settings = settings(seen);
    if settings.is_empty() {
        return open(
            "no secret was found, and no settings in which one could be",
            NAME_ITS_CONFIG,
        );
    }
    if starts(seen).is_empty() {
        return open(
            "no secret was found, but it is not known what runs",
            NAME_ITS_START,
        );
    }
    easy(
        "its settings and what starts it were read, and hold no secret",
        settings.iter().map(|entry| entry.path.clone()).collect(),
    )
}

fn installation(seen: &Seen<'_>) -> Result<Shown, Open> {
    let package = seen.facts.iter().find_map(|fact| match &fact.what {
        What::Package {
            manager,
            name,
            version,
            ..
        } => Some((format!("{name} {version} ({manager})"), &fact.at.file)),
        _ => None,
    });
    match package {
        Some((package, file)) => easy(package, vec![file.clone()]),
        None => open(
            "no package owns it, and how it was installed does not show",
            "Audit the root with its package database, or look for the vendor's installer.",
        ),
    }
}

fn licensing(seen: &Seen<'_>) -> Result<Shown, Open> {
    let mut unclear = None;
    let mut shown = None;
    for fact in seen.facts {
        match &fact.what {
            What::Licence {
                kind: LicenceKind::Open,
                name,
            } => shown = shown.or(Some((name, &fact.at.file))),
            What::Package {
                licence: Some(licence),
                ..
            } if is_open(licence) => shown = shown.or(Some((licence, &fact.at.file))),
            What::Package {
                licence: Some(licence),
                ..
            } => unclear = Some(licence),
            _ => {}
        }
    }
    const ASK: &str = "Look for the licence in its documentation, or ask who bought it.";
    match (unclear, shown) {
        (Some(licence), _) => open(format!("the licence \"{licence}\" is not a known one"), ASK),
        (None, Some((name, file))) => easy(name.clone(), vec![file.clone()]),
        (None, None) => open("no licence was found", ASK),
    }
}

fn libraries(seen: &Seen<'_>) -> Result<Shown, Open> {
    let programs = programs(seen);
    let count = |wanted: &[LibraryStatus]| {
        let libraries = seen.libraries.iter();
        libraries
            .filter(|library| wanted.contains(&library.status) && !library.is_of_other_builds())
            .count()
    };
    let unread = count(&[LibraryStatus::Unreadable]);
    if unread > 0 {
        return open(
            format!("{unread} libraries could not be read"),
            "Run the audit as a user who may read them.",
        );
    }
    let lost = count(&[
        LibraryStatus::Missing,
        LibraryStatus::StaleCache,
        LibraryStatus::Unreachable,
        LibraryStatus::NotCached,
        LibraryStatus::Aborts,
    ]);
    if lost > 0 {
        return open(
            format!("{lost} libraries do not resolve, and whether they are used is not known"),
            "Find out which of the files that need them are used, and leave the others out.",
        );
    }
    if !seen.libraries.is_empty() {
        return easy(
            format!("{} libraries, all found", seen.libraries.len()),
            Vec::new(),
        );
    }
    let dynamic = |form: ProgramForm, interpreter: bool| match form {
        ProgramForm::Elf => interpreter,
        ProgramForm::SharedLibrary => true,
        ProgramForm::OtherElf | ProgramForm::Script | ProgramForm::Jar => false,
    };
    match programs.first() {
        Some((file, ..))
            if !programs
                .iter()
                .any(|(_, form, interp)| dynamic(*form, *interp)) =>
        {
            easy(
                "no program of it needs a shared library",
                vec![(*file).clone()],
            )
        }
        Some(_) => open(
            "what its programs need was not resolved",
            "Audit the whole root, so that the system's libraries are in it.",
        ),
        None => open(
            "no program was found",
            "Name the directory that holds its programs.",
        ),
    }
}

fn kernel(seen: &Seen<'_>) -> Result<Shown, Open> {
    let programs = programs(seen);
    let Some((first, ..)) = programs.first() else {
        return open(
            "no program was found",
            "Name the directory that holds its programs.",
        );
    };
    if starts(seen).is_empty() {
        return open(
            "what it is given by its unit or init script is not known",
            NAME_ITS_START,
        );
    }
    easy(
        format!(
            "{} program files and what starts them were read",
            programs.len()
        ),
        vec![(*first).clone()],
    )
}
