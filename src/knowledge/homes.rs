//! What libraries keep in the home of whoever runs them.

use std::sync::LazyLock;

use serde::Deserialize;

use super::table;
use crate::fact::Class;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    keeps: Vec<Keeps>,
}

/// What one library keeps.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Keeps {
    #[serde(default)]
    node: Vec<String>,
    #[serde(default)]
    python: Vec<String>,
    #[serde(default)]
    jar: Vec<String>,
    /// Where, below the home.
    pub path: String,
    /// What it is.
    pub class: Class,
}

static HOMES: LazyLock<Table> = LazyLock::new(|| table("homes"));

impl Keeps {
    /// Whether an entry of this name, in a directory of that one, is the library.
    fn is_of(&self, dir: &[u8], name: &[u8]) -> bool {
        let Ok(name) = std::str::from_utf8(name) else {
            return false;
        };
        let is_named = |names: &[String]| names.iter().any(|known| known == name);
        match dir {
            b"node_modules" => is_named(&self.node),
            b"site-packages" | b"dist-packages" => is_named(&self.python),
            _ => {
                let stem = name.strip_suffix(".jar");
                let starts = |stem: &str, known: &String| {
                    let rest = stem.strip_prefix(known.as_str());
                    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
                };
                stem.is_some_and(|stem| self.jar.iter().any(|known| starts(stem, known)))
            }
        }
    }
}

/// What the library keeps that an entry of this name, in a directory of that one, is.
pub fn kept(dir: &[u8], name: &[u8]) -> impl Iterator<Item = &'static Keeps> {
    let all = HOMES.keeps.iter();
    all.filter(move |keeps| keeps.is_of(dir, name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_library_is_known_where_its_language_puts_it() {
        let paths = |dir: &str, name: &str| {
            let found = kept(dir.as_bytes(), name.as_bytes());
            found.map(|keeps| keeps.path.as_str()).collect::<Vec<_>>()
        };
        assert_eq!(paths("lib", "jna-5.13.0.jar"), [".cache/JNA"]);
        assert_eq!(paths("lib", "jnaerator.jar"), Vec::<&str>::new());
        assert_eq!(
            paths("node_modules", "configstore"),
            [".config/configstore"]
        );
        assert_eq!(paths("lib", "configstore"), Vec::<&str>::new());
        assert_eq!(paths("site-packages", "matplotlib").len(), 2);
    }
}
