//! Names made to break a syntax: they come back from every target, or it says why not.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use proptest::prelude::*;

use seaworthy::fact::{Access, Certainty, Class};
use seaworthy::path::{AppPath, unescape};
use seaworthy::report::{EnvVar, Mount, MountKind, Report};

use super::back::{paths, shell_words, unit_words};
use super::{documents, made, text};
use crate::samples::{SAMPLES, report};

pub(super) static BASE: LazyLock<Report> = LazyLock::new(|| {
    let mut report = report(&SAMPLES[1]);
    report.plan.mounts.clear();
    report.plan.env.clear();
    report
});

/// A name of a file: bytes that mean something somewhere, letters, and anything at all.
fn name() -> impl Strategy<Value = Vec<u8>> {
    let special = prop::sample::select(
        br#" $"'\:,%#-{}*()[]<>|&;=@!?~`.^"#
            .iter()
            .copied()
            .chain([b'\n', b'\t', 0x7f, 0xff, 0xc3, 0xa9, 0xe2, 0x80, 0xa8])
            .collect::<Vec<u8>>(),
    );
    let byte = prop_oneof![3 => special, 2 => b'a'..=b'z', 1 => 1_u8..=255];
    let short = prop::collection::vec(byte, 1..12);
    let long = (200_usize..300).prop_map(|n| vec![b'x'; n]);
    prop_oneof![9 => short, 1 => long]
        .prop_map(|name| name.into_iter().filter(|b| *b != b'/').collect())
}

fn path() -> impl Strategy<Value = AppPath> {
    prop::collection::vec(name(), 1..4).prop_map(|names| {
        let mut path = AppPath::new("/opt");
        for name in names {
            path = path.child(&name);
        }
        path
    })
}

fn mount() -> impl Strategy<Value = Mount> {
    let kinds = prop::sample::select(vec![
        (Class::Config, Access::Ro),
        (Class::Secret, Access::Ro),
        (Class::Data, Access::Rw),
        (Class::Log, Access::Rw),
        (Class::Cache, Access::Rw),
        (Class::Runtime, Access::Rw),
    ]);
    (path(), kinds, any::<bool>()).prop_map(|(path, (class, access), is_file)| Mount {
        path,
        kind: if is_file {
            MountKind::File
        } else {
            MountKind::Dir
        },
        access,
        class,
        certainty: Certainty::Declared,
        uid: Some(100),
        gid: None,
        mode: Some("0750".to_owned()),
        size_bytes: Some(10),
        seed: true,
        hides: 1,
        hides_code: 0,
        replaced: false,
        may_be_replaced: None,
        serves: Vec::new(),
        because: Vec::new(),
    })
}

/// Text without control characters, as variables and words of a command are when they are kept.
pub(super) fn word() -> impl Strategy<Value = String> {
    name().prop_map(|bytes| {
        String::from_utf8_lossy(&bytes)
            .chars()
            .filter(|c| !c.is_control())
            .collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_path_comes_back_from_every_target_or_is_refused_with_the_reason(
        mounts in prop::collection::vec(mount(), 1..5)
    ) {
        let mut report = BASE.clone();
        report.plan.mounts = mounts;
        let made = made(&report);
        for target in &made.summary.targets {
            let found = paths(&made, target.target);
            for mount in &report.plan.mounts {
                let shown = mount.path.to_text();
                let is_told = target.limits.iter().any(|limit| limit.about == shown
                    || AppPath::new(&limit.about) == mount.path);
                let is_there = std::str::from_utf8(mount.path.as_bytes())
                    .is_ok_and(|path| found.contains(path));
                prop_assert!(
                    is_there || is_told,
                    "{} lost {shown}; it has {found:?}", target.target
                );
            }
        }
    }

    #[test]
    fn nothing_is_mounted_that_the_plan_does_not_name(
        mounts in prop::collection::vec(mount(), 1..5)
    ) {
        let mut report = BASE.clone();
        report.plan.mounts = mounts;
        let made = made(&report);
        let mounts = report.plan.mounts.iter().map(|mount| &mount.path);
        let scratch = report.plan.scratch.iter().map(|scratch| &scratch.path);
        let planned: BTreeSet<String> = mounts.chain(scratch)
            .map(|path| String::from_utf8_lossy(path.as_bytes()).into_owned())
            .collect();
        for target in &made.summary.targets {
            for path in paths(&made, target.target) {
                let is_own = path == "/" || ["/proc", "/dev", "/sys"].iter()
                    .any(|top| AppPath::new(&path).is_within(&AppPath::new(top)));
                prop_assert!(
                    is_own || planned.contains(&path),
                    "{} mounts {path}", target.target
                );
            }
        }
    }

    #[test]
    fn words_and_variables_mean_themselves_everywhere(
        words in prop::collection::vec(word(), 1..4), value in word()
    ) {
        // A word of a report that reads as bytes that are no text is refused.
        let is_text = |word: &String| {
            let bytes = String::from_utf8(unescape(word));
            bytes.is_ok_and(|text| !text.chars().any(char::is_control))
        };
        prop_assume!(words.iter().all(is_text));
        let mut report = BASE.clone();
        let mut command = vec!["/bin/program".to_owned()];
        command.extend(words);
        for start in &mut report.plan.start {
            start.command.clone_from(&command);
            start.foreground.clone_from(&command);
        }
        report.plan.env = vec![EnvVar { name: "V".to_owned(), value: Some(value.clone()) }];
        let made = made(&report);
        let compose = &documents(text(&made, "compose/compose.yaml"))[0]["services"];
        let compose = compose.as_object().unwrap().values().next().unwrap();
        let undo = |value: &serde_json::Value| -> Vec<String> {
            value.as_array().unwrap().iter()
                .map(|word| word.as_str().unwrap().replace("$$", "$"))
                .collect()
        };
        prop_assert_eq!(undo(&compose["entrypoint"]), command.clone());
        prop_assert_eq!(compose["environment"]["V"].as_str().unwrap().replace("$$", "$"), value.clone());
        let workload = &documents(text(&made, "k8s/workload.yaml"))[0];
        let container = &workload["spec"]["template"]["spec"]["containers"][0];
        prop_assert_eq!(undo(&container["command"]), command.clone());
        let config: serde_json::Value = serde_json::from_str(text(&made, "oci/config.json")).unwrap();
        prop_assert_eq!(&config["process"]["args"], &serde_json::json!(command));
        let variable = serde_json::json!(format!("V={value}"));
        prop_assert!(config["process"]["env"].as_array().unwrap().contains(&variable));
        let script = text(&made, "docker/run.sh");
        let line = script.lines().last().unwrap();
        let said = shell_words(line);
        prop_assert_eq!(&said[said.len() - command.len() + 1..], &command[1..]);
        let unit = made.files.names().into_iter().find(|n| n.ends_with(".container")).unwrap();
        let exec = text(&made, &unit).lines().find_map(|line| line.strip_prefix("Exec=")).unwrap();
        prop_assert_eq!(unit_words(exec), command[1..].to_vec());
        let machine = made.files.names().into_iter().find(|n| n.ends_with(".nspawn")).unwrap();
        let words = text(&made, &machine).lines().find_map(|line| line.strip_prefix("Parameters=")).unwrap();
        prop_assert_eq!(shell_words(words), command.clone());
        let entry = text(&made, "containerfile/Containerfile").lines()
            .find_map(|line| line.strip_prefix("ENTRYPOINT ")).unwrap();
        let entry: Vec<String> = serde_json::from_str(entry).unwrap();
        prop_assert_eq!(entry, command);
    }
}
