//! Files with several names: the first name that is met brings the content, the others become names
//! of the same file.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use super::list::Row;

/// The identity of a file: device and inode.
type Id = (u64, u64);

/// The files with several names, and what waits for those that are being copied.
#[derive(Debug)]
pub(super) struct Twins<W>(Mutex<BTreeMap<Id, Twin<W>>>);

#[derive(Debug)]
enum Twin<W> {
    /// Being copied; others wait for it.
    Busy(Vec<W>),
    /// There, with its path in the volume.
    There(First),
    /// It did not arrive.
    Lost,
}

/// A file that is there: its path below the volume, and what the list says of it.
#[derive(Clone, Debug)]
pub(super) struct First {
    pub(super) path: Vec<u8>,
    pub(super) row: Row,
}

/// What is to be done about a name.
#[derive(Debug)]
pub(super) enum Claim<W> {
    /// It is the first: copy it.
    Copy(W),
    /// It was put to those that wait.
    Waits,
    /// Give it the file that is there.
    Link(W, Box<First>),
    /// Copy failed under another name.
    Lost(W),
}

impl<W> Default for Twins<W> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<W> Twins<W> {
    /// Asks what is to be done about a name of the file `id`.
    pub(super) fn claim(&self, id: Id, name: W) -> Claim<W> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match known.get_mut(&id) {
            None => {
                known.insert(id, Twin::Busy(Vec::new()));
                Claim::Copy(name)
            }
            Some(Twin::Busy(waiting)) => {
                waiting.push(name);
                Claim::Waits
            }
            Some(Twin::There(first)) => Claim::Link(name, Box::new(first.clone())),
            Some(Twin::Lost) => Claim::Lost(name),
        }
    }

    /// Says what came of the first name, and takes those that waited.
    pub(super) fn settle(&self, id: Id, first: Option<First>) -> Vec<W> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let twin = first.map_or(Twin::Lost, Twin::There);
        match known.insert(id, twin) {
            Some(Twin::Busy(waiting)) => waiting,
            _ => Vec::new(),
        }
    }
}
