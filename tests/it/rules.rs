//! The rules: each proves its examples, a malformed one is refused with its place, and what they
//! find is the same from run to run.

use std::path::Path;

use seaworthy::fact::{Certainty, Fact, Locus, What};
use seaworthy::path::AppPath;
use seaworthy::report::{Finding, Status};
use seaworthy::rule::{Outcome, Rule, Rules, Subject, gaps, table, vocabulary};

fn own() -> Rules {
    let (rules, faults) = Rules::load([]);
    assert!(faults.is_empty(), "{faults:#?}");
    rules
}

/// One rule of a user beside the program's own.
fn with(text: &str) -> Rules {
    let (rules, faults) = Rules::load([("mine.toml", text)]);
    assert!(faults.is_empty(), "{faults:#?}");
    rules
}

fn fault(text: &str) -> String {
    let (rules, faults) = Rules::load([("team/mine.toml", text)]);
    assert_eq!(rules.iter().count(), own().iter().count());
    assert_eq!(faults.len(), 1, "{faults:?}");
    faults[0].to_string()
}

fn fact(file: &str, line: u32, what: What) -> Fact {
    Fact {
        at: Locus::line(&AppPath::new(file), line),
        what,
        certainty: Certainty::Inferred,
    }
}

fn calls(file: &str, line: u32, command: &str, args: &str) -> Fact {
    let what = What::Calls {
        command: command.to_owned(),
        args: args.to_owned(),
    };
    fact(file, line, what)
}

fn run(rules: &Rules, facts: &[Fact]) -> Outcome {
    let scope = [AppPath::new("/opt/app")];
    rules.run(&Subject {
        scope: &scope,
        facts,
        ..Subject::default()
    })
}

fn found<'a>(outcome: &'a Outcome, rule: &str) -> Vec<&'a Finding> {
    let findings = outcome.findings.iter();
    findings.filter(|finding| finding.rule == rule).collect()
}

const MINE: &str = r#"
id = "mine"
title = "calls a tool"
dimension = "code"
severity = "note"
since = "0.1.0"
why = "Because."
fix = "Remove it."
message = "{file} calls {command}"
when = { of = "calls", is.command = ["tool"] }
[[example]]
fires = true
facts = [{ fact = "calls", command = "tool", args = "" }]
[[example]]
fires = false
facts = [{ fact = "calls", command = "other", args = "" }]
"#;

#[test]
fn every_rule_proves_its_examples() {
    let wrong: Vec<String> = own()
        .iter()
        .filter_map(|rule| rule.prove().err())
        .flatten()
        .collect();
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn an_example_that_does_not_hold_is_named() {
    let text = MINE.replace("command = \"other\"", "command = \"tool\"");
    let errors = with(&text).get("mine").unwrap().prove().unwrap_err();
    assert_eq!(errors.len(), 1);
    assert!(errors[0].contains("example 2 of mine"), "{errors:?}");
    assert!(errors[0].contains("should be silent"), "{errors:?}");
}

#[test]
fn every_file_is_a_rule_of_its_name() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("rules");
    let rules = own();
    let mut files = 0;
    for entry in walkdir::WalkDir::new(folder).max_depth(1) {
        let entry = entry.unwrap();
        let name = entry.file_name().to_str().unwrap();
        if let Some(id) = name.strip_suffix(".toml") {
            files += 1;
            assert!(rules.get(id).is_some(), "{name} is not a rule");
        }
    }
    assert_eq!(files, rules.iter().count());
    assert!(files >= 35);
}

#[test]
fn every_moderate_and_difficult_cell_is_decided_by_a_rule() {
    assert_eq!(gaps(&own()), []);
}

#[test]
fn a_misspelt_key_is_refused_with_its_place() {
    let message = fault(&MINE.replace("severity", "severty"));
    assert!(message.starts_with("team/mine.toml:5:1: "), "{message}");
    assert!(message.contains("`severty`"), "{message}");
    assert!(message.contains("`severity`"), "no hint: {message}");
}

#[test]
fn a_name_that_nothing_tells_of_is_refused_with_a_near_one() {
    let vocabulary = seaworthy::knowledge::vocabulary();
    assert_eq!(own().unheard(&vocabulary), []);
    let text = MINE.replacen("[\"tool\"]", "[\"rsync\", \"rsyc*\", \"systemclt\"]", 1);
    let faults: Vec<String> = with(&text)
        .unheard(&vocabulary)
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(faults.len(), 2, "{faults:?}");
    assert!(faults[1].starts_with("mine.toml:10:56: "), "{faults:?}");
    assert!(
        faults[1].contains("command `systemclt`; did you mean `systemctl`?"),
        "{faults:?}"
    );
}

#[test]
fn faults_name_the_place_and_what_to_do() {
    for (from, to, place, words) in [
        (
            "is.command",
            "is.comand",
            "10:27",
            "unknown variant `comand`",
        ),
        ("is.command", "is.symbol", "10:8", "no field `symbol`"),
        ("{command}", "{args}", "9:11", "must not hold {args}"),
        ("{command}", "{symbol}", "9:11", "no field `symbol`"),
        ("{command}", "{commnd}", "9:11", "unknown place {commnd}"),
        ("\"mine\"", "\"yours\"", "2:6", "name the file yours.toml"),
        ("fires = false", "fires = true", "1:1", "fires = false"),
        ("\"note\"", "\"error\"", "5:12", "`blocker`"),
        (
            "severity",
            "check = \"no\"\nseverity",
            "5:9",
            "unknown check `no`",
        ),
        ("\"0.1.0\"", "0.1.0", "6:", ""),
    ] {
        let message = fault(&MINE.replacen(from, to, 1));
        assert!(
            message.starts_with(&format!("team/mine.toml:{place}")) && message.contains(words),
            "{from} → {to}: {message}"
        );
    }
}

#[test]
fn a_malformed_rule_stops_no_other_and_an_id_cannot_be_taken_twice() {
    let taken = MINE.replace("\"mine\"", "\"syslog\"");
    let (rules, faults) = Rules::load([
        ("broken.toml", "id = "),
        ("syslog.toml", &taken),
        ("mine.toml", MINE),
    ]);
    assert_eq!(faults.len(), 2);
    assert!(faults[1].message.contains("choose another id"));
    assert!(rules.get("mine").is_some());
    assert_ne!(rules.get("syslog").unwrap().title, "calls a tool");
}

#[test]
fn fingerprints_do_not_move_with_lines_or_with_other_files() {
    let rules = with(MINE);
    let first = run(&rules, &[calls("/opt/app/a.sh", 3, "tool", "")]);
    let moved = run(
        &rules,
        &[
            calls("/opt/app/0.sh", 1, "tool", "x"),
            calls("/opt/app/a.sh", 90, "tool", ""),
        ],
    );
    let (first, moved) = (found(&first, "mine"), found(&moved, "mine"));
    assert_eq!(first[0].fingerprint, moved[0].fingerprint);
    // Fixed: a baseline that was written by this version must still hold after an update.
    assert_eq!(first[0].fingerprint, "f515811f5fd9ce5a");
}

#[test]
fn a_group_decides_what_becomes_one_finding() {
    let facts = [
        calls("/opt/app/a.sh", 1, "tool", "x"),
        calls("/opt/app/a.sh", 2, "tool", "y"),
        calls("/opt/app/b.sh", 1, "tool", "x"),
    ];
    for (group, number) in [("value", 1), ("rule", 1), ("file", 2), ("place", 2)] {
        let text = MINE.replacen("when =", &format!("group = \"{group}\"\nwhen ="), 1);
        let outcome = run(&with(&text), &facts);
        let found = found(&outcome, "mine");
        assert_eq!(found.len(), number, "{group}");
        let prints: std::collections::BTreeSet<_> =
            found.iter().map(|finding| &finding.fingerprint).collect();
        assert_eq!(prints.len(), number, "{group}");
    }
}

#[test]
fn facts_of_a_finding_are_bounded_and_the_rest_is_counted() {
    let facts: Vec<Fact> = (1..=50)
        .map(|line| calls("/opt/app/a.sh", line, "tool", ""))
        .collect();
    let outcome = run(&with(MINE), &facts);
    let found = found(&outcome, "mine");
    assert_eq!((found[0].because.len(), found[0].more), (20, 30));
}

#[test]
fn findings_of_a_rule_are_bounded_and_the_rest_is_one() {
    let facts: Vec<Fact> = (100..200)
        .map(|n| calls(&format!("/opt/app/{n}.sh"), 1, "tool", ""))
        .collect();
    let text = MINE.replacen("when =", "group = \"file\"\nwhen =", 1);
    let outcome = run(&with(&text), &facts);
    let found = found(&outcome, "mine");
    assert_eq!(found.len(), 50);
    let rest = found.iter().find(|finding| finding.because.len() > 1);
    let rest = rest.expect("the rest is gathered");
    assert_eq!(
        rest.message,
        "/opt/app/149.sh calls tool; and 50 more of this kind"
    );
    assert_eq!(rest.because.len() as u64 + rest.more, 51);
}

#[test]
fn a_guess_alone_is_suspected() {
    let mut guess = calls("/opt/app/a.sh", 1, "tool", "");
    guess.certainty = Certainty::Guessed;
    let outcome = run(&with(MINE), std::slice::from_ref(&guess));
    assert_eq!(found(&outcome, "mine")[0].status, Status::Suspected);
    let sure = calls("/opt/app/b.sh", 1, "tool", "");
    let outcome = run(&with(MINE), &[guess, sure]);
    let found = found(&outcome, "mine");
    assert_eq!(found[0].status, Status::Certain);
    // The strongest evidence words the message.
    assert!(found[0].message.starts_with("/opt/app/b.sh"));
}

#[test]
fn findings_do_not_depend_on_the_order_of_facts() {
    let mut facts = vec![
        calls("/opt/app/b.sh", 2, "iptables", "-A INPUT"),
        calls("/opt/app/a.sh", 9, "openssl", "req -x509"),
        calls("/opt/app/a.sh", 3, "sudo", "id"),
        fact(
            "/opt/app/bin/x",
            1,
            What::Imports {
                symbol: "openlog".into(),
            },
        ),
        fact(
            "/opt/app/bin/x",
            1,
            What::Imports {
                symbol: "dlopen".into(),
            },
        ),
    ];
    let rules = own();
    let one = run(&rules, &facts).findings;
    facts.reverse();
    assert_eq!(one, run(&rules, &facts).findings);
    assert!(one.len() >= 5);
    let order: Vec<_> = one
        .iter()
        .map(|f| (f.severity, f.status, &f.rule))
        .collect();
    assert!(order.is_sorted());
}

#[test]
fn no_finding_holds_a_secret() {
    let secret = "hunter2-and-more";
    let facts = [
        fact(
            "/opt/app/app.conf",
            1,
            What::Setting {
                key: "db.password.session.save_path".into(),
                value: secret.into(),
            },
        ),
        fact(
            "/opt/app/run.sh",
            1,
            What::Env {
                name: "VAULT_TOKEN".into(),
                value: Some(secret.into()),
            },
        ),
        fact(
            "/opt/app/app.conf",
            2,
            What::Secret {
                kind: "password".into(),
                key: Some("db.password".into()),
            },
        ),
    ];
    let outcome = run(&own(), &facts);
    for rule in ["sessions-on-disk", "network-secret", "password-in-config"] {
        assert_eq!(found(&outcome, rule).len(), 1, "{rule}");
    }
    let text = serde_json::to_string(&outcome.findings).unwrap();
    assert!(!text.contains(secret), "{text}");
}

#[test]
fn the_tables_in_the_folder_are_the_generated_ones() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("rules/README.md");
    let held = std::fs::read_to_string(&file).unwrap();
    let mut text = held.clone();
    for (name, content) in [("rules", table()), ("vocabulary", vocabulary())] {
        let (start, end) = (format!("<!-- {name} -->\n"), format!("<!-- /{name} -->"));
        let (before, rest) = text.split_once(&start).unwrap();
        let (_, after) = rest.split_once(&end).unwrap();
        text = format!("{before}{start}{content}{end}{after}");
    }
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(&file, text).unwrap();
        return;
    }
    assert!(
        held == text,
        "rules/README.md is out of date: run the tests once with UPDATE_EXPECT=1"
    );
}

#[test]
fn the_example_in_the_folders_manual_is_a_rule() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("rules/README.md");
    let text = std::fs::read_to_string(file).unwrap();
    let block = text.split("```toml\n").nth(1).unwrap();
    let block = block.split("```").next().unwrap();
    let (rules, faults) = Rules::load([("writes-into-home.toml", block)]);
    assert!(faults.is_empty(), "{faults:?}");
    let proof = rules.get("writes-into-home").unwrap().prove();
    assert!(proof.is_ok(), "{proof:?}");
}

#[test]
fn a_rule_has_its_text_for_those_who_ask() {
    let rules = own();
    let rule: &Rule = rules.get("state-under-prefix").unwrap();
    assert!(rule.source.contains("[[example]]"));
    assert_eq!(rule.text().title, rule.title);
}
