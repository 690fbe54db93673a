//! What the root says about itself: its packages, accounts and declarations.

use std::collections::{BTreeMap, BTreeSet};

use super::instances;
use super::live::USER_UNITS;
use super::packages::{Package, Packages};
use super::read;
use super::starts;
use crate::extract::Out;
use crate::fact::{Certainty, Fact, Issue, Kind, What};
use crate::knowledge;
use crate::parse::accounts::Accounts;
use crate::parse::os_release::OsRelease;
use crate::path::AppPath;
use crate::tree::{Entry, Limits, Progress, Root, walk};

/// Where a system keeps what it declares: units (systemd.unit(5)), init scripts, cron tables
/// (crontab(5)), tmpfiles.d(5), sysusers.d(5), logrotate(8), super-servers and supervisors,
/// kernel settings.
const DECLARATIONS: &[&str] = &[
    "/etc/systemd/system",
    "/run/systemd/system",
    "/usr/local/lib/systemd/system",
    "/usr/lib/systemd/system",
    "/lib/systemd/system",
    "/etc/init.d",
    "/etc/rc.d",
    "/sbin/init.d",
    "/etc/rc.local",
    "/etc/boot.local",
    "/etc/local.d",
    "/etc/conf.d/local.start",
    "/etc/sv",
    "/etc/service",
    "/etc/runit/runsvdir",
    "/service",
    "/var/service",
    "/etc/init",
    "/etc/inittab",
    "/etc/inetd.conf",
    "/etc/xinetd.d",
    "/etc/supervisor",
    "/etc/supervisord.conf",
    "/etc/supervisord.d",
    "/etc/monit",
    "/etc/monit.d",
    "/etc/monitrc",
    "/etc/god",
    "/etc/eye",
    "/etc/circus",
    "/etc/circus.ini",
    "/etc/pm2",
    "/etc/crontab",
    "/etc/cron.d",
    "/etc/cron.hourly",
    "/etc/cron.daily",
    "/etc/cron.weekly",
    "/etc/cron.monthly",
    "/var/spool/cron",
    "/var/spool/at",
    "/etc/tmpfiles.d",
    "/run/tmpfiles.d",
    "/usr/lib/tmpfiles.d",
    "/etc/sysusers.d",
    "/usr/lib/sysusers.d",
    "/etc/logrotate.conf",
    "/etc/logrotate.d",
    "/etc/sysctl.conf",
    "/etc/sysctl.d",
    "/etc/security/limits.conf",
    "/etc/security/limits.d",
    "/etc/modules",
    "/etc/modules-load.d",
    "/etc/modprobe.d",
    "/etc/udev/rules.d",
    "/etc/fstab",
    "/etc/ld.so.conf.d",
    "/etc/profile.d",
];

/// How much of a user database is read.
const ACCOUNTS_LIMIT: usize = 16 << 20;

/// The system around the application.
pub struct Host {
    /// Installed packages.
    pub packages: Packages,
    /// Users and groups.
    pub accounts: Accounts,
    /// The distribution.
    pub release: OsRelease,
    /// The name of the host, where it has one of its own (hostname(5)).
    pub name: Option<String>,
    /// What the system declares, by file.
    pub declarations: Declarations,
    /// What could not be read.
    pub issues: Vec<Issue>,
}

/// The facts of each declaring file.
#[derive(Debug, Default)]
pub struct Declarations {
    files: BTreeMap<AppPath, Vec<Fact>>,
    /// What the starters among them start, as the system calls them.
    called: BTreeMap<AppPath, Vec<Fact>>,
}

/// The facts of tables that are links: a walk does not follow them, and the system reads them.
fn tables_behind_links(root: &Root, progress: &Progress) -> BTreeMap<AppPath, Vec<Fact>> {
    const DIRS: [&str; 4] = [
        "/etc/sysctl.d",
        "/etc/security/limits.d",
        "/etc/tmpfiles.d",
        "/etc/cron.d",
    ];
    let mut found = BTreeMap::new();
    for dir in DIRS.iter().map(AppPath::new) {
        for (name, stat) in root.list(dir.as_bytes()).unwrap_or_default() {
            let path = dir.join(&name);
            let Ok(node) = root.resolve(path.as_bytes()) else {
                continue;
            };
            if stat.kind != Kind::Link || node.stat.kind != Kind::File {
                continue;
            }
            let entry = Entry {
                path: path.clone(),
                stat: node.stat,
                target: None,
            };
            let open = || root.open_file(node.real.as_bytes());
            let made = read::entry(&entry, open, progress);
            if !made.out.facts.is_empty() {
                found.insert(path, made.out.facts);
            }
        }
    }
    found
}

impl Declarations {
    /// Reads what the system declares.
    fn read(root: &Root, accounts: &Accounts) -> (Self, Vec<Issue>) {
        let mut declarations = Self::default();
        let progress = Progress::default();
        let homes: BTreeSet<&AppPath> = accounts.users.iter().map(|user| &user.home).collect();
        let users = homes.iter().map(|home| home.join(&USER_UNITS[1..]));
        let starts: Vec<AppPath> = DECLARATIONS
            .iter()
            .map(AppPath::new)
            .chain(users)
            .filter(|path| root.resolve(path.as_bytes()).is_ok())
            .collect();
        let made = walk(
            root,
            &starts,
            &read::limits(&Limits::default()),
            &progress,
            &|visit| Some(read::visit(visit, &progress).out).filter(Out::tells),
        );
        let mut issues = made.issues;
        for (entry, out) in made.made {
            issues.extend(out.issues);
            if !out.facts.is_empty() {
                let facts = of_user(accounts, &entry.path, out.facts);
                declarations.files.insert(entry.path, facts);
            }
        }
        declarations
            .files
            .extend(tables_behind_links(root, &progress));
        declarations.files.extend(instances::facts(root));
        let linked = starts::linked(root);
        let own = AppPath::new(starts::INITTAB);
        let files = declarations.files.keys().chain(&linked).chain([&own]);
        let files: Vec<&AppPath> = files.collect();
        let mut called = starts::called(root, accounts, &files);
        let tables = declarations.files.values().flatten().cloned();
        let tables: Vec<Fact> = tables.filter(starts::is_table).collect();
        called.extend(starts::managed(root, accounts, &tables));
        for (file, facts) in &called {
            let known = declarations.files.entry(file.clone()).or_default();
            starts::settle(known, &BTreeMap::from([(file.clone(), facts.clone())]));
        }
        declarations.called = called;
        (declarations, issues)
    }

    /// Files and their facts, in order of path.
    pub fn iter(&self) -> impl Iterator<Item = (&AppPath, &[Fact])> {
        self.files
            .iter()
            .map(|(file, facts)| (file, facts.as_slice()))
    }

    /// What a file starts, where it is one that the system calls and was followed.
    pub(super) fn called(&self, file: &AppPath) -> Option<&[Fact]> {
        self.called.get(file).map(Vec::as_slice)
    }

    /// The names of all units and scripts that start something, without `.service`.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let facts = self.files.values().flatten();
        facts.filter_map(|fact| match &fact.what {
            What::Starts { name, .. } => Some(name.strip_suffix(".service").unwrap_or(name)),
            _ => None,
        })
    }

    /// What the unit or init script `name` starts.
    #[must_use]
    pub fn starts_of(&self, name: &str) -> Vec<&Fact> {
        let bare = name.strip_suffix(".service").unwrap_or(name);
        self.files
            .values()
            .flatten()
            .filter(|fact| match &fact.what {
                What::Starts { name: unit, .. } => {
                    unit == name || unit.strip_suffix(".service").unwrap_or(unit) == bare
                }
                _ => false,
            })
            .collect()
    }
}

impl Host {
    /// Whether a package belongs to the system itself, rather than to what runs on it.
    #[must_use]
    pub fn is_base(&self, package: &Package) -> bool {
        package.essential || package.ordinary || knowledge::starts::is_base(&package.source)
    }

    /// Reads what the root says about itself.
    #[must_use]
    pub fn read(root: &Root) -> Self {
        let text = |path: &str| root.read(path, ACCOUNTS_LIMIT).unwrap_or_default();
        let accounts = Accounts::parse(&text("/etc/passwd"), &text("/etc/group"));
        let ((packages, mut issues), (declarations, faults)) = rayon::join(
            || Packages::read(root),
            || Declarations::read(root, &accounts),
        );
        issues.extend(faults);
        let release = root
            .read("/etc/os-release", ACCOUNTS_LIMIT)
            .or_else(|_| root.read("/usr/lib/os-release", ACCOUNTS_LIMIT))
            .unwrap_or_default();
        let release = OsRelease::parse(&release);
        let name = name(&text("/etc/hostname"));
        Self {
            packages,
            accounts,
            release,
            name,
            declarations,
            issues,
        }
    }
}

/// The facts of a unit of a user's own manager, which runs as that user.
fn of_user(accounts: &Accounts, file: &AppPath, mut facts: Vec<Fact>) -> Vec<Fact> {
    let Some(at) = memchr::memmem::find(file.as_bytes(), USER_UNITS) else {
        return facts;
    };
    let home = AppPath::new(&file.as_bytes()[..at]);
    let Some(user) = accounts.users.iter().find(|user| user.home == home) else {
        return facts;
    };
    for fact in &mut facts {
        if let What::Starts { given, .. } = &mut fact.what {
            let mut own = given.take().map(|given| *given).unwrap_or_default();
            own.user = Some(user.name.clone());
            *given = own.told();
        }
    }
    if let Some(first) = facts.first() {
        let runs = Fact {
            at: first.at.clone(),
            what: What::RunsAs {
                user: user.name.clone(),
                group: None,
            },
            certainty: Certainty::Declared,
        };
        facts.push(runs);
    }
    facts
}

/// Names that many hosts have: state that bears one is any host's.
const GENERIC: [&str; 6] = ["localhost", "debian", "host", "ubuntu", "unknown", "linux"];

/// The name in hostname(5): the first line that is no comment, without the domain.
fn name(text: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(text).ok()?;
    let mut lines = text.lines().map(str::trim);
    let line = lines.find(|line| !line.is_empty() && !line.starts_with('#'))?;
    let short = line.split('.').next()?;
    let fits = |b: u8| b.is_ascii_alphanumeric() || b == b'-';
    let is_own = (2..=63).contains(&short.len()) && short.bytes().all(fits);
    (is_own && !GENERIC.contains(&short)).then(|| line.to_owned())
}

#[cfg(test)]
mod tests {
    use super::name;

    #[test]
    fn a_host_is_known_by_its_own_name() {
        assert_eq!(name(b"mq01\n").as_deref(), Some("mq01"));
        assert_eq!(
            name(b"# set by hand\nmq01.example.org\n").as_deref(),
            Some("mq01.example.org")
        );
        assert_eq!(name(b"localhost\n"), None);
        assert_eq!(name(b"a b\n"), None);
        assert_eq!(name(b""), None);
    }
}
