//! The modules that logins go through: a service's own file of pam.d(5), and what it includes.

use std::collections::BTreeSet;

use super::{Asked, Member, Sight, strings};
use crate::fact::{Certainty, Kind, Locus, ModuleKind, Priority};
use crate::parse::pam::{self, Rule};
use crate::path::AppPath;

/// Where the services' files lie; the first that has one decides (pam.conf(5)).
const DIRS: [&str; 2] = ["/etc/pam.d", "/usr/lib/pam.d"];

/// How deep files include each other; libpam allows 32.
const DEPTH: usize = 32;

/// The most lines that are followed.
const RULES: usize = 2000;

/// The modules of each service by whose name a member calls libpam.
pub(super) fn asked(
    sight: &Sight<'_, '_>,
    members: &[Member<'_>],
    own: &dyn Fn(&AppPath) -> bool,
) -> Vec<Asked> {
    let Some(libpam) = members
        .iter()
        .find(|member| member.name.starts_with(b"libpam.so."))
    else {
        return Vec::new();
    };
    let mut services = BTreeSet::new();
    for member in members {
        if member.calls.pam && (own(member.real) || member.name.is_empty()) {
            services.extend(services_of(sight, member));
        }
    }
    let mut search = Search {
        sight,
        by: libpam.path,
        dirs: module_dirs(sight, libpam),
        seen: BTreeSet::new(),
        found: Vec::new(),
    };
    for service in services {
        search.file(&service, DEPTH);
    }
    search.found
}

/// The services whose names stand as strings in a program, or that are called as it is.
fn services_of(sight: &Sight<'_, '_>, member: &Member<'_>) -> Vec<String> {
    let content = strings(sight.root, member.real);
    let mut found = Vec::new();
    for dir in DIRS {
        for (name, stat) in sight.root.list(dir).unwrap_or_default() {
            // What others include is no service, but has a name like one.
            let is_own = name == member.real.name();
            let is_file = matches!(stat.kind, Kind::File | Kind::Link);
            let quoted = [b"\0", name.as_slice(), b"\0"].concat();
            if is_file
                && name != b"other"
                && (is_own || memchr::memmem::find(&content, &quoted).is_some())
                && let Ok(name) = String::from_utf8(name)
            {
                found.push(name);
            }
        }
    }
    found
}

/// The directories that libpam was built with, which stand as strings in it, and `security` beside
/// it; with a slash at the end.
fn module_dirs(sight: &Sight<'_, '_>, libpam: &Member<'_>) -> Vec<Vec<u8>> {
    let content = strings(sight.root, libpam.real);
    let is_dir = |text: &&[u8]| {
        text.starts_with(b"/") && text.ends_with(b"/security/") && !text.contains(&b'%')
    };
    let built_in = content.split(|&b| b == 0).filter(is_dir);
    let mut dirs: Vec<Vec<u8>> = built_in.map(<[u8]>::to_vec).collect();
    let beside = libpam.real.parent().unwrap_or_else(AppPath::root);
    let beside = beside.join(b"security");
    dirs.push([beside.as_bytes(), b"/"].concat());
    dirs.dedup();
    dirs
}

struct Search<'a> {
    sight: &'a Sight<'a, 'a>,
    by: &'a [u8],
    dirs: Vec<Vec<u8>>,
    seen: BTreeSet<String>,
    found: Vec<Asked>,
}

impl Search<'_> {
    fn file(&mut self, name: &str, depth: usize) {
        if depth == 0 || !self.seen.insert(name.to_owned()) {
            return;
        }
        let path = |dir: &str| match name.starts_with('/') {
            true => name.to_owned(),
            false => format!("{dir}/{name}"),
        };
        let Some((path, text)) = DIRS
            .iter()
            .map(|dir| path(dir))
            .find_map(|path| Some((AppPath::new(&path), self.sight.text(&path)?)))
        else {
            return;
        };
        for (line, rule) in pam::read(&text) {
            match rule {
                Rule::Include(name) => self.file(&name, depth - 1),
                Rule::Module {
                    path: module,
                    quiet,
                    required,
                    ..
                } => {
                    let at = Locus::line(&path, line);
                    self.module(&module, at, quiet, required);
                }
            }
        }
    }

    fn module(&mut self, name: &str, at: Locus, quiet: bool, required: bool) {
        let files = if name.starts_with('/') {
            vec![name.as_bytes().to_vec()]
        } else {
            let dirs = self.dirs.iter();
            dirs.map(|dir| [dir, name.as_bytes()].concat()).collect()
        };
        let priority = match (quiet, required) {
            (true, _) => Priority::Suggested,
            (false, true) => Priority::Required,
            (false, false) => Priority::Recommended,
        };
        if let Some(known) = self.found.iter_mut().find(|known| known.names == files) {
            known.priority = known.priority.min(priority);
            return;
        }
        if self.found.len() >= RULES {
            return;
        }
        self.found.push(Asked {
            kind: ModuleKind::Pam,
            by: self.by.to_vec(),
            names: files,
            at,
            priority,
            certainty: Certainty::Declared,
            built_in: false,
        });
    }
}
