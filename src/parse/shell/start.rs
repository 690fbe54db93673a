//! Commands that run other commands.
//!
//! Each takes itself off the front and hands on the rest, with what it changes: the user, the
//! group, the process id's file, whether it goes into the background.

use super::super::op::{Act, Deed, Run, Way};
use super::super::value::{HOLE, SPLIT, Value, folded, is_hole, seen_from};
use super::called::Stop;
use super::expand::name_of;
use super::grammar::split_assignment;
use super::walk::Walk;

/// How many wrappers may stand before a command.
const MAX_WRAPPERS: usize = 12;

/// Wrappers: name, single letters that take a value, and how many operands come before the
/// command.
const WRAPPERS: &[(&str, &[u8], usize)] = &[
    ("authbind", b"", 0),
    ("builtin", b"", 0),
    ("busybox", b"", 0),
    ("catchsegv", b"", 0),
    ("cgexec", b"g", 0),
    ("chroot", b"", 1),
    ("chrt", b"TPD", 1),
    ("command", b"", 0),
    ("doas", b"uC", 0),
    ("env", b"uCS", 0),
    ("envdir", b"", 1),
    ("exec", b"a", 0),
    ("fghack", b"", 0),
    ("gosu", b"", 1),
    ("ionice", b"cnp", 0),
    ("nice", b"n", 0),
    ("nohup", b"", 0),
    ("numactl", b"NmCpPi", 0),
    ("pgrphack", b"", 0),
    ("pkexec", b"", 0),
    ("s6-envdir", b"", 1),
    ("s6-setsid", b"", 0),
    ("s6-softlimit", b"acdfhlmoprst", 0),
    ("schedtool", b"pan", 0),
    ("setarch", b"", 0),
    ("setlock", b"", 1),
    ("setpriv", b"", 0),
    ("setsid", b"", 0),
    ("softlimit", b"acdflmoprst", 0),
    ("stdbuf", b"ioe", 0),
    ("su-exec", b"", 1),
    ("sudo", b"ughpCrtTU", 0),
    ("taskset", b"", 1),
    ("time", b"fo", 0),
    ("timeout", b"ks", 1),
    ("unshare", b"", 0),
    ("xargs", b"aIEnLPsd", 0),
    ("xvfb-run", b"efnpsw", 0),
];

/// Wrappers that say something by themselves.
const NOTED: &[&str] = &[
    "chroot",
    "chrt",
    "doas",
    "numactl",
    "pkexec",
    "schedtool",
    "setpriv",
    "sudo",
    "taskset",
    "unshare",
];

const SHELLS: &[&[u8]] = &[b"sh", b"bash", b"dash", b"ksh", b"ash", b"zsh"];

impl Walk<'_> {
    /// A command with its words.
    pub(super) fn start(&mut self, argv: &[Value], background: bool) {
        let way = if background {
            Way::Background
        } else if self.tail {
            Way::Last
        } else {
            Way::Plain
        };
        let run = Run {
            argv: argv.to_vec(),
            way,
            ..Run::default()
        };
        self.start_run(run, MAX_WRAPPERS);
    }

    pub(super) fn start_run(&mut self, mut run: Run, wrappers: usize) {
        if run.argv.is_empty() || wrappers == 0 {
            return;
        }
        let name = name_of(&run.argv).to_vec();
        if !run.argv[0].contains(&b'/') && self.own(&name, &run.argv) {
            return;
        }
        if SHELLS.contains(&name.as_slice()) {
            self.shell(run, wrappers);
            return;
        }
        match name.as_slice() {
            b"su" | b"runuser" => {
                self.noted(&run.argv);
                return self.su(run, wrappers);
            }
            b"start-stop-daemon" => return self.start_stop_daemon(run),
            b"daemon" | b"daemonize" | b"start_daemon" => return self.daemon(run, wrappers),
            b"startproc" => return self.startproc(run, wrappers),
            b"chpst" | b"setuidgid" | b"envuidgid" | b"s6-setuidgid" => {
                return self.set_user(run, wrappers);
            }
            b"flock" => return self.flock(run, wrappers),
            _ => {}
        }
        let wrapper = WRAPPERS
            .iter()
            .find(|(known, _, _)| known.as_bytes() == name);
        let Some((known, letters, skip)) = wrapper else {
            self.plain(run);
            return;
        };
        let asked = run.argv.clone();
        let options = take_options(&mut run.argv, letters);
        match *known {
            "exec" => run.way = Way::Exec,
            "sudo" => run.user = option(&options, b'u').or(run.user),
            "gosu" | "su-exec" => {
                let account = run.argv.first().cloned().unwrap_or_default();
                set_account(&mut run, &account);
            }
            _ => {}
        }
        let skip = match *known {
            // With -p these change a process that runs already.
            "taskset" | "chrt" | "ionice" if option(&options, b'p').is_some() => return,
            "taskset" if option(&options, b'c').is_some() => 1,
            _ => *skip,
        };
        if let ("envdir" | "s6-envdir", Some(dir)) = (*known, run.argv.first().cloned()) {
            self.variables_of(&dir);
        }
        if NOTED.contains(known) {
            let words = asked.len() - run.argv.len();
            self.noted(&asked[..words.max(2).min(asked.len())]);
        }
        run.argv.drain(..skip.min(run.argv.len()));
        if matches!(*known, "env" | "sudo") {
            self.environment(&mut run.argv);
        }
        if *known == "xargs" {
            run.argv.push(vec![HOLE]);
        }
        // Without a command it only moves what is open.
        let ends = *known == "exec" && !run.argv.is_empty();
        self.start_run(run, wrappers - 1);
        if ends {
            self.stop(Stop::Exit);
        }
    }

    /// Keeps that a wrapper was called, with its own words: what it starts is kept by itself.
    fn noted(&mut self, words: &[Value]) {
        let is_own = |word: &&Value| !matches!(word.as_slice(), b"-c" | b"--command" | b"--");
        if self.calling.is_none() {
            let own = words.iter().take_while(is_own).take(6);
            let argv = own.map(|word| folded(word)).collect();
            self.ran(Run {
                argv,
                ..Run::default()
            });
        }
    }

    /// `NAME=value` words before a command, as env(1) takes them.
    fn environment(&mut self, argv: &mut Vec<Value>) {
        while let Some((name, _, behind)) = argv.first().and_then(|word| split_assignment(word)) {
            let word = argv.remove(0);
            let value = word.get(behind..).unwrap_or_default();
            if !is_hole(value) {
                if self.calling.is_some() {
                    self.exported.insert(name.clone());
                    self.env.insert(&name, vec![value.to_vec()]);
                }
                let deed = Deed::Set {
                    name,
                    value: folded(value),
                    exported: true,
                };
                self.op("=", deed);
            }
        }
    }

    /// A command that runs nothing else.
    pub(super) fn plain(&mut self, mut run: Run) {
        let known = self.files(&run.argv);
        // What the table knows is still noted where it is more than handling files.
        let handles_files = known
            && !matches!(
                name_of(&run.argv),
                b"openssl"
                    | b"chcon"
                    | b"keytool"
                    | b"make-ssl-cert"
                    | b"mknod"
                    | b"ssh-keygen"
                    | b"adduser"
                    | b"useradd"
                    | b"wget"
                    | b"curl"
                    | b"scp"
                    | b"rsync"
                    | b"initdb"
                    | b"pg_ctl"
                    | b"mysql_install_db"
            );
        if handles_files || run.argv.first().is_none_or(|name| is_hole(name)) {
            return;
        }
        let name = run.argv[0].clone();
        if name.contains(&b'/') {
            run.argv[0] = seen_from(self.cwd.as_deref(), &name);
        }
        for word in &mut run.argv {
            *word = folded(word);
        }
        let within = &self.within;
        run.user = run.user.or_else(|| within.user.clone());
        run.group = run.group.or_else(|| within.group.clone());
        run.pidfile = run.pidfile.or_else(|| within.pidfile.clone());
        if matches!(run.way, Way::Plain | Way::Last) && within.way != Way::Plain {
            run.way = within.way;
        }
        run.service |= within.service;
        run.user = run.user.map(|user| folded(&user));
        run.group = run.group.map(|group| folded(&group));
        if let Some(pidfile) = run.pidfile.take() {
            self.path(Act::Writes, &pidfile, "pidfile");
            run.pidfile = Some(folded(&seen_from(self.cwd.as_deref(), &pidfile)));
        }
        self.ran(run);
    }

    /// `sh -c TEXT`, `sh FILE`, or a script on standard input.
    pub(super) fn shell(&mut self, mut run: Run, wrappers: usize) {
        let command = run.argv.iter().position(|word| {
            word.starts_with(b"-") && !word.starts_with(b"--") && word.ends_with(b"c")
        });
        if let Some(at) = command {
            if let Some(script) = run.argv.get(at + 1).cloned() {
                self.script_as(&script, &run);
            }
            return;
        }
        run.argv.remove(0);
        while run
            .argv
            .first()
            .is_some_and(|word| word.starts_with(b"-") || word.starts_with(b"+"))
        {
            run.argv.remove(0);
        }
        if run.argv.is_empty() {
            if let Some(document) = self.document.take() {
                self.line = document.line;
                self.script_as(&document.text, &run);
            }
            return;
        }
        if let Some((file, args)) = run.argv.clone().split_first() {
            let outer = self.enter(&run);
            let is_read = self.read_by_shell(file, args);
            self.within = outer;
            if is_read {
                return;
            }
        }
        if let Some(file) = run.argv.first_mut().filter(|file| !is_hole(file))
            && !file.contains(&b'/')
        {
            file.splice(..0, b"./".iter().copied());
        }
        self.start_run(run, wrappers - 1);
    }

    /// The text of a script that runs as another user, or in another way.
    pub(super) fn script_as(&mut self, script: &[u8], run: &Run) {
        let outer = self.enter(run);
        let user = self.within.user.clone();
        let before = match (&mut self.calling, user) {
            (Some(calling), Some(user)) => Some(std::mem::replace(&mut calling.user, user)),
            _ => None,
        };
        let here = run.dir.clone().map(|dir| self.cwd.replace(dir));
        self.scoped(Stop::Exit, |walk| walk.nested(script));
        if let Some(here) = here {
            self.cwd = here;
        }
        if let (Some(calling), Some(before)) = (&mut self.calling, before) {
            calling.user = before;
        }
        self.within = outer;
    }

    /// What follows runs as `run` says; what was so far comes back.
    fn enter(&mut self, run: &Run) -> Run {
        let outer = std::mem::take(&mut self.within);
        self.within = Run {
            user: run.user.clone().or_else(|| outer.user.clone()),
            group: run.group.clone().or_else(|| outer.group.clone()),
            pidfile: run.pidfile.clone(),
            service: run.service || outer.service,
            way: match run.way {
                Way::Plain | Way::Last => outer.way,
                other => other,
            },
            ..Run::default()
        };
        outer
    }
}

/// Takes the wrapper's name and its options off the front.
pub(super) fn take_options(argv: &mut Vec<Value>, letters: &[u8]) -> Vec<(u8, Value)> {
    let mut options = Vec::new();
    let mut at = 1;
    while let Some(word) = argv.get(at) {
        if word.first() != Some(&b'-') || word.len() < 2 {
            break;
        }
        at += 1;
        if word == b"--" {
            break;
        }
        if word.starts_with(b"--") {
            continue;
        }
        let takes = word
            .iter()
            .enumerate()
            .skip(1)
            .find(|(_, letter)| letters.contains(letter));
        match takes {
            Some((place, letter)) => {
                let letter = *letter;
                let mut value = word.get(place + 1..).unwrap_or_default().to_vec();
                if value.is_empty() {
                    value = argv.get(at).cloned().unwrap_or_default();
                    at += 1;
                }
                options.push((letter, value));
            }
            None => options.extend(word.iter().skip(1).map(|letter| (*letter, Vec::new()))),
        }
    }
    argv.drain(..at.min(argv.len()));
    options
}

pub(super) fn option(options: &[(u8, Value)], letter: u8) -> Option<Value> {
    let found = options.iter().find(|(known, _)| *known == letter)?;
    Some(found.1.clone())
}

/// `USER`, `USER:GROUP`, `USER.GROUP`, and chpst's `:UID:GID`.
pub(super) fn set_account(run: &mut Run, account: &[u8]) {
    let account = account.strip_prefix(b":").unwrap_or(account);
    let mut parts = account.splitn(2, |byte| *byte == b':');
    let user = parts.next().unwrap_or_default();
    if !user.is_empty() && !is_hole(user) && !user.contains(&SPLIT) {
        run.user = Some(user.to_vec());
    }
    if let Some(group) = parts.next().filter(|group| !group.is_empty()) {
        run.group = Some(group.to_vec());
    }
}
