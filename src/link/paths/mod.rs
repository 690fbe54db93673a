//! What every path in reach is for: class, access and certainty, from all that was seen of it.
//!
//! Declared beats observed beats inferred beats guessed. The hierarchy standard gives the class
//! where it speaks of a place; elsewhere the source's own word does, and last the name.

mod customs;
mod inventory;
mod keys;
mod logins;
mod measure;
mod named;
mod parts;
mod place;
mod relative;
mod scratch;
mod settings;
mod upkeep;
mod weight;
mod witness;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

pub(super) use self::customs::LOG_SOCKET;
use self::inventory::Inventory;
pub(super) use self::place::RealPaths;
use self::place::Surroundings;
use self::weight::Weight;
use super::host::Host;
use super::live::{Voice, Voices};
use super::scope::Scope;
use crate::fact::{Access, Certainty, Class, Fact, Kind, What};
use crate::knowledge::{self, places};
use crate::parse::op::Deed;
use crate::parse::shell;
use crate::path::AppPath;
use crate::report::PathEntry;
use crate::tree::{Entries, Root};

/// Directories whose content a new system starts without (FHS 3.0, 3.15, 3.18 and 5.15).
const VOLATILE: [&str; 4] = ["/run", "/tmp", "/var/tmp", "/dev/shm"];

/// The most bytes of a file that holds a process's number (proc(5): `pid_max` has seven digits).
const NUMBER: u64 = 16;

/// How many facts stand under one path.
const BECAUSE: usize = 8;

/// What is known while paths are judged.
pub(super) struct Ground<'a> {
    pub(super) root: &'a Root,
    pub(super) host: &'a Host,
    pub(super) scope: &'a Scope,
    inventory: Inventory<'a>,
    pub(super) voices: Voices,
    /// Whether a program of the application is linked with PAM.
    asks_pam: bool,
    /// Programs that something live starts, links followed.
    started: BTreeSet<AppPath>,
}

/// What is seen of the paths before it is known which libraries are loaded.
pub(super) struct Looked<'a> {
    ground: Ground<'a>,
    real: RealPaths,
    facts: &'a [Fact],
    /// What was concluded from the tree and from several facts at once.
    concluded: Vec<Fact>,
}

/// Looks at every path that `facts` name, and at what the tree itself shows.
pub(super) fn look<'a>(
    root: &'a Root,
    host: &'a Host,
    scope: &'a Scope,
    voices: Voices,
    entries: &'a Entries,
    facts: &'a [Fact],
) -> Looked<'a> {
    let programs: BTreeSet<&AppPath> = facts
        .iter()
        .filter(|fact| matches!(fact.what, What::Program { .. }))
        .map(|fact| &fact.at.file)
        .collect();
    let parts = parts::of_scripts(root, scope, &voices, facts);
    let is_code = |path: &AppPath| programs.contains(path) || parts.contains(path);
    let inventory = Inventory::new(entries, is_code);
    let started = facts
        .iter()
        .filter(|fact| voices.of(fact) == Voice::Live)
        .flat_map(|fact| match &fact.what {
            What::Starts { program, args, .. } => begun(program, args),
            _ => Vec::new(),
        })
        .filter_map(|program| root.resolve(program.as_bytes()).ok())
        .map(|node| node.real)
        .collect();
    let ground = Ground {
        started,
        voices,
        asks_pam: false,
        root,
        host,
        scope,
        inventory,
    };
    let mut concluded = witness::facts(&ground, facts);
    concluded.extend(relative::facts(&ground, facts));
    concluded.extend(customs::facts(&ground, facts));
    concluded.extend(scratch::facts(&ground, facts));
    concluded.extend(keys::facts(&ground, facts));
    let mut real = RealPaths::default();
    for fact in facts.iter().chain(&concluded) {
        if let What::Path { path, .. } = &fact.what {
            real.get(root, path);
        }
    }
    Looked {
        ground,
        real,
        facts,
        concluded,
    }
}

impl Looked<'_> {
    /// Judges every path, now that the libraries are known of which `loaded` tells.
    pub(super) fn judge(mut self, loaded: &[Fact]) -> Vec<PathEntry> {
        self.ground.asks_pam = loaded.iter().any(
            |fact| matches!(&fact.what, What::Library { name, .. } if name.starts_with("libpam.so")),
        );
        let logins = logins::facts(&self.ground, loaded);
        let mut named: BTreeMap<AppPath, Vec<&Fact>> = BTreeMap::new();
        for fact in self.facts.iter().chain(&self.concluded).chain(&logins) {
            if let What::Path { path, .. } = &fact.what {
                let real = self.real.get(self.ground.root, path);
                named.entry(real).or_default().push(fact);
            }
        }
        let surroundings = Surroundings {
            root: self.ground.root,
            scope: self.ground.scope,
            inventory: &self.ground.inventory,
            named: named.keys().collect(),
            listed: RefCell::default(),
        };
        let judged: Vec<PathEntry> = named
            .iter()
            .filter_map(|(path, facts)| self.ground.judge(path, facts, &surroundings))
            .collect();
        measure::mounts(&self.ground, judged)
    }
}

/// What bears the name of the host: see [`named::facts`].
pub(super) fn named_after_host(
    root: &Root,
    host: &Host,
    facts: &[Fact],
    paths: &[PathEntry],
) -> Vec<Fact> {
    match &host.name {
        Some(name) => named::facts(root, name, facts, paths),
        None => Vec::new(),
    }
}

/// The program that a command line starts, and those that a shell starts for it (`sh -c`).
fn begun(program: &AppPath, args: &[String]) -> Vec<AppPath> {
    let mut found = vec![program.clone()];
    let shell = [&b"sh"[..], b"bash", b"dash"].contains(&program.name());
    if shell
        && let [option, line, ..] = args
        && option == "-c"
    {
        let script = shell::read(line.as_bytes(), &shell::Context::default());
        found.extend(script.ops.iter().filter_map(|op| match &op.deed {
            Deed::Run(run) => run.argv.first().and_then(AppPath::absolute),
            _ => None,
        }));
    }
    found
}

impl Ground<'_> {
    fn judge(
        &self,
        path: &AppPath,
        facts: &[&Fact],
        surroundings: &Surroundings<'_>,
    ) -> Option<PathEntry> {
        let system = places::is_system_file(path) && path.as_bytes() != customs::LOG_SOCKET;
        if path.is_root() || system || knowledge::is_shared_dir(path) {
            return None;
        }
        // What leads to the code is code.
        if self
            .scope
            .prefixes
            .iter()
            .any(|prefix| prefix.is_within(path))
        {
            return None;
        }
        // Nothing lies below a file: a piece of text that was taken for a name.
        let is_below_file =
            (1..path.depth()).any(|depth| self.inventory.is_file(&path.prefix(depth)));
        if is_below_file {
            return None;
        }
        let weight = self.weigh(path, facts);
        let in_prefix = self.scope.in_prefix(path).is_some();
        let prior = knowledge::prior(path);
        if places::is_code_place(path) && !in_prefix && weight.written < Some(Certainty::Observed) {
            return None;
        }
        // A path that begins nowhere is a part of something else: a URL, a name in a registry.
        if !knowledge::has_system_top(path)
            && !in_prefix
            && !weight.declared_place
            && self.root.resolve(path.prefix(1).as_bytes()).is_err()
        {
            return None;
        }
        let is_settings = |fact: &&Fact| settings::is_file(fact);
        let is_told = weight.holds_key || facts.iter().any(is_settings);
        if in_prefix && self.inventory.is_program(path) && !is_told {
            return None;
        }
        let class = self.class(path, &weight, in_prefix)?;
        let class = self.not_over_content(path, class, &weight);
        let access = self.access(path, class, &weight, prior.access, in_prefix);
        let certainty = match access {
            Access::Rw => weight.written.max(weight.used),
            Access::Ro => weight.used,
        }?;
        let kind = self
            .inventory
            .get(path)
            .and_then(|sum| sum.stat)
            .map(|stat| stat.kind);
        // What only examples and tests may touch among themselves is theirs.
        let is_shown = certainty == Certainty::Guessed
            && in_prefix
            && !weight.holds_key
            && (places::is_example(path) || places::is_recipe(path));
        let is_wanted = !is_shown && self.wants_mount(path, class, access, &weight, in_prefix);
        let mount = is_wanted
            .then(|| {
                surroundings.mount_of(&place::Wanted {
                    path,
                    kind: kind.or(weight.kind),
                    access,
                    generated: weight.generated,
                    replaced: weight.replaced,
                })
            })
            .flatten();
        let mut because: Vec<Fact> = facts.iter().map(|fact| (*fact).clone()).collect();
        because.sort_by(|a, b| b.certainty.cmp(&a.certainty).then_with(|| a.cmp(b)));
        because.dedup();
        let more = because.len().saturating_sub(BECAUSE) as u64;
        because.truncate(BECAUSE);
        Some(PathEntry {
            path: path.clone(),
            class,
            access,
            certainty,
            mount,
            on_disk: self.inventory.on_disk(path),
            because,
            more,
        })
    }

    fn class(&self, path: &AppPath, weight: &Weight, in_prefix: bool) -> Option<Class> {
        let hint = weight.class.map(|(_, class)| class);
        if weight.holds_key && weight.only_key {
            return Some(Class::Secret);
        }
        if in_prefix {
            // An empty directory that the service owns is no place of settings, whatever its name.
            let own = places::class_of_name(path.name()).filter(|own| {
                !(*own == Class::Config && weight.witnessed && hint == Some(Class::Data))
            });
            return own.or(hint).or_else(|| self.class_in_prefix(path, weight));
        }
        let prior = knowledge::prior(path);
        if hint == Some(Class::Secret) {
            return hint;
        }
        if prior.class == Class::Code || !prior.known {
            return hint.or(weight.written.map(|_| Class::Data));
        }
        Some(prior.class)
    }

    /// Scratch space covers nothing that is there: what a key calls a lock or a control file, and
    /// has content, is a file that is given to the program, or state.
    fn not_over_content(&self, path: &AppPath, class: Class, weight: &Weight) -> Class {
        let is_volatile = VOLATILE
            .iter()
            .any(|dir| path.is_within(&AppPath::new(dir)));
        let is_scratch_dir = matches!(
            places::class_of_name(path.name()),
            Some(Class::Runtime | Class::Temp)
        );
        if !matches!(class, Class::Runtime | Class::Temp) || is_volatile {
            return class;
        }
        let disk = self.inventory.on_disk(path);
        let has_content = disk.is_some_and(|disk| match disk.kind {
            // A process number takes less.
            Kind::File => disk.size_bytes > NUMBER,
            Kind::Dir => disk.files > 0 && !is_scratch_dir,
            _ => false,
        });
        match (has_content, weight.written) {
            (false, _) => class,
            (true, Some(_)) => Class::Data,
            (true, None) => Class::Config,
        }
    }

    /// What a mount is for as far as its place and name tell.
    fn class_of_mount(&self, point: &AppPath) -> Option<Class> {
        if self.scope.in_prefix(point).is_some() {
            return places::class_of_name(point.name());
        }
        let prior = knowledge::prior(point);
        (prior.known && prior.class != Class::Code).then_some(prior.class)
    }

    /// Inside an install prefix the names of the directories speak, the nearest first.
    fn class_in_prefix(&self, path: &AppPath, weight: &Weight) -> Option<Class> {
        let prefix = self.scope.in_prefix(path)?;
        let named = (prefix.depth() + 1..=path.depth())
            .rev()
            .find_map(|depth| places::class_of_name(path.prefix(depth).name()));
        let prior = knowledge::prior(path);
        let by_ending = (prior.known && prior.class != Class::Code).then_some(prior.class);
        let key = weight.holds_key.then_some(Class::Secret);
        let written = weight.written.map(|_| Class::Data);
        named.or(by_ending).or(written).or(key)
    }

    fn access(
        &self,
        path: &AppPath,
        class: Class,
        weight: &Weight,
        prior: Access,
        in_prefix: bool,
    ) -> Access {
        if weight.written.is_some() {
            return Access::Rw;
        }
        // What an argument names in the directory of all logs, and nobody writes, is another's.
        let is_anothers = class == Class::Log
            && !in_prefix
            && path.parent() == Some(AppPath::new("/var/log"))
            && weight.only_arguments
            && !self.scope.knows(path);
        match class {
            _ if is_anothers => Access::Ro,
            Class::Code | Class::Config | Class::Secret => Access::Ro,
            _ if weight.read_only && !in_prefix && !weight.only_guessed => Access::Ro,
            Class::Log | Class::Cache | Class::Runtime | Class::Temp => Access::Rw,
            Class::Data if in_prefix => Access::Rw,
            Class::Data if path.components().next() == Some(b"srv") => Access::Rw,
            Class::Data => prior,
        }
    }

    /// Whether the evidence is worth a mount.
    fn wants_mount(
        &self,
        path: &AppPath,
        class: Class,
        access: Access,
        weight: &Weight,
        in_prefix: bool,
    ) -> bool {
        if in_prefix && self.is_anything_among_code(path) {
            return false;
        }
        // What an interpreter compiled for itself it compiles again, and does without.
        if path.components().any(|part| part == b"__pycache__") {
            return false;
        }
        let there = self.root.resolve(path.as_bytes()).is_ok();
        // A program that reads what others leave for it names the very directory.
        let own_business = weight.sourced
            || (weight.named_by_own && !self.is_settings_drop(path))
            || self.scope.is_asked_at(path);
        if class == Class::Code || (places::is_integration(path) && !own_business) {
            return false;
        }
        let volatile = path.components().next() == Some(b"run");
        // The manifest starts the program itself, and no script that keeps count of it.
        if weight.only_starter && volatile {
            return false;
        }
        // An installation is over: what it made is there, or was removed again.
        if weight.only_installed && !there && !volatile {
            return false;
        }
        if self.is_login_policy(path) && !self.asks_pam {
            return false;
        }
        if (access == Access::Ro || weight.moved_away && !volatile) && !there {
            return false;
        }
        // What its settings name of others, and is not there, is for those who have these others.
        if weight.only_named && !in_prefix && !there && !self.scope.knows(path) {
            return false;
        }
        // Nobody makes directories for a file with a process's number: where two of them are missing, it was never
        // written on this host.
        let is_gone = |dir: &AppPath| self.root.resolve(dir.as_bytes()).is_err();
        let is_number = class == Class::Runtime && weight.kind == Some(Kind::File) && !volatile;
        let above = path.parent().filter(is_gone).and_then(|dir| dir.parent());
        if is_number && above.as_ref().is_some_and(is_gone) {
            return false;
        }
        // The manifests have the variables themselves, where they could be read.
        if weight.only_variables && self.root.read(path.as_bytes(), 1).is_ok() {
            return false;
        }
        // What is read by those alone who do not run is no settings of what does.
        if access == Access::Ro && weight.only_apart && !weight.holds_key {
            return false;
        }
        // `cups_log = /var/log/cups/page_log` of a program that is not called so: it looks into it.
        if class == Class::Log
            && weight.others_log
            && !in_prefix
            && !there
            && !self.scope.knows(path)
        {
            return false;
        }
        // The logs of others that it reads are the host's.
        if class == Class::Log && access == Access::Ro && !in_prefix && !self.scope.knows(path) {
            return false;
        }
        // What is only called by its name, is not there, and lies where nothing tells what it is, or in a tree of
        // others that is not there either.
        let prior = knowledge::prior(path);
        let is_state = matches!(
            path.components().next(),
            Some(b"etc" | b"run" | b"tmp" | b"var")
        );
        let is_lost = !is_state && path.parent().as_ref().is_some_and(is_gone);
        let is_known = prior.known && prior.class != Class::Code && !is_lost;
        let is_vague = !is_known && !weight.declared_place;
        if is_vague && weight.written.is_none() && !in_prefix && !there && !self.scope.knows(path) {
            return false;
        }
        let told = weight.written.is_some()
            || weight.witnessed
            || weight.is_servers
            || self.inventory.holds(path);
        if self.is_foreign(path) && !told {
            return false;
        }
        if weight.only_apart && !there {
            return false;
        }
        if in_prefix && !there && weight.written.is_none() && !weight.is_database {
            return false;
        }
        if !weight.only_guessed {
            return true;
        }
        if in_prefix {
            return there;
        }
        // A guess needs the application's own name in it, and more than what a program was built
        // with where nothing is yet: a default for an option that nobody gives.
        self.scope.knows(path) && (there || volatile && !weight.only_literals)
    }

    /// Whether a path is a name made up at run time in a directory of code: no mount is for it alone, and
    /// none is for the code.
    fn is_anything_among_code(&self, path: &AppPath) -> bool {
        let is_open = path.name().contains(&b'*') || path.name().iter().all(|byte| *byte == b'.');
        let dir = path.parent();
        is_open && !path.name().is_empty() && dir.is_some_and(|dir| self.inventory.holds_code(&dir))
    }

    /// Whether a path holds settings that a service manager hands over.
    fn is_settings_drop(&self, path: &AppPath) -> bool {
        ["/etc/default", "/etc/sysconfig"]
            .iter()
            .any(|dir| path.is_within(&AppPath::new(dir)))
    }

    /// Whether this is a service's file for PAM (pam.d(5)).
    fn is_login_policy(&self, path: &AppPath) -> bool {
        path.is_below(&AppPath::new("/etc/pam.d"))
    }

    /// Whether a package outside the scope owns the path.
    fn is_foreign(&self, path: &AppPath) -> bool {
        self.host
            .packages
            .owner(path)
            .is_some_and(|package| !self.scope.packages.contains(&package.name))
    }
}
