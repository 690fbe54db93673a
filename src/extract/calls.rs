//! Calls of commands that a move has to know of, whatever file they stand in: one table says which
//! (`rules/knowledge/commands.toml`), and what follows from each.

use super::withhold;
use crate::fact::{Need, What};
use crate::knowledge::commands;

/// How long the arguments of a call may be in a fact, in characters.
const MAX_SHOWN: usize = 80;

/// How many arguments are shown.
const MAX_WORDS: usize = 8;

/// What follows from a call: the call itself, what it asks of the kernel, and whom it talks to;
/// nothing where it does not do the thing that the command is listed for. `installs` when a package's
/// own installation calls.
#[must_use]
pub(super) fn facts(program: &[u8], args: &[Vec<u8>], installs: bool) -> Vec<What> {
    let cut = program.iter().rposition(|byte| *byte == b'/');
    let base = program
        .get(cut.map_or(0, |cut| cut + 1)..)
        .unwrap_or_default();
    let Ok(name) = std::str::from_utf8(base) else {
        return Vec::new();
    };
    let Some(command) = commands::command(name) else {
        return Vec::new();
    };
    let words: Vec<String> = args
        .iter()
        .map(|word| String::from_utf8_lossy(word).into_owned())
        .collect();
    if command.routine && installs || !command.acts(cut.is_some(), &words) {
        return Vec::new();
    }
    let mut found = vec![What::Calls {
        command: name.to_owned(),
        args: shown(command, base, args),
    }];
    for asked in command.asked(name, &words) {
        if let Some(value) = asked.value
            && !value.contains('*')
        {
            // systemd.exec(5) has names of its own for limits.
            let key = match asked.need {
                Need::Limit => format!("Limit{}", asked.name.to_ascii_uppercase()),
                _ => asked.name.clone(),
            };
            found.push(What::Directive { key, value });
        }
        found.push(What::Needs {
            need: asked.need,
            name: asked.name,
        });
    }
    for (service, to) in command.peers(name, &words) {
        found.push(What::Talks {
            service: service.to_owned(),
            to,
        });
    }
    found
}

/// The first arguments; what may be a secret is left out.
fn shown(command: &commands::Command, name: &[u8], args: &[Vec<u8>]) -> String {
    let (words, _) = withhold::args(name, args);
    let mut out = String::new();
    let mut hide = false;
    for word in words.iter().take(MAX_WORDS) {
        let text = if hide {
            "…"
        } else {
            word.lines().next().unwrap_or_default()
        };
        hide = command.hides(word);
        if out.chars().count() + text.chars().count() > MAX_SHOWN {
            out.push_str(" …");
            break;
        }
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(text);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(line: &str) -> Vec<What> {
        let words: Vec<Vec<u8>> = line
            .split_whitespace()
            .map(|word| word.as_bytes().to_vec())
            .collect();
        facts(&words[0], &words[1..], false)
    }

    #[test]
    fn a_secret_of_a_call_is_not_shown() {
        for line in [
            "curl -u app:hunter2 https://h.example.org/",
            "keytool -genkey -storepass hunter2",
            "openssl req -new -passout hunter2",
            "useradd -p hunter2 app",
        ] {
            let facts = format!("{:?}", told(line));
            assert!(
                facts.contains("Calls") && !facts.contains("hunter2"),
                "{facts}"
            );
        }
    }

    #[test]
    fn a_limit_comes_with_its_value() {
        let facts = told("ulimit -n 4096");
        let what = What::Directive {
            key: "LimitNOFILE".into(),
            value: "4096".into(),
        };
        assert!(facts.contains(&what), "{facts:?}");
    }

    #[test]
    fn an_installation_manages_services_as_a_matter_of_course() {
        let args = [b"restart".to_vec(), b"app".to_vec()];
        assert!(facts(b"systemctl", &args, true).is_empty());
        assert!(!facts(b"systemctl", &args, false).is_empty());
    }
}
