//! A directory that is written to. It is held open, every operation is relative to it and follows no
//! link, so that nothing that somebody prepared there leads a write out of the volume.

use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::fs::{
    AtFlags, FileType, FlockOperation, Gid, Mode, OFlags, Timespec, Timestamps, Uid, XattrFlags,
};
use rustix::io::Errno;

use crate::fact::{Kind, Stat};
use crate::tree::{Attributes, Folder, Item, LookupError, Moment};

/// The attributes that hold access control lists (acl(5)); the default one of a directory is what
/// new entries in it begin with.
const ACL: &[u8] = b"system.posix_acl_access";
const DEFAULT_ACL: &[u8] = b"system.posix_acl_default";

/// An open directory that is written to.
#[derive(Debug)]
pub(super) struct Place {
    /// The same for reading.
    pub(super) folder: Folder,
}

/// A regular file that is written under a name of its own and renamed when it is whole.
#[derive(Debug)]
pub(super) struct NewFile(OwnedFd);

/// What an entry is to have beside its content.
#[derive(Clone, Debug)]
pub(super) struct Kept {
    pub(super) mode: u32,
    pub(super) uid: u32,
    pub(super) gid: u32,
    /// Last read and last changed, where they are kept.
    pub(super) times: Option<(Moment, Moment)>,
    pub(super) xattrs: Attributes,
}

/// What could not be given to an entry, whose content is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Lacks {
    /// Only root may give a file away (chown(2)).
    Owner,
    /// Anything else, by what was asked and what the system said.
    Other(String, Errno),
}

impl Kept {
    pub(super) fn of(item: &Item, xattrs: Attributes) -> Self {
        Self {
            mode: item.stat.mode,
            uid: item.stat.uid,
            gid: item.stat.gid,
            times: Some((item.accessed, item.modified)),
            xattrs,
        }
    }

    /// The bits that may be given: a program that its owner lost must not run as another one.
    fn bits(&self, has_owner: bool) -> Mode {
        let mask = if has_owner { 0o7777 } else { 0o1777 };
        Mode::from_raw_mode(self.mode & mask)
    }

    fn owners(&self) -> (Option<Uid>, Option<Gid>) {
        (Some(Uid::from_raw(self.uid)), Some(Gid::from_raw(self.gid)))
    }

    fn stamps(&self) -> Option<Timestamps> {
        let spec = |(tv_sec, tv_nsec): Moment| Timespec { tv_sec, tv_nsec };
        let stamps = |(accessed, modified)| Timestamps {
            last_access: spec(accessed),
            last_modification: spec(modified),
        };
        self.times.map(stamps)
    }
}

/// Whether an owner was kept: `EPERM` alone says that it was not, and why.
fn owned(done: Result<(), Errno>, lacks: &mut Vec<Lacks>) -> bool {
    match done {
        Ok(()) => return true,
        Err(Errno::PERM) => lacks.push(Lacks::Owner),
        Err(errno) => lacks.push(Lacks::Other("the owner".into(), errno)),
    }
    false
}

fn note(done: Result<(), Errno>, what: &str, lacks: &mut Vec<Lacks>) {
    if let Err(errno) = done {
        lacks.push(Lacks::Other(what.to_owned(), errno));
    }
}

fn attribute(name: &[u8]) -> String {
    let name = crate::path::escape(name);
    format!("the extended attribute {name}")
}

impl Place {
    /// Opens a directory of this host that the user named.
    pub(super) fn open_host(host: &Path) -> Result<Self, LookupError> {
        Folder::open_host(host).map(|folder| Self { folder })
    }

    /// The directory once more.
    pub(super) fn again(&self) -> Result<Self, LookupError> {
        self.folder.again().map(|folder| Self { folder })
    }

    /// Opens the directory `name`, which is made where it is not there; and whether it was made. It
    /// is closed to others, and hands nothing on to new entries, until it is finished.
    pub(super) fn dir(&self, name: &[u8]) -> Result<(Self, bool), LookupError> {
        let made = match rustix::fs::mkdirat(&self.folder, name, Mode::RWXU) {
            Ok(()) => true,
            Err(Errno::EXIST) => false,
            Err(errno) => return Err(LookupError::from_errno(errno)),
        };
        let folder = self.folder.enter(name)?;
        let place = Self { folder };
        place.reserve()?;
        Ok((place, made))
    }

    /// Closes the directory to others for the time of writing, and takes from it what new entries
    /// would inherit: a default access control list, and the group (inode(7), `S_ISGID`).
    fn reserve(&self) -> Result<(), LookupError> {
        for name in [DEFAULT_ACL, ACL] {
            match rustix::fs::fremovexattr(&self.folder, name) {
                Ok(()) | Err(Errno::NODATA | Errno::OPNOTSUPP) => {}
                Err(errno) => return Err(LookupError::from_errno(errno)),
            }
        }
        rustix::fs::fchmod(&self.folder, Mode::RWXU).map_err(LookupError::from_errno)
    }

    /// Begins a file under the name `part`, in place of what an ended run left there.
    pub(super) fn file(&self, part: &[u8]) -> Result<NewFile, Errno> {
        let flags =
            OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let make = || rustix::fs::openat(&self.folder, part, flags, Mode::RUSR | Mode::WUSR);
        let made = match make() {
            Err(Errno::EXIST) => {
                self.remove(part)?;
                make()
            }
            other => other,
        };
        made.map(NewFile)
    }

    /// Gives a file its name.
    pub(super) fn rename(&self, part: &[u8], name: &[u8]) -> Result<(), Errno> {
        rustix::fs::renameat(&self.folder, part, &self.folder, name)
    }

    /// Removes what is no directory.
    pub(super) fn remove(&self, name: &[u8]) -> Result<(), Errno> {
        rustix::fs::unlinkat(&self.folder, name, AtFlags::empty())
    }

    /// Makes a link, a pipe, a socket or a device under the name `part`.
    pub(super) fn special(
        &self,
        part: &[u8],
        item: &Item,
        text: Option<&[u8]>,
    ) -> Result<(), Errno> {
        let make = || match text {
            Some(text) => rustix::fs::symlinkat(text, &self.folder, part),
            None => {
                let mode = Mode::RUSR | Mode::WUSR;
                let kind = file_type(item.stat.kind);
                rustix::fs::mknodat(&self.folder, part, kind, mode, item.device)
            }
        };
        match make() {
            Err(Errno::EXIST) => {
                self.remove(part)?;
                make()
            }
            other => other,
        }
    }

    /// Gives what [`Place::special`] made its owner, mode, times and attributes.
    pub(super) fn settle(&self, name: &[u8], kind: Kind, kept: &Kept) -> Vec<Lacks> {
        let mut lacks = Vec::new();
        let dir = &self.folder;
        let nofollow = AtFlags::SYMLINK_NOFOLLOW;
        let (uid, gid) = kept.owners();
        let chown = rustix::fs::chownat(dir, name, uid, gid, nofollow);
        let has_owner = owned(chown, &mut lacks);
        let way = self.folder.way_to(name);
        for (key, value) in &kept.xattrs {
            let set =
                rustix::fs::lsetxattr(way.as_slice(), key.as_slice(), value, XattrFlags::empty());
            note(set, &attribute(key), &mut lacks);
        }
        // A link has no mode of its own (symlink(7)).
        if kind != Kind::Link {
            let chmod = self.chmod(name, kept.bits(has_owner));
            note(chmod, "the mode", &mut lacks);
        }
        if let Some(stamps) = kept.stamps() {
            let set = rustix::fs::utimensat(dir, name, &stamps, nofollow);
            note(set, "the times", &mut lacks);
        }
        lacks
    }

    /// Sets the mode of what stands at `name` now and is no link: fchmodat(2) would follow one that
    /// somebody has put there meanwhile, the open place does not.
    fn chmod(&self, name: &[u8], mode: Mode) -> Result<(), Errno> {
        use std::os::fd::AsRawFd as _;
        let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let place = rustix::fs::openat(&self.folder, name, flags, Mode::empty())?;
        let kind = FileType::from_raw_mode(rustix::fs::fstat(&place)?.st_mode);
        if kind == FileType::Symlink {
            return Err(Errno::LOOP);
        }
        rustix::fs::chmod(format!("/proc/self/fd/{}", place.as_raw_fd()), mode)
    }

    /// Finishes the directory itself: nothing may be made in it afterwards.
    pub(super) fn finish(&self, kept: &Kept) -> Vec<Lacks> {
        finish(&self.folder, kept)
    }

    /// Gives the file `from_name` of `from` another name here, in place of another file.
    pub(super) fn link(
        &self,
        from: &Self,
        from_name: &[u8],
        name: &[u8],
        part: &[u8],
    ) -> Result<(), Errno> {
        let link = |new: &[u8]| {
            rustix::fs::linkat(&from.folder, from_name, &self.folder, new, AtFlags::empty())
        };
        match link(name) {
            Err(Errno::EXIST) => {}
            other => return other,
        }
        let id = |place: &Self, name: &[u8]| {
            let stat = place.folder.look(name).ok();
            stat.map(|item| item.stat.id)
        };
        if id(from, from_name) == id(self, name) {
            return Ok(());
        }
        match link(part) {
            Err(Errno::EXIST) => {
                self.remove(part)?;
                link(part)?;
            }
            other => other?,
        }
        self.rename(part, name)
    }

    /// Writes a file of this program's own beside the volumes: whole or not at all.
    pub(super) fn write(&self, name: &[u8], bytes: &[u8]) -> Result<(), Errno> {
        let part = [name, b".part"].concat();
        let file = self.file(&part)?;
        file.write(bytes, 0)?;
        self.rename(&part, name)
    }

    /// Opens the file `name`, which is made where it is not there, for this run alone; `EWOULDBLOCK`
    /// says that another one has it.
    pub(super) fn lock(&self, name: &[u8]) -> Result<NewFile, Errno> {
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mode = Mode::RUSR | Mode::WUSR;
        let fd = rustix::fs::openat(&self.folder, name, flags, mode)?;
        rustix::fs::flock(&fd, FlockOperation::NonBlockingLockExclusive)?;
        // The other run may have ended, and removed it, since it was opened.
        let id = rustix::fs::fstat(&fd)?.st_ino;
        match self.folder.look(name) {
            Ok(item) if item.stat.id.1 == id => Ok(NewFile(fd)),
            _ => Err(Errno::WOULDBLOCK),
        }
    }

    /// Bytes and entries that there is room for, the latter where the filesystem counts them.
    pub(super) fn room(&self) -> Result<(u64, Option<u64>), Errno> {
        let room = rustix::fs::fstatvfs(&self.folder)?;
        let entries = (room.f_files > 0).then_some(room.f_favail);
        Ok((room.f_bavail.saturating_mul(room.f_frsize), entries))
    }

    /// Waits until all that was written is on the disk.
    pub(super) fn sync(&self) -> Result<(), Errno> {
        rustix::fs::syncfs(&self.folder)
    }
}

impl NewFile {
    /// Writes all of `bytes` at an offset.
    pub(super) fn write(&self, bytes: &[u8], at: u64) -> Result<(), Errno> {
        let mut done = 0;
        while let Some(rest) = bytes.get(done..).filter(|rest| !rest.is_empty()) {
            match rustix::io::pwrite(&self.0, rest, at + done as u64) {
                Ok(0) => return Err(Errno::IO),
                Ok(wrote) => done += wrote,
                Err(Errno::INTR) => {}
                Err(errno) => return Err(errno),
            }
        }
        Ok(())
    }

    /// Waits until it is on the disk.
    pub(super) fn sync(&self) -> Result<(), Errno> {
        rustix::fs::fsync(&self.0)
    }

    /// Sets its length: what was not written is a hole.
    pub(super) fn stretch(&self, size: u64) -> Result<(), Errno> {
        rustix::fs::ftruncate(&self.0, size)
    }

    /// Takes what it inherited from the directory in which it was made.
    pub(super) fn shed(&self) -> Result<(), Errno> {
        match rustix::fs::fremovexattr(&self.0, ACL) {
            Err(Errno::NODATA | Errno::OPNOTSUPP) => Ok(()),
            other => other,
        }
    }

    /// Gives it its owner, mode, times and attributes.
    pub(super) fn finish(&self, kept: &Kept) -> Vec<Lacks> {
        finish(&self.0, kept)
    }
}

/// The owner first: giving a file away takes its capabilities and its set-user-id bits (chown(2)).
/// The mode after the attributes: an owner without write permission may set none (xattr(7)).
fn finish(fd: impl std::os::fd::AsFd, kept: &Kept) -> Vec<Lacks> {
    let mut lacks = Vec::new();
    let (uid, gid) = kept.owners();
    let has_owner = owned(rustix::fs::fchown(&fd, uid, gid), &mut lacks);
    for (name, value) in &kept.xattrs {
        let set = rustix::fs::fsetxattr(&fd, name.as_slice(), value, XattrFlags::empty());
        note(set, &attribute(name), &mut lacks);
    }
    let chmod = rustix::fs::fchmod(&fd, kept.bits(has_owner));
    note(chmod, "the mode", &mut lacks);
    if let Some(stamps) = kept.stamps() {
        note(rustix::fs::futimens(&fd, &stamps), "the times", &mut lacks);
    }
    lacks
}

/// Whether what stands there is what `item` says, so that it need not be made again.
pub(super) fn is_same(there: &Item, item: &Item) -> bool {
    let of = |stat: &Stat| (stat.kind, stat.mode, stat.uid, stat.gid);
    let is_alike = of(&there.stat) == of(&item.stat) && there.modified == item.modified;
    is_alike && (item.stat.kind != Kind::File || there.stat.size == item.stat.size)
}

fn file_type(kind: Kind) -> FileType {
    match kind {
        Kind::Dir => FileType::Directory,
        Kind::File => FileType::RegularFile,
        Kind::Link => FileType::Symlink,
        Kind::Fifo => FileType::Fifo,
        Kind::Socket => FileType::Socket,
        Kind::CharDevice => FileType::CharacterDevice,
        Kind::BlockDevice => FileType::BlockDevice,
    }
}
