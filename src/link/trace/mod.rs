//! What a trace adds: the paths that the application's own programs were seen to use become facts,
//! and the plan is told beside what was seen.

mod fold;
mod reconcile;

pub use reconcile::reconcile;

use std::collections::{BTreeMap, BTreeSet};

use super::paths::RealPaths;
use super::scope::Scope;
use crate::fact::{Certainty, Fact, Kind, Locus, Source, Touch, What};
use crate::knowledge::{self, places};
use crate::parse::trace::{Deed, Shape, Store, Trace};
use crate::path::AppPath;
use crate::report::TraceUse;
use crate::tree::Root;

/// How many programs a report names.
const PROGRAMS: usize = 50;

/// What the application's own programs were seen to do.
#[derive(Debug, Default)]
pub struct Traced {
    /// By path, with the directories' links resolved.
    seen: BTreeMap<AppPath, Seen>,
    /// The programs that count as the application's.
    programs: BTreeSet<AppPath>,
    /// The programs that do not.
    others: BTreeSet<AppPath>,
}

/// What was seen of a path.
#[derive(Clone, Debug, Default)]
struct Seen {
    /// How often, by use; the count in the use itself is 0.
    uses: BTreeMap<TraceUse, u64>,
    kind: Option<Kind>,
    /// Beside what is known of it, it tells nothing.
    silent: bool,
}

impl Seen {
    fn touch(&self) -> Option<Touch> {
        self.uses.keys().map(|done| done.touch).max()
    }

    fn is_written(&self) -> bool {
        self.touch().is_some_and(Touch::is_write)
    }

    fn once(done: TraceUse, count: u64, kind: Option<Kind>) -> Self {
        Self {
            uses: BTreeMap::from([(done, count)]),
            kind,
            silent: false,
        }
    }

    /// The uses with their counts.
    fn counted(self) -> impl Iterator<Item = TraceUse> {
        let uses = self.uses.into_iter();
        uses.map(|(done, count)| TraceUse { count, ..done })
    }

    fn add(&mut self, other: Self) {
        self.silent = other.silent && (self.silent || self.uses.is_empty());
        self.kind = self.kind.or(other.kind);
        for (done, count) in other.uses {
            *self.uses.entry(done).or_default() += count;
        }
    }
}

/// Takes from a trace what the application did, and is news.
pub(super) fn take(trace: &Trace, root: &Root, scope: &Scope) -> Traced {
    let inside = Inside {
        top: audited_top(&trace.store, root, scope),
    };
    let own = own_doers(&trace.store, |path| is_own(&inside.path(path), root, scope));
    let mut traced = Traced::default();
    for (doer, own) in trace.store.doers().zip(&own) {
        let list = if *own {
            &mut traced.programs
        } else {
            &mut traced.others
        };
        list.extend(doer.program.as_ref().map(|path| inside.path(path)));
    }
    let mut seen = deeds(&trace.store, &own, &inside, scope);
    scripts(&mut seen, &trace.store, &own, &inside, scope);
    let mut real = RealPaths::default();
    for (path, found) in fold::fold(seen, scope) {
        let path = real.get(root, &path);
        traced.seen.entry(path).or_default().add(found);
    }
    traced
}

/// Paths as they are inside the audited root.
struct Inside {
    /// Where the root lay when the log was made from outside of it.
    top: Option<AppPath>,
}

impl Inside {
    fn path(&self, path: &AppPath) -> AppPath {
        match self.top.as_ref().and_then(|top| path.below(top)) {
            Some(rest) => AppPath::new(rest),
            None => path.clone(),
        }
    }
}

/// What the application's programs did, by path.
fn deeds(store: &Store, own: &[bool], inside: &Inside, scope: &Scope) -> BTreeMap<AppPath, Seen> {
    let mut seen: BTreeMap<AppPath, Seen> = BTreeMap::new();
    for (path, uses) in store.paths() {
        let path = inside.path(&path);
        let mut found = Seen::default();
        let is_own = |number: u32| own.get(number as usize).copied().unwrap_or_default();
        for done in uses.iter().filter(|done| is_own(done.who)) {
            let program = store.doer(done.who).program.as_ref();
            let done_so = TraceUse {
                path: path.clone(),
                touch: touch(done.deed),
                call: done.call.to_string(),
                program: program.map(|path| inside.path(path)),
                count: 0,
            };
            found.add(Seen::once(done_so, done.count, done.shape.map(kind)));
        }
        if is_news(&path, &found, scope) {
            found.silent = !is_evidence(&path, &found, scope);
            seen.entry(path).or_default().add(found);
        }
    }
    seen
}

/// Adds the scripts that interpreters ran: they read them, and do not execute them.
fn scripts(
    seen: &mut BTreeMap<AppPath, Seen>,
    store: &Store,
    own: &[bool],
    inside: &Inside,
    scope: &Scope,
) {
    for (doer, _) in store.doers().zip(own).filter(|(_, own)| **own) {
        let scripts = doer.arguments.iter().map(|path| inside.path(path));
        for script in scripts.filter(|path| scope.contains(path)) {
            let run = TraceUse {
                path: script.clone(),
                touch: Touch::Runs,
                call: "execve".into(),
                program: doer.program.as_ref().map(|path| inside.path(path)),
                count: 0,
            };
            let run = Seen::once(run, 1, Some(Kind::File));
            seen.entry(script).or_default().add(run);
        }
    }
}

/// Whether a program, or a script, is one of the application's own.
fn is_own(path: &AppPath, root: &Root, scope: &Scope) -> bool {
    let real = |node: crate::tree::Node| scope.contains(&node.real);
    scope.contains(path)
        || root.lookup(path.as_bytes()).is_ok_and(real)
        || root.resolve(path.as_bytes()).is_ok_and(real)
}

/// The directory that the audited root was, when the log was made from outside of it: one into
/// which chroot(2) led, when only there a program is the application's.
fn audited_top(store: &Store, root: &Root, scope: &Scope) -> Option<AppPath> {
    let known = |top: Option<&AppPath>| {
        let mut named = store
            .doers()
            .flat_map(|doer| doer.program.iter().chain(&doer.arguments));
        named.any(
            |path| match top.map_or(Some(path.as_bytes()), |top| path.below(top)) {
                Some(rest) => is_own(&AppPath::new(rest), root, scope),
                None => false,
            },
        )
    };
    if known(None) {
        return None;
    }
    store.new_roots().find(|top| known(Some(top))).cloned()
}

/// Which doers are the application: one of its programs, or what such a program started. A process
/// that was there before the log began is the one that the log was made of.
fn own_doers(store: &Store, is_own: impl Fn(&AppPath) -> bool) -> Vec<bool> {
    let mut known: BTreeMap<&AppPath, bool> = BTreeMap::new();
    let mut own: Vec<bool> = Vec::new();
    for (number, doer) in store.doers().enumerate() {
        let mut named = doer.program.iter().chain(&doer.arguments);
        let named = named.any(|path| *known.entry(path).or_insert_with(|| is_own(path)));
        let begun = match doer.by {
            Some(by) if (by as usize) < number => own[by as usize],
            Some(_) => false,
            None => doer.program.is_none(),
        };
        own.push(named || begun);
    }
    own
}

/// Whether a use tells something: not what every program does as it starts, and not that code is
/// read.
fn is_news(path: &AppPath, seen: &Seen, scope: &Scope) -> bool {
    let Some(touch) = seen.touch() else {
        return false;
    };
    let kernel = ["/proc", "/sys", "/dev"];
    let kernel = kernel.iter().any(|dir| path.is_within(&AppPath::new(dir)));
    let is_log_socket = path.as_bytes() == super::paths::LOG_SOCKET;
    if path.is_root() || (kernel && !is_log_socket && !path.is_below(&AppPath::new("/dev/shm"))) {
        return false;
    }
    if touch.is_write() || touch == Touch::Runs {
        return true;
    }
    let in_prefix = scope.in_prefix(path).is_some();
    let code = (places::is_code_place(path) && !in_prefix) || places::is_library_place(path);
    let system = places::is_system_file(path) && !is_log_socket;
    // PAM reads what all services have in common, too.
    let logins = path.is_below(&AppPath::new("/etc/pam.d"));
    if logins && !scope.contains(path) && !scope.knows(path) {
        return false;
    }
    !code && !system && !knowledge::is_shared_dir(path)
}

/// Whether a path lies in the application's own directory of `/usr/share`.
fn is_share(path: &AppPath, scope: &Scope) -> bool {
    let own = path.prefix(3);
    path != &own && own.is_below(&AppPath::new("/usr/share")) && scope.knows(&own)
}

/// Whether a use is evidence of what is to be mounted, and not only told beside the plan.
fn is_evidence(path: &AppPath, seen: &Seen, scope: &Scope) -> bool {
    let in_prefix = scope.in_prefix(path).is_some();
    // A volume over programs would hide them.
    let code = places::is_code_place(path) && !in_prefix && !is_share(path, scope);
    match seen.touch() {
        Some(Touch::Runs) => scope.contains(path),
        // The tree itself shows what is in it to be read.
        Some(Touch::Reads) => !in_prefix && !code,
        Some(Touch::Names) | None => false,
        Some(_) => !code,
    }
}

fn touch(deed: Deed) -> Touch {
    match deed {
        Deed::Names => Touch::Names,
        Deed::Runs => Touch::Runs,
        Deed::Reads => Touch::Reads,
        Deed::Removes => Touch::Removes,
        Deed::Grants => Touch::Grants,
        Deed::Creates => Touch::Creates,
        Deed::Writes => Touch::Writes,
    }
}

fn kind(shape: Shape) -> Kind {
    match shape {
        Shape::Dir => Kind::Dir,
        Shape::File => Kind::File,
        Shape::Link => Kind::Link,
        Shape::Socket => Kind::Socket,
    }
}

impl Traced {
    /// A fact for each path: the strongest thing that was done to it.
    pub(super) fn facts(&self) -> Vec<Fact> {
        let strongest = |seen: &Seen| {
            let uses = seen.uses.iter();
            let strongest = uses.max_by_key(|(done, count)| (done.touch, **count));
            strongest.map(|(done, _)| done.clone())
        };
        let mut facts = Vec::new();
        for (path, seen) in self.seen.iter().filter(|(_, seen)| !seen.silent) {
            let Some(done) = strongest(seen) else {
                continue;
            };
            facts.push(Fact {
                // The program is the place where it shows; the log lies outside of the root.
                at: Locus::file(done.program.as_ref().unwrap_or(path)),
                what: What::Path {
                    path: path.clone(),
                    touch: done.touch,
                    source: Source::Trace,
                    by: format!("{}, traced", done.call),
                    kind: seen.kind,
                    class: None,
                },
                certainty: Certainty::Observed,
            });
        }
        facts
    }
}
