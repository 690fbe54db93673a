//! The application's own trees, content that its settings name, what links in them lead to, and what
//! every image has of the system.

use std::collections::BTreeSet;

use super::accounts;
use super::contents::{Finder, Made, Place, Source};
use super::system;
use crate::fact::Kind;
use crate::knowledge;
use crate::link::loader::{Loader, Request};
use crate::link::owners;
use crate::manifest::Settings;
use crate::path::AppPath;
use crate::report::Owner;
use crate::tree::Listing;

/// How many directories below each other are looked through for links.
const DEPTH: usize = 64;

/// The most bytes of a text of the system that is read.
const TEXT: usize = 16 << 20;

impl Finder<'_> {
    /// The application's own directories and files.
    pub(super) fn scope(&mut self) {
        let scope = self.report.target.scope.clone();
        let own = self.source_of(Owner::Application);
        for path in &scope {
            if let Some(real) = self.chain(path, own) {
                self.whole(&real, own);
            }
        }
        let starts = self.report.plan.start.clone();
        for start in &starts {
            let program = start.command.first().and_then(AppPath::absolute);
            let Some(program) = program else { continue };
            let packaged = self.root.resolve(program.as_bytes()).ok();
            let packaged = packaged.is_some_and(|node| {
                self.host.packages.owner(&node.real).is_some()
                    || self
                        .report
                        .programs
                        .iter()
                        .any(|p| p.real_path == node.real)
            });
            if !packaged {
                self.chain(&program, own);
            }
        }
    }

    /// Content outside the scope that its settings name.
    pub(super) fn content(&mut self) {
        let own = self.source_of(Owner::Application);
        for path in &self.report.plan.content {
            if self.is_mounted(path) {
                continue;
            }
            if let Some(real) = self.chain(path, own)
                && self.is_dir(&real)
            {
                self.whole(&real, own);
            }
        }
    }

    /// What links in trees that come along and in the application's packages lead to outside them:
    /// a jar of another package, a release directory, a certificate. Without it they would lead
    /// nowhere.
    pub(super) fn led_out(&mut self) {
        let mut seen: BTreeSet<AppPath> = BTreeSet::new();
        loop {
            self.unowned();
            let places = self.contents.places.iter();
            let todo: Vec<(AppPath, Place)> = places
                .filter(|(path, _)| !seen.contains(*path))
                .filter(|(_, place)| {
                    let is_own = |s: Source| s.package.is_some() && s.owner == Owner::Application;
                    place.is_whole || place.takes_unowned || place.source.is_some_and(is_own)
                })
                .map(|(path, place)| (path.clone(), place.clone()))
                .collect();
            if todo.is_empty() {
                return;
            }
            for (path, place) in todo {
                self.led_from(&path, &place);
                seen.insert(path);
            }
        }
    }

    fn led_from(&mut self, path: &AppPath, place: &Place) {
        let Some(source) = place.source.filter(|_| place.point.is_none()) else {
            return;
        };
        if place.is_whole {
            if let Ok(listing) = self.root.enter(path) {
                self.links(path, &listing, source, DEPTH);
            }
        } else if place.takes_unowned {
            let Ok(listing) = self.root.enter(path) else {
                return;
            };
            for (name, stat) in &listing.entries {
                let path = path.child(name);
                if self.host.packages.owner(&path).is_some() {
                    continue;
                }
                match (stat.kind, listing.enter(self.root, name)) {
                    (Kind::Link, _) => self.led(&path, source),
                    (Kind::Dir, Ok(inner)) => self.links(&path, &inner, source, DEPTH),
                    _ => {}
                }
            }
        } else {
            self.led(path, source);
        }
    }

    fn links(&mut self, dir: &AppPath, listing: &Listing, source: Source, depth: usize) {
        for (name, stat) in &listing.entries {
            let path = dir.child(name);
            let place = self.contents.places.get(&path);
            if place.is_some_and(|place| place.point.is_some()) || self.contents.keeps_out(&path) {
                continue;
            }
            match stat.kind {
                Kind::Link => self.led(&path, source),
                Kind::Dir if depth > 0 => {
                    if let Ok(inner) = listing.enter(self.root, name) {
                        self.links(&path, &inner, source, depth - 1);
                    }
                }
                _ => {}
            }
        }
    }

    /// What a link leads to; nothing where it is none.
    fn led(&mut self, path: &AppPath, source: Source) {
        let (Ok(target), Some(dir)) = (self.root.link_target(path.as_bytes()), path.parent())
        else {
            return;
        };
        let next = dir.join(&target);
        let Ok(node) = self.root.resolve(path.as_bytes()) else {
            return;
        };
        let real = node.real;
        let is_dir = node.stat.kind == Kind::Dir;
        let is_left = self.is_mounted(&real)
            || system::is_kept_outside(&real)
            || self.is_in_whole(&real)
            || real == AppPath::root();
        if is_left {
            return;
        }
        let is_common = is_dir && (real.depth() < 2 || knowledge::is_shared_dir(&real));
        let owners: Vec<String> = match is_common {
            true => Vec::new(),
            false => self
                .host
                .packages
                .owners(&real)
                .iter()
                .map(|p| p.name.clone())
                .collect(),
        };
        let is_unowned = owners.is_empty();
        let missing = owners.iter().map(String::as_str);
        let missing: Vec<&str> = missing.filter(|name| !self.taken.contains(*name)).collect();
        if !missing.is_empty() {
            self.with_packages(missing.into_iter());
        }
        let Some(end) = self.chain(&next, source) else {
            return;
        };
        if is_dir && is_unowned && !is_common {
            self.whole(&end, source);
        }
    }

    /// Whether something is mounted at a path or above it.
    fn is_mounted(&self, path: &AppPath) -> bool {
        (0..=path.depth()).any(|depth| {
            let place = self.contents.places.get(&path.prefix(depth));
            place.is_some_and(|place| place.point.is_some())
        })
    }

    /// Whether a directory that comes along whole holds a path.
    fn is_in_whole(&self, path: &AppPath) -> bool {
        (1..=path.depth()).any(|depth| {
            let place = self.contents.places.get(&path.prefix(depth));
            place.is_some_and(|place| place.is_whole)
        })
    }

    fn is_dir(&self, real: &AppPath) -> bool {
        let node = self.root.lookup(real.as_bytes());
        node.is_ok_and(|node| node.stat.kind == Kind::Dir)
    }

    /// A file that is loaded or run, with the libraries that the loader finds for it.
    pub(super) fn loaded(&mut self, loader: &Loader<'_>, path: &AppPath, source: Source) {
        let Some(real) = self.chain(path, source) else {
            return;
        };
        let outcome = loader.run(&Request::new(real.as_bytes().to_vec()));
        let libraries = outcome.libraries.iter();
        let mut paths: Vec<AppPath> = libraries
            .filter_map(|needed| needed.path.as_ref().map(AppPath::new))
            .collect();
        paths.extend(outcome.loader.map(|profile| AppPath::new(&profile.path)));
        for path in paths {
            let name = String::from_utf8_lossy(path.name()).into_owned();
            let package = self.host.packages.owner(&path);
            let package = package.map(|package| package.name.clone());
            let owner = owners::owner(&name, Some(&path), package.as_deref(), false);
            let source = self.source_of(owner);
            self.chain(&path, source);
        }
    }

    /// What every image has of the system, and the links by which its programs are found.
    pub(super) fn system(&mut self, settings: &Settings) {
        let core = self.source_of(Owner::Core);
        let report = self.report;
        let is_bare = report.programs.is_empty() && report.libraries.is_empty();
        if is_bare && self.contents.packages.is_empty() && settings.command.is_empty() {
            return;
        }
        self.withheld();
        for path in system::files() {
            let end = self.chain(&path, core);
            if let Some(real) = end.filter(|real| self.is_dir(real)) {
                self.whole(&real, core);
            }
        }
        self.led_out();
        let loader = Loader::new(self.root);
        for program in system::PROGRAMS {
            self.loaded(&loader, &AppPath::new(program), core);
        }
        self.alternatives();
        self.directories(core);
        self.accounts(settings, core);
        self.make("/etc/hosts", Some(accounts::HOSTS.to_vec()), (0o644, 0, 0));
        self.make("/etc/resolv.conf", Some(Vec::new()), (0o644, 0, 0));
    }

    fn alternatives(&mut self) {
        for dir in system::LINKED {
            let dir = AppPath::new(dir);
            for (name, stat) in self.root.list(dir.as_bytes()).unwrap_or_default() {
                let path = dir.child(&name);
                if stat.kind != Kind::Link || self.host.packages.owner(&path).is_some() {
                    continue;
                }
                let Ok(node) = self.root.resolve(path.as_bytes()) else {
                    continue;
                };
                let end = self.contents.places.get(&node.real);
                if let Some(source) = end.and_then(|place| place.source) {
                    self.chain(&path, source);
                }
            }
        }
    }

    /// The directories that a runtime mounts over or that programs count on: as on disk, else made.
    fn directories(&mut self, core: Source) {
        for (name, mode) in system::DIRECTORIES {
            let path = AppPath::new(name);
            match self.root.lookup(path.as_bytes()).map(|node| node.stat.kind) {
                Ok(Kind::Dir | Kind::Link) => {
                    self.chain(&path, core);
                }
                Ok(_) => {}
                Err(_) => self.make(name, None, (*mode, 0, 0)),
            }
        }
        for name in system::OLDER {
            let path = AppPath::new(name);
            let node = self.root.lookup(name);
            if node.is_ok_and(|node| node.stat.kind == Kind::Link) {
                self.chain(&path, core);
            }
        }
    }

    /// Texts of the system in which somebody put a password stay out.
    fn withheld(&mut self) {
        for name in system::VARIABLES {
            let path = AppPath::new(name);
            let text = self.root.read(name, TEXT).unwrap_or_default();
            let parent = path.parent().unwrap_or_else(AppPath::root);
            if text.split(|&b| b == b'\n').any(sets_secret)
                && let Some(real) = self.dir(&parent)
            {
                self.contents.secrets.insert(real.child(path.name()));
            }
        }
    }

    /// Accounts without passwords.
    fn accounts(&mut self, settings: &Settings, core: Source) {
        let text = |name: &str| self.root.read(name, TEXT).unwrap_or_default();
        let (passwd, group) = (text("/etc/passwd"), text("/etc/group"));
        let homes: Vec<(String, AppPath)> = self
            .report
            .plan
            .start
            .iter()
            .filter_map(|start| Some((start.user.clone()?, start.home.clone()?)))
            .collect();
        for (_, home) in &homes {
            // su(1) and systemd-nspawn(1) change into it.
            if !self.is_mounted(home) && self.is_dir(home) {
                self.chain(home, core);
            } else if home.depth() > 0 && self.root.lookup(home.as_bytes()).is_err() {
                // One that the old host has not is there, empty: systemd-nspawn(1) would make it, which a
                // read-only root refuses.
                self.make(&home.to_text(), None, (0o755, 0, 0));
            }
        }
        let is_there = |home: &AppPath| self.contents.places.contains_key(home);
        let home = |user: &str| {
            // The fields of passwd(5) have no way to hold such bytes.
            let is_plain = |home: &AppPath| {
                let bytes = home.as_bytes().iter();
                bytes.copied().all(|b| b != b':' && !b.is_ascii_control())
            };
            let is_there = |home: &AppPath| is_there(home) && is_plain(home);
            let own = homes
                .iter()
                .find(|(name, home)| name == user && is_there(home));
            own.map(|(_, home)| home.as_bytes().to_vec())
        };
        let passwd = accounts::passwd(&passwd, &settings.accounts, &home);
        let group = accounts::group(&group, &settings.accounts);
        let shadow = accounts::shadow(&passwd);
        // unix_chkpwd(8) reads it with the rights of its group.
        let kept = self.root.lookup("/etc/shadow").ok();
        let kept = kept.filter(|node| node.stat.kind == Kind::File);
        let kept = kept.map_or((0o640, 0, 0), |node| {
            (node.stat.mode & 0o640, node.stat.uid, node.stat.gid)
        });
        self.make("/etc/passwd", Some(passwd), (0o644, 0, 0));
        self.make("/etc/group", Some(group), (0o644, 0, 0));
        self.make("/etc/shadow", Some(shadow), kept);
    }

    /// Puts what is made in the place of whatever the disk has there.
    fn make(&mut self, path: &str, bytes: Option<Vec<u8>>, (mode, uid, gid): (u32, u32, u32)) {
        let path = AppPath::new(path);
        if self.is_mounted(&path) || self.contents.keeps_out(&path) {
            return;
        }
        let core = self.source_of(Owner::Core);
        let parent = path.parent().unwrap_or_else(AppPath::root);
        let real = self.dir(&parent).unwrap_or(parent).child(path.name());
        let place = self.contents.place(&real);
        place.source = Some(core);
        place.made = Some(Made {
            bytes,
            mode,
            uid,
            gid,
        });
    }
}

/// Whether a line gives a variable what sounds like a password.
fn sets_secret(line: &[u8]) -> bool {
    let found = knowledge::secrets_in(knowledge::Manner::Shell, line);
    !found.hits.is_empty() || found.is_cut
}
