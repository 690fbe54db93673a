//! The forms in which a report is shown. Each is a view of one [`Report`]: it sees no disk, leaves
//! nothing out without a word, and decides nothing.

mod bom;
mod csv;
pub(crate) mod custody;
mod cyclonedx;
mod html;
pub mod json;
pub(crate) mod junit;
mod markdown;
pub mod sarif;
mod spdx;
mod terminal;
pub mod text;
mod words;
mod xml;

pub use html::custody_page;

use crate::report::Report;

/// How a form may use the place it is shown at.
#[derive(Clone, Copy, Debug)]
pub struct Style {
    /// Columns to keep within.
    pub width: usize,
    /// Whether colour may be used.
    pub colour: bool,
    /// Whether what is shortened by default is shown whole.
    pub all: bool,
}

impl Default for Style {
    fn default() -> Self {
        Self {
            width: 80,
            colour: false,
            all: false,
        }
    }
}

/// A form of the report.
pub struct Format {
    /// Its name on the command line.
    pub name: &'static str,
    /// The ending of a file that is written in this form when no form is named; with a dot in it
    /// where several forms share the last part.
    pub ending: &'static str,
    /// What it is good for, in a few words.
    pub about: &'static str,
    /// The report in this form, ending with a new line.
    pub render: fn(&Report, &Style) -> String,
}

/// Every form.
pub const FORMATS: &[Format] = &[
    terminal::FORMAT,
    json::FORMAT,
    html::FORMAT,
    markdown::FORMAT,
    sarif::FORMAT,
    junit::FORMAT,
    csv::PATHS,
    csv::LIBRARIES,
    cyclonedx::FORMAT,
    spdx::FORMAT,
];

/// The form called `name`.
#[must_use]
pub fn by_name(name: &str) -> Option<&'static Format> {
    FORMATS.iter().find(|format| format.name == name)
}

/// The form for a file of this name: the one with the longest ending that the name has. An ending
/// of two parts may be the whole name, or follow a dash (`paths.csv`, `app-paths.csv`).
#[must_use]
pub fn by_ending(file: &str) -> Option<&'static Format> {
    let name = file.rsplit('/').next()?.to_ascii_lowercase();
    let fits = |format: &&Format| {
        name.strip_suffix(format.ending).is_some_and(|rest| {
            let parted = rest.ends_with(|c: char| !c.is_alphanumeric());
            rest.ends_with('.') || (format.ending.contains('.') && (rest.is_empty() || parted))
        })
    };
    FORMATS
        .iter()
        .filter(fits)
        .max_by_key(|format| format.ending.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_ending_tells_the_form() {
        for (file, want) in [
            ("r.json", Some("json")),
            ("out/R.MD", Some("markdown")),
            ("paths.csv", Some("csv-paths")),
            ("out/app-libraries.csv", Some("csv-libraries")),
            ("app.cdx.json", Some("cyclonedx")),
            ("mypaths.csv", None),
            ("app.csv", None),
            ("json", None),
            ("out.json/report", None),
        ] {
            assert_eq!(by_ending(file).map(|format| format.name), want, "{file}");
        }
    }
}
