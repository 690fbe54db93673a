//! Ports that an application's own programs open, by the calls with which each language opens one: the
//! number stands in the call, beside the variable that may change it, or in a constant that the call
//! names.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use regex::bytes::{Regex, RegexBuilder};

use super::script::{interpreter_name, is_library};
use super::{Extractor, Input, Out, start_ports};
use crate::fact::{Certainty, Kind, Locus, What};
use crate::knowledge;

/// Reads programs of scripting languages.
pub(super) const EXTRACTOR: Extractor = Extractor {
    name: "code-ports",
    wants,
    run,
};

/// How much of a program is looked at.
const LIMIT: usize = 512 << 10;

/// Longer lines are packed code, where nothing is told apart.
const MAX_LINE: usize = 2000;

const ENDINGS: [&[u8]; 12] = [
    b".js", b".cjs", b".mjs", b".ts", b".py", b".wsgi", b".pl", b".psgi", b".rb", b".ru", b".php",
    b".tcl",
];

const INTERPRETERS: [&[u8]; 7] = [
    b"node", b"python", b"perl", b"ruby", b"php", b"tclsh", b"coffee",
];

fn wants(input: &Input<'_>) -> bool {
    if input.stat.kind != Kind::File || is_library(input.path) || !input.is_text() {
        return false;
    }
    let name = input.path.name();
    let by_line = || {
        let line = input.interpreter().and_then(interpreter_name)?;
        Some(INTERPRETERS.iter().any(|known| line.starts_with(known)))
    };
    // What a browser runs opens no port.
    let is_served = name.ends_with(b".min.js");
    !is_served && (ENDINGS.iter().any(|end| name.ends_with(end)) || by_line() == Some(true))
}

/// A call that opens a port: its group 1 is the number, or the name of a constant.
struct Opens {
    pattern: LazyLock<Option<Regex>>,
    udp: bool,
}

/// An expression over bytes: names in programs are ASCII.
fn expression(text: &str) -> Option<Regex> {
    RegexBuilder::new(text).unicode(false).build().ok()
}

macro_rules! opens {
    ($udp:literal, $text:literal) => {
        Opens {
            pattern: LazyLock::new(|| expression($text)),
            udp: $udp,
        }
    };
}

/// By the manuals of Node.js, Python, Perl, Ruby and PHP.
static OPENS: [Opens; 9] = [
    // server.listen(PORT || 8080), app.listen({ port: 8080 })
    opens!(
        false,
        r#"\.listen\(\s*(?:\{[^}]*\bport\s*:\s*)?(?:[\w.]*(?i:env)[\w.\[\]'"]*\s*(?:\|\||\?\?)\s*|parseInt\(|Number\(|\+)*['"]?(\w+)"#
    ),
    // const PORT = process.env.PORT || 8080; port = int(os.environ.get("PORT", 8080))
    opens!(
        false,
        r#"(?i)\b(?:process\.env\.\w*PORT|ENV\[['"]\w*PORT['"]\]|ENV\.fetch\(['"]\w*PORT['"]|environ\.get\(['"]\w*PORT['"]|getenv\(['"]\w*PORT['"]\)?|\$ENV\{['"]?\w*PORT['"]?\})\s*(?:\|\||\?\?|,|\bor\b|//|\?:)\s*['"]?(\d+)"#
    ),
    // HTTPServer(("", 8000), Handler), server.bind(("0.0.0.0", PORT))
    opens!(
        false,
        r#"(?:HTTPServer|TCPServer|WSGIServer|make_server|create_server|\.bind)\s*\(\s*\(?\s*(?:(?:['"][^'"]*['"]|None|[A-Za-z_]\w*)\s*,\s*)(\w+)\s*\)?"#
    ),
    opens!(
        true,
        r#"UDPServer\s*\(\s*\(\s*(?:['"][^'"]*['"]|None|\w+)\s*,\s*(\w+)"#
    ),
    // app.run(host="0.0.0.0", port=5000), uvicorn.run(app, port=8000), serve(app, port=8080)
    opens!(
        false,
        r#"\b(?:run|serve|run_app|run_simple|run_server)\s*\([^()\n]*\bport\s*=\s*(?:int\()?(\w+)"#
    ),
    // TCPServer.new("0.0.0.0", 9000); set :port, 4567
    opens!(
        false,
        r#"(?:TCPServer\.(?:new|open)\s*\(?\s*(?:['"][^'"]*['"]\s*,\s*)?|\bset\s+:port\s*,\s*)(\w+)"#
    ),
    // IO::Socket::INET->new(LocalPort => 7788)
    opens!(false, r#"\bLocalPort\s*=>\s*['"]?\$?(\w+)"#),
    opens!(false, r#"\bLocalAddr\s*=>\s*['"][^'"]*:(\d+)['"]"#),
    // stream_socket_server("tcp://0.0.0.0:7000")
    opens!(false, r#"stream_socket_server\(\s*['"]tcp://[^'":]*:(\d+)"#),
];

static CONSTANT: LazyLock<Option<Regex>> = LazyLock::new(|| {
    expression(
        r#"(?i)^\s*(?:const\s+|let\s+|var\s+|my\s+|our\s+)?\$?(\w*port\w*)\s*(?::=|=>|=)\s*(?:[^=\d;]*(?:\|\||\?\?|,|\bor\b|//)\s*)?(?:int\(|Number\(|parseInt\()?['"]?(\d{2,5})\b"#,
    )
});

/// The name of a variable of the environment.
static VARIABLE: LazyLock<Option<Regex>> = LazyLock::new(|| expression(r"\b[A-Z][A-Z0-9_]*PORT\b"));

/// Words without which no call above stands in a text.
const SIGNS: [&[u8]; 9] = [
    b"listen", b"Server", b".bind", b"server", b"PORT", b"port=", b"port =", b":port", b"Local",
];

fn run(input: &Input<'_>, out: &mut Out) {
    let text = input.text();
    let text = &text[..text.len().min(LIMIT)];
    if !SIGNS
        .iter()
        .any(|sign| memchr::memmem::find(text, sign).is_some())
    {
        return;
    }
    let lines = || {
        let numbered = (1_u32..).zip(text.split(|byte| *byte == b'\n'));
        numbered.filter(|(_, line)| line.len() <= MAX_LINE && !is_comment(line))
    };
    let mut constants: BTreeMap<&[u8], u16> = BTreeMap::new();
    if let Some(pattern) = CONSTANT.as_ref() {
        for (_, line) in lines() {
            if let Some(found) = pattern.captures(line)
                && let (Some(name), Some(port)) = (found.get(1), found.get(2))
                && let Some(port) = number(port.as_bytes())
                && !start_ports::is_others(&String::from_utf8_lossy(name.as_bytes()))
            {
                constants.entry(name.as_bytes()).or_insert(port);
            }
        }
    }
    let mut told: BTreeMap<(u16, bool), ()> = BTreeMap::new();
    for (at, line) in lines() {
        for opens in &OPENS {
            let Some(pattern) = opens.pattern.as_ref() else {
                continue;
            };
            let Some(found) = pattern.captures(line) else {
                continue;
            };
            let (Some(whole), Some(word)) = (found.get(0), found.get(1)) else {
                continue;
            };
            // The variable that may change it says whose port it is.
            let mut names = VARIABLE
                .iter()
                .flat_map(|one| one.find_iter(whole.as_bytes()));
            if names.any(|name| start_ports::is_others(&String::from_utf8_lossy(name.as_bytes()))) {
                continue;
            }
            let word = word.as_bytes();
            let Some(port) = number(word).or_else(|| constants.get(word).copied()) else {
                continue;
            };
            if told.insert((port, opens.udp), ()).is_some() {
                continue;
            }
            let transport = if opens.udp { "udp" } else { "tcp" };
            let what = What::Listens {
                transport: transport.to_owned(),
                port: Some(port),
                address: address(line).to_owned(),
                protocol: protocol(text, transport, port).map(str::to_owned),
            };
            out.fact(Locus::line(input.path, at), Certainty::Inferred, what);
        }
    }
}

fn is_comment(line: &[u8]) -> bool {
    let line = line.trim_ascii_start();
    line.starts_with(b"#") || line.starts_with(b"//") || line.starts_with(b"*")
}

fn number(word: &[u8]) -> Option<u16> {
    let text = std::str::from_utf8(word).ok()?;
    text.parse().ok().filter(|port| *port > 20)
}

/// The address in the call, where only processes of the same network reach it.
fn address(line: &[u8]) -> &'static str {
    let has = |word: &[u8]| memchr::memmem::find(line, word).is_some();
    if has(b"127.0.0.1") || has(b"'localhost'") || has(b"\"localhost\"") {
        "127.0.0.1"
    } else {
        ""
    }
}

/// What is spoken, by what the program makes its server with.
fn protocol(text: &[u8], transport: &str, port: u16) -> Option<&'static str> {
    const HTTP: [&[u8]; 12] = [
        b"require('http')",
        b"require(\"http\")",
        b"require('express')",
        b"require(\"express\")",
        b"HTTPServer",
        b"from 'http'",
        b"Flask(",
        b"wsgi",
        b"WEBrick",
        b"sinatra",
        b"HTTP::Daemon",
        b"from \"express\"",
    ];
    let is_http = HTTP
        .iter()
        .any(|sign| memchr::memmem::find(text, sign).is_some());
    is_http
        .then_some("http")
        .or_else(|| knowledge::protocol(transport, port))
}

#[cfg(test)]
mod tests {
    use super::EXTRACTOR;
    use crate::extract::testing::run;

    #[test]
    fn calls_that_open_a_port_in_each_language() {
        for (path, text, want) in [
            (
                "/srv/x/a.js",
                "http.createServer(f).listen(process.env.PORT || 8080);",
                "tcp 8080",
            ),
            (
                "/srv/x/a.js",
                "const PORT = process.env.PORT || 7415;\napp.listen(PORT, () => {});",
                "tcp 7415",
            ),
            (
                "/srv/x/a.js",
                "server.listen({ host: 'localhost', port: 7001 });",
                "tcp 7001",
            ),
            (
                "/srv/x/a.py",
                "HTTPServer((\"\", 8000), H).serve_forever()",
                "tcp 8000",
            ),
            (
                "/srv/x/a.py",
                "port = int(os.environ.get('PORT', 5000))\napp.run(host='0.0.0.0', port=port)",
                "tcp 5000",
            ),
            ("/srv/x/a.py", "s.bind(('0.0.0.0', 9100))", "tcp 9100"),
            (
                "/srv/x/a.pl",
                "my $s = IO::Socket::INET->new(LocalPort => 7788, Listen => 5);",
                "tcp 7788",
            ),
            (
                "/srv/x/a.rb",
                "server = TCPServer.new('0.0.0.0', 9000)",
                "tcp 9000",
            ),
            (
                "/srv/x/a.php",
                "$s = stream_socket_server('tcp://0.0.0.0:7000');",
                "tcp 7000",
            ),
        ] {
            let found = run(&EXTRACTOR, path, text);
            assert_eq!(found.len(), 1, "{text}: {found:?}");
            assert!(found[0].contains(want), "{text}: {found:?}");
        }
    }

    #[test]
    fn what_is_connected_to_is_not_opened() {
        for (path, text) in [
            (
                "/srv/x/a.js",
                "net.connect(5432, 'db');\nel.addEventListener('port', 80);",
            ),
            (
                "/srv/x/a.py",
                "s.connect(('db', 5432))\n# app.run(port=5000)",
            ),
            ("/srv/x/a.pl", "IO::Socket::INET->new(PeerPort => 25);"),
            ("/srv/x/a.js", "const dbPort = 5432;\nconnect(dbPort);"),
        ] {
            let found = run(&EXTRACTOR, path, text);
            assert!(found.is_empty(), "{text}: {found:?}");
        }
    }
}
