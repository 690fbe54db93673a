//! Two reports compared, as CI meets it: a table of changes with exit codes and words.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::{Value, json};

/// A change to a report, the exit code of `--gate`, and words that must be said.
struct Case {
    name: &'static str,
    change: fn(&mut Value),
    code: i32,
    words: &'static [&'static str],
}

const CASES: &[Case] = &[
    Case {
        name: "nothing",
        change: |_| {},
        code: 0,
        words: &["nothing differs", "GATE PASSED"],
    },
    Case {
        name: "a grade is better",
        change: |report| report["dimensions"][2]["grade"] = json!("easy"),
        code: 0,
        words: &["~ data moderate → easy (better)", "GATE PASSED"],
    },
    Case {
        name: "a grade is worse",
        change: |report| report["dimensions"][2]["grade"] = json!("difficult"),
        code: 1,
        words: &[
            "moderate → difficult (worse)",
            "data is difficult and was moderate",
        ],
    },
    Case {
        name: "a grade is no longer known",
        change: |report| report["dimensions"][2]["grade"] = json!("unknown"),
        code: 2,
        words: &["GATE NOT JUDGED", "data is not known and was moderate"],
    },
    Case {
        name: "a grade that was not known",
        change: |report| report["dimensions"][6]["grade"] = json!("difficult"),
        code: 0,
        words: &["licensing unknown → difficult (was not known)"],
    },
    Case {
        name: "a promised mount is not there",
        change: |report| {
            mounts(report).retain(|mount| mount["path"] != DATA);
        },
        code: 1,
        words: &[
            "Mounts: 0 new, 1 gone",
            "no mount lies over /usr/local/timesheet/data",
        ],
    },
    Case {
        name: "a mount of a directory further up does as well",
        change: |report| {
            let all = mounts(report);
            let mount = all.iter_mut().find(|mount| mount["path"] == DATA).unwrap();
            mount["path"] = json!("/usr/local");
        },
        code: 0,
        words: &["Mounts: 1 new, 1 gone", "GATE PASSED"],
    },
    Case {
        name: "a mount is read only",
        change: |report| {
            let all = mounts(report);
            let mount = all.iter_mut().find(|mount| mount["path"] == DATA).unwrap();
            mount["access"] = json!("ro");
        },
        code: 1,
        words: &[
            "0 new, 0 gone, 1 changed",
            "mounted read only and was to be writable",
        ],
    },
    Case {
        name: "a finding is new and one is gone",
        change: |report| report["findings"][0]["fingerprint"] = json!("new"),
        code: 0,
        words: &[
            "Findings: 1 new, 1 gone, 0 changed",
            "+ risk certain secrets password-in-config",
        ],
    },
    Case {
        name: "a finding is firmer",
        change: |report| report["findings"][0]["status"] = json!("suspected"),
        code: 0,
        words: &["0 new, 0 gone, 1 changed", "→ risk suspected secrets"],
    },
    Case {
        name: "a library is gone",
        change: |report| report["libraries"] = json!([]),
        code: 0,
        words: &["Libraries: 0 new, ", " gone, 0 changed"],
    },
    Case {
        name: "another version",
        change: |report| report["tool"]["version"] = json!("99.0.0"),
        code: 0,
        words: &["note: made by versions", "99.0.0"],
    },
    Case {
        name: "another contract",
        change: |report| report["schema"] = json!(99),
        code: 2,
        words: &["not a report of schema 1"],
    },
];

const DATA: &str = "/usr/local/timesheet/data";

fn mounts(report: &mut Value) -> &mut Vec<Value> {
    report["plan"]["mounts"].as_array_mut().unwrap()
}

/// The kept report of timesheet-cgi, with a library, so that one can be missed.
fn before() -> Value {
    let file =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("sample-apps/timesheet-cgi/expect/report.json");
    let mut report: Value = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
    report["libraries"] = json!([{
        "name": "libx.so.1", "status": "resolved", "path": "/usr/lib/libx.so.1", "how": "default",
        "needed_by": ["/usr/bin/x"], "owner": "core",
    }]);
    report
}

fn run(case: &Case, args: &[&str]) -> Output {
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, report: &Value| {
        std::fs::write(dir.path().join(name), report.to_string()).unwrap();
    };
    let mut report = before();
    write("a.json", &report);
    (case.change)(&mut report);
    write("b.json", &report);
    Command::new(env!("CARGO_BIN_EXE_seaworthy"))
        .args(["diff", "a.json", "b.json"])
        .args(args)
        .current_dir(dir.path())
        .output()
        .unwrap()
}

#[test]
fn every_change_ends_with_its_code_and_its_words() {
    for case in CASES {
        let output = run(case, &["--gate"]);
        let said = [&output.stdout[..], &output.stderr[..]].concat();
        let said = String::from_utf8(said).unwrap();
        assert_eq!(
            output.status.code(),
            Some(case.code),
            "{}: {said}",
            case.name
        );
        let flat = said.split_whitespace().collect::<Vec<_>>().join(" ");
        for word in case.words {
            assert!(
                flat.contains(word),
                "{}: {word:?} is not in:\n{said}",
                case.name
            );
        }
        assert!(
            said.lines().all(|line| line.chars().count() <= 80),
            "{said}"
        );
    }
}

#[test]
fn without_a_gate_a_difference_is_no_failure() {
    for case in CASES.iter().filter(|case| case.code == 1) {
        let output = run(case, &[]);
        assert_eq!(output.status.code(), Some(0), "{}", case.name);
        let said = String::from_utf8(output.stdout).unwrap();
        assert!(!said.contains("GATE"), "{said}");
    }
}

#[test]
fn the_json_form_has_the_same_answer() {
    for case in CASES.iter().filter(|case| case.name != "another contract") {
        let output = run(case, &["--gate", "--format", "json"]);
        assert_eq!(output.status.code(), Some(case.code), "{}", case.name);
        let told: Value = serde_json::from_slice(&output.stdout).unwrap();
        let verdict = ["passed", "failed", "not-judged"][usize::try_from(case.code).unwrap()];
        assert_eq!(told["gate"]["verdict"], verdict, "{}", case.name);
    }
    let gone = CASES.iter().find(|case| case.name == "a library is gone");
    let output = run(gone.unwrap(), &["--format", "json"]);
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(told["libraries"]["gone"][0]["name"], "libx.so.1");
    assert_eq!(told["gate"], Value::Null);
}
