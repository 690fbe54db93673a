//! The ports in the arguments of a start: `-p 8080`, `--listen=127.0.0.1:9000`, `-Dserver.port=8443`.

use super::config::net::{Endpoint, endpoint};
use crate::fact::What;

/// The key of a setting that leaves the port of a listener to the program.
pub const LEFT_OPEN: &str = "listen.port";

/// The key of a setting that says where the program listens when nothing else does.
pub const DEFAULT: &str = "listen.default";

/// The key of a setting that says where it listens when it has a module.
pub const CONDITION: &str = "listen.if";

/// A listener that holds only under a condition, as a setting of the key; see [`listener`].
#[must_use]
pub fn told(key: &str, module: Option<&str>, listens: &What) -> What {
    let text = match listens {
        What::Listens {
            transport,
            port,
            address,
            protocol,
        } => format!(
            "{transport}|{}|{address}|{}|{}",
            port.unwrap_or_default(),
            protocol.as_deref().unwrap_or_default(),
            module.unwrap_or_default()
        ),
        _ => String::new(),
    };
    What::Setting {
        key: key.to_owned(),
        value: text,
    }
}

/// The listener that [`told`] put down, and its module.
#[must_use]
pub fn listener(value: &str) -> Option<(What, &str)> {
    let mut parts = value.split('|');
    let mut next = || parts.next();
    let (transport, port, address, protocol, module) =
        (next()?, next()?, next()?, next()?, next()?);
    let what = What::Listens {
        transport: transport.to_owned(),
        port: port.parse().ok().filter(|port| *port > 0),
        address: address.to_owned(),
        protocol: (!protocol.is_empty()).then(|| protocol.to_owned()),
    };
    Some((what, module))
}

/// Words of an option that name a place to listen on.
const LISTENS: [&str; 6] = ["listen", "bind", "address", "addr", "endpoint", "interface"];

/// Options that are called after how they are spoken to.
const TRANSPORTS: [&str; 9] = [
    "inet", "inet4", "inet6", "tcp", "udp", "http", "https", "grpc", "socket",
];

/// Words of an option that name another's: what is beside them is talked to.
pub(super) const OTHERS: [&str; 52] = [
    "amqp",
    "backend",
    "broker",
    "cassandra",
    "clickhouse",
    "cluster",
    "consul",
    "couchdb",
    "database",
    "db",
    "destination",
    "elastic",
    "elasticsearch",
    "email",
    "etcd",
    "gateway",
    "graphite",
    "home",
    "influx",
    "influxdb",
    "join",
    "kafka",
    "ldap",
    "mail",
    "mariadb",
    "master",
    "memcache",
    "memcached",
    "mongo",
    "mongodb",
    "mssql",
    "mysql",
    "nats",
    "neo4j",
    "oracle",
    "parent",
    "peer",
    "pg",
    "pgsql",
    "pool",
    "postgres",
    "postgresql",
    "proxy",
    "rabbitmq",
    "redis",
    "remote",
    "sentinel",
    "smtp",
    "statsd",
    "target",
    "upstream",
    "zookeeper",
];

/// The places that a command listens on, as far as its words say.
#[must_use]
pub fn of_command(program: &[u8], args: &[String]) -> Vec<Endpoint> {
    let mut found = ports(args);
    found.extend(of_super_server(program, args));
    found.extend(of_test_server(program, args));
    found
}

/// The web servers that interpreters bring for tests: `php -S ADDRESS:PORT` (php(1)), and `python -m
/// http.server PORT` (http.server, Command-line interface).
fn of_test_server(program: &[u8], args: &[String]) -> Option<Endpoint> {
    let behind = |option: &'static str| {
        let mut words = args.iter().skip_while(move |arg| *arg != option);
        words.next();
        words
    };
    let word = if program.starts_with(b"php") {
        behind("-S").next()
    } else if program.starts_with(b"python") {
        const MODULES: [&str; 2] = ["http.server", "SimpleHTTPServer"];
        let mut words = behind("-m").skip_while(|word| !MODULES.contains(&word.as_str()));
        words.next();
        words.find(|word| word.parse::<u16>().is_ok())
    } else {
        None
    };
    let one = endpoint(word?).filter(|one| one.port.is_some())?;
    Some(Endpoint {
        protocol: Some("http".to_owned()),
        ..one
    })
}

/// A word of a command that is no option's: every address is nobody's but the program's own
/// (`manage.py runserver 0.0.0.0:8000`).
fn of_word(word: &str) -> Option<Endpoint> {
    let is_everywhere = ["0.0.0.0:", "[::]:", "*:"]
        .iter()
        .any(|every| word.starts_with(every));
    endpoint(word).filter(|one| is_everywhere && one.port.is_some())
}

/// The places that a command listens on, as far as its options say.
#[must_use]
pub fn ports(args: &[String]) -> Vec<Endpoint> {
    let mut found: Vec<Endpoint> = Vec::new();
    let mut words = args.iter().peekable();
    while let Some(word) = words.next() {
        if let Some(debug) = debugger(word) {
            found.push(debug);
            continue;
        }
        // RMI hands this address to whoever asks, and listens on it (java.rmi.server, system properties).
        if let Some(host) = word.strip_prefix("-Djava.rmi.server.hostname=") {
            found.extend(endpoint(host).map(|one| Endpoint {
                protocol: Some("rmi".to_owned()),
                ..one
            }));
            continue;
        }
        let Some((option, joined)) = split(word) else {
            found.extend(
                of_word(word).filter(|one| !found.iter().any(|other| other.port == one.port)),
            );
            continue;
        };
        let next = || words.peek().map(|next| next.as_str());
        let value = joined.or_else(next).unwrap_or_default();
        found.extend(of_option(option, value));
    }
    found.dedup();
    found
}

/// The place that tcpserver(1) and its like listen on: a host and a port behind their options, then the
/// program that serves.
#[must_use]
pub fn of_super_server(program: &[u8], args: &[String]) -> Option<Endpoint> {
    const NAMES: [&[u8]; 4] = [b"tcpserver", b"tcpsvd", b"sslserver", b"s6-tcpserver"];
    const WITH_VALUE: &str = "cCxXBgubltiIUaEk";
    if !NAMES.contains(&program) {
        return None;
    }
    let mut words = args.iter();
    let host = loop {
        let word = words.next()?;
        let Some(letters) = word.strip_prefix('-').filter(|rest| !rest.is_empty()) else {
            break word;
        };
        // The value is the next word.
        let last = letters.chars().next_back();
        if last.is_some_and(|last| WITH_VALUE.contains(last)) {
            words.next();
        }
    };
    let port = words.next()?;
    let number = port.parse().ok().or_else(|| super::inetd::port(port))?;
    let address = if host == "0" { "" } else { host };
    Some(Endpoint {
        transport: "tcp",
        port: Some(number),
        address: address.to_owned(),
        protocol: None,
    })
}

/// An option, and its value where it is joined to it.
fn split(word: &str) -> Option<(&str, Option<&str>)> {
    let bare = word.strip_prefix("-D").filter(|rest| rest.contains('='));
    let option = bare
        .or_else(|| word.strip_prefix("--"))
        .or_else(|| word.strip_prefix('-'))?;
    if let Some((option, value)) = option.split_once('=') {
        return Some((option, Some(value)));
    }
    // `-p8080`: a letter with its value.
    let is_joined = !word.starts_with("--") && option.len() > 2 && option.is_char_boundary(1);
    if is_joined && option[1..].bytes().all(|byte| byte.is_ascii_digit()) {
        return Some((&option[..1], Some(&option[1..])));
    }
    Some((option, None))
}

fn of_option(option: &str, value: &str) -> Option<Endpoint> {
    let parts = words(option);
    let has = |word: &str| parts.iter().any(|part| part == word);
    let listens = LISTENS.iter().any(|word| has(word));
    // `--listen-peer-urls` is where it listens for its peers.
    let is_other = is_others(option) && !has("listen");
    let mut one = endpoint(value).filter(|one| one.transport != "unix")?;
    let port = one.port?;
    let is_address = value.contains(':');
    let asks = match option {
        "p" | "P" => !is_address && port > 20,
        "b" | "l" | "L" | "h" | "H" | "a" | "T" => is_address,
        _ => {
            let is_transport = TRANSPORTS.contains(&option);
            !is_other && (is_port(option) || (listens || is_transport) && is_address)
        }
    };
    if !asks {
        return None;
    }
    if has("jmxremote") || has("jmx") {
        one.protocol = Some("jmx".to_owned());
    }
    if has("udp") {
        one.transport = "udp";
    }
    Some(one)
}

/// `-agentlib:jdwp=…,address=*:8000` (the Java Debug Wire Protocol).
fn debugger(word: &str) -> Option<Endpoint> {
    let (_, options) = word.split_once("jdwp")?;
    let (_, address) = options.split_once("address=")?;
    let mut one = endpoint(address.split(',').next()?)?;
    one.protocol = Some("jdwp".to_owned());
    one.port.map(|_| one)
}

/// Whether a name speaks of another's port: `DB_PORT`, `proxyPort`.
#[must_use]
pub fn is_others(name: &str) -> bool {
    let parts = words(name);
    parts.iter().any(|part| OTHERS.contains(&part.as_str()))
}

/// Whether the name of an option or a key ends in the word port: `http-port`, `HTTP_PORT`, `httpPort`,
/// `bindport`, `portNumber`; not `report` or `transport`.
#[must_use]
pub fn is_port(name: &str) -> bool {
    const JOINED: [&str; 12] = [
        "bindport",
        "httpport",
        "httpsport",
        "listenport",
        "serverport",
        "tcpport",
        "udpport",
        "webport",
        "imapport",
        "localport",
        "sslport",
        "adminport",
    ];
    let parts = words(name);
    let last = parts.last().map(String::as_str);
    match last {
        Some("port") => true,
        Some("number" | "no" | "num") => parts.len() > 1 && parts[parts.len() - 2] == "port",
        Some(word) => JOINED.contains(&word) || is_initials(name),
        None => false,
    }
}

/// `FDport`, `DIRport`: a few capitals before the word.
fn is_initials(name: &str) -> bool {
    let stem = name
        .strip_suffix("port")
        .or_else(|| name.strip_suffix("Port"));
    stem.is_some_and(|stem| {
        (1..=3).contains(&stem.len()) && stem.bytes().all(|byte| byte.is_ascii_uppercase())
    })
}

/// The words of a name, small: at what is no letter or digit, and where a capital follows a small one.
#[must_use]
pub fn words(name: &str) -> Vec<String> {
    let mut found = vec![String::new()];
    let mut before = ' ';
    for c in name.chars() {
        let is_new = c.is_ascii_uppercase() && before.is_ascii_lowercase();
        if !c.is_ascii_alphanumeric() || is_new {
            found.push(String::new());
        }
        if c.is_ascii_alphanumeric()
            && let Some(word) = found.last_mut()
        {
            word.push(c.to_ascii_lowercase());
        }
        before = c;
    }
    found.retain(|word| !word.is_empty());
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_options_that_name_a_place_to_listen_on() {
        for (args, want) in [
            ("-p 8917", "tcp 8917 "),
            ("-p8917", "tcp 8917 "),
            ("--port=8080", "tcp 8080 "),
            ("--http-port 8080 --db-port 5432", "tcp 8080 "),
            ("-b 127.0.0.1:8001", "tcp 8001 127.0.0.1"),
            ("--web.listen-address=:9090", "tcp 9090 "),
            ("-Dserver.port=8443 -jar x.jar", "tcp 8443 "),
            ("-Dcom.sun.management.jmxremote.port=9010", "tcp 9010  jmx"),
            (
                "-agentlib:jdwp=transport=dt_socket,server=y,address=*:8000",
                "tcp 8000  jdwp",
            ),
            ("--udp-port 514", "udp 514 "),
            ("-p /run/x.pid --transport 9 --report 80", ""),
            ("--smtp-port 25 --proxy 10.0.0.1:3128", ""),
            ("-n 5 -c 8080", ""),
            ("--inet=127.0.0.1:10023 --pid 1", "tcp 10023 127.0.0.1"),
            (
                "--listen-peer-urls http://127.0.0.1:2390 --initial-advertise-peer-urls http://10.0.0.1:2390",
                "tcp 2390 127.0.0.1 http",
            ),
        ] {
            let args: Vec<String> = args.split(' ').map(str::to_owned).collect();
            let show = |one: Endpoint| {
                let port = one.port.unwrap_or_default();
                let protocol = one
                    .protocol
                    .map(|name| format!(" {name}"))
                    .unwrap_or_default();
                format!("{} {port} {}{protocol}", one.transport, one.address)
            };
            let found: Vec<String> = ports(&args).into_iter().map(show).collect();
            assert_eq!(found.join("; "), want, "{args:?}");
        }
    }

    #[test]
    fn a_name_of_a_port_is_a_word() {
        for (name, want) in [
            ("LINE_RECEIVER_PORT", true),
            ("imapPort", true),
            ("portNumber", true),
            ("bindport", true),
            ("application-port", true),
            ("FDport", true),
            ("DIRport", true),
            ("report", false),
            ("transport", false),
            ("support.level", false),
            ("port_range", false),
        ] {
            assert_eq!(is_port(name), want, "{name}");
        }
    }
}
