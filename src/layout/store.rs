//! The directory of a layout. What is written goes into a file of another name first, so that a
//! reader finds a whole blob or none.

use std::io::{self, Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use rustix::fs::{FlockOperation, Mode, OFlags};

use super::{Blob, BlobWriter, Descriptor, Digest, Index, document as strict};
use crate::tree::{LookupError, Root};

/// The largest index that is read.
const INDEX_LIMIT: usize = 16 << 20;

/// The content of the file `oci-layout` (image-layout.md).
const VERSION: &str = r#"{"imageLayoutVersion":"1.0.0"}"#;

/// How long a layout that another program writes into is waited for.
const PATIENCE: Duration = Duration::from_secs(10);

/// An OCI image layout on this host's disk. Its index is read once: what is verified is what is signed,
/// whatever somebody puts in its place meanwhile.
#[derive(Debug)]
pub struct Layout {
    dir: PathBuf,
    root: Root,
    index: Mutex<Option<(Vec<u8>, Index)>>,
}

/// Keeps others of this program from writing into a layout, until it is dropped.
#[derive(Debug)]
pub struct Lock(#[expect(dead_code, reason = "closing it is what unlocks")] OwnedFd);

/// What is wrong with a layout.
#[derive(Debug, thiserror::Error)]
pub enum LayoutError {
    /// It is none.
    #[error("{dir} is no OCI image layout: {reason}")]
    NoLayout {
        /// The directory.
        dir: String,
        /// What is missing.
        reason: String,
    },
    /// A blob is not there, or is no regular file.
    #[error("blob {digest}: {reason}")]
    Absent {
        /// Its name.
        digest: Digest,
        /// What the disk said.
        reason: LookupError,
    },
    /// A blob is shorter or longer than its descriptor says.
    #[error("blob {digest} is {have} bytes long, its descriptor says {want}")]
    Length {
        /// Its name.
        digest: Digest,
        /// Bytes by the descriptor.
        want: u64,
        /// Bytes on disk.
        have: u64,
    },
    /// A blob's bytes are not what its name says.
    #[error("the bytes of blob {digest} have the digest {real}")]
    Lies {
        /// Its name.
        digest: Digest,
        /// What its bytes come to.
        real: Digest,
    },
    /// A document is larger than any that is read.
    #[error("{what} is larger than {limit} bytes, the most that is read of it")]
    TooLarge {
        /// The document.
        what: String,
        /// The limit in bytes.
        limit: usize,
    },
    /// A document is not what it should be.
    #[error("{what}: {reason}")]
    Malformed {
        /// The document.
        what: String,
        /// What is wrong.
        reason: String,
    },
    /// There is no image of that name, or more than one to choose from.
    #[error("{0}")]
    NoImage(String),
    /// Reading or writing failed.
    #[error("{what}: {reason}")]
    Disk {
        /// The file.
        what: String,
        /// What the system said.
        reason: String,
    },
}

impl LayoutError {
    /// An error of a stream: one of ours inside it, or the medium's.
    pub fn from_io(what: &str, error: io::Error) -> Self {
        let reason = error.to_string();
        match error.into_inner().map(|inner| inner.downcast::<Self>()) {
            Some(Ok(own)) => *own,
            _ => Self::Disk {
                what: what.to_owned(),
                reason,
            },
        }
    }

    /// Whether it is the disk that fails, or forbids, rather than the layout that is not as it should
    /// be.
    #[must_use]
    pub fn is_unreadable(&self) -> bool {
        match self {
            Self::Disk { .. } => true,
            Self::Absent { reason, .. } => {
                matches!(reason, LookupError::Denied | LookupError::Other(_))
            }
            _ => false,
        }
    }

    pub(super) fn malformed(what: impl Into<String>, reason: impl ToString) -> Self {
        Self::Malformed {
            what: what.into(),
            reason: reason.to_string(),
        }
    }
}

impl Layout {
    /// Opens a layout.
    ///
    /// # Errors
    /// When the directory is none, or of another version.
    pub fn open(dir: &Path) -> Result<Self, LayoutError> {
        let none = |reason: String| LayoutError::NoLayout {
            dir: dir.display().to_string(),
            reason,
        };
        let root = Root::open_changing(dir).map_err(|error| none(error.to_string()))?;
        let text = root
            .read("/oci-layout", 4096)
            .map_err(|error| none(format!("its file oci-layout is {error}")))?;
        let version: serde_json::Value =
            strict::read("its file oci-layout", &text, &strict::VERSION)
                .map_err(|error| none(error.to_string()))?;
        match version.get("imageLayoutVersion").and_then(|v| v.as_str()) {
            Some("1.0.0") => {}
            _ => return Err(none("its file oci-layout names no version 1.0.0".into())),
        }
        let layout = Self {
            dir: dir.to_owned(),
            root,
            index: Mutex::default(),
        };
        layout.is_plain().map_err(none)?;
        Ok(layout)
    }

    /// Makes a layout without images in a directory that is not there yet, or is empty.
    ///
    /// # Errors
    /// When the directory holds something, or cannot be made.
    pub fn create(dir: &Path) -> Result<Self, LayoutError> {
        let failed = |error: io::Error| LayoutError::Disk {
            what: dir.display().to_string(),
            reason: error.to_string(),
        };
        std::fs::create_dir_all(dir).map_err(failed)?;
        let root = Root::open_changing(dir).map_err(failed)?;
        let held = root.list("/").map_err(|error| LayoutError::Disk {
            what: dir.display().to_string(),
            reason: error.to_string(),
        })?;
        if !held.is_empty() {
            return Err(LayoutError::Disk {
                what: dir.display().to_string(),
                reason: "it is not empty: name a new directory".to_owned(),
            });
        }
        std::fs::create_dir_all(dir.join("blobs/sha256")).map_err(failed)?;
        let layout = Self {
            dir: dir.to_owned(),
            root,
            index: Mutex::default(),
        };
        layout.replace("index.json", &document(&Index::empty()))?;
        layout.replace("oci-layout", VERSION.as_bytes())?;
        Ok(layout)
    }

    /// Where it is.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Whether the directories that are written to are directories and no links that lead away.
    fn is_plain(&self) -> Result<(), String> {
        for dir in ["/blobs", "/blobs/sha256"] {
            match self.root.lookup(dir) {
                Ok(node) if node.stat.kind == crate::fact::Kind::Dir => {}
                Ok(_) => return Err(format!("{dir} in it is no directory")),
                Err(error) => return Err(format!("{dir} in it is {error}")),
            }
        }
        Ok(())
    }

    /// The images, as they were when they were first asked for.
    ///
    /// # Errors
    /// When `index.json` cannot be read, or is no index.
    pub fn index(&self) -> Result<Index, LayoutError> {
        let mut seen = self.index.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, index)) = &*seen {
            return Ok(index.clone());
        }
        let what = "index.json";
        let text = self.index_text()?;
        let index = Index::read(what, &text)?;
        if index
            .media_type
            .as_deref()
            .is_some_and(|own| own != super::INDEX)
        {
            return Err(LayoutError::malformed(what, "it says to be something else"));
        }
        *seen = Some((text, index.clone()));
        Ok(index)
    }

    fn index_text(&self) -> Result<Vec<u8>, LayoutError> {
        let what = "index.json".to_owned();
        let failed = |reason: LookupError| LayoutError::Disk {
            what: what.clone(),
            reason: reason.to_string(),
        };
        let text = self.root.read("/index.json", INDEX_LIMIT + 1);
        let text = text.map_err(failed)?;
        if text.len() > INDEX_LIMIT {
            return Err(LayoutError::TooLarge {
                what,
                limit: INDEX_LIMIT,
            });
        }
        Ok(text)
    }

    /// Replaces the index.
    ///
    /// # Errors
    /// When it cannot be written, or is not that which was read any more; the one that is there
    /// then stands.
    pub fn save(&self, index: &Index) -> Result<(), LayoutError> {
        let mut seen = self.index.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((read, _)) = &*seen
            && self.index_text()? != *read
        {
            return Err(LayoutError::Disk {
                what: "index.json".to_owned(),
                reason: "it was changed while it was worked on: nothing is changed, try again"
                    .to_owned(),
            });
        }
        let text = document(index);
        self.replace("index.json", &text)?;
        *seen = Some((text, index.clone()));
        Ok(())
    }

    /// Keeps others from writing into it. The index is read anew after that.
    ///
    /// # Errors
    /// When another has it for longer than a hand-over takes, or it cannot be locked.
    pub fn lock(&self) -> Result<Lock, LayoutError> {
        let failed = |reason: String| LayoutError::Disk {
            what: format!("cannot lock {}", self.dir.display()),
            reason,
        };
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let dir = rustix::fs::open(&self.dir, flags, Mode::empty())
            .map_err(|error| failed(error.to_string()))?;
        let step = Duration::from_millis(20);
        let mut left = PATIENCE;
        loop {
            match rustix::fs::flock(&dir, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => break,
                Err(rustix::io::Errno::WOULDBLOCK) if !left.is_zero() => {
                    std::thread::sleep(step);
                    left = left.saturating_sub(step);
                }
                Err(rustix::io::Errno::WOULDBLOCK) => {
                    return Err(failed("another program writes into it".to_owned()));
                }
                Err(error) => return Err(failed(error.to_string())),
            }
        }
        *self.index.lock().unwrap_or_else(PoisonError::into_inner) = None;
        Ok(Lock(dir))
    }

    /// Opens a blob for reading from its beginning to its end.
    ///
    /// # Errors
    /// When it is not there, or not as long as its descriptor says.
    pub fn blob(&self, promised: &Descriptor) -> Result<Blob, LayoutError> {
        inline(promised)?;
        let path = format!("/blobs/sha256/{}", promised.digest.hex());
        let file = self
            .root
            .open_file(&path)
            .map_err(|reason| LayoutError::Absent {
                digest: promised.digest,
                reason,
            })?;
        Blob::new(file, promised.clone())
    }

    /// The bytes of a blob that is a document, at most `limit` of them.
    ///
    /// # Errors
    /// As [`Layout::blob`], when it is larger, or when its bytes are not what its name says.
    pub fn read(&self, promised: &Descriptor, limit: usize) -> Result<Vec<u8>, LayoutError> {
        let what = promised.digest.to_string();
        if usize::try_from(promised.size).map_or(true, |size| size > limit) {
            return Err(LayoutError::TooLarge { what, limit });
        }
        let mut bytes = Vec::new();
        self.blob(promised)?
            .read_to_end(&mut bytes)
            .map_err(|error| LayoutError::from_io(&what, error))?;
        Ok(bytes)
    }

    /// Begins a blob whose length is not known yet.
    ///
    /// # Errors
    /// When no file can be made.
    pub fn begin(&self) -> Result<BlobWriter, LayoutError> {
        BlobWriter::new(&self.blobs()).map_err(|error| self.failed(&error))
    }

    /// Keeps a blob that was begun here, under the name that it has come to.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn keep(&self, blob: BlobWriter, media_type: &str) -> Result<Descriptor, LayoutError> {
        blob.finish(&self.blobs(), media_type)
            .map_err(|error| self.failed(&error))
    }

    /// Writes a blob.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn put(&self, media_type: &str, bytes: &[u8]) -> Result<Descriptor, LayoutError> {
        let mut blob = self.begin()?;
        blob.write_all(bytes).map_err(|error| self.failed(&error))?;
        self.keep(blob, media_type)
    }

    /// Takes over a blob of another layout, proven on the way.
    ///
    /// # Errors
    /// When it is not there, lies, or cannot be written.
    pub fn take(&self, from: &Self, promised: &Descriptor) -> Result<(), LayoutError> {
        let path = format!("/blobs/sha256/{}", promised.digest.hex());
        if self.root.lookup(&path).is_ok() {
            return self.blob(promised)?.prove();
        }
        let mut read = from.blob(promised)?;
        let mut blob = self.begin()?;
        io::copy(&mut read, &mut blob)
            .map_err(|error| LayoutError::from_io(&promised.digest.to_string(), error))?;
        self.keep(blob, &promised.media_type).map(drop)
    }

    fn blobs(&self) -> PathBuf {
        self.dir.join("blobs/sha256")
    }

    fn failed(&self, error: &io::Error) -> LayoutError {
        LayoutError::Disk {
            what: format!("cannot write into {}", self.dir.display()),
            reason: error.to_string(),
        }
    }

    fn replace(&self, name: &str, bytes: &[u8]) -> Result<(), LayoutError> {
        let write = || -> io::Result<()> {
            let mut part = tempfile::Builder::new()
                .prefix(".part-")
                .permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644))
                .tempfile_in(&self.dir)?;
            part.write_all(bytes)?;
            part.persist(self.dir.join(name))?;
            Ok(())
        };
        write().map_err(|error| self.failed(&error))
    }
}

/// Whether the content that a descriptor brings along, which some programs take for the blob's, is the
/// blob's (descriptor.md, Embedded Content).
fn inline(promised: &Descriptor) -> Result<(), LayoutError> {
    let Some(data) = promised.other.get("data") else {
        return Ok(());
    };
    let standard = base64::engine::general_purpose::STANDARD;
    let bytes = data.as_str().and_then(|data| standard.decode(data).ok());
    match bytes {
        Some(bytes) if Digest::of(&bytes) == promised.digest => Ok(()),
        _ => Err(LayoutError::malformed(
            format!("descriptor of {}", promised.digest),
            "the content in it is not the blob's",
        )),
    }
}

/// A document's bytes: the members in the order of its type, nothing between them.
pub(super) fn document<T: serde::Serialize>(value: &T) -> Vec<u8> {
    // Only a map whose keys are no text, or a failing `Serialize`, could make an error.
    serde_json::to_vec(value).unwrap_or_default()
}
