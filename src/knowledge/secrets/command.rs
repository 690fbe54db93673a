//! Secrets that commands and calls are given: as arguments, in the text that is fed to them, and where a
//! driver's call has them.

use std::ops::Range;
use std::sync::LazyLock;

use regex::bytes::Regex;

use super::manner::Manner;
use super::text::Hit;
use super::value::{is_placeholder, is_strong};
use super::{KNOWLEDGE, secret_key};

/// Where in a call a password stands: after how many arguments (the manuals of Perl's DBI, PHP, JDBC and
/// Python's drivers).
const CALLS: &[(&str, usize)] = &[
    (r"DBI\s*->\s*connect(?:_cached)?", 2),
    (
        r"\b(?:mysql_p?connect|mysqli_connect|mssql_p?connect|sybase_p?connect|odbc_p?connect|ifx_p?connect)",
        2,
    ),
    (r"\bnew\s+(?:mysqli|PDO)", 2),
    (
        r"\b(?:getConnection|ftp_login|ldap_bind|ssh2_auth_password|imap_open|Sequel\.connect)",
        2,
    ),
    (
        r"\b(?:oci_p?connect|oci_new_connect|cx_Oracle\.connect|oracledb\.connect|UsernamePasswordCredentials)",
        1,
    ),
    (r"(?:->|\.)\s*login", 1),
    // Logins over HTTP: Python's requests, Ruby's and Java's clients, .NET.
    (
        r"(?:\bauth\s*=|(?:HTTP)?(?:Basic|Digest)Auth|\b(?:http_)?basic_auth|\bNetworkCredential)",
        1,
    ),
];

static CALL: LazyLock<Vec<(Regex, usize)>> = LazyLock::new(|| {
    let form = |(name, place): &(&str, usize)| {
        let regex = Regex::new(&format!(r"{name}\s*\("));
        // Each stands above.
        (
            regex.unwrap_or_else(|error| panic!("{name}: {error}")),
            *place,
        )
    };
    CALLS.iter().map(form).collect()
});

/// How a command is given a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Form {
    /// The next argument.
    Next,
    /// The rest of the argument, or the next one.
    Attached,
    /// What follows `:`, `%`, `,` or `/` in the next argument, which begins with a user.
    Login,
    /// An argument of its own: `user/password@where`.
    Oracle,
    /// The last argument.
    Last,
    /// What is fed to it: by `echo` before a bar, or as lines that follow.
    Fed,
}

/// The names of commands that are given secrets.
pub(super) fn names() -> impl Iterator<Item = String> {
    KNOWLEDGE
        .options
        .iter()
        .flat_map(|row| row.commands.clone())
}

/// What a command does with lines that it is fed.
#[derive(Clone, Copy, Debug)]
enum Eater {
    /// Takes commands of FTP.
    Transfer,
    /// Takes a password, or a user with one.
    Password,
}

/// A script while it is read.
#[derive(Debug, Default)]
pub(super) struct Script {
    /// The command that is fed with the lines that follow, up to this word.
    fed: Option<(Vec<u8>, Eater)>,
    /// Whether a prompt for a password is waited for.
    is_asked: bool,
}

impl Script {
    pub(super) fn is_within(&self) -> bool {
        self.fed.is_some() || self.is_asked
    }

    /// The secrets that the commands and calls of a line are given.
    pub(super) fn line(&mut self, line: &[u8], manner: Manner) -> Vec<Hit> {
        let mut found = calls(line, manner);
        let words = words(line);
        found.extend(self.fed(line, &words));
        if manner != Manner::Code {
            found.extend(options(line, &words));
            found.extend(piped(line, &words));
        }
        found
    }

    /// Here-documents to ftp and its like, and what an expect script sends after a prompt.
    fn fed(&mut self, line: &[u8], words: &[Range<usize>]) -> Option<Hit> {
        let word = |at: usize| words.get(at).map(|range| &line[range.clone()]);
        if let Some((end, eater)) = &self.fed {
            if line.trim_ascii() == end.as_slice() {
                self.fed = None;
                return None;
            }
            if matches!(eater, Eater::Password) {
                return password(line, words.first()?.start..words.last()?.end);
            }
            let first = word(0).unwrap_or_default().to_ascii_lowercase();
            let place = match first.as_slice() {
                b"user" => 2,
                b"pass" => 1,
                b"quote" if word(1).is_some_and(|w| w.eq_ignore_ascii_case(b"pass")) => 2,
                b"open" if word(1).is_some_and(|w| w.contains(&b',')) => 2,
                _ => return None,
            };
            return hit(line, words.get(place)?.clone(), "ftp");
        }
        if let Some(at) = memchr::memmem::find(line, b"<<") {
            let is_transfer = words.iter().any(|range| {
                [&b"ftp"[..], b"sftp", b"lftp", b"ncftp", b"pftp"]
                    .contains(&base(&line[range.clone()]))
            });
            let eater = match is_transfer {
                true => Some(Eater::Transfer),
                false => asks(line, words).then_some(Eater::Password),
            };
            let rest = line.get(at + 2..).unwrap_or_default();
            let end = rest.strip_prefix(b"-").unwrap_or(rest).trim_ascii_start();
            let quotes = |b: &u8| b"'\"\\".contains(b);
            let end: Vec<u8> = end
                .iter()
                .copied()
                .filter(|b| !quotes(b))
                .take_while(|b| !b" \t;|>)".contains(b))
                .collect();
            if let Some(eater) = eater.filter(|_| !end.is_empty()) {
                self.fed = Some((end, eater));
            }
        }
        // expect(1): expect "assword:" { send "…\r" }
        let first = word(0).map(base).unwrap_or_default();
        let asks = memchr::memmem::find(line, b"assword").is_some();
        let sends = memchr::memmem::find(line, b"send ").filter(|_| self.is_asked || asks);
        if first == b"expect" && asks {
            self.is_asked = true;
        }
        let sends = sends.filter(|_| {
            first == b"send"
                || first == b"expect"
                || first.starts_with(b"\"")
                || first.starts_with(b"*")
        })?;
        self.is_asked = false;
        let rest = line.get(sends + 5..)?;
        let open = rest.iter().position(|&b| b == b'"')?;
        let close = rest
            .get(open + 1..)?
            .iter()
            .position(|&b| b == b'"' || b == b'\\')?;
        hit(line, sends + 6 + open..sends + 6 + open + close, "send")
    }
}

/// Whether a command among the words takes a password from its standard input.
fn asks(line: &[u8], words: &[Range<usize>]) -> bool {
    let rows = KNOWLEDGE.options.iter().filter(|row| row.form == Form::Fed);
    rows.into_iter().any(|row| {
        let is_one = |range: &Range<usize>, names: &[String]| {
            let word = &line[range.clone()];
            names.iter().any(|name| name.as_bytes() == word)
        };
        let command = words.iter().position(|range| {
            let name = base(&line[range.clone()]);
            row.commands
                .iter()
                .any(|command| command.as_bytes() == name)
        });
        command.is_some_and(|at| {
            let mut given = words.get(at + 1..).unwrap_or_default().iter();
            row.options.is_empty() || given.any(|range| is_one(range, &row.options))
        })
    })
}

/// What `echo` or `printf` puts before a bar into a command that takes a password there.
fn piped(line: &[u8], words: &[Range<usize>]) -> Option<Hit> {
    let bar = line.iter().position(|&b| b == b'|')?;
    let cut = words.partition_point(|range| range.end <= bar);
    let (before, behind) = words.split_at(cut);
    let text = |range: &Range<usize>| &line[range.clone()];
    let echo = before.iter().position(|range| {
        let name = base(text(range));
        name == b"echo" || name == b"printf"
    })?;
    if !asks(line, behind) {
        return None;
    }
    let mut given = before.get(echo + 1..)?.iter();
    let word = given.rfind(|range| !text(range).starts_with(b"-"))?;
    password(line, word.clone())
}

/// A password that is fed, or that of `user:password`.
fn password(line: &[u8], at: Range<usize>) -> Option<Hit> {
    let word = line.get(at.clone())?;
    let user = word.iter().position(|&b| b == b':').filter(|&colon| {
        let is_name = |b: &u8| b.is_ascii_alphanumeric() || b"_.-".contains(b);
        colon > 0 && colon + 1 < word.len() && word[..colon].iter().all(is_name)
    });
    let start = user.map_or(at.start, |colon| at.start + colon + 1);
    let breaks = word.windows(2).position(|pair| pair == b"\\n");
    let end = breaks.map_or(at.end, |cut| at.start + cut);
    hit(line, start.min(end)..end, "stdin")
}

fn base(word: &[u8]) -> &[u8] {
    word.rsplit(|&b| b == b'/').next().unwrap_or(word)
}

/// A hit where the words at a place may be a secret.
fn hit(line: &[u8], at: Range<usize>, key: &str) -> Option<Hit> {
    let value = String::from_utf8_lossy(line.get(at.clone())?).into_owned();
    let is_fit = !is_placeholder(&value) && !value.starts_with('-') && !value.contains(['$', '`']);
    is_fit.then(|| Hit {
        line: 0,
        kind: "password",
        key: Some(key.to_owned()),
        at,
    })
}

/// The words of a line, without their quotes.
fn words(line: &[u8]) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < line.len() {
        let byte = line[at];
        if byte.is_ascii_whitespace() || b"=;|&()".contains(&byte) {
            at += 1;
            continue;
        }
        let (start, end, next) = match byte {
            b'"' | b'\'' => {
                let rest = line.get(at + 1..).unwrap_or_default();
                let length = rest.iter().position(|&b| b == byte).unwrap_or(rest.len());
                (at + 1, at + 1 + length, at + 2 + length)
            }
            _ => {
                let is_end = |b: &u8| b.is_ascii_whitespace() || b"\"';|&()".contains(b);
                let length = line[at..]
                    .iter()
                    .position(is_end)
                    .unwrap_or(line.len() - at);
                (at, at + length, at + length)
            }
        };
        found.push(start..end.min(line.len()));
        at = next;
    }
    found
}

/// What options of known commands are given, and `--password VALUE` of any.
fn options(line: &[u8], words: &[Range<usize>]) -> Vec<Hit> {
    let text = |at: usize| words.get(at).map_or(&b""[..], |range| &line[range.clone()]);
    let mut found = Vec::new();
    let rows: Vec<_> = KNOWLEDGE
        .options
        .iter()
        .filter_map(|row| {
            let is_it = |range: &Range<usize>| {
                let name = base(&line[range.clone()]);
                row.commands
                    .iter()
                    .any(|command| command.as_bytes() == name)
            };
            Some((row, words.iter().position(is_it)?))
        })
        .collect();
    for at in 0..words.len() {
        let word = text(at);
        let Some(range) = words.get(at).cloned() else {
            break;
        };
        for (row, command) in rows.iter().filter(|(_, command)| *command < at) {
            let named = row.options.iter().find(|option| match row.form {
                Form::Attached => word.starts_with(option.as_bytes()),
                Form::Oracle | Form::Fed => false,
                _ => word == option.as_bytes(),
            });
            let next = words.get(at + 1).cloned();
            let place = match (row.form, named) {
                (Form::Next, Some(_)) => next,
                (Form::Attached, Some(option)) if word.len() > option.len() => {
                    Some(range.start + option.len()..range.end)
                }
                (Form::Attached, Some(_)) => None,
                (Form::Login, Some(_)) => next.and_then(|next| behind_user(line, next)),
                (Form::Oracle, _) => oracle(line, range.clone(), at == command + 1),
                (Form::Last, Some(_)) => words.last().filter(|_| at + 3 < words.len()).cloned(),
                _ => None,
            };
            found.extend(place.and_then(|place| hit(line, place, &row.commands[0])));
        }
        let Some(name) = word.strip_prefix(b"-").filter(|_| !word.contains(&b'=')) else {
            continue;
        };
        let name = String::from_utf8_lossy(name.strip_prefix(b"-").unwrap_or(name)).into_owned();
        let Some(next) = words.get(at + 1).cloned() else {
            continue;
        };
        // What is no word only: `-token expired`, `--user 100:100`.
        let value = String::from_utf8_lossy(&line[next.clone()]).into_owned();
        if name.len() > 2 && secret_key(&name).is_some() && super::is_value(&name, &value) {
            found.extend(hit(line, next, &name));
        } else if matches!(
            name.as_str(),
            "user" | "u" | "login" | "proxy-user" | "auth"
        ) && let Some(place) = behind_user(line, next)
            && is_strong(&String::from_utf8_lossy(&line[place.clone()]))
        {
            found.extend(hit(line, place, &name));
        }
    }
    found
}

/// The password of `user:password`, `user%password`, `user,password`.
fn behind_user(line: &[u8], at: Range<usize>) -> Option<Range<usize>> {
    let word = &line[at.clone()];
    let cut = word
        .iter()
        .position(|b| b":%,".contains(b))
        .filter(|cut| *cut > 0)?;
    (cut + 1 < word.len()).then_some(at.start + cut + 1..at.end)
}

/// The password of `user/password@service`; without the service only as the first argument.
fn oracle(line: &[u8], at: Range<usize>, is_first: bool) -> Option<Range<usize>> {
    let word = &line[at.clone()];
    let slash = word
        .iter()
        .position(|&b| b == b'/')
        .filter(|slash| *slash > 0)?;
    let is_user = word[..slash]
        .iter()
        .all(|b| b.is_ascii_alphanumeric() || b"_$#.".contains(b));
    let rest = &word[slash + 1..];
    let end = rest.iter().rposition(|&b| b == b'@');
    let is_login = end.is_some() || is_first && !rest.contains(&b'/');
    let end = end.unwrap_or(rest.len());
    let start = at.start + slash + 1;
    (is_user && is_login && end > 0).then_some(start..start + end)
}

/// The passwords that calls of drivers are given as they stand.
fn calls(line: &[u8], manner: Manner) -> Vec<Hit> {
    let mut found = Vec::new();
    if manner == Manner::Notes || !line.contains(&b'(') {
        return found;
    }
    for (call, place) in CALL.iter() {
        for matched in call.find_iter(line) {
            let literal = arguments(line, matched.end())
                .into_iter()
                .nth(*place)
                .flatten();
            found.extend(literal.and_then(|at| hit(line, at, "connect")));
        }
    }
    found
}

/// How far behind a call its arguments are looked for, in bytes.
const CALL_LENGTH: usize = 1 << 10;

/// The arguments of a call from `from` on; None for one that is no quoted text.
fn arguments(line: &[u8], from: usize) -> Vec<Option<Range<usize>>> {
    let mut found = Vec::new();
    let line = line.get(..from + CALL_LENGTH).unwrap_or(line);
    let (mut at, mut depth, mut literal) = (from, 0_usize, None);
    while let Some(&byte) = line.get(at) {
        match byte {
            b'"' | b'\'' => {
                let rest = line.get(at + 1..).unwrap_or_default();
                let length = rest.iter().position(|&b| b == byte).unwrap_or(rest.len());
                // What another call is given is its own.
                if depth == 0 {
                    literal = Some(at + 1..at + 1 + length);
                }
                at += length + 1;
            }
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' if depth > 0 => depth -= 1,
            b')' => break,
            b',' if depth == 0 => found.push(literal.take()),
            _ => {}
        }
        at += 1;
    }
    found.push(literal);
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_driver_is_given_a_password_as_it_stands_or_by_another_call() {
        let found = |line: &str| !calls(line.as_bytes(), Manner::Code).is_empty();
        assert!(found("ldap_bind($c, 'cn=app', 'Tr0ub4dor')"));
        assert!(found("mysqli_connect(\"db\", 'app', 'Tr0ub4dor');"));
        assert!(!found(
            "ldap_bind($c, get('binddn'), decode(get('bindpw')))"
        ));
        assert!(!found("mysqli_connect(\"db\", 'app', getenv('DB_PASS'));"));
        assert!(!found("ldap_bind($c, 'cn=app', $secret)"));
    }
}
