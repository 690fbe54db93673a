//! From programs and scripts on disk to the base images that start them, and what the terminal
//! says of it.

use std::path::Path;

use seaworthy::path::AppPath;
use seaworthy::render::{Style, by_name};
use seaworthy::report::{BaseAdvice, BaseVerdict, Lack, LackKind, Remedy, Report};
use seaworthy::tree::Progress;
use seaworthy::{Request, audit};
use tempfile::TempDir;

use crate::elf_fixture::{Elf, LD_SO, glibc_loader};
use crate::samples::{SAMPLES, report as of_sample};

struct Host(TempDir);

impl Host {
    /// A host with a C library of its own and nothing else.
    fn new() -> Self {
        Self(TempDir::new().unwrap())
            .file(LD_SO, &glibc_loader("2.36", &["/lib/", "/usr/lib/"]))
            .elf("/lib/libc.so.6", Elf::lib().soname("libc.so.6"))
    }

    fn file(self, path: &str, bytes: &[u8]) -> Self {
        let host = self.0.path().join(path.trim_start_matches('/'));
        std::fs::create_dir_all(host.parent().unwrap()).unwrap();
        std::fs::write(host, bytes).unwrap();
        self
    }

    fn link(self, target: &str, path: &str) -> Self {
        let host = self.0.path().join(path.trim_start_matches('/'));
        std::fs::create_dir_all(host.parent().unwrap()).unwrap();
        std::os::unix::fs::symlink(target, host).unwrap();
        self
    }

    fn elf(self, path: &str, elf: Elf) -> Self {
        self.file(path, &elf.build())
    }

    /// A library that is called as its file is.
    fn lib(self, path: &str, needed: &[&str]) -> Self {
        let name = Path::new(path).file_name().unwrap().to_str().unwrap();
        self.elf(path, Elf::lib().soname(name).needed(needed))
    }

    fn audit(&self) -> Report {
        let request = Request {
            root: self.0.path().to_owned(),
            paths: vec![AppPath::new("/opt/app")],
            ..Request::default()
        };
        audit(&request, &Progress::default()).unwrap()
    }
}

fn on<'a>(report: &'a Report, base: &str) -> &'a BaseAdvice {
    report.bases.iter().find(|b| b.base == base).unwrap()
}

fn lack<'a>(report: &'a Report, base: &str, need: &str) -> &'a Lack {
    let base = on(report, base);
    let found = base.lacks.iter().find(|lack| lack.need == need);
    found.unwrap_or_else(|| panic!("{need} is not among {:?}", base.lacks))
}

/// The section of the terminal's report on base images.
fn section(report: &Report, all: bool) -> String {
    let style = Style {
        all,
        ..Style::default()
    };
    let text = (by_name("terminal").unwrap().render)(report, &style);
    let from = text.find("\nBase images").map_or("", |at| &text[at + 1..]);
    from.split("\n\n").next().unwrap_or_default().to_owned()
}

#[test]
fn a_floor_names_file_and_symbol_and_rules_out_what_is_older() {
    let program = Elf::program()
        .needed(&["libc.so.6"])
        .needs_version("libc.so.6", "GLIBC_2.38", false)
        .imports(&["strlcpy"]);
    let report = Host::new().elf("/opt/app/bin/main", program).audit();
    assert_eq!(report.floors.len(), 1);
    let floor = &report.floors[0];
    assert_eq!(floor.version, "GLIBC_2.38");
    assert_eq!(floor.file, AppPath::new("/opt/app/bin/main"));
    assert_eq!(floor.symbol.as_deref(), Some("strlcpy"));
    assert_eq!(on(&report, "debian-13").verdict, BaseVerdict::Starts);
    let old = lack(&report, "debian-12", "GLIBC_2.38");
    assert_eq!(old.kind, LackKind::Version);
    assert_eq!(old.symbol.as_deref(), Some("strlcpy"));
    assert_eq!(lack(&report, "alpine-3.22", "glibc").kind, LackKind::Libc);
    let text = section(&report, false);
    assert!(text.contains("debian:13"), "{text}");
    assert!(text.contains("needs GLIBC_2.38 of libc.so.6"), "{text}");
    assert!(text.contains("/opt/app/bin/main (strlcpy)"), "{text}");
    assert!(text.contains("lacks GLIBC_2.38"), "{text}");
}

#[test]
fn what_the_application_brings_no_base_lacks() {
    let program = Elf::program()
        .needed(&["libown.so.1", "libz.so.1", "libc.so.6"])
        .runpath("$ORIGIN/../lib");
    let own = Elf::lib()
        .soname("libown.so.1")
        .needed(&["libother.so.2", "libc.so.6"])
        .runpath("/opt/other");
    let report = Host::new()
        .elf("/opt/app/bin/main", program)
        .elf("/opt/app/lib/libown.so.1", own)
        .lib("/opt/other/libother.so.2", &["libc.so.6"])
        .lib("/lib/libz.so.1", &["libc.so.6"])
        .audit();
    let needs = |base: &str| -> Vec<&str> {
        let lacks = on(&report, base).lacks.iter();
        lacks.map(|lack| lack.need.as_str()).collect()
    };
    assert_eq!(needs("debian-12"), ["libother.so.2"]);
    // Another product's library is in no distribution, and lies on the old host.
    let other = lack(&report, "ubi-9", "libother.so.2");
    let from = AppPath::new("/opt/other/libother.so.2");
    assert_eq!(other.remedy, Remedy::Copy { from });
    assert_eq!(on(&report, "ubi-9").verdict, BaseVerdict::WithChanges);
}

#[test]
fn a_plugin_that_does_not_load_on_the_old_host_asks_nothing_of_a_base() {
    let host = Host::new()
        .elf("/opt/app/bin/main", Elf::program().needed(&["libc.so.6"]))
        .lib(
            "/opt/app/plugins/plot.so",
            &["libplotter.so.3", "libssl.so.3"],
        )
        .lib("/lib/libssl.so.3", &["libc.so.6"]);
    let report = host.audit();
    assert!(lack(&report, "debian-12", "libssl.so.3").file.is_some());
    let asked = report.bases.iter().flat_map(|base| &base.lacks);
    assert!(asked.clone().all(|lack| lack.need != "libplotter.so.3"));
    // A program's need is another thing: nothing starts without it.
    let report = host
        .elf(
            "/opt/app/bin/plot",
            Elf::program().needed(&["libplotter.so.3"]),
        )
        .audit();
    let missing = lack(&report, "debian-12", "libplotter.so.3");
    assert_eq!(missing.file, Some(AppPath::new("/opt/app/bin/plot")));
    assert!(on(&report, "debian-12").verdict >= BaseVerdict::Unknown);
}

#[test]
fn programs_of_both_widths_are_judged_each_for_itself() {
    let mut narrow = Elf::program()
        .interp("/lib/ld-linux.so.2")
        .needed(&["libX11.so.6", "libc.so.6"]);
    (narrow.wide, narrow.machine) = (false, 3);
    let report = Host::new()
        .elf("/opt/app/bin/main", Elf::program().needed(&["libc.so.6"]))
        .elf("/opt/app/bin/narrow", narrow)
        .audit();
    let machine = lack(&report, "ubi-10", "32-bit x86");
    assert_eq!(machine.file, Some(AppPath::new("/opt/app/bin/narrow")));
    assert_eq!(on(&report, "ubi-10").verdict, BaseVerdict::Fails);
    let x11 = lack(&report, "debian-12", "libX11.so.6");
    let package = "libx11-6:i386".to_owned();
    assert_eq!(x11.remedy, Remedy::Install { package });
}

#[test]
fn scripts_tell_their_interpreter_and_a_virtual_environment_its_version() {
    let host = Host::new()
        .file("/usr/bin/python3.11", b"\x7fELF")
        .link("/usr/bin/python3.11", "/opt/app/venv/bin/python")
        .file("/opt/app/tests/try.rb", b"#!/usr/bin/ruby\n1\n")
        .file("/opt/app/bin/tool", b"#!/usr/bin/env python3\nprint()\n");
    let report = host.audit();
    let plain = lack(&report, "debian-13", "python 3");
    assert_eq!(plain.file, Some(AppPath::new("/opt/app/bin/tool")));
    assert_eq!(on(&report, "debian-13").verdict, BaseVerdict::WithPackages);
    let report = host
        .file("/opt/app/venv/bin/run", b"#!/opt/app/venv/bin/python\n")
        .audit();
    assert_eq!(on(&report, "debian-12").verdict, BaseVerdict::WithPackages);
    let other = lack(&report, "debian-13", "python 3.11");
    assert!(matches!(other.remedy, Remedy::Change { .. }));
    assert_eq!(on(&report, "debian-13").lacks.len(), 1);
}

#[test]
fn without_a_program_and_an_interpreter_there_is_no_advice() {
    let report = Host::new()
        .file("/opt/app/share/readme.txt", b"words\n")
        .file("/opt/app/bin/go", b"#!/bin/sh\necho\n")
        .audit();
    assert!(report.bases.is_empty() && report.floors.is_empty());
    assert_eq!(section(&report, true), "");
}

#[test]
fn code_without_an_interpreter_line_counts_where_no_program_is() {
    let host = Host::new().file(
        "/opt/app/www/index.php",
        b"<?php file_put_contents('/var/lib/app/x', 'y');\n",
    );
    let report = host.audit();
    assert_eq!(
        lack(&report, "debian-12", "php").kind,
        LackKind::Interpreter
    );
    let report = host
        .elf("/opt/app/bin/main", Elf::program().needed(&["libc.so.6"]))
        .audit();
    assert!(on(&report, "debian-12").lacks.is_empty());
}

#[test]
fn a_module_of_an_interpreter_brings_its_version_and_its_libraries() {
    let module = "/opt/app/lib/fast.cpython-311-x86_64-linux-gnu.so";
    let report = Host::new()
        .lib(module, &["libssl.so.3", "libc.so.6"])
        .lib("/lib/libssl.so.3", &["libc.so.6"])
        .audit();
    assert_eq!(on(&report, "debian-12").verdict, BaseVerdict::WithPackages);
    let python = lack(&report, "debian-13", "python 3.11");
    assert_eq!(python.file, Some(AppPath::new(module)));
    assert_eq!(lack(&report, "alpine-3.22", "glibc").kind, LackKind::Libc);
}

#[test]
fn long_paths_keep_within_the_width() {
    let path = format!("/opt/app/{}/bin/{}", "deep/".repeat(20), "main".repeat(20));
    let program = Elf::program()
        .needed(&["libssl.so.1.1"])
        .needs_version("libc.so.6", "GLIBC_2.38", false)
        .imports(&["a_symbol_with_quite_a_long_name_as_cpp_has_them"]);
    let report = Host::new().elf(&path, program).audit();
    for all in [false, true] {
        let text = section(&report, all);
        assert!(
            text.lines().all(|line| line.chars().count() <= 80),
            "{text}"
        );
        assert!(text.contains("GLIBC_2.38"), "{text}");
    }
}

#[test]
fn a_shadowed_library_is_told_with_both_versions() {
    let libssl = |version: &str| {
        let text = format!("\0OpenSSL {version} 1 Jan 2020\0");
        Elf::lib().soname("libssl.so.3").tail(text.as_bytes())
    };
    let program = Elf::program()
        .needed(&["libssl.so.3"])
        .runpath("$ORIGIN/../lib");
    let report = Host::new()
        .elf("/opt/app/bin/main", program)
        .elf("/opt/app/lib/libssl.so.3", libssl("3.0.2"))
        .elf("/lib/libssl.so.3", libssl("3.0.11"))
        .audit();
    let mut libraries = report.libraries.iter();
    let library = libraries.find(|library| library.name == "libssl.so.3");
    let shadow = library.unwrap().shadows.as_ref().unwrap();
    assert_eq!(shadow.system, AppPath::new("/lib/libssl.so.3"));
    assert_eq!(shadow.bundled_version.as_deref(), Some("3.0.2"));
    assert_eq!(shadow.system_version.as_deref(), Some("3.0.11"));
}

#[test]
fn the_samples_get_a_base_and_hear_why_another_fails() {
    let sample = |name| {
        let sample = SAMPLES.iter().find(|sample| sample.name == name);
        of_sample(sample.unwrap())
    };
    let meter = sample("meter-daemon");
    assert!(meter.bases[0].verdict <= BaseVerdict::WithPackages);
    assert!(meter.bases[0].base.starts_with("debian"));
    assert!(meter.floors.iter().any(|floor| floor.symbol.is_some()));
    let alpine = on(&meter, "alpine-3.22");
    assert_eq!(alpine.verdict, BaseVerdict::Fails);
    assert_eq!(alpine.lacks[0].kind, LackKind::Libc);
    let cadview = sample("cadview-suite");
    assert_eq!(on(&cadview, "ubi-8").verdict, BaseVerdict::WithChanges);
    let narrow = lack(&cadview, "ubi-10", "32-bit x86");
    assert!(
        narrow
            .file
            .as_ref()
            .is_some_and(|file| file.name() == b"cvlmd")
    );
    assert_eq!(on(&cadview, "ubi-10").verdict, BaseVerdict::Fails);
    for report in [meter, cadview] {
        let (brief, all) = (section(&report, false), section(&report, true));
        assert!(brief.lines().count() <= 26, "{brief}");
        assert!(all.lines().count() > brief.lines().count());
        for line in brief.lines() {
            assert!(line.chars().count() <= 80, "{line}");
        }
        for base in &report.bases {
            assert!(all.contains(&base.image), "{}", base.image);
        }
    }
}

/// Whatever is smallest: what ran on one distribution is moved to that one first.
#[test]
fn the_old_hosts_family_and_release_come_first() {
    let with = |release: &str| {
        let program = Elf::program().needed(&["libc.so.6"]);
        let host = Host::new().elf("/opt/app/appd", program);
        host.file("/etc/os-release", release.as_bytes()).audit()
    };
    let first = |report: &Report| -> Vec<String> {
        let fits = report.bases.iter().filter(|base| !base.ended);
        fits.map(|base| base.base.clone()).collect()
    };
    let ubuntu = first(&with("ID=ubuntu\nID_LIKE=debian\nVERSION_ID=\"22.04\"\n"));
    assert_eq!(ubuntu[0], "ubuntu-22.04", "{ubuntu:?}");
    assert_eq!(ubuntu[1], "ubuntu-24.04", "{ubuntu:?}");
    assert!(ubuntu[2].starts_with("debian"), "{ubuntu:?}");
    let rocky = first(&with(
        "ID=rocky\nID_LIKE=\"rhel centos fedora\"\nVERSION_ID=\"9.3\"\n",
    ));
    assert!(rocky[0].starts_with("ubi-9"), "{rocky:?}");
    assert!(rocky[2].starts_with("ubi-10"), "{rocky:?}");
    // What is past its end of support is no first advice, though the host is of that release.
    let old = with("ID=debian\nVERSION_ID=\"9\"\n");
    assert!(!old.bases[0].ended && old.bases[0].base.starts_with("debian"));
}
