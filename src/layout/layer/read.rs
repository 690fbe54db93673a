//! Reading a layer as a stream. What a careless program that unpacks it would be led astray by is
//! refused here: names that leave the root, names that come twice, archives without end; and so is
//! everything in which programs differ: a name, link or size that is told twice, records in a place
//! where some forget them, a name that ends like a directory's on what is none.

use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io::{self, Read};

use flate2::read::MultiGzDecoder;
use sha2::{Digest as _, Sha256};

use super::header::{BLOCK, Header, Kind};
use super::pax::Records;
use super::sparse::SparseMap;
use super::told::{LENGTH_LIMIT, inside, meta, refused, removal, sized, sparse_name, target};
use super::unpack::Zstd;
use super::{Body, Compression, Entry};
use crate::layout::{Digest, LayoutError};

/// The most that headers of headers (long names, extended attributes) of one entry may be.
pub(super) const EXTENSION_LIMIT: u64 = 1 << 20;

/// What a layer may come to. Beyond it, it counts as made to exhaust whoever unpacks it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes, uncompressed.
    pub bytes: u64,
    /// Entries.
    pub entries: u64,
}

impl Limits {
    /// How often larger than it is stored a layer may be. Programs and texts compress to a half or
    /// a fifth; a tenth is rare.
    const RATIO: u64 = 100;

    /// A layer below this is nobody's harm.
    const FREE: u64 = 256 << 20;

    /// What a layer of `stored` bytes may come to.
    #[must_use]
    pub fn of(stored: u64) -> Self {
        Self {
            bytes: stored.saturating_mul(Self::RATIO).max(Self::FREE),
            entries: 8_000_000,
        }
    }
}

/// What was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Summary {
    /// The digest of the archive, uncompressed.
    pub diff_id: Digest,
    /// Its bytes, uncompressed.
    pub bytes: u64,
    /// Its entries.
    pub entries: u64,
}

/// What is wrong with a layer.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// Its blob is not what it should be, or cannot be read.
    #[error(transparent)]
    Blob(#[from] LayoutError),
    /// It is no tar archive, or is cut off.
    #[error("no readable archive: {0}")]
    Archive(String),
    /// What is made of it cannot be written.
    #[error("cannot be written anew: {0}")]
    Write(String),
    /// It is more than anybody would want to unpack.
    #[error("it unpacks to more than {limit} {unit}: refused")]
    Bomb {
        /// The limit.
        limit: u64,
        /// Of what.
        unit: &'static str,
    },
    /// An entry that no layer may have.
    #[error("entry {name}: {reason}")]
    Entry {
        /// Its name as written, escaped.
        name: String,
        /// Why.
        reason: &'static str,
    },
}

/// Reads the layer `blob` and tells `each` of its entries, in order.
///
/// # Errors
/// At the first thing that is wrong; `each` has then been told of what came before.
pub fn read(
    blob: impl Read,
    compression: Compression,
    limits: Limits,
    each: &mut dyn FnMut(Entry),
) -> Result<Summary, Fault> {
    // Read to its end, so that the blob's own digest is compared, too.
    let mut blob = io::BufReader::new(blob);
    let summary = match compression {
        Compression::None => Reader::new(&mut blob, limits).run(each)?,
        Compression::Gzip => Reader::new(MultiGzDecoder::new(&mut blob), limits).run(each)?,
        Compression::Zstd => Reader::new(Zstd::new(&mut blob), limits).run(each)?,
    };
    let rest = io::copy(&mut blob, &mut io::sink()).map_err(broken)?;
    if rest > 0 {
        return Err(Fault::Archive(format!(
            "{rest} bytes follow the end of the compressed archive"
        )));
    }
    Ok(summary)
}

pub(super) fn broken(error: io::Error) -> Fault {
    let is_ours = error
        .get_ref()
        .is_some_and(|inner| inner.is::<LayoutError>());
    if is_ours {
        return Fault::Blob(LayoutError::from_io("layer", error));
    }
    match error.downcast::<Bomb>() {
        Ok(Bomb(limit)) => Fault::Bomb {
            limit,
            unit: "bytes",
        },
        Err(error) => Fault::Archive(error.to_string()),
    }
}

/// The limit on bytes, as an error of a stream.
#[derive(Debug, thiserror::Error)]
#[error("more than {0} bytes")]
struct Bomb(u64);

/// The archive, uncompressed: counted, summed and bounded.
pub(super) struct Counted<R> {
    from: R,
    sum: Sha256,
    bytes: u64,
    limit: u64,
}

impl<R> Counted<R> {
    pub(super) fn new(from: R, limit: u64) -> Self {
        Self {
            from,
            sum: Sha256::new(),
            bytes: 0,
            limit,
        }
    }
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let got = self.from.read(out)?;
        self.bytes += got as u64;
        if self.bytes > self.limit {
            return Err(io::Error::other(Bomb(self.limit)));
        }
        self.sum.update(&out[..got]);
        Ok(got)
    }
}

/// What headers of headers set for the next entry.
#[derive(Default)]
struct Extension {
    name: Option<Vec<u8>>,
    link: Option<Vec<u8>>,
    pax: Option<Records>,
}

impl Extension {
    fn is_empty(&self) -> bool {
        self.name.is_none() && self.link.is_none() && self.pax.is_none()
    }
}

struct Reader<R> {
    from: Counted<R>,
    limits: Limits,
    entries: u64,
    /// Hashes of the names that came.
    names: BTreeSet<u64>,
    buffer: Vec<u8>,
}

impl<R: Read> Reader<R> {
    fn new(from: R, limits: Limits) -> Self {
        Self {
            from: Counted::new(from, limits.bytes),
            limits,
            entries: 0,
            names: BTreeSet::new(),
            buffer: vec![0; 128 << 10],
        }
    }

    fn run(mut self, each: &mut dyn FnMut(Entry)) -> Result<Summary, Fault> {
        let mut extension = Extension::default();
        while let Some(header) = self.header()? {
            match header.kind {
                Kind::LongName | Kind::LongLink | Kind::Records => {
                    self.extend(&header, &mut extension)?;
                }
                Kind::GlobalRecords => self.global(&header, &extension)?,
                _ => {
                    let entry = self.entry(header, std::mem::take(&mut extension))?;
                    self.count(&entry)?;
                    each(entry);
                }
            }
        }
        if !extension.is_empty() {
            return Err(Fault::Archive(
                "its last header is for an entry that does not follow".into(),
            ));
        }
        self.end()
    }

    /// The next header; None at the end of the archive.
    fn header(&mut self) -> Result<Option<Header>, Fault> {
        let mut block = [0; BLOCK];
        let mut have = 0;
        while have < BLOCK {
            let got = self.from.read(&mut block[have..]).map_err(broken)?;
            if got == 0 {
                break;
            }
            have += got;
        }
        if have == 0 && self.from.bytes == 0 {
            return Err(Fault::Archive("it is empty".into()));
        }
        // Some writers leave out the blocks of zeros that end an archive.
        if have == 0 || (have == BLOCK && block == [0; BLOCK]) {
            return Ok(None);
        }
        if have < BLOCK {
            return Err(Fault::Archive("it is cut off in a header".into()));
        }
        match Header::read(&block) {
            Ok(header) => Ok(Some(header)),
            Err(reason) => {
                let name = block.split(|&byte| byte == 0).next().unwrap_or_default();
                let name = crate::path::escape(name.get(..100).unwrap_or(name)).into_owned();
                Err(Fault::Archive(format!("header {name}: {reason}")))
            }
        }
    }

    /// Reads on to the end, where nothing but zeros may stand.
    fn end(mut self) -> Result<Summary, Fault> {
        loop {
            let got = self.from.read(&mut self.buffer).map_err(broken)?;
            if got == 0 {
                break;
            }
            if self.buffer[..got].iter().any(|&byte| byte != 0) {
                return Err(Fault::Archive("something follows its end".into()));
            }
        }
        Ok(Summary {
            diff_id: Digest::finish(self.from.sum),
            bytes: self.from.bytes,
            entries: self.entries,
        })
    }

    fn count(&mut self, entry: &Entry) -> Result<(), Fault> {
        self.entries += 1;
        if self.entries > self.limits.entries {
            return Err(Fault::Bomb {
                limit: self.limits.entries,
                unit: "entries",
            });
        }
        let mut hasher = DefaultHasher::new();
        entry.path.hash(&mut hasher);
        (entry.body == Body::Opaque).hash(&mut hasher);
        if !self.names.insert(hasher.finish()) && !entry.path.is_root() {
            return Err(refused(
                entry.path.as_bytes(),
                "its name comes twice in this layer, so that programs differ in what they unpack",
            ));
        }
        Ok(())
    }

    /// Reads a header of headers. Which of two wins is for each program another.
    fn extend(&mut self, header: &Header, extension: &mut Extension) -> Result<(), Fault> {
        const TWICE: &str = "two headers tell the name, link or records of one entry";
        let content = self.small(header)?;
        let is_records = header.kind == Kind::Records;
        let is_mixed = if is_records {
            !extension.is_empty()
        } else {
            extension.pax.is_some()
        };
        if is_mixed {
            return Err(Fault::Archive(TWICE.into()));
        }
        if is_records {
            let records = Records::parse(&content);
            extension.pax = Some(records.map_err(|reason| Fault::Archive(reason.into()))?);
            return Ok(());
        }
        // GNU tar ends it with a NUL (GNU tar's manual, Extensions to the Archive Format).
        let text = content.strip_suffix(b"\0").unwrap_or(&content);
        if text.is_empty() || text.contains(&0) {
            return Err(Fault::Archive("a long name that is none".into()));
        }
        let place = match header.kind {
            Kind::LongName => &mut extension.name,
            _ => &mut extension.link,
        };
        match place.replace(text.to_vec()) {
            None => Ok(()),
            Some(_) => Err(Fault::Archive(TWICE.into())),
        }
    }

    /// The content of a header of headers.
    fn small(&mut self, header: &Header) -> Result<Vec<u8>, Fault> {
        if header.size > EXTENSION_LIMIT {
            return Err(Fault::Bomb {
                limit: EXTENSION_LIMIT,
                unit: "bytes of names and attributes for one entry",
            });
        }
        let mut bytes = Vec::new();
        self.content(header.size, &mut |piece| bytes.extend_from_slice(piece))?;
        Ok(bytes)
    }

    /// A header for all entries that follow: git's, with a remark in it. What else it may set some
    /// programs apply and others not, and some forget what came just before it.
    fn global(&mut self, header: &Header, extension: &Extension) -> Result<(), Fault> {
        let text = self.small(header)?;
        let records = Records::parse(&text).map_err(|reason| Fault::Archive(reason.into()))?;
        if !extension.is_empty() {
            return Err(Fault::Archive(
                "a global header stands between an entry and what is told of it".into(),
            ));
        }
        if !records.is_remark() {
            return Err(Fault::Archive(
                "a global header sets more than a remark for every entry".into(),
            ));
        }
        Ok(())
    }

    fn entry(&mut self, header: Header, extension: Extension) -> Result<Entry, Fault> {
        let pax = extension.pax.unwrap_or_default();
        let sparse = sparse_name(&pax).map_err(|reason| refused(&header.name, reason))?;
        let raw = match (sparse, pax.get("path"), extension.name) {
            (Some(name), None, None) | (None, Some(name), None) => name.to_vec(),
            (None, None, Some(name)) => name,
            (None, None, None) => header.name.clone(),
            _ => return Err(refused(&header.name, "its name is told twice")),
        };
        let path = inside(&raw)?;
        if header.kind != Kind::Dir {
            let end = raw.rsplit(|&byte| byte == b'/').next().unwrap_or_default();
            if end.is_empty() || end == b"." {
                return Err(refused(&raw, "the name of a directory on what is none"));
            }
        }
        let meta = meta(&header, &pax).map_err(|reason| refused(&raw, reason))?;
        let link = target(&header, &pax, extension.link);
        let link = link.map_err(|reason| refused(&raw, reason))?;
        let stored = sized(&pax, "size", header.size, LENGTH_LIMIT);
        let stored = stored.map_err(|reason| refused(&raw, reason))?;
        let body = match header.kind {
            Kind::File => self.file(&pax, sparse.is_some(), stored, &raw)?,
            Kind::Dir => Body::Dir,
            Kind::Link => Body::Link(link),
            Kind::HardLink => {
                let to = inside(&link)?;
                if link.ends_with(b"/") || link.ends_with(b"/.") || to.is_root() {
                    return Err(refused(&raw, "another name of a directory"));
                }
                Body::HardLink(to)
            }
            Kind::Fifo => Body::Fifo,
            _ => Body::Device,
        };
        if !matches!(body, Body::File { .. }) && stored > 0 {
            // Only files have content; programs differ in whether they skip it elsewhere.
            return Err(refused(&raw, "content, where its kind has none"));
        }
        if sparse.is_some() && header.kind != Kind::File {
            return Err(refused(&raw, "holes in what is no file"));
        }
        removal(path, meta, body, &raw)
    }

    /// Reads a file's content. Of one with holes the map of them comes first.
    fn file(
        &mut self,
        pax: &Records,
        is_sparse: bool,
        stored: u64,
        raw: &[u8],
    ) -> Result<Body, Fault> {
        let mut sum = Sha256::new();
        let mut map = is_sparse.then(SparseMap::default);
        self.content(stored, &mut |piece| {
            sum.update(piece);
            if let Some(map) = &mut map {
                map.look(piece);
            }
        })?;
        let real = pax.number("GNU.sparse.realsize");
        let real = real.map_err(|reason| refused(raw, reason))?;
        let size = real.unwrap_or(stored);
        if map.is_some_and(|map| !map.fits(size, stored)) {
            return Err(refused(
                raw,
                "a map of its holes that does not fit its content",
            ));
        }
        Ok(Body::File {
            size,
            digest: Digest::finish(sum),
        })
    }

    /// Reads `size` bytes of content and what fills the last block.
    fn content(&mut self, size: u64, each: &mut dyn FnMut(&[u8])) -> Result<(), Fault> {
        let mut rest = size;
        while rest > 0 {
            let want =
                usize::try_from(rest).map_or(self.buffer.len(), |rest| rest.min(self.buffer.len()));
            let got = self.from.read(&mut self.buffer[..want]).map_err(broken)?;
            if got == 0 {
                return Err(Fault::Archive("it is cut off within a file".into()));
            }
            each(&self.buffer[..got]);
            rest -= got as u64;
        }
        let over = usize::try_from(size % BLOCK as u64).unwrap_or_default();
        if over > 0 {
            let mut fill = [0; BLOCK];
            self.from
                .read_exact(&mut fill[over..])
                .map_err(|error| match error.kind() {
                    io::ErrorKind::UnexpectedEof => {
                        Fault::Archive("it is cut off within a file".into())
                    }
                    _ => broken(error),
                })?;
        }
        Ok(())
    }
}
