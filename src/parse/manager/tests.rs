//! Tables of process managers, each in the forms that their manuals show.

use super::*;

fn shown(path: &str, text: &str) -> Vec<String> {
    let form = form(path.as_bytes(), text.as_bytes()).expect("a table");
    read(form, text.as_bytes(), path.as_bytes())
        .iter()
        .map(show)
        .collect()
}

fn show(one: &Managed) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let command = match &one.command {
        Command::Words(words) => words
            .iter()
            .map(|word| text(word))
            .collect::<Vec<_>>()
            .join("|"),
        Command::Shell(line) => format!("sh: {}", text(line)),
    };
    let mut parts = vec![format!("{} {}: {command}", one.line, one.name)];
    let mut add = |key: &str, value: &Option<Vec<u8>>| {
        parts.extend(value.as_ref().map(|value| format!("{key}={}", text(value))));
    };
    add("dir", &one.directory);
    add("user", &one.user);
    add("group", &one.group);
    parts.extend(
        one.env
            .iter()
            .map(|(name, value)| format!("${name}={}", text(value))),
    );
    parts.extend(one.umask.iter().map(|mask| format!("umask={mask}")));
    parts.extend(one.count.map(|count| format!("x{count}")));
    parts.extend(one.stop_signal.clone());
    parts.extend(one.stop_time.iter().map(|time| format!("{time}s")));
    parts.extend(
        one.leaves
            .map(|leaves| if leaves { "leaves" } else { "stays" }.to_owned()),
    );
    parts.extend(
        one.files
            .iter()
            .map(|(key, file)| format!("{key}:{}", text(file))),
    );
    parts.join(" ")
}

#[test]
fn applications_of_pm2_in_each_language() {
    let script = "const path = require('path');\nconst HOME = '/srv/shop'; // where\n/* all */ module.exports = {\n  apps : [{\n    name   : \"api\",\n    script : './api.js',\n    cwd: path.join(__dirname, 'server'),\n    args: ['--port', '8080'],\n    node_args: '--max-old-space-size=300',\n    instances: 3, kill_timeout: 2500,\n    env: { NODE_ENV: 'production', DB: process.env.DB, MODE: process.env.MODE || 'full' },\n    uid: 'shop',\n  }, {\n    name: 'mail', script: `${HOME}/bin/mail.py`, args: \"-q \" + HOME,\n    error_file: '/var/log/mail.log',\n  }, { script: '/srv/shop/bin/run', instances: 'max' }]\n};\n";
    assert_eq!(
        shown("/srv/shop/ecosystem.config.js", script),
        [
            "6 api: node|--max-old-space-size=300|./api.js|--port|8080 dir=/srv/shop/server user=shop \
             $NODE_ENV=production $DB=* $MODE=full x3 SIGINT 3s stays",
            "14 mail: python3|/srv/shop/bin/mail.py|-q|/srv/shop SIGINT stays error_file:/var/log/mail.log",
            "16 run: /srv/shop/bin/run SIGINT stays",
        ]
    );
    let json = "{ \"apps\": [ { \"name\": \"a\", \"script\": \"app.js\", \"cwd\": \"/srv/a\" } ] }";
    let want = ["1 a: node|./app.js dir=/srv/a SIGINT stays"];
    assert_eq!(shown("/srv/a/process.json", json), want);
    let yaml = "apps:\n  - script: app.js\n    name: a\n    cwd: /srv/a\n    env:\n      A: b\n  - script: npm\n    args: [run, start]\n    name: n\n";
    assert_eq!(
        shown("/srv/a/ecosystem.yml", yaml),
        [
            "2 a: node|./app.js dir=/srv/a $A=b SIGINT stays",
            "7 n: npm|run|start SIGINT stays",
        ]
    );
}

#[test]
fn what_pm2_kept_of_a_host() {
    let dump = "[\n{\"name\":\"api\",\"pm_exec_path\":\"/srv/shop/api.js\",\"pm_cwd\":\"/srv/shop\",\"exec_interpreter\":\"node\",\"args\":[\"-p\",\"80\"],\"env\":{\"SHELL\":\"/bin/sh\"},\"username\":\"shop\",\"pm_out_log_path\":\"/home/shop/.pm2/logs/api-out.log\"}\n]\n";
    assert_eq!(
        shown("/home/shop/.pm2/dump.pm2", dump),
        [
            "2 api: node|/srv/shop/api.js|-p|80 dir=/srv/shop user=shop SIGINT stays \
             out_file:/home/shop/.pm2/logs/api-out.log"
        ]
    );
}

#[test]
fn processes_of_foreman() {
    let table = "# all\nweb: bundle exec puma -p $PORT\nworker:   env QUEUE=mail bin/work --all # one\n\nodd line\n";
    assert_eq!(
        shown("/srv/shop/Procfile", table),
        [
            "2 web: sh: bundle exec puma -p $PORT $PORT=5000 stays",
            "3 worker: sh: env QUEUE=mail bin/work --all # one $PORT=5100 stays",
        ]
    );
}

#[test]
fn watches_of_god() {
    let table = "ROOT = File.join('/srv', 'shop')\nHOST = ENV['HOST']\n%w{8200 8201}.each do |port|\n  God.watch do |w|\n    w.name = \"web-#{port}\"\n    w.start = \"#{ROOT}/bin/web --port #{port} \\\n      -l #{ROOT}/log\"\n    w.pid_file = File.join(ROOT, \"run/web.#{port}.pid\")\n    w.uid = 'shop'; w.gid = 'shop'\n    w.start_if do |start|\n      start.condition(:process_running) { |c| c.running = false }\n    end\n    w.transition(:up, :start) do |on|\n      on.condition(:process_exits)\n    end\n  end\nend\n\nGod.watch do |w|\n  w.name, w.start = 'x', 'y'\n  w.name = \"mail\"\n  w.dir = ROOT\n  w.env = { 'RACK_ENV' => 'production', 'HOST' => HOST }\n  w.umask = 0o27\n  w.start = \"bin/mail --to #{HOST}\"\n  w.stop_signal = 'QUIT'\n  w.stop_timeout = 20.seconds\n  w.keepalive if HOST\nend\n";
    assert_eq!(
        shown("/srv/shop/config/shop.god", table),
        [
            "4 web-8200: sh: /srv/shop/bin/web --port 8200       -l /srv/shop/log user=shop group=shop leaves \
             pid_file:/srv/shop/run/web.8200.pid",
            "4 web-8201: sh: /srv/shop/bin/web --port 8201       -l /srv/shop/log user=shop group=shop leaves \
             pid_file:/srv/shop/run/web.8201.pid",
            "19 mail: sh: bin/mail --to * dir=/srv/shop $RACK_ENV=production $HOST=* umask=0027 SIGQUIT 20s stays",
        ]
    );
}

#[test]
fn processes_of_eye_have_what_stands_around_them() {
    let table = "Eye.config { logger '/tmp/eye.log' }\nEye.application 'shop' do\n  working_dir File.expand_path(File.join(File.dirname(__FILE__), %w[ .. run ]))\n  env 'A' => '1', \"B\" => \"2\"\n  uid 'shop'\n  group 'web' do\n    env 'B' => '3'\n    chain grace: 5.seconds\n    (1..2).each do |n|\n      process \"web#{n}\" do\n        pid_file \"web#{n}.pid\"\n        start_command \"ruby ./web.rb -n #{n}\"\n        daemonize true\n        stop_signals [:QUIT, 5.seconds, :KILL]\n        check :cpu, below: 80, times: [3, 5]\n      end\n    end\n  end\n  process(:thin) do\n    pid_file 'thin.pid'\n    start_command 'bundle exec thin start -d'\n  end\nend\n";
    assert_eq!(
        shown("/srv/shop/etc/shop.eye", table),
        [
            "10 web1: ruby|./web.rb|-n|1 dir=/srv/shop/run user=shop $A=1 $B=2 $B=3 SIGQUIT 5s stays pid_file:web1.pid",
            "10 web2: ruby|./web.rb|-n|2 dir=/srv/shop/run user=shop $A=1 $B=2 $B=3 SIGQUIT 5s stays pid_file:web2.pid",
            "19 thin: bundle|exec|thin|start|-d dir=/srv/shop/run user=shop $A=1 $B=2 leaves pid_file:thin.pid",
        ]
    );
}

#[test]
fn watchers_of_circus() {
    let table = "[circus]\nendpoint = tcp://127.0.0.1:5555\n\n[watcher:web]\ncmd = /srv/shop/bin/web\nargs = --fd $(circus.sockets.web) --root $(circus.env.ROOT)\nworking_dir = /srv/shop\nuid = shop\nnumprocesses = 5\nstop_signal = SIGINT\ngraceful_timeout = 10\nstdout_stream.class = FileStream\nstdout_stream.filename = /var/log/web.log\n\n[watcher:mail]\ncmd = bin/mail | logger\nshell = True\n\n[env]\nROOT = /srv/shop/htdocs\n[env:web]\nMODE=full\n";
    assert_eq!(
        shown("/etc/circus/shop.ini", table),
        [
            "5 web: /srv/shop/bin/web|--fd|*|--root|/srv/shop/htdocs dir=/srv/shop user=shop $MODE=full \
             $ROOT=/srv/shop/htdocs x5 SIGINT 10s stays stdout_stream.filename:/var/log/web.log",
            "16 mail: sh: bin/mail | logger $ROOT=/srv/shop/htdocs stays",
        ]
    );
}

#[test]
fn checks_of_monit() {
    let table = "set daemon 120 # \"start\"\ncheck process web with pidfile /run/web.pid\n  group www\n  start program = \"/srv/shop/bin/web -c '/etc/a b.conf'\" as uid shop and gid shop with timeout 60 seconds\n  stop program = \"/srv/shop/bin/web stop\"\n  if failed port 80 protocol http then restart\n  depends on data\ncheck file data with path /srv/shop/bin/web\n  start = \"/bin/none\"\nCHECK PROCESS \"mail\" MATCHING \"mail\"\n  START \"/srv/shop/bin/mail\"\n";
    assert_eq!(
        shown("/etc/monit/conf.d/shop", table),
        [
            "4 web: /srv/shop/bin/web|-c|/etc/a b.conf user=shop group=shop pidfile:/run/web.pid",
            "11 mail: /srv/shop/bin/mail",
        ]
    );
}

#[test]
fn names_that_double_each_other_are_not_known_in_the_end() {
    let mut text = String::from("const a0 = 'x';\nconst l0 = ['x'];\n");
    for at in 1..80 {
        let before = at - 1;
        text += &format!(
            "const a{at} = `${{a{before}}}${{a{before}}}`;\nconst l{at} = [l{before}, l{before}];\n"
        );
    }
    text += "module.exports = { apps: [{ name: 'a', script: '/srv/a/run', args: a79, env: { A: a5 } }] };\n";
    assert_eq!(
        shown("/srv/a/ecosystem.config.js", &text),
        [format!(
            "161 a: /srv/a/run|* $A={} SIGINT stays",
            "x".repeat(32)
        )]
    );
}

#[test]
fn other_files_are_no_tables() {
    for (path, text) in [
        (
            "/srv/a/webpack.config.js",
            "module.exports = { entry: './a.js' }",
        ),
        (
            "/srv/a/package.json",
            "{ \"scripts\": { \"apps\": \"x\" } }",
        ),
        ("/srv/a/config.rb", "puts 1"),
        ("/srv/a/a.ini", "[program:x]\ncommand = y\n"),
        ("/etc/monit/monitrc", "set daemon 120\n"),
    ] {
        assert_eq!(form(path.as_bytes(), text.as_bytes()), None, "{path}");
    }
}

proptest::proptest! {
    #[test]
    fn any_text_is_read(
        text in r##"([a-zG.=:'"#{}\[\]()|,;%w \n/*`$+&?-]|God.watch do |\||end|apps|script|module.exports){0,80}"##,
        bytes: Vec<u8>,
    ) {
        let all = [
            Form::Ecosystem(Text::Script),
            Form::Ecosystem(Text::Yaml),
            Form::Procfile,
            Form::God,
            Form::Eye,
            Form::Circus,
            Form::Monit,
        ];
        for form in all {
            let _ = read(form, text.as_bytes(), b"/srv/a/x");
            let _ = read(form, &bytes, b"x");
        }
    }
}

#[test]
fn long_chains_of_signs_are_read_in_bounded_depth() {
    for sign in [
        "a:", "a=>", "[", "(", "{", "!", "-", "a.", "a||", "a?a:", "`${", "->(x){", "a,",
    ] {
        for before in [
            "module.exports = { apps: [",
            "God.watch do |w|\n w.env = {",
            "x ",
        ] {
            let text = [before, &sign.repeat(50_000)].concat();
            for form in [Form::Ecosystem(Text::Script), Form::God, Form::Eye] {
                let _ = read(form, text.as_bytes(), b"/srv/a/x");
            }
        }
    }
}
