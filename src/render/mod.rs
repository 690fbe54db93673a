//! The forms in which a report is shown. Each is a view of one [`Report`]: it sees no disk, leaves
//! nothing out that another form has, and decides nothing.

pub mod json;
mod terminal;
pub mod text;

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
    /// The ending of a file that is written in this form when no form is named.
    pub ending: &'static str,
    /// What it is good for, in a few words.
    pub about: &'static str,
    /// The report in this form, ending with a new line.
    pub render: fn(&Report, &Style) -> String,
}

/// Every form.
pub const FORMATS: &[Format] = &[terminal::FORMAT, json::FORMAT];

/// The form called `name`.
#[must_use]
pub fn by_name(name: &str) -> Option<&'static Format> {
    FORMATS.iter().find(|format| format.name == name)
}

/// The form for a file of this name.
#[must_use]
pub fn by_ending(file: &str) -> Option<&'static Format> {
    let (_, ending) = file.rsplit_once('.')?;
    FORMATS
        .iter()
        .find(|format| format.ending.eq_ignore_ascii_case(ending))
}
