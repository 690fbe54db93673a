//! The gate as CI meets it: a table of command lines with settings, exit code and words.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// One run of `check` in a directory of its own.
struct Case {
    /// What it shows.
    name: &'static str,
    /// The report: a sample's name, or a path that is given as it is.
    report: &'static str,
    /// `seaworthy.toml`.
    settings: &'static str,
    /// `seaworthy-baseline.json`; `made` lets `--update-baseline` make it before.
    baseline: &'static str,
    /// More arguments.
    args: &'static [&'static str],
    code: i32,
    /// What must be said, on either stream.
    words: &'static [&'static str],
}

const NONE: Case = Case {
    name: "",
    report: "cadview-suite",
    settings: "",
    baseline: "",
    args: &[],
    code: 0,
    words: &[],
};

const CASES: &[Case] = &[
    Case {
        name: "clean",
        report: "tidy-web",
        words: &["GATE PASSED: 0 of"],
        ..NONE
    },
    Case {
        name: "a new finding",
        code: 1,
        words: &[
            "GATE FAILED: 1 of",
            "missing-library",
            "at /opt/cadview/libexec/cadview.bin",
            "fails: not allowed",
            "→",
            "[[allow]]",
        ],
        ..NONE
    },
    Case {
        name: "a risk where risks fail",
        report: "timesheet-cgi",
        settings: "[gate]\nfail-on = 'risk'",
        code: 1,
        words: &["password-in-config", "state-under-prefix"],
        ..NONE
    },
    Case {
        name: "a dimension of its own",
        report: "timesheet-cgi",
        settings: "[gate.dimensions]\nsecrets = 'risk'",
        code: 1,
        words: &["1 of", "password-in-config"],
        ..NONE
    },
    Case {
        name: "a suspicion where suspicions fail",
        settings: "[gate]\nfail-on = 'never'\ncertainty = 'suspected'\ndimensions.kernel = 'risk'",
        code: 1,
        words: &["1 of", "/dev/cvdongle0"],
        ..NONE
    },
    Case {
        name: "baselined",
        baseline: "made",
        words: &["GATE PASSED", "1 in the baseline"],
        ..NONE
    },
    Case {
        name: "a new finding beside the baseline",
        settings: "[gate]\nfail-on = 'risk'",
        baseline: KNOWN,
        code: 1,
        words: &[
            "neither allowed nor in the baseline",
            "old-interface",
            "1 in the baseline",
        ],
        ..NONE
    },
    Case {
        name: "a finding of the baseline that changed",
        baseline: KNOWN,
        words: &[
            "warning: seaworthy-baseline.json",
            "said: it was missing; it says: libpng12",
        ],
        ..NONE
    },
    Case {
        name: "allowed",
        settings: "[[allow]]\nrule = 'missing-library'\npath = '/opt/cadview/**'\nreason = 'viewer \
                   is not used'\nowner = 'cad team'\nuntil = 2026-06-30",
        args: &["--all"],
        words: &["allowed until 2026-06-30 (seaworthy.toml:2): viewer is not used"],
        ..NONE
    },
    Case {
        name: "an expired allow",
        settings: "[[allow]]\nrule = 'missing-library'\nreason = 'x'\nuntil = 2026-06-29",
        code: 1,
        words: &[
            "its allowance (seaworthy.toml:2) expired on 2026-06-29",
            "warning: seaworthy.toml:2: this allowance of missing-library expired",
        ],
        ..NONE
    },
    Case {
        name: "an allow for another place",
        settings: "[[allow]]\nrule = 'missing-library'\nreason = 'x'\npath = '/opt/other/**'",
        code: 1,
        words: &[
            "missing-library",
            "warning: seaworthy.toml:2: no finding needs this",
        ],
        ..NONE
    },
    Case {
        name: "a stale allow",
        report: "tidy-web",
        settings: "[[allow]]\nrule = 'syslog'\nreason = 'x'",
        words: &[
            "GATE PASSED",
            "seaworthy.toml:2: no finding needs this allowance of syslog",
        ],
        ..NONE
    },
    Case {
        name: "a stale allow that fails",
        report: "tidy-web",
        settings: "[gate]\nunused-allow = 'error'\n[[allow]]\nrule = 'syslog'\nreason = 'x'",
        code: 1,
        words: &[
            "GATE FAILED",
            "error: seaworthy.toml:4: no finding needs this",
        ],
        ..NONE
    },
    Case {
        name: "a stale entry of the baseline",
        report: "tidy-web",
        baseline: KNOWN,
        words: &[
            "missing-library (333797fac4682189) is gone",
            "--update-baseline",
        ],
        ..NONE
    },
    Case {
        name: "a stale entry of the baseline that fails",
        report: "tidy-web",
        settings: "gate.stale-baseline = 'error'",
        baseline: KNOWN,
        code: 1,
        words: &["is gone"],
        ..NONE
    },
    Case {
        name: "thin coverage",
        report: "thin.json",
        code: 2,
        words: &[
            "GATE NOT JUDGED",
            "18 of 27 files could not be read",
            "[coverage]",
        ],
        ..NONE
    },
    Case {
        name: "thin coverage that is said to be enough",
        report: "thin.json",
        settings: "[coverage]\nunread-percent = 70",
        words: &["GATE PASSED"],
        ..NONE
    },
    Case {
        name: "a failure in spite of thin coverage",
        report: "thin.json",
        settings: "gate.fail-on = 'note'",
        code: 1,
        words: &["GATE FAILED", "18 of 27 files could not be read"],
        ..NONE
    },
    Case {
        name: "a baseline is not made of thin coverage",
        report: "thin.json",
        settings: "gate.fail-on = 'note'",
        args: &["--update-baseline"],
        code: 2,
        words: &["stays as it is", "too little was seen"],
        ..NONE
    },
    Case {
        name: "a dimension that must be known",
        report: "timesheet-cgi",
        settings: "[coverage]\nknown = ['licensing']",
        code: 2,
        words: &["too little was seen: no grade for licensing"],
        ..NONE
    },
    Case {
        name: "no TOML",
        settings: "[gate]\nfail-on = risk",
        code: 2,
        words: &["seaworthy.toml:2:11: "],
        ..NONE
    },
    Case {
        name: "a mistake as an annotation",
        settings: "colour = 1",
        args: &["--format", "github"],
        code: 2,
        words: &["::error title=seaworthy::seaworthy.toml:1:1: unknown key `colour`"],
        ..NONE
    },
    Case {
        name: "an unknown key",
        settings: "[gate]\nserverity = 'risk'\n\n[coverage]\nunread = 3",
        code: 2,
        words: &[
            "seaworthy.toml:2:1: unknown key `serverity` in `gate`",
            "seaworthy.toml:5:1: unknown key `unread` in `coverage`; did you mean \
             `unread-percent`?",
        ],
        ..NONE
    },
    Case {
        name: "an unknown rule in an allow",
        settings: "[[allow]]\nrule = 'mising-library'\nreason = 'x'",
        code: 2,
        words: &["seaworthy.toml:2:8: there is no rule `mising-library`; did you mean `missing-"],
        ..NONE
    },
    Case {
        name: "a bad glob",
        settings: "[[allow]]\nrule = 'syslog'\npath = '/opt/{a'\nreason = 'x'",
        code: 2,
        words: &["seaworthy.toml:3:8: `/opt/{a` is no pattern: "],
        ..NONE
    },
    Case {
        name: "no reason",
        settings: "[[allow]]\nrule = 'syslog'",
        code: 2,
        words: &["seaworthy.toml:1:1: `allow` without `reason`"],
        ..NONE
    },
    Case {
        name: "settings that are not there",
        args: &["--config", "no.toml"],
        code: 2,
        words: &["cannot read the settings no.toml"],
        ..NONE
    },
    Case {
        name: "a named baseline that is not there",
        settings: "baseline = 'known.json'",
        code: 2,
        words: &["cannot read the baseline known.json", "--update-baseline"],
        ..NONE
    },
    Case {
        name: "a baseline that is none",
        baseline: "[]",
        code: 2,
        words: &["seaworthy-baseline.json:1:", "no baseline"],
        ..NONE
    },
    Case {
        name: "a report that is none",
        report: "seaworthy.toml",
        code: 2,
        words: &["no JSON report"],
        ..NONE
    },
    Case {
        name: "a report that is not there",
        report: "no.json",
        code: 2,
        words: &["cannot read the report no.json"],
        ..NONE
    },
    Case {
        name: "no day",
        args: &["--today", "tomorrow"],
        code: 2,
        words: &["`tomorrow` is no day", "2027-01-31"],
        ..NONE
    },
];

/// The blocker of cadview-suite, as it was recorded some time ago.
const KNOWN: &str = r#"{"seaworthy_baseline": 1, "findings": [{
    "rule": "missing-library", "message": "it was missing", "fingerprint": "333797fac4682189"
}]}"#;

fn sample(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("sample-apps")
        .join(name)
}

/// The kept report of timesheet-cgi, had most of its files been unreadable.
fn thin() -> String {
    let text = std::fs::read_to_string(sample("timesheet-cgi/expect/report.json")).unwrap();
    let mut report: serde_json::Value = serde_json::from_str(&text).unwrap();
    report["coverage"]["read"] = 9.into();
    report["coverage"]["unread"] = 18.into();
    report.to_string()
}

/// A directory with what a case needs.
fn place(case: &Case) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(dir.path().join(name), text).unwrap();
    write("thin.json", &thin());
    write("seaworthy.toml", case.settings);
    match case.baseline {
        "" => {}
        "made" => {
            let output = check(dir.path(), case, &["--update-baseline"]);
            assert_eq!(output.status.code(), Some(0), "{}", case.name);
        }
        text => write("seaworthy-baseline.json", text),
    }
    dir
}

fn check(dir: &Path, case: &Case, more: &[&str]) -> Output {
    let kept = sample(case.report).join("expect/report.json");
    let report = if kept.is_file() {
        kept
    } else {
        PathBuf::from(case.report)
    };
    let mut args: Vec<&str> = vec!["check", "--report", report.to_str().unwrap()];
    if !case.args.contains(&"--today") {
        args.extend(["--today", "2026-06-30"]);
    }
    args.extend(case.args);
    args.extend(more);
    run(dir, &args)
}

fn run(dir: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_seaworthy"))
        .args(args)
        .current_dir(dir)
        .env_remove("SOURCE_DATE_EPOCH")
        .output()
        .unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&[&output.stdout[..], &output.stderr[..]].concat()).into_owned()
}

#[test]
fn every_case_ends_with_its_code_and_its_words() {
    for case in CASES {
        let dir = place(case);
        let output = check(dir.path(), case, &[]);
        let said = said(&output);
        assert_eq!(
            output.status.code(),
            Some(case.code),
            "{}: {said}",
            case.name
        );
        // Words are wrapped where a line ends.
        let flat = said.split_whitespace().collect::<Vec<_>>().join(" ");
        for word in case.words {
            assert!(
                flat.contains(word),
                "{}: {word:?} is not in:\n{said}",
                case.name
            );
        }
    }
}

#[test]
fn no_form_and_no_wish_for_more_or_fewer_words_changes_the_code() {
    for case in CASES {
        for more in [
            &["--quiet"][..],
            &["--format", "json"],
            &["--format", "github"],
            &["--format", "gitlab", "-o", "quality.json"],
        ] {
            if more.iter().any(|arg| {
                case.args.contains(arg) || (*arg == "--quiet" && case.args.contains(&"--all"))
            }) {
                continue;
            }
            let dir = place(case);
            let output = check(dir.path(), case, more);
            assert_eq!(
                output.status.code(),
                Some(case.code),
                "{} with {more:?}: {}",
                case.name,
                said(&output)
            );
        }
    }
}

#[test]
fn the_other_forms_are_what_their_readers_take() {
    let case = Case {
        settings: "[[allow]]\nrule = 'syslog'\nreason = 'x'",
        ..NONE
    };
    let dir = place(&case);
    let json = check(dir.path(), &case, &["--format", "json"]);
    let told: serde_json::Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(told["verdict"], "failed");
    assert_eq!(told["notices"][0]["kind"], "unused-allow");
    let findings = told["findings"].as_array().unwrap();
    assert!(findings.len() > 20, "the JSON form leaves findings out");
    let github = check(dir.path(), &case, &["--format", "github", "--root", "."]);
    let text = String::from_utf8(github.stdout).unwrap();
    assert!(
        text.starts_with("::error file=opt/cadview/libexec/cadview.bin,title="),
        "{text}"
    );
    assert!(
        text.contains("\n::warning file=seaworthy.toml,line=2::no finding needs"),
        "{text}"
    );
    let words = check(
        dir.path(),
        &case,
        &["--format", "gitlab", "-o", "quality.json"],
    );
    assert!(
        said(&words).contains("GATE FAILED"),
        "the words are missing"
    );
    let text = std::fs::read_to_string(dir.path().join("quality.json")).unwrap();
    let quality: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(quality[0]["check_name"], "missing-library");
    assert_eq!(
        quality[0]["location"]["path"],
        "opt/cadview/libexec/cadview.bin"
    );
}

#[test]
fn the_day_is_that_of_source_date_epoch_where_none_is_named() {
    let case = Case {
        settings: "[[allow]]\nrule = 'missing-library'\nreason = 'x'\nuntil = 2026-06-30",
        ..NONE
    };
    let dir = place(&case);
    let report = sample("cadview-suite/expect/report.json");
    // 2026-06-30T23:59:59Z, the second after, and a word.
    for (seconds, code) in [("1782863999", 0), ("1782864000", 1), ("now", 2)] {
        let output = Command::new(env!("CARGO_BIN_EXE_seaworthy"))
            .args(["check", "--report", report.to_str().unwrap()])
            .current_dir(dir.path())
            .env("SOURCE_DATE_EPOCH", seconds)
            .output()
            .unwrap();
        assert_eq!(
            output.status.code(),
            Some(code),
            "{seconds}: {}",
            said(&output)
        );
    }
}

/// A root with a program, in a directory with nothing else.
fn with_root() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let app = dir.path().join("root/opt/app/bin");
    std::fs::create_dir_all(&app).unwrap();
    std::fs::write(app.join("run"), "#!/bin/sh\nexec sleep 9\n").unwrap();
    dir
}

#[test]
fn the_settings_are_found_upward_from_the_scope() {
    let args = ["check", "--root", "root", "/opt/app"];
    let wrong = "colour = 1\n";
    for place in [
        "root/opt/app/seaworthy.toml",
        "root/opt/seaworthy.toml",
        "root/seaworthy.toml",
        "seaworthy.toml",
    ] {
        let dir = with_root();
        std::fs::write(dir.path().join(place), wrong).unwrap();
        let told = said(&run(dir.path(), &args));
        assert!(
            told.contains(&format!("{place}:1:1: unknown key")),
            "{told}"
        );
        // The nearest one counts.
        std::fs::write(dir.path().join("root/opt/app/seaworthy.toml"), "").unwrap();
        let told = said(&run(dir.path(), &args));
        assert!(told.contains("(root/opt/app/seaworthy.toml)"), "{told}");
    }
    let dir = with_root();
    std::fs::write(dir.path().join("root/opt/seaworthy.toml"), wrong).unwrap();
    let args = ["check", "--prefix", "/opt/app", "root/opt/app"];
    let told = said(&run(dir.path(), &args));
    assert!(told.contains("root/opt/seaworthy.toml:1:1"), "{told}");
}

#[test]
fn no_link_of_the_root_leads_to_settings_outside() {
    let dir = with_root();
    let outside = dir.path().join("outside.toml");
    std::fs::write(&outside, "colour = 1\n").unwrap();
    let link = dir.path().join("root/opt/app/seaworthy.toml");
    std::os::unix::fs::symlink(&outside, link).unwrap();
    let told = said(&run(dir.path(), &["check", "--root", "root", "/opt/app"]));
    assert!(told.contains("no seaworthy.toml"), "{told}");
}

#[test]
fn two_settings_for_one_gate_are_refused() {
    let dir = with_root();
    std::fs::create_dir(dir.path().join("root/srv")).unwrap();
    std::fs::write(dir.path().join("root/opt/seaworthy.toml"), "").unwrap();
    std::fs::write(dir.path().join("root/srv/seaworthy.toml"), "").unwrap();
    let output = run(dir.path(), &["check", "--root", "root", "/opt/app", "/srv"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        said(&output).contains("name one with --config"),
        "{}",
        said(&output)
    );
}

#[test]
fn a_root_that_cannot_be_read_is_not_judged() {
    let dir = with_root();
    std::fs::write(dir.path().join("file"), "").unwrap();
    for (root, word) in [
        ("no-root", "cannot open the root no-root"),
        ("file", "cannot open the root file"),
    ] {
        let output = run(dir.path(), &["check", "--root", root, "/opt/app"]);
        assert_eq!(output.status.code(), Some(2), "{root}");
        assert!(said(&output).contains(word), "{}", said(&output));
    }
    let output = run(dir.path(), &["check", "--root", "root", "/opt/none"]);
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
}

#[test]
fn the_audited_root_gets_no_baseline() {
    let dir = with_root();
    std::fs::write(dir.path().join("root/seaworthy.toml"), "").unwrap();
    let args = ["check", "--root", "root", "/opt/app", "--update-baseline"];
    let output = run(dir.path(), &args);
    assert_eq!(output.status.code(), Some(2));
    let told = said(&output);
    assert!(
        told.contains("--baseline FILE") && told.contains("only read"),
        "{told}"
    );
    assert!(!dir.path().join("root/seaworthy-baseline.json").exists());
}

#[test]
fn a_scope_and_a_saved_report_exclude_each_other() {
    let dir = with_root();
    let output = run(dir.path(), &["check", "/opt/app", "--report", "x.json"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        said(&output).contains("--report holds the scope already"),
        "{}",
        said(&output)
    );
}

#[test]
fn one_audit_serves_report_and_gate_in_several_forms() {
    let dir = tempfile::tempdir().unwrap();
    let bin = dir.path().join("tree/bin");
    std::fs::create_dir_all(&bin).unwrap();
    std::fs::write(bin.join("run a"), "#!/bin/sh\nlogger hi\n").unwrap();
    let rules = dir.path().join("rules");
    std::fs::create_dir(&rules).unwrap();
    std::fs::write(rules.join("shell-program.toml"), own_rule("blocker")).unwrap();
    let settings = "baseline = 'known.json'\n[coverage]\nunknown-dimensions = 9\nknown = []";
    std::fs::write(dir.path().join("seaworthy.toml"), settings).unwrap();
    let known = r#"{"seaworthy_baseline": 1, "findings": [
        {"rule": "gone-rule", "message": "it logged", "fingerprint": "00ff"}]}"#;
    std::fs::write(dir.path().join("known.json"), known).unwrap();
    let tree = ["--prefix", "/opt/app", "tree", "--rules", "rules"];
    let scan = run(
        dir.path(),
        &[&["scan"], &tree[..], &["-o", "r.json"]].concat(),
    );
    assert_eq!(scan.status.code(), Some(0), "{}", said(&scan));
    let forms = "--report r.json -o gate.sarif -o gate.xml -o gate.json --format sarif --format \
                 junit --format gitlab --format github";
    let forms: Vec<&str> = forms.split_whitespace().collect();
    let output = run(dir.path(), &[&["check"], &tree[..], &forms].concat());
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    let github = String::from_utf8(output.stdout).unwrap();
    assert!(
        github.starts_with("::error file=tree/bin/run a,"),
        "{github}"
    );
    let read = |name: &str| std::fs::read_to_string(dir.path().join(name)).unwrap();
    let sarif: serde_json::Value = serde_json::from_str(&read("gate.sarif")).unwrap();
    let results = sarif["runs"][0]["results"].as_array().unwrap();
    let of = |rule: &str| {
        results
            .iter()
            .find(|result| result["ruleId"] == rule)
            .unwrap()
    };
    let place = |result: &serde_json::Value| {
        result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"].clone()
    };
    assert_eq!(of("shell-program")["baselineState"], "new");
    assert_eq!(place(of("shell-program")), "tree/bin/run%20a");
    assert_eq!(of("gone-rule")["baselineState"], "absent");
    assert_eq!(place(of("gone-rule")), "known.json");
    assert!(read("gate.xml").contains("<failure type=\"blocker\""));
    assert!(read("gate.json").contains("\"path\": \"tree/bin/run a\""));
}

#[test]
fn the_published_schema_of_the_settings_is_the_one_of_this_version() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/schema/config-1.json");
    let own = seaworthy::policy::schema();
    if std::env::var_os("SEAWORTHY_BLESS").is_some() {
        std::fs::write(file, &own).unwrap();
    }
    let kept = std::fs::read_to_string(file).unwrap_or_default();
    assert!(
        kept == own,
        "schema/config-1.json is not what `seaworthy generate schema --of config` says \
         (SEAWORTHY_BLESS=1 rewrites it)"
    );
    let schema: serde_json::Value = serde_json::from_str(&own).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let good = serde_json::json!({
        "gate": { "fail-on": "risk", "dimensions": { "data": "never" } },
        "coverage": { "known": ["data"] },
        "allow": [{ "rule": "syslog", "reason": "x", "until": "2027-01-31" }],
    });
    assert!(validator.is_valid(&good));
    for bad in [
        serde_json::json!({ "gates": {} }),
        serde_json::json!({ "gate": { "fail-on": "risks" } }),
        serde_json::json!({ "allow": [{ "rule": "syslog" }] }),
    ] {
        assert!(!validator.is_valid(&bad), "{bad}");
    }
}

/// A rule of that severity that fires on every shell script.
fn own_rule(severity: &str) -> String {
    format!(
        r#"
id = "shell-program"
title = "starts by a shell script"
dimension = "code"
severity = "{severity}"
since = "1.0.0"
why = "Our images have no shell."
fix = "Start the program itself."
message = "{{path}} is a shell script"
when = {{ of = "program", form = ["script"] }}
[[example]]
fires = true
facts = [{{ fact = "program", form = "script", at = "/opt/app/bin/run" }}]
[[example]]
fires = false
facts = [{{ fact = "program", form = "elf", at = "/opt/app/bin/run" }}]
"#
    )
}

#[test]
fn rules_of_the_user_gate_like_the_programs_own() {
    let dir = with_root();
    let rules = dir.path().join("rules");
    std::fs::create_dir(&rules).unwrap();
    let write = |text: &str| std::fs::write(rules.join("shell-program.toml"), text).unwrap();
    write(&own_rule("blocker"));
    let args = ["check", "--root", "root", "/opt/app", "--rules", "rules"];
    let output = run(dir.path(), &args);
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    assert!(said(&output).contains("/opt/app/bin/run is a shell script"));
    let settings = "[[allow]]\nrule = 'shell-program'\nreason = 'x'";
    std::fs::write(dir.path().join("seaworthy.toml"), settings).unwrap();
    let allowed = run(dir.path(), &args);
    assert!(said(&allowed).contains("1 allowed"), "{}", said(&allowed));
    let report = ["--rules", "rules", "-o", "r.json"];
    let scan = run(dir.path(), &[&["scan"], &args[1..4], &report].concat());
    assert_eq!(scan.status.code(), Some(0), "{}", said(&scan));
    let told = run(
        dir.path(),
        &["explain", "shell-program", "--report", "r.json"],
    );
    assert!(
        said(&told).contains("Our images have no shell."),
        "{}",
        said(&told)
    );
    let proven = run(dir.path(), &["rules", "test", "--rules", "rules"]);
    assert_eq!(proven.status.code(), Some(0), "{}", said(&proven));
}

#[test]
fn a_rule_with_a_fault_ends_the_run_before_the_audit() {
    let dir = with_root();
    let rules = dir.path().join("rules");
    std::fs::create_dir(&rules).unwrap();
    for args in [
        &["check", "--root", "root", "/opt/app", "--rules", "rules"][..],
        &["scan", "--root", "root", "/opt/app", "--rules", "rules"],
        &["rules", "test", "--rules", "rules"],
    ] {
        let text = own_rule("bad");
        std::fs::write(rules.join("shell-program.toml"), text).unwrap();
        let output = run(dir.path(), args);
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        let told = said(&output);
        assert!(told.contains("rules/shell-program.toml:5:12: "), "{told}");
        std::fs::remove_file(rules.join("shell-program.toml")).unwrap();
        let told = said(&run(dir.path(), args));
        assert!(told.contains("no rule in rules"), "{told}");
    }
}
