//! The form of a rule's file, and what is wrong with one: file, line, column and what to do.

use std::fmt;

use serde::Deserialize;
use toml::de::DeTable;

use crate::fact::{Certainty, meant};
use crate::report::{Dimension, Grade, RuleText, Severity, Status};

use super::check::{Check, Params};
use super::example::Example;
use super::field::{Field, Sort};
use super::select::{Selects, no_field};
use super::text::{Glob, Template};

/// A rule: what to look for, how much it matters, and what to say.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Its name, and that of its file.
    id: String,
    /// What it finds, in a few words that follow the application's name: "writes its own code".
    pub title: String,
    /// The dimension that its findings count for.
    pub dimension: Dimension,
    /// How much a finding matters.
    pub severity: Severity,
    /// How firm a finding is when its evidence is more than a guess.
    #[serde(default = "certain")]
    pub status: Status,
    /// The cell of the grading table that a finding decides.
    #[serde(default)]
    grade: Option<Cell>,
    /// The version that brought it.
    pub since: String,
    /// Why it matters.
    pub why: String,
    pub(super) fix: Template,
    pub(super) message: Template,
    /// What it is about: any one of these.
    pub(super) when: Selects,
    /// What must be there as well: every one of these.
    #[serde(default)]
    pub(super) also: Selects,
    /// What must not be there: none of these.
    #[serde(default)]
    pub(super) absent: Selects,
    /// How many distinct values there must be.
    #[serde(default = "one")]
    pub(super) least: usize,
    /// The field that tells two things apart.
    #[serde(default)]
    pub(super) identify: Option<Field>,
    /// How a thing must be known, at least, to make a finding certain.
    #[serde(default = "inferred")]
    pub(super) firm: Certainty,
    /// What becomes one finding.
    #[serde(default)]
    pub(super) group: Group,
    /// What `when` cannot say.
    #[serde(default)]
    pub(super) check: Option<Check>,
    #[serde(default)]
    pub(super) params: Option<Params>,
    /// Not there in a rule of this program: see [`Rule::built_in`].
    #[serde(rename = "example", default)]
    pub(super) examples: Vec<Example>,
    /// The file's text, for those who ask.
    #[serde(skip)]
    pub source: String,
}

fn certain() -> Status {
    Status::Certain
}

/// A guess alone is a suspicion.
fn inferred() -> Certainty {
    Certainty::Inferred
}

fn one() -> usize {
    1
}

/// A cell of the grading table that a finding can decide; nothing that is found makes a move easy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Cell {
    Moderate,
    Difficult,
}

/// What becomes one finding. The fingerprint is made of the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Group {
    /// Everything with the same identifying value, in whatever files.
    #[default]
    Value,
    /// Everything in the same file.
    File,
    /// Everything with the same identifying value in the same file.
    Place,
    /// Everything.
    Rule,
}

/// What is wrong with a rule's file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The file, as the caller named it.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// What is wrong, and what to do.
    pub message: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            file,
            line,
            column,
            message,
        } = self;
        write!(f, "{file}:{line}:{column}: {message}")
    }
}

impl std::error::Error for Fault {}

impl Fault {
    /// What is wrong with the value of `key`; without one, with the file.
    fn of(file: &str, text: &str, key: Option<&str>, message: String) -> Self {
        let table = DeTable::parse(text).ok();
        let value = table.as_ref().zip(key);
        let value = value.and_then(|(table, key)| table.get_ref().get(key));
        Self::at(
            file,
            text,
            value.map_or(0, |value| value.span().start),
            message,
        )
    }

    /// What is wrong at byte `at` of `text`.
    fn at(file: &str, text: &str, at: usize, message: String) -> Self {
        let before = text.get(..at).unwrap_or(text);
        let start = before.rfind('\n').map_or(0, |newline| newline + 1);
        Self {
            file: file.to_owned(),
            line: before.matches('\n').count() + 1,
            column: before[start..].chars().count() + 1,
            message,
        }
    }
}

impl Rule {
    /// Its name, as in `[[allow]]` and in the report.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The cell of the grading table that a finding decides, if any.
    #[must_use]
    pub fn grade(&self) -> Option<Grade> {
        self.grade.map(|cell| match cell {
            Cell::Moderate => Grade::Moderate,
            Cell::Difficult => Grade::Difficult,
        })
    }

    /// What the report says of it.
    #[must_use]
    pub fn text(&self) -> RuleText {
        RuleText {
            title: self.title.clone(),
            why: self.why.clone(),
        }
    }

    /// The field that tells two things of `sort` apart.
    pub(super) fn identity(&self, sort: Sort) -> Field {
        self.identify.unwrap_or(sort.identity())
    }

    /// Reads the text of `file`.
    ///
    /// # Errors
    /// The first fault, with its place: not TOML, an unknown or missing key, a condition that can
    /// never hold, a message with an unknown place, an id that is not the file's name, or no
    /// example of each kind.
    pub(super) fn read(file: &str, text: &str) -> Result<Self, Fault> {
        let mut rule: Self = toml::from_str(text).map_err(|error| {
            let at = error.span().map_or(0, |span| span.start);
            let message = error.message().trim().replace('\n', ", ");
            Fault::at(file, text, at, message)
        })?;
        rule.check(file)
            .map_err(|(key, message)| Fault::of(file, text, key, message))?;
        text.clone_into(&mut rule.source);
        Ok(rule)
    }

    /// The rule of this program whose file `build.rs` made `json` of, which is quick to read: its
    /// examples are left out, and what the tests have seen of the file is not looked at again.
    ///
    /// # Errors
    /// That of [`Rule::read`], which knows the place.
    pub(super) fn built_in(file: &str, text: &str, json: &str) -> Result<Self, Fault> {
        let Ok(mut rule) = serde_json::from_str::<Self>(json) else {
            return Self::read(file, text);
        };
        text.clone_into(&mut rule.source);
        Ok(rule)
    }

    /// The fault of a rule whose id another one has.
    pub(super) fn taken(&self, file: &str) -> Fault {
        let message = format!("there is a rule `{}` already: choose another id", self.id());
        Fault::of(file, &self.source, Some("id"), message)
    }

    /// The names that it asks for in `field` and that none of `known` fits: it can never fire for them.
    pub(super) fn unheard(&self, field: Field, known: &[&str]) -> Vec<Fault> {
        let selects = self.when.0.iter().chain(&self.also.0);
        let asked = selects.flat_map(|select| select.asked(field));
        let is_unheard = |glob: &&Glob| !known.iter().any(|name| glob.matches(name));
        let fault = |glob: &Glob| {
            let name = glob.text();
            let word = field.word();
            let message = format!(
                "nothing tells of a {word} `{name}`{}",
                meant(name, known.iter().copied())
            );
            let at = self.source.find(&format!("\"{name}\"")).unwrap_or(0);
            Fault::at(&format!("{}.toml", self.id()), &self.source, at, message)
        };
        asked.filter(is_unheard).map(fault).collect()
    }

    /// What one key alone cannot show: the key that is at fault, if it is one, and what to do.
    fn check(&self, file: &str) -> Result<(), (Option<&'static str>, String)> {
        let name = file.rsplit('/').next().unwrap_or(file);
        let stem = name.strip_suffix(".toml").unwrap_or(name);
        let id = self.id();
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if id.is_empty() || !id.chars().all(plain) {
            return Err((
                Some("id"),
                format!("`{id}`: an id is made of lower-case letters, digits and hyphens"),
            ));
        }
        if id != stem {
            return Err((
                Some("id"),
                format!("the id is `{id}` but the file is `{name}`: name the file {id}.toml"),
            ));
        }
        self.check_fields()?;
        if self.params.is_some() && self.check.is_none() {
            return Err((
                None,
                "`params` without a `check` that takes them".to_owned(),
            ));
        }
        for (fires, word) in [(true, "true"), (false, "false")] {
            if !self.examples.iter().any(|example| example.fires == fires) {
                return Err((
                    None,
                    format!("no [[example]] with `fires = {word}`: a rule proves itself by both"),
                ));
            }
        }
        Ok(())
    }

    /// A message may name only what everything that the rule selects has.
    fn check_fields(&self) -> Result<(), (Option<&'static str>, String)> {
        let selects = &self.when.0;
        if selects.is_empty() {
            let message = "`when` is empty: the rule would never fire".to_owned();
            return Err((Some("when"), message));
        }
        let sorts: Vec<Sort> = selects.iter().map(|select| select.sort()).collect();
        let missing = |field: Field| sorts.iter().find(|sort| !sort.has(field));
        for (key, template) in [("message", &self.message), ("fix", &self.fix)] {
            for field in template.fields() {
                if let Some(sort) = missing(field) {
                    return Err((Some(key), no_field(*sort, field)));
                }
            }
        }
        if let Some(field) = self.identify
            && let Some(sort) = missing(field)
        {
            return Err((Some("identify"), no_field(*sort, field)));
        }
        Ok(())
    }
}
