//! Languages that nothing here reads, by the names of their interpreters and files.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

use super::table;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    unread: Vec<Unread>,
    framework: Vec<Framework>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Framework {
    language: String,
    modules: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Unread {
    name: String,
    #[serde(default)]
    interpreters: Vec<String>,
    #[serde(default)]
    endings: Vec<String>,
}

struct Languages {
    by_interpreter: BTreeMap<String, String>,
    by_ending: BTreeMap<String, String>,
    frameworks: Vec<Framework>,
}

static LANGUAGES: LazyLock<Languages> = LazyLock::new(|| {
    let table: Table = table("languages");
    let mut languages = Languages {
        by_interpreter: BTreeMap::new(),
        by_ending: BTreeMap::new(),
        frameworks: table.framework,
    };
    for unread in table.unread {
        for interpreter in unread.interpreters {
            languages
                .by_interpreter
                .insert(interpreter, unread.name.clone());
        }
        for ending in unread.endings {
            languages.by_ending.insert(ending, unread.name.clone());
        }
    }
    languages
});

/// Whether a module of a language is of a framework that loads modules of an application by their names.
#[must_use]
pub fn is_framework(language: &str, module: &[u8]) -> bool {
    let parts = ['.', '/', ':'];
    let Ok(module) = std::str::from_utf8(module) else {
        return false;
    };
    let top = module.split(parts).next().unwrap_or(module);
    let mut own = LANGUAGES
        .frameworks
        .iter()
        .filter(|framework| framework.language == language);
    own.any(|framework| framework.modules.iter().any(|name| name == top))
}

/// The language that an interpreter of some name runs, if nothing here reads it; versions of an
/// interpreter (`lua5.3`) run the same.
#[must_use]
pub fn unread_by(interpreter: &[u8]) -> Option<&'static str> {
    let name = std::str::from_utf8(interpreter).ok()?;
    let bare = name.trim_end_matches(|c: char| c.is_ascii_digit() || matches!(c, '.' | '-'));
    let known = &LANGUAGES.by_interpreter;
    known
        .get(name)
        .or_else(|| known.get(bare))
        .map(String::as_str)
}

/// The language of a file of some name, if nothing here reads it.
#[must_use]
pub fn unread_in(name: &[u8]) -> Option<&'static str> {
    let (stem, ending) = std::str::from_utf8(name).ok()?.rsplit_once('.')?;
    let language = LANGUAGES.by_ending.get(ending)?;
    (!stem.is_empty()).then_some(language.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_an_interpreter_run_one_language() {
        for name in ["lua", "lua5.3", "luajit-2.1", "tclsh8.6"] {
            assert!(unread_by(name.as_bytes()).is_some(), "{name}");
        }
        assert_eq!(unread_by(b"python3"), None);
        assert_eq!(unread_in(b"x.tcl"), Some("Tcl"));
        assert_eq!(unread_in(b".tcl"), None);
    }
}
