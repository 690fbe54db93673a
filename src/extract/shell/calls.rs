//! Commands that matter for a migration, and what they need of the host.

use super::options;
use crate::extract::script::{Facts, certainty_of};
use crate::extract::withhold;
use crate::fact::{Need, What};
use crate::parse::op::{Act, Op, Run};

/// Commands that a container has no counterpart for, or that make a thing the plan must know of.
/// Those that a package's own installation calls as a matter of course are apart.
const CALLS: &[&str] = &[
    // packages
    "apk",
    "apt",
    "apt-get",
    "aptitude",
    "cpan",
    "cpanm",
    "dnf",
    "gem",
    "npm",
    "pip",
    "pip2",
    "pip3",
    "yum",
    "zypper",
    "easy_install",
    // other hosts
    "ftp",
    "lftp",
    "nc",
    "ncat",
    "netcat",
    "rsh",
    "rsync",
    "scp",
    "sftp",
    "ssh",
    "telnet",
    "curl",
    "wget",
    // identity
    "chroot",
    "runuser",
    "su",
    "sudo",
    // kernel
    "brctl",
    "ethtool",
    "ifconfig",
    "insmod",
    "ip",
    "ip6tables",
    "iptables",
    "losetup",
    "modprobe",
    "mount",
    "nft",
    "rmmod",
    "route",
    "swapon",
    "sysctl",
    "tc",
    "umount",
    "unshare",
    "setcap",
    // keys and certificates
    "certbot",
    "easyrsa",
    "keytool",
    "make-ssl-cert",
    "openssl",
    "ssh-keygen",
    "gpg",
    // scheduling and mail
    "at",
    "crontab",
    "mail",
    "mailx",
    "sendmail",
    "mutt",
    // other containers
    "docker",
    "podman",
    "lxc-start",
    // licence and host identity
    "dmidecode",
    "hostid",
    "lmgrd",
    "lmutil",
    "lmstat",
    // resources and processes
    "chrt",
    "ipcrm",
    "ipcs",
    "kill",
    "killall",
    "numactl",
    "pkill",
    "taskset",
    "ulimit",
    "cpulimit",
    // logging
    "logger",
    // accounts
    "adduser",
    "useradd",
    "usermod",
    "groupadd",
    "passwd",
    "chpasswd",
    // the host itself
    "halt",
    "poweroff",
    "reboot",
    "shutdown",
    "hwclock",
    "date",
    "setenforce",
    "semanage",
];

/// Service managers and package tools, which a package's installation always calls.
const HOST: &[&str] = &[
    "chkconfig",
    "dpkg",
    "initctl",
    "insserv",
    "invoke-rc.d",
    "rc-service",
    "rc-update",
    "rpm",
    "service",
    "start",
    "stop",
    "supervisorctl",
    "svc",
    "systemctl",
    "telinit",
    "update-rc.d",
];

/// The limits of `ulimit` by option, as limits.conf(5) calls them.
const LIMITS: &[(&str, &str)] = &[
    ("-c", "core"),
    ("-d", "data"),
    ("-f", "fsize"),
    ("-l", "memlock"),
    ("-n", "nofile"),
    ("-s", "stack"),
    ("-u", "nproc"),
    ("-v", "as"),
];

/// Adds the call, if it is one that matters.
pub(super) fn call(op: &Op, run: &Run, installs: bool, facts: &mut Facts<'_>) {
    let Some(name) = run.argv.first() else {
        return;
    };
    let cut = name.iter().rposition(|byte| *byte == b'/');
    let name = options::text(&name[cut.map_or(0, |cut| cut + 1)..]);
    let args: Vec<String> = run
        .argv
        .iter()
        .skip(1)
        .map(|word| options::text(word))
        .collect();
    let host = HOST.contains(&name.as_str()) && !installs && matters(&name, &args);
    if !(host || CALLS.contains(&name.as_str()) && matters(&name, &args)) || op.undoes() {
        return;
    }
    let what = What::Calls {
        command: name.clone(),
        args: shortened(&name, &args),
    };
    facts.add(op.line, certainty_of(op), what);
    for (need, name) in needs(&name, &args) {
        facts.add(op.line, certainty_of(op), What::Needs { need, name });
    }
    for to in remote_hosts(&name, &args) {
        let service = "ssh".to_owned();
        facts.add(op.line, certainty_of(op), What::Talks { service, to });
    }
}

/// The hosts that ssh(1), scp(1), sftp(1) and rsync(1) are given by name: `[user@]host` or
/// `[user@]host:path`.
fn remote_hosts(command: &str, args: &[String]) -> Vec<String> {
    let host = |word: &str| {
        let host = word.rsplit_once('@').map_or(word, |(_, host)| host);
        let fits = |c: char| c.is_ascii_alphanumeric() || "-.".contains(c);
        (host.len() > 1 && host.chars().all(fits)).then(|| host.to_owned())
    };
    match command {
        // The options of ssh(1) that take the next word.
        "ssh" => {
            let mut words = args.iter();
            while let Some(word) = words.next() {
                match word.strip_prefix('-') {
                    Some(option)
                        if option.len() == 1 && "BbcDEeFIiJLlmOopQRSWw".contains(option) =>
                    {
                        words.next();
                    }
                    Some(_) => {}
                    None => return host(word).into_iter().collect(),
                }
            }
            Vec::new()
        }
        "scp" | "sftp" | "rsync" => args
            .iter()
            .filter(|word| !word.starts_with(['-', '/']) && !word.contains("://"))
            .filter_map(|word| word.split_once(':'))
            .filter_map(|(before, _)| host(before))
            .collect(),
        _ => Vec::new(),
    }
}

/// Whether a call does the thing that its command is listed for.
fn matters(name: &str, args: &[String]) -> bool {
    let first = args.first().map_or("", String::as_str);
    let any = |words: &[&str]| args.iter().any(|arg| words.contains(&arg.as_str()));
    match name {
        "openssl" => any(&[
            "req", "genrsa", "x509", "genpkey", "dhparam", "ecparam", "gendsa", "rand",
        ]),
        "keytool" => any(&[
            "-genkey",
            "-genkeypair",
            "-importcert",
            "-import",
            "-selfcert",
        ]),
        "kill" | "killall" | "pkill" => any(&["-HUP", "-SIGHUP", "-1", "-USR1", "-USR2"]),
        "date" => any(&["-s", "--set"]),
        "rpm" => any(&["-U", "-i", "-Uvh", "-ivh", "-F", "--install", "--upgrade"]),
        "dpkg" => any(&["-i", "--install"]),
        "pip" | "pip2" | "pip3" | "npm" | "gem" | "apt" | "apt-get" | "yum" | "dnf" | "apk" => {
            any(&["install", "add", "update", "upgrade", "ci", "-y"])
        }
        "ip" => any(&["add", "set", "del", "tuntap"]),
        "ifconfig" | "route" => args.len() > 1,
        "at" => first == "-f" || first.starts_with("now"),
        // Upstart's commands; as a shell function or anything else they say nothing.
        "start" | "stop" => args.len() == 1 && !first.contains('*'),
        _ => true,
    }
}

fn needs(name: &str, args: &[String]) -> Vec<(Need, String)> {
    let words = || {
        args.iter()
            .filter(|arg| !arg.starts_with('-') && !arg.contains('*'))
    };
    let one = |need, name: &str| vec![(need, name.to_owned())];
    match name {
        "ulimit" => args
            .iter()
            .flat_map(|arg| LIMITS.iter().filter(move |(option, _)| option == arg))
            .map(|(_, limit)| (Need::Limit, (*limit).to_owned()))
            .collect(),
        "sysctl" => words()
            .filter_map(|word| word.split_once('='))
            .map(|(key, _)| (Need::Sysctl, key.trim().to_owned()))
            .collect(),
        "modprobe" | "insmod" => words()
            .take(1)
            .map(|module| {
                let name = module.rsplit('/').next().unwrap_or(module);
                (
                    Need::Module,
                    name.split('.').next().unwrap_or(name).to_owned(),
                )
            })
            .collect(),
        "mount" | "umount" | "losetup" | "swapon" | "unshare" => {
            one(Need::Capability, "CAP_SYS_ADMIN")
        }
        "iptables" | "ip6tables" | "nft" | "tc" | "brctl" | "ip" | "ifconfig" | "route" => {
            one(Need::Capability, "CAP_NET_ADMIN")
        }
        "chrt" => one(Need::Capability, "CAP_SYS_NICE"),
        "dmidecode" => one(Need::Device, "/dev/mem"),
        "reboot" | "halt" | "poweroff" | "shutdown" | "telinit" => one(Need::HostService, "init"),
        "systemctl" | "service" | "initctl" | "chkconfig" | "invoke-rc.d" | "rc-service" => {
            one(Need::HostService, name)
        }
        _ => Vec::new(),
    }
}

/// The first arguments in at most 80 characters; what may be a secret is left out.
fn shortened(name: &str, args: &[String]) -> String {
    let mut out = String::new();
    let mut hide = false;
    // What commands are given is withheld by the reader that every other place asks, too.
    let words: Vec<Vec<u8>> = args
        .iter()
        .take(8)
        .map(|arg| arg.clone().into_bytes())
        .collect();
    let (shown, _) = withhold::args(name.as_bytes(), &words);
    for (arg, shown) in args.iter().zip(&shown) {
        let text = if hide || options::holds_secret(arg.as_bytes()) {
            "…"
        } else {
            shown.as_str()
        };
        hide = match name {
            "curl" | "wget" => ["-u", "-U", "--user", "-H", "--header"].contains(&arg.as_str()),
            "openssl" => ["-passin", "-passout", "-k"].contains(&arg.as_str()),
            "keytool" => ["-storepass", "-keypass"].contains(&arg.as_str()),
            "useradd" | "usermod" => arg == "-p",
            _ => arg.to_lowercase().ends_with("password"),
        };
        let text = text.lines().next().unwrap_or_default();
        if out.chars().count() + text.chars().count() > 80 {
            out.push_str(" …");
            break;
        }
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(text);
    }
    out
}

/// Devices that every container has (OCI runtime specification, "Default devices").
const DEVICES: &[&str] = &[
    "console", "fd", "full", "log", "null", "ptmx", "pts", "random", "shm", "stderr", "stdin",
    "stdout", "tcp", "tty", "udp", "urandom", "zero",
];

/// What a path below `/dev` or `/proc/sys` says about the kernel.
pub(super) fn path(op: &Op, act: Act, path: &[u8], facts: &mut Facts<'_>) {
    let Ok(text) = std::str::from_utf8(path) else {
        return;
    };
    let writes = matches!(act, Act::Writes | Act::Creates);
    let found = if let Some(key) = text.strip_prefix("/proc/sys/").filter(|_| writes) {
        Some((Need::Sysctl, key.replace('/', ".")))
    } else if let Some(name) = text.strip_prefix("/dev/") {
        let first = name.split('/').next().unwrap_or_default();
        let known = DEVICES.contains(&first) || name.contains('*') || name.is_empty();
        (!known && act != Act::Names).then(|| (Need::Device, text.to_owned()))
    } else {
        None
    };
    if let Some((need, name)) = found {
        facts.add(op.line, certainty_of(op), What::Needs { need, name });
    }
}
