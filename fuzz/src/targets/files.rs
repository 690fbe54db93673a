//! Files of the audited disk: what the loader reads, starters, settings, and any file in any place.

use std::io::{Cursor, Read, Result};

use seaworthy::extract::{HEAD, Input, extract};
use seaworthy::fact::Stat;
use seaworthy::knowledge::{Manner, readable, secrets_in, spans};
use seaworthy::parse::config::{self, Form};
use seaworthy::parse::content::{jar, keystore, licence, secret};
use seaworthy::parse::elf::{Elf, imports, verify};
use seaworthy::parse::ld_cache::{Asker, Cache, flags};
use seaworthy::parse::ld_conf::{self, Line, glob};
use seaworthy::parse::trace::{self, Ground, Source};
use seaworthy::parse::unit::{Unit, commands, for_system, unescape, words};
use seaworthy::parse::{content, literal, manager, nsswitch, openssl_conf, pam, web};
use seaworthy::path::AppPath;

use super::{Target, from};

pub(super) const ELF: Target = Target {
    name: "elf",
    reads: "programs and libraries",
    from: &[
        from("sample-apps", ".so", b""),
        from("sample-apps", ".6", b""),
    ],
    words: &[
        b"\x7fELF",
        b"\0\0\0\0\0\0\0\0",
        b"\xff\xff\xff\xff\xff\xff\xff\xff",
        b"/lib/ld",
    ],
    run: elf,
};

/// Whatever the bytes are, what is read is no larger than they are.
fn elf(data: &[u8]) {
    let head = &data[..data.len().min(HEAD)];
    let mut strings = 0;
    literal::paths(data, literal::Strings::Terminated, |_, _| strings += 1);
    assert!(strings <= data.len());
    let Ok(elf) = Elf::read(head, &data) else {
        return;
    };
    let _ = elf.form();
    let _ = verify(&elf.header.abi(), head, true);
    let text = |bytes: &[u8]| assert!(bytes.len() <= data.len());
    if let Some(interp) = &elf.interp {
        text(interp);
    }
    let Some(dynamic) = &elf.dynamic else {
        return;
    };
    dynamic.needed().for_each(text);
    for path in [&dynamic.soname, &dynamic.rpath, &dynamic.runpath] {
        path.iter().for_each(|path| text(path));
    }
    // Each entry stands in the file; a table may be named more than once, but not without end.
    assert!(dynamic.asks.len() <= data.len() / 8 + 1);
    assert!(dynamic.needs.len() <= data.len() + 1);
    imports(&elf, head, &data, |import| text(import.name));
}

pub(super) const LD_CACHE: Target = Target {
    name: "ld_cache",
    reads: "the loader's cache",
    from: &[],
    words: &[
        b"glibc-ld.so.cache1.1",
        b"ld.so-1.7.0",
        b"libc.so.6",
        b"\xff\xff\xff\xff",
    ],
    run: ld_cache,
};

/// Every name that a cache holds can be looked up, and an answer is one of its paths.
fn ld_cache(data: &[u8]) {
    let subdirs = [b"x86-64-v3".to_vec(), b"x86-64-v2".to_vec()];
    for big_endian in [false, true] {
        let Some(cache) = Cache::read(data.to_vec(), big_endian) else {
            continue;
        };
        // Smaller than the smallest entry none is: a count cannot claim more than the file has.
        assert!(cache.len() <= data.len() / 12);
        let _ = cache.generator();
        for legacy in [false, true] {
            let asker = Asker {
                flags: flags("x86-64"),
                subdirs: &subdirs,
                legacy,
            };
            let _ = cache.lookup(b"libc.so.6", &asker);
            // A cache without order may be searched in vain, but a look-up ends.
            for index in 0..cache.len().min(64) {
                let Some(entry) = cache.entry(index) else {
                    continue;
                };
                if let Some(path) = cache.lookup(entry.name, &asker) {
                    let mut paths = (0..cache.len()).filter_map(|at| cache.entry(at));
                    assert!(paths.any(|entry| entry.path == path));
                }
            }
        }
    }
}

pub(super) const LD_CONF: Target = Target {
    name: "ld_conf",
    reads: "the loader's configuration, and its patterns against names",
    from: &[from("sample-apps", "ld.so.conf", b"")],
    words: &[
        b"include ",
        b"*",
        b"?",
        b"[a-z]",
        b"[!",
        b"/etc/ld.so.conf.d/*.conf",
        b"hwcap ",
    ],
    run: ld_conf,
};

fn ld_conf(data: &[u8]) {
    let names: [&[u8]; 4] = [b"", b"base.conf", &[b'a'; 40], b".x"];
    for line in ld_conf::read(data) {
        match line {
            Line::Dir(dir) => assert!(dir.starts_with(b"/") && dir.len() <= data.len()),
            Line::Include(pattern) => {
                assert!(pattern.len() <= data.len());
                for name in names {
                    let _ = glob(&pattern, name);
                }
            }
        }
    }
    let middle = data.iter().position(|&b| b == 0).unwrap_or(data.len());
    let (pattern, name) = data.split_at(middle);
    let _ = glob(pattern, name.get(1..).unwrap_or_default());
}

pub(super) const MODULES: Target = Target {
    name: "modules",
    reads: "the files that name modules which are opened later (NSS, PAM, OpenSSL)",
    from: &[from("sample-apps", "nsswitch.conf", b"")],
    words: &[
        b"passwd: ",
        b"[NOTFOUND=return]",
        b"auth ",
        b"@include ",
        b"pam_unix.so",
        b"[a]\n",
        b"engines = ",
        b"dynamic_path=",
    ],
    run: modules,
};

fn modules(data: &[u8]) {
    let _ = nsswitch::read(data);
    let _ = pam::read(data);
    let _ = openssl_conf::read(data);
}

/// Where files lie that some reader wants by their place. The first byte of an input chooses.
const PLACES: &[&str] = &[
    "/etc/systemd/system/a-b@c.service",
    "/etc/systemd/system/a.timer.d/x.conf",
    "/usr/lib/systemd/user/a@.socket",
    "/usr/lib/tmpfiles.d/a.conf",
    "/usr/lib/sysusers.d/a.conf",
    "/etc/logrotate.d/a",
    "/etc/cron.d/a",
    "/etc/anacrontab",
    "/var/spool/cron/a",
    "/etc/default/a",
    "/etc/init.d/a",
    "/etc/fstab",
    "/etc/passwd",
    "/etc/sysctl.d/a.conf",
    "/etc/security/limits.d/a.conf",
    "/etc/modprobe.d/a.conf",
    "/etc/udev/rules.d/a.rules",
    "/etc/inetd.conf",
    "/etc/xinetd.d/a",
    "/etc/inittab",
    "/etc/supervisor/a.conf",
    "/etc/init/a.conf",
    "/etc/services",
    "/etc/apache2/sites-enabled/a.conf",
    "/etc/nginx/nginx.conf",
    "/etc/a/a.conf",
    "/opt/a/conf/a.properties",
    "/opt/a/conf/server.xml",
    "/opt/a/conf/a.yml",
    "/opt/a/conf/a.json",
    "/opt/a/conf/a.toml",
    "/opt/a/conf/settings.php",
    "/opt/a/conf/settings.py",
    "/opt/a/conf/secrets.yml",
    "/home/a/.ssh/id_rsa",
    "/home/a/.pgpass",
    "/home/a/.netrc",
    "/opt/a/bin/a",
    "/opt/a/bin/a.sh",
    "/opt/a/lib/a.js",
    "/opt/a/lib/a.jar",
    "/opt/a/lib/a.so",
    "/opt/a/LICENSE",
    "/opt/a/log/a.log",
    "/opt/a/data/a.db",
];

pub(super) const PLACE: Target = Target {
    name: "place",
    reads: "a file in one of many places, through every reader that wants it",
    from: &[
        from("sample-apps", ".service", &[0]),
        from("sample-apps", "etc/cron.d/timesheet", &[6]),
        from("sample-apps", "etc/cron.d/nightly-batch", &[6]),
        from("sample-apps", "etc/default/meterd", &[9]),
        from("sample-apps", "etc/init.d/meterd", &[10]),
        from("sample-apps", "etc/fstab", &[11]),
        from("sample-apps", "etc/passwd", &[12]),
        from("sample-apps", ".conf", &[25]),
        from("sample-apps", ".properties", &[26]),
        from("sample-apps", ".xml", &[27]),
        from("sample-apps", ".sh", &[38]),
        from("sample-apps", ".pl", &[37]),
        from("sample-apps", ".py", &[37]),
        from("sample-apps", ".log", &[43]),
        from("sample-apps", "id_rsa", &[34]),
    ],
    words: &[
        b"[Service]\n",
        b"ExecStart=",
        b"command=",
        b"/var/lib/",
        b"%i",
        b"${A}",
        b"root ",
        b"* * * * * ",
        b"exec ",
        b"env ",
        b"{\n",
        b"}\n",
        b"password=",
        b"#!/bin/sh\n",
        b"#!/usr/bin/perl\n",
        b"#!/usr/bin/env python3\n",
    ],
    run: place,
};

fn place(data: &[u8]) {
    let Some((&first, text)) = data.split_first() else {
        return;
    };
    let path = AppPath::new(PLACES[usize::from(first) % PLACES.len()]);
    let stat = Stat::regular(text.len() as u64, 0o755);
    let head = &text[..text.len().min(HEAD)];
    let _ = extract(&Input::new(&path, &stat, head, &text));
}

pub(super) const UNIT: Target = Target {
    name: "unit",
    reads: "systemd units, their command lines and specifiers",
    from: &[from("sample-apps", ".service", b"")],
    words: &[
        b"[Service]\n",
        b"ExecStart=",
        b"%i",
        b"%%",
        b"\\x20",
        b"${A}",
        b" ; ",
        b"\\\n",
        b"-@!+:|",
    ],
    run: unit,
};

fn unit(data: &[u8]) {
    let unit = Unit::parse(data);
    for assignment in unit.list("Service", "ExecStart") {
        let _ = commands(&assignment.value);
    }
    let _ = unit.boolean("Service", "PrivateTmp");
    let _ = commands(data);
    let _ = words(data);
    let _ = for_system(data);
    let _ = unescape(&String::from_utf8_lossy(data));
}

/// Places of the tables of process managers: the first byte of an input chooses one.
const TABLES: [&str; 7] = [
    "/srv/a/Procfile",
    "/srv/a/a.god",
    "/srv/a/a.eye",
    "/etc/circus/a.ini",
    "/etc/monit/conf.d/a",
    "/srv/a/ecosystem.config.js",
    "/srv/a/ecosystem.yml",
];

pub(super) const MANAGER: Target = Target {
    name: "manager",
    reads: "the tables of process managers: the first byte chooses the place, and so the manager",
    from: &[],
    words: &[
        b"God.watch do |w|\n",
        b"w.start = ",
        b"Eye.app 'a' do\n",
        b"process :a do\n",
        b"start_command ",
        b"end\n",
        b"%w{a b}.each do |a|\n",
        b"#{a}",
        b"[watcher:a]\n",
        b"cmd = ",
        b"check process a\n",
        b"start program = ",
        b"module.exports = ",
        b"apps: [{ script: ",
        b"`${a}`",
        b"File.join(",
        b" => ",
    ],
    run: manager,
};

fn manager(data: &[u8]) {
    let Some((&first, text)) = data.split_first() else {
        return;
    };
    let path = TABLES[usize::from(first) % TABLES.len()].as_bytes();
    let head = &text[..text.len().min(HEAD)];
    if let Some(form) = manager::form(path, head) {
        let _ = manager::read(form, text, path);
    }
}

pub(super) const CONFIG: Target = Target {
    name: "config",
    reads: "settings: the first byte chooses the form",
    from: &[
        from("sample-apps", ".conf", &[0]),
        from("sample-apps", "my.cnf", &[1]),
        from("sample-apps", ".conf", &[2]),
        from("sample-apps", ".properties", &[3]),
        from("sample-apps", ".xml", &[4]),
        from("tests", ".yaml", &[5]),
        from("", "Cargo.toml", &[6]),
        from("schema", ".json", &[7]),
        from("sample-apps", ".py", &[9]),
    ],
    words: &[
        b"<a b=\"c\">",
        b"</a>",
        b"<!DOCTYPE",
        b"&a;",
        b"a: b\n",
        b"- a\n",
        b"&x ",
        b"*x",
        b"[a]\n",
        b"a = \"b\"\n",
        b"{\"a\": ",
        b"${a:-b}",
        b"$CONFIG['a'] = 'b';\n",
        b"<<EOT\n",
        b"/var/lib/a",
        b"'''",
        b"include ",
        b"\\\n",
    ],
    run: config,
};

fn config(data: &[u8]) {
    let Some((&first, text)) = data.split_first() else {
        return;
    };
    let form = Form::ALL[usize::from(first) % Form::ALL.len()];
    for setting in config::parse(form, text).settings {
        let _ = setting.folded();
        let _ = config::expand(&setting.value, &|_| None);
    }
}

pub(super) const WEB: Target = Target {
    name: "web",
    reads: "the settings of web servers",
    from: &[from(
        "sample-apps",
        "apache2/conf-available/timesheet.conf",
        b"",
    )],
    words: &[
        b"<VirtualHost *:80>\n",
        b"</VirtualHost>\n",
        b"DocumentRoot ",
        b"server {\n",
        b"location / {\n",
        b"root ",
        b"listen 80;",
        b"}\n",
        b"$SERVER[\"socket\"] == \":81\" {\n",
    ],
    run: web,
};

fn web(data: &[u8]) {
    let _ = web::apache(data);
    let _ = web::nginx(data);
    let _ = web::lighttpd(data);
}

pub(super) const SECRETS: Target = Target {
    name: "secrets",
    reads: "texts for secrets, in every manner of reading",
    from: &[
        from("sample-apps", ".conf", b""),
        from("sample-apps", ".properties", b""),
        from("sample-apps", ".sh", b""),
        from("sample-apps", "id_rsa", b""),
    ],
    words: &[
        b"password=",
        b"-----BEGIN RSA PRIVATE KEY-----\n",
        b"AKIA",
        b"Authorization: Basic ",
        b"user:pass@",
        b"scott/tiger@",
        b"--user ",
        b"\xff\xfe",
        b"ftp -n <<EOT\n",
        b"DBI->connect(",
        b"Password=a;",
        b"api_key: ",
    ],
    run: secrets,
};

fn secrets(data: &[u8]) {
    let Some(text) = readable(data) else { return };
    for manner in [Manner::Settings, Manner::Shell, Manner::Code, Manner::Notes] {
        for hit in secrets_in(manner, &text).hits {
            assert!(hit.at.start < hit.at.end && hit.at.end <= text.len());
        }
    }
    let _ = spans(&text);
}

pub(super) const CONTENT: Target = Target {
    name: "content",
    reads: "what files are by their content: key stores, licences, databases, logs",
    from: &[
        from("sample-apps", ".db", b""),
        from("sample-apps", "copyright", b""),
        from("sample-apps", ".log", b""),
        from("tests/keys", ".key", b""),
        from("", "LICENSE-MIT", b""),
    ],
    words: &[
        b"\xfe\xed\xfe\xed",
        b"\x30\x82",
        b"SQLite format 3\0",
        b"SERVER this_host ANY 27000\n",
        b"FEATURE ",
        b"-----BEGIN CERTIFICATE-----\n",
    ],
    run: content,
};

fn content(data: &[u8]) {
    let head = &data[..data.len().min(HEAD)];
    for name in [
        &b"a"[..],
        b"a.jks",
        b"a.p12",
        b"a.lic",
        b"LICENSE",
        b"a.log",
        b"a.pid",
    ] {
        let _ = content::recognise(b"data", name, head, data.len() as u64);
        let _ = keystore::recognise(name, head, &data);
        let _ = licence::recognise(name, data);
        let _ = secret::in_text(name, data);
    }
    let _ = seaworthy::parse::copyright::licences(data);
}

pub(super) const JAR: Target = Target {
    name: "jar",
    reads: "archives of Java",
    from: &[from("sample-apps", ".jar", b"")],
    words: &[
        b"PK\x01\x02",
        b"PK\x03\x04",
        b"PK\x05\x06",
        b"PK\x06\x06",
        b"PK\x06\x07",
        b"META-INF/MANIFEST.MF",
        b"WEB-INF/",
        b".so",
        b"Main-Class: a\n",
    ],
    run: jar,
};

fn jar(data: &[u8]) {
    if let Some(jar) = jar::read(&data) {
        assert!(jar.native.len() <= data.len());
    }
}

pub(super) const TRACE: Target = Target {
    name: "trace",
    reads: "traces: a log, or two parts of one run where a NUL stands between them",
    from: &[],
    words: &[
        b"openat(AT_FDCWD, \"",
        b"\", O_RDONLY) = 3\n",
        b"execve(",
        b"<unfinished ...>\n",
        b"<... openat resumed>",
        b"type=SYSCALL msg=audit(1.0:1): ",
        b"exit_group(0)",
        b"[pid  7] ",
    ],
    run: trace,
};

fn trace(data: &[u8]) {
    let mut parts = data.splitn(2, |&b| b == 0);
    let first = parts.next().unwrap_or_default().to_vec();
    let second = parts.next().map(<[u8]>::to_vec);
    let open =
        |text: &Vec<u8>| -> Result<Box<dyn Read>> { Ok(Box::new(Cursor::new(text.clone()))) };
    let open_first = || open(&first);
    let mut sources = vec![Source {
        name: "log.7".into(),
        open: &open_first,
    }];
    let open_second;
    if let Some(text) = second {
        open_second = move || open(&text);
        sources.push(Source {
            name: "log.8".into(),
            open: &open_second,
        });
    }
    let ground = Ground {
        runs_scripts: |name| name == b"sh",
        top: Some(AppPath::new("/mnt")),
    };
    if let Ok(trace) = trace::read(&sources, &ground) {
        let _ = trace.store.paths();
    }
}
