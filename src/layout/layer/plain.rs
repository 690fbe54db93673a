//! A layer that programs read differently, written anew in the form that all read alike. One reading
//! of it is chosen, where several could be: a pax header before GNU's, both before the header; the last
//! of several with one name. What cannot be chosen so is refused as before.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io::{self, BufReader, Read, Write};

use flate2::read::MultiGzDecoder;

use super::header::{BLOCK, Kind};
use super::loose::{IS_OF_ONE, Loose, Told, old_pieces};
use super::pax::{Record, loose};
use super::read::{Counted, EXTENSION_LIMIT, broken};
use super::sparse::{PIECES, Piece, is_map};
use super::told::{inside, refused, removal};
use super::unpack::Zstd;
use super::{Body, Compression, Content, Entry, Fault, Limits, TarWriter, is_attribute};
use crate::layout::Digest;
use crate::path::AppPath;

/// What of a layer did not come along: why, how often, and the first of it.
pub type Dropped = BTreeMap<&'static str, (u64, String)>;

/// Writes the layer that `open` gives, twice, into `out`.
///
/// # Errors
/// When it is no archive, comes to more than `limits`, has an entry that no layer may have, or cannot
/// be read or written.
pub fn rewrite<W: Write>(
    open: &mut dyn FnMut() -> Result<Box<dyn Read>, Fault>,
    compression: Compression,
    limits: Limits,
    out: &mut TarWriter<W>,
) -> Result<Dropped, Fault> {
    let mut names = Names::default();
    let mut first = Walk::new(open()?, compression, limits);
    while let Some((entry, _)) = first.next()? {
        names.add(&entry);
    }
    let mut dropped = Dropped::new();
    let mut second = Walk::new(open()?, compression, limits);
    while let Some((entry, holes)) = second.next()? {
        let what = names.keep(&entry)?;
        if let Some(reason) = what {
            note(&mut dropped, reason, &entry);
            continue;
        }
        let mut entry = entry;
        entry.meta.xattrs.retain(|name, value| {
            let stays = is_attribute(name, value);
            if !stays {
                let told = format!("{} of {}", crate::path::escape(name), entry.path);
                let of = dropped
                    .entry("an attribute that no layer may have")
                    .or_insert((0, told));
                of.0 += 1;
            }
            stays
        });
        second.write(&entry, holes, out)?;
    }
    if second.rest()? {
        let told = "after the last entry".to_owned();
        dropped.insert("something behind its end", (1, told));
    }
    Ok(dropped)
}

fn note(dropped: &mut Dropped, reason: &'static str, entry: &Entry) {
    let of = dropped.entry(reason);
    of.or_insert_with(|| (0, entry.path.to_text().into_owned()))
        .0 += 1;
}

/// Which entry of several with one name is the last.
#[derive(Default)]
struct Names {
    last: BTreeMap<u64, u64>,
    twice: BTreeSet<u64>,
    count: u64,
    now: u64,
}

fn key(path: &AppPath, is_opaque: bool) -> u64 {
    let mut hasher = DefaultHasher::new();
    path.hash(&mut hasher);
    is_opaque.hash(&mut hasher);
    hasher.finish()
}

impl Names {
    fn add(&mut self, entry: &Entry) {
        let key = key(&entry.path, entry.body == Body::Opaque);
        if self.last.insert(key, self.count).is_some() {
            self.twice.insert(key);
        }
        self.count += 1;
    }

    /// Why the next entry does not come along.
    fn keep(&mut self, entry: &Entry) -> Result<Option<&'static str>, Fault> {
        let key_of = key(&entry.path, entry.body == Body::Opaque);
        let at = self.now;
        self.now += 1;
        if self.last.get(&key_of) != Some(&at) {
            return Ok(Some("an entry whose name comes again"));
        }
        match &entry.body {
            Body::Device => Ok(Some("a device, which no image needs")),
            Body::HardLink(to) if self.twice.contains(&key(to, false)) => Err(refused(
                entry.path.as_bytes(),
                "another name of a file that comes twice",
            )),
            _ => Ok(None),
        }
    }
}

/// What is read, and whether that failed or ended too early: a copy fails on either side.
struct Noted<R> {
    from: R,
    failed: bool,
}

impl<R: Read> Read for Noted<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let got = self.from.read(out);
        self.failed = !matches!(got, Ok(1..));
        got
    }
}

/// The content that follows an entry.
struct Holes {
    /// Where its data are, of a file with holes.
    pieces: Option<Vec<Piece>>,
    /// Bytes of data that follow.
    stored: u64,
    /// Bytes behind them up to the next header.
    fill: u64,
}

/// Goes through an archive.
struct Walk {
    from: Counted<Box<dyn Read>>,
    limits: Limits,
    entries: u64,
    /// What is still to be passed over before the next header.
    pending: u64,
    global: Vec<Record>,
}

impl Walk {
    fn new(blob: Box<dyn Read>, compression: Compression, limits: Limits) -> Self {
        let blob = BufReader::new(blob);
        let plain: Box<dyn Read> = match compression {
            Compression::None => Box::new(blob),
            Compression::Gzip => Box::new(MultiGzDecoder::new(blob)),
            Compression::Zstd => Box::new(Zstd::new(blob)),
        };
        Self {
            from: Counted::new(plain, limits.bytes),
            limits,
            entries: 0,
            pending: 0,
            global: Vec::new(),
        }
    }

    /// The next entry, and what of its content follows.
    fn next(&mut self) -> Result<Option<(Entry, Holes)>, Fault> {
        let (mut long_name, mut long_link, mut records) = (None, None, Vec::new());
        loop {
            self.skip()?;
            let Some(block) = self.block()? else {
                return Ok(None);
            };
            let name = super::header::text(&block[..100]);
            let header = Loose::read(&block).map_err(|reason| refused(name, reason))?;
            match header.kind {
                Kind::LongName => long_name = Some(cut(self.small(header.size)?)),
                Kind::LongLink => long_link = Some(cut(self.small(header.size)?)),
                Kind::Records => records = self.records(header.size)?,
                Kind::GlobalRecords => {
                    let told = self.records(header.size)?;
                    if told.iter().any(|(key, _)| IS_OF_ONE.contains(&&key[..])) {
                        return Err(refused(name, "a name or a size for all entries"));
                    }
                    self.global.extend(told);
                }
                _ => {
                    let mut all = self.global.clone();
                    all.append(&mut records);
                    let told = Told::of(all);
                    return self.entry(header, &told, long_name, long_link).map(Some);
                }
            }
        }
    }

    fn entry(
        &mut self,
        header: Loose,
        told: &Told,
        long_name: Option<Vec<u8>>,
        long_link: Option<Vec<u8>>,
    ) -> Result<(Entry, Holes), Fault> {
        self.entries += 1;
        if self.entries > self.limits.entries {
            return Err(Fault::Bomb {
                limit: self.limits.entries,
                unit: "entries",
            });
        }
        let name = told.text("GNU.sparse.name").or(told.text("path"));
        let raw = name.or(long_name).unwrap_or_else(|| header.name.clone());
        // An archive is unpacked below a directory, and a name that begins at the top is below it, too.
        let below = raw.iter().take_while(|&&byte| byte == b'/').count();
        let path = inside(if below == raw.len() {
            &raw
        } else {
            &raw[below..]
        })?;
        let wrong = |reason| refused(&raw, reason);
        let meta = told.meta(&header).map_err(wrong)?;
        let link = told.text("linkpath").or(long_link);
        let link = link.unwrap_or_else(|| header.link.clone());
        let stored = told.number("size").map_err(wrong)?.unwrap_or(header.size);
        let is_file = header.kind == Kind::File;
        if matches!(header.kind, Kind::Link | Kind::HardLink) && link.is_empty() {
            return Err(wrong("a link that leads nowhere"));
        }
        // What is no file has no content: a size is then that of what was read when it was written
        // (pax(1), ustar, `size`).
        let mut holes = Holes {
            pieces: None,
            stored: if is_file { stored } else { 0 },
            fill: 0,
        };
        let mut size = holes.stored;
        if is_file {
            size = self
                .holes(&header, told, &mut holes)
                .map_err(|fault| match fault {
                    Ok(reason) => wrong(reason),
                    Err(fault) => fault,
                })?;
        }
        holes.fill = holes.fill_of(if is_file { stored } else { 0 });
        self.pending = holes.stored + holes.fill;
        let body = match header.kind {
            Kind::File => Body::File {
                size,
                digest: Digest::of(b""),
            },
            Kind::Dir => Body::Dir,
            Kind::Link => Body::Link(link),
            Kind::HardLink => {
                let below = link.iter().take_while(|&&byte| byte == b'/').count();
                Body::HardLink(inside(&link[below..])?)
            }
            Kind::Fifo => Body::Fifo,
            _ => Body::Device,
        };
        Ok((removal(path, meta, body, &raw)?, holes))
    }

    /// Where the data of a file are, when it has holes, and its whole length.
    fn holes(
        &mut self,
        header: &Loose,
        told: &Told,
        holes: &mut Holes,
    ) -> Result<u64, Result<&'static str, Fault>> {
        const WRONG: &str = "a map of its holes that does not fit its content";
        let mut map = 0;
        let (pieces, size) = if let Some(old) = &header.old {
            let mut pieces = old.pieces.clone();
            let mut goes_on = old.goes_on;
            while goes_on {
                // A block of the map is no content: it stands between the header and that.
                let block = self.block().map_err(Err)?.ok_or(Ok(WRONG))?;
                pieces.extend(old_pieces(&block[..504]).map_err(Ok)?);
                goes_on = block[504] != 0 && pieces.len() as u64 <= PIECES;
            }
            (pieces, old.size)
        } else if told.text("GNU.sparse.major").as_deref() == Some(b"1") {
            let (pieces, read) = self.map(holes.stored)?;
            map = read;
            (pieces, told.real_size().map_err(Ok)?.ok_or(Ok(WRONG))?)
        } else if let Some(size) = told.real_size().map_err(Ok)? {
            (told.pieces().map_err(Ok)?, size)
        } else {
            return Ok(holes.stored);
        };
        holes.stored -= map;
        if !is_map(&pieces, size, holes.stored) {
            return Err(Ok(WRONG));
        }
        holes.pieces = Some(pieces);
        Ok(size)
    }

    /// A map of the form 1.0, which comes before the data, and the bytes that it took.
    fn map(&mut self, stored: u64) -> Result<(Vec<Piece>, u64), Result<&'static str, Fault>> {
        const WRONG: &str = "a map of its holes that is none";
        let (mut numbers, mut text, mut read) = (Vec::new(), Vec::new(), 0);
        loop {
            read += BLOCK as u64;
            if read > stored.min(PIECES * 64) {
                return Err(Ok(WRONG));
            }
            let mut block = [0; BLOCK];
            self.from
                .read_exact(&mut block)
                .map_err(|e| Err(broken(e)))?;
            for byte in block {
                match byte {
                    b'\n' => {
                        let digits = std::str::from_utf8(&text).ok();
                        let number = digits.and_then(|text| text.parse::<u64>().ok());
                        numbers.push(number.ok_or(Ok(WRONG))?);
                        text.clear();
                    }
                    byte => text.push(byte),
                }
                if let Some((count, rest)) = numbers.split_first()
                    && rest.len() as u64 == count.saturating_mul(2)
                {
                    let pieces = rest.as_chunks::<2>().0.iter();
                    return Ok((pieces.map(|[at, length]| (*at, *length)).collect(), read));
                }
            }
        }
    }

    /// Writes an entry with the content that follows it here.
    fn write<W: Write>(
        &mut self,
        entry: &Entry,
        holes: Holes,
        out: &mut TarWriter<W>,
    ) -> Result<(), Fault> {
        let mut data = Noted {
            from: (&mut self.from).take(holes.stored),
            failed: false,
        };
        let content = match (&entry.body, &holes.pieces) {
            (Body::File { size, .. }, Some(pieces)) => Content::Sparse(*size, pieces, &mut data),
            (Body::File { size, .. }, None) => Content::File(*size, &mut data),
            (Body::Dir, _) => Content::Dir,
            (Body::Link(text), _) => Content::Link(text),
            (Body::HardLink(to), _) => Content::HardLink(to),
            (Body::Fifo, _) => Content::Fifo,
            (Body::Whiteout, _) => Content::Whiteout,
            (Body::Opaque, _) => Content::Opaque,
            (Body::Device, _) => return Ok(()),
        };
        let written = out.add(&entry.path, &entry.meta, content);
        self.pending = holes.fill + data.from.limit();
        written.map(drop).map_err(|error| match data.failed {
            true => broken(error),
            false => Fault::Write(error.to_string()),
        })
    }

    /// The next block; None at the end of the archive.
    fn block(&mut self) -> Result<Option<[u8; BLOCK]>, Fault> {
        let mut block = [0; BLOCK];
        let mut have = 0;
        while have < BLOCK {
            match self.from.read(&mut block[have..]).map_err(broken)? {
                0 => break,
                got => have += got,
            }
        }
        match have {
            0 => Ok(None),
            BLOCK => Ok(Some(block).filter(|block| block.iter().any(|&byte| byte != 0))),
            _ => Err(Fault::Archive("it is cut off in a header".into())),
        }
    }

    fn skip(&mut self) -> Result<(), Fault> {
        let pending = std::mem::take(&mut self.pending);
        let mut rest = (&mut self.from).take(pending);
        let passed = io::copy(&mut rest, &mut io::sink()).map_err(broken)?;
        if passed < pending {
            return Err(Fault::Archive("it is cut off within a file".into()));
        }
        Ok(())
    }

    /// The content of a header of headers.
    fn small(&mut self, size: u64) -> Result<Vec<u8>, Fault> {
        if size > EXTENSION_LIMIT {
            return Err(Fault::Bomb {
                limit: EXTENSION_LIMIT,
                unit: "bytes of names and attributes for one entry",
            });
        }
        let mut bytes = Vec::new();
        let mut from = (&mut self.from).take(size);
        from.read_to_end(&mut bytes).map_err(broken)?;
        self.pending = size.next_multiple_of(BLOCK as u64) - bytes.len() as u64;
        Ok(bytes)
    }

    fn records(&mut self, size: u64) -> Result<Vec<Record>, Fault> {
        let text = self.small(size)?;
        loose(&text).map_err(|reason| Fault::Archive(reason.into()))
    }

    /// Whether anything but zeros follows the end.
    fn rest(&mut self) -> Result<bool, Fault> {
        let mut buffer = vec![0; 64 << 10];
        let mut found = false;
        loop {
            match self.from.read(&mut buffer).map_err(broken)? {
                0 => return Ok(found),
                got => found |= buffer[..got].iter().any(|&byte| byte != 0),
            }
        }
    }
}

impl Holes {
    /// What fills the last block of the stored bytes, a map of holes before them included.
    fn fill_of(&self, stored: u64) -> u64 {
        stored.next_multiple_of(BLOCK as u64) - stored
    }
}

/// A long name ends with a NUL, or with its bytes.
fn cut(text: Vec<u8>) -> Vec<u8> {
    super::header::text(&text).to_vec()
}

#[cfg(test)]
mod tests;
