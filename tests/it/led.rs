//! A program that a manager keeps running is started by it, and not a second time beside it.

use std::path::Path;
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use crate::lab::compose;

const SUPERVISED: &str =
    "[supervisord]\nnodaemon=true\n\n[program:web]\ncommand=/opt/gear/bin/web\n";

const UNIT: &str = "/etc/systemd/system/gear.service";

fn put(root: &Path, path: &str, text: &str) {
    use std::os::unix::fs::PermissionsExt as _;
    let host = root.join(path.trim_start_matches('/'));
    std::fs::create_dir_all(host.parent().unwrap()).unwrap();
    std::fs::write(&host, text).unwrap();
    let mode = if text.starts_with("#!") { 0o755 } else { 0o644 };
    std::fs::set_permissions(host, std::fs::Permissions::from_mode(mode)).unwrap();
}

fn root(files: &[(&str, &str)]) -> TempDir {
    let root = TempDir::new().unwrap();
    put(root.path(), "/etc/os-release", "ID=debian\n");
    put(
        root.path(),
        "/etc/passwd",
        "root:x:0:0:root:/root:/bin/sh\n",
    );
    for program in ["supervisord", "runsvdir", "python3", "chpst"] {
        put(
            root.path(),
            &format!("/usr/bin/{program}"),
            "#!/bin/sh\nsleep 9\n",
        );
    }
    put(root.path(), "/bin/sh", "#!/bin/sh\n");
    put(
        root.path(),
        "/opt/gear/bin/web",
        "#!/usr/bin/python3\nopen('/var/lib/gear/x', 'w')\n",
    );
    for (path, text) in files {
        put(root.path(), path, text);
    }
    root
}

fn unit(line: &str) -> String {
    format!("[Service]\nExecStart={line}\n[Install]\nWantedBy=multi-user.target\n")
}

/// Who starts the program, as the plan has it, and whether Compose starts it by itself.
fn led(root: &TempDir) -> (Option<String>, bool) {
    let report = scan(root, &["/opt/gear"]);
    let starts = report["plan"]["start"].as_array().unwrap();
    let web = starts
        .iter()
        .find(|start| start["command"].to_string().contains("/opt/gear/bin/web"))
        .unwrap();
    let by = web["by"].as_str().map(str::to_owned);
    let text = compose(root.path(), &["/opt/gear"]);
    (by, text.contains("- '/opt/gear/bin/web'"))
}

/// What the case is, its files, and the start that has to lead.
type Case<'a> = (&'a str, Vec<(&'a str, &'a str)>, &'a str);

#[test]
fn a_program_is_started_once_by_the_manager_that_the_system_starts() {
    let by_unit = unit("/usr/bin/supervisord -c /opt/gear/supervisord.conf");
    let by_init = "#!/bin/sh\n### BEGIN INIT INFO\n# Provides: gear\n# Default-Start: 2 3\n### END INIT INFO\n\
                   case \"$1\" in\nstart) cd /opt/gear && venv/bin/supervisord -c etc/supervisord.conf ;;\n\
                   stop) venv/bin/supervisorctl shutdown ;;\nesac\n";
    let by_runsvdir = unit("/usr/bin/runsvdir -P /opt/gear/service");
    let cases: [Case<'_>; 3] = [
        (
            "a unit that names the table",
            vec![("/opt/gear/supervisord.conf", SUPERVISED), (UNIT, &by_unit)],
            "gear.service",
        ),
        (
            "an init script, by a path that begins where it is",
            vec![
                ("/opt/gear/etc/supervisord.conf", SUPERVISED),
                (
                    "/opt/gear/venv/bin/supervisord",
                    "#!/opt/gear/venv/bin/python3\n",
                ),
                ("/etc/init.d/gear", by_init),
            ],
            "gear",
        ),
        (
            "a directory of services",
            vec![
                (
                    "/opt/gear/service/web/run",
                    "#!/bin/sh\nexec /opt/gear/bin/web\n",
                ),
                (UNIT, &by_runsvdir),
            ],
            "gear.service",
        ),
    ];
    for (what, files, leader) in cases {
        let root = root(&files);
        assert_eq!(led(&root), (Some(leader.to_owned()), false), "{what}");
    }
}

#[test]
fn the_hosts_own_manager_is_none_of_the_application() {
    let table = "[program:web]\ncommand=/opt/gear/bin/web\n";
    let host = unit("/usr/bin/supervisord -n -c /etc/supervisor/supervisord.conf");
    let root = root(&[
        ("/etc/supervisor/conf.d/gear.conf", table),
        (
            "/etc/supervisor/supervisord.conf",
            "[include]\nfiles = /etc/supervisor/conf.d/*.conf\n",
        ),
        ("/lib/systemd/system/supervisor.service", &host),
    ]);
    assert_eq!(led(&root), (None, true));
}

#[test]
fn a_unit_that_starts_something_else_leads_nothing() {
    let root = root(&[
        ("/opt/gear/supervisord.conf", SUPERVISED),
        (
            "/opt/gear/bin/mail",
            "#!/usr/bin/python3\nopen('/var/lib/gear/y', 'w')\n",
        ),
        (UNIT, &unit("/opt/gear/bin/mail")),
    ]);
    assert_eq!(led(&root).0, None);
}

fn scan(root: &TempDir, scope: &[&str]) -> Value {
    let output = Command::new(env!("CARGO_BIN_EXE_seaworthy"))
        .args(["scan", "--format", "json", "--root"])
        .arg(root.path())
        .args(scope)
        .output()
        .unwrap();
    serde_json::from_slice(&output.stdout).unwrap()
}

/// What only asks whether something could be started starts nothing.
#[test]
fn a_trial_is_no_start() {
    let script = "#!/bin/sh\ncase \"$1\" in start)\n\
                  start-stop-daemon --start --quiet --exec /opt/gear/bin/web --test >/dev/null || return 1\n\
                  start-stop-daemon --start --quiet --exec /opt/gear/bin/web -- --conf /etc/gear.conf\n;; esac\n";
    for option in ["--test", "-t"] {
        let script = script.replace("--test", option);
        let root = root(&[("/etc/init.d/gear", &script), ("/etc/gear.conf", "x=1\n")]);
        let report = scan(&root, &["/opt/gear"]);
        let starts = report["plan"]["start"].as_array().unwrap();
        assert_eq!(starts.len(), 1, "{starts:?}");
    }
}

/// What the manager of users starts is nobody's that is known, and not root's.
#[test]
fn a_unit_of_users_is_not_started_as_root() {
    let status = "Package: gear\nStatus: install ok installed\nArchitecture: all\nVersion: 1\n\n";
    let root = root(&[
        (
            "/usr/lib/systemd/user/gear.service",
            &unit("/opt/gear/bin/web"),
        ),
        ("/var/lib/dpkg/status", status),
        (
            "/var/lib/dpkg/info/gear.list",
            "/usr/lib/systemd/user/gear.service\n/opt/gear/bin/web\n",
        ),
    ]);
    let scope = ["--package", "gear"];
    let report = scan(&root, &scope);
    let starts = report["plan"]["start"].as_array().unwrap();
    assert_eq!(starts[0]["user"], "{user}", "{starts:?}");
    let text = compose(root.path(), &scope);
    assert!(text.contains("user: '10001:10001'"), "{text}");
    assert!(text.contains("nothing tells as which user"), "{text}");
}
