//! Programs of Java as they are started: class files through class paths, with properties, settings and the
//! directory of the process. How the archives are made says `tests/java/README.md`.

use serde_json::Value;

use crate::lab::{Lab, ports, written};

const OF_8: &[u8] = include_bytes!("../java/programs-8.jar");
const OF_17: &[u8] = include_bytes!("../java/programs-17.jar");

/// The application's tree `/opt/yard`, started as a user whose home is `/home/yard`.
fn started(service: &str) -> Lab {
    Lab::new("/opt/yard", "/home/yard", service)
}

/// The places that are written, and the ports.
fn plan(report: &Value) -> (Vec<String>, Vec<u64>) {
    (written(report), ports(report))
}

fn has(report: &Value, path: &str, touch: &str) -> bool {
    let paths = report["paths"].as_array().unwrap().iter();
    let mut of_path = paths.filter(|entry| entry["path"] == path);
    of_path.any(|entry| {
        let because = entry["because"].as_array().unwrap();
        because
            .iter()
            .any(|fact| fact["touch"] == touch && fact["source"] == "script")
    })
}

const START: &str = "#!/bin/sh\ncd \"$(dirname \"$0\")/..\"\nexec java -Dledger.spool=/var/spool/ledger \\\n  -cp \"lib/*\" org.example.ledger.Main \"$@\"\n";

#[test]
fn values_flow_through_classes_whatever_the_compiler_made_of_strings() {
    for archive in [OF_8, OF_17] {
        let lab =
            started("Environment=LEDGER_CACHE=/var/cache/ledger\nExecStart=/opt/yard/bin/start.sh")
                .with("/opt/yard/bin/start.sh", START.as_bytes())
                .with("/opt/yard/lib/programs.jar", archive)
                .with(
                    "/opt/yard/conf/ledger.properties",
                    b"data.dir=/srv/ledger/data\nport=9191\n",
                );
        let report = lab.report();
        let wanted = [
            "/home/yard/.ledger",
            "/opt/yard/audit.log",
            "/srv/ledger/data",
            "/var/cache/ledger",
            "/var/spool/ledger",
        ];
        // What `Repair` and `Depot` write is not there: nothing comes to them.
        assert_eq!(
            plan(&report),
            (wanted.map(str::to_owned).to_vec(), vec![9191])
        );
        assert!(has(&report, "/opt/yard/conf/ledger.properties", "reads"));
        assert!(has(&report, "/srv/ledger/data/ledger.db", "writes"));
        assert!(has(&report, "/srv/ledger/data/first.part", "removes"));
    }
}

#[test]
fn a_default_counts_where_the_settings_say_nothing() {
    let lab = started("WorkingDirectory=/opt/yard\nExecStart=/usr/bin/java -jar lib/programs.jar")
        .with("/opt/yard/lib/programs.jar", OF_17)
        .with("/opt/yard/conf/ledger.properties", b"# empty\n");
    let (written, ports) = plan(&lab.report());
    for path in ["/opt/yard/data", "/opt/yard/spool", "/opt/yard/audit.log"] {
        assert!(
            written.iter().any(|written| written == path),
            "{path}: {written:?}"
        );
    }
    assert_eq!(ports, [8181]);
}

#[test]
fn an_argument_of_the_command_line_is_one_of_main() {
    let start = "ExecStart=/usr/bin/jsvc -user kiln -cp /opt/yard/lib/programs.jar org.example.ledger.Main /opt/yard/here";
    let lab = started(start)
        .with("/opt/yard/lib/programs.jar", OF_17)
        .with(
            "/opt/yard/here/conf/ledger.properties",
            b"data.dir=/var/lib/yard\n",
        );
    let report = lab.report();
    assert!(has(
        &report,
        "/opt/yard/here/conf/ledger.properties",
        "reads"
    ));
    assert!(has(&report, "/var/lib/yard/first.entry", "writes"));
}

#[test]
fn a_launcher_is_given_the_class() {
    let start = "Environment=CLASSPATH=/opt/yard/lib/launcher.jar:/opt/yard/lib/programs.jar\nExecStart=/usr/bin/java org.launcher.Start org.example.depot.Depot";
    let lab = started(start).with("/opt/yard/lib/programs.jar", OF_8);
    depot(&lab.report());
}

#[test]
fn branches_loops_and_functions_are_run() {
    for archive in [OF_8, OF_17] {
        let start = "ExecStart=/usr/bin/java -server -cp /opt/yard/lib/programs.jar org.example.depot.Depot";
        let lab = started(start).with("/opt/yard/lib/programs.jar", archive);
        depot(&lab.report());
    }
}

fn depot(report: &Value) {
    for (path, touch) in [
        ("/var/lib/depot-spare/slot-*", "creates"),
        ("/var/lib/depot-plain/slot-*", "creates"),
        ("/srv/depot/shelves/left", "creates"),
        ("/var/spool/depot/new.csv", "removes"),
        ("/var/cache/depot/now.csv", "writes"),
        ("/var/cache/depot/stock.csv", "writes"),
        ("/home/yard/depot.mv.db", "writes"),
        ("/var/lib/depot/base.script", "writes"),
        ("/var/log/depot/last", "writes"),
        ("/etc/depot/list", "reads"),
        ("/opt/yard/lib/beside.txt", "writes"),
    ] {
        assert!(has(report, path, touch), "{path} {touch}");
    }
    let (_, ports) = plan(report);
    assert_eq!(ports, [7070, 7071, 7072]);
}

#[test]
fn classes_lie_in_directories_too() {
    let start =
        "WorkingDirectory=/opt/yard\nExecStart=/usr/bin/java -cp classes org.example.depot.Depot";
    let lab = started(start);
    let mut archive = zip(OF_17);
    archive.retain(|(name, _)| {
        std::path::Path::new(name)
            .extension()
            .is_some_and(|ending| ending == "class")
    });
    for (name, content) in archive {
        lab.put(&format!("/opt/yard/classes/{name}"), &content);
    }
    let report = lab.report();
    assert!(has(&report, "/var/cache/depot/stock.csv", "writes"));
    assert!(has(&report, "/opt/yard/beside.txt", "writes"));
}

/// The members of an archive, by the library's own reader.
fn zip(bytes: &[u8]) -> Vec<(String, Vec<u8>)> {
    let source = bytes.to_vec();
    let archive = seaworthy::parse::content::archive::Archive::open(&source).unwrap();
    let read = |member: seaworthy::parse::content::archive::Member<'_>| {
        let name = String::from_utf8(member.name.to_vec()).unwrap();
        (
            name,
            seaworthy::parse::content::archive::unpack(&source, member.at, 1 << 20).unwrap(),
        )
    };
    archive.members().map(read).collect()
}
