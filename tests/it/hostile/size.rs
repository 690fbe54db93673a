//! Trees of a size that no tree should have, and what the number of threads makes of them.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::fs::{Mode, OFlags};
use seaworthy::fact::{IssueKind, Kind};
use seaworthy::parse::read::ReadAt;
use seaworthy::path::AppPath;
use seaworthy::tree::{Limits, LookupError, Progress, Visit, walk};

use super::{Tree, entry, within_a_minute};

#[test]
fn a_tebibyte_of_nothing_costs_no_tebibyte() {
    let tree = Tree::new();
    let path = tree.file("huge.log", "2024-01-01 00:00:00 start\n");
    let size = 1 << 40;
    if OpenOptions::new()
        .write(true)
        .open(&path)
        .unwrap()
        .set_len(size)
        .is_err()
    {
        println!("this filesystem holds no file of that size");
        return;
    }
    let begun = Instant::now();
    let (walk, tree) = within_a_minute(move || (tree.walk(&["/"]), tree));
    let (found, seen) = entry(&walk, "/huge.log");
    assert_eq!(found.stat.size, size);
    assert!(found.stat.allocated < 1 << 20);
    assert_eq!(seen.read, 1 << 20);
    let file = tree.root().open_file("/huge.log").unwrap();
    assert_eq!(file.bytes_at(size - 4, 100).unwrap(), [0; 4]);
    assert!(file.bytes_at(u64::MAX - 1, 100).unwrap().is_empty());
    assert_eq!(file.read_at(u64::MAX, &mut [0; 8]).unwrap(), 0);
    assert!(begun.elapsed() < Duration::from_secs(30));
}

/// Makes `depth` directories named `d` in each other, which no path could name.
fn dig(top: &Path, depth: usize) {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let mut here: OwnedFd = rustix::fs::open(top, flags, Mode::empty()).unwrap();
    for _ in 0..depth {
        rustix::fs::mkdirat(&here, "d", Mode::RWXU).unwrap();
        rustix::fs::mkdirat(&here, "side", Mode::RWXU).unwrap();
        here = rustix::fs::openat(&here, "d", flags, Mode::empty()).unwrap();
    }
}

/// Removes what [`dig`] made: deeper than the temporary directory's own removal can name.
fn fill(top: &Path, depth: usize) {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let mut way: Vec<OwnedFd> = vec![rustix::fs::open(top, flags, Mode::empty()).unwrap()];
    for _ in 0..depth - 1 {
        way.push(rustix::fs::openat(&way[way.len() - 1], "d", flags, Mode::empty()).unwrap());
    }
    for dir in way.iter().rev() {
        for name in ["d", "side"] {
            rustix::fs::unlinkat(dir, name, rustix::fs::AtFlags::REMOVEDIR).unwrap();
        }
    }
}

#[test]
fn five_thousand_directories_in_each_other_are_walked_as_far_as_a_path_reaches() {
    let tree = Tree::new();
    let depth = 5000;
    dig(&tree.host(""), depth);
    let (walk, tree) = within_a_minute(move || (tree.walk(&["/"]), tree));
    fill(&tree.host(""), depth);
    // "/d" for each level; the deepest directory that can be named has 4,094 bytes.
    let deepest = walk.made.iter().map(|(e, _)| e.path.depth()).max();
    assert_eq!(deepest, Some(2048));
    assert_eq!(walk.issues.len(), 3, "/d once, /side twice");
    for issue in &walk.issues {
        assert_eq!(issue.kind, IssueKind::TooDeep);
        assert!(issue.at.file.as_bytes().len() >= 4096);
    }
    assert_eq!(
        tree.root().lookup("/d".repeat(2048)),
        Err(LookupError::TooLong)
    );
}

/// Set for the child of the next test: the limit of open files is one of the whole process.
const CHILD: &str = "SEAWORTHY_TEST_FEW_FILES";

#[test]
fn few_open_files_are_enough_for_a_wide_and_deep_tree() {
    if std::env::var_os(CHILD).is_none() {
        let child = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "--nocapture"])
            .arg("hostile::size::few_open_files_are_enough_for_a_wide_and_deep_tree")
            .env(CHILD, "1")
            .output()
            .unwrap();
        assert!(
            child.status.success(),
            "{}",
            String::from_utf8_lossy(&child.stderr)
        );
        return;
    }
    let tree = Tree::new();
    for number in 0..600 {
        tree.file(&format!("wide/{number}/below/file"), "x");
    }
    let depth = 300;
    tree.dir("deep");
    dig(&tree.host("deep"), depth);
    let mut limit = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    limit.current = Some(100);
    rustix::process::setrlimit(rustix::process::Resource::Nofile, limit).unwrap();
    let walk = within_a_minute(move || tree.walk(&["/"]));
    assert_eq!(walk.issues, []);
    assert!(walk.made.iter().all(|(entry, seen)| {
        entry.stat.kind != Kind::File || seen.error.is_none() && seen.head == b"x"
    }));
    assert_eq!(walk.made.len(), 1 + 1 + 600 * 3 + 1 + depth * 2);
}

#[test]
fn a_hundred_thousand_entries_in_one_directory_are_each_seen_once() {
    let tree = Tree::new();
    let dir = tree.dir("queue");
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let dir = rustix::fs::open(dir, flags, Mode::empty()).unwrap();
    for number in 0..100_000 {
        // Links are quicker to make than files.
        rustix::fs::symlinkat("nowhere", &dir, number.to_string()).unwrap();
    }
    let walk = within_a_minute(move || {
        let root = tree.root();
        walk(
            &root,
            &[AppPath::root()],
            &Limits::default(),
            &Progress::default(),
            &|_: &Visit<'_>| Some(()),
        )
    });
    assert_eq!(walk.issues, []);
    assert_eq!(walk.made.len(), 100_002);
    assert!(walk.made.is_sorted_by(|a, b| a.0.path < b.0.path));
}

#[test]
fn the_number_of_threads_does_not_show() {
    let tree = Tree::new();
    for number in 0..300 {
        let mut file =
            File::create(tree.file(&format!("{}/{}/f", number % 7, number), "")).unwrap();
        write!(file, "{number}").unwrap();
    }
    for number in 0..200 {
        tree.file(&format!("flat/{number}.conf"), "a = b\n");
    }
    tree.link("loop", "loop");
    dig(&tree.host("flat"), 40);
    let run = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        pool.unwrap()
            .install(|| tree.walk(&["/flat", "/", "/loop", "/missing"]))
    };
    let one = run(1);
    assert!(one.made.len() > 600);
    assert_eq!(one.issues.len(), 2);
    for threads in [2, 8] {
        let many = run(threads);
        assert_eq!(many.made, one.made);
        assert_eq!(many.issues, one.issues);
    }
}
