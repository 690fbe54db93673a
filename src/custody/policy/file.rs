//! The file that a policy is kept in.

use schemars::JsonSchema;
use serde::Deserialize;
use toml::Spanned;

use super::builtin::{self, patterns};
use super::{Policy, Role};
use crate::custody::PublicKey;
use crate::policy::places::Pattern;
use crate::policy::{Day, Fault, toml_file};

/// What the file is called where it has no name yet.
const TITLE: &str = "trust.toml";

/// A mistake: the byte where it stands, and what is wrong.
type Mistake = (usize, String);

/// Whom to trust with what in an image: the groups, their keys, and what each may touch.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Written {
    /// Number of the form: 1.
    #[schemars(with = "u32", range(max = 1))]
    schema: Spanned<u32>,
    /// The last day on which this holds. It must be renewed, so that a key that was lost long ago
    /// does not count for ever.
    expires: Day,
    /// The name with tag that signatures must name: `registry.example/team/app:1`.
    #[serde(default)]
    image: Option<String>,
    /// The first day on which the last role may have stamped the image: older ones, which were taken
    /// back, no longer hold.
    #[serde(default)]
    not_before: Option<Day>,
    /// The least number that the last role may have given the image (`sign --image-version`).
    #[serde(default)]
    min_version: Option<u64>,
    /// Whether every role must have signed the finished image, beside its own hand-over.
    #[serde(default)]
    countersigned: bool,
    /// The roles, that of the lowest layer first.
    #[schemars(with = "Vec<WrittenRole>")]
    role: Spanned<Vec<WrittenRole>>,
}

/// A group that adds a layer.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct WrittenRole {
    /// Its name, as layers and stamps have it: `core`.
    #[schemars(with = "String")]
    name: Spanned<String>,
    /// Its public keys: files in PEM relative to this one, or their text.
    #[schemars(with = "Vec<String>")]
    keys: Spanned<Vec<Spanned<String>>>,
    /// How many of its keys must have stamped; 1 without this key.
    #[serde(default)]
    #[schemars(with = "Option<u32>")]
    threshold: Option<Spanned<u32>>,
    /// What it may add, as paths of the image: `*` and `?` stay within a name, `**` goes over
    /// several, `/dir/**` is the directory and all below it. Everything without this key.
    #[serde(default)]
    #[schemars(with = "Option<Vec<String>>")]
    may_add: Option<Vec<Spanned<String>>>,
    /// What of other roles it may change or remove. Nothing without this key.
    #[serde(default)]
    #[schemars(with = "Option<Vec<String>>")]
    may_change: Option<Vec<Spanned<String>>>,
    /// What it never touches, whatever stands above. Without this key the first role may touch
    /// everything; the others not the loader's files, accounts, and who may become whom.
    #[serde(default)]
    #[schemars(with = "Option<Vec<String>>")]
    never: Option<Vec<Spanned<String>>>,
    /// What of the image's configuration it may set: `User`, `Entrypoint`, `Env` or `Env.NAME` for one
    /// variable, and so on, as the configuration has them. Without this key everything but variables
    /// by which each program runs what is not the first role's; such a one must be named.
    #[serde(default)]
    #[schemars(with = "Option<Vec<String>>")]
    may_set: Option<Vec<Spanned<String>>>,
}

/// What a configuration sets (config.md).
const SETTINGS: [&str; 13] = [
    "User",
    "ExposedPorts",
    "Env",
    "Entrypoint",
    "Cmd",
    "Volumes",
    "WorkingDir",
    "Labels",
    "StopSignal",
    "StopTimeout",
    "Healthcheck",
    "Shell",
    "OnBuild",
];

/// Reads a policy.
pub(super) fn read(
    file: &str,
    text: &str,
    open: &mut dyn FnMut(&str) -> Result<String, String>,
) -> Result<Policy, Vec<Fault>> {
    let written: Written = toml_file::read(file, text, TITLE)?;
    let mut wrong = Vec::new();
    let policy = understood(&written, open, &mut wrong);
    if wrong.is_empty() {
        return Ok(policy);
    }
    wrong.sort();
    let fault = |(at, message)| Fault::at(file, text, at, message);
    Err(wrong.into_iter().map(fault).collect())
}

fn understood(
    written: &Written,
    open: &mut dyn FnMut(&str) -> Result<String, String>,
    wrong: &mut Vec<Mistake>,
) -> Policy {
    if *written.schema.as_ref() != 1 {
        let message = "this version reads policies of schema 1".to_owned();
        wrong.push((written.schema.span().start, message));
    }
    if written.role.as_ref().is_empty() {
        let message = "a policy without roles: add [[role]]".to_owned();
        wrong.push((written.role.span().start, message));
    }
    let mut roles: Vec<Role> = Vec::new();
    for (at, own) in written.role.as_ref().iter().enumerate() {
        let role = role(at, own, open, wrong);
        for other in &roles {
            if other.name == role.name {
                let message = format!("the role {} stands twice", role.name);
                wrong.push((own.name.span().start, message));
            }
            if let Some(key) = other.keys.iter().find(|key| role.keys.contains(key)) {
                let message = format!(
                    "the key {} is {}'s, too: a stamp with it would not tell who made it",
                    key.short(),
                    other.name
                );
                wrong.push((own.keys.span().start, message));
            }
        }
        roles.push(role);
    }
    Policy {
        roles,
        expires: Some(written.expires),
        image: written.image.clone(),
        not_before: written.not_before,
        min_version: written.min_version,
        countersigned: written.countersigned,
    }
}

fn role(
    at: usize,
    own: &WrittenRole,
    open: &mut dyn FnMut(&str) -> Result<String, String>,
    wrong: &mut Vec<Mistake>,
) -> Role {
    let name = own.name.as_ref();
    if !is_name(name) {
        let message = format!("`{name}` is no name of a role: use a-z, 0-9, - and _");
        wrong.push((own.name.span().start, message));
    }
    let keys = keys(own, open, wrong);
    let threshold = own.threshold.as_ref().map_or(1, |given| *given.as_ref());
    let place = own.threshold.as_ref().map_or(0, |given| given.span().start);
    if threshold == 0 {
        let message = "a threshold of 0 would let a layer pass that nobody stamped".to_owned();
        wrong.push((place, message));
    } else if threshold as usize > own.keys.as_ref().len() && !own.keys.as_ref().is_empty() {
        let message = format!(
            "{threshold} stamps are asked for, and there are {} keys to make them",
            own.keys.as_ref().len()
        );
        wrong.push((place, message));
    }
    let mut globs = |given: &Option<Vec<Spanned<String>>>| {
        let given = given.as_ref()?;
        let mut read = Vec::new();
        for text in given {
            match Pattern::read(text.as_ref()) {
                Ok(pattern) => read.push(pattern),
                Err(message) => wrong.push((text.span().start, message)),
            }
        }
        Some(read)
    };
    let (may_add, may_change, never) = (
        globs(&own.may_add),
        globs(&own.may_change),
        globs(&own.never),
    );
    for given in own.may_set.iter().flatten() {
        let name: &str = given.as_ref();
        let variable = name.strip_prefix("Env.").filter(|name| !name.is_empty());
        if variable.is_none() && !SETTINGS.contains(&name) {
            let message = format!(
                "`{name}` is nothing that a configuration sets: one of {} or Env.NAME",
                SETTINGS.join(", ")
            );
            wrong.push((given.span().start, message));
        }
    }
    let may_set = own.may_set.as_ref();
    Role {
        name: name.clone(),
        keys,
        threshold: threshold as usize,
        may_add: may_add.unwrap_or_else(|| patterns(&["/**"])),
        may_change: may_change.unwrap_or_default(),
        never: never.unwrap_or_else(|| builtin::never(at)),
        may_set: may_set.map(|given| given.iter().map(|name| name.as_ref().clone()).collect()),
    }
}

fn keys(
    own: &WrittenRole,
    open: &mut dyn FnMut(&str) -> Result<String, String>,
    wrong: &mut Vec<Mistake>,
) -> Vec<PublicKey> {
    let mut keys = Vec::new();
    for named in own.keys.as_ref() {
        let text: &str = named.as_ref();
        let (pem, what) = if text.contains("-----BEGIN") {
            (Ok(text.to_owned()), "this key".to_owned())
        } else {
            (open(text), text.to_owned())
        };
        let key = pem.and_then(|pem| PublicKey::read(&pem).map_err(|error| error.to_string()));
        match key {
            Ok(key) if keys.contains(&key) => {
                let message = format!("{what} stands twice: one stamp would count as two");
                wrong.push((named.span().start, message));
            }
            Ok(key) => keys.push(key),
            Err(error) => wrong.push((named.span().start, format!("{what}: {error}"))),
        }
    }
    if own.keys.as_ref().is_empty() {
        let message = format!(
            "the role {} has no key: nobody could stamp for it",
            own.name.as_ref()
        );
        wrong.push((own.keys.span().start, message));
    }
    keys
}

/// Whether a text can name a role: it becomes part of file names and of artifact patterns.
pub(super) fn is_name(text: &str) -> bool {
    let is_fit =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_".contains(&byte);
    (1..=40).contains(&text.len()) && text.bytes().all(is_fit) && !text.starts_with(['-', '_'])
}

/// The JSON Schema (draft 7) of a policy's file.
#[must_use]
pub fn schema() -> String {
    toml_file::schema::<Written>(TITLE)
}

/// A policy to start from: each role with the files of its keys; a role without some gets a name to
/// replace.
#[must_use]
pub fn template(keys: &[(String, String)], expires: Day, image: Option<&str>) -> String {
    let mut roles: Vec<&str> = Vec::new();
    for (role, _) in keys {
        if !roles.contains(&role.as_str()) {
            roles.push(role);
        }
    }
    if roles.is_empty() {
        roles = builtin::ROLES.to_vec();
    }
    let quoted = |text: &str| serde_json::Value::from(text).to_string();
    let image = match image {
        Some(name) => format!("image = {}\n", quoted(name)),
        None => "# image = \"registry.example/team/app:1\"\n".to_owned(),
    };
    let mut text = format!(
        "# Whom seaworthy verify trusts with what. Check it in; nobody but its owner changes it.\n\
         schema = 1\n\
         # The last day on which it holds; renew it with the keys.\n\
         expires = {expires}\n\
         # The name with tag that every signature must name.\n\
         {image}\
         # Images that are older no longer hold: by their number (sign --image-version), or the day.\n\
         # min-version = 1\n\
         # not-before = {expires}\n\
         # Every role signs the finished image, too, so that one policy of all keys holds on it.\n\
         # countersigned = true\n"
    );
    for (at, role) in roles.iter().enumerate() {
        let own: Vec<String> = keys
            .iter()
            .filter(|(of, _)| of == role)
            .map(|(_, file)| quoted(file))
            .collect();
        let own = if own.is_empty() {
            quoted(&format!("{role}.pub"))
        } else {
            own.join(", ")
        };
        text += &format!("\n[[role]]\nname = {}\nkeys = [{own}]\n", quoted(role));
        text += if at == 0 {
            "# threshold = 1      # how many of the keys must have stamped\n"
        } else {
            "# may-add = [\"/opt/app/**\"]      # everything, unless said\n\
             # may-change = [\"/etc/app/**\"]   # nothing of the roles above, unless said\n\
             # never = [\"/etc/ld.so.preload\"] # loader, shells and accounts, unless said\n\
             # may-set = [\"Entrypoint\"]       # of the configuration: everything, unless said\n"
        };
    }
    text
}
