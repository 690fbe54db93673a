//! The tree as a witness: what owners, names, contents and empty directories of an install prefix
//! say about state and settings that no source names.

use std::collections::BTreeSet;

use super::super::live::Voice;
use super::inventory::{Below, Sum};
use super::{Ground, settings, upkeep};
use crate::fact::{Certainty, Class, Fact, Kind, LicenceKind, Locus, Source, Touch, What};
use crate::knowledge::{self, places};
use crate::path::AppPath;
use crate::tree::Basics;

/// The facts that the tree of each install prefix gives.
pub(super) fn facts(ground: &Ground<'_>, facts: &[Fact]) -> Vec<Fact> {
    let mut found = Vec::new();
    for prefix in &ground.scope.prefixes {
        let Some(top) = ground.inventory.get(prefix) else {
            continue;
        };
        // Where nearly everything belongs to one owner that is not root, ownership tells nothing.
        let owner_tells = top.roots > top.others;
        for below in ground.inventory.below(prefix) {
            let (path, sum) = (&below.path(), &below.sum);
            if places::is_library_place(path) {
                continue;
            }
            if below.kind() == Some(Kind::File) {
                found.extend(own_file(ground, path, sum));
            }
            if below.kind() != Some(Kind::Dir) {
                continue;
            }
            let owner_tells = owner_tells || is_handed_over(ground, prefix, path);
            if sum.code > 0 && !ground.inventory.is_kept(path) {
                continue;
            }
            if let Some(fact) = directory(path, sum, owner_tells) {
                found.push(fact);
            }
        }
    }
    found.extend(newer(ground));
    found.extend(owned_settings(ground));
    found.extend(homes(ground, facts));
    found.extend(instances(ground));
    found.extend(runtimes(ground));
    found.extend(settings::files(ground, facts));
    found.extend(owned_by_service(ground, facts));
    found.extend(given_to_start(ground, facts));
    found.extend(upkeep::versions(ground, facts));
    for fact in facts {
        if let What::Licence {
            kind: LicenceKind::Restrictive,
            name,
        } = &fact.what
            && ground.scope.in_prefix(&fact.at.file).is_some()
            && !places::is_example(&fact.at.file)
        {
            found.push(holds(fact, name, Class::Config));
        }
        if let What::Holds {
            content,
            class: Some(class),
        } = &fact.what
            && ground.scope.in_prefix(&fact.at.file).is_some()
            && !places::is_library_place(&fact.at.file)
            && !places::is_example(&fact.at.file)
        {
            found.push(holds(fact, content, *class));
        }
    }
    upkeep::without_deployers(ground, &mut found);
    found
}

/// What the tree says of the path at a place.
pub(super) fn told(
    at: Locus,
    (touch, by): (Touch, &str),
    kind: Option<Kind>,
    class: Option<Class>,
    certainty: Certainty,
) -> Fact {
    let what = What::Path {
        path: at.file.clone(),
        touch,
        source: Source::Tree,
        by: by.to_owned(),
        kind,
        class,
    };
    Fact {
        at,
        what,
        certainty,
    }
}

/// A file whose content says that it is state.
fn holds(fact: &Fact, content: &str, class: Class) -> Fact {
    let touch = match class {
        Class::Data | Class::Log | Class::Cache | Class::Runtime => Touch::Writes,
        _ => Touch::Reads,
    };
    told(
        fact.at.clone(),
        (touch, content),
        None,
        Some(class),
        fact.certainty,
    )
}

/// A directory that its owner is seen to fill.
fn filled(dir: &AppPath, by: &str, class: Class) -> Fact {
    told(
        Locus::file(dir),
        (Touch::Writes, by),
        Some(Kind::Dir),
        Some(class),
        Certainty::Observed,
    )
}

/// The owner of a file or directory.
fn owner(ground: &Ground<'_>, path: &AppPath) -> Option<u32> {
    Some(ground.inventory.get(path)?.stat?.uid)
}

/// Whether a directory lies at or below one that belongs to another user than what it lies in does,
/// though not to root: somebody gave it to that user, to write in it.
fn is_handed_over(ground: &Ground<'_>, prefix: &AppPath, path: &AppPath) -> bool {
    let Some(uid) = owner(ground, path).filter(|uid| *uid != 0) else {
        return false;
    };
    let mut at = path.clone();
    while let Some(above) = at.parent().filter(|above| above.is_within(prefix)) {
        match owner(ground, &above) {
            Some(other) if other == uid => at = above,
            Some(_) => return true,
            None => return false,
        }
    }
    false
}

/// A file that is no code and was given to another user than the directory that it lies in.
fn own_file(ground: &Ground<'_>, path: &AppPath, sum: &Sum) -> Option<Fact> {
    let stat = sum.stat?;
    let around = owner(ground, &path.parent()?)?;
    let is_given = stat.uid != 0 && around != stat.uid && stat.mode & 0o200 != 0;
    if !is_given || sum.code > 0 || places::is_code_name(path.name()) || places::is_example(path) {
        return None;
    }
    let says = (Touch::Writes, "owner");
    Some(told(
        Locus::file(path),
        says,
        Some(Kind::File),
        None,
        Certainty::Observed,
    ))
}

/// A directory whose name, owner or emptiness says that it keeps state or settings.
fn directory(path: &AppPath, sum: &Sum, owner_tells: bool) -> Option<Fact> {
    let stat = sum.stat.filter(|stat| stat.kind == Kind::Dir)?;
    let named = places::class_of_name(path.name());
    let owned = owner_tells && stat.uid != 0;
    let empty = sum.files == 0;
    let (touch, by, certainty, class) = match named {
        // Whoever owns it fills it, whatever it is called.
        Some(Class::Config) if owned && empty => (
            Touch::Writes,
            "owner",
            Certainty::Observed,
            Some(Class::Data),
        ),
        Some(Class::Config) if owned => (Touch::Writes, "owner", Certainty::Observed, named),
        // Among tools it is what they build or install.
        Some(_) if !owned && places::is_tool(path) => return None,
        Some(Class::Config) => (Touch::Reads, "name", Certainty::Guessed, named),
        Some(_) if owned => (Touch::Writes, "owner", Certainty::Observed, named),
        Some(_) => (Touch::Names, "name", Certainty::Guessed, named),
        None if owned => (Touch::Writes, "owner", Certainty::Observed, None),
        None if empty && stat.mode & 0o022 != 0 => {
            (Touch::Writes, "mode", Certainty::Observed, None)
        }
        None => return None,
    };
    let at = Locus::file(path);
    Some(told(at, (touch, by), Some(Kind::Dir), class, certainty))
}

/// How a fact of [`newer`] is known.
pub(super) const NEWER: &str = "newer than the installation";

/// How much later than the last file of the code, in seconds, something must have been written to
/// be none of the installation: unpacking takes minutes on slow disks.
pub(super) const AFTER: i64 = 120;

/// What an application wrote below its prefix after the code was there: lists of passwords, and
/// code that an interpreter compiled for itself.
fn newer(ground: &Ground<'_>) -> Vec<Fact> {
    let mut found = Vec::new();
    for prefix in &ground.scope.prefixes {
        let Some(installed) = last_code(ground, prefix, usize::MAX, |_| true) else {
            continue;
        };
        for below in ground.inventory.below(prefix) {
            let Some(stat) = below.sum.stat else { continue };
            let late = |code: i64| stat.mtime > code.saturating_add(AFTER);
            let says = (Touch::Writes, NEWER);
            let at = || Locus::file(&below.path());
            let is_passwords = || {
                let kind = crate::knowledge::secret_file(below.name);
                kind.is_some_and(|kind| kind.contains("password"))
            };
            if stat.kind == Kind::File && late(installed) && is_passwords() {
                let (kind, class) = (Some(Kind::File), Some(Class::Secret));
                found.push(told(at(), says, kind, class, Certainty::Observed));
            } else if stat.kind == Kind::Dir && below.name == b"__pycache__" {
                let depth = below.dir.depth() + 1;
                if last_code(ground, below.dir, depth, |_| true).is_some_and(late) {
                    let (kind, class) = (Some(Kind::Dir), Some(Class::Cache));
                    found.push(told(at(), says, kind, class, Certainty::Observed));
                }
            }
        }
    }
    found
}

/// When the last file of code below `dir` was written, as far as its time tells, down to a depth;
/// what an interpreter compiled does not count.
pub(super) fn last_code(
    ground: &Ground<'_>,
    dir: &AppPath,
    depth: usize,
    counts: impl Fn(&AppPath) -> bool,
) -> Option<i64> {
    let compiled = |path: &AppPath| path.components().any(|part| part == b"__pycache__");
    let is_code = |below: &Below<'_>| {
        below.kind() == Some(Kind::File)
            && below.sum.code > 0
            && below.dir.depth() < depth
            && !compiled(&below.path())
            && counts(&below.path())
    };
    let files = ground.inventory.below(dir).filter(is_code);
    files.filter_map(|below| Some(below.sum.stat?.mtime)).max()
}

/// Directories of settings that belong to somebody else than root and that no package filled: who
/// owns them made what is in them.
fn owned_settings(ground: &Ground<'_>) -> Vec<Fact> {
    let etc = AppPath::new("/etc");
    let is_owned = |below: &Below<'_>| {
        let is_owned =
            |stat: Basics| stat.kind == Kind::Dir && stat.uid != 0 && stat.mode & 0o200 != 0;
        below.sum.stat.is_some_and(is_owned)
    };
    let owned = ground.inventory.below(&etc).filter(is_owned);
    owned
        .map(|below| below.path())
        .filter(|path| !ships_into(ground, path))
        .map(|path| filled(&path, "owner", Class::Config))
        .collect()
}

/// Directories outside the install prefix that settings, variables or arguments name and that belong
/// to the user of the service: whoever owns them fills them.
fn owned_by_service(ground: &Ground<'_>, facts: &[Fact]) -> Vec<Fact> {
    let users = users(ground, facts);
    let mut found = Vec::new();
    for fact in facts {
        let What::Path {
            path,
            touch: Touch::Names,
            source: Source::Environment | Source::Config | Source::Argument,
            ..
        } = &fact.what
        else {
            continue;
        };
        let is_said = fact.certainty > Certainty::Guessed && ground.voices.of(fact) == Voice::Live;
        let is_own = ground.scope.in_prefix(path).is_some();
        if !is_said || is_own || path.is_pattern() || places::is_code_place(path) {
            continue;
        }
        let Ok(node) = ground.root.resolve(path.as_bytes()) else {
            continue;
        };
        let is_filled = node.stat.kind == Kind::Dir
            && node.stat.mode & 0o200 != 0
            && users.contains(&node.stat.uid)
            && !node.real.is_within(&AppPath::new("/etc"));
        if is_filled {
            let mut fact_of_owner = filled(path, "owner", Class::Data);
            fact_of_owner.at = fact.at.clone();
            if let What::Path { class, .. } = &mut fact_of_owner.what {
                *class = None;
            }
            found.push(fact_of_owner);
        }
    }
    found.sort();
    found.dedup();
    found
}

/// The users that services run as, root left out.
pub(super) fn users(ground: &Ground<'_>, facts: &[Fact]) -> BTreeSet<u32> {
    let user = |fact: &Fact| match &fact.what {
        What::RunsAs { user, .. } => {
            let account = ground.host.accounts.by_name(user);
            account.map(|account| account.uid).or(user.parse().ok())
        }
        _ => None,
    };
    let users = facts.iter().filter_map(user);
    users.filter(|uid| *uid != 0).collect()
}

/// A file among the code that a start is given and its user may write: settings or state, and no code.
fn given_file(
    ground: &Ground<'_>,
    fact: &Fact,
    path: &AppPath,
    users: &BTreeSet<u32>,
) -> Option<Fact> {
    let stat = ground.root.resolve(path.as_bytes()).ok()?.stat;
    let is_its = stat.kind == Kind::File && stat.mode & 0o200 != 0 && users.contains(&stat.uid);
    let is_told = knowledge::secret_file(path.name()).is_some()
        || places::is_settings_name(path.name())
        || places::is_code_name(path.name())
        || ground.inventory.is_program(path);
    let mut given = filled(path, "argument", Class::Data);
    given.at = fact.at.clone();
    given.certainty = Certainty::Guessed;
    if let What::Path { kind, class, .. } = &mut given.what {
        (*kind, *class) = (Some(Kind::File), None);
    }
    (is_its && !is_told).then_some(given)
}

/// Directories that are there, on the command line of what is started, and in no place that tells what
/// they are for: the program is lost without them, and what it does in them nobody knows.
fn given_to_start(ground: &Ground<'_>, facts: &[Fact]) -> Vec<Fact> {
    let users = users(ground, facts);
    let starts = |fact: &&Fact| matches!(fact.what, What::Starts { .. });
    let starters: BTreeSet<&AppPath> = facts
        .iter()
        .filter(starts)
        .map(|fact| &fact.at.file)
        .collect();
    let is_starter = |file: &AppPath| starters.contains(file) || file.name() == b"package.json";
    let mut found = Vec::new();
    for fact in facts.iter().filter(|fact| is_starter(&fact.at.file)) {
        let What::Path {
            path,
            source: Source::Argument,
            by,
            kind,
            class,
            ..
        } = &fact.what
        else {
            continue;
        };
        let is_said = fact.certainty > Certainty::Guessed && ground.voices.of(fact) == Voice::Live;
        let is_own = ground.scope.in_prefix(path).is_some();
        // An option that means a socket or a file means something else where a directory is.
        let is_meant = class.is_some() && kind.is_none_or(|kind| kind == Kind::Dir);
        if is_said && is_own && class.is_none() && by == "argument" {
            found.extend(given_file(ground, fact, path, &users));
        }
        let is_known = is_meant || knowledge::prior(path).known || places::is_code_place(path);
        if !is_said || is_own || is_known || path.is_pattern() {
            continue;
        }
        let node = ground.root.resolve(path.as_bytes());
        if node.is_ok_and(|node| node.stat.kind == Kind::Dir && !places::is_code_place(&node.real))
        {
            let mut given = filled(path, "argument", Class::Data);
            given.at = fact.at.clone();
            if kind.is_none() {
                given.certainty = Certainty::Inferred;
            }
            found.push(given);
        }
    }
    found.sort();
    found.dedup();
    found
}

/// Whether a package put a file into the directory: settings that an administrator is to edit.
fn ships_into(ground: &Ground<'_>, dir: &AppPath) -> bool {
    ground.inventory.below(dir).any(|below| {
        below.kind() == Some(Kind::File) && ground.host.packages.owner(&below.path()).is_some()
    })
}

/// The home of an account that bears the application's name, or that a service runs as and nobody can
/// log in to: what the service keeps when nothing tells it otherwise.
fn homes(ground: &Ground<'_>, facts: &[Fact]) -> Vec<Fact> {
    let runs_as = |fact: &Fact| match &fact.what {
        What::RunsAs { user, .. } if ground.voices.of(fact) == Voice::Live => Some(user.clone()),
        What::Starts { given, .. } => given.as_ref().and_then(|given| given.user.clone()),
        _ => None,
    };
    let users: BTreeSet<String> = facts.iter().filter_map(runs_as).collect();
    let mut found = Vec::new();
    for user in &ground.host.accounts.users {
        let is_named = ground.scope.words.contains(&user.name.to_ascii_lowercase());
        let is_dedicated = users.contains(&user.name) && !user.can_log_in();
        let holds_scope = ground.scope.prefixes.iter();
        let mut holds_scope = holds_scope.filter(|prefix| prefix.is_within(&user.home));
        if user.uid == 0 || !(is_named || is_dedicated && holds_scope.next().is_none()) {
            continue;
        }
        let Ok(node) = ground.root.resolve(user.home.as_bytes()) else {
            continue;
        };
        let own = node.stat.kind == Kind::Dir && node.stat.uid == user.uid;
        if own && !places::is_code_place(&node.real) {
            found.push(filled(&node.real, "home", Class::Data));
        }
    }
    found
}

/// Where all code of a prefix came through a language's package tool, what stands beside it is an
/// instance: its settings and its state in one place.
fn instances(ground: &Ground<'_>) -> Vec<Fact> {
    let mut found = Vec::new();
    for prefix in &ground.scope.prefixes {
        let is_top = |below: &Below<'_>| below.dir == prefix && below.kind() == Some(Kind::Dir);
        let tops = ground.inventory.below(prefix).filter(is_top);
        let tops: Vec<AppPath> = tops.map(|below| below.path()).collect();
        let packaged = |dir: &AppPath| {
            let mut below = ground.inventory.below(dir);
            below.any(|below| places::is_library_place(&below.path()))
        };
        if !tops
            .iter()
            .any(|top| places::is_library_place(top) || packaged(top))
        {
            continue;
        }
        // Code of its own makes it a program with libraries, whose directories are its parts.
        let is_own = |top: &AppPath| !places::is_library_place(top) && !packaged(top);
        let holds_own = |below: &Below<'_>| {
            below.kind() == Some(Kind::File) && below.dir == prefix && below.sum.code > 0
        };
        let mut own = tops.iter().filter(|top| is_own(top));
        if own.any(|top| ground.inventory.holds_code(top))
            || ground
                .inventory
                .below(prefix)
                .any(|below| holds_own(&below))
        {
            continue;
        }
        for top in tops.iter().filter(|top| is_own(top)) {
            if top.name().starts_with(b".") {
                continue;
            }
            // Settings are told by their name, and what is shown to visitors comes with the code.
            let is_settings = places::class_of_name(top.name()) == Some(Class::Config);
            if is_settings || places::is_shown(top.name()) {
                continue;
            }
            found.push(filled(top, "beside its packages", Class::Data));
        }
    }
    found
}

/// What the runtime of the application's language reads and keeps for it.
fn runtimes(ground: &Ground<'_>) -> Vec<Fact> {
    let mut found = Vec::new();
    for prefix in &ground.scope.prefixes {
        let code = ground.inventory.below(prefix).find_map(|below| {
            let runtime = places::runtime_of(below.name)?;
            (!places::is_library_place(&below.path())).then_some(runtime)
        });
        let Some(runtime) = code else { continue };
        let there = |path: &&AppPath| ground.root.resolve(path.as_bytes()).is_ok();
        let settings = (Touch::Reads, "the runtime's settings");
        let state = (Touch::Writes, "the runtime's state");
        for (paths, says, class) in [
            (&runtime.settings, settings, Class::Config),
            (&runtime.state, state, Class::Data),
        ] {
            let there = paths.iter().filter(there);
            found.extend(there.map(|path| {
                told(
                    Locus::file(path),
                    says,
                    Some(Kind::Dir),
                    Some(class),
                    Certainty::Inferred,
                )
            }));
        }
    }
    found
}
