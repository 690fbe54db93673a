//! Settings about others: users, peers, listeners, and the secrets between them.

use super::file::File;
use super::net::{Endpoint, endpoint, is_host, protocol_of, range, remotes};
use crate::extract::{Out, start_ports};
use crate::fact::{Certainty, Locus, What};
use crate::knowledge::{self, Directive, Role, places};
use crate::parse::config::{Form, Language, Separator, Setting, words};
use crate::path::AppPath;

/// The addresses that a setting makes the program listen on.
pub(super) fn endpoints(
    file: &File<'_>,
    setting: &Setting,
    directive: &Directive,
) -> Vec<Endpoint> {
    let value = file.expand(&setting.value).text;
    let all = words(&value);
    let several = range(value.trim());
    let is_several = several.is_some();
    let one_by_one = || all.iter().filter_map(|word| endpoint(word)).collect();
    let mut found: Vec<Endpoint> = several.unwrap_or_else(one_by_one);
    if directive.role == Role::Port {
        found.retain(|e| e.port.is_some());
    } else if !is_several && !value.contains(',') && !value.contains('\n') {
        // `listen 80 default_server backlog=5 deferred 10`: only the first is an address.
        found.truncate(1);
    }
    let all_of = |role| {
        let other = file.beside(setting, role)?;
        let text = file.expand(&other.value).text;
        // Of several addresses that are all this host's own, any tells the same.
        let inside =
            |word: &String| matches!(word.as_str(), "127.0.0.1" | "::1" | "-::1" | "localhost");
        let list = words(&text);
        let is_inside = list.len() > 1 && list.iter().all(inside);
        endpoint(if is_inside {
            list[0].as_str()
        } else {
            text.trim()
        })
    };
    let beside = [Role::Address, Role::Port, Role::Listen].map(all_of);
    // An address and a port of one section belong together: the port tells of both.
    for one in found
        .iter_mut()
        .filter(|e| e.port.is_some() && e.address.is_empty())
    {
        let mut halves = beside.iter().flatten();
        if let Some(half) = halves.find(|e| e.port.is_none() && e.transport != "unix") {
            one.address.clone_from(&half.address);
        }
    }
    for one in found.iter_mut().filter(|e| e.address.is_empty()) {
        let of_interface = || {
            let key = directive.interface.as_deref()?;
            let address = file.interface(setting, key)?;
            Some(endpoint(address.trim())?.address)
        };
        if let Some(address) = of_interface().or_else(|| directive.address.clone()) {
            one.address = address;
        }
    }
    let told = beside.iter().flatten().any(|e| e.port.is_some());
    found.retain(|e| e.port.is_some() || e.transport == "unix" || !told);
    let udp = file.is_udp(setting)
        || setting
            .key
            .iter()
            .any(|part| part.to_ascii_lowercase().contains("udp"));
    let section = file
        .protocols
        .get(&setting.block)
        .map_or("", String::as_str);
    for one in &mut found {
        if udp && one.transport == "tcp" {
            one.transport = "udp";
        }
        if one.protocol.is_none() {
            let told = all
                .iter()
                .skip(1)
                .map(String::as_str)
                .collect::<Vec<_>>()
                .join(" ");
            let hints = format!("{} {told} {section}", setting.name());
            one.protocol = directive
                .protocol
                .clone()
                .or_else(|| protocol_of(&hints, one));
        }
    }
    found
}

/// The user and group that the program runs as.
pub(super) fn run_as(file: &File<'_>, out: &mut Out) {
    for (setting, directive) in file.live() {
        if file.is_client(setting) {
            continue;
        }
        let is_user = directive.is_some_and(|d| d.role == Role::User)
            && speaks_of_process(file.form, setting);
        if !is_user && !is_called_after(file, setting) {
            continue;
        }
        let value = file.expand(&setting.value).text;
        let mut names = value
            .split(|c: char| c.is_whitespace() || matches!(c, ':' | ';'))
            .filter(|name| !name.is_empty());
        let Some(user) = names.next().filter(|name| is_account(name)) else {
            continue;
        };
        let beside = || {
            let own = setting
                .name()
                .strip_suffix("user")
                .map(|stem| format!("{stem}group"));
            let own = own.and_then(|name| file.sibling(setting, &name));
            let group = file.beside(setting, Role::Group).or(own);
            group.map(|s| file.expand(&s.value).text)
        };
        let group = names.next().map(str::to_owned).or_else(beside);
        out.fact(
            file.at(setting),
            Certainty::Declared,
            What::RunsAs {
                user: user.to_owned(),
                group: group.filter(|name| is_account(name)),
            },
        );
    }
}

/// Whether a key is the name of its file with `_user` behind it: `app_user` in `app.cfg`.
fn is_called_after(file: &File<'_>, setting: &Setting) -> bool {
    let name = String::from_utf8_lossy(file.path.name()).to_ascii_lowercase();
    let stem = name.split('.').next().unwrap_or_default();
    let key = setting.name().to_ascii_lowercase();
    let before = key
        .strip_suffix("_user")
        .or_else(|| key.strip_suffix("-user"));
    setting.block == 0 && stem.len() > 2 && before == Some(stem)
}

/// In forms of many meanings, `user` alone more often is somebody's login than the process'.
fn speaks_of_process(form: Form, setting: &Setting) -> bool {
    if matches!(
        form,
        Form::Lines | Form::Sections | Form::Braces | Form::Script(Language::Shell)
    ) {
        return true;
    }
    let key = setting.folded();
    [
        "run",
        "daemon",
        "owner",
        "process",
        "system",
        "service",
        "effective",
        "setuid",
    ]
    .iter()
    .any(|word| key.contains(word))
}

fn is_account(name: &str) -> bool {
    let switch = [
        "yes", "no", "on", "off", "true", "false", "none", "any", "all", "auto", "default", "user",
        "username", "group",
    ];
    let first = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let fits = |c: char| c.is_ascii_alphanumeric() || "_-.$".contains(c);
    // A name all in capitals is a macro.
    let lower = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    name.len() <= 32
        && (name.len() < 3 || !knowledge::is_placeholder(name))
        && name.contains(lower)
        && name.starts_with(first)
        && name.chars().all(fits)
        && !switch.contains(&name.to_ascii_lowercase().as_str())
}

/// Other hosts, and local services behind sockets.
pub(super) fn talks(
    file: &File<'_>,
    setting: &Setting,
    directive: Option<&Directive>,
    out: &mut Out,
) {
    let role = directive.map(|d| d.role);
    if matches!(role, Some(Role::Listen | Role::Address | Role::Port)) {
        return;
    }
    let value = file.expand(&setting.value).text;
    let mut give = |service: &str, to: &str, certainty| {
        out.fact(
            file.at(setting),
            certainty,
            What::Talks {
                service: service.to_owned(),
                to: to.to_owned(),
            },
        );
    };
    let key = start_ports::words(setting.name());
    let is_on = matches!(
        value.to_ascii_lowercase().as_str(),
        "1" | "yes" | "on" | "true" | "syslog"
    );
    let is_switch = key.len() > 1 && key.iter().any(|word| word == "syslog");
    if is_on && (is_switch || role.is_none() && key == ["syslog"]) {
        give("syslog", "/dev/log", Certainty::Declared);
        return;
    }
    let service = directive.and_then(|d| d.service.as_deref());
    let named = directive.is_none_or(|d| d.weak) && names_a_peer(file, setting);
    let addressed = matches!(role, Some(Role::Host | Role::Dsn));
    for remote in remotes(&value) {
        let known = knowledge::service_of_scheme(&remote.scheme);
        let known = known.filter(|name| addressed || !matches!(*name, "http" | "files"));
        // What a server hands on by HTTP may be a group of its own file as well as a host.
        let is_known = |name: &str| name != "http" || is_plainly_a_host(&remote.host);
        if let Some(name) = known.filter(|name| is_known(name))
            && is_host(&remote.host)
        {
            give(name, &remote.host, Certainty::Inferred);
        }
    }
    for host in super::net::connected(&value) {
        give("db", &host, Certainty::Inferred);
    }
    if named && !value.contains("://") {
        let is_db = file.beside(setting, Role::Dsn).is_some() || file.is_data_source(setting);
        let service = if is_db { "db" } else { "host" };
        for word in words(&value).iter().take(16) {
            let word = word.trim_matches(['[', ']', '"', '\'', ',']);
            if is_plainly_a_host(word) {
                give(service, word, Certainty::Inferred);
            }
        }
        return;
    }
    if !addressed || value.contains("://") {
        return;
    }
    let service = service.unwrap_or("host");
    // libpq and PDO data sources: `host=x port=y dbname=z`, `mysql:host=x;dbname=z`.
    if let Some((_, rest)) = value.split_once("host=") {
        let host = rest.split([' ', ';', ',', '&']).next().unwrap_or("");
        if is_host(host.trim_matches('\'')) {
            give(service, host.trim_matches('\''), Certainty::Inferred);
        }
    } else if role == Some(Role::Host) {
        for word in words(&value) {
            let word = word.trim_matches(['[', ']']);
            if is_host(word) || word.starts_with('/') {
                give(service, word, Certainty::Declared);
            }
        }
    }
}

/// How often one key of a section names a peer.
const MOST_PEERS: usize = 8;

/// Whether a key that the dictionary has not names another host: by its last word, where those before it
/// do not say that it is this one.
fn names_a_peer(file: &File<'_>, setting: &Setting) -> bool {
    const LAST: [&str; 14] = [
        "host",
        "hosts",
        "hostname",
        "server",
        "servers",
        "peer",
        "peers",
        "broker",
        "brokers",
        "upstream",
        "upstreams",
        "relay",
        "gateway",
        "master",
    ];
    // What is handed out to clients of DHCP is theirs.
    const OWN: [&str; 36] = [
        "admin",
        "allow",
        "allowed",
        "api",
        "app",
        "application",
        "bind",
        "boot",
        "default",
        "denied",
        "deny",
        "dhcp",
        "domain",
        "exclude",
        "external",
        "http",
        "https",
        "ignore",
        "listen",
        "local",
        "my",
        "name",
        "next",
        "node",
        "option",
        "own",
        "public",
        "router",
        "server",
        "service",
        "this",
        "trusted",
        "ui",
        "vhost",
        "virtual",
        "web",
    ];
    // What packages put below /usr/share is data of theirs, and a name that comes again and again is no
    // setting but a list.
    let is_data =
        file.path.is_below(&AppPath::new("/usr/share")) || file.count(setting) > MOST_PEERS;
    if setting.separator == Separator::Header || is_data {
        return false;
    }
    // In properties the words before are sections to other forms: `trap.host`.
    let key = match file.form {
        Form::Properties => setting.key.join("."),
        _ => setting.name().to_owned(),
    };
    let parts = start_ports::words(&key);
    let Some((last, before)) = parts.split_last() else {
        return false;
    };
    let is_own = before.iter().any(|word| OWN.contains(&word.as_str()));
    LAST.contains(&last.as_str())
        && !is_own
        && (!before.is_empty() || file.is_client(setting) || file.is_data_source(setting))
}

/// Whether a word is the address or the full name of another host, and nothing else.
fn is_plainly_a_host(word: &str) -> bool {
    const FILES: [&str; 14] = [
        "conf", "cf", "cfg", "so", "log", "txt", "html", "php", "js", "sock", "pem", "crt", "key",
        "xml",
    ];
    let host = word.rsplit_once(':').map_or(word, |(host, port)| {
        match port.bytes().all(|byte| byte.is_ascii_digit()) {
            true => host,
            false => word,
        }
    });
    if let Ok(address) = host.parse::<std::net::IpAddr>() {
        return !(address.is_loopback() || address.is_unspecified() || address.is_multicast());
    }
    let is_name = host.rsplit_once('.').is_some_and(|(before, last)| {
        last.len() > 1
            && last.bytes().all(|byte| byte.is_ascii_alphabetic())
            && !FILES.contains(&last)
            && !before.is_empty()
            && host
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-.".contains(&byte))
    });
    is_name && is_host(host) && !host.starts_with("localhost")
}

/// A password, token or the like in a setting: where, and of what kind.
pub(super) fn secret(
    file: &File<'_>,
    setting: &Setting,
    directive: Option<&Directive>,
    out: &mut Out,
) {
    if setting.separator == Separator::Header || places::is_translation(file.path) {
        return;
    }
    let value = setting.value.trim();
    let key = setting.folded();
    let path = directive.is_some_and(|d| d.role.is_path() && !d.weak);
    let by_key =
        knowledge::secret_key(&key).filter(|_| !path && knowledge::is_value(setting.name(), value));
    let by_url = || {
        remotes(value)
            .iter()
            .any(|remote| remote.secret)
            .then_some("url-credentials")
    };
    let by_shape = || knowledge::secret_value(value);
    let Some(kind) = by_key.or_else(by_url).or_else(by_shape) else {
        return;
    };
    out.fact(
        file.at(setting),
        Certainty::Inferred,
        What::Secret {
            kind: kind.to_owned(),
            key: Some(key),
        },
    );
}

/// Private keys that stand in the text itself.
pub(super) fn private_keys(file: &File<'_>, text: &[u8], out: &mut Out) {
    let mark = b"PRIVATE KEY-----";
    let finder = memchr::memmem::Finder::new(mark);
    for at in finder.find_iter(text).take(64) {
        let line_start = text[..at]
            .iter()
            .rposition(|&b| b == b'\n')
            .map_or(0, |n| n + 1);
        let line = &text[line_start..at];
        if !line.windows(10).any(|part| part == b"-----BEGIN")
            || line.trim_ascii().starts_with(b"#")
        {
            continue;
        }
        let number = text[..at].iter().filter(|&&b| b == b'\n').count() + 1;
        let number = u32::try_from(number).unwrap_or(u32::MAX);
        // A value that begins with the key has been reported with its setting.
        let told = |s: &&Setting| s.line == number && knowledge::secret_value(&s.value).is_some();
        if file.settings.iter().any(|s| told(&s)) {
            continue;
        }
        out.fact(
            Locus::line(file.path, number),
            Certainty::Observed,
            What::Secret {
                kind: "private-key".to_owned(),
                key: None,
            },
        );
    }
}
