//! Which files with a secret are mounted: those that the application reads as it runs. What builds it, documents
//! it, or fills a database is left behind and told; what only speaks of secrets is code like any other.

use serde_json::Value;

use crate::planned::Disk;

/// A value that is no word.
const STRONG: &str = "Kw83jfX20pQz7";

/// The files below the application that are named as such with a secret, mounted for it, and left behind.
fn told(disk: &Disk) -> [Vec<String>; 3] {
    let report = disk.report();
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let path = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let paths = |values: &Value| -> Vec<String> {
        let values = list(values).into_iter();
        values.map(|value| path(&value["path"])).collect()
    };
    let mut named: Vec<String> = Vec::new();
    for finding in list(&report["findings"]) {
        if finding["dimension"] == "secrets" {
            let files = list(&finding["because"]).into_iter();
            named.extend(files.map(|fact| path(&fact["at"]["file"])));
        }
    }
    named.sort();
    named.dedup();
    [
        named,
        paths(&report["plan"]["mounts"]),
        paths(&report["plan"]["left_behind"]),
    ]
}

#[test]
fn settings_keys_and_programs_with_a_secret_are_mounted() {
    for (file, text) in [
        ("/opt/gauge/etc/gauge.ini", "[db]\npassword = @\n"),
        (
            "/opt/gauge/lib/db.py",
            "PASSWORD = '@'\n\ndef a():\n    return PASSWORD\n",
        ),
        (
            "/opt/gauge/web/config.php",
            "<?php\ndefine('DB_PASSWORD', '@');\n",
        ),
    ] {
        let disk = Disk::new();
        disk.text(file, &text.replace('@', STRONG));
        let [named, mounts, left] = told(&disk);
        assert_eq!(named, [file]);
        assert!(mounts.iter().any(|mount| file.starts_with(mount)), "{file}");
        assert!(left.is_empty(), "{left:?}");
    }
}

#[test]
fn what_builds_or_fills_something_is_left_behind_and_told() {
    for (file, text) in [
        (
            "/opt/gauge/docker/Dockerfile",
            "FROM x\nRUN SECRET_KEY=@ ./manage collect\n",
        ),
        (
            "/opt/gauge/Jenkinsfile",
            "pipeline { environment { API_TOKEN = '@' } }\n",
        ),
        (
            "/opt/gauge/sql/first.sql",
            "CREATE USER gauge WITH PASSWORD '@';\n",
        ),
        ("/opt/gauge/notes.txt", "password: @\n"),
    ] {
        let disk = Disk::new();
        disk.text(file, &text.replace('@', STRONG));
        let [named, mounts, left] = told(&disk);
        assert_eq!(
            (named, left),
            (vec![file.to_owned()], vec![file.to_owned()])
        );
        assert!(
            !mounts.iter().any(|mount| file.starts_with(mount)),
            "{file}"
        );
        // What the service is given is mounted, whatever it is.
        disk.unit(&format!("ExecStart=/opt/gauge/bin/gauged --from {file}\n"));
        let [_, mounts, left] = told(&disk);
        assert!(mounts.contains(&file.to_owned()), "{file}: {mounts:?}");
        assert!(left.is_empty(), "{left:?}");
    }
}

#[test]
fn what_only_speaks_of_secrets_is_code() {
    for (file, text) in [
        (
            "/opt/gauge/lang/de.json",
            "{\n\"password\": \"Losungswort\",\n\"api-token\": \"Zugangsmarke7A9\"\n}\n",
        ),
        (
            "/opt/gauge/i18n/messages_pt-BR.properties",
            "password=Senha\ntoken=Ficha\n",
        ),
        (
            "/opt/gauge/app/Locale/fr_FR/texts.php",
            "<?php return array('password' => 'MotDePasse2024!');\n",
        ),
        (
            "/opt/gauge/Dockerfile",
            "RUN SECRET_KEY=build-key ./manage collect\n",
        ),
        (
            "/opt/gauge/www/edit.js.old",
            "return {\n token: function(stream) {\n  var token = cm.getToken(cur);\n} };\n",
        ),
        (
            "/opt/gauge/lib/Cal.pm",
            "1;\n\n=begin html\n\n<code>https://admin:Kw83jfX20p@demo.example/dav</code>\n\n=end html\n\n=cut\n",
        ),
        (
            "/opt/gauge/lib/Cam.pm",
            "$src = 'http://'+ip+'/snapshot?w='+w+'&apiKey='+apiKey+'&'+now;\n",
        ),
        (
            "/opt/gauge/lib/Rpc.pm",
            "$state = '|null|'.$dev->{PARENT}.\"|\".$dev->{AES_ACTIVE};\n",
        ),
        (
            "/opt/gauge/lib/flow.xml",
            "<flow>\n<name>Set PIN/Password: PIN/Password again</name>\n<a>Password: sets the variable lock</a>\n</flow>\n",
        ),
        (
            "/opt/gauge/www/user.tml",
            "<tr>\n<td><input name=password>\n<input type=submit name=action value=Add>\n</tr>\n",
        ),
    ] {
        let disk = Disk::new();
        disk.text(file, text);
        let [named, mounts, left] = told(&disk);
        assert!(
            named.is_empty() && left.is_empty(),
            "{file}: {named:?} {left:?}"
        );
        assert!(
            !mounts.iter().any(|mount| file.starts_with(mount)),
            "{file}"
        );
    }
}
