//! One image, one reading: archives, documents and names that programs take differently are refused,
//! and what honest programs write is read.

use super::*;

/// A header of POSIX's form, made by hand.
fn header(name: &str, kind: u8, size: usize, change: impl Fn(&mut [u8; 512])) -> Vec<u8> {
    let mut block = [0_u8; 512];
    let mut put = |at: usize, bytes: &[u8]| block[at..at + bytes.len()].copy_from_slice(bytes);
    put(0, name.as_bytes());
    put(100, b"0000755\0");
    put(108, b"0000000\0");
    put(116, b"0000000\0");
    put(124, format!("{size:011o}\0").as_bytes());
    put(136, b"00000000000\0");
    put(156, &[kind]);
    put(257, b"ustar\x0000");
    change(&mut block);
    block[148..156].fill(b' ');
    let sum: u32 = block.iter().map(|&byte| u32::from(byte)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    block.to_vec()
}

fn padded(bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes.resize(bytes.len().next_multiple_of(512), 0);
    bytes
}

fn file(name: &str, text: &str) -> Vec<u8> {
    [
        header(name, b'0', text.len(), |_| ()),
        padded(text.as_bytes()),
    ]
    .concat()
}

fn with_content(kind: u8, content: &[u8]) -> Vec<u8> {
    [
        header("PaxHeaders/x", kind, content.len(), |_| ()),
        padded(content),
    ]
    .concat()
}

fn records(kind: u8, records: &[(&str, &str)]) -> Vec<u8> {
    let mut text = String::new();
    for (key, value) in records {
        let rest = key.len() + value.len() + 3;
        let mut length = rest + 1;
        while rest + length.to_string().len() != length {
            length = rest + length.to_string().len();
        }
        text += &format!("{length} {key}={value}\n");
    }
    with_content(kind, text.as_bytes())
}

fn gnu(block: &mut [u8; 512]) {
    block[257..265].copy_from_slice(b"ustar  \0");
}

/// Whether an archive is read as a layer, and its message where not.
fn read(parts: &[&[u8]]) -> Result<Vec<String>, String> {
    use seaworthy::layout::layer::{Compression, Limits, read};
    let tar = [parts.concat(), vec![0; 1024]].concat();
    let mut names = Vec::new();
    let limits = Limits::of(tar.len() as u64);
    let told = read(&tar[..], Compression::None, limits, &mut |entry| {
        names.push(entry.path.to_string());
    });
    told.map(|_| names).map_err(|fault| fault.to_string())
}

#[test]
fn an_archive_that_programs_read_differently_is_refused() {
    let a = file("a", "x");
    let long = |name: &str| with_content(b'L', format!("{name}\0").as_bytes());
    for (what, parts) in [
        ("a long name twice", vec![long("b"), long("c"), a.clone()]),
        (
            "a long name, then records",
            vec![long("b"), records(b'x', &[("mtime", "1")]), a.clone()],
        ),
        (
            "records twice",
            vec![
                records(b'x', &[("path", "b")]),
                records(b'x', &[("uid", "0")]),
                a.clone(),
            ],
        ),
        ("a long name without an entry", vec![a.clone(), long("b")]),
        (
            "a long name with a second end",
            vec![with_content(b'L', b"b\0c\0"), a.clone()],
        ),
        (
            "a long link on a file",
            vec![with_content(b'K', b"b\0"), a.clone()],
        ),
        (
            "a link's target on a file",
            vec![records(b'x', &[("linkpath", "b")]), a.clone()],
        ),
        (
            "a global owner",
            vec![
                records(b'g', &[("comment", "x"), ("uname", "root")]),
                a.clone(),
            ],
        ),
        (
            "a size that the records shorten",
            vec![records(b'x', &[("size", "1")]), file("a", "xyz")],
        ),
        (
            "an owner that the records change",
            vec![records(b'x', &[("uid", "7")]), a.clone()],
        ),
        (
            "a size of star's",
            vec![records(b'x', &[("SCHILY.realsize", "1")]), a.clone()],
        ),
        ("a file like a directory", vec![file("a/", "")]),
        ("a file that is its directory", vec![file("a/.", "")]),
        (
            "a link like a directory",
            vec![header("a/", b'2', 0, |block| block[157] = b'b')],
        ),
        (
            "a record with a directory's name",
            vec![records(b'x', &[("path", "b/")]), a.clone()],
        ),
        (
            "no magic",
            vec![header("a", b'0', 0, |block| block[257..265].fill(0))],
        ),
        (
            "a blank version",
            vec![header("a", b'0', 0, |block| block[263..265].fill(b' '))],
        ),
        (
            "star's mark",
            vec![header("a", b'0', 0, |block| {
                block[508..512].copy_from_slice(b"tar\0")
            })],
        ),
        (
            "GNU's time as a prefix",
            vec![header("a", b'0', 0, |block| {
                gnu(block);
                block[345..357].copy_from_slice(b"14123123123\0");
            })],
        ),
        ("a contiguous file", vec![header("a", b'7', 0, |_| ())]),
        (
            "Solaris' records",
            vec![with_content(b'X', b"11 path=bc\n"), a.clone()],
        ),
        (
            "a negative size",
            vec![header("a", b'0', 0, |block| block[124..136].fill(0xff))],
        ),
        (
            "blanks for a size",
            vec![header("a", b'0', 0, |block| block[124..136].fill(b' '))],
        ),
        (
            "a file that is a directory by its mode",
            vec![header("a", b'0', 0, |block| {
                block[100..108].copy_from_slice(b"0040755\0");
            })],
        ),
        (
            "a device number that is none",
            vec![header("a", b'0', 0, |block| block[329] = b'x')],
        ),
        (
            "a directory with content",
            vec![header("a/", b'5', 1, |_| ()), padded(b"x")],
        ),
        ("a removal with content", vec![file(".wh.b", "x")]),
        (
            "holes in the first form",
            vec![
                records(
                    b'x',
                    &[("GNU.sparse.numblocks", "1"), ("GNU.sparse.size", "9")],
                ),
                a.clone(),
            ],
        ),
        (
            "holes whose map lies",
            vec![
                records(
                    b'x',
                    &[
                        ("GNU.sparse.major", "1"),
                        ("GNU.sparse.minor", "0"),
                        ("GNU.sparse.name", "b"),
                        ("GNU.sparse.realsize", "9"),
                    ],
                ),
                file("a", "1\n0\n20\n"),
            ],
        ),
        (
            "a directory in the oldest form that is given another name",
            vec![with_content(b'L', b"b\0"), header("a/", 0, 0, |_| ())],
        ),
        ("nothing", vec![]),
    ] {
        let parts: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
        let told = if parts.is_empty() {
            use seaworthy::layout::layer::{Compression, Limits, read};
            read(&b""[..], Compression::None, Limits::of(0), &mut |_| ())
                .map(|_| Vec::new())
                .map_err(|e| e.to_string())
        } else {
            read(&parts)
        };
        assert!(told.is_err(), "{what}: {told:?}");
    }
}

#[test]
fn what_honest_programs_write_is_read() {
    let a = file("a", "x");
    let deep = format!("{}/f", "d".repeat(120));
    for (what, parts, name) in [
        (
            "git's remark",
            vec![records(b'g', &[("comment", "0123abcd")]), a.clone()],
            "/a",
        ),
        (
            "GNU's long name",
            vec![
                with_content(b'L', format!("{deep}\0").as_bytes()),
                header("d", b'0', 0, gnu),
            ],
            &*format!("/{deep}"),
        ),
        (
            "records",
            vec![
                records(b'x', &[("path", &deep), ("mtime", "1.25"), ("atime", "-1")]),
                a.clone(),
            ],
            &*format!("/{deep}"),
        ),
        (
            "a prefix",
            vec![header("f", b'0', 0, |block| {
                block[345..348].copy_from_slice(b"p/q")
            })],
            "/p/q/f",
        ),
        (
            "an owner beyond the field",
            vec![records(b'x', &[("uid", "3000000")]), a.clone()],
            "/a",
        ),
        (
            "the same owner twice",
            vec![records(b'x', &[("uid", "0")]), a.clone()],
            "/a",
        ),
        (
            "an owner in base 256",
            vec![header("a", b'0', 0, |block| {
                gnu(block);
                block[108..116].copy_from_slice(b"\x80\0\0\0\0\x2d\xc6\xc0");
            })],
            "/a",
        ),
        (
            "a time before 1970",
            vec![header("a", b'0', 0, |block| {
                gnu(block);
                block[136..148].fill(0xff);
            })],
            "/a",
        ),
        (
            "a mode with its kind",
            vec![header("a", b'0', 0, |block| {
                block[100..108].copy_from_slice(b"0100644\0")
            })],
            "/a",
        ),
        (
            "another vendor's record",
            vec![records(b'x', &[("MSWINDOWS.rawsd", "AQ")]), a.clone()],
            "/a",
        ),
    ] {
        let parts: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
        assert_eq!(read(&parts), Ok(vec![name.to_owned()]), "{what}");
    }
}

/// Changes the text of the index of a chain that holds.
fn index(change: impl Fn(&Chain, String) -> String) -> Result<Custody, String> {
    let chain = Chain::honest();
    let file = chain.path().join("index.json");
    let text = change(&chain, std::fs::read_to_string(&file).unwrap());
    std::fs::write(&file, text).unwrap();
    let today = day("2026-01-01");
    let layout = Layout::open(&chain.path()).map_err(|error| error.to_string())?;
    verify(&layout, "1", &policy(), today, Stage::Finished).map_err(|error| error.to_string())
}

#[test]
fn an_index_that_programs_read_differently_is_refused() {
    let honest = index(|_, text| text).unwrap();
    assert_holds(&honest);
    for (what, from, to) in [
        (
            "a long s",
            "{\"schemaVersion\"",
            "{\"manife\u{17f}ts\":[],\"schemaVersion\"",
        ),
        ("a size in capitals", "\"size\"", "\"Size\":1,\"size\""),
        (
            "a digest twice",
            "\"digest\"",
            "\"digest\":\"sha256:00\",\"digest\"",
        ),
        (
            "layers",
            "{\"schemaVersion\"",
            "{\"layers\":[],\"schemaVersion\"",
        ),
        (
            "Docker's first form",
            "{\"schemaVersion\"",
            "{\"FSLayers\":[],\"schemaVersion\"",
        ),
        (
            "another content",
            "\"digest\"",
            "\"data\":\"e30=\",\"digest\"",
        ),
        (
            "another form",
            "image.index.v1+json",
            "image.manifest.v1+json",
        ),
    ] {
        let broken = index(|_, text| {
            assert!(text.contains(from), "{what}: {text}");
            text.replacen(from, to, 1)
        });
        let holds = broken.is_ok_and(|custody| custody.verdict == CustodyVerdict::Holds);
        assert!(!holds, "{what}");
    }
    let unknown = index(|_, text| text.replacen('{', "{\"x-vendor\":{\"A\":1,\"a\":2},", 1));
    assert_holds(&unknown.unwrap());
}

/// Puts an entry of another image in front of those of the index.
fn with_other(names: &[(&str, &str)]) -> Custody {
    let chain = Chain::honest();
    let mut other = Chain::empty();
    other.put("core", &tar_of("application"));
    let entry = other.layout().image(Some("1"), None).unwrap().descriptor;
    let bytes = other.layout().read(&entry, 1 << 20).unwrap();
    let mut entry = chain.layout().put(MANIFEST, &bytes).unwrap();
    for (name, value) in names {
        entry.annotations.insert((*name).into(), (*value).into());
    }
    chain.edit(|index| index.manifests.insert(0, entry.clone()));
    chain.verify()
}

#[test]
fn another_image_that_goes_by_the_name_is_refused_and_others_are_told() {
    let containerd = "io.containerd.image.name";
    for names in [
        &[(REF_NAME, NAME)][..],
        &[(containerd, NAME)],
        &[(REF_NAME, "other"), (containerd, NAME)],
    ] {
        assert_broken(
            &with_other(names),
            ProblemKind::Document,
            "goes by the name",
        );
    }
    let told = with_other(&[(REF_NAME, "2.0")]);
    assert_holds(&told);
    assert!(
        told.remarks
            .iter()
            .any(|remark| remark.contains("2.0 beside it")),
        "{told:#?}"
    );
}

/// A chain whose last layer is `tar`, with a configuration changed by `change`.
fn finished(policy: &Policy, tar: &[u8], change: impl Fn(&mut Config)) -> Custody {
    let mut chain = Chain::empty();
    let mut core = Tar::new();
    for dir in [
        "/usr",
        "/usr/bin",
        "/usr/lib",
        "/usr/lib/x86_64-linux-gnu",
        "/usr/lib64",
    ] {
        core.dir(dir);
    }
    core.add("/usr/bin/env", 0o755, Content::File(1, &mut &b"x"[..]));
    core.file("/usr/lib/x86_64-linux-gnu/libz.so.1", "z");
    core.add("/bin", 0o777, Content::Link(b"usr/bin"));
    core.add("/lib", 0o777, Content::Link(b"usr/lib"));
    for (role, tar) in [
        ("core", &core.finish()[..]),
        ("middleware", &tar_of("middleware")),
    ] {
        chain.put(role, tar);
        chain.sign_by(role, role, false, Some(policy)).unwrap();
    }
    chain.put("application", tar);
    chain.make("application", change);
    let _ = chain.sign_by("application", "application", false, Some(policy));
    chain.verify_by(policy)
}

fn with_entry(path: &str, content: Content<'_>) -> Vec<u8> {
    let mut tar = Tar::new();
    tar.add(path, 0o755, content);
    tar.finish()
}

fn env(rows: &[&str]) -> impl Fn(&mut Config) {
    let rows: Vec<String> = rows.iter().map(|row| (*row).to_owned()).collect();
    move |config| {
        config.config = Some(seaworthy::layout::Run {
            env: Some(rows.clone()),
            ..Default::default()
        });
    }
}

#[test]
fn what_is_found_before_anothers_file_changes_it() {
    let plain = |_: &mut Config| ();
    let file = || with_entry("/opt/app/bin/env", Content::File(1, &mut &b"x"[..]));
    let library = || with_entry("/opt/app/lib/libz.so.1", Content::File(1, &mut &b"x"[..]));
    let says = "is found before core's";
    for (what, custody) in [
        (
            "a program in a directory of the administrator",
            finished(
                &policy(),
                &with_entry("/usr/local/sbin/env", Content::File(1, &mut &b"x"[..])),
                plain,
            ),
        ),
        (
            "a program in a directory that the configuration puts first",
            finished(&policy(), &file(), env(&["PATH=/opt/app/bin:/usr/bin"])),
        ),
        (
            "a library in a directory that the configuration puts first",
            finished(
                &policy(),
                &library(),
                env(&["LD_LIBRARY_PATH=/opt/app/lib"]),
            ),
        ),
        (
            "a link for a library",
            finished(
                &policy(),
                &with_entry("/usr/local/lib/libz.so.1", Content::Link(b"/opt/app/x")),
                plain,
            ),
        ),
    ] {
        assert!(
            custody
                .problems
                .iter()
                .any(|problem| problem.message.contains(says)),
            "{what}: {custody:#?}"
        );
    }
    for (what, custody) in [
        ("a program elsewhere", finished(&policy(), &file(), plain)),
        (
            "a program behind core's",
            finished(&policy(), &file(), env(&["PATH=/usr/bin:/opt/app/bin"])),
        ),
        (
            "another link to core's own",
            finished(
                &policy(),
                &with_entry("/opt/app/bin/env", Content::Link(b"/usr/bin/env")),
                env(&["PATH=/opt/app/bin:/usr/bin"]),
            ),
        ),
        (
            "a library for another processor",
            finished(
                &policy(),
                &with_entry(
                    "/usr/lib/i386-linux-gnu/libz.so.1",
                    Content::File(1, &mut &b"x"[..]),
                ),
                plain,
            ),
        ),
        (
            "a preload of core's own",
            finished(
                &policy(),
                &file(),
                env(&["LD_PRELOAD=/lib/x86_64-linux-gnu/libz.so.1"]),
            ),
        ),
    ] {
        assert_eq!(custody.problems, [], "{what}");
    }
}

#[test]
fn settings_of_the_configuration_have_roles_that_may_set_them() {
    let tar = tar_of("application");
    for row in [
        "LD_AUDIT=/opt/app/a.so",
        "BASH_ENV=/opt/app/rc",
        "LD_PRELOAD=liba.so",
        "PATH=:/usr/bin",
    ] {
        let custody = finished(&policy(), &tar, env(&[row]));
        assert_broken(&custody, ProblemKind::Trespass, "of the configuration");
    }
    let own = |set: &str| {
        let mut policy = policy();
        policy.roles[2].may_set = Some(set.split_whitespace().map(str::to_owned).collect());
        policy
    };
    let set = env(&["A=1", "LD_AUDIT=/opt/app/a.so"]);
    assert_broken(
        &finished(&own("User"), &tar, &set),
        ProblemKind::Trespass,
        "Env.A of the configuration: application may not",
    );
    assert_broken(
        &finished(&own("Env"), &tar, &set),
        ProblemKind::Trespass,
        "Env.LD_AUDIT",
    );
    assert_eq!(finished(&own("Env Env.LD_AUDIT"), &tar, &set).problems, []);
}

#[test]
fn groups_that_stamp_at_once_lose_no_stamp() {
    for _ in 0..8 {
        let mut chain = Chain::empty();
        chain.put("core", &tar_of("core"));
        std::thread::scope(|scope| {
            for by in ["core", "middleware", "application"] {
                let chain = &chain;
                scope.spawn(move || chain.sign("core", by).unwrap());
            }
        });
        let layout = chain.layout();
        let entry = layout.index().unwrap().manifests.into_iter().find(|entry| {
            entry
                .annotation(REF_NAME)
                .unwrap_or_default()
                .ends_with(".sig")
        });
        let claims = layout.manifest(&entry.unwrap()).unwrap().layers.len();
        assert_eq!(claims, 3);
    }
}

#[test]
fn an_index_that_changes_meanwhile_is_not_overwritten() {
    let chain = Chain::honest();
    let layout = chain.layout();
    let mut index = layout.index().unwrap();
    chain.edit(|index| index.manifests.truncate(1));
    index.manifests.clear();
    let error = layout.save(&index).unwrap_err().to_string();
    assert!(error.contains("was changed"), "{error}");
    assert_eq!(chain.layout().index().unwrap().manifests.len(), 1);
}

#[test]
fn an_image_that_was_replaced_no_longer_holds() {
    let chain = Chain::honest();
    let asked = |more: &str| policy_with(more, "2099-12-31");
    let older = "is of an older image";
    for more in ["min-version = 1", "not-before = 2025-01-01"] {
        assert_broken(
            &chain.verify_by(&asked(more)),
            ProblemKind::Signature,
            older,
        );
    }
    let policy = asked("min-version = 3\nnot-before = 2025-12-31");
    chain
        .sign_numbered("application", Some(&policy), Some(3))
        .unwrap();
    assert_holds(&chain.verify_by(&policy));
    for more in ["min-version = 4", "not-before = 2026-01-02"] {
        assert_broken(
            &chain.verify_by(&asked(more)),
            ProblemKind::Signature,
            older,
        );
    }
}

#[test]
fn a_bundle_that_no_stamp_is_of_is_told() {
    let chain = Chain::honest();
    let layout = chain.layout();
    chain.edit(|index| {
        for entry in &mut index.manifests {
            let name = entry.annotation(REF_NAME).unwrap_or_default();
            if !name.ends_with(".bundle") {
                continue;
            }
            let mut manifest = layout.manifest(entry).unwrap();
            manifest.layers = vec![layout.put("application/x", b"{}").unwrap()];
            let annotations = entry.annotations.clone();
            let bytes = serde_json::to_vec(&manifest).unwrap();
            *entry = layout.put(MANIFEST, &bytes).unwrap();
            entry.annotations = annotations;
        }
    });
    let custody = chain.verify();
    assert_holds(&custody);
    assert!(
        custody
            .remarks
            .iter()
            .any(|remark| remark.contains("of Sigstore")),
        "{custody:#?}"
    );
    let honest = Chain::honest().verify();
    assert!(
        !honest
            .remarks
            .iter()
            .any(|remark| remark.contains("Sigstore"))
    );
}
