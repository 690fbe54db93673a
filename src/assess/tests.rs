//! Grades and answers from small sets of findings.

use super::*;
use crate::fact::{Access, Certainty, Class, Locus, ProgramForm, StartKind};
use crate::report::{Gap, Start, StartProblem};

fn finding(rule: &str, dimension: Dimension, grade: Grade, status: Status) -> Finding {
    Finding {
        rule: rule.to_owned(),
        dimension,
        severity: Severity::Note,
        status,
        grade: Some(grade),
        message: format!("{rule} fired"),
        because: vec![fact(
            "/opt/app/x",
            What::Imports {
                symbol: rule.to_owned(),
            },
        )],
        more: 0,
        fix: format!("Change {rule}."),
        fingerprint: "0".repeat(16),
    }
}

fn fact(file: &str, what: What) -> Fact {
    Fact {
        at: Locus::file(&AppPath::new(file)),
        what,
        certainty: Certainty::Observed,
    }
}

fn entry(path: &str, class: Class, access: Access) -> PathEntry {
    PathEntry {
        path: AppPath::new(path),
        class,
        access,
        certainty: Certainty::Declared,
        mount: None,
        on_disk: None,
        because: Vec::new(),
        more: 0,
    }
}

fn coverage(read: u64, unread: u64) -> Coverage {
    Coverage {
        entries: read + unread,
        read,
        unread,
        ..Coverage::default()
    }
}

/// A small server of which everything was seen.
fn server() -> (Vec<Fact>, Vec<PathEntry>) {
    let facts = vec![
        fact(
            "/lib/systemd/system/app.service",
            What::Starts {
                program: AppPath::new("/usr/sbin/app"),
                args: Vec::new(),
                how: StartKind::Unit,
                name: "app.service".into(),
                forks: None,
                given: None,
            },
        ),
        fact(
            "/etc/app.conf",
            What::Listens {
                transport: "tcp".into(),
                port: Some(443),
                address: String::new(),
                protocol: Some("https".into()),
            },
        ),
        fact(
            "/var/lib/rpm/rpmdb.sqlite",
            What::Package {
                manager: "rpm".into(),
                name: "app".into(),
                version: "1.0".into(),
                licence: Some("MIT".into()),
            },
        ),
        fact(
            "/usr/sbin/app",
            What::Program {
                form: ProgramForm::Elf,
                interpreter: None,
                machine: None,
                traits: vec!["static".into()],
            },
        ),
    ];
    let paths = vec![
        entry("/etc/app.conf", Class::Config, Access::Ro),
        entry("/var/lib/app", Class::Data, Access::Rw),
    ];
    (facts, paths)
}

fn graded(
    findings: &[Finding],
    facts: &[Fact],
    paths: &[PathEntry],
    coverage: &Coverage,
) -> Vec<DimensionGrade> {
    grades(
        findings,
        &Seen {
            facts,
            paths,
            libraries: &[],
            coverage,
            plan: &Plan::default(),
        },
    )
}

fn judged(dimensions: &[DimensionGrade], findings: &[Finding]) -> Verdict {
    let seen = Seen {
        facts: &[],
        paths: &[],
        libraries: &[],
        coverage: &Coverage::default(),
        plan: &Plan::default(),
    };
    verdict(dimensions, findings, &seen)
}

fn of(grades: &[DimensionGrade], dimension: Dimension) -> &DimensionGrade {
    grades.iter().find(|g| g.dimension == dimension).unwrap()
}

#[test]
fn what_was_seen_to_be_easy_is_easy_and_floats() {
    let (facts, paths) = server();
    let all = graded(&[], &facts, &paths, &coverage(20, 0));
    assert_eq!(all.len(), Dimension::ALL.len());
    for graded in &all {
        assert_eq!(graded.grade, Grade::Easy, "{graded:?}");
        assert!(graded.reason.starts_with(cells(graded.dimension)[0]));
        assert!(graded.improve.is_none());
    }
    assert_eq!(judged(&all, &[]).answer, Answer::Floats);
}

#[test]
fn nothing_found_is_unknown_and_not_easy() {
    let all = graded(&[], &[], &[], &coverage(20, 0));
    for graded in &all {
        assert_eq!(graded.grade, Grade::Unknown, "{graded:?}");
        assert!(graded.improve.is_some());
    }
    assert_eq!(judged(&all, &[]).answer, Answer::NotJudged);
}

#[test]
fn thin_coverage_takes_easy_away_and_leaves_what_is_bad() {
    let (facts, paths) = server();
    let bad = finding("r", Dimension::Data, Grade::Difficult, Status::Certain);
    for thin in [coverage(0, 0), coverage(0, 5), coverage(7, 3)] {
        let all = graded(std::slice::from_ref(&bad), &facts, &paths, &thin);
        for graded in &all {
            let want = if graded.dimension == Dimension::Data {
                Grade::Difficult
            } else {
                Grade::Unknown
            };
            assert_eq!(graded.grade, want, "{graded:?}");
        }
        assert_eq!(
            judged(&all, std::slice::from_ref(&bad)).answer,
            Answer::DoesNotFloatYet
        );
    }
    let enough = graded(&[], &facts, &paths, &coverage(8, 2));
    assert_eq!(of(&enough, Dimension::Code).grade, Grade::Easy);
}

#[test]
fn the_worst_certain_finding_decides_in_the_words_of_the_table() {
    let (facts, paths) = server();
    let findings = [
        finding("some", Dimension::Data, Grade::Moderate, Status::Certain),
        finding("worse", Dimension::Data, Grade::Difficult, Status::Certain),
    ];
    let all = graded(&findings, &facts, &paths, &coverage(20, 0));
    let data = of(&all, Dimension::Data);
    assert_eq!(data.grade, Grade::Difficult);
    assert_eq!(data.reason, "Data Anywhere in Filesystem: worse fired");
    assert_eq!(data.improve.as_deref(), Some("Change worse."));
    assert_eq!(data.paths, [AppPath::new("/opt/app/x")]);
}

#[test]
fn a_suspicion_is_mentioned_and_decides_nothing() {
    let (facts, paths) = server();
    let maybe = finding(
        "maybe",
        Dimension::Kernel,
        Grade::Difficult,
        Status::Suspected,
    );
    let all = graded(
        std::slice::from_ref(&maybe),
        &facts,
        &paths,
        &coverage(20, 0),
    );
    let kernel = of(&all, Dimension::Kernel);
    assert_eq!(kernel.grade, Grade::Easy);
    assert!(kernel.reason.ends_with("; suspected: maybe fired"));
    assert_eq!(judged(&all, &[maybe]).answer, Answer::Floats);
}

#[test]
fn every_deciding_rule_must_be_mended_and_the_smallest_comes_first() {
    let mut large = finding("large", Dimension::Code, Grade::Difficult, Status::Certain);
    large.more = 30;
    let small = finding("small", Dimension::Code, Grade::Difficult, Status::Certain);
    let again = finding("small", Dimension::Code, Grade::Difficult, Status::Certain);
    let all = graded(&[large, small, again], &[], &[], &coverage(20, 0));
    let code = of(&all, Dimension::Code);
    assert_eq!(
        code.improve.as_deref(),
        Some(
            "2 changes are needed, the smallest first. Change small. Change large. \
             The same holds for 1 more."
        )
    );
    assert_eq!(
        code.reason,
        "Self Modifying: large fired; and 2 findings more"
    );
}

#[test]
fn the_answer_follows_its_rule() {
    let with = |changes: &[(Dimension, Grade)]| -> Vec<DimensionGrade> {
        let grade = |dimension| {
            let change = changes.iter().find(|(d, _)| *d == dimension);
            change.map_or(Grade::Easy, |(_, grade)| *grade)
        };
        let all = Dimension::ALL.into_iter();
        all.map(|dimension| DimensionGrade {
            dimension,
            grade: grade(dimension),
            reason: String::new(),
            paths: Vec::new(),
            improve: None,
        })
        .collect()
    };
    use Dimension as D;
    use Grade as G;
    for (changes, want) in [
        (&[][..], Answer::Floats),
        (&[(D::Data, G::Moderate)], Answer::FloatsWithWork),
        (&[(D::Licensing, G::Unknown)], Answer::FloatsWithWork),
        (&[(D::Code, G::Unknown)], Answer::FloatsWithWork),
        (
            &[(D::Code, G::Unknown), (D::Data, G::Unknown)],
            Answer::NotJudged,
        ),
        (
            &[
                (D::Licensing, G::Unknown),
                (D::Network, G::Unknown),
                (D::Secrets, G::Unknown),
                (D::Kernel, G::Unknown),
            ],
            Answer::NotJudged,
        ),
        (
            &[
                (D::Code, G::Unknown),
                (D::Data, G::Unknown),
                (D::Kernel, G::Difficult),
            ],
            Answer::DoesNotFloatYet,
        ),
    ] {
        assert_eq!(judged(&with(changes), &[]).answer, want, "{changes:?}");
    }
}

#[test]
fn only_a_certain_blocker_blocks() {
    let (facts, paths) = server();
    let all = graded(&[], &facts, &paths, &coverage(20, 0));
    let mut blocker = finding("b", Dimension::Data, Grade::Moderate, Status::Suspected);
    blocker.severity = Severity::Blocker;
    blocker.grade = None;
    let maybe = judged(&all, std::slice::from_ref(&blocker));
    assert_eq!(maybe.answer, Answer::Floats);
    blocker.status = Status::Certain;
    let sure = judged(&all, &[blocker]);
    assert_eq!(sure.answer, Answer::DoesNotFloatYet);
    assert_eq!(sure.reason, "1 finding blocks");
}

#[test]
fn two_paths_in_one_directory_are_one_place() {
    let (facts, mut paths) = server();
    paths.push(entry("/var/lib/app/deep/x.db", Class::Data, Access::Rw));
    let all = graded(&[], &facts, &paths, &coverage(20, 0));
    assert_eq!(of(&all, Dimension::Data).grade, Grade::Easy);
    paths.push(entry("/var/lib/other", Class::Data, Access::Rw));
    let all = graded(&[], &facts, &paths, &coverage(20, 0));
    assert_eq!(of(&all, Dimension::Data).grade, Grade::Unknown);
}

fn plan(problems: &[Option<StartProblem>]) -> Plan {
    let start = |problem: &Option<StartProblem>| Start {
        starter: None,
        count: None,
        shell: false,
        groups: Vec::new(),
        before: Vec::new(),
        by: None,
        umask: None,
        before_as_other: Vec::new(),
        name: "app.service".to_owned(),
        how: StartKind::Unit,
        command: vec!["/opt/app/bin/appd".to_owned()],
        user: None,
        directory: None,
        env: Vec::new(),
        forks: Some(false),
        uid: None,
        gid: None,
        home: None,
        foreground: Vec::new(),
        stop_signal: None,
        stop_seconds: None,
        clean_exits: Vec::new(),
        enabled: None,
        problem: *problem,
    };
    Plan {
        start: problems.iter().map(start).collect(),
        ..Plan::default()
    }
}

#[test]
fn what_starts_nothing_is_not_judged_however_easy_the_rest_is() {
    let (facts, paths) = server();
    let coverage = coverage(20, 0);
    let all = graded(&[], &facts, &paths, &coverage);
    let answer = |plan: &Plan, coverage: &Coverage| {
        let seen = Seen {
            facts: &facts,
            paths: &paths,
            libraries: &[],
            coverage,
            plan,
        };
        verdict(&all, &[], &seen).answer
    };
    for problem in [
        StartProblem::Absent,
        StartProblem::Nothing,
        StartProblem::Unresolved,
    ] {
        assert_eq!(
            answer(&plan(&[Some(problem)]), &coverage),
            Answer::NotJudged
        );
        // An umbrella beside what really runs.
        assert_eq!(
            answer(&plan(&[Some(problem), None]), &coverage),
            Answer::Floats
        );
    }
    let mut unread = coverage.clone();
    unread.gaps.push(Gap {
        path: AppPath::new("/etc/app.conf"),
        kind: GapKind::Settings,
    });
    assert_eq!(answer(&plan(&[None]), &unread), Answer::NotJudged);
}

#[test]
fn settings_that_could_not_be_read_leave_open_what_they_decide() {
    let (facts, paths) = server();
    let mut unread = coverage(20, 1);
    unread.gaps.push(Gap {
        path: AppPath::new("/etc/app.conf"),
        kind: GapKind::Settings,
    });
    let moderate = finding("r", Dimension::Network, Grade::Moderate, Status::Certain);
    let all = graded(std::slice::from_ref(&moderate), &facts, &paths, &unread);
    for dimension in [Dimension::Secrets, Dimension::Network, Dimension::Data] {
        let graded = of(&all, dimension);
        assert_eq!(graded.grade, Grade::Unknown, "{graded:?}");
        assert!(graded.reason.contains("/etc/app.conf"), "{graded:?}");
    }
    assert_eq!(of(&all, Dimension::Code).grade, Grade::Easy);
}
