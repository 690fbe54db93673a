//! Traces beside an audit: what was seen becomes evidence, what others did does not, and no log,
//! however odd, ends a run in another way than a report or a clear message.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use seaworthy::fact::{Access, Certainty};
use seaworthy::render::json::schema;
use seaworthy::render::{Style, by_name};
use seaworthy::report::{Report, TraceForm, TraceRow};

/// A root with one application, and a directory for logs outside of it.
struct Host {
    dir: tempfile::TempDir,
}

const PROGRAM: &str = "#!/bin/sh\n. /opt/app/conf/app.conf\necho hi >>/var/log/app/app.log\n";

impl Host {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        for sub in [
            "root/opt/app/bin",
            "root/opt/app/conf",
            "root/var/lib",
            "root/etc",
            "logs",
        ] {
            fs::create_dir_all(dir.path().join(sub)).unwrap();
        }
        fs::write(dir.path().join("root/opt/app/bin/run"), PROGRAM).unwrap();
        fs::write(dir.path().join("root/opt/app/conf/app.conf"), "A=1\n").unwrap();
        fs::write(dir.path().join("root/etc/extra.conf"), "B=1\n").unwrap();
        Self { dir }
    }

    fn log(&self, name: &str, text: &[u8]) -> PathBuf {
        let file = self.dir.path().join("logs").join(name);
        fs::write(&file, text).unwrap();
        file
    }

    fn root(&self) -> PathBuf {
        self.dir.path().join("root")
    }

    fn run(&self, logs: &[PathBuf], format: &str) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_seaworthy"));
        command.args(["scan", "--format", format, "--root"]);
        command.arg(self.root()).arg("/opt/app");
        for log in logs {
            command.arg("--trace").arg(log);
        }
        command.output().unwrap()
    }

    fn scan(&self, logs: &[PathBuf]) -> Report {
        let output = self.run(logs, "json");
        let told = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{told}");
        serde_json::from_slice(&output.stdout).unwrap()
    }
}

/// A setup program of others comes first, then the application.
const STRACE: &str = r#"40 execve("/usr/bin/env", ["env", "/opt/app/bin/run"], 0x7ff0 /* 9 vars */) = 0
40 openat(AT_FDCWD, "/etc/ld.so.cache", O_RDONLY|O_CLOEXEC) = 3
40 mkdir("/var/lib/setup", 0755) = 0
40 execve("/opt/app/bin/run", ["/opt/app/bin/run"], 0x7ff0 /* 9 vars */) = 0
40 openat(AT_FDCWD, "/etc/ld.so.cache", O_RDONLY|O_CLOEXEC) = 3
40 openat(AT_FDCWD, "/usr/lib/locale/C.utf8/LC_CTYPE", O_RDONLY|O_CLOEXEC) = 3
40 openat(AT_FDCWD, "/proc/self/stat", O_RDONLY) = 3
40 openat(AT_FDCWD, "/opt/app/conf/app.conf", O_RDONLY) = 3
40 openat(AT_FDCWD, "/etc/extra.conf", O_RDONLY) = 3
40 chdir("/var/lib/appstate") = 0
40 vfork( <unfinished ...>
41 execve("/usr/bin/touch", ["touch", "a.db"], 0x7ff0 /* 9 vars */) = 0
40 <... vfork resumed>) = 41
41 openat(AT_FDCWD, "a.db", O_WRONLY|O_CREAT|O_NOCTTY|O_NONBLOCK, 0666) = 3
41 openat(AT_FDCWD, "/etc/refused.conf", O_RDWR) = -1 EACCES (Permission denied)
41 +++ exited with 0 +++
40 openat(AT_FDCWD, "/opt/app/spool/job.1", O_WRONLY|O_CREAT, 0644) = 3
40 +++ exited with 0 +++
"#;

/// The same with `-y`, and as the two parts of `-ff`.
fn with_descriptors() -> String {
    let mut text = String::new();
    for line in STRACE.lines() {
        let here = match line {
            _ if line.contains("\"a.db\", O_") => "AT_FDCWD</var/lib/appstate>",
            _ => "AT_FDCWD</>",
        };
        let line = line.replace("AT_FDCWD", here);
        let line = match line.strip_suffix(" = 3") {
            Some(start) => format!("{start} = 3</somewhere/else>"),
            None => line,
        };
        text += &line;
        text.push('\n');
    }
    text
}

fn parts() -> (String, String) {
    let of = |process: &str| {
        let lines = STRACE.lines().filter_map(|line| line.strip_prefix(process));
        lines.map(|line| line.to_owned() + "\n").collect::<String>()
    };
    let parent = of("40 ").replace("vfork( <unfinished ...>\n<... vfork resumed>", "vfork(");
    (parent, of("41 "))
}

const AUDIT: &str = r#"type=SYSCALL msg=audit(1700000000.001:1): arch=c000003e syscall=83 success=yes exit=0 items=2 ppid=1 pid=39 exe="/usr/bin/install"
type=PATH msg=audit(1700000000.001:1): item=0 name="/var/lib/setup" nametype=CREATE
type=SYSCALL msg=audit(1700000000.002:2): arch=c000003e syscall=59 success=yes exit=0 items=3 ppid=1 pid=40 exe="/bin/sh"
type=EXECVE msg=audit(1700000000.002:2): argc=2 a0="/bin/sh" a1="/opt/app/bin/run"
type=CWD msg=audit(1700000000.002:2): cwd="/"
type=PATH msg=audit(1700000000.002:2): item=0 name="/opt/app/bin/run" nametype=NORMAL
type=SYSCALL msg=audit(1700000000.003:3): arch=c000003e syscall=257 success=yes exit=3 a0=ffffff9c a1=0 a2=41 a3=1b6 items=2 ppid=40 pid=41 exe="/usr/bin/touch"
type=CWD msg=audit(1700000000.003:3): cwd="/var/lib/appstate"
type=PATH msg=audit(1700000000.003:3): item=0 name="/var/lib/appstate" nametype=PARENT
type=PATH msg=audit(1700000000.003:3): item=1 name="a.db" nametype=CREATE
"#;

fn names(rows: &[TraceRow]) -> Vec<String> {
    let access = |row: &TraceRow| if row.access == Access::Rw { "rw" } else { "ro" };
    rows.iter()
        .map(|row| format!("{} {}", access(row), row.path))
        .collect()
}

#[test]
fn what_the_application_was_seen_to_do_is_told_beside_the_plan() {
    let host = Host::new();
    let bare = host.scan(&[]);
    assert_eq!(bare.trace, None);
    let report = host.scan(&[host.log("app.strace", STRACE.as_bytes())]);
    let trace = report.trace.as_ref().unwrap();
    assert_eq!(names(&trace.declared_and_seen), ["ro /opt/app/conf"]);
    assert_eq!(names(&trace.declared_never_seen), ["rw /var/log/app"]);
    assert_eq!(
        names(&trace.seen_never_declared),
        [
            "ro /etc/extra.conf",
            "rw /opt/app/spool",
            "rw /var/lib/appstate"
        ]
    );
    let state = &trace.seen_never_declared[2].evidence[0];
    assert_eq!(state.path.to_text(), "/var/lib/appstate/a.db");
    assert_eq!(state.call, "openat O_WRONLY|O_CREAT");
    assert_eq!(state.program.as_ref().unwrap().to_text(), "/usr/bin/touch");
    assert_eq!(state.count, 1);
    let log = &trace.logs[0];
    assert_eq!(
        (log.name.as_str(), log.form),
        ("app.strace", TraceForm::Strace)
    );
    assert_eq!((log.lines, log.not_understood, log.processes), (18, 0, 2));

    let mount = |report: &Report, path: &str| {
        let mut mounts = report.plan.mounts.iter();
        mounts.find(|mount| mount.path.to_text() == path).cloned()
    };
    assert_eq!(mount(&bare, "/var/lib/appstate"), None);
    let state = mount(&report, "/var/lib/appstate").unwrap();
    assert_eq!(
        (state.access, state.certainty),
        (Access::Rw, Certainty::Observed)
    );
    assert_eq!(mount(&report, "/opt/app/spool").unwrap().access, Access::Rw);
    // What was refused, what others made and what every program reads is no evidence.
    for path in [
        "/var/lib/setup",
        "/etc/refused.conf",
        "/etc/ld.so.cache",
        "/proc/self/stat",
    ] {
        let known = report
            .paths
            .iter()
            .find(|entry| entry.path.to_text() == path);
        assert!(
            known.is_none_or(|entry| entry.access == Access::Ro),
            "{path}"
        );
        assert_eq!(mount(&report, path), None, "{path}");
    }
}

#[test]
fn a_path_that_was_only_inferred_is_observed_once_it_was_seen() {
    let host = Host::new();
    let certainty = |report: &Report| {
        let mut paths = report.paths.iter();
        let entry = paths.find(|entry| entry.path.to_text() == "/var/log/app/app.log");
        entry.unwrap().certainty
    };
    assert_eq!(certainty(&host.scan(&[])), Certainty::Inferred);
    let log = r#"execve("/opt/app/bin/run", ["run"], 0x7f /* 1 var */) = 0
openat(AT_FDCWD, "/var/log/app/app.log", O_WRONLY|O_CREAT|O_APPEND, 0666) = 3
"#;
    let report = host.scan(&[host.log("log", log.as_bytes())]);
    assert_eq!(certainty(&report), Certainty::Observed);
}

#[test]
fn every_form_of_a_log_tells_the_same() {
    let host = Host::new();
    let lists = |logs: &[PathBuf]| {
        let mut report = host.scan(logs);
        let mut trace = report.trace.take().unwrap();
        trace.logs.clear();
        (trace, report)
    };
    let plain = lists(&[host.log("plain", STRACE.as_bytes())]);
    let described = lists(&[host.log("y", with_descriptors().as_bytes())]);
    assert_eq!(plain, described);
    let (parent, child) = parts();
    let child = host.log("parts.41", child.as_bytes());
    let parent = host.log("parts.40", parent.as_bytes());
    assert_eq!(plain, lists(&[child, parent]));
}

#[test]
fn an_audit_log_is_read_too() {
    let host = Host::new();
    let report = host.scan(&[host.log("audit.log", AUDIT.as_bytes())]);
    let trace = report.trace.unwrap();
    assert_eq!(names(&trace.seen_never_declared), ["rw /var/lib/appstate"]);
    assert_eq!(trace.logs[0].form, TraceForm::Audit);
    let others: Vec<_> = trace.others.iter().map(|path| path.to_text()).collect();
    assert_eq!(others, ["/usr/bin/install"]);
}

#[test]
fn a_trace_from_outside_of_the_root_is_seen_from_inside() {
    let host = Host::new();
    let root = host.root().canonicalize().unwrap();
    let inside = |text: &str| text.replace("ROOT", root.to_str().unwrap());
    let entered = inside(
        r#"7 execve("/usr/sbin/chroot", ["chroot", "ROOT", "/opt/app/bin/run"], 0x7f /* 1 var */) = 0
7 chroot("ROOT") = 0
7 chdir("/") = 0
7 execve("/opt/app/bin/run", ["run"], 0x7f /* 1 var */) = 0
7 mkdir("/var/lib/appstate", 0755) = 0
"#,
    );
    // The same root, when it lay at another place.
    let elsewhere = entered.replace(root.to_str().unwrap(), "/srv/old");
    for text in [entered, elsewhere] {
        let report = host.scan(&[host.log("log", text.as_bytes())]);
        let trace = report.trace.unwrap();
        assert_eq!(names(&trace.seen_never_declared), ["rw /var/lib/appstate"]);
    }
}

#[test]
fn a_report_with_a_trace_keeps_every_promise() {
    let host = Host::new();
    let log = host.log("app.strace", STRACE.as_bytes());
    let report = host.scan(std::slice::from_ref(&log));
    let json = (by_name("json").unwrap().render)(&report, &Style::default());
    assert_eq!(serde_json::from_str::<Report>(&json).unwrap(), report);
    let place = host.dir.path().to_str().unwrap();
    assert!(
        !json.contains(place),
        "a path of this host is in the report"
    );
    let schema: serde_json::Value = serde_json::from_str(&schema()).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    assert!(validator.is_valid(&serde_json::from_str(&json).unwrap()));

    let text = (by_name("terminal").unwrap().render)(&report, &Style::default());
    let long = text.lines().find(|line| line.chars().count() > 80);
    assert_eq!(long, None);
    for words in [
        "What the trace says",
        "app.strace (strace): 18 lines, 2 processes",
        "seen, never declared (3)",
        "rw  /var/lib/appstate  touch writes: openat O_WRONLY|O_CREAT × 1",
        "declared, never seen (1)",
    ] {
        assert!(text.contains(words), "{words:?} is not in: {text}");
    }
    let told = seaworthy::explain::explain("/var/lib/appstate", Some(&report)).unwrap();
    assert!(
        told.contains("/usr/bin/touch  writes /var/lib/appstate/a.db"),
        "{told}"
    );
    assert!(told.contains("seen in the trace, never declared"), "{told}");
}

#[test]
fn a_trace_without_the_application_says_so() {
    let host = Host::new();
    let log = host.log(
        "x",
        b"7 execve(\"/bin/ls\", [\"ls\"], 0x7f /* 1 var */) = 0\n",
    );
    let output = host.run(&[log], "terminal");
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(
        text.contains("no program of the application is in the trace"),
        "{text}"
    );
    assert!(text.contains("such as /bin/ls"), "{text}");
}

#[test]
fn what_cannot_be_read_is_told_with_the_way_to_make_a_log() {
    let host = Host::new();
    for (file, words) in [
        (host.dir.path().join("none"), &["none", "No such file"][..]),
        (
            host.root(),
            &["root", "is a directory", "one --trace for each"],
        ),
        (
            PathBuf::from("/dev/null"),
            &["/dev/null", "no regular file"],
        ),
        (host.log("empty", b""), &["empty", "strace -f -y -o FILE"]),
        (
            host.log("code.c", b"int main(void);\n"),
            &["code.c", "strace -f -y -o FILE -p PID", "ausearch -i"],
        ),
        (
            host.log("log.gz", b"\x1f\x8b\x08\0\0"),
            &["log.gz", "unpack"],
        ),
    ] {
        let output = host.run(&[file], "json");
        let told = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{told}");
        assert!(output.stdout.is_empty());
        for word in words {
            assert!(told.contains(word), "{word:?} is not in: {told}");
        }
    }
}

/// Logs that are cut, mixed, forged and far too large: each ends in a report that counts what was
/// not understood.
#[test]
fn hostile_logs_end_in_a_report() {
    let host = Host::new();
    let head = b"1 execve(\"/opt/app/bin/run\", [\"run\"], 0x7f /* 1 var */) = 0\n";
    let with = |rest: &[u8]| [&head[..], rest].concat();
    let mut bomb = Vec::new();
    for n in 2..30_000u32 {
        bomb.extend(format!("{n} clone(flags=SIGCHLD <unfinished ...>\n").bytes());
        bomb.extend(
            format!("{n} openat(AT_FDCWD, \"/var/lib/b/{n}/{n}\", O_CREAT|O_WRONLY, 0600) = {n}\n")
                .bytes(),
        );
    }
    let long = [
        &b"1 openat(AT_FDCWD, \""[..],
        &vec![b'/'; 10 << 20],
        b"\", O_RDONLY) = 3\n",
    ]
    .concat();
    let deep = format!("1 mkdir(\"{}\", 0700) = 0\n", "/d".repeat(2_000));
    let cases: [(&str, Vec<u8>, u64); 7] = [
        ("cut", with(b"1 openat(AT_FDCWD, \"/var/lib/x"), 1),
        (
            "resumed",
            with(b"1 <... openat resumed>) = 3\n9 <... read resumed>) = 3\n"),
            1,
        ),
        (
            "binary",
            with(&[0xff, 0, 0xfe, b'\n', 0x1b, b'[', b'2', b'J', b'\n']),
            2,
        ),
        ("long", with(&long), 1),
        (
            "pids",
            with(b"99999999999999999999 close(3) = 0\n0 close(3) = 0\n-1 close(3) = 0\n"),
            1,
        ),
        ("deep", with(deep.as_bytes()), 0),
        ("bomb", with(&bomb), 0),
    ];
    for (name, text, wrong) in cases {
        let report = host.scan(&[host.log(name, &text)]);
        let log = &report.trace.as_ref().unwrap().logs[0];
        assert_eq!(
            log.not_understood, wrong,
            "{name}: {:?}",
            log.first_not_understood
        );
        assert!(report.paths.len() < 300, "{name}: {}", report.paths.len());
        let text = (by_name("terminal").unwrap().render)(&report, &Style::default());
        assert!(!text.contains('\x1b'), "{name}");
    }
}

/// The name of a log is text of the user's, and stays text.
#[test]
fn a_hostile_file_name_does_not_reach_the_terminal() {
    let host = Host::new();
    let report = host.scan(&[host.log("a\x1b[2Jb\nc", STRACE.as_bytes())]);
    let name = &report.trace.unwrap().logs[0].name;
    assert_eq!(name, "a\\x1b[2Jb\\x0ac");
    assert!(Path::new(name).is_relative());
}
