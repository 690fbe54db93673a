//! Writing a layer: a tar archive in pax form, with records only where a plain header cannot say
//! it, so that the same entries are the same bytes.

use std::io::{self, Read, Write};

use sha2::{Digest as _, Sha256};
use tar::{EntryType, Header};

use super::Meta;
use super::entry::{OPAQUE, WHITEOUT};
use super::pax::{XATTR, record};
use crate::layout::Digest;
use crate::path::AppPath;

/// The unit of a tar archive.
const BLOCK: u64 = 512;

/// The largest number that eight octal digits hold less one (pax(1), ustar), for owners.
const OWNER_LIMIT: u64 = 0o7_777_777;

/// The same of eleven, for lengths and times.
const LENGTH_LIMIT: u64 = 0o77_777_777_777;

/// The bytes of a name that a header holds without its prefix.
const NAME_LENGTH: usize = 100;

/// What is written for an entry.
pub enum Content<'a> {
    /// A directory.
    Dir,
    /// A regular file of a length, read to its end.
    File(u64, &'a mut dyn Read),
    /// A regular file that was read before: its bytes, and their digest.
    Whole(&'a [u8], Digest),
    /// A regular file with holes: its whole length, where its data are as offset and length, and
    /// the data alone, one piece behind another.
    Sparse(u64, &'a [(u64, u64)], &'a mut dyn Read),
    /// A symbolic link with its text.
    Link(&'a [u8]),
    /// Another name of a file that came before.
    HardLink(&'a AppPath),
    /// A named pipe.
    Fifo,
    /// The removal of the path.
    Whiteout,
    /// The removal of everything below it that lower layers have.
    Opaque,
}

/// Writes an archive.
pub struct TarWriter<W> {
    out: W,
    /// What every name begins with: nothing, or a folder with a slash at its end.
    below: Vec<u8>,
    buffer: Vec<u8>,
}

impl<W: Write> TarWriter<W> {
    /// Begins an archive whose names begin with `below`.
    pub fn new(out: W, below: &str) -> Self {
        Self {
            out,
            below: below.as_bytes().to_vec(),
            buffer: vec![0; 128 << 10],
        }
    }

    /// Writes an entry; for a regular file, the digest of what was stored of it comes back.
    ///
    /// # Errors
    /// When writing or reading fails, or a file has fewer bytes than was said.
    pub fn add(
        &mut self,
        path: &AppPath,
        meta: &Meta,
        content: Content<'_>,
    ) -> io::Result<Option<Digest>> {
        let mut name = self.below.clone();
        match content {
            Content::Whiteout => {
                let parent = path.parent().unwrap_or_else(AppPath::root);
                name.extend_from_slice(
                    parent
                        .child(&[WHITEOUT, path.name()].concat())
                        .as_bytes()
                        .get(1..)
                        .unwrap_or_default(),
                );
            }
            Content::Opaque => {
                name.extend_from_slice(path.child(OPAQUE).as_bytes().get(1..).unwrap_or_default())
            }
            _ => name.extend_from_slice(path.as_bytes().get(1..).unwrap_or_default()),
        }
        if name.is_empty() {
            name.push(b'.');
        }
        if matches!(content, Content::Dir) && !name.ends_with(b"/") {
            name.push(b'/');
        }
        self.put(name, meta, content)
    }

    /// Writes an entry beside the tree, as the metadata of some images are.
    ///
    /// # Errors
    /// When writing fails.
    pub fn beside(&mut self, name: &str, meta: &Meta, bytes: &[u8]) -> io::Result<()> {
        let mut from = bytes;
        let content = Content::File(bytes.len() as u64, &mut from);
        self.put(name.as_bytes().to_vec(), meta, content).map(drop)
    }

    /// Ends the archive.
    ///
    /// # Errors
    /// When writing fails.
    pub fn finish(mut self) -> io::Result<W> {
        self.out.write_all(&[0; 2 * BLOCK as usize])?;
        Ok(self.out)
    }

    fn put(
        &mut self,
        name: Vec<u8>,
        meta: &Meta,
        content: Content<'_>,
    ) -> io::Result<Option<Digest>> {
        let mut records = Vec::new();
        let mut header = Header::new_ustar();
        header.set_mode(meta.mode & 0o7777);
        let mtime = u64::try_from(meta.mtime).unwrap_or(0);
        header.set_mtime(fits(mtime, LENGTH_LIMIT, b"mtime", &mut records));
        header.set_uid(fits(meta.uid.into(), OWNER_LIMIT, b"uid", &mut records));
        header.set_gid(fits(meta.gid.into(), OWNER_LIMIT, b"gid", &mut records));
        header.set_entry_type(match content {
            Content::Dir => EntryType::Directory,
            Content::File(..)
            | Content::Whole(..)
            | Content::Sparse(..)
            | Content::Whiteout
            | Content::Opaque => EntryType::Regular,
            Content::Link(_) => EntryType::Symlink,
            Content::HardLink(_) => EntryType::Link,
            Content::Fifo => EntryType::Fifo,
        });
        for (key, value) in &meta.xattrs {
            record(&[XATTR, key].concat(), value, &mut records);
        }
        let link = match content {
            Content::Link(text) => text.to_vec(),
            Content::HardLink(path) => [
                self.below.as_slice(),
                path.as_bytes().get(1..).unwrap_or_default(),
            ]
            .concat(),
            _ => Vec::new(),
        };
        set_link(&mut header, &link, &mut records);
        match content {
            Content::File(size, from) => {
                header.set_size(fits(size, LENGTH_LIMIT, b"size", &mut records));
                self.head(header, &name, &records)?;
                self.copy(size, from).map(Some)
            }
            Content::Whole(bytes, digest) => {
                let size = bytes.len() as u64;
                header.set_size(fits(size, LENGTH_LIMIT, b"size", &mut records));
                self.head(header, &name, &records)?;
                self.out.write_all(bytes)?;
                self.fill(size)?;
                Ok(Some(digest))
            }
            Content::Sparse(size, pieces, from) => {
                let map = sparse_map(pieces);
                let stored =
                    map.len() as u64 + pieces.iter().map(|(_, length)| length).sum::<u64>();
                record(b"GNU.sparse.major", b"1", &mut records);
                record(b"GNU.sparse.minor", b"0", &mut records);
                record(b"GNU.sparse.name", &name, &mut records);
                record(
                    b"GNU.sparse.realsize",
                    size.to_string().as_bytes(),
                    &mut records,
                );
                header.set_size(fits(stored, LENGTH_LIMIT, b"size", &mut records));
                // The record alone tells the name: a second one is what programs differ in.
                let short = name.get(..NAME_LENGTH).unwrap_or(&name);
                self.head(header, short, &records)?;
                self.copy(stored, &mut map.as_slice().chain(from)).map(Some)
            }
            _ => {
                header.set_size(0);
                self.head(header, &name, &records)?;
                Ok(None)
            }
        }
    }

    /// Writes the headers of an entry.
    fn head(&mut self, mut header: Header, name: &[u8], records: &[u8]) -> io::Result<()> {
        let mut records = records.to_vec();
        set_name(&mut header, name, &mut records);
        if !records.is_empty() {
            let mut extended = Header::new_ustar();
            extended.set_entry_type(EntryType::XHeader);
            extended.set_mode(0o644);
            extended.set_mtime(0);
            extended.set_uid(0);
            extended.set_gid(0);
            extended.set_size(records.len() as u64);
            set_name(&mut extended, b"PaxHeaders/entry", &mut Vec::new());
            extended.set_cksum();
            self.out.write_all(extended.as_bytes())?;
            self.out.write_all(&records)?;
            self.fill(records.len() as u64)?;
        }
        header.set_cksum();
        self.out.write_all(header.as_bytes())
    }

    fn copy(&mut self, size: u64, from: &mut dyn Read) -> io::Result<Digest> {
        let mut sum = Sha256::new();
        let mut rest = size;
        while rest > 0 {
            let want =
                usize::try_from(rest).map_or(self.buffer.len(), |rest| rest.min(self.buffer.len()));
            let got = from.read(&mut self.buffer[..want])?;
            let Some(piece) = self.buffer.get(..got).filter(|piece| !piece.is_empty()) else {
                return Err(io::Error::new(
                    io::ErrorKind::UnexpectedEof,
                    "it has become shorter while it was read",
                ));
            };
            sum.update(piece);
            self.out.write_all(piece)?;
            rest -= got as u64;
        }
        self.fill(size)?;
        Ok(Digest::finish(sum))
    }

    /// Fills the last block with zeros.
    fn fill(&mut self, size: u64) -> io::Result<()> {
        let over = size % BLOCK;
        if over == 0 {
            return Ok(());
        }
        let zeros = [0; BLOCK as usize];
        let fill = usize::try_from(BLOCK - over).unwrap_or_default();
        self.out.write_all(&zeros[..fill])
    }
}

/// A number as the header has it: 0 where a record must hold it.
fn fits(number: u64, limit: u64, key: &[u8], records: &mut Vec<u8>) -> u64 {
    if number <= limit {
        return number;
    }
    record(key, number.to_string().as_bytes(), records);
    0
}

/// Puts a name into the header: whole, cut at a slash in two, or into a record.
fn set_name(header: &mut Header, name: &[u8], records: &mut Vec<u8>) {
    let Some(ustar) = header.as_ustar_mut() else {
        return;
    };
    if name.len() <= ustar.name.len() {
        ustar.name[..name.len()].copy_from_slice(name);
        return;
    }
    // The slash between both parts is stored in neither.
    let is_cut = |at: &usize| {
        name.get(*at) == Some(&b'/')
            && *at > 0
            && *at <= ustar.prefix.len()
            && (1..=ustar.name.len()).contains(&(name.len() - at - 1))
    };
    if let Some(at) = (0..name.len()).rev().find(is_cut) {
        let (prefix, rest) = (&name[..at], &name[at + 1..]);
        ustar.prefix[..prefix.len()].copy_from_slice(prefix);
        ustar.name[..rest.len()].copy_from_slice(rest);
        return;
    }
    record(b"path", name, records);
    let short = name.len().min(ustar.name.len());
    ustar.name[..short].copy_from_slice(&name[..short]);
}

fn set_link(header: &mut Header, link: &[u8], records: &mut Vec<u8>) {
    let Some(ustar) = header.as_ustar_mut() else {
        return;
    };
    let short = link.len().min(ustar.linkname.len());
    ustar.linkname[..short].copy_from_slice(&link[..short]);
    if short < link.len() {
        record(b"linkpath", link, records);
    }
}

/// The map of a file with holes, as it comes before its data: the number of pieces, and offset and
/// length of each, a number to a line, filled up to a whole block (GNU tar's manual, PAX Format,
/// Version 1.0).
fn sparse_map(pieces: &[(u64, u64)]) -> Vec<u8> {
    let mut map = format!("{}\n", pieces.len());
    for (offset, length) in pieces {
        map += &format!("{offset}\n{length}\n");
    }
    let mut map = map.into_bytes();
    map.resize(map.len().next_multiple_of(BLOCK as usize), 0);
    map
}
