//! A small system with one application, which a unit starts.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

/// A root with a unit `kiln.service`, and an application below `top`, started as the user `kiln`.
pub(crate) struct Lab {
    root: TempDir,
    top: String,
}

impl Lab {
    /// The system, with the lines of the unit's section `[Service]`, and the home of the user.
    pub(crate) fn new(top: &str, home: &str, service: &str) -> Self {
        let lab = Self {
            root: TempDir::new().unwrap(),
            top: top.to_owned(),
        };
        lab.put(
            "/etc/passwd",
            format!("root:x:0:0:root:/root:/bin/sh\nkiln:x:900:900::{home}:/usr/sbin/nologin\n"),
        );
        lab.put("/etc/group", "root:x:0:\nkiln:x:900:\n");
        for program in [
            "node", "python3", "perl", "ruby", "php", "sh", "tclsh", "java", "jsvc", "dirname",
        ] {
            lab.put(&format!("/usr/bin/{program}"), b"\x7fELF");
        }
        let unit =
            format!("[Service]\nUser=kiln\n{service}\n[Install]\nWantedBy=multi-user.target\n");
        lab.put("/etc/systemd/system/kiln.service", unit);
        lab
    }

    /// The same with one more file.
    pub(crate) fn with(self, path: &str, content: impl AsRef<[u8]>) -> Self {
        self.put(path, content);
        self
    }

    /// Writes a file that nobody may run.
    pub(crate) fn text(&self, path: &str, content: &str) {
        self.put(path, content);
        let host = self.root.path().join(path.trim_start_matches('/'));
        std::fs::set_permissions(host, std::fs::Permissions::from_mode(0o644)).unwrap();
    }

    /// Writes a file that may be run.
    pub(crate) fn put(&self, path: &str, content: impl AsRef<[u8]>) {
        let host = self.root.path().join(path.trim_start_matches('/'));
        std::fs::create_dir_all(host.parent().unwrap()).unwrap();
        std::fs::write(&host, content).unwrap();
        std::fs::set_permissions(host, std::fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// The report on the application.
    pub(crate) fn report(&self) -> Value {
        let output = Command::new(env!("CARGO_BIN_EXE_seaworthy"))
            .args(["scan", "--format", "json", "--root"])
            .arg(self.root.path())
            .args([self.top.as_str(), "--unit", "kiln.service"])
            .output()
            .unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stderr), "");
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// The places that are planned to be written.
    pub(crate) fn written(&self) -> Vec<String> {
        written(&self.report())
    }

    /// Asserts that exactly these places are written.
    pub(crate) fn writes(&self, name: &str, wanted: &[&str]) {
        let mut wanted: Vec<&str> = wanted.to_vec();
        wanted.sort_unstable();
        assert_eq!(self.written(), wanted, "{name}");
    }
}

/// The compose file that is made for a scope of a root.
pub(crate) fn compose(root: &Path, scope: &[&str]) -> String {
    let out = TempDir::new().unwrap();
    let made = out.path().join("made");
    let output = Command::new(env!("CARGO_BIN_EXE_seaworthy"))
        .args(["mounts", "--target", "compose", "--root"])
        .arg(root)
        .args(scope)
        .arg("-o")
        .arg(&made)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    std::fs::read_to_string(made.join("compose/compose.yaml")).expect(&said)
}

/// The places that are planned to be written.
pub(crate) fn written(report: &Value) -> Vec<String> {
    let mounts = report["plan"]["mounts"].as_array().unwrap().iter();
    let written = mounts.filter(|mount| mount["access"] == "rw");
    let path = |mount: &Value| mount["path"].as_str().unwrap().to_owned();
    written.map(path).collect()
}

/// The ports that are planned.
pub(crate) fn ports(report: &Value) -> Vec<u64> {
    let ports = report["plan"]["ports"].as_array().unwrap().iter();
    ports.map(|port| port["port"].as_u64().unwrap()).collect()
}
