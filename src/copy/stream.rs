//! All volumes as one tar archive in pax form, to go through a pipe into a cluster.
//!
//! A stream cannot be taken back: a file that fails in the middle ends it without the archive's end,
//! so that whoever unpacks it fails, too.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::sync::atomic::Ordering;

use tar::{Builder, EntryType, Header};

use super::descend::below;
use super::pax::{Head, Pieces, sparse_map};
use super::{Done, Outcome, Progress, Source, Trouble};
use crate::fact::{IssueKind, Kind};
use crate::path::AppPath;
use crate::tree::{Attributes, File, Folder, Item, LookupError};

/// A stream that ended before the archive did.
#[derive(Debug, thiserror::Error)]
pub enum StreamError {
    /// The reading end went away, or the file cannot be written.
    #[error("the archive cannot be written: {0}")]
    Write(#[from] io::Error),
    /// A file failed in the middle.
    #[error("{path}: {reason}; the archive ends there, and cannot be unpacked whole")]
    Cut {
        /// The file.
        path: AppPath,
        /// What went wrong.
        reason: String,
    },
    /// The run was ended.
    #[error("interrupted: the archive ends in the middle")]
    Interrupted,
}

/// Writes the volumes to `out`, each below a directory of its name, one after another.
///
/// # Errors
/// When the archive cannot be written to its end. What cannot be read at all is a trouble of its
/// volume, and the rest goes on.
pub fn stream<W: Write>(
    sources: &[Source<'_>],
    out: W,
    progress: &Progress,
) -> Result<(W, Vec<Outcome>), StreamError> {
    let mut builder = Builder::new(out);
    let mut outcomes = Vec::new();
    for source in sources {
        let mut volume = Volume {
            source,
            progress,
            builder: &mut builder,
            twins: BTreeMap::new(),
            outcome: Outcome {
                done: Done::Copied,
                entries: 0,
                bytes: 0,
                troubles: Vec::new(),
                notes: Vec::new(),
            },
        };
        volume.whole()?;
        let mut outcome = volume.outcome;
        if !outcome.troubles.is_empty() {
            outcome.done = Done::Failed;
        } else if !source.fill.copies {
            outcome.done = Done::Made;
        }
        outcomes.push(outcome);
    }
    let mut out = builder.into_inner()?;
    out.flush()?;
    Ok((out, outcomes))
}

struct Volume<'a, W: Write> {
    source: &'a Source<'a>,
    progress: &'a Progress,
    builder: &'a mut Builder<W>,
    /// The first name of files with several.
    twins: BTreeMap<(u64, u64), Vec<u8>>,
    outcome: Outcome,
}

/// What is still to be done of a directory: it, its path, and the names that are left.
type Open = (Folder, Item, Vec<u8>, std::vec::IntoIter<Vec<u8>>);

impl<W: Write> Volume<'_, W> {
    fn whole(&mut self) -> Result<(), StreamError> {
        let fill = self.source.fill;
        if !fill.copies {
            return self.empty();
        }
        let node = match self.source.root.resolve(fill.path.as_bytes()) {
            Ok(node) => node,
            Err(LookupError::Absent | LookupError::NotDirectory) => {
                self.note(b"", "not in the old root: it begins empty");
                return self.empty();
            }
            Err(error) => return self.trouble(b"", format!("cannot be read: {error}")),
        };
        if self.source.root.is_pseudo(&node.stat) {
            return self.trouble(b"", "the kernel makes it up: there is nothing to copy");
        }
        match (node.stat.kind, fill.is_file) {
            (Kind::Dir, false) => match self.source.root.open_folder(&node.real) {
                Ok(folder) => self.tree(folder),
                Err(error) => self.trouble(b"", format!("cannot be read: {error}")),
            },
            (Kind::File, true) => {
                let parent = node.real.parent().unwrap_or_else(AppPath::root);
                let folder = self.source.root.open_folder(&parent);
                let found = folder.and_then(|f| Ok((f.look(node.real.name())?, f)));
                match found {
                    Ok((item, folder)) => self.entry(&folder, node.real.name(), b"", &item),
                    Err(error) => self.trouble(b"", format!("cannot be read: {error}")),
                }
            }
            _ => self.trouble(b"", "not of the kind that the plan has"),
        }
    }

    /// Goes through a tree, each directory before what is in it.
    fn tree(&mut self, top: Folder) -> Result<(), StreamError> {
        let mut open: Vec<Open> = Vec::new();
        open.extend(self.open(top, Vec::new())?);
        while let Some((folder, own, path, names)) = open.last_mut() {
            if self.progress.stopped() {
                return Err(StreamError::Interrupted);
            }
            let Some(name) = names.next() else {
                open.pop();
                continue;
            };
            let path = below(path, &name);
            if self.source.exclude.contains(&self.source.path(&path)) {
                self.note(&path, "left out, as asked");
                continue;
            }
            let item = match folder.look(&name) {
                Ok(item) => item,
                Err(error) => {
                    self.trouble(&path, format!("cannot be read: {error}"))?;
                    continue;
                }
            };
            if item.stat.kind != Kind::Dir {
                self.entry(folder, &name, &path, &item)?;
                continue;
            }
            let all = self.source.all_filesystems;
            if let Some((kind, why)) = self.source.root.refusal(&item.stat, &own.stat, all) {
                if kind == IssueKind::PseudoFilesystem && self.source.root.is_pseudo(&item.stat) {
                    self.note(&path, why);
                } else {
                    self.trouble(&path, why)?;
                }
                continue;
            }
            match folder.enter(&name) {
                Ok(folder) => open.extend(self.open(folder, path)?),
                Err(error) => self.trouble(&path, format!("cannot be read: {error}"))?,
            }
        }
        Ok(())
    }

    fn open(&mut self, folder: Folder, path: Vec<u8>) -> Result<Option<Open>, StreamError> {
        let read = || Ok((folder.item()?, folder.xattrs()?, folder.names()?));
        let read: Result<_, LookupError> = read();
        match read {
            Ok((item, xattrs, names)) => {
                let mut head = Head::of(&item, &xattrs);
                head.header.set_entry_type(EntryType::Directory);
                self.put(head, &path, None, &mut io::empty())?;
                Ok(Some((folder, item, path, names.into_iter())))
            }
            Err(error) => {
                self.trouble(&path, format!("cannot be read: {error}"))?;
                Ok(None)
            }
        }
    }

    /// What is no directory.
    fn entry(
        &mut self,
        folder: &Folder,
        name: &[u8],
        path: &[u8],
        item: &Item,
    ) -> Result<(), StreamError> {
        let kind = item.stat.kind;
        if kind == Kind::Socket {
            // It is of no use without the process that made it.
            self.note(path, "a socket, which no archive holds: left out");
            return Ok(());
        }
        if let Some(first) = self.twins.get(&item.stat.id).cloned() {
            let mut head = Head::of(item, &Attributes::new());
            head.header.set_entry_type(EntryType::Link);
            return self.put(head, path, Some(&first), &mut io::empty());
        }
        if kind == Kind::File {
            let opened = folder.open(name);
            return match opened {
                Ok(file) => self.file(&file, path, item),
                Err(error) => self.trouble(path, format!("cannot be read: {error}")),
            };
        }
        let xattrs = folder.xattrs_of(name);
        let text = (kind == Kind::Link).then(|| folder.link(name)).transpose();
        let (xattrs, text) = match (xattrs, text) {
            (Ok(xattrs), Ok(text)) => (xattrs, text),
            (Err(error), _) | (_, Err(error)) => {
                return self.trouble(path, format!("cannot be read: {error}"));
            }
        };
        let mut head = Head::of(item, &xattrs);
        head.header.set_entry_type(match kind {
            Kind::Link => EntryType::Symlink,
            Kind::Fifo => EntryType::Fifo,
            Kind::CharDevice => EntryType::Char,
            _ => EntryType::Block,
        });
        let (major, minor) = super::list::parts(item.device);
        // Only devices have numbers, and larger ones than a header holds are not in use.
        let _ = head
            .header
            .set_device_major(u32::try_from(major).unwrap_or_default());
        let _ = head
            .header
            .set_device_minor(u32::try_from(minor).unwrap_or_default());
        self.put(head, path, text.as_deref(), &mut io::empty())?;
        self.remember(item, path);
        Ok(())
    }

    fn remember(&mut self, item: &Item, path: &[u8]) {
        if item.stat.links > 1 {
            self.twins.insert(item.stat.id, self.name(path));
        }
    }

    fn file(&mut self, file: &File, path: &[u8], item: &Item) -> Result<(), StreamError> {
        let Some(xattrs) = file.xattrs() else {
            return self.trouble(path, "its extended attributes cannot be read");
        };
        if self.source.root.is_pseudo(&item.stat) {
            return self.trouble(path, "a file that the kernel makes up: not read");
        }
        let size = file.stat().size;
        let mut head = Head::of(item, &xattrs);
        head.header.set_entry_type(EntryType::Regular);
        let pieces = file.pieces();
        let map = pieces.as_deref().map(|pieces| sparse_map(size, pieces));
        if map.is_some() {
            let name = self.name(path);
            let own = |key: &str, value: Vec<u8>| (format!("GNU.sparse.{key}"), value);
            head.records.extend([
                own("major", b"1".to_vec()),
                own("minor", b"0".to_vec()),
                own("name", name),
                own("realsize", size.to_string().into_bytes()),
            ]);
        }
        let whole = [(0, size)];
        let mut data = Pieces {
            file,
            pieces: pieces.as_deref().unwrap_or(&whole),
            at: 0,
            progress: self.progress,
            failed: None,
        };
        let map = map.unwrap_or_default();
        let stored = map.len() as u64 + data.pieces.iter().map(|(_, length)| length).sum::<u64>();
        head.size(stored);
        let put = self.put(head, path, None, &mut map.as_slice().chain(&mut data));
        let failed = data.failed.take();
        let is_changed = !file.unchanged();
        let reason = match (failed, is_changed) {
            (Some(reason), _) => Some(reason),
            (None, true) if put.is_ok() => Some("changed while it was read".to_owned()),
            _ => None,
        };
        if self.progress.stopped() {
            return Err(StreamError::Interrupted);
        }
        if let Some(reason) = reason {
            let path = self.source.path(path);
            return Err(StreamError::Cut { path, reason });
        }
        put?;
        self.outcome.bytes += size;
        self.remember(item, path);
        Ok(())
    }

    /// A volume that begins empty, with the planned owner and mode.
    fn empty(&mut self) -> Result<(), StreamError> {
        let fill = self.source.fill;
        let mut header = Header::new_ustar();
        header.set_mode(fill.mode);
        header.set_uid(fill.uid.into());
        header.set_gid(fill.gid.into());
        header.set_mtime(0);
        header.set_size(0);
        let kind = if fill.is_file {
            EntryType::Regular
        } else {
            EntryType::Directory
        };
        header.set_entry_type(kind);
        let head = Head {
            header,
            records: Vec::new(),
        };
        self.put(head, b"", None, &mut io::empty())
    }

    fn name(&self, path: &[u8]) -> Vec<u8> {
        let volume = self.source.fill.claim.as_bytes();
        if path.is_empty() {
            return volume.to_vec();
        }
        [volume, b"/", path].concat()
    }

    /// Writes an entry; `link` is what a link leads to.
    fn put(
        &mut self,
        mut head: Head,
        path: &[u8],
        link: Option<&[u8]>,
        content: &mut dyn Read,
    ) -> Result<(), StreamError> {
        let mut name = self.name(path);
        if head.header.entry_type().is_dir() {
            name.push(b'/');
        }
        let Some(ustar) = head.header.as_ustar_mut() else {
            return Ok(());
        };
        let short = name.len().min(ustar.name.len());
        ustar.name[..short].copy_from_slice(&name[..short]);
        let link = link.unwrap_or_default();
        let linked = link.len().min(ustar.linkname.len());
        ustar.linkname[..linked].copy_from_slice(&link[..linked]);
        if linked < link.len() {
            head.record("linkpath", link.to_vec());
        }
        if short < name.len() {
            head.record("path", name);
        }
        head.header.set_cksum();
        if !head.records.is_empty() {
            let records = head.records.iter();
            let records = records.map(|(key, value)| (key.as_str(), value.as_slice()));
            self.builder.append_pax_extensions(records)?;
        }
        self.builder.append(&head.header, content)?;
        self.outcome.entries += 1;
        self.progress.entries.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    // The troubles of a volume end nothing: the same type as what does lets callers use `?`.
    #[expect(clippy::unnecessary_wraps, reason = "callers return it")]
    fn trouble(&mut self, path: &[u8], message: impl Into<String>) -> Result<(), StreamError> {
        let trouble: Trouble = self.source.trouble(path, message);
        self.outcome.troubles.push(trouble);
        Ok(())
    }

    fn note(&mut self, path: &[u8], message: impl Into<String>) {
        let note = self.source.trouble(path, message);
        self.outcome.notes.push(note);
    }
}
