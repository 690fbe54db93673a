//! Where programs begin: the first file of each process that is started, and what the process is given.

mod loads;
mod pages;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use crate::extract::{HEAD, language_of, language_of_interpreter};
use crate::fact::{Fact, Kind, Locus, StartKind, What};
use crate::knowledge::places;
use crate::knowledge::starts::loads;
use crate::link::enabled;
use crate::link::follow::Reached;
use crate::link::follow::java::{self, JavaStart};
use crate::link::follow::settings::folded;
use crate::link::host::Host;
use crate::link::scope::Scope;
use crate::link::starts::System;
use crate::parse::env_file;
use crate::parse::op::Run;
use crate::parse::script::Language;
use crate::parse::shell::{Call, call};
use crate::path::AppPath;
use crate::tree::Root;

/// How many programs may start one another before the one that is followed.
const MAX_STEPS: usize = 8;

/// How much of a script, or of a file of variables, is read.
const LIMIT: usize = 1 << 20;

/// The largest program that a package tool writes to start a package, in bytes.
const SMALL: usize = 4 << 10;

/// Shells, whose scripts are followed by what they start.
const SHELLS: [&[u8]; 6] = [b"sh", b"bash", b"dash", b"ksh", b"ash", b"zsh"];

/// A program as it is started.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Entry {
    /// Its first files, as they lie.
    pub(super) files: Vec<AppPath>,
    /// The language of files that do not tell it by themselves.
    pub(super) language: Option<Language>,
    /// The working directory.
    pub(super) dir: Option<AppPath>,
    /// Whether each file is run in its own directory where no other is known.
    pub(super) beside: bool,
    /// The home directory of its user.
    pub(super) home: Option<AppPath>,
    /// Its environment, as far as it is known.
    pub(super) env: BTreeMap<String, Vec<u8>>,
    /// What options of its command give, by their names.
    pub(super) options: BTreeMap<String, Vec<u8>>,
    /// Directories in which it looks up names.
    pub(super) search: Vec<AppPath>,
    /// Packages of a language that are the application.
    pub(super) packages: BTreeSet<Vec<u8>>,
    /// Whether a server loads it, which listens for it.
    pub(super) served: bool,
}

/// What is started.
pub(super) struct Started {
    /// The programs that are read.
    pub(super) entries: Vec<Entry>,
    /// The programs of Java.
    pub(super) java: Vec<JavaStart>,
    /// The commands that came of them in the end.
    pub(super) commands: Vec<Reached>,
    /// Files that lines of manifests give to their programs.
    pub(super) kept: Vec<Fact>,
    /// Directories of the scope in which something is started that is not read.
    pub(super) unknown: BTreeSet<AppPath>,
}

/// A process that is started.
#[derive(Clone, Debug, Default)]
struct Command {
    /// What starts it.
    at: Option<Locus>,
    /// The line of a script that says so.
    said: Option<Locus>,
    argv: Vec<Vec<u8>>,
    dir: Option<AppPath>,
    user: Option<String>,
    env: BTreeMap<String, Vec<u8>>,
}

struct Finder<'a> {
    root: &'a Root,
    host: &'a Host,
    scope: &'a Scope,
    system: System<'a>,
    /// Files that a line of a manifest gives to its program.
    kept: RefCell<Vec<Fact>>,
    /// The programs of Java.
    java: RefCell<Vec<JavaStart>>,
    /// The commands that the starts come to.
    commands: RefCell<Vec<Reached>>,
}

/// The programs that `facts` say are started, and the pages of sites that are served.
pub(super) fn started(root: &Root, host: &Host, scope: &Scope, facts: &[Fact]) -> Started {
    let finder = Finder {
        root,
        host,
        scope,
        system: System {
            root,
            accounts: &host.accounts,
        },
        kept: RefCell::default(),
        java: RefCell::default(),
        commands: RefCell::default(),
    };
    let mut found = BTreeSet::new();
    let mut unknown = BTreeSet::new();
    let off = enabled::off(facts);
    let is_start = |fact: &&Fact| {
        let file = &fact.at.file;
        let is_own = !places::is_library_place(file) && !off.contains(file);
        matches!(&fact.what, What::Starts { how, .. } if *how != StartKind::Script) && is_own
    };
    let all: Vec<&Fact> = facts.iter().filter(is_start).collect();
    let is_sample = |fact: &Fact| places::is_tool(&fact.at.file);
    let are_samples = all.iter().all(|fact| is_sample(fact));
    for fact in all {
        if let What::Starts { program, args, .. } = &fact.what
            && (are_samples || !is_sample(fact))
        {
            let mut own = BTreeSet::new();
            let before = finder.java.borrow().len();
            finder.follow(finder.command(fact, facts), MAX_STEPS, &mut own);
            if own.is_empty() && finder.java.borrow().len() == before {
                let words = args.iter().filter_map(AppPath::absolute);
                let named = std::iter::once(program.clone()).chain(words);
                let real = named.filter_map(|path| finder.real(&path).or(Some(path)));
                unknown.extend(real.filter_map(|path| scope.in_prefix(&path).cloned()));
            }
            found.extend(own);
        }
    }
    finder.pages(&mut found);
    Started {
        entries: found.into_iter().collect(),
        java: BTreeSet::from_iter(finder.java.into_inner())
            .into_iter()
            .collect(),
        commands: finder.commands.into_inner(),
        kept: finder.kept.into_inner(),
        unknown,
    }
}

impl Finder<'_> {
    /// What a start gives its process, in its line or in the file that it is from.
    fn command(&self, fact: &Fact, facts: &[Fact]) -> Command {
        let What::Starts {
            program,
            args,
            given,
            ..
        } = &fact.what
        else {
            return Command::default();
        };
        let mut command = Command {
            at: Some(fact.at.clone()),
            ..Command::default()
        };
        command.argv.push(program.as_bytes().to_vec());
        command
            .argv
            .extend(args.iter().map(|arg| arg.as_bytes().to_vec()));
        for other in facts.iter().filter(|other| other.at.file == fact.at.file) {
            match &other.what {
                What::RunsAs { user, .. } => command.user = Some(user.clone()),
                What::Path { path, by, .. } if by == "WorkingDirectory" || by == "directory" => {
                    command.dir = Some(path.clone());
                }
                What::Path { path, by, .. } if by.starts_with("EnvironmentFile") => {
                    let text = self.root.read(path.as_bytes(), LIMIT).unwrap_or_default();
                    let set = env_file::parse(&text).0.into_iter();
                    command.env.extend(set.map(|set| (set.name, set.value)));
                }
                What::Env {
                    name,
                    value: Some(value),
                } => {
                    let value = value.as_bytes().to_vec();
                    command.env.entry(name.clone()).or_insert(value);
                }
                _ => {}
            }
        }
        if let Some(given) = given {
            command.user = given.user.clone().or(command.user);
            command.dir = given.directory.clone().or(command.dir);
            let told = given.env.iter();
            let told = told.filter_map(|(name, value)| Some((name.clone(), value.clone()?)));
            command
                .env
                .extend(told.map(|(name, value)| (name, value.into_bytes())));
        }
        command
    }

    fn home(&self, user: Option<&str>) -> Option<AppPath> {
        let account = self.host.accounts.by_name(user.unwrap_or("root"))?;
        Some(account.home.clone())
    }

    fn real(&self, path: &AppPath) -> Option<AppPath> {
        let node = self.root.resolve(path.as_bytes()).ok()?;
        (node.stat.kind == Kind::File).then_some(node.real)
    }

    /// A word of a command as a path.
    fn path(&self, word: &[u8], dir: Option<&AppPath>) -> Option<AppPath> {
        AppPath::absolute(word).or_else(|| dir.map(|dir| dir.join(word)))
    }

    /// Follows a command to the file of a program that is read.
    fn follow(&self, command: Command, steps: usize, found: &mut BTreeSet<Entry>) {
        let Some((program, args)) = command.argv.split_first() else {
            return;
        };
        let Some(steps) = steps.checked_sub(1) else {
            return;
        };
        let name = program
            .rsplit(|byte| *byte == b'/')
            .next()
            .unwrap_or(program);
        if let Some(language) = language_of_interpreter(name) {
            self.come_to(&command);
            self.interpreted(language, &command, found);
            return;
        }
        if java::is_launcher(name) {
            self.come_to(&command);
            let home = self.home(command.user.as_deref());
            let dir = command.dir.as_ref();
            let start = java::start(self.root, args, dir, &command.env, home);
            self.java.borrow_mut().extend(start);
            return;
        }
        if let Some(loads) = loads(name) {
            self.come_to(&command);
            self.loaded(loads, &command, steps, found);
            return;
        }
        if SHELLS.contains(&name)
            && let Some(at) = args.iter().position(|arg| !arg.starts_with(b"-"))
            && !args[..at].iter().any(|arg| arg.ends_with(b"c"))
        {
            self.script(&args[at], &args[at + 1..], &command, steps, found);
            return;
        }
        let is_helper = crate::knowledge::starts::is_helper(name);
        if is_helper || !program.contains(&b'/') {
            let text = command
                .argv
                .iter()
                .map(|word| quoted(word))
                .collect::<Vec<_>>()
                .join(&b' ');
            self.called(&text, None, &[], &command, steps, found);
            return;
        }
        let Some(path) = self.path(program, command.dir.as_ref()) else {
            return;
        };
        let real = self.real(&path);
        let Some(real) = real.filter(|real| self.scope.contains(real)) else {
            self.come_to(&command);
            // Whatever runs it, a program of the application is among its words.
            for (at, word) in args.iter().enumerate() {
                let path = self.path(word, command.dir.as_ref());
                let real = path
                    .as_ref()
                    .and_then(|path| Some((path, self.real(path)?)));
                if let Some((path, real)) = real
                    && let Some(language) = language_of(&real, b"")
                {
                    self.entry(language, path, real, &args[at + 1..], &command, found);
                    return;
                }
            }
            return;
        };
        let text = self.root.read(real.as_bytes(), LIMIT).unwrap_or_default();
        if !text.starts_with(b"#!") {
            self.come_to(&command);
            return;
        }
        match language_of(&real, &text[..text.len().min(HEAD)]) {
            Some(language) => {
                self.come_to(&command);
                self.entry(language, &path, real, args, &command, found);
            }
            _ => self.script(program, args, &command, steps, found),
        }
    }

    /// Follows a script of the shell to what it starts.
    fn script(
        &self,
        script: &[u8],
        args: &[Vec<u8>],
        command: &Command,
        steps: usize,
        found: &mut BTreeSet<Entry>,
    ) {
        let Some(path) = self.path(script, command.dir.as_ref()) else {
            return;
        };
        if let Ok(text) = self.root.read(path.as_bytes(), LIMIT)
            && !text.contains(&0)
        {
            self.called(&text, Some(path.as_bytes()), args, command, steps, found);
        }
    }

    fn called(
        &self,
        text: &[u8],
        script: Option<&[u8]>,
        args: &[Vec<u8>],
        command: &Command,
        steps: usize,
        found: &mut BTreeSet<Entry>,
    ) {
        let called = call(&Call {
            text,
            script,
            args,
            user: command.user.as_deref().unwrap_or("root").as_bytes(),
            dir: command.dir.as_ref().map(AppPath::as_bytes),
            vars: &command.env,
            world: &self.system,
        });
        for started in called.started {
            let file = started.file.as_deref().or(script);
            let said = file.map(|file| Locus::line(&AppPath::new(file), started.line));
            let next = Command {
                said: said.or_else(|| command.said.clone()),
                ..self.started(started.run, command)
            };
            match next.argv == command.argv {
                true => self.come_to(&next),
                false => self.follow(next, steps, found),
            }
        }
    }

    /// Keeps a command that starts nothing else that is known.
    fn come_to(&self, command: &Command) {
        let Some((program, args)) = command.argv.split_first() else {
            return;
        };
        let Some(at) = &command.at else { return };
        let text = |word: &Vec<u8>| String::from_utf8_lossy(word).into_owned();
        let reached = Reached {
            at: at.clone(),
            said: command.said.clone().unwrap_or_else(|| at.clone()),
            program: AppPath::new(program),
            args: args.iter().map(text).collect(),
        };
        let mut commands = self.commands.borrow_mut();
        if !commands.contains(&reached) {
            commands.push(reached);
        }
    }

    /// What a script gives to a process that it starts.
    fn started(&self, run: Run, command: &Command) -> Command {
        let mut env = command.env.clone();
        env.extend(run.env);
        let paths = env.get("PATH").cloned();
        let mut argv = run.argv;
        if let Some(program) = argv.first_mut()
            && !program.contains(&b'/')
            && let Some(path) = self.system.find(program, paths.as_deref())
        {
            *program = path.as_bytes().to_vec();
        }
        let user = run.user.and_then(|user| String::from_utf8(user).ok());
        let dir = run.dir.as_deref().and_then(AppPath::absolute);
        Command {
            at: command.at.clone(),
            said: command.said.clone(),
            argv,
            dir: dir.or_else(|| command.dir.clone()),
            user: user.or_else(|| command.user.clone()),
            env,
        }
    }

    /// The script that an interpreter is given.
    fn interpreted(&self, language: Language, command: &Command, found: &mut BTreeSet<Entry>) {
        let Some((interpreter, args)) = command.argv.split_first() else {
            return;
        };
        let interpreter = self.path(interpreter, command.dir.as_ref());
        let mut search = Vec::new();
        let mut words = args.iter().enumerate();
        while let Some((at, word)) = words.next() {
            let rest = args.get(at + 1..).unwrap_or_default();
            match (language, word.as_slice()) {
                (Language::Python, b"-m") => {
                    let Some((module, rest)) = rest.split_first() else {
                        return;
                    };
                    self.module(module, interpreter.as_ref(), rest, command, found);
                    return;
                }
                (_, b"-e" | b"--eval" | b"-p") if language != Language::Python => return,
                (Language::Python, b"-c") | (Language::Php, b"-r") => return,
                (Language::Perl | Language::Ruby, b"-I") => {
                    let dir = rest
                        .first()
                        .and_then(|dir| self.path(dir, command.dir.as_ref()));
                    search.extend(dir);
                    words.next();
                }
                (Language::Perl | Language::Ruby, [b'-', b'I', dir @ ..]) => {
                    search.extend(self.path(dir, command.dir.as_ref()));
                }
                (Language::Python, b"-W" | b"-X")
                | (Language::JavaScript, b"-r" | b"--require" | b"--import" | b"--loader")
                | (Language::Ruby, b"-r" | b"-C")
                | (Language::Php, b"-c" | b"-d" | b"-S" | b"-t" | b"-z") => {
                    words.next();
                }
                (_, [b'-', ..]) => {}
                _ => {
                    let path = self.path(word, command.dir.as_ref());
                    let Some(path) = path else { return };
                    let mut real = self.real(&path);
                    if real.is_none() && language == Language::JavaScript {
                        let names = [&b".js"[..], b"/index.js"].into_iter();
                        let mut names =
                            names.map(|end| AppPath::new([path.as_bytes(), end].concat()));
                        real = names.find_map(|path| self.real(&path));
                    }
                    let Some(real) = real else { return };
                    let mut own = BTreeSet::new();
                    self.entry(language, &path, real, rest, command, &mut own);
                    for mut entry in own {
                        entry.search.extend(search.iter().cloned());
                        entry
                            .search
                            .extend(interpreter.iter().flat_map(|path| self.site(path)));
                        found.insert(entry);
                    }
                    return;
                }
            }
        }
    }

    fn entry(
        &self,
        language: Language,
        path: &AppPath,
        real: AppPath,
        args: &[Vec<u8>],
        command: &Command,
        found: &mut BTreeSet<Entry>,
    ) {
        if !self.scope.contains(&real) {
            return;
        }
        let text = self.root.read(real.as_bytes(), LIMIT).unwrap_or_default();
        let mut search = Vec::new();
        let mut packages = BTreeSet::new();
        if language == Language::Python {
            search = self.site(path);
            let line = text
                .strip_prefix(b"#!")
                .and_then(|rest| rest.split(|byte| *byte == b'\n').next());
            let interpreter = line.map(<[u8]>::trim_ascii).and_then(AppPath::absolute);
            search.extend(interpreter.iter().flat_map(|path| self.site(path)));
            if text.len() < SMALL {
                packages = imported(&text);
            }
        }
        for variable in ["PYTHONPATH", "PERL5LIB", "RUBYLIB"] {
            let dirs = command
                .env
                .get(variable)
                .map(Vec::as_slice)
                .unwrap_or_default();
            search.extend(
                dirs.split(|byte| *byte == b':')
                    .filter_map(AppPath::absolute),
            );
        }
        found.insert(Entry {
            files: vec![real],
            language: Some(language),
            dir: command.dir.clone(),
            beside: false,
            home: self.home(command.user.as_deref()),
            env: command.env.clone(),
            options: options(args),
            search,
            packages,
            served: false,
        });
    }
}

/// A word as a shell reads it back.
fn quoted(word: &[u8]) -> Vec<u8> {
    let mut out = vec![b'\''];
    for byte in word {
        match byte {
            b'\'' => out.extend_from_slice(b"'\\''"),
            byte => out.push(*byte),
        }
    }
    out.push(b'\'');
    out
}

/// The packages that a short program of Python imports, as package tools write it.
fn imported(text: &[u8]) -> BTreeSet<Vec<u8>> {
    let lines = text.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
    let named = lines.filter_map(|line| {
        let rest = line
            .strip_prefix(b"from ")
            .or_else(|| line.strip_prefix(b"import "))?;
        rest.split(|byte| !byte.is_ascii_alphanumeric() && *byte != b'_')
            .next()
    });
    named
        .filter(|name| name.len() > 2)
        .map(<[u8]>::to_vec)
        .collect()
}

/// What the options of a command give: `--data-dir x`, `--data-dir=x`.
fn options(args: &[Vec<u8>]) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    for (at, word) in args.iter().enumerate() {
        let Some(option) = word.strip_prefix(b"--") else {
            continue;
        };
        let equals = option.iter().position(|byte| *byte == b'=');
        let (name, value) = match equals {
            Some(at) => (&option[..at], Some(option[at + 1..].to_vec())),
            None => {
                let next = args.get(at + 1).filter(|next| !next.starts_with(b"-"));
                (option, next.cloned())
            }
        };
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            found.insert(folded(&String::from_utf8_lossy(name)), value);
        }
    }
    found
}
