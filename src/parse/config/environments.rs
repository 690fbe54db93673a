//! Settings for one environment among several: what is for those who develop says nothing of a host in use, where
//! there is one for production (Rails, `config/database.yml` and `config/environments`; node-config, Express,
//! Django's and Symfony's kin).

use super::Setting;

/// What production is called.
const PRODUCTION: [&str; 2] = ["prod", "production"];

/// What other environments are called.
const OTHERS: [&str; 7] = [
    "ci",
    "dev",
    "develop",
    "development",
    "local-dev",
    "test",
    "testing",
];

/// The sections of a file that are called after environments.
#[derive(Clone, Copy, Debug)]
pub struct Environments {
    has_production: bool,
}

impl Environments {
    /// The sections of a file.
    #[must_use]
    pub fn of(settings: &[Setting]) -> Self {
        let is_production = |setting: &Setting| {
            section(setting).is_some_and(|name| PRODUCTION.contains(&name)) && !setting.commented
        };
        Self {
            has_production: settings.iter().any(is_production),
        }
    }

    /// Whether a setting is for another environment than that of a host in use.
    #[must_use]
    pub fn passes(self, setting: &Setting) -> bool {
        self.has_production && section(setting).is_some_and(|name| OTHERS.contains(&name))
    }
}

fn section(setting: &Setting) -> Option<&str> {
    let first = setting.key.first().filter(|_| setting.key.len() > 1);
    first.map(String::as_str)
}

/// The names that the file for production has where a file of this name is for another environment:
/// `production.json` beside `development.json`.
#[must_use]
pub fn for_production(name: &[u8]) -> Vec<Vec<u8>> {
    let Ok(name) = std::str::from_utf8(name) else {
        return Vec::new();
    };
    let (stem, ending) = name.split_at(name.find('.').unwrap_or(name.len()));
    let is_other = OTHERS.contains(&stem.to_ascii_lowercase().as_str());
    let named = PRODUCTION.iter().filter(|_| is_other);
    named
        .map(|stem| format!("{stem}{ending}").into_bytes())
        .collect()
}
