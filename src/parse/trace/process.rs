//! The processes of a trace that still live: where each stands, what it has open, and which call of
//! it was broken off.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::calls::Op;
use super::store;
use crate::path::AppPath;

/// How many processes are remembered. A host that makes more at once forgets the oldest.
pub(super) const LIVING: usize = 8192;

/// How many descriptors of one process are remembered.
const DESCRIPTORS: usize = 512;

/// How many bytes of broken off calls are remembered in all.
const BROKEN_OFF: usize = 32 << 20;

/// The longest path that the kernel takes (limits.h, `PATH_MAX`).
const PATH_MAX: usize = 4096;

/// The longest name (limits.h, `NAME_MAX`).
const NAME_MAX: usize = 255;

/// Where a process stands; threads share it (clone(2), `CLONE_FS`).
#[derive(Clone, Debug, Default)]
struct Place {
    /// After chroot(2); nothing when the root is the tracer's.
    root: Option<AppPath>,
    /// After a chroot(2) to a place that the log does not tell.
    lost: bool,
    /// Nothing when the log does not tell.
    cwd: Option<AppPath>,
}

/// Paths by descriptor; a child has its parent's until it changes one.
type Descriptors = Rc<BTreeMap<u32, AppPath>>;

/// A call that was broken off, to be continued.
#[derive(Clone, Debug)]
pub(super) struct Broken {
    /// The call's name.
    pub(super) name: &'static str,
    /// What it does.
    pub(super) op: Op,
    /// Its text so far, from the opening parenthesis.
    pub(super) text: Box<[u8]>,
}

/// A process, or one of its threads.
#[derive(Clone, Debug)]
pub(super) struct Process {
    /// The number of the first thread.
    pub(super) group: u32,
    /// [`store::Store::doer`].
    pub(super) doer: u32,
    /// Whether nothing of it was seen yet.
    pub(super) fresh: bool,
    place: Rc<RefCell<Place>>,
    descriptors: Rc<RefCell<Descriptors>>,
    broken: Option<Broken>,
    /// The process that was taken for the one that made it, before the log told.
    pub(super) guessed: Option<u32>,
}

/// What a new process has in common with the one that made it (clone(2)).
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Shares {
    pub(super) place: bool,
    pub(super) descriptors: bool,
    pub(super) thread: bool,
}

impl Shares {
    /// By the flags of clone(2), wherever they stand in `text`.
    pub(super) fn of_words(text: &[u8]) -> Self {
        let mut shares = Self::default();
        for word in text.split(|b| !(b.is_ascii_alphanumeric() || *b == b'_')) {
            match word {
                b"CLONE_FS" => shares.place = true,
                b"CLONE_FILES" => shares.descriptors = true,
                b"CLONE_THREAD" => shares.thread = true,
                _ => {}
            }
        }
        shares
    }
}

impl Process {
    fn new(number: u32) -> Self {
        Self {
            group: number,
            doer: store::UNKNOWN,
            fresh: true,
            place: Rc::default(),
            descriptors: Rc::default(),
            broken: None,
            guessed: None,
        }
    }

    fn child(&self, number: u32, shares: Shares) -> Self {
        let place = if shares.place {
            Rc::clone(&self.place)
        } else {
            Rc::new(RefCell::new(self.place.borrow().clone()))
        };
        let descriptors = if shares.descriptors {
            Rc::clone(&self.descriptors)
        } else {
            Rc::new(RefCell::new(Rc::clone(&self.descriptors.borrow())))
        };
        Self {
            group: if shares.thread { self.group } else { number },
            doer: self.doer,
            fresh: false,
            place,
            descriptors,
            broken: None,
            guessed: None,
        }
    }

    /// `name` from `dir`, or from where the process stands; nothing when that is not known, or no
    /// kernel would take the path.
    pub(super) fn locate(&self, dir: Option<&AppPath>, name: &[u8]) -> Option<AppPath> {
        let place = self.place.borrow();
        let root = place.root.as_ref();
        let from = match dir.or(place.cwd.as_ref()) {
            _ if name.starts_with(b"/") && place.lost => return None,
            _ if name.starts_with(b"/") => None,
            Some(from) => Some(from),
            None => return None,
        };
        let inner = match (from, root) {
            (None, _) => AppPath::new(name),
            (Some(from), None) => from.join(name),
            // `..` ends at the root that chroot(2) gave.
            (Some(from), Some(root)) => match from.below(root) {
                Some(rest) => AppPath::new(rest).join(name),
                None => return fits(from.join(name)),
            },
        };
        fits(match root {
            Some(root) => root.join(inner.below(&AppPath::root()).unwrap_or_default()),
            None => inner,
        })
    }

    pub(super) fn cwd(&self) -> Option<AppPath> {
        self.place.borrow().cwd.clone()
    }

    pub(super) fn stands_in(&self, dir: Option<AppPath>) {
        self.place.borrow_mut().cwd = dir;
    }

    /// Whether absolute paths begin at a place that the log does not tell.
    pub(super) fn is_lost(&self) -> bool {
        self.place.borrow().lost
    }

    /// Follows chroot(2); without a directory its place is not known.
    pub(super) fn root_is(&self, dir: Option<AppPath>) {
        let mut place = self.place.borrow_mut();
        place.lost = dir.is_none();
        place.root = dir;
    }

    pub(super) fn descriptor(&self, number: u32) -> Option<AppPath> {
        self.descriptors.borrow().get(&number).cloned()
    }

    /// Remembers or, without a path, forgets what a descriptor stands for.
    pub(super) fn opens(&self, number: u32, path: Option<AppPath>) {
        let mut all = self.descriptors.borrow_mut();
        match path {
            Some(path) if all.len() < DESCRIPTORS || all.contains_key(&number) => {
                Rc::make_mut(&mut all).insert(number, path);
            }
            _ if all.contains_key(&number) => {
                Rc::make_mut(&mut all).remove(&number);
            }
            _ => {}
        }
    }

    pub(super) fn closes(&self, first: u32, last: u32) {
        let mut all = self.descriptors.borrow_mut();
        if first <= last && all.range(first..=last).next().is_some() {
            Rc::make_mut(&mut all).retain(|number, _| !(first..=last).contains(number));
        }
    }

    /// Shares neither place nor descriptors from here on.
    pub(super) fn unshare(&mut self, shares: Shares) {
        let own = self.child(self.group, Shares::default());
        if shares.place {
            self.place = own.place;
        }
        if shares.descriptors {
            self.descriptors = own.descriptors;
        }
    }
}

fn fits(path: AppPath) -> Option<AppPath> {
    let names = path.components().all(|name| name.len() <= NAME_MAX);
    (names && path.as_bytes().len() <= PATH_MAX).then_some(path)
}

/// All living processes.
#[derive(Debug, Default)]
pub(super) struct Processes {
    living: BTreeMap<u32, (u64, Process)>,
    /// By age, the oldest first.
    ages: BTreeMap<u64, u32>,
    /// How many there have been.
    pub(super) seen: u64,
    /// How many were forgotten while they may have lived.
    pub(super) forgotten: u64,
    broken_bytes: usize,
    /// Processes with a broken off call that makes another.
    forking: BTreeSet<u32>,
    last_fork: u32,
}

impl Processes {
    pub(super) fn get(&self, number: u32) -> Option<&Process> {
        self.living.get(&number).map(|(_, process)| process)
    }

    pub(super) fn get_mut(&mut self, number: u32) -> Option<&mut Process> {
        self.living.get_mut(&number).map(|(_, process)| process)
    }

    /// The process of that number, made when it was not known.
    pub(super) fn known(&mut self, number: u32) -> &mut Process {
        if !self.living.contains_key(&number) {
            self.insert(number, Process::new(number));
        }
        let fresh = || (0, Process::new(number));
        &mut self.living.entry(number).or_insert_with(fresh).1
    }

    /// Makes `number` a child of `parent`; one that is there already was another process.
    pub(super) fn fork(&mut self, parent: u32, number: u32, shares: Shares) {
        let Some(child) = self
            .get(parent)
            .map(|process| process.child(number, shares))
        else {
            return;
        };
        if parent != number {
            self.remove(number);
            self.insert(number, child);
        }
    }

    fn insert(&mut self, number: u32, process: Process) {
        while self.living.len() >= LIVING {
            let Some(oldest) = self.ages.values().next().copied() else {
                break;
            };
            self.remove(oldest);
            self.forgotten += 1;
        }
        self.seen += 1;
        self.ages.insert(self.seen, number);
        self.living.insert(number, (self.seen, process));
    }

    pub(super) fn remove(&mut self, number: u32) -> Option<Process> {
        let (age, process) = self.living.remove(&number)?;
        self.ages.remove(&age);
        self.forking.remove(&number);
        if let Some(broken) = &process.broken {
            self.broken_bytes -= broken.text.len();
        }
        Some(process)
    }

    /// A process that goes by another number from here on.
    pub(super) fn rename(&mut self, from: u32, to: u32) {
        if from == to {
            return;
        }
        let Some((age, mut process)) = self.living.remove(&from) else {
            return;
        };
        self.remove(to);
        if process.group == from {
            process.group = to;
        }
        if self.forking.remove(&from) {
            self.forking.insert(to);
            self.last_fork = to;
        }
        self.ages.insert(age, to);
        self.living.insert(to, (age, process));
    }

    /// The one process that lives, if there is only one.
    pub(super) fn only(&self) -> Option<u32> {
        let mut all = self.living.keys();
        all.next().copied().filter(|_| all.next().is_none())
    }

    /// Keeps a call that was broken off; whether there was room for it.
    pub(super) fn breaks(&mut self, number: u32, broken: Broken) -> bool {
        self.resumes(number);
        let length = broken.text.len();
        if self.broken_bytes + length > BROKEN_OFF {
            return false;
        }
        self.broken_bytes += length;
        if broken.op.is_fork() {
            self.forking.insert(number);
            self.last_fork = number;
        }
        self.known(number).broken = Some(broken);
        true
    }

    /// Takes the call that was broken off.
    pub(super) fn resumes(&mut self, number: u32) -> Option<Broken> {
        let broken = self.get_mut(number)?.broken.take()?;
        self.forking.remove(&number);
        self.broken_bytes -= broken.text.len();
        Some(broken)
    }

    /// A process that is about to make another, if there is one: the last that began.
    pub(super) fn forking(&self) -> Option<u32> {
        match self.forking.contains(&self.last_fork) {
            true => Some(self.last_fork),
            false => self.forking.first().copied(),
        }
    }

    /// The flags of the call with which `number` is about to make another.
    pub(super) fn shares(&self, number: u32) -> Shares {
        let broken = self.get(number).and_then(|process| process.broken.as_ref());
        broken.map_or_else(Shares::default, |broken| Shares::of_words(&broken.text))
    }
}
