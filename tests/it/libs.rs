//! `seaworthy libs` as a user meets it: what it prints for programs made here.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::elf_fixture::{Elf, LD_SO, glibc_loader};

/// A program that needs `liba.so` by its tag, which needs `libb.so`, and `libgone.so`, which
/// nothing names; `libb.so` is hidden in the system as well.
fn root() -> TempDir {
    let root = TempDir::new().unwrap();
    let put = |path: &str, bytes: &[u8]| {
        let host = root.path().join(path.trim_start_matches('/'));
        std::fs::create_dir_all(host.parent().unwrap()).unwrap();
        std::fs::write(host, bytes).unwrap();
    };
    put(LD_SO, &glibc_loader("2.36", &["/lib/", "/usr/lib/"]));
    let lib = |name: &str, needed: &[&str]| Elf::lib().soname(name).needed(needed).build();
    put("/app/lib/liba.so", &lib("liba.so", &["libb.so"]));
    put("/app/lib/libb.so", &lib("libb.so", &[]));
    put("/usr/lib/libb.so", &lib("libb.so", &[]));
    put("/app/extra/libgone.so.1.2", &lib("libgone.so", &[]));
    let main = |needed: &[&str]| Elf::program().needed(needed).rpath("/app/lib").build();
    put("/app/bin/good", &main(&["liba.so", "libb.so"]));
    put("/app/bin/bad", &main(&["liba.so", "libgone.so"]));
    put("/app/bin/lost", &main(&["libnowhere.so"]));
    put(
        "/app/bin/by-env",
        &Elf::program().needed(&["libb.so"]).build(),
    );
    put(
        "/app/bin/by-cwd",
        &Elf::program().needed(&["libb.so"]).rpath("lib").build(),
    );
    put("/app/bin/script", b"#!/bin/sh\n");
    root
}

fn libs(root: Option<&Path>, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_seaworthy"));
    command.arg("libs");
    if let Some(root) = root {
        command.arg("--root").arg(root);
    }
    command.args(args).output().unwrap()
}

fn text(root: &TempDir, args: &[&str]) -> String {
    let output = libs(Some(root.path()), args);
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert_eq!(output.status.code(), Some(0));
    String::from_utf8(output.stdout).unwrap()
}

fn json(root: &TempDir, args: &[&str]) -> Value {
    serde_json::from_str(&text(root, &[&["--format", "json"], args].concat())).unwrap()
}

#[test]
fn the_tree_puts_each_library_under_the_one_that_asks_first() {
    let want = "\
/app/bin/good: starts (loader /lib64/ld-linux-x86-64.so.2, glibc 2.36)
├── liba.so => /app/lib/liba.so
│   └── libb.so (again)
└── libb.so => /app/lib/libb.so
";
    assert_eq!(text(&root(), &["/app/bin/good"]), want);
}

#[test]
fn the_flat_list_is_in_load_order_with_the_reason_of_each() {
    let want = "\
/app/bin/good: starts (loader /lib64/ld-linux-x86-64.so.2, glibc 2.36)
  liba.so => /app/lib/liba.so
      rpath: by DT_RPATH of /app/bin/good
  libb.so => /app/lib/libb.so
      rpath: by DT_RPATH of /app/bin/good
      hides /usr/lib/libb.so
";
    assert_eq!(text(&root(), &["--flat", "--why", "/app/bin/good"]), want);
}

#[test]
fn what_lies_where_the_loader_does_not_look_is_told_with_what_would_help() {
    let root = root();
    let plain = text(&root, &["/app/bin/bad"]);
    assert!(plain.contains("a library is not found"), "{plain}");
    assert!(
        plain.contains("libgone.so => not found where the loader looks\n"),
        "{plain}"
    );
    assert!(plain.contains("--why"), "{plain}");
    let why = text(&root, &["--why", "/app/bin/bad"]);
    let fix = "/app/extra/libgone.so.1.2 is not searched: set DT_RUNPATH of /app/bin/bad to \
               $ORIGIN/../extra";
    assert!(why.contains(fix), "{why}");
    let lost = text(&root, &["--why", "/app/bin/lost"]);
    assert!(lost.contains("libnowhere.so => not found\n"), "{lost}");
}

#[test]
fn json_has_one_entry_for_each_file_in_the_order_of_the_arguments() {
    let found = json(&root(), &["/app/bin/good", "/app/bin/bad"]);
    let files: Vec<_> = found.as_array().unwrap().iter().collect();
    assert_eq!(files.len(), 2);
    assert_eq!(files[0]["file"], "/app/bin/good");
    assert_eq!(files[0]["verdict"], "starts");
    assert_eq!(files[1]["verdict"], "missing");
    let first = &files[0]["libraries"][0];
    for (key, value) in [
        ("name", json!("liba.so")),
        ("status", json!("resolved")),
        ("path", json!("/app/lib/liba.so")),
        ("real_path", json!("/app/lib/liba.so")),
        ("phase", json!("rpath")),
        ("by", json!({"object": "/app/bin/good", "tag": "DT_RPATH"})),
    ] {
        assert_eq!(first[key], value, "{key}");
    }
    let bad = &files[1]["libraries"][1];
    assert_eq!(bad["status"], "unreachable");
    assert_eq!(bad["path"], Value::Null);
}

#[test]
fn the_environment_and_the_directory_are_those_of_the_arguments() {
    let root = root();
    let path = |args: &[&str]| json(&root, args)[0]["libraries"][0]["path"].clone();
    assert_eq!(path(&["/app/bin/by-env"]), "/usr/lib/libb.so");
    let set = ["--env", "LD_LIBRARY_PATH=/app/lib", "/app/bin/by-env"];
    assert_eq!(path(&set), "/app/lib/libb.so");
    assert_eq!(path(&["/app/bin/by-cwd"]), "/usr/lib/libb.so");
    assert_eq!(path(&["--cwd", "/app", "/app/bin/by-cwd"]), "lib/libb.so");
    assert_eq!(path(&["--cwd", "/app", "bin/by-cwd"]), "lib/libb.so");
}

#[test]
fn a_file_of_this_host_is_named_from_the_current_directory() {
    let root = root();
    let output = Command::new(env!("CARGO_BIN_EXE_seaworthy"))
        .args(["libs", "--format", "json", "bin/by-cwd"])
        .env("LD_LIBRARY_PATH", "/none")
        .current_dir(root.path().join("app"))
        .output()
        .unwrap();
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    let file = root.path().join("app/bin/by-cwd");
    assert_eq!(found[0]["file"], file.to_str().unwrap());
}

#[test]
fn what_is_no_program_is_told_in_one_line_and_the_others_are_still_shown() {
    let root = root();
    let output = libs(
        Some(root.path()),
        &["/app/bin/script", "/app/bin/good", "/no"],
    );
    assert_eq!(output.status.code(), Some(2));
    let told = String::from_utf8(output.stderr).unwrap();
    let lines: Vec<_> = told.lines().collect();
    assert_eq!(lines.len(), 2, "{told}");
    assert!(
        lines[0].starts_with("seaworthy: /app/bin/script: "),
        "{told}"
    );
    assert!(lines[1].starts_with("seaworthy: /no: "), "{told}");
    let shown = String::from_utf8(output.stdout).unwrap();
    assert!(shown.starts_with("/app/bin/good: starts"), "{shown}");
    let output = libs(Some(root.path()), &["--format", "json", "/no"]);
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(found[0]["verdict"], "unreadable");
}

#[test]
fn bad_usage_is_told_in_words() {
    let root = root();
    let top = root.path();
    let inside = top.join("app/bin/good");
    for (args, words) in [
        (&[][..], "FILE"),
        (&["app/bin/good"], "must be absolute"),
        (&[inside.to_str().unwrap()], "write /app/bin/good"),
        (&["--env", "HOME", "/app/bin/good"], "NAME=VALUE"),
        (&["--env", "=x", "/app/bin/good"], "NAME=VALUE"),
        (
            &["--cwd", "app", "/app/bin/good"],
            "--cwd app must be absolute",
        ),
        (&["--format", "html", "/app/bin/good"], "html"),
    ] {
        let output = libs(Some(top), args);
        let told = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{args:?}: {told}");
        assert!(told.contains(words), "{args:?}: {told}");
        assert!(output.stdout.is_empty());
    }
    let output = libs(Some(Path::new("/no/such/root")), &["/x"]);
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn objects_that_ask_for_one_another_end_and_a_long_chain_is_drawn() {
    let root = root();
    let put = |name: &str, needed: &str| {
        let elf = Elf::lib().soname(name).needed(&[needed]).build();
        std::fs::write(root.path().join("usr/lib").join(name), elf).unwrap();
    };
    for number in 0..120 {
        put(
            &format!("libc{number}.so"),
            &format!("libc{}.so", number + 1),
        );
    }
    put("libc120.so", "libc0.so");
    let main = Elf::program().needed(&["libc0.so"]).build();
    std::fs::write(root.path().join("app/bin/chain"), main).unwrap();
    let shown = text(&root, &["/app/bin/chain"]);
    assert_eq!(shown.lines().count(), 1 + 121 + 1, "{shown}");
    assert!(shown.trim_end().ends_with("libc0.so (again)"));
    assert!(shown.lines().all(|line| line.chars().count() < 300));
}
