//! What the manuals show is what the program does: commands, settings and rules in them are tried.

use std::path::{Path, PathBuf};
use std::process::Command;

use seaworthy::policy::Config;
use seaworthy::rule::{Rule, Rules};

fn top() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn read(file: &str) -> String {
    std::fs::read_to_string(top().join(file)).unwrap()
}

/// The README, and every text below `docs`.
fn manuals() -> Vec<(String, String)> {
    let mut files = vec!["README.md".to_owned(), ".pre-commit-hooks.yaml".to_owned()];
    for entry in walkdir::WalkDir::new(top().join("docs")).sort_by_file_name() {
        let entry = entry.unwrap();
        if entry.file_type().is_file() {
            let file = entry.path().strip_prefix(top()).unwrap();
            files.push(file.to_str().unwrap().to_owned());
        }
    }
    files
        .into_iter()
        .map(|file| (file.clone(), read(&file)))
        .collect()
}

/// The arguments of each command of the program in a text: those that begin a line, stand in
/// backticks or quotes, or are a value of YAML.
fn commands(text: &str) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    for line in text.lines() {
        for (at, _) in line.match_indices("seaworthy ") {
            let before = line[..at].trim_start();
            let (end, begins) = match before.chars().last() {
                Some('`') => ("`", true),
                Some('\'') => ("'", true),
                _ => (
                    "\0",
                    before.is_empty() || before == "-" || before.ends_with(": "),
                ),
            };
            let command = &line[at + "seaworthy ".len()..];
            let command = command.split(end).next().unwrap();
            let ends = |word: &&str| !matches!(*word, "#" | ">" | "|" | "&&" | "…");
            let words = command.split_whitespace().take_while(ends);
            let words: Vec<String> = words.map(str::to_owned).collect();
            let is_command = words
                .first()
                .is_some_and(|word| word.chars().all(|c| c.is_ascii_lowercase()));
            if begins && is_command && !before.ends_with("name: ") {
                found.push(words);
            }
        }
    }
    found
}

#[test]
fn every_command_that_is_shown_is_one() {
    let mut tried = 0;
    for (file, text) in manuals() {
        for command in commands(&text) {
            // Behind `--` it would be a word of the start command.
            let options = command.split(|word| word == "--").next();
            let output = Command::new(env!("CARGO_BIN_EXE_seaworthy"))
                .args(options.unwrap_or_default())
                .arg("--help")
                .output()
                .unwrap();
            let told = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(output.status.success(), "{file}: {command:?}: {told}");
            tried += 1;
        }
    }
    assert!(tried > 30, "only {tried} commands were found");
}

/// The blocks of TOML in a manual that begin as `start` says.
fn blocks(file: &str, start: &str) -> Vec<String> {
    let text = read(file);
    let blocks = text.split("```toml\n").skip(1);
    blocks
        .map(|block| block.split("```").next().unwrap().to_owned())
        .filter(|block| block.contains(start))
        .collect()
}

#[test]
fn the_settings_that_are_shown_are_settings() {
    let (rules, _) = Rules::load([]);
    let ids = rules.iter().map(Rule::id).collect();
    for file in ["README.md", "docs/guide.md"] {
        let shown = blocks(file, "[gate]");
        assert_eq!(shown.len(), 1, "{file}");
        let config = Config::read(file, &shown[0], &ids).unwrap();
        assert_eq!(config.allows.len(), 1, "{file}");
    }
}

#[test]
fn the_rule_that_is_shown_holds_on_its_examples() {
    let shown = blocks("docs/guide.md", "[[example]]");
    let (rules, faults) = Rules::load([("no-shell-start.toml", &*shown[0])]);
    assert!(faults.is_empty(), "{faults:?}");
    let proof = rules.get("no-shell-start").unwrap().prove();
    assert!(proof.is_ok(), "{proof:?}");
}

/// The guide from its first line to a gate, in a directory of its own with a link to the samples.
#[test]
fn the_guide_leads_to_a_gate() {
    let dir = tempfile::tempdir().unwrap();
    let run = |args: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_seaworthy"))
            .args(args)
            .current_dir(dir.path())
            .output()
            .unwrap();
        let told = [&output.stdout[..], &output.stderr[..]].concat();
        (
            output.status.code().unwrap(),
            String::from_utf8(told).unwrap(),
        )
    };
    let copied = dir.path().join("disk");
    copy(&top().join("sample-apps/timesheet-cgi/root"), &copied);
    let scope = ["--root", "disk", "/usr/local/timesheet"];
    let with = |command: &str, more: &[&str]| run(&[&[command], &scope[..], more].concat());
    assert_eq!(
        with("scan", &["-o", "report.json", "-o", "report.txt"]).0,
        0
    );
    assert_eq!(with("check", &[]).0, 0, "no blocker is in the sample");
    let settings = blocks("docs/guide.md", "[gate]").remove(0);
    let settings_file = dir.path().join("seaworthy.toml");
    std::fs::write(&settings_file, settings).unwrap();
    let (code, told) = with("check", &["--today", "2026-06-30"]);
    assert_eq!(code, 2, "{told}");
    assert!(told.contains("--update-baseline"), "{told}");
    let (code, told) = with("check", &["--today", "2026-06-30", "--update-baseline"]);
    assert_eq!(code, 0, "{told}");
    let (code, told) = with("check", &["--today", "2026-06-30", "--all"]);
    assert_eq!(code, 0, "{told}");
    assert!(told.contains("allowed until 2027-06-30"), "{told}");
    assert!(told.contains("known: in the baseline"), "{told}");
    let (code, told) = with("check", &["--today", "2027-07-01"]);
    assert_eq!(code, 1, "{told}");
    std::fs::copy(
        top().join("sample-apps/order-server/root/opt/order-server/ssl/orders.jks"),
        copied.join("usr/local/timesheet/etc/new.jks"),
    )
    .unwrap();
    let (code, told) = with("check", &["--today", "2026-06-30"]);
    assert_eq!(code, 1, "{told}");
    assert!(told.contains("1 of 16 findings fails"), "{told}");
    assert!(told.contains("key-among-code"), "{told}");
    assert_eq!(with("scan", &["-o", "after.json"]).0, 0);
    let (code, told) = run(&["diff", "report.json", "after.json", "--gate"]);
    assert!(
        told.contains("+ risk certain secrets key-among-code"),
        "{told}"
    );
    // A new finding breaks no promise.
    assert_eq!(code, 0, "{told}");
}

fn copy(from: &Path, to: &Path) {
    for entry in walkdir::WalkDir::new(from) {
        let entry = entry.unwrap();
        let target = to.join(entry.path().strip_prefix(from).unwrap());
        if entry.file_type().is_dir() {
            std::fs::create_dir_all(target).unwrap();
        } else if entry.file_type().is_file() {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}
