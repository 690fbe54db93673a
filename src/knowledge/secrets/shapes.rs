//! What is a secret by its place in a line or by its own shape, under whatever key.

use std::sync::LazyLock;

use regex::bytes::Regex;

use super::forms::regex;
use super::text::Hit;
use super::value::is_strong;
use super::{KNOWLEDGE, is_placeholder};

/// Secrets whose place gives them away: logins in addresses and connection strings, `Authorization` headers,
/// Oracle's and Go's addresses, SQL, commands and services with a place for one.
static SHAPES: LazyLock<Vec<(Regex, &str)>> = LazyLock::new(|| {
    [
        (
            r#"[A-Za-z][\w+.\-]*://[^\s/:@"'<>]*:(?P<v>[^\s/@"'<>]+)@[\w\[$]"#,
            "url-credentials",
        ),
        (
            r#"(?i)authorization["']?[\s:=,]+["']?\s*(?:basic|bearer|token|digest|apikey)\s+(?P<v>[A-Za-z0-9+/=_.\-]{8,})"#,
            "token",
        ),
        (r"jdbc:oracle:\w+:\w+/(?P<v>[^@\s/]+)@", "url-credentials"),
        (r"\b\w+:(?P<v>[^@\s:/]{3,})@(?:tcp|unix)\(", "url-credentials"),
        (
            r"(?i)\bmachine\s+\S+\s+login\s+\S+\s+password\s+(?P<v>\S+)",
            "password",
        ),
        // ADO's and libpq's connection strings.
        (
            r#"(?i);\s*(?:password|pwd)\s*=\s*(?P<v>[^;"'<>{}\s]{3,})"#,
            "password",
        ),
        (
            r#"(?i)\b(?:user|dbname|host)=\S+\s+password=(?P<v>[^\s"'<>{}]{3,})"#,
            "password",
        ),
        // SQL, and the clients' own CONNECT.
        (
            r#"(?i)(?:\b(?:create|alter|grant)\b.*\bidentified\s+by\s+(?:password\s+)?["']?|\bidentified\s+by\s+(?:password\s+)?["'])(?P<v>[^\s"';]{3,})"#,
            "password",
        ),
        (
            r#"(?i)\b(?:with|encrypted)\s+password\s*=?\s*N?'(?P<v>[^']+)'"#,
            "password",
        ),
        (
            r"(?i)^\s*conn(?:ect)?\s+\w+/(?P<v>[^\s@/;]{3,})(?:@|;|\s*$)",
            "password",
        ),
        (
            r"(?i)\bconnect\s+to\s+\S+\s+user\s+\S+\s+using\s+(?P<v>\S{3,})",
            "password",
        ),
        // net-snmp's snmpd.conf(5); Windows' `net use`.
        (
            r#"(?i)^\s*createuser\s+\S+\s+(?:md5|sha[\d-]*)\s+"?(?P<v>[^\s"]+)"#,
            "password",
        ),
        (
            r"(?i)\bnet\s+use\s+(?:\S:\s+)?\\\\\S+\s+(?P<v>[^\s/*]\S*)\s+/user",
            "password",
        ),
        // Addresses that let in whoever knows them.
        (
            r"hooks\.slack\.com/services/\w+/\w+/(?P<v>\w{8,})",
            "token",
        ),
        (r"/bot(?P<v>\d{6,}:[\w-]{20,})", "token"),
        (r"/api/webhooks/\d{6,}/(?P<v>[\w-]{20,})", "token"),
    ]
    .into_iter()
    .map(|(text, kind)| (regex(text), kind))
    .collect()
});

/// Words that a token may be: what is looked at for the shapes of the table.
static WORD: LazyLock<Regex> = LazyLock::new(|| regex(r"[A-Za-z0-9{][A-Za-z0-9_\-.{}+/=]{7,}"));

/// What is a secret by its place or its shape, under whatever key.
pub(super) fn shapes(line: &[u8], is_strict: bool) -> Vec<Hit> {
    let mut found = Vec::new();
    let hit = |kind, at| Hit {
        line: 0,
        kind,
        key: None,
        at,
    };
    for (form, kind) in SHAPES.iter() {
        for captures in form.captures_iter(line) {
            let Some(v) = captures.name("v") else {
                continue;
            };
            let value = String::from_utf8_lossy(v.as_bytes());
            let is_fit = !is_placeholder(&value)
                && !value.contains('$')
                && (!is_strict || is_strong(&value));
            if is_fit {
                found.push(hit(*kind, v.range()));
            }
        }
    }
    let may_have =
        |shape: &super::Shape| memchr::memmem::find(line, shape.prefix.as_bytes()).is_some();
    if KNOWLEDGE.values.iter().any(may_have) {
        for word in WORD.find_iter(line) {
            let text = String::from_utf8_lossy(word.as_bytes());
            if let Some(kind) = super::secret_value(&text) {
                found.push(hit(kind, word.range()));
            }
        }
    }
    found
}
