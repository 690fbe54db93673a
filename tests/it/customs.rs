//! Mounts that follow from a custom rather than from a file that names a path, each beside the same
//! root without the reason.

use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use crate::elf_fixture::{Elf, LD_SO, glibc_loader};

struct Lab(TempDir);

impl Lab {
    /// A unit that starts `/opt/meter/bin/meterd` as root.
    fn new() -> Self {
        let lab = Self(TempDir::new().unwrap());
        lab.put(LD_SO, &glibc_loader("2.36", &["/lib/", "/usr/lib/"]));
        lab.text("/etc/passwd", "root:x:0:0:root:/root:/bin/sh\n");
        lab.starts("/opt/meter/bin/meterd");
        lab
    }

    fn put(&self, path: &str, bytes: &[u8]) {
        let host = self.0.path().join(path.trim_start_matches('/'));
        std::fs::create_dir_all(host.parent().unwrap()).unwrap();
        std::fs::write(&host, bytes).unwrap();
        let mode = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(host, mode).unwrap();
    }

    fn text(&self, path: &str, text: &str) {
        self.put(path, text.as_bytes());
    }

    fn starts(&self, command: &str) {
        let unit = format!("[Service]\nExecStart={command}\n");
        self.text("/etc/systemd/system/meterd.service", &unit);
    }

    /// The program, with these strings in it, and these calls.
    fn program(&self, calls: &[&str], strings: &[&str]) {
        let tail = strings.iter().fold(vec![0], |mut tail, text| {
            tail.extend_from_slice(text.as_bytes());
            tail.push(0);
            tail
        });
        let elf = Elf::program().interp(LD_SO).imports(calls).tail(&tail);
        self.put("/opt/meter/bin/meterd", &elf.build());
    }

    fn report(&self) -> Value {
        let output = Command::new(env!("CARGO_BIN_EXE_seaworthy"))
            .args(["scan", "--format", "json", "--root"])
            .arg(self.0.path())
            .args(["/opt/meter", "--unit", "meterd.service"])
            .output()
            .unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stderr), "");
        serde_json::from_slice(&output.stdout).unwrap()
    }

    fn mounts(&self) -> Vec<String> {
        let report = self.report();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let mounts = report["plan"]["mounts"].as_array().unwrap();
        let line = |m: &Value| format!("{} {}", text(&m["access"]), text(&m["path"]));
        let mut lines: Vec<String> = mounts.iter().map(line).collect();
        // What asks for a directory in memory stands beside it.
        for scratch in report["plan"]["scratch"].as_array().unwrap() {
            for fact in scratch["because"].as_array().unwrap() {
                lines.push(format!("rw {}", text(&scratch["path"])));
                lines.extend(fact["path"].as_str().map(|path| format!("rw {path}")));
            }
        }
        lines
    }

    fn has(&self, mount: &str) -> bool {
        self.mounts().iter().any(|known| known == mount)
    }
}

#[test]
fn a_started_program_that_makes_temporary_files_gets_room_for_them() {
    let lab = Lab::new();
    lab.program(&["mkstemp64"], &["/tmp"]);
    assert!(lab.has("rw /tmp"));
    lab.program(&["mkstemp64"], &["/tmpdir"]);
    assert!(!lab.has("rw /tmp"), "it makes them elsewhere");
    lab.program(&["open64"], &["/tmp"]);
    assert!(!lab.has("rw /tmp"), "it only names the directory");
    lab.program(&["tmpfile"], &[]);
    assert!(lab.has("rw /tmp"), "tmpfile(3) takes no name");
    lab.starts("/opt/meter/bin/other");
    assert!(!lab.has("rw /tmp"), "nothing starts it");
}

#[test]
fn a_program_behind_a_shell_of_the_unit_is_started() {
    let lab = Lab::new();
    lab.program(&["mkdtemp"], &["/tmp"]);
    lab.starts("/bin/sh -c \"A=1; exec /opt/meter/bin/meterd $A\"");
    assert!(lab.has("rw /tmp"));
}

#[test]
fn scripts_that_run_are_told_from_scripts_that_lie_about() {
    let lab = Lab::new();
    let body = "#!/bin/sh\nnew=$(mktemp)\necho x > \"$new\"\n";
    lab.text("/opt/meter/bin/meterd", body);
    assert!(lab.has("rw /tmp"));
    lab.text("/opt/meter/bin/meterd", "#!/bin/sh\nexec sleep 9\n");
    lab.text("/opt/meter/bin/meter-backup", body);
    assert!(!lab.has("rw /tmp"), "an administrator's tool");
    lab.text("/etc/cron.daily/meter", "#!/bin/sh\nx=$(mktemp)\n");
    assert!(!lab.has("rw /tmp"), "cron is not the service");
    for (script, wants) in [
        (
            "#!/usr/bin/python3\nimport tempfile\nf = tempfile.mkstemp()\n",
            true,
        ),
        (
            "#!/usr/bin/python3\nimport tempfile\nf = tempfile.mkstemp(dir='/srv/meter')\n",
            false,
        ),
        (
            "#!/usr/bin/perl\nuse File::Temp;\nmy $f = File::Temp->new();\n",
            true,
        ),
        (
            "#!/usr/bin/perl\nuse File::Temp;\nmy $f = File::Temp->new(DIR => '/srv/meter');\n",
            false,
        ),
        ("#!/usr/bin/ruby\nf = Tempfile.new('x')\n", true),
    ] {
        lab.text("/opt/meter/bin/meterd", script);
        assert_eq!(lab.has("rw /tmp"), wants, "{script}");
    }
}

#[test]
fn a_module_of_the_application_asks_for_the_temporary_directory_as_its_program_does() {
    let lab = Lab::new();
    lab.text("/opt/meter/bin/meterd", "#!/bin/sh\nexec sleep 9\n");
    let module = |name: &str| format!("/opt/meter/lib/python3/site-packages/{name}/options.py");
    let text = "import tempfile\nDIR = tempfile.gettempdir()\n";
    lab.text(&module("other"), text);
    assert!(!lab.has("rw /tmp"), "a library of somebody else");
    lab.text(&module("meter"), text);
    assert!(lab.has("rw /tmp"));
}

#[test]
fn a_scratch_directory_with_directories_in_it_is_filled_first() {
    let lab = Lab::new();
    lab.text(
        "/opt/meter/bin/meterd",
        "#!/bin/sh\necho $$ > /opt/meter/tmp/pids/meter.pid\n",
    );
    lab.text("/opt/meter/tmp/pids/.keep", "");
    let seeded = |path: &str| {
        let report = lab.report();
        let mounts = report["plan"]["mounts"].as_array().unwrap().clone();
        let mount = mounts.into_iter().find(|m| m["path"] == path);
        mount.is_some_and(|m| m["seed"] == true)
    };
    assert!(seeded("/opt/meter/tmp"), "{:?}", lab.mounts());
    lab.text(
        "/opt/meter/bin/meterd",
        "#!/bin/sh\necho $$ > /opt/meter/tmp/meter.pid\n",
    );
    std::fs::remove_dir_all(lab.0.path().join("opt/meter/tmp/pids")).unwrap();
    assert!(!seeded("/opt/meter/tmp"), "{:?}", lab.mounts());
}

#[test]
fn java_and_php_keep_files_of_their_own_in_the_temporary_directory() {
    let lab = Lab::new();
    lab.text("/opt/meter/bin/meterd", "#!/bin/sh\nexec sleep 9\n");
    lab.text("/opt/meter/web/index.php", "<?php echo 1;\n");
    assert!(!lab.has("rw /tmp"), "a page of its own below the tree");
    lab.text("/opt/meter/index.php", "<?php echo 1;\n");
    assert!(lab.has("rw /tmp"));

    let lab = Lab::new();
    // An empty zip archive.
    let mut jar = b"PK\x05\x06".to_vec();
    jar.resize(22, 0);
    lab.put("/opt/meter/lib/meter.jar", &jar);
    lab.starts("/usr/bin/java -jar /opt/meter/lib/meter.jar");
    assert!(lab.has("rw /tmp"));
    lab.starts("/usr/bin/java -XX:-UsePerfData -jar /opt/meter/lib/meter.jar");
    assert!(!lab.has("rw /tmp"));
}

#[test]
fn the_records_of_logins_are_kept_by_who_opens_sessions_and_names_them() {
    let lab = Lab::new();
    lab.program(&["pututxline"], &["/var/log/wtmp"]);
    assert!(lab.has("rw /var/log/wtmp"));
    lab.program(&["open64"], &["/var/log/wtmp"]);
    assert!(!lab.has("rw /var/log/wtmp"), "it reads who was there");
}

#[test]
fn a_number_of_a_process_is_left_where_no_setting_says_otherwise() {
    let lab = Lab::new();
    lab.program(&[], &["/run/gauge.pid"]);
    assert!(lab.has("rw /run/gauge.pid"));
    lab.text(
        "/opt/meter/etc/meter.conf",
        "pidfile = /opt/meter/run/meterd.pid\n",
    );
    assert!(!lab.has("rw /run/gauge.pid"));
}

#[test]
fn a_socket_directly_in_run_asks_for_a_fresh_one() {
    let lab = Lab::new();
    lab.program(&["bind"], &["/run/meterd.socket"]);
    assert!(lab.has("rw /run"));
    lab.program(&["connect"], &["/run/meterd.socket"]);
    assert!(!lab.has("rw /run"), "it only talks to one");
    lab.program(&["bind"], &["/run/gauge.socket"]);
    assert!(!lab.has("rw /run"), "somebody else's name");
}

#[test]
fn a_directory_of_state_is_laid_out_by_who_names_what_is_in_it() {
    let lab = Lab::new();
    let names = ["a", "b", "c"].map(|name| format!("/var/lib/meter/{name}"));
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    lab.program(&[], &names);
    assert!(lab.has("rw /var/lib/meter"));
    lab.program(&[], &names[..1]);
    lab.starts("/opt/meter/bin/other");
    assert!(
        !lab.has("rw /var/lib/meter"),
        "a string of what nobody starts"
    );
}

#[test]
fn what_a_called_command_reads_of_its_own_is_read_too() {
    let lab = Lab::new();
    lab.text("/etc/ssh/ssh_config", "Host *\n");
    lab.text(
        "/opt/meter/bin/meterd",
        "#!/bin/sh\nssh far cat /proc/loadavg\n",
    );
    assert!(lab.has("ro /etc/ssh"));
    lab.text("/opt/meter/bin/meterd", "#!/bin/sh\ncat /proc/loadavg\n");
    assert!(!lab.has("ro /etc/ssh"));
}

#[test]
fn locks_below_run_keep_their_directory() {
    let lab = Lab::new();
    lab.text(
        "/opt/meter/bin/meterd",
        "#!/bin/sh\necho $$ > /run/meterd.pid\nexec 9>/run/lock/meterd\n",
    );
    lab.text(
        "/etc/systemd/system/meterd.service",
        "[Service]\nType=forking\nPIDFile=/run/meterd.pid\nExecStart=/opt/meter/bin/meterd\n",
    );
    let mounts = lab.mounts();
    assert!(mounts.contains(&"rw /run".to_owned()), "{mounts:?}");
    assert!(
        mounts.contains(&"rw /run/lock/meterd".to_owned()),
        "{mounts:?}"
    );
}

#[test]
fn a_sourced_file_is_a_script_whatever_its_name() {
    let lab = Lab::new();
    lab.text(
        "/opt/meter/bin/meterd",
        "#!/bin/sh\nBASE=/opt/meter\n. $BASE/bin/common\nexec sleep 9\n",
    );
    lab.text(
        "/opt/meter/bin/common",
        "# -*- shell -*-\n. /opt/meter/bin/more\n",
    );
    lab.text("/opt/meter/bin/more", "mkdir -p $BASE/readings\n");
    assert!(lab.has("rw /opt/meter/readings"));
    lab.text(
        "/opt/meter/bin/more",
        "mkdir -p /var/lib/meter${2:+.$2}/readings\n",
    );
    assert!(lab.has("rw /var/lib/meter"));
    lab.text("/opt/meter/bin/common", "# -*- shell -*-\ntrue\n");
    assert!(!lab.has("rw /var/lib/meter"), "nobody sources it");
}

#[test]
fn settings_name_what_is_made_when_it_is_asked_for() {
    let lab = Lab::new();
    lab.program(&[], &[]);
    let conf = "[storage]\nfilesystem_folder = /opt/meter/readings\n";
    lab.text("/opt/meter/etc/meter.conf", conf);
    assert!(lab.has("rw /opt/meter/readings"));
    let commented = conf.replace("filesystem", "#filesystem");
    lab.text("/opt/meter/etc/meter.conf", &commented);
    assert!(!lab.has("rw /opt/meter/readings"));
    let code = conf.replace("/readings", "/bin/reader");
    lab.text("/opt/meter/etc/meter.conf", &code);
    assert!(!lab.has("rw /opt/meter/bin/reader"), "that would be code");
    let nowhere = conf.replace("/readings", "/none/readings");
    lab.text("/opt/meter/etc/meter.conf", &nowhere);
    assert!(!lab.has("rw /opt/meter/none/readings"), "nothing holds it");
}

#[test]
fn a_default_that_only_a_program_was_built_with_is_no_mount() {
    let lab = Lab::new();
    lab.program(&[], &[]);
    let lock = [&b"\0"[..], b"/var/run/meter.lock\0"].concat();
    let tool = Elf::program().interp(LD_SO).tail(&lock);
    lab.put("/opt/meter/bin/upload", &tool.build());
    assert!(!lab.has("rw /run/meter.lock"));
    lab.text("/opt/meter/etc/meter.conf", "lock_file = /run/meter.lock\n");
    let mounts = lab.mounts();
    let is_run = |mount: &String| mount.starts_with("rw /run");
    assert!(mounts.iter().any(is_run), "settings say it: {mounts:?}");
}

#[test]
fn a_program_without_a_directory_of_its_own_keeps_a_file_among_those_of_others() {
    let lab = Lab::new();
    lab.program(&[], &["/var/lib/misc/meterd.leases"]);
    assert!(
        lab.mounts()
            .iter()
            .any(|mount| mount.starts_with("rw /var/lib/misc"))
    );
    lab.program(&[], &["/var/lib/misc/other.leases"]);
    assert!(
        !lab.mounts()
            .iter()
            .any(|mount| mount.starts_with("rw /var/lib/misc"))
    );
}

#[test]
fn what_is_shown_beside_a_virtual_environment_is_no_state() {
    let lab = Lab::new();
    lab.program(&[], &[]);
    std::fs::remove_dir_all(lab.0.path().join("opt/meter/bin")).unwrap();
    lab.text(
        "/opt/meter/venv/lib/python3.11/site-packages/meter.py",
        "x = 1\n",
    );
    for dir in ["notes", "templates"] {
        std::fs::create_dir_all(lab.0.path().join("opt/meter").join(dir)).unwrap();
    }
    assert!(lab.has("rw /opt/meter/notes"));
    assert!(!lab.has("rw /opt/meter/templates"));
}

/// What is mounted for the package `munin-node` of a source, which has its settings in a directory
/// where other packages leave theirs for it.
fn watched(source: &str) -> Vec<String> {
    let lab = Lab::new();
    lab.text(
        "/var/lib/dpkg/status",
        &format!("Package: munin-node\nStatus: install ok installed\nArchitecture: all\nVersion: 1\nSource: {source}\nConffiles:\n /etc/munin/munin-node.conf 0123456789abcdef0123456789abcdef\n\n"),
    );
    lab.text(
        "/var/lib/dpkg/info/munin-node.list",
        "/.\n/etc\n/etc/munin\n/etc/munin/munin-node.conf\n",
    );
    lab.text(
        "/etc/munin/munin-node.conf",
        "log_file /var/log/other/mail.log\n",
    );
    let output = Command::new(env!("CARGO_BIN_EXE_seaworthy"))
        .args([
            "scan",
            "--format",
            "json",
            "--package",
            "munin-node",
            "--root",
        ])
        .arg(lab.0.path())
        .output()
        .unwrap();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let mounts = report["plan"]["mounts"].as_array().unwrap();
    let path = |mount: &Value| mount["path"].as_str().unwrap().to_owned();
    mounts.iter().map(path).collect()
}

#[test]
fn a_directory_for_the_settings_of_others_belongs_to_who_reads_it() {
    let own = watched("munin");
    assert!(
        own.iter().any(|path| path.starts_with("/etc/munin")),
        "{own:?}"
    );
    assert!(
        !own.iter().any(|path| path.starts_with("/var/log")),
        "{own:?}"
    );
    assert!(watched("meter").is_empty());
}

#[test]
fn an_option_for_a_log_names_a_file_that_is_written() {
    for (option, written) in [
        ("--log-file", true),
        ("--pid-file", true),
        ("--icon-file", false),
    ] {
        let lab = Lab::new();
        lab.starts("/opt/meter/start.sh");
        let script =
            format!("#!/bin/sh\nexec /opt/meter/bin/meterd {option} /opt/meter/meter.out\n");
        lab.text("/opt/meter/start.sh", &script);
        lab.program(&[], &[]);
        assert_eq!(lab.has("rw /opt/meter/meter.out"), written, "{option}");
    }
}

#[test]
fn a_directory_named_run_is_kept_where_settings_lay_data_into_it() {
    for (setting, class) in [("data_dir = /opt/meter/run/data", "data"), ("", "runtime")] {
        let lab = Lab::new();
        lab.program(&[], &[]);
        lab.text("/opt/meter/run/meter.pid", "7\n");
        lab.text("/opt/meter/etc/meter.conf", &format!("[main]\n{setting}\n"));
        lab.starts("/opt/meter/bin/meterd --config /opt/meter/etc/meter.conf");
        let report = lab.report();
        let mounts = report["plan"]["mounts"].as_array().unwrap();
        let run = mounts
            .iter()
            .find(|mount| mount["path"] == "/opt/meter/run");
        assert_eq!(run.unwrap()["class"], class, "{setting}");
    }
}

/// A prefix whose settings lie in `dir`.
fn settings(dir: &str, text: &str) -> Lab {
    let lab = Lab::new();
    lab.program(&[], &[]);
    let file = format!("{dir}/meter.conf");
    lab.text(&file, text);
    lab.starts(&format!("/opt/meter/bin/meterd --config {file}"));
    lab
}

#[test]
fn what_settings_name_relatively_lies_beside_their_directory() {
    let lab = settings("/opt/meter/etc", "[main]\nlog_file = logs/meter.log\n");
    lab.text("/opt/meter/logs/old.log", "x\n");
    assert!(lab.has("rw /opt/meter/logs"));
    assert!(lab.has("ro /opt/meter/etc"), "{:?}", lab.mounts());
    // Where nothing is yet as well: the settings stay as they are.
    let lab = settings("/opt/meter/site/etc", "[main]\nlog_file = logs/meter.log\n");
    lab.text("/opt/meter/site/tool", "#!/bin/sh\ntrue\n");
    assert!(lab.has("ro /opt/meter/site/etc"), "{:?}", lab.mounts());
    // In a directory that is not one of settings alone, it is theirs.
    let lab = settings("/opt/meter/site", "[main]\ndata_dir = readings\n");
    lab.text("/opt/meter/site/readings/a", "1\n");
    assert!(lab.has("rw /opt/meter/site"), "{:?}", lab.mounts());
}

#[test]
fn a_relative_base_holds_for_its_own_section() {
    let lab = settings("/opt/meter", "dir = ./store\ndbfilename = dump.rdb\n");
    lab.text("/opt/meter/store/a", "1\n");
    assert!(lab.has("rw /opt/meter/store"));
    assert!(!lab.has("rw /opt/meter/dump.rdb"), "{:?}", lab.mounts());
    let text = "[store]\ndir = ./store\n[report]\ndbfilename = dump.rdb\n";
    let lab = settings("/opt/meter", text);
    lab.text("/opt/meter/store/a", "1\n");
    assert!(lab.has("rw /opt/meter/dump.rdb"), "{:?}", lab.mounts());
}

#[test]
fn settings_within_a_directory_that_is_written_whole_are_kept_with_it() {
    let lab = settings(
        "/opt/meter/site/conf",
        "[main]\ndata_dir = /opt/meter/site\n",
    );
    lab.text("/opt/meter/site/readings", "1\n");
    assert!(lab.has("rw /opt/meter/site"), "{:?}", lab.mounts());
    assert!(!lab.has("ro /opt/meter/site/conf"), "{:?}", lab.mounts());
    // What is lost with the process keeps no settings.
    let lab = settings("/opt/meter/tmp/conf", "[main]\ntmpdir = /opt/meter/tmp\n");
    assert!(lab.has("rw /opt/meter/tmp"), "{:?}", lab.mounts());
    assert!(lab.has("ro /opt/meter/tmp/conf"), "{:?}", lab.mounts());
}

#[test]
fn a_constant_of_a_program_means_what_the_setting_of_its_name_does() {
    let lab = Lab::new();
    let text = "#!/usr/bin/python3\nimport os\nHERE = os.path.dirname(os.path.abspath(__file__))\n";
    for (name, written) in [("DATABASE", true), ("FLAVOUR", false)] {
        let constant = format!("{text}{name} = os.path.join(HERE, 'meter.db')\n");
        lab.text("/opt/meter/bin/meterd", &constant);
        assert_eq!(lab.has("rw /opt/meter/bin/meter.db"), written, "{name}");
    }
}

#[test]
fn a_script_writes_where_it_is_started() {
    let lab = Lab::new();
    lab.text("/opt/meter/bin/meterd", "#!/bin/sh\ndate >> readings.txt\n");
    assert!(!lab.has("rw /opt/meter/readings.txt"));
    lab.starts("/opt/meter/bin/meterd\nWorkingDirectory=/opt/meter");
    assert!(lab.has("rw /opt/meter/readings.txt"), "{:?}", lab.mounts());
}

#[test]
fn a_program_of_any_language_writes_where_it_is_started_though_its_interpreter_comes_first() {
    let texts = [
        (
            "js",
            "const fs = require('fs');\nfs.appendFileSync('readings.txt', '1');\n",
        ),
        ("py", "open('readings.txt', 'a').write('1')\n"),
        ("pl", "open(F, '>>', 'readings.txt');\n"),
        ("rb", "File.write('readings.txt', '1')\n"),
        ("php", "<?php file_put_contents('readings.txt', '1');\n"),
    ];
    for (ending, text) in texts {
        let lab = Lab::new();
        lab.text(&format!("/opt/meter/bin/meterd.{ending}"), text);
        assert!(!lab.has("rw /opt/meter/readings.txt"), "{ending}");
        lab.starts(&format!(
            "/usr/bin/interpreter -q bin/meterd.{ending}\nWorkingDirectory=/opt/meter"
        ));
        assert!(
            lab.has("rw /opt/meter/readings.txt"),
            "{ending}: {:?}",
            lab.mounts()
        );
    }
}

#[test]
fn a_program_of_nodejs_tells_its_paths_and_what_a_browser_runs_does_not() {
    let lab = Lab::new();
    let program = "const path = require('path');\nconst UPLOADS = path.join(__dirname, '..', 'uploads');\nrequire('fs').mkdirSync(UPLOADS);\n";
    let page = "fetch('/api').then((r) => { document.title = r; });\nconst store = '/var/lib/shop';\nopen('/srv/shop');\n";
    lab.text("/opt/meter/lib/store.js", program);
    lab.text("/opt/meter/static/page.js", page);
    lab.text(
        "/opt/meter/node_modules/x/index.js",
        &program.replace("uploads", "own"),
    );
    assert!(lab.has("rw /opt/meter/uploads"), "{:?}", lab.mounts());
    let told = format!("{:?}", lab.mounts());
    for absent in ["/var/lib/shop", "/srv/shop", "own"] {
        assert!(!told.contains(absent), "{absent}: {told}");
    }
}
