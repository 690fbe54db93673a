//! The tables for `rules/README.md`, and the cells of the grading table without one.

use std::fmt::Write as _;

use std::collections::BTreeSet;

use crate::report::{Dimension, Grade, Status};

use super::Rules;
use super::field::{Sort, word};

/// The rules of this program as a Markdown table: by dimension, then worst first.
#[must_use]
pub fn table() -> String {
    let (rules, _) = Rules::load([]);
    let mut rows: Vec<_> = rules.iter().collect();
    rows.sort_by_key(|rule| (rule.dimension, rule.severity, rule.id()));
    let mut out = String::from(
        "| Rule | Dimension | Severity | Decides | The application … |\n|---|---|---|---|---|\n",
    );
    for rule in rows {
        let decides = match (rule.grade(), rule.status) {
            (None, _) => String::new(),
            (Some(grade), Status::Certain) => word(&grade),
            (Some(grade), Status::Suspected) => format!("{}, suspected", word(&grade)),
        };
        // Writing to a String cannot fail.
        let _ = writeln!(
            out,
            "| [{id}]({id}.toml) | {} | {} | {decides} | {} |",
            word(&rule.dimension),
            word(&rule.severity),
            rule.title,
            id = rule.id(),
        );
    }
    out
}

/// What a condition can be about, and the fields of each, as a Markdown table.
#[must_use]
pub fn vocabulary() -> String {
    let mut out = String::from(
        "| `of` | Fields besides `path`, `file`, `base` | Told apart by |\n|---|---|---|\n",
    );
    for sort in Sort::ALL {
        let fields: Vec<String> = sort
            .fields()
            .iter()
            .map(|field| format!("`{}`", field.word()))
            .collect();
        // Writing to a String cannot fail.
        let _ = writeln!(
            out,
            "| `{}` | {} | `{}` |",
            sort.word(),
            fields.join(", "),
            sort.identity().word(),
        );
    }
    out
}

/// The cells of the grading table that no rule of `rules` decides by certain findings.
#[must_use]
pub fn gaps(rules: &Rules) -> Vec<(Dimension, Grade)> {
    let mut gaps = Vec::new();
    for dimension in Dimension::ALL {
        for grade in [Grade::Moderate, Grade::Difficult] {
            let decided = rules.iter().any(|rule| {
                rule.dimension == dimension
                    && rule.grade() == Some(grade)
                    && rule.status == Status::Certain
            });
            if !decided {
                gaps.push((dimension, grade));
            }
        }
    }
    gaps
}

/// What each rule was proven on: its name, a tree of files on which it fires, one on which it is silent.
/// The tests keep it.
const PROVEN: &str = include_str!("../../rules/proven.tsv");

/// The rules of which no sample and no fixture shows that they fire.
#[must_use]
pub fn unproven(rules: &Rules) -> Vec<String> {
    let proven: BTreeSet<&str> = PROVEN
        .lines()
        .filter_map(|line| line.split('\t').next())
        .collect();
    rules
        .iter()
        .map(|rule| rule.id().to_owned())
        .filter(|id| !proven.contains(id.as_str()))
        .collect()
}

/// In words: how many rules were proven, and which were not.
#[must_use]
pub fn coverage(rules: &Rules) -> String {
    let all = rules.iter().count();
    let unproven = unproven(rules);
    let mut text = format!(
        "{} of {all} rules fire on a sample or fixture, and are silent on another\n",
        all - unproven.len()
    );
    for id in unproven {
        text.push_str(&format!("unproven: {id}\n"));
    }
    text
}
