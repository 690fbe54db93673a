//! Commands that a move into a container has to know of: when a call does the thing that the command is
//! listed for, what it asks of the kernel, and whom it talks to.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

use super::{split, table};
use crate::fact::Need;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    command: Vec<Row>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    names: String,
    #[serde(default)]
    acts: String,
    #[serde(default)]
    asks: String,
    #[serde(default)]
    least: usize,
    most: Option<usize>,
    #[serde(default)]
    bare: bool,
    #[serde(default)]
    routine: bool,
    needs: Option<String>,
    gives: Option<Gives>,
    peer: Option<Peer>,
    #[serde(default)]
    valued: String,
    #[serde(default)]
    hides: String,
}

/// What the arguments of a command ask of the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Gives {
    Module,
    Sysctl,
    Limit,
    Node,
}

/// Where the arguments of a command name another host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Peer {
    First,
    Colon,
    Url,
}

/// A command of the table.
#[derive(Debug)]
pub struct Command {
    acts: Vec<String>,
    asks: Vec<String>,
    least: usize,
    most: usize,
    bare: bool,
    /// Whether a package's own installation calls it as a matter of course.
    pub routine: bool,
    needs: Option<(Need, String)>,
    gives: Option<Gives>,
    peer: Option<Peer>,
    valued: String,
    hides: Vec<String>,
}

/// What a call asks of the kernel or the host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// The kind.
    pub need: Need,
    /// Its name.
    pub name: String,
    /// What it is set to, for limits.
    pub value: Option<String>,
}

static COMMANDS: LazyLock<(Vec<Command>, BTreeMap<String, usize>)> = LazyLock::new(|| {
    let mut commands = Vec::new();
    let mut names = BTreeMap::new();
    for row in table::<Table>("commands").command {
        let all: Vec<String> = row.names.split_whitespace().map(str::to_owned).collect();
        names.extend(all.into_iter().map(|name| (name, commands.len())));
        commands.push(Command::from(row));
    }
    (commands, names)
});

impl From<Row> for Command {
    fn from(row: Row) -> Self {
        let needs = row.needs.as_deref().and_then(|text| {
            let (kind, name) = text.split_once(' ')?;
            let need = match kind {
                "capability" => Need::Capability,
                "device" => Need::Device,
                "host-service" => Need::HostService,
                _ => return None,
            };
            Some((need, name.to_owned()))
        });
        Self {
            acts: split(&row.acts),
            asks: split(&row.asks),
            least: row.least,
            most: row.most.unwrap_or(usize::MAX),
            bare: row.bare,
            routine: row.routine,
            needs,
            gives: row.gives,
            peer: row.peer,
            valued: row.valued,
            hides: split(&row.hides),
        }
    }
}

/// The command of that name, which has no directory.
#[must_use]
pub fn command(name: &str) -> Option<&'static Command> {
    let (commands, names) = &*COMMANDS;
    names.get(name).and_then(|at| commands.get(*at))
}

/// The names of all commands that are told, in order.
pub fn names() -> impl Iterator<Item = &'static str> {
    COMMANDS.1.keys().map(String::as_str)
}

/// The names of limits.conf(5) for the options of ulimit (bash(1)).
const LIMITS: [(char, &str); 12] = [
    ('c', "core"),
    ('d', "data"),
    ('e', "nice"),
    ('f', "fsize"),
    ('i', "sigpending"),
    ('l', "memlock"),
    ('m', "rss"),
    ('n', "nofile"),
    ('q', "msgqueue"),
    ('s', "stack"),
    ('u', "nproc"),
    ('v', "as"),
];

impl Command {
    /// Whether a call does what the command is listed for; `has_dir` when it is named with a directory.
    #[must_use]
    pub fn acts(&self, has_dir: bool, args: &[String]) -> bool {
        let fits = |arg: &String, word: &String| match word.split_once('*') {
            Some((before, after)) => {
                arg.len() > before.len() + after.len()
                    && arg.starts_with(before)
                    && arg.ends_with(after)
            }
            None => arg == word,
        };
        let any = |words: &[String]| {
            let mut args = args.iter();
            args.any(|arg| words.iter().any(|word| fits(arg, word)))
        };
        let only_asks = match args {
            [one] => matches!(
                one.as_str(),
                "--version" | "--help" | "-V" | "-h" | "-version" | "-help" | "version" | "help"
            ),
            _ => args.iter().any(|arg| arg == "--version" || arg == "--help"),
        };
        !(only_asks || self.bare && has_dir)
            && args.len() >= self.least
            && args.len() <= self.most
            && (self.acts.is_empty() || any(&self.acts))
            && !any(&self.asks)
            // A word that is not known may be any.
            && !(self.bare && args.iter().any(|arg| arg.contains('*')))
    }

    /// Calls that do what it is listed for, as a script has them.
    #[cfg(test)]
    pub(crate) fn examples(&self, name: &str) -> Vec<String> {
        let words = self.acts.iter().map(|word| word.replace('*', "x"));
        let acting = words.map(|word| format!("{name} {word} one"));
        let plain = ["", " one", " one two"].map(|args| format!("{name}{args}"));
        acting.chain(plain).collect()
    }

    /// What a call asks for.
    #[must_use]
    pub fn asked(&self, name: &str, args: &[String]) -> Vec<Asked> {
        let asked = |need, name: &str, value: Option<&String>| Asked {
            need,
            name: name.to_owned(),
            value: value.cloned(),
        };
        let known = |arg: &&String| !arg.starts_with('-') && !arg.contains('*');
        let words = || args.iter().filter(known);
        let mut found: Vec<Asked> = match self.gives {
            None => Vec::new(),
            Some(Gives::Module) => words()
                .take(1)
                .map(|module| {
                    let file = module.rsplit('/').next().unwrap_or(module);
                    let stem = file.split('.').next().unwrap_or(file);
                    asked(Need::Module, stem, None)
                })
                .collect(),
            Some(Gives::Sysctl) => words()
                .filter_map(|word| word.split_once('='))
                .map(|(key, value)| asked(Need::Sysctl, key.trim(), Some(&value.to_owned())))
                .collect(),
            Some(Gives::Node) => words()
                .filter(|word| word.starts_with('/'))
                .take(1)
                .map(|node| asked(Need::Device, node, None))
                .collect(),
            Some(Gives::Limit) => limits(args)
                .into_iter()
                .map(|(limit, value)| asked(Need::Limit, limit, value.as_ref()))
                .collect(),
        };
        if let Some((need, needed)) = &self.needs {
            let needed = if needed == "*" { name } else { needed };
            found.push(asked(*need, needed, None));
        }
        found
    }

    /// Whether the word after this option is a secret.
    #[must_use]
    pub fn hides(&self, option: &str) -> bool {
        self.hides.iter().any(|hidden| hidden == option)
    }

    /// The other hosts that a call names, as `host` or `host:port`, and the service by which they are
    /// reached.
    #[must_use]
    pub fn peers(&self, name: &str, args: &[String]) -> Vec<(&'static str, String)> {
        let service = match name {
            "rsync" => "rsync",
            _ if name.contains("ftp") && name != "sftp" => "ftp",
            "ssh" | "scp" | "sftp" | "rcp" | "rsh" | "rlogin" => "ssh",
            _ => "host",
        };
        let hosts = match self.peer {
            None => Vec::new(),
            Some(Peer::First) => self.first(args).into_iter().collect(),
            Some(Peer::Colon) => args
                .iter()
                .filter(|word| !word.starts_with(['-', '/', '.']) && !word.contains("://"))
                .filter_map(|word| word.split_once(':'))
                .filter_map(|(before, _)| host(before))
                .collect(),
            Some(Peer::Url) => Vec::new(),
        };
        let urls = args.iter().filter(|_| self.peer.is_some());
        let urls = urls.filter_map(|word| {
            let (scheme, rest) = word.split_once("://")?;
            let service = match scheme.rsplit('=').next().unwrap_or(scheme) {
                "ftp" | "ftps" => "ftp",
                "sftp" | "scp" | "ssh" => "ssh",
                "rsync" => "rsync",
                _ => return None,
            };
            let end = rest.find('/').unwrap_or(rest.len());
            Some((service, host(&rest[..end])?))
        });
        let hosts = hosts.into_iter().map(|host| (service, host));
        hosts.chain(urls).collect()
    }

    /// The first word that is no option nor the value of one.
    fn first(&self, args: &[String]) -> Option<String> {
        let mut words = args.iter();
        while let Some(word) = words.next() {
            match word.strip_prefix('-') {
                Some(option) if option.len() == 1 && self.valued.contains(option) => {
                    words.next();
                }
                Some(_) => {}
                None => return host(word),
            }
        }
        None
    }
}

/// A host of `[user@]host`, where it is known.
fn host(word: &str) -> Option<String> {
    let host = word.rsplit_once('@').map_or(word, |(_, host)| host);
    let fits = |c: char| c.is_ascii_alphanumeric() || "-.".contains(c);
    let is_name = host.chars().any(|c| c.is_ascii_alphanumeric());
    (host.len() > 1 && is_name && host.chars().all(fits)).then(|| host.to_owned())
}

/// The limits that `ulimit` sets, and to what: `-n 1024`, `-Hn unlimited`, `-SHn 1024`.
fn limits(args: &[String]) -> Vec<(&'static str, Option<String>)> {
    let mut found: Vec<(&'static str, Option<String>)> = Vec::new();
    for arg in args {
        let Some(letters) = arg.strip_prefix('-') else {
            let is_value = arg.bytes().all(|byte| byte.is_ascii_digit())
                || matches!(arg.as_str(), "unlimited" | "hard" | "soft");
            if is_value && let Some((_, value @ None)) = found.last_mut() {
                *value = Some(arg.clone());
            }
            continue;
        };
        let named = letters
            .chars()
            .filter(|letter| !matches!(letter, 'H' | 'S'));
        for letter in named {
            let known = LIMITS.iter().find(|(known, _)| *known == letter);
            found.extend(known.map(|(_, name)| (*name, None)));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<String> {
        line.split_whitespace().map(str::to_owned).collect()
    }

    fn acts(line: &str) -> bool {
        let words = words(line);
        let (name, args) = words.split_first().unwrap();
        let base = name.rsplit('/').next().unwrap();
        command(base).unwrap().acts(base != name, args)
    }

    #[test]
    fn a_call_that_only_asks_is_none() {
        for line in [
            "iptables --version",
            "iptables -L -n",
            "mount",
            "ip addr show eth0",
            "rpm -qa",
            "openssl s_client -connect h:1",
            "date +%s",
            "modprobe -n x",
            "timedatectl status",
            "gcc -dumpversion",
            "ulimit",
            "/srv/app/start now",
            "start *",
        ] {
            assert!(!acts(line), "{line}");
        }
        for line in [
            "iptables -A INPUT -j DROP",
            "mount /dev/sdb1 /mnt",
            "ip link set eth0 up",
            "rpm -Uvh x.rpm",
            "/opt/x/bin/openssl req -new",
            "date --set=12:00",
            "start app",
            "reboot",
            "sysctl -w a.b=1",
        ] {
            assert!(acts(line), "{line}");
        }
    }

    #[test]
    fn limits_come_with_what_they_are_set_to() {
        let of = |line: &str| {
            let args = words(line);
            let asked = command("ulimit").unwrap().asked("ulimit", &args);
            asked
                .into_iter()
                .map(|one| (one.name, one.value.unwrap_or_default()))
                .collect::<Vec<_>>()
        };
        let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
        assert_eq!(of("-n 8192"), [pair("nofile", "8192")]);
        assert_eq!(of("-SHn 4096"), [pair("nofile", "4096")]);
        assert_eq!(
            of("-c unlimited -u *"),
            [pair("core", "unlimited"), pair("nproc", "")]
        );
    }

    #[test]
    fn hosts_of_arguments_are_peers() {
        let of = |line: &str| {
            let words = words(line);
            let (name, args) = words.split_first().unwrap();
            let found = command(name).unwrap().peers(name, args);
            found
                .into_iter()
                .map(|(service, host)| format!("{service} {host}"))
                .collect::<Vec<_>>()
        };
        assert_eq!(
            of("ssh -p 22 app@h1.example.org ls"),
            ["ssh h1.example.org"]
        );
        assert_eq!(of("ftp -n 10.1.2.3"), ["ftp 10.1.2.3"]);
        assert_eq!(of("scp -q a b h2:/srv"), ["ssh h2"]);
        assert_eq!(of("curl -T a ftp://u:p@h3/x"), ["ftp h3"]);
        assert_eq!(of("ssh * ls"), [""; 0]);
    }

    #[test]
    fn no_name_stands_in_two_rows() {
        let mut seen = std::collections::BTreeSet::new();
        for row in table::<Table>("commands").command {
            for name in row.names.split_whitespace() {
                assert!(seen.insert(name.to_owned()), "{name}");
            }
            assert!(
                row.needs.is_none() || Command::from(row).needs.is_some(),
                "a need of no known kind"
            );
        }
    }
}
