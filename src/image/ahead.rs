//! Reading ahead: while an entry is written, those that follow are read on other threads, and come
//! out in the order in which they went in.

use std::collections::{BTreeMap, VecDeque};
use std::sync::mpsc::{Receiver, sync_channel};

use super::PackError;
use super::walk::{Found, Item};
use crate::fact::{Kind, Stat};
use crate::layout::Digest;
use crate::parse::read::ReadAt as _;
use crate::path::AppPath;
use crate::tree::{File, OpenDir, open_budget};

/// The greatest length, in bytes, of a file that is read as a whole. A longer one is only opened:
/// it is read as it is written.
const WHOLE: u64 = 64 << 10;

/// The most entries that are read in one go: each may hold a file open.
const ENTRIES: usize = 32;

/// The most bytes that are read in one go, but for the last file.
const BYTES: u64 = 512 << 10;

/// What was read of an entry.
pub(super) enum Ready {
    /// It has no content.
    Nothing,
    /// The text of a symbolic link.
    Link(Vec<u8>),
    /// A regular file.
    File(Box<Opened>),
}

/// A regular file that was opened.
pub(super) struct Opened {
    /// What the disk said about it then.
    pub(super) stat: Stat,
    /// All its extended attributes.
    pub(super) xattrs: BTreeMap<Vec<u8>, Vec<u8>>,
    /// What it holds.
    pub(super) content: Held,
}

/// What a file holds.
pub(super) enum Held {
    /// All of it, and its digest.
    Whole(Vec<u8>, Digest),
    /// It is still open; where its data are, if it has holes.
    Open(File, Option<Vec<(u64, u64)>>),
}

/// What is read of an entry: its path, and where it is if there is anything to read.
struct Job {
    path: AppPath,
    kind: Kind,
    dir: OpenDir,
}

type Read = Result<Ready, PackError>;

/// Entries that were read or are being read.
struct Batch<'a> {
    items: Vec<Item<'a>>,
    read: Receiver<Vec<Read>>,
}

/// Entries on their way.
pub(super) struct Ahead<'a> {
    items: Vec<Item<'a>>,
    jobs: Vec<Option<Job>>,
    bytes: u64,
    batches: VecDeque<Batch<'a>>,
    /// The most entries of a batch, and the most batches, within what the process may have open.
    entries: usize,
    most: usize,
}

impl<'a> Ahead<'a> {
    pub(super) fn new() -> Self {
        let files = open_budget();
        let entries = ENTRIES.min(files / 4).max(1);
        // Each entry may hold itself open, and the directory that it is in.
        let most = (rayon::current_num_threads() * 2).clamp(4, 12);
        Self {
            items: Vec::new(),
            jobs: Vec::new(),
            bytes: 0,
            batches: VecDeque::new(),
            entries,
            most: most.min(files / (2 * entries)).max(1),
        }
    }

    /// Takes an entry. What was read of those that came first comes back once enough are on their
    /// way.
    pub(super) fn put(&mut self, mut item: Item<'a>) -> Vec<(Item<'a>, Read)> {
        let mut job = None;
        if let Found::Entry(stat) = item.found
            && let Some(dir) = item.dir.take()
        {
            self.bytes += if stat.size > WHOLE { 0 } else { stat.size };
            job = Some(Job {
                path: item.path.clone(),
                kind: stat.kind,
                dir,
            });
        }
        self.items.push(item);
        self.jobs.push(job);
        if self.items.len() < self.entries && self.bytes < BYTES {
            return Vec::new();
        }
        self.send();
        if self.batches.len() < self.most {
            return Vec::new();
        }
        self.receive()
    }

    /// What was read of the next entries; nothing once there are none.
    pub(super) fn rest(&mut self) -> Vec<(Item<'a>, Read)> {
        self.send();
        self.receive()
    }

    /// Hands the entries to another thread.
    fn send(&mut self) {
        if self.items.is_empty() {
            return;
        }
        self.bytes = 0;
        let items = std::mem::take(&mut self.items);
        let jobs = std::mem::take(&mut self.jobs);
        let (send, read) = sync_channel(1);
        rayon::spawn(move || {
            let found = jobs
                .into_iter()
                .map(|job| job.map_or(Ok(Ready::Nothing), Job::run));
            // Nobody waits any more when writing has failed.
            let _ = send.send(found.collect());
        });
        self.batches.push_back(Batch { items, read });
    }

    fn receive(&mut self) -> Vec<(Item<'a>, Read)> {
        let Some(batch) = self.batches.pop_front() else {
            return Vec::new();
        };
        let read = batch.read.recv().unwrap_or_default();
        let lost = || {
            Err(PackError::Write(
                "a thread that read ended early".to_owned(),
            ))
        };
        let read = read.into_iter().chain(std::iter::repeat_with(lost));
        batch.items.into_iter().zip(read).collect()
    }
}

impl Job {
    fn run(self) -> Read {
        let error = |error| PackError::read(&self.path, error);
        match self.kind {
            Kind::Link => self
                .dir
                .link(self.path.name())
                .map(Ready::Link)
                .map_err(error),
            _ => {
                let file = self.dir.open(self.path.name()).map_err(error)?;
                open(&self.path, file).map(|opened| Ready::File(Box::new(opened)))
            }
        }
    }
}

fn open(path: &AppPath, file: File) -> Result<Opened, PackError> {
    let unread = |reason: &str| PackError::Read(path.clone(), reason.to_owned());
    let stat = *file.stat();
    let xattrs = file
        .xattrs()
        .ok_or_else(|| unread("its extended attributes cannot be read"))?;
    let pieces = file.pieces();
    let content = if pieces.is_some() || stat.size > WHOLE {
        Held::Open(file, pieces)
    } else {
        let mut bytes = vec![0; usize::try_from(stat.size).unwrap_or_default()];
        let got = file
            .read_at(0, &mut bytes)
            .map_err(|error| unread(&error.to_string()))?;
        if got < bytes.len() || !file.unchanged() {
            return Err(changed(path));
        }
        let digest = Digest::of(&bytes);
        Held::Whole(bytes, digest)
    };
    Ok(Opened {
        stat,
        xattrs,
        content,
    })
}

/// A file did not stay as it was.
pub(super) fn changed(path: &AppPath) -> PackError {
    let reason = "it was changed while it was read: stop what writes it, or exclude it";
    PackError::Read(path.clone(), reason.to_owned())
}
