//! The system on which scripts are called, and what each starter of it starts.

use std::collections::BTreeMap;

use super::super::reach;
use super::framed::{self, Frame};
use super::{SOURCED_LIMIT, Starter};
use crate::extract::shell::{self, Caller};
use crate::extract::{self, HEAD, Input, Out, TEXT_LIMIT};
use crate::fact::{Fact, Kind, StartKind, What};
use crate::knowledge::places;
use crate::parse::accounts::Accounts;
use crate::parse::budget::CRONTAB;
use crate::parse::crontab::{self, Form};
use crate::parse::op::Way;
use crate::parse::shell::{Call, Called, Started, World, call};
use crate::path::AppPath;
use crate::tree::{LookupError, Root};

/// The search path that a system gives to its services (environ(7), init(8)).
const SEARCH_PATH: &[u8] = b"/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// How many scripts deep one that starts another is followed.
const MAX_SCRIPTS: usize = 4;

/// A system as scripts see it.
pub(in crate::link) struct System<'a> {
    pub(in crate::link) root: &'a Root,
    pub(in crate::link) accounts: &'a Accounts,
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
        let found = reach::expand(self.root, &AppPath::new(pattern), false);
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
    pub(in crate::link) fn find(&self, name: &[u8], paths: Option<&[u8]>) -> Option<AppPath> {
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
    pub(super) fn script(&self, file: &AppPath, starter: &Starter) -> Option<Vec<Fact>> {
        let node = self.root.resolve(file.as_bytes()).ok()?;
        let text = self.root.read(file.as_bytes(), TEXT_LIMIT).ok()?;
        let input = Input::new(file, &node.stat, &text[..text.len().min(HEAD)], &text);
        if node.stat.kind != Kind::File || !shell::is_script(&input) {
            return None;
        }
        let frame = match shell::frame_of(&input) {
            Some(b"init-d-script") => Some(Frame::Debian),
            Some(_) => Some(Frame::OpenRc),
            None => None,
        };
        let framed = match frame {
            Some(frame) => Some(framed::script(frame, file, &text)?),
            None => None,
        };
        let name = |path: &AppPath| String::from_utf8_lossy(path.name()).into_owned();
        let (how, name, args) = match starter {
            Starter::Action => (StartKind::Init, name(file), vec![b"start".to_vec()]),
            Starter::Local => (StartKind::Init, name(file), Vec::new()),
            Starter::Once => (StartKind::Cron, format!("at/{}", name(file)), Vec::new()),
            _ => (StartKind::Supervisor, name(&file.parent()?), Vec::new()),
        };
        let user = match starter {
            Starter::Once => self.user_of_job(&text),
            _ => "root".to_owned(),
        };
        let dir = match starter {
            Starter::Supervised => file.parent(),
            _ => Some(AppPath::root()),
        };
        let called = call(&Call {
            text: framed.as_deref().unwrap_or(&text),
            script: Some(file.as_bytes()),
            args: &args,
            user: user.as_bytes(),
            dir: dir.as_ref().map(AppPath::as_bytes),
            vars: &BTreeMap::new(),
            world: self,
        });
        if !is_followed(&called) {
            return None;
        }
        let mut out = Out::default();
        let caller = Caller {
            file,
            line: None,
            how,
            name: &name,
            by_program: *starter == Starter::Local,
            find: &|name, paths| self.find(name, paths),
        };
        shell::called(&called, &caller, &mut out);
        if *starter == Starter::Once {
            for fact in &mut out.facts {
                if let What::Starts { given, .. } = &mut fact.what {
                    let mut own = given.take().map(|given| *given).unwrap_or_default();
                    own.user.get_or_insert_with(|| user.clone());
                    *given = own.told();
                }
            }
        }
        self.judge(&mut out.facts);
        Some(out.facts)
    }

    /// The user of a job of at(1): `# atrun uid=1000 gid=1000` heads it.
    fn user_of_job(&self, text: &[u8]) -> String {
        let mut lines = text.split(|byte| *byte == b'\n').take(4);
        let number = lines.find_map(|line| {
            let line = std::str::from_utf8(line.strip_prefix(b"# atrun uid=")?).ok()?;
            line.split_ascii_whitespace().next()?.parse::<u32>().ok()
        });
        let Some(number) = number else {
            return "root".to_owned();
        };
        let known = self.accounts.by_uid(number);
        known.map_or_else(|| number.to_string(), |user| user.name.clone())
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
    pub(super) fn inittab(&self, file: &AppPath) -> Option<Vec<Fact>> {
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
                name: "inittab",
                by_program: true,
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
    pub(super) fn table(&self, file: &AppPath, form: Form) -> Option<Vec<Fact>> {
        let text = self.root.read(file.as_bytes(), SOURCED_LIMIT).ok()?;
        let mut table = crontab::parse(&text, form);
        // The reader of the table tells what is beyond it.
        table
            .jobs
            .truncate(usize::try_from(CRONTAB.steps).unwrap_or(usize::MAX));
        let name = extract::cron::name_of(file);
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
            // crontab(5): cron sets these unless the table does.
            let mut all = vars.clone();
            let given = [
                ("HOME", home.as_deref()),
                ("LOGNAME", Some(user.as_bytes())),
            ];
            for (name, value) in given {
                if let Some(value) = value {
                    let value = || value.to_vec();
                    all.entry(name.to_owned()).or_insert_with(value);
                }
            }
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
                vars: &all,
                world: self,
            });
            let caller = Caller {
                file,
                line: Some(job.line),
                how,
                name: &name,
                by_program: false,
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
                    own.env.retain(|name, _| !vars.contains_key(name));
                    *given = own.told();
                }
            }
            self.judge(&mut out.facts[before..]);
        }
        Some(out.facts)
    }
}

/// Whether a call was followed to an end: one that was not understood, and came to nothing, says nothing.
fn is_followed(called: &Called) -> bool {
    !called.cut || !called.started.is_empty()
}
