//! Variables that are set for a program: the variable itself, and the paths in its value.

use crate::fact::{Certainty, Class, Locus, Source, Touch, What};
use crate::parse::command_line::simple_commands;
use crate::parse::line::text;

use super::argument::{self, Argument, template};
use super::{Named, Out, withhold};

/// Adds facts for `name=value`. The value of a secret is withheld; what it names as a path is not.
pub fn set(name: &str, value: &[u8], at: &Locus, certainty: Certainty, out: &mut Out) {
    let withheld = withhold::must_withhold(name, value);
    let what = What::Env {
        name: name.to_owned(),
        value: (!withheld).then(|| withhold::word(&withhold::line(value).0)),
    };
    out.fact(at.clone(), certainty, what);
    if withheld {
        secret(name, at, out);
        return;
    }
    if name == "LD_LIBRARY_PATH" {
        let what = What::SearchPath {
            tag: "ld-library-path".to_owned(),
            value: withhold::word(value),
        };
        out.fact(at.clone(), certainty, what);
    }
    // Where commands are looked up, and the shell, are no paths of the application's own.
    if matches!(name, "PATH" | "SHELL") {
        return;
    }
    let class = withhold::is_secret(name).then_some(Class::Secret);
    for Argument { by, path } in paths(name, value) {
        if argument::is_everywhere(&path) {
            continue;
        }
        let named = Named {
            touch: Touch::Names,
            source: Source::Environment,
            by: &by,
            kind: None,
            class,
        };
        out.path(at.clone(), Certainty::Inferred, path, named);
    }
}

/// Adds the fact that a secret is kept under `name`.
pub fn secret(name: &str, at: &Locus, out: &mut Out) {
    let lower = name.to_ascii_lowercase();
    let kind = if lower.contains("token") {
        "token"
    } else if lower.contains("key") {
        "key"
    } else {
        "password"
    };
    let what = What::Secret {
        kind: kind.to_owned(),
        key: Some(name.to_owned()),
    };
    out.fact(at.clone(), Certainty::Inferred, what);
}

/// The paths of a value: a path, a list of paths, or options of a command line.
fn paths(name: &str, value: &[u8]) -> Vec<Argument> {
    if value.starts_with(b"/") && !value.contains(&b' ') {
        return value
            .split(|&b| b == b':')
            .filter_map(template)
            .map(|path| Argument {
                by: name.to_owned(),
                path,
            })
            .collect();
    }
    let words: Vec<Vec<u8>> = simple_commands(value)
        .into_iter()
        .flat_map(|simple| {
            let env = simple.env.into_iter();
            env.map(|(name, value)| [name, value].join(&b'='))
                .chain(simple.words)
        })
        .collect();
    let mut found = argument::paths(&words);
    for argument in &mut found {
        if argument.by == "argument" {
            argument.by = text(name.as_bytes());
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::path::AppPath;

    fn show(name: &str, value: &str) -> Vec<String> {
        let mut out = Out::default();
        let at = Locus::file(&AppPath::new("/etc/x"));
        set(name, value.as_bytes(), &at, Certainty::Declared, &mut out);
        out.facts
            .iter()
            .map(|fact| match &fact.what {
                What::Env { value, .. } => format!("env {}", value.as_deref().unwrap_or("-")),
                What::Path {
                    path, by, class, ..
                } => format!("{by} {path} {class:?}"),
                What::Secret { kind, .. } => format!("secret {kind}"),
                What::SearchPath { value, .. } => format!("search {value}"),
                other => format!("{other:?}"),
            })
            .collect()
    }

    #[test]
    fn paths_lists_and_options_in_values() {
        assert_eq!(show("DIR", "/srv/a"), ["env /srv/a", "DIR /srv/a None"]);
        assert_eq!(
            show("OPTS", "-f /etc/a --pid=/run/a /srv/b"),
            [
                "env -f /etc/a --pid=/run/a /srv/b",
                "-f /etc/a None",
                "--pid /run/a None",
                "OPTS /srv/b None"
            ]
        );
        assert_eq!(show("PATH", "/usr/bin:/bin"), ["env /usr/bin:/bin"]);
        assert_eq!(
            show("LD_LIBRARY_PATH", "/opt/a:/opt/b"),
            [
                "env /opt/a:/opt/b",
                "search /opt/a:/opt/b",
                "LD_LIBRARY_PATH /opt/a None",
                "LD_LIBRARY_PATH /opt/b None"
            ]
        );
        assert_eq!(show("LIST", "a b=/c"), ["env a b=/c", "b /c None"]);
    }

    #[test]
    fn a_secret_is_withheld_and_its_file_is_named() {
        assert_eq!(show("DB_PASSWORD", "hunter2"), ["env -", "secret password"]);
        assert_eq!(
            show("API_TOKEN_FILE", "/etc/t"),
            ["env /etc/t", "API_TOKEN_FILE /etc/t Some(Secret)"]
        );
        assert_eq!(
            show("O", "--password=hunter2 -x"),
            ["env --password={withheld} -x"]
        );
    }
}
