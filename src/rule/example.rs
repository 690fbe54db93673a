//! The examples in a rule's file: what makes it fire and what does not, so that a rule proves
//! itself.
//!
//! They are written in the form of the JSON report, with defaults for what does not matter to a
//! rule. A key that the form does not have is refused: a misspelt one would make a silent example
//! silent for the wrong reason.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use toml::{Table, Value};

use crate::fact::Fact;
use crate::path::AppPath;
use crate::report::{Library, Mount, PathEntry, Status};

/// An example.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Example {
    /// Whether the rule fires.
    pub(super) fires: bool,
    /// How firm its finding is.
    #[serde(default)]
    pub(super) status: Option<Status>,
    /// What its finding says, word for word.
    #[serde(default)]
    pub(super) says: Option<String>,
    #[serde(default)]
    scope: Option<Vec<AppPath>>,
    #[serde(default)]
    facts: Vec<Table>,
    #[serde(default)]
    paths: Vec<Table>,
    #[serde(default)]
    libraries: Vec<Table>,
    #[serde(default)]
    mounts: Vec<Table>,
}

/// What an example describes.
pub(super) struct Setting {
    pub(super) scope: Vec<AppPath>,
    pub(super) facts: Vec<Fact>,
    pub(super) paths: Vec<PathEntry>,
    pub(super) libraries: Vec<Library>,
    pub(super) mounts: Vec<Mount>,
}

impl Example {
    /// Reads its facts, paths, libraries and mounts.
    pub(super) fn read(&self) -> Result<Setting, String> {
        Ok(Setting {
            scope: self
                .scope
                .clone()
                .unwrap_or_else(|| vec![AppPath::new("/opt/app")]),
            facts: all(
                &self.facts,
                &[
                    ("at", place("/opt/app/bin/app")),
                    ("certainty", word("inferred")),
                ],
            )?,
            paths: all(
                &self.paths,
                &[
                    ("access", word("rw")),
                    ("certainty", word("inferred")),
                    ("because", Value::Array(Vec::new())),
                ],
            )?,
            libraries: all(
                &self.libraries,
                &[
                    ("status", word("resolved")),
                    ("how", word("default directory")),
                    ("needed_by", Value::Array(vec![word("/opt/app/bin/app")])),
                    ("owner", word("application")),
                ],
            )?,
            mounts: all(
                &self.mounts,
                &[
                    ("kind", word("dir")),
                    ("access", word("rw")),
                    ("class", word("data")),
                    ("certainty", word("inferred")),
                    ("seed", Value::Boolean(false)),
                    ("because", Value::Array(Vec::new())),
                ],
            )?,
        })
    }
}

fn word(text: &str) -> Value {
    Value::String(text.to_owned())
}

fn place(file: &str) -> Value {
    Value::Table(Table::from_iter([("file".to_owned(), word(file))]))
}

fn all<T: DeserializeOwned + Serialize>(
    tables: &[Table],
    defaults: &[(&str, Value)],
) -> Result<Vec<T>, String> {
    tables.iter().map(|table| one(table, defaults)).collect()
}

fn one<T: DeserializeOwned + Serialize>(
    given: &Table,
    defaults: &[(&str, Value)],
) -> Result<T, String> {
    let mut table = given.clone();
    if let Some(Value::String(file)) = table.get("at") {
        let at = place(file);
        table.insert("at".to_owned(), at);
    }
    for (key, value) in defaults {
        table
            .entry((*key).to_owned())
            .or_insert_with(|| value.clone());
    }
    let read: T = Value::Table(table)
        .try_into()
        .map_err(|error: toml::de::Error| {
            format!("{}: {}", error.message().trim(), shown(given))
        })?;
    let back = Table::try_from(&read).map_err(|error| error.to_string())?;
    match given.keys().find(|key| !back.contains_key(*key)) {
        Some(key) => Err(format!("`{key}` is not part of it: {}", shown(given))),
        None => Ok(read),
    }
}

/// A table on one line.
fn shown(table: &Table) -> String {
    serde_json::to_string(table).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fact::{Certainty, What};

    fn read(text: &str) -> Result<Setting, String> {
        toml::from_str::<Example>(text).unwrap().read()
    }

    #[test]
    fn what_does_not_matter_has_a_default() {
        let setting = read(
            r#"
            fires = true
            facts = [{ fact = "imports", symbol = "daemon", at = "/opt/app/bin/d" }]
            mounts = [{ path = "/opt/app/data" }]
            "#,
        )
        .unwrap();
        assert_eq!(setting.facts[0].at.file, AppPath::new("/opt/app/bin/d"));
        assert_eq!(setting.facts[0].certainty, Certainty::Inferred);
        assert!(matches!(&setting.facts[0].what, What::Imports { symbol } if symbol == "daemon"));
        assert_eq!(setting.mounts[0].path, AppPath::new("/opt/app/data"));
    }

    #[test]
    fn a_misspelt_key_is_refused() {
        for text in [
            r#"facts = [{ fact = "listens", transport = "tcp", prot = 80 }]"#,
            r#"facts = [{ fact = "listen", transport = "tcp" }]"#,
            r#"facts = [{ fact = "listens" }]"#,
        ] {
            assert!(read(&format!("fires = false\n{text}")).is_err(), "{text}");
        }
    }
}
