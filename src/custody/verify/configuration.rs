//! The configuration of an image: who set what of it, and what the files of the layers mean for whoever
//! starts it.

use std::collections::BTreeMap;

use serde_json::Value;

use super::super::shadow::shadows;
use super::super::{Merged, Role};
use super::Verifier;
use crate::layout::{Config, Digest};
use crate::path::AppPath;
use crate::report::ProblemKind;

/// The variables by which a loader or a shell runs a file in each program that is started (ld.so(8),
/// bash(1), iconv(1)): what they name must be the lowest role's own.
const FIRST: [&str; 7] = [
    "LD_PRELOAD",
    "LD_AUDIT",
    "LD_ORIGIN_PATH",
    "BASH_ENV",
    "ENV",
    "GCONV_PATH",
    "LOCPATH",
];

/// How many shadows are told.
const TOLD: usize = 5;

/// What a configuration sets, by name: `User`, `Env.NAME`.
type Settings = BTreeMap<String, Value>;

impl Verifier<'_> {
    /// Judges each setting by the role that made it what it is, and what is found first.
    pub(super) fn configuration(&mut self, merged: &Merged) {
        let mut before = Settings::new();
        let mut problems = Vec::new();
        for (at, (role, settings)) in self.configurations().into_iter().enumerate() {
            let names = settings.keys().chain(before.keys());
            let mut changed: Vec<&String> = names
                .filter(|name| settings.get(*name) != before.get(*name))
                .collect();
            changed.sort();
            changed.dedup();
            for name in changed {
                if !role.may_set(name) {
                    problems.push(format!(
                        "{name} of the configuration: {} may not set it",
                        role.name
                    ));
                } else if let Some(value) = settings
                    .get(name)
                    .filter(|_| at > 0 || !self.is_first(role))
                    && !role.sets(name)
                    && let Some(why) = self.leads_first(name, value, merged)
                {
                    problems.push(format!(
                        "{name} of the configuration, set by {}: {why}",
                        role.name
                    ));
                }
            }
            before = settings;
        }
        let text = |name: &str| before.get(&format!("Env.{name}")).and_then(Value::as_str);
        let path = text("PATH");
        if path.is_some_and(|path| path.split(':').any(|dir| !dir.starts_with('/'))) {
            problems.push(
                "PATH of the configuration names the directory in which a program happens to run"
                    .to_owned(),
            );
        }
        let shadows = shadows(merged, self.policy, path, text("LD_LIBRARY_PATH"));
        let forbidden = shadows.into_iter().filter(|shadow| {
            let role = self.policy.roles.get(shadow.role);
            role.is_some_and(|role| !role.may_hide(&shadow.hidden))
        });
        for shadow in forbidden.take(TOLD) {
            problems.push(format!(
                "{}: it is found before {}'s {}, which this changes for every program that looks for \
                 the name",
                shadow.path, shadow.of, shadow.hidden
            ));
        }
        for message in problems {
            self.found.problem(None, ProblemKind::Trespass, message);
        }
    }

    fn is_first(&self, role: &Role) -> bool {
        self.policy.rank(&role.name) == Some(0)
    }

    /// What each hand-over sets, by the role's own word; the last is the image that is verified. What
    /// nobody stamped tells nothing, and is the next one's.
    fn configurations(&self) -> Vec<(&Role, Settings)> {
        let mut found = Vec::new();
        let layers = self.image.manifest.layers.len();
        let mut handed = 0;
        for role in &self.policy.roles {
            handed += (handed..layers)
                .take_while(|at| self.role_of(*at) == role.name)
                .count();
            if handed == layers {
                found.push((role, settings(&self.image.config)));
                break;
            }
            let config = self
                .stamped_image(role, handed)
                .and_then(|digest| self.config_of(&digest));
            found.extend(config.map(|config| (role, settings(&config))));
        }
        found
    }

    /// The configuration of an image of the index.
    fn config_of(&self, digest: &Digest) -> Option<Config> {
        let index = self.layout.index().ok()?;
        let entry = index
            .manifests
            .iter()
            .find(|entry| entry.digest == *digest)?;
        let image = self.layout.open_image(entry).ok()??;
        Some(image.config)
    }

    /// Why a variable makes each program run what is not the lowest role's.
    fn leads_first(&self, name: &str, value: &Value, merged: &Merged) -> Option<String> {
        let variable = name.strip_prefix("Env.")?;
        if !FIRST.contains(&variable) {
            return None;
        }
        let first = self.policy.roles.first()?;
        let text = value.as_str().unwrap_or_default();
        let is_own = |path: &str| {
            path.starts_with('/') && {
                let path = merged.way_to(&AppPath::new(path));
                merged.owner(&path) == Some(first.name.as_str())
            }
        };
        let mut named = text.split([':', ' ']).filter(|path| !path.is_empty());
        let foreign = named.find(|path| !is_own(path))?;
        let foreign = crate::path::escape(foreign.as_bytes()).into_owned();
        Some(format!(
            "each program that is started runs {foreign}, which is not {}'s",
            first.name
        ))
    }
}

/// What a configuration sets.
fn settings(config: &Config) -> Settings {
    let run = config.config.as_ref().map(serde_json::to_value);
    let Some(Ok(Value::Object(members))) = run else {
        return Settings::new();
    };
    let mut settings = Settings::new();
    for (name, value) in members {
        match value {
            Value::Array(rows) if name == "Env" => {
                for row in rows.iter().filter_map(Value::as_str) {
                    let (name, value) = row.split_once('=').unwrap_or((row, ""));
                    // Of two the last is taken by some programs, and both are by others.
                    let old = settings.insert(format!("Env.{name}"), value.into());
                    if let Some(old) = old.as_ref().and_then(Value::as_str) {
                        let both = format!("{old}:{value}");
                        settings.insert(format!("Env.{name}"), both.into());
                    }
                }
            }
            Value::Null => {}
            value => {
                settings.insert(name, value);
            }
        }
    }
    settings
}
