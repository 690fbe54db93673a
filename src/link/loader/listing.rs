//! A start as machines read it.

use serde::Serialize;

use super::outcome::{By, Outcome, Phase, Verdict};
use crate::fact::LibraryStatus;
use crate::path::{AppPath, escape};

/// One file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Listing {
    /// The file.
    pub file: AppPath,
    /// What happens when it is started.
    pub verdict: Verdict,
    /// Why, where the libraries do not show it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<String>,
    /// Its libraries, in the order in which they are loaded.
    pub libraries: Vec<Row>,
}

/// One library.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Row {
    /// The name by which it is asked for.
    pub name: String,
    /// What became of it.
    pub status: LibraryStatus,
    /// The path by which the loader opens it, as the loader spells it.
    pub path: Option<String>,
    /// The file behind that path.
    pub real_path: Option<AppPath>,
    /// Where in the search it was found.
    pub phase: Option<Phase>,
    /// Who put that place into the search.
    pub by: Option<By>,
    /// The objects that ask for it.
    pub needed_by: Vec<String>,
    /// What it hides.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub shadows: Vec<String>,
    /// Files of that name in the tree, where the loader does not look.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub elsewhere: Vec<AppPath>,
    /// How it was found, or why not and what would help.
    pub how: String,
    /// Whether the program starts without it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub optional: bool,
}

impl Outcome {
    /// The outcome as machines read it.
    #[must_use]
    pub fn listing(&self) -> Listing {
        let text = |bytes: &[u8]| escape(bytes).into_owned();
        let rows = self.libraries.iter().map(|needed| Row {
            name: text(&needed.name),
            status: needed.status,
            path: needed.path.as_deref().map(text),
            real_path: needed.real_path.clone(),
            phase: needed.phase,
            by: needed.by.clone(),
            needed_by: needed.needed_by.iter().map(|by| text(by)).collect(),
            shadows: needed.shadows.iter().map(|s| text(&s.path)).collect(),
            elsewhere: needed.elsewhere.clone(),
            how: needed.how.clone(),
            optional: needed.optional,
        });
        let problem =
            |problem: &super::Problem| format!("{}: {}", escape(&problem.object), problem.message);
        Listing {
            file: self.file.clone(),
            verdict: self.verdict,
            problems: self.problems.iter().map(problem).collect(),
            libraries: rows.collect(),
        }
    }
}
