//! rpm's databases, in each of the three forms in which hosts have them.
//!
//! The stores are read by small readers of our own: linking the C libraries would hand hostile
//! input to C code, and Berkeley DB's licence asks for the source of all that links it. Each
//! reader yields the places of the packages first and their headers one by one, so that nothing
//! holds a whole database.

mod bdb;
#[cfg(test)]
pub(crate) mod fixture;
pub mod header;
mod ndb;
mod sqlite;
#[cfg(test)]
mod tests;
mod wal;

use std::fmt;

use super::read::ReadAt;

/// The longest header that is read: four times that of the largest packages.
const MAX_BLOB: u64 = 64 << 20;

/// The most packages that are read of one database: ten times what large hosts have.
const MAX_RECORDS: usize = 100_000;

/// The bytes of a store.
pub type Source = Box<dyn ReadAt + Send + Sync>;

/// Why a database, or a part of it, could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What kind of fault.
    pub kind: FaultKind,
    /// In words.
    pub message: String,
}

/// What kind of fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// The medium failed.
    Unreadable,
    /// The form is broken.
    Malformed,
    /// The form is one that nothing here reads.
    NotUnderstood,
    /// A limit on work was reached.
    Limit,
}

impl Fault {
    fn new(kind: FaultKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
        }
    }

    fn malformed(message: &str) -> Self {
        Self::new(FaultKind::Malformed, message)
    }

    fn not_understood(message: &str) -> Self {
        Self::new(FaultKind::NotUnderstood, message)
    }

    fn limit(message: &str) -> Self {
        Self::new(FaultKind::Limit, message)
    }

    fn too_large() -> Self {
        Self::limit("a package's header is over 64 MiB")
    }

    fn too_many() -> Self {
        Self::limit("over 100,000 packages; the rest was not read")
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// Where a store keeps a package.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Slot {
    page: u32,
    index: u32,
}

/// An open store.
pub struct Store(Form);

enum Form {
    Sqlite(sqlite::Sqlite),
    Ndb(ndb::Ndb),
    Bdb(bdb::Bdb),
}

impl Store {
    /// Opens the store that `source` is, as its first bytes say. `wal` is what lies beside an
    /// SQLite file under its name with `-wal`: changes that were not yet written into it.
    ///
    /// What could not be used of the latter comes as second.
    ///
    /// # Errors
    /// When it is none that rpm makes.
    pub fn open(source: Source, wal: Option<Source>) -> Result<(Self, Vec<Fault>), Fault> {
        let head = read_some(&*source, 0, 100)?;
        if sqlite::Sqlite::detects(&head) {
            return sqlite::Sqlite::open(source, wal)
                .map(|(db, faults)| (Self(Form::Sqlite(db)), faults));
        }
        let form = if ndb::Ndb::detects(&head) {
            Form::Ndb(ndb::Ndb::open(source)?)
        } else if bdb::Bdb::detects(&head) {
            Form::Bdb(bdb::Bdb::open(source)?)
        } else {
            return Err(Fault::not_understood("no form of database that rpm has"));
        };
        Ok((Self(form), Vec::new()))
    }

    /// Where the packages are, in the order of the store, and what could not be read.
    #[must_use]
    pub fn slots(&self) -> (Vec<Slot>, Vec<Fault>) {
        match &self.0 {
            Form::Sqlite(db) => db.slots(),
            Form::Ndb(db) => db.slots(),
            Form::Bdb(db) => db.slots(),
        }
    }

    /// The header of a package, for [`header::Header::parse`].
    ///
    /// # Errors
    /// When the store is broken there.
    pub fn blob(&self, slot: Slot) -> Result<Vec<u8>, Fault> {
        match &self.0 {
            Form::Sqlite(db) => db.blob(slot),
            Form::Ndb(db) => db.blob(slot),
            Form::Bdb(db) => db.blob(slot),
        }
    }
}

/// Keeps a fault once: a broken store repeats itself as often as it has pages.
fn note(faults: &mut Vec<Fault>, fault: Fault) {
    if !faults.contains(&fault) {
        faults.push(fault);
    }
}

/// All of `length` bytes at `offset`.
fn read(source: &dyn ReadAt, offset: u64, length: u64) -> Result<Vec<u8>, Fault> {
    let bytes = read_some(source, offset, length)?;
    if bytes.len() as u64 == length {
        Ok(bytes)
    } else {
        Err(Fault::malformed("the file ends too early"))
    }
}

/// What exists of `length` bytes at `offset`.
fn read_some(source: &dyn ReadAt, offset: u64, length: u64) -> Result<Vec<u8>, Fault> {
    let length = usize::try_from(length).map_err(|_| Fault::too_large())?;
    source
        .bytes_at(offset, length)
        .map_err(|error| Fault::new(FaultKind::Unreadable, error.to_string()))
}

fn array<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..at.checked_add(N)?)?.try_into().ok()
}

fn be16(bytes: &[u8], at: usize) -> Option<u16> {
    array(bytes, at).map(u16::from_be_bytes)
}

fn be32(bytes: &[u8], at: usize) -> Option<u32> {
    array(bytes, at).map(u32::from_be_bytes)
}

fn be64(bytes: &[u8], at: usize) -> Option<u64> {
    array(bytes, at).map(u64::from_be_bytes)
}

fn le32(bytes: &[u8], at: usize) -> Option<u32> {
    array(bytes, at).map(u32::from_le_bytes)
}
