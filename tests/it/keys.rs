//! Keys as files: who may read them, that none is overwritten, and how a passphrase is given.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::process::{Command, Stdio};

use seaworthy::custody::PublicKey;

struct Told {
    code: i32,
    out: String,
    err: String,
}

/// Runs the program in a directory, with a passphrase in its environment or none.
fn seaworthy(dir: &Path, args: &[&str], passphrase: Option<&str>) -> Told {
    let mut command = Command::new(env!("CARGO_BIN_EXE_seaworthy"));
    command.args(args).current_dir(dir).stdin(Stdio::null());
    match passphrase {
        Some(words) => command.env("SEAWORTHY_PASSPHRASE", words),
        None => command.env_remove("SEAWORTHY_PASSPHRASE"),
    };
    let output = command.output().unwrap();
    Told {
        code: output.status.code().unwrap(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

fn mode(file: &Path) -> u32 {
    fs::symlink_metadata(file).unwrap().permissions().mode() & 0o7777
}

fn listed(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

fn kept(name: &str) -> String {
    format!("{}/tests/keys/{name}", env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn a_new_pair_is_for_its_owner_and_for_all() {
    let dir = tempfile::tempdir().unwrap();
    let told = seaworthy(dir.path(), &["keys", "new", "-o", "core"], None);
    assert_eq!(told.code, 0, "{}", told.err);
    assert_eq!(listed(dir.path()), ["core.key", "core.pub"]);
    let (private, public) = (dir.path().join("core.key"), dir.path().join("core.pub"));
    assert_eq!(mode(&private), 0o600);
    assert_eq!(mode(&public), 0o644);
    let pem = fs::read_to_string(&private).unwrap();
    assert!(pem.starts_with("-----BEGIN PRIVATE KEY-----\n"));
    let key = PublicKey::read(&fs::read_to_string(&public).unwrap()).unwrap();
    for name in [&key.short(), &key.python_id(), &key.go_id()] {
        assert!(told.out.contains(name.as_str()), "{}", told.out);
    }
    assert!(told.out.contains("not encrypted"), "{}", told.out);
    for (file, kind) in [("core.key", "private key, not"), ("core.pub", "public key")] {
        let told = seaworthy(dir.path(), &["keys", "show", file], None);
        assert_eq!((told.code, told.err.as_str()), (0, ""));
        assert!(told.out.contains(kind), "{}", told.out);
        assert!(told.out.contains(&key.go_id()), "{}", told.out);
        // What is shown is itself the public key's file.
        assert_eq!(PublicKey::read(&told.out), Ok(key.clone()));
        assert!(!told.out.contains("PRIVATE KEY-----"), "{}", told.out);
    }
}

#[test]
fn the_modes_are_the_same_whatever_the_umask() {
    let dir = tempfile::tempdir().unwrap();
    let run = Command::new("sh")
        .args([
            "-c",
            "umask 0000; \"$0\" keys new -o a && umask 0277 && \"$0\" keys new -o b",
        ])
        .arg(env!("CARGO_BIN_EXE_seaworthy"))
        .current_dir(dir.path())
        .env_remove("SEAWORTHY_PASSPHRASE")
        .output()
        .unwrap();
    assert!(run.status.success(), "{run:?}");
    for (name, expected) in [
        ("a.key", 0o600),
        ("a.pub", 0o644),
        ("b.key", 0o600),
        ("b.pub", 0o644),
    ] {
        assert_eq!(mode(&dir.path().join(name)), expected, "{name}");
    }
}

#[test]
fn no_key_is_overwritten_and_none_is_left_half_made() {
    for there in ["core.key", "core.pub"] {
        for is_link in [false, true] {
            let dir = tempfile::tempdir().unwrap();
            let file = dir.path().join(there);
            if is_link {
                symlink("nowhere", &file).unwrap();
            } else {
                fs::write(&file, "mine").unwrap();
            }
            let told = seaworthy(dir.path(), &["keys", "new", "-o", "core"], None);
            assert_eq!(told.code, 2);
            assert!(told.err.contains(there), "{}", told.err);
            assert_eq!(listed(dir.path()), [there]);
            if !is_link {
                assert_eq!(fs::read_to_string(&file).unwrap(), "mine");
            }
        }
    }
    let dir = tempfile::tempdir().unwrap();
    for prefix in ["no/such/dir/core", "keys/", "..", ""] {
        let told = seaworthy(dir.path(), &["keys", "new", "-o", prefix], None);
        assert_eq!(told.code, 2, "{prefix}");
        assert_eq!(listed(dir.path()), Vec::<String>::new());
    }
}

#[test]
fn a_passphrase_is_taken_from_a_file_or_the_environment_and_shown_nowhere() {
    const WORDS: &str = "ship's  cat & anchor";
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("words"), format!("{WORDS}\r\nnot this\n")).unwrap();
    let new =
        |args: &[&str], words| seaworthy(dir.path(), &[&["keys", "new"], args].concat(), words);
    let show =
        |args: &[&str], words| seaworthy(dir.path(), &[&["keys", "show"], args].concat(), words);
    let made = [
        new(&["-o", "a", "--passphrase-file", "words"], Some("not this")),
        new(&["-o", "b"], Some(WORDS)),
    ];
    for told in &made {
        assert_eq!(told.code, 0, "{}", told.err);
    }
    let mut all = made.map(|told| told.out + &told.err).concat();
    for key in ["a.key", "b.key"] {
        let text = fs::read_to_string(dir.path().join(key)).unwrap();
        assert!(text.starts_with("-----BEGIN ENCRYPTED PRIVATE KEY-----\n"));
        for told in [
            show(&[key], Some(WORDS)),
            show(&[key, "--passphrase-file", "words"], None),
        ] {
            assert_eq!(told.code, 0, "{}", told.err);
            assert!(told.out.contains("private key, encrypted"), "{}", told.out);
            all += &(told.out + &told.err);
        }
        let wrong = show(&[key], Some("wrong words"));
        assert_eq!(wrong.code, 2);
        assert!(wrong.err.contains("does not open"), "{}", wrong.err);
        assert!(!wrong.err.contains("wrong words"), "{}", wrong.err);
        let missing = show(&[key], None);
        assert_eq!(missing.code, 2);
        assert!(missing.err.contains("--passphrase-file"), "{}", missing.err);
        assert!(
            missing.err.contains("SEAWORTHY_PASSPHRASE"),
            "{}",
            missing.err
        );
    }
    assert!(!all.contains(WORDS), "{all}");
    let gone = show(&["a.key", "--passphrase-file", "gone"], Some(WORDS));
    assert_eq!(gone.code, 2);
    assert!(gone.err.contains("gone"), "{}", gone.err);
    // An empty variable is a mistake in a script, not a wish.
    let empty = new(&["-o", "c"], Some(""));
    assert_eq!(empty.code, 2);
    assert!(empty.err.contains("empty"), "{}", empty.err);
    assert!(!dir.path().join("c.key").exists());
}

#[test]
fn a_key_that_others_may_read_is_told_when_nothing_else_guards_it() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("x.key");
    fs::copy(kept("sec1.key"), &file).unwrap();
    for (bits, is_told) in [(0o600, false), (0o400, false), (0o640, true), (0o604, true)] {
        fs::set_permissions(&file, fs::Permissions::from_mode(bits)).unwrap();
        let told = seaworthy(dir.path(), &["keys", "show", "x.key"], None);
        assert_eq!(told.code, 0);
        assert_eq!(
            told.err.contains("chmod 600"),
            is_told,
            "{bits:o}: {}",
            told.err
        );
    }
    let locked = kept("pkcs8-pbes2-default.key");
    let told = seaworthy(
        dir.path(),
        &["keys", "show", &locked],
        Some("correct-horse"),
    );
    assert_eq!((told.code, told.err.as_str()), (0, ""));
}

#[test]
fn a_key_that_does_not_fit_is_told_with_its_file() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("der"), b"\x30\x81\x87\x02\x01\x00\xff").unwrap();
    fs::write(dir.path().join("long"), "x".repeat(1 << 20)).unwrap();
    fs::write(dir.path().join("text"), "hello").unwrap();
    let cases = [
        (kept("rsa.key"), "RSA"),
        (kept("sec1-encrypted-legacy.key"), "openssl pkcs8 -topk8"),
        ("der".to_owned(), "-inform DER"),
        ("long".to_owned(), "too long"),
        ("text".to_owned(), "no key in PEM"),
        ("gone".to_owned(), "cannot read"),
        (".".to_owned(), "cannot read"),
    ];
    for (file, words) in &cases {
        let told = seaworthy(dir.path(), &["keys", "show", file], None);
        assert_eq!((told.code, told.out.as_str()), (2, ""), "{file}");
        assert!(told.err.contains(words), "{file}: {}", told.err);
        assert!(told.err.contains(file.as_str()), "{file}: {}", told.err);
    }
}
