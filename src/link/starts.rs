//! What is started here: the scripts by which a system starts services, each followed as the system
//! calls it.
//!
//! Every other reader takes a script as text that anybody may call in any way. Here is known who
//! calls it, with which argument, as which user, and on which system; so of each start the arguments,
//! the user, the directory and the environment are those of the process.

use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;

use super::instances;
use super::live::UNIT_DIRS;
use crate::extract::shell::{self, Caller, INIT_DIRS, is_local};
use crate::extract::{HEAD, Input, Out, TEXT_LIMIT, start_ports, withhold};
use crate::fact::{Certainty, Fact, Kind, Locus, RUN_BY, StartKind, What};
use crate::knowledge::{self, places};
use crate::parse::accounts::Accounts;
use crate::parse::budget::CRONTAB;
use crate::parse::crontab::{self, Form};
use crate::parse::env_file;
use crate::parse::op::Way;
use crate::parse::shell::{Call, Started, World, call};
use crate::parse::unit::{Unit, commands, substitute};
use crate::path::AppPath;
use crate::tree::{LookupError, Root};

/// How much of a file that is sourced is read; such files hold assignments.
const SOURCED_LIMIT: usize = 1 << 20;

/// The search path that a system gives to its services (environ(7), init(8)).
const SEARCH_PATH: &[u8] = b"/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// How many scripts deep one that starts another is followed.
const MAX_SCRIPTS: usize = 4;

/// Where runit, daemontools and s6 look for directories of services (runsvdir(8), svscan(8)).
const SERVICE_DIRS: [&str; 6] = [
    "/etc/service",
    "/service",
    "/var/service",
    "/etc/runit/runsvdir/default",
    "/etc/runit/runsvdir/current",
    "/run/service",
];

/// Where inittab(5) lies.
pub(super) const INITTAB: &str = "/etc/inittab";

/// How a script is called that starts services.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Starter {
    /// An init script, with the action to take; it is called after the file.
    Action,
    /// A script of the administrator's own, without an argument.
    Local,
    /// The program of a supervised service, which is called after its directory.
    Supervised,
    /// The table of the first process (inittab(5)).
    Inittab,
    /// A table of jobs.
    Table(Form),
}

/// The form of a starter, from its path.
fn form(path: &AppPath) -> Option<Starter> {
    if is_local(path) {
        return Some(Starter::Local);
    }
    if path.as_bytes() == INITTAB.as_bytes() {
        return Some(Starter::Inittab);
    }
    let parent = path.parent()?;
    if INIT_DIRS.iter().any(|dir| parent == AppPath::new(dir)) {
        return Some(Starter::Action);
    }
    if path.name() == b"run" && parent.name() != b"log" {
        let above = parent.parent()?;
        const NAMES: [&[u8]; 7] = [
            b"sv",
            b"service",
            b"services",
            b"supervise",
            b"svc",
            b"svscan",
            b"default",
        ];
        return NAMES.contains(&above.name()).then_some(Starter::Supervised);
    }
    crate::extract::cron::form_of(path).map(Starter::Table)
}

/// A system as scripts see it.
struct System<'a> {
    root: &'a Root,
    accounts: &'a Accounts,
}

impl World for System<'_> {
    fn text(&self, path: &[u8]) -> Option<Vec<u8>> {
        let node = self.root.resolve(path).ok()?;
        let is_file = node.stat.kind == Kind::File;
        is_file.then(|| self.root.read(path, SOURCED_LIMIT).ok())?
    }

    fn holds(&self, test: u8, path: &[u8]) -> Option<bool> {
        if test == b'L' || test == b'h' {
            let node = self.root.lookup(path).ok()?;
            return Some(node.stat.kind == Kind::Link);
        }
        // What a running system makes is not on the disk of one that is off.
        let is_made = |dir: &&str| path.starts_with(dir.as_bytes());
        if [
            "/run/",
            "/var/run/",
            "/tmp/",
            "/proc/",
            "/sys/",
            "/dev/",
            "/var/lock/",
        ]
        .iter()
        .any(is_made)
        {
            return None;
        }
        let stat = match self.root.resolve(path) {
            Ok(node) => node.stat,
            Err(LookupError::Absent) => return Some(false),
            Err(_) => return None,
        };
        match test {
            b'e' | b'a' | b'r' | b'w' => Some(true),
            b'f' => Some(stat.kind == Kind::File),
            b'd' => Some(stat.kind == Kind::Dir),
            b's' => Some(stat.kind != Kind::File || stat.size > 0),
            b'x' => Some(stat.kind == Kind::Dir || stat.mode & 0o111 != 0),
            _ => None,
        }
    }

    fn matches(&self, pattern: &[u8]) -> Vec<Vec<u8>> {
        let found = super::reach::expand(self.root, &AppPath::new(pattern), false);
        found
            .into_iter()
            .map(|path| path.as_bytes().to_vec())
            .collect()
    }

    fn home(&self, user: &[u8]) -> Option<Vec<u8>> {
        let user = std::str::from_utf8(user).ok()?;
        let account = self.accounts.by_name(user)?;
        Some(account.home.as_bytes().to_vec())
    }
}

impl System<'_> {
    /// The program that a name without a directory leads to.
    fn find(&self, name: &[u8], paths: Option<&[u8]>) -> Option<AppPath> {
        let dirs = paths.unwrap_or_default().split(|byte| *byte == b':');
        let dirs = dirs.chain(SEARCH_PATH.split(|byte| *byte == b':'));
        let mut dirs = dirs.filter(|dir| dir.starts_with(b"/") && !dir.contains(&b'*'));
        dirs.find_map(|dir| {
            let path = AppPath::new(dir).join(name);
            let node = self.root.resolve(path.as_bytes()).ok()?;
            let is_program = node.stat.kind == Kind::File && node.stat.mode & 0o111 != 0;
            is_program.then_some(path)
        })
    }

    /// What a script starts when it is called; nothing when it is no shell script.
    fn script(&self, file: &AppPath, starter: &Starter) -> Option<Vec<Fact>> {
        let node = self.root.resolve(file.as_bytes()).ok()?;
        let text = self.root.read(file.as_bytes(), TEXT_LIMIT).ok()?;
        let input = Input::new(file, &node.stat, &text[..text.len().min(HEAD)], &text);
        if node.stat.kind != Kind::File || !shell::is_script(&input) || shell::is_framed(&input) {
            return None;
        }
        let name = |path: &AppPath| String::from_utf8_lossy(path.name()).into_owned();
        let (how, name, args) = match starter {
            Starter::Action => (StartKind::Init, name(file), vec![b"start".to_vec()]),
            Starter::Local => (StartKind::Init, format!("{} ", name(file)), Vec::new()),
            _ => (StartKind::Supervisor, name(&file.parent()?), Vec::new()),
        };
        let dir = match starter {
            Starter::Supervised => file.parent(),
            _ => Some(AppPath::root()),
        };
        let called = call(&Call {
            text: &text,
            script: Some(file.as_bytes()),
            args: &args,
            user: b"root",
            dir: dir.as_ref().map(AppPath::as_bytes),
            vars: &BTreeMap::new(),
            world: self,
        });
        let mut out = Out::default();
        let caller = Caller {
            file,
            line: None,
            how,
            name: &name,
            find: &|name, paths| self.find(name, paths),
        };
        shell::called(&called, &caller, &mut out);
        self.judge(&mut out.facts);
        Some(out.facts)
    }

    /// Looks into the scripts among what is started: one that ends while its programs go on leaves,
    /// however it is started.
    fn judge(&self, facts: &mut [Fact]) {
        for fact in facts {
            if let What::Starts {
                program,
                args,
                how: StartKind::Init,
                forks,
                given,
                ..
            } = &mut fact.what
                && *forks != Some(true)
            {
                let dir = given.as_ref().and_then(|given| given.directory.as_ref());
                *forks = self.leaves(program, args, dir, MAX_SCRIPTS).or(*forks);
            }
        }
    }

    /// Whether a script ends before what it has started; nothing where that does not show.
    fn leaves(
        &self,
        program: &AppPath,
        args: &[String],
        dir: Option<&AppPath>,
        depth: usize,
    ) -> Option<bool> {
        const SHELLS: [&[u8]; 5] = [b"sh", b"bash", b"dash", b"ksh", b"ash"];
        let depth = depth.checked_sub(1)?;
        if SHELLS.contains(&program.name()) {
            let at = args.iter().position(|word| !word.starts_with('-'))?;
            let script =
                AppPath::absolute(&args[at]).or_else(|| dir.map(|dir| dir.join(&args[at])))?;
            return self.leaves(&script, args.get(at + 1..)?, dir, depth);
        }
        if places::is_interpreter(program.name()) {
            return None;
        }
        let node = self.root.resolve(program.as_bytes()).ok()?;
        let text = self.root.read(program.as_bytes(), SOURCED_LIMIT).ok()?;
        let input = Input::new(program, &node.stat, &text[..text.len().min(HEAD)], &text);
        if node.stat.kind != Kind::File || !shell::is_script(&input) {
            return None;
        }
        let args: Vec<Vec<u8>> = args.iter().map(|arg| arg.as_bytes().to_vec()).collect();
        let called = call(&Call {
            text: &text,
            script: Some(program.as_bytes()),
            args: &args,
            user: b"root",
            dir: dir.map(AppPath::as_bytes),
            vars: &BTreeMap::new(),
            world: self,
        });
        if called.waits {
            return Some(false);
        }
        let Some(front) = called.front.and_then(|front| called.started.get(front)) else {
            let stays_on = |started: &Started| started.run.way == Way::Background;
            return called.started.iter().any(stays_on).then_some(true);
        };
        let words: Vec<String> = front
            .run
            .argv
            .iter()
            .map(|word| String::from_utf8_lossy(word).into_owned())
            .collect();
        let (program, args) = words.split_first()?;
        let name = program.rsplit('/').next().unwrap_or(program);
        if places::is_interpreter(name.as_bytes()) && !SHELLS.contains(&name.as_bytes()) {
            return Some(false);
        }
        let dir = front.run.dir.as_deref().and_then(AppPath::absolute);
        self.leaves(&AppPath::absolute(program)?, args, dir.as_ref(), depth)
    }

    /// What the first process starts: `id:runlevels:action:process`.
    fn inittab(&self, file: &AppPath) -> Option<Vec<Fact>> {
        let text = self.root.read(file.as_bytes(), SOURCED_LIMIT).ok()?;
        let mut out = Out::default();
        for (line, number) in text.split(|byte| *byte == b'\n').zip(1..) {
            let line = line.trim_ascii();
            let fields: Vec<&[u8]> = line.splitn(4, |byte| *byte == b':').collect();
            let [_, _, action, process] = fields.as_slice() else {
                continue;
            };
            let stays = matches!(*action, b"respawn" | b"ondemand" | b"askfirst");
            let leaves = matches!(*action, b"once" | b"wait" | b"boot" | b"bootwait");
            if line.starts_with(b"#") || !(stays || leaves) {
                continue;
            }
            let called = call(&Call {
                text: process.strip_prefix(b"+").unwrap_or(process),
                script: None,
                args: &[],
                user: b"root",
                dir: Some(b"/"),
                vars: &BTreeMap::new(),
                world: self,
            });
            let caller = Caller {
                file,
                line: Some(number),
                how: StartKind::Init,
                name: "inittab ",
                find: &|name, paths| self.find(name, paths),
            };
            let before = out.facts.len();
            shell::called(&called, &caller, &mut out);
            self.judge(&mut out.facts[before..]);
            for fact in &mut out.facts[before..] {
                if let What::Starts { forks, .. } = &mut fact.what {
                    *forks = forks.map(|forks| forks && !stays);
                }
            }
        }
        Some(out.facts)
    }

    /// What the jobs of a table start.
    fn table(&self, file: &AppPath, form: Form) -> Option<Vec<Fact>> {
        let text = self.root.read(file.as_bytes(), SOURCED_LIMIT).ok()?;
        let mut table = crontab::parse(&text, form);
        // The reader of the table tells what is beyond it.
        table
            .jobs
            .truncate(usize::try_from(CRONTAB.steps).unwrap_or(usize::MAX));
        let name = crate::extract::cron::name_of(file);
        let vars: BTreeMap<String, Vec<u8>> = table
            .env
            .iter()
            .map(|variable| (variable.name.clone(), variable.value.clone()))
            .filter(|(name, _)| name != "MAILTO")
            .collect();
        let mut out = Out::default();
        for job in &table.jobs {
            let of_file = String::from_utf8_lossy(file.name()).into_owned();
            let user = match form {
                Form::System => job.user.clone().unwrap_or_default(),
                Form::Anacron => "root".to_owned(),
                Form::User => of_file,
            };
            let home = self.home(user.as_bytes());
            // What is started once with the system is no job that comes and goes.
            let is_service = job.schedule == "@reboot";
            let how = if is_service {
                StartKind::Init
            } else {
                StartKind::Cron
            };
            let called = call(&Call {
                text: &job.command,
                script: None,
                args: &[],
                user: user.as_bytes(),
                dir: home.as_deref(),
                vars: &vars,
                world: self,
            });
            let caller = Caller {
                file,
                line: Some(job.line),
                how,
                name: &name,
                find: &|name, paths| self.find(name, paths),
            };
            let before = out.facts.len();
            shell::called(&called, &caller, &mut out);
            for fact in &mut out.facts[before..] {
                if let What::Starts { given, forks, .. } = &mut fact.what {
                    // cron waits for nothing: what it starts may stay in front or not.
                    *forks = forks.filter(|forks| is_service && !forks);
                    let mut own = given.take().map(|given| *given).unwrap_or_default();
                    own.user.get_or_insert_with(|| user.clone());
                    own.env.retain(|(name, _)| !vars.contains_key(name));
                    *given = own.told();
                }
            }
            self.judge(&mut out.facts[before..]);
        }
        Some(out.facts)
    }
}

/// Starters of the system that no walk of its directories comes to: what is linked into them.
pub(super) fn linked(root: &Root) -> Vec<AppPath> {
    let list = |dir: &AppPath| root.list(dir.as_bytes()).unwrap_or_default();
    let is_link = |stat: &crate::fact::Stat| stat.kind == Kind::Link;
    let mut found = Vec::new();
    for dir in INIT_DIRS.iter().map(AppPath::new) {
        let links = list(&dir).into_iter().filter(|(_, stat)| is_link(stat));
        found.extend(links.map(|(name, _)| dir.join(&name)));
    }
    for dir in SERVICE_DIRS.iter().map(AppPath::new) {
        let services = list(&dir).into_iter();
        found.extend(services.map(|(name, _)| dir.join(&name).child(b"run")));
    }
    let is_file = |path: &AppPath| {
        let node = root.resolve(path.as_bytes());
        node.is_ok_and(|node| node.stat.kind == Kind::File)
    };
    found.retain(is_file);
    found
}

/// Whether systemd starts something else in the place of an init script: a unit of its name
/// (systemd-sysv-generator(8)).
pub(super) fn is_replaced(root: &Root, file: &AppPath) -> bool {
    let unit = [file.name(), b".service"].concat();
    let files = UNIT_DIRS.iter().map(|dir| AppPath::new(dir).join(&unit));
    let Some(text) = files
        .filter(|file| root.resolve(file.as_bytes()).is_ok())
        .find_map(|file| root.read(file.as_bytes(), SOURCED_LIMIT).ok())
    else {
        return false;
    };
    // One that starts nothing itself only holds others together, and does not say how they start.
    let unit = Unit::parse(&text);
    let values = unit.list("Service", "ExecStart");
    let all = values.iter().flat_map(|value| commands(&value.value));
    let names: Vec<Vec<u8>> = all
        .map(|command| AppPath::new(&command.program).name().to_vec())
        .collect();
    let holds = !names.is_empty() && names.iter().all(|name| name == b"true");
    !holds || instances::has_any(root, file.name())
}

/// Puts variables into the commands of units, as systemd does (systemd.service(5), "Command lines"):
/// those of the files that the unit names. One that nothing sets is empty, once all is read.
pub(super) fn resolve(root: &Root, facts: &mut [Fact]) {
    let mut files: BTreeMap<AppPath, BTreeSet<AppPath>> = BTreeMap::new();
    for fact in facts.iter() {
        if let What::Path { path, by, .. } = &fact.what
            && by.starts_with("EnvironmentFile")
        {
            let named = files.entry(fact.at.file.clone()).or_default();
            named.insert(path.clone());
        }
    }
    let none = BTreeSet::new();
    for fact in facts {
        let What::Starts {
            args,
            how: StartKind::Unit,
            ..
        } = &mut fact.what
        else {
            continue;
        };
        if !args
            .iter()
            .any(|arg| arg.contains('$') && !arg.contains(char::is_whitespace))
        {
            continue;
        }
        let mut known = BTreeMap::new();
        let mut is_whole = true;
        for file in files.get(&fact.at.file).unwrap_or(&none) {
            match root.read(file.as_bytes(), SOURCED_LIMIT) {
                Ok(text) => known.extend(
                    env_file::parse(&text)
                        .0
                        .into_iter()
                        .map(|assignment| (assignment.name, assignment.value)),
                ),
                Err(LookupError::Absent) => {}
                Err(_) => is_whole = false,
            }
        }
        let lookup = |name: &str| match known.get(name) {
            Some(value) if withhold::must_withhold(name, value) => None,
            Some(value) => Some(value.clone()),
            // What the manager itself sets is not in a file (systemd.exec(5)).
            None if MANAGED.contains(&name) => None,
            None => is_whole.then(Vec::new),
        };
        let words = std::mem::take(args);
        for word in words {
            // A script for a shell has variables of its own.
            if word.contains(char::is_whitespace) {
                args.push(word);
                continue;
            }
            let found = substitute(word.as_bytes(), &lookup);
            args.extend(found.iter().map(|word| withhold::word(word)));
        }
    }
}

/// Which starts have a script of the shell as their program.
pub(super) fn scripts(root: &Root, facts: &[Fact]) -> Vec<Fact> {
    let is_script = |program: &AppPath| {
        let node = root.resolve(program.as_bytes()).ok()?;
        let head = root.read(program.as_bytes(), HEAD).ok()?;
        let input = Input::new(program, &node.stat, &head, &head);
        Some(input.interpreter().is_some() && shell::is_script(&input))
    };
    let mut found = Vec::new();
    for fact in facts {
        if let What::Starts { program, how, .. } = &fact.what
            && matches!(
                how,
                StartKind::Unit | StartKind::Init | StartKind::Supervisor
            )
            && !places::is_interpreter(program.name())
            && !knowledge::starts::is_helper(program.name())
            && is_script(program) == Some(true)
        {
            found.push(Fact {
                at: fact.at.clone(),
                what: What::Directive {
                    key: RUN_BY.to_owned(),
                    value: "shell".to_owned(),
                },
                certainty: Certainty::Observed,
            });
        }
    }
    found
}

/// What services listen on by the arguments of their starts; and where nothing at all names a port, by what
/// their manuals say of their own default.
pub(super) fn listening(facts: &[Fact]) -> Vec<Fact> {
    let listens = |at: &Locus, transport: &str, port, address: String, protocol| Fact {
        at: at.clone(),
        what: What::Listens {
            transport: transport.to_owned(),
            port,
            address,
            protocol,
        },
        certainty: Certainty::Inferred,
    };
    let is_service = |fact: &&Fact| {
        matches!(&fact.what, What::Starts { how, name, .. }
            if !name.contains(" Exec")
                && matches!(how, StartKind::Unit | StartKind::Init | StartKind::Supervisor))
    };
    let services: Vec<&Fact> = facts.iter().filter(is_service).collect();
    let mut found = Vec::new();
    for fact in &services {
        if let What::Starts { args, .. } = &fact.what {
            let ports = start_ports::ports(args).into_iter();
            found.extend(
                ports.map(|one| {
                    listens(&fact.at, one.transport, one.port, one.address, one.protocol)
                }),
            );
        }
    }
    // A firewall's profile says what may be opened, and not what is listened on.
    let is_profile = |file: &AppPath| {
        let mut parts = file.components();
        parts.any(|part| part == b"ufw" || part == b"firewalld")
    };
    let is_port = |fact: &Fact| {
        matches!(&fact.what, What::Listens { port: Some(_), .. })
            && fact.certainty > Certainty::Guessed
            && !is_profile(&fact.at.file)
    };
    if facts.iter().chain(&found).any(is_port) {
        return found;
    }
    for fact in services {
        let What::Starts { program, args, .. } = &fact.what else {
            continue;
        };
        let is_run = places::is_interpreter(program.name());
        let script = args.iter().find(|arg| !arg.starts_with('-'));
        let script = script.filter(|_| is_run).map(AppPath::new);
        let program = script.as_ref().unwrap_or(program);
        let name = String::from_utf8_lossy(program.name()).into_owned();
        let ports = knowledge::default_ports(&name).iter();
        found.extend(ports.map(|(transport, port)| {
            let protocol = knowledge::protocol(transport, *port).map(str::to_owned);
            listens(&fact.at, transport, Some(*port), String::new(), protocol)
        }));
    }
    found
}

/// Variables that systemd sets for the processes of a service.
const MANAGED: [&str; 14] = [
    "MAINPID",
    "NOTIFY_SOCKET",
    "LISTEN_FDS",
    "LISTEN_PID",
    "RUNTIME_DIRECTORY",
    "STATE_DIRECTORY",
    "CACHE_DIRECTORY",
    "LOGS_DIRECTORY",
    "CONFIGURATION_DIRECTORY",
    "CREDENTIALS_DIRECTORY",
    "HOME",
    "USER",
    "INVOCATION_ID",
    "SHELL",
];

/// What the starters among `files` start, by file: nothing, where a call comes to no start. One that is
/// not followed is not there.
pub(super) fn called(
    root: &Root,
    accounts: &Accounts,
    files: &[&AppPath],
) -> BTreeMap<AppPath, Vec<Fact>> {
    let system = System { root, accounts };
    let follow = |file: &&AppPath| {
        let starter = form(file)?;
        let facts = match &starter {
            Starter::Table(form) => system.table(file, *form),
            Starter::Inittab => system.inittab(file),
            Starter::Action if is_replaced(root, file) => None,
            _ => system.script(file, &starter),
        };
        let facts = facts?;
        Some(((*file).clone(), facts))
    };
    files.par_iter().filter_map(follow).collect()
}

/// Whether a word was not resolved by whoever read it.
fn is_open(word: &str) -> bool {
    word.contains('*')
}

/// Whether a start was not resolved: one that its script comes to in no call that is known.
fn is_guess(what: &What) -> bool {
    match what {
        What::Starts { program, args, .. } => {
            program.is_pattern() || args.iter().any(|arg| is_open(arg))
        }
        _ => false,
    }
}

/// Puts what starters start in the place of what is read of their text by itself.
pub(super) fn settle(facts: &mut Vec<Fact>, called: &BTreeMap<AppPath, Vec<Fact>>) {
    // Of a table, lines that are followed to nothing are known by their text alone.
    let lines: BTreeSet<(&AppPath, Option<u32>)> = called
        .iter()
        .flat_map(|(file, facts)| facts.iter().map(move |fact| (file, fact.at.line)))
        .collect();
    facts.retain(|fact| {
        let file = &fact.at.file;
        let is_start = matches!(
            fact.what,
            What::Starts { .. } | What::RunsAs { .. } | What::Env { .. }
        );
        let is_table = matches!(form(file), Some(Starter::Table(_) | Starter::Inittab));
        let is_settled = match is_table {
            true => {
                lines.contains(&(file, fact.at.line)) && matches!(fact.what, What::Starts { .. })
            }
            false => match called.get(file) {
                Some(found) if found.is_empty() => is_guess(&fact.what),
                found => found.is_some() && is_start,
            },
        };
        !is_settled
    });
    facts.extend(called.values().flatten().cloned());
}
