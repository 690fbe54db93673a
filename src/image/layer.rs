//! One layer, written as its entries come: the archive, its digests and the ledger at once, so that
//! memory does not grow with the tree.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};
use std::sync::atomic::Ordering;

use sha2::{Digest as _, Sha256};

use super::ahead::{Ahead, Held, Opened, Ready, changed};
use super::contents::Contents;
use super::pieces::Pieces;
use super::walk::{Found, Item, made_meta, meta, point_meta};
use super::{PackError, PackProgress, Settled};
use crate::custody::{LedgerFile, Merged};
use crate::fact::Kind;
use crate::layout::layer::{Body, Content, Entry, Meta, TarWriter, is_attribute};
use crate::layout::{BlobWriter, Descriptor, Digest, Gzip, LAYER_GZIP, Layout};
use crate::path::AppPath;

/// The media type of a ledger.
pub(super) const LEDGER: &str = "application/vnd.seaworthy.ledger.v1+json";

/// What a layer may keep of extended attributes: what programs need at run time. Labels and marks
/// of a host's security module or overlay are the host's.
const XATTRS: [&[u8]; 3] = [b"security.capability", b"user.", b"system.posix_acl_"];

/// A stream that is summed on its way.
pub(super) struct Summed<W> {
    out: W,
    sum: Sha256,
}

impl<W: Write> Summed<W> {
    pub(super) fn new(out: W) -> Self {
        Self {
            out,
            sum: Sha256::new(),
        }
    }
}

impl<W: Write> Write for Summed<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let done = self.out.write(bytes)?;
        self.sum.update(&bytes[..done]);
        Ok(done)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// A layer that was written.
#[derive(Clone, Debug)]
pub(super) struct Written {
    pub(super) layer: Descriptor,
    pub(super) diff_id: Digest,
    pub(super) ledger: Descriptor,
}

/// Writes entries into an archive.
pub(super) struct Archive<'a, W: Write> {
    tar: TarWriter<W>,
    settled: &'a Settled,
    progress: &'a PackProgress,
    /// What lower layers have; what is the same there is not written again.
    lower: Option<&'a Merged>,
    /// The directories of lower layers: whose owner and mode they have was decided there.
    dirs: &'a BTreeSet<AppPath>,
    /// The directory that was asked of last whether it lies behind a link of lower layers, and where
    /// that leads.
    moved: Option<(AppPath, Option<AppPath>)>,
    /// The directories that lead to what was written last, and are written.
    open: Vec<AppPath>,
    /// Files with several names, by device and inode.
    linked: BTreeMap<(u64, u64), AppPath>,
    /// What is written next.
    ahead: Ahead<'a>,
    /// What is told of each entry that was written.
    rows: Box<dyn FnMut(Entry, Option<usize>) -> Result<(), PackError> + 'a>,
}

impl<'a, W: Write> Archive<'a, W> {
    pub(super) fn new(
        tar: TarWriter<W>,
        settled: &'a Settled,
        progress: &'a PackProgress,
        lower: Option<&'a Merged>,
        dirs: &'a BTreeSet<AppPath>,
        rows: Box<dyn FnMut(Entry, Option<usize>) -> Result<(), PackError> + 'a>,
    ) -> Self {
        Self {
            tar,
            settled,
            progress,
            lower,
            dirs,
            moved: None,
            open: Vec::new(),
            linked: BTreeMap::new(),
            ahead: Ahead::new(),
            rows,
        }
    }

    /// Ends the archive.
    pub(super) fn finish(mut self) -> Result<W, PackError> {
        loop {
            let read = self.ahead.rest();
            if read.is_empty() {
                break;
            }
            self.add_read(read)?;
        }
        self.tar.finish().map_err(PackError::write)
    }

    /// Takes an entry; it is written when its turn has come.
    pub(super) fn add(&mut self, item: Item<'a>) -> Result<(), PackError> {
        let read = self.ahead.put(item);
        self.add_read(read)
    }

    fn add_read(
        &mut self,
        read: Vec<(Item<'a>, Result<Ready, PackError>)>,
    ) -> Result<(), PackError> {
        for (item, ready) in read {
            if self.progress.stop.load(Ordering::Relaxed) {
                return Err(PackError::Interrupted);
            }
            self.progress.entries.fetch_add(1, Ordering::Relaxed);
            let item = self.settle(item);
            self.put_item(&item, ready?)?;
        }
        Ok(())
    }

    /// An entry as it goes into the archive; behind a link of lower layers, where that leads: a
    /// directory in its place would hide what they have there.
    fn settle(&mut self, item: Item<'a>) -> Item<'a> {
        let Some(path) = self.moved(&item) else {
            return item;
        };
        let lower = self.lower;
        let lead = |(dir, meta): &(AppPath, Meta)| {
            let real = lower.map_or_else(|| dir.clone(), |lower| dir_in(lower, dir));
            (real, meta.clone())
        };
        let above = item.above.iter().map(lead).collect();
        Item {
            path,
            above,
            ..item
        }
    }

    /// Where an entry goes, when that is not its own path.
    fn moved(&mut self, item: &Item<'_>) -> Option<AppPath> {
        let lower = self.lower?;
        let is_dir = match &item.found {
            Found::Entry(stat) => stat.kind == Kind::Dir,
            Found::Point(point) => !point.is_file,
            Found::Made(made) => made.bytes.is_none(),
        };
        if is_dir && let Some(dir) = lower.linked_dir(&lower.way_to(&item.path)) {
            return Some(dir).filter(|dir| *dir != item.path);
        }
        let parent = item.path.parent()?;
        if self
            .moved
            .as_ref()
            .is_none_or(|(known, _)| *known != parent)
        {
            let real = dir_in(lower, &parent);
            let real = Some(real).filter(|real| *real != parent);
            self.moved = Some((parent, real));
        }
        let (_, real) = self.moved.as_ref()?;
        Some(real.as_ref()?.child(item.path.name()))
    }

    /// Writes an entry, after the directories that lead to it.
    fn put_item(&mut self, item: &Item<'_>, ready: Ready) -> Result<(), PackError> {
        match (&item.found, ready) {
            (Found::Point(point), _) if point.is_file => {
                self.given_file(item, &point_meta(point), &[])
            }
            (Found::Point(point), _) => {
                self.lead(&item.above)?;
                self.dir(&item.path, &point_meta(point), item.source.package)
            }
            (Found::Made(made), _) => {
                let meta = made_meta(made);
                if let Some(bytes) = &made.bytes {
                    return self.given_file(item, &meta, bytes);
                }
                self.lead(&item.above)?;
                self.dir(&item.path, &meta, None)
            }
            (Found::Entry(stat), Ready::Nothing) => {
                self.lead(&item.above)?;
                self.dir(&item.path, &meta(stat), item.source.package)
            }
            (Found::Entry(stat), Ready::Link(text)) => self.link(item, &meta(stat), &text),
            (Found::Entry(..), Ready::File(opened)) => self.file(item, *opened),
        }
    }

    /// Writes the directories that lead to an entry, where lower layers do not have them.
    fn lead(&mut self, above: &[(AppPath, Meta)]) -> Result<(), PackError> {
        let is_open = |open: &AppPath| above.iter().any(|(dir, _)| dir == open);
        while self.open.last().is_some_and(|last| !is_open(last)) {
            self.open.pop();
        }
        for (dir, meta) in above.get(self.open.len()..).unwrap_or_default() {
            self.dir(dir, meta, None)?;
        }
        Ok(())
    }

    /// Writes a directory; it is then one that leads to what follows.
    fn dir(
        &mut self,
        path: &AppPath,
        meta: &Meta,
        package: Option<usize>,
    ) -> Result<(), PackError> {
        while self.open.last().is_some_and(|last| !path.is_below(last)) {
            self.open.pop();
        }
        self.open.push(path.clone());
        if self.dirs.contains(path) {
            return Ok(());
        }
        self.put(path, meta, Content::Dir)?;
        self.row(path, meta, Body::Dir, package)
    }

    fn given_file(&mut self, item: &Item<'_>, meta: &Meta, bytes: &[u8]) -> Result<(), PackError> {
        let body = Body::File {
            size: bytes.len() as u64,
            digest: Digest::of(bytes),
        };
        if self.is_below_already(&item.path, meta, &body) {
            return Ok(());
        }
        self.lead(&item.above)?;
        self.put(&item.path, meta, Content::Whole(bytes, Digest::of(bytes)))?;
        self.row(&item.path, meta, body, None)
    }

    fn link(&mut self, item: &Item<'_>, meta: &Meta, text: &[u8]) -> Result<(), PackError> {
        let body = Body::Link(text.to_vec());
        if self.is_below_already(&item.path, meta, &body) {
            return Ok(());
        }
        self.lead(&item.above)?;
        self.put(&item.path, meta, Content::Link(text))?;
        self.row(&item.path, meta, body, item.source.package)
    }

    fn file(&mut self, item: &Item<'_>, opened: Opened) -> Result<(), PackError> {
        let (path, package) = (&item.path, item.source.package);
        let Opened {
            stat,
            xattrs,
            content,
        } = opened;
        let mut meta = meta(&stat);
        meta.mtime = meta.mtime.clamp(0, self.settled.newest);
        let is_kept = |name: &[u8]| XATTRS.iter().any(|kept| name.starts_with(kept));
        meta.xattrs = xattrs
            .into_iter()
            .filter(|(name, value)| is_kept(name) && is_attribute(name, value))
            .collect();
        if let Some(first) = self.linked.get(&stat.id).cloned() {
            self.lead(&item.above)?;
            self.put(path, &meta, Content::HardLink(&first))?;
            return self.row(path, &meta, Body::HardLink(first), package);
        }
        let lower = self.lower;
        if lower.is_some_and(|lower| is_same(lower, path, &meta, stat.size, &content)) {
            return Ok(());
        }
        self.lead(&item.above)?;
        let digest = match &content {
            Held::Whole(bytes, digest) => self.put(path, &meta, Content::Whole(bytes, *digest))?,
            Held::Open(file, pieces) => {
                let whole = [(0, stat.size)];
                let mut from = Pieces::new(file, pieces.as_deref().unwrap_or(&whole));
                let content = match pieces {
                    Some(pieces) => Content::Sparse(stat.size, pieces, &mut from),
                    None => Content::File(stat.size, &mut from),
                };
                let digest = self.put(path, &meta, content)?;
                if !file.unchanged() {
                    return Err(changed(path));
                }
                digest
            }
        };
        self.progress.bytes.fetch_add(stat.size, Ordering::Relaxed);
        if stat.links > 1 {
            self.linked.insert(stat.id, path.clone());
        }
        let size = stat.size;
        self.row(path, &meta, Body::File { size, digest }, package)
    }

    fn is_below_already(&self, path: &AppPath, meta: &Meta, body: &Body) -> bool {
        let held = self.lower.and_then(|lower| lower.get(path));
        held.is_some_and(|held| {
            held.body == *body && (held.mode, held.uid, held.gid) == (meta.mode, meta.uid, meta.gid)
        })
    }

    /// Writes an entry. The digest of what is stored comes back, that of nothing where it is no
    /// file.
    fn put(
        &mut self,
        path: &AppPath,
        meta: &Meta,
        content: Content<'_>,
    ) -> Result<Digest, PackError> {
        let done = self.tar.add(path, meta, content);
        match done {
            Ok(digest) => Ok(digest.unwrap_or_else(|| Digest::of(b""))),
            Err(error) => Err(PackError::Write(format!("{path}: {error}"))),
        }
    }

    fn row(
        &mut self,
        path: &AppPath,
        meta: &Meta,
        body: Body,
        package: Option<usize>,
    ) -> Result<(), PackError> {
        let entry = Entry {
            path: path.clone(),
            meta: meta.clone(),
            body,
        };
        (self.rows)(entry, package)
    }
}

/// Where a directory is in lower layers, or would be.
fn dir_in(lower: &Merged, dir: &AppPath) -> AppPath {
    let way = lower.way_to(dir);
    lower.linked_dir(&way).unwrap_or(way)
}

/// Whether lower layers have the same file.
fn is_same(lower: &Merged, path: &AppPath, meta: &Meta, length: u64, content: &Held) -> bool {
    let Some(held) = lower.get(path) else {
        return false;
    };
    let Body::File { size, digest } = held.body else {
        return false;
    };
    let is_alike = (held.mode, held.uid, held.gid) == (meta.mode, meta.uid, meta.gid)
        && size == length
        && held.xattrs.is_some() != meta.xattrs.is_empty();
    if !is_alike {
        return false;
    }
    match content {
        Held::Whole(_, known) => *known == digest,
        Held::Open(file, _) => {
            let whole = [(0, size)];
            let mut sum = Sha256::new();
            io::copy(&mut Pieces::new(file, &whole), &mut sum)
                .is_ok_and(|_| Digest::finish(sum) == digest)
        }
    }
}

/// The archive of a layer, compressed and summed.
pub(super) type LayerOut = Summed<Gzip<BlobWriter>>;

/// Begins the archive of a layer.
pub(super) fn begin(layout: &Layout, level: u32) -> Result<TarWriter<LayerOut>, PackError> {
    let gzip = Gzip::new(layout.begin()?, level).map_err(PackError::write)?;
    Ok(TarWriter::new(Summed::new(gzip), ""))
}

/// Ends it: the layer's descriptor and what it is uncompressed.
pub(super) fn end(layout: &Layout, out: LayerOut) -> Result<(Descriptor, Digest), PackError> {
    let diff_id = Digest::finish(out.sum);
    let blob = out.out.finish().map_err(PackError::write)?;
    Ok((layout.keep(blob, LAYER_GZIP)?, diff_id))
}

/// A ledger, written as its rows come.
pub(super) struct LedgerOut<'a> {
    blob: BlobWriter,
    contents: &'a Contents,
    used: BTreeSet<usize>,
    rows: u64,
    /// The row that is written.
    text: Vec<u8>,
}

impl<'a> LedgerOut<'a> {
    pub(super) fn new(
        layout: &Layout,
        contents: &'a Contents,
        role: &str,
    ) -> Result<Self, PackError> {
        let mut blob = layout.begin()?;
        write!(blob, "{{\"schema\":1,\"role\":\"{role}\",\"files\":[").map_err(PackError::write)?;
        Ok(Self {
            blob,
            contents,
            used: Default::default(),
            rows: 0,
            text: Vec::new(),
        })
    }

    pub(super) fn row(&mut self, entry: &Entry, package: Option<usize>) -> Result<(), PackError> {
        let Some(mut row) = LedgerFile::of(entry) else {
            return Ok(());
        };
        if let Some(number) = package
            && let Some((name, ..)) = self.contents.packages.get(number)
        {
            row.package = Some(name.clone());
            self.used.insert(number);
        }
        self.text.clear();
        if self.rows > 0 {
            self.text.push(b',');
        }
        self.rows += 1;
        serde_json::to_writer(&mut self.text, &row).map_err(|e| PackError::write(e.into()))?;
        self.blob.write_all(&self.text).map_err(PackError::write)
    }

    /// How many packages it names.
    pub(super) fn packages(&self) -> u64 {
        self.used.len() as u64
    }

    /// Ends the ledger of a layer that is finished.
    pub(super) fn finish(
        mut self,
        layout: &Layout,
        layer: &Descriptor,
        diff_id: Digest,
    ) -> Result<Descriptor, PackError> {
        let packages: Vec<serde_json::Value> = self
            .used
            .iter()
            .filter_map(|number| self.contents.packages.get(*number))
            .map(|(name, version, _)| serde_json::json!({"name": name, "version": version}))
            .collect();
        let packages = serde_json::Value::from(packages);
        let layer = layer.digest;
        write!(
            self.blob,
            "],\"packages\":{packages},\"layer\":\"{layer}\",\"diff_id\":\"{diff_id}\"}}"
        )
        .map_err(PackError::write)?;
        Ok(layout.keep(self.blob, LEDGER)?)
    }
}
