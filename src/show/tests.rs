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
    beside(report, settings, None, form)
}

/// A form of the judgement of `report` where that much is known.
fn beside(
    report: &Report,
    settings: &str,
    known: Option<&Baseline>,
    form: impl Fn(&Gate<'_>) -> String,
) -> String {
    let config = Config::read(CONFIG, settings, &BTreeSet::from(["syslog"])).unwrap();
    let today = "2026-06-30".parse().unwrap();
    let judgement = judge(
        report,
        &config,
        known.unwrap_or(&Baseline::default()),
        today,
    );
    form(&Gate {
        report,
        baseline: known,
        judgement: &judgement,
        config: &config,
        config_file: Some("ci/seaworthy.toml"),
        baseline_file: known.map(|_| "known.json"),
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

/// The first result of a judgement in SARIF, and the run that it is of.
fn first_result(
    report: &Report,
    settings: &str,
    known: Option<&Baseline>,
) -> [serde_json::Value; 2] {
    let text = beside(report, settings, known, sarif);
    let log: serde_json::Value = serde_json::from_str(&text).unwrap();
    let run = log["runs"][0].clone();
    [run["results"][0].clone(), run]
}

#[test]
fn an_allowance_suppresses_a_result_while_it_holds() {
    let report = report("/opt/app/bin/run", "it logs");
    let [free, _] = first_result(&report, "", None);
    assert_eq!(free["suppressions"], json!([]));
    assert_eq!(free["properties"]["gate"], "fails");
    assert_eq!(free["baselineState"], json!(null), "nothing was compared");
    let settings = "[[allow]]\nrule='syslog'\nreason='x'\nowner='web'\nuntil=2026-06-";
    let [held, run] = first_result(&report, &format!("{settings}30"), None);
    let accepted = json!([{
        "kind": "external", "status": "accepted",
        "justification": "x; decided by web; until 2026-06-30",
    }]);
    assert_eq!(held["suppressions"], accepted);
    assert_eq!(held["level"], "error", "it is marked, not made milder");
    assert_eq!(run["properties"]["gate"], "passed");
    assert_eq!(run["invocations"][0]["exitCode"], 0);
    let [expired, run] = first_result(&report, &format!("{settings}29"), None);
    assert_eq!(expired["suppressions"][0]["status"], "rejected");
    assert_eq!(run["invocations"][0]["exitCode"], 1);
    let told = &run["invocations"][0]["toolConfigurationNotifications"][0];
    assert_eq!(told["descriptor"]["id"], "expired-allow");
}

#[test]
fn results_are_new_unchanged_updated_or_absent_beside_a_baseline() {
    let report = report("/opt/app/bin/run", "it logs");
    let same = Baseline::of(&report.findings);
    let mut other = report.clone();
    other.findings[0].message = "it says more".into();
    let mut gone = report.clone();
    gone.findings[0].fingerprint = "f2".into();
    for (report, settings, want) in [
        (&report, "", json!("unchanged")),
        (&other, "", json!("updated")),
        (&gone, "", json!("new")),
        // What the gate does not ask for was never recorded.
        (&gone, "gate.fail-on = 'never'", json!(null)),
    ] {
        let [result, run] = first_result(report, settings, Some(&same));
        assert_eq!(result["baselineState"], want, "{settings}");
        let absent = &run["results"][1];
        if report.findings[0].fingerprint == "f2" {
            assert_eq!(absent["baselineState"], "absent");
            assert_eq!(absent["partialFingerprints"]["seaworthy/v1"], "f1");
        } else {
            assert_eq!(*absent, json!(null));
        }
    }
    // Of what was not seen nothing is called gone.
    gone.coverage.read = 0;
    let [_, run] = first_result(&gone, "", Some(&same));
    assert_eq!(run["results"].as_array().unwrap().len(), 1);
}

#[test]
fn a_gate_that_could_not_judge_is_a_broken_test_and_no_success() {
    let mut report = report("/opt/app/bin/run", "it logs");
    let failed = shown(&report, "", junit);
    assert!(
        failed.contains("tests=\"1\" failures=\"1\" errors=\"0\""),
        "{failed}"
    );
    assert!(failed.contains("it logs: fails: not allowed"), "{failed}");
    let allowed = shown(&report, "[[allow]]\nrule='syslog'\nreason='<x>'", junit);
    assert!(allowed.contains("<skipped message=\"allowed"), "{allowed}");
    assert!(
        allowed.contains("&lt;x&gt;") && !allowed.contains("<failure"),
        "{allowed}"
    );
    report.coverage.read = 0;
    report.findings.clear();
    let broken = shown(&report, "", junit);
    assert!(broken.contains("<error type=\"not-judged\""), "{broken}");
    let [_, run] = first_result(&report, "", None);
    assert_eq!(run["invocations"][0]["executionSuccessful"], false);
}
