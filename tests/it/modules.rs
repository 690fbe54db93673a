//! What programs open by name once they run, on small roots whose ELF files are made here.

use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use crate::elf_fixture::{Elf, LD_MUSL, LD_SO, glibc_loader, musl_loader};

/// systemd.io/ELF_DLOPEN_METADATA.
const DLOPEN: u32 = 0x407c_0c0a;

struct Lab(TempDir);

impl Lab {
    fn glibc(version: &str) -> Self {
        let lab = Self(TempDir::new().unwrap());
        lab.put(LD_SO, &glibc_loader(version, &["/lib/", "/usr/lib/"]));
        lab.put("/lib/libc.so.6", &Elf::lib().soname("libc.so.6").build());
        lab
    }

    fn put(&self, path: &str, bytes: &[u8]) {
        let host = self.0.path().join(path.trim_start_matches('/'));
        std::fs::create_dir_all(host.parent().unwrap()).unwrap();
        std::fs::write(host, bytes).unwrap();
    }

    fn lib(&self, path: &str, needed: &[&str]) {
        let name = path.rsplit('/').next().unwrap();
        self.put(path, &Elf::lib().soname(name).needed(needed).build());
    }

    fn run(&self, args: &[&str]) -> Value {
        let output = Command::new(env!("CARGO_BIN_EXE_seaworthy"))
            .arg(args[0])
            .arg("--root")
            .arg(self.0.path())
            .args(["--format", "json"])
            .args(&args[1..])
            .output()
            .unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stderr), "");
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// `kind name status path` of what `file` opens.
    fn opened(&self, file: &str) -> Vec<String> {
        lines(&self.run(&["libs", file])[0]["opened"])
    }

    /// The same of a scan of `/app`.
    fn scanned(&self) -> Vec<String> {
        lines(&self.run(&["scan", "/app"])["modules"])
    }
}

fn lines(modules: &Value) -> Vec<String> {
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let line = |module: &Value| {
        let path = text(&module["path"]);
        let kind = text(&module["kind"]);
        format!(
            "{kind} {} {} {path}",
            text(&module["name"]),
            text(&module["status"])
        )
    };
    let modules = modules.as_array().map_or(&[][..], Vec::as_slice);
    modules.iter().map(line).collect()
}

fn note(json: &str) -> Elf {
    Elf::program()
        .needed(&["libc.so.6"])
        .note("FDO", DLOPEN, json.as_bytes())
}

#[test]
fn of_the_names_in_a_note_any_will_do() {
    let lab = Lab::glibc("2.36");
    let names = r#"[{"soname":["libx.so.2","libx.so.1"],"priority":"required"}]"#;
    lab.put("/app/bin/main", &note(names).build());
    assert_eq!(
        lab.opened("/app/bin/main"),
        ["dlopen-note libx.so.2 missing -"]
    );
    lab.lib("/usr/lib/libx.so.1", &[]);
    let found = lab.run(&["libs", "/app/bin/main"]);
    let module = &found[0]["opened"][0];
    assert_eq!(module["name"], "libx.so.1");
    assert_eq!(module["or"], serde_json::json!(["libx.so.2"]));
    assert_eq!(module["priority"], "required");
    assert_eq!(found[0]["verdict"], "starts");
}

#[test]
fn a_missing_module_that_is_required_is_a_finding_and_a_guessed_one_is_none() {
    let lab = Lab::glibc("2.36");
    let names = r#"[{"soname":["libx.so.2"],"priority":"required"}]"#;
    let main = note(names).imports(&["dlopen"]).tail(b"\0libguess.so\0");
    lab.put("/app/bin/main", &main.build());
    let report = lab.run(&["scan", "/app"]);
    let findings = report["findings"].as_array().unwrap();
    let about: Vec<&Value> = findings
        .iter()
        .filter(|finding| finding["rule"].as_str().unwrap().contains("module"))
        .map(|finding| &finding["message"])
        .collect();
    assert_eq!(
        about,
        ["libx.so.2 is opened by name and cannot be: not found"]
    );
    let expected = [
        "dlopen-note libx.so.2 missing -",
        "dlopen-name libguess.so missing -",
    ];
    assert_eq!(lab.scanned(), expected);
}

#[test]
fn strings_that_are_names_of_libraries_are_searched_as_the_caller_would() {
    let lab = Lab::glibc("2.36");
    let strings = b"\0libp.so.1\0/app/plugins/q.so\0loading libno.so\0mod_%s.so\0plain.so\0.so\0";
    let main = Elf::program().needed(&["libc.so.6"]).runpath("/app/lib");
    let main = main.imports(&["dlopen"]).tail(strings);
    lab.put("/app/bin/main", &main.build());
    lab.lib("/app/lib/libp.so.1", &[]);
    lab.lib("/app/plugins/q.so", &["libr.so"]);
    let expected = [
        "dlopen-name /app/plugins/q.so missing /app/plugins/q.so",
        "dlopen-name libp.so.1 resolved /app/lib/libp.so.1",
    ];
    assert_eq!(lab.opened("/app/bin/main"), expected);
    // Without the call a string is a string.
    let silent = Elf::program().needed(&["libc.so.6"]).runpath("/app/lib");
    lab.put("/app/bin/silent", &silent.tail(strings).build());
    assert!(lab.opened("/app/bin/silent").is_empty());
}

#[test]
fn below_what_is_opened_the_chain_of_rpath_ends_but_for_the_programs_own() {
    let lab = Lab::glibc("2.36");
    let host = Elf::lib().soname("libhost.so").rpath("/app/host");
    let host = host.note("FDO", DLOPEN, br#"[{"soname":["libplug.so"]}]"#);
    lab.put("/app/lib/libhost.so", &host.build());
    lab.lib("/app/host/libplug.so", &["libdeep.so"]);
    lab.lib("/app/host/libdeep.so", &[]);
    let main = Elf::program().needed(&["libhost.so", "libc.so.6"]);
    lab.put("/app/bin/main", &main.clone().rpath("/app/lib").build());
    let found = lab.run(&["libs", "/app/bin/main"]);
    let module = &found[0]["opened"][0];
    assert_eq!(module["lacks"], serde_json::json!(["libdeep.so"]));
    assert_eq!(module["status"], "missing");
    lab.put("/app/bin/main", &main.rpath("/app/lib:/app/host").build());
    let expected = ["dlopen-note libplug.so resolved /app/host/libplug.so"];
    assert_eq!(lab.opened("/app/bin/main"), expected);
}

#[test]
fn what_is_opened_later_changes_nothing_of_the_start() {
    let lab = Lab::glibc("2.36");
    let names = r#"[{"soname":["libx.so"]},{"soname":["liby.so"]}]"#;
    lab.lib("/usr/lib/liby.so", &["libz.so"]);
    lab.lib("/usr/lib/libz.so", &[]);
    lab.lib("/usr/lib/libx.so", &["libz.so", "libc.so.6"]);
    let plain = Elf::program().needed(&["libz.so", "libc.so.6"]);
    lab.put("/app/bin/plain", &plain.clone().build());
    let noted = plain.note("FDO", DLOPEN, names.as_bytes());
    lab.put("/app/bin/noted", &noted.build());
    let libraries = |file: &str| {
        let text = lab.run(&["libs", file])[0]["libraries"].to_string();
        text.replace(file, "FILE")
    };
    assert_eq!(libraries("/app/bin/noted"), libraries("/app/bin/plain"));
    let expected = [
        "dlopen-note libx.so resolved /usr/lib/libx.so",
        "dlopen-note liby.so resolved /usr/lib/liby.so",
    ];
    assert_eq!(lab.opened("/app/bin/noted"), expected);
}

#[test]
fn name_services_are_those_of_the_databases_that_are_asked() {
    let services = b"passwd: files sss\nhosts: files [NOTFOUND=return] mdns4 dns\n";
    let main = Elf::program().needed(&["libc.so.6"]).imports(&["getpwnam"]);
    let lab = Lab::glibc("2.36");
    lab.put("/etc/nsswitch.conf", services);
    lab.put("/app/bin/main", &main.clone().build());
    lab.lib("/usr/lib/libnss_sss.so.2", &[]);
    let expected = [
        "name-service libnss_files.so.2 built-in -",
        "name-service libnss_sss.so.2 resolved /usr/lib/libnss_sss.so.2",
    ];
    assert_eq!(lab.opened("/app/bin/main"), expected);
    // Before 2.34 no service was part of the C library.
    let lab = Lab::glibc("2.31");
    lab.put("/etc/nsswitch.conf", services);
    lab.put("/app/bin/main", &main.imports(&["gethostbyname"]).build());
    lab.lib("/lib/libnss_files.so.2", &[]);
    let expected = [
        "name-service libnss_dns.so.2 missing -",
        "name-service libnss_files.so.2 resolved /lib/libnss_files.so.2",
        "name-service libnss_mdns4.so.2 missing -",
    ];
    assert_eq!(lab.opened("/app/bin/main"), expected);
}

#[test]
fn the_modules_of_a_services_logins_are_found_through_what_its_file_includes() {
    let lab = Lab::glibc("2.36");
    let libpam = Elf::lib().soname("libpam.so.0").tail(b"\0/lib/security/\0");
    lab.put("/usr/lib/libpam.so.0", &libpam.build());
    let main = Elf::program().needed(&["libpam.so.0", "libc.so.6"]);
    let main = main.imports(&["pam_start"]).tail(b"\0appd\0");
    lab.put("/app/bin/main", &main.build());
    lab.put(
        "/etc/pam.d/appd",
        b"auth required pam_unix.so\n@include common\n",
    );
    lab.put(
        "/etc/pam.d/common",
        b"account required pam_ldap.so\n-session optional /opt/pam_x.so\n@include appd\n",
    );
    lab.put("/etc/pam.d/stranger", b"auth required pam_stranger.so\n");
    lab.lib("/usr/lib/security/pam_unix.so", &[]);
    let expected = [
        "pam /opt/pam_x.so missing -",
        "pam pam_ldap.so missing -",
        "pam pam_unix.so resolved /usr/lib/security/pam_unix.so",
    ];
    assert_eq!(lab.opened("/app/bin/main"), expected);
}

#[test]
fn openssl_loads_what_its_configuration_says() {
    let lab = Lab::glibc("2.36");
    let built = b"\0OPENSSLDIR: \"/etc/ssl\"\0MODULESDIR: \"/usr/lib/ossl\"\0";
    let crypto = Elf::lib().soname("libcrypto.so.3").tail(built);
    lab.put("/usr/lib/libcrypto.so.3", &crypto.build());
    let main = Elf::program().needed(&["libcrypto.so.3", "libc.so.6"]);
    lab.put("/app/bin/main", &main.build());
    lab.put(
        "/etc/ssl/openssl.cnf",
        b"openssl_conf = i\n[i]\nproviders = p\n[p]\ndefault = d\nlegacy = d\n[d]\nactivate = 1\n",
    );
    lab.lib("/usr/lib/ossl/legacy.so", &[]);
    let expected = ["openssl-provider /usr/lib/ossl/legacy.so resolved /usr/lib/ossl/legacy.so"];
    assert_eq!(lab.opened("/app/bin/main"), expected);
}

#[test]
fn musl_searches_what_is_opened_by_the_programs_list_alone() {
    let lab = Lab(TempDir::new().unwrap());
    lab.put(LD_MUSL, &musl_loader());
    let host = Elf::lib().soname("libhost.so").runpath("/app/host");
    let host = host.note("FDO", DLOPEN, br#"[{"soname":["libplug.so"]}]"#);
    lab.put("/app/lib/libhost.so", &host.build());
    lab.lib("/app/host/libplug.so", &[]);
    let main = Elf::program().interp(LD_MUSL).needed(&["libhost.so"]);
    lab.put("/app/bin/main", &main.clone().runpath("/app/lib").build());
    assert_eq!(
        lab.opened("/app/bin/main"),
        ["dlopen-note libplug.so missing -"]
    );
    lab.put("/app/bin/main", &main.runpath("/app/lib:/app/host").build());
    let expected = ["dlopen-note libplug.so resolved /app/host/libplug.so"];
    assert_eq!(lab.opened("/app/bin/main"), expected);
}

#[test]
fn interpreters_find_native_modules_where_they_were_built_to_look() {
    let lab = Lab::glibc("2.36");
    lab.put(
        "/usr/bin/python3.9",
        &Elf::program().needed(&["libc.so.6"]).build(),
    );
    std::os::unix::fs::symlink("python3.9", lab.0.path().join("usr/bin/python3")).unwrap();
    let perl = Elf::program()
        .needed(&["libc.so.6"])
        .tail(b"\0/usr/lib/perl5/5.30\0");
    lab.put("/usr/bin/perl", &perl.build());
    lab.put(
        "/app/run.py",
        b"#!/usr/bin/python3\nimport sqlite3, json\nfrom psycopg2 import x\n",
    );
    lab.put(
        "/app/run.pl",
        b"#!/usr/bin/perl\nuse strict;\nuse DBD::mysql;\n",
    );
    let dynload = "/usr/lib/python3.9/lib-dynload/_sqlite3.cpython-39-x86_64-linux-gnu.so";
    lab.lib(dynload, &["libsqlite3.so.0", "libc.so.6"]);
    lab.lib("/usr/lib/libsqlite3.so.0", &[]);
    let psycopg = "/usr/lib/python3/dist-packages/psycopg2/_psycopg.cpython-39.so";
    lab.lib(psycopg, &["libpq.so.5", "libc.so.6"]);
    lab.lib(
        "/usr/lib/perl5/5.30/auto/DBD/mysql/mysql.so",
        &["libc.so.6"],
    );
    lab.lib("/app/node_modules/x/build/Release/x.node", &["libc.so.6"]);
    let expected = [
        format!("python psycopg2 missing {psycopg}"),
        format!("python sqlite3 resolved {dynload}"),
        "perl DBD::mysql resolved /usr/lib/perl5/5.30/auto/DBD/mysql/mysql.so".to_owned(),
        "node x.node resolved /app/node_modules/x/build/Release/x.node".to_owned(),
    ];
    assert_eq!(lab.scanned(), expected);
}

#[test]
fn java_opens_its_machine_beside_the_launcher_and_libraries_inside_archives_are_named() {
    let lab = Lab::glibc("2.36");
    lab.put(
        "/app/jre/bin/java",
        &Elf::program().needed(&["libc.so.6"]).build(),
    );
    lab.lib("/app/jre/lib/server/libjvm.so", &["libc.so.6"]);
    lab.put(
        "/app/run.sh",
        b"#!/bin/sh\nexec /app/jre/bin/java -jar /app/x.jar\n",
    );
    lab.put("/app/x.jar", &jar("META-INF/native/libx.so"));
    let expected = [
        "jvm libjvm.so resolved /app/jre/lib/server/libjvm.so",
        "jni META-INF/native/libx.so packed /app/x.jar",
    ];
    assert_eq!(lab.scanned(), expected);
}

/// An archive (APPNOTE.TXT) with one entry, which is empty.
fn jar(name: &str) -> Vec<u8> {
    let size = u16::try_from(name.len()).unwrap().to_le_bytes();
    let mut local = b"PK\x03\x04\x14\0\0\0\0\0\0\0\0\0".to_vec();
    local.extend([[0; 4], [0; 4], [0; 4]].concat());
    local.extend([&size[..], &[0, 0], name.as_bytes()].concat());
    let mut central = b"PK\x01\x02\x14\0\x14\0\0\0\0\0\0\0\0\0".to_vec();
    central.extend([[0; 4], [0; 4], [0; 4]].concat());
    central.extend([&size[..], &[0; 16], name.as_bytes()].concat());
    let at = u32::try_from(local.len()).unwrap().to_le_bytes();
    let length = u32::try_from(central.len()).unwrap().to_le_bytes();
    let mut end = b"PK\x05\x06\0\0\0\0\x01\0\x01\0".to_vec();
    end.extend([&length[..], &at, &[0, 0]].concat());
    [local, central, end].concat()
}

#[test]
fn the_systems_settings_of_php_count_where_the_application_has_php() {
    let lab = Lab::glibc("2.36");
    lab.put(
        "/etc/php/8.2/fpm/conf.d/20-pdo.ini",
        b"; x\nextension=pdo_pgsql.so\n",
    );
    lab.lib("/usr/lib/php/20220829/pdo_pgsql.so", &["libc.so.6"]);
    lab.put("/app/other.sh", b"#!/bin/sh\nexit 0\n");
    assert!(lab.scanned().is_empty());
    lab.put(
        "/app/index.php",
        b"<?php file_put_contents('/var/lib/app/x', 1);\n",
    );
    let expected = ["php pdo_pgsql resolved /usr/lib/php/20220829/pdo_pgsql.so"];
    assert_eq!(lab.scanned(), expected);
}
