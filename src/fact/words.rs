//! A fact in words, for evidence lines.

use std::fmt;

use serde::Serialize;

use super::{Kind, LibraryStatus, Ownership, Touch, What};
use crate::path::AppPath;

/// The name under which a value of a plain enum stands in JSON.
#[must_use]
pub fn name_of(value: impl Serialize) -> String {
    serde_json::to_value(value)
        .ok()
        .and_then(|value| value.as_str().map(str::to_owned))
        .unwrap_or_default()
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path {
                path,
                touch,
                by,
                kind,
                ..
            } => path_words(f, path, *touch, by, *kind),
            Self::Setting { key, value } => write!(f, "{key} = {value}"),
            Self::Program {
                form,
                interpreter,
                machine,
                traits,
            } => {
                write!(f, "{}", name_of(form))?;
                for text in machine.iter().chain(interpreter).chain(traits) {
                    write!(f, ", {text}")?;
                }
                Ok(())
            }
            Self::Library {
                name, status, how, ..
            } => match status {
                LibraryStatus::Resolved => write!(f, "needs {name}: {how}"),
                other => write!(f, "needs {name}: {}: {how}", name_of(other)),
            },
            Self::Module {
                kind,
                name,
                status,
                how,
                ..
            } => match status {
                LibraryStatus::Resolved => write!(f, "opens {name} ({}): {how}", name_of(kind)),
                other => write!(
                    f,
                    "opens {name} ({}): {}: {how}",
                    name_of(kind),
                    name_of(other)
                ),
            },
            Self::Asks { kind, name } => write!(f, "asks for {name} ({})", name_of(kind)),
            Self::SearchPath { tag, value } => write!(f, "{tag} {value}"),
            Self::Imports { symbol } => write!(f, "calls {symbol}()"),
            Self::Listens {
                transport,
                port,
                address,
                protocol,
            } => {
                write!(f, "listens on {transport}")?;
                if !address.is_empty() {
                    write!(f, " {address}")?;
                }
                if let Some(port) = port {
                    write!(f, " port {port}")?;
                }
                protocol
                    .as_ref()
                    .map_or(Ok(()), |protocol| write!(f, " ({protocol})"))
            }
            Self::Talks { service, to } => write!(f, "talks to {service} {to}"),
            Self::RunsAs { user, group } => match group {
                Some(group) => write!(f, "runs as {user}:{group}"),
                None => write!(f, "runs as {user}"),
            },
            Self::Account {
                name,
                uid,
                gid,
                home,
            } => {
                write!(f, "account {name}")?;
                if let (Some(uid), Some(gid)) = (uid, gid) {
                    write!(f, " ({uid}:{gid})")?;
                }
                write!(f, ", home {home}")
            }
            Self::Starts {
                program,
                args,
                name,
                ..
            } => {
                write!(f, "{name} starts {program}")?;
                args.iter().take(6).try_for_each(|arg| write!(f, " {arg}"))
            }
            Self::Absent { path, by } => write!(f, "{by} starts {path}, which is not there"),
            Self::Env { name, value } => match value {
                Some(value) => write!(f, "sets {name}={value}"),
                None => write!(f, "sets {name} (value withheld)"),
            },
            Self::Calls { command, args } => write!(f, "calls {command} {args}"),
            Self::Needs { need, name } => write!(f, "needs {} {name}", name_of(need)),
            Self::Package {
                manager,
                name,
                version,
                ..
            } => {
                write!(f, "{manager} package {name} {version}")
            }
            Self::Ownership {
                path,
                state,
                package,
            } => {
                let state = match state {
                    Ownership::AsShipped => "as shipped",
                    Ownership::Changed => "changed since it was installed",
                    Ownership::Gone => "listed but gone",
                    Ownership::Unowned => "owned by no package",
                };
                match package {
                    Some(package) => write!(f, "{path} of {package}: {state}"),
                    None => write!(f, "{path}: {state}"),
                }
            }
            Self::Licence { kind, name } => write!(f, "licence {name} ({})", name_of(kind)),
            Self::Secret { kind, key } => match key {
                Some(key) => write!(f, "holds a {kind} in {key} (value withheld)"),
                None => write!(f, "holds a {kind} (value withheld)"),
            },
            Self::Owned {
                path,
                user,
                group,
                mode,
            } => {
                write!(f, "gives {path} to {}", user.as_deref().unwrap_or("root"))?;
                group
                    .as_ref()
                    .map_or(Ok(()), |group| write!(f, ":{group}"))?;
                mode.as_ref()
                    .map_or(Ok(()), |mode| write!(f, ", mode {mode}"))
            }
            Self::Directive { key, value } => write!(f, "sets {key}={value}"),
            Self::Holds { content, .. } => write!(f, "is {}", content.replace('-', " ")),
        }
    }
}

fn path_words(
    f: &mut fmt::Formatter<'_>,
    path: &AppPath,
    touch: Touch,
    by: &str,
    kind: Option<Kind>,
) -> fmt::Result {
    let slash = if kind == Some(Kind::Dir) { "/" } else { "" };
    let verb = match touch {
        Touch::Names => "names",
        Touch::Runs => "runs",
        Touch::Reads => "reads",
        Touch::Removes => "removes",
        Touch::Grants => "makes writable",
        Touch::Creates => "creates",
        Touch::Writes => "writes",
    };
    write!(f, "{verb} {path}{slash} ({by})")
}

/// `; did you mean …?` with the word of `known` that is nearest to `word`, when one is near.
#[must_use]
pub fn meant<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    // The measure and the bound are those by which command lines are corrected: clap uses them.
    let near = known
        .into_iter()
        .map(|other| (strsim::jaro(word, other), other))
        .filter(|(likeness, _)| *likeness > 0.7)
        .max_by(|a, b| a.0.total_cmp(&b.0));
    near.map_or_else(String::new, |(_, other)| {
        format!("; did you mean `{other}`?")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_near_word_is_proposed() {
        let known = ["severity", "certainty"];
        assert_eq!(meant("serverity", known), "; did you mean `severity`?");
        assert_eq!(meant("colour", known), "");
    }
}
