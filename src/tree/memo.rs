//! What lookups found, kept for the next: a path of an application is asked for by whatever reads,
//! joins and judges it, a handful of times in all.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hasher as _};
use std::sync::{Mutex, PoisonError};

use super::root::{LookupError, Node};

/// How many lookups are remembered: more than a package has files, and an end to what they take,
/// some eight megabytes at the most.
const LOOKUPS: usize = 1 << 15;

/// Parts, each with a lock of its own.
const PARTS: usize = 16;

/// Answers by the path that was asked for. What is removed or made meanwhile is not noticed.
#[derive(Debug)]
pub(super) struct Memo {
    /// How many answers a part may hold.
    room: usize,
    parts: [Mutex<BTreeMap<Box<[u8]>, Answer>>; PARTS],
}

type Answer = Result<Node, LookupError>;

impl Default for Memo {
    fn default() -> Self {
        Self {
            room: LOOKUPS / PARTS,
            parts: Default::default(),
        }
    }
}

impl Memo {
    /// One that remembers nothing.
    pub(super) fn none() -> Self {
        Self {
            room: 0,
            ..Self::default()
        }
    }

    /// What a path was found to be.
    pub(super) fn get(&self, path: &[u8]) -> Option<Answer> {
        let part = self.part(path).lock();
        let part = part.unwrap_or_else(PoisonError::into_inner);
        part.get(path).cloned()
    }

    /// Keeps what will not be another the next time: that something is there, or is not.
    pub(super) fn keep(&self, path: &[u8], answer: &Answer) {
        use LookupError::{Absent, NotDirectory};
        if !matches!(answer, Ok(_) | Err(Absent | NotDirectory)) {
            return;
        }
        let part = self.part(path).lock();
        let mut part = part.unwrap_or_else(PoisonError::into_inner);
        if part.len() < self.room {
            part.insert(path.into(), answer.clone());
        }
    }

    fn part(&self, path: &[u8]) -> &Mutex<BTreeMap<Box<[u8]>, Answer>> {
        let mut hasher = DefaultHasher::new();
        hasher.write(path);
        &self.parts[usize::try_from(hasher.finish() % PARTS as u64).unwrap_or(0)]
    }
}
