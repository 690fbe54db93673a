//! Programs in scripting languages as they are started: what a path is made of lies in several files,
//! and in the directory, home and environment of the process.

use crate::lab::Lab;

/// The application's tree `/opt/kiln`, started as the user `kiln`.
fn started(files: &[(&str, &str)], service: &str) -> Lab {
    let lab = Lab::new("/opt/kiln", "/var/kiln", service);
    for (path, text) in files {
        lab.put(path, text);
    }
    lab
}

/// A program of each language: its files, its start, and where it writes.
type Program<'a> = (&'a str, &'a [(&'a str, &'a str)], &'a str, &'a [&'a str]);

fn check(programs: &[Program<'_>]) {
    for (name, files, service, wanted) in programs {
        started(files, service).writes(name, wanted);
    }
}

#[test]
fn a_path_is_put_together_across_files() {
    check(&[
        (
            "JavaScript, an object that is required",
            &[
                (
                    "/opt/kiln/server.js",
                    "const fs = require('fs'), path = require('path');\n\
                  const conf = require('./lib/conf');\n\
                  fs.appendFileSync(path.join(conf.store, 'firings.log'), 'x');\n",
                ),
                (
                    "/opt/kiln/lib/conf.js",
                    "const path = require('path');\n\
                  exports.store = path.join(__dirname, '..', 'firings');\n",
                ),
            ],
            "ExecStart=/usr/bin/node /opt/kiln/server.js",
            &["/opt/kiln/firings"],
        ),
        (
            "JavaScript, a module that is imported, and a function of it",
            &[
                (
                    "/opt/kiln/main.mjs",
                    "import fs from 'node:fs';\nimport { place } from './places.mjs';\n\
                  fs.writeFileSync(place('shelf'), '1');\n",
                ),
                (
                    "/opt/kiln/places.mjs",
                    "import path from 'node:path';\n\
                  export function place(name) { return path.join('/srv/kiln', name, 'now.txt'); }\n",
                ),
            ],
            "ExecStart=/usr/bin/node /opt/kiln/main.mjs",
            &["/srv/kiln/shelf"],
        ),
        (
            "TypeScript",
            &[
                (
                    "/opt/kiln/server.ts",
                    "import { writeFileSync } from 'fs';\nimport conf from './conf';\n\
                  const save = (name: string): void => writeFileSync(`${conf.dir}/${name}`, 'x');\n\
                  save('glaze.db');\n",
                ),
                (
                    "/opt/kiln/conf.ts",
                    "interface Conf { dir: string }\n\
                  const conf: Conf = { dir: process.env.KILN_DIR || '/srv/glaze' };\nexport default conf;\n",
                ),
            ],
            "ExecStart=/usr/local/bin/tsx /opt/kiln/server.ts",
            &["/srv/glaze"],
        ),
        (
            "Python, a package and a constant of a class",
            &[
                (
                    "/opt/kiln/run.py",
                    "#!/usr/bin/python3\nfrom kiln.store import Store\nStore().save('a')\n",
                ),
                ("/opt/kiln/kiln/__init__.py", ""),
                (
                    "/opt/kiln/kiln/conf.py",
                    "import os\nBASE = os.path.dirname(os.path.dirname(__file__))\n\
                  class Conf:\n    SHELVES = os.path.join(BASE, 'shelves')\n",
                ),
                (
                    "/opt/kiln/kiln/store.py",
                    "import os\nfrom .conf import Conf\nclass Store:\n\
                  \x20   def save(self, name):\n        open(os.path.join(Conf.SHELVES, name), 'w')\n",
                ),
            ],
            "ExecStart=/opt/kiln/run.py",
            &["/opt/kiln/shelves"],
        ),
        (
            "Perl, a library beside, and a hash of settings",
            &[
                (
                    "/opt/kiln/bin/kilnd",
                    "#!/usr/bin/perl\nuse FindBin;\nuse lib \"$FindBin::Bin/../lib\";\n\
                  use Kiln::Conf;\nopen(my $o, '>>', \"$Kiln::Conf::DIR/cone.txt\");\n",
                ),
                (
                    "/opt/kiln/lib/Kiln/Conf.pm",
                    "package Kiln::Conf;\nour $DIR = '/srv/cones';\n1;\n",
                ),
            ],
            "ExecStart=/opt/kiln/bin/kilnd",
            &["/srv/cones"],
        ),
        (
            "PHP, an include with a constant",
            &[
                (
                    "/opt/kiln/work.php",
                    "<?php require __DIR__ . '/inc/conf.php';\n\
                  file_put_contents(KILN_DIR . '/out.txt', 'x');\n",
                ),
                (
                    "/opt/kiln/inc/conf.php",
                    "<?php define('KILN_DIR', '/srv/bisque');\n",
                ),
            ],
            "ExecStart=/usr/bin/php /opt/kiln/work.php",
            &["/srv/bisque"],
        ),
        (
            "Ruby, a constant of a file beside",
            &[
                (
                    "/opt/kiln/kiln.rb",
                    "require_relative 'lib/conf'\nFile.write(File.join(STORE, 'a'), 'x')\n",
                ),
                ("/opt/kiln/lib/conf.rb", "STORE = '/srv/raku'\n"),
            ],
            "ExecStart=/usr/bin/ruby /opt/kiln/kiln.rb",
            &["/srv/raku"],
        ),
    ]);
}

#[test]
fn a_function_opens_what_it_is_called_with() {
    check(&[
        (
            "by place, in another file",
            &[
                (
                    "/opt/kiln/run.py",
                    "from store import save\nsave('/srv/first', 'a')\nsave('/srv/second', 'b')\n",
                ),
                (
                    "/opt/kiln/store.py",
                    "import os\ndef save(where, name):\n    open(os.path.join(where, name), 'w')\n",
                ),
            ],
            "ExecStart=/usr/bin/python3 /opt/kiln/run.py",
            &["/srv/first", "/srv/second"],
        ),
        (
            "by name",
            &[(
                "/opt/kiln/run.py",
                "import os\ndef save(what, where='/srv/default'):\n    open(os.path.join(where, what), 'w')\n\
                 save('a', where='/srv/named')\n",
            )],
            "ExecStart=/usr/bin/python3 /opt/kiln/run.py",
            &["/srv/named"],
        ),
        (
            "what makes an object",
            &[(
                "/opt/kiln/run.js",
                "const fs = require('fs');\nclass Shelf {\n  constructor(place) { this.place = place; }\n\
                 \x20 fill() { fs.writeFileSync(this.place + '/full', '1'); }\n}\n\
                 new Shelf('/srv/shelf').fill();\n",
            )],
            "ExecStart=/usr/bin/node /opt/kiln/run.js",
            &["/srv/shelf"],
        ),
    ]);
}

#[test]
fn what_is_done_on_other_systems_alone_is_not_done() {
    let program = |test: &str| {
        format!(
            "import os, sys\nif {test}:\n    open('/srv/there/x', 'w')\nelse:\n    open('/srv/here/x', 'w')\n"
        )
    };
    for (test, wanted) in [
        ("os.name == 'nt'", vec!["/srv/here"]),
        ("sys.platform == 'win32'", vec!["/srv/here"]),
        ("os.name != 'nt'", vec!["/srv/here", "/srv/there"]),
        ("os.path.exists('/srv')", vec!["/srv/here", "/srv/there"]),
    ] {
        let text = program(test);
        let lab = started(
            &[("/opt/kiln/run.py", text.as_str())],
            "ExecStart=/usr/bin/python3 /opt/kiln/run.py",
        );
        lab.writes(test, &wanted);
    }
}

#[test]
fn a_process_has_a_directory_a_home_and_an_environment() {
    check(&[
        (
            "the working directory",
            &[(
                "/opt/kiln/app/run.py",
                "import os\nos.makedirs('wheels/new', exist_ok=True)\n",
            )],
            "WorkingDirectory=/opt/kiln/app\nExecStart=/usr/bin/python3 run.py",
            &["/opt/kiln/app/wheels"],
        ),
        (
            "a directory that the program changes into",
            &[
                (
                    "/opt/kiln/run.pl",
                    "require './part.pl';\nchdir '/srv/wheel';\nspin();\n",
                ),
                (
                    "/opt/kiln/part.pl",
                    "sub spin { open(my $o, '>', 'spun.txt'); }\n1;\n",
                ),
            ],
            "WorkingDirectory=/opt/kiln\nExecStart=/usr/bin/perl run.pl",
            &["/srv/wheel"],
        ),
        (
            "the home",
            &[(
                "/opt/kiln/run.js",
                "const fs = require('fs'), os = require('os'), path = require('path');\n\
               fs.mkdirSync(path.join(os.homedir(), '.kiln'));\n",
            )],
            "ExecStart=/usr/bin/node /opt/kiln/run.js",
            &["/var/kiln"],
        ),
        (
            "a variable of the unit over a default",
            &[(
                "/opt/kiln/run.rb",
                "File.write(ENV['KILN_OUT'] || '/srv/default/out', 'x')\n",
            )],
            "Environment=KILN_OUT=/srv/given/out\nExecStart=/usr/bin/ruby /opt/kiln/run.rb",
            &["/srv/given"],
        ),
        (
            "a default where nothing is given",
            &[(
                "/opt/kiln/run.rb",
                "File.write(ENV['KILN_OUT'] || '/srv/default/out', 'x')\n",
            )],
            "ExecStart=/usr/bin/ruby /opt/kiln/run.rb",
            &["/srv/default"],
        ),
        (
            "an option of the command over its default",
            &[(
                "/opt/kiln/run.py",
                "import argparse, os\np = argparse.ArgumentParser()\n\
               p.add_argument('--out-dir', default='/srv/default')\na = p.parse_args()\n\
               open(os.path.join(a.out_dir, 'x'), 'w')\n",
            )],
            "ExecStart=/usr/bin/python3 /opt/kiln/run.py --out-dir /srv/asked",
            &["/srv/asked"],
        ),
        (
            "a setting over its default",
            &[
                ("/opt/kiln/kiln.ini", "[main]\nshelf = /srv/set\n"),
                (
                    "/opt/kiln/run.py",
                    "import configparser\nc = configparser.ConfigParser()\nc.read('kiln.ini')\n\
                 open(c.get('main', 'shelf', fallback='/srv/default') + '/x', 'w')\n",
                ),
            ],
            "WorkingDirectory=/opt/kiln\nExecStart=/usr/bin/python3 run.py",
            &["/srv/set"],
        ),
    ]);
}

#[test]
fn what_stands_between_the_start_and_the_program_is_followed() {
    let program = "const fs = require('fs');\nfs.appendFileSync('burnt.txt', 'x');\n";
    check(&[
        (
            "a script of the shell that changes the directory",
            &[
                (
                    "/opt/kiln/start.sh",
                    "#!/bin/sh\ncd \"$(dirname \"$0\")\"/run || exit 1\nexec node ../app.js\n",
                ),
                ("/opt/kiln/app.js", program),
                ("/opt/kiln/run/keep", ""),
            ],
            "ExecStart=/opt/kiln/start.sh",
            &["/opt/kiln/run"],
        ),
        (
            "a line of a manifest",
            &[
                (
                    "/opt/kiln/package.json",
                    "{\"name\": \"kiln\", \"scripts\": {\"start\": \"node app.js\"}}",
                ),
                ("/opt/kiln/app.js", program),
            ],
            "WorkingDirectory=/opt/kiln\nExecStart=/usr/bin/npm start",
            &["/opt/kiln/burnt.txt"],
        ),
        (
            "a server that loads a module",
            &[(
                "/opt/kiln/kiln/wsgi.py",
                "open('/srv/served/x', 'a')\napplication = None\n",
            )],
            "WorkingDirectory=/opt/kiln\nExecStart=/usr/bin/gunicorn -w 2 kiln.wsgi:application",
            &["/srv/served"],
        ),
        (
            "a process manager's file, which has logs of its own",
            &[
                (
                    "/opt/kiln/ecosystem.config.js",
                    "module.exports = { apps: [{ name: 'kiln', cwd: '/opt/kiln',\n\
                  script: './app.js', out_file: './logs/out.log' }] };\n",
                ),
                ("/opt/kiln/app.js", program),
            ],
            "ExecStart=/usr/local/bin/pm2 start /opt/kiln/ecosystem.config.js",
            &["/opt/kiln/burnt.txt", "/opt/kiln/logs"],
        ),
        (
            "a program of a package in the tree, with one that its makers split off",
            &[
                (
                    "/opt/kiln/node_modules/kiln/index.js",
                    "require('kiln-store');\n",
                ),
                (
                    "/opt/kiln/node_modules/kiln-store/package.json",
                    "{\"main\": \"lib/store\"}",
                ),
                (
                    "/opt/kiln/node_modules/kiln-store/lib/store.js",
                    "const fs = require('fs');\nfs.writeFileSync('/srv/split/x', '1');\n",
                ),
                (
                    "/opt/kiln/node_modules/other/index.js",
                    "const fs = require('fs');\nfs.writeFileSync('/srv/other/x', '1');\n",
                ),
            ],
            "ExecStart=/usr/bin/node /opt/kiln/node_modules/kiln/index.js",
            &["/srv/split"],
        ),
    ]);
}

#[test]
fn what_no_start_comes_to_is_a_tool() {
    let service = "ExecStart=/usr/bin/python3 /opt/kiln/run.py";
    let tool = (
        "/opt/kiln/contrive.py",
        "#!/usr/bin/python3\nopen('/srv/tool/x', 'w')\n",
    );
    let alone = ("/opt/kiln/run.py", "open('/srv/run/x', 'w')\n");
    started(&[tool, alone], service).writes("nothing runs it", &["/srv/run"]);
    let calls = (
        "/opt/kiln/run.py",
        "import subprocess\nopen('/srv/run/x', 'w')\n\
                 subprocess.run(['/opt/kiln/contrive.py'])\n",
    );
    let both = ["/srv/run", "/srv/tool"];
    started(&[tool, calls], service).writes("the program runs it", &both);
    let job = ("/etc/cron.d/kiln", "0 1 * * * kiln /opt/kiln/contrive.py\n");
    started(&[tool, alone, job], service).writes("a job runs it", &both);
    let loads = (
        "/opt/kiln/run.py",
        "import importlib, sys\nopen('/srv/run/x', 'w')\n\
                 exec(open(sys.argv[1]).read())\n__import__(sys.argv[2])\n",
    );
    let lab = started(&[tool, loads], service);
    lab.writes("it loads what nobody knows", &both);
}

#[test]
fn a_log_that_the_program_reads_is_not_its_own() {
    let settings = (
        "/opt/kiln/kiln.conf",
        "door_log = /var/log/door/access.log\n",
    );
    let service = "WorkingDirectory=/opt/kiln\nExecStart=/usr/bin/perl kiln.pl";
    let reads = (
        "/opt/kiln/kiln.pl",
        "our %conf = load('kiln.conf');\nopen(my $in, '<', $conf{door_log});\n",
    );
    started(&[settings, reads], service).writes("it reads it", &[]);
    let writes = (
        "/opt/kiln/kiln.pl",
        "our %conf = load('kiln.conf');\nopen(my $out, '>>', $conf{door_log});\n",
    );
    started(&[settings, writes], service).writes("it writes it", &["/var/log/door"]);
}

#[test]
fn a_program_in_a_language_that_nothing_reads_leaves_data_unknown() {
    let grade = |lab: &Lab, dimension: &str| {
        let report = lab.report();
        let mut all = report["dimensions"].as_array().unwrap().iter();
        let found = all.find(|entry| entry["dimension"] == dimension).unwrap();
        found["grade"].as_str().unwrap().to_owned()
    };
    let tcl = ("/opt/kiln/kiln.tcl", "set out [open /srv/kiln/x w]\n");
    let run = ("/opt/kiln/run.py", "open('/srv/kept/x', 'w')\n");
    let python = "ExecStart=/usr/bin/python3 /opt/kiln/run.py";
    let lab = started(&[tcl, run], "ExecStart=/usr/bin/tclsh /opt/kiln/kiln.tcl");
    assert_eq!(grade(&lab, "data"), "unknown");
    let issues = lab.report()["coverage"]["issues"].to_string();
    assert!(issues.contains("/opt/kiln/kiln.tcl"), "{issues}");
    let lab = started(&[tcl, run], python);
    assert_ne!(
        grade(&lab, "data"),
        "unknown",
        "nothing starts it: {}",
        lab.report()["dimensions"]
    );
}

/// What listens on a number has a port, wherever the number is from, and makes no file of that name.
#[test]
fn a_number_that_is_listened_on_is_a_port_and_no_path() {
    let manifest = r#"{"name":"kiln","scripts":{"start":"node app.js --port 4107"}}"#;
    let named = "const argv = require('minimist')(process.argv.slice(2));\n\
                 const net = require('net');\nnet.createServer().listen(argv.port, '0.0.0.0');\n";
    let given = "const net = require('net');\nconst port = process.env.KILN_DOOR;\nnet.createServer().listen(port);\n";
    let kept =
        "const net = require('net');\nconst where = '4107';\nnet.createServer().listen(where);\n";
    for (name, app, start) in [
        (
            "option",
            named,
            "ExecStart=/usr/bin/node app.js --port 4107",
        ),
        (
            "variable",
            given,
            "Environment=KILN_DOOR=4107\nExecStart=/usr/bin/node app.js",
        ),
        ("constant", kept, "ExecStart=/usr/bin/node app.js"),
    ] {
        let files = [
            ("/opt/kiln/app.js", app),
            ("/opt/kiln/package.json", manifest),
        ];
        let lab = started(&files, &format!("WorkingDirectory=/opt/kiln\n{start}"));
        let report = lab.report();
        let ports = report["plan"]["ports"].as_array().unwrap();
        assert!(
            ports.iter().any(|port| port["port"] == 4107),
            "{name}: {ports:?}"
        );
        assert_eq!(lab.written(), Vec::<String>::new(), "{name}");
    }
    // A path is one.
    let app = "require('net').createServer().listen('/var/kiln/door');\n";
    let lab = started(
        &[("/opt/kiln/app.js", app)],
        "ExecStart=/usr/bin/node /opt/kiln/app.js",
    );
    assert!(
        lab.written()
            .iter()
            .any(|path| path.starts_with("/var/kiln"))
    );
}
