//! What the rules and the grades say together of two whole applications: one that behaves, and one
//! that does not.

use seaworthy::assess::{Seen, grades, verdict};
use seaworthy::fact::Fact;
use seaworthy::path::AppPath;
use seaworthy::report::{
    Answer, Coverage, Dimension, DimensionGrade, Finding, Grade, Library, Mount, PathEntry, Plan,
    Severity, Status, Verdict,
};
use seaworthy::rule::{Rules, Subject};

/// An application as the stages before the rules would hand it over.
struct App {
    scope: Vec<AppPath>,
    facts: Vec<Fact>,
    paths: Vec<PathEntry>,
    libraries: Vec<Library>,
    mounts: Vec<Mount>,
}

/// What is said of it.
struct Judged {
    findings: Vec<Finding>,
    grades: Vec<DimensionGrade>,
    verdict: Verdict,
}

impl App {
    /// Scope; facts in JSON; path, class and access of its paths. What is written is mounted.
    fn new(scope: &[&str], facts: &str, paths: &[(&str, &str, &str)]) -> Self {
        let entry = |(path, class, access): &(&str, &str, &str)| {
            serde_json::from_value(serde_json::json!({
                "path": path, "class": class, "access": access,
                "certainty": "inferred", "because": [],
            }))
            .unwrap()
        };
        let mount = |(path, class, access): &(&str, &str, &str)| {
            serde_json::from_value(serde_json::json!({
                "path": path, "kind": "dir", "access": access, "class": class,
                "certainty": "inferred", "seed": false, "because": [],
            }))
            .unwrap()
        };
        Self {
            scope: scope.iter().map(AppPath::new).collect(),
            facts: serde_json::from_str(facts).unwrap(),
            paths: paths.iter().map(entry).collect(),
            libraries: Vec::new(),
            mounts: paths.iter().filter(|p| p.2 == "rw").map(mount).collect(),
        }
    }

    fn judge(&self) -> Judged {
        let (rules, _) = Rules::load([]);
        let findings = rules
            .run(&Subject {
                scope: &self.scope,
                facts: &self.facts,
                paths: &self.paths,
                libraries: &self.libraries,
                mounts: &self.mounts,
            })
            .findings;
        let coverage = Coverage {
            entries: 40,
            read: 40,
            ..Coverage::default()
        };
        let plan = Plan::default();
        let seen = Seen {
            facts: &self.facts,
            paths: &self.paths,
            libraries: &self.libraries,
            coverage: &coverage,
            plan: &plan,
        };
        let grades = grades(&findings, &seen);
        let verdict = verdict(&grades, &findings, &seen);
        Judged {
            findings,
            grades,
            verdict,
        }
    }
}

/// What a server of a distribution leaves, in the manner of nginx: nothing above a note.
#[test]
fn a_well_behaved_server_has_no_finding_above_a_note() {
    let mut app = App::new(
        &[
            "/usr/sbin/webd",
            "/usr/share/webd",
            "/etc/webd",
            "/var/lib/webd",
        ],
        WELL_BEHAVED,
        &[
            ("/etc/webd", "config", "ro"),
            ("/var/lib/webd", "data", "rw"),
            ("/var/log/webd", "log", "rw"),
            ("/run/webd", "runtime", "rw"),
            ("/usr/share/webd/mime.types", "config", "ro"),
        ],
    );
    let library = serde_json::json!({
        "name": "libc.so.6", "status": "resolved", "how": "cache",
        "needed_by": ["/usr/sbin/webd"], "owner": "core",
    });
    app.libraries.push(serde_json::from_value(library).unwrap());
    let judged = app.judge();
    assert!(!judged.findings.is_empty());
    for finding in &judged.findings {
        assert_eq!(finding.severity, Severity::Note, "{}", finding.message);
        let certain = finding.status == Status::Certain;
        assert!(
            !(certain && finding.grade == Some(Grade::Difficult)),
            "{}",
            finding.message
        );
    }
    assert_eq!(judged.verdict.answer, Answer::FloatsWithWork);
    assert_eq!(
        judged.verdict.reason,
        "nothing blocks and nothing is difficult; kernel is moderate, licensing is not known"
    );
}

/// A vendor's tree in /opt: what must be mounted is a risk, and the grades follow.
#[test]
fn a_legacy_tree_is_told_what_to_change() {
    let app = App::new(
        &["/opt/app"],
        LEGACY,
        &[
            ("/opt/app/conf/app.ini", "config", "ro"),
            ("/opt/app/data", "data", "rw"),
        ],
    );
    let judged = app.judge();
    let mut state = judged.findings.iter();
    let state = state.find(|finding| finding.rule == "state-under-prefix");
    let state = state.expect("state below the prefix is found");
    assert_eq!(state.severity, Severity::Risk);
    assert!(state.fix.contains("volume at /opt/app/data"));
    for (graded, grade) in judged.grades.iter().zip([
        (Dimension::Code, Grade::Easy),
        (Dimension::Configuration, Grade::Easy),
        (Dimension::Data, Grade::Easy),
        (Dimension::Secrets, Grade::Difficult),
        (Dimension::Network, Grade::Moderate),
        (Dimension::Installation, Grade::Moderate),
        (Dimension::Licensing, Grade::Difficult),
        (Dimension::Libraries, Grade::Easy),
        (Dimension::Kernel, Grade::Easy),
    ]) {
        assert_eq!((graded.dimension, graded.grade), grade, "{graded:?}");
    }
    assert_eq!(judged.verdict.answer, Answer::DoesNotFloatYet);
    assert_eq!(
        judged.verdict.reason,
        "difficult: secrets (Dynamic Generation of Certificates), \
         licensing (Restrictive & Proprietary)"
    );
}

const WELL_BEHAVED: &str = r#"[
  {"at":{"file":"/var/lib/dpkg/status"},"fact":"package","manager":"dpkg","name":"webd","version":"1","certainty":"declared"},
  {"at":{"file":"/lib/systemd/system/webd.service","line":9},"fact":"starts","program":"/usr/sbin/webd","args":["-g","daemon on;"],"how":"unit","name":"webd.service","forks":true,"certainty":"declared"},
  {"at":{"file":"/lib/systemd/system/webd.service","line":7},"fact":"needs","need":"limit","name":"NOFILE","certainty":"declared"},
  {"at":{"file":"/etc/init.d/webd","line":40},"fact":"starts","program":"/usr/sbin/webd","args":[],"how":"init","name":"webd","certainty":"inferred"},
  {"at":{"file":"/etc/init.d/webd","line":60},"fact":"calls","command":"service","args":"webd status","certainty":"inferred"},
  {"at":{"file":"/etc/webd/webd.conf","line":1},"fact":"runs-as","user":"www-data","certainty":"declared"},
  {"at":{"file":"/etc/webd/webd.conf","line":3},"fact":"listens","transport":"tcp","port":80,"protocol":"http","certainty":"declared"},
  {"at":{"file":"/etc/logrotate.d/webd","line":1},"fact":"path","path":"/var/log/webd/*.log","touch":"writes","source":"logrotate","by":"logrotate","class":"log","certainty":"declared"},
  {"at":{"file":"/var/lib/dpkg/info/webd.postinst","line":8},"fact":"path","path":"/etc/webd/webd.conf","touch":"grants","source":"maintainer","by":"chown","certainty":"inferred"},
  {"at":{"file":"/var/lib/dpkg/info/webd.postinst","line":9},"fact":"calls","command":"invoke-rc.d","args":"webd start","certainty":"inferred"},
  {"at":{"file":"/usr/sbin/webd"},"fact":"program","form":"elf","interpreter":"/lib64/ld-linux-x86-64.so.2","machine":"x86-64","certainty":"observed"},
  {"at":{"file":"/usr/sbin/webd"},"fact":"imports","symbol":"dlopen","certainty":"inferred"},
  {"at":{"file":"/usr/sbin/webd"},"fact":"imports","symbol":"sched_setaffinity","certainty":"inferred"},
  {"at":{"file":"/etc/webd/webd.conf"},"fact":"ownership","path":"/etc/webd/webd.conf","state":"changed","package":"webd","certainty":"observed"},
  {"at":{"file":"/etc/webd/snake.key"},"fact":"secret","kind":"private-key","certainty":"observed"}
]"#;

const LEGACY: &str = r#"[
        {"at":{"file":"/etc/init.d/app","line":9},"fact":"starts","program":"/opt/app/bin/start.sh","args":["start"],"how":"init","name":"app","certainty":"inferred"},
        {"at":{"file":"/opt/app/bin/start.sh","line":5},"fact":"calls","command":"openssl","args":"req -x509 -nodes","certainty":"inferred"},
        {"at":{"file":"/opt/app/bin/start.sh"},"fact":"program","form":"script","interpreter":"/bin/sh","certainty":"observed"},
        {"at":{"file":"/opt/app/bin/appd"},"fact":"program","form":"elf","machine":"x86-64","certainty":"observed"},
        {"at":{"file":"/opt/app/license.dat"},"fact":"licence","kind":"restrictive","name":"node-locked licence file","certainty":"observed"},
        {"at":{"file":"/opt/app/conf/app.ini","line":2},"fact":"listens","transport":"tcp","port":7000,"certainty":"inferred"}
        ]"#;
