//! Settings that are told by how they are used: the file that a start hands over, a word that only its key
//! tells to be a directory, and what a server takes where its file says nothing.

use serde_json::Value;

use crate::lab::{Lab, ports, written};

fn started(service: &str, files: &[(&str, &str)]) -> Value {
    let mut lab = Lab::new("/opt/kiln", "/var/kiln", service);
    for (path, text) in files {
        lab = lab.with(path, text);
    }
    lab.report()
}

/// The settings that are mounted for reading alone.
fn settings(report: &Value) -> Vec<&str> {
    let mounts = report["plan"]["mounts"].as_array().unwrap().iter();
    let own = mounts.filter(|mount| mount["access"] == "ro" && mount["class"] == "config");
    own.filter_map(|mount| mount["path"].as_str()).collect()
}

#[test]
fn settings_in_a_language_that_a_start_hands_over_are_mounted() {
    let program = (
        "/opt/kiln/lib/fire.js",
        "var fs = require('fs');\nvar conf = eval('(' + fs.readFileSync(process.argv[2]) + ')');\nrun(conf);\n",
    );
    let object = "// how hot\n/* and when */\n{\n  listen_port: 9125,\n  flushInterval: 1000\n}\n";
    let module = "exports.listen_port = 9126;\nexports.database = { host: 'db.example.net' };\n";
    for (text, port) in [(object, Some(9125)), (module, None)] {
        let report = started(
            "ExecStart=/usr/bin/node /opt/kiln/lib/fire.js /opt/kiln/local-config.js",
            &[program, ("/opt/kiln/local-config.js", text)],
        );
        assert_eq!(settings(&report), ["/opt/kiln/local-config.js"], "{text}");
        if let Some(port) = port {
            assert!(ports(&report).contains(&port), "{text}");
        }
    }
    // A module of code is code, whoever hands it over; and so are settings that nobody is given.
    let code = "module.exports = function (req, res) { res.end('warm'); };\n";
    let report = started(
        "ExecStart=/usr/bin/node /opt/kiln/lib/fire.js /opt/kiln/handler.js",
        &[program, ("/opt/kiln/handler.js", code)],
    );
    assert!(settings(&report).is_empty());
    let report = started(
        "ExecStart=/usr/bin/node /opt/kiln/lib/fire.js",
        &[program, ("/opt/kiln/local-config.js", module)],
    );
    assert!(settings(&report).is_empty());
}

#[test]
fn a_word_for_a_directory_is_one_where_its_program_makes_it() {
    let conf = (
        "/opt/kiln/kiln.ini",
        "[kiln]\nshards_dir = shards\nglazes-folder = glazes\n",
    );
    let there = "WorkingDirectory=/opt/kiln\nExecStart=/opt/kiln/bin/kilnd";
    let report = started(there, &[conf]);
    let found = written(&report);
    for dir in ["/opt/kiln/shards", "/opt/kiln/glazes"] {
        assert!(found.iter().any(|path| path == dir), "{found:?}");
    }
    // What is there shows by itself what it is, and without a directory of the process nobody knows where.
    let code = ("/opt/kiln/glazes/blue.py", "def blue():\n    return 1\n");
    let found = written(&started(there, &[conf, code]));
    assert!(
        !found.iter().any(|path| path == "/opt/kiln/glazes"),
        "{found:?}"
    );
    let found = written(&started("ExecStart=/opt/kiln/bin/kilnd", &[conf]));
    assert!(
        !found.iter().any(|path| path.ends_with("shards")),
        "{found:?}"
    );
}

#[test]
fn a_server_compiles_pages_where_its_manual_says() {
    let server = |host: &str| {
        format!(
            "<Server port='8005'><Service name='Catalina'><Connector port='8090'/>\n\
             <Engine name='Catalina' defaultHost='localhost'>\n{host}</Engine></Service></Server>\n"
        )
    };
    let page = (
        "/opt/kiln/work/Catalina/localhost/_/org/apache/jsp/index_jsp.java",
        "package org.apache.jsp;\n",
    );
    let service = "ExecStart=/opt/kiln/bin/run.sh";
    let usual = server("<Host name='localhost' appBase='webapps'/>\n");
    let found = written(&started(
        service,
        &[("/opt/kiln/conf/server.xml", &usual), page],
    ));
    assert!(
        found.iter().any(|path| path == "/opt/kiln/work"),
        "{found:?}"
    );
    let other = server("<Host name='localhost' workDir='/var/kiln/pages'/>\n");
    let found = written(&started(
        service,
        &[("/opt/kiln/conf/server.xml", &other), page],
    ));
    assert!(
        !found.iter().any(|path| path == "/opt/kiln/work"),
        "{found:?}"
    );
    let none = server("");
    let found = written(&started(service, &[("/opt/kiln/conf/server.xml", &none)]));
    assert!(
        !found.iter().any(|path| path == "/opt/kiln/work"),
        "{found:?}"
    );
}

/// What a plan mounts, for whatever it is.
fn mounted(report: &Value) -> Vec<&str> {
    let mounts = report["plan"]["mounts"].as_array().unwrap().iter();
    mounts.filter_map(|mount| mount["path"].as_str()).collect()
}

#[test]
fn a_file_of_variables_is_in_the_manifest_and_not_mounted_unless_somebody_else_reads_it() {
    let env = (
        "/opt/kiln/kiln.env",
        "KILN_HEAT=1200\nKILN_CONF=/opt/kiln/kiln.conf\n",
    );
    let service = "EnvironmentFile=/opt/kiln/kiln.env\nExecStart=/opt/kiln/bin/run.sh";
    let report = started(
        service,
        &[env, ("/opt/kiln/bin/run.sh", "#!/bin/sh\nexec sleep 9\n")],
    );
    assert!(!mounted(&report).contains(&"/opt/kiln/kiln.env"));
    let variables = report["plan"]["env"].as_array().unwrap().iter();
    assert!(variables.clone().any(|one| one["name"] == "KILN_HEAT"));
    let script = "#!/bin/sh\n. /opt/kiln/kiln.env\nexec sleep $KILN_HEAT\n";
    let report = started(service, &[env, ("/opt/kiln/bin/run.sh", script)]);
    assert!(mounted(&report).contains(&"/opt/kiln/kiln.env"));
}

#[test]
fn logs_of_others_and_trees_of_others_are_not_planned() {
    let conf = "imap_log = /var/log/imapd\nftp_log = /var/log/vsftp/xfer.log\naccess_log = /var/log/kiln/access.log\n\
                kiln_log = /var/log/kiln/kiln.log\n";
    let script = "#!/bin/sh\nOLD=/usr/local/pottery/spool\ncd $OLD && ls\nNEW=/var/spool/kiln\ncd $NEW\nexec sleep 9\n";
    let report = started(
        "ExecStart=/opt/kiln/bin/run.sh",
        &[
            ("/opt/kiln/etc/kiln.conf", conf),
            ("/opt/kiln/bin/run.sh", script),
        ],
    );
    let found = mounted(&report);
    for path in [
        "/var/log/imapd",
        "/var/log/vsftp",
        "/var/log/vsftp/xfer.log",
        "/usr/local/pottery",
        "/usr/local/pottery/spool",
    ] {
        assert!(!found.contains(&path), "{path}: {found:?}");
    }
    for path in ["/var/log/kiln", "/var/spool/kiln"] {
        assert!(found.contains(&path), "{path}: {found:?}");
    }
}

#[test]
fn what_only_builders_and_other_systems_read_is_not_mounted() {
    let iis = "<?xml version=\"1.0\"?>\n<configuration><system.webServer><handlers/></system.webServer></configuration>\n";
    let mono = "<?xml version=\"1.0\"?>\n<configuration><appSettings><add key=\"Data\" value=\"/var/kiln\"/></appSettings></configuration>\n";
    let service = "ExecStart=/usr/bin/node /opt/kiln/app.js";
    let files = |web: &'static str| {
        [
            (
                "/opt/kiln/app.js",
                "require('http').createServer().listen(9321);\n",
            ),
            ("/opt/kiln/web.config", web),
            ("/opt/kiln/.coveralls.yml", "service_name: travis-ci\n"),
            (
                "/opt/kiln/docker/apache.conf",
                "<Directory /opt/kiln/p>\n  Include /opt/kiln/p/.htaccess\n</Directory>\n",
            ),
            ("/opt/kiln/p/.htaccess", "Header set X-Kiln warm\n"),
        ]
    };
    assert_eq!(mounted(&started(service, &files(iis))), [""; 0]);
    assert!(mounted(&started(service, &files(mono))).contains(&"/opt/kiln/web.config"));
}

#[test]
fn a_sum_in_settings_is_one_path() {
    let conf = "var.pots = \"/srv/kiln\"\nserver.errorlog = var.pots + \"/logs/error.log\"\n\
                accesslog.filename = var.nobody + \"/logs/access.log\"\n";
    let report = started(
        "ExecStart=/usr/bin/lighttpd -D -f /etc/kiln/lighttpd.conf",
        &[
            ("/opt/kiln/index.html", "<p>warm</p>\n"),
            ("/etc/kiln/lighttpd.conf", conf),
        ],
    );
    let found = mounted(&report);
    assert!(
        found.iter().any(|path| path.starts_with("/srv/kiln")),
        "{found:?}"
    );
    assert!(
        !found.iter().any(|path| path.starts_with("/logs")),
        "{found:?}"
    );
}

#[test]
fn expressions_of_any_language_are_no_secrets_and_what_is_quoted_is_one() {
    for (name, text, is_secret) in [
        (
            "tasks/login.rake",
            "htpasswd = WEBrick::HTTPAuth::Htpasswd.new('.htpasswd')\n",
            false,
        ),
        (
            "views/key.phtml",
            "<?php $params['token'] = Kiln_Context::user()->token; ?>\n",
            false,
        ),
        (
            "lib/door.gemspec",
            "config.access_token = ENV['KILN_ACCESS_TOKEN']\n",
            false,
        ),
        (
            "views/door.phtml",
            "<?php $password = 'tR7#kk2!pQz9'; ?>\n",
            true,
        ),
        ("etc/database.yml.erb", "password: tR7#kk2!pQz9\n", true),
    ] {
        let path = format!("/opt/kiln/{name}");
        let report = started("ExecStart=/opt/kiln/bin/run.sh", &[(&path, text)]);
        let found = report["findings"].as_array().unwrap().iter();
        let told = found.clone().any(|one| one["rule"] == "password-in-config");
        assert_eq!(told, is_secret, "{name}");
    }
}

#[test]
fn what_begins_empty_is_no_beginning_of_a_path() {
    let store = "<?php\nclass Store {\n  private $file = '';\n  function __construct($file) { $this->file = $file; }\n  \
                 function save() { rename($this->file, $this->file . '.bak.php'); }\n}\n\
                 (new Store($argv[1]))->save();\n$prefix = '';\nfile_put_contents($prefix . '/var/kiln/seen', 'x');\n";
    let report = started(
        "WorkingDirectory=/opt/kiln\nExecStart=/usr/bin/php /opt/kiln/store.php /var/kiln/glaze.php",
        &[("/opt/kiln/store.php", store)],
    );
    let found = written(&report);
    assert!(
        !found.iter().any(|path| path.contains("/.bak")),
        "{found:?}"
    );
    assert!(
        found.iter().any(|path| path.starts_with("/var/kiln")),
        "{found:?}"
    );
}

#[test]
fn a_script_has_the_variables_of_what_its_parts_source() {
    let through = |script: &str| {
        started(
            "ExecStart=/opt/kiln/bin/fire.sh",
            &[
                ("/opt/kiln/bin/fire.sh", script),
                (
                    "/opt/kiln/lib/common.sh",
                    "here=$(dirname \"${BASH_SOURCE[0]}\")\n. \"$here/../etc/kiln.sh\"\nsay() { echo \"$*\" >> $LOG; }\n",
                ),
                (
                    "/opt/kiln/etc/kiln.sh",
                    "SHELF=/srv/shelf\nPOTS=${POTS:-/srv/pots}\nLOG=/var/log/fire.log\n. /opt/kiln/etc/local.sh\n",
                ),
                (
                    "/opt/kiln/etc/local.sh",
                    "SHELF=/srv/other-shelf\n. /opt/kiln/lib/common.sh\n",
                ),
            ],
        )
    };
    let script = "#!/bin/bash\nTOP=$(cd \"$(dirname \"$0\")/..\" && pwd)\nsource \"$TOP/lib/common.sh\"\n\
                  mkdir -p \"$POTS/$(date +%F)\"\ncp x $SHELF/last\nsay done\n";
    let found = written(&through(script));
    for path in ["/srv/pots", "/var/log/fire.log"] {
        assert!(found.iter().any(|one| one == path), "{path}: {found:?}");
    }
    assert!(
        found.iter().any(|one| one.starts_with("/srv/other-shelf")),
        "{found:?}"
    );
    // What nothing sources gives nothing.
    let alone = "#!/bin/bash\nmkdir -p \"$POTS/x\"\nexec sleep 9\n";
    let found = written(&through(alone));
    assert!(
        !found.iter().any(|one| one.starts_with("/srv")),
        "{found:?}"
    );
}

#[test]
fn sections_for_other_environments_are_for_those_who_develop() {
    let yaml = "production:\n  port: 7077\n  log: /var/log/kiln/kiln.log\ndevelopment:\n  port: 4567\n  log: /opt/kiln/log/dev.log\n\
                test:\n  port: 4568\n";
    let json = "{ \"development\": { \"port\": 4567, \"log\": \"/opt/kiln/log/dev.log\" },\n\
                \"production\": { \"port\": 7077, \"log\": \"/var/log/kiln/kiln.log\" } }\n";
    let ini = "[test]\nport = 4568\nlog = /opt/kiln/log/dev.log\n[production]\nport = 7077\nlog = /var/log/kiln/kiln.log\n";
    for (name, text) in [("kiln.yml", yaml), ("config.json", json), ("kiln.ini", ini)] {
        let path = format!("/opt/kiln/config/{name}");
        let report = started("ExecStart=/opt/kiln/bin/kilnd", &[(&path, text)]);
        assert_eq!(ports(&report), [7077], "{name}");
        assert_eq!(written(&report), ["/var/log/kiln"], "{name}");
    }
    // Without a section for production nobody knows which one counts, and a secret is one everywhere.
    let alone = "development:\n  port: 4567\n";
    let report = started(
        "ExecStart=/opt/kiln/bin/kilnd",
        &[("/opt/kiln/config/kiln.yml", alone)],
    );
    assert_eq!(ports(&report), [4567]);
    let secret = "production:\n  port: 7077\ndevelopment:\n  password: tR7#kk2!pQz9\n";
    let report = started(
        "ExecStart=/opt/kiln/bin/kilnd",
        &[("/opt/kiln/config/kiln.yml", secret)],
    );
    let found = report["findings"].as_array().unwrap().iter();
    assert!(found.clone().any(|one| one["rule"] == "password-in-config"));
}

#[test]
fn settings_in_a_language_that_a_site_made_are_mounted() {
    let conf = "<?php\ndefine('LOG_DIR', '/var/log/kiln');\n$config = array('docs' => '/var/kiln/docs');\n";
    let page = "<?php\nrequire dirname(__FILE__) . '/inc/config.inc.php';\nfile_put_contents($config['docs'] . '/x', 'x');\n";
    let service = "ExecStart=/usr/bin/php -S 0.0.0.0:8123 -t /opt/kiln /opt/kiln/index.php";
    let own = [
        ("/opt/kiln/index.php", page),
        ("/opt/kiln/inc/config.inc.php", conf),
    ];
    assert!(settings(&started(service, &own)).is_empty());
    for example in [
        "config.inc.php.dist",
        "config-sample.php",
        "config.default.php",
    ] {
        let beside = format!("/opt/kiln/inc/{example}");
        let mut files = own.to_vec();
        files.push((&beside, conf));
        let report = started(service, &files);
        assert_eq!(
            settings(&report),
            ["/opt/kiln/inc/config.inc.php"],
            "{example}"
        );
    }
}

/// An application of a framework that lies in the system's own directories.
#[test]
fn a_framework_of_the_system_loads_what_environment_and_settings_name() {
    let service = "WorkingDirectory=/opt/kiln\nEnvironment=DJANGO_SETTINGS_MODULE=kiln.settings.production\n\
                   ExecStart=/usr/bin/python3 /opt/kiln/manage.py runserver 0.0.0.0:8090";
    let report = started(
        service,
        &[
            (
                "/opt/kiln/manage.py",
                "import os, sys\nos.environ.setdefault('DJANGO_SETTINGS_MODULE', 'kiln.settings.development')\n\
                 from django.core.management import execute_from_command_line\nexecute_from_command_line(sys.argv)\n",
            ),
            ("/data/about.txt", "what the house keeps\n"),
            ("/opt/kiln/kiln/__init__.py", ""),
            ("/opt/kiln/kiln/settings/__init__.py", ""),
            (
                "/opt/kiln/kiln/settings/production.py",
                "EXPORT_DIR = '/data/exports'\n",
            ),
            (
                "/opt/kiln/kiln/settings/development.py",
                "EXPORT_DIR = '/srv/dev-exports'\n",
            ),
            (
                "/opt/kiln/kiln/views.py",
                "import os\nfrom django.conf import settings\ndef export(request):\n    \
                 with open(os.path.join(settings.EXPORT_DIR, 'a.csv'), 'w') as f:\n        f.write('x')\n",
            ),
        ],
    );
    let found = written(&report);
    assert!(
        found.iter().any(|path| path.starts_with("/data")),
        "{found:?}"
    );
    assert!(
        !found.iter().any(|path| path.starts_with("/srv")),
        "{found:?}"
    );
    assert_eq!(ports(&report), [8090]);
}

#[test]
fn a_file_for_developers_says_nothing_beside_one_for_production() {
    let program = "const fs = require('fs'), path = require('path');\n\
                   const cfg = JSON.parse(fs.readFileSync(path.join(__dirname, 'config', (process.env.NODE_ENV || 'development') + '.json')));\n\
                   fs.mkdirSync(cfg.media, { recursive: true });\nrequire('http').createServer().listen(cfg.port);\n";
    let production = (
        "/opt/kiln/config/production.json",
        "{ \"port\": 9007, \"media\": \"/srv/media\" }\n",
    );
    let development = (
        "/opt/kiln/config/development.json",
        "{ \"port\": 3000, \"media\": \"/srv/dev-media\" }\n",
    );
    let service = "Environment=NODE_ENV=production\nExecStart=/usr/bin/node /opt/kiln/app.js";
    let report = started(
        service,
        &[("/opt/kiln/app.js", program), production, development],
    );
    assert_eq!(
        (ports(&report), written(&report)),
        (vec![9007], vec!["/srv/media".to_owned()])
    );
    let alone = "Environment=NODE_ENV=development\nExecStart=/usr/bin/node /opt/kiln/app.js";
    let report = started(alone, &[("/opt/kiln/app.js", program), development]);
    assert_eq!(ports(&report), [3000]);
}

/// What a compiler of TypeScript made of the calls of a module.
#[test]
fn compiled_calls_of_modules_are_calls() {
    let store = "\"use strict\";\nexports.Store = void 0;\nconst fs_1 = require(\"fs\");\nconst path_1 = require(\"path\");\n\
                 const path_2 = __importDefault(require(\"path\"));\nclass Store {\n  \
                 constructor(dir) { this.dir = dir; (0, fs_1.mkdirSync)(this.dir, { recursive: true }); }\n  \
                 put(u) { (0, fs_1.appendFileSync)((0, path_1.join)(this.dir, \"hits.log\"), u); \
                 fs_1.writeFileSync(path_2.default.join(\"snapshots\", \"last.json\"), u); }\n}\nexports.Store = Store;\n";
    let main = "\"use strict\";\nconst path_1 = require(\"path\");\nconst store_1 = require(\"./store\");\n\
                new store_1.Store((0, path_1.resolve)(process.cwd(), \"data\"));\n";
    let report = started(
        "WorkingDirectory=/opt/kiln\nExecStart=/usr/bin/node /opt/kiln/dist/main.js",
        &[
            ("/opt/kiln/dist/main.js", main),
            ("/opt/kiln/dist/store.js", store),
        ],
    );
    assert_eq!(written(&report), ["/opt/kiln/data", "/opt/kiln/snapshots"]);
}

#[test]
fn state_of_a_rails_application_is_found_where_its_settings_and_models_say() {
    let report = started(
        "WorkingDirectory=/opt/kiln\nEnvironment=RAILS_ENV=production\nExecStart=/usr/bin/ruby bin/rails server -b 0.0.0.0 -p 3005",
        &[
            (
                "/opt/kiln/bin/rails",
                "#!/usr/bin/env ruby\nrequire_relative '../config/boot'\nrequire 'rails/commands'\n",
            ),
            ("/opt/kiln/config/boot.rb", "require 'bundler/setup'\n"),
            (
                "/opt/kiln/config/database.yml",
                "production:\n  adapter: sqlite3\n  database: db/production.sqlite3\ndevelopment:\n  adapter: sqlite3\n  database: dev-db/dev.sqlite3\n",
            ),
            (
                "/opt/kiln/app/models/pot.rb",
                "class Pot < ApplicationRecord\n  def dump\n    File.write(Rails.root.join('exports', \"#{id}.json\"), to_json)\n  end\nend\n",
            ),
        ],
    );
    assert_eq!(ports(&report), [3005]);
    assert_eq!(written(&report), ["/opt/kiln/db", "/opt/kiln/exports"]);
}

/// A program of Perl that an init script starts, by name and by path.
#[test]
fn an_init_script_starts_a_program_of_perl() {
    for line in [
        "start-stop-daemon --start --exec /usr/bin/perl -- /opt/kiln/bin/kilnd.pl -p 4555",
        "daemon --user kiln \"perl /opt/kiln/bin/kilnd.pl -p 4555 >> /var/log/kilnd.log 2>&1 &\"",
        "perl -I/opt/kiln/lib /opt/kiln/bin/kilnd.pl -p 4555 &",
    ] {
        let script = format!("#!/bin/sh\ncase $1 in\nstart) {line} ;;\nesac\n");
        let report = started(
            "ExecStart=/bin/true",
            &[
                ("/etc/init.d/kilnd", script.as_str()),
                ("/opt/kiln/bin/kilnd.pl", "use strict; sleep 9;\n"),
            ],
        );
        let mut starts = report["plan"]["start"].as_array().unwrap().iter();
        let start = starts.find(|start| start["how"] == "init").expect(line);
        assert_eq!(start["command"][0], "/usr/bin/perl", "{line}");
        assert_eq!(ports(&report), [4555], "{line}");
    }
}

#[test]
fn a_file_of_passwords_that_is_not_there_is_made_by_its_program() {
    let conf = (
        "/opt/kiln/config.yaml",
        "auth:\n  htpasswd:\n    file: ./htpasswd\nstorage: ./pots\n",
    );
    let service = "ExecStart=/opt/kiln/bin/kilnd -c /opt/kiln/config.yaml";
    let found = written(&started(service, &[conf]));
    assert!(
        found.iter().any(|path| path == "/opt/kiln/htpasswd"),
        "{found:?}"
    );
    let server = ("/opt/kiln/conf/web.conf", "AuthUserFile = ./htpasswd\n");
    let found = written(&started(service, &[server]));
    assert!(found.is_empty(), "{found:?}");
    // One that is there may well be the administrator's.
    let there = (
        "/opt/kiln/htpasswd",
        "anna:$apr1$k2ur1$Hh8Qx1nT0m2vPq5zR7wY41\n",
    );
    let found = written(&started(service, &[conf, there]));
    assert!(
        !found.iter().any(|path| path == "/opt/kiln/htpasswd"),
        "{found:?}"
    );
}

#[test]
fn nobody_makes_directories_for_the_number_of_a_process() {
    let conf = "[kiln]\npidfile = /var/opt/kiln/var/kiln.pid\nlock_file = /srv/kiln.lock\n";
    let service = "ExecStart=/opt/kiln/bin/kilnd -c /opt/kiln/kiln.ini";
    let found = written(&started(
        service,
        &[("/opt/kiln/kiln.ini", conf), ("/srv/about.txt", "x\n")],
    ));
    assert!(
        !found.iter().any(|path| path.starts_with("/var/opt")),
        "{found:?}"
    );
    assert!(
        found.iter().any(|path| path.starts_with("/srv")),
        "{found:?}"
    );
}
