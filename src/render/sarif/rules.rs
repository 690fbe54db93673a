//! The rules of a log: what each finds and why it matters.

use serde::Serialize;

use super::{Text, text};
use crate::fact::name_of;
use crate::report::{Report, RuleText};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Rule<'a> {
    id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    short_description: Text,
    full_description: Text,
    help: Help,
    #[serde(skip_serializing_if = "Option::is_none")]
    properties: Option<Tags>,
}

#[derive(Serialize)]
struct Tags {
    tags: Vec<String>,
}

#[derive(Serialize)]
struct Help {
    text: String,
    markdown: String,
}

pub(super) fn rule<'a>(id: &'a str, words: &RuleText, report: &Report) -> Rule<'a> {
    let first = report.findings.iter().find(|finding| finding.rule == id);
    let title = format!("The application {}.", words.title);
    Rule {
        id,
        // A name that only repeats the id is no name (section 3.49.7).
        name: id.contains('-').then(|| pascal(id)),
        short_description: text(title.clone()),
        full_description: text(words.why.clone()),
        help: Help {
            text: format!(
                "{title} {} What to do stands in each result. `seaworthy explain {id}` shows this \
                 text.",
                words.why
            ),
            markdown: format!(
                "**{title}**\n\n{}\n\nWhat to do stands in each result. `seaworthy explain {id}` \
                 shows this text.",
                words.why
            ),
        },
        properties: first.map(|finding| Tags {
            tags: vec![name_of(finding.dimension)],
        }),
    }
}

/// `state-under-prefix` as `StateUnderPrefix`: viewers show a name without blanks (section 3.49.7).
fn pascal(id: &str) -> String {
    let word = |word: &str| {
        let mut letters = word.chars();
        let first = letters.next().map(|c| c.to_ascii_uppercase());
        first.into_iter().chain(letters).collect::<String>()
    };
    id.split('-').map(word).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_rules_have_no_blanks() {
        assert_eq!(pascal("state-under-prefix"), "StateUnderPrefix");
    }
}
