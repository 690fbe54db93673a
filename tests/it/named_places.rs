//! What the names of directories and files say, and what they do not.

use crate::lab::{Lab, ports};

/// An application below `top`, started in it by the command `start`.
fn started(top: &str, start: &str, files: &[(&str, &str)]) -> Lab {
    let service = format!("WorkingDirectory={top}\nExecStart={start}");
    let lab = Lab::new(top, "/var/kiln", &service);
    for (name, text) in files {
        lab.put(&format!("{top}/{name}"), text);
    }
    lab
}

const NODE: &str = "/usr/bin/node server.js";

#[test]
fn what_an_administrator_called_the_directory_says_nothing() {
    let program = "const fs = require('fs'), path = require('path');\n\
                   fs.writeFileSync(path.join(__dirname, 'kept', 'now'), '1');\n\
                   require('http').createServer().listen(9101);\n";
    for top in [
        "/srv/gems",
        "/opt/vendor",
        "/var/www/tests",
        "/home/potter/examples",
        "/usr/local/node_modules",
        "/tests",
    ] {
        let lab = started(top, NODE, &[("server.js", program)]);
        assert_eq!(lab.written(), [format!("{top}/kept")], "{top}");
        assert_eq!(ports(&lab.report()), [9101], "{top}");
    }
    // Below it, such a name says what it always says.
    let lab = started(
        "/srv/kiln",
        NODE,
        &[
            ("server.js", program),
            ("tests/run.py", "open('/srv/tested', 'w')\n"),
        ],
    );
    assert_eq!(lab.written(), ["/srv/kiln/kept"]);
}

#[test]
fn nothing_lies_below_a_file() {
    let perl = "my $base = $0;\nopen(my $out, '>', \"/opt/kiln/kiln.pl/log/x\");\nopen(my $own, '>', '/opt/kiln/log/y');\n";
    let lab = started(
        "/opt/kiln",
        "/usr/bin/perl /opt/kiln/kiln.pl",
        &[("kiln.pl", perl)],
    );
    assert_eq!(lab.written(), ["/opt/kiln/log"]);
}

#[test]
fn names_made_up_at_run_time_are_no_mounts_among_code() {
    let program = "const fs = require('fs');\n\
                   fs.writeFileSync(__dirname + '/' + process.pid + '.part', '1');\n\
                   fs.writeFileSync(__dirname + '/parts/' + process.pid + '.part', '1');\n";
    let lab = started("/opt/kiln", NODE, &[("server.js", program)]);
    assert_eq!(lab.written(), ["/opt/kiln/parts"]);
    // It is told all the same.
    let paths = lab.report()["paths"].to_string();
    assert!(paths.contains("/opt/kiln/*.part"), "{paths}");
}

#[test]
fn letters_are_made_small_and_large_in_every_language() {
    for (start, file, text) in [
        (
            "/usr/bin/python3 run.py",
            "run.py",
            "import os\nNAME = 'Kiln'\ndef place(name):\n    return os.path.join('/srv', name.lower() + '-KEPT'.lower())\nopen(os.path.join(place(NAME), 'x'), 'w')\n",
        ),
        (
            NODE,
            "server.js",
            "const fs = require('fs'), path = require('path');\nconst NAME = 'KILN';\nfunction place(name) { return path.join('/srv', name.toLowerCase() + '-kept'); }\nfs.writeFileSync(path.join(place(NAME), 'x'), '');\n",
        ),
        (
            "/usr/bin/perl run.pl",
            "run.pl",
            "my $name = 'Kiln';\nmy $dir = '/srv/' . lc($name) . '-kept';\nopen(my $out, '>', \"$dir/x\");\n",
        ),
        (
            "/usr/bin/php run.php",
            "run.php",
            "<?php\n$name = 'KILN';\n$dir = '/srv/' . strtolower($name) . '-kept';\nfile_put_contents($dir . '/x', '');\n",
        ),
        (
            "/usr/bin/ruby run.rb",
            "run.rb",
            "NAME = 'Kiln'\ndir = File.join('/srv', NAME.downcase + '-kept')\nFile.write(File.join(dir, 'x'), '')\n",
        ),
    ] {
        let lab = started("/opt/kiln", start, &[(file, text)]);
        assert_eq!(lab.written(), ["/srv/kiln-kept"], "{file}");
    }
}

#[test]
fn a_file_that_is_called_after_sqlite_is_a_database() {
    for (start, file, text) in [
        (
            "/usr/bin/python3 run.py",
            "run.py",
            "import os\nBASE = os.path.dirname(os.path.abspath(__file__))\nDATABASES = {'default': {'ENGINE': 'sqlite3', 'NAME': os.path.join(BASE, 'kiln.sqlite3')}}\n",
        ),
        (
            NODE,
            "server.js",
            "const path = require('path');\nconst file = path.join(__dirname, 'kiln.sqlite3');\nmodule.exports = { file };\n",
        ),
    ] {
        let lab = started("/opt/kiln", start, &[(file, text)]);
        assert_eq!(lab.written(), ["/opt/kiln/kiln.sqlite3"], "{file}");
    }
    // A file of another ending that is only named is none.
    let text = "import os\nBASE = os.path.dirname(os.path.abspath(__file__))\nLIST = os.path.join(BASE, 'kiln.list')\n";
    let lab = started("/opt/kiln", "/usr/bin/python3 run.py", &[("run.py", text)]);
    assert!(lab.written().is_empty(), "{:?}", lab.written());
}

#[test]
fn what_stands_beside_code_of_its_own_is_a_part_of_the_program() {
    let files = [
        ("node_modules/express/index.js", "module.exports = 1;\n"),
        ("locales/en.json", "{\"a\": \"b\"}\n"),
        (".github/stale.json", "{}\n"),
        ("themes/plain/plain.txt", "plain\n"),
    ];
    let own = [("server.js", "require('fs');\n")];
    let lab = started("/opt/kiln", NODE, &[&own[..], &files].concat());
    assert!(lab.written().is_empty(), "{:?}", lab.written());
    // Where all code came as packages, it is an instance, and the rest is its state.
    let files = [
        ("venv/lib/python3.11/site-packages/kiln/__init__.py", "\n"),
        (
            "venv/bin/kiln",
            "#!/opt/kiln/venv/bin/python3\nfrom kiln import main\nmain()\n",
        ),
        ("instance/kept.txt", "kept\n"),
        (".github/stale.json", "{}\n"),
    ];
    let lab = started("/opt/kiln", "/opt/kiln/venv/bin/kiln", &files);
    assert_eq!(lab.written(), ["/opt/kiln/instance"]);
}
