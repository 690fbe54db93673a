//! What went wrong once, each in a shape of its own: limits without end, helpers that gain rights,
//! volumes that are empty but for what a filesystem makes, starts that no target had, and files that
//! were written although they could not work.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use seaworthy::fact::{Certainty, Need, StartKind};
use seaworthy::manifest::{self, Content, Input, Limit, Manifests, Storage, TARGETS};
use seaworthy::path::AppPath;
use seaworthy::report::{HostName, KernelNeed, LeftBehind, Mount, Report, Start};

use super::{documents, made, text};
use crate::samples::{SAMPLES, report};

fn tidy() -> Report {
    report(SAMPLES.iter().find(|s| s.name == "tidy-web").unwrap())
}

fn limits<'a>(made: &'a Manifests, target: &str) -> &'a [Limit] {
    let mut targets = made.summary.targets.iter();
    let target = targets.find(|made| made.target == target).unwrap();
    &target.limits
}

/// Whether every target has a limit about something whose words hold `part`.
fn is_told(made: &Manifests, about: &str, part: &str) -> bool {
    let has = |limit: &Limit| limit.about == about && limit.cannot.contains(part);
    let mut targets = made.summary.targets.iter();
    targets.all(|target| target.limits.iter().any(has))
}

fn with_content(report: &Report, content: &Content, storage: Storage) -> Manifests {
    let input = Input {
        report,
        image: None,
        start: None,
        content: Some(content),
        secrets: false,
        parts: None,
        storage,
    };
    manifest::make(&input, &TARGETS.iter().collect::<Vec<_>>())
}

/// setrlimit(2) refuses more open files than fs.nr_open to everybody.
#[test]
fn no_target_asks_for_infinitely_many_open_files() {
    let mut report = tidy();
    report.plan.kernel = vec![KernelNeed {
        need: Need::Limit,
        name: "nofile".to_owned(),
        certainty: Certainty::Declared,
        value: Some("4096:unlimited".to_owned()),
        serves: Vec::new(),
        because: Vec::new(),
    }];
    let made = made(&report);
    assert!(is_told(&made, "limit nofile", "infinite"));
    for (file, line) in [
        ("docker/run.sh", "--ulimit nofile=4096:1048576"),
        ("compose/compose.yaml", "hard: 1048576"),
        ("quadlet/tidy-web.container", "Ulimit=nofile=4096:1048576"),
        ("nspawn/tidy-web.nspawn", "LimitNOFILE=4096:1048576"),
        ("lxd/instance.yaml", "limits.kernel.nofile: '4096:1048576'"),
        ("oci/config.json", "\"hard\": 1048576"),
    ] {
        assert!(text(&made, file).contains(line), "{file} lacks {line}");
    }
    // Memory that is locked has no ceiling of the kernel's.
    report.plan.kernel[0].name = "memlock".to_owned();
    let made = super::made(&report);
    assert!(text(&made, "docker/run.sh").contains("memlock=4096:-1"));
}

#[test]
fn the_time_to_end_is_given_and_systemd_waits_longer() {
    let mut report = tidy();
    report.plan.start[0].stop_seconds = Some(4000);
    let made = made(&report);
    for (file, line) in [
        ("docker/run.sh", "--stop-timeout 4000\n"),
        ("compose/compose.yaml", "stop_grace_period: '4000s'"),
        ("k8s/workload.yaml", "terminationGracePeriodSeconds: 4000\n"),
        ("quadlet/tidy-web.container", "StopTimeout=4000\n"),
        ("quadlet/tidy-web.container", "TimeoutStopSec=4015\n"),
    ] {
        assert!(text(&made, file).contains(line), "{file} lacks {line}");
    }
}

#[test]
fn a_helper_with_rights_of_its_own_keeps_them() {
    let confined = ["no-new-privileges", "NoNewPrivileges=", "no_new_privs"];
    let has = |made: &Manifests| {
        let mut files = made.files.iter();
        files.any(|(_, file)| {
            let text = String::from_utf8_lossy(&file.bytes).into_owned();
            let lines = text
                .lines()
                .filter(|line| !line.trim_start().starts_with('#'));
            let own = lines.filter(|line| !line.contains("\"about\"") && !line.contains("cannot"));
            own.clone()
                .any(|line| confined.iter().any(|word| line.contains(word)))
                || own
                    .clone()
                    .any(|l| l.contains("allowPrivilegeEscalation: false"))
                || own.clone().any(|l| l.contains("\"noNewPrivileges\": true"))
        })
    };
    let mut report = tidy();
    assert!(has(&made(&report)));
    let mut finding = report.findings[0].clone();
    finding.rule = "setuid-program".to_owned();
    let fact = serde_json::json!({
        "fact": "holds", "content": "setgid", "at": {"file": "/usr/lib/tidy-web/lock"}, "certainty": "observed"
    });
    finding.because = vec![serde_json::from_value(fact).unwrap()];
    report.findings.push(finding);
    let made = made(&report);
    assert!(!has(&made));
    assert!(is_told(
        &made,
        "no-new-privileges",
        "/usr/lib/tidy-web/lock"
    ));
}

fn init(name: &str, command: &[&str]) -> Start {
    let words = command.iter().map(|word| (*word).to_owned());
    Start {
        starter: None,
        count: None,
        shell: false,
        groups: Vec::new(),
        before: Vec::new(),
        by: None,
        umask: None,
        before_as_other: Vec::new(),
        name: name.to_owned(),
        how: StartKind::Init,
        command: words.collect(),
        user: None,
        directory: None,
        env: Vec::new(),
        forks: Some(false),
        uid: None,
        gid: None,
        home: None,
        foreground: Vec::new(),
        stop_signal: None,
        stop_seconds: None,
        clean_exits: Vec::new(),
        enabled: None,
        problem: None,
    }
}

#[test]
fn each_program_of_one_script_is_started_and_a_second_way_to_start_one_is_named() {
    let mut report = tidy();
    report.target.packages = vec!["desk".to_owned()];
    report.plan.start = vec![
        init("desk", &["/opt/desk/bin/broker", "-p", "1"]),
        init("desk", &["/opt/desk/bin/agent"]),
        init("desk", &["/opt/desk/bin/broker", "-p", "1", "--restart"]),
        Start {
            how: StartKind::Cron,
            ..init("desk", &["/opt/desk/bin/sweep"])
        },
    ];
    let made = made(&report);
    let services = &documents(text(&made, "compose/compose.yaml"))[0]["services"];
    let services = services.as_object().unwrap();
    // The network is of neither: each joins that of a service that does nothing else.
    let processes = services.iter().filter(|(name, _)| *name != "network");
    let entries: Vec<String> = processes
        .clone()
        .map(|(_, service)| service["entrypoint"].to_string())
        .collect();
    for (name, service) in processes {
        assert_eq!(service["network_mode"], "service:network", "{name}");
    }
    // An engine that takes no time for none would kill what has the network.
    for (name, service) in services {
        assert!(service["stop_grace_period"].is_string(), "{name}");
    }
    assert!(services["network"]["network_mode"].is_null());
    let script = text(&made, "docker/run.sh");
    assert_eq!(
        script.matches("--network container:desk-network").count(),
        2
    );
    assert_eq!(
        entries,
        [
            r#"["/opt/desk/bin/broker","-p","1"]"#,
            r#"["/opt/desk/bin/agent"]"#
        ]
    );
    assert!(is_told(&made, "process desk", "the same service"));
    assert!(is_told(&made, "job desk", "comes and goes"));
    // What a target of one process does not start it names.
    let named = limits(&made, "oci").iter();
    assert!(
        named
            .clone()
            .any(|limit| limit.instead.ends_with("/opt/desk/bin/agent"))
    );
}

/// The init container's script over a claim, run by this machine's shell.
fn seeded(script: &str, at: &str, image: &Path, claim: &Path) -> String {
    let script = script
        .replace(&format!(" {at}\n"), &format!(" {}\n", claim.display()))
        .replace("/var/lib/tidy-web", image.to_str().unwrap());
    let run = Command::new("sh").args(["-c", &script]).output().unwrap();
    assert!(run.status.success(), "{run:?}");
    String::from_utf8(run.stdout).unwrap()
}

#[test]
fn a_claim_with_what_a_filesystem_makes_is_filled_and_one_with_data_is_not() {
    let mut report = tidy();
    let is_data = |mount: &&mut Mount| mount.path == AppPath::new("/var/lib/tidy-web");
    report.plan.mounts.iter_mut().find(is_data).unwrap().hides = 1;
    let made = made(&report);
    let pod = &documents(text(&made, "k8s/workload.yaml"))[0]["spec"]["template"]["spec"];
    let script = pod["initContainers"][0]["command"][2].as_str().unwrap();
    assert!(!script.contains("$("), "{script}");
    let mounts = pod["initContainers"][0]["volumeMounts"].as_array().unwrap();
    let mut mounts = mounts.iter();
    let claim = mounts.find(|mount| mount["name"] == "var-lib-tidy-web");
    let at = claim.unwrap()["mountPath"].as_str().unwrap();
    let top = tempfile::tempdir().unwrap();
    let image = top.path().join("image");
    std::fs::create_dir_all(image.join("sub")).unwrap();
    std::fs::write(image.join("sub/.first"), "x").unwrap();
    for (case, names, is_filled) in [
        ("new", &[][..], true),
        ("ext4", &["lost+found"], true),
        ("filer", &[".snapshot", "lost+found"], true),
        ("used", &["lost+found", ".hidden"], false),
        ("odd", &["..x"], false),
    ] {
        let claim = top.path().join(case);
        for name in names {
            std::fs::create_dir_all(claim.join(name)).unwrap();
        }
        std::fs::create_dir_all(&claim).unwrap();
        let said = seeded(script, at, &image, &claim);
        assert_eq!(
            claim.join("sub/.first").exists(),
            is_filled,
            "{case}: {said}"
        );
        let word = if is_filled {
            "filled from"
        } else {
            "left as it is"
        };
        assert!(said.contains(word), "{case}: {said}");
    }
}

#[test]
fn a_volume_has_one_place_and_all_targets_of_a_host_know_it() {
    let report = tidy();
    let made = made(&report);
    for volume in made.summary.volumes.iter().filter(|v| v.keeps != "scratch") {
        assert_eq!(volume.place, format!("/srv/tidy-web/{}", volume.name));
        let below = format!("/{}", volume.name);
        for (file, text_of) in [
            ("docker/run.sh", format!("src=\"$base\"{below},")),
            (
                "compose/compose.yaml",
                format!("${{BASE:-/srv/tidy-web}}{below}'"),
            ),
            (
                "quadlet/tidy-web.container",
                format!("source={},", volume.place),
            ),
            ("nspawn/tidy-web.nspawn", format!("={}:", volume.place)),
            ("lxd/instance.yaml", format!("source: '{}'", volume.place)),
            (
                "oci/config.json",
                format!("\"source\": \"{}\"", volume.place),
            ),
            ("rkt/run.sh", format!("source=\"$base\"{below},")),
        ] {
            assert!(
                text(&made, file).contains(&text_of),
                "{file} lacks {text_of}"
            );
        }
        let migrate = text(&made, "migrate.sh");
        assert!(migrate.contains(&format!("\nvolume {} ", volume.name)));
    }
    // Directories of state alone are volumes of an engine, when it is asked for.
    let made = with_content(&report, &Content::default(), Storage::Volumes);
    let data = made
        .summary
        .volumes
        .iter()
        .find(|v| v.keeps == "state")
        .unwrap();
    let name = data.engine_volume.clone().unwrap();
    let compose = &documents(text(&made, "compose/compose.yaml"))[0]["volumes"];
    assert_eq!(compose[&data.name]["external"], true);
    assert_eq!(compose[&data.name]["name"], name.as_str());
    let script = text(&made, "docker/run.sh");
    assert!(
        script.contains(&format!("type=volume,src={name},")),
        "{script}"
    );
    assert!(script.contains("migrate.sh -t docker"), "{script}");
    assert!(made.files.get(&format!("quadlet/{name}.volume")).is_some());
    let config = made
        .summary
        .volumes
        .iter()
        .find(|v| v.keeps == "config")
        .unwrap();
    assert_eq!(config.engine_volume, None);
}

/// A StatefulSet's pods have its own name, so that state is that of a Deployment with the same claims.
#[test]
fn a_cluster_gives_the_host_name_to_whom_the_same_claims_belong() {
    let claims = |made: &Manifests| -> Vec<String> {
        let workload = &documents(text(made, "k8s/workload.yaml"))[0];
        let rows = workload["spec"]["volumeClaimTemplates"].as_array();
        let names = rows
            .into_iter()
            .flatten()
            .map(|row| format!("{}-tidy-web-0", row["metadata"]["name"].as_str().unwrap()));
        names.collect()
    };
    let mut report = tidy();
    let wanted = claims(&made(&report));
    assert!(!wanted.is_empty());
    report.plan.hostname = Some(HostName {
        name: "Web7.example.org".to_owned(),
        certainty: Certainty::Observed,
        because: Vec::new(),
    });
    let made = made(&report);
    let workload = &documents(text(&made, "k8s/workload.yaml"))[0];
    assert_eq!(workload["kind"], "Deployment");
    assert_eq!(workload["spec"]["strategy"]["type"], "Recreate");
    let pod = &workload["spec"]["template"]["spec"];
    assert_eq!(pod["hostname"], "web7");
    let found: Vec<String> = documents(text(&made, "k8s/claims.yaml"))
        .iter()
        .map(|claim| claim["metadata"]["name"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(found, wanted);
    let volumes = pod["volumes"].as_array().unwrap().iter();
    let used = volumes.filter_map(|v| v["persistentVolumeClaim"]["claimName"].as_str());
    assert_eq!(used.collect::<Vec<_>>(), wanted);
    for (file, line) in [
        ("docker/run.sh", "--hostname Web7.example.org\n"),
        ("quadlet/tidy-web.container", "HostName=Web7.example.org\n"),
        ("nspawn/tidy-web.nspawn", "Hostname=Web7.example.org\n"),
    ] {
        assert!(text(&made, file).contains(line), "{file} lacks {line}");
    }
}

#[test]
fn what_could_not_work_is_told_before_it_is_written() {
    let told = |change: &dyn Fn(&mut Report, &mut Content), about: &str, part: &str| {
        let (mut report, mut content) = (tidy(), Content::default());
        change(&mut report, &mut content);
        let made = with_content(&report, &content, Storage::default());
        is_told(&made, about, part)
    };
    let starts = |words: &'static [&'static str]| {
        move |report: &mut Report, _: &mut Content| {
            let start = &mut report.plan.start[0];
            start.command = words.iter().map(|word| (*word).to_owned()).collect();
            start.foreground.clear();
        }
    };
    let about = "process tidy-web";
    for (words, part) in [
        (&["/etc/init.d/desk", "start"][..], "asks the host's init"),
        (
            &["/usr/bin/systemctl", "start", "desk"],
            "asks the host's init",
        ),
        (&["/bin/true"], "does nothing"),
        (&["/opt/desk/bin/d", "/etc/desk/*.conf"], "a pattern"),
        (&["/opt/desk/{version}/bin/d"], "a pattern"),
    ] {
        assert!(told(&starts(words), about, part), "{words:?}");
    }
    for words in [
        &["/opt/desk/bin/d", "-m", "*"][..],
        &["/bin/sh", "-c", "exec /opt/desk/bin/d $HOME/*"],
    ] {
        assert!(!told(&starts(words), about, "a pattern"), "{words:?}");
        assert!(!told(&starts(words), about, "a variable"), "{words:?}");
    }
    let script = |report: &mut Report, _: &mut Content| {
        report.plan.start = vec![init("tidy-web", &["/opt/desk/bin/d", "-p", "$PORT"])];
    };
    assert!(told(&script, about, "no shell replaces"));
    let absent = |report: &mut Report, content: &mut Content| {
        let program = report.plan.start[0].foreground.first();
        let program = program.or(report.plan.start[0].command.first()).unwrap();
        content.absent.insert(program.clone());
    };
    assert!(told(&absent, about, "not in the root"));
    let hidden = |report: &mut Report, _: &mut Content| {
        let start = &mut report.plan.start[0];
        start.command = vec!["/run/tidy-web/d".to_owned()];
        start.foreground.clear();
    };
    assert!(told(&hidden, about, "nothing of the image is seen"));
    let left = |path: &'static str| {
        move |report: &mut Report, _: &mut Content| {
            report.plan.left_behind.push(LeftBehind {
                path: AppPath::new(path),
                reason: "it holds a password".to_owned(),
            });
        }
    };
    assert!(told(
        &left("/opt/desk/key.ini"),
        "/opt/desk/key.ini",
        "holds a password"
    ));
    let inside = "/var/lib/tidy-web/key.ini";
    assert!(!told(&left(inside), inside, "holds a password"));
    let found = |path: &'static str| {
        move |_: &mut Report, content: &mut Content| {
            let why = "not everybody may read it".to_owned();
            content.left.insert(AppPath::new(path), why);
        }
    };
    let private = "/opt/desk/private.ini";
    assert!(told(&found(private), private, "not everybody"));
    assert!(!told(&found(inside), inside, "not everybody"));
}

#[test]
fn a_first_process_is_the_engine_s_own_unless_the_signal_is_declared() {
    let mut report = tidy();
    report.programs = serde_json::from_value(serde_json::json!([
        {"name": "python3.11", "path": "/usr/bin/python3.11", "real_path": "/usr/bin/python3.11",
         "owner": "core", "needed_by": ["/opt/desk/venv/bin/desk"]},
        {"name": "node", "path": "/usr/bin/node", "real_path": "/usr/bin/node",
         "owner": "core", "needed_by": ["/opt/desk/bin/serve"]},
        {"name": "tini", "path": "/usr/bin/tini", "real_path": "/usr/bin/tini",
         "owner": "core", "needed_by": ["/opt/desk/bin/ask"]},
    ]))
    .unwrap();
    for (program, signal, is_under, is_known) in [
        ("/usr/bin/python3.11", None, true, true),
        ("/opt/desk/run.js", None, true, true),
        ("/opt/desk/bin/d", None, true, false),
        // Its first line asks for it.
        ("/opt/desk/venv/bin/desk", None, true, true),
        ("/opt/desk/bin/serve", None, true, true),
        ("/opt/desk/bin/ask", None, true, false),
        ("/usr/bin/python3", Some("SIGQUIT"), false, false),
    ] {
        let start = &mut report.plan.start[0];
        start.command = vec![program.to_owned()];
        start.foreground.clear();
        start.stop_signal = signal.map(str::to_owned);
        start.forks = Some(false);
        let made = made(&report);
        let compose = &documents(text(&made, "compose/compose.yaml"))[0]["services"]["tidy-web"];
        assert_eq!(compose["init"] == Value::Bool(true), is_known, "{program}");
        for (file, word) in [
            ("docker/run.sh", "${init:+"),
            ("quadlet/tidy-web.container", "RunInit=true"),
        ] {
            assert_eq!(
                text(&made, file).contains(word),
                is_under,
                "{file} {program}"
            );
        }
    }
}
