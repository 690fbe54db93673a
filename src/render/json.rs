//! The report as JSON: the contract with other programs, whose schema [`schema`] gives.

use schemars::generate::SchemaSettings;

use super::{Format, Style};
use crate::report::Report;

pub(super) const FORMAT: Format = Format {
    name: "json",
    ending: "json",
    about: "the whole report for other programs",
    render,
};

fn render(report: &Report, _: &Style) -> String {
    // Every key is a string and every number finite: nothing here can fail to be written.
    let mut text = serde_json::to_string_pretty(report).unwrap_or_default();
    text.push('\n');
    text
}

/// The JSON Schema (draft 2020-12) of a report.
#[must_use]
pub fn schema() -> String {
    let schema = SchemaSettings::draft2020_12()
        .into_generator()
        .into_root_schema_for::<Report>();
    let mut text = serde_json::to_string_pretty(&schema).unwrap_or_default();
    text.push('\n');
    text
}
