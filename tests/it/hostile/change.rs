//! Files and directories that are cut short, or change while they are read.

use std::fs::{self, OpenOptions};
use std::os::unix::fs::{FileExt, symlink};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use seaworthy::extract::HEAD;
use seaworthy::fact::IssueKind;
use seaworthy::parse::read::ReadAt;
use seaworthy::path::AppPath;
use seaworthy::tree::{Limits, LookupError};

use super::{Tree, entry, examine, walk_root, within_a_minute};

#[test]
fn an_elf_file_that_ends_anywhere_is_no_fault() {
    let own = fs::read(std::env::current_exe().unwrap()).unwrap();
    let path = AppPath::new("/opt/app/bin/server");
    let tree = Tree::new();
    let host = tree.file("server", "");
    for length in [0, 1, 4, 16, 52, 63, 64, 65, 120, 1000, 4096, 5000, 70_000] {
        fs::write(&host, &own[..length]).unwrap();
        let file = tree.root().open_file("/server").unwrap();
        let head = file.bytes_at(0, HEAD).unwrap();
        examine(&path, file.stat(), &head, &file);
    }
    // Every number in the header at its largest: offsets and counts point beyond the file.
    let mut wild = own[..4096].to_vec();
    wild[24..64].fill(0xff);
    fs::write(&host, &wild).unwrap();
    let file = tree.root().open_file("/server").unwrap();
    examine(&path, file.stat(), &wild, &file);
}

#[test]
fn a_file_that_changes_while_it_is_read_is_noticed() {
    let tree = Tree::new();
    let host = tree.file("f", vec![b'a'; 100_000]);
    let root = tree.root();

    let file = root.open_file("/f").unwrap();
    assert!(file.unchanged());
    let writer = OpenOptions::new().write(true).open(&host).unwrap();
    writer.set_len(10).unwrap();
    assert_eq!(file.bytes_at(0, 1 << 20).unwrap().len(), 10);
    assert!(!file.unchanged(), "truncated");

    let file = root.open_file("/f").unwrap();
    writer.write_all_at(&[b'b'; 50_000], 10).unwrap();
    assert_eq!(file.bytes_at(0, 1 << 20).unwrap().len(), 10);
    assert!(!file.unchanged(), "grown");

    let file = root.open_file("/f").unwrap();
    std::thread::sleep(Duration::from_millis(20));
    writer.write_all_at(b"c", 0).unwrap();
    assert!(!file.unchanged(), "rewritten with the same size");

    let file = root.open_file("/f").unwrap();
    fs::write(tree.host("new"), "other").unwrap();
    fs::rename(tree.host("new"), &host).unwrap();
    assert_eq!(file.bytes_at(0, 1).unwrap(), b"c", "what was opened stays");
    assert!(file.unchanged());
}

/// Calls `change` over and over on another thread while `work` runs.
fn meanwhile<T>(change: impl Fn(u32) + Sync, work: impl FnOnce() -> T) -> T {
    struct Done<'a>(&'a AtomicBool);
    impl Drop for Done<'_> {
        fn drop(&mut self) {
            self.0.store(true, Ordering::Relaxed);
        }
    }
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for round in 0.. {
                if done.load(Ordering::Relaxed) {
                    break;
                }
                change(round);
            }
        });
        // Also when `work` fails: the scope waits for the thread.
        let _done = Done(&done);
        work()
    })
}

#[test]
fn a_file_that_grows_and_shrinks_all_the_time_is_read_in_bounds() {
    within_a_minute(|| {
        let tree = Tree::new();
        let host = tree.file("f.conf", "a = b\n");
        let sizes = [0_u64, 3, 5000, 100_000, 9_000_000];
        let writer = OpenOptions::new().write(true).open(host).unwrap();
        let change = |round: u32| {
            let size = sizes[round as usize % sizes.len()];
            let _ = writer.set_len(size);
        };
        meanwhile(change, || {
            for _ in 0..300 {
                let walk = tree.walk(&["/"]);
                assert!(entry(&walk, "/f.conf").1.read <= 1 << 20);
            }
        });
    });
}

#[test]
fn a_directory_that_becomes_a_link_does_not_lead_out() {
    within_a_minute(|| {
        let tree = Tree::new();
        for number in 0..50 {
            tree.file(&format!("dir/{number}/canary"), "own");
        }
        tree.file("aside/25/canary", "own");
        let outside = tree.dir.path().join("outside");
        let (dir, link, away) = (tree.host("dir/25"), tree.host("link"), tree.host("away"));
        symlink(&outside, &link).unwrap();
        let change = |round: u32| {
            // The directory makes way for a link to the outside, and comes back.
            if round.is_multiple_of(2) {
                let _ = fs::rename(&dir, &away);
                let _ = fs::rename(&link, &dir);
            } else {
                let _ = fs::rename(&dir, &link);
                let _ = fs::rename(&away, &dir);
            }
        };
        meanwhile(change, || {
            let root = tree.root();
            for _ in 0..300 {
                let walk = walk_root(&root, &["/dir"], &Limits::default());
                for issue in &walk.issues {
                    assert_eq!(issue.kind, IssueKind::Changed, "{issue:?}");
                }
                let read = root.read("/dir/25/canary", 100);
                assert!(
                    matches!(
                        read.as_deref(),
                        Ok(b"own")
                            | Err(LookupError::Absent
                                | LookupError::Special
                                | LookupError::NotDirectory)
                    ),
                    "{read:?}"
                );
            }
        });
    });
}
