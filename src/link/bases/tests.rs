//! Small closures against the real table.

use super::*;
use crate::report::{BaseVerdict, Lack, LackKind, Remedy};

fn need(library: &str, version: &str) -> VersionNeed {
    VersionNeed {
        library: library.to_owned(),
        version: version.to_owned(),
        symbol: None,
        weak: false,
    }
}

fn words(names: &[&str]) -> Vec<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

/// A program of the application.
fn program(needs: &[&str], versions: &[VersionNeed]) -> Object {
    Object {
        path: Some(AppPath::new("/opt/app/bin/app")),
        in_scope: true,
        needs: words(needs),
        versions: versions.to_vec(),
        ..Object::default()
    }
}

/// A library of the old host.
fn host(name: &str, needs: &[&str], versions: &[VersionNeed]) -> Object {
    Object {
        path: Some(AppPath::new(format!("/usr/lib64/{name}"))),
        names: words(&[name]),
        needs: words(needs),
        versions: versions.to_vec(),
        ..Object::default()
    }
}

fn glibc(objects: Vec<Object>) -> Closure {
    Closure {
        libc: Libc::Glibc,
        objects,
        ..Closure::default()
    }
}

fn on<'a>(advice: &'a Advice, base: &str) -> &'a BaseAdvice {
    advice.bases.iter().find(|b| b.base == base).unwrap()
}

fn lack<'a>(advice: &'a Advice, base: &str, need: &str) -> &'a Lack {
    let base = on(advice, base);
    let found = base.lacks.iter().find(|lack| lack.need == need);
    found.unwrap_or_else(|| panic!("{need} is not among {:?}", base.lacks))
}

fn remedy<'a>(advice: &'a Advice, base: &str, need: &str) -> &'a Remedy {
    &lack(advice, base, need).remedy
}

fn install(package: &str) -> Remedy {
    Remedy::Install {
        package: package.to_owned(),
    }
}

fn copy(from: &str) -> Remedy {
    Remedy::Copy {
        from: AppPath::new(from),
    }
}

#[test]
fn a_newer_c_library_rules_out_older_bases_and_tells_the_file_and_the_symbol() {
    let mut newest = need("libm.so.6", "GLIBC_2.38");
    newest.symbol = Some("fmod".to_owned());
    let older = need("libc.so.6", "GLIBC_2.9");
    let advice = advise(&glibc(vec![program(
        &["libm.so.6", "libc.so.6"],
        &[older, newest],
    )]));
    assert_eq!(on(&advice, "debian-12").verdict, BaseVerdict::Fails);
    let lack = lack(&advice, "debian-12", "GLIBC_2.38");
    assert_eq!(lack.kind, LackKind::Version);
    assert_eq!(lack.file, Some(AppPath::new("/opt/app/bin/app")));
    assert_eq!(lack.symbol.as_deref(), Some("fmod"));
    assert_eq!(lack.remedy, Remedy::None);
    assert_eq!(on(&advice, "debian-13").verdict, BaseVerdict::Starts);
    assert_eq!(on(&advice, "ubuntu-24.04").verdict, BaseVerdict::Starts);
    assert_eq!(advice.floors.len(), 1);
    assert_eq!(advice.floors[0].version, "GLIBC_2.38");
    assert_eq!(advice.floors[0].symbol.as_deref(), Some("fmod"));
}

#[test]
fn openssl_1_1_is_shipped_once_and_elsewhere_named_with_its_successor() {
    let advice = advise(&glibc(vec![program(&["libssl.so.1.1", "libc.so.6"], &[])]));
    assert_eq!(on(&advice, "debian-11").verdict, BaseVerdict::Starts);
    for base in ["debian-12", "debian-13", "ubuntu-22.04"] {
        assert_eq!(on(&advice, base).verdict, BaseVerdict::Fails, "{base}");
        let note = lack(&advice, base, "libssl.so.1.1").note.as_deref();
        assert!(note.is_some_and(|note| note.contains("libssl.so.3")));
    }
    let needed = remedy(&advice, "ubi-9", "libssl.so.1.1");
    assert_eq!(*needed, install("compat-openssl11"));
    assert_eq!(on(&advice, "ubi-9").verdict, BaseVerdict::WithPackages);
}

#[test]
fn what_a_base_lacks_comes_from_the_old_host_with_all_it_needs() {
    let openssl = [
        host("libssl.so.1.1", &["libcrypto.so.1.1", "libc.so.6"], &[]),
        host("libcrypto.so.1.1", &["libz.so.1", "libc.so.6"], &[]),
        host("libz.so.1", &["libc.so.6"], &[]),
    ];
    let mut objects = vec![program(&["libssl.so.1.1", "libc.so.6"], &[])];
    objects.extend(openssl);
    let advice = advise(&glibc(objects));
    let base = on(&advice, "debian-12");
    assert_eq!(base.verdict, BaseVerdict::WithChanges);
    assert_eq!(base.lacks.len(), 2, "the base has zlib: {:?}", base.lacks);
    let crypto = remedy(&advice, "debian-12", "libcrypto.so.1.1");
    assert_eq!(*crypto, copy("/usr/lib64/libcrypto.so.1.1"));
}

#[test]
fn a_copied_library_brings_its_own_floor() {
    let new = host(
        "libbilling.so.3",
        &["libc.so.6"],
        &[need("libc.so.6", "GLIBC_2.38")],
    );
    let advice = advise(&glibc(vec![program(&["libbilling.so.3"], &[]), new]));
    assert_eq!(on(&advice, "debian-12").verdict, BaseVerdict::Fails);
    let file = &lack(&advice, "debian-12", "GLIBC_2.38").file;
    assert_eq!(*file, Some(AppPath::new("/usr/lib64/libbilling.so.3")));
    assert_eq!(on(&advice, "debian-13").verdict, BaseVerdict::WithChanges);
    assert_eq!(
        advice.floors,
        [],
        "the floor is that of the application's files"
    );
}

#[test]
fn a_part_of_the_old_c_library_is_not_copied() {
    let tied = host(
        "libcidn.so.1",
        &["libc.so.6"],
        &[need("libc.so.6", "GLIBC_PRIVATE")],
    );
    let advice = advise(&glibc(vec![program(&["libcidn.so.1"], &[]), tied]));
    let needed = remedy(&advice, "debian-12", "libcidn.so.1");
    assert_eq!(*needed, Remedy::None);
}

#[test]
fn a_newer_libstdcxx_can_come_along_where_the_c_library_allows_it() {
    let wanted = need("libstdc++.so.6", "GLIBCXX_3.4.32");
    let newer = host(
        "libstdc++.so.6",
        &["libc.so.6"],
        &[need("libc.so.6", "GLIBC_2.34")],
    );
    let advice = advise(&glibc(vec![program(&["libstdc++.so.6"], &[wanted]), newer]));
    let needed = remedy(&advice, "debian-12", "GLIBCXX_3.4.32");
    assert_eq!(*needed, copy("/usr/lib64/libstdc++.so.6"));
    let needed = remedy(&advice, "debian-11", "GLIBCXX_3.4.32");
    assert_eq!(*needed, Remedy::None);
    assert_eq!(on(&advice, "debian-13").verdict, BaseVerdict::Starts);
}

#[test]
fn what_the_application_brings_is_asked_of_no_base() {
    let mut bundled = host("libstdc++.so.6", &["libc.so.6"], &[]);
    bundled.in_scope = true;
    let wanted = need("libstdc++.so.6", "GLIBCXX_3.4.99");
    let advice = advise(&glibc(vec![
        program(&["libstdc++.so.6"], &[wanted]),
        bundled,
    ]));
    assert_eq!(on(&advice, "debian-11").verdict, BaseVerdict::Starts);
    assert_eq!(advice.floors, []);
}

#[test]
fn a_weak_version_raises_no_floor() {
    let mut weak = need("libc.so.6", "GLIBC_2.99");
    weak.weak = true;
    let advice = advise(&glibc(vec![program(&["libc.so.6"], &[weak])]));
    assert_eq!(on(&advice, "debian-11").verdict, BaseVerdict::Starts);
    assert_eq!(advice.floors, []);
}

#[test]
fn packed_relocations_need_glibc_2_36() {
    let relr = need("libc.so.6", "GLIBC_ABI_DT_RELR");
    let advice = advise(&glibc(vec![program(&["libc.so.6"], &[relr])]));
    assert_eq!(on(&advice, "debian-11").verdict, BaseVerdict::Fails);
    assert_eq!(on(&advice, "debian-12").verdict, BaseVerdict::Starts);
    assert_eq!(advice.floors[0].version, "GLIBC_ABI_DT_RELR");
}

#[test]
fn a_musl_program_starts_on_alpine_alone() {
    let musl = Closure {
        libc: Libc::Musl,
        objects: vec![program(&["libc.musl-x86_64.so.1", "libstdc++.so.6"], &[])],
        ..Closure::default()
    };
    let advice = advise(&musl);
    assert_eq!(
        on(&advice, "alpine-3.22").verdict,
        BaseVerdict::WithPackages
    );
    assert_eq!(lack(&advice, "debian-12", "musl").kind, LackKind::Libc);
    let others = advice
        .bases
        .iter()
        .filter(|b| !b.base.starts_with("alpine"));
    assert!(others.into_iter().all(|b| b.verdict == BaseVerdict::Fails));
}

#[test]
fn a_glibc_program_does_not_start_on_alpine() {
    let advice = advise(&glibc(vec![program(&["libc.so.6"], &[])]));
    assert_eq!(on(&advice, "alpine-3.22").verdict, BaseVerdict::Fails);
    assert_eq!(on(&advice, "scratch").verdict, BaseVerdict::Fails);
}

#[test]
fn a_static_program_starts_anywhere_and_needs_no_base() {
    let advice = advise(&Closure {
        objects: vec![program(&[], &[])],
        ..Closure::default()
    });
    let starts = |b: &BaseAdvice| b.verdict == BaseVerdict::Starts;
    assert!(advice.bases.iter().all(starts));
    assert_eq!(advice.bases[0].base, "scratch");
}

#[test]
fn the_smallest_supported_base_comes_first() {
    let advice = advise(&glibc(vec![program(&["libz.so.1", "libc.so.6"], &[])]));
    let starts: Vec<_> = advice
        .bases
        .iter()
        .filter(|b| b.verdict == BaseVerdict::Starts)
        .collect();
    assert!(starts.len() > 5);
    let ended = starts.iter().position(|b| b.ended).unwrap();
    assert!(starts[ended..].iter().all(|b| b.ended));
    let sizes: Vec<_> = starts[..ended]
        .iter()
        .map(|b| b.size_mb.unwrap_or(u32::MAX))
        .collect();
    assert!(sizes.is_sorted(), "{sizes:?}");
    assert!(advice.bases.is_sorted_by_key(|b| b.verdict));
}

#[test]
fn an_executable_stack_is_refused_to_plugins_by_new_c_libraries() {
    let mut plugin = program(&["libc.so.6"], &[]);
    plugin.path = Some(AppPath::new("/opt/app/lib/plugin.so"));
    plugin.exec_stack = true;
    plugin.late = true;
    let main = program(&["libc.so.6"], &[]);
    let advice = advise(&glibc(vec![main.clone(), plugin.clone()]));
    assert_eq!(on(&advice, "debian-12").verdict, BaseVerdict::Starts);
    assert_eq!(on(&advice, "debian-13").verdict, BaseVerdict::WithChanges);
    let refused = lack(&advice, "debian-13", "an executable stack");
    assert_eq!(refused.file, plugin.path);
    // Loaded at the start, it still gets it.
    plugin.late = false;
    let advice = advise(&glibc(vec![main, plugin]));
    assert_eq!(on(&advice, "debian-13").verdict, BaseVerdict::Starts);
}

#[test]
fn an_interpreter_is_named_by_its_package_or_with_what_there_is() {
    let script = Interpreter {
        language: "python".to_owned(),
        version: Some("3.9".to_owned()),
        file: AppPath::new("/opt/app/run.py"),
    };
    let advice = advise(&Closure {
        interpreters: vec![script],
        ..Closure::default()
    });
    let needed = remedy(&advice, "debian-11", "python 3.9");
    assert_eq!(*needed, install("python3.9"));
    let needed = remedy(&advice, "debian-12", "python 3.9");
    assert!(matches!(needed, Remedy::Change { how } if how.contains("3.11")));
    assert_eq!(on(&advice, "scratch").verdict, BaseVerdict::Fails);
    assert_eq!(on(&advice, "alpine-3.22").verdict, BaseVerdict::WithChanges);
}

#[test]
fn a_32_bit_program_needs_a_base_that_has_them() {
    let mut closure = glibc(vec![program(&["libX11.so.6", "libc.so.6"], &[])]);
    closure.machine = Machine::X86;
    let advice = advise(&closure);
    assert_eq!(on(&advice, "ubi-10").verdict, BaseVerdict::Fails);
    let needed = remedy(&advice, "debian-12", "libX11.so.6");
    assert_eq!(*needed, install("libx11-6:i386"));
    assert_eq!(
        lack(&advice, "debian-12", "32-bit x86").kind,
        LackKind::Machine
    );
}

#[test]
fn where_no_source_tells_the_answer_is_unknown() {
    let own = host("libbilling.so.3", &["libc.so.6"], &[]);
    let advice = advise(&glibc(vec![program(&["libbilling.so.3"], &[]), own]));
    assert_eq!(on(&advice, "ubi-9").verdict, BaseVerdict::Unknown);
    let note = lack(&advice, "ubi-9", "libbilling.so.3").note.as_deref();
    assert!(note.is_some_and(|note| note.contains("/usr/lib64/libbilling.so.3")));
    let versioned = need("libpq.so.5", "RHPG_9.6");
    let advice = advise(&glibc(vec![program(&["libpq.so.5"], &[versioned])]));
    let unchecked = &on(&advice, "debian-12").unchecked;
    assert_eq!(*unchecked, ["RHPG_9.6 of libpq.so.5"]);
}

#[test]
fn a_processor_level_is_a_floor() {
    let mut fast = program(&["libc.so.6"], &[]);
    fast.isa = Some(3);
    let floors = floors(&glibc(vec![fast]));
    assert_eq!(floors.len(), 1);
    assert_eq!(floors[0].version, "x86-64-v3");
    assert_eq!(floors[0].library, "processor");
}

#[test]
fn needs_that_go_round_in_a_circle_end() {
    let a = host("liba.so.1", &["libb.so.1"], &[]);
    let b = host("libb.so.1", &["liba.so.1", "libb.so.1"], &[]);
    let advice = advise(&glibc(vec![program(&["liba.so.1"], &[]), a, b]));
    assert_eq!(on(&advice, "debian-12").lacks.len(), 2);
}

#[test]
fn what_shares_an_image_is_merged() {
    let first = glibc(vec![program(
        &["libc.so.6"],
        &[need("libc.so.6", "GLIBC_2.9")],
    )]);
    let newer = [need("libm.so.6", "GLIBC_2.38")];
    let second = glibc(vec![program(&["libX11.so.6"], &newer)]);
    let merged = merge(vec![advise(&first), advise(&second)]);
    assert_eq!(merged.floors.len(), 1);
    assert_eq!(merged.floors[0].version, "GLIBC_2.38");
    assert_eq!(on(&merged, "debian-12").verdict, BaseVerdict::Fails);
    assert_eq!(
        remedy(&merged, "debian-13", "libX11.so.6"),
        &install("libx11-6")
    );
    let verdicts: Vec<_> = merged.bases.iter().map(|base| base.verdict).collect();
    assert!(verdicts.is_sorted());
}
