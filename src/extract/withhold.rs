//! Keeping secrets out of facts: which names hold them, and words with their values taken out.

use std::collections::BTreeMap;

use crate::parse::line::text;
use crate::path::escape;

/// What stands in the place of a value.
pub const WITHHELD: &str = "{withheld}";

/// Whether a value under this name may be a secret: by the words in the name.
#[must_use]
pub fn is_secret(name: &str) -> bool {
    let name = name.trim_start_matches('-').to_ascii_lowercase();
    let squeezed: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
    const PARTS: [&str; 11] = [
        "password",
        "passwd",
        "passphrase",
        "secret",
        "credential",
        "apikey",
        "privatekey",
        "accesskey",
        "authkey",
        "signingkey",
        "encryptionkey",
    ];
    const WORDS: [&str; 6] = ["pass", "pwd", "token", "pw", "psk", "passwort"];
    let by_word = || {
        let mut words = name.split(|c: char| !c.is_ascii_alphanumeric());
        words.any(|word| WORDS.contains(&word)) && name != "pwd"
    };
    let by_key = || name != "pwd" && crate::knowledge::secret_key(&name).is_some();
    PARTS.iter().any(|part| squeezed.contains(part)) || by_word() || by_key()
}

/// Whether a secret's name says that the value is where it is kept, not what it is.
fn is_place(name: &str, value: &[u8]) -> bool {
    let name = name.to_ascii_lowercase();
    let ends = ["file", "path", "dir", "store", "location"];
    value.starts_with(b"/") || value.is_empty() || ends.iter().any(|end| name.ends_with(end))
}

/// Whether the value of `name` must not be shown.
#[must_use]
pub fn must_withhold(name: &str, value: &[u8]) -> bool {
    let whole = || {
        let shown = [name.as_bytes(), b"=", value].concat();
        let hits = crate::knowledge::spans(&shown);
        hits.iter().any(|hit| hit.at.start <= name.len() + 2)
    };
    (is_secret(name) && !is_place(name, value)) || has_login(value) || whole()
}

/// Whether a URL with a password is inside: `scheme://user:password@host`.
fn has_login(value: &[u8]) -> bool {
    login(value, 0).is_some()
}

/// Where the first password in a URL stands after `from`, as a range of bytes.
fn login(value: &[u8], mut from: usize) -> Option<std::ops::Range<usize>> {
    while let Some(at) = find(value.get(from..)?, b"://") {
        let start = from + at + 3;
        let rest = &value[start..];
        let end = rest
            .iter()
            .position(|b| b" /?#\"'<>".contains(b))
            .unwrap_or(rest.len());
        if let Some(host) = rest[..end].iter().rposition(|&b| b == b'@')
            && let Some(colon) = rest[..host].iter().position(|&b| b == b':')
            && colon + 1 < host
            && &rest[colon + 1..host] != WITHHELD.as_bytes()
        {
            return Some(start + colon + 1..start + host);
        }
        from = start;
    }
    None
}

fn find(text: &[u8], needle: &[u8]) -> Option<usize> {
    text.windows(needle.len()).position(|w| w == needle)
}

/// A word for a fact: as it is when it is printable UTF-8, else escaped.
#[must_use]
pub fn word(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) if !text.chars().any(char::is_control) => text.to_owned(),
        _ => escape(bytes).into_owned(),
    }
}

/// Arguments without the values of secrets, and the names under which those stood.
#[must_use]
pub fn args(program: &[u8], args: &[Vec<u8>]) -> (Vec<String>, Vec<String>) {
    let mut shown = Vec::with_capacity(args.len());
    let mut secrets = Vec::new();
    let mut pending: Option<String> = None;
    let mut given = given(program, args);
    for (at, arg) in args.iter().enumerate() {
        if let Some(name) = pending.take()
            && !arg.starts_with(b"-")
            && !is_place(&name, arg)
        {
            secrets.push(name);
            shown.push(WITHHELD.to_owned());
            continue;
        }
        let (clean, names) = line(arg);
        if names.is_empty()
            && let Some((clean, name)) = given.remove(&at)
        {
            secrets.push(name);
            shown.push(word(&clean));
            continue;
        }
        secrets.extend(names);
        shown.push(word(&clean));
        if expects_secret(arg) {
            pending = Some(text(arg));
        }
    }
    (shown, secrets)
}

/// The arguments that this very command is given with a secret in them, without that, by their place:
/// the command is read once, whole.
fn given(program: &[u8], args: &[Vec<u8>]) -> BTreeMap<usize, (Vec<u8>, String)> {
    // Words that hold blanks are texts of their own, or commands.
    let is_word = |word: &[u8]| !word.iter().any(|b| b" \t\n\"';|&()".contains(b));
    let mut found: BTreeMap<usize, (Vec<u8>, String)> = BTreeMap::new();
    if !is_word(base(program)) {
        return found;
    }
    let mut text = base(program).to_vec();
    let mut starts = Vec::new();
    for (at, arg) in args.iter().enumerate() {
        if is_word(arg) && !arg.is_empty() {
            text.push(b' ');
            starts.push((text.len(), at));
            text.extend_from_slice(arg);
        }
    }
    // From the last to the first: what was cut out does not move what stands before it.
    for hit in crate::knowledge::spans(&text).into_iter().rev() {
        let own = starts.partition_point(|(start, _)| *start <= hit.at.start);
        let Some((start, at)) = own.checked_sub(1).and_then(|own| starts.get(own)) else {
            continue;
        };
        let Some(arg) = args
            .get(*at)
            .filter(|arg| !arg.starts_with(WITHHELD.as_bytes()))
        else {
            continue;
        };
        let (from, to) = (hit.at.start - start, (hit.at.end - start).min(arg.len()));
        if from < to {
            let key = hit.key.unwrap_or_else(|| hit.kind.to_owned());
            let (clean, name) = found
                .entry(*at)
                .or_insert_with(|| (arg.clone(), String::new()));
            clean.splice(from..to, WITHHELD.bytes());
            *name = key;
        }
    }
    found
}

/// Whether the next argument is a secret, by the name of this one.
fn expects_secret(arg: &[u8]) -> bool {
    arg.starts_with(b"-") && !arg.contains(&b'=') && is_secret(&text(arg))
}

fn base(program: &[u8]) -> &[u8] {
    program.rsplit(|&b| b == b'/').next().unwrap_or(program)
}

/// Text, perhaps a whole shell command, without the values of secrets in it; and their names.
/// `NAME=value` and `--name=value` are cut at the next blank or quote, URLs lose their password.
#[must_use]
pub fn line(bytes: &[u8]) -> (Vec<u8>, Vec<String>) {
    let mut names = Vec::new();
    let mut out = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some(at) = rest.iter().position(|&b| b == b'=') {
        let start = rest[..at]
            .iter()
            .rposition(|b| !(b.is_ascii_alphanumeric() || b"_-.".contains(b)))
            .map_or(0, |before| before + 1);
        let name = text(&rest[start..at]);
        let value = &rest[at + 1..];
        out.extend_from_slice(&rest[..=at]);
        rest = value;
        if !is_secret(&name) {
            continue;
        }
        let length = value_length(value);
        if !is_place(&name, &value[..length]) {
            out.extend_from_slice(WITHHELD.as_bytes());
            names.push(name);
            rest = &value[length..];
        }
    }
    out.extend_from_slice(rest);
    let mut clean = Vec::with_capacity(out.len());
    let mut from = 0;
    while let Some(range) = login(&out, from) {
        clean.extend_from_slice(&out[from..range.start]);
        clean.extend_from_slice(WITHHELD.as_bytes());
        names.push("url".to_owned());
        from = range.end;
    }
    clean.extend_from_slice(&out[from..]);
    others(&clean, names)
}

/// Takes out what the reader of texts finds besides: logins of known commands, headers, tokens.
fn others(line: &[u8], mut names: Vec<String>) -> (Vec<u8>, Vec<String>) {
    let mut clean = Vec::with_capacity(line.len());
    let mut from = 0;
    for hit in crate::knowledge::spans(line) {
        let value = line.get(hit.at.clone()).unwrap_or_default();
        if hit.at.start < from || value.starts_with(b"{withheld") {
            continue;
        }
        clean.extend_from_slice(&line[from..hit.at.start]);
        clean.extend_from_slice(WITHHELD.as_bytes());
        names.push(hit.key.unwrap_or_else(|| hit.kind.to_owned()));
        from = hit.at.end;
    }
    clean.extend_from_slice(&line[from..]);
    (clean, names)
}

/// The length of a value: up to its closing quote, or to a blank or separator.
fn value_length(value: &[u8]) -> usize {
    let end = match value.first() {
        Some(quote @ (b'"' | b'\'')) => {
            let close = value[1..].iter().position(|b| b == quote);
            close.map(|at| at + 2)
        }
        _ => value.iter().position(|b| b" \t\n;&|\"'`)".contains(b)),
    };
    end.unwrap_or(value.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_of_many_arguments_is_read_once() {
        let many: Vec<Vec<u8>> = (0..20_000)
            .map(|at| format!("-k{at}=a=b").into_bytes())
            .collect();
        let (shown, secrets) = args(b"/usr/bin/tool", &many);
        assert_eq!((shown.len(), secrets.len()), (many.len(), 0));
        let command = [&b"-u"[..], b"app", b"-pTr0ub4dor", b"db"].map(<[u8]>::to_vec);
        let (shown, secrets) = args(b"/usr/bin/mysql", &command);
        assert_eq!(shown, ["-u", "app", "-p{withheld}", "db"]);
        assert_eq!(secrets.len(), 1);
    }

    #[test]
    fn names_of_secrets() {
        for name in [
            "DB_PASSWORD",
            "--api-key",
            "auth.token",
            "SMTP_PASS",
            "awsSecretAccessKey",
            "my_pwd",
        ] {
            assert!(is_secret(name), "{name}");
        }
        for name in [
            "PWD",
            "PASSENGER_APP",
            "compass",
            "TOKENIZER",
            "KEY_DIR",
            "--port",
        ] {
            assert!(!is_secret(name), "{name}");
        }
    }

    #[test]
    fn a_place_is_shown_and_a_value_is_not() {
        assert!(must_withhold("DB_PASSWORD", b"hunter2"));
        assert!(!must_withhold("DB_PASSWORD_FILE", b"secrets/db"));
        assert!(!must_withhold("DB_PASSWORD", b"/run/secrets/db"));
        assert!(must_withhold("DSN", b"postgres://app:hunter2@db/x"));
        assert!(!must_withhold("DSN", b"postgres://app@db/x:y@z"));
    }

    #[test]
    fn arguments_lose_secrets_in_every_form() {
        let given = [
            "--password=hunter2",
            "--token",
            "hunter2",
            "--x=1",
            "-Dapp.secret=hunter2",
            "amqp://u:hunter2@h/",
            "--password-file",
            "/etc/p",
            "sh -c 'A_PASS=hunter2 b'",
        ];
        let given: Vec<Vec<u8>> = given.iter().map(|a| a.as_bytes().to_vec()).collect();
        let (shown, secrets) = args(b"/opt/x", &given);
        assert!(!shown.join(" ").contains("hunter2"), "{shown:?}");
        assert_eq!(shown[3], "--x=1");
        assert_eq!(shown[7], "/etc/p");
        assert_eq!(secrets.len(), 5);
        let (shown, _) = args(
            b"/usr/bin/mysqldump",
            &[b"-phunter2".to_vec(), b"-u".to_vec()],
        );
        assert_eq!(shown, ["-p{withheld}", "-u"]);
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read(bytes: Vec<u8>, text in r#"[a-z:/@=" pass]{0,60}"#) {
            let _ = line(&bytes);
            let _ = line(text.as_bytes());
            let _ = args(&bytes, &[text.into_bytes(), bytes.clone()]);
        }
    }
}
