//! The tables for `rules/README.md`, and the cells of the grading table without one.

use std::fmt::Write as _;

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
