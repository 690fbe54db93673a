//! Applications that somebody made: which of their processes is given what, what starts them, and what
//! their image has of the system, in the lists that the Containerfile and `pack` share.

use std::collections::BTreeSet;

use tempfile::TempDir;

use crate::manifest::documents;
use crate::planned::Disk;

/// The manifests of a scope, below a directory.
fn manifests(disk: &Disk, scope: &[&str]) -> TempDir {
    let out = TempDir::new().unwrap();
    let to = out.path().join("m");
    let more = ["-o", to.to_str().unwrap()];
    let output = disk.run("mounts", &[scope, &more].concat(), &[]);
    assert!(output.status.success(), "{output:?}");
    out
}

fn read(made: &TempDir, file: &str) -> String {
    std::fs::read_to_string(made.path().join("m").join(file)).unwrap()
}

/// What is in the image, of whichever layer; directories that are made among it.
fn imaged(made: &TempDir) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for entry in std::fs::read_dir(made.path().join("m/containerfile")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let bytes = std::fs::read(&path).unwrap();
        if name.ends_with(".list") {
            let names = bytes.split(|&b| b == 0).filter(|name| !name.is_empty());
            found.extend(names.map(|name| {
                let name = String::from_utf8_lossy(name);
                format!("/{}", name.trim_start_matches("./").trim_matches('/'))
            }));
        } else if name.ends_with(".made.tar") {
            let mut archive = tar::Archive::new(&bytes[..]);
            for entry in archive.entries().unwrap() {
                let path = entry.unwrap().path().unwrap().into_owned();
                let name = path.to_str().unwrap().trim_start_matches("./").to_owned();
                found.insert(format!("/{}", name.trim_matches('/')));
            }
        }
    }
    found
}

/// A package that owns files, and what it needs.
fn package(disk: &Disk, name: &str, depends: &str, files: &[(&str, &str)]) {
    let status = std::fs::read_to_string(disk.host("/var/lib/dpkg/status")).unwrap_or_default();
    let depends = match depends {
        "" => String::new(),
        names => format!("Depends: {names}\n"),
    };
    let own = format!(
        "Package: {name}\nStatus: install ok installed\nArchitecture: all\nVersion: 1\n{depends}\n"
    );
    disk.text("/var/lib/dpkg/status", &(status + &own));
    let mut list = String::from("/.\n");
    for (path, text) in files {
        disk.text(path, text);
        list += &format!("{path}\n");
    }
    disk.text(&format!("/var/lib/dpkg/info/{name}.list"), &list);
}

#[test]
fn each_program_of_a_supervisor_s_file_has_its_own_variables() {
    let disk = Disk::new();
    disk.text("/opt/pair/a", "#!/bin/sh\nsleep 9\n");
    disk.text("/opt/pair/b", "#!/bin/sh\nsleep 9\n");
    disk.text(
        "/etc/supervisor/conf.d/pair.conf",
        "[program:pair-a]\ncommand=/opt/pair/a\nenvironment=LISTEN=\"7001\",PEER=\"x\"\n\
         [program:pair-b]\ncommand=/opt/pair/b\nenvironment=LISTEN=\"7002\"\n",
    );
    let made = manifests(&disk, &["/opt/pair"]);
    let services = &documents(&read(&made, "compose/compose.yaml"))[0]["services"];
    let of = |name: &str, variable: &str| {
        let value = &services[name]["environment"][variable];
        value.as_str().map(str::to_owned)
    };
    let text = |value: &str| Some(value.to_owned());
    assert_eq!(of("pair-a", "LISTEN"), text("7001"), "{services}");
    assert_eq!(of("pair-b", "LISTEN"), text("7002"), "{services}");
    assert_eq!(of("pair-a", "PEER"), text("x"));
    assert_eq!(of("pair-b", "PEER"), None);
}

/// crontab(5): HOME and LOGNAME are set from the user's entry, unless the table sets them.
#[test]
fn what_a_user_s_table_starts_from_the_home_is_found() {
    for (table, is_found) in [
        ("@reboot $HOME/tide/run.sh\n", true),
        ("@reboot cd ~/tide && ./run.sh >/dev/null 2>&1\n", true),
        ("@reboot /home/$LOGNAME/tide/run.sh\n", true),
        ("HOME=/srv/other\n@reboot $HOME/tide/run.sh\n", false),
    ] {
        let disk = Disk::new();
        disk.text(
            "/etc/passwd",
            "root:x:0:0::/root:/bin/sh\nann:x:1000:1000::/home/ann:/bin/sh\n",
        );
        disk.text("/home/ann/tide/run.sh", "#!/bin/sh\nsleep 9\n");
        disk.text("/var/spool/cron/crontabs/ann", table);
        let made = manifests(&disk, &["/home/ann/tide"]);
        let script = read(&made, "docker/run.sh");
        let is_started = script.contains("/home/ann/tide/run.sh");
        assert_eq!(is_started, is_found, "{table}{script}");
        assert!(!is_found || script.contains("--user 1000:1000"), "{script}");
        assert!(
            !is_found || script.contains("--env HOME=/home/ann\n"),
            "{script}"
        );
    }
    // In a table of the system each job has the home of its own user.
    let disk = Disk::new();
    disk.text(
        "/etc/passwd",
        "root:x:0:0::/root:/bin/sh\nann:x:1000:1000::/home/ann:/bin/sh\nbo:x:1001:1001::/srv/bo:/bin/sh\n",
    );
    for name in ["ebb", "flow"] {
        disk.text(&format!("/opt/tide/{name}"), "#!/bin/sh\nsleep 9\n");
    }
    let table = "@reboot ann /opt/tide/ebb\n@reboot bo /opt/tide/flow\n";
    disk.text("/etc/cron.d/tide", table);
    let made = manifests(&disk, &["/opt/tide"]);
    let services = &documents(&read(&made, "compose/compose.yaml"))[0]["services"];
    let homes: BTreeSet<(&str, &str)> = services
        .as_object()
        .unwrap()
        .values()
        .filter_map(|one| Some((one["user"].as_str()?, one["environment"]["HOME"].as_str()?)))
        .collect();
    let wanted = [("1000:1000", "/home/ann"), ("1001:1001", "/srv/bo")];
    assert_eq!(homes, wanted.into(), "{services}");
}

/// An interpreter finds its modules by name; the packages that have them are part of the image, and so
/// is what no package has.
#[test]
fn modules_that_scripts_ask_for_come_along_with_their_packages() {
    let disk = Disk::new();
    // The places of its modules stand in the program of Perl.
    let perl = "\0/usr/share/perl5\0/usr/local/share/perl/5.36\0";
    package(&disk, "perl-base", "", &[("/usr/bin/perl", perl)]);
    package(
        &disk,
        "perl",
        "perl-base",
        &[("/usr/share/perl/5.36/FindBin.pm", "1;\n")],
    );
    let dbi = ("/usr/share/perl5/Tide/Table.pm", "1;\n");
    package(&disk, "libtide-table-perl", "libtide-c", &[dbi]);
    package(&disk, "libtide-c", "", &[("/usr/lib/libtide.dat", "x")]);
    let other = ("/usr/share/perl5/Other.pm", "1;\n");
    package(&disk, "libother-perl", "", &[other]);
    disk.text(
        "/usr/local/share/perl/5.36/Moon.pm",
        "use Moon::Phase;\n1;\n",
    );
    disk.text("/usr/local/share/perl/5.36/Moon/Phase.pm", "1;\n");
    disk.text(
        "/opt/gauge/bin/gauged",
        "#!/usr/bin/perl\nuse Tide::Table;\nuse Moon;\nuse Absent;\nsleep 9;\n",
    );
    let scope = ["/opt/gauge", "--unit", "gauged.service"];
    std::fs::set_permissions(
        disk.host("/usr/bin/perl"),
        std::os::unix::fs::PermissionsExt::from_mode(0o755),
    )
    .unwrap();
    let found = imaged(&manifests(&disk, &scope));
    for path in [
        "/usr/share/perl5/Tide/Table.pm",
        "/usr/lib/libtide.dat",
        "/usr/local/share/perl/5.36/Moon.pm",
        "/usr/local/share/perl/5.36/Moon/Phase.pm",
        "/usr/share/perl/5.36/FindBin.pm",
    ] {
        assert!(found.contains(path), "no {path}: {found:#?}");
    }
    assert!(!found.contains("/usr/share/perl5/Other.pm"));
}

/// What a program in Lua or Tcl asks for lies in a directory of the version, of the architecture or of
/// its own.
#[test]
fn modules_of_lua_and_tcl_come_along_too() {
    let lua = "/usr/lib/x86_64-linux-gnu/lua/5.4/tide.so";
    let pure = "/usr/share/lua/5.4/tide/moon.lua";
    let tcl = "/usr/share/tcltk/tcllib1.21/Moon/pkgIndex.tcl";
    let apart = "/usr/share/tcltk/tcllib1.21/moonshine/pkgIndex.tcl";
    for (first, asked, comes) in [
        ("#!/usr/bin/lua5.4", "local t = require('tide')", &[lua][..]),
        ("#!/usr/bin/lua5.4", "require \"tide.moon\"", &[pure]),
        ("#!/usr/bin/lua5.4", "-- require 'tide'", &[]),
        (
            "#!/usr/bin/tclsh",
            "package require -exact moon 1.2;",
            &[tcl],
        ),
        ("#!/usr/bin/tclsh", "# package provide moon", &[]),
    ] {
        let disk = Disk::new();
        let all = [lua, pure, tcl, apart];
        for (number, path) in all.iter().enumerate() {
            package(&disk, &format!("lib{number}"), "", &[(*path, "x")]);
        }
        package(&disk, "lua5.4", "", &[("/usr/bin/lua5.4", "#!\n")]);
        package(&disk, "tcl8.6", "", &[("/usr/bin/tclsh", "#!\n")]);
        disk.text("/opt/gauge/bin/gauged", &format!("{first}\n{asked}\n"));
        let scope = ["/opt/gauge", "--unit", "gauged.service"];
        let found = imaged(&manifests(&disk, &scope));
        for path in all {
            assert_eq!(
                found.contains(path),
                comes.contains(&path),
                "{asked}: {path}"
            );
        }
    }
}

/// The standard library of the interpreter behind a virtual environment is in other packages than the
/// interpreter itself.
#[test]
fn the_interpreter_of_a_virtual_environment_is_whole() {
    let disk = Disk::new();
    let program = ("/usr/bin/python3.11", "#!\n");
    package(&disk, "python3.11-minimal", "", &[program]);
    package(
        &disk,
        "libpython3.11-stdlib",
        "",
        &[("/usr/lib/python3.11/json/__init__.py", "")],
    );
    let whole = ("/usr/lib/python3.11/pydoc.py", "");
    package(&disk, "python3.11", "python3.11-minimal", &[whole]);
    let venv = disk.host("/opt/gauge/venv/bin");
    std::fs::create_dir_all(&venv).unwrap();
    std::os::unix::fs::symlink("/usr/bin/python3.11", venv.join("python3")).unwrap();
    disk.text("/opt/gauge/venv/pyvenv.cfg", "home = /usr/bin\n");
    disk.text(
        "/opt/gauge/bin/gauged",
        "#!/opt/gauge/venv/bin/python3\nimport json, time\ntime.sleep(9)\n",
    );
    let scope = ["/opt/gauge", "--unit", "gauged.service"];
    let found = imaged(&manifests(&disk, &scope));
    for path in [
        "/usr/bin/python3.11",
        "/usr/lib/python3.11/json/__init__.py",
        "/usr/lib/python3.11/pydoc.py",
    ] {
        assert!(found.contains(path), "no {path}: {found:#?}");
    }
}

/// systemd-nspawn(1) makes the home of the user that it starts a program as, which a read-only root
/// refuses.
#[test]
fn a_home_that_the_old_host_has_not_is_there_in_the_image() {
    for (home, is_made) in [
        ("/nonexistent", true),
        ("/var/lib/gauge", true),
        ("/", false),
    ] {
        let disk = Disk::new();
        let accounts = format!("root:x:0:0::/root:/bin/sh\nsvc:x:70:70::{home}:/bin/sh\n");
        disk.text("/etc/passwd", &accounts);
        disk.unit("User=svc\nExecStart=/opt/gauge/bin/gauged\n");
        let scope = ["/opt/gauge", "--unit", "gauged.service"];
        let found = imaged(&manifests(&disk, &scope));
        assert_eq!(found.contains(home) && home != "/", is_made, "{found:#?}");
    }
}

/// What a program is given is there in the container, whoever owns it and whatever it is called.
#[test]
fn a_directory_on_the_command_line_is_mounted_and_one_with_a_program_is_the_application() {
    let by_script = "#!/bin/sh\n. /etc/default/gauged\nfor d in $GAUGE_PLACE; do\n  [ -d \"$d\" ] || exit 1\ndone\n\
                     start-stop-daemon --start --exec /opt/gauge/bin/gauged -- --listen $GAUGE_PLACE\n";
    for place in ["/srv/rolls", "/vol7/in", "/home/plotter/out"] {
        for how in ["-s @", "--secure @", "--root=@", "@", "init"] {
            let disk = Disk::new();
            disk.dir(place);
            let unit = match how {
                "init" => {
                    std::fs::remove_file(disk.host("/etc/systemd/system/gauged.service")).unwrap();
                    disk.text("/etc/init.d/gauged", by_script);
                    disk.text("/etc/default/gauged", &format!("GAUGE_PLACE=\"{place}\"\n"));
                    "gauged"
                }
                how => {
                    let words = how.replace('@', place);
                    disk.unit(&format!("ExecStart=/opt/gauge/bin/gauged {words}\n"));
                    "gauged.service"
                }
            };
            let scope = ["/opt/gauge", "--unit", unit];
            let output = disk.run("scan", &scope, &["--format", "json"]);
            let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
            let mounts = report["plan"]["mounts"].as_array().unwrap();
            let is_there = |mount: &serde_json::Value| {
                mount["path"] == *place && mount["access"] == "rw" && mount["class"] == "data"
            };
            assert!(mounts.iter().any(is_there), "{how} {place}: {mounts:?}");
        }
    }
    // A tree with a program in it is what is started.
    let disk = Disk::new();
    disk.text("/srv/rolls/lib/plot.py", "print(1)\n");
    disk.unit("ExecStart=/opt/gauge/bin/gauged --app /srv/rolls\n");
    let report = disk.report();
    let scope = report["target"]["scope"].to_string();
    assert!(scope.contains("\"/srv/rolls\""), "{scope}");
    assert!(!disk.mounts().iter().any(|m| m.ends_with(" /srv/rolls")));
}

/// What only what lies in it asks to be mounted is as it is on disk.
#[test]
fn a_mount_has_the_size_and_the_owner_of_its_directory() {
    let disk = Disk::new();
    disk.text("/etc/gauge/rates.conf", "mode = fast\n");
    disk.text("/etc/gauge/units.conf", "mode = fast\n");
    disk.program(". /etc/gauge/rates.conf\n. /etc/gauge/units.conf\nsleep 9\n");
    let report = disk.report();
    let mounts = report["plan"]["mounts"].as_array().unwrap();
    let of = |mount: &&serde_json::Value| mount["path"] == "/etc/gauge";
    let mount = mounts.iter().find(of).unwrap();
    assert_eq!(
        (&mount["size_bytes"], &mount["seed"]),
        (&24.into(), &true.into()),
        "{mount}"
    );
}

/// The user that services of a test run as, and to whom what they have made belongs: whoever runs the
/// tests, and another where that is root.
fn service_user(disk: &Disk) -> u32 {
    use std::os::unix::fs::MetadataExt as _;
    let own = std::fs::metadata(disk.host("/opt/gauge")).unwrap().uid();
    let uid = if own == 0 { 900 } else { own };
    let line =
        format!("root:x:0:0:root:/root:/bin/sh\ngauge:x:{uid}:{uid}::/nonexistent:/bin/false\n");
    disk.text("/etc/passwd", &line);
    disk.unit("User=gauge\nExecStart=/opt/gauge/bin/gauged\n");
    disk.program("grep mode /opt/gauge/conf/gauge.conf\nsleep 9\n");
    disk.text("/opt/gauge/conf/gauge.conf", "mode = fast\n");
    disk.text("/opt/gauge/conf/rates.xml", "<rates/>\n");
    uid
}

#[test]
fn settings_of_which_versions_are_kept_are_written_by_their_program() {
    let written = "rw dir config /opt/gauge/conf";
    for (version, is_kept) in [
        ("history/20240101-gauge.conf", true),
        ("gauge_history/gauge.initial.conf", true),
        ("versions/a/0001.gauge.conf", true),
        ("past/3-rates.xml", true),
        ("old/gauge.conf.bak", false),
    ] {
        let disk = Disk::new();
        let uid = service_user(&disk);
        let path = format!("/opt/gauge/conf/{version}");
        disk.text(&path, "mode = slow\n");
        let _ = std::os::unix::fs::chown(disk.host(&path), Some(uid), Some(uid));
        assert_eq!(disk.has(written), is_kept, "{version}: {:?}", disk.mounts());
        // What root has put there is a person's.
        if is_kept && std::os::unix::fs::chown(disk.host(&path), Some(0), Some(0)).is_ok() {
            assert!(!disk.has(written), "{version}");
        }
    }
}

#[test]
fn what_a_deployer_keeps_beside_the_releases_is_no_mount() {
    let beside = [
        "/opt/gauge/log/deploys.log",
        "/opt/gauge/cache/objects",
        "/opt/gauge/spool/queue",
    ];
    for is_deployed in [true, false] {
        let disk = Disk::new();
        disk.text("/opt/gauge/releases/7/bin/run", "#!/bin/sh\nsleep 9\n");
        disk.dir("/opt/gauge/shared/uploads");
        disk.text(
            "/opt/gauge/log/deploys.log",
            "2024-01-01 00:00:01 release 7\n",
        );
        disk.text("/opt/gauge/cache/objects/pack", "x");
        disk.dir("/opt/gauge/spool/queue");
        if is_deployed {
            std::os::unix::fs::symlink("releases/7", disk.host("/opt/gauge/current")).unwrap();
        }
        let mounts = disk.mounts();
        for path in beside {
            let holds = |mount: &String| path.starts_with(mount.split(' ').nth(3).unwrap());
            assert_eq!(mounts.iter().any(holds), !is_deployed, "{path}: {mounts:?}");
        }
        let uploads = |mount: &String| mount.contains("/opt/gauge/shared");
        assert!(mounts.iter().any(uploads), "{mounts:?}");
        // What the application writes there is its own.
        disk.program("echo x >> /opt/gauge/log/gauge.log\nsleep 9\n");
        let mounts = disk.mounts();
        assert!(
            mounts.iter().any(|m| m.ends_with(" /opt/gauge/log")),
            "{mounts:?}"
        );
    }
}

/// Whose home it is shows where all is linked, however much is known of the program that says so.
#[test]
fn a_hidden_name_in_a_home_counts_in_a_program_that_is_followed() {
    for (name, program) in [
        (
            "run.pl",
            "#!/usr/bin/perl\nmy $dir = (getpwuid($>))[7];\nsub state { return $dir . \"/.gauge/state\"; }\nprint state();\n",
        ),
        (
            "run.py",
            "#!/usr/bin/python3\nimport os, pwd\ndef state():\n    return os.path.expanduser('~/.gauge/state')\nprint(state())\n",
        ),
        ("run.sh", "#!/bin/sh\nstate() { ls ~/.gauge; }\nstate\n"),
    ] {
        let disk = Disk::new();
        disk.dir("/root");
        disk.text(&format!("/opt/gauge/bin/{name}"), program);
        disk.unit(&format!("ExecStart=/opt/gauge/bin/{name}\n"));
        let mounts = disk.mounts();
        assert!(disk.has("rw dir data /root/.gauge"), "{name}: {mounts:?}");
    }
}

/// What a start is given among its code is no code, and belongs to whoever may write it.
#[test]
fn a_file_that_a_start_is_given_among_its_code_is_kept_outside_the_image() {
    let lines =
        |manifest: &str| format!("{{\"name\":\"gauge\",\"scripts\":{{\"start\":\"{manifest}\"}}}}");
    for (start, manifest, book, class) in [
        (
            "/usr/bin/npm start",
            lines("serve --port 9000 book.json"),
            "book.json",
            "config",
        ),
        (
            "/usr/bin/npm run start",
            lines("serve --watch ./book.txt"),
            "book.txt",
            "data",
        ),
        (
            "/opt/gauge/bin/gauged /opt/gauge/book.bin",
            lines(""),
            "book.bin",
            "data",
        ),
    ] {
        let book = format!("/opt/gauge/{book}");
        let disk = Disk::new();
        let uid = service_user(&disk);
        disk.text("/usr/bin/npm", "#!/usr/bin/env node\n");
        disk.text("/opt/gauge/package.json", &manifest);
        disk.text(
            "/opt/gauge/node_modules/.bin/serve",
            "#!/usr/bin/env node\n",
        );
        disk.text(&book, "{}\n");
        let own = |path: &str| {
            let _ = std::os::unix::fs::chown(disk.host(path), Some(uid), Some(uid));
        };
        own("/opt/gauge");
        own(&book);
        disk.unit(&format!(
            "User=gauge\nWorkingDirectory=/opt/gauge\nExecStart={start}\n"
        ));
        let mounts = disk.mounts();
        let mount = format!("rw file {class} {book}");
        assert!(mounts.contains(&mount), "{start}: {mounts:?}");
        assert!(
            !mounts.iter().any(|mount| mount.contains("package.json")),
            "{mounts:?}"
        );
    }
}
