//! A saved report is input: whoever has changed one puts no line of his own into what is made of it.

use std::process::{Command, Output};

use serde_json::{Value, json};

fn seaworthy(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_seaworthy"))
        .args(args)
        .output()
        .unwrap()
}

/// A report of a small service, changed by `change`; the exit code of `mounts`, and all that it wrote.
fn made(change: impl Fn(&mut Value)) -> (Option<i32>, String) {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    std::fs::create_dir_all(at("root/opt/app/bin")).unwrap();
    std::fs::create_dir_all(at("root/etc/systemd/system")).unwrap();
    std::fs::write(
        at("root/opt/app/bin/run"),
        "#!/bin/sh\necho x >/var/lib/app/x\n",
    )
    .unwrap();
    let unit = "[Service]\nExecStart=/opt/app/bin/run\nUser=app\n";
    std::fs::write(at("root/etc/systemd/system/app.service"), unit).unwrap();
    let (root, report, out) = (at("root"), at("r.json"), at("m"));
    let (root, report, out) = (
        root.to_str().unwrap(),
        report.to_str().unwrap(),
        out.to_str().unwrap(),
    );
    let told = seaworthy(&["scan", "--root", root, "/opt/app", "-o", report]);
    assert_eq!(told.status.code(), Some(0));
    let mut value: Value = serde_json::from_slice(&std::fs::read(report).unwrap()).unwrap();
    value["plan"]["ports"] = json!([{"port": 514, "transport": "udp", "protocol": "syslog"}]);
    change(&mut value);
    std::fs::write(report, value.to_string()).unwrap();
    let told = seaworthy(&["mounts", "--report", report, "--target", "all", "-o", out]);
    let mut text = String::from_utf8_lossy(&told.stderr).into_owned();
    for entry in walkdir::WalkDir::new(out).into_iter().flatten() {
        if entry.file_type().is_file() {
            text += &String::from_utf8_lossy(&std::fs::read(entry.path()).unwrap());
        }
    }
    (told.status.code(), text)
}

#[test]
fn an_honest_report_gives_manifests() {
    let (code, text) = made(|_| ());
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("514"));
}

#[test]
fn words_that_stand_for_a_choice_are_no_free_text() {
    for (place, word) in [
        ("/plan/ports/0/transport", "tcp;touch x"),
        ("/plan/ports/0/transport", "TCP"),
        ("/plan/ports/0/protocol", "http`id`"),
        ("/plan/scratch/0/mode", "1777,exec"),
        ("/plan/start/0/stop_signal", "TERM --privileged"),
    ] {
        let (code, text) = made(|value| {
            let parent = place.rsplit_once('/').unwrap();
            value.pointer_mut(parent.0).unwrap()[parent.1] = word.into();
        });
        assert_eq!(code, Some(2), "{place} {word}: {text}");
        assert!(text.contains("is refused"), "{place} {word}: {text}");
    }
}

#[test]
fn no_text_of_a_report_has_a_line_of_its_own() {
    for (place, word) in [
        ("/plan/start/0/name", "app\nRUN x"),
        ("/plan/start/0/user", "app\r\nUSER 0"),
        ("/plan/start/0/command/0", "/bin/x\nExecStartPre=/bin/y"),
        ("/target/scope/0", "/opt/app\u{2028}x"),
        ("/plan/mounts/0/path", "/var/lib\u{85}x"),
        ("/tool/version", "1\n"),
    ] {
        let (code, text) = made(|value| *value.pointer_mut(place).unwrap() = word.into());
        assert_eq!(code, Some(2), "{place}: {text}");
        assert!(text.contains("line break"), "{place}: {text}");
    }
    let (code, text) = made(|value| {
        value["plan"]["hostname"] = json!({"name": "h\nx", "certainty": "guessed", "because": []});
    });
    assert_eq!(code, Some(2), "{text}");
}

#[test]
fn quotes_in_any_text_of_a_report_end_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let mark = dir.path().join("ran");
    let word = format!("x' \"; touch {0}; $(touch {0}) `touch {0}`", mark.display());
    for place in [
        "/plan/start/0/name",
        "/plan/start/0/user",
        "/plan/start/0/command/0",
        "/plan/mounts/0/path",
        "/target/scope/0",
        "/tool/version",
    ] {
        let report = dir.path().join("r.json");
        let out = dir.path().join("m");
        let _ = std::fs::remove_dir_all(&out);
        let (_, _) = made(|value| {
            *value.pointer_mut(place).unwrap() = word.as_str().into();
            std::fs::write(&report, value.to_string()).unwrap();
        });
        seaworthy(&[
            "mounts",
            "--report",
            report.to_str().unwrap(),
            "--target",
            "all",
            "-o",
            out.to_str().unwrap(),
        ]);
        for script in ["docker/run.sh", "migrate.sh", "containerfile/stage.sh"] {
            let script = out.join(script);
            if script.exists() {
                let _ = Command::new("sh")
                    .arg(&script)
                    .env("PATH", "/nonexistent:/usr/bin:/bin")
                    .current_dir(dir.path())
                    .stdin(std::process::Stdio::null())
                    .output();
            }
        }
        assert!(!mark.exists(), "{place}");
    }
}
