//! What an application's own settings say, on small roots: forms and models that the readers know, files
//! that are found by name, and what is offered but not in use. Each beside the same root without the
//! reason.

use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

/// A root with a service at `/opt/heron`.
pub(crate) struct Disk(TempDir);

impl Disk {
    pub(crate) fn new() -> Self {
        let disk = Self(TempDir::new().unwrap());
        disk.text("/etc/passwd", "root:x:0:0:root:/root:/bin/sh\n");
        disk.text("/etc/os-release", "ID=debian\nPRETTY_NAME=\"Debian\"\n");
        disk.text("/bin/sh", "#!/bin/sh\n");
        disk.text("/opt/heron/bin/herond", "#!/bin/sh\nsleep 9\n");
        disk.text(
            "/etc/systemd/system/heron.service",
            "[Service]\nExecStart=/opt/heron/bin/herond\n",
        );
        disk
    }

    fn host(&self, path: &str) -> PathBuf {
        self.0.path().join(path.trim_start_matches('/'))
    }

    pub(crate) fn text(&self, path: &str, text: &str) {
        let host = self.host(path);
        std::fs::create_dir_all(host.parent().unwrap()).unwrap();
        std::fs::write(&host, text).unwrap();
        let mode = if text.starts_with("#!") { 0o755 } else { 0o644 };
        std::fs::set_permissions(host, std::fs::Permissions::from_mode(mode)).unwrap();
    }

    pub(crate) fn report(&self) -> Value {
        let output = Command::new(env!("CARGO_BIN_EXE_seaworthy"))
            .args(["scan", "/opt/heron", "--format", "json", "--root"])
            .arg(self.0.path())
            .output()
            .unwrap();
        serde_json::from_slice(&output.stdout).unwrap()
    }
}

/// `port/transport role address` of each port of the plan.
pub(crate) fn ports(report: &Value) -> Vec<String> {
    let ports = report["plan"]["ports"].as_array().unwrap();
    let one = |port: &Value| {
        let text = |key: &str| port[key].as_str().unwrap_or("-").to_owned();
        format!(
            "{}/{} {} {}",
            port["port"],
            text("transport"),
            text("role"),
            text("address")
        )
    };
    ports.iter().map(one).collect()
}

/// Whether a finding of the rule speaks of the word.
fn finds(report: &Value, rule: &str, word: &str) -> bool {
    let findings = report["findings"].as_array().unwrap();
    let mut findings = findings.iter();
    findings.any(|finding| finding["rule"] == rule && finding.to_string().contains(word))
}

fn mounts(report: &Value, path: &str) -> bool {
    let mounts = report["plan"]["mounts"].as_array().unwrap();
    mounts.iter().any(|mount| mount["path"] == path)
}

#[test]
fn a_server_of_java_is_read_by_its_model() {
    let disk = Disk::new();
    disk.text(
        "/opt/heron/standalone/configuration/standalone.xml",
        "<server><subsystem><file-handler><file relative-to=\"jboss.server.log.dir\" path=\"h.log\"/></file-handler>\
         <datasource><connection-url>jdbc:postgresql://db.heron.internal/x</connection-url></datasource></subsystem>\
         <interfaces><interface name=\"inner\"><inet-address value=\"127.0.0.1\"/></interface>\
         <interface name=\"public\"><inet-address value=\"0.0.0.0\"/></interface></interfaces>\
         <socket-binding-group default-interface=\"public\"><socket-binding name=\"http\" port=\"${p:8090}\"/>\
         <socket-binding name=\"management-http\" interface=\"inner\" port=\"9991\"/></socket-binding-group></server>",
    );
    let report = disk.report();
    assert_eq!(
        ports(&report),
        ["8090/tcp service -", "9991/tcp control 127.0.0.1"]
    );
    assert!(finds(&report, "network-peer", "db.heron.internal"));
    assert!(
        report
            .to_string()
            .contains("/opt/heron/standalone/log/h.log")
    );
    // The same elements in a file of another kind are read as any other's.
    let disk = Disk::new();
    disk.text(
        "/opt/heron/conf/server.xml",
        "<Server port=\"8005\" shutdown=\"X\"><Service><Connector port=\"8080\"/></Service></Server>",
    );
    assert_eq!(
        ports(&disk.report()),
        ["8005/tcp control localhost", "8080/tcp service -"]
    );
}

#[test]
fn what_is_offered_and_not_enabled_does_not_listen() {
    let disk = Disk::new();
    disk.text(
        "/opt/heron/conf/sites-available/one",
        "[http]\nport = 8101\n",
    );
    disk.text(
        "/opt/heron/conf/sites-available/two",
        "[http]\nport = 8102\n",
    );
    assert_eq!(
        ports(&disk.report()).len(),
        2,
        "nothing says what is in use"
    );
    std::fs::create_dir_all(disk.host("/opt/heron/conf/sites-enabled")).unwrap();
    symlink(
        "../sites-available/two",
        disk.host("/opt/heron/conf/sites-enabled/two"),
    )
    .unwrap();
    assert_eq!(ports(&disk.report()), ["8102/tcp service -"]);
}

#[test]
fn settings_called_after_the_application_are_its_own() {
    let disk = Disk::new();
    disk.text("/etc/opt/heron/heron.ini", "[web]\nlisten_port = 8103\n");
    disk.text("/etc/opt/stork/stork.ini", "[web]\nlisten_port = 8104\n");
    let report = disk.report();
    assert_eq!(ports(&report), ["8103/tcp service -"]);
    assert!(mounts(&report, "/etc/opt/heron"), "{report}");
}

#[test]
fn a_program_opens_its_own_port() {
    let disk = Disk::new();
    disk.text(
        "/opt/heron/app.js",
        "const http = require('http');\nhttp.createServer(f).listen(process.env.PORT || 8105);\n",
    );
    disk.text(
        "/opt/heron/node_modules/x/a.js",
        "require('http').createServer(f).listen(8106);\n",
    );
    assert_eq!(ports(&disk.report()), ["8105/tcp service -"]);
}

#[test]
fn a_call_that_only_asks_changes_nothing() {
    let disk = Disk::new();
    disk.text(
        "/opt/heron/bin/herond",
        "#!/bin/sh\niptables --version\nmount -l\nsleep 9\n",
    );
    let asks = disk.report();
    assert!(!finds(&asks, "host-network-change", "iptables"));
    disk.text(
        "/opt/heron/bin/herond",
        "#!/bin/sh\niptables -A INPUT -j DROP\nsleep 9\n",
    );
    assert!(finds(&disk.report(), "host-network-change", "iptables"));
}

#[test]
fn a_file_that_is_only_read_needs_no_writable_mount() {
    let disk = Disk::new();
    disk.text("/opt/heron/control/limit", "20\n");
    disk.text(
        "/opt/heron/bin/herond",
        "#!/bin/sh\nMAX=`cat /opt/heron/control/limit`\nexec sleep $MAX\n",
    );
    let report = disk.report();
    assert!(!finds(&report, "state-without-mount", "/opt/heron/control"));
}
