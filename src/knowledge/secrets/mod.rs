//! Where secrets are. Only kinds and places leave this module, never a value.

mod command;
mod forms;
mod manner;
mod shapes;
mod text;
mod value;

use std::collections::BTreeSet;
use std::sync::LazyLock;

use serde::Deserialize;

use super::{Folded, Pattern, split, table};

pub use manner::{Manner, readable};
pub use text::{Hit, secrets_in, spans};
pub use value::{is_placeholder, is_strong, is_value};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    placeholders: String,
    key: Vec<Keys>,
    value: Vec<Shape>,
    file: Vec<Files>,
    option: Vec<Options>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Keys {
    keys: String,
    kind: String,
    #[serde(default)]
    unless: String,
    /// Only what is no word is a secret under them.
    #[serde(default)]
    strong: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Options {
    commands: String,
    #[serde(default)]
    options: String,
    form: command::Form,
}

/// Options of commands by which they are given a secret.
struct Given {
    commands: Vec<String>,
    options: Vec<String>,
    form: command::Form,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Shape {
    prefix: String,
    contains: Option<String>,
    kind: String,
    least: usize,
    /// The whole value is one word.
    #[serde(default)]
    word: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Files {
    names: String,
    kind: String,
}

struct Knowledge {
    placeholders: BTreeSet<String>,
    keys: Vec<Named>,
    values: Vec<Shape>,
    files: Vec<(String, String, String)>,
    options: Vec<Given>,
}

/// Keys of a kind.
struct Named {
    patterns: Vec<Pattern>,
    unless: Vec<String>,
    kind: String,
    is_strong: bool,
}

static KNOWLEDGE: LazyLock<Knowledge> = LazyLock::new(|| {
    let table = table::<Table>("secrets");
    let keys = table.key.into_iter().map(|row| {
        let patterns = split(&row.keys)
            .iter()
            .map(|key| Pattern::new(key))
            .collect();
        Named {
            patterns,
            unless: split(&row.unless),
            kind: row.kind,
            is_strong: row.strong,
        }
    });
    let files = table.file.into_iter().flat_map(|row| {
        split(&row.names).into_iter().map(move |name| {
            let (before, after) = match name.split_once('*') {
                Some((before, after)) => (before.to_owned(), after.to_owned()),
                None => (name, "\0".to_owned()),
            };
            (before, after, row.kind.clone())
        })
    });
    Knowledge {
        placeholders: split(&table.placeholders).into_iter().collect(),
        keys: keys.collect(),
        values: table.value,
        files: files.collect(),
        options: table
            .option
            .into_iter()
            .map(|row| Given {
                commands: split(&row.commands),
                options: split(&row.options),
                form: row.form,
            })
            .collect(),
    }
});

/// The kind of secret that a key holds (`password`, `token`); the key may have its sections.
#[must_use]
pub fn secret_key(key: &str) -> Option<&'static str> {
    kind_of(key, false)
}

/// The kind of secret that a key holds where its value is no word: a signature, an application's key.
#[must_use]
pub fn strong_key(key: &str) -> Option<&'static str> {
    kind_of(key, true)
}

fn kind_of(key: &str, is_strong: bool) -> Option<&'static str> {
    let whole = Folded::new(key);
    let own = Folded::new(key.rsplit('.').next().unwrap_or(key));
    let rows = KNOWLEDGE
        .keys
        .iter()
        .filter(|row| row.is_strong == is_strong);
    let mut found = rows.filter(|row| {
        row.patterns.iter().any(|pattern| match pattern {
            Pattern::Exact(text) => own.text == *text || whole.text == *text,
            star => star.fits(&own),
        }) && !row.unless.iter().any(|word| own.has_word(word))
    });
    found.next().map(|row| row.kind.as_str())
}

/// The kind of secret that a value is by its own shape, under whatever key.
#[must_use]
pub fn secret_value(value: &str) -> Option<&'static str> {
    let value = value.trim();
    let found = KNOWLEDGE.values.iter().find(|shape| {
        value.starts_with(&shape.prefix)
            && value.len() >= shape.least
            && shape
                .contains
                .as_ref()
                .is_none_or(|part| value.contains(part.as_str()))
            // `{AES}…` is a value; `{AES_ACTIVE}` is a name.
            && (!value.starts_with('{') || value::is_marked(value))
            && (!shape.word
                || value
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-'))
    });
    found.map(|shape| shape.kind.as_str())
}

/// The kind of secret that a file is by its name.
#[must_use]
pub fn secret_file(name: &[u8]) -> Option<&'static str> {
    let found = KNOWLEDGE.files.iter().find(|(before, after, _)| {
        if after == "\0" {
            return name == before.as_bytes();
        }
        name.len() > before.len() + after.len()
            && name.starts_with(before.as_bytes())
            && name.ends_with(after.as_bytes())
    });
    found.map(|(_, _, kind)| kind.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_that_hold_secrets_are_told_from_those_that_speak_of_them() {
        for key in [
            "password",
            "mysqld.Password",
            "db_password",
            "DB_PASSWORD",
            "bindpw",
            "smtpPassword",
            "requirepass",
        ] {
            assert_eq!(secret_key(key), Some("password"), "{key}");
        }
        for key in ["api_key", "jwt.secret", "client-secret", "AUTH_KEY"] {
            assert_eq!(secret_key(key), Some("token"), "{key}");
        }
        for key in [
            "password_file",
            "password-min-length",
            "PasswordAuthentication",
            "token_ttl",
            "passwordless",
            "bypass",
            "compass",
        ] {
            assert_eq!(secret_key(key), None, "{key}");
        }
    }

    #[test]
    fn files_and_values_are_known_by_their_shape() {
        assert_eq!(secret_file(b"server.key"), Some("private-key"));
        assert_eq!(secret_file(b"ssh_host_rsa_key"), Some("private-key"));
        assert_eq!(secret_file(b"ssh_host_rsa_key.pub"), None);
        assert_eq!(secret_file(b"store.jks"), Some("keystore"));
        assert_eq!(
            secret_value("-----BEGIN RSA PRIVATE KEY-----\nx"),
            Some("private-key")
        );
        assert_eq!(secret_value("-----BEGIN CERTIFICATE-----"), None);
    }
}
