//! The extractor on small files of every form.

use proptest::prelude::*;

use super::*;
use crate::fact::{Fact, Stat};

fn facts(path: &str, text: &str) -> Vec<Fact> {
    let path = AppPath::new(path);
    let stat = Stat::regular(text.len() as u64, 0o644);
    let bytes = text.as_bytes().to_vec();
    let head = &bytes[..bytes.len().min(super::super::HEAD)];
    let input = Input::new(&path, &stat, head, &bytes);
    let mut out = Out::default();
    if (EXTRACTOR.wants)(&input) {
        (EXTRACTOR.run)(&input, &mut out);
    }
    out.facts
}

/// One line for each fact: certainty, what, and for paths touch, class and key.
fn told(path: &str, text: &str) -> Vec<String> {
    let one = |fact: &Fact| {
        let what = match &fact.what {
            What::Path {
                path,
                touch,
                by,
                class,
                ..
            } => {
                let class = class.map_or("-".to_owned(), |c| format!("{c:?}"));
                format!("{path} {touch:?} {class} {by}")
            }
            What::Setting { key, value } => format!("{key}={value}"),
            What::Listens {
                transport,
                port,
                address,
                protocol,
            } => format!(
                "{transport} {} {address} {}",
                port.unwrap_or(0),
                protocol.as_deref().unwrap_or("-")
            ),
            What::RunsAs { user, group } => {
                format!("as {user}:{}", group.as_deref().unwrap_or("-"))
            }
            What::Talks { service, to } => format!("{service} at {to}"),
            What::Secret { kind, key } => format!("{kind} in {}", key.as_deref().unwrap_or("-")),
            other => format!("{other:?}"),
        };
        format!("{:?} {what}", fact.certainty)
    };
    facts(path, text).iter().map(one).collect()
}

#[test]
fn known_directives_are_declared_and_unknown_ones_inferred() {
    assert_eq!(
        told(
            "/etc/app/app.conf",
            "[server]\ndatadir = /var/lib/app\nerror_log=/var/log/app/e.log\nthing = /var/lib/x/y\n\
             pid-file = /run/app/app.pid\n"
        ),
        [
            "Declared /var/lib/app Writes Data datadir",
            "Declared /var/log/app/e.log Writes Log error_log",
            "Inferred /var/lib/x/y Names - thing",
            "Declared /run/app/app.pid Creates Runtime pid-file",
        ]
    );
}

#[test]
fn relative_values_are_joined_with_the_base_of_the_file() {
    assert_eq!(
        told(
            "/opt/httpd/conf/httpd.conf",
            "ServerRoot \"/opt/httpd\"\nErrorLog logs/error_log\nInclude conf/extra/*.conf\n\
             CustomLog \"|/opt/httpd/bin/rotatelogs /var/log/x.%Y%m%d 86400\" combined\n\
             DocumentRoot \"/srv/www\"\nLoadModule a_module modules/mod_a.so\n"
        ),
        [
            "Declared /opt/httpd Names - ServerRoot",
            "Declared errorlog=logs/error_log",
            "Inferred /opt/httpd/logs/error_log Writes Log ErrorLog",
            "Inferred /opt/httpd/conf/extra/*.conf Reads Config include",
            "Declared /opt/httpd/bin/rotatelogs Runs - CustomLog",
            "Declared /var/log/x.{date} Writes Log CustomLog",
            "Declared /srv/www Reads - content-root:DocumentRoot",
            "Inferred loadmodule=modules/mod_a.so",
            "Inferred /opt/httpd/modules/mod_a.so Reads Code LoadModule",
        ]
    );
}

#[test]
fn a_log_lies_in_the_log_directory_of_its_file() {
    assert_eq!(
        told(
            "/etc/cast.xml",
            "<c><paths><basedir>/usr/share/cast</basedir><logdir>/var/log/cast</logdir></paths>\
             <logging><accesslog>access.log</accesslog></logging></c>"
        )
        .last()
        .unwrap(),
        "Inferred /var/log/cast/access.log Writes Log accesslog"
    );
}

#[test]
fn a_commented_default_is_told_apart() {
    assert_eq!(
        told(
            "/etc/app/app.conf",
            "#datadir = /var/lib/app\nport = 3306\n# see /usr/share/doc\n"
        ),
        [
            "Guessed /var/lib/app Writes Data #datadir",
            "Declared tcp 3306  mysql"
        ]
    );
}

#[test]
fn listeners_take_address_and_protocol_from_their_section() {
    assert_eq!(
        told(
            "/opt/t/conf/server.xml",
            "<Server port=\"8005\"><Connector port=\"8009\" protocol=\"AJP/1.3\" address=\"127.0.0.1\"/></Server>"
        ),
        [
            "Declared tcp 8005 localhost shutdown",
            "Declared tcp 8009 127.0.0.1 ajp"
        ]
    );
    assert_eq!(
        told(
            "/etc/nginx/nginx.conf",
            "user www-data;\nhttp {\n server {\n listen 443 ssl;\n listen [::]:80 default_server;\n }\n}\n"
        ),
        [
            "Declared tcp 443  https",
            "Declared tcp 80  http",
            "Declared as www-data:-"
        ]
    );
}

#[test]
fn a_client_section_neither_listens_nor_runs() {
    assert_eq!(
        told(
            "/etc/app/app.ini",
            "[upload]\nserver = ftp.local\nuser = joe\npassword = s3cr3tpw\nport = 21\n"
        ),
        [
            "Inferred host at ftp.local",
            "Inferred password in upload.password"
        ]
    );
}

#[test]
fn secrets_are_places_without_values() {
    let text = "db_password = s3cr3t-w0rd\napi_key=${KEY}\nurl = postgres://joe:hunter22@db.local/x\n\
                -----BEGIN RSA PRIVATE KEY-----\n";
    let found = facts("/etc/app/app.conf", text);
    let json = serde_json::to_string(&found).unwrap();
    assert!(!json.contains("s3cr3t") && !json.contains("hunter22"));
    assert_eq!(
        told("/etc/app/app.conf", text),
        [
            "Inferred password in db_password",
            "Inferred url-credentials in url",
            "Inferred db at db.local",
            "Observed private-key in -",
        ]
    );
}

/// Each port looks for the host beside it, and a broken document has as many of both as it has lines.
#[test]
fn a_document_of_nothing_but_ports_is_read_in_time() {
    let nested = "<Server port=\"8005\" shutdown=\"SHUTDOWN\">\n  <Service name=".repeat(5_000);
    let flat = "a.port = 8005\na.host = db.example.net\n".repeat(10_000);
    for (path, text) in [
        ("/opt/a/conf/server.xml", nested),
        ("/opt/a/conf/a.properties", flat),
    ] {
        let found = facts(path, &text);
        assert!(!found.is_empty(), "{path}");
    }
}

#[test]
fn data_sources_are_peers_or_files() {
    assert_eq!(
        told(
            "/opt/app/conf/app.properties",
            "jdbc.url=jdbc:mysql://db.local:3306/x\nother.url=jdbc:h2:file:/opt/app/data/h2;a=b\n\
             database.url=jdbc:h2:/opt/app/data/h2\ndir=/srv/app\nlog4j.appender.A.File=${dir}/logs/a.log\n"
        ),
        [
            "Inferred db at db.local:3306",
            "Declared /opt/app/data/h2 Writes Data url",
            "Inferred /srv/app Writes Data dir",
            "Inferred /srv/app/logs/a.log Writes Log File",
        ]
    );
}

#[test]
fn places_overrule_what_a_key_seems_to_say() {
    assert_eq!(
        told(
            "/etc/app/app.conf",
            "datadir = /usr/share/app\nlocalstatedir = /var\npath = /usr/bin:/bin\nlog = /dev/null\nfoo = /api/v1/x\n"
        ),
        [
            "Inferred /usr/share/app Reads Code datadir",
            // Only the disk can tell whether this is a path.
            "Guessed /api/v1/x Names - foo",
        ]
    );
}

#[test]
fn variables_of_elsewhere_leave_a_setting_to_resolve() {
    assert_eq!(
        told(
            "/etc/app/app.conf",
            "ErrorLog ${LOG_DIR}/error.log\nUser ${RUN_USER}\nsocket-path /run/app/${pid}.sock\n"
        ),
        [
            "Declared errorlog=${LOG_DIR}/error.log",
            "Declared user=${RUN_USER}",
            "Declared /run/app/{pid}.sock Creates Runtime socket-path",
            "Declared unix 0 /run/app/{pid}.sock -",
        ]
    );
}

#[test]
fn scripts_of_settings_are_read() {
    assert_eq!(
        told(
            "/srv/app/config.php",
            "<?php\ndefine('UPLOAD_DIR', '/srv/app/files');\n$cfg['db']['password'] = 'pw12345';\n$cfg['db_host'] = 'db.local:3307';\n"
        ),
        [
            "Declared /srv/app/files Writes Data UPLOAD_DIR",
            "Inferred password in cfg.db.password",
            "Declared db at db.local:3307",
        ]
    );
}

#[test]
fn syslog_selectors_and_devices_are_known() {
    assert_eq!(
        told(
            "/etc/syslog.conf",
            "mail.*  -/var/log/mail.log\n*.emerg /dev/tty12\nkern.* /dev/ttyS0\n"
        ),
        [
            "Inferred /var/log/mail.log Writes Log mail.*",
            "Inferred Needs { need: Device, name: \"/dev/tty12\" }",
            "Inferred Needs { need: Device, name: \"/dev/ttyS0\" }",
        ]
    );
}

proptest! {
    #[test]
    fn no_text_upsets_the_extractor(
        name in prop::sample::select(vec![
            "/etc/a.conf", "/etc/a/a.xml", "/etc/a/a.yml", "/etc/a/a.json", "/srv/config.php",
            "/etc/a/httpd.conf", "/opt/a/conf/a.properties", "/etc/default/a", "/etc/a/a.toml",
        ]),
        parts in proptest::collection::vec(
            prop::sample::select(vec![
                "datadir", "listen", "ErrorLog", "password", "dsn", "user", "include", " = ", ": ",
                " ", "\n", "/var/lib/x", "logs/y", "://", "jdbc:", "sqlite:", "u:p@h", "${", "}",
                "%Y", "%", "|", "\"", "'", "<a ", ">", "</a>", "{", "(", ")", ",", ":80", "[::1]",
                "unix:", "é", "~", "*", "-", "=>", "#", "A_B", "@",
            ]),
            0..60,
        ),
    ) {
        for fact in facts(name, &parts.concat()) {
            if let What::Path { path, .. } = &fact.what {
                prop_assert!(path.as_bytes().starts_with(b"/"));
            }
        }
    }
}
