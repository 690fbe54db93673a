//! What a manual page or a usage text says of the port that a program listens on by itself.

use std::sync::LazyLock;

use regex::Regex;

/// A port that a text calls the default.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Told {
    /// Line, from 1.
    pub line: u32,
    /// `tcp` or `udp`.
    pub transport: &'static str,
    /// Number.
    pub port: u16,
    /// Whether the sentence speaks of this host alone.
    pub local: bool,
}

/// How a sentence calls a port the default one; the number is group 1.
const FORMS: [&str; 4] = [
    // "the default port is 9091", "default tcp port: 21"
    r"\bdefault\s+(?:(?:tcp|udp|tcp/ip|udp/ip|listen|listening|server|service|http|bind)\s+){0,2}port(?:\s+number)?\s*(?:is|to|of|=|:|,)?\s*(?:(?:tcp|udp)\s+)?(?:port\s+)?[(\['\x22]*(\d{2,5})\b",
    // "port to listen on (default: 4304)", "the port; defaults to 6600"
    r"\bports?\b[^.;]{0,120}?\bdefault(?:s|ed)?(?:\s+(?:value|port))?\s*(?:is|to|of|=|:|,)?\s*(?:(?:tcp|udp)\s+)?(?:port\s+)?[(\['\x22:]*(\d{2,5})\b",
    // "listens on TCP port 79"
    r"\blisten(?:s|ing)?\s+(?:for\s+[\w ]{1,40}\s)?(?:on|at)\s+(?:the\s+)?(?:default\s+|well-known\s+)?(?:(?:tcp|udp)\s+)?port\s+(\d{2,5})\b",
    // "address to listen on (default 127.0.0.1:8086)", "-listen :9100 (default)"
    r"\b(?:listen|listens|bind|binds)\b[^.;]{0,80}?\bdefault(?:s)?\s*(?:is|to|=|:)?\s*[(\['\x22]*(?:tcp://|http://)?(?:\d+\.\d+\.\d+\.\d+|localhost|\*|\[::\d?\])?:(\d{2,5})\b",
];

static PATTERNS: LazyLock<Vec<Regex>> = LazyLock::new(|| {
    let compiled = FORMS.iter().map(|form| Regex::new(form));
    compiled.filter_map(Result::ok).collect()
});

/// Words of a sentence that speaks of somebody else's port, or of one that is opened when asked for.
const OTHERS: [&str; 24] = [
    "connect",
    "remote",
    "proxy",
    "upstream",
    "forward",
    "database",
    "relay",
    "destination",
    "peer",
    "source port",
    "contact",
    "debug",
    "master server",
    "syslog",
    "smtp",
    "mysql",
    "postgres",
    "ldap",
    "control port",
    "ssl",
    "tls",
    "client",
    "query",
    "graphite",
];

/// A name of the service may itself be one of these words.
fn speaks_of_others(sentence: &str, program: &str) -> bool {
    OTHERS
        .iter()
        .any(|word| sentence.contains(word) && !program.contains(word))
}

/// The ports that a text of `program` calls its own default.
#[must_use]
pub fn ports(text: &[u8], program: &str) -> Vec<Told> {
    let mut found: Vec<Told> = Vec::new();
    for (line, paragraph) in paragraphs(text) {
        if !["port", "listen", "bind"]
            .iter()
            .any(|word| paragraph.contains(word))
        {
            continue;
        }
        for pattern in PATTERNS.iter() {
            for one in pattern.captures_iter(&paragraph) {
                let (Some(whole), Some(number)) = (one.get(0), one.get(1)) else {
                    continue;
                };
                let begin = paragraph[..whole.start()]
                    .rfind(". ")
                    .map_or(0, |at| at + 2);
                let end = paragraph[whole.end()..]
                    .find(". ")
                    .map_or(paragraph.len(), |at| whole.end() + at);
                let sentence = &paragraph[begin..end];
                let Some(port) = number.as_str().parse().ok().filter(|port| *port > 1) else {
                    continue;
                };
                if speaks_of_others(sentence, program) {
                    continue;
                }
                let is_udp = sentence.contains("udp") && !sentence.contains("tcp");
                let local = ["127.0.0.1", "localhost", "loopback"];
                let told = Told {
                    line,
                    transport: if is_udp { "udp" } else { "tcp" },
                    port,
                    local: local.iter().any(|word| sentence.contains(word)),
                };
                if !found.iter().any(|known| known.port == told.port) {
                    found.push(told);
                }
            }
        }
    }
    found
}

/// The paragraphs of a text in small letters, each as one line, without what groff(7) and mdoc(7) read.
fn paragraphs(text: &[u8]) -> Vec<(u32, String)> {
    let text = String::from_utf8_lossy(text);
    let mut found: Vec<(u32, String)> = Vec::new();
    let mut is_new = true;
    for (number, line) in (1_u32..).zip(text.lines()) {
        let request = line.strip_prefix(['.', '\'']);
        let words = match request {
            // A comment.
            Some(rest) if rest.starts_with("\\\"") => continue,
            Some(rest) => {
                let (name, words) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
                const BREAKS: [&str; 10] =
                    ["TP", "PP", "P", "LP", "IP", "SH", "SS", "It", "Sh", "Pp"];
                is_new |= BREAKS.contains(&name);
                words
            }
            None => line,
        };
        if line.trim().is_empty() {
            is_new = true;
            continue;
        }
        let words = plain(words);
        match found.last_mut().filter(|_| !is_new) {
            Some((_, paragraph)) => {
                paragraph.push(' ');
                paragraph.push_str(&words);
            }
            None => found.push((number, words)),
        }
        // The tag of a paragraph is one line, and its text follows.
        is_new = false;
    }
    found
}

/// A line without escapes: `\fB`, `\-`, `\&`, `\(lq`, `\[rs]`.
fn plain(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c.to_ascii_lowercase());
            continue;
        }
        match chars.next() {
            Some('-') => out.push('-'),
            Some('f') if chars.next() == Some('[') => {
                chars.by_ref().find(|c| *c == ']');
            }
            Some('(') => {
                chars.nth(1);
            }
            Some('[') => {
                chars.by_ref().find(|c| *c == ']');
            }
            _ => {}
        }
    }
    out.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(text: &str) -> Vec<(&'static str, u16, bool)> {
        let told = ports(text.as_bytes(), "exampled");
        told.iter()
            .map(|one| (one.transport, one.port, one.local))
            .collect()
    }

    #[test]
    fn the_default_of_an_option_is_told_in_many_ways() {
        for (text, want) in [
            (
                ".TP\n\\fB\\-p\\fR \\fIport\\fR\nPort to listen on. The default port is 4304.\n",
                ("tcp", 4304, false),
            ),
            (
                ".IP \"-p port\"\nlisten on this TCP port (default: 11300)\n",
                ("tcp", 11300, false),
            ),
            (
                ".Pp\nThe daemon listens on TCP port 79 for requests.\n",
                ("tcp", 79, false),
            ),
            (
                "  -port NUM   UDP port number, default is 3702\n",
                ("udp", 3702, false),
            ),
            (
                "  -b addr   address to bind to (default localhost:8086)\n",
                ("tcp", 8086, true),
            ),
            (
                ".It Fl p Ar port\nlistening\n.Ar port ,\ndefaults to 8117\n",
                ("tcp", 8117, false),
            ),
        ] {
            assert_eq!(numbers(text), [want], "{text}");
        }
    }

    #[test]
    fn a_port_of_somebody_else_is_none_of_its_own() {
        for text in [
            ".TP\nport of the remote server to connect to (default: 25)\n",
            ".TP\nThe port of the database, default 5432\n",
            "timeout in seconds (default: 3600)\n",
            ".\\\" the default port is 99\n",
        ] {
            assert!(numbers(text).is_empty(), "{text}: {:?}", numbers(text));
        }
    }
}
