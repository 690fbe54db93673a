//! Where the application makes its temporary files: in `/tmp`, unless something else is said. A
//! name there is made up at run time, so that what makes the files has to testify.

use std::collections::BTreeSet;

use super::Ground;
use crate::fact::{
    Certainty, Class, Fact, Kind, Locus, ProgramForm, Source, StartKind, Touch, What,
};
use crate::link::live::{CRON_DIRS, Voice};
use crate::path::AppPath;

const TMP: &str = "/tmp";

/// Directories for temporary files (FHS 3.0, 3.18 and 5.15).
const DIRS: [&str; 2] = [TMP, "/var/tmp"];

/// Library calls that make such files: mkstemp(3), mkdtemp(3), tmpfile(3), tempnam(3).
const CALLS: [&str; 7] = [
    "mkstemp", "mkostemp", "mkdtemp", "mktemp", "tmpfile", "tmpnam", "tempnam",
];

pub(super) fn facts(ground: &Ground<'_>, facts: &[Fact]) -> Vec<Fact> {
    let mut found = Vec::new();
    found.extend(scripts(ground, facts));
    found.extend(programs(ground, facts));
    found.extend(java(ground, facts));
    found.extend(php(ground));
    found
}

fn made(at: Locus, dir: &str, by: &str) -> Fact {
    Fact {
        at,
        what: What::Path {
            path: AppPath::new(dir).join(b"{name}"),
            touch: Touch::Creates,
            source: Source::Code,
            by: by.to_owned(),
            kind: Some(Kind::File),
            class: Some(Class::Temp),
        },
        certainty: Certainty::Inferred,
    }
}

/// Scripts that run, and modules of the application among the libraries of a language.
fn scripts<'a>(ground: &'a Ground<'_>, facts: &'a [Fact]) -> impl Iterator<Item = Fact> + 'a {
    facts.iter().filter_map(|fact| {
        let What::Path {
            path,
            by,
            source: Source::Script | Source::Init,
            class: Some(Class::Temp),
            ..
        } = &fact.what
        else {
            return None;
        };
        let dir = DIRS.into_iter().find(|dir| *path == AppPath::new(dir))?;
        let voice = ground.voices.of(fact);
        // What cron starts is not the service.
        let cron = CRON_DIRS
            .iter()
            .any(|dir| fact.at.file.is_below(&AppPath::new(dir)));
        let started = voice == Voice::Live && !cron && ground.started.contains(&fact.at.file);
        // Asked for once while settings are read; other calls stand where some request leads to.
        let asked = by == "gettempdir" && is_own_module(ground, &fact.at.file);
        let runs = fact.certainty > Certainty::Guessed && (started || asked);
        runs.then(|| made(fact.at.clone(), dir, by))
    })
}

/// Whether a file lies in a directory that bears the application's name among the libraries of a
/// language.
fn is_own_module(ground: &Ground<'_>, file: &AppPath) -> bool {
    let libraries = |part: &[u8]| {
        matches!(
            part,
            b"dist-packages" | b"site-packages" | b"perl5" | b"gems"
        )
    };
    let parts: Vec<&[u8]> = file.components().collect();
    let Some(at) = parts.iter().position(|part| libraries(part)) else {
        return false;
    };
    let below = parts.get(at + 1..parts.len() - 1).unwrap_or_default();
    below.iter().any(|part| {
        let name = String::from_utf8_lossy(part).to_ascii_lowercase();
        ground.scope.words.contains(&name)
    })
}

/// Programs that are started, and call tmpfile(3), or have the directory in them and another call
/// that makes temporary files.
fn programs<'a>(ground: &'a Ground<'_>, facts: &'a [Fact]) -> impl Iterator<Item = Fact> + 'a {
    let makes: BTreeSet<&AppPath> = facts
        .iter()
        .filter(|fact| match &fact.what {
            What::Imports { symbol } => {
                let bare = symbol.trim_end_matches("64");
                CALLS.contains(&bare) && ground.started.contains(&fact.at.file)
            }
            _ => false,
        })
        .map(|fact| &fact.at.file)
        .collect();
    facts.iter().filter_map(move |fact| {
        let path = match &fact.what {
            What::Path {
                path,
                source: Source::Literal,
                ..
            } => path,
            // It takes no name: the directory is the library's.
            What::Imports { symbol } if symbol.starts_with("tmpfile") => {
                let started = ground.started.contains(&fact.at.file);
                return started.then(|| made(fact.at.clone(), TMP, "tmpfile"));
            }
            _ => return None,
        };
        let dir = DIRS.into_iter().find(|dir| {
            let dir = AppPath::new(dir);
            *path == dir || path.parent() == Some(dir) && path.name().ends_with(b"{name}")
        })?;
        let makes = makes.contains(&fact.at.file);
        makes.then(|| {
            made(
                fact.at.clone(),
                dir,
                "a started program makes temporary files",
            )
        })
    })
}

/// A Java virtual machine keeps its performance data in `/tmp/hsperfdata_USER`, wherever
/// `java.io.tmpdir` points (java(1), `-XX:+UsePerfData`, which is on).
fn java(ground: &Ground<'_>, facts: &[Fact]) -> Option<Fact> {
    let is_jar = |fact: &&Fact| {
        let jar = matches!(
            fact.what,
            What::Program {
                form: ProgramForm::Jar,
                ..
            }
        );
        jar && ground.scope.contains(&fact.at.file)
    };
    facts.iter().find(is_jar)?;
    let says_no = |text: &str| text.contains("-UsePerfData");
    let starts = facts
        .iter()
        .filter(|fact| ground.voices.of(fact) == Voice::Live);
    let mut starts = starts.filter(|fact| match &fact.what {
        What::Starts {
            program, how, args, ..
        } => {
            program.name() == b"java"
                && *how != StartKind::Cron
                && !args.iter().any(|arg| says_no(arg))
        }
        What::Calls { command, args } => command == "java" && !says_no(args),
        _ => false,
    });
    let fact = starts.next()?;
    Some(made(fact.at.clone(), TMP, "a Java virtual machine"))
}

/// PHP keeps uploads (`upload_tmp_dir`) and the lock of its cache of code
/// (`opcache.lockfile_path`) in the system's directory for temporary files, where its settings name
/// no other.
fn php(ground: &Ground<'_>) -> Option<Fact> {
    let mut prefixes = ground.scope.prefixes.iter();
    let page = prefixes.find_map(|prefix| {
        let page = prefix.join(b"index.php");
        ground.inventory.get(&page).map(|_| page)
    })?;
    Some(made(Locus::file(&page), TMP, "PHP"))
}
