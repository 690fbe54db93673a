//! What the name of a place tells: code, state, settings, documentation, or the system's own.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use serde::Deserialize;

use super::table;
use crate::fact::Class;
use crate::path::AppPath;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    code: Vec<AppPath>,
    not_code: Vec<AppPath>,
    add_on: Vec<AppPath>,
    add_on_shared: BTreeSet<String>,
    state: Vec<AppPath>,
    system: BTreeSet<AppPath>,
    integration: BTreeSet<AppPath>,
    documentation: BTreeSet<AppPath>,
    library_parts: BTreeSet<String>,
    example_parts: BTreeSet<String>,
    tool_parts: BTreeSet<String>,
    recipe_parts: BTreeSet<String>,
    recipe_names: BTreeSet<String>,
    build_names: BTreeSet<String>,
    build_endings: BTreeSet<String>,
    example_endings: BTreeSet<String>,
    code_endings: BTreeSet<String>,
    settings_languages: BTreeSet<String>,
    silent_endings: Vec<String>,
    library_scripts: Vec<String>,
    state_names: BTreeMap<Class, BTreeSet<String>>,
    shown_names: BTreeSet<String>,
    generic: Generic,
    runtime: Vec<Runtime>,
    settings: Settings,
}

/// What the runtime of a language reads and keeps for the programs it runs.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Runtime {
    endings: BTreeSet<String>,
    /// Its settings.
    pub settings: Vec<AppPath>,
    /// What it keeps, such as sessions.
    pub state: Vec<AppPath>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    endings: BTreeSet<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Generic {
    names: BTreeSet<String>,
    launchers: BTreeSet<String>,
    interpreters: BTreeSet<String>,
}

static PLACES: LazyLock<File> = LazyLock::new(|| table("places"));

/// Whether `set` holds `path` or a directory that it lies in.
fn covers(set: &BTreeSet<AppPath>, path: &AppPath) -> bool {
    covering(set, path).is_some()
}

/// What `set` holds of `path` and the directories that it lies in, the uppermost.
fn covering<'a>(set: &'a BTreeSet<AppPath>, path: &AppPath) -> Option<&'a AppPath> {
    // A directory stands before what lies in it.
    set.iter().find(|place| path.is_within(place))
}

/// Whether `path` lies where programs and libraries are kept.
#[must_use]
pub fn is_code_place(path: &AppPath) -> bool {
    PLACES.code.iter().any(|place| path.is_within(place))
        && !PLACES.not_code.iter().any(|place| path.is_within(place))
}

/// Whether a directory that a package has at `path` holds its settings or state.
#[must_use]
pub fn is_state_place(path: &AppPath) -> bool {
    PLACES.state.iter().any(|place| path.is_below(place))
}

/// The install prefix of add-on software that `path` lies in, if any: `/opt/NAME`.
#[must_use]
pub fn add_on_prefix(path: &AppPath) -> Option<AppPath> {
    let place = PLACES
        .add_on
        .iter()
        .filter(|place| path.is_below(place))
        .max_by_key(|place| place.depth())?;
    let prefix = path.prefix(place.depth() + 1);
    let name = String::from_utf8_lossy(prefix.name()).into_owned();
    (!PLACES.add_on_shared.contains(&name)).then_some(prefix)
}

/// Whether every system has this file or directory.
#[must_use]
pub fn is_system_file(path: &AppPath) -> bool {
    covers(&PLACES.system, path)
}

/// Whether this is read by the system around the application.
#[must_use]
pub fn is_integration(path: &AppPath) -> bool {
    covers(&PLACES.integration, path)
}

/// The name of the program that reads what lies in a place of integration: `logrotate` of
/// `/etc/logrotate.d/x`.
#[must_use]
pub fn integrates_with(path: &AppPath) -> Option<String> {
    let place = covering(&PLACES.integration, path)?;
    let name = String::from_utf8_lossy(place.name()).into_owned();
    let stem = name.split('.').next().unwrap_or(&name);
    Some(stem.to_owned())
}

/// Whether this is documentation, which is not read.
#[must_use]
pub fn is_documentation(path: &AppPath) -> bool {
    covers(&PLACES.documentation, path)
}

/// Whether a file is opened: documentation says nothing of the application, and pictures, fonts and
/// the like hold nothing that is looked for.
#[must_use]
pub fn is_worth_opening(path: &AppPath) -> bool {
    let name = path.name();
    let silent = |ending: &String| {
        let stem = name
            .len()
            .checked_sub(ending.len())
            .filter(|stem| *stem > 0);
        stem.is_some_and(|stem| name[stem..].eq_ignore_ascii_case(ending.as_bytes()))
    };
    !(is_documentation(path) || PLACES.silent_endings.iter().any(silent))
}

/// Whether a file is a script of a library that says nothing unless it is a program: JavaScript, of
/// which an application brings thousands along.
#[must_use]
pub fn is_library_script(path: &AppPath) -> bool {
    let name = path.name();
    let mut endings = PLACES.library_scripts.iter();
    endings.any(|ending| name.ends_with(ending.as_bytes())) && is_library_place(path)
}

/// Tops of the filesystem hierarchy whose directories have names by rule (FHS 3.0, chapters 3 to 6).
const RULED: [&[u8]; 18] = [
    b"bin",
    b"boot",
    b"dev",
    b"etc",
    b"lib",
    b"lib32",
    b"lib64",
    b"libx32",
    b"lost+found",
    b"mnt",
    b"proc",
    b"root",
    b"run",
    b"sbin",
    b"sys",
    b"tmp",
    b"usr",
    b"var",
];

/// Directories below such tops in which administrators choose the names.
const CHOSEN: [[&[u8]; 2]; 3] = [[b"usr", b"local"], [b"var", b"www"], [b"var", b"opt"]];

/// The components of a path that say what lies in it: what an administrator called the directory of an
/// application (`/srv/gems`, `/opt/vendor`) says nothing.
pub fn telling(path: &AppPath) -> impl DoubleEndedIterator<Item = &[u8]> {
    let mut parts = path.components();
    let tops = [
        parts.next().unwrap_or_default(),
        parts.next().unwrap_or_default(),
    ];
    let named = match tops {
        [b"home", _] => 3,
        tops if CHOSEN.contains(&tops) => 3,
        [top, _] if RULED.contains(&top) => 0,
        [b"opt" | b"srv", _] => 2,
        // A directory of the root that no rule knows is an administrator's; what is in it may not be.
        _ => 1,
    };
    let mut telling = path.components();
    for _ in 0..named {
        telling.next();
    }
    telling
}

/// Whether `path` lies in a language's library directory.
#[must_use]
pub fn is_library_place(path: &AppPath) -> bool {
    telling(path)
        .any(|part| std::str::from_utf8(part).is_ok_and(|part| PLACES.library_parts.contains(part)))
}

/// Whether a file only shows how something could be set up.
#[must_use]
pub fn is_example(path: &AppPath) -> bool {
    let name = String::from_utf8_lossy(path.name()).to_ascii_lowercase();
    let ending = name.rsplit_once('.').map(|(_, ending)| ending);
    // `example.org` and `example.com.conf` are called after a host.
    let is_called = |word| {
        name.strip_prefix(word).is_some_and(|rest| {
            let ending = rest
                .strip_prefix('.')
                .filter(|ending| !ending.contains('.'));
            ending.is_some_and(|ending| !matches!(ending, "com" | "net" | "org"))
        })
    };
    let mut dirs = telling(path).rev().skip(1);
    ending.is_some_and(|ending| PLACES.example_endings.contains(ending))
        || ["example", "sample"].into_iter().any(is_called)
        || dirs.any(|part| is_among(&PLACES.example_parts, part))
}

/// Whether a table has a name, in whatever letters that is written.
fn is_among(table: &BTreeSet<String>, name: &[u8]) -> bool {
    std::str::from_utf8(name).is_ok_and(|name| table.contains(&name.to_ascii_lowercase()))
}

/// Whether a file holds the texts of an application in one language: `lang/de.json`,
/// `locale/de_DE/messages.php`, `translations/app.pt-BR.yml`.
#[must_use]
pub fn is_translation(path: &AppPath) -> bool {
    const WORDS: [&str; 11] = [
        "i18n",
        "l10n",
        "nls",
        "lang",
        "langs",
        "language",
        "languages",
        "locale",
        "locales",
        "translation",
        "translations",
    ];
    let text = |part| String::from_utf8_lossy(part).into_owned();
    let name = text(path.name());
    let stem = name.split_once('.').map_or(name.as_str(), |(stem, _)| stem);
    let inner = name.rsplit('.').nth(1).unwrap_or(stem);
    let mut dirs = path.components().rev().skip(1).map(text);
    let is_of_language = dirs.next().is_some_and(|dir| is_language(&dir))
        || is_language(stem)
        || is_language(inner)
        || stem.rsplit('_').next().is_some_and(is_language);
    let mut dirs = path.components().rev().skip(1).map(text);
    is_of_language
        && dirs.any(|dir| {
            let dir = dir.to_ascii_lowercase();
            let mut words = dir.split(|c: char| !c.is_ascii_alphanumeric());
            words.any(|word| WORDS.contains(&word))
        })
}

/// Whether a word names a language, with or without a country (RFC 5646): `de`, `pt-BR`, `zh_Hans`.
fn is_language(word: &str) -> bool {
    let (language, country) = match word.split_once(['-', '_']) {
        Some((language, country)) => (language, Some(country)),
        None => (word, None),
    };
    (2..=3).contains(&language.len())
        && language.bytes().all(|b| b.is_ascii_lowercase())
        && country.is_none_or(|country| {
            (2..=4).contains(&country.len()) && country.bytes().all(|b| b.is_ascii_alphanumeric())
        })
}

/// Whether a script lies where programs are kept that people run by hand, or in a build.
#[must_use]
pub fn is_tool(path: &AppPath) -> bool {
    let mut dirs = telling(path).rev().skip(1);
    is_example(path)
        || is_recipe(path)
        || dirs.any(|part| is_among(&PLACES.tool_parts, part))
        || is_build(path.name())
}

/// Whether a file is part of a recipe for another way to run the application: an image, a platform.
#[must_use]
pub fn is_recipe(path: &AppPath) -> bool {
    let mut dirs = telling(path).rev().skip(1);
    dirs.any(|part| is_among(&PLACES.recipe_parts, part))
}

/// Whether this is the name, in small letters, of a recipe by which images and releases are built and tested:
/// `dockerfile`, `dockerfile.dev`, `app.dockerfile`, `.gitlab-ci.yml`.
#[must_use]
pub fn is_recipe_name(name: &str) -> bool {
    let is_kind = |kind: &String| {
        let rest = name.strip_prefix(kind.as_str());
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    PLACES.recipe_names.iter().any(is_kind) || name.ends_with(".dockerfile")
}

/// Whether a file of this name builds, tests or releases an application.
fn is_build(name: &[u8]) -> bool {
    let name = String::from_utf8_lossy(name).to_ascii_lowercase();
    let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending);
    is_recipe_name(&name)
        || PLACES.build_names.contains(&name)
        || PLACES.build_endings.contains(ending)
}

/// Whether a file of this name is code.
#[must_use]
pub fn is_code_name(name: &[u8]) -> bool {
    let Ok(name) = std::str::from_utf8(name) else {
        return false;
    };
    let Some((stem, ending)) = name.rsplit_once('.') else {
        return false;
    };
    let ending = ending.to_ascii_lowercase();
    PLACES.code_endings.contains(&ending) || stem.contains(".so")
}

/// Whether a file of this name is a database of SQLite (its manual names no ending; these are what its
/// tools, its drivers and frameworks use).
#[must_use]
pub fn is_database_name(name: &[u8]) -> bool {
    let endings = [&b".sqlite"[..], b".sqlite3", b".db3", b".sqlitedb"];
    endings
        .iter()
        .any(|ending| name.len() > ending.len() && name.ends_with(ending))
}

/// Whether a file of this name is in a language in which settings are written, too.
#[must_use]
pub fn is_settings_language(name: &[u8]) -> bool {
    has_ending(&PLACES.settings_languages, name)
}

fn has_ending(endings: &BTreeSet<String>, name: &[u8]) -> bool {
    std::str::from_utf8(name)
        .ok()
        .and_then(|name| name.rsplit_once('.'))
        .is_some_and(|(_, ending)| endings.contains(&ending.to_ascii_lowercase()))
}

/// The runtime that runs a file of this name, where it keeps things of its own.
#[must_use]
pub fn runtime_of(name: &[u8]) -> Option<&'static Runtime> {
    PLACES
        .runtime
        .iter()
        .find(|runtime| has_ending(&runtime.endings, name))
}

/// Whether a file of this name holds settings.
#[must_use]
pub fn is_settings_name(name: &[u8]) -> bool {
    has_ending(&PLACES.settings.endings, name)
}

/// The class of what a directory of this name keeps, where the name tells.
#[must_use]
pub fn class_of_name(name: &[u8]) -> Option<Class> {
    let name = String::from_utf8_lossy(name).to_ascii_lowercase();
    let found = PLACES
        .state_names
        .iter()
        .find(|(_, names)| names.contains(&name));
    found.map(|(class, _)| *class)
}

/// Whether a directory of this name holds what an application shows: pages, pictures, texts.
#[must_use]
pub fn is_shown(name: &[u8]) -> bool {
    let name = String::from_utf8_lossy(name).to_ascii_lowercase();
    PLACES.shown_names.contains(&name)
}

/// Whether a name is too common to know an application by.
#[must_use]
pub fn is_generic_name(name: &str) -> bool {
    PLACES.generic.names.contains(name)
}

/// Whether a program of this name becomes another one, which its arguments name.
#[must_use]
pub fn is_launcher(name: &[u8]) -> bool {
    std::str::from_utf8(name).is_ok_and(|name| PLACES.generic.launchers.contains(name))
}

/// Whether a program of this name runs other people's programs.
#[must_use]
pub fn is_interpreter(name: &[u8]) -> bool {
    let Ok(name) = std::str::from_utf8(name) else {
        return false;
    };
    let bare = name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
    PLACES.generic.interpreters.contains(name) || PLACES.generic.interpreters.contains(bare)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_that_is_called_example_is_none() {
        let is = |path: &str| is_example(&AppPath::new(path));
        assert!(is("/opt/a/bin/example.sh") && is("/opt/a/lib/sample.ini"));
        for host in [
            "example.org",
            "example.com.conf",
            "sample-queue.ini",
            "samples.db",
        ] {
            assert!(!is(&format!("/etc/apache2/sites-enabled/{host}")), "{host}");
        }
    }

    #[test]
    fn the_table_can_be_read() {
        assert!(is_code_place(&AppPath::new("/usr/bin/x")));
        assert!(!is_code_place(&AppPath::new("/usr/local/etc/x")));
        assert!(is_system_file(&AppPath::new("/etc/ssl/certs/a.pem")));
        assert!(!is_system_file(&AppPath::new("/etc/ssl/private")));
    }

    #[test]
    fn an_add_on_has_a_directory_of_its_own() {
        let prefix =
            |path: &str| add_on_prefix(&AppPath::new(path)).map(|p| p.to_text().into_owned());
        assert_eq!(prefix("/opt/app/bin/x").as_deref(), Some("/opt/app"));
        assert_eq!(
            prefix("/usr/local/app/bin/x").as_deref(),
            Some("/usr/local/app")
        );
        assert_eq!(prefix("/usr/local/bin/x"), None);
        assert_eq!(prefix("/usr/bin/x"), None);
    }

    #[test]
    fn versions_of_interpreters_are_interpreters() {
        assert!(is_interpreter(b"python3.11"));
        assert!(is_interpreter(b"perl"));
        assert!(!is_interpreter(b"nginx"));
    }
}
