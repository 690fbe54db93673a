//! What a plan decides, on small roots: how far a mount reaches, what is in memory, what is left
//! behind, what a start is given, and when nothing is judged. Each beside the same root without the
//! reason, where that tells something.

use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

const UNIT: &str = "/etc/systemd/system/gauged.service";
const SETTINGS: &str = "/opt/gauge/etc/gauge.conf";

/// A root with a service that is a script below `/opt/gauge`.
pub(crate) struct Disk(TempDir);

impl Disk {
    pub(crate) fn new() -> Self {
        let disk = Self(TempDir::new().unwrap());
        disk.text("/etc/passwd", "root:x:0:0:root:/root:/bin/sh\n");
        disk.text("/etc/os-release", "ID=debian\nPRETTY_NAME=\"Debian\"\n");
        disk.text("/bin/sh", "#!/bin/sh\n");
        disk.text("/bin/true", "#!/bin/sh\n");
        disk.program("sleep 9\n");
        disk.unit("ExecStart=/opt/gauge/bin/gauged\n");
        disk
    }

    pub(crate) fn host(&self, path: &str) -> PathBuf {
        self.0.path().join(path.trim_start_matches('/'))
    }

    pub(crate) fn text(&self, path: &str, text: &str) {
        let host = self.host(path);
        std::fs::create_dir_all(host.parent().unwrap()).unwrap();
        std::fs::write(&host, text).unwrap();
        let mode = if text.starts_with("#!") { 0o755 } else { 0o644 };
        std::fs::set_permissions(host, std::fs::Permissions::from_mode(mode)).unwrap();
    }

    pub(crate) fn dir(&self, path: &str) {
        std::fs::create_dir_all(self.host(path)).unwrap();
    }

    pub(crate) fn program(&self, script: &str) {
        self.text("/opt/gauge/bin/gauged", &format!("#!/bin/sh\n{script}"));
    }

    pub(crate) fn unit(&self, service: &str) {
        self.text(UNIT, &format!("[Service]\n{service}"));
    }

    pub(crate) fn run(&self, command: &str, scope: &[&str], more: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_seaworthy"))
            .arg(command)
            .arg("--root")
            .arg(self.0.path())
            .args(scope)
            .args(more)
            .output()
            .unwrap()
    }

    pub(crate) fn report(&self) -> Value {
        let scope = ["/opt/gauge", "--unit", "gauged.service"];
        let output = self.run("scan", &scope, &["--format", "json"]);
        assert_eq!(String::from_utf8_lossy(&output.stderr), "");
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// The mounts, as `rw dir data /var/lib/gauge`.
    pub(crate) fn mounts(&self) -> Vec<String> {
        let report = self.report();
        let text = |mount: &Value, key: &str| mount[key].as_str().unwrap().to_owned();
        let row = |m: &Value| {
            ["access", "kind", "class", "path"]
                .map(|key| text(m, key))
                .join(" ")
        };
        report["plan"]["mounts"]
            .as_array()
            .unwrap()
            .iter()
            .map(row)
            .collect()
    }

    pub(crate) fn has(&self, mount: &str) -> bool {
        self.mounts().iter().any(|known| known == mount)
    }

    pub(crate) fn manifest(&self, file: &str) -> String {
        let out = TempDir::new().unwrap();
        let to = out.path().join("m");
        let scope = [
            "/opt/gauge",
            "--unit",
            "gauged.service",
            "-o",
            to.to_str().unwrap(),
        ];
        let output = self.run("mounts", &scope, &[]);
        assert!(output.status.success(), "{output:?}");
        std::fs::read_to_string(to.join(file)).unwrap()
    }
}

fn grade<'a>(report: &'a Value, dimension: &str) -> &'a Value {
    let all = report["dimensions"].as_array().unwrap();
    all.iter()
        .find(|grade| grade["dimension"] == dimension)
        .unwrap()
}

/// systemd takes an end by SIGTERM for no failure, but an engine makes an exit code of it; and an end
/// of other kinds, as of Java's, is the unit's own word.
#[test]
fn an_end_that_the_unit_takes_for_none_in_failure_is_none_in_a_container() {
    let disk = Disk::new();
    let clean = |disk: &Disk| {
        let unit = disk.manifest("quadlet/gauged.container");
        let line = unit
            .lines()
            .find_map(|line| line.strip_prefix("SuccessExitStatus="));
        assert!(unit.contains("\nRestart=always\n"), "{unit}");
        line.unwrap_or_default().to_owned()
    };
    assert_eq!(clean(&disk), "129 130 141 143");
    disk.unit(
        "ExecStart=/opt/gauge/bin/gauged\nSuccessExitStatus=143 75\nSuccessExitStatus=SIGKILL\n",
    );
    assert_eq!(clean(&disk), "129 130 141 143 75 137");
}

#[test]
fn a_mount_does_not_take_in_a_whole_disk_or_what_others_keep_beside_it() {
    let disk = Disk::new();
    disk.dir("/vol7/gauge/queue");
    disk.text("/vol7/gauge/notes.txt", "by hand");
    disk.text("/vol7/ledger/books.db", "x");
    disk.text(SETTINGS, "spool_dir = /vol7/gauge/queue\n");
    let mounts = disk.mounts();
    let of_disk = |mount: &String| mount.ends_with(" /vol7");
    assert!(!mounts.iter().any(of_disk), "{mounts:?}");
    assert!(disk.has("rw dir data /vol7/gauge/queue"), "{mounts:?}");
    // Named and alike, two places become the directory that holds them both and no more.
    std::fs::remove_file(disk.host("/vol7/gauge/notes.txt")).unwrap();
    disk.dir("/vol7/gauge/done");
    disk.text(
        SETTINGS,
        "spool_dir = /vol7/gauge/queue\ndata_dir = /vol7/gauge/done\n",
    );
    assert!(disk.has("rw dir data /vol7/gauge"), "{:?}", disk.mounts());
}

#[test]
fn state_of_a_dynamic_user_is_mounted_where_the_service_names_it() {
    let disk = Disk::new();
    disk.unit("DynamicUser=yes\nStateDirectory=gauge\nExecStart=/opt/gauge/bin/gauged\n");
    disk.text("/var/lib/private/gauge/readings", "1");
    disk.text("/var/lib/private/other/secret", "2");
    symlink("private/gauge", disk.host("/var/lib/gauge")).unwrap();
    let mounts = disk.mounts();
    assert!(
        mounts.contains(&"rw dir data /var/lib/gauge".to_owned()),
        "{mounts:?}"
    );
    assert!(
        !mounts.iter().any(|mount| mount.contains("private")),
        "{mounts:?}"
    );
}

#[test]
fn a_place_that_settings_declare_is_planned_before_it_is_there() {
    let disk = Disk::new();
    disk.text(
        SETTINGS,
        "data_dir = /bulk3/gauge\nlog_file = /bulk3/logs/gauge.log\n",
    );
    assert!(disk.has("rw dir data /bulk3/gauge"), "{:?}", disk.mounts());
    assert!(disk.has("rw dir log /bulk3/logs"), "{:?}", disk.mounts());
    disk.text(SETTINGS, "url = /bulk3/gauge\n");
    assert!(!disk.has("rw dir data /bulk3/gauge"));
}

#[test]
fn data_is_not_easy_because_none_was_found() {
    let disk = Disk::new();
    disk.program("echo up >> /var/log/gauge.log\nsleep 9\n");
    let report = disk.report();
    let data = grade(&report, "data");
    assert_eq!(data["grade"], "unknown", "{data}");
    assert!(
        data["reason"]
            .as_str()
            .unwrap()
            .contains("/var/log/gauge.log"),
        "{data}"
    );
    disk.program("echo up >> /var/lib/gauge/readings\nsleep 9\n");
    assert_eq!(grade(&disk.report(), "data")["grade"], "easy");
}

#[test]
fn what_an_init_script_keeps_count_with_is_no_mount() {
    let disk = Disk::new();
    std::fs::remove_file(disk.host(UNIT)).unwrap();
    disk.text(
        "/etc/init.d/gauged",
        "#!/bin/sh\ncase $1 in\nstart)\n mkdir -p /run/gauge\n /opt/gauge/bin/gauged &\n \
         touch /var/lock/subsys/gauged\n ;;\nstop)\n rm -f /var/lock/subsys/gauged\n ;;\nesac\n",
    );
    let output = disk.run("scan", &["/opt/gauge"], &["--format", "json"]);
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let mounts = report["plan"]["mounts"].to_string();
    assert!(!mounts.contains("subsys"), "{mounts}");
    assert!(
        mounts.contains("/run/gauge"),
        "its directory is needed: {mounts}"
    );
}

#[test]
fn a_volume_does_not_hide_a_part_of_a_script() {
    let disk = Disk::new();
    disk.program(". /opt/gauge/conf/common\nsleep 9\n");
    let part = "DB=/opt/gauge/conf/units.cache\nmake_units > $DB\n";
    disk.text("/opt/gauge/conf/common", part);
    let mounts = disk.mounts();
    let hides = |mount: &String| mount.ends_with("/opt/gauge/conf");
    assert!(!mounts.iter().any(hides), "{mounts:?}");
    // Only variables: these are settings, and so is the directory.
    disk.text("/opt/gauge/conf/common", "RATE=5\n");
    assert!(disk.mounts().iter().any(hides), "{:?}", disk.mounts());
}

#[test]
fn a_file_that_is_replaced_by_rename_needs_its_directory_or_is_told() {
    let disk = Disk::new();
    disk.text("/etc/gauge.state", "1");
    disk.program("date > /etc/gauge.state.new\nmv /etc/gauge.state.new /etc/gauge.state\n");
    let report = disk.report();
    let mounts = report["plan"]["mounts"].as_array().unwrap();
    let state = mounts
        .iter()
        .find(|m| m["path"] == "/etc/gauge.state")
        .unwrap();
    assert_eq!(state["replaced"], true, "{state}");
    assert!(
        !disk.mounts().iter().any(|m| m.contains(".new")),
        "{:?}",
        disk.mounts()
    );
    let script = disk.manifest("docker/run.sh");
    assert!(
        script.contains("EBUSY") || script.contains("renam"),
        "{script}"
    );
    // In a directory of its own that directory is the mount.
    disk.text("/srv/gauge/state/now", "1");
    disk.program("date > /srv/gauge/state/new\nmv /srv/gauge/state/new /srv/gauge/state/now\n");
    let mounts = disk.mounts();
    assert!(
        mounts
            .iter()
            .any(|m| m.starts_with("rw dir data /srv/gauge")),
        "{mounts:?}"
    );
    assert!(!mounts.iter().any(|m| m.contains("rw file")), "{mounts:?}");
}

#[test]
fn scratch_space_covers_nothing_that_has_content() {
    let disk = Disk::new();
    disk.text(
        "/opt/gauge/jobs/plan.lck",
        "a list of jobs that somebody wrote down\n",
    );
    disk.unit("ExecStart=/opt/gauge/bin/gauged --lockfile=/opt/gauge/jobs/plan.lck\n");
    let lost = |mount: &String| mount.contains(" runtime ") && mount.contains("/opt/gauge/jobs");
    assert!(!disk.mounts().iter().any(lost), "{:?}", disk.mounts());
}

#[test]
fn what_no_image_has_is_mounted_or_named() {
    let disk = Disk::new();
    disk.text(
        "/opt/gauge/lib/db.sh",
        "#!/bin/sh\nDB_PASSWORD=k7Qz-not-a-real-one\n",
    );
    let report = disk.report();
    let secrets = report["plan"]["secrets"].to_string();
    assert!(secrets.contains("/opt/gauge/lib/db.sh"), "{secrets}");
    assert!(
        disk.has("ro file secret /opt/gauge/lib/db.sh"),
        "{:?}",
        disk.mounts()
    );
    // One that nothing is known to read is named.
    disk.text(
        "/opt/gauge/doc/examples/db.sh",
        "#!/bin/sh\nDB_PASSWORD=k7Qz-not-a-real-one\n",
    );
    let report = disk.report();
    let (mounts, left) = (&report["plan"]["mounts"], &report["plan"]["left_behind"]);
    for secret in report["plan"]["secrets"].as_array().unwrap() {
        let path = secret.as_str().unwrap();
        let covers = |mount: &Value| path.starts_with(mount["path"].as_str().unwrap());
        let is_mounted = mounts.as_array().unwrap().iter().any(covers);
        assert!(
            is_mounted || left.to_string().contains(path),
            "{path}: {left}"
        );
    }
}

/// What everybody may not read stays out of an image, whether something is known to read it or not.
#[test]
fn what_no_image_has_for_its_mode_or_its_name_is_named_by_the_manifests() {
    let disk = Disk::new();
    disk.text("/etc/gauge/rates.conf", "mode = fast\n");
    disk.text("/etc/gauge/more.conf", "mode = fast\n");
    disk.text("/etc/gauge/gauge.key", "not a key\n");
    let mode = std::fs::Permissions::from_mode(0o640);
    std::fs::set_permissions(disk.host("/etc/gauge/more.conf"), mode).unwrap();
    let named = |more: &[&str]| {
        let out = TempDir::new().unwrap();
        let to = out.path().join("m");
        // Settings that are asked about alone: beside a tree they would be a mount as a whole.
        let scope = ["/etc/gauge", UNIT];
        let last = ["--target", "docker", "-o", to.to_str().unwrap()];
        let output = disk.run("mounts", &scope, &[more, &last].concat());
        let is_strict = more.contains(&"--strict");
        let code = output.status.code();
        assert_eq!(code, Some(i32::from(is_strict)), "{output:?}");
        std::fs::read_to_string(to.join("docker/run.sh")).unwrap()
    };
    let script = named(&[]);
    for (path, is_named) in [
        ("more.conf", true),
        ("gauge.key", true),
        ("rates.conf", false),
    ] {
        let line =
            format!("/etc/gauge/{path}: the image leaves it out, and no mount brings it back");
        assert_eq!(script.contains(&line), is_named, "{path}: {script}");
    }
    named(&["--strict"]);
    // What whoever asks leaves out is known.
    let script = named(&["--exclude", "/etc/gauge/more.conf"]);
    assert!(
        !script.contains("/etc/gauge/more.conf: the image"),
        "{script}"
    );
}

#[test]
fn variables_of_a_file_that_the_unit_reads_reach_every_target() {
    let disk = Disk::new();
    disk.unit("EnvironmentFile=/etc/gauge/site.env\nExecStart=/opt/gauge/bin/gauged\n");
    disk.text(
        "/etc/gauge/site.env",
        "GAUGE_STORE=/srv/readings\nGAUGE_TOKEN=k7Qz0not0real0one\n",
    );
    for file in [
        "docker/run.sh",
        "compose/compose.yaml",
        "k8s/workload.yaml",
        "oci/config.json",
    ] {
        let text = disk.manifest(file);
        assert!(text.contains("GAUGE_STORE"), "{file}: {text}");
        assert!(!text.contains("k7Qz0not0real0one"), "{file} shows a secret");
    }
}

#[test]
fn every_root_has_its_scratch_space_apart_from_the_mounts() {
    let disk = Disk::new();
    disk.program("t=$(mktemp)\necho $$ > /run/gauged.pid\nsleep 9\n");
    let report = disk.report();
    let scratch = report["plan"]["scratch"].as_array().unwrap();
    let rows: Vec<(&str, &str)> = scratch
        .iter()
        .map(|s| (s["path"].as_str().unwrap(), s["mode"].as_str().unwrap()))
        .collect();
    assert_eq!(
        rows,
        [("/run", "0755"), ("/tmp", "1777"), ("/var/tmp", "1777")]
    );
    let own = |mount: &String| {
        ["/run", "/tmp", "/run/gauged.pid"]
            .iter()
            .any(|p| mount.ends_with(p))
    };
    assert!(!disk.mounts().iter().any(own), "{:?}", disk.mounts());
}

#[test]
fn what_touch_makes_is_a_file_and_what_an_argument_reads_is_not_written() {
    let disk = Disk::new();
    disk.program("touch /var/lib/gauge.ready\nmkdir -p /var/spool/gauge.out\nsleep 9\n");
    disk.unit("ExecStart=/opt/gauge/bin/gauged --follow /var/log/kernel\n");
    let mounts = disk.mounts();
    let ready = |mount: &String| mount.starts_with("rw file") && mount.ends_with("gauge.ready");
    let out = |mount: &String| mount.starts_with("rw dir") && mount.ends_with("gauge.out");
    assert!(
        mounts.iter().any(ready) && mounts.iter().any(out),
        "{mounts:?}"
    );
    assert!(
        !mounts
            .iter()
            .any(|mount| mount.ends_with("/var/log/kernel")),
        "{mounts:?}"
    );
}

#[test]
fn content_that_settings_name_is_in_the_image_or_mounted() {
    let disk = Disk::new();
    let reached = |settings: &str, path: &str| {
        disk.text(SETTINGS, settings);
        let plan = disk.report()["plan"].clone();
        let content = plan
            .get("content")
            .map(Value::to_string)
            .unwrap_or_default();
        content.contains(path) || plan["mounts"].to_string().contains(path)
    };
    disk.text("/var/www/pages/index.html", "<p>hello</p>\n");
    disk.text("/usr/local/pages/index.html", "<p>hello</p>\n");
    for path in ["/var/www/pages", "/usr/local/pages"] {
        let server = format!("server {{\n    listen 8080;\n    root {path};\n}}\n");
        assert!(reached(&server, path), "{path}");
        let plain = format!("document_root = {path}\n");
        assert!(reached(&plain, path), "{path}");
    }
    assert!(!reached(
        "document_root = /var/www/absent\n",
        "/var/www/absent"
    ));
}

#[test]
fn state_under_the_name_of_the_host_keeps_it() {
    let disk = Disk::new();
    disk.text("/etc/hostname", "mq07.example.org\n");
    disk.text("/var/lib/gauge/node-mq07/log", "x");
    disk.program("echo x >> /var/lib/gauge/node-mq07/log\nsleep 9\n");
    let report = disk.report();
    assert_eq!(
        report["plan"]["hostname"]["name"], "mq07.example.org",
        "{}",
        report["plan"]
    );
    let compose = disk.manifest("compose/compose.yaml");
    assert!(
        compose.contains("hostname: 'mq07.example.org'") || compose.contains("hostname: mq07"),
        "{compose}"
    );
    // A node that is named in what it keeps, and in no name.
    disk.text("/etc/hostname", "mq08\n");
    disk.text("/var/lib/gauge/schema", "cluster\0node@mq08\0");
    assert_eq!(disk.report()["plan"]["hostname"]["name"], "mq08");
    disk.text("/etc/hostname", "other\n");
    assert!(disk.report()["plan"].get("hostname").is_none());
}

#[test]
fn a_port_that_only_the_container_reaches_is_not_published() {
    let disk = Disk::new();
    disk.text(SETTINGS, "listen = 127.0.0.1:7810\n");
    let report = disk.report();
    assert_eq!(
        report["plan"]["ports"][0]["address"], "127.0.0.1",
        "{}",
        report["plan"]["ports"]
    );
    let script = disk.manifest("docker/run.sh");
    assert!(!script.contains("--publish 7810"), "{script}");
    assert!(script.contains("7810"), "it is said: {script}");
    disk.text(SETTINGS, "listen = 0.0.0.0:7810\n");
    assert!(disk.manifest("docker/run.sh").contains("--publish 7810"));
}

#[test]
fn what_starts_nothing_is_not_judged_and_does_not_pass_the_gate() {
    for start in [
        "/bin/true",
        "/opt/gauge/bin/absent -f",
        "/path/to/your/gauged",
    ] {
        let disk = Disk::new();
        disk.unit(&format!("ExecStart={start}\n"));
        let report = disk.report();
        let answer = report["verdict"]["answer"].as_str().unwrap();
        assert_eq!(answer, "not-judged", "{start}: {}", report["verdict"]);
        let output = disk.run("check", &["/opt/gauge", "--unit", "gauged.service"], &[]);
        assert_eq!(output.status.code(), Some(2), "{start}: {output:?}");
    }
}

#[test]
fn a_named_path_that_is_not_there_and_an_archive_are_no_audit() {
    let disk = Disk::new();
    let output = disk.run("check", &["/opt/gauge", "/opt/gouge"], &[]);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert!(
        String::from_utf8_lossy(&output.stdout).contains("/opt/gouge"),
        "{output:?}"
    );
    std::fs::write(disk.host("/opt/app.tgz"), b"\x1f\x8b\x08\0\0\0\0\0\0\x03").unwrap();
    let output = disk.run("scan", &["/opt/app.tgz"], &[]);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert!(
        String::from_utf8_lossy(&output.stdout).contains("archive"),
        "{output:?}"
    );
}

#[test]
fn settings_that_may_not_be_read_leave_the_answer_open() {
    let disk = Disk::new();
    disk.text(SETTINGS, "password = k7Qz\n");
    let mode = std::fs::Permissions::from_mode(0o000);
    std::fs::set_permissions(disk.host(SETTINGS), mode).unwrap();
    if std::fs::read(disk.host(SETTINGS)).is_ok() {
        return; // root reads everything
    }
    let report = disk.report();
    assert_eq!(
        report["verdict"]["answer"], "not-judged",
        "{}",
        report["verdict"]
    );
    assert_eq!(grade(&report, "secrets")["grade"], "unknown");
    let output = disk.run("check", &["/opt/gauge"], &[]);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
}

#[test]
fn a_unit_that_is_not_enabled_is_listed_and_not_started() {
    let disk = Disk::new();
    let unit = |name: &str, command: &str| {
        let path = format!("/etc/systemd/system/{name}.service");
        let install = "[Install]\nWantedBy=multi-user.target\n";
        disk.text(&path, &format!("[Service]\nExecStart={command}\n{install}"));
    };
    unit("gauged", "/opt/gauge/bin/gauged");
    unit("gauge-clean", "/opt/gauge/bin/gauged --clean");
    let script = || disk.manifest("docker/run.sh");
    let starts = |script: &str| {
        let mut lines = script.lines().filter(|line| !line.starts_with('#'));
        lines.any(|line| line.contains("--clean"))
    };
    assert!(starts(&script()), "nothing tells which one is meant");
    disk.dir("/etc/systemd/system/multi-user.target.wants");
    let link = "/etc/systemd/system/multi-user.target.wants/gauged.service";
    symlink("../gauged.service", disk.host(link)).unwrap();
    let script = script();
    assert!(!starts(&script), "{script}");
    assert!(script.contains("not enabled"), "it is said: {script}");
}

#[test]
fn a_shell_that_stays_above_the_program_passes_signals_on() {
    let disk = Disk::new();
    disk.unit("ExecStart=/bin/sh -c '/opt/gauge/bin/gauged --foreground'\n");
    let script = disk.manifest("docker/run.sh");
    assert!(script.contains("kill -s TERM"), "{script}");
    disk.unit("ExecStart=/bin/sh -c 'exec /opt/gauge/bin/gauged --foreground'\n");
    let script = disk.manifest("docker/run.sh");
    assert!(!script.contains("kill -s TERM"), "{script}");
}

#[test]
fn a_script_of_the_application_that_is_not_there_is_told() {
    let disk = Disk::new();
    disk.program("exec /usr/bin/python3 /opt/gauge/app/main.py --loop\n");
    let report = disk.report().to_string();
    assert!(
        report.contains("/opt/gauge/app/main.py, which is not there"),
        "{report}"
    );
    disk.text("/opt/gauge/app/main.py", "print(1)\n");
    let report = disk.report().to_string();
    assert!(!report.contains("which is not there"), "{report}");
}
