//! Reading a layer as a stream. What a careless program that unpacks it would be led astray by is
//! refused here: names that leave the root, devices, names that come twice, archives without end.

use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io::{self, Read};

use flate2::read::MultiGzDecoder;
use sha2::{Digest as _, Sha256};
use tar::{EntryType, Header};

use super::entry::{OPAQUE, WHITEOUT};
use super::pax::Records;
use super::{Body, Compression, Entry, Meta};
use crate::layout::{Digest, LayoutError};
use crate::path::AppPath;

/// The unit of a tar archive.
const BLOCK: usize = 512;

/// The most that headers of headers (long names, extended attributes) of one entry may be.
const EXTENSION_LIMIT: u64 = 1 << 20;

/// The longest path that Linux takes (`PATH_MAX`).
const PATH_LIMIT: usize = 4096;

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
        Compression::Zstd => {
            let zstd = ruzstd::decoding::StreamingDecoder::new(&mut blob)
                .map_err(|error| Fault::Archive(error.to_string()))?;
            Reader::new(zstd, limits).run(each)?
        }
    };
    let rest = io::copy(&mut blob, &mut io::sink()).map_err(broken)?;
    if rest > 0 {
        return Err(Fault::Archive(format!(
            "{rest} bytes follow the end of the compressed archive"
        )));
    }
    Ok(summary)
}

fn broken(error: io::Error) -> Fault {
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
struct Counted<R> {
    from: R,
    sum: Sha256,
    bytes: u64,
    limit: u64,
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
    pax: Records,
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
        let from = Counted {
            from,
            sum: Sha256::new(),
            bytes: 0,
            limit: limits.bytes,
        };
        Self {
            from,
            limits,
            entries: 0,
            names: BTreeSet::new(),
            buffer: vec![0; 128 << 10],
        }
    }

    fn run(mut self, each: &mut dyn FnMut(Entry)) -> Result<Summary, Fault> {
        let mut extension = Extension::default();
        while let Some(header) = self.header()? {
            match header.entry_type() {
                EntryType::GNULongName => extension.name = Some(self.long(&header)?),
                EntryType::GNULongLink => extension.link = Some(self.long(&header)?),
                EntryType::XHeader => extension.pax = self.pax(&header)?,
                EntryType::XGlobalHeader => self.global(&header)?,
                _ => {
                    let entry = self.entry(&header, std::mem::take(&mut extension))?;
                    self.count(&entry)?;
                    each(entry);
                }
            }
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
        // Some writers leave out the blocks of zeros that end an archive.
        if have == 0 || (have == BLOCK && block == [0; BLOCK]) {
            return Ok(None);
        }
        if have < BLOCK {
            return Err(Fault::Archive("it is cut off in a header".into()));
        }
        let header = Header::from_byte_slice(&block).clone();
        let want = header.cksum().map_err(broken)?;
        let sum = |range: &[u8]| range.iter().map(|&byte| u32::from(byte)).sum::<u32>();
        // The field of the checksum counts as spaces (pax(1), ustar Interchange Format).
        let have = sum(&block[..148]) + 8 * u32::from(b' ') + sum(&block[156..]);
        if want != have {
            return Err(Fault::Archive("a header's checksum is wrong".into()));
        }
        Ok(Some(header))
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

    /// The content of a header of headers.
    fn small(&mut self, header: &Header) -> Result<Vec<u8>, Fault> {
        let size = header.entry_size().map_err(broken)?;
        if size > EXTENSION_LIMIT {
            return Err(Fault::Bomb {
                limit: EXTENSION_LIMIT,
                unit: "bytes of names and attributes for one entry",
            });
        }
        let mut bytes = Vec::new();
        self.content(size, &mut |piece| bytes.extend_from_slice(piece))?;
        Ok(bytes)
    }

    fn long(&mut self, header: &Header) -> Result<Vec<u8>, Fault> {
        let mut name = self.small(header)?;
        if name.last() == Some(&0) {
            name.pop();
        }
        Ok(name)
    }

    fn pax(&mut self, header: &Header) -> Result<Records, Fault> {
        let text = self.small(header)?;
        Records::parse(&text)
            .ok_or_else(|| Fault::Archive("a pax header has a record that is none".into()))
    }

    /// A header for all entries that follow. Comments are passed over; programs differ in what
    /// else they make of it.
    fn global(&mut self, header: &Header) -> Result<(), Fault> {
        let records = self.pax(header)?;
        for key in ["path", "linkpath", "size", "uid", "gid"] {
            if records.get(key).is_some() {
                return Err(Fault::Archive(format!(
                    "a global header sets {key} for every entry"
                )));
            }
        }
        Ok(())
    }

    fn entry(&mut self, header: &Header, extension: Extension) -> Result<Entry, Fault> {
        let Extension { name, link, pax } = extension;
        let raw = pax
            .get("GNU.sparse.name")
            .or(pax.get("path"))
            .map(<[u8]>::to_vec)
            .or(name)
            .unwrap_or_else(|| header.path_bytes().into_owned());
        let path = inside(&raw)?;
        let meta = meta(header, &pax).map_err(|reason| refused(&raw, reason))?;
        let link = || {
            let long = pax.get("linkpath").map(<[u8]>::to_vec).or(link);
            long.or_else(|| header.link_name_bytes().map(std::borrow::Cow::into_owned))
                .unwrap_or_default()
        };
        let stored = pax.number("size").map_err(|_| refused(&raw, "no size"))?;
        let stored = match stored {
            Some(size) => size,
            None => header.entry_size().map_err(broken)?,
        };
        let body = match header.entry_type() {
            // An old archive has no type for directories (pax(1)).
            EntryType::Regular | EntryType::Continuous if raw.ends_with(b"/") => Body::Dir,
            EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse => {
                self.file(header, &pax, stored, &raw)?
            }
            EntryType::Directory => Body::Dir,
            EntryType::Symlink => Body::Link(link()),
            EntryType::Link => Body::HardLink(inside(&link())?),
            EntryType::Fifo => Body::Fifo,
            EntryType::Char | EntryType::Block => Body::Device,
            _ => return Err(refused(&raw, "a kind that layers do not have")),
        };
        if !matches!(body, Body::File { .. }) && stored > 0 {
            // Only files have content; programs differ in whether they skip it elsewhere.
            return Err(refused(&raw, "content, where its kind has none"));
        }
        removal(path, meta, body, &raw)
    }

    /// Reads a file's content. Of one with holes the map of them comes first: in the header and
    /// blocks that continue it, or within the content (GNU tar's manual, Storing Sparse Files).
    fn file(
        &mut self,
        header: &Header,
        pax: &Records,
        stored: u64,
        raw: &[u8],
    ) -> Result<Body, Fault> {
        let wrong = |_| refused(raw, "a number of its sparse map is none");
        let mut size = stored;
        if header.entry_type() == EntryType::GNUSparse {
            let gnu = header.as_gnu();
            let gnu =
                gnu.ok_or_else(|| refused(raw, "a sparse file in a header of another form"))?;
            size = gnu.real_size().map_err(broken)?;
            let mut goes_on = gnu.is_extended();
            while goes_on {
                let mut block = [0; BLOCK];
                self.from.read_exact(&mut block).map_err(broken)?;
                // The flag stands behind 21 entries of 24 bytes.
                goes_on = block[504] != 0;
            }
        } else if let Some(real) = pax.number("GNU.sparse.realsize").map_err(wrong)? {
            size = real;
        } else if let Some(real) = pax.number("GNU.sparse.size").map_err(wrong)? {
            size = real;
        }
        let mut sum = Sha256::new();
        self.content(stored, &mut |piece| sum.update(piece))?;
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

fn refused(name: &[u8], reason: &'static str) -> Fault {
    Fault::Entry {
        name: crate::path::escape(name).into_owned(),
        reason,
    }
}

/// A name of the archive as a path in the image.
fn inside(raw: &[u8]) -> Result<AppPath, Fault> {
    if raw.is_empty() {
        return Err(refused(raw, "it has no name"));
    }
    if raw.len() >= PATH_LIMIT {
        return Err(refused(&raw[..64], "a name longer than Linux takes"));
    }
    // The image's own directory goes by this name, too: nothing leaves it.
    if raw.starts_with(b"/") && raw != b"/" {
        return Err(refused(raw, "an absolute name, which may leave the image"));
    }
    if raw.contains(&0) {
        return Err(refused(raw, "a NUL in its name"));
    }
    if raw.split(|&byte| byte == b'/').any(|part| part == b"..") {
        return Err(refused(raw, "`..` in its name, which may leave the image"));
    }
    Ok(AppPath::new(raw))
}

fn meta(header: &Header, pax: &Records) -> Result<Meta, &'static str> {
    let number = |pax: Result<Option<u64>, _>, own: io::Result<u64>, what| {
        let value = match pax.map_err(|_| what)? {
            Some(value) => value,
            None => own.map_err(|_| what)?,
        };
        u32::try_from(value).map_err(|_| what)
    };
    let uid = number(pax.number("uid"), header.uid(), "an owner that is none")?;
    let gid = number(pax.number("gid"), header.gid(), "a group that is none")?;
    let mode = header.mode().map_err(|_| "a mode that is none")?;
    // A time before 1970 is kept as 1970: nothing depends on it.
    let mtime = match pax.number("mtime") {
        Ok(Some(time)) => i64::try_from(time).unwrap_or(0),
        Err(_) => 0,
        Ok(None) => header
            .mtime()
            .ok()
            .and_then(|time| i64::try_from(time).ok())
            .unwrap_or(0),
    };
    Ok(Meta {
        mode: mode & 0o7777,
        uid,
        gid,
        mtime,
        xattrs: pax.xattrs(),
    })
}

/// An entry, or the removal that its name stands for (layer.md, Whiteouts).
fn removal(path: AppPath, meta: Meta, body: Body, raw: &[u8]) -> Result<Entry, Fault> {
    let name = path.name();
    let Some(removed) = name.strip_prefix(WHITEOUT) else {
        let is_below = path.components().any(|part| part.starts_with(WHITEOUT));
        if is_below {
            return Err(refused(
                raw,
                "it lies below a name that stands for a removal",
            ));
        }
        return Ok(Entry { path, meta, body });
    };
    let parent = path.parent().unwrap_or_else(AppPath::root);
    if parent.components().any(|part| part.starts_with(WHITEOUT)) {
        return Err(refused(
            raw,
            "it lies below a name that stands for a removal",
        ));
    }
    let (path, body) = if name == OPAQUE {
        (parent, Body::Opaque)
    } else if removed.is_empty() || removed.starts_with(WHITEOUT) {
        return Err(refused(raw, "a removal of what no image has"));
    } else {
        (parent.child(removed), Body::Whiteout)
    };
    Ok(Entry { path, meta, body })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_leave_the_image_are_refused() {
        for name in ["", "/etc/passwd", "../x", "a/../../x", "a/..", "a\0b"] {
            assert!(inside(name.as_bytes()).is_err(), "{name:?}");
        }
        assert!(inside(&[b'a'; PATH_LIMIT]).is_err());
        assert_eq!(inside(b"./a//b/.").unwrap(), AppPath::new("/a/b"));
        assert!(inside(b"./").unwrap().is_root());
        assert!(inside(b"/").unwrap().is_root());
        assert!(inside(b"//").is_err());
        assert!(inside(b"a..b/..c").is_ok());
    }
}
