//! Secrets that stand in a text, found by the one reader that manifests and images ask, too.

use super::{Input, Out, withhold};
use crate::fact::{Certainty, IssueKind, Kind, Locus, What};
use crate::knowledge::{self, Manner, places};
use crate::path::AppPath;

/// How much of a text is read, in bytes: settings and scripts that people write are smaller.
const LIMIT: usize = 1 << 20;

/// How much of a program or of notes, whose secrets stand at the top if anywhere.
const CODE_LIMIT: usize = 128 << 10;

/// The longest key that is told.
const KEY_LIMIT: usize = 100;

/// Adds the secrets of a text on whose lines no other reader has found one.
pub(super) fn scan(input: &Input<'_>, out: &mut Out) {
    if input.stat.kind != Kind::File || input.stat.size == 0 || is_others(input.path) {
        return;
    }
    by_name(input, out);
    let is_wide = input.head.starts_with(&[0xff, 0xfe]) || input.head.starts_with(&[0xfe, 0xff]);
    if !is_wide && !input.is_text() {
        return;
    }
    let manner = Manner::of(input.path.name(), input.head);
    let limit = match manner {
        Manner::Prose => return,
        Manner::Settings | Manner::Shell => LIMIT,
        Manner::Code | Manner::Notes => CODE_LIMIT,
    };
    let text = input.text();
    let Some(text) = knowledge::readable(text.get(..limit).unwrap_or(text)) else {
        return;
    };
    let is_told = |line: u32, out: &Out| {
        out.facts.iter().any(|fact| {
            fact.at.line == Some(line)
                && fact.at.file == *input.path
                && matches!(fact.what, What::Secret { .. })
        })
    };
    let found = knowledge::secrets_in(manner, &text);
    if found.is_cut {
        let message =
            "it costs more to look for secrets than texts do: what follows was not looked at";
        out.issue(Locus::file(input.path), IssueKind::LimitReached, message);
    }
    for hit in found.hits {
        if is_told(hit.line, out) {
            continue;
        }
        let key = hit.key.filter(|key| key.len() <= KEY_LIMIT);
        let what = What::Secret {
            kind: hit.kind.to_owned(),
            key: key.map(|key| withhold::word(key.as_bytes())),
        };
        out.fact(Locus::line(input.path, hit.line), Certainty::Inferred, what);
    }
}

/// Tells of a file whose name is that of a key or of a list of passwords, where nothing else has.
fn by_name(input: &Input<'_>, out: &mut Out) {
    let is_told = || {
        out.facts
            .iter()
            .any(|fact| matches!(fact.what, What::Secret { .. }))
    };
    let is_program = input.stat.mode & 0o111 != 0;
    if let Some(kind) = knowledge::secret_file(input.path.name())
        && !is_program
        && !is_told()
    {
        let what = What::Secret {
            kind: kind.to_owned(),
            key: None,
        };
        out.fact(Locus::file(input.path), Certainty::Guessed, what);
    }
}

/// Whether a file is what a program for versions keeps of this very clone, with the address that it was
/// cloned from: git-config(1), hgrc(5), Subversion's run-time configuration area.
fn is_of_clone(path: &AppPath) -> bool {
    let mut parts = path.components().rev();
    let own = (parts.next(), parts.next());
    matches!(
        own,
        (Some(b"config"), Some(b".git")) | (Some(b"hgrc"), Some(b".hg"))
    ) || path.components().any(|part| part == b"svn.simple")
}

/// Whether a text is of those who made a library or wrote an example: what it holds is nobody's secret.
fn is_others(path: &AppPath) -> bool {
    /// Lists of what was installed, and marks, by name.
    const LISTS: [&[u8]; 7] = [
        b"package-lock.json",
        b"npm-shrinkwrap.json",
        b"package.json",
        b"composer.json",
        b"CACHEDIR.TAG",
        b"requirements.txt",
        b"go.sum",
    ];
    /// Databases of packages, with the scripts that installed them.
    const DATABASES: [&str; 3] = ["/var/lib/dpkg", "/var/lib/rpm", "/lib/apk"];
    let name = path.name();
    let is_kept = DATABASES
        .iter()
        .any(|dir| path.is_below(&AppPath::new(dir)));
    if is_kept || LISTS.contains(&name) || name.ends_with(b".lock") {
        return true;
    }
    if is_of_clone(path) {
        return false;
    }
    let mut parts = path.components();
    // hier(7): where distributions put what they ship.
    const SHIPPED: [&[u8]; 8] = [
        b"bin", b"sbin", b"lib", b"lib64", b"libexec", b"share", b"include", b"src",
    ];
    let is_shipped =
        parts.next() == Some(b"usr") && parts.next().is_some_and(|part| SHIPPED.contains(&part));
    is_shipped
        || places::is_library_place(path)
        || places::is_library_script(path)
        || places::is_example(path)
        || places::is_translation(path)
}

#[cfg(test)]
mod tests {
    use super::super::{HEAD, extract};
    use super::*;
    use crate::fact::Stat;

    fn kinds(path: &str, text: &[u8]) -> Vec<(Option<u32>, String)> {
        let (path, stat) = (AppPath::new(path), Stat::regular(text.len() as u64, 0o644));
        let head = &text[..text.len().min(HEAD)];
        let out = extract(&Input::new(&path, &stat, head, &text));
        let secret = |fact: &crate::fact::Fact| match &fact.what {
            What::Secret { kind, .. } => Some((fact.at.line, kind.clone())),
            _ => None,
        };
        out.facts.iter().filter_map(secret).collect()
    }

    /// One a line: each holds a secret of another form, made up.
    const FORMS: &[(&str, &str)] = &[
        ("/opt/a/x.ini", "Passwort=Tiger-7"),
        ("/opt/a/x.ini", "sslPassword = q8/fk,9&x"),
        ("/opt/a/x.conf", "; old: db_pass = Kw83jfX20p"),
        ("/opt/a/x.conf", "<!-- <password>Kw83jfX20p</password> -->"),
        ("/opt/a/x.conf", "bindpw  tiger1"),
        (
            "/opt/a/x.conf",
            "proxy_set_header Authorization \"Bearer abcdef0123456789\";",
        ),
        (
            "/opt/a/x.conf",
            "endpoint=https://q.example/?sr=a&sig=aB3dE5fG7hI9%3D&se=1",
        ),
        (
            "/opt/a/x.conf",
            "AccountName=q;AccountKey=Zm9vYmFyMTIzNDU2Nzg5MA==;EndpointSuffix=x",
        ),
        ("/opt/a/x.ora", "(CONNECT_DATA=(SID=x)(PASSWORD = tiger7))"),
        (
            "/opt/a/x.properties",
            "url=jdbc:postgresql://db/x?user=a&password=tiger7",
        ),
        (
            "/opt/a/x.properties",
            "url=jdbc:oracle:thin:scott/tiger7@db:1521:x",
        ),
        ("/opt/a/x.yml", "  smtp_password: 'tiger7'"),
        ("/opt/a/x.json", "{\"db\": {\"pwd\": \"tiger7\"}}"),
        (
            "/opt/a/x.xml",
            "<entry key=\"mail.password\">tiger7</entry>",
        ),
        (
            "/opt/a/x.xml",
            "<add name=\"c\" connectionString=\"Server=d;Uid=u;Pwd=tiger7;\" />",
        ),
        (
            "/opt/a/x.xml",
            "<add value=\"tiger7\" key=\"SmtpPassword\"/>",
        ),
        (
            "/opt/a/x.xml",
            "<property><name>a.password</name>\n<value>tiger7</value>",
        ),
        (
            "/opt/a/x.xml",
            "<credential-encrypted>{AES}Hj28sKq82h+xX=</credential-encrypted>",
        ),
        ("/opt/a/x.cfg", "$USER9$=tiger7"),
        ("/opt/a/.env", "APP_KEY=base64:aB3dE5fG7hI9kL1="),
        ("/opt/a/x.sh", "sqlplus -s scott/tiger7@ORCL <<EOF"),
        ("/opt/a/x.sh", "curl -u 'bob:tiger7' https://h.example/"),
        ("/opt/a/x.sh", "mysqldump -utiger -ptiger7 db"),
        ("/opt/a/x.sh", "ldapsearch -x -D cn=a -w tiger7 -b o=x"),
        ("/opt/a/x.sh", "smbclient //h/s -U 'dom/bob%tiger7'"),
        ("/opt/a/x.sh", "sqlcmd -S h -U sa -P tiger7"),
        ("/opt/a/x.sh", "ftp -n h <<END\nuser bob tiger7\nbye\nEND"),
        ("/opt/a/x.sh", "expect \"assword:\" { send \"tiger7\\r\" }"),
        ("/opt/a/x.sh", "java -Dkey.password=tiger7 -jar x.jar"),
        ("/opt/a/x.csh", "setenv DB_PASSWORD tiger7"),
        (
            "/opt/a/x.pl",
            "my $d = DBI->connect(\"dbi:Pg:x\", 'u', 'tiger7');",
        ),
        ("/opt/a/x.php", "$c = oci_connect('scott', 'tiger7', $db);"),
        ("/opt/a/x.php", "define('API_SECRET', 'Kw83jfX20p');"),
        ("/opt/a/x.py", "s.login('bob', 'tiger7')"),
        (
            "/opt/a/x.java",
            "DriverManager.getConnection(url, \"u\", \"tiger7\");",
        ),
        ("/opt/a/netrc.txt", "machine h login u password Kw83jfX20p"),
        (
            "/opt/a/x.json",
            "{\"name\": \"DB_PASSWORD\", \"value\": \"tiger7\"}",
        ),
        (
            "/opt/a/x.tf",
            "variable \"db_password\" {\n type = string\n default = \"tiger7\"\n}",
        ),
        ("/opt/a/x.conf", "rocommunity Kw83jfX20p 10.0.0.0/8"),
        ("/opt/a/x.conf", "SetEnv DB_PASSWORD Kw83jfX20p"),
        ("/opt/a/x.rc", "poll h user \"u\" password \"Kw83jfX20p\""),
        (
            "/opt/a/x.erb",
            "password: <%= ENV['DB_PASS'] || 'Kw83jfX20p' %>",
        ),
        ("/opt/a/x.xml", "<password value=\"tiger7\"/>"),
        (
            "/opt/a/x.cs",
            "new SqlConnection(\"Server=s;Uid=u;Pwd=tiger7\");",
        ),
        (
            "/opt/a/x.sql",
            "GRANT ALL ON a.* TO u IDENTIFIED BY 'Kw83jfX20p';",
        ),
        ("/opt/a/x.py", "requests.get(url, auth=('u', 'tiger7'))"),
        ("/opt/a/x.sh", "echo 'u:tiger7' | chpasswd"),
        ("/opt/a/x.sh", "echo tiger7 | sudo -S id"),
        ("/opt/a/x.sh", "kinit u <<END\ntiger7\nEND"),
        ("/opt/a/x.sh", "openssl enc -d -aes-256-cbc -k tiger7 -in a"),
        ("/opt/a/x.sh", "zip -P tiger7 a.zip b"),
        ("/opt/a/x.bat", "net use Z: \\\\h\\s tiger7 /user:u"),
        (
            "/opt/a/x.conf",
            "hook = https://hooks.slack.com/services/T01/B01/Kw83jfX20p",
        ),
    ];

    #[test]
    fn secrets_are_found_in_every_form() {
        for (path, text) in FORMS {
            assert!(
                !kinds(path, format!("{text}\n").as_bytes()).is_empty(),
                "{path}: {text}"
            );
        }
        let wide: Vec<u8> = "\u{feff}[db]\r\npassword=tiger7\r\n"
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect();
        assert_eq!(
            kinds("/opt/a/x.ini", &wide),
            [(Some(2), "password".to_owned())]
        );
    }

    #[test]
    fn what_speaks_of_secrets_is_none() {
        for (path, text) in [
            (
                "/etc/nsswitch.conf",
                "passwd:  files systemd\nshadow: files",
            ),
            (
                "/etc/pam.d/x",
                "password  required  pam_unix.so nullok\npassword include common-password",
            ),
            (
                "/opt/a/x.conf",
                "#password = secret\n# password = your password here\n;pass = ****",
            ),
            (
                "/opt/a/x.conf",
                "password_file = /etc/a/pw\npassword = ${DB_PASSWORD}\npassword_encryption = scram-sha-256",
            ),
            (
                "/opt/a/x.conf",
                "ssl_key = </etc/ssl/a.pem\nssl_cipher_list = HIGH:!aNULL\nkey_buffer_size = 16M",
            ),
            (
                "/opt/a/x.conf",
                "auth_basic \"Members 2024 only\";\nauth_mechanisms = plain login\ntokens = 4",
            ),
            (
                "/opt/a/x.conf",
                "public_key = AAAAB3NzaC1yc2EAAAADAQABAAABAQ\nbypass = Kw83jfX20p",
            ),
            (
                "/opt/a/x.json",
                "{\"passwordPolicy\": \"Aa1!Aa1!x\", \"tokenType\": \"Bearer12345\"}",
            ),
            (
                "/opt/a/x.py",
                "password = request.POST['password']\ntoken = get_token()\nif password == 'Kw83jfX20p': pass",
            ),
            (
                "/opt/a/x.py",
                "parser.add_argument('--password', help='the password')\nFIELDS = {'password': 'user_password'}",
            ),
            (
                "/opt/a/x.js",
                "const type = 'password', token = 'access_token';",
            ),
            (
                "/opt/a/x.sh",
                "mysql -p\"$PASS\" -u root\nDB_PASSWORD=$(cat /run/pw)\ncurl -u \"$U:$P\" h\nmkdir -p /var/x",
            ),
            (
                "/opt/a/x.sh",
                "docker run --user app:app x\nread -s -p 'Password: ' PASSWORD\nsqlplus / as sysdba",
            ),
            (
                "/opt/a/x.sh",
                "echo \"$P\" | sudo -S id\necho done | sudo tee /x\necho a:b | sed s/a/b/\nzip -r a.zip b",
            ),
            (
                "/opt/a/x.pl",
                "my $t = '&token='+token+'&';\n=pod\n\nsecret = 'Kw83jfX20pA'\n\n=cut\n",
            ),
            (
                "/opt/a/x.conf",
                "log_format password \"$remote_addr\";\n# Password: what the users of this are given\nmap token value default;",
            ),
            (
                "/opt/a/x.cfg",
                "#$USER3$=someuser\n#$USER4$=tiger\npassword = somepassword",
            ),
            (
                "/opt/a/x.py",
                "    >>> get('http://h', auth=('u', 'tiger7'))\n",
            ),
            (
                "/opt/a/x.txt",
                "a list of devices\nidentified by regexp. Kw83jfX20p",
            ),
            (
                "/opt/a/x.conf",
                "a list of devices\nidentified by tiger7 only",
            ),
            ("/opt/a/lang/de.json", "{\"password\": \"Kw83jfX20pAA\"}"),
            ("/opt/a/README.md", "password = Kw83jfX20p"),
            ("/opt/a/docs/examples/x.ini", "password = Kw83jfX20p"),
            ("/usr/share/a/x.ini", "# token = Kw83jfX20pAA"),
        ] {
            assert_eq!(kinds(path, text.as_bytes()), [], "{path}: {text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read(bytes: Vec<u8>, text in r#"[a-z:/@=" $<>(){}'%&,;-]{0,80}"#) {
            for manner in [Manner::Settings, Manner::Shell, Manner::Code, Manner::Notes] {
                let _ = knowledge::secrets_in(manner, &bytes);
                for hit in knowledge::secrets_in(manner, format!("password {text}").as_bytes()).hits {
                    proptest::prop_assert!(hit.at.end <= text.len() + 9 && hit.at.start < hit.at.end);
                }
            }
            let _ = knowledge::spans(text.as_bytes());
        }
    }
}
