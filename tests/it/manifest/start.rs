//! Start commands: what every target writes is split back as its runtime does it, and one that is
//! given takes the place of what the audit found.

use proptest::prelude::*;

use seaworthy::fact::StartKind;
use seaworthy::manifest::{self, Input, Made, Manifests, TARGETS};
use seaworthy::report::{Report, Start};

use super::back::{lxc_value, lxc_words, lxc_words_before_6, shell_words, unit_words};
use super::hostile::{BASE, word};
use super::{documents, made, text};
use crate::samples::{SAMPLES, report};

const ABOUT: &str = "the start command";

fn strings(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

fn starting(command: &[String]) -> Report {
    let mut report = BASE.clone();
    for start in &mut report.plan.start {
        start.command = command.to_vec();
        start.foreground = command.to_vec();
    }
    report
}

fn given(report: &Report, command: &[String]) -> Manifests {
    let input = Input {
        report,
        image: None,
        start: Some(command),
        content: None,
        secrets: false,
        parts: None,
        storage: manifest::Storage::default(),
    };
    manifest::make(&input, &TARGETS.iter().collect::<Vec<_>>())
}

fn target<'a>(made: &'a Manifests, name: &str) -> &'a Made {
    let mut targets = made.summary.targets.iter();
    targets.find(|made| made.target == name).unwrap()
}

/// What liblxc is told to start, as its file of settings has it.
fn lxc_line(made: &Manifests) -> Option<String> {
    let document = &documents(text(made, "lxd/instance.yaml"))[0];
    let raw = document["config"]["raw.lxc"].as_str().unwrap().to_owned();
    let mut lines = raw.lines().filter_map(|line| line.split_once('='));
    lines
        .find(|(key, _)| *key == "lxc.init.cmd")
        .map(|(_, value)| lxc_value(value).to_owned())
}

/// A command comes back from LXD's file, or its file has none and tells so.
fn comes_back_from_lxd(made: &Manifests, command: &[String]) {
    let limits = &target(made, "lxd").limits;
    let told = |part: &str| {
        let mut own = limits.iter().filter(|limit| limit.about == ABOUT);
        own.any(|limit| limit.cannot.contains(part))
    };
    let is_hard = |word: &String| {
        let needs =
            word.is_empty() || word.contains(char::is_whitespace) || word.starts_with(['"', '\'']);
        needs && word.contains('"') && word.contains('\'')
    };
    assert_eq!(command.iter().any(is_hard), told("quotes of both kinds"));
    let Some(line) = lxc_line(made) else {
        assert!(told("quotes of both kinds"), "{command:?} is lost");
        return;
    };
    assert_eq!(lxc_words(&line), command, "{line}");
    if !told("before 6.0") {
        assert_eq!(lxc_words_before_6(&line), command, "{line}");
    }
}

/// What rkt executes, which appc has as a list of words.
fn comes_back_from_rkt(made: &Manifests, command: &[String]) {
    let manifest: serde_json::Value = serde_json::from_str(text(made, "rkt/manifest")).unwrap();
    let exec = &manifest["app"]["exec"];
    if command[0].starts_with('/') {
        assert_eq!(exec, &serde_json::json!(command));
    } else {
        assert!(exec.is_null(), "{exec}");
        let limits = &target(made, "rkt").limits;
        assert!(limits.iter().any(|limit| limit.about == ABOUT));
    }
    // Its script gives no command of its own.
    let last = text(made, "rkt/run.sh").lines().last().unwrap();
    let run = "exec rkt run --insecure-options=image $@ $image --readonly-rootfs=true";
    assert_eq!(
        shell_words(last),
        strings(&run.split(' ').collect::<Vec<_>>())
    );
}

/// A word of quotes, blanks and letters, so that each mix of them is met.
fn quoted() -> impl Strategy<Value = String> {
    let char = prop::sample::select(vec!['"', '\'', ' ', '\\', 'a', '=', '#', '$', '%']);
    prop::collection::vec(char, 0..6).prop_map(|chars| chars.into_iter().collect())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_start_command_comes_back_from_lxd_and_rkt(
        program in quoted(), words in prop::collection::vec(prop_oneof![quoted(), word()], 0..4)
    ) {
        let mut command = vec![format!("/bin/{program}")];
        command.extend(words);
        for command in [&command[..], &command[..1]] {
            let made = given(&BASE, command);
            comes_back_from_lxd(&made, command);
            comes_back_from_rkt(&made, command);
        }
    }
}

#[test]
fn quotes_around_the_whole_command_of_an_instance_stay() {
    for (words, line) in [
        (&["/bin/a b"][..], "\"/bin/a b\""),
        (&["/bin/a b", "c d"], "\"/bin/a b\" \"c d\""),
        (&["/bin/a b", "c\"d e"], "\"/bin/a b\" 'c\"d e'"),
        (&["/bin/a", "b'"], "/bin/a b'"),
    ] {
        let command = strings(words);
        let made = given(&BASE, &command);
        assert_eq!(lxc_line(&made).as_deref(), Some(line));
        comes_back_from_lxd(&made, &command);
    }
}

/// The shell that stays in front of a program that leaves for the background.
#[test]
fn the_shell_in_front_of_a_program_reaches_an_instance() {
    let mut report = BASE.clone();
    for start in &mut report.plan.start {
        start.command = strings(&["/usr/sbin/d", "start"]);
        start.foreground.clear();
        start.forks = Some(true);
    }
    let made = made(&report);
    let config: serde_json::Value = serde_json::from_str(text(&made, "oci/config.json")).unwrap();
    let args: Vec<String> = serde_json::from_value(config["process"]["args"].clone()).unwrap();
    assert_eq!((&*args[0], &*args[1], args.len()), ("/bin/sh", "-c", 5));
    comes_back_from_lxd(&made, &args);
    assert!(lxc_line(&made).is_some());
}

#[test]
fn what_no_line_can_hold_is_told_and_not_written() {
    // As reports have them: `\xNN` for bytes of a program that are no text, and of other words that
    // are not text as a whole.
    for command in [
        &["/bin/\\xff"][..],
        &["/bin/a", "\\xfe\\x5cx"],
        &["/bin/a", "one\\x0atwo"],
        &["/bin/a", "one\ntwo"],
        &["/bin/a\tb"],
    ] {
        let made = made(&starting(&strings(command)));
        for target in &made.summary.targets {
            let is_told = |limit: &manifest::Limit| limit.cannot.contains("control character");
            assert!(
                target.limits.iter().any(is_told),
                "{command:?} {}",
                target.target
            );
        }
        assert!(!text(&made, "containerfile/Containerfile").contains("ENTRYPOINT"));
        assert_eq!(lxc_line(&made), None);
    }
}

#[test]
fn a_backslash_in_a_start_command_is_one() {
    let command = strings(&["/bin/a\\x5cb", "a\\x41", "\\n", "50%"]);
    let made = made(&starting(&command));
    let want = strings(&["/bin/a\\b", "a\\x41", "\\n", "50%"]);
    let config: serde_json::Value = serde_json::from_str(text(&made, "oci/config.json")).unwrap();
    assert_eq!(config["process"]["args"], serde_json::json!(want));
    comes_back_from_lxd(&made, &want);
    comes_back_from_rkt(&made, &want);
}

#[test]
fn a_command_that_is_given_is_started_by_every_target() {
    let command = strings(&["/opt/own start", "--name", "$HOME 100%", "it's", ""]);
    for sample in SAMPLES {
        let report = report(sample);
        let made = given(&report, &command);
        let json =
            |name: &str| -> serde_json::Value { serde_json::from_str(text(&made, name)).unwrap() };
        let want = serde_json::json!(command);
        assert_eq!(json("oci/config.json")["process"]["args"], want);
        assert_eq!(json("rkt/manifest")["app"]["exec"], want);
        comes_back_from_lxd(&made, &command);
        let file = text(&made, "containerfile/Containerfile");
        let entry = file
            .lines()
            .find_map(|line| line.strip_prefix("ENTRYPOINT "));
        let entry: Vec<String> = serde_json::from_str(entry.unwrap()).unwrap();
        assert_eq!(entry, command);
        let workload = &documents(text(&made, "k8s/workload.yaml"))[0];
        let containers = &workload["spec"]["template"]["spec"]["containers"];
        assert_eq!(containers.as_array().unwrap().len(), 1, "{}", sample.name);
        assert_eq!(containers[0]["command"], want);
        let services = &documents(text(&made, "compose/compose.yaml"))[0]["services"];
        let services = services.as_object().unwrap();
        assert_eq!(services.len(), 1, "{}", sample.name);
        let entry = services.values().next().unwrap()["entrypoint"].to_string();
        assert_eq!(entry.replace("$$", "$"), want.to_string());
        let script = text(&made, "docker/run.sh").lines().last().unwrap();
        let said = shell_words(script);
        assert_eq!(said[said.len() - 4..], command[1..]);
        let names = made.files.names();
        let unit = names.iter().filter(|name| name.ends_with(".container"));
        let unit: Vec<_> = unit.collect();
        assert_eq!(unit.len(), 1, "{}", sample.name);
        let exec = text(&made, unit[0])
            .lines()
            .find_map(|line| line.strip_prefix("Exec="));
        assert_eq!(unit_words(exec.unwrap()), command[1..]);
        let machine = names.iter().find(|name| name.ends_with(".nspawn")).unwrap();
        let mut lines = text(&made, machine).lines();
        let words = lines.find_map(|line| line.strip_prefix("Parameters="));
        assert_eq!(shell_words(words.unwrap()), command);
    }
}

#[test]
fn what_a_given_command_takes_the_place_of_is_told() {
    let mut report = BASE.clone();
    let start = |name: &str| Start {
        starter: None,
        count: None,
        shell: false,
        groups: Vec::new(),
        before: Vec::new(),
        by: None,
        umask: None,
        before_as_other: Vec::new(),
        name: name.to_owned(),
        how: StartKind::Unit,
        command: strings(&["/bin/d", "$UNKNOWN"]),
        foreground: Vec::new(),
        user: Some("u".to_owned()),
        directory: None,
        env: Vec::new(),
        forks: Some(true),
        uid: Some(7),
        gid: Some(8),
        home: None,
        stop_signal: Some("SIGINT".to_owned()),
        stop_seconds: None,
        clean_exits: Vec::new(),
        enabled: None,
        problem: None,
    };
    report.plan.start = vec![start("one.service"), start("two.service")];
    report.target.units = vec!["one.service".to_owned()];
    report.target.packages.clear();
    let made = given(&report, &strings(&["/bin/own"]));
    assert_eq!(
        made.summary.processes,
        "one process, by the command that was given"
    );
    for target in &made.summary.targets {
        let of = |about: &str| {
            let limits = target.limits.iter().filter(|limit| limit.about == about);
            limits
                .map(|limit| limit.instead.clone())
                .collect::<Vec<_>>()
        };
        let two = of("process two");
        assert!(
            two.len() == 1 && two[0].ends_with(": /bin/d $UNKNOWN"),
            "{two:?}"
        );
    }
    // Neither that it forks nor its variable is of the command that was given; user and signal are.
    let limits = &target(&made, "oci").limits;
    assert!(
        !limits
            .iter()
            .any(|l| l.cannot.contains("UNKNOWN") || l.cannot.contains("background"))
    );
    let file = text(&made, "containerfile/Containerfile");
    assert!(
        file.contains("\nUSER 7:8\nSTOPSIGNAL SIGINT\nENTRYPOINT [\"/bin/own\"]\n"),
        "{file}"
    );
    // Where nothing is known, nothing is said to be missing.
    report.plan.start.clear();
    let made = given(&report, &strings(&["/bin/own"]));
    for target in &made.summary.targets {
        assert!(
            !target.limits.iter().any(|limit| limit.about == ABOUT),
            "{}",
            target.target
        );
    }
    assert!(text(&made, "containerfile/Containerfile").contains("ENTRYPOINT [\"/bin/own\"]\n"));
}

/// The end of a container's first process ends the others at once: one that still writes what it keeps
/// must have come to its end before.
#[test]
fn what_is_told_to_stop_waits_for_those_that_take_longer() {
    use std::process::Command;
    let apart = ["--map-root-user", "--pid", "--fork", "--kill-child", "--"];
    let can = Command::new("unshare").args(apart).arg("true").output();
    if !can.is_ok_and(|output| output.status.success()) {
        eprintln!("no namespace of processes can be had here");
        return;
    }
    let top = tempfile::tempdir().unwrap();
    let kept = top.path().join("kept");
    let ready = top.path().join("ready");
    let line = format!(
        "(trap 'sleep 1; echo all >{}; exit' TERM; echo >{}; while :; do sleep 0.1; done) & wait",
        kept.display(),
        ready.display()
    );
    let report = starting(&strings(&["/bin/sh", "-c", &line]));
    let made = made(&report);
    let services = &documents(text(&made, "compose/compose.yaml"))[0]["services"];
    let service = services.as_object().unwrap().values().next().unwrap();
    let words = service["entrypoint"].as_array().unwrap().iter();
    let words = words.map(|word| word.as_str().unwrap().replace("$$", "$"));
    let mut run = Command::new("unshare")
        .args(apart)
        .args(words)
        .spawn()
        .unwrap();
    let wait = |is: &dyn Fn() -> bool| {
        for _ in 0..200 {
            if is() {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        panic!("it takes too long");
    };
    wait(&|| ready.exists());
    let children = format!("/proc/{0}/task/{0}/children", run.id());
    let first = std::fs::read_to_string(children).unwrap();
    // systemd-nspawn's first process sends both.
    for signal in ["-TERM", "-HUP"] {
        let told = Command::new("kill").args([signal, first.trim()]).status();
        assert!(told.unwrap().success());
    }
    let status = run.wait().unwrap();
    assert!(status.success(), "{status}");
    assert_eq!(std::fs::read_to_string(&kept).unwrap(), "all\n");
}
