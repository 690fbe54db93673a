//! Going through what belongs into an image, in the order of its paths, one directory at a time: a
//! tree of any size is never held as a whole.

use std::rc::Rc;

use super::contents::{Contents, Made, Place, Source};
use super::{PackError, system};
use crate::fact::{Kind, Stat};
use crate::knowledge;
use crate::layout::layer::Meta;
use crate::link::host::Host;
use crate::manifest::Point;
use crate::path::AppPath;
use crate::tree::{Listing, LookupError, OpenDir, Root};

/// An entry that belongs into the image.
pub(super) struct Item<'a> {
    /// Its path.
    pub(super) path: AppPath,
    /// What it is.
    pub(super) found: Found<'a>,
    /// Where it is from.
    pub(super) source: Source,
    /// The directories that lead to it, from the top.
    pub(super) above: Above,
    /// The directory that it is in, until it was read there.
    pub(super) dir: Option<OpenDir>,
}

/// The directories that lead to an entry, from the top.
pub(super) type Above = Rc<[(AppPath, Meta)]>;

/// What an entry is.
#[derive(Clone, Copy)]
pub(super) enum Found<'a> {
    /// It is on disk.
    Entry(Stat),
    /// It is an empty mount point.
    Point(&'a Point),
    /// It is not the disk's.
    Made(&'a Made),
}

/// What is told of each entry.
pub(super) type Each<'a, 'b> = dyn FnMut(Item<'a>) -> Result<(), PackError> + 'b;

/// What was left out on the way, and why: shown to whoever packs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Left {
    /// The path.
    pub path: AppPath,
    /// Why.
    pub reason: &'static str,
    /// Whether it is of the moment: whoever uses it makes it anew.
    pub is_transient: bool,
}

/// Tells `each` of every entry, and `left` of what stays out.
pub(super) fn walk<'a>(
    root: &Root,
    host: &Host,
    contents: &'a Contents,
    each: &mut Each<'a, '_>,
    left: &mut dyn FnMut(Left),
) -> Result<(), PackError> {
    let top = AppPath::root();
    let listing = root
        .enter(&top)
        .map_err(|error| PackError::read(&top, error))?;
    let stat = root
        .lookup("/")
        .map_err(|error| PackError::read(&top, error))?
        .stat;
    let mut walker = Walker {
        root,
        host,
        contents,
        each,
        left,
        above: Rc::new([(top.clone(), meta(&stat))]),
    };
    walker.dir(&top, &listing, stat.id.0, None, None)
}

/// Owner and permissions of an entry. Directories and links have no time: it changes with every
/// file that comes and goes.
pub(super) fn meta(stat: &Stat) -> Meta {
    Meta {
        mode: stat.mode,
        uid: stat.uid,
        gid: stat.gid,
        mtime: if stat.kind == Kind::File {
            stat.mtime
        } else {
            0
        },
        xattrs: Default::default(),
    }
}

struct Walker<'a, 'b, 'c> {
    root: &'b Root,
    host: &'b Host,
    contents: &'a Contents,
    each: &'b mut Each<'a, 'c>,
    left: &'b mut dyn FnMut(Left),
    above: Above,
}

impl<'a> Walker<'a, '_, '_> {
    /// Goes through a directory: `whole` is where all in it is from, `unowned` where that is from
    /// which no package owns.
    fn dir(
        &mut self,
        path: &AppPath,
        listing: &Listing,
        device: u64,
        whole: Option<Source>,
        unowned: Option<Source>,
    ) -> Result<(), PackError> {
        let contents = self.contents;
        let place = contents.places.get(path);
        let mut names: Vec<(&[u8], Option<Stat>)> = Vec::new();
        if whole.is_some() || unowned.is_some() {
            let there = listing.entries.iter();
            names.extend(there.map(|(name, stat)| (name.as_slice(), Some(*stat))));
        }
        if let Some(place) = place {
            names.extend(place.names.iter().map(|name| (name.as_slice(), None)));
            names.sort_by_key(|(name, _)| *name);
            names.dedup_by_key(|(name, _)| *name);
        }
        for (name, stat) in names {
            let child = path.child(name);
            let place = contents.places.get(&child);
            if let Some(point) = place.and_then(|place| place.point.as_ref()) {
                self.point(child, point)?;
                continue;
            }
            if let Some(made) = place.and_then(|place| place.made.as_ref()) {
                self.made(child, made)?;
                continue;
            }
            let Some(stat) = stat.or_else(|| listing.get(name)) else {
                // A package's file that is gone; a mount point may lie below all the same.
                self.points(&child)?;
                continue;
            };
            if contents.keeps_out(&child) {
                self.leave(child, "what is kept there is not the image's");
                continue;
            }
            let source = self.source(&child, place, whole, unowned);
            let is_way = place.is_some_and(|place| !place.names.is_empty());
            if source.is_none() && !is_way {
                continue;
            }
            if stat.kind == Kind::Dir {
                self.child_dir(&child, place, stat, (listing, device), source, whole)?;
            } else if let Some(source) = source {
                self.entry(child, stat, listing, source)?;
            }
        }
        Ok(())
    }

    /// Where an entry of a directory is from; None where it does not belong into the image.
    fn source(
        &self,
        path: &AppPath,
        place: Option<&Place>,
        whole: Option<Source>,
        unowned: Option<Source>,
    ) -> Option<Source> {
        if let Some(source) = place.and_then(|place| place.source) {
            return Some(source);
        }
        if let Some(whole) = whole {
            let owner = self.contents.owner_in(path, whole.owner);
            return Some(Source { owner, ..whole });
        }
        unowned
            .filter(|_| self.host.packages.owner(path).is_none() && !system::is_kept_outside(path))
    }

    fn child_dir(
        &mut self,
        path: &AppPath,
        place: Option<&Place>,
        stat: Stat,
        (listing, device): (&Listing, u64),
        source: Option<Source>,
        whole: Option<Source>,
    ) -> Result<(), PackError> {
        if stat.id.0 != device && whole.is_some() {
            self.leave(path.clone(), "another filesystem is mounted there");
            return Ok(());
        }
        if let Some(source) = source {
            self.tell(path.clone(), Found::Entry(stat), None, source)?;
        }
        let inner = match listing.enter(self.root, path.name()) {
            Ok(inner) => inner,
            Err(LookupError::NotEntered) => {
                self.leave(path.clone(), "a program or another host serves it");
                return Ok(());
            }
            // Above a tree that lives elsewhere there is only the way to it.
            Err(_) => self
                .root
                .enter(path)
                .map_err(|error| PackError::read(path, error))?,
        };
        let is_planned = place.is_some_and(|place| place.source.is_some());
        let is_whole = place.is_some_and(|place| place.is_whole);
        let whole = match (is_whole, is_planned) {
            (true, _) => source,
            // A directory of a package inside one that comes along whole.
            (false, true) if whole.is_none() => None,
            (false, true) => whole,
            // All that is found on the way, and all in it.
            (false, false) => source.or(whole),
        };
        let unowned = source.filter(|_| place.is_some_and(|place| place.takes_unowned));
        let outer = self.step(path, meta(&stat));
        let done = self.dir(path, &inner, stat.id.0, whole, unowned);
        self.above = outer;
        done
    }

    /// Goes on inside a directory; what led to it comes back.
    fn step(&mut self, path: &AppPath, meta: Meta) -> Above {
        let inner = self.above.iter().cloned().chain([(path.clone(), meta)]);
        let inner = inner.collect();
        std::mem::replace(&mut self.above, inner)
    }

    fn entry(
        &mut self,
        path: AppPath,
        stat: Stat,
        listing: &Listing,
        source: Source,
    ) -> Result<(), PackError> {
        match stat.kind {
            Kind::File | Kind::Link => {}
            Kind::Dir => return Ok(()),
            Kind::Fifo | Kind::Socket => {
                self.leave_transient(path, "a pipe or socket, which its program makes anew");
                return Ok(());
            }
            Kind::CharDevice | Kind::BlockDevice => {
                self.leave_transient(path, "a device, which the runtime gives");
                return Ok(());
            }
        }
        let is_private = stat.kind == Kind::File
            && stat.mode & 0o004 == 0
            && path.is_within(&AppPath::new("/etc"));
        if is_private {
            self.leave(path, "not everybody may read it: settings with a secret");
            return Ok(());
        }
        let is_key = path.is_within(&AppPath::new("/etc"))
            && source.package.is_none()
            && stat.kind == Kind::File
            && knowledge::secret_file(path.name()).is_some();
        if is_key {
            self.leave(path, "its name is that of a key");
            return Ok(());
        }
        self.tell(path, Found::Entry(stat), Some(listing.dir.clone()), source)
    }

    /// Tells of a mount point, and of those inside it.
    fn point(&mut self, path: AppPath, point: &'a Point) -> Result<(), PackError> {
        let source = Source {
            owner: crate::report::Owner::Application,
            package: None,
        };
        self.tell(path.clone(), Found::Point(point), None, source)?;
        if point.is_file {
            return Ok(());
        }
        self.inner_points(&path, point_meta(point))
    }

    /// Tells of what is made, and of what is made or mounted in it.
    fn made(&mut self, path: AppPath, made: &'a Made) -> Result<(), PackError> {
        let source = Source {
            owner: crate::report::Owner::Core,
            package: None,
        };
        self.tell(path.clone(), Found::Made(made), None, source)?;
        match made.bytes {
            Some(_) => Ok(()),
            None => self.inner_points(&path, made_meta(made)),
        }
    }

    /// Mount points at or below a path that is not on disk; the directories that lead to them are
    /// root's.
    fn points(&mut self, path: &AppPath) -> Result<(), PackError> {
        let meta = Meta {
            mode: 0o755,
            ..Meta::default()
        };
        self.inner_points(path, meta)
    }

    fn inner_points(&mut self, path: &AppPath, meta: Meta) -> Result<(), PackError> {
        let contents = self.contents;
        let Some(place) = contents.places.get(path) else {
            return Ok(());
        };
        let outer = self.step(path, meta);
        let done = place.names.iter().try_for_each(|name| {
            let child = path.child(name);
            let inner = contents.places.get(&child);
            let point = inner.and_then(|place| place.point.as_ref());
            match (point, inner.and_then(|place| place.made.as_ref())) {
                (Some(point), _) => self.point(child, point),
                (None, Some(made)) => self.made(child, made),
                (None, None) => self.points(&child),
            }
        });
        self.above = outer;
        done
    }

    fn tell(
        &mut self,
        path: AppPath,
        found: Found<'a>,
        dir: Option<OpenDir>,
        source: Source,
    ) -> Result<(), PackError> {
        (self.each)(Item {
            path,
            found,
            source,
            above: Rc::clone(&self.above),
            dir,
        })
    }

    fn leave(&mut self, path: AppPath, reason: &'static str) {
        self.tell_left(path, reason, false);
    }

    fn leave_transient(&mut self, path: AppPath, reason: &'static str) {
        self.tell_left(path, reason, true);
    }

    fn tell_left(&mut self, path: AppPath, reason: &'static str, is_transient: bool) {
        (self.left)(Left {
            path,
            reason,
            is_transient,
        });
    }
}

/// Owner and permissions of a mount point.
pub(super) fn point_meta(point: &Point) -> Meta {
    Meta {
        mode: point.mode,
        uid: point.uid,
        gid: point.gid,
        mtime: 0,
        xattrs: Default::default(),
    }
}

/// The same of what is made.
pub(super) fn made_meta(made: &Made) -> Meta {
    Meta {
        mode: made.mode,
        uid: made.uid,
        gid: made.gid,
        mtime: 0,
        xattrs: Default::default(),
    }
}
