//! Trees that were made to mislead: each gives an issue or a right answer; never a hang, a crash
//! or a look outside the root.

mod change;
mod size;

use std::fs::{self, File};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::sync::mpsc;
use std::time::Duration;

use rustix::fs::{CWD, FileType, Mode};
use seaworthy::extract::{self, HEAD, Input, Out};
use seaworthy::fact::{Issue, IssueKind, Kind, Stat};
use seaworthy::parse::read::ReadAt;
use seaworthy::path::AppPath;
use seaworthy::tree::{Entry, Limits, LookupError, Progress, Root, Visit, Walk, walk};

/// What stands outside the root: to see it anywhere is to have left.
const CANARY: &[u8] = b"canary: this file is outside the root";

/// A root directory beside a file that must never be seen.
struct Tree {
    dir: tempfile::TempDir,
}

impl Tree {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("root")).unwrap();
        fs::create_dir(dir.path().join("outside")).unwrap();
        fs::write(dir.path().join("outside/canary"), CANARY).unwrap();
        Self { dir }
    }

    fn host(&self, below: impl AsRef<Path>) -> PathBuf {
        self.dir.path().join("root").join(below)
    }

    fn dir(&self, below: &str) -> PathBuf {
        let path = self.host(below);
        fs::create_dir_all(&path).unwrap();
        path
    }

    fn file(&self, below: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.host(below);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        path
    }

    fn link(&self, below: &str, target: impl AsRef<Path>) {
        symlink(target, self.host(below)).unwrap();
    }

    fn root(&self) -> Root {
        Root::open(&self.host("")).unwrap()
    }

    fn walk(&self, starts: &[&str]) -> Walk<Seen> {
        walk_root(&self.root(), starts, &Limits::default())
    }
}

/// What a visit read of a file.
#[derive(Clone, Debug, Default, PartialEq)]
struct Seen {
    head: Vec<u8>,
    read: usize,
    error: Option<LookupError>,
    unchanged: bool,
}

/// Opens a file, reads it as the product does and lets every extractor at it.
fn look(visit: &Visit<'_>) -> Seen {
    let mut seen = Seen::default();
    match visit.open() {
        Ok(file) => {
            seen.head = file.bytes_at(0, HEAD).unwrap();
            let out = examine(&visit.entry.path, file.stat(), &seen.head, &file);
            assert!(!format!("{out:?}").contains("outside the root"));
            seen.read = file.bytes_at(0, 1 << 20).unwrap().len();
            seen.unchanged = file.unchanged();
        }
        Err(error) => seen.error = Some(error),
    }
    seen
}

fn examine(path: &AppPath, stat: &Stat, head: &[u8], source: &dyn ReadAt) -> Out {
    let out = extract::extract(&Input::new(path, stat, head, source));
    let failed = out.issues.iter().any(|i| i.kind == IssueKind::Internal);
    assert!(!failed, "an extractor failed: {:?}", out.issues);
    out
}

fn walk_root(root: &Root, starts: &[&str], limits: &Limits) -> Walk<Seen> {
    let starts: Vec<_> = starts.iter().map(AppPath::new).collect();
    let walk = walk(root, &starts, limits, &Progress::default(), &|visit| {
        Some(look(visit))
    });
    for (entry, seen) in &walk.made {
        assert!(seen.head != CANARY, "{} shows the canary", entry.path);
    }
    let mut paths: Vec<_> = walk.made.iter().map(|(entry, _)| &entry.path).collect();
    paths.dedup();
    assert_eq!(paths.len(), walk.made.len(), "an entry came twice");
    let mut kept: Vec<_> = walk.entries.iter().map(|(path, _)| path).collect();
    kept.sort();
    assert!(
        kept.iter().eq(paths.iter().copied()),
        "not all is kept, or more"
    );
    assert!(paths.is_sorted());
    walk
}

/// Runs `work` on a thread and fails when it takes longer than a minute: what hangs would else
/// stop the whole run.
fn within_a_minute<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    let (send, receive) = mpsc::channel();
    let thread = std::thread::spawn(move || send.send(work()).unwrap());
    match receive.recv_timeout(Duration::from_secs(60)) {
        Ok(done) => done,
        Err(mpsc::RecvTimeoutError::Timeout) => panic!("hangs"),
        Err(mpsc::RecvTimeoutError::Disconnected) => match thread.join() {
            Err(panic) => std::panic::resume_unwind(panic),
            Ok(()) => unreachable!(),
        },
    }
}

fn entry(walk: &Walk<Seen>, path: impl AsRef<[u8]>) -> &(Entry, Seen) {
    let path = AppPath::new(path);
    walk.made
        .iter()
        .find(|(entry, _)| entry.path == path)
        .unwrap_or_else(|| panic!("{path} was not found"))
}

fn names(walk: &Walk<Seen>) -> Vec<String> {
    walk.made
        .iter()
        .map(|(entry, _)| entry.path.to_text().into_owned())
        .collect()
}

fn kinds(issues: &[Issue]) -> Vec<(String, IssueKind)> {
    issues
        .iter()
        .map(|issue| (issue.at.file.to_text().into_owned(), issue.kind))
        .collect()
}

#[test]
fn a_fifo_a_socket_and_a_device_are_entries_and_are_not_opened() {
    let tree = Tree::new();
    let mode = Mode::from_raw_mode(0o666);
    rustix::fs::mknodat(CWD, tree.host("fifo"), FileType::Fifo, mode, 0).unwrap();
    let socket = UnixListener::bind(tree.host("socket")).unwrap();
    let zero = rustix::fs::makedev(1, 5);
    let device = tree.host("zero");
    let made = rustix::fs::mknodat(CWD, &device, FileType::CharacterDevice, mode, zero);
    tree.link("by-link", "fifo");
    let (walk, tree) = within_a_minute(move || (tree.walk(&["/"]), tree));
    drop(socket);

    let mut special = vec![("/fifo", Kind::Fifo), ("/socket", Kind::Socket)];
    match made {
        Ok(()) => special.push(("/zero", Kind::CharDevice)),
        Err(errno) => println!("no device node, because making one was refused: {errno}"),
    }
    for (path, kind) in special {
        let (found, seen) = entry(&walk, path);
        assert_eq!(found.stat.kind, kind);
        assert_eq!(seen.error, Some(LookupError::Special));
        let opened = tree.root().open_file(path).map(|_| ());
        assert_eq!(opened, Err(LookupError::Special));
    }
    let opened = tree.root().open_file("/by-link").map(|_| ());
    assert_eq!(opened, Err(LookupError::Special));
    assert_eq!(walk.issues, []);
}

#[test]
fn links_that_would_leave_the_root_stay_inside() {
    let tree = Tree::new();
    tree.file("etc/own", "own");
    tree.link("dots", "../../../outside/canary");
    tree.link("etc/dots", "../../outside");
    let outside = tree.dir.path().join("outside");
    tree.link("absolute", outside.join("canary"));
    tree.link("directory", &outside);
    tree.link("above", "/../etc/own");
    tree.link("deep", "etc/../../../../../../etc/own");
    let root = tree.root();
    for path in [
        "/dots",
        "/absolute",
        "/directory/canary",
        "/etc/dots/canary",
        "/directory/../outside/canary",
        "/../outside/canary",
        "/etc/../../outside/canary",
    ] {
        assert_eq!(root.read(path, 100), Err(LookupError::Absent), "{path}");
        assert_eq!(root.resolve(path), Err(LookupError::Absent), "{path}");
    }
    for path in ["/above", "/deep"] {
        assert_eq!(root.read(path, 100).unwrap(), b"own");
        assert_eq!(root.resolve(path).unwrap().real, AppPath::new("/etc/own"));
    }
    let walk = tree.walk(&["/", "/directory", "/dots", "/../outside"]);
    assert_eq!(
        kinds(&walk.issues),
        [
            ("/directory".into(), IssueKind::BadLink),
            ("/dots".into(), IssueKind::BadLink),
            ("/outside".into(), IssueKind::Absent),
        ]
    );
    assert_eq!(names(&walk).len(), 9);
}

#[test]
fn links_of_the_kernel_do_not_lead_out() {
    // Links in /proc lead to open files, whatever their text says (proc(5)).
    let host = Root::open(Path::new("/")).unwrap();
    if host.lookup("/proc/self/fd").is_err() {
        println!("no /proc here");
        return;
    }
    let tree = Tree::new();
    let canary = File::open(tree.dir.path().join("outside/canary")).unwrap();
    let number = std::os::fd::AsRawFd::as_raw_fd(&canary);
    let proc = Root::open(Path::new("/proc")).unwrap();
    let path = format!("/self/fd/{number}");
    assert!(proc.read(&path, 100).is_err());
    assert!(host.read("/proc/self/environ", 100).is_err());
    let walk = walk_root(&host, &["/proc"], &Limits::default());
    assert_eq!(names(&walk), ["/proc"]);
    assert_eq!(
        kinds(&walk.issues),
        [("/proc".into(), IssueKind::PseudoFilesystem)]
    );
}

#[test]
fn forty_links_are_followed_and_forty_one_are_not() {
    let tree = Tree::new();
    tree.file("0", "end");
    for number in 1..=41 {
        tree.link(&number.to_string(), (number - 1).to_string());
    }
    let root = tree.root();
    assert_eq!(root.read("/40", 10).unwrap(), b"end");
    assert_eq!(root.read("/41", 10), Err(LookupError::Loop));
    assert!(root.lookup("/41").is_ok());
    assert!(fs::read(tree.host("40")).is_ok());
    assert!(
        fs::read(tree.host("41")).is_err(),
        "the kernel counts otherwise"
    );
}

#[test]
fn a_loop_of_links_ends() {
    let tree = Tree::new();
    tree.link("self", "self");
    tree.link("a", "b");
    tree.link("b", "a");
    tree.dir("d");
    tree.link("d/up", "..");
    tree.link("d/grow", "grow/grow");
    let (walk, tree) = within_a_minute(move || (tree.walk(&["/", "/self", "/a"]), tree));
    let root = tree.root();
    for path in ["/self", "/a", "/self/x", "/d/grow"] {
        assert_eq!(root.resolve(path), Err(LookupError::Loop), "{path}");
    }
    assert_eq!(
        root.resolve("/d/up/d/up/d").unwrap().real,
        AppPath::new("/d")
    );
    assert_eq!(
        names(&walk),
        ["/", "/a", "/b", "/d", "/d/grow", "/d/up", "/self"]
    );
    assert_eq!(
        kinds(&walk.issues),
        [
            ("/a".into(), IssueKind::BadLink),
            ("/self".into(), IssueKind::BadLink)
        ]
    );
}

#[test]
fn a_slash_at_the_end_asks_for_a_directory() {
    let tree = Tree::new();
    tree.file("d/f", "x");
    tree.link("to-dir", "d/");
    tree.link("to-file", "d/f/");
    let root = tree.root();
    assert_eq!(root.resolve("/d/f/"), Err(LookupError::NotDirectory));
    assert_eq!(root.resolve("/to-file"), Err(LookupError::NotDirectory));
    assert_eq!(root.resolve("/to-dir").unwrap().real, AppPath::new("/d"));
    assert_eq!(root.lookup("/to-dir").unwrap().stat.kind, Kind::Link);
    assert_eq!(root.lookup("/to-dir/").unwrap().stat.kind, Kind::Dir);
    assert_eq!(root.resolve("/d/f/.."), Err(LookupError::NotDirectory));
    assert_eq!(root.link_target("/to-dir").unwrap(), b"d/");
    assert_eq!(root.link_target("/d/f"), Err(LookupError::Special));
    let listed = root.list("/to-dir").unwrap();
    assert_eq!(listed.len(), 1);
    assert_eq!(root.list("/d/f"), Err(LookupError::NotDirectory));
}

#[test]
fn what_may_not_be_read_is_reported() {
    let tree = Tree::new();
    let file = tree.file("closed/file", "x");
    let secret = tree.file("secret", "x");
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o000)).unwrap();
    let dir = file.parent().unwrap().to_owned();
    fs::set_permissions(&dir, fs::Permissions::from_mode(0o000)).unwrap();
    let walk = tree.walk(&["/"]);
    let (_, seen) = entry(&walk, "/secret");
    if rustix::process::geteuid().is_root() {
        println!("root reads everything: only the good path is tested");
        assert_eq!(seen.error, None);
        assert_eq!(walk.issues, []);
    } else {
        assert_eq!(seen.error, Some(LookupError::Denied));
        assert_eq!(
            tree.root().read("/closed/file", 1),
            Err(LookupError::Denied)
        );
        assert_eq!(
            kinds(&walk.issues),
            [("/closed".into(), IssueKind::Unreadable)]
        );
    }
    fs::set_permissions(&dir, fs::Permissions::from_mode(0o700)).unwrap();
}

#[test]
fn names_may_hold_any_byte() {
    let tree = Tree::new();
    let names: [&[u8]; 6] = [
        b"\xff\xfe.conf",
        b"new\nline",
        b"\x1b[2J\x1b[31mred",
        "\u{202e}txt.exe".as_bytes(),
        b"back\\x41slash",
        b" ",
    ];
    for name in names {
        let path = tree.host(std::ffi::OsStr::from_bytes(name));
        fs::write(path, name).unwrap();
    }
    let walk = tree.walk(&["/"]);
    assert_eq!(walk.made.len(), 1 + names.len());
    for name in names {
        let path = AppPath::root().child(name);
        let text = path.to_text().into_owned();
        assert!(!text.contains(['\n', '\x1b', '\u{202e}']), "{text:?}");
        assert_eq!(AppPath::from_text(&text), path);
        assert_eq!(entry(&walk, path.as_bytes()).1.head, name);
        assert_eq!(tree.root().read(path.as_bytes(), 100).unwrap(), name);
    }
}

#[test]
fn names_of_one_file_share_its_identity() {
    let tree = Tree::new();
    let first = tree.file("a/first", "x");
    fs::hard_link(&first, tree.host("second")).unwrap();
    let walk = tree.walk(&["/"]);
    let (first, second) = (&entry(&walk, "/a/first").0, &entry(&walk, "/second").0);
    assert_eq!(first.stat, second.stat);
    assert_eq!(first.stat.links, 2);
}

#[test]
fn a_start_may_be_anything() {
    let tree = Tree::new();
    tree.file("srv/app/bin/run", "x");
    tree.dir("opt");
    tree.link("opt/app", "/srv/app");
    tree.link("opt/gone", "/nowhere");
    tree.link("opt/file", "../srv/app/bin/run");

    let walk = tree.walk(&["/srv/app/bin/run"]);
    assert_eq!(names(&walk), ["/srv/app/bin/run"]);
    assert_eq!(walk.made[0].1.head, b"x");

    let walk = tree.walk(&["/opt/app"]);
    let want = ["/opt/app", "/srv/app", "/srv/app/bin", "/srv/app/bin/run"];
    assert_eq!(names(&walk), want);
    assert_eq!(entry(&walk, "/opt/app").0.target, Some(b"/srv/app".into()));

    // A start that is a link below another start: what it leads to was named as well.
    let walk = tree.walk(&["/opt", "/opt/app", "/srv/app/bin"]);
    assert_eq!(
        names(&walk),
        [
            "/opt",
            "/opt/app",
            "/opt/file",
            "/opt/gone",
            "/srv/app",
            "/srv/app/bin",
            "/srv/app/bin/run"
        ]
    );

    let walk = tree.walk(&["/opt/file"]);
    assert_eq!(names(&walk), ["/opt/file", "/srv/app/bin/run"]);

    let walk = tree.walk(&["/opt/gone", "/missing", "/srv/app/bin/run/x"]);
    assert_eq!(names(&walk), ["/opt/gone"]);
    assert_eq!(
        kinds(&walk.issues),
        [
            ("/missing".into(), IssueKind::Absent),
            ("/opt/gone".into(), IssueKind::BadLink),
            ("/srv/app/bin/run/x".into(), IssueKind::Absent),
        ]
    );

    let walk = tree.walk(&["/", "/srv", "/srv", "/"]);
    assert_eq!(walk.made.len(), 9);
    assert_eq!(walk.issues, []);

    assert!(tree.walk(&[]).entries.is_empty());
}

#[test]
fn what_is_excluded_is_an_entry_but_is_not_entered() {
    let tree = Tree::new();
    tree.file("a/b/c/d", "x");
    let limits = Limits {
        exclude: vec![AppPath::new("/a/b")],
        ..Limits::default()
    };
    let walk = walk_root(&tree.root(), &["/"], &limits);
    assert_eq!(names(&walk), ["/", "/a", "/a/b"]);
    let walk = walk_root(&tree.root(), &["/", "/a/b/c"], &limits);
    assert_eq!(names(&walk), ["/", "/a", "/a/b", "/a/b/c", "/a/b/c/d"]);
}

#[test]
fn a_walk_that_is_ended_says_so() {
    let tree = Tree::new();
    for number in 0..100 {
        tree.file(&format!("{number}/file"), "x");
    }
    let progress = Progress::default();
    let visit = |visit: &Visit<'_>| {
        if visit.entry.stat.kind == Kind::File {
            progress.stop.store(true, Ordering::Relaxed);
        }
        None::<()>
    };
    let root = tree.root();
    let starts = [AppPath::root()];
    let walk = walk(&root, &starts, &Limits::default(), &progress, &visit);
    assert!(walk.entries.len() < 201);
    assert_eq!(kinds(&walk.issues), [("/".into(), IssueKind::LimitReached)]);
}
