//! What the program says of itself: help that fits a screen, manual pages and completions.

use std::process::{Command, Output};

fn seaworthy(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_seaworthy"))
        .args(args)
        .env("COLUMNS", "200")
        .output()
        .unwrap()
}

fn text(args: &[&str]) -> String {
    let output = seaworthy(args);
    assert_eq!(output.status.code(), Some(0), "{args:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// Every command, as its words; the first has none.
fn commands() -> Vec<Vec<String>> {
    let mut all: Vec<Vec<String>> = vec![Vec::new()];
    let mut at = 0;
    while let Some(command) = all.get(at).cloned() {
        let help = text(&with(&command, "--help"));
        let listed = help.split("Commands:\n").nth(1).unwrap_or_default();
        for line in listed.lines().take_while(|line| !line.is_empty()) {
            // Further lines of a description are indented more.
            if let Some(name) = line.strip_prefix("  ").filter(|l| !l.starts_with(' ')) {
                let name = name.split(' ').next().unwrap().to_owned();
                all.push([&command[..], &[name]].concat());
            }
        }
        at += 1;
    }
    all
}

fn with<'a>(command: &'a [String], last: &'a str) -> Vec<&'a str> {
    command.iter().map(String::as_str).chain([last]).collect()
}

#[test]
fn the_help_of_every_command_fits_a_screen() {
    let commands = commands();
    assert!(commands.len() > 10, "{commands:?}");
    for command in commands {
        let help = text(&with(&command, "--help"));
        assert_eq!(help, text(&with(&command, "-h")), "{command:?}");
        let lines = help.lines().count();
        assert!(lines <= 40, "{command:?} takes {lines} lines:\n{help}");
        let long = help.lines().find(|line| line.chars().count() > 80);
        assert_eq!(long, None, "{command:?}");
    }
}

#[test]
fn every_command_has_a_manual_page() {
    let dir = tempfile::tempdir().unwrap();
    let output = seaworthy(&["generate", "man", "-o", dir.path().to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(0));
    let read = |name: &str| std::fs::read_to_string(dir.path().join(name)).unwrap();
    let commands = commands();
    for command in &commands {
        let name = [&["seaworthy".to_owned()][..], command].concat().join("-");
        let page = read(&format!("{name}.1"));
        assert!(page.contains(&format!(".TH {name} 1")), "{name}: {page}");
    }
    assert_eq!(
        std::fs::read_dir(dir.path()).unwrap().count(),
        commands.len()
    );
    assert_eq!(text(&["generate", "man"]), read("seaworthy.1"));
    assert!(read("seaworthy-check.1").contains("update\\-baseline"));
    let output = seaworthy(&["generate", "man", "-o", "/no/such/place"]);
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn every_command_can_be_completed() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let script = text(&["generate", "completions", shell]);
        for command in commands() {
            for name in command {
                assert!(script.contains(&name), "{shell} does not complete {name}");
            }
        }
        assert!(script.contains("update-baseline"), "{shell}");
    }
}
