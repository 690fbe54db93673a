//! The form of a rule's file, and what is wrong with one: file, line, column and what to do.

use std::fmt;

use serde::Deserialize;
use toml::Spanned;

use crate::fact::Certainty;
use crate::report::{Dimension, Grade, RuleText, Severity, Status};

use super::check::{Check, Params};
use super::example::Example;
use super::field::{Field, Sort};
use super::select::{Selects, no_field};
use super::text::Template;

/// A rule: what to look for, how much it matters, and what to say.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Its name, and that of its file.
    id: Spanned<String>,
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
    pub(super) fix: Spanned<Template>,
    pub(super) message: Spanned<Template>,
    /// What it is about: any one of these.
    pub(super) when: Spanned<Selects>,
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
    pub(super) identify: Option<Spanned<Field>>,
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
        self.id.as_ref()
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
        self.identify
            .as_ref()
            .map_or(sort.identity(), |field| *field.as_ref())
    }

    /// Reads the text of `file`.
    ///
    /// # Errors
    /// The first fault, with its place: not TOML, an unknown or missing key, a condition that can
    /// never hold, a message with an unknown place, an id that is not the file's name, or no
    /// example of each kind.
    pub(super) fn read(file: &str, text: &str) -> Result<Self, Fault> {
        let fault = |at: usize, message: String| Fault::at(file, text, at, message);
        let mut rule: Self = toml::from_str(text).map_err(|error| {
            let at = error.span().map_or(0, |span| span.start);
            fault(at, error.message().trim().replace('\n', ", "))
        })?;
        rule.check(file)
            .map_err(|(at, message)| fault(at, message))?;
        text.clone_into(&mut rule.source);
        Ok(rule)
    }

    /// The fault of a rule whose id another one has.
    pub(super) fn taken(&self, file: &str) -> Fault {
        let message = format!("there is a rule `{}` already: choose another id", self.id());
        Fault::at(file, &self.source, self.id.span().start, message)
    }

    /// What one key alone cannot show.
    fn check(&self, file: &str) -> Result<(), (usize, String)> {
        let name = file.rsplit('/').next().unwrap_or(file);
        let stem = name.strip_suffix(".toml").unwrap_or(name);
        let id = self.id();
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        let at = self.id.span().start;
        if id.is_empty() || !id.chars().all(plain) {
            return Err((
                at,
                format!("`{id}`: an id is made of lower-case letters, digits and hyphens"),
            ));
        }
        if id != stem {
            return Err((
                at,
                format!("the id is `{id}` but the file is `{name}`: name the file {id}.toml"),
            ));
        }
        self.check_fields()?;
        if self.params.is_some() && self.check.is_none() {
            return Err((0, "`params` without a `check` that takes them".to_owned()));
        }
        for (fires, word) in [(true, "true"), (false, "false")] {
            if !self.examples.iter().any(|example| example.fires == fires) {
                return Err((
                    0,
                    format!("no [[example]] with `fires = {word}`: a rule proves itself by both"),
                ));
            }
        }
        Ok(())
    }

    /// A message may name only what everything that the rule selects has.
    fn check_fields(&self) -> Result<(), (usize, String)> {
        let selects = &self.when.as_ref().0;
        if selects.is_empty() {
            let message = "`when` is empty: the rule would never fire".to_owned();
            return Err((self.when.span().start, message));
        }
        let sorts: Vec<Sort> = selects.iter().map(|select| select.sort()).collect();
        let missing = |field: Field| sorts.iter().find(|sort| !sort.has(field));
        for template in [&self.message, &self.fix] {
            for field in template.as_ref().fields() {
                if let Some(sort) = missing(field) {
                    return Err((template.span().start, no_field(*sort, field)));
                }
            }
        }
        if let Some(field) = &self.identify
            && let Some(sort) = missing(*field.as_ref())
        {
            return Err((field.span().start, no_field(*sort, *field.as_ref())));
        }
        Ok(())
    }
}
