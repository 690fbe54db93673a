//! What is shown of a gate: nothing from the audited tree can pass for something else.

use std::collections::BTreeSet;

use serde_json::json;

use super::*;
use crate::policy::{Baseline, CONFIG, judge};
use crate::render::Style;
use crate::report::{Dimension, Report};

/// A report with one blocker seen in `file`, and that says `message`.
fn report(file: &str, message: &str) -> Report {
    let grade = |dimension: &Dimension| json!({ "dimension": dimension, "grade": "easy", "reason": "", "paths": [] });
    let dimensions: Vec<_> = Dimension::ALL.iter().map(grade).collect();
    serde_json::from_value(json!({
        "schema": 1, "tool": { "name": "seaworthy", "version": "0" },
        "target": { "scope": ["/opt/app"] },
        "verdict": { "answer": "does-not-float-yet", "reason": "" },
        "dimensions": dimensions,
        "findings": [{
            "rule": "syslog", "dimension": "data", "severity": "blocker",
            "status": "certain", "message": message, "fix": "mount it", "fingerprint": "f1",
            "because": [{
                "at": { "file": file, "line": 3 }, "certainty": "inferred",
                "fact": "imports", "symbol": "syslog",
            }],
        }],
        "rules": {}, "libraries": [], "paths": [],
        "plan": { "mounts": [], "ports": [], "env": [], "start": [], "kernel": [] },
        "coverage": {
            "entries": 9, "read": 9, "unread": 0, "bytes": 9, "counts": {}, "issues": []
        },
    }))
    .unwrap()
}

/// A form of the judgement of `report`.
fn shown(report: &Report, settings: &str, form: impl Fn(&Gate<'_>) -> String) -> String {
    let config = Config::read(CONFIG, settings, &BTreeSet::from(["syslog"])).unwrap();
    let today = "2026-06-30".parse().unwrap();
    let judgement = judge(report, &config, &Baseline::default(), today);
    form(&Gate {
        judgement: &judgement,
        config: &config,
        config_file: Some("ci/seaworthy.toml"),
        baseline_file: None,
        today,
        checkout: &Checkout {
            directory: "rootfs".into(),
            top: None,
        },
    })
}

#[test]
fn a_name_in_the_tree_makes_no_command_of_the_ci() {
    let hostile = "/opt/app/a\n::error file=x::b,c:d%";
    let report = report(
        hostile,
        "written is x ::set-env name=PATH::/tmp ##[error] now",
    );
    let text = shown(&report, "", github);
    let commands: Vec<&str> = text.lines().filter(|line| line.contains("::")).collect();
    let [command] = commands[..] else {
        panic!("one command was expected:\n{text}");
    };
    assert!(command.starts_with("::error file=rootfs/opt/app/a\\x0a%3A%3Aerror file=x"));
    assert!(command.contains("b%2Cc%3Ad%25,line=3,title=seaworthy%3A syslog::written is"));
    for width in 20..80 {
        let style = Style {
            width,
            ..Style::default()
        };
        let text = shown(&report, "", |gate| super::text(gate, &style));
        let commands = text.lines().any(|line| line.trim_start().starts_with("::"));
        assert!(!commands && !text.contains("##["), "{width}\n{text}");
    }
}

#[test]
fn the_words_say_what_failed_and_why_and_what_to_do() {
    let report = report("/opt/app/bin/run", "it logs");
    let settings = "[[allow]]\nrule='syslog'\nreason='x'\nuntil=2026-06-29";
    let text = shown(&report, settings, |gate| {
        super::text(gate, &Style::default())
    });
    for words in [
        "GATE FAILED: 1 of 1 finding fails",
        "blocker  data  syslog  [f1]",
        "at /opt/app/bin/run:3",
        "its allowance (ci/seaworthy.toml:2) expired on 2026-06-29",
        "→ mount it",
        "warning: ci/seaworthy.toml:2: this allowance of syslog expired",
        "path = \"/opt/app/bin/run\"",
        "--update-baseline",
    ] {
        assert!(text.contains(words), "{words}\n{text}");
    }
}

#[test]
fn a_verdict_is_the_same_with_colour_and_more_words() {
    let report = report("/opt/app/bin/run", "it logs");
    let style = Style {
        colour: true,
        all: true,
        width: 60,
    };
    let loud = shown(&report, "", |gate| super::text(gate, &style));
    assert!(loud.contains("\x1b[1;31mGATE FAILED\x1b[0m"), "{loud}");
    let allowed = "[[allow]]\nrule='syslog'\nreason='x'";
    let loud = shown(&report, allowed, |gate| super::text(gate, &style));
    assert!(loud.contains("\x1b[1;32mGATE PASSED\x1b[0m"), "{loud}");
    assert!(loud.contains("allowed (ci/seaworthy.toml:2): x"), "{loud}");
}

#[test]
fn every_finding_stands_in_the_json_form_with_its_standing() {
    let report = report("/opt/app/bin/run", "it logs");
    let text = shown(&report, "gate.fail-on = 'never'", json);
    let told: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(told["verdict"], "passed");
    assert_eq!(told["findings"][0]["standing"], "milder");
    assert_eq!(told["findings"][0]["line"], 3);
    let quality: serde_json::Value = serde_json::from_str(&shown(&report, "", gitlab)).unwrap();
    assert_eq!(quality[0]["location"]["path"], "rootfs/opt/app/bin/run");
    assert_eq!(quality[0]["severity"], "blocker");
    let quality = shown(&report, "gate.fail-on = 'never'", gitlab);
    assert_eq!(quality, "[]\n");
}

#[test]
fn a_path_is_placed_in_the_checkout() {
    let at = |directory: &str, top: Option<&str>, path: &str| {
        let checkout = Checkout {
            directory: directory.into(),
            top: top.map(AppPath::new),
        };
        checkout.place(&AppPath::new(path))
    };
    assert_eq!(at("", None, "/opt/app/x"), "opt/app/x");
    assert_eq!(at("root", None, "/opt/app/x"), "root/opt/app/x");
    assert_eq!(at("tree", Some("/opt/app"), "/opt/app/x"), "tree/x");
    assert_eq!(at("", Some("/opt/app"), "/opt/app/x"), "x");
    assert_eq!(at("tree", Some("/opt/app"), "/opt/app"), "tree");
    assert_eq!(at("tree", Some("/opt/app"), "/etc/x"), "etc/x");
}
