//! A file that is mounted alone, and that its program may replace by another one: over a mount that fails
//! (rename(2), EBUSY), and somebody has to be told before.

use serde_json::Value;

use crate::planned::Disk;

/// A program with its entries in a file among its code, and settings that say where.
fn disk(program: &str, script: &str) -> Disk {
    let disk = Disk::new();
    let unit = format!("ExecStart=/opt/gauge/{program} /opt/gauge/book.json\n");
    disk.unit(&unit);
    disk.text(&format!("/opt/gauge/{program}"), script);
    disk.text("/opt/gauge/helper.py", "x = 1\n");
    disk.text("/opt/gauge/book.json", "{}\n");
    disk.text(
        "/opt/gauge/etc/gauge.conf",
        "data_file = /opt/gauge/book.json\n",
    );
    disk
}

/// The mount of the file with its entries.
fn book(report: &Value) -> &Value {
    let mut mounts = report["plan"]["mounts"].as_array().unwrap().iter();
    mounts
        .find(|mount| mount["path"] == "/opt/gauge/book.json")
        .unwrap()
}

const PYTHON: &str = "#!/usr/bin/python3\nimport os, sys, tempfile\n\ndef save(path, text):\n    \
                      fd, new = tempfile.mkstemp(dir=os.path.dirname(path))\n    os.write(fd, text)\n    \
                      os.replace(new, path)\n\nsave(sys.argv[1], b'x')\n";

const JAVASCRIPT: &str = "#!/usr/bin/node\nconst fs = require('fs');\nfunction save(file, data, then) {\n  \
                          const part = file + '~';\n  \
                          fs.writeFile(part, data, () => fs.rename(part, file, then));\n}\n\
                          save(process.argv[2], '{}', () => {});\n";

const SHELL: &str = "#!/bin/sh\nwhile read -r line; do\n  echo \"$line\" >\"$1.new\"\n  mv \"$1.new\" \"$1\"\ndone\n";

#[test]
fn code_that_replaces_files_of_unknown_names_is_told_beside_a_file_mounted_alone() {
    for (program, script, line) in [
        ("gauged.py", PYTHON, 7),
        ("gauged.js", JAVASCRIPT, 5),
        ("gauged.sh", SHELL, 4),
    ] {
        let disk = disk(program, script);
        let report = disk.report();
        let book = book(&report);
        let place = &book["may_be_replaced"];
        assert_eq!(place["file"], format!("/opt/gauge/{program}"), "{book}");
        assert_eq!(place["line"], line, "{book}");
        // It is a suspicion: no less of it is said to be known, and nothing is blocked.
        assert!(book["replaced"].is_null(), "{book}");
        for target in ["docker/run.sh", "compose/compose.yaml"] {
            let text = disk.manifest(target);
            assert!(text.contains("EBUSY"), "{target}: {text}");
        }
        let shown = disk.run("scan", &["/opt/gauge", "--unit", "gauged.service"], &[]);
        let shown = String::from_utf8_lossy(&shown.stdout).into_owned();
        assert!(shown.contains("may be replaced by renaming"), "{shown}");
    }
}

#[test]
fn a_file_that_is_seen_to_be_written_where_it_is_is_not_suspected() {
    let in_place = "#!/usr/bin/python3\nimport os, sys\n\ndef turn(old, new):\n    os.replace(old, new)\n\n\
                    open('/opt/gauge/book.json', 'w').write('{}')\n";
    let disk = disk("gauged.py", in_place);
    let report = disk.report();
    let book = book(&report);
    assert!(book["may_be_replaced"].is_null(), "{book}");
}

#[test]
fn a_directory_of_its_own_is_nothing_to_tell_of() {
    let disk = disk("gauged.py", PYTHON);
    disk.unit("ExecStart=/opt/gauge/gauged.py /opt/gauge/data/book.json\n");
    disk.text("/opt/gauge/data/book.json", "{}\n");
    disk.text(
        "/opt/gauge/etc/gauge.conf",
        "data_file = /opt/gauge/data/book.json\n",
    );
    let report = disk.report();
    for mount in report["plan"]["mounts"].as_array().unwrap() {
        assert!(mount["may_be_replaced"].is_null(), "{mount}");
    }
}
