//! The ledger of a layer: every entry with the package that it is from.

use std::collections::BTreeSet;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::layout::Digest;
use crate::layout::layer::{Body, Entry};
use crate::path::{AppPath, escape};

/// What a layer holds, and where it is from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ledger {
    /// Number of the form, [`Ledger::SCHEMA`].
    pub schema: u32,
    /// The role that answers for the layer.
    pub role: String,
    /// The layer as it is stored.
    pub layer: Digest,
    /// The layer uncompressed.
    pub diff_id: Digest,
    /// The packages that its files are from, in order of name.
    pub packages: Vec<LedgerPackage>,
    /// Its entries in the order of [`AppPath`], removals first.
    pub files: Vec<LedgerFile>,
}

/// A package.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LedgerPackage {
    /// Name.
    pub name: String,
    /// Version, as the package's own tool writes it.
    pub version: String,
}

/// An entry of a layer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LedgerFile {
    /// Its path in the image.
    pub path: AppPath,
    /// What it is.
    pub kind: LedgerKind,
    /// Length in bytes, of a file; with holes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// Digest of the bytes that are stored of it, of a file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<Digest>,
    /// Where it leads: the text of a symbolic link, or the path of which it is another name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// The package that it is from, where one is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub package: Option<String>,
    /// Permission bits, in octal (`0755`).
    #[serde(serialize_with = "to_octal", deserialize_with = "from_octal")]
    pub mode: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
}

/// What an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LedgerKind {
    /// The removal of what lower layers have at the path.
    Removal,
    /// The removal of what lower layers have below the path.
    Emptied,
    /// A directory.
    Dir,
    /// A regular file.
    File,
    /// A symbolic link.
    Link,
    /// Another name of a file.
    Hardlink,
    /// A named pipe.
    Fifo,
}

impl Ledger {
    /// The number of the form.
    pub const SCHEMA: u32 = 1;

    /// Puts packages and files into their order.
    pub fn sort(&mut self) {
        self.packages.sort();
        self.packages.dedup();
        self.files.sort_by(|a, b| a.key().cmp(&b.key()));
    }

    /// The JSON form, one line.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        // Nothing in it has keys that are no text.
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// Whether it tells exactly these entries, and files only of packages that it names.
    ///
    /// # Errors
    /// What differs, the first few of each kind.
    pub fn agrees<'a>(
        &self,
        entries: impl IntoIterator<Item = &'a Entry>,
    ) -> Result<(), Vec<String>> {
        let mut check = LedgerCheck::new(self);
        for entry in entries {
            check.entry(entry);
        }
        check.finish()
    }
}

impl LedgerFile {
    /// The row of an entry; its package is for the caller to say. None for a device, which no layer
    /// may have.
    #[must_use]
    pub fn of(entry: &Entry) -> Option<Self> {
        let mut row = Self {
            path: entry.path.clone(),
            kind: LedgerKind::Dir,
            size: None,
            digest: None,
            target: None,
            package: None,
            mode: entry.meta.mode,
            uid: entry.meta.uid,
            gid: entry.meta.gid,
        };
        row.kind = match &entry.body {
            Body::Dir => LedgerKind::Dir,
            Body::File { size, digest } => {
                row.size = Some(*size);
                row.digest = Some(*digest);
                LedgerKind::File
            }
            Body::Link(text) => {
                row.target = Some(escape(text).into_owned());
                LedgerKind::Link
            }
            Body::HardLink(target) => {
                row.target = Some(target.to_text().into_owned());
                LedgerKind::Hardlink
            }
            Body::Fifo => LedgerKind::Fifo,
            Body::Whiteout => LedgerKind::Removal,
            Body::Opaque => LedgerKind::Emptied,
            Body::Device => return None,
        };
        Some(row)
    }

    /// What no two rows share: a directory may be emptied and named itself.
    fn key(&self) -> (&AppPath, bool) {
        (&self.path, self.kind != LedgerKind::Emptied)
    }

    /// Whether both tell the same of the layer.
    fn is_alike(&self, other: &Self) -> bool {
        Self {
            package: other.package.clone(),
            ..self.clone()
        } == *other
    }
}

/// Compares a ledger with a layer, one entry after another.
#[derive(Debug)]
pub struct LedgerCheck<'a> {
    /// The rows by what no two of them share, and whether the layer has them.
    rows: Vec<(&'a LedgerFile, bool)>,
    wrong: Vec<String>,
    more: u64,
}

impl<'a> LedgerCheck<'a> {
    /// How many differences are told; all are counted.
    const TOLD: usize = 5;

    /// Begins.
    #[must_use]
    pub fn new(ledger: &'a Ledger) -> Self {
        let mut rows: Vec<_> = ledger.files.iter().map(|row| (row, false)).collect();
        rows.sort_by(|(a, _), (b, _)| a.key().cmp(&b.key()));
        let mut check = Self {
            rows: Vec::new(),
            wrong: Vec::new(),
            more: 0,
        };
        for pair in rows.windows(2) {
            if let [(row, _), (next, _)] = pair
                && row.key() == next.key()
            {
                check.tell(|| format!("{} stands twice in the ledger", row.path));
            }
        }
        check.rows = rows;
        let packages: BTreeSet<&str> = ledger.packages.iter().map(|p| &*p.name).collect();
        for row in &ledger.files {
            if let Some(package) = row.package.as_deref()
                && !packages.contains(&package)
            {
                check.tell(|| format!("{} is from {package}, which it does not list", row.path));
            }
        }
        check
    }

    /// Compares an entry of the layer.
    pub fn entry(&mut self, entry: &Entry) {
        let Some(real) = LedgerFile::of(entry) else {
            return self.tell(|| format!("{} is a device", entry.path));
        };
        let place = self
            .rows
            .binary_search_by(|(row, _)| row.key().cmp(&real.key()));
        let Some((row, seen)) = place.ok().and_then(|at| self.rows.get_mut(at)) else {
            return self.tell(|| format!("{} is in the layer, not in the ledger", entry.path));
        };
        *seen = true;
        if !row.is_alike(&real) {
            self.tell(|| format!("{} is not as the ledger says", entry.path));
        }
    }

    /// Ends.
    ///
    /// # Errors
    /// What differs.
    pub fn finish(mut self) -> Result<(), Vec<String>> {
        for (row, seen) in std::mem::take(&mut self.rows) {
            if !seen {
                self.tell(|| format!("{} is in the ledger, not in the layer", row.path));
            }
        }
        if self.more > 0 {
            self.wrong.push(format!("and {} more", self.more));
        }
        if self.wrong.is_empty() {
            Ok(())
        } else {
            Err(self.wrong)
        }
    }

    fn tell(&mut self, what: impl FnOnce() -> String) {
        if self.wrong.len() < Self::TOLD {
            self.wrong.push(what());
        } else {
            self.more += 1;
        }
    }
}

fn to_octal<S: Serializer>(mode: &u32, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&format_args!("{mode:04o}"))
}

fn from_octal<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    let text = String::deserialize(deserializer)?;
    u32::from_str_radix(&text, 8)
        .ok()
        .filter(|mode| *mode <= 0o7777)
        .ok_or_else(|| serde::de::Error::custom(format!("{text:?} are no permission bits")))
}
