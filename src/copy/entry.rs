//! The copy of one entry that is no directory: under a name of its own first, and whole under its real
//! one.

use super::Progress;
use super::descend::{CHANGED, Copying, Node, below, part_name, written};
use super::file::{self, Fault};
use super::list::Row;
use super::place::{Kept, Place, is_same};
use crate::fact::{Kind, Stat};
use crate::tree::{Attributes, File, Folder, Item, LookupError};

/// A regular file's way from one side to the other.
pub(super) struct Whole<'a> {
    /// Below the volume.
    pub(super) path: &'a [u8],
    pub(super) from: &'a Folder,
    pub(super) name: &'a [u8],
    pub(super) into: &'a Place,
    pub(super) part: &'a [u8],
    pub(super) to: &'a [u8],
    /// Whether the directory that it is made in may hand something on to it.
    pub(super) inherits: bool,
}

impl Copying<'_> {
    /// What is no directory.
    pub(super) fn single(
        &self,
        node: &Node,
        name: &[u8],
        item: &Item,
        buffer: &mut Vec<u8>,
    ) -> Result<Option<Row>, String> {
        let part = part_name(&node.part, name);
        if item.stat.kind == Kind::File {
            let path = below(&node.path, name);
            let whole = Whole {
                path: &path,
                from: &node.from,
                name,
                into: &node.into,
                part: &part,
                to: name,
                inherits: false,
            };
            let was_there = (!node.is_fresh)
                .then(|| self.before(&whole, item, buffer))
                .flatten();
            return match was_there {
                Some(row) => Ok(Some(row)),
                None => self.content(&whole, item, buffer),
            };
        }
        self.special(node, name, &part, item).map(Some)
    }

    /// The row of a file that an ended run has already copied whole, by all that can be compared.
    fn before(&self, whole: &Whole<'_>, item: &Item, buffer: &mut Vec<u8>) -> Option<Row> {
        let there = whole.into.folder.look(whole.to).ok()?;
        if !is_same(&there, item) {
            return None;
        }
        let (old, new) = (
            whole.from.open(whole.name).ok()?,
            whole.into.folder.open(whole.to).ok()?,
        );
        let mut row = Row::new(item, &old.xattrs()?);
        if row.xattrs != Row::new(item, &new.xattrs()?).xattrs {
            return None;
        }
        let sum = file::sum(&old, buffer, self.progress).ok()?;
        let is_same = file::sum(&new, buffer, &Progress::default()).ok()? == sum;
        row.sum = Some(sum);
        (is_same && old.unchanged()).then_some(row)
    }

    pub(super) fn content(
        &self,
        whole: &Whole<'_>,
        item: &Item,
        buffer: &mut Vec<u8>,
    ) -> Result<Option<Row>, String> {
        if self.source.root.is_pseudo(&item.stat) {
            return Err("a file that the kernel makes up: not read".into());
        }
        let from = whole.from.open(whole.name);
        let from = from.map_err(|error| format!("cannot be read: {error}"))?;
        // What is allocated may change without a change of the file.
        let of = |stat: &Stat| (stat.id, stat.size, stat.mode, stat.uid, stat.gid);
        if of(from.stat()) != of(&item.stat) || from.modified() != item.modified {
            return Err(CHANGED.into());
        }
        let xattrs = from.xattrs();
        let xattrs = xattrs.ok_or("its extended attributes cannot be read")?;
        let result = self.write(whole, &from, item, xattrs, buffer);
        if !matches!(result, Ok(Some(_))) {
            // The next run would remove it as well.
            let _ = whole.into.remove(whole.part);
        }
        result
    }

    fn write(
        &self,
        whole: &Whole<'_>,
        from: &File,
        item: &Item,
        xattrs: Attributes,
        buffer: &mut Vec<u8>,
    ) -> Result<Option<Row>, String> {
        let into = whole.into.file(whole.part).map_err(written)?;
        if whole.inherits {
            into.shed().map_err(written)?;
        }
        let sum = match file::copy(from, &into, buffer, self.progress) {
            Ok(sum) => sum,
            Err(Fault::Read(reason)) => return Err(format!("cannot be read: {reason}")),
            Err(Fault::Write(errno)) => return Err(written(errno)),
            Err(Fault::Shorter) => return Err(CHANGED.into()),
            Err(Fault::Stopped) => return Ok(None),
        };
        if !from.unchanged() {
            return Err(CHANGED.into());
        }
        let mut row = Row::new(item, &xattrs);
        row.sum = Some(sum);
        let lacks = into.finish(&Kept::of(item, xattrs));
        whole.into.rename(whole.part, whole.to).map_err(written)?;
        self.lacks(whole.path, lacks);
        Ok(Some(row))
    }

    /// A link, a pipe, a socket or a device.
    fn special(&self, node: &Node, name: &[u8], part: &[u8], item: &Item) -> Result<Row, String> {
        let unread = |error: LookupError| format!("cannot be read: {error}");
        let kind = item.stat.kind;
        let text = match kind {
            Kind::Link => Some(node.from.link(name).map_err(unread)?),
            _ => None,
        };
        let xattrs = node.from.xattrs_of(name).map_err(unread)?;
        let mut row = Row::new(item, &xattrs);
        row.text.clone_from(&text);
        let made = node.into.special(part, item, text.as_deref());
        made.map_err(|errno| match kind {
            Kind::CharDevice | Kind::BlockDevice if errno == rustix::io::Errno::PERM => {
                "a device file, which only root may make: not copied".to_owned()
            }
            _ => written(errno),
        })?;
        let lacks = node.into.settle(part, kind, &Kept::of(item, xattrs));
        if let Err(errno) = node.into.rename(part, name) {
            let _ = node.into.remove(part);
            return Err(written(errno));
        }
        self.lacks(&below(&node.path, name), lacks);
        Ok(row)
    }
}
