//! The forms of the gate's answer, and which of them goes where.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use clap::ValueEnum;

use seaworthy::show::{self, Gate};

use crate::output;

/// A form of the gate's answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum CheckFormat {
    /// For people
    Terminal,
    /// For other programs
    Json,
    /// SARIF 2.1.0 with what may stay and what is new
    Sarif,
    /// JUnit XML, a test for each finding
    Junit,
    /// Annotations of GitHub Actions
    Github,
    /// Code quality report of GitLab
    Gitlab,
}

/// One form, and the file it goes to; standard output without one.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) format: CheckFormat,
    pub(super) file: Option<PathBuf>,
}

impl CheckFormat {
    /// The form for a file of this name. GitHub's and GitLab's have no ending of their own.
    fn by_ending(file: &Path) -> Option<Self> {
        match file.extension()?.to_str()? {
            "txt" => Some(Self::Terminal),
            "json" => Some(Self::Json),
            "sarif" => Some(Self::Sarif),
            "xml" => Some(Self::Junit),
            _ => None,
        }
    }

    /// The answer in this form.
    pub(super) fn show(self, gate: &Gate<'_>, to_file: bool, all: bool) -> String {
        match self {
            Self::Terminal => show::text(gate, &output::style(to_file, all)),
            Self::Json => show::json(gate),
            Self::Sarif => show::sarif(gate),
            Self::Junit => show::junit(gate),
            Self::Github => show::github(gate),
            Self::Gitlab => show::gitlab(gate),
        }
    }
}

/// Which forms go where: the first `--format` belongs to the first `-o` and so on; a `-o` without
/// one goes by its ending. The one left over, or else the words for people, goes to standard output.
pub(super) fn answers(formats: &[CheckFormat], files: &[PathBuf]) -> Result<Vec<Answer>> {
    let mut answers = Vec::new();
    for (at, file) in files.iter().enumerate() {
        let named = formats.get(at).copied();
        let Some(format) = named.or_else(|| CheckFormat::by_ending(file)) else {
            bail!(
                "cannot tell the form of {} from its ending: end it with .txt, .json, .sarif or \
                 .xml, or add --format",
                file.display()
            );
        };
        answers.push(Answer {
            format,
            file: Some(file.clone()),
        });
    }
    let format = match formats.get(files.len()..).unwrap_or_default() {
        [] => CheckFormat::Terminal,
        [one] => *one,
        _ => bail!("standard output takes one form: add a -o FILE for each other --format"),
    };
    answers.push(Answer { format, file: None });
    Ok(answers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_file_has_its_form_and_one_is_left_for_standard_output() {
        use CheckFormat::{Github, Gitlab, Junit, Sarif, Terminal};
        let told = |formats: &[CheckFormat], files: &[&str]| {
            let files: Vec<PathBuf> = files.iter().map(PathBuf::from).collect();
            let answers = answers(formats, &files).ok()?;
            Some(answers.iter().map(|answer| answer.format).collect())
        };
        let some = |forms: &[CheckFormat]| Some(forms.to_vec());
        assert_eq!(told(&[], &[]), some(&[Terminal]));
        assert_eq!(told(&[Github], &[]), some(&[Github]));
        assert_eq!(told(&[Gitlab], &["q.json"]), some(&[Gitlab, Terminal]));
        let two = told(&[], &["g.sarif", "out/g.xml"]);
        assert_eq!(two, some(&[Sarif, Junit, Terminal]));
        let beside = told(&[Sarif, Github], &["g.sarif"]);
        assert_eq!(beside, some(&[Sarif, Github]));
        assert_eq!(told(&[], &["gate"]), None);
        assert_eq!(told(&[Github, Gitlab], &[]), None);
    }
}
