//! Settings of servers that have a model of their own: which element or key of a file is what.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

use super::directives::{Dictionary, Directive, Row};
use super::{split, table};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    model: Vec<ModelRow>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ModelRow {
    files: String,
    #[serde(default)]
    tops: String,
    up: Option<usize>,
    #[serde(default)]
    variables: BTreeMap<String, String>,
    #[serde(default)]
    directive: Vec<Row>,
    #[serde(default)]
    usual: Vec<Usual>,
}

/// What a server takes where an element of its settings does not say it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Usual {
    /// The element.
    pub element: String,
    /// The key that it does without.
    pub key: String,
    /// What the server takes then.
    pub value: String,
}

/// The model of a server's settings.
pub struct Model {
    files: Vec<String>,
    tops: Vec<String>,
    /// How many directories above the file's own its relative values begin.
    pub up: Option<usize>,
    /// What the server defines: names, each with a path from there.
    pub variables: BTreeMap<String, String>,
    /// What it takes where nothing is said.
    pub usual: Vec<Usual>,
    dictionary: Dictionary,
}

static MODELS: LazyLock<Vec<Model>> = LazyLock::new(|| {
    let rows = table::<Table>("models").model.into_iter();
    rows.map(|row| Model {
        files: split(&row.files),
        tops: split(&row.tops),
        up: row.up,
        variables: row.variables,
        usual: row.usual,
        dictionary: Dictionary::new(row.directive),
    })
    .collect()
});

/// The models of a file of that name, whose first setting stands in the element `top`.
#[must_use]
pub fn models(file: &str, top: &str) -> Vec<&'static Model> {
    let fits = |pattern: &String| match pattern.split_once('*') {
        Some((before, after)) => {
            file.len() >= before.len() + after.len()
                && file.starts_with(before)
                && file.ends_with(after)
        }
        None => file == pattern,
    };
    let of_file = MODELS.iter().filter(|model| model.files.iter().any(fits));
    of_file
        .filter(|model| model.tops.is_empty() || model.tops.iter().any(|name| name == top))
        .collect()
}

impl Model {
    /// What a key means, given with its sections; nothing where the model has not got it.
    #[must_use]
    pub fn directive<S: AsRef<str>>(&'static self, path: &[S]) -> Option<&'static Directive> {
        self.dictionary.at(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::knowledge::Role;

    #[test]
    fn a_file_and_its_outermost_element_make_a_model() {
        let tomcat = models("server.xml", "Server")[0];
        let shutdown = tomcat.directive(&["Server", "port"]).unwrap();
        assert_eq!(shutdown.protocol.as_deref(), Some("shutdown"));
        let liberty = models("server.xml", "server")[0];
        assert_eq!(liberty.up, Some(0));
        assert!(models("server.xml", "anything").is_empty());
        let spring = models("application-live.yml", "spring")[0];
        let found = spring.directive(&["spring", "redis", "host"]).unwrap();
        assert_eq!(
            (found.role, found.service.as_deref()),
            (Role::Host, Some("cache"))
        );
    }
}
