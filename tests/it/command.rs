//! The command line as a user meets it: exit codes, where output goes, and what a mistake is told.

use std::path::Path;
use std::process::{Command, Output};

fn seaworthy(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_seaworthy"))
        .args(args)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap()
}

/// A root with one small application.
fn small_root() -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(root.path().join("opt/app/bin")).unwrap();
    std::fs::write(
        root.path().join("opt/app/bin/run"),
        "#!/bin/sh\necho hi >/var/log/app.log\n",
    )
    .unwrap();
    root
}

/// Arguments; words that the message must hold. `ROOT` stands for a small root.
const MISTAKES: &[(&[&str], &[&str])] = &[
    (&["scan"], &["nothing to audit", "--package"]),
    (&["scan", "--bogus"], &["--bogus", "--help"]),
    (
        &["scan", "/no/such/place"],
        &["/no/such/place", "not there"],
    ),
    (
        &["scan", "--root", "/no/such/root", "/opt/app"],
        &["/no/such/root", "cannot open the root"],
    ),
    (
        &["scan", "--root", "ROOT", "opt/app"],
        &["opt/app", "must be absolute"],
    ),
    (
        &["scan", "--root", "ROOT", "ROOT/opt/app"],
        &["not inside the root", "write /opt/app"],
    ),
    (
        &["scan", "--root", "ROOT", "--package", "none"],
        &["no package none"],
    ),
    (
        &["scan", "--root", "ROOT", "--unit", "none"],
        &["no unit or init script none"],
    ),
    (
        &["scan", "--root", "ROOT", "/opt/app", "--threads", "0"],
        &["--threads 0"],
    ),
    (
        &["scan", "--root", "ROOT", "/opt/app", "-o", "x.doc"],
        &["x.doc", ".json"],
    ),
    (
        &["scan", "--root", "ROOT", "/opt/app", "-o", "no/dir/x.json"],
        &["no/dir", "x.json"],
    ),
    (
        &["scan", "--root", "ROOT", "/opt/app", "-o", "ROOT/x.json"],
        &["inside the audited root"],
    ),
    (
        &[
            "scan", "--root", "ROOT", "/opt/app", "--format", "json", "-o", "/",
        ],
        &["is a directory"],
    ),
    (
        &["scan", "/x", "--format", "json", "--format", "terminal"],
        &["one report", "-o FILE"],
    ),
    (
        &["scan", "/x", "--format", "pdf"],
        &["pdf", "terminal, json"],
    ),
    (
        &["scan", "/a", "/b", "--prefix", "/opt/app"],
        &["--prefix takes exactly one"],
    ),
    (&["mounts", "-o", "x.manifests"], &["nothing to audit"]),
    (&["mounts", "/opt/app"], &["--output"]),
    (
        &["mounts", "--root", "ROOT", "/opt/app", "-o", "ROOT/x.json"],
        &["inside the audited root"],
    ),
    (
        &["mounts", "/opt/app", "-o", "x.manifests", "--target", "vm"],
        &["vm", "docker", "all"],
    ),
    (
        &["mounts", "/opt/app", "-o", "x.manifests", "--image", "a b"],
        &["--image"],
    ),
    (
        &["mounts", "/opt/app", "-o", "x.manifests", "--", "a", "b\nc"],
        &["b\\x0ac", "control character", "a script in the image"],
    ),
    (
        &["mounts", "/opt/app", "-o", "x.manifests", "--", ""],
        &["empty word", "name a program"],
    ),
    (
        &[
            "mounts",
            "/opt/app",
            "--report",
            "r.json",
            "-o",
            "x.manifests",
        ],
        &["--report"],
    ),
    (
        &["scan", "--report", "x.json", "/opt/app"],
        &["--report", "cannot be used with"],
    ),
    (
        &["scan", "--report", "Cargo.toml"],
        &["Cargo.toml", "no JSON report"],
    ),
    (&["explain", "/etc/x"], &["--report FILE"]),
    (
        &["explain", "nothing", "--report", "Cargo.toml"],
        &["Cargo.toml", "no JSON report"],
    ),
    (
        &["explain", "nothing", "--report", "no.json"],
        &["cannot read the report no.json"],
    ),
    (&["sail"], &["sail", "--help"]),
];

#[test]
fn a_mistake_is_told_in_words_and_ends_with_2() {
    let root = small_root();
    let root = root.path().to_str().unwrap();
    for (args, words) in MISTAKES {
        let args: Vec<String> = args.iter().map(|arg| arg.replace("ROOT", root)).collect();
        let output = seaworthy(&args.iter().map(String::as_str).collect::<Vec<_>>());
        let told = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{args:?}: {told}");
        assert!(output.stdout.is_empty(), "{args:?} printed a result");
        for word in *words {
            assert!(told.contains(word), "{args:?}: {word:?} is not in: {told}");
        }
    }
    assert!(!Path::new(root).join("x.json").exists());
    let _ = std::fs::remove_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("x.manifests"));
}

/// A root with a service that reads a setting and a password, and keeps data.
fn service_root() -> tempfile::TempDir {
    let root = small_root();
    let put = |path: &str, text: &str| {
        let path = root.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    put("opt/app/bin/server", "#!/bin/sh\n. /etc/app/app.conf\n");
    put("etc/app/app.conf", "[main]\nport = 8080\n");
    put("etc/app/db.conf", "[db]\npassword = hunter2-hunter2\n");
    put(
        "etc/app/urls",
        "url https://me:hunter2-hunter2@db.example/x\n",
    );
    put("etc/app/x.list", "requirepass hunter2-hunter2\n");
    put(
        "etc/systemd/system/app.service",
        "[Service]\nExecStart=/opt/app/bin/server\nUser=nobody\nStateDirectory=app\n\
         ConfigurationDirectory=app\n[Install]\nWantedBy=multi-user.target\n",
    );
    put("etc/passwd", "nobody:x:65534:65534::/:/bin/false\n");
    root
}

/// All that was written below a directory, as text.
fn written(folder: &Path) -> String {
    let mut text = String::new();
    for entry in walkdir::WalkDir::new(folder) {
        let entry = entry.unwrap();
        if entry.file_type().is_file() {
            text += &String::from_utf8_lossy(&std::fs::read(entry.path()).unwrap());
        }
    }
    text
}

#[test]
fn manifests_hold_settings_and_no_secret_unless_a_file_is_named_for_it() {
    use std::os::unix::fs::PermissionsExt as _;
    let root = service_root();
    let out = tempfile::tempdir().unwrap();
    let manifests = out.path().join("manifests");
    let secrets = out.path().join("secrets.yaml");
    let mut args = vec![
        "mounts",
        "--root",
        root.path().to_str().unwrap(),
        "--unit",
        "app",
        "-o",
        manifests.to_str().unwrap(),
    ];
    let made = seaworthy(&args);
    assert_eq!(made.status.code(), Some(0), "{made:?}");
    let text = written(&manifests);
    assert!(text.contains("port = 8080"), "{text}");
    assert!(text.contains("REPLACE-ME") || text.contains("UkVQTEFDRS1NRQ=="));
    // The password as it is, and its first bytes in base64 at each of the three places.
    for word in ["hunter2", "aHVudGVyMi", "h1bnRlcjI", "odW50ZXIy"] {
        assert!(!text.contains(word), "{word}");
    }
    args.extend(["--include-secrets", secrets.to_str().unwrap()]);
    let made = seaworthy(&args);
    assert_eq!(made.status.code(), Some(0), "{made:?}");
    let text = written(&manifests);
    assert!(!text.contains("hunter2"));
    let kept = std::fs::read_to_string(&secrets).unwrap();
    let has = ["aHVudGVyMi", "h1bnRlcjI", "odW50ZXIy"];
    assert!(has.iter().any(|word| kept.contains(word)), "{kept}");
    let mode = secrets.metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn what_a_target_cannot_express_fails_a_strict_run_only() {
    let root = small_root();
    let out = tempfile::tempdir().unwrap();
    let base = [
        "mounts",
        "--root",
        root.path().to_str().unwrap(),
        "/opt/app",
        "--target",
        "docker",
        "-o",
        out.path().to_str().unwrap(),
    ];
    let made = seaworthy(&base);
    assert_eq!(made.status.code(), Some(0), "{made:?}");
    let told = String::from_utf8(made.stdout).unwrap();
    assert!(told.contains("the start command"), "{told}");
    let made = seaworthy(&[&base[..], &["--strict"]].concat());
    assert_eq!(made.status.code(), Some(1), "{made:?}");
    let summary = std::fs::read_to_string(out.path().join("mounts.json")).unwrap();
    let summary: serde_json::Value = serde_json::from_str(&summary).unwrap();
    assert_eq!(summary["targets"].as_array().unwrap().len(), 1);
    let limits = summary["targets"][0]["limits"].as_array().unwrap();
    assert!(
        limits
            .iter()
            .any(|limit| limit["about"] == "the start command")
    );
    assert!(out.path().join("migrate.sh").exists());
    assert!(!out.path().join("k8s").exists());
}

/// What else lies beside a new directory says nothing about it, whatever it is called.
#[test]
fn manifests_go_into_a_new_directory_beside_others() {
    let root = small_root();
    let out = tempfile::tempdir().unwrap();
    for name in ["x", "mounts.json", "docker"] {
        std::fs::create_dir(out.path().join(name)).unwrap();
    }
    let new = out.path().join("a/b");
    let root = root.path().to_str().unwrap();
    let args = ["mounts", "--root", root, "/opt/app", "-o"];
    let made = seaworthy(&[&args[..], &[new.to_str().unwrap()]].concat());
    assert_eq!(made.status.code(), Some(0), "{made:?}");
    assert!(new.join("mounts.json").exists());
}

#[test]
fn the_next_step_is_the_command_that_fills_what_was_made() {
    let root = small_root();
    let out = tempfile::tempdir().unwrap();
    let (root, out) = (root.path().to_str().unwrap(), out.path().to_str().unwrap());
    let args = [
        "mounts",
        "--root",
        root,
        "/opt/app",
        "--exclude",
        "/opt/app/a b",
        "-o",
        out,
    ];
    let said = |more: &[&str]| {
        let made = seaworthy(&[&args[..], more].concat());
        assert_eq!(made.status.code(), Some(0), "{made:?}");
        String::from_utf8(made.stdout).unwrap()
    };
    let step = format!("\n  seaworthy migrate --root {root} --exclude '/opt/app/a b' /opt/app");
    let text = said(&[]);
    assert!(text.contains(&format!("{step}\n")), "{text}");
    assert!(
        text.contains(&format!("{out}/migrate.sh -r {root}\n")),
        "{text}"
    );
    let text = said(&["--storage", "volumes"]);
    assert!(text.contains(&format!("{step} --to docker\n")), "{text}");
    assert!(
        text.contains(&format!("{out}/migrate.sh -r {root} -t docker\n")),
        "{text}"
    );
}

#[test]
fn the_words_behind_two_dashes_are_the_start_command() {
    use std::os::unix::ffi::OsStrExt as _;
    let root = small_root();
    let out = tempfile::tempdir().unwrap();
    let mut base = vec!["mounts", "--root", root.path().to_str().unwrap()];
    base.extend(["/opt/app", "-o", out.path().to_str().unwrap(), "--"]);
    let made = seaworthy(&[&base[..], &["/opt/app/bin/run", "--root", "a b", ""]].concat());
    assert_eq!(made.status.code(), Some(0), "{made:?}");
    let told = String::from_utf8(made.stdout).unwrap();
    assert!(!told.contains("the start command: nothing"), "{told}");
    let file = std::fs::read_to_string(out.path().join("containerfile/Containerfile")).unwrap();
    let entry = r#"ENTRYPOINT ["/opt/app/bin/run", "--root", "a b", ""]"#;
    assert!(file.lines().any(|line| line == entry), "{file}");
    let made = Command::new(env!("CARGO_BIN_EXE_seaworthy"))
        .args(&base)
        .arg(std::ffi::OsStr::from_bytes(b"/bin/\xff"))
        .output()
        .unwrap();
    assert_eq!(made.status.code(), Some(2));
    let told = String::from_utf8(made.stderr).unwrap();
    assert!(told.contains("/bin/\\xff is not UTF-8"), "{told}");
}

#[test]
fn a_scan_prints_its_report_and_nothing_on_standard_error() {
    let root = small_root();
    let output = seaworthy(&["scan", "--root", root.path().to_str().unwrap(), "/opt/app"]);
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("/opt/app"), "{text}");
    assert!(text.contains("What was seen"), "{text}");
}

#[test]
fn several_forms_are_written_in_one_scan_and_each_file_is_replaced_whole() {
    let root = small_root();
    let out = tempfile::tempdir().unwrap();
    let json = out.path().join("r.json");
    let text = out.path().join("r.txt");
    std::fs::write(&json, "old").unwrap();
    let output = seaworthy(&[
        "scan",
        "--root",
        root.path().to_str().unwrap(),
        "/opt/app",
        "-o",
        json.to_str().unwrap(),
        "-o",
        text.to_str().unwrap(),
    ]);
    assert_eq!(
        output.status.code(),
        Some(0),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(output.stdout.is_empty());
    let report: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(&json).unwrap()).unwrap();
    assert_eq!(report["schema"], 1);
    assert!(std::fs::read_to_string(&text).unwrap().contains("/opt/app"));
    assert_eq!(
        std::fs::read_dir(out.path()).unwrap().count(),
        2,
        "a part was left behind"
    );
}

#[test]
fn a_saved_report_is_shown_in_another_form_without_a_disk() {
    let saved = "sample-apps/meter-daemon/expect/report.json";
    let shown = seaworthy(&["scan", "--report", saved]);
    assert_eq!(shown.status.code(), Some(0));
    let want = std::fs::read(
        Path::new(env!("CARGO_MANIFEST_DIR")).join("sample-apps/meter-daemon/expect/report.txt"),
    );
    assert_eq!(shown.stdout, want.unwrap());
    let same = seaworthy(&["scan", "--report", saved, "--format", "json"]);
    let saved = std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join(saved)).unwrap();
    assert_eq!(same.stdout, saved);
}

#[test]
fn a_report_is_written_through_a_link_and_to_a_device() {
    let root = small_root();
    let root = root.path().to_str().unwrap();
    let out = tempfile::tempdir().unwrap();
    let real = out.path().join("real.json");
    let link = out.path().join("link.json");
    std::fs::write(&real, "").unwrap();
    std::os::unix::fs::symlink(&real, &link).unwrap();
    seaworthy(&[
        "scan",
        "--root",
        root,
        "/opt/app",
        "-o",
        link.to_str().unwrap(),
    ]);
    assert!(link.is_symlink());
    assert!(
        std::fs::read_to_string(&real)
            .unwrap()
            .contains("\"schema\": 1")
    );
    let null = seaworthy(&[
        "scan",
        "--root",
        root,
        "/opt/app",
        "--format",
        "json",
        "-o",
        "/dev/null",
    ]);
    assert_eq!(
        null.status.code(),
        Some(0),
        "{}",
        String::from_utf8_lossy(&null.stderr)
    );
    assert!(!Path::new("/dev/null").is_file());
}

#[test]
fn an_audit_changes_nothing_in_the_root() {
    let root = small_root();
    let look = || {
        let mut seen = Vec::new();
        for entry in walkdir::WalkDir::new(root.path()).sort_by_file_name() {
            let entry = entry.unwrap();
            let data = entry.metadata().unwrap();
            seen.push((
                entry.path().to_owned(),
                data.len(),
                data.modified().unwrap(),
            ));
        }
        seen
    };
    let before = look();
    seaworthy(&["scan", "--root", root.path().to_str().unwrap(), "/opt/app"]);
    assert_eq!(look(), before);
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    use std::process::Stdio;
    let mut child = Command::new(env!("CARGO_BIN_EXE_seaworthy"))
        .args(["generate", "schema"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(
        output.status.code(),
        Some(0),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}
