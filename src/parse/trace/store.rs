//! What was done, once: a tree of names in which a deed that is done again is only counted, and
//! the names in a directory that has too many become one.

use std::collections::{BTreeMap, BTreeSet};

use super::{Act, Call, Deed, Shape};
use crate::path::AppPath;

/// Who did something.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Doer {
    /// The program, where the log has told it.
    pub program: Option<AppPath>,
    /// Paths among its arguments: the script that an interpreter runs is one of them.
    pub arguments: Vec<AppPath>,
    /// What started it; nothing when the log begins with it.
    pub by: Option<u32>,
}

/// The doer of which the log tells nothing: a process that was there before the log began.
pub const UNKNOWN: u32 = 0;

/// The doer that stands for all that are too many to tell apart.
pub const OTHERS: u32 = 1;

/// A deed, with how often it was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Use {
    /// What was done.
    pub deed: Deed,
    /// By which call.
    pub call: Call,
    /// By whom; [`Store::doer`].
    pub who: u32,
    /// What the path is, where a call told.
    pub shape: Option<Shape>,
    /// How often.
    pub count: u64,
}

/// All that was done.
#[derive(Clone, Debug)]
pub struct Store {
    nodes: Vec<Node>,
    /// Nodes whose names became one.
    free: Vec<u32>,
    /// Each with the number of those that started it, one another.
    doers: Vec<(Doer, usize)>,
    by_doer: BTreeMap<Doer, u32>,
    /// How many directories had too many names to keep.
    pub collapsed: u64,
    /// How many uses are told apart.
    uses: usize,
    /// Directories that became the root of a process (chroot(2)).
    roots: BTreeSet<AppPath>,
}

#[derive(Clone, Debug, Default)]
struct Node {
    children: BTreeMap<Box<[u8]>, u32>,
    uses: Vec<Use>,
    /// Stands for all names that came when there were too many.
    many: bool,
}

/// How many names are kept in all; more go to a `*` of their directory.
const NODES: usize = 200_000;

/// How many programs are told apart.
const DOERS: usize = 4096;

/// How many different deeds are told apart for one path, and in all.
const USES: usize = 64;
const ALL_USES: usize = 400_000;

/// How many roots of processes are kept: the one that was audited is among the first.
const ROOTS: usize = 64;

/// How long a chain of programs is followed of which each started the next.
const CHAIN: usize = 16;

/// How many names of a directory are kept apart. Near the top directories are shared, and their
/// names tell the most.
fn names_kept(depth: usize) -> usize {
    match depth {
        0 | 1 => 1000,
        2 => 400,
        _ => 100,
    }
}

impl Default for Store {
    fn default() -> Self {
        let others = Doer {
            by: Some(OTHERS),
            ..Doer::default()
        };
        Self {
            nodes: vec![Node::default()],
            free: Vec::new(),
            by_doer: BTreeMap::from([(Doer::default(), UNKNOWN), (others.clone(), OTHERS)]),
            doers: vec![(Doer::default(), 0), (others, 0)],
            collapsed: 0,
            uses: 0,
            roots: BTreeSet::new(),
        }
    }
}

impl Store {
    /// The number of a doer. Where a chain of programs is too long, the last but one is left out.
    pub fn number(&mut self, mut doer: Doer) -> u32 {
        let mut depth = doer.by.map_or(0, |by| self.depth(by) + 1);
        if depth > CHAIN {
            doer.by = doer.by.and_then(|by| self.doer(by).by);
            depth = CHAIN;
        }
        if let Some(known) = self.by_doer.get(&doer) {
            return *known;
        }
        if self.doers.len() >= DOERS {
            return OTHERS;
        }
        let number = u32::try_from(self.doers.len()).unwrap_or(OTHERS);
        self.by_doer.insert(doer.clone(), number);
        self.doers.push((doer, depth));
        number
    }

    /// Adds a directory that became the root of a process.
    pub(super) fn add_root(&mut self, dir: AppPath) {
        if self.roots.len() < ROOTS && !dir.is_root() {
            self.roots.insert(dir);
        }
    }

    /// The directories that became the root of a process, in order.
    pub fn new_roots(&self) -> impl Iterator<Item = &AppPath> {
        self.roots.iter()
    }

    fn depth(&self, number: u32) -> usize {
        self.doers
            .get(number as usize)
            .map_or(0, |(_, depth)| *depth)
    }

    /// Every doer, by number; each comes after the one that started it.
    pub fn doers(&self) -> impl Iterator<Item = &Doer> {
        self.doers.iter().map(|(doer, _)| doer)
    }

    /// The doer of that number.
    #[must_use]
    pub fn doer(&self, number: u32) -> &Doer {
        let known = self.doers.get(number as usize);
        &known.unwrap_or(&self.doers[OTHERS as usize]).0
    }

    /// Adds what was done.
    pub fn add(&mut self, act: &Act, who: u32) {
        let node = self.node(&act.path);
        let made = Use {
            deed: act.deed,
            call: act.call,
            who,
            shape: act.shape,
            count: 1,
        };
        let room = self.uses < ALL_USES;
        let added = merge(&mut self.nodes[node as usize].uses, made, room);
        self.uses += usize::from(added);
    }

    /// Every path that something was done to, in order, with what was done.
    #[must_use]
    pub fn paths(&self) -> Vec<(AppPath, &[Use])> {
        let mut found = Vec::new();
        let mut todo: Vec<(AppPath, u32)> = vec![(AppPath::root(), 0)];
        while let Some((path, at)) = todo.pop() {
            let node = &self.nodes[at as usize];
            let below = node.children.iter();
            todo.extend(below.map(|(name, child)| (path.child(name), *child)));
            if !node.uses.is_empty() {
                found.push((path, &node.uses[..]));
            }
        }
        found.sort_by(|a, b| a.0.cmp(&b.0));
        found
    }

    fn node(&mut self, path: &AppPath) -> u32 {
        let mut at = 0u32;
        for (depth, name) in path.components().enumerate() {
            let node = &self.nodes[at as usize];
            if node.many {
                return at;
            }
            if let Some(child) = node.children.get(name) {
                at = *child;
                continue;
            }
            let full = self.nodes.len() - self.free.len() >= NODES;
            if full || node.children.len() >= names_kept(depth) {
                return self.many(at, !full);
            }
            at = self.child(at, name, false);
        }
        at
    }

    /// The node for all further names of a directory; with `whole` the names so far go there too.
    fn many(&mut self, dir: u32, whole: bool) -> u32 {
        if let Some(known) = self.nodes[dir as usize].children.get(&b"*"[..]) {
            return *known;
        }
        self.collapsed += 1;
        let mut uses: Vec<Use> = Vec::new();
        if whole {
            let children = std::mem::take(&mut self.nodes[dir as usize].children);
            let mut todo: Vec<u32> = children.into_values().collect();
            while let Some(at) = todo.pop() {
                let node = std::mem::take(&mut self.nodes[at as usize]);
                todo.extend(node.children.into_values());
                self.uses -= node.uses.len();
                for made in node.uses {
                    merge(&mut uses, made, true);
                }
                self.free.push(at);
            }
        }
        let many = self.child(dir, b"*", true);
        self.uses += uses.len();
        self.nodes[many as usize].uses = uses;
        many
    }

    fn child(&mut self, dir: u32, name: &[u8], many: bool) -> u32 {
        let node = Node {
            many,
            ..Node::default()
        };
        let at = match self.free.pop() {
            Some(at) => {
                self.nodes[at as usize] = node;
                at
            }
            None => {
                self.nodes.push(node);
                u32::try_from(self.nodes.len() - 1).unwrap_or_default()
            }
        };
        self.nodes[dir as usize].children.insert(name.into(), at);
        at
    }
}

/// Adds a use; whether it is told apart from those that were there.
fn merge(uses: &mut Vec<Use>, made: Use, room: bool) -> bool {
    let same = |known: &&mut Use| {
        known.deed == made.deed && known.call == made.call && known.who == made.who
    };
    if let Some(known) = uses.iter_mut().find(same) {
        known.count += made.count;
        known.shape = known.shape.or(made.shape);
        return false;
    }
    if room && uses.len() < USES {
        uses.push(made);
        return true;
    }
    // So many programs and calls that one more of the same deed tells nothing new.
    match uses.iter_mut().find(|known| known.deed == made.deed) {
        Some(known) => {
            known.count += made.count;
            false
        }
        None => {
            uses.push(made);
            true
        }
    }
}
