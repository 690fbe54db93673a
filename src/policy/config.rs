//! `seaworthy.toml`: what fails the gate, what may stay and why, and what must have been seen.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use toml::Spanned;

use super::day::Day;
use super::fault::{Fault, place};
use super::keys;
use super::places::Pattern;
use super::toml_file;
use crate::fact::IssueKind;
use crate::fact::meant;
use crate::report::{Dimension, Severity, Status};

/// The name of the file.
pub const CONFIG: &str = "seaworthy.toml";

/// The gate of seaworthy: what fails it, what may stay and why, and what must have been seen.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Config {
    /// What fails the gate.
    #[serde(default)]
    pub gate: Gate,
    /// What must have been seen, or else the gate cannot be judged.
    #[serde(default)]
    pub coverage: Needed,
    /// The file of the findings that are known and fail nothing, relative to this file. Without
    /// this key `seaworthy-baseline.json` beside it is read where there is one.
    #[serde(default)]
    pub baseline: Option<String>,
    /// Findings that may stay, each with the reason.
    #[serde(default, rename = "allow")]
    pub allows: Vec<Allow>,
}

/// What fails the gate.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Gate {
    /// The mildest severity that fails it.
    #[serde(default)]
    pub fail_on: Level,
    /// How firm a finding must be to fail it: `suspected` lets those on weak evidence fail it too.
    #[serde(default)]
    pub certainty: Firm,
    /// Another severity for single dimensions.
    #[serde(default)]
    pub dimensions: Levels,
    /// What an allowance does that no finding needs.
    #[serde(default)]
    pub unused_allow: Response,
    /// What an entry of the baseline does whose finding is gone.
    #[serde(default)]
    pub stale_baseline: Response,
    /// What a finding of the baseline does that says something else than when it was recorded,
    /// such as three libraries where there were two.
    #[serde(default)]
    pub changed_baseline: Response,
}

/// The mildest severity that fails the gate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// It will not start, or loses data.
    #[default]
    Blocker,
    /// It may fail, or needs a decision; and blockers.
    Risk,
    /// Every finding.
    Note,
    /// Nothing fails.
    Never,
}

impl Level {
    /// Whether a finding of this severity fails the gate.
    #[must_use]
    pub fn fails(self, severity: Severity) -> bool {
        match self {
            Self::Blocker => severity <= Severity::Blocker,
            Self::Risk => severity <= Severity::Risk,
            Self::Note => severity <= Severity::Note,
            Self::Never => false,
        }
    }
}

/// How firm a finding must be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Firm {
    /// On strong evidence.
    #[default]
    Certain,
    /// On any evidence.
    Suspected,
}

impl Firm {
    /// Whether a finding of this status is firm enough.
    #[must_use]
    pub fn takes(self, status: Status) -> bool {
        match self {
            Self::Certain => status == Status::Certain,
            Self::Suspected => true,
        }
    }
}

/// What something that deserves a look does to the gate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Response {
    /// It fails the gate.
    Error,
    /// It is told.
    #[default]
    Warn,
    /// Nothing.
    Ok,
}

/// The mildest severity that fails the gate, for single dimensions.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Levels {
    /// Isolation of the code.
    pub code: Option<Level>,
    /// Where settings are kept.
    pub configuration: Option<Level>,
    /// Where state is kept.
    pub data: Option<Level>,
    /// Where keys and passwords come from.
    pub secrets: Option<Level>,
    /// What is spoken to others.
    pub network: Option<Level>,
    /// How it came onto the host.
    pub installation: Option<Level>,
    /// What its licence allows.
    pub licensing: Option<Level>,
    /// Whether its libraries resolve.
    pub libraries: Option<Level>,
    /// What it needs of the kernel.
    pub kernel: Option<Level>,
}

impl Levels {
    /// The severity that is set for a dimension.
    #[must_use]
    pub fn of(&self, dimension: Dimension) -> Option<Level> {
        match dimension {
            Dimension::Code => self.code,
            Dimension::Configuration => self.configuration,
            Dimension::Data => self.data,
            Dimension::Secrets => self.secrets,
            Dimension::Network => self.network,
            Dimension::Installation => self.installation,
            Dimension::Licensing => self.licensing,
            Dimension::Libraries => self.libraries,
            Dimension::Kernel => self.kernel,
        }
    }
}

/// What must have been seen, or else the gate cannot be judged.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Needed {
    /// How many files of a hundred may be unreadable.
    #[schemars(range(max = 100))]
    pub unread_percent: u8,
    /// How many dimensions may be without a grade.
    #[schemars(range(max = 9))]
    pub unknown_dimensions: u8,
    /// The dimensions that must have a grade. Without this key one of code, configuration, data and
    /// libraries may be without.
    pub known: Option<BTreeSet<Dimension>>,
    /// The kinds of issue that must not have occurred. `internal`, a fault of this program, stands
    /// here without this key: what it hit was not examined.
    pub no_issues: BTreeSet<IssueKind>,
}

impl Default for Needed {
    // As the grades do: a fifth of the files, and less than four dimensions.
    fn default() -> Self {
        Self {
            unread_percent: 20,
            unknown_dimensions: 3,
            known: None,
            no_issues: BTreeSet::from([IssueKind::Internal]),
        }
    }
}

/// Findings that may stay.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Allow {
    /// The rule's id.
    #[schemars(with = "String")]
    pub rule: Spanned<String>,
    /// Where, as the application sees it: `*` and `?` stay within a name, `**` goes over several,
    /// `/dir/**` is the directory and all below it. A finding is covered when all that it rests on
    /// lies there. Without this key the rule is allowed everywhere.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub path: Option<Spanned<String>>,
    /// One finding, by its fingerprint.
    #[serde(default)]
    pub fingerprint: Option<String>,
    /// Why it may stay.
    #[schemars(with = "String", length(min = 1))]
    pub reason: Spanned<String>,
    /// Who decided that.
    #[serde(default)]
    pub owner: Option<String>,
    /// The last day on which it may stay.
    #[serde(default)]
    pub until: Option<Day>,
    /// The line of `rule` in the file.
    #[serde(skip)]
    #[schemars(skip)]
    pub line: usize,
    /// `path`, understood.
    #[serde(skip)]
    #[schemars(skip)]
    pub pattern: Option<Pattern>,
}

impl Allow {
    /// The rule's id.
    #[must_use]
    pub fn rule(&self) -> &str {
        self.rule.as_ref()
    }

    /// Why it may stay.
    #[must_use]
    pub fn reason(&self) -> &str {
        self.reason.as_ref()
    }
}

impl Config {
    /// Reads the text of `file`; `rules` are the ids that an allowance may name.
    ///
    /// # Errors
    /// Every mistake that can be told at once, in the order of the text: no TOML, an unknown or
    /// missing key, a value that is none, an unknown rule, a bad pattern, no reason.
    pub fn read(file: &str, text: &str, rules: &BTreeSet<&str>) -> Result<Self, Vec<Fault>> {
        let mut config: Self = toml_file::read(file, text, CONFIG)?;
        let fault = |(at, message): keys::Mistake| Fault::at(file, text, at, message);
        let mut wrong = Vec::new();
        for allow in &mut config.allows {
            allow.line = place(text, allow.rule.span().start).0;
            check(allow, rules, &mut wrong);
        }
        if wrong.is_empty() {
            Ok(config)
        } else {
            Err(wrong.into_iter().map(fault).collect())
        }
    }

    /// What fails the gate in a dimension.
    #[must_use]
    pub fn level(&self, dimension: Dimension) -> Level {
        self.gate
            .dimensions
            .of(dimension)
            .unwrap_or(self.gate.fail_on)
    }
}

/// What one key alone cannot show; the pattern is understood on the way.
fn check(allow: &mut Allow, rules: &BTreeSet<&str>, wrong: &mut Vec<keys::Mistake>) {
    let rule = allow.rule();
    if !rules.contains(rule) {
        let meant = meant(rule, rules.iter().copied());
        let message = format!("there is no rule `{rule}`{meant}; see: seaworthy rules list");
        wrong.push((allow.rule.span().start, message));
    }
    if allow.reason().trim().is_empty() {
        let message = "the reason is empty: say why this may stay".to_owned();
        wrong.push((allow.reason.span().start, message));
    }
    if let Some(path) = &allow.path {
        match Pattern::read(path.as_ref()) {
            Ok(pattern) => allow.pattern = Some(pattern),
            Err(message) => wrong.push((path.span().start, message)),
        }
    }
}

/// The JSON Schema (draft 7, which editors' TOML plugins read) of `seaworthy.toml`.
#[must_use]
pub fn schema() -> String {
    toml_file::schema::<Config>(CONFIG)
}
