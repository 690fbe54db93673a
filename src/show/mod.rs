//! What a gate says and what a comparison found, in words and in the forms that CI systems read.
//!
//! Nothing is decided here: a verdict is the same in every form and with more or fewer words.

mod annotations;
mod changes;
mod custody;
mod custody_picture;
mod gate;
mod gate_json;
mod gate_junit;
mod gate_sarif;

pub use annotations::{github, github_mistake, gitlab};
pub use changes::{diff_json, diff_text};
pub use custody::{custody_json, custody_terminal};
pub use gate::text;
pub use gate_json::json;
pub use gate_junit::junit;
pub use gate_sarif::sarif;

use crate::path::AppPath;
use crate::policy::{Baseline, Config, Day, Judgement, Verdict};
use crate::report::Report;

/// A judgement with what its reader needs besides.
#[derive(Clone, Copy, Debug)]
pub struct Gate<'a> {
    /// What was judged.
    pub report: &'a Report,
    /// What the gate says.
    pub judgement: &'a Judgement<'a>,
    /// By what it was judged.
    pub config: &'a Config,
    /// The file of `config`, as a reader finds it; none when there is no such file.
    pub config_file: Option<&'a str>,
    /// What was known; none when there is no baseline.
    pub baseline: Option<&'a Baseline>,
    /// The baseline's file, as a reader finds it; none when there is none.
    pub baseline_file: Option<&'a str>,
    /// The day for which it was judged.
    pub today: Day,
    /// Where the audited root lies below the directory in which CI runs.
    pub checkout: &'a Checkout,
}

impl Gate<'_> {
    /// The name of the file with the settings, where there is one.
    fn config_name(&self) -> &str {
        self.config_file.unwrap_or(crate::policy::CONFIG)
    }
}

/// Where a path of the application is in the checkout that CI looks at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Checkout {
    /// The directory of the checkout, relative to its top, that holds `top`; empty for the
    /// checkout itself.
    pub directory: String,
    /// The application path that `directory` stands for; none for `/`.
    pub top: Option<AppPath>,
}

impl Checkout {
    /// The path relative to the top of the checkout. A path beyond `top` keeps its own name.
    #[must_use]
    pub fn place(&self, path: &AppPath) -> String {
        crate::path::escape(&self.bytes(path)).into_owned()
    }

    /// As [`Checkout::place`], byte for byte.
    fn bytes(&self, path: &AppPath) -> Vec<u8> {
        let root = AppPath::root();
        let Some(below) = path.below(self.top.as_ref().unwrap_or(&root)) else {
            let path = path.as_bytes();
            return path.strip_prefix(b"/").unwrap_or(path).to_vec();
        };
        let parts = [self.directory.as_bytes(), below];
        let parts: Vec<&[u8]> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        parts.join(&b'/')
    }
}

/// The exit code with which `check` gives this verdict.
#[must_use]
pub fn exit_code(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Passed => 0,
        Verdict::Failed => 1,
        Verdict::NotJudged => 2,
    }
}

/// The verdict in words.
fn verdict_words(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Passed => "gate passed",
        Verdict::Failed => "gate failed",
        Verdict::NotJudged => "gate not judged",
    }
}

/// A CI system reads commands from the log: GitHub those at the start of a line
/// ("Workflow commands for GitHub Actions"). A name in the audited tree must not make one.
fn harmless(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        let words = line.trim_start();
        let margin = &line[..line.len() - words.len()];
        match words.strip_prefix("::") {
            Some(rest) => {
                safe.push_str(margin);
                safe.push_str("\\x3a\\x3a");
                safe.push_str(rest);
            }
            None => safe.push_str(line),
        }
    }
    // The older form of a command may stand anywhere in a line.
    safe.replace("##[", "#\\x23[")
}

#[cfg(test)]
mod tests;
