//! Settings in objects of Kubernetes, and rights that a runtime takes only in company.

use std::collections::BTreeMap;

use serde_json::Value;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use seaworthy::manifest::{self, Content, Entry, Input, Manifests, TARGETS};
use seaworthy::path::AppPath;
use seaworthy::report::{KernelNeed, Mount, Report};

use super::{documents, made, text};
use crate::samples::{SAMPLES, report};

/// Its own first process takes others for another wish, and none is an abrupt end.
#[test]
fn nspawn_ends_a_service_by_the_signal_that_its_first_process_knows() {
    let mut report = sample("tidy-web");
    for (signal, is_told) in [
        (None, false),
        (Some("SIGTERM"), false),
        (Some("SIGINT"), true),
    ] {
        report.plan.start[0].stop_signal = signal.map(str::to_owned);
        let made = made(&report);
        let file = text(&made, "nspawn/tidy-web.nspawn");
        let mut lines = file.lines().filter(|line| line.starts_with("KillSignal="));
        assert_eq!(
            (lines.next(), lines.next()),
            (Some("KillSignal=SIGRTMIN+3"), None)
        );
        let mut targets = made.summary.targets.iter();
        let target = targets.find(|target| target.target == "nspawn").unwrap();
        let told = target.limits.iter().any(|l| l.cannot.contains("SIGINT"));
        assert_eq!(told, is_told, "{signal:?}");
    }
}

/// systemd sets it for a service of a certain user; an engine would look in the image.
#[test]
fn a_service_gets_the_home_of_its_user() {
    let home_of = |home: &str| {
        let mut report = sample("tidy-web");
        for start in &mut report.plan.start {
            assert_eq!(start.home, Some(AppPath::new("/var/lib/tidy-web")));
            start.home = Some(AppPath::new(home));
        }
        let made = made(&report);
        let config: Value = serde_json::from_str(text(&made, "oci/config.json")).unwrap();
        let env = config["process"]["env"].as_array().unwrap();
        let mut env = env
            .iter()
            .filter_map(|pair| pair.as_str()?.strip_prefix("HOME="));
        env.next().map(str::to_owned)
    };
    let own = |home: &str| Some(home.to_owned());
    assert_eq!(home_of("/var/lib/tidy-web"), own("/var/lib/tidy-web"));
    assert_eq!(home_of("/nonexistent"), own("/nonexistent"));
    assert_eq!(home_of("/"), None);
}

fn sample(name: &str) -> Report {
    report(SAMPLES.iter().find(|sample| sample.name == name).unwrap())
}

/// Manifests of settings that hold their own names; those in `secret` hold a password, too.
fn with_files(report: &Report, files: &[&str], secret: &[&str], secrets: bool) -> Manifests {
    let mut content = Content::default();
    for file in files {
        let entry = Entry {
            bytes: file.as_bytes().to_vec(),
            mode: 0o644,
            is_secret: secret.contains(file),
        };
        content.files.insert(AppPath::new(file), entry);
    }
    let input = Input {
        report,
        image: None,
        start: None,
        content: Some(&content),
        secrets,
        parts: None,
        storage: manifest::Storage::default(),
    };
    manifest::make(&input, &TARGETS.iter().collect::<Vec<_>>())
}

/// The workload's objects by name, and its container.
fn workload(report: &Report, files: &[&str]) -> (BTreeMap<String, Value>, Value, Value) {
    let made = with_files(report, files, &[], false);
    let objects = documents(text(&made, "k8s/configmap.yaml"));
    let objects = objects.into_iter().map(|object| {
        let name = object["metadata"]["name"].as_str().unwrap().to_owned();
        (name, object["data"].clone())
    });
    let pod = documents(text(&made, "k8s/workload.yaml"))[0]["spec"]["template"]["spec"].clone();
    (
        objects.collect(),
        pod["volumes"].clone(),
        pod["containers"][0].clone(),
    )
}

/// What the container sees at each path, by the mounts in their order.
fn seen(
    objects: &BTreeMap<String, Value>,
    volumes: &Value,
    container: &Value,
) -> BTreeMap<String, String> {
    let mut seen = BTreeMap::new();
    for mount in container["volumeMounts"].as_array().unwrap() {
        let volume = volumes
            .as_array()
            .unwrap()
            .iter()
            .find(|volume| volume["name"] == mount["name"]);
        let Some(map) = volume.and_then(|volume| volume.get("configMap")) else {
            continue;
        };
        let top = mount["mountPath"].as_str().unwrap();
        // A mount hides what was there before.
        seen.retain(|path: &String, _| !path.starts_with(&format!("{top}/")));
        for item in map["items"].as_array().into_iter().flatten() {
            let path = format!("{top}/{}", item["path"].as_str().unwrap());
            let data = &objects[map["name"].as_str().unwrap()];
            let key = item["key"].as_str().unwrap();
            seen.insert(path, data[key].as_str().unwrap().to_owned());
        }
    }
    seen
}

#[test]
fn every_directory_of_settings_is_an_object_without_directories_of_its_own() {
    let report = sample("tidy-web");
    let files = [
        "/etc/tidy-web/a.conf",
        "/etc/tidy-web/on/a.conf",
        "/etc/tidy-web/on/deep/er/a.conf",
        "/etc/tidy-web/on-deep/a.conf",
    ];
    let (objects, volumes, container) = workload(&report, &files);
    let seen = seen(&objects, &volumes, &container);
    assert_eq!(
        seen,
        files
            .iter()
            .map(|f| ((*f).to_owned(), (*f).to_owned()))
            .collect()
    );
    for volume in volumes.as_array().unwrap() {
        for item in volume["configMap"]["items"]
            .as_array()
            .into_iter()
            .flatten()
        {
            assert!(!item["path"].as_str().unwrap().contains('/'), "{item}");
        }
    }
    // A mount point cannot be made inside what is mounted read only.
    for mount in container["volumeMounts"].as_array().unwrap() {
        let path = mount["mountPath"].as_str().unwrap();
        let is_above = files.iter().any(|file| {
            file.strip_prefix(path)
                .is_some_and(|rest| rest.matches('/').count() > 1)
        });
        assert!(!(is_above && mount["readOnly"] == true), "{path}");
    }
}

/// Podman has no projected volumes, which would hold objects of both kinds in one directory.
#[test]
fn a_directory_with_a_password_in_one_of_its_files_is_one_secret() {
    let report = sample("tidy-web");
    let files = [
        "/etc/tidy-web/a.conf",
        "/etc/tidy-web/on/a.conf",
        "/etc/tidy-web/on/b.key",
        "/etc/tidy-web/on/more/c.conf",
    ];
    let secret = ["/etc/tidy-web/on/b.key"];
    for wanted in [false, true] {
        let made = with_files(&report, &files, &secret, wanted);
        let pod = &documents(text(&made, "k8s/workload.yaml"))[0]["spec"]["template"]["spec"];
        let kinds = ["configMap", "secret", "emptyDir", "persistentVolumeClaim"];
        for volume in pod["volumes"].as_array().unwrap() {
            let known = kinds.iter().filter(|kind| !volume[**kind].is_null());
            assert_eq!(known.count(), 1, "{volume}");
        }
        let plain = documents(text(&made, "k8s/configmap.yaml"));
        let held: Vec<&str> = plain
            .iter()
            .flat_map(|map| map["data"].as_object().unwrap().values())
            .map(|value| value.as_str().unwrap())
            .collect();
        assert_eq!(held, [files[0], files[3]]);
        let held = match wanted {
            false => text(&made, "k8s/secret.yaml"),
            true => &made.secrets,
        };
        let of_files = documents(held)
            .into_iter()
            .find(|secret| !secret["data"].is_null());
        let of_files = of_files.unwrap();
        assert_eq!(of_files["stringData"]["a.conf"], files[1]);
        let key = of_files["data"]["b.key"].as_str().unwrap();
        let is_known = STANDARD.decode(key).unwrap() == files[2].as_bytes();
        assert_eq!(is_known, wanted);
    }
}

#[test]
fn settings_in_too_many_directories_are_one_object_and_told() {
    let report = sample("tidy-web");
    let files: Vec<String> = (0..40).map(|n| format!("/etc/tidy-web/d{n}/x")).collect();
    let files: Vec<&str> = files.iter().map(String::as_str).collect();
    let (objects, volumes, container) = workload(&report, &files);
    assert_eq!(seen(&objects, &volumes, &container).len(), files.len());
    assert_eq!(objects.len(), 1);
}

#[test]
fn nspawn_gives_an_ambient_capability_to_the_container_too() {
    let mut report = sample("tidy-web");
    let need = serde_json::json!({
        "need": "capability", "name": "IPC_LOCK", "certainty": "declared", "value": null, "because": []
    });
    let need: KernelNeed = serde_json::from_value(need).unwrap();
    report.plan.kernel.push(need);
    let made = made(&report);
    let file = text(&made, "nspawn/tidy-web.nspawn");
    for key in ["Capability", "AmbientCapability"] {
        assert!(
            file.contains(&format!("\n{key}=CAP_IPC_LOCK\n")),
            "{key}: {file}"
        );
    }
}

#[test]
fn the_mount_point_of_scratch_space_has_its_owner_and_mode() {
    let mut report = sample("tidy-web");
    let is_run = |mount: &&mut Mount| mount.path == AppPath::new("/run/tidy-web");
    let run = report.plan.mounts.iter_mut().find(is_run).unwrap();
    (run.uid, run.gid, run.mode) = (Some(412), Some(413), Some("2750".to_owned()));
    let made = made(&report);
    let file = text(&made, "containerfile/Containerfile");
    assert!(
        file.contains("#   dir 2750 412:413 \"/run/tidy-web\""),
        "{file}"
    );
}

/// docker's and podman's options for the owner of a tmpfs differ; a volume's are mount(8)'s own.
#[test]
fn a_directory_in_memory_belongs_to_whom_the_plan_says() {
    let mut report = sample("tidy-web");
    let is_run = |mount: &&mut Mount| mount.path == AppPath::new("/run/tidy-web");
    let run = report.plan.mounts.iter_mut().find(is_run).unwrap();
    (run.uid, run.gid, run.mode) = (Some(412), None, Some("2750".to_owned()));
    let gid = report.plan.start[0].gid.unwrap();
    let made = made(&report);
    let options = format!("mode=2750,uid=412,gid={gid}");
    for (file, text_of) in [
        (
            "docker/run.sh",
            format!("o={options} tidy-web-run-tidy-web"),
        ),
        ("compose/compose.yaml", format!("o: '{options}'")),
        (
            "quadlet/tidy-web-run-tidy-web.volume",
            format!("Options={options}"),
        ),
        (
            "nspawn/tidy-web.nspawn",
            format!("=/run/tidy-web:{options}"),
        ),
        ("lxd/instance.yaml", format!("nosuid,nodev,{options}")),
        ("rkt/run.sh", format!("kind=empty,{options}")),
    ] {
        assert!(
            text(&made, file).contains(&text_of),
            "{file} lacks {text_of}"
        );
    }
    let config: Value = serde_json::from_str(text(&made, "oci/config.json")).unwrap();
    let mounts = config["mounts"].as_array().unwrap();
    let run = mounts
        .iter()
        .find(|m| m["destination"] == "/run/tidy-web")
        .unwrap();
    for option in options.split(',') {
        assert!(
            run["options"].as_array().unwrap().contains(&option.into()),
            "{run}"
        );
    }
}

#[test]
fn an_instance_has_an_interface_so_that_its_loopback_comes_up() {
    let made = made(&sample("tidy-web"));
    let devices = &documents(text(&made, "lxd/instance.yaml"))[0]["devices"];
    assert_eq!(devices["interface--0"]["nictype"], "p2p");
}

/// The pod of a plan with a key file of its own, by the first process's user; with the name of the volume.
fn keyed(report: &Report, at: &str, mode: u32) -> (Value, String) {
    let mut report = report.clone();
    let mut mount = report.plan.mounts[0].clone();
    mount.path = AppPath::new(at);
    mount.kind = seaworthy::report::MountKind::File;
    mount.access = seaworthy::fact::Access::Ro;
    mount.class = seaworthy::fact::Class::Secret;
    (mount.uid, mount.gid, mount.mode) = (Some(0), Some(44), Some(format!("{mode:04o}")));
    report.plan.mounts.push(mount);
    let made = made(&report);
    let pod = documents(text(&made, "k8s/workload.yaml"))[0]["spec"]["template"]["spec"].clone();
    let mut volumes = made.summary.volumes.iter();
    let volume = volumes.find(|volume| volume.path == AppPath::new(at));
    (pod, volume.unwrap().name.clone())
}

fn named<'a>(list: &'a Value, name: &str) -> &'a Value {
    let mut list = list.as_array().unwrap().iter();
    list.find(|entry| entry["name"] == name)
        .unwrap_or(&Value::Null)
}

/// A Secret's files are root's, and the pod's group may read them: servers refuse such a key.
#[test]
fn a_key_that_nobody_else_may_read_is_copied_with_its_mode() {
    let report = sample("tidy-web");
    let at = "/etc/keys/tidy.key";
    for (mode, is_copied) in [(0o640, true), (0o600, true), (0o644, false)] {
        let (pod, name) = keyed(&report, at, mode);
        let volume = named(&pod["volumes"], &name);
        assert_eq!(volume["emptyDir"].is_object(), is_copied, "{volume}");
        assert_eq!(volume["secret"].is_object(), !is_copied, "{volume}");
        let mount = named(&pod["containers"][0]["volumeMounts"], &name);
        assert_eq!(mount["mountPath"], at);
        assert_eq!(mount["subPath"], "tidy.key");
        assert_eq!(mount["readOnly"], true);
        let script = pod["initContainers"][0]["command"][2].as_str();
        let line = script
            .unwrap_or_default()
            .lines()
            .find(|line| line.starts_with("own ") && line.contains("tidy.key"));
        assert_eq!(line.is_some(), is_copied);
        // Not root: it is the process's own, and nobody else's.
        if let Some(line) = line {
            assert!(line.ends_with(" 0600"), "{line}");
            let seed = format!("seed--{name}");
            assert!(named(&pod["volumes"], &seed)["secret"].is_object());
            let mounts = &pod["initContainers"][0]["volumeMounts"];
            assert!(named(mounts, &seed)["mountPath"].is_string());
        }
    }
    // Root gives it its owner.
    let mut report = report;
    for start in &mut report.plan.start {
        (start.user, start.uid, start.gid) = (None, None, None);
    }
    report.plan.user = None;
    let (pod, _) = keyed(&report, at, 0o640);
    let script = pod["initContainers"][0]["command"][2].as_str().unwrap();
    assert!(script.contains("/tidy.key 0640 0:44\n"), "{script}");
}

/// The function of the script that does it, run by this machine's shell.
#[test]
fn what_copies_a_key_lets_nobody_else_read_it_and_can_do_it_again() {
    use std::os::unix::fs::PermissionsExt as _;
    let (pod, name) = keyed(&sample("tidy-web"), "/etc/keys/tidy.key", 0o400);
    let top = tempfile::tempdir().unwrap();
    let script = pod["initContainers"][0]["command"][2].as_str().unwrap();
    let script = script.replace("/seed/", &format!("{}/seed/", top.path().display()));
    let own = script.lines().take_while(|line| !line.starts_with("tree "));
    let script: Vec<&str> = own.filter(|line| !line.starts_with("file ")).collect();
    let from = top.path().join("seed/from").join(&name);
    std::fs::create_dir_all(&from).unwrap();
    std::fs::write(from.join("tidy.key"), "a key").unwrap();
    for _ in 0..2 {
        let run = std::process::Command::new("sh")
            .args(["-c", &script.join("\n")])
            .output()
            .unwrap();
        assert!(run.status.success(), "{run:?}");
        let to = top.path().join("seed/to").join(&name).join("tidy.key");
        assert_eq!(std::fs::read_to_string(&to).unwrap(), "a key");
        assert_eq!(to.metadata().unwrap().permissions().mode() & 0o777, 0o400);
    }
}

/// What podman keeps in memory is root's, whatever the image has there.
#[test]
fn a_directory_in_memory_with_an_owner_is_one_that_can_have_it() {
    for (uid, mode, is_memory) in [(412, "0755", false), (412, "1777", true), (0, "0755", true)] {
        let mut report = sample("tidy-web");
        let is_run = |mount: &&mut Mount| mount.path == AppPath::new("/run/tidy-web");
        let run = report.plan.mounts.iter_mut().find(is_run).unwrap();
        (run.uid, run.gid, run.mode) = (Some(uid), Some(uid), Some(mode.to_owned()));
        let made = made(&report);
        let pod = &documents(text(&made, "k8s/workload.yaml"))[0]["spec"]["template"]["spec"];
        let volume = named(&pod["volumes"], "run-tidy-web");
        assert!(volume["emptyDir"].is_object(), "{volume}");
        let is_kept = volume["emptyDir"]["medium"] == "Memory";
        assert_eq!(is_kept, is_memory, "{uid} {mode}: {volume}");
    }
}
