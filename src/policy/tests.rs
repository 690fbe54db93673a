//! The gate's rules, each on a report of a few lines.

use std::collections::BTreeSet;

use serde_json::json;

use super::*;

const RULES: [&str; 3] = ["state-under-prefix", "syslog", "missing-library"];

fn config(text: &str) -> Config {
    Config::read(CONFIG, text, &BTreeSet::from(RULES)).unwrap()
}

/// The faults of a text, one a line.
fn faults(text: &str) -> String {
    let faults = Config::read(CONFIG, text, &BTreeSet::from(RULES)).unwrap_err();
    let told: Vec<String> = faults.iter().map(ToString::to_string).collect();
    told.join("\n")
}

/// A report with one blocker about `/opt/app/data`, seen twice.
fn report() -> Report {
    let fact = |path: &str| {
        json!({
            "at": { "file": "/opt/app/bin/run", "line": 3 }, "certainty": "inferred",
            "fact": "path", "path": path, "touch": "writes", "source": "script", "by": "mkdir",
        })
    };
    let grade = |dimension: &Dimension| json!({ "dimension": dimension, "grade": "easy", "reason": "", "paths": [] });
    let dimensions: Vec<_> = Dimension::ALL.iter().map(grade).collect();
    serde_json::from_value(json!({
        "schema": 1, "tool": { "name": "seaworthy", "version": "0" },
        "target": { "scope": ["/opt/app"] },
        "verdict": { "answer": "does-not-float-yet", "reason": "" },
        "dimensions": dimensions,
        "findings": [{
            "rule": "state-under-prefix", "dimension": "data", "severity": "blocker",
            "status": "certain", "message": "state is kept in /opt/app/data", "fix": "mount it",
            "because": [fact("/opt/app/data"), fact("/opt/app/data/x")], "fingerprint": "f1",
        }],
        "rules": {}, "libraries": [], "paths": [],
        "plan": { "mounts": [], "ports": [], "env": [], "start": [], "kernel": [] },
        "coverage": {
            "entries": 9, "read": 8, "unread": 1, "bytes": 9, "counts": {}, "issues": []
        },
    }))
    .unwrap()
}

fn today() -> Day {
    "2026-06-30".parse().unwrap()
}

/// Verdict and the finding's standing.
fn judged(report: &Report, text: &str, baseline: &Baseline) -> (Verdict, Standing) {
    let config = config(text);
    let judgement = judge(report, &config, baseline, today());
    (judgement.verdict, judgement.findings[0].1)
}

#[test]
fn only_certain_blockers_fail_by_default() {
    let none = Baseline::default();
    let mut report = report();
    let fails = Standing::Fails { expired: None };
    assert_eq!(judged(&report, "", &none), (Verdict::Failed, fails));
    report.findings[0].status = crate::report::Status::Suspected;
    let suspected = (Verdict::Passed, Standing::Suspected);
    assert_eq!(judged(&report, "", &none), suspected);
    let text = "gate.certainty = 'suspected'";
    assert_eq!(judged(&report, text, &none), (Verdict::Failed, fails));
    report.findings[0].status = crate::report::Status::Certain;
    report.findings[0].severity = crate::report::Severity::Risk;
    let milder = (Verdict::Passed, Standing::Milder);
    assert_eq!(judged(&report, "", &none), milder);
    let text = "gate.fail-on = 'note'";
    assert_eq!(judged(&report, text, &none), (Verdict::Failed, fails));
    let text = "gate.fail-on = 'note'\ngate.dimensions.data = 'never'";
    assert_eq!(judged(&report, text, &none), milder);
    let text = "gate.dimensions.data = 'risk'";
    assert_eq!(judged(&report, text, &none), (Verdict::Failed, fails));
}

#[test]
fn an_allowance_covers_what_lies_wholly_where_it_says() {
    let none = Baseline::default();
    let mut report = report();
    let allow = |more: &str| format!("[[allow]]\nrule='state-under-prefix'\nreason='x'\n{more}");
    let allowed = (Verdict::Passed, Standing::Allowed(0));
    let failed = (Verdict::Failed, Standing::Fails { expired: None });
    for (more, want) in [
        ("", allowed),
        ("path='/opt/app/data/**'", allowed),
        ("path='/opt/app/bin/run'", allowed),
        ("path='/opt/app/data'", failed),
        ("fingerprint='f1'", allowed),
        ("fingerprint='f2'", failed),
        ("until=2026-06-30", allowed),
    ] {
        assert_eq!(judged(&report, &allow(more), &none), want, "{more}");
    }
    let expired = Standing::Fails { expired: Some(0) };
    let text = allow("until=2026-06-29");
    assert_eq!(judged(&report, &text, &none), (Verdict::Failed, expired));
    report.findings[0].more = 1;
    let text = allow("path='/opt/**'");
    assert_eq!(judged(&report, &text, &none), failed);
}

#[test]
fn only_what_the_baseline_does_not_know_fails() {
    let mut report = report();
    let first = judge(&report, &Config::default(), &Baseline::default(), today());
    let baseline = first.new_baseline();
    let baselined = (Verdict::Passed, Standing::Baselined);
    assert_eq!(judged(&report, "", &baseline), baselined);
    let again = judge(&report, &Config::default(), &baseline, today());
    assert_eq!(again.new_baseline(), baseline);
    assert_eq!(again.notices, []);
    report.findings[0].message = "state is kept in two places".into();
    let changed = judge(&report, &Config::default(), &baseline, today());
    assert!(matches!(
        changed.notices[..],
        [(Notice::ChangedBaseline(..), false)]
    ));
    report.findings[0].fingerprint = "f2".into();
    let failed = (Verdict::Failed, Standing::Fails { expired: None });
    assert_eq!(judged(&report, "", &baseline), failed);
}

#[test]
fn what_nothing_needs_is_told_and_fails_when_asked_to() {
    let mut report = report();
    let known = judge(&report, &Config::default(), &Baseline::default(), today());
    let baseline = known.new_baseline();
    report.findings.clear();
    let allow = "[[allow]]\nrule='syslog'\nreason='x'\nuntil=2020-01-01";
    for (response, verdict, count) in [
        ("warn", Verdict::Passed, 2),
        ("error", Verdict::Failed, 2),
        ("ok", Verdict::Passed, 0),
    ] {
        let text =
            format!("gate.unused-allow='{response}'\ngate.stale-baseline='{response}'\n{allow}");
        let config = config(&text);
        let judgement = judge(&report, &config, &baseline, today());
        assert_eq!(judgement.verdict, verdict, "{response}");
        assert_eq!(judgement.notices.len(), count, "{response}");
    }
}

#[test]
fn too_little_seen_is_no_pass_and_hides_no_failure() {
    let none = Baseline::default();
    let thin = |change: fn(&mut Report), text: &str| {
        let mut report = report();
        change(&mut report);
        let failed = judge(&report, &config(text), &none, today()).verdict;
        report.findings.clear();
        let clean = judge(&report, &config(text), &none, today());
        assert_eq!(failed, Verdict::Failed);
        (clean.verdict, clean.lacks.len())
    };
    let unknown = |report: &mut Report| {
        report.dimensions[0].grade = Grade::Unknown;
        report.dimensions[2].grade = Grade::Unknown;
    };
    let passed = (Verdict::Passed, 0);
    let not = (Verdict::NotJudged, 1);
    assert_eq!(thin(|_| {}, ""), passed);
    assert_eq!(thin(|_| {}, "coverage.unread-percent = 11"), not);
    assert_eq!(thin(|r| r.coverage.unread = 3, ""), not);
    assert_eq!(thin(|r| r.coverage.read = 0, ""), not);
    assert_eq!(thin(|r| r.coverage.entries = 0, ""), not);
    assert_eq!(thin(unknown, ""), not);
    assert_eq!(thin(unknown, "coverage.known = ['libraries']"), passed);
    assert_eq!(thin(unknown, "coverage.known = ['code']"), not);
    assert_eq!(thin(unknown, "coverage.unknown-dimensions = 1"), not);
    let internal = |report: &mut Report| {
        report.coverage.counts.insert("internal".into(), 1);
    };
    assert_eq!(thin(internal, ""), not);
    assert_eq!(thin(internal, "coverage.no-issues = []"), passed);
}

#[test]
fn a_mistake_is_told_at_its_place_with_what_was_meant() {
    for (text, want) in [
        ("gate =", "seaworthy.toml:1:7: "),
        (
            "[gate]\nfail_on = 'risk'",
            "seaworthy.toml:2:1: unknown key `fail_on` in `gate`; did you mean `fail-on`?",
        ),
        (
            "[gates]",
            "seaworthy.toml:1:2: unknown key `gates`; did you mean `gate`?",
        ),
        (
            "[gate]\nfail-on = 'blokcer'",
            "2:11: `fail-on` is one of blocker, risk, note, never, not `blokcer`; did you mean \
             `blocker`?",
        ),
        (
            "[gate.dimensions]\ndaat = 'risk'",
            "2:1: unknown key `daat` in `dimensions`; did you mean `data`?",
        ),
        ("[gate]\nfail-on = 3", "2:11: "),
        (
            "coverage.unread-percent = 101",
            "1:27: `unread-percent` is at most 100, not 101",
        ),
        ("coverage.unread-percent = -1", "1:27: "),
        (
            "\n[[allow]]\nrule = 'syslog'",
            "2:1: `allow` without `reason`: add the key",
        ),
        (
            "[[allow]]\nrule = 'syslog'\nreason = ' '",
            "3:10: the reason is empty: say why this may stay",
        ),
        (
            "[[allow]]\nrule = 'sylog'\nreason = 'x'",
            "2:8: there is no rule `sylog`; did you mean `syslog`?",
        ),
        (
            "[[allow]]\nrule = 'syslog'\nreason = 'x'\npath = '/opt/[a'",
            "4:8: `/opt/[a` is no pattern: ",
        ),
        (
            "[[allow]]\nrule = 'syslog'\nreason = 'x'\nuntil = 'soon'",
            "4:9: `soon` is no day; write it as 2027-01-31",
        ),
        (
            "coverage.known = ['data', 'codes']",
            "1:27: `known` is one of code, configuration, data, secrets, network, installation, \
             licensing, libraries, kernel, not `codes`; did you mean `code`?",
        ),
    ] {
        let told = faults(text);
        assert!(
            told.contains(want),
            "{text}\n  told: {told}\n  want: {want}"
        );
    }
}

#[test]
fn every_mistake_of_a_kind_is_told_at_once() {
    let told = faults("colour = 1\n[[allow]]\nrule = 'syslog'\nresaon = 'x'");
    assert_eq!(told.lines().count(), 3, "{told}");
}
