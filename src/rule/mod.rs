//! The rules: one file each in `rules/`, with its logic, its wording and the examples that prove
//! it. Facts in, findings out.
//!
//! A rule is data. What it selects is a closed set of conditions; what those cannot say is a named
//! function in `check`. Rules of the user are read by the same code, and one that is malformed or
//! fails costs only itself.

mod check;
mod example;
mod field;
mod file;
mod find;
mod item;
mod select;
mod service;
mod table;
mod text;

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use rayon::prelude::*;

use crate::fact::{Fact, Issue, IssueKind, Locus};
use crate::path::AppPath;
use crate::report::{Finding, Library, Mount, PathEntry, RuleText};

pub use file::{Fault, Rule};
pub use table::{coverage, gaps, table, unproven, vocabulary};

use find::Scene;

include!(concat!(env!("OUT_DIR"), "/rules.rs"));

/// What the rules look at.
#[derive(Clone, Copy, Debug, Default)]
pub struct Subject<'a> {
    /// The application's directories and files.
    pub scope: &'a [AppPath],
    /// Every fact.
    pub facts: &'a [Fact],
    /// Every path in reach, classified.
    pub paths: &'a [PathEntry],
    /// The libraries of the application.
    pub libraries: &'a [Library],
    /// The mounts of the plan.
    pub mounts: &'a [Mount],
}

/// Directories that hold state or settings wherever they come from (hier(7), FHS 3.0), or that
/// many applications share: they are in the scope of a package, but nobody's install prefix.
const NOT_A_PREFIX: &[(&str, bool)] = &[
    ("/etc", true),
    ("/var/lib", true),
    ("/var/log", true),
    ("/var/cache", true),
    ("/var/spool", true),
    ("/var/tmp", true),
    ("/var/run", true),
    ("/run", true),
    ("/tmp", true),
    ("/dev", true),
    ("/proc", true),
    ("/sys", true),
    ("/", false),
    ("/usr", false),
    ("/usr/bin", false),
    ("/usr/sbin", false),
    ("/usr/lib", false),
    ("/usr/lib64", false),
    ("/usr/libexec", false),
    ("/usr/share", false),
    ("/bin", false),
    ("/sbin", false),
    ("/lib", false),
    ("/lib64", false),
    ("/opt", false),
    ("/srv", false),
    ("/home", false),
    ("/var", false),
];

impl Subject<'_> {
    /// The directories that become image layers: the topmost of the scope, without those that
    /// hold state or settings by convention. When nothing else is in the scope, these count too:
    /// an application may live in `/var/lib`.
    #[must_use]
    pub fn prefixes(&self) -> Vec<AppPath> {
        let foreign = |path: &AppPath| {
            NOT_A_PREFIX.iter().any(|(dir, below)| {
                let dir = AppPath::new(dir);
                *path == dir || (*below && path.is_below(&dir))
            })
        };
        let mut own: Vec<AppPath> = self.scope.iter().filter(|p| !foreign(p)).cloned().collect();
        if own.is_empty() {
            own = self.scope.to_vec();
        }
        own.sort();
        own.dedup();
        let mut top: Vec<AppPath> = Vec::new();
        for path in own {
            // A directory sorts before what lies below it.
            if !top.last().is_some_and(|last| path.is_below(last)) {
                top.push(path);
            }
        }
        top
    }
}

/// What the rules found.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// The findings: worst first, then by rule, then by value.
    pub findings: Vec<Finding>,
    /// The rules that failed.
    pub issues: Vec<Issue>,
}

/// Rules, in order of their ids.
#[derive(Clone, Debug, Default)]
pub struct Rules(Vec<Rule>);

impl Rules {
    /// The rules of this program, and those of the user: name of the file and its text.
    ///
    /// A text with a fault is left out and its fault is returned; a user's rule cannot take the
    /// id of another.
    #[must_use]
    pub fn load<'t>(user: impl IntoIterator<Item = (&'t str, &'t str)>) -> (Self, Vec<Fault>) {
        let mut rules = BTreeMap::new();
        let mut faults = Vec::new();
        let own = RULES.iter().map(|(id, text, json)| {
            let file = format!("rules/{id}.toml");
            let rule = Rule::built_in(&file, text, json);
            (file, rule)
        });
        let user = user.into_iter();
        let user = user.map(|(file, text)| (file.to_owned(), Rule::read(file, text)));
        for (file, rule) in own.chain(user) {
            match rule {
                Ok(rule) if rules.contains_key(rule.id()) => faults.push(rule.taken(&file)),
                Ok(rule) => {
                    rules.insert(rule.id().to_owned(), rule);
                }
                Err(fault) => faults.push(fault),
            }
        }
        (Self(rules.into_values().collect()), faults)
    }

    /// Names that rules ask for and that nothing can tell of: with them a rule never fires. `known` has,
    /// for each field of a condition, every name that is told.
    #[must_use]
    pub fn unheard(&self, known: &[(&str, Vec<&str>)]) -> Vec<Fault> {
        let of = |(field, names): &(&str, Vec<&str>)| {
            let field = field::Field::from_word(field);
            let rules = self.iter();
            let faults = rules.flat_map(|rule| field.map(|field| rule.unheard(field, names)));
            faults.flatten().collect::<Vec<_>>()
        };
        known.iter().flat_map(of).collect()
    }

    /// All rules, in order of their ids.
    pub fn iter(&self) -> std::slice::Iter<'_, Rule> {
        self.0.iter()
    }

    /// The rule of that id.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<&Rule> {
        self.0.iter().find(|rule| rule.id() == id)
    }

    /// The texts of the rules that `findings` name, as the report holds them.
    #[must_use]
    pub fn texts(&self, findings: &[Finding]) -> BTreeMap<String, RuleText> {
        let fired = |rule: &&Rule| findings.iter().any(|finding| finding.rule == rule.id());
        self.iter()
            .filter(fired)
            .map(|rule| (rule.id().to_owned(), rule.text()))
            .collect()
    }

    /// Runs every rule. One that fails becomes an issue and stops no other.
    #[must_use]
    pub fn run(&self, subject: &Subject<'_>) -> Outcome {
        let scene = Scene::new(subject);
        let mut found = Vec::new();
        let mut issues = Vec::new();
        // Nothing that a rule writes to outlives it but the scene's cell, which is set whole.
        let of = |rule| catch_unwind(AssertUnwindSafe(|| find::findings(rule, &scene)));
        let rules: Vec<&Rule> = self.iter().collect();
        let parts: Vec<_> = rules.par_iter().map(|rule| of(*rule)).collect();
        for (rule, part) in rules.into_iter().zip(parts) {
            match part {
                Ok(part) => found.extend(part),
                Err(_) => issues.push(Issue {
                    at: Locus::file(subject.scope.first().unwrap_or(&AppPath::root())),
                    kind: IssueKind::Internal,
                    message: format!("the rule {} failed; please report it", rule.id()),
                }),
            }
        }
        found.sort_by(|a, b| a.order().cmp(&b.order()));
        Outcome {
            findings: found.into_iter().map(|found| found.finding).collect(),
            issues,
        }
    }
}

impl<'a> IntoIterator for &'a Rules {
    type Item = &'a Rule;
    type IntoIter = std::slice::Iter<'a, Rule>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl Rule {
    /// Runs the examples of its file.
    ///
    /// # Errors
    /// What does not hold, a sentence for each example.
    pub fn prove(&self) -> Result<(), Vec<String>> {
        let file = format!("{}.toml", self.id());
        let whole = Self::read(&file, &self.source).map_err(|fault| vec![fault.to_string()])?;
        let wrong: Vec<String> = whole
            .examples
            .iter()
            .enumerate()
            .filter_map(|(at, example)| {
                let error = self.prove_one(example).err()?;
                Some(format!("example {} of {}: {error}", at + 1, self.id()))
            })
            .collect();
        if wrong.is_empty() { Ok(()) } else { Err(wrong) }
    }

    fn prove_one(&self, example: &example::Example) -> Result<(), String> {
        let setting = example.read()?;
        let subject = Subject {
            scope: &setting.scope,
            facts: &setting.facts,
            paths: &setting.paths,
            libraries: &setting.libraries,
            mounts: &setting.mounts,
        };
        let found = find::findings(self, &Scene::new(&subject));
        let Some(first) = found.first().map(|found| &found.finding) else {
            return if example.fires {
                Err("it should fire and does not".to_owned())
            } else {
                Ok(())
            };
        };
        if !example.fires {
            return Err(format!("it should be silent but says: {}", first.message));
        }
        if let Some(says) = &example.says
            && *says != first.message
        {
            return Err(format!(
                "it should say: {says}\n  but says: {}",
                first.message
            ));
        }
        match example.status {
            Some(status) if status != first.status => Err(format!(
                "it should be {} but is {}",
                field::word(&status),
                field::word(&first.status)
            )),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FAILS: &str = r#"
        id = "fails"
        title = "fails"
        dimension = "code"
        severity = "note"
        since = "0.1.0"
        why = "To see that it stops nothing."
        fix = "None."
        message = "never said"
        check = "panic"
        when = { of = "imports" }
        [[example]]
        fires = true
        [[example]]
        fires = false
    "#;

    #[test]
    fn a_rule_that_panics_stops_no_other() {
        let (mut rules, _) = Rules::load([]);
        rules.0.insert(0, Rule::read("fails.toml", FAILS).unwrap());
        let facts = [Fact {
            at: Locus::file(&AppPath::new("/opt/app/bin/app")),
            what: crate::fact::What::Imports {
                symbol: "syslog".into(),
            },
            certainty: crate::fact::Certainty::Inferred,
        }];
        let outcome = rules.run(&Subject {
            facts: &facts,
            ..Subject::default()
        });
        assert_eq!(outcome.issues.len(), 1);
        assert!(outcome.issues[0].message.contains("the rule fails failed"));
        assert_eq!(outcome.findings[0].rule, "syslog");
    }

    #[test]
    fn the_rules_in_the_program_are_those_of_the_files() {
        for (id, text, json) in RULES {
            let file = format!("rules/{id}.toml");
            let mut want = Rule::read(&file, text).unwrap();
            want.examples.clear();
            let mut have: Rule = serde_json::from_str(json).unwrap();
            have.source = (*text).to_owned();
            assert_eq!(format!("{have:?}"), format!("{want:?}"), "{id}");
        }
    }

    #[test]
    fn state_directories_of_a_package_are_no_prefix() {
        let prefixes = |scope: &[&str]| -> Vec<String> {
            let scope: Vec<AppPath> = scope.iter().map(AppPath::new).collect();
            let subject = Subject {
                scope: &scope,
                ..Subject::default()
            };
            let found = subject.prefixes();
            found.iter().map(|p| p.to_text().into_owned()).collect()
        };
        assert_eq!(
            prefixes(&[
                "/usr/lib/app",
                "/etc/app",
                "/var/lib/app",
                "/usr/lib/app/bin"
            ]),
            ["/usr/lib/app"]
        );
        assert_eq!(prefixes(&["/var/www/app"]), ["/var/www/app"]);
        assert_eq!(prefixes(&["/var/lib/app"]), ["/var/lib/app"]);
    }
}
