//! Secrets of forty kinds, planted in one application: each is found, and the value of none stands in
//! what any command writes.

mod more;

use std::collections::BTreeSet;
use std::io::Read as _;
use std::path::Path;
use std::process::Command;

/// How many of a hundred have to be found.
const LEAST: usize = 95;

/// The kind, the file, and its text; `@@` stands for the secret.
#[rustfmt::skip]
const PLANTED: &[(&str, &str, &str)] = &[
    ("key and value", "conf/a1.ini", "[db]\nuser = app\npassword = @@\n"),
    ("key and value", "conf/a2.conf", "smtp_pass: @@\n"),
    ("key and value", "conf/a3.cnf", "LdapBindPwd=@@\n"),
    ("key and blank", "conf/b1.conf", "bindpw   @@\n"),
    ("key and blank", "conf/b2.conf", "requirepass @@\nport 6379\n"),
    ("YAML", "conf/c1.yml", "datasource:\n  username: app\n  password: \"@@\"\n"),
    ("YAML", "conf/c2.yaml", "oauth:\n  client_secret: @@\n"),
    ("JSON", "conf/d1.json", "{\"db\": {\"user\": \"app\", \"password\": \"@@\"}}\n"),
    ("JSON", "conf/d2.json", "{\"apiKey\": \"@@\", \"name\": \"x\"}\n"),
    ("JSON", "conf/d3.json", "{\"clientSecret\":\"@@\"}\n"),
    ("XML attributes", "conf/e1.xml", "<c><property name=\"db.password\" value=\"@@\"/></c>\n"),
    ("XML attributes", "conf/e2.xml", "<c><add key=\"SmtpPassword\" value=\"@@\" /></c>\n"),
    ("XML attributes", "conf/e3.xml", "<Resource name=\"jdbc/x\" username=\"app\" password=\"@@\"/>\n"),
    ("XML elements", "conf/f1.xml", "<s>\n<password>@@</password>\n</s>\n"),
    ("XML elements", "conf/f2.xml", "<s><param-name>dbPassword</param-name><param-value>@@</param-value></s>\n"),
    ("endings of keys", "conf/g1.properties", "mail.session.symmkey=@@\n"),
    ("endings of keys", "conf/g2.properties", "gateway.sharedsecret=@@\n"),
    ("endings of keys", "conf/g3.properties", "partner.credential=@@\n"),
    ("endings of keys", "conf/g4.properties", "keystore.passphrase=@@\n"),
    ("PHP", "web/h1.php", "<?php\ndefine('DB_PASSWORD', '@@');\n"),
    ("PHP", "web/h2.php", "<?php\n$config['db']['password'] = '@@';\n"),
    ("PHP", "web/h3.php", "<?php\nreturn array('user' => 'app', 'dbpass' => '@@');\n"),
    ("Python", "lib/i1.py", "DATABASES = {'default': {'USER': 'app', 'PASSWORD': '@@'}}\n"),
    ("Python", "lib/i2.py", "API_TOKEN = \"@@\"\n"),
    ("Ruby", "lib/j1.rb", "config[:smtp_password] = '@@'\n"),
    ("Ruby", "lib/j2.rb", "DB = { user: 'app', password: '@@' }\n"),
    ("Perl", "lib/k1.pl", "my %db = (user => 'app', password => '@@');\n"),
    ("Perl", "lib/k2.pm", "our $DBPASS = '@@';\n"),
    ("connection string", "conf/l1.config", "<add name=\"Db\" connectionString=\"Server=s;Database=d;User Id=app;Password=@@;\"/>\n"),
    ("connection string", "conf/l2.ini", "dsn = DRIVER={SQL};SERVER=s;UID=app;PWD=@@\n"),
    ("connection string", "conf/l3.conf", "pg = host=db dbname=app user=app password=@@\n"),
    ("JDBC", "conf/m1.properties", "url=jdbc:mysql://db.example/app?user=app&password=@@\n"),
    ("JDBC", "conf/m2.properties", "url=jdbc:oracle:thin:app/@@@db.example:1521:x\n"),
    ("JDBC", "conf/m3.properties", "url=jdbc:sqlserver://db.example;user=app;password=@@;encrypt=true\n"),
    ("address", "conf/n1.conf", "broker = amqp://app:@@@mq.example:5672/\n"),
    ("address", "conf/n2.conf", "cache: redis://:@@@cache.example:6379/0\n"),
    ("address", "conf/n3.conf", "MONGO_URL=mongodb://app:@@@m1.example,m2.example/app\n"),
    ("address", "bin/n4.sh", "#!/bin/sh\nwget -q ftp://app:@@@files.example/in/a.csv\n"),
    ("Oracle's login", "bin/o1.sh", "#!/bin/sh\nsqlplus -s app/@@@ORCL @/opt/ledger/sql/x.sql\n"),
    ("Oracle's login", "bin/o2.sh", "#!/bin/sh\nexp app/@@@ORCL file=/tmp/x.dmp\n"),
    ("MySQL's options", "bin/p1.sh", "#!/bin/sh\nmysql -uapp -p@@ app < x.sql\n"),
    ("MySQL's options", "bin/p2.sh", "#!/bin/sh\nmysqldump --user=app --password=@@ app > /tmp/x\n"),
    ("MySQL's options", "bin/p3.sh", "#!/bin/sh\nMYSQL_PWD=@@ mysql -uapp app\n"),
    ("curl's user", "bin/q1.sh", "#!/bin/sh\ncurl -s -u app:@@ https://api.example/x\n"),
    ("curl's user", "bin/q2.sh", "#!/bin/sh\ncurl --user app:@@ https://api.example/x\n"),
    ("Basic", "conf/r1.conf", "proxy_set_header Authorization \"Basic @@\";\n"),
    ("Basic", "bin/r2.sh", "#!/bin/sh\ncurl -H 'Authorization: Basic @@' https://api.example/x\n"),
    ("Bearer", "bin/s1.sh", "#!/bin/sh\ncurl -H \"Authorization: Bearer @@\" https://api.example/x\n"),
    ("Bearer", "conf/s2.yml", "headers:\n  Authorization: Bearer @@\n"),
    ("DBI", "bin/t1.pl", "#!/usr/bin/perl\nmy $d = DBI->connect('dbi:Pg:dbname=app', 'app', '@@');\n"),
    ("DBI", "bin/t2.pl", "#!/usr/bin/perl\nuse DBI;\nmy $dbh = DBI->connect(\"dbi:mysql:app\", \"app\", \"@@\", {RaiseError => 1}) or die;\n"),
    ("PHP's drivers", "web/u1.php", "<?php $l = mysqli_connect('db.example', 'app', '@@', 'app'); ?>\n"),
    ("PHP's drivers", "web/u2.php", "<?php $p = new PDO('mysql:host=db;dbname=app', 'app', '@@'); ?>\n"),
    ("Python's drivers", "lib/v1.py", "import psycopg2\nc = psycopg2.connect(host='db', user='app', password='@@')\n"),
    ("Python's drivers", "lib/v2.py", "import cx_Oracle\nc = cx_Oracle.connect('app', '@@', 'db/x')\n"),
    ("Java's drivers", "src/W1.java", "class W1 { void c() { DriverManager.getConnection(\"jdbc:x\", \"app\", \"@@\"); } }\n"),
    ("Java's drivers", "src/W2.java", "class W2 { void c(P p) { p.setProperty(\"password\", \"@@\"); } }\n"),
    ("ftp's here-document", "bin/x1.sh", "#!/bin/sh\nftp -n files.example <<EOF\nuser app @@\nput a\nbye\nEOF\n"),
    ("ftp's here-document", "bin/x2.ksh", "#!/bin/ksh\nftp -inv h <<-END\nquote USER app\nquote PASS @@\nEND\n"),
    ("expect", "bin/y1.exp", "#!/usr/bin/expect\nspawn ssh app@h\nexpect \"assword:\"\nsend \"@@\\r\"\n"),
    ("expect", "bin/y2.sh", "#!/bin/sh\nexpect -c 'spawn scp a h:\nexpect \"assword:\" { send \"@@\\r\" }'\n"),
    ("pgpass", "home/.pgpass", "db.example:5432:app:app:@@\n"),
    ("netrc", "home/.netrc", "machine files.example login app password @@\n"),
    ("my.cnf", "home/.my.cnf", "[client]\nuser=app\npassword=@@\n"),
    ("version control", "src/.git/config", "[remote \"origin\"]\n\turl = https://app:@@@git.example/app.git\n"),
    ("version control", "home/.git-credentials", "https://app:@@@git.example\n"),
    ("UTF-16", "conf/z1.ini", "\u{feff}[db]\r\npassword=@@\r\n"),
    ("UTF-16", "conf/z2.ini", "\u{feff}[mail]\r\nSmtpPassword = @@\r\n"),
    ("commented out", "conf/aa1.conf", "# password = @@\nport = 1\n"),
    ("commented out", "conf/aa2.ini", ";dbpass=@@\n"),
    ("commented out", "conf/aa3.xml", "<c>\n<!-- <password>@@</password> -->\n</c>\n"),
    ("commented out", "web/aa4.php", "<?php\n// $db_password = '@@';\n"),
    ("clouds", "conf/ab1.conf", "aws_access_key_id = AKIAIOSFODNN7ABCDEFG\naws_secret_access_key = @@\n"),
    ("clouds", "conf/ab2.conf", "store=DefaultEndpointsProtocol=https;AccountName=app;AccountKey=@@;EndpointSuffix=x\n"),
    ("clouds", "conf/ab3.json", "{\"type\": \"service_account\", \"private_key\": \"-----BEGIN PRIVATE KEY-----\\n@@\\n-----END PRIVATE KEY-----\\n\"}\n"),
    ("signed address", "conf/ac1.conf", "upload=https://x.blob.example/in?sv=2020-08-04&sp=w&sig=@@\n"),
    ("private key", "conf/ad1.pem", "-----BEGIN RSA PRIVATE KEY-----\n@@\n-----END RSA PRIVATE KEY-----\n"),
    ("private key", "home/.ssh/id_rsa", "-----BEGIN OPENSSH PRIVATE KEY-----\n@@\n-----END OPENSSH PRIVATE KEY-----\n"),
    ("hashes", "conf/.htpasswd", "app:$apr1$@@$0123456789abcdefghijkl\n"),
    ("hashes", "conf/ae2.passwd", "app:$6$@@$0123456789abcdefghijklmnopqrstuvwxyz\n"),
    ("frameworks' keys", "config/secrets.yml", "production:\n  secret_key_base: @@\n"),
    ("frameworks' keys", "app/settings.py", "SECRET_KEY = '@@'\n"),
    ("frameworks' keys", "web/.env", "APP_NAME=ledger\nAPP_KEY=base64:@@\n"),
    ("frameworks' keys", "config/master.key", "@@\n"),
    ("units", "/etc/systemd/system/ledger-a.service", "[Service]\nUser=ledger\nEnvironment=DB_PASSWORD=@@\nExecStart=/opt/ledger/bin/run\n"),
    ("units", "/etc/systemd/system/ledger-b.service", "[Service]\nUser=ledger\nExecStart=/opt/ledger/bin/run --db-password=@@ -v\n"),
    ("units", "/etc/systemd/system/ledger-c.service", "[Service]\nUser=ledger\nExecStart=/opt/ledger/bin/run --url=postgres://app:@@@db.example/app\n"),
    ("cron", "/etc/cron.d/ledger", "API_TOKEN=@@\n0 1 * * * ledger /opt/ledger/bin/run --once\n"),
    ("cron", "/etc/cron.d/ledger-b", "0 2 * * * ledger /opt/ledger/bin/run --password @@\n"),
    ("directories and networks", "conf/ag1.conf", "BINDDN cn=app,dc=example\nBINDPW @@\n"),
    ("directories and networks", "conf/ag2.conf", "radius_secret = @@\n"),
    ("directories and networks", "conf/ag3.conf", "network={\n ssid=\"x\"\n psk=\"@@\"\n}\n"),
    ("package tools", "home/.docker/config.json", "{\"auths\": {\"registry.example\": {\"auth\": \"@@\"}}}\n"),
    ("package tools", "home/.npmrc", "//registry.example/:_authToken=@@\n"),
    ("package tools", "home/.m2/settings.xml", "<settings><servers><server><id>x</id><username>app</username><password>@@</password></server></servers></settings>\n"),
    ("package tools", "home/.kube/config", "users:\n- name: app\n  user:\n    token: @@\n"),
    ("file servers", "conf/ai1.cred", "username=app\npassword=@@\ndomain=X\n"),
    ("file servers", "bin/ai2.sh", "#!/bin/sh\nsmbclient //h/s -U app%@@ -c 'get a'\n"),
    ("file servers", "bin/ai3.sh", "#!/bin/sh\nlftp -u app,@@ sftp://h\n"),
    ("other commands", "bin/aj1.sh", "#!/bin/sh\nsshpass -p @@ scp a app@h:/b\n"),
    ("other commands", "bin/aj2.sh", "#!/bin/sh\nldapsearch -x -D cn=app -w @@ -b dc=x\n"),
    ("Java's options", "bin/ak1.sh", "#!/bin/sh\nexec java -Djavax.net.ssl.keyStorePassword=@@ -jar /opt/ledger/x.jar\n"),
    ("Oracle's network", "network/tnsnames.ora", "X=(DESCRIPTION=(CONNECT_DATA=(SID=x))(PASSWORD=@@))\n"),
];

/// The secret of a place of the table: no word, and like no other.
fn value(at: usize) -> String {
    format!("Kt{at:03}vR7wq9Lx{}Zp", (at * 7919) % 1000)
}

fn place(file: &str) -> String {
    match file.starts_with('/') {
        true => file.to_owned(),
        false => format!("/opt/ledger/{file}"),
    }
}

/// What is planted: the kind, the file, and its text.
type Planted = [(&'static str, &'static str, &'static str)];

fn plant(root: &Path, planted: &Planted) {
    let write = |path: &str, bytes: &[u8], mode: u32| {
        use std::os::unix::fs::PermissionsExt as _;
        let path = root.join(&path[1..]);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, bytes).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    write("/etc/os-release", b"ID=debian\nVERSION_ID=\"12\"\n", 0o644);
    let passwd = b"root:x:0:0:root:/root:/bin/sh\nledger:x:101:101::/opt/ledger/home:/bin/sh\n";
    write("/etc/passwd", passwd, 0o644);
    write(
        "/opt/ledger/conf/plain.conf",
        b"listen_address=plainvalue7\nworkers=4\n",
        0o644,
    );
    write(
        "/opt/ledger/bin/run",
        b"#!/bin/sh\n. /opt/ledger/conf/plain.conf\nexec sleep 9\n",
        0o755,
    );
    for (at, (kind, file, text)) in planted.iter().enumerate() {
        // The lines of a key are of one length.
        let filled = match kind.contains("private key") {
            true => format!("{}{}", value(at), "A1b2".repeat(11)),
            false => value(at),
        };
        let text = text.replace("@@", &filled);
        let bytes = match *kind {
            "UTF-16" => text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
            _ => text.into_bytes(),
        };
        let mode = if file.starts_with("bin/") {
            0o755
        } else {
            0o640
        };
        write(&place(file), &bytes, mode);
    }
}

/// The output of a command; what it wrote into files is looked at later.
fn run(args: &[&str]) -> Vec<u8> {
    let done = Command::new(env!("CARGO_BIN_EXE_seaworthy"))
        .args(args)
        .output()
        .unwrap();
    assert!(
        done.status.code().is_some_and(|code| code < 2),
        "{args:?}: {done:?}"
    );
    [done.stdout, done.stderr].concat()
}

/// Every file below a directory, unpacked where it is a layer.
fn written(dir: &Path) -> Vec<(String, Vec<u8>)> {
    let files = walkdir::WalkDir::new(dir)
        .into_iter()
        .filter_map(Result::ok);
    let files = files.filter(|entry| entry.file_type().is_file());
    files
        .map(|entry| {
            let bytes = std::fs::read(entry.path()).unwrap();
            let mut plain = Vec::new();
            let is_packed = bytes.starts_with(&[0x1f, 0x8b]);
            if is_packed {
                flate2::read::MultiGzDecoder::new(&bytes[..])
                    .read_to_end(&mut plain)
                    .unwrap();
            }
            let name = entry.path().display().to_string();
            (name, if is_packed { plain } else { bytes })
        })
        .collect()
}

/// The paths that a report names as such with a secret.
fn named(report: &serde_json::Value) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let list = |value: &serde_json::Value| value.as_array().cloned().unwrap_or_default();
    for path in list(&report["paths"]) {
        if path["class"] == "secret" {
            names.extend(path["path"].as_str().map(str::to_owned));
        }
    }
    for finding in list(&report["findings"]) {
        if finding["dimension"] == "secrets" {
            for fact in list(&finding["because"]) {
                names.extend(fact["at"]["file"].as_str().map(str::to_owned));
            }
        }
    }
    for secret in list(&report["plan"]["secrets"]) {
        names.extend(
            secret["path"]
                .as_str()
                .or(secret.as_str())
                .map(str::to_owned),
        );
    }
    names
}

fn kinds(planted: &Planted) -> usize {
    let kinds: BTreeSet<&str> = planted.iter().map(|(kind, ..)| *kind).collect();
    kinds.len()
}

#[test]
fn planted_secrets_are_found_and_shown_nowhere() {
    assert!(PLANTED.len() >= 103 && kinds(PLANTED) >= 40);
    found_and_shown_nowhere(PLANTED);
}

#[test]
fn planted_secrets_of_other_forms_are_found_and_shown_nowhere() {
    assert!(more::PLANTED.len() >= 100 && kinds(more::PLANTED) >= 39);
    found_and_shown_nowhere(more::PLANTED);
}

fn found_and_shown_nowhere(planted: &Planted) {
    let dir = tempfile::tempdir().unwrap();
    let (root, out) = (dir.path().join("root"), dir.path().join("out"));
    plant(&root, planted);
    std::fs::create_dir(&out).unwrap();
    let at = |name: &str| out.join(name).display().to_string();
    let root = root.display().to_string();
    let scope = ["--root", &root, "/opt/ledger"];
    let with = |command: &'static str, more: &[&str]| -> Vec<u8> {
        let args: Vec<&str> = [command]
            .iter()
            .chain(&scope)
            .chain(more)
            .copied()
            .collect();
        run(&args)
    };
    let mut shown: Vec<(String, Vec<u8>)> = Vec::new();
    let (report, image, manifests) = (at("r.json"), at("image"), at("manifests"));
    shown.push(("scan".into(), with("scan", &["--all", "-o", &report])));
    for format in seaworthy::render::FORMATS {
        let told = run(&[
            "scan",
            "--report",
            &report,
            "--all",
            "--format",
            format.name,
        ]);
        shown.push((format!("scan --format {}", format.name), told));
    }
    shown.push((
        "mounts".into(),
        with("mounts", &["--target", "all", "-o", &manifests]),
    ));
    shown.push(("pack".into(), with("pack", &["-o", &image])));
    let survey = at("survey");
    shown.push(("survey".into(), run(&["survey", "--root", &root])));
    let all = ["survey", "--root", &root, "--all", "-o", &survey];
    shown.push(("survey --all".into(), run(&all)));
    shown.push(("diff".into(), run(&["diff", &report, &report])));
    for format in ["terminal", "json", "sarif", "junit", "github", "gitlab"] {
        shown.push((
            format!("check {format}"),
            run(&["check", "--report", &report, "--format", format]),
        ));
    }
    for (_, file, _) in planted.iter().step_by(9) {
        shown.push((
            format!("explain {file}"),
            run(&["explain", "--report", &report, &place(file)]),
        ));
    }
    shown.extend(written(&out));

    let mut leaks = Vec::new();
    for (at, (kind, file, _)) in planted.iter().enumerate() {
        let value = value(at);
        for (what, bytes) in &shown {
            if memchr::memmem::find(bytes, value.as_bytes()).is_some() {
                leaks.push(format!("{kind}, {file}: in {what}"));
            }
        }
    }
    let report = serde_json::from_slice(&std::fs::read(&report).unwrap()).unwrap();
    let names = named(&report);
    let is_below = |path: &str, name: &String| path.starts_with(&format!("{name}/"));
    let covers = |path: &str| names.contains(path) || names.iter().any(|name| is_below(path, name));
    let files = planted.iter().map(|(kind, file, _)| (*kind, place(file)));
    let missed: Vec<_> = files.filter(|(_, path)| !covers(path)).collect();
    assert!(
        leaks.is_empty(),
        "{}\nmissed: {missed:#?}",
        leaks.join("\n")
    );
    let found = planted.len() - missed.len();
    assert!(
        found * 100 >= planted.len() * LEAST,
        "{found} of {}: {missed:#?}",
        planted.len()
    );
    assert!(
        !covers("/opt/ledger/conf/plain.conf"),
        "a plain file is named as one with a secret"
    );
}
