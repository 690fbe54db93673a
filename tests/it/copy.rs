//! Volumes copied out of an old root, without the rights of root.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{FileExt as _, MetadataExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::Ordering;

use seaworthy::copy::{Done, Outcome, Progress, Source, Target, fill, stream, verify};
use seaworthy::manifest::Fill;
use seaworthy::path::AppPath;
use seaworthy::tree::Root;

/// An old root with a volume, and a directory for volumes.
struct Case {
    dir: tempfile::TempDir,
}

impl Case {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir_all(dir.path().join("root/data")).unwrap();
        fs::create_dir(dir.path().join("base")).unwrap();
        Self { dir }
    }

    fn old(&self, below: &str) -> PathBuf {
        self.dir.path().join("root/data").join(below)
    }

    fn new_side(&self, below: &str) -> PathBuf {
        self.dir.path().join("base/data").join(below)
    }

    fn base(&self, name: &str) -> PathBuf {
        self.dir.path().join("base").join(name)
    }

    fn put(&self, below: &str, text: &str) -> PathBuf {
        let path = self.old(below);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }

    fn with<T>(&self, fill: &Fill, work: impl FnOnce(&Source<'_>, &Target) -> T) -> T {
        let root = Root::open(&self.dir.path().join("root")).unwrap();
        let source = Source {
            root: &root,
            fill,
            all_filesystems: false,
            exclude: &[],
        };
        let target = Target::open(&self.dir.path().join("base"), &fill.name).unwrap();
        work(&source, &target)
    }

    fn fill(&self) -> Outcome {
        self.with(&state("/data"), |source, target| {
            fill(source, target, &Progress::default())
        })
    }

    fn verify(&self) -> Outcome {
        self.with(&state("/data"), |source, target| {
            verify(source, target, true, &Progress::default())
        })
    }
}

fn state(path: &str) -> Fill {
    let owner = fs::metadata("/proc/self").unwrap();
    Fill {
        name: "data".into(),
        claim: "data".into(),
        path: AppPath::new(path),
        keeps: "state",
        is_file: false,
        copies: true,
        uid: owner.uid(),
        gid: owner.gid(),
        mode: 0o750,
    }
}

fn told(outcome: &Outcome) -> Vec<String> {
    let troubles = outcome.troubles.iter();
    troubles
        .map(|trouble| format!("{}: {}", trouble.path, trouble.message))
        .collect()
}

/// What can be kept without root, of every entry below a directory.
fn seen(top: &Path) -> BTreeMap<Vec<u8>, String> {
    let mut found = BTreeMap::new();
    for entry in walkdir::WalkDir::new(top) {
        let entry = entry.unwrap();
        let meta = fs::symlink_metadata(entry.path()).unwrap();
        let below = entry.path().strip_prefix(top).unwrap();
        let content = if meta.is_file() {
            let sum = seaworthy::layout::Digest::of(&fs::read(entry.path()).unwrap());
            format!("{sum} {}", meta.nlink())
        } else if meta.is_symlink() {
            fs::read_link(entry.path()).unwrap().display().to_string()
        } else {
            String::new()
        };
        let words = format!(
            "{:o} {}:{} {}.{} {content}",
            meta.mode(),
            meta.uid(),
            meta.gid(),
            meta.mtime(),
            meta.mtime_nsec()
        );
        found.insert(below.as_os_str().as_bytes().to_vec(), words);
    }
    found
}

fn odd_tree(case: &Case) {
    case.put("plain", "hello");
    case.put("empty", "");
    case.put("a/b/c/deep", "deep");
    case.put("-rf", "dash");
    case.put("new\nline", "line");
    fs::write(
        case.old("").join(std::ffi::OsStr::from_bytes(b"\xff\xfe")),
        "bytes",
    )
    .unwrap();
    case.put(&"l".repeat(255), "long");
    fs::create_dir(case.old("nothing")).unwrap();
    symlink("/etc/shadow", case.old("out")).unwrap();
    symlink("missing", case.old("dangling")).unwrap();
    symlink("loop", case.old("loop")).unwrap();
    fs::create_dir(case.old("other")).unwrap();
    fs::hard_link(case.old("plain"), case.old("other/twin")).unwrap();
    let made = Command::new("mkfifo").arg(case.old("fifo")).status();
    assert!(made.unwrap().success());
    drop(std::os::unix::net::UnixListener::bind(case.old("socket")).unwrap());
    for number in 0..300 {
        case.put(&format!("many/{number}"), &number.to_string());
    }
    let file = fs::File::create(case.old("holes")).unwrap();
    file.write_all_at(b"in the middle", 1 << 20).unwrap();
    file.set_len(4 << 20).unwrap();
    let set = |below: &str, mode| {
        fs::set_permissions(case.old(below), fs::Permissions::from_mode(mode)).unwrap();
    };
    set("empty", 0o400);
    set("plain", 0o4755);
    set("nothing", 0o1777);
    set("other", 0o2550);
    let past = std::time::UNIX_EPOCH - std::time::Duration::from_nanos(1_000_000_001);
    let file = fs::File::open(case.old("a/b/c/deep")).unwrap();
    file.set_modified(past).unwrap();
    fs::File::open(case.old("many"))
        .unwrap()
        .set_modified(past)
        .unwrap();
}

#[test]
fn a_tree_with_oddities_arrives_as_it_was() {
    let case = Case::new();
    odd_tree(&case);
    let outcome = case.fill();
    assert_eq!(told(&outcome), Vec::<String>::new());
    assert_eq!(outcome.done, Done::Copied);
    assert_eq!(seen(&case.old("")), seen(&case.new_side("")));
    let blocks = |path: PathBuf| fs::metadata(path).unwrap().blocks();
    assert!(blocks(case.new_side("holes")) <= blocks(case.old("holes")) + 16);
    assert!(case.base("data.mtree").exists());
    assert!(!case.base(".data.migrating").exists());
    // A second run leaves it alone, and it is what its list says.
    assert_eq!(case.fill().done, Done::Before);
    let outcome = case.verify();
    assert_eq!(told(&outcome), Vec::<String>::new());
    assert_eq!(outcome.done, Done::Verified);
}

#[test]
fn verifying_names_what_differs_on_either_side() {
    let case = Case::new();
    odd_tree(&case);
    assert_eq!(case.fill().done, Done::Copied);
    fs::write(case.new_side("many/7"), "8").unwrap();
    fs::remove_file(case.new_side("many/8")).unwrap();
    fs::write(case.new_side("a/more"), "").unwrap();
    fs::remove_file(case.old("dangling")).unwrap();
    let outcome = case.verify();
    assert_eq!(outcome.done, Done::Failed);
    let told = told(&outcome).join("\n");
    for expected in [
        "/data/many/7: the volume: differs in time, content",
        "/data/many/8: the volume: missing",
        "/data/a/more: the volume: not in the list",
        "/data/dangling: the old root: missing",
    ] {
        assert!(told.contains(expected), "{expected} is not in\n{told}");
    }
}

#[test]
fn no_link_leads_out_on_either_side() {
    let case = Case::new();
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("secret"), "SECRET").unwrap();
    case.put("file", "x");
    // The old side: the volume itself leads out, by an absolute link that means another place
    // inside the root.
    fs::rename(case.old(""), case.dir.path().join("root/was")).unwrap();
    symlink(outside.path(), case.dir.path().join("root/data")).unwrap();
    let outcome = case.fill();
    assert!(!case.new_side("secret").exists(), "{outcome:?}");
    // The new side: its place is a link.
    let case = Case::new();
    case.put("file", "x");
    symlink(outside.path(), case.base("data")).unwrap();
    let outcome = case.fill();
    assert_eq!(outcome.done, Done::Failed);
    assert!(!outside.path().join("file").exists());
    assert!(told(&outcome)[0].contains("is a link"), "{outcome:?}");
    // A directory inside is one, in a volume that was begun.
    let case = Case::new();
    case.put("sub/file", "x");
    fs::create_dir(case.base("data")).unwrap();
    fs::write(case.base(".data.migrating"), "/data\n").unwrap();
    symlink(outside.path(), case.new_side("sub")).unwrap();
    let outcome = case.fill();
    assert_eq!(outcome.done, Done::Failed);
    assert!(!outside.path().join("file").exists());
    assert!(told(&outcome)[0].starts_with("/data/sub: "), "{outcome:?}");
}

#[test]
fn a_link_inside_the_root_is_followed_to_the_volume() {
    let case = Case::new();
    case.put("file", "x");
    fs::rename(case.old(""), case.dir.path().join("root/disk")).unwrap();
    symlink("/disk", case.dir.path().join("root/data")).unwrap();
    assert_eq!(case.fill().done, Done::Copied);
    assert_eq!(fs::read_to_string(case.new_side("file")).unwrap(), "x");
}

#[test]
fn what_holds_something_is_left_alone_and_what_filesystems_make_is_nothing() {
    let case = Case::new();
    case.put("file", "x");
    fs::create_dir_all(case.new_side("lost+found")).unwrap();
    fs::create_dir_all(case.new_side(".Trash-1000")).unwrap();
    assert_eq!(case.fill().done, Done::Copied);
    assert_eq!(case.verify().done, Done::Verified);
    let case = Case::new();
    case.put("file", "x");
    fs::create_dir(case.base("data")).unwrap();
    fs::write(case.new_side("theirs"), "y").unwrap();
    let outcome = case.fill();
    assert_eq!(outcome.done, Done::Failed);
    assert!(
        told(&outcome)[0].contains("holds something already (theirs)"),
        "{outcome:?}"
    );
    assert_eq!(
        fs::read_dir(case.base("")).unwrap().count(),
        1,
        "nothing is left beside it"
    );
    assert_eq!(fs::read_dir(case.new_side("")).unwrap().count(), 1);
}

#[test]
fn an_ended_run_is_taken_up_again() {
    let case = Case::new();
    odd_tree(&case);
    let progress = Progress::default();
    progress.stop.store(true, Ordering::Relaxed);
    let outcome = case.with(&state("/data"), |source, target| {
        fill(source, target, &progress)
    });
    assert_eq!(outcome.done, Done::Interrupted);
    assert!(case.base(".data.migrating").exists());
    // What a run that was killed leaves: a file half written, one that changed, one of nobody's.
    fs::create_dir_all(case.new_side("many")).unwrap();
    fs::write(
        case.new_side("many/.seaworthy-0-000000000000000000000000"),
        "part",
    )
    .unwrap();
    fs::write(case.new_side("many/7"), "other").unwrap();
    assert_eq!(case.verify().done, Done::Failed);
    let outcome = case.fill();
    assert_eq!(told(&outcome), Vec::<String>::new());
    assert_eq!(outcome.done, Done::Copied);
    assert_eq!(seen(&case.old("")), seen(&case.new_side("")));
}

#[test]
fn what_is_not_of_the_old_root_is_told_and_left() {
    let case = Case::new();
    case.put("sub/file", "x");
    fs::create_dir_all(case.new_side("sub")).unwrap();
    fs::write(case.base(".data.migrating"), "/data\n").unwrap();
    fs::write(case.new_side("sub/theirs"), "y").unwrap();
    let outcome = case.fill();
    assert_eq!(outcome.done, Done::Failed);
    assert_eq!(
        told(&outcome),
        ["/data/sub/theirs: in the volume, and not in the old root: left as it is"]
    );
    assert!(case.new_side("sub/theirs").exists());
    // A marker of another path is not taken up.
    fs::write(case.base(".data.migrating"), "/other\n").unwrap();
    assert!(told(&case.fill())[0].contains("begun for another path, /other"));
}

#[test]
fn a_file_that_cannot_be_read_is_named_and_the_rest_arrives() {
    if fs::metadata("/proc/self").unwrap().uid() == 0 {
        // Root reads everything: what fails is another kind than the plan has.
        let case = Case::new();
        case.put("file", "x");
        let mut file = state("/data");
        file.is_file = true;
        let outcome = case.with(&file, |s, t| fill(s, t, &Progress::default()));
        assert_eq!(outcome.done, Done::Failed);
        assert!(told(&outcome)[0].contains("not a regular file in the old root"));
        return;
    }
    let case = Case::new();
    case.put("a", "x");
    case.put("b", "y");
    fs::set_permissions(case.old("a"), fs::Permissions::from_mode(0o000)).unwrap();
    let outcome = case.fill();
    assert_eq!(outcome.done, Done::Failed);
    assert_eq!(
        told(&outcome),
        ["/data/a: cannot be read: permission denied"]
    );
    assert_eq!(fs::read_to_string(case.new_side("b")).unwrap(), "y");
    assert!(case.base(".data.migrating").exists());
    // Mended, a second run completes it.
    fs::set_permissions(case.old("a"), fs::Permissions::from_mode(0o600)).unwrap();
    assert_eq!(case.fill().done, Done::Copied);
}

#[test]
fn a_volume_that_begins_empty_and_one_that_is_a_file() {
    let case = Case::new();
    case.put("file", "content");
    let mut begins = state("/data");
    begins.copies = false;
    let outcome = case.with(&begins, |s, t| fill(s, t, &Progress::default()));
    assert_eq!(outcome.done, Done::Made, "{outcome:?}");
    let meta = fs::metadata(case.new_side("")).unwrap();
    assert_eq!(meta.mode() & 0o7777, 0o750);
    let mut file = state("/data/file");
    (file.name, file.is_file) = ("settings".into(), true);
    let outcome = case.with(&file, |s, t| fill(s, t, &Progress::default()));
    assert_eq!(outcome.done, Done::Copied, "{outcome:?}");
    assert_eq!(
        fs::read_to_string(case.base("settings")).unwrap(),
        "content"
    );
    let check = |s: &Source<'_>, t: &Target| verify(s, t, true, &Progress::default());
    assert_eq!(case.with(&file, check).done, Done::Verified);
    fs::write(case.base("settings"), "contend").unwrap();
    assert_eq!(case.with(&file, check).done, Done::Failed);
}

#[test]
fn an_archive_of_all_volumes_holds_what_the_old_root_does() {
    let case = Case::new();
    odd_tree(&case);
    let fill = state("/data");
    let (bytes, outcomes) = case.with(&fill, |source, _| {
        stream(&[*source], Vec::new(), &Progress::default()).unwrap()
    });
    assert_eq!(outcomes[0].done, Done::Copied);
    let archive = case.dir.path().join("archive");
    fs::write(&archive, bytes).unwrap();
    let unpacked = case.dir.path().join("unpacked");
    fs::create_dir(&unpacked).unwrap();
    let tar = Command::new("tar")
        .args(["--numeric-owner", "-xpf"])
        .arg(&archive)
        .arg("-C")
        .arg(&unpacked)
        .output()
        .unwrap();
    assert!(tar.status.success(), "{tar:?}");
    let (mut old, new) = (seen(&case.old("")), seen(&unpacked.join("data")));
    // No archive holds a socket.
    assert!(old.remove(&b"socket"[..]).is_some());
    assert_eq!(old, new);
    assert_eq!(outcomes[0].notes.len(), 1);
}
