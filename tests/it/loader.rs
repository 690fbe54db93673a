//! The rules of the loaders' search, on small roots whose ELF files are made here. What each rule
//! says was seen with real loaders (`loader_cases`).

use std::path::Path;

use seaworthy::fact::LibraryStatus::{self, *};
use seaworthy::link::loader::{
    Asked, Cpu, Family, Loader, Outcome, Phase, Request, Shelf, Start, Verdict,
};
use seaworthy::path::AppPath;
use seaworthy::tree::{Root, Who};
use tempfile::TempDir;

use crate::elf_fixture::{
    AUXILIARY, Elf, FILTER, FLAGS_1, LD_MUSL, LD_SO, NEEDED, NODEFLIB, PIE, cache, glibc_loader,
    musl_loader,
};

struct Lab(TempDir);

impl Lab {
    fn new() -> Self {
        Self::of("2.36")
    }

    fn of(version: &str) -> Self {
        let lab = Self(TempDir::new().unwrap());
        lab.file(LD_SO, &glibc_loader(version, &["/lib/", "/usr/lib/"]))
    }

    fn musl() -> Self {
        Self(TempDir::new().unwrap()).file(LD_MUSL, &musl_loader())
    }

    fn host(&self, path: &str) -> std::path::PathBuf {
        self.0.path().join(path.trim_start_matches('/'))
    }

    fn file(self, path: &str, bytes: &[u8]) -> Self {
        let host = self.host(path);
        std::fs::create_dir_all(host.parent().unwrap()).unwrap();
        std::fs::write(host, bytes).unwrap();
        self
    }

    fn dir(self, path: &str) -> Self {
        std::fs::create_dir_all(self.host(path)).unwrap();
        self
    }

    fn link(self, target: &str, path: &str) -> Self {
        let host = self.host(path);
        std::fs::create_dir_all(host.parent().unwrap()).unwrap();
        std::os::unix::fs::symlink(target, host).unwrap();
        self
    }

    fn mode(self, path: &str, mode: u32) -> Self {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(self.host(path), mode).unwrap();
        self
    }

    fn elf(self, path: &str, elf: Elf) -> Self {
        self.file(path, &elf.build())
    }

    /// A library that is called as its file is, and needs nothing.
    fn lib(self, path: &str) -> Self {
        self.lib_needing(path, &[], |elf| elf)
    }

    fn lib_needing(self, path: &str, needed: &[&str], more: impl Fn(Elf) -> Elf) -> Self {
        let name = Path::new(path).file_name().unwrap().to_str().unwrap();
        self.elf(path, more(Elf::lib().soname(name).needed(needed)))
    }

    fn exe(self, needed: &[&str], more: impl Fn(Elf) -> Elf) -> Self {
        self.elf("/app/bin/main", more(Elf::program().needed(needed)))
    }

    fn start(&self, request: &Request<'_>) -> Outcome {
        let root = Root::open(self.0.path()).unwrap();
        Loader::new(&root).run(request)
    }

    fn run(&self) -> Outcome {
        self.start(&request())
    }

    /// What `/app/bin/main` loads: `name=path`, `name!` for what ends the start, `name?` else.
    fn loads(&self) -> Vec<String> {
        rows(&self.run())
    }

    fn loads_with(&self, change: impl Fn(&mut Request<'_>)) -> Vec<String> {
        let mut request = request();
        change(&mut request);
        rows(&self.start(&request))
    }

    fn status(&self) -> LibraryStatus {
        self.run().libraries[0].status
    }
}

fn request() -> Request<'static> {
    let mut request = Request::new("/app/bin/main");
    request.cpu = Cpu { x86_level: 3 };
    request
}

fn rows(outcome: &Outcome) -> Vec<String> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let row = |needed: &seaworthy::link::loader::Needed| match (needed.status, &needed.path) {
        (Resolved, Some(path)) => format!("{}={}", text(&needed.name), text(path)),
        (Aborts, _) => format!("{}!", text(&needed.name)),
        _ => format!("{}?", text(&needed.name)),
    };
    outcome.libraries.iter().map(row).collect()
}

fn env(name: &'static str, value: &'static str) -> impl Fn(&mut Request<'_>) {
    move |request| {
        request.env.insert(name.into(), value.into());
    }
}

#[test]
fn rpath_is_inherited_and_runpath_is_not() {
    let lab = |more: fn(Elf) -> Elf| {
        Lab::new()
            .lib("/app/lib/libb.so")
            .lib_needing("/app/lib/liba.so", &["libb.so"], |elf| elf)
            .exe(&["liba.so"], more)
            .loads()
    };
    let found = ["liba.so=/app/lib/liba.so", "libb.so=/app/lib/libb.so"];
    assert_eq!(lab(|elf| elf.rpath("/app/lib")), found);
    assert_eq!(lab(|elf| elf.runpath("/app/lib")), [found[0], "libb.so?"]);
}

#[test]
fn runpath_hides_the_rpath_of_its_object_and_of_those_above_but_not_from_those_below() {
    for runpath in ["/none", ""] {
        let lab = Lab::new()
            .lib("/app/lib/libc1.so")
            .lib_needing("/app/a/libb.so", &["libc1.so"], |elf| elf)
            .lib_needing("/app/lib/liba.so", &["libx.so", "libb.so"], |elf| {
                elf.rpath("/app/a").runpath(runpath)
            })
            .lib("/app/lib/libx.so")
            .exe(&["liba.so", "libb.so"], |elf| elf.rpath("/app/lib:/app/a"));
        let want = [
            "liba.so=/app/lib/liba.so",
            "libb.so=/app/a/libb.so",
            "libx.so?",
            "libc1.so=/app/lib/libc1.so",
        ];
        assert_eq!(lab.loads(), want);
    }
}

#[test]
fn the_parts_of_the_search_come_in_order() {
    let dirs = ["/app/rp", "/app/env", "/app/rup", "/app/cached", "/usr/lib"];
    let cached = cache(&[("lib1.so", "/app/cached/lib1.so", None)]);
    let tags: [fn(Elf) -> Elf; 2] = [|elf| elf.rpath("/app/rp"), |elf| elf.runpath("/app/rup")];
    let with_env = env("LD_LIBRARY_PATH", "/app/env");
    let lab = |tag: fn(Elf) -> Elf| {
        let lab = Lab::new().file("/etc/ld.so.cache", &cached);
        let lab = dirs
            .iter()
            .fold(lab, |lab, dir| lab.lib(&format!("{dir}/lib1.so")));
        lab.exe(&["lib1.so"], tag)
    };
    let phase = |lab: &Lab| lab.run().libraries[0].phase.unwrap();
    assert_eq!(
        lab(tags[0]).loads_with(&with_env),
        ["lib1.so=/app/rp/lib1.so"]
    );
    assert_eq!(
        lab(tags[1]).loads_with(&with_env),
        ["lib1.so=/app/env/lib1.so"]
    );
    assert_eq!(phase(&lab(tags[1])), Phase::Runpath);
    assert_eq!(phase(&lab(|elf| elf)), Phase::Cache);
    let bare = lab(|elf| elf).file("/etc/ld.so.cache", b"");
    assert_eq!(bare.loads(), ["lib1.so=/usr/lib/lib1.so"]);
}

#[test]
fn what_a_library_hides_is_named_with_its_phase() {
    let lab = Lab::new()
        .lib("/app/rup/lib1.so")
        .lib("/usr/lib/lib1.so")
        .exe(&["lib1.so"], |elf| elf.runpath("/app/rup"));
    let mut request = request();
    request.shadows = true;
    let outcome = lab.start(&request);
    let by = outcome.libraries[0].by.as_ref().unwrap();
    assert_eq!(by.tag, "DT_RUNPATH");
    assert_eq!(by.object.as_deref(), Some("/app/bin/main"));
    let shadow = &outcome.libraries[0].shadows[0];
    assert_eq!(
        (shadow.phase, &shadow.path[..]),
        (Phase::Default, &b"/usr/lib/lib1.so"[..])
    );
}

#[test]
fn an_empty_or_relative_element_is_the_working_directory() {
    let lab = |path: &'static str| {
        Lab::new()
            .lib("/app/lib/liba.so")
            .exe(&["liba.so"], move |elf| elf.runpath(path))
    };
    let from = |cwd: &'static str| move |request: &mut Request<'_>| request.cwd = cwd.into();
    assert_eq!(
        lab("/none::/x").loads_with(from("/app/lib")),
        ["liba.so=liba.so"]
    );
    assert_eq!(lab("lib").loads_with(from("/app")), ["liba.so=lib/liba.so"]);
    let elsewhere = lab("lib");
    assert_eq!(elsewhere.status(), ByEnvironment);
    assert_eq!(lab("/app/lib;/x").loads(), ["liba.so?"]);
}

#[test]
fn the_environment_splits_at_semicolons_too_and_knows_the_programs_origin() {
    let lab = Lab::new()
        .lib("/app/e1/lib1.so")
        .lib("/app/lib/lib2.so")
        .exe(&["lib1.so", "lib2.so"], |elf| elf);
    let want = ["lib1.so=/app/e1/lib1.so", "lib2.so=/app/bin/../lib/lib2.so"];
    let list = env("LD_LIBRARY_PATH", "/app/e1/;$ORIGIN/../lib");
    assert_eq!(lab.loads_with(list), want);
    assert_eq!(
        lab.loads_with(env("LD_LIBRARY_PATH", "")),
        ["lib1.so?", "lib2.so?"]
    );
}

#[test]
fn origin_is_resolved_for_the_program_and_textual_for_libraries() {
    let lab = Lab::new()
        .lib_needing("/real/lib/liba.so", &["libb.so"], |elf| {
            elf.runpath("$ORIGIN")
        })
        .link("/real/lib/liba.so", "/app/lib/liba.so")
        .lib("/app/lib/libb.so")
        .lib("/real/lib/libb.so")
        .elf(
            "/real/bin/main",
            Elf::program()
                .needed(&["liba.so"])
                .runpath("$ORIGIN/../../app/lib"),
        )
        .link("/real/bin/main", "/app/bin/main");
    let want = [
        "liba.so=/real/bin/../../app/lib/liba.so",
        "libb.so=/real/bin/../../app/lib/libb.so",
    ];
    assert_eq!(lab.loads(), want);
    // Called by its path, the loader before 2.42 takes that path as it is.
    let by_loader = lab.loads_with(|request| request.start = Start::Loader);
    assert_eq!(by_loader[0], "liba.so=/app/bin/../../app/lib/liba.so");
}

#[test]
fn parents_of_linked_directories_are_physical_and_the_root_has_none() {
    let lab = Lab::new()
        .lib("/real/lib/liba.so")
        .lib("/app/lib/liba.so")
        .dir("/real/x")
        .link("/real/x", "/app/l")
        .exe(&["liba.so"], |elf| elf.runpath("/app/l/../lib"));
    let outcome = lab.run();
    let real = outcome.libraries[0].real_path.clone();
    assert_eq!(real, Some(AppPath::new("/real/lib/liba.so")));
    let lab = Lab::new()
        .lib("/real/lib/liba.so")
        .exe(&["liba.so"], |elf| {
            elf.runpath("$ORIGIN/../../../../real/lib")
        });
    assert_eq!(lab.run().verdict, Verdict::Starts);
}

#[test]
fn names_with_a_slash_are_paths() {
    let lab = Lab::new()
        .lib("/app/lib/liba.so")
        .lib_needing("/app/o/libb.so", &["liba.so"], |elf| elf)
        .exe(
            &["/app/lib/liba.so", "$ORIGIN/../o/libb.so", "x/libc1.so"],
            |elf| elf,
        );
    let want = [
        "/app/lib/liba.so=/app/lib/liba.so",
        "/app/bin/../o/libb.so=/app/bin/../o/libb.so",
        "x/libc1.so?",
    ];
    assert_eq!(lab.loads(), want);
}

#[test]
fn the_first_load_decides_by_soname_and_by_inode() {
    let lab = Lab::new()
        .elf("/app/lib/libimpl.so", Elf::lib().soname("liba.so.1"))
        .lib_needing("/app/lib/libb.so", &["liba.so.1"], |elf| elf)
        .elf("/app/lib/libn.so", Elf::lib())
        .link("libn.so", "/app/lib/libm.so")
        .exe(&["libimpl.so", "libb.so", "libn.so", "libm.so"], |elf| {
            elf.runpath("/app/lib")
        });
    let want = [
        "libimpl.so=/app/lib/libimpl.so",
        "libb.so=/app/lib/libb.so",
        "libn.so=/app/lib/libn.so",
    ];
    assert_eq!(lab.loads(), want);
}

#[test]
fn breadth_comes_first_and_cycles_end() {
    let lab = Lab::new()
        .lib("/app/b/libd.so")
        .lib("/app/c/libd.so")
        .lib_needing("/app/lib/libc1.so", &["libd.so", "liba.so"], |elf| {
            elf.runpath("/app/c")
        })
        .lib_needing("/app/lib/liba.so", &["libc1.so", "liba.so"], |elf| {
            elf.runpath("/app/lib")
        })
        .lib_needing("/app/lib/libb.so", &["libd.so"], |elf| {
            elf.runpath("/app/b")
        })
        .exe(&["liba.so", "libb.so"], |elf| elf.runpath("/app/lib"));
    assert_eq!(lab.loads()[3], "libd.so=/app/b/libd.so");
    assert_eq!(lab.loads().len(), 4);
}

/// A file that stands before a good one.
fn before_a_good_one(bad: impl Fn(Lab, &str) -> Lab) -> (Verdict, Vec<String>) {
    let lab = bad(Lab::new().dir("/app/bad"), "/app/bad/liba.so")
        .lib("/app/good/liba.so")
        .exe(&["liba.so"], |elf| elf.runpath("/app/bad:/app/good"));
    let outcome = lab.run();
    (outcome.verdict, rows(&outcome))
}

#[test]
fn some_candidates_are_skipped() {
    let good = (
        Verdict::Starts,
        vec!["liba.so=/app/good/liba.so".to_owned()],
    );
    let changed = |change: fn(&mut Elf)| {
        move |lab: Lab, path: &str| {
            let mut elf = Elf::lib();
            change(&mut elf);
            lab.elf(path, elf)
        }
    };
    assert_eq!(before_a_good_one(|lab, path| lab.link("/none", path)), good);
    assert_eq!(before_a_good_one(changed(|elf| elf.wide = false)), good);
    assert_eq!(before_a_good_one(changed(|elf| elf.machine = 183)), good);
    let no_dir = |lab: Lab, _: &str| {
        std::fs::remove_dir(lab.host("/app/bad")).unwrap();
        lab.file("/app/bad", b"x")
    };
    assert_eq!(before_a_good_one(no_dir), good);
}

#[test]
fn some_candidates_end_the_process() {
    let bad = (Verdict::Aborts, vec!["liba.so!".to_owned()]);
    for bytes in [
        &b"GROUP ( libA.so.1 )                                                   "[..],
        b"",
    ] {
        assert_eq!(before_a_good_one(|lab, path| lab.file(path, bytes)), bad);
    }
    assert_eq!(before_a_good_one(|lab, path| lab.dir(path)), bad);
    let changed = |change: fn(&mut Elf)| {
        move |lab: Lab, path: &str| {
            let mut elf = Elf::lib();
            change(&mut elf);
            lab.elf(path, elf)
        }
    };
    assert_eq!(before_a_good_one(changed(|elf| elf.kind = 1)), bad);
    assert_eq!(before_a_good_one(changed(|elf| elf.kind = 2)), bad);
    assert_eq!(before_a_good_one(changed(|elf| elf.big = true)), bad);
    assert_eq!(
        before_a_good_one(|lab, path| lab.elf(path, Elf::lib().number(FLAGS_1, PIE))),
        bad
    );
    let cut = |lab: Lab, path: &str| lab.file(path, &Elf::lib().build()[..100]);
    assert_eq!(before_a_good_one(cut), bad);
}

#[test]
fn a_loop_of_links_ends_the_list_but_not_the_search() {
    let looped = before_a_good_one(|lab, path| lab.link("liba.so", path));
    assert_eq!(looped, (Verdict::Missing, vec!["liba.so?".to_owned()]));
    let later = before_a_good_one(|lab, path| lab.link("liba.so", path).lib("/usr/lib/liba.so"));
    assert_eq!(later.1, ["liba.so=/usr/lib/liba.so"]);
}

#[test]
fn permissions_count_for_a_user_and_not_for_root() {
    let lab = Lab::new()
        .lib("/app/bad/liba.so")
        .mode("/app/bad/liba.so", 0o000)
        .lib("/app/good/liba.so")
        .exe(&["liba.so"], |elf| elf.runpath("/app/bad:/app/good"))
        .mode("", 0o755);
    let nobody = lab.loads_with(|request| {
        request.who = Some(Who {
            uid: 65534,
            groups: vec![65534],
        });
    });
    assert_eq!(nobody, ["liba.so=/app/good/liba.so"]);
}

#[test]
fn directories_by_processor_come_first_as_far_as_the_release_has_them() {
    let lab = |version: &str| {
        Lab::of(version)
            .lib("/app/lib/liba.so")
            .lib("/app/lib/glibc-hwcaps/x86-64-v2/liba.so")
            .lib("/app/lib/glibc-hwcaps/x86-64-v4/liba.so")
            .lib("/app/lib/libb.so")
            .lib("/app/lib/tls/libb.so")
            .exe(&["liba.so", "libb.so"], |elf| elf.runpath("/app/lib"))
            .loads()
    };
    let new = "liba.so=/app/lib/glibc-hwcaps/x86-64-v2/liba.so";
    let old = "libb.so=/app/lib/tls/libb.so";
    assert_eq!(lab("2.36"), [new, old]);
    assert_eq!(lab("2.37"), [new, "libb.so=/app/lib/libb.so"]);
    assert_eq!(lab("2.31"), ["liba.so=/app/lib/liba.so", old]);
}

#[test]
fn the_cache_is_asked_by_soname_and_the_best_usable_variant_is_taken() {
    let entries = [
        ("liba.so.1", "/v/liba-impl.so", None),
        (
            "libb.so.1",
            "/v/glibc-hwcaps/x86-64-v3/libb.so.1",
            Some("x86-64-v3"),
        ),
        (
            "libb.so.1",
            "/v/glibc-hwcaps/x86-64-v4/libb.so.1",
            Some("x86-64-v4"),
        ),
        ("libb.so.1", "/v/libb.so.1", None),
        ("libb.so.10", "/v/libb.so.10", None),
    ];
    let lab = entries.iter().fold(Lab::new(), |lab, entry| {
        lab.elf(entry.1, Elf::lib().soname(entry.0))
    });
    let lab = lab.file("/etc/ld.so.cache", &cache(&entries)).exe(
        &["liba.so.1", "libb.so.1", "libb.so.10", "liba-impl.so"],
        |elf| elf,
    );
    let want = [
        "liba.so.1=/v/liba-impl.so",
        "libb.so.1=/v/glibc-hwcaps/x86-64-v3/libb.so.1",
        "libb.so.10=/v/libb.so.10",
        "liba-impl.so?",
    ];
    assert_eq!(lab.loads(), want);
}

#[test]
fn a_stale_entry_is_passed_over_and_said_when_nothing_follows() {
    let cached = cache(&[("liba.so", "/gone/liba.so", None)]);
    let lab = || {
        Lab::new()
            .file("/etc/ld.so.cache", &cached)
            .exe(&["liba.so"], |elf| elf)
    };
    assert_eq!(lab().status(), StaleCache);
    assert_eq!(lab().lib("/usr/lib/liba.so").status(), Resolved);
}

#[test]
fn a_configured_directory_counts_only_through_the_cache() {
    let lab = Lab::new()
        .lib("/opt/v/lib/liba.so")
        .file("/etc/ld.so.conf", b"# c\n include conf.d/*.conf\n")
        .file("/etc/conf.d/v.conf", b"/opt/v/lib/=libc6\n")
        .exe(&["liba.so"], |elf| elf);
    let outcome = lab.run();
    assert_eq!(outcome.verdict, Verdict::Missing);
    assert_eq!(outcome.libraries[0].status, NotCached);
}

#[test]
fn nodeflib_leaves_out_default_directories_and_cached_paths_in_them() {
    let cached = cache(&[
        ("liba.so", "/usr/lib/liba.so", None),
        ("libb.so", "/opt/libb.so", None),
    ]);
    let lab = Lab::new()
        .lib("/usr/lib/liba.so")
        .lib("/opt/libb.so")
        .file("/etc/ld.so.cache", &cached)
        .exe(&["liba.so", "libb.so"], |elf| elf.number(FLAGS_1, NODEFLIB));
    assert_eq!(lab.loads(), ["liba.so?", "libb.so=/opt/libb.so"]);
}

#[test]
fn preloaded_objects_come_first_and_may_be_missing() {
    let lab = Lab::new()
        .lib("/app/p/libp.so")
        .lib_needing("/app/p/libf.so", &["libq.so"], |elf| elf)
        .lib("/app/lib/libq.so")
        .lib("/app/lib/liba.so")
        .file("/etc/ld.so.preload", b"# c\n/app/p/libf.so # d\n")
        .exe(&["liba.so"], |elf| elf.rpath("/app/lib"));
    let mut request = request();
    env("LD_PRELOAD", "/app/p/libp.so /no/such.so")(&mut request);
    let outcome = lab.start(&request);
    let want = [
        "/app/p/libp.so=/app/p/libp.so",
        "/no/such.so?",
        "/app/p/libf.so=/app/p/libf.so",
        "liba.so=/app/lib/liba.so",
        "libq.so=/app/lib/libq.so",
    ];
    assert_eq!(rows(&outcome), want);
    assert_eq!(outcome.verdict, Verdict::Starts);
    assert_eq!(outcome.libraries[2].asked, Asked::PreloadFile);
}

#[test]
fn filtees_stand_before_their_owner_and_auxiliary_ones_may_be_missing() {
    let lab = |tag, name: &'static str| {
        Lab::new()
            .lib("/app/lib/libx.so")
            .lib_needing("/app/lib/liba.so", &[], move |elf| {
                elf.runpath("/app/lib").text(tag, name)
            })
            .exe(&["liba.so"], |elf| elf.runpath("/app/lib"))
            .run()
    };
    let found = ["libx.so=/app/lib/libx.so", "liba.so=/app/lib/liba.so"];
    assert_eq!(rows(&lab(AUXILIARY, "libx.so")), found);
    assert_eq!(rows(&lab(FILTER, "libx.so")), found);
    assert_eq!(lab(AUXILIARY, "libno.so").verdict, Verdict::Starts);
    assert_eq!(lab(FILTER, "libno.so").verdict, Verdict::Missing);
}

#[test]
fn raised_privileges_shut_out_the_environment_and_a_free_origin() {
    let lab = Lab::new()
        .lib("/app/env/liba.so")
        .lib("/app/lib/liba.so")
        .lib("/usr/lib/liba.so")
        .lib("/abs/libb.so")
        .exe(&["liba.so", "libb.so"], |elf| {
            elf.runpath("$ORIGIN/../lib:/abs")
        })
        .mode("/app/bin/main", 0o4755);
    let loads = lab.loads_with(env("LD_LIBRARY_PATH", "/app/env"));
    assert_eq!(loads, ["liba.so=/usr/lib/liba.so", "libb.so=/abs/libb.so"]);
}

#[test]
fn a_missing_version_ends_the_start_unless_it_is_weak_or_nothing_is_versioned() {
    let lab = |version: &'static str, weak, defines: &'static [&'static str]| {
        Lab::new()
            .lib_needing("/usr/lib/liba.so", &[], |elf| elf.defines(defines))
            .exe(&["liba.so"], move |elf| {
                elf.needs_version("liba.so", version, weak)
            })
            .run()
            .verdict
    };
    assert_eq!(lab("A_1", false, &["liba.so", "A_1"]), Verdict::Starts);
    assert_eq!(lab("A_2", false, &["liba.so", "A_1"]), Verdict::Aborts);
    assert_eq!(lab("A_2", true, &["liba.so", "A_1"]), Verdict::Starts);
    assert_eq!(lab("A_2", false, &[]), Verdict::Starts);
}

#[test]
fn the_loader_itself_is_never_searched_nor_listed() {
    let lab = Lab::new()
        .lib("/app/lib/ld-linux-x86-64.so.2")
        .exe(&["ld-linux-x86-64.so.2"], |elf| elf.runpath("/app/lib"));
    assert_eq!(lab.run().verdict, Verdict::Starts);
    assert!(lab.loads().is_empty());
}

#[test]
fn verdicts_without_a_search() {
    let verdict = |elf: Elf| Lab::new().elf("/app/bin/main", elf).run().verdict;
    let mut fixed = Elf::lib();
    fixed.kind = 2;
    assert_eq!(verdict(fixed), Verdict::Static);
    assert_eq!(verdict(Elf::lib().number(FLAGS_1, PIE)), Verdict::Static);
    assert_eq!(
        verdict(Elf::lib().interp("/opt/none/ld.so")),
        Verdict::NoInterpreter
    );
    let mut object = Elf::lib();
    object.kind = 1;
    assert_eq!(verdict(object), Verdict::Aborts);
    assert_eq!(Lab::new().run().verdict, Verdict::Unreadable);
    let text = Lab::new().file("/app/bin/main", b"#!/bin/sh\n");
    assert_eq!(text.run().verdict, Verdict::Unreadable);
}

#[test]
fn a_processor_below_the_needed_level_ends_the_start() {
    let mut property = Vec::new();
    for value in [0xc000_8002u32, 4, 0b1000, 0] {
        property.extend_from_slice(&value.to_le_bytes());
    }
    let lab = Lab::new()
        .elf("/usr/lib/liba.so", Elf::lib().note("GNU", 5, &property))
        .exe(&["liba.so"], |elf| elf);
    assert_eq!(lab.run().verdict, Verdict::Aborts);
    let able = lab.loads_with(|request| request.cpu = Cpu { x86_level: 4 });
    assert_eq!(able, ["liba.so=/usr/lib/liba.so"]);
}

#[test]
fn what_is_in_the_tree_but_not_searched_comes_with_the_fix() {
    let lab = Lab::new()
        .lib("/app/lib/liba.so")
        .exe(&["liba.so"], |elf| elf);
    let mut shelf = Shelf::default();
    shelf.add(&AppPath::new("/app/lib/liba.so"), None);
    let mut request = request();
    request.shelf = Some(&shelf);
    let outcome = lab.start(&request);
    let row = &outcome.libraries[0];
    assert_eq!(row.status, Unreachable);
    assert_eq!(row.elsewhere, [AppPath::new("/app/lib/liba.so")]);
    assert!(row.how.contains("$ORIGIN/../lib"), "{}", row.how);
}

#[test]
fn a_plugin_alone_expects_its_host_to_bring_what_is_in_the_tree() {
    let lab = Lab::new()
        .lib("/app/host/libhost.so")
        .lib("/app/plug/libq.so")
        .lib_needing("/app/plug/libp.so", &["libhost.so", "libq.so"], |elf| {
            elf.rpath("$ORIGIN")
        });
    let mut shelf = Shelf::default();
    shelf.add(&AppPath::new("/app/host/libhost.so"), None);
    let mut request = Request::new("/app/plug/libp.so");
    request.shelf = Some(&shelf);
    let outcome = lab.start(&request);
    assert_eq!(outcome.libraries[0].status, ByHost);
    assert_eq!(rows(&outcome)[1], "libq.so=/app/plug/libq.so");
}

#[test]
fn bytes_that_are_no_text_are_names_as_well() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    let lab = Lab::new().dir("/app/lib");
    let host = lab.host("/app/lib").join(OsStr::from_bytes(b"lib\xe9.so"));
    std::fs::write(host, Elf::lib().build()).unwrap();
    let lab = lab.elf(
        "/app/bin/main",
        Elf::program()
            .text(NEEDED, b"lib\xe9.so")
            .runpath("/app/lib"),
    );
    let listing = lab.run().listing();
    assert_eq!(
        listing.libraries[0].path.as_deref(),
        Some("/app/lib/lib\\xe9.so")
    );
}

#[test]
fn a_listing_has_the_fields_of_the_contract() {
    let lab = Lab::new()
        .lib("/usr/lib/liba.so")
        .exe(&["liba.so", "libb.so"], |elf| elf);
    let json = serde_json::to_value(lab.run().listing()).unwrap();
    assert_eq!(json["file"], "/app/bin/main");
    assert_eq!(json["verdict"], "missing");
    let row = &json["libraries"][0];
    assert_eq!(row["name"], "liba.so");
    assert_eq!(row["status"], "resolved");
    assert_eq!(row["path"], "/usr/lib/liba.so");
    assert_eq!(row["real_path"], "/usr/lib/liba.so");
    assert_eq!(row["phase"], "default");
    assert_eq!(row["by"]["tag"], "default directories");
    assert_eq!(json["libraries"][1]["path"], serde_json::Value::Null);
}

#[test]
fn directories_and_tokens_come_from_the_loader_in_the_root() {
    let dirs = ["/deep/store/lib/", "/deep/other/lib64/"];
    let lab = Lab(TempDir::new().unwrap())
        .file(LD_SO, &glibc_loader("2.40", &dirs))
        .lib("/deep/other/lib64/liba.so")
        .lib("/usr/lib/libb.so")
        .lib("/app/lib/libc1.so")
        .exe(&["liba.so", "libb.so", "libc1.so"], |elf| {
            elf.runpath("/app/$LIB")
        });
    let want = [
        "liba.so=/deep/other/lib64/liba.so",
        "libb.so?",
        "libc1.so=/app/lib/libc1.so",
    ];
    assert_eq!(lab.loads(), want);
    let profile = lab.run().loader.unwrap();
    assert_eq!(
        (profile.family, profile.version),
        (Family::Glibc, Some((2, 40)))
    );
}

fn musl(needed: &[&str], more: impl Fn(Elf) -> Elf) -> Lab {
    let main = Elf::lib().interp(LD_MUSL).needed(needed);
    Lab::musl().elf("/app/bin/main", more(main))
}

#[test]
fn musl_inherits_runpath_and_asks_the_environment_first() {
    let lab = musl(&["liba.so"], |elf| elf.runpath("/app/lib"))
        .lib("/app/lib/libb.so")
        .lib("/app/env/libb.so")
        .lib_needing(
            "/app/lib/liba.so",
            &["libb.so", "libm.so.6", "libc.so"],
            |elf| elf,
        );
    let a = "liba.so=/app/lib/liba.so";
    assert_eq!(lab.loads(), [a, "libb.so=/app/lib/libb.so"]);
    let with_env = lab.loads_with(env("LD_LIBRARY_PATH", "/app/env"));
    assert_eq!(with_env, [a, "libb.so=/app/env/libb.so"]);
}

#[test]
fn musl_takes_the_first_file_that_opens() {
    let text = musl(&["liba.so"], |elf| elf.rpath("/app/bad:/app/good"))
        .file("/app/bad/liba.so", &[b'x'; 100])
        .lib("/app/good/liba.so");
    assert_eq!(text.run().verdict, Verdict::Aborts);
    let mut arm = Elf::lib();
    arm.machine = 183;
    let other = musl(&["liba.so"], |elf| elf.rpath("/app/a")).elf("/app/a/liba.so", arm);
    assert_eq!(other.loads(), ["liba.so=/app/a/liba.so"]);
}

#[test]
fn musl_voids_a_path_with_an_unknown_token_and_skips_empty_elements() {
    let lab = |path: &'static str| {
        musl(&["liba.so"], move |elf| elf.runpath(path))
            .lib("/app/lib/liba.so")
            .loads_with(|request| request.cwd = b"/app/lib".to_vec())
    };
    assert_eq!(lab("$ORIGIN/../lib"), ["liba.so=/app/bin/../lib/liba.so"]);
    assert_eq!(lab("/app/lib:/x/$LIB"), ["liba.so?"]);
    assert_eq!(lab("::"), ["liba.so?"]);
}

#[test]
fn musl_reads_its_path_file_in_place_of_the_defaults_and_ignores_sonames() {
    let lab = || {
        musl(&["liba.so", "libx.so.1"], |elf| elf)
            .elf("/usr/local/lib/liba.so", Elf::lib().soname("libx.so.1"))
            .lib("/opt/m/libx.so.1")
    };
    assert_eq!(
        lab().loads(),
        ["liba.so=/usr/local/lib/liba.so", "libx.so.1?"]
    );
    let listed = lab().file("/etc/ld-musl-x86_64.path", b"/opt/m\n/none");
    assert_eq!(listed.loads(), ["liba.so?", "libx.so.1=/opt/m/libx.so.1"]);
}
