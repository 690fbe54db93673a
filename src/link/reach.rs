//! Reach: what the application refers to elsewhere in the root.
//!
//! First the declarations that concern it: a unit, init script or cron entry that starts one of
//! its programs, and lines that name one of its paths. Then the files that these and its own
//! files name: environment files, configuration, what that includes. Each step leaves its facts.

use std::collections::BTreeSet;

use super::gather::{Seen, read_files};
use super::host::Host;
use super::instances::template_of;
use super::nearby::{called_after, homes, settings_in};
use super::scope::{Scope, instance_package};
use super::web::{self, Served};
use crate::extract::shell;
use crate::fact::{
    Certainty, Class, Fact, Issue, IssueKind, Kind, Locus, Need, Source, StartKind, Touch, What,
};
use crate::knowledge;
use crate::path::AppPath;
use crate::tree::{Entries, Progress, Root};

/// How many steps away from the application a reference is followed.
const MAX_STEPS: usize = 6;

/// How many files outside the scope are read.
const MAX_FILES: usize = 4096;

/// Adds to `seen` what the scope refers to.
pub(super) fn reach(root: &Root, host: &Host, scope: &Scope, seen: &mut Seen, progress: &Progress) {
    seen.entries.settle();
    let served = web::served(root, scope, seen);
    let declared = declarations(root, host, scope, &served, &seen.facts, &seen.entries);
    let files: BTreeSet<&AppPath> = declared.iter().map(|fact| &fact.at.file).collect();
    for file in files {
        if let Ok(node) = root.lookup(file.as_bytes()) {
            seen.entries.push(file, &node.stat);
            seen.read += 1;
        }
    }
    let mut also: BTreeSet<AppPath> = declared.iter().map(|fact| fact.at.file.clone()).collect();
    seen.entries.settle();
    let mut fresh = declared.clone();
    seen.facts.extend(declared);
    let mut called = called_after(root, host, scope);
    called.extend(homes(root, host, &seen.facts));
    fresh.extend(called.iter().cloned());
    seen.facts.extend(called);
    fresh.extend(seen.facts.iter().cloned());
    let mut budget = MAX_FILES;
    for _ in 0..MAX_STEPS {
        let next = references(root, host, scope, &fresh, &|path| {
            also.contains(path) || seen.entries.contains(path)
        });
        let take: Vec<&AppPath> = next.iter().take(budget).collect();
        if let Some(first) = next.iter().nth(budget) {
            let left = next.len() - budget;
            seen.issues.push(Issue {
                at: Locus::file(first),
                kind: IssueKind::LimitReached,
                message: format!("{left} more files are referred to; they were not read"),
            });
        }
        if take.is_empty() {
            break;
        }
        budget -= take.len();
        fresh = Vec::new();
        for (entry, made) in read_files(root, &take, progress) {
            fresh.extend(made.out.facts.iter().cloned());
            seen.add(&entry, made);
        }
        also.extend(next);
    }
}

/// The facts of the system's declarations that concern the application: all of a file that is its
/// own or that starts one of its programs, and of tables the lines that name one of its paths or
/// one of its users.
fn declarations(
    root: &Root,
    host: &Host,
    scope: &Scope,
    served: &Served,
    own: &[Fact],
    known: &Entries,
) -> Vec<Fact> {
    let mut found = Vec::new();
    let mut units: BTreeSet<String> = BTreeSet::new();
    let mut rest = Vec::new();
    for (file, facts) in host.declarations.iter() {
        if is_other_instance(scope, facts) {
            continue;
        }
        if known.contains(file) && !is_named(scope, facts) {
            // The scope's own files have been read with it.
            units.extend(
                facts
                    .iter()
                    .filter_map(|fact| started(&fact.what))
                    .map(str::to_owned),
            );
        } else if is_named(scope, facts)
            || is_instance_of(host, scope, facts)
            || facts.iter().any(|fact| serves(served, &fact.what))
            || facts
                .iter()
                .any(|fact| starts_scope(root, scope, &fact.what))
                && !is_table(file)
        {
            units.extend(
                facts
                    .iter()
                    .filter_map(|fact| started(&fact.what))
                    .map(str::to_owned),
            );
            found.extend_from_slice(facts);
        } else {
            rest.push((file, facts));
        }
    }
    let users: BTreeSet<&str> = own
        .iter()
        .chain(&found)
        .filter_map(|fact| match &fact.what {
            What::RunsAs { user, .. } if user != "root" => Some(user.as_str()),
            _ => None,
        })
        .collect();
    // Accounts that a distribution gives out for all, as `www-data` and `nobody`, are of no one application
    // (Debian Policy, 9.2.2): what runs as one of them may be another's.
    let is_of_all = |user: &&str| {
        let account = host.accounts.by_name(user);
        account.is_some_and(|account| account.uid < 100 || account.uid == 65_534)
    };
    let own_users: BTreeSet<&str> = users
        .iter()
        .copied()
        .filter(|user| !is_of_all(user))
        .collect();
    let named: Vec<&AppPath> = own
        .iter()
        .filter(|fact| fact.certainty > Certainty::Guessed)
        .filter_map(|fact| match &fact.what {
            What::Path { path, .. } if !path.is_pattern() => Some(path),
            _ => None,
        })
        .collect();
    // A filesystem is the application's concern when it keeps something there.
    let is_below = |what: &What| match what {
        What::Path { path, .. } => path.depth() > 0 && named.iter().any(|own| own.is_within(path)),
        _ => false,
    };
    // How large it may be matters to who uses it (shm_overview(7)).
    let shares = own.iter().any(|fact| match &fact.what {
        What::Imports { symbol } => symbol.starts_with("shm"),
        What::Path { path, .. } => path.is_below(&AppPath::new("/dev/shm")),
        _ => false,
    });
    let mut more = Vec::new();
    for (file, facts) in rest {
        let is_fstab = file.to_text().ends_with("/fstab");
        if let Some(unit) = drop_in_of(file)
            && units.contains(&unit)
        {
            more.extend_from_slice(facts);
            continue;
        }
        let lines: BTreeSet<Option<u32>> = facts
            .iter()
            .filter(|fact| {
                concerns(root, scope, &own_users, &fact.what) || is_limit_of(&users, fact)
            })
            .map(|fact| fact.at.line)
            .collect();
        let whole = !is_table(file) && !lines.is_empty() || is_tuned_for(root, scope, &users, file);
        // crontab(5): a variable holds for every entry below it.
        let is_cron = file.to_text().contains("/cron");
        let is_variable =
            |fact: &Fact| is_cron && !lines.is_empty() && matches!(fact.what, What::Secret { .. });
        // ulimit holds for what a script starts after it.
        let last = lines.iter().flatten().max();
        let is_limit_before = |fact: &Fact| {
            let is_limit = match &fact.what {
                What::Needs { need, .. } => *need == Need::Limit,
                What::Directive { key, .. } => key.starts_with("Limit"),
                _ => false,
            };
            is_limit && shell::is_local(file) && fact.at.line.as_ref() < last
        };
        // Whose filesystem it is; the place where it is mounted is wider than what is kept there.
        let below: BTreeSet<Option<u32>> = facts
            .iter()
            .filter(|fact| is_fstab && is_below(&fact.what))
            .map(|fact| fact.at.line)
            .collect();
        let is_of_filesystem = |fact: &Fact| match &fact.what {
            What::Talks { .. } => below.contains(&fact.at.line),
            What::Needs { need, .. } => is_fstab && shares && *need == Need::SharedMemory,
            _ => false,
        };
        let is_kept = |fact: &&Fact| {
            whole
                || lines.contains(&fact.at.line)
                || is_variable(fact)
                || is_limit_before(fact)
                || is_of_filesystem(fact)
        };
        more.extend(facts.iter().filter(is_kept).cloned());
    }
    found.extend(more);
    found
}

/// Whether a file is the unit by which the application was named.
fn is_named(scope: &Scope, facts: &[Fact]) -> bool {
    let mut names = facts.iter().filter_map(|fact| started(&fact.what));
    !scope.units.is_empty() && names.any(|name| scope.units.contains(name))
}

/// Whether a file is an instance whose package, by the template's name and the version, is the
/// application's.
fn is_instance_of(host: &Host, scope: &Scope, facts: &[Fact]) -> bool {
    let names = facts.iter().filter_map(|fact| started(&fact.what));
    let mut packages = names.filter_map(|name| instance_package(host, name));
    !scope.packages.is_empty() && packages.any(|package| scope.packages.contains(&package))
}

/// Whether a file is another instance of the template whose instance was named.
fn is_other_instance(scope: &Scope, facts: &[Fact]) -> bool {
    let mut names = facts.iter().filter_map(|fact| started(&fact.what));
    let is_other = |name: &str| {
        let template = template_of(name);
        let mut named = scope.units.iter().filter(|unit| unit.contains('@'));
        name.contains('@')
            && !scope.units.contains(name)
            && named.any(|unit| template_of(unit) == template)
    };
    !scope.units.is_empty() && names.any(is_other)
}

/// Whether a file holds many entries for many programs, of which each stands for itself.
pub(super) fn is_table(file: &AppPath) -> bool {
    const TABLES: &[&str] = &[
        "/crontab",
        "/cron.d/",
        "/spool/cron/",
        "tmpfiles.d/",
        "sysusers.d/",
        "/limits",
        "/sysctl",
        "/inetd.conf",
        "/modules",
        "/fstab",
        "/inittab",
        "/rc.local",
        "/boot.local",
        "/local.start",
        "/logrotate.conf",
    ];
    let text = file.to_text();
    TABLES.iter().any(|part| text.contains(part))
}

/// The unit that a drop-in (systemd.unit(5)) belongs to.
fn drop_in_of(file: &AppPath) -> Option<String> {
    let folder = file.parent()?;
    let name = std::str::from_utf8(folder.name())
        .ok()?
        .strip_suffix(".d")?
        .to_owned();
    name.contains('.').then_some(name)
}

fn started(what: &What) -> Option<&str> {
    match what {
        What::Starts { name, .. } => Some(name),
        _ => None,
    }
}

/// Whether this starts the web server that serves the application.
fn serves(served: &Served, what: &What) -> bool {
    match what {
        What::Starts {
            program,
            how: StartKind::Unit | StartKind::Init,
            ..
        } => served.is_by(program),
        _ => false,
    }
}

/// Whether this starts a program of the application, or an interpreter with one of its files.
fn starts_scope(root: &Root, scope: &Scope, what: &What) -> bool {
    let What::Starts {
        program,
        args,
        given,
        ..
    } = what
    else {
        return false;
    };
    // What is named may be a link to the application, or lie behind one.
    let is_own = |path: &AppPath| {
        let real = || root.resolve(path.as_bytes()).ok();
        scope.contains(path) || real().is_some_and(|node| scope.contains(&node.real))
    };
    let dir = given.as_ref().and_then(|given| given.directory.as_ref());
    is_own(program)
        || dir.is_some_and(is_own)
        || args.iter().any(|arg| {
            let value = arg
                .rsplit_once('=')
                .map_or(arg.as_str(), |(_, value)| value);
            let is_option = value.starts_with('-');
            let named = AppPath::absolute(value)
                .or_else(|| dir.filter(|_| !is_option).map(|dir| dir.join(value)));
            named.is_some_and(|path| is_own(&path))
        })
}

/// Whether a file of sysctl.d(5), limits.d or tmpfiles.d(5) is for the application: it is called after it,
/// its maker or its user, or is a link to a file of it.
fn is_tuned_for(root: &Root, scope: &Scope, users: &BTreeSet<&str>, file: &AppPath) -> bool {
    let parent = file.parent();
    let is_in = |dirs: &[&[u8]]| {
        let parent = parent.as_ref();
        parent.is_some_and(|parent| dirs.contains(&parent.name()))
    };
    if !is_in(&[b"sysctl.d", b"tmpfiles.d"]) {
        return false;
    }
    let is_link = root
        .resolve(file.as_bytes())
        .is_ok_and(|node| node.real != *file && scope.contains(&node.real));
    let name = String::from_utf8_lossy(file.name()).to_ascii_lowercase();
    let stem = name.strip_suffix(".conf").unwrap_or(&name);
    let stem = stem.trim_start_matches(|c: char| c.is_ascii_digit() || c == '-');
    let is_makers = || is_in(&[b"sysctl.d"]) && makers(scope).contains(stem);
    is_link
        || !stem.is_empty() && (scope.words.contains(stem) || users.contains(stem) || is_makers())
}

/// The names between the top of the file hierarchy and the application's directory: those of its maker or
/// of the product that it is part of (`/opt/MAKER/NAME`, FHS 3.0, 3.13).
fn makers(scope: &Scope) -> BTreeSet<String> {
    let of = |dir: &AppPath| {
        let parts: Vec<String> = dir
            .components()
            .map(|part| String::from_utf8_lossy(part).to_ascii_lowercase())
            .collect();
        let end = parts.len().saturating_sub(1);
        parts.get(1..end).unwrap_or_default().to_vec()
    };
    let dirs = scope.dirs.iter().filter(|dir| {
        let mut tops = ["/opt", "/usr", "/srv", "/home"].iter().map(AppPath::new);
        tops.any(|top| dir.is_below(&top))
    });
    let parts = dirs.flat_map(of);
    parts
        .filter(|part| part.len() > 1 && !knowledge::places::is_generic_name(part))
        .collect()
}

/// Whether a line of limits.conf(5) has a user of the application, or a group of that name behind `@`, as
/// its domain.
fn is_limit_of(users: &BTreeSet<&str>, fact: &Fact) -> bool {
    let is_table = fact.at.file.is_below(&AppPath::new("/etc/security"));
    match &fact.what {
        What::Directive { value, .. } if is_table => {
            let domain = value.split_whitespace().next().unwrap_or_default();
            users.contains(domain.trim_start_matches('@'))
        }
        _ => false,
    }
}

/// Whether an entry of a table names a path, program or user of the application.
fn concerns(root: &Root, scope: &Scope, users: &BTreeSet<&str>, what: &What) -> bool {
    match what {
        // A condition asks for a file, and does nothing with it (systemd.unit(5)).
        What::Path { by, .. } if by.starts_with("Condition") || by.starts_with("Assert") => false,
        What::Path { path, .. } => scope.contains(path),
        What::Starts { .. } => starts_scope(root, scope, what),
        What::RunsAs { user, .. } => users.contains(user.as_str()),
        What::Account { name, .. } => users.contains(name.as_str()),
        _ => false,
    }
}

/// The files that facts refer to and that are worth reading: regular, not read yet, neither code
/// nor a file that every system has.
fn references(
    root: &Root,
    host: &Host,
    scope: &Scope,
    facts: &[Fact],
    is_known: &dyn Fn(&AppPath) -> bool,
) -> BTreeSet<AppPath> {
    let mut found = BTreeSet::new();
    for fact in facts {
        let What::Path {
            path,
            touch,
            source,
            by,
            ..
        } = &fact.what
        else {
            continue;
        };
        if !matches!(touch, Touch::Reads | Touch::Names | Touch::Writes) {
            continue;
        }
        let including = by == "include" || by == "source";
        let follows = match source {
            Source::Unit | Source::Init | Source::Argument | Source::Environment => true,
            Source::Config | Source::Script => including || scope.knows(path),
            Source::Literal | Source::Code => scope.knows(path) && is_settings_place(path),
            _ => false,
        };
        if !follows && !is_own_place(scope, fact) {
            continue;
        }
        let mut paths = expand(root, path, including);
        if is_own_place(scope, fact) {
            paths.extend(settings_in(root, path));
        }
        for path in paths {
            let Ok(node) = root.resolve(path.as_bytes()) else {
                continue;
            };
            let foreign = !including
                && matches!(source, Source::Literal | Source::Code)
                && host.packages.owner(&node.real).is_some();
            if node.stat.kind == Kind::File
                && !foreign
                && !is_known(&node.real)
                && !is_known(&path)
                && !knowledge::places::is_code_place(&node.real)
                && !knowledge::places::is_system_file(&node.real)
            {
                found.insert(node.real);
            }
        }
    }
    found
}

/// Whether a fact says that a directory is the application's: its settings name it as the place of its
/// data or its settings, or it is called after it.
fn is_own_place(scope: &Scope, fact: &Fact) -> bool {
    match &fact.what {
        What::Path {
            path,
            source: Source::Config,
            class,
            ..
        } => {
            fact.certainty > Certainty::Guessed
                && !path.is_pattern()
                && !knowledge::is_shared_dir(path)
                && (matches!(class, Some(Class::Data | Class::Config)) || scope.knows(path))
        }
        _ => false,
    }
}

fn is_settings_place(path: &AppPath) -> bool {
    path.components().next() == Some(b"etc")
}

/// The paths that a reference stands for: a pattern's matches, an included directory's files.
pub(super) fn expand(root: &Root, path: &AppPath, including: bool) -> Vec<AppPath> {
    if !path.is_pattern() {
        if including && let Ok(entries) = root.list(path.as_bytes()) {
            return entries.iter().map(|(name, _)| path.join(name)).collect();
        }
        return vec![path.clone()];
    }
    let mut found = vec![AppPath::root()];
    for part in path.components() {
        let mut next = Vec::new();
        for dir in found {
            if !part.contains(&b'*') && !part.contains(&b'?') && !part.contains(&b'{') {
                next.push(dir.join(part));
                continue;
            }
            for (name, _) in root.list(dir.as_bytes()).unwrap_or_default() {
                if matches(part, &name) {
                    next.push(dir.join(&name));
                }
            }
            if next.len() > MAX_FILES {
                break;
            }
        }
        found = next;
    }
    found
}

/// Whether `name` fits a component with `*`, `?` and `{…}` (glob(7), brackets left out).
#[must_use]
pub(super) fn matches(pattern: &[u8], name: &[u8]) -> bool {
    // The position after the last star, and where in the name it was tried: linear backtracking.
    let (mut p, mut n) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while n < name.len() {
        let wild = match pattern.get(p) {
            Some(b'*') => Some(1),
            Some(b'{') => pattern[p..]
                .iter()
                .position(|&b| b == b'}')
                .map(|end| end + 1),
            _ => None,
        };
        if let Some(width) = wild {
            star = Some((p + width, n));
            p += width;
        } else if pattern.get(p).is_some_and(|&b| b == b'?' || b == name[n]) {
            p += 1;
            n += 1;
        } else if let Some((after, tried)) = star {
            star = Some((after, tried + 1));
            (p, n) = (after, tried + 1);
        } else {
            return false;
        }
    }
    let rest = &pattern[p..];
    rest.iter().all(|&b| b == b'*') || (rest.starts_with(b"{") && rest.ends_with(b"}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn components_match_like_file_name_patterns() {
        for (pattern, name, fits) in [
            ("*.conf", "a.conf", true),
            ("*.conf", "a.conf.bak", false),
            ("a?c", "abc", true),
            ("x{pid}.log", "x12.log", true),
            ("x{pid}", "x", true),
            ("plain", "plain", true),
            ("plain", "plainer", false),
        ] {
            assert_eq!(
                matches(pattern.as_bytes(), name.as_bytes()),
                fits,
                "{pattern} {name}"
            );
        }
    }
}
