//! Secrets in text, and files whose name says that they hold one. Only the kind is told; no value
//! leaves this module.

use super::is_number;

/// How much of a text is searched.
pub const LIMIT: usize = 1 << 20;

/// Endings of source code, documentation and markup: a key in those is an example or a constant
/// under test, which other readers judge.
const CODE: &[&[u8]] = &[
    b".adoc", b".c", b".cc", b".cpp", b".cs", b".el", b".erl", b".ex", b".go", b".h", b".hrl",
    b".html", b".java", b".js", b".lua", b".md", b".mjs", b".pas", b".php", b".pl", b".pm", b".po",
    b".pod", b".py", b".rb", b".rs", b".rst", b".sh", b".t", b".tcl", b".ts", b".xml",
];

/// Files that programs look for by name, with the kind of what is in them.
const NAMES: &[(&[u8], &str)] = &[
    // gnu.org inetutils, ".netrc"; PostgreSQL manual, "The Password File"; MySQL manual, "Option
    // Files"; git-credential-store(1); chap-secrets of pppd(8); ipsec.secrets(5).
    (b".netrc", "password"),
    (b"_netrc", "password"),
    (b".pgpass", "password"),
    (b"pgpass.conf", "password"),
    (b".mylogin.cnf", "password"),
    (b".git-credentials", "password"),
    (b".smbcredentials", "password"),
    (b".vncpasswd", "password"),
    (b"chap-secrets", "password"),
    (b"pap-secrets", "password"),
    (b"ipsec.secrets", "password"),
    (b"sasldb2", "password-hashes"),
    (b".dockercfg", "token"),
    (b".erlang.cookie", "token"),
    (b"secring.gpg", "private-key"),
];

/// A secret that was recognised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    /// `private-key`, `encrypted-private-key`, `ssh-key`, `password-hashes`, `password`, `token`.
    pub kind: &'static str,
    /// The line it begins on, from 1; absent when the name or the whole file says so.
    pub line: Option<u32>,
}

impl Found {
    const fn whole(kind: &'static str) -> Self {
        Self { kind, line: None }
    }
}

/// Secrets that the name of a file with content declares.
#[must_use]
pub fn by_name(parent: &[u8], name: &[u8]) -> Option<Found> {
    let named = NAMES.iter().find(|(known, _)| *known == name);
    if let Some((_, kind)) = named {
        return Some(Found::whole(kind));
    }
    match (parent, name) {
        (b".aws", b"credentials") => Some(Found::whole("token")),
        (b".kube", b"config") => Some(Found::whole("token")),
        (b".vnc", b"passwd") => Some(Found::whole("password")),
        (b"private-keys-v1.d", name) if name.ends_with(b".key") => {
            Some(Found::whole("private-key"))
        }
        (_, name) if name.starts_with(b".k5.") => Some(Found::whole("keytab")),
        _ => None,
    }
}

/// Whether the name is that of source code, documentation or markup: what looks like a key there is
/// none.
#[must_use]
pub fn is_code(name: &[u8]) -> bool {
    let fits = |end: &&[u8]| {
        let begin = name.len().checked_sub(end.len());
        begin.is_some_and(|at| name[at..].eq_ignore_ascii_case(end))
    };
    CODE.iter().any(fits)
}

/// Secrets in a text: keys in PEM and kindred forms, hashes of passwords, and the settings of
/// clients that keep a password in their file.
#[must_use]
pub fn in_text(name: &[u8], text: &[u8]) -> Vec<Found> {
    if is_code(name) || text.contains(&0) {
        return Vec::new();
    }
    let lower = name.to_ascii_lowercase();
    let text = &text[..text.len().min(LIMIT)];
    let mut found = keys(text);
    found.extend(hashes(&lower, text).map(Found::whole));
    found.extend(client(&lower, text).map(Found::whole));
    found
}

/// Whether a text holds a certificate in PEM form (RFC 7468).
#[must_use]
pub fn has_certificate(text: &[u8]) -> bool {
    [
        &b"-----BEGIN CERTIFICATE-----"[..],
        b"-----BEGIN TRUSTED CERTIFICATE-----",
    ]
    .iter()
    .any(|begin| memchr::memmem::find(text, begin).is_some())
}

/// Private keys. The line after the first must be the body or a header of it: a text about keys,
/// or a pattern that looks for them, has none.
fn keys(text: &[u8]) -> Vec<Found> {
    const MARKS: [&[u8]; 4] = [
        b"PRIVATE KEY",
        b"BEGIN SSH2 ",
        b"PuTTY-User-Key-File-",
        b"Private-key-format: ",
    ];
    let mut found = Vec::new();
    if !(MARKS.iter()).any(|mark| memchr::memmem::find(text, mark).is_some()) {
        return found;
    }
    let mut lines = (1_u32..).zip(text.split(|&b| b == b'\n')).peekable();
    while let Some((number, line)) = lines.next() {
        let line = line.trim_ascii_end();
        let next = lines
            .peek()
            .map_or(&b""[..], |(_, next)| next.trim_ascii_end());
        let kind = match line {
            b"-----BEGIN OPENSSH PRIVATE KEY-----" if is_base64(next) => Some(openssh(next)),
            b"-----BEGIN ENCRYPTED PRIVATE KEY-----" if is_base64(next) => {
                Some("encrypted-private-key")
            }
            // ssh.com and PuTTY; PGP; DNSSEC's private-key format (dnssec-keygen(8)).
            b"---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----" => Some("ssh-key"),
            b"-----BEGIN PGP PRIVATE KEY BLOCK-----" => Some("private-key"),
            _ if line.starts_with(b"PuTTY-User-Key-File-") => Some("ssh-key"),
            _ if line.starts_with(b"Private-key-format: v1") => Some("private-key"),
            _ => pem(line, next),
        };
        found.extend(kind.map(|kind| Found {
            kind,
            line: Some(number),
        }));
    }
    found.truncate(100);
    found
}

/// `-----BEGIN PRIVATE KEY-----` with an algorithm or none before `PRIVATE` (RFC 7468, section 10;
/// the headers of an encrypted one: RFC 1421, section 4.6.1.1).
fn pem(line: &[u8], next: &[u8]) -> Option<&'static str> {
    let label = line
        .strip_prefix(b"-----BEGIN ")?
        .strip_suffix(b"PRIVATE KEY-----")?;
    if !matches!(label, b"" | b"RSA " | b"DSA " | b"EC " | b"DH ") {
        return None;
    }
    if next.starts_with(b"Proc-Type: 4,ENCRYPTED") {
        return Some("encrypted-private-key");
    }
    is_base64(next).then_some("private-key")
}

fn is_base64(line: &[u8]) -> bool {
    line.len() >= 40
        && line
            .iter()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'='))
}

/// OpenSSH, PROTOCOL.key: `openssh-key-v1`, NUL, then the cipher's name; `none` in base64.
fn openssh(body: &[u8]) -> &'static str {
    if body.starts_with(b"b3BlbnNzaC1rZXktdjEAAAAABG5vbmUA") {
        "ssh-key"
    } else {
        "encrypted-private-key"
    }
}

/// Hashes of passwords: shadow(5), and what htpasswd(1) and htdigest(1) write. Every line must be
/// of the form.
fn hashes(name: &[u8], text: &[u8]) -> Option<&'static str> {
    let lines = || {
        text.split(|&b| b == b'\n')
            .map(<[u8]>::trim_ascii)
            .filter(|line| !line.is_empty() && !line.starts_with(b"#"))
            .take(50)
    };
    lines().next()?;
    let named = name.ends_with(b"htpasswd") || name == b".htusers";
    let all = |form: fn(&[u8]) -> bool| lines().all(form);
    let any = |form: fn(&[u8]) -> bool| lines().any(form);
    let is_htpasswd = all(is_user_and_hash) || named && all(is_user_and_any);
    let is_shadow = all(is_shadow) && any(has_shadow_hash);
    (is_shadow || is_htpasswd || all(is_digest) || all(is_samba)).then_some("password-hashes")
}

fn field(line: &[u8], number: usize) -> &[u8] {
    line.split(|&b| b == b':').nth(number).unwrap_or_default()
}

fn is_hash(text: &[u8]) -> bool {
    [
        &b"$1$"[..],
        b"$5$",
        b"$6$",
        b"$y$",
        b"$7$",
        b"$2a$",
        b"$2b$",
        b"$2y$",
        b"$apr1$",
        b"{SHA}",
        b"{SSHA}",
        b"{CRYPT}",
        b"{PLAIN}",
    ]
    .iter()
    .any(|start| text.starts_with(start))
}

/// shadow(5): nine fields, of which the third to eighth are numbers or empty; gshadow(5) has four.
fn is_shadow(line: &[u8]) -> bool {
    let fields: Vec<_> = line.split(|&b| b == b':').collect();
    let numbers = fields.iter().skip(2).take(6);
    fields.len() == 9
        && !fields[0].is_empty()
        && numbers
            .flat_map(|f| f.iter())
            .all(|b| b.is_ascii_digit() || *b == b'-')
}

fn has_shadow_hash(line: &[u8]) -> bool {
    is_hash(field(line, 1).trim_ascii_start())
}

fn is_user_and_hash(line: &[u8]) -> bool {
    !field(line, 0).is_empty() && !line.contains(&b' ') && is_hash(field(line, 1))
}

fn is_user_and_any(line: &[u8]) -> bool {
    !field(line, 0).is_empty() && field(line, 1).len() >= 8
}

/// htdigest(1): user, realm, MD5.
fn is_digest(line: &[u8]) -> bool {
    let hash = field(line, 2);
    line.iter().filter(|b| **b == b':').count() == 2
        && hash.len() == 32
        && hash.iter().all(u8::is_ascii_hexdigit)
}

/// smbpasswd(5): name, number, two hashes, flags, and the time of the last change.
fn is_samba(line: &[u8]) -> bool {
    is_number(field(line, 1)) && field(line, 3).len() == 32 && field(line, 5).starts_with(b"LCT-")
}

/// Settings of clients whose file is a secret when one key is in it: npm's and pip's tokens,
/// Docker's, the passwords of MySQL's option files, rndc's keys.
fn client(name: &[u8], text: &[u8]) -> Option<&'static str> {
    let has = |needle: &[u8]| memchr::memmem::find(text, needle).is_some();
    let sets = |key: &[u8]| {
        text.split(|&b| b == b'\n').any(|line| {
            let line = line.trim_ascii_start();
            line.strip_prefix(key).is_some_and(|rest| {
                let rest = rest.trim_ascii_start();
                rest.strip_prefix(b"=")
                    .is_some_and(|value| !value.trim_ascii().is_empty())
            })
        })
    };
    match name {
        b".my.cnf" | b"debian.cnf" if sets(b"password") => Some("password"),
        b".npmrc" | b".yarnrc.yml" if has(b"_authToken=") || has(b"npmAuthToken") => Some("token"),
        b".pypirc" if sets(b"password") => Some("password"),
        b"config.json" if has(b"\"auths\"") && has(b"\"auth\"") => Some("token"),
        // rndc.conf(5): key "name" { algorithm …; secret "…"; };
        _ if name.ends_with(b".key") && has(b"algorithm") && has(b"secret \"") => Some("token"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &str = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQDa\n";

    fn kinds(name: &str, text: &str) -> Vec<(&'static str, Option<u32>)> {
        let found = in_text(name.as_bytes(), text.as_bytes());
        found.iter().map(|found| (found.kind, found.line)).collect()
    }

    #[test]
    fn keys_are_found_with_their_line_also_behind_a_certificate() {
        let text = format!(
            "-----BEGIN CERTIFICATE-----\n{BODY}-----END CERTIFICATE-----\n\
             -----BEGIN RSA PRIVATE KEY-----\n{BODY}-----END RSA PRIVATE KEY-----\n"
        );
        assert_eq!(kinds("s.pem", &text), [("private-key", Some(4))]);
        assert!(has_certificate(text.as_bytes()));
    }

    #[test]
    fn an_encrypted_key_is_told_from_a_bare_one() {
        for (text, kind) in [
            (
                "-----BEGIN ENCRYPTED PRIVATE KEY-----\n",
                "encrypted-private-key",
            ),
            ("-----BEGIN PRIVATE KEY-----\n", "private-key"),
            (
                "-----BEGIN OPENSSH PRIVATE KEY-----\n",
                "encrypted-private-key",
            ),
            (
                "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAABG5vbmUA",
                "ssh-key",
            ),
            (
                "-----BEGIN EC PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n",
                "encrypted-private-key",
            ),
        ] {
            assert_eq!(
                kinds("k", &format!("{text}{BODY}")),
                [(kind, Some(1))],
                "{text}"
            );
        }
    }

    #[test]
    fn a_text_about_keys_is_no_key() {
        assert!(kinds("grep.conf", "-----BEGIN PRIVATE KEY-----\n").is_empty());
        let inside = format!("put it so:\n  -----BEGIN PRIVATE KEY-----\n  {BODY}");
        assert!(kinds("README", &inside).is_empty());
        let key = format!("-----BEGIN PRIVATE KEY-----\n{BODY}");
        assert!(kinds("test_tls.py", &key).is_empty());
    }

    #[test]
    fn hashes_of_passwords_need_every_line() {
        let shadow = "root:$6$aa$bb:19000:0:99999:7:::\ndaemon:*:19000:0:99999:7:::\n";
        assert_eq!(kinds("shadow-", shadow), [("password-hashes", None)]);
        let locked = "root:*:19000:0:99999:7:::\n";
        assert!(kinds("shadow", locked).is_empty());
        assert_eq!(
            kinds("users", "ann:$apr1$x$y\nbob:{SHA}z\n"),
            [("password-hashes", None)]
        );
        assert_eq!(
            kinds(".htpasswd", "ann:abJnggxhB/yWI\n"),
            [("password-hashes", None)]
        );
        assert!(kinds("users", "ann:$apr1$x$y\nbob likes $6$\n").is_empty());
        let samba = "ann:1000:XXXX:0123456789ABCDEF0123456789ABCDEF:[U ]:LCT-5F000000:\n";
        assert_eq!(kinds("smbpasswd", samba), [("password-hashes", None)]);
        assert!(kinds("passwd", "root:x:0:0:root:/root:/bin/sh\n").is_empty());
    }

    #[test]
    fn clients_keep_passwords_in_files_of_known_names() {
        assert_eq!(
            by_name(b"root", b".pgpass").map(|f| f.kind),
            Some("password")
        );
        assert_eq!(
            by_name(b".aws", b"credentials").map(|f| f.kind),
            Some("token")
        );
        assert_eq!(by_name(b"etc", b"credentials"), None);
        assert_eq!(
            kinds(".my.cnf", "[client]\npassword = x\n"),
            [("password", None)]
        );
        assert!(kinds(".my.cnf", "[client]\nuser = x\npassword =\n").is_empty());
    }
}
