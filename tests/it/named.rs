//! A directory of settings that is named beside an application is mounted, and no place of its code.

use crate::planned::Disk;

/// An application whose settings, among them a script, lie below `/etc`.
fn disk() -> Disk {
    let disk = Disk::new();
    disk.text("/etc/gauge/gauge.conf", "data_dir = /var/lib/gauge\n");
    disk.text("/etc/gauge/hooks/after.sh", "#!/bin/sh\nlogger done\n");
    disk
}

fn mounts(disk: &Disk, scope: &[&str]) -> Vec<String> {
    let output = disk.run("scan", scope, &["--format", "json"]);
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let mounts = report["plan"]["mounts"].as_array().unwrap();
    let shown = mounts.iter().map(|mount| {
        let word = |key: &str| mount[key].as_str().unwrap().to_owned();
        format!(
            "{} {} {} {}",
            word("access"),
            word("kind"),
            word("class"),
            word("path")
        )
    });
    shown.collect()
}

#[test]
fn settings_beside_a_tree_a_unit_or_a_program_are_one_mount() {
    let disk = disk();
    let beside: [&[&str]; 3] = [
        &["/opt/gauge", "/etc/gauge"],
        &["--unit", "gauged.service", "/etc/gauge"],
        &["/opt/gauge/bin/gauged", "/etc/gauge"],
    ];
    for scope in beside {
        let found = mounts(&disk, scope);
        let whole = "ro dir config /etc/gauge".to_owned();
        assert!(found.contains(&whole), "{scope:?}: {found:?}");
        // They are read all the same.
        let state = "rw dir data /var/lib/gauge".to_owned();
        assert!(found.contains(&state), "{scope:?}: {found:?}");
    }
}

#[test]
fn settings_that_are_asked_about_alone_are_the_application() {
    let disk = disk();
    let found = mounts(&disk, &["/etc/gauge"]);
    assert!(
        !found.contains(&"ro dir config /etc/gauge".to_owned()),
        "{found:?}"
    );
}
