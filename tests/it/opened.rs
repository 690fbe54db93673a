//! The ports that programs open as they are started, and what opens none.

use serde_json::Value;

use crate::lab::{Lab, ports, written};

/// An application in `/opt/kiln`, with the lines of its unit.
fn started(service: &str, files: &[(&str, &str)]) -> Value {
    let lab = Lab::new("/opt/kiln", "/var/kiln", service);
    for (name, text) in files {
        let path = match name.starts_with('/') {
            true => (*name).to_owned(),
            false => format!("/opt/kiln/{name}"),
        };
        lab.put(&path, text);
    }
    lab.report()
}

fn address(report: &Value) -> &str {
    report["plan"]["ports"][0]["address"].as_str().unwrap_or("")
}

#[test]
fn the_process_decides_which_port_a_program_opens() {
    let node = "Environment=PORT=9301\nExecStart=/usr/bin/node /opt/kiln/server.js";
    let python = "ExecStart=/usr/bin/python3 /opt/kiln/serve.py";
    let ruby = "ExecStart=/usr/bin/ruby /opt/kiln/serve.rb";
    let perl = "ExecStart=/usr/bin/perl /opt/kiln/serve.pl";
    for (name, service, files, want) in [
        (
            "a variable of the unit over a default",
            node,
            vec![(
                "server.js",
                "const port = process.env.PORT || 8080;\nrequire('http').createServer().listen(port, '127.0.0.1');\n",
            )],
            9301,
        ),
        (
            "a setting over a constant",
            "ExecStart=/usr/bin/node /opt/kiln/server.js",
            vec![
                (
                    "server.js",
                    "const cfg = require('./config.json');\nconst app = require('express')();\napp.listen({ port: cfg.webPort });\n",
                ),
                ("config.json", "{ \"webPort\": 9302 }\n"),
            ],
            9302,
        ),
        (
            "a constant of another module",
            python,
            vec![
                (
                    "serve.py",
                    "from http.server import HTTPServer\nimport settings\nHTTPServer(('127.0.0.1', settings.PORT), None).serve_forever()\n",
                ),
                ("settings.py", "PORT = 9303\n"),
            ],
            9303,
        ),
        (
            "an argument of a class",
            ruby,
            vec![(
                "serve.rb",
                "require 'webrick'\nWEBrick::HTTPServer.new(Port: 9304, BindAddress: '127.0.0.1').start\n",
            )],
            9304,
        ),
        (
            "a pair among arguments",
            perl,
            vec![(
                "serve.pl",
                "use IO::Socket::INET;\nmy $port = 9305;\nmy $s = IO::Socket::INET->new(LocalPort => $port, Listen => 5);\n",
            )],
            9305,
        ),
        (
            "the default of a framework",
            python,
            vec![(
                "serve.py",
                "from flask import Flask\napp = Flask(__name__)\napp.run(host='0.0.0.0')\n",
            )],
            5000,
        ),
    ] {
        assert_eq!(ports(&started(service, &files)), [want], "{name}");
    }
    // A socket listens with the length of its queue.
    let queue = "import socket\ns = socket.socket()\ns.bind(('127.0.0.1', 9306))\ns.listen(128)\n";
    let report = started(python, &[("serve.py", queue)]);
    assert_eq!(ports(&report), [9306]);
    assert_eq!(address(&report), "127.0.0.1");
}

#[test]
fn the_arguments_of_a_script_are_those_that_the_process_gets() {
    let wrapper = "#!/bin/sh\n: ${LISTEN:=127.0.0.1:8090}\nexec php -S $LISTEN -t .\n";
    let unit = "Environment=LISTEN=127.0.0.1:9311\nExecStart=/opt/kiln/run.sh";
    let report = started(
        unit,
        &[
            ("run.sh", wrapper),
            ("index.php", "<?php\n"),
            ("/usr/bin/php", "\x7fELF"),
        ],
    );
    assert_eq!(ports(&report), [9311]);
    let sourced = "#!/bin/sh\n. /opt/kiln/env.sh\nexec /opt/kiln/kilnd --inet=127.0.0.1:${PORT:-8080} --listen-peer-urls=http://0.0.0.0:$PEER\n";
    let report = started(
        "ExecStart=/opt/kiln/run.sh",
        &[
            ("run.sh", sourced),
            ("env.sh", "PORT=9312\nPEER=9313\n"),
            ("kilnd", "\x7fELF"),
        ],
    );
    assert_eq!(ports(&report), [9312, 9313]);
    let module = started(
        "WorkingDirectory=/opt/kiln\nExecStart=/usr/bin/python3 -m http.server 9314 --bind 127.0.0.1",
        &[("index.html", "")],
    );
    assert_eq!(ports(&module), [9314]);
}

#[test]
fn what_no_start_comes_to_opens_nothing() {
    let server = "require('http').createServer().listen(9321);\n";
    let other =
        "const port = process.env.PORT || 3000;\nrequire('http').createServer().listen(port);\n";
    let unit = "ExecStart=/usr/bin/node /opt/kiln/server.js";
    for (name, files) in [
        (
            "an example of a library",
            vec![
                ("node_modules/glaze/examples/http.js", other),
                (
                    "node_modules/glaze/Procfile",
                    "web: node examples/http.js\n",
                ),
            ],
        ),
        ("a tool beside it", vec![("scripts/preview.js", other)]),
        (
            "a table that developers start it by",
            vec![("Procfile", "web: node dev.js\n"), ("dev.js", other)],
        ),
        (
            "the port of another",
            vec![("mail.py", "EMAIL_PORT = 587\nHTTP_PROXY_PORT = 3128\n")],
        ),
        (
            "that of what a file is about",
            vec![("config/mail.ini", "[mail]\nmail_port = 2525\n")],
        ),
    ] {
        let mut all = vec![("server.js", server)];
        all.extend(files);
        assert_eq!(ports(&started(unit, &all)), [9321], "{name}");
    }
    // A server that loads an application listens for it.
    let flask = "from flask import Flask\napp = Flask(__name__)\nif __name__ == '__main__':\n    app.run(port=5000)\n";
    let served = started(
        "WorkingDirectory=/opt/kiln\nExecStart=/usr/bin/gunicorn -b 127.0.0.1:9322 app:app",
        &[("app.py", flask), ("/usr/bin/gunicorn", "\x7fELF")],
    );
    assert_eq!(ports(&served), [9322]);
}

#[test]
fn settings_in_the_words_of_a_language_say_where_its_server_listens() {
    let app = "def app(env, start):\n    return []\n";
    let python = |args: &str, file: &str| {
        let service =
            format!("WorkingDirectory=/opt/kiln\nExecStart=/usr/bin/gunicorn {args} app:app");
        let bind = "bind = '0.0.0.0:9331'\n";
        let files = [
            ("app.py", app),
            (file, bind),
            ("/usr/bin/gunicorn", "\x7fELF"),
        ];
        ports(&started(&service, &files))
    };
    assert_eq!(python("-c gunicorn.conf.py", "gunicorn.conf.py"), [9331]);
    assert_eq!(python("", "gunicorn.conf.py"), [9331]);
    let puma = "workers 2\nbind 'tcp://127.0.0.1:9332'\npidfile 'run/puma.pid'\n";
    let service = "WorkingDirectory=/opt/kiln\nExecStart=/usr/bin/puma -C config/puma.rb";
    let lab = Lab::new("/opt/kiln", "/var/kiln", service).with("/usr/bin/puma", "\x7fELF");
    lab.text("/opt/kiln/config.ru", "run ->(env) { [200, {}, []] }\n");
    lab.text("/opt/kiln/config/puma.rb", puma);
    assert_eq!(ports(&lab.report()), [9332]);
}

#[test]
fn of_many_plug_ins_those_count_that_settings_speak_of() {
    let main = "my $dir = '/opt/kiln/plug';\nopen(my $c, '<', '/opt/kiln/kiln.cfg');\n\
                while (<$c>) { my ($m) = /^load (\\w+)/; require \"$dir/$m.pm\"; }\n";
    let mut files = vec![
        ("kiln.pl".to_owned(), main.to_owned()),
        ("kiln.cfg".to_owned(), "load Glaze\n".to_owned()),
    ];
    for (name, number) in [("Glaze", 0), ("Clay", 1)] {
        let text = format!(
            "open(my $o, '>', '/srv/{}/kept');\n1;\n",
            name.to_lowercase()
        );
        files.push((format!("plug/{number}0_{name}.pm"), text));
    }
    for at in 0..50 {
        files.push((format!("plug/9{at}_other.pm"), "1;\n".to_owned()));
    }
    let files: Vec<(&str, &str)> = files
        .iter()
        .map(|(name, text)| (name.as_str(), text.as_str()))
        .collect();
    let report = started("ExecStart=/usr/bin/perl /opt/kiln/kiln.pl", &files);
    assert_eq!(written(&report), ["/srv/glaze"]);
}

#[test]
fn a_start_works_where_its_starter_says() {
    let program = "import os\nopen('kept.db', 'w')\n";
    let home = started(
        "WorkingDirectory=~\nExecStart=/usr/bin/python3 /opt/kiln/kiln.py",
        &[("kiln.py", program)],
    );
    assert_eq!(home["plan"]["start"][0]["directory"], "/var/kiln");
    let script = "#!/bin/sh\ncase \"$1\" in\nstart)\n  start-stop-daemon --start --background --chuid kiln --chdir /opt/kiln/work --startas /bin/sh -- -c \"exec python3 ../kiln.py >> log 2>&1\"\n  ;;\nesac\n";
    let lab = Lab::new("/opt/kiln", "/var/kiln", "ExecStart=/bin/true")
        .with("/opt/kiln/kiln.py", program)
        .with("/opt/kiln/work/log", "")
        .with("/etc/init.d/kilnd", script);
    let report = lab.report();
    let starts = report["plan"]["start"].as_array().unwrap();
    let own = starts.iter().find(|start| start["how"] == "init").unwrap();
    assert_eq!(own["directory"], "/opt/kiln/work");
}

#[test]
fn what_libraries_keep_where_nobody_gives_a_place() {
    let app = "const session = require('express-session');\n\
               const FileStore = require('session-file-store')(session);\n\
               const app = require('express')();\n\
               app.use(session({ store: new FileStore({ ttl: 60 }), secret: process.env.KEY }));\n\
               app.listen(9341);\n";
    let report = started(
        "WorkingDirectory=/opt/kiln\nExecStart=/usr/bin/node app.js",
        &[("app.js", app)],
    );
    assert_eq!(written(&report), ["/opt/kiln/sessions"]);
    let given = app.replace("ttl: 60", "path: '/srv/kiln/s'");
    let report = started(
        "WorkingDirectory=/opt/kiln\nExecStart=/usr/bin/node app.js",
        &[("app.js", given.as_str())],
    );
    assert_eq!(written(&report), ["/srv/kiln/s"]);
    // One of the same name that is the application's own keeps nothing there.
    let other = "class FileStore {}\nnew FileStore({ ttl: 60 });\n\
                 require('http').createServer().listen(9342);\n";
    let service = "WorkingDirectory=/opt/kiln\nExecStart=/usr/bin/node app.js";
    let report = started(service, &[("app.js", other)]);
    assert!(written(&report).is_empty());
    let graph = "var Gun = require('gun');\n\
                 var server = require('http').createServer();\n\
                 Gun({ web: server.listen(9343), multicast: false });\n";
    let report = started(service, &[("app.js", graph)]);
    assert_eq!(written(&report), ["/opt/kiln/radata"]);
    let settings = "const storage = require('node-persist');\nstorage.init({ ttl: 5 });\n";
    let report = started(service, &[("app.js", settings)]);
    assert_eq!(written(&report), ["/opt/kiln/.node-persist"]);
}

#[test]
fn recipes_of_other_ways_to_run_it_are_no_part_of_it() {
    let report = started(
        "ExecStart=/usr/bin/ruby /opt/kiln/kiln.rb",
        &[
            ("kiln.rb", "File.write('/opt/kiln/kept/now', '1')\n"),
            (
                "Docker/site.conf",
                "Listen 80\nErrorLog /opt/kiln/weblog/error.log\n",
            ),
            (
                "misc/paas/heroku/kiln.conf",
                "@data_path = Dir.tmpdir\nport = 5000\n",
            ),
            (
                "lib/tasks/assets.rake",
                "task :a do\n  mkdir_p '/opt/kiln/public/assets'\nend\n",
            ),
            (
                "spec/one_spec.rb",
                "FileUtils.cp('/opt/kiln/spec/a.db', '/opt/kiln/spec/b.db')\n",
            ),
            ("spec/a.db", "x"),
        ],
    );
    assert_eq!(written(&report), ["/opt/kiln/kept"]);
    assert!(ports(&report).is_empty(), "{:?}", ports(&report));
}
