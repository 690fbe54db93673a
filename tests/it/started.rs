//! What is started here: each kind of starter in each of its ways, on a small root. The start that is
//! resolved is the one that the system would make.

use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use crate::lab::compose;

/// A way in which a starter names its program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Plain,
    /// Through a link to the install directory.
    ByLink,
    /// From a variable of a file that the starter reads.
    ByVariable,
    AsUser,
    InDirectory,
    /// It does not wait for the program.
    InBackground,
    /// With arguments from a variable.
    WithVariable,
}

const WAYS: [Way; 7] = [
    Way::Plain,
    Way::ByLink,
    Way::ByVariable,
    Way::AsUser,
    Way::InDirectory,
    Way::InBackground,
    Way::WithVariable,
];

/// A starter: its files, from what it is to start.
struct Kind {
    name: &'static str,
    files: fn(&Start) -> Vec<(&'static str, String)>,
    /// The ways that it has no words for.
    without: &'static [Way],
    /// Whether the program is known to stay, where the starter waits for it and where it does not.
    forks: [Option<bool>; 2],
}

/// What a starter is to start.
struct Start {
    way: Way,
    /// Shell code before the command.
    before: &'static str,
    program: &'static str,
    args: &'static str,
}

impl Start {
    fn of(way: Way) -> Self {
        let (before, program, args) = match way {
            Way::ByLink => ("", "/opt/current/bin/geard", "-c /etc/gear.conf"),
            Way::ByVariable => (
                ". /etc/default/gear\n",
                "$GEAR_HOME/bin/geard",
                "-c /etc/gear.conf",
            ),
            Way::WithVariable => (". /etc/default/gear\n", "/opt/gear/bin/geard", "$GEAR_OPTS"),
            _ => ("", "/opt/gear/bin/geard", "-c /etc/gear.conf"),
        };
        Self {
            way,
            before,
            program,
            args,
        }
    }

    fn is(&self, way: Way) -> bool {
        self.way == way
    }

    fn line(&self) -> String {
        format!("{} {}", self.program, self.args)
    }

    /// The command for a shell, with its user, directory and way.
    fn shell(&self) -> String {
        let mut line = self.line();
        if self.is(Way::AsUser) {
            line = format!("su gear -c \"{line}\"");
        }
        if self.is(Way::InDirectory) {
            line = format!("cd /var/lib/gear && {line}");
        }
        if self.is(Way::InBackground) {
            line += " &";
        }
        line
    }
}

fn when(is: bool, text: &str) -> String {
    if is { text.to_owned() } else { String::new() }
}

const KINDS: [Kind; 25] = [
    Kind {
        name: "unit",
        files: |start| {
            vec![(
                "/etc/systemd/system/gear.service",
                unit(start, "User=gear\n"),
            )]
        },
        without: &[Way::ByVariable],
        forks: [Some(false), Some(true)],
    },
    Kind {
        name: "unit of a user",
        files: |start| {
            let file = "/home/gear/.config/systemd/user/gear.service";
            vec![(file, unit(start, ""))]
        },
        without: &[Way::ByVariable],
        forks: [Some(false), Some(true)],
    },
    Kind {
        name: "init script",
        files: |start| vec![("/etc/init.d/gear", init(start, &start.shell()))],
        without: &[],
        forks: [Some(true), Some(false)],
    },
    Kind {
        name: "init script, a link into the tree",
        files: |start| vec![("/opt/gear/etc/init", init(start, &start.shell()))],
        without: &[],
        forks: [Some(true), Some(false)],
    },
    Kind {
        name: "init script of Debian",
        files: |start| {
            let options = [
                when(start.is(Way::InBackground), "--background "),
                when(start.is(Way::AsUser), "--chuid gear "),
                when(start.is(Way::InDirectory), "--chdir /var/lib/gear "),
            ];
            let line = format!(
                "start-stop-daemon --start {}--exec {} -- {}",
                options.concat(),
                start.program,
                start.args
            );
            vec![("/etc/init.d/gear", init(start, &line))]
        },
        without: &[],
        forks: [Some(true), Some(false)],
    },
    Kind {
        name: "init script of Red Hat",
        files: |start| {
            let user = when(start.is(Way::AsUser), "--user=gear ");
            let dir = when(start.is(Way::InDirectory), "cd /var/lib/gear\n");
            let line = format!("{dir}daemon {user}{}", start.line());
            let text = init(start, &line).replace("case", ". /etc/init.d/functions\ncase");
            vec![("/etc/init.d/gear", text)]
        },
        without: &[Way::InBackground],
        forks: [Some(true), Some(true)],
    },
    Kind {
        name: "init script of SUSE",
        files: |start| {
            let user = when(start.is(Way::AsUser), "-u gear ");
            let dir = when(start.is(Way::InDirectory), "cd /var/lib/gear\n");
            let line = format!("{dir}startproc {user}{}", start.line());
            vec![("/etc/init.d/gear", init(start, &line))]
        },
        without: &[Way::InBackground],
        forks: [Some(true), Some(true)],
    },
    Kind {
        name: "init script of OpenRC",
        files: |start| vec![("/etc/init.d/gear", open_rc(start, ""))],
        without: &[],
        forks: [Some(true), Some(false)],
    },
    Kind {
        name: "init script of OpenRC, supervised",
        files: |start| {
            vec![(
                "/etc/init.d/gear",
                open_rc(start, "supervisor=supervise-daemon\n"),
            )]
        },
        without: &[Way::InBackground],
        forks: [Some(false), Some(false)],
    },
    Kind {
        name: "init script of Debian, framed",
        files: |start| {
            let options = [
                when(start.is(Way::InBackground), "--background "),
                when(start.is(Way::AsUser), "--chuid gear "),
                when(start.is(Way::InDirectory), "--chdir /var/lib/gear "),
            ];
            let text = format!(
                "#!/usr/bin/env /lib/init/init-d-script\n### BEGIN INIT INFO\n# Provides: gear\n### END INIT INFO\n\
                 {}NAME=gear\nDAEMON={}\nDAEMON_ARGS=\"{}\"\nSTART_ARGS=\"{}\"\n",
                start.before,
                start.program,
                start.args,
                options.concat()
            );
            vec![("/etc/init.d/gear", text)]
        },
        without: &[],
        forks: [Some(true), Some(false)],
    },
    Kind {
        name: "script of Slackware",
        files: |start| {
            let text = format!(
                "#!/bin/sh\n{}gear_start() {{\n  if [ -x {} ]; then\n    echo \"Starting: {}\"\n    {}\n  fi\n}}\n\
                 gear_stop() {{\n  killall geard\n}}\ncase \"$1\" in\n'start')\n  gear_start\n  ;;\n'stop')\n  gear_stop\n  ;;\n\
                 'restart')\n  gear_stop\n  sleep 1\n  gear_start\n  ;;\n*)\n  echo \"usage $0 start|stop|restart\"\nesac\n",
                start.before,
                start.program,
                start.program,
                start.shell()
            );
            vec![("/etc/rc.d/rc.gear", text)]
        },
        without: &[],
        forks: [Some(true), Some(false)],
    },
    Kind {
        name: "rc.local",
        files: |start| {
            let text = format!("#!/bin/sh\n{}{}\nexit 0\n", start.before, start.shell());
            vec![("/etc/rc.local", text)]
        },
        without: &[],
        forks: [Some(true), Some(false)],
    },
    Kind {
        name: "inittab",
        files: |start| {
            let before = start.before.replace('\n', "; ");
            vec![(
                "/etc/inittab",
                format!("# x\nge:345:respawn:{before}{}\n", start.shell()),
            )]
        },
        without: &[Way::InBackground],
        forks: [Some(false), Some(false)],
    },
    Kind {
        name: "cron, when the system starts",
        files: |start| {
            let before = start.before.replace('\n', "; ");
            vec![(
                "/etc/cron.d/gear",
                format!("@reboot root {before}{}\n", start.shell()),
            )]
        },
        without: &[],
        forks: [None, Some(false)],
    },
    Kind {
        name: "supervisord",
        files: |start| {
            let user = when(start.is(Way::AsUser), "user=gear\n");
            let dir = when(start.is(Way::InDirectory), "directory=/var/lib/gear\n");
            let text = format!("[program:gear]\ncommand={}\n{user}{dir}", start.line());
            vec![("/etc/supervisor/conf.d/gear.conf", text)]
        },
        without: &[Way::ByVariable, Way::WithVariable, Way::InBackground],
        forks: [Some(false), Some(false)],
    },
    Kind {
        name: "runit",
        files: |start| {
            let user = when(start.is(Way::AsUser), "chpst -u gear ");
            let dir = when(start.is(Way::InDirectory), "cd /var/lib/gear\n");
            let text = format!(
                "#!/bin/sh\nexec 2>&1\n{}{dir}exec {user}{}\n",
                start.before,
                start.line()
            );
            vec![("/etc/sv/gear/run", text)]
        },
        without: &[Way::InBackground],
        forks: [Some(false), Some(false)],
    },
    Kind {
        name: "xinetd",
        files: |start| {
            let user = when(start.is(Way::AsUser), " user = gear\n");
            let text = format!(
                "service gear\n{{\n type = UNLISTED\n port = 7070\n protocol = tcp\n server = {}\n server_args = {}\n{user}}}\n",
                start.program, start.args
            );
            vec![("/etc/xinetd.d/gear", text)]
        },
        without: &[
            Way::ByVariable,
            Way::WithVariable,
            Way::InDirectory,
            Way::InBackground,
        ],
        forks: [Some(false), Some(false)],
    },
    Kind {
        name: "upstart",
        files: |start| {
            let user = when(start.is(Way::AsUser), "setuid gear\n");
            let forks = when(start.is(Way::InBackground), "expect fork\n");
            let text = format!("start on runlevel 3\n{user}{forks}exec {}\n", start.line());
            vec![("/etc/init/gear.conf", text)]
        },
        without: &[Way::ByVariable, Way::WithVariable, Way::InDirectory],
        forks: [None, Some(true)],
    },
    Kind {
        name: "at",
        files: |start| {
            // As at(1) of Debian writes it.
            let uid = if start.is(Way::AsUser) { 990 } else { 0 };
            let dir = if start.is(Way::InDirectory) {
                "/var/lib/gear"
            } else {
                "/"
            };
            let text = format!(
                "#!/bin/sh\n# atrun uid={uid} gid={uid}\n# mail root 0\numask 22\nPWD={dir}; export PWD\n\
                 cd {dir} || {{\n\t echo 'Execution directory inaccessible' >&2\n\t exit 1\n}}\n{}{}{}\n",
                start.before,
                start.line(),
                when(start.is(Way::InBackground), " &"),
            );
            vec![("/var/spool/cron/atjobs/a0000301c2a9f4", text)]
        },
        without: &[],
        forks: [None, None],
    },
    Kind {
        name: "pm2",
        files: |start| {
            let text = format!(
                "module.exports = {{\n  apps: [{{\n    name: 'gear', script: '{}', args: '{}',\n    {}{}\n  }}]\n}};\n",
                start.program,
                start.args,
                when(start.is(Way::AsUser), "uid: 'gear', "),
                when(start.is(Way::InDirectory), "cwd: '/var/lib/gear',"),
            );
            vec![("/opt/gear/ecosystem.config.js", text)]
        },
        without: &[Way::ByVariable, Way::WithVariable, Way::InBackground],
        forks: [Some(false), Some(false)],
    },
    Kind {
        name: "foreman",
        files: |start| {
            let variables = "GEAR_HOME=/opt/gear\nGEAR_OPTS=-c /etc/gear.conf\n".to_owned();
            vec![
                ("/opt/gear/Procfile", format!("gear: {}\n", start.shell())),
                ("/opt/gear/.env", variables),
            ]
        },
        without: &[Way::InBackground],
        forks: [Some(false), Some(false)],
    },
    Kind {
        name: "god",
        files: |start| {
            let text = format!(
                "God.watch do |w|\n  w.name = 'gear'\n  w.start = \"{}{}\"\n{}{}{}end\n",
                start.before.replace('\n', "; "),
                start.line(),
                when(start.is(Way::AsUser), "  w.uid = 'gear'\n"),
                when(start.is(Way::InDirectory), "  w.dir = '/var/lib/gear'\n"),
                when(
                    start.is(Way::InBackground),
                    "  w.pid_file = '/run/gear.pid'\n"
                ),
            );
            vec![("/opt/gear/config/gear.god", text)]
        },
        without: &[],
        forks: [Some(false), Some(true)],
    },
    Kind {
        name: "eye",
        files: |start| {
            let text = format!(
                "Eye.application 'gear' do\n  process :gear do\n    start_command '{}'\n    daemonize {}\n{}{}  end\nend\n",
                start.line(),
                !start.is(Way::InBackground),
                when(start.is(Way::AsUser), "    uid 'gear'\n"),
                when(
                    start.is(Way::InDirectory),
                    "    working_dir '/var/lib/gear'\n"
                ),
            );
            vec![("/opt/gear/config/gear.eye", text)]
        },
        without: &[Way::ByVariable, Way::WithVariable],
        forks: [Some(false), Some(true)],
    },
    Kind {
        name: "circus",
        files: |start| {
            let text = format!(
                "[circus]\ncheck_delay = 5\n\n[watcher:gear]\ncmd = {}\nargs = {}\n{}{}",
                start.program,
                match start.way {
                    Way::WithVariable =>
                        "$(circus.env.gear_opts)\n[env:gear]\ngear_opts = -c /etc/gear.conf",
                    _ => start.args,
                },
                when(start.is(Way::AsUser), "uid = gear\n"),
                when(start.is(Way::InDirectory), "working_dir = /var/lib/gear\n"),
            );
            vec![("/etc/circus/gear.ini", text)]
        },
        without: &[Way::ByVariable, Way::InBackground],
        forks: [Some(false), Some(false)],
    },
    Kind {
        name: "monit",
        files: |start| {
            let text = format!(
                "check process gear with pidfile /run/gear.pid\n  start program = \"{}\"{}\n  stop program = \"/bin/kill 1\"\n",
                match start.way {
                    Way::Plain | Way::ByLink | Way::AsUser => start.line(),
                    _ => format!(
                        "/bin/sh -c '{}{}'",
                        start.before.replace('\n', "; "),
                        start.shell()
                    ),
                },
                when(start.is(Way::AsUser), " as uid gear"),
            );
            vec![("/etc/monit/conf.d/gear", text)]
        },
        without: &[Way::InBackground],
        forks: [None, None],
    },
];

fn unit(start: &Start, user: &str) -> String {
    let lines = [
        when(start.is(Way::AsUser), user),
        when(
            start.is(Way::InDirectory),
            "WorkingDirectory=/var/lib/gear\n",
        ),
        when(start.is(Way::InBackground), "Type=forking\n"),
        when(
            !start.before.is_empty(),
            "EnvironmentFile=-/etc/default/gear\n",
        ),
    ];
    format!("[Service]\n{}ExecStart={}\n", lines.concat(), start.line())
}

fn open_rc(start: &Start, more: &str) -> String {
    let before = match start.before {
        "" => "",
        // Its settings are in /etc/conf.d, which nobody sources.
        _ => "# see conf.d\n",
    };
    let lines = [
        when(start.is(Way::AsUser), "command_user=gear:gear\n"),
        when(start.is(Way::InDirectory), "directory=/var/lib/gear\n"),
        when(
            start.is(Way::InBackground),
            "command_background=yes\npidfile=/run/gear.pid\n",
        ),
    ];
    format!(
        "#!/sbin/openrc-run\n{before}{more}command=\"{}\"\ncommand_args=\"{}\"\n{}depend() {{\n\tneed net\n}}\n",
        start.program,
        start.args,
        lines.concat()
    )
}

fn init(start: &Start, line: &str) -> String {
    format!(
        "#!/bin/sh\n{}case \"$1\" in\nstart)\n{line}\n;;\nstop) kill `cat /run/gear.pid` ;;\n\
         restart) $0 stop; $0 start ;;\n*) echo \"usage: $0 start|stop\" ;;\nesac\n",
        start.before
    )
}

/// A root with the program and its accounts.
fn root() -> TempDir {
    let root = TempDir::new().unwrap();
    let passwd = "root:x:0:0:root:/root:/bin/sh\ngear:x:990:990::/home/gear:/bin/sh\n";
    put(root.path(), "/etc/passwd", passwd);
    put(root.path(), "/etc/group", "root:x:0:\ngear:x:990:\n");
    put(root.path(), "/bin/sh", "#!/bin/sh\n");
    put(
        root.path(),
        "/opt/gear/bin/geard",
        "#!/usr/bin/perl\nsleep 9;\n",
    );
    put(root.path(), "/etc/gear.conf", "port = 7070\n");
    put(root.path(), "/var/lib/gear/state", "x\n");
    let default = "# of the service\nGEAR_HOME=/opt/gear\nGEAR_OPTS=\"-c /etc/gear.conf\"\n";
    put(root.path(), "/etc/default/gear", default);
    put(root.path(), "/etc/conf.d/gear", default);
    symlink("gear", root.path().join("opt/current")).unwrap();
    root
}

fn put(root: &Path, path: &str, text: &str) {
    let host = root.join(path.trim_start_matches('/'));
    std::fs::create_dir_all(host.parent().unwrap()).unwrap();
    std::fs::write(&host, text).unwrap();
    let mode = if text.starts_with("#!") { 0o755 } else { 0o644 };
    std::fs::set_permissions(host, std::fs::Permissions::from_mode(mode)).unwrap();
}

fn scanned(root: &Path, scope: &[&str]) -> Value {
    let output = Command::new(env!("CARGO_BIN_EXE_seaworthy"))
        .args(["scan", "--format", "json", "--root"])
        .arg(root)
        .args(scope)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.stdout.is_empty(), "{said}");
    serde_json::from_slice(&output.stdout).unwrap()
}

fn starts(report: &Value) -> Vec<Value> {
    report["plan"]["start"].as_array().unwrap().clone()
}

/// A start in a line: who, what, where, and whether it leaves.
fn shown(start: &Value) -> String {
    let words: Vec<&str> = start["command"]
        .as_array()
        .unwrap()
        .iter()
        .map(|word| word.as_str().unwrap())
        .collect();
    let text = |key: &str| start[key].as_str().unwrap_or("-").to_owned();
    format!(
        "{}: {} in {}",
        text("user"),
        words.join(" "),
        text("directory")
    )
}

#[test]
fn every_kind_of_starter_is_resolved_in_each_of_its_ways() {
    let mut wrong = Vec::new();
    let mut cells = 0;
    for kind in &KINDS {
        for way in WAYS {
            if kind.without.contains(&way) {
                continue;
            }
            cells += 1;
            let root = root();
            for (path, text) in (kind.files)(&Start::of(way)) {
                put(root.path(), path, &text);
                if path == "/opt/gear/etc/init" {
                    let link = root.path().join("etc/init.d");
                    std::fs::create_dir_all(&link).unwrap();
                    symlink(path, link.join("gear")).unwrap();
                }
            }
            let report = scanned(root.path(), &["/opt/gear"]);
            let found = starts(&report);
            let program = match way {
                Way::ByLink => "/opt/current/bin/geard",
                _ => "/opt/gear/bin/geard",
            };
            let of_home = kind.name == "unit of a user";
            let user = match way {
                Way::AsUser => "gear",
                _ if of_home => "gear",
                _ if kind.name.starts_with("cron") || kind.name == "at" => "root",
                _ => "-",
            };
            let dir = match way {
                Way::InDirectory => "/var/lib/gear",
                _ if kind.name == "runit" => "/etc/sv/gear",
                _ if matches!(kind.name, "pm2" | "foreman") => "/opt/gear",
                _ => "-",
            };
            let want = format!("{user}: {program} -c /etc/gear.conf in {dir}");
            let lines: Vec<String> = found.iter().map(shown).collect();
            let forks = kind.forks[usize::from(way == Way::InBackground)];
            let is_right = lines == [want.clone()] && found[0]["forks"].as_bool() == forks;
            if !is_right {
                let said: Vec<&Value> = found.iter().map(|start| &start["forks"]).collect();
                wrong.push(format!(
                    "{}, {way:?}: want {want} {forks:?}, found {lines:?} {said:?}",
                    kind.name
                ));
            }
        }
    }
    assert!(cells > 130, "{cells}");
    assert!(
        wrong.is_empty(),
        "{} of {cells}:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

#[test]
fn what_cannot_be_known_is_no_command() {
    let root = root();
    let script = "#!/bin/sh\nMODE=`getmode`\ncase \"$1\" in\nstart) /opt/gear/bin/geard --mode $MODE & ;;\nesac\n";
    put(root.path(), "/etc/init.d/gear", script);
    let found = starts(&scanned(root.path(), &["/opt/gear"]));
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0]["problem"], "unresolved");
}

/// A directory in memory has the owner and the rights that a unit gives it, whoever starts the program.
#[test]
fn a_directory_that_a_unit_makes_has_the_owner_that_it_is_given() {
    for before in [
        "/usr/bin/install -Z -m 02755 -o gear -g gear -d /run/gear",
        "/bin/sh -c 'mkdir -p -m 2755 /run/gear && chown gear:gear /run/gear'",
        "/bin/mkdir -p /run/gear\nExecStartPre=/bin/chown gear.gear /run/gear\nExecStartPre=/bin/chmod 2755 /run/gear",
    ] {
        let root = root();
        let unit = format!("[Service]\nExecStartPre={before}\nExecStart=/opt/gear/bin/geard\n");
        put(root.path(), "/etc/systemd/system/gear.service", &unit);
        let report = scanned(root.path(), &["/opt/gear"]);
        let mounts = report["plan"]["mounts"].as_array().unwrap();
        let own = mounts.iter().find(|mount| mount["path"] == "/run/gear");
        let own = own.expect("a mount");
        assert_eq!(
            (own["uid"].as_u64(), own["gid"].as_u64()),
            (Some(990), Some(990)),
            "{before}"
        );
        assert_eq!(own["mode"], "2755", "{before}");
    }
}

/// A script of openrc-run may do the starting by itself, after its own checks, with the settings of conf.d.
#[test]
fn what_an_openrc_script_does_by_itself_comes_before_what_openrc_does() {
    let root = root();
    let script = "#!/sbin/openrc-run\ncommand=/opt/gear/bin/other\n: ${USERNAME:=nobody}\n\
                  checkconfig() {\n\tif [ ! -e \"${BASE}/state\" ]; then\n\t\teerror \"none\"\n\t\treturn 1\n\tfi\n}\n\
                  start_pre() {\n\texport GEAR_MODE=full\n}\n\
                  start() {\n\tcheckconfig || return 1\n\tebegin \"Starting $RC_SVCNAME\"\n\
                  \tstart-stop-daemon --start -u \"$USERNAME\" --env LIMIT=7 --wait 100 --pidfile \"$BASE/gear.pid\" \\\n\
                  \t\t--exec /opt/gear/bin/geard -- -b \"$BASE\" $GEAR_OPTS -n $RC_SVCNAME\n\teend $?\n}\n\
                  stop() {\n\tstart-stop-daemon --stop --pidfile \"$BASE/gear.pid\"\n}\n";
    put(root.path(), "/etc/init.d/gear", script);
    let settings = "BASE=/var/lib/gear\nUSERNAME=gear\nGEAR_OPTS='-c /etc/gear.conf'\n";
    put(root.path(), "/etc/conf.d/gear", settings);
    let report = scanned(root.path(), &["/opt/gear"]);
    let found = starts(&report);
    let want = "gear: /opt/gear/bin/geard -b /var/lib/gear -c /etc/gear.conf -n gear in -";
    assert_eq!(found.iter().map(shown).collect::<Vec<_>>(), [want]);
    let env = report["plan"]["env"].to_string();
    for variable in ["GEAR_MODE", "LIMIT"] {
        assert!(env.contains(variable), "{variable}: {env}");
    }
}

/// `${X-default}` is for what nothing has set; Red Hat's `daemon` hands one line to a shell; of branches that
/// start the same one counts; and a program that lies among the system's own is one as well.
#[test]
fn scripts_of_distributions_in_their_own_idioms() {
    for (file, script, want) in [
        (
            "/etc/init.d/gear",
            "#!/bin/bash\n. /etc/init.d/functions\nprog=${GEARD-/opt/gear/bin/geard}\npid=${PIDFILE-/run/gear.pid}\n\
             start() { daemon --pidfile=$pid $prog ${GEAR_OPTS--c /etc/gear.conf}; }\ncase $1 in start) start ;; esac\n",
            "-: /opt/gear/bin/geard -c /etc/gear.conf in -",
        ),
        (
            "/etc/init.d/gear",
            "#!/bin/sh\n. /etc/rc.d/init.d/functions\nstart() {\n cd /var/lib/gear\n\
             line=\". /etc/default/gear; MODE=full /opt/gear/bin/geard \\$GEAR_OPTS 2>&1 >> /var/log/gear.log\"\n\
             daemon --user gear --pidfile=/run/gear.pid $line &\n}\ncase $1 in start) start ;; esac\n",
            "gear: /opt/gear/bin/geard -c /etc/gear.conf in /var/lib/gear",
        ),
        (
            "/etc/init.d/gear",
            "#!/bin/sh\nD=/opt/gear/bin/geard\ncase $1 in start)\n if command -v startproc >/dev/null 2>&1; then\n\
             startproc -u gear $D -c /etc/gear.conf\n elif which start-stop-daemon >/dev/null 2>&1; then\n\
             start-stop-daemon --chuid gear --start --exec $D -- -c /etc/gear.conf &\n else\n\
             su -s /bin/sh -c \"nohup $D -c /etc/gear.conf &\" gear\n fi ;; esac\n",
            "gear: /opt/gear/bin/geard -c /etc/gear.conf in -",
        ),
    ] {
        let root = root();
        put(root.path(), file, script);
        let found = starts(&scanned(root.path(), &["/opt/gear"]));
        let lines: Vec<String> = found.iter().map(shown).collect();
        assert_eq!(lines, [want], "{script}");
    }
    let root = root();
    put(
        root.path(),
        "/usr/bin/gearproxy",
        "#!/usr/bin/perl\nsleep 9;\n",
    );
    let script = "#!/bin/sh\nBIN=/usr/bin/gearproxy\ncase $1 in start) echo $BIN; $BIN /etc/gear.conf ;; esac\n";
    put(root.path(), "/etc/rc.d/rc.gearproxy", script);
    let found = starts(&scanned(root.path(), &["--unit", "rc.gearproxy"]));
    let lines: Vec<String> = found.iter().map(shown).collect();
    assert_eq!(lines, ["-: /usr/bin/gearproxy /etc/gear.conf in -"]);
}

/// The search path that a start script builds is that of its program, and leads to what it starts.
#[test]
fn a_search_path_of_the_applications_own_belongs_to_the_start() {
    let root = root();
    put(
        root.path(),
        "/opt/gear/runtime/bin/gearrun",
        "#!/usr/bin/perl\nsleep 9;\n",
    );
    put(
        root.path(),
        "/opt/gear/env",
        "export PATH=/opt/gear/runtime/bin:$PATH\n",
    );
    let script =
        "#!/bin/sh\n. /opt/gear/env\ncase $1 in start) nohup gearrun -c /etc/gear.conf & ;; esac\n";
    put(root.path(), "/etc/init.d/gear", script);
    let report = scanned(root.path(), &["/opt/gear"]);
    let found = starts(&report);
    let lines: Vec<String> = found.iter().map(shown).collect();
    assert_eq!(
        lines,
        ["-: /opt/gear/runtime/bin/gearrun -c /etc/gear.conf in -"]
    );
    let env = report["plan"]["env"].to_string();
    assert!(
        env.contains("/opt/gear/runtime/bin:/usr/local/sbin"),
        "{env}"
    );
}

/// What a job or a script of the application runs from a disk that is not there is told.
#[test]
fn a_program_of_a_disk_that_is_not_there_is_told() {
    let root = root();
    std::fs::create_dir_all(root.path().join("usr/bin")).unwrap();
    put(
        root.path(),
        "/etc/profile.d/gear.sh",
        "export LOADER_HOME=/u01/loader\n",
    );
    let job = "#!/bin/sh\n. /etc/profile.d/gear.sh\n$LOADER_HOME/bin/load /etc/gear.conf\n[ -x /opt/gear/bin/none ] && /opt/gear/bin/none\n";
    put(root.path(), "/opt/gear/bin/nightly", job);
    put(
        root.path(),
        "/etc/cron.d/gear",
        "0 2 * * * gear /opt/gear/bin/nightly\n",
    );
    let report = scanned(root.path(), &["/opt/gear"]);
    let told: Vec<&str> = report["findings"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|finding| finding["rule"] == "start-program-absent")
        .map(|finding| finding["message"].as_str().unwrap())
        .collect();
    assert_eq!(
        told,
        ["nightly starts /u01/loader/bin/load, which is not there"]
    );
}

/// A file that scripts source is settings and script at once: what it exports is told.
#[test]
fn a_sourced_file_of_settings_that_acts_is_read_as_a_script() {
    let root = root();
    let part = "WRAPPED=/opt/gear/etc/passwd\nif [ x\"$(id -u)\" != x0 ]; then\ncat /etc/passwd > $WRAPPED\n\
                LD_PRELOAD=libwrap.so\nexport LD_PRELOAD\nfi\n";
    put(root.path(), "/opt/gear/etc/prepare", part);
    put(
        root.path(),
        "/opt/gear/bin/run",
        "#!/bin/sh\n. /opt/gear/etc/prepare\nexec /opt/gear/bin/geard\n",
    );
    put(
        root.path(),
        "/etc/systemd/system/gear.service",
        "[Service]\nUser=gear\nExecStart=/opt/gear/bin/run\n",
    );
    let findings = scanned(root.path(), &["/opt/gear"])["findings"].to_string();
    assert!(findings.contains("library-preload"), "{findings}");
}

/// What only a run of the starter tells is said not to be known, and is no command.
#[test]
fn what_a_process_manager_is_told_by_others_is_not_known() {
    for (file, text) in [
        (
            "/opt/gear/ecosystem.config.js",
            "module.exports = { apps: [{ name: 'gear', script: '/opt/gear/bin/geard', args: process.env.GEAR_OPTS }] };\n",
        ),
        (
            "/opt/gear/gear.god",
            "God.watch do |w|\n  w.name = 'gear'\n  w.start = \"/opt/gear/bin/geard #{ENV['GEAR_OPTS']}\"\nend\n",
        ),
        (
            "/opt/gear/gear.eye",
            "Eye.application 'gear' do\n  process :gear do\n    start_command \"/opt/gear/bin/geard #{options}\"\n  end\nend\n",
        ),
        (
            "/etc/circus/gear.ini",
            "[watcher:gear]\ncmd = /opt/gear/bin/geard $(circus.env.gear_opts)\n",
        ),
        (
            "/opt/gear/Procfile",
            "gear: /opt/gear/bin/geard `cat /run/gear.options`\n",
        ),
        (
            "/etc/supervisor/conf.d/gear.conf",
            "[program:gear]\ncommand=/opt/gear/bin/geard %(ENV_GEAR_OPTS)s\n",
        ),
    ] {
        let root = root();
        put(root.path(), file, text);
        let found = starts(&scanned(root.path(), &["/opt/gear"]));
        assert_eq!(found.len(), 1, "{file}: {found:?}");
        assert_eq!(found[0]["problem"], "unresolved", "{file}: {found:?}");
    }
}

/// A word that only a run of the starter tells is in no manifest: an init script is called as on the old host,
/// and where there is none, it is told that the word is left out.
#[test]
fn a_word_that_is_not_known_is_in_no_manifest() {
    let root = root();
    let table = "gear: /opt/gear/bin/geard -c /etc/gear.conf `cat /run/gear.options`\n";
    put(root.path(), "/opt/gear/Procfile", table);
    let text = compose(root.path(), &["/opt/gear"]);
    assert!(
        text.contains("'/etc/gear.conf'") && !text.contains("*'"),
        "{text}"
    );
    assert!(
        text.contains("a word of its command is not known"),
        "{text}"
    );
    std::fs::remove_file(root.path().join("opt/gear/Procfile")).unwrap();
    let script = "#!/bin/sh\nSUFFIX=`basename $0 | sed -ne 's/^gear-//p'`\n\
                  case $1 in start) start-stop-daemon --start --exec /opt/gear/bin/geard -- -c /etc/gear.conf --$SUFFIX $SUFFIX ;; esac\n";
    put(root.path(), "/etc/init.d/gear", script);
    let text = compose(root.path(), &["/opt/gear"]);
    let start = "    - '/etc/init.d/gear'\n    - 'start'\n    command: []\n    user: '0:0'\n";
    assert!(text.contains(start) && !text.contains("*'"), "{text}");
    assert!(!text.contains("asks the host's init"), "{text}");
    let report = scanned(root.path(), &["/opt/gear"]);
    let said = report["verdict"].to_string();
    assert!(!said.contains("a word of it is not known"), "{said}");
    assert!(
        text.contains("a word of its command is not known"),
        "{text}"
    );
}

/// A table that lies in the tree of what the system starts by itself is for those who develop it.
#[test]
fn a_table_in_the_tree_starts_nothing_where_the_system_does() {
    let unit = "[Service]\nExecStart=/opt/gear/bin/geard -c /etc/gear.conf\n";
    let table = "gear: /opt/gear/bin/geard --debug\nmail: /opt/gear/bin/mail\n";
    let enabled = |root: &TempDir| -> Vec<(String, bool)> {
        let found = starts(&scanned(root.path(), &["/opt/gear"]));
        let said = found.iter().map(|start| {
            let is_on = start["enabled"].as_bool() != Some(false);
            (start["name"].as_str().unwrap().to_owned(), is_on)
        });
        said.collect()
    };
    let root = root();
    put(root.path(), "/opt/gear/Procfile", table);
    put(
        root.path(),
        "/opt/gear/bin/mail",
        "#!/usr/bin/perl\nsleep 9;\n",
    );
    let both = [("gear".to_owned(), true), ("mail".to_owned(), true)];
    assert_eq!(enabled(&root), both);
    put(root.path(), "/etc/systemd/system/gear.service", unit);
    let said = enabled(&root);
    assert!(
        said.contains(&("gear.service".to_owned(), true)),
        "{said:?}"
    );
    assert!(said.contains(&("mail".to_owned(), false)), "{said:?}");
    // Where the unit starts the manager, that starts what the table has.
    let unit = "[Service]\nWorkingDirectory=/opt/gear\nExecStart=/usr/bin/foreman start -f /opt/gear/Procfile\n";
    put(root.path(), "/etc/systemd/system/gear.service", unit);
    let said = enabled(&root);
    assert!(said.contains(&("mail".to_owned(), true)), "{said:?}");
    let found = starts(&scanned(root.path(), &["/opt/gear"]));
    let led: Vec<&Value> = found
        .iter()
        .filter(|start| start["by"] == "gear.service")
        .collect();
    assert_eq!(led.len(), 2, "{found:?}");
    // Then the manager alone is started, unless it is not there.
    for (is_there, program) in [(false, "/opt/gear/bin/mail"), (true, "/usr/bin/foreman")] {
        if is_there {
            put(
                root.path(),
                "/usr/bin/foreman",
                "#!/usr/bin/perl\nsleep 9;\n",
            );
        }
        std::fs::create_dir_all(root.path().join("usr/bin")).unwrap();
        let text = compose(root.path(), &["/opt/gear"]);
        let is_started = |program: &str| text.contains(&format!("- '{program}'"));
        assert!(is_started(program), "{program}: {text}");
        assert_eq!(is_started("/opt/gear/bin/mail"), !is_there, "{text}");
    }
}

/// The mask of new files' rights, wherever a starter sets it, is that of the start, and is set in a container.
#[test]
fn the_mask_that_a_starter_sets_is_kept() {
    let gear = "/opt/gear/bin/geard";
    let at =
        format!("#!/bin/sh\n# atrun uid=990 gid=990\numask 27\ncd / || {{\n exit 1\n}}\n{gear}\n");
    let files: [(&str, String); 9] = [
        (
            "/etc/systemd/system/gear.service",
            format!("[Service]\nUMask=0027\nExecStart={gear}\n"),
        ),
        (
            "/etc/init.d/gear",
            format!("#!/bin/sh\numask 027\ncase $1 in start) {gear} & ;; esac\n"),
        ),
        (
            "/etc/init.d/gear",
            format!(
                "#!/bin/sh\ncase $1 in start) start-stop-daemon --start --umask 27 --exec {gear} ;; esac\n"
            ),
        ),
        (
            "/etc/rc.local",
            format!("#!/bin/sh\numask u=rwx,g=rx,o=\n{gear} &\n"),
        ),
        (
            "/etc/supervisor/conf.d/g.conf",
            format!("[program:gear]\ncommand={gear}\numask=027\n"),
        ),
        ("/etc/init/gear.conf", format!("umask 0027\nexec {gear}\n")),
        (
            "/etc/xinetd.d/gear",
            format!(
                "service gear\n{{\n type = UNLISTED\n port = 7070\n protocol = tcp\n umask = 027\n server = {gear}\n}}\n"
            ),
        ),
        (
            "/opt/gear/gear.god",
            format!(
                "God.watch do |w|\n w.name = 'gear'\n w.umask = 0o27\n w.start = '{gear}'\nend\n"
            ),
        ),
        ("/var/spool/cron/atjobs/a1", at),
    ];
    for (file, text) in files {
        let root = root();
        put(root.path(), file, &text);
        let found = starts(&scanned(root.path(), &["/opt/gear"]));
        assert_eq!(found.len(), 1, "{file}: {found:?}");
        assert_eq!(found[0]["umask"], "0027", "{file}: {found:?}");
        if found[0]["how"] == "cron" {
            continue;
        }
        let out = TempDir::new().unwrap();
        let made = out.path().join("made");
        let status = Command::new(env!("CARGO_BIN_EXE_seaworthy"))
            .args(["mounts", "--root"])
            .arg(root.path())
            .args(["/opt/gear", "-o"])
            .arg(&made)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&status.stderr).into_owned();
        for target in ["docker/run.sh", "compose/compose.yaml"] {
            let text = std::fs::read_to_string(made.join(target)).expect(&said);
            assert!(text.contains("umask 0027; "), "{file}, {target}: {text}");
        }
    }
}

#[test]
fn a_template_has_the_instances_that_are_wanted_or_whose_settings_are_there() {
    let unit = "[Unit]\nAssertPathExists=/etc/gear/%I/gear.conf\n[Service]\nUser=gear\n\
                ExecStart=/opt/gear/bin/geard -c /etc/gear/%I/gear.conf -n %i\n[Install]\nWantedBy=multi-user.target\n";
    let root = root();
    put(root.path(), "/lib/systemd/system/gear@.service", unit);
    put(
        root.path(),
        "/lib/systemd/system/gear.service",
        "[Service]\nExecStart=/bin/true\n",
    );
    put(root.path(), "/etc/gear/7/north/gear.conf", "a = 1\n");
    put(root.path(), "/etc/gear/7/south/other.conf", "a = 1\n");
    let want = "gear: /opt/gear/bin/geard -c /etc/gear/7/north/gear.conf -n 7-north in -";
    let of_unit = scanned(root.path(), &["--unit", "gear@7-north"]);
    let lines = |report: &Value| -> Vec<String> { starts(report).iter().map(shown).collect() };
    assert!(
        lines(&of_unit).contains(&want.to_owned()),
        "{:?}",
        lines(&of_unit)
    );
    let of_tree = lines(&scanned(root.path(), &["/opt/gear"]));
    assert_eq!(of_tree, [want]);

    // A link decides where there is one.
    let wants = root
        .path()
        .join("etc/systemd/system/multi-user.target.wants");
    std::fs::create_dir_all(&wants).unwrap();
    symlink(
        "/lib/systemd/system/gear@.service",
        wants.join("gear@east.service"),
    )
    .unwrap();
    let linked = lines(&scanned(root.path(), &["/opt/gear"]));
    assert_eq!(
        linked,
        ["gear: /opt/gear/bin/geard -c /etc/gear/east/gear.conf -n east in -"]
    );
}

#[test]
fn a_web_server_of_the_host_is_how_a_site_is_started() {
    let nginx = "user www;\nserver {\n listen 8090;\n root /opt/gear/public;\n location ~ \\.php { fastcgi_pass unix:/run/php.sock; }\n}\n";
    let apache = "<VirtualHost *:8090>\n DocumentRoot /opt/gear/public\n</VirtualHost>\nUser www\n";
    for (file, text, server) in [
        ("/etc/nginx/sites-enabled/gear", nginx, "nginx"),
        ("/etc/httpd/conf.d/gear.conf", apache, "httpd"),
    ] {
        let root = root();
        put(root.path(), file, text);
        put(root.path(), "/opt/gear/public/index.php", "<?php echo 1;\n");
        put(root.path(), &format!("/usr/sbin/{server}"), "#!/bin/sh\n");
        let unit = format!("[Service]\nType=forking\nExecStart=/usr/sbin/{server}\n");
        put(
            root.path(),
            &format!("/lib/systemd/system/{server}.service"),
            &unit,
        );
        let report = scanned(root.path(), &["/opt/gear"]);
        let found = starts(&report);
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0]["command"][0], format!("/usr/sbin/{server}"));
        let front = found[0]["foreground"].to_string();
        assert!(
            front.contains("daemon off;") || front.contains("FOREGROUND"),
            "{front}"
        );
        assert_eq!(report["plan"]["ports"][0]["port"], 8090);
        let findings = report["findings"].to_string();
        assert!(findings.contains("served-by-web-server"), "{findings}");
        // A site of another tree is no start of this one.
        let other = scanned(root.path(), &["/var/lib/gear"]);
        assert!(starts(&other).is_empty(), "{:?}", starts(&other));
    }
}

#[test]
fn what_is_in_a_file_of_variables_is_put_into_a_units_command() {
    let root = root();
    let unit = "[Service]\nEnvironmentFile=-/etc/default/gear\nEnvironmentFile=-/etc/default/none\n\
                ExecStart=/opt/gear/bin/geard $GEAR_OPTS ${GEAR_HOME}/x $NOT_SET ${NOT_SET}\n";
    put(root.path(), "/etc/systemd/system/gear.service", unit);
    let found = starts(&scanned(root.path(), &["/opt/gear"]));
    let want = "-: /opt/gear/bin/geard -c /etc/gear.conf /opt/gear/x  in -";
    assert_eq!(found.iter().map(shown).collect::<Vec<_>>(), [want]);
}

#[test]
fn what_a_unit_runs_before_its_program_is_run_or_named() {
    let root = root();
    let unit = "[Service]\nUser=gear\nExecStartPre=/opt/gear/bin/prepare --all\nExecStartPre=+/opt/gear/bin/grant\n\
                ExecStartPre=/bin/mkdir -p /run/gear\nExecStartPre=/opt/gear/bin/note 'two words'\n\
                ExecStart=/opt/gear/bin/geard\n";
    put(root.path(), "/etc/systemd/system/gear.service", unit);
    let output = Command::new(env!("CARGO_BIN_EXE_seaworthy"))
        .args(["mounts", "--target", "docker", "--root"])
        .arg(root.path())
        .args(["/opt/gear", "-o"])
        .arg(root.path().with_extension("made"))
        .output()
        .unwrap();
    let made = root.path().with_extension("made");
    let script = std::fs::read_to_string(made.join("docker/run.sh"));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let script = script.expect(&said);
    std::fs::remove_dir_all(made).unwrap();
    let (comment, code): (Vec<&str>, Vec<&str>) =
        script.lines().partition(|line| line.starts_with('#'));
    let is_told = |word: &str| comment.iter().any(|line| line.contains(word));
    let is_run = |word: &str| code.iter().any(|line| line.contains(word));
    assert!(is_run("/opt/gear/bin/prepare --all; "), "{script}");
    for left in ["/opt/gear/bin/grant", "/opt/gear/bin/note"] {
        assert!(is_told(left) && !is_run(left), "{left}: {script}");
    }
    assert!(!is_run("mkdir -p /run/gear"), "{script}");
}

#[test]
fn a_script_keeps_what_it_sets_and_its_secrets_are_withheld() {
    let root = root();
    let script = "#!/bin/sh\nexport HOME=/var/lib/gear GEAR_MODE=server GEAR_DB_PASSWORD=hunter2\n\
                  case $1 in start) /opt/gear/bin/geard & ;; esac\n";
    put(root.path(), "/etc/init.d/gear", script);
    let report = scanned(root.path(), &["/opt/gear"]);
    let value = |name: &str| -> Option<Value> {
        let env = report["plan"]["env"].as_array()?;
        let found = env.iter().find(|variable| variable["name"] == name)?;
        Some(found["value"].clone())
    };
    assert_eq!(value("HOME"), Some("/var/lib/gear".into()));
    assert_eq!(value("GEAR_MODE"), Some("server".into()));
    assert_eq!(value("GEAR_DB_PASSWORD"), Some(Value::Null));
    assert!(!report.to_string().contains("hunter2"));
}

/// What runs as an account that a distribution has for all is no part of the application for that alone; what
/// runs as the application's own account is.
#[test]
fn a_common_account_does_not_join_two_applications() {
    for (account, joined) in [("www-data", false), ("gear", true)] {
        let root = root();
        put(
            root.path(),
            "/etc/passwd",
            "root:x:0:0:root:/root:/bin/sh\nwww-data:x:33:33::/var/www:/bin/sh\ngear:x:990:990::/home/gear:/bin/sh\n",
        );
        put(
            root.path(),
            "/srv/other/bin/otherd",
            "#!/usr/bin/perl\nsleep 9;\n",
        );
        for (name, program) in [
            ("gear", "/opt/gear/bin/geard"),
            ("other", "/srv/other/bin/otherd -p 7001"),
        ] {
            let unit = format!("[Service]\nUser={account}\nExecStart={program}\n");
            put(
                root.path(),
                &format!("/etc/systemd/system/{name}.service"),
                &unit,
            );
        }
        let report = scanned(root.path(), &["/opt/gear"]);
        let names: Vec<String> = starts(&report)
            .iter()
            .map(|start| start["name"].as_str().unwrap().to_owned())
            .collect();
        assert_eq!(
            names.contains(&"other.service".to_owned()),
            joined,
            "{account}: {names:?}"
        );
        let ports = report["plan"]["ports"].to_string();
        assert_eq!(ports.contains("7001"), joined, "{account}: {ports}");
    }
}

#[test]
fn a_survey_lists_what_runs_and_how_to_audit_it() {
    let root = root();
    put(
        root.path(),
        "/etc/systemd/system/gear.service",
        "[Service]\nUser=gear\nExecStart=/opt/gear/bin/geard\n",
    );
    put(root.path(), "/srv/pages/app.py", "print(1)\n");
    put(
        root.path(),
        "/home/gear/tool/run.sh",
        "#!/bin/sh\nsleep 9\n",
    );
    put(
        root.path(),
        "/etc/cron.d/tool",
        "@reboot gear /home/gear/tool/run.sh\n",
    );
    put(root.path(), "/opt/empty/README", "nothing\n");
    let output = Command::new(env!("CARGO_BIN_EXE_seaworthy"))
        .args(["survey", "--format", "json", "--root"])
        .arg(root.path())
        .output()
        .unwrap();
    let survey: Value = serde_json::from_slice(&output.stdout).unwrap();
    let rows = survey["applications"].as_array().unwrap();
    let names: Vec<&str> = rows
        .iter()
        .map(|row| row["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["gear", "pages", "tool"], "{survey}");
    assert_eq!(rows[0]["starts"][0]["name"], "gear.service");
    assert_eq!(rows[0]["users"][0], "gear");
    assert_eq!(rows[2]["starts"][0]["name"], "cron.d/tool");
    for row in rows {
        let scope: Vec<&str> = row["scope"]
            .as_array()
            .unwrap()
            .iter()
            .map(|w| w.as_str().unwrap())
            .collect();
        scanned(root.path(), &scope);
    }
}

#[test]
fn a_name_that_stands_for_nothing_leads_to_what_is_there() {
    let root = root();
    put(
        root.path(),
        "/etc/systemd/system/gear.service",
        "[Service]\nExecStart=/opt/gear/bin/geard\n",
    );
    for (scope, said) in [
        (&["--unit", "gaer"][..], "gear"),
        (&["/opt/gaer"], "/opt/gear"),
        (&["/"], "survey"),
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_seaworthy"))
            .args(["scan", "--root"])
            .arg(root.path())
            .args(scope)
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{text}");
        assert!(text.contains(said) && text.contains("survey"), "{text}");
    }
}

/// A program that does not begin without a file finds it: its init script makes it, empty, before each start.
#[test]
fn what_an_init_script_touches_is_there_before_its_program() {
    let root = root();
    let script = "#!/bin/sh\nstart_one() {\n  touch /var/lib/gear/$1.leases\n  \
                  start-stop-daemon --start --exec /opt/gear/bin/geard -- -f -lf /var/lib/gear/$1.leases\n  \
                  touch /var/lock/subsys/gear\n}\ncase $1 in start) start_one gear ;; esac\n";
    put(root.path(), "/etc/init.d/gear", script);
    let found = starts(&scanned(root.path(), &["/opt/gear"]));
    let touch = serde_json::json!([["touch", "/var/lib/gear/gear.leases"]]);
    assert_eq!(found[0]["before"], touch, "{found:?}");
    let text = compose(root.path(), &["/opt/gear"]);
    assert!(text.contains("touch /var/lib/gear/gear.leases; "), "{text}");
}
